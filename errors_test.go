package session_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// sentinels are all kinds of error.
var sentinels = []error{
	session.ErrConnection, session.ErrProtocol, session.ErrProxy, session.ErrTLS,
	session.ErrTimeout, session.ErrConnectTimeout, session.ErrReadTimeout, session.ErrTotalTimeout,
	session.ErrInvalidURL, session.ErrMissingScheme, session.ErrMissingHost, session.ErrInvalidHost, session.ErrInvalidPort,
	session.ErrInvalidProxy, session.ErrNoAdapter, session.ErrRedirectScheme,
	session.ErrInvalidRequest, session.ErrInvalidHeader, session.ErrInvalidCookie, session.ErrInvalidJSON,
	session.ErrRequestBody, session.ErrUnrewindableBody, session.ErrTooManyRedirects, session.ErrRetriesExhausted,
	session.ErrIncompleteBody, session.ErrDecode, session.ErrLimit, session.ErrHook,
}

// kindsOf lists the kinds that an error matches.
func kindsOf(err error) (kinds []error) {
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			kinds = append(kinds, sentinel)
		}
	}
	return kinds
}

// armed is what a request to fail is sent with: every secret there is.
type armed struct {
	*testing.T
	*session.Session
}

const (
	urlSecret    = "hunter2-url"
	headerSecret = "hunter2-header"
	cookieSecret = "hunter2-cookie"
	proxySecret  = "hunter2-proxy"
)

func arm(t *testing.T) armed {
	s := session.New()
	s.TrustEnv = false
	s.Header.Set("X-Secret", headerSecret)
	t.Cleanup(func() { _ = s.Close() })
	return armed{t, s}
}

// ask sends a GET full of secrets.
func (a armed) ask(address string, opts ...session.Option) error {
	a.Helper()
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		address = scheme + "://me:" + urlSecret + "@" + rest
	}
	opts = append([]session.Option{
		session.Header{"Authorization": {"Bearer " + headerSecret}}, session.Cookies{"c": cookieSecret},
	}, opts...)
	resp, err := a.Get(a.Context(), address, opts...)
	assert.Nil(a, resp)
	return err
}

// to has the session dial with a function.
func (a armed) to(dial func(context.Context, string, string) (net.Conn, error)) armed {
	for _, scheme := range []string{"http://", "https://"} {
		require.NoError(a, a.Mount(scheme, &session.HTTPAdapter{Base: &http.Transport{DialContext: dial, MaxResponseHeaderBytes: 64 << 10}}))
	}
	return a
}

// through names a proxy.
func through(address string) session.Option {
	scheme, rest, _ := strings.Cut(address, "://")
	return session.Proxies{"all": scheme + "://me:" + proxySecret + "@" + rest}
}

// hiding checks that neither an error nor any that it wraps shows a secret.
func hiding(t *testing.T, err error) {
	t.Helper()
	shown := fmt.Sprintf("%v\n%+v\n%#v\n%q\n%s", err, err, err, err, err)
	for _, secret := range []string{"hunter2", base64Of("me:" + urlSecret), base64Of("me:" + proxySecret)} {
		assert.NotContains(t, shown, secret)
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		if inner := wrapper.Unwrap(); inner != nil {
			hiding(t, inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			hiding(t, inner)
		}
	}
}

// peer is a dialler to a peer that reads a request and answers with a text.
func peer(answer string) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			if req, err := http.ReadRequest(bufio.NewReader(theirs)); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(theirs, answer)
			}
		}()
		return ours, nil
	}
}

func hangingDial(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// silent is a dialler to a peer that reads and never answers.
func silent(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, theirs); _ = theirs.Close() }()
	return ours, nil
}

// secureServer is an https server that may demand a certificate.
func secureServer(t *testing.T, change func(*tls.Config)) (address string, roots session.Verify) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = quiet()
	srv.TLS = new(tls.Config)
	if change != nil {
		change(srv.TLS)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return srv.URL, session.RootCAs(pool)
}

