// Command bench runs the benchmarks of this module a number of times, each
// round through all of them, and prints the medians as a Markdown table, beside
// their ratio to net/http's in the same rounds. Short rounds, and many of them,
// compare best: whatever else the machine does slows neighbours alike.
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
	"regexp"
	"slices"
	"strings"
)

func main() {
	pattern := flag.String("bench", ".", "run the benchmarks that match this `regexp`")
	count := flag.Int("count", 10, "number of rounds")
	benchtime := flag.String("benchtime", "100ms", "time for each benchmark, as in go test")
	flag.Parse()

	results, err := measure(*pattern, *count, *benchtime)
	if err == nil {
		err = results.writeTable(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure builds the benchmarks and runs those that match pattern count times.
func measure(pattern string, count int, benchtime string) (*results, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "bench.test")
	if err := run(nil, "go", "test", "-c", "-o", binary, "."); err != nil {
		return nil, err
	}
	all := new(results)
	if err := all.bench(binary, pattern, "1x"); err != nil {
		return nil, err
	}
	results, names := new(results), all.names
	for range count {
		for _, name := range names {
			if err := results.bench(binary, exactly(name), benchtime); err != nil {
				return nil, err
			}
		}
		slices.Reverse(names)
	}
	return results, nil
}

// bench adds a run of the benchmarks that match pattern. What comes first in a
// process is slower, so each that is measured has a process of its own and is
// run twice there: the second counts.
func (r *results) bench(binary, pattern, benchtime string) error {
	var out bytes.Buffer
	err := run(&out, binary, "-test.run=^$", "-test.count=2", "-test.bench="+pattern, "-test.benchtime="+benchtime)
	r.add(&out)
	return err
}

// exactly is the pattern of one benchmark: go test matches name by name.
func exactly(name string) string {
	parts := strings.Split("Benchmark"+name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
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
