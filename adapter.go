package session

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Mounted is an adapter and the prefix of the URLs that it serves.
type Mounted struct {
	Prefix  string // as it was mounted
	Adapter http.RoundTripper

	match prefix
}

// Adapter is a transport that honours a request's own proxy and TLS settings.
// A mounted [http.RoundTripper] that is none gets requests that need neither:
// where a request or its session names a proxy, Verify or Cert for one, that is
// an [ErrInvalidRequest] that matches [errors.ErrUnsupported]; what only the
// environment names is left out.
type Adapter interface {
	http.RoundTripper
	// RoundTripWith is RoundTrip with settings of the request. It keeps
	// RoundTrip's contract.
	RoundTripWith(req *http.Request, settings TransportSettings) (*http.Response, error)
}

// TransportSettings are what an [Adapter] is to honour for one request.
type TransportSettings struct {
	Proxy  *url.URL // nil: none; it must not be changed
	Verify Verify   // nil: the system's authorities
	Cert   Cert     // nil: none
}

// Format masks the proxy's password, whatever the verb.
func (t TransportSettings) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "TransportSettings{Proxy: %q, Verify: %v, Cert: %v}", redact(t.Proxy), t.Verify, t.Cert)
}

// RedirectAdapter is an adapter of a scheme other than http and https that
// accepts redirects from those two. One that is none gets no redirect, since a
// server could otherwise make a client open what only its own program may.
type RedirectAdapter interface {
	http.RoundTripper
	// AcceptRedirect reports whether a redirect to u may be followed.
	AcceptRedirect(u *url.URL) bool
}

// Mount has adapter serve the URLs that begin with prefix: a scheme
// ("https://", "mock://"), a host ("https://api.test"), or a path
// ("https://api.test/v1"). The longest prefix that matches wins, and of equal
// ones the one mounted first; mounting a prefix again replaces its adapter. A
// prefix with a host matches that host alone, on any port unless it names one.
// All is compared without regard to case.
//
// An adapter is any [http.RoundTripper]; it must not be nil. It is safe to
// mount while requests are in flight. Errors are [ErrInvalidRequest].
// requests' mount.
func (s *Session) Mount(prefix string, adapter http.RoundTripper) error {
	if isNil(adapter) {
		return kindf(ErrInvalidRequest, "the adapter for prefix %q is nil", redactText(prefix))
	}
	match, err := parsePrefix(prefix)
	if err != nil {
		return err
	}
	s.changeMounts(func(mounts []Mounted) []Mounted {
		added := Mounted{prefix, adapter, match}
		if at := indexOfPrefix(mounts, prefix); at >= 0 {
			mounts[at] = added
			return mounts
		}
		return slices.Insert(mounts, place(mounts, prefix), added)
	})
	return nil
}

// isNil reports whether an adapter is none, a nil pointer or function too.
func isNil(adapter http.RoundTripper) bool {
	switch v := reflect.ValueOf(adapter); v.Kind() {
	case reflect.Pointer, reflect.Func:
		return v.IsNil()
	}
	return adapter == nil
}

// Unmount removes the adapter of a prefix and reports whether there was one.
// Its connections are not closed.
func (s *Session) Unmount(prefix string) bool {
	found := false
	s.changeMounts(func(mounts []Mounted) []Mounted {
		at := indexOfPrefix(mounts, prefix)
		if found = at >= 0; found {
			return slices.Delete(mounts, at, at+1)
		}
		return mounts
	})
	return found
}

func indexOfPrefix(mounts []Mounted, prefix string) int {
	return slices.IndexFunc(mounts, func(m Mounted) bool { return strings.EqualFold(m.Prefix, prefix) })
}

// changeMounts swaps the table for a changed copy.
func (s *Session) changeMounts(change func([]Mounted) []Mounted) {
	for {
		old := s.table()
		if s.mounts.CompareAndSwap(old, newMountTable(change(slices.Clone(old.list)))) {
			return
		}
	}
}

// table is the list of adapters, the longest prefix first. A session begins
// with one [HTTPAdapter] for https and http.
func (s *Session) table() *mountTable {
	if mounts := s.mounts.Load(); mounts != nil {
		return mounts
	}
	adapter := new(HTTPAdapter)
	s.mounts.CompareAndSwap(nil, newMountTable([]Mounted{
		{"https://", adapter, prefix{scheme: "https"}},
		{"http://", adapter, prefix{scheme: "http"}},
	}))
	return s.mounts.Load()
}

// Adapters lists the adapters in the order in which they are tried.
func (s *Session) Adapters() []Mounted { return slices.Clone(s.table().list) }

// AdapterFor returns the adapter that serves u, and its prefix; the error is
// an [ErrNoAdapter]. requests' get_adapter.
func (s *Session) AdapterFor(u *url.URL) (Mounted, error) {
	return s.mountedFor(nil, u)
}

