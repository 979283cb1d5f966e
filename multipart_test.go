package session_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// boundaryOf is the boundary that a multipart Content-Type names.
func boundaryOf(t testing.TB, h http.Header) string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/form-data", kind)
	require.NotEmpty(t, params["boundary"])
	return params["boundary"]
}

// parts is a multipart body without its boundaries, a line for each header,
// with the parts apart by "--".
func parts(t testing.TB, got received) string {
	t.Helper()
	require.NoError(t, got.Err)
	boundary := boundaryOf(t, got.Header)
	body, ended := strings.CutSuffix(got.Body, "--"+boundary+"--\r\n")
	require.True(t, ended, "the body ends with its boundary: %q", got.Body)
	return strings.ReplaceAll(body, "--"+boundary+"\r\n", "--")
}

// named is a part with a file name.
func named(field, name, more, content string) string {
	return `--Content-Disposition: form-data; name="` + field + `"; filename="` + name + `"` + more + "\r\n\r\n" + content + "\r\n"
}

// plain is a part without one.
func plain(field, content string) string {
	return `--Content-Disposition: form-data; name="` + field + `"` + "\r\n\r\n" + content + "\r\n"
}

func TestMultipartFieldsStandBeforeFilesInOrder(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	one := session.Files{{Field: "f", Name: "n", Content: session.Text("x")}}
	f := named("f", "n", "", "x")
	for _, c := range []struct {
		what string
		body session.Option
		file session.Files
		want string
	}{
		{"ordered", session.OrderedForm{{"b", "1"}, {"a", ""}, {"b", "2"}}, one, plain("b", "1") + plain("a", "") + plain("b", "2") + f},
		{"by name", session.Form{"b": {"1", "2"}, "a": {"&="}, "none": nil, "no": {}}, one, plain("a", "&=") + plain("b", "1") + plain("b", "2") + f},
		{"no body", nil, one, f},
		{"empty form", session.Form{}, one, f},
		{"empty ordered form", session.OrderedForm{}, one, f},
		{"empty text, which is no body", session.Text(""), one, f},
		{"JSON, which files win over", session.JSON(1), one, f},
		{"files of one field", session.Form{"a": {"1"}}, session.Files{
			{Field: "z", Name: "2", Content: session.Text("first")},
			{Field: "f", Name: "1", Content: session.Bytes("\r\n--\x00\xff")},
			{Field: "z", Name: "0", Content: session.JSON([]int{1})},
			{Field: "f", Content: session.Text("no name")},
			{Field: "empty", Name: "e"},
		}, plain("a", "1") + named("z", "2", "", "first") + named("f", "1", "", "\r\n--\x00\xff") + named("z", "0", "", "[1]") +
			plain("f", "no name") + named("empty", "e", "", "")},
	} {
		for _, options := range [][]session.Option{{c.body, c.file}, {c.file, c.body}} {
			_, err := s.Post(t.Context(), "http://a.test/", options...)
			require.NoError(t, err, c.what)
			got := srv.last(t)
			assert.Equal(t, c.want, parts(t, got), c.what)
			assert.EqualValues(t, len(got.Body), got.ContentLength, c.what)
			assert.Empty(t, got.TransferEncoding, c.what)
		}
	}
}

func TestMultipartIsWhatServersRead(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if assert.NoError(t, r.ParseMultipartForm(1<<20)) {
			assert.Equal(t, []string{"1", "2"}, r.MultipartForm.Value["a"])
			for field, name := range map[string]string{"disk": "grüße.txt", "text": "t"} {
				if assert.Len(t, r.MultipartForm.File[field], 1) {
					assert.Equal(t, name, r.MultipartForm.File[field][0].Filename)
					assert.EqualValues(t, 5, r.MultipartForm.File[field][0].Size)
				}
			}
		}
	})
	s := open(t, srv)
	_, err := s.Post(t.Context(), "http://a.test/", session.Form{"a": {"1", "2"}}, session.Files{
		{Field: "disk", Path: file(t, "grüße.txt", "hello")},
		{Field: "text", Name: "t", ContentType: "text/plain", Content: session.Reader(unsized("hello"))},
	})
	require.NoError(t, err)
}

