package session_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

func TestRedirectMethod(t *testing.T) {
	t.Parallel()
	methods := strings.Fields("GET HEAD POST PUT PATCH DELETE OPTIONS")
	for status, want := range map[int]string{
		301: "GET HEAD GET  PUT PATCH DELETE OPTIONS",
		302: "GET HEAD GET  GET GET   GET    GET",
		303: "GET HEAD GET  GET GET   GET    GET",
		307: "GET HEAD POST PUT PATCH DELETE OPTIONS",
		308: "GET HEAD POST PUT PATCH DELETE OPTIONS",
	} {
		for i, expected := range strings.Fields(want) {
			t.Run(fmt.Sprint(status, methods[i]), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.redirect(status, "http://a.test/", "/next")
				resp, err := w.Request(context.Background(), methods[i], "http://a.test/", session.FollowRedirects(true))
				require.NoError(t, err)
				assert.Equal(t, []string{methods[i] + " http://a.test/", expected + " http://a.test/next"}, w.calls())
				assert.Equal(t, expected, resp.Request.Method)
			})
		}
	}
}

// A body goes on with 307 and 308 alone; what describes it goes and stays with it.
func TestRedirectBody(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, method := range []string{"POST", "PUT"} {
			t.Run(fmt.Sprint(status, method), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.redirect(status, "http://a.test/", "/next")
				_, err := w.Request(context.Background(), method, "http://a.test/", session.Text("hello"), session.Header{
					"Content-Type": {"text/x"}, "Content-Language": {"de"}, "Content-Encoding": {"x"},
					"Content-Location": {"/l"}, "X-Other": {"stays"},
				})
				require.NoError(t, err)
				got := w.visits()
				require.Len(t, got, 2)
				assert.Equal(t, "hello", got[0].Body)
				next := got[1]
				assert.Equal(t, "stays", next.Header.Get("X-Other"))
				names := []string{"Content-Type", "Content-Language", "Content-Encoding", "Content-Location"}
				if status == 307 || status == 308 {
					assert.Equal(t, "hello", next.Body)
					assert.Equal(t, int64(5), next.ContentLength)
					for _, name := range names {
						assert.Contains(t, next.Header, name)
					}
					return
				}
				assert.Empty(t, next.Body)
				assert.LessOrEqual(t, next.ContentLength, int64(0))
				assert.Empty(t, next.TransferEncoding)
				for _, name := range append(names, "Transfer-Encoding") {
					assert.NotContains(t, next.Header, name)
				}
			})
		}
	}
}

func TestRedirectTargetIsResolved(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"/next":                        "http://a.test/next",
		"next":                         "http://a.test/d/next",
		"./next":                       "http://a.test/d/next",
		"../next":                      "http://a.test/next",
		"../../../next":                "http://a.test/next",
		"?q=1":                         "http://a.test/d/e?q=1",
		"next?q=1&q=2;r":               "http://a.test/d/next?q=1&q=2;r",
		"//b.test/next":                "http://b.test/next",
		"//b.test":                     "http://b.test/",
		"http://b.test":                "http://b.test/",
		"http://b.test:8080/next":      "http://b.test:8080/next",
		"HTTP://B.Test/Next":           "http://b.test/Next",
		"http:next":                    "http://a.test/d/next",
		"http:/next":                   "http://a.test/next",
		"/\u00fc?\u00e4=\u00f6":        "http://a.test/%C3%BC?%C3%A4=%C3%B6",
		"/\xfc":                        "http://a.test/%FC",
		"http://b\u00fccher.test/":     "http://xn--bcher-kva.test/",
		"/a b?c d":                     "http://a.test/a%20b?c%20d",
		"/%c3%bc":                      "http://a.test/%C3%BC",
		"/%zz":                         "http://a.test/%25zz",
		"/a%2Fb":                       "http://a.test/a%2Fb",
		"/{x}|\"<>":                    "http://a.test/%7Bx%7D%7C%22%3C%3E",
		"https://a.test/next":          "https://a.test/next",
		"//user:secret@b.test/next":    "http://b.test/next",
		"/next?u=http://b.test/?x#y":   "http://a.test/next?u=http://b.test/?x",
		"http://b.test?x":              "http://b.test/?x",
		"http://[::ffff:0:1]:8080/six": "http://[::ffff:0:1]:8080/six",
	} {
		t.Run(location, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.redirect(302, "http://a.test/d/e", location)
			_, err := w.Get(context.Background(), "http://a.test/d/e")
			require.NoError(t, err)
			assert.Equal(t, []string{"GET http://a.test/d/e", "GET " + want}, w.calls())
		})
	}
}

func TestRedirectCarriesTheFragment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ from, location, want string }{
		{"http://a.test/d#old", "/next", "http://a.test/next#old"},
		{"http://a.test/d#old", "/next#new", "http://a.test/next#new"},
		{"http://a.test/d#old", "http://b.test/next", "http://b.test/next#old"},
		{"http://a.test/d", "/next#%c3%bc", "http://a.test/next#%C3%BC"},
		{"http://a.test/d#old", "?q#", "http://a.test/d?q#old"},
	} {
		w := newWorld(t)
		w.redirect(302, "http://a.test/d", tt.location)
		resp, err := w.Get(context.Background(), tt.from)
		require.NoError(t, err)
		assert.Equal(t, tt.want, resp.URL().String())
		for _, got := range w.visits() {
			assert.NotContains(t, got.RequestURI, "#")
		}
	}
}

// The fragment goes on over every hop that names none.
func TestRedirectCarriesTheFragmentOverManyHops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "/1")
	w.redirect(302, "http://a.test/1", "//b.test/2")
	w.redirect(302, "http://b.test/2", "/3#three")
	w.redirect(302, "http://b.test/3", "/4")
	resp, err := w.Get(context.Background(), "http://a.test/#top")
	require.NoError(t, err)
	var fragments []string
	for _, hop := range resp.History {
		fragments = append(fragments, hop.URL().Fragment)
	}
	assert.Equal(t, []string{"top", "top", "top", "three"}, fragments)
	assert.Equal(t, "three", resp.URL().Fragment)
}

func TestRedirectToAnInvalidURL(t *testing.T) {
	t.Parallel()
	for location, kind := range map[string]error{
		"http://":                           session.ErrMissingHost,
		"http:///next":                      session.ErrMissingHost,
		"//":                                session.ErrMissingHost,
		"http://a.test:99999/":              session.ErrInvalidPort,
		"http://a.test:port/":               session.ErrInvalidPort,
		"http://[a]/":                       session.ErrInvalidHost,
		"http://a b.test/":                  session.ErrInvalidHost,
		"http://a%2Fb.test/":                session.ErrInvalidHost,
		"http://*.test/":                    session.ErrInvalidHost,
		"http://\u00ad/":                    session.ErrInvalidHost, // IDNA maps it to nothing
		"//\u00ad:80/":                      session.ErrInvalidHost,
		"http://u@\u2060/":                  session.ErrInvalidHost,
		"/" + strings.Repeat("../", 30_000): session.ErrLimit,
	} {
		t.Run(location[:min(20, len(location))], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.redirect(302, "http://a.test/", location)
			_, err := w.Get(context.Background(), "http://a.test/")
			require.ErrorIs(t, err, kind)
			assert.Equal(t, []string{"GET http://a.test/"}, w.calls())

			resp, err := w.Get(context.Background(), "http://a.test/", session.FollowRedirects(false))
			require.NoError(t, err)
			assert.Equal(t, 302, resp.StatusCode)
			_, err = resp.Next()
			require.ErrorIs(t, err, kind)

			_, err = w.Do(outgoing(t, http.MethodGet, "http://a.test/", nil))
			require.ErrorIs(t, err, kind)
		})
	}
}

