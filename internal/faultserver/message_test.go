package faultserver_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// incomplete is a body that breaks off, or whose framing is damaged: partial
// comes, and then no more. It is never asked for again.
//
// Damage (F17, F18) is of no kind of its own: net/http tells it from a body that
// is cut by its text alone, and requests has one ChunkedEncodingError for both.
// Nor are chunk extensions and trailers without end (F19, F34) a LimitError: the
// bounds are net/http's, whose errors have neither a type nor a value.
func incomplete(script faultserver.Script, partial string, is ...error) fault {
	return fault{
		script: script, rule: never, partial: partial,
		is: append(is, session.ErrIncompleteBody), isNot: []error{session.ErrConnection, session.ErrTimeout},
	}
}

// malformed is what is no answer. The connection stays open, so that it is the
// client who hangs up.
//
// An idempotent request may be made again, even where what came can only be
// wrong (F20): net/http tells that from an answer that was cut (F09, F10) by its
// text alone.
func malformed(text string) fault {
	return fault{
		script: faultserver.AnswerAndStall(text), rule: idempotent,
		is: []error{session.ErrProtocol, session.ErrConnection}, isNot: []error{session.ErrTimeout},
	}
}

// headers is an answer of two bytes with further headers.
func headers(text string) string { return "HTTP/1.1 200 OK\r\n" + text + "\r\n\r\nok" }

// chunked is an answer in chunks.
func chunked(body string) string {
	return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
}

// flood answers a request with head, and then with text again and again, until
// the client hangs up.
func flood(head, text string) faultserver.Script {
	text = strings.Repeat(text, 1+(64<<10)/len(text))
	return func(c *faultserver.Conn) {
		c.ReadRequest()
		c.Write(head)
		for {
			c.Write(text)
		}
	}
}

func TestFaultsOfBodies(t *testing.T) {
	xGroup(t)
	stall, finish := faultserver.AnswerAndStall, faultserver.AnswerAndFIN
	cases := map[string]fault{
		"F14_truncated_chunk":            incomplete(finish(chunked("5\r\nab")), "ab", io.ErrUnexpectedEOF),
		"F14_truncated_size":             incomplete(finish(chunked("2\r\nab\r\n5")), "ab", io.ErrUnexpectedEOF),
		"F15_last_chunk_missing":         incomplete(finish(chunked("2\r\nab\r\n")), "ab", io.ErrUnexpectedEOF),
		"F16_last_chunk_without_its_end": incomplete(finish(chunked("2\r\nab\r\n0\r\n")), "ab"),
		"F16_cut_in_the_trailer":         incomplete(finish(chunked("2\r\nab\r\n0\r\nX-Sum: 1")), "ab"),
		"F17_size_too_large":             incomplete(stall(chunked("2\r\nab\r\n12345678901234567\r\nabcde\r\n0\r\n\r\n")), "ab"),
		"F18_chunk_without_its_end":      incomplete(stall(chunked("2\r\nab\r\n2\r\nabcde\r\n0\r\n\r\n")), "abab"),
		"F18_bare_LF":                    incomplete(stall(chunked("2\r\nab\r\n2\nab\r\n0\r\n\r\n")), "ab"),
		"F19_chunk_extension_of_5_kB":    incomplete(stall(chunked("2\r\nab\r\n2;x="+strings.Repeat("y", 5<<10)+"\r\nab\r\n0\r\n\r\n")), "ab"),
		"F34_trailer_flood":              incomplete(flood(chunked("2\r\nab\r\n0\r\n"), "X: y\r\n"), "ab"),
	}
	for name, got := range map[string]string{"F12_body_shorter_than_its_length": "abcde", "F12_no_body_at_all": ""} {
		short := incomplete(finish("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"+got), got, io.ErrUnexpectedEOF)
		short.says = fmt.Sprintf("got %d of 10 bytes", len(got))
		cases[name] = short
	}
	for _, size := range []string{"zz", "-5", "+5", "0x5", " 5", "", "5 5", "5_0"} {
		name := fmt.Sprintf("F17_size_%q", size)
		cases[name] = incomplete(stall(chunked("2\r\nab\r\n"+size+"\r\nabcde\r\n0\r\n\r\n")), "ab")
	}
	faults(t, cases)
	t.Run("F13_body_longer_than_its_length", longerBody)
	t.Run("F19_chunk_extension_flood", extensionFlood)
}

