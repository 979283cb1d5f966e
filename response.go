package session

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cbf3e3a9/session/internal/httpheader"
	"github.com/cbf3e3a9/session/internal/text"
)

// Response is the answer to a request. It embeds net/http's, whose Header is as
// received and whose Request is the one that was sent last; Body gives the
// decoded bytes. It is not safe for concurrent use.
//
// Unless it is streamed the body has been read: nothing need be closed, and
// the methods that give it can be called in any order, again and again. Of a
// streamed response, Bytes, Text, JSON and a loop over Lines or Chunks read the
// rest and close it; who leaves it unread has to call Close.
type Response struct {
	*http.Response
	// History holds the responses that led to this one, oldest first: the
	// redirects, or the 401 that an [Auth] answered.
	History []*Response
	// Elapsed is the time from sending the request, the last one, to its
	// answer's headers.
	Elapsed time.Duration
	// Attempts lists what a [Retry] made; nil if one attempt was enough.
	Attempts []Attempt

	wire    wireBody
	body    responseBody
	replay  replay // the Body once it is loaded; of one that was drained what body reads
	loaded  bool   // by Bytes, or never to be had
	session *Session
}

// newResponse wraps what a transport gave for a request.
func (s *Session) newResponse(req *http.Request, got *http.Response, ctx context.Context, dog *watchdog, elapsed time.Duration) *Response {
	r := &Response{Response: got, Elapsed: elapsed, session: s}
	got.Request = req
	if dog != nil {
		dog.gotHeaders()
	}
	if got.StatusCode == http.StatusSwitchingProtocols {
		if dog != nil {
			dog.stop()
		}
		return r // its body is the connection itself, which no context ends
	}
	r.wire = wireBody{ReadCloser: got.Body, ctx: ctx, dog: dog, length: got.ContentLength, locked: got.Uncompressed}
	r.body.open(&r.wire, got, callOf(req.Context()))
	got.Body = &r.body
	return r
}

// limits are those of the call that the response answers.
func (r *Response) limits() *Limits {
	if r.Request != nil {
		if c := callOf(r.Request.Context()); c != nil {
			return c.limits
		}
	}
	return &noLimits
}

// whenClosed has free called when the body has been read or closed.
func (r *Response) whenClosed(free func()) {
	switch {
	case r.StatusCode == http.StatusSwitchingProtocols, r.wire.released.Load():
		free()
	case r.wire.ReadCloser == nil: // a hook made the response
		r.Body = &wireBody{ReadCloser: r.Body, ctx: context.Background(), free: free}
	case r.wire.free != nil: // a call of a hook's
		own := r.wire.free
		r.wire.free = func() { own(); free() }
	default:
		r.wire.free = free
	}
}

// URL is the one that answered, after all redirects; nil where the Request is
// not known.
func (r *Response) URL() *url.URL {
	if r.Request == nil {
		return nil
	}
	return r.Request.URL
}

// Reason is the text of the status line, "Not Found" of "404 Not Found".
func (r *Response) Reason() string {
	_, reason, _ := strings.Cut(r.Status, " ")
	return reason
}

// OK reports whether the status is none of 400 to 599.
func (r *Response) OK() bool { return r.StatusCode < 400 || r.StatusCode >= 600 }

// CheckStatus returns a [*StatusError] where the status is one of 400 to 599.
// requests' raise_for_status.
func (r *Response) CheckStatus() error {
	if r.OK() {
		return nil
	}
	return &StatusError{r}
}

// IsRedirect reports whether the status is 301, 302, 303, 307 or 308 and there
// is a Location.
func (r *Response) IsRedirect() bool {
	switch r.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return len(r.Header["Location"]) > 0
	}
	return false
}

// IsPermanentRedirect reports whether the status is 301 or 308 and there is a
// Location.
func (r *Response) IsPermanentRedirect() bool {
	return r.IsRedirect() && (r.StatusCode == http.StatusMovedPermanently || r.StatusCode == http.StatusPermanentRedirect)
}

// Next returns the request that this response redirects to, its body rewound,
// for [Session.SendPrepared]; nil where it is no redirect. Errors are those of
// [Redirector.NextRequest]. requests' next.
func (r *Response) Next() (*http.Request, error) {
	if r.session == nil {
		return new(Redirector).NextRequest(r)
	}
	next, err := r.session.NextRequest(r)
	return next, envelopeOf(r.Request, err)
}

// Cookies returns the cookies that this response sets, as the session's jar
// would keep them; those that it would refuse, or that have expired, are left out.
func (r *Response) Cookies() []Cookie {
	if r.URL() == nil {
		return nil
	}
	jar := new(Jar)
	if r.session != nil {
		if own, ok := r.session.Jar.(*Jar); ok && own != nil {
			jar = own
		}
	}
	return jar.parse(r.URL(), r.Header["Set-Cookie"], time.Now())
}