func TestNoFilesIsNoMultipart(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for _, c := range []struct {
		body session.Option
		want string
		kind string
	}{
		{session.Form{"a": {"1"}}, "a=1", "application/x-www-form-urlencoded"},
		{session.JSON(1), "1", "application/json"},
		{nil, "", ""},
	} {
		for _, none := range []session.Files{nil, {}} {
			_, err := s.Post(t.Context(), "http://a.test/", c.body, none)
			require.NoError(t, err)
			assert.Equal(t, c.want, srv.last(t).Body)
			assert.Equal(t, c.kind, srv.last(t).Header.Get("Content-Type"))
		}
	}
}

func TestMultipartLengthIsKnownWhereEveryPartsIs(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	disk := session.File{Field: "disk", Path: file(t, "f", "from disk")}
	opened, err := os.Open(disk.Path)
	require.NoError(t, err)
	_, err = opened.Seek(5, io.SeekStart)
	require.NoError(t, err)
	for _, c := range []struct {
		what  string
		files session.Files
		want  string
		known bool
	}{
		{"file", session.Files{disk}, named("disk", "f", "", "from disk"), true},
		{"empty file", session.Files{{Field: "f", Path: file(t, "f", "")}}, named("f", "f", "", ""), true},
		{"open file, from where it stands", session.Files{{Field: "f", Content: session.Reader(opened)}}, plain("f", "disk"), true},
		{"sized reader", session.Files{disk, {Field: "r", Content: session.Reader(bytes.NewBufferString("hello"))}},
			named("disk", "f", "", "from disk") + plain("r", "hello"), true},
		{"seeker", session.Files{{Field: "r", Content: session.Reader(struct{ io.ReadSeeker }{strings.NewReader("hello")})}}, plain("r", "hello"), true},
		{"FromFile", session.Files{{Field: "r", Name: "n", Content: session.FromFile(disk.Path)}}, named("r", "n", "", "from disk"), true},
		{"unsized reader among others", session.Files{disk, {Field: "r", Content: session.Reader(unsized("hello"))}, disk},
			named("disk", "f", "", "from disk") + plain("r", "hello") + named("disk", "f", "", "from disk"), false},
		{"ReaderFunc", session.Files{{Field: "r", Content: session.ReaderFunc(func() (io.ReadCloser, error) {
			return io.NopCloser(unsized("hello")), nil
		})}}, plain("r", "hello"), false},
	} {
		_, err := s.Post(t.Context(), "http://a.test/", c.files)
		require.NoError(t, err, c.what)
		got := srv.last(t)
		assert.Equal(t, c.want, parts(t, got), c.what)
		if c.known {
			assert.EqualValues(t, len(got.Body), got.ContentLength, c.what)
			assert.Empty(t, got.TransferEncoding, c.what)
			continue
		}
		assert.EqualValues(t, -1, got.ContentLength, c.what)
		assert.Equal(t, []string{"chunked"}, got.TransferEncoding, c.what)
	}
}

