package httpheader_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/cbf3e3a9/session/internal/httpheader"
)

// The answers are those of parse_header_links of requests 2.34.2.
func TestParseLinksAsRequests(t *testing.T) {
	t.Parallel()
	type link = map[string]string
	for _, tt := range []struct {
		text string
		want []link
	}{
		{"", nil},
		{" ", nil},
		{`'" `, nil},
		{"<a>", []link{{"url": "a"}}},
		{"a", []link{{"url": "a"}}},
		{"<>", []link{{"url": ""}}},
		{";", []link{{"url": ""}}},
		{",", []link{{"url": ","}}},
		{",<", []link{{"url": ""}, {"url": ""}}},
		{"<a>,<b>", []link{{"url": "a"}, {"url": "b"}}},
		{"<a>, <b>", []link{{"url": "a"}, {"url": "b"}}},
		{"<a>,   <b>", []link{{"url": "a"}, {"url": "b"}}},
		{"<a> , <b>", []link{{"url": "a"}, {"url": "b"}}},
		{"<a>,\t<b>", []link{{"url": "a>,\t<b"}}},
		{"<a>\t, <b>", []link{{"url": "a>\t"}, {"url": "b"}}},
		{`<http://a.test/2>; rel=next; title="x, y", <http://a.test/9>; rel="last"`, []link{{"url": "http://a.test/2", "rel": "next", "title": "x, y"}, {"url": "http://a.test/9", "rel": "last"}}},
		{`<http:/.../front.jpeg>; rel=front; type="image/jpeg"`, []link{{"url": "http:/.../front.jpeg", "rel": "front", "type": "image/jpeg"}}},
		{`<http:/.../front.jpeg>; rel=front; type="image/jpeg",<http://.../back.jpeg>; rel=back;type="image/jpeg"`, []link{{"url": "http:/.../front.jpeg", "rel": "front", "type": "image/jpeg"}, {"url": "http://.../back.jpeg", "rel": "back", "type": "image/jpeg"}}},
		{"<http:/.../front.jpeg>", []link{{"url": "http:/.../front.jpeg"}}},
		{"<http:/.../front.jpeg>;", []link{{"url": "http:/.../front.jpeg"}}},
		{`<http:/.../front.jpeg>; type="image/jpeg",<http://.../back.jpeg>;`, []link{{"url": "http:/.../front.jpeg", "type": "image/jpeg"}, {"url": "http://.../back.jpeg"}}},
		{`<http://a.test/?page=3&per_page=100>; rel="next", <http://a.test/?page=50>; rel="last"`, []link{{"url": "http://a.test/?page=3&per_page=100", "rel": "next"}, {"url": "http://a.test/?page=50", "rel": "last"}}},
		{"<a>; rel=next; rel=prev", []link{{"url": "a", "rel": "prev"}}},
		{"<a>; REL=next", []link{{"url": "a", "REL": "next"}}},
		{"<a>;rel = next ", []link{{"url": "a", "rel": "next"}}},
		{"<a>; rel='next'", []link{{"url": "a", "rel": "next"}}},
		{`<a>; rel="next`, []link{{"url": "a", "rel": "next"}}},
		{"<a>; rel=next prev", []link{{"url": "a", "rel": "next prev"}}},
		{`<a>; rel="next prev"; title=t`, []link{{"url": "a", "rel": "next prev", "title": "t"}}},
		{"<a>; url=b", []link{{"url": "b"}}},
		{"<a>; nopush; rel=next", []link{{"url": "a"}}},
		{"<a>; rel=next; nopush; as=style", []link{{"url": "a", "rel": "next"}}},
		{"<a>; rel=next;; as=style", []link{{"url": "a", "rel": "next"}}},
		{`<a>; title="x=y"; rel=next`, []link{{"url": "a"}}},
		{`<a>; rel=next; title="x=y"`, []link{{"url": "a", "rel": "next"}}},
		{`<a>; title="x; y"; rel=next`, []link{{"url": "a", "title": "x"}}},
		{`<a>; title="x, <y"; rel=next`, []link{{"url": "a", "title": "x"}, {"url": "y", "rel": "next"}}},
		{"<a,b>; rel=next", []link{{"url": "a,b", "rel": "next"}}},
		{"<a, <b>; rel=next", []link{{"url": "a"}, {"url": "b", "rel": "next"}}},
		{"<a;b>; rel=next", []link{{"url": "a"}}},
		{"<a;b=c>; rel=next", []link{{"url": "a", "b": "c>", "rel": "next"}}},
		{"< a >; rel=next", []link{{"url": "a", "rel": "next"}}},
		{"<<a>>; rel=next", []link{{"url": "a", "rel": "next"}}},
		{"a>; rel=next", []link{{"url": "a", "rel": "next"}}},
		{`"<a>"; rel=next`, []link{{"url": "a", "rel": "next"}}},
		{"<a>; rel=next,", []link{{"url": "a", "rel": "next,"}}},
		{"<a>; rel=next, ", []link{{"url": "a", "rel": "next,"}}},
		{"<a>; rel=next,,<b>; rel=prev", []link{{"url": "a", "rel": "next,"}, {"url": "b", "rel": "prev"}}},
		{"<a>; rel=next, ,<b>; rel=prev", []link{{"url": "a", "rel": "next,"}, {"url": "b", "rel": "prev"}}},
		{"<a>; rel=next, x, <b>; rel=prev", []link{{"url": "a", "rel": "next, x"}, {"url": "b", "rel": "prev"}}},
		{", <a>; rel=next", []link{{"url": ""}, {"url": "a", "rel": "next"}}},
		{",,<a>", []link{{"url": ","}, {"url": "a"}}},
		{"<a>; =next", []link{{"url": "a", "": "next"}}},
		{"<a>; rel=", []link{{"url": "a", "rel": ""}}},
		{"<a>; =", []link{{"url": "a", "": ""}}},
		{`<a>; "rel"=next`, []link{{"url": "a", "rel": "next"}}},
		{"<a>; title*=UTF-8''%e2%82%ac; rel=next", []link{{"url": "a", "title*": "UTF-8''%e2%82%ac", "rel": "next"}}},
		{`'<a>; rel="next"'`, []link{{"url": "a", "rel": "next"}}},
		{`"<a>; rel=next"`, []link{{"url": "a", "rel": "next"}}},
		{`<a>; rel="\""`, []link{{"url": "a", "rel": `\`}}},
		{"<a>\xa0; rel=\xe9\xa0", []link{{"url": "a>\xa0", "rel": "\xe9\xa0"}}},
		{"\t<a>; rel=next\t", []link{{"url": "\t<a", "rel": "next\t"}}},
		{"<a>;\trel\t=\tnext", []link{{"url": "a", "\trel\t": "\tnext"}}},
		{"<a>; rel=next\n", []link{{"url": "a", "rel": "next\n"}}},
		{"<http://a.test/\xc3\xa9>; rel=next", []link{{"url": "http://a.test/\xc3\xa9", "rel": "next"}}},
	} {
		assert.Equal(t, tt.want, httpheader.ParseLinks(tt.text), "%q", tt.text)
	}
}

func TestParseLinksIsLinear(t *testing.T) {
	t.Parallel()
	assert.Len(t, httpheader.ParseLinks("<"+strings.Repeat("a", 1<<20)+">"), 1)
	// The most of this time goes into 32768 maps.
	assertWithin(t, 100*time.Millisecond, func(s string) { httpheader.ParseLinks(s) },
		"\xa0", ",", "\"", "<", ";", "=", " ", ", ", ",<", ", <a>", ";a=b", "; =", ",  ")
}

func FuzzLinks(f *testing.F) {
	for _, seed := range []string{
		"<http://a.test/2>; rel=next; title=\"x, y\", <http://a.test/9>; rel=\"last\"",
		"<a>; title=\"x, <y\"; rel=next", "<a, <b>; rel=next", "<a;b=c>; url='d'", ",,<;=", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		links := httpheader.ParseLinks(text)
		assert.LessOrEqual(t, len(links), 1+strings.Count(text, "<"))
		size := 0
		for _, link := range links {
			assert.Contains(t, link, "url")
			for name, value := range link {
				assert.NotContains(t, name+value, ";")
				if name != "url" {
					size += len(name)
				}
				size += len(value)
			}
		}
		assert.LessOrEqual(t, size, len(text))
	})
}
