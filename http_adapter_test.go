package session_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// tunnels is a proxy that opens every tunnel and counts them.
func tunnels(t *testing.T) (proxy *httptest.Server, opened *atomic.Int32) {
	t.Helper()
	opened = new(atomic.Int32)
	proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, err := net.Dial("tcp", r.Host)
		if r.Method != http.MethodConnect || err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		opened.Add(1)
		client, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			_ = target.Close()
			return
		}
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			defer target.Close()
			_, _ = io.Copy(target, client)
		}()
		defer client.Close()
		_, _ = io.Copy(client, target)
	}))
	t.Cleanup(proxy.Close)
	return proxy, opened
}

// net/http pools HTTP/2 connections by the host that they lead to alone.
func TestHTTP2ConnectionServesOneProxyOnly(t *testing.T) {
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	origin.EnableHTTP2 = true
	origin.StartTLS()
	defer origin.Close()
	one, viaOne := tunnels(t)
	two, viaTwo := tunnels(t)
	s := &session.Session{Verify: session.InsecureSkipVerify}
	defer s.Close()

	get := func(opts ...session.Option) {
		t.Helper()
		resp, err := s.Get(context.Background(), origin.URL, opts...)
		require.NoError(t, err)
		text, err := resp.Text()
		require.NoError(t, err)
		require.Equal(t, "HTTP/2.0", text)
	}
	get()
	get(session.Proxies{"https": one.URL})
	get(session.Proxies{"https": two.URL})
	get(session.Proxies{"https": one.URL})
	get()
	get(session.Proxies{"https": one.URL}, session.Header{"Proxy-Authorization": {"Basic b3RoZXI6dXNlcg=="}})

	assert.EqualValues(t, 2, viaOne.Load(), "a tunnel for each user of the first proxy")
	assert.EqualValues(t, 1, viaTwo.Load(), "one tunnel through the second proxy")
}

// net/http switches HTTP/2 off for a transport with a dialler or a TLS setting
// of its own, as every copy of a Base has one.
func TestABaseSpeaksHTTP2UnlessItSaysOtherwise(t *testing.T) {
	t.Parallel()
	srv := newServer(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	config := &tls.Config{RootCAs: pool}
	var one http.Protocols
	one.SetHTTP1(true)
	none := map[string]func(string, *tls.Conn) http.RoundTripper{}
	for _, c := range []struct {
		what  string
		base  *http.Transport
		proto string
	}{
		{"no base", nil, "HTTP/2.0"},
		{"an empty base", &http.Transport{}, "HTTP/2.0"},
		{"a limit", &http.Transport{MaxConnsPerHost: 4}, "HTTP/2.0"},
		{"a TLS setting", &http.Transport{TLSClientConfig: config}, "HTTP/2.0"},
		{"a dialler", &http.Transport{DialContext: new(net.Dialer).DialContext}, "HTTP/2.0"},
		{"an empty TLSNextProto", &http.Transport{TLSNextProto: none}, "HTTP/1.1"},
		{"an empty TLSNextProto and a TLS setting", &http.Transport{TLSNextProto: none, TLSClientConfig: config}, "HTTP/1.1"},
		{"HTTP/1.1 alone", &http.Transport{Protocols: &one}, "HTTP/1.1"},
	} {
		verifies := []session.Verify{session.RootCAs(pool), session.InsecureSkipVerify}
		if c.base != nil && c.base.TLSClientConfig != nil {
			verifies = append(verifies, nil)
		}
		for _, verify := range verifies {
			s := &session.Session{Verify: verify}
			require.NoError(t, s.Mount("https://", &session.HTTPAdapter{Base: c.base}))
			resp, err := s.Get(t.Context(), srv.URL)
			assert.Equal(t, c.proto, text(t, resp, err), "%s, %T", c.what, verify)
			require.NoError(t, s.Close())
		}
	}
}

// What middleware says of its own is neither net/http's nor a kind of this library's.
func TestErrorOfMiddlewareStaysItsOwn(t *testing.T) {
	t.Parallel()
	quota := errors.New("quota used up")
	for _, c := range []struct {
		what   string
		policy *session.Retry
		made   int
	}{
		{"no retries", nil, 1},
		{"retries of connections and answers", &session.Retry{Connect: 3, Read: 3, Status: 3}, 1},
		{"retries of the rest", &session.Retry{Other: 2}, 3},
		{"retries of all but the rest", &session.Retry{Total: 2, Other: -1}, 1},
		{"retries of anything", &session.Retry{Total: 2}, 3},
	} {
		made := 0
		s := &session.Session{Retry: c.policy}
		require.NoError(t, s.Mount("http://", &session.HTTPAdapter{Wrap: func(http.RoundTripper) http.RoundTripper {
			return roundTripper(func(*http.Request) (*http.Response, error) {
				made++
				return nil, quota
			})
		}}))
		_, err := s.Get(t.Context(), "http://a.test/")
		require.ErrorIs(t, err, quota, c.what)
		assert.Equal(t, c.made, made, c.what)
		kinds := kindsOf(err)
		if c.made > 1 {
			assert.Equal(t, []error{session.ErrRetriesExhausted}, kinds, c.what)
		} else {
			assert.Empty(t, kinds, c.what)
			assert.Equal(t, quota, errors.Unwrap(err), c.what)
		}
	}
}

// The errors of the transport have their kind before middleware sees them.
func TestMiddlewareSeesErrorsWithTheirKind(t *testing.T) {
	t.Parallel()
	var seen error
	s := new(session.Session)
	require.NoError(t, s.Mount("http://", &session.HTTPAdapter{Wrap: func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (resp *http.Response, err error) {
			resp, seen = next.RoundTrip(req)
			return resp, seen
		})
	}}))
	_, err := s.Get(t.Context(), "http://"+refusedAddress(t))
	require.ErrorIs(t, err, session.ErrConnection)
	require.ErrorIs(t, seen, session.ErrConnection)
	_, err = s.Get(t.Context(), sending(t, "no HTTP\r\n\r\n"))
	require.ErrorIs(t, err, session.ErrProtocol)
	require.ErrorIs(t, seen, session.ErrProtocol)
}
