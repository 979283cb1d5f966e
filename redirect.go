package session

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
)

// DefaultMaxRedirects is how many redirects are followed where nothing else is
// said, as in requests.
const DefaultMaxRedirects = 30

// Redirector follows redirects, in steps that can be replaced one by one: nil
// is the default, which is exported, so that a replacement can call it. It is
// embedded in [Session], whose methods NextRequest and Follow use its fields; by
// itself it works without one. It is requests' SessionRedirectMixin.
type Redirector struct {
	// MaxRedirects is how many redirects are followed; one more is a
	// [*RedirectError]. 0 is DefaultMaxRedirects, negative allows none.
	MaxRedirects int
	// Cache remembers permanent redirects; nil remembers none.
	Cache *RedirectCache
	// RedirectTarget gives the Location to follow, and whether there is one.
	// Nil is [RedirectTarget].
	RedirectTarget func(resp *Response) (location string, ok bool)
	// RebuildMethod sets the method of the next request. Nil is [RebuildMethod].
	RebuildMethod func(next *http.Request, prev *Response)
	// ShouldStripAuth says whether credentials are dropped between two URLs.
	// Nil is [ShouldStripAuth].
	ShouldStripAuth func(from, to *url.URL) bool
	// RebuildAuth takes credentials off the next request or puts them on. Nil
	// is [Session.DefaultRebuildAuth], which asks ShouldStripAuth; without a
	// session, credentials are only dropped.
	RebuildAuth func(next *http.Request, prev *Response) error
	// RebuildProxies gives the proxies for the next request, where proxies are
	// those that request and session name. What it returns is all that is
	// used. Nil is [Session.DefaultRebuildProxies].
	RebuildProxies func(next *http.Request, proxies Proxies) (Proxies, error)

	session *Session // whose cookies and netrc the steps use; nil for none
}

// RedirectTarget returns the Location of a response with status 301, 302, 303,
// 307 or 308; none if it is empty. requests' get_redirect_target.
func RedirectTarget(resp *Response) (location string, ok bool) {
	if !resp.IsRedirect() {
		return "", false
	}
	location = resp.Header.Get("Location")
	return location, location != ""
}

// RebuildMethod makes a GET of anything but HEAD after 302 and 303, and of POST
// after 301. requests' rebuild_method.
func RebuildMethod(next *http.Request, prev *Response) {
	switch prev.StatusCode {
	case http.StatusSeeOther, http.StatusFound:
		if next.Method != http.MethodHead {
			next.Method = http.MethodGet
		}
	case http.StatusMovedPermanently:
		if next.Method == http.MethodPost {
			next.Method = http.MethodGet
		}
	}
}

// ShouldStripAuth reports whether credentials are dropped on a redirect: to
// another host (a sub-domain is one), port or scheme, but for http on port 80
// to https on port 443. requests' should_strip_auth.
func ShouldStripAuth(from, to *url.URL) bool {
	if from.Scheme == to.Scheme && from.Host == to.Host {
		return false
	}
	if hostKey(from) != hostKey(to) {
		return true
	}
	if from.Scheme == "http" && portOf(from) == "80" && to.Scheme == "https" && portOf(to) == "443" {
		return false
	}
	return from.Scheme != to.Scheme || portOf(from) != portOf(to)
}

func (r *Redirector) limit() int {
	switch {
	case r.MaxRedirects == 0:
		return DefaultMaxRedirects
	case r.MaxRedirects < 0:
		return 0
	}
	return r.MaxRedirects
}

func (r *Redirector) target(resp *Response) (string, bool) {
	if r.RedirectTarget != nil {
		return r.RedirectTarget(resp)
	}
	return RedirectTarget(resp)
}

func (r *Redirector) stripAuth(from, to *url.URL) bool {
	if r.ShouldStripAuth != nil {
		return r.ShouldStripAuth(from, to)
	}
	return ShouldStripAuth(from, to)
}

