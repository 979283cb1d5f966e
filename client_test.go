package session_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// doer is what generated clients and SDKs ask for.
type doer interface {
	Do(*http.Request) (*http.Response, error)
}

// doers are the two forms in which a session stands in for an http.Client.
func doers(s *session.Session) map[string]doer {
	return map[string]doer{"Do": s, "Client": s.Client()}
}

// outgoing makes a request in the test's context.
func outgoing(t testing.TB, method, address string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	require.NoError(t, err)
	return req
}

// content reads a response of net/http's, whose error must be nil.
func content(t testing.TB, resp *http.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(read)
}

// petClient is written as code generators write it: it knows of a doer alone.
type petClient struct {
	server string
	http   doer
	edit   func(*http.Request)
}

type pet struct{ Name string }

func (c petClient) addPet(ctx context.Context, p pet) (*pet, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+"/pets", bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.edit != nil {
		c.edit(req)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return nil, fmt.Errorf("status %s", resp.Status)
	}
	added := new(pet)
	return added, json.NewDecoder(resp.Body).Decode(added)
}

func TestAGeneratedClientRunsOnASession(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/pets" {
			http.Redirect(w, r, "/v2/pets", http.StatusPermanentRedirect)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1", Path: "/"})
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(gzipped(`{"name":"Rex"}`))
	})
	s := session.New()
	defer s.Close()
	s.Auth = session.BearerAuth("token")
	s.Header.Set("X-Team", "blue")
	for name, doer := range doers(s) {
		added, err := petClient{server: srv.URL, http: doer}.addPet(t.Context(), pet{"Rex"})
		require.NoError(t, err, name)
		assert.Equal(t, "Rex", added.Name)
		got := srv.last(t)
		assert.Equal(t, `{"Name":"Rex"}`, got.Body, "sent again after the redirect")
		assert.Equal(t, "Bearer token", got.Header.Get("Authorization"))
		assert.Equal(t, "blue", got.Header.Get("X-Team"))
	}
	assert.Equal(t, "sid=1", srv.last(t).Header.Get("Cookie"), "cookies are kept between the two")
}

// whatPagesSay is code under test that knows of http.DefaultClient alone.
func whatPagesSay(server string) (pages []string, err error) {
	collect := func(resp *http.Response, failed error) {
		if failed != nil {
			err = failed
			return
		}
		defer resp.Body.Close()
		read, failed := io.ReadAll(resp.Body)
		err = errors.Join(err, failed)
		pages = append(pages, fmt.Sprintf("%d %s %s %q %d", resp.StatusCode, resp.Request.Method, resp.Request.URL.Path,
			read, resp.ContentLength))
	}
	collect(http.Get(server + "/plain"))
	collect(http.Get(server + "/coded"))
	collect(http.Get(server + "/old"))
	collect(http.Head(server + "/plain"))
	collect(http.Post(server+"/echo", "text/plain", strings.NewReader("hello")))
	collect(http.PostForm(server+"/echo", url.Values{"a": {"1"}}))
	collect(http.Get(server + "/missing"))
	return pages, err
}

// It swaps a global of net/http, so it does not run beside others.
func TestASessionTakesTheRoleOfTheDefaultClient(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/plain", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "plain") })
	mux.HandleFunc("/coded", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(gzipped("coded"))
	})
	mux.Handle("/old", http.RedirectHandler("/plain", http.StatusFound))
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s ", r.Header.Get("Content-Type"), r.Header.Get("X-Team"))
		_, _ = io.Copy(w, r.Body)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	want, err := whatPagesSay(srv.URL)
	require.NoError(t, err)

	s := session.New()
	defer s.Close()
	before := http.DefaultClient
	http.DefaultClient = s.Client()
	defer func() { http.DefaultClient = before }()
	got, err := whatPagesSay(srv.URL)
	require.NoError(t, err)
	assert.Equal(t, want, got)

	s.Header.Set("X-Team", "blue")
	resp, err := http.Post(srv.URL+"/echo", "text/plain", strings.NewReader("hello"))
	assert.Equal(t, "text/plain blue hello", content(t, resp, err), "it is the session that sends")
}

