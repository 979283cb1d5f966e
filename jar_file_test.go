package session_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// variedJar has a cookie of every kind.
func variedJar(t testing.TB) *session.Jar {
	jar := session.NewJar()
	setFrom(t, jar, "https://x.a.test/p/q",
		"host=1", "domain=2; Domain=a.test", "sub=3; Domain=x.a.test; Path=/", "both=4", "both=5; Domain=x.a.test",
		"session=6", "persistent=7; Max-Age=1000", "far=8; Max-Age=99999999999999", "nameless", "empty=",
		"secure=9; Secure", "httponly=10; HttpOnly", "site=11; SameSite=strict", "part=12; Secure; Partitioned",
		`quoted="a b, c\"`, "utf8=ä€😀", "latin1=caf\xe9", "b\xfcd=\xff\xfe; Path=/\xfc", `json={"a":[1,2]}<>&`,
		"__Host-h=13; Secure; Path=/", "gone=; Max-Age=0")
	setFrom(t, jar, "http://10.0.0.1/", "ip4=1; Domain=10.0.0.1")
	setFrom(t, jar, "http://[fe80::1%25En0]/", "ip6=1")
	setFrom(t, jar, "http://bücher.test/x;y/z", "idn=1")
	setFrom(t, jar, "http://localhost./", "dot=1; Domain=localhost")
	return jar
}

func TestJarJSONRoundTrip(t *testing.T) {
	t.Parallel()
	jar := variedJar(t)
	setFrom(t, jar, "http://tab.test/", "tab=a\tb")
	data, err := json.Marshal(jar)
	require.NoError(t, err)
	var again session.Jar
	require.NoError(t, json.Unmarshal(data, &again))
	assert.Equal(t, slices.Collect(jar.All()), slices.Collect(again.All()))
	for _, to := range []string{"https://x.a.test/p/q/r", "https://y.x.a.test/p/q", "http://a.test/p/q", "http://10.0.0.1/"} {
		assert.Equal(t, jar.Header(jarURL(t, to)), again.Header(jarURL(t, to)))
	}
}

// TestJarFilesKeepTheOrderOfSending saves and loads, in both formats, cookies
// that were set at the same time.
func TestJarFilesKeepTheOrderOfSending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		jar := session.NewJar()
		setFrom(t, jar, "https://x.a.test/", "d=1; Domain=a.test", "z=2", "c=3; Domain=a.test", "a=4")
		for name, again := range map[string]*session.Jar{"JSON": throughJSON(t, jar), "cookies.txt": throughCookiesTxt(t, jar)} {
			setFrom(t, again, "https://x.a.test/", "b=5; Domain=a.test", "z=6")
			assert.Equal(t, "d=1; z=6; c=3; a=4; b=5", again.Header(jarURL(t, "https://x.a.test/")), name)
		}
	})
}

func throughJSON(t testing.TB, jar *session.Jar) *session.Jar {
	data, err := jar.MarshalJSON()
	require.NoError(t, err)
	again := session.NewJar()
	require.NoError(t, again.UnmarshalJSON(data))
	return again
}

func throughCookiesTxt(t testing.TB, jar *session.Jar) *session.Jar {
	var file bytes.Buffer
	require.NoError(t, jar.WriteCookiesTxt(&file))
	again := session.NewJar()
	require.NoError(t, again.ReadCookiesTxt(&file))
	return again
}

// TestJarFilesKeepHostOnly is aiohttp's CVE-2026-54279: host-only cookies that
// went to sub-domains after being loaded.
func TestJarFilesKeepHostOnly(t *testing.T) {
	t.Parallel()
	jar := session.NewJar()
	setFrom(t, jar, "https://a.test/", "host=1", "domain=2; Domain=a.test")
	for name, again := range map[string]*session.Jar{"JSON": throughJSON(t, jar), "cookies.txt": throughCookiesTxt(t, jar)} {
		assert.Equal(t, "host=1; domain=2", again.Header(jarURL(t, "https://a.test/")), name)
		assert.Equal(t, "domain=2", again.Header(jarURL(t, "https://x.a.test/")), name)
	}
}

