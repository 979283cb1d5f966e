package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/cbf3e3a9/session"
)

// The limit is 30 unless it is set; one redirect more is an error, which has
// what came until then.
func ExampleRedirector_maxRedirects() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	s.MaxRedirects = 1
	_, err := s.Get(ctx, api.URL+"/start") // redirects twice
	var many *session.RedirectError
	if errors.As(err, &many) {
		fmt.Println(len(many.History), "followed, then", many.Response.URL().Path)
	}
	// Output: 1 followed, then /middle
}

// RedirectTarget decides where a response leads, and whether it is followed.
func ExampleRedirector_redirectTarget() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	s.RedirectTarget = func(resp *session.Response) (string, bool) {
		location, ok := session.RedirectTarget(resp)
		return location, ok && strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//") // never to another host
	}
	resp, err := s.Get(ctx, api.URL+"/to", session.Params{"url": {"https://elsewhere.test/"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, resp.Header.Get("Location"))
	// Output: 302 https://elsewhere.test/
}

// RebuildMethod chooses the method of the next request.
func ExampleRedirector_rebuildMethod() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	s.RebuildMethod = func(next *http.Request, prev *session.Response) {
		if next.Method != http.MethodDelete { // a DELETE stays one
			session.RebuildMethod(next, prev)
		}
	}
	resp, err := s.Delete(ctx, api.URL+"/start")
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output: DELETE /end
}

// ShouldStripAuth says between which URLs credentials are dropped.
func ExampleRedirector_shouldStripAuth() {
	ctx, api, mirror := context.Background(), newExampleAPI(), newExampleAPI()
	defer api.Close()
	defer mirror.Close()
	s := session.New()
	s.Auth = session.BearerAuth("a-token")

	s.ShouldStripAuth = func(from, to *url.URL) bool {
		trusted := "http://"+to.Host == mirror.URL // another origin, but our own
		return session.ShouldStripAuth(from, to) && !trusted
	}
	resp, err := s.Get(ctx, api.URL+"/to", session.Params{"url": {mirror.URL + "/echo"}})
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// GET /echo
	// Authorization: Bearer a-token
}

// RebuildAuth puts credentials on the next request, or takes them off.
func ExampleRedirector_rebuildAuth() {
	ctx, api, mirror := context.Background(), newExampleAPI(), newExampleAPI()
	defer api.Close()
	defer mirror.Close()
	s := session.New()
	s.Auth = session.BearerAuth("a-token")

	s.RebuildAuth = func(next *http.Request, prev *session.Response) error {
		err := s.DefaultRebuildAuth(next, prev)
		if "http://"+next.URL.Host == mirror.URL {
			next.Header.Set("Authorization", "Bearer the-mirrors-own")
		}
		return err
	}
	resp, err := s.Get(ctx, api.URL+"/to", session.Params{"url": {mirror.URL + "/echo"}})
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// GET /echo
	// Authorization: Bearer the-mirrors-own
}

// RebuildProxies chooses the proxies of the next request.
func ExampleRedirector_rebuildProxies() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	proxy := httptest.NewServer(http.RedirectHandler(api.URL+"/echo", http.StatusFound)) // whatever it is asked for
	defer proxy.Close()
	s := session.New()
	s.Proxies = session.Proxies{"http": proxy.URL}

	s.RebuildProxies = func(next *http.Request, proxies session.Proxies) (session.Proxies, error) {
		if next.URL.Hostname() == "127.0.0.1" {
			return nil, nil // directly
		}
		return s.DefaultRebuildProxies(next, proxies)
	}
	resp, err := s.Get(ctx, "http://intranet.test/")
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output: GET /echo
}

// Follow yields each response of a chain, and the loop may stop it.
func ExampleSession_Follow() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	first, err := s.Get(ctx, api.URL+"/start", session.FollowRedirects(false))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.StatusCode, first.URL().Path)
	for resp, err := range s.Follow(first) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.StatusCode, resp.URL().Path)
	}
	// Output:
	// 302 /start
	// 302 /middle
	// 200 /end
}

// Next is the request that a redirect leads to, to be looked at before it is sent.
func ExampleResponse_Next() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	resp, err := s.Post(ctx, api.URL+"/start", session.Text("a body"), session.FollowRedirects(false))
	if err != nil {
		log.Fatal(err)
	}
	next, err := resp.Next()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(next.Method, next.URL.Path, next.ContentLength)

	resp, err = s.SendPrepared(next, session.FollowRedirects(false))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode)
	// Output:
	// GET /middle 0
	// 302
}

// A cache of permanent redirects asks for what has moved at its new place.
func ExampleRedirectCache() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	s.Cache = new(session.RedirectCache)
	for range 2 {
		resp, err := s.Get(ctx, api.URL+"/moved") // 301 to /end
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.URL().Path, "after", len(resp.History), "redirect(s)")
	}
	// Output:
	// /end after 1 redirect(s)
	// /end after 0 redirect(s)
}