func TestNoRedirectWithoutLocation(t *testing.T) {
	t.Parallel()
	for status, header := range map[int]http.Header{
		301: {}, 302: {"Location": {""}}, 300: {"Location": {"/x"}}, 304: {"Location": {"/x"}},
		305: {"Location": {"/x"}}, 201: {"Location": {"/x"}}, 399: {"Location": {"/x"}},
	} {
		w := newWorld(t)
		w.answer("http://a.test/", status, header, "")
		resp, err := w.Get(context.Background(), "http://a.test/")
		require.NoError(t, err)
		assert.Equal(t, status, resp.StatusCode)
		assert.Empty(t, resp.History)
		next, err := resp.Next()
		require.NoError(t, err)
		assert.Nil(t, next)
		assert.Len(t, w.calls(), 1)
	}
}

// A server must not make a client open what only its own program may.
func TestRedirectFromHTTPToHTTPOnly(t *testing.T) {
	t.Parallel()
	for _, location := range []string{
		"file:///etc/passwd", "ftp://b.test/", "unix:/run/x", "javascript:alert(1)", "data:,x", "mock://a.test/x", "FILE:///x",
	} {
		t.Run(location, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.redirect(302, "http://a.test/", location)
			_, err := w.Get(context.Background(), "http://a.test/")
			require.ErrorIs(t, err, session.ErrNoAdapter)

			opened := &stub{name: "opened"}
			for _, prefix := range []string{"file://", "ftp://", "unix:", "javascript:", "data:", "mock://"} {
				require.NoError(t, w.Mount(prefix, opened))
			}
			_, err = w.Get(context.Background(), "http://a.test/")
			require.ErrorIs(t, err, session.ErrRedirectScheme)
			require.ErrorIs(t, err, session.ErrNoAdapter)

			first, err := w.Get(context.Background(), "http://a.test/", session.FollowRedirects(false))
			require.NoError(t, err)
			next, err := first.Next()
			require.NoError(t, err)
			_, err = w.SendPrepared(next)
			require.ErrorIs(t, err, session.ErrRedirectScheme)
			assert.Empty(t, opened.seen())
		})
	}
}

type acceptingStub struct{ stub }

func (*acceptingStub) AcceptRedirect(u *url.URL) bool { return u.Host == "yes.test" }

func TestRedirectToAnAdapterThatOptsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mock := new(acceptingStub)
	require.NoError(t, w.Mount("mock://", mock))
	w.redirect(302, "http://a.test/yes", "mock://yes.test/x")
	w.redirect(302, "http://a.test/no", "mock://no.test/x")
	resp, err := w.Get(context.Background(), "http://a.test/yes")
	require.NoError(t, err)
	assert.Equal(t, "mock://yes.test/x", resp.URL().String())
	_, err = w.Get(context.Background(), "http://a.test/no")
	require.ErrorIs(t, err, session.ErrRedirectScheme)
	assert.Equal(t, []string{"mock://yes.test/x"}, mock.seen())
}

func TestRedirectFromAnotherSchemeToHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Mount("mock://", roundTripper(func(req *http.Request) (*http.Response, error) {
		return answer(req, 302, http.Header{"Location": {"http://a.test/x"}}, ""), nil
	})))
	resp, err := w.Get(context.Background(), "mock://m.test/")
	require.NoError(t, err)
	assert.Equal(t, "http://a.test/x", resp.URL().String())
}

var stripPairs = []struct {
	from, to string
	strip    bool
}{
	{"http://a.test/", "http://a.test/other?x#y", false},
	{"http://a.test/", "http://A.TEST/", false},
	{"http://a.test/", "http://a.test:80/", false},
	{"http://a.test:80/", "http://a.test/", false},
	{"https://a.test/", "https://a.test:443/", false},
	{"https://a.test:443/", "https://a.test/", false},
	{"http://a.test:8080/", "http://a.test:8080/x", false},
	{"http://a.test/", "https://a.test/", false},
	{"http://a.test:80/", "https://a.test:443/", false},
	{"http://a.test:80/", "https://a.test/", false},
	{"http://a.test/", "https://a.test:443/", false},
	{"http://[::1]/", "http://[::1]:80/", false},
	{"http://u:p@a.test/", "http://x:y@a.test/", false},
	{"http://a.test/", "http://b.test/", true},
	{"http://a.test/", "http://www.a.test/", true},
	{"http://www.a.test/", "http://a.test/", true},
	{"http://a.test/", "http://a.test.evil.test/", true},
	{"http://a.test/", "http://a.test./", true},
	{"http://a.test/", "http://a.test:8080/", true},
	{"http://a.test:8080/", "http://a.test/", true},
	{"http://a.test/", "http://a.test:443/", true},
	{"https://a.test/", "http://a.test/", true},
	{"https://a.test:8443/", "http://a.test:8443/", true},
	{"http://a.test:8080/", "https://a.test:8080/", true},
	{"http://a.test:8080/", "https://a.test:8443/", true},
	{"http://a.test:8080/", "https://a.test/", true},
	{"http://a.test/", "https://a.test:8443/", true},
	{"https://a.test/", "https://a.test:8443/", true},
	{"https://a.test:443/", "http://a.test:80/", true},
	{"http://[::1]/", "http://[::1%25.a.test]/", true},
	{"http://127.0.0.1/", "http://localhost/", true},
}

func TestShouldStripAuth(t *testing.T) {
	t.Parallel()
	for _, tt := range stripPairs {
		assert.Equal(t, tt.strip, session.ShouldStripAuth(mustURL(t, tt.from), mustURL(t, tt.to)), "%s to %s", tt.from, tt.to)
	}
}

// Whatever gave the credentials, they go on where ShouldStripAuth keeps them.
func TestRedirectCredentials(t *testing.T) {
	t.Parallel()
	basic := "Basic " + base64Of("u:p")
	for name, tt := range map[string]struct {
		session func(*session.Session)
		option  session.Option
		user    string // of the URL
		header  string
		value   string
	}{
		"request Auth":   {option: session.BasicAuth("u", "p"), header: "Authorization", value: basic},
		"session Auth":   {session: func(s *session.Session) { s.Auth = session.BearerAuth("t") }, header: "Authorization", value: "Bearer t"},
		"request header": {option: session.Header{"authorization": {"mine"}}, header: "Authorization", value: "mine"},
		"session header": {session: func(s *session.Session) { s.Header.Set("Authorization", "ours") }, header: "Authorization", value: "ours"},
		"URL":            {user: "u:p@", header: "Authorization", value: basic},
		"header of a func": {option: session.AuthFunc(func(r *http.Request) error {
			r.Header.Set("X-Api-Key", "k")
			return nil
		}), header: "X-Api-Key", value: "k"},
		"odd header of a func": {option: session.AuthFunc(func(r *http.Request) error {
			r.Header["x-api-key"] = []string{"k"}
			return nil
		}), header: "X-Api-Key", value: "k"},
	} {
		for _, pair := range []struct {
			from, to string
			kept     bool
		}{
			{"http://a.test/", "http://a.test/next", true},
			{"http://a.test/", "https://a.test/next", true},
			{"https://a.test/", "https://a.test:443/next", true},
			{"http://a.test/", "http://b.test/next", false},
			{"http://a.test/", "http://www.a.test/next", false},
			{"http://a.test/", "http://a.test:8080/next", false},
			{"https://a.test/", "http://a.test/next", false},
			{"https://a.test/", "https://a.test:8443/next", false},
			{"http://a.test/", "http://evil:x@b.test/next", false},
		} {
			t.Run(name+" "+pair.from+" "+pair.to, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.redirect(307, pair.from, pair.to)
				if tt.session != nil {
					tt.session(w.Session)
				}
				from := strings.Replace(pair.from, "://", "://"+tt.user, 1)
				_, err := w.Get(context.Background(), from, tt.option)
				require.NoError(t, err)
				got := w.visits()
				require.Len(t, got, 2)
				assert.Equal(t, []string{tt.value}, got[0].Header[tt.header])
				if pair.kept {
					assert.Equal(t, []string{tt.value}, got[1].Header[tt.header])
				} else {
					assert.NotContains(t, got[1].Header, tt.header)
				}
			})
		}
	}
}

