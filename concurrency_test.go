package session_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// together runs tasks, each so many times and all at once.
func together(times int, tasks ...func(worker, n int)) {
	var running sync.WaitGroup
	for worker, task := range tasks {
		running.Go(func() {
			for n := range times {
				task(worker, n)
			}
		})
	}
	running.Wait()
}

// signed is a body that tells whose it is and whether it is whole.
func signed(id string, size int) string {
	text := strings.Repeat(id+" ", size/(len(id)+1)+1)[:size]
	return fmt.Sprintf("%s\n%x\n%s", id, sha256.Sum256([]byte(text)), text)
}

// checkSigned says what is wrong with a body that should be id's.
func checkSigned(id, body string) error {
	owner, rest, _ := strings.Cut(body, "\n")
	sum, text, _ := strings.Cut(rest, "\n")
	switch {
	case owner != id:
		return fmt.Errorf("the body of %q came to %q", owner, id)
	case fmt.Sprintf("%x", sha256.Sum256([]byte(text))) != sum:
		return fmt.Errorf("the body of %q is damaged", id)
	}
	return nil
}

// echo sends a request's body back, in a coding, behind a redirect, or broken
// off at first, as the path says; the body must be the one that X-Id names.
func echo(problems *sync.Map) http.HandlerFunc {
	var calls atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		id := r.Header.Get("X-Id")
		if err == nil && len(read) > 0 {
			err = checkSigned(id, string(read))
		}
		if err != nil {
			problems.Store(id, err)
		}
		http.SetCookie(w, &http.Cookie{Name: "seen" + id[:1], Value: id})
		switch {
		case r.URL.Path == "/307" || r.URL.Path == "/302":
			status := map[string]int{"/307": 307, "/302": 302}[r.URL.Path]
			http.Redirect(w, r, "/end", status)
		case r.URL.Path == "/busy" && calls.Add(1)%2 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case len(read) == 0:
			_, _ = io.WriteString(w, signed(id, 3000))
		case r.URL.Path == "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(gzipped(string(read)))
		default:
			_, _ = w.Write(read)
		}
	}
}

