package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cbf3e3a9/session/internal/decode"
)

// wireBody is a body as the transport gives it: each wait is watched, and an
// error has its kind.
type wireBody struct {
	io.ReadCloser
	ctx  context.Context
	dog  *watchdog
	free func()

	got, length int64   // bytes that came, and that there are to be; 0 or less where that is not known
	limits      *Limits // of draining before Close; nil where that gains nothing
	locked      bool    // Close waits for Read: net/http's gzip reader

	reading, closed, released atomic.Bool
}

func (b *wireBody) Read(p []byte) (int, error) {
	b.reading.Store(true)
	n, err := b.read(p)
	b.reading.Store(false)
	return n, err
}

func (b *wireBody) read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.dog != nil {
		b.dog.waitForBody()
	}
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	if b.dog != nil {
		b.dog.disarm()
	}
	if err == nil {
		return n, nil
	}
	if err != io.EOF {
		err = b.classify(err)
	}
	b.release()
	return n, err
}

// classify says why a body broke off: whatever is not a timeout or the end of
// the context is an incomplete body, since its headers were there.
func (b *wireBody) classify(err error) error {
	var known *kind
	switch ended := contextError(b.ctx); {
	case b.closed.Load():
		return http.ErrBodyReadAfterClose
	case ended != nil:
		return ended
	case errors.As(err, &known):
		return err
	case isTimeoutOf(err):
		return wrapKind(ErrReadTimeout, err)
	}
	err = tame(err)
	if b.length > 0 {
		err = fmt.Errorf("got %d of %d bytes: %w", b.got, b.length, err)
	}
	return wrapKind(ErrIncompleteBody, err)
}

// Close closes the body, once, and reads what is left of it before that where it
// is little, so that its connection can be used again. It may come while the body
// is being read, which it breaks off.
func (b *wireBody) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	body := b.ReadCloser
	if b.isWorthDraining() {
		hurried, late := b.hurried(b.limits)
		defer late.Stop()
		most := min(bound(b.limits.Drain, defaultDrain), math.MaxInt64-1)
		_, _ = io.CopyN(io.Discard, hurried, most+1)
		body = hurried
	}
	err := body.Close()
	b.release()
	return err
}

func (b *wireBody) isWorthDraining() bool {
	return b.limits != nil && !b.reading.Load() && !b.released.Load() && b.ctx.Err() == nil &&
		b.length-b.got <= bound(b.limits.Drain, defaultDrain)
}

// abort closes the body, and with it the connection that it comes over.
func (b *wireBody) abort() {
	if b.ReadCloser != nil && !b.closed.Swap(true) {
		_ = b.ReadCloser.Close()
		b.release()
	}
}

// hurried is the body for as long as draining may take: when it is late the body
// is closed, which breaks a read off.
func (b *wireBody) hurried(limits *Limits) (body *closedOnce, late *time.Timer) {
	patience := bound(limits.DrainTime, defaultDrainTime)
	if b.dog != nil && b.dog.limit.Read > 0 {
		patience = min(patience, b.dog.limit.Read)
	}
	body = &closedOnce{ReadCloser: b.ReadCloser}
	return body, time.AfterFunc(patience, func() { _ = body.Close() })
}

// closedOnce is a body whose Close may be called by several.
type closedOnce struct {
	io.ReadCloser
	once sync.Once
	err  error
}

func (b *closedOnce) Close() error {
	b.once.Do(func() { b.err = b.ReadCloser.Close() })
	return b.err
}

func (b *wireBody) release() {
	if b.released.Swap(true) {
		return
	}
	if b.dog != nil {
		b.dog.stop()
	}
	if b.free != nil {
		b.free()
	}
}

// responseBody is the Body of a response: the wire's, content codings undone.
type responseBody struct {
	io.ReadCloser
	wire    *wireBody
	call    *call
	decodes bool
	left    int64 // bytes that may still come
}

