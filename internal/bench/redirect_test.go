package main_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
)

// A follower follows the three redirects of a server, each of which sets a
// cookie that goes with the next request.
type follower struct {
	name   string
	follow func(server string) error
}

// followers send over transport, or over the network where that is nil. The bare
// transport, which is there on the network alone, sends four requests made
// beforehand.
func followers(tb testing.TB, transport http.RoundTripper) []follower {
	client, s := newClient(tb, transport), newSession(tb, transport)
	all := []follower{
		{"nethttp", func(server string) error {
			body, err := fetch(client, server+"/3")
			return checkDone(string(body), err)
		}},
		{"session", func(server string) error {
			resp, err := s.Get(background, server+"/3")
			if err != nil {
				return err
			}
			text, err := resp.Text()
			return checkDone(text, err)
		}},
	}
	if transport == nil {
		all = append(all, follower{"transport", fourHops(tb, client.Transport)})
	}
	return all
}

func checkDone(text string, err error) error {
	if err == nil && text != "done" {
		err = fmt.Errorf("got %q", text)
	}
	return err
}

// fourHops sends the requests that redirects would make.
func fourHops(tb testing.TB, transport http.RoundTripper) func(server string) error {
	var requests []*http.Request
	return func(server string) error {
		if requests == nil {
			requests = newHops(tb, server)
		}
		for i, req := range requests {
			length := int64(0)
			if i == len(requests)-1 {
				length = int64(len("done"))
			}
			if err := discard(transport.RoundTrip, req, length); err != nil {
				return err
			}
		}
		return nil
	}
}

func newHops(tb testing.TB, server string) []*http.Request {
	var requests []*http.Request
	for left := 3; left >= 0; left-- {
		req, err := http.NewRequestWithContext(background, http.MethodGet, server+"/"+strconv.Itoa(left), nil)
		check(tb, err)
		if left < 3 {
			req.Header.Set("Cookie", "step="+strconv.Itoa(left+1))
		}
		requests = append(requests, req)
	}
	return requests
}

// BenchmarkRedirects follows three redirects, each of which sets a cookie.
func BenchmarkRedirects(b *testing.B) {
	benchmarkRedirects(b, "https://api.example.com", threeHops{})
}

// BenchmarkRedirectsLoopback is BenchmarkRedirects over a connection to another process.
func BenchmarkRedirectsLoopback(b *testing.B) {
	benchmarkRedirects(b, startServer(b), nil)
}

func benchmarkRedirects(b *testing.B, server string, transport http.RoundTripper) {
	for _, f := range followers(b, transport) {
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check(b, f.follow(server))
			}
		})
	}
}
