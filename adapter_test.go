package session_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

func TestAdaptersOfASessionAtFirst(t *testing.T) {
	t.Parallel()
	for what, s := range map[string]*session.Session{"New": session.New(), "zero": {}} {
		assert.Equal(t, []string{"https://", "http://"}, prefixes(s), what)
		list := s.Adapters()
		assert.IsType(t, new(session.HTTPAdapter), list[0].Adapter, what)
		assert.Same(t, list[0].Adapter, list[1].Adapter, "%s: they share connections", what)
		assert.Same(t, list[0].Adapter, s.Adapters()[0].Adapter, what)
	}
}

func TestAdaptersAreTriedLongestPrefixFirst(t *testing.T) {
	t.Parallel()
	s := session.New()
	for _, prefix := range []string{
		"http://b.test", "http://a.test", "https://a.test/x", "mock://", "http://a.test/v1", "http://c.test", "tel:", "https://a.test/y",
	} {
		require.NoError(t, s.Mount(prefix, &stub{name: prefix}))
	}
	want := []string{
		"https://a.test/x", "http://a.test/v1", "https://a.test/y", "http://b.test", "http://a.test", "http://c.test",
		"https://", "http://", "mock://", "tel:",
	}
	assert.Equal(t, want, prefixes(s), "equal lengths in the order of mounting")

	again := new(stub)
	require.NoError(t, s.Mount("HTTP://B.test", again))
	want[3] = "HTTP://B.test"
	assert.Equal(t, want, prefixes(s), "mounted anew a prefix keeps its place")
	assert.Same(t, again, s.Adapters()[3].Adapter)
}

func TestAdaptersGivesACopy(t *testing.T) {
	t.Parallel()
	s := session.New()
	list := s.Adapters()
	list[0].Adapter, list[0].Prefix = nil, "x"
	assert.Equal(t, "https://", s.Adapters()[0].Prefix)
	assert.NotNil(t, s.Adapters()[0].Adapter)
}

func TestAdapterIsChosenByTheParsedURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		prefix string
		yes    []string
		no     []string
	}{
		{"https://", []string{"https://a.test", "HTTPS://A.test:8443/x"}, []string{"http://a.test/", "http://https/"}},
		{
			"https://a.test",
			[]string{
				"https://a.test", "https://a.test/", "HTTPS://A.TEST/x?y", "https://a.test:443/", "https://a.test:8443/",
				"https://user:pass@a.test/", "https://a.test?q",
			},
			[]string{
				"http://a.test/", "https://b.test/", "https://a.test.evil.test/", "https://a.test:x@evil.test/",
				"https://a.test@evil.test/", "https://sub.a.test/", "https://xa.test/", "https://a.test./", "https://a.tes/",
				"https://b.test/https://a.test", "https://b.test/?https://a.test", "https://b.test#https://a.test",
			},
		},
		{"https://A.TEST", []string{"https://a.test/"}, []string{"https://b.test/"}},
		{
			"https://a.test:8443",
			[]string{"https://a.test:8443/", "https://u:p@A.test:8443/x"},
			[]string{"https://a.test/", "https://a.test:443/", "https://a.test:844/"},
		},
		{"https://a.test:443", []string{"https://a.test/", "https://a.test:443/"}, []string{"https://a.test:444/"}},
		{"http://a.test:080", []string{"http://a.test/", "http://a.test:80/"}, []string{"http://a.test:8080/"}},
		{"https://a.test:", []string{"https://a.test/", "https://a.test:8443/"}, []string{"https://b.test/"}},
		{"https://a.test/", []string{"https://a.test", "https://a.test/x", "https://a.test?q"}, []string{"https://a.test.evil.test/"}},
		{
			"https://a.test/V1",
			[]string{"https://a.test/v1", "https://a.test/V1/users", "https://a.test/v10", "https://a.test:1/v1?x", "https://a.test/x/../v1"},
			[]string{"https://a.test/", "https://a.test/x/v1", "https://a.test/?/v1", "https://b.test/v1"},
		},
		{"https://a.test/a?b=", []string{"https://a.test/a?b=c", "https://a.test/A?B="}, []string{"https://a.test/a", "https://a.test/a?c"}},
		{"http://[::1]", []string{"http://[::1]/", "http://[::1]:8080/"}, []string{"http://[::2]/", "https://[::1]/"}},
		{"http://[::1]:8080", []string{"http://[::1]:8080/"}, []string{"http://[::1]/"}},
		{"http://bücher.test", []string{"http://bücher.test/", "http://BÜCHER.test", "http://xn--bcher-kva.test/"}, []string{"http://bucher.test/"}},
		{"mock://", []string{"mock://a/b", "mock:opaque", "MOCK://x", "mock://"}, []string{"mocks://a", "http://mock/"}},
		{"mock:", []string{"mock://a/b", "mock:opaque"}, []string{"mocks://a"}},
		{"mock://host", []string{"mock://host", "mock://HOST/x", "mock://host:1"}, []string{"mock://hos", "mock://host2", "mock:host"}},
		{"mock:///var", []string{"mock:///var/run", "mock://any/VAR"}, []string{"mock:///run"}},
	} {
		s := new(session.Session)
		for _, prefix := range prefixes(s) {
			require.True(t, s.Unmount(prefix))
		}
		mounted := new(stub)
		require.NoError(t, s.Mount(c.prefix, mounted), c.prefix)
		require.NoError(t, s.Mount("http://b.test/none", new(stub)))
		for _, address := range c.yes {
			_, err := s.Get(t.Context(), address)
			require.NoError(t, err, "%s for %s", c.prefix, address)
		}
		assert.Len(t, mounted.seen(), len(c.yes), c.prefix)
		for _, address := range c.no {
			_, err := s.Get(t.Context(), address)
			require.ErrorIs(t, err, session.ErrNoAdapter, "%s for %s", c.prefix, address)
		}
	}
}

