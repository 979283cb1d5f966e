package session_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cbf3e3a9/session"
)

// TestMain runs the tests in an environment that names neither proxies nor
// files, and fails where they leave goroutines or descriptors behind.
func TestMain(m *testing.M) {
	flag.Parse()
	clearEnvironment()
	before := descriptors()
	code := m.Run()
	if f := flag.Lookup("test.fuzz"); code == 0 && (f == nil || f.Value.String() == "") {
		code = leftBehind(before)
	}
	os.Exit(code)
}

func clearEnvironment() {
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy"} {
		os.Unsetenv(name)
		os.Unsetenv(strings.ToUpper(name))
	}
	for _, name := range []string{"REQUEST_METHOD", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		os.Unsetenv(name)
	}
	os.Setenv("NETRC", os.DevNull)
}

// leftBehind gives the exit code: 1 where something is left.
func leftBehind(before int) int {
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines are left behind:", err)
		return 1
	}
	runtime.GC()
	after := descriptors()
	for wait := time.Now(); after > before+8 && time.Since(wait) < 2*time.Second; after = descriptors() {
		runtime.Gosched()
	}
	if after > before+8 {
		fmt.Fprintf(os.Stderr, "descriptors are left behind: %d, %d at first\n", after, before)
		return 1
	}
	return 0
}

// descriptors is the number of open ones, 0 where that cannot be told.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// server is an httptest server that records what it is sent.
type server struct {
	*httptest.Server
	mu  sync.Mutex
	got []received
}

// received is a request as it came; its body has been read.
type received struct {
	*http.Request
	Body string
	Err  error // of reading the body
}

// serve starts a server that records requests and answers with handler; nil
// answers 200 and "ok". The handler can read the body again.
func serve(t testing.TB, handler http.HandlerFunc) *server {
	t.Helper()
	s := newServer(handler)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// newServer is a server that is not started.
func newServer(handler http.HandlerFunc) *server {
	s := new(server)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		s.mu.Lock()
		s.got = append(s.got, received{r, string(body), err})
		s.mu.Unlock()
		if handler == nil {
			_, _ = io.WriteString(w, "ok")
			return
		}
		handler(w, r)
	}))
	return s
}

// requests lists what came, in order.
func (s *server) requests() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.got...)
}

// last is the request that came last.
func (s *server) last(t testing.TB) received {
	t.Helper()
	got := s.requests()
	require.NotEmpty(t, got, "no request came")
	return got[len(got)-1]
}

// addr is the server's "host:port".
func (s *server) addr() string { return s.Listener.Addr().String() }

// dialTo makes an adapter that reaches a server whatever host a URL names, as
// http://a.test and http://b.test.
func dialTo(s *server) *session.HTTPAdapter {
	return &session.HTTPAdapter{Base: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.addr())
		},
	}}
}

// open makes a session, New's, that reaches a server under any host.
func open(t testing.TB, srv *server) *session.Session {
	t.Helper()
	s := session.New()
	reach(t, s, srv)
	return s
}

// reach has a session reach a server under any host.
func reach(t testing.TB, s *session.Session, srv *server) {
	t.Helper()
	adapter := dialTo(srv)
	require.NoError(t, s.Mount("http://", adapter))
	require.NoError(t, s.Mount("https://", adapter))
	t.Cleanup(func() { _ = s.Close() })
}

// roundTripper makes an adapter of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer makes a response without a server.
func answer(req *http.Request, status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// stub is an adapter that answers 200 with its name, and counts its requests.
type stub struct {
	name string
	mu   sync.Mutex
	urls []string
}

func (s *stub) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.urls = append(s.urls, req.URL.String())
	s.mu.Unlock()
	return answer(req, http.StatusOK, nil, s.name), nil
}

// seen lists the URLs that were asked for.
func (s *stub) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.urls...)
}

// text reads a response whose error must be nil.
func text(t testing.TB, resp *session.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	content, err := resp.Text()
	require.NoError(t, err)
	return content
}

// closeCounter is a reader that counts how often it is closed.
type closeCounter struct {
	io.Reader
	mu     sync.Mutex
	closed int
}

func (c *closeCounter) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
	return nil
}

func (c *closeCounter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// errorAdapter fails every request.
func errorAdapter(err error) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	})
}

// prefixes lists what is mounted, in order.
func prefixes(s *session.Session) []string {
	var list []string
	for _, m := range s.Adapters() {
		list = append(list, m.Prefix)
	}
	return list
}

// quiet is a log for servers whose errors are wanted.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
