package faultserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// xMoved is a redirect with a body.
func xMoved(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: /next\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// xRedirecting answers "ok" to what is asked for /next, and a redirect else.
func xRedirecting(redirect string) faultserver.Script {
	return func(c *faultserver.Conn) {
		for {
			if r := c.ReadRequest(); r.URL.Path == "/next" {
				c.Write(faultserver.OK)
			} else {
				c.Write(redirect)
			}
		}
	}
}

func TestFaultsOfRedirects(t *testing.T) {
	xGroup(t)

	for _, status := range []int{307, 308} {
		t.Run(fmt.Sprintf("F61_%d_of_a_body_to_be_read_once", status), func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, xRedirecting(xMoved(status, "gone")))
			c := xOpen(t, srv.Dial)
			body := xReader("abc")
			_, err := c.Post(t.Context(), "http://a.test/", session.Reader(body))
			require.ErrorIs(t, err, session.ErrUnrewindableBody)
			assert.NotErrorIs(t, err, session.ErrConnection)
			assert.Len(t, srv.Requests(), 1, "it is not sent on without its body")
			body.closedOnce(t)

			req, err := http.NewRequestWithContext(t.Context(), "POST", "http://a.test/", xReader("abc"))
			require.NoError(t, err)
			resp, err := c.Do(req)
			require.NoError(t, err, "net/http returns the redirect, and so does Do")
			assert.Equal(t, status, resp.StatusCode)
			require.NoError(t, resp.Body.Close())
			assert.Len(t, srv.Requests(), 2)
		})
	}

	for _, x := range []struct {
		status int
		want   map[string]string // the method that follows, where it is another one
	}{
		{301, map[string]string{"POST": "GET"}},
		{302, map[string]string{"POST": "GET", "PUT": "GET", "PATCH": "GET", "DELETE": "GET", "OPTIONS": "GET"}},
		{303, map[string]string{"POST": "GET", "PUT": "GET", "PATCH": "GET", "DELETE": "GET", "OPTIONS": "GET"}},
		{307, nil}, {308, nil},
	} {
		t.Run(fmt.Sprintf("F62_methods_after_%d", x.status), func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, xRedirecting(fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n", x.status)))
			c := xOpen(t, srv.Dial)
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
				opts := []session.Option{session.FollowRedirects(true)}
				if method != "GET" && method != "HEAD" {
					opts = append(opts, session.Text("abc"))
				}
				if method == "HEAD" { // answered with a body, which would stay
					continue
				}
				_, err := c.Request(t.Context(), method, "http://a.test/", opts...)
				require.NoError(t, err, method)
				requests := srv.Requests()
				last := requests[len(requests)-1]
				want, changed := x.want[method]
				if !changed {
					want = method
				}
				assert.Equal(t, want, last.Method, method)
				if x.status >= 307 && method != "GET" {
					assert.Equal(t, "abc", last.Content, method)
				} else if x.status < 307 {
					assert.Empty(t, last.Content, "%s: requests drops the body whatever the method", method)
				}
			}
		})
		t.Run(fmt.Sprintf("F62_HEAD_after_%d", x.status), func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, func(c *faultserver.Conn) {
				c.ReadRequest()
				c.Write(xMoved(x.status, ""))
				c.ReadRequest()
				c.Write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
				c.Stall()
			})
			c := xOpen(t, srv.Dial)
			_, err := c.Head(t.Context(), "http://a.test/", session.FollowRedirects(true))
			require.NoError(t, err)
			assert.Equal(t, []string{"HEAD", "HEAD"}, xMethods(srv))
		})
	}

	for _, x := range []struct{ name, head string }{
		{"F63_body_of_a_redirect_without_end", "Content-Type: text/plain\r\n"},
		{"F63_body_of_a_redirect_that_says_how_huge_it_is", "Content-Length: 1000000000000\r\n"},
		{"F64_body_of_a_redirect_is_a_bomb", "Content-Encoding: gzip\r\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			piece := xEncode(t, strings.Repeat("\x00", 1<<20), "gzip")
			srv := faultserver.New(t, func(c *faultserver.Conn) {
				if c.Number() > 1 {
					c.ReadRequest()
					c.Write(faultserver.OK)
					c.Stall()
					return
				}
				c.ReadRequest()
				c.Write("HTTP/1.1 302 Found\r\nLocation: /next\r\n" + x.head + "\r\n")
				for { // until the client has gone
					c.Write(piece)
				}
			})
			c := xOpen(t, srv.Dial)
			start := time.Now()
			resp, err := c.Get(t.Context(), "http://a.test/")
			assert.Equal(t, "ok", xText(t, resp, err))
			assert.Less(t, time.Since(start), 2*time.Second, "what it takes under load; 100 ms are allowed")
			assert.Equal(t, 2, srv.Conns())
			require.Len(t, resp.History, 1)
			_, err = resp.History[0].Bytes()
			require.Error(t, err, "it was not kept, and is not taken for empty")
			c.kept(t, 1)
		})
	}

	t.Run("F63_body_of_a_redirect_that_never_comes", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, faultserver.Sequence(
			faultserver.AnswerAndStall("HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 10\r\n\r\n"),
			faultserver.Answer(faultserver.OK),
		))
		c := xOpen(t, srv.Dial)
		resp, err := c.Get(t.Context(), "http://a.test/")
		assert.Equal(t, "ok", xText(t, resp, err))
		c.kept(t, 1)
	})
}

