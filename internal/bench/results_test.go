package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rounds are what go test prints in three rounds; the first has one result twice.
var rounds = []string{
	`goos: linux
cpu: some
BenchmarkJar/10/session   	     100	      12.5 ns/op	       0 B/op	       0 allocs/op
BenchmarkCall/nethttp-2   	       1	      9000 ns/op	     900 B/op	      20 allocs/op
BenchmarkCall/nethttp-2   	     100	      1000 ns/op	     800 B/op	      10 allocs/op
BenchmarkCall/session-2   	     100	       800 ns/op	     400 B/op	       5 allocs/op
BenchmarkLoopbackCall/nethttp-2	     100	    100000 ns/op	     900 B/op	      20 allocs/op
BenchmarkUpload/nethttp-2 	       1	        10 ns/op	    20 MB/s
BenchmarkGrowthRequests/1/nethttp 	1	3 ns/op	1000 ns/request	20000 heap-B
BenchmarkGrowthRequests/1/session 	1	3 ns/op	2000 ns/request	10000 heap-B
BenchmarkGrowthRequests/1000/nethttp 	1	3 ns/op	900 ns/request	20000 heap-B
BenchmarkGrowthRequests/1000/session 	1	3 ns/op	1900 ns/request	-5 heap-B
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

func measured() *results {
	r := &results{Machine: "a machine"}
	for _, round := range rounds {
		r.add(strings.NewReader(round))
	}
	return r
}

func TestTable(t *testing.T) {
	t.Parallel()
	// Ratios are taken in each round: 0.8, 0.5 and 0.7.
	assert.Equal(t, `| benchmark | | time | bytes | allocs | time, ratio | quartiles | bytes, ratio | allocs, ratio |
|---|---|--:|--:|--:|--:|--:|--:|--:|
| Call | net/http | 2.00 µs | 800 B | 10 |  |  |  |  |
| Call | session | 1.40 µs | 400 B | 5 | 0.70 | 0.60–0.75 | 0.50 | 0.50 |
| LoopbackCall | net/http | 100 µs | 900 B | 20 |  |  |  |  |
| Jar/10 | session | 12 ns | 0 B | 0 |  |  |  |  |
| Upload | net/http | 10 ns |  |  |  |  |  |  |

There is no row of Python requests: it was not asked for, or python3 or its package is missing.
`, measured().table())
}

func TestShortTable(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `| | Call, time | allocs | LoopbackCall, time | allocs | Parallel, time | allocs |
|---|--:|--:|--:|--:|--:|--:|
| net/http | 2.00 µs | 10 | 100 µs | 20 |  |  |
| session | × 0.70 | × 0.50 |  |  |  |  |
`, measured().shortTable())
}

func TestGrowthTable(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `| requests | time per request, net/http | time per request, session | heap after, net/http | heap after, session |
|--:|--:|--:|--:|--:|
| 1 | 1.00 µs | 2.00 µs | 20.0 kB | 10.0 kB |
| 1,000 | 900 ns | 1.90 µs | 20.0 kB | -5 B |
`, measured().growthTables())
}

func TestTablesOfNothing(t *testing.T) {
	t.Parallel()
	r := new(results)
	r.add(strings.NewReader("PASS\n"))
	assert.Empty(t, r.report())
}

func TestNumbersAreReadable(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0.33 ns": duration(0.33), "1.00 ns": duration(1), "12 ns": duration(12.4), "999 ns": duration(999),
		"1.00 µs": duration(1_000), "12.3 µs": duration(12_345), "123 µs": duration(123_456), "1.20 ms": duration(1.2e6),
		"2.50 s": duration(2.5e9), "100 s": duration(1e11),
		"0 B": size(0), "999 B": size(999), "9,999 B": size(9_999), "10.0 kB": size(10_000), "43.8 MB": size(43_761_428),
		"1": whole(1), "1,000,000": whole(1e6), "-123": whole(-123), "-1,234": whole(-1_234),
	} {
		assert.Equal(t, want, got)
	}
}

func TestResultsAreKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, measured().save(path))
	loaded, err := load(path)
	require.NoError(t, err)
	assert.Equal(t, measured(), loaded)

	_, err = load(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestProcessorIsNamed(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "Some CPU: 3 GHz", processor("processor\t: 0\nmodel name\t: Some CPU: 3 GHz\nmodel name\t: another\n"))
	assert.Equal(t, "unknown processor", processor(""))
}
