package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cbf3e3a9/session"
)

// User is what the API of the examples knows.
type User struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// A session holds what all requests have in common, and keeps cookies and
// connections between them.
func Example() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()

	s := session.New()
	defer s.Close()
	s.BaseURL = api.URL
	s.Timeout = session.Seconds(10)

	resp, err := s.Get(ctx, "/users/7", session.Params{"fields": {"id,name"}})
	if err != nil {
		log.Fatal(err) // no answer came: *url.Error around session.ErrConnection, ErrTimeout, …
	}
	if err := resp.CheckStatus(); err != nil {
		log.Fatal(err) // an answer of 400 or more: *session.StatusError
	}
	user, err := session.DecodeJSON[User](resp)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Name)
	// Output: Ada
}

func ExampleDecodeJSON() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	resp, err := s.Get(ctx, api.URL+"/users/7", session.Params{"fields": {"id,name"}})
	if err != nil {
		log.Fatal(err)
	}
	if err := resp.CheckStatus(); err != nil {
		log.Fatal(err)
	}
	user, err := session.DecodeJSON[User](resp)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, user.Name)
	// Output: 200 Ada
}

func ExampleJSON() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	resp, err := s.Post(ctx, api.URL+"/echo", session.JSON(User{ID: 8, Name: "Grace"}))
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// POST /echo
	// Content-Type: application/json
	// {"id":8,"name":"Grace"}
}

func ExampleForm() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	resp, err := s.Post(ctx, api.URL+"/echo", session.Form{
		"name":  {"Ada"},
		"langs": {"en", "fr"},
	})
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// POST /echo
	// Content-Type: application/x-www-form-urlencoded
	// langs=en&langs=fr&name=Ada
}

// A signed URL needs its parameters in order, and some APIs a name more than once.
func ExampleOrderedParams() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	resp, err := s.Get(ctx, api.URL+"/echo", session.OrderedParams{{"z", "1"}, {"a", "2"}, {"z", "3"}})
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output: GET /echo?z=1&a=2&z=3
}

// Headers of the session go with every request; a request overrides them one by
// one, and a nil value removes one.
func ExampleHeader() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()

	s := session.New()
	s.BaseURL = api.URL
	s.Header.Set("X-Team", "blue")
	s.Header.Set("X-Trace", "on")

	resp, err := s.Get(ctx, "/echo", session.Header{
		"X-Team":  {"red"}, // overrides
		"X-Trace": nil,     // removes, for this request
		"X-Page":  {"1"},   // adds
	})
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// GET /echo
	// X-Page: 1
	// X-Team: red
}

// What a server sets is kept and sent back. Cookies of one request are sent once.
func ExampleCookies() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()
	s.BaseURL = api.URL

	if _, err := s.Get(ctx, "/login"); err != nil { // sets sid=12
		log.Fatal(err)
	}
	resp, err := s.Get(ctx, "/echo", session.Cookies{"theme": "dark"})
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// GET /echo
	// Cookie: sid=12; theme=dark
}

// A large answer goes to a file piece by piece.
func ExampleStream() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "large.bin")
	s := session.New()

	resp, err := s.Get(ctx, api.URL+"/large", session.Stream(true))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	if err := resp.CheckStatus(); err != nil {
		log.Fatal(err)
	}
	n, err := resp.Save(path) // all of it, or the file stays as it was
	if err != nil {
		log.Fatal(err) // session.ErrIncompleteBody where the connection broke off
	}
	fmt.Println(n, "bytes")
	// Output: 1048576 bytes
}

// Lines come as the server sends them.
func ExampleResponse_Lines() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	resp, err := s.Get(ctx, api.URL+"/lines", session.Stream(true))
	if err != nil {
		log.Fatal(err)
	}
	for line, err := range resp.Lines() { // closes the response at its end
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", line)
	}
	// Output:
	// {"n":1}
	// {"n":2}
	// {"n":3}
}

// Files are streamed from disk; a form gives the fields beside them.
func ExampleFiles() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "report.csv")
	if err := os.WriteFile(path, []byte("a,b\n1,2\n"), 0o600); err != nil {
		log.Fatal(err)
	}
	s := session.New()

	resp, err := s.Post(ctx, api.URL+"/files",
		session.Form{"folder": {"2026"}},
		session.Files{
			{Field: "report", Path: path, ContentType: "text/csv"},
			{Field: "note", Name: "note.txt", Content: session.Text("checked")},
		})
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// folder = 2026
	// note: note.txt, 7 bytes
	// report: report.csv, 8 bytes
}

// A reader is sent as a stream. One that can seek can be sent again, after a
// redirect or a failed attempt.
func ExampleReader() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	resp, err := s.Put(ctx, api.URL+"/echo", session.Reader(strings.NewReader("a long text")))
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// PUT /echo
	// a long text
}