func TestEachFailureHasItsKinds(t *testing.T) {
	t.Parallel()
	const (
		plainOK = "HTTP/1.1 200 OK\r\n"
		tiny    = time.Millisecond
	)
	connection := []error{session.ErrConnection}
	protocol := []error{session.ErrConnection, session.ErrProtocol}
	proxy := []error{session.ErrConnection, session.ErrProxy}
	insecure := []error{session.ErrConnection, session.ErrTLS}
	missing := func(t *testing.T) string { return filepath.Join(t.TempDir(), "missing.pem") }
	for _, c := range []struct {
		name  string
		fail  func(a armed) error
		kinds []error
	}{
		{"refused", func(a armed) error { return a.ask("http://" + refusedAddress(a.T)) }, connection},
		{"no such host", func(a armed) error {
			return a.to(func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.DNSError{Err: "no such host", Name: "a.test", IsNotFound: true}
			}).ask("http://a.test")
		}, connection},
		{"a dialler's own error", func(a armed) error {
			return a.to(func(context.Context, string, string) (net.Conn, error) { return nil, io.ErrNoProgress }).ask("http://a.test")
		}, connection},
		{"hung up", func(a armed) error { return a.to(peer("")).ask("http://a.test") }, connection},
		{"hung up in the headers", func(a armed) error { return a.to(peer(plainOK + "X: ")).ask("http://a.test") }, connection},

		{"no HTTP", func(a armed) error { return a.to(peer("SSH-2.0-OpenSSH_9\r\n\r\n")).ask("http://a.test") }, protocol},
		{"bad header", func(a armed) error { return a.to(peer(plainOK + "no colon\r\n\r\n")).ask("http://a.test") }, protocol},
		{"bad status", func(a armed) error { return a.to(peer("HTTP/1.1 abc OK\r\n\r\n")).ask("http://a.test") }, protocol},
		{"headers without end", func(a armed) error {
			return a.to(peer(plainOK + "X: " + strings.Repeat("x", 80<<10))).ask("http://a.test")
		}, append(slices.Clone(protocol), session.ErrLimit)},
		{"neither response nor error", func(a armed) error {
			require.NoError(a, a.Mount("http://", roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })))
			return a.ask("http://a.test")
		}, protocol},

		{"proxy refused", func(a armed) error { return a.ask("http://a.test", through("http://"+refusedAddress(a.T))) }, proxy},
		{"proxy refused, tunnel", func(a armed) error { return a.ask("https://a.test", through("http://"+refusedAddress(a.T))) }, proxy},
		{"tunnel refused", func(a armed) error {
			return a.to(peer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")).ask("https://a.test", through("http://proxy.test"))
		}, proxy},
		{"proxy wants a password", func(a armed) error {
			return a.to(peer("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")).ask("https://a.test", through("http://proxy.test"))
		}, proxy},
		{"proxy hung up", func(a armed) error { return a.to(peer("")).ask("http://a.test", through("http://proxy.test")) }, proxy},
		{"proxy hung up on CONNECT", func(a armed) error { return a.to(peer("")).ask("https://a.test", through("http://proxy.test")) }, proxy},
		{"SOCKS refused", func(a armed) error { return a.ask("http://a.test", through("socks5h://"+refusedAddress(a.T))) }, proxy},
		{"no SOCKS", func(a armed) error {
			return a.to(func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					_, _ = theirs.Read(make([]byte, 100))
					_, _ = theirs.Write([]byte{5, 0xff})
				}()
				return ours, nil
			}).ask("http://a.test", through("socks5://proxy.test"))
		}, proxy},

		{"untrusted", func(a armed) error { address, _ := secureServer(a.T, nil); return a.ask(address) }, insecure},
		{"another host's certificate", func(a armed) error {
			address, roots := secureServer(a.T, nil)
			return a.to(func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(address, "https://"))
			}).ask("https://a.test", roots)
		}, insecure},
		{"certificate demanded", func(a armed) error {
			address, roots := secureServer(a.T, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
			return a.ask(address, roots)
		}, insecure},
		{"certificate demanded, TLS 1.2", func(a armed) error {
			address, roots := secureServer(a.T, func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 })
			return a.ask(address, roots)
		}, insecure},
		{"old TLS", func(a armed) error {
			address, roots := secureServer(a.T, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
			return a.ask(address, roots)
		}, insecure},
		{"no TLS", func(a armed) error {
			return a.ask(strings.Replace(serve(a.T, nil).URL, "http:", "https:", 1))
		}, insecure},
		{"CA file missing", func(a armed) error { return a.ask("https://a.test", session.CAFile(missing(a.T))) }, insecure},
		{"CA file without any", func(a armed) error { return a.ask("https://a.test", session.CAFile(inFile(a.T, []byte("x")))) }, insecure},
		{"certificate missing", func(a armed) error { return a.ask("https://a.test", session.CertFile{Cert: missing(a.T)}) }, insecure},
		{"key missing", func(a armed) error {
			return a.ask("https://a.test", session.CertFile{Cert: inFile(a.T, []byte("x")), Key: missing(a.T)})
		}, insecure},
		{"no certificate", func(a armed) error { return a.ask("https://a.test", session.CertFile{Cert: inFile(a.T, []byte("x"))}) }, insecure},

		{"connect timeout", func(a armed) error { return a.to(hangingDial).ask("http://a.test", session.Timeout{Connect: tiny}) },
			[]error{session.ErrConnection, session.ErrTimeout, session.ErrConnectTimeout}},
		{"read timeout", func(a armed) error { return a.to(silent).ask("http://a.test", session.Timeout{Read: tiny}) },
			[]error{session.ErrTimeout, session.ErrReadTimeout}},
		{"total timeout", func(a armed) error { return a.to(silent).ask("http://a.test", session.Timeout{Total: tiny}) },
			[]error{session.ErrTimeout, session.ErrTotalTimeout}},
		{"proxy's connect timeout", func(a armed) error {
			return a.to(silent).ask("https://a.test", through("http://proxy.test"), session.Timeout{Connect: tiny})
		}, []error{session.ErrConnection, session.ErrTimeout, session.ErrConnectTimeout}},

		{"no scheme", func(a armed) error { return a.ask("a.test") }, []error{session.ErrInvalidURL, session.ErrMissingScheme}},
		{"no host", func(a armed) error { return a.ask("http://") }, []error{session.ErrInvalidURL, session.ErrMissingHost}},
		{"bad host", func(a armed) error { return a.ask("http://a_ü*.test:1/") }, []error{session.ErrInvalidURL, session.ErrInvalidHost}},
		{"bad brackets", func(a armed) error { return a.ask("http://[::1/") }, []error{session.ErrInvalidURL, session.ErrInvalidHost}},
		{"bad port", func(a armed) error { return a.ask("http://a.test:99999/") }, []error{session.ErrInvalidURL, session.ErrInvalidPort}},
		{"port of letters", func(a armed) error { return a.ask("http://a.test:x/") }, []error{session.ErrInvalidURL, session.ErrInvalidPort}},
		{"bad Location", func(a armed) error {
			return a.to(peer("HTTP/1.1 302 Found\r\nLocation: http://me:" + urlSecret + "@a.test:99999/\r\nContent-Length: 0\r\n\r\n")).ask("http://a.test")
		}, []error{session.ErrInvalidURL, session.ErrInvalidPort}},
		{"bad proxy", func(a armed) error { return a.ask("http://a.test", through("ftp://proxy.test")) }, []error{session.ErrInvalidProxy}},
		{"bad proxy port", func(a armed) error { return a.ask("http://a.test", through("http://proxy.test:x")) }, []error{session.ErrInvalidProxy}},
		{"proxy without host", func(a armed) error { return a.ask("http://a.test", through("http://")) }, []error{session.ErrInvalidProxy}},
		{"no adapter", func(a armed) error { return a.ask("foo://a.test/") }, []error{session.ErrNoAdapter}},
		{"redirect to another scheme", func(a armed) error {
			require.NoError(a, a.Mount("mock://", &stub{}))
			return a.to(peer("HTTP/1.1 302 Found\r\nLocation: mock://me:" + urlSecret + "@x\r\nContent-Length: 0\r\n\r\n")).ask("http://a.test")
		}, []error{session.ErrNoAdapter, session.ErrRedirectScheme}},

		{"method", func(a armed) error {
			_, err := a.Session.Request(a.Context(), "A B", "http://me:"+urlSecret+"@a.test")
			return err
		}, []error{session.ErrInvalidRequest}},
		{"adapter cannot", func(a armed) error {
			require.NoError(a, a.Mount("http://", &stub{}))
			return a.ask("http://a.test", through("http://proxy.test"))
		}, []error{session.ErrInvalidRequest}},
		{"header", func(a armed) error { return a.ask("http://a.test", session.Header{"X": {"\n" + headerSecret}}) },
			[]error{session.ErrInvalidRequest, session.ErrInvalidHeader}},
		{"Authorization header", func(a armed) error {
			return a.ask("http://a.test", session.Header{"Authorization": {"Bearer \n" + headerSecret}})
		}, []error{session.ErrInvalidRequest, session.ErrInvalidHeader}},
		{"auth's header", func(a armed) error { return a.ask("http://a.test", session.BearerAuth("\n"+headerSecret)) },
			[]error{session.ErrInvalidRequest, session.ErrInvalidHeader}},
		{"cookie", func(a armed) error { return a.ask("http://a.test", session.Cookies{"c": "\n" + cookieSecret}) },
			[]error{session.ErrInvalidRequest, session.ErrInvalidCookie}},
		{"JSON to send", func(a armed) error { return a.ask("http://a.test", session.JSON(make(chan int))) }, []error{session.ErrInvalidJSON}},
		{"body to send", func(a armed) error {
			return a.to(silent).ask("http://a.test", session.Reader(io.MultiReader(strings.NewReader("x"), errorReader{io.ErrNoProgress})))
		}, []error{session.ErrRequestBody}},
		{"body to send again", func(a armed) error {
			return a.to(peer("HTTP/1.1 307 Again\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")).ask("http://a.test",
				session.Reader(bytes.NewBufferString("x")))
		}, []error{session.ErrUnrewindableBody}},

		{"redirects", func(a armed) error {
			return a.to(peer("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")).ask("http://a.test")
		}, []error{session.ErrTooManyRedirects}},
		{"retries", func(a armed) error {
			return a.to(peer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")).ask("http://a.test",
				&session.Retry{Total: 1, Statuses: []int{503}})
		}, []error{session.ErrRetriesExhausted}},
		{"retries of a connection", func(a armed) error { return a.to(peer("")).ask("http://a.test", &session.Retry{Total: 1}) },
			[]error{session.ErrConnection, session.ErrRetriesExhausted}},
		{"length not kept", func(a armed) error {
			return a.to(peer(plainOK + "Content-Length: 9\r\n\r\nshort")).ask("http://a.test")
		},
			[]error{session.ErrIncompleteBody}},
		{"bad chunk", func(a armed) error {
			return a.to(peer(plainOK + "Transfer-Encoding: chunked\r\n\r\nzz\r\n")).ask("http://a.test")
		},
			[]error{session.ErrIncompleteBody}},
		{"cut off in a chunk", func(a armed) error {
			return a.to(peer(plainOK + "Transfer-Encoding: chunked\r\n\r\n9\r\nx")).ask("http://a.test")
		},
			[]error{session.ErrIncompleteBody}},
		{"no gzip", func(a armed) error {
			return a.to(peer(plainOK + "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain")).ask("http://a.test")
		}, []error{session.ErrDecode}},
		{"too many codings", func(a armed) error {
			return a.to(peer(plainOK + "Content-Encoding: " + strings.Repeat("gzip, ", 20) + "gzip\r\nContent-Length: 1\r\n\r\nx")).ask("http://a.test")
		}, []error{session.ErrDecode, session.ErrLimit}},
		{"hook", func(a armed) error {
			return a.to(peer(plainOK+"\r\n")).ask("http://a.test", session.Hooks{Response: []session.ResponseHook{
				func(*session.Response) (*session.Response, error) { return nil, io.ErrNoProgress },
			}})
		}, []error{session.ErrHook}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := c.fail(arm(t))
			require.Error(t, err)
			assert.Equal(t, c.kinds, kindsOf(err), "%v", err)
			envelope, ok := err.(*url.Error)
			require.True(t, ok, "%T", err)
			isTimeout := errors.Is(err, session.ErrTimeout)
			assert.Equal(t, isTimeout, envelope.Timeout())
			assert.Equal(t, isTimeout, envelope.Temporary())
			assert.Equal(t, isTimeout, errors.Is(err, context.DeadlineExceeded))
			_, nested := envelope.Err.(*url.Error)
			assert.False(t, nested, "one envelope: %v", err)
			hiding(t, err)
			if strings.Contains(c.name, "missing") {
				assert.ErrorIs(t, err, fs.ErrNotExist)
				assert.Contains(t, err.Error(), "missing.pem")
			}
		})
	}
}

