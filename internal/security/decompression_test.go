package security_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// cCoders are the codings that are undone, and bare deflate data.
var cCoders = map[string]func(io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, 2) },
	"zstd": func(w io.Writer) io.WriteCloser {
		z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		return z
	},
	"deflate, bare": func(w io.Writer) io.WriteCloser {
		z, _ := flate.NewWriter(w, flate.DefaultCompression)
		return z
	},
}

// cEncode puts content in a coding.
func cEncode(t testing.TB, coding string, content io.Reader) []byte {
	t.Helper()
	var coded bytes.Buffer
	w := cCoders[coding](&coded)
	_, err := io.Copy(w, content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return coded.Bytes()
}

// cZeros are n zero bytes.
func cZeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// cCoded is an answer in a coding; extra are more lines of its head.
func cCoded(status, coding string, body []byte, extra ...string) string {
	coding, _, _ = strings.Cut(coding, ",")
	return cHead(status, append(extra, "Content-Encoding: "+coding, "Content-Length: "+strconv.Itoa(len(body)))...) + string(body)
}

// cBomb is a body that becomes n zero bytes, n a multiple of 4 MiB.
func cBomb(t testing.TB, coding string, n int64) []byte {
	t.Helper()
	const part = 4 << 20
	switch coding {
	case "gzip", "zstd": // members and frames are joined
		return bytes.Repeat(cEncode(t, coding, cZeros(part)), int(n/part))
	}
	return cEncode(t, coding, cZeros(n))
}

// Row: 101
// IDs: CVE-2025-66471 (urllib3), CVE-2023-3782 (OkHttp), CVE-2026-42587 (Netty)
// Flaw: a few bytes become gigabytes when their coding is undone, even where
// little of it is asked for.
// Done: what comes out is bounded by what went in, and by Limits.Body where that
// is set, and no more of it is made than is read; by the library.
//
// The test has the process for itself, whose memory it measures.
func TestCVE_2025_66471_BombIsALimitError(t *testing.T) {
	const size = 36 << 20 // the ratio is looked at from 32 MiB on
	for _, coding := range []string{"gzip", "br", "zstd"} {
		bomb := cBomb(t, coding, size)
		url := cSending(t, cCoded("200 OK", coding, bomb))
		s := cSession(t)
		_, err := s.Get(t.Context(), url)
		var limit *session.LimitError
		require.ErrorAs(t, err, &limit, "%s: %d bytes", coding, len(bomb))
		assert.Contains(t, limit.Limit, "ratio", coding)

		allocated := cAllocated(func() {
			_, err = s.Get(t.Context(), url, session.Limits{Body: 1 << 20})
		})
		require.ErrorAs(t, err, &limit, coding)
		assert.Equal(t, int64(1<<20), limit.Max, coding)
		assert.Less(t, allocated, int64(24<<20), coding)

		before := cHeap()
		resp, err := s.Get(t.Context(), url, session.Stream(true))
		require.NoError(t, err)
		n, err := io.ReadFull(resp.Body, make([]byte, 1<<10))
		require.NoError(t, err, coding)
		assert.Equal(t, 1<<10, n)
		assert.Less(t, cHeap()-before, int64(8<<20), coding)
		require.NoError(t, resp.Close())
		require.NoError(t, s.Close())

		fair := cEncode(t, coding, cZeros(1<<20))
		resp, err = cSession(t).Get(t.Context(), cSending(t, cCoded("200 OK", coding, fair)))
		assert.Len(t, cText(t, resp, err), 1<<20, "what is small has any ratio")
	}
}

// Row: 102
// IDs: CVE-2022-32206, CVE-2023-23916 (curl), CVE-2025-66418 (urllib3), CVE-2026-22036 (undici)
// Flaw: codings are stacked without end, in one header or in many.
// Done: six codings are an error before anything is undone; identity is none; by
// the library.
func TestCVE_2022_32206_CodingsAreCounted(t *testing.T) {
	t.Parallel()
	body := []byte("hello")
	for layers := range 7 {
		names := strings.TrimSuffix(strings.Repeat("gzip,", layers), ",")
		lines := strings.Split(names, ",")
		for what, values := range map[string][]string{
			"one line": {names}, "many lines": lines, "with identity": {"identity", names + ",identity", "identity,,identity"},
		} {
			var head []string
			for _, value := range values {
				head = append(head, "Content-Encoding: "+value)
			}
			resp, err := cSession(t).Get(t.Context(), cSending(t, cHead("200 OK", head...)+string(body)))
			if layers <= 5 {
				assert.Equal(t, "hello", cText(t, resp, err), "%d in %s", layers, what)
				continue
			}
			var limit *session.LimitError
			require.ErrorAs(t, err, &limit, "%d in %s", layers, what)
			require.ErrorIs(t, err, session.ErrDecode)
			assert.Equal(t, int64(5), limit.Max)
		}
		body = cEncode(t, "gzip", bytes.NewReader(body))
	}
	resp, err := cSession(t).Get(t.Context(), cSending(t, cHead("200 OK", strings.Repeat("Content-Encoding: gzip\r\n", 900)+"X: y")+"hello"), session.Stream(true))
	require.NoError(t, err)
	_, err = resp.Bytes()
	assert.ErrorIs(t, err, session.ErrLimit)
}

// Row: 103
// IDs: CVE-2026-21441 (urllib3)
// Flaw: the body of an answer that nobody wants, of a redirect or before a retry,
// is undone when it is read to free the connection.
// Done: such a body is read as it came, up to 64 KiB and for 100 ms; by the library.
//
// The test has the process for itself, whose memory it measures.
func TestCVE_2026_21441_UnwantedBodiesAreNotUndone(t *testing.T) {
	const size = 8 << 20
	for _, coding := range []string{"gzip", "br", "zstd"} {
		bomb := cBomb(t, coding, size)
		for status, extra := range map[string]string{
			"302 Found": "Location: /next", "503 Service Unavailable": "Retry-After: 0", "401 Unauthorized": `WWW-Authenticate: Digest realm="r", nonce="n"`,
		} {
			server := cAnswering(t, cCoded(status, coding, bomb, extra), cAnswer("ok"))
			s := cSession(t)
			allocated := cAllocated(func() {
				resp, err := s.Get(t.Context(), server.url, &session.Retry{Total: 1}, session.DigestAuth("u", "p"))
				assert.Equal(t, "ok", cText(t, resp, err), "%s %s", coding, status)
			})
			assert.Less(t, allocated, int64(4<<20), "%s %s", coding, status)
			require.NoError(t, s.Close())
		}
		url := cSending(t, cCoded("200 OK", coding, bomb))
		s := cSession(t)
		allocated := cAllocated(func() {
			resp, err := s.Get(t.Context(), url, session.Stream(true))
			require.NoError(t, err)
			require.NoError(t, resp.Close())
		})
		assert.Less(t, allocated, int64(4<<20), "%s, closed unread", coding)
		require.NoError(t, s.Close())
	}
	sent := make(chan int, 1)
	endless := cScript(t, func(conn net.Conn, n int) {
		if cTake(bufio.NewReader(conn)) != nil {
			return
		}
		if n > 0 {
			_, _ = io.WriteString(conn, cAnswer("ok"))
			cLinger(conn)
			return
		}
		_, _ = io.WriteString(conn, cHead("302 Found", "Location: /next"))
		sent <- cFlood(conn, "x")
	})
	resp, err := cSession(t).Get(t.Context(), endless)
	assert.Equal(t, "ok", cText(t, resp, err))
	assert.Less(t, <-sent, 16<<20, "with what sockets hold")
}

// Row: 104
// IDs: CVE-2022-30631 (Go), CVE-2023-3635 (okio), CVE-2025-0725 (curl), CVE-2020-8927 (brotli)
// Flaw: a damaged stream crashes its decoder.
// Done: it is an error, and streams of nothing cost nothing but time in
// proportion; by both.
func TestCVE_2022_30631_DamagedStreamsAreErrors(t *testing.T) {
	t.Parallel()
	empty := bytes.Repeat(cEncode(t, "gzip", strings.NewReader("")), 10_000)
	resp, err := cSession(t).Get(t.Context(), cSending(t, cCoded("200 OK", "gzip", empty)))
	assert.Empty(t, cText(t, resp, err))
	text := strings.Repeat("some text that is not all the same 0123456789 ", 20)
	for coding := range cCoders {
		whole := cEncode(t, coding, strings.NewReader(text))
		for at := 0; at < len(whole); at += 3 {
			for _, bits := range []byte{0xff, 0x01, 0x80} {
				damaged := bytes.Clone(whole)
				damaged[at] ^= bits
				resp, err := cDecoding(t, coding, damaged)
				if err != nil {
					assert.True(t, errors.Is(err, session.ErrDecode), "%s at %d: %v", coding, at, err)
					assert.Nil(t, resp)
				}
			}
		}
		for name, noise := range map[string]string{
			"zeros": strings.Repeat("\x00", 4096), "ones": strings.Repeat("\xff", 4096), "text": text, "html": "<html>\r\n</html>",
			"begins well": string(whole[:4]) + strings.Repeat("\xff", 4096), "twice begun": string(whole[:len(whole)/2]) + string(whole),
		} {
			_, err := cDecoding(t, coding, []byte(noise))
			if coding == "deflate, bare" && err == nil { // its first bits may end it
				continue
			}
			assert.ErrorIs(t, err, session.ErrDecode, "%s of %s", coding, name)
		}
	}
}

// cDecoding asks for an answer in a coding, without a network.
func cDecoding(t testing.TB, coding string, body []byte) (*session.Response, error) {
	t.Helper()
	coding, _, _ = strings.Cut(coding, ",")
	s := new(session.Session)
	require.NoError(t, s.Mount("http://", cRoundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
			Header: http.Header{"Content-Encoding": {coding}}, Body: io.NopCloser(bytes.NewReader(body)), Request: req,
		}, nil
	})))
	return s.Get(t.Context(), "http://a.test/")
}