// The wire is that of requests 2.34 with urllib3 2, but that NUL is escaped too.
func TestMultipartNamesCannotEndTheirHeader(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	for name, want := range map[string]string{
		`plain.txt`:        `plain.txt`,
		`a "quoted" name`:  `a %22quoted%22 name`,
		"cr\rlf\n\r\nX: y": `cr%0Dlf%0A%0D%0AX: y`,
		"nul\x00":          `nul%00`,
		`back\slash;a=b`:   `back\slash;a=b`,
		// a backslash escapes nothing, as with browsers and requests
		`ends in a \`:             `ends in a \`,
		`\`:                       `\`,
		`both \"`:                 `both \%22`,
		`both, turned "\`:         `both, turned %22\`,
		"\r\n\r\nX: y\\":          `%0D%0A%0D%0AX: y\`,
		"grüße\n\"日本\"\\":         "grüße%0A%22日本%22\\",
		"%22; filename=%22":       "%22; filename=%22",
		"'; x='\t y":              "'; x='\t y",
		"line ends \u2028 \u0085": "line ends \u2028 \u0085",
		"grüße 日本.txt":            "grüße 日本.txt",
		"not UTF-8 \xff":          "not UTF-8 \xff",
		"100%":                    "100%",
		"../../etc/x":             "../../etc/x",
	} {
		_, err := s.Post(t.Context(), "http://a.test/", session.Form{name: {"v\r\n\"x"}},
			session.Files{{Field: name, Name: name, Content: session.Text("x")}})
		require.NoError(t, err, "%q", name)
		assert.Equal(t, plain(want, "v\r\n\"x")+named(want, want, "", "x"), parts(t, srv.last(t)), "%q", name)
	}
}

func TestMultipartNameIsThePathsLastElement(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	path := file(t, `we"ird.txt`, "x")
	_, err := s.Post(t.Context(), "http://a.test/", session.Files{{Field: "a", Path: path}, {Field: "b", Path: path, Name: "own"}})
	require.NoError(t, err)
	assert.Equal(t, named("a", "we%22ird.txt", "", "x")+named("b", "own", "", "x"), parts(t, srv.last(t)))
}

func TestMultipartContentTypes(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	_, err := s.Post(t.Context(), "http://a.test/", session.Files{
		{Field: "a", Name: "a.json", ContentType: "text/plain; charset=utf-8", Content: session.JSON(1)},
		{Field: "b", Name: "b.json", Content: session.JSON(1)},
	})
	require.NoError(t, err)
	assert.Equal(t, named("a", "a.json", "\r\nContent-Type: text/plain; charset=utf-8", "1")+named("b", "b.json", "", "1"),
		parts(t, srv.last(t)), "none is made up")

	for _, bad := range []string{"a\r\nX: y", "a\nb", "a\x00b", "\r"} {
		counter := &closeCounter{Reader: unsized("x")}
		_, err := s.Post(t.Context(), "http://a.test/", session.Files{{Field: "f", ContentType: bad, Content: session.Reader(counter)}})
		require.ErrorIs(t, err, session.ErrInvalidHeader, "%q", bad)
		assert.Equal(t, 1, counter.count(), "%q", bad)
	}
	assert.Len(t, srv.requests(), 1, "nothing is sent")
}

func TestMultipartThatCannotBeReadIsAnErrorBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	s := open(t, srv)
	missing := filepath.Join(t.TempDir(), "missing")
	good := session.File{Field: "g", Path: file(t, "g", "good")}
	for _, c := range []struct {
		what string
		bad  session.File
		want error
	}{
		{"missing", session.File{Field: "f", Path: missing}, os.ErrNotExist},
		{"missing, as a body", session.File{Field: "f", Content: session.FromFile(missing)}, os.ErrNotExist},
		{"folder", session.File{Field: "f", Path: t.TempDir()}, session.ErrInvalidRequest},
		{"path and content", session.File{Field: "f", Path: good.Path, Content: session.Text("x")}, session.ErrInvalidRequest},
		{"no JSON", session.File{Field: "f", Content: session.JSON(make(chan int))}, session.ErrInvalidJSON},
	} {
		_, err := s.Post(t.Context(), "http://a.test/", session.Files{good, c.bad, good})
		require.ErrorIs(t, err, c.want, c.what)
		if errors.Is(c.want, os.ErrNotExist) {
			assert.ErrorContains(t, err, missing, "it names the file")
		}
	}
	for _, body := range []session.Option{session.Text("x"), session.Bytes("x"), session.FromFile(good.Path)} {
		_, err := s.Post(t.Context(), "http://a.test/", body, session.Files{good})
		require.ErrorIs(t, err, session.ErrInvalidRequest)
	}
	assert.Empty(t, srv.requests())
}

func TestFolderIsNoBody(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	_, err := open(t, srv).Post(t.Context(), "http://a.test/", session.FromFile(t.TempDir()))
	require.ErrorIs(t, err, session.ErrInvalidRequest)
	assert.Empty(t, srv.requests())
}

