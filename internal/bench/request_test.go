package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/cbf3e3a9/session"
)

// order is the JSON that a POST sends.
type order struct {
	Customer string   `json:"customer"`
	Things   []answer `json:"things"`
	Gift     bool     `json:"gift"`
}

func newOrder() order {
	thing := answer{ID: 4711, Name: "a thing with a name", Tags: []string{"red", "round"}, Price: 12.5}
	return order{Customer: "c-0815", Things: []answer{thing, thing, thing}, Gift: true}
}

// BenchmarkPostJSON sends a struct as JSON and decodes the JSON that answers.
func BenchmarkPostJSON(b *testing.B) {
	b.Run("nethttp", func(b *testing.B) {
		client, order := newClient(b, stub{}), newOrder()
		benchmarkCall(b, func() (got answer, err error) {
			data, err := json.Marshal(order)
			if err != nil {
				return got, err
			}
			req, err := http.NewRequestWithContext(background, http.MethodPost, shop, bytes.NewReader(data))
			if err != nil {
				return got, err
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Accept", "application/json")
			return decode(client.Do(req))
		})
	})
	b.Run("session", func(b *testing.B) {
		s, order := newSession(b, stub{}), newOrder()
		s.Header.Set("Accept", "application/json")
		benchmarkCall(b, func() (got answer, err error) {
			resp, err := s.Post(background, shop, session.JSON(order))
			if err != nil {
				return got, err
			}
			err = resp.JSON(&got)
			return got, err
		})
	})
}

// BenchmarkGet is a GET without any settings, with an empty jar and with one that
// has three cookies for it. A session also asks the environment for proxies and a
// netrc file, but for "session-noenv".
func BenchmarkGet(b *testing.B) {
	eachJar(b, func(b *testing.B, fill func(http.CookieJar)) {
		b.Run("nethttp", func(b *testing.B) {
			client := newClient(b, stub{})
			fill(client.Jar)
			b.ReportAllocs()
			for b.Loop() {
				_, err := fetch(client, shop)
				check(b, err)
			}
		})
		eachSession(b, func(b *testing.B, s *session.Session) {
			fill(s.Jar)
			b.ReportAllocs()
			for b.Loop() {
				_, err := s.Get(background, shop)
				check(b, err)
			}
		})
	})
}

// BenchmarkDo sends a request that is made already, and decodes the answer.
func BenchmarkDo(b *testing.B) {
	req, err := http.NewRequestWithContext(background, http.MethodGet, shop, nil)
	check(b, err)
	req.Header.Set("Accept", "application/json")
	eachJar(b, func(b *testing.B, fill func(http.CookieJar)) {
		b.Run("nethttp", func(b *testing.B) {
			client := newClient(b, stub{})
			fill(client.Jar)
			benchmarkCall(b, func() (answer, error) {
				req.Header.Del("Cookie") // net/http adds the jar's to the request that it is given
				return decode(client.Do(req))
			})
		})
		eachSession(b, func(b *testing.B, s *session.Session) {
			fill(s.Jar)
			req.Header.Del("Cookie")
			benchmarkCall(b, func() (answer, error) { return decode(s.Do(req)) })
		})
	})
}

// eachJar runs a benchmark with jars that are empty and that have cookies.
func eachJar(b *testing.B, run func(b *testing.B, fill func(http.CookieJar))) {
	b.Run("bare", func(b *testing.B) { run(b, func(http.CookieJar) {}) })
	b.Run("3-cookies", func(b *testing.B) {
		run(b, func(jar http.CookieJar) { threeCookies(b, jar, shop) })
	})
}

// eachSession runs a benchmark with a session that asks the environment and
// with one that does not.
func eachSession(b *testing.B, run func(*testing.B, *session.Session)) {
	b.Run("session", func(b *testing.B) { run(b, newSession(b, stub{})) })
	b.Run("session-noenv", func(b *testing.B) {
		s := newSession(b, stub{})
		s.TrustEnv = false
		run(b, s)
	})
}
