package faultserver_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// xHandshake is a server with which no TLS connection is to be made.
type xHandshake struct {
	name   string
	server *tls.Config
	client *tls.Config          // of the adapter's Base; nil for none
	check  func(err error) bool // knows the cause, nil for any
}

func xServerOf(certificate tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{certificate}}
}

// xSelfSigned is a certificate for a.test that nobody vouches for.
func xSelfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a.test"}, DNSNames: []string{"a.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// xCause reports whether an error of type T is in err.
func xCause[T error](err error) bool {
	var cause T
	return errors.As(err, &cause)
}

func xInvalid(reason x509.InvalidReason) func(error) bool {
	return func(err error) bool {
		var invalid x509.CertificateInvalidError
		return errors.As(err, &invalid) && invalid.Reason == reason && xCause[*tls.CertificateVerificationError](err)
	}
}

func xHandshakes(t *testing.T, ca *faultserver.CA) []xHandshake {
	leaf := func(change func(*x509.Certificate)) *tls.Config { return xServerOf(ca.Issue(t, change)) }
	named := func(common string, names ...string) *tls.Config {
		return leaf(func(c *x509.Certificate) { c.Subject.CommonName, c.DNSNames = common, names })
	}
	revoked := errors.New("revoked")
	return []xHandshake{
		{"F82_expired", leaf(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), nil, xInvalid(x509.Expired)},
		{"F82_not_yet_valid", leaf(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), nil, xInvalid(x509.Expired)},
		{"F83_another_host", named("x", "b.test"), nil, xCause[x509.HostnameError]},
		{"F83_common_name_alone", named("a.test"), nil, xCause[x509.HostnameError]},
		{"F83_part_of_a_wildcard", named("x", "a*.test", "*a.test"), nil, nil},
		{"F83_wildcard_of_everything", named("x", "*"), nil, xCause[x509.HostnameError]},
		{"F84_self-signed", xServerOf(xSelfSigned(t)), nil, xCause[x509.UnknownAuthorityError]},
		{"F84_unknown_authority", faultserver.NewCA(t).Config(t), nil, xCause[x509.UnknownAuthorityError]},
		{"F85_for_clients_alone", leaf(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), nil, xInvalid(x509.IncompatibleUsage)},
		{"F86_TLS_1.1_alone", &tls.Config{
			Certificates: ca.Config(t).Certificates, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
		}, nil, nil},
		{"F86_TLS_1.2_where_1.3_is_wanted", &tls.Config{
			Certificates: ca.Config(t).Certificates, MaxVersion: tls.VersionTLS12,
		}, &tls.Config{MinVersion: tls.VersionTLS13}, nil},
		{"F88_VerifyConnection_refuses", leaf(nil), &tls.Config{
			VerifyConnection: func(tls.ConnectionState) error { return revoked },
		}, func(err error) bool { return errors.Is(err, revoked) }},
		{"F88_VerifyPeerCertificate_refuses", leaf(nil), &tls.Config{
			VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { return revoked },
		}, func(err error) bool { return errors.Is(err, revoked) }},
	}
}

