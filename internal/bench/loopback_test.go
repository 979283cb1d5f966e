package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/cbf3e3a9/session"
)

// serverVariable, in the environment, makes this program a server.
const serverVariable = "BENCH_SERVER"

// large is the size of what is streamed, in bytes.
const large = 16 << 20

// serve prints its address and answers until the standard input ends.
func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/things", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answerText)
	})
	mux.HandleFunc("/download", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(large))
		chunk := make([]byte, 64<<10)
		for range large / len(chunk) {
			_, _ = w.Write(chunk)
		}
	})
	mux.HandleFunc("/upload", func(w http.ResponseWriter, req *http.Request) {
		n, _ := io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
	})
	go func() { _ = http.Serve(listener, mux) }()
	fmt.Println("http://" + listener.Addr().String())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startServer starts this program as a server, in a process of its own so that
// its work is not counted, and returns its URL.
func startServer(tb testing.TB) string {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverVariable+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	check(tb, err)
	stdout, err := cmd.StdoutPipe()
	check(tb, err)
	check(tb, cmd.Start())
	tb.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	check(tb, err)
	return strings.TrimSpace(address)
}

// BenchmarkLoopbackCall is BenchmarkCall over a connection to another process.
func BenchmarkLoopbackCall(b *testing.B) {
	url := startServer(b) + "/v1/things"
	for _, m := range makers[:2] {
		b.Run(m.name, func(b *testing.B) { benchmarkCall(b, m.make(b, url, nil)) })
	}
}

// workers is how many goroutines ask at once.
const workers = 64

// BenchmarkParallel is 64 goroutines that make that call with one client.
func BenchmarkParallel(b *testing.B) {
	url := startServer(b) + "/v1/things"
	for _, m := range makers[:2] {
		b.Run(m.name, func(b *testing.B) {
			call := m.make(b, url, nil)
			b.SetParallelism(max(1, workers/runtime.GOMAXPROCS(0)))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := call(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkDownload streams 16 MiB from another process, and keeps nothing.
func BenchmarkDownload(b *testing.B) {
	url := startServer(b) + "/download"
	discard := func(b *testing.B, body io.ReadCloser) {
		n, err := io.Copy(io.Discard, body)
		check(b, errors.Join(err, body.Close()))
		if n != large {
			b.Fatal(n)
		}
	}
	b.Run("nethttp", func(b *testing.B) {
		client := newClient(b, nil)
		b.ReportAllocs()
		for b.Loop() {
			req, err := http.NewRequestWithContext(background, http.MethodGet, url, nil)
			check(b, err)
			resp, err := client.Do(req)
			check(b, err)
			discard(b, resp.Body)
		}
	})
	b.Run("session", func(b *testing.B) {
		s := newSession(b, nil)
		b.ReportAllocs()
		for b.Loop() {
			resp, err := s.Get(background, url, session.Stream(true))
			check(b, err)
			discard(b, resp.Body)
		}
	})
}

// BenchmarkUpload streams 16 MiB to another process: from a reader whose length
// the program knows, and from a file.
func BenchmarkUpload(b *testing.B) {
	url := startServer(b) + "/upload"
	path := filepath.Join(b.TempDir(), "large")
	check(b, os.WriteFile(path, make([]byte, large), 0o600))
	length := session.Header{"Content-Length": {strconv.Itoa(large)}}

	b.Run("reader", func(b *testing.B) {
		benchmarkUpload(b, url,
			func() (io.Reader, error) { return io.LimitReader(zeros{}, large), nil },
			func() []session.Option {
				return []session.Option{session.Reader(io.LimitReader(zeros{}, large)), length}
			})
	})
	b.Run("file", func(b *testing.B) {
		benchmarkUpload(b, url,
			func() (io.Reader, error) { return os.Open(path) },
			func() []session.Option { return []session.Option{session.FromFile(path)} })
	})
}

// benchmarkUpload compares an upload of what open gives by hand with one that
// options describe.
func benchmarkUpload(b *testing.B, url string, open func() (io.Reader, error), options func() []session.Option) {
	want := []byte(strconv.Itoa(large))
	b.Run("nethttp", func(b *testing.B) {
		client := newClient(b, nil)
		b.ReportAllocs()
		for b.Loop() {
			body, err := open()
			check(b, err)
			req, err := http.NewRequestWithContext(background, http.MethodPost, url, body)
			check(b, err)
			req.ContentLength = large
			got, err := send(client, req)
			check(b, err)
			if !bytes.Equal(got, want) {
				b.Fatalf("%q", got)
			}
		}
	})
	b.Run("session", func(b *testing.B) {
		s := newSession(b, nil)
		b.ReportAllocs()
		for b.Loop() {
			resp, err := s.Post(background, url, options()...)
			check(b, err)
			got, err := resp.Bytes()
			check(b, err)
			if !bytes.Equal(got, want) {
				b.Fatalf("%q", got)
			}
		}
	})
}

// zeros is a reader without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
