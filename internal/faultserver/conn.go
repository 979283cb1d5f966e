package faultserver

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
)

// OK is a small answer whose connection can be used again.
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// Conn is the server's end of a connection. Its methods are the steps of a
// script, and are for the script's own goroutine.
type Conn struct {
	server *Server
	number int
	base   net.Conn // the socket or pipe
	conn   net.Conn // base, or TLS over it
	reader *bufio.Reader
}

func newConn(s *Server, conn net.Conn, number int) *Conn {
	return &Conn{server: s, number: number, base: conn, conn: conn, reader: bufio.NewReader(conn)}
}

func (c *Conn) run() {
	defer c.server.remove(c)
	defer c.base.Close()
	c.server.script(c)
}

// end ends the script where a step went wrong: whoever was talked to is gone.
func end(err error) {
	if err != nil {
		runtime.Goexit()
	}
}

// Number counts the server's connections, from 1.
func (c *Conn) Number() int { return c.number }

// ReadRequest reads a request with its body, which the request then has again.
func (c *Conn) ReadRequest() Request {
	r := c.readHead()
	content, err := io.ReadAll(r.Body)
	end(err)
	r.Content, r.Body = string(content), io.NopCloser(strings.NewReader(string(content)))
	c.server.note(r)
	return r
}

// ReadHead reads a request up to its body, which is for the script to read.
func (c *Conn) ReadHead() Request {
	r := c.readHead()
	c.server.note(r)
	return r
}

func (c *Conn) readHead() Request {
	r, err := http.ReadRequest(c.reader)
	end(err)
	return Request{Request: r, Conn: c.number}
}

// Write sends text as it is.
func (c *Conn) Write(text string) {
	_, err := io.WriteString(c.conn, text)
	end(err)
}

// FIN says that nothing more will be sent, after TLS's close_notify if there is
// TLS, and waits until the client hangs up too: to close at once would send a
// RST where something was left unread.
func (c *Conn) FIN() {
	if secure, ok := c.conn.(*tls.Conn); ok {
		_ = secure.CloseWrite()
	}
	c.Cut()
}

// Cut is FIN without TLS's close_notify.
func (c *Conn) Cut() {
	half, ok := c.base.(interface{ CloseWrite() error })
	if !ok {
		_ = c.base.Close()
		return
	}
	_ = half.CloseWrite()
	_, _ = io.Copy(io.Discard, c.base)
}

// RST resets the connection.
func (c *Conn) RST() {
	if socket, ok := c.base.(*net.TCPConn); ok {
		_ = socket.SetLinger(0)
	}
	_ = c.base.Close()
}

// Stall sends nothing and throws away what comes, until the client hangs up.
func (c *Conn) Stall() { _, _ = io.Copy(io.Discard, c.reader) }

// Freeze neither reads nor sends, until the server is closed.
func (c *Conn) Freeze() { <-c.server.closed }

// Wait waits until told is closed, or has something to say.
func (c *Conn) Wait(told <-chan struct{}) {
	select {
	case <-told:
	case <-c.server.closed:
		runtime.Goexit()
	}
}

// StartTLS makes the rest of the connection one over TLS.
func (c *Conn) StartTLS(config *tls.Config) {
	secure := tls.Server(buffered{c.base, c.reader}, config)
	end(secure.Handshake())
	c.conn, c.reader = secure, bufio.NewReader(secure)
}

// Raw is the connection itself, for what no step does: HTTP/2, tunnels.
func (c *Conn) Raw() net.Conn { return buffered{c.conn, c.reader} }

// TLS is what the handshake gave; nil without TLS.
func (c *Conn) TLS() *tls.ConnectionState {
	secure, ok := c.conn.(*tls.Conn)
	if !ok {
		return nil
	}
	state := secure.ConnectionState()
	return &state
}

// buffered is a connection of which something may have been read ahead.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.reader.Read(p) }
