package faultserver_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// after answers n requests, then reads one more, and does what then says.
func after(n int, then faultserver.Script) faultserver.Script {
	return func(c *faultserver.Conn) {
		for range n {
			c.ReadRequest()
			c.Write(faultserver.OK)
		}
		c.ReadRequest()
		then(c)
	}
}

func fin(c *faultserver.Conn) { c.FIN() }

// What ends before an answer has begun (F07 to F10) is an ErrConnection, as with
// requests, and no ErrIncompleteBody, which is about bodies. A line that is cut
// is malformed to net/http, so that it is an ErrProtocol too.
func TestFaultsOfConnections(t *testing.T) {
	xGroup(t)
	faults(t, map[string]fault{
		"F07_close_before_any_byte": {
			script: after(0, fin), rule: idempotent,
			is: []error{session.ErrConnection, io.EOF}, isNot: []error{session.ErrProtocol, session.ErrTimeout},
		},
		"F08_reset_before_the_headers": {
			script: after(0, faultserver.RST), rule: idempotent,
			is: []error{session.ErrConnection, syscall.ECONNRESET}, isNot: []error{session.ErrProtocol, session.ErrTimeout},
		},
		"F09_close_inside_the_status_line": {
			script: faultserver.AnswerAndFIN("HTTP/1.1 20"), rule: idempotent,
			is: []error{session.ErrProtocol},
		},
		"F09_close_behind_the_status_line": {
			script: faultserver.AnswerAndFIN("HTTP/1.1 200 OK\r\n"), rule: idempotent,
			is: []error{session.ErrConnection},
		},
		"F10_close_inside_a_header": {
			script: faultserver.AnswerAndFIN("HTTP/1.1 200 OK\r\nContent-Le"), rule: idempotent,
			is: []error{session.ErrProtocol},
		},
		"F10_close_between_headers": {
			script: faultserver.AnswerAndFIN("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), rule: idempotent,
			is: []error{session.ErrConnection},
		},
	})
	for name, f := range map[string]func(*testing.T){
		"F01_connection_refused":        refused,
		"F02_reset_right_after_accept":  resetAtOnce,
		"F03_handshake_never_answered":  silentHandshake,
		"F04_name_does_not_resolve":     unresolved,
		"F05_dial_hangs":                dialHangs,
		"F06_second_of_two_addresses":   secondAddress,
		"F11_reset_in_the_body":         resetInTheBody,
		"F50_408_on_an_idle_connection": timeoutStatusWhenIdle,
		"F52_garbage_behind_an_answer":  garbageBehind,
		"F54_stream_closed_unread":      closedUnread,
	} {
		t.Run(name, f)
	}
	// whether a connection is used again hangs on 50 ms of net/http's: bubbles have none
	for name, f := range map[string]func(*testing.T){
		"F47_idle_connection_closed_then_GET":     closedIdleGET,
		"F48_idle_connection_closed_then_a_body":  closedIdleBody,
		"F49_idle_connection_closed_then_a_key":   closedIdleKey,
		"F53_bodies_that_nobody_closes":           neverClosed,
		"F54_body_of_a_redirect_that_is_not_read": drainedRedirect,
		"F54_stream_closed_while_it_stalls":       closedStalling,
	} {
		t.Run(name, func(t *testing.T) { bubble(t, f) })
	}
}

// refusedAddr is an address where nobody listens.
func refusedAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

func refused(t *testing.T) {
	t.Parallel()
	addr := refusedAddr(t)
	var dials atomic.Int32
	s := xOpen(t, func(ctx context.Context, network, _ string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, addr)
	})
	upload := newRewindable("upload")
	_, err := s.Post(t.Context(), "http://a.test/", session.Reader(upload), &session.Retry{Total: 1})
	fault{
		is:    []error{session.ErrConnection, session.ErrRetriesExhausted, syscall.ECONNREFUSED},
		isNot: []error{session.ErrTimeout, session.ErrProtocol},
	}.assertError(t, err)
	assert.EqualValues(t, 2, dials.Load(), "nothing was sent, so a POST is made again too")
	upload.closedOnce(t)
	assert.Zero(t, s.made.Load())
}

func resetAtOnce(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST"} {
		srv := faultserver.New(t, faultserver.RST)
		var undialled atomic.Int32 // the reset may come before the connection is known to be there
		s := xOpen(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := srv.Dial(ctx, network, addr)
			if err != nil {
				undialled.Add(1)
			}
			return conn, err
		})
		upload := newRewindable("upload")
		_, err := s.Request(t.Context(), method, "http://a.test/", session.Reader(upload), &session.Retry{Total: 1})
		fault{is: []error{session.ErrConnection}, isNot: []error{session.ErrTimeout}}.assertError(t, err)
		want := 2
		if method == "POST" {
			want = min(2, 1+int(undialled.Load())) // a connection that was there may have taken some of it
		}
		srv.AwaitIdle(t)
		assert.Equal(t, want, srv.Conns(), method)
		upload.closedOnce(t)
		s.kept(t, 0)
	}
}

