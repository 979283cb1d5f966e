package session_test

import (
	"context"
	"errors"
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

// hooks makes Hooks of functions.
func hooks(list ...session.ResponseHook) session.Hooks { return session.Hooks{Response: list} }

// seen is a hook that notes what it is given.
func seen(list *[]string) session.ResponseHook {
	return func(resp *session.Response) (*session.Response, error) {
		*list = append(*list, resp.URL().Path+" "+resp.Status)
		return nil, nil
	}
}

// script is an adapter that plays answers by path, one after another; the last
// of a path is repeated. Bodies tell whether they were closed.
type script struct {
	mu      sync.Mutex
	answers map[string][]reply
	calls   []string
	bodies  []*closeCounter
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, req.URL.Path)
	list := s.answers[req.URL.Path]
	next := reply{status: 200, body: "ok"}
	if len(list) > 0 {
		next = list[0]
	}
	if len(list) > 1 {
		s.answers[req.URL.Path] = list[1:]
	}
	resp := answer(req, next.status, next.header.Clone(), next.body)
	body := &closeCounter{Reader: resp.Body}
	resp.Body = body
	s.bodies = append(s.bodies, body)
	return resp, nil
}

// closed fails where a body was left open.
func (s *script) closed(t *testing.T) {
	t.Helper()
	for i, body := range s.bodies {
		assert.NotZero(t, body.count(), "the body of answer %d was not closed", i)
	}
}

// play makes a session over a script.
func play(t *testing.T, answers map[string][]reply) (*session.Session, *script) {
	t.Helper()
	played := &script{answers: answers}
	s := session.New()
	require.NoError(t, s.Mount("http://", played))
	return s, played
}

func location(to string) http.Header { return http.Header{"Location": {to}} }

var challenge = reply{status: 401, header: http.Header{"Www-Authenticate": {`Digest realm="r", nonce="n", qop="auth"`}}}

func TestHooksSeeEveryHop(t *testing.T) {
	t.Parallel()
	s, _ := play(t, map[string][]reply{
		"/0": {{status: 302, header: location("/1")}},
		"/1": {{status: 307, header: location("/2")}},
		"/2": {{status: 404, body: "gone"}},
	})
	var list []string
	resp, err := s.Get(t.Context(), "http://a.test/0", hooks(seen(&list)))
	assert.Equal(t, "gone", text(t, resp, err))
	assert.Equal(t, []string{"/0 302 Found", "/1 307 Temporary Redirect", "/2 404 Not Found"}, list)

	list = nil
	_, err = s.Get(t.Context(), "http://a.test/0", hooks(seen(&list)), session.FollowRedirects(false))
	require.NoError(t, err)
	assert.Equal(t, []string{"/0 302 Found"}, list)

	list = nil
	s.MaxRedirects = 1
	_, err = s.Get(t.Context(), "http://a.test/0", hooks(seen(&list)))
	require.ErrorIs(t, err, session.ErrTooManyRedirects)
	assert.Equal(t, []string{"/0 302 Found", "/1 307 Temporary Redirect"}, list)
}

// Of what an authentication and retries took, hooks see the last answer.
func TestHooksSeeTheAnswerThatAuthAndRetriesEndWith(t *testing.T) {
	t.Parallel()
	busy := reply{status: 503}
	s, played := play(t, map[string][]reply{
		"/busy":   {busy, busy, {status: 200, body: "ok"}},
		"/digest": {challenge, {status: 200, body: "ok"}},
		"/wrong":  {challenge},
		"/all":    {busy, challenge, busy, {status: 302, header: location("/next")}},
		"/next":   {busy, {status: 200, body: "ok"}},
	})
	s.Retry = &session.Retry{Total: 2, Statuses: []int{503}}
	s.Auth = session.DigestAuth("u", "p")
	for _, c := range []struct {
		path  string
		want  []string
		calls int
	}{
		{"/busy", []string{"/busy 200 OK"}, 3},
		{"/digest", []string{"/digest 200 OK"}, 2},
		{"/wrong", []string{"/wrong 401 Unauthorized"}, 2},
		{"/all", []string{"/all 302 Found", "/next 200 OK"}, 6},
	} {
		var list []string
		played.calls = nil
		_, err := s.Get(t.Context(), "http://a.test"+c.path, hooks(seen(&list)))
		require.NoError(t, err, c.path)
		assert.Equal(t, c.want, list, c.path)
		assert.Len(t, played.calls, c.calls, c.path)
	}
	played.closed(t)
}

