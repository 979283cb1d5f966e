package session_test

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// prepared is the request that a session makes of r.
func prepared(t testing.TB, s *session.Session, r session.Request) *http.Request {
	t.Helper()
	if r.URL == "" {
		r.URL = "http://a.test/"
	}
	req, err := s.Prepare(context.Background(), &r)
	require.NoError(t, err)
	return req
}

func TestHeadersMerge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what                   string
		session, request, want http.Header
	}{
		{"nothing", nil, nil, http.Header{}},
		{"inherit", http.Header{"X": {"1"}}, nil, http.Header{"X": {"1"}}},
		{"inherit beside", http.Header{"X": {"1"}}, http.Header{"Y": {"2"}}, http.Header{"X": {"1"}, "Y": {"2"}}},
		{"override", http.Header{"X": {"1"}}, http.Header{"X": {"2"}}, http.Header{"X": {"2"}}},
		{"override all values", http.Header{"X": {"1", "2"}}, http.Header{"X": {"3"}}, http.Header{"X": {"3"}}},
		{"override with several", http.Header{"X": {"1"}}, http.Header{"X": {"2", "3"}}, http.Header{"X": {"2", "3"}}},
		{"override with an empty value", http.Header{"X": {"1"}}, http.Header{"X": {""}}, http.Header{"X": {""}}},
		{"any case", http.Header{"x-a": {"1"}}, http.Header{"X-A": {"2"}}, http.Header{"X-A": {"2"}}},
		{"any case, other way", http.Header{"X-A": {"1"}}, http.Header{"x-a": {"2"}}, http.Header{"X-A": {"2"}}},
		{"nil removes", http.Header{"X": {"1"}, "Y": {"1"}}, http.Header{"X": nil}, http.Header{"Y": {"1"}}},
		{"nil removes in any case", http.Header{"X-A": {"1"}}, http.Header{"x-a": nil}, http.Header{}},
		{"nil of what is not there", nil, http.Header{"X": nil}, http.Header{}},
		{"nil of the session's", http.Header{"X": nil}, nil, http.Header{}},
		{"nil of the session's, given", http.Header{"X": nil}, http.Header{"X": {"1"}}, http.Header{"X": {"1"}}},
	} {
		s := session.Session{Header: c.session}
		assert.Equal(t, c.want, prepared(t, &s, session.Request{Header: c.request}).Header, c.what)
	}
}

func TestRemovedHeadersAreNotSent(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	_, err := s.Get(t.Context(), "http://a.test/", session.Header{"User-Agent": nil, "accept": nil})
	require.NoError(t, err)
	got := srv.last(t).Header
	assert.NotContains(t, got, "User-Agent", "not even net/http's own")
	assert.NotContains(t, got, "Accept")

	s.Header["User-Agent"] = nil
	_, err = s.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	assert.NotContains(t, srv.last(t).Header, "User-Agent")
}

func TestTwoSpellingsOfAHeaderAreAnError(t *testing.T) {
	t.Parallel()
	twice := http.Header{"X-A": {"1"}, "x-a": {"2"}}
	lower := http.Header{"x-a": {"1"}, "x-A": {"2"}}
	for range 20 { // maps have no order
		for _, h := range []http.Header{twice, lower} {
			s := session.New()
			_, err := s.Get(t.Context(), "http://a.test/", session.Header(h))
			require.ErrorIs(t, err, session.ErrInvalidHeader)
			assert.ErrorContains(t, err, "X-A")
			for _, behind := range []session.Option{session.Header{"X-B": {"1"}}, session.Header{"X-A": {"3"}}, session.OptionFunc(func(*session.Request) {})} {
				_, err = s.Get(t.Context(), "http://a.test/", session.Header(h), behind)
				require.ErrorIs(t, err, session.ErrInvalidHeader, "%T behind", behind)
			}
			_, err = s.Send(t.Context(), &session.Request{URL: "http://a.test/", Header: h})
			require.ErrorIs(t, err, session.ErrInvalidHeader)
			s.Header = h
			_, err = s.Get(t.Context(), "http://a.test/")
			require.ErrorIs(t, err, session.ErrInvalidHeader)
		}
	}
}