func TestLongestPrefixServes(t *testing.T) {
	t.Parallel()
	s := session.New()
	for _, prefix := range []string{"http://", "http://a.test", "http://a.test:8080", "http://a.test/v1", "http://a.test/v1/users"} {
		require.NoError(t, s.Mount(prefix, &stub{name: prefix}))
	}
	for address, want := range map[string]string{
		"http://b.test/v1":             "http://",
		"http://a.test/":               "http://a.test",
		"http://a.test:8080/v2":        "http://a.test:8080",
		"http://a.test/v1/x":           "http://a.test/v1",
		"http://u:p@a.test/v1/users/1": "http://a.test/v1/users",
	} {
		resp, err := s.Get(t.Context(), address)
		assert.Equal(t, want, text(t, resp, err), address)
		m, err := s.AdapterFor(mustURL(t, address))
		require.NoError(t, err)
		assert.Equal(t, want, m.Prefix, address)
		assert.Equal(t, want, m.Adapter.(*stub).name, address)
	}
	_, err := s.AdapterFor(mustURL(t, "mock://user:secret@a.test/"))
	require.ErrorIs(t, err, session.ErrNoAdapter)
	assert.NotContains(t, err.Error(), "secret")
}

func TestUnmount(t *testing.T) {
	t.Parallel()
	s := session.New()
	require.NoError(t, s.Mount("http://", &stub{name: "all"}))
	require.NoError(t, s.Mount("http://a.test", &stub{name: "one"}))
	assert.False(t, s.Unmount("http://b.test"))
	assert.False(t, s.Unmount("http://a.test/"), "the prefix, not what it serves")
	assert.True(t, s.Unmount("HTTP://A.TEST"))
	assert.False(t, s.Unmount("http://a.test"), "it is gone")
	resp, err := s.Get(t.Context(), "http://a.test/")
	assert.Equal(t, "all", text(t, resp, err))
	assert.True(t, s.Unmount("http://"))
	_, err = s.Get(t.Context(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrNoAdapter)
	assert.True(t, s.Unmount("https://"))
	assert.Empty(t, s.Adapters())
	require.NoError(t, s.Mount("http://", &stub{name: "back"}))
	resp, err = s.Get(t.Context(), "http://a.test/")
	assert.Equal(t, "back", text(t, resp, err))
}

func TestMountRefusesAdaptersThatAreNil(t *testing.T) {
	t.Parallel()
	s := session.New()
	before := s.Adapters()
	for what, adapter := range map[string]http.RoundTripper{
		"nil": nil, "HTTPAdapter": (*session.HTTPAdapter)(nil), "Transport": (*http.Transport)(nil),
		"stub": (*stub)(nil), "func": roundTripper(nil),
	} {
		err := s.Mount("http://a.test", adapter)
		require.ErrorIs(t, err, session.ErrInvalidRequest, what)
		require.ErrorContains(t, err, `"http://a.test"`, what)
		require.ErrorContains(t, err, "nil", what)
	}
	assert.Equal(t, before, s.Adapters())
}

func TestMountRefusesPrefixesThatCannotBeParsed(t *testing.T) {
	t.Parallel()
	s := session.New()
	before := s.Adapters()
	for _, prefix := range []string{
		"", "a.test", "/v1", "//a.test", "://a.test", "1http://a.test", "ht tp://a.test", "http:/a.test", "http:a.test",
		"http://a.test:x", "http://a.test:99999", "http://a.test:0", "http://:80", "http://[::1", "http://[x]", "http://a b.test",
		"http://a\x00b", "http://.a.test", "http://xn--\xff.test", "http://u:secret@a.test", "http://u:sec/ret@a.test", "http://@a.test",
		"http://\u00ad", "http://\u2060:80/x",
	} {
		err := s.Mount(prefix, new(stub))
		require.ErrorIs(t, err, session.ErrInvalidRequest, "%q", prefix)
		require.ErrorContains(t, err, "prefix", "%q", prefix)
		assert.NotContains(t, err.Error(), "secret", "%q", prefix)
		assert.NotContains(t, err.Error(), "ret@", "%q", prefix)
	}
	assert.Equal(t, before, s.Adapters())
}

func TestAnyRoundTripperIsAnAdapter(t *testing.T) {
	t.Parallel()
	disk := file(t, "f.txt", "from disk")
	s := session.New()
	require.NoError(t, s.Mount("file://", http.NewFileTransport(http.Dir(filepath.Dir(disk)))))
	resp, err := s.Get(t.Context(), "file:///f.txt")
	assert.Equal(t, "from disk", text(t, resp, err))
	resp, err = s.Get(t.Context(), "file:///none")
	require.NoError(t, err)
	assert.Equal(t, 404, resp.StatusCode)

	srv := serve(t, nil)
	own := new(http.Transport)
	t.Cleanup(own.CloseIdleConnections)
	require.NoError(t, s.Mount(srv.URL, own))
	resp, err = s.Get(t.Context(), srv.URL+"/x")
	assert.Equal(t, "ok", text(t, resp, err))
	assert.Equal(t, "go-session/"+session.Version, srv.last(t).UserAgent(), "the session's settings are its too")
}

func TestAdapterOfAnotherSchemeGetsTheURLAsItIs(t *testing.T) {
	t.Parallel()
	mock := new(stub)
	s := session.New()
	require.NoError(t, s.Mount("mock+x://", mock))
	s.Params = url.Values{"session": {"1"}}
	for _, address := range []string{"mock+x://Host/A/../b?q#f", "mock+x:opaque?x"} {
		resp, err := s.Post(t.Context(), address, session.Params{"p": {"1"}}, session.Text("x"))
		require.NoError(t, err)
		assert.Equal(t, address, resp.URL().String())
	}
	assert.Equal(t, []string{"mock+x://Host/A/../b?q#f", "mock+x:opaque?x"}, mock.seen())
}

func TestAnswersOfAdaptersThatAreNone(t *testing.T) {
	t.Parallel()
	left := &closeCounter{Reader: strings.NewReader("x")}
	boom := errors.New("boom")
	for _, c := range []struct {
		what    string
		adapter roundTripper
		want    error
	}{
		{"nothing", func(*http.Request) (*http.Response, error) { return nil, nil }, session.ErrProtocol},
		{"both", func(req *http.Request) (*http.Response, error) {
			resp := answer(req, 200, nil, "")
			resp.Body = left
			return resp, boom
		}, boom},
		{"101", func(req *http.Request) (*http.Response, error) { return answer(req, 101, nil, ""), nil }, session.ErrProtocol},
	} {
		s := session.New()
		require.NoError(t, s.Mount("http://", c.adapter))
		resp, err := s.Get(t.Context(), "http://a.test/")
		require.ErrorIs(t, err, c.want, c.what)
		assert.Nil(t, resp, c.what)
		var envelope *url.Error
		require.ErrorAs(t, err, &envelope, c.what)
	}
	assert.Equal(t, 1, left.count())

	s := session.New()
	require.NoError(t, s.Mount("http://", roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200}, nil // no body, no header, no request
	})))
	for _, stream := range []bool{false, true} {
		resp, err := s.Get(t.Context(), "http://a.test/x", session.Stream(stream))
		assert.Empty(t, text(t, resp, err))
		assert.Equal(t, "http://a.test/x", resp.URL().String())
	}
}

