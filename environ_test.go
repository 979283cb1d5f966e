package session_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// setEnvironment sets variables for one test.
func setEnvironment(t *testing.T, variables map[string]string) {
	t.Helper()
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

type env = map[string]string

func TestProxyOfTheEnvironment(t *testing.T) {
	const plain, secure = "http://a.test/", "https://a.test/"
	for _, c := range []struct {
		name string
		env  env
		url  string
		want string
	}{
		{"http_proxy", env{"http_proxy": "http://p.test:1"}, plain, "p.test:1"},
		{"HTTP_PROXY", env{"HTTP_PROXY": "http://p.test:1"}, plain, "p.test:1"},
		{"https_proxy", env{"https_proxy": "http://p.test:1"}, secure, "p.test:1"},
		{"HTTPS_PROXY", env{"HTTPS_PROXY": "http://p.test:1"}, secure, "p.test:1"},
		{"all_proxy", env{"all_proxy": "http://p.test:1"}, plain, "p.test:1"},
		{"ALL_PROXY", env{"ALL_PROXY": "http://p.test:1"}, secure, "p.test:1"},
		{"http_proxy is not for https", env{"http_proxy": "http://p.test:1"}, secure, "a.test:443"},
		{"HTTPS_PROXY is not for http", env{"HTTPS_PROXY": "http://p.test:1"}, plain, "a.test:80"},
		{"ftp_proxy", env{"ftp_proxy": "http://p.test:1"}, plain, "a.test:80"},
		{"the scheme's before ALL_PROXY", env{"ALL_PROXY": "http://q.test:1", "HTTP_PROXY": "http://p.test:1"}, plain, "p.test:1"},
		{"ALL_PROXY for the other scheme", env{"ALL_PROXY": "http://q.test:1", "HTTP_PROXY": "http://p.test:1"}, secure, "q.test:1"},
		{"lower case first", env{"HTTP_PROXY": "http://q.test:1", "http_proxy": "http://p.test:1"}, plain, "p.test:1"},
		{"lower case first, all", env{"ALL_PROXY": "http://q.test:1", "all_proxy": "http://p.test:1"}, plain, "p.test:1"},
		{"empty lower case hides upper case", env{"HTTP_PROXY": "http://q.test:1", "http_proxy": ""}, plain, "a.test:80"},
		{"empty", env{"HTTP_PROXY": "", "ALL_PROXY": "http://p.test:1"}, plain, "p.test:1"},
		{"without a scheme", env{"HTTP_PROXY": "p.test:1"}, plain, "p.test:1"},
		{"with credentials", env{"HTTPS_PROXY": "http://u:p@p.test:1"}, secure, "p.test:1"},
		{"an https proxy", env{"HTTP_PROXY": "https://p.test"}, plain, "p.test:443"},
		{"a SOCKS proxy", env{"ALL_PROXY": "socks5h://p.test"}, secure, "p.test:1080"},

		// in a CGI program the client chooses HTTP_PROXY (CVE-2016-5386)
		{"CGI", env{"REQUEST_METHOD": "GET", "HTTP_PROXY": "http://p.test:1"}, plain, "a.test:80"},
		{"CGI, lower case", env{"REQUEST_METHOD": "GET", "http_proxy": "http://p.test:1"}, plain, "p.test:1"},
		{"CGI, https", env{"REQUEST_METHOD": "GET", "HTTPS_PROXY": "http://p.test:1"}, secure, "p.test:1"},
		{"CGI, ALL_PROXY", env{"REQUEST_METHOD": "", "HTTP_PROXY": "http://q.test:1", "ALL_PROXY": "http://p.test:1"}, plain, "p.test:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			setEnvironment(t, c.env)
			assert.Equal(t, c.want, dialedFor(t, session.New(), c.url))
			assert.Equal(t, directAddr(t, c.url), dialedFor(t, new(session.Session), c.url), "without TrustEnv")
			assert.Equal(t, directAddr(t, c.url), dialedFor(t, session.New(), c.url, session.NoProxy))
		})
	}
}

