package session_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

func TestNewHasTheDefaultsOfRequests(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)

	assert.True(t, s.TrustEnv)
	assert.IsType(t, (*session.Jar)(nil), s.Jar)
	assert.Zero(t, s.MaxRedirects)
	assert.Equal(t, 30, session.DefaultMaxRedirects)
	assert.Equal(t, []string{"https://", "http://"}, prefixes(session.New()))

	resp, err := s.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, http.Header{
		"User-Agent":      {"go-session/" + session.Version},
		"Accept-Encoding": {"gzip, deflate, br, zstd"},
		"Accept":          {"*/*"},
	}, srv.last(t).Header)
	assert.Equal(t, 200, resp.StatusCode)
}

func TestNewSessionsShareNothing(t *testing.T) {
	t.Parallel()
	one, other := session.New(), session.New()
	one.Header.Set("Accept", "text/html")
	assert.Equal(t, "*/*", other.Header.Get("Accept"))
	assert.NotSame(t, one.Jar, other.Jar)
	assert.NotSame(t, one.Adapters()[0].Adapter, other.Adapters()[0].Adapter)
}

// useEnvironment names a proxy and a netrc entry for a.test.
func useEnvironment(t *testing.T) {
	t.Helper()
	t.Setenv("HTTP_PROXY", "http://proxy.test:3128")
	file := filepath.Join(t.TempDir(), "netrc")
	require.NoError(t, os.WriteFile(file, []byte("machine a.test login me password secret\n"), 0o600))
	t.Setenv("NETRC", file)
}

func TestZeroSessionTakesNothingFromTheEnvironment(t *testing.T) {
	useEnvironment(t)
	srv := serve(t, nil)
	var bare session.Session
	reach(t, &bare, srv)

	resp, err := bare.Get(t.Context(), "http://a.test/x")
	assert.Equal(t, "ok", text(t, resp, err))
	got := srv.last(t)
	assert.Equal(t, "/x", got.RequestURI, "no proxy is used")
	assert.NotContains(t, got.Header, "Authorization")

	resp, err = open(t, srv).Get(t.Context(), "http://a.test/x")
	assert.Equal(t, "ok", text(t, resp, err))
	got = srv.last(t)
	assert.Equal(t, "http://a.test/x", got.RequestURI, "New's uses the proxy")
	assert.Equal(t, "Basic bWU6c2VjcmV0", got.Header.Get("Authorization"))
}

func TestZeroSessionHasNeitherDefaultHeadersNorCookies(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "1"})
	})
	var s session.Session
	reach(t, &s, srv)
	for range 2 {
		_, err := s.Get(t.Context(), "http://a.test/")
		require.NoError(t, err)
	}
	got := srv.last(t).Header
	assert.NotContains(t, got, "Cookie")
	assert.NotContains(t, got, "Accept")
	assert.NotContains(t, got.Get("User-Agent"), "session")
	assert.Equal(t, "identity", got.Get("Accept-Encoding"))
}

// serveTLS starts a server for https://example.com that asks for a client's certificate.
func serveTLS(t *testing.T) (*server, *x509.CertPool) {
	t.Helper()
	srv := newServer(nil)
	srv.Config.ErrorLog = quiet()
	srv.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return srv, pool
}

func TestZeroSessionVerifiesCertificates(t *testing.T) {
	t.Parallel()
	srv, pool := serveTLS(t)
	for name, s := range map[string]*session.Session{"zero": {}, "New": session.New()} {
		reach(t, s, srv)
		_, err := s.Get(t.Context(), "https://example.com/")
		require.ErrorIs(t, err, session.ErrTLS, name)
		_, err = s.Get(t.Context(), "https://example.com/", session.RootCAs(pool))
		require.NoError(t, err, name)
	}
}

func TestSessionVerifyAndCertServeEveryRequest(t *testing.T) {
	t.Parallel()
	srv, pool := serveTLS(t)
	s := open(t, srv)
	s.Verify = session.RootCAs(pool)
	s.Cert = session.ClientCert(&srv.TLS.Certificates[0])

	_, err := s.Get(t.Context(), "https://example.com/")
	require.NoError(t, err)
	assert.Len(t, srv.last(t).TLS.PeerCertificates, 1)

	_, err = s.Get(t.Context(), "https://example.com/", session.NoCert)
	require.NoError(t, err)
	assert.Empty(t, srv.last(t).TLS.PeerCertificates, "NoCert removes it, and no connection of the other is used")

	_, err = s.Get(t.Context(), "https://example.com/", session.VerifyDefault)
	require.ErrorIs(t, err, session.ErrTLS, "VerifyDefault takes the session's place")
}

func TestSessionSettingsServeEveryRequest(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	var hooked []string
	s.Header.Set("X-Team", "blue")
	s.Params = url.Values{"v": {"1"}}
	s.Auth = session.BasicAuth("me", "pw")
	s.Hooks.Response = []session.ResponseHook{func(r *session.Response) (*session.Response, error) {
		hooked = append(hooked, r.Request.URL.Path)
		return nil, nil
	}}
	for _, path := range []string{"/1", "/2"} {
		_, err := s.Get(t.Context(), "http://a.test"+path)
		require.NoError(t, err)
	}
	for i, got := range srv.requests() {
		assert.Equal(t, []string{"/1?v=1", "/2?v=1"}[i], got.RequestURI)
		assert.Equal(t, "blue", got.Header.Get("X-Team"))
		user, password, _ := got.BasicAuth()
		assert.Equal(t, "me:pw", user+":"+password)
	}
	assert.Equal(t, []string{"/1", "/2"}, hooked)
}

