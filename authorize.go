package session

import (
	"net/http"
	"net/url"
)

// headerFor is the session's headers as they go to u: what is secret stays
// with the origin of BaseURL.
func (s *Session) headerFor(u *url.URL) http.Header {
	if s.isOwn(u) {
		return s.Header
	}
	h := make(http.Header, len(s.Header))
	for name, values := range s.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Authorization", "Proxy-Authorization", "Cookie":
		default:
			h[name] = values
		}
	}
	return h
}

// isOwn reports whether u belongs to the origin that the session's credentials
// are for.
func (s *Session) isOwn(u *url.URL) bool {
	if s.BaseURL == "" {
		return true
	}
	base := s.base.Load()
	if base == nil || base.text != s.BaseURL {
		parsed, err := parseURL(s.BaseURL)
		if err != nil {
			return false
		}
		base = &parsedURL{s.BaseURL, parsed}
		s.base.Store(base)
	}
	return sameOrigin(base.url, u)
}

// setAuth finds the auth of a request and runs it: the request's Auth, its
// Authorization header, the session's Auth, the URL's user information, the
// session's Authorization header, netrc.
func (s *Session) setAuth(req *http.Request, c *call, own Auth, ownHeader http.Header) (err error) {
	auth := s.authFor(req, own, ownHeader)
	if auth == nil {
		return nil
	}
	if auth == NoAuth && !hasValue(ownHeader, "Authorization") {
		delete(req.Header, "Authorization")
	}
	return c.authenticate(auth, req)
}

func (s *Session) authFor(req *http.Request, own Auth, ownHeader http.Header) Auth {
	if own != nil {
		return own
	}
	c := callOf(req.Context())
	set := len(c.header(req.Header, "Authorization")) > 0
	if set && hasValue(ownHeader, "Authorization") {
		return nil
	}
	if s.Auth != nil && s.isOwn(req.URL) {
		return s.Auth
	}
	if auth := urlAuth(req.URL, c.dropIn); auth != nil {
		return auth
	}
	// a URL that names a user is not to get another one's password (CVE-2026-8926)
	if s.TrustEnv && req.URL.User == nil && !set {
		return s.netrcAuth(req.URL, c)
	}
	return nil
}
