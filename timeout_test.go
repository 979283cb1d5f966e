package session_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// pipes is a network in memory, for use inside a bubble of synctest: a
// listener whose connections are net.Pipes, which buffer nothing.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipes() *pipes {
	return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accepted <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// piped is a session for a bubble whose every connection leads to handler.
func piped(t *testing.T, handler http.HandlerFunc) *session.Session {
	t.Helper()
	p := newPipes()
	var running sync.WaitGroup // handlers may sleep on when their client is gone
	server := &http.Server{ErrorLog: quiet(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		handler(w, r)
	})}
	running.Go(func() { _ = server.Serve(p) })
	t.Cleanup(func() {
		_ = server.Close()
		running.Wait()
		time.Sleep(time.Minute) // the server's connections linger a little
	})
	return dialing(t, p.dial)
}

// dialing is a session whose every connection comes from a function.
func dialing(t *testing.T, dial func(context.Context, string, string) (net.Conn, error)) *session.Session {
	t.Helper()
	s := session.New()
	adapter := &session.HTTPAdapter{Base: &http.Transport{DialContext: dial}}
	require.NoError(t, s.Mount("http://", adapter))
	require.NoError(t, s.Mount("https://", adapter))
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// talking is a session whose every connection is the other end of a script's.
func talking(t *testing.T, script func(net.Conn)) *session.Session {
	t.Helper()
	var scripts sync.WaitGroup
	t.Cleanup(scripts.Wait)
	return dialing(t, func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		scripts.Go(func() {
			defer theirs.Close()
			script(theirs)
		})
		return ours, nil
	})
}

// after checks that something took just as long as it should.
func after(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	assert.Equal(t, want, time.Since(start))
}

// assertTimeout checks that err is a timeout of one kind, to every onlooker.
func assertTimeout(t *testing.T, err, kind error) {
	t.Helper()
	require.Error(t, err)
	for _, other := range []error{session.ErrConnectTimeout, session.ErrReadTimeout, session.ErrTotalTimeout} {
		assert.Equal(t, other == kind, errors.Is(err, other), "%v: %v", other, err)
	}
	assert.ErrorIs(t, err, session.ErrTimeout)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NotErrorIs(t, err, context.Canceled)
	assert.Equal(t, kind == session.ErrConnectTimeout, errors.Is(err, session.ErrConnection))
	var envelope *url.Error
	if errors.As(err, &envelope) {
		assert.True(t, envelope.Timeout())
	}
	var network net.Error
	require.ErrorAs(t, err, &network)
	assert.True(t, network.Timeout())
}

// bubble runs a test in a bubble of synctest, where time passes at once.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	listen := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	for name, tc := range map[string]struct {
		session func(*testing.T) *session.Session
		url     string
		opts    session.Proxies
	}{
		"a dial that hangs": {
			func(t *testing.T) *session.Session { return dialing(t, hang) }, "http://a.test/", nil,
		},
		"a TLS handshake that hangs": {
			func(t *testing.T) *session.Session { return talking(t, listen) }, "https://a.test/", nil,
		},
		"a proxy that does not answer CONNECT": {
			func(t *testing.T) *session.Session { return talking(t, listen) }, "https://a.test/",
			session.Proxies{"all": "http://proxy.test"},
		},
		"a TLS handshake with a proxy that hangs": {
			func(t *testing.T) *session.Session { return talking(t, listen) }, "http://a.test/",
			session.Proxies{"all": "https://proxy.test"},
		},
		"a SOCKS proxy that does not answer": {
			func(t *testing.T) *session.Session { return talking(t, listen) }, "http://a.test/",
			session.Proxies{"all": "socks5h://proxy.test"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := tc.session(t)
				s.Timeout = session.Timeout{Connect: 3 * time.Second, Read: time.Hour, Total: 2 * time.Hour}
				after(t, 3*time.Second, func() {
					resp, err := s.Get(t.Context(), tc.url, tc.opts)
					assert.Nil(t, resp)
					assertTimeout(t, err, session.ErrConnectTimeout)
				})
			})
		})
	}
}

func TestConnectTimeoutDoesNotBoundTheAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Hour)
			_, _ = io.WriteString(w, "late")
		})
		resp := get(t, s, "http://a.test/", session.Timeout{Connect: time.Second})
		assert.Equal(t, "late", body(t, resp))
	})
}

