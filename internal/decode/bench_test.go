package decode_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"io"
	"testing"

	"github.com/cbf3e3a9/session/internal/decode"
)

func BenchmarkRead(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20} {
		content := text(size)
		for _, format := range formats {
			data := encode(b, format, content)
			bench(b, format, size, data, func(r io.Reader) (io.Reader, error) {
				return decode.NewReader(io.NopCloser(r), []string{coding(format)}, decode.Limits{MaxRatio: decode.DefaultMaxRatio})
			})
		}
		bench(b, "stdlib-gzip", size, encode(b, "gzip", content), func(r io.Reader) (io.Reader, error) {
			return stdgzip.NewReader(r)
		})
	}
}

func bench(b *testing.B, name string, size int, data []byte, open func(io.Reader) (io.Reader, error)) {
	b.Run(fmt.Sprintf("%s/%dKiB", name, size>>10), func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		buf := make([]byte, 32<<10)
		for b.Loop() {
			r, err := open(bytes.NewReader(data))
			if err != nil {
				b.Fatal(err)
			}
			// No WriteTo, for a response is read in pieces.
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf)
			if err != nil || n != int64(size) {
				b.Fatal(n, err)
			}
		}
	})
}