func longerBody(t *testing.T) {
	t.Parallel()
	srv := faultserver.New(t, faultserver.Sequence(
		faultserver.AnswerAndStall("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world"),
		faultserver.Answer(faultserver.OK)))
	s := xOpen(t, srv.Dial)
	resp, err := s.Get(t.Context(), "http://a.test/")
	assert.Equal(t, "hello", xText(t, resp, err))
	srv.AwaitIdle(t)
	resp, err = s.Get(t.Context(), "http://a.test/")
	assert.Equal(t, "ok", xText(t, resp, err))
	assert.Equal(t, 2, srv.Conns())
}

// extensionFlood has chunks of a byte in much that is none.
func extensionFlood(t *testing.T) {
	t.Parallel()
	srv := faultserver.New(t, flood(chunked(""), "1;x="+strings.Repeat("y", 1<<10)+"\r\nz\r\n"))
	s := xOpen(t, srv.Dial)
	resp, err := s.Get(t.Context(), "http://a.test/", session.Stream(true))
	require.NoError(t, err)
	content, err := resp.Bytes()
	assert.ErrorIs(t, err, session.ErrIncompleteBody)
	assert.Less(t, len(content), 1<<10, "it is noticed early")
	srv.AwaitIdle(t)
	s.kept(t, 0)
}