func TestHeaderOptionsAddUp(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	_, err := s.Get(t.Context(), "http://a.test/",
		session.Header{"X-A": {"1"}, "X-B": {"1"}}, session.Header{"x-a": {"2"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"2"}, srv.last(t).Header["X-A"], "the later one wins")
	assert.Equal(t, []string{"1"}, srv.last(t).Header["X-B"])
}

func TestParamsMerge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what    string
		session *session.Session
		request session.Request
		want    string
	}{
		{"none", &session.Session{}, session.Request{}, ""},
		{"inherit", &session.Session{Params: url.Values{"a": {"1"}}}, session.Request{}, "a=1"},
		{"add", &session.Session{Params: url.Values{"a": {"1"}}}, session.Request{Params: url.Values{"b": {"2"}}}, "a=1&b=2"},
		{"override", &session.Session{Params: url.Values{"a": {"1", "2"}}}, session.Request{Params: url.Values{"a": {"3"}}}, "a=3"},
		{"names have case", &session.Session{Params: url.Values{"a": {"1"}}}, session.Request{Params: url.Values{"A": {"3"}}}, "A=3&a=1"},
		{"nil removes", &session.Session{Params: url.Values{"a": {"1"}, "b": {"2"}}}, session.Request{Params: url.Values{"a": nil}}, "b=2"},
		{"nil of the session's", &session.Session{Params: url.Values{"a": nil}}, session.Request{}, ""},
		{"empty value", &session.Session{}, session.Request{Params: url.Values{"a": {""}}}, "a="},
		{"several values", &session.Session{}, session.Request{Params: url.Values{"b": {"2", "1"}, "a": {"0"}}}, "a=0&b=2&b=1"},
		{"ordered", &session.Session{}, session.Request{OrderedParams: session.OrderedParams{{"b", "1"}, {"a", "2"}, {"b", "3"}}}, "b=1&a=2&b=3"},
		{"ordered takes the place", &session.Session{Params: url.Values{"a": {"1"}}}, session.Request{OrderedParams: session.OrderedParams{{"b", "1"}}}, "b=1"},
		{"empty ordered removes", &session.Session{Params: url.Values{"a": {"1"}}}, session.Request{OrderedParams: session.OrderedParams{}}, ""},
		{"session's ordered", &session.Session{OrderedParams: session.OrderedParams{{"b", "1"}, {"a", "2"}}}, session.Request{}, "b=1&a=2"},
		{"over the session's ordered", &session.Session{OrderedParams: session.OrderedParams{{"b", "1"}}}, session.Request{Params: url.Values{"a": {"2"}}}, "a=2"},
		{"raw", &session.Session{Params: url.Values{"a": {"1"}}}, session.Request{RawParams: "x=%2f&y=a b&z"}, "x=%2F&y=a%20b&z"},
		{"escaped", &session.Session{}, session.Request{Params: url.Values{"a b": {"1&2=3+4/é"}}}, "a+b=1%262%3D3%2B4%2F%C3%A9"},
	} {
		assert.Equal(t, c.want, prepared(t, c.session, c.request).URL.RawQuery, c.what)
	}
}

func TestParamsStandAfterTheURLsOwnAndBeforeTheFragment(t *testing.T) {
	t.Parallel()
	s := session.Session{Params: url.Values{"s": {"1"}}}
	for address, want := range map[string]string{
		"http://a.test":              "http://a.test/?r=2&s=1",
		"http://a.test/x":            "http://a.test/x?r=2&s=1",
		"http://a.test/x?u=0":        "http://a.test/x?u=0&r=2&s=1",
		"http://a.test/x?u=0#frag":   "http://a.test/x?u=0&r=2&s=1#frag",
		"http://a.test/x#frag":       "http://a.test/x?r=2&s=1#frag",
		"http://a.test/x#frag?no=1":  "http://a.test/x?r=2&s=1#frag?no=1",
		"http://a.test/x?r=0":        "http://a.test/x?r=0&r=2&s=1",
		"http://a.test/x?":           "http://a.test/x?r=2&s=1",
		"http://a.test/x?b=%2F&a=+1": "http://a.test/x?b=%2F&a=+1&r=2&s=1",
	} {
		req := prepared(t, &s, session.Request{URL: address, Params: url.Values{"r": {"2"}}})
		assert.Equal(t, want, req.URL.String(), address)
	}
}

