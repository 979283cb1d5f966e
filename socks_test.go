package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// socksProxy is a SOCKS5 server (RFC 1928, RFC 1929) in a world.
type socksProxy struct {
	world    *world
	methods  []byte // what it accepts; nil is a method for every greeting
	reply    byte   // of the request; 0 succeeds
	rejected bool   // the password is refused

	mu  sync.Mutex
	got []string // what it was asked for, as "domain a.test:80 user:password"
}

// socks starts a SOCKS5 proxy that answers at proxy.test:1080.
func (w *world) socks(t *testing.T, p *socksProxy) *socksProxy {
	t.Helper()
	p.world = w
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w.leads["proxy.test:1080"] = listener.Addr().String()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = w.Close()
		_ = listener.Close()
		running.Wait()
	})
	return p
}

func (p *socksProxy) serve(conn net.Conn) {
	defer conn.Close()
	user, err := p.greet(conn)
	if err != nil {
		return
	}
	kind, addr, err := readTarget(conn)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.got = append(p.got, strings.TrimSpace(kind+" "+addr+" "+user))
	p.mu.Unlock()
	answer := []byte{5, p.reply, 0, 1, 0, 0, 0, 0, 0, 0}
	if p.reply != 0 {
		_, _ = conn.Write(answer)
		return
	}
	target, err := p.world.dial(context.Background(), "tcp", addr)
	if err != nil {
		return
	}
	_, _ = conn.Write(answer)
	splice(conn, target)
}

// greet agrees on a method and reads user and password, if that is it.
func (p *socksProxy) greet(conn net.Conn) (user string, err error) {
	head, err := readBytes(conn, 2)
	if err != nil || head[0] != 5 {
		return "", io.ErrUnexpectedEOF
	}
	offered, err := readBytes(conn, int(head[1]))
	if err != nil {
		return "", err
	}
	method := byte(0xff)
	for _, m := range offered { // the last one: a password, where there is one
		if p.methods == nil || bytes.IndexByte(p.methods, m) >= 0 {
			method = m
		}
	}
	if _, err = conn.Write([]byte{5, method}); err != nil || method == 0 {
		return "", err
	}
	if method != 2 {
		return "", errors.New("no method")
	}
	return p.password(conn)
}

func (p *socksProxy) password(conn net.Conn) (string, error) {
	var words []string
	head, err := readBytes(conn, 1)
	for range 2 {
		if err != nil || head[0] != 1 {
			return "", io.ErrUnexpectedEOF
		}
		length, err := readBytes(conn, 1)
		if err != nil {
			return "", err
		}
		word, err := readBytes(conn, int(length[0]))
		if err != nil {
			return "", err
		}
		words = append(words, string(word))
	}
	if p.rejected {
		_, _ = conn.Write([]byte{1, 1})
		return "", errors.New("rejected")
	}
	_, err = conn.Write([]byte{1, 0})
	return strings.Join(words, ":"), err
}

// readTarget reads a request to connect.
func readTarget(conn net.Conn) (kind, addr string, err error) {
	head, err := readBytes(conn, 4)
	if err != nil || head[0] != 5 || head[1] != 1 {
		return "", "", io.ErrUnexpectedEOF
	}
	var host []byte
	switch head[3] {
	case 1:
		kind = "IPv4"
		host, err = readBytes(conn, 4)
	case 4:
		kind = "IPv6"
		host, err = readBytes(conn, 16)
	case 3:
		kind = "domain"
		if host, err = readBytes(conn, 1); err == nil {
			host, err = readBytes(conn, int(host[0]))
		}
	}
	port, portErr := readBytes(conn, 2)
	if err = errors.Join(err, portErr); err != nil {
		return "", "", err
	}
	name := string(host)
	if ip, ok := netip.AddrFromSlice(host); ok && kind != "domain" {
		name = ip.String()
	}
	return kind, net.JoinHostPort(name, strconv.Itoa(int(port[0])<<8|int(port[1]))), nil
}

