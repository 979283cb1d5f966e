package session_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
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

// saved takes a session through its state; nothing of it may be left out.
func saved(t *testing.T, s *session.Session) *session.Session {
	t.Helper()
	data, omitted, err := s.MarshalState()
	require.NoError(t, err)
	require.Empty(t, omitted)
	loaded, err := session.UnmarshalState(data)
	require.NoError(t, err)
	t.Cleanup(func() { _ = loaded.Close() })
	return loaded
}

// notText is neither UTF-8 nor free of what JSON and URLs escape.
const notText = "\xff\xfe caf\xe9 \"<&>\\%+;="

func TestEachSettingIsSaved(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(s *session.Session){
		"nothing":             func(*session.Session) {},
		"Header":              func(s *session.Session) { s.Header = http.Header{"A": {"1", "2"}, "b": {"x"}} },
		"Header, nil value":   func(s *session.Session) { s.Header = http.Header{"Accept": nil} },
		"Header, empty value": func(s *session.Session) { s.Header = http.Header{"Accept": {}, "B": {""}} },
		"Header, empty":       func(s *session.Session) { s.Header = http.Header{} },
		"Header, no text":     func(s *session.Session) { s.Header = http.Header{"A": {notText, "plain", "ü"}} },
		"Params":              func(s *session.Session) { s.Params = url.Values{"a": {"1", "2"}, "b": {""}} },
		"Params, no text":     func(s *session.Session) { s.Params = url.Values{notText: {notText}} },
		"OrderedParams":       func(s *session.Session) { s.OrderedParams = session.OrderedParams{{"b", "1"}, {"a", "2"}, {"b", "3"}} },
		"OrderedParams, no text": func(s *session.Session) {
			s.OrderedParams = session.OrderedParams{{notText, notText}, {"", ""}}
		},
		"OrderedParams, empty": func(s *session.Session) { s.OrderedParams = session.OrderedParams{} },
		"BasicAuth":            func(s *session.Session) { s.Auth = session.BasicAuth("u", "p") },
		"BasicAuth, no text":   func(s *session.Session) { s.Auth = session.BasicAuth(notText, notText) },
		"BearerAuth":           func(s *session.Session) { s.Auth = session.BearerAuth("t") },
		"DigestAuth":           func(s *session.Session) { s.Auth = session.DigestAuth(notText, "p") },
		"NoAuth":               func(s *session.Session) { s.Auth = session.NoAuth },
		"Proxies":              func(s *session.Session) { s.Proxies = session.Proxies{"all": "http://u:p@proxy.test", "http": ""} },
		"Proxies, no text":     func(s *session.Session) { s.Proxies = session.Proxies{"all": "http://" + notText} },
		"CAFile":               func(s *session.Session) { s.Verify = session.CAFile("/x/ü" + notText) },
		"InsecureSkipVerify":   func(s *session.Session) { s.Verify = session.InsecureSkipVerify },
		"CertFile":             func(s *session.Session) { s.Cert = session.CertFile{Cert: "/c", Key: "/k"} },
		"CertFile, one file":   func(s *session.Session) { s.Cert = session.CertFile{Cert: "/c" + notText} },
		"Stream":               func(s *session.Session) { s.Stream = true },
		"Timeout":              func(s *session.Session) { s.Timeout = session.Timeout{Connect: 1, Read: time.Hour, Total: 3} },
		"Secrets": func(s *session.Session) {
			s.Secrets = session.Secrets{
				Origin: "http://a.test", Header: session.Header{"K": {notText}, "R": nil}, Params: session.Params{"p": {"1"}}, Cookies: session.Cookies{"c": "v"},
			}
		},
		"Limits": func(s *session.Session) {
			s.Limits = session.Limits{Body: 1 << 40, Ratio: -1, Links: 4, DrainTime: 3, Netrc: -5}
		},
		"NoTimeout":              func(s *session.Session) { s.Timeout = session.Timeout{Read: session.NoTimeout} },
		"Retry, empty":           func(s *session.Session) { s.Retry = &session.Retry{} },
		"Retry, methods removed": func(s *session.Session) { s.Retry = &session.Retry{Total: 1, Methods: []string{}} },
		"Retry": func(s *session.Session) {
			s.Retry = &session.Retry{
				Total: 1, Connect: -2, Read: 3, Status: 4, Other: 5, Methods: []string{"GET", "*"}, Statuses: []int{500},
				BackoffFactor: 6, BackoffMax: 7, BackoffJitter: 8, IgnoreRetryAfter: true, RetryAfterMax: 9, ReturnStatus: true,
			}
		},
		"TrustEnv":           func(s *session.Session) { s.TrustEnv = true },
		"BaseURL":            func(s *session.Session) { s.BaseURL = "https://u:p@h.test/" + notText },
		"MaxRedirects":       func(s *session.Session) { s.MaxRedirects = 7 },
		"MaxRedirects, none": func(s *session.Session) { s.MaxRedirects = -1 },
		"Cache, empty":       func(s *session.Session) { s.Cache = new(session.RedirectCache) },
		"Jar, empty":         func(s *session.Session) { s.Jar = session.NewJar() },
		"Jar, with limits": func(s *session.Session) {
			s.Jar = &session.Jar{MaxPerDomain: 500, MaxCookieBytes: 9000, MaxHeaderBytes: -1}
		},
		"everything of New": func(s *session.Session) { s.Header, s.TrustEnv = session.New().Header, true },
	} {
		var s session.Session
		set(&s)
		got := saved(t, &s)
		for _, field := range []struct{ name, want, got any }{
			{"Header", s.Header, got.Header}, {"Params", s.Params, got.Params},
			{"OrderedParams", s.OrderedParams, got.OrderedParams}, {"Auth", s.Auth, got.Auth},
			{"Proxies", s.Proxies, got.Proxies}, {"Verify", s.Verify, got.Verify}, {"Cert", s.Cert, got.Cert},
			{"Stream", s.Stream, got.Stream}, {"Limits", s.Limits, got.Limits}, {"Secrets", s.Secrets, got.Secrets}, {"Timeout", s.Timeout, got.Timeout}, {"Retry", s.Retry, got.Retry},
			{"TrustEnv", s.TrustEnv, got.TrustEnv}, {"BaseURL", s.BaseURL, got.BaseURL},
			{"MaxRedirects", s.MaxRedirects, got.MaxRedirects}, {"Cache", s.Cache, got.Cache}, {"Jar", s.Jar, got.Jar},
		} {
			if jar, ok := field.want.(*session.Jar); ok {
				loaded := field.got.(*session.Jar)
				assert.Equal(t, [3]int{jar.MaxPerDomain, jar.MaxCookieBytes, jar.MaxHeaderBytes}, [3]int{loaded.MaxPerDomain, loaded.MaxCookieBytes, loaded.MaxHeaderBytes})
				continue // its cookies have a test of their own
			}
			if name == "Header, empty" && field.name == "Header" {
				assert.Empty(t, field.got)
				continue
			}
			// not by %#v: credentials print masked
			assert.True(t, assert.ObjectsAreEqual(field.want, field.got), "%s: %s is %v, was %v", name, field.name, field.got, field.want)
		}
	}
}

