package decode_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/decode"
)

func TestClose(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		data := encode(t, format, text(100_000))
		for _, n := range []int{0, 10, 200_000} { // not begun, begun, at the end
			b := newBody(data)
			r, err := decode.NewReader(b, []string{coding(format)}, none)
			require.NoError(t, err)
			_, err = io.CopyN(io.Discard, r, int64(n))
			if n < 200_000 {
				require.NoError(t, err)
			}
			require.NoError(t, r.Close())
			require.NoError(t, r.Close())
			assert.Equal(t, 1, b.closed)
			k, err := r.Read(make([]byte, 10))
			assert.Zero(t, k)
			assert.ErrorIs(t, err, http.ErrBodyReadAfterClose)
			assert.NotErrorIs(t, err, decode.ErrDecode)
		}
	}
}

type closeError struct{ io.Reader }

func (closeError) Close() error { return errClose }

var errClose = fmt.Errorf("close")

func TestClose_errorOfBody(t *testing.T) {
	t.Parallel()
	r, err := decode.NewReader(closeError{bytes.NewReader(nil)}, []string{"gzip"}, none)
	require.NoError(t, err)
	assert.Equal(t, errClose, r.Close())
	assert.NoError(t, r.Close())
}

// Close from another goroutine ends a Read that waits for the network.
func TestClose_duringRead(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		data := encode(t, format, text(20_000))
		for _, sent := range []int{0, 1, 50} {
			synctest.Test(t, func(t *testing.T) {
				pr, pw := io.Pipe()
				r, err := decode.NewReader(pr, []string{coding(format)}, none)
				require.NoError(t, err)
				done := make(chan error)
				go func() {
					_, err := io.Copy(io.Discard, r)
					done <- err
				}()
				_, err = pw.Write(data[:sent])
				require.NoError(t, err)
				synctest.Wait() // Read is waiting
				require.NoError(t, r.Close())
				err = <-done
				assert.ErrorIs(t, err, io.ErrClosedPipe)
				assert.NotErrorIs(t, err, decode.ErrDecode)
				_, err = r.Read(make([]byte, 1))
				assert.ErrorIs(t, err, http.ErrBodyReadAfterClose)
			})
		}
	}
}

// closing closes what it is the body of as soon as it is read.
type closing struct {
	io.Reader
	closer io.Closer
}

func (c *closing) Read(p []byte) (int, error) {
	c.closer.Close()
	return c.Reader.Read(p)
}

func (c *closing) Close() error { return nil }

// Close also ends a Read that has all it wants from the network, and is busy
// with what a coding makes of that.
func TestClose_duringDecoding(t *testing.T) {
	t.Parallel()
	members := bytes.Repeat(encode(t, "gzip", nil), 10_000)
	b := &closing{Reader: bytes.NewReader(encode(t, "br", members))}
	r, err := decode.NewReader(b, []string{"gzip, br"}, none)
	require.NoError(t, err)
	b.closer = r
	_, err = r.Read(make([]byte, 1))
	assert.ErrorIs(t, err, http.ErrBodyReadAfterClose)
	assert.NotErrorIs(t, err, decode.ErrDecode)
}

// What is pooled serves one body at a time, however bodies end.
func TestClose_concurrentBodies(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			format := formats[i%len(formats)]
			want := append([]byte{byte(i)}, text(80_000+i)...)
			data := encode(t, format, want)
			for round := range 10 {
				r, err := decode.NewReader(newBody(data), []string{coding(format)}, none)
				if !assert.NoError(t, err) {
					return
				}
				var got bytes.Buffer
				var closing sync.WaitGroup
				if round%2 == 0 {
					closing.Go(func() { r.Close() })
				}
				_, err = io.Copy(&got, r)
				closing.Wait()
				assert.True(t, bytes.HasPrefix(want, got.Bytes()))
				if round%2 == 1 {
					assert.NoError(t, err)
					assert.Equal(t, len(want), got.Len())
				}
				r.Close()
			}
		})
	}
	wg.Wait()
}

