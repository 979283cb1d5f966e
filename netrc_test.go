package session_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// useNetrc has NETRC name a file with this text.
func useNetrc(t *testing.T, text string) (path string) {
	t.Helper()
	path = inFile(t, []byte(text))
	t.Setenv("NETRC", path)
	return path
}

// useHome gives the test a home directory with these files, and no NETRC.
func useHome(t *testing.T, files map[string]string) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("NETRC", "") // to be restored
	require.NoError(t, os.Unsetenv("NETRC"))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(home, name), []byte(text), 0o600))
	}
	return home
}

// authorization is what a GET of a URL is sent with.
func authorization(t *testing.T, w *world, url string, opts ...session.Option) string {
	t.Helper()
	_, err := w.Get(t.Context(), url, opts...)
	require.NoError(t, err)
	return strings.Join(w.last().Header["Authorization"], " | ")
}

func basic(userAndPassword string) string { return "Basic " + base64Of(userAndPassword) }

func TestNetrcIsFound(t *testing.T) {
	w := newWorld(t)
	const entry = "machine a.test login user password "
	for _, c := range []struct {
		name  string
		files map[string]string // of the home directory
		netrc string            // NETRC; "unset" for none, %s is the home directory
		want  string            // the password; "" for none
	}{
		{"NETRC", map[string]string{"my": entry + "1"}, "%s/my", "1"},
		{"NETRC below ~", map[string]string{"my": entry + "1"}, "~/my", "1"},
		{"~/.netrc", map[string]string{".netrc": entry + "2"}, "unset", "2"},
		{"~/_netrc", map[string]string{"_netrc": entry + "3"}, "unset", "3"},
		{"~/.netrc over ~/_netrc", map[string]string{"_netrc": entry + "3", ".netrc": entry + "2"}, "unset", "2"},
		{"~/.netrc without the host", map[string]string{"_netrc": entry + "3", ".netrc": ""}, "unset", ""},
		{"NETRC over ~/.netrc", map[string]string{"my": entry + "1", ".netrc": entry + "2"}, "%s/my", "1"},
		{"NETRC of a missing file", map[string]string{".netrc": entry + "2"}, "%s/missing", ""},
		{"NETRC that is empty", map[string]string{".netrc": entry + "2"}, "", ""},
		{"no file", nil, "unset", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := useHome(t, c.files)
			if c.netrc != "unset" {
				t.Setenv("NETRC", strings.ReplaceAll(c.netrc, "%s", home))
			}
			want := ""
			if c.want != "" {
				want = basic("user:" + c.want)
			}
			assert.Equal(t, want, authorization(t, w, "http://a.test/"))
		})
	}
}

func TestNetrcWithoutAHomeDirectory(t *testing.T) {
	w := newWorld(t)
	useHome(t, nil)
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "")
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile(".netrc", []byte("default login user password 1"), 0o600))
	assert.Empty(t, authorization(t, w, "http://a.test/"), "a file of the working directory is nobody's home")
}

