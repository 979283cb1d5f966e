package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine says what the benchmarks run on: processor, system and Go.
func machine() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	plural := "s"
	if runtime.NumCPU() == 1 {
		plural = ""
	}
	return fmt.Sprintf("%s, %d CPU%s, %s/%s, %s",
		processor(string(info)), runtime.NumCPU(), plural, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// processor is the name of the first processor that Linux's /proc/cpuinfo lists.
func processor(info string) string {
	for line := range strings.Lines(info) {
		if key, name, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(name)
		}
	}
	return "unknown processor"
}