// Once dropped, credentials stay dropped, on the way back too.
func TestRedirectCredentialsStayDropped(t *testing.T) {
	t.Parallel()
	sign := session.AuthFunc(func(r *http.Request) error {
		r.Header.Set("X-Signature", "s")
		r.Header.Set("Authorization", "signed")
		return nil
	})
	for _, option := range []session.Option{
		session.BasicAuth("u", "p"), session.BearerAuth("t"), session.DigestAuth("u", "p"), sign,
		session.Header{"Authorization": {"mine"}},
	} {
		w := newWorld(t)
		w.redirect(302, "http://a.test/", "http://b.test/1")
		w.redirect(302, "http://b.test/1", "http://b.test/2")
		w.redirect(302, "http://b.test/2", "http://a.test/3")
		_, err := w.Get(context.Background(), "http://a.test/", option)
		require.NoError(t, err)
		got := w.visits()
		require.Len(t, got, 4)
		for _, visit := range got[1:] {
			assert.NotContains(t, visit.Header, "Authorization", visit.At)
			assert.NotContains(t, visit.Header, "X-Signature", visit.At)
		}
	}
}

// Origins are compared hop by hop, not with the first one.
func TestRedirectCredentialsAreComparedHopByHop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ShouldStripAuth = func(from, to *url.URL) bool {
		return !(from.Host == "a.test" && to.Host == "b.test") && session.ShouldStripAuth(from, to)
	}
	w.redirect(302, "http://a.test/", "http://b.test/")
	w.redirect(302, "http://b.test/", "http://b.test/kept")
	w.redirect(302, "http://b.test/kept", "http://c.test/dropped")
	_, err := w.Get(context.Background(), "http://a.test/", session.BearerAuth("t"))
	require.NoError(t, err)
	assert.Equal(t, []string{"Bearer t", "Bearer t", "Bearer t", ""}, w.headers("Authorization"))
}

// net/http gives a caller of Do control over the spelling of names: none
// carries a secret on.
func TestRedirectDropsSecretsInAnySpelling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(307, "http://a.test/", "http://b.test/")
	for _, name := range []string{"authorization", "AUTHORIZATION", "Authorization", "cookie", "COOKIE", "proxy-authorization"} {
		req, err := http.NewRequest(http.MethodGet, "http://a.test/", nil)
		require.NoError(t, err)
		req.Header[name] = []string{"one=1", "two=2"}
		resp, err := w.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, []string{"one=1", "two=2"}, req.Header[name], "the caller's request is not written to")
	}
	for _, visit := range w.visits() {
		assert.NotContains(t, visit.Header, "Proxy-Authorization", visit.At)
		if visit.Host == "b.test" {
			assert.NotContains(t, visit.Header, "Authorization")
			assert.NotContains(t, visit.Header, "Cookie")
		}
	}
}

func TestRedirectSendsNoReferer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/?secret=1", "/2")
	w.redirect(302, "http://a.test/2", "http://b.test/3")
	_, err := w.Get(context.Background(), "http://u:p@a.test/?secret=1#frag")
	require.NoError(t, err)
	assert.Equal(t, []string{"", "", ""}, w.headers("Referer"))

	_, err = w.Get(context.Background(), "http://a.test/?secret=1", session.Header{"Referer": {"http://mine.test/"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"http://mine.test/", "http://mine.test/", "http://mine.test/"}, w.headers("Referer")[3:])
}

func TestRedirectCookies(t *testing.T) {
	t.Parallel()
	standard, err := cookiejar.New(nil)
	require.NoError(t, err)
	for name, jar := range map[string]http.CookieJar{"Jar": session.NewJar(), "net/http/cookiejar": standard} {
		w := newWorld(t)
		w.Jar = jar
		w.answer("http://a.test/", 302, http.Header{"Location": {"/2"}, "Set-Cookie": {"one=1"}}, "")
		w.answer("http://a.test/2", 302, http.Header{"Location": {"http://b.test/3"}, "Set-Cookie": {"two=2"}}, "")
		w.answer("http://b.test/3", 302, http.Header{"Location": {"http://a.test/4"}, "Set-Cookie": {"three=3"}}, "")
		_, err := w.Get(context.Background(), "http://a.test/")
		require.NoError(t, err)
		assert.Equal(t, []string{"", "one=1", "", "one=1; two=2"}, w.headers("Cookie"), name)
		assert.Len(t, jar.Cookies(mustURL(t, "http://b.test/")), 1, name)
	}
}

// jarFunc is a jar of the caller's.
type jarFunc func(u *url.URL) []*http.Cookie

func (f jarFunc) Cookies(u *url.URL) []*http.Cookie   { return f(u) }
func (f jarFunc) SetCookies(*url.URL, []*http.Cookie) {}

// net/http lets most bytes pass in the name of a cookie that a jar gives.
func TestCookiesOfACallersJarAreChecked(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a\x00b", "a\x7fb", " \ta"} {
		for sent, spoilt := range []string{"http://a.test/", "http://a.test/2"} { // after so many requests
			w := newWorld(t)
			w.redirect(302, "http://a.test/", "/2")
			w.Retry = &session.Retry{Total: 3}
			w.Jar = jarFunc(func(u *url.URL) []*http.Cookie {
				if u.String() != spoilt {
					return nil
				}
				return []*http.Cookie{{Name: name, Value: "v"}}
			})
			_, err := w.Get(t.Context(), "http://a.test/")
			require.ErrorIs(t, err, session.ErrInvalidHeader, "%q for %s", name, spoilt)
			assert.Len(t, w.headers("Cookie"), sent, "%q for %s", name, spoilt)

			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test/", nil)
			require.NoError(t, err)
			_, err = w.Do(req)
			require.ErrorIs(t, err, session.ErrInvalidHeader, "%q for %s", name, spoilt)
			assert.Len(t, w.headers("Cookie"), 2*sent, "%q for %s", name, spoilt)
		}
	}
}

func TestCookiesOfACallersJarAreCheckedWhenAChallengeIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withDigest("http://a.test/", &digestServer{user: "u", password: "p"})
	w.Auth = session.DigestAuth("u", "p")
	names := []string{"good", "b\x00d"}
	w.Jar = jarFunc(func(*url.URL) []*http.Cookie {
		name := names[0]
		names = names[1:]
		return []*http.Cookie{{Name: name, Value: "v"}}
	})
	_, err := w.Get(t.Context(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrInvalidHeader)
	assert.Equal(t, []string{"good=v"}, w.headers("Cookie"))
}

func TestStepsCannotSetHeadersThatCannotBeSent(t *testing.T) {
	t.Parallel()
	spoil := func(next *http.Request) { next.Header["X-Note"] = []string{"1\n2"} }
	for name, set := range map[string]func(*session.Session){
		"RebuildMethod": func(s *session.Session) {
			s.RebuildMethod = func(next *http.Request, _ *session.Response) { spoil(next) }
		},
		"RebuildAuth": func(s *session.Session) {
			s.RebuildAuth = func(next *http.Request, _ *session.Response) error {
				spoil(next)
				return nil
			}
		},
		"RebuildProxies": func(s *session.Session) {
			s.RebuildProxies = func(next *http.Request, proxies session.Proxies) (session.Proxies, error) {
				spoil(next)
				return proxies, nil
			}
		},
	} {
		w := newWorld(t)
		w.redirect(302, "http://a.test/", "/2")
		set(w.Session)
		_, err := w.Get(t.Context(), "http://a.test/")
		require.ErrorIs(t, err, session.ErrInvalidHeader, name)
		assert.Len(t, w.visits(), 1, name)
	}
}