func TestNetrcEntries(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ name, file, url, want string }{
		{"machine", "machine a.test login u password p", "http://a.test/", "u:p"},
		{"without a line's end, over many lines", "machine a.test\n\tlogin u\n\tpassword p", "http://a.test/", "u:p"},
		{"of another host", "machine b.test login u password p", "http://a.test/", ""},
		{"of the parent", "machine a.test login u password p", "http://sub.a.test/", ""},
		{"of a sub-domain", "machine sub.a.test login u password p", "http://a.test/", ""},
		{"default", "machine b.test login u password p\ndefault login d password q", "http://a.test/", "d:q"},
		{"machine before default", "machine a.test login u password p\ndefault login d password q", "http://a.test/", "u:p"},
		{"whatever the port", "machine a.test login u password p", "http://a.test:8080/", "u:p"},
		{"whatever the scheme", "machine a.test login u password p", "https://a.test/", "u:p"},
		{"whatever the case", "machine A.test login u password p", "http://a.TEST/", "u:p"},
		{"an address", "machine ::1 login u password p", "http://[::1]:8080/", "u:p"},
		{"quoted", `machine a.test login "u v" password "p\"q"`, "http://a.test/", `u v:p"q`},
		{"UTF-8", "machine a.test login jürgen password пароль", "http://a.test/", "jürgen:пароль"},
		{"comments and macros", "# machine a.test login x password y\nmacdef m\nmachine a.test login x password y\n\nmachine a.test login u password p", "http://a.test/", "u:p"},
		{"empty password", `machine a.test login u password ""`, "http://a.test/", "u:"},

		// neither another host's password nor half an entry (CVE-2024-11053)
		{"without a password", "machine a.test login u\nmachine b.test login v password q", "http://a.test/", ""},
		{"without a password, and a default", "machine a.test login u\ndefault login d password q", "http://a.test/", ""},
		{"without a login", "machine a.test password p", "http://a.test/", ""},
		{"without anything", "machine a.test\nmachine b.test login v password q", "http://a.test/", ""},
		{"an empty default", "machine b.test login v password q\ndefault", "http://a.test/", ""},
		// the host that is connected to counts (CVE-2024-47081)
		{"a host in the user's place", "machine a.test login u password secret", "http://a.test:@b.test/", "a.test:"},
		// a user's name gets no other user's password (CVE-2026-8926)
		{"another user", "machine a.test login u password secret", "http://v@a.test/", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			useNetrc(t, c.file)
			want := ""
			if c.want != "" {
				want = basic(c.want)
			}
			assert.Equal(t, want, authorization(t, w, c.url))
		})
	}
}

func TestNetrcIsUsedOnlyWhereNothingElseGivesAuth(t *testing.T) {
	w := newWorld(t)
	useNetrc(t, "machine a.test login netrc password secret")
	for _, c := range []struct {
		name string
		opts []session.Option
		url  string
		set  func(*session.Session)
		want string
	}{
		{name: "nothing else", want: basic("netrc:secret")},
		{name: "the request's Auth", opts: []session.Option{session.BearerAuth("t")}, want: "Bearer t"},
		{name: "the request's Auth sets none", opts: []session.Option{
			session.AuthFunc(func(r *http.Request) error { r.Header.Set("X-Key", "k"); return nil }),
		}},
		{name: "NoAuth", opts: []session.Option{session.NoAuth}},
		{name: "the request's header", opts: []session.Option{session.Header{"authorization": {"Own x"}}}, want: "Own x"},
		{name: "the session's Auth", set: func(s *session.Session) { s.Auth = session.BearerAuth("s") }, want: "Bearer s"},
		{name: "the session's NoAuth", set: func(s *session.Session) { s.Auth = session.NoAuth }},
		{name: "the URL", url: "http://u:p@a.test/", want: basic("u:p")},
		{name: "the session's header", set: func(s *session.Session) { s.Header.Set("authorization", "Its y") }, want: "Its y"},
		{name: "a session without trust in the environment", set: func(s *session.Session) { s.TrustEnv = false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := w.Clone()
			if c.set != nil {
				c.set(s)
			}
			if c.url == "" {
				c.url = "http://a.test/"
			}
			_, err := s.Get(t.Context(), c.url, c.opts...)
			require.NoError(t, err)
			assert.Equal(t, c.want, strings.Join(w.last().Header["Authorization"], " | "))
		})
	}
}

func TestNetrcIsForPreparedRequestsAndDoToo(t *testing.T) {
	w := newWorld(t)
	useNetrc(t, "machine a.test login u password p")
	req, err := w.Prepare(t.Context(), &session.Request{URL: "http://a.test/"})
	require.NoError(t, err)
	assert.Equal(t, basic("u:p"), req.Header.Get("Authorization"))

	own, err := http.NewRequestWithContext(t.Context(), "GET", "http://a.test/", nil)
	require.NoError(t, err)
	for _, do := range []func(*http.Request) (*http.Response, error){w.Do, w.Client().Do} {
		resp, err := do(own)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, basic("u:p"), w.last().Header.Get("Authorization"))
	}
	assert.Empty(t, own.Header, "the caller's request stays as it is")
}

