package session

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Do sends a request as an [*http.Client] would, with all that a session does
// on the way: its headers, parameters, cookies, auth, proxies, TLS settings,
// hooks, retries, timeouts and redirects. It makes a Session what client
// generators and SDKs ask for, an interface with this method.
//
// net/http's contract holds. The body is streamed, and the caller closes it, for
// which see [Response.Close]. req is not written to, and its body is closed. The
// method is sent as it is written. A header of the request stands against the
// session's, but that the jar's cookies are added to a Cookie header. Codings are
// undone only where the session asked for them: then Content-Encoding and
// Content-Length are removed, ContentLength is -1 and Uncompressed is true; with an
// Accept-Encoding or a Range of the request, and for HEAD, bytes come as they were
// sent. Errors are those of [Session.Send].
func (s *Session) Do(req *http.Request) (*http.Response, error) {
	if req == nil || req.URL == nil {
		closeBody(req)
		return nil, envelope("", "", kindf(ErrInvalidRequest, "a request without a URL"))
	}
	own, err := s.adopt(req)
	if err != nil {
		closeBody(req)
		return nil, envelopeOf(req, err)
	}
	resp, err := s.send(own)
	if err != nil {
		return nil, envelopeOf(own, err)
	}
	return resp.asSent(), nil
}

// asSent is the response as net/http gives it: what describes codings that
// were undone is removed.
func (r *Response) asSent() *http.Response {
	got := r.Response
	if r.body.decodes {
		got.Header.Del("Content-Encoding")
		got.Header.Del("Content-Length")
		got.ContentLength = -1
	}
	return got
}

// adopt makes a request of the caller's one of the session's. The caller's is
// only read.
func (s *Session) adopt(req *http.Request) (*http.Request, error) {
	made := s.newCall(req.Context(), nil, &Request{})
	c := &made.call
	c.stream, c.redirects, c.dropIn = true, true, true
	own := made.by(req)
	if err := firstError(s.adoptURL(own), checkMessage(own)); err != nil {
		return nil, err
	}
	c.origin = originOfURL(own.URL)
	secrets, err := s.secretsFor(own.URL, Secrets{})
	if err != nil {
		return nil, err
	}
	c.secrets = secrets
	if isHTTP(own.URL.Scheme) {
		addQuery(own.URL, secrets.query())
	}
	if own.Method == "" {
		own.Method = http.MethodGet
	}
	own.Header = make(http.Header, max(len(req.Header), len(s.Header))+2) // Cookie and Authorization
	for name, values := range req.Header {
		if framesOddly(name) {
			continue // net/http leaves these out in their usual spelling
		}
		if err := c.check(name, values); err != nil {
			return nil, err
		}
		own.Header[name] = values[:len(values):len(values)]
	}
	if c.plain, err = s.addHeaders(own, c); err != nil {
		return nil, err
	}
	if err := secrets.setHeaders(own, req.Header, Secrets{}); err != nil {
		return nil, err
	}
	if err := s.adoptCookies(own, c); err != nil {
		return nil, err
	}
	adoptBody(own, c)
	return own, s.setAuth(own, c, nil, req.Header)
}

// checkMessage refuses what net/http would only refuse to send, or send elsewhere.
func checkMessage(req *http.Request) error {
	if req.Method != "" && !httpguts.ValidHeaderFieldName(req.Method) {
		return kindf(ErrInvalidRequest, "method %.40q", req.Method)
	}
	if req.Body == nil && req.ContentLength > 0 {
		return kindf(ErrInvalidRequest, "a ContentLength without a Body")
	}
	if !isHTTP(req.URL.Scheme) {
		return nil
	}
	if host := req.URL.Hostname(); vanishes(host) {
		return kindf(ErrInvalidHost, "%.100q", host)
	}
	// net/http writes both into the request line as they are
	if strings.ContainsFunc(req.URL.RawQuery, isControlOrSpace) || strings.ContainsFunc(req.URL.Opaque, isControlOrSpace) {
		return kindf(ErrInvalidURL, "a blank or a control character in the request line")
	}
	return nil
}