func TestErrorsOutsideOfACallHaveKindsToo(t *testing.T) {
	t.Parallel()
	s := answering(t, 200, nil, "no JSON")
	resp := get(t, s, "http://a.test/")
	assert.Equal(t, []error{session.ErrInvalidJSON}, kindsOf(resp.JSON(new(int))))
	assert.Equal(t, []error{session.ErrInvalidRequest, session.ErrInvalidCookie},
		kindsOf(session.NewJar().Set(mustURL(t, "http://a.test/"), session.Cookie{Name: "c", Value: "hunter2\n"})))
	assert.Equal(t, []error{session.ErrInvalidRequest}, kindsOf(s.Mount("no-prefix", &stub{})))
	assert.Equal(t, []error{session.ErrInvalidRequest}, kindsOf(s.Mount("mock://", nil)))
	_, err := s.AdapterFor(mustURL(t, "foo://u:hunter2@x/"))
	assert.Equal(t, []error{session.ErrNoAdapter}, kindsOf(err))
	hiding(t, err)
	err = s.Mount("http://u:hunter2@x/", &stub{})
	assert.Equal(t, []error{session.ErrInvalidRequest}, kindsOf(err))
	hiding(t, err)
}

func TestErrorsOfAStreamedBodyHaveTheSameKinds(t *testing.T) {
	t.Parallel()
	for answer, kinds := range map[string][]error{
		"Content-Length: 9\r\n\r\nshort":                              {session.ErrIncompleteBody},
		"Transfer-Encoding: chunked\r\n\r\n9\r\nx":                    {session.ErrIncompleteBody},
		"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain":    {session.ErrDecode},
		"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n\x1f\x8b": {session.ErrIncompleteBody},
	} {
		a := arm(t).to(peer("HTTP/1.1 200 OK\r\n" + answer))
		resp := get(t, a.Session, "http://u:hunter2@a.test/", session.Stream(true))
		_, err := resp.Bytes()
		assert.Equal(t, kinds, kindsOf(err), "%q: %v", answer, err)
		hiding(t, err)
	}
}

