package session_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// over is a session whose requests go to a function.
func over(t *testing.T, f roundTripper) *session.Session {
	t.Helper()
	s := session.New()
	s.TrustEnv = false
	require.NoError(t, s.Mount("http://", f))
	require.NoError(t, s.Mount("https://", f))
	return s
}

// answering is a session whose every request gets the same answer.
func answering(t *testing.T, status int, header http.Header, body string) *session.Session {
	t.Helper()
	return over(t, func(req *http.Request) (*http.Response, error) {
		return answer(req, status, header.Clone(), body), nil
	})
}

// serving is a session, and the URL of a server that it may ask.
func serving(t *testing.T, handler http.HandlerFunc) (*session.Session, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s := session.New()
	s.TrustEnv = false
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s, server.URL
}

// scripted is the URL of a server that reads each request's head and leaves
// what follows to a function, which is told how many connections came before.
func scripted(t *testing.T, script func(conn net.Conn, n int)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				script(conn, n)
			}
			_ = conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

// sending is the URL of a server that sends the same bytes to whoever asks.
func sending(t *testing.T, answer string) string {
	t.Helper()
	return scripted(t, func(conn net.Conn, _ int) { _, _ = io.WriteString(conn, answer) })
}

func get(t *testing.T, s *session.Session, url string, opts ...session.Option) *session.Response {
	t.Helper()
	resp, err := s.Get(t.Context(), url, opts...)
	require.NoError(t, err)
	return resp
}

func body(t *testing.T, resp *session.Response) string {
	t.Helper()
	content, err := resp.Bytes()
	require.NoError(t, err)
	return string(content)
}

func TestStatusOfAResponse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status                  int
		location                bool
		ok, redirect, permanent bool
	}{
		{status: 200, ok: true},
		{status: 201, location: true, ok: true},
		{status: 204, ok: true},
		{status: 300, location: true, ok: true},
		{status: 301, location: true, ok: true, redirect: true, permanent: true},
		{status: 302, location: true, ok: true, redirect: true},
		{status: 303, location: true, ok: true, redirect: true},
		{status: 304, location: true, ok: true},
		{status: 305, location: true, ok: true},
		{status: 307, location: true, ok: true, redirect: true},
		{status: 308, location: true, ok: true, redirect: true, permanent: true},
		{status: 301, ok: true},
		{status: 308, ok: true},
		{status: 399, ok: true},
		{status: 400},
		{status: 404, location: true},
		{status: 499},
		{status: 500},
		{status: 599},
		{status: 600, ok: true},
		{status: 999, ok: true},
	} {
		t.Run(fmt.Sprintf("%d location=%v", tc.status, tc.location), func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if tc.location {
				header.Set("Location", "/elsewhere")
			}
			resp := get(t, answering(t, tc.status, header, ""), "http://a.test/", session.FollowRedirects(false))
			assert.Equal(t, tc.status, resp.StatusCode)
			assert.Equal(t, tc.ok, resp.OK())
			assert.Equal(t, tc.redirect, resp.IsRedirect())
			assert.Equal(t, tc.permanent, resp.IsPermanentRedirect())
			assert.Equal(t, tc.ok, resp.CheckStatus() == nil)
		})
	}
}