func TestHookOfAnAnsweredChallengeSeesItInTheHistory(t *testing.T) {
	t.Parallel()
	s, _ := play(t, map[string][]reply{"/": {challenge, {status: 200}}})
	var history []int
	_, err := s.Get(t.Context(), "http://a.test/", session.DigestAuth("u", "p"), hooks(func(resp *session.Response) (*session.Response, error) {
		for _, before := range resp.History {
			history = append(history, before.StatusCode)
		}
		return nil, nil
	}))
	require.NoError(t, err)
	assert.Equal(t, []int{401}, history)
}

func TestHooksAreNotCalledWithoutAResponse(t *testing.T) {
	t.Parallel()
	s := session.New()
	require.NoError(t, s.Mount("http://", errorAdapter(io.ErrUnexpectedEOF)))
	var list []string
	_, err := s.Get(t.Context(), "http://a.test/", hooks(seen(&list)))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Empty(t, list)
}

func TestHooksRunInOrderEachWithWhatTheOneBeforeGave(t *testing.T) {
	t.Parallel()
	s, played := play(t, nil)
	add := func(name string) session.ResponseHook {
		return func(resp *session.Response) (*session.Response, error) {
			resp.Header.Add("Hooks", name)
			return resp, nil
		}
	}
	replace := func(resp *session.Response) (*session.Response, error) {
		require.NoError(t, resp.Close())
		return &session.Response{Response: answer(resp.Request, 299, resp.Header, "replaced")}, nil
	}
	resp, err := s.Get(t.Context(), "http://a.test/", hooks(add("1"), nil, replace, add("2"),
		func(*session.Response) (*session.Response, error) { return nil, nil }))
	assert.Equal(t, "replaced", text(t, resp, err))
	assert.Equal(t, 299, resp.StatusCode)
	assert.Equal(t, []string{"1", "2"}, resp.Header["Hooks"])
	played.closed(t)
}

func TestHookMayChangeTheResponse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		change func(*session.Response) (*session.Response, error)
		want   string
		err    error // of CheckStatus
	}{
		{"status", func(resp *session.Response) (*session.Response, error) {
			resp.StatusCode = 500
			return nil, nil
		}, "ok", new(session.StatusError)},
		{"body", func(resp *session.Response) (*session.Response, error) {
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(strings.NewReader("<"), resp.Body, strings.NewReader(">")), resp.Body}
			return nil, nil
		}, "<ok>", nil},
		{"nothing, having read it", func(resp *session.Response) (*session.Response, error) {
			content, err := resp.Text()
			assert.Equal(t, "ok", content)
			return nil, err
		}, "ok", nil},
		{"no body", func(resp *session.Response) (*session.Response, error) {
			require.NoError(t, resp.Close())
			resp.Body = nil
			return resp, nil
		}, "", nil},
		{"another without a body", func(resp *session.Response) (*session.Response, error) {
			require.NoError(t, resp.Close())
			return &session.Response{Response: &http.Response{StatusCode: 204}}, nil
		}, "", nil},
	} {
		for what, options := range map[string][]session.Option{
			"loaded": nil, "streamed": {session.Stream(true)}, "bounded": {session.Timeout{Total: time.Hour, Read: time.Hour}},
		} {
			s, played := play(t, nil)
			resp, err := s.Get(t.Context(), "http://a.test/", append(options, hooks(c.change))...)
			assert.Equal(t, c.want, text(t, resp, err), "%s, %s", c.what, what)
			assert.Equal(t, c.err != nil, resp.CheckStatus() != nil, "%s, %s", c.what, what)
			require.NoError(t, resp.Close())
			played.closed(t)
		}
	}
}

