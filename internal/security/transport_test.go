package security_test

import (
	"bufio"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cbf3e3a9/session"
)

// cPeer answers with the name in the client's certificate, "none" without one.
func cPeer() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := "none"
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = io.WriteString(w, name)
	}
}

// file is the authority's certificate in a file.
func (ca *cAuthority) file() string {
	ca.t.Helper()
	path := filepath.Join(ca.t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
	require.NoError(ca.t, os.WriteFile(path, block, 0o600))
	return path
}

// server is a configuration with a certificate for hosts.
func (ca *cAuthority) server(hosts ...string) *tls.Config {
	ca.t.Helper()
	return &tls.Config{Certificates: []tls.Certificate{ca.leaf("server", hosts...)}}
}

// cVia starts a proxy that opens tunnels to where leads has hosts lead. It gives
// its address, and what it was asked for: the target and the credentials.
func cVia(t testing.TB, config *tls.Config, leads map[string]string) (addr string, asked func() []string) {
	t.Helper()
	var (
		mu      sync.Mutex
		got     []string
		running sync.WaitGroup
		dial    = cDial(leads)
	)
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		got = append(got, strings.TrimSpace(r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization")))
		mu.Unlock()
		target, err := dial(r.Context(), "tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		client, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			_ = target.Close()
			return
		}
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		running.Go(func() { _, _ = io.Copy(target, client); _ = target.Close() })
		running.Go(func() { _, _ = io.Copy(client, target); _ = client.Close() })
	}))
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
	if config == nil {
		proxy.Start()
	} else {
		proxy.TLS = config
		proxy.StartTLS()
	}
	t.Cleanup(proxy.Close)
	return proxy.Listener.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), got...)
	}
}

// Row: 107
// IDs: CVE-2024-35195 (requests)
// Flaw: a connection that was made without verification serves requests that ask
// for it.
// Done: each setting of verification has its own connections; by the library.
func TestCVE_2024_35195_VerificationOffIsForItsRequestAlone(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	server := cServe(t, ca.server("127.0.0.1"))
	s := cSession(t)
	for range 3 {
		_, err := s.Get(t.Context(), server.URL, session.InsecureSkipVerify)
		require.NoError(t, err)
		for _, verify := range []session.Option{nil, session.VerifyDefault, session.RootCAs(x509.NewCertPool()), session.RootCAs(newCAuthority(t).pool)} {
			_, err = s.Get(t.Context(), server.URL, verify)
			require.ErrorIs(t, err, session.ErrTLS)
		}
	}
	assert.Len(t, server.requests(), 3, "those that failed sent nothing")

	server = cServe(t, ca.server("127.0.0.1"))
	trusted := session.RootCAs(ca.pool)
	for range 3 {
		for _, verify := range []session.Option{trusted, session.InsecureSkipVerify} {
			_, err := s.Get(t.Context(), server.URL, verify)
			require.NoError(t, err)
		}
	}
	assert.Equal(t, 2, server.connections(), "one each, used again")
}

// Row: 108
// IDs: CVE-2016-5420, CVE-2016-5419, CVE-2017-7468, CVE-2022-27782, CVE-2021-22924,
// CVE-2026-8932, CVE-2026-11564, CVE-2025-14819, CVE-2026-4873 (curl)
// Flaw: a connection, or a TLS session that is resumed, shows another client
// certificate than the request asks for.
// Done: each certificate has its own connections and its own cache of sessions;
// by the library.
func TestCVE_2016_5420_ClientCertificateIsTheRequestsOwn(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	one, two := ca.leaf("one"), ca.leaf("two")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := ca.server("127.0.0.1")
		config.ClientAuth, config.MaxVersion = tls.RequestClientCert, version
		server := httptest.NewUnstartedServer(cPeer())
		var resumed atomic.Int32
		config.VerifyConnection = func(state tls.ConnectionState) error {
			if state.DidResume {
				resumed.Add(1)
			}
			return nil
		}
		server.TLS = config
		server.StartTLS()
		t.Cleanup(server.Close)
		s := cSession(t)
		cMount(t, s, &http.Transport{TLSClientConfig: &tls.Config{
			RootCAs: ca.pool, ClientSessionCache: tls.NewLRUClientSessionCache(0),
		}})
		for range 4 {
			for _, c := range []struct {
				cert session.Option
				want string
			}{{session.ClientCert(&one), "one"}, {session.ClientCert(&two), "two"}, {session.NoCert, "none"}, {nil, "none"}} {
				resp, err := s.Get(t.Context(), server.URL, c.cert)
				require.Equal(t, c.want, cText(t, resp, err))
			}
			require.NoError(t, s.Close()) // so that sessions are resumed next
		}
		assert.Positive(t, resumed.Load(), "sessions are resumed")
	}
}

