package main_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/cbf3e3a9/session"
)

// BenchmarkNew makes a session; with net/http, a client with a jar.
func BenchmarkNew(b *testing.B) {
	b.Run("nethttp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if client := (&http.Client{Jar: newJar(b)}); client.Jar == nil {
				b.Fatal("no jar")
			}
		}
	})
	b.Run("session", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if s := session.New(); s.Jar == nil {
				b.Fatal("no jar")
			}
		}
	})
}

// BenchmarkClone copies a session that has some headers, and so many cookies.
func BenchmarkClone(b *testing.B) {
	for _, size := range []int{10, many} {
		b.Run(fmt.Sprintf("%d-cookies/session", size), func(b *testing.B) {
			s := newSession(b, stub{})
			s.Header.Set("X-Team", "shelves")
			fill(s.Jar, sites(b, size))
			b.ReportAllocs()
			for b.Loop() {
				if c := s.Clone(); c.Jar == nil {
					b.Fatal("no jar")
				}
			}
		})
	}
}

// BenchmarkAdapterFor looks up the adapter of a URL that none but the last
// prefix serves.
func BenchmarkAdapterFor(b *testing.B) {
	u := parse(b, shop)
	for _, mounted := range []int{2, 1_000} {
		b.Run(fmt.Sprintf("%d-mounted/session", mounted), func(b *testing.B) {
			s := newSession(b, stub{})
			for i := range mounted - 2 {
				check(b, s.Mount(fmt.Sprintf("https://host%d.example.com/v%d", i, i%3), stub{}))
			}
			b.ReportAllocs()
			for b.Loop() {
				_, err := s.AdapterFor(u)
				check(b, err)
			}
		})
	}
}
