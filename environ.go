package session

import (
	"net/url"
	"os"

	"github.com/cbf3e3a9/session/internal/netrc"
	"github.com/cbf3e3a9/session/internal/noproxy"
)

// The variables of the environment that name proxies, each in lower case,
// which wins as in requests and curl, and in upper case.
var proxyVariables = [...]struct{ key, lower, upper string }{
	{"http", "http_proxy", "HTTP_PROXY"},
	{"https", "https_proxy", "HTTPS_PROXY"},
	{"all", "all_proxy", "ALL_PROXY"},
	{"ftp", "ftp_proxy", "FTP_PROXY"},
	{"no", "no_proxy", "NO_PROXY"},
}

// environ is what the environment says of proxies, beside the values that it
// was read from.
type environ struct {
	values  [len(proxyVariables)]string
	proxies Proxies
	noProxy *noproxy.List
}

// environ reads the environment afresh, and parses it anew only where it has changed.
func (s *Session) environ() *environ {
	values := readProxyVariables(os.LookupEnv)
	if known := s.env.Load(); known != nil && known.values == values {
		return known
	}
	e := newEnviron(values)
	s.env.Store(e)
	return e
}

// readProxyVariables gives the variables' values, in their order. An empty
// variable in lower case hides the one in upper case, as in requests. In a CGI
// program HTTP_PROXY is a header of the request, so it is not read (CVE-2016-5386).
func readProxyVariables(lookup func(string) (string, bool)) (values [len(proxyVariables)]string) {
	_, cgi := lookup("REQUEST_METHOD")
	for i, v := range proxyVariables {
		value, ok := lookup(v.lower)
		if !ok && (!cgi || v.key != "http") {
			value, _ = lookup(v.upper)
		}
		values[i] = value
	}
	return values
}

func newEnviron(values [len(proxyVariables)]string) *environ {
	e := &environ{values: values}
	for i, v := range proxyVariables {
		if values[i] == "" {
			continue
		}
		if e.proxies == nil {
			e.proxies = make(Proxies)
		}
		e.proxies[v.key] = values[i]
	}
	if e.proxies != nil {
		e.noProxy = noproxy.Parse(e.proxies["no"])
	}
	return e
}

// bypasses reports whether the environment's proxies leave u alone.
func (e *environ) bypasses(u *url.URL, more string) bool {
	return e.noProxy.Match(u) || more != "" && noproxy.Parse(more).Match(u)
}

// proxyFor is the environment's proxy for u, "" for none. An entry of named
// that is empty keeps the environment's from taking its place.
func (e *environ) proxyFor(u *url.URL, named Proxies) string {
	if e.proxies == nil {
		return ""
	}
	for _, key := range proxyKeys(u) {
		proxy := e.proxies[key]
		if _, removed := named[key]; proxy == "" || removed {
			continue
		}
		if e.bypasses(u, named["no_proxy"]) {
			return ""
		}
		return proxy
	}
	return ""
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
		s.environ().addTo(merged.Proxies, named, u)
	}
	return merged
}

// addTo adds the environment's proxies to merged, but for those that would
// come before one that named has for u.
func (e *environ) addTo(merged, named Proxies, u *url.URL) {
	if e.proxies == nil || e.bypasses(u, named["no_proxy"]) {
		return
	}
	chosen, _ := named.Select(u)
	for key, proxy := range e.proxies {
		if _, ok := named[key]; !ok {
			merged[key] = proxy
		}
		if now, _ := merged.Select(u); chosen != "" && now != chosen {
			delete(merged, key)
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
// where the file cannot be read, as in requests.
func (s *Session) netrcAuth(u *url.URL) Auth {
	path := netrc.Locate(os.LookupEnv, os.UserHomeDir)
	if path == "" || u.Hostname() == "" {
		return nil
	}
	login, password, ok, err := s.netrc.Lookup(path, u.Hostname())
	if err != nil || !ok {
		return nil
	}
	return Basic{login, password}
}