// Row: 109
// IDs: CVE-2025-68121 (Go)
// Flaw: a TLS session is resumed whose certificate the authorities in force now
// would not have passed.
// Done: each setting has its own cache of sessions, and the chain is looked at
// again; by both.
func TestCVE_2025_68121_SessionIsNotResumedUnderOtherAuthorities(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	server := cServe(t, ca.server("127.0.0.1"))
	s := cSession(t)
	cMount(t, s, &http.Transport{TLSClientConfig: &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)}})
	for range 3 {
		for _, verify := range []session.Option{session.RootCAs(ca.pool), session.InsecureSkipVerify} {
			_, err := s.Get(t.Context(), server.URL, verify)
			require.NoError(t, err)
			require.NoError(t, s.Close())
		}
		for _, verify := range []session.Option{session.RootCAs(newCAuthority(t).pool), session.VerifyDefault, session.CAFile(newCAuthority(t).file())} {
			_, err := s.Get(t.Context(), server.URL, verify)
			require.ErrorIs(t, err, session.ErrTLS)
		}
	}
	assert.Len(t, server.requests(), 6)
}

// Row: 110
// IDs: CVE-2016-10932 (hyper), CVE-2014-0139, CVE-2023-28321 (curl), CVE-2021-0341 (OkHttp)
// Flaw: a certificate passes for a host that it does not name.
// Done: only its alternative names count, a wildcard is a whole first label, and
// an address is no name; nothing is sent otherwise; by net/http.
func TestCVE_2016_10932_CertificateNamesTheHost(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	for _, c := range []struct {
		host, names string
		good        bool
	}{
		{"a.test", "a.test", true}, {"A.TEST", "a.test", true}, {"a.b.test", "*.b.test", true}, {"127.0.0.1", "127.0.0.1", true}, {"[::1]", "::1", true},
		{"a.test", "b.test", false}, {"a.test", "*.test.a.test", false}, {"a.b.c.test", "*.c.test", false}, {"c.test", "*.c.test", false},
		{"good.test", "g*.test", false}, {"good.test", "*d.test", false}, {"a.b.test", "a.*.test", false}, {"a.test", "*", false},
		{"127.0.0.1", "127.0.0.2", false}, {"127.0.0.1", "*.0.0.1", false}, {"127.0.0.1", "DNS:127.0.0.1", false}, {"[::1]", "127.0.0.1", false},
		{"127.0.0.1", "*", false}, {"a.test", "", false},
	} {
		template := ca.template("a.test", strings.Fields(c.names)...)
		if name, ok := strings.CutPrefix(c.names, "DNS:"); ok {
			template.DNSNames, template.IPAddresses = []string{name}, nil
		}
		server := cServe(t, &tls.Config{Certificates: []tls.Certificate{ca.sign(template)}})
		s := cSession(t)
		cMount(t, s, &http.Transport{DialContext: cDial(map[string]string{"": server.addr()})})
		_, err := s.Get(t.Context(), "https://"+c.host+"/", session.RootCAs(ca.pool), session.BasicAuth("user", "pass"))
		if c.good {
			require.NoError(t, err, c)
			continue
		}
		require.ErrorIs(t, err, session.ErrTLS, c)
		assert.Empty(t, server.requests(), c)
	}
}

