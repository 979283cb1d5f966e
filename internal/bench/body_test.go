package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cbf3e3a9/session"
)

// Lengths of what is streamed, in bytes. Benchmarks of the huge one are named
// Large, by which main.go tells them.
const (
	medium = 16 << 20
	huge   = 1 << 30
)

// BenchmarkDownload streams 16 MiB from another process, and keeps nothing.
func BenchmarkDownload(b *testing.B) { benchmarkDownload(b, medium) }

// BenchmarkLargeDownload streams 1 GiB.
func BenchmarkLargeDownload(b *testing.B) { benchmarkDownload(b, huge) }

func benchmarkDownload(b *testing.B, length int64) {
	url := startServer(b) + "/download/" + strconv.FormatInt(length, 10)
	for _, s := range senders(b) {
		benchmarkBody(b, s.name, length, func() error {
			req, err := http.NewRequestWithContext(background, http.MethodGet, url, nil)
			if err != nil {
				return err
			}
			return discard(s.send, req, length)
		})
	}
	s := newSession(b, nil)
	benchmarkBody(b, "session", length, func() error {
		resp, err := s.Get(background, url, session.Stream(true))
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if n != length {
			err = fmt.Errorf("%d bytes instead of %d: %w", n, length, err)
		}
		return errors.Join(err, resp.Body.Close())
	})
}

func benchmarkBody(b *testing.B, name string, length int64, transfer func() error) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(length)
		b.ReportAllocs()
		for b.Loop() {
			check(b, transfer())
		}
	})
}

// BenchmarkUpload streams 16 MiB to another process: from a reader whose length
// the program knows, from a file, and from a file within a form.
func BenchmarkUpload(b *testing.B) { benchmarkUpload(b, medium) }

// BenchmarkLargeUpload streams 1 GiB.
func BenchmarkLargeUpload(b *testing.B) { benchmarkUpload(b, huge) }

func benchmarkUpload(b *testing.B, length int64) {
	for _, u := range uploads(b, startServer(b)+"/upload", length) {
		for _, s := range senders(b) {
			benchmarkBody(b, u.name+"/"+s.name, length, func() error { return u.byHand(s.send) })
		}
		s := newSession(b, nil)
		benchmarkBody(b, u.name+"/session", length, func() error { return u.bySession(s) })
	}
}

// An upload sends the same body, made by hand or by the options of a session.
type upload struct {
	name        string
	url         string
	length      int64
	newRequest  func() (*http.Request, error)
	makeOptions func() []session.Option
}

// uploads send so many zeros. Their file has no blocks, so that no disk is read.
func uploads(tb testing.TB, url string, length int64) []upload {
	path := filepath.Join(tb.TempDir(), "large")
	check(tb, os.WriteFile(path, nil, 0o600))
	check(tb, os.Truncate(path, length))
	return []upload{
		{"reader", url, length,
			func() (*http.Request, error) { return uploadOf(io.LimitReader(zeros{}, length), url, length) },
			func() []session.Option {
				return []session.Option{
					session.Reader(io.LimitReader(zeros{}, length)),
					session.Header{"Content-Length": {strconv.FormatInt(length, 10)}},
				}
			}},
		{"file", url, length,
			func() (*http.Request, error) { return uploadOfFile(path, url, length) },
			func() []session.Option { return []session.Option{session.FromFile(path)} }},
		{"multipart", url, length,
			func() (*http.Request, error) { return uploadOfForm(path, url, length) },
			func() []session.Option {
				return []session.Option{
					session.Form{"title": {"large"}},
					session.Files{{Field: "file", ContentType: "application/octet-stream", Path: path}},
				}
			}},
	}
}

func uploadOf(body io.Reader, url string, length int64) (*http.Request, error) {
	req, err := http.NewRequestWithContext(background, http.MethodPost, url, body)
	if err == nil {
		req.ContentLength = length
	}
	return req, err
}

func uploadOfFile(path, url string, length int64) (*http.Request, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return uploadOf(file, url, length)
}

// uploadOfForm writes what stands before and after the file beforehand, so that
// the length is known.
func uploadOfForm(path, url string, length int64) (*http.Request, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	err = form.WriteField("title", "large")
	if err == nil {
		_, err = form.CreateFormFile("file", filepath.Base(path))
	}
	before := frame.Len()
	if err = errors.Join(err, form.Close()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	body := joined{io.MultiReader(
		bytes.NewReader(frame.Bytes()[:before]), file, bytes.NewReader(frame.Bytes()[before:])), file}
	req, err := uploadOf(body, url, length+int64(frame.Len()))
	if err == nil {
		req.Header.Set("Content-Type", form.FormDataContentType())
	}
	return req, err
}

// joined is a reader, and what is closed with it.
type joined struct {
	io.Reader
	io.Closer
}

func (u upload) byHand(send sender) error {
	req, err := u.newRequest()
	if err != nil {
		return err
	}
	resp, err := send(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	return errors.Join(err, resp.Body.Close(), u.checkAnswer(answer))
}

func (u upload) bySession(s *session.Session) error {
	resp, err := s.Post(background, u.url, u.makeOptions()...)
	if err != nil {
		return err
	}
	answer, err := resp.Bytes()
	return errors.Join(err, u.checkAnswer(answer))
}

// checkAnswer looks whether the server counted the file; a form is a little longer.
func (u upload) checkAnswer(answer []byte) error {
	n, err := strconv.ParseInt(string(answer), 10, 64)
	if err == nil && (n < u.length || n > u.length+1000) {
		err = fmt.Errorf("%d bytes came of %d", n, u.length)
	}
	return err
}

// zeros is a reader without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// countZeros says how many zeros there are, and nothing else.
func countZeros(r io.Reader) string {
	data, err := io.ReadAll(r)
	if err != nil || len(bytes.Trim(data, "\x00")) > 0 {
		return "no zeros"
	}
	return "zeros: " + strconv.Itoa(len(data))
}
