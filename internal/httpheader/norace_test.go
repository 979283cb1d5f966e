//go:build !race

package httpheader_test

const slowdown = 1