func TestConnectTimeoutIsForEachHop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPipes()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "a.test" {
				http.Redirect(w, r, "http://b.test/", http.StatusFound)
			}
		})}
		go func() { _ = server.Serve(p) }()
		defer server.Close()
		s := dialing(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
			time.Sleep(2 * time.Second)
			return p.dial(ctx, network, addr)
		})
		after(t, 4*time.Second, func() { get(t, s, "http://a.test/", session.Timeout{Connect: 3 * time.Second}) })
	})
}

// takeRequest reads a request without a body, and goes on reading: an answer
// that comes before its request is none to net/http.
func takeRequest(conn net.Conn) {
	in := bufio.NewReader(conn)
	_, _ = http.ReadRequest(in)
	go func() { _, _ = io.Copy(io.Discard, in) }()
}

func TestReadTimeoutOfTheAnswer(t *testing.T) {
	for name, script := range map[string]func(net.Conn){
		"no byte": func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
		"headers that do not end": func(conn net.Conn) {
			takeRequest(conn)
			for _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n"); err == nil; {
				time.Sleep(900 * time.Millisecond)
				_, err = io.WriteString(conn, "X-Drip: 1\r\n")
			}
		},
		"only an interim answer": func(conn net.Conn) {
			takeRequest(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
			time.Sleep(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := talking(t, script)
				after(t, time.Second, func() {
					_, err := s.Get(t.Context(), "http://a.test/", session.Timeout{Read: time.Second, Connect: time.Minute, Total: time.Minute})
					assertTimeout(t, err, session.ErrReadTimeout)
				})
			})
		})
	}
}

// dripping sends a body of n bytes, one at a time, then what is left of it never.
func dripping(n int, every time.Duration, whole bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		for range n {
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			time.Sleep(every)
		}
		if !whole {
			<-r.Context().Done()
		}
	}
}

func TestASlowDownloadIsNoTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, dripping(100, 900*time.Millisecond, true))
		for _, stream := range []bool{false, true} {
			resp := get(t, s, "http://a.test/", session.Seconds(1), session.Stream(stream))
			assert.Len(t, body(t, resp), 100)
		}
	})
}

func TestADownloadThatStallsIsAReadTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, dripping(10, 500*time.Millisecond, false))
		after(t, 9*500*time.Millisecond+time.Second, func() {
			resp, err := s.Get(t.Context(), "http://a.test/", session.Seconds(1))
			assert.Nil(t, resp)
			assertTimeout(t, err, session.ErrReadTimeout)
		})

		resp := get(t, s, "http://a.test/", session.Seconds(1), session.Stream(true))
		content, err := resp.Bytes()
		assertTimeout(t, err, session.ErrReadTimeout)
		assert.NotErrorIs(t, err, session.ErrIncompleteBody)
		assert.Equal(t, strings.Repeat("x", 10), string(content), "what came before")
		_, err = resp.Text()
		assertTimeout(t, err, session.ErrReadTimeout)

		resp = get(t, s, "http://a.test/", session.Seconds(1), session.Stream(true))
		_, err = lines(t, resp)
		assertTimeout(t, err, session.ErrReadTimeout)
	})
}

func TestACallerThatReadsSlowlyIsNoTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 100_000)) })
		resp := get(t, s, "http://a.test/", session.Seconds(1), session.Stream(true))
		n := 0
		for piece, err := range resp.Chunks(30_000) {
			require.NoError(t, err)
			n += len(piece)
			time.Sleep(time.Hour)
		}
		assert.Equal(t, 100_000, n)
	})
}

// drinking takes a body slowly, then answers with its length.
func drinking(every time.Duration, sip int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		buffer, n := make([]byte, sip), 0
		for {
			got, err := io.ReadFull(r.Body, buffer)
			if n += got; err != nil {
				break
			}
			time.Sleep(every)
		}
		w.Header().Set("X-Length", http.StatusText(200))
		_, _ = io.WriteString(w, strings.Repeat("x", n/1000))
	}
}

