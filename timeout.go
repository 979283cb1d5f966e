package session

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// NoTimeout, in a field of a [Timeout], removes what would be inherited.
const NoTimeout time.Duration = -1

// Timeout bounds the parts of a call. It is a field of [Session] and
// [Request], and an [Option]. In each field 0 inherits, from the session and
// there from nothing, and a negative value ([NoTimeout]) is no limit.
//
// The context bounds the whole call too. No timer runs for a limit that is not
// set. net/http's own guards of the base transport (dialling 30 s, TLS
// handshake 10 s) hold besides. Connect, and Read until the answer begins, need
// an adapter that reports to [net/http/httptrace], as net/http's transports do.
type Timeout struct {
	// Connect bounds the time to a usable connection: name lookup, dialling,
	// the proxy and the TLS handshake. Past it: [ErrConnectTimeout]. net/http
	// goes on to connect then, as when the context is cancelled, since a later
	// request may use the connection, until its own guards or [Session.Close]
	// end that.
	Connect time.Duration
	// Read bounds each wait for the server: for the next piece of a body sent
	// to be taken, for the answer's headers, and for each piece of its body.
	// A slow transfer that makes progress never ends by it.
	// Past it: [ErrReadTimeout].
	Read time.Duration
	// Total bounds the call with its redirects, retries and the body of the
	// answer, also where that is streamed. Past it: [ErrTotalTimeout].
	Total time.Duration
}

// Seconds returns a Timeout with the same limit for connecting and for each
// read, as requests' timeout=number does.
func Seconds(n float64) Timeout {
	d := time.Duration(n * float64(time.Second))
	return Timeout{Connect: d, Read: d}
}

// Apply makes a Timeout an [Option]: fields that are set replace the request's.
func (t Timeout) Apply(r *Request) { r.Timeout = t.over(r.Timeout) }

// over returns t with the fields that are not set taken from base.
func (t Timeout) over(base Timeout) Timeout {
	inherit := func(d, from time.Duration) time.Duration {
		if d == 0 {
			return from
		}
		return d
	}
	return Timeout{inherit(t.Connect, base.Connect), inherit(t.Read, base.Read), inherit(t.Total, base.Total)}
}

// watchdog ends one exchange with a server when it has waited for longer than
// a limit, by cancelling the exchange's context with the error to return.
type watchdog struct {
	limit  Timeout
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	wait     wait        // what is waited for
	timer    *time.Timer // that looks whether it is overdue; nil before the first wait
	next     time.Time   // when it does; zero for never
	answered bool        // headers are here: what is still sent is no longer waited for
	stopped  bool
}

// wait is something waited for, and how long; zero for nothing.
type wait struct {
	kind  error
	what  string
	limit time.Duration
	due   time.Time
}

// watch returns a context for one exchange under the limits, and the watchdog
// over it; nil where no limit is set.
func watch(ctx context.Context, limit Timeout) (context.Context, *watchdog) {
	if limit.Connect <= 0 && limit.Read <= 0 {
		return ctx, nil
	}
	w := &watchdog{limit: limit}
	ctx, w.cancel = context.WithCancelCause(ctx)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { w.arm(ErrConnectTimeout, "no connection", limit.Connect) },
		GotConn:      func(httptrace.GotConnInfo) { w.waitToSend() },
		WroteRequest: func(httptrace.WroteRequestInfo) { w.waitToSend() },
	})
	return ctx, w
}

// arm starts the wait for what; what was waited for before has come.
func (w *watchdog) arm(kind error, what string, limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armLocked(kind, what, limit)
}

// armLocked leaves a timer that looks in time as it is, since a body may be read
// in many small pieces: it looks again when it comes to that.
func (w *watchdog) armLocked(kind error, what string, limit time.Duration) {
	w.disarmLocked()
	if limit <= 0 || w.stopped {
		return
	}
	w.wait = wait{kind, what, limit, time.Now().Add(limit)}
	if w.next.IsZero() || w.next.After(w.wait.due) {
		w.lookAfter(limit)
	}
}

func (w *watchdog) disarmLocked() { w.wait = wait{} }

func (w *watchdog) lookAfter(after time.Duration) {
	w.next = time.Now().Add(after)
	if w.timer == nil {
		w.timer = time.AfterFunc(after, w.look)
		return
	}
	w.timer.Reset(after)
}

// look ends the exchange if what is waited for is overdue.
func (w *watchdog) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = time.Time{}
	switch left := time.Until(w.wait.due); {
	case w.wait.limit == 0 || w.stopped:
	case left > 0:
		w.lookAfter(left)
	default:
		w.cancel(timeoutError(w.wait.kind, w.wait.what, w.wait.limit))
	}
}

func (w *watchdog) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.disarmLocked()
}

// waitToSend waits for the server to take what is sent, and to answer.
func (w *watchdog) waitToSend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.answered {
		w.armLocked(ErrReadTimeout, "no answer", w.limit.Read)
	}
}

// gotHeaders ends the wait for the answer.
func (w *watchdog) gotHeaders() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = true
	w.disarmLocked()
}

// waitForBody waits for the next piece of the answer's body.
func (w *watchdog) waitForBody() { w.arm(ErrReadTimeout, "no byte of the body", w.limit.Read) }

// stop ends the exchange and frees what the watchdog holds.
func (w *watchdog) stop() {
	w.mu.Lock()
	w.stopped = true
	w.disarmLocked()
	if w.timer != nil {
		w.timer.Stop()
	}
	w.mu.Unlock()
	w.cancel(context.Canceled)
}

// upload lets the watchdog see a body being sent: while the body's own reader
// is asked, the server is not waited for.
func (w *watchdog) upload(req *http.Request) {
	if req.Body == nil || req.Body == http.NoBody || w.limit.Read <= 0 {
		return
	}
	req.Body = &watchedUpload{req.Body, w}
}

// maxPiece bounds what is given to be sent at once, in bytes, so that a server
// that takes it slowly is seen to take it. It is the size of net/http's buffer.
const maxPiece = 4 << 10

type watchedUpload struct {
	io.ReadCloser
	w *watchdog
}

func (u *watchedUpload) Read(p []byte) (int, error) {
	u.w.disarmUpload()
	n, err := u.ReadCloser.Read(p[:min(len(p), maxPiece)])
	u.w.waitToSend()
	return n, err
}

// disarmUpload stops waiting unless the answer has begun: then the timer is
// the answer's.
func (w *watchdog) disarmUpload() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.answered {
		w.disarmLocked()
	}
}
