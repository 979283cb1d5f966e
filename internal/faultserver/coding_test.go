package faultserver_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// xEncode applies codings, the first one first. "raw" is deflate without the
// frame of zlib.
func xEncode(t testing.TB, content string, codings ...string) string {
	t.Helper()
	for _, coding := range codings {
		var out bytes.Buffer
		w := xEncoder(t, coding, &out)
		_, err := io.WriteString(w, content)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		content = out.String()
	}
	return content
}

func xEncoder(t testing.TB, coding string, out io.Writer) io.WriteCloser {
	t.Helper()
	switch coding {
	case "gzip":
		return gzip.NewWriter(out)
	case "deflate":
		return zlib.NewWriter(out)
	case "raw":
		w, err := flate.NewWriter(out, flate.DefaultCompression)
		require.NoError(t, err)
		return w
	case "br":
		return brotli.NewWriter(out)
	case "zstd":
		w, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
		require.NoError(t, err)
		return w
	}
	t.Fatal("no coding: ", coding)
	return nil
}

// xCoded is an answer with a Content-Encoding, lines of which are split by "|".
func xCoded(coding, body string) string {
	var head strings.Builder
	for line := range strings.SplitSeq(coding, "|") {
		fmt.Fprintf(&head, "Content-Encoding: %s\r\n", line)
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", head.String(), len(body), body)
}

// xNoise does not compress.
func xNoise(size int) string {
	noise := make([]byte, size)
	state := uint32(1)
	for i := range noise {
		state = state*1664525 + 1013904223
		noise[i] = byte(state >> 24)
	}
	return string(noise)
}

// xCoding is a body in a coding and what is to become of it.
type xCoding struct {
	name    string
	coding  string
	body    string
	want    string
	err     error // nil: want is the whole body
	partial bool  // some of want comes before the error
}

func xCodings(t *testing.T) []xCoding {
	noise := xNoise(20_000)
	gz := func(s string) string { return xEncode(t, s, "gzip") }
	flipped := func(s string, at int) string { return s[:at] + string(s[at]^0xff) + s[at+1:] }
	badCRC := []byte(gz(noise))
	badCRC[len(badCRC)-6] ^= 0xff
	cases := []xCoding{
		{"F65_gzip_truncated", "gzip", gz(noise)[:15_000], noise, session.ErrDecode, true},
		{"F65_gzip_without_its_trailer", "gzip", gz(noise)[:len(gz(noise))-8], noise, session.ErrDecode, true},
		{"F65_gzip_cut_in_its_trailer", "gzip", gz(noise)[:len(gz(noise))-3], noise, session.ErrDecode, true},
		{"F65_gzip_cut_in_its_header", "gzip", gz(noise)[:5], "", session.ErrDecode, false},
		{"F65_gzip_of_one_byte", "gzip", gz(noise)[:1], "", session.ErrDecode, false},
		{"F66_gzip_of_another_checksum", "gzip", string(badCRC), noise, session.ErrDecode, true},
		{"F66_gzip_of_another_size", "gzip", flipped(gz("ab"), len(gz("ab"))-4), "ab", session.ErrDecode, true},
		{"F67_gzip_and_garbage", "gzip", gz(noise) + "garbage", noise, nil, false},
		{"F67_gzip_and_zeros", "gzip", gz(noise) + strings.Repeat("\x00", 512), noise, nil, false},
		{"F68_gzip_of_members", "gzip", gz("ab") + gz("") + gz("cd"), "abcd", nil, false},
		{"F68_gzip_second_member_cut", "gzip", gz("ab") + gz("cd")[:14], "abcd", session.ErrDecode, true},
		{"F69_gzip_that_is_plain", "gzip", "plain text", "", session.ErrDecode, false},
		{"F70_empty", "gzip", "", "", nil, false},
		{"F71_in_upper_case", "GZIP", gz("ab"), "ab", nil, false},
		{"F71_x-gzip", "x-gzip", gz("ab"), "ab", nil, false},
		{"F71_twice", "gzip, gzip", xEncode(t, "ab", "gzip", "gzip"), "ab", nil, false},
		{"F71_in_two_lines", "gzip|gzip", xEncode(t, "ab", "gzip", "gzip"), "ab", nil, false},
		{"F71_in_two_lines_of_two_codings", "br|gzip", xEncode(t, "ab", "br", "gzip"), "ab", nil, false},
		{"F71_with_identity", "identity, gzip", gz("ab"), "ab", nil, false},
		{"F72_deflate_as_zlib", "deflate", xEncode(t, noise, "deflate"), noise, nil, false},
		{"F72_deflate_raw", "deflate", xEncode(t, noise, "raw"), noise, nil, false},
		{"F72_deflate_and_garbage", "deflate", xEncode(t, noise, "deflate") + "garbage", noise, nil, false},
		{"F72_deflate_of_another_checksum", "deflate", flipped(xEncode(t, "ab", "deflate"), len(xEncode(t, "ab", "deflate"))-1), "ab", session.ErrDecode, true},
		{"F72_br_and_garbage", "br", xEncode(t, "ab", "br") + "garbage", "ab", session.ErrDecode, true},
		{"F72_zstd_and_garbage", "zstd", xEncode(t, "ab", "zstd") + "garbage", "ab", session.ErrDecode, true},
		{"F72_zstd_of_frames", "zstd", xEncode(t, "ab", "zstd") + xEncode(t, "cd", "zstd"), "abcd", nil, false},
		{"F73_unknown", "foo", "as it is", "as it is", nil, false},
		{"F73_identity", "identity", "as it is", "as it is", nil, false},
		{"F73_unknown_over_gzip", "gzip, foo", gz("ab"), "", session.ErrDecode, false},
		{"F75_five_codings", "gzip, gzip, gzip, gzip, gzip", xEncode(t, "ab", "gzip", "gzip", "gzip", "gzip", "gzip"), "ab", nil, false},
		{"F75_six_codings", "gzip, gzip, gzip, gzip, gzip, gzip", xEncode(t, "ab", "gzip", "gzip", "gzip", "gzip", "gzip", "gzip"), "", session.ErrDecode, false},
	}
	for _, coding := range []string{"deflate", "br", "zstd"} {
		whole := xEncode(t, noise, coding)
		cases = append(cases,
			xCoding{"F72_" + coding, coding, whole, noise, nil, false},
			xCoding{"F72_" + coding + "_truncated", coding, whole[:15_000], noise, session.ErrDecode, coding != "zstd"},
			xCoding{"F72_" + coding + "_of_one_byte", coding, whole[:1], "", session.ErrDecode, false},
			xCoding{"F72_" + coding + "_empty", coding, "", "", nil, false},
			xCoding{"F72_" + coding + "_that_is_plain", coding, "<html>plain text</html>", "", session.ErrDecode, false},
		)
	}
	return cases
}

func TestFaultsOfCodings(t *testing.T) {
	xGroup(t)
	t.Run("F74_bomb", xBomb)
	for _, x := range xCodings(t) {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, func(c *faultserver.Conn) {
				for {
					if r := c.ReadRequest(); r.URL.Path == "/coded" {
						c.Write(xCoded(x.coding, x.body))
					} else {
						c.Write(faultserver.OK)
					}
				}
			})
			c := xOpen(t, srv.Dial)
			c.Retry = &session.Retry{Total: 1}
			x.read(t, c)
			x.stream(t, c)
			resp, err := c.Get(t.Context(), "http://a.test/")
			assert.Equal(t, "ok", xText(t, resp, err))
			assert.Len(t, srv.Requests(), 3, "what came in a coding is not asked for again")
			if x.err == nil {
				assert.Equal(t, 1, srv.Conns(), "the connection is used again")
			}
			c.kept(t, 1)
		})
	}

	t.Run("F65_gzip_over_a_connection_that_is_cut", func(t *testing.T) {
		t.Parallel()
		answer := xCoded("gzip", xEncode(t, xNoise(20_000), "gzip"))
		srv := faultserver.New(t, faultserver.AnswerAndFIN(answer[:10_000]))
		c := xOpen(t, srv.Dial)
		_, err := c.Get(t.Context(), "http://a.test/", &session.Retry{Total: 1})
		require.ErrorIs(t, err, session.ErrIncompleteBody, "the connection is to blame, not the coding")
		assert.NotErrorIs(t, err, session.ErrDecode)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Len(t, srv.Requests(), 1)
		c.kept(t, 0)
	})

	for name, answer := range map[string]string{
		"chunked": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"204":     "HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n",
		"304":     "HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n",
	} {
		t.Run("F70_empty_"+name, func(t *testing.T) {
			t.Parallel()
			srv := faultserver.New(t, faultserver.Answer(answer))
			c := xOpen(t, srv.Dial)
			for range 2 {
				resp, err := c.Get(t.Context(), "http://a.test/")
				assert.Empty(t, xText(t, resp, err))
			}
			assert.Equal(t, 1, srv.Conns())
		})
	}

	t.Run("F76_part_of_a_coded_body", func(t *testing.T) {
		t.Parallel()
		part := xEncode(t, xNoise(1000), "gzip")[100:200]
		srv := faultserver.New(t, faultserver.Answer(
			"HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Range: bytes 100-199/1040\r\nContent-Length: 100\r\n\r\n"+part))
		c := xOpen(t, srv.Dial)
		resp, err := c.Get(t.Context(), "http://a.test/", session.Header{"Range": {"bytes=100-199"}})
		assert.Equal(t, part, xText(t, resp, err), "a part cannot be decoded alone")
		assert.Equal(t, "gzip", resp.Header.Get("Content-Encoding"))
		assert.False(t, resp.Uncompressed)

		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://a.test/", nil)
		require.NoError(t, err)
		req.Header.Set("Range", "bytes=100-199")
		got, err := c.Do(req)
		require.NoError(t, err)
		content, err := io.ReadAll(got.Body)
		require.NoError(t, err)
		require.NoError(t, got.Body.Close())
		assert.Equal(t, part, string(content))
		assert.Empty(t, srv.Requests()[1].Header.Get("Accept-Encoding"))
	})
}

