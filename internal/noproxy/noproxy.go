// Package noproxy matches URLs against a NO_PROXY list by the rules of
// golang.org/x/net/http/httpproxy.
package noproxy

import (
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// List is a NO_PROXY list made ready. It is safe for concurrent use. The zero
// value, like nil, matches nothing but loopback.
type List struct {
	proxyFor func(*url.URL) (*url.URL, error)
}

// Parse reads a comma-separated list of hosts, ".domains", addresses and CIDR
// blocks, each with an optional port, or "*". What is none of these matches nothing.
func Parse(text string) *List {
	// only whether a proxy is named is asked of it, never which
	config := httpproxy.Config{HTTPProxy: "http://proxy.invalid", HTTPSProxy: "http://proxy.invalid", NoProxy: text}
	return &List{config.ProxyFunc()}
}

// Match reports whether u is to be requested directly: its host is on the
// list, or is localhost or a loopback address. A host with a final dot is the
// host without (CVE-2025-62718), and a URL without a host always matches.
func (l *List) Match(u *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "" {
		return true
	}
	plain := &url.URL{Scheme: "http", Host: u.Host}
	if u.Scheme == "https" {
		plain.Scheme = "https"
	}
	if host != u.Hostname() && !strings.Contains(host, ":") {
		plain.Host = host
		if port := u.Port(); port != "" {
			plain.Host = host + ":" + port
		}
	}
	if l == nil || l.proxyFor == nil {
		l = Parse("")
	}
	proxy, err := l.proxyFor(plain)
	return proxy == nil && err == nil
}
