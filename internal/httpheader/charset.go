package httpheader

import "strings"

// pythonSpace is the white space of Python's str.strip in ISO-8859-1, in which
// requests reads headers.
const pythonSpace = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0"

// Charset returns the charset parameter of a Content-Type, ok false if it has
// none. It gives the answer of requests' get_encoding_from_headers, which
// knows no quoting: parameters end at semicolons; names are compared without
// regard to case; quotes and spaces around name and value are dropped; the
// last charset counts; it may be empty, and need not name one that exists.
func Charset(contentType string) (charset string, ok bool) {
	_, params, found := strings.Cut(contentType, ";")
	if !found {
		return "", false
	}
	for param := range strings.SplitSeq(params, ";") {
		name, value, found := strings.Cut(trimBytes(param, pythonSpace), "=")
		if found && strings.ToLower(strings.Trim(name, `"' `)) == "charset" {
			charset, ok = strings.Trim(value, `"' `), true
		}
	}
	return charset, ok
}

// ImpliedCharset returns the charset that requests' get_encoding_from_headers
// assumes for a Content-Type without one: ISO-8859-1 where the media type
// contains "text", utf-8 where it contains "application/json", both in lower
// case only; else none. It does not look at the parameters.
func ImpliedCharset(contentType string) string {
	mediaType, _, _ := strings.Cut(contentType, ";")
	switch {
	case strings.Contains(mediaType, "text"):
		return "ISO-8859-1"
	case strings.Contains(mediaType, "application/json"):
		return "utf-8"
	}
	return ""
}

// trimBytes is strings.Trim for bytes rather than characters.
func trimBytes(s, cutset string) string {
	for s != "" && strings.IndexByte(cutset, s[0]) >= 0 {
		s = s[1:]
	}
	for s != "" && strings.IndexByte(cutset, s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	return s
}
