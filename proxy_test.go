package session_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// forwarder is a proxy in a world: what it is asked for it asks the world's
// servers for, as proxies do without the Proxy-Authorization it came with.
type forwarder struct {
	*httptest.Server
	world  *world
	answer http.HandlerFunc // answers instead, where it is set

	mu  sync.Mutex
	got []*http.Request
}

// forwarder starts a proxy that answers at addr: over TLS with a certificate
// for these hosts, if there are any.
func (w *world) forwarder(t *testing.T, addr string, hosts ...string) *forwarder {
	t.Helper()
	f := &forwarder{world: w}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = quiet()
	if len(hosts) > 0 {
		f.TLS = &tls.Config{Certificates: []tls.Certificate{w.ca.leaf("proxy", hosts, nil)}}
		f.StartTLS()
	} else {
		f.Start()
	}
	w.leads[addr] = f.Listener.Addr().String()
	t.Cleanup(func() {
		_ = w.Close()
		f.Close()
	})
	return f
}

func (f *forwarder) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.got = append(f.got, r)
	f.mu.Unlock()
	switch {
	case f.answer != nil:
		f.answer(out, r)
	case r.Method == http.MethodConnect:
		f.tunnel(out, r)
	default:
		f.forward(out, r)
	}
}

func (f *forwarder) tunnel(out http.ResponseWriter, r *http.Request) {
	target, err := f.world.dial(r.Context(), "tcp", r.Host)
	if err != nil {
		out.WriteHeader(http.StatusBadGateway)
		return
	}
	client, _, err := out.(http.Hijacker).Hijack()
	if err != nil {
		_ = target.Close()
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	splice(client, target)
}

// splice copies between two connections until one of them ends.
func splice(a, b net.Conn) {
	go func() {
		defer b.Close()
		_, _ = io.Copy(b, a)
	}()
	defer a.Close()
	_, _ = io.Copy(a, b)
}

func (f *forwarder) forward(out http.ResponseWriter, r *http.Request) {
	transport := &http.Transport{DialContext: f.world.dial, DisableKeepAlives: true, DisableCompression: true}
	onward := r.Clone(r.Context())
	onward.RequestURI = ""
	onward.Header.Del("Proxy-Authorization")
	resp, err := transport.RoundTrip(onward)
	if err != nil {
		out.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		out.Header()[name] = values
	}
	out.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(out, resp.Body)
}

// requests lists what the proxy was sent, in order.
func (f *forwarder) requests() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*http.Request(nil), f.got...)
}

// calls lists what the proxy was asked, as "GET http://a.test/ user:password".
func (f *forwarder) calls() []string {
	var list []string
	for _, r := range f.requests() {
		call := r.Method + " " + r.RequestURI
		for _, value := range r.Header["Proxy-Authorization"] {
			user, password, _ := (&http.Request{Header: http.Header{"Authorization": {value}}}).BasicAuth()
			call += " " + user + ":" + password
		}
		list = append(list, call)
	}
	return list
}

// dialedFor is the address that a session connects to for a URL.
func dialedFor(t *testing.T, s *session.Session, target string, opts ...session.Option) string {
	t.Helper()
	var dialed []string
	adapter := &session.HTTPAdapter{Base: &http.Transport{DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
		dialed = append(dialed, addr)
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}}}
	require.NoError(t, s.Mount("http://", adapter))
	require.NoError(t, s.Mount("https://", adapter))
	_, err := s.Get(t.Context(), target, opts...)
	require.ErrorIs(t, err, session.ErrConnection)
	require.Len(t, dialed, 1)
	assert.Equal(t, dialed[0] != directAddr(t, target), errors.Is(err, session.ErrProxy), "a proxy that cannot be reached is a proxy's failure")
	return dialed[0]
}