// Row: 105
// IDs: RFC 9659
// Flaw: a zstd frame asks for a window of gigabytes, which is taken before
// anything was decoded.
// Done: a window of more than 8 MiB is an error; by the library.
//
// The test has the process for itself, whose memory it measures.
func TestClass_ZstdWindowIsBounded(t *testing.T) {
	// A frame of one raw block (RFC 8878 section 3.1.1): its descriptor, the
	// window as exponent and mantissa, the block.
	frame := func(exponent, mantissa byte) []byte {
		return []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, exponent<<3 | mantissa, 0x11, 0x00, 0x00, 'o', 'k'}
	}
	for name, c := range map[string]struct {
		frame []byte
		good  bool
	}{
		"1 MiB": {frame(10, 0), true}, "8 MiB": {frame(13, 0), true}, "9 MiB": {frame(13, 1), false}, "16 MiB": {frame(14, 0), false},
		"256 MiB": {frame(18, 0), false}, "1 GiB": {frame(20, 0), false}, "the largest": {frame(31, 7), false},
	} {
		var err error
		allocated := cAllocated(func() { _, err = cDecoding(t, "zstd", c.frame) })
		if c.good {
			require.NoError(t, err, name)
			continue
		}
		var limit *session.LimitError
		require.ErrorAs(t, err, &limit, name)
		assert.Contains(t, limit.Limit, "window", name)
		assert.Equal(t, int64(8<<20), limit.Max)
		assert.Less(t, allocated, int64(8<<20), name)
	}
}

