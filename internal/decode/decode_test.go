package decode_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/decode"
)

var none decode.Limits

func TestNewReader_undoes(t *testing.T) {
	t.Parallel()
	want := text(150_000)
	enc := func(formats ...string) []byte {
		data := want
		for _, f := range formats {
			data = encode(t, f, data)
		}
		return data
	}
	tests := []struct {
		header []string
		data   []byte
	}{
		{[]string{"gzip"}, enc("gzip")},
		{[]string{"GZip"}, enc("gzip")},
		{[]string{"x-gzip"}, enc("gzip")},
		{[]string{"deflate"}, enc("zlib")},
		{[]string{"deflate"}, enc("raw")},
		{[]string{"br"}, enc("br")},
		{[]string{"zstd"}, enc("zstd")},
		{[]string{"gzip, br"}, enc("gzip", "br")},
		{[]string{"gzip", "br"}, enc("gzip", "br")},
		{[]string{"zstd,deflate"}, enc("zstd", "raw")},
		{[]string{"gzip, gzip"}, enc("gzip", "gzip")},
		{[]string{"identity, gzip", ",\tidentity ,"}, enc("gzip")},
		{[]string{"gzip,br,identity,zstd", "deflate,gzip"}, enc("gzip", "br", "zstd", "zlib", "gzip")},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.header, "+"), func(t *testing.T) {
			t.Parallel()
			for name, wrap := range map[string]func(io.Reader) io.Reader{
				"whole":      func(r io.Reader) io.Reader { return r },
				"bytewise":   iotest.OneByteReader,
				"halves":     iotest.HalfReader,
				"early data": iotest.DataErrReader,
			} {
				b := &body{Reader: wrap(bytes.NewReader(tt.data))}
				r, err := decode.NewReader(b, tt.header, none)
				require.NoError(t, err)
				assert.NotSame(t, b, r)
				got, err := io.ReadAll(r)
				require.NoError(t, err, name)
				assert.Equal(t, want, got, name)
				assert.True(t, b.sawEOF, "the body is read to its end, so that its connection can be used again")
			}
		})
	}
}

func TestNewReader_leavesAlone(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{
		nil, {""}, {"identity"}, {"identity, IDENTITY", ", ,"}, {"foo"}, {"foo, bar"}, {"gzip;q=1"},
		{strings.Repeat("foo,", 10)},
	} {
		b := newBody([]byte("as it is"))
		r, err := decode.NewReader(b, header, decode.Limits{MaxSize: 1})
		require.NoError(t, err)
		assert.Same(t, b, r, "%q", header)
		assert.False(t, decode.Applies(header), "%q", header)
	}
	for _, header := range [][]string{{"gzip"}, {"identity", "BR"}, {"foo, gzip"}} {
		assert.True(t, decode.Applies(header), "%q", header)
	}
}

func TestNewReader_tooManyCodings(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{
		{"gzip, gzip, gzip, gzip, gzip, gzip"},
		{"gzip", "gzip", "gzip", "gzip", "gzip", "gzip"},
		{strings.Repeat("gzip,", 100_000)},
		{"foo, foo, foo, foo, foo, gzip"},
	} {
		b := newBody(nil)
		_, err := decode.NewReader(b, header, none)
		require.ErrorIs(t, err, decode.ErrDecode)
		assertLimit(t, err, decode.LimitCodings, decode.MaxCodings)
		assert.Zero(t, b.closed)
	}
}

func assertLimit(t *testing.T, err error, limit string, value int64) {
	t.Helper()
	var le *decode.LimitError
	if assert.ErrorAs(t, err, &le) {
		assert.Equal(t, decode.LimitError{Limit: limit, Max: value}, *le)
		assert.Contains(t, le.Error(), limit)
	}
}

func TestNewReader_unknownAmongKnown(t *testing.T) {
	t.Parallel()
	data := encode(t, "gzip", []byte("hello"))
	for _, header := range []string{"gzip, foo", "foo, gzip"} {
		got, err := read(t, data, none, header)
		assert.ErrorIs(t, err, decode.ErrDecode, header)
		assert.NotErrorIs(t, err, io.ErrUnexpectedEOF, header)
		assert.Empty(t, got, header)

		_, err = read(t, nil, none, header)
		assert.NoError(t, err, "%s: an empty body has nothing to undo", header)
	}
}

