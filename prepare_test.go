package session_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

func TestMethodsAreSentInUpperCase(t *testing.T) {
	t.Parallel()
	s := new(session.Session)
	for method, want := range map[string]string{
		"": "GET", "get": "GET", "Post": "POST", "PATCH": "PATCH", "m-search": "M-SEARCH", "x_y": "X_Y",
	} {
		assert.Equal(t, want, prepared(t, s, session.Request{Method: method}).Method)
	}
	for _, method := range []string{" ", "GET ", "GE T", "GET\r\nX: 1", "GÉT", "G/T", "a\x00"} {
		_, err := s.Request(t.Context(), method, "http://a.test/")
		require.ErrorIs(t, err, session.ErrInvalidRequest, method)
	}
}

func TestURLsAreChecked(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		want error
		urls []string
	}{
		{session.ErrMissingScheme, []string{"", " ", "a.test", "a.test/x", "/x", "//a.test/x", "?q=1", "#f", "http//a.test", "httpa.test:80/"}},
		{session.ErrMissingHost, []string{"http://", "http:", "http:a.test", "http:/a.test", "https:///x", "http://?q", "http://#f", "http://:80/", "http://user@/", "http://user@:80/"}},
		{session.ErrInvalidHost, []string{
			"http://.a.test/", "http://a..test/", "http://*.a.test/", "http://*/", "http://a b/", "http://a%2fb/",
			"http://a<b/", "http://a\x00b/", "http://a\nb/", "http://[::1/", "http://[::1]x/", "http://[a]/", "http://[1.2.3.4]/",
			"http://[]/", "http://" + long + ".test/", "http://" + strings.Repeat("abc.", 64) + "test/",
			"http://a.test:80:90/x", "http://[::1%25a/b]/", "http://\xff\xfe/", "http://a]/", "http://[::1]]/", "http://\u2100.test/",
			"http://\u00ad/", "http://\u00ad:80/", "http://u@\u2060/", "http://\u200b\ufe0f", // IDNA maps these to nothing
		}},
		{session.ErrInvalidPort, []string{"http://a.test:x/", "http://a.test:65536/", "http://a.test:99999999999999999999/", "http://a.test:-1/", "http://a.test:8 0/", "http://a.test:0/", "http://[::1]:x/", "http://a.test:+80/"}},
	} {
		for _, address := range c.urls {
			_, err := new(session.Session).Prepare(t.Context(), &session.Request{URL: address})
			assert.ErrorIs(t, err, c.want, "%q", address)
			assert.ErrorIs(t, err, session.ErrInvalidURL, "%q", address)
			for _, other := range []error{session.ErrMissingScheme, session.ErrMissingHost, session.ErrInvalidHost, session.ErrInvalidPort} {
				assert.Equal(t, other == c.want, errors.Is(err, other), "%q is a %v alone", address, c.want)
			}
		}
	}
}

