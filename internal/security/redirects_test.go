package security_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// Row: 1
// IDs: CVE-2014-1829 (requests), CVE-2018-1000007 (curl), CVE-2018-20060 (urllib3),
// CVE-2022-0235 (node-fetch), CVE-2022-21712 (twisted)
// Flaw: the Authorization header for one host goes along to the host that a redirect names.
// Done: whatever gave it (request, session, URL, netrc), it is dropped with the origin; by the library.
func TestCVE_2014_1829_AuthorizationToAnotherHost(t *testing.T) {
	basic, bearer := session.BasicAuth("user", aSecret), "Bearer "+aSecret
	for name, c := range map[string]struct {
		prepare func(*testing.T, *aNet)
		user    string
		option  session.Option
	}{
		"Auth of the request":   {option: basic},
		"header of the request": {option: session.Header{"Authorization": {bearer}}},
		"Auth of the session":   {prepare: func(_ *testing.T, n *aNet) { n.Auth = basic }},
		"header of the session": {prepare: func(_ *testing.T, n *aNet) { n.Header.Set("Authorization", bearer) }},
		"URL":                   {user: "user:" + aSecret + "@"},
		"netrc": {prepare: func(t *testing.T, n *aNet) {
			n.useNetrc(t, "machine a.test login user password "+aSecret)
		}},
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				n := aOpen(t)
				if c.prepare != nil {
					c.prepare(t, n)
				}
				n.redirect(status, "http://a.test/", "http://b.test/")
				n.get(t, "http://"+c.user+"a.test/", c.option)
				assert.Equal(t, []string{"GET http://a.test/", "GET http://b.test/"}, n.calls())
				assert.Equal(t, []string{"Authorization", ""}, n.leaks())
				assert.NotContains(t, n.only(t, "http://b.test/").Header, "Authorization")
			})
		}
	}
}

// Row: 2
// IDs: CVE-2018-25091 (urllib3)
// Flaw: only one spelling of Authorization is dropped on a redirect, while names have no case.
// Done: names are compared without regard to case, in Send and in Do; by the library.
func TestCVE_2018_25091_AuthorizationInAnySpelling(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"authorization", "AUTHORIZATION", "aUTHORIZATION"} {
		n := aOpen(t)
		n.redirect(302, "http://a.test/", "http://b.test/")
		n.get(t, "http://a.test/", session.Header{name: {aSecret}})
		n.do(t, "http://a.test/", http.Header{name: {aSecret}})
		n.Header[name] = []string{aSecret}
		n.get(t, "http://a.test/")
		n.do(t, "http://a.test/", http.Header{})
		assert.Equal(t, []string{
			"Authorization", "", "Authorization", "", "Authorization", "", "Authorization", "",
		}, n.leaks(), name)
	}
}

// Row: 3
// IDs: 13180 (aiohttp)
// Flaw: of two Authorization headers only the first is dropped on a redirect.
// Done: the name is dropped with all of its values; by the library.
func TestClass_TwoAuthorizationHeaders(t *testing.T) {
	t.Parallel()
	n := aOpen(t)
	n.redirect(302, "http://a.test/", "http://b.test/")
	n.get(t, "http://a.test/", session.Header{"Authorization": {aSecret + "1", aSecret + "2"}})
	n.do(t, "http://a.test/", http.Header{"Authorization": {aSecret + "1", aSecret + "2"}})
	n.do(t, "http://a.test/", http.Header{"Authorization": {aSecret + "1"}, "authorization": {aSecret + "2"}})
	visits := n.visits()
	require.Len(t, visits, 6)
	for i := 0; i < len(visits); i += 2 {
		assert.ElementsMatch(t, []string{aSecret + "1", aSecret + "2"}, visits[i].Header["Authorization"])
		assert.NotContains(t, visits[i+1].Header, "Authorization")
	}
}

// aSigned is an auth that sets a header of its own.
var aSigned = session.AuthFunc(func(req *http.Request) error {
	req.Header.Set("X-Signature", aSecret)
	return nil
})

// aAskWithSecrets asks for a URL in each way that has credentials, and a
// Cookie header, set by the caller. It returns what the first request of each
// way is to hold.
func aAskWithSecrets(t *testing.T, n *aNet, url string) (first []string) {
	t.Helper()
	cookie := session.Header{"Cookie": {"id=" + aSecret}}
	n.get(t, url, cookie, session.BasicAuth("user", aSecret))
	n.get(t, url, cookie, session.BearerAuth(aSecret))
	n.get(t, url, cookie, session.Header{"Authorization": {aSecret}})
	n.get(t, url, cookie, aSigned)
	n.do(t, url, http.Header{"Cookie": {"id=" + aSecret}, "Authorization": {aSecret}})
	return []string{
		"Authorization Cookie", "Authorization Cookie", "Authorization Cookie", "Cookie X-Signature", "Authorization Cookie",
	}
}

// aAssertLeftBehind checks that credentials were sent to the first of two URLs
// alone.
func aAssertLeftBehind(t *testing.T, from, to string) {
	t.Helper()
	n := aOpen(t)
	n.redirect(307, from, to)
	var want []string
	for _, first := range aAskWithSecrets(t, n, from) {
		want = append(want, first, "")
	}
	assert.Equal(t, want, n.leaks(), "%s to %s", from, to)
	assert.Equal(t, "GET "+to, n.calls()[1])
}