func TestASlowUploadIsNoTimeout(t *testing.T) {
	for name, opt := range map[string]session.Option{
		"of known length":   session.Bytes(make([]byte, 200_000)),
		"of unknown length": session.Reader(io.LimitReader(zeros{}, 200_000)),
		"in parts":          session.Files{{Field: "f", Name: "f", Content: session.Reader(io.LimitReader(zeros{}, 200_000))}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := piped(t, drinking(400*time.Millisecond, 4000))
				resp, err := s.Post(t.Context(), "http://a.test/", opt, session.Seconds(1))
				require.NoError(t, err)
				assert.Len(t, body(t, resp), 200)
			})
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAnUploadThatIsNotTakenIsAReadTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		source := &closeCounter{Reader: zeros{}}
		s := talking(t, func(conn net.Conn) {
			_, _ = io.ReadFull(conn, make([]byte, 20_000))
			time.Sleep(24 * time.Hour)
		})
		after(t, time.Second, func() {
			_, err := s.Post(t.Context(), "http://a.test/", session.Reader(source), session.Timeout{Read: time.Second})
			assertTimeout(t, err, session.ErrReadTimeout)
		})
		synctest.Wait()
		assert.Equal(t, 1, source.count(), "closed")
	})
}

func TestAnUploadFromASlowSourceIsNoTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, strings.Repeat("x", int(n)))
		})
		left := 5
		slow := readerFunc(func(p []byte) (int, error) {
			if left == 0 {
				return 0, io.EOF
			}
			left--
			time.Sleep(time.Hour)
			return copy(p, "0123456789"), nil
		})
		resp, err := s.Post(t.Context(), "http://a.test/", session.Reader(slow), session.Seconds(1))
		require.NoError(t, err)
		assert.Len(t, body(t, resp), 50)
	})
}

func TestTotalTimeout(t *testing.T) {
	second := session.Timeout{Total: 10 * time.Second}
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		opts    []session.Option
	}{
		"covers the wait for the answer": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil},
		"covers redirects": {func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(4 * time.Second)
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}, nil},
		"covers the answer to a challenge": {func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(6 * time.Second)
			w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth"`)
			w.WriteHeader(http.StatusUnauthorized)
		}, []session.Option{session.DigestAuth("u", "p")}},
		"covers retries": {func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(4 * time.Second)
			w.WriteHeader(http.StatusServiceUnavailable)
		}, []session.Option{&session.Retry{Total: 100, Statuses: []int{503}}}},
		"covers the body":            {dripping(100, time.Second, true), nil},
		"covers a body that stalls":  {dripping(1, 0, false), nil},
		"ends before a longer Read":  {dripping(1, 0, false), []session.Option{session.Timeout{Read: time.Minute}}},
		"ends between shorter Reads": {dripping(100, time.Second, true), []session.Option{session.Timeout{Read: 2 * time.Second}}},
		"covers bodies of redirects": {redirectingSlowly, nil},
		"covers uploads":             {drinking(time.Second, 1000), []session.Option{session.Reader(io.LimitReader(zeros{}, 100_000))}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := piped(t, tc.handler)
				s.Timeout = second
				after(t, 10*time.Second, func() {
					_, err := s.Get(t.Context(), "http://a.test/", tc.opts...)
					assertTimeout(t, err, session.ErrTotalTimeout)
				})
			})
		})
	}
}

func TestAnUploadWhoseSourceIsStuckEndsWithTheCall(t *testing.T) {
	drain := func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
	t.Run("by Total", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			stuck, _ := io.Pipe()
			after(t, time.Minute, func() {
				_, err := piped(t, drain).Post(t.Context(), "http://a.test/", session.Reader(stuck), session.Timeout{Read: time.Second, Total: time.Minute})
				assertTimeout(t, err, session.ErrTotalTimeout)
			})
		})
	})
	t.Run("by the context", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			stuck, _ := io.Pipe()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Minute, cancel)
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://a.test/", stuck)
			require.NoError(t, err)
			after(t, time.Minute, func() {
				_, err := piped(t, drain).Do(req)
				assert.ErrorIs(t, err, context.Canceled)
			})
		})
	})
}

// redirectingSlowly sends a redirect's body without end.
func redirectingSlowly(w http.ResponseWriter, r *http.Request) {
	time.Sleep(9950 * time.Millisecond)
	w.Header().Set("Location", "/")
	w.WriteHeader(http.StatusFound)
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, "x")
		w.(http.Flusher).Flush()
		time.Sleep(10 * time.Millisecond)
	}
}