func readBytes(conn net.Conn, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(conn, b)
	return b, err
}

// calls lists what the proxy was asked for, in order.
func (p *socksProxy) calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got...)
}

// A name is for the proxy to look up, of either scheme.
func TestSOCKSProxy(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"socks5", "socks5h"} {
		for _, c := range []struct{ name, userinfo, target, want string }{
			{"http", "", "http://a.test/x?q=1", "domain a.test:80"},
			{"https", "", "https://a.test/x", "domain a.test:443"},
			{"a port", "", "http://a.test:8080/", "domain a.test:8080"},
			{"a name in Unicode", "", "http://bücher.test/", "domain xn--bcher-kva.test:80"},
			{"an address", "", "http://192.0.2.1/", "IPv4 192.0.2.1:80"},
			{"an address of six", "", "http://[2001:db8::1]:8080/", "IPv6 [2001:db8::1]:8080"},
			{"a user", "user:pass@", "http://a.test/", "domain a.test:80 user:pass"},
			{"a user, https", "user:pass@", "https://a.test/", "domain a.test:443 user:pass"},
			{"a user that is escaped", "us%40er:p%2Fss%3A@", "http://a.test/", "domain a.test:80 us@er:p/ss:"},
			{"a long password", "u:" + strings.Repeat("x", 255) + "@", "http://a.test/", "domain a.test:80 u:" + strings.Repeat("x", 255)},
		} {
			t.Run(scheme+" "+c.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				proxy := w.socks(t, new(socksProxy))
				resp, err := w.Get(t.Context(), c.target, session.Proxies{"all": scheme + "://" + c.userinfo + "proxy.test"},
					session.Header{"Proxy-Authorization": {"Basic c2VjcmV0"}})
				assert.Equal(t, "ok", text(t, resp, err))
				assert.Equal(t, []string{c.want}, proxy.calls())
				visit := w.last()
				assert.Equal(t, mustURL(t, c.target).RequestURI(), visit.RequestURI, "as to an origin")
				assert.NotContains(t, visit.Header, "Proxy-Authorization")
				assert.NotContains(t, visit.Header, "Authorization")
				assert.Equal(t, "proxy.test:1080", w.dials[0])
			})
		}
	}
}

func TestSOCKSProxyKeepsConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.socks(t, new(socksProxy))
	for range 2 {
		for _, user := range []string{"", "a:1@", "b:2@"} {
			for _, target := range []string{"http://a.test/", "https://a.test/"} {
				_, err := w.Get(t.Context(), target, session.Proxies{"all": "socks5h://" + user + "proxy.test"})
				require.NoError(t, err)
			}
		}
	}
	assert.Equal(t, []string{
		"domain a.test:80", "domain a.test:443", "domain a.test:80 a:1", "domain a.test:443 a:1",
		"domain a.test:80 b:2", "domain a.test:443 b:2",
	}, proxy.calls(), "one for each user, used again")
}

func TestSOCKSProxyOnRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.socks(t, new(socksProxy))
	w.redirect(http.StatusFound, "http://a.test/", "https://b.test/")
	_, err := w.Get(t.Context(), "http://a.test/", session.Proxies{"all": "socks5h://u:p@proxy.test"})
	require.NoError(t, err)
	assert.Equal(t, []string{"domain a.test:80 u:p", "domain b.test:443 u:p"}, proxy.calls())
}