// Row: 4
// IDs: CVE-2022-27774 (curl), CVE-2022-27776 (curl), 1863 (node-fetch), 12275 (aiohttp)
// Flaw: another port of the host counts as the same server, and gets its credentials and cookies.
// Done: Authorization, what an Auth set, and a Cookie header set by hand stay with the port; by the library.
func TestCVE_2022_27774_CredentialsToAnotherPort(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"http://a.test:8001/", "http://a.test:8002/"},
		{"http://a.test/", "http://a.test:8080/"},
		{"http://a.test:8080/", "http://a.test/"},
		{"https://a.test/", "https://a.test:8443/"},
		{"http://a.test:8080/", "https://a.test/"},
		{"http://a.test/", "https://a.test:8443/"},
		{"http://127.0.0.1:8001/", "http://127.0.0.1:8002/"},
	} {
		aAssertLeftBehind(t, pair[0], pair[1])
	}
}

// Row: 5
// IDs: CVE-2018-18074 (requests), CVE-2022-31042 (guzzle), 2985 (reqwest), 848 (httpcomponents)
// Flaw: credentials are kept from https to http on the same host, and go in the clear.
// Done: credentials are bound to scheme, host and port; by the library.
func TestCVE_2018_18074_HTTPSToHTTPKeepsNoCredentials(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"https://a.test/", "http://a.test/"},
		{"https://a.test:8443/", "http://a.test:8443/"}, // the scheme alone changes
		{"https://a.test/", "http://a.test:443/"},
		{"http://a.test:8443/", "https://a.test:8443/"},
	} {
		aAssertLeftBehind(t, pair[0], pair[1])
	}
}

// Row: 6
// IDs: should_strip_auth (requests)
// Flaw: two origins count as one, or a sub-domain as its parent, when a client decides on credentials.
// Done: they are kept for the same scheme, host and port, and from http on port 80 to https on port 443; by the library.
func TestClass_WhereCredentialsAreKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		strip    bool
	}{
		{"http://a.test/", "http://a.test/x", false},
		{"http://a.test/", "http://a.test:80/", false},
		{"http://a.test:80/", "http://a.test/", false},
		{"https://a.test/", "https://a.test:443/", false},
		{"http://a.test:8080/", "http://a.test:8080/x", false},
		{"http://a.test/", "https://a.test/", false},
		{"http://a.test:80/", "https://a.test:443/", false},
		{"http://a.test/", "http://A.TEST/", false},
		{"https://a.test/", "http://a.test/", true},
		{"https://a.test:443/", "http://a.test:80/", true},
		{"http://a.test/", "http://sub.a.test/", true},
		{"http://sub.a.test/", "http://a.test/", true},
		{"http://a.test/", "http://b.test/", true},
		{"http://a.test/", "http://a.test.b.test/", true},
		{"http://a.test/", "http://a.test@b.test/", true},
		{"http://a.test/", "http://a.test:8080/", true},
		{"http://a.test:8080/", "https://a.test/", true},
		{"http://a.test:8080/", "https://a.test:8080/", true},
		{"http://a.test/", "https://a.test:8443/", true},
		{"https://a.test/", "https://a.test:80/", true},
	} {
		from, err := url.Parse(c.from)
		require.NoError(t, err)
		to, err := url.Parse(c.to)
		require.NoError(t, err)
		assert.Equal(t, c.strip, session.ShouldStripAuth(from, to), "%s to %s", c.from, c.to)
	}
	n := aOpen(t)
	n.redirect(302, "http://a.test/", "https://a.test/")
	n.redirect(302, "https://a.test/", "https://sub.a.test/")
	n.get(t, "http://a.test/", session.BearerAuth(aSecret))
	assert.Equal(t, []string{"Authorization", "Authorization", ""}, n.leaks())
}

// Row: 7
// IDs: CVE-2024-45336 (Go)
// Flaw: a header that was dropped on the way to another host is back on the hop after that.
// Done: what was dropped stays dropped, on the way back to the first host too; by the library.
func TestCVE_2024_45336_DroppedHeadersStayDropped(t *testing.T) {
	t.Parallel()
	for _, options := range [][]session.Option{
		{session.BasicAuth("user", aSecret)},
		{session.BearerAuth(aSecret)},
		{aSigned},
		{session.Header{"Authorization": {aSecret}, "Cookie": {"id=" + aSecret}}},
	} {
		n := aOpen(t)
		n.redirect(302, "http://a.test/", "http://b.test/1")
		n.redirect(302, "http://b.test/1", "http://b.test/2")
		n.redirect(302, "http://b.test/2", "http://a.test/3")
		n.redirect(302, "http://a.test/3", "http://a.test/4")
		n.get(t, "http://a.test/", options...)
		got := n.leaks()
		require.Len(t, got, 5)
		assert.NotEmpty(t, got[0])
		assert.Equal(t, []string{"", "", "", ""}, got[1:])
	}
}

// Row: 8
// IDs: CVE-2023-45289 (Go)
// Flaw: the zone of an IPv6 address that ends in a host's name makes it a sub-domain of that host.
// Done: a host is compared whole, zone included, for credentials and for cookies; by the library.
func TestCVE_2023_45289_ZoneIsNoSubdomain(t *testing.T) {
	t.Parallel()
	n := aOpen(t)
	jar := n.Jar.(*session.Jar)
	jar.SetHeader(aURL(t, "http://a.test/"), []string{"wide=" + aSecret + "; Domain=a.test"})
	n.redirect(302, "http://a.test/", "http://[::1%25.a.test]/")
	n.get(t, "http://a.test/", session.BearerAuth(aSecret), session.Cookies{"own": aSecret})
	assert.Equal(t, []string{"a.test:80", "[::1%.a.test]:80"}, n.dialled())
	assert.Equal(t, []string{"Authorization Cookie", ""}, n.leaks())
	assert.Equal(t, "wide="+aSecret+"; own="+aSecret, n.header("Cookie")[0])
}

func aURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

// Row: 20
// IDs: GHSA-r4q5-vmmm-2653 (follow-redirects), 4917 (undici), 10892 (axios), SensitiveHeadersRedirectPolicy (req)
// Flaw: Authorization is dropped on a redirect, but not the header in which an API's own key goes.
// Done: Secrets stay with their origin, every header that an Auth set is dropped with it, and RebuildAuth can
// drop more; a plain Header goes along, as with requests and net/http, and the documentation says so; by the
// library.
func TestGHSA_r4q5_vmmm_2653_KeysInHeadersOfTheirOwn(t *testing.T) {
	t.Parallel()
	key := session.AuthFunc(func(req *http.Request) error {
		req.Header.Set("X-Api-Key", aSecret)
		req.Header["x-odd-key"] = []string{aSecret}
		return nil
	})
	crossed := func(n *aNet) *aNet {
		n.redirect(307, "http://a.test/", "http://a.test/same")
		n.redirect(307, "http://a.test/same", "http://b.test/")
		n.redirect(307, "http://b.test/", "http://b.test/again")
		return n
	}
	want := []string{"X-Api-Key X-Odd-Key", "X-Api-Key X-Odd-Key", "", ""}

	n := crossed(aOpen(t))
	n.get(t, "http://a.test/", key)
	assert.Equal(t, want, n.leaks(), "of the request")

	n = crossed(aOpen(t))
	n.Auth = key
	n.get(t, "http://a.test/")
	assert.Equal(t, want, n.leaks(), "of the session")

	n = crossed(aOpen(t))
	n.Auth = key
	n.do(t, "http://a.test/", http.Header{})
	assert.Equal(t, want, n.leaks(), "in Do")

	secrets := session.Secrets{
		Origin: "http://a.test", Header: session.Header{"X-Api-Key": {aSecret}}, Cookies: session.Cookies{"key": aSecret},
	}
	asOne := []string{"Cookie X-Api-Key", "Cookie X-Api-Key", "", ""}
	n = crossed(aOpen(t))
	n.get(t, "http://a.test/", secrets)
	assert.Equal(t, asOne, n.leaks(), "Secrets of the request")

	n = crossed(aOpen(t))
	n.Secrets = secrets
	n.get(t, "http://a.test/")
	n.do(t, "http://a.test/", http.Header{})
	assert.Equal(t, append(asOne, asOne...), n.leaks(), "Secrets of the session")

	n = crossed(aOpen(t))
	n.RebuildAuth = func(next *http.Request, prev *session.Response) error {
		if session.ShouldStripAuth(prev.Request.URL, next.URL) {
			next.Header.Del("X-Api-Key")
		}
		return n.DefaultRebuildAuth(next, prev)
	}
	n.Header.Set("X-Api-Key", aSecret)
	n.Header.Set("X-Plain", aSecret)
	n.get(t, "http://a.test/")
	assert.Equal(t, []string{"X-Api-Key X-Plain", "X-Api-Key X-Plain", "X-Plain", "X-Plain"}, n.leaks(), "as documented")
}

// Row: 21
// IDs: CVE-2023-43804 (urllib3), CVE-2022-0155 (follow-redirects), CVE-2023-45143 (undici), CVE-2026-34518 (aiohttp)
// Flaw: a Cookie header set by the caller follows a redirect to another host.
// Done: it is never sent on by Send, and by Do to its own origin only; the jar's cookies are
// chosen anew for every hop; by the library.
func TestCVE_2023_43804_CookieHeaderStaysBehind(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"http://a.test/", "http://b.test/"},
		{"http://a.test/", "http://sub.a.test/"},
		{"http://a.test:8001/", "http://a.test:8002/"},
		{"https://a.test/", "http://a.test/"},
	} {
		for _, name := range []string{"Cookie", "cookie"} {
			n := aOpen(t)
			n.redirect(302, pair[0], pair[1])
			n.get(t, pair[0], session.Header{name: {"id=" + aSecret}})
			n.do(t, pair[0], http.Header{name: {"id=" + aSecret}})
			n.Header[name] = []string{"id=" + aSecret}
			n.get(t, pair[0])
			n.do(t, pair[0], http.Header{})
			assert.Equal(t, []string{"Cookie", "", "Cookie", "", "Cookie", "", "Cookie", ""}, n.leaks(), "%v %s", pair, name)
		}
	}
	n := aOpen(t)
	n.answer("http://a.test/", 302, http.Header{"Location": {"http://b.test/"}, "Set-Cookie": {"a=1"}})
	n.answer("http://b.test/", 302, http.Header{"Location": {"http://a.test/back"}, "Set-Cookie": {"b=2"}})
	n.get(t, "http://a.test/")
	n.get(t, "http://b.test/end")
	assert.Equal(t, []string{"", "", "a=1", "b=2"}, n.header("Cookie"))
}

