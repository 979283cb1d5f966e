package security_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// bSplitters are texts that would end a line, or a word, of a request.
var bSplitters = []string{
	" HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET /x", "\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "\r\n\r\n", "\n", "\r", "\x00", "\t", " ", "a b",
	"\v", "\f", "\x7f", "\u0085X-Evil: 1", "\u2028X-Evil: 1", "\u010d\u010aX-Evil: 1", // č and Ċ end in the bytes of CR and LF
}

// bUnsplit checks a request that was asked for: it was refused, with nothing
// sent, or came as one message.
func bUnsplit(t testing.TB, srv *bServer, err error, about string) {
	t.Helper()
	got := srv.requests()
	if err != nil {
		assert.Empty(t, got, about)
		return
	}
	if assert.Len(t, got, 1, about) {
		bIntact(t, got[0], about)
	}
}

// Row: 59
// IDs: CVE-2014-8150 (curl), CVE-2019-11236 (urllib3), CVE-2019-9740 (urllib3), CVE-2020-11078 (httplib2), CVE-2019-12387 (Twisted)
// Flaw: line ends and blanks of a URL go into the request line, and end it.
// Done: what may not stand in a URL is percent-encoded, in every part of it and
// whoever wrote it, or refused; by both.
func TestCVE_2014_8150_URLThatSplitsTheRequest(t *testing.T) {
	t.Parallel()
	get := func(address string, opts ...session.Option) func(*session.Session) error {
		return func(s *session.Session) error {
			_, err := s.Get(context.Background(), address, opts...)
			return err
		}
	}
	do := func(u *url.URL) func(*session.Session) error {
		return func(s *session.Session) error {
			resp, err := s.Do(&http.Request{Method: "GET", URL: u})
			if err == nil {
				err = resp.Body.Close()
			}
			return err
		}
	}
	for _, x := range bSplitters {
		for place, send := range map[string]func(*session.Session) error{
			"path":               get("http://a.test/" + x + "/y"),
			"path's end":         get("http://a.test/y" + x),
			"query":              get("http://a.test/?q=" + x + "&r=1"),
			"fragment":           get("http://a.test/#" + x),
			"host":               get("http://a" + x + ".test/"),
			"port":               get("http://a.test:80" + x + "/"),
			"user":               get("http://u" + x + ":p@a.test/"),
			"password":           get("http://u:p" + x + "@a.test/"),
			"RawParams":          get("http://a.test/", session.RawParams("q="+x)),
			"name":               get("http://a.test/", session.Params{x: {"1"}}),
			"value":              get("http://a.test/", session.Params{"q": {x}}),
			"ordered":            get("http://a.test/", session.OrderedParams{{x, x}}),
			"escaped":            get("http://a.test/" + url.PathEscape(x) + "?q=" + url.QueryEscape(x)),
			"Do: path":           do(&url.URL{Scheme: "http", Host: "a.test", Path: "/" + x}),
			"Do: raw path":       do(&url.URL{Scheme: "http", Host: "a.test", Path: "/" + x, RawPath: "/" + x}),
			"Do: query":          do(&url.URL{Scheme: "http", Host: "a.test", RawQuery: "q=" + x}),
			"Do: opaque":         do(&url.URL{Scheme: "http", Host: "a.test", Opaque: "//a.test/" + x}),
			"Do: path as opaque": do(&url.URL{Scheme: "http", Host: "a.test", Opaque: "/" + x}),
			"Do: host":           do(&url.URL{Scheme: "http", Host: "a.test" + x, Path: "/"}),
			"Do: user":           do(&url.URL{Scheme: "http", Host: "a.test", Path: "/", User: url.UserPassword("u"+x, "p"+x)}),
			"BaseURL": func(s *session.Session) error {
				s.BaseURL = "http://a.test/" + x
				return get("users")(s)
			},
			"relative": func(s *session.Session) error {
				s.BaseURL = "http://a.test/"
				return get("users" + x)(s)
			},
			"session's parameters": func(s *session.Session) error {
				s.Params = url.Values{"q": {x}, x: {"1"}}
				return get("http://a.test/")(s)
			},
			"prepared": func(s *session.Session) error {
				req, err := s.Prepare(context.Background(), &session.Request{URL: "http://a.test/"})
				require.NoError(t, err)
				req.URL.RawQuery = "q=" + x
				_, err = s.SendPrepared(req)
				return err
			},
		} {
			srv := bServe(t, nil)
			bUnsplit(t, srv, send(srv.open(t)), fmt.Sprintf("%s %q", place, x))
		}
	}
	srv := bServe(t, nil)
	bGet(t, srv.open(t), "http://a.test/a b\r\nc?q=d e\r\nf")
	assert.Equal(t, "GET /a%20b%0D%0Ac?q=d%20e%0D%0Af HTTP/1.1", srv.last(t).line())
}

// Row: 59
// IDs: CVE-2019-11236 (urllib3)
// Flaw: a server makes the client split its next request, by a Location with
// blanks or line ends.
// Done: a Location is read as any URL is, and encoded before it is sent; by the
// library.
func TestCVE_2019_11236_LocationThatSplitsTheRequest(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"/a b?c d", "/a\tb?c\td", "/a%0d%0aX-Evil:%201?b%0d%0aX-Evil:%201", "http://a.test/a b?c d#e f", "?c d", "/\"<>?\"<>"} {
		srv := bServe(t, func(r *bSent) string {
			if r.URL.RequestURI() == "/start" {
				return bRedirect(302, location)
			}
			return bOK()
		})
		bGet(t, srv.open(t), "http://a.test/start")
		require.Len(t, srv.requests(), 2, location)
		bIntact(t, srv.last(t), location)
	}
	for _, x := range bSplitters {
		srv := bServe(t, func(r *bSent) string { return bRedirect(302, "/next") })
		client := srv.open(t)
		client.MaxRedirects = 1
		client.RedirectTarget = func(*session.Response) (string, bool) { return "/x" + x + "?y" + x, true }
		_, err := client.Get(t.Context(), "http://a.test/")
		require.Error(t, err)
		for _, r := range srv.requests() {
			bIntact(t, r, x)
		}
	}
}