func TestFaultsOfCancellation(t *testing.T) {
	xGroup(t)
	for _, method := range []string{"GET", "POST"} {
		t.Run("F96_before_dialling_"+method, func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, faultserver.Answer(faultserver.OK))
			c := xOpen(t, srv.Dial)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			body := xReader("abc")
			_, err := c.Request(ctx, method, "http://a.test/", session.Reader(body), &session.Retry{Total: 3})
			require.ErrorIs(t, err, context.Canceled)
			assert.Zero(t, srv.Conns())
			body.closedOnce(t)
		})
		for _, name := range []string{"in_dialling", "in_TLS", "in_the_upload", "before_headers", "in_headers", "in_the_body", "in_a_redirect", "in_a_tunnel"} {
			t.Run("F96_"+name+"_"+method, func(t *testing.T) {
				t.Parallel()
				xCancelled(t, method, name)
			})
		}
		t.Run("F96_in_the_wait_for_a_retry_"+method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { xCancelledWait(t, method) })
		})
	}
}

// xCancelled cancels a call when it has come to a stage.
func xCancelled(t *testing.T, method, stage string) {
	t.Helper()
	reached := make(chan struct{})
	arrive := sync.OnceFunc(func() { close(reached) })
	requests := 1
	url := "http://a.test/"
	var proxies session.Proxies
	script := func(c *faultserver.Conn) {
		c.ReadRequest()
		arrive()
		c.Stall()
	}
	dial := xDial(nil)
	var upload io.Reader = strings.NewReader("abc")
	switch stage {
	case "in_dialling":
		requests = 0
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			arrive()
			<-ctx.Done()
			return nil, ctx.Err()
		}
	case "in_TLS":
		requests, url = 0, "https://a.test/"
		script = func(c *faultserver.Conn) {
			_, _ = c.Raw().Read(make([]byte, 1))
			arrive()
			c.Stall()
		}
	case "in_the_upload":
		upload = xEndless{}
		script = func(c *faultserver.Conn) {
			c.ReadHead()
			arrive()
			c.Freeze()
		}
	case "in_headers", "in_the_body":
		part := map[string]string{"in_headers": "HTTP/1.1 200 OK\r\nX-", "in_the_body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"}[stage]
		script = func(c *faultserver.Conn) {
			c.ReadRequest()
			c.Write(part)
			arrive()
			c.Stall()
		}
	case "in_a_redirect":
		requests = 2
		script = func(c *faultserver.Conn) {
			c.ReadRequest()
			c.Write(xMoved(303, ""))
			c.ReadRequest()
			arrive()
			c.Stall()
		}
	case "in_a_tunnel":
		url, proxies = "https://a.test/", session.Proxies{"https": "http://proxy.test"}
	}
	srv := faultserver.New(t, script)
	if dial == nil {
		dial = srv.Dial
	}
	c := xOpen(t, dial)
	c.Proxies = proxies
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	body := &xUpload{Reader: upload}
	failed := make(chan error)
	go func() {
		_, err := c.Request(ctx, method, url, session.Reader(body), &session.Retry{Total: 3})
		failed <- err
	}()
	<-reached
	start := time.Now()
	cancel()
	err := <-failed
	assert.Less(t, time.Since(start), time.Second, "what it takes under load; a few milliseconds else")
	require.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, session.ErrTimeout)
	assert.NotErrorIs(t, err, session.ErrRetriesExhausted)
	assert.Len(t, srv.Requests(), requests)
	body.closedOnce(t)
	if stage == "in_TLS" || stage == "in_a_tunnel" {
		c.released(t) // until then net/http goes on to connect, for a later request
	}
	c.kept(t, 0)
}