func TestCookiesMerge(t *testing.T) {
	t.Parallel()
	s := session.New()
	u := &url.URL{Scheme: "http", Host: "a.test", Path: "/"}
	s.Jar.SetCookies(u, []*http.Cookie{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}})
	cookie := func(r session.Request) string { return prepared(t, s, r).Header.Get("Cookie") }
	assert.Equal(t, "a=1; b=2", cookie(session.Request{}))
	assert.Equal(t, "a=1; b=3; c=4", cookie(session.Request{Cookies: session.Cookies{"b": "3", "c": "4"}}))
	assert.Equal(t, "x=9", cookie(session.Request{Header: http.Header{"Cookie": {"x=9"}}}), "a header stands alone")
	assert.Len(t, s.Jar.Cookies(u), 2, "a request's own are not kept")
}

func TestAuthMerges(t *testing.T) {
	t.Parallel()
	basic := func(user string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":pw"))
	}
	own, its := session.BasicAuth("own", "pw"), session.BasicAuth("its", "pw")
	header := http.Header{"authorization": {"Token t"}}
	for _, c := range []struct {
		what    string
		session *session.Session
		request session.Request
		want    string
	}{
		{"none", &session.Session{}, session.Request{}, ""},
		{"inherit", &session.Session{Auth: its}, session.Request{}, basic("its")},
		{"override", &session.Session{Auth: its}, session.Request{Auth: own}, basic("own")},
		{"NoAuth removes", &session.Session{Auth: its}, session.Request{Auth: session.NoAuth}, ""},
		{"NoAuth removes the session's header", &session.Session{Header: header}, session.Request{Auth: session.NoAuth}, ""},
		{"NoAuth removes the URL's", &session.Session{}, session.Request{URL: "http://u:pw@a.test/", Auth: session.NoAuth}, ""},
		{"NoAuth leaves the request's header", &session.Session{Auth: its}, session.Request{Header: header, Auth: session.NoAuth}, "Token t"},
		{"header over session", &session.Session{Auth: its}, session.Request{Header: header}, "Token t"},
		{"session over header of session", &session.Session{Auth: its, Header: header}, session.Request{}, basic("its")},
		{"session over URL", &session.Session{Auth: its}, session.Request{URL: "http://u:pw@a.test/"}, basic("its")},
		{"URL", &session.Session{}, session.Request{URL: "http://u:pw@a.test/"}, basic("u")},
		{"URL over header of session", &session.Session{Header: header}, session.Request{URL: "http://u:pw@a.test/"}, basic("u")},
		{"nil header removes the session's header", &session.Session{Header: header}, session.Request{Header: http.Header{"Authorization": nil}}, ""},
	} {
		assert.Equal(t, c.want, prepared(t, c.session, c.request).Header.Get("Authorization"), c.what)
	}
}

func TestTimeoutsMergeFieldByField(t *testing.T) {
	t.Parallel()
	s := session.New()
	var deadline time.Time
	require.NoError(t, s.Mount("http://", roundTripper(func(req *http.Request) (*http.Response, error) {
		deadline, _ = req.Context().Deadline()
		return answer(req, 200, nil, ""), nil
	})))
	left := func(option session.Option) time.Duration {
		deadline = time.Time{}
		_, err := s.Get(t.Context(), "http://a.test/", option)
		require.NoError(t, err)
		if deadline.IsZero() {
			return 0
		}
		return time.Until(deadline)
	}
	s.Timeout = session.Timeout{Total: time.Hour, Read: time.Hour}
	assert.InDelta(t, time.Hour, left(nil), float64(time.Minute))
	assert.InDelta(t, time.Hour, left(session.Timeout{Read: time.Second}), float64(time.Minute), "Read leaves Total alone")
	assert.InDelta(t, 2*time.Hour, left(session.Timeout{Total: 2 * time.Hour}), float64(time.Minute))
	assert.Zero(t, left(session.Timeout{Total: session.NoTimeout}))
}

