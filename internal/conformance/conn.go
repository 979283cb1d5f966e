package conformance

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"unicode"
)

// A conn serves one connection, one request after another.
type conn struct {
	srv    *Server
	raw    net.Conn
	stream net.Conn // raw, or TLS over it
	in     *bufio.Reader
	number int

	scheme   string
	via      *string
	clientCN *string
}

// What becomes of a connection after a request.
type fate int

const (
	ends fate = iota
	stays
	tunnels
)

func newConn(srv *Server, raw net.Conn, scheme string, number int) *conn {
	return &conn{srv: srv, raw: raw, stream: raw, in: bufio.NewReader(raw), number: number, scheme: scheme}
}

// serve ends where the connection does, or with the first thing that is no
// HTTP. It says no goodbye in TLS, as scenario.py's server doesn't.
func (c *conn) serve() {
	if c.scheme == "https" && c.handshake() != nil {
		return
	}
	for {
		next, err := c.one()
		if err != nil || next == ends {
			return
		}
		if next == tunnels {
			c.scheme = "https"
			if c.handshake() != nil {
				return
			}
		}
	}
}

// handshake puts TLS over the connection itself, never over other TLS.
func (c *conn) handshake() error {
	stream := tls.Server(c.raw, c.srv.tls)
	if err := stream.Handshake(); err != nil {
		return err
	}
	c.stream, c.in = stream, bufio.NewReader(stream)
	if certs := stream.ConnectionState().PeerCertificates; len(certs) > 0 {
		c.clientCN = &certs[0].Subject.CommonName
	}
	return nil
}

// one reads a request, keeps it and answers it.
func (c *conn) one() (fate, error) {
	seen, err := c.read()
	if err != nil {
		return ends, err
	}
	c.srv.arrived(seen)
	if seen.Method == http.MethodConnect {
		return c.connect(seen)
	}
	path := seen.Target
	if _, rest, absolute := strings.Cut(path, "://"); absolute {
		c.srv.throughProxy(seen)
		_, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	path, _, _ = strings.Cut(path, "?")
	route, ok := c.srv.match(seen, seen.Host, path)
	if !ok {
		route = Route{Status: http.StatusNotFound, Body: "no route"}
	}
	return c.answer(route, seen)
}

func (c *conn) connect(seen *Arrival) (fate, error) {
	route, ok := c.srv.match(seen, seen.Target, seen.Target)
	if ok && route.status() != http.StatusOK {
		return c.answer(route, seen)
	}
	via := "tunnel " + seen.Target
	c.via = &via
	_, err := io.WriteString(c.stream, "HTTP/1.1 200 Connection established\r\n\r\n")
	return tunnels, err
}

// read reads one request, body and all.
func (c *conn) read() (*Arrival, error) {
	line, err := c.line()
	for err == nil && line == "" {
		line, err = c.line()
	}
	if err != nil {
		return nil, err
	}
	words := strings.SplitN(line, " ", 3)
	if len(words) < 3 {
		return nil, fmt.Errorf("request line %q", line)
	}
	seen := &Arrival{
		Scheme: c.scheme, Method: words[0], Target: words[1],
		Via: c.via, ClientCN: c.clientCN, Conn: c.number,
	}
	if seen.Headers, err = c.headers(); err != nil {
		return nil, err
	}
	seen.Host = lastOf(seen.Headers, "host")
	c.trimDefaultPort(seen)
	if strings.EqualFold(lastOf(seen.Headers, "expect"), "100-continue") {
		if _, err := io.WriteString(c.stream, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return nil, err
		}
	}
	seen.Framing, seen.Body, err = c.body(seen.Headers)
	return seen, err
}

// line reads up to a line feed and returns the text before it, without the
// carriage returns at its end.
func (c *conn) line() (string, error) {
	line, err := c.in.ReadString('\n')
	return fromLatin1(strings.TrimRight(strings.TrimSuffix(line, "\n"), "\r")), err
}

func (c *conn) headers() ([][2]string, error) {
	headers := [][2]string{}
	for {
		line, err := c.line()
		if err != nil || line == "" {
			return headers, err
		}
		name, value, _ := strings.Cut(line, ":")
		headers = append(headers, [2]string{strings.ToLower(name), strings.TrimFunc(value, unicode.IsSpace)})
	}
}

// trimDefaultPort makes one Host of two: a default port may stand in it or not.
func (c *conn) trimDefaultPort(seen *Arrival) {
	suffix := ":80"
	if c.scheme == "https" {
		suffix = ":443"
	}
	host, had := strings.CutSuffix(seen.Host, suffix)
	if seen.Method == http.MethodConnect || !had {
		return
	}
	seen.Host = host
	for i := range seen.Headers {
		if seen.Headers[i][0] == "host" {
			seen.Headers[i][1] = host
		}
	}
}

func (c *conn) body(headers [][2]string) (framing string, body []byte, err error) {
	if strings.Contains(strings.ToLower(lastOf(headers, "transfer-encoding")), "chunked") {
		body, err = c.chunks()
		return "chunked", body, err
	}
	length := lastOf(headers, "content-length")
	if length == "" {
		return "none", []byte{}, nil
	}
	n, err := strconv.ParseUint(length, 10, 31)
	if err != nil {
		return "", nil, err
	}
	body = make([]byte, n)
	_, err = io.ReadFull(c.in, body)
	return "length", body, err
}

func (c *conn) chunks() ([]byte, error) {
	body := []byte{}
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 31)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			_, err := c.headers() // trailers
			return body, err
		}
		chunk := make([]byte, n)
		if _, err := io.ReadFull(c.in, chunk); err != nil {
			return nil, err
		}
		if _, err := c.line(); err != nil {
			return nil, err
		}
		body = append(body, chunk...)
	}
}

func lastOf(headers [][2]string, name string) string {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i][0] == name {
			return headers[i][1]
		}
	}
	return ""
}

// fromLatin1 gives each byte as the code point of that number.
func fromLatin1(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}
