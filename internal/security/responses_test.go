package security_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"golang.org/x/net/http2"

	"github.com/cbf3e3a9/session"
)

// Row: 77
// IDs: CVE-2015-5739, CVE-2015-5740, CVE-2015-5741 (Go), CVE-2023-47641 (aiohttp), CVE-2021-21299 (hyper)
// Flaw: an answer with both a length and chunks is cut by the length, and what
// is left is taken for the next answer.
// Done: the chunks count and the length is dropped from the headers, so that
// nothing is left over; by net/http.
func TestCVE_2015_5739_ChunksCountAndNotTheLength(t *testing.T) {
	t.Parallel()
	for _, length := range []string{"0", "3", "1000"} {
		both := cHead("200 OK", "Content-Length: "+length, "Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n"
		server := cAnswering(t, both, cAnswer("second"))
		s := cSession(t)
		resp, err := s.Get(t.Context(), server.url)
		assert.Equal(t, "hello", cText(t, resp, err), length)
		assert.NotContains(t, resp.Header, "Content-Length", length)
		assert.Equal(t, int64(-1), resp.ContentLength, length)
		resp, err = s.Get(t.Context(), server.url)
		assert.Equal(t, "second", cText(t, resp, err), length)
	}
}

// Row: 78
// IDs: CVE-2020-10108 (twisted)
// Flaw: of two lengths one is chosen, another one than a proxy on the way chose.
// Done: lengths that differ are an error, and so is a list of them; the same one
// twice counts once; by net/http.
func TestCVE_2020_10108_LengthsThatDifferAreAnError(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]string{
		{"Content-Length: 2", "Content-Length: 3"}, {"Content-Length: 3", "Content-Length: 2"},
		{"Content-Length: 2", "Content-Length: 2", "Content-Length: 3"}, {"Content-Length: 2, 3"}, {"Content-Length: 2, 2"},
	} {
		resp, err := cSession(t).Get(t.Context(), cSending(t, cHead("200 OK", lines...)+"abc"))
		assert.Nil(t, resp, lines)
		assert.ErrorIs(t, err, session.ErrProtocol, lines)
	}
	same := cHead("200 OK", "Content-Length: 2", "Content-Length: 2") + "ab"
	resp, err := cSession(t).Get(t.Context(), cSending(t, same))
	assert.Equal(t, "ab", cText(t, resp, err))
	assert.Equal(t, []string{"2"}, resp.Header["Content-Length"])
}

// Row: 79
// IDs: CVE-2021-32715 (hyper), CVE-2025-69224 (aiohttp)
// Flaw: what is no number is read as a length.
// Done: anything but ASCII digits that make a number of 63 bits is an error; by
// net/http.
func TestCVE_2021_32715_LengthIsDigitsOnly(t *testing.T) {
	t.Parallel()
	for _, length := range []string{
		"+2", "-2", "0x2", "", "2_0", "2.0", "2e0", "2 2", "2;", "\u0662", "\uff12", "two", "99999999999999999999", "9223372036854775808",
	} {
		resp, err := cSession(t).Get(t.Context(), cSending(t, cHead("200 OK", "Content-Length: "+length)+"ab"))
		assert.Nil(t, resp, length)
		assert.ErrorIs(t, err, session.ErrProtocol, length)
	}
	resp, err := cSession(t).Get(t.Context(), cSending(t, cHead("200 OK", "Content-Length:  2 ")+"ab and more"))
	assert.Equal(t, "ab", cText(t, resp, err))
}

// Row: 80
// IDs: CVE-2022-1705 (Go), CVE-2021-38512 (actix)
// Flaw: a Transfer-Encoding that is not chunked is read as if it were.
// Done: any other value, a list and a second line are errors, and HTTP/1.0 has
// none; by net/http.
func TestCVE_2022_1705_TransferEncodingIsChunkedOrAnError(t *testing.T) {
	t.Parallel()
	const chunks = "5\r\nhello\r\n0\r\n\r\n"
	for _, lines := range [][]string{
		{"Transfer-Encoding: xchunked"}, {"Transfer-Encoding: gzip, chunked"}, {"Transfer-Encoding: chunked, chunked"},
		{"Transfer-Encoding: chunked", "Transfer-Encoding: chunked"}, {"Transfer-Encoding: chunked", "Transfer-Encoding: identity"},
		{"Transfer-Encoding: identity"}, {"Transfer-Encoding: \"chunked\""}, {"Transfer-Encoding: \x0bchunked"}, {"Transfer-Encoding: chunked;q=1"},
	} {
		resp, err := cSession(t).Get(t.Context(), cSending(t, cHead("200 OK", lines...)+chunks))
		assert.Nil(t, resp, lines)
		assert.ErrorIs(t, err, session.ErrProtocol, lines)
	}
	head := cHead("200 OK", "Transfer-Encoding: Chunked")
	resp, err := cSession(t).Get(t.Context(), cSending(t, head+chunks))
	assert.Equal(t, "hello", cText(t, resp, err))
	resp, err = cSession(t).Get(t.Context(), cSending(t, strings.Replace(head, "HTTP/1.1", "HTTP/1.0", 1)+chunks))
	assert.Equal(t, chunks, cText(t, resp, err), "it means nothing in HTTP/1.0")
}