// Row: 106
// IDs:
// Flaw: a stream that is cut off passes for a whole one, or members after the
// first are lost.
// Done: what is cut off is an error that says so, members and frames are joined,
// and an empty body is empty in every coding; by the library.
func TestClass_WholeStreamsAndOthers(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("some text that is not all the same 0123456789 ", 20)
	for coding := range cCoders {
		whole := cEncode(t, coding, strings.NewReader(text))
		for cut := 1; cut < len(whole); cut++ {
			_, err := cDecoding(t, coding, whole[:cut])
			require.ErrorIs(t, err, session.ErrDecode, "%s, %d of %d", coding, cut, len(whole))
		}
		resp, err := cDecoding(t, coding, whole)
		assert.Equal(t, text, cText(t, resp, err), coding)
		resp, err = cDecoding(t, coding, nil)
		assert.Empty(t, cText(t, resp, err), coding)
	}
	for _, coding := range []string{"gzip", "zstd"} {
		whole := cEncode(t, coding, strings.NewReader(text))
		resp, err := cDecoding(t, coding, append(bytes.Clone(whole), whole...))
		assert.Equal(t, text+text, cText(t, resp, err), coding)
	}
	for _, coding := range []string{"gzip", "deflate", "deflate, bare"} {
		for _, more := range []string{"\x00\x00\x00", "garbage"} {
			resp, err := cDecoding(t, coding, append(cEncode(t, coding, strings.NewReader(text)), more...))
			assert.Equal(t, text, cText(t, resp, err), "%s, as browsers do", coding)
		}
	}
	for _, coding := range []string{"br", "zstd"} {
		_, err := cDecoding(t, coding, append(cEncode(t, coding, strings.NewReader(text)), "garbage that is no frame"...))
		assert.ErrorIs(t, err, session.ErrDecode, coding)
	}
	_, err := cDecoding(t, "gzip", func() []byte {
		damaged := cEncode(t, "gzip", strings.NewReader(text))
		damaged[len(damaged)-5] ^= 1 // of its length
		return damaged
	}())
	assert.ErrorIs(t, err, session.ErrDecode, "a checksum that is wrong")
}