func TestJarJSONFormat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		jar := session.NewJar()
		setFrom(t, jar, "https://a.test/", "b=<1>; Path=/x; Max-Age=60; Secure; HttpOnly; SameSite=Lax; Partitioned", "caf\xe9; Domain=a.test")
		data, err := jar.MarshalJSON()
		require.NoError(t, err)
		assert.Equal(t, `{"version":1,"cookies":[
{"name":"b","value":"<1>","domain":"a.test","path":"/x","expires":"2000-01-01T00:01:00Z","secure":true,"http_only":true,"host_only":true,"partitioned":true,"same_site":"Lax","creation":"2000-01-01T00:00:00Z"},
{"value":"café","domain":"a.test","path":"/","creation":"2000-01-01T00:00:00.000000001Z","latin1":true}
]}
`, string(data))
		empty, err := json.Marshal(session.NewJar())
		require.NoError(t, err)
		assert.JSONEq(t, `{"version":1,"cookies":[]}`, string(empty))
	})
}

// TestJarJSONIsCookieJSON wants the list to be of what encoding/json makes of a
// Cookie.
func TestJarJSONIsCookieJSON(t *testing.T) {
	t.Parallel()
	for c := range variedJar(t).All() {
		want, err := json.Marshal(c)
		require.NoError(t, err)
		if !utf8.ValidString(c.Name + c.Value) {
			continue
		}
		var jar session.Jar
		require.NoError(t, jar.Put(c))
		got, err := jar.MarshalJSON()
		require.NoError(t, err)
		assert.JSONEq(t, `{"version":1,"cookies":[`+string(want)+`]}`, string(got))
	}
}

func TestJarJSONLoads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		about, json string
		want        []string
	}{
		{"keys in any order, others ignored", `{"x":{"y":[1]},"cookies":[{"name":"a","value":"1","domain":"A.test","z":null}],"version":1}`, []string{"a=1 .a.test/"}},
		{"no cookies", `{"version":1}`, []string{}},
		{"null", `null`, []string{}},
		{"expired cookies are left out", `{"version":1,"cookies":[{"name":"a","domain":"a.test","expires":"2001-01-01T00:00:00Z"}]}`, []string{}},
		{"an address has no sub-domains", `{"version":1,"cookies":[{"name":"a","domain":"10.0.0.1"}]}`, []string{"a= 10.0.0.1/"}},
		{"nor has a public suffix", `{"version":1,"cookies":[{"name":"a","domain":"co.uk"}]}`, []string{"a= co.uk/"}},
		{"the later of two counts", `{"version":1,"cookies":[{"name":"a","value":"1","domain":"a.test"},{"name":"a","value":"2","domain":"a.test"}]}`, []string{"a=2 .a.test/"}},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			var jar session.Jar
			require.NoError(t, json.Unmarshal([]byte(test.json), &jar))
			assert.Equal(t, test.want, describeAll(&jar))
		})
	}
}

func TestJarLoadsIntoOtherCookies(t *testing.T) {
	t.Parallel()
	jar := session.NewJar()
	setFrom(t, jar, "https://a.test/", "a=old", "b=old", "c=old")
	require.NoError(t, jar.UnmarshalJSON([]byte(`{"version":1,"cookies":[
		{"name":"b","value":"new","domain":"a.test","host_only":true},
		{"name":"c","value":"new","domain":"a.test","host_only":true,"expires":"2001-01-01T00:00:00Z"},
		{"name":"d","value":"new","domain":"a.test"}]}`)))
	assert.Equal(t, "a=old; b=new; c=old; d=new", jar.Header(jarURL(t, "https://a.test/")))
}

