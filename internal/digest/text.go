package digest

import (
	"net/url"
	"strings"
)

// quoted returns a parameter whose value is a quoted string (RFC 9110 section
// 5.6.4).
func quoted(name, value string) string {
	value = strings.ReplaceAll(value, `\`, `\\`)
	value = strings.ReplaceAll(value, `"`, `\"`)
	return name + `="` + value + `"`
}

// extended returns an extended value (RFC 8187 section 3.2.1), which can hold
// any text.
func extended(value string) string {
	return "UTF-8''" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// hasControl reports whether s has control characters that no header may hold.
func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isWord compares s with a word in lower case without regard to ASCII case;
// strings.EqualFold would take other letters for those of the word.
func isWord(s, word string) bool { return strings.ToLower(s) == word }