// Row: 22
// IDs: CVE-2026-47265 (aiohttp), CVE-2022-23607 (treq), CVE-2022-24737 (httpie)
// Flaw: cookies given as names and values belong to no host, so they go to every host.
// Done: a request's cookies are for the host of its URL, and those that a program puts into the jar
// have a host; by the library.
func TestCVE_2022_23607_CookiesBelongToAHost(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"http://b.test/", "http://sub.a.test/", "http://a.test.b.test/"} {
		n := aOpen(t)
		n.redirect(302, "http://a.test/", "/same")
		n.redirect(302, "http://a.test/same", to)
		n.get(t, "http://a.test/", session.Cookies{"id": aSecret})
		assert.Equal(t, []string{"Cookie", "Cookie", ""}, n.leaks(), to)
		assert.Zero(t, n.Jar.(*session.Jar).Len(), "they are not kept")
	}
	n := aOpen(t)
	n.redirect(302, "https://a.test/", "http://a.test/")
	n.get(t, "https://a.test/", session.Cookies{"id": aSecret})
	assert.Equal(t, []string{"Cookie", ""}, n.leaks(), "nor do they go in the clear")

	n = aOpen(t)
	jar := n.Jar.(*session.Jar)
	require.NoError(t, jar.Set(aURL(t, "http://a.test/"), session.Cookie{Name: "id", Value: aSecret}))
	require.ErrorIs(t, jar.Put(session.Cookie{Name: "id", Value: aSecret}), session.ErrInvalidCookie)
	n.redirect(302, "http://a.test/", "http://sub.a.test/")
	n.redirect(302, "http://sub.a.test/", "http://b.test/")
	n.get(t, "http://a.test/")
	assert.Equal(t, []string{"Cookie", "", ""}, n.leaks())
}

// Row: 23
// IDs: CVE-2015-2296 (requests)
// Flaw: a cookie without a domain that comes with a redirect is stored for the host that it leads to.
// Done: a cookie is stored for the host that was asked; by the library.
func TestCVE_2015_2296_CookieOfARedirectIsItsSenders(t *testing.T) {
	t.Parallel()
	n := aOpen(t)
	n.answer("http://a.test/", 302, http.Header{"Location": {"http://b.test/"}, "Set-Cookie": {"fixed=1"}})
	n.get(t, "http://a.test/")
	n.get(t, "http://b.test/later")
	n.get(t, "http://a.test/later")
	assert.Equal(t, []string{"", "", "", "fixed=1"}, n.header("Cookie"))
	var domains []string
	for cookie := range n.Jar.(*session.Jar).All() {
		domains = append(domains, cookie.Domain)
		assert.True(t, cookie.HostOnly)
	}
	assert.Equal(t, []string{"a.test"}, domains)
}

// Row: 24
// IDs: CVE-2023-45803 (urllib3)
// Flaw: a redirect that makes a GET of a POST sends the body on all the same.
// Done: the body goes, with all that describes it; by the library.
func TestCVE_2023_45803_BodyGoesWithTheMethod(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303} {
		for name, body := range map[string]session.Option{
			"text":  session.Text(aSecret),
			"form":  session.Form{"password": {aSecret}},
			"files": session.Files{{Field: "f", Name: "f", Content: session.Text(aSecret)}},
			"chunks": session.ReaderFunc(func() (io.ReadCloser, error) {
				return io.NopCloser(struct{ io.Reader }{strings.NewReader(aSecret)}), nil
			}),
		} {
			n := aOpen(t)
			n.redirect(status, "http://a.test/", "http://b.test/")
			_, err := n.Post(t.Context(), "http://a.test/", body, session.Header{"Content-Encoding": {"x-own"}})
			require.NoError(t, err)
			assert.Contains(t, n.only(t, "http://a.test/").Body, aSecret)
			aAssertBodyless(t, n.only(t, "http://b.test/"), fmt.Sprint(name, status))
		}
		n := aOpen(t)
		n.redirect(status, "http://a.test/", "http://b.test/")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.test/", strings.NewReader(aSecret))
		require.NoError(t, err)
		req.Header["content-type"] = []string{"text/plain"}
		req.Trailer = http.Header{"X-Trailer": {"1"}}
		resp, err := n.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, "text/plain", n.only(t, "http://a.test/").Header.Get("Content-Type"))
		aAssertBodyless(t, n.only(t, "http://b.test/"), fmt.Sprint("Do", status))
	}
}

func aAssertBodyless(t *testing.T, v aVisit, name string) {
	t.Helper()
	assert.Equal(t, http.MethodGet, v.Method, name)
	assert.Empty(t, v.Body, name)
	assert.Zero(t, v.ContentLength, name)
	assert.Empty(t, v.TransferEncoding, name)
	assert.Empty(t, v.Trailer, name)
	for _, header := range []string{"Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Trailer"} {
		assert.NotContains(t, v.Header, header, name)
	}
}

// Row: 25
// IDs: CVE-2022-32221 (curl), CVE-2023-28322 (curl)
// Flaw: a handle that sent a PUT from a reader sends it again, or reads it, in the POST that follows.
// Done: a body belongs to its request, and the session keeps none; by the library.
func TestCVE_2022_32221_BodiesAreNotMixedUp(t *testing.T) {
	t.Parallel()
	for _, status := range []int{302, 307} {
		n := aOpen(t)
		n.redirect(status, "http://a.test/put", "/put2")
		_, err := n.Put(t.Context(), "http://a.test/put", session.Reader(bytes.NewReader([]byte("from the reader"))))
		require.NoError(t, err)
		_, err = n.Post(t.Context(), "http://a.test/post", session.Bytes("posted"))
		require.NoError(t, err)
		n.get(t, "http://a.test/get")
		_, err = n.Post(t.Context(), "http://a.test/empty")
		require.NoError(t, err)
		second := map[int]string{302: "GET ", 307: "PUT from the reader"}[status]
		var got []string
		for _, v := range n.visits() {
			got = append(got, v.Method+" "+v.Body)
		}
		assert.Equal(t, []string{"PUT from the reader", second, "POST posted", "GET ", "POST "}, got)
	}
}

