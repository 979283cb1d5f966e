package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/publicsuffix"

	"github.com/cbf3e3a9/session"
)

var _ http.CookieJar = (*session.Jar)(nil)

func jarURL(tb testing.TB, s string) *url.URL {
	u, err := url.Parse(s)
	require.NoError(tb, err)
	return u
}

// setFrom gives jar the Set-Cookie lines of one response.
func setFrom(tb testing.TB, jar *session.Jar, from string, lines ...string) {
	jar.SetHeader(jarURL(tb, from), lines)
}

// describe writes a cookie as the tables of this file have it: name=value, the
// domain, with a dot before it if sub-domains get the cookie too, the path, and
// what else is set.
func describe(c session.Cookie) string {
	domain := c.Domain
	if !c.HostOnly {
		domain = "." + domain
	}
	text := c.Name + "=" + c.Value + " " + domain + c.Path
	if !c.Expires.IsZero() {
		text += " " + c.Expires.Format(time.DateTime)
	}
	if c.Secure {
		text += " Secure"
	}
	if c.HttpOnly {
		text += " HttpOnly"
	}
	if c.Partitioned {
		text += " Partitioned"
	}
	if c.SameSite != "" {
		text += " " + c.SameSite
	}
	return text
}

func describeAll(jar *session.Jar) []string {
	all := []string{}
	for c := range jar.All() {
		all = append(all, describe(c))
	}
	return all
}

// scenario is responses, one after the other, the cookies that the jar then has
// in the order of All, and the Cookie headers of requests.
type scenario struct {
	about     string
	responses []response
	jar       []string
	requests  []request
}

type response struct {
	from string
	set  []string
	wait time.Duration // after the response
}

type request struct{ to, header string }

// once is a single response.
func once(from string, set ...string) []response {
	return []response{{from: from, set: set}}
}

func TestJarScenarios(t *testing.T) {
	t.Parallel()
	tables := map[string][]scenario{
		"parsing": parsingScenarios, "lifetime": lifetimeScenarios, "domain": domainScenarios,
		"path": pathScenarios, "secure": secureScenarios, "prefix": prefixScenarios,
		"sending": sendingScenarios, "replacing": replacingScenarios, "limits": limitScenarios,
	}
	for section, scenarios := range tables {
		for _, s := range scenarios {
			t.Run(section+"/"+s.about, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, s.play)
			})
		}
	}
}

// play runs in a bubble, where it is midnight on 2000-01-01 UTC at first.
func (s scenario) play(t *testing.T) {
	var jar session.Jar
	for _, r := range s.responses {
		setFrom(t, &jar, r.from, r.set...)
		time.Sleep(r.wait)
	}
	if s.jar != nil {
		assert.Equal(t, s.jar, describeAll(&jar))
		assert.Equal(t, len(s.jar), jar.Len())
	}
	for _, r := range s.requests {
		u := jarURL(t, r.to)
		got := jar.Header(u)
		assert.True(t, got == r.header, "to %s: got %.200q, want %.200q", r.to, got, r.header)
		assert.True(t, got == wire(jar.For(u)), "Header and For agree")
	}
}

