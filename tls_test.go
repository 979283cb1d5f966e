package session_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// authority signs certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func testAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &authority{t: t, key: key, pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	ca.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	ca.pool.AddCert(ca.cert)
	return ca
}

// leaf signs a certificate for hosts, after change has had its say.
func (ca *authority) leaf(name string, hosts []string, change func(*x509.Certificate)) tls.Certificate {
	ca.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(ca.t, err)
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
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	require.NoError(ca.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

var testHosts = []string{"a.test", "*.a.test", "b.test", "*.b.test", "c.test", "127.0.0.1"}

func (ca *authority) serverConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{ca.leaf("server", testHosts, nil)}}
}

// pem is the authority's own certificate.
func (ca *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
}

// pemOf is a certificate and its key.
func pemOf(t testing.TB, cert tls.Certificate) (certificate, key []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// inFile writes a file in a folder of the test's own.
func inFile(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// settle gives a file another time, so that it counts as changed.
func settle(t testing.TB, path string, content []byte, minutes int) {
	t.Helper()
	if content != nil {
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
	at := time.Unix(1_700_000_000, 0).Add(time.Duration(minutes) * time.Minute)
	require.NoError(t, os.Chtimes(path, at, at))
}

// folderOf is a directory with the authority's certificate and other things.
func (ca *authority) folder() string {
	ca.t.Helper()
	dir := ca.t.TempDir()
	for name, content := range map[string][]byte{
		"a-README": []byte("no certificate"), "b.pem": testAuthority(ca.t).pem(), "c.pem": ca.pem(), "d.crl": {0, 1, 2},
	} {
		require.NoError(ca.t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	require.NoError(ca.t, os.Mkdir(filepath.Join(dir, "e.pem"), 0o700))
	return dir
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := testAuthority(t)
	good, bad := session.CAFile(inFile(t, w.ca.pem())), session.CAFile(inFile(t, other.pem()))
	for _, c := range []struct {
		name string
		its  session.Verify
		own  session.Option
		err  error
	}{
		{"the system's", nil, nil, session.ErrTLS},
		{"the system's, by name", session.VerifyDefault, nil, session.ErrTLS},
		{"off", session.InsecureSkipVerify, nil, nil},
		{"a file", good, nil, nil},
		{"a file of more than one", session.CAFile(inFile(t, append(other.pem(), w.ca.pem()...))), nil, nil},
		{"a file of another authority", bad, nil, session.ErrTLS},
		{"a directory", session.CAFile(w.ca.folder()), nil, nil},
		{"a directory of other authorities", session.CAFile(other.folder()), nil, session.ErrTLS},
		{"a pool", session.RootCAs(w.ca.pool), nil, nil},
		{"a pool of another authority", session.RootCAs(other.pool), nil, session.ErrTLS},
		{"an empty pool", session.RootCAs(x509.NewCertPool()), nil, session.ErrTLS},
		{"no pool", session.RootCAs(nil), nil, session.ErrTLS},
		{"the request's over the session's", bad, good, nil},
		{"the request's over the session's, and fails", good, bad, session.ErrTLS},
		{"the request's is off", nil, session.InsecureSkipVerify, nil},
		{"the request's is on", session.InsecureSkipVerify, session.VerifyDefault, session.ErrTLS},
		{"the request's is on, by a file", session.InsecureSkipVerify, bad, session.ErrTLS},
		{"the request's is on, by a pool", session.InsecureSkipVerify, session.RootCAs(other.pool), session.ErrTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := w.Clone()
			s.Verify = c.its
			resp, err := s.Get(t.Context(), "https://a.test/", c.own)
			assert.ErrorIs(t, err, c.err)
			if c.err != nil {
				require.ErrorIs(t, err, session.ErrConnection)
				assert.NotErrorIs(t, err, session.ErrTimeout)
				assert.Nil(t, resp)
			}
			_, err = s.Get(t.Context(), "http://a.test/", c.own)
			assert.NoError(t, err, "in the clear nothing is verified")
		})
	}
}

func TestCertificateThatIsNotToBeTrusted(t *testing.T) {
	t.Parallel()
	ca := testAuthority(t)
	now := time.Now()
	for _, c := range []struct {
		name   string
		hosts  []string
		change func(*x509.Certificate)
		config func(*tls.Config)
		err    error // with verification
		off    error // without
	}{
		{name: "none of these", hosts: []string{"127.0.0.1"}},
		{name: "another host", hosts: []string{"a.test", "127.0.0.2"}, err: session.ErrTLS},
		{name: "the host as common name", change: func(c *x509.Certificate) { c.Subject.CommonName = "127.0.0.1" }, err: session.ErrTLS},
		{name: "the address as a name", change: func(c *x509.Certificate) { c.DNSNames = []string{"127.0.0.1"} }, err: session.ErrTLS},
		{name: "expired", hosts: []string{"127.0.0.1"}, change: func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) }, err: session.ErrTLS},
		{name: "not valid yet", hosts: []string{"127.0.0.1"}, change: func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }, err: session.ErrTLS},
		{name: "for clients alone", hosts: []string{"127.0.0.1"}, change: func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}, err: session.ErrTLS},
		{name: "an old protocol", hosts: []string{"127.0.0.1"}, config: func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}, err: session.ErrTLS, off: session.ErrTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(nil)
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{ca.leaf("server", c.hosts, c.change)}}
			if c.config != nil {
				c.config(srv.TLS)
			}
			srv.Config.ErrorLog = quiet()
			srv.StartTLS()
			s := session.New()
			t.Cleanup(func() { _ = s.Close(); srv.Close() })
			_, err := s.Get(t.Context(), srv.URL, session.RootCAs(ca.pool))
			assert.ErrorIs(t, err, c.err)
			_, err = s.Get(t.Context(), srv.URL, session.InsecureSkipVerify)
			assert.ErrorIs(t, err, c.off)
		})
	}
}

