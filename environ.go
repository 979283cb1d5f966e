package session

import (
	"errors"
	"net/http"
	"net/url"
	"os"

	"github.com/cbf3e3a9/session/internal/netrc"
	"github.com/cbf3e3a9/session/internal/noproxy"
)

// proxyVariable is a variable of the environment that names a proxy, by its
// key in [Proxies]: in lower case, which wins as in requests and curl, and in
// upper case.
type proxyVariable struct{ key, lower, upper string }

var proxyVariables = [...]proxyVariable{
	{"http", "http_proxy", "HTTP_PROXY"},
	{"https", "https_proxy", "HTTPS_PROXY"},
	{"all", "all_proxy", "ALL_PROXY"},
	{"ftp", "ftp_proxy", "FTP_PROXY"},
	{"no", "no_proxy", "NO_PROXY"},
}

// value reads the variable. An empty one in lower case hides the one in upper
// case, as in requests. In a CGI program HTTP_PROXY is a header of the request,
// so it is not read (CVE-2016-5386).
func (v proxyVariable) value() string {
	if value, ok := os.LookupEnv(v.lower); ok {
		return value
	}
	value := os.Getenv(v.upper)
	if value != "" && v.key == "http" {
		if _, cgi := os.LookupEnv("REQUEST_METHOD"); cgi {
			return ""
		}
	}
	return value
}

// environProxy is what the environment names for a key of [Proxies], "" for
// nothing.
func environProxy(key string) string {
	for _, v := range proxyVariables {
		if v.key == key {
			return v.value()
		}
	}
	return ""
}

// environProxyFor is the environment's proxy for u, "" for none. An entry of
// named that is empty keeps the environment's from taking its place.
func (s *Session) environProxyFor(u *url.URL, named Proxies) string {
	for _, key := range [...]string{u.Scheme, "all"} {
		proxy := environProxy(key)
		if _, removed := named[key]; proxy == "" || removed {
			continue
		}
		if s.bypasses(u, named["no_proxy"]) {
			return ""
		}
		return proxy
	}
	return ""
}

// bypasses reports whether the environment's proxies leave u alone.
func (s *Session) bypasses(u *url.URL, more string) bool {
	return s.noProxyList().Match(u) || more != "" && noproxy.Parse(more).Match(u)
}

// noProxyValue is the value of NO_PROXY and what it says.
type noProxyValue struct {
	text string
	list *noproxy.List
}

// noProxyList reads NO_PROXY, and parses it anew only where it has changed.
func (s *Session) noProxyList() *noproxy.List {
	text := environProxy("no")
	if known := s.noProxy.Load(); known != nil && known.text == text {
		return known.list
	}
	list := noproxy.Parse(text)
	s.noProxy.Store(&noProxyValue{text, list})
	return list
}

// caBundle is the bundle of authorities that the environment names, "" for none.
func caBundle() string {
	if path := os.Getenv("REQUESTS_CA_BUNDLE"); path != "" {
		return path
	}
	return os.Getenv("CURL_CA_BUNDLE")
}

// Settings are those of a request that a transport has to honour, with those
// of session and environment merged in.
type Settings struct {
	Proxies Proxies
	Stream  bool
	Verify  Verify // VerifyDefault where nothing says otherwise
	Cert    Cert   // nil for none
}

// MergeEnvironment returns what a request for u would be sent with: the given
// settings, over the session's, over the environment's where TrustEnv is on
// (proxies, unless NO_PROXY names the host; then the CA bundle in
// REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE). Of request the fields Proxies,
// NoProxy, Verify, Cert and Stream count. Nothing is written to.
// requests' merge_environment_settings, but for the order: there the
// environment wins over the session.
func (s *Session) MergeEnvironment(u *url.URL, request Request) Settings {
	merged := Settings{
		Proxies: make(Proxies),
		Stream:  request.Stream.or(s.Stream),
		Verify:  s.verifyFor(request.Verify),
		Cert:    s.certFor(request.Cert),
	}
	if request.NoProxy {
		return merged
	}
	named := request.Proxies.over(s.Proxies)
	for key, proxy := range named {
		if proxy != "" {
			merged.Proxies[key] = proxy
		}
	}
	if s.TrustEnv {
		s.addEnvironProxies(merged.Proxies, named, u)
	}
	return merged
}

// addEnvironProxies adds the environment's proxies to merged, but for those
// that would come before one that named has for u.
func (s *Session) addEnvironProxies(merged, named Proxies, u *url.URL) {
	if s.bypasses(u, named["no_proxy"]) {
		return
	}
	chosen, _ := named.Select(u)
	for _, v := range proxyVariables {
		proxy := v.value()
		if _, ok := named[v.key]; ok || proxy == "" {
			continue
		}
		merged[v.key] = proxy
		if now, _ := merged.Select(u); chosen != "" && now != chosen {
			delete(merged, v.key)
		}
	}
}

// verifyFor is the Verify in force: the request's, the session's, the
// environment's.
func (s *Session) verifyFor(v Verify) Verify {
	if v == nil {
		v = s.Verify
	}
	if v != nil && v != VerifyDefault {
		return v
	}
	if s.TrustEnv {
		if path := caBundle(); path != "" {
			return CAFile(path)
		}
	}
	return VerifyDefault
}

// certFor is the Cert in force, nil for none.
func (s *Session) certFor(c Cert) Cert {
	if c == nil {
		c = s.Cert
	}
	if c == NoCert {
		return nil
	}
	return c
}

// netrcAuth is what the netrc file says for u's host: nil for nothing, and
// where the file cannot be read, as in requests; an Auth that fails where it is
// too large.
func (s *Session) netrcAuth(u *url.URL, c *call) Auth {
	if !c.netrcSought {
		c.netrcPath, c.netrcSought = s.netrc.Locate(os.LookupEnv, os.UserHomeDir), true
	}
	if c.netrcPath == "" || u.Hostname() == "" {
		return nil
	}
	most := bound(c.limits.Netrc, defaultNetrc)
	login, password, ok, err := s.netrc.Lookup(c.netrcPath, u.Hostname(), most)
	if errors.Is(err, netrc.ErrTooLarge) {
		return AuthFunc(func(*http.Request) error { return &LimitError{"size of a netrc file", most} })
	}
	if err != nil || !ok {
		return nil
	}
	return Basic{login, password}
}