// wire is the Cookie header that a list of cookies makes.
func wire(cookies []session.Cookie) string {
	var pairs []string
	for _, c := range cookies {
		if c.Name == "" {
			pairs = append(pairs, c.Value)
		} else {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// RFC 6265bis section 5.6: what a Set-Cookie header says.
var parsingScenarios = []scenario{
	{
		about:     "name and value",
		responses: once("http://a.test/", "a=1", "b=2; Path=/"),
		jar:       []string{"a=1 a.test/", "b=2 a.test/"},
		requests:  []request{{"http://a.test/", "a=1; b=2"}, {"http://b.test/", ""}},
	},
	{
		about:     "white space around names, values and attributes does not count",
		responses: once("https://a.test/", " \ta \t=\t 1 \t;\tPath \t=\t /x\t;  \t Secure\t "),
		jar:       []string{"a=1 a.test/x Secure"},
	},
	{
		about:     "inner white space does",
		responses: once("http://a.test/", "a b=c\td  e"),
		jar:       []string{"a b=c\td  e a.test/"},
		requests:  []request{{"http://a.test/", "a b=c\td  e"}},
	},
	{
		about:     "the first equals sign ends the name",
		responses: once("http://a.test/", "a=b=c==", `j={"k":"v=\"w\""},x`),
		jar:       []string{"a=b=c== a.test/", `j={"k":"v=\"w\""},x a.test/`},
		requests:  []request{{"http://a.test/", `a=b=c==; j={"k":"v=\"w\""},x`}},
	},
	{
		about:     "quotes belong to the value",
		responses: once("http://a.test/", `a="x y"`, `b="`, `c="1;2"`, `d=""`),
		jar:       []string{`a="x y" a.test/`, `b=" a.test/`, `c="1 a.test/`, `d="" a.test/`},
		requests:  []request{{"http://a.test/", `a="x y"; b="; c="1; d=""`}},
	},
	{
		about:     "nothing is decoded (undici CVE-2026-9679)",
		responses: once("http://a.test/", "a=%0d%0aX:%20y", "b=%3B"),
		requests:  []request{{"http://a.test/", "a=%0d%0aX:%20y; b=%3B"}},
	},
	{
		about:     "bytes that are not ASCII, nor UTF-8, stay",
		responses: once("http://a.test/", "a=caf\xe9", "b=ä€", "ü=1"),
		requests:  []request{{"http://a.test/", "a=caf\xe9; b=ä€; ü=1"}},
	},
	{
		about:     "empty values",
		responses: once("http://a.test/", "a=", "b= ;Path=/"),
		jar:       []string{"a= a.test/", "b= a.test/"},
		requests:  []request{{"http://a.test/", "a=; b="}},
	},
	{
		about:     "a cookie may have no name",
		responses: once("http://a.test/", "v", "=w; Path=/x", " = b=c; Path=/y"),
		jar:       []string{"=v a.test/", "=w a.test/x", "=b=c a.test/y"},
		requests: []request{
			{"http://a.test/", "v"}, {"http://a.test/x", "w; v"}, {"http://a.test/y", "b=c; v"},
		},
	},
	{
		about:     "but not neither name nor value",
		responses: once("http://a.test/", "", "=", " ", ";", "; Path=/", " = ; Secure"),
		jar:       []string{},
	},
	{
		about: "control characters make a cookie ignored, others are kept (CVE-2022-35252)",
		responses: once("http://a.test/", "a=1\x00", "b\x1f=1", "c=1; Path=/\x7f", "d=1; x=\r\ny", "e=1\nf=2",
			"g=\x0b", "h=\x08", "i=1"),
		jar: []string{"i=1 a.test/"},
	},
	{
		about:     "names of attributes in any case, unknown ones ignored",
		responses: once("https://a.test/", "a=1; PATH=/x; sEcUrE; httponly; Frobnicate; Priority=High; =; ;"),
		jar:       []string{"a=1 a.test/x Secure HttpOnly"},
	},
	{
		about:     "a value does not unset a flag",
		responses: once("https://a.test/", "a=1; Secure=false; HttpOnly=no"),
		jar:       []string{"a=1 a.test/ Secure HttpOnly"},
	},
	{
		about:     "the last attribute of a kind counts",
		responses: once("http://x.a.test/", "a=1; Path=/x; Path=/y", "b=1; Path=/x; Path=", "c=1; Domain=b.test; Domain=a.test", "d=1; Domain=b.test; Domain="),
		jar:       []string{"c=1 .a.test/", "b=1 x.a.test/", "d=1 x.a.test/", "a=1 x.a.test/y"},
	},
	{
		about: "SameSite and Partitioned are kept",
		responses: once("https://a.test/", "a=1; SameSite=STRICT", "b=1; SameSite=lax", "c=1; SameSite=None; Secure; Partitioned",
			"d=1; SameSite=StrictX", "e=1; SameSite"),
		jar: []string{"a=1 a.test/ Strict", "b=1 a.test/ Lax", "c=1 a.test/ Secure Partitioned None", "d=1 a.test/", "e=1 a.test/"},
	},
	{
		about:     "a comma does not separate cookies",
		responses: once("http://a.test/", "a=1, b=2"),
		jar:       []string{"a=1, b=2 a.test/"},
	},
	{
		about: "an attribute of more than 1024 bytes is ignored",
		responses: once("http://a.test/", "a=1; Path=/"+strings.Repeat("x", 1023), "b=1; Path=/y; Path=/"+strings.Repeat("x", 1024),
			"c=1; Domain="+strings.Repeat("x", 1025)),
		jar: []string{"c=1 a.test/", "a=1 a.test/" + strings.Repeat("x", 1023), "b=1 a.test/y"},
	},
	{
		about:     "name and value have 4096 bytes at most",
		responses: once("http://a.test/", "a="+strings.Repeat("x", 4095), "bb="+strings.Repeat("x", 4095), strings.Repeat("c", 4097)+"="),
		jar:       []string{"a=" + strings.Repeat("x", 4095) + " a.test/"},
	},
}

// RFC 6265bis sections 5.6.1 and 5.6.2, and section 5.7 step 6.
var lifetimeScenarios = []scenario{
	{
		about:     "Max-Age in seconds",
		responses: once("http://a.test/", "a=1; Max-Age=60"),
		jar:       []string{"a=1 a.test/ 2000-01-01 00:01:00"},
	},
	{
		about:     "a cookie is gone when its time has come",
		responses: []response{{from: "http://a.test/", set: []string{"a=1; Max-Age=60", "b=1; Max-Age=61", "c=1"}, wait: time.Minute}},
		jar:       []string{"b=1 a.test/ 2000-01-01 00:01:01", "c=1 a.test/"},
		requests:  []request{{"http://a.test/", "b=1; c=1"}},
	},
	{
		about:     "Max-Age goes before Expires, in any order",
		responses: once("http://a.test/", "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Max-Age=0"),
		jar:       []string{"a=1 a.test/ 2000-01-01 00:01:00"},
	},
	{
		about: "a Max-Age that is no number is ignored",
		responses: once("http://a.test/", "a=1; Max-Age=", "b=1; Max-Age=1s", "c=1; Max-Age=-", "d=1; Max-Age=+5", "e=1; Max-Age=1.5",
			"f=1; Max-Age=60; Max-Age=x", `g=1; Max-Age="60"`),
		jar: []string{"a=1 a.test/", "b=1 a.test/", "c=1 a.test/", "d=1 a.test/", "e=1 a.test/", "f=1 a.test/ 2000-01-01 00:01:00", "g=1 a.test/"},
	},
	{
		about: "a Max-Age of any length (CVE-2017-18589)",
		responses: once("http://a.test/", "a=1; Max-Age=2147483648", "b=1; Max-Age=9223372037", "c=1; Max-Age=9223372036854775807",
			"d=1; Max-Age=100000000000000000000", "e=1; Max-Age="+strings.Repeat("9", 1000), "f=1; Max-Age=0000000000000000000000060"),
		jar: []string{
			"a=1 a.test/ 2068-01-19 03:14:08", "b=1 a.test/ 2292-04-10 23:47:17", "c=1 a.test/ 9999-12-31 23:59:59",
			"d=1 a.test/ 9999-12-31 23:59:59", "e=1 a.test/ 9999-12-31 23:59:59", "f=1 a.test/ 2000-01-01 00:01:00",
		},
	},
	{
		about: "zero, negative and past remove",
		responses: []response{
			{from: "http://a.test/", set: []string{"a=1", "b=1", "c=1", "d=1", "e=1"}},
			{from: "http://a.test/", set: []string{
				"a=; Max-Age=0", "b=2; Max-Age=-1", "c=; Max-Age=-100000000000000000000", "d=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
				"f=; Max-Age=-0",
			}},
		},
		jar: []string{"e=1 a.test/"},
	},
	{
		about: "only the cookie with the same key is removed",
		responses: []response{
			{from: "http://x.a.test/p/q", set: []string{"a=1", "a=2; Path=/", "a=3; Domain=a.test; Path=/p", "a=4; Domain=x.a.test; Path=/p"}},
			{from: "http://x.a.test/p/q", set: []string{"a=; Max-Age=0"}},
		},
		jar: []string{"a=3 .a.test/p", "a=2 x.a.test/", "a=4 .x.a.test/p"},
	},
	{
		about:     "lifetimes are not capped",
		responses: once("http://a.test/", "a=1; Max-Age=315360000", "b=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT"),
		jar:       []string{"a=1 a.test/ 2009-12-29 00:00:00", "b=1 a.test/ 9999-12-31 23:59:59"},
	},
	{
		about:     "an Expires that is no date is ignored",
		responses: once("http://a.test/", "a=1; Expires=tomorrow", "b=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Expires=0"),
		jar:       []string{"a=1 a.test/", "b=1 a.test/ 2099-01-01 00:00:00"},
	},
}

// RFC 6265bis section 5.7 steps 8 to 11.
var domainScenarios = []scenario{
	{
		about:     "without Domain a cookie is its host's alone",
		responses: once("http://x.a.test/", "a=1"),
		requests:  []request{{"http://x.a.test/", "a=1"}, {"http://y.x.a.test/", ""}, {"http://a.test/", ""}},
	},
	{
		about:     "with Domain it is the sub-domains' too",
		responses: once("http://x.a.test/", "a=1; Domain=a.test", "b=1; Domain=x.a.test"),
		jar:       []string{"a=1 .a.test/", "b=1 .x.a.test/"},
		requests: []request{
			{"http://a.test/", "a=1"}, {"http://y.a.test/", "a=1"}, {"http://x.a.test/", "a=1; b=1"},
			{"http://z.x.a.test/", "a=1; b=1"}, {"http://xa.test/", ""}, {"http://test/", ""},
		},
	},
	{
		about:     "a suffix is not a domain without the dot (CVE-2018-20852)",
		responses: once("http://a.test/", "a=1; Domain=a.test"),
		requests:  []request{{"http://evila.test/", ""}, {"http://a.test.evil.test/", ""}},
	},
	{
		about:     "case, a leading dot and a trailing dot do not matter",
		responses: once("http://X.A.test/", "a=1; Domain=A.TEST", "b=1; Domain=.a.test", "c=1; Domain=a.test.", "d=1; Domain=.A.Test."),
		jar:       []string{"a=1 .a.test/", "b=1 .a.test/", "c=1 .a.test/", "d=1 .a.test/"},
	},
	{
		about:     "a host with a trailing dot has the cookies of the one without",
		responses: []response{{from: "http://a.test./", set: []string{"a=1"}}, {from: "http://a.test/", set: []string{"b=1; Domain=a.test"}}},
		jar:       []string{"a=1 a.test/", "b=1 .a.test/"},
		requests:  []request{{"http://a.test/", "a=1; b=1"}, {"http://a.test./", "a=1; b=1"}, {"http://x.a.test./", "b=1"}},
	},
	{
		about:     "ports do not matter",
		responses: once("http://a.test:8080/", "a=1"),
		requests:  []request{{"http://a.test/", "a=1"}, {"http://a.test:9090/", "a=1"}},
	},
	{
		about: "a Domain that is not the sender's is refused (CVE-2022-29248)",
		responses: once("http://x.a.test/", "a=1; Domain=b.test", "b=1; Domain=y.a.test", "c=1; Domain=y.x.a.test",
			"d=1; Domain=.test", "e=1; Domain=.a.test.evil", "f=1; Domain=ax.a.test", "g=1; Domain=http://x.a.test", "h=1; Domain=x.a.test:80"),
		jar: []string{},
	},
	{
		about: "a Domain of dots is refused (CVE-2026-55767)",
		responses: once("http://a.test/", "a=1; Domain=.", "b=1; Domain=..", "c=1; Domain=...", "d=1; Domain=..a.test",
			"e=1; Domain=a..test", "f=1; Domain=a.test..", "g=1; Domain=.. .test", "h=1; Domain= . "),
		jar: []string{},
	},
	{
		about:     "an empty Domain is none",
		responses: once("http://a.test/", "a=1; Domain=", "b=1; Domain", "c=1; Domain=  "),
		jar:       []string{"a=1 a.test/", "b=1 a.test/", "c=1 a.test/"},
	},
	{
		about: "a public suffix is refused, however it is written (CVE-2014-3620, CVE-2022-27779, CVE-2023-46218)",
		responses: once("http://curl.co.uk/", "a=1; Domain=co.uk", "b=1; Domain=co.UK", "c=1; Domain=.co.uk", "d=1; Domain=co.uk.",
			"e=1; Domain=.uk", "f=1; Domain=uk", "g=1; Domain=CO.UK."),
		jar:      []string{},
		requests: []request{{"http://other.co.uk/", ""}},
	},
	{
		about:     "also to a host with a trailing dot (CVE-2022-27779)",
		responses: once("http://curl.co.uk./", "a=1; Domain=co.uk.", "b=1; Domain=.co.uk"),
		jar:       []string{},
	},
	{
		about:     "also one of the list's private part, and what no list has",
		responses: []response{{from: "http://me.github.io/", set: []string{"a=1; Domain=github.io"}}, {from: "http://h.intranet/", set: []string{"a=1; Domain=intranet"}}},
		jar:       []string{},
	},
	{
		about: "also one by a wildcard of the list, but for its exceptions", // *.kobe.jp and !city.kobe.jp
		responses: []response{
			{from: "http://a.b.kobe.jp/", set: []string{"a=1; Domain=b.kobe.jp", "b=1; Domain=.B.Kobe.jp.", "c=1; Domain=a.b.kobe.jp", "d=1"}},
			{from: "http://x.www.city.kobe.jp/", set: []string{"a=2; Domain=www.city.kobe.jp", "b=2; Domain=city.kobe.jp", "c=2; Domain=jp"}},
			{from: "http://c.kobe.jp/", set: []string{"a=3; Domain=c.kobe.jp", "b=3"}},
		},
		jar: []string{
			"c=1 .a.b.kobe.jp/", "d=1 a.b.kobe.jp/", "a=3 c.kobe.jp/", "b=3 c.kobe.jp/", "b=2 .city.kobe.jp/", "a=2 .www.city.kobe.jp/",
		},
		requests: []request{
			{"http://b.kobe.jp/", ""}, {"http://x.b.kobe.jp/", ""}, {"http://x.a.b.kobe.jp/", "c=1"},
			{"http://city.kobe.jp/", "b=2"}, {"http://www.city.kobe.jp/", "a=2; b=2"}, {"http://kobe.jp/", ""},
			{"http://c.kobe.jp/", "a=3; b=3"}, {"http://x.c.kobe.jp/", ""},
		},
	},
	{
		about: "a public suffix that is the host itself makes a host-only cookie",
		responses: []response{
			{from: "http://github.io/", set: []string{"a=1; Domain=github.io"}},
			{from: "http://intranet/", set: []string{"a=1; Domain=intranet"}},
			{from: "http://localhost/", set: []string{"a=1; Domain=.localhost"}},
		},
		jar:      []string{"a=1 github.io/", "a=1 intranet/", "a=1 localhost/"},
		requests: []request{{"http://me.github.io/", ""}, {"http://x.intranet/", ""}, {"http://github.io/", "a=1"}, {"http://x.localhost/", ""}},
	},
	{
		about: "an address has host-only cookies, and only its own (CVE-2014-3613)",
		responses: []response{
			{from: "http://192.168.0.1/", set: []string{"a=1", "b=1; Domain=192.168.0.1", "c=1; Domain=.168.0.1", "d=1; Domain=168.0.1", "e=1; Domain=1"}},
			{from: "http://[::1]:80/", set: []string{"a=2", "b=2; Domain=::1", "c=2; Domain=[::1]", "d=2; Domain=1"}},
		},
		jar: []string{"a=1 192.168.0.1/", "b=1 192.168.0.1/", "a=2 ::1/", "b=2 ::1/"},
		requests: []request{
			{"http://192.168.0.1:8080/", "a=1; b=1"}, {"http://129.168.0.1/", ""}, {"http://168.0.1/", ""},
			{"http://x.192.168.0.1/", ""}, {"http://[::1]/", "a=2; b=2"}, {"http://[::2]/", ""}, {"http://192.168.0.1./", "a=1; b=1"},
		},
	},
	{
		about: "names that end in a number are addresses too",
		responses: []response{
			{from: "http://2130706433/", set: []string{"a=1"}},
			{from: "http://0x7f.0x1/", set: []string{"b=1; Domain=0x1", "c=1; Domain=0x7f.0x1"}},
			{from: "http://x.0.1/", set: []string{"d=1; Domain=0.1"}},
		},
		jar:      []string{"c=1 0x7f.0x1/", "a=1 2130706433/"},
		requests: []request{{"http://10.0.0.1/", ""}},
	},
	{
		about:     "a zone does not make an address a sub-domain (CVE-2023-45289)",
		responses: once("http://a.test/", "a=1; Domain=a.test"),
		requests:  []request{{"http://[::1%25.a.test]/", ""}},
	},
	{
		about: "international names in ASCII and not",
		responses: []response{
			{from: "http://bücher.test/", set: []string{"a=1"}},
			{from: "http://x.xn--bcher-kva.test/", set: []string{"b=1; Domain=xn--bcher-kva.test"}},
		},
		jar:      []string{"a=1 xn--bcher-kva.test/", "b=1 .xn--bcher-kva.test/"},
		requests: []request{{"http://BÜCHER.test/", "a=1; b=1"}, {"http://xn--bcher-kva.test/", "a=1; b=1"}, {"http://bücher。test/", "a=1; b=1"}},
	},
	{
		about: "a Domain that is not ASCII is refused, never taken for none (CVE-2026-69245)",
		responses: once("http://bücher.test/", "a=1; Domain=bücher.test", "b=1; Domain=b\xfccher.test", "c=1; Domain=xn--bcher-kva。test",
			"d=1; Domain=．test", "e=1; Domain=ü"),
		jar: []string{},
	},
	{
		about: "hosts that cannot be have no cookies",
		responses: []response{
			{from: "http:///x", set: []string{"a=1"}}, {from: "http://a..test/", set: []string{"a=1"}},
			{from: "http://a;b/", set: []string{"a=1"}}, {from: "/relative", set: []string{"a=1"}},
			{from: "http://" + strings.Repeat("a.", 127) + "test/", set: []string{"a=1"}}, {from: "http://./", set: []string{"a=1"}},
		},
		jar:      []string{},
		requests: []request{{"http:///x", ""}, {"/", ""}, {"mailto:a@a.test", ""}},
	},
	{
		about: "other schemes have hosts too",
		responses: []response{
			{from: "mock://a.test/", set: []string{"a=1", "b=1; Secure"}},
			{from: "wss://a.test/", set: []string{"c=1; Secure"}},
		},
		jar:      []string{"a=1 a.test/", "c=1 a.test/ Secure"},
		requests: []request{{"mock://a.test/", "a=1"}, {"ws://a.test/", "a=1"}, {"wss://a.test/", "a=1; c=1"}, {"https://a.test/", "a=1; c=1"}},
	},
}

// RFC 6265 section 5.1.4.
var pathScenarios = []scenario{
	{
		about: "the default path is the directory",
		responses: []response{
			{from: "http://a.test", set: []string{"a=1"}}, {from: "http://a.test/x", set: []string{"b=1"}},
			{from: "http://a.test/x/", set: []string{"c=1"}}, {from: "http://a.test/x/y", set: []string{"d=1"}},
			{from: "http://a.test/x/y/?q=/z/", set: []string{"e=1; Path=relative"}},
		},
		jar: []string{"a=1 a.test/", "b=1 a.test/", "c=1 a.test/x", "d=1 a.test/x", "e=1 a.test/x/y"},
	},
	{
		about:     "by whole segments",
		responses: once("http://a.test/", "a=1; Path=/foo", "b=1; Path=/foo/"),
		requests: []request{
			{"http://a.test/foo", "a=1"}, {"http://a.test/foo/", "b=1; a=1"}, {"http://a.test/foo/bar", "b=1; a=1"},
			{"http://a.test/foobar", ""}, {"http://a.test/fo", ""}, {"http://a.test/", ""}, {"http://a.test/x/foo", ""}, {"http://a.test/FOO", ""},
		},
	},
	{
		about:     "as the URL has it, escapes and all",
		responses: once("http://a.test/", "a=1; Path=/foo", "b=1; Path=/foo%2Fbar", "c=1; Path=/ä"),
		requests: []request{
			{"http://a.test/foo%2Fbar", "b=1"}, {"http://a.test/foo/bar", "a=1"}, {"http://a.test/f%6Fo", ""}, {"http://a.test/ä", ""},
		},
	},
	{
		about:     "no host is bound to set cookies for its own paths only",
		responses: once("http://a.test/x", "a=1; Path=/elsewhere/else"),
		requests:  []request{{"http://a.test/x", ""}, {"http://a.test/elsewhere/else?q", "a=1"}},
	},
	{
		about:     "a default path with a semicolon",
		responses: once("http://a.test/x;y/z", "a=1"),
		jar:       []string{"a=1 a.test/x;y"},
		requests:  []request{{"http://a.test/x;y/", "a=1"}},
	},
}

// RFC 6265bis section 5.7 steps 14 and 16, section 5.8.3.
var secureScenarios = []scenario{
	{
		about:     "over TLS alone, localhost too",
		responses: []response{{from: "https://a.test/", set: []string{"a=1; Secure"}}, {from: "https://localhost/", set: []string{"a=1; Secure"}}},
		requests:  []request{{"https://a.test/", "a=1"}, {"http://a.test/", ""}, {"http://a.test:443/", ""}, {"http://localhost/", ""}},
	},
	{
		about: "not from a response without TLS",
		responses: []response{
			{from: "http://a.test/", set: []string{"a=1; Secure", "b=1"}}, {from: "http://localhost/", set: []string{"a=1; Secure"}},
		},
		jar: []string{"b=1 a.test/"},
	},
	{
		about: "such a response does not replace or remove them (CVE-2025-9086)",
		responses: []response{
			{from: "https://a.test/", set: []string{"a=1; Secure", "b=1; Secure", "c=1; Secure", "d=1"}},
			{from: "http://a.test/", set: []string{"a=2", "b=; Max-Age=0", "C=2", "d=2"}},
		},
		jar: []string{"C=2 a.test/", "a=1 a.test/ Secure", "b=1 a.test/ Secure", "c=1 a.test/ Secure", "d=2 a.test/"},
	},
	{
		about: "nor overlay them at a deeper path, though at a shorter one",
		responses: []response{
			{from: "https://a.test/", set: []string{"a=1; Secure; Path=/x"}},
			{from: "http://a.test/", set: []string{"a=2; Path=/x/y", "a=3; Path=/x", "a=4; Path=/xy", "a=5; Path=/"}},
		},
		jar: []string{"a=5 a.test/", "a=1 a.test/x Secure", "a=4 a.test/xy"},
	},
	{
		about: "nor from a domain above or below",
		responses: []response{
			{from: "https://x.a.test/", set: []string{"a=1; Secure; Domain=a.test", "b=1; Secure"}},
			{from: "http://y.x.a.test/", set: []string{"a=2", "b=2", "b=3; Domain=x.a.test", "b=4; Domain=a.test"}},
			{from: "http://y.a.test/", set: []string{"a=5", "b=5"}},
			{from: "http://a.test/", set: []string{"a=6", "b=6; Domain=a.test", "c=6"}},
		},
		jar: []string{"a=1 .a.test/ Secure", "c=6 a.test/", "b=1 x.a.test/ Secure", "b=5 y.a.test/"},
	},
	{
		about: "an expired one protects nothing",
		responses: []response{
			{from: "https://x.a.test/", set: []string{"a=1; Secure; Max-Age=60", "b=1; Secure; Max-Age=60"}, wait: time.Minute},
			{from: "http://x.a.test/", set: []string{"a=2", "b=2; Domain=a.test"}},
		},
		jar: []string{"b=2 .a.test/", "a=2 x.a.test/"},
	},
	{
		about: "over TLS they are replaced",
		responses: []response{
			{from: "https://a.test/", set: []string{"a=1; Secure", "b=1; Secure"}},
			{from: "https://a.test/", set: []string{"a=2", "b=; Max-Age=0"}},
		},
		jar:      []string{"a=2 a.test/"},
		requests: []request{{"http://a.test/", "a=2"}},
	},
}

// RFC 6265bis section 5.7 steps 20 to 22.
var prefixScenarios = []scenario{
	{
		about:     "__Secure- demands Secure",
		responses: once("https://x.a.test/", "__Secure-a=1", "__Secure-b=1; Secure; Domain=a.test; Path=/x", "__SECURE-c=1", "__secure-D=1; Secure"),
		jar:       []string{"__Secure-b=1 .a.test/x Secure", "__secure-D=1 x.a.test/ Secure"},
	},
	{
		about: "__Host- demands Secure, Path=/ and no Domain",
		responses: once("https://x.a.test/", "__Host-a=1; Secure; Path=/", "__Host-b=1; Path=/", "__Host-c=1; Secure", "__Host-d=1; Secure; Path=/x",
			"__Host-e=1; Secure; Path=/; Domain=x.a.test", "__HOST-f=1; Secure; Path=/x", "__hOsT-g=1; Secure; Path=/", "__Host-h=1; Secure; Path=/; Domain="),
		jar: []string{"__Host-a=1 x.a.test/ Secure", "__Host-h=1 x.a.test/ Secure", "__hOsT-g=1 x.a.test/ Secure"},
	},
	{
		about:     "neither comes without TLS",
		responses: once("http://a.test/", "__Secure-a=1; Secure", "__Host-b=1; Secure; Path=/", "__Secure-c=1"),
		jar:       []string{},
	},
	{
		about:     "a nameless cookie does not feign one",
		responses: once("https://a.test/", "__Host-a", "=__Host-a=1; Secure; Path=/", "=__SECURE-b=1; Secure", "__Hos"),
		jar:       []string{"=__Hos a.test/"},
	},
}

// RFC 6265bis section 5.8.3.
var sendingScenarios = []scenario{
	{
		about: "longer paths first, then in the order of creation",
		responses: []response{
			{from: "http://x.a.test/", set: []string{"a=1", "b=1; Path=/x/y", "c=1; Path=/x", "d=1; Domain=a.test", "e=1; Path=/x; Domain=a.test"}},
			{from: "http://x.a.test/", set: []string{"f=1", "g=1; Domain=a.test; Path=/x/y", "h=1; Domain=x.a.test"}},
		},
		requests: []request{
			{"http://x.a.test/x/y/z", "b=1; g=1; c=1; e=1; a=1; d=1; f=1; h=1"},
			{"http://y.a.test/x/y/z", "g=1; e=1; d=1"},
		},
	},
	{
		about: "of one name, by domain and path",
		responses: []response{
			{from: "http://x.a.test/", set: []string{"a=domain; Domain=a.test", "a=host", "a=sub; Domain=x.a.test", "a=path; Path=/p"}},
		},
		requests: []request{{"http://x.a.test/p", "a=path; a=domain; a=host; a=sub"}},
	},
}

var replacingScenarios = []scenario{
	{
		about: "a replaced cookie keeps its place",
		responses: []response{
			{from: "http://a.test/", set: []string{"a=1", "b=1", "c=1"}, wait: time.Second},
			{from: "http://a.test/", set: []string{"a=2; HttpOnly; Max-Age=60"}},
		},
		jar:      []string{"a=2 a.test/ 2000-01-01 00:01:01 HttpOnly", "b=1 a.test/", "c=1 a.test/"},
		requests: []request{{"http://a.test/", "a=2; b=1; c=1"}},
	},
	{
		about: "one that was removed, or has expired, does not",
		responses: []response{
			{from: "http://a.test/", set: []string{"a=1", "b=1; Max-Age=60", "c=1"}},
			{from: "http://a.test/", set: []string{"a=; Max-Age=0"}, wait: time.Minute},
			{from: "http://a.test/", set: []string{"a=2", "b=2"}},
		},
		requests: []request{{"http://a.test/", "c=1; a=2; b=2"}},
	},
	{
		about:     "domain, host-only, path and name in its case are the key",
		responses: once("http://a.test/", "a=1", "a=2; Domain=a.test", "a=3; Path=/x", "A=4", "a=5", "a=6; Domain=a.test", "a=7; Path=/x"),
		jar:       []string{"A=4 a.test/", "a=5 a.test/", "a=6 .a.test/", "a=7 a.test/x"},
	},
	{
		about:     "within a response the last counts",
		responses: once("http://a.test/", "a=1", "b=1", "a=2", "b=; Max-Age=0"),
		jar:       []string{"a=2 a.test/"},
	},
}

// numbered is n Set-Cookie lines.
func numbered(n int, format string) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(format, i))
	}
	return lines
}