// read makes a call that reads the body.
func (x xCoding) read(t *testing.T, c *xClient) {
	t.Helper()
	resp, err := c.Get(t.Context(), "http://a.test/coded")
	if x.err != nil {
		assert.ErrorIs(t, err, x.err)
		assert.NotErrorIs(t, err, session.ErrIncompleteBody)
		assert.NotErrorIs(t, err, session.ErrConnection)
		assert.Nil(t, resp)
		return
	}
	assert.Equal(t, x.want, xText(t, resp, err))
	assert.Equal(t, strings.Split(x.coding, "|"), resp.Header["Content-Encoding"], "headers are as they came")
}

// stream reads the body bit by bit.
func (x xCoding) stream(t *testing.T, c *xClient) {
	t.Helper()
	resp, err := c.Get(t.Context(), "http://a.test/coded", session.Stream(true))
	require.NoError(t, err)
	var got bytes.Buffer
	_, err = io.CopyBuffer(&got, struct{ io.Reader }{resp.Body}, make([]byte, 100))
	require.NoError(t, resp.Close())
	if x.err == nil {
		require.NoError(t, err)
		assert.Equal(t, x.want, got.String())
		return
	}
	require.ErrorIs(t, err, x.err)
	assert.True(t, strings.HasPrefix(x.want, got.String()), "what comes before an error is right")
	assert.Equal(t, x.partial, got.Len() > 0, "what comes before an error is kept: %d bytes", got.Len())
}