// xEndless is a body without end.
type xEndless struct{}

func (xEndless) Read(p []byte) (int, error) { return len(p), nil }

func xCancelledWait(t *testing.T, method string) {
	asked := 0
	s := xOver(t, xRoundTripper(func(req *http.Request) (*http.Response, error) {
		asked++
		return xAnswer(req, 503, http.Header{"Retry-After": {"3600"}}, http.NoBody), nil
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now()
	failed := make(chan error)
	go func() {
		_, err := s.Request(ctx, method, "http://a.test/", session.Text("abc"), &session.Retry{Total: 3, Methods: []string{"*"}})
		failed <- err
	}()
	synctest.Wait()
	require.Equal(t, 1, asked)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	assert.Zero(t, time.Since(start))
	assert.Equal(t, 1, asked)
}

// A session that is closed can be used again, on new connections, as in requests.
func TestFaultsOfClosing(t *testing.T) {
	xGroup(t)

	t.Run("F97_Close_during_requests", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		arrived := make(chan struct{}, 10)
		srv := faultserver.New(t, func(c *faultserver.Conn) {
			for {
				c.ReadRequest()
				arrived <- struct{}{}
				c.Wait(release)
				c.Write(faultserver.OK)
			}
		})
		c := xOpen(t, srv.Dial)
		var wg sync.WaitGroup
		for range cap(arrived) {
			wg.Go(func() {
				resp, err := c.Get(t.Context(), "http://a.test/")
				if assert.NoError(t, err) {
					content, _ := resp.Text()
					assert.Equal(t, "ok", content)
				}
			})
		}
		for range cap(arrived) {
			<-arrived
		}
		require.NoError(t, c.Close())
		close(release)
		wg.Wait()
	})

	t.Run("F97_requests_after_Close", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, faultserver.Answer(faultserver.OK))
		c := xOpen(t, srv.Dial)
		for n := range 3 {
			resp, err := c.Get(t.Context(), "http://a.test/")
			assert.Equal(t, "ok", xText(t, resp, err))
			assert.Equal(t, n+1, srv.Conns(), "idle connections were closed")
			c.released(t)
			require.NoError(t, c.Close())
		}
	})

	t.Run("F97_Close_again_and_again", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, faultserver.Answer(faultserver.OK))
		c := xOpen(t, srv.Dial)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					resp, err := c.Get(t.Context(), "http://a.test/")
					if assert.NoError(t, err) {
						content, _ := resp.Text()
						assert.Equal(t, "ok", content)
					}
					assert.NoError(t, c.Close())
				}
			})
		}
		wg.Wait()
	})
}

var errXBroken = errors.New("broken")

// xPart is a part of the caller's own that fails, by an error or a panic.
type xPart struct {
	name     string
	set      func(s *session.Session, fail func() error)
	redirect bool // the part is reached by one
	requests int
}

func xParts() []xPart {
	return []xPart{
		{"Auth", func(s *session.Session, fail func() error) {
			s.Auth = session.AuthFunc(func(*http.Request) error { return fail() })
		}, false, 0},
		{"Auth_of_a_redirect", func(s *session.Session, fail func() error) {
			s.Auth = session.AuthFunc(func(req *http.Request) error {
				if req.URL.Path != "/next" {
					return nil
				}
				return fail()
			})
		}, true, 1},
		{"Challenge", func(s *session.Session, fail func() error) { s.Auth = xChallenged(fail) }, false, 1},
		{"hook", func(s *session.Session, fail func() error) {
			s.Hooks = session.Hooks{Response: []session.ResponseHook{func(*session.Response) (*session.Response, error) { return nil, fail() }}}
		}, false, 1},
		{"RebuildAuth", func(s *session.Session, fail func() error) {
			s.RebuildAuth = func(*http.Request, *session.Response) error { return fail() }
		}, true, 1},
		{"RebuildProxies", func(s *session.Session, fail func() error) {
			s.RebuildProxies = func(*http.Request, session.Proxies) (session.Proxies, error) { return nil, fail() }
		}, true, 1},
		{"adapter", func(s *session.Session, fail func() error) {
			_ = s.Mount("http://a.test/adapter", xRoundTripper(func(req *http.Request) (*http.Response, error) {
				defer req.Body.Close() // as every RoundTripper has to
				return nil, fail()
			}))
		}, false, 0},
		{"body", nil, false, 0},
	}
}

