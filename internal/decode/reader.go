package decode

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// A reader is what NewReader returns: the body below, a layer for each coding,
// and the limits on top.
type reader struct {
	body   io.ReadCloser
	limits Limits
	closed atomic.Bool

	mu     sync.Mutex // held by Read; guards the rest
	layers []*layer   // the one that is undone first comes first
	in     int64      // bytes that body gave
	out    int64      // bytes that Read returned
	fault  error      // what first went wrong, wherever it did
	err    error      // what ended reading; once set, decoders are gone
}

func newReader(body io.ReadCloser, list []string, limits Limits) *reader {
	r := &reader{body: body, limits: limits}
	var below io.Reader = &source{r: r}
	for _, coding := range slices.Backward(list) {
		l := &layer{r: r, coding: coding, in: newBuffer(below)}
		r.layers = append(r.layers, l)
		below = l
	}
	return r
}

// Read implements [io.Reader]; see [NewReader].
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	n, err := r.read(p)
	r.mu.Unlock()
	if r.closed.Load() {
		r.releaseIdle()
	}
	return n, err
}

func (r *reader) read(p []byte) (int, error) {
	if r.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	n, err := r.readLimited(p)
	if err != nil {
		r.err = err
		r.release()
	}
	return n, err
}

// readLimited reads at most one byte more than MaxSize allows, which is how it
// tells a body of just that size from a longer one.
func (r *reader) readLimited(p []byte) (int, error) {
	limit := r.limits.MaxSize
	if limit > 0 {
		p = p[:min(int64(len(p)), limit-r.out+1)]
	}
	n, err := r.layers[len(r.layers)-1].Read(p)
	r.out += int64(n)
	if limit > 0 && r.out > limit {
		return n - 1, &LimitError{LimitSize, limit}
	}
	return n, err
}

// Close implements [io.Closer]; see [NewReader]. Calls after the first do
// nothing.
func (r *reader) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	err := r.body.Close() // first, for it ends a Read that waits
	r.releaseIdle()
	return err
}

// releaseIdle releases the decoders unless a Read is under way, which then
// does so itself when it returns.
func (r *reader) releaseIdle() {
	if r.mu.TryLock() {
		r.release()
		r.mu.Unlock()
	}
}

func (r *reader) release() {
	for _, l := range r.layers {
		l.release()
	}
	r.layers = nil
}

// check is asked by each layer about the bytes that it has produced so far.
func (r *reader) check(out int64) error {
	limit := r.limits.MaxRatio
	switch {
	case r.closed.Load():
		return r.stop(http.ErrBodyReadAfterClose)
	case limit > 0 && out > RatioFloor && out/limit > r.in:
		return r.stop(&LimitError{LimitRatio, limit})
	}
	return nil
}

// stop records why reading ends, and returns what was recorded first: decoders
// pass on the errors of what is below them, some of them changed.
func (r *reader) stop(err error) error {
	if r.fault == nil {
		r.fault = err
	}
	return r.fault
}

// A source reads the body, counts, and keeps the error for further calls.
type source struct {
	r   *reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.body.Read(p)
	s.r.in += int64(n)
	s.err = err
	if err != nil && err != io.EOF {
		s.r.stop(err)
	}
	return n, err
}

// maxTrailing is how much of what a coding leaves over is read at its end.
const maxTrailing = 64 << 10

// A layer undoes one coding.
type layer struct {
	r      *reader
	coding string
	in     *bufio.Reader
	dec    decoder // nil before the first Read
	out    int64
	err    error // sticky
}

func (l *layer) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.step(p)
	l.out += int64(n)
	switch err {
	case nil:
		l.err = l.r.check(l.out)
	case io.EOF:
		l.err = io.EOF
	default:
		l.err = l.r.stop(fmt.Errorf("%w (%s): %w", ErrDecode, l.coding, err))
	}
	return n, l.err
}

func (l *layer) step(p []byte) (int, error) {
	if l.dec == nil {
		if err := l.start(); err != nil {
			return 0, err
		}
	}
	n, err := l.dec.Read(p)
	if err == io.EOF {
		err = l.drain()
	}
	return n, err
}

// start opens the decoder if there is something to decode.
func (l *layer) start() error {
	_, err := l.in.Peek(1)
	if err != nil {
		return err
	}
	open := opener(l.coding)
	if open == nil {
		return errUnknown
	}
	l.dec, err = open(l.in)
	return err
}

// drain reads the little that may follow the coded data, so that the layer
// below, and in the end the body, come to their own end or error.
func (l *layer) drain() error {
	if _, err := l.in.Discard(maxTrailing); err != nil {
		return err
	}
	return io.EOF
}

func (l *layer) release() {
	if l.dec != nil {
		l.dec.release()
	}
	freeBuffer(l.in)
	l.dec, l.in = nil, nil
}
