package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/carlmjohnson/requests"
	"github.com/go-resty/resty/v2"
	"github.com/imroc/req/v3"
	"github.com/stretchr/testify/assert"
	resty3 "resty.dev/v3"

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
}

// agent is the User-Agent of every call.
const agent = "bench/1.0"

// callByHand makes the call with net/http alone; decode is how the answer is read.
func callByHand(decode func(*http.Response, error) (answer, error)) func(testing.TB, string, http.RoundTripper) call {
	return func(tb testing.TB, to string, transport http.RoundTripper) call {
		client := newClient(tb, transport)
		threeCookies(tb, client.Jar, to)
		return func() (got answer, err error) {
			query := url.Values{"q": {"red things"}, "page": {"2"}}
			req, err := http.NewRequestWithContext(background, http.MethodGet, to+"?"+query.Encode(), nil)
			if err != nil {
				return got, err
			}
			req.Header.Set("User-Agent", agent)
			req.Header.Set("X-Team", "shelves")
			req.Header.Set("X-Client", "shop")
			req.Header.Set("Accept", "application/json")
			req.Header.Set("X-Request-Id", "0a1b2c3d")
			req.SetBasicAuth("user", "pa55word")
			return decode(client.Do(req))
		}
	}
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

// clientHeaders are what each client of the peers sends with every request.
var clientHeaders = map[string]string{"User-Agent": agent, "X-Team": "shelves", "X-Client": "shop"}

func callWithResty2(tb testing.TB, to string, transport http.RoundTripper) call {
	inner := newClient(tb, transport)
	threeCookies(tb, inner.Jar, to)
	client := resty.NewWithClient(inner).SetHeaders(clientHeaders).SetDisableWarn(true)
	return func() (got answer, err error) {
		_, err = client.R().
			SetHeader("Accept", "application/json").SetHeader("X-Request-Id", "0a1b2c3d").
			SetQueryParam("q", "red things").SetQueryParam("page", "2").
			SetBasicAuth("user", "pa55word").
			SetResult(&got).Get(to)
		return got, err
	}
}

func callWithResty3(tb testing.TB, to string, transport http.RoundTripper) call {
	inner := newClient(tb, transport)
	threeCookies(tb, inner.Jar, to)
	client := resty3.NewWithClient(inner).SetHeaders(clientHeaders)
	tb.Cleanup(func() { check(tb, client.Close()) })
	return func() (got answer, err error) {
		_, err = client.R().
			SetHeader("Accept", "application/json").SetHeader("X-Request-Id", "0a1b2c3d").
			SetQueryParam("q", "red things").SetQueryParam("page", "2").
			SetBasicAuth("user", "pa55word").
			SetResult(&got).Get(to)
		return got, err
	}
}

func callWithReq(tb testing.TB, to string, transport http.RoundTripper) call {
	inner := newClient(tb, transport)
	threeCookies(tb, inner.Jar, to)
	client := req.C().SetCommonHeaders(clientHeaders).SetCookieJar(inner.Jar)
	client.GetClient().Transport = inner.Transport
	return func() (got answer, err error) {
		_, err = client.R().
			SetHeader("Accept", "application/json").SetHeader("X-Request-Id", "0a1b2c3d").
			SetQueryParam("q", "red things").SetQueryParam("page", "2").
			SetBasicAuth("user", "pa55word").
			SetSuccessResult(&got).Get(to)
		return got, err
	}
}

func callWithRequests(tb testing.TB, to string, transport http.RoundTripper) call {
	inner := newClient(tb, transport)
	threeCookies(tb, inner.Jar, to)
	client := requests.URL(to).Client(inner)
	for name, value := range clientHeaders {
		client.Header(name, value)
	}
	return func() (got answer, err error) {
		err = client.Clone().
			Accept("application/json").Header("X-Request-Id", "0a1b2c3d").
			Param("q", "red things").Param("page", "2").
			BasicAuth("user", "pa55word").
			ToJSON(&got).Fetch(background)
		return got, err
	}
}

// recorder keeps the request that came last.
type recorder struct{ last *http.Request }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.last = req
	return stub{}.RoundTrip(req)
}

// What the libraries are compared in is the same request. Accept-Encoding, which
// net/http's own transport would add, is left aside.
func TestCallsAreTheSame(t *testing.T) {
	t.Parallel()
	var byHand http.Header
	for _, m := range makers {
		var r recorder
		got, err := m.make(t, shop, &r)()
		checkAnswer(t, got, err)
		assert.Equal(t, shop+"?page=2&q=red+things", r.last.URL.String(), m.name)
		header := r.last.Header.Clone()
		header.Del("Accept-Encoding")
		if byHand == nil {
			byHand = header
			assert.Equal(t, "region=eu-west; sid=3f2a9c5d7e8b4016; theme=dark", header.Get("Cookie"))
		}
		assert.Equal(t, byHand, header, m.name)
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
