package session

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Cookie is one cookie of a [Jar]: the fields that RFC 6265bis section 5.7
// stores. It is plain data; changing a Cookie that a Jar gave does not change
// the Jar.
type Cookie struct {
	// Name may be empty: a Set-Cookie header without "=" makes a cookie that
	// has a value alone, which is sent back without "=" too.
	Name string `json:"name,omitempty"`

	// Value is the value as it was received, quotes included.
	Value string `json:"value,omitempty"`

	// Domain is the host or domain that the cookie belongs to: in lower case,
	// in ASCII (xn--), without a leading or trailing dot.
	Domain string `json:"domain"`

	// Path is the path at or below which the cookie is sent; it begins with "/".
	Path string `json:"path"`

	// Expires is when the cookie ends, at most in the year 9999; zero for a
	// session cookie.
	Expires time.Time `json:"expires,omitzero"`

	// Secure cookies are sent over https and wss alone.
	Secure bool `json:"secure,omitempty"`

	// HttpOnly is kept, and means nothing to a client without scripts.
	HttpOnly bool `json:"http_only,omitempty"`

	// HostOnly cookies are sent to Domain itself, others to its sub-domains too.
	HostOnly bool `json:"host_only,omitempty"`

	// Partitioned is kept, and means nothing to a client without pages.
	Partitioned bool `json:"partitioned,omitempty"`

	// SameSite is "Strict", "Lax", "None" or "". It is kept, and means nothing
	// to a client without pages.
	SameSite string `json:"same_site,omitempty"`

	// Creation is when the cookie was first set. No two cookies that a jar
	// received have the same: within a path it is the order of sending.
	Creation time.Time `json:"creation,omitzero"`
}

// maxCookieAttribute bounds the value of one attribute, in bytes (RFC 6265bis
// section 5.6).
const maxCookieAttribute = 1024

// endOfTime is the last second of the year 9999, and so the last that RFC 3339,
// and JSON, can express, in seconds since 1970.
const endOfTime = 253402300799

// cookieFault is a reason for refusing a cookie. It matches ErrInvalidCookie.
type cookieFault string

const (
	faultNameText     cookieFault = "the name holds a control character, ';' or '=', or has space around it"
	faultValueText    cookieFault = "the value holds a control character or ';', or has space around it"
	faultPathText     cookieFault = "the path holds a control character or ';'"
	faultPathStart    cookieFault = "the path does not begin with '/'"
	faultEmpty        cookieFault = "name and value are both empty"
	faultHost         cookieFault = "the host is not one that can have cookies"
	faultDomain       cookieFault = "the domain is malformed"
	faultNoDomain     cookieFault = "there is no domain"
	faultForeign      cookieFault = "the domain is not the host's own"
	faultPublicSuffix cookieFault = "the domain is a public suffix"
	faultInsecure     cookieFault = "a Secure cookie needs a URL of scheme https or wss"
	faultProtected    cookieFault = "a Secure cookie of that name may not be replaced without TLS"
	faultPrefix       cookieFault = "the name's prefix demands other attributes"
	faultTab          cookieFault = "a tab cannot be written to cookies.txt"
	faultFields       cookieFault = "the line is not seven fields of cookies.txt"
	faultLatin1       cookieFault = "the text is not Latin-1"
)

func (f cookieFault) Error() string { return string(f) }

func (f cookieFault) Is(target error) bool {
	return target == ErrInvalidCookie || errors.Is(ErrInvalidCookie, target)
}

// cookieTooLong is a cookieFault that says which limit was crossed.
type cookieTooLong struct{ limit LimitError }

func (e *cookieTooLong) Error() string {
	return fmt.Sprintf("name and value are longer than %d bytes", e.limit.Max)
}

func (e *cookieTooLong) Is(target error) bool { return cookieFault("").Is(target) }
func (e *cookieTooLong) Unwrap() error        { return &e.limit }

// label names the cookie that err is about. What may not be its name, but hold
// part of a value, is left out.
func (c *Cookie) label(err error) string {
	if err == faultNameText || err == faultFields {
		return "cookie"
	}
	return fmt.Sprintf("cookie %.64q", c.Name)
}

// check looks at the parts of a cookie that have nothing to do with its origin
// (RFC 6265bis section 5.7, steps 2 to 4 and 21). Name and value have most bytes at
// most, if that is not negative.
func (c *Cookie) check(most int) error {
	switch {
	case !isCookieText(c.Name) || strings.IndexByte(c.Name, '=') >= 0:
		return faultNameText
	case !isCookieText(c.Value):
		return faultValueText
	case hasControl(c.Path):
		return faultPathText
	case c.Name == "" && c.Value == "":
		return faultEmpty
	case most >= 0 && len(c.Name)+len(c.Value) > most:
		return &cookieTooLong{LimitError{"length of a cookie", int64(most)}}
	case c.Name == "" && (hasPrefixFold(c.Value, securePrefix) || hasPrefixFold(c.Value, hostPrefix)):
		return faultPrefix
	}
	return nil
}

// Prefixes of names whose attributes a server can rely on (RFC 6265bis
// section 4.1.3).
const (
	securePrefix = "__Secure-"
	hostPrefix   = "__Host-"
)

// checkPrefix enforces the promises of prefixed names. It wants the Path as
// given, not the default path.
func (c *Cookie) checkPrefix() error {
	switch {
	case hasPrefixFold(c.Name, hostPrefix) && !(c.Secure && c.HostOnly && c.Path == "/"),
		hasPrefixFold(c.Name, securePrefix) && !c.Secure:
		return faultPrefix
	}
	return nil
}