// numberedRange is what of numbered's cookies a jar has from first to last.
func numberedRange(first, last int, format string) (cookies []string) {
	for i := first; i <= last; i++ {
		cookies = append(cookies, fmt.Sprintf(format, i))
	}
	return cookies
}

var limitScenarios = []scenario{
	{
		about:     "180 cookies a domain, the oldest go (CVE-2022-32205)",
		responses: []response{{from: "http://x.a.test/", set: numbered(300, "n%03d=1")}, {from: "http://y.a.test/", set: []string{"a=1"}}},
		jar:       append(numberedRange(120, 299, "n%03d=1 x.a.test/"), "a=1 y.a.test/"),
	},
	{
		about: "expired ones go first",
		responses: []response{
			{from: "http://a.test/", set: append(numbered(179, "n%03d=1"), "e=1; Max-Age=60"), wait: time.Minute},
			{from: "http://a.test/", set: []string{"z=1"}},
		},
		jar: append(numberedRange(0, 178, "n%03d=1 a.test/"), "z=1 a.test/"),
	},
	{
		about: "then those that are not Secure",
		responses: []response{
			{from: "https://a.test/", set: append(numbered(179, "n%03d=1; Secure"), "x=1")},
			{from: "https://a.test/", set: []string{"y=1; Secure"}},
			{from: "http://a.test/", set: numbered(300, "z%d=1")},
			{from: "https://a.test/", set: []string{"zz=1; Secure"}},
		},
		jar: append(numberedRange(1, 178, "n%03d=1 a.test/ Secure"), "y=1 a.test/ Secure", "zz=1 a.test/ Secure"),
	},
	{
		about:     "a Cookie header has 8190 bytes at most",
		responses: once("http://a.test/", "a="+strings.Repeat("x", 4091), "b="+strings.Repeat("x", 4094), "c=1", "d=1; Path=/d"),
		requests: []request{
			{"http://a.test/", "a=" + strings.Repeat("x", 4091)},
			{"http://a.test/d", "d=1; a=" + strings.Repeat("x", 4091)},
		},
	},
	{
		about: "whatever their domains, what comes last by path and age is left out, and all behind it",
		responses: once("http://x.a.test/", "old="+strings.Repeat("x", 4000)+"; Domain=a.test", "host="+strings.Repeat("x", 4000),
			"new="+strings.Repeat("x", 4000), "short=1; Domain=a.test", "deep="+strings.Repeat("x", 200)+"; Path=/deep"),
		requests: []request{
			{"http://x.a.test/", "old=" + strings.Repeat("x", 4000) + "; host=" + strings.Repeat("x", 4000)},
			{"http://x.a.test/deep", "deep=" + strings.Repeat("x", 200) + "; old=" + strings.Repeat("x", 4000)},
		},
	},
	{
		about:     "and may have as many",
		responses: once("http://a.test/", "a="+strings.Repeat("x", 4092), "b="+strings.Repeat("x", 4092)),
		requests:  []request{{"http://a.test/", "a=" + strings.Repeat("x", 4092) + "; b=" + strings.Repeat("x", 4092)}},
	},
}

