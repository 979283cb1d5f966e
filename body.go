package session

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
)

// Body is what a request sends: [Text], [Bytes], [Form], [OrderedForm],
// [JSON], [FromFile], [Reader] or [ReaderFunc]. Each is an [Option] too. All
// but Reader can be sent any number of times, by one Request or by many.
type Body interface {
	Option
	// content is called for each request that is prepared.
	content() (content, error)
}

// content is a body made ready: where data is nil, open gives it.
type content struct {
	contentType string
	data        []byte
	length      int64 // of what open gives; -1 where unknown
	open        func() (io.ReadCloser, error)
	sources     []*source // the caller's readers behind open
}

// Text is a body of text; it sets no Content-Type. An empty one is no body.
type Text string

func (t Text) content() (content, error) { return content{data: []byte(t)}, nil }

// Apply makes a Text an [Option]: the request's Body.
func (t Text) Apply(r *Request) { r.setData(t) }

// Bytes is a body of bytes, which are not copied; it sets no Content-Type.
// An empty one is no body.
type Bytes []byte

func (b Bytes) content() (content, error) { return content{data: b}, nil }

// Apply makes a Bytes an [Option]: the request's Body.
func (b Bytes) Apply(r *Request) { r.setData(b) }

// Pair is a name and a value.
type Pair [2]string

const formType = "application/x-www-form-urlencoded"

// Form is a body of form fields, URL-encoded and in the order of their names;
// a field without values is not sent. An empty Form is no body. Together with
// [Files] it gives the fields of a multipart body.
type Form url.Values

func (f Form) content() (content, error) {
	return content{data: appendValues(nil, f, nil), contentType: formType}, nil
}

// Apply makes a Form an [Option]: the request's Body.
func (f Form) Apply(r *Request) { r.setData(f) }

// fields gives the form in the order in which it is sent.
func (f Form) fields() []Pair {
	var fields []Pair
	for _, name := range sortedKeys(f) {
		for _, value := range f[name] {
			fields = append(fields, Pair{name, value})
		}
	}
	return fields
}

// OrderedForm is a [Form] that keeps its order.
type OrderedForm []Pair

func (f OrderedForm) content() (content, error) {
	return content{data: appendPairs(nil, f), contentType: formType}, nil
}

// Apply makes an OrderedForm an [Option]: the request's Body.
func (f OrderedForm) Apply(r *Request) { r.setData(f) }

func (f OrderedForm) fields() []Pair { return f }

// formFields is a body whose fields can stand in a multipart body.
type formFields interface{ fields() []Pair }