func TestCookiesAreSaved(t *testing.T) {
	t.Parallel()
	s := session.New()
	jar := s.Jar.(*session.Jar)
	jar.MaxPerDomain = 300
	from := mustURL(t, "https://www.a.test/x/y")
	jar.SetHeader(from, []string{
		"plain=1", `quoted="v"; Path=/`, "bytes=caf\xe9\xff; Path=/", "secure=1; Secure; HttpOnly; SameSite=Strict",
		"domain=1; Domain=a.test", "kept=1; Max-Age=1000", "gone=1; Max-Age=0", "__Host-h=1; Secure; Path=/; Partitioned", "noname",
	})
	for i := range 250 {
		jar.SetHeader(mustURL(t, "http://many.test/"), []string{fmt.Sprintf("c%03d=%d", i, i)})
	}
	loaded := saved(t, s).Jar.(*session.Jar)
	assert.Equal(t, describeAll(jar), describeAll(loaded))
	assert.Equal(t, jar.Header(from), loaded.Header(from))
	assert.Equal(t, jar.Len(), loaded.Len(), "none is driven out by a limit that was lifted")
	assert.Equal(t, 300, loaded.MaxPerDomain)
}

func TestWhatCannotBeSavedIsListed(t *testing.T) {
	t.Parallel()
	standardJar, err := cookiejar.New(nil)
	require.NoError(t, err)
	for _, c := range []struct {
		name string
		set  func(s *session.Session)
		want []string
	}{
		{"nothing", func(*session.Session) {}, nil},
		{"defaults said aloud", func(s *session.Session) { s.Verify, s.Cert = session.VerifyDefault, session.NoCert }, nil},
		{"AuthFunc", func(s *session.Session) { s.Auth = session.AuthFunc(func(*http.Request) error { return nil }) }, []string{"Auth"}},
		{"pointer to Basic", func(s *session.Session) { s.Auth = &session.Basic{} }, []string{"Auth"}},
		{"hook", func(s *session.Session) { s.Hooks.Response = []session.ResponseHook{nop} }, []string{"Hooks"}},
		{"jar", func(s *session.Session) { s.Jar = standardJar }, []string{"Jar"}},
		{"pool", func(s *session.Session) { s.Verify = session.RootCAs(x509.NewCertPool()) }, []string{"Verify"}},
		{"certificate", func(s *session.Session) { s.Cert = session.ClientCert(new(tls.Certificate)) }, []string{"Cert"}},
		{"RedirectTarget", func(s *session.Session) { s.RedirectTarget = session.RedirectTarget }, []string{"RedirectTarget"}},
		{"RebuildMethod", func(s *session.Session) { s.RebuildMethod = session.RebuildMethod }, []string{"RebuildMethod"}},
		{"ShouldStripAuth", func(s *session.Session) { s.ShouldStripAuth = session.ShouldStripAuth }, []string{"ShouldStripAuth"}},
		{"RebuildAuth", func(s *session.Session) { s.RebuildAuth = s.DefaultRebuildAuth }, []string{"RebuildAuth"}},
		{"RebuildProxies", func(s *session.Session) { s.RebuildProxies = s.DefaultRebuildProxies }, []string{"RebuildProxies"}},
		{"adapter", func(s *session.Session) { require.NoError(t, s.Mount("mock://", &stub{})) }, []string{`adapter "mock://"`}},
		{"adapter for a host", func(s *session.Session) {
			require.NoError(t, s.Mount("https://a.test", new(session.HTTPAdapter)))
		}, []string{`adapter "https://a.test"`}},
		{"adapter of another scheme", func(s *session.Session) {
			require.NoError(t, s.Mount("foo://", new(session.HTTPAdapter)))
		}, []string{`adapter "foo://"`}},
		{"adapter with a base", func(s *session.Session) {
			require.NoError(t, s.Mount("https://", &session.HTTPAdapter{Base: new(http.Transport)}))
		}, []string{`adapter "https://"`}},
		{"adapter with a wrapper", func(s *session.Session) {
			require.NoError(t, s.Mount("http://", &session.HTTPAdapter{Wrap: func(r http.RoundTripper) http.RoundTripper { return r }}))
		}, []string{`adapter "http://"`}},
		{"adapter with a bound", func(s *session.Session) {
			require.NoError(t, s.Mount("http://", &session.HTTPAdapter{MaxTransports: 1}))
		}, []string{`adapter "http://"`}},
		{"adapter like the default", func(s *session.Session) { require.NoError(t, s.Mount("http://", new(session.HTTPAdapter))) }, nil},
		{"unmounted", func(s *session.Session) { s.Unmount("http://") }, []string{`adapter "http://"`}},
		{"all unmounted", func(s *session.Session) { s.Unmount("http://"); s.Unmount("https://") },
			[]string{`adapter "http://"`, `adapter "https://"`}},
		{"several", func(s *session.Session) {
			s.Auth, s.Jar = session.AuthFunc(func(*http.Request) error { return nil }), standardJar
			require.NoError(t, s.Mount("mock://", &stub{}))
		}, []string{"Auth", "Jar", `adapter "mock://"`}},
	} {
		s := session.New()
		c.set(s)
		s.Params = url.Values{"kept": {"1"}}
		data, omitted, err := s.MarshalState()
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, omitted, c.name)
		path := filepath.Join(t.TempDir(), "state")
		omitted, err = s.SaveState(path)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, omitted, c.name)
		loaded, err := session.UnmarshalState(data)
		require.NoError(t, err, c.name)
		assert.Equal(t, s.Params, loaded.Params, "the rest is saved: %s", c.name)
	}
}