func TestHooksOfARequestReplaceTheSessions(t *testing.T) {
	t.Parallel()
	var called []string
	note := func(name string) session.ResponseHook {
		return func(*session.Response) (*session.Response, error) {
			called = append(called, name)
			return nil, nil
		}
	}
	s := session.New()
	require.NoError(t, s.Mount("http://", &stub{}))
	s.Hooks.Response = []session.ResponseHook{note("session")}
	for _, c := range []struct {
		own  []session.ResponseHook
		want []string
	}{
		{nil, []string{"session"}},
		{[]session.ResponseHook{}, []string{"session"}},
		{[]session.ResponseHook{note("own 1"), note("own 2")}, []string{"own 1", "own 2"}},
	} {
		called = nil
		_, err := s.Get(t.Context(), "http://a.test/", session.Hooks{Response: c.own})
		require.NoError(t, err)
		assert.Equal(t, c.want, called)
	}
}

func TestStreamAndRedirectsMerge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		session bool
		request session.Switch
		want    bool
	}{
		{false, session.Inherit, false}, {true, session.Inherit, true},
		{false, session.On, true}, {true, session.Off, false},
	} {
		s := session.Session{Stream: c.session}
		got := s.MergeEnvironment(&url.URL{Scheme: "http", Host: "a.test"}, session.Request{Stream: c.request})
		assert.Equal(t, c.want, got.Stream, "%+v", c)
	}
}

func TestRetryMerges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		session *session.Retry
		option  session.Option
		want    int
	}{
		{nil, nil, 1},
		{&session.Retry{Total: 2}, nil, 3},
		{&session.Retry{Total: 2}, &session.Retry{Total: 1}, 2},
		{&session.Retry{Total: 2}, &session.Retry{}, 1},
		{&session.Retry{Total: 2}, session.NoRetry, 1},
		{nil, &session.Retry{Total: 1}, 2},
	} {
		made := 0
		s := session.Session{Retry: c.session}
		require.NoError(t, s.Mount("http://", roundTripper(func(*http.Request) (*http.Response, error) {
			made++
			return nil, errors.Join(session.ErrConnection)
		})))
		_, err := s.Get(t.Context(), "http://a.test/", c.option)
		require.ErrorIs(t, err, session.ErrConnection)
		assert.Equal(t, c.want, made)
	}
}

// snapshot is a copy of a request and of the spare room behind its slices.
type snapshot struct {
	header, params map[string][]string
	cookies        session.Cookies
	proxies        session.Proxies
	form           map[string][]string
	pairs          []session.Pair
	method, url    string
}

func deepCopy(m map[string][]string) map[string][]string {
	copied := make(map[string][]string, len(m))
	for name, values := range m {
		copied[name] = slices.Clone(values[:cap(values)])
	}
	return copied
}

func snapshotOf(r *session.Request, s *session.Session, form session.Form) snapshot {
	header := deepCopy(r.Header)
	maps.Copy(header, map[string][]string{"session's": nil})
	for name, values := range deepCopy(s.Header) {
		header["session's "+name] = values
	}
	params := deepCopy(r.Params)
	for name, values := range deepCopy(s.Params) {
		params["session's "+name] = values
	}
	return snapshot{
		header: header, params: params, form: deepCopy(form),
		cookies: maps.Clone(r.Cookies), proxies: maps.Clone(r.Proxies),
		pairs: slices.Clone(r.OrderedParams[:cap(r.OrderedParams)]), method: r.Method, url: r.URL,
	}
}

