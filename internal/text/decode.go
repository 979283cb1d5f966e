package text

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Decode returns body as text, decoded by the charset of that name (any that
// Python, IANA or WHATWG gives it, as far as golang.org/x/text has a decoder).
// ok is false if it is not known; then body is decoded as UTF-8, as requests
// does. What is invalid becomes U+FFFD as with Python's errors='replace', so
// that the text is always valid UTF-8.
//
// As in Python, utf-8 keeps a byte order mark as U+FEFF and utf-8-sig removes
// it; utf-16 and utf-32 follow and remove it, and are little-endian without
// one; ISO-8859-1 and its like have control characters at 0x80 to 0x9f. Safe
// for concurrent use.
func Decode(body []byte, charset string) (text string, ok bool) {
	decode := lookup(charset)
	if decode == nil {
		return decodeUTF8(body), false
	}
	return decode(body), true
}

func decodeUTF8(body []byte) string {
	if utf8.Valid(body) {
		return string(body)
	}
	return decodeWith(unicode.UTF8)(body)
}

func decodeUTF8Sig(body []byte) string {
	return decodeUTF8(bytes.TrimPrefix(body, []byte("\ufeff")))
}

// decodeWith is for decoders of x/text; they replace what is invalid, and fail
// only for what is not used here.
func decodeWith(e encoding.Encoding) func([]byte) string {
	return func(body []byte) string {
		text, _ := e.NewDecoder().Bytes(body)
		return string(text)
	}
}

func decodeASCII(body []byte) string {
	return eachByte(body, func(byte) rune { return utf8.RuneError })
}

// decodeISO is for the parts of ISO 8859, whose control characters between 0x80
// and 0x9f x/text leaves out.
func decodeISO(m *charmap.Charmap) func([]byte) string {
	return func(body []byte) string {
		return eachByte(body, func(b byte) rune {
			if b <= 0x9f {
				return rune(b)
			}
			return m.DecodeByte(b)
		})
	}
}

// eachByte decodes what is not ASCII with high.
func eachByte(body []byte, high func(byte) rune) string {
	var text strings.Builder
	text.Grow(len(body))
	for _, b := range body {
		if b < utf8.RuneSelf {
			text.WriteByte(b)
		} else {
			text.WriteRune(high(b))
		}
	}
	return text.String()
}

// decodeUTF16 decodes by order, or by what a byte order mark says if it is nil.
func decodeUTF16(order binary.ByteOrder) func([]byte) string {
	return func(body []byte) string {
		order := order
		if order == nil {
			order, body = byteOrder(body, "\xfe\xff", "\xff\xfe")
		}
		var text strings.Builder
		text.Grow(len(body) / 2)
		for len(body) > 0 {
			r, size := rune16(body, order)
			text.WriteRune(r)
			body = body[size:]
		}
		return text.String()
	}
}

// rune16 returns the first rune of body and how many bytes it takes.
func rune16(body []byte, order binary.ByteOrder) (rune, int) {
	if len(body) < 2 {
		return utf8.RuneError, len(body)
	}
	r := rune(order.Uint16(body))
	switch {
	case !utf16.IsSurrogate(r):
		return r, 2
	case r >= 0xdc00: // the second of a pair, alone
		return utf8.RuneError, 2
	case len(body) < 4: // cut off
		return utf8.RuneError, len(body)
	}
	if r = utf16.DecodeRune(r, rune(order.Uint16(body[2:]))); r != utf8.RuneError {
		return r, 4
	}
	return utf8.RuneError, 2
}

// decodeUTF32 is to UTF-32 what decodeUTF16 is to UTF-16.
func decodeUTF32(order binary.ByteOrder) func([]byte) string {
	return func(body []byte) string {
		order := order
		if order == nil {
			order, body = byteOrder(body, "\x00\x00\xfe\xff", "\xff\xfe\x00\x00")
		}
		var text strings.Builder
		text.Grow(len(body) / 4)
		for ; len(body) >= 4; body = body[4:] {
			text.WriteRune(rune(min(order.Uint32(body), utf8.MaxRune+1)))
		}
		if len(body) > 0 {
			text.WriteRune(utf8.RuneError)
		}
		return text.String()
	}
}

// byteOrder takes a byte order mark off body; without one, order is that of the
// machines that Python mostly runs on.
func byteOrder(body []byte, big, little string) (binary.ByteOrder, []byte) {
	if after, ok := bytes.CutPrefix(body, []byte(big)); ok {
		return binary.BigEndian, after
	}
	return binary.LittleEndian, bytes.TrimPrefix(body, []byte(little))
}