func TestHookMayMakeARedirectAndTakeOneAway(t *testing.T) {
	t.Parallel()
	s, played := play(t, map[string][]reply{"/moved": {{status: 302, header: location("/never"), body: "moved"}}})
	resp, err := s.Get(t.Context(), "http://a.test/", hooks(func(resp *session.Response) (*session.Response, error) {
		if resp.URL().Path == "/" {
			resp.StatusCode = 303
			resp.Header.Set("Location", "/next")
		}
		return nil, nil
	}))
	require.NoError(t, err)
	assert.Equal(t, "/next", resp.URL().Path)
	resp, err = s.Get(t.Context(), "http://a.test/moved", hooks(func(resp *session.Response) (*session.Response, error) {
		resp.Header.Del("Location")
		return nil, nil
	}))
	assert.Equal(t, "moved", text(t, resp, err))
	assert.Equal(t, []string{"/", "/next", "/moved"}, played.calls)
	played.closed(t)
}

func TestHookMayAnswerWithAnotherCallOfTheSession(t *testing.T) {
	t.Parallel()
	s, played := play(t, map[string][]reply{"/expired": {{status: 401, body: "expired"}}})
	for _, stream := range []bool{false, true} {
		resp, err := s.Get(t.Context(), "http://a.test/expired", session.Stream(stream), session.Timeout{Total: time.Hour},
			hooks(func(resp *session.Response) (*session.Response, error) {
				require.NoError(t, resp.Close())
				return s.Get(resp.Request.Context(), "http://a.test/fresh", session.Stream(stream))
			}))
		assert.Equal(t, "ok", text(t, resp, err))
	}
	played.closed(t)
}

func TestHookRunsAfterCookiesWereKeptAndBeforeTheBodyIsRead(t *testing.T) {
	t.Parallel()
	s, _ := play(t, map[string][]reply{"/": {{status: 200, header: http.Header{"Set-Cookie": {"id=1"}}, body: "hello"}}})
	jar := s.Jar.(*session.Jar)
	_, err := s.Get(t.Context(), "http://a.test/", hooks(func(resp *session.Response) (*session.Response, error) {
		_, kept := jar.Get(resp.URL(), "id")
		assert.True(t, kept)
		few := make([]byte, 2)
		_, err := io.ReadFull(resp.Body, few)
		assert.Equal(t, "he", string(few))
		return nil, errors.Join(err, errors.New("no"))
	}))
	require.ErrorIs(t, err, session.ErrHook)
	assert.Equal(t, 1, jar.Len(), "the cookie stays though the hook failed")
}

var errRefused = errors.New("refused by the hook")

func refuse(resp *session.Response) (*session.Response, error) { return nil, errRefused }

// refuseAt fails at one path.
func refuseAt(path string) session.ResponseHook {
	return func(resp *session.Response) (*session.Response, error) {
		if resp.URL().Path == path {
			return nil, errRefused
		}
		return nil, nil
	}
}

func TestErrorOfAHookFailsTheCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what    string
		hooks   session.Hooks
		options []session.Option
		calls   []string
		url     string
	}{
		{"at once", hooks(refuse), nil, []string{"/0"}, "http://a.test/0"},
		{"streamed", hooks(refuse), []session.Option{session.Stream(true)}, []string{"/0"}, "http://a.test/0"},
		{"bounded", hooks(refuse), []session.Option{session.Timeout{Total: time.Hour, Read: time.Hour}}, []string{"/0"}, "http://a.test/0"},
		{"not followed", hooks(refuse), []session.Option{session.FollowRedirects(false)}, []string{"/0"}, "http://a.test/0"},
		{"on the way", hooks(refuseAt("/1")), nil, []string{"/0", "/1"}, "http://a.test/1"},
		{"at the end", hooks(refuseAt("/2")), nil, []string{"/0", "/1", "/2"}, "http://a.test/2"},
		{"never retried", hooks(refuse), []session.Option{&session.Retry{Total: 3, Other: 3}}, []string{"/0"}, "http://a.test/0"},
		{"after one that replaced", hooks(func(resp *session.Response) (*session.Response, error) {
			resp.Close()
			return &session.Response{Response: answer(resp.Request, 200, nil, "x")}, nil
		}, refuse), nil, []string{"/0"}, "http://a.test/0"},
		{"with a body that the hook took off", hooks(func(resp *session.Response) (*session.Response, error) {
			resp.Close()
			resp.Body = nil
			return nil, errRefused
		}), nil, []string{"/0"}, "http://a.test/0"},
	} {
		s, played := play(t, map[string][]reply{
			"/0": {{status: 302, header: location("/1"), body: "0"}}, "/1": {{status: 302, header: location("/2"), body: "1"}},
		})
		var list []string
		c.hooks.Response = append(c.hooks.Response, seen(&list))
		resp, err := s.Get(t.Context(), "http://a.test/0", append(c.options, c.hooks)...)
		assert.Nil(t, resp, c.what)
		require.ErrorIs(t, err, session.ErrHook, c.what)
		require.ErrorIs(t, err, errRefused, c.what)
		require.NotErrorIs(t, err, session.ErrConnection, c.what)
		var envelope *url.Error
		require.ErrorAs(t, err, &envelope, c.what)
		assert.Equal(t, c.url, envelope.URL, c.what)
		assert.Equal(t, c.calls, played.calls, c.what)
		assert.Len(t, list, len(c.calls)-1, "%s: no hook comes after it", c.what)
		played.closed(t)
	}
}

func TestFailingHookLeavesNeitherResponseOpen(t *testing.T) {
	t.Parallel()
	s, played := play(t, nil)
	other := &closeCounter{Reader: strings.NewReader("x")}
	_, err := s.Get(t.Context(), "http://a.test/", hooks(func(resp *session.Response) (*session.Response, error) {
		replaced := answer(resp.Request, 200, nil, "")
		replaced.Body = other
		return &session.Response{Response: replaced}, errRefused
	}))
	require.ErrorIs(t, err, errRefused)
	assert.Equal(t, 1, other.count())
	played.closed(t)
}

func TestHookThatGivesAnEmptyResponseFails(t *testing.T) {
	t.Parallel()
	s, played := play(t, nil)
	_, err := s.Get(t.Context(), "http://a.test/", hooks(func(*session.Response) (*session.Response, error) {
		return new(session.Response), nil
	}))
	require.ErrorIs(t, err, session.ErrHook)
	played.closed(t)
}

func TestFailingHookFreesTheConnection(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "some")
		w.(http.Flusher).Flush()
		if r.URL.Path == "/endless" {
			<-r.Context().Done()
			gone <- struct{}{}
		}
	})
	for _, options := range [][]session.Option{nil, {session.Stream(true)}, {session.Timeout{Total: time.Hour, Read: time.Hour}}} {
		s := open(t, srv)
		_, err := s.Post(t.Context(), "http://a.test/endless", append(options, hooks(refuse), session.Text("x"))...)
		require.ErrorIs(t, err, session.ErrHook)
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			require.Fail(t, "the server is still sending")
		}
		resp, err := s.Get(t.Context(), "http://a.test/", options...)
		assert.Equal(t, "some", text(t, resp, err), "and the session goes on")
	}
}