func TestServerThatSpeaksNoTLS(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	srv.Config.ErrorLog = quiet()
	s := session.New()
	t.Cleanup(func() { _ = s.Close() })
	for _, verify := range []session.Verify{session.VerifyDefault, session.InsecureSkipVerify} {
		_, err := s.Get(t.Context(), strings.Replace(srv.URL, "http:", "https:", 1), verify)
		require.ErrorIs(t, err, session.ErrTLS)
	}
	assert.Empty(t, srv.requests())
}

func TestFileThatCannotBeUsedIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ours, theirs := w.ca.leaf("client", nil, nil), w.ca.leaf("other", nil, nil)
	cert, key := pemOf(t, ours)
	_, otherKey := pemOf(t, theirs)
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	good, goodKey := file("good.crt", cert), file("good.key", key)
	garbage, empty := file("garbage", []byte("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n")), file("empty", nil)
	missing, empties := filepath.Join(dir, "missing"), t.TempDir()
	for _, c := range []struct {
		name    string
		setting session.Option
		named   string
		missing bool
	}{
		{"missing authorities", session.CAFile(missing), missing, true},
		{"authorities below a file", session.CAFile(filepath.Join(good, "x")), good, false},
		{"empty authorities", session.CAFile(empty), empty, false},
		{"garbage for authorities", session.CAFile(garbage), garbage, false},
		{"a key for authorities", session.CAFile(goodKey), goodKey, false},
		{"a directory without authorities", session.CAFile(empties), empties, false},
		{"missing certificate", session.CertFile{Cert: missing}, missing, true},
		{"missing certificate, with a key", session.CertFile{Cert: missing, Key: goodKey}, missing, true},
		{"missing key", session.CertFile{Cert: good, Key: missing}, missing, true},
		{"certificate without a key", session.CertFile{Cert: good}, good, false},
		{"empty certificate", session.CertFile{Cert: empty, Key: goodKey}, empty, false},
		{"empty key", session.CertFile{Cert: good, Key: empty}, empty, false},
		{"garbage for a certificate", session.CertFile{Cert: garbage, Key: goodKey}, garbage, false},
		{"a key of another certificate", session.CertFile{Cert: good, Key: file("other.key", otherKey)}, "other.key", false},
		{"a directory for a certificate", session.CertFile{Cert: empties}, empties, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for range 2 {
				body := &closeCounter{Reader: strings.NewReader("x")}
				_, err := w.Post(t.Context(), "https://a.test/", c.setting, session.Reader(body))
				require.ErrorIs(t, err, session.ErrTLS)
				require.ErrorContains(t, err, c.named)
				if c.missing {
					assert.ErrorIs(t, err, fs.ErrNotExist)
				}
				assert.Equal(t, 1, body.count())
			}
		})
	}
	t.Cleanup(func() { assert.Empty(t, w.visits()) })
}

// As in requests, a certificate that is missing is told in the clear as well.
func TestMissingCertificateIsToldInTheClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Get(t.Context(), "http://a.test/", session.CertFile{Cert: "/missing.pem"})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "/missing.pem")
	assert.Empty(t, w.visits())
}