// Row: 60
// IDs: CVE-2020-26137 (urllib3), CVE-2023-49082 (aiohttp)
// Flaw: a method with line ends adds lines to the request.
// Done: a method has to be a token; any other is an error before anything is
// sent; by both.
func TestCVE_2020_26137_MethodThatSplitsTheRequest(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET / HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET", "GET\r\n", "GET\n", "GET\x00", "GET ", " GET", "G T", "GET\t", "G:T", "\u010aET", "GET/"} {
		srv := bServe(t, nil)
		client := srv.open(t)
		_, err := client.Request(t.Context(), method, "http://a.test/")
		require.ErrorIs(t, err, session.ErrInvalidRequest, "%q", method)
		_, err = client.Send(t.Context(), &session.Request{Method: method, URL: "http://a.test/"})
		require.ErrorIs(t, err, session.ErrInvalidRequest, "%q", method)
		_, err = client.Do(&http.Request{Method: method, URL: bURL(t, "http://a.test/")})
		require.ErrorIs(t, err, session.ErrInvalidRequest, "%q", method)
		prepared, err := client.Prepare(t.Context(), &session.Request{URL: "http://a.test/"})
		require.NoError(t, err)
		prepared.Method = method
		_, err = client.SendPrepared(prepared)
		require.Error(t, err, "%q", method)
		assert.Empty(t, srv.requests(), "%q", method)

		redirecting := bServe(t, func(*bSent) string { return bRedirect(302, "/next") })
		client = redirecting.open(t)
		client.RebuildMethod = func(next *http.Request, _ *session.Response) { next.Method = method }
		_, err = client.Get(t.Context(), "http://a.test/")
		require.Error(t, err, "%q", method)
		assert.Len(t, redirecting.requests(), 1, "%q", method)
	}
	srv := bServe(t, nil)
	_, err := srv.open(t).Request(t.Context(), "M-SEARCH", "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, "M-SEARCH / HTTP/1.1", srv.last(t).line())
}

// Row: 61
// IDs: CVE-2023-49081 (aiohttp)
// Flaw: a version that the caller gives goes into the request line unchecked.
// Done: the version is that of the connection, whatever a request says; by
// net/http.
func TestCVE_2023_49081_VersionThatSplitsTheRequest(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"HTTP/1.1\r\nX-Evil: 1", "HTTP/1.0", "HTTP/9.9", "", " "} {
		srv := bServe(t, nil)
		client := srv.open(t)
		given := func(req *http.Request) *http.Request {
			req.Proto, req.ProtoMajor, req.ProtoMinor = proto, 9, 9
			return req
		}
		resp, err := client.Do(given(&http.Request{URL: bURL(t, "http://a.test/")}))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		prepared, err := client.Prepare(t.Context(), &session.Request{URL: "http://a.test/"})
		require.NoError(t, err)
		_, err = client.SendPrepared(given(prepared))
		require.NoError(t, err)
		require.Len(t, srv.requests(), 2)
		for _, r := range srv.requests() {
			assert.Equal(t, "GET / HTTP/1.1", r.line())
			bIntact(t, r, proto)
		}
	}
}

// bHeaderPlaces are where a header comes from, each with a name and a value.
var bHeaderPlaces = map[string]func(s *session.Session, name, value string) error{
	"request": func(s *session.Session, name, value string) error {
		_, err := s.Get(context.Background(), "http://a.test/", session.Header{name: {value}})
		return err
	},
	"session": func(s *session.Session, name, value string) error {
		s.Header[name] = []string{value}
		_, err := s.Get(context.Background(), "http://a.test/")
		return err
	},
	"Do": func(s *session.Session, name, value string) error {
		return bClosed(s.Do(&http.Request{URL: &url.URL{Scheme: "http", Host: "a.test", Path: "/"}, Header: http.Header{name: {value}}}))
	},
	"session of Do": func(s *session.Session, name, value string) error {
		s.Header[name] = []string{value}
		return bClosed(s.Do(&http.Request{URL: &url.URL{Scheme: "http", Host: "a.test", Path: "/"}}))
	},
	"client": func(s *session.Session, name, value string) error {
		return bClosed(s.Client().Do(&http.Request{URL: &url.URL{Scheme: "http", Host: "a.test", Path: "/"}, Header: http.Header{name: {value}}}))
	},
	"prepared": func(s *session.Session, name, value string) error {
		req, err := s.Prepare(context.Background(), &session.Request{URL: "http://a.test/"})
		if err == nil {
			req.Header[name] = []string{value}
			_, err = s.SendPrepared(req)
		}
		return err
	},
	"auth": func(s *session.Session, name, value string) error {
		s.Auth = session.AuthFunc(func(req *http.Request) error {
			req.Header[name] = []string{value}
			return nil
		})
		_, err := s.Get(context.Background(), "http://a.test/")
		return err
	},
}

