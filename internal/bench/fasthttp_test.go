package main_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/valyala/fasthttp"
)

// callWithFasthttp is how far a client gets that is not net/http's: requests and
// responses used again, no header map, HTTP/1.1 alone, no context. It has no
// cookies, auth, parameters or headers of the client, so the program writes what
// is on the wire. It uses its own network, or its own stub where there is a
// transport.
func callWithFasthttp(tb testing.TB, to string, transport http.RoundTripper) call {
	client := &fasthttp.Client{MaxConnsPerHost: 2 * workers}
	if transport != nil {
		client.Transport = fastStub{}
	}
	tb.Cleanup(client.CloseIdleConnections)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:pa55word"))
	return func() (got answer, err error) {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.SetRequestURI(to)
		req.URI().QueryArgs().Set("page", "2")
		req.URI().QueryArgs().Set("q", "red things")
		for name, value := range clientHeaders {
			req.Header.Set(name, value)
		}
		req.Header.Set("Accept", "application/json")
		req.Header.Set("X-Request-Id", "0a1b2c3d")
		req.Header.Set("Authorization", basic)
		req.Header.SetCookie("region", "eu-west")
		req.Header.SetCookie("sid", "3f2a9c5d7e8b4016")
		req.Header.SetCookie("theme", "dark")
		if err := client.Do(req, resp); err != nil {
			return got, err
		}
		err = json.Unmarshal(resp.Body(), &got)
		return got, err
	}
}

// fastStub is stub for fasthttp.
type fastStub struct{}

func (fastStub) RoundTrip(_ *fasthttp.HostClient, _ *fasthttp.Request, resp *fasthttp.Response) (bool, error) {
	resp.Header.SetContentType("application/json")
	resp.Header.SetServer("stub")
	resp.SetBodyString(answerText)
	return false, nil
}
