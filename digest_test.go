package session_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// digestServer asks for Digest authentication and checks every answer, with
// its own reckoning by RFC 7616 section 3.4.
type digestServer struct {
	algorithm, qop, opaque string
	user, password         string
	more                   string   // of the challenge
	before                 []string // challenges before its own
	keepNonce              bool     // every challenge has the same nonce
	uses                   int      // of a nonce until it is stale; 0 is no limit
	charset                string

	mu       sync.Mutex
	issued   int
	counts   map[string]map[string]bool // nonce to the counts that came
	problems []string
	refused  int
	uris     []string
}

const digestRealm = `the "realm"`

func (d *digestServer) hash(parts ...string) string {
	var h hash.Hash
	switch strings.TrimSuffix(strings.ToUpper(d.algorithm), "-SESS") {
	case "", "MD5":
		h = md5.New()
	case "SHA-256":
		h = sha256.New()
	case "SHA-512-256":
		h = sha512.New512_256()
	}
	_, _ = io.WriteString(h, strings.Join(parts, ":"))
	return fmt.Sprintf("%x", h.Sum(nil))
}

var digestField = regexp.MustCompile(`([a-z]+\*?)=(?:"((?:[^"\\]|\\.)*)"|([^", ]+))(?:, |$)`)

// fields takes an Authorization header apart.
func (d *digestServer) fields(header string) map[string]string {
	fields := map[string]string{}
	for _, m := range digestField.FindAllStringSubmatch(strings.TrimPrefix(header, "Digest "), -1) {
		if _, twice := fields[m[1]]; twice {
			d.problem("%s comes twice", m[1])
		}
		fields[m[1]] = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[2]) + m[3]
	}
	return fields
}

func (d *digestServer) problem(format string, args ...any) {
	d.problems = append(d.problems, fmt.Sprintf(format, args...))
}

func (d *digestServer) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = io.Copy(io.Discard, r.Body)
	header := r.Header.Get("Authorization")
	known, stale := false, false
	if header != "" {
		known, stale = d.check(r, header)
	}
	if known {
		_, _ = io.WriteString(out, "ok")
		return
	}
	d.refused++
	d.challenge(out, stale)
}

func (d *digestServer) challenge(out http.ResponseWriter, stale bool) {
	if d.counts == nil {
		d.counts = map[string]map[string]bool{}
	}
	if !d.keepNonce || d.issued == 0 {
		d.issued++
	}
	nonce := fmt.Sprintf("nonce-%d", d.issued)
	if d.counts[nonce] == nil {
		d.counts[nonce] = map[string]bool{}
	}
	challenge := fmt.Sprintf(`Digest realm="%s", nonce="%s"`, strings.ReplaceAll(digestRealm, `"`, `\"`), nonce)
	for _, field := range []struct{ name, value string }{
		{"algorithm=%s", d.algorithm}, {`qop="%s"`, d.qop}, {`opaque="%s"`, d.opaque}, {"charset=%s", d.charset}, {"%s", d.more},
	} {
		if field.value != "" {
			challenge += ", " + fmt.Sprintf(field.name, field.value)
		}
	}
	if stale {
		challenge += ", stale=TRUE"
	}
	for _, other := range d.before {
		out.Header().Add("Www-Authenticate", other)
	}
	out.Header().Add("Www-Authenticate", challenge)
	out.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(out, "who are you?")
}

// check reports whether an answer is right, and if not, whether that is for
// its nonce alone.
func (d *digestServer) check(r *http.Request, header string) (right, stale bool) {
	got := d.fields(header)
	if !strings.HasPrefix(header, "Digest ") {
		d.problem("scheme of %q", header)
	}
	d.uris = append(d.uris, got["uri"])
	for name, want := range map[string]string{
		"realm": digestRealm, "uri": r.RequestURI, "opaque": d.opaque, "algorithm": d.algorithm,
	} {
		if got[name] != want {
			d.problem("%s is %q, not %q", name, got[name], want)
		}
	}
	counts, known := d.counts[got["nonce"]]
	if !known {
		d.problem("nonce %q was never given here", got["nonce"])
		return false, true
	}
	a1 := d.hash(d.user, digestRealm, d.password)
	if strings.HasSuffix(strings.ToLower(d.algorithm), "-sess") {
		a1 = d.hash(a1, got["nonce"], got["cnonce"])
	}
	a2 := d.hash(r.Method, got["uri"])
	want := d.hash(a1, got["nonce"], a2)
	if d.qop != "" {
		want = d.hash(a1, got["nonce"], got["nc"], got["cnonce"], "auth", a2)
		if got["qop"] != "auth" || len(got["nc"]) != 8 || len(got["cnonce"]) < 8 {
			d.problem("qop %q, nc %q, cnonce %q", got["qop"], got["nc"], got["cnonce"])
		}
		if counts[got["nc"]] {
			d.problem("nc %s of %s came before", got["nc"], got["nonce"])
		}
		counts[got["nc"]] = true
	} else if got["qop"]+got["nc"]+got["cnonce"] != "" {
		d.problem("qop %q, nc %q, cnonce %q were not asked for", got["qop"], got["nc"], got["cnonce"])
	}
	if d.uses > 0 && len(counts) > d.uses {
		return false, true
	}
	user := got["username"]
	if strings.Contains(d.more, "userhash=true") {
		if user != d.hash(d.user, digestRealm) || got["userhash"] != "true" {
			d.problem("the user name is not hashed: %q", user)
		}
		user = d.user
	} else if extended, ok := got["username*"]; ok {
		user, _ = url.PathUnescape(strings.TrimPrefix(extended, "UTF-8''"))
	}
	return got["response"] == want && user == d.user, false
}

