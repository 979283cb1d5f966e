package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Retry says which failed attempts are made again, with the meaning of
// urllib3's Retry. It is a field of [Session] and [Request], and as a pointer
// an [Option]; nil inherits, and an empty Retry makes one attempt, as requests
// does by default. It must not change while it is in use.
//
// Failures count apart by their kind: no connection was made (any method is
// tried again, since nothing was sent), no answer came, the answer's status is
// in Statuses, or something else: a proxy refused the tunnel (any method), or a
// mounted adapter failed in a way of its own. What is not marked is for allowed
// methods alone. TLS that failed, as over a certificate that is not trusted, a
// proxy's 407, a limit that was crossed, an address that a Guard refused, an
// error in a body and the end of the context are never retried.
// A body that can be read only once, and of which some was sent, ends the
// retries with an [ErrUnrewindableBody].
type Retry struct {
	// Total bounds the retries in all. Where it is 0, only failures whose own
	// bound is set are retried; negative is no retry of any.
	Total int
	// Connect, Read, Status and Other bound the retries after failures to
	// connect, to get an answer, after statuses, and after anything else. 0 is
	// no bound but Total, negative no retry of that kind.
	Connect, Read, Status, Other int
	// Methods are those that may be sent again though they may have reached the
	// server. Nil is the idempotent ones: GET, HEAD, PUT, DELETE, OPTIONS,
	// TRACE; "*" is every method. A request with an Idempotency-Key or an
	// X-Idempotency-Key header may always be.
	Methods []string
	// Statuses are retried; besides them 413, 429 and 503 with a Retry-After
	// header. Nil is those alone.
	Statuses []int
	// BackoffFactor gives the waits: none before the first retry, then twice the
	// factor, four times, and so on, as in urllib3.
	BackoffFactor time.Duration
	// BackoffMax bounds a wait. 0 is 120 s.
	BackoffMax time.Duration
	// BackoffJitter is the most by which a wait, but for the first, is prolonged
	// at random.
	BackoffJitter time.Duration
	// IgnoreRetryAfter leaves the Retry-After header aside.
	IgnoreRetryAfter bool
	// RetryAfterMax bounds the wait that a Retry-After asks for. 0 is 6 hours.
	RetryAfterMax time.Duration
	// ReturnStatus returns the last response without an error when retries run
	// out on a status. urllib3's raise_on_status=False.
	ReturnStatus bool
}

// NoRetry is an [Option] that makes one attempt, whatever the session says.
const NoRetry noRetry = 0

type noRetry int

func (noRetry) Apply(r *Request) { r.Retry = &Retry{} }

// Apply makes a *Retry an [Option]: the request's Retry.
func (r *Retry) Apply(request *Request) { request.Retry = r }

func (r *Retry) clone() *Retry {
	if r == nil {
		return nil
	}
	copied := *r
	copied.Methods, copied.Statuses = slices.Clone(r.Methods), slices.Clone(r.Statuses)
	return &copied
}

// Attempt is a request that was made, as [RetryError] and
// [Response.Attempts] list them.
type Attempt struct {
	Method string
	URL    string        // its password, and parameters that are secret, masked
	Status int           // 0 where no answer came
	Err    error         // why none came
	Wait   time.Duration // until the next attempt
}

// RetryError is what a call returns when its retries have run out, or when the
// next one could not be made: the body can be read only once
// ([ErrUnrewindableBody]), or the deadline comes first ([ErrTimeout]). It wraps
// the last attempt's error, whose kinds it matches; it matches
// [ErrRetriesExhausted] where retries ran out.
type RetryError struct {
	// Response is that of the last attempt, its body read, of a streamed call up
	// to 1 MiB; nil where no answer came.
	Response *Response
	Attempts []Attempt // in order
	Err      error     // the last attempt's, or why the next one could not be made

	exhausted bool
}

// Error says how often was tried, and why it ended.
func (e *RetryError) Error() string {
	what := "gave up"
	if e.exhausted {
		what = "retries exhausted"
	}
	plural := "s"
	if len(e.Attempts) == 1 {
		plural = ""
	}
	return fmt.Sprintf("session: %s after %d attempt%s: %v", what, len(e.Attempts), plural, e.Err)
}