func TestAProxysRefusalHasItsAnswer(t *testing.T) {
	t.Parallel()
	a := arm(t).to(peer("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"))
	err := a.ask("https://a.test", through("http://proxy.test"))
	var refused *session.ProxyError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 407, refused.StatusCode)
	assert.Equal(t, "407 Proxy Authentication Required", refused.Status)
	assert.Equal(t, "Basic realm=x", refused.Header.Get("Proxy-Authenticate"))
}

func TestAHostileProxysTextIsQuoted(t *testing.T) {
	t.Parallel()
	a := arm(t).to(peer("HTTP/1.1 403 \x1b[31m" + strings.Repeat("long", 1000) + "\r\nContent-Length: 0\r\n\r\n"))
	err := a.ask("https://a.test", through("http://proxy.test"))
	assert.NotContains(t, err.Error(), "\x1b")
	assert.Less(t, len(err.Error()), 300)
}

func TestErrorsOfTheContext(t *testing.T) {
	t.Parallel()
	mine := errors.New("mine")
	for _, c := range []struct {
		name    string
		context func(context.Context) (context.Context, context.CancelFunc)
		is      []error
		isNot   []error
	}{
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Millisecond, cancel)
			return ctx, cancel
		}, []error{context.Canceled}, []error{context.DeadlineExceeded}},
		{"cancelled with a cause", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Millisecond, func() { cancel(mine) })
			return ctx, func() { cancel(nil) }
		}, []error{context.Canceled, mine}, []error{context.DeadlineExceeded}},
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Millisecond)
		}, []error{context.DeadlineExceeded, session.ErrTimeout}, []error{context.Canceled}},
		{"deadline with a cause", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, time.Millisecond, mine)
		}, []error{context.DeadlineExceeded, session.ErrTimeout, mine}, []error{context.Canceled}},
		{"ended before", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(mine)
			return ctx, func() {}
		}, []error{context.Canceled, mine}, []error{context.DeadlineExceeded}},
	} {
		for what, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
			"dialling": hangingDial, "waiting": silent,
		} {
			a := arm(t).to(dial)
			send := map[string]func(context.Context) error{
				"Get": func(ctx context.Context) error {
					_, err := a.Get(ctx, "http://me:"+urlSecret+"@a.test/")
					return err
				},
				"Do": func(ctx context.Context) error {
					_, err := a.Do(must(http.NewRequestWithContext(ctx, "GET", "http://me:"+urlSecret+"@a.test/", nil)))
					return err
				},
				"Client": func(ctx context.Context) error {
					_, err := a.Client().Do(must(http.NewRequestWithContext(ctx, "GET", "http://me:"+urlSecret+"@a.test/", nil)))
					return err
				},
			}
			for call, send := range send {
				ctx, cancel := c.context(t.Context())
				err := send(ctx)
				cancel()
				require.Error(t, err)
				for _, want := range c.is {
					assert.ErrorIs(t, err, want, "%s, %s, %s", c.name, what, call)
				}
				for _, not := range append(c.isNot, session.ErrConnection) {
					assert.NotErrorIs(t, err, not, "%s, %s, %s", c.name, what, call)
				}
				var envelope *url.Error
				require.ErrorAs(t, err, &envelope)
				assert.Equal(t, errors.Is(err, session.ErrTimeout), envelope.Timeout(), "%s, %s, %s", c.name, what, call)
				hiding(t, err)
			}
		}
	}
}

