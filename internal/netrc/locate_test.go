package netrc_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/netrc"
)

func netrcIs(value string) func(string) (string, bool) {
	return func(name string) (string, bool) { return value, name == "NETRC" }
}

func unset(string) (string, bool) { return "", false }

func home(dir string) func() (string, error) {
	return func() (string, error) { return dir, nil }
}

func homeless() (string, error) { return "", errors.New("no home") }

func TestLocateByEnvironment(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"/etc/netrc": "/etc/netrc",
		"netrc":      "netrc",
		"":           "",
		"~":          "/home/u",
		"~/x/netrc":  "/home/u/x/netrc",
		"~u/netrc":   "~u/netrc",
		"/x/~/netrc": "/x/~/netrc",
	} {
		assert.Equal(t, want, new(netrc.Cache).Locate(netrcIs(value), home("/home/u")), "NETRC=%q", value)
	}
	assert.Equal(t, "~/netrc", new(netrc.Cache).Locate(netrcIs("~/netrc"), homeless))
}

func TestLocateInHome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dot, underscore := filepath.Join(dir, ".netrc"), filepath.Join(dir, "_netrc")

	var c netrc.Cache // which is to see each change
	assert.Empty(t, c.Locate(unset, home(dir)))
	require.NoError(t, os.WriteFile(underscore, nil, 0o600))
	assert.Equal(t, underscore, c.Locate(unset, home(dir)))
	require.NoError(t, os.WriteFile(dot, nil, 0o600))
	assert.Equal(t, dot, c.Locate(unset, home(dir)))
	require.NoError(t, os.Remove(dot))
	assert.Equal(t, underscore, c.Locate(unset, home(dir)))
	assert.Empty(t, c.Locate(unset, home(t.TempDir())))
}

func TestLocateWithoutHome(t *testing.T) {
	t.Parallel()
	assert.Empty(t, new(netrc.Cache).Locate(unset, homeless))
	assert.Empty(t, new(netrc.Cache).Locate(unset, home("")))
}

func TestLocateFitsTheCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var c netrc.Cache
	assertNone(t, &c, c.Locate(unset, home(dir)))
	write(t, filepath.Join(dir, "_netrc"), "machine a.test login u password p", 1)
	assertLookup(t, &c, c.Locate(unset, home(dir)), "u", "p")
	assertNone(t, &c, c.Locate(netrcIs(""), home(dir)))
}