// It makes no difference to a body how the one before it ended.
func TestClose_thenTheNextBody(t *testing.T) {
	for _, format := range formats {
		want := text(100_000)
		data := encode(t, format, want)
		damaged := bytes.Clone(data)
		for i := range 50 {
			damaged[len(data)/2+i] ^= 0x55
		}
		for name, before := range map[string][]byte{
			"whole":         data,
			"cut off":       data[:len(data)/2],
			"in its header": data[:1],
			"damaged":       damaged,
			"no such data":  []byte("<html>"),
		} {
			for _, upTo := range []int64{1, 1 << 20} {
				r, err := decode.NewReader(newBody(before), []string{coding(format)}, none)
				require.NoError(t, err)
				_, _ = io.CopyN(io.Discard, r, upTo)
				require.NoError(t, r.Close())

				got, err := read(t, data, none, coding(format))
				require.NoError(t, err, "%s after one that was %s", format, name)
				require.Equal(t, want, got, "%s after one that was %s", format, name)
			}
		}
	}
}

func TestClose_decodersAreUsedAgain(t *testing.T) {
	data := encode(t, "br", text(100_000))
	allocated := func(bodies uint64) uint64 {
		var start, end runtime.MemStats
		runtime.ReadMemStats(&start)
		for range bodies {
			r, err := decode.NewReader(newBody(data), []string{"br"}, none)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, r)
			require.NoError(t, err)
		}
		runtime.ReadMemStats(&end)
		return end.TotalAlloc - start.TotalAlloc
	}
	runtime.GC()
	runtime.GC() // no decoder is left
	first := allocated(1)
	assert.Less(t, allocated(100), 100*first/2)
}

// oneDistance is a gzip member of "aaaa": an "a", then 3 bytes from 1 byte before.
// Its only code for a distance has 1 bit, or 0, which is none: then it is damaged.
func oneDistance(bits uint64) []byte {
	var b bitWriter
	b.number(0b101, 3) // the last block, with codes of its own
	b.number(1, 5)     // 258 codes of literals and lengths, 1 of distances, 18 of lengths of codes
	b.number(0, 5)
	b.number(18-4, 4)
	for _, length := range []uint64{0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 2} { // of the codes of 18, 0, 2 and 1
		b.number(length, 3)
	}
	b.code("0").number(97-11, 7)
	b.code("111") // "a" has a code of 2 bits
	b.code("0").number(138-11, 7)
	b.code("0").number(20-11, 7)
	b.code("111") // so has the end
	b.code("10")  // and 3 bytes one of 1 bit
	b.code([]string{"110", "10"}[bits])
	b.code("10" + "0" + "0" + "11")

	tail := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte("aaaa")))
	return join([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), b.bytes, tail, []byte{4, 0, 0, 0})
}

// A bitWriter writes as RFC 1951 section 3.1.1 says.
type bitWriter struct {
	bytes []byte
	bits  int
}

func (b *bitWriter) number(n uint64, bits int) {
	for i := range bits {
		if b.bits%8 == 0 {
			b.bytes = append(b.bytes, 0)
		}
		b.bytes[b.bits/8] |= byte(n>>i&1) << (b.bits % 8)
		b.bits++
	}
}

func (b *bitWriter) code(code string) *bitWriter {
	for _, bit := range code {
		b.number(uint64(bit-'0'), 1)
	}
	return b
}

// The codes of a body are no other body's.
func TestClose_codesAreForgotten(t *testing.T) {
	for range 20 {
		got, err := read(t, oneDistance(1), none, "gzip")
		require.NoError(t, err)
		require.Equal(t, "aaaa", string(got))
		_, err = read(t, oneDistance(0), none, "gzip")
		require.ErrorIs(t, err, decode.ErrDecode)
	}
}
