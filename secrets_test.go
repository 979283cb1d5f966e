package session_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// hush is a value that must show nowhere.
const hush = "hunter2"

// apiSecrets are one of each kind.
func apiSecrets(origin string) session.Secrets {
	return session.Secrets{
		Origin: origin,
		Header: session.Header{"x-api-key": {hush}}, Params: session.Params{"key": {hush}}, Cookies: session.Cookies{"sid": hush},
	}
}

// assertSecrets compares which secrets a request has.
func assertSecrets(t *testing.T, want bool, got received, what string) {
	t.Helper()
	assert.Equal(t, want, got.Header.Get("X-Api-Key") == hush, "%s: header", what)
	assert.Equal(t, want, strings.Contains(got.RequestURI, "key="+hush), "%s: parameter in %s", what, got.RequestURI)
	assert.Equal(t, want, strings.Contains(got.Header.Get("Cookie"), "sid="+hush), "%s: cookie", what)
}

func TestSecretsGoToTheirOriginAlone(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	for _, c := range []struct {
		origin, base, url string
		want              bool
	}{
		{"http://a.test", "", "http://a.test/x", true},
		{"http://A.test:80/path", "", "http://a.test/x?q=1", true},
		{"http://a.test", "", "http://b.test/", false},
		{"http://a.test", "", "http://x.a.test/", false},
		{"http://a.test", "", "http://a.test:81/", false},
		{"https://a.test", "", "http://a.test/", false},
		{"", "http://a.test/v1", "users", true},
		{"", "http://a.test/v1", "http://a.test/", true},
		{"", "http://a.test/v1", "http://b.test/", false},
		{"http://b.test", "http://a.test/v1", "users", false},
		{"http://b.test", "http://a.test/v1", "http://b.test/", true},
	} {
		for name, send := range map[string]func(s *session.Session) error{
			"Get": func(s *session.Session) error {
				_, err := s.Get(t.Context(), c.url)
				return err
			},
			"Do": func(s *session.Session) error {
				req, err := http.NewRequest(http.MethodGet, c.url, nil)
				require.NoError(t, err)
				resp, err := s.Do(req)
				if err == nil {
					err = resp.Body.Close()
				}
				return err
			},
		} {
			s := open(t, srv)
			s.Secrets, s.BaseURL = apiSecrets(c.origin), c.base
			require.NoError(t, send(s))
			assertSecrets(t, c.want, srv.last(t), fmt.Sprintf("%s, %+v", name, c))
		}
	}
}

func TestSecretsOfASessionNeedAnOrigin(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for _, origin := range []string{"", "a.test", "mock:", "http://"} {
		s.Secrets = apiSecrets(origin)
		_, err := s.Get(t.Context(), "http://a.test/")
		require.ErrorIs(t, err, session.ErrInvalidRequest, origin)
		assert.NotContains(t, err.Error(), hush)
	}
	assert.Empty(t, srv.requests())
}

func TestSecretsOfARequestAreForItsOrigin(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	_, err := s.Get(t.Context(), "http://a.test/", apiSecrets(""))
	require.NoError(t, err)
	assertSecrets(t, true, srv.last(t), "its own URL's")
	_, err = s.Get(t.Context(), "http://b.test/", apiSecrets("http://a.test"))
	require.NoError(t, err)
	assertSecrets(t, false, srv.last(t), "another's")
	_, err = s.Get(t.Context(), "http://b.test/")
	require.NoError(t, err)
	assertSecrets(t, false, srv.last(t), "they are not kept")
}

func TestRedirectsDropSecrets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hops []string
		want []bool
	}{
		{[]string{"http://a.test/1", "http://a.test/2"}, []bool{true, true}},
		{[]string{"http://a.test/1", "http://b.test/2"}, []bool{true, false}},
		{[]string{"http://a.test/1", "http://x.a.test/2"}, []bool{true, false}},
		{[]string{"http://a.test/1", "http://a.test:81/2"}, []bool{true, false}},
		{[]string{"http://a.test/1", "http://b.test/2", "http://a.test/3"}, []bool{true, false, false}},
		{[]string{"http://b.test/1", "http://a.test/2"}, []bool{false, false}},
	} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for i, hop := range c.hops[:len(c.hops)-1] {
				if strings.HasSuffix(hop, r.URL.Path) {
					w.Header().Set("Location", c.hops[i+1])
					w.WriteHeader(http.StatusTemporaryRedirect)
				}
			}
		})
		s := open(t, srv)
		s.Secrets = apiSecrets("http://a.test")
		_, err := s.Get(t.Context(), c.hops[0])
		require.NoError(t, err)
		got := srv.requests()
		require.Len(t, got, len(c.hops))
		for i, want := range c.want {
			what := fmt.Sprintf("%v, hop %d", c.hops, i)
			assert.Equal(t, want, got[i].Header.Get("X-Api-Key") == hush, "%s: header", what)
			assert.Equal(t, want, strings.Contains(got[i].Header.Get("Cookie"), hush), "%s: cookie", what)
			assert.Equal(t, want && i == 0, strings.Contains(got[i].RequestURI, hush), "%s: a Location has the query that the server gave it", what)
		}
	}
}