// One session, and everything at once: each body must be its request's own.
func TestOneSessionDoesEverythingAtOnce(t *testing.T) {
	t.Parallel()
	var problems sync.Map
	srv := serve(t, echo(&problems))
	secured := &digestServer{algorithm: "SHA-256", qop: "auth", user: "u", password: "p", uses: 3}
	guarded := serve(t, secured.ServeHTTP)
	s := open(t, srv)
	require.NoError(t, s.Mount("http://guarded.test", dialTo(guarded)))
	s.Retry = &session.Retry{Total: 50, Statuses: []int{503}, Methods: []string{"*"}}
	s.Timeout = session.Timeout{Connect: time.Minute, Read: time.Minute, Total: time.Minute}
	s.Cache = new(session.RedirectCache)
	s.Auth = session.BearerAuth("token")
	digest := session.DigestAuth("u", "p")

	ask := func(method, path string, opts ...session.Option) func(int, int) {
		return func(worker, n int) {
			id := fmt.Sprintf("%d-%d", worker, n)
			sent := signed(id, 100+37*n*n*n)
			given := append([]session.Option{session.Header{"X-Id": {id}}}, opts...)
			if method != "GET" {
				given = append(given, session.Text(sent))
			}
			resp, err := s.Request(context.Background(), method, "http://a.test"+path, given...)
			if !assert.NoError(t, err) {
				return
			}
			got, err := resp.Text()
			assert.NoError(t, err)
			assert.NoError(t, checkSigned(id, got))
			assert.Equal(t, id, resp.Request.Header.Get("X-Id"))
		}
	}
	do := func(doer doer) func(int, int) {
		return func(worker, n int) {
			id := fmt.Sprintf("%d-%d", worker, n)
			req, err := http.NewRequest("PUT", "http://a.test/307", strings.NewReader(signed(id, 5000)))
			if !assert.NoError(t, err) {
				return
			}
			req.Header.Set("X-Id", id)
			resp, err := doer.Do(req)
			if !assert.NoError(t, err) {
				return
			}
			defer resp.Body.Close()
			read, err := io.ReadAll(resp.Body)
			assert.NoError(t, err)
			assert.NoError(t, checkSigned(id, string(read)))
		}
	}
	together(8,
		ask("GET", "/"), ask("GET", "/302"), ask("GET", "/busy"), ask("POST", "/"), ask("PUT", "/307"), ask("POST", "/gzip"),
		ask("PATCH", "/busy"), ask("DELETE", "/", session.Stream(true)), ask("PUT", "/307", session.Cookies{"own": "1"}),
		do(s), do(s.Client()),
		func(int, int) { // digest, whose nonces go stale
			resp, err := s.Put(context.Background(), "http://guarded.test/", digest, session.Text("x"))
			if assert.NoError(t, err) {
				assert.Equal(t, http.StatusOK, resp.StatusCode)
			}
		},
		func(_, n int) { // cancelled at some point
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Duration(n)*100*time.Microsecond, cancel)
			_, err := s.Post(ctx, "http://a.test/", session.Header{"X-Id": {"c"}}, session.Text(signed("c", 1000)))
			assert.True(t, err == nil || errors.Is(err, context.Canceled), "%v", err)
		},
		func(_, n int) { // left unread
			resp, err := s.Get(context.Background(), "http://a.test/", session.Stream(true), session.Header{"X-Id": {"s"}})
			if assert.NoError(t, err) {
				assert.NoError(t, resp.Close())
			}
		},
		func(_, n int) { // settings of the table
			prefix := fmt.Sprintf("http://mounted%d.test", n)
			assert.NoError(t, s.Mount(prefix, &stub{name: "stub"}))
			resp, err := s.Get(context.Background(), prefix+"/")
			if assert.NoError(t, err) {
				got, err := resp.Text()
				assert.NoError(t, err)
				assert.Equal(t, "stub", got)
			}
			assert.True(t, s.Unmount(prefix))
			assert.GreaterOrEqual(t, len(s.Adapters()), 3)
		},
		func(_, n int) { // a clone changes apart
			clone := s.Clone()
			clone.Header.Set("X-Clone", "1")
			clone.Jar.(*session.Jar).Clear()
			resp, err := clone.Get(context.Background(), "http://a.test/", session.Header{"X-Id": {"k"}})
			if assert.NoError(t, err) {
				got, err := resp.Text()
				assert.NoError(t, err)
				assert.NoError(t, checkSigned("k", got))
			}
		},
		func(int, int) { // state
			data, _, err := s.MarshalState()
			assert.NoError(t, err)
			_, err = session.UnmarshalState(data)
			assert.NoError(t, err)
		},
		func(int, int) { assert.NoError(t, s.Close()) },
		func(_, n int) { // cookies
			jar := s.Jar.(*session.Jar)
			jar.SetHeader(mustURL(t, "http://a.test/"), []string{fmt.Sprintf("mine=%d", n)})
			for range jar.All() {
			}
			_ = jar.Header(mustURL(t, "http://a.test/"))
		},
	)
	problems.Range(func(id, err any) bool { return assert.Fail(t, fmt.Sprint(err), id) })
	assert.Empty(t, secured.problems)
	assert.Empty(t, s.Header["X-Clone"])
	assert.Equal(t, []string{"http://guarded.test", "https://", "http://"}, prefixes(s))
	_, kept := s.Jar.(*session.Jar).Get(mustURL(t, "http://a.test/"), "seen0")
	assert.True(t, kept)
}

// A server answers while a body is still sent: what is left of that must not
// become part of another request.
func TestBodiesDoNotCrossWhereAnAnswerComesEarly(t *testing.T) {
	t.Parallel()
	s, address := serving(t, func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Id")
		if strings.HasPrefix(r.URL.Path, "/early") {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = io.WriteString(w, signed(id, 10))
			return
		}
		read, err := io.ReadAll(r.Body)
		if err == nil {
			err = checkSigned(id, string(read))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, signed(id, 10))
	})
	send := func(path string, size int) func(int, int) {
		return func(worker, n int) {
			id := fmt.Sprintf("%d-%d", worker, n)
			resp, err := s.Put(context.Background(), address+path, session.Header{"X-Id": {id}},
				session.Reader(unsized(signed(id, size))))
			if path != "/" && errors.Is(err, session.ErrConnection) {
				return // the server hung up on the rest of the body
			}
			if !assert.NoError(t, err) {
				return
			}
			got, err := resp.Text()
			assert.NoError(t, err)
			assert.NoError(t, checkSigned(id, got))
		}
	}
	together(10, send("/early", 300<<10), send("/", 2000), send("/early", 1<<20), send("/", 50<<10), send("/early", 100), send("/", 10))
}