func TestRedirectsAreDispatchedAnew(t *testing.T) {
	t.Parallel()
	s := session.New()
	moved := func(to string) roundTripper {
		return func(req *http.Request) (*http.Response, error) { return answer(req, 302, location(to), ""), nil }
	}
	require.NoError(t, s.Mount("http://a.test", moved("https://b.test/x")))
	require.NoError(t, s.Mount("https://b.test", moved("/v1/x")))
	require.NoError(t, s.Mount("https://b.test/v1", moved("//c.test/")))
	require.NoError(t, s.Mount("https://", &stub{name: "last"}))
	resp, err := s.Get(t.Context(), "http://a.test/")
	assert.Equal(t, "last", text(t, resp, err))
	assert.Len(t, resp.History, 3)
	assert.Equal(t, "https://c.test/", resp.URL().String())
}

// opening is an adapter that is asked before a redirect is followed to it.
type opening struct {
	stub
	open  bool
	asked []string
}

func (o *opening) AcceptRedirect(u *url.URL) bool {
	o.asked = append(o.asked, u.String())
	return o.open
}

func TestRedirectLeavesHTTPOnlyForAnAdapterThatOptsIn(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"http://a.test/", "https://a.test/"} {
		s := session.New()
		require.NoError(t, s.Mount(from, roundTripper(func(req *http.Request) (*http.Response, error) {
			return answer(req, 302, location(req.URL.Query().Get("to")), ""), nil
		})))
		never, shut, open := &stub{}, &opening{}, &opening{open: true, stub: stub{name: "open"}}
		require.NoError(t, s.Mount("never://", never))
		require.NoError(t, s.Mount("shut://", shut))
		require.NoError(t, s.Mount("open://", open))
		for to, want := range map[string]error{
			"never://x/": session.ErrRedirectScheme, "shut://x/": session.ErrRedirectScheme, "open://x/": nil,
			"none://x/": session.ErrNoAdapter,
		} {
			resp, err := s.Get(t.Context(), from, session.Params{"to": {to}})
			if want != nil {
				require.ErrorIs(t, err, want, to)
				require.ErrorIs(t, err, session.ErrNoAdapter, to)
				continue
			}
			assert.Equal(t, "open", text(t, resp, err))
		}
		assert.Empty(t, never.seen())
		assert.Empty(t, shut.seen())
		assert.Equal(t, []string{"shut://x/"}, shut.asked)
		assert.Equal(t, []string{"open://x/"}, open.asked)
		resp, err := s.Get(t.Context(), "shut://x/")
		require.NoError(t, err, "the program itself may")
		assert.Len(t, shut.asked, 1, "and is not asked: %s", resp.URL())
	}
}

