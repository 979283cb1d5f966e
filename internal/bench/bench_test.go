package main_test

import (
	"context"
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

// answer is the JSON that the benchmarks ask for.
type answer struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Tags  []string `json:"tags"`
	Price float64  `json:"price"`
}

const answerText = `{"id":4711,"name":"a thing with a name","tags":["red","round","sold out"],"price":12.5}`

// stub answers every request with JSON, at once and without a network.
type stub struct{}

func (stub) RoundTrip(req *http.Request) (*http.Response, error) {
	return respond(req, http.StatusOK, answerText, http.Header{
		"Content-Type": {"application/json"},
		"Server":       {"stub"},
	}), nil
}

func respond(req *http.Request, status int, body string, header http.Header) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, ContentLength: int64(len(body)),
		Body:    io.NopCloser(strings.NewReader(body)),
		Request: req,
	}
}

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

// newSession is a session as New makes it that sends everything over transport.
func newSession(tb testing.TB, transport http.RoundTripper) *session.Session {
	tb.Helper()
	s := session.New()
	for _, prefix := range []string{"https://", "http://"} {
		if err := s.Mount(prefix, transport); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// newJar is net/http's jar, with the public suffix list that a session's has too.
func newJar(tb testing.TB) *cookiejar.Jar {
	tb.Helper()
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	if err != nil {
		tb.Fatal(err)
	}
	return jar
}

// threeCookies puts a shop's three cookies into a jar.
func threeCookies(tb testing.TB, jar http.CookieJar) {
	tb.Helper()
	u, err := url.Parse(shop)
	if err != nil {
		tb.Fatal(err)
	}
	jar.SetCookies(u, []*http.Cookie{
		{Name: "sid", Value: "3f2a9c5d7e8b4016", Path: "/", Secure: true},
		{Name: "theme", Value: "dark", Path: "/", MaxAge: 3600},
		{Name: "region", Value: "eu-west", Domain: "example.com", Path: "/v1"},
	})
}

// check fails a benchmark whose work went wrong. Helper would cost more than
// some of what is measured.
func check(tb testing.TB, err error) {
	if err != nil {
		tb.Fatal(err)
	}
}

// readAll reads and closes what an http.Client gave.
func readAll(tb testing.TB, resp *http.Response, err error) {
	check(tb, err)
	_, err = io.Copy(io.Discard, resp.Body)
	check(tb, err)
	check(tb, resp.Body.Close())
}

var background = context.Background()
