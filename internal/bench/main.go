// Command bench runs the benchmarks of this module a number of times, each
// round through all of them, and prints the medians as a Markdown table, beside
// their ratio to net/http's in the same rounds.
//
//	go run . [-bench regexp] [-count n] [-benchtime d]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	pattern := flag.String("bench", ".", "run the benchmarks that match this `regexp`")
	count := flag.Int("count", 6, "number of rounds")
	benchtime := flag.String("benchtime", "500ms", "time for each benchmark, as in go test")
	flag.Parse()

	results, err := measure(*count, "-test.run=^$", "-test.bench="+*pattern, "-test.benchtime="+*benchtime)
	if err == nil {
		err = results.writeTable(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure builds the benchmarks and runs them count times. Rounds come one after
// another, so that what disturbs the machine for a while disturbs all alike.
func measure(count int, args ...string) (*results, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "bench.test")
	if err := run(nil, "go", "test", "-c", "-o", binary, "."); err != nil {
		return nil, err
	}
	results := new(results)
	for range count {
		var out bytes.Buffer
		if err := run(&out, binary, args...); err != nil {
			return nil, err
		}
		results.add(&out)
	}
	return results, nil
}

// run runs a command; what it prints goes to out and to the standard error.
func run(out io.Writer, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if out != nil {
		cmd.Stdout = io.MultiWriter(os.Stderr, out)
	}
	return cmd.Run()
}