// Close gives up what was not read of the body and frees the connection. Where
// little is left it is read first, so that the connection can be used again, which
// takes no longer than [Limits.DrainTime], 100 ms. It may be called again, and
// returns the error of closing the body.
func (r *Response) Close() error {
	if r.Response == nil || r.Body == nil {
		return nil
	}
	return r.Body.Close()
}

// unlessFails makes the request that is to follow the response, which is closed
// where code of the caller's fails in that, or panics.
func (r *Response) unlessFails(follow func() (*http.Request, error)) (next *http.Request, err error) {
	done := false
	defer func() {
		if !done {
			r.abandon()
		}
	}()
	next, err = follow()
	done = err == nil
	return next, err
}

// Bytes returns the body, decoded. Of a streamed response it reads the rest.
// The slice is the response's own: it must not be written to. Errors are
// [ErrIncompleteBody], [ErrDecode], [ErrReadTimeout], [ErrTotalTimeout],
// [ErrLimit] and those of the context; what came before one is returned with it.
func (r *Response) Bytes() ([]byte, error) {
	if !r.loaded {
		r.loaded = true
		content, err := readAll(r.Body, r.sizeHint())
		_ = r.Body.Close()
		r.replay = replay{content: content, err: err}
		r.Body = &r.replay
	}
	return r.replay.content, r.replay.err
}

// load reads the body of a response that is not streamed.
func (r *Response) load() error {
	if r.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	_, err := r.Bytes()
	return err
}

// sizeHint is how large the body will be, as far as that can be trusted.
func (r *Response) sizeHint() int64 {
	const most = 1 << 20 // a server may announce what it never sends
	switch {
	case r.wire.ReadCloser == http.NoBody: // HEAD announces what it does not send
		return 0
	case r.body.decodes || r.ContentLength < 0 || r.body.ReadCloser == nil:
		return 512
	}
	return min(r.ContentLength, most)
}

// readAll reads to the end into a buffer that begins with room for hint bytes.
func readAll(from io.Reader, hint int64) ([]byte, error) {
	if hint == 0 {
		hint = 1 // room to see the end
	}
	content := make([]byte, 0, hint+1)
	for {
		n, err := from.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		if err == io.EOF {
			return content, nil
		}
		if err != nil {
			return content, err
		}
		if len(content) == cap(content) {
			content = slices.Grow(content, len(content))
		}
	}
}

// replay is the Body of a response that has been read.
type replay struct {
	content []byte
	at      int
	err     error
}

