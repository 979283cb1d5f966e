package httpheader_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/cbf3e3a9/session/internal/httpheader"
)

type params = map[string]string

func TestParseChallenges(t *testing.T) {
	t.Parallel()
	digest := httpheader.Challenge{Scheme: "Digest", Params: params{"realm": "r", "nonce": "n"}}
	basic := httpheader.Challenge{Scheme: "Basic", Params: params{"realm": "r"}}
	tests := []struct {
		name  string
		lines []string
		want  []httpheader.Challenge
	}{
		{"none", nil, nil},
		{"empty lines", []string{"", " ", "\t"}, nil},
		{"scheme alone", []string{"Negotiate"}, []httpheader.Challenge{{Scheme: "Negotiate"}}},
		{"schemes alone", []string{"Negotiate, NTLM"}, []httpheader.Challenge{{Scheme: "Negotiate"}, {Scheme: "NTLM"}}},
		{"parameters", []string{`Digest realm="r", nonce="n"`}, []httpheader.Challenge{digest}},
		{"two in a line", []string{`Basic realm="r", Digest realm="r", nonce="n"`}, []httpheader.Challenge{basic, digest}},
		{"two lines", []string{`Digest realm="r", nonce="n"`, `Basic realm="r"`}, []httpheader.Challenge{digest, basic}},
		{"RFC 9110 section 11.6.1", []string{`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`}, []httpheader.Challenge{
			{Scheme: "Basic", Params: params{"realm": "simple"}},
			{Scheme: "Newauth", Params: params{"realm": "apps", "type": "1", "title": `Login to "apps"`}},
		}},
		{"token68", []string{"Negotiate abc-._~+/D9=="}, []httpheader.Challenge{{Scheme: "Negotiate", Token68: "abc-._~+/D9=="}}},
		{"token68 before another", []string{`Negotiate abc= , Digest realm="r", nonce="n"`}, []httpheader.Challenge{{Scheme: "Negotiate", Token68: "abc="}, digest}},
		{"token68 takes no parameters", []string{`Negotiate abc, realm="x"`}, []httpheader.Challenge{{Scheme: "Negotiate", Token68: "abc"}}},
		{"no token68", []string{`Negotiate @, Basic realm="r"`}, []httpheader.Challenge{{Scheme: "Negotiate"}, basic}},
		{"schemes keep their case, names do not", []string{`dIGEST Realm="r", NONCE="n"`}, []httpheader.Challenge{{Scheme: "dIGEST", Params: params{"realm": "r", "nonce": "n"}}}},

		{"spaces", []string{" \tDigest \t realm\t=  \"r\"\t ,\tnonce =\"n\" "}, []httpheader.Challenge{digest}},
		{"no spaces", []string{`Digest realm="r",nonce="n",Basic realm="r"`}, []httpheader.Challenge{digest, basic}},
		{"stray commas", []string{`,, Basic ,, realm="r" ,,,Digest , realm="r",, nonce="n",,`}, []httpheader.Challenge{basic, digest}},
		{"missing commas", []string{`Basic realm="r" Digest realm="r" nonce="n"`}, []httpheader.Challenge{basic, digest}},

		{"unquoted", []string{`Digest realm=r, nonce=n`}, []httpheader.Challenge{digest}},
		{"unquoted, padding", []string{`Digest realm=r, nonce=a/b+c==, x=y`}, []httpheader.Challenge{{Scheme: "Digest", Params: params{"realm": "r", "nonce": "a/b+c==", "x": "y"}}}},
		{"unquoted, spaces", []string{`Basic realm=my own realm , Digest realm="r", nonce="n"`}, []httpheader.Challenge{{Scheme: "Basic", Params: params{"realm": "my own realm"}}, digest}},
		{"unquoted list", []string{`Digest qop=auth,auth-int,nonce=n,realm=r`}, []httpheader.Challenge{
			{Scheme: "Digest", Params: params{"qop": "auth", "nonce": "n", "realm": "r"}}, {Scheme: "auth-int"},
		}},
		{"empty value", []string{`Digest realm="", nonce=, opaque = `}, []httpheader.Challenge{{Scheme: "Digest", Params: params{"realm": "", "nonce": "", "opaque": ""}}}},
		{"quoted comma", []string{`Digest qop="auth,auth-int", realm="a, Basic realm=x"`}, []httpheader.Challenge{{Scheme: "Digest", Params: params{"qop": "auth,auth-int", "realm": "a, Basic realm=x"}}}},
		{"escapes", []string{`Basic realm="\a\\\"\,"`}, []httpheader.Challenge{{Scheme: "Basic", Params: params{"realm": `a\",`}}}},
		{"single quotes", []string{`Basic realm='r'`}, []httpheader.Challenge{{Scheme: "Basic", Params: params{"realm": `'r'`}}}},
		{"not ASCII", []string{"Basic realm=\"\xe9\", title=\xa0é"}, []httpheader.Challenge{{Scheme: "Basic", Params: params{"realm": "\xe9", "title": "\xa0é"}}}},
		{"control characters", []string{"Basic realm=\"a\r\nb\x00\""}, []httpheader.Challenge{{Scheme: "Basic", Params: params{"realm": "a\r\nb\x00"}}}},
		{"last of a name", []string{`Basic realm="x", REALM="r"`}, []httpheader.Challenge{basic}},

		{"quote not closed", []string{`Basic realm="a, b`, `Basic realm="r"`}, []httpheader.Challenge{{Scheme: "Basic", Params: params{"realm": "a, b"}}, basic}},
		{"escape at the end", []string{`Basic realm="a\b\`}, []httpheader.Challenge{{Scheme: "Basic", Params: params{"realm": "ab"}}}},
		{"only a quote", []string{`Basic realm="`}, []httpheader.Challenge{{Scheme: "Basic", Params: params{"realm": ""}}}},
		{"text after a quoted value", []string{`Basic realm="r"xyz"`, `Basic realm="r"; x, a=b`}, []httpheader.Challenge{basic, {Scheme: "Basic", Params: params{"realm": "r", "a": "b"}}}},
		{"parameters without a scheme", []string{`realm="x", nonce="y", Basic realm="r"`, `realm="z"`}, []httpheader.Challenge{basic}},
		{"junk", []string{"\xa0\xa0, \"a, Negotiate\", @, {}, a@b, a\"b\", ;, =x, \x00, Basic realm=\"r\""}, []httpheader.Challenge{basic}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, httpheader.ParseChallenges(tt.lines))
		})
	}
}