func TestNetrcOnRedirects(t *testing.T) {
	const ab = "machine a.test login ua password pa\nmachine b.test login ub password pb"
	ua, ub := basic("ua:pa"), basic("ub:pb")
	bearer := session.BearerAuth("t")
	for _, c := range []struct {
		name, netrc string
		chain       []string // URLs, each redirecting to the next
		opts        []session.Option
		set         func(*session.Session)
		want        []string
	}{
		{name: "the entry of each host", netrc: ab, chain: []string{"http://a.test/", "http://b.test/"}, want: []string{ua, ub}},
		{name: "a host without one", netrc: ab, chain: []string{"http://a.test/", "http://c.test/"}, want: []string{ua, ""}},
		{name: "a sub-domain", netrc: ab, chain: []string{"http://a.test/", "http://sub.a.test/"}, want: []string{ua, ""}},
		{
			name: "a host whose entry has no password", netrc: "machine a.test login ua password pa\nmachine b.test login ub",
			chain: []string{"http://a.test/", "http://b.test/"}, want: []string{ua, ""},
		},
		{
			name: "default", netrc: "machine a.test login ua password pa\ndefault login d password p",
			chain: []string{"http://a.test/", "http://b.test/"}, want: []string{ua, basic("d:p")},
		},
		{name: "the same host", netrc: ab, chain: []string{"http://a.test/", "http://a.test/next"}, want: []string{ua, ua}},
		{name: "another port of it", netrc: ab, chain: []string{"http://a.test/", "http://a.test:8080/"}, want: []string{ua, ua}},
		{name: "there and back", netrc: ab, chain: []string{"http://a.test/", "http://b.test/", "http://a.test/x"}, want: []string{ua, ub, ua}},
		{name: "from http to https", netrc: ab, chain: []string{"http://a.test/", "https://b.test/"}, want: []string{ua, ub}},

		{name: "dropped Auth", netrc: ab, chain: []string{"http://a.test/", "http://b.test/"}, opts: []session.Option{bearer}, want: []string{"Bearer t", ub}},
		{
			name: "dropped header", netrc: ab, chain: []string{"http://a.test/", "http://b.test/"},
			opts: []session.Option{session.Header{"authorization": {"Own"}}}, want: []string{"Own", ub},
		},
		{
			name: "dropped stays dropped", netrc: "machine b.test login ub password pb",
			chain: []string{"http://a.test/", "http://b.test/", "http://a.test/x"}, opts: []session.Option{bearer}, want: []string{"Bearer t", ub, ""},
		},
		{name: "never the first host's user of the URL", netrc: ab, chain: []string{"http://u:p@a.test/", "http://b.test/"}, want: []string{basic("u:p"), ub}},

		{name: "kept Auth", netrc: ab, chain: []string{"http://a.test/", "http://a.test/next"}, opts: []session.Option{bearer}, want: []string{"Bearer t", "Bearer t"}},
		{
			name: "kept header", netrc: ab, chain: []string{"http://a.test/", "http://a.test/next"},
			opts: []session.Option{session.Header{"authorization": {"Own"}}}, want: []string{"Own", "Own"},
		},
		{
			name: "kept by a step of the caller's", netrc: ab, chain: []string{"http://a.test/", "http://b.test/"}, opts: []session.Option{bearer},
			set:  func(s *session.Session) { s.ShouldStripAuth = func(*url.URL, *url.URL) bool { return false } },
			want: []string{"Bearer t", "Bearer t"},
		},
		{name: "NoAuth ends the search", netrc: ab, chain: []string{"http://a.test/", "http://b.test/"}, opts: []session.Option{session.NoAuth}, want: []string{"", ""}},
		{
			name: "no trust in the environment", netrc: ab, chain: []string{"http://a.test/", "http://b.test/"}, opts: []session.Option{bearer},
			set: func(s *session.Session) { s.TrustEnv = false }, want: []string{"Bearer t", ""},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			useNetrc(t, c.netrc)
			for i, from := range c.chain[:len(c.chain)-1] {
				w.redirect(http.StatusFound, strings.Replace(from, "u:p@", "", 1), c.chain[i+1])
			}
			if c.set != nil {
				c.set(w.Session)
			}
			_, err := w.Get(t.Context(), c.chain[0], c.opts...)
			require.NoError(t, err)
			assert.Equal(t, c.want, w.headers("Authorization"), "%v", w.calls())
		})
	}
}

