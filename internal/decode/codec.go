package decode

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

var errUnknown = errors.New("unknown coding")

// A decoder undoes one coding of one body.
type decoder interface {
	io.Reader
	release() // gives up what Read used; nothing is called after it
}

// opener returns what makes a decoder of the coding, nil if it is unknown. The
// input of a decoder holds at least one byte.
func opener(coding string) func(*bufio.Reader) (decoder, error) {
	switch coding {
	case "gzip", "x-gzip": // RFC 9110 section 8.4.1.3
		return openGzip
	case "deflate":
		return openDeflate
	case "br":
		return openBrotli
	case "zstd":
		return openZstd
	}
	return nil
}

// The pools hold what no caller of this package ever sees. What is put back reads
// from no body any more.
var (
	buffers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}
	gzips   = sync.Pool{New: func() any { return new(gzip.Reader) }}
	brotlis = sync.Pool{New: func() any { return brotli.NewReader(nil) }}
)

func newBuffer(below io.Reader) *bufio.Reader {
	b := buffers.Get().(*bufio.Reader)
	b.Reset(below)
	return b
}

func freeBuffer(b *bufio.Reader) {
	b.Reset(nil)
	buffers.Put(b)
}

// gzipMagic starts each member: ID1, ID2 and CM (RFC 1952 section 2.3.1).
const gzipMagic = "\x1f\x8b\x08"

// A gzipReader joins the members of a gzip stream. gzip.Reader could do that
// too, but takes what is no member for damage.
type gzipReader struct {
	in *bufio.Reader
	z  *gzip.Reader
}

func openGzip(in *bufio.Reader) (decoder, error) {
	g := &gzipReader{in, gzips.Get().(*gzip.Reader)}
	if !g.more() {
		return g, gzip.ErrHeader
	}
	return g, g.member()
}

// member reads the header of a member.
func (g *gzipReader) member() error {
	err := g.z.Reset(g.in)
	if err == io.EOF { // which is how it puts a name that is cut off
		err = io.ErrUnexpectedEOF
	}
	g.z.Multistream(false)
	return err
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 && err == io.EOF {
			return n, nil
		}
		if err != io.EOF {
			return n, err
		}
		if !g.more() {
			return 0, io.EOF // what else may follow is ignored
		}
		if err := g.member(); err != nil {
			return 0, err
		}
	}
}

// more reports whether a member follows, be it cut off within its magic number.
func (g *gzipReader) more() bool {
	head, _ := g.in.Peek(len(gzipMagic))
	return len(head) > 0 && bytes.HasPrefix([]byte(gzipMagic), head)
}

func (g *gzipReader) release() {
	_ = g.z.Reset(strings.NewReader(emptyMember))
	g.z.Multistream(false)
	_, _ = g.z.Read(make([]byte, 1))
	gzips.Put(g.z)
}

// emptyMember is read between two bodies. A gzip.Reader keeps its tables of
// Huffman codes when it is reset, and a damaged block that has no codes is read
// by them; those of emptyMember, whose block has two codes of 1 bit, are the same
// for all bodies.
const emptyMember = gzipMagic + "\x00\x00\x00\x00\x00\x00\xff" + // RFC 1952 section 2.3
	"\x05\xdd\x81\x00\x00\x00\x00\x00\x90\xff\x6b\x25\x00" + // RFC 1951 section 3.2.7
	"\x00\x00\x00\x00\x00\x00\x00\x00" // the CRC and the length of nothing

// plain is a decoder that leaves nothing to release.
type plain struct{ io.Reader }

func (plain) release() {}

// openDeflate takes the zlib format, which is what deflate means in HTTP, and
// the bare deflate data that some servers send (RFC 9110 section 8.4.1.2).
func openDeflate(in *bufio.Reader) (decoder, error) {
	if head, _ := in.Peek(2); isZlib(head) {
		z, err := zlib.NewReader(in)
		return plain{z}, err
	}
	return plain{flate.NewReader(in)}, nil
}

// isZlib checks the two bytes of a zlib header (RFC 1950 section 2.2). Bare
// deflate data would have to start with a stored block that has bits set in its
// padding to look like it.
func isZlib(head []byte) bool {
	return len(head) == 2 && head[0]&0x0f == 8 && head[0]>>4 <= 7 &&
		(uint(head[0])<<8|uint(head[1]))%31 == 0
}

type brotliReader struct {
	in  *bufio.Reader
	z   *brotli.Reader
	fed int // how many bytes z was given last
}

func openBrotli(in *bufio.Reader) (decoder, error) {
	b := &brotliReader{in: in, z: brotlis.Get().(*brotli.Reader)}
	return b, b.z.Reset(readerFunc(b.feed))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (b *brotliReader) feed(p []byte) (n int, err error) {
	n, err = b.in.Read(p)
	b.fed = n
	return n, err
}

// Read corrects brotli.Reader, which says "excessive input" not only where
// something follows the stream, but also where the last of its bytes came so
// few at a time that it had put them in its buffer of 8 bytes.
func (b *brotliReader) Read(p []byte) (int, error) {
	n, err := b.z.Read(p)
	if err != nil && b.fed <= 8 && err.Error() == "brotli: excessive input" {
		err = io.EOF
	}
	return n, err
}

func (b *brotliReader) release() {
	_ = b.z.Reset(nil)
	brotlis.Put(b.z)
}

type zstdReader struct{ z *zstd.Decoder }

// openZstd decodes in the caller's goroutine and starts none. The decoder is no
// one else's before or after: it holds a channel, and one that was made in a
// bubble of testing/synctest must not be used outside of that.
func openZstd(in *bufio.Reader) (decoder, error) {
	z, err := zstd.NewReader(in,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(MaxWindow))
	return zstdReader{z}, err
}

func (d zstdReader) Read(p []byte) (int, error) {
	n, err := d.z.Read(p)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = &LimitError{LimitWindow, MaxWindow}
	}
	return n, err
}

func (d zstdReader) release() { d.z.Close() }