func TestTotalTimeoutCoversAStreamedBody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, dripping(100, time.Second, true))
		resp := get(t, s, "http://a.test/", session.Timeout{Total: 10500 * time.Millisecond}, session.Stream(true))
		after(t, 10500*time.Millisecond, func() {
			content, err := resp.Bytes()
			assert.Len(t, content, 11)
			assertTimeout(t, err, session.ErrTotalTimeout)
		})

		resp = get(t, s, "http://a.test/", session.Timeout{Total: 10 * time.Second}, session.Stream(true))
		time.Sleep(time.Minute)
		_, err := resp.Bytes()
		assertTimeout(t, err, session.ErrTotalTimeout)
	})
}

func TestATotalThatIsKeptEndsNothingLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, "/next", http.StatusFound)
				return
			}
			_, _ = io.WriteString(w, r.URL.Path)
		})
		resp := get(t, s, "http://a.test/", session.Timeout{Total: time.Second}, session.FollowRedirects(false))
		time.Sleep(time.Hour)
		assert.NotEmpty(t, body(t, resp))
		next, err := resp.Next()
		require.NoError(t, err)
		last, err := s.SendPrepared(next)
		require.NoError(t, err, "the next call has a Total of its own")
		assert.Equal(t, "/next", body(t, last))
		for hop, err := range s.Follow(resp) {
			require.NoError(t, err)
			assert.Equal(t, "/next", body(t, hop))
			time.Sleep(time.Hour)
			last, err = s.SendPrepared(hop.Request)
			require.NoError(t, err)
			assert.Equal(t, "/next", body(t, last))
		}
	})
}

func TestTheContextBoundsACallAsItIs(t *testing.T) {
	mine := errors.New("mine")
	for name, tc := range map[string]struct {
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		also error
	}{
		"a deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 10*time.Second)
		}, context.DeadlineExceeded},
		"a deadline with a cause": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, 10*time.Second, mine)
		}, mine},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := piped(t, dripping(100, time.Second, true))
				ctx, cancel := tc.ctx(t.Context())
				defer cancel()
				after(t, 10*time.Second, func() {
					_, err := s.Get(ctx, "http://a.test/", session.Timeout{Connect: time.Minute, Read: time.Minute, Total: time.Minute})
					assertTimeout(t, err, nil)
					assert.ErrorIs(t, err, tc.also)
				})
				_, err := s.Get(ctx, "http://a.test/")
				assertTimeout(t, err, nil)
			})
		})
	}
}

func TestCancellationIsNoTimeout(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	retry := &session.Retry{Total: 100, Statuses: []int{503}, BackoffFactor: time.Minute}
	mine := errors.New("mine")
	for name, tc := range map[string]struct {
		session func(*testing.T) *session.Session
		opts    []session.Option
	}{
		"in a dial": {func(t *testing.T) *session.Session {
			return dialing(t, func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() })
		}, nil},
		"before the answer": {func(t *testing.T) *session.Session { return piped(t, hang) }, nil},
		"in the body":       {func(t *testing.T) *session.Session { return piped(t, dripping(5, time.Minute, false)) }, nil},
		"in an upload":      {func(t *testing.T) *session.Session { return piped(t, drinking(time.Minute, 10)) }, []session.Option{session.Bytes(make([]byte, 1e6))}},
		"in a retry's wait": {func(t *testing.T) *session.Session {
			return piped(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
		}, []session.Option{retry}},
		"in a Retry-After": {func(t *testing.T) *session.Session {
			return piped(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(429)
			})
		}, []session.Option{retry}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				for _, cause := range []error{nil, mine} {
					s := tc.session(t)
					s.Timeout = session.Timeout{Connect: time.Hour, Read: time.Hour, Total: time.Hour}
					ctx, cancel := context.WithCancelCause(t.Context())
					time.AfterFunc(10*time.Second, func() { cancel(cause) })
					after(t, 10*time.Second, func() {
						_, err := s.Get(ctx, "http://a.test/", tc.opts...)
						assert.ErrorIs(t, err, context.Canceled)
						assert.NotErrorIs(t, err, session.ErrTimeout)
						assert.NotErrorIs(t, err, context.DeadlineExceeded)
						assert.NotErrorIs(t, err, session.ErrConnection)
						assert.Equal(t, cause != nil, errors.Is(err, mine))
						var envelope *url.Error
						require.ErrorAs(t, err, &envelope)
						assert.False(t, envelope.Timeout())
					})
				}
			})
		})
	}
}