func TestHooksOfTheRequestTakeThePlaceOfTheSessions(t *testing.T) {
	t.Parallel()
	s, _ := play(t, nil)
	var list []string
	note := func(name string) session.ResponseHook {
		return func(*session.Response) (*session.Response, error) {
			list = append(list, name)
			return nil, nil
		}
	}
	s.Hooks = hooks(note("session"))
	for _, c := range []struct {
		what    string
		options []session.Option
		want    []string
	}{
		{"none", nil, []string{"session"}},
		{"zero", []session.Option{session.Hooks{}}, []string{"session"}},
		{"empty, not nil", []session.Option{session.Hooks{Response: []session.ResponseHook{}}}, []string{"session"}},
		{"own", []session.Option{hooks(note("1"), note("2"))}, []string{"1", "2"}},
		{"the last option", []session.Option{hooks(note("1")), hooks(note("2"))}, []string{"2"}},
		{"own, then empty", []session.Option{hooks(note("1")), hooks()}, []string{"1"}},
	} {
		list = nil
		_, err := s.Get(t.Context(), "http://a.test/", c.options...)
		require.NoError(t, err)
		assert.Equal(t, c.want, list, c.what)

		list = nil
		req, err := s.Prepare(t.Context(), &session.Request{URL: "http://a.test/"})
		require.NoError(t, err)
		_, err = s.SendPrepared(req, c.options...)
		require.NoError(t, err)
		assert.Equal(t, c.want, list, "%s, as options of SendPrepared", c.what)
	}
	assert.Len(t, s.Hooks.Response, 1, "the session's are not written to")
}

func TestHooksTravelWithAPreparedRequest(t *testing.T) {
	t.Parallel()
	s, _ := play(t, nil)
	var list []string
	req, err := s.Prepare(t.Context(), &session.Request{URL: "http://a.test/", Hooks: hooks(seen(&list))})
	require.NoError(t, err)
	assert.Empty(t, list)
	_, err = s.SendPrepared(req)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

func TestHooksOfTheSessionServeDoAndClient(t *testing.T) {
	t.Parallel()
	s, played := play(t, nil)
	s.Hooks = hooks(func(resp *session.Response) (*session.Response, error) {
		if resp.URL().Path == "/refused" {
			return nil, errRefused
		}
		resp.Header.Set("Hooked", "yes")
		return nil, nil
	})
	for what, do := range map[string]func(*http.Request) (*http.Response, error){"Do": s.Do, "Client": s.Client().Do} {
		for _, path := range []string{"/", "/refused"} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", "http://a.test"+path, nil)
			require.NoError(t, err)
			resp, err := do(req)
			if path == "/refused" {
				require.ErrorIs(t, err, session.ErrHook, what)
				require.ErrorIs(t, err, errRefused, what)
				continue
			}
			require.NoError(t, err, what)
			assert.Equal(t, "yes", resp.Header.Get("Hooked"), what)
			require.NoError(t, resp.Body.Close())
		}
	}
	played.closed(t)
}

func TestHooksSeeTheHopsOfFollow(t *testing.T) {
	t.Parallel()
	s, played := play(t, map[string][]reply{
		"/0": {{status: 302, header: location("/1")}}, "/1": {{status: 302, header: location("/2")}},
	})
	var list []string
	first, err := s.Get(t.Context(), "http://a.test/0", session.FollowRedirects(false), hooks(seen(&list), refuseAt("/2")))
	require.NoError(t, err)
	var last error
	for _, err := range s.Follow(first) {
		last = err
	}
	require.ErrorIs(t, last, session.ErrHook)
	assert.Equal(t, []string{"/0 302 Found", "/1 302 Found", "/2 200 OK"}, list)
	played.closed(t)
}

func TestHooksInParallel(t *testing.T) {
	t.Parallel()
	s, _ := play(t, map[string][]reply{"/0": {{status: 302, header: location("/1")}}})
	var calls atomic.Int32
	s.Hooks = hooks(func(resp *session.Response) (*session.Response, error) {
		calls.Add(1)
		resp.Header.Set("Hooked", "yes")
		return resp, nil
	})
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			resp, err := s.Get(context.Background(), "http://a.test/0")
			if assert.NoError(t, err) {
				assert.Equal(t, "yes", resp.Header.Get("Hooked"))
			}
		})
	}
	wait.Wait()
	assert.EqualValues(t, 32, calls.Load())
}