func TestAStateIsIndependentOfItsSession(t *testing.T) {
	t.Parallel()
	s := session.New()
	s.Retry, s.Cache = &session.Retry{Total: 1, Statuses: []int{503}}, new(session.RedirectCache)
	loaded := saved(t, s)
	loaded.Header.Set("User-Agent", "other")
	loaded.Retry.Statuses[0] = 1
	loaded.Jar.(*session.Jar).SetHeader(mustURL(t, "http://a.test/"), []string{"c=1"})
	assert.Equal(t, session.New().Header, s.Header)
	assert.Equal(t, []int{503}, s.Retry.Statuses)
	assert.Zero(t, s.Jar.(*session.Jar).Len())
	assert.NotSame(t, s.Cache, loaded.Cache)
}

func TestALoadedSessionWorks(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1", Path: "/", HttpOnly: true})
		case "/old":
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
		}
	})
	s := session.New()
	s.BaseURL, s.Auth, s.Cache = srv.URL, session.BasicAuth("u", "p"), new(session.RedirectCache)
	s.Header.Set("X-Bytes", "caf\xe9")
	s.OrderedParams = session.OrderedParams{{"b", "\xff"}, {"a", "2"}}
	for _, path := range []string{"login", "old"} {
		_, err := s.Get(t.Context(), path)
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	path := filepath.Join(t.TempDir(), "state")
	omitted, err := s.SaveState(path)
	require.NoError(t, err)
	require.Empty(t, omitted)

	loaded, err := session.LoadState(path)
	require.NoError(t, err)
	defer loaded.Close()
	before := len(srv.requests())
	_, err = loaded.Get(t.Context(), "old")
	require.NoError(t, err)
	require.Len(t, srv.requests(), before+1, "the redirect is remembered")
	got := srv.last(t)
	assert.Equal(t, "/new", got.URL.Path)
	_, err = loaded.Get(t.Context(), "mine")
	require.NoError(t, err)
	got = srv.last(t)
	assert.Equal(t, "b=%FF&a=2", got.URL.RawQuery)
	assert.Equal(t, "sid=1", got.Header.Get("Cookie"))
	assert.Equal(t, "caf\xe9", got.Header.Get("X-Bytes"))
	user, password, _ := got.BasicAuth()
	assert.Equal(t, "u:p", user+":"+password)
}

func TestStateFileIsPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	require.NoError(t, os.WriteFile(path, []byte("wide open"), 0o666))
	require.NoError(t, os.Chmod(path, 0o666))
	old, err := os.Open(path)
	require.NoError(t, err)
	defer old.Close()
	s := session.New()
	for range 2 {
		_, err := s.SaveState(path)
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode())
	}
	content := make([]byte, 100)
	n, _ := old.Read(content)
	assert.Equal(t, "wide open", string(content[:n]), "the file is replaced, not written to")
	assert.Equal(t, []string{"state"}, listDir(t, dir), "nothing else is left")
}

func TestAStateThatCannotBeSavedKeepsTheOldFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := session.New()
	path := filepath.Join(dir, "state")
	_, err := s.SaveState(path)
	require.NoError(t, err)
	before := readFile(t, path)

	full := filepath.Join(dir, "full")
	require.NoError(t, os.MkdirAll(filepath.Join(full, "x"), 0o700))
	_, err = s.SaveState(full)
	assert.Error(t, err, "a folder is not replaced")
	_, err = s.SaveState(filepath.Join(dir, "missing", "state"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.Equal(t, before, readFile(t, path))
	assert.ElementsMatch(t, []string{"full", "state"}, listDir(t, dir))
}

// A file that is being saved over and over is whole whenever it is loaded.
func TestStateFileIsAlwaysWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	s := session.New()
	_, err := s.SaveState(path)
	require.NoError(t, err)
	var saving sync.WaitGroup
	for range 2 {
		saving.Go(func() {
			for range 5 {
				_, err := s.SaveState(path)
				assert.NoError(t, err)
			}
		})
	}
	for range 20 {
		loaded, err := session.LoadState(path)
		if assert.NoError(t, err) {
			assert.Equal(t, s.Header, loaded.Header)
		}
	}
	saving.Wait()
}

// armedState is the state of a session full of secrets.
func armedState(t *testing.T) []byte {
	t.Helper()
	s := session.New()
	s.Auth = session.BasicAuth("u", "hunter2")
	s.Header.Set("X-Key", "hunter2")
	s.Params = url.Values{"key": {"hunter2"}}
	s.Proxies = session.Proxies{"all": "http://u:hunter2@proxy.test"}
	s.Jar.(*session.Jar).SetHeader(mustURL(t, "http://a.test/"), []string{"sid=hunter2"})
	data, _, err := s.MarshalState()
	require.NoError(t, err)
	return data
}

