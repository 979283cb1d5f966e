package decode_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"runtime"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/decode"
)

func TestLimits_maxSize(t *testing.T) {
	t.Parallel()
	want := text(100_000)
	for _, format := range formats {
		data := encode(t, format, want)

		got, err := read(t, data, decode.Limits{MaxSize: int64(len(want))}, coding(format))
		require.NoError(t, err, format)
		assert.Equal(t, want, got, format)

		for _, limit := range []int64{1, 70_000, int64(len(want)) - 1} {
			got, err = read(t, data, decode.Limits{MaxSize: limit}, coding(format))
			assertLimit(t, err, decode.LimitSize, limit)
			assert.NotErrorIs(t, err, decode.ErrDecode)
			assert.Equal(t, want[:limit], got, format)
		}
	}
}

// brotliBomb is 40 MiB of zeros.
const brotliBomb = "cbffff3f002400e2b14072effff8ffff078004401c1680eefd1fffffff009000" +
	"88c302d0bdffe3ffff1f001200715800baf77ffcffff034002200e0b40f7fe6f"

func TestLimits_maxRatio(t *testing.T) {
	t.Parallel()
	br, err := hex.DecodeString(brotliBomb)
	require.NoError(t, err)
	zeros := make([]byte, 1<<20)
	for format, data := range map[string][]byte{
		"gzip": bytes.Repeat(encode(t, "gzip", zeros), 40),
		"zstd": bytes.Repeat(encode(t, "zstd", zeros), 40),
		"br":   br,
	} {
		r, err := decode.NewReader(newBody(data), []string{format}, decode.Limits{MaxRatio: 500})
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, r)
		assertLimit(t, err, decode.LimitRatio, 500)
		assert.NotErrorIs(t, err, decode.ErrDecode)
		assert.Greater(t, n, int64(decode.RatioFloor))
		assert.Less(t, n, int64(39<<20))
	}
}

// Up to the floor any ratio will do.
func TestLimits_maxRatioFloor(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat(encode(t, "zstd", make([]byte, 1<<20)), decode.RatioFloor>>20)
	r, err := decode.NewReader(newBody(data), []string{"zstd"}, decode.Limits{MaxRatio: 1})
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, r)
	require.NoError(t, err)
	assert.EqualValues(t, decode.RatioFloor, n)
}

// Content far more regular than what servers send stays well below the ratio.
func TestLimits_maxRatioPasses(t *testing.T) {
	t.Parallel()
	const n = decode.RatioFloor>>20 + 4
	content := bytes.Repeat(text(16<<10), 64)
	for _, format := range []string{"gzip", "zstd"} {
		limits := decode.Limits{MaxRatio: decode.DefaultMaxRatio}
		r, err := decode.NewReader(newBody(bytes.Repeat(encode(t, format, content), n)), []string{format}, limits)
		require.NoError(t, err)
		got, err := io.Copy(io.Discard, r)
		require.NoError(t, err, format)
		assert.EqualValues(t, n<<20, got, format)
	}
}

// What lies between two codings is bounded too: here nothing comes out on top.
func TestLimits_maxRatioBetween(t *testing.T) {
	t.Parallel()
	var member bytes.Buffer
	w := gzip.NewWriter(&member)
	w.Extra = make([]byte, 65535)
	require.NoError(t, w.Close())
	data := bytes.Repeat(encode(t, "zstd", member.Bytes()), decode.RatioFloor>>16+10)
	_, err := read(t, data, decode.Limits{MaxRatio: decode.DefaultMaxRatio}, "gzip, zstd")
	assertLimit(t, err, decode.LimitRatio, decode.DefaultMaxRatio)
}

// A bomb that is read in small pieces is decoded in small pieces.
func TestRead_bombHeap(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			data := encode(t, format, make([]byte, 10<<20))
			start := heap()
			r, err := decode.NewReader(newBody(data), []string{coding(format)}, none)
			require.NoError(t, err)
			p := make([]byte, 1024)
			for i := range 10 << 10 {
				_, err := io.ReadFull(r, p)
				require.NoError(t, err)
				if i%2048 == 0 {
					require.Less(t, heap()-start, int64(8<<20))
				}
			}
			runtime.KeepAlive(data)
		})
	}
}

// A zstd frame may have declared the largest window; then it takes that much.
func TestRead_zstdLargestWindowHeap(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(decode.MaxWindow), zstd.WithEncoderConcurrency(1))
	require.NoError(t, err)
	_, err = io.CopyN(w, endless(0), 16<<20)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	w = nil
	start := heap()
	r, err := decode.NewReader(newBody(b.Bytes()), []string{"zstd"}, none)
	require.NoError(t, err)
	_, err = io.CopyN(io.Discard, r, 12<<20)
	require.NoError(t, err)
	assert.Less(t, heap()-start, int64(decode.MaxWindow+2<<20))
	require.NoError(t, r.Close())
	runtime.KeepAlive(b)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