// appendValues writes values, and those of inherited whose names it lacks, in
// the order of the names.
func appendValues(out []byte, values, inherited map[string][]string) []byte {
	var few [16]string
	names := few[:0]
	for name := range values {
		names = append(names, name)
	}
	for name := range inherited {
		if _, own := values[name]; !own {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		of, own := values[name]
		if !own {
			of = inherited[name]
		}
		for _, value := range of {
			out = appendPair(out, name, value)
		}
	}
	return out
}

func appendPairs(out []byte, pairs []Pair) []byte {
	for _, p := range pairs {
		out = appendPair(out, p[0], p[1])
	}
	return out
}

func appendPair(out []byte, name, value string) []byte {
	if len(out) > 0 {
		out = append(out, '&')
	}
	out = append(appendFormEncoded(out, name), '=')
	return appendFormEncoded(out, value)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// JSON returns a body that is v as JSON, written when the request is prepared:
// an error of writing it is an [ErrInvalidJSON]. nil is sent as null. Where a
// request is given both, any other body wins over JSON, as in requests.
func JSON(v any) Body { return jsonBody{v} }

type jsonBody struct{ value any }

func (b jsonBody) content() (content, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(b.value); err != nil {
		return content{}, wrapKind(ErrInvalidJSON, err)
	}
	return content{data: bytes.TrimSuffix(out.Bytes(), []byte("\n")), contentType: "application/json"}, nil
}

func (b jsonBody) Apply(r *Request) {
	if isEmpty(r.Body) || isJSON(r.Body) {
		r.Body = b
	}
}

// setData gives a request a body that goes before JSON, unless it is empty.
func (r *Request) setData(b Body) {
	if !isEmpty(b) || !isJSON(r.Body) {
		r.Body = b
	}
}

func isJSON(b Body) bool {
	_, ok := b.(jsonBody)
	return ok
}

// isEmpty reports whether a body is none.
func isEmpty(b Body) bool {
	switch b := b.(type) {
	case nil:
		return true
	case Text:
		return b == ""
	case Bytes:
		return len(b) == 0
	case formFields:
		return len(b.fields()) == 0
	}
	return false
}

// FromFile returns a body that is the file at path, streamed from disk; its
// length is known, and it is opened anew each time that it is sent.
// A file that cannot be opened is an [ErrRequestBody] of preparing the request.
func FromFile(path string) Body { return fileBody(path) }

type fileBody string

func (b fileBody) Apply(r *Request) { r.Body = b }

func (b fileBody) content() (content, error) {
	length, err := fileLength(string(b))
	return content{length: length, open: func() (io.ReadCloser, error) { return os.Open(string(b)) }}, err
}

// fileLength is the length of a file, -1 of one that is no regular file. One
// that cannot be opened is an error.
func fileLength(path string) (int64, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return -1, wrapKind(ErrRequestBody, err)
	case info.IsDir():
		return -1, kindf(ErrInvalidRequest, "%q is a directory", path)
	case !info.Mode().IsRegular():
		return -1, nil // opening a pipe would wait for its writer
	}
	file, err := os.Open(path)
	if err != nil {
		return -1, wrapKind(ErrRequestBody, err)
	}
	return info.Size(), file.Close()
}

// ReaderFunc is a body that the function opens anew each time that it is sent;
// its length is unknown, so it goes in chunks unless the request has a
// Content-Length header. What it returns is closed.
type ReaderFunc func() (io.ReadCloser, error)

func (f ReaderFunc) content() (content, error) { return content{length: -1, open: f}, nil }

// Apply makes a ReaderFunc an [Option]: the request's Body.
func (f ReaderFunc) Apply(r *Request) { r.Body = f }

// Reader returns a body that is what r gives from where it stands. Its length
// is known where r has a Len method, or can seek, or is an *os.File of a
// regular file; else it goes in chunks, unless the request has a
// Content-Length header. It can be sent again, after a redirect, a challenge
// or a failed attempt, if r is an [io.Seeker]; else that is an
// [ErrUnrewindableBody]. An r that is an [io.Closer] is closed once, when the
// call has no more use for it, as net/http does; so a redirect that the caller
// follows by [Response.Next] cannot send it again, where [FromFile] can be.
func Reader(r io.Reader) Body { return &readerBody{r} }

type readerBody struct{ r io.Reader }

func (b *readerBody) Apply(r *Request) { r.Body = b }

func (b *readerBody) content() (content, error) {
	if b.r == nil {
		return content{}, nil
	}
	s := newSource(b.r)
	length := int64(-1)
	if sized, ok := b.r.(interface{ Len() int }); ok {
		length = int64(sized.Len())
	} else if s.seeker != nil {
		length = remaining(s.seeker, s.start)
	}
	return content{length: length, open: s.open, sources: []*source{s}}, nil
}

// closeReaders closes the readers that a request was given and that nothing
// will send.
func (r *Request) closeReaders() {
	bodies := []Body{r.Body}
	for _, file := range r.Files {
		bodies = append(bodies, file.Content)
	}
	for _, body := range bodies {
		if given, ok := body.(*readerBody); ok {
			given.close()
		}
	}
}

// closeUnlessIn closes the reader unless the body is of the same one.
func (b *readerBody) closeUnlessIn(body Body) {
	now, ok := body.(*readerBody)
	if !ok || now != b && !sameReader(now.r, b.r) {
		b.close()
	}
}

func sameReader(a, b io.Reader) bool {
	return reflect.ValueOf(a).Comparable() && a == b // others would panic
}

// close closes the reader, if it can be closed.
func (b *readerBody) close() {
	if closer, ok := b.r.(io.Closer); ok {
		_ = closer.Close()
	}
}

// remaining is the number of bytes from start to the end, -1 if it cannot be told.
func remaining(s io.Seeker, start int64) int64 {
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return -1
	}
	if _, err := s.Seek(start, io.SeekStart); err != nil {
		return -1
	}
	return max(end-start, 0)
}

// attach gives a request its body, with the means to send it again.
func (c content) attach(req *http.Request, out *outbox) error {
	switch {
	case c.open != nil && c.length == 0:
		req.Body = http.NoBody
	case c.open != nil:
		body, err := out.next()
		if err != nil {
			return err
		}
		req.Body, req.ContentLength = body, c.length
		if out.replayable() {
			req.GetBody = out.again
		}
	case len(c.data) > 0:
		data := c.data
		req.ContentLength = int64(len(data))
		req.Body = io.NopCloser(bytes.NewReader(data))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	}
	return nil
}

// rewound gives the body of a request anew, for the request to be sent again.
func rewound(req *http.Request) (io.ReadCloser, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req.Body, nil
	}
	body, err := bodyAgain(req)
	if err != nil { // that the context ended, which closes a reader, comes first
		err = firstError(contextError(req.Context()), err)
	}
	return body, err
}

func bodyAgain(req *http.Request) (io.ReadCloser, error) {
	c := callOf(req.Context())
	if c != nil && c.body != nil && (req.GetBody == nil || c.body.gave(req.Body)) {
		return c.body.next()
	}
	if req.GetBody != nil {
		return req.GetBody()
	}
	return nil, ErrUnrewindableBody
}

// closeBody closes the body of a request that is not sent.
func closeBody(req *http.Request) {
	if req != nil && req.Body != nil {
		_ = req.Body.Close()
	}
}