func TestNoProxyVariable(t *testing.T) {
	const list = "a.test, .b.test ,*.c.test,d.test:8080,10.0.0.0/8,192.0.2.7,2001:db8::/32,[2001:db9::1]:80"
	for _, c := range []struct {
		list, url string
		proxied   bool
	}{
		{list, "http://a.test/", false},
		{list, "https://a.test:8443/", false},
		{list, "http://A.TEST/", false},
		{list, "http://a.test./", false}, // CVE-2025-62718
		{list, "http://sub.a.test/", false},
		{list, "http://xa.test/", true},
		{list, "http://a.test.evil.test/", true},
		{list, "http://a.test@evil.test/", true},
		{list, "http://sub.b.test/", false},
		{list, "http://b.test/", true},
		{list, "http://sub.c.test/", false},
		{list, "http://d.test:8080/", false},
		{list, "http://d.test/", true},
		{list, "http://10.1.2.3/", false},
		{list, "http://11.1.2.3/", true},
		{list, "http://10.1.2.3.evil.test/", true},
		{list, "http://192.0.2.7:8080/", false},
		{list, "http://192.0.2.8/", true},
		{list, "http://[2001:db8::5]/", false},
		{list, "http://[2001:db9::5]/", true},
		{"*", "https://anything.test/", false},
		{"a.test,*", "http://b.test/", false}, // Go's rule: the star ends the list
		{"", "http://a.test/", true},
		{",, ,", "http://a.test/", true},
		{"a test", "http://a.test/", true},
		{"", "http://localhost:9/", false}, // Go's rule: loopback is never proxied
		{"", "http://localhost.:9/", false},
		{"", "http://127.0.0.1:9/", false},
		{"", "http://127.1.2.3:9/", false},
		{"", "http://[::1]:9/", false},
		{"", "http://localhost.test/", true},
	} {
		t.Run(c.list+" "+c.url, func(t *testing.T) {
			setEnvironment(t, env{"ALL_PROXY": "http://p.test:1", "NO_PROXY": c.list})
			proxied := func(opts ...session.Option) bool {
				return dialedFor(t, session.New(), c.url, opts...) == "p.test:1"
			}
			assert.Equal(t, c.proxied, proxied())
			t.Setenv("no_proxy", "")
			t.Setenv("NO_PROXY", "")
			if c.list != "" {
				assert.Equal(t, c.proxied, proxied(session.Proxies{"no_proxy": c.list}), "the key no_proxy")
				t.Setenv("NO_PROXY", "other.test")
				assert.Equal(t, c.proxied, proxied(session.Proxies{"no_proxy": c.list}), "adds to the variable")
			}
			assert.True(t, proxied(session.Proxies{"all": "http://p.test:1", "no_proxy": c.list}), "what is named in code is used")
		})
	}
}

func TestNoProxyVariableInBothCases(t *testing.T) {
	setEnvironment(t, env{"ALL_PROXY": "http://p.test:1", "NO_PROXY": "a.test", "no_proxy": "b.test"})
	assert.Equal(t, "p.test:1", dialedFor(t, session.New(), "http://a.test/"))
	assert.Equal(t, "b.test:80", dialedFor(t, session.New(), "http://b.test/"), "lower case wins")
}

