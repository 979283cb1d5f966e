package netrc_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/netrc"
)

// most is how large a file may be.
const most = 1 << 10

// write writes a netrc file that was last changed at the given second.
func write(t *testing.T, path, text string, second int64) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(second, 0)))
}

func assertLookup(t *testing.T, c *netrc.Cache, path, login, password string) {
	t.Helper()
	l, p, ok, err := c.Lookup(path, "a.test", most)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, login, l)
	assert.Equal(t, password, p)
}

func assertNone(t *testing.T, c *netrc.Cache, path string) {
	t.Helper()
	login, password, ok, err := c.Lookup(path, "a.test", most)
	require.NoError(t, err)
	assert.False(t, ok)
	assert.Empty(t, login+password)
}

func TestCacheFollowsTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "netrc")
	var c netrc.Cache

	assertNone(t, &c, path)
	write(t, path, "machine a.test login u password p", 1)
	assertLookup(t, &c, path, "u", "p")
	write(t, path, "machine a.test login u password q", 2) // another time
	assertLookup(t, &c, path, "u", "q")
	write(t, path, "machine a.test login u password qq", 2) // another size
	assertLookup(t, &c, path, "u", "qq")
	write(t, path, "machine a.test login u password p", 1) // an older file
	assertLookup(t, &c, path, "u", "p")
	require.NoError(t, os.Remove(path))
	assertNone(t, &c, path)
	write(t, path, "machine a.test login v password p", 3)
	assertLookup(t, &c, path, "v", "p")
}

func TestCacheDoesNotReadAnUnchangedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "netrc")
	var c netrc.Cache
	write(t, path, "machine a.test login u password p", 1)
	assertLookup(t, &c, path, "u", "p")
	write(t, path, "machine a.test login v password q", 1) // as large and as old
	assertLookup(t, &c, path, "u", "p")
}

func TestCacheDistinguishesPaths(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	var c netrc.Cache
	write(t, one, "machine a.test login u password p", 1)
	write(t, two, "machine a.test login v password q", 1)
	assertLookup(t, &c, one, "u", "p")
	assertLookup(t, &c, two, "v", "q")
	assertLookup(t, &c, one, "u", "p")
}

func TestCacheKeepsASyntaxErrorUntilTheFileChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "netrc")
	var c netrc.Cache
	write(t, path, "machine a.test\nsesame", 1)
	for range 2 {
		_, _, ok, err := c.Lookup(path, "a.test", most)
		assert.False(t, ok)
		var syntax *netrc.SyntaxError
		require.ErrorAs(t, err, &syntax)
		assert.Equal(t, 2, syntax.Line)
	}
	write(t, path, "machine a.test login u password p", 2)
	assertLookup(t, &c, path, "u", "p")
}

func TestCacheRefusesALargeFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "netrc")
	text := "machine a.test login u password p"
	text += strings.Repeat("\n", most-len(text))
	var c netrc.Cache
	write(t, path, text, 1)
	assertLookup(t, &c, path, "u", "p")
	for _, less := range []int64{most - 1, 0} {
		_, _, ok, err := c.Lookup(path, "a.test", less)
		assert.False(t, ok)
		assert.ErrorIs(t, err, netrc.ErrTooLarge, "though it has been read")
	}
	write(t, path, text+"\n", 1)
	_, _, ok, err := c.Lookup(path, "a.test", most)
	assert.False(t, ok)
	require.ErrorIs(t, err, netrc.ErrTooLarge)
	if info, err := os.Stat("/proc/self/status"); err == nil && info.Size() == 0 {
		_, _, _, err = c.Lookup("/proc/self/status", "a.test", 1)
		assert.ErrorIs(t, err, netrc.ErrTooLarge, "a file that has more than its size says")
	}
	for _, enough := range []int64{most + 1, math.MaxInt64} {
		_, _, ok, err = new(netrc.Cache).Lookup(path, "a.test", enough)
		assert.True(t, ok)
		assert.NoError(t, err)
	}
}

func TestCacheOpensRegularFilesOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "netrc")
	write(t, file, "machine a.test login u password p", 1)
	for _, path := range []string{
		"", dir, os.DevNull, filepath.Join(dir, "missing"),
		filepath.Join(file, "below a file"), "not\x00a path",
	} {
		assertNone(t, new(netrc.Cache), path)
	}
}

func TestCacheConcurrently(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "netrc")
	replace := func(i int) {
		tmp := filepath.Join(dir, "new")
		write(t, tmp, fmt.Sprintf("machine a.test login u%d password p%d", i, i), int64(i))
		require.NoError(t, os.Rename(tmp, path))
	}
	replace(0)
	var c netrc.Cache
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 500 {
				login, password, ok, err := c.Lookup(path, "a.test", most)
				if !assert.NoError(t, err) || !assert.True(t, ok) {
					return
				}
				assert.Equal(t, strings.TrimPrefix(login, "u"), strings.TrimPrefix(password, "p"))
			}
		})
	}
	for i := range 100 {
		replace(i + 1)
	}
	readers.Wait()
	assertLookup(t, &c, path, "u100", "p100")
}

// It counts allocations of the process, so it runs beside no other test.
func TestCacheAllocatesNoMoreThanStat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "netrc")
	write(t, path, "machine a.test login u password p", 1)
	var c netrc.Cache
	assertLookup(t, &c, path, "u", "p")
	stat := testing.AllocsPerRun(100, func() { _, _ = os.Stat(path) })
	lookup := testing.AllocsPerRun(100, func() { _, _, _, _ = c.Lookup(path, "a.test", most) })
	assert.LessOrEqual(t, lookup, stat)
}

func BenchmarkCacheLookup(b *testing.B) {
	path := filepath.Join(b.TempDir(), "netrc")
	require.NoError(b, os.WriteFile(path, []byte("machine a.test login u password p"), 0o600))
	var c netrc.Cache
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _, _, _ = c.Lookup(path, "a.test", most)
		}
	})
}