// xChallenged is an Auth whose Challenge fails.
type xChallenged func() error

func (xChallenged) Authenticate(*http.Request) error { return nil }

func (fail xChallenged) Challenge(*http.Request, *http.Response) (bool, error) { return false, fail() }

func TestFaultsOfTheCallersOwn(t *testing.T) {
	xGroup(t)
	for _, x := range xParts() {
		for _, panics := range []bool{false, true} {
			if panics && x.set == nil {
				continue // net/http reads bodies in goroutines of its own
			}
			name := "F98_error_in_" + x.name
			if panics {
				name = "F98_panic_in_" + x.name
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				xFailing(t, x, panics)
			})
		}
	}
}

func xFailing(t *testing.T, x xPart, panics bool) {
	t.Helper()
	srv := faultserver.New(t, func(c *faultserver.Conn) {
		for {
			switch r := c.ReadRequest(); {
			case r.URL.Path == "/fine" || r.URL.Path == "/next":
				c.Write(faultserver.OK)
			case x.redirect:
				c.Write(xMoved(307, "gone"))
			default:
				c.Write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
			}
		}
	})
	c := xOpen(t, srv.Dial)
	body := xReader("abc")
	failing := true
	fail := func() error {
		if !failing {
			return nil
		}
		if panics {
			panic(errXBroken)
		}
		return errXBroken
	}
	if x.set != nil {
		x.set(c.Session, fail)
	} else {
		body.Reader = xFailingReader{}
	}
	var given session.Option = session.Reader(body)
	if x.redirect {
		given = session.Reader(xSeekable{body, strings.NewReader("abc")})
	}
	path := "/"
	if x.name == "adapter" {
		path = "/adapter"
	}
	call := func() error {
		_, err := c.Post(t.Context(), "http://a.test"+path, given, &session.Retry{Total: 1})
		return err
	}
	if panics {
		assert.PanicsWithValue(t, errXBroken, func() { _ = call() })
	} else {
		err := call()
		require.ErrorIs(t, err, errXBroken)
		assert.NotErrorIs(t, err, session.ErrConnection)
		assert.NotErrorIs(t, err, session.ErrRetriesExhausted)
	}
	if x.set != nil {
		assert.Len(t, srv.Requests(), x.requests)
	}
	body.closedOnce(t)
	c.released(t)

	failing = false
	resp, err := c.Get(t.Context(), "http://a.test/fine")
	assert.Equal(t, "ok", xText(t, resp, err), "the session can be used as before")
}

type xFailingReader struct{}

func (xFailingReader) Read([]byte) (int, error) { return 0, errXBroken }

// xSeekable is an upload that can be sent again.
type xSeekable struct {
	*xUpload
	*strings.Reader
}

func (s xSeekable) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// xOutcome is what an attempt is answered.
type xOutcome struct {
	status int
	after  string // Retry-After
}

// xPolicy is an adapter that gives one answer after another, the last one for
// ever, and notes when it was asked, and for what.
type xPolicy struct {
	answers []xOutcome
	at      []time.Time
	bodies  []string
}

func (p *xPolicy) RoundTrip(req *http.Request) (*http.Response, error) {
	p.at = append(p.at, time.Now())
	if req.Body != nil {
		content, err := io.ReadAll(req.Body)
		if err != nil {
			_ = req.Body.Close()
			return nil, err
		}
		p.bodies = append(p.bodies, string(content))
	}
	now := p.answers[min(len(p.at), len(p.answers))-1]
	header := http.Header{}
	if now.after != "" {
		header.Set("Retry-After", now.after)
	}
	return xAnswer(req, now.status, header, io.NopCloser(strings.NewReader("last"))), nil
}

// waits are the times between the attempts.
func (p *xPolicy) waits() (waits []time.Duration) {
	for i := 1; i < len(p.at); i++ {
		waits = append(waits, p.at[i].Sub(p.at[i-1]))
	}
	return waits
}

