package session_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// file writes a file and gives its path.
func file(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// unsized hides everything of a reader but Read.
func unsized(content string) io.Reader { return io.MultiReader(strings.NewReader(content)) }

func TestBodiesOnTheWire(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	srv := serve(t, nil)
	s := open(t, srv)
	for _, c := range []struct {
		what              string
		body              session.Body
		want, contentType string
		length            int64 // -1: chunked
	}{
		{"none", nil, "", "", 0},
		{"text", session.Text("grüße"), "grüße", "", 7},
		{"empty text", session.Text(""), "", "", 0},
		{"bytes", session.Bytes("\x00\xff"), "\x00\xff", "", 2},
		{"empty bytes", session.Bytes{}, "", "", 0},
		{"form", session.Form{"b": {"2", "1"}, "a": {"x y"}, "n": {""}, "none": nil}, "a=x+y&b=2&b=1&n=", form, 16},
		{"escaped form", session.Form{"é&": {"=+%\r\n"}}, "%C3%A9%26=%3D%2B%25%0D%0A", form, 25},
		{"empty form", session.Form{}, "", "", 0},
		{"ordered form", session.OrderedForm{{"b", "1"}, {"a", "2"}, {"b", "3"}}, "b=1&a=2&b=3", form, 11},
		{"empty ordered form", session.OrderedForm{}, "", "", 0},
		{"JSON", session.JSON(map[string]any{"b": 1, "a": "<é>"}), `{"a":"<é>","b":1}`, "application/json", 18},
		{"empty object", session.JSON(map[string]any{}), `{}`, "application/json", 2},
		{"empty list", session.JSON([]int{}), `[]`, "application/json", 2},
		{"null", session.JSON(nil), `null`, "application/json", 4},
		{"empty string", session.JSON(""), `""`, "application/json", 2},
		{"zero", session.JSON(0), `0`, "application/json", 1},
		{"file", session.FromFile(file(t, "f", "from disk")), "from disk", "", 9},
		{"empty file", session.FromFile(file(t, "f", "")), "", "", 0},
		{"strings.Reader", session.Reader(strings.NewReader("hello")), "hello", "", 5},
		{"bytes.Buffer", session.Reader(bytes.NewBufferString("hello")), "hello", "", 5},
		{"unsized", session.Reader(unsized("hello")), "hello", "", -1},
		{"unsized and empty", session.Reader(unsized("")), "", "", -1},
		{"sized and empty", session.Reader(strings.NewReader("")), "", "", 0},
		{"nil reader", session.Reader(nil), "", "", 0},
		{"seeker without Len", session.Reader(struct{ io.ReadSeeker }{strings.NewReader("hello")}), "hello", "", 5},
		{"ReaderFunc", session.ReaderFunc(func() (io.ReadCloser, error) { return io.NopCloser(unsized("hello")), nil }), "hello", "", -1},
	} {
		var option session.Option
		if c.body != nil {
			option = c.body
		}
		_, err := s.Post(t.Context(), "http://a.test/", option)
		require.NoError(t, err, c.what)
		got := srv.last(t)
		assert.Equal(t, c.want, got.Body, c.what)
		assert.Equal(t, c.contentType, got.Header.Get("Content-Type"), c.what)
		assert.Equal(t, c.length, got.ContentLength, c.what)
		if c.length >= 0 {
			assert.Equal(t, []string{strconv.FormatInt(c.length, 10)}, got.Header["Content-Length"], c.what)
			assert.Empty(t, got.TransferEncoding, c.what)
		} else {
			assert.Equal(t, []string{"chunked"}, got.TransferEncoding, c.what)
		}
	}
}

func TestFormsEscapeEveryByteAsNetURLDoes(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	text := string(every)
	_, err := s.Post(t.Context(), "http://a.test/", session.OrderedForm{{text, text}}, session.OrderedParams{{text, text}})
	require.NoError(t, err)
	want := url.QueryEscape(text) + "=" + url.QueryEscape(text)
	assert.Equal(t, want, srv.last(t).Body)
	assert.Equal(t, want, srv.last(t).URL.RawQuery)
}

func TestReadersAreSentFromWhereTheyStand(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/end", http.StatusPermanentRedirect)
		}
	})
	s := open(t, srv)
	disk, err := os.Open(file(t, "f", "0123456789"))
	require.NoError(t, err)
	for _, r := range []io.ReadSeeker{strings.NewReader("0123456789"), bytes.NewReader([]byte("0123456789")), disk} {
		_, err := r.Seek(4, io.SeekStart)
		require.NoError(t, err)
		_, err = s.Post(t.Context(), "http://a.test/", session.Reader(r))
		require.NoError(t, err)
		got := srv.requests()
		for _, g := range got[len(got)-2:] {
			assert.Equal(t, "456789", g.Body)
			assert.EqualValues(t, 6, g.ContentLength)
		}
	}
	require.ErrorIs(t, disk.Close(), os.ErrClosed, "the file has been closed")
}