// A session for an API that is busy at times, with the settings of qBraid's
// Python client: a base URL, secret headers that stay with it and appear in no
// error, retries, and a name for the User-Agent.
func ExampleRetry() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()

	s := session.New()
	s.BaseURL = api.URL
	s.Secrets.Header = session.Header{"X-Api-Key": {"secret"}} // for the origin of BaseURL
	s.Retry = &session.Retry{
		Total:         2,
		Connect:       1,
		BackoffFactor: 500 * time.Millisecond,
		Statuses:      []int{500, 502, 503, 504},
	}
	s.AddUserAgent("my-tool/1.0")

	resp, err := s.Get(ctx, "/flaky") // answers 503 at first
	if err != nil {
		log.Fatal(err)
	}
	for _, attempt := range resp.Attempts {
		fmt.Println(attempt.Method, attempt.Status)
	}
	// Output:
	// GET 503
	// GET 200
}

// Connect and Read bound each wait, Total and the context the whole call.
func ExampleTimeout() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()

	s := session.New()
	s.BaseURL = api.URL
	s.Timeout = session.Timeout{Connect: 5 * time.Second, Read: 30 * time.Second, Total: time.Minute}

	_, err := s.Get(ctx, "/silent", session.Timeout{Read: 20 * time.Millisecond}) // the rest is inherited
	switch {
	case errors.Is(err, session.ErrConnectTimeout):
		fmt.Println("no connection")
	case errors.Is(err, session.ErrReadTimeout):
		fmt.Println("connected, but no answer")
	case errors.Is(err, session.ErrTimeout):
		fmt.Println("too long in all")
	}
	// Output: connected, but no answer
}

// Errors have kinds, and structs with the facts.
func Example_errors() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()
	s.BaseURL = api.URL

	resp, err := s.Get(ctx, "/users/8")
	if err != nil {
		log.Fatal(err)
	}
	var status *session.StatusError
	if errors.As(resp.CheckStatus(), &status) {
		fmt.Println(status.Response.StatusCode, status.Response.Reason())
	}

	_, err = s.Get(ctx, "/loop")
	var loop *session.RedirectError
	if errors.As(err, &loop) {
		fmt.Println(len(loop.History), "redirects were followed")
	}

	_, err = s.Get(ctx, "https://")
	fmt.Println(errors.Is(err, session.ErrMissingHost), errors.Is(err, session.ErrInvalidURL))
	// Output:
	// 404 Not Found
	// 30 redirects were followed
	// true true
}

// Settings and cookies are saved together; what cannot be saved is listed.
func ExampleSession_SaveState() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "session.json")

	s := session.New()
	s.BaseURL = api.URL
	if _, err := s.Get(ctx, "/login"); err != nil { // sets sid=12
		log.Fatal(err)
	}
	omitted, err := s.SaveState(path) // for its owner's eyes only: it holds secrets
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left out:", omitted)

	later, err := session.LoadState(path) // in another run
	if err != nil {
		log.Fatal(err)
	}
	resp, err := later.Get(ctx, "/echo")
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// left out: []
	// GET /echo
	// Cookie: sid=12
}

// A clone shares connections, and nothing that is changed.
func ExampleSession_Clone() {
	s := session.New()
	s.Header.Set("X-Team", "blue")

	german := s.Clone()
	german.Header.Set("Accept-Language", "de")

	fmt.Println(german.Header.Get("X-Team"), len(s.Header.Values("Accept-Language")))
	// Output: blue 0
}

// A response hook sees every response, a redirect's too.
func ExampleHooks() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()

	s.Hooks.Response = append(s.Hooks.Response, func(resp *session.Response) (*session.Response, error) {
		fmt.Println(resp.Request.Method, resp.URL().Path, resp.StatusCode)
		return resp, nil
	})
	if _, err := s.Get(ctx, api.URL+"/start"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// GET /start 302
	// GET /middle 302
	// GET /end 200
}

// A prepared request can be looked at, and changed, before it is sent.
func ExampleSession_Prepare() {
	ctx, api := context.Background(), newExampleAPI()
	defer api.Close()
	s := session.New()
	s.BaseURL = api.URL

	req, err := s.Prepare(ctx, &session.Request{
		Method: "POST",
		URL:    "/echo",
		Body:   session.Text("signed text"),
	})
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("X-Signature", fmt.Sprint(req.ContentLength)) // whatever it is made of

	resp, err := s.SendPrepared(req)
	if err != nil {
		log.Fatal(err)
	}
	printText(resp)
	// Output:
	// POST /echo
	// X-Signature: 11
	// signed text
}

// printText prints a response's body.
func printText(resp *session.Response) {
	text, err := resp.Text()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.TrimSpace(text))
}