// NextRequest returns the request that prev redirects to, its body rewound; it
// sends nothing. It is nil where prev is no redirect. Errors are those of the
// Location ([ErrInvalidURL]), of headers that a hook has put on prev's request and
// that cannot be sent ([ErrInvalidHeader]), of the body ([ErrUnrewindableBody]),
// and of the steps. requests' Response.next.
func (r *Redirector) NextRequest(prev *Response) (*http.Request, error) {
	next, err := r.next(prev, callerContext(prev))
	if next != nil {
		callOf(next.Context()).sent = new(atomic.Bool)
	}
	return next, err
}

// callerContext is the context that a request was made in, without the deadline
// of a call that has returned.
func callerContext(resp *Response) context.Context {
	if resp == nil || resp.Response == nil || resp.Request == nil {
		return context.Background()
	}
	if c := callOf(resp.Request.Context()); c != nil {
		ctx, _ := c.running()
		return ctx
	}
	return resp.Request.Context()
}

// runningContext is the context that a call is in, with a deadline of ours.
func runningContext(req *http.Request) context.Context {
	if c := callOf(req.Context()); c != nil {
		return c.Context
	}
	return req.Context()
}

// next builds the next request in a context.
func (r *Redirector) next(prev *Response, ctx context.Context) (*http.Request, error) {
	if prev == nil || prev.Response == nil {
		return nil, kindf(ErrInvalidRequest, "no response")
	}
	location, ok := r.target(prev)
	if !ok {
		return nil, nil
	}
	from := prev.Request
	if from == nil || from.URL == nil {
		return nil, kindf(ErrInvalidRequest, "a response whose request is not known")
	}
	known := callOf(from.Context())
	if known == nil {
		known = &call{redirects: true, limits: &noLimits}
	}
	made := known.under(ctx)
	c := &made.call
	if most := bound(c.limits.Location, defaultLocation); int64(len(location)) > most {
		return nil, &LimitError{"length of Location", most}
	}
	to, err := resolveLocation(from.URL, location)
	if err != nil {
		return nil, err
	}
	c.origin, c.previous, c.sent, c.cookiesGiven = originOfURL(to), from.URL.Scheme, nil, false
	next := made.by(from)
	next.URL = to
	if next.Header, err = c.inherit(from.Header, "Proxy-Authorization", "Cookie"); err != nil {
		return nil, err
	}
	c.secrets = c.secrets.redirected(to, next.Header)
	if from.Host == from.URL.Host || r.stripAuth(from.URL, to) {
		next.Host = to.Host // an override belongs to its origin
	}
	if r.session != nil {
		if err := r.session.addCookies(next, c); err != nil {
			return nil, err
		}
	}
	r.rebuildMethod(next, prev)
	if prev.StatusCode != http.StatusTemporaryRedirect && prev.StatusCode != http.StatusPermanentRedirect {
		dropBody(next)
	}
	if err := r.rebuild(next, prev, c); err != nil {
		return nil, err
	}
	if err := r.checkSteps(next, c); err != nil {
		closeBody(next)
		return nil, err
	}
	return next, nil
}

// checkSteps refuses what cannot be sent as the steps have left it. Headers are
// checked where they are set, but for those that steps of the caller's set.
func (r *Redirector) checkSteps(next *http.Request, c *call) error {
	if err := checkMessage(next); err != nil {
		return err
	}
	if r.RebuildMethod == nil && r.RebuildAuth == nil && r.RebuildProxies == nil {
		return nil
	}
	return c.checkHeaders(next.Header)
}

func (r *Redirector) rebuildMethod(next *http.Request, prev *Response) {
	if r.RebuildMethod != nil {
		r.RebuildMethod(next, prev)
		return
	}
	RebuildMethod(next, prev)
}

// dropBody takes the body off a request, and what describes it.
func dropBody(req *http.Request) {
	req.Body, req.GetBody, req.ContentLength, req.TransferEncoding, req.Trailer = nil, nil, 0, nil, nil
	deleteHeader(req.Header, "Content-Length", "Content-Type", "Transfer-Encoding",
		"Content-Encoding", "Content-Language", "Content-Location")
}