func TestParseChallengesIsBounded(t *testing.T) {
	t.Parallel()
	long := "Basic realm=" + strings.Repeat("a", httpheader.MaxLength-len("Basic realm="))
	assert.Len(t, httpheader.ParseChallenges([]string{long}), 1)
	assert.Len(t, httpheader.ParseChallenges([]string{"Basic", long, "Basic"}), 1)
	assert.Empty(t, httpheader.ParseChallenges([]string{long + "a"}))
}

// CVE-2021-21240, CVE-2020-8492.
func TestParseChallengesIsLinear(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "Basic ", "Basic realm=", "Basic realm=\""} {
		assertWithin(t, 10*time.Millisecond, func(s string) {
			httpheader.ParseChallenges([]string{prefix + s[len(prefix):]})
		}, "\xa0", ",", "\"", "\\", " ", "=", "a")
	}
	// The most of this time goes into up to 32768 challenges.
	assertWithin(t, 100*time.Millisecond, func(s string) {
		httpheader.ParseChallenges([]string{s})
		httpheader.ParseChallenges(strings.Split(s, ";"))
	}, ";", "a;", "a b=c;", "a ", "a,", "a=", "a=b,", "a=\"", "a=\"\\", "a=\"b\"", "a b=c,", "a b ", "\"a ", "a\"", "a b==,")
}

// format is the inverse of ParseChallenges for what that returns.
func format(challenges []httpheader.Challenge) string {
	escape := strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	var items []string
	for _, c := range challenges {
		item := c.Scheme
		if c.Token68 != "" {
			item += " " + c.Token68
		}
		for name, value := range c.Params {
			items = append(items, item+" "+name+`="`+escape.Replace(value)+`"`)
			item = ""
		}
		if item != "" {
			items = append(items, item)
		}
	}
	return strings.Join(items, ", ")
}

func FuzzChallenges(f *testing.F) {
	for _, seed := range []string{
		`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`,
		"Negotiate abc==, Digest qop=auth,auth-int,nonce=n , Basic",
		"\xa0, \"a, Negotiate\", a\"b, =x, Digest realm=\"\\", ",,",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		got := httpheader.ParseChallenges([]string{one, two})
		size := 0
		for _, c := range got {
			assert.Regexp(t, "^[-!#$%&'*+.^_`|~0-9A-Za-z]+$", c.Scheme)
			if c.Token68 != "" {
				assert.Regexp(t, "^[-._~+/0-9A-Za-z]+=*$", c.Token68)
				assert.Empty(t, c.Params)
			}
			size += len(c.Scheme) + len(c.Token68)
			for name, value := range c.Params {
				assert.Regexp(t, "^[-!#$%&'*+.^_`|~0-9a-z]+$", name)
				size += len(name) + len(value)
			}
		}
		assert.LessOrEqual(t, size, len(one)+len(two))
		if text := format(got); len(text) <= httpheader.MaxLength {
			assert.Equal(t, got, httpheader.ParseChallenges([]string{text}), "%q", text)
		}
	})
}