// Row: 26
// IDs: 12195 (aiohttp), 1844 (superagent)
// Flaw: after a 307 or 308 a body that was already read is sent empty, or credentials are kept for these two alone.
// Done: a body that cannot be had again is an ErrUnrewindableBody and nothing is sent; credentials are dropped
// whatever the status; by the library.
func TestClass_BodyOfA307(t *testing.T) {
	t.Parallel()
	for _, status := range []int{307, 308} {
		n := aOpen(t)
		n.redirect(status, "http://a.test/", "http://b.test/")
		once := &aOnce{Reader: strings.NewReader("body")}
		_, err := n.Post(t.Context(), "http://a.test/", session.Reader(once))
		require.ErrorIs(t, err, session.ErrUnrewindableBody)
		assert.Equal(t, []string{"POST http://a.test/"}, n.calls())
		assert.EqualValues(t, 1, once.closed.Load())

		// Do gives the redirect itself, as net/http does
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.test/", &aOnce{Reader: strings.NewReader("body")})
		require.NoError(t, err)
		resp, err := n.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, status, resp.StatusCode)
		assert.Equal(t, []string{"POST http://a.test/", "POST http://a.test/"}, n.calls())

		n = aOpen(t)
		n.redirect(status, "http://a.test/", "http://b.test/")
		_, err = n.Post(t.Context(), "http://a.test/", session.Text("body"), session.BasicAuth("user", aSecret))
		require.NoError(t, err)
		assert.Equal(t, []string{"Authorization", ""}, n.leaks())
		assert.Equal(t, "body", n.only(t, "http://b.test/").Body)
	}
}

// aOnce is a body that can be read once.
type aOnce struct {
	io.Reader
	closed atomic.Int32
}

func (o *aOnce) Close() error {
	o.closed.Add(1)
	return nil
}

// Row: 27
// IDs: 2.5.0 (urllib3)
// Flaw: the limit of redirects that was set where it is meant to be set is not asked.
// Done: MaxRedirects and FollowRedirects(false) hold in Send, Do and Client; by the library.
func TestClass_RedirectLimit(t *testing.T) {
	t.Parallel()
	for set, limit := range map[int]int{-1: 0, 1: 1, 3: 3, 0: 30, 40: 40} {
		for name, ask := range map[string]func(*session.Session) error{
			"Send":   func(s *session.Session) error { return aDrop(s.Get(t.Context(), "http://a.test/")) },
			"Do":     func(s *session.Session) error { return aDropHTTP(s.Do(aRequest(t, "http://a.test/"))) },
			"Client": func(s *session.Session) error { return aDropHTTP(s.Client().Do(aRequest(t, "http://a.test/"))) },
		} {
			maze := &aMaze{exit: limit + 1}
			s := &session.Session{}
			s.MaxRedirects = set
			require.NoError(t, s.Mount("http://", maze))
			err := ask(s)
			var tooMany *session.RedirectError
			require.ErrorAs(t, err, &tooMany, "%s %d", name, set)
			require.ErrorIs(t, err, session.ErrTooManyRedirects)
			assert.Len(t, tooMany.History, limit)
			assert.Equal(t, limit+1, maze.asked, "%s %d", name, set)
			assert.Equal(t, maze.asked, maze.closed, "every body is closed")

			maze = &aMaze{exit: limit}
			require.NoError(t, s.Mount("http://", maze))
			require.NoError(t, ask(s), "%s %d", name, set)
			assert.Equal(t, limit+1, maze.asked)
		}
	}
	maze := &aMaze{exit: 2}
	s := &session.Session{}
	require.NoError(t, s.Mount("http://", maze))
	require.NoError(t, aDrop(s.Get(t.Context(), "http://a.test/", session.FollowRedirects(false))))
	assert.Equal(t, 1, maze.asked)
}

func aDrop(_ *session.Response, err error) error { return err }

func aDropHTTP(resp *http.Response, err error) error {
	if resp != nil {
		_ = resp.Body.Close()
	}
	return err
}

func aRequest(t testing.TB, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	return req
}

// aMaze is an adapter that redirects until exit redirects were followed, and
// counts the bodies that are closed.
type aMaze struct{ exit, asked, closed int }

func (m *aMaze) RoundTrip(req *http.Request) (*http.Response, error) {
	m.asked++
	resp := &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: req,
		Body: aClosing{strings.NewReader("body"), &m.closed}, ContentLength: -1,
	}
	if m.asked <= m.exit {
		resp.StatusCode = http.StatusFound
		resp.Header.Set("Location", fmt.Sprintf("/%d", m.asked))
	}
	return resp, nil
}

type aClosing struct {
	io.Reader
	closed *int
}

func (c aClosing) Close() error {
	*c.closed++
	return nil
}