// withDigest has a digestServer answer at an origin's "/".
func (w *world) withDigest(origin string, d *digestServer) *digestServer {
	w.handle(origin, d.ServeHTTP)
	return d
}

func TestDigestAlgorithms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ algorithm, qop string }{
		{"", ""}, {"", "auth"}, {"MD5", ""}, {"MD5", "auth"}, {"MD5", "auth,auth-int"}, {"md5", "auth"},
		{"SHA-256", ""}, {"SHA-256", "auth"}, {"SHA-256", "auth-int, auth"}, {"sha-256", "auth"},
		{"SHA-512-256", "auth"}, {"MD5-sess", "auth"}, {"SHA-256-sess", "auth"}, {"SHA-512-256-sess", "auth"},
	} {
		t.Run(tt.algorithm+" "+tt.qop, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			server := w.withDigest("http://a.test/x?y=1&z=%20", &digestServer{
				algorithm: tt.algorithm, qop: tt.qop, opaque: "o+/=", user: `us"er\`, password: "pass word",
			})
			w.Auth = session.DigestAuth(`us"er\`, "pass word")
			for i := range 3 {
				resp, err := w.Get(context.Background(), "http://a.test/x?y=1&z=%20")
				require.Equal(t, "ok", text(t, resp, err))
				if i == 0 {
					require.Len(t, resp.History, 1)
					assert.Equal(t, "who are you?", text(t, resp.History[0], nil))
				} else {
					assert.Empty(t, resp.History, "the nonce is known")
				}
			}
			assert.Empty(t, server.problems)
			assert.Equal(t, 1, server.refused)
			if tt.qop != "" {
				assert.Equal(t, map[string]bool{"00000001": true, "00000002": true, "00000003": true}, server.counts["nonce-1"])
			}
		})
	}
}

func TestDigestUserBeyondASCII(t *testing.T) {
	t.Parallel()
	for _, server := range []*digestServer{
		{qop: "auth", charset: "UTF-8"}, {qop: "auth", algorithm: "SHA-256", more: "userhash=true", charset: "UTF-8"}, {qop: "auth"},
	} {
		w := newWorld(t)
		server.user, server.password = "Jäsøn", "пароль"
		w.withDigest("http://a.test/", server)
		resp, err := w.Get(context.Background(), "http://a.test/", session.DigestAuth("Jäsøn", "пароль"))
		require.Equal(t, "ok", text(t, resp, err))
		assert.Empty(t, server.problems)
	}
}

func TestDigestAnswersOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withDigest("http://a.test/", &digestServer{qop: "auth", user: "u", password: "right"})
	auth := session.DigestAuth("u", "wrong")
	resp, err := w.Get(context.Background(), "http://a.test/", auth)
	require.NoError(t, err)
	assert.Equal(t, 401, resp.StatusCode)
	assert.Len(t, resp.History, 1)
	assert.Equal(t, 2, server.refused)
	assert.Empty(t, server.problems)

	// the next request begins with what the last refusal taught
	resp, err = w.Get(context.Background(), "http://a.test/", auth)
	require.NoError(t, err)
	assert.Equal(t, 401, resp.StatusCode)
	assert.Equal(t, 4, server.refused)
}

func TestDigestAnswersStaleNonces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withDigest("http://a.test/", &digestServer{qop: "auth", user: "u", password: "p", uses: 2})
	w.Auth = session.DigestAuth("u", "p")
	for i := range 7 {
		resp, err := w.Post(context.Background(), "http://a.test/", session.Text("hello"))
		require.Equal(t, "ok", text(t, resp, err), i)
	}
	assert.Empty(t, server.problems)
	assert.Equal(t, 4, server.refused)
	for _, got := range w.visits() {
		assert.Equal(t, "hello", got.Body)
	}
}

