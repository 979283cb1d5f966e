package session

import (
	"net/http"
	"net/url"
	"strings"
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
	base, err := parseURL(s.BaseURL)
	return err == nil && sameOrigin(base, u)
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
	c.credentials, err = authenticate(auth, req)
	return err
}

func (s *Session) authFor(req *http.Request, own Auth, ownHeader http.Header) Auth {
	if own != nil {
		return own
	}
	if hasValue(ownHeader, "Authorization") {
		return nil
	}
	if s.Auth != nil && s.isOwn(req.URL) {
		return s.Auth
	}
	if auth := urlAuth(req.URL, callOf(req.Context()).dropIn); auth != nil {
		return auth
	}
	// a URL that names a user is not to get another one's password (CVE-2026-8926)
	if s.TrustEnv && req.URL.User == nil && !hasValue(req.Header, "Authorization") {
		return s.netrcAuth(req.URL)
	}
	return nil
}

// deleteHeader removes a header, whatever the case of its name: what comes to
// Do has names as its caller wrote them (CVE-2018-25091).
func deleteHeader(h http.Header, name string) {
	delete(h, name)
	for key := range h {
		if len(key) == len(name) && strings.EqualFold(key, name) {
			delete(h, key)
		}
	}
}

// hasHeader reports whether a header is there, if without a value, whatever the
// case of its name.
func hasHeader(h http.Header, name string) bool {
	if _, ok := h[name]; ok {
		return true
	}
	for key := range h {
		if len(key) == len(name) && strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}

// hasValue reports whether a header is set, whatever the case of its name.
func hasValue(h http.Header, name string) bool {
	return len(headerValues(h, name)) > 0
}

// headerValues gives the values of a header, whatever the case of its name.
func headerValues(h http.Header, name string) []string {
	if values := h[name]; len(values) > 0 {
		return values
	}
	for key, values := range h {
		if len(key) == len(name) && len(values) > 0 && strings.EqualFold(key, name) {
			return values
		}
	}
	return nil
}
