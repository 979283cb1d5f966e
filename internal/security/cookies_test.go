package security_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// Row: 38
// IDs: CVE-2014-3620 (curl), CVE-2023-46218 (curl), CVE-2022-27779 (curl), CVE-2026-8924 (curl), CVE-2025-27820 (Apache HttpClient)
// Flaw: a host sets a cookie for a whole public suffix, by mixed case, a
// trailing dot, or a list that was not loaded, and every site below it gets it.
// Done: the public suffix list is part of the program, and domains are brought
// into one form before they are looked up in it; by the library.
func TestCVE_2014_3620_NoCookieForAPublicSuffix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, domain, other string }{
		{"curl.co.uk", "co.uk", "other.co.uk"},
		{"curl.co.uk", ".co.uk", "other.co.uk"},
		{"curl.co.uk", "co.UK", "other.co.uk"},
		{"curl.co.uk", ".CO.uK", "other.co.uk"},
		{"curl.co.uk", "co.uk.", "other.co.uk."},
		{"curl.co.uk.", "co.uk.", "other.co.uk."},
		{"curl.co.uk.", "co.uk", "other.co.uk"},
		{"curl.co.uk.", ".co.UK.", "other.co.uk."},
		{"curl.co.uk", "uk", "other.uk"},
		{"a.com", "com", "b.com"},
		{"a.com", ".com", "b.com"},
		{"a.com.", "com.", "b.com"},
		{"a.github.io", "github.io", "b.github.io"},
		{"a.b.kobe.jp", "b.kobe.jp", "c.b.kobe.jp"}, // a wildcard of the list
		{"a.no-such-suffix", "no-such-suffix", "b.no-such-suffix"},
		{"bücher.公司.cn", "xn--55qx5d.cn", "other.公司.cn"},
	} {
		t.Run(c.from+" "+c.domain, func(t *testing.T) {
			t.Parallel()
			srv := bSetting(t)
			client := srv.open(t)
			bSet(t, client, "http://"+c.from+"/", "bad=1; Domain="+c.domain, "good=1")
			assert.Len(t, bList(client), 1, "the good one")
			assert.Empty(t, srv.bCookie(t, client, "http://"+c.other+"/"))
			assert.Equal(t, "good=1", srv.bCookie(t, client, "http://"+c.from+"/"))
		})
	}
}

// Row: 39
// IDs: CVE-2026-55767 (guzzle)
// Flaw: a Domain of nothing but dots matches every host.
// Done: a Domain that has an empty label is refused, and its cookie with it;
// by the library.
func TestCVE_2026_55767_DomainOfDots(t *testing.T) {
	t.Parallel()
	srv := bSetting(t)
	client := srv.open(t)
	for _, domain := range []string{".", "..", "...", ".. .com", "..a.test", "a..test", ". ", ". .", ".a.test..", "\t."} {
		bSet(t, client, "http://a.test/", "bad=1; Domain="+domain)
		assert.Empty(t, bList(client), "%q", domain)
		assert.Empty(t, srv.bCookie(t, client, "http://b.test/"), "%q", domain)
	}
	bSet(t, client, "http://a.b.test/", "good=1; Domain=.b.test")
	assert.Equal(t, []string{"good=1 b.test /"}, bList(client))
}

// Row: 40
// IDs: CVE-2022-29248 (guzzle)
// Flaw: a server sets cookies for a domain that it is not part of.
// Done: a Domain has to be the host or a domain above it, else the cookie is
// refused; by the library.
func TestCVE_2022_29248_DomainOfAnotherSite(t *testing.T) {
	t.Parallel()
	srv := bSetting(t)
	client := srv.open(t)
	for _, domain := range []string{"b.net", ".b.net", "sub.www.a.test", "other.a.test", "ww.a.test", "xwww.a.test", "www.a.testx", "www.a.test.b.net", "*.a.test", "www.a.test:80"} {
		bSet(t, client, "http://www.a.test/", "bad=1; Domain="+domain)
		assert.Empty(t, bList(client), domain)
	}
	bSet(t, client, "http://www.a.test/", "good=1; Domain=a.test")
	assert.Equal(t, "good=1", srv.bCookie(t, client, "http://other.a.test/"))
	assert.Empty(t, srv.bCookie(t, client, "http://b.net/"))
}

// Row: 41
// IDs: CVE-2018-20852 (Python)
// Flaw: domains are compared as text, so that evilexample.com counts as one
// below example.com.
// Done: a host is below a domain only where a dot stands between the two; by
// the library.
func TestCVE_2018_20852_SuffixWithoutADot(t *testing.T) {
	t.Parallel()
	srv := bSetting(t)
	client := srv.open(t)
	bSet(t, client, "http://www.example.com/", "a=1; Domain=example.com")
	for _, host := range []string{"evilexample.com", "www.evilexample.com", "-example.com", "example.com.evil.test", "example.comx"} {
		assert.Empty(t, srv.bCookie(t, client, "http://"+host+"/"), host)
		bSet(t, client, "http://"+host+"/", "a=2; Domain=example.com", "b=2; Domain=.example.com")
	}
	assert.Equal(t, "a=1", srv.bCookie(t, client, "http://www.example.com/"), "it is neither lost nor replaced")
}