// roomy is values with room behind them, into which an append would write.
func roomy(values ...string) []string {
	return append(make([]string, 0, len(values)+4), values...)
}

func TestSendingNeverWritesToWhatItIsGiven(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "1"})
		if r.URL.Path == "/x" {
			http.Redirect(w, r, "http://b.test/y", http.StatusTemporaryRedirect)
		}
	})
	s := open(t, srv)
	s.Header["X-Signed"] = roomy("session")
	s.Header["x-lower"] = roomy("1")
	s.Params = url.Values{"s": roomy("1")}
	form := session.Form{"f": roomy("1")}
	r := &session.Request{
		Method: "post", URL: "http://a.test/x",
		Header: http.Header{
			"X-Own": roomy("own"), "x-other": roomy("1"), "Accept": nil, "Host": roomy("c.test"), "Content-Length": roomy("3"),
		},
		Params:  url.Values{"p": roomy("1"), "q": nil},
		Cookies: session.Cookies{"c": "1"},
		Proxies: session.Proxies{"https": "http://proxy.test"},
		Body:    form,
		Auth: session.AuthFunc(func(req *http.Request) error {
			for _, name := range []string{"X-Own", "X-Signed", "X-Other", "X-Lower"} {
				req.Header[name] = append(req.Header[name], "signature")
			}
			req.Header.Set("Accept", "changed")
			return nil
		}),
		Hooks: session.Hooks{Response: append(make([]session.ResponseHook, 0, 4), nop)},
	}
	before := snapshotOf(r, s, form)
	for range 2 {
		_, err := s.Send(t.Context(), r)
		require.NoError(t, err)
	}
	_, err := s.Prepare(t.Context(), r)
	require.NoError(t, err)
	s.MergeEnvironment(&url.URL{Scheme: "http", Host: "a.test"}, *r)
	assert.Equal(t, before, snapshotOf(r, s, form))
	assert.Len(t, r.Hooks.Response, 1)
	assert.Equal(t, []string{"own", "signature"}, srv.requests()[0].Header["X-Own"])
	assert.Equal(t, []string{"session", "signature"}, srv.requests()[2].Header["X-Signed"], "not signed twice")
}

func nop(*session.Response) (*session.Response, error) { return nil, nil }

func TestOptionsAreNeverWrittenTo(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	header := session.Header{"x-a": roomy("1")}
	params := session.Params{"p": roomy("1")}
	cookies := session.Cookies{"c": "1"}
	proxies := session.Proxies{"https": "http://proxy.test"}
	for range 2 {
		_, err := s.Get(t.Context(), "http://a.test/", header, session.Header{"X-B": {"1"}}, params,
			session.Params{"q": {"1"}}, cookies, session.Cookies{"d": "1"}, proxies, session.Proxies{"all": "http://proxy.test"},
			session.AuthFunc(func(req *http.Request) error {
				req.Header["X-A"] = append(req.Header["X-A"], "signature")
				return nil
			}))
		require.NoError(t, err)
	}
	assert.Equal(t, map[string][]string{"x-a": {"1", "", "", "", ""}}, deepCopy(header))
	assert.Equal(t, map[string][]string{"p": {"1", "", "", "", ""}}, deepCopy(params))
	assert.Equal(t, session.Cookies{"c": "1"}, cookies)
	assert.Equal(t, session.Proxies{"https": "http://proxy.test"}, proxies)
}

func TestOneRequestCanBeSentFromManyGoroutines(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "1"})
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/end", http.StatusPermanentRedirect)
		}
	})
	s := open(t, srv)
	s.Params = url.Values{"s": {"1"}}
	r := &session.Request{
		Method: "POST", URL: "http://a.test/", Header: http.Header{"x-a": roomy("1")}, Params: url.Values{"p": {"1"}},
		Cookies: session.Cookies{"c": "1"}, Body: session.Form{"f": {"1"}},
		Files: session.Files{{Field: "file", Content: session.Text("content")}},
		Auth: session.AuthFunc(func(req *http.Request) error {
			req.Header["X-A"] = append(req.Header["X-A"], "signature")
			return nil
		}),
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			resp, err := s.Send(t.Context(), r)
			if assert.NoError(t, err) {
				assert.Equal(t, 200, resp.StatusCode)
			}
		})
	}
	wg.Wait()
	got := srv.requests()
	require.Len(t, got, 32)
	for _, g := range got {
		assert.Equal(t, []string{"1", "signature"}, g.Header["X-A"])
		assert.Contains(t, g.Body, "content")
	}
}