func TestRead_emptyBody(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate"} {
		got, err := read(t, nil, none, header)
		require.NoError(t, err, header)
		assert.Empty(t, got, header)
	}
}

func TestRead_emptyContent(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		got, err := read(t, encode(t, format, nil), none, coding(format))
		require.NoError(t, err, format)
		assert.Empty(t, got, format)
	}
}

func TestNewReader_readsNothing(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		b := newBody(encode(t, format, []byte("x")))
		r, err := decode.NewReader(b, []string{coding(format)}, none)
		require.NoError(t, err)
		n, err := r.Read(nil)
		assert.Zero(t, n)
		require.NoError(t, err)
		assert.Zero(t, b.read)
		require.NoError(t, r.Close())
		assert.Zero(t, b.read)
	}
}

func TestRead_joins(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"gzip", "zstd"} {
		one, two, empty := text(70_000), []byte("two"), []byte(nil)
		data := join(encode(t, format, one), encode(t, format, empty), encode(t, format, two))
		got, err := read(t, data, none, format)
		require.NoError(t, err, format)
		assert.Equal(t, join(one, two), got, format)
	}
}

// CVE-2022-30631: each member cost a stack frame.
func TestRead_manyEmptyMembers(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat(encode(t, "gzip", nil), 10_000)
	got, err := read(t, data, none, "gzip")
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestRead_skippableFrame(t *testing.T) {
	t.Parallel()
	skip := []byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'}
	got, err := read(t, join(skip, encode(t, "zstd", []byte("x")), skip), none, "zstd")
	require.NoError(t, err)
	assert.Equal(t, "x", string(got))
}

func TestRead_trailing(t *testing.T) {
	t.Parallel()
	want := text(5000)
	zeros := make([]byte, 600)
	garbage := []byte("garbage")
	for _, tt := range []struct {
		format string
		trail  []byte
		ok     bool
	}{
		{"gzip", garbage, true},
		{"gzip", zeros, true},
		{"gzip", join(zeros, encode(t, "gzip", want)), true},
		{"gzip", []byte("\x1f\x8b\x07"), true},
		{"zlib", garbage, true},
		{"zlib", zeros, true},
		{"raw", garbage, true},
		{"raw", zeros, true},
		{"br", garbage, false},
		{"br", zeros, false},
		{"zstd", garbage, false},
		{"zstd", zeros, false},
		{"gzip", encode(t, "gzip", want)[:10], false},
		{"gzip", []byte("\x1f\x8b\x08nothing of the kind"), false},
	} {
		b := newBody(join(encode(t, tt.format, want), tt.trail))
		r, err := decode.NewReader(b, []string{coding(tt.format)}, none)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		if tt.ok {
			assert.NoError(t, err, "%s + %.9q", tt.format, tt.trail)
			assert.True(t, b.sawEOF)
		} else {
			assert.ErrorIs(t, err, decode.ErrDecode, "%s + %.9q", tt.format, tt.trail)
		}
		assert.Equal(t, want, got, "%s + %.9q", tt.format, tt.trail)
	}
}

// However the network cuts a body, it is the same body.
func TestRead_inTwoParts(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 50, 1000} {
		want := text(size)
		for _, format := range formats {
			data := encode(t, format, want)
			for cut := range data {
				b := io.NopCloser(io.MultiReader(bytes.NewReader(data[:cut]), bytes.NewReader(data[cut:])))
				r, err := decode.NewReader(b, []string{coding(format)}, none)
				require.NoError(t, err)
				got, err := io.ReadAll(r)
				require.NoError(t, err, "%s, %d bytes cut at %d", format, size, cut)
				require.Equal(t, want, got)
			}
		}
	}
}

// endless gives b forever.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestRead_endlessTrailing(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"gzip", "zlib", "raw"} {
		data := encode(t, format, []byte("x"))
		b := &body{Reader: io.MultiReader(bytes.NewReader(data), endless(0))}
		r, err := decode.NewReader(b, []string{coding(format)}, none)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, "x", string(got))
		assert.Less(t, b.read, int64(128<<10))
	}
}

