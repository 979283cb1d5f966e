package session

import (
	"strings"
	"time"
)

// cookieDate collects what the tokens of a date have said so far. Each part is
// taken from the first token that fits.
type cookieDate struct {
	hour, minute, second     int
	day, month, year         int
	hasTime, hasDay, hasYear bool
}

// parseCookieDate reads a date by the algorithm of RFC 6265 section 5.1.1, which
// takes what browsers take: the order of the parts, time zones and days of the
// week do not matter.
func parseCookieDate(s string) (date time.Time, ok bool) {
	var d cookieDate
	for token := range strings.FieldsFuncSeq(s, isDateDelimiter) {
		d.take(token)
	}
	return d.time()
}

func isDateDelimiter(r rune) bool {
	switch {
	case r == '\t', ' ' <= r && r <= '/', ';' <= r && r <= '@', '[' <= r && r <= '`', '{' <= r && r <= '~':
		return true
	}
	return false
}

func (d *cookieDate) take(token string) {
	if !d.hasTime && d.takeTime(token) {
		return
	}
	n, digits := leadingNumber(token)
	switch {
	case !d.hasDay && (digits == 1 || digits == 2):
		d.day, d.hasDay = n, true
	case d.month == 0 && monthNumber(token) != 0:
		d.month = monthNumber(token)
	case !d.hasYear && 2 <= digits && digits <= 4:
		d.year, d.hasYear = n, true
	}
}

// takeTime takes hours, minutes and seconds of one or two digits each, with
// anything but a digit after them.
func (d *cookieDate) takeTime(token string) bool {
	hours, rest, _ := strings.Cut(token, ":")
	minutes, seconds, _ := strings.Cut(rest, ":")
	var part [3]int
	for i, s := range [...]string{hours, minutes, seconds} {
		n, digits := leadingNumber(s)
		if digits < 1 || digits > 2 || i < 2 && digits < len(s) {
			return false
		}
		part[i] = n
	}
	d.hour, d.minute, d.second, d.hasTime = part[0], part[1], part[2], true
	return true
}

// leadingNumber is the number that s begins with and how many digits it has;
// past four digits only their being too many matters.
func leadingNumber(s string) (n, digits int) {
	for digits < len(s) && digits < 5 && '0' <= s[digits] && s[digits] <= '9' {
		n = 10*n + int(s[digits]-'0')
		digits++
	}
	return n, digits
}

// monthNumber is 1 to 12 if token begins with the English name of a month, or
// its first three letters, else 0.
func monthNumber(token string) int {
	for m := time.January; m <= time.December; m++ {
		if hasPrefixFold(token, m.String()[:3]) {
			return int(m)
		}
	}
	return 0
}

// time is the date, if all of its parts were found and there is such a day.
func (d *cookieDate) time() (date time.Time, ok bool) {
	if !d.hasTime || !d.hasDay || d.month == 0 || !d.hasYear {
		return date, false
	}
	switch {
	case d.year < 70:
		d.year += 2000
	case d.year < 100:
		d.year += 1900
	}
	if d.year < 1601 || d.hour > 23 || d.minute > 59 || d.second > 59 {
		return date, false
	}
	date = time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, 0, time.UTC)
	return date, date.Day() == d.day
}