// Row: 81
// IDs: CVE-2021-32714 (hyper), CVE-2025-22871 (Go), CVE-2025-43859 (h11), CVE-2024-52304 (aiohttp)
// Flaw: damaged chunks are mended by guessing, so that client and proxy cut a
// connection at different places.
// Done: damage is an error of the body, and its connection is used no more; by
// net/http.
func TestCVE_2021_32714_DamagedChunksAreAnError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"10000000000000005\r\nhello\r\n0\r\n\r\n", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
		"+5\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "5\r\nhello0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
		"5;a=b\nhello\r\n0\r\n\r\n", "5 5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\nnone\r\n\r\n",
	} {
		server := cAnswering(t, cHead("200 OK", "Transfer-Encoding: chunked")+body+cAnswer("smuggled"), cAnswer("second"))
		s := cSession(t)
		_, err := s.Get(t.Context(), server.url)
		require.ErrorIs(t, err, session.ErrIncompleteBody, "%q", body)
		resp, err := s.Get(t.Context(), server.url)
		assert.Equal(t, "second", cText(t, resp, err), "%q", body)
		made, _ := server.seen()
		assert.Equal(t, 2, made, "%q", body)
	}
	whole := cAnswering(t, cHead("200 OK", "Transfer-Encoding: chunked")+"5;a=b\r\nhello\r\n0\r\n\r\n", cAnswer("second"))
	s := cSession(t)
	for _, want := range []string{"hello", "second"} {
		resp, err := s.Get(t.Context(), whole.url)
		assert.Equal(t, want, cText(t, resp, err))
	}
	made, _ := whole.seen()
	assert.Equal(t, 1, made, "a connection without damage is kept")
}

// Row: 82
// IDs: CVE-2023-39326 (Go)
// Flaw: chunks of one byte with long extensions have thousands of bytes sent and
// read for each byte of a body.
// Done: extensions out of proportion to the data are an error; by net/http.
func TestCVE_2023_39326_ChunkExtensionsAreBounded(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	extended := "1;" + strings.Repeat("x", 3000) + "\r\na\r\n"
	url := cScript(t, func(conn net.Conn, _ int) {
		if cTake(bufio.NewReader(conn)) == nil {
			_, _ = io.WriteString(conn, cHead("200 OK", "Transfer-Encoding: chunked"))
			sent.Store(int64(cFlood(conn, extended)))
		}
	})
	_, err := cSession(t).Get(t.Context(), url)
	require.ErrorIs(t, err, session.ErrIncompleteBody)
	assert.NotErrorIs(t, err, session.ErrTimeout)

	few := strings.Repeat("1;x=y\r\na\r\n", 1000) + "0\r\n\r\n"
	resp, err := cSession(t).Get(t.Context(), cSending(t, cHead("200 OK", "Transfer-Encoding: chunked")+few))
	assert.Equal(t, strings.Repeat("a", 1000), cText(t, resp, err))
}

// Row: 83
// IDs: CVE-2025-53643, CVE-2026-22815 (aiohttp)
// Flaw: trailers fill the memory, never end, or are taken for headers.
// Done: trailers out of bounds are an error at once, and none becomes a header;
// by net/http.
func TestCVE_2025_53643_TrailersAreBounded(t *testing.T) {
	t.Parallel()
	for _, trailer := range []string{"X-Trailer: " + strings.Repeat("x", 100) + "\r\n", strings.Repeat("x", 100)} {
		url := cScript(t, func(conn net.Conn, _ int) {
			if cTake(bufio.NewReader(conn)) == nil {
				_, _ = io.WriteString(conn, cHead("200 OK", "Transfer-Encoding: chunked")+"5\r\nhello\r\n0\r\n")
				cFlood(conn, trailer)
			}
		})
		_, err := cSession(t).Get(t.Context(), url)
		require.ErrorIs(t, err, session.ErrIncompleteBody)
		assert.NotErrorIs(t, err, session.ErrTimeout)
	}
	smuggled := cHead("200 OK", "Transfer-Encoding: chunked", "Trailer: X-Sum") +
		"5\r\nhello\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n\r\n"
	s := cSession(t)
	resp, err := s.Get(t.Context(), cSending(t, smuggled))
	assert.Equal(t, "hello", cText(t, resp, err))
	assert.Equal(t, "1", resp.Trailer.Get("X-Sum"), "trailers are read")
	assert.NotContains(t, resp.Header, "X-Sum")
	assert.NotContains(t, resp.Header, "Set-Cookie")
	assert.Empty(t, s.Jar.Cookies(resp.URL()))
}

