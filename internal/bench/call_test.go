package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-resty/resty/v2"
	"github.com/hashicorp/go-retryablehttp"
	resty3 "resty.dev/v3"

	"github.com/cbf3e3a9/session"
)

// shop is the URL of the calls to the stub.
const shop = "https://api.example.com/v1/things"

// BenchmarkCall is a call as programs make them: headers of session and
// request, two parameters, Basic auth, three cookies of a jar, and a JSON
// answer decoded into a struct.
func BenchmarkCall(b *testing.B) {
	b.Run("nethttp", func(b *testing.B) {
		client := &http.Client{Transport: stub{}, Jar: newJar(b)}
		threeCookies(b, client.Jar)
		b.ReportAllocs()
		for b.Loop() {
			got, err := callByHand(client, client.Do)
			checkAnswer(b, got, err)
		}
	})
	b.Run("session", func(b *testing.B) {
		s := newSession(b, stub{})
		s.Header.Set("X-Team", "shelves")
		s.Header.Set("X-Client", "bench/1.0")
		threeCookies(b, s.Jar)
		b.ReportAllocs()
		for b.Loop() {
			var got answer
			resp, err := s.Get(background, shop,
				session.Header{"Accept": {"application/json"}, "X-Request-Id": {"0a1b2c3d"}},
				session.Params{"q": {"red things"}, "page": {"2"}},
				session.BasicAuth("user", "pa55word"))
			if err == nil {
				err = resp.JSON(&got)
			}
			checkAnswer(b, got, err)
		}
	})
	b.Run("resty2", func(b *testing.B) {
		client := resty.NewWithClient(&http.Client{Transport: stub{}, Jar: newJar(b)})
		client.SetHeaders(teamHeaders).SetHeader("User-Agent", "bench/1.0")
		threeCookies(b, client.GetClient().Jar)
		b.ReportAllocs()
		for b.Loop() {
			var got answer
			_, err := client.R().
				SetHeader("Accept", "application/json").SetHeader("X-Request-Id", "0a1b2c3d").
				SetQueryParam("q", "red things").SetQueryParam("page", "2").
				SetBasicAuth("user", "pa55word").
				SetResult(&got).Get(shop)
			checkAnswer(b, got, err)
		}
	})
	b.Run("resty3", func(b *testing.B) {
		client := resty3.NewWithClient(&http.Client{Transport: stub{}, Jar: newJar(b)})
		defer client.Close()
		client.SetHeaders(teamHeaders).SetHeader("User-Agent", "bench/1.0")
		threeCookies(b, client.Client().Jar)
		b.ReportAllocs()
		for b.Loop() {
			var got answer
			_, err := client.R().
				SetHeader("Accept", "application/json").SetHeader("X-Request-Id", "0a1b2c3d").
				SetQueryParam("q", "red things").SetQueryParam("page", "2").
				SetBasicAuth("user", "pa55word").
				SetResult(&got).Get(shop)
			checkAnswer(b, got, err)
		}
	})
	b.Run("retryablehttp", func(b *testing.B) {
		client := newRetryable(&http.Client{Transport: stub{}, Jar: newJar(b)})
		threeCookies(b, client.HTTPClient.Jar)
		b.ReportAllocs()
		for b.Loop() {
			got, err := callByHand(client.HTTPClient, func(req *http.Request) (*http.Response, error) {
				wrapped, err := retryablehttp.FromRequest(req)
				if err != nil {
					return nil, err
				}
				return client.Do(wrapped)
			})
			checkAnswer(b, got, err)
		}
	})
}

// teamHeaders are what every call of the benchmark sends.
var teamHeaders = map[string]string{"X-Team": "shelves", "X-Client": "bench/1.0"}

// callByHand makes the call of BenchmarkCall with net/http.
func callByHand(client *http.Client, do func(*http.Request) (*http.Response, error)) (got answer, err error) {
	query := url.Values{"q": {"red things"}, "page": {"2"}}
	req, err := http.NewRequestWithContext(background, http.MethodGet, shop+"?"+query.Encode(), nil)
	if err != nil {
		return got, err
	}
	req.Header.Set("User-Agent", "bench/1.0")
	req.Header.Set("X-Team", "shelves")
	req.Header.Set("X-Client", "bench/1.0")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Request-Id", "0a1b2c3d")
	req.SetBasicAuth("user", "pa55word")
	resp, err := do(req)
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	err = json.NewDecoder(resp.Body).Decode(&got)
	return got, err
}

