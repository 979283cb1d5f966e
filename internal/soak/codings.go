package main

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// codings lists the values of Content-Encoding that the server can give;
// deflate comes in both of its framings.
var codings = []string{"gzip", "deflate", "raw deflate", "br", "zstd", "gzip, br"}

// encode puts data into a coding of the list, and gives its name in the header.
func encode(coding string, data []byte) (string, []byte) {
	name := strings.TrimPrefix(coding, "raw ")
	for each := range strings.SplitSeq(coding, ", ") {
		var b bytes.Buffer
		w := encoder(each, &b)
		_, _ = w.Write(data)
		_ = w.Close()
		data = b.Bytes()
	}
	return name, data
}

func encoder(coding string, to io.Writer) io.WriteCloser {
	switch coding {
	case "gzip":
		return gzip.NewWriter(to)
	case "deflate":
		return zlib.NewWriter(to)
	case "raw deflate":
		w, _ := flate.NewWriter(to, flate.DefaultCompression)
		return w
	case "br":
		return brotli.NewWriterLevel(to, 2)
	}
	w, _ := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	return w
}

// bombPieces says of how many streams of 8 MiB of zeros each bomb is made. gzip,
// whose ratio is 1032 at most, needs many to be seen for what it is; a stream of
// br has no other behind it, and is longer.
var bombPieces = map[string]int{"gzip": 32, "br": 1, "zstd": 8}

// bomb is many zeros in a coding.
func bomb(coding string) []byte {
	var b bytes.Buffer
	w, size := encoder(coding, &b), 8<<20
	switch coding {
	case "gzip":
		w, _ = gzip.NewWriterLevel(&b, gzip.BestCompression)
	case "br":
		size *= 8
	}
	_, _ = w.Write(make([]byte, size))
	_ = w.Close()
	return bytes.Repeat(b.Bytes(), bombPieces[coding])
}

// bombCodings lists the codings that bombs come in.
var bombCodings = []string{"gzip", "br", "zstd"}