// Is makes the error match [ErrRetriesExhausted] where retries ran out.
func (e *RetryError) Is(target error) bool { return e.exhausted && target == ErrRetriesExhausted }

// Unwrap gives the last attempt's error.
func (e *RetryError) Unwrap() error { return e.Err }

// Timeout says whether the last attempt ended by a timeout.
func (e *RetryError) Timeout() bool { return errors.Is(e.Err, ErrTimeout) }

const (
	defaultBackoffMax    = 120 * time.Second
	defaultRetryAfterMax = 6 * time.Hour
)

// failure is why an attempt is to be made again.
type failure int

const (
	failedOther failure = iota
	failedConnect
	failedRead
	failedStatus
)

// retries counts what is left of a Retry during one hop.
type retries struct {
	policy   *Retry
	left     [4]int // by failure; negative where that is no reason to retry
	total    int
	made     int
	wait     time.Duration // before the next attempt
	attempts []Attempt
}

func newRetries(policy *Retry) *retries {
	r := &retries{policy: policy, total: policy.Total}
	unset := math.MaxInt
	if policy.Total == 0 {
		r.total, unset = math.MaxInt, -1
	}
	for kind, bound := range [...]int{policy.Other, policy.Connect, policy.Read, policy.Status} {
		if bound == 0 {
			bound = unset
		}
		r.left[kind] = bound
	}
	return r
}

// retries reports whether anything is ever retried.
func (p *Retry) retries() bool {
	return p != nil && (p.Total > 0 || p.Total == 0 && max(p.Connect, p.Read, p.Status, p.Other) > 0)
}

// attempts sends a request until it succeeds or its Retry is used up.
func (s *Session) attempts(req *http.Request) (*Response, error) {
	policy := callOf(req.Context()).retry
	if !policy.retries() {
		return s.hop(req)
	}
	r := newRetries(policy)
	for {
		resp, err := s.hop(req)
		r.note(req, resp, err)
		kind, again := r.judge(req, resp, err)
		if !again {
			return r.done(resp, err)
		}
		if !r.spend(kind) {
			return r.end(resp, nil, err)
		}
		if late := r.plan(req.Context(), resp); late != nil {
			return r.end(resp, late, err)
		}
		next, failed := nextAttempt(req)
		if failed != nil {
			return nil, r.giveUp(resp, failed, err)
		}
		if resp != nil {
			resp.drain()
		}
		if err := firstError(sleep(req.Context(), r.wait), authenticateAgain(next)); err != nil {
			closeBody(next)
			return nil, err
		}
		req = next
	}
}

// done ends with what the last attempt gave.
func (r *retries) done(resp *Response, err error) (*Response, error) {
	if resp != nil && len(r.attempts) > 1 {
		resp.Attempts = r.attempts
	}
	return resp, err
}

func (r *retries) note(req *http.Request, resp *Response, err error) {
	attempt := Attempt{Method: req.Method, URL: redactURL(req), Err: err}
	if resp != nil {
		attempt.Status = resp.StatusCode
	}
	r.attempts = append(r.attempts, attempt)
}

// judge says whether an attempt is one to make again, and what it counts as.
func (r *retries) judge(req *http.Request, resp *Response, err error) (kind failure, again bool) {
	switch {
	case err == nil:
		kind, again = failedStatus, r.policy.allows(req) && r.policy.retriesStatus(resp)
	case req.Context().Err() == nil:
		kind, again = r.policy.judge(req, err)
	}
	return kind, again && r.left[kind] >= 0
}

// judge tells how an attempt failed, and whether it may be made again.
func (p *Retry) judge(req *http.Request, err error) (failure, bool) {
	var refused *ProxyError
	switch {
	case errors.As(err, &refused):
		return failedOther, refused.StatusCode != http.StatusProxyAuthRequired
	case errors.Is(err, ErrTLS), errors.Is(err, ErrLimit), errors.Is(err, ErrAddressRefused):
		return failedOther, false
	case errors.Is(err, ErrConnectTimeout), isDial(err):
		return failedConnect, true
	case errors.Is(err, ErrReadTimeout), errors.Is(err, ErrConnection):
		return failedRead, p.allows(req)
	}
	return failedOther, p.allows(req) && !hasKind(err)
}