func directAddr(t *testing.T, target string) string {
	t.Helper()
	u := mustURL(t, target)
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func TestProxyIsChosenByWhatItServes(t *testing.T) {
	t.Parallel()
	all := session.Proxies{
		"http": "http://scheme.test", "https": "http://scheme-tls.test:3128", "all": "http://all.test",
		"http://a.test": "http://host.test", "https://a.test": "http://host-tls.test:3128", "all://b.test": "http://all-host.test",
	}
	without := func(keys ...string) session.Proxies {
		p := session.Proxies{}
		for key, proxy := range all {
			p[key] = proxy
		}
		for _, key := range keys {
			delete(p, key)
		}
		return p
	}
	for _, c := range []struct {
		name    string
		proxies session.Proxies
		url     string
		want    string
	}{
		{"scheme and host", all, "http://a.test/", "host.test:80"},
		{"scheme and host, any port", all, "http://a.test:8080/", "host.test:80"},
		{"scheme and host, any case", all, "http://A.Test/", "host.test:80"},
		{"https and host", all, "https://a.test/", "host-tls.test:3128"},
		{"not a sub-domain", all, "http://sub.a.test/", "scheme.test:80"},
		{"scheme", all, "http://c.test/", "scheme.test:80"},
		{"https", all, "https://c.test/", "scheme-tls.test:3128"},
		{"scheme before all and host", all, "http://b.test/", "scheme.test:80"},
		{"all and host", without("http"), "http://b.test/", "all-host.test:80"},
		{"all and host, https", without("https"), "https://b.test/", "all-host.test:80"},
		{"all", without("http"), "http://c.test/", "all.test:80"},
		{"all, https", without("https"), "https://c.test/", "all.test:80"},
		{"none for the scheme", session.Proxies{"https": "http://p.test"}, "http://c.test/", "c.test:80"},
		{"none for the host", session.Proxies{"http://a.test": "http://p.test"}, "http://b.test/", "b.test:80"},
		{"none", nil, "https://c.test/", "c.test:443"},
		{"loopback", session.Proxies{"http": "http://p.test"}, "http://127.0.0.1:9/", "p.test:80"},
		{"localhost", session.Proxies{"http": "http://p.test"}, "http://localhost:9/", "p.test:80"},
		{"an address", session.Proxies{"http://::1": "http://p.test", "http": "http://q.test"}, "http://[::1]:9/", "p.test:80"},
		{"an address in brackets", session.Proxies{"all://[::1]": "http://p.test", "all": "http://q.test"}, "http://[::1]:9/", "p.test:80"},

		{"without a scheme", session.Proxies{"http": "p.test:3128"}, "http://a.test/", "p.test:3128"},
		{"without a scheme, with a user", session.Proxies{"http": "u:p@p.test:3128"}, "http://a.test/", "p.test:3128"},
		{"http without a port", session.Proxies{"http": "http://p.test"}, "http://a.test/", "p.test:80"},
		{"https without a port", session.Proxies{"http": "https://p.test"}, "http://a.test/", "p.test:443"},
		{"socks5 without a port", session.Proxies{"http": "socks5://p.test"}, "http://a.test/", "p.test:1080"},
		{"socks5h without a port", session.Proxies{"https": "socks5h://p.test"}, "https://a.test/", "p.test:1080"},
		{"a scheme in upper case", session.Proxies{"http": "HTTP://P.test:1"}, "http://a.test/", "P.test:1"},
		{"a name in Unicode", session.Proxies{"http": "http://bücher.test:1"}, "http://a.test/", "xn--bcher-kva.test:1"},
		{"a zone", session.Proxies{"http": "http://[fe80::1%25eth0]:3128"}, "http://a.test/", "[fe80::1%eth0]:3128"},
		{"an address as proxy", session.Proxies{"http": "http://[::1]:3128"}, "http://a.test/", "[::1]:3128"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, dialedFor(t, &session.Session{}, c.url, c.proxies), "of a request")
			assert.Equal(t, c.want, dialedFor(t, &session.Session{Proxies: c.proxies}, c.url), "of a session")
		})
	}
}

func TestProxiesOfRequestAndSession(t *testing.T) {
	t.Parallel()
	its := session.Proxies{"http": "http://its.test", "https": "http://its-tls.test"}
	for _, c := range []struct {
		name string
		opts []session.Option
		url  string
		want string
	}{
		{"the session's", nil, "http://a.test/", "its.test:80"},
		{"the request's", []session.Option{session.Proxies{"http": "http://own.test"}}, "http://a.test/", "own.test:80"},
		{"the session's for the other scheme", []session.Option{session.Proxies{"http": "http://own.test"}}, "https://a.test/", "its-tls.test:80"},
		{"the request's is narrower", []session.Option{session.Proxies{"http://a.test": "http://own.test"}}, "http://a.test/", "own.test:80"},
		{"the session's is narrower", []session.Option{session.Proxies{"all": "http://own.test"}}, "http://a.test/", "its.test:80"},
		{"an empty one removes", []session.Option{session.Proxies{"http": ""}}, "http://a.test/", "a.test:80"},
		{"an empty one removes its key alone", []session.Option{session.Proxies{"http": "", "all": "http://own.test"}}, "http://a.test/", "own.test:80"},
		{"an empty map inherits", []session.Option{session.Proxies{}}, "http://a.test/", "its.test:80"},
		{"options add up", []session.Option{session.Proxies{"http": "http://one.test"}, session.Proxies{"https": "http://two.test"}}, "http://a.test/", "one.test:80"},
		{"the later option", []session.Option{session.Proxies{"http": "http://one.test"}, session.Proxies{"http": "http://two.test"}}, "http://a.test/", "two.test:80"},
		{"NoProxy", []session.Option{session.NoProxy}, "http://a.test/", "a.test:80"},
		{"NoProxy over the request's", []session.Option{session.NoProxy, session.Proxies{"http": "http://own.test"}}, "http://a.test/", "a.test:80"},
		{"no_proxy is not for what is named in code", []session.Option{session.Proxies{"no_proxy": "a.test"}}, "http://a.test/", "its.test:80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, dialedFor(t, &session.Session{Proxies: its}, c.url, c.opts...))
		})
	}
	assert.Len(t, its, 2, "the session's map is never written to")
}

func TestNoProxyIsForOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.forwarder(t, "proxy.test:3128")
	w.Proxies = session.Proxies{"all": "http://proxy.test:3128"}
	for _, url := range []string{"http://a.test/", "https://a.test/"} {
		_, err := w.Get(t.Context(), url, session.NoProxy)
		require.NoError(t, err)
		assert.Empty(t, proxy.requests())
	}
	_, err := w.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, []string{"GET http://a.test/"}, proxy.calls())
	assert.Equal(t, []string{"GET http://a.test/", "GET https://a.test/", "GET http://a.test/"}, w.calls())
}

func TestProxyIsAskedInTheWayOfTheScheme(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.forwarder(t, "proxy.test:3128")
	secure := w.forwarder(t, "secure.test:3129", "secure.test")
	for _, c := range []struct {
		proxy  string
		asked  *forwarder
		target string
		want   string
	}{
		{"http://proxy.test:3128", plain, "http://a.test/x?q=1#f", "GET http://a.test/x?q=1"},
		{"http://proxy.test:3128", plain, "https://a.test/x?q=1", "CONNECT a.test:443"},
		{"https://secure.test:3129", secure, "http://a.test/x?q=1", "GET http://a.test/x?q=1"},
		{"https://secure.test:3129", secure, "https://b.test:8443/x?q=1", "CONNECT b.test:8443"},
	} {
		resp, err := w.Get(t.Context(), c.target, session.Proxies{"all": c.proxy})
		assert.Equal(t, "ok", text(t, resp, err))
		calls := c.asked.calls()
		assert.Equal(t, c.want, calls[len(calls)-1], c.proxy)
		at, _, _ := strings.Cut(c.target, "#")
		assert.Equal(t, at, w.last().At)
	}
}

func TestHostOverrideByWayOfAProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.forwarder(t, "proxy.test:3128")
	w.Proxies = session.Proxies{"all": "http://proxy.test:3128"}
	for _, c := range []struct{ url, want string }{
		{"http://a.test/x%2Fy/?q=1", "GET http://a.test/x%2Fy/?q=1"},
		{"http://a.test:8080", "GET http://a.test:8080/"},
		{"https://a.test/x", "CONNECT a.test:443"},
	} {
		_, err := w.Get(t.Context(), c.url, session.Header{"Host": {"other.test"}})
		require.NoError(t, err)
		calls := proxy.calls()
		assert.Equal(t, c.want, calls[len(calls)-1], "the proxy is asked for the URL's host")
	}
	assert.Equal(t, "other.test", w.last().Host)

	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://a.test", nil)
	require.NoError(t, err)
	req.Host = "other.test"
	resp, err := w.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	calls := proxy.calls()
	assert.Equal(t, "GET http://a.test/", calls[len(calls)-1], "a path that is empty")
}

func TestCredentialsOfTheProxyGoToTheProxyAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.forwarder(t, "proxy.test:3128")
	secure := w.forwarder(t, "secure.test:3129", "secure.test")
	for _, c := range []struct{ userinfo, want string }{
		{"", ""},
		{"user:pass@", " user:pass"},
		{"user@", " user:"},
		{"user:@", " user:"},
		{"us%65r:p%40ss%2F%3A@", " user:p@ss/:"},
		{"%D0%AE:%D0%BB@", " Ю:л"},
	} {
		for _, target := range []string{"http://a.test/", "https://a.test/"} {
			for proxy, url := range map[*forwarder]string{
				plain: "http://" + c.userinfo + "proxy.test:3128", secure: "https://" + c.userinfo + "secure.test:3129",
			} {
				before := len(proxy.calls())
				_, err := w.Get(t.Context(), target, session.Proxies{"all": url}, session.BasicAuth("for", "origin"))
				require.NoError(t, err, url)
				calls := proxy.calls()[before:]
				require.Len(t, calls, 1)
				if target == "http://a.test/" {
					assert.Equal(t, "GET http://a.test/"+c.want, calls[0])
				} else {
					assert.Equal(t, "CONNECT a.test:443"+c.want, calls[0])
				}
				assert.Equal(t, basic("for:origin"), w.last().Header.Get("Authorization"))
				assert.NotContains(t, w.last().Header, "Proxy-Authorization")
			}
		}
	}
}

// CVE-2015-3153: what is for the origin stays in the tunnel.
func TestTunnelIsAskedForWithoutTheRequestsHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.forwarder(t, "proxy.test:3128")
	w.Proxies = session.Proxies{"https": "http://u:p@proxy.test:3128"}
	w.Header.Set("X-Api-Key", "secret")
	_, err := w.Post(t.Context(), "https://a.test/", session.BearerAuth("secret"), session.Cookies{"c": "secret"}, session.Form{"secret": {"secret"}})
	require.NoError(t, err)
	require.Len(t, proxy.requests(), 1)
	header := proxy.requests()[0].Header
	for _, name := range []string{"Authorization", "Cookie", "X-Api-Key", "Content-Type"} {
		assert.NotContains(t, header, name)
		assert.Contains(t, w.last().Header, name)
	}
	assert.NotContains(t, fmt.Sprint(header), "secret")
}