// What hooks have put on a request goes with the next one, and is checked before
// the steps, whatever these would make of it.
func TestHeadersThatAHookBreaksAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "/2")
	value, steps := "1", 0
	w.Hooks = hooks(func(resp *session.Response) (*session.Response, error) {
		resp.Request.Header["X-Note"] = []string{value}
		return nil, nil
	})
	w.RebuildAuth = func(*http.Request, *session.Response) error {
		steps++
		return nil
	}
	_, err := w.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, []string{"", "1"}, w.headers("X-Note"))

	value = "1\n2"
	_, err = w.Get(t.Context(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrInvalidHeader)
	assert.Equal(t, []string{"", "1", ""}, w.headers("X-Note"))
	assert.Equal(t, 1, steps)
}

// A hop that deletes a cookie is obeyed by the next.
func TestRedirectDeletesCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer("http://a.test/in", 200, http.Header{"Set-Cookie": {"id=1"}}, "")
	w.answer("http://a.test/out", 302, http.Header{"Location": {"/"}, "Set-Cookie": {"id=; Max-Age=0"}}, "")
	_, err := w.Get(context.Background(), "http://a.test/in")
	require.NoError(t, err)
	_, err = w.Get(context.Background(), "http://a.test/out")
	require.NoError(t, err)
	assert.Equal(t, []string{"", "id=1", ""}, w.headers("Cookie"))
}

func TestRequestCookiesStayWithTheirOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer("http://a.test/", 302, http.Header{"Location": {"/same"}, "Set-Cookie": {"jar=1", "own=jar"}}, "")
	w.redirect(302, "http://a.test/same", "http://b.test/")
	w.redirect(302, "http://b.test/", "http://www.a.test/")
	w.redirect(302, "http://www.a.test/", "http://a.test/back")
	_, err := w.Get(context.Background(), "http://a.test/", session.Cookies{"own": "1"})
	require.NoError(t, err)
	assert.Equal(t, []string{"own=1", "jar=1; own=1", "", "", "jar=1; own=1"}, w.headers("Cookie"))

	// those of an https URL do not go in the clear
	w = newWorld(t)
	w.redirect(302, "https://a.test/", "http://a.test/clear")
	_, err = w.Get(context.Background(), "https://a.test/", session.Cookies{"own": "1"})
	require.NoError(t, err)
	assert.Equal(t, []string{"own=1", ""}, w.headers("Cookie"))
}

// A Cookie header stands alone, and stays behind, on the same host too: the
// jar makes the next one.
func TestRedirectRebuildsACookieHeader(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"http://a.test/next", "http://b.test/next", "https://a.test/next"} {
		w := newWorld(t)
		w.redirect(302, "http://a.test/", target)
		_, err := w.Get(context.Background(), "http://a.test/", session.Header{"Cookie": {"mine=1"}})
		require.NoError(t, err)
		assert.Equal(t, []string{"mine=1", ""}, w.headers("Cookie"), target)
	}
}

func TestHostOverrideStaysWithItsOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "/same")
	w.redirect(302, "http://a.test/same", "http://b.test/")
	w.redirect(302, "http://b.test/", "http://a.test/back")
	_, err := w.Get(context.Background(), "http://a.test/", session.Header{"Host": {"virtual.test"}})
	require.NoError(t, err)
	var hosts []string
	for _, visit := range w.visits() {
		hosts = append(hosts, visit.Host)
	}
	assert.Equal(t, []string{"virtual.test", "virtual.test", "b.test", "a.test"}, hosts)
}

func TestRedirectHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer("http://a.test/", 301, http.Header{"Location": {"/1"}}, "body 0")
	w.answer("http://a.test/1", 302, http.Header{"Location": {"//b.test/2"}}, "body 1")
	w.answer("http://b.test/2", 307, http.Header{"Location": {"/3"}}, "body 2")
	for _, stream := range []bool{false, true} {
		resp, err := w.Get(context.Background(), "http://a.test/", session.Stream(stream))
		require.Equal(t, "ok", text(t, resp, err))
		require.Len(t, resp.History, 3)
		for i, want := range []struct {
			status int
			url    string
		}{{301, "http://a.test/"}, {302, "http://a.test/1"}, {307, "http://b.test/2"}} {
			hop := resp.History[i]
			assert.Equal(t, want.status, hop.StatusCode)
			assert.Equal(t, want.url, hop.URL().String())
			assert.Equal(t, fmt.Sprint("body ", i), text(t, hop, nil))
			require.Len(t, hop.History, i)
			for j := range i {
				assert.Same(t, resp.History[j], hop.History[j])
			}
			next, err := hop.Next()
			require.NoError(t, err)
			assert.Equal(t, append(resp.History, resp)[i+1].URL(), next.URL)
		}
	}
}

func TestMaxRedirects(t *testing.T) {
	t.Parallel()
	for most, followed := range map[int]int{0: 30, 1: 1, 3: 3, 30: 30, -1: 0, -5: 0} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.chain(followed)
			w.MaxRedirects = most
			resp, err := w.Get(context.Background(), "http://a.test/0")
			require.Equal(t, "ok", text(t, resp, err), "as many as are allowed")
			assert.Len(t, resp.History, followed)

			w = newWorld(t)
			w.chain(followed + 5)
			w.MaxRedirects = most
			_, err = w.Get(context.Background(), "http://a.test/0")
			require.ErrorIs(t, err, session.ErrTooManyRedirects)
			assert.Len(t, w.calls(), followed+1)
			var tooMany *session.RedirectError
			require.ErrorAs(t, err, &tooMany)
			assert.Equal(t, fmt.Sprintf("http://a.test/%d", followed), tooMany.Response.URL().String())
			assert.Len(t, tooMany.History, followed)
			assert.Len(t, tooMany.Response.History, followed)
			for i, hop := range tooMany.History {
				assert.Equal(t, fmt.Sprintf("http://a.test/%d", i), hop.URL().String())
				assert.Equal(t, fmt.Sprintf("hop %d", i), text(t, hop, nil))
			}
			assert.Equal(t, fmt.Sprintf("hop %d", followed), text(t, tooMany.Response, nil))
		})
	}
}

// The request that was one too many can be had, and sent.
func TestTooManyRedirectsCanGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chain(4)
	w.MaxRedirects = 2
	for _, timeout := range []session.Timeout{{}, {Total: time.Minute}} {
		var tooMany *session.RedirectError
		_, err := w.Get(context.Background(), "http://a.test/0", timeout)
		require.ErrorAs(t, err, &tooMany)
		for _, from := range []*session.Response{tooMany.Response, tooMany.History[1]} {
			next, err := from.Next()
			require.NoError(t, err)
			resp, err := w.SendPrepared(next, session.FollowRedirects(false))
			require.NoError(t, err)
			assert.Equal(t, next.URL, resp.URL())
		}
		next, err := tooMany.Response.Next()
		require.NoError(t, err)
		resp, err := w.SendPrepared(next)
		require.Equal(t, "ok", text(t, resp, err))
	}
}