// Row: 91
// IDs: CVE-2025-58189 (Go)
// Flaw: the names in a certificate stand in an error as they came.
// Done: what does not print is replaced, and the text is short; by the library.
func TestCVE_2025_58189_NamesOfACertificateAreTamed(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	evil := "\x1b[2J\x07\r\nforged line " + strings.Repeat("x", 5000)
	server := cServe(t, ca.server(evil, "b.test"))
	s := cSession(t)
	cMount(t, s, &http.Transport{DialContext: cDial(map[string]string{"": server.addr()})})
	_, err := s.Get(t.Context(), "https://a.test/", session.RootCAs(ca.pool))
	require.ErrorIs(t, err, session.ErrTLS)
	assert.Less(t, len(err.Error()), 1000)
	assert.NotContains(t, err.Error(), "\x1b")
	assert.NotContains(t, err.Error(), "\n")
}

// Row: 111
// IDs: CVE-2021-28363 (urllib3)
// Flaw: the certificate of a proxy over TLS is not checked against its host.
// Done: it is, before the proxy is told anything; by net/http.
func TestCVE_2021_28363_CertificateOfAProxyIsVerified(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	origin := cServe(t, ca.server("a.test"))
	leads := map[string]string{"a.test:443": origin.addr()}
	good, askedGood := cVia(t, ca.server("proxy.test"), leads)
	evil, askedEvil := cVia(t, ca.server("other.test"), leads)
	for addr, ok := range map[string]bool{good: true, evil: false} {
		s := cSession(t)
		cMount(t, s, &http.Transport{DialContext: cDial(map[string]string{"": addr})})
		for _, target := range []string{"https://a.test/", "http://a.test/"} {
			_, err := s.Get(t.Context(), target, session.RootCAs(ca.pool), session.Proxies{"all": "https://user:pass@proxy.test:3129"})
			switch {
			case !ok:
				require.ErrorIs(t, err, session.ErrTLS)
				require.ErrorIs(t, err, session.ErrProxy)
			case strings.HasPrefix(target, "https"):
				require.NoError(t, err)
			}
		}
	}
	assert.Contains(t, askedGood(), "CONNECT a.test:443 Basic dXNlcjpwYXNz")
	assert.Empty(t, askedEvil())
}

// cRootsEnv tells TestCVE_2022_23491 that it is the process with authorities of its own.
const cRootsEnv = "SESSION_TEST_ROOTS_URL"

