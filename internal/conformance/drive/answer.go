package drive

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cbf3e3a9/session"
)

// answer makes a call and describes its response.
func (d *Driver) answer(id int, call func() (*session.Response, error)) (object, error) {
	start := time.Now()
	resp, err := call()
	wall := time.Since(start)
	if err != nil {
		return nil, err
	}
	d.responses[id] = resp
	return d.responseObject(resp, wall), nil
}

func (d *Driver) responseObject(resp *session.Response, wall time.Duration) object {
	body, err := resp.Bytes()
	out := object{
		"status": resp.StatusCode, "reason": latin1(resp.Reason()), "url": resp.URL().String(),
		"headers": responseHeaders(resp), "body_b64": notNil(body), "body_error": nil,
		"encoding": nil, "history": []object{}, "cookies": cookieObjects(resp.Cookies()),
		"request": preparedObject(resp.Request), "is_redirect": resp.IsRedirect(),
		"is_permanent_redirect": resp.IsPermanentRedirect(), "next": nil, "ok": resp.OK(),
		"links": resp.Links(), "hook_log": append([]string{}, d.hookLog...),
		"elapsed_ok": resp.Elapsed > 0 && resp.Elapsed <= wall,
	}
	if encoding := resp.Encoding(); encoding != "" {
		out["encoding"] = encoding
	}
	if err != nil {
		out["body_error"] = d.errorObject(err)
	} else {
		out["text"], _ = resp.Text()
	}
	if next, err := resp.Next(); err == nil && next != nil {
		out["next"] = preparedObject(next)
	}
	var history []object
	for _, hop := range resp.History {
		history = append(history, object{
			"status": hop.StatusCode, "url": hop.URL().String(), "headers": responseHeaders(hop),
			"is_redirect": hop.IsRedirect(), "request": preparedObject(hop.Request),
		})
	}
	if history != nil {
		out["history"] = history
	}
	return out
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// responseHeaders gives the headers as received: net/http keeps
// Transfer-Encoding apart.
func responseHeaders(resp *session.Response) [][2]string {
	h := resp.Header.Clone()
	if len(resp.TransferEncoding) > 0 {
		h["Transfer-Encoding"] = resp.TransferEncoding
	}
	return headerPairs(h)
}

func headerPairs(h http.Header) [][2]string {
	pairs := [][2]string{}
	for name, values := range h {
		for _, value := range values {
			pairs = append(pairs, [2]string{strings.ToLower(name), latin1(value)})
		}
	}
	slices.SortStableFunc(pairs, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	return pairs
}

// preparedObject is a request as it is sent, but for what the transport adds.
func preparedObject(req *http.Request) object {
	h := req.Header.Clone()
	if req.Host != "" && req.Host != req.URL.Host {
		h.Set("Host", req.Host)
	}
	out := object{"method": req.Method, "url": req.URL.String(), "body_b64": nil}
	hasBody := req.Body != nil && req.Body != http.NoBody
	switch {
	case hasBody && req.ContentLength < 0:
		h.Set("Transfer-Encoding", "chunked")
	case hasBody:
		h.Set("Content-Length", strconv.FormatInt(req.ContentLength, 10))
	case req.Method == "POST" || req.Method == "PUT" || req.Method == "PATCH":
		h.Set("Content-Length", "0")
	}
	if hasBody {
		out["body_b64"] = bodyOf(req)
	}
	out["headers"] = headerPairs(h)
	return out
}

func cookieObjects(cookies []session.Cookie) []object {
	out := []object{}
	slices.SortStableFunc(cookies, func(a, b session.Cookie) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Name, b.Name))
	})
	for _, c := range cookies {
		var expires any
		if !c.Expires.IsZero() {
			expires = c.Expires.Unix()
		}
		out = append(out, object{
			"name": c.Name, "value": latin1(c.Value), "domain": c.Domain, "path": c.Path, "secure": c.Secure,
			"expires": expires, "http_only": c.HttpOnly, "host_only": c.HostOnly,
		})
	}
	return out
}

// kinds are the library's errors by the protocol's names; the first that
// matches counts.
var kinds = []struct {
	err  error
	kind string
}{
	{errUnsupported, "Unsupported"},
	{errValue, "ValueError"},
	{errHook, "HookError"},
	{session.ErrHook, "HookError"},
	{session.ErrTooManyRedirects, "TooManyRedirects"},
	{session.ErrMissingScheme, "MissingSchema"},
	{session.ErrInvalidURL, "InvalidURL"},
	{session.ErrNoAdapter, "InvalidSchema"},
	{session.ErrInvalidHeader, "InvalidHeader"},
	{session.ErrInvalidProxy, "InvalidProxyURL"},
	{session.ErrInvalidJSON, "InvalidJSON"},
	{session.ErrDecode, "ContentDecodingError"},
	{session.ErrUnrewindableBody, "UnrewindableBody"},
	{fs.ErrNotExist, "FileNotFound"},
	{session.ErrConnectTimeout, "ConnectTimeout"},
	{session.ErrReadTimeout, "ReadTimeout"},
	{session.ErrIncompleteBody, "ChunkedEncodingError"},
	{session.ErrProxy, "ProxyError"},
	{session.ErrTLS, "SSLError"},
	{session.ErrRetriesExhausted, "RetryError"},
	{session.ErrConnection, "ConnectionError"},
	{session.ErrInvalidRequest, "ValueError"},
	{session.ErrInvalidCookie, "ValueError"},
}

func (d *Driver) errorObject(err error) object {
	out := object{"kind": "Other", "message": err.Error()}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			out["kind"] = k.kind
			break
		}
	}
	var redirects *session.RedirectError
	if errors.As(err, &redirects) {
		out["response"] = d.responseObject(redirects.Response, time.Hour)
	}
	return out
}
