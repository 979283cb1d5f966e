package session

import (
	"fmt"
	"net/http"
	"strings"
)

// The types that hold credentials print without them, whatever the verb: what
// is logged for debugging is read by others, and stays.

// Format prints the base URL and the names of the headers alone, whatever the verb.
func (s *Session) Format(f fmt.State, _ rune) {
	if s == nil {
		fmt.Fprint(f, "Session(nil)")
		return
	}
	fmt.Fprintf(f, "Session(%q, headers %q)", redactText(s.BaseURL), sortedKeys(s.Header))
}

// Format prints the method and the URL without its password, whatever the verb.
func (r Request) Format(f fmt.State, _ rune) {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	fmt.Fprintf(f, "Request(%s %s)", method, redactText(r.URL))
}

// Format prints the status and what was asked for, its password and parameters
// that are secret masked, whatever the verb.
func (r *Response) Format(f fmt.State, _ rune) {
	switch {
	case r == nil || r.Response == nil:
		fmt.Fprint(f, "Response(nil)")
	case r.Request == nil:
		fmt.Fprintf(f, "Response(%.100q)", r.Status)
	default:
		fmt.Fprintf(f, "Response(%.100q, %s %s)", r.Status, r.Request.Method, redactURL(r.Request))
	}
}

// Format masks credentials and cookies, whatever the verb.
func (h Header) Format(f fmt.State, _ rune) {
	masked := make(map[string][]string, len(h))
	for name, values := range h {
		switch http.CanonicalHeaderKey(name) {
		case "Authorization", "Proxy-Authorization", "Cookie":
			values = strings.Fields(strings.Repeat("xxxxx ", len(values)))
		}
		masked[name] = values
	}
	fmt.Fprintf(f, "Header%q", masked)
}

// Format prints the names alone, whatever the verb.
func (c Cookies) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "Cookies%q", sortedKeys(c)) }

// Format prints the cookie without its value, whatever the verb.
func (c Cookie) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "Cookie(%q, for %s%s)", c.Name, c.Domain, c.Path)
}
