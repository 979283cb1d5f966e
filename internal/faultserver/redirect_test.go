package faultserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// redirecting answers each request with a redirect to what to says, or with OK
// where that is "".
func redirecting(status string, to func(r faultserver.Request) string) faultserver.Script {
	return func(c *faultserver.Conn) {
		for {
			location := to(c.ReadRequest())
			if location == "" {
				c.Write(faultserver.OK)
				continue
			}
			c.Write(answer(status, "Location: "+location+"\r\n", "moved"))
		}
	}
}

// once redirects the path / to location, and no other.
func once(status, location string) faultserver.Script {
	return redirecting(status, func(r faultserver.Request) string {
		if r.RequestURI == "/start" {
			return location
		}
		return ""
	})
}

func TestFaultsOfLocations(t *testing.T) {
	xGroup(t)
	for name, to := range map[string]func(r faultserver.Request) string{
		"F55_to_itself": func(faultserver.Request) string { return "/start" },
		"F56_to_and_fro": func(r faultserver.Request) string {
			if r.Host == "a.test" {
				return "http://b.test/start"
			}
			return "http://a.test/start"
		},
		"F56_growing_URL": func(r faultserver.Request) string { return r.RequestURI + strings.Repeat("/x", 1000) },
	} {
		t.Run(name, func(t *testing.T) { bubble(t, func(t *testing.T) { redirectLoop(t, to) }) })
	}
	for _, tc := range []struct{ status, location string }{
		{"302 Found", ""},
		{"302 Found", "Location: \r\n"},
		{"300 Multiple Choices", "Location: /other\r\n"},
		{"304 Not Modified", "Location: /other\r\n"},
		{"305 Use Proxy", "Location: http://proxy.test/\r\n"},
		{"306 Unused", "Location: /other\r\n"},
		{"309 Unknown", "Location: /other\r\n"},
		{"200 OK", "Location: /other\r\n"},
		{"201 Created", "Location: /other\r\n"},
	} {
		t.Run(fmt.Sprintf("F57_%s_%q", tc.status[:3], strings.TrimSpace(tc.location)), func(t *testing.T) {
			bubble(t, func(t *testing.T) { notFollowed(t, tc.status, tc.location) })
		})
	}
	for _, location := range []string{
		"http://[::1", "http://[::1]x/", "http:///x", "http://", "http://a.test:99999/", "http://a.test:x/",
		"http://a b.test/", "http://\xff.test/", "http://%zz/", "https:",
	} {
		t.Run(fmt.Sprintf("F58_%q", location), func(t *testing.T) {
			bubble(t, func(t *testing.T) { badLocation(t, location) })
		})
	}
	t.Run("F58_NUL", nulInLocation)
	t.Run("F58_scheme_of_another_kind", func(t *testing.T) { bubble(t, foreignLocation) })
	for location, want := range map[string]string{
		"/a b?c d":                  "/a%20b?c%20d",
		"/caf\xc3\xa9?\xc3\xa9":     "/caf%C3%A9?%C3%A9",
		"/100%":                     "/100%25",
		"/%zz":                      "/%25zz",
		"/a%20b":                    "/a%20b",
		"http://a.test\\@b.test:x/": "/%5C@b.test:x/",
		"/tab\tbed":                 "/tabbed",
		"//a.test/p":                "/p",
		"HTTP://A.TEST/p":           "/p",
		"?q":                        "/start?q",
		"p/../q":                    "/q",
		"http://a.test":             "/",
		"/p?a=b&c=%26":              "/p?a=b&c=%26",
	} {
		t.Run(fmt.Sprintf("F59_%q", location), func(t *testing.T) {
			bubble(t, func(t *testing.T) { requoted(t, location, want) })
		})
	}
	t.Run("F59_fragment", func(t *testing.T) { bubble(t, fragments) })
	for _, status := range []string{"307 Temporary Redirect", "308 Permanent Redirect"} {
		t.Run("F60_body_behind_a_"+status[:3], func(t *testing.T) {
			bubble(t, func(t *testing.T) { sentAgain(t, status) })
		})
	}
}

// redirectLoop follows redirects to the end of its patience.
func redirectLoop(t *testing.T, to func(r faultserver.Request) string) {
	for max, want := range map[int]int{0: 30, 3: 3, -1: 0} {
		srv := faultserver.NewPipe(t, redirecting("302 Found", to))
		s := xOpen(t, srv.Dial)
		s.MaxRedirects = max
		upload := newRewindable("upload")
		resp, err := s.Post(t.Context(), "http://a.test/start", session.Reader(upload), &session.Retry{Total: 5})
		assert.Nil(t, resp)
		fault{
			is:    []error{session.ErrTooManyRedirects},
			isNot: []error{session.ErrConnection, session.ErrRetriesExhausted},
		}.assertError(t, err)
		var loop *session.RedirectError
		require.ErrorAs(t, err, &loop)
		assert.Len(t, loop.History, want)
		assert.Len(t, srv.Requests(), want+1)
		assert.True(t, loop.Response.IsRedirect(), "the last one is there to be looked at")
		assert.Equal(t, "moved", xText(t, loop.Response, nil))
		for _, r := range loop.History {
			assert.Equal(t, "moved", xText(t, r, nil), "bodies are read, and closed")
		}
		assert.LessOrEqual(t, srv.Conns(), 2, "one for each host")
		s.kept(t, int32(srv.Conns()))
		upload.closedOnce(t)
	}
}

