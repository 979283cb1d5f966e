// Package hashtrie holds a map from strings that never changes: setting and
// deleting give a new map that shares nearly everything with the old one. A
// reader thus needs no lock, and a copy costs nothing.
package hashtrie

import (
	"hash/maphash"
	"iter"
)

// Each level of the trie takes the top bits of the hash to choose one of its
// ways. When all bits are used up, the rest is a list: colliding keys need no
// care of their own, and the seed keeps others from making many of them.
const (
	bits = 4
	ways = 1 << bits
)

var seed = maphash.MakeSeed()

// Map is an immutable map from strings to values; a nil Map is empty. All
// methods are safe for concurrent use.
//
// A Map is a node of the trie: it holds one key, and below it the other keys
// whose hashes begin alike.
type Map[V any] struct {
	hash  uint64 // of key
	key   string
	value V
	next  [ways]*Map[V]
}

// Hash returns the hash of s that maps use. It is another one in each process.
func Hash(s string) uint64 { return maphash.String(seed, s) }

// Get returns the value of key, and whether the map has it.
func (m *Map[V]) Get(key string) (value V, ok bool) {
	h := Hash(key)
	for rest := h; m != nil && !m.has(h, key); rest <<= bits {
		m = m.next[way(rest)]
	}
	if m == nil {
		return value, false
	}
	return m.value, true
}

// Set returns a map that has value under key, and is otherwise as m is.
func (m *Map[V]) Set(key string, value V) *Map[V] {
	h := Hash(key)
	return m.set(h, &Map[V]{hash: h, key: key, value: value})
}

// Delete returns a map without key that is otherwise as m is.
func (m *Map[V]) Delete(key string) *Map[V] {
	if _, ok := m.Get(key); !ok {
		return m
	}
	h := Hash(key)
	return m.delete(h, h, key)
}

// All iterates over keys and values in no particular order.
func (m *Map[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) { m.each(yield) }
}

func way(hash uint64) uint64 { return hash >> (64 - bits) }

func (m *Map[V]) has(hash uint64, key string) bool { return m.hash == hash && m.key == key }

// set returns m with leaf's key and value below it or in its place; rest is what
// is left of the hash at this level.
func (m *Map[V]) set(rest uint64, leaf *Map[V]) *Map[V] {
	if m == nil {
		return leaf
	}
	c := *m
	if m.has(leaf.hash, leaf.key) {
		c.value = leaf.value
	} else {
		w := way(rest)
		c.next[w] = m.next[w].set(rest<<bits, leaf)
	}
	return &c
}

// delete returns m without key, which it must have. A leaf from below takes
// the place of a key that has others below it: its hash leads there too.
func (m *Map[V]) delete(rest, hash uint64, key string) *Map[V] {
	c := *m
	if !m.has(hash, key) {
		w := way(rest)
		c.next[w] = m.next[w].delete(rest<<bits, hash, key)
		return &c
	}
	for w, below := range m.next {
		if below != nil {
			leaf := below.leaf()
			c.hash, c.key, c.value = leaf.hash, leaf.key, leaf.value
			c.next[w] = below.without(leaf)
			return &c
		}
	}
	return nil
}

// leaf returns a node at or below m that has none below it.
func (m *Map[V]) leaf() *Map[V] {
	for _, below := range m.next {
		if below != nil {
			return below.leaf()
		}
	}
	return m
}

// without returns m without the node that m.leaf returns.
func (m *Map[V]) without(leaf *Map[V]) *Map[V] {
	if m == leaf {
		return nil
	}
	c := *m
	for w, below := range m.next {
		if below != nil {
			c.next[w] = below.without(leaf)
			break
		}
	}
	return &c
}

func (m *Map[V]) each(yield func(string, V) bool) bool {
	if m == nil {
		return true
	}
	if !yield(m.key, m.value) {
		return false
	}
	for _, below := range m.next {
		if !below.each(yield) {
			return false
		}
	}
	return true
}