// guarded starts a server that tells who its client is.
func (ca *authority) guarded(policy tls.ClientAuthType) *server {
	srv := newServer(func(w http.ResponseWriter, r *http.Request) {
		name := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = io.WriteString(w, name)
	})
	srv.TLS = ca.serverConfig()
	srv.TLS.ClientAuth, srv.TLS.ClientCAs = policy, ca.pool
	srv.TLS.MaxVersion = tls.VersionTLS12 // 1.3 tells of a refusal after the handshake
	srv.Config.ErrorLog = quiet()
	srv.StartTLS()
	ca.t.Cleanup(srv.Close)
	return srv
}

func clientOnly(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	ca := testAuthority(t)
	cert, key := pemOf(t, ca.leaf("in files", nil, clientOnly))
	both := session.CertFile{Cert: inFile(t, append(cert, key...))}
	bothTurned := session.CertFile{Cert: inFile(t, append(key, cert...))}
	two := session.CertFile{Cert: inFile(t, cert), Key: inFile(t, key)}
	inMemory := ca.leaf("in memory", nil, clientOnly)
	stranger := testAuthority(t).leaf("stranger", nil, clientOnly)
	srv, strict := ca.guarded(tls.VerifyClientCertIfGiven), ca.guarded(tls.RequireAndVerifyClientCert)
	for _, c := range []struct {
		name string
		its  session.Cert
		own  session.Option
		want string
	}{
		{"none", nil, nil, "nobody"},
		{"one file", both, nil, "in files"},
		{"one file, the key first", bothTurned, nil, "in files"},
		{"two files", two, nil, "in files"},
		{"in memory", session.ClientCert(&inMemory), nil, "in memory"},
		{"the request's", nil, both, "in files"},
		{"the request's over the session's", both, session.ClientCert(&inMemory), "in memory"},
		{"removed by the request", both, session.NoCert, "nobody"},
		{"of an unknown authority", session.ClientCert(&stranger), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := session.New()
			defer s.Close()
			s.Verify, s.Cert = session.RootCAs(ca.pool), c.its
			resp, err := s.Get(t.Context(), srv.URL, c.own)
			if c.want == "" {
				require.ErrorIs(t, err, session.ErrTLS)
			} else {
				assert.Equal(t, c.want, text(t, resp, err))
			}
			resp, err = s.Get(t.Context(), strict.URL, c.own)
			if c.want == "" || c.want == "nobody" {
				require.ErrorIs(t, err, session.ErrTLS)
			} else {
				assert.Equal(t, c.want, text(t, resp, err))
			}
		})
	}
}

func TestClientCertificateKeepsConnectionsApart(t *testing.T) {
	t.Parallel()
	ca := testAuthority(t)
	srv := ca.guarded(tls.VerifyClientCertIfGiven)
	one, two := ca.leaf("one", nil, clientOnly), ca.leaf("two", nil, clientOnly)
	s := session.New()
	defer s.Close()
	s.Verify = session.RootCAs(ca.pool)
	for range 2 {
		for want, cert := range map[string]session.Option{
			"nobody": session.NoCert, "one": session.ClientCert(&one), "two": session.ClientCert(&two),
		} {
			resp, err := s.Get(t.Context(), srv.URL, cert)
			assert.Equal(t, want, text(t, resp, err))
		}
	}
	assert.Len(t, peers(srv), 3, "one connection for each, used again")
}

// peers are the clients' addresses of a server's connections.
func peers(srv *server) map[string]int {
	all := map[string]int{}
	for _, r := range srv.requests() {
		all[r.RemoteAddr]++
	}
	return all
}