func TestTimeoutsAreMergedFieldByField(t *testing.T) {
	slow := func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Second)
		w.WriteHeader(http.StatusNoContent)
	}
	short := session.Timeout{Connect: time.Second, Read: time.Second, Total: time.Second}
	for name, tc := range map[string]struct {
		session session.Timeout
		opts    []session.Option
		want    error
	}{
		"nothing is set":                      {session.Timeout{}, nil, nil},
		"the session's":                       {session.Timeout{Read: time.Second}, nil, session.ErrReadTimeout},
		"a number for both":                   {session.Seconds(0.5), nil, session.ErrReadTimeout},
		"the request's":                       {session.Timeout{}, []session.Option{session.Seconds(1)}, session.ErrReadTimeout},
		"the request's instead":               {short, []session.Option{session.Timeout{Read: time.Minute, Total: time.Minute}}, nil},
		"the session's other fields stay":     {short, []session.Option{session.Timeout{Read: time.Minute}}, session.ErrTotalTimeout},
		"NoTimeout removes one":               {session.Timeout{Read: time.Second}, []session.Option{session.Timeout{Read: session.NoTimeout}}, nil},
		"NoTimeout removes the total":         {session.Timeout{Total: time.Second}, []session.Option{session.Timeout{Total: session.NoTimeout}}, nil},
		"NoTimeout in the session is none":    {session.Timeout{Read: session.NoTimeout, Total: -5}, nil, nil},
		"two options are merged, too":         {session.Timeout{}, []session.Option{session.Timeout{Total: time.Second}, session.Timeout{Read: time.Minute}}, session.ErrTotalTimeout},
		"of two options the last one decides": {session.Timeout{}, []session.Option{session.Seconds(1), session.Seconds(60)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := piped(t, slow)
				s.Timeout = tc.session
				_, err := s.Get(t.Context(), "http://a.test/", tc.opts...)
				if tc.want == nil {
					assert.NoError(t, err)
					return
				}
				assertTimeout(t, err, tc.want)
			})
		})
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	assert.Equal(t, session.Timeout{Connect: 1500 * time.Millisecond, Read: 1500 * time.Millisecond}, session.Seconds(1.5))
}

func TestATimeoutOfAPreparedRequest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s.Timeout.Read = time.Minute
		req, err := s.Prepare(t.Context(), &session.Request{URL: "http://a.test/"})
		require.NoError(t, err)
		after(t, time.Second, func() {
			_, err = s.SendPrepared(req, session.Timeout{Read: time.Second})
			assertTimeout(t, err, session.ErrReadTimeout)
		})
		after(t, time.Minute, func() {
			_, err = s.SendPrepared(req)
			assertTimeout(t, err, session.ErrReadTimeout)
		})
	})
}

func TestTimeoutsOfDoAndOfClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, dripping(3, time.Second, false))
		s.Timeout.Read = 2 * time.Second
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test/", nil)
		require.NoError(t, err)
		for _, do := range []func(*http.Request) (*http.Response, error){s.Do, s.Client().Do} {
			resp, err := do(req)
			require.NoError(t, err)
			content, err := io.ReadAll(resp.Body)
			assertTimeout(t, err, session.ErrReadTimeout)
			assert.Len(t, content, 3)
			assert.NoError(t, resp.Body.Close())
		}
	})
}

// TestGuardsOfTheTransport shows that net/http's own timeouts have our kinds.
func TestGuardsOfTheTransport(t *testing.T) {
	silent := func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs); _ = theirs.Close() }()
		return ours, nil
	}
	slow := func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	for name, tc := range map[string]struct {
		base *http.Transport
		url  string
		want error
	}{
		"the handshake's":   {&http.Transport{DialContext: silent, TLSHandshakeTimeout: time.Second}, "https://a.test/", session.ErrConnectTimeout},
		"the dialler's":     {&http.Transport{DialContext: slow}, "http://a.test/", session.ErrConnectTimeout},
		"the headers'":      {&http.Transport{DialContext: silent, ResponseHeaderTimeout: time.Second}, "http://a.test/", session.ErrReadTimeout},
		"an own handshaker": {&http.Transport{DialTLSContext: slow}, "https://a.test/", session.ErrConnectTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := session.New()
				require.NoError(t, s.Mount("https://", &session.HTTPAdapter{Base: tc.base}))
				require.NoError(t, s.Mount("http://", &session.HTTPAdapter{Base: tc.base}))
				defer s.Close()
				after(t, time.Second, func() {
					_, err := s.Get(t.Context(), tc.url)
					assertTimeout(t, err, tc.want)
				})
			})
		})
	}
}

