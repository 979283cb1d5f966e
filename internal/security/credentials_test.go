package security_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// aProxyUser is what a proxy at addr is named with, credentials included.
func aProxyUser(addr string) string { return "http://proxy:" + aSecret + "@" + addr }

// Row: 9
// IDs: CVE-2014-1830 (requests), CVE-2023-32681 (requests), CVE-2025-4673 (Go), CVE-2024-28849 (follow-redirects),
// GHSA-3787-6prv-h9w3 (undici), GHSA-m4v8-wqvr-p9f7 (undici), 2.2.2 (urllib3), CVE-2026-67339 (guzzle),
// GHSA-j5f8-grm9-p9fc (axios)
// Flaw: the credentials for a proxy reach the origin: inside the tunnel, on a redirect, or where no proxy is used.
// Done: Proxy-Authorization goes to a proxy only, in CONNECT or in a forwarded request, and is dropped on a
// redirect; by both.
func TestCVE_2014_1830_ProxyAuthorizationToTheOrigin(t *testing.T) {
	const addr = "proxy.test:3128"
	byHand := session.Header{"Proxy-Authorization": {aSecret}}

	// an https origin: the tunnel's opening alone has them
	for _, header := range []session.Header{nil, byHand} {
		n := aOpen(t)
		proxy := n.proxy(t, addr)
		named, want := aProxyUser(addr), aBasic("proxy:"+aSecret)
		if header != nil {
			named, want = "http://"+addr, aSecret
		}
		n.get(t, "https://a.test/", session.Proxies{"https": named}, header)
		assert.Equal(t, []string{"CONNECT a.test:443 " + want}, proxy.calls())
		assert.NotContains(t, n.only(t, "https://a.test/").Header, "Proxy-Authorization")
	}

	// a redirect from the proxy's http to https without a proxy, or to another host
	for _, to := range []string{"https://a.test/", "https://b.test/"} {
		n := aOpen(t)
		proxy := n.proxy(t, addr)
		n.redirect(302, "http://a.test/", to)
		n.get(t, "http://a.test/", session.Proxies{"http": aProxyUser(addr)})
		n.get(t, "http://a.test/", session.Proxies{"http": "http://" + addr}, byHand)
		n.Header.Set("Proxy-Authorization", aSecret)
		n.get(t, "http://a.test/", session.Proxies{"http": "http://" + addr})
		assert.Equal(t, []string{
			"GET http://a.test/ " + aBasic("proxy:"+aSecret), "GET http://a.test/ " + aSecret, "GET http://a.test/ " + aSecret,
		}, proxy.calls())
		assert.Equal(t, []string{"", "", ""}, n.leaks())
		assert.Equal(t, "GET "+to, n.calls()[2])
	}

	// a header that was meant for a proxy where there is none
	n := aOpen(t)
	n.redirect(302, "http://a.test/", "/next")
	n.get(t, "http://a.test/", byHand)
	n.get(t, "https://a.test/", byHand)
	n.do(t, "http://a.test/", http.Header{"proxy-authorization": {aSecret}})
	plain := new(aSeen)
	require.NoError(t, n.Mount("http://plain.test", plain))
	n.get(t, "http://plain.test/", byHand)
	assert.Equal(t, []string{"", "", "", "", ""}, n.leaks())
	assert.Equal(t, []string{""}, plain.leaks)

	// a redirect to a host that goes without the proxy
	n = aOpen(t)
	proxy := n.proxy(t, addr)
	aEnviron(t, "http_proxy="+aProxyUser(addr), "no_proxy=b.test")
	n.TrustEnv = true
	n.redirect(302, "http://a.test/", "http://b.test/")
	n.get(t, "http://a.test/", byHand)
	assert.Equal(t, []string{"GET http://a.test/ " + aBasic("proxy:"+aSecret)}, proxy.calls())
	assert.Equal(t, []string{"GET http://b.test/"}, n.calls())
	assert.Equal(t, []string{""}, n.leaks())
}

// aSeen is an adapter that knows no proxies, and notes which headers hold a secret.
type aSeen struct{ leaks []string }

