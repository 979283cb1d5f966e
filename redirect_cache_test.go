package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// cached is a world whose session remembers permanent redirects.
func cached(t *testing.T) *world {
	w := newWorld(t)
	w.Cache = new(session.RedirectCache)
	return w
}

// get asks for URLs, one after another, and returns what was asked of servers.
func (w *world) get(t *testing.T, urls ...string) []string {
	t.Helper()
	before := len(w.calls())
	for _, url := range urls {
		resp, err := w.Get(context.Background(), url)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	return w.calls()[before:]
}

func TestPermanentRedirectsAreRemembered(t *testing.T) {
	t.Parallel()
	for status, remembered := range map[int]bool{301: true, 302: false, 303: false, 307: false, 308: true} {
		w := cached(t)
		w.redirect(status, "http://a.test/", "http://b.test/new")
		assert.Equal(t, []string{"GET http://a.test/", "GET http://b.test/new"}, w.get(t, "http://a.test/"))
		if remembered {
			assert.Equal(t, []string{"GET http://b.test/new"}, w.get(t, "http://a.test/"), "%d", status)
			assert.Equal(t, 1, w.Cache.Len())
		} else {
			assert.Equal(t, []string{"GET http://a.test/", "GET http://b.test/new"}, w.get(t, "http://a.test/"), "%d", status)
			assert.Zero(t, w.Cache.Len())
		}
	}
}

func TestNoRedirectIsRememberedUnlessAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redirect(301, "http://a.test/", "/new")
	assert.Nil(t, w.Cache)
	assert.Zero(t, w.Cache.Len())
	assert.Len(t, w.get(t, "http://a.test/", "http://a.test/"), 4)
}

func TestRememberedRedirectMakesNoHistory(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/", "/new")
	w.get(t, "http://a.test/")
	resp, err := w.Get(context.Background(), "http://a.test/")
	require.NoError(t, err)
	assert.Empty(t, resp.History)
	assert.Equal(t, "http://a.test/new", resp.URL().String())
}

func TestRememberedRedirectsAreFollowedOneAfterAnother(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/", "/1")
	w.redirect(308, "http://a.test/1", "http://b.test/2")
	w.redirect(302, "http://b.test/2", "/3")
	w.get(t, "http://a.test/")
	assert.Equal(t, 2, w.Cache.Len())
	assert.Equal(t, []string{"GET http://b.test/2", "GET http://b.test/3"}, w.get(t, "http://a.test/"))
}

func TestRedirectsOfGetAndHeadAloneAreRemembered(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/", "/new")
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		for range 2 {
			_, err := w.Request(context.Background(), method, "http://a.test/", session.Text("x"))
			require.NoError(t, err)
		}
		assert.Zero(t, w.Cache.Len(), method)
	}
	_, err := w.Head(context.Background(), "http://a.test/", session.FollowRedirects(true))
	require.NoError(t, err)
	assert.Equal(t, []string{"GET http://a.test/new"}, w.get(t, "http://a.test/"), "what HEAD learned serves GET")
	_, err = w.Post(context.Background(), "http://a.test/", session.Text("x"))
	require.NoError(t, err)
	assert.Equal(t, []string{"POST http://a.test/", "GET http://a.test/new"}, w.calls()[len(w.calls())-2:])
}

// Who does not follow redirects wants to see them; so does HEAD.
func TestRememberedRedirectIsAskedForAgainWithoutFollowing(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/", "/new")
	w.get(t, "http://a.test/")
	resp, err := w.Get(context.Background(), "http://a.test/", session.FollowRedirects(false))
	require.NoError(t, err)
	assert.Equal(t, 301, resp.StatusCode)
	resp, err = w.Head(context.Background(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, 301, resp.StatusCode)
}

func TestNoStoreIsNotRemembered(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]string{{"no-store"}, {"private, NO-STORE"}, {"max-age=60", "no-store"}} {
		w := cached(t)
		w.answer("http://a.test/", 301, http.Header{"Location": {"/new"}, "Cache-Control": lines}, "")
		w.get(t, "http://a.test/")
		assert.Zero(t, w.Cache.Len(), lines)
	}
	w := cached(t)
	w.answer("http://a.test/", 301, http.Header{"Location": {"/new"}, "Cache-Control": {"max-age=60"}}, "")
	w.get(t, "http://a.test/")
	assert.Equal(t, 1, w.Cache.Len())
}

