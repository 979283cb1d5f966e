package session_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// reading is a streamed response whose body is what r gives.
func reading(t testing.TB, r io.Reader) *session.Response {
	t.Helper()
	s := new(session.Session)
	require.NoError(t, s.Mount("http://", roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, nil, "")
		resp.Body, resp.ContentLength = io.NopCloser(r), -1
		return resp, nil
	})))
	resp, err := s.Get(t.Context(), "http://a.test/", session.Stream(true))
	require.NoError(t, err)
	return resp
}

// lines collects lines, and the error that came last.
func lines(t testing.TB, resp *session.Response) (got []string, last error) {
	t.Helper()
	got = []string{}
	for line, err := range resp.Lines() {
		require.NoError(t, last, "nothing comes after an error")
		if last = err; err == nil {
			got = append(got, string(line))
		}
	}
	return got, last
}

var lineCases = map[string]struct {
	sent string
	want []string
}{
	"empty":                   {"", []string{}},
	"one empty line":          {"\n", []string{""}},
	"no final line end":       {"a\nb", []string{"a", "b"}},
	"a final line end":        {"a\nb\n", []string{"a", "b"}},
	"CRLF":                    {"a\r\nb\r\n", []string{"a", "b"}},
	"CR":                      {"a\rb\r", []string{"a", "b"}},
	"CR CR LF":                {"a\r\r\nb", []string{"a", "", "b"}},
	"LF CR":                   {"a\n\rb", []string{"a", "", "b"}},
	"CRLF CRLF":               {"\r\n\r\n", []string{"", ""}},
	"mixed":                   {"\r\na\n\n\rb\r\n\r\rc", []string{"", "a", "", "", "b", "", "", "c"}},
	"white space is kept":     {" a \t\n b\v\f\x1c\u2028c", []string{" a \t", " b\v\f\x1c\u2028c"}},
	"bytes that are no UTF-8": {"\xff\n\x00\r\n\xe9", []string{"\xff", "\x00", "\xe9"}},
}

func TestLines(t *testing.T) {
	t.Parallel()
	for name, tc := range lineCases {
		for how, split := range map[string]func(io.Reader) io.Reader{
			"at once":            func(r io.Reader) io.Reader { return r },
			"byte by byte":       iotest.OneByteReader,
			"half by half":       iotest.HalfReader,
			"the end with data":  iotest.DataErrReader,
			"bytes and the end":  func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) },
			"and empty in betwe": func(r io.Reader) io.Reader { return &hesitant{r: r} },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				got, err := lines(t, reading(t, split(strings.NewReader(tc.sent))))
				assert.NoError(t, err)
				assert.Equal(t, tc.want, got)
			})
		}
		t.Run(name+", read", func(t *testing.T) {
			t.Parallel()
			resp := get(t, answering(t, 200, nil, tc.sent), "http://a.test/")
			for range 2 {
				got, err := lines(t, resp)
				assert.NoError(t, err)
				assert.Equal(t, tc.want, got, "as often as wanted")
			}
			assert.Equal(t, tc.sent, body(t, resp))
		})
	}
}

// hesitant gives nothing at every other Read, and one byte else.
type hesitant struct {
	r io.Reader
	n int
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.n++; h.n%2 == 1 || len(p) == 0 {
		return 0, nil
	}
	return h.r.Read(p[:1])
}

// TestLinesWhereverTheBodyIsCut cuts inside every line end, at every size of
// the internal buffer.
func TestLinesWhereverTheBodyIsCut(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 32<<10-3) + "\r\n\r\nabc\r\n\n\r" + strings.Repeat("y", 40<<10) + "\r\nend"
	want := []string{strings.Repeat("x", 32<<10-3), "", "abc", "", "", strings.Repeat("y", 40<<10), "end"}
	for cut := 32<<10 - 8; cut < 32<<10+16; cut++ {
		got, err := lines(t, reading(t, io.MultiReader(strings.NewReader(text[:cut]), strings.NewReader(text[cut:]))))
		require.NoError(t, err)
		require.Equal(t, want, got, "cut at %d", cut)
	}
}