func TestReasonIsTheTextOfTheStatusLine(t *testing.T) {
	t.Parallel()
	s := session.New()
	t.Cleanup(func() { _ = s.Close() })
	for line, want := range map[string]string{
		"HTTP/1.1 404 Not Found":         "Not Found",
		"HTTP/1.1 200 All is well, sir":  "All is well, sir",
		"HTTP/1.1 200 ":                  "",
		"HTTP/1.1 200":                   "",
		"HTTP/1.0 418 I'm a t\xe9apot":   "I'm a t\xe9apot",
		"HTTP/1.1 299 99 bottles of ale": "99 bottles of ale",
	} {
		resp := get(t, s, sending(t, line+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		assert.Equal(t, want, resp.Reason(), "%q", line)
	}
}

func TestCheckStatusReturnsAnErrorWithTheResponse(t *testing.T) {
	t.Parallel()
	for status, side := range map[int]string{404: "client", 503: "server"} {
		s := answering(t, status, http.Header{"X-Why": {"secret"}}, "the reason")
		resp := get(t, s, "http://user:hunter2@a.test/x?y=1")
		err := fmt.Errorf("wrapped: %w", resp.CheckStatus())
		var failed *session.StatusError
		require.ErrorAs(t, err, &failed)
		assert.Same(t, resp, failed.Response)
		assert.Equal(t, "the reason", body(t, failed.Response))
		assert.Contains(t, err.Error(), strconv.Itoa(status)+" "+side)
		assert.Contains(t, err.Error(), http.StatusText(status))
		assert.Contains(t, err.Error(), "a.test/x?y=1")
		assert.NotContains(t, err.Error(), "hunter2")
		assert.NotContains(t, err.Error(), "secret")
	}
	assert.NoError(t, get(t, answering(t, 200, nil, ""), "http://a.test/").CheckStatus())
}

func TestAHostileReasonIsQuotedInErrors(t *testing.T) {
	t.Parallel()
	s := session.New()
	t.Cleanup(func() { _ = s.Close() })
	resp := get(t, s, sending(t, "HTTP/1.1 500 \x1b[31m"+strings.Repeat("x", 5000)+"\r\nContent-Length: 0\r\n\r\n"))
	text := resp.CheckStatus().Error()
	assert.NotContains(t, text, "\x1b")
	assert.Less(t, len(text), 300)
}

func TestABodyIsReadAtOnce(t *testing.T) {
	t.Parallel()
	var open atomic.Int32
	s := over(t, func(req *http.Request) (*http.Response, error) {
		open.Add(1)
		resp := answer(req, 200, nil, "all of it")
		resp.Body = onClose{resp.Body, func() { open.Add(-1) }}
		return resp, nil
	})
	resp := get(t, s, "http://a.test/")
	assert.Zero(t, open.Load(), "closed before the caller has the response")
	for range 2 {
		assert.Equal(t, "all of it", body(t, resp))
		text, err := resp.Text()
		require.NoError(t, err)
		assert.Equal(t, "all of it", text)
	}
	again, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "all of it", string(again), "Body gives it too")
	assert.NoError(t, resp.Close())
	assert.NoError(t, resp.Close())
	assert.Equal(t, "all of it", body(t, resp), "closing takes nothing away")
}

type onClose struct {
	io.Reader
	f func()
}

func (c onClose) Close() error { c.f(); return nil }

func TestAStreamedBodyIsLeftToTheCaller(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s, url := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "early ")
		w.(http.Flusher).Flush()
		<-release
		_, _ = io.WriteString(w, "late")
	})
	for name, opt := range map[string]func(*session.Session) session.Option{
		"of the request": func(*session.Session) session.Option { return session.Stream(true) },
		"of the session": func(s *session.Session) session.Option { s.Stream = true; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			resp := get(t, s, url, opt(s))
			early := make([]byte, 6)
			_, err := io.ReadFull(resp.Body, early)
			require.NoError(t, err)
			assert.Equal(t, "early ", string(early))
			release <- struct{}{}
			assert.Equal(t, "late", body(t, resp), "Bytes gives the rest")
			assert.Equal(t, "late", body(t, resp), "and again")
		})
	}
}

func TestOneRequestMayUndoTheSessionsStream(t *testing.T) {
	t.Parallel()
	closed := false
	s := over(t, func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, nil, "x")
		resp.Body = onClose{resp.Body, func() { closed = true }}
		return resp, nil
	})
	s.Stream = true
	get(t, s, "http://a.test/", session.Stream(false))
	assert.True(t, closed)
}

func TestCloseIsIdempotent(t *testing.T) {
	t.Parallel()
	s, url := serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "not read") })
	resp := get(t, s, url, session.Stream(true))
	assert.NoError(t, resp.Close())
	assert.NoError(t, resp.Close())
	assert.NoError(t, resp.Body.Close())
	_, err := resp.Bytes()
	assert.ErrorIs(t, err, http.ErrBodyReadAfterClose)
}

// TestAConnectionIsUsedAgain forgets to close what was read to its end.
func TestAConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(gzipped("some text"))
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/redirect":
			http.Redirect(w, r, "/text", http.StatusFound)
		case "/denied":
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, strings.Repeat("no ", 5000))
		default:
			_, _ = io.WriteString(w, strings.Repeat("line\n", 5000))
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	s := session.New()
	t.Cleanup(func() { _ = s.Close() })

	for _, path := range []string{"/text", "/gzip", "/empty", "/redirect", "/denied"} {
		get(t, s, server.URL+path)
		for _, read := range []func(*session.Response){
			func(r *session.Response) { _, _ = r.Bytes() },
			func(r *session.Response) { _, _ = r.Text() },
			func(r *session.Response) { _, _ = io.Copy(io.Discard, r.Body) },
			func(r *session.Response) { _ = r.JSON(new(any)) },
			func(r *session.Response) {
				for range r.Lines() {
				}
			},
			func(r *session.Response) {
				for range r.Chunks(7) {
				}
			},
		} {
			read(get(t, s, server.URL+path, session.Stream(true)))
		}
		_, err := s.Head(t.Context(), server.URL+path)
		require.NoError(t, err)
	}
	assert.Equal(t, int32(1), connections.Load())
}