// mountedFor is AdapterFor for a call; nil for none.
func (s *Session) mountedFor(c *call, u *url.URL) (Mounted, error) {
	if u == nil {
		return Mounted{}, kindf(ErrInvalidRequest, "no URL")
	}
	if m, ok := s.table().find(u); ok {
		return m, nil
	}
	if u.Opaque != "" && '0' <= u.Opaque[0] && u.Opaque[0] <= '9' {
		return Mounted{}, kindf(ErrNoAdapter, "for %q; perhaps http://%s was meant", c.redact(u), c.redact(u))
	}
	return Mounted{}, kindf(ErrNoAdapter, "for %q", c.redact(u))
}

// route finds the adapter of a hop, and what it is to honour.
func (s *Session) route(c *call, u *url.URL) (http.RoundTripper, TransportSettings, error) {
	adapter, err := s.adapterFor(c, u)
	if err != nil {
		return nil, TransportSettings{}, err
	}
	settings, err := s.transportSettings(c, u, adapter)
	return adapter, settings, err
}

// adapterFor is AdapterFor with the rule that a redirect does not leave http.
func (s *Session) adapterFor(c *call, u *url.URL) (http.RoundTripper, error) {
	m, err := s.mountedFor(c, u)
	if err != nil {
		return nil, err
	}
	if isHTTP(c.previous) && !isHTTP(u.Scheme) {
		if a, ok := m.Adapter.(RedirectAdapter); !ok || !a.AcceptRedirect(u) {
			return nil, kindf(ErrRedirectScheme, "from %s to %s", c.previous, u.Scheme)
		}
	}
	return m.Adapter, nil
}

// transportSettings are what an adapter is to honour for a request, or why it cannot.
func (s *Session) transportSettings(c *call, u *url.URL, adapter http.RoundTripper) (TransportSettings, error) {
	if _, ok := adapter.(Adapter); !ok {
		return TransportSettings{}, s.unsupported(c, u)
	}
	proxy, err := s.proxyFor(c, u)
	if err != nil {
		return TransportSettings{}, err
	}
	settings := TransportSettings{Proxy: proxy}
	if u.Scheme == "https" || proxy != nil && proxy.Scheme == "https" {
		settings.Verify, settings.Cert = s.verifyFor(c.verify), s.certFor(c.cert)
	} else if cert := s.certFor(c.cert); cert != nil {
		_, err = cert.certificate() // a file that is missing is told in the clear too
	}
	return settings, err
}

// unsupported says what a plain RoundTripper cannot honour.
func (s *Session) unsupported(c *call, u *url.URL) error {
	refuse := func(what string) error {
		return kindf(ErrInvalidRequest, "the adapter mounted for %q is a plain RoundTripper, which cannot honour %s: %w", c.redact(u), what, errors.ErrUnsupported)
	}
	verify := c.verify
	if verify == nil {
		verify = s.Verify
	}
	if proxy, named := c.namedProxy(u); named {
		_, err := parseProxy(proxy)
		return firstError(err, refuse("a proxy"))
	}
	switch {
	case u.Scheme != "https":
	case verify != nil && verify != VerifyDefault:
		return refuse("Verify")
	case s.certFor(c.cert) != nil:
		return refuse("Cert")
	}
	return nil
}

// roundTrip sends a request, and sees to it that there is a response, with a
// body, or an error.
func roundTrip(adapter http.RoundTripper, req *http.Request, settings TransportSettings) (resp *http.Response, err error) {
	if a, ok := adapter.(Adapter); ok {
		resp, err = a.RoundTripWith(req, settings)
	} else {
		resp, err = adapter.RoundTrip(req)
	}
	switch {
	case err != nil:
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		return nil, err
	case resp == nil:
		return nil, kindf(ErrProtocol, "the adapter gave neither a response nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	if resp.StatusCode == http.StatusSwitchingProtocols && req.Header.Get("Upgrade") == "" {
		// its body would outlive every timeout
		_ = resp.Body.Close()
		return nil, kindf(ErrProtocol, "101 Switching Protocols without having been asked for")
	}
	return resp, nil
}

// keepsConnections reports whether an adapter is one that goes on using the
// connection of a body which was read to its end, and whose Close breaks off a
// read. Of others that is not known.
func keepsConnections(adapter http.RoundTripper) bool {
	switch a := adapter.(type) {
	case *HTTPAdapter:
		return a.Wrap == nil
	case *http.Transport:
		return true
	}
	return false
}

// closeIdle closes the connections that an adapter keeps for later.
func closeIdle(adapter http.RoundTripper) {
	if adapter == http.DefaultTransport {
		return
	}
	if a, ok := adapter.(interface{ CloseIdleConnections() }); ok {
		a.CloseIdleConnections()
	}
}
