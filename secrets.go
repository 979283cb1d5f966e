package session

import (
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// Secrets are headers, parameters and cookies that belong to one origin, such
// as an API key. They are sent to its scheme, host and port alone. A redirect
// to any other origin drops them, and they stay dropped, should it lead back.
// Errors show parameters of these names masked. It is a field of [Session] and
// [Request], and an [Option].
//
// A request's secrets go over the session's, name by name. A header of these
// names that a request sets otherwise stands against the session's, and is as
// secret. A Cookie header that request or session set stands alone.
//
// Authorization, Proxy-Authorization, cookies and what an [Auth] sets need no
// such care.
type Secrets struct {
	// Origin is the scheme, host and port that they are for, "https://api.test";
	// a path behind it means nothing. "" is, of a session, the BaseURL's (where
	// that is "" too, requests fail as an [ErrInvalidRequest]), and of a request
	// its own URL's.
	Origin  string
	Header  Header  // a nil value is not sent
	Params  Params  // appended to the query, behind all others
	Cookies Cookies // besides the jar's, and in place of those of the same name
}

// Apply makes Secrets an [Option]: entries that go over the request's.
func (s Secrets) Apply(r *Request) { r.Secrets = s.over(r.Secrets) }

// over returns s with what it has not taken from base; neither is written to.
func (s Secrets) over(base Secrets) Secrets {
	merged := base.clone()
	if s.Origin != "" {
		merged.Origin = s.Origin
	}
	merged.add(s)
	return merged
}

func (s Secrets) clone() Secrets {
	s.Header, s.Params, s.Cookies = maps.Clone(s.Header), maps.Clone(s.Params), maps.Clone(s.Cookies)
	return s
}

// add puts the entries of other over those of s.
func (s *Secrets) add(other Secrets) {
	for name, values := range other.Header {
		if s.Header == nil {
			s.Header = make(Header)
		}
		s.Header[textproto.CanonicalMIMEHeaderKey(name)] = values
	}
	for name, values := range other.Params {
		if s.Params == nil {
			s.Params = make(Params)
		}
		s.Params[name] = values
	}
	for name, value := range other.Cookies {
		if s.Cookies == nil {
			s.Cookies = make(Cookies)
		}
		s.Cookies[name] = value
	}
}

func (s Secrets) isEmpty() bool { return len(s.Header)+len(s.Params)+len(s.Cookies) == 0 }

// serve reports whether secrets are for u; otherwise is their origin where
// they name none, "" for u's own.
func (s Secrets) serve(u *url.URL, otherwise string) (bool, error) {
	origin := s.Origin
	if origin == "" {
		origin = otherwise
	}
	if origin == "" {
		return true, nil
	}
	of, err := parseURL(origin)
	if err != nil || of.Host == "" {
		return false, kindf(ErrInvalidRequest, "the Origin of Secrets is none: %q", redactText(origin))
	}
	return sameOrigin(of, u), nil
}

// callSecrets are the secrets of a call: what is sent, and what is masked.
type callSecrets struct {
	Secrets
	cookies *ownCookies
	url     *url.URL // that they are sent to
	dropped bool
}

// secretsFor gives the secrets that a request for u is sent with; nil for none.
func (s *Session) secretsFor(u *url.URL, own Secrets) (*callSecrets, error) {
	if s.Secrets.isEmpty() && own.isEmpty() {
		return nil, nil
	}
	c := &callSecrets{url: u}
	if !s.Secrets.isEmpty() {
		if s.Secrets.Origin == "" && s.BaseURL == "" {
			return nil, kindf(ErrInvalidRequest, "the session's Secrets have no Origin, and it has no BaseURL")
		}
		ours, err := s.Secrets.serve(u, s.BaseURL)
		if err != nil {
			return nil, err
		}
		if ours {
			c.add(s.Secrets)
		}
	}
	if ours, err := own.serve(u, ""); err != nil {
		return nil, err
	} else if ours {
		c.add(own)
	}
	var err error
	c.cookies, err = newOwnCookies(c.Cookies, u)
	return c, err
}

// query is the parameters as they are appended to a query.
func (c *callSecrets) query() string {
	if c == nil {
		return ""
	}
	return string(appendValues(nil, c.Params, nil))
}

// setHeaders puts the headers on a request, but for those that it has set by
// itself, unless they are its own secrets.
func (c *callSecrets) setHeaders(req *http.Request, given http.Header, own Secrets) error {
	if c == nil {
		return nil
	}
	for name, values := range c.Header {
		if err := checkHeader(name, values); err != nil {
			return err
		}
		if hasHeader(given, name) && !hasHeader(http.Header(own.Header), name) {
			continue
		}
		deleteHeader(req.Header, name)
		if values != nil {
			req.Header[name] = values[:len(values):len(values)]
		}
	}
	return nil
}

// cookiesFor gives the cookies that go with a request for u; nil for none.
func (c *callSecrets) cookiesFor(u *url.URL) *ownCookies {
	if c == nil || c.dropped || c.cookies == nil || !sameOrigin(c.url, u) {
		return nil
	}
	return c.cookies
}

// redirected gives the secrets of the next request, to u: the same, or, and
// then its headers are taken off, none that are sent.
func (c *callSecrets) redirected(u *url.URL, h http.Header) *callSecrets {
	if c == nil || !c.dropped && sameOrigin(c.url, u) {
		return c
	}
	for name := range c.Header {
		deleteHeader(h, name)
	}
	dropped := *c
	dropped.dropped = true
	return &dropped
}

// redactURL gives the URL of a request with its password and the parameters that
// are secret masked.
func redactURL(req *http.Request) string {
	if req == nil {
		return ""
	}
	return callOf(req.Context()).redact(req.URL)
}

// redact is redactURL for a URL of the call.
func (c *call) redact(u *url.URL) string {
	if c == nil || c.secrets == nil || u == nil || u.RawQuery == "" {
		return redact(u)
	}
	masked := *u
	masked.RawQuery = c.secrets.maskQuery(u.RawQuery)
	return redact(&masked)
}

// maskQuery masks the values of the parameters that are secret.
func (c *callSecrets) maskQuery(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if _, secret := c.Params[plain]; secret {
			pairs[i] = name + "=xxxxx"
		}
	}
	return strings.Join(pairs, "&")
}

// Format prints the names alone, whatever the verb.
func (s Secrets) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "Secrets(%s, headers %q, params %q, cookies %q)", redactText(s.Origin),
		sortedKeys(s.Header), sortedKeys(s.Params), sortedKeys(s.Cookies))
}
