package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/cbf3e3a9/session"
)

// An API key stays with the API, wherever a redirect leads.
func ExampleSecrets() {
	ctx := context.Background()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "elsewhere: key %q", r.Header.Get("X-Api-Key"))
	}))
	defer elsewhere.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("api: key %q, token %q\n", r.Header.Get("X-Api-Key"), r.FormValue("token"))
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	}))
	defer api.Close()

	s := session.New()
	s.Secrets = session.Secrets{
		Origin: api.URL,
		Header: session.Header{"X-Api-Key": {"secret"}},
		Params: session.Params{"token": {"secret"}},
	}

	resp, err := s.Get(ctx, api.URL)
	if err != nil {
		log.Fatal(err)
	}
	text, err := resp.Text()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(text)
	// Output:
	// api: key "secret", token "secret"
	// elsewhere: key ""
}

// A URL that somebody else chose leads nowhere inside.
func ExamplePublicOnly() {
	s := session.New()
	err := s.Mount("http://", &session.HTTPAdapter{Guard: session.PublicOnly}) // and "https://"
	if err != nil {
		log.Fatal(err)
	}

	_, err = s.Get(context.Background(), "http://169.254.169.254/latest/meta-data/")
	fmt.Println(errors.Is(err, session.ErrAddressRefused))
	// Output: true
}

// A body is bounded, whether it is streamed or not.
func ExampleLimits() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()
	s.Limits.Body = 1000

	_, err := s.Get(ctx, api.URL+"/large")
	var crossed *session.LimitError
	if errors.As(err, &crossed) {
		fmt.Println(crossed.Limit, crossed.Max)
	}
	// Output: length of a body 1000
}
