package faultserver_test

import (
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// xFormats are the formats of a jar's file.
var xFormats = []struct {
	name string
	save func(*session.Jar, string) error
	load func(*session.Jar, string) error
}{
	{"JSON", (*session.Jar).Save, (*session.Jar).Load},
	{"cookies.txt", (*session.Jar).SaveCookiesTxt, (*session.Jar).LoadCookiesTxt},
}

// xJar has cookies of http://a.test/.
func xJar(cookies ...string) *session.Jar {
	jar := session.NewJar()
	jar.SetHeader(xURL, cookies)
	return jar
}

var xURL = &url.URL{Scheme: "http", Host: "a.test", Path: "/"}

// xNames lists a folder.
func xNames(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestFaultsOfJarFiles(t *testing.T) {
	xGroup(t)
	for _, format := range xFormats {
		jar := xJar("mine=1")
		path := filepath.Join(t.TempDir(), "jar")
		refused := func(t *testing.T, path string) error {
			t.Helper()
			err := format.load(jar, path)
			require.Error(t, err)
			assert.ErrorContains(t, err, path)
			assert.Equal(t, "mine=1", jar.Header(xURL), "cookies in memory are kept")
			return err
		}
		t.Run("F99_missing_"+format.name, func(t *testing.T) {
			assert.ErrorIs(t, refused(t, path+".missing"), fs.ErrNotExist)
			assert.ErrorIs(t, format.save(jar, filepath.Join(path+".missing", "jar")), fs.ErrNotExist)
		})
		t.Run("F99_a_folder_"+format.name, func(t *testing.T) {
			dir := t.TempDir()
			_ = refused(t, dir)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "x"), nil, 0o600))
			require.Error(t, format.save(jar, dir))
			assert.Equal(t, []string{"x"}, xNames(t, dir))
		})
		t.Run("F99_unreadable_"+format.name, func(t *testing.T) {
			closed := filepath.Join(t.TempDir(), "jar")
			require.NoError(t, format.save(jar, closed))
			require.NoError(t, os.Chmod(closed, 0))
			if f, err := os.Open(closed); err == nil {
				_ = f.Close()
				t.Skip("this user may read everything")
			}
			assert.ErrorIs(t, refused(t, closed), fs.ErrPermission)
			require.NoError(t, format.save(jar, closed), "it is replaced, which needs no right to read it")
		})
		t.Run("F99_of_1_GB_"+format.name, func(t *testing.T) {
			huge := filepath.Join(t.TempDir(), "jar")
			require.NoError(t, os.WriteFile(huge, []byte("# Netscape HTTP Cookie File\n"), 0o600))
			require.NoError(t, os.Truncate(huge, 1<<30))
			_ = refused(t, huge)
		})
		t.Run("F99_in_a_folder_that_is_read-only_"+format.name, func(t *testing.T) {
			dir := t.TempDir()
			old := filepath.Join(dir, "jar")
			require.NoError(t, format.save(jar, old))
			require.NoError(t, os.Chmod(dir, 0o500))
			defer func() { _ = os.Chmod(dir, 0o700) }()
			if f, err := os.Create(filepath.Join(dir, "x")); err == nil {
				_ = f.Close()
				t.Skip("this user may write everywhere")
			}
			require.ErrorIs(t, format.save(xJar("b=2"), old), fs.ErrPermission)
			again := session.NewJar()
			require.NoError(t, format.load(again, old))
			assert.Equal(t, "mine=1", again.Header(xURL))
		})
	}

	t.Run("F99_truncated", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jar")
		require.NoError(t, xJar("a=1", "b=2; Max-Age=1000", "c=3").Save(path))
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		for size := range len(whole) - 1 { // the last byte ends the line
			jar := xJar("mine=1")
			require.NoError(t, os.WriteFile(path, whole[:size], 0o600))
			require.Error(t, jar.Load(path), "%d bytes", size)
			assert.Equal(t, "mine=1", jar.Header(xURL), "%d bytes", size)
		}
	})

	t.Run("F99_truncated_in_cookies.txt", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jar")
		require.NoError(t, xJar("a=1").SaveCookiesTxt(path))
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		line := strings.LastIndex(strings.TrimSpace(string(whole)), "\n") + 1
		fields := line + strings.LastIndex(strings.TrimSpace(string(whole[line:])), "\t") - 2
		for size := line + 1; size < fields; size++ {
			jar := xJar("mine=1")
			require.NoError(t, os.WriteFile(path, whole[:size], 0o600))
			require.Error(t, jar.LoadCookiesTxt(path), "%q", whole[line:size])
			assert.Equal(t, "mine=1", jar.Header(xURL))
		}
	})
}