func TestMultipartFileThatChangesIsNeverSentWrong(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(path string) error{
		"shorter": func(path string) error { return os.Truncate(path, 2) },
		"longer":  func(path string) error { return os.WriteFile(path, []byte("hello and more"), 0o600) },
		"gone":    os.Remove,
	} {
		srv := serve(t, nil)
		s := open(t, srv)
		path := file(t, "f", "hello")
		req, err := s.Prepare(t.Context(), &session.Request{Method: "POST", URL: "http://a.test/", Files: session.Files{{Field: "f", Path: path}}})
		require.NoError(t, err)
		require.NoError(t, change(path))
		_, err = s.SendPrepared(req)
		require.ErrorIs(t, err, session.ErrRequestBody, what)
		for _, got := range srv.requests() {
			require.Error(t, got.Err, "the server never sees it whole: %s", what)
		}
	}
}

func TestMultipartIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/307", "/308", "/busy"} {
		srv := serve(t, redirects)
		s := open(t, srv)
		_, err := s.Post(t.Context(), "http://a.test"+path,
			session.OrderedForm{{"b", "1"}, {"a", "2"}},
			session.Files{
				{Field: "disk", Path: file(t, "f", "from disk")},
				{Field: "seeker", Content: session.Reader(strings.NewReader("hello"))},
				{Field: "func", Content: session.ReaderFunc(func() (io.ReadCloser, error) { return io.NopCloser(unsized("again")), nil })},
			},
			&session.Retry{Total: 1, Statuses: []int{503}, Methods: []string{"POST"}, ReturnStatus: true})
		require.NoError(t, err, path)
		got := srv.requests()
		require.Len(t, got, 2, path)
		assert.Equal(t, plain("b", "1")+plain("a", "2")+named("disk", "f", "", "from disk")+plain("seeker", "hello")+plain("func", "again"),
			parts(t, got[0]), path)
		assert.Equal(t, got[0].Body, got[1].Body, path)
		assert.Equal(t, got[0].Header.Get("Content-Type"), got[1].Header.Get("Content-Type"), path)
		assert.Equal(t, got[0].ContentLength, got[1].ContentLength, path)
	}
}

func TestMultipartThatCanBeReadOnceIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/307", "/308", "/busy"} {
		srv := serve(t, redirects)
		s := open(t, srv)
		seeker, once := &closeSeeker{ReadSeeker: strings.NewReader("1")}, &closeCounter{Reader: unsized("2")}
		_, err := s.Post(t.Context(), "http://a.test"+path, session.Files{
			{Field: "disk", Path: file(t, "f", "from disk")},
			{Field: "seeker", Content: session.Reader(seeker)},
			{Field: "once", Content: session.Reader(once)},
		}, &session.Retry{Total: 1, Statuses: []int{503}, Methods: []string{"POST"}})
		require.ErrorIs(t, err, session.ErrUnrewindableBody, path)
		assert.Len(t, srv.requests(), 1, path)
		assert.Equal(t, 1, seeker.closed, path)
		assert.Equal(t, 1, once.count(), path)
	}
}

// closeSeeker is a seeker that counts how often it is closed.
type closeSeeker struct {
	io.ReadSeeker
	closed int
}

func (c *closeSeeker) Close() error {
	c.closed++
	return nil
}

func TestMultipartReadersAreClosedOnceAfterTheLastUse(t *testing.T) {
	t.Parallel()
	srv := serve(t, redirects)
	s := open(t, srv)
	for _, path := range []string{"/", "/303", "/307"} {
		closed := make(chan struct{}, 2)
		reader := closeNotify{strings.NewReader("hello"), closed}
		_, err := s.Post(t.Context(), "http://a.test"+path, session.Files{{Field: "f", Content: session.Reader(reader)}})
		require.NoError(t, err, path)
		select {
		case <-closed:
		case <-time.After(10 * time.Second):
			require.Fail(t, "the reader is never closed", path)
		}
		assert.Empty(t, closed, "%s: closed once", path)
		for _, got := range srv.requests() {
			require.NoError(t, got.Err, "closed too early")
		}
	}
}

type closeNotify struct {
	io.ReadSeeker
	closed chan struct{}
}

func (c closeNotify) Close() error {
	c.closed <- struct{}{}
	return nil
}

