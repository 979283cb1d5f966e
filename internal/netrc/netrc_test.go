package netrc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/netrc"
)

type lookupTest struct {
	name            string
	text            string
	host            string
	login, password string
	ok              bool
}

func runLookups(t *testing.T, tests []lookupTest) {
	t.Parallel()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := netrc.Parse([]byte(tt.text))
			require.NoError(t, err)
			login, password, ok := f.Lookup(tt.host)
			assert.Equal(t, tt.ok, ok)
			assert.Equal(t, tt.login, login)
			assert.Equal(t, tt.password, password)
		})
	}
}

// The answers are those of requests 2.34.2 on CPython 3.11.
func TestLookupAsRequests(t *testing.T) {
	runLookups(t, []lookupTest{
		{"plain", "machine a.test login u password p\n", "a.test", "u", "p", true},
		{"other host", "machine a.test login u password p\n", "b.test", "", "", false},
		{"default", "machine a.test login u password p\ndefault login d password dp\n", "b.test", "d", "dp", true},
		{"host before default", "machine a.test login u password p\ndefault login d password dp\n", "a.test", "u", "p", true},
		{"default first", "default login d password dp\nmachine a.test login u password p\n", "a.test", "u", "p", true},
		{"lines", "machine\na.test\n\n  login\n\tu\n  password\n\tp\n", "a.test", "u", "p", true},
		{"user", "machine a.test user u password p", "a.test", "u", "p", true},
		{"account instead of login", "machine a.test account acc password p", "a.test", "acc", "p", true},
		{"login before account", "machine a.test account acc login u password p", "a.test", "u", "p", true},
		{"empty login, account", "machine a.test login \"\" account acc password p", "a.test", "acc", "p", true},
		{"empty password given", "machine a.test login u password \"\"\n", "a.test", "u", "", true},
		{"any order", "machine a.test password p login u", "a.test", "u", "p", true},
		{"last field counts", "machine a.test login x login u password y password p", "a.test", "u", "p", true},
		{"last entry counts", "machine a.test login u1 password p1 machine a.test login u2 password p2", "a.test", "u2", "p2", true},
		{"last entry counts, even empty", "machine a.test login u1 password p1 machine a.test", "a.test", "", "", false},
		{"empty entry", "machine a.test\ndefault login d password dp", "a.test", "", "", false},
		{"no part of a name", "machine a.test login u password p", "www.a.test", "", "", false},
		{"CRLF", "machine a.test\r\nlogin u\r\npassword p\r\n", "a.test", "u", "p", true},
		{"CR", "machine a.test\rlogin u\rpassword p\r", "a.test", "u", "p", true},
		{"quoted", "machine \"a.test\" login \"u v\" password \"p\tq\"", "a.test", "u v", "p\tq", true},
		{"quoted keyword", "\"machine\" a.test \"login\" u password p", "a.test", "u", "p", true},
		{"quoted, escapes", "machine a.test login \"u\\\"v\" password \"p\\\\q\\n\"", "a.test", "u\"v", "p\\qn", true},
		{"quoted, line end", "machine a.test login u password \"p\nq\"", "a.test", "u", "p\nq", true},
		{"quoted, CRLF", "machine a.test login u password \"p\r\nq\"", "a.test", "u", "p\nq", true},
		{"quote not closed", "machine a.test login u password \"p q", "a.test", "u", "p q", true},
		{"quote ends the word", "machine a.test login \"u\"password p", "a.test", "u", "p", true},
		{"quote inside", "machine a.test login u\"v password p\"", "a.test", "u\"v", "p\"", true},
		{"escapes", "machine a.test login u\\ v password \\\"p\\\\", "a.test", "u v", "\"p\\", true},
		{"escape at the end", "machine a.test login u password p\\", "a.test", "u", "p", true},
		{"hash in values", "machine a.test login #u password p#q", "a.test", "#u", "p#q", true},
		{"hash alone as password", "machine a.test login u password #", "a.test", "u", "#", true},
		{"keyword as value", "machine a.test login password password login", "a.test", "password", "login", true},
		{"machine as password", "machine a.test login u password machine", "a.test", "u", "machine", true},
		{"NUL, other control characters", "machine a.test login u\x00v password p\v\fq", "a.test", "u\x00v", "p\v\fq", true},
		{"not ASCII", "machine a.test login jäsøn password пароль", "a.test", "jäsøn", "пароль", true},
		{"comment line first", "# a comment\nmachine a.test login u password p", "a.test", "u", "p", true},
		{"comment lines", "# one\n# two\n#three\n#\nmachine a.test login u password p", "a.test", "u", "p", true},
		{"comment in entry", "machine a.test # one\nlogin u # two words\npassword p # three\n#password x\n", "a.test", "u", "p", true},
		{"entry in a comment", "machine a.test login u password p\n#machine b.test login x password y\n", "b.test", "", "", false},
		{"macro", "macdef init\ncd /pub\nmachine a.test login x password y\n\nmachine a.test login u password p", "a.test", "u", "p", true},
		{"macro in entry", "machine a.test login u password p\nmacdef init\nbye\n\ndefault login d password dp", "b.test", "d", "dp", true},
		{"macro, empty", "macdef init\n\nmachine a.test login u password p", "a.test", "u", "p", true},
		{"macro, text after name", "macdef init cd\nbye\n\nmachine a.test login u password p", "a.test", "u", "p", true},
		{"macro, CRLF", "macdef init\r\nbye\r\n\r\nmachine a.test login u password p", "a.test", "u", "p", true},
		{"empty word ends the file", "machine a.test login u password p\n\"\"\nmachine b.test login x password y", "b.test", "", "", false},
		{"empty file", "", "a.test", "", "", false},
		{"white space", "\n \t\r\n", "a.test", "", "", false},
		{"upper case asked", "machine a.test login u password p", "A.TEST", "u", "p", true},
	})
}

