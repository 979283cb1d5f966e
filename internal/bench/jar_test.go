package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/cbf3e3a9/session"
)

// BenchmarkJarRead asks a jar for the cookies of one host, three of all those
// that the jar has: three for each host.
func BenchmarkJarRead(b *testing.B) {
	for _, size := range []int{10, 1_000, 100_000} {
		hosts := (size + 2) / 3
		read, err := url.Parse(fmt.Sprintf("https://www.host%d.test/a/b", hosts/2))
		check(b, err)
		for _, jar := range []struct {
			name string
			http.CookieJar
		}{{"nethttp", newJar(b)}, {"session", session.NewJar()}} {
			fillJar(b, jar, hosts)
			b.Run(fmt.Sprintf("%d/%s", size, jar.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if n := len(jar.Cookies(read)); n != 3 {
						b.Fatal(n)
					}
				}
			})
		}
	}
}

func fillJar(tb testing.TB, jar http.CookieJar, hosts int) {
	tb.Helper()
	for i := range hosts {
		u, err := url.Parse(fmt.Sprintf("https://www.host%d.test/", i))
		check(tb, err)
		jar.SetCookies(u, []*http.Cookie{
			{Name: "sid", Value: "3f2a9c5d7e8b4016", Path: "/", Secure: true},
			{Name: "theme", Value: "dark", Path: "/a", MaxAge: 3600},
			{Name: "region", Value: "eu-west", Domain: u.Hostname()},
		})
	}
}
