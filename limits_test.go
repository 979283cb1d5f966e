package session_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// limited requires an error that names a limit and its value.
func limited(t *testing.T, err error, limit string, most int64) {
	t.Helper()
	var crossed *session.LimitError
	require.ErrorAs(t, err, &crossed)
	require.ErrorIs(t, err, session.ErrLimit)
	assert.Equal(t, session.LimitError{Limit: limit, Max: most}, *crossed)
}

func TestLimitOnABody(t *testing.T) {
	t.Parallel()
	const most = 1000
	for _, coded := range []bool{false, true} {
		for _, chunked := range []bool{false, true} {
			for _, size := range []int{most - 1, most, most + 1, 1 << 20} {
				content := bytes.Repeat([]byte("a"), size)
				srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					body := content
					if coded {
						body = gzipped(string(content))
						w.Header().Set("Content-Encoding", "gzip")
					}
					if chunked {
						w.(http.Flusher).Flush()
					}
					_, _ = w.Write(body)
				})
				s := open(t, srv)
				s.Limits.Body = most
				what := fmt.Sprintf("coded %t, chunked %t, %d bytes", coded, chunked, size)

				resp, err := s.Get(t.Context(), "http://a.test/")
				streamed, streamErr := s.Get(t.Context(), "http://a.test/", session.Stream(true))
				require.NoError(t, streamErr, what)
				got, streamErr := io.ReadAll(streamed.Body)
				_ = streamed.Close()
				assert.Equal(t, content[:min(size, most)], got, what)
				if size > most {
					limited(t, err, "length of a body", most)
					limited(t, streamErr, "length of a body", most)
					assert.Nil(t, resp)
					continue
				}
				require.NoError(t, err, what)
				require.NoError(t, streamErr, what)
				whole, err := resp.Bytes()
				require.NoError(t, err, what)
				assert.Equal(t, content, whole, what)
			}
		}
	}
}

// What the session's limits become later does not change those of a request that
// was prepared before.
func TestPreparedRequestsKeepTheirLimits(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })
	s := open(t, srv)
	prepare := func() *http.Request {
		req, err := s.Prepare(t.Context(), &session.Request{URL: "http://a.test/"})
		require.NoError(t, err)
		return req
	}
	free := prepare()
	s.Limits.Body = 5
	bound := prepare()
	resp, err := s.SendPrepared(free)
	assert.Equal(t, "0123456789", text(t, resp, err))
	s.Limits.Body = 0
	_, err = s.SendPrepared(bound)
	limited(t, err, "length of a body", 5)
}

func TestLimitsOfARequestOverTheSessions(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })
	s := open(t, srv)
	s.Limits.Body = 5
	_, err := s.Get(t.Context(), "http://a.test/")
	limited(t, err, "length of a body", 5)
	_, err = s.Get(t.Context(), "http://a.test/", session.Limits{Codings: 1})
	limited(t, err, "length of a body", 5)
	resp, err := s.Get(t.Context(), "http://a.test/", session.Limits{Body: 10})
	assert.Equal(t, "0123456789", text(t, resp, err))
	resp, err = s.Get(t.Context(), "http://a.test/", session.Limits{Body: -1})
	assert.Equal(t, "0123456789", text(t, resp, err))
	resp, err = s.Send(t.Context(), &session.Request{URL: "http://a.test/", Limits: session.Limits{Body: 11}})
	assert.Equal(t, "0123456789", text(t, resp, err))
	prepared, err := s.Prepare(t.Context(), &session.Request{URL: "http://a.test/"})
	require.NoError(t, err)
	resp, err = s.SendPrepared(prepared, session.Limits{Body: 12})
	assert.Equal(t, "0123456789", text(t, resp, err))

	got, err := s.Do(prepared)
	require.NoError(t, err)
	defer got.Body.Close()
	_, err = io.ReadAll(got.Body)
	limited(t, err, "length of a body", 5)
}

