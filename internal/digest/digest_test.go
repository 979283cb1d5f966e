package digest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/digest"
	"github.com/cbf3e3a9/session/internal/httpheader"
)

// choose reads header lines and chooses among their challenges.
func choose(lines ...string) (digest.Challenge, bool) {
	return digest.Choose(httpheader.ParseChallenges(lines))
}

func mustChoose(t *testing.T, lines ...string) digest.Challenge {
	t.Helper()
	c, ok := choose(lines...)
	require.True(t, ok, "%q", lines)
	return c
}

// answer returns the parameters of a header that Authorize returned.
func answer(t *testing.T, header string) map[string]string {
	t.Helper()
	got := httpheader.ParseChallenges([]string{header})
	require.Len(t, got, 1, "%q", header)
	require.Equal(t, "Digest", got[0].Scheme)
	return got[0].Params
}

// RFC 7616 section 3.9.1.
func TestAuthorizeRFC7616(t *testing.T) {
	t.Parallel()
	const (
		rest   = `realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
		cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	)
	// The RFC has no example of a session algorithm; these are from a direct
	// calculation by section 3.4.2 in another language.
	for algorithm, response := range map[string]string{
		"MD5":              "8ca523f5e9506fed4657c9700eebdbec",
		"SHA-256":          "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
		"MD5-sess":         "e783283f46242139c486a698fec7211d",
		"SHA-256-sess":     "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7",
		"SHA-512-256-sess": "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e",
	} {
		c := mustChoose(t, "Digest algorithm="+algorithm+", "+rest)
		got := c.Authorize("Mufasa", "Circle of Life", "GET", "/dir/index.html", 1, cnonce)
		assert.Equal(t, `Digest username="Mufasa", realm="http-auth@example.org", `+
			`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", `+
			`response="`+response+`", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", `+
			`algorithm=`+algorithm+`, qop=auth, nc=00000001, cnonce="`+cnonce+`"`, got)
	}
}

// RFC 7616 section 3.9.2 with the hashes of erratum 4897: the ones printed are
// not of SHA-512/256.
func TestAuthorizeUserHash(t *testing.T) {
	t.Parallel()
	const (
		challenge = `Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, ` +
			`nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ` +
			`opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8`
		cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"
		rest   = `, realm="api@example.org", nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", uri="/doe.json", ` +
			`response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5", ` +
			`opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", algorithm=SHA-512-256, qop=auth, nc=00000001, cnonce="` + cnonce + `"`
	)
	c := mustChoose(t, challenge+", userhash=true")
	got := c.Authorize("Jäsøn Doe", "Secret, or not?", "GET", "/doe.json", 1, cnonce)
	assert.Equal(t, `Digest username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"`+rest+", userhash=true", got)

	c = mustChoose(t, challenge)
	got = c.Authorize("Jäsøn Doe", "Secret, or not?", "GET", "/doe.json", 1, cnonce)
	assert.Equal(t, `Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe`+rest, got)
}

