package conformance_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cbf3e3a9/session/internal/conformance"
)

const get = "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"

// What is sent for each key of a route, to the last byte. The client says all
// that it has to say at once; that the server reads the end of it shows that
// the connection would have stayed open.
func TestRoutes(t *testing.T) {
	t.Parallel()
	ok := func(head, body string) string { return "HTTP/1.1 200 OK\r\n" + head + "\r\n" + body }
	notFound := "HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\nno route"
	for _, c := range []struct{ name, routes, request, want string }{
		{"body", `[{"body": "hi"}]`, get + get, strings.Repeat(ok("Content-Length: 2\r\n", "hi"), 2)},
		{"body in UTF-8", `[{"body": "ü"}]`, get, ok("Content-Length: 2\r\n", "ü")},
		{"body of bytes", `[{"body": "no", "body_b64": "AP8="}]`, get, ok("Content-Length: 2\r\n", "\x00\xff")},
		{"body of no bytes", `[{"body": "no", "body_b64": ""}]`, get, ok("Content-Length: 0\r\n", "")},
		{"echo", `[{"echo": true, "body": "no"}]`, get, ok("Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n", "GET a.test /x")},
		{"echo of bytes", `[{"echo": true}]`, "GET /\xe9\xff HTTP/1.1\r\n\r\n", ok("Content-Type: text/plain; charset=utf-8\r\nContent-Length: 8\r\n", "GET  /\xe9\xff")},
		{"headers", `[{"headers": [["X-A", "1"], ["x-a", "2"]]}]`, get, ok("X-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n", "")},
		{"headers in Latin-1", `[{"headers": [["X-A", "ü"]]}]`, get, ok("X-A: \xfc\r\nContent-Length: 0\r\n", "")},
		{"headers in UTF-8", `[{"headers": [["X-A", "ü"]], "header_encoding": "utf-8"}]`, get, ok("X-A: ü\r\nContent-Length: 0\r\n", "")},
		{"headers beyond Latin-1", `[{"headers": [["X-A", "日"]]}]`, get, ""},
		{"length of its own", `[{"headers": [["content-length", "5"]], "body": "hi"}]`, get, ok("content-length: 5\r\n", "hi")},
		{"status", `[{"status": 299}]`, get, "HTTP/1.1 299 Status\r\nContent-Length: 0\r\n\r\n"},
		{"reason", `[{"reason": "All right"}]`, get, "HTTP/1.1 200 All right\r\nContent-Length: 0\r\n\r\n"},
		{"no reason", `[{"reason": ""}]`, get, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"},
		{"no body with HEAD", `[{"body": "hi"}]`, "HEAD /x HTTP/1.1\r\n\r\n", ok("Content-Length: 2\r\n", "")},
		{"no body with 204", `[{"status": 204, "reason": "None", "body": "hi"}]`, get, "HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\n"},
		{"chunks", `[{"chunked": 2, "body": "abc"}]`, get + get, strings.Repeat(ok("Transfer-Encoding: chunked\r\n", "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), 2)},
		{"chunks of some size", `[{"chunked": true, "body": "0123456789abcdefX"}]`, get, ok("Transfer-Encoding: chunked\r\n", "10\r\n0123456789abcdef\r\n1\r\nX\r\n0\r\n\r\n")},
		{"chunks of one size", `[{"chunked": 1, "body": "hi"}]`, get, ok("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n")},
		{"no chunks", `[{"chunked": false, "body": "hi"}]`, get, ok("Content-Length: 2\r\n", "hi")},
		{"until close", `[{"until_close": true, "body": "hi"}]`, get + get, ok("Connection: close\r\n", "hi")},
		{"close", `[{"close": true, "body": "hi"}]`, get + get, ok("Content-Length: 2\r\n", "hi")},
		{"close after chunks", `[{"close": true, "chunked": 2, "body": "hi"}]`, get + get, ok("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n")},
		{"raw", `[{"raw_b64": "bm9uc2Vuc2U="}]`, get + get, "nonsense"},
		{"truncated", `[{"truncate": 1, "body": "hi"}]`, get + get, ok("Content-Length: 2\r\n", "h")},
		{"truncated at once", `[{"truncate": 0, "body": "hi"}]`, get + get, ok("Content-Length: 2\r\n", "")},
		{"truncated beyond the end", `[{"truncate": 9, "body": "hi"}]`, get + get, ok("Content-Length: 2\r\n", "hi")},
		{"truncated chunks", `[{"truncate": 1, "chunked": 2, "body": "hello"}]`, get + get, ok("Transfer-Encoding: chunked\r\n", "2\r\nhe\r\n")},
		{"fault", `[{"fault": "close"}]`, get + get, ""},
		{"delays", `[{"delay_ms": 1, "body_delay_ms": 1.5, "body": "hi"}]`, get, ok("Content-Length: 2\r\n", "hi")},
		{"no route", `[]`, get, notFound},
		{"method", `[{"method": "POST"}]`, get, notFound},
		{"host", `[{"host": "b.test"}]`, get, notFound},
		{"host without port", `[{"host": "a.test", "body": "hi"}]`, "GET /x HTTP/1.1\r\nHost: a.test:8080\r\n\r\n", ok("Content-Length: 2\r\n", "hi")},
		{"path without query", `[{"path": "/x", "body": "hi"}]`, "GET /x?y HTTP/1.1\r\n\r\n", ok("Content-Length: 2\r\n", "hi")},
		{"path of an absolute target", `[{"path": "/x", "body": "hi"}]`, "GET http://a.test/x?y HTTP/1.1\r\n\r\n", ok("Content-Length: 2\r\n", "hi")},
		{"path", `[{"path": "/y"}]`, get, notFound},
		{"header", `[{"if_header": ["X-A", "on"], "body": "hi"}]`, "GET / HTTP/1.1\r\nx-a: one\r\n\r\n" + get, ok("Content-Length: 2\r\n", "hi") + notFound},
		{"header of any value", `[{"if_header": ["X-A"], "body": "hi"}]`, "GET / HTTP/1.1\r\nx-a:\r\n\r\n", ok("Content-Length: 2\r\n", "hi")},
		{"times", `[{"times": 1, "body": "1"}, {"body": "2"}]`, get + get, ok("Content-Length: 1\r\n", "1") + ok("Content-Length: 1\r\n", "2")},
		{"no times", `[{"times": 0, "body": "1"}]`, get, notFound},
		{"expect", `[{"body": "hi"}]`, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 2\r\n", "hi")},
		{"no HTTP", `[{"body": "hi"}]`, "hello\r\n\r\n", ""},
		{"refused tunnel", `[{"method": "CONNECT", "status": 407, "body": "no"}]`, "CONNECT a.test:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 407 Status\r\nContent-Length: 2\r\n\r\nno"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, conformance.Scenario{Server: routes(t, c.routes)})
			conn := dial(t, srv.PlainPort())
			_, err := io.WriteString(conn, c.request)
			require.NoError(t, err)
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			got, _ := io.ReadAll(conn) // a reset ends it as well as a close
			assert.Equal(t, c.want, string(got))
		})
	}
}

// What is kept of a request.
func TestArrivals(t *testing.T) {
	t.Parallel()
	srv := newServer(t, conformance.Scenario{})
	conn := dial(t, srv.PlainPort())
	ask(t, conn, "\r\nPOST /p?q HTTP/1.1\r\nHost: a.test:80\r\nX-A:  1 \r\nx-a: \xfc\r\nContent-Length: 2\r\n\r\nhi")
	ask(t, conn, "PUT http://b.test/ HTTP/1.1\r\nHost: b.test:8080\r\nTransfer-Encoding: Chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n")
	ask(t, dial(t, srv.PlainPort()), get)
	via := "proxy"
	assert.Equal(t, []conformance.Arrival{
		{Scheme: "http", Method: "POST", Target: "/p?q", Host: "a.test", Framing: "length", Body: []byte("hi"), Conn: 1,
			Headers: [][2]string{{"host", "a.test"}, {"x-a", "1"}, {"x-a", "ü"}, {"content-length", "2"}}},
		{Scheme: "http", Method: "PUT", Target: "http://b.test/", Host: "b.test:8080", Framing: "chunked", Body: []byte("abc"), Conn: 1,
			Headers: [][2]string{{"host", "b.test:8080"}, {"transfer-encoding", "Chunked"}}, Via: &via},
		{Scheme: "http", Method: "GET", Target: "/x", Host: "a.test", Framing: "none", Body: []byte{}, Conn: 2,
			Headers: [][2]string{{"host", "a.test"}}},
	}, srv.Arrivals())
}

// A tunnel is ended by the server itself, in TLS.
func TestTunnel(t *testing.T) {
	t.Parallel()
	certificates := newCertificates(t)
	s := conformance.Scenario{Server: routes(t, `[{"path": "/x", "body": "hi"}]`), ClientCertificate: "optional"}
	srv, err := conformance.NewServer(s, certificates)
	require.NoError(t, err)
	defer srv.Close()
	conn := dial(t, srv.PlainPort())
	assert.Equal(t, "HTTP/1.1 200 Connection established\r\n\r\n", ask(t, conn, "CONNECT a.test:443 HTTP/1.1\r\n\r\n"))
	inside := tls.Client(conn, clientTLS(t, certificates, "a.test"))
	ask(t, inside, "GET /x HTTP/1.1\r\nHost: a.test:443\r\n\r\n")
	arrivals := srv.Arrivals()
	require.Len(t, arrivals, 2)
	via, client := "tunnel a.test:443", "client"
	assert.Equal(t, conformance.Arrival{
		Scheme: "https", Method: "GET", Target: "/x", Host: "a.test", Framing: "none", Body: []byte{}, Conn: 1,
		Headers: [][2]string{{"host", "a.test"}}, Via: &via, ClientCN: &client,
	}, arrivals[1])
}

// Which certificates are shown and asked for.
func TestCertificates(t *testing.T) {
	t.Parallel()
	certificates := newCertificates(t)
	for _, c := range []struct{ name, shown, asked, host, problem string }{
		{"good", "", "", "x.b.test", ""},
		{"for an address", "server", "none", "127.0.0.2", ""},
		{"expired", "expired", "", "a.test", "expired"},
		{"for another host", "", "", "d.example", "not d.example"},
		{"client's", "", "required", "a.test", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv, err := conformance.NewServer(conformance.Scenario{Certificate: c.shown, ClientCertificate: c.asked}, certificates)
			require.NoError(t, err)
			defer srv.Close()
			conn := tls.Client(dial(t, srv.TLSPort()), clientTLS(t, certificates, c.host))
			err = conn.Handshake()
			if c.problem != "" {
				assert.ErrorContains(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, ask(t, conn, get), "404")
		})
	}
	_, err := conformance.NewServer(conformance.Scenario{ClientCertificate: "nonsense"}, certificates)
	assert.ErrorContains(t, err, "nonsense")
	_, err = conformance.NewServer(conformance.Scenario{Certificate: "nonsense"}, certificates)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestReset(t *testing.T) {
	t.Parallel()
	srv := newServer(t, conformance.Scenario{Server: routes(t, `[{"fault": "reset"}]`)})
	conn := dial(t, srv.PlainPort())
	_, err := io.WriteString(conn, get)
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	assert.ErrorIs(t, err, syscall.ECONNRESET)
}

// Close ends connections, open ones and delayed ones, and leaves nothing.
func TestServerClose(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	certificates := newCertificates(t)
	srv, err := conformance.NewServer(conformance.Scenario{Server: routes(t, `[{"path": "/x", "delay_ms": 60000}]`)}, certificates)
	require.NoError(t, err)
	idle, waiting := dial(t, srv.PlainPort()), dial(t, srv.PlainPort())
	ask(t, idle, "GET /y HTTP/1.1\r\n\r\n")
	_, err = io.WriteString(waiting, get)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(srv.Arrivals()) == 2 }, 5*time.Second, time.Millisecond)
	require.NoError(t, srv.Close())
	for _, conn := range []net.Conn{idle, waiting} {
		_, err := conn.Read(make([]byte, 1))
		assert.Error(t, err)
	}
}

func routes(t *testing.T, text string) []conformance.Route {
	t.Helper()
	var all []conformance.Route
	require.NoError(t, json.Unmarshal([]byte(text), &all))
	return all
}

func newServer(t *testing.T, s conformance.Scenario) *conformance.Server {
	t.Helper()
	srv, err := conformance.NewServer(s, newCertificates(t))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, srv.Close()) })
	return srv
}

func dial(t *testing.T, port string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends a request and reads the answer: a head, and a body if its length is said.
func ask(t *testing.T, conn net.Conn, request string) string {
	t.Helper()
	_, err := io.WriteString(conn, request)
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	var answer strings.Builder
	length := 0
	for !strings.HasSuffix(answer.String(), "\r\n\r\n") {
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		fmt.Sscanf(line, "Content-Length: %d", &length)
		answer.WriteString(line)
	}
	body := make([]byte, length)
	_, err = io.ReadFull(in, body)
	require.NoError(t, err)
	return answer.String() + string(body)
}

func clientTLS(t *testing.T, certificates, host string) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(certificates, "ca.pem"))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(ca))
	both := filepath.Join(certificates, "client-both.pem")
	cert, err := tls.LoadX509KeyPair(both, both)
	require.NoError(t, err)
	return &tls.Config{RootCAs: roots, ServerName: host, Certificates: []tls.Certificate{cert}}
}