func TestMultipartBoundariesAreUnique(t *testing.T) {
	t.Parallel()
	s := session.New()
	seen := map[string]bool{}
	r := &session.Request{Method: "POST", URL: "http://a.test/", Files: session.Files{{Field: "f", Content: session.Text("x")}}}
	for range 100 {
		req, err := s.Prepare(t.Context(), r)
		require.NoError(t, err)
		boundary := boundaryOf(t, req.Header)
		assert.False(t, seen[boundary], boundary)
		assert.GreaterOrEqual(t, len(boundary), 16, "nobody can guess it")
		assert.LessOrEqual(t, len(boundary), 70, "RFC 2046 section 5.1.1")
		seen[boundary] = true
	}
}

func TestMultipartOpensFilesOneByOne(t *testing.T) {
	t.Parallel()
	var open, most int
	var files session.Files
	for range 50 {
		files = append(files, session.File{Field: "f", Content: session.ReaderFunc(func() (io.ReadCloser, error) {
			open++
			most = max(most, open)
			return closeFunc{strings.NewReader("x"), func() { open-- }}, nil
		})})
	}
	req, err := session.New().Prepare(t.Context(), &session.Request{Method: "POST", URL: "http://a.test/", Files: files})
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, req.Body)
	require.NoError(t, err)
	require.NoError(t, req.Body.Close())
	assert.Equal(t, 1, most)
	assert.Zero(t, open)
}

func TestMultipartBodyClosedHalfwayClosesItsFile(t *testing.T) {
	t.Parallel()
	opened, closed := 0, 0
	part := session.ReaderFunc(func() (io.ReadCloser, error) {
		opened++
		return closeFunc{strings.NewReader("hello"), func() { closed++ }}, nil
	})
	req, err := session.New().Prepare(t.Context(), &session.Request{
		Method: "POST", URL: "http://a.test/", Files: session.Files{{Field: "1", Content: part}, {Field: "2", Content: part}},
	})
	require.NoError(t, err)
	for read := ""; !strings.Contains(read, "he"); {
		var few [2]byte
		n, err := req.Body.Read(few[:])
		require.NoError(t, err)
		read += string(few[:n])
	}
	require.NoError(t, req.Body.Close())
	require.NoError(t, req.Body.Close())
	assert.Equal(t, 1, opened, "the second is not opened before its turn")
	assert.Equal(t, 1, closed)
	_, err = req.Body.Read(make([]byte, 1))
	require.Error(t, err)
	assert.Equal(t, 1, opened)
}

// The upload of a hop that was answered goes on to its file when the next one
// is in it.
func TestASupersededMultipartUploadTakesNothing(t *testing.T) {
	t.Parallel()
	var old io.Reader
	got := ""
	s := over(t, func(req *http.Request) (*http.Response, error) {
		begin := make([]byte, 150) // the first part's header is shorter
		if old == nil {
			begin, old = begin[:10], req.Body
		}
		n, err := io.ReadFull(req.Body, begin)
		require.NoError(t, err)
		if n == 10 {
			return answer(&http.Request{}, 307, location("/end"), ""), nil
		}
		read, err := io.Copy(io.Discard, old)
		assert.Zero(t, read)
		require.Error(t, err)
		rest, err := io.ReadAll(req.Body)
		got = string(begin) + string(rest)
		return answer(req, 200, nil, ""), err
	})
	large := strings.Repeat("z", 200)
	_, err := s.Post(t.Context(), "http://a.test/", session.Files{{Field: "f", Name: "n", Content: session.Reader(strings.NewReader(large))}})
	require.NoError(t, err)
	assert.Contains(t, got, "\r\n\r\n"+large+"\r\n--")
}

// Not in parallel, since it counts what is allocated meanwhile.
func TestMultipartFileIsNotHeldInMemory(t *testing.T) {
	const size = 64 << 20
	path := file(t, "large", "")
	require.NoError(t, os.Truncate(path, size))
	var got, length int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		length = r.ContentLength
		got, _ = io.Copy(io.Discard, r.Body)
	}))
	defer srv.Close()
	s := session.New()
	defer s.Close()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := s.Post(t.Context(), srv.URL, session.Files{{Field: "f", Path: path}})
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	assert.Greater(t, got, int64(size))
	assert.Equal(t, length, got)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/8))
}