// Row: 112
// IDs: CVE-2019-11324 (urllib3), CVE-2014-7143 (twisted)
// Flaw: authorities that are named are added to the system's, and do not take
// their place.
// Done: a file, a pool or a directory takes the place of the system's, and one
// without a certificate fails; by the library.
//
// Row 114 shows that the system's are trusted otherwise, in the same process.
func TestCVE_2019_11324_NamedAuthoritiesReplaceTheSystems(t *testing.T) {
	url := cWithSystemRoots(t, "TestCVE_2019_11324_NamedAuthoritiesReplaceTheSystems")
	if url == "" {
		return
	}
	other := newCAuthority(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	s := cSession(t)
	_, err := s.Get(t.Context(), url)
	require.NoError(t, err, "the system trusts it")
	for _, verify := range []session.Option{
		session.CAFile(other.file()), session.RootCAs(other.pool), session.RootCAs(x509.NewCertPool()), session.CAFile(empty),
		session.CAFile(filepath.Dir(empty)), session.CAFile(filepath.Dir(other.file())), session.RootCAs(nil),
	} {
		_, err := s.Get(t.Context(), url, verify)
		assert.ErrorIs(t, err, session.ErrTLS)
	}
	_, err = s.Get(t.Context(), url, session.CAFile(empty+".none"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// cWithSystemRoots runs a test again in a process whose system trusts the
// authority of a server. There it gives the server's URL, here "".
func cWithSystemRoots(t *testing.T, name string) (url string) {
	t.Helper()
	if url := os.Getenv(cRootsEnv); url != "" {
		return url
	}
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is read on Unix but macOS alone")
	}
	ca := newCAuthority(t)
	server := cServe(t, ca.server("127.0.0.1"))
	self, err := os.Executable()
	require.NoError(t, err)
	again := exec.CommandContext(t.Context(), self, "-test.run=^"+name+"$", "-test.v")
	again.Env = append(os.Environ(), "SSL_CERT_FILE="+ca.file(), "SSL_CERT_DIR="+t.TempDir(), cRootsEnv+"="+server.URL)
	said, err := again.CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Contains(t, string(said), "--- PASS: "+name)
	assert.NotEmpty(t, server.requests())
	return ""
}

// Row: 113
// IDs: CVE-2026-25645 (requests)
// Flaw: authorities are written to a file of a known name in a directory that
// others can write to.
// Done: no file is written at all; by the library.
func TestCVE_2026_25645_NoTemporaryFileIsWritten(t *testing.T) {
	temporary := t.TempDir()
	ca := newCAuthority(t)
	path := ca.file()
	server := cServe(t, ca.server("127.0.0.1"))
	t.Setenv("TMPDIR", temporary)
	t.Setenv("TMP", temporary)
	t.Setenv("TEMP", temporary)
	t.Setenv("REQUESTS_CA_BUNDLE", path)
	require.Equal(t, temporary, filepath.Clean(os.TempDir()))
	s := cSession(t)
	for _, verify := range []session.Option{session.CAFile(path), session.RootCAs(ca.pool), session.CAFile(filepath.Dir(path))} {
		_, err := s.Get(t.Context(), server.URL, verify)
		require.NoError(t, err)
	}
	s.TrustEnv = true
	_, err := s.Get(t.Context(), server.URL)
	require.NoError(t, err, "by the environment's bundle")
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// Row: 114
// IDs: CVE-2022-23491, CVE-2023-37920 (certifi)
// Flaw: a bundle of authorities comes with the library and grows old.
// Done: the system's authorities are trusted, or those of SSL_CERT_FILE or
// REQUESTS_CA_BUNDLE; by both.
func TestCVE_2022_23491_SystemsAuthoritiesAreTrusted(t *testing.T) {
	url := cWithSystemRoots(t, "TestCVE_2022_23491_SystemsAuthoritiesAreTrusted")
	if url == "" {
		return
	}
	_, err := cSession(t).Get(t.Context(), url)
	require.NoError(t, err)
	_, err = cSession(t).Get(t.Context(), url, session.VerifyDefault)
	require.NoError(t, err)
}

// Row: 115, F88
// IDs: CVE-2020-8286, CVE-2024-8096, CVE-2024-0853, CVE-2017-2629 (curl)
// Flaw: a check of revocation that was asked for is wrong, or left out when a
// session is resumed.
// Done: a VerifyConnection of the Base's runs for every connection, one that
// resumes a session too, is given what the server stapled, and can refuse; by both.
// Limit: crypto/tls itself looks at no OCSP answer and no revocation list, so
// without such a function what a server staples has no effect.
func TestKnownLimit_RevocationIsForACheckOfTheCallers(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	config := ca.server("127.0.0.1")
	config.Certificates[0].OCSPStaple = []byte("revoked")
	server := cServe(t, config)
	_, err := cSession(t).Get(t.Context(), server.URL, session.RootCAs(ca.pool))
	require.NoError(t, err)

	var seen, resumed atomic.Int32
	var refuse atomic.Bool
	revoked := errors.New("revoked")
	s := cSession(t)
	cMount(t, s, &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: ca.pool, ClientSessionCache: tls.NewLRUClientSessionCache(0),
		VerifyConnection: func(state tls.ConnectionState) error {
			seen.Add(1)
			if state.DidResume {
				resumed.Add(1)
			}
			assert.Equal(t, "revoked", string(state.OCSPResponse))
			if refuse.Load() {
				return revoked
			}
			return nil
		},
	}})
	for range 3 {
		_, err := s.Get(t.Context(), server.URL)
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	assert.Equal(t, int32(3), seen.Load())
	assert.Equal(t, int32(2), resumed.Load())
	refuse.Store(true)
	before := len(server.requests())
	_, err = s.Get(t.Context(), server.URL)
	require.ErrorIs(t, err, revoked)
	assert.Len(t, server.requests(), before)
}

// cFakeKey has a public key and signs nothing that would fit it.
type cFakeKey struct{ public *rsa.PublicKey }

func (k cFakeKey) Public() crypto.PublicKey { return k.public }

func (k cFakeKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, k.public.Size()), nil
}

// Row: 116
// IDs: CVE-2023-29409, CVE-2022-41724, CVE-2025-61729, CVE-2025-58187, CVE-2026-32280, CVE-2026-56862 (Go)
// Flaw: a handshake takes a client's time or memory without bound.
// Done: keys of RSA beyond 8192 bits are refused, and a handshake that does not
// go on ends with the timeout, or after 10 s; by both.
func TestCVE_2023_29409_HandshakesAreBounded(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	modulus, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 16384))
	require.NoError(t, err)
	modulus.SetBit(modulus.SetBit(modulus, 16383, 1), 0, 1)
	key := cFakeKey{&rsa.PublicKey{N: modulus, E: 65537}}
	der, err := x509.CreateCertificate(rand.Reader, ca.template("large", "127.0.0.1"), ca.cert, key.public, ca.key)
	require.NoError(t, err)
	large := cServe(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	_, err = cSession(t).Get(t.Context(), large.URL, session.RootCAs(ca.pool))
	require.ErrorIs(t, err, session.ErrTLS)
	assert.Contains(t, err.Error(), "RSA key larger than 8192 bits")

	silent := cListen(t, func(conn net.Conn, _ int) { _, _ = io.Copy(io.Discard, conn) })
	_, err = cSession(t).Get(t.Context(), "https://"+silent, session.Timeout{Connect: 50 * time.Millisecond})
	require.ErrorIs(t, err, session.ErrConnectTimeout)
}

// Row: 117
// IDs: CVE-2021-22890 (curl)
// Flaw: a proxy over TLS plays the origin, by a session that was begun with itself.
// Done: sessions are kept by the name of who they were begun with, so the origin
// must prove who it is; by net/http.
func TestCVE_2021_22890_SessionOfTheProxyIsNotTheOrigins(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	config := ca.server("proxy.test")
	var resumed, greeted atomic.Int32
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if state.DidResume {
			resumed.Add(1)
		}
		return nil
	}
	addr := cListen(t, func(conn net.Conn, _ int) {
		outer := tls.Server(conn, config)
		from := bufio.NewReader(outer)
		req, err := http.ReadRequest(from)
		if err != nil {
			return
		}
		if req.Method != http.MethodConnect {
			_, _ = io.WriteString(outer, cAnswer("ok"))
			return
		}
		_, _ = io.WriteString(outer, "HTTP/1.1 200 OK\r\n\r\n")
		greeted.Add(1)
		inner := tls.Server(outer, config) // in the origin's place
		_, _ = inner.Read(make([]byte, 1))
	})
	s := cSession(t)
	cMount(t, s, &http.Transport{DialContext: cDial(map[string]string{"": addr}), TLSClientConfig: &tls.Config{
		RootCAs: ca.pool, ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}})
	proxies := session.Proxies{"all": "https://proxy.test:3129"}
	for range 3 {
		resp, err := s.Get(t.Context(), "http://a.test/", proxies)
		require.Equal(t, "ok", cText(t, resp, err))
		_, err = s.Get(t.Context(), "https://a.test/", proxies)
		require.ErrorIs(t, err, session.ErrTLS)
		require.NoError(t, s.Close())
	}
	assert.Positive(t, resumed.Load(), "the proxy's own are resumed")
	assert.Equal(t, int32(3), greeted.Load())
}