// Row: 28
// IDs: CVE-2022-33987 (got), CVE-2025-14524 (curl), CVE-2024-2004 (curl), CVE-2019-10751 (httpie)
// Flaw: a redirect leads to a scheme that only the program itself may use: a socket, a mailbox, a file.
// Done: from http and https a redirect leads to those two only, whatever adapters are mounted, unless the adapter
// opts in; by the library.
func TestCVE_2022_33987_RedirectToAnotherScheme(t *testing.T) {
	t.Parallel()
	for _, location := range []string{
		"file:///etc/passwd", "FILE:///etc/passwd", "unix:/run/x.sock", "unix:///run/x.sock", "ftp://b.test/",
		"imap://b.test/", "javascript:alert(1)", "data:text/plain,x", "gopher://b.test/", "\tfi\tle:///etc/passwd",
	} {
		n := aOpen(t)
		n.redirect(302, "http://a.test/", location)
		n.redirect(302, "https://a.test/", location)
		_, err := n.Get(t.Context(), "http://a.test/")
		require.ErrorIs(t, err, session.ErrNoAdapter, location)

		opened := new(aMaze)
		for _, prefix := range []string{"file://", "unix:", "ftp://", "imap://", "javascript:", "data:", "gopher://"} {
			require.NoError(t, n.Mount(prefix, opened))
		}
		for _, from := range []string{"http://a.test/", "https://a.test/"} {
			_, err = n.Get(t.Context(), from)
			require.ErrorIs(t, err, session.ErrRedirectScheme, location)
			require.ErrorIs(t, aDropHTTP(n.Do(aRequest(t, from))), session.ErrRedirectScheme, location)
			require.ErrorIs(t, aDropHTTP(n.Client().Do(aRequest(t, from))), session.ErrRedirectScheme, location)
		}
		first := n.get(t, "http://a.test/", session.FollowRedirects(false))
		next, err := first.Next()
		require.NoError(t, err)
		_, err = n.SendPrepared(next)
		require.ErrorIs(t, err, session.ErrRedirectScheme, location)
		for _, err := range n.Follow(first) {
			require.ErrorIs(t, err, session.ErrRedirectScheme, location)
		}
		assert.Zero(t, opened.asked, location)
		n.get(t, "file:///tmp/x")
		assert.Equal(t, 1, opened.asked, "the program itself may")
	}
}

// Row: 29
// IDs: CVE-2021-22876 (curl), CVE-2026-9546 (curl), CVE-2026-67354 (guzzle)
// Flaw: on a redirect the client adds a Referer that holds the last URL's password, query or fragment, or an old value.
// Done: no Referer is ever added; by the library.
func TestCVE_2021_22876_NoReferer(t *testing.T) {
	t.Parallel()
	n := aOpen(t)
	n.redirect(302, "http://a.test/?token="+aSecret, "/same")
	n.redirect(302, "http://a.test/same", "http://b.test/")
	target := "http://user:" + aSecret + "@a.test/?token=" + aSecret + "#" + aSecret
	n.get(t, target)
	n.do(t, target, http.Header{})
	resp, err := n.Client().Get(target)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Len(t, n.visits(), 9)
	for i, v := range n.visits() {
		assert.NotContains(t, v.Header, "Referer")
		assert.NotContains(t, v.RequestURI, "#")
		assert.Equal(t, []string{"Authorization", "Authorization", ""}[i%3], aLeaks(v.Header))
	}
	n.get(t, "http://a.test/", session.Header{"Referer": {"http://mine.test/"}})
	n.get(t, "http://a.test/")
	assert.Equal(t, []string{"http://mine.test/", ""}, n.header("Referer")[9:])
}

// Row: 30
// IDs: none published
// Flaw: a Location with user information logs the client in, as a user whom a server chose.
// Done: user information in a Location is never sent; by the library.
func TestClass_LocationWithUserinfo(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"http://evil:" + aSecret + "@b.test/", "//evil:" + aSecret + "@a.test/in", "https://evil@a.test/"} {
		n := aOpen(t)
		n.redirect(302, "http://a.test/", to)
		n.redirect(302, "http://b.test/", "/again")
		n.redirect(302, "http://a.test/in", "/again")
		n.get(t, "http://a.test/")
		n.do(t, "http://a.test/", http.Header{})
		require.NoError(t, aDropHTTP(n.Client().Do(aRequest(t, "http://a.test/"))))
		assert.GreaterOrEqual(t, len(n.visits()), 6)
		for _, v := range n.visits() {
			assert.NotContains(t, v.Header, "Authorization", to)
		}
	}
	n := aOpen(t)
	n.redirect(302, "http://a.test/", "http://evil:x@a.test/in")
	n.get(t, "http://a.test/", session.BasicAuth("user", aSecret))
	mine := aBasic("user:" + aSecret)
	assert.Equal(t, []string{mine, mine}, n.header("Authorization"), "nor does it take the place of what was given")
}