func TestLimitOnCodings(t *testing.T) {
	t.Parallel()
	content := []byte("content")
	for range 6 {
		content = gzipped(string(content))
	}
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", strings.TrimSuffix(strings.Repeat("gzip, ", 6), ", "))
		_, _ = w.Write(content)
	})
	s := open(t, srv)
	_, err := s.Get(t.Context(), "http://a.test/")
	limited(t, err, "codings", 5)
	_, err = s.Get(t.Context(), "http://a.test/", session.Limits{Codings: 2})
	limited(t, err, "codings", 2)
	for _, more := range []int64{6, -1} {
		resp, err := s.Get(t.Context(), "http://a.test/", session.Limits{Codings: more})
		assert.Equal(t, "content", text(t, resp, err))
	}
}

func TestLimitOnTheRatio(t *testing.T) {
	t.Parallel()
	bomb := gzipped(string(make([]byte, 40<<20)))
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb)
	})
	s := open(t, srv)
	_, err := s.Get(t.Context(), "http://a.test/")
	limited(t, err, "decompression ratio", 1000)
	_, err = s.Get(t.Context(), "http://a.test/", session.Limits{Ratio: 10})
	limited(t, err, "decompression ratio", 10)
	for _, ratio := range []int64{1100, -1} {
		resp, err := s.Get(t.Context(), "http://a.test/", session.Limits{Ratio: ratio}, session.Stream(true))
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		assert.EqualValues(t, 40<<20, n)
		require.NoError(t, resp.Close())
	}
}

func TestLimitOnHeaderLines(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for range 1001 - 3 { // Date, Content-Length, Content-Type
			w.Header().Add("X", "1")
		}
		if r.URL.Path == "/more" {
			w.Header().Add("Y", "1")
		}
		_, _ = io.WriteString(w, "ok")
	})
	s := open(t, srv)
	s.Retry = &session.Retry{Total: 3, Methods: []string{"*"}}
	_, err := s.Get(t.Context(), "http://a.test/more")
	limited(t, err, "number of header lines", 1000)
	assert.Len(t, srv.requests(), 1, "it is not asked for again")
	resp, err := s.Get(t.Context(), "http://a.test/", session.Limits{HeaderLines: 1001})
	assert.Equal(t, "ok", text(t, resp, err))
	resp, err = s.Get(t.Context(), "http://a.test/more", session.Limits{HeaderLines: -1})
	assert.Equal(t, "ok", text(t, resp, err))
}

func TestLimitOnTheSizeOfHeaders(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 1<<20))
		_, _ = io.WriteString(w, "ok")
	})
	s := session.New()
	defer s.Close()
	_, err := s.Get(t.Context(), srv.URL)
	limited(t, err, "size of response headers", 1<<20)
	require.NoError(t, s.Mount("http://", &session.HTTPAdapter{Base: &http.Transport{MaxResponseHeaderBytes: 4 << 10}}))
	_, err = s.Get(t.Context(), srv.URL)
	limited(t, err, "size of response headers", 4<<10)
	require.NoError(t, s.Mount("http://", &session.HTTPAdapter{Base: &http.Transport{MaxResponseHeaderBytes: 2 << 20}}))
	resp, err := s.Get(t.Context(), srv.URL)
	assert.Equal(t, "ok", text(t, resp, err))
}

func TestLimitOnALocation(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Location", "/"+strings.Repeat("a", 64<<10))
			w.WriteHeader(http.StatusFound)
		}
	})
	s := open(t, srv)
	_, err := s.Get(t.Context(), "http://a.test/")
	limited(t, err, "length of Location", 64<<10)
	_, err = s.Get(t.Context(), "http://a.test/", session.Limits{Location: 10})
	limited(t, err, "length of Location", 10)
	resp, err := s.Get(t.Context(), "http://a.test/", session.Limits{Location: 65 << 10})
	require.NoError(t, err)
	assert.Len(t, resp.History, 1)
}