// Without following, neither the limit nor a body that cannot be sent again
// matters, until the next request is asked for.
func TestNextIsComputedLazily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.MaxRedirects = -1
	w.redirect(307, "http://a.test/", "http://b.test/next")
	resp, err := w.Post(context.Background(), "http://a.test/", session.FollowRedirects(false),
		session.Reader(io.MultiReader(strings.NewReader("once"))), session.BearerAuth("t"))
	require.NoError(t, err)
	assert.Equal(t, 307, resp.StatusCode)
	assert.Empty(t, resp.History)
	_, err = resp.Next()
	require.ErrorIs(t, err, session.ErrUnrewindableBody)

	resp, err = w.Post(context.Background(), "http://a.test/", session.FollowRedirects(false),
		session.Text("again"), session.BearerAuth("t"), session.Timeout{Total: time.Minute})
	require.NoError(t, err)
	for range 2 { // it changes nothing
		next, err := resp.Next()
		require.NoError(t, err)
		assert.Equal(t, "POST", next.Method)
		assert.Equal(t, "http://b.test/next", next.URL.String())
		assert.NotContains(t, next.Header, "Authorization")
		last, err := w.SendPrepared(next)
		require.Equal(t, "ok", text(t, last, err))
		assert.Equal(t, "again", w.last().Body)
	}
	last, err := w.SendPrepared(must(resp.Next()))
	require.NoError(t, err)
	next, err := last.Next()
	require.NoError(t, err)
	assert.Nil(t, next, "no redirect, no next request")
}

func TestHeadDoesNotFollowUnlessAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "/next")
	resp, err := w.Head(context.Background(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, 302, resp.StatusCode)
	resp, err = w.Head(context.Background(), "http://a.test/", session.FollowRedirects(true))
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, []string{"HEAD http://a.test/", "HEAD http://a.test/", "HEAD http://a.test/next"}, w.calls())
}

func TestRedirectRewindsBodies(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(path, []byte("hello"), 0o600))
	for name, option := range map[string]func() session.Option{
		"Text":     func() session.Option { return session.Text("hello") },
		"Bytes":    func() session.Option { return session.Bytes("hello") },
		"JSON":     func() session.Option { return session.JSON("hello") },
		"Form":     func() session.Option { return session.Form{"hello": {"1"}} },
		"Files":    func() session.Option { return session.Files{{Field: "f", Name: "f", Content: session.Text("hello")}} },
		"FromFile": func() session.Option { return session.FromFile(path) },
		"ReaderFunc": func() session.Option {
			return session.ReaderFunc(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil })
		},
		"Seeker": func() session.Option { return session.Reader(strings.NewReader("hello")) },
		"Seeker in the middle": func() session.Option {
			r := strings.NewReader("skipped hello")
			_, _ = r.Seek(8, io.SeekStart)
			return session.Reader(r)
		},
		"Closer": func() session.Option { return session.Reader(must(os.Open(path))) },
	} {
		for _, status := range []int{307, 308} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.redirect(status, "http://a.test/", "http://b.test/1")
				w.redirect(status, "http://b.test/1", "http://b.test/2")
				w.redirect(303, "http://b.test/2", "/3")
				_, err := w.Post(context.Background(), "http://a.test/", option())
				require.NoError(t, err)
				got := w.visits()
				require.Len(t, got, 4)
				assert.Contains(t, got[0].Body, "hello")
				assert.NotContains(t, got[0].Body, "skipped")
				assert.Equal(t, got[0].Body, got[1].Body)
				assert.Equal(t, got[0].Body, got[2].Body)
				assert.Equal(t, got[0].ContentLength, got[2].ContentLength)
				assert.Equal(t, "GET", got[3].Method)
				assert.Empty(t, got[3].Body)
			})
		}
	}
}

func TestRedirectOfABodyThatCanBeReadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(307, "http://a.test/", "http://b.test/")
	w.redirect(303, "http://a.test/see", "http://b.test/")
	body := &closeCounter{Reader: io.MultiReader(strings.NewReader("once"))}
	resp, err := w.Post(context.Background(), "http://a.test/", session.Reader(body))
	require.ErrorIs(t, err, session.ErrUnrewindableBody)
	assert.True(t, resp == nil)
	assert.Equal(t, []string{"POST http://a.test/"}, w.calls(), "nothing was sent again")
	assert.Equal(t, 1, body.count())

	body = &closeCounter{Reader: io.MultiReader(strings.NewReader("once"))}
	_, err = w.Post(context.Background(), "http://a.test/see", session.Reader(body))
	require.NoError(t, err, "where the body is dropped it need not be had again")
	assert.Equal(t, 1, body.count())

	req, err := http.NewRequest(http.MethodPost, "http://a.test/", io.MultiReader(strings.NewReader("once")))
	require.NoError(t, err)
	answer, err := w.Do(req)
	require.NoError(t, err)
	assert.Equal(t, http.StatusTemporaryRedirect, answer.StatusCode, "net/http gives the redirect then")
	require.NoError(t, answer.Body.Close())
}

// The connection of a redirect whose body is small is used again.
func TestRedirectReusesItsConnection(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10, 64 << 10} {
		for _, chunked := range []bool{false, true} {
			w := newWorld(t)
			w.handle("http://a.test/", func(out http.ResponseWriter, r *http.Request) {
				out.Header().Set("Location", "/next")
				if !chunked {
					out.Header().Set("Content-Length", strconv.Itoa(size))
				}
				out.WriteHeader(302)
				_, _ = out.Write(make([]byte, size))
			})
			_, err := w.Get(context.Background(), "http://a.test/")
			require.NoError(t, err)
			got := w.visits()
			require.Len(t, got, 2)
			assert.Equal(t, got[0].RemoteAddr, got[1].RemoteAddr, "%d bytes, chunked %v", size, chunked)
		}
	}
}

// A redirect's body is not waited for, however long it is, or slow.
func TestRedirectBodyIsDrainedWithinBounds(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"announced": func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("Content-Length", "1000000000")
			out.WriteHeader(302)
			_, _ = out.Write(make([]byte, 1000))
			out.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"endless": func(out http.ResponseWriter, r *http.Request) {
			out.WriteHeader(302)
			for piece := make([]byte, 32<<10); ; {
				if _, err := out.Write(piece); err != nil {
					return
				}
			}
		},
		"silent": func(out http.ResponseWriter, r *http.Request) {
			out.WriteHeader(302)
			out.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"drip": func(out http.ResponseWriter, r *http.Request) {
			out.WriteHeader(302)
			for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
				if _, err := out.Write([]byte("x")); err != nil || r.Context().Err() != nil {
					tick.Stop()
					return
				}
				out.(http.Flusher).Flush()
			}
		},
		"broken": func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("Content-Length", "100")
			out.WriteHeader(302)
			_, _ = out.Write([]byte("x"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.handle("http://a.test/", func(out http.ResponseWriter, r *http.Request) {
				out.Header().Set("Location", "/next")
				handler(out, r)
			})
			start := time.Now()
			resp, err := w.Get(context.Background(), "http://a.test/")
			require.Equal(t, "ok", text(t, resp, err))
			assert.Less(t, time.Since(start), 3*time.Second)
			require.Len(t, resp.History, 1)
			_, err = resp.History[0].Bytes()
			require.Error(t, err, "what was not kept is not passed off as empty")
			got := w.visits()
			assert.NotEqual(t, got[0].RemoteAddr, got[1].RemoteAddr)
		})
	}
}

// The body of a redirect is not decompressed on the way.
func TestRedirectBodyMayBeABomb(t *testing.T) {
	var member bytes.Buffer
	zip := gzip.NewWriter(&member)
	_, _ = zip.Write(make([]byte, 1<<20))
	require.NoError(t, zip.Close())
	bomb := bytes.Repeat(member.Bytes(), 60)
	require.Less(t, len(bomb), 64<<10)
	w := newWorld(t)
	w.answer("http://a.test/", 302, http.Header{"Location": {"/next"}, "Content-Encoding": {"gzip"}}, string(bomb))

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resp, err := w.Get(context.Background(), "http://a.test/")
	require.Equal(t, "ok", text(t, resp, err))
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(40<<20))
}