func TestContentTypeOfTheCallerStands(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for _, body := range []session.Option{
		session.JSON(1), session.Form{"a": {"1"}}, session.Text("x"), session.Files{{Field: "f", Content: session.Text("x")}},
	} {
		for _, name := range []string{"Content-Type", "content-type"} {
			_, err := s.Post(t.Context(), "http://a.test/", body, session.Header{name: {"text/own"}})
			require.NoError(t, err)
			assert.Equal(t, []string{"text/own"}, srv.last(t).Header["Content-Type"])
		}
	}
	s.Header.Set("Content-Type", "text/session")
	_, err := s.Post(t.Context(), "http://a.test/", session.JSON(1))
	require.NoError(t, err)
	assert.Equal(t, "text/session", srv.last(t).Header.Get("Content-Type"))
}

func TestDataWinsOverJSON(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	json := session.JSON(map[string]int{"j": 1})
	for _, c := range []struct {
		what    string
		options []session.Option
		want    string
	}{
		{"form, JSON", []session.Option{session.Form{"a": {"1"}}, json}, "a=1"},
		{"JSON, form", []session.Option{json, session.Form{"a": {"1"}}}, "a=1"},
		{"JSON, ordered form", []session.Option{json, session.OrderedForm{{"a", "1"}}}, "a=1"},
		{"text, JSON", []session.Option{session.Text("t"), json}, "t"},
		{"JSON, text", []session.Option{json, session.Text("t")}, "t"},
		{"JSON, bytes", []session.Option{json, session.Bytes("t")}, "t"},
		{"JSON, reader", []session.Option{json, session.Reader(strings.NewReader("t"))}, "t"},
		{"reader, JSON", []session.Option{session.Reader(strings.NewReader("t")), json}, "t"},
		{"empty form, JSON", []session.Option{session.Form{}, json}, `{"j":1}`},
		{"JSON, empty form", []session.Option{json, session.Form{}}, `{"j":1}`},
		{"JSON, empty ordered form", []session.Option{json, session.OrderedForm{}}, `{"j":1}`},
		{"empty text, JSON", []session.Option{session.Text(""), json}, `{"j":1}`},
		{"JSON, empty text", []session.Option{json, session.Text("")}, `{"j":1}`},
		{"JSON, no bytes", []session.Option{json, session.Bytes(nil)}, `{"j":1}`},
		{"JSON, JSON", []session.Option{session.JSON(1), json}, `{"j":1}`},
	} {
		_, err := s.Post(t.Context(), "http://a.test/", c.options...)
		require.NoError(t, err, c.what)
		assert.Equal(t, c.want, srv.last(t).Body, c.what)
	}
}

func TestFilesWinOverJSON(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	_, err := s.Post(t.Context(), "http://a.test/", session.JSON(1), session.Files{{Field: "f", Content: session.Text("x")}})
	require.NoError(t, err)
	assert.Contains(t, srv.last(t).Header.Get("Content-Type"), "multipart/form-data")
}

func TestValuesThatAreNoJSONAreRefused(t *testing.T) {
	t.Parallel()
	s := session.New()
	for _, value := range []any{math.NaN(), math.Inf(1), map[string]any{"a": math.Inf(-1)}, make(chan int), func() {}, failing{}} {
		_, err := s.Post(t.Context(), "http://a.test/", session.JSON(value))
		require.ErrorIs(t, err, session.ErrInvalidJSON)
	}
}

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("no") }