func TestFaultsOfMalformedAnswers(t *testing.T) {
	xGroup(t)
	cases := map[string]fault{
		"F20_two_lengths":               malformed(headers("Content-Length: 2\r\nContent-Length: 3")),
		"F20_empty_length_of_two":       malformed(headers("Content-Length: 2\r\nContent-Length: ")),
		"F23_gzip_then_chunked":         malformed(headers("Transfer-Encoding: gzip, chunked")),
		"F23_unknown_coding":            malformed(headers("Transfer-Encoding: xchunked")),
		"F23_chunked_twice":             malformed(headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
		"F23_chunked_twice_in_a_line":   malformed(headers("Transfer-Encoding: chunked, chunked")),
		"F26_NUL_in_a_header":           malformed(headers("X: a\x00b\r\nContent-Length: 2")),
		"F26_CR_in_a_header":            malformed(headers("X: a\rb\r\nContent-Length: 2")),
		"F27_header_without_a_colon":    malformed(headers("Content-Length: 2\r\nno colon here")),
		"F27_first_header_with_a_space": malformed(headers(" X: a\r\nContent-Length: 2")),
		"F29_HTTP_0.9":                  malformed("<html>hello</html>\n"),
		"F29_ICY":                       malformed("ICY 200 OK\r\nContent-Length: 2\r\n\r\nok"),
		"F29_status_of_four_digits":     malformed("HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"),
		"F29_status_that_is_no_number":  malformed("HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok"),
		"F31_empty_line_before_all":     malformed("\r\n" + faultserver.OK),
		"F37_101_that_nobody_asked_for": malformed("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
	}
	for _, length := range []string{"2, 2", "+2", "-2", "0x2", "", "2.0", "2 2", "99999999999999999999"} {
		cases[fmt.Sprintf("F20_length_%q", length)] = malformed(headers("Content-Length: " + length))
	}
	many := malformed(headers(strings.Repeat("X: y\r\n", 100_000) + "Content-Length: 2"))
	many.rule, many.is = never, append(many.is, session.ErrLimit)
	cases["F33_100000_headers"] = many
	faults(t, cases)
}

// TestFaultsOfFloods has answers that are too long before their body begins.
func TestFaultsOfFloods(t *testing.T) {
	xGroup(t)
	for name, script := range map[string]faultserver.Script{
		"F32_endless_status_line": flood("HTTP/1.1 200 ", "OK"),
		"F32_endless_header":      flood("HTTP/1.1 200 OK\r\nX: ", "y"),
		"F33_endless_headers":     flood("HTTP/1.1 200 OK\r\n", "X-Header: value\r\n"),
		"F36_endless_100":         flood("", "HTTP/1.1 100 Continue\r\n\r\n"),
		"F36_endless_103":         flood("", "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, script)
			s := session.New()
			s.TrustEnv = false
			t.Cleanup(func() { _ = s.Close() })
			resp, err := s.Get(t.Context(), srv.URL(), &session.Retry{Total: 1})
			assert.Nil(t, resp)
			assert.ErrorIs(t, err, session.ErrProtocol)
			assert.Equal(t, 1, srv.Conns(), "it is not asked for again")
			var limit *session.LimitError
			require.ErrorAs(t, err, &limit)
			assert.EqualValues(t, 1<<20, limit.Max, "the adapter's own bound, lower than net/http's")
			assert.NotErrorIs(t, err, session.ErrTimeout)
			srv.AwaitIdle(t)
		})
	}
}

// accepted is an answer that is odd, but not wrong enough to be refused.
//
// Of 100 Continue there are ten thousand (F36) and not more, since net/http counts
// them among the bytes of the headers, of which the adapter allows 1 MiB.
type accepted struct {
	answer string
	method string // GET where it is ""
	status int    // 200 where it is 0
	body   string
	closed bool // the server ends its side behind the answer
	check  func(*testing.T, *session.Response)
}

func TestFaultsThatAreTolerated(t *testing.T) {
	xGroup(t)
	noLength := func(t *testing.T, resp *session.Response) {
		assert.NotContains(t, resp.Header, "Content-Length")
		assert.EqualValues(t, -1, resp.ContentLength)
	}
	header := func(name, want string) func(*testing.T, *session.Response) {
		return func(t *testing.T, resp *session.Response) { assert.Equal(t, want, resp.Header.Get(name)) }
	}
	reason := func(want string) func(*testing.T, *session.Response) {
		return func(t *testing.T, resp *session.Response) { assert.Equal(t, want, resp.Reason()) }
	}
	informed := "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
	for name, tc := range map[string]accepted{
		"F21_the_same_length_twice":       {answer: headers("Content-Length: 2\r\nContent-Length: 2"), body: "ok"},
		"F22_length_and_chunks":           {answer: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", body: "ok", check: noLength},
		"F25_space_behind_Content-Length": {answer: headers("Content-Length : 1"), body: "ok", closed: true, check: noLength},
		"F28_folded_header":               {answer: headers("X: a\r\n b\r\nContent-Length: 2"), body: "ok", check: header("X", "a b")},
		"F28_bare_LF":                     {answer: "HTTP/1.1 200 OK\nX: a\nContent-Length: 2\n\nok", body: "ok", check: header("X", "a")},
		"F28_8_bit_header":                {answer: headers("X: caf\xe9\r\nContent-Length: 2"), body: "ok", check: header("X", "caf\xe9")},
		"F28_no_reason":                   {answer: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", body: "ok", check: reason("")},
		"F28_empty_reason":                {answer: "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", body: "ok", check: reason("")},
		"F30_status_099":                  {answer: "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok", status: 99, body: "ok", check: reason("Odd")},
		"F30_status_999":                  {answer: "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok", status: 999, body: "ok", check: reason("Odd")},
		"F30_status_000":                  {answer: "HTTP/1.1 000 Odd\r\nContent-Length: 2\r\n\r\nok", status: 0, body: "ok", check: reason("Odd")},
		"F30_HTTP_2.0_in_clear_text":      {answer: "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", body: "ok"},
		"F33_a_thousand_headers":          {answer: headers(strings.Repeat("X: y\r\n", 999) + "Content-Length: 2"), body: "ok"},
		"F35_100_then_200":                {answer: "HTTP/1.1 100 Continue\r\n\r\n" + faultserver.OK, body: "ok", check: header("Link", "")},
		"F35_103_three_times_then_200":    {answer: strings.Repeat(informed, 3) + faultserver.OK, body: "ok", check: header("Link", "")},
		"F36_10000_times_100_then_200":    {answer: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 10_000) + faultserver.OK, body: "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.HasPrefix(name, "F30_status_000") && tc.status == 0 {
				tc.status = http.StatusOK
			}
			tc.run(t)
		})
	}
}

