package session_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/cbf3e3a9/session"
)

// Proxies belong to the session or to one request; NoProxy asks directly.
func ExampleProxies() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "by way of the proxy:", r.URL.Path)
	}))
	defer proxy.Close()

	s := session.New()
	s.Proxies = session.Proxies{"all": proxy.URL} // "http", "https", "https://one.host", …

	resp, err := s.Get(ctx, api.URL+"/echo")
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)

	resp, err = s.Get(ctx, api.URL+"/echo", session.NoProxy)
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// by way of the proxy: /echo
	// GET /echo
}

// inventory is an adapter: any http.RoundTripper is one.
type inventory map[string]string

func (i inventory) RoundTrip(req *http.Request) (*http.Response, error) {
	status, text := http.StatusOK, i[strings.TrimPrefix(req.URL.Path, "/")]
	if text == "" {
		status = http.StatusNotFound
	}
	return &http.Response{
		StatusCode: status,
		Status:     fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Header:     http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
		Body:       io.NopCloser(strings.NewReader(text)),
		Request:    req,
	}, nil
}

// An adapter serves the URLs that begin with its prefix.
func ExampleSession_Mount() {
	ctx := context.Background()

	s := session.New()
	err := s.Mount("mock://stock", inventory{"apples": "12", "pears": "3"})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := s.Get(ctx, "mock://stock/apples")
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output: 12
}

// traced is middleware around a transport.
type traced struct{ next http.RoundTripper }

func (t traced) RoundTrip(req *http.Request) (*http.Response, error) {
	fmt.Println("sending", req.Method, req.URL.Path)
	return t.next.RoundTrip(req)
}

// Middleware goes inside an HTTPAdapter, so that proxies and certificates of
// session and request still work.
func ExampleHTTPAdapter() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()

	s := session.New()
	err := s.Mount("http://", &session.HTTPAdapter{
		Wrap: func(next http.RoundTripper) http.RoundTripper { return traced{next} },
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.Get(ctx, api.URL+"/start"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// sending GET /start
	// sending GET /middle
	// sending GET /end
}

// Doer is what client generators and SDKs ask for.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// A session is a Doer, with net/http's contract: the body is streamed, and the
// caller closes it.
func ExampleSession_Do() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()

	s := session.New()
	s.Header.Set("X-Team", "blue")
	var doer Doer = s

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api.URL+"/echo", nil)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := doer.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", body)
	// Output:
	// GET /echo
	// X-Team: blue
}

// For APIs that insist on the concrete type there is an *http.Client.
func ExampleSession_Client() {
	api := newExampleAPI()
	defer api.Close()

	s := session.New()
	s.Auth = session.BearerAuth("a-token")
	var client *http.Client = s.Client()

	resp, err := client.Get(api.URL + "/start") // the session's auth and redirects
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", body)
	// Output:
	// GET /end
	// Authorization: Bearer a-token
}

// handlerAdapter answers by a handler, without a socket.
type handlerAdapter struct{ http.Handler }

func (h handlerAdapter) RoundTrip(req *http.Request) (*http.Response, error) {
	r := req.Clone(req.Context())
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer.Result(), nil
}

// A test needs no network: a handler, mounted, answers for any host.
func Example_testing() {
	ctx := context.Background()

	s := session.New()
	err := s.Mount("https://api.test", handlerAdapter{exampleAPI()})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := s.Get(ctx, "https://api.test/start")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, resp.URL(), "after", len(resp.History), "redirects")
	// Output: 200 https://api.test/end after 2 redirects
}