// Row: 118
// IDs:
// Flaw: a check of certificates that the caller set is lost when a configuration
// is copied.
// Done: VerifyPeerCertificate and VerifyConnection of the Base's run under every
// TLS setting, through tunnels and in a clone of the session; by the library.
func TestClass_ChecksOfTheCallersAreKept(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	server := cServe(t, ca.server("a.test"))
	proxy, _ := cVia(t, nil, map[string]string{"a.test:443": server.addr()})
	cert := ca.leaf("client")
	refused := errors.New("refused by the caller")
	for name, check := range map[string]func(*tls.Config){
		"VerifyConnection": func(c *tls.Config) { c.VerifyConnection = func(tls.ConnectionState) error { return refused } },
		"VerifyPeerCertificate": func(c *tls.Config) {
			c.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { return refused }
		},
		"none": func(*tls.Config) {},
	} {
		config := &tls.Config{RootCAs: ca.pool}
		check(config)
		s := cSession(t)
		cMount(t, s, &http.Transport{TLSClientConfig: config, DialContext: cDial(map[string]string{
			"a.test:443": server.addr(), "proxy.test:3128": proxy,
		})})
		for _, asking := range []*session.Session{s, s.Clone()} {
			for _, via := range []session.Option{nil, session.Proxies{"https": "http://proxy.test:3128"}} {
				for _, opt := range []session.Option{nil, session.RootCAs(ca.pool), session.CAFile(ca.file()), session.InsecureSkipVerify, session.ClientCert(&cert), session.NoCert} {
					_, err := asking.Get(t.Context(), "https://a.test/", via, opt)
					if name == "none" {
						require.NoError(t, err)
						continue
					}
					require.ErrorIs(t, err, refused, "%s %T", name, opt)
				}
			}
		}
	}
	assert.Len(t, server.requests(), 24, "none of those that were refused")
}