func TestJarJSONRefuses(t *testing.T) {
	t.Parallel()
	const good = `{"name":"good","value":"1","domain":"a.test"},`
	for _, test := range []struct{ about, json, want string }{
		{"nothing", ``, "EOF"},
		{"cut short", `{"version":1,"cookies":[` + good, "EOF"},
		{"cut shorter", `{"version":1`, "EOF"},
		{"a list", `[]`, "no {"},
		{"text", `"hunter2"`, "no {"},
		{"more after it", `{"version":1}{}`, "more follows"},
		{"garbage after it", `{"version":1} x`, "invalid character"},
		{"no version", `{"cookies":[]}`, "version 0"},
		{"another version", `{"version":2,"cookies":[]}`, "version 2"},
		{"cookies that are no list", `{"version":1,"cookies":{}}`, "no ["},
		{"a cookie that is none", `{"version":1,"cookies":[` + good + `"hunter2"]}`, "cookies[1]"},
		{"a value of the wrong type", `{"version":1,"cookies":[` + good + `{"name":"n","value":123456789,"domain":"a.test"}]}`, "cookies[1]"},
		{"no time", `{"version":1,"cookies":[{"name":"n","domain":"a.test","expires":"soon"}]}`, "cookies[0]"},
		{"empty cookie", `{"version":1,"cookies":[` + good + `{}]}`, `cookies[1]: cookie "": there is no domain`},
		{"line break", `{"version":1,"cookies":[` + good + `{"name":"n","value":"hunter2\n.b.test\tTRUE","domain":"a.test"}]}`, `cookies[1]: cookie "n": the value holds`},
		{"NUL", `{"version":1,"cookies":[{"name":"n","value":"hunter2\u0000","domain":"a.test"}]}`, `cookies[0]: cookie "n": the value holds`},
		{"bad name", `{"version":1,"cookies":[{"name":"n=hunter2","domain":"a.test"}]}`, "cookies[0]: cookie: the name holds"},
		{"bad domain", `{"version":1,"cookies":[{"name":"n","value":"hunter2","domain":".."}]}`, `cookies[0]: cookie "n": the domain is malformed`},
		{"bad path", `{"version":1,"cookies":[{"name":"n","value":"hunter2","domain":"a.test","path":"x"}]}`, `cookies[0]: cookie "n": the path does not begin`},
		{"broken promise", `{"version":1,"cookies":[{"name":"__Host-n","value":"hunter2","domain":"a.test"}]}`, `cookies[0]: cookie "__Host-n": the name's prefix`},
		{"not Latin-1", `{"version":1,"cookies":[{"name":"n","value":"hunter2€","domain":"a.test","latin1":true}]}`, `cookies[0]: cookie "n": the text is not Latin-1`},
		{"too deep", `{"version":1,"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, "exceeded max depth"},
		{"too large", `{"version":1,"cookies":[` + strings.Repeat(" ", 64<<20) + `]}`, "larger than 64 MiB"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			jar := session.NewJar()
			setFrom(t, jar, "https://a.test/", "good=0", "a=1")
			err := jar.UnmarshalJSON([]byte(test.json))
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.NotContains(t, err.Error(), "123456789")
			assert.Equal(t, []string{"a=1 a.test/", "good=0 a.test/"}, describeAll(jar))
		})
	}
}

func TestJarInvalidEntriesMatch(t *testing.T) {
	t.Parallel()
	var jar session.Jar
	err := jar.UnmarshalJSON([]byte(`{"version":1,"cookies":[{"name":"n","domain":".."}]}`))
	require.ErrorIs(t, err, session.ErrInvalidCookie)
	require.ErrorIs(t, jar.ReadCookiesTxt(strings.NewReader("..\tTRUE\t/\tFALSE\t0\tn\tv\n")), session.ErrInvalidCookie)
	require.ErrorIs(t, jar.ReadCookiesTxt(strings.NewReader("x\n")), session.ErrInvalidCookie)
}

func TestJarWriteCookiesTxt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		jar := session.NewJar()
		setFrom(t, jar, "https://x.a.test/p/q", "host=1", "domain=2; Domain=a.test; Path=/; Secure; Max-Age=60", "nameless",
			`h="x y"; HttpOnly`, "hd=; HttpOnly; Domain=a.test", "past=1; Max-Age=0")
		var file strings.Builder
		require.NoError(t, jar.WriteCookiesTxt(&file))
		first, rest, _ := strings.Cut(file.String(), "\n")
		assert.Equal(t, "# Netscape HTTP Cookie File", first)
		_, lines, _ := strings.Cut(rest, "\n\n")
		assert.Equal(t, ""+
			"x.a.test\tFALSE\t/p\tFALSE\t0\thost\t1\n"+
			".a.test\tTRUE\t/\tTRUE\t946684860\tdomain\t2\n"+
			"x.a.test\tFALSE\t/p\tFALSE\t0\t\tnameless\n"+
			"#HttpOnly_x.a.test\tFALSE\t/p\tFALSE\t0\th\t\"x y\"\n"+
			"#HttpOnly_.a.test\tTRUE\t/p\tFALSE\t0\thd\t\n", lines)
	})
}

func TestJarCookiesTxtRoundTrip(t *testing.T) {
	t.Parallel()
	jar := variedJar(t)
	again := throughCookiesTxt(t, jar)
	var want []string // what the format has room for
	for c := range jar.All() {
		c.SameSite, c.Partitioned = "", false
		want = append(want, describe(c))
	}
	assert.Equal(t, want, describeAll(again))
}

// TestJarCookiesTxtRefusesTabs is CVE-2016-8615: what a file cannot express must
// not become another cookie.
func TestJarCookiesTxtRefusesTabs(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"n=hunter2\tTRUE", "n\tm=hunter2", "n=hunter2; Path=/\tx"} {
		jar := session.NewJar()
		setFrom(t, jar, "https://a.test/", "good=1", line)
		require.Equal(t, 2, jar.Len())
		var file strings.Builder
		err := jar.WriteCookiesTxt(&file)
		require.ErrorIs(t, err, session.ErrInvalidCookie)
		assert.ErrorContains(t, err, "of a.test: a tab")
		assert.NotContains(t, err.Error(), "hunter2")
		assert.Empty(t, file.String())

		path := filepath.Join(t.TempDir(), "cookies.txt")
		require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
		require.ErrorIs(t, jar.SaveCookiesTxt(path), session.ErrInvalidCookie)
		assert.Equal(t, "old", readFile(t, path))
		assert.Equal(t, []string{"cookies.txt"}, listDir(t, filepath.Dir(path)))
	}
}

func TestJarReadCookiesTxt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		about, file string
		want        []string
	}{
		{"as curl writes it", "# Netscape HTTP Cookie File\n# https://curl.se/docs/http-cookies.html\n\n" +
			".a.test\tTRUE\t/\tFALSE\t0\td\t1\n#HttpOnly_a.test\tFALSE\t/p\tTRUE\t4102444800\th\t2 3\n",
			[]string{"d=1 .a.test/", "h=2 3 a.test/p 2100-01-01 00:00:00 Secure HttpOnly"}},
		{"as Python writes it", "# Netscape HTTP Cookie File\n# http://curl.haxx.se/rfc/cookie_spec.html\n# This is a generated file!  Do not edit.\n\n" +
			".a.test\tTRUE\t/\tFALSE\t\td\t\"1\"\na.test\tFALSE\t/\tTRUE\t4102444800\t\tnameless\nHttpOnly.test\tFALSE\t/\tFALSE\t\tn\t\n",
			[]string{"=nameless a.test/ 2100-01-01 00:00:00 Secure", `d="1" .a.test/`, "n= httponly.test/"}},
		{"as Windows has it, without the last line break", "a.test\tfalse\t/\tfalse\t0\ta\t1\r\n\r\n \r\na.test\tFALSE\t/\tFALSE\t0\tb\t2", []string{"a=1 a.test/", "b=2 a.test/"}},
		{"a value lost with its tab", "a.test\tFALSE\t/\tFALSE\t0\ta\n", []string{"a= a.test/"}},
		{"parts of a second", "a.test\tFALSE\t/\tFALSE\t4102444800.75\ta\t1\n", []string{"a=1 a.test/ 2100-01-01 00:00:00"}},
		{"the flag counts, not the dot", ".a.test\tFALSE\t/\tFALSE\t0\ta\t1\nb.test\tTRUE\t/\tFALSE\t0\tb\t1\n", []string{"a=1 a.test/", "b=1 .b.test/"}},
		{"expired cookies are left out", "a.test\tFALSE\t/\tFALSE\t1\ta\t1\na.test\tFALSE\t/\tFALSE\t-1\tb\t1\na.test\tFALSE\t/\tFALSE\t-99999999999999999999\tc\t1\n", []string{}},
		{"the far future", "a.test\tFALSE\t/\tFALSE\t99999999999999999999\ta\t1\n", []string{"a=1 a.test/ 9999-12-31 23:59:59"}},
		{"addresses and public suffixes have no sub-domains", ".10.0.0.1\tTRUE\t/\tFALSE\t0\ta\t1\n.co.uk\tTRUE\t/\tFALSE\t0\ta\t1\n", []string{"a=1 10.0.0.1/", "a=1 co.uk/"}},
		{"nothing", "", []string{}},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			var jar session.Jar
			require.NoError(t, jar.ReadCookiesTxt(strings.NewReader(test.file)))
			assert.Equal(t, test.want, describeAll(&jar))
		})
	}
}

func TestJarReadCookiesTxtRefuses(t *testing.T) {
	t.Parallel()
	const good = "# Netscape HTTP Cookie File\na.test\tFALSE\t/\tFALSE\t0\tgood\t1\n"
	for _, test := range []struct{ about, file, want string }{
		{"too few fields", good + "a.test\tFALSE\t/\tFALSE\thunter2\n", "line 3: cookie: the line is not"},
		{"too many fields", good + "a.test\tFALSE\t/\tFALSE\t0\tn\thunter2\thunter2\n", "line 3: cookie: the line is not"},
		{"spaces for tabs", good + "a.test FALSE / FALSE 0 n hunter2\n", "line 3: cookie: the line is not"},
		{"no flag for sub-domains", good + "a.test\tYES\t/\tFALSE\t0\thunter2\tv\n", "line 3: cookie: the line is not"},
		{"no flag for Secure", good + "a.test\tTRUE\t/\t1\t0\tn\thunter2\n", "line 3: cookie: the line is not"},
		{"no time", good + "a.test\tTRUE\t/\tTRUE\tsoon\tn\thunter2\n", "line 3: cookie: the line is not"},
		{"no domain", good + "\tFALSE\t/\tFALSE\t0\tn\thunter2\n", `line 3: cookie "n": there is no domain`},
		{"neither name nor value", good + "a.test\tFALSE\t/\tFALSE\t0\t\t\n", `line 3: cookie "": name and value`},
		{"control character", good + "a.test\tFALSE\t/\tFALSE\t0\tn\thunter2\x01\n", `line 3: cookie "n": the value holds`},
		{"semicolon", good + "a.test\tFALSE\t/\tFALSE\t0\tn\thunter2;x\n", `line 3: cookie "n": the value holds`},
		{"broken promise", good + "a.test\tFALSE\t/\tFALSE\t0\t__Secure-n\thunter2\n", `line 3: cookie "__Secure-n": the name's prefix`},
		{"binary", "\x00\x01\x02", "line 1: cookie: the line is not"},
		{"HTML", "<!DOCTYPE html>\n", "line 1: cookie: the line is not"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			jar := session.NewJar()
			setFrom(t, jar, "https://a.test/", "good=0")
			err := jar.ReadCookiesTxt(strings.NewReader(test.file))
			require.ErrorIs(t, err, session.ErrInvalidCookie)
			assert.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.Equal(t, []string{"good=0 a.test/"}, describeAll(jar))
		})
	}
}