func (a accepted) run(t *testing.T) {
	t.Helper()
	script := faultserver.Answer(a.answer)
	if a.closed {
		script = faultserver.AnswerAndFIN(a.answer)
	}
	srv := faultserver.New(t, script)
	s := xOpen(t, srv.Dial)
	for range 2 {
		resp, err := s.Request(t.Context(), a.method, "http://a.test/")
		assert.Equal(t, a.body, xText(t, resp, err))
		assert.Equal(t, a.status, resp.StatusCode)
		assert.False(t, resp.IsRedirect())
		assert.Equal(t, resp.OK(), resp.CheckStatus() == nil)
		if a.check != nil {
			a.check(t, resp)
		}
	}
	if a.closed {
		assert.Equal(t, 2, srv.Conns())
		s.kept(t, 0)
		return
	}
	assert.Len(t, srv.Requests(), 2)
}

// TestFaultsOfBodilessAnswers has answers that have no body, whatever they say
// (RFC 9112 section 6.3): they are not waited for, and what comes all the same
// is not taken for the next answer.
func TestFaultsOfBodilessAnswers(t *testing.T) {
	xGroup(t)
	gzip := "Content-Encoding: gzip\r\n"
	for name, tc := range map[string]struct {
		method, head, stray string
		status              int
	}{
		"F38_HEAD_with_a_length":    {"HEAD", headers0("200 OK", "Content-Length: 1000"), "", 200},
		"F38_HEAD_in_chunks":        {"HEAD", headers0("200 OK", "Transfer-Encoding: chunked"), "", 200},
		"F38_HEAD_with_a_body":      {"HEAD", headers0("200 OK", "Content-Length: 5"), "hello", 200},
		"F38_204_with_a_length":     {"GET", headers0("204 No Content", "Content-Length: 1000"), "", 204},
		"F38_204_with_a_body":       {"GET", headers0("204 No Content", "Content-Length: 5"), "hello", 204},
		"F38_204_in_chunks":         {"GET", headers0("204 No Content", "Transfer-Encoding: chunked"), "5\r\nhello\r\n0\r\n\r\n", 204},
		"F38_304_with_a_length":     {"GET", headers0("304 Not Modified", "Content-Length: 1000"), "", 304},
		"F38_304_with_a_body":       {"GET", headers0("304 Not Modified", "Content-Length: 5"), "hello", 304},
		"F39_HEAD_in_gzip":          {"HEAD", headers0("200 OK", gzip+"Content-Length: 1000"), "", 200},
		"F39_HEAD_in_gzip_unknown":  {"HEAD", headers0("200 OK", gzip+"X: y"), "", 200},
		"F39_204_in_gzip":           {"GET", headers0("204 No Content", gzip+"X: y"), "", 204},
		"F39_304_in_gzip":           {"GET", headers0("304 Not Modified", gzip+"X: y"), "", 304},
		"F39_HEAD_in_gzip_and_body": {"HEAD", headers0("200 OK", gzip+"Content-Length: 5"), "hello", 200},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				srv := faultserver.NewPipe(t, faultserver.Sequence(func(c *faultserver.Conn) {
					c.ReadRequest()
					c.Write(tc.head + tc.stray)
					faultserver.Answer(faultserver.OK)(c)
				}, faultserver.Answer(faultserver.OK)))
				s := xOpen(t, srv.Dial)
				resp, err := s.Request(t.Context(), tc.method, "http://a.test/")
				assert.Empty(t, xText(t, resp, err))
				assert.Equal(t, tc.status, resp.StatusCode)
				want := 1
				if tc.stray != "" {
					srv.AwaitIdle(t)
					want = 2
				}
				resp, err = s.Get(t.Context(), "http://a.test/")
				assert.Equal(t, "ok", xText(t, resp, err))
				assert.Equal(t, want, srv.Conns(), "connections")
			})
		})
	}
}

// headers0 is an answer up to its body.
func headers0(status, header string) string {
	return "HTTP/1.1 " + status + "\r\n" + header + "\r\n\r\n"
}