// The nonce count goes on where a server gives the same nonce again.
func TestDigestCountsANonceThatComesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withDigest("http://a.test/", &digestServer{qop: "auth", user: "u", password: "p", keepNonce: true, uses: 1})
	w.Auth = session.DigestAuth("u", "p")
	for range 3 {
		_, err := w.Get(context.Background(), "http://a.test/")
		require.NoError(t, err)
	}
	assert.Empty(t, server.problems)
	assert.Len(t, server.counts["nonce-1"], 5, "one for each answer")
}

func TestDigestChoosesAChallenge(t *testing.T) {
	t.Parallel()
	for name, before := range map[string][]string{
		"others":           {`Basic realm="x"`, "Negotiate", `Bearer realm="a, Digest b"`},
		"one line":         {`Basic realm="x", NTLM, Bearer`},
		"unknown hash":     {`Digest realm="x", nonce="y", algorithm=SHA-3, qop="auth"`},
		"no qop for us":    {`Digest realm="x", nonce="y", qop="auth-int"`},
		"not whole":        {`Digest realm="x"`, `Digest nonce="x"`, "Digest", "Digest abc=="},
		"session, no qop":  {`Digest realm="x", nonce="y", algorithm=MD5-sess`},
		"nonsense":         {`,,=`, `"`, "\x80\xff", strings.Repeat(`a="`, 1000)},
		"a line of nobody": {""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			server := w.withDigest("http://a.test/", &digestServer{
				algorithm: "SHA-256", qop: "auth", user: "u", password: "p", before: before,
			})
			resp, err := w.Get(context.Background(), "http://a.test/", session.DigestAuth("u", "p"))
			require.Equal(t, "ok", text(t, resp, err))
			assert.Empty(t, server.problems)
		})
	}
}

func TestDigestLeavesOtherChallengesAlone(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{
		"", `Basic realm="x"`, `Digest realm="x", nonce="y", algorithm=SHA-3`, `Digest realm="x", nonce="y", qop="auth-int"`,
		strings.Repeat(`Digest realm=`, 1000), strings.Repeat(",", 60_000),
	} {
		w := newWorld(t)
		w.answer("http://a.test/", 401, http.Header{"Www-Authenticate": {challenge}}, "no")
		resp, err := w.Get(context.Background(), "http://a.test/", session.DigestAuth("u", "p"))
		require.Equal(t, "no", text(t, resp, err))
		assert.Equal(t, []string{""}, w.headers("Authorization"))
	}
}

func TestDigestSendsTheBodyAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withDigest("http://a.test/", &digestServer{qop: "auth", user: "u", password: "p"})
	auth := session.DigestAuth("u", "p")
	for _, body := range []session.Option{
		session.Text("hello"), session.Reader(strings.NewReader("hello")),
		session.Files{{Field: "f", Name: "f", Content: session.Text("hello")}},
	} {
		resp, err := w.Post(context.Background(), "http://a.test/", body, session.DigestAuth("u", "p"))
		require.Equal(t, "ok", text(t, resp, err))
		got := w.visits()
		assert.Contains(t, got[len(got)-2].Body, "hello")
		assert.Equal(t, got[len(got)-2].Body, got[len(got)-1].Body)
	}
	once := func() session.Option { return session.Reader(io.MultiReader(strings.NewReader("hello"))) }
	_, err := w.Post(context.Background(), "http://a.test/", once(), auth)
	require.ErrorIs(t, err, session.ErrUnrewindableBody)
	resp, err := w.Get(context.Background(), "http://a.test/", auth)
	require.Equal(t, "ok", text(t, resp, err))
	resp, err = w.Post(context.Background(), "http://a.test/", once(), auth)
	require.Equal(t, "ok", text(t, resp, err), "a known nonce needs no second attempt")
}

func TestDigestOfEveryMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withDigest("http://a.test/", &digestServer{qop: "auth", user: "u", password: "p"})
	for _, method := range strings.Fields("GET HEAD POST PUT PATCH DELETE OPTIONS REPORT") {
		resp, err := w.Request(context.Background(), method, "http://a.test/", session.DigestAuth("u", "p"))
		require.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode, method)
	}
	assert.Empty(t, server.problems)
}

func TestDigestOfDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withDigest("http://a.test/", &digestServer{qop: "auth", user: "u", password: "p"})
	w.Auth = session.DigestAuth("u", "p")
	for _, send := range []func(*http.Request) (*http.Response, error){w.Do, w.Client().Do} {
		req, err := http.NewRequest(http.MethodPut, "http://a.test/", strings.NewReader("hello"))
		require.NoError(t, err)
		resp, err := send(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, 200, resp.StatusCode)
		assert.Empty(t, req.Header)
	}
	assert.Empty(t, server.problems)
	assert.Equal(t, 1, server.refused)
}

