package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// HTTPAdapter sends over net/http, HTTP/1.1 and HTTP/2: one [http.Transport]
// for each TLS setting, and for each proxy of an https URL, that requests ask
// for, so that connections made under one are never used under another. A
// session has one mounted for "https://" and "http://". The zero value is ready
// for use; fields must not change after the first request. It is safe for
// concurrent use and must not be copied.
type HTTPAdapter struct {
	// Base is copied for each TLS setting; nil is net/http's default transport
	// with 100 idle connections for each host, and response headers bounded at
	// 1 MiB. Its Proxy, OnProxyConnectResponse, GetProxyConnectHeader and
	// DisableCompression are not asked: these are the session's. HTTP/2 is on
	// unless its Protocols or an empty TLSNextProto say otherwise.
	Base *http.Transport
	// Wrap, where it is set, puts middleware around each transport, which comes
	// as a RoundTripper of this package's whose errors have their kind; it must
	// not return nil.
	Wrap func(http.RoundTripper) http.RoundTripper
	// Guard, where it is set, is asked before each connection is made whether it
	// may be, with the address that names were resolved to, redirects included:
	// [PublicOnly], or a function of the caller's, which must be safe for
	// concurrent use. Its error fails the request as an [ErrAddressRefused].
	// Where Base has a DialContext, or a DialTLSContext, that is asked first,
	// and the address of the connection that it made is looked at before
	// anything is sent.
	Guard func(addr netip.AddrPort) error
	// GuardProxies has Guard look at a proxy's address, behind which those of
	// servers are hidden. Without it a request by way of a proxy is refused
	// where there is a Guard, as an [ErrInvalidRequest].
	GuardProxies bool
	// MaxTransports bounds the TLS settings and proxies for which connections
	// are kept; the one that was used least recently gives way. 0 is 64.
	MaxTransports int

	pool atomic.Pointer[transportPool]
}

const defaultMaxTransports = 64

// transportPool holds the transports of an adapter by their TLS setting.
type transportPool struct {
	plain atomic.Pointer[pooledTransport] // the one without any setting

	mu   sync.Mutex
	used []*pooledTransport // the one used last comes first
}

// transportKey is what connections are kept apart by.
type transportKey struct {
	tls tlsKey
	// The proxy of an https URL: net/http pools an HTTP/2 connection by the
	// host that it leads to, whatever proxy it was made through, so a request
	// for one proxy could go over another, or past it. What the caller tells
	// the proxy of its own accord belongs to it.
	tunnel string
}

// pooledTransport is a transport for one key.
type pooledTransport struct {
	key     transportKey
	base    *http.Transport
	wrapped http.RoundTripper
	evicted atomic.Bool
	dropped runtime.Cleanup // for when nothing refers to the adapter any more
}

// RoundTrip sends a request without settings of its own.
func (a *HTTPAdapter) RoundTrip(req *http.Request) (*http.Response, error) {
	return a.RoundTripWith(req, TransportSettings{})
}

// RoundTripWith sends a request. Its errors have their kind: [ErrConnection]
// and what is a case of it, [ErrTimeout], or that of a CA or certificate file;
// those of Wrap's middleware are returned as they are. TLS settings for a Base
// with a DialTLSContext are an [ErrInvalidRequest] that matches
// [errors.ErrUnsupported].
func (a *HTTPAdapter) RoundTripWith(req *http.Request, settings TransportSettings) (*http.Response, error) {
	transport, err := a.transport(req, settings)
	if a.Guard != nil && settings.Proxy != nil && !a.GuardProxies {
		err = kindf(ErrInvalidRequest, "a proxy hides addresses from the adapter's Guard; GuardProxies allows that")
	}
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	out, connected := prepareWire(req, settings.Proxy)
	resp, err := transport.wrapped.RoundTrip(out)
	if transport.evicted.Load() {
		transport.base.CloseIdleConnections()
	}
	if err == nil {
		return resp, nil
	}
	if settings.Proxy != nil && isPeers(err) {
		err = proxyFault(err, connected.Load(), isForwarded(req, settings.Proxy))
	}
	return resp, err
}

// proxyFault is an error of a connection by way of a proxy: the proxy's where
// nobody else was talked to.
func proxyFault(err error, connected, forwarded bool) error {
	switch {
	case !connected:
		return wrapKind(ErrProxy, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err})
	case forwarded:
		return wrapKind(ErrProxy, err)
	}
	return err
}

// isForwarded reports whether a proxy is sent the request itself, and not asked
// for a tunnel.
func isForwarded(req *http.Request, proxy *url.URL) bool {
	return proxy != nil && req.URL.Scheme == "http" && (proxy.Scheme == "http" || proxy.Scheme == "https")
}

// isPeers reports whether err is the fault of whoever was connected to.
func isPeers(err error) bool {
	return errors.Is(err, ErrConnection) && !errors.Is(err, ErrProxy) && !errors.Is(err, ErrTLS) && !errors.Is(err, ErrTimeout)
}

