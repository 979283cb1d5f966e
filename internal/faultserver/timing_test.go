package faultserver_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// timesOut is an exchange that ends by a timeout of reading, of 3 s.
func timesOut(script faultserver.Script, rule rule) fault {
	return fault{
		serve: faultserver.NewPipe, script: script, rule: rule,
		options: []session.Option{session.Timeout{Connect: time.Hour, Read: 3 * time.Second, Total: time.Hour}},
		is:      []error{session.ErrReadTimeout, session.ErrTimeout, context.DeadlineExceeded},
		isNot:   []error{session.ErrConnection, session.ErrIncompleteBody, session.ErrTotalTimeout, context.Canceled},
	}
}

// drip sends text again and again, with a pause before each, until the client
// hangs up; n times if n is positive.
func drip(c *faultserver.Conn, n int, pause time.Duration, text string) {
	for i := 0; n <= 0 || i < n; i++ {
		time.Sleep(pause)
		c.Write(text)
	}
}

// dripping answers a request with head, and drips behind it.
func dripping(head string, n int, pause time.Duration, text string) faultserver.Script {
	return func(c *faultserver.Conn) {
		c.ReadRequest()
		c.Write(head)
		drip(c, n, pause, text)
		c.Stall()
	}
}

func TestFaultsOfTiming(t *testing.T) {
	xGroup(t)
	const endless = 0
	stalledBody := timesOut(faultserver.AnswerAndStall("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"), never)
	stalledBody.partial = "ab"
	stalledChunk := timesOut(faultserver.AnswerAndStall(chunked("2\r\nab\r\n5\r\nc")), never)
	stalledChunk.partial = "abc"
	for name, f := range map[string]fault{
		"F36_103_drip":             timesOut(dripping("", endless, time.Second, "HTTP/1.1 103 Early Hints\r\n\r\n"), idempotent),
		"F40_no_answer":            timesOut(faultserver.AnswerAndStall(""), idempotent),
		"F40_half_a_header":        timesOut(faultserver.AnswerAndStall("HTTP/1.1 200 OK\r\nContent-Le"), idempotent),
		"F41_header_drip":          timesOut(dripping("HTTP/1.1 200 OK\r\n", endless, time.Second, "X: y\r\n"), idempotent),
		"F42_body_that_stalls":     stalledBody,
		"F42_chunk_that_stalls":    stalledChunk,
		"F42_drip_and_then_stalls": timesOut(dripping(chunked(""), 10, 2*time.Second, "1\r\nx\r\n"), never),
	} {
		t.Run(name, func(t *testing.T) { bubble(t, f.check) })
	}
	for name, f := range map[string]func(*testing.T){
		"F36_103_drip_ends_with_the_context":  dripUntilCanceled,
		"F40_ResponseHeaderTimeout":           responseHeaderTimeout,
		"F42_body_drip_that_comes_to_its_end": slowBody,
		"F43_body_drip_for_ever":              endlessBody,
		"F44_upload_that_is_not_read":         uploadNotRead,
	} {
		t.Run(name, func(t *testing.T) { bubble(t, f) })
	}
	for name, f := range map[string]func(*testing.T){
		"F45_early_413":                 earlyAnswer,
		"F46_refused_before_the_body":   refusedExpectation,
		"F46_refused_but_kept_open":     refusedButKept,
		"F46_100_and_then_the_body":     grantedExpectation,
		"F46_silence_and_then_the_body": silentExpectation,
	} {
		t.Run(name, f)
	}
}

// piped is a session and a server in one bubble.
func piped(t *testing.T, script faultserver.Script, change ...func(*http.Transport)) (*faultserver.Server, *xClient) {
	t.Helper()
	srv := faultserver.NewPipe(t, script)
	return srv, xOpen(t, srv.Dial, change...)
}

func dripUntilCanceled(t *testing.T) {
	srv, s := piped(t, dripping("", 0, time.Second, "HTTP/1.1 103 Early Hints\r\n\r\n"))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Second, cancel)
	start := time.Now()
	_, err := s.Get(ctx, "http://a.test/", &session.Retry{Total: 1})
	assert.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, session.ErrTimeout)
	assert.Equal(t, 5*time.Second, time.Since(start))
	assert.Equal(t, 1, srv.Conns(), "what was canceled is not made again")
	srv.AwaitIdle(t)
	s.kept(t, 0)
}

