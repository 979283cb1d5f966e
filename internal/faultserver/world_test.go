package faultserver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cbf3e3a9/session"
)

// xGroup fails a group of cases, whose test is not parallel, that leave
// goroutines or descriptors behind when the last of them has ended.
func xGroup(t *testing.T) {
	t.Helper()
	current, before := goleak.IgnoreCurrent(), xDescriptors()
	t.Cleanup(func() {
		goleak.VerifyNone(t, current)
		assert.Eventually(t, func() bool { return xDescriptors() <= before+2 }, 2*time.Second, 5*time.Millisecond,
			"descriptors are left behind")
	})
}

// xDescriptors is the number of open ones, 0 where that cannot be told.
func xDescriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// xClient is a session that knows of its connections.
type xClient struct {
	*session.Session
	made, left atomic.Int32 // connections: made, and still open
}

type xDial = func(ctx context.Context, network, addr string) (net.Conn, error)

// xAddress dials an address, whatever host is named.
func xAddress(addr string) xDial {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// xOpen makes a session whose connections are made by dial. When the test has
// ended, none of them may be left.
func xOpen(t testing.TB, dial xDial, change ...func(*http.Transport)) *xClient {
	t.Helper()
	c := &xClient{Session: session.New()}
	c.TrustEnv = false
	base := &http.Transport{MaxResponseHeaderBytes: 1 << 20, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c.made.Add(1)
		c.left.Add(1)
		return &xConn{Conn: conn, client: c}, nil
	}}
	for _, f := range change {
		f(base)
	}
	adapter := &session.HTTPAdapter{Base: base}
	require.NoError(t, c.Mount("http://", adapter))
	require.NoError(t, c.Mount("https://", adapter))
	t.Cleanup(func() {
		c.released(t)
	})
	return c
}

// kept wants so many connections to be open, in use or idle, before long.
func (c *xClient) kept(t testing.TB, want int32) {
	t.Helper()
	assert.Eventually(t, func() bool { return c.left.Load() == want }, time.Second, time.Millisecond,
		"not %d connections are open", want)
}

// released closes the session, and wants no connection to be left. One is idle
// only a moment after its answer's end was read, so that is asked for again.
func (c *xClient) released(t testing.TB) {
	t.Helper()
	assert.Eventually(t, func() bool {
		_ = c.Close()
		return c.left.Load() == 0
	}, time.Second, time.Millisecond, "connections are left open")
}

// one makes a request that must succeed with "ok".
func (c *xClient) one(t testing.TB) {
	t.Helper()
	resp, err := c.Get(t.Context(), "https://a.test/")
	require.Equal(t, "ok", xText(t, resp, err))
}

// xConn tells its client when it is closed.
type xConn struct {
	net.Conn
	client *xClient
	once   sync.Once
}

func (c *xConn) Close() error {
	c.once.Do(func() { c.client.left.Add(-1) })
	return c.Conn.Close()
}

// xUpload is a body that counts how often it is closed. It can be sent once.
type xUpload struct {
	io.Reader
	closed atomic.Int32
}

func (u *xUpload) Close() error {
	u.closed.Add(1)
	return nil
}

// closedOnce waits for the body to be closed, and wants that once.
func (u *xUpload) closedOnce(t testing.TB) {
	t.Helper()
	assert.Eventually(t, func() bool { return u.closed.Load() > 0 }, time.Second, time.Millisecond, "the body is open")
	assert.EqualValues(t, 1, u.closed.Load(), "how often the body was closed")
}

func xReader(text string) *xUpload { return &xUpload{Reader: strings.NewReader(text)} }

// xRoundTripper makes an adapter of a function.
type xRoundTripper func(*http.Request) (*http.Response, error)

func (f xRoundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// xAnswer makes a response without a server.
func xAnswer(req *http.Request, status int, header http.Header, body io.ReadCloser) *http.Response {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: body, ContentLength: -1, Request: req,
	}
}

// xOver is a session, New's, over one adapter alone.
func xOver(t testing.TB, adapter http.RoundTripper) *session.Session {
	t.Helper()
	s := session.New()
	s.TrustEnv = false
	require.NoError(t, s.Mount("http://", adapter))
	require.NoError(t, s.Mount("https://", adapter))
	return s
}

// xText reads an answer that must be whole.
func xText(t testing.TB, resp *session.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	content, err := resp.Bytes()
	require.NoError(t, err)
	return string(content)
}
