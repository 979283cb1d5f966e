package faultserver_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// TestFaultsOfStalledBodies has nobody wait for a body of which no more comes,
// where waiting gains nothing.
func TestFaultsOfStalledBodies(t *testing.T) {
	for name, f := range map[string]func(*testing.T){
		"F54_connection_that_ends_anyway":  closedWithTheConnection,
		"F54_after_an_error":               closedAfterAnError,
		"F54_under_a_shorter_read_timeout": closedWithinReadTimeout,
		"F54_body_of_middleware":           closedInMiddleware,
		"F54_gzip_of_net_http":             closedInGzip,
	} {
		t.Run(name, func(t *testing.T) { bubble(t, f) })
	}
}

// stalling answers each request with a head, and then nothing.
func stalling(head string) faultserver.Script {
	return func(c *faultserver.Conn) {
		if c.ReadRequest().URL.Path == "/end" {
			c.Write(faultserver.OK)
			return
		}
		c.Write("HTTP/1.1 " + head + "\r\n\r\n")
		c.Stall()
	}
}

// took is how long f takes.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func closedWithTheConnection(t *testing.T) {
	for _, head := range []string{"200 OK\r\nContent-Length: 9\r\nConnection: close", "200 OK"} {
		s := xOpen(t, faultserver.NewPipe(t, stalling(head)).Dial)
		resp, err := s.Get(t.Context(), "http://a.test/", session.Stream(true))
		require.NoError(t, err)
		assert.Zero(t, took(func() { require.NoError(t, resp.Close()) }), head)
	}
}

func closedAfterAnError(t *testing.T) {
	s := xOpen(t, faultserver.NewPipe(t, stalling("200 OK\r\nContent-Length: 90")).Dial)
	assert.Zero(t, took(func() {
		_, err := s.Get(t.Context(), "http://a.test/", session.Stream(true), session.Hooks{Response: []session.ResponseHook{
			func(*session.Response) (*session.Response, error) { return nil, errors.New("no") },
		}})
		require.ErrorIs(t, err, session.ErrHook)
	}))
	s = xOpen(t, faultserver.NewPipe(t, stalling("200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 90\r\n\r\nthis is no gzip")).Dial)
	assert.Zero(t, took(func() {
		_, err := s.Get(t.Context(), "http://a.test/")
		require.ErrorIs(t, err, session.ErrDecode)
	}))
}

func closedWithinReadTimeout(t *testing.T) {
	s := xOpen(t, faultserver.NewPipe(t, stalling("200 OK\r\nContent-Length: 90")).Dial)
	resp, err := s.Get(t.Context(), "http://a.test/", session.Stream(true), session.Timeout{Read: 20 * time.Millisecond})
	require.NoError(t, err)
	assert.Equal(t, 20*time.Millisecond, took(func() { require.NoError(t, resp.Close()) }))
}

// countedBody counts how often it is closed, which ends no read.
type countedBody struct {
	io.Reader
	closed int
}

func (b *countedBody) Close() error {
	b.closed++
	return nil
}

func closedInMiddleware(t *testing.T) {
	from, to := io.Pipe()
	defer to.Close()
	body := &countedBody{Reader: from}
	s := session.New()
	require.NoError(t, s.Mount("http://", &session.HTTPAdapter{Wrap: func(http.RoundTripper) http.RoundTripper {
		return xRoundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ProtoMajor: 1, Header: http.Header{}, Body: body, ContentLength: 5, Request: req}, nil
		})
	}}))
	resp, err := s.Get(t.Context(), "http://a.test/", session.Stream(true))
	require.NoError(t, err)
	assert.Zero(t, took(func() { require.NoError(t, resp.Close()) }))
	require.NoError(t, resp.Close())
	assert.Equal(t, 1, body.closed)
}

// closedInGzip has net/http undo gzip, whose Close waits for a Read.
func closedInGzip(t *testing.T) {
	const coded = "\r\nContent-Encoding: gzip\r\nContent-Length: 90"
	for head, path := range map[string]string{"200 OK" + coded: "/", "302 Found\r\nLocation: /end" + coded: "/end"} {
		transport := &http.Transport{DialContext: faultserver.NewPipe(t, stalling(head)).Dial}
		s := new(session.Session)
		require.NoError(t, s.Mount("http://", transport))
		assert.Zero(t, took(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test/", nil)
			require.NoError(t, err)
			resp, err := s.Do(req)
			require.NoError(t, err)
			assert.Equal(t, path, resp.Request.URL.Path)
			require.NoError(t, resp.Body.Close())
		}), head)
		transport.CloseIdleConnections()
	}
}