func TestRedirectsAmongOtherSchemesNeedNoOptIn(t *testing.T) {
	t.Parallel()
	s := session.New()
	require.NoError(t, s.Mount("one://", roundTripper(func(req *http.Request) (*http.Response, error) {
		return answer(req, 302, location("two://x/"), ""), nil
	})))
	require.NoError(t, s.Mount("two://", &stub{name: "two"}))
	resp, err := s.Get(t.Context(), "one://x/")
	assert.Equal(t, "two", text(t, resp, err))
}

func TestWhatAMountedTransportCannotHonourIsAnError(t *testing.T) {
	t.Parallel()
	const plain, secure = "http://a.test/", "https://a.test/"
	proxies := session.Proxies{"all": "http://user:secret@proxy.test"}
	cert := session.ClientCert(new(tls.Certificate))
	for _, c := range []struct {
		what    string
		session *session.Session
		address string
		options []session.Option
		refused string // what the error names; "" for none
	}{
		{"nothing", &session.Session{}, secure, nil, ""},
		{"proxy of the request", &session.Session{}, plain, []session.Option{proxies}, "proxy"},
		{"proxy of the session", &session.Session{Proxies: proxies}, plain, nil, "proxy"},
		{"proxy of the session, taken away", &session.Session{Proxies: proxies}, plain, []session.Option{session.NoProxy}, ""},
		{"proxy of the session, removed", &session.Session{Proxies: proxies}, plain, []session.Option{session.Proxies{"all": ""}}, ""},
		{"proxy of another scheme", &session.Session{}, plain, []session.Option{session.Proxies{"https": "http://proxy.test"}}, ""},
		{"proxy of another host", &session.Session{}, plain, []session.Option{session.Proxies{"all://b.test": "http://proxy.test"}}, ""},
		{"Verify of the request", &session.Session{}, secure, []session.Option{session.InsecureSkipVerify}, "Verify"},
		{"CA file of the request", &session.Session{}, secure, []session.Option{session.CAFile("/does/not/exist")}, "Verify"},
		{"Verify of the session", &session.Session{Verify: session.RootCAs(x509.NewCertPool())}, secure, nil, "Verify"},
		{"Verify of the session, taken away", &session.Session{Verify: session.InsecureSkipVerify}, secure, []session.Option{session.VerifyDefault}, ""},
		{"Verify in the clear", &session.Session{Verify: session.InsecureSkipVerify}, plain, nil, ""},
		{"Cert of the request", &session.Session{}, secure, []session.Option{cert}, "Cert"},
		{"Cert of the session", &session.Session{Cert: cert}, secure, nil, "Cert"},
		{"Cert of the session, taken away", &session.Session{Cert: cert}, secure, []session.Option{session.NoCert}, ""},
	} {
		s, mounted := c.session, new(stub)
		require.NoError(t, s.Mount("http://", mounted))
		require.NoError(t, s.Mount("https://", mounted))
		body := &closeCounter{Reader: unsized("x")}
		_, err := s.Post(t.Context(), c.address, append(c.options, session.Reader(body))...)
		assert.Equal(t, 1, body.count(), c.what)
		if c.refused == "" {
			require.NoError(t, err, c.what)
			assert.Len(t, mounted.seen(), 1, c.what)
			continue
		}
		require.ErrorIs(t, err, errors.ErrUnsupported, c.what)
		require.ErrorIs(t, err, session.ErrInvalidRequest, c.what)
		require.ErrorContains(t, err, c.refused, c.what)
		assert.NotContains(t, err.Error(), "secret", c.what)
		assert.Empty(t, mounted.seen(), "%s: nothing is sent", c.what)
	}
}

