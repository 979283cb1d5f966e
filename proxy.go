package session

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
)

// Proxies names proxies by what they serve: "http" or "https" (a scheme),
// "http://host" (a scheme and host), "all://host", "all". The first of scheme
// and host, scheme, all and host, all, decides. A value is the URL of a proxy,
// http (assumed where it has no scheme), https, socks5 or socks5h, with its
// credentials in it; "" removes an entry. It is a field of [Session] and
// [Request], and an [Option].
//
// Proxies named in code serve loopback too, and ignore NO_PROXY. The key
// "no_proxy" adds its list to what the environment's proxies leave alone.
// Names are always looked up by a SOCKS proxy, as net/http does it.
type Proxies map[string]string

// Apply makes Proxies an [Option]: entries that override the request's.
func (p Proxies) Apply(r *Request) { r.Proxies = p.over(r.Proxies) }

// over returns base with p's entries in place of its own; neither is written to.
func (p Proxies) over(base Proxies) Proxies {
	switch {
	case len(p) == 0:
		return base
	case len(base) == 0:
		return p
	}
	merged := maps.Clone(base)
	maps.Copy(merged, p)
	return merged
}

func (p Proxies) clone() Proxies { return maps.Clone(p) }

// Select returns the entry that serves u, and whether there is one.
// requests' select_proxy.
func (p Proxies) Select(u *url.URL) (proxy string, ok bool) {
	if len(p) == 0 {
		return "", false
	}
	for _, key := range proxyKeys(u) {
		if proxy, ok := p[key]; ok && proxy != "" {
			return proxy, true
		}
	}
	return "", false
}

// proxyKeys are the keys that serve u, the narrowest first.
func proxyKeys(u *url.URL) []string {
	host := hostKey(u)
	if host == "" {
		return []string{u.Scheme, "all"}
	}
	if strings.Contains(host, ":") { // as requests has it, and as URLs do
		own := "[" + host + "]"
		return []string{u.Scheme + "://" + host, u.Scheme + "://" + own, u.Scheme, "all://" + host, "all://" + own, "all"}
	}
	return []string{u.Scheme + "://" + host, u.Scheme, "all://" + host, "all"}
}

// parseProxy reads the URL of a proxy. Its error names the scheme served at
// most, since the URL may hold a password.
func parseProxy(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, kindf(ErrInvalidProxy, "it cannot be parsed")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, kindf(ErrInvalidProxy, "scheme %.20q is none of http, https, socks5, socks5h", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, kindf(ErrInvalidProxy, "it has no host")
	}
	host, _, err := splitPort(u.Host)
	if err != nil {
		return nil, kindf(ErrInvalidProxy, "its port is none")
	}
	if _, err := normalizeHost(host); err != nil {
		return nil, kindf(ErrInvalidProxy, "its host is none")
	}
	return u, nil
}

// namedProxy is the proxy that a call names for u, and whether it names one.
func (c *call) namedProxy(u *url.URL) (proxy string, ok bool) {
	if c.direct {
		return "", false
	}
	return c.proxies.Select(u)
}

// proxyFor chooses the proxy of one hop: what the call names, then what the
// environment names; nil for none.
func (s *Session) proxyFor(c *call, u *url.URL) (*url.URL, error) {
	text, named := c.namedProxy(u)
	if !named && !c.direct && s.TrustEnv && !c.resolved {
		text = s.environProxyFor(u, c.proxies)
	}
	if text == "" {
		return nil, c.proxies.check()
	}
	if last := s.lastProxy.Load(); last != nil && last.text == text {
		return last.url, nil
	}
	proxy, err := parseProxy(text)
	if err != nil {
		return nil, err
	}
	s.lastProxy.Store(&parsedURL{text, proxy})
	return proxy, nil
}

// check refuses keys that can serve nothing, such as "http://" and "HTTP": what
// they name would be passed by without a word.
func (p Proxies) check() error {
	for key := range p {
		scheme, host, hasHost := strings.Cut(key, "://")
		if scheme == "" || key != strings.ToLower(key) || strings.Contains(scheme, ":") || hasHost && !isProxyHost(host) {
			return kindf(ErrInvalidProxy, "key %.40q is neither a scheme, such as \"https\", nor a scheme and host, such as \"https://a.test\"", key)
		}
	}
	return nil
}

// isProxyHost reports whether text is a host as a key names it, without a port:
// an address of IPv6 with brackets or without.
func isProxyHost(text string) bool {
	if strings.Count(text, ":") > 1 && text[0] != '[' {
		text = "[" + text + "]"
	}
	host, err := normalizeHost(text)
	return err == nil && host == text
}

// Format masks the passwords, whatever the verb.
func (p Proxies) Format(f fmt.State, _ rune) {
	masked := make(map[string]string, len(p))
	for key, proxy := range p {
		masked[key] = redactText(proxy)
	}
	fmt.Fprintf(f, "Proxies%v", masked)
}

// parsedURL is a URL that was read, and the text that it was read from.
type parsedURL struct {
	text string
	url  *url.URL
}