func (s *aSeen) RoundTrip(req *http.Request) (*http.Response, error) {
	s.leaks = append(s.leaks, aLeaks(req.Header))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// Row: 10
// IDs: CVE-2015-3153 (curl), 2.x (OkHttp)
// Flaw: the headers for an https origin are sent to the proxy too, in the clear, in CONNECT.
// Done: CONNECT has the target, a User-Agent, and the proxy's own credentials; by both.
func TestCVE_2015_3153_OriginsHeadersInCONNECT(t *testing.T) {
	t.Parallel()
	const addr = "proxy.test:3128"
	n := aOpen(t)
	proxy := n.proxy(t, addr)
	n.Jar.(*session.Jar).SetHeader(aURL(t, "https://a.test/"), []string{"id=" + aSecret + "; Secure"})
	n.Header.Set("X-Api-Key", aSecret)
	n.get(t, "https://a.test/?token="+aSecret, session.BearerAuth(aSecret), session.Proxies{"https": "http://" + addr})
	n.get(t, "https://a.test/2", session.BearerAuth(aSecret), session.Proxies{"https": aProxyUser(addr)})
	assert.Equal(t, []string{"Authorization Cookie X-Api-Key", "Authorization Cookie X-Api-Key"}, n.leaks())
	assert.Equal(t, []string{"CONNECT a.test:443", "CONNECT a.test:443 " + aBasic("proxy:"+aSecret)}, proxy.calls())
	connect := proxy.last(t)
	connect.Header.Del("Proxy-Authorization")
	connect.Header.Del("User-Agent")
	assert.Empty(t, connect.Header)
}

// Row: 11
// IDs: CVE-2026-6253 (curl)
// Flaw: a redirect to another scheme, which has another proxy, takes the first proxy's credentials to the second.
// Done: a proxy's credentials are a part of its URL, and a Proxy-Authorization header is dropped on a redirect; by the library.
func TestCVE_2026_6253_CredentialsOfOneProxyToAnother(t *testing.T) {
	for _, how := range []string{"named", "header", "environment"} {
		n := aOpen(t)
		first, second := n.proxy(t, "first.test:3128"), n.proxy(t, "second.test:3128")
		n.redirect(302, "http://a.test/", "https://a.test/")
		want := aBasic("proxy:" + aSecret)
		switch how {
		case "named":
			n.Proxies = session.Proxies{"http": aProxyUser("first.test:3128"), "https": "http://second.test:3128"}
			n.get(t, "http://a.test/")
		case "header":
			want = aSecret
			n.Proxies = session.Proxies{"http": "http://first.test:3128", "https": "http://second.test:3128"}
			n.get(t, "http://a.test/", session.Header{"Proxy-Authorization": {aSecret}})
		case "environment":
			aEnviron(t, "http_proxy="+aProxyUser("first.test:3128"), "https_proxy=second.test:3128")
			n.TrustEnv = true
			n.get(t, "http://a.test/")
		}
		assert.Equal(t, []string{"GET http://a.test/ " + want}, first.calls(), how)
		assert.Equal(t, []string{"CONNECT a.test:443"}, second.calls(), how)
		assert.Equal(t, []string{""}, n.leaks(), how)
	}
}

// Row: 12
// IDs: CVE-2026-7168 (curl), CVE-2026-8927 (curl), CVE-2026-9079 (curl)
// Flaw: what was learnt of a proxy's authentication is kept when the proxy changes, or its credentials are taken away.
// Done: no such state is kept, and a tunnel serves only the proxy URL, with its credentials, that it was opened for; by the library.
func TestCVE_2026_7168_ProxyStateIsNotKept(t *testing.T) {
	const clear, tunnel = "http://a.test/", "https://a.test/"
	mine := " " + aBasic("proxy:"+aSecret)
	for _, how := range []string{"option", "session", "environment"} {
		n := aOpen(t)
		first, second := n.proxy(t, "first.test:3128"), n.proxy(t, "second.test:3128")
		through := func(proxy string) {
			var opts []session.Option
			switch how {
			case "option":
				opts = append(opts, session.Proxies{"all": proxy})
			case "session":
				n.Proxies = session.Proxies{"all": proxy}
			case "environment":
				aEnviron(t, "all_proxy="+proxy)
				n.TrustEnv = true
			}
			n.get(t, clear, opts...)
			n.get(t, tunnel, opts...)
		}
		through(aProxyUser("first.test:3128"))
		through("http://second.test:3128")
		through("http://first.test:3128")
		through("http://other:name@first.test:3128")
		other := " " + aBasic("other:name")
		assert.Equal(t, []string{"GET " + clear, "CONNECT a.test:443"}, second.calls(), how)
		assert.Equal(t, []string{
			"GET " + clear + mine, "CONNECT a.test:443" + mine,
			"GET " + clear, "CONNECT a.test:443",
			"GET " + clear + other, "CONNECT a.test:443" + other,
		}, first.calls(), how)
	}
}

// Row: 13
// IDs: CVE-2024-11053 (curl), CVE-2025-0167 (curl), CVE-2026-6429 (curl)
// Flaw: where a redirect's target has half an entry in the netrc file, or an empty default, it gets the first host's password.
// Done: an entry is a whole one or none, and each hop is looked up by itself; by the library.
func TestCVE_2024_11053_HalfAnEntryOfNetrc(t *testing.T) {
	const whole = "machine a.test login alice password " + aSecret + "\n"
	for _, half := range []string{
		"machine b.test\n", "machine b.test login bob\n", "machine b.test login \"\"\n", "machine b.test account x\n",
		"default\n", "default login bob\n", "machine b.test login bob\ndefault login eve password x\n", "",
	} {
		for _, file := range []string{whole + half, half + whole, whole + "machine b.test password", whole + "machine b.test login"} {
			n := aOpen(t)
			n.useNetrc(t, file)
			n.redirect(302, "http://a.test/", "http://b.test/")
			n.redirect(302, "http://b.test/", "http://a.test/back")
			n.get(t, "http://a.test/")
			alice := aBasic("alice:" + aSecret)
			got := n.header("Authorization")
			require.Len(t, got, 3)
			assert.Equal(t, alice, got[0], "%q", file)
			assert.NotContains(t, n.only(t, "http://b.test/").Header, "Authorization", "%q", file)
			assert.Equal(t, alice, got[2], "%q", file)
		}
	}
}

// Row: 14
// IDs: CVE-2026-3783 (curl)
// Flaw: a bearer token is sent to a redirect's target because the netrc file has an entry for it.
// Done: the token is dropped first; the target gets its own entry's credentials, or none; by the library.
func TestCVE_2026_3783_BearerTokenAndNetrc(t *testing.T) {
	for _, ofSession := range []bool{true, false} {
		n := aOpen(t)
		n.useNetrc(t, "machine b.test login bob password his")
		n.redirect(302, "http://a.test/", "http://b.test/")
		n.redirect(302, "http://b.test/", "http://c.test/")
		var opts []session.Option
		if n.Auth = session.BearerAuth(aSecret); !ofSession {
			n.Auth, opts = nil, []session.Option{session.BearerAuth(aSecret)}
		}
		n.get(t, "http://a.test/", opts...)
		assert.Equal(t, []string{"Bearer " + aSecret, aBasic("bob:his"), ""}, n.header("Authorization"))
	}
}

// Row: 15
// IDs: CVE-2024-47081 (requests)
// Flaw: a URL with odd user information has the netrc file asked for a host that is not the one connected to.
// Done: the file is asked for the host that is dialled; by the library.
func TestCVE_2024_47081_NetrcOfAnotherHost(t *testing.T) {
	for _, target := range []string{
		"http://a.test:@b.test/", "http://a.test@b.test/", "http://a.test:80@b.test/", "http://a.test%2F@b.test/",
		"http://a.test:80%2F:x@b.test/", "http://@b.test/", "http://:@b.test/", "http://b.test:80/@a.test/", "http://b.test#@a.test/",
		`http://b.test\@a.test/`,
	} {
		n := aOpen(t)
		n.useNetrc(t, "machine a.test login alice password "+aSecret+"\nmachine a.test: login alice password "+aSecret)
		n.redirect(302, "http://c.test/", target)
		n.get(t, target)
		n.get(t, "http://c.test/")
		assert.Equal(t, []string{"b.test:80", "c.test:80"}, n.dialled(), target)
		assert.Equal(t, []string{"", "", ""}, n.leaks(), target)
		n.get(t, "http://a.test/")
		assert.Equal(t, "Authorization", n.leaks()[3], target)
	}
}

// Row: 16
// IDs: CVE-2026-8926 (curl)
// Flaw: a URL that names a user gets another user's password out of the netrc file.
// Done: a URL that names a user has the netrc file not asked; by the library.
func TestCVE_2026_8926_NetrcPasswordOfAnotherUser(t *testing.T) {
	for _, file := range []string{"machine a.test login user1 password " + aSecret, "default login user1 password " + aSecret} {
		n := aOpen(t)
		n.useNetrc(t, file)
		n.redirect(302, "http://c.test/", "http://user2@a.test/")
		n.get(t, "http://user2@a.test/")
		n.do(t, "http://user2@a.test/", http.Header{})
		require.NoError(t, aDropHTTP(n.Client().Do(aRequest(t, "http://user2@a.test/"))))
		n.get(t, "http://c.test/", session.NoAuth)
		n.get(t, "http://c.test/", session.BearerAuth("of c"))
		for _, v := range n.visits() {
			assert.Empty(t, aLeaks(v.Header), v.At)
		}
		assert.Len(t, n.visits(), 7)
		n.get(t, "http://a.test/")
		assert.Equal(t, aBasic("user1:"+aSecret), n.header("Authorization")[7])
	}
}

// Row: 17
// IDs: 7205 (requests)
// Flaw: an entry of the netrc file without login and password makes an Authorization header of nothing.
// Done: such an entry gives none; by the library.
func TestClass_EmptyEntryOfNetrc(t *testing.T) {
	for _, entry := range []string{
		"machine a.test", "machine a.test login", "machine a.test login password", "machine a.test account x",
		`machine a.test login "" password ""`, "machine a.test login user", "machine a.test password x", "default",
	} {
		n := aOpen(t)
		n.useNetrc(t, "machine b.test login user password "+aSecret+"\n"+entry+"\n")
		n.redirect(302, "http://b.test/", "http://a.test/")
		n.get(t, "http://a.test/")
		n.get(t, "http://b.test/")
		assert.Equal(t, []string{"", "Authorization", ""}, n.leaks())
		for _, v := range n.visits() {
			if v.At == "http://a.test/" {
				assert.NotContains(t, v.Header, "Authorization", "%q", entry)
			}
		}
	}
}

// Row: 18
// IDs: CVE-2022-35260 (curl)
// Flaw: a netrc file without a last newline, or with a very long line, is read past its end.
// Done: such a file is read whole; one of more than 1 MiB (Limits.Netrc) fails the request, one with a word of
// more than 4 KiB gives nothing; by the library.
func TestCVE_2022_35260_OddNetrcFiles(t *testing.T) {
	const entry = "machine a.test login user password " + aSecret
	long := strings.Repeat("x", 900<<10)
	for name, c := range map[string]struct {
		file string
		want string
	}{
		"no newline":             {entry, "Authorization"},
		"ends in a word":         {entry + "\nmachine b.test login", "Authorization"},
		"ends in a quote":        {entry + "\nmachine b.test login \"", "Authorization"},
		"ends in a backslash":    {entry + "\nmachine b.test login \"\\", "Authorization"},
		"a long line":            {"# " + long + "\n" + entry, "Authorization"},
		"a long name":            {"machine " + long + " login u password p\n" + entry, ""},
		"many entries":           {strings.Repeat("machine b.test login u password p\n", 20_000) + entry, "Authorization"},
		"NUL bytes":              {strings.Repeat("\x00", 1000), ""},
		"NUL in the host":        {"machine a.test\x00 login user password " + aSecret, ""},
		"NUL in the password":    {entry + "\x00x", "Authorization"},
		"a quote without an end": {"machine a.test login user password \"" + aSecret, "Authorization"},
		"macro without an end":   {"macdef init\n" + entry, ""},
	} {
		n := aOpen(t)
		n.useNetrc(t, c.file)
		n.get(t, "http://a.test/")
		assert.Equal(t, []string{c.want}, n.leaks(), name)
	}

	n := aOpen(t)
	path := n.useNetrc(t, entry)
	n.get(t, "http://a.test/")
	require.NoError(t, os.Truncate(path, 1<<30)) // a hole
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := n.Get(t.Context(), "http://a.test/")
	runtime.ReadMemStats(&after)
	var limit *session.LimitError
	require.ErrorAs(t, err, &limit)
	assert.EqualValues(t, 1<<20, limit.Max)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20), "bytes")
	assert.Equal(t, []string{"Authorization"}, n.leaks(), "nothing is sent without the credentials")
}

