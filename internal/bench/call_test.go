package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/cbf3e3a9/session"
)

// A maker makes the call of a library to a URL, over a transport; nil is one
// that uses the network.
type maker struct {
	name string
	make func(tb testing.TB, url string, transport http.RoundTripper) call
}

// A call is a GET as programs make it: headers of the client and of the request,
// two parameters, Basic auth, three cookies of a jar, and a JSON answer decoded
// into a struct.
type call func() (answer, error)

var makers = []maker{
	{"nethttp", callByHand(decode)},
	{"session", callWithSession},
	{"nethttp-decoder", callByHand(decodeStream)},
	{"resty2", callWithResty2},
	{"resty3", callWithResty3},
	{"req", callWithReq},
	{"requests", callWithRequests},
	{"retryablehttp", callWithRetryablehttp},
	{"transport-call", callOverTransport},
	{"fasthttp", callWithFasthttp},
}

// agent is the User-Agent of every call.
const agent = "bench/1.0"

// callByHand makes the call with net/http alone; decode is how the answer is read.
func callByHand(decode func(*http.Response, error) (answer, error)) func(testing.TB, string, http.RoundTripper) call {
	return func(tb testing.TB, to string, transport http.RoundTripper) call {
		client := newClient(tb, transport)
		threeCookies(tb, client.Jar, to)
		return func() (got answer, err error) {
			req, err := newRequest(to)
			if err != nil {
				return got, err
			}
			return decode(client.Do(req))
		}
	}
}

// newRequest makes the request by hand, all but the cookies.
func newRequest(to string) (*http.Request, error) {
	query := url.Values{"q": {"red things"}, "page": {"2"}}
	req, err := http.NewRequestWithContext(background, http.MethodGet, to+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("X-Team", "shelves")
	req.Header.Set("X-Client", "shop")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Request-Id", "0a1b2c3d")
	req.SetBasicAuth("user", "pa55word")
	return req, nil
}

// decode reads an answer to its end and decodes it, as a session does.
func decode(resp *http.Response, err error) (got answer, _ error) {
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return got, err
	}
	err = json.Unmarshal(data, &got)
	return got, err
}

// decodeStream is the other usual way: it decodes from the body, and reads what
// is left of it, so that its connection is used again.
func decodeStream(resp *http.Response, err error) (got answer, _ error) {
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return got, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return got, err
}

func callWithSession(tb testing.TB, to string, transport http.RoundTripper) call {
	s := newSession(tb, transport)
	s.Header.Set("User-Agent", agent)
	s.Header.Set("X-Team", "shelves")
	s.Header.Set("X-Client", "shop")
	threeCookies(tb, s.Jar, to)
	return func() (got answer, err error) {
		resp, err := s.Get(background, to,
			session.Header{"Accept": {"application/json"}, "X-Request-Id": {"0a1b2c3d"}},
			session.Params{"q": {"red things"}, "page": {"2"}},
			session.BasicAuth("user", "pa55word"))
		if err != nil {
			return got, err
		}
		err = resp.JSON(&got)
		return got, err
	}
}

func BenchmarkCall(b *testing.B) {
	for _, m := range makers {
		b.Run(m.name, func(b *testing.B) { benchmarkCall(b, m.make(b, shop, stub{})) })
	}
}

func benchmarkCall(b *testing.B, call call) {
	b.ReportAllocs()
	for b.Loop() {
		got, err := call()
		checkAnswer(b, got, err)
	}
}