// Row: 42
// IDs: CVE-2014-3613 (curl), CVE-2026-59883 (guzzle)
// Flaw: a part of an address is taken for a domain above it, so that cookies go
// to other machines.
// Done: an address, and whatever looks like one, has host-only cookies alone;
// by the library.
func TestCVE_2014_3613_PartOfAnAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, domain, other string }{
		{"192.168.0.1", ".168.0.1", "129.168.0.1"},
		{"192.168.0.1", "168.0.1", "129.168.0.1"},
		{"192.168.0.1", "0.1", "10.0.0.1"},
		{"192.168.0.1", "1", "10.0.0.1"},
		{"127.0.0.1", "0.0.1", "10.0.0.1"},
		{"[2001:db8::1]", ":1", "[2001:db9::1]"},
		{"[2001:db8::1]", "db8::1", "[2002:db8::1]"},
		{"[::ffff:192.168.0.1]", "168.0.1", "[::ffff:129.168.0.1]"},
		{"[::ffff:192.168.0.1]", ".0.1", "[::ffff:10.0.0.1]"},
		{"1.2.3", "2.3", "4.2.3"},
		{"a.0x7f", "0x7f", "b.0x7f"},
		{"a.b.1", "b.1", "c.b.1"},
	} {
		srv := bSetting(t)
		client := srv.open(t)
		bSet(t, client, "http://"+c.from+"/", "bad=1; Domain="+c.domain, "good=1")
		assert.Len(t, bList(client), 1, c)
		assert.Empty(t, srv.bCookie(t, client, "http://"+c.other+"/"), c)
		assert.Equal(t, "good=1", srv.bCookie(t, client, "http://"+c.from+"/"), c)
	}
	srv := bSetting(t)
	client := srv.open(t)
	bSet(t, client, "http://192.168.0.1/", "own=1; Domain=192.168.0.1")
	assert.Equal(t, "own=1", srv.bCookie(t, client, "http://192.168.0.1/"))
	assert.Empty(t, srv.bCookie(t, client, "http://a.192.168.0.1/"))
}

// Row: 43
// IDs: CVE-2026-69245 (guzzle)
// Flaw: a Domain in an unusual spelling is kept as it stands, and so with a
// scope that no later check sees.
// Done: a Domain in ASCII goes to lower case before it is compared and stored,
// one with other characters is refused and never becomes a host-only cookie; by
// the library.
func TestCVE_2026_69245_DomainInUnusualSpelling(t *testing.T) {
	t.Parallel()
	srv := bSetting(t)
	client := srv.open(t)
	bSet(t, client, "http://WWW.example.COM/", "a=1; Domain=EXAMPLE.com")
	assert.Equal(t, []string{"a=1 example.com /"}, bList(client))
	bSet(t, client, "http://www.example.com/", "a=2; Domain=.Example.Com.")
	assert.Equal(t, []string{"a=2 example.com /"}, bList(client), "the same one")
	client.Jar.(*session.Jar).Clear()

	for _, domain := range []string{"bücher.test", ".BÜCHER.test", "xn--bcher-kva。test", "xn--bcher-kva\uff0etest", "\uff54est", "b\u0075\u0308cher.test"} {
		bSet(t, client, "http://www.bücher.test/", "bad=1; Domain="+domain)
		assert.Empty(t, bList(client), domain)
	}
	bSet(t, client, "http://www.bücher.test/", "b=1; Domain=XN--Bcher-KVA.test")
	assert.Equal(t, []string{"b=1 xn--bcher-kva.test /"}, bList(client))
	assert.Equal(t, "b=1", srv.bCookie(t, client, "http://other.bücher.test/"))
}

// Row: 44
// IDs: CVE-2026-54279 (aiohttp), CVE-2026-67355 (guzzle)
// Flaw: a file does not tell that a cookie is for one host alone; once loaded
// it goes to the sub-domains too.
// Done: every format keeps the host-only flag; by the library.
func TestCVE_2026_54279_HostOnlyOutlivesSaving(t *testing.T) {
	t.Parallel()
	srv := bSetting(t)
	first := srv.open(t)
	bSet(t, first, "http://host.test/", "own=1; Max-Age=1000", "session=1")
	bSet(t, first, "http://wide.test/", "wide=1; Domain=wide.test")
	for name, again := range bSavings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := srv.open(t)
			client.Jar = again(t, first.Jar.(*session.Jar))
			got := map[string]string{}
			for _, host := range []string{"host.test", "sub.host.test", "sub.wide.test"} {
				resp := bGet(t, client, "http://"+host+"/")
				got[host] = resp.Request.Header.Get("Cookie")
			}
			assert.Equal(t, map[string]string{"host.test": "own=1; session=1", "sub.host.test": "", "sub.wide.test": "wide=1"}, got)
		})
	}
}

