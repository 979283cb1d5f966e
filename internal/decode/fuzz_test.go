package decode_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/decode"
)

const fuzzMax = 1 << 20

// fuzz decodes data, which may be anything, and returns it with its error.
func fuzz(t *testing.T, header string, data []byte) ([]byte, error) {
	t.Helper()
	r, err := decode.NewReader(newBody(data), []string{header}, decode.Limits{MaxSize: fuzzMax})
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, r.Close())
	require.LessOrEqual(t, len(got), fuzzMax)
	var limit *decode.LimitError
	if err != nil && !errors.Is(err, decode.ErrDecode) && !errors.As(err, &limit) {
		t.Errorf("unexpected kind of error: %v", err)
	}
	return got, err
}

// fuzzPieces checks that the pieces in which data comes make no difference.
func fuzzPieces(t *testing.T, header string, data, want []byte, wantErr error) {
	t.Helper()
	b := io.NopCloser(iotest.HalfReader(bytes.NewReader(data)))
	r, err := decode.NewReader(b, []string{header}, decode.Limits{MaxSize: fuzzMax})
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	assert.Equal(t, want, got)
	assert.Equal(t, wantErr == nil, err == nil, "%v, %v", wantErr, err)
}

// same compares with what the standard library makes of data, if anything.
func same(t *testing.T, got []byte, err error, std io.Reader) {
	t.Helper()
	want, stdErr := io.ReadAll(io.LimitReader(std, fuzzMax+1))
	if stdErr == nil && len(want) <= fuzzMax {
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func seed(f *testing.F, formats ...string) {
	f.Helper()
	for _, format := range formats {
		for _, n := range []int{0, 1, 300} {
			data := encode(f, format, text(n))
			f.Add(data)
			f.Add(data[:len(data)/2])
			f.Add(join(data, data))
			f.Add(join(data, []byte("trailing")))
		}
	}
	f.Add([]byte("plain"))
}

func FuzzGzip(f *testing.F) {
	seed(f, "gzip")
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := fuzz(t, "gzip", data)
		fuzzPieces(t, "gzip", data, got, err)
		if reservedFlag(data) { // compress/gzip lets it pass, zlib and we do not
			return
		}
		if std, stdErr := gzip.NewReader(bytes.NewReader(data)); stdErr == nil {
			same(t, got, err, std)
		}
	})
}

// reservedFlag reports whether data holds what may be a member with a reserved
// flag (RFC 1952 section 2.3.1.2).
func reservedFlag(data []byte) bool {
	for {
		_, rest, found := bytes.Cut(data, []byte("\x1f\x8b\x08"))
		if !found || len(rest) == 0 {
			return false
		}
		if rest[0]>>5 != 0 {
			return true
		}
		data = rest
	}
}

func FuzzDeflate(f *testing.F) {
	seed(f, "zlib", "raw")
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := fuzz(t, "deflate", data)
		fuzzPieces(t, "deflate", data, got, err)
		if std, stdErr := zlib.NewReader(bytes.NewReader(data)); stdErr == nil {
			same(t, got, err, std)
		} else if errors.Is(stdErr, zlib.ErrHeader) {
			same(t, got, err, flate.NewReader(bytes.NewReader(data)))
		}
	})
}

func FuzzBrotli(f *testing.F) {
	seed(f, "br")
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzz(t, "br", data)
	})
}

// FuzzBrotliReused checks that a decoder that decoded something before, whole or
// not, makes of data what a new one makes of it.
func FuzzBrotliReused(f *testing.F) {
	long, short := encode(f, "br", text(300)), encode(f, "br", text(9))
	f.Add(long, int64(fuzzMax), short)
	f.Add(long, int64(10), long)
	f.Add(long[:len(long)/2], int64(fuzzMax), short)
	f.Add(short, int64(0), long[:len(long)/2])
	f.Fuzz(func(t *testing.T, before []byte, upTo int64, data []byte) {
		want, wantErr := newBrotli(data)
		if len(data) == 0 || len(want) > fuzzMax { // which is treated otherwise
			return
		}
		r, err := decode.NewReader(newBody(before), []string{"br"}, decode.Limits{MaxSize: fuzzMax})
		require.NoError(t, err)
		_, _ = io.CopyN(io.Discard, r, upTo)
		require.NoError(t, r.Close())

		got, err := fuzz(t, "br", data)
		require.True(t, bytes.Equal(want, got), "%q, not %q", got, want)
		if wantErr == nil || wantErr.Error() != "brotli: excessive input" {
			require.Equal(t, wantErr == nil, err == nil, "%v, %v", wantErr, err)
		}
	})
}

// newBrotli decodes with a decoder of its own, from a buffer as full as that of
// NewReader: the pieces make a difference to how much comes before a fault.
func newBrotli(data []byte) ([]byte, error) {
	in := bufio.NewReader(newBody(data))
	_, _ = in.Peek(1)
	return io.ReadAll(io.LimitReader(brotli.NewReader(in), fuzzMax+1))
}

func FuzzZstd(f *testing.F) {
	seed(f, "zstd")
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := fuzz(t, "zstd", data)
		fuzzPieces(t, "zstd", data, got, err)
	})
}

func FuzzStacked(f *testing.F) {
	f.Add("gzip, br", encode(f, "br", encode(f, "gzip", text(300))))
	f.Add("zstd,deflate", encode(f, "raw", encode(f, "zstd", text(300))))
	f.Add("deflate, identity, X-GZIP", encode(f, "gzip", encode(f, "zlib", text(300))))
	f.Add("gzip, foo", encode(f, "gzip", nil))
	f.Add("gzip,gzip,gzip,gzip,gzip,gzip", []byte(nil))
	f.Fuzz(func(t *testing.T, header string, data []byte) {
		values := strings.Split(header, "\n")
		b := newBody(data)
		r, err := decode.NewReader(b, values, decode.Limits{MaxSize: fuzzMax, MaxRatio: decode.DefaultMaxRatio})
		if err != nil {
			require.ErrorIs(t, err, decode.ErrDecode)
			return
		}
		require.Equal(t, decode.Applies(values), r != io.ReadCloser(b))
		if r != io.ReadCloser(b) {
			fuzz(t, header, data)
			undoes(t, values, data)
		}
	})
}

// undoes takes data as the content, and applies the codings itself.
func undoes(t *testing.T, values []string, content []byte) {
	t.Helper()
	data := content
	for name := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name = strings.ToLower(strings.Trim(name, " \t"))
		switch name {
		case "", "identity":
		case "gzip", "br", "zstd":
			data = encode(t, name, data)
		case "x-gzip":
			data = encode(t, "gzip", data)
		case "deflate":
			data = encode(t, "zlib", data)
		default:
			return
		}
	}
	r, err := decode.NewReader(newBody(data), values, decode.Limits{})
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))
}
