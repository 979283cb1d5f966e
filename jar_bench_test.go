package session_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/publicsuffix"

	"github.com/cbf3e3a9/session"
)

// The benchmarks put this package's jar beside net/http/cookiejar's, which gets
// the public suffix list that ours always uses.

func standardJar(tb testing.TB) http.CookieJar {
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	require.NoError(tb, err)
	return jar
}

// compareJars runs ours and theirs in turns, so that whatever else the machine does
// slows both, and reports the medians of their times and the ratio of these.
func compareJars(b *testing.B, ours, theirs func(i int)) {
	const batch = 200
	var times [2][]float64
	done := 0
	for b.Loop() {
		for k, run := range []func(int){ours, theirs} {
			start := time.Now()
			for i := range batch {
				run(done + i)
			}
			times[k] = append(times[k], float64(time.Since(start).Nanoseconds())/batch)
		}
		done += batch
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	our, their := times[0][len(times[0])/2], times[1][len(times[1])/2]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(our, "ours-ns")
	b.ReportMetric(their, "cookiejar-ns")
	b.ReportMetric(our/their, "ratio")
}

// jarSites are the URLs of n sites, visited in an order that jumps about.
func jarSites(tb testing.TB, n int) func(i int) *url.URL {
	urls := make([]*url.URL, n)
	for i := range urls {
		urls[i] = jarURL(tb, fmt.Sprintf("https://www.site%d.%s/some/path", i, []string{"com", "co.uk"}[i%2]))
	}
	return func(i int) *url.URL { return urls[i*7%n] }
}

func benchCookies(n int) []*http.Cookie {
	cookies := make([]*http.Cookie, n)
	for i := range cookies {
		cookies[i] = &http.Cookie{Name: "name" + strconv.Itoa(i), Value: "a value of the usual length", Path: "/", MaxAge: 100_000}
	}
	return cookies
}

// filledJar gives jar ten cookies of each of n sites.
func filledJar(tb testing.TB, jar http.CookieJar, n int) http.CookieJar {
	site := jarSites(tb, n)
	for i := range n {
		jar.SetCookies(site(i), benchCookies(10))
	}
	return jar
}

func BenchmarkJarRead(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		site := jarSites(b, n)
		jar := session.NewJar()
		ours, theirs := filledJar(b, jar, n), filledJar(b, standardJar(b), n)
		b.Run(fmt.Sprintf("Cookies/of=%d", 10*n), func(b *testing.B) {
			compareJars(b, func(i int) { ours.Cookies(site(i)) }, func(i int) { theirs.Cookies(site(i)) })
		})
		b.Run(fmt.Sprintf("Header/of=%d", 10*n), func(b *testing.B) {
			compareJars(b, func(i int) { jar.Header(site(i)) }, func(i int) { theirs.Cookies(site(i)) })
		})
	}
}

func BenchmarkJarReadNone(b *testing.B) {
	ours, theirs := filledJar(b, session.NewJar(), 100), filledJar(b, standardJar(b), 100)
	u := jarURL(b, "https://www.elsewhere.com/")
	compareJars(b, func(int) { ours.Cookies(u) }, func(int) { theirs.Cookies(u) })
}

func BenchmarkJarHeaderAllocs(b *testing.B) {
	jar := session.NewJar()
	site := jarSites(b, 1)
	filledJar(b, jar, 1)
	b.ReportAllocs()
	for b.Loop() {
		jar.Header(site(0))
	}
}

// BenchmarkJarReadParallel shows, with -cpu 1,2,64, that reads do not wait for
// each other.
func BenchmarkJarReadParallel(b *testing.B) {
	site := jarSites(b, 100)
	jar := session.NewJar()
	filledJar(b, jar, 100)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			jar.Header(site(i))
		}
	})
}

func BenchmarkJarSet(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		site := jarSites(b, n)
		cookies := benchCookies(10) // as filledJar has set them
		ours, theirs := filledJar(b, session.NewJar(), n), filledJar(b, standardJar(b), n)
		for _, k := range []int{1, 3, 10} {
			set := func(jar http.CookieJar) func(i int) {
				return func(i int) { jar.SetCookies(site(i), cookies[i%(len(cookies)+1-k):][:k]) }
			}
			b.Run(fmt.Sprintf("cookies=%d/of=%d", k, 10*n), func(b *testing.B) { compareJars(b, set(ours), set(theirs)) })
		}
	}
}

// BenchmarkJarSetOneHost sets cookies, one at a time, of a host that has many.
func BenchmarkJarSetOneHost(b *testing.B) {
	u := jarURL(b, "https://www.site.com/")
	for _, n := range []int{1, 50, 180} {
		cookies := benchCookies(n)
		set := func(jar http.CookieJar) func(i int) {
			return func(i int) { jar.SetCookies(u, cookies[i%n:][:1]) }
		}
		b.Run(fmt.Sprintf("of=%d", n), func(b *testing.B) { compareJars(b, set(session.NewJar()), set(standardJar(b))) })
	}
}

// BenchmarkJarSetOverLimit sets ever new cookies of a host, each of which drives
// out another; cookiejar has no limit, and gets a new jar now and then.
func BenchmarkJarSetOverLimit(b *testing.B) {
	u := jarURL(b, "https://www.site.com/")
	cookies := benchCookies(10_000)
	ours, theirs := http.CookieJar(session.NewJar()), standardJar(b)
	compareJars(b,
		func(i int) { ours.SetCookies(u, cookies[i%len(cookies):][:1]) },
		func(i int) {
			if i%len(cookies) == 0 {
				theirs = standardJar(b)
			}
			theirs.SetCookies(u, cookies[i%len(cookies):][:1])
		})
}

// BenchmarkJarSetNewSite sets the first cookie of a site.
func BenchmarkJarSetNewSite(b *testing.B) {
	const n = 10_000
	site := jarSites(b, n)
	cookies := benchCookies(1)
	var ours, theirs http.CookieJar
	compareJars(b,
		func(i int) {
			if i%n == 0 {
				ours = session.NewJar()
			}
			ours.SetCookies(site(i), cookies)
		},
		func(i int) {
			if i%n == 0 {
				theirs = standardJar(b)
			}
			theirs.SetCookies(site(i), cookies)
		})
}

// BenchmarkJarSetHeader is against net/http's parser and jar together.
func BenchmarkJarSetHeader(b *testing.B) {
	u := jarURL(b, "https://www.site.com/")
	header := http.Header{"Set-Cookie": {
		"sid=31d4d96e407aad42; Path=/; Secure; HttpOnly; SameSite=Lax",
		"lang=en-US; Domain=site.com; Path=/; Expires=Wed, 09 Jun 2100 10:18:14 GMT",
	}}
	ours, theirs := session.NewJar(), standardJar(b)
	compareJars(b,
		func(int) { ours.SetHeader(u, header["Set-Cookie"]) },
		func(int) { theirs.SetCookies(u, (&http.Response{Header: header}).Cookies()) })
}

func BenchmarkJarClone(b *testing.B) {
	jar := session.NewJar()
	filledJar(b, jar, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		jar.Clone()
	}
}