func TestProxiesOverTheEnvironments(t *testing.T) {
	setEnvironment(t, env{"HTTP_PROXY": "http://env.test", "HTTPS_PROXY": "http://env.test", "NO_PROXY": "direct.test"})
	for _, c := range []struct {
		name     string
		its, own session.Proxies
		url      string
		want     string
	}{
		{"the environment's", nil, nil, "http://a.test/", "env.test:80"},
		{"the session's", session.Proxies{"http": "http://its.test"}, nil, "http://a.test/", "its.test:80"},
		{"the session's all", session.Proxies{"all": "http://its.test"}, nil, "http://a.test/", "its.test:80"},
		{"the session's for another host", session.Proxies{"http://b.test": "http://its.test"}, nil, "http://a.test/", "env.test:80"},
		{"the request's", session.Proxies{"http": "http://its.test"}, session.Proxies{"http": "http://own.test"}, "http://a.test/", "own.test:80"},
		{"the other scheme's", session.Proxies{"http": "http://its.test"}, nil, "https://a.test/", "env.test:80"},
		{"removed by the session", session.Proxies{"http": ""}, nil, "http://a.test/", "a.test:80"},
		{"removed by the request", nil, session.Proxies{"https": ""}, "https://a.test/", "a.test:443"},
		{"named for a host of NO_PROXY", nil, session.Proxies{"http": "http://own.test"}, "http://direct.test/", "own.test:80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := session.New()
			s.Proxies = c.its
			assert.Equal(t, c.want, dialedFor(t, s, c.url, c.own))

			u := mustURL(t, c.url)
			merged := s.MergeEnvironment(u, session.Request{Proxies: c.own}).Proxies
			proxy, ok := merged.Select(u)
			assert.Equal(t, c.want != directAddr(t, c.url), ok, "MergeEnvironment agrees")
			if ok {
				assert.Equal(t, c.want, mustURL(t, proxy).Host+":80")
			}
		})
	}
}

func TestChangeOfTheEnvironmentIsSeen(t *testing.T) {
	s := session.New()
	dialed := func() string { return dialedFor(t, s, "http://a.test/") }
	assert.Equal(t, "a.test:80", dialed())
	t.Setenv("HTTP_PROXY", "http://one.test")
	assert.Equal(t, "one.test:80", dialed())
	t.Setenv("HTTP_PROXY", "http://two.test")
	assert.Equal(t, "two.test:80", dialed())
	t.Setenv("NO_PROXY", "b.test")
	assert.Equal(t, "two.test:80", dialed())
	t.Setenv("NO_PROXY", "a.test")
	assert.Equal(t, "a.test:80", dialed())
	require.NoError(t, os.Unsetenv("NO_PROXY"))
	assert.Equal(t, "two.test:80", dialed())
	require.NoError(t, os.Unsetenv("HTTP_PROXY"))
	assert.Equal(t, "a.test:80", dialed())
	t.Setenv("HTTP_PROXY", "http://two.test")
	s.TrustEnv = false
	assert.Equal(t, "a.test:80", dialed())
}

func TestInvalidProxyOfTheEnvironmentIsAnError(t *testing.T) {
	w := newWorld(t)
	for _, proxy := range []string{"http://", "ftp://user:hunter2@p.test", "http://user:hunter2@p.test:port", "http://user:hunter2%zz@p.test", "hunter2 :"} {
		t.Run(proxy, func(t *testing.T) {
			before := len(w.dials)
			setEnvironment(t, env{"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": "b.test"})
			for _, url := range []string{"http://a.test/", "https://a.test/"} {
				_, err := w.Get(t.Context(), url)
				require.ErrorIs(t, err, session.ErrInvalidProxy)
				assert.NotContains(t, fmt.Sprintf("%v %+v %q", err, err, err), "hunter2")
			}
			assert.Len(t, w.dials, before, "nothing is sent, not even directly")
			_, err := w.Get(t.Context(), "http://b.test/")
			require.NoError(t, err, "it is not asked for")
			_, err = w.Get(t.Context(), "http://a.test/", session.NoProxy)
			require.NoError(t, err)
		})
	}
}

