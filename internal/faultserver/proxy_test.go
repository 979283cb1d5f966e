package faultserver_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// xAsked answers the request for a tunnel, or to forward, with text.
func xAsked(text string) faultserver.Script {
	return func(c *faultserver.Conn) {
		c.ReadRequest()
		c.Write(text)
		c.FIN()
	}
}

// xMethods are the methods of the requests that came.
func xMethods(srv *faultserver.Server) []string {
	var methods []string
	for _, r := range srv.Requests() {
		methods = append(methods, r.Method)
	}
	return methods
}

// xViaProxy is a session all of whose connections lead to the proxy.
func xViaProxy(t *testing.T, srv *faultserver.Server, proxy string) *xClient {
	t.Helper()
	c := xOpen(t, srv.Dial)
	c.Proxies = session.Proxies{"all": proxy}
	return c
}

func TestFaultsOfProxies(t *testing.T) {
	xGroup(t)

	for _, x := range []struct {
		name   string
		script faultserver.Script
		asked  int // how often, of a GET and of a POST of https that may be retried once
	}{
		{"closes", func(c *faultserver.Conn) { c.FIN() }, 0},
		{"resets", faultserver.RST, 0},
		{"closes_when_asked", xAsked(""), 2},
		{"resets_when_asked", func(c *faultserver.Conn) { c.ReadRequest(); c.RST() }, 2},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run("F77_"+x.name+"_a_tunnel_"+method, func(t *testing.T) {
				t.Parallel()
				srv := faultserver.New(t, x.script)
				c := xViaProxy(t, srv, "http://user:hunter2@proxy.test")
				body := xReader("abc")
				_, err := c.Request(t.Context(), method, "https://a.test/", session.Reader(body), &session.Retry{Total: 1})
				require.ErrorIs(t, err, session.ErrProxy)
				require.ErrorIs(t, err, session.ErrRetriesExhausted)
				assert.NotErrorIs(t, err, session.ErrTLS)
				assert.NotContains(t, err.Error(), "hunter2")
				assert.Equal(t, 2, srv.Conns(), "nothing reached the origin, so any method is tried again")
				assert.Len(t, srv.Requests(), x.asked)
				body.closedOnce(t)
				c.kept(t, 0)
			})
		}
		t.Run("F77_"+x.name+"_what_it_is_to_forward", func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, x.script)
			c := xViaProxy(t, srv, "http://proxy.test")
			_, err := c.Post(t.Context(), "http://a.test/", session.Text("abc"), &session.Retry{Total: 1})
			require.ErrorIs(t, err, session.ErrProxy)
			assert.LessOrEqual(t, len(srv.Requests()), 1, "the proxy may have passed it on")
			_, err = c.Get(t.Context(), "http://a.test/", &session.Retry{Total: 1})
			require.ErrorIs(t, err, session.ErrProxy)
			require.ErrorIs(t, err, session.ErrRetriesExhausted)
			c.kept(t, 0)
		})
	}

	t.Run("F77_refuses_the_connection", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, faultserver.Stall)
		srv.Close() // nobody listens there any more
		for _, url := range []string{"http://a.test/", "https://a.test/"} {
			c := xViaProxy(t, srv, "http://proxy.test")
			body := xReader("abc")
			_, err := c.Post(t.Context(), url, session.Reader(body), &session.Retry{Total: 1})
			require.ErrorIs(t, err, session.ErrProxy)
			var gone *session.RetryError
			require.ErrorAs(t, err, &gone)
			assert.Len(t, gone.Attempts, 2)
			body.closedOnce(t)
		}
	})

	for _, x := range []struct {
		name   string
		answer string
		status int // of the ProxyError; 0 where there is none
		asked  int
	}{
		{"407", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 4\r\n\r\nevil", 407, 1},
		{"502", "HTTP/1.1 502 Bad Gateway\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 4\r\n\r\nevil", 502, 2},
		{"301", "HTTP/1.1 301 Moved\r\nProxy-Authenticate: Basic realm=x\r\nLocation: http://evil.test/\r\nContent-Length: 4\r\n\r\nevil", 301, 2},
		{"204", "HTTP/1.1 204 No Content\r\nProxy-Authenticate: Basic realm=x\r\n\r\n", 204, 2},
		{"100", "HTTP/1.1 100 Continue\r\nProxy-Authenticate: Basic realm=x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 100, 2},
		{"garbage", "SSH-2.0-OpenSSH_9.0\r\n", 0, 2},
		{"nothing", "", 0, 2},
		{"2_MB_of_header", "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 2<<20), 0, 2},
	} {
		t.Run("F78_CONNECT_answered_"+x.name, func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, xAsked(x.answer))
			c := xViaProxy(t, srv, "http://user:hunter2@proxy.test")
			body := xReader("abc")
			resp, err := c.Post(t.Context(), "https://a.test/", session.Reader(body), &session.Retry{Total: 1})
			assert.Nil(t, resp, "a proxy's answer is never taken for the origin's")
			require.ErrorIs(t, err, session.ErrProxy)
			assert.NotErrorIs(t, err, session.ErrTLS)
			assert.NotContains(t, fmt.Sprintf("%+v", err), "evil")
			assert.NotContains(t, err.Error(), "hunter2")
			var refused *session.ProxyError
			if x.status == 0 {
				assert.NotErrorAs(t, err, &refused)
			} else if assert.ErrorAs(t, err, &refused) {
				assert.Equal(t, x.status, refused.StatusCode)
				assert.Equal(t, "Basic realm=x", refused.Header.Get("Proxy-Authenticate"))
			}
			assert.Len(t, srv.Requests(), x.asked)
			assert.NotContains(t, xMethods(srv), "POST")
			body.closedOnce(t)
			c.kept(t, 0)
		})
	}

	for name, behind := range map[string]string{
		"an_answer":     "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
		"half_a_record": "\x16\x03\x03\x00\x7a\x02",
		"nothing":       "",
	} {
		t.Run("F79_behind_the_tunnel_"+name, func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, func(c *faultserver.Conn) {
				c.ReadRequest()
				c.Write("HTTP/1.1 200 OK\r\n\r\n")
				_, _ = c.Raw().Read(make([]byte, 512)) // a ClientHello
				c.Write(behind)
				c.FIN()
			})
			c := xViaProxy(t, srv, "http://proxy.test")
			body := xReader("abc")
			resp, err := c.Post(t.Context(), "https://a.test/", session.Reader(body))
			assert.Nil(t, resp)
			require.ErrorIs(t, err, session.ErrConnection)
			assert.NotContains(t, fmt.Sprintf("%+v", err), "evil")
			assert.Equal(t, []string{"CONNECT"}, xMethods(srv))
			if name == "an_answer" {
				assert.ErrorIs(t, err, session.ErrTLS)
			} else {
				assert.ErrorIs(t, err, session.ErrProxy, "nobody else was talked to yet")
			}
			body.closedOnce(t)
			c.kept(t, 0)
		})
	}

	t.Run("F79_bytes_sent_along_with_the_tunnel", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, func(c *faultserver.Conn) {
			c.ReadRequest()
			c.Write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			c.FIN()
		})
		c := xViaProxy(t, srv, "http://proxy.test")
		resp, err := c.Get(t.Context(), "https://a.test/")
		assert.Nil(t, resp)
		require.ErrorIs(t, err, session.ErrConnection)
		assert.NotContains(t, fmt.Sprintf("%+v", err), "evil")
	})

	t.Run("F80_407_to_what_it_is_to_forward", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, faultserver.Answer(
			"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 3\r\n\r\nwho"))
		c := xViaProxy(t, srv, "http://proxy.test")
		for n := range 2 {
			resp, err := c.Post(t.Context(), "http://a.test/", session.Text("abc"), &session.Retry{Total: 1})
			assert.Equal(t, "who", xText(t, resp, err))
			assert.Equal(t, 407, resp.StatusCode)
			assert.Equal(t, "Basic realm=x", resp.Header.Get("Proxy-Authenticate"))
			assert.Len(t, srv.Requests(), n+1)
		}
		assert.Equal(t, 1, srv.Conns(), "the connection is used again")
	})

	for _, x := range []struct {
		name string
		says []string // to what is read
	}{
		{"closes", nil},
		{"closes_when_greeted", []string{""}},
		{"accepts_no_method", []string{"\x05\xff"}},
		{"refuses_the_password", []string{"\x05\x02", "\x01\x01"}},
		{"speaks_HTTP", []string{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}},
		{"refuses_the_connection", []string{"\x05\x02", "\x01\x00", "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"}},
		{"does_not_allow_it", []string{"\x05\x02", "\x01\x00", "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"}},
		{"breaks_off_its_reply", []string{"\x05\x02", "\x01\x00", "\x05\x00\x00"}},
	} {
		for _, url := range []string{"http://a.test/", "https://a.test/"} {
			t.Run("F81_SOCKS_"+x.name+"_"+url[:strings.IndexByte(url, ':')], func(t *testing.T) {
				t.Parallel()
				srv := faultserver.New(t, func(c *faultserver.Conn) {
					for _, text := range x.says {
						if _, err := c.Raw().Read(make([]byte, 512)); err != nil {
							return
						}
						c.Write(text)
					}
					c.FIN()
				})
				c := xViaProxy(t, srv, "socks5h://user:hunter2@proxy.test")
				body := xReader("abc")
				resp, err := c.Post(t.Context(), url, session.Reader(body), &session.Retry{Total: 1})
				assert.Nil(t, resp)
				require.ErrorIs(t, err, session.ErrProxy)
				assert.NotErrorIs(t, err, session.ErrTLS)
				assert.NotContains(t, fmt.Sprintf("%+v", err), "hunter2")
				assert.NotContains(t, fmt.Sprintf("%+v", err), "evil")
				assert.Equal(t, 2, srv.Conns(), "nothing reached the origin, so any method is tried again")
				body.closedOnce(t)
				c.kept(t, 0)
			})
		}
	}

	t.Run("F81_SOCKS_name_of_more_than_255_bytes", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, func(c *faultserver.Conn) {
			_, _ = io.ReadFull(c.Raw(), make([]byte, 3))
			c.Write("\x05\x00")
			c.ReadRequest() // which must not come
		})
		c := xViaProxy(t, srv, "socks5h://proxy.test")
		host := strings.Repeat(strings.Repeat("x", 50)+".", 6) + "test"
		_, err := c.Get(t.Context(), "http://"+host+"/")
		require.ErrorIs(t, err, session.ErrInvalidHost, "a name that DNS cannot have comes to no proxy")
		assert.Empty(t, srv.Requests())
		c.kept(t, 0)
	})
}