func TestSmallBodyOfARedirectIsDecoded(t *testing.T) {
	t.Parallel()
	var coded bytes.Buffer
	zip := gzip.NewWriter(&coded)
	_, _ = zip.Write([]byte("moved"))
	require.NoError(t, zip.Close())
	w := newWorld(t)
	w.answer("http://a.test/", 302, http.Header{"Location": {"/next"}, "Content-Encoding": {"gzip"}}, coded.String())
	resp, err := w.Get(context.Background(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, "moved", text(t, resp.History[0], nil))
}

func TestFollowYieldsEveryHop(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		for _, timeout := range []session.Timeout{{}, {Total: time.Minute}} {
			w := newWorld(t)
			w.chain(3)
			first, err := w.Get(context.Background(), "http://a.test/0", session.FollowRedirects(false), session.Stream(stream), timeout)
			require.NoError(t, err)
			var bodies []string
			var history [][]*session.Response
			hops := []*session.Response{first}
			for resp, err := range w.Follow(first) {
				bodies = append(bodies, text(t, resp, err))
				history = append(history, resp.History)
				hops = append(hops, resp)
			}
			assert.Equal(t, []string{"hop 1", "hop 2", "ok"}, bodies)
			assert.Empty(t, first.History)
			for i := range history {
				require.Len(t, history[i], i+1)
				for j := range history[i] {
					assert.Same(t, hops[j], history[i][j])
				}
			}
			for range w.Follow(hops[3]) {
				assert.Fail(t, "the last response is no redirect")
			}
		}
	}
}

func TestFollowCanBeLeftEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chain(3)
	first, err := w.Get(context.Background(), "http://a.test/0", session.FollowRedirects(false))
	require.NoError(t, err)
	var left *session.Response
	for resp, err := range w.Follow(first) {
		require.NoError(t, err)
		left = resp
		break
	}
	assert.Equal(t, "hop 1", text(t, left, nil))
	_, err = w.Get(context.Background(), "http://a.test/again")
	require.NoError(t, err)
	got := w.visits()
	require.Len(t, got, 3)
	for _, visit := range got {
		assert.Equal(t, got[0].RemoteAddr, visit.RemoteAddr, "no connection is held")
	}
	for resp, err := range w.Follow(left) { // and can be gone on with
		require.NoError(t, err)
		left = resp
	}
	assert.Equal(t, "ok", text(t, left, nil))
}

func TestFollowEndsWithAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chain(5)
	w.MaxRedirects = 2
	w.redirect(302, "http://a.test/gone", "http://gone.test/")
	w.redirect(302, "http://a.test/bad", "http://[x/")
	for path, want := range map[string]struct {
		good int
		kind error
	}{
		"0": {2, session.ErrTooManyRedirects}, "gone": {0, session.ErrConnection}, "bad": {0, session.ErrInvalidHost},
	} {
		first, err := w.Get(context.Background(), "http://a.test/"+path, session.FollowRedirects(false))
		require.NoError(t, err)
		good, bad := 0, 0
		for resp, err := range w.Follow(first) {
			if err == nil {
				good++
				continue
			}
			bad++
			assert.True(t, resp == nil)
			require.ErrorIs(t, err, want.kind)
			var envelope *url.Error
			require.ErrorAs(t, err, &envelope)
		}
		assert.Equal(t, want.good, good, path)
		assert.Equal(t, 1, bad, path)
	}
}

// An error on a later hop names that hop's URL, without its password.
func TestErrorOfALaterHopNamesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "http://u:hunter2@gone.test/x")
	_, err := w.Get(context.Background(), "http://a.test/")
	var envelope *url.Error
	require.ErrorAs(t, err, &envelope)
	assert.Equal(t, "http://u:xxxxx@gone.test/x", envelope.URL)
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestRedirectEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	w.handle("http://a.test/", func(out http.ResponseWriter, r *http.Request) {
		http.Redirect(out, r, "/next", http.StatusFound)
	})
	w.handle("http://a.test/next", func(out http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := w.Get(ctx, "http://a.test/")
	require.ErrorIs(t, err, context.Canceled)
}

// The steps can be replaced one by one, and a replacement can call the default.

func TestRedirectTargetStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.RedirectTarget = func(resp *session.Response) (string, bool) {
		if refresh := resp.Header.Get("Refresh"); refresh != "" {
			return strings.TrimPrefix(refresh, "0; url="), true
		}
		location, ok := session.RedirectTarget(resp)
		return location, ok && !strings.Contains(location, "evil")
	}
	w.redirect(302, "http://a.test/", "/refresh")
	w.answer("http://a.test/refresh", 200, http.Header{"Refresh": {"0; url=/last"}}, "")
	w.redirect(302, "http://a.test/last", "http://evil.test/")
	resp, err := w.Get(context.Background(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, []string{"GET http://a.test/", "GET http://a.test/refresh", "GET http://a.test/last"}, w.calls())
	assert.Equal(t, 302, resp.StatusCode)
	assert.Len(t, resp.History, 2)
	next, err := resp.Next()
	require.NoError(t, err)
	assert.Nil(t, next)
}

func TestRebuildMethodStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.RebuildMethod = func(next *http.Request, prev *session.Response) {
		if prev.StatusCode == 303 {
			session.RebuildMethod(next, prev)
		}
	}
	w.redirect(302, "http://a.test/", "/found")
	w.redirect(301, "http://a.test/found", "/moved")
	w.redirect(303, "http://a.test/moved", "/see")
	_, err := w.Delete(context.Background(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, []string{
		"DELETE http://a.test/", "DELETE http://a.test/found", "DELETE http://a.test/moved", "GET http://a.test/see",
	}, w.calls())
}

func TestShouldStripAuthStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ShouldStripAuth = func(from, to *url.URL) bool {
		return session.ShouldStripAuth(from, to) && !strings.HasSuffix(to.Hostname(), ".a.test")
	}
	w.redirect(302, "http://a.test/", "http://www.a.test/")
	w.redirect(302, "http://www.a.test/", "http://b.test/")
	_, err := w.Get(context.Background(), "http://a.test/", session.BasicAuth("u", "p"))
	require.NoError(t, err)
	assert.Equal(t, []string{"Basic " + base64Of("u:p"), "Basic " + base64Of("u:p"), ""}, w.headers("Authorization"))
}

func TestRebuildAuthStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.RebuildAuth = func(next *http.Request, prev *session.Response) error {
		if err := w.DefaultRebuildAuth(next, prev); err != nil {
			return err
		}
		next.Header.Set("X-From", prev.Request.URL.Host)
		return nil
	}
	w.redirect(302, "http://a.test/", "http://b.test/")
	w.redirect(302, "http://a.test/same", "http://a.test/")
	_, err := w.Get(context.Background(), "http://a.test/same", session.BearerAuth("t"))
	require.NoError(t, err)
	assert.Equal(t, []string{"Bearer t", "Bearer t", ""}, w.headers("Authorization"))
	assert.Equal(t, []string{"", "a.test", "a.test"}, w.headers("X-From"))

	failure := errors.New("no token")
	w.RebuildAuth = func(*http.Request, *session.Response) error { return failure }
	_, err = w.Get(context.Background(), "http://a.test/")
	require.ErrorIs(t, err, failure)
}

// An Auth that fails on a later hop ends the call; nothing is sent without it.
func TestAuthThatFailsOnARedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "/next")
	failure, runs := errors.New("no token"), 0
	_, err := w.Get(context.Background(), "http://a.test/", session.AuthFunc(func(*http.Request) error {
		if runs++; runs > 1 {
			return failure
		}
		return nil
	}))
	require.ErrorIs(t, err, failure)
	assert.Equal(t, []string{"GET http://a.test/"}, w.calls())
}