func TestFilesThatAreMissingAreAnErrorOfPreparing(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for _, option := range []session.Option{session.FromFile(missing), session.Files{{Field: "f", Path: missing}}} {
		r := &session.Request{Method: "POST", URL: "http://a.test/"}
		option.Apply(r)
		_, err := session.New().Prepare(t.Context(), r)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}

func TestContentLengthHeader(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for _, c := range []struct {
		what  string
		body  session.Body
		given string
		want  int64
	}{
		{"gives the length of an unknown one", session.Reader(unsized("hello")), "5", 5},
		{"in a ReaderFunc too", session.ReaderFunc(func() (io.ReadCloser, error) { return io.NopCloser(unsized("hello")), nil }), "5", 5},
		{"a length that is known stands", session.Text("hello"), "3", 5},
		{"of a reader too", session.Reader(strings.NewReader("hello")), "99", 5},
		{"of a file too", session.FromFile(file(t, "f", "hello")), "0", 5},
	} {
		_, err := s.Post(t.Context(), "http://a.test/", c.body, session.Header{"content-length": {c.given}})
		require.NoError(t, err, c.what)
		assert.Equal(t, "hello", srv.last(t).Body, c.what)
		assert.Equal(t, c.want, srv.last(t).ContentLength, c.what)
		assert.Empty(t, srv.last(t).TransferEncoding, c.what)
	}
}

func TestContentLengthThatIsWrongIsNeverSentOver(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for _, given := range []string{"3", "8"} {
		_, err := s.Post(t.Context(), "http://a.test/", session.Reader(unsized("hello")), session.Header{"Content-Length": {given}})
		require.Error(t, err, given)
		require.NotErrorIs(t, err, session.ErrProtocol, "it is not the server's fault")
		require.ErrorIs(t, err, session.ErrRequestBody)
	}
	resp, err := s.Get(t.Context(), "http://a.test/next")
	assert.Equal(t, "ok", text(t, resp, err), "and no later request suffers")
	srv.Close() // and so waits for what was cut off
	next := 0
	for _, got := range srv.requests() {
		if got.RequestURI == "/next" {
			next++
		} else {
			require.Error(t, got.Err, "a body that is not whole was taken for one")
		}
	}
	assert.Equal(t, 1, next)
}

func TestTransferEncodingHeader(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	_, err := s.Post(t.Context(), "http://a.test/", session.Text("hello"), session.Header{"Transfer-Encoding": {"Chunked"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"chunked"}, srv.last(t).TransferEncoding)
	assert.Equal(t, "hello", srv.last(t).Body)

	_, err = s.Get(t.Context(), "http://a.test/", session.Header{"Transfer-Encoding": {"chunked"}})
	require.NoError(t, err)
	assert.Empty(t, srv.last(t).TransferEncoding, "there is no body")
}

func TestBodiesAreSentAgainWhereThatIsPossible(t *testing.T) {
	t.Parallel()
	disk := file(t, "f", "hello")
	opened := func() session.Body {
		f, err := os.Open(disk)
		require.NoError(t, err)
		return session.Reader(f)
	}
	for _, c := range []struct {
		what string
		body func() session.Body
		can  bool
	}{
		{"text", func() session.Body { return session.Text("hello") }, true},
		{"bytes", func() session.Body { return session.Bytes("hello") }, true},
		{"file", func() session.Body { return session.FromFile(disk) }, true},
		{"open file", opened, true},
		{"seeker", func() session.Body { return session.Reader(strings.NewReader("hello")) }, true},
		{"ReaderFunc", func() session.Body {
			return session.ReaderFunc(func() (io.ReadCloser, error) { return io.NopCloser(unsized("hello")), nil })
		}, true},
		{"reader", func() session.Body { return session.Reader(unsized("hello")) }, false},
		{"buffer", func() session.Body { return session.Reader(bytes.NewBufferString("hello")) }, false},
	} {
		for _, path := range []string{"/307", "/308", "/busy"} {
			srv := serve(t, redirects)
			s := open(t, srv)
			r := &session.Request{
				Method: "PUT", URL: "http://a.test" + path, Body: c.body(),
				Retry: &session.Retry{Total: 1, Statuses: []int{503}, ReturnStatus: true},
			}
			req, err := s.Prepare(t.Context(), r)
			require.NoError(t, err)
			assert.Equal(t, c.can, req.GetBody != nil, c.what)
			_, err = s.SendPrepared(req)
			if !c.can {
				require.ErrorIs(t, err, session.ErrUnrewindableBody, "%s %s", c.what, path)
				assert.Len(t, srv.requests(), 1, "nothing was sent again, least of all empty")
				continue
			}
			require.NoError(t, err, "%s %s", c.what, path)
			require.Len(t, srv.requests(), 2)
			for _, got := range srv.requests() {
				assert.Equal(t, "hello", got.Body, "%s %s", c.what, path)
			}
		}
	}
}

// redirects answers /307 with that status, and so on; /busy is 503.
func redirects(w http.ResponseWriter, r *http.Request) {
	switch path := strings.TrimPrefix(r.URL.Path, "/"); path {
	case "busy":
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		if status, err := strconv.Atoi(path); err == nil {
			http.Redirect(w, r, "/end", status)
		}
	}
}

func TestABodyThatIsNotSentAgainNeedNotBeRewound(t *testing.T) {
	t.Parallel()
	srv := serve(t, redirects)
	s := open(t, srv)
	for _, path := range []string{"/301", "/302", "/303"} {
		_, err := s.Post(t.Context(), "http://a.test"+path, session.Reader(unsized("hello")))
		require.NoError(t, err, path)
		assert.Equal(t, "GET", srv.last(t).Method)
		assert.Empty(t, srv.last(t).Body)
		assert.Empty(t, srv.last(t).TransferEncoding)
	}
}

// closed is what a test of closing sends, in which session, and what comes of it.
type closing struct {
	what    string
	send    func(s *session.Session, body session.Option) error
	failure error // nil for none
}

func TestReadersAreClosedOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	refused := refusedAddress(t)
	get := func(address string, more ...session.Option) func(*session.Session, session.Option) error {
		return func(s *session.Session, body session.Option) error {
			_, err := s.Post(context.Background(), address, append([]session.Option{body}, more...)...)
			return err
		}
	}
	for _, c := range []closing{
		{"success", get("http://a.test/"), nil},
		{"stream", get("http://a.test/", session.Stream(true)), nil},
		{"303", get("http://a.test/303"), nil},
		{"307", get("http://a.test/307"), session.ErrUnrewindableBody},
		{"307, not followed", get("http://a.test/307", session.FollowRedirects(false)), nil},
		{"retries", get("http://a.test/busy", &session.Retry{Total: 2, Statuses: []int{503}, Methods: []string{"*"}}), session.ErrUnrewindableBody},
		{"refused", get("http://" + refused + "/"), session.ErrConnection},
		{"refused, retried", get("http://"+refused+"/", &session.Retry{Total: 2}), session.ErrConnection},
		{"no scheme", get("a.test"), session.ErrMissingScheme},
		{"bad port", get("http://a.test:x/"), session.ErrInvalidPort},
		{"bad header", get("http://a.test/", session.Header{"X": {"\n"}}), session.ErrInvalidHeader},
		{"bad option", get("http://a.test/", session.Header{"X": {"1"}, "x": {"2"}}), session.ErrInvalidHeader},
		{"bad Host", get("http://a.test/", session.Header{"Host": {"a/b"}}), session.ErrInvalidHeader},
		{"bad length", get("http://a.test/", session.Header{"Content-Length": {"x"}}), session.ErrInvalidHeader},
		{"bad cookie", get("http://a.test/", session.Cookies{"": "x"}), session.ErrInvalidRequest},
		{"auth fails", get("http://a.test/", session.AuthFunc(func(*http.Request) error { return io.ErrNoProgress })), io.ErrNoProgress},
		{"no adapter", get("foo://a.test/"), session.ErrNoAdapter},
		{"adapter cannot", get("mock://a.test/", session.Proxies{"all": "http://proxy.test"}), errors.ErrUnsupported},
		{"bad proxy", get("http://a.test/", session.Proxies{"all": "ftp://proxy.test"}), session.ErrInvalidProxy},
		{"no CA file", get("https://a.test/", session.CAFile("/does/not/exist")), os.ErrNotExist},
		{"hook fails", get("http://a.test/", session.Hooks{Response: []session.ResponseHook{
			func(*session.Response) (*session.Response, error) { return nil, io.ErrNoProgress },
		}}), io.ErrNoProgress},
		{"bad method", func(s *session.Session, body session.Option) error {
			_, err := s.Request(context.Background(), "A B", "http://a.test/", body)
			return err
		}, session.ErrInvalidRequest},
		{"no context", func(s *session.Session, body session.Option) error {
			var none context.Context
			_, err := s.Post(none, "http://a.test/", body)
			return err
		}, session.ErrInvalidRequest},
		{"cancelled before", func(s *session.Session, body session.Option) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_, err := s.Post(ctx, "http://a.test/", body)
			return err
		}, context.Canceled},
	} {
		for what, asFile := range map[string]bool{"body": false, "file": true} {
			srv := serve(t, redirects)
			s := session.New()
			require.NoError(t, s.Mount("http://a.test", dialTo(srv)))
			require.NoError(t, s.Mount("mock://", &stub{}))
			t.Cleanup(func() { _ = s.Close() })
			counter := &closeCounter{Reader: unsized("hello")}
			var body session.Option = session.Reader(counter)
			if asFile {
				body = session.Files{{Field: "f", Content: session.Reader(counter)}}
			}
			err := c.send(s, body)
			require.ErrorIs(t, err, c.failure, "%s, %s", c.what, what)
			assert.Eventually(t, func() bool { return counter.count() > 0 }, time.Second, time.Millisecond, "%s, %s", c.what, what)
			srv.Close() // waits for what is still under way
			assert.Equal(t, 1, counter.count(), "%s, %s", c.what, what)
		}
	}
}

