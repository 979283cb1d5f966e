package session_test

import (
	"context"
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