func TestCodingsOfDo(t *testing.T) {
	t.Parallel()
	coded := gzipped("some text")
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/plain" {
			_, _ = io.WriteString(w, "some text")
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", fmt.Sprint(len(coded)))
		if r.URL.Path == "/part" {
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(coded)
	})
	s := session.New()
	defer s.Close()
	for _, c := range []struct {
		name, method, path string
		header             http.Header
		asked              string // the Accept-Encoding that is sent
		decoded            bool
	}{
		{"asked for by the session", "GET", "/", nil, "gzip, deflate, br, zstd", true},
		{"asked for by the caller", "GET", "/", http.Header{"Accept-Encoding": {"gzip"}}, "gzip", false},
		{"identity asked for", "GET", "/", http.Header{"Accept-Encoding": {"identity"}}, "identity", false},
		{"a range", "GET", "/part", http.Header{"Range": {"bytes=0-"}}, "", false},
		{"HEAD", "HEAD", "/", nil, "", false},
		{"no coding", "GET", "/plain", nil, "gzip, deflate, br, zstd", false},
	} {
		for what, doer := range doers(s) {
			req := outgoing(t, c.method, srv.URL+c.path, nil)
			req.Header = c.header.Clone()
			if req.Header == nil {
				req.Header = http.Header{}
			}
			resp, err := doer.Do(req)
			got := content(t, resp, err)
			assert.Equal(t, c.asked, srv.last(t).Header.Get("Accept-Encoding"), "%s, %s", c.name, what)
			assert.Equal(t, c.decoded, resp.Uncompressed, "%s, %s", c.name, what)
			switch {
			case c.decoded:
				assert.Equal(t, "some text", got)
				assert.EqualValues(t, -1, resp.ContentLength)
				assert.NotContains(t, resp.Header, "Content-Encoding")
				assert.NotContains(t, resp.Header, "Content-Length")
			case c.path == "/plain":
				assert.Equal(t, "some text", got)
				assert.EqualValues(t, 9, resp.ContentLength)
			default:
				assert.Equal(t, "gzip", resp.Header.Get("Content-Encoding"), "%s, %s", c.name, what)
				assert.EqualValues(t, len(coded), resp.ContentLength, "%s, %s", c.name, what)
				if c.method != "HEAD" {
					assert.Equal(t, string(coded), got, "%s, %s", c.name, what)
				}
			}
		}
	}
}

// checkedDownload is a caller that undoes the coding itself.
func checkedDownload(d doer, address string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := d.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Encoding") != "gzip" {
		return "", errors.New("not coded")
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil || int64(len(raw)) != resp.ContentLength || !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		return "", fmt.Errorf("%d bytes of %d: %w", len(raw), resp.ContentLength, err)
	}
	zipped, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	read, err := io.ReadAll(zipped)
	return string(read), err
}

func TestACallerMayCheckRawBytes(t *testing.T) {
	t.Parallel()
	s, address := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(gzipped("some text"))
	})
	for name, doer := range doers(s) {
		got, err := checkedDownload(doer, address)
		require.NoError(t, err, name)
		assert.Equal(t, "some text", got)
	}
}

// proxied puts a ReverseProxy that sends over a session before a handler.
func proxied(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	origin := httptest.NewServer(handler)
	t.Cleanup(origin.Close)
	s := session.New()
	s.Jar, s.TrustEnv = nil, false // one client's cookies are not another's
	t.Cleanup(func() { _ = s.Close() })
	target := mustURL(t, origin.URL)
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
		Transport: s.Client().Transport, ErrorLog: quiet(),
	})
	t.Cleanup(front.Close)
	return front
}