func TestJarLimitsCanBeSet(t *testing.T) {
	t.Parallel()
	u := jarURL(t, "https://a.test/")
	small := &session.Jar{MaxPerDomain: 2, MaxHeaderBytes: 5}
	small.SetHeader(u, []string{"a=1", "b=2", "c=3"})
	assert.Equal(t, []string{"b=2 a.test/", "c=3 a.test/"}, describeAll(small))
	assert.Equal(t, "b=2", small.Header(u))
	assert.Len(t, small.Cookies(u), 1)

	clone := small.Clone()
	clone.SetHeader(u, []string{"d=4"})
	assert.Equal(t, []string{"c=3 a.test/", "d=4 a.test/"}, describeAll(clone), "a clone has the limits too")

	large := &session.Jar{MaxPerDomain: -1, MaxHeaderBytes: -1}
	large.SetHeader(u, numbered(1000, "some-long-name-%d=1"))
	assert.Equal(t, 1000, large.Len())
	assert.Equal(t, 1000, strings.Count(large.Header(u), "="))

	long := "a=" + strings.Repeat("x", 8000)
	wide := &session.Jar{MaxCookieBytes: 8001}
	wide.SetHeader(u, []string{long, "b=" + strings.Repeat("x", 8001)})
	assert.Equal(t, long, wide.Header(u))
	data, err := wide.MarshalJSON()
	require.NoError(t, err)
	var limit *session.LimitError
	for _, err := range []error{
		session.NewJar().Set(u, session.Cookie{Name: "a", Value: strings.Repeat("x", 4096)}),
		session.NewJar().Put(session.Cookie{Domain: "a.test", Name: "a", Value: strings.Repeat("x", 4096)}),
		session.NewJar().UnmarshalJSON(data),
	} {
		require.ErrorIs(t, err, session.ErrInvalidCookie)
		require.ErrorAs(t, err, &limit)
		assert.Equal(t, session.LimitError{Limit: "length of a cookie", Max: 4096}, *limit)
	}
	again := &session.Jar{MaxCookieBytes: -1}
	require.NoError(t, again.UnmarshalJSON(data))
	assert.Equal(t, long, again.Clone().Header(u))
}