func TestWhatOnlyTheEnvironmentNamesIsLeftOut(t *testing.T) {
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://proxy.test:3128")
	}
	t.Setenv("REQUESTS_CA_BUNDLE", "/does/not/exist")
	s, mounted := session.New(), new(stub)
	require.NoError(t, s.Mount("http://", mounted))
	require.NoError(t, s.Mount("https://", mounted))
	for _, address := range []string{"http://a.test/", "https://a.test/"} {
		_, err := s.Get(t.Context(), address)
		require.NoError(t, err, address)
	}
	assert.Len(t, mounted.seen(), 2)
}

func TestARedirectIsNotSentOverATransportThatCannotHonourItsProxy(t *testing.T) {
	t.Parallel()
	s, mounted := session.New(), new(stub)
	require.NoError(t, s.Mount("http://a.test", roundTripper(func(req *http.Request) (*http.Response, error) {
		return answer(req, 302, location("http://b.test/"), ""), nil
	})))
	require.NoError(t, s.Mount("http://b.test", mounted))
	_, err := s.Get(t.Context(), "http://a.test/", session.Proxies{"http://b.test": "http://proxy.test"})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	assert.Empty(t, mounted.seen())
}

// settled is an Adapter that notes what it is told to honour.
type settled struct {
	stub
	settings []session.TransportSettings
}