func TestBehindAReverseProxy(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/coded", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(gzipped("some text"))
			return
		}
		_, _ = io.WriteString(w, "some text")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-End")
		read, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %s", r.Method, r.RequestURI, read, r.Header.Get("X-Own"))
		w.Header().Set("X-End", "end")
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-release
		_, _ = io.WriteString(w, " last")
	})
	mux.HandleFunc("/upgrade", func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(conn, buffered)
	})
	front := proxied(t, mux)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()

	t.Run("bytes come as the client asked for them", func(t *testing.T) {
		req := outgoing(t, "GET", front.URL+"/coded", nil)
		resp, err := client.Do(req)
		assert.Equal(t, "some text", content(t, resp, err))
		assert.Empty(t, resp.Header.Get("Content-Encoding"))
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err = client.Do(req)
		assert.Equal(t, string(gzipped("some text")), content(t, resp, err))
		assert.Equal(t, "gzip", resp.Header.Get("Content-Encoding"))
	})
	t.Run("a request goes through whole", func(t *testing.T) {
		req := outgoing(t, "PATCH", front.URL+"/echo?a=1&b=%20", io.MultiReader(strings.NewReader("hello")))
		req.Header.Set("X-Own", "mine")
		resp, err := client.Do(req)
		assert.Equal(t, `PATCH /echo?a=1&b=%20 "hello" mine`, content(t, resp, err))
		assert.Equal(t, "end", resp.Trailer.Get("X-End"))
	})
	t.Run("what is written comes at once", func(t *testing.T) {
		resp, err := client.Do(outgoing(t, "GET", front.URL+"/stream", nil))
		require.NoError(t, err)
		first := make([]byte, 5)
		_, err = io.ReadFull(resp.Body, first)
		require.NoError(t, err)
		close(release)
		assert.Equal(t, " last", content(t, resp, nil))
	})
	t.Run("an upgrade is a connection", func(t *testing.T) {
		conn, err := net.Dial("tcp", front.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		_, _ = io.WriteString(conn, "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		from := bufio.NewReader(conn)
		resp, err := http.ReadResponse(from, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
		_, _ = io.WriteString(conn, "ping\n")
		line, err := from.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "ping\n", line)
	})
}

func TestCheckRedirectOfAClientIsNeverAsked(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/end" {
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	})
	s := session.New()
	defer s.Close()
	for _, check := range []func(*http.Request, []*http.Request) error{
		nil,
		func(*http.Request, []*http.Request) error { assert.Fail(t, "it was asked"); return io.ErrNoProgress },
	} {
		client := s.Client()
		client.CheckRedirect = check
		resp, err := client.Get(srv.URL + "/start")
		content(t, resp, err)
		assert.Equal(t, "/end", resp.Request.URL.Path)
	}
	s.RedirectTarget = func(*session.Response) (string, bool) { return "", false }
	client := s.Client()
	resp, err := client.Get(srv.URL + "/start")
	content(t, resp, err)
	assert.Equal(t, http.StatusFound, resp.StatusCode, "what the session does not follow, the client does not")
}

func TestAnUpgradeGivesTheConnection(t *testing.T) {
	t.Parallel()
	s, address := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(conn, buffered)
	})
	s.Timeout = session.Timeout{Connect: time.Minute, Read: time.Minute, Total: time.Minute}
	for name, doer := range doers(s) {
		req := outgoing(t, "GET", address, nil)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
		resp, err := doer.Do(req)
		require.NoError(t, err, name)
		require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
		conn, ok := resp.Body.(io.ReadWriteCloser)
		require.True(t, ok, "%s gives a %T", name, resp.Body)
		for _, word := range []string{"ping", "pong"} {
			_, err = io.WriteString(conn, word)
			require.NoError(t, err)
			got := make([]byte, 4)
			_, err = io.ReadFull(conn, got)
			require.NoError(t, err)
			assert.Equal(t, word, string(got))
		}
		require.NoError(t, conn.Close())
	}
}

func TestDoNeverWritesToTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handle("http://a.test/?p=1", func(out http.ResponseWriter, r *http.Request) {
		http.SetCookie(out, &http.Cookie{Name: "new", Value: "1"})
		http.Redirect(out, r, "http://b.test/", http.StatusTemporaryRedirect)
	})
	w.answer("http://b.test/", 200, nil, "ok")
	w.Params = url.Values{"p": {"1"}}
	w.Header.Set("X-Session", "1")
	w.Auth = session.AuthFunc(func(req *http.Request) error {
		req.Header.Add("X-Own", "auth")
		req.URL.RawQuery += "" // an Auth may read and write all of its request
		req.Header.Set("Date", "now")
		return nil
	})
	w.Retry = &session.Retry{Total: 1}
	for name, doer := range doers(w.Session) {
		req := outgoing(t, "", "http://a.test", strings.NewReader("hello"))
		req.Header = http.Header{"X-Own": roomy("mine"), "cookie": roomy("a=1"), "Cookie": roomy("b=2")}
		req.Trailer = http.Header{"X-T": roomy("t")}
		req.TransferEncoding = roomy("chunked")
		before, headers, trailers := *req, deepCopy(req.Header), deepCopy(req.Trailer)
		address := *req.URL
		resp, err := doer.Do(req)
		require.Equal(t, "ok", content(t, resp, err), name)
		assert.Equal(t, headers, deepCopy(req.Header), name)
		assert.Equal(t, trailers, deepCopy(req.Trailer), name)
		assert.Equal(t, address, *req.URL, name)
		assert.Equal(t, before.Method, req.Method)
		assert.Equal(t, before.Host, req.Host)
		assert.Equal(t, before.ContentLength, req.ContentLength)
		assert.Equal(t, []string{"chunked"}, req.TransferEncoding)
		assert.Equal(t, before.Body, req.Body)
		assert.Equal(t, before.Context(), req.Context())
		assert.NotSame(t, req, resp.Request)
		assert.Equal(t, "b.test", resp.Request.URL.Host, "the one that was sent last")
	}
}

func TestDoClosesTheBodyOnce(t *testing.T) {
	t.Parallel()
	refused := refusedAddress(t)
	failing := errors.New("failing")
	for _, c := range []struct {
		name, address string
		change        func(*session.Session, *http.Request)
		failure       error
	}{
		{"success", "http://a.test/", nil, nil},
		{"303", "http://a.test/303", nil, nil},
		{"307", "http://a.test/307", nil, nil},
		{"refused", "http://" + refused, nil, session.ErrConnection},
		{"refused, retried", "http://" + refused, func(s *session.Session, _ *http.Request) {
			s.Retry = &session.Retry{Total: 2}
		}, session.ErrRetriesExhausted},
		{"bad header", "http://a.test/", func(_ *session.Session, r *http.Request) {
			r.Header["X"] = []string{"\n"}
		}, session.ErrInvalidHeader},
		{"bad header of the session", "http://a.test/", func(s *session.Session, _ *http.Request) {
			s.Header["X"] = []string{"\n"}
		}, session.ErrInvalidHeader},
		{"no adapter", "foo://a.test/", nil, session.ErrNoAdapter},
		{"bad proxy", "http://a.test/", func(s *session.Session, _ *http.Request) {
			s.Proxies = session.Proxies{"all": "ftp://x"}
		}, session.ErrInvalidProxy},
		{"auth fails", "http://a.test/", func(s *session.Session, _ *http.Request) {
			s.Auth = session.AuthFunc(func(*http.Request) error { return failing })
		}, failing},
		{"hook fails", "http://a.test/", func(s *session.Session, _ *http.Request) {
			s.Hooks.Response = []session.ResponseHook{func(*session.Response) (*session.Response, error) { return nil, failing }}
		}, session.ErrHook},
		{"no scheme", "//a.test/", nil, session.ErrMissingScheme},
		{"no host", "http:///x", nil, session.ErrMissingHost},
		{"CA file missing", "https://a.test/", func(s *session.Session, _ *http.Request) {
			s.Verify = session.CAFile("/does/not/exist")
		}, os.ErrNotExist},
	} {
		for _, replayable := range []bool{false, true} {
			srv := serve(t, redirects)
			s := session.New()
			require.NoError(t, s.Mount("http://a.test", dialTo(srv)))
			counter := &closeCounter{Reader: unsized("hello")}
			req := outgoing(t, "POST", c.address, nil)
			req.Body = counter
			copies := []*closeCounter{counter}
			failure := c.failure
			if replayable {
				req.GetBody = func() (io.ReadCloser, error) {
					again := &closeCounter{Reader: unsized("hello")}
					copies = append(copies, again)
					return again, nil
				}
				if failure == session.ErrUnrewindableBody {
					failure = nil
				}
			}
			if c.change != nil {
				c.change(s, req)
			}
			resp, err := s.Do(req)
			require.ErrorIs(t, err, failure, c.name)
			if err == nil {
				content(t, resp, nil)
			} else {
				assert.Nil(t, resp)
				_, ok := err.(*url.Error)
				assert.True(t, ok, "%s: %T", c.name, err)
			}
			assert.Eventually(t, func() bool { return counter.count() > 0 }, time.Second, time.Millisecond, "%s %v", c.name, replayable)
			require.NoError(t, s.Close())
			srv.Close()
			for _, body := range copies {
				if body != counter || !replayable {
					assert.Equal(t, 1, body.count(), "%s %v", c.name, replayable)
				}
			}
		}
	}
}