func (p *Retry) allows(req *http.Request) bool {
	if hasValue(req.Header, "Idempotency-Key") || hasValue(req.Header, "X-Idempotency-Key") {
		return true
	}
	if p.Methods != nil {
		return slices.Contains(p.Methods, "*") || slices.ContainsFunc(p.Methods, func(m string) bool {
			return strings.EqualFold(m, req.Method)
		})
	}
	switch req.Method {
	case "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE":
		return true
	}
	return false
}

func (p *Retry) retriesStatus(resp *Response) bool {
	if slices.Contains(p.Statuses, resp.StatusCode) {
		return true
	}
	switch resp.StatusCode {
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return !p.IgnoreRetryAfter && resp.Header.Get("Retry-After") != ""
	}
	return false
}

// spend takes one retry; false where none is left.
func (r *retries) spend(kind failure) bool {
	if r.total <= 0 || r.left[kind] <= 0 {
		return false
	}
	r.total--
	r.left[kind]--
	r.made++
	return true
}

// plan notes how long to wait before the retry that was just taken; an error
// where the context ends before that.
func (r *retries) plan(ctx context.Context, resp *Response) error {
	r.wait = r.backoff()
	if resp != nil && !r.policy.IgnoreRetryAfter {
		if after, ok := retryAfter(resp.Header.Get("Retry-After"), time.Now()); ok && after > 0 {
			r.wait = min(after, positive(r.policy.RetryAfterMax, defaultRetryAfterMax))
		}
	}
	if deadline, ok := ctx.Deadline(); ok && r.wait > 0 && time.Until(deadline) <= r.wait {
		return kindf(ErrTimeout, "the deadline comes before the next attempt, in %v", r.wait)
	}
	r.attempts[len(r.attempts)-1].Wait = r.wait
	return nil
}

// backoff is urllib3's get_backoff_time.
func (r *retries) backoff() time.Duration {
	if r.made <= 1 {
		return 0
	}
	bound := positive(r.policy.BackoffMax, defaultBackoffMax)
	wait := float64(r.policy.BackoffFactor) * math.Pow(2, float64(r.made-1))
	wait += rand.Float64() * float64(r.policy.BackoffJitter)
	if wait >= float64(bound) {
		return bound
	}
	return max(time.Duration(wait), 0)
}

func positive(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// retryAfter reads a Retry-After header (RFC 9110 section 10.2.3): seconds or
// a date. A date that has passed is no wait, and neither is a negative number.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if seconds, ok := parseSeconds(value); ok {
		const most = math.MaxInt64 / int64(time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second, true
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return max(date.Sub(now), 0), true
}

// sleep waits, or returns why ctx has ended.
func sleep(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return contextError(ctx)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	}
}

// end ends retries that have run out, or whose wait is too long: why, nil for
// the former.
func (r *retries) end(resp *Response, why, err error) (*Response, error) {
	if resp != nil && r.policy.ReturnStatus {
		return r.done(resp, nil)
	}
	return nil, r.giveUp(resp, why, err)
}

// maxKept is how much of the last answer's body is kept with the error where
// the call was to be streamed, in bytes.
const maxKept = 1 << 20

// giveUp is the error of retries that ended, with the last answer or without one.
func (r *retries) giveUp(resp *Response, why, err error) error {
	if resp != nil {
		resp.Attempts = r.attempts
		if callOf(resp.Request.Context()).stream {
			resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxKept}
		}
		_, _ = resp.Bytes() // what can be had of it; the status is the error
		err = &StatusError{resp}
	}
	if why != nil {
		err = fmt.Errorf("%w; the last attempt: %w", why, err)
	}
	return &RetryError{Response: resp, Attempts: r.attempts, Err: err, exhausted: why == nil}
}

// nextAttempt is a request made ready to be sent again, its body rewound.
func nextAttempt(req *http.Request) (*http.Request, error) {
	c := callOf(req.Context())
	next := c.under(c.Context).byCopy(req)
	body, err := rewound(req)
	if err != nil {
		return nil, err
	}
	next.Body = body
	return next, nil
}

// authenticateAgain runs the auth of a request anew, just before it is sent.
func authenticateAgain(next *http.Request) (err error) {
	c := callOf(next.Context())
	if c.auth == nil {
		return nil
	}
	c.removeFrom(next.Header)
	return c.authenticate(c.auth, next)
}