// bSavings are the ways by which cookies go to a file and come back.
var bSavings = map[string]func(testing.TB, *session.Jar) *session.Jar{
	"JSON": func(t testing.TB, jar *session.Jar) *session.Jar {
		path, back := filepath.Join(t.TempDir(), "jar"), session.NewJar()
		require.NoError(t, jar.Save(path))
		require.NoError(t, back.Load(path))
		return back
	},
	"cookies.txt": func(t testing.TB, jar *session.Jar) *session.Jar {
		path, back := filepath.Join(t.TempDir(), "jar"), session.NewJar()
		require.NoError(t, jar.SaveCookiesTxt(path))
		require.NoError(t, back.LoadCookiesTxt(path))
		return back
	},
	"state": func(t testing.TB, jar *session.Jar) *session.Jar {
		path := filepath.Join(t.TempDir(), "state")
		_, err := (&session.Session{Jar: jar}).SaveState(path)
		require.NoError(t, err)
		back, err := session.LoadState(path)
		require.NoError(t, err)
		return back.Jar.(*session.Jar)
	},
}

// Row: 45
// IDs: CVE-2016-8615 (curl)
// Flaw: a cookie that was saved is read back as several, some of which belong
// to other hosts.
// Done: cookies hold no line ends, a tab that the format cannot hold fails the
// saving, and lines are read whole or not at all; by the library.
func TestCVE_2016_8615_CookieThatSplitsOnLoading(t *testing.T) {
	t.Parallel()
	const injected = ".evil.test\tTRUE\t/\tFALSE\t0\tevil\t1"
	for _, value := range []string{
		"\n" + injected, "\r\n" + injected, "\r" + injected, "x\n\n" + injected, "\v" + injected, "\x00\n" + injected,
		"\u2028" + injected, "\u0085" + injected, injected, strings.Repeat("x", 10_000) + "\n" + injected,
		strings.Repeat("x", 4000), strings.Repeat("x", 4095), strings.Repeat("x", 4096), "#HttpOnly_x", "# x", `"},{"name":"evil","domain":"evil.test"`,
	} {
		jar := session.NewJar()
		from := bURL(t, "http://a.test/")
		jar.SetHeader(from, []string{"v=" + value, "p=1; Path=/" + value, "good=1"})
		jar.SetCookies(from, []*http.Cookie{{Name: "w", Value: value}, {Name: value, Value: "n"}})
		_ = jar.Set(from, session.Cookie{Name: "s", Value: value})
		_ = jar.Put(session.Cookie{Name: value, Value: "n", Domain: "a.test"})
		for _, c := range jar.For(from) {
			assert.NotContains(t, c.Name+c.Value+c.Path, "\n")
			assert.NotContains(t, c.Name+c.Value+c.Path, "\r")
		}
		want := slices.Collect(jar.All())
		require.NotEmpty(t, want)
		assert.Equal(t, want, slices.Collect(bSavings["JSON"](t, jar).All()))

		path := filepath.Join(t.TempDir(), "cookies.txt")
		if err := jar.SaveCookiesTxt(path); err != nil {
			require.ErrorIs(t, err, session.ErrInvalidCookie)
			assert.Contains(t, value, "\t")
			assert.NoFileExists(t, path)
			continue
		}
		back := session.NewJar()
		require.NoError(t, back.LoadCookiesTxt(path))
		assert.Equal(t, bWithoutTimes(want), bWithoutTimes(slices.Collect(back.All())))
	}
}

// bWithoutTimes is cookies as cookies.txt keeps them.
func bWithoutTimes(cookies []session.Cookie) []session.Cookie {
	for i := range cookies {
		cookies[i].Creation = time.Time{}
	}
	return cookies
}