func (a *settled) RoundTripWith(req *http.Request, settings session.TransportSettings) (*http.Response, error) {
	a.settings = append(a.settings, settings)
	return a.RoundTrip(req)
}

func TestAnAdapterIsToldWhatToHonour(t *testing.T) {
	t.Parallel()
	cert := session.ClientCert(new(tls.Certificate))
	s, mounted := session.New(), new(settled)
	s.Verify, s.Cert = session.InsecureSkipVerify, cert
	require.NoError(t, s.Mount("http://", mounted))
	require.NoError(t, s.Mount("https://", mounted))
	proxy := session.Proxies{"all": "http://proxy.test:3128"}
	for _, c := range []struct {
		address string
		options []session.Option
		want    session.TransportSettings
	}{
		{"https://a.test/", nil, session.TransportSettings{Verify: session.InsecureSkipVerify, Cert: cert}},
		{"https://a.test/", []session.Option{session.CAFile("f"), proxy},
			session.TransportSettings{Verify: session.CAFile("f"), Cert: cert, Proxy: mustURL(t, "http://proxy.test:3128")}},
		{"http://a.test/", []session.Option{proxy}, session.TransportSettings{Proxy: mustURL(t, "http://proxy.test:3128")}},
		{"http://a.test/", []session.Option{session.Proxies{"all": "https://proxy.test"}},
			session.TransportSettings{Verify: session.InsecureSkipVerify, Cert: cert, Proxy: mustURL(t, "https://proxy.test")}},
	} {
		_, err := s.Get(t.Context(), c.address, c.options...)
		require.NoError(t, err)
		assert.Equal(t, c.want, mounted.settings[len(mounted.settings)-1], c.address)
	}
}

func TestAdaptersMayChangeWhileRequestsAreInFlight(t *testing.T) {
	t.Parallel()
	s := session.New()
	require.NoError(t, s.Mount("http://", &stub{name: "all"}))
	var wait sync.WaitGroup
	for i := range 8 {
		host := fmt.Sprintf("http://%d.test", i)
		wait.Go(func() {
			for range 50 {
				assert.NoError(t, s.Mount(host, &stub{name: host}))
				resp, err := s.Get(context.Background(), host)
				if assert.NoError(t, err) {
					got, err := io.ReadAll(resp.Body)
					assert.NoError(t, err)
					assert.Equal(t, host, string(got), "nobody else's mount is lost")
				}
				assert.Contains(t, prefixes(s), host)
				_, err = s.AdapterFor(resp.URL())
				assert.NoError(t, err)
				assert.True(t, s.Unmount(host))
			}
		})
		wait.Go(func() {
			for range 50 {
				_, err := s.Get(context.Background(), host)
				assert.NoError(t, err)
			}
		})
	}
	wait.Wait()
	assert.Equal(t, []string{"https://", "http://"}, prefixes(s))
}

