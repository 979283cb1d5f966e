package decode_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cbf3e3a9/session/internal/decode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// formats are the stream formats, by the name that encode knows them by.
var formats = []string{"gzip", "zlib", "raw", "br", "zstd"}

// coding is what the header calls a format.
func coding(format string) string {
	if format == "zlib" || format == "raw" {
		return "deflate"
	}
	return format
}

func writer(tb testing.TB, format string, w io.Writer) io.WriteCloser {
	tb.Helper()
	var enc io.WriteCloser
	var err error
	switch format {
	case "gzip":
		enc = gzip.NewWriter(w)
	case "zlib":
		enc = zlib.NewWriter(w)
	case "raw":
		enc, err = flate.NewWriter(w, flate.BestCompression)
	case "br":
		enc = brotli.NewWriter(w)
	case "zstd":
		enc, err = zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	default:
		err = fmt.Errorf("no such format: %s", format)
	}
	require.NoError(tb, err)
	return enc
}

func encode(tb testing.TB, format string, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := writer(tb, format, &b)
	_, err := w.Write(data)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return b.Bytes()
}

// A body is a response body that keeps account.
type body struct {
	io.Reader
	read   int64
	sawEOF bool
	closed int
}

func newBody(data []byte) *body { return &body{Reader: bytes.NewReader(data)} }

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += int64(n)
	b.sawEOF = b.sawEOF || err == io.EOF
	return n, err
}

func (b *body) Close() error {
	b.closed++
	return nil
}

// read decodes data and returns what came before the error; the end is no error.
func read(tb testing.TB, data []byte, limits decode.Limits, contentEncoding ...string) ([]byte, error) {
	tb.Helper()
	r, err := decode.NewReader(newBody(data), contentEncoding, limits)
	require.NoError(tb, err)
	defer r.Close()
	return io.ReadAll(r)
}

// text is n bytes of JSON that compress about as well as an API's do.
func text(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `{"id":%d,"name":"user %x","score":%d.%d,"tags":["a%d","b"],"active":%t},`,
			i, i*2654435761%1e9, i*7919%1000, i%97, i*i%31, i%3 == 0)
	}
	return b.Bytes()[:n]
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// failing is a body that ends in err after data.
func failing(data []byte, err error) io.ReadCloser {
	return io.NopCloser(io.MultiReader(bytes.NewReader(data), iotest.ErrReader(err)))
}
