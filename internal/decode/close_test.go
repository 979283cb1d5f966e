package decode_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
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