// RFC 2617 section 3.5, and its challenge without qop as RFC 2069 has it.
func TestAuthorizeRFC2617And2069(t *testing.T) {
	t.Parallel()
	const legacy = `Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`
	c := mustChoose(t, legacy+`, qop="auth,auth-int"`)
	got := answer(t, c.Authorize("Mufasa", "Circle Of Life", "GET", "/dir/index.html", 1, "0a4f113b"))
	assert.Equal(t, "6629fae49393a05397450978507c4ef1", got["response"])
	assert.NotContains(t, got, "algorithm")

	c = mustChoose(t, legacy)
	assert.Equal(t, `Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", `+
		`uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		c.Authorize("Mufasa", "CircleOfLife", "GET", "/dir/index.html", 1, "0a4f113b"))
}

// The responses are those of HTTPDigestAuth of requests 2.34.2.
func TestAuthorizeAsRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		params                      string
		user, password, method, uri string
		nc                          uint32
		cnonce, response            string
	}{
		{`qop="auth", algorithm=MD5, opaque="o"`, "u", "p", "GET", "/d", 1, "c9169dd6de1c0d51", "757282a3117be600bd60233be6d5da62"},
		{`qop="auth", algorithm=MD5, opaque="o"`, "u", "p", "GET", "/d", 2, "b1ae02139ddfc528", "a4e22c43d7fed8795aa2d78dc8389863"},
		{`qop="auth"`, "u", "p", "POST", "/d?x=1&y=%20", 1, "c9169dd6de1c0d51", "b1ae22eb82f5898d475d6f7caeceb60e"},
		{`opaque=""`, "u", "p", "GET", "/d", 1, "", "47d1620af60ddae87dc3ecba0b11b852"},
		{`algorithm=SHA-256`, "u", "p", "GET", "/", 1, "", "676912068db8172ca767acb2b54d8980af2970682a6fa5656a24bae27c6e0dd5"},
		{`qop="auth,auth-int", algorithm=SHA-256`, "u", "p", "GET", "/", 1, "c9169dd6de1c0d51", "e30dcd35946cb7a591bdafe21db9c5a9a3c80277261a2b4c495429ca1d678147"},
		{`qop="auth", algorithm=SHA`, "u", "p", "GET", "/", 1, "c9169dd6de1c0d51", "fab57d00a6c770af8fdfc72b3f9ceceb84952c2a"},
		{`qop="auth", algorithm=SHA-512`, "u", "p", "GET", "/", 1, "c9169dd6de1c0d51", "1e0df6a4758a02edd2e05ed4df1f37146cecc56653d7d1e01d1a79cd15f028622fa2cd58a46412236a32d3e453466e56fed24c81c3e65331335ff26c1f912569"},
		{`qop="auth", algorithm=md5-sess`, "u", "p", "GET", "/", 1, "c9169dd6de1c0d51", "5f4ccc039f3f08b84edfe1dd9bc014bb"},
		{`qop="auth", algorithm="MD5"`, "jäsøn", "пароль", "DELETE", "/a;b/c", 16, "65dc8d99d2605146", "a36b26327897755760161a6bf63e5de0"},
	} {
		c := mustChoose(t, `Digest realm="r", nonce="abc", `+tt.params)
		got := answer(t, c.Authorize(tt.user, tt.password, tt.method, tt.uri, tt.nc, tt.cnonce))
		assert.Equal(t, tt.response, got["response"], tt.params)
		assert.Equal(t, tt.user, got["username"])
		assert.Equal(t, tt.uri, got["uri"])
		assert.Equal(t, tt.cnonce, got["cnonce"])
		if tt.cnonce != "" {
			assert.Equal(t, fmt.Sprintf("%08x", tt.nc), got["nc"])
		}
	}
}

func TestChooseTakesTheFirst(t *testing.T) {
	t.Parallel()
	const rest = `realm="r", nonce="n", qop="auth"`
	first := mustChoose(t, "Basic realm=x, Digest algorithm=SHA-256, "+rest, "Digest algorithm=SHA-512-256, "+rest)
	assert.Equal(t, digest.Challenge{Realm: "r", Nonce: "n", Algorithm: "SHA-256", QOP: true}, first)
	assert.Equal(t, "MD5", mustChoose(t, "Digest algorithm=SHA-3, "+rest, "Digest algorithm=MD5, "+rest).Algorithm)
}

func TestChooseReads(t *testing.T) {
	t.Parallel()
	minimal := digest.Challenge{Realm: "r", Nonce: "n"}
	with := func(change func(*digest.Challenge)) digest.Challenge {
		c := minimal
		change(&c)
		return c
	}
	for params, want := range map[string]digest.Challenge{
		``:                          minimal,
		`qop=""`:                    minimal,
		`qop="AUTH"`:                with(func(c *digest.Challenge) { c.QOP = true }),
		`qop="auth-int auth"`:       with(func(c *digest.Challenge) { c.QOP = true }),
		`qop=auth-int,auth`:         {}, // an unquoted list ends at its comma
		`qop=auth,auth-int`:         with(func(c *digest.Challenge) { c.QOP = true }),
		`stale=TRUE`:                with(func(c *digest.Challenge) { c.Stale = true }),
		`stale=false`:               minimal,
		`userhash="true"`:           with(func(c *digest.Challenge) { c.UserHash = true }),
		`userhash=yes`:              minimal,
		`charset=utf-8`:             with(func(c *digest.Challenge) { c.UTF8 = true }),
		`charset=latin1`:            minimal,
		`algorithm=sha-256`:         with(func(c *digest.Challenge) { c.Algorithm = "sha-256" }),
		`opaque="a\"b", domain="/"`: with(func(c *digest.Challenge) { c.Opaque = `a"b` }),
	} {
		got, ok := choose(`DIGEST realm="r", nonce="n", ` + params)
		assert.Equal(t, want, got, params)
		assert.Equal(t, want != digest.Challenge{}, ok, params)
	}
}

