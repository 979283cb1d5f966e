package httpheader

import "strings"

// ParseLinks returns the links of a Link header, whose lines the caller joins
// with ", ": for each its parameters by name, and its target as "url". It
// gives the answer of requests' parse_header_links, which knows no quoting:
// links end at a comma, spaces and "<", parameters at a semicolon; a parameter
// without exactly one "=" ends the parameters of its link; names keep their
// case; a parameter named url replaces the target. How long the text may be is
// the caller's to say: its links take many times the memory.
func ParseLinks(text string) []map[string]string {
	text = strings.Trim(text, ` '"`)
	if text == "" {
		return nil
	}
	var links []map[string]string
	for more := true; more; {
		var link string
		link, text, more = cutLink(text)
		links = append(links, parseLink(link))
	}
	return links
}

// cutLink cuts s where the next link begins, more is false if none does.
func cutLink(s string) (link, rest string, more bool) {
	for i := range len(s) {
		if s[i] != ',' {
			continue
		}
		if rest, more = strings.CutPrefix(strings.TrimLeft(s[i+1:], " "), "<"); more {
			return s[:i], rest, true
		}
	}
	return s, "", false
}

func parseLink(s string) map[string]string {
	url, params, _ := strings.Cut(s, ";")
	link := map[string]string{"url": strings.Trim(url, `<> '"`)}
	for param := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(param, "=")
		if !ok || strings.Contains(value, "=") {
			break
		}
		link[strings.Trim(name, ` '"`)] = strings.Trim(value, ` '"`)
	}
	return link
}