func TestEnvelopeNamesMethodAndURL(t *testing.T) {
	t.Parallel()
	s := over(t, func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	for _, c := range []struct{ method, url, op, shown string }{
		{"GET", "http://a.test/x?q=1#f", "Get", "http://a.test/x?q=1#f"},
		{"delete", "http://u:p@a.test/", "Delete", "http://u:xxxxx@a.test/"},
		{"", "http://a.test/", "Get", "http://a.test/"},
		{"POST", "http://u:p@a.test:port/", "Post", "http://u:xxxxx@a.test:port/"},
		{"POST", "//u:p@a.test/", "Post", "//u:xxxxx@a.test/"},
		{"POST", "http://u:p@b@a.test/", "Post", "http://u:xxxxx@a.test/"},
		{"POST", "http://u:p/b?c#d@a.test:x/", "Post", "http://u:xxxxx@a.test:x/"},
	} {
		_, err := s.Request(t.Context(), c.method, c.url)
		envelope, ok := err.(*url.Error)
		require.True(t, ok, "%T: %v", err, err)
		assert.Equal(t, c.op, envelope.Op)
		assert.Equal(t, c.shown, envelope.URL)
	}
}

// An adapter may be an http.Client in disguise, which has an envelope of its own.
func TestThereIsOneEnvelope(t *testing.T) {
	t.Parallel()
	s := over(t, func(req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Inner", URL: "http://u:hunter2@a.test/", Err: io.ErrUnexpectedEOF}
	})
	_, err := s.Get(t.Context(), "http://u:hunter2@a.test/")
	assert.Equal(t, session.ErrConnection, kindsOf(err)[0])
	envelope, ok := err.(*url.Error)
	require.True(t, ok)
	assert.Equal(t, "Get", envelope.Op)
	hiding(t, err)
}

func TestNoSpellingOfAURLShowsItsPassword(t *testing.T) {
	t.Parallel()
	s := answering(t, 500, nil, "")
	s.Retry = &session.Retry{Total: 1, Statuses: []int{500}}
	for _, scheme := range []string{"http:", "https:", "foo:", "", "ht tp:", "1:", "HTTP:"} {
		for _, secret := range []string{"hunter2", "%68hunter2", "%zzhunter2", "a@hunter2", "a:hunter2", "hunter2 x", "hunter2\x00", "hunter2ü"} {
			for _, host := range []string{"a.test", "a.test:x", "[::1", "", "%zz", "a b", "a.test/%zz", "a.test\n"} {
				address := scheme + "//me:" + secret + "@" + host + "/"
				_, err := s.Get(t.Context(), address)
				if assert.Error(t, err, address) {
					hiding(t, err)
				}
			}
		}
	}
}

// What is not quite a URL may hold a password all the same.
func TestWhatIsNoURLShowsNoPassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"http:/me:hunter2@a.test/", "http:me:hunter2@a.test/", "http:///me:hunter2@a.test/", "http//me:hunter2@a.test/",
		`https:\\me:hunter2@a.test/`, `https:/\me:hunter2@a.test/`, `https:\me:hunter2@a.test/`, `\\me:hunter2@a.test/`,
		"me:hunter2@a.test/", "me:hunter2@a.test", "//me:hunter2@a.test/", "/me:hunter2@a.test/", "foo:me:hunter2@a.test", "foo:/me:hunter2@a.test",
		"http://me:hun/hunter2@a.test/", "http://me:hun?hunter2@a.test/", `http://me:hun\hunter2@a.test/`,
		"http://me:80/hunter2@a.test/", "http://me:hunter2@b@a.test:bad/", "http://me:hunter2@a.test:99999/", "http:/me:hun/hunter2@a.test/",
	} {
		for _, ask := range []func() error{
			func() error { _, err := new(session.Session).Get(t.Context(), address); return err },
			func() error {
				_, err := new(session.Session).Prepare(t.Context(), &session.Request{URL: address})
				return err
			},
			func() error { _, err := (&session.Session{BaseURL: address}).Get(t.Context(), "/x"); return err },
			func() error { return new(session.Session).Mount(address, new(stub)) },
		} {
			if err := ask(); err != nil {
				hiding(t, err)
				assert.NotContains(t, err.Error(), "hun", address)
			}
		}
		_, err := new(session.Session).Get(t.Context(), address)
		require.Error(t, err, address)
	}
}

