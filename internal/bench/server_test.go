package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
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
	go func() { _ = http.Serve(listener, newMux()) }()
	fmt.Println("http://" + listener.Addr().String())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// newMux answers what the benchmarks ask for.
func newMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/things", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answerText)
	})
	mux.HandleFunc("/download/{length}", func(w http.ResponseWriter, req *http.Request) {
		length, _ := strconv.ParseInt(req.PathValue("length"), 10, 64)
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
		for chunk := make([]byte, 64<<10); length > 0; length -= int64(len(chunk)) {
			_, _ = w.Write(chunk)
		}
	})
	mux.HandleFunc("/upload", func(w http.ResponseWriter, req *http.Request) {
		n, _ := io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
	})
	mux.HandleFunc("/encoded/{coding}", func(w http.ResponseWriter, req *http.Request) {
		coding := req.PathValue("coding")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Content-Encoding", coding)
		_, _ = w.Write(encodings[coding]())
	})
	mux.HandleFunc("/{left}", hop)
	return mux
}

// hop does over the network what threeHops does.
func hop(w http.ResponseWriter, req *http.Request) {
	resp, err := threeHops{}.RoundTrip(req)
	if err != nil {
		http.NotFound(w, req)
		return
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
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