func TestSessionIsReadAfreshByEachRequest(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for _, value := range []string{"1", "2"} {
		s.Header.Set("X", value)
		_, err := s.Get(t.Context(), "http://a.test/")
		require.NoError(t, err)
		assert.Equal(t, value, srv.last(t).Header.Get("X"))
	}
}

func TestSessionProxiesAreUsed(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	s.Proxies = session.Proxies{"http": "http://me:pw@proxy.test:3128"}
	_, err := s.Get(t.Context(), "http://a.test/x")
	require.NoError(t, err)
	assert.Equal(t, "http://a.test/x", srv.last(t).RequestURI)
	assert.Equal(t, "Basic bWU6cHc=", srv.last(t).Header.Get("Proxy-Authorization"))

	_, err = s.Get(t.Context(), "http://a.test/x", session.NoProxy)
	require.NoError(t, err)
	assert.Equal(t, "/x", srv.last(t).RequestURI)
}

func TestSessionStreamLeavesBodiesUnread(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		if r.URL.Path == "/slow" {
			<-release
		}
		_, _ = io.WriteString(w, "late")
	})
	s := open(t, srv)
	s.Stream = true
	resp, err := s.Get(t.Context(), "http://a.test/slow")
	require.NoError(t, err) // although the body has not been sent
	close(release)
	assert.Equal(t, "late", text(t, resp, err))

	resp, err = s.Get(t.Context(), "http://a.test/", session.Stream(false))
	require.NoError(t, err)
	require.NoError(t, resp.Close())
	assert.Equal(t, "late", text(t, resp, err), "what was read stays")
}

func TestSessionTimeoutBoundsEveryRequest(t *testing.T) {
	t.Parallel()
	s := session.New()
	waits := roundTripper(func(req *http.Request) (*http.Response, error) {
		if deadline, ok := req.Context().Deadline(); ok && time.Until(deadline) < time.Minute {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
		return answer(req, 200, nil, "no limit"), nil
	})
	require.NoError(t, s.Mount("http://", waits))
	s.Timeout = session.Timeout{Total: time.Millisecond}

	_, err := s.Get(t.Context(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrTotalTimeout)
	resp, err := s.Get(t.Context(), "http://a.test/", session.Timeout{Total: session.NoTimeout})
	assert.Equal(t, "no limit", text(t, resp, err))
}

func TestMaxRedirectsIsThirtyUnlessSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, followed int }{{0, 30}, {2, 2}, {31, 31}, {-1, 0}} {
		count := 0
		s := session.New()
		s.MaxRedirects = c.set
		require.NoError(t, s.Mount("http://", roundTripper(func(req *http.Request) (*http.Response, error) {
			count++
			return answer(req, 302, http.Header{"Location": {"/again"}}, ""), nil
		})))
		_, err := s.Get(t.Context(), "http://a.test/")
		require.ErrorIs(t, err, session.ErrTooManyRedirects)
		assert.Equal(t, c.followed+1, count, "MaxRedirects %d", c.set)

		resp, err := s.Get(t.Context(), "http://a.test/", session.FollowRedirects(false))
		require.NoError(t, err, "the limit plays no part where none is followed")
		assert.Equal(t, 302, resp.StatusCode)
	}
}

func TestTrustEnvOffLeavesTheEnvironmentOut(t *testing.T) {
	useEnvironment(t)
	srv := serve(t, nil)
	s := open(t, srv)
	s.TrustEnv = false
	_, err := s.Get(t.Context(), "http://a.test/x")
	require.NoError(t, err)
	assert.Equal(t, "/x", srv.last(t).RequestURI)
	assert.NotContains(t, srv.last(t).Header, "Authorization")
}

func TestJarKeepsCookiesAndNilKeepsNone(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "1"})
	})
	s := open(t, srv)
	for range 2 {
		_, err := s.Get(t.Context(), "http://a.test/")
		require.NoError(t, err)
	}
	assert.Equal(t, "id=1", srv.last(t).Header.Get("Cookie"))
	_, err := s.Get(t.Context(), "http://b.test/")
	require.NoError(t, err)
	assert.Empty(t, srv.last(t).Header.Get("Cookie"), "another host's")

	s.Jar = nil
	_, err = s.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	assert.NotContains(t, srv.last(t).Header, "Cookie")
}

func TestBaseURLAppends(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base, url, want string }{
		{"https://h/v1", "users", "https://h/v1/users"},
		{"https://h/v1", "/users", "https://h/v1/users"},
		{"https://h/v1/", "users", "https://h/v1/users"},
		{"https://h/v1/", "/users", "https://h/v1/users"},
		{"https://h/v1", "//users", "https://h/v1/users"},
		{"https://h/v1", "//b.test/x", "https://h/v1/b.test/x"},
		{"https://h/v1", "users/", "https://h/v1/users/"},
		{"https://h/v1", "", "https://h/v1"},
		{"https://h", "users", "https://h/users"},
		{"https://h", "", "https://h/"},
		{"https://h/v1", "?q=1", "https://h/v1?q=1"},
		{"https://h/v1", "#f", "https://h/v1#f"},
		{"https://h/v1", "users?q=1#f", "https://h/v1/users?q=1#f"},
		{"https://h/v1", "../users", "https://h/users"},
		{"https://h/v1?key=k", "users?q=1", "https://h/v1/users?key=k&q=1"},
		{"https://h/v1?key=k", "users", "https://h/v1/users?key=k"},
		{"https://h/v1", "a:b", "https://h/v1/a:b"},
		{"https://h/v1", "urn:x", "https://h/v1/urn:x"},
		{"https://h", ":8080/x", "https://h/:8080/x"},
		{"https://h", "@b.test/x", "https://h/@b.test/x"},
		{"https://h", ".b.test/x", "https://h/.b.test/x"},
		{"https://h/v1", "http://b.test/x", "http://b.test/x"},
		{"https://h/v1", "HTTPS://b.test/x", "https://b.test/x"},
		{"https://h/v1", "mock://b.test/x", "mock://b.test/x"},
		{"", "https://b.test/x", "https://b.test/x"},
	} {
		s := session.Session{BaseURL: c.base}
		req, err := s.Prepare(t.Context(), &session.Request{URL: c.url})
		require.NoError(t, err, "%s + %s", c.base, c.url)
		assert.Equal(t, c.want, req.URL.String(), "%s + %s", c.base, c.url)
	}
}

