package session

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
)

// Auth puts credentials on a request. [BasicAuth], [BearerAuth] and
// [DigestAuth] make the usual ones, [AuthFunc] makes one of a function, and
// [NoAuth] stands for none.
//
// The first of these gives a request its auth: its own Auth, its own
// Authorization header, the session's Auth, user information in the URL, the
// session's Authorization header, and the netrc file where [Session.TrustEnv]
// is on.
type Auth interface {
	// Authenticate sets headers on req. It runs when a request is prepared,
	// and again for every redirect that keeps the auth and for every retry, so
	// a signature or a token that rotates is fresh each time. It must not read
	// or close the body (GetBody gives a copy), must not keep req, and must be
	// safe for concurrent use. An error ends the call before anything is sent.
	//
	// Headers that it sets belong to the origin: on a redirect they go on only
	// where [Redirector.ShouldStripAuth] keeps them.
	Authenticate(req *http.Request) error
}

// Challenger is an [Auth] that answers a server's refusal, as Digest does and
// as a token that has to be refreshed would.
type Challenger interface {
	Auth
	// Challenge is asked once for a request that was answered with 401: next is
	// that request anew, its body rewound, resp the answer, whose body is not
	// to be read. It reports whether next is to be sent instead, having set its
	// headers. It must be safe for concurrent use.
	Challenge(next *http.Request, resp *http.Response) (bool, error)
}

// AuthFunc makes an [Auth] of a function.
type AuthFunc func(req *http.Request) error

// Authenticate calls f; a nil one does nothing.
func (f AuthFunc) Authenticate(req *http.Request) error {
	if f == nil {
		return nil
	}
	return f(req)
}

// Apply makes an AuthFunc an [Option]: the request's Auth.
func (f AuthFunc) Apply(r *Request) { r.Auth = f }

// Basic is HTTP Basic authentication, RFC 7617. The credentials are sent in
// UTF-8 (requests sends Latin-1). It prints without its password.
type Basic struct {
	Username string // without a colon, which would end it
	Password string
}

// BasicAuth returns HTTP Basic authentication, which is an [Auth] and an [Option].
func BasicAuth(username, password string) Basic { return Basic{username, password} }

// Authenticate sets the Authorization header.
func (b Basic) Authenticate(req *http.Request) error {
	setHeader(req, "Authorization", b.header())
	return nil
}

func (b Basic) header() string {
	const scheme = "Basic "
	raw := make([]byte, 0, 96)
	raw = append(append(append(raw, b.Username...), ':'), b.Password...)
	out := make([]byte, 0, 128)
	return string(base64.StdEncoding.AppendEncode(append(out, scheme...), raw))
}

// Apply makes a Basic an [Option]: the request's Auth.
func (b Basic) Apply(r *Request) { r.Auth = b }

// Format prints the user name alone, whatever the verb.
func (b Basic) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "BasicAuth(%q, xxxxx)", b.Username) }

// Bearer is bearer token authentication, RFC 6750. It prints without its token.
type Bearer struct {
	Token string // what follows "Bearer "
}

// BearerAuth returns bearer token authentication, which is an [Auth] and an [Option].
func BearerAuth(token string) Bearer { return Bearer{token} }

// Authenticate sets the Authorization header.
func (b Bearer) Authenticate(req *http.Request) error {
	setHeader(req, "Authorization", "Bearer "+b.Token)
	return nil
}

// Apply makes a Bearer an [Option]: the request's Auth.
func (b Bearer) Apply(r *Request) { r.Auth = b }

// Format prints no token, whatever the verb.
func (b Bearer) Format(f fmt.State, _ rune) { fmt.Fprint(f, "BearerAuth(xxxxx)") }

// NoAuth, as a request's Auth or as an option, sends a request without any:
// neither the session's, nor the URL's, nor the netrc file's, nor an
// Authorization header of the session's.
const NoAuth noAuth = 0

type noAuth int

func (noAuth) Authenticate(*http.Request) error { return nil }
func (noAuth) Apply(r *Request)                 { r.Auth = NoAuth }

// urlAuth is the Basic auth of a URL's user information; nil where it has none.
// A user without a password is none to requests, but one to net/http.
func urlAuth(u *url.URL, userAlone bool) Auth {
	if u.User == nil {
		return nil
	}
	password, given := u.User.Password()
	if !given && !userAlone || u.User.Username() == "" && password == "" {
		return nil
	}
	return Basic{u.User.Username(), password}
}

// credentials are what an [Auth] has put on a request: the auth, and the
// headers that it set, so that they can be taken off again.
type credentials struct {
	auth Auth
	set  []authHeader // where it may be another than Authorization
}

// authHeader is a header that an auth has set, and its values before; nil for none.
type authHeader struct {
	name          string
	before, after []string
}

// authenticate runs auth on the call's request and notes which headers it set. An
// auth of the caller's that fails is none.
func (c *call) authenticate(auth Auth, req *http.Request) error {
	if auth == NoAuth {
		c.credentials = credentials{auth: auth}
		return nil
	}
	if setsAuthorization(auth) {
		c.credentials = credentials{auth: auth}
		err := auth.Authenticate(req)
		return firstError(err, checkValues("Authorization", req.Header["Authorization"]))
	}
	c.credentials = credentials{}
	before := req.Header // whose values may be those of the session
	req.Header = before.Clone()
	if err := auth.Authenticate(req); err != nil {
		return err
	}
	c.credentials = credentials{auth, headersSet(before, req.Header)}
	return c.checkHeaders(req.Header)
}

// setsAuthorization reports whether an auth is one that sets Authorization, or
// deletes it, and nothing else.
func setsAuthorization(auth Auth) bool {
	switch auth.(type) {
	case Basic, Bearer, *Digest:
		return true
	}
	return false
}

// headersSet gives the headers that were set between before and after.
func headersSet(before, after http.Header) []authHeader {
	var set []authHeader
	for name, values := range after {
		if !equalValues(before[name], values) {
			set = append(set, authHeader{name, before[name], values})
		}
	}
	return set
}

func equalValues(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// removeFrom takes the headers that the auth set off a request: each is again
// what it was, but an Authorization, which an auth of this package or the redirect
// replaces next. A redirect has made the Cookie header anew by itself.
func (c credentials) removeFrom(h http.Header) {
	if setsAuthorization(c.auth) {
		delete(h, "Authorization")
	}
	for _, s := range c.set {
		untouched := equalValues(h[s.name], s.after)
		switch {
		case untouched && s.before != nil:
			h[s.name] = s.before
		case untouched || s.name != "Cookie":
			delete(h, s.name)
		}
	}
}
