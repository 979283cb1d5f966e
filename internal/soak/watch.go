package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"sync/atomic"
	"time"
)

const (
	// deadline is how long an operation may take: its context ends then.
	deadline = 10 * time.Second
	// grace is how much longer it may take before it counts as a hang.
	grace = time.Second
)

// watch looks at what is in flight, and counts what hangs.
type watch struct {
	slots []slot
	hangs atomic.Int64
}

// slot is what one worker does.
type slot struct {
	until atomic.Int64 // nanoseconds since 1970; 0 while it does nothing
	index atomic.Int64
}

func newWatch(workers int) *watch { return &watch{slots: make([]slot, workers)} }

// begin notes that a worker carries an operation out; the function it gives
// notes the end.
func (w *watch) begin(worker int, index int64) (end func()) {
	s := &w.slots[worker]
	s.index.Store(index)
	s.until.Store(time.Now().Add(deadline + grace).UnixNano())
	return func() { s.until.Store(0) }
}

// run looks until done is closed. The first hang writes all stacks to stderr.
func (w *watch) run(done <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			w.look(now)
		}
	}
}

func (w *watch) look(now time.Time) {
	for i := range w.slots {
		s := &w.slots[i]
		until := s.until.Load()
		if until == 0 || now.UnixNano() < until || !s.until.CompareAndSwap(until, 0) {
			continue
		}
		fmt.Fprintln(os.Stderr, "operation", s.index.Load(), "hangs")
		if w.hangs.Add(1) == 1 {
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		}
	}
}