// Row: 119
// IDs: CVE-2025-47279 (undici)
// Flaw: each handshake that fails leaves memory, a goroutine or a descriptor behind.
// Done: nothing is left; by both.
//
// The test has the process for itself, whose goroutines it counts.
func TestCVE_2025_47279_FailedHandshakesLeaveNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	ca := newCAuthority(t)
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = ca.server("other.test")
	server.StartTLS()
	s := session.New()
	s.TrustEnv = false
	verify := session.RootCAs(ca.pool)
	fail := func(times int) {
		for range times {
			_, err := s.Get(t.Context(), server.URL, verify, session.NoRetry)
			require.ErrorIs(t, err, session.ErrTLS)
		}
	}
	fail(20)
	heap := cHeap()
	fail(300)
	assert.Less(t, cHeap()-heap, int64(1<<20))
	server.Close()
	require.NoError(t, s.Close())
	goleak.VerifyNone(t, before)
}

// Row: 120
// IDs: CVE-2026-3784, CVE-2016-0755 (curl)
// Flaw: a tunnel that a proxy opened for one user serves requests of another.
// Done: each set of credentials has its own tunnels; by the library.
func TestCVE_2026_3784_TunnelIsItsUsersOwn(t *testing.T) {
	t.Parallel()
	ca := newCAuthority(t)
	server := cServe(t, ca.server("a.test"))
	proxy, asked := cVia(t, nil, map[string]string{"a.test:443": server.addr()})
	s := cSession(t)
	cMount(t, s, &http.Transport{DialContext: cDial(map[string]string{"": proxy})})
	for range 2 {
		for _, user := range []string{"", "a:1@", "b:2@", "a:2@", "A:1@"} {
			_, err := s.Get(t.Context(), "https://a.test/", session.RootCAs(ca.pool), session.Proxies{"all": "http://" + user + "proxy.test"})
			require.NoError(t, err)
		}
		_, err := s.Get(t.Context(), "https://a.test/", session.RootCAs(ca.pool), session.Proxies{"all": "http://proxy.test"},
			session.Header{"Proxy-Authorization": {"Bearer c"}})
		require.NoError(t, err)
	}
	assert.Equal(t, []string{
		"CONNECT a.test:443", "CONNECT a.test:443 Basic YTox", "CONNECT a.test:443 Basic Yjoy", "CONNECT a.test:443 Basic YToy",
		"CONNECT a.test:443 Basic QTox", "CONNECT a.test:443 Bearer c",
	}, asked(), "one each, used again")
}