// refusedAddress is an address that nothing listens at.
func refusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func TestReadersOfFilesThatCannotBePreparedAreClosed(t *testing.T) {
	t.Parallel()
	first, last := &closeCounter{Reader: unsized("1")}, &closeCounter{Reader: unsized("2")}
	_, err := session.New().Post(t.Context(), "http://a.test/", session.Files{
		{Field: "1", Content: session.Reader(first)},
		{Field: "2", Path: filepath.Join(t.TempDir(), "missing")},
		{Field: "3", Content: session.Reader(last)},
	})
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.Equal(t, 1, first.count())
	assert.Equal(t, 1, last.count())
}

func TestReaderBesideFilesIsRefusedAndClosed(t *testing.T) {
	t.Parallel()
	body, part := &closeCounter{Reader: unsized("1")}, &closeCounter{Reader: unsized("2")}
	_, err := session.New().Post(t.Context(), "http://a.test/", session.Reader(body),
		session.Files{{Field: "f", Content: session.Reader(part)}})
	require.ErrorIs(t, err, session.ErrInvalidRequest)
	assert.Equal(t, 1, body.count())
	assert.Equal(t, 1, part.count())
}

func TestPreparedBodyIsClosedByItsOwnerIfItIsNotSent(t *testing.T) {
	t.Parallel()
	body := &closeCounter{Reader: unsized("1")}
	req, err := session.New().Prepare(t.Context(), &session.Request{URL: "http://a.test/", Body: session.Reader(body)})
	require.NoError(t, err)
	assert.Zero(t, body.count())
	require.NoError(t, req.Body.Close())
	require.NoError(t, req.Body.Close())
	assert.Equal(t, 1, body.count())
}