func TestATimeoutOverTLS(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ca := testAuthority(t)
		config := &tls.Config{Certificates: []tls.Certificate{ca.leaf("a.test", []string{"a.test"}, nil)}}
		s := talking(t, func(conn net.Conn) {
			secure := tls.Server(conn, config)
			_, _ = io.Copy(io.Discard, secure)
		})
		s.Verify = session.RootCAs(ca.pool)
		after(t, 2*time.Second, func() {
			_, err := s.Get(t.Context(), "https://a.test/", session.Timeout{Connect: time.Second, Read: 2 * time.Second})
			assertTimeout(t, err, session.ErrReadTimeout)
		})
	})
}

// TestTimersAreFreed looks at the contexts that an adapter was given: their
// timers are gone when they have ended, long before their time.
func TestTimersAreFreed(t *testing.T) {
	t.Parallel()
	replace := func(r *session.Response) (*session.Response, error) {
		return &session.Response{Response: &http.Response{StatusCode: 200, Body: r.Body, Request: r.Request}}, nil
	}
	read := func(r *session.Response) (*session.Response, error) { _, err := r.Bytes(); return r, err }
	hook := func(f session.ResponseHook) session.Option {
		return session.Hooks{Response: []session.ResponseHook{f}}
	}
	for name, tc := range map[string]struct {
		opts []session.Option
		end  func(*session.Response)
	}{
		"read at once":     {nil, nil},
		"streamed":         {[]session.Option{session.Stream(true)}, func(r *session.Response) { _, _ = r.Bytes() }},
		"streamed by hand": {[]session.Option{session.Stream(true)}, func(r *session.Response) { _, _ = io.Copy(io.Discard, r.Body) }},
		"closed":           {[]session.Option{session.Stream(true)}, func(r *session.Response) { _ = r.Close() }},
		"a loop that was left": {[]session.Option{session.Stream(true)}, func(r *session.Response) {
			for range r.Chunks(1) {
				break
			}
		}},
		"read by a hook":         {[]session.Option{session.Stream(true), hook(read)}, nil},
		"replaced by a hook":     {[]session.Option{session.Stream(true), hook(replace)}, func(r *session.Response) { _ = r.Close() }},
		"replaced and read":      {[]session.Option{hook(replace)}, nil},
		"retried":                {[]session.Option{&session.Retry{Total: 2, Statuses: []int{200}, ReturnStatus: true}}, nil},
		"a failing hook's":       {[]session.Option{hook(func(*session.Response) (*session.Response, error) { return nil, io.EOF })}, nil},
		"without redirects":      {[]session.Option{session.FollowRedirects(false)}, nil},
		"streamed and redirects": {[]session.Option{session.Stream(true)}, func(r *session.Response) { _ = r.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var contexts []context.Context
			s := over(t, func(req *http.Request) (*http.Response, error) {
				contexts = append(contexts, req.Context())
				if req.URL.Path == "/" {
					return answer(req, 302, http.Header{"Location": {"/x"}}, "moved"), nil
				}
				return answer(req, 200, nil, "content"), nil
			})
			hour := session.Timeout{Connect: time.Hour, Read: time.Hour, Total: time.Hour}
			resp, err := s.Get(t.Context(), "http://a.test/", append(tc.opts, hour)...)
			if tc.end != nil {
				require.NoError(t, err)
				assert.NoError(t, contexts[len(contexts)-1].Err(), "while it is streamed")
				tc.end(resp)
			}
			require.NotEmpty(t, contexts)
			for i, ctx := range contexts {
				assert.ErrorIs(t, ctx.Err(), context.Canceled, "request %d", i)
				assert.NotErrorIs(t, context.Cause(ctx), session.ErrTimeout)
			}
		})
	}
}