func TestJarOfZeroValue(t *testing.T) {
	t.Parallel()
	var jar session.Jar
	u := jarURL(t, "https://a.test/")
	assert.Empty(t, jar.Header(u))
	assert.Empty(t, jar.Cookies(u))
	assert.Empty(t, jar.For(u))
	assert.Zero(t, jar.Len())
	assert.Empty(t, slices.Collect(jar.All()))
	assert.False(t, jar.Delete("a.test", "/", "a"))
	jar.Clear()
	jar.ClearDomain("a.test")
	jar.ClearExpired()
	jar.ClearSession()
	assert.Zero(t, jar.Clone().Len())
	jar.SetHeader(u, nil)
	jar.SetHeader(u, []string{"a=1"})
	assert.Equal(t, "a=1", jar.Header(u))
}

func TestJarTakesNilsWithoutPanic(t *testing.T) {
	t.Parallel()
	var jar session.Jar
	jar.SetHeader(nil, []string{"a=1"})
	jar.SetCookies(nil, []*http.Cookie{{Name: "a", Value: "1"}})
	jar.SetCookies(jarURL(t, "https://a.test/"), []*http.Cookie{nil, {Name: "b", Value: "1"}, nil})
	require.ErrorIs(t, jar.Set(nil, session.Cookie{Name: "a", Value: "1"}), session.ErrInvalidCookie)
	assert.Empty(t, jar.Header(nil))
	assert.Empty(t, jar.Cookies(nil))
	assert.Equal(t, []string{"b=1 a.test/"}, describeAll(&jar))
}

func TestJarCreationTimesDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		jar := session.NewJar()
		setFrom(t, jar, "http://a.test/", "a=1", "b=1")
		setFrom(t, jar, "http://b.test/", "c=1")
		var times []time.Time
		for c := range jar.All() {
			times = append(times, c.Creation)
		}
		assert.Equal(t, time.Now().UTC(), times[0])
		assert.True(t, times[0].Before(times[1]) && times[1].Before(times[2]), "%v", times)
	})
}

func TestJarSet(t *testing.T) {
	t.Parallel()
	expires := time.Date(2099, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))
	for _, test := range []struct {
		about  string
		url    string
		cookie session.Cookie
		want   string
	}{
		{"bound to the host, for all paths", "http://a.test:8080/x/y", session.Cookie{Name: "n", Value: "v"}, "n=v a.test/"},
		{"with a path", "http://a.test/", session.Cookie{Name: "n", Value: "v", Path: "/x"}, "n=v a.test/x"},
		{"to a domain", "http://x.a.test/", session.Cookie{Name: "n", Value: "v", Domain: ".A.test"}, "n=v .a.test/"},
		{"to an international domain", "http://x.bücher.test/", session.Cookie{Name: "n", Value: "v", Domain: "Bücher.test"}, "n=v .xn--bcher-kva.test/"},
		{"to the host alone, by name", "http://a.test/", session.Cookie{Name: "n", Value: "v", Domain: "a.test", HostOnly: true}, "n=v a.test/"},
		{"all fields", "https://a.test/", session.Cookie{
			Name: "n", Value: `"v w"`, Path: "/x", Expires: expires, Secure: true, HttpOnly: true, Partitioned: true, SameSite: "lax",
		}, `n="v w" a.test/x 2098-12-31 23:00:00 Secure HttpOnly Partitioned Lax`},
		{"without a name", "https://a.test/", session.Cookie{Value: "v"}, "=v a.test/"},
		{"without a value", "https://a.test/", session.Cookie{Name: "n"}, "n= a.test/"},
		{"with the end of time", "https://a.test/", session.Cookie{Name: "n", Expires: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}, "n= a.test/ 9999-12-31 23:59:59"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			var jar session.Jar
			require.NoError(t, jar.Set(jarURL(t, test.url), test.cookie))
			assert.Equal(t, []string{test.want}, describeAll(&jar))
		})
	}
}

