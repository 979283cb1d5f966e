package security_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// cGuard ends calls that would hang; no test waits for it.
const cGuard = 30 * time.Second

// cSession is a session of its own transport, deaf to the environment.
func cSession(t testing.TB) *session.Session {
	t.Helper()
	s := session.New()
	s.TrustEnv = false
	s.Timeout.Total = cGuard
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// cScript starts a server that plays script on each connection, the n-th from
// 0, and closes it then. It gives its URL.
func cScript(t testing.TB, script func(conn net.Conn, n int)) string {
	t.Helper()
	return "http://" + cListen(t, script)
}

// cListen is cScript for any protocol: it gives the address.
func cListen(t testing.TB, script func(conn net.Conn, n int)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		open    = make(map[net.Conn]bool)
		closed  bool
	)
	running.Go(func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			late := closed
			mu.Unlock()
			if late {
				_ = conn.Close()
			}
			running.Go(func() {
				defer conn.Close()
				script(conn, n)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		closed = true
		for conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return listener.Addr().String()
}

// cSending starts a server that answers the first request of each connection
// with these bytes, and closes it.
func cSending(t testing.TB, answer string) string {
	t.Helper()
	return cScript(t, func(conn net.Conn, _ int) {
		if cTake(bufio.NewReader(conn)) == nil {
			_, _ = io.WriteString(conn, answer)
			cLinger(conn)
		}
	})
}

// cLinger ends what is sent and waits until the client has closed too, so that
// nothing that it has not read yet is lost.
func cLinger(conn net.Conn) {
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
}

// cTake reads a request with its body.
func cTake(from *bufio.Reader) error {
	req, err := http.ReadRequest(from)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err
}

// cAnswer is a whole answer with a body.
func cAnswer(body string) string {
	return cHead("200 OK", "Content-Length: "+strconv.Itoa(len(body))) + body
}

// cHead is the head of an answer.
func cHead(status string, lines ...string) string {
	return strings.Join(append([]string{"HTTP/1.1 " + status}, lines...), "\r\n") + "\r\n\r\n"
}

// cFlood is an endless source of a piece of text; it counts what it gave.
func cFlood(to io.Writer, piece string) (sent int) {
	block := []byte(strings.Repeat(piece, max(1, 32<<10/len(piece))))
	for {
		n, err := to.Write(block)
		sent += n
		if err != nil {
			return sent
		}
	}
}

// cAllocated is how much was allocated in all while f ran, in bytes. A test that
// uses it must not be parallel.
func cAllocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// cHeap is what is in use, in bytes.
func cHeap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// cAuthority signs certificates.
type cAuthority struct {
	*faultserver.CA
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newCAuthority(t testing.TB) *cAuthority {
	t.Helper()
	ca := faultserver.NewCA(t)
	return &cAuthority{t: t, CA: ca, cert: ca.Certificate, key: ca.Key, pool: ca.Pool()}
}

// template is a certificate that is not signed yet, for hosts.
func (ca *cAuthority) template(name string, hosts ...string) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: ca.cert.NotBefore, NotAfter: ca.cert.NotAfter,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

// sign signs a certificate with a new key.
func (ca *cAuthority) sign(template *x509.Certificate) tls.Certificate {
	ca.t.Helper()
	return ca.Issue(ca.t, func(given *x509.Certificate) { *given = *template })
}

// leaf signs a certificate for hosts.
func (ca *cAuthority) leaf(name string, hosts ...string) tls.Certificate {
	ca.t.Helper()
	return ca.sign(ca.template(name, hosts...))
}

// cServer is an HTTP server over TLS that notes what came.
type cServer struct {
	*httptest.Server
	mu   sync.Mutex
	got  []*http.Request
	made int // connections
}

// cServe starts a server; config is nil for one in the clear.
func cServe(t testing.TB, config *tls.Config) *cServer {
	t.Helper()
	s := new(cServer)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.got = append(s.got, r)
		s.mu.Unlock()
		_, _ = io.WriteString(w, "ok")
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			s.made++
			s.mu.Unlock()
		}
	}
	if config == nil {
		s.Start()
	} else {
		s.TLS = config
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *cServer) addr() string { return s.Listener.Addr().String() }

// requests lists what came, in order.
func (s *cServer) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.got...)
}

// connections is how many were made.
func (s *cServer) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made
}

