package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A suite is benchmarks that are run alike: those whose names begin with its
// prefix, or "" for all others.
type suite struct {
	prefix    string
	benchtime string // "" is that of the command
	rounds    int    // at most; 0 is any number
	// times is how often a benchmark is run in its process; the last counts.
	// What comes first is slower by microseconds, so it is once where that is
	// nothing.
	times int
}

var (
	short  = suite{times: 2}
	large  = suite{prefix: "Large", benchtime: "1x", rounds: 3, times: 1}
	growth = suite{prefix: "Growth", rounds: 3, times: 1}
)

// has reports whether a benchmark is of the suite.
func (s suite) has(name string) bool {
	if s.prefix != "" {
		return strings.HasPrefix(name, s.prefix)
	}
	return !large.has(name) && !growth.has(name)
}

// measure builds the benchmarks and runs those of the chosen suites that match
// the pattern.
func (c command) measure() (*results, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "bench.test")
	if err := run(nil, "go", "test", "-c", "-o", binary, "."); err != nil {
		return nil, err
	}
	results := &results{Machine: machine()}
	for _, s := range c.suites() {
		if err := c.measureSuite(results, binary, s); err != nil {
			return nil, err
		}
	}
	if len(results.Names) == 0 {
		return nil, fmt.Errorf("no benchmark matches %q", c.pattern)
	}
	return results, nil
}

// measureSuite runs the benchmarks of a suite in rounds. Short rounds, and many
// of them, compare best: whatever else the machine does slows neighbours alike.
// Every other round goes backwards.
func (c command) measureSuite(results *results, binary string, s suite) error {
	names, err := c.names(binary, s)
	if err != nil {
		return err
	}
	benchtime, rounds := c.benchtime, c.count
	if s.benchtime != "" {
		benchtime = s.benchtime
	}
	if s.rounds > 0 {
		rounds = min(rounds, s.rounds)
	}
	results.introduce(names...)
	for range rounds {
		for _, name := range names {
			if err := results.bench(binary, name, benchtime, s.times); err != nil {
				return err
			}
		}
		slices.Reverse(names)
	}
	return nil
}

// names are the benchmarks of a suite that match the pattern. go test names
// those within others only as it runs them, so each is run once.
func (c command) names(binary string, s suite) ([]string, error) {
	var list, out bytes.Buffer
	if err := run(&list, binary, "-test.list=^Benchmark"); err != nil {
		return nil, err
	}
	skip := "-test.skip=" + others(strings.Fields(list.String()), s)
	if err := run(&out, binary, "-test.run=^$", "-test.bench="+c.pattern, "-test.benchtime=1x", skip); err != nil {
		return nil, err
	}
	var once results
	once.add(&out)
	return once.Names, nil
}

// others is a pattern of those benchmarks, by the names of their functions, that
// are not of a suite.
func others(functions []string, s suite) string {
	functions = slices.DeleteFunc(slices.Clone(functions), func(function string) bool {
		return s.has(strings.TrimPrefix(function, "Benchmark"))
	})
	return "^(" + strings.Join(functions, "|") + ")$"
}

// bench adds a run of one benchmark, which has a process of its own.
func (r *results) bench(binary, name, benchtime string, times int) error {
	var out bytes.Buffer
	err := run(&out, binary, "-test.run=^$", "-test.bench="+exactly(name),
		"-test.benchtime="+benchtime, "-test.count="+strconv.Itoa(times))
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