func TestDoOfNothing(t *testing.T) {
	t.Parallel()
	s := session.New()
	counter := &closeCounter{Reader: strings.NewReader("x")}
	for _, req := range []*http.Request{nil, {}, {Body: counter}} {
		resp, err := s.Do(req)
		assert.Nil(t, resp)
		assert.ErrorIs(t, err, session.ErrInvalidRequest)
	}
	assert.Equal(t, 1, counter.count())
}

func TestDoRewindsBodies(t *testing.T) {
	t.Parallel()
	srv := serve(t, redirects)
	s := open(t, srv)
	s.Retry = &session.Retry{Total: 1, Statuses: []int{503}, ReturnStatus: true}
	for _, path := range []string{"/307", "/308", "/busy"} {
		for name, doer := range doers(s) {
			before := len(srv.requests())
			resp, err := doer.Do(outgoing(t, "PUT", "http://a.test"+path, strings.NewReader("hello")))
			content(t, resp, err)
			got := srv.requests()[before:]
			require.Len(t, got, 2, "%s %s", path, name)
			assert.Equal(t, "hello", got[0].Body)
			assert.Equal(t, "hello", got[1].Body)
			assert.EqualValues(t, 5, got[1].ContentLength)
		}
	}
	// a body without GetBody is rewound where it can seek
	file, err := os.Open(file(t, "f", "hello"))
	require.NoError(t, err)
	resp, err := s.Do(outgoing(t, "PUT", "http://a.test/307", file))
	content(t, resp, err)
	assert.Equal(t, "hello", srv.last(t).Body)
	_, err = file.Stat()
	assert.ErrorIs(t, err, os.ErrClosed)

	failing := errors.New("no more")
	req := outgoing(t, "PUT", "http://a.test/307", strings.NewReader("hello"))
	req.GetBody = func() (io.ReadCloser, error) { return nil, failing }
	_, err = s.Do(req)
	assert.ErrorIs(t, err, failing)
}

func TestDoSendsTheRequestAsItIs(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := session.New()
	defer s.Close()
	s.Header.Set("X-Session", "1")
	s.Header.Set("X-Both", "session's")
	s.Jar.(*session.Jar).SetHeader(mustURL(t, srv.URL), []string{"jar=1"})
	for name, doer := range doers(s) {
		req := outgoing(t, "pUrGe", srv.URL+"/a%2fb/../c?x=%7e&y", nil)
		req.Host = "other.test"
		req.Header = http.Header{"X-Both": {"mine"}, "Cookie": {"own=2"}, "User-Agent": {""}, "X-Many": {"1", "2"}}
		resp, err := doer.Do(req)
		content(t, resp, err)
		got := srv.last(t)
		assert.Equal(t, "pUrGe", got.Method, name)
		assert.Equal(t, "/a%2fb/../c?x=%7e&y", got.RequestURI, name)
		assert.Equal(t, "other.test", got.Host)
		assert.Equal(t, []string{"mine"}, got.Header["X-Both"])
		assert.Equal(t, []string{"1"}, got.Header["X-Session"])
		assert.Equal(t, []string{"1", "2"}, got.Header["X-Many"])
		assert.Equal(t, "jar=1; own=2", strings.Join(got.Header["Cookie"], "; "), name)
		assert.NotContains(t, got.Header, "User-Agent", "suppressed, as net/http does it")
	}
}