func TestURLsAreNormalised(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		// what is not there
		"http://a.test":      "http://a.test/",
		"http://a.test?q=1":  "http://a.test/?q=1",
		"http://a.test#f":    "http://a.test/#f",
		" \t\nhttp://a.test": "http://a.test/",
		"http://a.test:/":    "http://a.test/",
		"http://a.test:080/": "http://a.test:80/",
		"http://a.test:443/": "http://a.test:443/",
		// case
		"HTTP://A.Test/Path": "http://a.test/Path",
		// illegal characters are encoded
		"http://a.test/a b":          "http://a.test/a%20b",
		"http://a.test/a\"b<c>d`e{}": "http://a.test/a%22b%3Cc%3Ed%60e%7B%7D",
		"http://a.test/é/日":          "http://a.test/%C3%A9/%E6%97%A5",
		"http://a.test/a|b^c":        "http://a.test/a%7Cb%5Ec",
		"http://a.test/[x]":          "http://a.test/%5Bx%5D",
		"http://a.test/?q=a b&r=é":   "http://a.test/?q=a%20b&r=%C3%A9",
		"http://a.test/?q=\"<>`":     "http://a.test/?q=%22%3C%3E%60",
		"http://a.test/?q=a\r\nX: 1": "http://a.test/?q=a%0D%0AX:%201",
		"http://a.test/a\r\nX: 1":    "http://a.test/a%0D%0AX:%201",
		"http://a.test/a\x00b":       "http://a.test/a%00b",
		"http://a.test/\xff":         "http://a.test/%FF",
		"http://a.test/#a b":         "http://a.test/#a%20b",
		// legal escapes are left alone, and those of unreserved characters undone
		"http://a.test/a%2Fb%20c":      "http://a.test/a%2Fb%20c",
		"http://a.test/a%2fb":          "http://a.test/a%2Fb",
		"http://a.test/%41%2d%7E":      "http://a.test/A-~",
		"http://a.test/?q=%26%3D%2B+x": "http://a.test/?q=%26%3D%2B+x",
		"http://a.test/a%2Fb é":        "http://a.test/a%2Fb%20%C3%A9",
		// a % that starts none is one
		"http://a.test/100%":     "http://a.test/100%25",
		"http://a.test/a%zz":     "http://a.test/a%25zz",
		"http://a.test/a%2":      "http://a.test/a%252",
		"http://a.test/?q=%%20":  "http://a.test/?q=%25%2520",
		"http://a.test/%20?q=5%": "http://a.test/%20?q=5%25",
		// reserved characters stand
		"http://a.test/a;b=c,d:e@f!$&'()*+": "http://a.test/a;b=c,d:e@f!$&'()*+",
		"http://a.test/?a/b?c:@!$'()*,;":    "http://a.test/?a/b?c:@!$'()*,;",
		"http://a.test//a//b":               "http://a.test//a//b",
		// dot segments
		"http://a.test/a/../b/./c":     "http://a.test/b/c",
		"http://a.test/../../x":        "http://a.test/x",
		"http://a.test/a/..":           "http://a.test/",
		"http://a.test/a/.":            "http://a.test/a/",
		"http://a.test/...":            "http://a.test/...",
		"http://a.test/.well-known/.x": "http://a.test/.well-known/.x",
		"http://a.test/x?q=/../y":      "http://a.test/x?q=/../y",
		// hosts
		"http://bücher.test/":          "http://xn--bcher-kva.test/",
		"http://BÜCHER.test/":          "http://xn--bcher-kva.test/",
		"http://例え.test/":              "http://xn--r8jz45g.test/",
		"http://a。test/":               "http://a.test/",
		"http://xn--bcher-kva.test/":   "http://xn--bcher-kva.test/",
		"http://a_b.test/":             "http://a_b.test/",
		"http://a.test./":              "http://a.test./",
		"http://127.0.0.1:8080/":       "http://127.0.0.1:8080/",
		"http://[::1]/":                "http://[::1]/",
		"http://[::1]:8080/":           "http://[::1]:8080/",
		"http://[2001:DB8::A]/":        "http://[2001:db8::a]/",
		"http://[::ffff:1.2.3.4]/":     "http://[::ffff:1.2.3.4]/",
		"http://[fe80::1%25eth0]/":     "http://[fe80::1%25eth0]/",
		"http://[fe80::1%25eth0]:81/x": "http://[fe80::1%25eth0]:81/x",
		"http://[fe80::1%eth0]/":       "http://[fe80::1%25eth0]/",
		// user information
		"http://me:pw@a.test/":        "http://me:pw@a.test/",
		"http://a@b:p@ss@a.test/":     "http://a%40b:p%40ss@a.test/",
		"http://a.test\\@b.test/":     "http://a.test/%5C@b.test/",
		"http://a.test/@b.test":       "http://a.test/@b.test",
		"http://a.test?@b.test":       "http://a.test/?@b.test",
		"http://a.test#@b.test":       "http://a.test/#@b.test",
		"http://a.test:80\\@b.test/":  "http://a.test:80/%5C@b.test/",
		"http://a.test%40b.test@c/":   "http://a.test%40b.test@c/",
		"https://a.test:8443/x?y=z#f": "https://a.test:8443/x?y=z#f",
	} {
		req, err := new(session.Session).Prepare(t.Context(), &session.Request{URL: address})
		if assert.NoError(t, err, "%q", address) {
			assert.Equal(t, want, req.URL.String(), "%q", address)
			again, err := url.Parse(req.URL.String())
			require.NoError(t, err)
			assert.Equal(t, req.URL.Hostname(), again.Hostname(), "net/url reads the same host")
		}
	}
}

