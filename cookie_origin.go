package session

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// maxCookieHost bounds the hosts that can have cookies; DNS allows 253 bytes.
const maxCookieHost = 255

// cookieOrigin is what the rules for cookies need to know of a URL.
type cookieOrigin struct {
	host   string // canonical, see cookieHost
	path   string // as written in the URL, not decoded
	secure bool
	most   int // Jar.MaxCookieBytes
}

func cookieOriginOf(u *url.URL) (o cookieOrigin, err error) {
	if u == nil {
		return o, faultHost
	}
	o.host, err = cookieHost(u.Hostname())
	o.secure = u.Scheme == "https" || u.Scheme == "wss"
	o.path = u.EscapedPath()
	if !strings.HasPrefix(o.path, "/") {
		o.path = "/"
	}
	return o, err
}

// defaultPath is RFC 6265 section 5.1.4: the path up to its last slash.
func (o cookieOrigin) defaultPath() string {
	if last := strings.LastIndexByte(o.path, '/'); last > 0 {
		return strings.Clone(o.path[:last])
	}
	return "/"
}

// domain is the domain of a cookie that came from o with the given Domain
// attribute, and whether the cookie is host-only (RFC 6265bis section 5.7,
// steps 8 to 11).
func (o cookieOrigin) domain(attribute string) (domain string, hostOnly bool, err error) {
	if attribute == "" {
		return o.host, true, nil
	}
	domain, err = cookieHost(strings.TrimPrefix(attribute, "."))
	switch {
	case err != nil || !isASCII(attribute):
		return "", false, faultDomain
	case !domainMatch(o.host, domain):
		return "", false, faultForeign
	case isAddress(domain):
		return domain, true, nil
	}
	public := isPublicSuffix(domain)
	if public && domain != o.host {
		return "", false, faultPublicSuffix
	}
	return domain, public, nil
}

// domainMatch is RFC 6265 section 5.1.3.
func domainMatch(host, domain string) bool {
	prefix, ok := strings.CutSuffix(host, domain)
	return ok && (prefix == "" || strings.HasSuffix(prefix, ".") && !isAddress(host))
}

func isPublicSuffix(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}

// isAddress reports whether host is an IP address, or a number that resolvers
// might take for one: no top-level domain begins with a digit.
func isAddress(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.IndexByte(host, ':') >= 0 || last != "" && '0' <= last[0] && last[0] <= '9'
}

// cookieHost is the canonical form of a host name or address, without a port
// (RFC 6265 section 5.1.2): lower case, in ASCII as net/http dials it, and
// without a trailing dot, so that a.test and a.test. have the same cookies.
func cookieHost(host string) (string, error) {
	if !isCanonical(host) {
		host = strings.ToLower(host)
		if !isASCII(host) {
			ascii, err := idna.Lookup.ToASCII(host)
			if err != nil {
				return "", faultHost
			}
			host = ascii
		}
		host = strings.TrimSuffix(host, ".")
		if !isCanonical(host) {
			return "", faultHost
		}
	}
	return host, nil
}

// isCanonical reports whether host is a sequence of labels separated by single
// dots, in lower case, or an IPv6 address with or without a zone.
func isCanonical(host string) bool {
	afterDot := true
	for i := range len(host) {
		b := host[i]
		switch {
		case b == '.' && afterDot:
			return false
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9', strings.IndexByte("-._~:%", b) >= 0:
			afterDot = b == '.'
		default:
			return false
		}
	}
	return !afterDot && len(host) <= maxCookieHost
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// hostLabels appends the labels of a canonical host to dst, the last one first.
// The last two count as one, since no cookie of a top-level domain reaches below
// it; an address is a single label.
func hostLabels(dst []string, host string) []string {
	if isAddress(host) {
		return append(dst, host)
	}
	dot := strings.LastIndexByte(host, '.')
	dot = strings.LastIndexByte(host[:max(dot, 0)], '.')
	for dst = append(dst, host[dot+1:]); dot >= 0; {
		host = host[:dot]
		dot = strings.LastIndexByte(host, '.')
		dst = append(dst, host[dot+1:])
	}
	return dst
}