func TestBaseURLMustBeOne(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]error{
		"h/v1":       session.ErrMissingScheme,
		"//h/v1":     session.ErrMissingScheme,
		"https://":   session.ErrMissingHost,
		"https://h:": nil,
	} {
		s := session.Session{BaseURL: base}
		_, err := s.Prepare(t.Context(), &session.Request{URL: "users"})
		require.ErrorIs(t, err, want, base)
	}
}

func TestCredentialsStayWithTheOriginOfBaseURL(t *testing.T) {
	t.Parallel()
	secrets := []string{"Authorization", "Proxy-Authorization", "Cookie"}
	for _, c := range []struct {
		url string
		own bool
	}{
		{"users", true},
		{"https://h.test/other", true},
		{"https://h.test:443/other", true},
		{"https://H.TEST/other", true},
		{"http://h.test/", false},
		{"https://h.test:8443/", false},
		{"https://sub.h.test/", false},
		{"https://h.test.evil.test/", false},
		{"https://h.test@evil.test/", false},
		{"https://b.test/", false},
	} {
		s := session.Session{
			BaseURL: "https://h.test/v1",
			Header: http.Header{
				"X-Team": {"blue"}, "Cookie": {"id=1"},
				"authorization": {"Bearer t"}, "PROXY-AUTHORIZATION": {"Basic x"},
			},
		}
		req, err := s.Prepare(t.Context(), &session.Request{URL: c.url})
		require.NoError(t, err)
		assert.Equal(t, "blue", req.Header.Get("X-Team"), c.url)
		for _, name := range secrets {
			assert.Equal(t, c.own, req.Header.Get(name) != "", "%s to %s", name, c.url)
		}

		s.Header, s.Auth = nil, session.BearerAuth("t")
		req, err = s.Prepare(t.Context(), &session.Request{URL: c.url})
		require.NoError(t, err)
		assert.Equal(t, c.own, req.Header.Get("Authorization") == "Bearer t", c.url)
	}
}

func TestRequestsOwnCredentialsGoBeyondBaseURL(t *testing.T) {
	t.Parallel()
	s := session.Session{BaseURL: "https://h.test/v1", Auth: session.BearerAuth("session's")}
	req, err := s.Prepare(t.Context(), &session.Request{URL: "https://b.test/", Auth: session.BearerAuth("own")})
	require.NoError(t, err)
	assert.Equal(t, "Bearer own", req.Header.Get("Authorization"))
	req, err = s.Prepare(t.Context(), &session.Request{URL: "https://b.test/", Header: http.Header{"Cookie": {"a=1"}}})
	require.NoError(t, err)
	assert.Equal(t, "a=1", req.Header.Get("Cookie"))
	assert.NotContains(t, req.Header, "Authorization")
}

func TestAddUserAgent(t *testing.T) {
	t.Parallel()
	s := session.New()
	s.AddUserAgent("tool/1.2")
	s.AddUserAgent("(linux)")
	assert.Equal(t, "go-session/"+session.Version+" tool/1.2 (linux)", s.Header.Get("User-Agent"))

	var bare session.Session
	bare.AddUserAgent("tool/1.2")
	req, err := bare.Prepare(t.Context(), &session.Request{URL: "http://a.test"})
	require.NoError(t, err)
	assert.Equal(t, []string{"tool/1.2"}, req.Header["User-Agent"])

	lower := session.Session{Header: http.Header{"user-agent": {"mine/1"}}}
	lower.AddUserAgent("tool/1.2")
	req, err = lower.Prepare(t.Context(), &session.Request{URL: "http://a.test"})
	require.NoError(t, err)
	assert.Equal(t, []string{"mine/1 tool/1.2"}, req.Header["User-Agent"])
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for method, send := range map[string]func(context.Context, string, ...session.Option) (*session.Response, error){
		"GET": s.Get, "HEAD": s.Head, "OPTIONS": s.Options, "POST": s.Post, "PUT": s.Put, "PATCH": s.Patch, "DELETE": s.Delete,
	} {
		resp, err := send(t.Context(), "http://a.test/x", session.Params{"q": {"1"}}, nil, session.Header{"X": {"y"}})
		require.NoError(t, err, method)
		assert.Equal(t, method, resp.Request.Method)
		got := srv.last(t)
		assert.Equal(t, method, got.Method)
		assert.Equal(t, "/x?q=1", got.RequestURI)
		assert.Equal(t, "y", got.Header.Get("X"))
	}
	_, err := s.Request(t.Context(), "purge", "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, "PURGE", srv.last(t).Method)
	_, err = s.Request(t.Context(), "", "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, "GET", srv.last(t).Method)
}

func TestHeadFollowsRedirectsOnlyIfAsked(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	})
	s := open(t, srv)
	follow := session.FollowRedirects(true)
	for _, c := range []struct {
		what string
		send func() (*session.Response, error)
		want int
	}{
		{"Head", func() (*session.Response, error) { return s.Head(t.Context(), "http://a.test/") }, 302},
		{"Head, asked", func() (*session.Response, error) { return s.Head(t.Context(), "http://a.test/", follow) }, 200},
		{"Request", func() (*session.Response, error) { return s.Request(t.Context(), "head", "http://a.test/") }, 302},
		{"Send", func() (*session.Response, error) {
			return s.Send(t.Context(), &session.Request{Method: "HEAD", URL: "http://a.test/"})
		}, 302},
		{"Send, On", func() (*session.Response, error) {
			return s.Send(t.Context(), &session.Request{Method: "HEAD", URL: "http://a.test/", Redirects: session.On})
		}, 200},
		{"Options", func() (*session.Response, error) { return s.Options(t.Context(), "http://a.test/") }, 200},
	} {
		resp, err := c.send()
		require.NoError(t, err, c.what)
		assert.Equal(t, c.want, resp.StatusCode, c.what)
	}
	assert.Equal(t, "HEAD", srv.requests()[2].Method, "it stays a HEAD")
}