func TestJarReadCookiesTxtIsBounded(t *testing.T) {
	t.Parallel()
	var jar session.Jar
	long := "a.test\tFALSE\t/\tFALSE\t0\tn\t" + strings.Repeat("x", 1<<20)
	require.ErrorIs(t, jar.ReadCookiesTxt(strings.NewReader("# comment\n"+long)), bufio.ErrTooLong)
	require.ErrorContains(t, jar.ReadCookiesTxt(strings.NewReader("# comment\n"+long)), "line 2")
	require.ErrorContains(t, jar.ReadCookiesTxt(endless(strings.Repeat("# comment\n", 1000))), "larger than 64 MiB")
	require.ErrorIs(t, jar.ReadCookiesTxt(io.MultiReader(strings.NewReader("#\n"), failingReader{})), errBroken)
	assert.Zero(t, jar.Len())
}

// endless repeats itself for ever.
type endless string

func (e endless) Read(p []byte) (n int, err error) { return copy(p, e), nil }

var errBroken = errors.New("broken")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }

func readFile(t testing.TB, path string) string {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func listDir(t testing.TB, dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// fileFormat is one of the two pairs of methods for files.
type fileFormat struct {
	name string
	save func(*session.Jar, string) error
	load func(*session.Jar, string) error
}

var fileFormats = []fileFormat{
	{"JSON", (*session.Jar).Save, (*session.Jar).Load},
	{"cookies.txt", (*session.Jar).SaveCookiesTxt, (*session.Jar).LoadCookiesTxt},
}

func TestJarSaveAndLoad(t *testing.T) {
	t.Parallel()
	for _, format := range fileFormats {
		t.Run(format.name, func(t *testing.T) {
			t.Parallel()
			jar := session.NewJar()
			setFrom(t, jar, "https://a.test/", "a=1", "b=2; Domain=a.test; Secure; Max-Age=1000")
			path := filepath.Join(t.TempDir(), "jar")
			require.NoError(t, format.save(jar, path))
			setFrom(t, jar, "https://a.test/", "c=3")
			require.NoError(t, format.save(jar, path), "over an old file")
			again := session.NewJar()
			require.NoError(t, format.load(again, path))
			assert.Equal(t, 3, again.Len())
			assert.Equal(t, "a=1; b=2; c=3", again.Header(jarURL(t, "https://a.test/")))
			assert.Equal(t, []string{"jar"}, listDir(t, filepath.Dir(path)))
		})
	}
}

// TestJarSaveIsPrivate is CVE-2022-32207: a file that became readable by others.
func TestJarSaveIsPrivate(t *testing.T) {
	t.Parallel()
	for _, format := range fileFormats {
		path := filepath.Join(t.TempDir(), "jar")
		for _, before := range []fs.FileMode{0, 0o600, 0o666} {
			if before != 0 {
				require.NoError(t, os.Chmod(path, before))
			}
			require.NoError(t, format.save(session.NewJar(), path))
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o600), info.Mode())
		}
	}
}