// What is learned from one origin is used for it alone (CVE-2026-11856).
func TestDigestOfOneOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	origins := []string{"http://a.test/", "http://b.test/", "http://a.test:8080/", "https://a.test/", "http://www.a.test/"}
	w.Auth = session.DigestAuth("u", "p")
	for range 2 {
		for _, origin := range origins {
			if w.handlers[origin] == nil {
				w.withDigest(origin, &digestServer{qop: "auth", user: "u", password: "p", opaque: origin})
			}
			resp, err := w.Get(context.Background(), origin)
			require.Equal(t, "ok", text(t, resp, err))
		}
	}
	perOrigin := map[string][]string{}
	for _, got := range w.visits() {
		authorization := got.Header.Get("Authorization")
		perOrigin[got.At] = append(perOrigin[got.At], authorization)
		if authorization != "" {
			assert.Contains(t, authorization, `opaque="`+got.At+`"`)
		}
	}
	for origin, headers := range perOrigin {
		require.Len(t, headers, 3, origin)
		assert.Empty(t, headers[0], "the first request tells nothing")
		assert.Contains(t, headers[1], "nc=00000001")
		assert.Contains(t, headers[2], "nc=00000002")
	}
}

func TestDigestOnRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := &digestServer{qop: "auth", user: "u", password: "p"}
	guarded := func(then http.HandlerFunc) http.HandlerFunc {
		return func(out http.ResponseWriter, r *http.Request) {
			server.mu.Lock()
			right := r.Header.Get("Authorization") != ""
			if right {
				right, _ = server.check(r, r.Header.Get("Authorization"))
			}
			if !right {
				server.challenge(out, false)
			}
			server.mu.Unlock()
			if right {
				then(out, r)
			}
		}
	}
	w.handle("http://a.test/1", guarded(func(out http.ResponseWriter, r *http.Request) {
		http.Redirect(out, r, "/2?q", http.StatusTemporaryRedirect)
	}))
	w.handle("http://a.test/2?q", guarded(func(out http.ResponseWriter, r *http.Request) {
		http.Redirect(out, r, "http://b.test/", http.StatusTemporaryRedirect)
	}))
	other := w.withDigest("http://b.test/", &digestServer{qop: "auth", user: "u", password: "p"})
	resp, err := w.Post(context.Background(), "http://a.test/1", session.Text("hello"), session.DigestAuth("u", "p"))
	require.NoError(t, err)
	assert.Equal(t, 401, resp.StatusCode)
	assert.Equal(t, []string{"POST http://a.test/1", "POST http://a.test/1", "POST http://a.test/2?q", "POST http://b.test/"}, w.calls())
	assert.Equal(t, []string{"/1", "/2?q"}, server.uris, "each with a uri of its own")
	assert.Equal(t, map[string]bool{"00000001": true, "00000002": true}, server.counts["nonce-1"])
	assert.Empty(t, server.problems)
	assert.Empty(t, other.uris, "the other origin's challenge is not answered")
	assert.Empty(t, w.last().Header.Get("Authorization"))
}

// Where a step keeps the auth on another origin, that one has its own nonce.
func TestDigestKeptOnAnotherOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ShouldStripAuth = func(_, _ *url.URL) bool { return false }
	w.redirect(302, "http://a.test/", "http://b.test/")
	server := w.withDigest("http://b.test/", &digestServer{qop: "auth", user: "u", password: "p"})
	first := w.withDigest("http://a.test/in", &digestServer{qop: "auth", user: "u", password: "p", opaque: "a"})
	w.Auth = session.DigestAuth("u", "p")
	w.get(t, "http://a.test/in", "http://a.test/")
	assert.Empty(t, server.problems, "the nonce of a.test is not among them")
	assert.Empty(t, first.problems)
	assert.Equal(t, 1, server.refused)
}

// A zero Digest has empty credentials; it must not fail otherwise.
func TestZeroDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withDigest("http://a.test/", &digestServer{qop: "auth"})
	resp, err := w.Get(context.Background(), "http://a.test/", new(session.Digest))
	require.Equal(t, "ok", text(t, resp, err))
	assert.Empty(t, server.problems)
}

func TestDigestInParallel(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		for _, uses := range []int{0, 5} {
			w := newWorld(t)
			server := w.withDigest("http://a.test/", &digestServer{qop: "auth", user: "u", password: "p", keepNonce: keep, uses: uses})
			w.Auth = session.DigestAuth("u", "p")
			var wait sync.WaitGroup
			for range 64 {
				wait.Go(func() {
					_, err := w.Post(context.Background(), "http://a.test/", session.Text("x"))
					assert.NoError(t, err)
				})
			}
			wait.Wait()
			server.mu.Lock()
			assert.Empty(t, server.problems, "no count comes twice")
			server.mu.Unlock()
		}
	}
}