// bClosed closes the body of an answer, if there is one.
func bClosed(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Row: 62
// IDs: CVE-2017-18587 (hyper), GHSA-6chq-wfr3-2hj9 (axios), GHSA-fvcv-3m26-pcqx (axios)
// Flaw: a name or a value of a header with line ends adds headers, or whole
// requests.
// Done: every header is checked wherever it comes from, and again on each hop;
// the error names it and never shows its value; by both.
func TestCVE_2017_18587_HeaderThatSplitsTheRequest(t *testing.T) {
	t.Parallel()
	for place, send := range bHeaderPlaces {
		for _, x := range []string{"\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "\r\n\r\n", "\r", "\n", "\x00", "\x7f", "\v"} {
			for _, name := range []string{"X-Token", "User-Agent", "Authorization", "Cookie", "Proxy-Authorization", "Content-Type", "Accept-Encoding"} {
				srv := bServe(t, nil)
				client := srv.open(t)
				err := send(client, name, bSecret+x)
				require.ErrorIs(t, err, session.ErrInvalidHeader, "%s %s %q", place, name, x)
				require.ErrorContains(t, err, name)
				bHides(t, err)
				assert.Empty(t, srv.requests(), "%s %s %q", place, name, x)
			}
			srv := bServe(t, nil)
			err := send(srv.open(t), "X-Name"+x, bSecret)
			require.ErrorIs(t, err, session.ErrInvalidHeader, "%s %q", place, x)
			bHides(t, err)
			assert.Empty(t, srv.requests(), "%s %q", place, x)
		}
		srv := bServe(t, nil)
		require.NoError(t, send(srv.open(t), "X-Token", bSecret), place)
		assert.Equal(t, bSecret, srv.last(t).Header.Get("X-Token"), place)
	}
}

// Row: 62
// IDs: CVE-2017-18587 (hyper)
// Flaw: what is not called a header, such as a token, a user's name or a cookie,
// goes into one unchecked.
// Done: it is encoded, or checked as a header is; by both.
func TestCVE_2017_18587_OtherPartsThatBecomeHeaders(t *testing.T) {
	t.Parallel()
	const x = "\r\nX-Evil: 1"
	for what, opts := range map[string][]session.Option{
		"bearer":      {session.BearerAuth(bSecret + x)},
		"basic":       {session.BasicAuth("u"+x, bSecret+x)},
		"digest":      {session.DigestAuth("u\""+x, bSecret+x)},
		"cookie":      {session.Cookies{"a": bSecret + x}},
		"cookie name": {session.Cookies{"a" + x: bSecret}},
		"type":        {session.Files{{Field: "f", Content: session.Text("x"), ContentType: bSecret + x}}},
	} {
		srv := bServe(t, func(r *bSent) string {
			if r.Header.Get("Authorization") == "" && what == "digest" {
				return "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\n"
			}
			return bOK()
		})
		client := srv.open(t)
		_, err := client.Post(t.Context(), "http://a.test/", opts...)
		for _, r := range srv.requests() {
			bIntact(t, r, what)
		}
		if err != nil {
			bHides(t, err)
			require.ErrorIs(t, err, session.ErrInvalidRequest, what)
		}
	}
	srv := bServe(t, nil)
	client := srv.open(t)
	client.AddUserAgent("tool/1" + x)
	_, err := client.Get(t.Context(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrInvalidHeader)

	client = srv.open(t)
	client.Jar = bJar{&http.Cookie{Name: "a", Value: "1" + x}, &http.Cookie{Name: "b" + x, Value: "2"}, &http.Cookie{Name: "c", Value: "3"}}
	bGet(t, client, "http://a.test/")
	bIntact(t, srv.last(t), "a jar of the program's own")
	assert.Contains(t, srv.last(t).Header.Get("Cookie"), "c=3")

	redirecting := bServe(t, func(*bSent) string { return bRedirect(302, "/next") })
	client = redirecting.open(t)
	client.RebuildAuth = func(next *http.Request, _ *session.Response) error {
		next.Header["X-Token"] = []string{bSecret + x}
		return nil
	}
	_, err = client.Get(t.Context(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrInvalidHeader)
	bHides(t, err)
	assert.Len(t, redirecting.requests(), 1)
}

// bJar is a jar that gives the same cookies for every URL.
type bJar []*http.Cookie

func (j bJar) SetCookies(*url.URL, []*http.Cookie)   {}
func (j bJar) Cookies(*url.URL) (all []*http.Cookie) { return j }

// Row: 63
// IDs: CVE-2023-29406 (Go)
// Flaw: a Host that the program sets adds headers, or changes what the request
// line means.
// Done: a Host header has to be a host and a port; what Do is given is cut
// before anything else; by both.
func TestCVE_2023_29406_HostThatSplitsTheRequest(t *testing.T) {
	t.Parallel()
	for _, x := range []string{"\r\nX-Evil: 1", "\n", "\x00", "/evil", " evil", "?evil", "#evil", "@evil.test", "\r\n\r\nGET /evil HTTP/1.1"} {
		for place, send := range bHeaderPlaces {
			srv := bServe(t, nil)
			err := send(srv.open(t), "Host", "b.test"+x)
			bUnsplit(t, srv, err, fmt.Sprintf("%s %q", place, x))
			for _, r := range srv.requests() {
				assert.NotContains(t, r.Host, "evil", "%s %q", place, x)
			}
		}
		for _, target := range []string{"http://a.test/", "https://a.test/"} {
			srv := bServe(t, nil)
			resp, err := srv.open(t).Do(&http.Request{URL: bURL(t, target), Host: "b.test" + x})
			if err == nil {
				require.NoError(t, resp.Body.Close())
			}
			bUnsplit(t, srv, err, fmt.Sprintf("Do %q", x))
			for _, r := range srv.requests() {
				assert.NotContains(t, r.Host, "evil", "%q", x)
			}
		}
	}
	srv := bServe(t, nil)
	bGet(t, srv.open(t), "http://a.test/", session.Header{"Host": {"b.test:81"}})
	assert.Equal(t, "b.test:81", srv.last(t).Host)
}

// Row: 64
// IDs: CVE-2026-34514 (aiohttp), CVE-2026-50269 (aiohttp), CVE-2026-42037 (axios), GHSA-m8rv-5g2x-5cg5 (undici)
// Flaw: the name, the file name or the type of a part holds a quote or line
// ends, and with them further headers or whole parts.
// Done: quotes, line ends and NUL of names are percent-encoded as browsers do
// it; a type with line ends is refused; by the library.
func TestCVE_2026_34514_PartsOfAMultipartBody(t *testing.T) {
	t.Parallel()
	for _, x := range []string{
		"\r\nX-Evil: 1", "\r\n\r\nbody\r\n--", "\n", "\r", "\"", "\"; name=\"evil", "\"\r\nX-Evil: 1", "a\x00b", ";", "; filename=evil",
		"\r\n--boundary\r\nContent-Disposition: form-data; name=\"evil\"\r\n\r\n1", "é\u010d\u010a",
	} {
		for place, opts := range map[string][]session.Option{
			"field":      {session.Files{{Field: "n" + x, Name: "file", Content: session.Text("content")}}},
			"name":       {session.Files{{Field: "n", Name: "file" + x, Content: session.Text("content")}}},
			"type":       {session.Files{{Field: "n", Name: "file", ContentType: "text/plain" + x, Content: session.Text("content")}}},
			"form":       {session.Files{{Field: "n", Name: "file", Content: session.Text("content")}}, session.Form{"k" + x: {"v" + x}}},
			"form alone": {session.Files{{Field: "n" + x, Content: session.Text("content")}}},
		} {
			srv := bServe(t, nil)
			_, err := srv.open(t).Post(t.Context(), "http://a.test/", opts...)
			about := fmt.Sprintf("%s %q", place, x)
			if err != nil {
				require.ErrorIs(t, err, session.ErrInvalidHeader, about)
				assert.Equal(t, "type", place)
				assert.Empty(t, srv.requests())
				continue
			}
			parts := bParts(t, srv.last(t))
			want := 1
			if place == "form" {
				want = 2
			}
			if !assert.Len(t, parts, want, about) {
				continue
			}
			file := parts[want-1]
			assert.Equal(t, "content", file.body, about)
			assert.NotContains(t, file.header, "X-Evil", about)
			assert.LessOrEqual(t, len(file.header), 2, about)
			assert.True(t, strings.HasPrefix(file.name, "n"), "%s: %q", about, file.name)
			if place != "form alone" {
				assert.True(t, strings.HasPrefix(file.fileName, "file"), "%s: %q", about, file.fileName)
			}
		}
	}
}

// bPart is a part of a multipart body as net/http reads it.
type bPart struct {
	header               map[string][]string
	name, fileName, body string
}

func bParts(t testing.TB, r *bSent) (parts []bPart) {
	t.Helper()
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	require.NoError(t, err)
	reader := multipart.NewReader(strings.NewReader(r.Body), params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		require.NoError(t, err)
		body, err := io.ReadAll(part)
		require.NoError(t, err)
		parts = append(parts, bPart{part.Header, part.FormName(), part.FileName(), string(body)})
	}
}

// Row: 65
// IDs:
// Flaw: the boundary of a multipart body can be foretold, so that what is
// uploaded can end its part and begin others.
// Done: a boundary has 128 random bits of crypto/rand, anew for each body; by
// the library.
func TestClass_BoundaryThatCanBeForetold(t *testing.T) {
	t.Parallel()
	srv := bServe(t, nil)
	client := srv.open(t)
	seen := map[string]bool{}
	content := "begin"
	for range 100 {
		_, err := client.Post(t.Context(), "http://a.test/", session.Files{{Field: "f", Name: "f", Content: session.Text(content)}})
		require.NoError(t, err)
		_, params, err := mime.ParseMediaType(srv.last(t).Header.Get("Content-Type"))
		require.NoError(t, err)
		boundary := params["boundary"]
		assert.False(t, seen[boundary], "it comes twice")
		assert.GreaterOrEqual(t, len(boundary), 32)
		seen[boundary] = true
		parts := bParts(t, srv.last(t))
		require.Len(t, parts, 1)
		require.Equal(t, content, parts[0].body)
		content = "\r\n--" + boundary + "\r\nContent-Disposition: form-data; name=\"evil\"\r\n\r\n1\r\n--" + boundary + "--\r\n"
	}
}

// Row: 66
// IDs:
// Flaw: a trailer with line ends adds headers, or a request, behind the body.
// Done: a trailer that may not stand there fails the request; the body stays
// open-ended, and its connection is closed; by net/http.
func TestClass_TrailerThatSplitsTheRequest(t *testing.T) {
	t.Parallel()
	post := func(client *session.Session, trailer http.Header) error {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://a.test/", io.NopCloser(strings.NewReader("x")))
		require.NoError(t, err)
		req.ContentLength, req.Trailer = -1, trailer
		resp, err := client.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	for _, trailer := range []http.Header{
		{"X-Sum": {bSecret + "\r\nX-Evil: 1"}}, {"X-Sum": {bSecret + "\n"}}, {"X-Sum": {bSecret + "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n"}},
		{"X-Sum": {"\x00"}}, {"X-Sum\r\nX-Evil": {"1"}}, {"X Sum": {"1"}}, {"Content-Length": {"5"}}, {"Transfer-Encoding": {"chunked"}},
	} {
		srv := bServe(t, nil)
		client := srv.open(t)
		err := post(client, trailer)
		require.Error(t, err, "%q", trailer)
		bHides(t, err)
		bGet(t, client, "http://a.test/after")
		got := srv.requests()
		after := bAfter(t, got)
		bIntact(t, after, "")
		for _, r := range got {
			assert.NotRegexp(t, `(?im)^x-evil|^get /evil`, r.Raw)
			if r != after {
				assert.Error(t, r.Err, "the message is not a whole one")
			}
		}
	}
	srv := bServe(t, nil)
	require.NoError(t, post(srv.open(t), http.Header{"X-Sum": {"1"}}))
	assert.Equal(t, "1", srv.last(t).Trailer.Get("X-Sum"))
}

// Row: 67
// IDs:
// Flaw: a Content-Length or Transfer-Encoding that the program sets by hand
// disagrees with the body, and the rest counts as a request of its own.
// Done: the body tells its length; a header gives it only where the body does
// not, and then a body of another length fails and its connection is closed; by
// both.
func TestClass_FramingSetByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header session.Header
		body   session.Option
		want   string // the body that comes; "error" for none
	}{
		{session.Header{"Content-Length": {"999"}}, session.Text("x"), "x"},
		{session.Header{"Content-Length": {"0"}}, session.Text("GET /evil HTTP/1.1\r\n\r\n"), "GET /evil HTTP/1.1\r\n\r\n"},
		{session.Header{"content-length": {"0"}}, session.Text("xyz"), "xyz"},
		{session.Header{"Transfer-Encoding": {"chunked"}}, session.Text("0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n"), "0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n"},
		{session.Header{"transfer-encoding": {"chunked"}}, session.Text("x"), "x"},
		{session.Header{"Transfer-Encoding": {"chunked"}, "Content-Length": {"3"}}, session.Text("xyz"), "xyz"},
		{session.Header{"Transfer-Encoding": {"identity"}}, session.Text("x"), "error"},
		{session.Header{"Transfer-Encoding": {"chunked\t"}}, session.Text("x"), "error"},
		{session.Header{"Transfer-Encoding": {"xchunked"}}, session.Text("x"), "error"},
		{session.Header{"Content-Length": {"1", "2"}}, session.Text("x"), "error"},
		{session.Header{"Content-Length": {"1, 1"}}, session.Text("x"), "error"},
		{session.Header{"Content-Length": {"3"}}, session.Reader(bOnce("xyz")), "xyz"},
		{session.Header{"Content-Length": {"2"}}, session.Reader(bOnce("xyGET /evil HTTP/1.1\r\n\r\n")), "error"},
		{session.Header{"Content-Length": {"999"}}, session.Reader(bOnce("x")), "error"},
		{session.Header{"Content-Length": {"5"}}, nil, ""},
		{session.Header{"Transfer-Encoding": {"chunked"}}, nil, ""},
	} {
		srv := bServe(t, nil)
		client := srv.open(t)
		about := fmt.Sprintf("%q %v", c.header, c.body)
		_, err := client.Post(t.Context(), "http://a.test/", c.header, c.body)
		bGet(t, client, "http://a.test/after")
		got := srv.requests()
		after := bAfter(t, got)
		for _, r := range got {
			assert.NotContains(t, r.line(), "/evil", about)
		}
		if c.want == "error" {
			require.Error(t, err, about)
			for _, r := range got {
				if r != after {
					assert.Error(t, r.Err, "%s: no whole message came", about)
					assert.NotEqual(t, r.Conn, after.Conn, about)
				}
			}
			continue
		}
		require.NoError(t, err, about)
		require.Len(t, got, 2, about)
		assert.Equal(t, c.want, got[0].Body, about)
		bFramedOnce(t, got[0], about)
		assert.Equal(t, got[0].Conn, after.Conn, "%s: the connection goes on", about)
	}
}

// bOnce is a reader that tells no length.
func bOnce(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) }

// bAfter is the request for /after. One before it that broke off may be noted
// later than it.
func bAfter(t testing.TB, got []*bSent) *bSent {
	t.Helper()
	i := slices.IndexFunc(got, func(r *bSent) bool { return r.line() == "GET /after HTTP/1.1" })
	require.GreaterOrEqual(t, i, 0)
	return got[i]
}

// bFramedOnce checks that a request has at most one length.
func bFramedOnce(t testing.TB, r *bSent, about string) {
	t.Helper()
	head := strings.ToLower(r.head())
	n := strings.Count(head, "\r\ncontent-length:") + strings.Count(head, "\r\ntransfer-encoding:")
	assert.LessOrEqual(t, n, 1, "%s: %q", about, head)
}

// Row: 67
// IDs:
// Flaw: framing headers in another spelling of their names go out besides those
// of the transport.
// Done: Do leaves them out in whatever spelling, as net/http does in the usual
// one; of an Auth or a prepared request they are an error; by both.
func TestClass_FramingInAnotherSpelling(t *testing.T) {
	t.Parallel()
	for _, header := range []http.Header{
		{"content-length": {"0"}}, {"CONTENT-LENGTH": {"999"}}, {"transfer-encoding": {"chunked"}}, {"Transfer-encoding": {"identity"}},
		{"Content-Length": {"0"}}, {"Transfer-Encoding": {"chunked"}}, {"host": {"evil.test"}}, {"trailer": {"Content-Length"}},
	} {
		srv := bServe(t, nil)
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://a.test/", strings.NewReader("xyz"))
		require.NoError(t, err)
		req.Header = header
		resp, err := srv.open(t).Do(req)
		about := fmt.Sprint(header)
		require.NoError(t, err, about)
		require.NoError(t, resp.Body.Close())
		require.Len(t, srv.requests(), 1)
		require.NoError(t, srv.last(t).Err, about)
		assert.Equal(t, "xyz", srv.last(t).Body, about)
		assert.Equal(t, "a.test", srv.last(t).Host, about)
		assert.Equal(t, 1, strings.Count(strings.ToLower(srv.last(t).head()), "\r\nhost:"), about)
		bFramedOnce(t, srv.last(t), about)
		bIntact(t, srv.last(t), about)
	}
	for _, place := range []string{"prepared", "auth"} {
		for _, name := range []string{"content-length", "TRANSFER-ENCODING", "host"} {
			srv := bServe(t, nil)
			err := bHeaderPlaces[place](srv.open(t), name, "1")
			require.ErrorIs(t, err, session.ErrInvalidHeader, "%s %s", place, name)
			assert.Empty(t, srv.requests(), "%s %s", place, name)
		}
	}
}

// Row: 68
// IDs: CVE-2023-38545 (curl)
// Flaw: a host name too long for SOCKS5 overflows a buffer, or is looked up
// here although the proxy should do it.
// Done: a name beyond DNS's bounds is no host; one that is sent to the proxy is
// never looked up here; by both.
func TestCVE_2023_38545_NameTooLongForSOCKS(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	var mu sync.Mutex
	var dialled []string
	client := bDialing(t, func(_ context.Context, _, addr string) (net.Conn, error) {
		mu.Lock()
		dialled = append(dialled, addr)
		mu.Unlock()
		here, there := net.Pipe()
		go bSOCKS(there, asked)
		return here, nil
	})
	long := strings.Repeat(strings.Repeat("x", 49)+".", 6) + "test" // 304 bytes
	for _, scheme := range []string{"socks5", "socks5h"} {
		client.Proxies = session.Proxies{"all": scheme + "://proxy.test:1080"}
		for _, target := range []string{"http://" + long + "/", "https://" + long + "/", "http://" + strings.Repeat("x", 256) + "/"} {
			_, err := client.Get(t.Context(), target)
			require.ErrorIs(t, err, session.ErrInvalidHost)
			resp, err := client.Do(&http.Request{URL: bURL(t, target)})
			require.Error(t, err)
			assert.Nil(t, resp)
		}
	}
	mu.Lock()
	for _, addr := range dialled {
		assert.Equal(t, "proxy.test:1080", addr)
	}
	mu.Unlock()
	assert.Empty(t, asked)

	fits := strings.Repeat(strings.Repeat("x", 49)+".", 4) + "test"
	_, err := client.Get(t.Context(), "http://"+fits+"/")
	require.ErrorIs(t, err, session.ErrProxy, "it hangs up")
	assert.Equal(t, fits, <-asked, "the proxy is told the name")
}

// bSOCKS reads what a SOCKS5 client asks for, and hangs up.
func bSOCKS(conn net.Conn, asked chan<- string) {
	defer conn.Close()
	greeting := make([]byte, 2)
	if _, err := io.ReadFull(conn, greeting); err != nil {
		return
	}
	if _, err := io.ReadFull(conn, make([]byte, greeting[1])); err != nil {
		return
	}
	_, _ = conn.Write([]byte{5, 0})
	head := make([]byte, 5)
	if _, err := io.ReadFull(conn, head); err != nil {
		return
	}
	name := make([]byte, head[4])
	if _, err := io.ReadFull(conn, name); err == nil && head[3] == 3 {
		asked <- string(name)
	}
}

// Row: 69
// IDs: CVE-2016-5386 (Go)
// Flaw: a CGI program takes the Proxy header of whoever asked it for the
// variable HTTP_PROXY.
// Done: where REQUEST_METHOD is set, HTTP_PROXY does not count, and http_proxy
// does; by the library.
func TestCVE_2016_5386_ProxyOfACGIRequest(t *testing.T) {
	for _, c := range []struct {
		name, value, method string
		proxied             bool
	}{
		{"HTTP_PROXY", "http://proxy.test:3128", "", true},
		{"HTTP_PROXY", "http://proxy.test:3128", "GET", false},
		{"http_proxy", "http://proxy.test:3128", "GET", true},
		{"http_proxy", "http://proxy.test:3128", "", true},
	} {
		t.Run(c.name+" "+c.method, func(t *testing.T) {
			bNoEnvironment(t)
			if c.method != "" {
				t.Setenv("REQUEST_METHOD", c.method)
			}
			t.Setenv(c.name, c.value)
			srv := bServe(t, nil)
			client := srv.open(t)
			client.TrustEnv = true
			_, err := client.Get(t.Context(), "http://a.test/")
			if c.proxied {
				require.NoError(t, err)
				assert.Equal(t, "GET http://a.test/ HTTP/1.1", srv.last(t).line())
			}
			for _, r := range srv.requests() {
				assert.Equal(t, c.proxied, strings.Contains(r.line(), "http://"), r.line())
			}
		})
	}
}

// Row: 70
// IDs: CVE-2016-8625 (curl), CVE-2026-39821 (Go), CVE-2024-12224 (rust idna), CVE-2024-3651 (python idna)
// Flaw: a name beyond ASCII, or its encoded form, is read as another host by
// some part of the program, or takes a time that grows with the square of it.
// Done: a name is encoded once, by the rules of IDNA 2008 (UTS 46,
// nontransitional); connection, Host, TLS, cookies, proxies and netrc all use
// that form; what has none is refused; by both.
func TestCVE_2016_8625_InternationalNames(t *testing.T) {
	dir := t.TempDir()
	bNoEnvironment(t)
	for host, ascii := range map[string]string{
		"straße.test": "xn--strae-oqa.test", "STRASSE.test": "strasse.test", "BÜCHER.test": "xn--bcher-kva.test", "bu\u0308cher.test": "xn--bcher-kva.test",
		"b\u00fccher\u3002test": "xn--bcher-kva.test", "\uff41\uff0etest": "a.test", "xn--bcher-kva.test": "xn--bcher-kva.test", "faß.test": "xn--fa-hia.test",
		"xn--example-.test": "xn--example-.test", "ⓐ.test": "a.test",
	} {
		netrc := filepath.Join(dir, "netrc")
		require.NoError(t, os.WriteFile(netrc, []byte("machine "+ascii+" login u password p\nmachine example.test login evil password evil\nmachine strasse.test login u password p\n"), 0o600))
		t.Setenv("NETRC", netrc)
		srv := bServe(t, func(*bSent) string { return bOK("Set-Cookie: a=1\r\n") })
		var mu sync.Mutex
		var dialled []string
		client := bDialing(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			dialled = append(dialled, addr)
			mu.Unlock()
			return srv.dial(ctx, network, addr)
		})
		client.TrustEnv = true
		bGet(t, client, "https://"+host+"/")
		r := srv.last(t)
		assert.Equal(t, []string{ascii + ":443"}, dialled, host)
		assert.Equal(t, ascii, r.Host, host)
		assert.Equal(t, ascii, r.Name, "TLS asks for %s", host)
		assert.Equal(t, []string{"a=1 " + ascii + " /"}, bList(client), host)
		assert.Equal(t, "a=1", client.Jar.(*session.Jar).Header(bURL(t, "https://"+host+"/")), "the jar asked for %s", host)
		user, _, _ := r.BasicAuth()
		assert.Equal(t, "u", user, "netrc for %s", host)
		assert.Equal(t, "a=1", srv.bCookie(t, client, "https://"+ascii+"/"), host)

		client.Proxies = session.Proxies{"http://" + ascii: "http://proxy.test:3128"}
		bGet(t, client, "http://"+host+"/")
		assert.Equal(t, "GET http://"+ascii+"/ HTTP/1.1", srv.last(t).line(), host)
	}
	for _, host := range []string{
		"a\u2100b.test", "evil.c\u2100.example.test", "a\uff0fb.test", "a\uff1f.test", "a\uff20b.test", "\u200b\u2060", "\u2024test..a", "xn--\u00fc.test", "xn--example-.b\u00fccher.test", "xn--a\u00fc.test",
		strings.Repeat("ü", 64) + ".test", strings.Repeat("ü", 50_000) + ".test", strings.Repeat("a", 100_000) + ".test", "xn--" + strings.Repeat("a", 100_000) + ".test",
	} {
		srv := bServe(t, nil)
		start := time.Now()
		resp, err := srv.open(t).Get(t.Context(), "http://"+host+"/")
		assert.Less(t, time.Since(start), 5*time.Second, "%.40q", host)
		assert.ErrorIs(t, err, session.ErrInvalidHost, "%.40q", host)
		assert.Nil(t, resp)
		assert.Empty(t, srv.requests(), "%.40q", host)
	}
}