func TestALineComesAsSoonAsItEnds(t *testing.T) {
	t.Parallel()
	from, to := io.Pipe()
	resp := reading(t, from)
	sent := []string{"a\r", "\nb\n", "c\r\n"}
	send := func() {
		piece := sent[0]
		sent = sent[1:]
		go func() { _, _ = io.WriteString(to, piece) }()
	}
	send()
	var got []string
	for line, err := range resp.Lines() {
		require.NoError(t, err)
		got = append(got, string(line))
		if len(sent) == 0 {
			break
		}
		send()
	}
	assert.Equal(t, []string{"a", "b", "c"}, got)
	_ = to.Close()
	_ = from.Close()
}

func TestALineThatIsTooLongIsALimitError(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", session.MaxLine)
	got, err := lines(t, reading(t, strings.NewReader("first\n"+longest+"\nlast")))
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Len(t, got[1], session.MaxLine)

	for name, sent := range map[string]string{
		"ended":   "first\n" + longest + "x\nlast",
		"endless": "first\n" + longest + "xx",
	} {
		got, err := lines(t, reading(t, strings.NewReader(sent)))
		assert.Equal(t, []string{"first"}, got, name)
		var limit *session.LimitError
		require.ErrorAs(t, err, &limit, name)
		assert.Equal(t, int64(session.MaxLine), limit.Max)
		assert.ErrorIs(t, err, session.ErrLimit)
	}
}

func TestLinesEndWithTheError(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"", "\n", "\r\n", " and a half"} {
		resp := reading(t, io.MultiReader(strings.NewReader("one\ntwo\nhalf"+end), iotest.ErrReader(io.ErrUnexpectedEOF)))
		var all []string
		var last error
		for line, err := range resp.Lines() {
			all, last = append(all, string(line)), err
		}
		assert.ErrorIs(t, last, session.ErrIncompleteBody)
		want := []string{"one", "two", "half"}
		if strings.HasSuffix(end, "\n") {
			want = append(want, "")
		} else {
			want[2] += end // what came of the line is with the error
		}
		assert.Equal(t, want, all)
	}
}

func TestLinesOfACodedBody(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("line\r\n", 10_000)
	s := answering(t, 200, http.Header{"Content-Encoding": {"gzip"}}, string(gzipped(text)))
	for _, stream := range []bool{true, false} {
		got, err := lines(t, get(t, s, "http://a.test/", session.Stream(stream)))
		require.NoError(t, err)
		assert.Len(t, got, 10_000)
		assert.Equal(t, "line", got[9_999])
	}
}

func TestAStreamIsReadOnce(t *testing.T) {
	t.Parallel()
	resp := reading(t, strings.NewReader("a\nb\n"))
	got, err := lines(t, resp)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, got)
	_, err = lines(t, resp)
	assert.ErrorIs(t, err, http.ErrBodyReadAfterClose)
	for _, err = range resp.Chunks(0) {
		assert.ErrorIs(t, err, http.ErrBodyReadAfterClose)
	}
	_, err = resp.Bytes()
	assert.ErrorIs(t, err, http.ErrBodyReadAfterClose)
}

func TestLinesGoOnWhereAReadStopped(t *testing.T) {
	t.Parallel()
	resp := reading(t, strings.NewReader("head\nline 1\nline 2"))
	head := make([]byte, 5)
	_, err := io.ReadFull(resp.Body, head)
	require.NoError(t, err)
	got, err := lines(t, resp)
	require.NoError(t, err)
	assert.Equal(t, []string{"line 1", "line 2"}, got)
}

func TestALineCostsNoAllocation(t *testing.T) {
	const n = 1000
	resp := get(t, answering(t, 200, nil, strings.Repeat("a line of text\r\n", n)), "http://a.test/")
	count := 0
	allocations := testing.AllocsPerRun(10, func() {
		for range resp.Lines() {
			count++
		}
	})
	assert.Equal(t, 11*n, count)
	assert.Less(t, allocations, 20.0, "for %d lines", n)
}

func FuzzLines(f *testing.F) {
	for _, tc := range lineCases {
		f.Add(tc.sent, 1)
	}
	f.Add(strings.Repeat("x\r\n", 20_000), 32<<10)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		want := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		cut = max(0, min(cut, len(text)))
		got, err := lines(t, reading(t, io.MultiReader(strings.NewReader(text[:cut]), strings.NewReader(text[cut:]))))
		if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Fatalf("%q cut at %d gave %q, %v", text, cut, got, err)
		}
	})
}