func TestSendOfNothingIsAnError(t *testing.T) {
	t.Parallel()
	s := session.New()
	_, err := s.Send(t.Context(), nil)
	require.ErrorIs(t, err, session.ErrInvalidRequest)
	_, err = s.Prepare(t.Context(), nil)
	require.ErrorIs(t, err, session.ErrInvalidRequest)
	_, err = s.SendPrepared(nil)
	require.ErrorIs(t, err, session.ErrInvalidRequest)
	_, err = s.SendPrepared(new(http.Request))
	require.ErrorIs(t, err, session.ErrInvalidRequest)
	var none context.Context
	_, err = s.Get(none, "http://a.test/")
	require.ErrorIs(t, err, session.ErrInvalidRequest)
	_, err = s.Send(t.Context(), new(session.Request))
	require.ErrorIs(t, err, session.ErrMissingScheme)
}

func TestErrorsAreEnvelopesWithoutPasswords(t *testing.T) {
	t.Parallel()
	s := session.New()
	require.NoError(t, s.Mount("http://down.test", roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, io.ErrUnexpectedEOF
	})))
	for _, address := range []string{
		"http://me:hunter2@down.test/", "http://me:hunter2@a.test:port/", "http://me:hunter2@[bad/",
		"ftp://me:hunter2@a.test/", "//me:hunter2@a.test/", "http://me:hunter2@/",
	} {
		_, err := s.Post(t.Context(), address)
		var envelope *url.Error
		require.ErrorAs(t, err, &envelope, address)
		assert.Equal(t, "Post", envelope.Op)
		assert.NotContains(t, err.Error(), "hunter2")
		_, err = s.Prepare(t.Context(), &session.Request{URL: address})
		if err != nil {
			assert.NotContains(t, err.Error(), "hunter2")
		}
	}
}

func TestPreparedRequestIsWhole(t *testing.T) {
	t.Parallel()
	s := session.New()
	s.Params = url.Values{"v": {"1"}}
	s.Header.Set("X-Team", "blue")
	s.Jar.SetCookies(&url.URL{Scheme: "http", Host: "a.test", Path: "/"}, []*http.Cookie{{Name: "id", Value: "7"}})
	req, err := s.Prepare(t.Context(), &session.Request{
		Method: "post", URL: "http://a.test/x#f", Body: session.Text("hello"), Auth: session.BasicAuth("me", "pw"),
		Cookies: session.Cookies{"mine": "1"},
	})
	require.NoError(t, err)
	assert.Equal(t, "POST", req.Method)
	assert.Equal(t, "http://a.test/x?v=1#f", req.URL.String())
	assert.Equal(t, "a.test", req.Host)
	assert.Equal(t, "blue", req.Header.Get("X-Team"))
	assert.Equal(t, "id=7; mine=1", req.Header.Get("Cookie"))
	assert.Equal(t, "Basic bWU6cHc=", req.Header.Get("Authorization"))
	assert.EqualValues(t, 5, req.ContentLength)
	content, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(content))
}

func TestPrepareThenSendPreparedIsSend(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	s.Header.Set("X", "1")
	r := &session.Request{Method: "PUT", URL: "http://a.test/x", Body: session.Text("hello"), Params: url.Values{"q": {"1"}}}
	_, err := s.Send(t.Context(), r)
	require.NoError(t, err)
	req, err := s.Prepare(t.Context(), r)
	require.NoError(t, err)
	s.Header.Set("X", "2") // is not merged again
	s.Params = url.Values{"late": {"1"}}
	_, err = s.SendPrepared(req)
	require.NoError(t, err)

	one, two := srv.requests()[0], srv.requests()[1]
	assert.Equal(t, one.Header, two.Header)
	assert.Equal(t, one.RequestURI, two.RequestURI)
	assert.Equal(t, one.Body, two.Body)
	assert.Equal(t, one.Method, two.Method)
}

func TestPreparedRequestMayBeChanged(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	req, err := s.Prepare(t.Context(), &session.Request{URL: "http://a.test/x"})
	require.NoError(t, err)
	req.Header.Set("X", "changed")
	req.URL.Path = "/y"
	req.Method = "DELETE"
	_, err = s.SendPrepared(req)
	require.NoError(t, err)
	assert.Equal(t, "DELETE /y", srv.last(t).Method+" "+srv.last(t).RequestURI)
	assert.Equal(t, "changed", srv.last(t).Header.Get("X"))

	req.Header["X"] = []string{"secret\r\nInjected: 1"}
	_, err = s.SendPrepared(req)
	require.ErrorIs(t, err, session.ErrInvalidHeader)
	assert.NotContains(t, err.Error(), "secret")
}

