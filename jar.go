package session

import (
	"cmp"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cbf3e3a9/session/internal/cowmap"
)

// Jar keeps cookies and says which of them belong into a request, by RFC
// 6265bis with the public suffix list. It is an [http.CookieJar].
//
// Its zero value is an empty jar. All methods are safe for concurrent use, and
// those that read never wait. A Jar must not be copied, see [Jar.Clone]; its
// fields must not be changed once it is in use.
//
// What the RFC leaves open:
//   - a Path is compared with the path as the URL has it, escapes and all;
//   - a host with a dot at its end is the host without it;
//   - an address has host-only cookies alone;
//   - Secure cookies go to and come from URLs of scheme https and wss, and
//     localhost is no exception;
//   - lifetimes are not capped;
//   - the order of sending is by path, longest first, then by creation.
//
// Where requests' cookies follow Python's http.cookiejar, which sends a host's
// own cookies to its sub-domains too, a Jar follows the RFC.
type Jar struct {
	// MaxPerDomain is how many cookies a domain can have: 0 means 180, negative
	// any number. One more drives out an expired one, else the oldest that is
	// not Secure, else the oldest. Setting a cookie takes time in proportion to
	// the number of its domain's cookies.
	MaxPerDomain int

	// MaxCookieBytes is how long name and value of a cookie can be together: 0
	// means 4096, negative any length. A longer one of a server's is ignored, and
	// a file with a longer one is not loaded.
	MaxCookieBytes int

	// MaxHeaderBytes is how long the jar's Cookie header can be: 0 means 8190,
	// negative any length. Cookies are taken in the order of sending, longest path
	// first, then oldest, up to the first that has no room: it and all behind it
	// are left out. A request's own [Cookies] are not counted.
	MaxHeaderBytes int

	root atomic.Pointer[cookieDomain] // nil if empty

	writing sync.Mutex
	owner   *cowmap.Owner // of the nodes that this jar may change
	last    time.Time     // the latest creation time given out
}

const (
	defaultMaxPerDomain   = 180
	defaultMaxCookieBytes = 4096
	defaultMaxHeaderBytes = 8190
)

// NewJar returns an empty jar, as new(Jar) does.
func NewJar() *Jar { return new(Jar) }

// Clone returns a copy of the jar that changes on its own. It takes the same
// short time however many cookies there are: the two share them until one of
// them writes.
func (j *Jar) Clone() *Jar {
	c := &Jar{MaxPerDomain: j.MaxPerDomain, MaxCookieBytes: j.MaxCookieBytes, MaxHeaderBytes: j.MaxHeaderBytes, owner: new(cowmap.Owner)}
	root, last := j.freeze()
	c.root.Store(root)
	c.last = last
	return c
}

// freeze returns the tree as it is now. It never changes again: the jar gives up
// its nodes, and will copy those that it has to change.
func (j *Jar) freeze() (root *cookieDomain, last time.Time) {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.owner = new(cowmap.Owner)
	return j.root.Load(), j.last
}

// SetHeader stores the cookies of a response from u, given the values of its
// Set-Cookie headers. They are read as browsers do, so that odd cookies are kept
// and sent back byte for byte; those that u's server may not set are ignored.
func (j *Jar) SetHeader(u *url.URL, setCookie []string) {
	j.setHeader(u, setCookie, time.Now())
}

func (j *Jar) setHeader(u *url.URL, setCookie []string, now time.Time) {
	if len(setCookie) == 0 {
		return
	}
	o, err := cookieOriginOf(u)
	if err != nil {
		return
	}
	o.most = j.MaxCookieBytes
	var few [8]*Cookie
	cookies := few[:0]
	for _, line := range setCookie {
		if c, ok := parseSetCookie(line, now); ok && o.complete(&c) == nil {
			c.detach(line)
			cookies = append(cookies, &c)
		}
	}
	j.store(cookies, o.secure, now)
}

// SetCookies stores the cookies of a response from u that net/http has parsed,
// as [http.CookieJar] asks for. Those that net/http could not parse are missing;
// [Jar.SetHeader] takes them.
func (j *Jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	if len(cookies) == 0 {
		return
	}
	o, err := cookieOriginOf(u)
	if err != nil {
		return
	}
	o.most = j.MaxCookieBytes
	now := time.Now()
	var few [8]*Cookie
	complete := few[:0]
	for _, h := range cookies {
		if h == nil {
			continue
		}
		if c := cookieFromHTTP(h, now); o.complete(&c) == nil {
			c.detach(h.Raw)
			complete = append(complete, &c)
		}
	}
	j.store(complete, o.secure, now)
}

