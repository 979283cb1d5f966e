package main_test

import (
	"net/http"
	"testing"

	"github.com/carlmjohnson/requests"
	"github.com/go-resty/resty/v2"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/imroc/req/v3"
	resty3 "resty.dev/v3"
)

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

// callWithRetryablehttp has no headers of the client: the program sets all, as
// with net/http.
func callWithRetryablehttp(tb testing.TB, to string, transport http.RoundTripper) call {
	client := retryablehttp.NewClient()
	client.HTTPClient = newClient(tb, transport)
	client.Logger = nil
	threeCookies(tb, client.HTTPClient.Jar, to)
	return func() (got answer, err error) {
		req, err := newRequest(to)
		if err != nil {
			return got, err
		}
		retryable, err := retryablehttp.FromRequest(req)
		if err != nil {
			return got, err
		}
		return decode(client.Do(retryable))
	}
}