// TestJarSaveReplacesLinks wants a symbolic link to be replaced, not followed.
func TestJarSaveReplacesLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(target, []byte("precious"), 0o644))
	require.NoError(t, os.Symlink(target, link))
	require.NoError(t, session.NewJar().Save(link))
	assert.Equal(t, "precious", readFile(t, target))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular())
}

func TestJarSaveFails(t *testing.T) {
	t.Parallel()
	for _, format := range fileFormats {
		dir := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(dir, "dir"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "dir", "x"), nil, 0o600))
		require.Error(t, format.save(session.NewJar(), filepath.Join(dir, "dir")), "a directory is not replaced")
		require.ErrorIs(t, format.save(session.NewJar(), filepath.Join(dir, "missing", "jar")), fs.ErrNotExist)
		assert.Equal(t, []string{"dir"}, listDir(t, dir))
	}
}

func TestJarLoadFails(t *testing.T) {
	t.Parallel()
	for _, format := range fileFormats {
		dir := t.TempDir()
		jar := session.NewJar()
		setFrom(t, jar, "https://a.test/", "a=1")
		require.ErrorIs(t, format.load(jar, filepath.Join(dir, "missing")), fs.ErrNotExist)
		require.Error(t, format.load(jar, dir))

		huge := filepath.Join(dir, "huge")
		require.NoError(t, os.WriteFile(huge, nil, 0o600))
		require.NoError(t, os.Truncate(huge, 1<<30)) // of NULs, which take no room on disk
		require.Error(t, format.load(jar, huge))

		broken := filepath.Join(dir, "broken")
		require.NoError(t, os.WriteFile(broken, []byte("broken"), 0o600))
		require.ErrorContains(t, format.load(jar, broken), `session: loading cookies from "`+broken+`": `)
		assert.Equal(t, []string{"a=1 a.test/"}, describeAll(jar))
	}
}

func TestWriteFileAtomicKeepsTheOldFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	err := session.WriteFileAtomic(path, func(w io.Writer) error {
		io.WriteString(w, "half of the n")
		assert.Equal(t, "old", readFile(t, path))
		return errBroken
	})
	require.ErrorIs(t, err, errBroken)
	assert.Equal(t, "old", readFile(t, path))
	assert.Equal(t, []string{"file"}, listDir(t, filepath.Dir(path)))
}

// FuzzJarFile loads anything in both formats. What loads can be saved, and then
// loads as it was.
func FuzzJarFile(f *testing.F) {
	jar := variedJar(f)
	data, err := jar.MarshalJSON()
	require.NoError(f, err)
	var txt bytes.Buffer
	require.NoError(f, jar.WriteCookiesTxt(&txt))
	f.Add(data)
	f.Add(txt.Bytes())
	f.Add([]byte(`{"version":1,"cookies":[{"name":"a\tb","value":"é","domain":".A.test","latin1":true,"creation":"9999-01-01T00:00:00Z"}]}`))
	f.Add([]byte("#HttpOnly_.a.test\tTRUE\t/\tFALSE\t99999999999.5\tn\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var fromJSON, fromTxt session.Jar
		if fromJSON.UnmarshalJSON(data) == nil {
			requireSameCookies(t, &fromJSON, throughJSON(t, &fromJSON))
		}
		if fromTxt.ReadCookiesTxt(bytes.NewReader(data)) == nil {
			requireSameCookies(t, &fromTxt, throughCookiesTxt(t, &fromTxt))
			requireSameCookies(t, &fromTxt, throughJSON(t, &fromTxt))
		}
	})
}