func TestPreparedRequestCanBeSentByNetHTTP(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	body := &closeCounter{Reader: unsized("hello")}
	req, err := session.New().Prepare(t.Context(), &session.Request{Method: "POST", URL: srv.URL, Body: session.Reader(body)})
	require.NoError(t, err)
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, "hello", srv.last(t).Body)
	assert.Eventually(t, func() bool { return body.count() == 1 }, time.Second, time.Millisecond)
}

func TestWriterOfAPipeNeverHangs(t *testing.T) {
	t.Parallel()
	for what, address := range map[string]string{
		"refused": "http://" + refusedAddress(t) + "/", "no scheme": "a.test", "no adapter": "foo://a.test", "rejected": "http://a.test/",
	} {
		srv := rejecting(t)
		s := session.New()
		require.NoError(t, s.Mount("http://a.test", &session.HTTPAdapter{Base: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, srv)
			},
		}}))
		t.Cleanup(func() { _ = s.Close() })
		reader, writer := io.Pipe()
		wrote := make(chan error, 1)
		go func() {
			var err error
			for err == nil {
				_, err = writer.Write(make([]byte, 64<<10))
			}
			wrote <- err
		}()
		_, err := s.Post(t.Context(), address, session.Reader(reader))
		if what != "rejected" {
			require.Error(t, err, what)
		}
		select {
		case err := <-wrote:
			require.ErrorIs(t, err, io.ErrClosedPipe, what)
		case <-time.After(10 * time.Second):
			require.Fail(t, "the writer hangs", what)
		}
	}
}

