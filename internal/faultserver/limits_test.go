package faultserver_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// Row: F03, F05, F96
// IDs: none
// Flaw: a connection is still being made, and holds a goroutine and a
// descriptor, when the call that wanted it has returned.
// Done: the call itself returns at once; what goes on is ended by the guards of
// the default transport (30 s for dialling, 10 s for the TLS handshake), by those
// that a Base has, and by Close; by net/http.
// Limit: after Timeout.Connect, or when the context is cancelled, net/http goes on
// to dial and to shake hands, since a later request may use the connection. A Base
// without guards goes on for as long as the server is silent, or until Close.
func TestKnownLimit_ConnectingGoesOnWhenItsCallHasEnded(t *testing.T) {
	xGroup(t)
	const limit, guard = 3 * time.Second, 10 * time.Second
	timesOut := func(t *testing.T, s *xClient, scheme string) {
		t.Helper()
		start := time.Now()
		_, err := s.Get(t.Context(), scheme+"://a.test/", session.Timeout{Connect: limit})
		require.ErrorIs(t, err, session.ErrConnectTimeout)
		require.Equal(t, limit, time.Since(start))
		synctest.Wait()
	}
	for name, test := range map[string]func(t *testing.T){
		"a guard ends the handshake": func(t *testing.T) {
			_, s := piped(t, faultserver.Stall, func(base *http.Transport) { base.TLSHandshakeTimeout = guard })
			timesOut(t, s, "https")
			require.EqualValues(t, 1, s.left.Load(), "it goes on")
			time.Sleep(guard - limit)
			synctest.Wait()
			assert.Zero(t, s.left.Load())
		},
		"Close ends the handshake": func(t *testing.T) {
			_, s := piped(t, faultserver.Stall)
			timesOut(t, s, "https")
			time.Sleep(time.Hour)
			require.EqualValues(t, 1, s.left.Load(), "it goes on")
			require.NoError(t, s.Close())
			synctest.Wait()
			assert.Zero(t, s.left.Load())
		},
		"Close ends dialling": func(t *testing.T) {
			dialling := 0
			s := xOpen(t, func(ctx context.Context, _, _ string) (net.Conn, error) {
				dialling++
				<-ctx.Done()
				dialling--
				return nil, ctx.Err()
			})
			timesOut(t, s, "http")
			time.Sleep(time.Hour)
			require.Equal(t, 1, dialling, "it goes on")
			require.NoError(t, s.Close())
			synctest.Wait()
			assert.Zero(t, dialling)
		},
		"a later request uses what became of it": func(t *testing.T) {
			srv := faultserver.NewPipe(t, faultserver.Answer(faultserver.OK))
			s := xOpen(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
				time.Sleep(guard)
				return srv.Dial(ctx, network, addr)
			})
			timesOut(t, s, "http")
			time.Sleep(guard)
			start := time.Now()
			resp, err := s.Get(t.Context(), "http://a.test/", session.Timeout{Connect: limit})
			assert.Equal(t, "ok", xText(t, resp, err))
			assert.Zero(t, time.Since(start))
			assert.Equal(t, 1, srv.Conns())
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// Row: F24
// IDs: none
// Flaw: an answer of HTTP/1.0 comes in chunks, which that version has not, and
// its framing is not what it seems.
// Done: no more is read from the connection than the answer, which is closed with
// it, so that nothing is taken for another answer; by net/http.
// Limit: net/http takes Transfer-Encoding for a header of HTTP/1.1 alone: the
// sizes of the chunks stand in the body, and that such a body broke off is not
// seen. RFC 9112 section 6.1 calls the framing faulty; requests undoes the chunks.
func TestKnownLimit_ChunksOfHTTP10AreGivenAsTheyCame(t *testing.T) {
	xGroup(t)
	const head = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, body := range map[string]string{
		"F24_chunks_of_HTTP_1.0":                 "2\r\nok\r\n0\r\n\r\n",
		"F24_chunks_of_HTTP_1.0_that_break_off":  "2\r\nok\r\n5\r\nab",
		"F24_chunks_of_HTTP_1.0_with_a_response": "2\r\nok\r\n0\r\n\r\n" + faultserver.OK,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			accepted{answer: head + body, body: body, status: http.StatusOK, closed: true}.run(t)
		})
	}
}