func TestADamagedStateIsRefused(t *testing.T) {
	t.Parallel()
	whole := string(armedState(t))
	damaged := map[string]string{
		"empty": "", "null": "null", "another object": "{}", "list": "[]", "text": `"hunter2"`, "number": "1",
		"no JSON": "hunter2", "trailing": whole + "hunter2", "twice": whole + whole,
		"later version":    strings.Replace(whole, `"Version":1`, `"Version":2`, 1),
		"version of text":  strings.Replace(whole, `"Version":1`, `"Version":"hunter2"`, 1),
		"auth's type":      `{"Version":1,"Auth":{"Type":"hunter2"}}`,
		"auth is text":     `{"Version":1,"Auth":"hunter2"}`,
		"verify's type":    `{"Version":1,"Verify":{"Type":"hunter2"}}`,
		"params":           `{"Version":1,"Params":"%hunter2"}`,
		"header":           `{"Version":1,"Header":{"A":"hunter2"}}`,
		"header's text":    `{"Version":1,"Header":{"A":[{"latin1":"hunter2\u2022"}]}}`,
		"header's number":  `{"Version":1,"Header":{"A":[12345]}}`,
		"ordered params":   `{"Version":1,"OrderedParams":{"a":"hunter2"}}`,
		"jar":              `{"Version":1,"Jar":{"Cookies":"hunter2"}}`,
		"jar without any":  `{"Version":1,"Jar":{}}`,
		"jar's version":    `{"Version":1,"Jar":{"Cookies":{"version":9,"cookies":[]}}}`,
		"a cookie":         `{"Version":1,"Jar":{"Cookies":{"version":1,"cookies":[{"name":"a","value":"hunter2\n","domain":"a.test","path":"/"}]}}}`,
		"a cookie's place": `{"Version":1,"Jar":{"Cookies":{"version":1,"cookies":[{"name":"a","value":"hunter2"}]}}}`,
		"redirects":        `{"Version":1,"Redirects":["hunter2"]}`,
	}
	for i := range 40 {
		cut := len(whole) * i / 40
		damaged[fmt.Sprintf("cut off at %d", cut)] = whole[:cut]
	}
	for name, data := range damaged {
		s, err := session.UnmarshalState([]byte(data))
		if !assert.Error(t, err, name) {
			continue
		}
		assert.Nil(t, s)
		assert.ErrorIs(t, err, session.ErrInvalidRequest, name)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "hunter", name)

		loaded, err := session.LoadState(inFile(t, []byte(data)))
		assert.Nil(t, loaded)
		assert.ErrorIs(t, err, session.ErrInvalidRequest, name)
	}
}

func TestStateFileThatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	_, err := session.LoadState(filepath.Join(t.TempDir(), "missing"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = session.LoadState(t.TempDir())
	assert.Error(t, err, "a folder")

	path := filepath.Join(t.TempDir(), "huge")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 1<<40)) // of holes
	_, err = session.LoadState(path)
	var limit *session.LimitError
	require.ErrorAs(t, err, &limit)
	assert.EqualValues(t, 256<<20, limit.Max)
}

func TestStateIsSavedUnderLoad(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "c"+r.URL.Query().Get("n")+"=1")
	})
	s := session.New()
	defer s.Close()
	s.Cache = new(session.RedirectCache)
	var asking sync.WaitGroup
	for n := range 4 {
		asking.Go(func() {
			for i := range 5 {
				_, err := s.Get(context.Background(), fmt.Sprintf("%s/?n=%d", srv.URL, 10*n+i))
				assert.NoError(t, err)
			}
		})
	}
	for range 10 {
		data, _, err := s.MarshalState()
		require.NoError(t, err)
		_, err = session.UnmarshalState(data)
		require.NoError(t, err)
	}
	asking.Wait()
	assert.Equal(t, 20, saved(t, s).Jar.(*session.Jar).Len())
}

func TestStateIsPlainJSON(t *testing.T) {
	t.Parallel()
	var object map[string]any
	require.NoError(t, json.Unmarshal(armedState(t), &object))
	assert.EqualValues(t, 1, object["Version"])
	again, err := json.Marshal(object)
	require.NoError(t, err)
	_, err = session.UnmarshalState(again)
	assert.NoError(t, err, "the order of the fields means nothing")
	for _, other := range []string{`{"Version":1,"Later":{"x":1}}`, `{"version":1,"cookies":[]}`, `{"Version":1} {}`} {
		_, err = session.UnmarshalState([]byte(other))
		require.ErrorIs(t, err, session.ErrInvalidRequest, "nothing is dropped without a word")
	}
}