func TestLengthsOfDo(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := session.New()
	defer s.Close()
	all := doers(s)
	all["net/http"] = srv.Client()
	hello := func() io.Reader { return unsized("hello") }
	for _, c := range []struct {
		name    string
		body    func() io.Reader
		change  func(*http.Request)
		want    string
		length  int64
		chunked bool
	}{
		{"known", func() io.Reader { return strings.NewReader("hello") }, nil, "hello", 5, false},
		{"unknown", hello, nil, "hello", -1, true},
		{"told", hello, func(r *http.Request) { r.ContentLength = 5 }, "hello", 5, false},
		{"NoBody", func() io.Reader { return http.NoBody }, nil, "", 0, false},
		{"none", func() io.Reader { return nil }, nil, "", 0, false},
		{"empty", func() io.Reader { return unsized("") }, nil, "", -1, true},
	} {
		for name, doer := range all {
			req := outgoing(t, "POST", srv.URL, c.body())
			if c.change != nil {
				c.change(req)
			}
			resp, err := doer.Do(req)
			content(t, resp, err)
			got := srv.last(t)
			assert.Equal(t, c.want, got.Body, "%s, %s", c.name, name)
			assert.Equal(t, c.chunked, len(got.TransferEncoding) > 0, "%s, %s", c.name, name)
			assert.Equal(t, c.length, got.ContentLength, "%s, %s", c.name, name)
		}
	}
}

func TestTrailersOfDo(t *testing.T) {
	t.Parallel()
	s, address := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-End")
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, r.Trailer.Get("X-Sum"))
		w.Header().Set("X-End", "end")
		w.Header().Set(http.TrailerPrefix+"X-Later", "later")
	})
	for name, doer := range doers(s) {
		req := outgoing(t, "POST", address, nil)
		req.Trailer = http.Header{"X-Sum": nil}
		req.Body = io.NopCloser(io.MultiReader(strings.NewReader("hello"), readerFunc(func([]byte) (int, error) {
			req.Trailer.Set("X-Sum", "5") // known only when the body has been read
			return 0, io.EOF
		})))
		resp, err := doer.Do(req)
		require.NoError(t, err)
		assert.Contains(t, resp.Trailer, "X-End", name)
		assert.Equal(t, "5", content(t, resp, nil), name)
		assert.Equal(t, "end", resp.Trailer.Get("X-End"), name)
		assert.Equal(t, "later", resp.Trailer.Get("X-Later"), name)
	}
}

func TestExpectContinueOfDo(t *testing.T) {
	t.Parallel()
	s, address := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		_, _ = io.Copy(w, r.Body)
	})
	for name, doer := range doers(s) {
		for _, path := range []string{"/accept", "/refuse"} {
			var read atomic.Bool
			req := outgoing(t, "PUT", address+path, io.MultiReader(readerFunc(func([]byte) (int, error) {
				read.Store(true)
				return 0, io.EOF
			}), strings.NewReader("hello")))
			req.ContentLength = 5
			req.Header.Set("Expect", "100-continue")
			resp, err := doer.Do(req)
			got := content(t, resp, err)
			if path == "/refuse" {
				assert.Equal(t, http.StatusExpectationFailed, resp.StatusCode)
				assert.False(t, read.Load(), "%s: a body that nobody wants is not read", name)
				continue
			}
			assert.Equal(t, "hello", got, name)
		}
	}
}

func TestDoStreams(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s, address := serving(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	for name, doer := range doers(s) {
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := doer.Do(outgoing(t, "GET", address, nil).WithContext(ctx))
		require.NoError(t, err)
		first := make([]byte, 5)
		_, err = io.ReadFull(resp.Body, first)
		require.NoError(t, err)
		assert.Equal(t, "first", string(first), name)
		cancel()
		_, err = io.ReadAll(resp.Body)
		assert.ErrorIs(t, err, context.Canceled, name)
		assert.NoError(t, resp.Body.Close())
	}
	resp, err := s.Do(outgoing(t, "GET", address, nil))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	_, err = resp.Body.Read(make([]byte, 1))
	assert.ErrorIs(t, err, http.ErrBodyReadAfterClose)
}

func TestTimeoutOfAClientBoundsTheWholeCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, dripping(3, time.Second, false))
		client := s.Client()
		client.Timeout = 10 * time.Second
		after(t, 10*time.Second, func() {
			resp, err := client.Get("http://a.test/")
			require.NoError(t, err)
			read, err := io.ReadAll(resp.Body)
			assert.Len(t, read, 3)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			var timeout net.Error
			require.ErrorAs(t, err, &timeout)
			assert.True(t, timeout.Timeout())
		})
	})
}

func TestTimeoutOfAClientBoundsTheWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		client := s.Client()
		client.Timeout = 10 * time.Second
		after(t, 10*time.Second, func() {
			_, err := client.Get("http://u:hunter2@a.test/")
			var envelope *url.Error
			require.ErrorAs(t, err, &envelope)
			assert.True(t, envelope.Timeout())
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			hiding(t, err)
		})
	})
}

func TestErrorsOfDoAndOfClient(t *testing.T) {
	t.Parallel()
	s := session.New()
	defer s.Close()
	address := "http://u:hunter2@" + refusedAddress(t) + "/"
	for name, doer := range doers(s) {
		resp, err := doer.Do(outgoing(t, "PUT", address, strings.NewReader("hello")))
		assert.Nil(t, resp, name)
		envelope, ok := err.(*url.Error)
		require.True(t, ok, "%s: %T", name, err)
		assert.Equal(t, "Put", envelope.Op, name)
		mask := map[string]string{"Do": "xxxxx", "Client": "***"}[name] // net/http's own, there
		assert.Equal(t, strings.Replace(address, "hunter2", mask, 1), envelope.URL, name)
		_, nested := envelope.Err.(*url.Error)
		assert.False(t, nested, "%s: one envelope", name)
		assert.ErrorIs(t, err, session.ErrConnection, name)
		hiding(t, err)
	}
}

func TestCloseIdleConnectionsOfAClient(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := session.New()
	defer s.Close()
	remote := func() string {
		resp, err := s.Client().Get(srv.URL)
		content(t, resp, err)
		return srv.last(t).RemoteAddr
	}
	first := remote()
	assert.Equal(t, first, remote(), "every Client shares the session's connections")
	s.Client().CloseIdleConnections()
	assert.NotEqual(t, first, remote())
}

func TestDoTakesTheSessionsBaseURLAndParams(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := session.New()
	defer s.Close()
	s.BaseURL, s.Params, s.Auth = srv.URL+"/v1", url.Values{"key": {"1"}}, session.BasicAuth("u", "p")
	for name, doer := range doers(s) {
		resp, err := doer.Do(outgoing(t, "GET", "users?q=2", nil))
		content(t, resp, err)
		got := srv.last(t)
		assert.Equal(t, "/v1/users?q=2&key=1", got.RequestURI, name)
		user, password, _ := got.BasicAuth()
		assert.Equal(t, "u:p", user+":"+password, name)
	}
}

func TestDoKeepsCookiesOfEachHop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer("http://a.test/", 302, http.Header{"Location": {"http://b.test/"}, "Set-Cookie": {"hop=1"}}, "")
	w.answer("http://b.test/", 200, http.Header{"Set-Cookie": {"end=1"}}, "ok")
	for name, doer := range doers(w.Session) {
		w.Jar = session.NewJar()
		resp, err := doer.Do(outgoing(t, "GET", "http://a.test/", nil))
		content(t, resp, err)
		jar := w.Jar.(*session.Jar)
		assert.Equal(t, "hop=1", jar.Header(mustURL(t, "http://a.test/")), name)
		assert.Equal(t, "end=1", jar.Header(mustURL(t, "http://b.test/")), name)
	}
}

