package hashtrie_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/hashtrie"
)

func contents(m *hashtrie.Map[int]) map[string]int {
	all := map[string]int{}
	for k, v := range m.All() {
		all[k] = v
	}
	return all
}

func TestZeroMap(t *testing.T) {
	t.Parallel()
	var m *hashtrie.Map[int]
	_, ok := m.Get("a")
	assert.False(t, ok)
	assert.Nil(t, m)
	assert.Empty(t, contents(m.Delete("a")))
	value, ok := m.Set("", 1).Get("")
	assert.True(t, ok)
	assert.Equal(t, 1, value)
}

func TestOldMapsStay(t *testing.T) {
	t.Parallel()
	var m *hashtrie.Map[int]
	one := m.Set("a", 1)
	two := one.Set("b", 2)
	changed := two.Set("a", 3)
	gone := two.Delete("a")
	assert.Empty(t, contents(m))
	assert.Equal(t, map[string]int{"a": 1}, contents(one))
	assert.Equal(t, map[string]int{"a": 1, "b": 2}, contents(two))
	assert.Equal(t, map[string]int{"a": 3, "b": 2}, contents(changed))
	assert.Equal(t, map[string]int{"b": 2}, contents(gone))
}

func TestAllStopsEarly(t *testing.T) {
	t.Parallel()
	var m *hashtrie.Map[int]
	for i := range 100 {
		m = m.Set(strconv.Itoa(i), i)
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
// map, with snapshots on the way that must not change afterwards.
func TestLikeBuiltinMap(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	var m *hashtrie.Map[int]
	want := map[string]int{}
	var snapshots []*hashtrie.Map[int]
	var wants []map[string]int
	for i := range 20_000 {
		key := fmt.Sprintf("k%d", rnd.IntN(2_000))
		if rnd.IntN(3) == 0 {
			m = m.Delete(key)
			delete(want, key)
			_, ok := m.Get(key)
			require.False(t, ok)
		} else {
			m = m.Set(key, i)
			want[key] = i
			value, ok := m.Get(key)
			require.True(t, ok)
			require.Equal(t, i, value)
		}
		if i%2_000 == 0 {
			snapshots, wants = append(snapshots, m), append(wants, maps.Clone(want))
		}
	}
	for i := range snapshots {
		assert.Equal(t, wants[i], contents(snapshots[i]))
	}
	for key := range want {
		m = m.Delete(key)
	}
	assert.Nil(t, m)
}