func TestPreparedRequestCarriesItsSettings(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	})
	s := open(t, srv)
	hooked := 0
	req, err := s.Prepare(t.Context(), &session.Request{
		URL: "http://a.test/", Redirects: session.Off, Stream: session.On,
		Proxies: session.Proxies{"http": "http://proxy.test:3128"},
		Hooks: session.Hooks{Response: []session.ResponseHook{func(r *session.Response) (*session.Response, error) {
			hooked++
			return r, nil
		}}},
	})
	require.NoError(t, err)
	resp, err := s.SendPrepared(req)
	require.NoError(t, err)
	require.NoError(t, resp.Close())
	assert.Equal(t, 302, resp.StatusCode)
	assert.Equal(t, 1, hooked)
	assert.Equal(t, "http://a.test/", srv.last(t).RequestURI)
}

func TestSendPreparedTakesOptionsOfHowToSend(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	})
	s := open(t, srv)
	req, err := s.Prepare(t.Context(), &session.Request{Method: "POST", URL: "http://a.test/", Body: session.Text("hello")})
	require.NoError(t, err)
	hooked := 0
	options := []session.Option{
		session.FollowRedirects(false), session.Stream(true), session.Proxies{"http": "http://proxy.test"},
		session.Seconds(30), session.NoRetry, session.VerifyDefault, session.NoCert, nil,
		session.Hooks{Response: []session.ResponseHook{func(*session.Response) (*session.Response, error) {
			hooked++
			return nil, nil
		}}},
	}
	for range 2 {
		resp, err := s.SendPrepared(req, options...)
		require.NoError(t, err)
		require.NoError(t, resp.Close())
		assert.Equal(t, 302, resp.StatusCode)
		assert.Equal(t, "http://a.test/", srv.last(t).RequestURI)
		assert.Equal(t, "hello", srv.last(t).Body)
	}
	assert.Equal(t, 2, hooked)

	resp, err := s.SendPrepared(req) // its own settings are as they were
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, 2, hooked)
	assert.Equal(t, "/end", srv.last(t).RequestURI)
	assert.Equal(t, "hello", srv.requests()[2].Body)
}

func TestSendPreparedRefusesOptionsOfWhatToSend(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	req, err := s.Prepare(t.Context(), &session.Request{Method: "POST", URL: "http://a.test/", Body: session.Text("hello")})
	require.NoError(t, err)
	for what, option := range map[string]session.Option{
		"Header":        session.Header{"X": {"1"}},
		"Params":        session.Params{"q": {"1"}},
		"OrderedParams": session.OrderedParams{{"q", "1"}},
		"RawParams":     session.RawParams("q=1"),
		"Cookies":       session.Cookies{"a": "1"},
		"Text":          session.Text("x"),
		"Bytes":         session.Bytes("x"),
		"Form":          session.Form{"a": {"1"}},
		"OrderedForm":   session.OrderedForm{{"a", "1"}},
		"JSON":          session.JSON(1),
		"Reader":        session.Reader(strings.NewReader("x")),
		"FromFile":      session.FromFile("x"),
		"Files":         session.Files{{Field: "f"}},
		"BasicAuth":     session.BasicAuth("a", "b"),
		"NoAuth":        session.NoAuth,
		"method":        session.OptionFunc(func(r *session.Request) { r.Method = "PUT" }),
		"URL":           session.OptionFunc(func(r *session.Request) { r.URL = "http://b.test" }),
	} {
		_, err := s.SendPrepared(req, option)
		require.ErrorIs(t, err, session.ErrInvalidRequest, what)
	}
	assert.Empty(t, srv.requests())
	_, err = s.SendPrepared(req)
	require.NoError(t, err)
	assert.Equal(t, "hello", srv.last(t).Body)
}

func TestRefusedOptionClosesTheBody(t *testing.T) {
	t.Parallel()
	s := session.New()
	body := &closeCounter{Reader: strings.NewReader("hello")}
	req, err := s.Prepare(t.Context(), &session.Request{URL: "http://a.test/", Body: session.Reader(body)})
	require.NoError(t, err)
	assert.Zero(t, body.count())
	_, err = s.SendPrepared(req, session.NoAuth)
	require.ErrorIs(t, err, session.ErrInvalidRequest)
	assert.Equal(t, 1, body.count())
}

func TestPreparedRequestCanBeSentAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("hello"), 0o600))
	for what, body := range map[string]session.Body{
		"Text":       session.Text("hello"),
		"Bytes":      session.Bytes("hello"),
		"FromFile":   session.FromFile(file),
		"seeker":     session.Reader(strings.NewReader("hello")),
		"ReaderFunc": session.ReaderFunc(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }),
		"none":       nil,
	} {
		srv := serve(t, nil)
		s := open(t, srv)
		req, err := s.Prepare(t.Context(), &session.Request{Method: "POST", URL: "http://a.test/", Body: body})
		require.NoError(t, err, what)
		for i := range 3 {
			var options []session.Option
			if i > 0 {
				options = append(options, session.Seconds(30))
			}
			_, err = s.SendPrepared(req, options...)
			require.NoError(t, err, "%s, time %d", what, i)
			if body != nil {
				assert.Equal(t, "hello", srv.last(t).Body, "%s, time %d", what, i)
			}
		}
	}
}