// Row: 84
// IDs: CVE-2019-16276 (Go)
// Flaw: a space before the colon of a header is taken away, so that a proxy on
// the way and the client see different headers.
// Done: such a name is another name, without effect on anything, and is left as
// it is; by both.
func TestCVE_2019_16276_NameWithASpaceIsAnotherName(t *testing.T) {
	t.Parallel()
	for line, body := range map[string]string{
		"Content-Length : 2": "hello", "Transfer-Encoding : chunked": "2\r\nab\r\n0\r\n\r\n",
		"Location : http://127.0.0.1:1/": "hello", "Set-Cookie : a=b": "hello", "Content-Encoding : gzip": "hello",
	} {
		status := "200 OK"
		if strings.HasPrefix(line, "Location") {
			status = "302 Found"
		}
		s := cSession(t)
		resp, err := s.Get(t.Context(), cSending(t, cHead(status, line)+body))
		if err != nil { // to refuse it is right as well
			assert.ErrorIs(t, err, session.ErrProtocol, line)
			continue
		}
		assert.Equal(t, body, cText(t, resp, nil), line)
		name, _, _ := strings.Cut(line, " ")
		assert.NotContains(t, resp.Header, name)
		assert.Empty(t, resp.History, line)
		assert.Empty(t, s.Jar.Cookies(resp.URL()), line)
	}
}

// Row: 86
// IDs: CVE-2021-3737 (Python)
// Flaw: a client goes on reading interim answers for as long as they come.
// Done: interim answers are bounded in bytes, as headers are, and in time by the
// timeouts of the call; by both.
func TestCVE_2021_3737_InterimAnswersEnd(t *testing.T) {
	t.Parallel()
	for _, interim := range []string{
		cHead("100 Continue"), cHead("102 Processing"), cHead("103 Early Hints", "Link: </"+strings.Repeat("x", 1000)+">"),
	} {
		var sent atomic.Int64
		done := make(chan bool)
		url := cScript(t, func(conn net.Conn, _ int) {
			defer close(done)
			if cTake(bufio.NewReader(conn)) == nil {
				sent.Store(int64(cFlood(conn, interim)))
			}
		})
		_, err := cSession(t).Get(t.Context(), url, session.NoRetry)
		require.ErrorIs(t, err, session.ErrProtocol, interim)
		assert.NotErrorIs(t, err, session.ErrTimeout, interim)
		<-done
		assert.Less(t, sent.Load(), int64(32<<20), "%.20s: what the sockets hold besides", interim)
	}
	few := strings.Repeat(cHead("100 Continue"), 100) + cHead("103 Early Hints", "X-Interim: 1") + cAnswer("ok")
	resp, err := cSession(t).Get(t.Context(), cSending(t, few))
	assert.Equal(t, "ok", cText(t, resp, err))
	assert.NotContains(t, resp.Header, "X-Interim")
}

// Row: 87
// IDs: CVE-2024-24791 (Go)
// Flaw: after an answer other than 100 to a request that asked whether to go on,
// the connection is kept with the body still to be sent.
// Done: the next request comes whole; by net/http.
func TestCVE_2024_24791_AnAnswerToExpectLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"417 Expectation Failed", "200 OK", "401 Unauthorized"} {
		lines := make(chan string, 10)
		url := cScript(t, func(conn net.Conn, _ int) {
			from := bufio.NewReader(conn)
			for {
				req, err := http.ReadRequest(from)
				if err != nil {
					return
				}
				lines <- req.Method + " " + req.RequestURI + " " + req.Header.Get("Expect")
				_, _ = io.WriteString(conn, cHead(status, "Content-Length: 0"))
				_, _ = io.Copy(io.Discard, req.Body) // what comes for it, if anything does
			}
		})
		s := cSession(t)
		resp, err := s.Post(t.Context(), url+"/1", session.Header{"Expect": {"100-continue"}}, session.Text("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"))
		require.NoError(t, err, status)
		assert.Equal(t, status, resp.Status)
		_, err = s.Get(t.Context(), url+"/2")
		require.NoError(t, err, status)
		assert.Equal(t, "POST /1 100-continue", <-lines, status)
		assert.Equal(t, "GET /2 ", <-lines, status)
	}
}

// Row: 88
// IDs:
// Flaw: a server changes the protocol without having been asked, and reading its
// answer ends with no timeout and no context.
// Done: a 101 that was not asked for is an error at once, and its connection is
// closed; by the library.
func TestClass_ProtocolIsSwitchedOnlyWhereAsked(t *testing.T) {
	t.Parallel()
	switching := cHead("101 Switching Protocols", "Upgrade: chat", "Connection: Upgrade")
	closed := make(chan bool, 10)
	url := cScript(t, func(conn net.Conn, _ int) {
		from := bufio.NewReader(conn)
		if cTake(from) == nil {
			_, _ = io.WriteString(conn, switching)
			_, _ = io.Copy(io.Discard, from)
			closed <- true
		}
	})
	for _, opts := range [][]session.Option{nil, {session.Stream(true)}, {session.Text("body")}, {session.Header{"Connection": {"Upgrade"}}}} {
		resp, err := cSession(t).Post(t.Context(), url, opts...)
		assert.Nil(t, resp)
		require.ErrorIs(t, err, session.ErrProtocol)
		assert.NotErrorIs(t, err, session.ErrTimeout)
		<-closed
	}
	asked := session.Header{"Connection": {"Upgrade"}, "Upgrade": {"chat"}}
	resp, err := cSession(t).Get(t.Context(), url, asked)
	require.NoError(t, err)
	assert.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	require.NoError(t, resp.Close())
	<-closed
}

