package netrc

import "bytes"

// A scanner splits text into words, as the lexer of CPython's netrc module.
type scanner struct {
	data []byte // the text, lines ended by LF
	pos  int    // of the next byte to read
	line int    // of pos, from 1

	word  string // the current word; empty at the end and after an error
	start int    // the line where it begins
	err   error  // the first failure
}

// scan goes to the next word and reports whether there is one.
func (s *scanner) scan() bool {
	s.word = ""
	for s.pos < len(s.data) && isSpace(s.data[s.pos]) {
		s.read()
	}
	s.start = s.line
	if s.err != nil || s.pos == len(s.data) {
		return false
	}
	quoted := s.data[s.pos] == '"'
	if quoted {
		s.read()
	}
	s.word = s.readWord(quoted)
	return s.err == nil
}

// readWord reads up to the quote or white space that ends the word, and past
// it; the end of the text ends any word.
func (s *scanner) readWord(quoted bool) string {
	var word []byte
	for s.pos < len(s.data) {
		c := s.read()
		if quoted && c == '"' || !quoted && isSpace(c) {
			break
		}
		if c == '\\' {
			if s.pos == len(s.data) {
				break
			}
			c = s.read()
		}
		if len(word) == MaxToken {
			s.fail("word too long")
			return ""
		}
		word = append(word, c)
	}
	return string(word)
}

func (s *scanner) read() byte {
	c := s.data[s.pos]
	s.pos++
	if c == '\n' {
		s.line++
	}
	return c
}

// skipLine skips the rest of the line on which the current word ended.
func (s *scanner) skipLine() {
	if s.data[s.pos-1] != '\n' {
		s.readLine()
	}
}

// readLine returns the rest of the line without its end, found false at the
// end of the text.
func (s *scanner) readLine() (line []byte, found bool) {
	rest := s.data[s.pos:]
	if len(rest) == 0 {
		return nil, false
	}
	line, _, found = bytes.Cut(rest, []byte("\n"))
	s.pos += len(line)
	if found {
		s.read()
	}
	return line, true
}

// fail records an error at the current word and ends the scan.
func (s *scanner) fail(reason string) {
	if s.err == nil {
		s.err = &SyntaxError{Line: s.start, Reason: reason}
	}
	s.pos = len(s.data)
	s.word = ""
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r'
}
