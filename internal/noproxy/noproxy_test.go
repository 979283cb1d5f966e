package noproxy_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/noproxy"
)

func parse(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		list, url string
		want      bool
	}{
		{"", "http://a.test", false},
		{"", "http://LOCALHOST.:80", true},
		{"", "http://[::1]", true},
		{"", "http://[::ffff:127.0.0.2]", true},
		{"", "mailto:x@a.test", true},
		{"*", "https://a.test", true},
		{"a.test", "http://A.test.", true},
		{" b.test , A.TEST ", "http://x.a.test", true},
		{"a.test", "http://nota.test", false},
		{".a.test", "http://a.test", false},
		{"*.a.test", "http://x.a.test", true},
		{"a.test:443", "https://a.test.", true},
		{"a.test:443", "http://a.test", false},
		{"bücher.test", "http://xn--bcher-kva.test", true},
		{"10.0.0.0/8", "http://10.1.2.3", true},
		{"10.0.0.0/8", "http://[::ffff:10.1.2.3]", true},
		{"fd00::/8", "http://[fd00::1]", true},
		{"1.2.3.4:80", "http://1.2.3.4", true},
		{"2.3.4", "http://1.2.3.4", false},
		{"*.a.test", "http://[::2%25.a.test]", false},
		{"\u00ad, [, :80, *., .", "http://a.test", false},
	} {
		assert.Equal(t, tc.want, noproxy.Parse(tc.list).Match(parse(t, tc.url)), "%q and %s", tc.list, tc.url)
	}
	var none *noproxy.List
	assert.False(t, none.Match(parse(t, "http://a.test")))
	assert.True(t, new(noproxy.List).Match(parse(t, "http://localhost")))
}

// FuzzMatch wants lists that are longer to match more, hosts that are the same
// to be matched alike, and a domain to match itself and what ends with it alone.
func FuzzMatch(f *testing.F) {
	f.Add("a.test, .b.test:80", "http://x.B.test.")
	f.Add("10.0.0.0/8,::1", "https://[::ffff:10.1.2.3]:8443")
	f.Add("*.a.test", "http://[::2%25.a.test]")
	f.Add("a.test:443", "https://u:p@a.test./x")
	f.Add("bücher.test,\u00ad,.\u00ad", "http://bücher.test")
	f.Add("[::1]:80,[,:,*", "socks5://a.test")
	f.Add("a.test", "http://nota.test")
	f.Fuzz(func(t *testing.T, text, rawURL string) {
		u, err := url.Parse(rawURL)
		if err != nil || strings.TrimSuffix(u.Hostname(), ".") == "" {
			return
		}
		matched := noproxy.Parse(text).Match(u)
		longer := noproxy.Parse("other.test," + text).Match(u)
		assert.True(t, longer || !matched, "a longer list matches more")
		assert.True(t, noproxy.Parse(text+",*").Match(u))

		upper := *u
		upper.Host = strings.ToUpper(u.Host)
		if isASCII(u.Host) && !strings.Contains(u.Host, "%") {
			assert.Equal(t, matched, noproxy.Parse(text).Match(&upper), "case does not count")
		}
		host := u.Hostname()
		if isName(host) && isName(text) && !isAddress(host) {
			assert.Equal(t, covers(text, host), matched)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// isName reports whether s is made like a host's name.
func isName(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// isAddress reports whether a host is no name, or one that is always loopback.
func isAddress(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	_, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil
}

// covers reports whether a list that is one domain covers a host.
func covers(domain, host string) bool {
	domain, host = strings.ToLower(domain), strings.TrimSuffix(strings.ToLower(host), ".")
	return host == domain || strings.HasSuffix(host, "."+strings.TrimPrefix(domain, "."))
}