// Row: 90
// IDs: CVE-2026-34520 (aiohttp)
// Flaw: NUL and control characters in the headers of an answer reach the program.
// Done: they are an error; by net/http.
func TestCVE_2026_34520_ControlCharactersInHeadersAreAnError(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"X-A: a\x00b", "X-A: a\rb", "X-A: \x01", "X-A: a\x1b[31mb", "X-A: a\x7fb", "Set-Cookie: a=\x00b", "X-\x00A: b", "X-\x7fA: b", "X A\x01: b",
	} {
		resp, err := cSession(t).Get(t.Context(), cSending(t, cHead("200 OK", "Content-Length: 0", line)))
		assert.Nil(t, resp, "%q", line)
		assert.ErrorIs(t, err, session.ErrProtocol, "%q", line)
	}
	resp, err := cSession(t).Get(t.Context(), cSending(t, cHead("200 OK", "Content-Length: 0", "X-A: a\tb \xc3\xbc")))
	require.NoError(t, err)
	assert.Equal(t, "a\tb ü", resp.Header.Get("X-A"))
}

// Row: 91
// IDs: CVE-2026-42507, CVE-2025-58189 (Go)
// Flaw: text of a server's stands in an error as it came, and forges lines of a
// log or commands a terminal.
// Done: it is quoted, and short; by both.
func TestCVE_2026_42507_ErrorsQuoteWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	evil := "\x1b[2J\x07 forged\x00line \u202e"
	long := evil + strings.Repeat("x", 500<<10)
	closing := "Connection: close"
	for _, answer := range []string{
		evil + "\r\n\r\n", long + "\r\n\r\n", "HTTP/1.1 " + evil + "\r\n\r\n", "HTTP/1.1 " + long + "\r\n\r\n",
		"HTTP/1.1 2" + long + "\r\n\r\n", evil + "/1.1 200 OK\r\n\r\n", long + " 200 OK\r\n\r\n",
		cHead("200 OK", long), cHead("200 OK", long+": x"), cHead("200 OK", "X: "+long), cHead("200 OK", "Content-Length: "+long),
		cHead("200 OK", "Transfer-Encoding: "+long), cHead("200 OK", "Content-Encoding: gzip,"+strings.ReplaceAll(long, "\x00", "")) + "body",
		cHead("302 Found", closing, "Location: http://a b"+strings.Repeat("\u202e\u009b", 9000)), cHead("302 Found", closing, "Location: "+strings.Repeat("x", 100)+"://\u009b/"),
		cHead("302 Found", closing, "Location: http://a:\u009b"+strings.Repeat("x", 9000)+"/"), cHead("302 Found", closing, "Location: http://\u202e/"),
		cHead("404 \u202e\u009b"+strings.Repeat("x", 500<<10), "Content-Length: 0"),
		cHead("101 " + strings.Repeat("\u009b", 9000)),
		cHead("200 OK", "Transfer-Encoding: chunked") + "0\r\n" + evil + strings.Repeat("x", 3000) + "\r\n\r\n",
		cHead("200 OK", "Transfer-Encoding: chunked") + long + "\r\n", cHead("200 OK", "Transfer-Encoding: chunked") + "0\r\n" + long + "\r\n\r\n",
		cHead("200 OK", "Content-Type: text/"+strings.Repeat("\u009b", 9000), "Content-Length: 1") + "\x1b",
	} {
		resp, err := cSession(t).Get(t.Context(), cSending(t, answer))
		if err == nil {
			err = resp.CheckStatus()
		}
		if err == nil {
			err = resp.JSON(new(any))
		}
		require.Error(t, err, "%.60q", answer)
		said := err.Error()
		assert.Less(t, len(said), 1000, "%.60q: %.300q", answer, said)
		for _, raw := range []string{"\x1b", "\x07", "\x00", "\n", "\r", "\u202e", "\u009b"} {
			assert.NotContains(t, said, raw, "%.60q: %.300q", answer, said)
		}
	}
}

