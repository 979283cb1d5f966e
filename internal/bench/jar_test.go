package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cbf3e3a9/session"
)

// many is how many cookies a jar has at most, but for those that are saved; each
// site has three.
const many = 100_000

// site is a host and what it sets.
type site struct {
	url     *url.URL
	cookies []*http.Cookie
}

// sites are as many as have n cookies.
func sites(tb testing.TB, n int) []site {
	tb.Helper()
	all := make([]site, (n+2)/3)
	for i := range all {
		u := parse(tb, fmt.Sprintf("https://www.host%d.test/a/b", i))
		all[i] = site{u, []*http.Cookie{
			{Name: "sid", Value: "3f2a9c5d7e8b4016", Path: "/", Secure: true},
			{Name: "theme", Value: "dark", Path: "/a", MaxAge: 3600},
			{Name: "region", Value: "eu-west", Path: "/", Domain: u.Hostname()},
		}}
	}
	return all
}

func fill(jar http.CookieJar, sites []site) {
	for _, s := range sites {
		jar.SetCookies(s.url, s.cookies)
	}
}

// BenchmarkJarSet puts 100,000 cookies, three a site, into an empty jar.
func BenchmarkJarSet(b *testing.B) {
	all := sites(b, many)
	b.Run("nethttp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			fill(newJar(b), all)
		}
	})
	b.Run("session", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			fill(session.NewJar(), all)
		}
	})
}

// headerByHand is the Cookie header that http.Client makes.
func headerByHand(jar http.CookieJar, u *url.URL) string {
	req := http.Request{Header: make(http.Header)}
	for _, c := range jar.Cookies(u) {
		req.AddCookie(c)
	}
	return req.Header.Get("Cookie")
}

const siteHeader = "theme=dark; sid=3f2a9c5d7e8b4016; region=eu-west"

func TestJarsGiveTheSameHeader(t *testing.T) {
	t.Parallel()
	all := sites(t, 10)
	theirs, ours := newJar(t), session.NewJar()
	fill(theirs, all)
	fill(ours, all)
	assert.Equal(t, siteHeader, headerByHand(theirs, all[0].url))
	assert.Equal(t, siteHeader, ours.Header(all[0].url))
}

// BenchmarkJarHeader makes the Cookie header for one site of all those that the
// jar has cookies of.
func BenchmarkJarHeader(b *testing.B) {
	for _, size := range []int{10, 1_000, many} {
		all := sites(b, size)
		u := all[len(all)/2].url
		for _, h := range headers(b, all, u) {
			b.Run(fmt.Sprintf("%d/%s", size, h.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					h.read(b)
				}
			})
		}
	}
}

// BenchmarkJarHeaderParallel is JarHeader/1000 by one goroutine and by 64 at
// once; the time is that of all together, for each header.
func BenchmarkJarHeaderParallel(b *testing.B) {
	all := sites(b, 1_000)
	for _, h := range headers(b, all, all[len(all)/2].url) {
		b.Run("1/"+h.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.read(b)
			}
		})
		b.Run(fmt.Sprintf("%d/%s", workers, h.name), func(b *testing.B) {
			inParallel(b, func() { h.read(b) })
		})
	}
}

// A header reads the Cookie header for a URL from a jar, and looks whether it is whole.
type header struct {
	name string
	read func(tb testing.TB)
}

func headers(tb testing.TB, all []site, u *url.URL) []header {
	theirs, ours := newJar(tb), session.NewJar()
	fill(theirs, all)
	fill(ours, all)
	look := func(tb testing.TB, got string) {
		if len(got) != len(siteHeader) {
			tb.Error(got)
		}
	}
	return []header{
		{"nethttp", func(tb testing.TB) { look(tb, headerByHand(theirs, u)) }},
		{"session", func(tb testing.TB) { look(tb, ours.Header(u)) }},
	}
}

// BenchmarkJarClone copies a jar, and changes a cookie of the copy. net/http's
// jar can be neither listed nor copied, so there is nothing beside it.
func BenchmarkJarClone(b *testing.B) {
	for _, size := range []int{1_000, many} {
		b.Run(fmt.Sprintf("%d/session", size), func(b *testing.B) {
			jar, all := session.NewJar(), sites(b, size)
			fill(jar, all)
			b.ReportAllocs()
			for b.Loop() {
				jar.Clone().SetCookies(all[0].url, all[0].cookies)
			}
		})
	}
}