// Row: 46
// IDs: CVE-2026-34993 (aiohttp)
// Flaw: loading a file of cookies runs the program that it holds.
// Done: the formats are data alone; what they may not hold is an error, and
// both the files and what is made of them are bounded; by the library.
func TestCVE_2026_34993_LoadingIsReadingData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	hole := func(name, start string) string {
		path := write(name, start)
		require.NoError(t, os.Truncate(path, 1<<30))
		return path
	}
	for _, path := range []string{
		write("pickle", "\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94."),
		write("pickle of protocol 0", "cposix\nsystem\n(S'true'\ntR."),
		write("deep", strings.Repeat("[", 1<<20)),
		write("deep within", `{"version":1,"cookies":[`+strings.Repeat(`{"a":`, 1<<18)),
		write("deep unknown", `{"version":1,"x":`+strings.Repeat(`[`, 1<<20)),
		write("NUL", "\x00"),
		write("NUL within", "{\"version\":1,\x00\"cookies\":[]}"),
		write("types", `{"version":1,"cookies":[{"name":7,"domain":"a.test"}]}`),
		write("types of lists", `{"version":1,"cookies":{"name":"a"}}`),
		write("bad cookie", `{"version":1,"cookies":[{"name":"good","domain":"a.test"},{"name":"a\nb","domain":"a.test"}]}`),
		write("version", `{"version":2,"cookies":[]}`),
		write("more", `{"version":1,"cookies":[]} {}`),
		write("columns", "a.test\tTRUE\t/\n"),
		write("line", strings.Repeat("x", 2<<20)),
		hole("1 GiB of NUL", ""),
		hole("1 GiB behind JSON", `{"version":1,"cookies":[]}`),
		hole("1 GiB behind cookies.txt", "a.test\tFALSE\t/\tFALSE\t0\ta\t1\n"),
		filepath.Join(dir, "missing"), dir,
	} {
		jar := session.NewJar()
		assert.Error(t, jar.Load(path), path)
		assert.Error(t, jar.LoadCookiesTxt(path), path)
		assert.Zero(t, jar.Len(), "all or nothing: %s", path)
		_, err := session.LoadState(path)
		assert.Error(t, err, path)
	}
	endless := &bEndless{text: "# no cookie\n"}
	require.ErrorContains(t, session.NewJar().ReadCookiesTxt(endless), "64 MiB")
	assert.Less(t, endless.read, 65<<20, "it is not read on")

	good := write("good", `{"version":1,"cookies":[{"name":"a","value":"1","domain":"a.test"}]}`)
	jar := session.NewJar()
	require.NoError(t, jar.Load(good))
	assert.Equal(t, "a=1", jar.Header(bURL(t, "http://a.test/")))
}

// bEndless is a text without an end, and counts what is read of it.
type bEndless struct {
	text string
	read int
}

func (e *bEndless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], e.text[(e.read+n)%len(e.text):])
	}
	e.read += n
	return n, nil
}

// bSavers are what writes files that hold secrets.
var bSavers = map[string]func(path string, value string) error{
	"JSON":        func(path, value string) error { return bJarOf(value).Save(path) },
	"cookies.txt": func(path, value string) error { return bJarOf(value).SaveCookiesTxt(path) },
	"state": func(path, value string) error {
		_, err := (&session.Session{Jar: bJarOf(value)}).SaveState(path)
		return err
	},
}

func bJarOf(value string) *session.Jar {
	jar := session.NewJar()
	_ = jar.Put(session.Cookie{Name: "a", Value: value, Domain: "a.test"})
	return jar
}

// Row: 47
// IDs: CVE-2022-32207 (curl), CVE-2023-32001 (curl)
// Flaw: a file of cookies becomes readable by everybody when it is saved, or is
// written through a link that somebody planted.
// Done: a new file of mode 0600 is written beside the old one and then takes its
// place, link or not; until then the old one stays whole; by the library.
func TestCVE_2022_32207_FilesStayPrivate(t *testing.T) {
	t.Parallel()
	for name, save := range bSavers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "jar")
			for _, before := range []fs.FileMode{0, 0o600, 0o644, 0o666} {
				if before != 0 {
					require.NoError(t, os.Chmod(path, before))
				}
				require.NoError(t, save(path, "1"))
				info, err := os.Stat(path)
				require.NoError(t, err)
				assert.Equal(t, fs.FileMode(0o600), info.Mode(), "after %o", before)
			}

			victim, link := filepath.Join(dir, "victim"), filepath.Join(dir, "link")
			require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o644))
			require.NoError(t, os.Symlink(victim, link))
			require.NoError(t, save(link, "2"))
			text, err := os.ReadFile(victim)
			require.NoError(t, err)
			assert.Equal(t, "precious", string(text), "it is not written through the link")
			info, err := os.Lstat(link)
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o600), info.Mode())

			taken := filepath.Join(dir, "taken")
			require.NoError(t, os.MkdirAll(filepath.Join(taken, "by a folder"), 0o700))
			require.Error(t, save(taken, "3"))
			left, err := filepath.Glob(filepath.Join(dir, ".*"))
			require.NoError(t, err)
			assert.Empty(t, left, "nothing lies about after an error")
		})
	}
}

// Row: 47
// IDs: CVE-2022-32207 (curl)
// Flaw: a file that is being saved can be read while it is half written.
// Done: the new file is complete before it takes the old one's place; by the
// library.
func TestCVE_2022_32207_FilesAreAlwaysWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jar")
	large := bJarOf(strings.Repeat("x", 4000))
	for i := range 30 {
		require.NoError(t, large.Put(session.Cookie{Name: fmt.Sprint("n", i), Value: strings.Repeat("x", 4000), Domain: "a.test"}))
	}
	require.NoError(t, large.Save(path))
	var saving sync.WaitGroup
	for range 2 {
		saving.Go(func() {
			for range 8 {
				assert.NoError(t, large.Save(path))
			}
		})
	}
	for range 20 {
		jar := session.NewJar()
		require.NoError(t, jar.Load(path))
		assert.Equal(t, 31, jar.Len())
	}
	saving.Wait()
	tab := bJarOf("a\tb")
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Error(t, tab.SaveCookiesTxt(path))
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, string(before) == string(after), "a saving that fails leaves the old file")
}