func TestPreparedRequestWithOneShotBodyIsSentOnce(t *testing.T) {
	t.Parallel()
	for what, options := range map[string][]session.Option{"without options": nil, "with": {session.Seconds(30)}} {
		srv := serve(t, nil)
		s := open(t, srv)
		req, err := s.Prepare(t.Context(), &session.Request{
			Method: "POST", URL: "http://a.test/", Body: session.Reader(io.MultiReader(strings.NewReader("hello"))),
		})
		require.NoError(t, err)
		_, err = s.SendPrepared(req, options...)
		require.NoError(t, err, what)
		_, err = s.SendPrepared(req, options...)
		require.ErrorIs(t, err, session.ErrUnrewindableBody, what)
		assert.Len(t, srv.requests(), 1)
	}
}

func TestPreparedRequestCanBeSentAtOnce(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	req, err := s.Prepare(t.Context(), &session.Request{Method: "POST", URL: "http://a.test/", Body: session.Text("hello")})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			var options []session.Option
			if i%2 == 0 {
				options = append(options, session.Stream(false))
			}
			_, err := s.SendPrepared(req, options...)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	for _, got := range srv.requests() {
		assert.Equal(t, "hello", got.Body)
	}
}

func TestSendPreparedSendsARequestFromElsewhereAsItIs(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "1"})
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		}
	})
	s := open(t, srv)
	s.Header.Set("X-Team", "blue")
	s.Params = url.Values{"v": {"1"}}
	s.Auth = session.BasicAuth("me", "pw")
	hooked := 0
	s.Hooks.Response = []session.ResponseHook{func(*session.Response) (*session.Response, error) {
		hooked++
		return nil, nil
	}}
	req, err := http.NewRequestWithContext(t.Context(), "put", "http://a.test/", strings.NewReader("hello"))
	require.NoError(t, err)
	resp, err := s.SendPrepared(req)
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, 2, hooked, "the session's hooks are called")

	first, second := srv.requests()[0], srv.requests()[1]
	assert.Equal(t, "put /", first.Method+" "+first.RequestURI)
	for _, name := range []string{"X-Team", "Authorization", "Cookie", "Accept"} {
		assert.NotContains(t, first.Header, name)
	}
	assert.Equal(t, "hello", first.Body)
	assert.Equal(t, "hello", second.Body)
	assert.Equal(t, "id=1", second.Header.Get("Cookie"), "the session's jar keeps cookies")
	assert.Equal(t, http.Header{}, req.Header, "it is not written to")
}

func TestBodyOfARequestFromElsewhereIsClosedOnce(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	refused := errorAdapter(io.ErrUnexpectedEOF)
	require.NoError(t, s.Mount("http://down.test", refused))
	for address, options := range map[string][]session.Option{
		"http://a.test/":    nil,
		"http://b.test/":    {session.NoAuth}, // refused
		"http://down.test/": nil,
		"foo://a.test/":     nil,
	} {
		body := &closeCounter{Reader: strings.NewReader("hello")}
		req, err := http.NewRequestWithContext(t.Context(), "POST", address, body)
		require.NoError(t, err)
		resp, err := s.SendPrepared(req, options...)
		assert.Equal(t, address == "http://a.test/", err == nil && resp.OK(), address)
		assert.Eventually(t, func() bool { return body.count() > 0 }, time.Second, time.Millisecond)
		assert.Equal(t, 1, body.count(), address)
	}
}

func TestNextOfAResponseCanBeSentPrepared(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/end" {
			http.Redirect(w, r, "/end", http.StatusPermanentRedirect)
		}
	})
	s := open(t, srv)
	resp, err := s.Post(t.Context(), "http://a.test/", session.Text("hello"), session.FollowRedirects(false))
	require.NoError(t, err)
	next, err := resp.Next()
	require.NoError(t, err)
	for range 2 {
		_, err = s.SendPrepared(next)
		require.NoError(t, err)
		assert.Equal(t, "POST /end hello", srv.last(t).Method+" "+srv.last(t).RequestURI+" "+srv.last(t).Body)
	}
}

// exchanges is an Adapter that is told by a function what to answer, and notes
// what it is sent.
type exchanges struct {
	answer func(n int, req *http.Request) *http.Response // n counts from 0
	got    []received
	told   []session.TransportSettings
}

func (a *exchanges) RoundTrip(req *http.Request) (*http.Response, error) {
	return a.RoundTripWith(req, session.TransportSettings{})
}

func (a *exchanges) RoundTripWith(req *http.Request, settings session.TransportSettings) (*http.Response, error) {
	got := received{Request: req}
	if req.Body != nil {
		content, err := io.ReadAll(req.Body)
		got.Body, got.Err = string(content), err
	}
	a.got, a.told = append(a.got, got), append(a.told, settings)
	return a.answer(len(a.got)-1, req), nil
}

