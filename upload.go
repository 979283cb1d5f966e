package session

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// outbox is the body of a call. It hands out a reader for each time that the
// body is sent, and closes the caller's own readers, once, when nothing will
// send them again: transports close a body whenever an attempt ends, and may go
// on reading it in the background after they have answered.
type outbox struct {
	open    func() (io.ReadCloser, error)
	sources []*source // the caller's readers behind open
	length  int64     // that is announced; -1 where none is

	opening sync.Mutex // makes it one step to see that an upload is the latest, and to open it
	latest  atomic.Pointer[upload]
	round   int          // under opening: how often the session has rewound
	calls   atomic.Int32 // that are being made, and may ask for another upload
}

// newOutbox returns the outbox of a content; nil for one that is in memory.
func newOutbox(c content) *outbox {
	if c.open == nil {
		return nil
	}
	return &outbox{open: c.open, sources: c.sources, length: c.length}
}

// announce says how long the body has to be, -1 for any length.
func (o *outbox) announce(length int64) {
	if o != nil {
		o.length = length
	}
}

// next gives the body from its start. Nothing is opened before it is read. It
// is an [ErrUnrewindableBody] where a reader of the caller's can be read only
// once, and was.
func (o *outbox) next() (io.ReadCloser, error) { return o.give(1) }

// again is next for anybody, as a GetBody: it takes nothing away from the others.
func (o *outbox) again() (io.ReadCloser, error) { return o.give(0) }

func (o *outbox) give(rounds int) (io.ReadCloser, error) {
	for _, s := range o.sources {
		if !s.canOpen() {
			return nil, ErrUnrewindableBody
		}
	}
	o.opening.Lock()
	defer o.opening.Unlock()
	o.round += rounds
	u := &upload{outbox: o, round: o.round}
	if rounds > 0 || o.calls.Load() > 0 {
		o.latest.Store(u)
	}
	return u, nil
}

// openFor opens the body for an upload. Where it comes from a reader of the
// caller's, that must be the latest upload: net/http may begin to read a body
// after its request was answered, and would take it away from the next one.
func (o *outbox) openFor(u *upload) (io.ReadCloser, error) {
	if len(o.sources) == 0 {
		return o.open()
	}
	o.opening.Lock()
	defer o.opening.Unlock()
	if u.round != o.round {
		return nil, errSuperseded
	}
	return o.open()
}

// superseded reports whether a later upload has the caller's readers.
func (o *outbox) superseded(u *upload) bool {
	if len(o.sources) == 0 {
		return false
	}
	o.opening.Lock()
	defer o.opening.Unlock()
	return u.round != o.round
}

// gave reports whether a body is one of the outbox's.
func (o *outbox) gave(body io.ReadCloser) bool {
	u, ok := body.(*upload)
	return ok && u.outbox == o
}

// replayable reports whether next gives the body any number of times.
func (o *outbox) replayable() bool {
	for _, s := range o.sources {
		if s.seeker == nil {
			return false
		}
	}
	return true
}

// begin says that a call may ask for the body again and again.
func (o *outbox) begin() {
	if o != nil {
		o.calls.Add(1)
	}
}

// finish says that a call which began will not ask for the body again. After
// the last one the caller's readers are closed when the transport has closed
// the last upload, or at once where now is set.
func (o *outbox) finish(now bool) {
	if o == nil || o.calls.Add(-1) > 0 {
		return
	}
	if latest := o.latest.Load(); now || latest == nil || latest.closed.Load() {
		o.close()
	}
}

// closeWith has the caller's readers closed as soon as ctx ends, until stop is
// called: net/http waits for a reader that it reads from, even past that.
func (o *outbox) closeWith(ctx context.Context) (stop func() bool) {
	if o == nil || len(o.sources) == 0 {
		return func() bool { return false }
	}
	return context.AfterFunc(ctx, o.close)
}

func (o *outbox) close() {
	for _, s := range o.sources {
		s.close()
	}
}

// upload is the body being sent once. Its Close may come while it is read.
type upload struct {
	outbox *outbox
	round  int // of the session's that it is for

	mu     sync.Mutex
	body   io.ReadCloser // once it is read
	closed atomic.Bool

	sent int64 // touched by Read alone
}

