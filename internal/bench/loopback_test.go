package main_test

import (
	"runtime"
	"testing"
)

// onNetwork are those who make the call over the network.
func onNetwork() []maker {
	return append(makers[:len(makers):len(makers)], maker{"transport", callWithTransport})
}

// BenchmarkLoopbackCall is BenchmarkCall over a connection to another process.
// Python's calls are made, and repeated, in a process of its own too.
func BenchmarkLoopbackCall(b *testing.B) {
	url := startServer(b) + "/v1/things"
	for _, m := range onNetwork() {
		b.Run(m.name, func(b *testing.B) { benchmarkCall(b, m.make(b, url, nil)) })
	}
	var started *python
	b.Run("python-requests", func(own *testing.B) {
		if started == nil {
			started = startPython(b, own, url)
		}
		own.ResetTimer()
		started.call(own, own.N)
	})
}

// workers is how many goroutines ask at once.
const workers = 64

// BenchmarkParallel is 64 goroutines that make that call with one client.
func BenchmarkParallel(b *testing.B) {
	url := startServer(b) + "/v1/things"
	for _, m := range onNetwork() {
		b.Run(m.name, func(b *testing.B) {
			call := m.make(b, url, nil)
			inParallel(b, func() {
				if _, err := call(); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// inParallel measures work that 64 goroutines do.
func inParallel(b *testing.B, work func()) {
	b.SetParallelism(max(1, workers/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			work()
		}
	})
}
