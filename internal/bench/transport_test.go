package main_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// A sender sends a request as [http.Client.Do] and [http.Transport.RoundTrip] do.
type sender func(*http.Request) (*http.Response, error)

// senders are those that what a session sends is compared with: the bare
// transport, which is the floor of all that stand on net/http, and its client.
func senders(tb testing.TB) []namedSender {
	client := newClient(tb, nil)
	return []namedSender{{"transport", client.Transport.RoundTrip}, {"nethttp", client.Do}}
}

type namedSender struct {
	name string
	send sender
}

// callWithTransport sends a request that was made beforehand, and reads the
// answer without decoding it.
func callWithTransport(tb testing.TB, to string, transport http.RoundTripper) call {
	client := newClient(tb, transport)
	threeCookies(tb, client.Jar, to)
	req, err := newRequest(to)
	check(tb, err)
	for _, c := range client.Jar.Cookies(req.URL) {
		req.AddCookie(c)
	}
	decoded := answer{ID: 4711, Tags: make([]string, 3)}
	return func() (answer, error) {
		// A request must not be sent twice at the same time; its copy is shallow.
		return decoded, discard(client.Transport.RoundTrip, req.WithContext(background), int64(len(answerText)))
	}
}

// callOverTransport makes the call with no client at all: a request made for it,
// with a Cookie header known beforehand, and the answer decoded.
func callOverTransport(tb testing.TB, to string, transport http.RoundTripper) call {
	client := newClient(tb, transport)
	threeCookies(tb, client.Jar, to)
	known := &http.Request{Header: make(http.Header)}
	for _, c := range client.Jar.Cookies(parse(tb, to)) {
		known.AddCookie(c)
	}
	return func() (got answer, err error) {
		req, err := newRequest(to)
		if err != nil {
			return got, err
		}
		req.Header["Cookie"] = known.Header["Cookie"]
		return decode(client.Transport.RoundTrip(req))
	}
}

// discard sends a request and reads the answer, which has that length.
func discard(send sender, req *http.Request, length int64) error {
	resp, err := send(req)
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if n != length {
		err = fmt.Errorf("%d bytes instead of %d: %w", n, length, err)
	}
	return errors.Join(err, resp.Body.Close())
}