// A Redirector works without a session: it only drops.
func TestRedirectorAlone(t *testing.T) {
	t.Parallel()
	redirector := session.Redirector{MaxRedirects: 2}
	at := func(req *http.Request, location string) *session.Response {
		return &session.Response{Response: answer(req, 302, http.Header{"Location": {location}}, "")}
	}
	first, err := http.NewRequest(http.MethodPost, "http://a.test/", strings.NewReader("x"))
	require.NoError(t, err)
	first.Header.Set("Authorization", "secret")
	first.Header.Set("Cookie", "secret")
	next, err := redirector.NextRequest(at(first, "/next"))
	require.NoError(t, err)
	assert.Equal(t, "GET http://a.test/next", next.Method+" "+next.URL.String())
	assert.Equal(t, http.Header{"Authorization": {"secret"}}, next.Header)
	next, err = redirector.NextRequest(at(first, "//b.test/"))
	require.NoError(t, err)
	assert.Empty(t, next.Header)
	next, err = redirector.NextRequest(&session.Response{Response: answer(first, 200, nil, "")})
	require.NoError(t, err)
	assert.Nil(t, next)

	var visited []string
	for resp, err := range redirector.Follow(at(first, "/1"), func(req *http.Request) (*session.Response, error) {
		visited = append(visited, req.URL.String())
		return at(req, fmt.Sprintf("/%d", len(visited)+1)), nil
	}) {
		if len(visited) == 2 && err != nil {
			require.ErrorIs(t, err, session.ErrTooManyRedirects)
			assert.True(t, resp == nil)
		} else {
			require.NoError(t, err)
		}
	}
	assert.Equal(t, []string{"http://a.test/1", "http://a.test/2"}, visited)
}

// Request headers that are neither credentials nor about the body go on.
func TestRedirectKeepsOtherHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Header.Set("X-Session", "s")
	w.redirect(302, "http://a.test/", "http://b.test/")
	_, err := w.Get(context.Background(), "http://a.test/", session.Header{"X-Request": {"r"}, "User-Agent": {"mine"}})
	require.NoError(t, err)
	last := w.last()
	assert.Equal(t, "s", last.Header.Get("X-Session"))
	assert.Equal(t, "r", last.Header.Get("X-Request"))
	assert.Equal(t, "mine", last.Header.Get("User-Agent"))
}

// Parameters belong to the first URL; a Location has its own.
func TestRedirectAddsNoParams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Params = url.Values{"key": {"secret"}}
	w.redirect(302, "http://a.test/?key=secret&q=1", "http://b.test/?x=1")
	_, err := w.Get(context.Background(), "http://a.test/", session.Params{"q": {"1"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"GET http://a.test/?key=secret&q=1", "GET http://b.test/?x=1"}, w.calls())
}

// Hooks see every hop, and may turn a redirect into something else.
func TestRedirectsAreGivenToHooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chain(2)
	var seen []int
	hook := session.Hooks{Response: []session.ResponseHook{func(resp *session.Response) (*session.Response, error) {
		seen = append(seen, resp.StatusCode)
		if resp.URL().Path == "/1" {
			resp.Header.Del("Location")
		}
		return nil, nil
	}}}
	resp, err := w.Get(context.Background(), "http://a.test/0", hook)
	require.NoError(t, err)
	assert.Equal(t, 302, resp.StatusCode)
	assert.Equal(t, []int{302, 302}, seen)
	assert.Equal(t, "hop 1", text(t, resp, nil))
}

// A session serves many chains at once.
func TestRedirectsInParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Cache = new(session.RedirectCache)
	w.chain(3)
	errs := make(chan error)
	for range 16 {
		go func() {
			resp, err := w.Post(context.Background(), "http://a.test/0", session.Text("x"), session.DigestAuth("u", "p"))
			if err == nil && len(resp.History) != 3 {
				err = errors.New("a history of another length")
			}
			errs <- err
		}()
	}
	for range 16 {
		assert.NoError(t, <-errs)
	}
}

// Redirects of a response that was replaced by a hook, or that no session made.
func TestRedirectOfAMadeUpResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := session.Hooks{Response: []session.ResponseHook{func(resp *session.Response) (*session.Response, error) {
		if resp.URL().Path != "/" {
			return nil, nil
		}
		_ = resp.Close()
		return &session.Response{Response: answer(resp.Request, 302, http.Header{"Location": {"/next"}}, "made up")}, nil
	}}}
	resp, err := w.Get(context.Background(), "http://a.test/", hook)
	require.Equal(t, "ok", text(t, resp, err))
	assert.Equal(t, []string{"GET http://a.test/", "GET http://a.test/next"}, w.calls())
	assert.Len(t, resp.History, 1)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func mustURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// world is a network of its own: whatever host a session asks for, two servers
// answer, one in the clear and one, on the ports 443 and 8443, over TLS.
// gone.test refuses every connection.
type world struct {
	*session.Session
	ca         *authority
	plain, tls *server
	leads      map[string]string // "host:port" to the address of another server
	handlers   map[string]http.HandlerFunc

	mu     sync.Mutex
	dialed map[string]string // the client's address to what it asked for
	dials  []string
	got    []visit
}

// visit is a request as it came to a server.
type visit struct {
	*http.Request
	Body string
	At   string // the URL that it came to
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		Session: session.New(), ca: testAuthority(t), handlers: map[string]http.HandlerFunc{},
		leads: map[string]string{}, dialed: map[string]string{},
	}
	w.plain, w.tls = newServer(w.serve), newServer(w.serve)
	w.tls.TLS = w.ca.serverConfig()
	w.plain.Config.ErrorLog, w.tls.Config.ErrorLog = quiet(), quiet()
	w.plain.Start()
	w.tls.StartTLS()
	w.Verify = session.RootCAs(w.ca.pool)
	w.mountTo(t, w.Session)
	t.Cleanup(func() {
		_ = w.Close()
		w.plain.CloseClientConnections()
		w.tls.CloseClientConnections()
		w.plain.Close()
		w.tls.Close()
	})
	return w
}

// mountTo has a session live in this world.
func (w *world) mountTo(t testing.TB, s *session.Session) {
	adapter := &session.HTTPAdapter{Base: &http.Transport{DialContext: w.dial, ForceAttemptHTTP2: true}}
	require.NoError(t, s.Mount("http://", adapter))
	require.NoError(t, s.Mount("https://", adapter))
}

func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, _ := net.SplitHostPort(addr)
	real := w.plain.addr()
	if port == "443" || port == "8443" {
		real = w.tls.addr()
	}
	if other, ok := w.leads[addr]; ok {
		real = other
	}
	w.mu.Lock()
	w.dials = append(w.dials, addr)
	w.mu.Unlock()
	if host == "gone.test" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, real)
	if err == nil {
		w.mu.Lock()
		w.dialed[conn.LocalAddr().String()] = addr
		w.mu.Unlock()
	}
	return conn, err
}

// at is the URL that a request came to.
func (w *world) at(r *http.Request) string {
	w.mu.Lock()
	addr, known := w.dialed[r.RemoteAddr]
	w.mu.Unlock()
	if !known || r.URL.IsAbs() {
		return r.RequestURI
	}
	scheme, standard := "http://", ":80"
	if r.TLS != nil {
		scheme, standard = "https://", ":443"
	}
	return scheme + strings.TrimSuffix(addr, standard) + r.RequestURI
}