// requireSameCookies compares all but times of creation, which cookies.txt lacks;
// their order, which is that of sending, has to be the same. Cookies that expire
// meanwhile do not matter.
func requireSameCookies(t *testing.T, a, b *session.Jar) {
	var all [2][]session.Cookie
	for i, jar := range []*session.Jar{a, b} {
		for c := range jar.All() {
			home := &url.URL{Scheme: "https", Host: c.Domain, Path: "/"}
			if c.Expires.IsZero() || time.Until(c.Expires) > time.Minute {
				c.Creation = time.Time{}
				all[i] = append(all[i], c)
			}
			require.NotContains(t, jar.Header(home), "\n")
		}
	}
	require.Equal(t, all[0], all[1])
}

// largeJar has 50 cookies of each of 3,000 domains.
func largeJar(tb testing.TB) *session.Jar {
	jar := session.NewJar()
	for i := range 3_000 {
		u := &url.URL{Scheme: "https", Host: fmt.Sprintf("www.site%d.com", i), Path: "/"}
		jar.SetHeader(u, numbered(50, "name%d=a value of the usual length; Max-Age=1000000; Secure"))
	}
	return jar
}

func BenchmarkJarFile(b *testing.B) {
	jar := largeJar(b)
	for _, format := range fileFormats {
		path := filepath.Join(b.TempDir(), "jar")
		b.Run("save/"+format.name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, format.save(jar, path))
			}
		})
		b.Run("load/"+format.name, func(b *testing.B) {
			for b.Loop() {
				again := session.NewJar()
				require.NoError(b, format.load(again, path))
				if again.Len() != 150_000 {
					b.Fatal(again.Len())
				}
			}
		})
	}
}

func ExampleJar_Save() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "cookies.json")

	u, _ := url.Parse("https://www.example.com/")
	jar := session.NewJar()
	jar.SetHeader(u, []string{"sid=31d4d96e; Path=/; Secure"})
	if err := jar.Save(path); err != nil {
		fmt.Println(err)
	}

	var later session.Jar
	if err := later.Load(path); err != nil {
		fmt.Println(err)
	}
	fmt.Println(later.Header(u))
	// Output: sid=31d4d96e
}