func (b *replay) Read(p []byte) (int, error) {
	if b.at < len(b.content) {
		n := copy(p, b.content[b.at:])
		b.at += n
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return 0, io.EOF
}

func (b *replay) Close() error { return nil }

// Save writes the body, decoded, to the file at path, and returns its length in
// bytes. The file is replaced as a whole or, after an error, not at all: it is
// written beside the old one and renamed. Its mode is 0600; a symbolic link at
// path is replaced, not followed. A streamed body is not held in memory. Errors
// are those of [Response.Bytes] and of the file.
func (r *Response) Save(path string) (n int64, err error) {
	body := r.reader()
	defer body.Close()
	err = writeFileAtomic(path, func(w io.Writer) error {
		n, err = io.Copy(w, body)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Encoding is the charset that the Content-Type names, or implies: ISO-8859-1
// for text, UTF-8 for JSON; "" if neither. requests' encoding.
func (r *Response) Encoding() string {
	contentType := r.Header.Get("Content-Type")
	if charset, ok := httpheader.Charset(contentType); ok {
		return charset
	}
	return httpheader.ImpliedCharset(contentType)
}

// Text returns the body as a string: in the charset that the Content-Type
// names; else by its content, a byte order mark, valid UTF-8, an HTML page's
// meta element; else in the charset that the Content-Type implies. Bytes that
// are invalid in it become U+FFFD. Errors are those of Bytes.
func (r *Response) Text() (string, error) {
	content, err := r.Bytes()
	if err != nil {
		return "", err
	}
	contentType := r.Header.Get("Content-Type")
	declared, _ := httpheader.Charset(contentType)
	charset := text.Detect(content, declared, httpheader.ImpliedCharset(contentType))
	decoded, _ := text.Decode(content, charset)
	return decoded, nil
}

// JSON decodes the body into what v points to: in UTF-16 or UTF-32 where it
// shows one of them, else in the charset that the Content-Type names, else in
// UTF-8. An error is an [ErrInvalidJSON] around that of encoding/json, or one of Bytes.
func (r *Response) JSON(v any) error {
	content, err := r.Bytes()
	if err != nil {
		return err
	}
	charset := text.DetectJSON(content)
	if charset == "utf-8" {
		if declared, ok := httpheader.Charset(r.Header.Get("Content-Type")); ok {
			charset = strings.ToLower(declared)
		}
	}
	if charset != "utf-8" {
		decoded, _ := text.Decode(content, charset)
		content = []byte(decoded)
	}
	if err := json.Unmarshal(content, v); err != nil {
		return kindf(ErrInvalidJSON, "in an answer %d of type %.60q: %w", r.StatusCode, r.Header.Get("Content-Type"), err)
	}
	return nil
}

// DecodeJSON decodes the body of a response into a new T. Errors are those of
// [Response.JSON].
func DecodeJSON[T any](r *Response) (T, error) {
	var v T
	err := r.JSON(&v)
	return v, err
}

// linkSeparator joins the lines of a Link header.
const linkSeparator = ", "

// Links returns the links of the Link header by their rel, or by their URL
// where they have none; each maps the names of its parameters to their values,
// and "url" to the link. [Limits] bound the header. requests' links.
func (r *Response) Links() map[string]map[string]string {
	header := strings.Join(r.Header["Link"], linkSeparator)
	links := make(map[string]map[string]string)
	for _, link := range httpheader.ParseLinks(header) {
		key := link["rel"]
		if key == "" {
			key = link["url"]
		}
		links[key] = link
	}
	return links
}

// Chunks yields the body piece by piece, each at most size bytes long (64 KiB
// where size is not positive), as they come. A piece is valid until the next.
// An error, one of Bytes's, is yielded last. When the loop ends the response is
// closed. requests' iter_content.
func (r *Response) Chunks(size int) iter.Seq2[[]byte, error] {
	if size <= 0 {
		size = 64 << 10
	}
	return func(yield func([]byte, error) bool) {
		from := r.reader()
		defer from.Close()
		buffer := make([]byte, size)
		for {
			n, err := from.Read(buffer)
			if n > 0 && !yield(buffer[:n], nil) {
				return
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// reader gives the body from its start where it has been read, else the rest.
func (r *Response) reader() io.ReadCloser {
	if r.loaded {
		return &replay{content: r.replay.content, err: r.replay.err}
	}
	return r.Body
}

// Lines yields the body line by line, without line ends, which are "\n",
// "\r\n" and "\r". A line is valid until the next. A line longer than
// [Limits.Line] is a [*LimitError]; it, or an error of Bytes's, is yielded last, with what
// there was of the next line. When the loop ends the response is closed. requests'
// iter_lines, but that a "\r\n" is one line end wherever the body is cut.
func (r *Response) Lines() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		from := r.reader()
		defer from.Close()
		s := lineScanner{from: from, most: bound(r.limits().Line, MaxLine)}
		for {
			line, err := s.next()
			if err == io.EOF {
				return
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// lineScanner cuts what it reads into lines.
type lineScanner struct {
	from   io.Reader
	most   int64 // bytes of a line
	buffer []byte
	start  int   // of what is not yielded yet
	lf, cr int   // the next of each from start on, where the buffer ends if there is none
	skipLF bool  // the last line ended in \r, and what follows has not come
	err    error // of reading
}

func (s *lineScanner) next() ([]byte, error) {
	for {
		end := min(s.lf, s.cr)
		rest := s.buffer[s.start:end:end]
		switch {
		case int64(len(rest)) > s.most:
			return nil, &LimitError{"length of a line", s.most}
		case end < len(s.buffer):
			s.pass(end)
			return rest, nil
		case s.err == nil:
			s.fill()
		case s.err == io.EOF && len(rest) > 0:
			s.start = end
			return rest, nil
		default:
			return rest, s.err
		}
	}
}

// pass goes on behind the line end at end. Only its kind is looked for again, so
// that a body is searched for each kind once.
func (s *lineScanner) pass(end int) {
	s.start = end + 1
	if end == s.lf {
		s.lf = s.find('\n', s.start)
		return
	}
	s.cr = s.find('\r', s.start)
	s.skipLF = true
	s.passLF()
}

// passLF goes on behind the \n of a \r\n, once that has come.
func (s *lineScanner) passLF() {
	if !s.skipLF || s.start == len(s.buffer) {
		return
	}
	s.skipLF = false
	if s.lf == s.start {
		s.pass(s.lf)
	}
}

// find is where b is in the buffer from some place on, or the buffer's end.
func (s *lineScanner) find(b byte, from int) int {
	if i := bytes.IndexByte(s.buffer[from:], b); i >= 0 {
		return from + i
	}
	return len(s.buffer)
}

// fill reads more behind what is left, which holds no line end.
func (s *lineScanner) fill() {
	if s.start > 0 {
		s.buffer = s.buffer[:copy(s.buffer, s.buffer[s.start:])]
		s.start = 0
	}
	if len(s.buffer) == cap(s.buffer) {
		grown := make([]byte, len(s.buffer), max(2*cap(s.buffer), 32<<10))
		copy(grown, s.buffer)
		s.buffer = grown
	}
	old := len(s.buffer)
	n, err := s.from.Read(s.buffer[old:cap(s.buffer)])
	s.buffer, s.err = s.buffer[:old+n], err
	s.lf, s.cr = s.find('\n', old), s.find('\r', old)
	s.passLF()
}
