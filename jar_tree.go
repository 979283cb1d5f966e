package session

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/cbf3e3a9/session/internal/hashtrie"
)

// cookieDomain is a node in the tree of domains, which begins at the root of
// DNS. Readers walk the tree without a lock. The one writer of the jar that owns
// a node replaces the parts of the node, and copies a node that its jar does not
// own: that is how a jar and its clones share what they have in common.
type cookieDomain struct {
	owner *jarOwner

	// What these point to never changes; nil is empty.
	cookies atomic.Pointer[cookieList]
	below   atomic.Pointer[hashtrie.Map[*cookieDomain]]

	// secure is false if neither here nor below is, or was, a Secure cookie. It
	// is for writers only.
	secure bool
}

// jarOwner stands for one jar between two clonings. Its address is what counts.
type jarOwner struct{ _ byte }

// cookieList is the cookies of one domain in sendingOrder.
type cookieList []storedCookie

// storedCookie has beside a cookie, which never changes, the hash of its name,
// so that a search need not look at the others.
type storedCookie struct {
	*Cookie
	name uint64
}

func (c storedCookie) same(d storedCookie) bool { return c.name == d.name && c.Cookie.same(d.Cookie) }

func (c storedCookie) compare(d storedCookie) int { return sendingOrder(c.Cookie, d.Cookie) }

// evict removes the cookies that have expired; where none has, the oldest of
// those that are not Secure, or of all (RFC 6265bis section 5.7).
func (list cookieList) evict(now time.Time) cookieList {
	living := slices.DeleteFunc(list, func(c storedCookie) bool { return c.expired(now) })
	if len(living) < len(list) {
		return living
	}
	victim := 0
	for i, c := range list {
		v := list[victim]
		if c.Secure == v.Secure && c.Creation.Before(v.Creation) || !c.Secure && v.Secure {
			victim = i
		}
	}
	return slices.Delete(list, victim, victim+1)
}

// list is the cookies of exactly this domain.
func (d *cookieDomain) list() cookieList {
	if d == nil {
		return nil
	}
	if list := d.cookies.Load(); list != nil {
		return *list
	}
	return nil
}

// sub is the domain below d with that label, or nil.
func (d *cookieDomain) sub(label string) *cookieDomain {
	sub, _ := d.below.Load().Get(label)
	return sub
}

// ownedBy is d if owner may change it, else a copy to be put in its place.
func (d *cookieDomain) ownedBy(owner *jarOwner) *cookieDomain {
	if d == nil {
		return &cookieDomain{owner: owner}
	}
	if d.owner == owner {
		return d
	}
	c := &cookieDomain{owner: owner, secure: d.secure}
	c.cookies.Store(d.cookies.Load())
	c.below.Store(d.below.Load())
	return c
}

// edit replaces the cookies of the domain that labels lead to by what change
// makes of them, some of which are Secure or not. The owner of d is the writer's
// jar. A domain without cookies, and without domains below it, is not kept.
func (d *cookieDomain) edit(labels []string, secure bool, change func(cookieList) cookieList) {
	d.secure = d.secure || secure
	if len(labels) == 0 {
		list := change(d.list())
		d.cookies.Store(&list)
		return
	}
	old := d.sub(labels[0])
	sub := old.ownedBy(d.owner)
	sub.edit(labels[1:], secure, change)
	if sub.empty() {
		d.below.Store(d.below.Load().Delete(labels[0]))
	} else if sub != old {
		d.below.Store(d.below.Load().Set(labels[0], sub))
	}
}

func (d *cookieDomain) empty() bool { return len(d.list()) == 0 && d.below.Load() == nil }

// all appends the cookies of d and of all domains below it to dst.
func (d *cookieDomain) all(dst []*Cookie) []*Cookie {
	if d == nil {
		return dst
	}
	for _, c := range d.list() {
		dst = append(dst, c.Cookie)
	}
	for _, sub := range d.below.Load().All() {
		dst = sub.all(dst)
	}
	return dst
}

// protects reports whether a response that came without TLS may not set c: a
// Secure cookie of its name and path is there, for the same domain, one above it
// or one below (RFC 6265bis section 5.7, step 16: leave Secure cookies alone).
func (d *cookieDomain) protects(c *Cookie, now time.Time) bool {
	for _, label := range hostLabels(nil, c.Domain) {
		if d = d.sub(label); d == nil {
			return false
		}
		if d.holdsSecure(c, now) {
			return true
		}
	}
	return d.protectsBelow(c, now)
}

func (d *cookieDomain) protectsBelow(c *Cookie, now time.Time) bool {
	if d == nil || !d.secure {
		return false
	}
	for _, sub := range d.below.Load().All() {
		if sub.holdsSecure(c, now) || sub.protectsBelow(c, now) {
			return true
		}
	}
	return false
}

// holdsSecure reports whether d itself has a Secure cookie that c would overlay.
func (d *cookieDomain) holdsSecure(c *Cookie, now time.Time) bool {
	return d.secure && slices.ContainsFunc(d.list(), func(o storedCookie) bool {
		return o.Secure && o.Name == c.Name && pathMatch(c.Path, o.Path) && !o.expired(now)
	})
}