// Row: 48
// IDs: CVE-2023-38546 (curl)
// Flaw: a copy of a session loads cookies from a file in the working directory
// that is called by the name of no file.
// Done: a jar knows no file; a clone is made in memory and loads nothing; by
// the library.
func TestCVE_2023_38546_ClonesLoadNothing(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	const line = "a.test\tFALSE\t/\tFALSE\t0\tevil\t1\n"
	for _, name := range []string{"none", "None", "nil", "NULL", "(null)", "-", "cookies", "cookies.txt", "cookies.json", ".cookies", "jar", "session"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(line), 0o600))
	}
	srv := bServe(t, nil)
	for _, original := range []*session.Session{srv.open(t), new(session.Session)} {
		for _, client := range []*session.Session{original, original.Clone(), original.Clone().Clone()} {
			if client.Jar == nil {
				continue
			}
			assert.Empty(t, bList(client))
			assert.Empty(t, srv.bCookie(t, client, "http://a.test/"))
		}
	}
	assert.Zero(t, session.NewJar().Clone().Len())
	jar := session.NewJar()
	require.NoError(t, jar.LoadCookiesTxt("none"))
	assert.Equal(t, 1, jar.Len(), "the file is one that could be loaded")
}

// Row: 49
// IDs: CVE-2022-32205 (curl), CVE-2025-58186 (Go), CVE-2026-67353 (guzzle)
// Flaw: a server sets cookies without end, which fill the memory and make later
// requests too large for any server.
// Done: a cookie has at most 4096 bytes, a domain 180 cookies, a Cookie header
// 8190 bytes; by the library.
func TestCVE_2022_32205_FloodOfCookies(t *testing.T) {
	t.Parallel()
	var answers int
	srv := bServe(t, func(r *bSent) string {
		if r.Host != "evil.a.test" {
			return bOK()
		}
		var lines strings.Builder
		for i := range 20 {
			fmt.Fprintf(&lines, "Set-Cookie: big%d-%d=%s; Domain=a.test\r\n", answers, i, strings.Repeat("x", 5000))
			fmt.Fprintf(&lines, "Set-Cookie: own%d-%d=%s; Path=/x\r\n", answers, i, strings.Repeat("x", 3000))
			fmt.Fprintf(&lines, "Set-Cookie: wide%d-%d=%s; Domain=a.test\r\n", answers, i, strings.Repeat("x", 3000))
		}
		answers++
		return bOK(lines.String())
	})
	client := srv.open(t)
	jar := client.Jar.(*session.Jar)
	for _, host := range []string{"victim.a.test", "b.test"} {
		require.NoError(t, jar.Set(bURL(t, "http://"+host), session.Cookie{Name: "login", Value: host}))
	}
	for range 50 {
		bGet(t, client, "http://evil.a.test/")
	}
	count := map[string]int{}
	for c := range jar.All() {
		count[c.Domain]++
		assert.NotRegexp(t, "^big", c.Name, "5 kB are too many")
	}
	assert.Equal(t, map[string]int{"a.test": 180, "evil.a.test": 180, "victim.a.test": 1, "b.test": 1}, count)
	for _, address := range []string{"http://evil.a.test/x", "http://victim.a.test/"} {
		cookie := srv.bCookie(t, client, address)
		assert.LessOrEqual(t, len(cookie), 8190, address)
		assert.Greater(t, len(cookie), 3000, address)
	}
	assert.Contains(t, srv.bCookie(t, client, "http://victim.a.test/"), "login=victim.a.test", "what was there first goes first")
	assert.Equal(t, "login=b.test", srv.bCookie(t, client, "http://b.test/"))
}

// Row: 50
// IDs: CVE-2022-35252 (curl)
// Flaw: control bytes of a cookie are stored and sent back, which servers
// refuse, so that one response shuts the client out.
// Done: the jar ignores a cookie with a control byte and keeps its neighbours;
// net/http refuses the whole response before that; by both.
func TestCVE_2022_35252_ControlBytes(t *testing.T) {
	t.Parallel()
	for b := range 0x80 {
		if b == '\t' || b >= 0x20 && b < 0x7f {
			continue
		}
		lines := []string{
			"na" + string(rune(b)) + "me=1", "value=a" + string(rune(b)) + "b", "attribute=1; Path=/" + string(rune(b)),
			"unknown=1; x=" + string(rune(b)) + "y", string(rune(b)) + "first=1", "last=1" + string(rune(b)),
		}
		jar := session.NewJar()
		jar.SetHeader(bURL(t, "http://a.test/"), append(append([]string{"before=1"}, lines...), "after=1"))
		assert.Equal(t, "before=1; after=1", jar.Header(bURL(t, "http://a.test/")), "%#02x", b)

		if b == '\r' || b == '\n' { // these end a header line
			continue
		}
		srv := bServe(t, func(r *bSent) string {
			if r.URL.Path == "/good" {
				return bOK("Set-Cookie: good=1\r\n")
			}
			return bOK("Set-Cookie: " + strings.Join(lines, "\r\nSet-Cookie: ") + "\r\n")
		})
		client := srv.open(t)
		bGet(t, client, "http://a.test/good")
		if _, err := client.Get(t.Context(), "http://a.test/bad"); err != nil {
			require.ErrorIs(t, err, session.ErrProtocol)
		}
		assert.Equal(t, "good=1", srv.bCookie(t, client, "http://a.test/good"), "%#02x", b)
	}
}