func silentHandshake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fault{
			serve: faultserver.NewPipe, script: faultserver.Stall, url: "https://a.test/", rule: always, lingers: true,
			options: []session.Option{session.Timeout{Connect: 3 * time.Second}},
			is:      []error{session.ErrConnectTimeout, session.ErrConnection, context.DeadlineExceeded},
		}.check(t)
	})
}

// dns is a resolver that knows of one name alone.
func dns(name string, addresses ...net.IP) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go serveDNS(theirs, name, addresses)
		return ours, nil
	}}
}

// serveDNS answers questions, each behind its length (RFC 1035 section 4.2.2).
func serveDNS(conn net.Conn, name string, addresses []net.IP) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		reply := resolve(question, name, addresses)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

func resolve(question []byte, name string, addresses []net.IP) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) == 0 {
		return nil
	}
	asked := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if !strings.HasPrefix(asked.Name.String(), name+".") {
		m.RCode = dnsmessage.RCodeNameError
	} else {
		m.Answers = records(asked, addresses)
	}
	reply, _ := m.Pack()
	return reply
}

// records answer a question with the addresses of its family.
func records(asked dnsmessage.Question, addresses []net.IP) (list []dnsmessage.Resource) {
	header := dnsmessage.ResourceHeader{Name: asked.Name, Type: asked.Type, Class: asked.Class}
	for _, ip := range addresses {
		switch four := ip.To4(); {
		case four != nil && asked.Type == dnsmessage.TypeA:
			list = append(list, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: [4]byte(four)}})
		case four == nil && asked.Type == dnsmessage.TypeAAAA:
			list = append(list, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: [16]byte(ip)}})
		}
	}
	return list
}

func unresolved(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	s := xOpen(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return (&net.Dialer{Resolver: dns("known.test")}).DialContext(ctx, network, addr)
	})
	upload := newRewindable("upload")
	_, err := s.Post(t.Context(), "http://unknown.test/", session.Reader(upload), &session.Retry{Total: 1})
	fault{
		is:    []error{session.ErrConnection, session.ErrRetriesExhausted},
		isNot: []error{session.ErrTimeout, session.ErrInvalidURL},
	}.assertError(t, err)
	var unknown *net.DNSError
	require.ErrorAs(t, err, &unknown)
	assert.True(t, unknown.IsNotFound)
	assert.EqualValues(t, 2, dials.Load())
	upload.closedOnce(t)
}

func dialHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var dials atomic.Int32
		s := xOpen(t, func(ctx context.Context, _, _ string) (net.Conn, error) {
			dials.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		upload := newRewindable("upload")
		start := time.Now()
		_, err := s.Post(t.Context(), "http://a.test/", session.Reader(upload),
			session.Timeout{Connect: 3 * time.Second}, &session.Retry{Total: 1})
		fault{is: []error{session.ErrConnectTimeout, session.ErrConnection, session.ErrRetriesExhausted}}.assertError(t, err)
		assert.Equal(t, 6*time.Second, time.Since(start))
		assert.EqualValues(t, 2, dials.Load())
		upload.closedOnce(t)
	})
}

func secondAddress(t *testing.T) {
	t.Parallel()
	srv := faultserver.New(t, faultserver.Answer(faultserver.OK))
	_, port, err := net.SplitHostPort(srv.Addr())
	require.NoError(t, err)
	var mu sync.Mutex
	var tried []string
	dialer := &net.Dialer{
		Resolver: dns("two.test", net.IPv6loopback, net.IPv4(127, 0, 0, 1)),
		Control: func(_, address string, _ syscall.RawConn) error {
			mu.Lock()
			defer mu.Unlock()
			tried = append(tried, address)
			if strings.HasPrefix(address, "[") {
				return syscall.ECONNREFUSED
			}
			return nil
		},
	}
	s := xOpen(t, dialer.DialContext)
	resp, err := s.Get(t.Context(), "http://two.test:"+port+"/")
	assert.Equal(t, "ok", xText(t, resp, err))
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, srv.Addr(), tried[len(tried)-1])
	if len(tried) == 1 {
		t.Log("there is no IPv6 here that could be refused")
	}
}

