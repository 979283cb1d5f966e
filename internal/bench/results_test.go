package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rounds are what go test prints in three rounds; the first has one result twice.
var rounds = []string{
	`goos: linux
cpu: some
BenchmarkCall/nethttp-2   	       1	      9000 ns/op	     900 B/op	      20 allocs/op
BenchmarkCall/nethttp-2   	     100	      1000 ns/op	     800 B/op	      10 allocs/op
BenchmarkCall/session-2   	     100	       800 ns/op	     400 B/op	       5 allocs/op
BenchmarkJar/10/session   	     100	      12.5 ns/op	       0 B/op	       0 allocs/op
BenchmarkUpload/nethttp-2 	       1	        10 ns/op	    20 MB/s
PASS
`,
	`BenchmarkCall/nethttp-2 100 4000 ns/op 800 B/op 10 allocs/op
BenchmarkCall/session-2 100 2000 ns/op 400 B/op 5 allocs/op
BenchmarkJar/10/session 100 12.5 ns/op 0 B/op 0 allocs/op
`,
	`BenchmarkCall/nethttp-2 100 2000 ns/op 800 B/op 10 allocs/op
BenchmarkCall/session-2 100 1400 ns/op 400 B/op 5 allocs/op
BenchmarkJar/10/session 100 14.5 ns/op 0 B/op 0 allocs/op
`,
}

func TestTable(t *testing.T) {
	t.Parallel()
	var r results
	for _, round := range rounds {
		r.add(strings.NewReader(round))
	}
	var out strings.Builder
	require.NoError(t, r.writeTable(&out))
	// Ratios are taken in each round: 0.8, 0.5 and 0.7.
	assert.Equal(t, `| benchmark | | ns/op | B/op | allocs/op | time | quartiles | bytes | allocs |
|---|---|--:|--:|--:|--:|--:|--:|--:|
| Call | nethttp | 2000 | 800 | 10 |  |  |  |  |
| Call | session | 1400 | 400 | 5 | 0.70 | 0.60–0.75 | 0.50 | 0.50 |
| Jar/10 | session | 12 | 0 | 0 |  |  |  |  |
| Upload | nethttp | 10 |  |  |  |  |  |  |
`, out.String())
}

func TestTableOfNothing(t *testing.T) {
	t.Parallel()
	var r results
	r.add(strings.NewReader("PASS\n"))
	var out strings.Builder
	require.NoError(t, r.writeTable(&out))
	assert.Equal(t, 2, strings.Count(out.String(), "\n"))
}

func TestPatternOfOneBenchmark(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "^BenchmarkA$/^1\\.5$/^b-c$", exactly("A/1.5/b-c"))
}

type fullDisk struct{}

var errFull = errors.New("full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestTableTellsErrorsOfItsWriter(t *testing.T) {
	t.Parallel()
	assert.ErrorIs(t, new(results).writeTable(fullDisk{}), errFull)
}