// CVE-2023-32681: a header of the caller's own is for a proxy too.
func TestProxyAuthorizationHeaderNeverGoesToAnOrigin(t *testing.T) {
	t.Parallel()
	own := session.Header{"proxy-authorization": {basic("own:secret")}}
	for _, c := range []struct {
		name, proxy, target, want string
	}{
		{"direct", "", "http://a.test/", ""},
		{"direct, https", "", "https://a.test/", ""},
		{"forwarded", "http://proxy.test:3128", "http://a.test/", "GET http://a.test/ own:secret"},
		{"tunnel", "http://proxy.test:3128", "https://a.test/", "CONNECT a.test:443 own:secret"},
		{"forwarded, the URL's wins", "http://u:p@proxy.test:3128", "http://a.test/", "GET http://a.test/ u:p"},
		{"tunnel, the URL's wins", "http://u:p@proxy.test:3128", "https://a.test/", "CONNECT a.test:443 u:p"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			proxy := w.forwarder(t, "proxy.test:3128")
			for _, opts := range [][]session.Option{{own}, {session.AuthFunc(func(r *http.Request) error {
				r.Header["PROXY-authorization"] = []string{basic("own:secret")}
				return nil
			})}} {
				before := len(proxy.calls())
				_, err := w.Get(t.Context(), c.target, append(opts, session.Proxies{"all": c.proxy})...)
				require.NoError(t, err)
				for name := range w.last().Header {
					assert.NotEqual(t, "proxy-authorization", strings.ToLower(name))
				}
				calls := proxy.calls()[before:]
				if c.want == "" {
					assert.Empty(t, calls)
				} else if strings.HasPrefix(c.want, "GET") || before == 0 { // a tunnel serves more than one
					assert.Equal(t, []string{c.want}, calls)
				}
			}
		})
	}
}

func TestProxyCredentialsOnRedirects(t *testing.T) {
	t.Parallel()
	own := session.Header{"Proxy-Authorization": {basic("own:secret")}}
	for _, c := range []struct {
		name     string
		chain    [2]string
		opts     []session.Option
		one, two []string // what the proxies are asked
	}{
		{
			"http to https by the same proxy", [2]string{"http://a.test/", "https://a.test/x"},
			[]session.Option{session.Proxies{"all": "http://u:p@one.test:3128"}},
			[]string{"GET http://a.test/ u:p", "CONNECT a.test:443 u:p"}, nil,
		},
		{
			"https to http by the same proxy", [2]string{"https://a.test/", "http://b.test/"},
			[]session.Option{session.Proxies{"all": "http://u:p@one.test:3128"}},
			[]string{"CONNECT a.test:443 u:p", "GET http://b.test/ u:p"}, nil,
		},
		{ // CVE-2026-6253
			"to a proxy without credentials", [2]string{"http://a.test/", "https://a.test/x"},
			[]session.Option{session.Proxies{"http": "http://u:p@one.test:3128", "https": "http://two.test:3128"}},
			[]string{"GET http://a.test/ u:p"}, []string{"CONNECT a.test:443"},
		},
		{
			"to a proxy with others", [2]string{"http://a.test/", "http://b.test/"},
			[]session.Option{session.Proxies{"http": "http://u:p@one.test:3128", "http://b.test": "http://v:q@two.test:3128"}},
			[]string{"GET http://a.test/ u:p"}, []string{"GET http://b.test/ v:q"},
		},
		{
			"the caller's own header goes no further", [2]string{"http://a.test/", "http://b.test/"},
			[]session.Option{own, session.Proxies{"http": "http://one.test:3128", "http://b.test": "http://two.test:3128"}},
			[]string{"GET http://a.test/ own:secret"}, []string{"GET http://b.test/"},
		},
		{
			"to where no proxy is named", [2]string{"https://a.test/", "http://b.test/"},
			[]session.Option{own, session.Proxies{"https": "http://u:p@one.test:3128"}},
			[]string{"CONNECT a.test:443 u:p"}, nil,
		},
		{
			"from where no proxy is named", [2]string{"https://a.test/", "http://b.test/"},
			[]session.Option{session.Proxies{"http": "http://u:p@one.test:3128"}},
			[]string{"GET http://b.test/ u:p"}, nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			one, two := w.forwarder(t, "one.test:3128"), w.forwarder(t, "two.test:3128")
			w.redirect(http.StatusFound, c.chain[0], c.chain[1])
			resp, err := w.Get(t.Context(), c.chain[0], c.opts...)
			assert.Equal(t, "ok", text(t, resp, err))
			assert.Equal(t, c.one, one.calls())
			assert.Equal(t, c.two, two.calls())
			assert.Equal(t, []string{"GET " + c.chain[0], "GET " + c.chain[1]}, w.calls())
			for _, visit := range w.visits() {
				assert.NotContains(t, visit.Header, "Proxy-Authorization", visit.At)
			}
		})
	}
}

