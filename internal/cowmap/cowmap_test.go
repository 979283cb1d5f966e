package cowmap_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/cowmap"
)

func contents(m *cowmap.Map[int]) map[string]int { return maps.Collect(m.All()) }

func share(from *cowmap.Map[int]) *cowmap.Map[int] {
	m := new(cowmap.Map[int])
	m.Share(from)
	return m
}

func TestZeroMap(t *testing.T) {
	t.Parallel()
	var m cowmap.Map[int]
	assert.True(t, m.Empty())
	_, ok := m.Get("a")
	assert.False(t, ok)
	m.Delete(nil, "a")
	assert.Empty(t, contents(&m))

	m.Set(nil, "", 1)
	assert.False(t, m.Empty())
	value, ok := m.Get("")
	assert.True(t, ok)
	assert.Equal(t, 1, value)
}

func TestSharedMapsChangeAlone(t *testing.T) {
	t.Parallel()
	first, second := new(cowmap.Owner), new(cowmap.Owner)
	var a cowmap.Map[int]
	a.Set(nil, "x", 1)
	a.Set(nil, "y", 2)
	b := share(&a)
	a.Set(first, "x", 3)
	a.Set(first, "z", 4)
	b.Delete(second, "y")
	assert.Equal(t, map[string]int{"x": 3, "y": 2, "z": 4}, contents(&a))
	assert.Equal(t, map[string]int{"x": 1}, contents(b))
}

func TestAllStopsEarly(t *testing.T) {
	t.Parallel()
	var m cowmap.Map[int]
	for i := range 100 {
		m.Set(nil, strconv.Itoa(i), i)
	}
	seen := 0
	for range m.All() {
		if seen++; seen == 7 {
			break
		}
	}
	assert.Equal(t, 7, seen)
}

// TestLikeBuiltinMap does the same random things to a Map and to a built-in
// map, with copies on the way that must not change afterwards.
func TestLikeBuiltinMap(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	var m cowmap.Map[int]
	owner := new(cowmap.Owner)
	want := map[string]int{}
	var copies []*cowmap.Map[int]
	var wants []map[string]int
	for i := range 20_000 {
		key := fmt.Sprintf("k%d", rnd.IntN(2_000))
		if rnd.IntN(3) == 0 {
			m.Delete(owner, key)
			delete(want, key)
		} else {
			m.Set(owner, key, i)
			want[key] = i
		}
		value, ok := m.Get(key)
		wanted, has := want[key]
		require.Equal(t, has, ok)
		require.Equal(t, wanted, value)
		if i%1_000 == 0 {
			copies, wants = append(copies, share(&m)), append(wants, maps.Clone(want))
			owner = new(cowmap.Owner)
		}
	}
	assert.Equal(t, want, contents(&m))
	for i := range copies {
		assert.Equal(t, wants[i], contents(copies[i]))
	}
	for key := range want {
		m.Delete(owner, key)
	}
	assert.True(t, m.Empty())
}

// TestReadersNeverMissAKey reads keys that stay while others come and go.
func TestReadersNeverMissAKey(t *testing.T) {
	t.Parallel()
	const n = 200
	var m cowmap.Map[int]
	for i := range n {
		m.Set(nil, strconv.Itoa(i), i)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := 0; ; i = (i + 2) % n {
				select {
				case <-done:
					return
				default:
				}
				if value, ok := m.Get(strconv.Itoa(i)); !ok || value != i {
					t.Errorf("key %d: got %d, %t", i, value, ok)
					return
				}
			}
		})
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		if odd := 2*rnd.IntN(n/2) + 1; rnd.IntN(2) == 0 {
			m.Delete(nil, strconv.Itoa(odd))
		} else {
			m.Set(nil, strconv.Itoa(odd), odd)
		}
	}
	close(done)
	readers.Wait()
}