var (
	errBodyLonger  = errors.New("longer than its Content-Length")
	errBodyShorter = errors.New("shorter than its Content-Length")
)

// Read reads the body; an error of it is an [ErrRequestBody], not one of the
// connection that it goes to.
func (u *upload) Read(p []byte) (int, error) {
	body, err := u.opened()
	if err != nil {
		return 0, wrapKind(ErrRequestBody, err)
	}
	if u.outbox.superseded(u) {
		return 0, wrapKind(ErrRequestBody, errSuperseded)
	}
	n, err := body.Read(p)
	if u.outbox.length >= 0 && (err == nil || err == io.EOF) {
		n, err = u.measure(body, n, err)
	}
	if err != nil && err != io.EOF {
		err = wrapKind(ErrRequestBody, err)
	}
	return n, err
}

// measure holds a body to the length that was announced. The last piece is
// handed out once the end was seen behind it: a server that got it all would
// take what was cut off for the whole.
func (u *upload) measure(body io.Reader, n int, err error) (int, error) {
	u.sent += int64(n)
	if err == nil && n > 0 && u.sent == u.outbox.length {
		var beyond [1]byte
		var more int
		more, err = io.ReadFull(body, beyond[:])
		u.sent += int64(more)
	}
	switch {
	case u.sent > u.outbox.length:
		return 0, errBodyLonger
	case u.sent < u.outbox.length && err == io.EOF:
		return n, errBodyShorter
	}
	return n, err
}

func (u *upload) opened() (io.ReadCloser, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed.Load() {
		return nil, os.ErrClosed
	}
	if u.body == nil {
		body, err := u.outbox.openFor(u)
		if err != nil {
			return nil, err
		}
		u.body = body
	}
	return u.body, nil
}

// Close closes what was opened; closing it again does nothing.
func (u *upload) Close() (err error) {
	u.mu.Lock()
	body := u.body
	again := u.closed.Swap(true)
	u.mu.Unlock()
	if again {
		return nil
	}
	if body != nil {
		err = body.Close()
	}
	if u.outbox.calls.Load() <= 0 && u.outbox.latest.Load() == u {
		u.outbox.close()
	}
	return err
}

// source lets one reader of the caller's be sent: any number of times if it
// can seek, else once.
type source struct {
	r      io.Reader
	seeker io.Seeker // nil where r cannot seek
	start  int64     // where it stood at first

	mu      sync.Mutex // held while r is read
	current *sourceReader

	started atomic.Bool // some of r may have been read
	closed  atomic.Bool
}

func newSource(r io.Reader) *source {
	s := &source{r: r}
	if seeker, ok := r.(io.Seeker); ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			s.seeker, s.start = seeker, start
		}
	}
	return s
}

// canOpen reports whether the body is to be had from its start.
func (s *source) canOpen() bool {
	return !s.closed.Load() && (s.seeker != nil || !s.started.Load())
}

// open gives the body from its start; the reader given before is cut off.
func (s *source) open() (io.ReadCloser, error) {
	if !s.canOpen() {
		return nil, ErrUnrewindableBody
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started.Load() {
		if _, err := s.seeker.Seek(s.start, io.SeekStart); err != nil {
			return nil, wrapKind(ErrUnrewindableBody, err)
		}
	}
	s.current = &sourceReader{s}
	return s.current, nil
}

// close closes the caller's reader, if it can be closed, once.
func (s *source) close() {
	closer, ok := s.r.(io.Closer)
	if ok && !s.closed.Swap(true) {
		_ = closer.Close()
	}
}

// sourceReader reads a source until another one does.
type sourceReader struct{ source *source }

var errSuperseded = errors.New("session: the body is being sent anew")

func (r *sourceReader) Read(p []byte) (int, error) {
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != r {
		return 0, errSuperseded
	}
	s.started.Store(true)
	return s.r.Read(p)
}

// Close leaves the caller's reader open: it may be sent again.
func (r *sourceReader) Close() error { return nil }