// aChallenge answers requests without Digest credentials with a challenge, and others by then.
func aChallenge(nonce string, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), `nonce="`+nonce+`"`) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="r", qop="auth", algorithm=SHA-256, nonce=%q`, nonce))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		then(w, r)
	}
}

// Row: 19
// IDs: CVE-2026-11856 (curl), 12825 (aiohttp)
// Flaw: a Digest that was answered on one origin answers another one's challenge, or shares its nonce and count.
// Done: on a redirect to another origin the auth is dropped and no challenge is answered; where one Digest is named
// for many origins, each has its own nonce and count; by the library.
func TestCVE_2026_11856_DigestStaysWithItsOrigin(t *testing.T) {
	t.Parallel()
	ok := func(http.ResponseWriter, *http.Request) {}
	for _, to := range []string{"http://b.test/", "http://sub.a.test/", "http://a.test:8080/", "https://b.test/"} {
		for _, nonce := range []string{"na", "nb"} { // an attacker may repeat it
			for _, ofSession := range []bool{true, false} {
				n := aOpen(t)
				n.handlers["http://a.test/"] = aChallenge("na", func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", to)
					w.WriteHeader(http.StatusFound)
				})
				n.handlers[to] = aChallenge(nonce, ok)
				var opts []session.Option
				if n.Auth = session.DigestAuth("user", aSecret); !ofSession {
					n.Auth, opts = nil, []session.Option{session.DigestAuth("user", aSecret)}
				}
				resp := n.get(t, "http://a.test/", opts...)
				assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, to)
				assert.Equal(t, []string{"GET http://a.test/", "GET http://a.test/", "GET " + to}, n.calls())
				assert.Contains(t, n.header("Authorization")[1], `nonce="na"`)
				assert.NotContains(t, n.only(t, to).Header, "Authorization")
			}
		}
	}

	n := aOpen(t)
	n.Auth = session.DigestAuth("user", aSecret)
	n.handlers["http://a.test/"], n.handlers["http://b.test/"] = aChallenge("na", ok), aChallenge("nb", ok)
	for range 2 {
		n.get(t, "http://a.test/")
		n.get(t, "http://b.test/")
	}
	got := n.header("Authorization")
	require.Len(t, got, 6, "a challenge and an answer for each, then one more")
	assert.Equal(t, []string{"", ""}, []string{got[0], got[2]})
	for i, want := range map[int][2]string{
		1: {"na", "00000001"}, 3: {"nb", "00000001"}, 4: {"na", "00000002"}, 5: {"nb", "00000002"},
	} {
		assert.Contains(t, got[i], `nonce="`+want[0]+`"`)
		assert.Contains(t, got[i], "nc="+want[1])
	}
}

// Row: 33
// IDs: GHSA-jr5f-v2jv-69x6 (axios), CVE-2026-25765 (Faraday)
// Flaw: a path that begins with // or is a whole URL leaves the base URL, and the client's credentials go along.
// Done: "//host" is a path below the BaseURL, and a whole URL on another origin gets none of the session's
// Auth, Authorization, Proxy-Authorization and Cookie; by the library.
func TestGHSA_jr5f_v2jv_69x6_PathsThatLeaveTheBase(t *testing.T) {
	t.Parallel()
	base := func() *aNet {
		n := aOpen(t)
		n.BaseURL = "http://a.test/api"
		n.Auth = session.BearerAuth(aSecret)
		n.Header.Set("Authorization", aSecret)
		n.Header.Set("Cookie", "id="+aSecret)
		n.Header.Set("Proxy-Authorization", aSecret)
		return n
	}
	for path, want := range map[string]string{
		"//b.test/x":       "http://a.test/api/b.test/x",
		"///b.test/x":      "http://a.test/api/b.test/x",
		"@b.test/x":        "http://a.test/api/@b.test/x",
		".b.test/x":        "http://a.test/api/.b.test/x",
		":8080/x":          "http://a.test/api/:8080/x",
		"http:b.test/x":    "http://a.test/api/http:b.test/x",
		"/http://b.test/x": "http://a.test/api/http://b.test/x",
	} {
		n := base()
		n.get(t, path)
		assert.Equal(t, []string{"GET " + want}, n.calls(), path)
		assert.Equal(t, []string{"Authorization Cookie"}, n.leaks(), path)
	}
	for _, target := range []string{
		"http://b.test/x", "HTTP://b.test/x", "http://a.test@b.test/x", "http://a.test.b.test/api", "http://sub.a.test/api",
		"http://a.test:8080/api", "https://a.test/api",
	} {
		n := base()
		n.get(t, target)
		n.do(t, target, http.Header{})
		require.NoError(t, aDropHTTP(n.Client().Do(aRequest(t, target))))
		assert.Equal(t, []string{"", "", ""}, n.leaks(), target)
	}
	n := base()
	n.get(t, "http://a.test:80/other", session.Header{"X-Own": {"1"}})
	n.get(t, "http://b.test/", session.BearerAuth("for b"))
	assert.Equal(t, []string{"Bearer " + aSecret, "Bearer for b"}, n.header("Authorization"))
}

// Row: 34
// IDs: CVE-2026-6276 (curl)
// Flaw: cookies are chosen by the Host header that an earlier request was given.
// Done: cookies are chosen and kept by the URL's host, and a Host is that of its request; by the library.
func TestCVE_2026_6276_CookiesByHostHeader(t *testing.T) {
	t.Parallel()
	n := aOpen(t)
	jar := n.Jar.(*session.Jar)
	jar.SetHeader(aURL(t, "http://b.test/"), []string{"of_b=" + aSecret})
	jar.SetHeader(aURL(t, "http://a.test/"), []string{"of_a=1"})
	n.answer("http://a.test/", 200, http.Header{"Set-Cookie": {"new=2", "wide=3; Domain=b.test"}})
	n.get(t, "http://a.test/", session.Header{"Host": {"b.test"}})
	n.get(t, "http://a.test/2")
	n.get(t, "http://b.test/")
	assert.Equal(t, []string{"of_a=1", "of_a=1; new=2", "of_b=" + aSecret}, n.header("Cookie"))
	var hosts []string
	for _, v := range n.visits() {
		hosts = append(hosts, v.Host)
	}
	assert.Equal(t, []string{"b.test", "a.test", "b.test"}, hosts)

	n = aOpen(t)
	n.redirect(302, "http://a.test/", "http://c.test/")
	n.get(t, "http://a.test/", session.Header{"Host": {"b.test"}})
	assert.Equal(t, "b.test", n.only(t, "http://a.test/").Host)
	assert.Equal(t, "c.test", n.only(t, "http://c.test/").Host, "an override is not for a redirect's target")
}

// Row: 37
// IDs: CVE-2021-22923 (curl)
// Flaw: the credentials for an index are sent to every mirror that it names.
// Done: Links gives URLs and follows none; with a BaseURL the session's credentials stay with it, and a request's
// own are for that request alone; by the library.
func TestCVE_2021_22923_LinksToOtherHosts(t *testing.T) {
	t.Parallel()
	n := aOpen(t)
	n.BaseURL = "http://a.test"
	n.Auth = session.BearerAuth(aSecret)
	n.answer("http://a.test/list", 200, http.Header{"Link": {`<http://b.test/list?page=2>; rel="next"`}})
	first := n.get(t, "/list", session.Cookies{"own": aSecret})
	assert.Len(t, n.visits(), 1, "a link is not followed by itself")
	n.get(t, first.Links()["next"]["url"])
	assert.Equal(t, []string{"Authorization Cookie", ""}, n.leaks())
	assert.Equal(t, "GET http://b.test/list?page=2", n.calls()[1])

	n = aOpen(t)
	n.get(t, "http://a.test/list", session.BasicAuth("user", aSecret))
	n.get(t, "http://b.test/list")
	assert.Equal(t, []string{"Authorization", ""}, n.leaks())
}