// coders make a body in each content coding.
var coders = map[string]func(text string) []byte{
	"gzip":     gzipped,
	"x-gzip":   gzipped,
	"GZip":     gzipped,
	"deflate":  coder(func(w io.Writer) flusher { return zlib.NewWriter(w) }),
	"deflate ": coder(func(w io.Writer) flusher { f, _ := flate.NewWriter(w, 1); return f }), // without zlib's framing
	"br":       coder(func(w io.Writer) flusher { return brotli.NewWriterLevel(w, 1) }),
	"zstd": coder(func(w io.Writer) flusher {
		z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(64<<10))
		return z
	}),
}

type flusher interface {
	io.WriteCloser
	Flush() error
}

// coder makes a function that codes a text in two parts.
func coder(open func(io.Writer) flusher) func(string) []byte {
	return func(text string) []byte {
		var out bytes.Buffer
		w := open(&out)
		_, _ = io.WriteString(w, text[:len(text)/2])
		_ = w.Flush()
		_, _ = io.WriteString(w, text[len(text)/2:])
		_ = w.Close()
		return out.Bytes()
	}
}

func gzipped(text string) []byte {
	return coder(func(w io.Writer) flusher { return gzip.NewWriter(w) })(text)
}

// longText is a text that no coding makes short.
var longText = sync.OnceValue(func() string {
	text := make([]byte, 0, 60_000)
	for i := range 6_000 {
		text = append(strconv.AppendInt(text, int64(i*i*7919), 16), ';')
	}
	return string(text)
})

func TestContentCodingsAreUndone(t *testing.T) {
	t.Parallel()
	text := longText()
	for coding, code := range coders {
		coded := code(text)
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%q stream=%v", coding, stream), func(t *testing.T) {
				t.Parallel()
				s := answering(t, 200, http.Header{"Content-Encoding": {coding}}, string(coded))
				resp := get(t, s, "http://a.test/", session.Stream(stream))
				assert.Equal(t, text, body(t, resp))
				assert.Equal(t, coding, resp.Header.Get("Content-Encoding"), "headers as received")
				assert.Equal(t, int64(len(coded)), resp.ContentLength)
			})
		}
	}
}

func TestStackedCodingsAreUndone(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{
		{"deflate, gzip"},
		{"deflate", "gzip"},
		{"br, identity,, zstd", "gzip "},
		{"gzip, gzip"},
		{"gzip, br, deflate, zstd, gzip"},
	} {
		t.Run(fmt.Sprint(header), func(t *testing.T) {
			t.Parallel()
			coded := "the text"
			for name := range strings.SplitSeq(strings.Join(header, ","), ",") {
				if code := coders[strings.TrimSpace(name)]; code != nil {
					coded = string(code(coded))
				}
			}
			s := answering(t, 200, http.Header{"Content-Encoding": header}, coded)
			assert.Equal(t, "the text", body(t, get(t, s, "http://a.test/")))
		})
	}
}

func TestBodiesThatAreNotUndone(t *testing.T) {
	t.Parallel()
	coded := string(gzipped("text"))
	for name, tc := range map[string]struct {
		status   int
		method   string
		encoding []string
		sent     string
	}{
		"no Content-Encoding":    {200, "GET", nil, coded},
		"an empty one":           {200, "GET", []string{""}, coded},
		"identity":               {200, "GET", []string{"identity"}, coded},
		"an unknown coding":      {200, "GET", []string{"foo"}, coded},
		"a part of a body":       {206, "GET", []string{"gzip"}, coded[3:9]},
		"HEAD":                   {200, "HEAD", []string{"gzip"}, ""},
		"204":                    {204, "GET", []string{"gzip"}, ""},
		"304":                    {304, "GET", []string{"br"}, ""},
		"an empty gzip body":     {200, "GET", []string{"gzip"}, ""},
		"an empty deflate body":  {200, "GET", []string{"deflate"}, ""},
		"an empty br body":       {200, "GET", []string{"br"}, ""},
		"an empty zstd body":     {200, "GET", []string{"zstd"}, ""},
		"an empty stack of them": {200, "GET", []string{"zstd, br, gzip"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answering(t, tc.status, http.Header{"Content-Encoding": tc.encoding}, tc.sent)
			resp, err := s.Request(t.Context(), tc.method, "http://a.test/")
			require.NoError(t, err)
			assert.Equal(t, tc.sent, body(t, resp))
			assert.Equal(t, tc.encoding, resp.Header["Content-Encoding"])
		})
	}
}