// Row: 92
// IDs: CVE-2023-45288, CVE-2022-41723, CVE-2023-39325 (Go),
// CVE-2024-2398 (curl), RUSTSEC-2026-0258, CVE-2023-26964 (h2)
// Flaw: frames of HTTP/2 that cost the server nothing take a client's memory and
// time without end.
// Done: they are an error of the request and end its connection, or are within
// bounds and end with the timeout; by both.
func TestCVE_2023_45288_FloodsOfFramesEnd(t *testing.T) {
	t.Parallel()
	kilobyte := strings.Repeat("x", 1<<10)
	for name, c := range map[string]struct {
		script func(frames *http2.Framer, conn net.Conn, stream uint32) (sent int)
		err    error
	}{
		"continuations": {func(frames *http2.Framer, _ net.Conn, stream uint32) (sent int) {
			err := frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: cFields(":status", "200")})
			for block := cFields("x-flood", kilobyte); err == nil; sent += len(block) {
				err = frames.WriteContinuation(stream, false, block)
			}
			return sent
		}, session.ErrProtocol},
		"a field that is repeated by its number": {func(frames *http2.Framer, _ net.Conn, stream uint32) int {
			block := append(cFields(":status", "200", "x-flood", kilobyte+kilobyte+kilobyte), bytes.Repeat([]byte{0xbe}, 12<<10)...)
			_ = frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndHeaders: true, EndStream: true, BlockFragment: block})
			return len(block)
		}, session.ErrProtocol},
		"interim answers": {func(frames *http2.Framer, _ net.Conn, stream uint32) (sent int) {
			block := cFields(":status", "103", "link", kilobyte)
			for sent < 8<<20 && frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndHeaders: true, BlockFragment: block}) == nil {
				sent += len(block)
			}
			return sent
		}, session.ErrConnection},
		"trailers": {func(frames *http2.Framer, _ net.Conn, stream uint32) (sent int) {
			cOK(frames, stream)
			err := frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndStream: true, BlockFragment: cFields("x-sum", "1")})
			for block := cFields("x-flood", kilobyte); err == nil; sent += len(block) {
				err = frames.WriteContinuation(stream, false, block)
			}
			return sent
		}, session.ErrIncompleteBody},
		"a window that is too large": {func(frames *http2.Framer, _ net.Conn, _ uint32) int {
			_ = frames.WriteWindowUpdate(0, 1<<31-1)
			return 0
		}, session.ErrConnection},
		"a request that is pushed": {func(frames *http2.Framer, _ net.Conn, stream uint32) int {
			_ = frames.WritePushPromise(http2.PushPromiseParam{StreamID: stream, PromiseID: 2, EndHeaders: true, BlockFragment: cFields(":method", "GET")})
			return 0
		}, session.ErrConnection},
		"a reset": {func(frames *http2.Framer, _ net.Conn, stream uint32) int {
			_ = frames.WriteRSTStream(stream, http2.ErrCodeInternal)
			return 0
		}, session.ErrConnection},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := make(chan int, 10)
			url, verify := cHTTP2(t, func(frames *http2.Framer, conn net.Conn, stream uint32) {
				sent <- c.script(frames, conn, stream)
				cNextStream(frames) // the connection may be kept
			})
			_, err := cSession(t).Get(t.Context(), url, verify)
			require.ErrorIs(t, err, c.err)
			assert.NotErrorIs(t, err, session.ErrTimeout)
			assert.Less(t, len(err.Error()), 1000)
			assert.Less(t, <-sent, 16<<20, "with what sockets hold")
		})
	}
	url, verify := cHTTP2(t, func(frames *http2.Framer, _ net.Conn, stream uint32) {
		cOK(frames, stream)
		_ = frames.WriteData(stream, true, []byte("ok"))
		cNextStream(frames)
	})
	resp, err := cSession(t).Get(t.Context(), url, verify)
	assert.Equal(t, "ok", cText(t, resp, err))
	assert.Equal(t, 2, resp.ProtoMajor)
}

// Row: 92
// IDs: CVE-2019-9512, CVE-2019-9515, CVE-2019-9518, CVE-2023-44487 (HTTP/2 in general)
// Flaw: a server keeps a client busy for ever with frames that are nothing by
// themselves.
// Done: a call ends with its timeout, whatever comes, and keeps nothing of it; by
// the library.
//
// The test has the process for itself, whose memory it measures.
func TestCVE_2019_9518_FramesThatSayNothingEndWithTheTimeout(t *testing.T) {
	for name, script := range map[string]func(frames *http2.Framer, conn net.Conn, stream uint32){
		"empty data": func(frames *http2.Framer, _ net.Conn, stream uint32) {
			cOK(frames, stream)
			for frames.WriteData(stream, false, nil) == nil {
			}
		},
		"padding alone": func(frames *http2.Framer, _ net.Conn, stream uint32) {
			cOK(frames, stream)
			for frames.WriteDataPadded(stream, false, nil, make([]byte, 255)) == nil {
			}
		},
		"empty continuations": func(frames *http2.Framer, _ net.Conn, stream uint32) {
			err := frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: cFields(":status", "200")})
			for err == nil {
				err = frames.WriteContinuation(stream, false, nil)
			}
		},
		"pings": func(frames *http2.Framer, _ net.Conn, _ uint32) {
			for frames.WritePing(false, [8]byte{}) == nil {
			}
		},
		"settings": func(frames *http2.Framer, _ net.Conn, _ uint32) {
			for frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}) == nil {
			}
		},
		"refusals": func(frames *http2.Framer, _ net.Conn, stream uint32) {
			for ; stream != 0; stream = cNextStream(frames) {
				_ = frames.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { // at whose end the server is gone
			url, verify := cHTTP2(t, script)
			s := cSession(t)
			before := cHeap()
			start := time.Now()
			_, err := s.Get(t.Context(), url, verify, session.Timeout{Total: 300 * time.Millisecond})
			took := time.Since(start)
			require.ErrorIs(t, err, session.ErrTotalTimeout)
			assert.Less(t, took, 5*time.Second)
			// frames come on, so that each look sees some garbage, and what is kept besides
			kept := cHeap() - before
			for range 10 {
				kept = min(kept, cHeap()-before)
			}
			assert.Less(t, kept, int64(8<<20))
			require.NoError(t, s.Close())
		})
	}
}

