//go:build race

package httpheader_test

// slowdown allows for the race detector.
const slowdown = 50
