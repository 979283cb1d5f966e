package drive

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/cbf3e3a9/session"
)

// dialMap says where connections really go. Its zero value maps nothing.
type dialMap struct {
	mu      sync.Mutex
	targets map[string]string
}

func (d *Driver) dialMap(m *message) (object, error) {
	d.dial.mu.Lock()
	defer d.dial.mu.Unlock()
	d.dial.targets = m.Map
	return object{}, nil
}

// adapter is one that dials by the map.
func (m *dialMap) adapter() *session.HTTPAdapter {
	return &session.HTTPAdapter{Base: &http.Transport{DialContext: m.dial, ForceAttemptHTTP2: true}}
}

// dial opens a connection to where address is mapped; to itself only if it is loopback.
func (m *dialMap) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	target := m.targets[host+":"+port]
	if target == "" {
		target = m.targets["*:"+port]
	}
	m.mu.Unlock()
	if target == "" {
		ip := net.ParseIP(host)
		if host != "localhost" && !ip.IsLoopback() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("unmapped host %s", address)}
		}
		target = address
	}
	return new(net.Dialer).DialContext(ctx, network, target)
}

// stub answers 200 to anything and touches no network.
type stub struct{ label string }

func (s stub) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"X-Adapter": {s.label}}, Body: http.NoBody, Request: req,
	}, nil
}

// RoundTripWith makes the stub an adapter that has a use for no setting.
func (s stub) RoundTripWith(req *http.Request, _ session.TransportSettings) (*http.Response, error) {
	return s.RoundTrip(req)
}

func (d *Driver) sessionMount(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	return object{}, s.Mount(m.Prefix, stub{m.Label})
}

func (d *Driver) sessionAdapters(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	prefixes := []string{}
	for _, mounted := range s.Adapters() {
		prefixes = append(prefixes, mounted.Prefix)
	}
	return object{"prefixes": prefixes}, nil
}

func (d *Driver) adapterFor(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	u, err := parse(m.URL)
	if err != nil {
		return nil, err
	}
	mounted, err := s.AdapterFor(u)
	return object{"prefix": mounted.Prefix}, err
}
