package main

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPatternOfOneBenchmark(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "^BenchmarkA$/^1\\.5$/^b-c$", exactly("A/1.5/b-c"))
}

func TestEachBenchmarkIsOfOneSuite(t *testing.T) {
	t.Parallel()
	functions := []string{"BenchmarkCall", "BenchmarkLargeLines", "BenchmarkGrowthRequests"}
	for i, s := range []suite{short, large, growth} {
		skipped := regexp.MustCompile(others(functions, s))
		for j, function := range functions {
			assert.Equal(t, i != j, skipped.MatchString(function), "%s of %q", function, s.prefix)
		}
	}
}

func TestFlagsChooseSuites(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []suite{short}, command{}.suites())
	assert.Equal(t, []suite{large}, command{large: true}.suites())
	assert.Equal(t, []suite{large, growth}, command{large: true, growth: true}.suites())
	assert.Equal(t, []suite{short, large, growth}, command{write: true, large: true}.suites())
}
