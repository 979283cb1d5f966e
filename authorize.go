package session

import (
	"net/http"
	"net/url"
	"slices"
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

// deleteHeaders is deleteHeader for several.
func deleteHeaders(h http.Header, names ...string) {
	for key := range h {
		for _, name := range names {
			if len(key) == len(name) && strings.EqualFold(key, name) {
				delete(h, key)
			}
		}
	}
}

// headerWithout is [http.Header.Clone] but for the names given.
func headerWithout(h http.Header, names ...string) http.Header {
	kept := make(http.Header, len(h)+2) // Cookie and Authorization
	copies := make([]string, 0, len(h)+2)
	for key, values := range h {
		if !slices.ContainsFunc(names, func(name string) bool { return len(key) == len(name) && strings.EqualFold(key, name) }) {
			first := len(copies)
			if copies = append(copies, values...); values != nil {
				values = copies[first:len(copies):len(copies)]
			}
			kept[key] = values
		}
	}
	return kept
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

// header gives the values of a header of the call's request, whatever the case of
// its name, without a search where all names are canonical.
func (c *call) header(h http.Header, name string) []string {
	if !c.oddNames {
		return h[name]
	}
	return headerValues(h, name)
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
