package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct{ user, password, want string }{
		{"user", "pass", "user:pass"},
		{"jürgen", "пароль", "jürgen:пароль"}, // RFC 7617 section 2.1
		{"", "", ":"},
		{"user", "", "user:"},
		{"user", "with:colon and space", "user:with:colon and space"},
		{"user", strings.Repeat("long", 1000), "user:" + strings.Repeat("long", 1000)},
		{"user", "line\r\nbreak", "user:line\r\nbreak"},
	} {
		_, err := w.Get(context.Background(), "http://a.test/", session.BasicAuth(tt.user, tt.password))
		require.NoError(t, err)
		assert.Equal(t, []string{"Basic " + base64Of(tt.want)}, w.last().Header["Authorization"])
	}
}

func TestBearerAuth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Auth = session.BearerAuth("abc.def")
	_, err := w.Get(context.Background(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, []string{"Bearer abc.def"}, w.last().Header["Authorization"])
}

// What would split the header is refused, and not quoted.
func TestAuthThatWouldSplitTheHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, option := range []session.Option{
		session.BearerAuth("hunter2\r\nX-Evil: 1"),
		session.AuthFunc(func(r *http.Request) error {
			r.Header.Set("X-Key", "hunter2\nX-Evil: 1")
			return nil
		}),
		session.AuthFunc(func(r *http.Request) error {
			r.Header["X Key"] = []string{"hunter2"}
			return nil
		}),
	} {
		body := &closeCounter{Reader: strings.NewReader("x")}
		_, err := w.Post(context.Background(), "http://a.test/", option, session.Reader(body))
		require.ErrorIs(t, err, session.ErrInvalidHeader)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.Equal(t, 1, body.count())
	}
	assert.Empty(t, w.calls())
}

func TestAuthPrintsNoSecret(t *testing.T) {
	t.Parallel()
	for _, auth := range []session.Auth{
		session.BasicAuth("user", "hunter2"), session.BearerAuth("hunter2"), session.DigestAuth("user", "hunter2"),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			for _, printed := range []any{auth, []any{auth}, struct{ Auth session.Auth }{auth}} {
				text := fmt.Sprintf(verb, printed)
				assert.NotContains(t, text, "hunter2", verb)
				assert.NotContains(t, text, fmt.Sprintf("%x", "hunter2"), verb)
			}
		}
	}
}

// An Auth sees the request as it will be sent.
func TestAuthSeesTheWholeRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Params = map[string][]string{"p": {"1"}}
	_, err := w.Post(context.Background(), "http://a.test/x", session.Params{"q": {"2"}}, session.JSON(3),
		session.Cookies{"c": "4"}, session.Header{"Host": {"virtual.test"}},
		session.AuthFunc(func(r *http.Request) error {
			body, err := r.GetBody()
			if err != nil {
				return err
			}
			content, err := io.ReadAll(body)
			r.Header.Set("X-Signed", strings.Join([]string{
				r.Method, r.URL.String(), r.Host, r.Header.Get("Content-Type"), r.Header.Get("Cookie"), string(content),
			}, " "))
			return err
		}))
	require.NoError(t, err)
	assert.Equal(t, "POST http://a.test/x?p=1&q=2 virtual.test application/json c=4 3", w.last().Header.Get("X-Signed"))
	assert.Equal(t, "3", w.last().Body)
}

func TestAuthThatFailsSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failure := errors.New("no token")
	body := &closeCounter{Reader: strings.NewReader("x")}
	_, err := w.Post(context.Background(), "http://a.test/", session.Reader(body),
		session.AuthFunc(func(*http.Request) error { return failure }))
	require.ErrorIs(t, err, failure)
	assert.Empty(t, w.calls())
	assert.Equal(t, 1, body.count())
}