func TestMergeEnvironmentPrecedence(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://env.test:1")
	t.Setenv("https_proxy", "http://env.test:2")
	u := &url.URL{Scheme: "http", Host: "a.test", Path: "/"}
	for _, c := range []struct {
		what             string
		session, request session.Proxies
		want             string // what Select gives; "" for none
	}{
		{"environment", nil, nil, "http://env.test:1"},
		{"session over environment", session.Proxies{"http": "http://s.test"}, nil, "http://s.test"},
		{"session's all over environment", session.Proxies{"all": "http://s.test"}, nil, "http://s.test"},
		{"request over session", session.Proxies{"http": "http://s.test"}, session.Proxies{"http": "http://r.test"}, "http://r.test"},
		{"request's all over environment", nil, session.Proxies{"all": "http://r.test"}, "http://r.test"},
		{"the other scheme's", session.Proxies{"https": "http://s.test"}, nil, "http://env.test:1"},
		{"empty removes session's and environment's", session.Proxies{"http": "http://s.test"}, session.Proxies{"http": ""}, ""},
		{"empty removes environment's", session.Proxies{"http": ""}, nil, ""},
	} {
		s := session.Session{TrustEnv: true, Proxies: c.session}
		merged := s.MergeEnvironment(u, session.Request{Proxies: c.request})
		got, ok := merged.Proxies.Select(u)
		assert.Equal(t, c.want, got, c.what)
		assert.Equal(t, c.want != "", ok, c.what)
	}

	s := session.New()
	assert.Equal(t, session.Proxies{"http": "http://env.test:1", "https": "http://env.test:2"},
		s.MergeEnvironment(u, session.Request{}).Proxies)
	assert.Empty(t, s.MergeEnvironment(u, session.Request{NoProxy: true}).Proxies)
	s.TrustEnv = false
	assert.Empty(t, s.MergeEnvironment(u, session.Request{}).Proxies)
	assert.Empty(t, new(session.Session).MergeEnvironment(u, session.Request{}).Proxies, "a zero session asks nobody")
}

func TestMergeEnvironmentHonoursNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://env.test:1")
	t.Setenv("NO_PROXY", "a.test,.b.test")
	s := session.New()
	for host, proxied := range map[string]bool{
		"a.test": false, "sub.a.test": false, "sub.b.test": false, "c.test": true, "localhost": false, "127.0.0.1": false,
	} {
		u := &url.URL{Scheme: "http", Host: host}
		_, ok := s.MergeEnvironment(u, session.Request{}).Proxies.Select(u)
		assert.Equal(t, proxied, ok, host)
		named := s.MergeEnvironment(u, session.Request{Proxies: session.Proxies{"http": "http://r.test"}}).Proxies
		got, _ := named.Select(u)
		assert.Equal(t, "http://r.test", got, "what is named in code ignores NO_PROXY")
	}
}