func (w *world) serve(out http.ResponseWriter, r *http.Request) {
	at := w.at(r)
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.got = append(w.got, visit{r, string(body), at})
	w.mu.Unlock()
	if handler := w.handlers[at]; handler != nil {
		handler(out, r)
		return
	}
	_, _ = io.WriteString(out, "ok")
}

// handle has a handler answer a URL; what has none is answered with 200 and "ok".
func (w *world) handle(url string, handler http.HandlerFunc) { w.handlers[url] = handler }

// answer answers a URL.
func (w *world) answer(url string, status int, header http.Header, body string) {
	w.handle(url, func(out http.ResponseWriter, r *http.Request) {
		maps.Copy(out.Header(), header)
		out.WriteHeader(status)
		_, _ = io.WriteString(out, body)
	})
}

// redirect redirects a URL to a location, as it is given.
func (w *world) redirect(status int, url, location string) {
	w.answer(url, status, http.Header{"Location": {location}}, "")
}

// chain redirects http://a.test/0 to /1, and so on to /hops.
func (w *world) chain(hops int) {
	for i := range hops {
		w.answer(fmt.Sprintf("http://a.test/%d", i), 302,
			http.Header{"Location": {fmt.Sprintf("/%d", i+1)}}, fmt.Sprintf("hop %d", i))
	}
}

// visits lists the requests that came, in order.
func (w *world) visits() []visit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.got)
}

func (w *world) last() visit {
	all := w.visits()
	return all[len(all)-1]
}

// calls lists the requests as "GET http://a.test/x".
func (w *world) calls() []string {
	var list []string
	for _, got := range w.visits() {
		list = append(list, got.Method+" "+got.At)
	}
	return list
}

// headers lists a header of every request.
func (w *world) headers(name string) []string {
	var list []string
	for _, got := range w.visits() {
		list = append(list, strings.Join(got.Header[name], " | "))
	}
	return list
}

// What happens in the background is waited for, for so long, looked for so often.
const (
	waitTime = 5 * time.Second
	tick     = 5 * time.Millisecond
)

// A body that ends just when nobody waits for it any longer is given up and
// kept at once.
func TestRedirectBodyThatEndsAsItIsGivenUp(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		synctest.Test(t, func(t *testing.T) {
			takes := 100*time.Millisecond + time.Duration(n%3-1)*time.Nanosecond
			slow := &closeCounter{Reader: readerFunc(func([]byte) (int, error) {
				time.Sleep(takes)
				return 0, io.EOF
			})}
			s := over(t, func(req *http.Request) (*http.Response, error) {
				if req.URL.Path != "/" {
					return answer(req, 200, nil, "ok"), nil
				}
				redirect := answer(req, 302, location("/end"), "")
				redirect.Body, redirect.ContentLength = slow, -1
				return redirect, nil
			})
			resp, err := s.Get(t.Context(), "http://a.test/")
			assert.Equal(t, "ok", text(t, resp, err))
			assert.NotZero(t, slow.count())
		})
	}
}

// An error of the body comes after all redirects.
func TestErrorOfTheLastBodyNamesItsHop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "http://u:hunter2@b.test/x")
	w.answer("http://b.test/x", 200, http.Header{"Content-Length": {"10"}}, "abc")
	_, err := w.Post(context.Background(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrIncompleteBody)
	var envelope *url.Error
	require.ErrorAs(t, err, &envelope)
	assert.Equal(t, "Get http://u:xxxxx@b.test/x", envelope.Op+" "+envelope.URL)
}

// What cannot be followed gives no request besides its error.
func TestNextRequestIsNilWithAnError(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	w := newWorld(t)
	w.redirect(307, "http://a.test/", "/next")
	for what, c := range map[string]struct {
		change func(*session.Session)
		err    error
	}{
		"RebuildAuth": {func(s *session.Session) {
			s.RebuildAuth = func(*http.Request, *session.Response) error { return boom }
		}, boom},
		"RebuildProxies": {func(s *session.Session) {
			s.RebuildProxies = func(*http.Request, session.Proxies) (session.Proxies, error) { return nil, boom }
		}, boom},
		"the body": {func(*session.Session) {}, session.ErrUnrewindableBody},
	} {
		s := session.New()
		w.mountTo(t, s)
		c.change(s)
		resp, err := s.Post(t.Context(), "http://a.test/", session.Reader(unsized("x")), session.FollowRedirects(false))
		require.NoError(t, err, what)
		next, err := resp.Next()
		require.ErrorIs(t, err, c.err, what)
		assert.Nil(t, next, what)
		next, err = s.NextRequest(resp)
		require.ErrorIs(t, err, c.err, what)
		assert.Nil(t, next, what)
		require.NoError(t, s.Close())
	}
}

func TestNoResponseLeadsNowhere(t *testing.T) {
	t.Parallel()
	s, alone := new(session.Session), new(session.Redirector)
	never := func(*http.Request) (*session.Response, error) {
		assert.Fail(t, "nothing is sent")
		return nil, nil
	}
	for _, none := range []*session.Response{nil, {}} {
		next, err := s.NextRequest(none)
		require.ErrorIs(t, err, session.ErrInvalidRequest)
		assert.Nil(t, next)
		next, err = alone.NextRequest(none)
		require.ErrorIs(t, err, session.ErrInvalidRequest)
		assert.Nil(t, next)
		for range s.Follow(none) {
			assert.Fail(t, "there is nothing to follow")
		}
		for range alone.Follow(none, never) {
			assert.Fail(t, "there is nothing to follow")
		}
	}
}

// TestHeadersOfARequestAreItsOwn has the caller's code write to the values in
// place, in all the places that are given a request.
func TestHeadersOfARequestAreItsOwn(t *testing.T) {
	t.Parallel()
	s := session.New()
	require.NoError(t, s.Mount("https://", roundTripper(small)))
	s.Header["X-Team"] = []string{"shelves"}
	write := func(req *http.Request) { req.Header["X-Team"][0] = "changed" }
	s.RebuildMethod = func(next *http.Request, _ *session.Response) { write(next) }
	resp, err := s.Get(t.Context(), "https://a.test/1", session.AuthFunc(func(req *http.Request) error {
		write(req)
		return nil
	}))
	require.NoError(t, err)
	assert.Equal(t, "changed", resp.Request.Header.Get("X-Team"))
	require.Len(t, resp.History, 1)

	req, err := s.Prepare(t.Context(), &session.Request{URL: "https://a.test/1"})
	require.NoError(t, err)
	write(req)
	next, err := s.NextRequest(resp.History[0])
	require.NoError(t, err)
	write(next)

	resp, err = s.Get(t.Context(), "https://a.test/1") // no Auth, which is given a copy in any case
	require.NoError(t, err)
	assert.Equal(t, "changed", resp.Request.Header.Get("X-Team"))
	assert.Equal(t, "shelves", resp.History[0].Request.Header.Get("X-Team"))
	assert.Equal(t, "shelves", s.Header.Get("X-Team"))
}

// TestHistoryOfHEADHasNoBodies has a server announce what HEAD does not send.
func TestHistoryOfHEADHasNoBodies(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			return
		}
		w.Header()["Content-Encoding"] = []string{"gzip, gzip, gzip, gzip, gzip, gzip"}
		w.Header().Set("Content-Length", "1000000000")
		w.Header().Set("Location", "/end")
		w.WriteHeader(http.StatusFound)
	})
	resp, err := open(t, srv).Head(t.Context(), "http://a.test/", session.FollowRedirects(true))
	require.NoError(t, err)
	require.Len(t, resp.History, 1)
	content, err := resp.History[0].Bytes()
	require.NoError(t, err)
	assert.Empty(t, content)
	assert.Less(t, cap(content), 1000)
	assert.False(t, resp.History[0].Uncompressed)
}