// adoptURL puts BaseURL and the session's parameters to a copy of a URL that is
// otherwise sent as it is written.
func (s *Session) adoptURL(req *http.Request) error {
	if !req.URL.IsAbs() && s.BaseURL != "" {
		joined, err := parseURL(joinBase(s.BaseURL, req.URL.String()))
		if err != nil {
			return err
		}
		req.URL = joined
	} else {
		own := *req.URL
		req.URL = &own
	}
	switch {
	case req.URL.Scheme == "":
		return kindf(ErrMissingScheme, "%q", redact(req.URL))
	case isHTTP(req.URL.Scheme) && req.URL.Host == "":
		return kindf(ErrMissingHost, "%q", redact(req.URL))
	case isHTTP(req.URL.Scheme):
		// a space there would make a malformed request line
		if !isClean(req.URL.RawQuery, goQueryChars) {
			req.URL.RawQuery = percentEncode(req.URL.RawQuery, goQueryChars, true)
		}
		addQuery(req.URL, mergedQuery(&Request{}, s))
	}
	if req.Host == "" {
		req.Host = req.URL.Host
	}
	return nil
}

// vanishes reports whether nothing is left of a host in ASCII: net/http would
// dial this machine then.
func vanishes(host string) bool {
	ascii, err := asciiHost(host)
	return host != "" && err == nil && ascii == ""
}

// addHeaders adds the session's headers to those of a request that came to Do,
// and reports whether codings are left as they are.
func (s *Session) addHeaders(req *http.Request, c *call) (plain bool, err error) {
	plain = c.acceptsCoded(req.Header) || req.Method == http.MethodHead
	if _, canonical := req.Header["User-Agent"]; !canonical && c.oddNames && hasHeader(req.Header, "User-Agent") {
		req.Header["User-Agent"] = nil // or net/http would send its own besides
	}
	for name, values := range s.headerFor(req.URL) {
		key := http.CanonicalHeaderKey(name)
		_, has := req.Header[key]
		if has || key == "Host" || key == "Accept-Encoding" && plain || c.oddNames && hasHeader(req.Header, key) {
			continue
		}
		if err := c.check(key, values); err != nil {
			return false, err
		}
		req.Header[key] = values[:len(values):len(values)]
	}
	_, asked := req.Header["Accept-Encoding"]
	return plain || !asked, nil
}

// adoptCookies adds the jar's cookies to those that the caller set, which
// stay with their origin.
func (s *Session) adoptCookies(req *http.Request, c *call) error {
	lines := c.header(req.Header, "Cookie")
	if len(lines) == 0 {
		return s.addCookies(req, c)
	}
	origin := *req.URL
	c.cookies = &ownCookies{header: lines, origin: &origin}
	return s.refreshCookies(req, c)
}

// adoptBody makes the body one that is closed once and, where that is
// possible, sent again.
func adoptBody(req *http.Request, c *call) {
	if req.Body == nil || req.Body == http.NoBody || req.GetBody != nil {
		return
	}
	s := newSource(req.Body)
	length := req.ContentLength
	if length <= 0 {
		length = -1 // as net/http has it where there is a body
	}
	c.body = newOutbox(content{open: s.open, sources: []*source{s}, length: length})
	if c.body.replayable() {
		req.GetBody = c.body.again
	}
	req.Body, _ = c.body.next()
}

// Client returns an [*http.Client] that does everything the session does, for
// APIs that ask for that type; it shares the session's connections, cookies and
// settings. Redirects are followed inside, so a CheckRedirect set on it is never
// asked, and a Jar set on it sees only first requests and last answers. Its
// Transport bends the contract of RoundTripper in the same way: it adds headers
// and follows redirects. Its Timeout bounds the whole call, as always.
func (s *Session) Client() *http.Client {
	return &http.Client{
		Transport: clientTransport{s},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// clientTransport is a session as a RoundTripper.
type clientTransport struct{ session *Session }

// RoundTrip is Do without its envelope, which [http.Client] puts on.
func (t clientTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if auth, ok := urlAuth(req.URL, true).(Basic); ok && req.Header.Get("Authorization") == auth.header() {
		// http.Client made a header of the URL's user information, which would
		// come before the session's Auth
		own := req.Clone(req.Context())
		delete(own.Header, "Authorization")
		req = own
	}
	resp, err := t.session.Do(req)
	var envelope *url.Error
	if errors.As(err, &envelope) {
		err = envelope.Err
	}
	return resp, err
}

// CloseIdleConnections is the session's Close, for [http.Client.CloseIdleConnections].
func (t clientTransport) CloseIdleConnections() { _ = t.session.Close() }
