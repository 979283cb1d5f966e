package main_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cbf3e3a9/session"
)

// lineLength is that of each line, its end included.
const lineLength = 128

// lineStub answers with a body of lines, which is as long and made as it is read.
type lineStub struct{ length int64 }

func (s lineStub) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := respond(req, http.StatusOK, "", http.Header{"Content-Type": {"text/plain; charset=utf-8"}})
	resp.ContentLength = s.length
	resp.Body = io.NopCloser(io.LimitReader(new(lineReader), s.length))
	return resp, nil
}

// block is lines that fill the buffers of readers.
var block = strings.Repeat(strings.Repeat("x", lineLength-1)+"\n", 64<<10/lineLength)

// lineReader is a reader of lines without an end.
type lineReader struct{ at int }

func (r *lineReader) Read(p []byte) (int, error) {
	n := copy(p, block[r.at:])
	r.at = (r.at + n) % len(block)
	return n, nil
}

// counted is how many lines there are, and how many bytes in them.
type counted struct{ lines, bytes int64 }

// linesByHand reads them as bufio's documentation shows.
func linesByHand(client *http.Client) (got counted, err error) {
	req, err := http.NewRequestWithContext(background, http.MethodGet, shop, nil)
	if err != nil {
		return got, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return got, err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, session.MaxLine)
	for lines.Scan() {
		got.lines++
		got.bytes += int64(len(lines.Bytes()))
	}
	return got, errors.Join(lines.Err(), resp.Body.Close())
}

func linesOfSession(s *session.Session) (got counted, err error) {
	resp, err := s.Get(background, shop, session.Stream(true))
	if err != nil {
		return got, err
	}
	for line, err := range resp.Lines() {
		if err != nil {
			return got, err
		}
		got.lines++
		got.bytes += int64(len(line))
	}
	return got, nil
}

// BenchmarkLines reads a body of 16 MiB line by line.
func BenchmarkLines(b *testing.B) { benchmarkLines(b, medium) }

// BenchmarkLargeLines reads one of 1 GiB.
func BenchmarkLargeLines(b *testing.B) { benchmarkLines(b, huge) }

func benchmarkLines(b *testing.B, length int64) {
	checkLines := func(got counted, err error) error {
		if err == nil && got.lines != length/lineLength {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	client := newClient(b, lineStub{length})
	benchmarkBody(b, "nethttp", length, func() error { return checkLines(linesByHand(client)) })
	s := newSession(b, lineStub{length})
	benchmarkBody(b, "session", length, func() error { return checkLines(linesOfSession(s)) })
}
