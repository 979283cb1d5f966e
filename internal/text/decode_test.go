package text_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/text"
)

// decodeTests holds what Python 3.11 makes of the bytes with errors='replace';
// ok is false where it raises LookupError.
var decodeTests = []struct {
	charset, body, want string
	ok                  bool
}{
	{"utf-8", "", "", true},
	{"utf-8", "plain", "plain", true},
	{"utf-8", "\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd k\xc5\xaf\xc5\x88 \xe2\x82\xac\xf0\x9d\x84\x9e", "žluťoučký kůň €\U0001d11e", true},
	{"utf-8", "\xef\xbb\xbfx", "\ufeffx", true},
	{"utf-8", "a\x80b", "a\ufffdb", true},
	{"utf-8", "\xc0\xaf", "\ufffd\ufffd", true},
	{"utf-8", "\xe2\x82", "\ufffd", true},
	{"utf-8", "\xe2\x82x", "\ufffdx", true},
	{"utf-8", "\xe2x", "\ufffdx", true},
	{"utf-8", "\xf0\x90\x8d", "\ufffd", true},
	{"utf-8", "\xf0\x90\x8dx", "\ufffdx", true},
	{"utf-8", "\xf0\x80\x80\x80", "\ufffd\ufffd\ufffd\ufffd", true},
	{"utf-8", "\xed\xa0\x80", "\ufffd\ufffd\ufffd", true},
	{"utf-8", "\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd", true},
	{"utf-8", "\xf5\xff", "\ufffd\ufffd", true},
	{"utf-8", "\xc2", "\ufffd", true},
	{"utf-8", "ok\xff", "ok\ufffd", true},
	{"UTF8", "\xc3\xa9", "é", true},
	{"utf_8", "\xc3\xa9", "é", true},
	{"Utf-8 ", "\xc3\xa9", "é", true},
	{"utf-8;", "\xc3\xa9", "é", true},
	{"U8", "\xc3\xa9", "é", true},
	{"cp65001", "\xc3\xa9", "é", true},
	{"utf-8-sig", "\xef\xbb\xbfx", "x", true},
	{"utf-8-sig", "x", "x", true},
	{"utf-8-sig", "\xef\xbb\xbf\xef\xbb\xbfx", "\ufeffx", true},
	{"utf-8-sig", "\xef\xbbx", "\ufffdx", true},
	{"utf_8_sig", "\xef\xbb\xbfx", "x", true},
	{"utf-16", "\xff\xfeh\x00i\x00", "hi", true},
	{"utf-16", "\xfe\xff\x00h\x00i", "hi", true},
	{"utf-16", "h\x00i\x00", "hi", true},
	{"utf-16", "h\x00i", "h\ufffd", true},
	{"utf-16", "", "", true},
	{"utf-16", "\xff\xfe\xff\xfeh\x00", "\ufeffh", true},
	{"UTF_16_LE", "\xff\xfeh\x00", "\ufeffh", true},
	{"UTF_16_LE", "4\xd8\x1e\xdd", "\U0001d11e", true},
	{"UTF_16_LE", "\x00\xd8h\x00", "\ufffdh", true},
	{"UTF_16_LE", "\x00\xdc\x00\xdch\x00", "\ufffd\ufffdh", true},
	{"UTF_16_LE", "\x00\xd8\x00\xd8\x00\xdc", "\ufffd\U00010000", true},
	{"UTF_16_LE", "\x00\xd8", "\ufffd", true},
	{"UTF_16_LE", "\x00\xd8h", "\ufffd", true},
	{"UTF_16_LE", "\x00\xdch", "\ufffd\ufffd", true},
	{"utf-16be", "\x00h\xfe\xff", "h\ufeff", true},
	{"utf-16be", "\xd84\xdd\x1e", "\U0001d11e", true},
	{"utf-16be", "\xdc\x00\x00h", "\ufffdh", true},
	{"utf-32", "\xff\xfe\x00\x00h\x00\x00\x00", "h", true},
	{"utf-32", "\x00\x00\xfe\xff\x00\x00\x00h", "h", true},
	{"utf-32", "h\x00\x00\x00", "h", true},
	{"utf-32", "h\x00\x00\x00i\x00\x00", "h\ufffd", true},
	{"utf-32-le", "\x1e\xd1\x01\x00", "\U0001d11e", true},
	{"utf-32-le", "\x00\x00\x11\x00h\x00\x00\x00", "\ufffdh", true},
	{"utf-32-le", "\x00\xd8\x00\x00", "\ufffd", true},
	{"utf-32-le", "\xff\xff\xff\xff", "\ufffd", true},
	{"utf-32-be", "\x00\x00\xfe\xff\x00\x01\xd1\x1e", "\ufeff\U0001d11e", true},
	{"ISO-8859-1", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"latin1", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"latin-1", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"Latin_1", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"l1", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"iso8859-1", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"iso_8859-1", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"cp819", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"ISO-8859-2", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"iso8859-15", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f€é", true},
	{"ISO_8859-15", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f€é", true},
	{"latin9", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f€é", true},
	{"l9", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f€é", true},
	{"iso-8859-9", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"latin5", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009f¤é", true},
	{"iso-8859-5", "a\x80\x93\x9f\xa4\xe9", "a\u0080\u0093\u009fЄщ", true},
	{"windows-1252", "a\x80\x93\x9f\xa4\xe9", "a€“Ÿ¤é", true},
	{"cp1252", "a\x80\x93\x9f\xa4\xe9", "a€“Ÿ¤é", true},
	{"windows-1250", "a\x80\x93\x9f\xa4\xe9", "a€“ź¤é", true},
	{"windows-1251", "a\x80\x93\x9f\xa4\xe9", "aЂ“џ¤й", true},
	{"windows-1254", "a\x80\x93\x9f\xa4\xe9", "a€“Ÿ¤é", true},
	{"ascii", "a\x80\x93\x9f\xa4\xe9", "a\ufffd\ufffd\ufffd\ufffd\ufffd", true},
	{"US-ASCII", "a\x80\x93\x9f\xa4\xe9", "a\ufffd\ufffd\ufffd\ufffd\ufffd", true},
	{"ansi_x3.4-1968", "a\x80\x93\x9f\xa4\xe9", "a\ufffd\ufffd\ufffd\ufffd\ufffd", true},
	{"koi8-r", "a\x80\x93\x9f\xa4\xe9", "a─⌠÷╓И", true},
	{"macintosh", "a\x80\x93\x9f\xa4\xe9", "aÄìü§È", true},
	{"mac-roman", "a\x80\x93\x9f\xa4\xe9", "aÄìü§È", true},
	{"cp437", "a\x80\x93\x9f\xa4\xe9", "aÇôƒñΘ", true},
	{"cp866", "a\x80\x93\x9f\xa4\xe9", "aАУЯдщ", true},
	{"cp1252", "\x81\x8d\x8f\x90\x9d", "\ufffd\ufffd\ufffd\ufffd\ufffd", true},
	{"windows-1253", "\xaa\xd2\xff", "\ufffd\ufffd\ufffd", true},
	{"iso-8859-6", "\xa1\xc7", "\ufffdا", true},
	{"gb2312", "\xba\xba\xd7\xd6", "汉字", true},
	{"cp936", "\xba\xba\xd7\xd6", "汉字", true},
	{"GB18030", "\xba\xba\xd7\xd6\x949\xfc6", "汉字\U0001f600", true},
	{"big5", "\xba~\xa6r", "漢字", true},
	{"cp950", "\xba~\xa6r", "漢字", true},
	{"Shift_JIS", "\x93\xfa\x96{\xb6\xc5", "日本ｶﾅ", true},
	{"sjis", "\x93\xfa\x96{", "日本", true},
	{"cp932", "\x87@\x93\xfa\x96{", "①日本", true},
	{"euc-jp", "\xc6\xfc\xcb\xdc", "日本", true},
	{"eucJP", "\xc6\xfc\xcb\xdc", "日本", true},
	{"iso-2022-jp", "\x1b$BF|K\x5c\x1b(Bx", "日本x", true},
	{"hz", "~{::WV~}", "汉字", true},
	{"euc-kr", "\xc7\xd1\xb1\xb9", "한국", true},
	{"ks_c_5601-1987", "\xc7\xd1\xb1\xb9", "한국", true},
	{"cp949", "\x8cc", "똠", true},
	{"nosuch", "caf\xc3\xa9 \xe9", "café \ufffd", false},
	{"", "caf\xc3\xa9 \xe9", "café \ufffd", false},
	{"base64", "caf\xc3\xa9 \xe9", "café \ufffd", false},
	{"rot13", "caf\xc3\xa9 \xe9", "café \ufffd", false},
	{"utf-88", "caf\xc3\xa9 \xe9", "café \ufffd", false},
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range decodeTests {
		got, ok := text.Decode([]byte(tt.body), tt.charset)
		assert.Equal(t, tt.want, got, "%s %q", tt.charset, tt.body)
		assert.Equal(t, tt.ok, ok, "%s", tt.charset)
	}
}

// Names that WHATWG gives, and Python does not know.
func TestDecode_whatwg(t *testing.T) {
	t.Parallel()
	for charset, tt := range map[string]struct{ body, want string }{
		"x-sjis":         {"\x93\xfa\x96{", "日本"},
		"windows-31j":    {"\x87@", "①"},
		"x-gbk":          {"\xba\xba", "汉"},
		"windows-874":    {"\xa1", "ก"},
		"x-mac-cyrillic": {"\x80", "А"},
	} {
		got, ok := text.Decode([]byte(tt.body), charset)
		assert.True(t, ok, charset)
		assert.Equal(t, tt.want, got, charset)
	}
}

// These would decode to nothing but U+FFFD, if at all.
func TestDecode_replacement(t *testing.T) {
	t.Parallel()
	for _, charset := range []string{"iso-2022-kr", "iso-2022-cn", "replacement", "utf-7"} {
		got, ok := text.Decode([]byte("text"), charset)
		assert.False(t, ok, charset)
		assert.Equal(t, "text", got, charset)
	}
}

// Each part of ISO 8859 has its control characters, and ASCII below.
func TestDecode_iso8859(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "13", "14", "15", "16"} {
		for b := range 0xa1 {
			want := string(rune(b))
			for _, charset := range []string{"iso-8859-" + part, "iso8859_" + part} {
				got, ok := text.Decode([]byte{byte(b)}, charset)
				require.True(t, ok, charset)
				require.Equal(t, want, got, "%s %x", charset, b)
			}
		}
	}
}

// Not parallel, for it counts what is allocated.
func TestDecode_copiesOnce(t *testing.T) {
	body := bytes.Repeat([]byte("valid UTF-8 €"), 100_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	text.Decode(body, "utf-8")
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(len(body)*3/2))
}

func TestDecode_hugeName(t *testing.T) {
	t.Parallel()
	_, ok := text.Decode(nil, strings.Repeat("-x", 1<<20))
	assert.False(t, ok)
}

func FuzzDecode(f *testing.F) {
	for _, tt := range decodeTests {
		f.Add([]byte(tt.body), tt.charset)
	}
	f.Add([]byte("\xe9<meta charset=koi8-r>"), "")
	f.Fuzz(func(t *testing.T, body []byte, charset string) {
		before := bytes.Clone(body)
		got, ok := text.Decode(body, charset)
		require.True(t, utf8.ValidString(got))
		require.LessOrEqual(t, len(got), 8*len(body)+8)
		if !ok {
			plain, _ := text.Decode(body, "utf-8")
			require.Equal(t, plain, got)
		}

		name := text.Detect(body, "", charset)
		require.NotEmpty(t, name)
		got, ok = text.Decode(body, name)
		require.True(t, ok || name == charset, "%q", name)
		require.True(t, utf8.ValidString(got))
		if utf8.Valid(body) && name != charset && !strings.HasPrefix(name, "utf-") {
			t.Errorf("%q for valid UTF-8", name)
		}
		if name = text.DetectJSON(body); name != "" {
			_, ok = text.Decode(body, name)
			require.True(t, ok, name)
		}
		require.Equal(t, before, body)
	})
}

func BenchmarkDecode(b *testing.B) {
	const size = 1 << 20
	ascii := bytes.Repeat([]byte("plain text "), size/11)
	for _, bb := range []struct {
		name, charset string
		body          []byte
	}{
		{"utf-8", "utf-8", ascii},
		{"utf-8-invalid", "utf-8", append([]byte("\xff"), ascii...)},
		{"iso-8859-1", "iso-8859-1", ascii},
		{"windows-1252", "windows-1252", ascii},
		{"utf-16", "utf-16", ascii},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.body)))
			b.ReportAllocs()
			for b.Loop() {
				text.Decode(bb.body, bb.charset)
			}
		})
	}
}