type proxyKey struct{}

// proxyOf is asked by the transports: the proxy travels in the context.
func proxyOf(req *http.Request) (*url.URL, error) {
	proxy, _ := req.Context().Value(proxyKey{}).(*url.URL)
	return proxy, nil
}

// prepareWire is the request as a transport is to send it by way of a proxy.
// A Proxy-Authorization header goes to a proxy, never to an origin
// (CVE-2023-32681). connected tells whether a connection was made, through a
// tunnel where one is needed; nil without a proxy.
func prepareWire(req *http.Request, proxy *url.URL) (out *http.Request, connected *atomic.Bool) {
	own := headerValues(req.Header, "Proxy-Authorization")
	hasOwn := own != nil
	if proxy == nil && !hasOwn {
		return req, nil
	}
	ctx := req.Context()
	if proxy != nil {
		ctx = context.WithValue(ctx, proxyKey{}, proxy)
	}
	forwarded := isForwarded(req, proxy)
	if proxy != nil {
		connected = new(atomic.Bool)
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
		})
	}
	if proxy != nil && !forwarded && hasOwn {
		ctx = context.WithValue(ctx, connectHeaderKey{}, http.Header{"Proxy-Authorization": own})
	}
	out = req.WithContext(ctx)
	if hasOwn && (!forwarded || proxy.User != nil) { // the URL's credentials win
		out.Header = req.Header.Clone()
		deleteHeader(out.Header, "Proxy-Authorization")
	}
	if forwarded && req.Host != "" && req.Host != req.URL.Host {
		// net/http would ask the proxy for the host of the override
		target := *req.URL
		target.Opaque = "//" + req.URL.Host + cmp.Or(req.URL.EscapedPath(), "/")
		out.URL = &target
	}
	return out, connected
}

type connectHeaderKey struct{}

// connectHeader gives the proxy the Proxy-Authorization that the request had.
func connectHeader(ctx context.Context, _ *url.URL, _ string) (http.Header, error) {
	h, _ := ctx.Value(connectHeaderKey{}).(http.Header)
	return h, nil
}

// refusedTunnel makes an error of a proxy's answer to CONNECT that is none of success.
func refusedTunnel(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{StatusCode: resp.StatusCode, Status: resp.Status, Header: resp.Header}
}

// CloseIdleConnections closes the connections that no request is using.
func (a *HTTPAdapter) CloseIdleConnections() {
	if pool := a.pool.Load(); pool != nil {
		pool.closeIdle()
	}
}

func (p *transportPool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.used {
		t.base.CloseIdleConnections()
	}
}

// transport gives the transport for a request under its settings.
func (a *HTTPAdapter) transport(req *http.Request, settings TransportSettings) (*pooledTransport, error) {
	pool := a.loadPool()
	if key, err := keyOf(req, settings); err != nil {
		return nil, err
	} else if key != (transportKey{}) {
		return a.keyed(pool, key)
	}
	if t := pool.plain.Load(); t != nil {
		return t, nil
	}
	t, err := a.keyed(pool, transportKey{})
	if err == nil {
		pool.plain.Store(t)
	}
	return t, err
}

// loadPool makes the pool.
func (a *HTTPAdapter) loadPool() *transportPool {
	if pool := a.pool.Load(); pool != nil {
		return pool
	}
	a.pool.CompareAndSwap(nil, new(transportPool))
	return a.pool.Load()
}

func keyOf(req *http.Request, settings TransportSettings) (key transportKey, err error) {
	if settings.Verify != nil {
		if key.tls.verify, err = settings.Verify.verification(); err != nil {
			return transportKey{}, err
		}
	}
	if settings.Cert != nil {
		if key.tls.cert, err = settings.Cert.certificate(); err != nil {
			return transportKey{}, err
		}
	}
	if settings.Proxy != nil && req.URL.Scheme == "https" {
		key.tunnel = settings.Proxy.String() + " " + strings.Join(headerValues(req.Header, "Proxy-Authorization"), " ")
	}
	return key, nil
}

// keyed finds or makes the transport of a key. The plain one stays.
func (a *HTTPAdapter) keyed(pool *transportPool, key transportKey) (*pooledTransport, error) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	for i, t := range pool.used {
		if t.key == key {
			copy(pool.used[1:i+1], pool.used[:i])
			pool.used[0] = t
			return t, nil
		}
	}
	t, err := a.newTransport(key)
	if err != nil {
		return nil, err
	}
	pool.used = append([]*pooledTransport{t}, pool.used...)
	pool.evict(a.maxTransports())
	return t, nil
}

func (a *HTTPAdapter) maxTransports() int {
	if a.MaxTransports <= 0 {
		return defaultMaxTransports
	}
	return a.MaxTransports
}

