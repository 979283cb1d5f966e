package security_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

const bSecret = "hunter2" // what no error may show

// bServer answers requests over plain TCP and over TLS, and records their bytes.
type bServer struct {
	plain, secure string // addresses
	answer        func(*bSent) string

	mu  sync.Mutex
	got []*bSent
}

// bSent is a request as it came over the wire.
type bSent struct {
	*http.Request
	Raw    string // every byte, head and body
	Body   string
	Err    error  // of parsing it
	Secure bool   // it came over TLS
	Name   string // that the TLS handshake asked for
	Conn   int    // the number of its connection
}

// line is the request line.
func (r *bSent) line() string {
	line, _, _ := strings.Cut(r.Raw, "\r\n")
	return line
}

// head is the request line and the header lines.
func (r *bSent) head() string {
	head, _, _ := strings.Cut(r.Raw, "\r\n\r\n")
	return head
}

// bOK is a whole response, with further header lines, each ended by CRLF.
func bOK(lines ...string) string {
	return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + strings.Join(lines, "") + "\r\nok"
}

// bRedirect is a redirect without a body.
func bRedirect(status int, location string) string {
	return fmt.Sprintf("HTTP/1.1 %d Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, location)
}

// bCertificates are httptest's.
var bCertificates = sync.OnceValue(func() []tls.Certificate {
	server := httptest.NewTLSServer(nil)
	server.Close()
	return server.TLS.Certificates
})

// bServe starts a server; a nil answer is bOK().
func bServe(t testing.TB, answer func(*bSent) string) *bServer {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	secure, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: bCertificates()})
	require.NoError(t, err)
	s := &bServer{plain: plain.Addr().String(), secure: secure.Addr().String(), answer: answer}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.accept(ctx, plain, &running) })
	running.Go(func() { s.accept(ctx, secure, &running) })
	t.Cleanup(func() {
		cancel()
		_ = plain.Close()
		_ = secure.Close()
		running.Wait()
	})
	return s
}

func (s *bServer) accept(ctx context.Context, listener net.Listener, running *sync.WaitGroup) {
	for n := 1; ; n++ {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		running.Go(func() {
			defer stop()
			defer conn.Close()
			s.converse(conn, n)
		})
	}
}

// converse answers the requests of a connection. Clients do not pipeline, so
// that what was read since the last answer is one request, or should be.
func (s *bServer) converse(conn net.Conn, number int) {
	encrypted, secure := conn.(*tls.Conn)
	var raw bytes.Buffer
	reader := bufio.NewReader(io.TeeReader(conn, &raw))
	for {
		raw.Reset()
		sent := &bSent{Conn: number, Secure: secure}
		sent.Request, sent.Err = http.ReadRequest(reader)
		if sent.Err == nil {
			var body []byte
			body, sent.Err = io.ReadAll(sent.Request.Body)
			sent.Body = string(body)
		}
		if sent.Raw = raw.String(); sent.Raw == "" {
			return
		}
		if secure {
			sent.Name = encrypted.ConnectionState().ServerName
		}
		s.mu.Lock()
		s.got = append(s.got, sent)
		s.mu.Unlock()
		response := bOK()
		if sent.Err != nil {
			response = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
		} else if s.answer != nil {
			response = s.answer(sent)
		}
		if sent.Err == nil && sent.Method == http.MethodHead {
			head, _, _ := strings.Cut(response, "\r\n\r\n")
			response = head + "\r\n\r\n"
		}
		if _, err := io.WriteString(conn, response); err != nil || strings.Contains(response, "Connection: close\r\n") {
			return
		}
	}
}

// requests lists what came, in order.
func (s *bServer) requests() []*bSent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*bSent(nil), s.got...)
}

// last is what came last.
func (s *bServer) last(t testing.TB) *bSent {
	t.Helper()
	got := s.requests()
	require.NotEmpty(t, got, "no request came")
	return got[len(got)-1]
}

