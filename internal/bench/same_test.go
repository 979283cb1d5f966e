package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorder keeps the request that came last.
type recorder struct{ last *http.Request }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.last = req
	return stub{}.RoundTrip(req)
}

// requested is what a request asks for. Accept-Encoding, which net/http's own
// transport would add, and Connection, which says what goes without saying, are
// left aside, and so is the order of the cookies.
func requested(req *http.Request) http.Header {
	header := req.Header.Clone()
	header.Del("Accept-Encoding")
	header.Del("Connection")
	cookies := strings.Split(header.Get("Cookie"), "; ")
	slices.Sort(cookies)
	header["Cookie"] = cookies
	header["Request"] = []string{req.Method + " " + req.URL.Path + "?" + req.URL.RawQuery}
	return header
}

// theCall is what every library is to request.
var theCall = http.Header{
	"Request":       {"GET /v1/things?page=2&q=red+things"},
	"User-Agent":    {agent},
	"X-Team":        {"shelves"},
	"X-Client":      {"shop"},
	"Accept":        {"application/json"},
	"X-Request-Id":  {"0a1b2c3d"},
	"Authorization": {"Basic dXNlcjpwYTU1d29yZA=="},
	"Cookie":        {"region=eu-west", "sid=3f2a9c5d7e8b4016", "theme=dark"},
}

// What the libraries are compared in is the same request. fasthttp's has no form
// in which net/http could give it to a stub; it is seen below.
func TestCallsAreTheSame(t *testing.T) {
	t.Parallel()
	for _, m := range makers {
		var r recorder
		got, err := m.make(t, shop, &r)()
		checkAnswer(t, got, err)
		if m.name != "fasthttp" {
			assert.Equal(t, theCall, requested(r.last), m.name)
		}
	}
}

// It is the same on the wire too.
func TestLoopbackCallsAreTheSame(t *testing.T) {
	t.Parallel()
	for _, m := range onNetwork() {
		url, requests := recordingServer(t)
		got, err := m.make(t, url+"/v1/things", nil)()
		checkAnswer(t, got, err)
		assert.Equal(t, theCall, requested(<-requests), m.name)
	}
}

func TestCallsOfPythonAreTheSame(t *testing.T) {
	t.Parallel()
	url, requests := recordingServer(t)
	startPython(t, t, url+"/v1/things").call(t, 1)
	assert.Equal(t, theCall, requested(<-requests))
}

// recordingServer is the server of the benchmarks; it also gives requests.
func recordingServer(t *testing.T) (url string, requests <-chan *http.Request) {
	t.Helper()
	seen, mux := make(chan *http.Request, 8), newMux()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		seen <- req.Clone(req.Context())
		mux.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

// All follow the same redirects with the same cookies.
func TestRedirectsAreTheSame(t *testing.T) {
	t.Parallel()
	for _, f := range followers(t, nil) {
		url, requests := recordingServer(t)
		check(t, f.follow(url))
		for _, want := range [][2]string{{"/3", ""}, {"/2", "step=3"}, {"/1", "step=2"}, {"/0", "step=1"}} {
			req := <-requests
			assert.Equal(t, want, [2]string{req.URL.Path, req.Header.Get("Cookie")}, f.name)
		}
	}
}

// All send the same file. The multipart bodies differ in their boundary, so
// their parts are compared.
func TestUploadsAreTheSame(t *testing.T) {
	t.Parallel()
	const length = 1 << 20
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		got = describeUpload(req)
		_, _ = io.WriteString(w, "1048576")
	}))
	t.Cleanup(server.Close)
	for _, u := range uploads(t, server.URL, length) {
		want := "POST 1048576 zeros: 1048576"
		if u.name == "multipart" {
			want = "POST multipart title: large, file large (application/octet-stream), zeros: 1048576"
		}
		for _, s := range senders(t) {
			check(t, u.byHand(s.send))
			assert.Equal(t, want, got, u.name+" by "+s.name)
		}
		check(t, u.bySession(newSession(t, nil)))
		assert.Equal(t, want, got, u.name+" by session")
	}
}

// describeUpload says what a request holds.
func describeUpload(req *http.Request) string {
	parts, err := req.MultipartReader()
	if err != nil {
		return req.Method + " " + strconv.FormatInt(req.ContentLength, 10) + " " + countZeros(req.Body)
	}
	text := req.Method + " multipart"
	if req.ContentLength < 0 {
		text += " of unknown length"
	}
	for {
		part, err := parts.NextPart()
		switch {
		case err != nil:
			return text
		case part.FileName() == "":
			value, _ := io.ReadAll(part)
			text += " " + part.FormName() + ": " + string(value)
		default:
			text += ", " + part.FormName() + " " + part.FileName() + " (" + part.Header.Get("Content-Type") + "), " + countZeros(part)
		}
	}
}

// All decode to the same text, and say which codings they know.
func TestDecodersAreTheSame(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newMux())
	t.Cleanup(server.Close)
	for _, coding := range codings {
		for _, d := range decoders(t, coding) {
			body, err := d.get(server.URL + "/encoded/" + coding)
			require.NoError(t, err, d.name)
			got, err := io.ReadAll(body)
			require.NoError(t, err, coding+" by "+d.name)
			check(t, body.Close())
			assert.True(t, string(got) == prose(), "%s by %s: other text", coding, d.name)
		}
	}
}

// All see the same lines.
func TestLinesAreTheSame(t *testing.T) {
	t.Parallel()
	const length = 1 << 20
	theirs, err := linesByHand(newClient(t, lineStub{length}))
	check(t, err)
	ours, err := linesOfSession(newSession(t, lineStub{length}))
	check(t, err)
	assert.Equal(t, counted{length / lineLength, length / lineLength * (lineLength - 1)}, theirs)
	assert.Equal(t, theirs, ours)
}

// All that grow send the cookie that the answer before has set.
func TestGrowersAreTheSame(t *testing.T) {
	for _, g := range growers {
		answers := manyAnswers{new(atomic.Int64)}
		var last *http.Request
		client, err := g.make(roundTripper(func(req *http.Request) (*http.Response, error) {
			last = req
			return answers.RoundTrip(req)
		}))
		check(t, err)
		for i := range 3 {
			check(t, client.get("http://api.example.com/things/"+strconv.Itoa(i)))
		}
		assert.Equal(t, "/things/2", last.URL.Path, g.name)
		assert.Equal(t, "last=2", last.Header.Get("Cookie"), g.name)

		piped, stop := newPiped(t, g, 2)
		check(t, piped.get("http://api.example.com/v1/things"))
		stop() // which looks whether any goroutine is left
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
