package session_test

import (
	"context"
	"math"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// requireTarget checks that a URL gives a request line of three words.
func requireTarget(t *testing.T, u *url.URL) {
	t.Helper()
	target := u.RequestURI()
	if strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		require.Failf(t, "the target would split the request line", "%q", target)
	}
	assert.NotEmpty(t, u.Host)
}

// A URL is refused, or gives a request that can be written, and is itself
// when it is prepared again.
func FuzzPrepareURL(f *testing.F) {
	for _, seed := range []string{
		"http://a.test", "https://u:p@ü.test:8443/a b?c d#e f", "http://[::1%25eth0]:80/%zz",
		"http://a.test/../x/./y;p?q=%41", "http:///x", "HTTP://A.TEST", "http://a\\@b/", "mailto:x@y", "//a", "",
		"http://\u00ad/", "http://u@\u2060:80/x", "http://\u200b\ufe0f",
	} {
		f.Add(seed, "v x&=%")
	}
	s := new(session.Session)
	f.Fuzz(func(t *testing.T, text, value string) {
		r := &session.Request{URL: text, Params: url.Values{"k": {value}}}
		req, err := s.Prepare(context.Background(), r)
		if err != nil {
			return
		}
		if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
			return
		}
		requireTarget(t, req.URL)
		again, err := s.Prepare(context.Background(), &session.Request{URL: req.URL.String()})
		require.NoError(t, err)
		assert.Equal(t, req.URL.String(), again.URL.String())
	})
}

// A Location is refused, or leads to a request that can be written.
func FuzzLocation(f *testing.F) {
	for _, seed := range []string{
		"/x y", "//b.test/š", "?q=1", "../d/./x#two", "http://a.test:99999/", "http://[::1", "ftp://a.test/x",
		"http:/x", "\x00/x", "/%zz", "HTTP://B.test", "http://evil:x@b.test/", " /x ", "/a\r\nb",
		"http://\u00ad/", "//\u00ad/", "http://u@\u2060/",
	} {
		f.Add(seed)
	}
	from, err := http.NewRequest(http.MethodGet, "http://a.test/d/e?f#g", nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, location string) {
		next, err := new(session.Redirector).NextRequest(&session.Response{Response: &http.Response{
			StatusCode: http.StatusFound, Request: from, Header: http.Header{"Location": {location}},
		}})
		if err != nil || next == nil {
			return
		}
		if next.URL.Scheme == "http" || next.URL.Scheme == "https" {
			requireTarget(t, next.URL)
		}
	})
}

// Requoting a second time changes nothing.
func FuzzRequote(f *testing.F) {
	for _, seed := range []string{"http://a.test/x y", "%7E%41%2F", "%zz", "ü", "a[b]?c|d", "%", "%4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := session.Requote(text)
		assert.False(t, strings.ContainsFunc(once, func(r rune) bool { return r <= ' ' || r >= 0x7f }), once)
		if !strings.Contains(text, "%") {
			assert.Equal(t, once, session.Requote(once))
		}
	})
}

// A state is refused, or gives a session that gives it again.
func FuzzState(f *testing.F) {
	s := session.New()
	s.Auth = session.BasicAuth("u", "p")
	s.Proxies = session.Proxies{"http": "http://p.test"}
	data, _, err := s.MarshalState()
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"Version":1}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, data []byte) {
		loaded, err := session.UnmarshalState(data)
		if err != nil {
			return
		}
		again, omitted, err := loaded.MarshalState()
		require.NoError(t, err)
		assert.Empty(t, omitted)
		_, err = session.UnmarshalState(again)
		require.NoError(t, err)
	})
}

// A Retry-After is a number or a date, which is waited for up to the bound, or
// the backoff is.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"7", " 7\t", "0", "-5", "+5", "1.5", "1e3", "0x10", "99999999999999999999", "99999999999999999999x", "",
		"Sat, 01 Jan 2000 00:01:00 GMT", "Saturday, 01-Jan-00 00:01:00 GMT", "Sat Jan  1 00:01:00 2000",
		"Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "soon",
	} {
		f.Add(seed)
	}
	const backoff, most = 3 * time.Second, time.Hour
	f.Fuzz(func(t *testing.T, value string) {
		synctest.Test(t, func(t *testing.T) {
			policy := &session.Retry{Total: 2, Statuses: []int{503}, BackoffFactor: backoff / 2, RetryAfterMax: most}
			s, sent := retrying(t, policy, refusal, later(503, value), fine)
			want := min(asked(strings.TrimSpace(value)), most)
			if want <= 0 {
				want = backoff
			}
			resp := get(t, s, "http://a.test/")
			assert.Equal(t, []time.Duration{0, want}, sent.waits())
			assert.Equal(t, want, resp.Attempts[1].Wait)
		})
	})
}

// asked is how long a Retry-After says, 0 where it says nothing.
func asked(value string) time.Duration {
	if date, err := http.ParseTime(value); err == nil {
		return time.Until(date)
	}
	seconds, ok := new(big.Int).SetString(value, 10)
	switch {
	case !ok || strings.Trim(value, "0123456789") != "":
		return 0
	case seconds.BitLen() > 32:
		return math.MaxInt64
	}
	return time.Duration(seconds.Int64()) * time.Second
}