// Row: 92
// IDs: CVE-2026-33814 (Go)
// Flaw: a server that says its frames may hold nothing has a client divide what
// it sends for ever.
// Done: that is an error, as of Go 1.26.3 and its likes; before that the call ends
// with its timeout; by both.
func TestCVE_2026_33814_FramesOfNoSizeEndTheCall(t *testing.T) {
	t.Parallel()
	url, verify := cHTTP2(t, func(frames *http2.Framer, _ net.Conn, _ uint32) {
		_ = frames.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 0})
		cNextStream(frames)
	})
	_, err := cSession(t).Get(t.Context(), url, verify, session.Timeout{Total: 3 * time.Second})
	require.Error(t, err)
	if !errors.Is(err, session.ErrConnection) {
		assert.ErrorIs(t, err, session.ErrTotalTimeout)
	}
}

// Row: 93
// IDs: CVE-2025-13836 (Python)
// Flaw: memory is taken for the length that an answer announces.
// Done: memory grows with what has come, 1 MiB of it ahead at most; by the library.
//
// The test has the process for itself, whose memory it measures.
func TestCVE_2025_13836_LengthTakesNoMemory(t *testing.T) {
	for _, length := range []string{"4398046511104", "9223372036854775807"} {
		url := cSending(t, cHead("200 OK", "Content-Length: "+length)+"ab")
		var got []byte
		allocated := cAllocated(func() {
			resp, err := cSession(t).Get(t.Context(), url, session.Stream(true))
			require.NoError(t, err)
			got, err = resp.Bytes()
			require.ErrorIs(t, err, session.ErrIncompleteBody)
		})
		assert.Equal(t, "ab", string(got))
		assert.Less(t, allocated, int64(3<<20), length)

		_, err := cSession(t).Get(t.Context(), url)
		require.ErrorIs(t, err, session.ErrIncompleteBody)
	}
}

// Row: 95
// IDs: CVE-2021-21240 (httplib2), CVE-2020-8492 (Python)
// Flaw: a challenge takes its parser a time that grows with the square of its length.
// Done: challenges are read in linear time; by the library.
func TestCVE_2021_21240_ChallengesAreReadInLinearTime(t *testing.T) {
	t.Parallel()
	const size = 300 << 10 // where a square would be minutes
	for _, piece := range []string{"\xa0", ",", `"`, ",=", `a="`, "a=b,", "Digest ", `\"`, "= ", "Basic realm=", `Digest x="\`, " ,\t"} {
		for _, before := range []string{"", "Digest ", `Digest realm="`, "Basic "} {
			challenge := before + strings.Repeat(piece, size/len(piece))
			answer := cHead("401 Unauthorized", "Content-Length: 0", "Connection: close", "WWW-Authenticate: "+challenge)
			start := time.Now()
			resp, err := cSession(t).Get(t.Context(), cSending(t, answer), session.DigestAuth("user", "pass"))
			assert.Less(t, time.Since(start), 10*time.Second, "%q %q", before, piece)
			if err == nil {
				assert.Equal(t, 401, resp.StatusCode)
			}
		}
	}
}

