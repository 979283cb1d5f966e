package main_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"github.com/cbf3e3a9/session"
)

// TestMain runs the server of the loopback benchmarks where it was started for that.
func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

var background = context.Background()

// answer is the JSON that the benchmarks ask for.
type answer struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Tags  []string `json:"tags"`
	Price float64  `json:"price"`
}

const answerText = `{"id":4711,"name":"a thing with a name","tags":["red","round","sold out"],"price":12.5}`

func checkAnswer(tb testing.TB, got answer, err error) {
	if err != nil || got.ID != 4711 || len(got.Tags) != 3 {
		tb.Fatalf("got %+v, %v", got, err)
	}
}

// shop is the URL of the calls to the stub.
const shop = "https://api.example.com/v1/things"

// stub answers every request with JSON, at once and without a network.
type stub struct{}

func (stub) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, err := io.Copy(io.Discard, req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	return respond(req, http.StatusOK, answerText, http.Header{
		"Content-Type": {"application/json"},
		"Server":       {"stub"},
	}), nil
}

func respond(req *http.Request, status int, body string, header http.Header) *http.Response {
	return &http.Response{
		Status: statusLines[status], StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, ContentLength: int64(len(body)),
		Body:    io.NopCloser(strings.NewReader(body)),
		Request: req,
	}
}

var statusLines = map[int]string{http.StatusOK: "200 OK", http.StatusFound: "302 Found"}

// threeHops redirects /3 to /2, /2 to /1 and /1 to /0, which it answers; each
// step sets a cookie.
type threeHops struct{}

func (threeHops) RoundTrip(req *http.Request) (*http.Response, error) {
	left, err := strconv.Atoi(strings.TrimPrefix(req.URL.Path, "/"))
	if err != nil {
		return nil, err
	}
	header := http.Header{"Set-Cookie": {"step=" + strconv.Itoa(left) + "; Path=/; HttpOnly"}}
	if left == 0 {
		return respond(req, http.StatusOK, "done", header), nil
	}
	header["Location"] = []string{"/" + strconv.Itoa(left-1)}
	return respond(req, http.StatusFound, "", header), nil
}

// newSession is a session as New makes it that sends everything over transport,
// or over its own where that is nil.
func newSession(tb testing.TB, transport http.RoundTripper) *session.Session {
	tb.Helper()
	s := session.New()
	tb.Cleanup(func() { check(tb, s.Close()) })
	if transport != nil {
		check(tb, s.Mount("https://", transport))
		check(tb, s.Mount("http://", transport))
	}
	return s
}

// newClient is net/http's client with a jar; where transport is nil, with a
// transport that keeps as many idle connections as a session does.
func newClient(tb testing.TB, transport http.RoundTripper) *http.Client {
	tb.Helper()
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = 100
		tb.Cleanup(own.CloseIdleConnections)
		transport = own
	}
	return &http.Client{Transport: transport, Jar: newJar(tb)}
}

// newJar is net/http's jar, with the public suffix list that a session's has too.
func newJar(tb testing.TB) *cookiejar.Jar {
	tb.Helper()
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	check(tb, err)
	return jar
}

// threeCookies puts the three cookies of a site into a jar.
func threeCookies(tb testing.TB, jar http.CookieJar, site string) {
	tb.Helper()
	u := parse(tb, site)
	jar.SetCookies(u, []*http.Cookie{
		{Name: "sid", Value: "3f2a9c5d7e8b4016", Path: "/", Secure: u.Scheme == "https"},
		{Name: "theme", Value: "dark", Path: "/", MaxAge: 3600},
		{Name: "region", Value: "eu-west", Path: "/v1"},
	})
}

func parse(tb testing.TB, text string) *url.URL {
	tb.Helper()
	u, err := url.Parse(text)
	check(tb, err)
	return u
}

// check fails a benchmark whose work went wrong. Helper would cost more than
// some of what is measured.
func check(tb testing.TB, err error) {
	if err != nil {
		tb.Fatal(err)
	}
}

// send sends a request by hand and reads the answer.
func send(client *http.Client, req *http.Request) ([]byte, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// fetch is a GET by hand.
func fetch(client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(background, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return send(client, req)
}