// Here requests would send less than a full pair of credentials, those of
// another machine, or those of a comment, or would refuse the file.
func TestLookupUnlikeRequests(t *testing.T) {
	runLookups(t, []lookupTest{
		{"no password", "machine a.test login u\n", "a.test", "", "", false},
		{"no password, default has one", "machine a.test login u\ndefault login d password dp", "a.test", "", "", false},
		{"no password, next machine has one", "machine a.test login u machine b.test login v password q", "a.test", "", "", false},
		{"no login, default has one", "machine a.test password p\ndefault login d password dp", "a.test", "", "", false},
		{"empty default", "machine a.test login u password p\ndefault", "b.test", "", "", false},
		{"default without password", "machine a.test login u password p\ndefault login d", "b.test", "", "", false},
		{"file ends after password", "machine a.test login u password", "a.test", "", "", false},
		{"empty word ends the entry", "machine a.test login u \"\" password p", "a.test", "", "", false},
		{"empty login", "machine a.test login \"\" password p", "a.test", "", "", false},
		{"upper case in the file", "machine A.Test login u password p", "a.test", "u", "p", true},
		{"names that differ in case are one", "machine a.test login u password p machine A.TEST login v password q", "a.test", "v", "q", true},
		{"only ASCII case is folded", "machine k.test login u password p", "\u212a.test", "", "", false},
		{"machine default is no default", "machine default login u password p", "a.test", "", "", false},
		{"host default", "machine default login u password p default login d password dp", "default", "u", "p", true},
		{"comment after blank line", "\n# a comment\nmachine a.test login u password p", "a.test", "u", "p", true},
		{"comment after blank line in entry", "machine a.test login u\n\n# a comment\npassword p", "a.test", "u", "p", true},
		{"comment without space", "#a comment\nmachine a.test login u password p", "a.test", "u", "p", true},
		{"commented entry first", "#machine a.test login x password y\ndefault login u password p", "a.test", "u", "p", true},
		{"commented entry", "#old machine a.test login x password y", "a.test", "", "", false},
		{"comment without line end", "machine a.test login u password p # end", "a.test", "u", "p", true},
	})
}

