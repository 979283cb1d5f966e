package httpheader_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/cbf3e3a9/session/internal/httpheader"
)

// The answers are those of get_encoding_from_headers of requests 2.34.2.
func TestCharsetAsRequests(t *testing.T) {
	t.Parallel()
	const none = "none"
	for _, tt := range []struct{ contentType, want string }{
		{"", none},
		{"text/html", "ISO-8859-1"},
		{"text/html; charset=utf-8", "utf-8"},
		{"text/html;charset=UTF-8", "UTF-8"},
		{`text/html; charset="utf-8"`, "utf-8"},
		{"text/html; charset='utf-8'", "utf-8"},
		{`text/html; charset="'utf-8'"`, "utf-8"},
		{"text/html; CHARSET=utf-8", "utf-8"},
		{"text/html; Charset = utf-8 ", "utf-8"},
		{"text/html; charset", "ISO-8859-1"},
		{"text/html; charset=", ""},
		{`text/html; charset=""`, ""},
		{"text/html; charset=utf-8; charset=latin1", "latin1"},
		{"text/html; charset=latin1; q=1", "latin1"},
		{`text/html; q="a; charset=utf-8"`, "utf-8"},
		{`text/html; q="a;charset=utf-8;b"`, "utf-8"},
		{`text/html; "charset"=utf-8`, "utf-8"},
		{"text/html; 'charset '=utf-8", "utf-8"},
		{"text/html; charset=utf-8=x", "utf-8=x"},
		{"text/html; charset==utf-8", "=utf-8"},
		{"text/html; xcharset=utf-8", "ISO-8859-1"},
		{"text/html; charset*=utf-8", "ISO-8859-1"},
		{"text/html charset=utf-8", "ISO-8859-1"},
		{"charset=utf-8", none},
		{"; charset=utf-8", "utf-8"},
		{";", none},
		{"text/html;", "ISO-8859-1"},
		{"text/html;;charset=utf-8", "utf-8"},
		{"text/html; charset=utf-8, text/plain", "utf-8, text/plain"},
		{"text/html, text/plain; charset=utf-8", "utf-8"},
		{"text/html; charset=utf 8", "utf 8"},
		{"text/html; charset=utf-8 (comment)", "utf-8 (comment)"},
		{`text/html; charset=\utf-8`, `\utf-8`},
		{`text/html; charset="utf\-8"`, `utf\-8`},
		{"text/html;\tcharset=\tutf-8\t", "\tutf-8"},
		{"text/html; charset\t=utf-8", "ISO-8859-1"},
		{"text/html; charset=\t'utf-8'", "\t'utf-8"},
		{"text/html;\xa0charset=utf-8\xa0", "utf-8"},
		{"text/html; charset=\xa0utf-8", "\xa0utf-8"},
		{"text/html;\x85charset=utf-8\x1f", "utf-8"},
		{"text/html; char\xc5\xbfet=utf-8", "ISO-8859-1"},
		{"text/html; charset=\xe9", "\xe9"},
		{"TEXT/HTML", none},
		{"Text/Html", none},
		{"text", "ISO-8859-1"},
		{"context/x", "ISO-8859-1"},
		{"application/text", "ISO-8859-1"},
		{"application/x-text; q=1", "ISO-8859-1"},
		{" text/html ", "ISO-8859-1"},
		{"image/png", none},
		{"application/json", "utf-8"},
		{"application/json; charset=latin1", "latin1"},
		{"application/json; q=text", "utf-8"},
		{"application/json; q=1", "utf-8"},
		{" application/json", "utf-8"},
		{"APPLICATION/JSON", none},
		{"application/json-patch+json", "utf-8"},
		{"application/problem+json", none},
		{"x/application/json", "utf-8"},
		{"text/application/json", "ISO-8859-1"},
		{"application/xml", none},
		{"*/*", none},
		{"image/png; charset=utf-8", "utf-8"},
		{"image/png; q=text/html", none},
		{"bogus", none},
		{`"text/html"`, "ISO-8859-1"},
		{"application/xhtml+xml", none},
	} {
		got, ok := httpheader.Charset(tt.contentType)
		if !ok {
			assert.Empty(t, got, "%q", tt.contentType)
			if got = httpheader.ImpliedCharset(tt.contentType); got == "" {
				got = none
			}
		}
		assert.Equal(t, tt.want, got, "%q", tt.contentType)
	}
}

// The parameter says nothing of what the type alone implies.
func TestImpliedCharsetIgnoresTheParameter(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "ISO-8859-1", httpheader.ImpliedCharset("text/html; charset=utf-8"))
	assert.Empty(t, httpheader.ImpliedCharset("image/png; charset=text"))
}

func TestCharsetIsLinear(t *testing.T) {
	t.Parallel()
	assertWithin(t, 10*time.Millisecond, func(s string) { httpheader.Charset(s) },
		"\xa0", ",", "\"", ";", "=", " ", "; ", ";charset", ";charset=a", ";charset=\"a")
	assertWithin(t, 10*time.Millisecond, func(s string) { httpheader.ImpliedCharset(s) }, "\xa0", "t", "text", "application/jso")
}

func FuzzCharset(f *testing.F) {
	for _, seed := range []string{
		"text/html; charset=utf-8", "text/html; q=\"a;charset='b'\"; CHARSET = \" c ", "application/json", ";;==", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, contentType string) {
		charset, ok := httpheader.Charset(contentType)
		assert.Contains(t, contentType, charset)
		assert.NotContains(t, charset, ";")
		if ok {
			assert.Contains(t, strings.ToLower(contentType), "charset")
		} else {
			assert.Empty(t, charset)
		}
		assert.Contains(t, []string{"", "ISO-8859-1", "utf-8"}, httpheader.ImpliedCharset(contentType))
	})
}
