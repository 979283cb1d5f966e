package session

import (
	"container/list"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// RedirectCacheSize is how many permanent redirects a [RedirectCache] holds.
const RedirectCacheSize = 1000

// RedirectCache remembers permanent redirects (301 and 308) of GET and HEAD,
// so that what was moved is asked for at its new place at once: the newest
// thousand, unless an answer says Cache-Control: no-store. Credentials,
// cookies and proxies are those for the new place, as if the redirect had been
// answered again; it makes no entry in a History. The zero value is ready for
// use, and safe for concurrent use. It is requests' redirect_cache, which later
// versions gave up.
type RedirectCache struct {
	mu     sync.Mutex
	places map[string]*list.Element // of moved
	order  list.List                // the newest first
}

// moved is a URL that has moved.
type moved struct{ from, to string }

// Len is the number of redirects that are remembered.
func (c *RedirectCache) Len() int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}

// Clear forgets every redirect.
func (c *RedirectCache) Clear() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.places = nil
	c.order.Init()
}

// remember keeps the redirect that led from one response to another.
func (c *RedirectCache) remember(from, to *Response) {
	if c == nil || !from.IsPermanentRedirect() || forbidsStoring(from.Header) {
		return
	}
	if from.Request.Method != http.MethodGet && from.Request.Method != http.MethodHead {
		return
	}
	place := *to.Request.URL
	if place.Fragment == from.Request.URL.Fragment {
		place.Fragment, place.RawFragment = "", "" // it was carried on, and belongs to that request
	}
	c.put(cacheKey(from.Request.URL), place.String())
}

// forbidsStoring reports whether an answer must not be kept (RFC 9111 section 5.2.2.5).
func forbidsStoring(h http.Header) bool {
	return strings.Contains(strings.ToLower(strings.Join(h["Cache-Control"], ",")), "no-store")
}

// cacheKey is a URL without its fragment and user information.
func cacheKey(u *url.URL) string {
	key := *u
	key.User, key.Fragment, key.RawFragment = nil, "", ""
	return key.String()
}

func (c *RedirectCache) put(from, to string) {
	if from == to {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.places[from]; ok {
		c.order.Remove(known)
	}
	if c.places == nil {
		c.places = make(map[string]*list.Element)
	}
	c.places[from] = c.order.PushFront(moved{from, to})
	if c.order.Len() > RedirectCacheSize {
		oldest := c.order.Remove(c.order.Back()).(moved)
		delete(c.places, oldest.from)
	}
}

func (c *RedirectCache) get(from string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.places[from]; ok {
		return known.Value.(moved).to, true
	}
	return "", false
}

// chain yields the places that u leads to, one after another. It ends where a
// place comes again.
func (c *RedirectCache) chain(u *url.URL) iter.Seq[string] {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for at := cacheKey(u); !seen[at]; {
			seen[at] = true
			to, ok := c.get(at)
			if !ok {
				return
			}
			next, err := parseURL(to)
			if err != nil || seen[cacheKey(next)] || !yield(to) {
				return
			}
			at = cacheKey(next)
		}
	}
}

// MarshalJSON gives the redirects, the oldest first.
func (c *RedirectCache) MarshalJSON() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pairs := make([]Pair, 0, c.order.Len())
	for e := c.order.Back(); e != nil; e = e.Prev() {
		m := e.Value.(moved)
		pairs = append(pairs, Pair{m.from, m.to})
	}
	return json.Marshal(pairs)
}

// UnmarshalJSON adds redirects that MarshalJSON gave.
func (c *RedirectCache) UnmarshalJSON(data []byte) error {
	var pairs []Pair
	if err := json.Unmarshal(data, &pairs); err != nil {
		return err
	}
	for _, p := range pairs {
		c.put(p[0], p[1])
	}
	return nil
}

func (c *RedirectCache) clone() *RedirectCache {
	if c == nil {
		return nil
	}
	clone := new(RedirectCache)
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.order.Back(); e != nil; e = e.Prev() {
		m := e.Value.(moved)
		clone.put(m.from, m.to)
	}
	return clone
}