func TestMergeEnvironmentFindsTheBundle(t *testing.T) {
	u := &url.URL{Scheme: "https", Host: "a.test"}
	t.Setenv("CURL_CA_BUNDLE", "/curl.pem")
	s := session.New()
	verify := func(r session.Request) session.Verify { return s.MergeEnvironment(u, r).Verify }
	assert.Equal(t, session.CAFile("/curl.pem"), verify(session.Request{}))
	t.Setenv("REQUESTS_CA_BUNDLE", "/requests.pem")
	assert.Equal(t, session.CAFile("/requests.pem"), verify(session.Request{}), "it comes first")
	assert.Equal(t, session.CAFile("/requests.pem"), verify(session.Request{Verify: session.VerifyDefault}))
	assert.Equal(t, session.CAFile("/own.pem"), verify(session.Request{Verify: session.CAFile("/own.pem")}))
	assert.Equal(t, session.InsecureSkipVerify, verify(session.Request{Verify: session.InsecureSkipVerify}))

	s.Verify = session.CAFile("/session.pem")
	assert.Equal(t, session.CAFile("/session.pem"), verify(session.Request{}), "the session's wins over the environment's")
	assert.Equal(t, session.CAFile("/own.pem"), verify(session.Request{Verify: session.CAFile("/own.pem")}))
	assert.Equal(t, session.CAFile("/requests.pem"), verify(session.Request{Verify: session.VerifyDefault}))

	s.Verify, s.TrustEnv = nil, false
	assert.Equal(t, session.VerifyDefault, verify(session.Request{}))
	t.Setenv("REQUESTS_CA_BUNDLE", "")
	t.Setenv("CURL_CA_BUNDLE", "")
	s.TrustEnv = true
	assert.Equal(t, session.VerifyDefault, verify(session.Request{}))
}

func TestMergeEnvironmentCert(t *testing.T) {
	t.Parallel()
	u := &url.URL{Scheme: "https", Host: "a.test"}
	own, its := session.CertFile{Cert: "own.pem"}, session.CertFile{Cert: "its.pem"}
	s := session.Session{}
	assert.Nil(t, s.MergeEnvironment(u, session.Request{}).Cert)
	s.Cert = its
	assert.Equal(t, its, s.MergeEnvironment(u, session.Request{}).Cert)
	assert.Equal(t, own, s.MergeEnvironment(u, session.Request{Cert: own}).Cert)
	assert.Nil(t, s.MergeEnvironment(u, session.Request{Cert: session.NoCert}).Cert)
}

func TestTrustEnvSwitchesTheBundleOff(t *testing.T) {
	t.Setenv("REQUESTS_CA_BUNDLE", "/missing.pem")
	srv, pool := serveTLS(t)
	s := session.New()
	s.Verify = session.RootCAs(pool)
	reach(t, s, srv)
	_, err := s.Get(t.Context(), "https://example.com/")
	require.NoError(t, err, "the session's wins")

	s.Verify = nil
	_, err = s.Get(t.Context(), "https://example.com/")
	require.Error(t, err)
	assert.Contains(t, err.Error(), "missing.pem")

	s.TrustEnv = false
	_, err = s.Get(t.Context(), "https://example.com/")
	require.ErrorIs(t, err, session.ErrTLS)
	assert.NotContains(t, err.Error(), "missing.pem")
}

func TestProxiesOfARequestWinOverTheEnvironmentsOnTheWire(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://env.test:1")
	srv := serve(t, nil)
	s := open(t, srv)
	proxied := func(options ...session.Option) bool {
		_, err := s.Get(t.Context(), "http://a.test/x", options...)
		require.NoError(t, err)
		return strings.HasPrefix(srv.last(t).RequestURI, "http://")
	}
	assert.True(t, proxied())
	assert.False(t, proxied(session.NoProxy))
	assert.False(t, proxied(session.Proxies{"http": ""}))
	assert.True(t, proxied(session.Proxies{"https": ""}))
	s.Proxies = session.Proxies{"http": ""}
	assert.False(t, proxied())
	s.Proxies, s.TrustEnv = nil, false
	assert.False(t, proxied())
}

