package httpheader_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/cbf3e3a9/session/internal/httpheader"
)

// assertWithin runs parse on 64 KiB of each piece. The best of some runs
// counts, as other tests run meanwhile.
func assertWithin(t *testing.T, limit time.Duration, parse func(string), pieces ...string) {
	t.Helper()
	limit *= slowdown
	for _, piece := range pieces {
		text := strings.Repeat(piece, httpheader.MaxLength/len(piece)+1)[:httpheader.MaxLength]
		best := time.Hour
		for range 20 {
			begin := time.Now()
			parse(text)
			if best = min(best, time.Since(begin)); best < limit {
				break
			}
		}
		assert.Less(t, best, limit, "%q repeated", piece)
	}
}