func TestRebuildProxiesStep(t *testing.T) {
	t.Parallel()
	failed := errors.New("no proxy today")
	for _, c := range []struct {
		name string
		step func(s *session.Session) func(*http.Request, session.Proxies) (session.Proxies, error)
		one  []string
		two  []string
		err  error
	}{
		{"the default", func(s *session.Session) func(*http.Request, session.Proxies) (session.Proxies, error) {
			return s.DefaultRebuildProxies
		}, []string{"GET http://a.test/", "GET http://b.test/"}, nil, nil},
		{"none", func(*session.Session) func(*http.Request, session.Proxies) (session.Proxies, error) {
			return func(*http.Request, session.Proxies) (session.Proxies, error) { return nil, nil }
		}, []string{"GET http://a.test/"}, nil, nil},
		{"another", func(s *session.Session) func(*http.Request, session.Proxies) (session.Proxies, error) {
			return func(next *http.Request, proxies session.Proxies) (session.Proxies, error) {
				proxies, err := s.DefaultRebuildProxies(next, proxies)
				proxies["http://"+next.URL.Host] = "http://two.test:3128"
				return proxies, err
			}
		}, []string{"GET http://a.test/"}, []string{"GET http://b.test/"}, nil},
		{"an invalid one", func(*session.Session) func(*http.Request, session.Proxies) (session.Proxies, error) {
			return func(*http.Request, session.Proxies) (session.Proxies, error) {
				return session.Proxies{"all": "ftp://proxy.test"}, nil
			}
		}, []string{"GET http://a.test/"}, nil, session.ErrInvalidProxy},
		{"an error", func(*session.Session) func(*http.Request, session.Proxies) (session.Proxies, error) {
			return func(*http.Request, session.Proxies) (session.Proxies, error) { return nil, failed }
		}, []string{"GET http://a.test/"}, nil, failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			one, two := w.forwarder(t, "one.test:3128"), w.forwarder(t, "two.test:3128")
			w.redirect(http.StatusFound, "http://a.test/", "http://b.test/")
			w.Proxies = session.Proxies{"all": "http://one.test:3128"}
			var given session.Proxies
			step := c.step(w.Session)
			w.RebuildProxies = func(next *http.Request, proxies session.Proxies) (session.Proxies, error) {
				given = proxies
				return step(next, proxies)
			}
			_, err := w.Get(t.Context(), "http://a.test/", session.Proxies{"https": "http://two.test:3128"})
			assert.ErrorIs(t, err, c.err)
			assert.Equal(t, session.Proxies{"all": "http://one.test:3128", "https": "http://two.test:3128"}, given, "request over session")
			assert.Equal(t, c.one, one.calls())
			assert.Equal(t, c.two, two.calls())
			assert.Len(t, w.calls(), map[bool]int{true: 2, false: 1}[c.err == nil])
		})
	}
}

func TestRefusedTunnel(t *testing.T) {
	t.Parallel()
	for _, status := range []int{201, 204, 301, 302, 400, 401, 403, 404, 407, 429, 500, 502, 503, 504} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			proxy := w.forwarder(t, "proxy.test:3128")
			proxy.answer = func(out http.ResponseWriter, _ *http.Request) {
				out.Header().Set("Proxy-Authenticate", `Basic realm="office"`)
				out.Header().Set("Location", "http://evil.test/")
				out.WriteHeader(status)
				if status != http.StatusNoContent {
					_, _ = io.WriteString(out, "not the origin's")
				}
			}
			resp, err := w.Get(t.Context(), "https://a.test/", session.Proxies{"https": "http://user:hunter2@proxy.test:3128"})
			assert.Nil(t, resp)
			require.ErrorIs(t, err, session.ErrProxy)
			require.ErrorIs(t, err, session.ErrConnection)
			assert.NotErrorIs(t, err, session.ErrTLS)
			assert.NotErrorIs(t, err, session.ErrTimeout)
			var refused *session.ProxyError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, status, refused.StatusCode)
			assert.Equal(t, strings.TrimSpace(fmt.Sprint(status, " ", http.StatusText(status))), refused.Status)
			assert.Equal(t, `Basic realm="office"`, refused.Header.Get("Proxy-Authenticate"))
			assert.Contains(t, err.Error(), fmt.Sprint(status))
			assert.NotContains(t, err.Error(), "hunter2")
			assert.Equal(t, []string{"CONNECT a.test:443 user:hunter2"}, proxy.calls(), "once, and nothing else")
			assert.Empty(t, w.visits())
			assert.Equal(t, []string{"proxy.test:3128"}, w.dials)
		})
	}
}