func TestURLsGoOverTheWireAsPrepared(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for address, want := range map[string]string{
		"http://a.test/a b/../c d?q=x y#f": "a.test /c%20d?q=x%20y",
		"http://bücher.test:8080/é":        "xn--bcher-kva.test:8080 /%C3%A9",
		"http://a.test//x":                 "a.test //x",
		"http://me:pw@a.test/a%2Fb":        "a.test /a%2Fb",
		"http://[::1]:81/":                 "[::1]:81 /",
	} {
		_, err := s.Get(t.Context(), address)
		require.NoError(t, err)
		assert.Equal(t, want, srv.last(t).Host+" "+srv.last(t).RequestURI, address)
	}
}

func TestZonesAreDialled(t *testing.T) {
	t.Parallel()
	var dialled, host string
	s := session.New()
	require.NoError(t, s.Mount("http://", &session.HTTPAdapter{
		Base: &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			dialled = addr
			return nil, io.ErrUnexpectedEOF
		}},
		Wrap: func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				host = req.Host
				return next.RoundTrip(req)
			})
		},
	}))
	_, err := s.Get(t.Context(), "http://[fe80::1%25eth0]:81/")
	require.ErrorIs(t, err, session.ErrConnection)
	assert.Equal(t, "[fe80::1%eth0]:81", dialled)
	assert.Equal(t, "[fe80::1%eth0]:81", host)
}

func TestUserInformationBecomesBasicAuth(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://me:pw@a.test/":               "me pw",
		"http://me:@a.test/":                 "me ",
		"http://:pw@a.test/":                 " pw",
		"http://me%40x:p%3Aw%2F@a.test/":     "me@x p:w/",
		"http://me:p:w@a.test/":              "me p:w",
		"http://%C3%BC:%E6%97%A5@a.test/":    "ü 日",
		"http://me:100%@a.test/":             "me 100%",
		"http://me:p w@a.test/":              "me p w",
		"https://me:pw@a.test:8443/x?y=z#me": "me pw",
	} {
		req := prepared(t, new(session.Session), session.Request{URL: address})
		user, password, ok := req.BasicAuth()
		assert.True(t, ok, address)
		assert.Equal(t, want, user+" "+password, address)
	}
	for _, address := range []string{"http://a.test/", "http://me@a.test/", "http://@a.test/", "http://:@a.test/"} {
		assert.NotContains(t, prepared(t, new(session.Session), session.Request{URL: address}).Header, "Authorization", address)
	}
}

func TestOtherSchemesAreHandedOnAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"mock://Host/a%20b?q=1#f", "mock:opaque", "mock:///path", "mock://h/x?a&b", "data:text/plain,hello%20world",
		"mock://h:123456/x", "mock://h/../x", "mock://h/%2e%2E/", "http+unix://%2Frun%2Fx.sock/a", "urn:a:b",
	} {
		var got *http.Request
		s := new(session.Session)
		s.Params = url.Values{"p": {"1"}}
		scheme, _, _ := strings.Cut(address, ":")
		require.NoError(t, s.Mount(scheme+"://", roundTripper(func(req *http.Request) (*http.Response, error) {
			got = req
			return answer(req, 200, nil, "hello"), nil
		})))
		resp, err := s.Get(t.Context(), address, session.Params{"q": {"2"}})
		assert.Equal(t, "hello", text(t, resp, err))
		assert.Equal(t, address, got.URL.String())
	}
	_, err := session.New().Get(t.Context(), "foo://a.test/")
	require.ErrorIs(t, err, session.ErrNoAdapter)
	require.NotErrorIs(t, err, session.ErrInvalidURL)
	_, err = session.New().Get(t.Context(), "a.test:80/x")
	require.ErrorIs(t, err, session.ErrNoAdapter, "a.test is its scheme")
}

func TestURLsThatNetURLCannotParseReachTheirAdapter(t *testing.T) {
	t.Parallel()
	var got string
	s := new(session.Session)
	require.NoError(t, s.Mount("mock://", roundTripper(func(req *http.Request) (*http.Response, error) {
		got = req.URL.String()
		return answer(req, 200, nil, ""), nil
	})))
	for _, address := range []string{"mock://[bad/x", "mock://a/%zz", "mock:%zz"} {
		_, err := s.Get(t.Context(), address)
		require.NoError(t, err)
		assert.Equal(t, address, got)
	}
}

func TestParamsAreEscaped(t *testing.T) {
	t.Parallel()
	s := new(session.Session)
	req := prepared(t, s, session.Request{OrderedParams: session.OrderedParams{
		{"a b", "c d"}, {"&=", "#?"}, {"é", "日"}, {"", "x"}, {"n", ""}, {"pct", "%20"}, {"line", "a\r\nb"}, {"safe", "-._~"},
	}})
	assert.Equal(t, "a+b=c+d&%26%3D=%23%3F&%C3%A9=%E6%97%A5&=x&n=&pct=%2520&line=a%0D%0Ab&safe=-._~", req.URL.RawQuery)
	for raw, want := range map[session.RawParams]string{
		"a=1&b=2": "a=1&b=2", "a b": "a%20b", "q=%2f": "q=%2F", "q=#f": "q=%23f", "q=%": "q=%25", "a=\r\nX": "a=%0D%0AX",
	} {
		assert.Equal(t, want, prepared(t, s, session.Request{RawParams: string(raw)}).URL.RawQuery)
	}
}

func TestHeadersThatWouldCorruptTheMessageAreRefused(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, bad := range []http.Header{
		{"X-Token": {secret + "\r\nInjected: 1"}}, {"X-Token": {secret + "\n"}}, {"X-Token": {"\r" + secret}},
		{"X-Token": {secret + "\x00"}}, {"X-Token": {"ok", secret + "\x7f"}}, {"X-Token": {" " + secret}}, {"X-Token": {"\t" + secret}},
		{"Cookie": {secret + "\r\n"}}, {"Host": {secret + "\r\n"}}, {"Content-Length": {secret}}, {"Content-Type": {secret + "\n"}},
		{"Transfer-Encoding": {secret}}, {"Host": {secret + "/x"}}, {"Host": {"me@" + secret}}, {"Host": {"a", secret}},
		{"Content-Length": {"5", "6"}}, {"Content-Length": {"-1"}}, {"Content-Length": {"+5"}}, {"Content-Length": {"5, 5"}},
		{"Content-Length": {"9223372036854775808"}}, {"Transfer-Encoding": {"chunked", "chunked"}}, {"Transfer-Encoding": {"gzip, chunked"}},
	} {
		var name string
		for name = range bad {
		}
		srv := serve(t, nil)
		for _, asSession := range []bool{false, true} {
			s := open(t, srv)
			options := []session.Option{session.Header(bad)}
			if asSession {
				s.Header, options = bad, nil
			}
			_, err := s.Post(t.Context(), "http://a.test/", append(options, session.Text("hello"))...)
			require.ErrorIs(t, err, session.ErrInvalidHeader, "%q", bad)
			require.ErrorIs(t, err, session.ErrInvalidRequest)
			require.ErrorContains(t, err, name)
			assert.NotContains(t, err.Error(), secret)
		}
		assert.Empty(t, srv.requests())
	}
}