func notFollowed(t *testing.T, status, location string) {
	srv := faultserver.NewPipe(t, faultserver.Answer(headers0(status, location+"Content-Length: 0")))
	s := xOpen(t, srv.Dial)
	resp, err := s.Get(t.Context(), "http://a.test/start")
	assert.Empty(t, xText(t, resp, err))
	assert.Equal(t, status, resp.Status)
	assert.Empty(t, resp.History)
	assert.Len(t, srv.Requests(), 1)
	next, err := resp.Next()
	assert.NoError(t, err)
	assert.Nil(t, next)
	s.kept(t, 1)
}

// badLocation leads nowhere: nothing more is sent, and the answer itself is to
// be had by not following.
func badLocation(t *testing.T, location string) {
	srv := faultserver.NewPipe(t, once("307 Temporary Redirect", location))
	s := xOpen(t, srv.Dial)
	upload := newRewindable("upload")
	_, err := s.Post(t.Context(), "http://a.test/start", session.Reader(upload), &session.Retry{Total: 5})
	fault{is: []error{session.ErrInvalidURL}, isNot: []error{session.ErrConnection}}.assertError(t, err)
	assert.Len(t, srv.Requests(), 1)
	upload.closedOnce(t)

	resp, err := s.Get(t.Context(), "http://a.test/start", session.FollowRedirects(false))
	assert.Equal(t, "moved", xText(t, resp, err))
	assert.Equal(t, location, resp.Header.Get("Location"))
	_, err = resp.Next()
	assert.ErrorIs(t, err, session.ErrInvalidURL)
	s.released(t)
}

// nulInLocation has no URL to be wrong: net/http refuses a header with NUL.
func nulInLocation(t *testing.T) {
	t.Parallel()
	fault{
		script: faultserver.AnswerAndStall(answer("302 Found", "Location: /a\x00b\r\n", "moved")),
		rule:   idempotent, is: []error{session.ErrProtocol},
	}.check(t)
}

// foreignLocation is a URL, but none that an adapter is mounted for: requests'
// InvalidSchema.
func foreignLocation(t *testing.T) {
	for _, location := range []string{"ftp://a.test/", "file:///etc/passwd", "javascript:alert(1)", "data:,x"} {
		srv := faultserver.NewPipe(t, once("302 Found", location))
		s := xOpen(t, srv.Dial)
		_, err := s.Get(t.Context(), "http://a.test/start")
		fault{is: []error{session.ErrNoAdapter}, isNot: []error{session.ErrConnection}}.assertError(t, err)
		assert.Len(t, srv.Requests(), 1)
	}
}

// requoted leads where a browser and requests would go: a tab is no fault, and
// is left out.
func requoted(t *testing.T, location, want string) {
	srv := faultserver.NewPipe(t, once("302 Found", location))
	s := xOpen(t, srv.Dial)
	resp, err := s.Get(t.Context(), "http://a.test/start")
	assert.Equal(t, "ok", xText(t, resp, err))
	got := srv.Requests()
	require.Len(t, got, 2)
	assert.Equal(t, want, got[1].RequestURI)
	assert.Equal(t, "a.test", got[1].Host)
	require.Len(t, resp.History, 1)
	assert.Equal(t, 1, srv.Conns())
}

// fragments are carried over to a Location that has none (RFC 9110 section
// 10.2.2), and are never sent.
func fragments(t *testing.T) {
	for location, want := range map[string]string{"/p": "old", "/p#new": "new", "/p#": "old", "/p#a b": "a b"} {
		srv := faultserver.NewPipe(t, once("302 Found", location))
		s := xOpen(t, srv.Dial)
		resp, err := s.Get(t.Context(), "http://a.test/start#old")
		assert.Equal(t, "ok", xText(t, resp, err))
		assert.Equal(t, want, resp.URL().Fragment, location)
		for _, r := range srv.Requests() {
			assert.NotContains(t, r.RequestURI, "#")
		}
	}
}

func sentAgain(t *testing.T, status string) {
	content := strings.Repeat("upload", 10_000)
	for name, body := range map[string]func() (session.Body, func(testing.TB)){
		"bytes": func() (session.Body, func(testing.TB)) { return session.Bytes(content), func(testing.TB) {} },
		"reader": func() (session.Body, func(testing.TB)) {
			upload := newRewindable(content)
			return session.Reader(upload), upload.closedOnce
		},
	} {
		srv := faultserver.NewPipe(t, once(status, "/end"))
		s := xOpen(t, srv.Dial)
		given, closedOnce := body()
		resp, err := s.Send(t.Context(), &session.Request{Method: "PUT", URL: "http://a.test/start", Body: given})
		assert.Equal(t, "ok", xText(t, resp, err), name)
		got := srv.Requests()
		require.Len(t, got, 2, name)
		for _, r := range got {
			assert.Equal(t, "PUT", r.Method, name)
			assert.Equal(t, content, r.Content, name)
			assert.EqualValues(t, len(content), r.ContentLength, name)
		}
		closedOnce(t)
		s.kept(t, 1)
	}
}
