package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/cbf3e3a9/session"
)

// faultHeader names the fault that a request asks to be answered with. Each
// request gets it once, so that a retry or the next hop is answered well.
const faultHeader = "X-Soak-Fault"

// stallRead is the limit on each read of a call that is answered with a stall.
const stallRead = 100 * time.Millisecond

// garbage is what comes behind an answer.
const garbage = "garbage"

// fault is a way to spoil an answer.
type fault struct {
	name string
	// kinds lists the kinds of error of which the caller gets one.
	kinds []error
	// harmless says that the call may succeed: what is spoiled lies behind the
	// answer, or net/http has sent the request again over a new connection.
	harmless bool
	// spoil sends the answer, spoiled, over a connection of HTTP/1.1.
	spoil func(conn net.Conn, a answer)
	// spoil2 does so for HTTP/2, where that can be done; else it is nil.
	spoil2 func(w http.ResponseWriter, r *http.Request, a answer)
}

var (
	beforeAnswer = []error{session.ErrConnection}
	insideBody   = []error{session.ErrIncompleteBody, session.ErrConnection}
	insideCoding = []error{session.ErrDecode, session.ErrIncompleteBody}
)

// faults lists all, by the order in which the load goes through them.
var faults = []fault{
	{name: "close", kinds: beforeAnswer, harmless: true, spoil: func(net.Conn, answer) {}, spoil2: abort},
	{name: "reset", kinds: beforeAnswer, harmless: true, spoil: func(conn net.Conn, _ answer) { reset(conn) }, spoil2: abort},
	{name: "cut status line", kinds: beforeAnswer, spoil: func(conn net.Conn, _ answer) { write(conn, "HTTP/1.1 20") }},
	{name: "cut header", kinds: beforeAnswer, spoil: func(conn net.Conn, a answer) { write(conn, head(a, "Content-Le")) }},
	{name: "no HTTP", kinds: []error{session.ErrProtocol}, spoil: func(conn net.Conn, _ answer) { write(conn, "SMTP? 220 hello\r\n\r\n") }},
	{name: "reset in body", kinds: insideBody, spoil: resetInBody, spoil2: abortInBody},
	{name: "short length", kinds: insideBody, spoil: func(conn net.Conn, a answer) { write(conn, whole(a)[:len(whole(a))-7]) }, spoil2: abortInBody},
	{name: "cut chunk", kinds: insideBody, spoil: func(conn net.Conn, a answer) {
		write(conn, chunked(a)+fmt.Sprintf("%x\r\n%s", len(a.body), a.body[:len(a.body)/2]))
	}},
	{name: "no last chunk", kinds: insideBody, spoil: func(conn net.Conn, a answer) {
		write(conn, chunked(a)+fmt.Sprintf("%x\r\n%s\r\n", len(a.body), a.body))
	}},
	{name: "bad chunk size", kinds: insideBody, spoil: func(conn net.Conn, a answer) {
		write(conn, chunked(a)+fmt.Sprintf("zz\r\n%s\r\n0\r\n\r\n", a.body))
	}},
	{name: "bad gzip", kinds: insideCoding, spoil: spoilGzip(badGzip), spoil2: spoilGzip2(badGzip)},
	{name: "cut gzip", kinds: insideCoding, spoil: spoilGzip(cutGzip), spoil2: spoilGzip2(cutGzip)},
	{name: "garbage behind", harmless: true, spoil: func(conn net.Conn, a answer) { write(conn, whole(a)+garbage+"\r\n") }},
	{name: "unasked 101", kinds: []error{session.ErrProtocol}, spoil: func(conn net.Conn, _ answer) {
		write(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
		stall(conn)
	}},
	// its short limit can strike the other attempts of a retry too
	{name: "stall", kinds: []error{session.ErrReadTimeout, session.ErrRetriesExhausted}, spoil: func(conn net.Conn, a answer) {
		write(conn, whole(a)[:len(whole(a))-7])
		stall(conn)
	}, spoil2: func(w http.ResponseWriter, r *http.Request, a answer) {
		half(w, a)
		<-r.Context().Done()
	}},
}

// faultNamed is the fault of that name, nil if there is none.
func faultNamed(name string) *fault {
	if i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name }); i >= 0 {
		return &faults[i]
	}
	return nil
}

// inject answers with a fault.
func (f *fault) inject(w http.ResponseWriter, r *http.Request, a answer) {
	if r.ProtoMajor == 2 {
		f.spoil2(w, r, a)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	f.spoil(conn, a)
}

// write sends text; an error is the client's going away.
func write(conn net.Conn, text string) { _, _ = conn.Write([]byte(text)) }

// head is the status line and the headers, with more behind.
func head(a answer, more string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	_ = a.header.Write(&b)
	return b.String() + more
}

func whole(a answer) string {
	return head(a, fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(a.body), a.body))
}

func chunked(a answer) string { return head(a, "Transfer-Encoding: chunked\r\n\r\n") }

// reset closes a connection with RST, not FIN.
func reset(conn net.Conn) {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func resetInBody(conn net.Conn, a answer) {
	text := whole(a)
	write(conn, text[:len(text)-len(a.body)/2-1])
	reset(conn)
}

// stall says nothing until the client goes away, or would have had to.
func stall(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	_, _ = conn.Read(make([]byte, 1))
}

// abort resets a stream of HTTP/2.
func abort(http.ResponseWriter, *http.Request, answer) { panic(http.ErrAbortHandler) }

func abortInBody(w http.ResponseWriter, _ *http.Request, a answer) {
	half(w, a)
	panic(http.ErrAbortHandler)
}

// half sends half of an answer over HTTP/2.
func half(w http.ResponseWriter, a answer) {
	copyHeader(w, a)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
}

func spoilGzip(spoil func([]byte) []byte) func(net.Conn, answer) {
	return func(conn net.Conn, a answer) { write(conn, whole(gzipped(a, spoil))) }
}

func spoilGzip2(spoil func([]byte) []byte) func(http.ResponseWriter, *http.Request, answer) {
	return func(w http.ResponseWriter, _ *http.Request, a answer) { send(w, gzipped(a, spoil)) }
}

// gzipped is an answer in gzip, whose bytes are spoiled.
func gzipped(a answer, spoil func([]byte) []byte) answer {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(a.body)
	_ = z.Close()
	header := a.header.Clone()
	header.Set("Content-Encoding", "gzip")
	return answer{a.status, header, spoil(b.Bytes())}
}

// badGzip falsifies the checksum.
func badGzip(data []byte) []byte {
	data[len(data)-6] ^= 0xff
	return data
}

// cutGzip leaves the end out.
func cutGzip(data []byte) []byte { return data[:len(data)-10] }
