// Package cowmap holds a map from strings that one goroutine at a time writes
// and that any number read at the same time without waiting. Copies are made on
// write: a copy of a map costs nothing until one of the two changes.
package cowmap

import (
	"hash/maphash"
	"iter"
	"sync/atomic"
)

// Each level of the trie takes the top bits of the hash to choose one of its
// ways. When all bits are used up, the rest is a list: colliding keys need no
// care of their own, and the seed keeps others from making many of them.
const (
	bits = 3
	ways = 1 << bits
)

var seed = maphash.MakeSeed()

// Hash returns the hash of s that maps use. It is another one in each process.
func Hash(s string) uint64 { return maphash.String(seed, s) }

// Owner stands for the writer of a map, and of all maps that it writes. A new
// Owner makes sure that nothing changes any more that was there before it. Only
// its address counts; nil is an owner like others.
type Owner struct{ _ byte }

// Map is a map from strings; its zero value is empty. Get, All and Empty may be
// called at any time, writing methods by one goroutine at a time. A Map must not
// be copied, see [Map.Share].
type Map[V any] struct {
	root atomic.Pointer[node[V]]
}

// node holds one key, and below it the other keys whose hashes begin alike.
// Only the pointers to other nodes change, and these only by its owner.
type node[V any] struct {
	owner *Owner
	hash  uint64 // of key
	key   string
	value V
	next  [ways]atomic.Pointer[node[V]]
}

// Get returns the value of key, and whether the map has it.
func (m *Map[V]) Get(key string) (value V, ok bool) {
	hash := Hash(key)
	n := m.root.Load()
	for rest := hash; n != nil && !n.has(hash, key); rest <<= bits {
		n = n.next[way(rest)].Load()
	}
	if n == nil {
		return value, false
	}
	return n.value, true
}

// Empty reports whether the map has no keys.
func (m *Map[V]) Empty() bool { return m.root.Load() == nil }

// Share makes m, which must be empty, a copy of the map from. All owners that
// have written to from must be given up: whoever writes to either map from now
// on does so as a new owner.
func (m *Map[V]) Share(from *Map[V]) { m.root.Store(from.root.Load()) }

// Set puts value under key.
func (m *Map[V]) Set(owner *Owner, key string, value V) {
	hash := Hash(key)
	slot, n := m.find(owner, hash, key)
	c := n.copy(owner)
	c.hash, c.key, c.value = hash, key, value
	slot.Store(c)
}

// Delete removes key. A key from below takes the place of one that has others
// below it: its hash leads there too.
func (m *Map[V]) Delete(owner *Owner, key string) {
	if _, ok := m.Get(key); !ok {
		return
	}
	slot, n := m.find(owner, Hash(key), key)
	leaf := n.leaf()
	if leaf == n {
		slot.Store(nil)
		return
	}
	c := n.without(owner, leaf)
	c.hash, c.key, c.value = leaf.hash, leaf.key, leaf.value
	slot.Store(c)
}

// All iterates over keys and values in no particular order. A key that is set or
// deleted meanwhile may be there or not.
func (m *Map[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) { m.root.Load().each(yield) }
}

// find returns where key's node is, or would be, with nothing above it that
// owner may not change.
func (m *Map[V]) find(owner *Owner, hash uint64, key string) (slot *atomic.Pointer[node[V]], n *node[V]) {
	slot = &m.root
	for rest := hash; ; rest <<= bits {
		n = slot.Load()
		if n == nil || n.has(hash, key) {
			return slot, n
		}
		if n.owner != owner {
			n = n.copy(owner)
			slot.Store(n)
		}
		slot = &n.next[way(rest)]
	}
}

func way(hash uint64) uint64 { return hash >> (64 - bits) }

func (n *node[V]) has(hash uint64, key string) bool { return n.hash == hash && n.key == key }

// copy returns a node like n that belongs to owner; nil is like a new one.
func (n *node[V]) copy(owner *Owner) *node[V] {
	c := &node[V]{owner: owner}
	if n != nil {
		c.hash, c.key, c.value = n.hash, n.key, n.value
		for w := range n.next {
			if next := n.next[w].Load(); next != nil {
				c.next[w].Store(next)
			}
		}
	}
	return c
}

// first returns the first way that leads on from n, or -1, and where to.
func (n *node[V]) first() (w int, next *node[V]) {
	for w = range n.next {
		if next = n.next[w].Load(); next != nil {
			return w, next
		}
	}
	return -1, nil
}

// leaf returns a node at or below n that has none below it.
func (n *node[V]) leaf() *node[V] {
	for {
		_, next := n.first()
		if next == nil {
			return n
		}
		n = next
	}
}

// without returns a copy of n without the node that n.leaf returns. Readers may
// be at work in n, so it stays as it is.
func (n *node[V]) without(owner *Owner, leaf *node[V]) *node[V] {
	if n == leaf {
		return nil
	}
	c := n.copy(owner)
	w, next := n.first()
	c.next[w].Store(next.without(owner, leaf))
	return c
}

func (n *node[V]) each(yield func(string, V) bool) bool {
	if n == nil {
		return true
	}
	if !yield(n.key, n.value) {
		return false
	}
	for w := range n.next {
		if !n.next[w].Load().each(yield) {
			return false
		}
	}
	return true
}
