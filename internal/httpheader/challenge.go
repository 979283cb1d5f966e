package httpheader

import "strings"

// Challenge is one way of authentication that a server offers (RFC 9110
// section 11.3). It has either parameters or a token, or neither.
type Challenge struct {
	Scheme  string            // as sent; compare it without regard to case
	Params  map[string]string // names in lower case, values without quotes and escapes; nil if there are none
	Token68 string            // such as the data of Negotiate
}

// ParseChallenges returns the challenges of all lines of a WWW-Authenticate or
// Proxy-Authenticate header in their order (RFC 9110 section 11.6.1). What
// does not fit the grammar is passed over. Beyond the grammar it takes values
// without quotes up to the next comma, quotes that are not closed, missing
// commas between parameters, and, as requests does, the last of several
// parameters of one name. Lines after the first [MaxLength] bytes, and the one
// that crosses them, are not read.
func ParseChallenges(lines []string) []Challenge {
	var p challengeParser
	room := MaxLength
	for _, line := range lines {
		if room -= len(line); room < 0 {
			break
		}
		p.parseLine(line)
	}
	return p.challenges
}

type challengeParser struct {
	challenges []Challenge
	rest       string // of the line
	open       int    // index of the challenge that takes parameters; -1 if none does
}

func (p *challengeParser) parseLine(line string) {
	p.rest, p.open = line, -1
	for {
		p.rest = strings.TrimLeft(p.rest, " \t,")
		if p.rest == "" {
			return
		}
		word, after := cutToken(p.rest)
		value, isParam := strings.CutPrefix(trimLeftSpace(after), "=")
		switch {
		case word == "":
			p.rest = cutJunk(p.rest)
		case isParam:
			p.param(word, value)
		case after == "" || isSpace(after[0]) || after[0] == ',':
			p.scheme(word, after)
		default:
			p.rest = cutJunk(after)
		}
	}
}

func (p *challengeParser) param(name, rest string) {
	var value string
	value, p.rest = cutValue(trimLeftSpace(rest))
	if p.open < 0 {
		return
	}
	c := &p.challenges[p.open]
	if c.Params == nil {
		c.Params = make(map[string]string)
	}
	c.Params[strings.ToLower(name)] = value
}

// scheme begins a challenge. Only after white space may it have parameters, so
// that the second word of an unquoted list (qop=auth,auth-int) takes none that
// belong to the challenge around it.
func (p *challengeParser) scheme(name, rest string) {
	c := Challenge{Scheme: name}
	p.rest = rest
	if rest != "" && isSpace(rest[0]) {
		c.Token68, p.rest = cutToken68(trimLeftSpace(rest))
		p.open = len(p.challenges)
	}
	if c.Token68 != "" {
		p.open = -1
	}
	p.challenges = append(p.challenges, c)
}

// cutToken cuts a token (RFC 9110 section 5.6.2) off the start of s.
func cutToken(s string) (token, rest string) {
	return cutRun(s, "!#$%&'*+-.^_`|~")
}

// cutToken68 cuts a token68 (RFC 9110 section 11.2) off the start of s if that
// is all there is up to the next comma; otherwise s begins a parameter.
func cutToken68(s string) (token, rest string) {
	run, rest := cutRun(s, "-._~+/")
	rest = strings.TrimLeft(rest, "=")
	token = s[:len(s)-len(rest)]
	rest = trimLeftSpace(rest)
	if run == "" || rest != "" && rest[0] != ',' {
		return "", s
	}
	return token, rest
}

// cutRun cuts letters, digits and the bytes of marks off the start of s.
func cutRun(s, marks string) (run, rest string) {
	i := 0
	for i < len(s) && (isAlphanumeric(s[i]) || strings.IndexByte(marks, s[i]) >= 0) {
		i++
	}
	return s[:i], s[i:]
}

// cutValue cuts a parameter's value off the start of s: a quoted string, or
// all up to the next comma.
func cutValue(s string) (value, rest string) {
	if strings.HasPrefix(s, `"`) {
		return cutQuoted(s)
	}
	value, _, _ = strings.Cut(s, ",")
	return strings.TrimRight(value, " \t"), s[len(value):]
}

// cutQuoted cuts the quoted string (RFC 9110 section 5.6.4) off the start of
// s, and returns it without quotes and escapes. Without an end it takes all.
func cutQuoted(s string) (value, rest string) {
	s = s[1:]
	var done []byte // text before s, once an escape was seen
	for {
		i := strings.IndexAny(s, `"\`)
		switch {
		case i < 0:
			return string(done) + s, ""
		case s[i] == '"':
			return string(done) + s[:i], s[i+1:]
		case i+1 == len(s): // an escape of nothing
			return string(done) + s[:i], ""
		}
		done = append(append(done, s[:i]...), s[i+1])
		s = s[i+2:]
	}
}

// cutJunk returns what follows a quoted string, or else the next comma.
func cutJunk(s string) (rest string) {
	if strings.HasPrefix(s, `"`) {
		_, rest = cutQuoted(s)
		return rest
	}
	_, rest, _ = strings.Cut(s, ",")
	return rest
}

func trimLeftSpace(s string) string { return strings.TrimLeft(s, " \t") }

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
