package netrc

import (
	"bytes"
	"fmt"
)

// MaxToken is how long a token may be that [Parse] accepts, in bytes, counted
// without quotes and escapes.
const MaxToken = 4 << 10

// SyntaxError is the error of [Parse] and [Cache.Lookup] for text that is not
// a netrc file. It names the place and never quotes the text, which may hold
// passwords.
type SyntaxError struct {
	Line   int    // counted from 1
	Reason string // what is wrong there
}

// Error returns the line and the reason.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("netrc: line %d: %s", e.Line, e.Reason)
}

// Parse reads the text of a netrc file: the keywords machine, default, login
// (or user), account, password and macdef, whose text up to the next blank
// line is skipped; words quoted with " or bare, with a backslash before a
// character to be taken as it is; any of LF, CRLF and CR as the end of a line.
// Bytes are taken as they are, whatever their encoding. It takes time and
// memory linear in the data. An error is a [SyntaxError].
//
// Text that CPython's netrc module accepts means the same here, with three
// exceptions on the safe side. A comment is all from a word that begins with #
// in a keyword's place to the end of its line; CPython ends some comments
// early, then refuses the file or reads a commented entry. A machine named
// "default" is no default entry. An entry without a password serves no host
// (see [File.Lookup]). As in CPython, an empty quoted word in a keyword's
// place ends the file.
func Parse(data []byte) (*File, error) {
	p := parser{
		scanner: scanner{data: unixLines(data), line: 1},
		file:    File{machines: map[string]entry{}},
	}
	p.parse()
	if p.err != nil {
		return nil, p.err
	}
	return &p.file, nil
}

// unixLines ends each line with LF alone, as Python's text files do.
func unixLines(data []byte) []byte {
	if bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

// A parser builds a File. Each method begins with the current word at the
// keyword it is named for and ends with it at the word after what it read.
type parser struct {
	scanner
	file File
}

func (p *parser) parse() {
	p.scan()
	for p.word != "" {
		switch {
		case p.word[0] == '#':
			p.comment()
		case p.word == "machine":
			p.machine()
		case p.word == "default":
			p.file.fallback = p.entry()
		case p.word == "macdef":
			p.macro()
		default:
			p.fail("expected machine, default or macdef")
		}
	}
}

func (p *parser) comment() {
	p.skipLine()
	p.scan()
}

func (p *parser) machine() {
	if p.scan(); p.word == "" {
		p.fail("machine without a name")
		return
	}
	name := lowerASCII(p.word)
	p.file.machines[name] = p.entry()
}

// entry reads the fields of an entry up to the next entry or macro.
func (p *parser) entry() (e entry) {
	p.scan()
	for {
		switch p.word {
		case "", "machine", "default", "macdef":
			return e
		case "login", "user":
			e.login, _ = p.value()
		case "account":
			e.account, _ = p.value()
		case "password":
			e.password, e.hasPassword = p.value()
		default:
			if p.word[0] == '#' {
				p.comment()
			} else {
				p.fail("expected login, account or password")
			}
		}
	}
}

func (p *parser) value() (value string, found bool) {
	found = p.scan()
	value = p.word
	p.scan()
	return value, found
}

// macro skips a macro definition, which a blank line ends.
func (p *parser) macro() {
	p.scan() // the name, with the white space after it
	for {
		line, found := p.readLine()
		if !found {
			p.fail("macro without a blank line at its end")
			return
		}
		if len(line) == 0 {
			p.scan()
			return
		}
	}
}