// complete turns c, whose Domain and Path are still those of its attributes,
// into the cookie that o's server may set, or says why it may not (RFC 6265bis
// section 5.7).
func (o cookieOrigin) complete(c *Cookie) (err error) {
	if err := c.check(orDefault(o.most, defaultMaxCookieBytes)); err != nil {
		return err
	}
	if c.Domain, c.HostOnly, err = o.domain(c.Domain); err != nil {
		return err
	}
	if c.Secure && !o.secure {
		return faultInsecure
	}
	if err := c.checkPrefix(); err != nil {
		return err
	}
	if !strings.HasPrefix(c.Path, "/") {
		c.Path = o.defaultPath()
	}
	if c.SameSite != "" {
		c.SameSite = sameSite(c.SameSite)
	}
	c.Expires, c.Creation = plainTime(c.Expires), plainTime(c.Creation)
	return nil
}

// plainTime is t as it can be stored: in UTC, without a monotonic reading, and
// not after the year 9999. Times before the year 1 are as good as none.
func plainTime(t time.Time) time.Time {
	if !t.After(time.Time{}) {
		return time.Time{}
	}
	if t.Unix() > endOfTime {
		t = time.Unix(endOfTime, 0)
	}
	return t.Round(0).UTC()
}

// sameSite is a SameSite attribute's value in the usual spelling, empty if it
// is none of the three.
func sameSite(value string) string {
	for _, known := range [...]string{"Strict", "Lax", "None"} {
		if strings.EqualFold(value, known) {
			return known
		}
	}
	return ""
}

func (c *Cookie) expired(now time.Time) bool {
	return !c.Expires.IsZero() && !c.Expires.After(now)
}

// same reports whether c and d, both of one domain, have the same key.
func (c *Cookie) same(d *Cookie) bool {
	return c.Name == d.Name && c.Path == d.Path && c.HostOnly == d.HostOnly
}

// wanted reports whether c, a cookie of o's host or of a domain above it,
// belongs into a request to o.
func (c *Cookie) wanted(o *cookieOrigin, atHost bool, now *clock) bool {
	return (atHost || !c.HostOnly) &&
		(o.secure || !c.Secure) &&
		pathMatch(o.path, c.Path) &&
		(c.Expires.IsZero() || !c.expired(now.time())) // most need no clock
}

// clock is the time of one search, read where a cookie asks for it.
type clock struct{ at time.Time }

func (c *clock) time() time.Time {
	if c.at.IsZero() {
		c.at = time.Now()
	}
	return c.at
}

// pathMatch is RFC 6265 section 5.1.4: path lies at or below cookiePath, by
// whole segments.
func pathMatch(path, cookiePath string) bool {
	return strings.HasPrefix(path, cookiePath) &&
		(len(path) == len(cookiePath) || strings.HasSuffix(cookiePath, "/") || path[len(cookiePath)] == '/')
}

// sendingOrder puts longer paths first, then what was created earlier (RFC 6265
// section 5.4).
func sendingOrder(a, b *Cookie) int {
	if n := len(b.Path) - len(a.Path); n != 0 {
		return n
	}
	return a.Creation.Compare(b.Creation)
}

// detach copies c's text if most of the header that it is a part of, and so
// keeps in memory, is something else, such as attributes that nobody knows.
func (c *Cookie) detach(header string) {
	if len(header) > 512+4*(len(c.Name)+len(c.Value)) {
		c.Name, c.Value, c.Path = strings.Clone(c.Name), strings.Clone(c.Value), strings.Clone(c.Path)
	}
}

// goesBefore reports whether c has to go before d when there are too many: those
// that are not Secure go first, then the oldest (RFC 6265bis section 5.7).
func (c *Cookie) goesBefore(d *Cookie) bool {
	if c.Secure != d.Secure {
		return d.Secure
	}
	return c.Creation.Before(d.Creation)
}

// listingOrder is by domain, path and name, then creation, then host-only: no
// two cookies of a jar are equal in all of these.
func listingOrder(a, b *Cookie) int {
	return cmp.Or(
		strings.Compare(a.Domain, b.Domain),
		strings.Compare(a.Path, b.Path),
		strings.Compare(a.Name, b.Name),
		a.Creation.Compare(b.Creation),
		compareBool(a.HostOnly, b.HostOnly),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// wireLen is the length of what writeTo writes.
func (c *Cookie) wireLen() int {
	if c.Name == "" {
		return len(c.Value)
	}
	return len(c.Name) + len("=") + len(c.Value)
}

// writeTo writes c as it goes into a Cookie header (RFC 6265bis section 5.8.3).
func (c *Cookie) writeTo(header *strings.Builder) {
	if c.Name != "" {
		header.WriteString(c.Name)
		header.WriteByte('=')
	}
	header.WriteString(c.Value)
}

// isCookieText reports whether s could come out of a Set-Cookie header: it has
// neither what ends a part of one, nor what is trimmed, nor what is banned.
func isCookieText(s string) bool {
	for i := range len(s) {
		if b := s[i]; b == ';' || isControl(b) {
			return false
		}
	}
	return trimSpace(s) == s
}

// hasControl reports whether s has a byte that RFC 6265bis section 5.6 bans: a
// control character other than tab.
func hasControl(s string) bool {
	for i := range len(s) {
		if isControl(s[i]) {
			return true
		}
	}
	return false
}

func isControl(b byte) bool { return b < ' ' && b != '\t' || b == 0x7f }

// trimSpace removes the spaces and tabs around s.
func trimSpace(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
