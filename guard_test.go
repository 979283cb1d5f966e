package session_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

func TestPublicOnly(t *testing.T) {
	t.Parallel()
	for _, public := range []string{
		"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.167.0.1", "198.17.255.255",
		"223.255.255.255", "2606:4700:4700::1111", "2a00::1", "::ffff:1.1.1.1", "64:ff9b::8.8.8.8", "2002:808:808::1",
	} {
		assert.NoError(t, session.PublicOnly(netip.AddrPortFrom(netip.MustParseAddr(public), 80)), public)
	}
	for _, inside := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1",
		"255.255.255.255", "::", "::1", "::2", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
		"100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd12::1",
		"fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
	} {
		assert.Error(t, session.PublicOnly(netip.AddrPortFrom(netip.MustParseAddr(inside), 80)), inside)
	}
	assert.Error(t, session.PublicOnly(netip.AddrPort{}))
}

// guardedBy makes a session whose adapter has a Guard.
func guardedBy(t *testing.T, adapter *session.HTTPAdapter) *session.Session {
	t.Helper()
	s := session.New()
	s.TrustEnv = false
	require.NoError(t, s.Mount("http://", adapter))
	require.NoError(t, s.Mount("https://", adapter))
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestGuardRefusesAddresses(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	_, port, err := net.SplitHostPort(srv.addr())
	require.NoError(t, err)
	for name, base := range map[string]*http.Transport{
		"its own dialler":   nil,
		"a Base":            {},
		"a Base that dials": {DialContext: new(net.Dialer).DialContext},
		"an old dialler":    {Dial: net.Dial},
	} {
		s := guardedBy(t, &session.HTTPAdapter{Base: base, Guard: session.PublicOnly})
		s.Retry = &session.Retry{Total: 3}
		for _, url := range []string{srv.URL, "http://localhost:" + port, "http://127.1:" + port, secure.URL} {
			_, err := s.Get(t.Context(), url)
			if strings.Contains(url, "127.1:") && !errors.Is(err, session.ErrAddressRefused) {
				require.Error(t, err, name) // where the resolver knows no such form
				continue
			}
			require.ErrorIs(t, err, session.ErrAddressRefused, "%s, %s", name, url)
			require.NotErrorIs(t, err, session.ErrRetriesExhausted, "%s, %s", name, url)
		}
	}
	assert.Empty(t, srv.requests())
}

func TestGuardIsAskedOnRedirects(t *testing.T) {
	t.Parallel()
	inside := serve(t, nil)
	outside := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, http.StatusFound) })
	var asked []netip.AddrPort
	s := guardedBy(t, &session.HTTPAdapter{Guard: func(addr netip.AddrPort) error {
		asked = append(asked, addr)
		if addr.String() == inside.addr() {
			return errors.New("it is inside")
		}
		return nil
	}})
	_, err := s.Get(t.Context(), outside.URL)
	require.ErrorIs(t, err, session.ErrAddressRefused)
	assert.ErrorContains(t, err, "it is inside")
	assert.Equal(t, []netip.AddrPort{netip.MustParseAddrPort(outside.addr()), netip.MustParseAddrPort(inside.addr())}, asked)
	assert.Empty(t, inside.requests())
	assert.Len(t, outside.requests(), 1)
}

// What a name is resolved to counts, not what it was when somebody looked.
func TestGuardSeesTheAddressThatIsDialled(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := guardedBy(t, &session.HTTPAdapter{
		Base: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, srv.addr()) // a name server's second thoughts
		}},
		Guard: session.PublicOnly,
	})
	_, err := s.Get(t.Context(), "http://public.test/")
	require.ErrorIs(t, err, session.ErrAddressRefused)
	assert.Empty(t, srv.requests())
}

func TestGuardAndProxies(t *testing.T) {
	t.Parallel()
	proxy := serve(t, nil)
	allow := func(netip.AddrPort) error { return nil }
	s := guardedBy(t, &session.HTTPAdapter{Guard: allow})
	for _, url := range []string{"http://a.test/", "https://a.test/"} {
		_, err := s.Get(t.Context(), url, session.Proxies{"all": proxy.URL})
		require.ErrorIs(t, err, session.ErrInvalidRequest)
	}
	assert.Empty(t, proxy.requests())

	s = guardedBy(t, &session.HTTPAdapter{Guard: allow, GuardProxies: true})
	resp, err := s.Get(t.Context(), "http://a.test/", session.Proxies{"all": proxy.URL})
	assert.Equal(t, "ok", text(t, resp, err))

	s = guardedBy(t, &session.HTTPAdapter{Guard: session.PublicOnly, GuardProxies: true})
	_, err = s.Get(t.Context(), "http://a.test/", session.Proxies{"all": proxy.URL})
	require.ErrorIs(t, err, session.ErrAddressRefused, "the proxy's address counts")
}

func TestGuardThatAllows(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := guardedBy(t, &session.HTTPAdapter{Guard: func(addr netip.AddrPort) error {
		if !addr.Addr().IsLoopback() {
			return errors.New("only this machine")
		}
		return nil
	}})
	for range 2 {
		resp, err := s.Get(t.Context(), srv.URL)
		assert.Equal(t, "ok", text(t, resp, err))
	}
}
