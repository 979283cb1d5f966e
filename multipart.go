package session

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// File is one part of a multipart body (RFC 7578). Its content is the file at
// Path, streamed from disk, or what Content gives.
type File struct {
	Field       string // the form field's name
	Name        string // the file name to tell; Path's last element where that is set and this is not
	ContentType string // the part's Content-Type; none is sent where it is empty, as in requests
	Path        string // the file to send; its length is known and it can be sent again
	Content     Body   // or any body: Text, Bytes, JSON, Reader, …
}

// Files are the files of a multipart body, an [Option]: the request's Files.
// A [Form] or [OrderedForm] of the request gives the fields that stand before
// them; [JSON] besides is left out, as in requests, and another body is an
// [ErrInvalidRequest].
type Files []File

// Apply makes Files an [Option].
func (f Files) Apply(r *Request) { r.Files = f }

// multipart makes the body of fields and files: streamed, with a length where
// every part's is known, and to be sent again where every part can be.
func (f Files) multipart(body Body) (content, error) {
	var fields []Pair
	if form, ok := body.(formFields); ok {
		fields = form.fields()
	} else if !isEmpty(body) && !isJSON(body) {
		return content{}, kindf(ErrInvalidRequest, "files go with form fields, not with another body")
	}
	boundary, err := newBoundary()
	if err != nil {
		return content{}, err
	}
	m := multipartBody{boundary: boundary}
	for _, field := range fields {
		m.addPart(partHeader(field[0], "", ""), content{data: []byte(field[1])})
	}
	for _, file := range f {
		c, err := file.content()
		if err != nil {
			return content{}, err
		}
		m.sources = append(m.sources, c.sources...)
		m.addPart(partHeader(file.Field, file.name(), file.ContentType), c)
	}
	return m.content(), nil
}

func (f File) name() string {
	if f.Name == "" && f.Path != "" {
		return filepath.Base(f.Path)
	}
	return f.Name
}

func (f File) content() (content, error) {
	if strings.ContainsAny(f.ContentType, "\r\n\x00") {
		return content{}, kindf(ErrInvalidHeader, "Content-Type of the file of field %q", f.Field)
	}
	switch {
	case f.Path != "" && f.Content != nil:
		return content{}, kindf(ErrInvalidRequest, "file of field %q has both a Path and a Content", f.Field)
	case f.Path != "":
		return fileBody(f.Path).content()
	case f.Content != nil:
		return f.Content.content()
	}
	return content{}, nil
}

// quoteField writes a name into a part's Content-Disposition as browsers do
// (WHATWG HTML, multipart/form-data): nothing in it can end the header.
var quoteField = strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22", "\x00", "%00")

func partHeader(field, fileName, contentType string) string {
	header := `Content-Disposition: form-data; name="` + quoteField.Replace(field) + `"`
	if fileName != "" {
		header += `; filename="` + quoteField.Replace(fileName) + `"`
	}
	if contentType != "" {
		header += "\r\nContent-Type: " + contentType
	}
	return header + "\r\n\r\n"
}

func newBoundary() (string, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(random[:]), nil
}

// multipartBody is a list of pieces, sent one after another.
type multipartBody struct {
	boundary string
	pieces   []content
	sources  []*source
}

func (m *multipartBody) addPart(header string, c content) {
	m.pieces = append(m.pieces, content{data: []byte("--" + m.boundary + "\r\n" + header)}, c, content{data: []byte("\r\n")})
}

func (m *multipartBody) content() content {
	m.pieces = append(m.pieces, content{data: []byte("--" + m.boundary + "--\r\n")})
	return content{
		contentType: "multipart/form-data; boundary=" + m.boundary,
		length:      m.length(),
		open:        m.open,
		sources:     m.sources,
	}
}

func (m *multipartBody) length() int64 {
	var total int64
	for _, p := range m.pieces {
		switch {
		case p.open == nil:
			total += int64(len(p.data))
		case p.length < 0:
			return -1
		default:
			total += p.length
		}
	}
	return total
}

// open gives the body from its start. Files are opened when their turn comes,
// so that a thousand of them hold one descriptor.
func (m *multipartBody) open() (io.ReadCloser, error) {
	return &multipartReader{pieces: m.pieces}, nil
}

// multipartReader reads piece after piece. Its Close may come while it is
// being read, as transports do.
type multipartReader struct {
	pieces []content
	left   int64 // of the current piece; -1 where unknown

	mu      sync.Mutex
	current io.ReadCloser
	closed  bool
}

func (r *multipartReader) Read(p []byte) (int, error) {
	for {
		current, err := r.piece()
		if err != nil {
			return 0, err
		}
		n, err := current.Read(p)
		if r.left >= 0 {
			if r.left -= int64(n); r.left < 0 || err == io.EOF && r.left > 0 {
				return 0, errPartChanged
			}
		}
		if err == io.EOF {
			err = r.closePiece(false)
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

var errPartChanged = errors.New("session: a file changed its length while it was sent")

// piece is what is to be read now, opened when its turn comes.
func (r *multipartReader) piece() (io.ReadCloser, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, os.ErrClosed
	}
	if r.current != nil {
		return r.current, nil
	}
	if len(r.pieces) == 0 {
		return nil, io.EOF
	}
	next := r.pieces[0]
	r.pieces = r.pieces[1:]
	if next.open == nil {
		r.current, r.left = io.NopCloser(bytes.NewReader(next.data)), -1
		return r.current, nil
	}
	opened, err := next.open()
	if err != nil {
		return nil, err
	}
	r.current, r.left = opened, next.length
	return opened, nil
}

func (r *multipartReader) closePiece(last bool) error {
	r.mu.Lock()
	current := r.current
	r.current = nil
	r.closed = r.closed || last
	r.mu.Unlock()
	if current == nil {
		return nil
	}
	return current.Close()
}

// Close closes the file that is being read.
func (r *multipartReader) Close() error { return r.closePiece(true) }