// Row: 72
// IDs: CVE-2020-35863 (hyper)
// Flaw: the body of a GET is sent without a length, and counts as the next
// request.
// Done: a body has its length or is chunked, whatever the method; no body, or
// an empty one, has neither with a GET; by both.
func TestCVE_2020_35863_BodyOfAGet(t *testing.T) {
	t.Parallel()
	const text = "GET /evil HTTP/1.1\r\nHost: a.test\r\n\r\n"
	for _, method := range []string{"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "M-SEARCH"} {
		for _, c := range []struct {
			body   session.Option
			want   string
			length int64
		}{
			{nil, "", 0}, {session.Text(""), "", 0}, {session.Bytes(nil), "", 0}, {session.Reader(bOnce("")), "", 0},
			{session.Text(text), text, int64(len(text))}, {session.Reader(bytes.NewReader([]byte(text))), text, int64(len(text))},
			{session.Reader(bOnce(text)), text, -1},
		} {
			srv := bServe(t, nil)
			client := srv.open(t)
			about := fmt.Sprintf("%s %T", method, c.body)
			_, err := client.Request(t.Context(), method, "http://a.test/", c.body, session.FollowRedirects(true))
			require.NoError(t, err, about)
			bGet(t, client, "http://a.test/after")
			got := srv.requests()
			require.Len(t, got, 2, about)
			bIntact(t, got[0], about)
			bFramedOnce(t, got[0], about)
			assert.Equal(t, c.want, got[0].Body, about)
			if c.want != "" {
				assert.Equal(t, c.length, got[0].ContentLength, about)
			}
			assert.Equal(t, "GET /after HTTP/1.1", got[1].line(), about)
		}
	}
}