// The sources of auth, first to last; the first that is there counts.
func TestAuthPrecedence(t *testing.T) {
	sources := []struct {
		name, header string
		apply        func(w *world, r *session.Request)
	}{
		{"request Auth", "Basic " + base64Of("1:1"), func(_ *world, r *session.Request) { r.Auth = session.BasicAuth("1", "1") }},
		{"request header", "two", func(_ *world, r *session.Request) { r.Header = http.Header{"authorization": {"two"}} }},
		{"session Auth", "Bearer three", func(w *world, _ *session.Request) { w.Auth = session.BearerAuth("three") }},
		{"URL", "Basic " + base64Of("4:4"), func(_ *world, r *session.Request) { r.URL = "http://4:4@a.test/" }},
		{"session header", "five", func(w *world, _ *session.Request) { w.Header["authorization"] = []string{"five"} }},
		{"netrc", "Basic " + base64Of("6:6"), func(w *world, _ *session.Request) { w.TrustEnv = true }},
		{"none", "", func(*world, *session.Request) {}},
	}
	t.Setenv("NETRC", inFile(t, []byte("machine a.test login 6 password 6\n")))
	for first := range sources {
		for second := first; second < len(sources); second++ {
			w := newWorld(t)
			w.TrustEnv = false
			r := &session.Request{URL: "http://a.test/"}
			sources[first].apply(w, r)
			for _, source := range sources[second:] {
				source.apply(w, r)
			}
			_, err := w.Send(context.Background(), r)
			require.NoError(t, err)
			assert.Equal(t, sources[first].header, w.last().Header.Get("Authorization"),
				"%s before %s", sources[first].name, sources[second].name)
		}
	}
}

// NoAuth ends the search: nothing but the request's own header is sent.
func TestNoAuth(t *testing.T) {
	t.Setenv("NETRC", inFile(t, []byte("default login n password n\n")))
	w := newWorld(t)
	w.redirect(302, "http://a.test/moved", "http://b.test/")
	w.Auth = session.BasicAuth("u", "p")
	w.Header.Set("Authorization", "ours")
	for _, url := range []string{"http://a.test/", "http://u:p@a.test/", "http://a.test/moved"} {
		_, err := w.Get(context.Background(), url, session.NoAuth)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"", "", "", ""}, w.headers("Authorization"), "nor is netrc asked on the way")

	_, err := w.Get(context.Background(), "http://a.test/moved", session.NoAuth, session.Header{"Authorization": {"mine"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"mine", ""}, w.headers("Authorization")[4:])

	w.Auth = session.NoAuth
	_, err = w.Get(context.Background(), "http://u:p@a.test/")
	require.NoError(t, err)
	assert.Empty(t, w.last().Header.Get("Authorization"), "as the session's Auth too")
}

// A header that is removed does not stand in the way of what comes after.
func TestRemovedAuthorizationHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Header.Set("Authorization", "ours")
	_, err := w.Get(context.Background(), "http://a.test/", session.Header{"Authorization": nil})
	require.NoError(t, err)
	assert.NotContains(t, w.last().Header, "Authorization")
	w.Auth = session.BearerAuth("t")
	_, err = w.Get(context.Background(), "http://a.test/", session.Header{"Authorization": nil})
	require.NoError(t, err)
	assert.Equal(t, "Bearer t", w.last().Header.Get("Authorization"))
}

func TestAuthOfTheURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for userinfo, want := range map[string]string{
		"u:p@":                   "u:p",
		"u:@":                    "u:",
		":p@":                    ":p",
		"u%40x:p%3a%2F@":         "u@x:p:/",
		"j%C3%BCrgen:%D0%BF@":    "jürgen:п",
		"jürgen:п@":              "jürgen:п",
		"u:p@b.test@":            "u:p@b.test",
		"u:with space@":          "u:with space",
		"u:100%@":                "u:100%",
		"u@":                     "", // requests needs both
		":@":                     "",
		"@":                      "",
		"":                       "",
		"u:a:b:c@":               "u:a:b:c",
		"a.test%0d%0aX-Evil:p@":  "a.test\r\nX-Evil:p",
		"http%3A%2F%2Fc.test:p@": "http://c.test:p",
	} {
		_, err := w.Get(context.Background(), "http://"+userinfo+"a.test/")
		require.NoError(t, err, userinfo)
		got := w.last()
		assert.Equal(t, "http://a.test/", got.At)
		assert.Equal(t, "a.test", got.Host)
		if want == "" {
			assert.NotContains(t, got.Header, "Authorization", userinfo)
		} else {
			assert.Equal(t, []string{"Basic " + base64Of(want)}, got.Header["Authorization"], userinfo)
		}
	}
	assert.Equal(t, []string{"a.test:80"}, w.dials, "nothing else was ever connected to")
}