// rejecting is the address of a server that answers 413 once it has the
// headers, and closes.
func rejecting(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestCancellingFreesAReaderThatBlocks(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = writer.Write([]byte("some"))
		cancel()
	}()
	_, err := s.Post(ctx, "http://a.test/", session.Reader(reader))
	require.ErrorIs(t, err, context.Canceled)
	_, err = writer.Write([]byte("more"))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestAnErrorOfTheReaderIsTheCalls(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	boom := errors.New("boom")
	tries := 0
	_, err := s.Put(t.Context(), "http://a.test/", session.ReaderFunc(func() (io.ReadCloser, error) {
		tries++
		return io.NopCloser(io.MultiReader(strings.NewReader("some"), errorReader{boom})), nil
	}), &session.Retry{Total: 3})
	require.ErrorIs(t, err, boom)
	require.ErrorIs(t, err, session.ErrRequestBody)
	require.NotErrorIs(t, err, session.ErrConnection)
	assert.Equal(t, 1, tries, "it is not retried")

	_, err = s.Put(t.Context(), "http://a.test/", session.ReaderFunc(func() (io.ReadCloser, error) { return nil, boom }))
	require.ErrorIs(t, err, boom)
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestGetWithABodySendsIt(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	_, err := s.Get(t.Context(), "http://a.test/", session.JSON(1))
	require.NoError(t, err)
	assert.Equal(t, "1", srv.last(t).Body)
	_, err = s.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	assert.NotContains(t, srv.last(t).Header, "Content-Length")
}

// early is a server that answers before it reads the body: /307 and, with a
// challenge of Digest, /401. Elsewhere it says how much came.
func early(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/307":
		w.Header().Set("Location", "/end")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case r.URL.Path == "/401" && r.Header.Get("Authorization") == "":
		w.Header().Set("Www-Authenticate", `Digest realm="r", nonce="n", qop="auth"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, " ", err)
	}
}

// While an answer is on its way net/http may still read the body, or begin to.
func TestBodiesAreWholeWhereTheAnswerCameEarly(t *testing.T) {
	t.Parallel()
	s, address := serving(t, early)
	s.Auth = session.DigestAuth("u", "p")
	for _, size := range []int{10, 100_000, 8 << 20} {
		data := bytes.Repeat([]byte("x"), size)
		disk := file(t, "f", string(data))
		for range max(2, min(40, 1<<25/size)) {
			for _, path := range []string{"/307", "/401"} {
				for _, content := range []session.Body{session.Reader(bytes.NewReader(data)), session.FromFile(disk)} {
					resp, err := s.Post(t.Context(), address+path, content)
					require.Equal(t, fmt.Sprint(size, " <nil>"), text(t, resp, err), path)
				}
			}
		}
	}
}

// The upload of a hop that was answered is read for the first time when the
// next hop has begun to send.
func TestALateReadOfAnEarlierUploadTakesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		first func(*http.Request) *http.Response
	}{
		{"redirect", func(req *http.Request) *http.Response {
			return answer(&http.Request{}, 307, location("/end"), "")
		}},
		{"challenge", func(req *http.Request) *http.Response {
			return answer(&http.Request{}, 401, challenge.header.Clone(), "")
		}},
		{"retry", func(req *http.Request) *http.Response {
			return answer(&http.Request{}, 503, http.Header{"Retry-After": {"0"}}, "")
		}},
	} {
		for what, given := range map[string]session.Body{
			"seekable": session.Reader(strings.NewReader("abcdef")), "read once": session.Reader(unsized("abcdef")),
		} {
			var old io.Reader
			got := ""
			s := over(t, func(req *http.Request) (*http.Response, error) {
				if old == nil {
					old = req.Body
					return c.first(req), nil
				}
				begin := make([]byte, 3)
				_, err := io.ReadFull(req.Body, begin)
				require.NoError(t, err)
				n, err := old.Read(make([]byte, 3))
				assert.Zero(t, n)
				require.Error(t, err)
				rest, err := io.ReadAll(req.Body)
				got = string(begin) + string(rest)
				return answer(req, 200, nil, ""), err
			})
			s.Auth, s.Retry = session.DigestAuth("u", "p"), &session.Retry{Total: 1}
			_, err := s.Put(t.Context(), "http://a.test/", given)
			require.NoError(t, err, "%s, %s", c.what, what)
			assert.Equal(t, "abcdef", got, "%s, %s", c.what, what)
		}
	}
}

func TestAReaderThatAnotherBodyReplacesIsClosed(t *testing.T) {
	t.Parallel()
	s := open(t, serve(t, nil))
	for _, other := range []session.Option{session.Text("t"), session.Reader(strings.NewReader("r")), session.Form{"a": {"1"}}} {
		replaced := &closeCounter{Reader: strings.NewReader("x")}
		_, err := s.Post(t.Context(), "http://a.test/", session.Reader(replaced), other)
		require.NoError(t, err)
		assert.Equal(t, 1, replaced.count())
	}
	kept := &closeCounter{Reader: strings.NewReader("x")}
	_, err := s.Post(t.Context(), "http://a.test/", session.Reader(kept), session.JSON(1), session.Form{})
	require.NoError(t, err)
	assert.Equal(t, 1, kept.count())
}

// closeSignal is a body that can be sent again and tells when it was closed.
type closeSignal struct {
	*strings.Reader
	closed chan struct{}
}

func (c closeSignal) Close() error {
	close(c.closed)
	return nil
}

func TestTheEndOfTheContextIsTheErrorOfABodyThatItClosed(t *testing.T) {
	t.Parallel()
	s := session.New()
	require.NoError(t, s.Mount("http://", roundTripper(func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusTemporaryRedirect, http.Header{"Location": {"/next"}}, ""), nil
	})))
	ctx, cancel := context.WithCancel(t.Context())
	body := closeSignal{strings.NewReader("hello"), make(chan struct{})}
	cancelled := session.Hooks{Response: []session.ResponseHook{func(*session.Response) (*session.Response, error) {
		cancel()
		<-body.closed
		return nil, nil
	}}}
	_, err := s.Post(ctx, "http://a.test/", session.Reader(body), cancelled)
	assert.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, session.ErrUnrewindableBody)
}

// What an option wraps is still to be read; what is given again is not replaced.
func TestAReaderThatIsStillToBeSentIsNotClosed(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for _, c := range []struct {
		what   string
		second func(r io.Reader) session.Option
		closed int
	}{
		{"given again", func(r io.Reader) session.Option { return session.Reader(r) }, 1},
		{"given again by an option", func(r io.Reader) session.Option {
			return session.OptionFunc(func(to *session.Request) { to.Body = session.Reader(r) })
		}, 1},
		{"wrapped by an option", func(r io.Reader) session.Option {
			return session.OptionFunc(func(to *session.Request) { to.Body = session.Reader(io.TeeReader(r, io.Discard)) })
		}, 0}, // a TeeReader cannot be closed
	} {
		counter := &closeCounter{}
		counter.Reader = readerFunc(func(p []byte) (int, error) {
			assert.Zero(t, counter.count(), "%s: closed before it is sent", c.what)
			return copy(p, "hello"), io.EOF
		})
		_, err := s.Post(t.Context(), "http://a.test/", session.Reader(counter), c.second(counter))
		require.NoError(t, err, c.what)
		assert.Equal(t, "hello", srv.last(t).Body, c.what)
		assert.Eventually(t, func() bool { return counter.count() >= c.closed }, time.Second, time.Millisecond)
		assert.Equal(t, c.closed, counter.count(), c.what)
	}
	for _, r := range []io.Reader{nil, struct{ io.Reader }{readerFunc(nil)}} { // which == would panic at
		_, err := s.Get(t.Context(), "http://a.test/", session.Reader(r), session.Reader(r), session.Text("t"))
		require.NoError(t, err)
	}
}

// signing reads the body by GetBody for a header, as signatures do; then it is Digest.
type signing struct{ session.Challenger }

func (a signing) Authenticate(req *http.Request) error {
	req.Header.Set("X-Signature", viaGetBody(req))
	return a.Challenger.Authenticate(req)
}

func (a signing) Challenge(next *http.Request, resp *http.Response) (bool, error) {
	next.Header.Set("X-Signature", viaGetBody(next))
	return a.Challenger.Challenge(next, resp)
}

// viaGetBody is what GetBody gives.
func viaGetBody(req *http.Request) string {
	body, err := req.GetBody()
	if err != nil {
		return err.Error()
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	return fmt.Sprintf("%s %v", content, err)
}

func TestGetBodyTakesNothingFromWhatIsSent(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/401" {
			early(w, r)
			return
		}
		redirects(w, r)
	})
	disk := file(t, "f", "hello")
	for what, opened := range map[string]func() io.ReadCloser{
		"seeker": func() io.ReadCloser { return seekable{&closeCounter{Reader: strings.NewReader("hello")}} },
		"file": func() io.ReadCloser {
			f, err := os.Open(disk)
			require.NoError(t, err)
			return f
		},
	} {
		for path, times := range map[string]int{"/": 1, "/307": 2, "/401": 2, "/busy": 2} {
			for how, send := range map[string]func(*session.Session) (*http.Response, error){
				"Send": func(s *session.Session) (*http.Response, error) {
					resp, err := s.Put(t.Context(), "http://a.test"+path, session.Reader(opened()))
					require.NoError(t, err, "%s %s", what, path)
					return resp.Response, err
				},
				"SendPrepared": func(s *session.Session) (*http.Response, error) {
					req := prepared(t, s, session.Request{Method: "PUT", URL: "http://a.test" + path, Body: session.Reader(opened())})
					assert.Equal(t, "hello <nil>", viaGetBody(req), "of the caller")
					resp, err := s.SendPrepared(req)
					require.NoError(t, err, "%s %s", what, path)
					return resp.Response, err
				},
				"Do": func(s *session.Session) (*http.Response, error) {
					return s.Do(outgoing(t, "PUT", "http://a.test"+path, opened()))
				},
			} {
				adapter := dialTo(srv)
				adapter.Wrap = func(rt http.RoundTripper) http.RoundTripper {
					return roundTripper(func(req *http.Request) (*http.Response, error) {
						req.Header.Set("X-Middleware", viaGetBody(req))
						return rt.RoundTrip(req)
					})
				}
				s := session.New()
				require.NoError(t, s.Mount("http://", adapter))
				s.Auth = signing{session.DigestAuth("u", "p")}
				s.Retry = &session.Retry{Total: 1, Statuses: []int{503}, ReturnStatus: true}
				before := len(srv.requests())
				resp, err := send(s)
				content(t, resp, err)
				require.NoError(t, s.Close())
				got := srv.requests()[before:]
				assert.Len(t, got, times, "%s of a %s to %s", how, what, path)
				for _, r := range got {
					assert.Equal(t, []string{"hello", "hello <nil>", "hello <nil>"},
						[]string{r.Body, r.Header.Get("X-Signature"), r.Header.Get("X-Middleware")}, "%s of a %s to %s", how, what, path)
				}
			}
		}
	}
}

// As a progress bar is put around the Body of a request.
func TestABodyOfAPreparedRequestMayBeWrapped(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	opened := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }
	for what, given := range map[string]session.Body{
		"seekable": session.Reader(strings.NewReader("hello")), "read once": session.Reader(unsized("hello")),
		"file": session.FromFile(file(t, "f", "hello")), "ReaderFunc": session.ReaderFunc(opened), "text": session.Text("hello"),
	} {
		req := prepared(t, s, session.Request{Method: "PUT", Body: given})
		var seen bytes.Buffer
		closed := &closeCounter{}
		req.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(req.Body, &seen), closeFunc{nil, func() { _ = closed.Close() }}}
		_, err := s.SendPrepared(req)
		require.NoError(t, err, what)
		assert.Equal(t, "hello", srv.last(t).Body, what)
		assert.Equal(t, "hello", seen.String(), what)
		assert.Eventually(t, func() bool { return closed.count() == 1 }, time.Second, time.Millisecond, what)
	}
}

func TestWhatGetBodyOpensIsClosed(t *testing.T) {
	t.Parallel()
	for path, times := range map[string]int{"/": 1, "/307": 2, "/busy": 2} {
		for what, old := range map[string]session.Body{
			"none": nil, "text": session.Text("old"), "seekable": session.Reader(strings.NewReader("old")), "Do": nil,
		} {
			sent, opened, closed := 0, 0, 0
			s := over(t, func(req *http.Request) (*http.Response, error) {
				content, err := io.ReadAll(req.Body)
				require.NoError(t, err)
				assert.Equal(t, "hello", string(content))
				switch sent++; {
				case sent == 1 && path == "/307":
					return answer(req, 307, location("/end"), ""), nil
				case sent == 1 && path == "/busy":
					return answer(req, 503, nil, ""), nil
				}
				return answer(req, 200, nil, ""), nil
			})
			s.Retry = &session.Retry{Total: 1, Statuses: []int{503}}
			given := func(req *http.Request) *http.Request {
				req.GetBody = func() (io.ReadCloser, error) {
					opened++
					return closeFunc{strings.NewReader("hello"), func() { closed++ }}, nil
				}
				req.Body, _ = req.GetBody()
				return req
			}
			var err error
			if what == "Do" {
				var resp *http.Response
				resp, err = s.Do(given(outgoing(t, "PUT", "http://a.test"+path, nil)))
				content(t, resp, err)
			} else {
				_, err = s.SendPrepared(given(prepared(t, s, session.Request{Method: "PUT", URL: "http://a.test" + path, Body: old})))
			}
			require.NoError(t, err, "%s %s", what, path)
			assert.Equal(t, times, sent, "%s %s", what, path)
			assert.Equal(t, opened, closed, "%s %s", what, path)
		}
	}
}