// cDial makes a dial function that leads each "host:port" to a listener, and
// those that are not named to the one of "".
func cDial(leads map[string]string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		to, ok := leads[addr]
		if !ok {
			to = leads[""]
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
}

// cMount gives a session an adapter over base.
func cMount(t testing.TB, s *session.Session, base *http.Transport) *session.HTTPAdapter {
	t.Helper()
	adapter := &session.HTTPAdapter{Base: base}
	require.NoError(t, s.Mount("http://", adapter))
	require.NoError(t, s.Mount("https://", adapter))
	return adapter
}

// cText is the body of an answer that must have come.
func cText(t testing.TB, resp *session.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	content, err := resp.Text()
	require.NoError(t, err)
	return content
}

// cQueue is a server that gives the first of its answers to the request that
// comes first, and so on, whatever the connection; connections stay open.
type cQueue struct {
	url string

	mu      sync.Mutex
	answers []string
	heads   []string // request lines that came
	made    int      // connections
}

func cAnswering(t testing.TB, answers ...string) *cQueue {
	t.Helper()
	q := &cQueue{answers: answers}
	q.url = cScript(t, func(conn net.Conn, _ int) {
		q.mu.Lock()
		q.made++
		q.mu.Unlock()
		from := bufio.NewReader(conn)
		for {
			req, err := http.ReadRequest(from)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if _, err := io.WriteString(conn, q.next(req.Method+" "+req.RequestURI)); err != nil {
				return
			}
		}
	})
	return q
}

func (q *cQueue) next(head string) (answer string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.heads = append(q.heads, head)
	if len(q.answers) == 0 {
		return cAnswer("more than was scripted")
	}
	answer, q.answers = q.answers[0], q.answers[1:]
	return answer
}

// seen is how many connections were made, and which requests came.
func (q *cQueue) seen() (connections int, heads []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.made, append([]string(nil), q.heads...)
}

// cHTTP2 starts a server of HTTP/2 over TLS that reads frames up to the first
// request of each connection, and then leaves it to script, with the number of
// its stream. It gives its URL and what verifies its certificate.
func cHTTP2(t testing.TB, script func(frames *http2.Framer, conn net.Conn, stream uint32)) (url string, verify session.Verify) {
	t.Helper()
	ca := newCAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.leaf("server", "127.0.0.1")}, NextProtos: []string{"h2"}}
	addr := cListen(t, func(conn net.Conn, _ int) {
		secure := tls.Server(conn, config)
		defer secure.Close()
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(secure, preface); err != nil {
			return
		}
		frames := http2.NewFramer(secure, secure)
		if stream := cNextStream(frames); stream != 0 {
			_ = frames.WriteSettings()
			script(frames, conn, stream)
		}
	})
	return "https://" + addr + "/", session.RootCAs(ca.pool)
}

// cNextStream reads frames up to a request's headers, and gives its stream; 0 at
// the end of the connection.
func cNextStream(frames *http2.Framer) uint32 {
	for {
		frame, err := frames.ReadFrame()
		if err != nil {
			return 0
		}
		if frame.Header().Type == http2.FrameHeaders {
			return frame.Header().StreamID
		}
	}
}

// cFields writes a block of header fields, of names and values in turn.
func cFields(fields ...string) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return block.Bytes()
}

// cOK writes the headers of an answer 200 whose body follows.
func cOK(frames *http2.Framer, stream uint32, fields ...string) {
	_ = frames.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, EndHeaders: true, BlockFragment: cFields(append([]string{":status", "200"}, fields...)...),
	})
}
