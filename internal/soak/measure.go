package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// usage is what this process holds at a moment.
type usage struct {
	goroutines  int
	descriptors int
	heap        uint64 // live, in bytes, after two collections
	rss         uint64 // resident, in bytes
	done        int64  // operations until then
}

// measure collects twice, so that what finalizers and pools hold is gone.
func measure() usage {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return usage{runtime.NumGoroutine(), descriptors(), stats.HeapAlloc, resident("VmRSS:"), 0}
}

// settled waits, up to two seconds, until no more is held than before.
func settled(before usage) usage {
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		now := measure()
		if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors || time.Now().After(end) {
			return now
		}
	}
}

// descriptors is the number of open ones, 0 where that cannot be told.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries) - 1 // but for the one that reads the folder
}

// resident is a value of /proc/self/status in bytes, 0 where there is none.
func resident(name string) uint64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), name)
	text, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kib, _ := strconv.ParseUint(text, 10, 64)
	return kib << 10
}

// resetPeak has VmHWM, the most that was resident, begin anew.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// slope is the growth of the resident memory, in bytes for an operation, by
// least squares.
func slope(samples []usage) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, s := range samples {
		x, y := float64(s.done), float64(s.rss)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	if below := n*sxx - sx*sx; below > 0 {
		return (n*sxy - sx*sy) / below
	}
	return 0
}