// xBomb reads bodies that become much larger than they are. It is not
// parallel, so that the heap is its own.
func xBomb(t *testing.T) {
	const most = 1 << 20
	srv := faultserver.New(t, faultserver.Sequence(
		faultserver.AnswerAndFIN(xCoded("zstd", xEncode(t, strings.Repeat("\x00", 40<<20), "zstd"))),
		faultserver.AnswerAndFIN(xCoded("gzip", xEncode(t, strings.Repeat("\x00", 8<<20), "gzip"))),
	))
	c := xOpen(t, srv.Dial)

	_, err := c.Get(t.Context(), "http://a.test/")
	x := xLimit(t, err)
	assert.Contains(t, x.Limit, "ratio", "without a limit of the caller's there is that of the ratio")

	before := xHeap()
	resp, err := c.Get(t.Context(), "http://a.test/", session.Limits{Body: most}, session.Stream(true))
	require.NoError(t, err)
	var got, peak uint64
	buffer := make([]byte, 1000)
	for err == nil {
		var n int
		n, err = resp.Body.Read(buffer)
		if got += uint64(n); got%100_000 < 1000 {
			peak = max(peak, xHeap())
		}
	}
	assert.EqualValues(t, most, xLimit(t, err).Max)
	assert.EqualValues(t, most, got)
	assert.Less(t, peak, before+8<<20)
	require.NoError(t, resp.Close())
}

func xLimit(t *testing.T, err error) *session.LimitError {
	t.Helper()
	require.ErrorIs(t, err, session.ErrLimit)
	var limit *session.LimitError
	require.ErrorAs(t, err, &limit)
	return limit
}

func xHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