// Row: 31
// IDs: CVE-2020-13956 (Apache HttpClient), CVE-2016-8624 (curl), CVE-2022-27780 (curl), CVE-2024-45258 (req),
// CVE-2019-14809 (Go), CVE-2025-47912 (Go), CVE-2026-25679 (Go), GHSA-jchw-25xp-jwwc (follow-redirects),
// CVE-2021-41945 (httpx), CVE-2023-24329 (Python), CVE-2026-69246 (guzzle)
// Flaw: whoever checks a URL reads one host in it, and the client that sends it another.
// Done: an odd URL is refused or written anew, so that the host in the request's URL, in its text read again
// and on the line are one; by the library.
func TestCVE_2020_13956_OneReadingOfAURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{ // what is dialled, or the error
		"http://a.test#@b.test/":                  "a.test:80",
		"http://a.test?@b.test/":                  "a.test:80",
		"http://a.test/@b.test/":                  "a.test:80",
		`http://a.test\@b.test/`:                  "a.test:80",
		`http://a.test\.b.test/`:                  "a.test:80",
		"http://a.test:80@b.test/":                "b.test:80",
		"http://a.test@c.test@b.test/":            "b.test:80",
		"http://a.test:80@c.test:80@b.test/":      "b.test:80",
		"http://a.test%2F@b.test/":                "b.test:80",
		"http://a.test%23@b.test/":                "b.test:80",
		" http://a.test/":                         "a.test:80",
		"\t\n\x0bhttp://a.test/":                  "a.test:80",
		"HTTP://A.TEST/":                          "a.test:80",
		"http://a.test:/":                         "a.test:80",
		"http://a.test:0080/":                     "a.test:80",
		"http://2130706433/":                      "2130706433:80",
		"http://0x7f.0.0.1/":                      "0x7f.0.0.1:80",
		"http://a\u3002test/":                     "a.test:80",
		"http://\uff41.test/":                     "a.test:80",
		"http://[::ffff:127.0.0.1]/":              "[::ffff:127.0.0.1]:80",
		"//a.test/":                               session.ErrMissingScheme,
		"://a.test/":                              session.ErrNoAdapter,
		"http:///a.test/":                         session.ErrMissingHost,
		"http:/a.test/":                           session.ErrMissingHost,
		"http:a.test/":                            session.ErrMissingHost,
		"http://@/":                               session.ErrMissingHost,
		"http://:80/":                             session.ErrMissingHost,
		"http://a.test%2Fb.test/":                 session.ErrInvalidHost,
		"http://a.test%5Cb.test/":                 session.ErrInvalidHost,
		"http://a.test%00.b.test/":                session.ErrInvalidHost,
		"http://a.test%40b.test/":                 session.ErrInvalidHost,
		"http://a.test\x00.b.test/":               session.ErrInvalidHost,
		"http://a.test\r\n.b.test/":               session.ErrInvalidHost,
		"http://a.test\t.b.test/":                 session.ErrInvalidHost,
		"http://a.test b.test/":                   session.ErrInvalidHost,
		"http://a.test:80:80/":                    session.ErrInvalidHost,
		"http://[a.test]/":                        session.ErrInvalidHost,
		"http://[127.0.0.1]/":                     session.ErrInvalidHost,
		"http://[::1]b.test/":                     session.ErrInvalidHost,
		"http://[::1/":                            session.ErrInvalidHost,
		"http://a.test[::1]/":                     session.ErrInvalidHost,
		"http://[::1%25a.test/@b.test]/":          session.ErrInvalidHost,
		"http://[::1%25a%40b.test]/":              session.ErrInvalidHost,
		"http://a.test\u2100b.test/":              session.ErrInvalidHost, // NFKC makes a/c of it
		"http://a.test\uff0fb.test/":              session.ErrInvalidHost,
		"http://a.test:99999/":                    session.ErrInvalidPort,
		"http://a.test:-80/":                      session.ErrInvalidPort,
		"http://a.test:80b.test/":                 session.ErrInvalidPort,
		"http://[::1]:80b.test/":                  session.ErrInvalidPort,
		"http://a.test:\uff18\uff10/":             session.ErrInvalidPort,
		"http://a.test:18446744073709551696/":     session.ErrInvalidPort,
		"http://" + strings.Repeat("a", 64) + "/": session.ErrInvalidHost,
	} {
		n := aOpen(t)
		hooked := new(aHooked)
		resp, err := n.Get(t.Context(), text, hooked.hooks())
		kind, refused := want.(error)
		if refused {
			require.ErrorIs(t, err, kind, "%q", text)
			assert.Empty(t, n.dialled(), "%q", text)
			continue
		}
		require.NoError(t, err, "%q", text)
		assert.Equal(t, []string{want.(string)}, n.dialled(), "%q", text)
		aAssertOneReading(t, resp.URL(), want.(string))
		assert.Equal(t, []string{resp.URL().Host}, hooked.hosts, "%q", text)
	}
	for location, want := range map[string]any{
		`//b.test\@c.test/`:            "b.test:80",
		`http://start.test\@b.test/`:   "start.test:80",
		"http://start.test#@b.test/":   "start.test:80",
		"http://start.test:80@b.test/": "b.test:80",
		`/\b.test/`:                    "start.test:80",
		`\\b.test\x`:                   "start.test:80",
		"http:b.test/":                 "start.test:80",
		"//b.t\test/":                  "b.test:80",
		"ht\ttp://b.test/":             "b.test:80",
		"\x01//b.test/":                "b.test:80",
		".//b.test/":                   "start.test:80",
		"/.//b.test/":                  "start.test:80",
		"/..//b.test/":                 "start.test:80",
		"http://b.test%2F.start.test/": session.ErrInvalidHost,
		"http://[start.test]/":         session.ErrInvalidHost,
		"http:///b.test/":              session.ErrMissingHost,
		"///b.test/":                   session.ErrMissingHost,
		"https:b.test/":                session.ErrMissingHost,
		"//b.test:99999/":              session.ErrInvalidPort,
	} {
		aAssertLocation(t, location, want)
	}
}

