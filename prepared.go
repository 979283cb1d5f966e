package session

import (
	"context"
	"net/http"
)

// withOptions gives a prepared request the settings of options. A request that
// no session prepared gets the session's.
func (s *Session) withOptions(req *http.Request, opts []Option) (*http.Request, error) {
	if req == nil || req.URL == nil {
		return req, kindf(ErrInvalidRequest, "a request without a URL")
	}
	r := &Request{Method: req.Method}
	for _, opt := range opts {
		if opt != nil {
			opt.Apply(r)
		}
	}
	if r.Method != req.Method || changesRequest(r) {
		r.closeReaders()
		return req, kindf(ErrInvalidRequest, "an option that changes a request which is already prepared")
	}
	var checked call
	if err := firstError(r.err, checkMessage(req), checked.checkHeaders(req.Header)); err != nil {
		return req, err
	}
	c := callOf(req.Context())
	if c == nil || !c.made(req) {
		return s.adoptPrepared(req, c, r, checked.oddNames)
	}
	c = c.resumed(req.Context()).with(r)
	c.oddNames = checked.oddNames
	had := c.body
	req = replaced(req, c)
	if c.body != had { // a body of the caller's, which nothing has sent
		c.markSent()
		return req, nil
	}
	return again(req, c)
}

// resumed is the call as it goes on in the context of its request.
func (c *call) resumed(ctx context.Context) *call {
	var holding *total
	if _, untouched := ctx.(callContext); untouched { // else the caller's own is around it
		ctx, holding = c.running()
	}
	c = &c.under(ctx).call
	c.total, c.netrcSought = holding, false
	return c
}

// replaced is a request with its call, whose body may be another one by now.
func replaced(req *http.Request, c *call) *http.Request {
	req = req.WithContext(c.asContext())
	if req.Body == nil || req.Body == http.NoBody || c.body != nil && c.body.gave(req.Body) {
		return req
	}
	if c.body == nil && req.GetBody != nil {
		return req // in memory
	}
	if req.GetBody != nil {
		if body, err := req.GetBody(); err == nil {
			if c.body.gave(body) {
				req.GetBody = nil
			} else {
				_ = body.Close()
			}
		}
	}
	c.body = nil
	adoptBody(req, c)
	return req
}

// adoptPrepared makes a request that no session prepared one of the session's.
// Where it has the context of another request, of the call around, it is bound
// by what that says of proxies, time and limits, and lent nothing that could be
// a credential.
func (s *Session) adoptPrepared(req *http.Request, around *call, r *Request, odd bool) (*http.Request, error) {
	made := s.newCall(req.Context(), req.URL, r)
	c := &made.call
	c.oddNames = odd
	if around != nil {
		c.proxies, c.direct = r.Proxies.over(around.proxies), around.direct || r.NoProxy
		c.timeout, c.limits = r.Timeout.over(around.timeout), mergedLimits(&r.Limits, around.limits)
		if r.Retry == nil {
			c.retry = around.retry
		}
	}
	own := made.by(req)
	if own.Header == nil {
		own.Header = make(http.Header)
	}
	adoptBody(own, c)
	return own, nil
}

// again gives a request that was sent before its body anew.
func again(req *http.Request, c *call) (*http.Request, error) {
	if !c.markSent() {
		return req, nil
	}
	body, err := rewound(req)
	if err != nil {
		return req, err
	}
	req = req.WithContext(req.Context())
	req.Body = body
	return req, nil
}

// changesRequest reports whether r has anything that a prepared request has already.
func changesRequest(r *Request) bool {
	return r.URL != "" || r.Header != nil || r.Params != nil || r.OrderedParams != nil || r.RawParams != "" ||
		r.Cookies != nil || r.Body != nil || r.Files != nil || r.Auth != nil || !r.Secrets.isEmpty()
}

// with returns a copy of the call with the settings that r has.
func (c *call) with(r *Request) *call {
	changed := *c
	changed.proxies = r.Proxies.over(c.proxies)
	changed.direct = c.direct || r.NoProxy
	if r.Verify != nil {
		changed.verify = r.Verify
	}
	if r.Cert != nil {
		changed.cert = r.Cert
	}
	changed.timeout = r.Timeout.over(c.timeout)
	changed.limits = mergedLimits(&r.Limits, c.limits)
	if r.Retry != nil {
		changed.retry = r.Retry
	}
	changed.hooks = r.Hooks.over(c.hooks)
	changed.stream = r.Stream.or(c.stream)
	changed.redirects = r.Redirects.or(c.redirects)
	return &changed
}