// A Total holds for what hooks send of the call, and no longer than the call.
func TestATotalBoundsWhatAHookSendsAgain(t *testing.T) {
	limit := session.Timeout{Total: 10 * time.Second}
	get := func(s *session.Session) error {
		_, err := s.Get(context.Background(), "http://a.test/", limit)
		return err
	}
	follow := func(s *session.Session) error {
		first, err := s.Get(context.Background(), "http://a.test/302", limit, session.FollowRedirects(false))
		for _, err = range s.Follow(first) {
		}
		return err
	}
	itself := func(resp *session.Response) (*http.Request, error) { return resp.Request, nil }
	for name, tc := range map[string]struct {
		send func(*session.Session) error
		next func(*session.Response) (*http.Request, error)
	}{
		"the request": {get, itself},
		"a clone": {get, func(resp *session.Response) (*http.Request, error) {
			return resp.Request.Clone(resp.Request.Context()), nil
		}},
		"another origin's": {get, func(resp *session.Response) (*http.Request, error) {
			return http.NewRequestWithContext(resp.Request.Context(), "GET", "http://b.test/", nil)
		}},
		"the next one": {get, func(resp *session.Response) (*http.Request, error) {
			resp.StatusCode, resp.Header = 307, location("/")
			return resp.Next()
		}},
		"the request of a hop": {follow, itself},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := piped(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/302" {
						redirects(w, r)
						return
					}
					time.Sleep(4 * time.Second)
					w.WriteHeader(http.StatusUnauthorized)
				})
				sent := 0
				s.Hooks = hooks(func(resp *session.Response) (*session.Response, error) {
					if sent++; resp.IsRedirect() || sent > 9 {
						return nil, nil
					}
					require.NoError(t, resp.Close())
					next, err := tc.next(resp)
					require.NoError(t, err)
					return s.SendPrepared(next)
				})
				after(t, 10*time.Second, func() { assertTimeout(t, tc.send(s), session.ErrTotalTimeout) })
			})
		})
	}
}

// A hook may send until it is content, each time what came back before.
func TestATotalBoundsAHookThatSendsInALoop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, func(http.ResponseWriter, *http.Request) { time.Sleep(4 * time.Second) })
		resent := 0
		after(t, 10*time.Second, func() {
			_, err := s.Get(t.Context(), "http://a.test/", session.Timeout{Total: 10 * time.Second},
				hooks(func(resp *session.Response) (_ *session.Response, err error) {
					for ; err == nil && resent < 9; resent++ {
						resp, err = s.SendPrepared(resp.Request, hooks(nil))
					}
					return resp, err
				}))
			assertTimeout(t, err, session.ErrTotalTimeout)
		})
	})
}

func TestTimersOfAHooksCallAreFreed(t *testing.T) {
	t.Parallel()
	again := func(s *session.Session, resp *session.Response) (*session.Response, error) {
		return s.SendPrepared(resp.Request)
	}
	fresh := func(s *session.Session, _ *session.Response) (*session.Response, error) {
		return s.Get(context.Background(), "http://a.test/")
	}
	closing := func(r *session.Response) { _ = r.Close() }
	for what, c := range map[string]struct {
		send func(*session.Session, *session.Response) (*session.Response, error)
		end  func(*session.Response)
	}{
		"closed":               {again, closing},
		"read":                 {again, func(r *session.Response) { _, _ = io.Copy(io.Discard, r.Body) }},
		"of a call of its own": {fresh, closing},
	} {
		var contexts []context.Context
		s := over(t, func(req *http.Request) (*http.Response, error) {
			contexts = append(contexts, req.Context())
			return answer(req, 200, nil, "content"), nil
		})
		s.Timeout.Total, s.Stream = time.Hour, true
		s.Hooks = hooks(func(resp *session.Response) (*session.Response, error) {
			if len(contexts) > 2 {
				return nil, nil
			}
			require.NoError(t, resp.Close())
			return c.send(s, resp)
		})
		resp, err := s.Get(t.Context(), "http://a.test/")
		require.NoError(t, err)
		require.Len(t, contexts, 3)
		assert.NoError(t, contexts[2].Err(), "while it is streamed")
		c.end(resp)
		for i, ctx := range contexts {
			assert.ErrorIs(t, ctx.Err(), context.Canceled, "%s: request %d", what, i)
		}
		assert.ErrorIs(t, resp.Request.Context().Err(), context.Canceled, what)
	}
}