// open puts the decoders over a body that need them. Part of a body (206) is
// no whole stream, and is left as it is, as is a body that is none (304).
func (b *responseBody) open(wire *wireBody, got *http.Response, c *call) {
	b.ReadCloser, b.wire, b.call, b.left = wire, wire, c, bound(c.limits.Body, math.MaxInt64)
	codings := got.Header["Content-Encoding"]
	if c.plain || len(codings) == 0 || got.StatusCode == http.StatusPartialContent || wire.ReadCloser == http.NoBody {
		return
	}
	decoded, err := decode.NewReader(wire, codings, c.limits.decoding())
	if err != nil {
		decoded = failedBody{wire, err}
	}
	b.ReadCloser, b.decodes = decoded, decoded != io.ReadCloser(wire)
	got.Uncompressed = b.decodes
}

// boundedBody is a body that gives no more than left bytes.
type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, &LimitError{"length of a body kept with an error", maxKept}
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// failedBody is a body whose codings cannot be undone.
type failedBody struct {
	io.ReadCloser
	err error
}

func (b failedBody) Read([]byte) (int, error) { return 0, b.err }

// Read reads no more than one byte beyond the limit, by which it sees that there
// is more; the connection is given up then.
func (b *responseBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.tooLong()
	}
	if b.left < math.MaxInt64 {
		p = p[:min(int64(len(p)), b.left+1)]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		b.wire.abort()
		_ = b.ReadCloser.Close()
		return n - 1, b.tooLong()
	}
	if err != nil && err != io.EOF {
		if errors.Is(err, decode.ErrDecode) {
			b.wire.abort() // nothing that comes behind is of use
		}
		err = decodeError(err)
	}
	return n, err
}

func (b *responseBody) tooLong() error {
	return &LimitError{"length of a body", b.call.limits.Body}
}

// decodeError gives an error of the decoders its kind.
func decodeError(err error) error {
	var limit *decode.LimitError
	switch {
	case errors.As(err, &limit):
		return wrapKind(ErrDecode, &LimitError{limit.Limit, limit.Max})
	case errors.Is(err, decode.ErrDecode):
		return wrapKind(ErrDecode, err)
	}
	return err
}

var errDiscarded = errors.New("session: the body of an earlier response was not kept")

// drain reads what is left of a body that nobody waits for, as it came (a
// redirect's may be a bomb), and closes it. A body within the bounds is kept.
func (r *Response) drain() {
	if r.loaded || r.Body != &r.body {
		_ = r.Close() // it has been read, or is none of ours
		return
	}
	raw, whole := r.wire.drain(r.ContentLength, r.limits())
	if !whole {
		r.wire.abort()
	}
	_ = r.Body.Close()
	if !whole {
		r.loaded, r.replay = true, replay{err: errDiscarded}
		r.Body = &r.replay
		return
	}
	r.replay = replay{content: raw}
	r.wire = wireBody{ReadCloser: http.NoBody, ctx: context.Background()}
	if len(raw) > 0 {
		r.wire.ReadCloser = &r.replay
	}
	r.body.open(&r.wire, r.Response, r.body.call)
	r.Body = &r.body
}

func (b *wireBody) drain(length int64, limits *Limits) (raw []byte, whole bool) {
	if b.ReadCloser == http.NoBody {
		return nil, true
	}
	most := bound(limits.Drain, defaultDrain)
	if length > most || b.locked {
		return nil, false
	}
	body, late := b.hurried(limits)
	defer late.Stop()
	b.ReadCloser = body
	raw, err := readAll(io.LimitReader(b, most), max(length, 0))
	if err != nil || int64(len(raw)) < most {
		return raw, err == nil
	}
	n, err := b.Read(make([]byte, 1))
	return raw, n == 0 && err == io.EOF
}

// acceptsCoded reports whether a request's own headers ask for codings.
func (c *call) acceptsCoded(h http.Header) bool {
	ranges := c.header(h, "Range")
	return len(c.header(h, "Accept-Encoding")) > 0 || len(ranges) > 0 && strings.TrimSpace(ranges[0]) != ""
}
