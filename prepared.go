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
	if err := firstError(r.err, checkHeaders(req.Header)); err != nil {
		return req, err
	}
	c := callOf(req.Context())
	if c == nil || !c.made(req) {
		return s.adoptPrepared(req, r)
	}
	c = c.resumed(req.Context()).with(r)
	return again(replaced(req, c), c)
}

// resumed is the call as it goes on in the context of its request: what ends
// with a call before, its Total, is left behind.
func (c *call) resumed(ctx context.Context) *call {
	if _, untouched := ctx.(callContext); untouched {
		ctx = c.Context
		if c.caller != nil {
			ctx = c.caller
		}
	}
	c = c.under(ctx)
	c.caller = nil
	return c
}

// replaced is a request with its call, whose body may be another one by now.
func replaced(req *http.Request, c *call) *http.Request {
	req = req.WithContext(c.asContext())
	if c.body == nil || c.body.gave(req.Body) || req.Body == nil || req.Body == http.NoBody {
		return req
	}
	if req.GetBody != nil {
		if body, err := req.GetBody(); err == nil && c.body.gave(body) {
			req.GetBody = nil
		}
	}
	c.body = nil
	adoptBody(req, c)
	return req
}

// adoptPrepared makes a request that no session prepared one of the session's.
func (s *Session) adoptPrepared(req *http.Request, r *Request) (*http.Request, error) {
	if err := checkMessage(req); err != nil {
		return req, err
	}
	c := s.newCall(req.Context(), req.URL, r)
	own := req.WithContext(c.asContext())
	if own.Header == nil {
		own.Header = make(http.Header)
	}
	adoptBody(own, c)
	return own, nil
}

// again gives a request that was sent before its body anew.
func again(req *http.Request, c *call) (*http.Request, error) {
	if !c.sent.Swap(true) {
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
	changed.limits = r.Limits.over(c.limits)
	if r.Retry != nil {
		changed.retry = r.Retry
	}
	changed.hooks = r.Hooks.over(c.hooks)
	changed.stream = r.Stream.or(c.stream)
	changed.redirects = r.Redirects.or(c.redirects)
	return &changed
}