func resetInTheBody(t *testing.T) {
	t.Parallel()
	read := make(chan struct{})
	srv := faultserver.New(t, func(c *faultserver.Conn) {
		c.ReadRequest()
		c.Write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcde")
		c.Wait(read)
		c.RST()
	})
	s := xOpen(t, srv.Dial)
	resp, err := s.Get(t.Context(), "http://a.test/", session.Stream(true), &session.Retry{Total: 1})
	require.NoError(t, err)
	first := make([]byte, 5)
	_, err = io.ReadFull(resp.Body, first)
	require.NoError(t, err)
	assert.Equal(t, "abcde", string(first))
	close(read)
	_, err = resp.Bytes()
	assert.ErrorIs(t, err, session.ErrIncompleteBody)
	assert.ErrorIs(t, err, syscall.ECONNRESET)
	assert.ErrorContains(t, err, "got 5 of 10 bytes")
	assert.Equal(t, 1, srv.Conns(), "a body is never asked for again")
	s.kept(t, 0)
}

func closedIdleGET(t *testing.T) {
	srv := faultserver.NewPipe(t, faultserver.Sequence(after(1, fin), faultserver.Answer(faultserver.OK)))
	s := xOpen(t, srv.Dial)
	for range 2 {
		resp, err := s.Get(t.Context(), "http://a.test/")
		assert.Equal(t, "ok", xText(t, resp, err))
	}
	assert.Len(t, srv.Requests(), 3, "net/http sends the second one again")
	assert.Equal(t, 2, srv.Conns())
	s.kept(t, 1)
}

func closedIdleBody(t *testing.T) {
	for _, tc := range []struct {
		method  string
		again   bool // where a Retry allows it
		oneShot bool
	}{
		{method: "POST"}, {method: "PATCH"}, {method: "PUT", again: true}, {method: "DELETE", again: true},
		{method: "PUT", oneShot: true},
	} {
		for _, retry := range []*session.Retry{nil, {Total: 1}} {
			srv := faultserver.NewPipe(t, faultserver.Sequence(after(1, fin), faultserver.Answer(faultserver.OK)))
			s := xOpen(t, srv.Dial)
			s.Retry = retry
			resp, err := s.Get(t.Context(), "http://a.test/")
			assert.Equal(t, "ok", xText(t, resp, err))

			upload := newRewindable("upload")
			var from io.Reader = upload
			if tc.oneShot {
				from = struct{ io.ReadCloser }{upload}
			}
			resp, err = s.Request(t.Context(), tc.method, "http://a.test/", session.Reader(from))
			upload.closedOnce(t)
			if retry != nil && tc.again {
				assert.Equal(t, "ok", xText(t, resp, err), tc.method)
				got := srv.Requests()
				require.Len(t, got, 3)
				assert.Equal(t, "upload", got[2].Content, "rewound")
				continue
			}
			assert.ErrorIs(t, err, session.ErrConnection, tc.method)
			assert.ErrorIs(t, err, io.EOF, tc.method)
			assert.Equal(t, retry != nil && tc.oneShot, errors.Is(err, session.ErrUnrewindableBody), "%v", err)
			assert.Len(t, srv.Requests(), 2, tc.method)
			s.kept(t, 0)
		}
	}
}

func closedIdleKey(t *testing.T) {
	srv := faultserver.NewPipe(t, faultserver.Sequence(after(1, fin), faultserver.Answer(faultserver.OK)))
	s := xOpen(t, srv.Dial)
	s.Header.Set("Idempotency-Key", "k1")
	for range 2 {
		resp, err := s.Post(t.Context(), "http://a.test/", session.Bytes("upload"))
		assert.Equal(t, "ok", xText(t, resp, err))
	}
	got := srv.Requests()
	require.Len(t, got, 3, "net/http takes the key for leave to send again")
	assert.Equal(t, "upload", got[2].Content)
	assert.Equal(t, 2, got[2].Conn)
}

