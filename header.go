package session

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// spelledTwice reports whether a header has the name key in two spellings: a
// map has no order that could decide between them.
func spelledTwice(h http.Header, key string) bool {
	spellings := 0
	for name := range h {
		if sameName(name, key) {
			spellings++
		}
	}
	return spellings > 1
}

// checkHeader refuses what would split or corrupt the message
// (RFC 9110 section 5.5). The error names the header, never its value.
func checkHeader(name string, values []string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return kindf(ErrInvalidHeader, "name %.100q", name)
	}
	if framesOddly(name) {
		return kindf(ErrInvalidHeader, "spelling of %q", name)
	}
	return checkValues(name, values)
}

// checkValues is checkHeader for a name that is canonical.
func checkValues(name string, values []string) error {
	for _, value := range values {
		if !isFieldValue(value) || value != "" && (value[0] == ' ' || value[0] == '\t') {
			return kindf(ErrInvalidHeader, "value of %q", name)
		}
	}
	return nil
}

// isFieldValue reports whether text holds no control character but tabs.
func isFieldValue(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// The characters of a token (RFC 9110 section 5.6.2) in canonical form: of words
// between hyphens, which begin with a capital and go on without.
var (
	wordStarts = charSet{}.and(capitals + digits + tokenMarks)
	wordRests  = charSet{}.and(smallLetters + digits + tokenMarks)
)

const tokenMarks = "!#$%&'*+-.^_`|~"

// isCanonicalName reports whether name is a header's in canonical form.
func isCanonicalName(name string) bool {
	allowed := wordStarts
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !allowed.has(c) {
			return false
		}
		if c == '-' {
			allowed = wordStarts
		} else {
			allowed = wordRests
		}
	}
	return name != ""
}

// framesOddly reports whether name is one of the headers that net/http writes by
// itself, in a spelling that it would write besides: two lengths, or two hosts.
func framesOddly(name string) bool {
	for _, framing := range [...]string{"Host", "Content-Length", "Transfer-Encoding"} {
		if name != framing && sameName(name, framing) {
			return true
		}
	}
	return false
}

// checkHeaders checks the headers of the call's request, to which code of the
// caller's may have written.
func (c *call) checkHeaders(h http.Header) error {
	c.oddNames = false
	for name, values := range h {
		if err := c.check(name, values); err != nil {
			return err
		}
	}
	return nil
}

// check is checkHeader for a header of the call's request, and notes where its
// name is not canonical.
func (c *call) check(name string, values []string) error {
	if isCanonicalName(name) {
		return checkValues(name, values)
	}
	c.oddNames = true
	return checkHeader(name, values)
}

// setHeader sets a header whose name is in canonical form.
func setHeader(req *http.Request, name, value string) {
	if req.Header == nil {
		req.Header = make(http.Header, 4)
	}
	req.Header[name] = []string{value}
}

// sameName compares the names of headers, which have no case.
func sameName(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

// deleteHeader removes headers, whatever the case of their names: what comes to
// Do has names as its caller wrote them (CVE-2018-25091).
func deleteHeader(h http.Header, names ...string) {
	for key := range h {
		if slices.ContainsFunc(names, func(name string) bool { return sameName(key, name) }) {
			delete(h, key)
		}
	}
}

// inherit gives a copy of the headers of the request before, but for the names
// given, and checks them: hooks may have written to them. What is set in the copy
// is to be checked where that is done.
func (c *call) inherit(h http.Header, without ...string) (http.Header, error) {
	c.oddNames = false
	kept := make(http.Header, len(h)+2) // Cookie and Authorization
	copies := make([]string, 0, len(h)+2)
	for key, values := range h {
		if slices.ContainsFunc(without, func(name string) bool { return sameName(key, name) }) {
			continue
		}
		if err := c.check(key, values); err != nil {
			return nil, err
		}
		first := len(copies)
		if copies = append(copies, values...); values != nil {
			values = copies[first:len(copies):len(copies)]
		}
		kept[key] = values
	}
	return kept, nil
}

// hasHeader reports whether a header is there, if without a value, whatever the
// case of its name.
func hasHeader(h http.Header, name string) bool {
	if _, ok := h[name]; ok {
		return true
	}
	for key := range h {
		if sameName(key, name) {
			return true
		}
	}
	return false
}

// header gives the values of a header of the call's request, whatever the case of
// its name, without a search where all names are canonical.
func (c *call) header(h http.Header, name string) []string {
	if !c.oddNames {
		return h[name]
	}
	return headerValues(h, name)
}

// hasValue reports whether a header is set, whatever the case of its name.
func hasValue(h http.Header, name string) bool {
	return len(headerValues(h, name)) > 0
}

// headerValues gives the values of a header, whatever the case of its name.
func headerValues(h http.Header, name string) []string {
	if values := h[name]; len(values) > 0 {
		return values
	}
	for key, values := range h {
		if len(values) > 0 && sameName(key, name) {
			return values
		}
	}
	return nil
}