func newRetryable(inner *http.Client) *retryablehttp.Client {
	client := retryablehttp.NewClient()
	client.HTTPClient, client.Logger = inner, nil
	return client
}

func checkAnswer(tb testing.TB, got answer, err error) {
	if err != nil || got.ID != 4711 || len(got.Tags) != 3 {
		tb.Fatalf("got %+v, %v", got, err)
	}
}

// BenchmarkGet is a GET without any settings; a session's also asks the
// environment for proxies and a netrc file, and reads the body.
func BenchmarkGet(b *testing.B) {
	b.Run("nethttp", func(b *testing.B) {
		client := &http.Client{Transport: stub{}}
		b.ReportAllocs()
		for b.Loop() {
			resp, err := client.Get(shop)
			check(b, err)
			_, err = io.ReadAll(resp.Body)
			check(b, err)
			check(b, resp.Body.Close())
		}
	})
	b.Run("session", func(b *testing.B) {
		s := newSession(b, stub{})
		benchmarkGet(b, s)
	})
	b.Run("session-noenv", func(b *testing.B) {
		s := newSession(b, stub{})
		s.TrustEnv = false
		benchmarkGet(b, s)
	})
	b.Run("resty2", func(b *testing.B) {
		client := resty.NewWithClient(&http.Client{Transport: stub{}})
		b.ReportAllocs()
		for b.Loop() {
			_, err := client.R().Get(shop)
			check(b, err)
		}
	})
	b.Run("resty3", func(b *testing.B) {
		client := resty3.NewWithClient(&http.Client{Transport: stub{}})
		defer client.Close()
		b.ReportAllocs()
		for b.Loop() {
			resp, err := client.R().Get(shop)
			check(b, err)
			_ = resp.Bytes()
		}
	})
}

func benchmarkGet(b *testing.B, s *session.Session) {
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.Get(background, shop)
		check(b, err)
	}
}

// BenchmarkDo sends a request that is made already.
func BenchmarkDo(b *testing.B) {
	newRequest := func() *http.Request {
		req, err := http.NewRequest(http.MethodGet, shop, nil)
		check(b, err)
		req.Header.Set("Accept", "application/json")
		return req
	}
	b.Run("nethttp", func(b *testing.B) {
		client := &http.Client{Transport: stub{}}
		req := newRequest()
		b.ReportAllocs()
		for b.Loop() {
			resp, err := client.Do(req)
			readAll(b, resp, err)
		}
	})
	b.Run("session", func(b *testing.B) {
		s := newSession(b, stub{})
		req := newRequest()
		b.ReportAllocs()
		for b.Loop() {
			resp, err := s.Do(req)
			readAll(b, resp, err)
		}
	})
	b.Run("session-noenv", func(b *testing.B) {
		s := newSession(b, stub{})
		s.TrustEnv = false
		req := newRequest()
		b.ReportAllocs()
		for b.Loop() {
			resp, err := s.Do(req)
			readAll(b, resp, err)
		}
	})
	b.Run("retryablehttp", func(b *testing.B) {
		client := newRetryable(&http.Client{Transport: stub{}})
		req, err := retryablehttp.FromRequest(newRequest())
		check(b, err)
		b.ReportAllocs()
		for b.Loop() {
			resp, err := client.Do(req)
			readAll(b, resp, err)
		}
	})
}

// BenchmarkRedirects follows three redirects, each of which sets a cookie.
func BenchmarkRedirects(b *testing.B) {
	const start = "https://api.example.com/3"
	b.Run("nethttp", func(b *testing.B) {
		client := &http.Client{Transport: threeHops{}, Jar: newJar(b)}
		b.ReportAllocs()
		for b.Loop() {
			resp, err := client.Get(start)
			readAll(b, resp, err)
		}
	})
	b.Run("session", func(b *testing.B) {
		s := newSession(b, threeHops{})
		b.ReportAllocs()
		for b.Loop() {
			resp, err := s.Get(background, start)
			check(b, err)
			if len(resp.History) != 3 {
				b.Fatal(resp.History)
			}
		}
	})
	b.Run("resty2", func(b *testing.B) {
		client := resty.NewWithClient(&http.Client{Transport: threeHops{}, Jar: newJar(b)})
		b.ReportAllocs()
		for b.Loop() {
			_, err := client.R().Get(start)
			check(b, err)
		}
	})
}