// net/http refuses these when it comes to sending; to a Retry that would be an
// answer that did not come.
func TestDoRefusesWhatNetHTTPWouldNotSend(t *testing.T) {
	t.Parallel()
	vanishing := "a host of which IDNA leaves nothing, so that localhost would be dialled"
	for what, change := range map[string]func(*http.Request){
		"a space in the method":          func(req *http.Request) { req.Method = "GE T" },
		"a line break in the method":     func(req *http.Request) { req.Method = "GET\r\nX: 1" },
		"a ContentLength without a Body": func(req *http.Request) { req.ContentLength = 5 },
		vanishing:                        func(req *http.Request) { req.URL.Host = "\u00ad:80" },
	} {
		sent := 0
		s := over(t, func(req *http.Request) (*http.Response, error) {
			sent++
			return answer(req, 200, nil, ""), nil
		})
		s.Retry = &session.Retry{Total: 3, Methods: []string{"*"}}
		req := outgoing(t, http.MethodPut, "http://a.test/", nil)
		change(req)
		kind := session.ErrInvalidRequest
		if what == vanishing {
			kind = session.ErrInvalidHost
		}
		for name, d := range doers(s) {
			_, err := d.Do(req)
			require.Error(t, err, "%s, %s", what, name)
			if name == "Do" { // http.Client has checks of its own
				require.ErrorIs(t, err, kind, what)
			}
		}
		_, err := s.SendPrepared(req)
		require.ErrorIs(t, err, kind, what)
		assert.Zero(t, sent, what)
	}
}

// net/http returns a redirect that would need the body again where that cannot
// be had.
func TestDoReturnsARedirectItCannotFollow(t *testing.T) {
	t.Parallel()
	srv := serve(t, redirects)
	s := open(t, srv)
	all := doers(s)
	all["net/http"] = &http.Client{Transport: dialTo(srv)}
	for _, path := range []string{"/307", "/308", "/302"} {
		for what, body := range map[string]func() io.Reader{
			"once": func() io.Reader { return unsized("hello") }, "again": func() io.Reader { return strings.NewReader("hello") },
			"none": func() io.Reader { return nil },
		} {
			var want []string
			for _, name := range []string{"net/http", "Do", "Client"} {
				before := len(srv.requests())
				resp, err := all[name].Do(outgoing(t, http.MethodPost, "http://a.test"+path, body()))
				read := content(t, resp, err)
				got := []string{resp.Status, resp.Header.Get("Location"), read}
				for _, r := range srv.requests()[before:] {
					got = append(got, r.Method+" "+r.RequestURI+" "+r.Body)
				}
				if name == "net/http" {
					want = got
				}
				assert.Equal(t, want, got, "%s, %s, %s", name, path, what)
			}
			if what == "once" && path != "/302" {
				assert.Equal(t, path[1:], want[0][:3], "which is the redirect")
			}
		}
	}
}

// Headers need not be spelled in their canonical form to be the caller's.
func TestHeadersOfDoInAnySpelling(t *testing.T) {
	t.Parallel()
	coded := gzipped("hello")
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "http://b.test/", http.StatusFound)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(coded)
	})
	for _, c := range []struct {
		name, value string
		plain       bool // bytes as they came
	}{
		{"user-agent", "mine", false}, {"USER-AGENT", "mine", false}, {"aCCept", "text/x", false},
		{"accept-encoding", "gzip", true}, {"Accept-encoding", "br", true}, {"range", "bytes=0-", true}, {"RANGE", "bytes=1-", true},
		{"cookie", "a=1", false}, {"authorization", "Bearer x", false},
	} {
		for _, path := range []string{"/", "/moved"} {
			s := open(t, srv)
			s.Auth = session.BasicAuth("not", "sent")
			for name, d := range doers(s) {
				req := outgoing(t, http.MethodGet, "http://a.test"+path, nil)
				req.Header[c.name] = []string{c.value}
				before := len(srv.requests())
				resp, err := d.Do(req)
				read := content(t, resp, err)
				assert.Equal(t, c.plain, read == string(coded), "%s, %s", name, c.name)
				assert.Equal(t, !c.plain, read == "hello", "%s, %s", name, c.name)
				assert.Equal(t, !c.plain, resp.Uncompressed, "%s, %s", name, c.name)
				key := http.CanonicalHeaderKey(c.name)
				for i, got := range srv.requests()[before:] {
					want := []string{c.value}
					if i > 0 && (key == "Cookie" || key == "Authorization") {
						want = nil // another host
					}
					assert.Equal(t, want, got.Header[key], "%s, %s, %s", name, c.name, got.Host)
				}
				if key == "Range" {
					assert.NotContains(t, srv.last(t).Header, "Accept-Encoding", "which would make ranges of another thing")
				}
			}
		}
	}
}