// No source of auth outlives its removal, not even on the same connection.
func TestAuthCanBeTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Auth = session.BasicAuth("u", "p")
	w.get(t, "http://a.test/")
	w.Auth = nil
	w.get(t, "http://a.test/")
	w.Header.Set("Authorization", "x")
	w.get(t, "http://a.test/")
	w.Header.Del("Authorization")
	w.get(t, "http://a.test/")
	assert.Equal(t, []string{"Basic " + base64Of("u:p"), "", "x", ""}, w.headers("Authorization"))
	assert.Len(t, w.dials, 1)
}

// With a BaseURL, the session's secrets stay with its origin.
func TestAuthStaysWithTheBaseURL(t *testing.T) {
	t.Parallel()
	for _, auth := range []session.Auth{session.BearerAuth("t"), nil} {
		w := newWorld(t)
		w.BaseURL = "http://a.test/v1"
		w.Auth = auth
		w.Header.Set("Authorization", "Bearer t")
		w.Header.Set("cookie", "c=1")
		for _, url := range []string{"users", "http://a.test/v2", "http://b.test/", "http://a.test:8080/", "https://a.test/", "//b.test/"} {
			_, err := w.Get(context.Background(), url)
			require.NoError(t, err)
			got := w.last()
			if strings.HasPrefix(got.At, "http://a.test/") {
				assert.Equal(t, "Bearer t", got.Header.Get("Authorization"), got.At)
				assert.Equal(t, "c=1", got.Header.Get("Cookie"), got.At)
			} else {
				assert.NotContains(t, got.Header, "Authorization", got.At)
				assert.NotContains(t, got.Header, "Cookie", got.At)
			}
		}
		_, err := w.Get(context.Background(), "http://b.test/", session.BearerAuth("own"))
		require.NoError(t, err)
		assert.Equal(t, "Bearer own", w.last().Header.Get("Authorization"), "the request's own goes anywhere")
	}
}

// An Auth runs anew for every redirect that keeps it, and for every retry.
func TestAuthRunsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "/next")
	tries := 0
	w.handle("http://a.test/next", func(out http.ResponseWriter, r *http.Request) {
		if tries++; tries < 3 {
			out.WriteHeader(503)
			return
		}
		http.Redirect(out, r, "http://b.test/", http.StatusFound)
	})
	runs := 0
	_, err := w.Get(context.Background(), "http://a.test/", &session.Retry{Total: 5, Statuses: []int{503}},
		session.AuthFunc(func(r *http.Request) error {
			runs++
			if r.Header.Get("X-Run") != "" || r.Header.Get("X-Static") != "" {
				return errors.New("the headers of the last run are still there")
			}
			r.Header.Set("X-Run", fmt.Sprint(runs, " ", r.URL.Path))
			r.Header.Set("X-Static", "key")
			return nil
		}))
	require.NoError(t, err)
	assert.Equal(t, []string{"1 /", "2 /next", "3 /next", "4 /next", ""}, w.headers("X-Run"))
	assert.Equal(t, []string{"key", "key", "key", "key", ""}, w.headers("X-Static"))
}

// token is a Challenger that has to be refreshed.
type token struct {
	mu       sync.Mutex
	version  int
	asked    []string
	failure  error
	answered bool // whether it can answer
}

func (k *token) Authenticate(req *http.Request) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set(req)
	return nil
}

func (k *token) set(req *http.Request) {
	req.Header.Set("X-Token", fmt.Sprint(k.version))
	req.Header.Set("X-Tenant", "static")
}

func (k *token) Challenge(next *http.Request, resp *http.Response) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, resp.Header.Get("Www-Authenticate")+" "+next.URL.Path+" "+next.Header.Get("X-Token"))
	if k.failure != nil || !k.answered {
		return false, k.failure
	}
	k.version++
	k.set(next)
	return true, nil
}

func (k *token) Apply(r *session.Request) { r.Auth = k }

// wants answers 401 unless the token is of a version.
func (w *world) wants(url, version string, then http.HandlerFunc) {
	w.handle(url, func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token") == version {
			then(out, r)
			return
		}
		out.Header().Set("Www-Authenticate", "Token")
		http.SetCookie(out, &http.Cookie{Name: "refused", Value: "1"})
		out.WriteHeader(401)
		_, _ = io.WriteString(out, "refused")
	})
}

func ok(out http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(out, "ok") }