// xAuthorization is what a GET of http://a.test/ is sent with.
func xAuthorization(t *testing.T) string {
	t.Helper()
	var got *http.Request
	s := xOver(t, xRoundTripper(func(req *http.Request) (*http.Response, error) {
		got = req
		return xAnswer(req, 200, nil, http.NoBody), nil
	}))
	s.TrustEnv = true
	_, err := s.Get(t.Context(), "http://a.test/")
	require.NoError(t, err, "whatever is in the file")
	user, password, ok := got.BasicAuth()
	if !ok {
		return got.Header.Get("Authorization")
	}
	return user + ":" + password
}

// Not parallel: the environment is everybody's. A file that others may read is
// used, and its owner is not looked at: requests gives CPython the path, which
// looks at neither then. One that is too large is the only one to be an error.
func TestFaultsOfNetrc(t *testing.T) {
	xGroup(t)
	for _, x := range []struct {
		name string
		text string
		mode fs.FileMode
		want string
	}{
		{"as_it_should_be", "machine a.test login u password p\n", 0o600, "u:p"},
		{"mode_0644", "machine a.test login u password p\n", 0o644, "u:p"},
		{"mode_0666", "machine a.test login u password p\n", 0o666, "u:p"},
		{"macdef", "macdef init\ncd /pub\nmachine b.test login x password y\n\nmachine a.test login u password p\n", 0o600, "u:p"},
		{"macdef_without_end", "machine a.test login u password p\nmacdef init\ncd /pub", 0o600, ""},
		{"quotes", "machine a.test login \"u v\" password \"p\\\"q\"\n", 0o600, "u v:p\"q"},
		{"no_newline", "machine a.test login u password p", 0o600, "u:p"},
		{"CRLF", "machine a.test\r\nlogin u\r\npassword p\r\n", 0o600, "u:p"},
		{"comments", "# machine a.test login x password y\nmachine a.test login u password p # hm\n", 0o600, "u:p"},
		{"syntax_error", "machine a.test login u password p\nsesame\n", 0o600, ""},
		{"no_password", "machine a.test login u\nmachine b.test password p\n", 0o600, ""},
		{"another_machine", "machine b.test login u password p\n", 0o600, ""},
		{"empty", "", 0o600, ""},
	} {
		t.Run("F100_"+x.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "netrc")
			require.NoError(t, os.WriteFile(path, []byte(x.text), x.mode))
			require.NoError(t, os.Chmod(path, x.mode))
			t.Setenv("NETRC", path)
			assert.Equal(t, x.want, xAuthorization(t))
		})
	}
	t.Run("F100_too_large", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "netrc")
		require.NoError(t, os.WriteFile(path, []byte("machine a.test login u password p\n"), 0o600))
		require.NoError(t, os.Truncate(path, 1<<30))
		t.Setenv("NETRC", path)
		_, err := session.New().Get(t.Context(), "http://a.test/")
		assert.Contains(t, xLimit(t, err).Limit, "netrc", "its passwords are not missed in silence")
	})
	t.Run("F100_missing", func(t *testing.T) {
		t.Setenv("NETRC", filepath.Join(t.TempDir(), "missing"))
		assert.Empty(t, xAuthorization(t))
	})
	t.Run("F100_a_folder", func(t *testing.T) {
		t.Setenv("NETRC", t.TempDir())
		assert.Empty(t, xAuthorization(t))
	})
	t.Run("F100_of_another_owner", func(t *testing.T) {
		home := t.TempDir()
		path := filepath.Join(home, ".netrc")
		require.NoError(t, os.WriteFile(path, []byte("machine a.test login u password p\n"), 0o600))
		t.Setenv("NETRC", "")
		require.NoError(t, os.Unsetenv("NETRC"))
		t.Setenv("HOME", home)
		t.Setenv("USERPROFILE", home)
		if os.Chown(path, os.Getuid()+1, -1) != nil {
			t.Skip("this user may give nothing away")
		}
		assert.Equal(t, "u:p", xAuthorization(t), "requests, which gives CPython the path, has no owner looked at")
	})
}