func TestFaultsOfStatuses(t *testing.T) {
	xGroup(t)
	const s = time.Second
	backoff := session.Retry{Total: 4, BackoffFactor: s, Statuses: []int{429, 500, 503}}
	bounded := backoff
	bounded.RetryAfterMax, bounded.BackoffMax = 5*s, 3*s
	deaf := backoff
	deaf.IgnoreRetryAfter = true
	for _, x := range []struct {
		name   string
		policy session.Retry
		answer xOutcome
		waits  []time.Duration // of 5 attempts
	}{
		{"503_after_seconds", backoff, xOutcome{503, "7"}, []time.Duration{7 * s, 7 * s, 7 * s, 7 * s}},
		{"503_after_0_seconds", backoff, xOutcome{503, "0"}, []time.Duration{0, 2 * s, 4 * s, 8 * s}},
		{"503_after_a_date_that_has_passed", backoff, xOutcome{503, "Sun, 06 Nov 1994 08:49:37 GMT"}, []time.Duration{0, 2 * s, 4 * s, 8 * s}},
		{"503_after_garbage", backoff, xOutcome{503, "soon"}, []time.Duration{0, 2 * s, 4 * s, 8 * s}},
		{"503_after_negative_seconds", backoff, xOutcome{503, "-7"}, []time.Duration{0, 2 * s, 4 * s, 8 * s}},
		{"503_after_more_seconds_than_fit", backoff, xOutcome{503, "99999999999999999999"}, []time.Duration{6 * time.Hour, 6 * time.Hour, 6 * time.Hour, 6 * time.Hour}},
		{"503_without", backoff, xOutcome{503, ""}, []time.Duration{0, 2 * s, 4 * s, 8 * s}},
		{"503_bounded", bounded, xOutcome{503, "7"}, []time.Duration{5 * s, 5 * s, 5 * s, 5 * s}},
		{"503_ignored", deaf, xOutcome{503, "7"}, []time.Duration{0, 2 * s, 4 * s, 8 * s}},
		{"429", backoff, xOutcome{429, "1"}, []time.Duration{s, s, s, s}},
		{"500", backoff, xOutcome{500, ""}, []time.Duration{0, 2 * s, 4 * s, 8 * s}},
		{"500_bounded", bounded, xOutcome{500, ""}, []time.Duration{0, 2 * s, 3 * s, 3 * s}},
		{"500_not_listed", session.Retry{Total: 4}, xOutcome{500, "7"}, nil},
		{"503_not_listed_after_seconds", session.Retry{Total: 4}, xOutcome{503, "7"}, []time.Duration{7 * s, 7 * s, 7 * s, 7 * s}},
	} {
		t.Run("F102_"+x.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, returned := range []bool{false, true} {
					p := &xPolicy{answers: []xOutcome{x.answer}}
					policy := x.policy
					policy.ReturnStatus = returned
					resp, err := xOver(t, p).Get(t.Context(), "http://a.test/", &policy)
					assert.Equal(t, x.waits, p.waits())
					if returned || x.waits == nil {
						assert.Equal(t, "last", xText(t, resp, err))
						assert.Equal(t, x.answer.status, resp.StatusCode)
						continue
					}
					require.ErrorIs(t, err, session.ErrRetriesExhausted)
					var exhausted *session.RetryError
					require.ErrorAs(t, err, &exhausted)
					assert.Len(t, exhausted.Attempts, 5)
					assert.Equal(t, "last", xText(t, exhausted.Response, nil))
				}
			})
		})
	}

	t.Run("F102_comes_to_itself", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &xPolicy{answers: []xOutcome{{503, "1"}, {429, "2"}, {500, ""}, {200, ""}}}
			resp, err := xOver(t, p).Get(t.Context(), "http://a.test/", &backoff)
			assert.Equal(t, "last", xText(t, resp, err))
			assert.Equal(t, []time.Duration{s, 2 * s, 4 * s}, p.waits())
			assert.Len(t, resp.Attempts, 4)
		})
	})

	t.Run("F102_POST_is_not_retried", func(t *testing.T) {
		t.Parallel()
		p := &xPolicy{answers: []xOutcome{{503, "1"}}}
		resp, err := xOver(t, p).Post(t.Context(), "http://a.test/", &backoff)
		assert.Equal(t, "last", xText(t, resp, err))
		assert.Len(t, p.at, 1)
	})
}

