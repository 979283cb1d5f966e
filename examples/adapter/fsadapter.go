package main

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// fsAdapter answers URLs of a scheme of its own with the files of a file
// system: mock://docs/intro.txt is docs/intro.txt. It is safe for concurrent
// use if its file system is.
//
// An adapter keeps [http.RoundTripper]'s contract: it does not change the
// request, closes its body, and gives a response whose body is never nil, or an
// error. A status such as 404 is a response. ([http.NewFileTransportFS] is the
// standard library's own, for one folder without hosts.)
type fsAdapter struct {
	files fs.FS
}

func (a fsAdapter) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return answer(req, http.StatusMethodNotAllowed, []byte("GET and HEAD only")), nil
	}
	name := strings.Trim(req.URL.Host+req.URL.Path, "/")
	content, err := fs.ReadFile(a.files, name)
	if err != nil {
		return answer(req, http.StatusNotFound, []byte("no such file")), nil
	}
	return answer(req, http.StatusOK, content), nil
}

// AcceptRedirect lets servers redirect here. Without this method a redirect
// from http or https is an error: an adapter may reach what no server should.
func (a fsAdapter) AcceptRedirect(u *url.URL) bool {
	return u.Host == "docs"
}

func answer(req *http.Request, status int, content []byte) *http.Response {
	resp := &http.Response{
		Status:     strconv.Itoa(status) + " " + http.StatusText(status),
		StatusCode: status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{},
		Body:          http.NoBody,
		ContentLength: int64(len(content)),
		Request:       req,
	}
	if req.Method != http.MethodHead {
		resp.Header.Set("Content-Type", http.DetectContentType(content))
		resp.Body = io.NopCloser(bytes.NewReader(content))
	}
	return resp
}