func TestJarSetRefuses(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, test := range []struct {
		about  string
		url    string
		cookie session.Cookie
		want   string
	}{
		{"semicolon in the value", "https://a.test/", session.Cookie{Name: "n", Value: secret + "; Path=/x"}, `cookie "n": the value holds`},
		{"line break in the value", "https://a.test/", session.Cookie{Name: "n", Value: secret + "\r\nX: y"}, `cookie "n": the value holds`},
		{"NUL in the value", "https://a.test/", session.Cookie{Name: "n", Value: secret + "\x00"}, `cookie "n": the value holds`},
		{"DEL in the value", "https://a.test/", session.Cookie{Name: "n", Value: secret + "\x7f"}, `cookie "n": the value holds`},
		{"space around the value", "https://a.test/", session.Cookie{Name: "n", Value: secret + " "}, `cookie "n": the value holds`},
		{"semicolon in the name", "https://a.test/", session.Cookie{Name: "n=" + secret + "; x", Value: "v"}, "cookie: the name holds"},
		{"equals sign in the name", "https://a.test/", session.Cookie{Name: "n=" + secret, Value: "v"}, "cookie: the name holds"},
		{"line break in the name", "https://a.test/", session.Cookie{Name: "n\n", Value: secret}, "cookie: the name holds"},
		{"space around the name", "https://a.test/", session.Cookie{Name: "\tn", Value: secret}, "cookie: the name holds"},
		{"semicolon in the path", "https://a.test/", session.Cookie{Name: "n", Value: secret, Path: "/; Domain=x"}, `cookie "n": the path holds`},
		{"line break in the path", "https://a.test/", session.Cookie{Name: "n", Value: secret, Path: "/\n"}, `cookie "n": the path holds`},
		{"relative path", "https://a.test/", session.Cookie{Name: "n", Value: secret, Path: "x"}, `cookie "n": the path does not begin`},
		{"malformed domain", "https://a.test/", session.Cookie{Name: "n", Value: secret, Domain: "a.test; Secure"}, `cookie "n": the domain is malformed`},
		{"line break in the domain", "https://a.test/", session.Cookie{Name: "n", Value: secret, Domain: "a.test\n"}, `cookie "n": the domain is malformed`},
		{"domain of a dot", "https://a.test/", session.Cookie{Name: "n", Value: secret, Domain: "."}, `cookie "n": the domain is malformed`},
		{"foreign domain", "https://a.test/", session.Cookie{Name: "n", Value: secret, Domain: "b.test"}, `cookie "n": the domain is not the host's own`},
		{"foreign host", "https://a.test/", session.Cookie{Name: "n", Value: secret, Domain: "x.a.test", HostOnly: true}, `cookie "n": the domain is not the host's own`},
		{"host above", "https://x.a.test/", session.Cookie{Name: "n", Value: secret, Domain: "a.test", HostOnly: true}, `cookie "n": the domain is not the host's own`},
		{"public suffix", "https://a.co.uk/", session.Cookie{Name: "n", Value: secret, Domain: "co.uk"}, `cookie "n": the domain is a public suffix`},
		{"neither name nor value", "https://a.test/", session.Cookie{}, `cookie "": name and value are both empty`},
		{"too long", "https://a.test/", session.Cookie{Name: "n", Value: strings.Repeat(secret, 1000)}, `cookie "n": name and value are longer`},
		{"Secure without TLS", "http://a.test/", session.Cookie{Name: "n", Value: secret, Secure: true}, `cookie "n": a Secure cookie needs`},
		{"prefix without its attributes", "https://a.test/", session.Cookie{Name: "__Host-n", Value: secret}, `cookie "__Host-n": the name's prefix`},
		{"prefix in a nameless value", "https://a.test/", session.Cookie{Value: "__Host-" + secret}, `cookie "": the name's prefix`},
		{"over a Secure cookie", "http://a.test/", session.Cookie{Name: "s", Value: secret}, `cookie "s": a Secure cookie of that name`},
		{"URL without a host", "mailto:x@a.test", session.Cookie{Name: "n", Value: secret}, `cookie "n": the host is not one`},
		{"long name", "mailto:x@a.test", session.Cookie{Name: strings.Repeat("n", 5000), Value: secret}, `cookie "` + strings.Repeat("n", 64) + `": the host`},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			var jar session.Jar
			setFrom(t, &jar, "https://a.test/", "s=1; Secure")
			before := describeAll(&jar)
			err := jar.Set(jarURL(t, test.url), test.cookie)
			require.ErrorIs(t, err, session.ErrInvalidCookie)
			assert.True(t, strings.HasPrefix(err.Error(), "session: "+test.want), "%q", err)
			assert.NotContains(t, err.Error(), secret)
			assert.Equal(t, before, describeAll(&jar))
		})
	}
}

func TestJarSetRemovesWithPastExpiry(t *testing.T) {
	t.Parallel()
	var jar session.Jar
	u := jarURL(t, "https://a.test/")
	setFrom(t, &jar, "https://a.test/", "a=1; Path=/", "b=1; Path=/")
	require.NoError(t, jar.Set(u, session.Cookie{Name: "a", Expires: time.Unix(1, 0)}))
	assert.Equal(t, "b=1", jar.Header(u))
}

func TestJarPut(t *testing.T) {
	t.Parallel()
	created := time.Date(1999, 1, 1, 0, 0, 0, 5, time.UTC)
	for _, test := range []struct {
		about  string
		cookie session.Cookie
		want   string
	}{
		{"a domain cookie", session.Cookie{Name: "n", Value: "v", Domain: "A.Test"}, "n=v .a.test/"},
		{"a host-only cookie", session.Cookie{Name: "n", Value: "v", Domain: "x.a.test", Path: "/x", HostOnly: true}, "n=v x.a.test/x"},
		{"of an address, which has no sub-domains", session.Cookie{Name: "n", Value: "v", Domain: "10.0.0.1"}, "n=v 10.0.0.1/"},
		{"of IPv6", session.Cookie{Name: "n", Value: "v", Domain: "::1"}, "n=v ::1/"},
		{"of a public suffix, whose sub-domains are others'", session.Cookie{Name: "n", Value: "v", Domain: "co.uk"}, "n=v co.uk/"},
		{"prefixed", session.Cookie{Name: "__Host-n", Value: "v", Domain: "a.test", HostOnly: true, Secure: true}, "__Host-n=v a.test/ Secure"},
		{"with a semicolon from a default path", session.Cookie{Name: "n", Value: "v", Domain: "a.test", Path: "/x;y"}, "n=v .a.test/x;y"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			var jar session.Jar
			test.cookie.Creation = created
			require.NoError(t, jar.Put(test.cookie))
			assert.Equal(t, []string{test.want}, describeAll(&jar))
			for c := range jar.All() {
				assert.Equal(t, created, c.Creation)
			}
		})
	}
}

func TestJarPutRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cookie session.Cookie
		want   string
	}{
		{session.Cookie{Name: "n", Value: "secret"}, "there is no domain"},
		{session.Cookie{Name: "n", Value: "secret", Domain: ".."}, "the domain is malformed"},
		{session.Cookie{Name: "n", Value: "secret", Domain: "a\ttest"}, "the domain is malformed"},
		{session.Cookie{Name: "n", Value: "secret", Domain: "#a.test"}, "the domain is malformed"},
		{session.Cookie{Name: "n", Value: "secret;", Domain: "a.test"}, "the value holds"},
		{session.Cookie{Name: "n", Value: "secret", Domain: "a.test", Path: "x"}, "the path does not begin"},
		{session.Cookie{Name: "__Host-n", Value: "secret", Domain: "a.test", Secure: true}, "the name's prefix"},
		{session.Cookie{Name: "__secure-n", Value: "secret", Domain: "a.test"}, "the name's prefix"},
	} {
		var jar session.Jar
		err := jar.Put(test.cookie)
		require.ErrorIs(t, err, session.ErrInvalidCookie)
		assert.ErrorContains(t, err, test.want)
		assert.NotContains(t, err.Error(), "secret;")
		assert.Zero(t, jar.Len())
	}
}

func TestJarPutReplacesAndOrders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var jar session.Jar
		setFrom(t, &jar, "https://a.test/", "a=1; Secure", "b=1")
		put := func(name string, created time.Time) {
			require.NoError(t, jar.Put(session.Cookie{Name: name, Value: "2", Domain: "a.test", HostOnly: true, Creation: created}))
		}
		put("a", time.Now().Add(-time.Hour)) // replaces a Secure one, in its place
		put("old", time.Now().Add(-time.Hour))
		put("future", time.Now().Add(time.Hour)) // that cannot be
		put("new", time.Time{})
		setFrom(t, &jar, "https://a.test/", "c=1")
		assert.Equal(t, "old=2; a=2; b=1; future=2; new=2; c=1", jar.Header(jarURL(t, "https://a.test/")))
		for c := range jar.All() {
			assert.False(t, c.Creation.After(time.Now().Add(time.Second)), c.Name)
		}
	})
}

func TestJarGet(t *testing.T) {
	t.Parallel()
	var jar session.Jar
	setFrom(t, &jar, "https://x.a.test/", "a=1; Domain=a.test", "a=2; Path=/p", "s=3; Secure")
	get := func(from, name string) string {
		c, ok := jar.Get(jarURL(t, from), name)
		if !ok {
			assert.Zero(t, c)
			return "none"
		}
		return c.Value
	}
	assert.Equal(t, "1", get("https://x.a.test/", "a"))
	assert.Equal(t, "2", get("https://x.a.test/p", "a"))
	assert.Equal(t, "none", get("https://x.a.test/p", "A"))
	assert.Equal(t, "none", get("http://x.a.test/", "s"))
	assert.Equal(t, "none", get("https://b.test/", "a"))
}

