package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"time"
)

// report is what a run found.
type report struct {
	plan                        plan
	before, tenth, end, after   usage
	held                        usage
	samples                     []usage
	peaks                       []peak
	took                        time.Duration
	operations, requests, hangs int64
	unclosed, closedTwice       int64
	tally                       *tally
}

const mib = 1 << 20

// write writes the table and gives the exit code: 1 where something is not
// zero that has to be.
func (r *report) write(out io.Writer) int {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-34s %s\n", name, fmt.Sprintf(format, args...))
	}
	t := r.tally
	line("run", "seed %d, %d workers, %s on %d processors", r.plan.seed, r.plan.workers, runtime.Version(), runtime.GOMAXPROCS(0))
	line("operations", "%d in %.1f s", r.operations, r.took.Seconds())
	line("requests", "%d, %.0f a second", r.requests, float64(r.requests)/max(r.took.Seconds(), 0.001))
	counts(line, "operations: ", t.operations)
	counts(line, "faults: ", t.faults)
	counts(line, "errors, expected: ", t.kinds)
	line("connections closed under a POST", "%d", t.stale)
	line("garbage taken for an answer", "%d", t.garbage)
	line("ended by the end of another", "%d", t.others)
	line("cancelled", "%d; slowest return %.1f ms after, %d later than %v", t.cancels, float64(t.slowest)/1e6, t.late, prompt)
	r.writeUsage(line)
	return r.writeZeros(out, line)
}

func counts(line func(name, format string, args ...any), title string, of map[string]int64) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		line(title+name, "%d", of[name])
	}
}

func (r *report) writeUsage(line func(name, format string, args ...any)) {
	for _, at := range []struct {
		name string
		usage
	}{{"before", r.before}, {"at 10 %", r.tenth}, {"at the end", r.end}, {fmt.Sprintf("%d held open", r.plan.hold), r.held}, {"after Close", r.after}} {
		if at.goroutines > 0 {
			line(at.name, "%d goroutines, %d descriptors, live heap %.2f MiB, RSS %.1f MiB",
				at.goroutines, at.descriptors, float64(at.heap)/mib, float64(at.rss)/mib)
		}
	}
	line("live heap, from 10 % to the end", "%+.2f MiB", (float64(r.end.heap)-float64(r.tenth.heap))/mib)
	line("RSS slope", "%+.2f MiB for 100,000 operations", slope(r.samples)*1e5/mib)
	for _, p := range r.peaks {
		line(fmt.Sprintf("%d bombs at once: %s", r.plan.bombs, p.coding), "peak RSS %.0f MiB, %.1f s", float64(p.rss)/mib, p.took.Seconds())
	}
}

// writeZeros writes what has to be zero.
func (r *report) writeZeros(out io.Writer, line func(name, format string, args ...any)) (code int) {
	for _, zero := range []struct {
		name  string
		value int64
	}{
		{"unexpected errors", r.tally.unexpected},
		{"wrong bodies", r.tally.wrong},
		{"hangs", r.hangs},
		{"goroutines left", int64(max(0, r.after.goroutines-r.before.goroutines))},
		{"descriptors left", int64(max(0, r.after.descriptors-r.before.descriptors))},
		{"bodies sent, not closed", r.unclosed - r.closedTwice},
		{"bodies sent, closed twice", r.closedTwice},
	} {
		line(zero.name, "%d", zero.value)
		if zero.value != 0 {
			code = 1
		}
	}
	for _, bad := range r.tally.bad {
		fmt.Fprintln(out, bad)
	}
	return code
}