func TestNoMountIsLost(t *testing.T) {
	t.Parallel()
	const workers, each = 8, 50
	s := session.New()
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i := range workers {
		wait.Go(func() {
			<-start
			for j := range each {
				assert.NoError(t, s.Mount(fmt.Sprintf("http://%d.test/%d", i, j), new(stub)))
			}
		})
	}
	close(start)
	wait.Wait()
	assert.Len(t, s.Adapters(), workers*each+2)
}

// TestPrefixesOfHostsThatAreWrittenInOtherWays mounts an adapter that is not to be
// passed by, since the default one would dial.
func TestPrefixesOfHostsThatAreWrittenInOtherWays(t *testing.T) {
	t.Parallel()
	for prefix, address := range map[string]string{
		"http://[fe80::1%25Eth0]":     "http://[fe80::1%25Eth0]/",
		"http://[FE80::1]":            "http://[fe80::1]/",
		"http://bücher.test":          "http://bücher.test/",
		"http://xn--bcher-kva.test":   "http://BÜCHER.test/",
		"http://sec.test":             "http://ｓec.test/",
		"http://sec.test/v1":          "http://ſec.test/V1",
		"http://Sec.Test":             "http://sEC.tESt/",
		"http://xn--BCHER-kva.test/a": "http://bücher.test/a",
	} {
		s := session.New()
		require.NoError(t, s.Mount(prefix, roundTripper(small)))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		resp, err := s.Do(req)
		if assert.NoError(t, err, "%s for %s", prefix, address) {
			assert.NoError(t, resp.Body.Close())
		}
	}
}

// TestManyPrefixes compares the search among many prefixes with one that goes
// through the list of them.
func TestManyPrefixes(t *testing.T) {
	t.Parallel()
	s := session.New()
	schemes, hosts, ports := []string{"http://", "https://", "mock://"}, []string{"", "a.test", "b.test", "x.a.test"}, []string{"", ":80", ":443", ":8080"}
	paths := []string{"", "/", "/v1", "/v1/", "/v1/users", "/v2?q=", "/V1/Users"}
	for _, scheme := range schemes {
		for _, host := range hosts {
			for i, port := range ports {
				for j, path := range paths {
					if (len(host)+i+j)%3 > 0 && (host != "" || port == "") {
						require.NoError(t, s.Mount(scheme+host+port+path, roundTripper(func(*http.Request) (*http.Response, error) { return nil, io.EOF })))
					}
				}
			}
		}
	}
	serves := func(prefix string, u *url.URL) bool {
		p, err := url.Parse(strings.ToLower(prefix))
		require.NoError(t, err)
		path := p.Path
		if p.RawQuery != "" {
			path += "?" + p.RawQuery
		}
		standard := map[string]string{"http": "80", "https": "443"}[u.Scheme]
		return p.Scheme == u.Scheme && (p.Hostname() == "" || p.Hostname() == u.Hostname()) &&
			(p.Port() == "" || p.Port() == cmp.Or(u.Port(), standard)) &&
			strings.HasPrefix(strings.ToLower(cmp.Or(u.RequestURI(), "/")), path)
	}
	found := 0
	for _, scheme := range schemes {
		for _, host := range append(hosts[1:], "c.test") {
			for _, port := range ports {
				for _, path := range append(paths, "/v", "/v1/users/7?x=1", "/v2?q=1") {
					u, err := url.Parse(scheme + host + port + path)
					require.NoError(t, err)
					want := ""
					for _, m := range s.Adapters() {
						if serves(m.Prefix, u) {
							want = m.Prefix
							break
						}
					}
					got, err := s.AdapterFor(u)
					assert.Equal(t, want, got.Prefix, u)
					assert.Equal(t, want == "", errors.Is(err, session.ErrNoAdapter), u)
					found += len(want)
				}
			}
		}
	}
	assert.NotZero(t, found)
}