func TestHeaderNamesMustBeTokens(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "a b", "a:b", "a\r\nb", "é", "a\x00", "(a)", " a", "a ", ":path"} {
		_, err := session.New().Get(t.Context(), "http://a.test/", session.Header{name: {"secret"}})
		require.ErrorIs(t, err, session.ErrInvalidHeader, "%q", name)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestHeadersOfAnAuthAreChecked(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for what, auth := range map[string]session.Auth{
		"bearer": session.BearerAuth(secret + "\r\nX: 1"),
		"func": session.AuthFunc(func(req *http.Request) error {
			req.Header.Set("X-Token", secret+"\n")
			return nil
		}),
	} {
		srv := serve(t, nil)
		s := open(t, srv)
		s.Auth = auth
		_, err := s.Get(t.Context(), "http://a.test/")
		require.ErrorIs(t, err, session.ErrInvalidHeader, what)
		assert.NotContains(t, err.Error(), secret)
		assert.Empty(t, srv.requests())
	}
}

func TestLegalHeaderValuesAreSentAsTheyAre(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for _, value := range []string{"", "a b", "a\tb", "é", "\xe9", "a,b;c=\"d\"", "日本"} {
		_, err := s.Get(t.Context(), "http://a.test/", session.Header{"X": {value}})
		require.NoError(t, err, "%q", value)
		assert.Equal(t, []string{value}, srv.last(t).Header["X"])
	}
}

func TestHostHeaderIsTheCallers(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "http://a.test/end", http.StatusFound)
		case "/other":
			http.Redirect(w, r, "http://b.test/end", http.StatusFound)
		}
	})
	s := open(t, srv)
	for _, c := range []struct {
		url  string
		host []string
		want string
	}{
		{"http://a.test/", []string{"virtual.test"}, "virtual.test"},
		{"http://a.test/", []string{"virtual.test:8080"}, "virtual.test:8080"},
		{"http://a.test:81/", nil, "a.test:81"},
		{"http://a.test/same", []string{"virtual.test"}, "virtual.test"},
		{"http://a.test/other", []string{"virtual.test"}, "b.test"},
	} {
		for _, name := range []string{"Host", "host"} {
			_, err := s.Get(t.Context(), c.url, session.Header{name: c.host})
			require.NoError(t, err)
			assert.Equal(t, c.want, srv.last(t).Host, c.url)
			assert.NotContains(t, srv.last(t).Header, "Host")
		}
	}
	s.Header.Set("Host", "session.test")
	_, err := s.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, "session.test", srv.last(t).Host)
	_, err = s.Get(t.Context(), "http://a.test/", session.Header{"host": nil})
	require.NoError(t, err)
	assert.Equal(t, "a.test", srv.last(t).Host)
}

func TestCookiesOfARequestAreChecked(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"": "x", "a;b": "x", "a=b": "x", "a b": "x", "a": "x;hunter2", "b": "hunter2\r\nX: 1", "c\n": "x"} {
		_, err := session.New().Get(t.Context(), "http://a.test/", session.Cookies{name: value})
		require.ErrorIs(t, err, session.ErrInvalidRequest, "%q=%q", name, value)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestRequoteIsRequests(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"http://a.test/a b?q=é#f": "http://a.test/a%20b?q=%C3%A9#f", "http://a.test/%7Eme": "http://a.test/~me",
		"http://a.test/%2f": "http://a.test/%2f", "http://a.test/%zz": "http://a.test/%25zz", "http://a.test/5%": "http://a.test/5%",
		"": "",
	} {
		assert.Equal(t, want, session.Requote(given))
	}
}