// A transport may go on reading a body after it has answered; it must not take
// anything from the next attempt.
func TestOneReaderIsReadByOneAttemptAtATime(t *testing.T) {
	t.Parallel()
	for _, file := range []bool{false, true} {
		var first io.Reader
		s := over(t, func(req *http.Request) (*http.Response, error) {
			if first == nil {
				first = req.Body
				_, err := io.ReadFull(first, make([]byte, 1000))
				assert.NoError(t, err)
				resp := answer(&http.Request{}, 307, http.Header{"Location": {"/end"}}, "")
				return resp, nil // the body is still open
			}
			read := make([]byte, 1000)
			_, err := io.ReadFull(req.Body, read)
			assert.NoError(t, err)
			n, err := first.Read(make([]byte, 100))
			assert.Zero(t, n)
			assert.Error(t, err)
			rest, err := io.ReadAll(req.Body)
			assert.NoError(t, err)
			return answer(req, 200, nil, string(read)+string(rest)), nil
		})
		sent := signed("1", 5000)
		var body session.Option = session.Reader(strings.NewReader(sent))
		if file {
			body = session.Files{{Field: "f", Content: session.Reader(strings.NewReader(sent))}}
		}
		resp, err := s.Put(t.Context(), "http://a.test/", body)
		got := text(t, resp, err)
		assert.Contains(t, got, sent)
		assert.Equal(t, !file, got == sent)
	}
}

func TestAPreparedRequestIsSentByMany(t *testing.T) {
	t.Parallel()
	var problems sync.Map
	srv := serve(t, echo(&problems))
	s := open(t, srv)
	r := &session.Request{
		Method: "PUT", URL: "http://a.test/307", Header: http.Header{"X-Id": {"p"}}, Body: session.Text(signed("p", 5000)),
		Params: map[string][]string{"a": {"1"}}, Cookies: session.Cookies{"c": "1"},
	}
	send := func(int, int) {
		resp, err := s.Send(context.Background(), r)
		if assert.NoError(t, err) {
			got, err := resp.Text()
			assert.NoError(t, err)
			assert.NoError(t, checkSigned("p", got))
		}
	}
	together(5, send, send, send, send)
	assert.Len(t, srv.requests(), 40)
	problems.Range(func(id, err any) bool { return assert.Fail(t, fmt.Sprint(err), id) })
}

func TestEnvironmentIsReadAtOnce(t *testing.T) {
	t.Setenv("NO_PROXY", "*")
	t.Setenv("HTTP_PROXY", "http://proxy.test")
	srv := serve(t, nil)
	s := open(t, srv)
	send := func(int, int) {
		_, err := s.Get(context.Background(), "http://a.test/")
		assert.NoError(t, err)
		_ = s.MergeEnvironment(mustURL(t, "http://b.test/"), session.Request{})
	}
	together(5, send, send, send, send)
}

// TestNothingOfACallOutlivesIt keeps the last response alone.
func TestNothingOfACallOutlivesIt(t *testing.T) {
	t.Parallel()
	s := session.New()
	require.NoError(t, s.Mount("https://", roundTripper(small)))
	var first weak.Pointer[http.Request]
	resp, err := s.Get(t.Context(), "https://a.test/", session.Timeout{Total: time.Minute}, session.AuthFunc(func(req *http.Request) error {
		first = weak.Make(req)
		return nil
	}))
	require.NoError(t, err)
	runtime.GC()
	runtime.GC()
	assert.Nil(t, first.Value(), "the request as it was before it got its deadline")
	runtime.KeepAlive(resp)
}
