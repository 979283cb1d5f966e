// Package faultserver is a server that does what it is told, byte by byte, and
// so can go wrong in any way: it closes and resets connections, stalls, and
// sends what is no HTTP. It is for tests of clients.
//
//	srv := faultserver.New(t, func(c *faultserver.Conn) {
//		c.ReadRequest()
//		c.Write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
//		c.RST()
//	})
//
// What a server does with a connection is a [Script]. Scripts need no error
// handling: a step that finds the client gone, or the server closed, ends the
// script. When a script ends its connection is closed.
package faultserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Script is what a server does with one connection. It runs in a goroutine of
// the connection's own, and may end anywhere, as by [runtime.Goexit].
type Script func(*Conn)

// Server is a listener whose every connection is given to a script. Its
// methods are safe for concurrent use.
type Server struct {
	listener net.Listener
	dial     func(context.Context) (net.Conn, error)
	script   Script
	scheme   string
	cas      *x509.CertPool
	closed   chan struct{}
	close    sync.Once

	mu       sync.Mutex
	idle     chan struct{} // closed while no connection is open
	open     map[*Conn]struct{}
	accepted int
	requests []Request
}

// Request is a request as a script read it.
type Request struct {
	*http.Request        // its Body has been read, unless it came from ReadHead
	Content       string // the body, "" if it came from ReadHead
	Conn          int    // the number of the connection it came on, from 1
}

// New starts a server of plain TCP on loopback, which is closed when the test
// has ended.
func New(t testing.TB, script Script) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	}
	return start(t, listener, dial, script)
}

// NewTLS starts a server whose connections begin with a TLS handshake; the
// script of one that fails does not run. A nil config is that of a certificate
// for 127.0.0.1, ::1, localhost, *.test and *.a.test, of an authority that
// [Server.CAs] gives. It speaks HTTP/1.1 unless config's NextProtos says otherwise.
func NewTLS(t testing.TB, config *tls.Config, script Script) *Server {
	t.Helper()
	var cas *x509.CertPool
	if config == nil {
		ca := NewCA(t)
		config, cas = ca.Config(t), ca.Pool()
	}
	s := New(t, func(c *Conn) {
		c.StartTLS(config)
		script(c)
	})
	s.scheme, s.cas = "https", cas
	return s
}

// NewPipe starts a server without sockets, for a bubble of testing/synctest:
// it is reached by [Server.Dial] alone, over a net.Pipe, which buffers nothing.
// There a RST is a FIN.
func NewPipe(t testing.TB, script Script) *Server {
	t.Helper()
	p := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
	return start(t, p, p.dial, script)
}

func start(t testing.TB, listener net.Listener, dial func(context.Context) (net.Conn, error), script Script) *Server {
	s := &Server{
		listener: listener, dial: dial, script: script, scheme: "http",
		closed: make(chan struct{}), idle: make(chan struct{}), open: make(map[*Conn]struct{}),
	}
	close(s.idle)
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		s.accept()
	}()
	t.Cleanup(func() {
		s.Close()
		<-accepting
	})
	return s
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if c := s.add(conn); c != nil {
			go c.run()
		}
	}
}

// add notes a connection; nil once the server is closed.
func (s *Server) add(conn net.Conn) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		_ = conn.Close()
		return nil
	default:
	}
	if len(s.open) == 0 {
		s.idle = make(chan struct{})
	}
	s.accepted++
	c := newConn(s, conn, s.accepted)
	s.open[c] = struct{}{}
	return c
}

func (s *Server) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	if len(s.open) == 0 {
		close(s.idle)
	}
}

func (s *Server) note(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
}

// URL is "http://127.0.0.1:port", or https.
func (s *Server) URL() string { return s.scheme + "://" + s.Addr() }

// Addr is the server's "127.0.0.1:port".
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Dial connects to the server whatever address it is given. It is a
// DialContext for an [http.Transport], so that any host name leads here.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial(ctx) }

// CAs has the authority of the certificate that NewTLS made; nil if it made none.
func (s *Server) CAs() *x509.CertPool { return s.cas }

// Requests lists what scripts have read, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Conns is how many connections were accepted so far.
func (s *Server) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Open is how many scripts are running.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// AwaitIdle waits until no script is running, and fails the test where that
// takes longer than 5 s. Where scripts end in [Conn.Stall] it waits for the
// client to hang up.
func (s *Server) AwaitIdle(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	late := time.NewTimer(5 * time.Second)
	defer late.Stop()
	select {
	case <-idle:
	case <-late.C:
		t.Fatalf("%d connections are still open", s.Open())
	}
}

// Close closes the listener and all connections, and waits for the scripts. It
// may be called again, and is called when the test has ended.
func (s *Server) Close() {
	s.close.Do(func() { s.shut() })
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	<-idle
}

func (s *Server) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.closed)
	_ = s.listener.Close()
	for c := range s.open {
		_ = c.base.Close()
	}
}

// pipes is a listener whose connections are net.Pipes.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accepted <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
