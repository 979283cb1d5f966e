package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/net/http/httpproxy"

	"github.com/cbf3e3a9/session"
)

// setEnvironment names a proxy, n hosts that are reached without it, and a netrc
// file with n machines and the shop's.
func setEnvironment(tb testing.TB, n int) (netrc string) {
	tb.Helper()
	var direct, machines strings.Builder
	for i := range n {
		fmt.Fprintf(&direct, "host%d.internal.test,", i)
		fmt.Fprintf(&machines, "machine host%d.internal.test login u%d password p\n", i, i)
	}
	machines.WriteString("machine api.example.com login user password pa55word\n")
	netrc = filepath.Join(tb.TempDir(), "netrc")
	check(tb, os.WriteFile(netrc, []byte(machines.String()), 0o600))
	for name, value := range map[string]string{
		"NETRC": netrc, "HTTPS_PROXY": "http://proxy.example.com:3128", "NO_PROXY": direct.String(),
		"https_proxy": "", "no_proxy": "",
	} {
		tb.Setenv(name, value)
		if value == "" {
			check(tb, os.Unsetenv(name))
		}
	}
	return netrc
}

// proxied asks for a proxy as net/http's transport does, which reads the
// environment once, and then leaves it alone.
type proxied struct{ proxyOf func(*http.Request) error }

func (p proxied) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := p.proxyOf(req); err != nil {
		return nil, err
	}
	return stub{}.RoundTrip(req)
}

func newProxied() proxied {
	choose := httpproxy.FromEnvironment().ProxyFunc()
	return proxied{func(req *http.Request) error {
		_, err := choose(req.URL)
		return err
	}}
}

// BenchmarkEnvironment is a GET whose proxy and credentials come from an
// environment that does not change; the number is that of the entries of
// NO_PROXY and of the netrc file. By hand, both are read at the start and never
// again.
func BenchmarkEnvironment(b *testing.B) {
	for _, entries := range []int{1, 100} {
		b.Run(fmt.Sprint(entries), func(b *testing.B) {
			setEnvironment(b, entries)
			b.Run("nethttp", func(b *testing.B) {
				client := newClient(b, newProxied())
				logins := map[string][2]string{"api.example.com": {"user", "pa55word"}}
				b.ReportAllocs()
				for b.Loop() {
					req, err := http.NewRequestWithContext(background, http.MethodGet, shop, nil)
					check(b, err)
					if login, ok := logins[req.URL.Hostname()]; ok {
						req.SetBasicAuth(login[0], login[1])
					}
					_, err = send(client, req)
					check(b, err)
				}
			})
			b.Run("session", func(b *testing.B) {
				s := newSession(b, stub{})
				b.ReportAllocs()
				for b.Loop() {
					_, err := s.Get(background, shop)
					check(b, err)
				}
			})
		})
	}
}

// A request costs as many allocations with a large environment as with a small
// one: nothing of it is parsed again.
func TestEnvironmentIsNotParsedAnew(t *testing.T) {
	allocs := func(entries int) float64 {
		setEnvironment(t, entries)
		s := newSession(t, stub{})
		return testing.AllocsPerRun(100, func() {
			_, err := s.Get(background, shop)
			check(t, err)
		})
	}
	assert.InDelta(t, allocs(1), allocs(1_000), 1)
}

// A netrc file that is as large and as old as before is not opened again: what
// else is in it now does not show.
func TestNetrcIsNotOpenedAnew(t *testing.T) {
	path := setEnvironment(t, 1)
	before, err := os.Stat(path)
	check(t, err)
	var r recorder
	s := newSession(t, &r)
	login := func() string {
		_, err := s.Get(background, shop, session.Params{})
		check(t, err)
		user, _, _ := r.last.BasicAuth()
		return user
	}
	assert.Equal(t, "user", login())

	text, err := os.ReadFile(path)
	check(t, err)
	check(t, os.WriteFile(path, []byte(strings.Replace(string(text), "login user", "login nemo", 1)), 0o600))
	check(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
	assert.Equal(t, "user", login())

	check(t, os.Chtimes(path, before.ModTime(), before.ModTime().Add(-1e9)))
	assert.Equal(t, "nemo", login())
}
