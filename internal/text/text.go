// Package text turns the body of a response into text: it finds the charset and
// decodes by it, as Python's codecs do, so that requests' text and ours agree.
package text

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// Detect names the charset of body, for [Decode]: declared, what the header
// names, if that is not empty; else what the content shows (a byte order mark,
// valid UTF-8, or a <meta> element of HTML within the first 1024 bytes); else
// implied, what the kind of content implies; else UTF-8. A declared charset is
// returned as it is, known or not.
//
// The names of charsets that begin with a byte order mark are those of Python
// that remove it: utf-8-sig, utf-16 and utf-32. Safe for concurrent use.
func Detect(body []byte, declared, implied string) string {
	if declared != "" {
		return declared
	}
	if name := bom(body); name != "" {
		return name
	}
	if utf8.Valid(body) {
		return "utf-8"
	}
	if name := meta(body); name != "" {
		return name
	}
	if implied != "" {
		return implied
	}
	return "utf-8"
}

// DetectJSON names the Unicode encoding of a JSON text that has no declared
// charset, by its byte order mark or the pattern of zeros in its first four
// bytes (RFC 4627 section 3). It returns "" if the pattern is none of these, as
// requests' guess_json_utf returns None. Safe for concurrent use.
func DetectJSON(body []byte) string {
	if name := bom(body); name != "" {
		return name
	}
	var zeros [4]bool
	for i, b := range body[:min(4, len(body))] {
		zeros[i] = b == 0
	}
	switch {
	case zeros == [4]bool{}:
		return "utf-8"
	case len(body) < 4:
		return ""
	case zeros == [4]bool{true, false, true, false}:
		return "utf-16-be"
	case zeros == [4]bool{false, true, false, true}:
		return "utf-16-le"
	case zeros == [4]bool{true, true, true, false}:
		return "utf-32-be"
	case zeros == [4]bool{false, true, true, true}:
		return "utf-32-le"
	}
	return ""
}

// bom names the charset that a byte order mark shows. That of UTF-32LE begins
// with that of UTF-16LE, so UTF-32 comes first.
func bom(body []byte) string {
	for _, mark := range []struct{ bytes, name string }{
		{"\xff\xfe\x00\x00", "utf-32"},
		{"\x00\x00\xfe\xff", "utf-32"},
		{"\xef\xbb\xbf", "utf-8-sig"},
		{"\xff\xfe", "utf-16"},
		{"\xfe\xff", "utf-16"},
	} {
		if bytes.HasPrefix(body, []byte(mark.bytes)) {
			return mark.name
		}
	}
	return ""
}

// meta names the charset of an HTML document's <meta>, by WHATWG's name for it.
//
// DetermineEncoding does not tell a name it found from its fallback, which is
// UTF-8 for valid UTF-8 and windows-1252 for the rest. So it is asked about one
// and the other: what it says of both, it found.
func meta(body []byte) string {
	head := bytes.ToValidUTF8(body[:min(1024, len(body))], nil)
	_, name, _ := charset.DetermineEncoding(append([]byte("\xe9 "), head...), "")
	_, other, _ := charset.DetermineEncoding(append([]byte("é "), head...), "")
	if name != other {
		return ""
	}
	return name
}