func TestRedirectBetweenProxiedHostsAndOthers(t *testing.T) {
	for _, c := range []struct {
		name  string
		chain []string
		want  []string // what the proxy is asked
	}{
		{"away from the proxy", []string{"http://a.test/", "http://direct.test/"}, []string{"GET http://a.test/ user:secret"}},
		{"away from a tunnel", []string{"https://a.test/", "http://direct.test/"}, []string{"CONNECT a.test:443 user:secret"}},
		{"to the proxy", []string{"http://direct.test/", "http://a.test/"}, []string{"GET http://a.test/ user:secret"}},
		{"to a tunnel", []string{"http://direct.test/", "https://a.test/"}, []string{"CONNECT a.test:443 user:secret"}},
		{
			"there and back", []string{"http://a.test/", "http://direct.test/", "http://a.test/x"},
			[]string{"GET http://a.test/ user:secret", "GET http://a.test/x user:secret"},
		},
		{"to loopback", []string{"http://a.test/", "http://127.0.0.1/"}, []string{"GET http://a.test/ user:secret"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			proxy := w.forwarder(t, "proxy.test:3128")
			setEnvironment(t, env{"ALL_PROXY": "http://user:secret@proxy.test:3128", "NO_PROXY": "direct.test"})
			var want []string
			for i, url := range c.chain {
				if i > 0 {
					w.redirect(http.StatusFound, c.chain[i-1], url)
				}
				want = append(want, "GET "+url)
			}
			resp, err := w.Get(t.Context(), c.chain[0])
			assert.Equal(t, "ok", text(t, resp, err))
			assert.Equal(t, c.want, proxy.calls())
			assert.Equal(t, want, w.calls())
			for _, visit := range w.visits() {
				assert.NotContains(t, visit.Header, "Proxy-Authorization")
			}
		})
	}
}

// A transport that is not ours gets what the environment names left out.
func TestEnvironmentIsNothingToATransportThatCannotHonourIt(t *testing.T) {
	setEnvironment(t, env{"ALL_PROXY": "http://proxy.test:3128", "REQUESTS_CA_BUNDLE": "/missing.pem"})
	adapter := &stub{name: "stub"}
	s := session.New()
	require.NoError(t, s.Mount("https://", adapter))
	resp, err := s.Get(t.Context(), "https://a.test/")
	assert.Equal(t, "stub", text(t, resp, err))
	for _, opt := range []session.Option{session.Proxies{"all": "http://proxy.test:3128"}, session.CAFile("/missing.pem")} {
		_, err = s.Get(t.Context(), "https://a.test/", opt)
		require.ErrorIs(t, err, errors.ErrUnsupported)
	}
	assert.Len(t, adapter.seen(), 1)
}

func TestBundleOfTheEnvironment(t *testing.T) {
	w := newWorld(t)
	good, bad := inFile(t, w.ca.pem()), inFile(t, testAuthority(t).pem())
	folder := filepath.Dir(good)
	for _, c := range []struct {
		name string
		env  env
		its  session.Verify
		opts []session.Option
		set  func(*session.Session)
		err  error
	}{
		{name: "none", err: session.ErrTLS},
		{name: "REQUESTS_CA_BUNDLE", env: env{"REQUESTS_CA_BUNDLE": good}},
		{name: "CURL_CA_BUNDLE", env: env{"CURL_CA_BUNDLE": good}},
		{name: "a directory", env: env{"REQUESTS_CA_BUNDLE": folder}},
		{name: "REQUESTS_CA_BUNDLE comes first", env: env{"REQUESTS_CA_BUNDLE": bad, "CURL_CA_BUNDLE": good}, err: session.ErrTLS},
		{name: "an empty one is none", env: env{"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": good}},
		{name: "missing", env: env{"REQUESTS_CA_BUNDLE": folder + "/missing.pem", "CURL_CA_BUNDLE": good}, err: os.ErrNotExist},
		{name: "the session's wins", env: env{"REQUESTS_CA_BUNDLE": bad}, its: session.CAFile(good)},
		{name: "the session's wins, and fails", env: env{"REQUESTS_CA_BUNDLE": good}, its: session.CAFile(bad), err: session.ErrTLS},
		{name: "the session's verifies nothing", env: env{"REQUESTS_CA_BUNDLE": bad}, its: session.InsecureSkipVerify},
		{name: "the request's wins", env: env{"REQUESTS_CA_BUNDLE": bad}, opts: []session.Option{session.CAFile(good)}},
		{name: "the request's verifies nothing", env: env{"REQUESTS_CA_BUNDLE": bad}, opts: []session.Option{session.InsecureSkipVerify}},
		{
			name: "the request asks for the default", env: env{"REQUESTS_CA_BUNDLE": good},
			its: session.CAFile(bad), opts: []session.Option{session.VerifyDefault},
		},
		{
			name: "no trust in the environment", env: env{"REQUESTS_CA_BUNDLE": good},
			set: func(s *session.Session) { s.TrustEnv = false }, err: session.ErrTLS,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			setEnvironment(t, c.env)
			s := w.Clone()
			s.Verify = c.its
			if c.set != nil {
				c.set(s)
			}
			_, err := s.Get(t.Context(), "https://a.test/", c.opts...)
			assert.ErrorIs(t, err, c.err)
			if c.err == os.ErrNotExist {
				assert.ErrorContains(t, err, "missing.pem")
				assert.ErrorIs(t, err, session.ErrTLS)
			}
		})
	}
}