// Row: 51
// IDs: CVE-2026-9679 (undici)
// Flaw: a value is percent-decoded when it is stored, and brings line ends into
// the next request.
// Done: a value is sent back byte for byte as it came; by the library.
func TestCVE_2026_9679_ValuesAreNotDecoded(t *testing.T) {
	t.Parallel()
	srv := bServe(t, func(r *bSent) string {
		return bOK("Set-Cookie: a=%0d%0aX-Evil:%201\r\nSet-Cookie: %0Ab=%3Bc%3D1%00\r\nSet-Cookie: p=1; Path=/%2e%0d\r\n")
	})
	client := srv.open(t)
	bGet(t, client, "http://a.test/")
	assert.Equal(t, "a=%0d%0aX-Evil:%201; %0Ab=%3Bc%3D1%00", srv.bCookie(t, client, "http://a.test/"))
	bIntact(t, srv.last(t), "")
	assert.Equal(t, "a=%0d%0aX-Evil:%201", srv.last(t).Header.Get("Cookie")[:19])
}

// Row: 52
// IDs: GHSA-v3r7-h72x-cjcm (undici)
// Flaw: what a program sets as a cookie's value, domain or path can hold further
// attributes, cookies or headers.
// Done: a part with a semicolon or a control byte is an error, which does not
// show the value; a comma separates nothing and is sent as it is; by the library.
func TestGHSA_v3r7_h72x_cjcm_PartsThatHoldMore(t *testing.T) {
	t.Parallel()
	srv := bServe(t, nil)
	client := srv.open(t)
	jar := client.Jar.(*session.Jar)
	from := bURL(t, "https://a.test/")
	for _, bad := range []string{"; Domain=test", "; x=1", "\r\nX-Evil: 1", "\n", "\x00", "\x7f", "\v"} {
		for _, c := range []session.Cookie{
			{Name: "a" + bad, Value: bSecret}, {Name: "a", Value: bSecret + bad}, {Name: "a", Value: bad + bSecret},
			{Name: "a", Value: bSecret, Domain: "a.test" + bad}, {Name: "a", Value: bSecret, Path: "/" + bad},
		} {
			err := jar.Set(from, c)
			require.ErrorIs(t, err, session.ErrInvalidCookie, "%+v", c)
			bHides(t, err)
			if strings.HasPrefix(bad, ";") && c.Path != "" {
				continue // Put takes such a path: it came out of a jar, and is never sent
			}
			if c.Domain == "" {
				c.Domain = "a.test"
			}
			err = jar.Put(c)
			require.ErrorIs(t, err, session.ErrInvalidCookie, "%+v", c)
			bHides(t, err)
		}
		jar.SetCookies(from, []*http.Cookie{{Name: "a" + bad, Value: "1"}, {Name: "a", Value: "1" + bad}})
		for _, own := range []session.Cookies{{"a" + bad: bSecret}, {"a": bSecret + bad}} {
			_, err := client.Get(t.Context(), "https://a.test/", own)
			require.ErrorIs(t, err, session.ErrInvalidCookie, "%q", own)
			bHides(t, err)
		}
	}
	assert.Zero(t, jar.Len())
	assert.Empty(t, srv.requests())

	require.NoError(t, jar.Set(from, session.Cookie{Name: "list", Value: "a,b=c,d"}))
	bGet(t, client, "https://a.test/", session.Cookies{"own": "1,2"})
	assert.Equal(t, []string{"list=a,b=c,d; own=1,2"}, srv.last(t).Header["Cookie"])
	bIntact(t, srv.last(t), "")
}