func TestFileThatChangesIsReadAgain(t *testing.T) {
	t.Parallel()
	ca, other := testAuthority(t), testAuthority(t)
	srv := ca.guarded(tls.VerifyClientCertIfGiven)
	bundle, certPath, keyPath := inFile(t, other.pem()), inFile(t, nil), inFile(t, nil)
	show := func(name string, minutes int) {
		cert, key := pemOf(t, ca.leaf(name, nil, clientOnly))
		settle(t, certPath, cert, minutes)
		settle(t, keyPath, key, minutes)
	}
	s := session.New()
	defer s.Close()
	s.Verify, s.Cert = session.CAFile(bundle), session.CertFile{Cert: certPath, Key: keyPath}
	show("first", 0)

	_, err := s.Get(t.Context(), srv.URL)
	require.ErrorIs(t, err, session.ErrTLS)
	settle(t, bundle, ca.pem(), 1)
	resp, err := s.Get(t.Context(), srv.URL)
	assert.Equal(t, "first", text(t, resp, err), "the authorities have changed")
	show("second", 1)
	resp, err = s.Get(t.Context(), srv.URL)
	assert.Equal(t, "second", text(t, resp, err), "the certificate has changed")
	settle(t, bundle, other.pem(), 2)
	_, err = s.Get(t.Context(), srv.URL)
	require.ErrorIs(t, err, session.ErrTLS, "a connection that is open is for the old file")
	require.NoError(t, os.Remove(bundle))
	_, err = s.Get(t.Context(), srv.URL)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestDirectoryThatChangesIsReadAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	w.Verify = session.CAFile(dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.pem"), testAuthority(t).pem(), 0o600))
	settle(t, dir, nil, 0)
	_, err := w.Get(t.Context(), "https://a.test/")
	require.ErrorIs(t, err, session.ErrTLS)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.pem"), w.ca.pem(), 0o600))
	settle(t, dir, nil, 1)
	_, err = w.Get(t.Context(), "https://a.test/")
	require.NoError(t, err)
}

// CVE-2024-35195: a connection that was made without verification serves no
// request that wants it, whichever comes first.
func TestConnectionServesItsOwnVerificationOnly(t *testing.T) {
	t.Parallel()
	ca, other := testAuthority(t), testAuthority(t)
	path := inFile(t, ca.pem())
	good := map[string]session.Option{
		"off": session.InsecureSkipVerify, "a pool": session.RootCAs(ca.pool), "a file": session.CAFile(path), "its folder": session.CAFile(filepath.Dir(path)),
	}
	bad := map[string]session.Option{
		"the system's": session.VerifyDefault, "another pool": session.RootCAs(other.pool), "another file": session.CAFile(inFile(t, other.pem())),
	}
	for _, http2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[http2], func(t *testing.T) {
			t.Parallel()
			srv := newServer(nil)
			srv.TLS, srv.EnableHTTP2, srv.Config.ErrorLog = ca.serverConfig(), http2, quiet()
			srv.StartTLS()
			s := session.New()
			t.Cleanup(func() { _ = s.Close(); srv.Close() })
			for range 2 {
				for name, opt := range bad {
					_, err := s.Get(t.Context(), srv.URL, opt)
					require.ErrorIs(t, err, session.ErrTLS, name)
				}
				for name, opt := range good {
					_, err := s.Get(t.Context(), srv.URL, opt)
					require.NoError(t, err, name)
				}
			}
			assert.Len(t, peers(srv), len(good), "one connection for each, used again")
			for _, n := range peers(srv) {
				assert.Equal(t, 2, n)
			}
		})
	}
}

func TestVerifyHoldsForRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	verify := w.Verify
	w.Verify = nil
	w.redirect(http.StatusFound, "http://a.test/", "https://a.test/x")
	w.redirect(http.StatusFound, "https://a.test/x", "https://b.test/y")
	_, err := w.Get(t.Context(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrTLS)
	for _, opt := range []session.Option{verify, session.InsecureSkipVerify} {
		_, err = w.Get(t.Context(), "http://a.test/", opt)
		require.NoError(t, err)
	}
	_, err = w.Get(t.Context(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrTLS, "the option was for one call")
}

func TestHTTP2StaysOn(t *testing.T) {
	t.Parallel()
	ca := testAuthority(t)
	srv := newServer(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	srv.TLS, srv.EnableHTTP2 = ca.serverConfig(), true
	srv.TLS.ClientAuth = tls.RequestClientCert
	srv.StartTLS()
	t.Cleanup(srv.Close)
	client := ca.leaf("client", nil, clientOnly)
	cert, key := pemOf(t, client)
	files := session.CertFile{Cert: inFile(t, cert), Key: inFile(t, key)}
	file := session.CAFile(inFile(t, ca.pem()))
	for name, opts := range map[string][]session.Option{
		"off":                        {session.InsecureSkipVerify},
		"a pool":                     {session.RootCAs(ca.pool)},
		"a file":                     {file},
		"a file, and a certificate":  {file, files},
		"off, and a certificate":     {session.InsecureSkipVerify, session.ClientCert(&client)},
		"a file, and a connect time": {file, session.Timeout{Connect: time.Minute, Read: time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := session.New()
			defer s.Close()
			resp, err := s.Get(t.Context(), srv.URL, opts...)
			assert.Equal(t, "HTTP/2.0", text(t, resp, err))
			assert.Equal(t, 2, resp.ProtoMajor)
		})
	}
}

// The settings of a transport that the caller gives hold, but for what a
// request says.
func TestVerifyOverTheSettingsOfABase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := testAuthority(t)
	var mu sync.Mutex
	seen := 0
	open := func(config *tls.Config) *session.Session {
		config.VerifyConnection = func(tls.ConnectionState) error {
			mu.Lock()
			defer mu.Unlock()
			seen++
			return nil
		}
		s := session.New()
		adapter := &session.HTTPAdapter{Base: &http.Transport{DialContext: w.dial, TLSClientConfig: config}}
		require.NoError(t, s.Mount("https://", adapter))
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	for _, c := range []struct {
		name   string
		config *tls.Config
		own    session.Option
		err    error
	}{
		{"the base's authorities", &tls.Config{RootCAs: w.ca.pool}, nil, nil},
		{"the request's authorities", &tls.Config{RootCAs: other.pool}, session.RootCAs(w.ca.pool), nil},
		{"instead of the base's", &tls.Config{RootCAs: w.ca.pool}, session.RootCAs(other.pool), session.ErrTLS},
		{"the base verifies nothing", &tls.Config{InsecureSkipVerify: true}, nil, nil},
		{"but the request does", &tls.Config{InsecureSkipVerify: true}, session.RootCAs(other.pool), session.ErrTLS},
		{"the request verifies nothing", &tls.Config{RootCAs: other.pool}, session.InsecureSkipVerify, nil},
	} {
		seen = 0
		_, err := open(c.config).Get(t.Context(), "https://a.test/", c.own)
		assert.ErrorIs(t, err, c.err, c.name)
		mu.Lock()
		assert.Equal(t, map[bool]int{true: 1, false: 0}[c.err == nil], seen, "%s: the base's own check", c.name)
		mu.Unlock()
	}
}

func TestConnectionsOfManySettingsAreBounded(t *testing.T) {
	t.Parallel()
	ca := testAuthority(t)
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.TLS = ca.serverConfig()
	srv.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			open[conn] = true
		case http.StateClosed:
			delete(open, conn)
		}
	}
	srv.StartTLS()
	s := session.New()
	require.NoError(t, s.Mount("https://", &session.HTTPAdapter{MaxTransports: 3}))
	t.Cleanup(func() { _ = s.Close(); srv.Close() })
	for range 10 {
		pool := x509.NewCertPool()
		pool.AddCert(ca.cert)
		for range 2 {
			_, err := s.Get(t.Context(), srv.URL, session.RootCAs(pool))
			require.NoError(t, err)
		}
	}
	assert.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(open) <= 3
	}, waitTime, tick, "those used least recently are closed")
	mu.Lock()
	defer mu.Unlock()
	assert.NotEmpty(t, open)
}

func TestTLSSettingsInParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := testAuthority(t)
	opts := []session.Option{session.InsecureSkipVerify, session.RootCAs(other.pool), session.CAFile(inFile(t, w.ca.pem())), nil}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			_, err := w.Get(t.Context(), "https://a.test/", opts[i%len(opts)])
			if i%len(opts) == 1 {
				assert.ErrorIs(t, err, session.ErrTLS)
			} else {
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

// The dialler of a Base makes TLS connections by itself, and would leave out
// what a request says about them.
func TestTLSSettingsOfABaseThatDialsTLSItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.ca.leaf("client", nil, clientOnly)
	dialed := 0
	dial := func(network, addr string) (net.Conn, error) {
		dialed++
		return tls.Dial(network, w.tls.addr(), &tls.Config{RootCAs: w.ca.pool, ServerName: "a.test"})
	}
	for what, base := range map[string]*http.Transport{
		"DialTLSContext": {DialTLSContext: func(_ context.Context, network, addr string) (net.Conn, error) { return dial(network, addr) }},
		"DialTLS":        {DialTLS: dial},
	} {
		s := new(session.Session)
		require.NoError(t, s.Mount("https://", &session.HTTPAdapter{Base: base}))
		for _, opt := range []session.Option{
			session.RootCAs(testAuthority(t).pool), session.RootCAs(w.ca.pool), session.CAFile(inFile(t, w.ca.pem())),
			session.InsecureSkipVerify, session.ClientCert(&client),
		} {
			body := &closeCounter{Reader: strings.NewReader("x")}
			_, err := s.Post(t.Context(), "https://a.test/", opt, session.Reader(body))
			require.ErrorIs(t, err, session.ErrInvalidRequest, "%s, %T", what, opt)
			require.ErrorIs(t, err, errors.ErrUnsupported, "%s, %T", what, opt)
			assert.Equal(t, 1, body.count())
		}
		assert.Zero(t, dialed, "%s: nothing is sent", what)
		for _, opt := range []session.Option{nil, session.VerifyDefault, session.NoCert} {
			resp, err := s.Get(t.Context(), "https://a.test/", opt)
			assert.Equal(t, "ok", text(t, resp, err), "%s, %T", what, opt)
		}
		assert.NotZero(t, dialed, what)
		dialed = 0
		require.NoError(t, s.Close())
	}
}