func TestJarRemoving(t *testing.T) {
	t.Parallel()
	fill := func() *session.Jar {
		jar := session.NewJar()
		setFrom(t, jar, "https://x.a.test/", "a=1", "a=2; Path=/p", "b=3; Max-Age=60")
		setFrom(t, jar, "https://a.test/", "a=4", "a=5; Domain=a.test", "b=6; Secure")
		setFrom(t, jar, "https://10.0.0.1/", "a=7")
		return jar
	}
	values := func(jar *session.Jar) (all string) {
		for c := range jar.All() {
			all += c.Value
		}
		return all
	}
	for _, test := range []struct {
		about  string
		remove func(t *testing.T, jar *session.Jar)
		want   string
	}{
		{"nothing", func(*testing.T, *session.Jar) {}, "7456132"},
		{"Delete", func(t *testing.T, jar *session.Jar) {
			assert.True(t, jar.Delete("x.a.test", "/p", "a"))
			assert.False(t, jar.Delete("x.a.test", "/p", "a"))
			assert.False(t, jar.Delete("y.a.test", "/", "a"))
			assert.False(t, jar.Delete("x.a.test", "/", "B"))
			assert.False(t, jar.Delete("", "/", "a"))
		}, "745613"},
		{"Delete is for host-only cookies and others", func(t *testing.T, jar *session.Jar) {
			assert.True(t, jar.Delete(".A.TEST", "/", "a"))
		}, "76132"},
		{"ClearDomain leaves sub-domains", func(_ *testing.T, jar *session.Jar) { jar.ClearDomain("a.test") }, "7132"},
		{"ClearDomain of an address", func(_ *testing.T, jar *session.Jar) { jar.ClearDomain("10.0.0.1") }, "456132"},
		{"Clear", func(_ *testing.T, jar *session.Jar) { jar.Clear() }, ""},
		{"ClearSession", func(_ *testing.T, jar *session.Jar) { jar.ClearSession() }, "3"},
		{"ClearExpired", func(_ *testing.T, jar *session.Jar) {
			jar.ClearExpired()
			time.Sleep(time.Minute)
			jar.ClearExpired()
		}, "745612"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				jar := fill()
				clone := jar.Clone()
				test.remove(t, jar)
				assert.Equal(t, test.want, values(jar))
				if test.about != "ClearExpired" {
					assert.Equal(t, "7456132", values(clone), "the clone has all")
				}
				setFrom(t, jar, "https://x.a.test/", "z=8")
				assert.Contains(t, jar.Header(jarURL(t, "https://x.a.test/")), "z=8")
			})
		})
	}
}

func TestJarCloneChangesAlone(t *testing.T) {
	t.Parallel()
	jar := session.NewJar()
	u := jarURL(t, "https://x.a.test/")
	setFrom(t, jar, "https://x.a.test/", "a=1", "b=1", "c=1; Domain=a.test")
	clone := jar.Clone()
	setFrom(t, clone, "https://x.a.test/", "d=1")
	assert.Equal(t, "a=1; b=1; c=1", jar.Header(u))
	assert.Equal(t, "a=1; b=1; c=1; d=1", clone.Header(u))

	clone = jar.Clone()
	third := clone.Clone()
	setFrom(t, jar, "https://x.a.test/", "a=2", "d=2", "b=; Max-Age=0")
	setFrom(t, clone, "https://x.a.test/", "a=3", "e=3", "c=; Max-Age=0; Domain=a.test")
	setFrom(t, clone, "https://new.test/", "n=3")
	assert.Equal(t, "a=2; c=1; d=2", jar.Header(u))
	assert.Equal(t, "a=3; b=1; e=3", clone.Header(u))
	assert.Equal(t, "a=1; b=1; c=1", third.Header(u))
	assert.Empty(t, jar.Header(jarURL(t, "https://new.test/")))
	setFrom(t, third, "http://x.a.test/", "a=4")
	assert.Equal(t, "a=4; b=1; c=1", third.Header(u))
	assert.Equal(t, "a=2; c=1; d=2", jar.Header(u))
}

// TestJarCloneTree clones a jar now and then while many domains come and go, and
// wants all copies to stay as they were.
func TestJarCloneTree(t *testing.T) {
	t.Parallel()
	jar := session.NewJar()
	var clones []*session.Jar
	var wants [][]string
	for i := range 600 {
		host := fmt.Sprintf("https://h%d.s%d.test/", i%7, i*13%50)
		if i%3 == 2 {
			setFrom(t, jar, host, "a=; Max-Age=0", "b=; Max-Age=0")
		} else {
			setFrom(t, jar, host, fmt.Sprintf("a=%d", i), fmt.Sprintf("b=%d", i))
		}
		if i%20 == 0 {
			clones, wants = append(clones, jar.Clone()), append(wants, describeAll(jar))
		}
	}
	for i, clone := range clones {
		require.Equal(t, wants[i], describeAll(clone))
		setFrom(t, clone, "https://other.test/", "x=1")
	}
	assert.Empty(t, jar.Header(jarURL(t, "https://other.test/")))
}

func TestJarCookiesAreCopies(t *testing.T) {
	t.Parallel()
	jar := session.NewJar()
	u := jarURL(t, "https://a.test/")
	jar.SetHeader(u, []string{"a=1"})
	jar.For(u)[0].Value = "changed"
	jar.Cookies(u)[0].Value = "changed"
	assert.Equal(t, "a=1", jar.Header(u))
}

func TestJarSetCookies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var jar session.Jar
		expires := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
		jar.SetCookies(jarURL(t, "https://x.a.test/p/q"), []*http.Cookie{
			{Name: "a", Value: "1"},
			{Name: "b", Value: "x y", Quoted: true, Path: "/", Domain: "a.test", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode},
			{Name: "c", Value: "1", MaxAge: 60, Expires: expires, SameSite: http.SameSiteLaxMode},
			{Name: "d", Value: "1", Expires: expires, SameSite: http.SameSiteNoneMode, Partitioned: true},
			{Name: "e", Value: "1", MaxAge: -1},
			{Name: "f", Value: "1;2"},
			{Name: "g", Value: "1\r\n"},
			{Name: "h", Value: "1", Domain: "b.test"},
			{Name: "i", Value: "1", Domain: "bücher.test"},
			{Name: "j", Value: "1", SameSite: http.SameSiteDefaultMode},
		})
		assert.Equal(t, []string{
			`b="x y" .a.test/ Secure HttpOnly Strict`, "a=1 x.a.test/p", "c=1 x.a.test/p 2000-01-01 00:01:00 Lax",
			"d=1 x.a.test/p 2099-01-01 00:00:00 Partitioned None", "j=1 x.a.test/p",
		}, describeAll(&jar))
	})
}

// TestJarInHTTPClient sends cookies with a plain http.Client.
func TestJarInHTTPClient(t *testing.T) {
	t.Parallel()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Cookie"))
		w.Header().Add("Set-Cookie", `q="x"; Path=/`)
		w.Header().Add("Set-Cookie", `r="x y"; Path=/`)
		w.Header().Add("Set-Cookie", "s=z; Path=/")
	}))
	defer server.Close()
	client := server.Client()
	client.Jar = session.NewJar()
	for range 2 {
		resp, err := client.Get(server.URL)
		require.NoError(t, err)
		resp.Body.Close()
	}
	assert.Equal(t, []string{"", `q="x"; r="x y"; s=z`}, got)
}

func TestParseSetCookies(t *testing.T) {
	t.Parallel()
	now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	u := jarURL(t, "http://x.a.test/p/q")
	var got []string
	for _, c := range session.ParseSetCookies(u, []string{
		"z=1; Max-Age=60", "a=1; Domain=a.test", "f=1; Domain=b.test", "s=1; Secure", "gone=; Max-Age=0", "a=2; Domain=a.test", "z2=1", "z2=; Max-Age=0",
	}, now) {
		got = append(got, describe(c))
	}
	assert.Equal(t, []string{"z=1 x.a.test/p 2020-01-01 00:01:00", "a=2 .a.test/p"}, got)
	assert.Empty(t, session.ParseSetCookies(u, nil, now))
	assert.Empty(t, session.ParseSetCookies(nil, []string{"a=1"}, now))
}

// TestJarIgnoresHostileSizes is about time and memory: neither long lines nor
// many of them may cost more than their length.
func TestJarIgnoresHostileSizes(t *testing.T) {
	t.Parallel()
	var jar session.Jar
	u := jarURL(t, "https://a.test/")
	jar.SetHeader(u, append(numbered(10_000, "n%d=1"),
		"a=1"+strings.Repeat("; x=y", 100_000), strings.Repeat("=", 500_000), strings.Repeat("; ", 250_000),
		"b=1; Expires="+strings.Repeat("1 ", 250_000), "c=1; Expires="+strings.Repeat("1 ", 500), "d="+strings.Repeat("x", 500_000),
		"e=1; Max-Age="+strings.Repeat("9", 500_000), "f=1; Domain="+strings.Repeat("a.", 500)+"test"))
	assert.Equal(t, 180, jar.Len())
	assert.LessOrEqual(t, len(jar.Header(u)), 8190)
	assert.Contains(t, jar.Header(jarURL(t, "https://a.test/")), "n9999=1; a=1; b=1; c=1; e=1")
}

