package session

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// ownCookies are a request's own cookies, which belong to the host of its URL:
// on a redirect they go to that host alone, and in the clear only if it was
// asked in the clear.
type ownCookies struct {
	values Cookies
	host   string
	secure bool
	header []string // a Cookie header that the caller of Do set
	origin *url.URL // which the header stays with, as an Authorization does (CVE-2022-27776)
}

// newOwnCookies checks a request's cookies; nil for none.
func newOwnCookies(values Cookies, u *url.URL) (*ownCookies, error) {
	if len(values) == 0 {
		return nil, nil
	}
	for name, value := range values {
		if name == "" || !httpguts.ValidHeaderFieldValue(name) || strings.ContainsAny(name, "=;, \t") {
			return nil, kindf(ErrInvalidCookie, "name %.100q", name)
		}
		if !httpguts.ValidHeaderFieldValue(value) || strings.Contains(value, ";") {
			return nil, kindf(ErrInvalidCookie, "value of %q", name)
		}
	}
	return &ownCookies{values: values, host: hostKey(u), secure: u.Scheme == "https"}, nil
}

// serve reports whether the cookies go with a request for u.
func (o *ownCookies) serve(u *url.URL) bool {
	if o != nil && o.header != nil {
		return !ShouldStripAuth(o.origin, u)
	}
	return o != nil && o.host == hostKey(u) && (!o.secure || u.Scheme == "https")
}

// setCookies gives a request its Cookie header: the jar's and its own. A
// Cookie header that request or session set stands alone, as in requests.
func (s *Session) setCookies(req *http.Request, c *call, own Cookies) (err error) {
	if c.cookies, err = newOwnCookies(own, req.URL); err != nil {
		return err
	}
	if _, c.cookiesGiven = req.Header["Cookie"]; c.cookiesGiven {
		return nil
	}
	return s.addCookies(req, c)
}

// refreshCookies replaces a Cookie header that the jar made by what the jar
// says now.
func (s *Session) refreshCookies(req *http.Request, c *call) error {
	if c.cookiesGiven {
		return nil
	}
	deleteHeader(req.Header, "Cookie")
	return s.addCookies(req, c)
}

// addCookies sets the Cookie header, of a call that has had none.
func (s *Session) addCookies(req *http.Request, c *call) error {
	header, err := s.jarHeader(req.URL)
	if err != nil {
		return err
	}
	if c.cookies.serve(req.URL) {
		header = c.cookies.over(header)
	}
	if own := c.secrets.cookiesFor(req.URL); own != nil {
		header = own.over(header)
	}
	if header != "" {
		c.cookieValue[0] = header
		req.Header["Cookie"] = c.cookieValue[:]
	}
	return nil
}

// jarHeader is the Cookie header that the jar gives for u. That of a jar which is
// none of ours is checked: net/http lets most names pass.
func (s *Session) jarHeader(u *url.URL) (string, error) {
	switch jar := s.Jar.(type) {
	case nil:
		return "", nil
	case *Jar:
		if jar == nil {
			return "", nil
		}
		return jar.Header(u), nil
	default:
		carrier := http.Request{Header: make(http.Header, 1)}
		for _, cookie := range jar.Cookies(u) {
			carrier.AddCookie(cookie)
		}
		return carrier.Header.Get("Cookie"), checkValues("Cookie", carrier.Header["Cookie"])
	}
}

// over puts the request's own cookies behind those of a Cookie header, in
// place of those of the same name.
func (o *ownCookies) over(header string) string {
	var pairs []string
	for pair := range strings.SplitSeq(header, "; ") {
		name, _, _ := strings.Cut(pair, "=")
		if _, replaced := o.values[name]; pair != "" && !replaced {
			pairs = append(pairs, pair)
		}
	}
	pairs = append(pairs, o.header...)
	for _, name := range sortedKeys(o.values) {
		pairs = append(pairs, name+"="+o.values[name])
	}
	return strings.Join(pairs, "; ")
}

// keepCookies puts the cookies of an answer into the jar.
func (s *Session) keepCookies(u *url.URL, resp *http.Response) {
	lines := resp.Header["Set-Cookie"]
	if len(lines) == 0 {
		return
	}
	switch jar := s.Jar.(type) {
	case nil:
	case *Jar:
		if jar != nil {
			jar.SetHeader(u, lines)
		}
	default:
		jar.SetCookies(u, resp.Cookies())
	}
}