// Row: 53
// IDs: CVE-2025-9086 (curl)
// Flaw: a response without TLS sets, replaces or removes a Secure cookie, or
// puts one of that name over it.
// Done: without TLS no Secure cookie is set, and none of the same name that
// would reach where one goes; by the library.
func TestCVE_2025_9086_SecureCookiesAreOutOfReachWithoutTLS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ secure, host, clear string }{
		{"a=1; Secure", "a.test", "a=2"},
		{"a=1; Secure", "a.test", "a=2; Path=/"},
		{"a=1; Secure", "a.test", "a=2; Secure"},
		{"a=1; Secure", "a.test", "a=; Max-Age=0"},
		{"a=1; Secure", "a.test", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"},
		{"a=1; Secure; Path=/", "a.test", "a=2; Path=/login"},
		{"a=1; Secure; Path=/", "a.test", "a=2; Path=/login/deep"},
		{"a=1; Secure; Path=/login", "a.test", "a=2; Path=/login/en"},
		{"a=1; Secure", "a.test", "a=2; Domain=a.test"},
		{"a=1; Secure; Domain=a.test", "sub.a.test", "a=2; Domain=a.test"},
		{"a=1; Secure; Domain=a.test", "sub.a.test", "a=2"},
		{"a=1; Secure", "sub.a.test", "a=2; Domain=a.test"},
	} {
		srv := bSetting(t)
		client := srv.open(t)
		bSet(t, client, "https://a.test/", c.secure)
		require.Equal(t, 1, client.Jar.(*session.Jar).Len())
		before := bList(client)
		bSet(t, client, "http://"+c.host+"/", c.clear)
		assert.Equal(t, before, bList(client), c)
		for _, address := range []string{"https://a.test/login/en", "https://a.test/login/deep/er"} {
			assert.Equal(t, "a=1", srv.bCookie(t, client, address), c)
		}
		assert.Empty(t, srv.bCookie(t, client, "http://a.test/login/en"), "it never goes without TLS")
	}
	srv := bSetting(t)
	client := srv.open(t)
	bSet(t, client, "http://a.test/", "s=1; Secure", "free=1")
	assert.Equal(t, []string{"free=1 a.test /"}, bList(client))
	bSet(t, client, "https://a.test/", "free=2; Secure")
	assert.Equal(t, "free=2", srv.bCookie(t, client, "https://a.test/"), "with TLS it may be replaced")
}

// Row: 54
// IDs:
// Flaw: a name that begins with __Host- or __Secure- does not show that the
// cookie was set as it promises.
// Done: such a cookie is refused where its attributes are others, and in any
// case of its name; by the library.
func TestClass_PrefixesOfCookieNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, cookie string
		kept         bool
	}{
		{"https", "__Host-a=1; Secure; Path=/", true},
		{"https", "__Host-a=1; Secure; Path=/; HttpOnly", true},
		{"https", "__Host-a=1; Secure", false}, // the Path has to be named
		{"https", "__Host-a=1; Path=/", false},
		{"https", "__Host-a=1; Secure; Path=/x", false},
		{"https", "__Host-a=1; Secure; Path=/; Domain=www.a.test", false},
		{"https", "__Host-a=1; Secure; Path=/; Domain=a.test", false},
		{"http", "__Host-a=1; Secure; Path=/", false},
		{"http", "__Host-a=1; Path=/", false},
		{"https", "__HOST-a=1; Path=/", false},
		{"https", "__host-a=1; Secure; Path=/; Domain=a.test", false},
		{"https", "__Secure-a=1; Secure", true},
		{"https", "__Secure-a=1; Secure; Domain=a.test; Path=/x", true},
		{"https", "__Secure-a=1", false},
		{"https", "__SECURE-a=1", false},
		{"http", "__Secure-a=1; Secure", false},
		{"https", "=__Host-a=1; Path=/", false}, // a nameless one that would look like it
		{"https", "__Secure-a", false},
		{"http", "__Hosta=1", true},
	} {
		srv := bSetting(t)
		client := srv.open(t)
		bSet(t, client, c.from+"://www.a.test/", c.cookie)
		assert.Equal(t, c.kept, len(bList(client)) == 1, "%s %s", c.from, c.cookie)
	}
	jar := session.NewJar()
	for _, c := range []session.Cookie{
		{Name: "__Host-a", Value: "1", Secure: true, Domain: "a.test"}, {Name: "__Host-a", Value: "1"}, {Name: "__secure-a", Value: "1"},
	} {
		require.ErrorIs(t, jar.Set(bURL(t, "https://www.a.test/"), c), session.ErrInvalidCookie)
	}
	assert.Zero(t, jar.Len())
}

// Row: 55
// IDs: CVE-2017-18589 (rust cookie)
// Flaw: a Max-Age beyond what a number or a time can hold crashes, or wraps
// around.
// Done: an age of any number of digits is cut to the year 9999, or to the past;
// by the library.
func TestCVE_2017_18589_HugeMaxAge(t *testing.T) {
	t.Parallel()
	for age, lives := range map[string]bool{
		"1": true, "2147483647": true, "2147483648": true, "4294967296": true, "9223372036": true, "9223372037": true, "253402300800": true,
		"9223372036854775807": true, "9223372036854775808": true, "100000000000000000000": true, strings.Repeat("9", 1000): true,
		"0": false, "-1": false, "-9223372036854775808": false, "-9223372036854775809": false, "-100000000000000000000": false,
	} {
		srv := bSetting(t)
		client := srv.open(t)
		bSet(t, client, "http://a.test/", "a=0")
		bSet(t, client, "http://a.test/", "a=1; Max-Age="+age)
		want := ""
		if lives {
			want = "a=1"
		}
		assert.Equal(t, want, srv.bCookie(t, client, "http://a.test/"), age)
		for c := range client.Jar.(*session.Jar).All() {
			assert.True(t, c.Expires.After(time.Now()), age)
			assert.LessOrEqual(t, c.Expires.Year(), 9999, age)
		}
		again := bSavings["JSON"](t, client.Jar.(*session.Jar))
		assert.Equal(t, want, again.Header(bURL(t, "http://a.test/")), age)
	}
}