// Row: 73
// IDs: CVE-2023-0833 (OkHttp), CVE-2024-6104 (go-retryablehttp)
// Flaw: errors and logs show passwords, tokens and cookies.
// Done: errors name headers and never show values, and URLs in them have their
// passwords masked; values that hold secrets print none; by the library.
func TestCVE_2023_0833_SecretsInErrors(t *testing.T) {
	t.Parallel()
	basic := "dTpodW50ZXIy" // u:hunter2 in base64
	answers := map[string]string{
		"/status":     "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
		"/loop":       bRedirect(302, "/loop"),
		"/scheme":     bRedirect(302, "ftp://u:"+bSecret+"@b.test/"),
		"/port":       bRedirect(302, "http://u:"+bSecret+"@b.test:99999/"),
		"/host":       bRedirect(302, "http://u:"+bSecret+"@b b.test/"),
		"/garbage":    "garbage\r\n\r\n",
		"/short":      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nx",
		"/coding":     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
		"/digest":     "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=NONE\r\nContent-Length: 0\r\n\r\n",
		"/too-large":  "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20) + "\r\nContent-Length: 0\r\n\r\n",
		"/unrewound":  bRedirect(307, "/status"),
		"/bad-cookie": bOK("Set-Cookie: a\x01=1\r\n"),
	}
	srv := bServe(t, func(r *bSent) string {
		if answer, ok := answers[r.URL.Path]; ok {
			return answer
		}
		return bOK()
	})
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, refused.Close())
	closed := refused.Addr().String()
	direct := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, closed)
	}
	failing := errors.New("failed")

	var errs []error
	try := func(s *session.Session, address string, opts ...session.Option) {
		t.Helper()
		for _, auth := range []session.Option{
			nil, session.BasicAuth("u", bSecret), session.BearerAuth(bSecret), session.DigestAuth("u", bSecret),
			session.Header{"Authorization": {bSecret}, "Proxy-Authorization": {bSecret}}, session.Cookies{"c": bSecret},
		} {
			resp, err := s.Post(t.Context(), address, append([]session.Option{session.Header{"X-Token": {bSecret}}, auth}, opts...)...)
			if err == nil {
				err = resp.CheckStatus()
			}
			errs = append(errs, err)
		}
	}
	for path := range answers {
		client := srv.open(t)
		try(client, "http://u:"+bSecret+"@a.test"+path, session.Reader(bOnce("x")))
		try(client, "http://u:"+bSecret+"@a.test"+path, session.FollowRedirects(true), &session.Retry{Total: 1, Statuses: []int{500}, Methods: []string{"*"}})
	}
	for _, address := range []string{
		"http://u:" + bSecret + "@a.test:port/", "http://u:" + bSecret + "@a.test:99999/", "http://u:" + bSecret + "@/", "http://u:" + bSecret + "@a b/",
		"http//u:" + bSecret + "@a.test/", "//u:" + bSecret + "@a.test/", "u:" + bSecret + "@a.test", "ftp://u:" + bSecret + "@a.test/", "http:u:" + bSecret + "@a.test/",
		"http:///u:" + bSecret + "@a.test/", "http://u:" + bSecret + "@[::1/", "http://u:" + bSecret + "\x00@a.test:x/", "http://u:" + bSecret + "/@a.test:x/", "http://u:" + bSecret + "%zz@a.test:x/",
	} {
		try(srv.open(t), address)
	}
	for _, proxy := range []string{
		"http://u:" + bSecret + "@proxy.test:port", "u:" + bSecret + "@proxy.test:x", "ftp://u:" + bSecret + "@proxy.test", "http://u:" + bSecret + "@", "://u:" + bSecret + "@x",
		"http://u:" + bSecret + "@proxy.test:3128", "https://u:" + bSecret + "@proxy.test", "socks5://u:" + bSecret + "@proxy.test",
	} {
		try(bDialing(t, direct), "https://a.test/", session.Proxies{"all": proxy})
		try(bDialing(t, direct), "http://a.test/", session.Proxies{"all": proxy})
	}
	try(bDialing(t, direct), "https://u:"+bSecret+"@a.test/")
	try(srv.open(t), "https://u:"+bSecret+"@a.test/", session.VerifyDefault)
	try(srv.open(t), "http://u:"+bSecret+"@a.test/", session.Hooks{Response: []session.ResponseHook{
		func(*session.Response) (*session.Response, error) { return nil, failing },
	}})
	try(srv.open(t), "http://a.test/", session.Reader(io.MultiReader(strings.NewReader("x"), bBroken{failing})))
	try(srv.open(t), "http://a.test/", session.Timeout{Total: time.Nanosecond})
	try(srv.open(t), "http://a.test/", session.Header{"X": {bSecret + "\n"}})
	try(srv.open(t), "http://a.test/", session.JSON(func() {}))
	try(srv.open(t), "https://a.test/", session.CertFile{Cert: "missing"})
	try(srv.open(t), "https://a.test/", session.CAFile("missing"))
	failures := 0
	for _, err := range errs {
		if err != nil {
			failures++
			bHides(t, err, basic)
		}
	}
	assert.Greater(t, failures, 250)

	for _, value := range []any{
		session.BasicAuth("u", bSecret), session.BearerAuth(bSecret), session.DigestAuth("u", bSecret), session.Proxies{"all": "http://u:" + bSecret + "@p.test"},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			shown := fmt.Sprintf(verb, value)
			assert.NotContains(t, shown, bSecret)
			assert.NotContains(t, shown, fmt.Sprintf("%x", bSecret))
		}
	}
}