// cDialed is the address that a session connects to for a URL, "" for none.
func cDialed(t *testing.T, s *session.Session, url string, opts ...session.Option) string {
	t.Helper()
	var dialed string
	cMount(t, s, &http.Transport{DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
		dialed = addr
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("not in this test")}
	}})
	_, err := s.Get(t.Context(), url, opts...)
	require.Error(t, err)
	return dialed
}

// cProxied has the environment name a proxy, and NO_PROXY.
func cProxied(t *testing.T, noProxy string) {
	t.Helper()
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy"} {
		t.Setenv(name, "")
		require.NoError(t, os.Unsetenv(name))
	}
	t.Setenv("http_proxy", "http://proxy.test:3128")
	t.Setenv("https_proxy", "http://proxy.test:3128")
	t.Setenv("no_proxy", noProxy)
}

// Row: 122
// IDs: CVE-2025-22870 (Go)
// Flaw: the zone of an IPv6 address is matched against NO_PROXY as if it were a
// host's domain.
// Done: a zone matches no name; by net/http.
func TestCVE_2025_22870_ZoneMatchesNoName(t *testing.T) {
	for list, url := range map[string]string{
		"*.example.com": "http://[fe80::1%25.example.com]/", ".example.com": "http://[fe80::1%25a.example.com]/", "example.com": "http://[fe80::1%25.example.com]:80/",
	} {
		cProxied(t, list)
		s := session.New()
		assert.Equal(t, "proxy.test:3128", cDialed(t, s, url), url)
		assert.Equal(t, "a.example.com:80", cDialed(t, s, "http://a.example.com/"), "the list is in force")
	}
}

// Row: 123
// IDs: CVE-2025-62718 (axios)
// Flaw: NO_PROXY is passed by for another spelling of a host, or holds for hosts
// that only look alike.
// Done: case and a final dot make no difference, a name is itself and what is
// under it, an address is compared as one, and loopback never goes to a proxy of
// the environment's; by both.
func TestCVE_2025_62718_NoProxyIsMatchedAsHostsAre(t *testing.T) {
	for _, c := range []struct {
		list   string
		direct []string
		others []string
	}{
		{"", []string{"localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.0.0.2", "[::1]", "[::ffff:127.0.0.1]"}, []string{"a.test", "10.0.0.1", "notlocalhost"}},
		{"example.com", []string{"example.com", "EXAMPLE.com", "example.com.", "a.example.com", "a.b.example.com", "example.com:8080"}, []string{"notexample.com", "example.com.test", "example.org", "com"}},
		{".example.com", []string{"a.example.com", "a.example.com."}, []string{"example.com", "notexample.com"}},
		{"*.example.com", []string{"a.example.com"}, []string{"notexample.com", "example.org"}},
		{"EXAMPLE.com:8080", []string{"example.com:8080", "a.example.com:8080"}, []string{"example.com", "example.com:80", "example.com:808"}},
		{" a.test , b.test ", []string{"a.test", "b.test"}, []string{"c.test"}},
		{"10.0.0.0/8", []string{"10.1.2.3", "10.255.255.255", "[::ffff:10.1.2.3]"}, []string{"11.0.0.1", "10.0.0.0.test"}},
		{"10.0.0.1", []string{"10.0.0.1"}, []string{"10.0.0.11", "10.0.0.10", "110.0.0.1"}},
		{"2001:db8::/32", []string{"[2001:db8::1]", "[2001:0db8:0:0::1]"}, []string{"[2001:db9::1]"}},
		{"*", []string{"a.test", "10.0.0.1", "[2001:db8::1]"}, nil},
		{",,", nil, []string{"a.test"}},
	} {
		cProxied(t, c.list)
		s := session.New()
		for _, host := range c.direct {
			assert.NotEqual(t, "proxy.test:3128", cDialed(t, s, "http://"+host+"/"), "%q %s", c.list, host)
		}
		for _, host := range c.others {
			assert.Equal(t, "proxy.test:3128", cDialed(t, s, "http://"+host+"/"), "%q %s", c.list, host)
		}
	}
}

