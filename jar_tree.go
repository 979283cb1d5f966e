package session

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cbf3e3a9/session/internal/cowmap"
)

// cookieDomain is a node in the tree of domains, which begins at the root of
// DNS. Readers walk the tree without a lock. The one writer of the jar that owns
// a node replaces what the node points to, and copies a node that its jar does
// not own: that is how a jar and its clones share what they have in common.
type cookieDomain struct {
	owner   *cowmap.Owner
	cookies atomic.Pointer[cookieList] // never empty, but nil
	below   cowmap.Map[*cookieDomain]

	// secure is false if neither here nor below is, or was, a Secure cookie. It
	// is for writers only.
	secure bool
}

// list is the cookies of exactly this domain.
func (d *cookieDomain) list() cookieList {
	if list := d.cookies.Load(); list != nil {
		return *list
	}
	return cookieList{}
}

// sub is the domain below d with that label, or nil.
func (d *cookieDomain) sub(label string) *cookieDomain {
	sub, _ := d.below.Get(label)
	return sub
}

// ownedBy is d if owner may change it, else a copy to be put in its place.
func (d *cookieDomain) ownedBy(owner *cowmap.Owner) *cookieDomain {
	if d == nil {
		return &cookieDomain{owner: owner}
	}
	if d.owner == owner {
		return d
	}
	c := &cookieDomain{owner: owner, secure: d.secure}
	c.replace(d.list().clip())
	c.below.Share(&d.below)
	return c
}

// edit replaces the cookies of the domain that labels lead to by what change
// makes of them, some of which are Secure or not. The owner of d is the writer's
// jar. A domain without cookies, and without domains below it, is not kept.
func (d *cookieDomain) edit(labels []string, secure bool, change func(cookieList) cookieList) {
	d.secure = d.secure || secure
	if len(labels) == 0 {
		d.replace(change(d.list()))
		return
	}
	old := d.sub(labels[0])
	sub := old.ownedBy(d.owner)
	sub.edit(labels[1:], secure, change)
	if sub.cookies.Load() == nil && sub.below.Empty() {
		d.below.Delete(d.owner, labels[0])
	} else if sub != old {
		d.below.Set(d.owner, strings.Clone(labels[0]), sub)
	}
}

func (d *cookieDomain) replace(list cookieList) {
	if len(list.cookies) == 0 {
		d.cookies.Store(nil)
	} else {
		d.cookies.Store(&list)
	}
}

// match appends to dst the cookies of d that belong into a request to o, whose
// host is d or below it.
func (d *cookieDomain) match(dst []*Cookie, o *cookieOrigin, atHost bool, now *clock) []*Cookie {
	for _, c := range d.list().cookies {
		if c.wanted(o, atHost, now) {
			dst = append(dst, c)
		}
	}
	return dst
}

// each calls do with the cookies of each domain, at or below d, that has any.
func (d *cookieDomain) each(do func(cookieList)) {
	if d == nil {
		return
	}
	if list := d.list(); len(list.cookies) > 0 {
		do(list)
	}
	for _, sub := range d.below.All() {
		sub.each(do)
	}
}

// protects reports whether a response that came without TLS may not set c: a
// Secure cookie of its name and path is there, for the same domain, one above it
// or one below (RFC 6265bis section 5.7, step 16: leave Secure cookies alone).
func (d *cookieDomain) protects(c *Cookie, now time.Time) bool {
	for _, label := range hostLabels(nil, c.Domain) {
		if d == nil {
			return false
		}
		if d = d.sub(label); d.holdsSecure(c, now) {
			return true
		}
	}
	return d.protectsBelow(c, now)
}

func (d *cookieDomain) protectsBelow(c *Cookie, now time.Time) bool {
	if d == nil || !d.secure {
		return false
	}
	for _, sub := range d.below.All() {
		if sub.holdsSecure(c, now) || sub.protectsBelow(c, now) {
			return true
		}
	}
	return false
}

// holdsSecure reports whether d itself has a Secure cookie that c would overlay.
func (d *cookieDomain) holdsSecure(c *Cookie, now time.Time) bool {
	return d != nil && d.secure && slices.ContainsFunc(d.list().cookies, func(o *Cookie) bool {
		return o.Secure && o.Name == c.Name && pathMatch(c.Path, o.Path) && !o.expired(now)
	})
}

// cookieList is the cookies of one domain in sendingOrder. Once it is in the
// tree, neither its cookies nor its slices change within their lengths; the
// capacity behind them is the writer's.
type cookieList struct {
	cookies []*Cookie
	names   []uint32 // hashes, so that a search need not look at every cookie
}

func nameHash(c *Cookie) uint32 { return uint32(cowmap.Hash(c.Name)) }

// clip gives up the capacity, which belongs to another writer.
func (l cookieList) clip() cookieList {
	return cookieList{slices.Clip(l.cookies), slices.Clip(l.names)}
}

// find returns the index of the cookie with c's key, or -1.
func (l cookieList) find(c *Cookie) int {
	hash := nameHash(c)
	for i, name := range l.names {
		if name == hash && l.cookies[i].same(c) {
			return i
		}
	}
	return -1
}

// domain is the name of the list's domain, in the memory of the list if it has
// any: name may be a part of a long URL or header.
func (l cookieList) domain(name string) string {
	if len(l.cookies) > 0 {
		return l.cookies[0].Domain
	}
	return strings.Clone(name)
}

// without returns a list without the cookies that drop is true of.
func (l cookieList) without(drop func(*Cookie) bool) (kept cookieList) {
	for i, c := range l.cookies {
		if !drop(c) {
			kept.cookies = append(kept.cookies, c)
			kept.names = append(kept.names, l.names[i])
		}
	}
	return kept
}

// listEdit makes a new list of one that is in the tree.
type listEdit struct {
	cookieList
	copied bool // the cookies are in an array that no reader knows
}

// replace puts c in the place of the cookie at i, which has the same key.
func (l *listEdit) replace(i int, c *Cookie) {
	if !l.copied {
		l.cookies, l.copied = slices.Clone(l.cookies), true
	}
	l.cookies[i] = c
}

// insert puts c, whose key is new, in its place. That is mostly the end, where
// no reader looks yet.
func (l *listEdit) insert(c *Cookie) {
	i, _ := slices.BinarySearchFunc(l.cookies, c, sendingOrder)
	if i < len(l.cookies) {
		l.cookieList = l.clip()
		l.copied = true
	}
	l.cookies = slices.Insert(l.cookies, i, c)
	l.names = slices.Insert(l.names, i, nameHash(c))
}

func (l *listEdit) remove(i int) {
	if i == 0 {
		l.cookies, l.names = l.cookies[1:], l.names[1:]
		return
	}
	l.cookies = slices.Concat(l.cookies[:i], l.cookies[i+1:])
	l.names = slices.Concat(l.names[:i], l.names[i+1:])
	l.copied = true
}

// makeRoom removes what has expired, or else what must go for c to come. It
// reports false if that is c.
func (l *listEdit) makeRoom(c *Cookie, now time.Time) bool {
	victim, first := -1, c
	for i, o := range l.cookies {
		if o.expired(now) {
			l.cookieList = l.without(func(o *Cookie) bool { return o.expired(now) })
			l.copied = true
			return true
		}
		if o.goesBefore(first) {
			victim, first = i, o
		}
	}
	if victim < 0 {
		return false
	}
	l.remove(victim)
	return true
}