func TestSecretsOfARequestOverTheSessions(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	s.Secrets = session.Secrets{
		Origin: "http://a.test",
		Header: session.Header{"X-A": {"session"}, "X-B": {"session"}, "X-C": {"session"}, "X-D": {"session"}},
		Params: session.Params{"p": {"session"}},
	}
	s.Header.Set("X-B", "plain")
	_, err := s.Get(t.Context(), "http://a.test/",
		session.Secrets{Header: session.Header{"x-a": {"request"}}, Params: session.Params{"p": {"request"}}},
		session.Header{"x-c": {"request"}, "X-D": nil})
	require.NoError(t, err)
	got := srv.last(t)
	assert.Equal(t, "/?p=request", got.RequestURI)
	assert.Equal(t, []string{"request"}, got.Header["X-A"], "its secrets")
	assert.Equal(t, []string{"session"}, got.Header["X-B"], "a secret goes over a plain header of the session's")
	assert.Equal(t, []string{"request"}, got.Header["X-C"], "its header")
	assert.NotContains(t, got.Header, "X-D", "which may remove")
	assert.Equal(t, session.Params{"p": {"session"}}, s.Secrets.Params, "nothing is written to")
}

// A header that is marked stays with its origin, whoever gave it.
func TestHeaderWithTheNameOfASecretIsOne(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "a.test" {
			http.Redirect(w, r, "http://b.test/", http.StatusFound)
		}
	})
	s := open(t, srv)
	s.Secrets = apiSecrets("http://a.test")
	_, err := s.Get(t.Context(), "http://a.test/", session.Header{"X-Api-Key": {"own"}})
	require.NoError(t, err)
	assert.Equal(t, "own", srv.requests()[0].Header.Get("X-Api-Key"))
	assert.NotContains(t, srv.last(t).Header, "X-Api-Key")
}

func TestSecretsShowInNoError(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/echo" { // a server that sends what it was sent
			w.Header().Set("Location", "http://b.test/?key="+r.URL.Query().Get("key"))
			w.WriteHeader(http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	s := open(t, srv)
	s.Secrets = apiSecrets("http://a.test")
	s.Retry = &session.Retry{Total: 1, Statuses: []int{503}}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, status := s.Get(t.Context(), "http://a.test/")
	_, ended := s.Get(cancelled, "http://a.test/")
	_, echoed := s.Get(t.Context(), "http://a.test/echo", session.NoRetry, session.Limits{HeaderLines: 1})
	resp, err := s.Get(t.Context(), "http://a.test/echo", session.NoRetry)
	require.NoError(t, err)
	s.Unmount("http://")
	_, nowhere := s.Get(t.Context(), "http://a.test/")
	for _, err := range []error{status, ended, echoed, nowhere, resp.CheckStatus()} {
		require.Error(t, err)
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			assert.NotContains(t, fmt.Sprintf(format, err), hush)
		}
	}
	assert.ErrorContains(t, nowhere, "key=xxxxx")
	var gaveUp *session.RetryError
	require.ErrorAs(t, status, &gaveUp)
	assert.Equal(t, "http://a.test/?key=xxxxx", gaveUp.Attempts[0].URL)
}

func TestTypesPrintNoSecrets(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "c="+hush) })
	s := open(t, srv)
	s.BaseURL = "http://user:" + hush + "@a.test/"
	s.Auth = session.BearerAuth(hush)
	s.Header.Set("Authorization", hush)
	s.Secrets = apiSecrets("")
	resp, err := s.Get(t.Context(), "/")
	require.NoError(t, err)
	require.NotEmpty(t, resp.Cookies())
	request := session.Request{
		URL: "http://user:" + hush + "@a.test/", Auth: session.BasicAuth("u", hush), Secrets: apiSecrets(""),
		Header: http.Header{"Cookie": {hush}}, Proxies: session.Proxies{"all": "http://u:" + hush + "@p.test"},
	}
	for _, value := range []any{
		s, &request, request, resp, resp.Cookies(), resp.Cookies()[0], apiSecrets("http://u:" + hush + "@a.test"), s.Jar, s.Auth,
		session.Header{"authorization": {hush, hush}, "Proxy-Authorization": {hush}, "cookie": {hush}, "X": {"shown"}},
		session.Cookies{"a": hush}, session.DigestAuth("u", hush), s.MergeEnvironment(resp.URL(), request),
		struct{ S *session.Session }{s}, []*session.Response{resp}, (*session.Session)(nil), (*session.Response)(nil), new(session.Response),
	} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			assert.NotContains(t, fmt.Sprintf(format, value), hush, "%s of %T", format, value)
		}
	}
	assert.Contains(t, fmt.Sprint(session.Header{"X": {"shown"}}), "shown")
}