// Row: 96
// IDs:
// Flaw: a Retry-After makes a client wait for as long as a server likes.
// Done: what is no number of seconds and no date is no wait, and a wait is at
// most six hours, or what RetryAfterMax says, and ends with the context; by the
// library.
func TestClass_RetryAfterIsBounded(t *testing.T) {
	t.Parallel()
	const most = 6 * time.Hour
	for after, want := range map[string]time.Duration{
		"99999999": most, strings.Repeat("9", 400): most, "21601": most, "9223372036854775807": most, "18446744073709551616": most,
		"Fri, 31 Dec 9999 23:59:59 GMT": most, "7": 7 * time.Second,
		"-5": 0, "NaN": 0, "Inf": 0, "1e9": 0, "0x7": 0, "7.5": 0, "+7": 0, "never": 0, "Thu, 01 Jan 1970 00:00:00 GMT": 0, "-" + strings.Repeat("9", 400): 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			s, asked := cRetrying(t, after)
			start := time.Now()
			_, err := s.Get(t.Context(), "http://a.test/")
			require.NoError(t, err)
			assert.Equal(t, want, time.Since(start), "%.40s", after)
			assert.Equal(t, int32(2), asked.Load())
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s, asked := cRetrying(t, "99999999")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		_, err := s.Get(ctx, "http://a.test/")
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, time.Minute, time.Since(start))
		assert.Equal(t, int32(1), asked.Load())

		s.Retry.RetryAfterMax = time.Minute
		s, asked = s.Clone(), new(atomic.Int32)
		require.NoError(t, s.Mount("http://", cUnavailable("99999999", asked)))
		start = time.Now()
		_, err = s.Get(t.Context(), "http://a.test/")
		require.NoError(t, err)
		assert.Equal(t, time.Minute, time.Since(start))
	})
}

// cRetrying is a session that tries again once, over cUnavailable.
func cRetrying(t *testing.T, after string) (*session.Session, *atomic.Int32) {
	t.Helper()
	asked := new(atomic.Int32)
	s := &session.Session{Retry: &session.Retry{Total: 1}}
	require.NoError(t, s.Mount("http://", cUnavailable(after, asked)))
	return s, asked
}

// cUnavailable answers 503 first, with a Retry-After, then 200.
func cUnavailable(after string, asked *atomic.Int32) cRoundTripper {
	return func(req *http.Request) (*http.Response, error) {
		resp := &http.Response{
			StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: http.NoBody, Request: req,
		}
		if asked.Add(1) == 1 {
			resp.StatusCode = http.StatusServiceUnavailable
			resp.Header.Set("Retry-After", after)
		}
		return resp, nil
	}
}

// cRoundTripper makes an adapter of a function.
type cRoundTripper func(*http.Request) (*http.Response, error)

func (f cRoundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Row: 85
// IDs: CVE-2023-38039 (curl), CVE-2021-31525, CVE-2023-24534 (Go)
// Flaw: the headers of an answer are read for as long as they come.
// Done: they are at most 1 MiB (MaxResponseHeaderBytes of the adapter's Base),
// and a thousand lines (Limits.HeaderLines); by both.
func TestCVE_2023_38039_HeadersAreBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, flood string }{
		"one header":         {"HTTP/1.1 200 OK\r\nX-Flood: ", "xxxxxxxxxxxxxxxx"},
		"the name of one":    {"HTTP/1.1 200 OK\r\n", "xxxxxxxxxxxxxxxx"},
		"the status line":    {"HTTP/1.1 200 ", "xxxxxxxxxxxxxxxx"},
		"no line at all":     {"", "xxxxxxxxxxxxxxxx"},
		"many headers":       {"HTTP/1.1 200 OK\r\n", "X-Flood: y\r\n"},
		"one that is folded": {"HTTP/1.1 200 OK\r\nX-Flood: y\r\n", " y\r\n"},
	} {
		sent := make(chan int, 10)
		url := cScript(t, func(conn net.Conn, _ int) {
			if cTake(bufio.NewReader(conn)) == nil {
				_, _ = io.WriteString(conn, c.before)
				sent <- cFlood(conn, c.flood)
			}
		})
		resp, err := cSession(t).Get(t.Context(), url)
		assert.Nil(t, resp, name)
		require.ErrorIs(t, err, session.ErrConnection, name)
		assert.NotErrorIs(t, err, session.ErrTimeout, name)
		assert.Less(t, <-sent, 32<<20, "%s, with what sockets hold", name)
	}
	for lines, good := range map[int]bool{900: true, 1001: false, 20_000: false} {
		answer := cHead("200 OK", "Content-Length: 0\r\n"+strings.TrimSuffix(strings.Repeat("X-Flood: y\r\n", lines-1), "\r\n"))
		resp, err := cSession(t).Get(t.Context(), cSending(t, answer))
		if good {
			require.NoError(t, err, lines)
			assert.Len(t, resp.Header["X-Flood"], lines-1)
			continue
		}
		var limit *session.LimitError
		require.ErrorAs(t, err, &limit, lines)
		assert.Equal(t, int64(1000), limit.Max)
	}
}

// Row: 85
// IDs: CVE-2023-24534 (Go)
// Flaw: headers that drip, a byte at a time, hold a call for ever.
// Done: a call ends with its timeout, whatever drips; by the library.
func TestCVE_2023_24534_HeadersThatDripEndWithTheTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		var dripping sync.WaitGroup
		dripping.Go(func() {
			defer server.Close()
			if cTake(bufio.NewReader(server)) != nil {
				return
			}
			_, err := io.WriteString(server, "HTTP/1.1 200 OK\r\nX-Drip: ")
			for err == nil {
				time.Sleep(time.Second)
				_, err = server.Write([]byte("x"))
			}
		})
		s := &session.Session{Timeout: session.Timeout{Read: 5 * time.Second, Total: time.Minute}}
		cMount(t, s, &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }})
		start := time.Now()
		_, err := s.Get(t.Context(), "http://a.test/")
		require.ErrorIs(t, err, session.ErrTimeout)
		assert.LessOrEqual(t, time.Since(start), time.Minute)
		require.NoError(t, s.Close())
		dripping.Wait()
	})
}