func responseHeaderTimeout(t *testing.T) {
	srv, s := piped(t, faultserver.AnswerAndStall(""), func(base *http.Transport) {
		base.ResponseHeaderTimeout = 3 * time.Second
	})
	start := time.Now()
	_, err := s.Get(t.Context(), "http://a.test/", &session.Retry{Total: 1})
	fault{is: []error{session.ErrReadTimeout, session.ErrRetriesExhausted, context.DeadlineExceeded}}.assertError(t, err)
	assert.Equal(t, 6*time.Second, time.Since(start))
	srv.AwaitIdle(t)
	s.kept(t, 0)
}

// slowBody takes 20 s, but no wait is longer than 2 s.
func slowBody(t *testing.T) {
	srv, s := piped(t, dripping("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", 10, 2*time.Second, "x"))
	start := time.Now()
	resp, err := s.Get(t.Context(), "http://a.test/", session.Timeout{Read: 3 * time.Second})
	assert.Equal(t, "xxxxxxxxxx", xText(t, resp, err))
	assert.Equal(t, 20*time.Second, time.Since(start))
	s.kept(t, 1)
	assert.Equal(t, 1, srv.Open())
}

func endlessBody(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		srv, s := piped(t, dripping(chunked(""), 0, time.Second, "1\r\nx\r\n"))
		limits := session.Timeout{Read: 3 * time.Second, Total: time.Minute + time.Second/2}
		start := time.Now()
		resp, err := s.Get(t.Context(), "http://a.test/", limits, session.Stream(streamed), &session.Retry{Total: 1})
		if streamed {
			require.NoError(t, err)
			var content []byte
			content, err = resp.Bytes()
			assert.Len(t, content, 60, "what came is kept")
		}
		assert.ErrorIs(t, err, session.ErrTotalTimeout)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.NotErrorIs(t, err, session.ErrReadTimeout)
		assert.Equal(t, limits.Total, time.Since(start))
		assert.Equal(t, 1, srv.Conns())
		srv.AwaitIdle(t)
		s.kept(t, 0)
	}
}

// uploadNotRead ends by the timeout of reading: there is none of writing, as
// there is none in requests, and Read bounds each wait for the server, that for
// taking what is sent among them.
func uploadNotRead(t *testing.T) {
	for method, attempts := range map[string]int{"POST": 1, "PUT": 2} {
		srv, s := piped(t, func(c *faultserver.Conn) {
			c.ReadHead()
			c.Freeze()
		})
		upload := newRewindable(strings.Repeat("x", 1<<20))
		start := time.Now()
		_, err := s.Request(t.Context(), method, "http://a.test/", session.Reader(upload),
			session.Timeout{Read: 3 * time.Second}, &session.Retry{Total: 1})
		assert.ErrorIs(t, err, session.ErrReadTimeout)
		assert.Equal(t, time.Duration(attempts)*3*time.Second, time.Since(start))
		assert.Equal(t, attempts, srv.Conns(), method)
		upload.closedOnce(t)
		s.kept(t, 0)
	}
}

// zeros is a body of 64 MiB, which can be sent once.
type zeros struct {
	io.Reader
	read, closed atomic.Int64
}

const zerosLength = 64 << 20

func newZeros() *zeros {
	z := new(zeros)
	z.Reader = io.LimitReader(readerFunc(func(p []byte) (int, error) {
		clear(p)
		z.read.Add(int64(len(p)))
		return len(p), nil
	}), zerosLength)
	return z
}