func TestFaultsOfTLS(t *testing.T) {
	xGroup(t)
	ca := faultserver.NewCA(t)
	answer := faultserver.Answer(faultserver.OK)
	withConfig := func(config *tls.Config) func(*http.Transport) {
		return func(base *http.Transport) { base.TLSClientConfig = config }
	}

	for _, x := range xHandshakes(t, ca) {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			srv := faultserver.NewTLS(t, x.server, answer)
			c := xOpen(t, srv.Dial, withConfig(x.client))
			c.Verify, c.Retry = session.RootCAs(ca.Pool()), &session.Retry{Total: 1}
			for n, method := range []string{"GET", "POST"} {
				body := xReader("abc")
				_, err := c.Request(t.Context(), method, "https://a.test/", session.Reader(body), session.BasicAuth("user", "hunter2"))
				require.ErrorIs(t, err, session.ErrTLS)
				require.ErrorIs(t, err, session.ErrConnection)
				assert.NotErrorIs(t, err, session.ErrTimeout)
				assert.NotErrorIs(t, err, session.ErrRetriesExhausted)
				if x.check != nil {
					assert.True(t, x.check(err), "%#v", err)
				}
				assert.Equal(t, n+1, srv.Conns(), "what is not trusted is not tried again")
				assert.Empty(t, srv.Requests())
				body.closedOnce(t)
				c.kept(t, 0)
			}
		})
	}

	for _, method := range []string{"GET", "POST"} {
		t.Run("F87_no_certificate_TLS_1.2_"+method, func(t *testing.T) {
			t.Parallel()
			known := xUncertified(t, ca, tls.VersionTLS12, method, &session.Retry{Total: 1})
			assert.Equal(t, xUncertifiedCalls, known)
		})
	}

	t.Run("F88_VerifyConnection_sees_the_chain", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.NewTLS(t, ca.Config(t), answer)
		var serials []string
		c := xOpen(t, srv.Dial, withConfig(&tls.Config{VerifyConnection: func(state tls.ConnectionState) error {
			for _, certificate := range state.VerifiedChains[0] {
				serials = append(serials, certificate.SerialNumber.String())
			}
			return nil
		}}))
		c.Verify = session.RootCAs(ca.Pool())
		c.one(t)
		assert.Equal(t, []string{"2", "1"}, serials)
	})

	t.Run("F89_https_to_a_plain_port", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, func(c *faultserver.Conn) {
			_, _ = c.Raw().Read(make([]byte, 512))
			c.Write("HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nevil")
			c.FIN()
		})
		c := xOpen(t, srv.Dial)
		c.Retry = &session.Retry{Total: 1}
		body := xReader("abc")
		_, err := c.Post(t.Context(), "https://a.test/", session.Reader(body))
		require.ErrorIs(t, err, session.ErrTLS)
		assert.True(t, xCause[tls.RecordHeaderError](err))
		assert.NotContains(t, err.Error(), "evil")
		assert.Equal(t, 1, srv.Conns())
		body.closedOnce(t)
		c.kept(t, 0)
	})

	t.Run("F89_https_to_a_port_of_another_protocol", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.New(t, func(c *faultserver.Conn) {
			c.Write("SSH-2.0-OpenSSH_9.0\r\n")
			c.FIN()
		})
		c := xOpen(t, srv.Dial)
		_, err := c.Get(t.Context(), "https://a.test/", &session.Retry{Total: 1})
		require.ErrorIs(t, err, session.ErrTLS)
		assert.True(t, xCause[tls.RecordHeaderError](err))
		assert.Equal(t, 1, srv.Conns())
		c.kept(t, 0)
	})

	t.Run("F89_http_to_a_port_of_TLS", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewUnstartedServer(http.NotFoundHandler())
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.StartTLS()
		defer srv.Close()
		c := xOpen(t, xAddress(srv.Listener.Addr().String()))
		resp, err := c.Get(t.Context(), "http://a.test/")
		assert.Contains(t, xText(t, resp, err), "HTTP request to an HTTPS server")
		assert.Equal(t, 400, resp.StatusCode, "what was answered in the clear is an answer")
		c.kept(t, 0)
	})

	t.Run("F90_verification_that_is_on_again", func(t *testing.T) {
		t.Parallel()
		srv := faultserver.NewTLS(t, ca.Config(t), answer)
		c := xOpen(t, srv.Dial)
		for range 2 {
			resp, err := c.Get(t.Context(), "https://a.test/", session.InsecureSkipVerify)
			assert.Equal(t, "ok", xText(t, resp, err))
			_, err = c.Get(t.Context(), "https://a.test/")
			require.ErrorIs(t, err, session.ErrTLS)
			_, err = c.Get(t.Context(), "https://a.test/", session.RootCAs(faultserver.NewCA(t).Pool()))
			require.ErrorIs(t, err, session.ErrTLS)
		}
		assert.Len(t, srv.Requests(), 2)
		assert.Equal(t, 1+2*2, srv.Conns(), "one, used again where nothing is verified")
	})
}

// xUncertifiedCalls is how often xUncertified calls.
const xUncertifiedCalls = 20

// xUncertified calls a server that wants a certificate without one, and then
// with one. It gives how many of the calls failed with an ErrTLS; the others
// failed with another ErrConnection. None is made again.
func xUncertified(t *testing.T, ca *faultserver.CA, version uint16, method string, retry *session.Retry) (known int) {
	t.Helper()
	config := ca.Config(t)
	config.ClientAuth, config.ClientCAs, config.MaxVersion = tls.RequireAndVerifyClientCert, ca.Pool(), version
	var served atomic.Int32
	srv := faultserver.New(t, func(c *faultserver.Conn) {
		secure := tls.Server(c.Raw(), config)
		if secure.Handshake() != nil {
			c.Cut() // a RST could overtake the alert
			return
		}
		if r, err := http.ReadRequest(bufio.NewReader(secure)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(secure, faultserver.OK)
			served.Add(1)
		}
	})
	c := xOpen(t, srv.Dial)
	c.Verify, c.Retry = session.RootCAs(ca.Pool()), retry
	for n := range xUncertifiedCalls {
		body := xReader("abc")
		_, err := c.Request(t.Context(), method, "https://a.test/", session.Reader(body))
		require.ErrorIs(t, err, session.ErrConnection)
		assert.NotErrorIs(t, err, session.ErrRetriesExhausted)
		if errors.Is(err, session.ErrTLS) {
			known++
		}
		assert.Equal(t, n+1, srv.Conns())
		body.closedOnce(t)
	}
	assert.Zero(t, served.Load())
	certificate := ca.Issue(t, nil)
	resp, err := c.Request(t.Context(), method, "https://a.test/", session.ClientCert(&certificate))
	assert.Equal(t, "ok", xText(t, resp, err))
	return known
}