func TestWhatFollowsACodedBody(t *testing.T) {
	t.Parallel()
	one, two := string(gzipped("one ")), string(gzipped("two"))
	for name, tc := range map[string]struct{ sent, want string }{
		"members are joined":  {one + two, "one two"},
		"zeros are ignored":   {one + strings.Repeat("\x00", 512), "one "},
		"garbage is ignored":  {one + "and so on", "one "},
		"an empty first part": {string(gzipped("")) + two, "two"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answering(t, 200, http.Header{"Content-Encoding": {"gzip"}}, tc.sent)
			assert.Equal(t, tc.want, body(t, get(t, s, "http://a.test/")))
		})
	}
}

func TestADamagedBodyIsAnError(t *testing.T) {
	t.Parallel()
	text := longText()
	damages := map[string]func([]byte) []byte{
		"cut off":          func(b []byte) []byte { return b[:len(b)*9/10] },
		"cut by one byte":  func(b []byte) []byte { return b[:len(b)-1] },
		"plain text":       func([]byte) []byte { return []byte("plain text, not coded at all") },
		"zeros in between": func(b []byte) []byte { return append(b[:len(b)/2:len(b)/2], make([]byte, len(b)/2)...) },
	}
	for coding, code := range coders {
		whole := code(text)
		for name, damage := range damages {
			if coding == "deflate " && name == "plain text" {
				continue // some bytes of it are a whole stream by chance
			}
			t.Run(fmt.Sprintf("%q %s", coding, name), func(t *testing.T) {
				t.Parallel()
				sent := damage(whole)
				s := answering(t, 200, http.Header{"Content-Encoding": {coding}}, string(sent))

				resp, err := s.Get(t.Context(), "http://a.test/")
				assert.Nil(t, resp)
				assert.ErrorIs(t, err, session.ErrDecode)
				assert.NotErrorIs(t, err, session.ErrConnection)

				resp = get(t, s, "http://a.test/", session.Stream(true))
				content, err := resp.Bytes()
				assert.ErrorIs(t, err, session.ErrDecode)
				assert.True(t, strings.HasPrefix(text, string(content)) || name != "cut off")
				if name == "cut off" {
					assert.Greater(t, len(content), len(text)/4, "what came before is there")
					assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
				}
			})
		}
	}
}