// aAssertLocation checks where a redirect leads to that a request with
// credentials for start.test gets.
func aAssertLocation(t *testing.T, location string, want any) {
	t.Helper()
	n := aOpen(t)
	start := aRaw{location: location}
	require.NoError(t, n.Mount("http://start.test/begin", start))
	hooked := new(aHooked)
	resp, err := n.Get(t.Context(), "http://start.test/begin", session.BearerAuth(aSecret), hooked.hooks())
	if kind, refused := want.(error); refused {
		require.ErrorIs(t, err, kind, "%q", location)
		assert.Empty(t, n.dialled(), "%q", location)
		return
	}
	require.NoError(t, err, "%q", location)
	assert.Equal(t, []string{want.(string)}, n.dialled(), "%q", location)
	aAssertOneReading(t, resp.URL(), want.(string))
	assert.Equal(t, []string{"start.test", resp.URL().Host}, hooked.hosts)
	leak := ""
	if want == "start.test:80" {
		leak = "Authorization"
	}
	assert.Equal(t, []string{leak}, n.leaks(), "%q", location)
}

// aAssertOneReading checks that a URL, and its text read again, name what was dialled.
func aAssertOneReading(t *testing.T, u *url.URL, dialled string) {
	t.Helper()
	again, err := url.Parse(u.String())
	require.NoError(t, err)
	host := strings.Trim(strings.TrimSuffix(dialled, ":80"), "[]")
	assert.Equal(t, host, u.Hostname())
	assert.Equal(t, host, again.Hostname())
}

// aRaw is an adapter that redirects with a header as no server would send it.
type aRaw struct{ location string }

func (a aRaw) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusFound, Request: req, Body: http.NoBody, Header: http.Header{"Location": {a.location}},
	}, nil
}

// aHooked notes the hosts that a hook sees.
type aHooked struct {
	mu    sync.Mutex
	hosts []string
}

func (h *aHooked) hooks() session.Hooks {
	return session.Hooks{Response: []session.ResponseHook{func(resp *session.Response) (*session.Response, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.hosts = append(h.hosts, resp.Request.URL.Host)
		return resp, nil
	}}}
}

// Row: 32
// IDs: CVE-2026-56860 (Go), CVE-2020-7212 (urllib3), CVE-2021-33503 (urllib3)
// Flaw: reading or resolving a long URL takes time that grows with the square of its length.
// Done: URLs are read in linear time, and a Location has at most 64 KiB unless Limits say otherwise; by the library.
func TestCVE_2020_7212_LongURLs(t *testing.T) {
	t.Parallel()
	const many = 3 << 20 // the square would take hours
	for name, text := range map[string]string{
		"dots":            "http://a.test/" + strings.Repeat("../", many),
		"climbing":        "http://a.test/" + strings.Repeat("x/", many) + strings.Repeat("../", many),
		"at signs":        "http://" + strings.Repeat("@", many) + "a.test/",
		"colons":          "http://" + strings.Repeat(":", many) + "@a.test/",
		"broken escapes":  "http://" + strings.Repeat("%", many) + "@a.test/",
		"labels":          "http://" + strings.Repeat("a.", many) + "/",
		"fragment":        "http://a.test/#" + strings.Repeat("%zz", many),
		"blanks in front": strings.Repeat(" ", many) + "http://a.test/",
	} {
		adapter := new(aMaze)
		s := &session.Session{}
		require.NoError(t, s.Mount("http://", adapter))
		start := time.Now()
		_, err := s.Get(t.Context(), text)
		assert.Less(t, time.Since(start), 10*time.Second, name)
		if err != nil {
			require.ErrorIs(t, err, session.ErrInvalidURL, name)
		}
	}
	n := aOpen(t)
	for dots, want := range map[int]error{100_000: session.ErrLimit, 21_000: nil} {
		require.NoError(t, n.Mount("http://start.test", aRaw{location: "http://a.test/" + strings.Repeat("../", dots)}))
		start := time.Now()
		resp, err := n.Get(t.Context(), "http://start.test/")
		assert.Less(t, time.Since(start), 10*time.Second)
		if require.ErrorIs(t, errors.Join(err), want); want == nil {
			assert.Equal(t, "http://a.test/", resp.URL().String())
		}
	}
}

// Row: 35
// IDs: CVE-2020-8169 (curl)
// Flaw: a password with an @ is written into the URL as it is, and a part of it becomes the host.
// Done: credentials are never written into a URL, and those in one are escaped; by the library.
func TestCVE_2020_8169_PasswordIsNoHost(t *testing.T) {
	t.Parallel()
	const password = "p@b.test/" + aSecret
	for _, ask := range []func(*aNet){
		func(n *aNet) { n.get(t, "http://a.test/d/e", session.BasicAuth("user", password)) },
		func(n *aNet) { n.get(t, "http://"+url.UserPassword("user", password).String()+"@a.test/d/e") },
		func(n *aNet) {
			n.do(t, (&url.URL{Scheme: "http", Host: "a.test", Path: "/d/e", User: url.UserPassword("user", password)}).String(), http.Header{})
		},
	} {
		n := aOpen(t)
		n.redirect(302, "http://a.test/d/e", "next")
		n.redirect(302, "http://a.test/d/next", "/end")
		ask(n)
		assert.Equal(t, []string{"GET http://a.test/d/e", "GET http://a.test/d/next", "GET http://a.test/end"}, n.calls())
		for _, addr := range n.dialled() {
			assert.Equal(t, "a.test:80", addr)
		}
		mine := aBasic("user:" + password)
		assert.Equal(t, []string{mine, mine, mine}, n.header("Authorization"))
	}
}