func timeoutStatusWhenIdle(t *testing.T) {
	t.Parallel()
	idle := make(chan struct{})
	srv := faultserver.New(t, faultserver.Sequence(func(c *faultserver.Conn) {
		c.ReadRequest()
		c.Write(faultserver.OK)
		c.Wait(idle)
		c.Write("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		c.FIN()
	}, faultserver.Answer(faultserver.OK)))
	s := xOpen(t, srv.Dial)
	resp, err := s.Get(t.Context(), "http://a.test/")
	assert.Equal(t, "ok", xText(t, resp, err))
	close(idle)
	srv.AwaitIdle(t)
	resp, err = s.Post(t.Context(), "http://a.test/", session.Bytes("upload"))
	assert.Equal(t, "ok", xText(t, resp, err))
	assert.Equal(t, 2, srv.Requests()[1].Conn)
}

func garbageBehind(t *testing.T) {
	t.Parallel()
	for _, garbage := range []string{"x", "\r\n\r\n", "\x00\x01\x02", strings.Repeat("garbage", 10_000)} {
		srv := faultserver.New(t, faultserver.Sequence(
			faultserver.AnswerAndStall(faultserver.OK+garbage), faultserver.Answer(faultserver.OK)))
		s := xOpen(t, srv.Dial)
		resp, err := s.Get(t.Context(), "http://a.test/")
		assert.Equal(t, "ok", xText(t, resp, err))
		srv.AwaitIdle(t)
		resp, err = s.Get(t.Context(), "http://a.test/")
		assert.Equal(t, "ok", xText(t, resp, err))
		assert.Equal(t, 2, srv.Conns())
	}
}

func neverClosed(t *testing.T) {
	srv := faultserver.NewPipe(t, faultserver.Answer(answer("200 OK", "", strings.Repeat("x", 100_000))))
	s := xOpen(t, srv.Dial)
	for _, streamed := range []bool{false, true} {
		for range 50 {
			resp, err := s.Get(t.Context(), "http://a.test/", session.Stream(streamed))
			assert.Len(t, xText(t, resp, err), 100_000)
		}
	}
	assert.LessOrEqual(t, srv.Conns(), 2, "connections are back in the pool")
	unread, err := s.Get(t.Context(), "http://a.test/", session.Stream(true))
	require.NoError(t, err)
	require.NoError(t, unread.Close())
	s.kept(t, 0) // a stream that is left unread takes its connection along
}

func closedUnread(t *testing.T) {
	t.Parallel()
	for size, conn := range map[int]int{100: 1, 64 << 10: 1, 64<<10 + 1: 2, 1 << 20: 2} {
		srv := faultserver.New(t, faultserver.Answer(answer("200 OK", "", strings.Repeat("x", size))))
		s := xOpen(t, srv.Dial)
		resp, err := s.Get(t.Context(), "http://a.test/", session.Stream(true))
		require.NoError(t, err)
		require.NoError(t, resp.Close())
		require.NoError(t, resp.Close(), "closing again")
		resp, err = s.Get(t.Context(), "http://a.test/")
		assert.Len(t, xText(t, resp, err), size)
		assert.Equal(t, conn, srv.Requests()[1].Conn, "up to 64 KiB are read before the connection is given up: %d", size)
	}
}

// closedStalling closes streams of which no more comes: Close waits a little, and
// not at all where the context has ended or another goroutine reads.
func closedStalling(t *testing.T) {
	for _, head := range []string{"Content-Length: 100\r\n\r\nbegin", "Transfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n"} {
		srv := faultserver.NewPipe(t, func(c *faultserver.Conn) {
			c.ReadRequest()
			c.Write("HTTP/1.1 200 OK\r\n" + head)
			c.Stall()
		})
		s := xOpen(t, srv.Dial)
		open := func(ctx context.Context, opts ...session.Option) *session.Response {
			resp, err := s.Get(ctx, "http://a.test/", append(opts, session.Stream(true))...)
			require.NoError(t, err)
			return resp
		}
		closing := func(resp *session.Response) time.Duration {
			start := time.Now()
			require.NoError(t, resp.Close())
			return time.Since(start)
		}
		assert.Equal(t, 100*time.Millisecond, closing(open(t.Context())))
		assert.Equal(t, time.Second, closing(open(t.Context(), session.Limits{DrainTime: time.Second})))

		ctx, cancel := context.WithCancel(t.Context())
		resp := open(ctx)
		cancel()
		assert.Zero(t, closing(resp), "the context has ended")

		resp = open(t.Context())
		read := make(chan error)
		go func() {
			_, err := resp.Bytes()
			read <- err
		}()
		synctest.Wait()
		assert.Zero(t, closing(resp), "it is being read")
		require.Error(t, <-read)
		assert.Equal(t, 4, srv.Conns(), "none is used again")
	}
}

func drainedRedirect(t *testing.T) {
	for size, conns := range map[int]int{0: 1, 100: 1, 64 << 10: 1, 64<<10 + 1: 2, 1 << 20: 2} {
		redirect := answer("302 Found", "Location: /end\r\n", strings.Repeat("x", size))
		srv := faultserver.NewPipe(t, func(c *faultserver.Conn) {
			for {
				if c.ReadRequest().URL.Path == "/end" {
					c.Write(faultserver.OK)
				} else {
					c.Write(redirect)
				}
			}
		})
		s := xOpen(t, srv.Dial)
		resp, err := s.Get(t.Context(), "http://a.test/")
		assert.Equal(t, "ok", xText(t, resp, err))
		assert.Equal(t, conns, srv.Conns(), "connections behind a redirect of %d bytes", size)
		s.kept(t, 1)
	}
}
