package security_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// aSecret is a part of every credential that must not leak.
const aSecret = "s3cret"

// aNet is a network of its own: whatever host and port its session asks for,
// one server answers http URLs and another https ones. Its session does not
// look at the environment.
type aNet struct {
	*session.Session
	plain, tls *httptest.Server
	handlers   map[string]http.HandlerFunc // by URL
	leads      map[string]string           // "host:port" to another server's address

	mu     sync.Mutex
	dialed map[string]string // a client's address to what was dialled
	dials  []string
	got    []aVisit
}

// aVisit is a request as it came to a server.
type aVisit struct {
	*http.Request
	At   string // the URL that was dialled for
	Body string
}

func aOpen(t testing.TB) *aNet {
	t.Helper()
	cert, pool := aCertificate()
	n := &aNet{
		Session:  session.New(),
		handlers: map[string]http.HandlerFunc{}, leads: map[string]string{}, dialed: map[string]string{},
	}
	n.TrustEnv, n.Verify = false, session.RootCAs(pool)
	n.plain = httptest.NewServer(http.HandlerFunc(n.serve))
	n.tls = httptest.NewUnstartedServer(http.HandlerFunc(n.serve))
	n.tls.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	n.tls.EnableHTTP2 = true
	n.tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	n.tls.StartTLS()
	for prefix, server := range map[string]*httptest.Server{"http://": n.plain, "https://": n.tls} {
		transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return n.dial(ctx, network, addr, server.Listener.Addr().String())
		}}
		require.NoError(t, n.Mount(prefix, &session.HTTPAdapter{Base: transport}))
	}
	t.Cleanup(func() {
		_ = n.Close()
		for _, server := range []*httptest.Server{n.plain, n.tls} {
			server.CloseClientConnections()
			server.Close()
		}
	})
	return n
}

// aCertificate is one for the hosts of these tests, and the pool that trusts it.
var aCertificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"a.test", "*.a.test", "b.test", "c.test"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	leaf, _ := x509.ParseCertificate(der)
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
})

// dial connects to a server as if it were addr.
func (n *aNet) dial(ctx context.Context, network, addr, server string) (net.Conn, error) {
	if other, ok := n.leads[addr]; ok {
		server = other
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, server)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dials = append(n.dials, addr)
	if err == nil {
		n.dialed[conn.LocalAddr().String()] = addr
	}
	return conn, err
}

func (n *aNet) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n.mu.Lock()
	at := n.at(r)
	n.got = append(n.got, aVisit{r, at, string(body)})
	n.mu.Unlock()
	if handler := n.handlers[at]; handler != nil {
		handler(w, r)
		return
	}
	_, _ = io.WriteString(w, "ok")
}

// at is the URL that a request came to.
func (n *aNet) at(r *http.Request) string {
	if r.URL.IsAbs() {
		return r.RequestURI
	}
	scheme, standard := "http://", ":80"
	if r.TLS != nil {
		scheme, standard = "https://", ":443"
	}
	return scheme + strings.TrimSuffix(n.dialed[r.RemoteAddr], standard) + r.RequestURI
}

// answer answers a URL; what has no answer is answered with 200 and "ok".
func (n *aNet) answer(url string, status int, header http.Header) {
	n.handlers[url] = func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
	}
}

func (n *aNet) redirect(status int, from, to string) {
	n.answer(from, status, http.Header{"Location": {to}})
}

// get asks for a URL; there must be no error.
func (n *aNet) get(t testing.TB, url string, opts ...session.Option) *session.Response {
	t.Helper()
	resp, err := n.Get(t.Context(), url, opts...)
	require.NoError(t, err)
	return resp
}

// do asks for a URL with net/http's types, the names in header as they are.
func (n *aNet) do(t testing.TB, url string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header = header
	resp, err := n.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}

// visits lists the requests that came, in order.
func (n *aNet) visits() []aVisit {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got)
}

// dialled lists what was dialled, and begins the list anew.
func (n *aNet) dialled() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.dials
	n.dials = nil
	return list
}

// calls lists the requests as "GET http://a.test/".
func (n *aNet) calls() []string {
	var list []string
	for _, v := range n.visits() {
		list = append(list, v.Method+" "+v.At)
	}
	return list
}

// header lists a header of every request.
func (n *aNet) header(name string) []string {
	var list []string
	for _, v := range n.visits() {
		list = append(list, strings.Join(v.Header.Values(name), " | "))
	}
	return list
}

// only is the one request that came to a URL.
func (n *aNet) only(t testing.TB, url string) aVisit {
	t.Helper()
	var found []aVisit
	for _, v := range n.visits() {
		if v.At == url {
			found = append(found, v)
		}
	}
	require.Len(t, found, 1, "requests to %s", url)
	return found[0]
}

// leaks lists, for every request, which of its headers hold aSecret.
func (n *aNet) leaks() []string {
	var list []string
	for _, v := range n.visits() {
		list = append(list, aLeaks(v.Header))
	}
	return list
}

// aLeaks lists the headers that hold aSecret, as it is or in Base64.
func aLeaks(h http.Header) string {
	var names []string
	for name, values := range h {
		for _, value := range values {
			decoded, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, "Basic "))
			if strings.Contains(value+string(decoded), aSecret) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

func aBasic(userAndPassword string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userAndPassword))
}

// aEnviron is an environment of these variables ("NAME=value"), without any
// other that a session looks at.
func aEnviron(t *testing.T, variables ...string) {
	t.Helper()
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy"} {
		t.Setenv(strings.ToUpper(name), "")
		t.Setenv(name, "")
	}
	for _, name := range []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"} {
		t.Setenv(name, "")
	}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}

// useNetrc has the session of a network read a netrc file with this text.
func (n *aNet) useNetrc(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "netrc")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	aEnviron(t, "NETRC="+path)
	n.TrustEnv = true
	return path
}

// aProxy is a proxy in a network. What it is asked to forward the network's
// handlers answer.
type aProxy struct {
	net *aNet
	mu  sync.Mutex
	got []*http.Request
}

// proxy starts a proxy that is reached at "host:port".
func (n *aNet) proxy(t testing.TB, addr string) *aProxy {
	t.Helper()
	p := &aProxy{net: n}
	server := httptest.NewServer(p)
	n.leads[addr] = server.Listener.Addr().String()
	t.Cleanup(func() {
		_ = n.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return p
}

func (p *aProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.got = append(p.got, r)
	p.mu.Unlock()
	if r.Method == http.MethodConnect {
		p.tunnel(w, r)
		return
	}
	if handler := p.net.handlers[r.RequestURI]; handler != nil {
		handler(w, r)
	}
}

func (p *aProxy) tunnel(w http.ResponseWriter, r *http.Request) {
	origin, err := p.net.dial(r.Context(), "tcp", r.Host, p.net.tls.Listener.Addr().String())
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer origin.Close()
	client, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(origin, client)
		_ = origin.Close()
	}()
	_, _ = io.Copy(client, origin)
}

// calls lists what the proxy was asked, with the Proxy-Authorization.
func (p *aProxy) calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, r := range p.got {
		list = append(list, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization")))
	}
	return list
}

// last is what the proxy was asked last.
func (p *aProxy) last(t testing.TB) *http.Request {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.NotEmpty(t, p.got, "the proxy was not asked")
	return p.got[len(p.got)-1]
}
