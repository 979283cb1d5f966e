package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// What a status is called where the route doesn't say.
var reasons = map[int]string{
	200: "OK", 301: "Moved Permanently", 302: "Found", 303: "See Other",
	307: "Temporary Redirect", 308: "Permanent Redirect", 401: "Unauthorized",
	404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable",
}

func (r *Route) status() int {
	if r.Status == 0 {
		return http.StatusOK
	}
	return r.Status
}

func (r *Route) reason() string {
	if r.Reason != nil {
		return *r.Reason
	}
	if reason, ok := reasons[r.status()]; ok {
		return reason
	}
	return "Status"
}

// answer does what the route says.
func (c *conn) answer(route Route, seen *Arrival) (fate, error) {
	if !c.srv.wait(route.DelayMS) {
		return ends, nil
	}
	switch {
	case route.Fault == "reset":
		return ends, c.raw.(*net.TCPConn).SetLinger(0)
	case route.Fault == "close":
		return ends, nil
	case route.RawB64 != nil:
		_, err := c.stream.Write(route.RawB64)
		return ends, err
	}
	body := route.body(seen)
	head, err := route.head(len(body))
	if err != nil {
		return ends, err
	}
	if _, err := c.stream.Write(head); err != nil {
		return ends, err
	}
	status := route.status()
	if seen.Method == http.MethodHead || status < 200 || status == http.StatusNoContent || status == http.StatusNotModified {
		return stays, nil
	}
	if !c.srv.wait(route.BodyDelayMS) {
		return ends, nil
	}
	if route.Chunked > 0 {
		return c.sendChunks(route, body)
	}
	return c.sendBody(route, body)
}

func (r *Route) body(seen *Arrival) []byte {
	switch {
	case r.Echo:
		echo, _ := toLatin1(seen.Method + " " + seen.Host + " " + seen.Target) // as they were read
		return echo
	case r.BodyB64 != nil:
		return r.BodyB64
	}
	return []byte(r.Body)
}

// head writes the status line and the header fields.
func (r *Route) head(length int) ([]byte, error) {
	headers := append([][2]string(nil), r.Headers...)
	if r.Echo {
		headers = append(headers, [2]string{"Content-Type", "text/plain; charset=utf-8"})
	}
	switch {
	case r.Chunked > 0:
		headers = append(headers, [2]string{"Transfer-Encoding", "chunked"})
	case !r.UntilClose && !r.setsLength():
		headers = append(headers, [2]string{"Content-Length", strconv.Itoa(length)})
	}
	if r.UntilClose {
		headers = append(headers, [2]string{"Connection", "close"})
	}
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\n", r.status(), r.reason())
	for _, h := range headers {
		fmt.Fprintf(&head, "%s: %s\r\n", h[0], h[1])
	}
	head.WriteString("\r\n")
	if strings.EqualFold(r.HeaderEncoding, "utf-8") {
		return []byte(head.String()), nil
	}
	return toLatin1(head.String())
}

func (r *Route) setsLength() bool {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], "Content-Length") {
			return true
		}
	}
	return false
}

func (c *conn) sendBody(route Route, body []byte) (fate, error) {
	next := stays
	if route.UntilClose || route.Close {
		next = ends
	}
	if route.Truncate != nil {
		next, body = ends, body[:max(0, min(*route.Truncate, len(body)))]
	}
	_, err := c.stream.Write(body)
	return next, err
}

func (c *conn) sendChunks(route Route, body []byte) (fate, error) {
	size := int(route.Chunked)
	for i := 0; len(body) > 0; i++ {
		if route.Truncate != nil && i >= *route.Truncate {
			return ends, nil
		}
		chunk := body[:min(size, len(body))]
		body = body[len(chunk):]
		var framed bytes.Buffer
		fmt.Fprintf(&framed, "%x\r\n%s\r\n", len(chunk), chunk)
		if _, err := c.stream.Write(framed.Bytes()); err != nil {
			return ends, err
		}
	}
	_, err := io.WriteString(c.stream, "0\r\n\r\n")
	if route.Close {
		return ends, err
	}
	return stays, err
}

// toLatin1 gives each code point as the byte of that number.
func toLatin1(text string) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, errors.New("a header outside Latin-1")
		}
		out = append(out, byte(r))
	}
	return out, nil
}
