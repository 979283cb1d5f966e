package session

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
)

// call is what a prepared request carries with it, in its context, besides
// what net/http has a field for: the settings that were merged for it, and
// what is known of its credentials, cookies and body. A call is not changed
// once its request is sent; the next hop gets a copy.
type call struct {
	context.Context

	// the settings
	proxies Proxies
	verify  Verify
	cert    Cert
	timeout Timeout
	limits  *Limits // never nil
	retry   *Retry
	hooks   Hooks

	// the request
	credentials
	origin      origin       // that the call was made for
	netrcPath   string       // the netrc file, "" for none
	secrets     *callSecrets // nil for none
	cookies     *ownCookies
	cookieValue [1]string // memory for the Cookie header that cookies and jar make
	body        *outbox   // nil for none, or one that is in memory

	// the hop before
	total    *total // nil where Context has no deadline of ours
	previous string // scheme of the URL that redirected here

	shield shield // between the call and its context

	sent *atomic.Bool // whether a request that was handed out has been sent; nil where it was made to be sent

	direct       bool // NoProxy
	resolved     bool // proxies came from a RebuildProxies: the environment is not asked
	stream       bool
	redirects    bool // are followed
	netrcSought  bool // the netrc file has been looked for, which is done once for all hops
	cookiesGiven bool // the Cookie header is the caller's, and stands alone
	oddNames     bool // headers of the request have names that are not canonical
	plain        bool // content codings are left as they are
	dropIn       bool // the request came to Do: net/http's contract holds
}

// callContext is a call as the context of its request. It prints no credentials:
// package fmt goes behind one pointer, where a verb does not fit it, never two.
type callContext struct{ *shield }

type shield struct{ *call }

// asContext returns the call as a context. A copy of a call is asked anew.
func (c *call) asContext() callContext {
	c.shield.call = c
	return callContext{&c.shield}
}

type callKey struct{}

// Value gives the call itself, so that it is found in any context derived from it.
func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// callOf is the call that a request carries, nil for a request that was not
// prepared by a session.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// origin is where a URL leads, kept apart from the URL, which may be changed.
type origin struct{ scheme, host string }

func originOfURL(u *url.URL) origin {
	if u == nil {
		return origin{}
	}
	return origin{u.Scheme, u.Host}
}

// made reports whether the call is that of a request, and not of another one
// that was only given its context.
func (c *call) made(req *http.Request) bool {
	return sameOrigin(&url.URL{Scheme: c.origin.scheme, Host: c.origin.host}, req.URL)
}

// carried is a call with the request that carries it, in one piece of memory:
// they are made together, and live as long.
type carried struct {
	call call
	req  http.Request
}

// by makes a copy of from carry the call, and returns it.
func (c *carried) by(from *http.Request) *http.Request {
	c.req = *from.WithContext(c.call.asContext())
	return &c.req
}

// byCopy is by with a URL and headers that may be changed apart from from's.
func (c *carried) byCopy(from *http.Request) *http.Request {
	next, u := c.by(from), *from.URL
	next.URL, next.Header = &u, from.Header.Clone()
	return next
}

// newCall merges the settings of a request over the session's.
func (s *Session) newCall(ctx context.Context, u *url.URL, r *Request) *carried {
	retry := r.Retry
	if retry == nil {
		retry = s.Retry
	}
	return &carried{call: call{
		Context:   ctx,
		origin:    originOfURL(u),
		proxies:   r.Proxies.over(s.Proxies),
		direct:    r.NoProxy,
		verify:    r.Verify,
		cert:      r.Cert,
		timeout:   r.Timeout.over(s.Timeout),
		limits:    mergedLimits(&r.Limits, &s.Limits),
		retry:     retry,
		hooks:     r.Hooks.over(s.Hooks),
		stream:    r.Stream.or(s.Stream),
		redirects: r.Redirects.or(r.Method != http.MethodHead),
	}}
}

// markSent notes that the request is sent, and reports whether it was before.
func (c *call) markSent() (before bool) { return c.sent == nil || c.sent.Swap(true) }

// under returns a copy of the call in another context.
func (c *call) under(ctx context.Context) *carried {
	copied := &carried{call: *c}
	copied.call.Context = ctx
	return copied
}

// total is the Total timeout of a call. It holds for what a hook of the call
// sends in its context, and for nothing that is sent when the call has returned.
type total struct {
	over   atomic.Bool     // the call has returned
	caller context.Context // around the one with the deadline
	around *total          // of the call whose hook makes this one; nil for none
}

// end says that a call has returned.
func (c *call) end() {
	if c.total != nil {
		c.total.over.Store(true)
	}
}

// running gives the call's context, the Totals of calls that have returned left
// behind, and the Total that holds in it; nil for none.
func (c *call) running() (context.Context, *total) {
	ctx, t := c.Context, c.total
	for t != nil && t.over.Load() {
		ctx, t = t.caller, t.around
	}
	return ctx, t
}

// bounded returns a request whose call ends with its Total timeout, and what
// frees the timer; the request itself where no Total is set.
func (c *call) bounded(req *http.Request) (*http.Request, context.CancelFunc) {
	if c.timeout.Total <= 0 {
		return req, func() {}
	}
	ctx, cancel := context.WithTimeoutCause(c.Context, c.timeout.Total,
		timeoutError(ErrTotalTimeout, "no end of the call", c.timeout.Total))
	_, around := c.running()
	timed := c.under(ctx)
	timed.call.total = &total{caller: c.Context, around: around}
	return timed.by(req), cancel
}
