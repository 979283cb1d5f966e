package main_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cbf3e3a9/session"
)

// saved is how many cookies are saved and loaded.
const saved = 150_000

// A format is that of a file of cookies. net/http's jar can be neither listed
// nor saved, so there is nothing beside it.
type format struct {
	name string
	save func(jar *session.Jar, path string) error
	load func(jar *session.Jar, path string) error
}

var formats = []format{
	{"json", (*session.Jar).Save, (*session.Jar).Load},
	{"cookies.txt", (*session.Jar).SaveCookiesTxt, (*session.Jar).LoadCookiesTxt},
}

// BenchmarkJarSave writes 150,000 cookies to a file.
func BenchmarkJarSave(b *testing.B) {
	jar := session.NewJar()
	fill(jar, sites(b, saved))
	path := filepath.Join(b.TempDir(), "jar")
	for _, f := range formats {
		b.Run(f.name+"/session", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check(b, f.save(jar, path))
			}
		})
	}
}

// BenchmarkJarLoad reads that file into an empty jar.
func BenchmarkJarLoad(b *testing.B) {
	jar := session.NewJar()
	fill(jar, sites(b, saved))
	path := filepath.Join(b.TempDir(), "jar")
	for _, f := range formats {
		b.Run(f.name+"/session", func(b *testing.B) {
			check(b, f.save(jar, path))
			b.ReportAllocs()
			for b.Loop() {
				check(b, f.load(session.NewJar(), path))
			}
		})
	}
}

// What is loaded is what was saved.
func TestJarFilesKeepAll(t *testing.T) {
	t.Parallel()
	all := sites(t, 30)
	for _, f := range formats {
		jar, loaded, path := session.NewJar(), session.NewJar(), filepath.Join(t.TempDir(), "jar")
		fill(jar, all)
		check(t, f.save(jar, path))
		check(t, f.load(loaded, path))
		assert.Equal(t, 30, loaded.Len(), f.name)
		for _, site := range all {
			assert.Equal(t, siteHeader, loaded.Header(site.url), f.name)
		}
	}
}