// rebuild runs the steps that need the request whole: proxies, auth, body.
func (r *Redirector) rebuild(next *http.Request, prev *Response, c *call) (err error) {
	if r.RebuildProxies != nil {
		if c.proxies, err = r.RebuildProxies(next, c.proxies); err != nil {
			return err
		}
		c.resolved = true
	}
	if err := r.rebuildAuth(next, prev); err != nil || next.Body == nil {
		return err
	}
	next.Body, err = rewound(prev.Request)
	return err
}

func (r *Redirector) rebuildAuth(next *http.Request, prev *Response) error {
	switch {
	case r.RebuildAuth != nil:
		return r.RebuildAuth(next, prev)
	case r.session != nil:
		return r.session.DefaultRebuildAuth(next, prev)
	case r.stripAuth(prev.Request.URL, next.URL):
		dropCredentials(next)
	}
	return nil
}

// dropCredentials takes off a request what its auth put on it, and any
// Authorization.
func dropCredentials(next *http.Request) {
	c := callOf(next.Context())
	c.removeFrom(next.Header)
	c.credentials = credentials{}
	deleteHeader(next.Header, "Authorization")
}

// Follow follows the redirects that begin with first, and yields each further
// response, the last one too, as it comes; send sends one request without
// following. What was yielded is drained and closed when the loop goes on. A
// response's History holds those before it. After an error nothing follows:
// one redirect too many is a [*RedirectError]. It is requests' resolve_redirects.
func (r *Redirector) Follow(first *Response, send func(*http.Request) (*Response, error)) iter.Seq2[*Response, error] {
	return r.follow(callerContext(first), first, func(next *http.Request) (*Response, error) {
		callOf(next.Context()).sent = new(atomic.Bool)
		return send(next)
	})
}