// A redirect that leads nowhere is not remembered.
func TestFailedRedirectIsNotRemembered(t *testing.T) {
	t.Parallel()
	w := cached(t)
	for path, location := range map[string]string{"gone": "http://gone.test/", "bad": "http://[x/", "file": "file:///x"} {
		w.redirect(301, "http://a.test/"+path, location)
		_, err := w.Get(context.Background(), "http://a.test/"+path)
		require.Error(t, err)
	}
	w.redirect(301, "http://a.test/self", "/self")
	_, err := w.Get(context.Background(), "http://a.test/self")
	require.ErrorIs(t, err, session.ErrTooManyRedirects)
	assert.Zero(t, w.Cache.Len())
}

func TestRememberedLoopsEnd(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/1", "/2")
	w.redirect(301, "http://a.test/2", "/3")
	w.redirect(301, "http://a.test/3", "/1")
	for range 2 {
		_, err := w.Get(context.Background(), "http://a.test/1")
		require.ErrorIs(t, err, session.ErrTooManyRedirects)
	}
	assert.Equal(t, 3, w.Cache.Len())
	for i := range 3 { // the server is mended
		w.answer(fmt.Sprintf("http://a.test/%d", i+1), 200, nil, "mended")
	}
	assert.Len(t, w.get(t, "http://a.test/1"), 1)
}

func TestRememberedRedirectIsOfOneURL(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/?q=1", "http://b.test/")
	w.get(t, "http://u:p@a.test/?q=1#frag")
	assert.Equal(t, []string{"GET http://a.test/", "GET http://a.test/?q=2", "GET https://a.test/?q=1", "GET http://a.test:8080/?q=1"},
		w.get(t, "http://a.test/", "http://a.test/?q=2", "https://a.test/?q=1", "http://a.test:8080/?q=1"))
	assert.Equal(t, []string{"GET http://b.test/", "GET http://b.test/"}, w.get(t, "http://a.test/?q=1", "http://A.test:/?q=1#other"))
}

// The fragment is the request's, unless the redirect named one.
func TestRememberedRedirectCarriesTheFragment(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/", "/new")
	w.redirect(301, "http://a.test/named", "/new#theirs")
	w.get(t, "http://a.test/#first", "http://a.test/named#first")
	for from, want := range map[string]string{
		"http://a.test/#second":      "http://a.test/new#second",
		"http://a.test/":             "http://a.test/new",
		"http://a.test/named#second": "http://a.test/new#theirs",
	} {
		resp, err := w.Get(context.Background(), from)
		require.NoError(t, err)
		assert.Equal(t, want, resp.URL().String())
	}
}

// What is sent to the new place is what a redirect would have sent there.
func TestRememberedRedirectCarriesNoCredentials(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]session.Option{
		"basic": session.BasicAuth("u", "p"), "digest": session.DigestAuth("u", "p"),
		"header": session.Header{"Authorization": {"x"}, "Cookie": {"mine=1"}, "Proxy-Authorization": {"x"}},
		"func": session.AuthFunc(func(r *http.Request) error {
			r.Header.Set("X-Key", "k")
			return nil
		}),
		"cookies": session.Cookies{"own": "1"},
		"host":    session.Header{"Host": {"virtual.test"}},
	} {
		w := cached(t)
		w.redirect(301, "http://a.test/", "http://b.test/new")
		w.get(t, "http://a.test/")
		w.answer("http://b.test/in", 200, http.Header{"Set-Cookie": {"theirs=1"}}, "")
		w.get(t, "http://b.test/in")
		_, err := w.Get(context.Background(), "http://a.test/", option)
		require.NoError(t, err)
		last := w.last()
		assert.Equal(t, "http://b.test/new", last.At)
		assert.Equal(t, "b.test", last.Host, name)
		assert.Equal(t, "theirs=1", last.Header.Get("Cookie"), name)
		for _, header := range []string{"Authorization", "X-Key", "Proxy-Authorization"} {
			assert.NotContains(t, last.Header, header, name)
		}
	}
}