func TestChooseRefuses(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		``, `Basic realm="r"`, `Digest`, `Digest abc==`, `Digest realm="r"`, `Digest nonce="n"`,
		`Digest realm="r", nonce="n", qop="auth-int"`,
		`Digest realm="r", nonce="n", qop="authentic"`,
		`Digest realm="r", nonce="n", algorithm=SHA-3`,
		`Digest realm="r", nonce="n", algorithm=-sess`,
		"Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=\"MD5-\u017fess\"",
		`Digest realm="r", nonce="n", algorithm=MD5-sess`,
		"Digest realm=\"r\r\nX: y\", nonce=\"n\"",
		"Digest realm=\"r\", nonce=\"n\nX: y\"",
		"Digest realm=\"r\", nonce=\"n\", opaque=\"\r\"",
		"Digest realm=\"r\", nonce=\"\x00\"",
		"Digest realm=\"\x7f\", nonce=\"n\"",
	} {
		got, ok := choose(line)
		assert.False(t, ok, "%q", line)
		assert.Zero(t, got, "%q", line)
	}
}

func TestAuthorizeQuotes(t *testing.T) {
	t.Parallel()
	c := mustChoose(t, `Digest realm="a \"b\" \\c", nonce="\"", opaque="\\", qop="auth"`)
	header := c.Authorize(`DOMAIN\us"er`, "p", "GET", `/"?\`, 1, `"`)
	assert.Contains(t, header, `username="DOMAIN\\us\"er", realm="a \"b\" \\c", nonce="\"", uri="/\"?\\"`)
	got := answer(t, header)
	assert.Equal(t, `DOMAIN\us"er`, got["username"])
	assert.Equal(t, `/"?\`, got["uri"])
	assert.Equal(t, `\`, got["opaque"])
}

func TestAuthorizeNeverSplitsTheHeader(t *testing.T) {
	t.Parallel()
	c := digest.Challenge{Realm: "r", Nonce: "n", QOP: true}
	assert.Empty(t, c.Authorize("u", "p", "GET", "/\r\nX: y", 1, "c"))
	assert.Empty(t, c.Authorize("u", "p", "GET", "/", 1, "c\nd"))
	assert.Empty(t, digest.Challenge{Realm: "\r\n"}.Authorize("u", "p", "GET", "/", 1, "c"))
	assert.Empty(t, digest.Challenge{Algorithm: "MD5\r\n"}.Authorize("u", "p", "GET", "/", 1, "c"))
	assert.Empty(t, digest.Challenge{Algorithm: "MD5-sess"}.Authorize("u", "p", "GET", "/", 1, "c"))

	got := answer(t, c.Authorize("u\r\nX: y+z", "p\r\n", "GET", "/", 1, "c"))
	assert.Equal(t, "UTF-8''u%0D%0AX%3A%20y%2Bz", got["username*"])
	assert.NotContains(t, got, "username")
}

func TestAuthorizeZeroChallenge(t *testing.T) {
	t.Parallel()
	got := answer(t, digest.Challenge{}.Authorize("u", "p", "GET", "/", 1, "c"))
	assert.Len(t, got, 5)
}

func TestNewCnonce(t *testing.T) {
	t.Parallel()
	assert.Regexp(t, "^[0-9A-Za-z]{22,}$", digest.NewCnonce())
	assert.NotEqual(t, digest.NewCnonce(), digest.NewCnonce())
}

func FuzzAuthorize(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256-sess, opaque="\"", userhash=true`, "u", "/")
	f.Add(`Digest realm="r", nonce="n", charset=UTF-8`, "jäsøn\r\n", "/\"\\")
	f.Add("Digest realm=\"\r\n\", nonce=n", "u", "/\x00")
	f.Fuzz(func(t *testing.T, line, username, uri string) {
		c, ok := choose(line)
		if !ok {
			assert.Zero(t, c)
			return
		}
		header := c.Authorize(username, "p", "GET", uri, 1, "c")
		if header == "" {
			assert.Regexp(t, `[\x00-\x1f\x7f]`, uri)
			return
		}
		assert.NotRegexp(t, `[\x00-\x08\x0a-\x1f\x7f]`, header)
		if len(header) > httpheader.MaxLength {
			return
		}
		got := answer(t, header)
		assert.Equal(t, []string{c.Realm, c.Nonce, uri, c.Opaque}, []string{got["realm"], got["nonce"], got["uri"], got["opaque"]})
		if name, plain := got["username"]; plain && !c.UserHash {
			assert.Equal(t, username, name)
		}
	})
}
