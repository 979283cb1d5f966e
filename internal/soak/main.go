// Command soak drives one session, and clones of it, with mixed load against
// servers of its own that answer well, badly and not at all, and counts what
// should never happen. See README.md.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// plan says what a run does.
type plan struct {
	duration time.Duration // of the mixed load, at most
	requests int64         // operations of the mixed load, at most
	workers  int           // that carry them out at once
	seed     uint64        // of every choice
	faults   int64         // every nth operation meets one; 0 is none
	cancel   int64         // operations that are cancelled
	hold     int           // requests held open at once
	bombs    int           // of each coding, all at once
	codings  []string      // that bombs come in
}

func main() {
	if isServer() {
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	p, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	os.Exit(run(p, os.Stdout))
}

// parse reads the command line.
func parse(args []string) (plan, error) {
	p := plan{codings: bombCodings}
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.DurationVar(&p.duration, "duration", time.Minute, "how long the mixed load runs at most")
	f.Int64Var(&p.requests, "requests", 100_000, "operations of the mixed load, of one request or more")
	f.IntVar(&p.workers, "workers", 64, "operations at once")
	f.Uint64Var(&p.seed, "seed", 1, "of every choice: the same seed, the same operations")
	f.Int64Var(&p.faults, "faults", 20, "every nth operation meets a fault; 0 is none")
	f.Int64Var(&p.cancel, "cancel", 10_000, "operations cancelled at a random moment")
	f.IntVar(&p.hold, "hold", 1000, "requests held open at once")
	f.IntVar(&p.bombs, "bombs", 10, "decompression bombs of each coding, at once")
	return p, f.Parse(args)
}

// run carries a plan out, writes the report and gives the exit code.
func run(p plan, out io.Writer) int {
	r := &report{plan: p}
	where, stop, err := startServers()
	if err != nil {
		fmt.Fprintln(out, "the servers do not start:", err)
		return 1
	}
	defer stop()
	r.before = measure()
	l, err := newLoad(p, where)
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	l.run(r)
	l.hold(r)
	l.bomb(r)
	l.close(r)
	return r.write(out)
}
