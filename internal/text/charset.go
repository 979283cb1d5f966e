package text

import (
	"encoding/binary"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// lookup returns the decoder for a charset, nil if there is none.
func lookup(charset string) func([]byte) string {
	name := pythonName(charset)
	switch name {
	case "utf-8", "utf8", "u8", "utf", "cp65001":
		return decodeUTF8
	case "utf-8-sig", "utf8-sig":
		return decodeUTF8Sig
	case "utf-16", "utf16", "u16":
		return decodeUTF16(nil)
	case "utf-16-le", "utf-16le":
		return decodeUTF16(binary.LittleEndian)
	case "utf-16-be", "utf-16be":
		return decodeUTF16(binary.BigEndian)
	case "utf-32", "utf32", "u32":
		return decodeUTF32(nil)
	case "utf-32-le", "utf-32le":
		return decodeUTF32(binary.LittleEndian)
	case "utf-32-be", "utf-32be":
		return decodeUTF32(binary.BigEndian)
	case "ascii", "us-ascii", "646":
		return decodeASCII
	}
	return decoderOf(find(strings.ToLower(strings.TrimSpace(charset)), name))
}

// decoderOf returns the decoder that treats invalid bytes as Python does.
func decoderOf(e encoding.Encoding) func([]byte) string {
	if e == nil || e == encoding.Replacement {
		return nil
	}
	if m, ok := e.(*charmap.Charmap); ok && strings.HasPrefix(m.String(), "ISO 8859-") {
		return decodeISO(m)
	}
	return decodeWith(e)
}

// find looks in IANA's index first, where ISO-8859-1 and its like are what they
// say; WHATWG's has windows-1252 and its like under their names.
func find(names ...string) encoding.Encoding {
	for _, name := range names {
		if e, _ := ianaindex.IANA.Encoding(alias(name)); e != nil {
			return e
		}
	}
	for _, name := range names {
		if e, _ := htmlindex.Get(alias(name)); e != nil {
			return e
		}
	}
	return nil
}

// pythonName puts name in lower case, and one hyphen wherever it has anything
// else than letters, digits and dots, much as Python's codecs.lookup does.
func pythonName(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.')
	}), "-")
}

// alias returns the registered name for names that only Python has.
func alias(name string) string {
	if part, ok := strings.CutPrefix(name, "iso8859-"); ok {
		return "iso-8859-" + part
	}
	switch name {
	case "latin-1", "latin", "iso8859", "8859":
		return "iso-8859-1"
	case "latin7", "l7":
		return "iso-8859-13"
	case "latin9", "l9":
		return "iso-8859-15"
	case "cp874":
		return "windows-874"
	case "tis620":
		return "tis-620"
	case "macroman", "mac-roman":
		return "macintosh"
	case "maccyrillic", "mac-cyrillic":
		return "x-mac-cyrillic"
	case "eucjp", "ujis", "u-jis":
		return "euc-jp"
	case "iso2022jp", "iso2022-jp":
		return "iso-2022-jp"
	case "shiftjis", "s-jis", "mskanji", "ms932", "cp932", "932":
		return "shift_jis"
	case "euckr", "ks-c-5601", "ks-x-1001", "ksx1001", "uhc", "ms949", "cp949", "949":
		return "euc-kr"
	case "euc-cn", "euccn", "gb2312-80", "ms936", "cp936", "936":
		return "gbk"
	case "gb18030-2000":
		return "gb18030"
	case "hz", "hzgb", "hz-gb":
		return "hz-gb-2312"
	case "big5-tw", "big5hkscs", "ms950", "cp950", "950":
		return "big5"
	}
	return name
}
