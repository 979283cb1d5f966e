package main_test

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// script makes the call with Python's requests.
//
//go:embed call.py
var script string

// python is a process that makes calls with Python's requests.
type python struct {
	in  io.Writer
	out *bufio.Reader
}

// startPython starts a process that calls that URL, until tb ends; it skips
// skipping where there is no python3 or no requests.
func startPython(tb, skipping testing.TB, url string) *python {
	tb.Helper()
	if err := exec.Command("python3", "-c", "import requests").Run(); err != nil {
		skipping.Skip("python3 or its requests is missing")
	}
	cmd := exec.Command("python3", "-c", script, url)
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
	return &python{stdin, bufio.NewReader(stdout)}
}

// call has the call made n times, one after the other.
func (p *python) call(tb testing.TB, n int) {
	_, err := fmt.Fprintln(p.in, n)
	check(tb, err)
	_, err = p.out.ReadString('\n')
	check(tb, err)
}