// What a hook makes of net/http's response alone stands in for the one before:
// its Location is followed from there.
func TestRedirectThatAHookMadeIsFollowed(t *testing.T) {
	t.Parallel()
	moving := hooks(func(resp *session.Response) (*session.Response, error) {
		if resp.URL().Path != "/d/" {
			return nil, nil
		}
		return &session.Response{Response: &http.Response{StatusCode: 307, Header: location("../next")}}, resp.Close()
	})
	s, played := play(t, nil)
	resp, err := s.Post(t.Context(), "http://a.test/d/", moving, session.Text("x"))
	assert.Equal(t, "ok", text(t, resp, err))
	assert.Equal(t, "POST /next", resp.Request.Method+" "+resp.URL().Path)
	require.Len(t, resp.History, 1)
	assert.Equal(t, "/d/", resp.History[0].URL().Path)

	first, err := s.Get(t.Context(), "http://a.test/d/", moving, session.FollowRedirects(false))
	require.NoError(t, err)
	next, err := first.Next()
	require.NoError(t, err)
	assert.Equal(t, "/next", next.URL.Path)
	for resp, err := range s.Follow(first) {
		assert.Equal(t, "ok", text(t, resp, err))
	}
	s.Hooks = moving
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test/d/", nil)
	require.NoError(t, err)
	got, err := s.Do(req)
	assert.Equal(t, "ok", content(t, got, err))
	assert.Equal(t, []string{"/d/", "/next", "/d/", "/next", "/d/", "/next"}, played.calls)
	played.closed(t)
}

func TestFailingHookClosesOnce(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]session.Option{nil, {session.Stream(true)}, {session.Timeout{Total: time.Hour, Read: time.Hour}}} {
		s, played := play(t, nil)
		_, err := s.Get(t.Context(), "http://a.test/", append(opts, hooks(refuse))...)
		require.ErrorIs(t, err, errRefused)
		_, err = s.Get(t.Context(), "http://a.test/", append(opts, hooks(func(resp *session.Response) (*session.Response, error) {
			return resp, errors.Join(errRefused, resp.Close())
		}))...)
		require.ErrorIs(t, err, errRefused)
		for _, body := range played.bodies {
			assert.Equal(t, 1, body.count())
		}
	}
}

func TestHookThatPanicsLeavesNoConnectionOpen(t *testing.T) {
	t.Parallel()
	srv, open := serveCounted(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
	}, false)
	for _, opts := range [][]session.Option{nil, {session.Stream(true)}, {session.Timeout{Total: time.Hour, Read: time.Hour}}} {
		s := session.New()
		for _, path := range []string{"/", "/moved"} {
			assert.PanicsWithValue(t, "the hook's", func() {
				_, _ = s.Get(t.Context(), srv.URL+path, append(opts, hooks(func(resp *session.Response) (*session.Response, error) {
					if !resp.IsRedirect() {
						panic("the hook's")
					}
					return nil, nil
				}))...)
			})
		}
		open.closed(t, func() { _ = s.Close() })
	}
}

// A hook that ran into a timeout makes the call one that did.
func TestTimeoutOfAHookIsATimeout(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	for what, c := range map[string]struct {
		fails   func(*session.Session) error
		timeout bool
	}{
		"another call": {func(s *session.Session) error {
			_, err := s.Get(t.Context(), "http://slow.test/", session.Timeout{Total: 1})
			return err
		}, true},
		"another call, past the deadline": {func(s *session.Session) error {
			_, err := s.Get(ended, "http://slow.test/")
			return err
		}, true},
		"a deadline":   {func(*session.Session) error { return context.DeadlineExceeded }, true},
		"net/http's":   {func(*session.Session) error { return &url.Error{Err: context.DeadlineExceeded} }, true},
		"no timeout":   {func(*session.Session) error { return errRefused }, false},
		"cancellation": {func(*session.Session) error { return context.Canceled }, false},
	} {
		s, _ := play(t, nil)
		require.NoError(t, s.Mount("http://slow.test", roundTripper(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})))
		_, err := s.Get(t.Context(), "http://a.test/", hooks(func(*session.Response) (*session.Response, error) {
			return nil, c.fails(s)
		}))
		require.ErrorIs(t, err, session.ErrHook, what)
		var envelope *url.Error
		require.ErrorAs(t, err, &envelope, what)
		assert.Equal(t, c.timeout, envelope.Timeout(), "%s: %v", what, err)
	}
}
