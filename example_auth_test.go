package session_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/cbf3e3a9/session"
)

// Auth belongs to the session or to one request; NoAuth takes it off one.
func ExampleBasicAuth() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()

	s := session.New()
	s.BaseURL = api.URL
	s.Auth = session.BasicAuth("ada", "engine")

	for _, own := range []session.Option{nil, session.BearerAuth("a-token"), session.NoAuth} {
		resp, err := s.Get(ctx, "/echo", own)
		if err != nil {
			log.Fatal(err)
		}
		printText(resp)
	}
	// Output:
	// GET /echo
	// Authorization: Basic YWRhOmVuZ2luZQ==
	// GET /echo
	// Authorization: Bearer a-token
	// GET /echo
}

// An Auth of your own is a function. It runs for every attempt and every hop
// within the origin, so a signature is always fresh; what it sets goes nowhere else.
func ExampleAuthFunc() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()
	s.BaseURL = api.URL

	s.Auth = session.AuthFunc(func(req *http.Request) error {
		mac := hmac.New(sha256.New, []byte("secret"))
		fmt.Fprintf(mac, "%s %s", req.Method, req.URL.RequestURI())
		req.Header.Set("X-Signature", fmt.Sprintf("%.6x", mac.Sum(nil)))
		return nil
	})
	resp, err := s.Get(ctx, "/start") // redirects twice
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// GET /end
	// X-Signature: 42920831abd5
}

// Digest answers the server's challenge, and uses its nonce for what follows.
func ExampleDigestAuth() {
	ctx := context.Background()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" { // a server would verify it, too
			w.Header().Set("WWW-Authenticate", `Digest realm="demo", qop="auth", algorithm=SHA-256, nonce="n1"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer api.Close()

	s := session.New()
	s.Auth = session.DigestAuth("ada", "engine")
	for range 2 {
		resp, err := s.Get(ctx, api.URL)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.StatusCode, "after", len(resp.History), "challenge(s)")
	}
	// Output:
	// 200 after 1 challenge(s)
	// 200 after 0 challenge(s)
}
