package session

import (
	"net/http"
	"sync/atomic"
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
	if err := onlyHowToSend(r); err != nil {
		return req, err
	}
	c := callOf(req.Context())
	switch {
	case c == nil:
		c = s.newCall(req.Context(), r)
	case len(opts) == 0:
		return again(req, c)
	default:
		c = c.with(r)
	}
	own := req.WithContext(c)
	if own.Header == nil {
		own.Header = make(http.Header)
	}
	return again(own, c)
}

// again gives a request that was sent before its body anew.
func again(req *http.Request, c *call) (*http.Request, error) {
	if atomic.SwapUint32(&c.sent, 1) == 0 {
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

// onlyHowToSend refuses what would change a request that is prepared.
func onlyHowToSend(r *Request) error {
	if r.err != nil {
		return r.err
	}
	if r.URL != "" || r.Header != nil || r.Params != nil || r.OrderedParams != nil || r.RawParams != "" ||
		r.Cookies != nil || r.Body != nil || r.Files != nil || r.Auth != nil {
		return kindf(ErrInvalidRequest, "an option that changes a request which is already prepared")
	}
	return nil
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
	if r.Retry != nil {
		changed.retry = r.Retry
	}
	changed.hooks = r.Hooks.over(c.hooks)
	changed.stream = r.Stream.or(c.stream)
	changed.redirects = r.Redirects.or(c.redirects)
	return &changed
}
