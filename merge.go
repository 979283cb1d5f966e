package session

import (
	"maps"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// mergeHeader gives the request's headers over the session's, names in
// canonical form, as requests' merge_setting does: a nil value removes. The
// values are shared with those given, clipped so that appending copies.
func mergeHeader(request, session http.Header) (http.Header, error) {
	merged := make(http.Header, max(len(request), len(session))+2) // Cookie and Authorization
	removed := false
	for i, h := range [...]http.Header{request, session} {
		for name, values := range h {
			key, check := name, checkValues
			if !isCanonicalName(name) {
				if key = textproto.CanonicalMIMEHeaderKey(name); spelledTwice(h, key) {
					return nil, kindf(ErrInvalidHeader, "%.100q is given in two spellings", key)
				}
				check = checkHeader
			}
			if i > 0 {
				if _, overridden := merged[key]; overridden {
					continue
				}
			}
			if err := check(key, values); err != nil {
				return nil, err
			}
			merged[key] = values[:len(values):len(values)]
			removed = removed || values == nil
		}
	}
	if removed {
		maps.DeleteFunc(merged, func(name string, values []string) bool {
			return values == nil && name != "User-Agent" // where net/http has a default
		})
	}
	return merged, nil
}

// mergedQuery gives the query that the parameters of request and session make,
// as requests' merge_setting does: two maps are merged, else the request's,
// where it has any, take the place of the session's.
func mergedQuery(r *Request, s *Session) string {
	if r.RawParams == "" && len(r.Params)+len(r.OrderedParams)+len(s.Params)+len(s.OrderedParams) == 0 {
		return ""
	}
	var short [256]byte
	out := short[:0]
	switch {
	case r.RawParams != "":
		return quotePart(r.RawParams, queryChars)
	case r.OrderedParams != nil:
		out = appendPairs(out, r.OrderedParams)
	case s.OrderedParams == nil:
		out = appendValues(out, r.Params, s.Params)
	case len(r.Params) > 0:
		out = appendValues(out, r.Params, nil)
	default:
		out = appendPairs(out, s.OrderedParams)
	}
	return string(out)
}

// takeHost moves a Host header to where net/http reads it.
func takeHost(req *http.Request) error {
	values, ok := req.Header["Host"]
	if !ok {
		return nil
	}
	delete(req.Header, "Host")
	if len(values) == 0 {
		return nil
	}
	if len(values) > 1 || !httpguts.ValidHostHeader(values[0]) || strings.ContainsAny(values[0], "/?#@ ") {
		return kindf(ErrInvalidHeader, "value of %q", "Host")
	}
	req.Host = values[0]
	return nil
}

// takeFraming moves Content-Length and Transfer-Encoding to where net/http
// reads them. A length that the body tells stands, as in requests; the header
// gives the length of a body that tells none.
func takeFraming(req *http.Request) error {
	length, hasLength := req.Header["Content-Length"]
	chunked, hasChunked := req.Header["Transfer-Encoding"]
	if !hasLength && !hasChunked {
		return nil
	}
	delete(req.Header, "Content-Length")
	delete(req.Header, "Transfer-Encoding")
	if len(length) > 0 {
		n, err := strconv.ParseUint(length[0], 10, 63)
		if err != nil || len(length) > 1 {
			return kindf(ErrInvalidHeader, "value of %q", "Content-Length")
		}
		if req.ContentLength < 0 {
			req.ContentLength = int64(n)
		}
	}
	if len(chunked) == 0 {
		return nil
	}
	if len(chunked) > 1 || !strings.EqualFold(chunked[0], "chunked") {
		return kindf(ErrInvalidHeader, "value of %q", "Transfer-Encoding")
	}
	if req.Body != nil && len(length) == 0 {
		req.ContentLength = -1
	}
	return nil
}