func TestNetrcOfAnUnchangedFileIsNotReadAnew(t *testing.T) {
	w := newWorld(t)
	path := useNetrc(t, "machine a.test login u password 1")
	at := time.Unix(1_700_000_000, 0)
	write := func(text string, modified time.Time) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(path, modified, modified))
	}
	write("machine a.test login u password 1", at)
	assert.Equal(t, basic("u:1"), authorization(t, w, "http://a.test/"))
	write("machine a.test login u password 2", at)
	assert.Equal(t, basic("u:1"), authorization(t, w, "http://a.test/"), "as large and as old as it was")
	write("machine a.test login u password 3", at.Add(time.Second))
	assert.Equal(t, basic("u:3"), authorization(t, w, "http://a.test/"), "another time")
	write("machine a.test login u password 44", at.Add(time.Second))
	assert.Equal(t, basic("u:44"), authorization(t, w, "http://a.test/"), "another size")
	require.NoError(t, os.Remove(path))
	assert.Empty(t, authorization(t, w, "http://a.test/"), "removed")
	write("machine a.test login u password 5", at)
	assert.Equal(t, basic("u:5"), authorization(t, w, "http://a.test/"), "there again")
	useNetrc(t, "machine a.test login u password 6")
	assert.Equal(t, basic("u:6"), authorization(t, w, "http://a.test/"), "another file")
}

// A file that cannot be used gives no auth and fails no request, as in requests.
func TestNetrcThatCannotBeUsed(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ name, text string }{
		{"unknown words", "machine a.test login u password hunter2\nsesame hunter2"},
		{"no netrc at all", "{\"a.test\": \"hunter2\"}"},
		{"NUL bytes", "machine a.test\x00login u password hunter2"},
		{"noise", "\xff\xfe\x00m\x00a\x00c\x00h\x00i\x00n\x00e hunter2"},
		{"a word without end", "machine a.test login u password " + strings.Repeat("x", 1<<19)},
	} {
		t.Run(c.name, func(t *testing.T) {
			useNetrc(t, c.text)
			assert.Empty(t, authorization(t, w, "http://a.test/"))
		})
	}
	t.Run("a directory", func(t *testing.T) {
		t.Setenv("NETRC", t.TempDir())
		assert.Empty(t, authorization(t, w, "http://a.test/"))
	})
	t.Run("not to be read", func(t *testing.T) {
		path := useNetrc(t, "machine a.test login u password hunter2")
		require.NoError(t, os.Chmod(path, 0))
		if _, err := os.ReadFile(path); err == nil {
			t.Skip("this user may read everything")
		}
		assert.Empty(t, authorization(t, w, "http://a.test/"))
	})
}

// A large file is not passed over in silence, as its passwords would be missed.
func TestNetrcThatIsTooLargeFailsTheCall(t *testing.T) {
	w := newWorld(t)
	w.redirect(http.StatusFound, "http://a.test/away", "http://b.test/")
	const entry = "machine a.test login u password hunter2\nmachine b.test login v password sesame\n"
	useNetrc(t, entry+strings.Repeat("\n", 1<<20-len(entry)))
	assert.Equal(t, basic("u:hunter2"), authorization(t, w, "http://a.test/"))

	path := useNetrc(t, entry+strings.Repeat("\n", 1<<20-len(entry)+1))
	before := len(w.visits())
	_, err := w.Get(t.Context(), "http://a.test/")
	limited(t, err, "size of a netrc file", 1<<20)
	for _, secret := range []string{"hunter2", "sesame", path} {
		assert.NotContains(t, err.Error(), secret)
	}
	_, err = w.Prepare(t.Context(), &session.Request{URL: "http://a.test/", Limits: session.Limits{Netrc: 10}})
	limited(t, err, "size of a netrc file", 10)
	assert.Len(t, w.visits(), before, "nothing is sent")
	_, err = w.Get(t.Context(), "http://a.test/away", session.BearerAuth("t"))
	limited(t, err, "size of a netrc file", 1<<20)
	assert.Len(t, w.visits(), before+1, "nor is a redirect followed")

	for _, enough := range []int64{-1, 1<<20 + 1} {
		assert.Equal(t, basic("u:hunter2"), authorization(t, w, "http://a.test/", session.Limits{Netrc: enough}))
	}
	assert.Empty(t, authorization(t, w, "http://a.test/", session.NoAuth), "it is not asked")
	assert.Equal(t, "Bearer t", authorization(t, w, "http://a.test/", session.BearerAuth("t")), "nor here")
	w.TrustEnv = false
	assert.Empty(t, authorization(t, w, "http://a.test/"), "nor here")
}