func TestABodyThatIsCutOffIsAnError(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	coded := string(gzipped(longText()))
	for name, tc := range map[string]struct{ answer, came string }{
		"length":              {head + "Content-Length: 10\r\n\r\nhello", "hello"},
		"chunk":               {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n9\r\n wo", "hello wo"},
		"no last chunk":       {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello"},
		"no end of trailers":  {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "hello"},
		"bad size of a chunk": {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", "hello"},
		"nothing came":        {head + "Content-Length: 10\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := session.New()
			t.Cleanup(func() { _ = s.Close() })
			url := sending(t, tc.answer)

			resp, err := s.Get(t.Context(), url)
			assert.Nil(t, resp)
			assert.ErrorIs(t, err, session.ErrIncompleteBody)

			resp = get(t, s, url, session.Stream(true))
			for range 2 {
				content, err := resp.Bytes()
				assert.Equal(t, tc.came, string(content))
				assert.ErrorIs(t, err, session.ErrIncompleteBody)
			}
			_, err = resp.Text()
			assert.ErrorIs(t, err, session.ErrIncompleteBody)
			assert.ErrorIs(t, resp.JSON(new(any)), session.ErrIncompleteBody)
		})
	}
	t.Run("inside a coding", func(t *testing.T) {
		t.Parallel()
		s := session.New()
		t.Cleanup(func() { _ = s.Close() })
		url := sending(t, fmt.Sprintf(head+"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(coded), coded[:len(coded)/2]))
		resp := get(t, s, url, session.Stream(true))
		content, err := resp.Bytes()
		assert.ErrorIs(t, err, session.ErrIncompleteBody, "the connection is to blame, not the coding")
		assert.NotErrorIs(t, err, session.ErrDecode)
		assert.True(t, strings.HasPrefix(longText(), string(content)))
		assert.NotEmpty(t, content)
	})
}

func TestABombIsALimitError(t *testing.T) {
	t.Parallel()
	bomb := coders["zstd"](strings.Repeat("\x00", 40<<20))
	s := answering(t, 200, http.Header{"Content-Encoding": {"zstd"}}, string(bomb))
	_, err := s.Get(t.Context(), "http://a.test/")
	assert.ErrorIs(t, err, session.ErrLimit)
	assert.ErrorIs(t, err, session.ErrDecode)
	var limit *session.LimitError
	assert.ErrorAs(t, err, &limit)
}

func TestMoreThanFiveCodingsAreALimitError(t *testing.T) {
	t.Parallel()
	s := answering(t, 200, http.Header{"Content-Encoding": {"gzip, gzip, gzip", "gzip, gzip, gzip"}}, "x")
	_, err := s.Get(t.Context(), "http://a.test/")
	assert.ErrorIs(t, err, session.ErrLimit)
	assert.ErrorIs(t, err, session.ErrDecode)
}

func TestAnUnknownCodingInAStackIsAnError(t *testing.T) {
	t.Parallel()
	s := answering(t, 200, http.Header{"Content-Encoding": {"foo, gzip"}}, string(gzipped("x")))
	_, err := s.Get(t.Context(), "http://a.test/")
	assert.ErrorIs(t, err, session.ErrDecode)
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ contentType, sent, want string }{
		"the header's charset":                    {"text/html; charset=ISO-8859-15", "\xa4", "€"},
		"the header's against the content's":      {"text/html; charset=utf-8", "<meta charset=latin1>\xe9", "<meta charset=latin1>\ufffd"},
		"the header's, quoted, in capitals":       {`text/plain; CHARSET="UTF-16LE"`, "a\x00", "a"},
		"the header's, unknown: UTF-8":            {"text/plain; charset=klingon", "é\xff", "é\ufffd"},
		"the header's, of another script":         {"text/plain; charset=windows-1251", "\xcf\xf0\xe8", "При"},
		"the header's, of several bytes":          {"text/plain; charset=shift_jis", "\x93\xfa\x96\x7b", "日本"},
		"an empty charset counts as none":         {"text/plain; charset=", "é", "é"},
		"a byte order mark of UTF-8 is taken off": {"text/plain", "\xef\xbb\xbfhé", "hé"},
		"a byte order mark of UTF-16LE":           {"text/plain", "\xff\xfeh\x00\xe9\x00", "hé"},
		"a byte order mark of UTF-16BE":           {"text/plain", "\xfe\xff\x00h\x00\xe9", "hé"},
		"a byte order mark of UTF-32LE":           {"", "\xff\xfe\x00\x00h\x00\x00\x00", "h"},
		"valid UTF-8 under text":                  {"text/html", "<p>déjà vu — 日本", "<p>déjà vu — 日本"},
		"valid UTF-8 without a type":              {"", "naïve", "naïve"},
		"a page's meta element":                   {"text/html", `<meta charset="windows-1252">` + "\x93quoted\x94", `<meta charset="windows-1252">` + "“quoted”"},
		"a page's http-equiv":                     {"text/html", `<meta http-equiv=Content-Type content="text/html; charset=koi8-r">` + "\xf0", `<meta http-equiv=Content-Type content="text/html; charset=koi8-r">` + "П"},
		"text that is no UTF-8 is Latin-1":        {"text/plain", "caf\xe9", "café"},
		"JSON that is no UTF-8":                   {"application/json", "\"caf\xe9\"", "\"caf\ufffd\""},
		"nothing at all":                          {"", "", ""},
		"no text":                                 {"application/octet-stream", "\xff\x00\xfe", "\ufffd\x00\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if tc.contentType != "" {
				header.Set("Content-Type", tc.contentType)
			}
			text, err := get(t, answering(t, 200, header, tc.sent), "http://a.test/").Text()
			require.NoError(t, err)
			assert.Equal(t, tc.want, text)
		})
	}
}

func TestEncodingIsWhatTheHeaderSaysOrImplies(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]string{
		"text/html; charset=UTF-8":      "UTF-8",
		"text/html; charset='koi8-r'":   "koi8-r",
		"text/html":                     "ISO-8859-1",
		"application/json":              "utf-8",
		"application/json; charset=x-y": "x-y",
		"image/png":                     "",
		"":                              "",
	} {
		resp := get(t, answering(t, 200, http.Header{"Content-Type": {contentType}}, ""), "http://a.test/")
		assert.Equal(t, want, resp.Encoding(), "%q", contentType)
	}
}