// A hook may make a request in the context of the one that was answered: it is
// another one, and gets nothing that was meant for that.
func TestAContextLendsNothingOfItsCall(t *testing.T) {
	t.Parallel()
	const inner = "https://b.test/"
	secret := http.Header{"Location": {"https://c.test/moved"}}
	steps := map[string]func(req *http.Request) *http.Response{
		"/":      func(req *http.Request) *http.Response { return answer(req, 503, nil, "") },
		"/again": func(req *http.Request) *http.Response { return answer(req, 307, secret, "") },
		"/moved": func(req *http.Request) *http.Response { return answer(req, 307, location("https://a.test/back"), "") },
		"/back":  func(req *http.Request) *http.Response { return answer(req, 401, challenge.header.Clone(), "") },
	}
	for what, auth := range map[string]session.Option{
		"basic": session.BasicAuth("u", "hunter2"), "bearer": session.BearerAuth("hunter2"), "digest": session.DigestAuth("u", "hunter2"),
	} {
		for _, own := range []string{"", "own"} {
			asked := 0
			adapter := &exchanges{answer: func(n int, req *http.Request) *http.Response {
				if n == 0 {
					return answer(req, 200, nil, "")
				}
				if asked++; asked == 2 {
					return steps["/again"](req)
				}
				return steps[req.URL.Path](req)
			}}
			s := &session.Session{Retry: &session.Retry{Total: 1, Statuses: []int{503}, Methods: []string{"*"}}}
			require.NoError(t, s.Mount("https://", adapter))
			var answered *session.Response
			_, err := s.Post(t.Context(), "https://a.test/", auth, session.Text("outer"), session.Cookies{"c": "hunter2"},
				session.ClientCert(new(tls.Certificate)), session.InsecureSkipVerify, session.Proxies{"all": "http://p.test"},
				hooks(func(resp *session.Response) (_ *session.Response, err error) {
					req, err := http.NewRequestWithContext(resp.Request.Context(), http.MethodPost, inner, strings.NewReader(own))
					require.NoError(t, err)
					answered, err = s.SendPrepared(req)
					return nil, err
				}))
			require.NoError(t, err, what)
			assert.Equal(t, 401, answered.StatusCode, "nothing answers the challenge")

			require.Len(t, adapter.got, 5, what)
			assert.Equal(t, "outer", adapter.got[0].Body)
			assert.NotNil(t, adapter.told[0].Proxy)
			var urls []string
			for i, got := range adapter.got[1:] {
				urls = append(urls, got.URL.String())
				assert.NotContains(t, got.Header, "Authorization", "%s, %s", what, got.URL)
				assert.NotContains(t, got.Header, "Cookie", "%s, %s", what, got.URL)
				assert.Equal(t, own, got.Body, "%s, %s", what, got.URL)
				told := session.TransportSettings{Verify: session.VerifyDefault, Proxy: adapter.told[0].Proxy}
				assert.Equal(t, told, adapter.told[1+i], "the proxy stays, or it would be passed by: %s, %s", what, got.URL)
			}
			assert.Equal(t, []string{inner, inner, "https://c.test/moved", "https://a.test/back"}, urls)
		}
	}
}

// A prepared request that now leads elsewhere is bound as it was, but is lent
// nothing that could be a credential.
func TestAPreparedRequestForAnotherHostKeepsHowItIsSent(t *testing.T) {
	t.Parallel()
	proxies := session.Proxies{"all": "http://p.test"}
	for what, move := range map[string]func(req *http.Request) *http.Request{
		"another URL": func(req *http.Request) *http.Request {
			req.URL = &url.URL{Scheme: "https", Host: "b.test", Path: "/"}
			return req
		},
		"a clone": func(req *http.Request) *http.Request {
			req = req.Clone(req.Context())
			req.URL.Host = "b.test"
			return req
		},
		"its URL in place": func(req *http.Request) *http.Request {
			req.URL.Host = "b.test"
			return req
		},
	} {
		for _, r := range []session.Request{{Proxies: proxies}, {NoProxy: true}} {
			adapter := &exchanges{answer: func(n int, req *http.Request) *http.Response {
				switch n {
				case 0:
					return answer(req, 503, nil, "")
				case 1:
					return answer(req, 401, challenge.header.Clone(), "")
				}
				return answer(req, 200, nil, "more than ten bytes")
			}}
			s := &session.Session{}
			if r.NoProxy {
				s.Proxies = proxies
			}
			require.NoError(t, s.Mount("https://", adapter))
			r.URL = "https://a.test/"
			r.Auth, r.Cert, r.Verify = session.DigestAuth("u", "hunter2"), session.ClientCert(new(tls.Certificate)), session.InsecureSkipVerify
			r.Timeout, r.Limits = session.Timeout{Total: time.Hour}, session.Limits{Body: 10}
			r.Retry = &session.Retry{Total: 1, Statuses: []int{503}}
			req := move(prepared(t, s, r))
			resp, err := s.SendPrepared(req)
			require.NoError(t, err, what)
			assert.Equal(t, 401, resp.StatusCode, "%s: nothing answers the challenge", what)
			_, err = s.SendPrepared(req)
			var limit *session.LimitError
			require.ErrorAs(t, err, &limit, what)
			require.Len(t, adapter.got, 3, what)
			for i, got := range adapter.got {
				_, bounded := got.Context().Deadline()
				assert.True(t, bounded, what)
				assert.NotContains(t, got.Header, "Authorization", what)
				assert.Equal(t, r.NoProxy, adapter.told[i].Proxy == nil, what)
				assert.Nil(t, adapter.told[i].Cert, what)
				assert.Equal(t, session.VerifyDefault, adapter.told[i].Verify, what)
			}
		}
	}
}