func TestChangedBundleOfTheEnvironmentIsSeen(t *testing.T) {
	w := newWorld(t)
	w.Verify = nil
	path := inFile(t, testAuthority(t).pem())
	t.Setenv("REQUESTS_CA_BUNDLE", path)
	_, err := w.Get(t.Context(), "https://a.test/")
	require.ErrorIs(t, err, session.ErrTLS)
	require.NoError(t, os.WriteFile(path, w.ca.pem(), 0o600))
	later := time.Now().Add(time.Minute)
	require.NoError(t, os.Chtimes(path, later, later))
	_, err = w.Get(t.Context(), "https://a.test/")
	require.NoError(t, err)
	t.Setenv("REQUESTS_CA_BUNDLE", inFile(t, testAuthority(t).pem()))
	_, err = w.Get(t.Context(), "https://a.test/")
	require.ErrorIs(t, err, session.ErrTLS, "the connection that is open is for the other bundle")
}

func TestMergeEnvironmentGivesAllSettings(t *testing.T) {
	setEnvironment(t, env{
		"http_proxy": "http://h.test", "HTTPS_PROXY": "http://s.test", "ALL_PROXY": "http://all.test",
		"NO_PROXY": "direct.test", "CURL_CA_BUNDLE": "/curl.pem",
	})
	its, own := session.ClientCert(new(tls.Certificate)), session.CertFile{Cert: "own.pem"}
	s := session.New()
	s.Proxies, s.Stream, s.Cert = session.Proxies{"https": "http://its.test"}, true, its
	u := &url.URL{Scheme: "https", Host: "a.test"}
	got := s.MergeEnvironment(u, session.Request{})
	delete(got.Proxies, "no") // requests has the list there
	assert.Equal(t, session.Settings{
		Proxies: session.Proxies{"http": "http://h.test", "https": "http://its.test", "all": "http://all.test"},
		Stream:  true, Verify: session.CAFile("/curl.pem"), Cert: its,
	}, got)
	got.Proxies["https"] = "changed"
	assert.Equal(t, session.Proxies{"https": "http://its.test"}, s.Proxies, "nothing is written to")

	r := session.Request{Stream: session.Off, Verify: session.InsecureSkipVerify, Cert: own, Proxies: session.Proxies{"all": ""}}
	got = s.MergeEnvironment(&url.URL{Scheme: "http", Host: "direct.test"}, r)
	assert.Equal(t, session.Settings{
		Proxies: session.Proxies{"https": "http://its.test"}, Verify: session.InsecureSkipVerify, Cert: own,
	}, got, "the environment's proxies are not for a host of NO_PROXY")
	assert.Equal(t, session.Proxies{"all": ""}, r.Proxies)

	s.TrustEnv = false
	assert.Equal(t, session.Settings{
		Proxies: session.Proxies{"https": "http://its.test"}, Stream: true, Verify: session.VerifyDefault, Cert: its,
	}, s.MergeEnvironment(u, session.Request{}))
}