// bBroken is a reader that fails.
type bBroken struct{ err error }

func (b bBroken) Read([]byte) (int, error) { return 0, b.err }

// Row: 74
// IDs: CVE-2023-45286 (resty)
// Flaw: a buffer is given back twice, so that one request is sent with the body
// of another, to another server.
// Done: a body belongs to its request from beginning to end, through redirects
// and retries; by the library.
func TestCVE_2023_45286_BodiesAreNeverMixed(t *testing.T) {
	t.Parallel()
	var wrong, first atomic.Int64
	handle := func(host string) func(*bSent) string {
		var tried sync.Map
		return func(r *bSent) string {
			id := r.Header.Get("X-Id")
			if r.Host != host || !strings.HasPrefix(id, host+" ") || !bOwnBody(r, id) {
				wrong.Add(1)
			}
			if _, again := tried.LoadOrStore(id, true); !again {
				first.Add(1)
				if strings.HasSuffix(id, "7") {
					return bRedirect(307, "/")
				}
				return "HTTP/1.1 503 Again\r\nContent-Length: 0\r\n\r\n"
			}
			return bOK()
		}
	}
	a, b := bServe(t, handle("a.test")), bServe(t, handle("b.test"))
	client := bDialing(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasPrefix(addr, "a.test") {
			return a.dial(ctx, network, addr)
		}
		return b.dial(ctx, network, addr)
	})
	client.Retry = &session.Retry{Total: 2, Statuses: []int{503}, Methods: []string{"*"}}
	const workers, each = 64, 24
	var running sync.WaitGroup
	for worker := range workers {
		running.Go(func() {
			for i := range each {
				host := []string{"a.test", "b.test"}[(worker+i)%2]
				id := fmt.Sprintf("%s %d-%d", host, worker, i)
				_, err := client.Post(t.Context(), "http://"+host+"/", session.Header{"X-Id": {id}}, bBodies(id)[i%6])
				assert.NoError(t, err)
			}
		})
	}
	running.Wait()
	assert.Zero(t, wrong.Load())
	assert.EqualValues(t, workers*each, first.Load())
}