// Row: F51
// IDs: CVE-2026-6733 (undici)
// Flaw: an answer that comes in one write with the one before is taken for that
// to the next request on its connection.
// Done: what came unasked is never given with the answer before it, and closes the
// connection as soon as it is seen; by net/http.
// Limit: nothing in HTTP/1.1 tells the two apart but their time. A request that is
// made in the moment before net/http has seen the second answer gets it. It is the
// same server's, as connections are kept apart by origin.
func TestKnownLimit_TwoAnswersInOneWrite(t *testing.T) {
	xGroup(t)
	t.Run("F51_two_answers_in_one_write", func(t *testing.T) {
		poison := answer("200 OK", "", "poison")
		for name, first := range map[string]string{
			"with a body":    faultserver.OK,
			"without a body": "HTTP/1.1 204 No Content\r\n\r\n",
		} {
			srv := faultserver.New(t, faultserver.Sequence(
				faultserver.AnswerAndStall(first+poison), faultserver.Answer(faultserver.OK)))
			s := xOpen(t, srv.Dial)
			resp, err := s.Get(t.Context(), "http://a.test/")
			assert.NotContains(t, xText(t, resp, err), "poison", name)
			srv.AwaitIdle(t) // the client has seen it
			resp, err = s.Get(t.Context(), "http://a.test/")
			assert.Equal(t, "ok", xText(t, resp, err), name)
			assert.Equal(t, 2, srv.Conns(), name)
		}
	})
}

// lockedBuffer is written to and read from by more than one goroutine.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Row: F13, F38, F52
// IDs: none
// Flaw: what a server sends unasked behind an answer is printed on the program's
// standard error.
// Done: it stands in quotes, so that it makes no line of its own and commands no
// terminal, and is a few KiB at most; the library itself prints nothing; by net/http.
// Limit: net/http prints it by the global logger of package log, once for each
// connection, and has no setting that turns that off; log.SetOutput does, for the
// whole program.
func TestKnownLimit_WhatComesUnaskedIsLogged(t *testing.T) {
	xGroup(t)
	var logged lockedBuffer
	log.SetOutput(&logged) // no other test runs beside this one
	defer log.SetOutput(io.Discard)
	garbage := "\r\nforged: line\n\x1b[31m" + strings.Repeat("\xff", 1<<20)
	srv := faultserver.New(t, faultserver.AnswerAndStall(faultserver.OK+garbage))
	s := xOpen(t, srv.Dial)
	resp, err := s.Get(t.Context(), "http://a.test/")
	assert.Equal(t, "ok", xText(t, resp, err))
	srv.AwaitIdle(t)
	assert.Equal(t, 1, strings.Count(logged.String(), "\n"))
	assert.Contains(t, logged.String(), `"\r\nforged: line\n\x1b[31m\xff`)
	assert.Less(t, len(logged.String()), 20<<10)
}

// Row: F87
// IDs: none
// Flaw: a server refuses a client without a certificate, and the caller is told of
// a broken connection.
// Done: it is an ErrConnection in any case, the server serves nothing, and a
// request that is not idempotent is not made again; by both.
// Limit: with TLS 1.3 the refusal comes when the handshake is over for the client.
// Where net/http is still writing the request then, it may tell of that and not
// of the refusal: the error is no ErrTLS, and a Retry may make an idempotent
// request again. With TLS 1.2 it is an ErrTLS every time.
func TestKnownLimit_ACertificateThatIsMissedLate(t *testing.T) {
	xGroup(t)
	ca := faultserver.NewCA(t)
	for method, retry := range map[string]*session.Retry{"GET": nil, "POST": {Total: 1}} {
		t.Run("F87_no_certificate_TLS_1.3_"+method, func(t *testing.T) {
			t.Parallel()
			known := xUncertified(t, ca, tls.VersionTLS13, method, retry)
			assert.Positive(t, known)
		})
	}
}

// Row: F95
// IDs: none
// Flaw: a server of HTTP/2 sends frames without end that are no part of an answer.
// Done: they put off no timeout, of the call or of Read; by the library.
// Limit: net/http counts no frames. A client without a timeout, and without a
// deadline of its context, reads SETTINGS and empty DATA for as long as they come.
// Where the server does not take what SETTINGS are acknowledged with, the call ends,
// but its connection stays until the server goes, Close or not, unless the Base has
// a WriteByteTimeout (http.HTTP2Config).
func TestKnownLimit_FloodsOfFramesEndByATimeout(t *testing.T) {
	xGroup(t)
	ca := faultserver.NewCA(t)
	for name, script := range map[string]func(*xStreams){
		"F95_flood_of_settings": func(s *xStreams) {
			go s.Stall()
			for s.WriteSettings() == nil {
			}
		},
		"F95_flood_of_settings_by_who_does_not_read": func(s *xStreams) {
			for s.WriteSettings() == nil {
			}
		},
		"F95_flood_of_empty_data": func(s *xStreams) {
			stream := s.next()
			s.begin(stream)
			for s.WriteData(stream, false, nil) == nil {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := xServeHTTP2(t, ca, script).open(t, func(base *http.Transport) {
				base.HTTP2 = &http.HTTP2Config{WriteByteTimeout: 100 * time.Millisecond}
			})
			_, err := c.Get(t.Context(), "https://a.test/", session.Timeout{Read: 200 * time.Millisecond})
			require.ErrorIs(t, err, session.ErrReadTimeout)
			_, err = c.Get(t.Context(), "https://a.test/", session.Timeout{Total: 200 * time.Millisecond})
			require.ErrorIs(t, err, session.ErrTotalTimeout)
		})
	}
}