func (z *zeros) Close() error {
	z.closed.Add(1)
	return nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func earlyAnswer(t *testing.T) {
	t.Parallel()
	for name, close := range map[string]func(c *faultserver.Conn, answered <-chan struct{}){
		"and a FIN":          func(c *faultserver.Conn, _ <-chan struct{}) { c.FIN() },
		"and silence":        func(c *faultserver.Conn, _ <-chan struct{}) { c.Freeze() },
		"and a RST after it": func(c *faultserver.Conn, answered <-chan struct{}) { c.Wait(answered); c.RST() },
	} {
		for _, header := range []string{"", "Connection: close\r\n"} {
			answered := make(chan struct{})
			srv := faultserver.New(t, faultserver.Sequence(func(c *faultserver.Conn) {
				c.ReadHead()
				c.Write(answer("413 Content Too Large", header, "no"))
				close(c, answered)
			}, faultserver.Answer(faultserver.OK)))
			s := xOpen(t, srv.Dial)
			upload := newZeros()
			resp, err := s.Post(t.Context(), "http://a.test/", session.Reader(upload))
			what := fmt.Sprintf("%s, %q", name, header)
			assert.Equal(t, "no", xText(t, resp, err), what)
			assert.Equal(t, 413, resp.StatusCode, what)
			unblock(answered)
			assert.Eventually(t, func() bool { return upload.closed.Load() > 0 }, 2*time.Second, time.Millisecond, what)
			s.kept(t, 0)
			if name != "and a FIN" { // which takes the rest, and may be done before the client gives up
				assert.Less(t, upload.read.Load(), int64(zerosLength), what)
			}
			assert.EqualValues(t, 1, upload.closed.Load(), what)

			resp, err = s.Get(t.Context(), "http://a.test/")
			assert.Equal(t, "ok", xText(t, resp, err), what)
			assert.Equal(t, 2, srv.Requests()[1].Conn, what)
		}
	}
}

func unblock(told chan struct{}) { close(told) }

func refusedExpectation(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"417 Expectation Failed", "401 Unauthorized"} {
		srv := faultserver.New(t, faultserver.Sequence(func(c *faultserver.Conn) {
			c.ReadHead()
			c.Write(answer(status, "Connection: close\r\n", "no"))
			c.Stall()
		}, faultserver.Answer(faultserver.OK)))
		s := xOpen(t, srv.Dial, longExpectation)
		upload := newZeros()
		resp, err := s.Post(t.Context(), "http://a.test/", session.Reader(upload), session.Header{"Expect": {"100-continue"}})
		assert.Equal(t, "no", xText(t, resp, err), status)
		assert.Equal(t, status, resp.Status)
		assert.Equal(t, "100-continue", srv.Requests()[0].Header.Get("Expect"))
		srv.AwaitIdle(t)
		s.kept(t, 0)
		assert.Zero(t, upload.read.Load(), status)
		assert.Eventually(t, func() bool { return upload.closed.Load() > 0 }, 2*time.Second, time.Millisecond, status)
		assert.EqualValues(t, 1, upload.closed.Load(), status)
		resp, err = s.Get(t.Context(), "http://a.test/")
		assert.Equal(t, "ok", xText(t, resp, err), status)
		assert.Equal(t, 2, srv.Conns())
	}
}

// refusedButKept has a server that keeps the connection: the body is sent to it
// all the same, or the next request would be taken for it (RFC 9110 section 10.1.1).
func refusedButKept(t *testing.T) {
	t.Parallel()
	srv := faultserver.New(t, faultserver.Sequence(func(c *faultserver.Conn) {
		refused := c.ReadHead()
		c.Write(answer("417 Expectation Failed", "", "no"))
		content, _ := io.ReadAll(refused.Body)
		assert.Equal(t, "upload", string(content))
		faultserver.Answer(faultserver.OK)(c)
	}, faultserver.Answer(faultserver.OK)))
	s := xOpen(t, srv.Dial, longExpectation)
	upload := newRewindable("upload")
	resp, err := s.Post(t.Context(), "http://a.test/", session.Reader(upload), session.Header{"Expect": {"100-continue"}})
	assert.Equal(t, "no", xText(t, resp, err))
	assert.Equal(t, 417, resp.StatusCode)
	resp, err = s.Get(t.Context(), "http://a.test/next")
	assert.Equal(t, "ok", xText(t, resp, err))
	got := srv.Requests()
	assert.Equal(t, "/next", got[len(got)-1].URL.Path)
	upload.closedOnce(t)
}

func longExpectation(base *http.Transport) { base.ExpectContinueTimeout = time.Hour }

func grantedExpectation(t *testing.T) {
	t.Parallel()
	srv := faultserver.New(t, func(c *faultserver.Conn) {
		r := c.ReadHead()
		c.Write("HTTP/1.1 100 Continue\r\n\r\n")
		content, _ := io.ReadAll(r.Body)
		c.Write(answer("200 OK", "", string(content)))
		c.Stall()
	})
	s := xOpen(t, srv.Dial, longExpectation)
	upload := newRewindable("upload")
	resp, err := s.Post(t.Context(), "http://a.test/", session.Reader(upload), session.Header{"Expect": {"100-continue"}})
	assert.Equal(t, "upload", xText(t, resp, err))
	upload.closedOnce(t)
	s.kept(t, 1)
}

func silentExpectation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, s := piped(t, faultserver.Answer(faultserver.OK), func(base *http.Transport) {
			base.ExpectContinueTimeout = time.Second
		})
		upload := newRewindable("upload")
		start := time.Now()
		resp, err := s.Post(t.Context(), "http://a.test/", session.Reader(upload), session.Header{"Expect": {"100-continue"}})
		assert.Equal(t, "ok", xText(t, resp, err))
		assert.Equal(t, time.Second, time.Since(start))
		upload.closedOnce(t)
	})
}