func TestChallengerAnswers401(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants("http://a.test/", "1", ok)
	auth := &token{answered: true}
	var hooked []int
	resp, err := w.Post(context.Background(), "http://a.test/", session.Text("hello"), auth,
		session.Hooks{Response: []session.ResponseHook{func(resp *session.Response) (*session.Response, error) {
			hooked = append(hooked, resp.StatusCode)
			return nil, nil
		}}})
	require.Equal(t, "ok", text(t, resp, err))
	got := w.visits()
	require.Len(t, got, 2)
	assert.Equal(t, []string{"0", "1"}, w.headers("X-Token"))
	assert.Equal(t, []string{"static", "static"}, w.headers("X-Tenant"))
	assert.Equal(t, []string{"", "refused=1"}, w.headers("Cookie"), "the refusal's cookie is sent along")
	assert.Equal(t, "hello", got[1].Body)
	assert.Equal(t, got[0].RemoteAddr, got[1].RemoteAddr, "over the same connection")
	assert.Equal(t, []string{"Token / "}, auth.asked, "asked for a request without the old token")
	assert.Equal(t, []int{200}, hooked, "hooks see the last answer alone")
	require.Len(t, resp.History, 1)
	assert.Equal(t, 401, resp.History[0].StatusCode)
	assert.Equal(t, "refused", text(t, resp.History[0], nil))

	_, err = w.Get(context.Background(), "http://a.test/", auth)
	require.NoError(t, err)
	assert.Len(t, w.visits(), 3, "the token that was had serves from now on")
}

func TestChallengerIsAskedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants("http://a.test/", "never", ok)
	auth := &token{answered: true}
	resp, err := w.Get(context.Background(), "http://a.test/", auth)
	require.NoError(t, err)
	assert.Equal(t, 401, resp.StatusCode)
	assert.Len(t, w.visits(), 2)
	assert.Len(t, auth.asked, 1)
}

func TestChallengerIsAskedFor401Only(t *testing.T) {
	t.Parallel()
	auth := &token{answered: true}
	for _, status := range []int{200, 400, 403, 407, 500} {
		w := newWorld(t)
		w.answer("http://a.test/", status, nil, "")
		resp, err := w.Get(context.Background(), "http://a.test/", auth)
		require.NoError(t, err)
		assert.Equal(t, status, resp.StatusCode)
	}
	assert.Empty(t, auth.asked)
}

func TestChallengerThatCannotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants("http://a.test/", "1", ok)
	resp, err := w.Get(context.Background(), "http://a.test/", new(token))
	require.Equal(t, "refused", text(t, resp, err))
	assert.Equal(t, 401, resp.StatusCode)
	assert.Empty(t, resp.History)

	failure := errors.New("no new token")
	_, err = w.Get(context.Background(), "http://a.test/", &token{failure: failure})
	require.ErrorIs(t, err, failure)
	assert.Len(t, w.visits(), 2)

	_, err = w.Post(context.Background(), "http://a.test/", &token{answered: true},
		session.Reader(io.MultiReader(strings.NewReader("once"))))
	require.ErrorIs(t, err, session.ErrUnrewindableBody)
	assert.Len(t, w.visits(), 3, "nothing was sent again")
}

// What Challenge set goes on where the auth is kept, and nowhere else, though
// it be what Authenticate had set already.
func TestChallengedHeadersOnRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants("http://a.test/", "1", func(out http.ResponseWriter, r *http.Request) { http.Redirect(out, r, "/same", http.StatusFound) })
	w.redirect(302, "http://a.test/same", "http://b.test/")
	w.wants("http://b.test/", "never", ok)
	auth := &token{answered: true}
	resp, err := w.Get(context.Background(), "http://a.test/", auth)
	require.NoError(t, err)
	assert.Equal(t, 401, resp.StatusCode, "the other origin's challenge is not answered")
	assert.Equal(t, []string{"0", "1", "1", ""}, w.headers("X-Token"))
	assert.Equal(t, []string{"static", "static", "static", ""}, w.headers("X-Tenant"))
	assert.Len(t, auth.asked, 1)
}

// Each hop that keeps the auth may be challenged.
func TestChallengeOnALaterHop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(307, "http://a.test/", "/next")
	w.wants("http://a.test/next", "1", ok)
	auth := &token{answered: true}
	resp, err := w.Post(context.Background(), "http://a.test/", session.Text("hello"), auth)
	require.Equal(t, "ok", text(t, resp, err))
	assert.Equal(t, "hello", w.last().Body)
	assert.Equal(t, []string{"0", "0", "1"}, w.headers("X-Token"))
}