func TestRead_truncated(t *testing.T) {
	t.Parallel()
	want := text(800)
	named, frame := namedGzip(t, want), encode(t, "zstd", want)
	streams := map[string]struct {
		coding string
		data   []byte
		ends   []int // where a cut leaves a complete stream
	}{
		"named":       {"gzip", named, nil},
		"two members": {"gzip", join(named, named), []int{len(named)}},
		"two frames":  {"zstd", join(frame, frame), []int{len(frame)}},
		"stacked":     {"zstd, gzip", encode(t, "gzip", encode(t, "zstd", want)), nil},
		"cut inside":  {"deflate, br", encode(t, "br", encode(t, "raw", want)[:100]), nil},
	}
	for _, format := range formats {
		s := streams[format]
		s.coding, s.data = coding(format), encode(t, format, want)
		streams[format] = s
	}
	for name, s := range streams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for cut := 1; cut < len(s.data); cut++ {
				got, err := read(t, s.data[:cut], none, s.coding)
				assert.True(t, bytes.HasPrefix(join(want, want), got), "cut at %d", cut)
				if len(s.ends) > 0 && cut == s.ends[0] {
					assert.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, io.ErrUnexpectedEOF, "cut at %d", cut)
				require.ErrorIs(t, err, decode.ErrDecode, "cut at %d", cut)
			}
		})
	}
}

// namedGzip has all the optional parts of a header.
func namedGzip(t *testing.T, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Header = gzip.Header{Name: "name.json", Comment: "comment", Extra: []byte("extra")}
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestRead_dataBeforeFault(t *testing.T) {
	t.Parallel()
	want := text(400_000)
	for _, format := range formats {
		data := encode(t, format, want)
		got, err := read(t, data[:len(data)/2], none, coding(format))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, format)
		assert.Greater(t, len(got), len(want)/4, format)
		assert.True(t, bytes.HasPrefix(want, got), format)
	}
}

func TestRead_damaged(t *testing.T) {
	t.Parallel()
	flip := func(data []byte, at int) []byte {
		data = bytes.Clone(data)
		data[(at+len(data))%len(data)] ^= 0x80
		return data
	}
	content := text(3000)
	dict, err := zlibDict(content)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		coding string
		data   []byte
	}{
		"gzip checksum":   {"gzip", flip(encode(t, "gzip", content), -5)},
		"gzip length":     {"gzip", flip(encode(t, "gzip", content), -1)},
		"gzip flags":      {"gzip", flip(encode(t, "gzip", content), 3)},
		"second member":   {"gzip", join(encode(t, "gzip", content), flip(encode(t, "gzip", content), -5))},
		"zlib checksum":   {"deflate", flip(encode(t, "zlib", content), -1)},
		"zlib dictionary": {"deflate", dict},
		"zstd checksum":   {"zstd", flip(encode(t, "zstd", content), -1)},
		"zstd block":      {"zstd", flip(encode(t, "zstd", content), 200)},
		"br block":        {"br", flip(encode(t, "br", content), 20)},
		"raw block":       {"deflate", flip(encode(t, "raw", content), 20)},
		"not gzip":        {"gzip", []byte("not gzip")},
		"not deflate":     {"deflate", []byte("not deflate")},
		"not br":          {"br", []byte("not br, but plain text")},
		"not zstd":        {"zstd", []byte("not zstd")},
		"inner":           {"gzip, br", encode(t, "br", []byte("not gzip"))},
		"outer checksum":  {"gzip, gzip", flip(encode(t, "gzip", encode(t, "gzip", content)), -5)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := read(t, tt.data, none, tt.coding)
			require.ErrorIs(t, err, decode.ErrDecode)
			assert.NotErrorIs(t, err, io.ErrUnexpectedEOF)
		})
	}
}

func zlibDict(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := zlib.NewWriterLevelDict(&b, zlib.BestCompression, []byte("dictionary"))
	if err != nil {
		return nil, err
	}
	_, err = w.Write(data)
	return b.Bytes(), errors.Join(err, w.Close())
}

func TestRead_errorIsSticky(t *testing.T) {
	t.Parallel()
	r, err := decode.NewReader(newBody([]byte("not gzip")), []string{"gzip"}, none)
	require.NoError(t, err)
	_, first := r.Read(make([]byte, 10))
	_, second := r.Read(make([]byte, 10))
	require.ErrorIs(t, first, decode.ErrDecode)
	assert.Equal(t, first, second)

	r, err = decode.NewReader(newBody(encode(t, "gzip", []byte("x"))), []string{"gzip"}, none)
	require.NoError(t, err)
	_, err = io.ReadAll(r)
	require.NoError(t, err)
	_, err = r.Read(make([]byte, 10))
	assert.Equal(t, io.EOF, err)
}

