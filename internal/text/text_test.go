package text_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cbf3e3a9/session/internal/text"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	const latin = "caf\xe9 " // not valid UTF-8
	pad := func(n int, s string) string { return strings.Repeat(" ", n-len(latin)) + s + latin }
	for _, tt := range []struct{ name, body, declared, implied, want string }{
		{"declared", "\xef\xbb\xbfx", "koi8-r", "utf-8", "koi8-r"},
		{"declared and unknown", "x", "no such", "utf-8", "no such"},
		{"empty", "", "", "", "utf-8"},
		{"ascii", "plain", "", "ISO-8859-1", "utf-8"},
		{"valid", "café €", "", "ISO-8859-1", "utf-8"},
		{"implied", latin, "", "ISO-8859-1", "ISO-8859-1"},
		{"nothing implied", latin, "", "", "utf-8"},
		{"cut off", "caf\xc3", "", "ISO-8859-1", "ISO-8859-1"},

		{"utf-8 mark", "\xef\xbb\xbfcafé", "", "ISO-8859-1", "utf-8-sig"},
		{"utf-8 mark, rest invalid", "\xef\xbb\xbf" + latin, "", "ISO-8859-1", "utf-8-sig"},
		{"utf-16 little", "\xff\xfex\x00", "", "ISO-8859-1", "utf-16"},
		{"utf-16 big", "\xfe\xff\x00x", "", "ISO-8859-1", "utf-16"},
		{"utf-32 little", "\xff\xfe\x00\x00x\x00\x00\x00", "", "ISO-8859-1", "utf-32"},
		{"utf-32 big", "\x00\x00\xfe\xff\x00\x00\x00x", "", "ISO-8859-1", "utf-32"},

		{"meta", `<html><meta charset="windows-1251">` + latin, "", "ISO-8859-1", "windows-1251"},
		{"meta, bare", `<META CHARSET=koi8-r>` + latin, "", "", "koi8-r"},
		{"meta http-equiv", `<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS">` + latin,
			"", "ISO-8859-1", "shift_jis"},
		{"meta after text", latin + `<meta charset="koi8-r">`, "", "ISO-8859-1", "koi8-r"},
		{"meta windows-1252", `<meta charset="windows-1252">` + latin, "", "ISO-8859-1", "windows-1252"},
		{"meta iso-8859-1", `<meta charset="iso-8859-1">` + latin, "", "", "windows-1252"},
		{"meta utf-8", `<meta charset="utf-8">` + latin, "", "ISO-8859-1", "utf-8"},
		{"meta utf-16", `<meta charset="utf-16">` + latin, "", "ISO-8859-1", "utf-8"},
		{"meta and valid", `<meta charset="koi8-r">é`, "", "ISO-8859-1", "utf-8"},
		{"meta unknown", `<meta charset="nosuch">` + latin, "", "ISO-8859-1", "ISO-8859-1"},
		{"meta in a comment", `<!-- <meta charset="koi8-r"> -->` + latin, "", "ISO-8859-1", "ISO-8859-1"},
		{"meta in a script", `<script>"<meta charset=koi8-r>"</script>` + latin, "", "ISO-8859-1", "ISO-8859-1"},
		{"meta early enough", pad(900, `<meta charset="koi8-r">`), "", "ISO-8859-1", "koi8-r"},
		{"meta too late", pad(1100, `<meta charset="koi8-r">`), "", "ISO-8859-1", "ISO-8859-1"},
		{"invalid beyond the prescan", strings.Repeat("é", 1000) + latin, "", "ISO-8859-1", "ISO-8859-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, text.Detect([]byte(tt.body), tt.declared, tt.implied))
		})
	}
}

// What Detect names, Decode decodes without the byte order mark.
func TestDetect_decoded(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"hé", "\xef\xbb\xbfhé", "\xff\xfeh\x00\xe9\x00", "\xfe\xff\x00h\x00\xe9",
		"\xff\xfe\x00\x00h\x00\x00\x00\xe9\x00\x00\x00", "\x00\x00\xfe\xff\x00\x00\x00h\x00\x00\x00\xe9", "h\xe9",
	} {
		got, ok := text.Decode([]byte(body), text.Detect([]byte(body), "", "ISO-8859-1"))
		assert.True(t, ok)
		assert.Equal(t, "hé", got, "%q", body)
	}
}

// The names are what requests.utils.guess_json_utf returns, "" for None.
func TestDetectJSON(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                                  "utf-8",
		"1":                                 "utf-8",
		"[]":                                "utf-8",
		`{"a": "é"}`:                        "utf-8",
		"\xef\xbb\xbf{}":                    "utf-8-sig",
		"\xff\xfe{\x00}\x00":                "utf-16",
		"\xfe\xff\x00{\x00}":                "utf-16",
		"\xff\xfe\x00\x00{\x00\x00\x00":     "utf-32",
		"\x00\x00\xfe\xff\x00\x00\x00{":     "utf-32",
		"\xff\xfe":                          "utf-16",
		"{\x00}\x00":                        "utf-16-le",
		"\x00{\x00}":                        "utf-16-be",
		"1\x00\x00\x00":                     "utf-32-le",
		"\x00\x00\x001":                     "utf-32-be",
		"\x00\x00\x00\x00":                  "",
		"1\x00\x002":                        "",
		"12\x00\x00":                        "",
		"1\x0023":                           "",
		"\x00":                              "",
		"1\x00":                             "",
		"[\x00\"\x00\xac\x20\"\x00]\x00":    "utf-16-le",
		"[]  \x00 zeros later do not count": "utf-8",
	} {
		assert.Equal(t, want, text.DetectJSON([]byte(body)), "%q", body)
	}
}