// bText is a body that only id has.
func bText(id string) string { return strings.Repeat(id+"; ", 50) }

// bBodies are the kinds of body, all with the text of an id.
func bBodies(id string) []session.Option {
	text := bText(id)
	return []session.Option{
		session.Text(text), session.Bytes(text), session.Form{"text": {text}}, session.JSON(text), session.Reader(strings.NewReader(text)),
		session.Files{{Field: "f", Name: "f", Content: session.Text(text)}},
	}
}

// bOwnBody reports whether a request has the body of an id and nothing else.
func bOwnBody(r *bSent, id string) bool {
	text := bText(id)
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/x-www-form-urlencoded":
		return r.Body == url.Values{"text": {text}}.Encode()
	case "application/json":
		return r.Body == `"`+text+`"`
	case "multipart/form-data":
		return strings.Count(r.Body, id+"; ") == 50 && strings.Count(r.Body, "; ") == 52
	}
	return r.Body == text
}

// Row: 75
// IDs: CVE-2021-22897 (curl)
// Flaw: a TLS setting of one transfer takes effect on all others.
// Done: settings belong to a request; each has connections of its own; by the
// library.
func TestCVE_2021_22897_TLSSettingsStayApart(t *testing.T) {
	t.Parallel()
	srv := bServe(t, nil)
	shared := srv.open(t)
	shared.Verify = nil
	apart := srv.open(t)
	apart.Verify = session.InsecureSkipVerify
	strict := apart.Clone()
	strict.Verify = session.VerifyDefault
	var trusting atomic.Int64
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 4 {
				for _, c := range []struct {
					client *session.Session
					verify session.Option
					trusts bool
				}{
					{shared, nil, false}, {shared, session.InsecureSkipVerify, true}, {apart, nil, true}, {apart, session.VerifyDefault, false}, {strict, nil, false},
				} {
					_, err := c.client.Get(t.Context(), "https://a.test/", c.verify)
					if c.trusts {
						trusting.Add(1)
						assert.NoError(t, err)
					} else {
						assert.ErrorIs(t, err, session.ErrTLS)
					}
				}
			}
		})
	}
	running.Wait()
	assert.EqualValues(t, trusting.Load(), len(srv.requests()), "no other request came through")
}

