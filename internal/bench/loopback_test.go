package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/go-resty/resty/v2"

	"github.com/cbf3e3a9/session"
)

// serverVariable, in the environment, makes this program a server.
const serverVariable = "BENCH_SERVER"

// serve prints its address and answers until the standard input ends.
func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	body := []byte(strings.Repeat(answerText+"\n", 10))
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}))
	}()
	fmt.Println("http://" + listener.Addr().String() + "/")
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

// getters are the ways to get a page and read it.
func getters(tb testing.TB) []getter {
	newTransport := func() *http.Transport {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = workers + 1
		return t
	}
	bare := newTransport()
	client := &http.Client{Transport: newTransport(), Jar: newJar(tb)}
	s := session.New()
	rest := resty.NewWithClient(&http.Client{Transport: newTransport(), Jar: newJar(tb)})
	tb.Cleanup(func() {
		bare.CloseIdleConnections()
		client.CloseIdleConnections()
		rest.GetClient().CloseIdleConnections()
		_ = s.Close()
	})
	byHand := func(url string, do func(*http.Request) (*http.Response, error)) ([]byte, error) {
		req, err := http.NewRequestWithContext(background, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("User-Agent", "bench/1.0")
		req.Header.Set("Accept", "*/*")
		resp, err := do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		return io.ReadAll(resp.Body)
	}
	return []getter{
		{"nethttp", func(url string) ([]byte, error) { return byHand(url, client.Do) }},
		{"transport", func(url string) ([]byte, error) { return byHand(url, bare.RoundTrip) }},
		{"session", func(url string) ([]byte, error) {
			resp, err := s.Get(background, url)
			if err != nil {
				return nil, err
			}
			return resp.Bytes()
		}},
		{"resty2", func(url string) ([]byte, error) {
			resp, err := rest.R().Get(url)
			if err != nil {
				return nil, err
			}
			return resp.Body(), nil
		}},
	}
}

type getter struct {
	name string
	get  func(url string) ([]byte, error)
}

// workers is how many goroutines ask at once.
const workers = 64

// BenchmarkLoopback gets a page of 1 KiB from a server in another process.
func BenchmarkLoopback(b *testing.B) {
	url := startServer(b)
	b.Run("one", func(b *testing.B) {
		for _, g := range getters(b) {
			b.Run(g.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, err := g.get(url)
					check(b, err)
				}
			})
		}
	})
	b.Run("64", func(b *testing.B) {
		for _, g := range getters(b) {
			b.Run(g.name, func(b *testing.B) {
				b.SetParallelism(max(1, workers/runtime.GOMAXPROCS(0)))
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := g.get(url); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	})
}