// A Cookie header that stands alone does so when a challenge is answered too.
func TestChallengeKeepsACookieHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants("http://a.test/", "1", ok)
	_, err := w.Get(context.Background(), "http://a.test/", session.Header{"Cookie": {"mine=1"}}, &token{answered: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"mine=1", "mine=1"}, w.headers("Cookie"))

	w = newWorld(t)
	w.wants("http://a.test/", "1", ok)
	_, err = w.Get(context.Background(), "http://a.test/", session.Cookies{"own": "1"}, &token{answered: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"own=1", "refused=1; own=1"}, w.headers("Cookie"))
}

// An Auth may work by cookies.
func TestAuthThatAddsACookie(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer("http://a.test/in", 200, http.Header{"Set-Cookie": {"jar=a"}}, "")
	w.answer("http://b.test/in", 200, http.Header{"Set-Cookie": {"jar=b"}}, "")
	w.get(t, "http://a.test/in", "http://b.test/in")
	w.redirect(302, "http://a.test/", "/same")
	w.redirect(302, "http://a.test/same", "http://b.test/")
	_, err := w.Get(context.Background(), "http://a.test/", session.AuthFunc(func(r *http.Request) error {
		r.AddCookie(&http.Cookie{Name: "sid", Value: "secret"})
		return nil
	}))
	require.NoError(t, err)
	assert.Equal(t, []string{"jar=a; sid=secret", "jar=a; sid=secret", "jar=b"}, w.headers("Cookie")[2:])
}

func TestChallengerInParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handle("http://a.test/", func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token") == "0" {
			out.WriteHeader(401)
		}
	})
	auth := &token{answered: true}
	w.Auth = auth
	var wait sync.WaitGroup
	for range 32 {
		wait.Go(func() {
			resp, err := w.Post(context.Background(), "http://a.test/", session.Text("x"))
			if assert.NoError(t, err) {
				assert.Equal(t, 200, resp.StatusCode)
			}
		})
	}
	wait.Wait()
}

// An Auth of Do is the session's; the request's own header comes before it.
func TestAuthOfDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Auth = session.BearerAuth("t")
	do := func(url string, header http.Header) string {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		require.NoError(t, err)
		req.Header = header
		resp, err := w.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return w.last().Header.Get("Authorization")
	}
	assert.Equal(t, "Bearer t", do("http://a.test/", http.Header{}))
	assert.Equal(t, "Bearer t", do("http://u:p@a.test/", nil))
	assert.Equal(t, "mine", do("http://a.test/", http.Header{"Authorization": {"mine"}}))
	assert.Equal(t, "mine", do("http://a.test/", http.Header{"authorization": {"mine"}}))
	w.Auth = nil
	assert.Equal(t, "Basic "+base64Of("u:p"), do("http://u:p@a.test/", nil))
	assert.Equal(t, "Basic "+base64Of("u:"), do("http://u@a.test/", nil), "as net/http does")
}

// A context that a prepared request was given holds for all that it leads to.
func TestPreparedRequestKeepsItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "/next")
	w.handle("http://a.test/next", func(out http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(waitTime):
		}
	})
	req, err := w.Prepare(context.Background(), &session.Request{URL: "http://a.test/"})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(req.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = w.SendPrepared(req.WithContext(ctx))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Len(t, w.calls(), 2)
}

func TestErrorsHoldNoSecret(t *testing.T) {
	t.Setenv("NETRC", os.DevNull)
	w := newWorld(t)
	w.redirect(302, "http://a.test/", "http://gone.test/")
	for _, url := range []string{"http://gone.test/", "http://u:hunter2@gone.test/", "http://u:hunter2@a.test/", "http://u:hunter2@a.test:99999/"} {
		for _, option := range []session.Option{
			nil, session.BasicAuth("u", "hunter2"), session.BearerAuth("hunter2"), session.Header{"Authorization": {"hunter2"}},
			session.Cookies{"c": "hunter2"}, session.DigestAuth("u", "hunter2"),
		} {
			_, err := w.Get(context.Background(), url, option)
			require.Error(t, err)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v %q", err, err, err, err), "hunter2")
			assert.NotContains(t, err.Error(), base64Of("u:hunter2"))
		}
	}
}