func TestFaultsOfUploads(t *testing.T) {
	xGroup(t)
	policy := &session.Retry{Total: 2, Statuses: []int{500}}
	retried := func() *xPolicy { return &xPolicy{answers: []xOutcome{{500, ""}, {500, ""}, {200, ""}}} }

	t.Run("F103_bytes", func(t *testing.T) {
		t.Parallel()
		p := retried()
		_, err := xOver(t, p).Put(t.Context(), "http://a.test/", session.Bytes("0123456789"), policy)
		require.NoError(t, err)
		assert.Equal(t, []string{"0123456789", "0123456789", "0123456789"}, p.bodies)
	})

	t.Run("F103_file_from_offset_5", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(path, []byte("0123456789"), 0o600))
		f, err := os.Open(path)
		require.NoError(t, err)
		_, err = f.Seek(5, io.SeekStart)
		require.NoError(t, err)
		p := retried()
		_, err = xOver(t, p).Put(t.Context(), "http://a.test/", session.Reader(f), policy)
		require.NoError(t, err)
		assert.Equal(t, []string{"56789", "56789", "56789"}, p.bodies, "from where it stood, not from its start")
		assert.ErrorIs(t, f.Close(), os.ErrClosed, "it was closed")
	})

	t.Run("F103_file_by_its_path", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(path, []byte("0123456789"), 0o600))
		p := retried()
		_, err := xOver(t, p).Put(t.Context(), "http://a.test/", session.FromFile(path), policy)
		require.NoError(t, err)
		assert.Equal(t, []string{"0123456789", "0123456789", "0123456789"}, p.bodies)
	})

	t.Run("F103_reader_to_be_read_once", func(t *testing.T) {
		t.Parallel()
		p := retried()
		body := xReader("0123456789")
		_, err := xOver(t, p).Put(t.Context(), "http://a.test/", session.Reader(body), policy)
		require.ErrorIs(t, err, session.ErrUnrewindableBody)
		assert.Equal(t, []string{"0123456789"}, p.bodies)
		var gaveUp *session.RetryError
		require.ErrorAs(t, err, &gaveUp)
		assert.Equal(t, 500, gaveUp.Response.StatusCode)
		body.closedOnce(t)
	})
}

// A session is shared, and a response is not: that only its Close may come from
// another goroutine is said where it is documented.
func TestFaultsOfSharing(t *testing.T) {
	xGroup(t)

	t.Run("F104_session_shared_by_100", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, func(c *faultserver.Conn) {
			for {
				r := c.ReadRequest()
				answer := r.URL.Path + " " + r.Content
				c.Write(fmt.Sprintf("HTTP/1.1 200 OK\r\nSet-Cookie: %s=1\r\nContent-Length: %d\r\n\r\n%s",
					strings.Trim(r.URL.Path, "/"), len(answer), answer))
			}
		})
		c := xOpen(t, srv.Dial)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				for n := range 5 {
					want := fmt.Sprintf("/w%d %d", i, n)
					resp, err := c.Post(t.Context(), fmt.Sprintf("http://a.test/w%d", i), session.Text(fmt.Sprint(n)))
					if assert.NoError(t, err) {
						content, _ := resp.Text()
						assert.Equal(t, want, content, "no answer is another's")
					}
				}
			})
		}
		wg.Wait()
		assert.Len(t, srv.Requests(), 500)
		assert.Equal(t, 100, c.Jar.(*session.Jar).Len())
	})

	for _, coding := range []string{"identity", "gzip", "br", "zstd"} {
		t.Run("F104_response_closed_by_another_than_reads_it_"+coding, func(t *testing.T) {
			t.Parallel()
			body := xNoise(400_000) // several blocks of zstd
			if coding != "identity" {
				body = xEncode(t, body, coding)
			}
			answer := xCoded(coding, body)
			srv := faultserver.New(t, faultserver.AnswerAndStall(answer[:len(answer)-10_000]))
			c := xOpen(t, srv.Dial)
			resp, err := c.Get(t.Context(), "http://a.test/", session.Stream(true))
			require.NoError(t, err)
			begun, ended := make(chan struct{}), make(chan error)
			go func() {
				_, _ = resp.Body.Read(make([]byte, 1))
				close(begun)
				_, err := io.Copy(io.Discard, resp.Body)
				ended <- err
			}()
			<-begun
			require.NoError(t, resp.Body.Close())
			err = <-ended
			require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
			assert.NotErrorIs(t, err, session.ErrDecode)
			c.kept(t, 0)
		})
	}
}