// The clock of a bubble goes on, and is set back for a jar by what it loads.
func TestFaultsOfClocks(t *testing.T) {
	xGroup(t)
	t.Run("F101_forward_between_set_and_send", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var sent []string
			s := xOver(t, xRoundTripper(func(req *http.Request) (*http.Response, error) {
				sent = append(sent, req.Header.Get("Cookie"))
				header := http.Header{}
				if len(sent) == 1 {
					header["Set-Cookie"] = []string{
						"a=1; Max-Age=60", "b=2; Expires=" + time.Now().Add(2*time.Hour).UTC().Format(http.TimeFormat), "c=3",
					}
				}
				return xAnswer(req, 200, header, http.NoBody), nil
			}))
			for _, wait := range []time.Duration{0, 59 * time.Second, time.Second, 2 * time.Hour, 1000 * time.Hour} {
				time.Sleep(wait)
				_, err := s.Get(t.Context(), "http://a.test/")
				require.NoError(t, err)
			}
			assert.Equal(t, []string{"", "a=1; b=2; c=3", "b=2; c=3", "c=3", "c=3"}, sent)
		})
	})

	t.Run("F101_back_between_set_and_send", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			jar := session.NewJar()
			now := time.Now()
			require.NoError(t, jar.Put(session.Cookie{ // set by a clock that was a year ahead
				Name: "a", Value: "1", Domain: "a.test", Path: "/", HostOnly: true,
				Creation: now.Add(365 * 24 * time.Hour), Expires: now.Add(366 * 24 * time.Hour),
			}))
			jar.SetHeader(xURL, []string{"b=2; Max-Age=60"})
			jar.SetHeader(xURL, []string{"a=3; Max-Age=60"})
			assert.ElementsMatch(t, []string{"a=3", "b=2"}, strings.Split(jar.Header(xURL), "; "), "what came last counts")
			time.Sleep(time.Minute)
			assert.Empty(t, jar.Header(xURL))
		})
	})

	for _, x := range []struct {
		name  string
		after time.Duration // of Retry-After, from now
		want  time.Duration
	}{
		{"that_has_passed", -365 * 24 * time.Hour, 0},
		{"that_is_now", 0, 0},
		{"soon", 10 * time.Second, 10 * time.Second},
		{"by_a_clock_that_is_years_ahead", 10 * 365 * 24 * time.Hour, 6 * time.Hour},
	} {
		t.Run("F101_Retry-After_"+x.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				date := time.Now().Add(x.after).UTC().Format(http.TimeFormat)
				p := &xPolicy{answers: []xOutcome{{503, date}, {200, ""}}}
				s := xOver(t, p)
				_, err := s.Get(t.Context(), "http://a.test/", &session.Retry{Total: 1})
				require.NoError(t, err)
				assert.Equal(t, []time.Duration{x.want}, p.waits())
			})
		})
	}
}