// requests gives CPython's netrc the path, which then looks at no permissions.
func TestNetrcThatOthersMayReadIsUsed(t *testing.T) {
	w := newWorld(t)
	home := useHome(t, map[string]string{".netrc": "machine a.test login u password p"})
	require.NoError(t, os.Chmod(filepath.Join(home, ".netrc"), 0o644))
	assert.Equal(t, basic("u:p"), authorization(t, w, "http://a.test/"))
}

func TestNetrcSecretsAreNotInErrors(t *testing.T) {
	w := newWorld(t)
	w.redirect(http.StatusFound, "http://a.test/", "http://gone.test/")
	w.redirect(http.StatusFound, "http://a.test/loop", "/loop")
	for _, file := range []string{
		"default login somebody password hunter2",
		"default login somebody password hunter2 sesame",
	} {
		useNetrc(t, file)
		for _, url := range []string{"http://gone.test/", "http://a.test/", "http://a.test/loop"} {
			_, err := w.Get(t.Context(), url)
			require.Error(t, err)
			for _, verb := range []string{"%v", "%+v", "%q"} {
				printed := fmt.Sprintf(verb, err)
				assert.NotContains(t, printed, "hunter2")
				assert.NotContains(t, printed, base64Of("somebody:hunter2"))
			}
		}
	}
}

func TestNetrcInParallel(t *testing.T) {
	w := newWorld(t)
	path := useNetrc(t, "default login u0 password 0")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				_, err := w.Get(t.Context(), "http://a.test/")
				assert.NoError(t, err)
			}
		})
	}
	for i := range 10 {
		next := filepath.Join(t.TempDir(), "next")
		require.NoError(t, os.WriteFile(next, fmt.Appendf(nil, "default login u%d password %d", i, i), 0o600))
		require.NoError(t, os.Rename(next, path))
	}
	wg.Wait()
	for _, visit := range w.visits() {
		user, password, ok := visit.BasicAuth()
		require.True(t, ok)
		assert.Equal(t, user, "u"+password)
	}
}

// A URL that names a user, a Location too, is not to get another one's password.
func TestNetrcIsNotForAURLThatNamesAUser(t *testing.T) {
	w := newWorld(t)
	useNetrc(t, "machine b.test login bob password hunter2")
	for _, user := range []string{"alice", "alice:own", "bob", ":"} {
		for _, from := range []string{"http://a.test/", "https://b.test/"} {
			w.redirect(http.StatusFound, from, "http://"+user+"@b.test/x")
			_, err := w.Get(t.Context(), from)
			require.NoError(t, err)
			assert.Equal(t, "http://b.test/x", w.last().At)
			assert.NotEqual(t, basic("bob:hunter2"), w.last().Header.Get("Authorization"), "%s, from %s", user, from)
		}
		assert.NotEqual(t, basic("bob:hunter2"), authorization(t, w, "http://"+user+"@b.test/x"), user)
	}
	w.redirect(http.StatusFound, "http://a.test/", "http://b.test/x")
	_, err := w.Get(t.Context(), "http://a.test/")
	require.NoError(t, err)
	assert.Equal(t, basic("bob:hunter2"), w.last().Header.Get("Authorization"), "without a user it is")
}