func TestSOCKSProxyThatRefuses(t *testing.T) {
	t.Parallel()
	type refusal struct {
		name     string
		proxy    *socksProxy
		userinfo string
	}
	refusals := []refusal{
		{"the password", &socksProxy{rejected: true}, "user:hunter2@"},
		{"every method", &socksProxy{methods: []byte{9}}, "user:hunter2@"},
		{"to go without a password", &socksProxy{methods: []byte{2}}, ""},
		{"a password that is too long", new(socksProxy), "user:hunter2" + strings.Repeat("x", 255) + "@"},
		{"an empty user", new(socksProxy), ":hunter2@"},
	}
	for reply := range byte(10) { // RFC 1928 section 6, and one that it does not know
		refusals = append(refusals, refusal{fmt.Sprintf("with reply %d", reply+1), &socksProxy{reply: reply + 1}, "user:hunter2@"})
	}
	for _, c := range refusals {
		for _, target := range []string{"http://a.test/", "https://a.test/"} {
			t.Run(c.name+" "+target, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.socks(t, &socksProxy{methods: c.proxy.methods, reply: c.proxy.reply, rejected: c.proxy.rejected})
				resp, err := w.Get(t.Context(), target, session.Proxies{"all": "socks5h://" + c.userinfo + "proxy.test"})
				assert.Nil(t, resp)
				require.ErrorIs(t, err, session.ErrProxy)
				assert.NotErrorIs(t, err, session.ErrTLS)
				assert.NotErrorIs(t, err, session.ErrTimeout)
				assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), "hunter2")
				assert.Equal(t, []string{"proxy.test:1080"}, w.dials, "once, and never directly")
				assert.Empty(t, w.visits())
			})
		}
	}
}

func TestSOCKSProxyThatAnswersGarbage(t *testing.T) {
	t.Parallel()
	after := func(answers ...string) func(net.Conn) {
		return func(conn net.Conn) {
			for _, answer := range answers {
				if _, err := conn.Read(make([]byte, 512)); err != nil {
					return
				}
				_, _ = io.WriteString(conn, answer)
			}
		}
	}
	for name, script := range map[string]func(net.Conn){
		"nothing":             func(net.Conn) {},
		"nothing, asked":      after(""),
		"half a greeting":     after("\x05"),
		"SOCKS4":              after("\x04\x00"),
		"HTTP":                after("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"an unknown method":   after("\x05\x07"),
		"nothing, greeted":    after("\x05\x00", ""),
		"half a reply":        after("\x05\x00", "\x05\x00\x00"),
		"another version":     after("\x05\x00", "\x04\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
		"an unknown address":  after("\x05\x00", "\x05\x00\x00\x09\x00\x00\x00\x00\x00\x00"),
		"a reserved byte set": after("\x05\x00", "\x05\x00\x01\x01\x00\x00\x00\x00\x00\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := talking(t, script).Get(t.Context(), "http://a.test/", session.Proxies{"all": "socks5://proxy.test"})
			assert.Nil(t, resp)
			require.ErrorIs(t, err, session.ErrProxy)
			assert.NotErrorIs(t, err, session.ErrTimeout)
		})
	}
}

// What fails behind the proxy is not the proxy's failure.
func TestFailureBehindASOCKSProxyIsNotTheProxys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.socks(t, new(socksProxy))
	w.Proxies = session.Proxies{"all": "socks5h://proxy.test"}
	targets := []string{"http://a.test/", "https://a.test/"}
	for _, target := range targets {
		w.handle(target, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}
	_, err := w.Get(t.Context(), "https://unknown.test/")
	require.ErrorIs(t, err, session.ErrTLS)
	assert.NotErrorIs(t, err, session.ErrProxy)
	for _, target := range targets {
		_, err = w.Get(t.Context(), target)
		require.ErrorIs(t, err, session.ErrConnection)
		assert.NotErrorIs(t, err, session.ErrProxy)
	}
}

// RFC 1928 has one byte for the length of a name.
func TestNameTooLongForSOCKS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := w.socks(t, new(socksProxy))
	long := strings.Repeat(strings.Repeat("x", 50)+".", 6) + "test"
	_, err := w.Get(t.Context(), "http://"+long+"/", session.Proxies{"all": "socks5h://proxy.test"})
	require.Error(t, err)
	assert.Empty(t, proxy.calls())
	assert.Empty(t, w.visits())
}