// follow is Follow in a context.
func (r *Redirector) follow(ctx context.Context, first *Response, send func(*http.Request) (*Response, error)) iter.Seq2[*Response, error] {
	return func(yield func(*Response, error) bool) {
		var history []*Response
		for resp := first; ; {
			next, err := r.nextOf(ctx, resp, history)
			if next == nil && err == nil {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			resp.History = slices.Clip(history)
			resp.drain()
			history = append(history, resp)
			from := resp
			if resp, err = send(next); err != nil {
				yield(nil, &hopError{next, err})
				return
			}
			r.Cache.remember(from, resp)
			resp.History = slices.Clip(history)
			if !yield(resp, nil) {
				return
			}
		}
	}
}

// nextOf is the request that follows resp in a chain; nil at its end. resp is
// closed where it gives an error.
func (r *Redirector) nextOf(ctx context.Context, resp *Response, history []*Response) (*http.Request, error) {
	if resp == nil || resp.Response == nil {
		return nil, nil
	}
	if _, ok := r.target(resp); !ok || r.leaves(resp) {
		return nil, nil
	}
	if len(history) >= r.limit() {
		resp.History = slices.Clip(history)
		resp.drain()
		return nil, &RedirectError{Response: resp, History: resp.History}
	}
	return resp.unlessFails(func() (*http.Request, error) { return r.next(resp, ctx) })
}

// leaves reports whether a redirect is the caller's to follow: net/http returns
// one that would need a body again which it cannot have.
func (r *Redirector) leaves(resp *Response) bool {
	if resp.StatusCode != http.StatusTemporaryRedirect && resp.StatusCode != http.StatusPermanentRedirect || resp.Request == nil {
		return false
	}
	c, body := callOf(resp.Request.Context()), resp.Request.Body
	return c != nil && c.dropIn && body != nil && body != http.NoBody && resp.Request.GetBody == nil
}

// withSession returns the session's Redirector, with the session for the steps
// that need one.
func (s *Session) withSession() *Redirector {
	r := s.Redirector
	r.session = s
	return &r
}

// NextRequest returns the request that prev redirects to, its body rewound; nil
// where prev is no redirect. See [Redirector.NextRequest] for errors.
func (s *Session) NextRequest(prev *Response) (*http.Request, error) {
	return s.withSession().NextRequest(prev)
}

// Follow follows the redirects that begin with first, a response that was had
// without following them, and yields each further response as it comes; see
// [Redirector.Follow]. Responses are streamed where first was: the one that
// the loop is left with is to be read or closed then, and no other. A Total
// timeout bounds each hop.
func (s *Session) Follow(first *Response) iter.Seq2[*Response, error] {
	return func(yield func(*Response, error) bool) {
		for resp, err := range s.withSession().Follow(first, s.sendHop) {
			if err != nil && first.Request != nil {
				err = envelopeOf(first.Request, err)
			}
			if !yield(resp, err) {
				return
			}
		}
	}
}

// sendHop sends one request of a chain that the caller follows.
func (s *Session) sendHop(req *http.Request) (*Response, error) {
	c := callOf(req.Context())
	timed, cancel := c.bounded(req)
	resp, err := s.exchange(timed)
	callOf(timed.Context()).end()
	if err != nil {
		cancel()
		return nil, err
	}
	resp.whenClosed(cancel)
	if c.stream {
		return resp, nil
	}
	if _, more := s.target(resp); more {
		resp.drain()
		return resp, nil
	}
	return resp, resp.load()
}

// followAll follows every redirect, and returns the last response.
func (s *Session) followAll(first *Response) (*Response, error) {
	last := first
	if _, ok := s.target(first); !ok {
		return first, nil
	}
	for resp, err := range s.withSession().follow(runningContext(first.Request), first, s.exchange) {
		if err != nil {
			return nil, err
		}
		last = resp
	}
	return last, nil
}

// DefaultRebuildAuth is the step RebuildAuth: credentials are dropped where
// ShouldStripAuth says so, with every header that the Auth set; where they are
// kept, the Auth runs again. Where there are none, the netrc file is asked for
// the new host, if the session trusts the environment. requests' rebuild_auth.
func (s *Session) DefaultRebuildAuth(next *http.Request, prev *Response) (err error) {
	c := callOf(next.Context())
	if c == nil {
		return errors.New("session: a request of no session")
	}
	if c.auth == NoAuth {
		if s.stripAuth(prev.Request.URL, next.URL) {
			deleteHeader(next.Header, "Authorization")
		}
		return nil
	}
	if s.stripAuth(prev.Request.URL, next.URL) {
		dropCredentials(next)
	}
	auth := c.auth
	// a URL that names a user is not to get another one's password (CVE-2026-8926)
	if auth == nil && s.TrustEnv && next.URL.User == nil && !hasValue(next.Header, "Authorization") {
		auth = s.netrcAuth(next.URL, c)
	}
	if auth == nil {
		return nil
	}
	c.removeFrom(next.Header)
	return c.authenticate(auth, next)
}

// DefaultRebuildProxies is the step RebuildProxies: the proxies named for the
// call, and the environment's, unless NO_PROXY names the new host.
// requests' rebuild_proxies.
func (s *Session) DefaultRebuildProxies(next *http.Request, proxies Proxies) (Proxies, error) {
	return s.MergeEnvironment(next.URL, Request{Proxies: proxies}).Proxies, nil
}

// startingPoint is where a request is really to be sent: itself, or where the
// cache of permanent redirects leads. Only GET and HEAD are led on.
func (s *Session) startingPoint(req *http.Request) (*http.Request, error) {
	if s.Cache == nil || !callOf(req.Context()).redirects || req.Method != http.MethodGet && req.Method != http.MethodHead {
		return req, nil
	}
	redirector := s.withSession()
	for location := range s.Cache.chain(req.URL) {
		permanent := &Response{Response: &http.Response{
			StatusCode: http.StatusPermanentRedirect, Request: req,
			Header: http.Header{"Location": {location}}, Body: http.NoBody,
		}}
		next, err := redirector.next(permanent, runningContext(req))
		if next == nil || err != nil {
			return req, err
		}
		closeBody(req)
		req = next
	}
	return req, nil
}