// store puts what a response sets, over TLS or not, into the jar.
func (j *Jar) store(cookies []*Cookie, secure bool, now time.Time) {
	j.writing.Lock()
	defer j.writing.Unlock()
	if !secure {
		root := j.root.Load()
		cookies = slices.DeleteFunc(cookies, func(c *Cookie) bool { return root.protects(c, now) })
	}
	j.put(cookies, now)
}

// put stores cookies, which it keeps, each in the place of one with the same
// key; expired ones only remove those. The caller holds the writing lock.
func (j *Jar) put(cookies []*Cookie, now time.Time) {
	for len(cookies) > 0 {
		domain, secure, n := cookies[0].Domain, cookies[0].Secure, 1
		for ; n < len(cookies) && cookies[n].Domain == domain; n++ {
			secure = secure || cookies[n].Secure
		}
		j.edit(domain, secure, func(old cookieList) cookieList { return j.merge(old, cookies[:n], now) })
		cookies = cookies[n:]
	}
}

// edit changes the cookies of one domain. The caller holds the writing lock.
func (j *Jar) edit(domain string, secure bool, change func(cookieList) cookieList) {
	var buf [8]string
	root := j.root.Load().ownedBy(j.owner)
	root.edit(hostLabels(buf[:0], domain), secure, change)
	j.root.Store(root)
}

// merge returns a domain's cookies with added ones among them.
func (j *Jar) merge(old cookieList, added []*Cookie, now time.Time) cookieList {
	list := listEdit{cookieList: old}
	for _, c := range added {
		j.insert(&list, c, now)
	}
	return list.cookieList
}

// insert puts c into a domain's cookies. A cookie that replaces a living one
// takes over its creation time, and so its place.
func (j *Jar) insert(list *listEdit, c *Cookie, now time.Time) {
	c.Domain = list.domain(c.Domain)
	if i := list.find(c); i >= 0 {
		old := list.cookies[i]
		if !old.expired(now) && !c.expired(now) {
			c.Creation = old.Creation
			list.replace(i, c)
			return
		}
		list.remove(i)
	}
	if c.expired(now) {
		return
	}
	c.Creation = j.stamp(c.Creation, now)
	limit := orDefault(j.MaxPerDomain, defaultMaxPerDomain)
	for limit > 0 && len(list.cookies) >= limit {
		if !list.makeRoom(c, now) {
			return
		}
	}
	list.insert(c)
}

// stamp returns the creation time of a new cookie: created if that is known and
// not in the future, give or take a second, else one later than all before it.
func (j *Jar) stamp(created, now time.Time) time.Time {
	switch {
	case !created.IsZero() && created.Before(now.Add(time.Second)):
	case now.After(j.last):
		created = plainTime(now)
	default:
		created = j.last.Add(1)
	}
	if created.After(j.last) {
		j.last = created
	}
	return created
}

// parse returns the cookies that a response from u with these Set-Cookie headers
// leaves in an empty jar like j, in the order of their creation.
func (j *Jar) parse(u *url.URL, setCookie []string, now time.Time) []Cookie {
	if len(setCookie) == 0 {
		return nil
	}
	empty := Jar{MaxCookieBytes: j.MaxCookieBytes}
	empty.setHeader(u, setCookie, now)
	return values(empty.oldestFirst(now))
}

// Set stores c as a cookie that u's server has set. Without a Domain it belongs
// to u's host alone; a Domain must be that host, or a domain above it that is
// not a public suffix. Without a Path it is sent to every path, as in requests;
// Creation is set by the jar. An expired cookie removes the one in its place.
//
// The error, which matches [ErrInvalidCookie], says what is wrong, such as a
// semicolon or a control character in a field, a Domain that is foreign to u, a
// Secure cookie for a URL without TLS, or a length over MaxCookieBytes, which is a
// [*LimitError] too; the jar is then as it was.
func (j *Jar) Set(u *url.URL, c Cookie) error {
	now := time.Now()
	o, err := cookieOriginOf(u)
	if err == nil {
		o.most = j.MaxCookieBytes
		err = o.prepare(&c)
	}
	if err == nil && strings.Contains(c.Path, ";") {
		err = faultPathText
	}
	if err != nil {
		return fmt.Errorf("session: %s: %w", c.label(err), err)
	}
	c.Creation = time.Time{}
	j.writing.Lock()
	defer j.writing.Unlock()
	if !o.secure && j.root.Load().protects(&c, now) {
		return fmt.Errorf("session: %s: %w", c.label(faultProtected), faultProtected)
	}
	j.put([]*Cookie{&c}, now)
	return nil
}