func TestJSONInAnyUnicodeEncoding(t *testing.T) {
	t.Parallel()
	utf16be := "\x00{\x00\"\x00n\x00\"\x00:\x00\"\x00\xe9\x00\"\x00}"
	for name, tc := range map[string]struct{ contentType, sent string }{
		"UTF-8":                     {"application/json", `{"n":"é"}`},
		"UTF-8, said so":            {"application/json; charset=utf-8", `{"n":"é"}`},
		"UTF-8 with a mark":         {"application/json", "\xef\xbb\xbf" + `{"n":"é"}`},
		"UTF-8 with a mark, said":   {"application/json; charset=utf-8", "\xef\xbb\xbf" + `{"n":"é"}`},
		"UTF-16BE":                  {"application/json", utf16be},
		"UTF-16BE with a mark":      {"application/json", "\xfe\xff" + utf16be},
		"UTF-16, said":              {"application/json; charset=utf-16", "\xfe\xff" + utf16be},
		"what the header names":     {"application/json; charset=ISO-8859-1", "{\"n\":\"\xe9\"}"},
		"UTF-8 under an odd name":   {"application/json; charset=klingon", `{"n":"é"}`},
		"under no type":             {"", `{"n":"é"}`},
		"with white space about it": {"text/plain", "\r\n\t " + `{"n":"é"}` + " \n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := get(t, answering(t, 200, http.Header{"Content-Type": {tc.contentType}}, tc.sent), "http://a.test/")
			var into struct{ N string }
			require.NoError(t, resp.JSON(&into))
			assert.Equal(t, "é", into.N)
			generic, err := session.DecodeJSON[map[string]any](resp)
			require.NoError(t, err)
			assert.Equal(t, map[string]any{"n": "é"}, generic)
		})
	}
}

func TestWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{"", "<html>", `{"n":1`, `{"n":1} x`, "\xff\xfe"} {
		resp := get(t, answering(t, 200, nil, sent), "http://a.test/")
		_, err := session.DecodeJSON[any](resp)
		assert.ErrorIs(t, err, session.ErrInvalidJSON, "%q", sent)
		assert.Equal(t, sent, body(t, resp), "the body is still there")
	}
	resp := get(t, answering(t, 200, nil, `{"n":"text"}`), "http://a.test/")
	_, err := session.DecodeJSON[struct{ N int }](resp)
	var mismatch *json.UnmarshalTypeError
	assert.ErrorAs(t, err, &mismatch)
	assert.ErrorIs(t, resp.JSON(nil), session.ErrInvalidJSON)
}

func TestLinksByTheirRel(t *testing.T) {
	t.Parallel()
	resp := get(t, answering(t, 200, http.Header{"Link": {
		`<http://a.test/?page=2>; rel="next"; title="more", <http://a.test/?page=9>; rel=last`,
		`</style.css>; type="text/css"`,
	}}, ""), "http://a.test/")
	assert.Equal(t, map[string]map[string]string{
		"next":       {"url": "http://a.test/?page=2", "rel": "next", "title": "more"},
		"last":       {"url": "http://a.test/?page=9", "rel": "last"},
		"/style.css": {"url": "/style.css", "type": "text/css"},
	}, resp.Links())
	assert.Empty(t, get(t, answering(t, 200, nil, ""), "http://a.test/").Links())
}

func TestCookiesAreThoseOfThisResponse(t *testing.T) {
	t.Parallel()
	s := over(t, func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/" {
			return answer(req, 302, http.Header{"Location": {"/end"}, "Set-Cookie": {"hop=1"}}, ""), nil
		}
		return answer(req, 200, http.Header{"Set-Cookie": {
			"a=b; Path=/x; HttpOnly", "gone=; Max-Age=0", "foreign=1; Domain=b.test", "q=\"v w\"; Domain=a.test",
		}}, ""), nil
	})
	resp := get(t, s, "http://www.a.test/")
	got := map[string]string{}
	for _, cookie := range resp.Cookies() {
		got[cookie.Name] = cookie.Value
	}
	assert.Equal(t, map[string]string{"a": "b", "q": `"v w"`}, got)
	require.Len(t, resp.History, 1)
	require.Len(t, resp.History[0].Cookies(), 1)
	assert.Equal(t, "hop", resp.History[0].Cookies()[0].Name)
	assert.Empty(t, get(t, answering(t, 200, nil, ""), "http://a.test/").Cookies())
}

func TestHistoryHoldsWhatLedHere(t *testing.T) {
	t.Parallel()
	s := over(t, func(req *http.Request) (*http.Response, error) {
		switch req.URL.Path {
		case "/1":
			return answer(req, 302, http.Header{"Location": {"/2"}, "Content-Encoding": {"gzip"}}, string(gzipped("first"))), nil
		case "/2":
			return answer(req, 307, http.Header{"Location": {"/3"}}, "second"), nil
		}
		return answer(req, 200, nil, "third"), nil
	})
	resp := get(t, s, "http://a.test/1")
	assert.Equal(t, "http://a.test/3", resp.URL().String())
	require.Len(t, resp.History, 2)
	for i, want := range []struct {
		path, body string
		status     int
	}{{"/1", "first", 302}, {"/2", "second", 307}} {
		hop := resp.History[i]
		assert.Equal(t, want.path, hop.URL().Path)
		assert.Equal(t, want.status, hop.StatusCode)
		assert.Equal(t, want.body, body(t, hop), "a redirect's body may still be read")
		assert.Len(t, hop.History, i)
	}
	assert.Empty(t, get(t, s, "http://a.test/3").History)
}