// Row: 56
// IDs: CVE-2026-11525 (undici)
// Flaw: a SameSite attribute is read by a part of its text, so that StrictX
// counts as Strict.
// Done: only the three values count, in any case; nothing is decided by them, as
// a client has no pages; by the library.
func TestCVE_2026_11525_SameSiteIsComparedWhole(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"Strict": "Strict", "LAX": "Lax", "none": "None", "StrictX": "", "XStrict": "", "Lax Strict": "", "NoneLax": "", "Strict,Lax": "", "": "",
	} {
		jar := session.NewJar()
		jar.SetHeader(bURL(t, "https://a.test/"), []string{"a=1; Secure; SameSite=" + given})
		c, ok := jar.Get(bURL(t, "https://a.test/"), "a")
		require.True(t, ok)
		assert.Equal(t, want, c.SameSite, given)
	}
}

// Row: 57
// IDs:
// Flaw: paths are compared as text, so that a cookie for /foo goes to /foobar.
// Done: a cookie goes to its path and to what lies below it by whole segments,
// in the spelling that is sent, escapes not decoded; by the library.
func TestClass_PathOfACookie(t *testing.T) {
	t.Parallel()
	srv := bSetting(t)
	client := srv.open(t)
	bSet(t, client, "http://a.test/", "a=1; Path=/foo")
	for path, sent := range map[string]bool{
		"/foo": true, "/foo/": true, "/foo/bar": true, "/foo?x": true, "/foo//": true, "/x/../foo": true,
		"/": false, "/foobar": false, "/fo": false, "/foo%2Fbar": false, "/foo%2f": false, "/Foo": false, "/x/foo": false, "/foo/../x": false,
		"/%66oo": true, // an escape of a plain letter is none
	} {
		assert.Equal(t, sent, srv.bCookie(t, client, "http://a.test"+path) == "a=1", path)
	}
	bSet(t, client, "http://b.test/dir/page", "b=1", "c=1; Path=relative", "d=1; Path=")
	assert.Equal(t, []string{"b=1 b.test /dir", "c=1 b.test /dir", "d=1 b.test /dir"}, bList(client)[1:])
	assert.Empty(t, srv.bCookie(t, client, "http://b.test/dirt"))
}

// Row: 58
// IDs: CVE-2023-26136 (tough-cookie)
// Flaw: a name such as __proto__ changes the program's own objects; a long line
// takes a time that grows with its square.
// Done: cookies are kept in a structure of their own, and lines are read in one
// pass; by the library.
func TestCVE_2023_26136_NamesAndLengthsMeanNothing(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	from := bURL(t, "http://a.test/")
	for _, line := range []string{
		strings.Repeat(";", size), strings.Repeat("; ", size/2), strings.Repeat("=", size), strings.Repeat(" ", size) + "a=1",
		"a=1" + strings.Repeat(" ", size) + "x", "a=1; Expires=" + strings.Repeat("1", size), "a=1; Expires=" + strings.Repeat("1 ", size/2),
		"a=1; Expires=" + strings.Repeat(" ", size), "a=1; Expires=" + strings.Repeat("1:", size/2), "a=1; Max-Age=" + strings.Repeat("9", size),
		"a=1" + strings.Repeat("; Expires=Wed, 09 Jun 2100 10:18:14 GMT", size/40), "a=1; Domain=" + strings.Repeat(".", size),
		"a=1; Domain=" + strings.Repeat("a.", size/2) + "test", "a=1; Path=/" + strings.Repeat("/", size), strings.Repeat("\"", size),
	} {
		jar := session.NewJar()
		start := time.Now()
		jar.SetHeader(from, []string{line})
		// A square of a million steps takes many minutes.
		assert.Less(t, time.Since(start), 10*time.Second, "%.40q", line)
		assert.LessOrEqual(t, jar.Len(), 1)
	}
	jar := session.NewJar()
	jar.SetHeader(from, []string{"__proto__=1; Domain=__proto__", "__proto__=1", "constructor=2; Path=/__proto__", "toString=3"})
	assert.Equal(t, "__proto__=1; toString=3", jar.Header(from))
	assert.Empty(t, jar.Header(bURL(t, "http://b.test/")))
}