func TestZeroFileServesNoHost(t *testing.T) {
	t.Parallel()
	_, _, ok := new(netrc.File).Lookup("a.test")
	assert.False(t, ok)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("s", netrc.MaxToken+1)
	tests := []struct {
		name string
		text string
		line int
	}{
		{"unknown keyword", "sesame", 1},
		{"unknown field", "machine a.test\nlogin u sesame p", 2},
		{"line of the word, not of its end", "machine a.test\n\n  sesame\n\n", 3},
		{"CRLF lines", "machine a.test\r\nlogin u\r\nsesame\r\n", 3},
		{"field outside an entry", "login sesame password sesame", 1},
		{"password of two words", "machine a.test login u password open sesame", 1},
		{"machine without a name", "machine", 1},
		{"machine with an empty name", "\nmachine \"\" login sesame", 2},
		{"macro without end", "macdef init\nsesame\n", 1},
		{"macro without name", "macdef", 1},
		{"after a macro", "macdef init\nbye\n\nsesame", 4},
		{"after a comment", "# one\n# two\nsesame", 3},
		{"after a quoted line end", "machine a.test login \"u\n\" sesame", 2},
		{"long word", "machine a.test\nlogin u password " + long, 2},
		{"long quoted word", "machine a.test login \"" + long + "\"", 1},
		{"byte order mark", "\ufeffmachine a.test login sesame password sesame", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := netrc.Parse([]byte(tt.text))
			assert.Nil(t, f)
			var syntax *netrc.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Equal(t, tt.line, syntax.Line)
			assert.NotContains(t, err.Error(), "sesame")
			assert.Less(t, len(err.Error()), 100)
		})
	}
}

func TestParseTakesAWordOfFullLength(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("p", netrc.MaxToken)
	f, err := netrc.Parse([]byte("machine a.test login u password " + word))
	require.NoError(t, err)
	_, password, ok := f.Lookup("a.test")
	assert.True(t, ok)
	assert.Equal(t, word, password)
}

// CVE-2022-35260: whatever the file, it is read in bounded time.
func TestParseIsLinear(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{
		"\x00", "\"", "\\", "#", "# ", "\r", "#\n", "a ", "\"\" ", "machine ", "machine a ",
		"machine a login b password c ", "default ", "macdef a\n\n", "macdef a\nb\n",
	} {
		data := []byte(strings.Repeat(piece, 1<<20/len(piece)))
		begin := time.Now()
		_, _ = netrc.Parse(data)
		assert.Less(t, time.Since(begin), 10*time.Second, "%q repeated", piece)
	}
}

func FuzzNetrc(f *testing.F) {
	for _, seed := range []string{
		"machine a.test login u password p\ndefault login d password dp\n",
		"# c\nmachine \"a.test\" account \"u \\\" v\" password p#q # c",
		"macdef init\ncd /pub\n\nmachine a.test user u password \"\"",
		"machine A.TEST\r\nlogin u\rpassword \"p", "machine", "\"\"", "\\",
	} {
		f.Add([]byte(seed), "a.test")
	}
	f.Fuzz(func(t *testing.T, data []byte, host string) {
		file, err := netrc.Parse(data)
		if err != nil {
			assert.Nil(t, file)
			assert.Regexp(t, `^netrc: line [1-9][0-9]*: [a-z, ]+$`, err.Error())
			return
		}
		login, password, ok := file.Lookup(host)
		if !ok {
			assert.Empty(t, login+password)
			return
		}
		assert.NotEmpty(t, login)
		for _, value := range []string{login, password} {
			assert.LessOrEqual(t, len(value), min(len(data), netrc.MaxToken))
		}
	})
}