func TestElapsedIsTheTimeToTheLastAnswersHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := over(t, func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/first" {
				time.Sleep(time.Hour)
				return answer(req, 302, http.Header{"Location": {"/"}}, ""), nil
			}
			time.Sleep(3 * time.Second)
			resp := answer(req, 200, nil, "")
			resp.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
				time.Sleep(time.Minute)
				return 0, io.EOF
			}))
			return resp, nil
		})
		resp := get(t, s, "http://a.test/first")
		assert.Equal(t, 3*time.Second, resp.Elapsed)
		assert.Equal(t, time.Hour, resp.History[0].Elapsed)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestNextIsTheRequestOfARedirect(t *testing.T) {
	t.Parallel()
	s := over(t, func(req *http.Request) (*http.Response, error) {
		if req.URL.Path != "/start" {
			sent, _ := io.ReadAll(req.Body)
			return answer(req, 200, nil, req.Method+" "+string(sent)), nil
		}
		return answer(req, 307, http.Header{"Location": {"/next#part"}}, ""), nil
	})
	resp, err := s.Post(t.Context(), "http://a.test/start", session.Text("payload"), session.FollowRedirects(false))
	require.NoError(t, err)
	for range 2 {
		next, err := resp.Next()
		require.NoError(t, err)
		assert.Equal(t, "http://a.test/next#part", next.URL.String())
		last, err := s.SendPrepared(next)
		require.NoError(t, err)
		assert.Equal(t, "POST payload", body(t, last))
		end, err := last.Next()
		assert.NoError(t, err)
		assert.Nil(t, end)
	}
}

func TestNextOfABadLocationIsAnError(t *testing.T) {
	t.Parallel()
	s := answering(t, 302, http.Header{"Location": {"http://u:hunter2@bad host/"}}, "")
	resp := get(t, s, "http://a.test/", session.FollowRedirects(false))
	next, err := resp.Next()
	assert.Nil(t, next)
	assert.ErrorIs(t, err, session.ErrInvalidURL)
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestRequestIsTheOneThatWasSent(t *testing.T) {
	t.Parallel()
	s := over(t, func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, http.Header{"Set-Cookie": {"a=b"}}, ""), nil
	})
	s.Header.Set("X-Session", "1")
	s.Params = map[string][]string{"k": {"v"}}
	get(t, s, "http://a.test/")
	resp, err := s.Request(t.Context(), "put", "http://A.test/x", session.Header{"X-Own": {"2"}}, session.Text("body"))
	require.NoError(t, err)
	req := resp.Request
	assert.Equal(t, "PUT", req.Method)
	assert.Equal(t, "http://a.test/x?k=v", req.URL.String())
	assert.Equal(t, "1", req.Header.Get("X-Session"))
	assert.Equal(t, "2", req.Header.Get("X-Own"))
	assert.Equal(t, "a=b", req.Header.Get("Cookie"))
	assert.Equal(t, int64(4), req.ContentLength)
	copied, err := req.GetBody()
	require.NoError(t, err)
	sent, _ := io.ReadAll(copied)
	assert.Equal(t, "body", string(sent))
	assert.Equal(t, resp.URL(), req.URL)
}

func TestChunksGiveTheBodyPieceByPiece(t *testing.T) {
	t.Parallel()
	s := answering(t, 200, nil, "0123456789")
	for _, stream := range []bool{false, true} {
		resp := get(t, s, "http://a.test/", session.Stream(stream))
		var pieces []string
		for piece, err := range resp.Chunks(4) {
			require.NoError(t, err)
			pieces = append(pieces, string(piece))
		}
		assert.Equal(t, []string{"0123", "4567", "89"}, pieces)
	}
	for range get(t, answering(t, 200, nil, ""), "http://a.test/").Chunks(0) {
		assert.Fail(t, "an empty body has no pieces")
	}
}

func TestChunksComeAsTheyAreSent(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	s, url := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		for piece := range next {
			_, _ = io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	})
	resp := get(t, s, url, session.Stream(true))
	sent := []string{"one", "two", "three"}
	next <- sent[0]
	for piece, err := range resp.Chunks(0) {
		require.NoError(t, err)
		assert.Equal(t, sent[0], string(piece))
		if sent = sent[1:]; len(sent) == 0 {
			break
		}
		next <- sent[0]
	}
	close(next)
	assert.Empty(t, sent)
}