// TestJarKeepsNoForeignText wants memory in proportion to the cookies, and not
// to the headers and URLs that they were parts of.
func TestJarKeepsNoForeignText(t *testing.T) {
	t.Parallel()
	line := "name=value; Path=/path; " + strings.Repeat("x", 10_000)
	target := "https://host.test/" + strings.Repeat("x", 10_000) + "/?query"
	jar := session.NewJar()
	jar.SetHeader(jarURL(t, target), []string{line, "other=1"})
	for c := range jar.All() {
		for _, text := range []string{c.Name, c.Value, c.Domain, c.Path} {
			assert.False(t, within(text, line), "%q", text)
			assert.False(t, within(text, target), "%q", text)
		}
	}
	assert.Equal(t, 2, jar.Len())
}

// within reports whether the bytes of part are some of whole's in memory.
func within(part, whole string) bool {
	p, w := uintptr(unsafe.Pointer(unsafe.StringData(part))), uintptr(unsafe.Pointer(unsafe.StringData(whole)))
	return p >= w && p < w+uintptr(len(whole))
}

func TestJarConcurrently(t *testing.T) {
	t.Parallel()
	jar := session.NewJar()
	path := t.TempDir() + "/jar"
	var workers sync.WaitGroup
	for w := range 16 {
		workers.Go(func() {
			own := jarURL(t, fmt.Sprintf("https://w%d.a.test/", w))
			shared := jarURL(t, "https://www.a.test/")
			for i := range 200 {
				jar.SetHeader(own, []string{fmt.Sprintf("own=%d; Path=/", i), fmt.Sprintf("n%d=1; Max-Age=60", i%10)})
				jar.SetHeader(shared, []string{fmt.Sprintf("x=%d; Domain=a.test", w), fmt.Sprintf("y=%d; Domain=a.test", w)})
				jar.SetHeader(jarURL(t, fmt.Sprintf("http://s%d.test/", i%20)), []string{fmt.Sprintf("s=1; Max-Age=%d", i%2)})
				if c, ok := jar.Get(own, "own"); !ok || c.Value != fmt.Sprint(i) {
					t.Errorf("own cookie: %v %t, not %d", c, ok, i)
				}
				x, _ := jar.Get(shared, "x")
				if x.Value == "" {
					t.Error("the shared cookie is gone")
				}
				switch i % 25 {
				case 0:
					clone := jar.Clone()
					clone.SetHeader(shared, []string{"x=clone; Domain=a.test"})
					clone.ClearDomain(own.Hostname())
					if clone.Header(shared) == "" {
						t.Error("empty clone")
					}
				case 5:
					jar.ClearExpired()
				case 10:
					if err := jar.Save(path); err != nil {
						t.Error(err)
					}
				case 15:
					if err := session.NewJar().Load(path); err != nil && w == 0 && i > 25 {
						t.Error(err)
					}
				case 20:
					for c := range jar.All() {
						if c.Name == "" {
							t.Error("nameless cookie")
						}
					}
				}
			}
		})
	}
	workers.Wait()
	assert.Equal(t, 1, strings.Count(jar.Header(jarURL(t, "https://www.a.test/")), "x="))
}

// TestJarResponsesAreAtomic wants the cookies of one response and domain to
// appear together.
func TestJarResponsesAreAtomic(t *testing.T) {
	t.Parallel()
	jar := session.NewJar()
	u := jarURL(t, "https://a.test/")
	setFrom(t, jar, "https://a.test/", "sid=0", "csrf=0")
	done := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 20_000 {
			jar.SetHeader(u, []string{fmt.Sprintf("sid=%d", i), fmt.Sprintf("csrf=%d", i)})
		}
		close(done)
	})
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		cookies := jar.For(u)
		require.Len(t, cookies, 2)
		require.Equal(t, cookies[0].Value, cookies[1].Value)
	}
	writer.Wait()
}

// FuzzJarDifferential compares with net/http/cookiejar where both must agree:
// over https, with plain hosts, paths and values. Each byte of its input is one
// label, segment or choice, so that domains and paths often match.
func FuzzJarDifferential(f *testing.F) {
	f.Add([]byte{0, 1, 5}, []byte{1, 2}, []byte{1, 5}, []byte{1}, []byte{2, 1, 5}, []byte{1, 2, 3}, uint8(0xff), int16(60))
	f.Add([]byte{1, 3, 4}, []byte{}, []byte{3, 4}, []byte{}, []byte{2, 3, 4}, []byte{}, uint8(1), int16(0))
	f.Add([]byte{6, 7}, []byte{1}, []byte{6, 7}, []byte{}, []byte{0, 6, 7}, []byte{1}, uint8(3), int16(-1))
	f.Fuzz(func(t *testing.T, host, path, domain, cookiePath, toHost, toPath []byte, flags uint8, age int16) {
		labels := []string{"a", "b", "A", "co", "uk", "test", "github", "io", "ab", "kobe", "jp", "city"}
		segments := []string{"", "p", "q", "pq", "P"} // no escapes: cookiejar compares decoded paths
		from, err := url.Parse("https://" + spell(labels, host, ".", "x.a.test") + "/" + spell(segments, path, "/", ""))
		require.NoError(t, err)
		to, err := url.Parse("https://" + spell(labels, toHost, ".", "y.a.test") + "/" + spell(segments, toPath, "/", ""))
		require.NoError(t, err)
		lines := []string{"a=1", "b=2", "a=3", "c=4"}
		add := func(flag uint8, i int, attribute string) {
			if flags&flag != 0 {
				lines[i] += "; " + attribute
			}
		}
		add(1, 0, "Domain="+spell(labels, domain, ".", ""))
		add(2, 1, "Domain=."+spell(labels, domain, ".", "test"))
		add(4, 2, "Domain="+from.Hostname())
		add(8, 0, "Path="+spell(segments, cookiePath, "/", "relative"))
		add(16, 1, "Path=/"+spell(segments, cookiePath, "/", ""))
		add(32, 2, "Secure")
		add(64, 1, fmt.Sprintf("Max-Age=%d", age))
		add(128, 3, "Path=/"+spell(segments, toPath, "/", ""))

		for _, line := range lines { // each alone, since cookiejar's key lacks host-only
			jar, std := session.NewJar(), standardJar(t)
			jar.SetHeader(from, []string{line})
			std.SetCookies(from, (&http.Response{Header: http.Header{"Set-Cookie": {line}}}).Cookies())
			for _, u := range []*url.URL{from, to} {
				// cookiejar looks among the cookies of the registrable domain alone,
				// and *.kobe.jp are suffixes while kobe.jp is none: by RFC 6265
				// section 5.1.3 its cookies go to the hosts below it
				if own, other := registrable(from), registrable(u); own != other && strings.HasSuffix(other, "."+own) {
					continue
				}
				require.Equal(t, pairs(std.Cookies(u)), pairs(jar.Cookies(u)), "from %s to %s: %q", from, u, line)
			}
		}
	})
}

// registrable is the domain of u that somebody may have registered, or its host.
func registrable(u *url.URL) string {
	domain, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(u.Hostname()))
	if err != nil {
		return strings.ToLower(u.Hostname())
	}
	return domain
}

// spell joins the words that bytes choose.
func spell(words []string, choice []byte, separator, none string) string {
	if len(choice) == 0 || len(choice) > 8 {
		return none
	}
	var chosen []string
	for _, c := range choice {
		chosen = append(chosen, words[int(c)%len(words)])
	}
	return strings.Join(chosen, separator)
}

func pairs(cookies []*http.Cookie) (pairs []string) {
	for _, c := range cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return pairs
}

func ExampleJar() {
	jar := session.NewJar()
	login, _ := url.Parse("https://www.example.com/login")
	jar.SetHeader(login, []string{
		"sid=31d4d96e; Path=/; Secure; HttpOnly",
		`theme="dark blue"; Domain=example.com; Path=/`,
	})

	api, _ := url.Parse("https://api.example.com/v1")
	fmt.Println(jar.Header(login))
	fmt.Println(jar.Header(api))
	for c := range jar.All() {
		fmt.Println(c.Domain, c.Name, c.HostOnly)
	}
	// Output:
	// sid=31d4d96e; theme="dark blue"
	// theme="dark blue"
	// example.com theme false
	// www.example.com sid true
}

func TestCookiesOfAResponseAreThoseOfTheJar(t *testing.T) {
	t.Parallel()
	long := "long=" + strings.Repeat("x", 5000)
	for most, want := range map[int]int{0: 1, -1: 2, 5: 0} {
		s := session.New()
		s.Jar = &session.Jar{MaxCookieBytes: most}
		require.NoError(t, s.Mount("https://", roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Request: req, Header: http.Header{"Set-Cookie": {long, "short=1"}}}, nil
		})))
		resp, err := s.Get(t.Context(), "https://a.test/")
		require.NoError(t, err)
		assert.Len(t, resp.Cookies(), want)
		assert.Equal(t, want, s.Jar.(*session.Jar).Len())
	}
}