// The request holds a body of its own by then, and what it was prepared with
// is not sent for it.
func TestBodyThatWasReplacedIsNeverSent(t *testing.T) {
	t.Parallel()
	type closable struct {
		*strings.Reader
		io.Closer
	}
	for _, old := range []session.Body{
		session.Reader(strings.NewReader("old")), session.Reader(io.MultiReader(strings.NewReader("old"))),
		session.ReaderFunc(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("old")), nil }),
		session.Text("old"), nil,
	} {
		for _, c := range []struct {
			what    string
			replace func(*http.Request)
			can     bool // be sent twice
		}{
			{"without GetBody", func(req *http.Request) {
				req.Body, req.GetBody = io.NopCloser(io.MultiReader(strings.NewReader("newer"))), nil
			}, false},
			{"with a GetBody", func(req *http.Request) {
				req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("newer")), nil }
				req.Body, _ = req.GetBody()
			}, true},
			{"seekable", func(req *http.Request) {
				req.Body, req.GetBody = closable{strings.NewReader("newer"), io.NopCloser(nil)}, nil
			}, true},
		} {
			srv := serve(t, redirects)
			s := open(t, srv)
			req, err := s.Prepare(t.Context(), &session.Request{Method: "POST", URL: "http://a.test/307", Body: old})
			require.NoError(t, err)
			c.replace(req)
			req.ContentLength = 5
			_, err = s.SendPrepared(req)
			want := []string{"newer"}
			if c.can {
				require.NoError(t, err, "%s, %T", c.what, old)
				want = []string{"newer", "newer"}
			} else {
				require.ErrorIs(t, err, session.ErrUnrewindableBody, "%s, %T", c.what, old)
			}
			var got []string
			for _, r := range srv.requests() {
				got = append(got, r.Body)
			}
			assert.Equal(t, want, got, "%s, %T", c.what, old)
		}
	}
}

// A GetBody that was left as it was gives the body that was replaced.
func TestBodyThatWasReplacedIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	srv := serve(t, redirects)
	s := open(t, srv)
	req, err := s.Prepare(t.Context(), &session.Request{
		Method: "POST", URL: "http://a.test/307", Body: session.Reader(strings.NewReader("old")),
	})
	require.NoError(t, err)
	req.Body = io.NopCloser(io.MultiReader(strings.NewReader("new")))
	_, err = s.SendPrepared(req)
	require.ErrorIs(t, err, session.ErrUnrewindableBody)
	require.Len(t, srv.requests(), 1)
	assert.Equal(t, "new", srv.last(t).Body)
}

// The request of a response can be sent again, in a hook and after its call.
func TestRequestOfAResponseCanBeSentAgain(t *testing.T) {
	t.Parallel()
	opened := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }
	for what, content := range map[string]func() session.Body{
		"none":       func() session.Body { return nil },
		"text":       func() session.Body { return session.Text("hello") },
		"seekable":   func() session.Body { return session.Reader(strings.NewReader("hello")) },
		"ReaderFunc": func() session.Body { return session.ReaderFunc(opened) },
	} {
		for _, limit := range []session.Timeout{{}, {Total: time.Hour}, {Total: time.Hour, Read: time.Hour}} {
			for _, stream := range []bool{false, true} {
				srv := serve(t, redirects)
				s := open(t, srv)
				s.Timeout, s.Stream = limit, stream
				inHook := false
				s.Hooks = hooks(func(resp *session.Response) (*session.Response, error) {
					if resp.IsRedirect() || inHook {
						return nil, nil
					}
					inHook = true
					require.NoError(t, resp.Close())
					return s.SendPrepared(resp.Request)
				})
				resp, err := s.Send(t.Context(), &session.Request{Method: "PUT", URL: "http://a.test/307", Body: content()})
				for range 2 {
					require.NoError(t, err, "%s, %+v", what, limit)
					require.NoError(t, resp.Close())
					resp, err = s.SendPrepared(resp.Request)
				}
				require.NoError(t, err, "%s, %+v", what, limit)
				require.NoError(t, resp.Close())
				got := srv.requests()
				assert.Len(t, got, 5, "the redirect, its target, that again in the hook, and twice after the call")
				for _, one := range got {
					assert.Equal(t, what != "none", one.Body == "hello", "%s, %+v", what, limit)
				}
			}
		}
	}
}

// A hook's request to the same origin has a body of its own.
func TestARequestOfAHookMayHaveABodyThatIsReadOnce(t *testing.T) {
	t.Parallel()
	for _, outer := range []session.Body{nil, session.Text("outer"), session.Reader(unsized("outer"))} {
		srv := serve(t, nil)
		s := open(t, srv)
		_, err := s.Post(t.Context(), "http://a.test/", outer, hooks(func(resp *session.Response) (*session.Response, error) {
			req, err := http.NewRequestWithContext(resp.Request.Context(), "POST", "http://a.test/audit", unsized("audit"))
			require.NoError(t, err)
			return s.SendPrepared(req, hooks(nil))
		}))
		require.NoError(t, err, "%T", outer)
		assert.Equal(t, "/audit audit", srv.last(t).RequestURI+" "+srv.last(t).Body, "%T", outer)
	}
}

func TestMapsOfANewSessionCanBeSetInto(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	s.Header.Set("X-A", "1")
	s.Params.Set("k", "v")
	s.Proxies["https"] = "http://p.test"
	_, err := s.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, "/?k=v", srv.last(t).RequestURI)
	assert.Equal(t, "1", srv.last(t).Header.Get("X-A"))
}

func TestMessagesSayWhatWasMeant(t *testing.T) {
	t.Parallel()
	s := session.New()
	for url, hint := range map[string]string{
		"a.test/x":         "perhaps https://a.test/x was meant",
		"localhost:8080/x": "perhaps http://localhost:8080/x was meant",
		"/x":               "the session has no BaseURL",
		"":                 "the session has no BaseURL",
		"http:/a.test/x":   `"http:/a.test/x"`,
	} {
		_, err := s.Get(t.Context(), url)
		require.ErrorContains(t, err, hint)
	}
	_, err := s.Get(t.Context(), "https://a.test/", session.CAFile(""))
	require.ErrorContains(t, err, `CAFile ""`)
	_, err = s.Get(t.Context(), "https://a.test/", session.ClientCert(nil))
	require.ErrorIs(t, err, session.ErrTLS)
}