func TestAnAuthThatAppendsRunsAnewOnEachAttemptAndHop(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/other":
			http.Redirect(w, r, "http://b.test/end", http.StatusFound)
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s := open(t, srv)
	s.Header.Set("Authorization", "Token t")
	options := []session.Option{
		session.Header{"X-Sig": {"own"}},
		&session.Retry{Total: 1, Statuses: []int{503}, ReturnStatus: true},
		session.AuthFunc(func(req *http.Request) error {
			req.Header.Add("X-Sig", "auth's")
			req.AddCookie(&http.Cookie{Name: "sig", Value: "1"})
			return nil
		}),
	}
	for _, c := range []struct {
		path, authorization, cookie string
		want                        []string
	}{
		{"/same", "Token t", "sig=1", []string{"own", "auth's"}},
		{"/busy", "Token t", "sig=1", []string{"own", "auth's"}},
		{"/other", "", "", []string{"own"}},
	} {
		_, err := s.Get(t.Context(), "http://a.test"+c.path, options...)
		require.NoError(t, err)
		got := srv.last(t)
		assert.Equal(t, c.want, got.Header["X-Sig"], c.path)
		assert.Equal(t, c.authorization, got.Header.Get("Authorization"), c.path)
		assert.Equal(t, c.cookie, got.Header.Get("Cookie"), c.path)
	}
	assert.Len(t, srv.requests(), 6)
}

// An option of the caller's own gets maps that it may write to: those that
// other options were made of stay as they are.
func TestOptionsMayWriteToTheRequest(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	header, params := session.Header{"X-A": {"1"}}, session.Params{"a": {"1"}}
	writing := session.OptionFunc(func(r *session.Request) {
		r.Header["X-A"][0] = "2"
		r.Header.Set("X-B", "2")
		r.Params["a"][0] = "2"
		r.Params.Set("b", "2")
	})
	_, err := s.Get(t.Context(), "http://a.test/", header, params, session.Seconds(10), writing)
	require.NoError(t, err)
	assert.Equal(t, "/?a=2&b=2", srv.last(t).RequestURI)
	assert.Equal(t, []string{"2", "2"}, []string{srv.last(t).Header.Get("X-A"), srv.last(t).Header.Get("X-B")})
	assert.Equal(t, session.Header{"X-A": {"1"}}, header)
	assert.Equal(t, session.Params{"a": {"1"}}, params)

	_, err = s.Get(t.Context(), "http://a.test/", header, session.Header{"x-b": {"3"}}, params, session.Params{"b": {"3"}})
	require.NoError(t, err)
	assert.Equal(t, "/?a=1&b=3", srv.last(t).RequestURI)
	assert.Equal(t, session.Header{"X-A": {"1"}}, header)
	assert.Equal(t, session.Params{"a": {"1"}}, params)
}

func TestOptionsSeeCanonicalNames(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for what, c := range map[string]struct {
		option func(http.Header)
		want   []string
	}{
		"Get": {func(h http.Header) { assert.Equal(t, "red", h.Get("X-Team")) }, []string{"red"}},
		"Del": {func(h http.Header) { h.Del("X-Team") }, nil},
		"Set": {func(h http.Header) { h.Set("X-Team", "blue") }, []string{"blue"}},
		"Add": {func(h http.Header) { h.Add("X-Team", "blue") }, []string{"red", "blue"}},
	} {
		given := session.Header{"x-team": {"red"}}
		_, err := s.Get(t.Context(), "http://a.test/", given, session.OptionFunc(func(r *session.Request) { c.option(r.Header) }))
		require.NoError(t, err, what)
		assert.Equal(t, c.want, srv.last(t).Header["X-Team"], what)
		assert.Equal(t, session.Header{"x-team": {"red"}}, given, what)
	}
}

func TestOptionsThatAreNilAreSkipped(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	_, err := s.Get(t.Context(), "http://a.test/", nil, session.OptionFunc(nil), session.Header(nil), session.Params(nil),
		(*session.Retry)(nil), session.AuthFunc(nil), session.Hooks{Response: []session.ResponseHook{nil}})
	require.NoError(t, err)
	_, err = s.Get(t.Context(), "http://a.test/", (*session.Digest)(nil))
	require.ErrorIs(t, err, session.ErrInvalidRequest, "nobody means to send without")
	s.Jar = (*session.Jar)(nil)
	_, err = s.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	_, err = s.AdapterFor(nil)
	require.ErrorIs(t, err, session.ErrInvalidRequest)
}