func TestRememberedRedirectKeepsCredentialsWithinAnOrigin(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/", "https://a.test/new")
	w.get(t, "http://a.test/")
	runs := 0
	_, err := w.Get(context.Background(), "http://a.test/", session.AuthFunc(func(r *http.Request) error {
		runs++
		r.Header.Set("Authorization", "for "+r.URL.String())
		return nil
	}))
	require.NoError(t, err)
	assert.Equal(t, "for https://a.test/new", w.last().Header.Get("Authorization"))
	assert.Equal(t, 2, runs)
}

// A redirect from http stays one when it is remembered: a state that was
// tampered with opens nothing else.
func TestRememberedRedirectStaysWithinHTTP(t *testing.T) {
	t.Parallel()
	w := cached(t)
	require.NoError(t, json.Unmarshal([]byte(`[["http://a.test/","file:///etc/passwd"],["http://a.test/x","http://[y/"]]`), w.Cache))
	opened := &stub{}
	require.NoError(t, w.Mount("file://", opened))
	_, err := w.Get(context.Background(), "http://a.test/")
	require.ErrorIs(t, err, session.ErrRedirectScheme)
	assert.Empty(t, opened.seen())
	assert.Equal(t, []string{"GET http://a.test/x"}, w.get(t, "http://a.test/x"), "what is no URL leads nowhere")
}

// The steps are asked for remembered redirects too.
func TestRememberedRedirectAsksTheSteps(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/", "http://b.test/")
	w.get(t, "http://a.test/")
	w.RedirectTarget = func(resp *session.Response) (string, bool) {
		_, _ = resp.Bytes() // has none, but may be asked for
		return "", false
	}
	resp, err := w.Get(context.Background(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, 301, resp.StatusCode)

	w.RedirectTarget = nil
	w.RebuildAuth = func(next *http.Request, prev *session.Response) error {
		next.Header.Set("X-Rebuilt", prev.Request.URL.Host)
		return nil
	}
	w.get(t, "http://a.test/")
	assert.Equal(t, "a.test", w.last().Header.Get("X-Rebuilt"))
}

// The newest thousand redirects are kept.
func TestRedirectCacheIsBounded(t *testing.T) {
	t.Parallel()
	require.Equal(t, 1000, session.RedirectCacheSize)
	s := &session.Session{}
	s.Cache = new(session.RedirectCache)
	var asked []string
	require.NoError(t, s.Mount("http://", roundTripper(func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.URL.Path)
		if strings.HasPrefix(req.URL.Path, "/old") {
			return answer(req, 301, http.Header{"Location": {"/new"}}, ""), nil
		}
		return answer(req, 200, nil, ""), nil
	})))
	get := func(path string) []string {
		asked = nil
		_, err := s.Get(context.Background(), "http://a.test"+path)
		require.NoError(t, err)
		return asked
	}
	for i := range session.RedirectCacheSize + 5 {
		get(fmt.Sprintf("/old%d", i))
	}
	assert.Equal(t, session.RedirectCacheSize, s.Cache.Len())
	assert.Equal(t, []string{"/new"}, get("/old5"), "the oldest that is kept")
	assert.Equal(t, []string{"/old4", "/new"}, get("/old4"), "forgotten, and learned anew")
	assert.Equal(t, []string{"/new"}, get("/old4"))
	assert.Equal(t, []string{"/old5", "/new"}, get("/old5"), "it gave way")
	assert.Equal(t, session.RedirectCacheSize, s.Cache.Len())
	s.Cache.Clear()
	assert.Zero(t, s.Cache.Len())
	assert.Equal(t, []string{"/old9", "/new"}, get("/old9"))
}