// dial reaches the server whatever host is asked for, its TLS side on port 443.
func (s *bServer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	target := s.plain
	if strings.HasSuffix(addr, ":443") {
		target = s.secure
	}
	return new(net.Dialer).DialContext(ctx, network, target)
}

// open makes a session that reaches the server under any host, over http and
// https. It has a jar, and takes nothing from the environment.
func (s *bServer) open(t testing.TB) *session.Session {
	t.Helper()
	return bDialing(t, s.dial)
}

// bDialing makes a session that connects by a function and verifies nothing.
func bDialing(t testing.TB, dial func(context.Context, string, string) (net.Conn, error)) *session.Session {
	t.Helper()
	client := session.New()
	client.TrustEnv = false
	client.Verify = session.InsecureSkipVerify
	adapter := &session.HTTPAdapter{Base: &http.Transport{DialContext: dial}}
	require.NoError(t, client.Mount("http://", adapter))
	require.NoError(t, client.Mount("https://", adapter))
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// bGet sends a GET that must be answered.
func bGet(t testing.TB, s *session.Session, address string, opts ...session.Option) *session.Response {
	t.Helper()
	resp, err := s.Get(t.Context(), address, opts...)
	require.NoError(t, err, address)
	return resp
}

// bCookie is the Cookie header that a GET of an address is sent with.
func (s *bServer) bCookie(t testing.TB, client *session.Session, address string) string {
	t.Helper()
	bGet(t, client, address)
	return strings.Join(s.last(t).Header["Cookie"], " | ")
}

// bSetting is a server that sets the cookies of the query's "set" parameters.
func bSetting(t testing.TB) *bServer {
	return bServe(t, func(r *bSent) string {
		var lines []string
		for _, cookie := range r.URL.Query()["set"] {
			lines = append(lines, "Set-Cookie: "+cookie+"\r\n")
		}
		return bOK(lines...)
	})
}

// bSet has the server at an address set cookies.
func bSet(t testing.TB, client *session.Session, address string, cookies ...string) {
	t.Helper()
	bGet(t, client, address, session.Params{"set": cookies})
}

// bURL parses a URL.
func bURL(t testing.TB, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u
}

// bList is the cookies of a session's jar, as "name=value domain path".
func bList(client *session.Session) []string {
	list := []string{}
	for c := range client.Jar.(*session.Jar).All() {
		list = append(list, fmt.Sprintf("%s=%s %s %s", c.Name, c.Value, c.Domain, c.Path))
	}
	return list
}

// bHides checks that neither an error nor any that it wraps shows the secret.
func bHides(t testing.TB, err error, secrets ...string) {
	t.Helper()
	shown := fmt.Sprintf("%v\n%+v\n%#v\n%q\n%s", err, err, err, err, err)
	for _, secret := range append(secrets, bSecret) {
		assert.NotContains(t, shown, secret)
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		if inner := errors.Unwrap(err); inner != nil {
			bHides(t, inner, secrets...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			bHides(t, inner, secrets...)
		}
	}
}

// bIntact checks that a request is one message: a request line of three words,
// header lines with a name, and none that was smuggled in as X-Evil.
func bIntact(t testing.TB, r *bSent, about string) {
	t.Helper()
	assert.NoError(t, r.Err, about)
	assert.Len(t, strings.Split(r.line(), " "), 3, "%s: %q", about, r.line())
	assert.NotRegexp(t, `(?im)^x-evil`, r.Raw, about)
	assert.NotContains(t, strings.ReplaceAll(r.head(), "\r\n", ""), "\r", about)
	assert.NotContains(t, strings.ReplaceAll(r.head(), "\r\n", ""), "\n", about)
	assert.NotContains(t, r.head(), "\x00", about)
}

// bNoEnvironment leaves nothing in the environment that a session asks for.
func bNoEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		for _, name := range []string{name, strings.ToUpper(name)} {
			t.Setenv(name, "") // to be restored
			require.NoError(t, os.Unsetenv(name))
		}
	}
	t.Setenv("NETRC", os.DevNull)
}
