package session

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// parseSetCookie reads the value of one Set-Cookie header by the lenient
// algorithm of RFC 6265bis section 5.6. The cookie's Domain and Path are those
// of the attributes; cookieOrigin.complete makes a cookie of it.
func parseSetCookie(line string, now time.Time) (c Cookie, ok bool) {
	if hasControl(line) {
		return c, false
	}
	pair, rest, more := strings.Cut(line, ";")
	name, value, found := strings.Cut(pair, "=")
	if !found {
		name, value = "", pair
	}
	c.Name, c.Value = trimSpace(name), trimSpace(value)
	var age cookieAge
	for more {
		var attribute string
		attribute, rest, more = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(attribute, "=")
		if value = trimSpace(value); len(value) <= maxCookieAttribute {
			c.setAttribute(trimSpace(name), value, &age)
		}
	}
	c.Expires = age.expires(now)
	return c, true
}

// setAttribute records one attribute; the last of each kind counts.
func (c *Cookie) setAttribute(name, value string, age *cookieAge) {
	switch {
	case strings.EqualFold(name, "Expires"):
		age.setDate(value)
	case strings.EqualFold(name, "Max-Age"):
		age.setSeconds(value)
	case strings.EqualFold(name, "Domain"):
		c.Domain = value
	case strings.EqualFold(name, "Path"):
		c.Path = value
	case strings.EqualFold(name, "Secure"):
		c.Secure = true
	case strings.EqualFold(name, "HttpOnly"):
		c.HttpOnly = true
	case strings.EqualFold(name, "SameSite"):
		c.SameSite = value
	case strings.EqualFold(name, "Partitioned"):
		c.Partitioned = true
	}
}

// cookieAge collects the attributes that limit a cookie's life; its zero value
// is that of a session cookie.
type cookieAge struct {
	date    time.Time
	seconds int64
	limited bool // seconds counts
}

func (a *cookieAge) setDate(value string) {
	if date, ok := parseCookieDate(value); ok {
		a.date = date
	}
}

func (a *cookieAge) setSeconds(value string) {
	if seconds, ok := parseSeconds(value); ok {
		a.seconds, a.limited = seconds, true
	}
}

// expires is when the cookie ends: Max-Age goes before Expires (RFC 6265bis
// section 5.7, step 6).
func (a *cookieAge) expires(now time.Time) time.Time {
	switch {
	case !a.limited:
		return a.date
	case a.seconds <= 0:
		return time.Unix(0, 0)
	case a.seconds > endOfTime-now.Unix():
		return time.Unix(endOfTime, 0)
	}
	return time.Unix(now.Unix()+a.seconds, int64(now.Nanosecond()))
}

// parseSeconds reads digits, with a minus or not, of any length: what int64
// cannot hold becomes its nearest value.
func parseSeconds(s string) (seconds int64, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	seconds, _ = strconv.ParseInt(s, 10, 64) // the only error left is of range
	return seconds, true
}

// cookieFromHTTP is a cookie that net/http has parsed, as parseSetCookie would
// give it.
func cookieFromHTTP(h *http.Cookie, now time.Time) Cookie {
	age := cookieAge{date: h.Expires, seconds: int64(h.MaxAge), limited: h.MaxAge != 0}
	c := Cookie{
		Name:        h.Name,
		Value:       h.Value,
		Domain:      h.Domain,
		Path:        h.Path,
		Expires:     age.expires(now),
		Secure:      h.Secure,
		HttpOnly:    h.HttpOnly,
		Partitioned: h.Partitioned,
	}
	if h.Quoted {
		c.Value = `"` + h.Value + `"`
	}
	switch h.SameSite {
	case http.SameSiteStrictMode:
		c.SameSite = "Strict"
	case http.SameSiteLaxMode:
		c.SameSite = "Lax"
	case http.SameSiteNoneMode:
		c.SameSite = "None"
	}
	return c
}