// The settings that a prepared request carries with it are not printed with it.
func TestPreparedRequestPrintsNoSecret(t *testing.T) {
	t.Parallel()
	for what, auth := range map[string]session.Auth{
		"basic": session.BasicAuth("me", "hunter2"), "bearer": session.BearerAuth("hunter2"), "digest": session.DigestAuth("me", "hunter2"),
	} {
		s := answering(t, 200, nil, "")
		s.Auth, s.Timeout.Total = auth, time.Hour
		r := &session.Request{
			URL: "http://a.test/", Cookies: session.Cookies{"c": "hunter2"},
			Proxies: session.Proxies{"https": "http://me:hunter2@p.test"},
		}
		req, err := s.Prepare(t.Context(), r)
		require.NoError(t, err)
		resp, err := s.Send(t.Context(), r)
		require.NoError(t, err)
		for _, req := range []*http.Request{req, resp.Request} {
			req.Header.Del("Authorization") // which are the request's own
			req.Header.Del("Cookie")
			type key struct{}
			derived, cancel := context.WithCancel(context.WithValue(req.Context(), key{}, "v"))
			defer cancel()
			for _, value := range []any{req, *req, req.Context(), derived, req.WithContext(derived)} {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
					shown := fmt.Sprintf(verb, value)
					for _, secret := range []string{"hunter2", base64Of("me:hunter2"), fmt.Sprintf("%x", "hunter2")} {
						assert.NotContains(t, shown, secret, "%s of %T, %s", verb, value, what)
					}
				}
			}
		}
	}
}