// A proxy's answer to a request that it is to forward is a response.
func TestProxyThatAnswersItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.forwarder(t, "proxy.test:3128")
	proxy.answer = func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusProxyAuthRequired) }
	resp, err := w.Get(t.Context(), "http://a.test/", session.Proxies{"http": "http://proxy.test:3128"})
	require.NoError(t, err)
	assert.Equal(t, http.StatusProxyAuthRequired, resp.StatusCode)
}

// A tunnel's target that cannot be trusted, or does not answer, is no fault of the proxy.
func TestFailureBehindATunnelIsNotTheProxys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.forwarder(t, "proxy.test:3128")
	w.Proxies = session.Proxies{"all": "http://proxy.test:3128"}
	w.handle("https://a.test/", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := w.Get(t.Context(), "https://unknown.test/")
	require.ErrorIs(t, err, session.ErrTLS)
	assert.NotErrorIs(t, err, session.ErrProxy)
	_, err = w.Get(t.Context(), "https://a.test/")
	require.ErrorIs(t, err, session.ErrConnection)
	assert.NotErrorIs(t, err, session.ErrProxy)

	_, err = w.Get(t.Context(), "https://gone.test/")
	var refused *session.ProxyError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusBadGateway, refused.StatusCode)
}

func TestInvalidProxyIsAnError(t *testing.T) {
	t.Parallel()
	for _, proxy := range []string{
		"http://", "http:///path", "http://:3128", "://proxy.test", "https://", "socks5://", "http://user:hunter2@", "http://user:hunter2@:3128",
		"ftp://user:hunter2@proxy.test", "socks4://user:hunter2@proxy.test", "file:///hunter2", "javascript://hunter2",
		"http://user:hunter2@proxy.test:port", "http://user:hunter2@proxy.test:99999", "http://proxy.test:-1", "http://proxy.test:0x50",
		"http://user:hunter2%zz@proxy.test", "http://user:hunter2\x00@proxy.test", "http://[::1", "http://[hunter2]", "http://proxy test",
		"http:proxy.test:3128", " http://proxy.test", "hunter2 hunter2", ":", "/", "?", "#", "@", "user:hunter2@", "%zz", "http://proxy.test\r\nX: 1",
	} {
		for _, target := range []string{"http://a.test/", "https://a.test/"} {
			t.Run(proxy+" for "+target, func(t *testing.T) {
				t.Parallel()
				var dialed []string
				s := dialing(t, func(_ context.Context, network, addr string) (net.Conn, error) {
					dialed = append(dialed, addr)
					return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
				})
				body := &closeCounter{Reader: strings.NewReader("x")}
				resp, err := s.Post(t.Context(), target, session.Proxies{"all": proxy}, session.Reader(body))
				assert.Nil(t, resp)
				require.ErrorIs(t, err, session.ErrInvalidProxy)
				assert.NotErrorIs(t, err, session.ErrConnection, "nothing was tried")
				assert.NotContains(t, fmt.Sprintf("%v %+v %q", err, err, err), "hunter2")
				assert.Empty(t, dialed)
				assert.Equal(t, 1, body.count())

				s.Proxies = session.Proxies{"all": proxy}
				_, err = s.Get(t.Context(), target)
				require.ErrorIs(t, err, session.ErrInvalidProxy)
				assert.Empty(t, dialed)
			})
		}
	}
}

func TestProxyThatAnswersGarbage(t *testing.T) {
	t.Parallel()
	after := func(answer string) func(net.Conn) {
		return func(conn net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, answer)
			}
		}
	}
	for name, script := range map[string]func(net.Conn){
		"nothing":              func(net.Conn) {},
		"nothing, asked":       after(""),
		"noise":                after("\x00\x01\x02\x03\r\n\r\n"),
		"another protocol":     after("SSH-2.0-OpenSSH_9.0\r\n"),
		"half a status":        after("HTTP/1.1 2"),
		"half a header":        after("HTTP/1.1 200 OK\r\nX-A: b"),
		"no status":            after("HTTP/1.1 xyz OK\r\n\r\n"),
		"a header without end": after("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 12<<20)),
	} {
		for _, target := range []string{"http://a.test/", "https://a.test/"} {
			t.Run(name+" for "+target, func(t *testing.T) {
				t.Parallel()
				s := talking(t, script)
				resp, err := s.Get(t.Context(), target, session.Proxies{"all": "http://user:hunter2@proxy.test"})
				assert.Nil(t, resp)
				require.ErrorIs(t, err, session.ErrProxy)
				assert.NotErrorIs(t, err, session.ErrTimeout)
				assert.NotErrorIs(t, err, session.ErrTLS)
				assert.NotContains(t, err.Error(), "hunter2")
			})
		}
	}
}

// What a proxy says after it has opened a tunnel is never taken for the origin's.
func TestProxyThatAnswersInTheOriginsPlace(t *testing.T) {
	t.Parallel()
	s := talking(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad")
		}
	})
	resp, err := s.Get(t.Context(), "https://a.test/", session.Proxies{"all": "http://proxy.test"})
	assert.Nil(t, resp)
	require.ErrorIs(t, err, session.ErrConnection)
}