// Row: 76
// IDs: CVE-2015-3236 (curl)
// Flaw: credentials that were taken off a session are sent all the same, as by
// the connection that they were used on.
// Done: each request reads the settings afresh, and a connection holds none of
// them; one through a proxy is used only for the same proxy and user; by both.
func TestCVE_2015_3236_WhatIsTakenOffIsGone(t *testing.T) {
	t.Parallel()
	srv := bServe(t, func(r *bSent) string {
		if strings.HasPrefix(r.Header.Get("Authorization"), "Basic") || r.Header.Get("Authorization") != "" || r.URL.Path != "/digest" {
			return bOK()
		}
		return "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\n"
	})
	client := srv.open(t)
	clean := func(what string) {
		t.Helper()
		before := srv.last(t)
		bGet(t, client, "http://a.test/")
		r := srv.last(t)
		assert.Equal(t, before.Conn, r.Conn, "%s: the connection is the same", what)
		for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Token"} {
			assert.Empty(t, r.Header[name], what)
		}
	}
	for what, auth := range map[string]session.Auth{
		"basic": session.BasicAuth("u", "p"), "bearer": session.BearerAuth("t"), "digest": session.DigestAuth("u", "p"),
		"func": session.AuthFunc(func(req *http.Request) error { req.Header.Set("X-Token", "t"); return nil }),
	} {
		client.Auth = auth
		bGet(t, client, "http://a.test/"+what)
		assert.NotEmpty(t, srv.last(t).Header.Get("Authorization")+srv.last(t).Header.Get("X-Token"), what)
		client.Auth = nil
		clean(what)
		bGet(t, client, "http://a.test/"+what, session.OptionFunc(func(r *session.Request) { r.Auth = auth }))
		clean(what + " of one request")
	}
	client.Header.Set("Authorization", "t")
	client.Header.Set("Cookie", "a=1")
	client.Header.Set("X-Token", "t")
	bGet(t, client, "http://a.test/")
	assert.Equal(t, "t", srv.last(t).Header.Get("X-Token"))
	for _, name := range []string{"Authorization", "Cookie", "X-Token"} {
		client.Header.Del(name)
	}
	clean("headers")
	bGet(t, client, "http://u:p@a.test/", session.Cookies{"a": "1"})
	assert.NotEmpty(t, srv.last(t).Header.Get("Authorization"))
	clean("user information and cookies")
	require.NoError(t, client.Jar.(*session.Jar).Set(bURL(t, "http://a.test/"), session.Cookie{Name: "a", Value: "1"}))
	assert.Equal(t, "a=1", srv.bCookie(t, client, "http://a.test/"))
	client.Jar.(*session.Jar).Clear()
	clean("the jar")

	client.Proxies = session.Proxies{"http": "http://u:p@proxy.test:3128"}
	bGet(t, client, "http://a.test/")
	assert.NotEmpty(t, srv.last(t).Header.Get("Proxy-Authorization"))
	client.Proxies = session.Proxies{"http": "http://proxy.test:3128"}
	bGet(t, client, "http://a.test/")
	assert.Empty(t, srv.last(t).Header.Get("Proxy-Authorization"))
	assert.Equal(t, "GET http://a.test/ HTTP/1.1", srv.last(t).line())
	client.Proxies = nil
	bGet(t, client, "http://a.test/")
	assert.Empty(t, srv.last(t).Header.Get("Proxy-Authorization"))
	assert.Equal(t, "GET / HTTP/1.1", srv.last(t).line())
}