// netError stands for what a connection may report.
type netError struct{ s string }

func (e *netError) Error() string { return e.s }

func TestRead_errorOfBody(t *testing.T) {
	t.Parallel()
	content := text(800)
	streams := map[string][]byte{"gzip, br": encode(t, "br", encode(t, "gzip", content))}
	for _, format := range formats {
		streams[format] = encode(t, format, content)
	}
	for name, data := range streams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, want := range []error{&netError{"reset"}, io.ErrUnexpectedEOF} {
				for cut := 0; cut <= len(data); cut++ {
					r, err := decode.NewReader(failing(data[:cut], want), []string{coding(name)}, none)
					require.NoError(t, err)
					got, err := io.ReadAll(r)
					require.Same(t, want, err, "after %d bytes", cut)
					require.NotErrorIs(t, err, decode.ErrDecode)
					assert.True(t, bytes.HasPrefix(content, got))
					if cut == len(data) {
						assert.Equal(t, content, got)
					}
				}
			}
		})
	}
}

// once gives its data and its error together, and then seems to be at its end.
type once struct {
	data []byte
	err  error
}

func (o *once) Read(p []byte) (int, error) {
	n := copy(p, o.data)
	o.data = o.data[n:]
	err := o.err
	if len(o.data) == 0 {
		o.err = io.EOF
		return n, err
	}
	return n, nil
}

func TestRead_errorOfBodyOnce(t *testing.T) {
	t.Parallel()
	want := &netError{"reset"}
	content := append(make([]byte, 200_000), text(200)...)
	for _, format := range formats {
		data := encode(t, format, content)
		for _, cut := range []int{1, 2, 20, len(data) - 1, len(data)} {
			r, err := decode.NewReader(io.NopCloser(&once{data[:cut], want}), []string{coding(format)}, none)
			require.NoError(t, err)
			got, err := io.ReadAll(r)
			assert.Same(t, want, err, "%s after %d bytes", format, cut)
			if cut == len(data) {
				assert.Equal(t, content, got, format)
			}
		}
	}
}

// A part that the server flushes is there before the rest is sent.
func TestRead_flushed(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			pr, pw := io.Pipe()
			enc := writer(t, format, pw)
			r, err := decode.NewReader(pr, []string{coding(format)}, none)
			require.NoError(t, err)
			done := make(chan error, 1)
			acked := make(chan bool)
			go func() {
				defer pw.Close()
				for i := range 3 {
					fmt.Fprintf(enc, "event %d\n", i)
					if err := enc.(interface{ Flush() error }).Flush(); err != nil {
						done <- err
						return
					}
					<-acked
				}
				done <- enc.Close()
			}()
			for i := range 3 {
				p := make([]byte, 8)
				_, err := io.ReadFull(r, p)
				require.NoError(t, err)
				assert.Equal(t, fmt.Sprintf("event %d\n", i), string(p))
				acked <- true
			}
			rest, err := io.ReadAll(r)
			require.NoError(t, err)
			assert.Empty(t, rest)
			require.NoError(t, <-done)
		})
	}
}

func TestRead_zstdWindow(t *testing.T) {
	t.Parallel()
	content := text(100)
	for window, ok := range map[int]bool{8 << 20: true, 16 << 20: false, 512 << 20: false} {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1))
		require.NoError(t, err)
		_, err = w.Write(content)
		require.NoError(t, err)
		require.NoError(t, w.Flush()) // so that the size is not known ahead
		require.NoError(t, w.Close())
		got, err := read(t, b.Bytes(), none, "zstd")
		if ok {
			require.NoError(t, err)
			assert.Equal(t, content, got)
			continue
		}
		require.ErrorIs(t, err, decode.ErrDecode)
		assertLimit(t, err, decode.LimitWindow, decode.MaxWindow)
	}
}

// A frame in a single segment has a window of its whole size.
func TestRead_zstdSingleSegment(t *testing.T) {
	t.Parallel()
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000}
	frame = binary.LittleEndian.AppendUint32(frame, 1<<30)
	frame = append(frame, 0, 0, 0)
	_, err := read(t, frame, none, "zstd")
	require.ErrorIs(t, err, decode.ErrDecode)
	assertLimit(t, err, decode.LimitWindow, decode.MaxWindow)
}
