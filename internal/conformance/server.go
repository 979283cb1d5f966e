package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A Server answers as a scenario says. It listens on loopback, once in the
// clear and once under TLS, speaks HTTP/1.1 written by hand so that what it
// sends is exactly what the scenario holds, and also serves as a forward
// proxy: for absolute targets, and for CONNECT, whose tunnels it ends itself,
// always in TLS. It keeps every request as it arrived. Safe for concurrent use.
type Server struct {
	tls       *tls.Config
	plain     net.Listener
	encrypted net.Listener
	stopping  chan struct{}
	running   sync.WaitGroup

	mu       sync.Mutex
	routes   []*servedRoute
	arrivals []*Arrival
	accepted int
	open     map[net.Conn]bool
}

// An Arrival is a request as it came in.
type Arrival struct {
	Scheme   string      `json:"scheme"`
	Method   string      `json:"method"`
	Target   string      `json:"target"`
	Host     string      `json:"host"`    // without the scheme's default port
	Headers  [][2]string `json:"headers"` // names in lower case, bytes as Latin-1
	Framing  string      `json:"framing"` // "none", "length" or "chunked"
	Body     []byte      `json:"body_b64"`
	Via      *string     `json:"via"`       // "proxy", "tunnel host:port", or nil
	ClientCN *string     `json:"client_cn"` // of the client's certificate
	Conn     int         `json:"conn"`      // numbered from 1 as they were accepted
}

type servedRoute struct {
	Route
	left int // how often it still serves; negative for always
}

// NewServer starts a server for the scenario with the certificates that
// WriteCertificates left in a folder. Close ends it.
func NewServer(s Scenario, certificates string) (*Server, error) {
	config, err := serverTLS(s, certificates)
	if err != nil {
		return nil, err
	}
	srv := &Server{tls: config, stopping: make(chan struct{}), open: map[net.Conn]bool{}}
	for _, r := range s.Server {
		left := -1
		if r.Times != nil {
			left = *r.Times
		}
		srv.routes = append(srv.routes, &servedRoute{r, left})
	}
	if srv.plain, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if srv.encrypted, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, srv.plain.Close())
	}
	srv.running.Go(func() { srv.accept(srv.plain, "http") })
	srv.running.Go(func() { srv.accept(srv.encrypted, "https") })
	return srv, nil
}

func serverTLS(s Scenario, folder string) (*tls.Config, error) {
	name := s.Certificate
	if name == "" {
		name = "server"
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(ca)
	asks, ok := map[string]tls.ClientAuthType{
		"":         tls.NoClientCert,
		"none":     tls.NoClientCert,
		"optional": tls.VerifyClientCertIfGiven,
		"required": tls.RequireAndVerifyClientCert,
	}[s.ClientCertificate]
	if !ok {
		return nil, fmt.Errorf("client_certificate %q", s.ClientCertificate)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientAuth:   asks,
		ClientCAs:    authorities,
		NextProtos:   []string{"http/1.1"},
	}, nil
}

// PlainPort returns the port that is served in the clear.
func (srv *Server) PlainPort() string { return port(srv.plain) }

// TLSPort returns the port that is served under TLS.
func (srv *Server) TLSPort() string { return port(srv.encrypted) }

func port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

// Arrivals returns the requests that have come in so far.
func (srv *Server) Arrivals() []Arrival {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	all := make([]Arrival, 0, len(srv.arrivals))
	for _, a := range srv.arrivals {
		all = append(all, *a)
	}
	return all
}

// Close ends the server and all its connections, and waits for them to end.
func (srv *Server) Close() error {
	close(srv.stopping)
	err := errors.Join(srv.plain.Close(), srv.encrypted.Close())
	srv.mu.Lock()
	for c := range srv.open {
		c.Close()
	}
	srv.mu.Unlock()
	srv.running.Wait()
	return err
}

func (srv *Server) accept(l net.Listener, scheme string) {
	for {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		number, ok := srv.opened(raw)
		if !ok {
			raw.Close()
			return
		}
		srv.running.Go(func() {
			defer srv.closed(raw)
			newConn(srv, raw, scheme, number).serve()
		})
	}
}

// opened numbers a connection; it says no where the server is being closed.
func (srv *Server) opened(c net.Conn) (number int, ok bool) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	select {
	case <-srv.stopping:
		return 0, false
	default:
	}
	srv.accepted++
	srv.open[c] = true
	return srv.accepted, true
}

func (srv *Server) closed(c net.Conn) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	delete(srv.open, c)
	c.Close()
}

func (srv *Server) arrived(a *Arrival) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.arrivals = append(srv.arrivals, a)
}

// throughProxy marks a request that named its target in absolute form.
func (srv *Server) throughProxy(a *Arrival) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	via := "proxy"
	a.Via = &via
}

// match returns the first route that serves the request, and counts its use.
func (srv *Server) match(a *Arrival, host, path string) (Route, bool) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for _, r := range srv.routes {
		if r.left == 0 || !r.serves(a, host, path) {
			continue
		}
		if r.left > 0 {
			r.left--
		}
		return r.Route, true
	}
	return Route{}, false
}

func (r *Route) serves(a *Arrival, host, path string) bool {
	return (r.Method == "" || r.Method == a.Method) &&
		(r.Host == "" || r.Host == host || r.Host == withoutPort(host)) &&
		(r.Path == "" || r.Path == path) &&
		(len(r.IfHeader) == 0 || carries(a.Headers, r.IfHeader))
}

func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		return host[:i]
	}
	return host
}

func carries(headers [][2]string, want []string) bool {
	for _, h := range headers {
		if h[0] == strings.ToLower(want[0]) && (len(want) < 2 || strings.HasPrefix(h[1], want[1])) {
			return true
		}
	}
	return false
}

// wait sleeps; it says no where the server was closed meanwhile.
func (srv *Server) wait(ms float64) bool {
	if ms <= 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(ms * float64(time.Millisecond)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-srv.stopping:
		return false
	}
}