// Row: 89
// IDs: CVE-2026-6733 (undici)
// Flaw: an answer that nobody asked for waits in a connection, and is taken for
// that to the next request.
// Done: a connection on which something came unasked is closed; what comes
// behind a body is never taken; by net/http.
func TestCVE_2026_6733_AnswersUnaskedForAreNotTaken(t *testing.T) {
	t.Parallel()
	for range 100 {
		server := cAnswering(t, cAnswer("first")+cAnswer("poison"), cAnswer("second"), cAnswer("third"))
		s := cSession(t)
		for _, want := range []string{"first", "second", "third"} {
			resp, err := s.Get(t.Context(), server.url)
			require.Equal(t, want, cText(t, resp, err))
		}
		require.NoError(t, s.Close())
	}
}

// Row: 89
// IDs: CVE-2026-6733 (undici)
// Flaw: an answer that follows one without a body is taken for that to the next
// request on its connection.
// Done: connections are kept apart by origin, so that no server can answer for
// another; by net/http.
// Limit: net/http sees what came unasked when it next looks at the connection,
// so a server may, rarely, put one answer of its own in the place of another.
func TestKnownLimit_AnAnswerBehindABodylessOneIsItsOwnServersAlone(t *testing.T) {
	t.Parallel()
	for range 30 {
		evil := cAnswering(t, cHead("204 No Content")+cAnswer("poison"), cAnswer("own"))
		good := cAnswering(t, cAnswer("good"), cAnswer("good"))
		s := cSession(t)
		_, err := s.Get(t.Context(), evil.url)
		require.NoError(t, err)
		for range 2 {
			resp, err := s.Get(t.Context(), good.url)
			require.Equal(t, "good", cText(t, resp, err))
		}
		resp, err := s.Get(t.Context(), evil.url)
		require.Contains(t, []string{"own", "poison"}, cText(t, resp, err))
		require.NoError(t, s.Close())
	}
}

// Row: 94
// IDs: CVE-2019-10742 (axios)
// Flaw: a limit on the size of a body is looked at once all of it was read, or
// not for one that is streamed, chunked or coded.
// Done: with Limits.Body no more than one byte beyond it is read, however it
// comes and is read, and the connection is closed; by the library.
func TestCVE_2019_10742_BodyIsBoundedAsItComes(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	whole := strings.Repeat("x", most)
	long := whole + "x"
	gzipped := func(text string) string {
		var coded bytes.Buffer
		w := gzip.NewWriter(&coded)
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return coded.String()
	}
	chunks := func(text string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(text), text) }
	for name, answer := range map[string]func(text string) string{
		"of known length":   cAnswer,
		"in chunks":         func(text string) string { return cHead("200 OK", "Transfer-Encoding: chunked") + chunks(text) },
		"of unknown length": func(text string) string { return cHead("200 OK") + text },
		"coded":             func(text string) string { return cHead("200 OK", "Content-Encoding: gzip") + gzipped(text) },
		"coded, in chunks": func(text string) string {
			return cHead("200 OK", "Transfer-Encoding: chunked", "Content-Encoding: gzip") + chunks(gzipped(text))
		},
	} {
		for _, stream := range []bool{false, true} {
			s := cSession(t)
			s.Limits.Body = most
			read := func(answer string) ([]byte, error) {
				resp, err := s.Get(t.Context(), cSending(t, answer), session.Stream(stream))
				if err != nil {
					return nil, err
				}
				return resp.Bytes()
			}
			got, err := read(answer(whole))
			require.NoError(t, err, name)
			assert.Len(t, got, most, name)
			got, err = read(answer(long))
			var limit *session.LimitError
			require.ErrorAs(t, err, &limit, name)
			assert.Equal(t, int64(most), limit.Max)
			assert.LessOrEqual(t, len(got), most, name)
		}
	}
	for _, head := range []string{cHead("200 OK"), cHead("200 OK", "Content-Length: 9000000000000")} {
		ended := make(chan int, 10)
		endless := cScript(t, func(conn net.Conn, _ int) {
			if cTake(bufio.NewReader(conn)) == nil {
				_, _ = io.WriteString(conn, head)
				ended <- cFlood(conn, "x")
			}
		})
		s := cSession(t)
		_, err := s.Get(t.Context(), endless, session.Limits{Body: most})
		require.ErrorIs(t, err, session.ErrLimit)
		assert.Less(t, <-ended, 32<<20, "the connection is closed, with what sockets hold")
	}
}