// evict drops the transport used least recently. Requests that use it finish;
// their connections are not kept.
func (p *transportPool) evict(most int) {
	for i := len(p.used) - 1; i > 0 && len(p.used) > most; i-- {
		if t := p.used[i]; t.key != (transportKey{}) {
			p.used = append(p.used[:i], p.used[i+1:]...)
			t.evicted.Store(true)
			t.dropped.Stop()
			t.base.CloseIdleConnections()
		}
	}
}

func (a *HTTPAdapter) newTransport(key transportKey) (*pooledTransport, error) {
	base := a.Base
	if base == nil {
		base = defaultTransport()
		if a.Guard != nil {
			base.DialContext = nil // the guard's own
		}
	}
	//lint:ignore SA1019 a Base of the caller's may have it
	if key.tls != (tlsKey{}) && (base.DialTLSContext != nil || base.DialTLS != nil) {
		return nil, kindf(ErrInvalidRequest, "the DialTLSContext of the adapter's Base knows no TLS settings: %w", errors.ErrUnsupported)
	}
	base = base.Clone()
	if base.TLSNextProto == nil {
		base.ForceAttemptHTTP2 = true // else a TLS setting of our own would switch it off
	}
	config, err := key.tls.config(base.TLSClientConfig)
	if err != nil {
		return nil, err
	}
	base.TLSClientConfig = config
	base.Proxy = proxyOf
	base.DisableCompression = true
	base.OnProxyConnectResponse = refusedTunnel
	base.GetProxyConnectHeader = connectHeader
	guardFunc(a.Guard).over(base)
	base.DialContext = dialErrors(base.DialContext)
	base.DialTLSContext = dialErrors(base.DialTLSContext)
	t := &pooledTransport{key: key, base: base, wrapped: classified{base}}
	if a.Wrap != nil {
		t.wrapped = a.Wrap(t.wrapped)
	}
	if isNil(t.wrapped) {
		return nil, kindf(ErrInvalidRequest, "the adapter's Wrap gave nil")
	}
	t.dropped = runtime.AddCleanup(a, closeDropped, weak.Make(base))
	return t, nil
}

// closeDropped closes the connections of an adapter that nothing refers to any
// more. Idle ones keep their transport, and it no adapter. The cleanup itself must
// not keep it: a dialler of the caller's that knows the adapter would then keep
// both for ever.
func closeDropped(base weak.Pointer[http.Transport]) {
	if base := base.Value(); base != nil {
		base.CloseIdleConnections()
	}
}

// classified is a transport whose errors have their kind.
type classified struct{ *http.Transport }

func (t classified) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(req)
	if err == nil {
		return resp, nil
	}
	switch {
	case err == io.EOF, err.Error() == closedIdle:
		err = errNoAnswer
	case err == context.Canceled && req.Context().Err() == nil:
		err = wrapKind(ErrConnection, errOthersEnd)
	case strings.Contains(err.Error(), "server response headers exceeded"): // it has no type
		err = &LimitError{"size of response headers", t.headerLimit()}
	}
	err = classify(req.Context(), tame(err))
	if !hasKind(err) && req.Context().Err() == nil {
		err = wrapKind(ErrProtocol, err)
	}
	return resp, err
}

// headerLimit is how large the headers of an answer may be, in bytes.
func (t classified) headerLimit() int64 {
	if t.MaxResponseHeaderBytes > 0 {
		return t.MaxResponseHeaderBytes
	}
	return http.DefaultMaxHeaderBytes * 10 // net/http's own
}

// closedIdle is what net/http calls an EOF that comes while it writes a request
// that it does not send again; it has no type.
const closedIdle = "http: server closed idle connection"

// errOthersEnd says that net/http closed a connection because the context of the
// request before, to whose answer there is no body, ended while this one took it.
var errOthersEnd = errors.New("closed by the end of another request")

var errNoAnswer = fmt.Errorf("closed without an answer: %w", io.EOF)

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// dialErrors makes the errors of a dialler known for what they are, as those of
// package net are.
func dialErrors(dial dialFunc) dialFunc {
	if dial == nil {
		return nil
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		var op *net.OpError
		if err != nil && !errors.As(err, &op) && !isTLS(err) {
			err = &net.OpError{Op: "dial", Net: network, Err: err}
		}
		return conn, err
	}
}

// maxResponseHeader bounds an answer's headers, in bytes.
const maxResponseHeader = 1 << 20

// defaultDialer has the limits of net/http's default transport.
func defaultDialer() *net.Dialer {
	return &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
}

// defaultTransport has net/http's own guards. 2 idle connections for each host,
// its default, would cost half the throughput of 64 workers.
func defaultTransport() *http.Transport {
	return &http.Transport{
		DialContext:            defaultDialer().DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConnsPerHost:    100,
		MaxResponseHeaderBytes: maxResponseHeader,
		ForceAttemptHTTP2:      true,
	}
}
