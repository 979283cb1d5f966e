package session_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// TestCookieDates is RFC 6265 section 5.1.1.
func TestCookieDates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ date, want string }{
		// The three formats of HTTP, and what servers make of them.
		{"Wed, 09 Jun 2021 10:18:14 GMT", "2021-06-09 10:18:14"},
		{"Wednesday, 09-Jun-21 10:18:14 GMT", "2021-06-09 10:18:14"},
		{"Wed Jun  9 10:18:14 2021", "2021-06-09 10:18:14"},
		{"Wed, 09-Jun-2021 10:18:14 GMT", "2021-06-09 10:18:14"},
		{"09 Jun 2021 10:18:14", "2021-06-09 10:18:14"},
		{"10:18:14 2021 09 jUNE", "2021-06-09 10:18:14"},
		{"9 6 Jun 2021 1:2:3", "2021-06-09 01:02:03"}, // 6 is no year

		// Any delimiters, and no white space around what is no number.
		{"\t(09)/[Jun]/{2021}~10:18:14", "2021-06-09 10:18:14"},
		{"09_Jun_2021_10:18:14", "2021-06-09 10:18:14"},
		{"9th Junx 2021x 10:18:14x", "2021-06-09 10:18:14"},
		{"09Jun 2021 10:18:14", ""},
		{"09 Jun 2021 10:18:14.5", "2021-06-09 10:18:14"},
		{"09 Jun 2021 10:18:14:15", "2021-06-09 10:18:14"},
		{"09 Jun 2021 110:18:14 1:1:1", "2021-06-09 01:01:01"},
		{"09 Jun 2021 1:1:111 10:18:14", "2021-06-09 10:18:14"},
		{"09 Jun 2021 1x:1:1 10:18:14", "2021-06-09 10:18:14"},

		// Time zones do not matter, nor days of the week.
		{"Mon, 09 Jun 2021 10:18:14 +0200", "2021-06-09 10:18:14"},
		{"09 Jun 2021 10:18:14 PST", "2021-06-09 10:18:14"},

		// The first of each kind counts.
		{"09 Jun 2021 10:18:14 10 Jul 2022 11:19:15", "2021-06-09 10:18:14"},
		{"09 2021 Jun 10:18:14 22", "2021-06-09 10:18:14"},
		{"2021 09 Jun 10:18:14", "2021-06-09 10:18:14"},

		// Years of two digits.
		{"09 Jun 69 00:00:00", "2069-06-09 00:00:00"},
		{"09 Jun 70 00:00:00", "1970-06-09 00:00:00"},
		{"09 Jun 99 00:00:00", "1999-06-09 00:00:00"},
		{"09 Jun 00 00:00:00", "2000-06-09 00:00:00"},
		{"01 01 Jan 00:00:00", "2001-01-01 00:00:00"},

		// Bounds.
		{"31 Dec 9999 23:59:59", "9999-12-31 23:59:59"},
		{"1 Jan 1601 0:0:0", "1601-01-01 00:00:00"},
		{"1 Jan 1600 0:0:0", ""},
		{"1 Jan 100 0:0:0", ""},
		{"1 Jan 10000 0:0:0", ""},
		{"0 Jan 2021 0:0:0", ""},
		{"32 Jan 2021 0:0:0", ""},
		{"30 Feb 2021 0:0:0", ""},
		{"29 Feb 2021 0:0:0", ""},
		{"29 Feb 2024 0:0:0", "2024-02-29 00:00:00"},
		{"31 Apr 2021 0:0:0", ""},
		{"9 Jun 2021 24:0:0", ""},
		{"9 Jun 2021 0:60:0", ""},
		{"9 Jun 2021 0:0:60", ""},

		// Something is missing.
		{"", ""},
		{"Jun 2021 10:18:14", ""},
		{"09 2021 10:18:14", ""},
		{"09 Jun 10:18:14", ""},
		{"09 Jun 2021", ""},
		{"09 Jun 2021 10:18", ""},
		{"1623233894", ""},
		{"ü", ""},
	} {
		t.Run(test.date, func(t *testing.T) {
			t.Parallel()
			now := time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC) // before all of them
			cookies := session.ParseSetCookies(jarURL(t, "http://a.test/"), []string{"n=v; Expires=" + test.date}, now)
			require.Len(t, cookies, 1)
			got := ""
			if expires := cookies[0].Expires; !expires.IsZero() {
				got = expires.Format(time.DateTime)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// TestMaxAgeCountsFromNow has parts of a second.
func TestMaxAgeCountsFromNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(900 * time.Millisecond)
		jar := session.NewJar()
		setFrom(t, jar, "http://a.test/", "a=1; Max-Age=1")
		time.Sleep(999 * time.Millisecond)
		assert.Equal(t, "a=1", jar.Header(jarURL(t, "http://a.test/")))
		time.Sleep(time.Millisecond)
		assert.Empty(t, jar.Header(jarURL(t, "http://a.test/")))
	})
}

// FuzzSetCookie wants whatever is stored to be found again, and its header to be
// what was received.
func FuzzSetCookie(f *testing.F) {
	f.Add("https://x.a.test/p/q", "a=1; Domain=a.test; Path=/p; Secure; HttpOnly; SameSite=Lax; Partitioned")
	f.Add("http://a.test", `q="x y"; Max-Age=99999999999999999999`)
	f.Add("https://[::1]:8080/", "v")
	f.Add("https://a.co.uk/", "__Host-a=b; Secure; Path=/")
	f.Add("https://bücher.test/ä", "a=\xff; Expires=Wed, 09 Jun 2100 10:18:14 GMT; Domain=.xn--bcher-kva.test")
	f.Fuzz(func(t *testing.T, from, line string) {
		u, err := url.Parse(from)
		if err != nil {
			return
		}
		var jar session.Jar
		jar.SetHeader(u, []string{line})
		for c := range jar.All() {
			home := &url.URL{Scheme: "https", Host: c.Domain, Path: c.Path}
			if strings.Contains(c.Domain, ":") {
				home.Host = "[" + c.Domain + "]"
			}
			if home.EscapedPath() != c.Path {
				home.Path, home.RawPath = mustUnescape(c.Path), c.Path
			}
			if home.EscapedPath() == c.Path {
				require.Equal(t, []session.Cookie{c}, jar.For(home))
				require.Equal(t, wire([]session.Cookie{c}), jar.Header(home))
			}
			require.Contains(t, line, c.Value)
			require.Contains(t, line, c.Name)
			require.NoError(t, new(session.Jar).Put(c), "a stored cookie can be stored")
			if c.Name != "" && c.HostOnly {
				again := fmt.Sprintf("%s=%s; Path=%s", c.Name, c.Value, c.Path)
				if c.Secure {
					again += "; Secure"
				}
				second := new(session.Jar)
				second.SetHeader(home, []string{again})
				for d := range second.All() {
					require.Equal(t, c.Name+"="+c.Value, d.Name+"="+d.Value)
				}
			}
			require.True(t, jar.Delete(c.Domain, c.Path, c.Name))
			require.Zero(t, jar.Len())
		}
	})
}

func mustUnescape(path string) string {
	if p, err := url.PathUnescape(path); err == nil {
		return p
	}
	return path
}