// Put stores a complete cookie, such as one of another jar: it belongs to its
// Domain, and to that alone if it is HostOnly or if the Domain is an address or
// a public suffix. The Path is "/" if empty, the Creation now if zero. A cookie
// in its place is replaced, Secure or not; an expired cookie removes it.
//
// The error, which matches [ErrInvalidCookie], says what is wrong; the jar is
// then as it was.
func (j *Jar) Put(c Cookie) error {
	if err := completeAlone(&c, j.MaxCookieBytes); err != nil {
		return fmt.Errorf("session: %s: %w", c.label(err), err)
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	j.put([]*Cookie{&c}, time.Now())
	return nil
}

// completeAlone completes a cookie without a URL, for a jar with that
// MaxCookieBytes: as if its own Domain had set it.
func completeAlone(c *Cookie, most int) (err error) {
	if c.Domain == "" {
		return faultNoDomain
	}
	o := cookieOrigin{path: "/", secure: true, most: most}
	if o.host, err = cookieHost(strings.TrimPrefix(c.Domain, ".")); err != nil {
		return faultDomain
	}
	return o.prepare(c)
}

// prepare is complete for a cookie that a program made.
func (o cookieOrigin) prepare(c *Cookie) (err error) {
	if c.Path == "" {
		c.Path = "/"
	}
	if !strings.HasPrefix(c.Path, "/") {
		return faultPathStart
	}
	if c.Domain != "" {
		if c.Domain, err = cookieHost(strings.TrimPrefix(c.Domain, ".")); err != nil {
			return faultDomain
		}
	}
	if c.HostOnly && c.Domain == o.host {
		c.Domain = ""
	} else if c.HostOnly && c.Domain != "" {
		return faultForeign
	}
	return o.complete(c)
}

// Header returns the Cookie header of a request to u, without its name, or "" if
// there are no cookies for it.
func (j *Jar) Header(u *url.URL) string {
	if j.root.Load() == nil {
		return ""
	}
	var few [32]*Cookie
	cookies := j.match(few[:0], u)
	if len(cookies) == 0 {
		return ""
	}
	n := 0
	for _, c := range cookies {
		n += len("; ") + c.wireLen()
	}
	var header strings.Builder
	header.Grow(n)
	for i, c := range cookies {
		if i > 0 {
			header.WriteString("; ")
		}
		c.writeTo(&header)
	}
	return header.String()
}

// Cookies returns the cookies of a request to u in the order of sending, as
// [http.CookieJar] asks for: their names and values, and whether those were in
// quotes.
//
// net/http writes most of them as they were received. It puts values with a
// space or a comma in quotes though, leaves out bytes that are not ASCII, inner
// quotes and backslashes, and writes "=" before the value of a nameless cookie.
// [Jar.Header] has the exact bytes.
func (j *Jar) Cookies(u *url.URL) []*http.Cookie {
	var few [32]*Cookie
	matching := j.match(few[:0], u)
	if len(matching) == 0 {
		return nil
	}
	values := make([]http.Cookie, len(matching))
	cookies := make([]*http.Cookie, len(matching))
	for i, c := range matching {
		h := &values[i]
		h.Name, h.Value = c.Name, c.Value
		if n := len(c.Value); n > 1 && c.Value[0] == '"' && c.Value[n-1] == '"' {
			h.Value, h.Quoted = c.Value[1:n-1], true
		}
		cookies[i] = h
	}
	return cookies
}

// For returns the cookies of a request to u in the order of sending.
func (j *Jar) For(u *url.URL) []Cookie {
	return values(j.match(nil, u))
}

// Get returns the cookie of that name that comes first in a request to u.
func (j *Jar) Get(u *url.URL, name string) (c Cookie, ok bool) {
	cookies := j.match(nil, u)
	if i := slices.IndexFunc(cookies, func(c *Cookie) bool { return c.Name == name }); i >= 0 {
		return *cookies[i], true
	}
	return c, false
}

// match appends to dst, which is empty, the cookies of a request to u.
func (j *Jar) match(dst []*Cookie, u *url.URL) []*Cookie {
	d := j.root.Load()
	o, err := cookieOriginOf(u)
	if d == nil || err != nil {
		return nil
	}
	var buf [8]string
	labels := hostLabels(buf[:0], o.host)
	var now clock
	domains := 0 // that gave cookies
	for i, label := range labels {
		if d = d.sub(label); d == nil {
			break
		}
		before := len(dst)
		if dst = d.match(dst, &o, i == len(labels)-1, &now); len(dst) > before {
			domains++
		}
	}
	if domains > 1 {
		slices.SortStableFunc(dst, sendingOrder)
	}
	return dst[:j.fitting(dst)]
}

// fitting is how many of the cookies a Cookie header has room for.
func (j *Jar) fitting(cookies []*Cookie) int {
	limit := orDefault(j.MaxHeaderBytes, defaultMaxHeaderBytes)
	if limit < 0 {
		return len(cookies)
	}
	size := -len("; ")
	for i, c := range cookies {
		if size += len("; ") + c.wireLen(); size > limit {
			return i
		}
	}
	return len(cookies)
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// All iterates over the cookies that have not expired, sorted by domain, path
// and name. It sees the jar as it was at the call of All.
func (j *Jar) All() iter.Seq[Cookie] {
	cookies := j.live(time.Now())
	slices.SortFunc(cookies, listingOrder)
	return func(yield func(Cookie) bool) {
		for _, c := range cookies {
			if !yield(*c) {
				return
			}
		}
	}
}

// Len returns how many cookies All has.
func (j *Jar) Len() int { return len(j.live(time.Now())) }

// oldestFirst is the cookies that have not expired, in the order of creation.
func (j *Jar) oldestFirst(now time.Time) []*Cookie {
	cookies := j.live(now)
	slices.SortFunc(cookies, func(a, b *Cookie) int {
		return cmp.Or(a.Creation.Compare(b.Creation), listingOrder(a, b))
	})
	return cookies
}

// live is the cookies that have not expired, in no particular order.
func (j *Jar) live(now time.Time) []*Cookie {
	var cookies []*Cookie
	root, _ := j.freeze()
	root.each(func(list cookieList) { cookies = append(cookies, list.cookies...) })
	return slices.DeleteFunc(cookies, func(c *Cookie) bool { return c.expired(now) })
}

func values(cookies []*Cookie) []Cookie {
	if len(cookies) == 0 {
		return nil
	}
	copies := make([]Cookie, len(cookies))
	for i, c := range cookies {
		copies[i] = *c
	}
	return copies
}

// Delete removes the cookie of that domain, path and name, host-only or not, and
// reports whether there was one.
func (j *Jar) Delete(domain, path, name string) bool {
	return j.remove(domain, func(c *Cookie) bool { return c.Path == path && c.Name == name })
}

// ClearDomain removes the cookies of that domain; those of its sub-domains stay.
func (j *Jar) ClearDomain(domain string) {
	j.remove(domain, func(*Cookie) bool { return true })
}

// Clear removes all cookies.
func (j *Jar) Clear() {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.root.Store(nil)
}

// ClearExpired removes the cookies that have expired. They are never sent or
// listed, but most stay in memory until their domain sets another.
func (j *Jar) ClearExpired() {
	now := time.Now()
	j.removeAll(func(c *Cookie) bool { return c.expired(now) })
}

// ClearSession removes the session cookies, as a browser does at its end.
func (j *Jar) ClearSession() {
	j.removeAll(func(c *Cookie) bool { return c.Expires.IsZero() })
}

// remove removes what drop says from one domain, and reports whether there was
// any.
func (j *Jar) remove(domain string, drop func(*Cookie) bool) (found bool) {
	domain, err := cookieHost(strings.TrimPrefix(domain, "."))
	if err != nil {
		return false
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	j.edit(domain, false, func(list cookieList) cookieList {
		found = slices.ContainsFunc(list.cookies, drop)
		return list.without(drop)
	})
	return found
}

// removeAll removes what drop says from all domains.
func (j *Jar) removeAll(drop func(*Cookie) bool) {
	j.writing.Lock()
	defer j.writing.Unlock()
	var domains []string
	j.root.Load().each(func(list cookieList) {
		if slices.ContainsFunc(list.cookies, drop) {
			domains = append(domains, list.cookies[0].Domain)
		}
	})
	for _, domain := range domains {
		j.edit(domain, false, func(list cookieList) cookieList { return list.without(drop) })
	}
}
