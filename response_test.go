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
	"strconv"
	"strings"
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

// transport is a function as an adapter.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// reply is an answer as a transport would give it.
func reply(req *http.Request, status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Status: strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// over is a session whose requests go to a function.
func over(t *testing.T, f transport) *session.Session {
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
		return reply(req, status, header.Clone(), body), nil
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
		status                 int
		location               bool
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
		resp := reply(req, 200, nil, "all of it")
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
