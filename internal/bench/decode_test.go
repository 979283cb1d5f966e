package main_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/cbf3e3a9/session"
)

// codings are those that a session decodes and a server may choose from.
var codings = [...]string{"gzip", "zstd", "br"}

// proseLength is how long the text that is decoded is, in bytes.
const proseLength = 4 << 20

// prose is lines of made-up words, the same each time, which become a third to a
// quarter as long when they are compressed.
var prose = sync.OnceValue(func() string {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4_000)
	for i := range words {
		word := make([]byte, 2+random.IntN(9))
		for j := range word {
			word[j] = 'a' + byte(random.IntN(26))
		}
		words[i] = string(word)
	}
	var text strings.Builder
	for text.Len() < proseLength {
		// The square favours some words, as languages do.
		share := random.Float64()
		text.WriteString(words[int(share*share*float64(len(words)))])
		text.WriteByte(" \n"[min(1, random.IntN(12)/11)])
	}
	return text.String()[:proseLength]
})

// encodings are prose in each content coding.
var encodings = map[string]func() []byte{
	"gzip": encoding(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
	"zstd": encoding(func(w io.Writer) io.WriteCloser {
		encoder, _ := zstd.NewWriter(w) // it is options that can be wrong
		return encoder
	}),
	"br": encoding(func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }),
}

// encoding is prose in one coding, made when it is first asked for.
func encoding(open func(io.Writer) io.WriteCloser) func() []byte {
	return sync.OnceValue(func() []byte {
		var out bytes.Buffer
		w := open(&out)
		_, _ = io.WriteString(w, prose())
		_ = w.Close()
		return out.Bytes()
	})
}

// A decoder gets a URL, and gives the body decoded.
type decoder struct {
	name string
	get  func(url string) (io.ReadCloser, error)
}

// decoders compares a session with net/http, which decodes gzip by itself; for
// the other codings the program decodes, as the packages' documentation shows.
func decoders(tb testing.TB, coding string) []decoder {
	client, s := newClient(tb, nil), newSession(tb, nil)
	return []decoder{
		{"nethttp", func(url string) (io.ReadCloser, error) { return getDecoded(client, url, coding) }},
		{"session", func(url string) (io.ReadCloser, error) {
			resp, err := s.Get(background, url, session.Stream(true))
			if err != nil {
				return nil, err
			}
			return resp.Body, nil
		}},
	}
}

func getDecoded(client *http.Client, url, coding string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(background, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if coding != "gzip" {
		req.Header.Set("Accept-Encoding", coding)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	switch resp.Header.Get("Content-Encoding") {
	case "zstd":
		decoder, err := zstd.NewReader(resp.Body)
		return zstdBody{decoder, resp.Body}, err
	case "br":
		return joined{brotli.NewReader(resp.Body), resp.Body}, nil
	}
	return resp.Body, nil
}

// zstdBody closes its decoder too.
type zstdBody struct {
	*zstd.Decoder
	body io.Closer
}

func (b zstdBody) Close() error {
	b.Decoder.Close()
	return b.body.Close()
}

// BenchmarkDecode streams 4 MiB of text from another process, compressed.
func BenchmarkDecode(b *testing.B) {
	server := startServer(b)
	for _, coding := range codings {
		for _, d := range decoders(b, coding) {
			url := server + "/encoded/" + coding
			b.Run(coding+"/"+d.name, func(b *testing.B) {
				check(b, discardText(d.get(url))) // the server makes it now
				b.SetBytes(proseLength)
				b.ReportAllocs()
				for b.Loop() {
					check(b, discardText(d.get(url)))
				}
			})
		}
	}
}

func discardText(body io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer body.Close()
	n, err := io.Copy(io.Discard, body)
	if err == nil && n != proseLength {
		err = fmt.Errorf("%d bytes of text", n)
	}
	return err
}