func TestProxyThatHangs(t *testing.T) {
	for target, kind := range map[string]error{
		"http://a.test/":  session.ErrReadTimeout, // it is connected to, and sent the request
		"https://a.test/": session.ErrConnectTimeout,
	} {
		t.Run(target, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := talking(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
				s.Timeout = session.Timeout{Connect: 3 * time.Second, Read: 5 * time.Second}
				_, err := s.Get(t.Context(), target, session.Proxies{"all": "http://user:hunter2@proxy.test"})
				assertTimeout(t, err, kind)
				assert.NotContains(t, err.Error(), "hunter2")
			})
		})
	}
}

// CVE-2021-28363: a proxy that is not who it says gets neither the request nor
// the credentials.
func TestCertificateOfTheProxyIsVerified(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"http://a.test/", "https://a.test/"} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			good := w.forwarder(t, "good.test:3129", "good.test")
			evil := w.forwarder(t, "evil.test:3129", "good.test")
			via := func(host string) session.Proxies {
				return session.Proxies{"all": "https://user:hunter2@" + host + ":3129"}
			}
			_, err := w.Get(t.Context(), target, via("good.test"))
			require.NoError(t, err)
			assert.Len(t, good.requests(), 1)

			_, err = w.Get(t.Context(), target, via("evil.test"))
			require.ErrorIs(t, err, session.ErrTLS)
			assert.NotContains(t, err.Error(), "hunter2")
			_, err = w.Get(t.Context(), target, via("good.test"), session.VerifyDefault)
			require.ErrorIs(t, err, session.ErrTLS, "the authority is not the system's")
			assert.Empty(t, evil.requests())
			assert.Len(t, good.requests(), 1)

			_, err = w.Get(t.Context(), target, via("evil.test"), session.InsecureSkipVerify)
			require.NoError(t, err)
			assert.Len(t, evil.requests(), 1)
		})
	}
}

// A proxy that is told to be https is never spoken to in the clear.
func TestProxyOverTLSIsGreetedByAHandshake(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"http://a.test/", "https://a.test/"} {
		var mu sync.Mutex
		var first []byte
		s := talking(t, func(conn net.Conn) {
			mu.Lock()
			defer mu.Unlock()
			first = make([]byte, 3)
			_, _ = io.ReadFull(conn, first)
		})
		_, err := s.Get(t.Context(), target, session.Proxies{"all": "https://u:p@proxy.test"})
		require.ErrorIs(t, err, session.ErrConnection)
		mu.Lock()
		assert.Equal(t, []byte{22, 3, 1}, first, "a TLS record of a handshake")
		mu.Unlock()
	}
}

// CVE-2026-3784: who a tunnel was opened for is the only one to use it.
func TestTunnelIsNotSharedBetweenUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.forwarder(t, "proxy.test:3128")
	for range 2 {
		for _, user := range []string{"", "a:1@", "b:2@", "a:2@"} {
			_, err := w.Get(t.Context(), "https://a.test/", session.Proxies{"https": "http://" + user + "proxy.test:3128"})
			require.NoError(t, err)
		}
	}
	assert.Equal(t, []string{
		"CONNECT a.test:443", "CONNECT a.test:443 a:1", "CONNECT a.test:443 b:2", "CONNECT a.test:443 a:2",
	}, proxy.calls(), "one each, used again")
}

// CVE-2016-5699 and its like: nothing in a proxy's URL splits the message.
func TestProxyCredentialsCannotSplitTheMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.forwarder(t, "proxy.test:3128")
	for _, target := range []string{"http://a.test/", "https://a.test/"} {
		_, err := w.Get(t.Context(), target, session.Proxies{"all": "http://u:p%0D%0AX-Evil:%201@proxy.test:3128"})
		require.NoError(t, err)
	}
	for _, r := range proxy.requests() {
		assert.NotContains(t, r.Header, "X-Evil")
	}
	_, err := w.Get(t.Context(), "https://a.test/", session.Proxies{"all": "http://proxy.test:3128"},
		session.Header{"Proxy-Authorization": {"Basic hunter2\r\nX-Evil: 1"}})
	require.ErrorIs(t, err, session.ErrInvalidHeader)
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestProxySecretsAreInNoError(t *testing.T) {
	t.Parallel()
	secure := func(w *world, t *testing.T) { w.forwarder(t, "proxy.test:3128", "other.test") }
	failing := func(handler http.HandlerFunc) func(*world, *testing.T) {
		return func(w *world, t *testing.T) { w.forwarder(t, "proxy.test:3128").answer = handler }
	}
	for _, c := range []struct {
		name, proxy string
		set         func(*world, *testing.T)
		kind        error
	}{
		{"refuses connections", "http://user:hunter2@gone.test:3128", nil, session.ErrProxy},
		{"refuses connections, https", "https://user:hunter2@gone.test:3128", nil, session.ErrProxy},
		{"refuses connections, socks5", "socks5://user:hunter2@gone.test:3128", nil, session.ErrProxy},
		{"is not trusted", "https://user:hunter2@proxy.test:3128", secure, session.ErrTLS},
		{"speaks no TLS", "https://user:hunter2@proxy.test:3128", failing(nil), session.ErrTLS},
		{"wants TLS", "http://user:hunter2@proxy.test:3128", secure, session.ErrProxy},
		{"breaks off", "http://user:hunter2@proxy.test:3128", failing(func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}), session.ErrProxy},
		{"tells what it was sent", "http://user:hunter2@proxy.test:3128", failing(func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("X-Seen", r.Header.Get("Proxy-Authorization"))
			out.WriteHeader(http.StatusForbidden)
		}), session.ErrProxy},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.set != nil {
				c.set(w, t)
			}
			_, err := w.Get(t.Context(), "https://a.test/", session.Proxies{"all": c.proxy})
			require.ErrorIs(t, err, c.kind)
			for e := err; e != nil; e = errors.Unwrap(e) {
				for _, printed := range []string{fmt.Sprintf("%v", e), fmt.Sprintf("%+v", e), fmt.Sprintf("%q", e)} {
					assert.NotContains(t, printed, "hunter2")
					assert.NotContains(t, printed, base64Of("user:hunter2"))
				}
			}
			var envelope *url.Error
			require.ErrorAs(t, err, &envelope)
			assert.Equal(t, "https://a.test/", envelope.URL)
		})
	}
}

func TestProxiesOfPreparedRequestsAndDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.forwarder(t, "proxy.test:3128")
	w.Proxies = session.Proxies{"http": "http://u:p@proxy.test:3128"}
	req, err := w.Prepare(t.Context(), &session.Request{Method: "GET", URL: "http://a.test/prepared"})
	require.NoError(t, err)
	assert.NotContains(t, req.Header, "Proxy-Authorization")
	_, err = w.SendPrepared(req)
	require.NoError(t, err)
	_, err = w.SendPrepared(req, session.NoProxy)
	require.NoError(t, err)

	req, err = http.NewRequestWithContext(t.Context(), "GET", "http://a.test/do", nil)
	require.NoError(t, err)
	for _, do := range []func(*http.Request) (*http.Response, error){w.Do, w.Client().Do} {
		resp, err := do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	assert.Equal(t, []string{
		"GET http://a.test/prepared u:p", "GET http://a.test/do u:p", "GET http://a.test/do u:p",
	}, proxy.calls())
	assert.Len(t, w.visits(), 4)
}

func TestProxiesInParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.forwarder(t, "one.test:3128"), w.forwarder(t, "two.test:3128")
	var wg sync.WaitGroup
	for i := range 24 {
		proxy := []string{"http://a:1@one.test:3128", "http://b:2@two.test:3128", ""}[i%3]
		target := []string{"http://a.test/", "https://a.test/"}[i%2]
		wg.Go(func() {
			_, err := w.Get(t.Context(), target, session.Proxies{"all": proxy})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	for _, call := range one.calls() {
		assert.True(t, strings.HasSuffix(call, " a:1"), call)
	}
	for _, call := range two.calls() {
		assert.True(t, strings.HasSuffix(call, " b:2"), call)
	}
	assert.Len(t, w.visits(), 24)
}

// What a key that can serve nothing names would be passed by without a word.
func TestProxyKeysThatServeNothingAreRefused(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"http://", "HTTP", "Https://a.test", "all://", "", "://a.test",
		"http://127.0.0.1/", "http://host:80", "all://LOCALHOST", "http:", "http://*", "http://[::1]:80", "http://u@host"} {
		target := new(stub)
		s := session.New()
		require.NoError(t, s.Mount("http://", settling{target}))
		_, err := s.Get(t.Context(), "http://a.test/", session.Proxies{key: "http://user:hunter2@p.test"})
		require.ErrorIs(t, err, session.ErrInvalidProxy, key)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.Empty(t, target.seen())
	}
	s := session.New()
	require.NoError(t, s.Mount("http://", settling{new(stub)}))
	_, err := s.Get(t.Context(), "http://a.test/", session.Proxies{
		"https": "http://p.test", "http://b.test": "http://p.test", "no_proxy": "c.test", "mock": "http://p.test",
		"http://[::1]": "http://p.test", "http://::1": "http://p.test", "all://c.test": "http://p.test",
	})
	assert.NoError(t, err, "they serve others")
}

// settling is a stub that takes settings.
type settling struct{ *stub }

func (a settling) RoundTripWith(req *http.Request, _ session.TransportSettings) (*http.Response, error) {
	return a.RoundTrip(req)
}

func TestProxiesPrintNoPassword(t *testing.T) {
	t.Parallel()
	proxies := session.Proxies{"http": "http://user:hunter2@p.test", "all": "user:hunter2@p.test"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		printed := fmt.Sprintf(format, proxies)
		assert.NotContains(t, printed, "hunter2", format)
		assert.Contains(t, printed, "user:xxxxx@p.test", format)
	}
}