func TestRedirectCacheIsSavedWithTheState(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/1", "/new")
	w.redirect(301, "http://a.test/2", "/new")
	w.get(t, "http://a.test/1", "http://a.test/2")
	data, _, err := w.MarshalState()
	require.NoError(t, err)
	s, err := session.UnmarshalState(data)
	require.NoError(t, err)
	require.NotNil(t, s.Cache)
	assert.Equal(t, 2, s.Cache.Len())
	w.mountTo(t, s)
	defer s.Close()
	before := len(w.calls())
	_, err = s.Get(context.Background(), "http://a.test/2")
	require.NoError(t, err)
	assert.Equal(t, []string{"GET http://a.test/new"}, w.calls()[before:])

	again, _, err := s.MarshalState()
	require.NoError(t, err)
	assert.JSONEq(t, string(data), string(again), "the order is kept")

	w.Cache = nil
	data, _, err = w.MarshalState()
	require.NoError(t, err)
	s, err = session.UnmarshalState(data)
	require.NoError(t, err)
	assert.Nil(t, s.Cache, "none stays none")
}

func TestRedirectCacheOfAClone(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(301, "http://a.test/1", "/new")
	w.redirect(301, "http://a.test/2", "/new")
	w.get(t, "http://a.test/1")
	clone := w.Clone()
	w.get(t, "http://a.test/2")
	assert.Equal(t, 1, clone.Cache.Len())
	assert.Equal(t, 2, w.Cache.Len())
}

// A request's body is opened once for each time that it is sent, and closed.
func TestRememberedRedirectClosesBodies(t *testing.T) {
	t.Parallel()
	w := cached(t)
	w.redirect(308, "http://a.test/", "/new")
	var opened, closed atomic.Int32
	body := session.ReaderFunc(func() (io.ReadCloser, error) {
		opened.Add(1)
		return closeFunc{strings.NewReader("hello"), func() { closed.Add(1) }}, nil
	})
	for range 2 {
		_, err := w.Get(context.Background(), "http://a.test/", body)
		require.NoError(t, err)
		assert.Equal(t, "hello", w.last().Body)
	}
	assert.Len(t, w.calls(), 3)
	require.Eventually(t, func() bool { return opened.Load() == closed.Load() }, waitTime, tick)

	once := &closeCounter{Reader: io.MultiReader(strings.NewReader("once"))}
	_, err := w.Get(context.Background(), "http://a.test/", session.Reader(once))
	require.NoError(t, err, "it is sent once")
	assert.Equal(t, "once", w.last().Body)
	assert.Equal(t, 1, once.count())
}

type closeFunc struct {
	io.Reader
	close func()
}

func (c closeFunc) Close() error {
	c.close()
	return nil
}

func TestRedirectCacheInParallel(t *testing.T) {
	t.Parallel()
	w := cached(t)
	for i := range 8 {
		w.redirect(301, fmt.Sprintf("http://a.test/%d", i), "/new")
	}
	var wait sync.WaitGroup
	for i := range 32 {
		wait.Go(func() {
			resp, err := w.Get(context.Background(), fmt.Sprintf("http://a.test/%d", i%8))
			if assert.NoError(t, err) {
				assert.Equal(t, "/new", resp.URL().Path)
			}
			w.Clone()
			_, _, err = w.MarshalState()
			assert.NoError(t, err)
		})
	}
	wait.Wait()
	assert.Equal(t, 8, w.Cache.Len())
}

// A response that a hook has made need not know its request.
func TestARedirectIsRememberedThoughAHookReplacedItsTarget(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 308} {
		w := cached(t)
		w.redirect(status, "http://a.test/old", "http://b.test/new")
		made := hooks(func(resp *session.Response) (*session.Response, error) {
			if resp.IsRedirect() {
				return nil, nil
			}
			return &session.Response{Response: &http.Response{StatusCode: 204}}, resp.Close()
		})
		resp, err := w.Get(t.Context(), "http://a.test/old", made)
		require.NoError(t, err)
		assert.Equal(t, 204, resp.StatusCode)
		assert.Equal(t, "http://b.test/new", resp.URL().String())
		assert.Len(t, resp.History, 1)
		assert.Equal(t, []string{"GET http://b.test/new"}, w.get(t, "http://a.test/old"), "it is remembered")
	}
}