func TestLimitOnALine(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "short\n0123456789\n") })
	s := open(t, srv)
	lines := func(limit int64) (got []string, err error) {
		resp, err := s.Get(t.Context(), "http://a.test/", session.Limits{Line: limit})
		require.NoError(t, err)
		for line, err := range resp.Lines() {
			if err != nil {
				return got, err
			}
			got = append(got, string(line))
		}
		return got, nil
	}
	got, err := lines(9)
	limited(t, err, "length of a line", 9)
	assert.Equal(t, []string{"short"}, got)
	for _, enough := range []int64{10, -1, 0} {
		got, err = lines(enough)
		require.NoError(t, err)
		assert.Equal(t, []string{"short", "0123456789"}, got)
	}
}

// Beyond the limit the connection is given up, and within it used again.
func TestLimitOnWhatIsDrained(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size   int
		drain  int64
		reused bool
	}{{64 << 10, 0, true}, {65 << 10, 0, false}, {100, 10, false}, {100, 100, true}, {1 << 20, 1 << 20, true}, {1 << 20, -1, true}} {
		for _, chunked := range []bool{false, true} {
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					w.Header().Set("Location", "/next")
					w.WriteHeader(http.StatusFound)
					if chunked {
						w.(http.Flusher).Flush()
					}
					_, _ = w.Write(make([]byte, c.size))
				}
			})
			s := open(t, srv)
			_, err := s.Get(t.Context(), "http://a.test/", session.Limits{Drain: c.drain, DrainTime: time.Minute})
			require.NoError(t, err)
			got := srv.requests()
			require.Len(t, got, 2)
			assert.Equal(t, c.reused, got[0].RemoteAddr == got[1].RemoteAddr, "%+v, chunked %t", c, chunked)
		}
	}
}

// What a longer Link holds is refused as a whole, so that no link is lost unseen.
func TestLimitOnLinks(t *testing.T) {
	t.Parallel()
	link := func(length int) string { return "<" + strings.Repeat("a", length-2) + ">" }
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/most":
			w.Header()["Link"] = []string{link(64 << 10)}
		case "/more":
			w.Header()["Link"] = []string{link(64<<10 + 1)}
		case "/most in lines":
			w.Header()["Link"] = []string{link(32 << 10), link(16 << 10), link(16<<10 - 4)}
		case "/more in lines":
			w.Header()["Link"] = []string{link(32 << 10), link(16 << 10), link(16<<10 - 3)}
		}
		_, _ = io.WriteString(w, "ok")
	})
	s := open(t, srv)
	s.Retry = &session.Retry{Total: 3, Methods: []string{"*"}}
	for path, links := range map[string]int{"/": 0, "/most": 1, "/most in lines": 3} {
		resp, err := s.Get(t.Context(), "http://a.test"+path)
		require.NoError(t, err, path)
		assert.Len(t, resp.Links(), links, path)
	}
	asked := len(srv.requests())
	for path, links := range map[string]int{"/more": 1, "/more in lines": 3} {
		asked++
		_, err := s.Get(t.Context(), "http://a.test"+path)
		limited(t, err, "length of Link", 64<<10)
		require.ErrorIs(t, err, session.ErrProtocol)
		assert.Len(t, srv.requests(), asked, "it is not asked for again")
		for _, enough := range []int64{64<<10 + 1, -1} {
			asked++
			resp, err := s.Get(t.Context(), "http://a.test"+path, session.Limits{Links: enough})
			require.NoError(t, err, path)
			assert.Len(t, resp.Links(), links, path)
		}
	}
	_, err := s.Get(t.Context(), "http://a.test/most", session.Limits{Links: 10})
	limited(t, err, "length of Link", 10)
}

// A program may make its own responses, of which all links are given.
func TestLinksThatAHookMadeAreNotLimited(t *testing.T) {
	t.Parallel()
	const links = 10_000
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	s := open(t, srv)
	resp, err := s.Get(t.Context(), "http://a.test/", session.Hooks{Response: []session.ResponseHook{func(r *session.Response) (*session.Response, error) {
		for i := range links {
			r.Header.Add("Link", fmt.Sprintf("</%d>; rel=%d", i, i))
		}
		return nil, nil
	}}})
	require.NoError(t, err)
	got := resp.Links()
	assert.Len(t, got, links)
	assert.Equal(t, "/9999", got["9999"]["url"])
}