func TestChunksEndWithTheError(t *testing.T) {
	t.Parallel()
	s := session.New()
	t.Cleanup(func() { _ = s.Close() })
	resp := get(t, s, sending(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), session.Stream(true))
	var came []byte
	var failed error
	for piece, err := range resp.Chunks(0) {
		assert.NoError(t, failed, "nothing comes after an error")
		came, failed = append(came, piece...), err
	}
	assert.Equal(t, "hello", string(came))
	assert.ErrorIs(t, failed, session.ErrIncompleteBody)
}

func TestLeavingALoopClosesTheResponse(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*session.Response){
		"Chunks": func(r *session.Response) {
			for range r.Chunks(1) {
				break
			}
		},
		"Lines": func(r *session.Response) {
			for range r.Lines() {
				break
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gone := make(chan struct{})
			s, url := serving(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "line\nline\n")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				close(gone)
			})
			resp := get(t, s, url, session.Stream(true))
			leave(resp)
			<-gone
			assert.NoError(t, resp.Close())
		})
	}
}

func TestAnErrorOfTheContextEndsTheBody(t *testing.T) {
	t.Parallel()
	s, url := serving(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := s.Get(ctx, url, session.Stream(true))
	require.NoError(t, err)
	begun := make([]byte, 5)
	_, err = io.ReadFull(resp.Body, begun)
	require.NoError(t, err)
	cancel()
	_, err = resp.Bytes()
	assert.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, session.ErrIncompleteBody)
	var timeout interface{ Timeout() bool }
	assert.False(t, errors.As(err, &timeout) && timeout.Timeout())
}

func TestSwitchingProtocolsWithoutHavingBeenAskedIsAnError(t *testing.T) {
	t.Parallel()
	s := session.New()
	t.Cleanup(func() { _ = s.Close() })
	url := scripted(t, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn) // until the client hangs up
	})
	resp, err := s.Get(t.Context(), url)
	assert.Nil(t, resp)
	assert.ErrorIs(t, err, session.ErrProtocol)
}

// A mounted adapter's body may be one that must not be closed again.
func TestABodyIsClosedOnce(t *testing.T) {
	t.Parallel()
	var closer *closeCounter
	s := over(t, func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, nil, "some text")
		closer = &closeCounter{Reader: resp.Body}
		resp.Body = closer
		return resp, nil
	})
	for what, use := range map[string]func(*session.Response){
		"closed":          func(*session.Response) {},
		"read":            func(resp *session.Response) { body(t, resp) },
		"read by hand":    func(resp *session.Response) { _, _ = io.ReadAll(resp.Body) },
		"chunks":          func(resp *session.Response) { resp.Chunks(3)(func([]byte, error) bool { return true }) },
		"the first chunk": func(resp *session.Response) { resp.Chunks(3)(func([]byte, error) bool { return false }) },
		"closed twice":    func(resp *session.Response) { assert.NoError(t, resp.Body.Close()) },
	} {
		for _, opts := range [][]session.Option{nil, {session.Stream(true)}, {session.Stream(true), session.Timeout{Total: time.Hour, Read: time.Hour}}} {
			resp := get(t, s, "http://a.test/", opts...)
			use(resp)
			require.NoError(t, resp.Close(), what)
			require.NoError(t, resp.Close(), what)
			assert.Equal(t, 1, closer.count(), what)
		}
	}
}

// HEAD and 304 announce a length that does not come. The test has the process
// for itself, whose memory it measures.
func TestALengthWithoutABodyTakesNoMemory(t *testing.T) {
	const rounds = 20
	for what, c := range map[string]struct{ method, status string }{
		"HEAD": {"HEAD", "200 OK"}, "304": {"GET", "304 Not Modified"}, "204": {"GET", "204 No Content"},
	} {
		address := sending(t, "HTTP/1.1 "+c.status+"\r\nContent-Length: 1000000000\r\n\r\n")
		s := session.New()
		ask := func() {
			resp, err := s.Request(t.Context(), c.method, address)
			require.NoError(t, err, what)
			require.Empty(t, body(t, resp))
		}
		ask()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			ask()
		}
		runtime.ReadMemStats(&after)
		assert.Less(t, int(after.TotalAlloc-before.TotalAlloc)/rounds, 256<<10, what)
		require.NoError(t, s.Close())
	}
}

// TestClosingAStreamOfHTTP2DoesNotWait has an hour for draining, which would
// outlast the test.
func TestClosingAStreamOfHTTP2DoesNotWait(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s := session.New()
	defer s.Close()
	resp, err := s.Get(ctx, srv.URL, session.Stream(true), session.InsecureSkipVerify, session.Limits{DrainTime: time.Hour})
	require.NoError(t, err)
	require.Equal(t, 2, resp.ProtoMajor)
	require.NoError(t, resp.Close())
	assert.NoError(t, ctx.Err())
}