// Row: 124
// IDs: CVE-2026-55568 (guzzle)
// Flaw: a proxy that is named with https is spoken to in the clear, or one that
// cannot be understood is passed by.
// Done: the first bytes to it are a handshake, and what is no proxy's URL is an
// error, in the environment too; by both.
func TestCVE_2026_55568_ProxyIsSpokenToAsNamed(t *testing.T) {
	for _, target := range []string{"http://a.test/", "https://a.test/"} {
		first := make(chan []byte, 1)
		addr := cListen(t, func(conn net.Conn, _ int) {
			begin := make([]byte, 3)
			_, _ = io.ReadFull(conn, begin)
			first <- begin
		})
		_, err := cSession(t).Get(t.Context(), target, session.Proxies{"all": "https://user:pass@" + addr})
		require.ErrorIs(t, err, session.ErrConnection)
		assert.Equal(t, []byte{22, 3, 1}, <-first, "a record of a handshake")

		for _, bad := range []string{"quic://proxy.test", "socks4://proxy.test", "httpss://proxy.test", "http://", "http://proxy.test:port", "http://pro xy.test", "https:proxy.test:3128"} {
			s := cSession(t)
			assert.Empty(t, cDialed(t, s, target, session.Proxies{"all": bad}), bad)
			_, err := s.Get(t.Context(), target, session.Proxies{"all": bad})
			require.ErrorIs(t, err, session.ErrInvalidProxy, bad)

			cProxied(t, "")
			t.Setenv("http_proxy", bad)
			t.Setenv("https_proxy", bad)
			s.TrustEnv = true
			assert.Empty(t, cDialed(t, s, target), bad)
			_, err = s.Get(t.Context(), target)
			require.ErrorIs(t, err, session.ErrInvalidProxy, bad)
		}
	}
}

// Row: 125
// IDs: CVE-2022-27775 (curl)
// Flaw: a connection to an address in one zone serves requests for another.
// Done: the zone is part of what connections are kept by; by net/http.
func TestCVE_2022_27775_ZonesShareNoConnection(t *testing.T) {
	t.Parallel()
	server := cServe(t, nil)
	var mu sync.Mutex
	var dialed []string
	s := cSession(t)
	cMount(t, s, &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		dialed = append(dialed, addr)
		mu.Unlock()
		return new(net.Dialer).DialContext(ctx, network, server.addr())
	}})
	for range 2 {
		for _, zone := range []string{"%25one", "%25two", ""} {
			_, err := s.Get(t.Context(), "http://[fe80::1"+zone+"]:8080/")
			require.NoError(t, err)
		}
	}
	assert.Equal(t, []string{"[fe80::1%one]:8080", "[fe80::1%two]:8080", "[fe80::1]:8080"}, dialed, "one each, used again")
}

// Row: 127
// IDs: CVE-2025-61726, CVE-2026-39825 (Go)
// Flaw: the cap on parameters, which cures a parser's cost, has a query that is
// over it vanish without a word.
// Done: parameters are added to the query as it is written, which is never
// parsed; by the library.
func TestCVE_2025_61726_LongQueriesAreKept(t *testing.T) {
	t.Parallel()
	server := cServe(t, nil)
	const many = 10_002
	query := strings.TrimSuffix(strings.Repeat("a=1&", many), "&")
	s := cSession(t)
	s.Params.Set("own", "2")
	_, err := s.Get(t.Context(), server.URL+"/?"+query, session.Params{"more": {"3"}})
	require.NoError(t, err)
	got := server.requests()[0].URL.RawQuery
	assert.Equal(t, many, strings.Count(got, "a=1"))
	assert.Contains(t, got, "own=2")
	assert.Contains(t, got, "more=3")
	_, err = s.Get(t.Context(), server.URL, session.Params{"b": strings.Split(strings.Repeat("1,", many)+"1", ",")})
	require.NoError(t, err)
	assert.Equal(t, many+1, strings.Count(server.requests()[1].URL.RawQuery, "b=1"))
}
