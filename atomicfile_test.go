package session_test

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// writerFolder names the environment variable that makes the test a process
// which saves files in that folder until it is killed.
const writerFolder = "SESSION_TEST_WRITER_FOLDER"

// cookiesOfAVersion are enough for a save to take several writes' time.
const cookiesOfAVersion = 150

// TestAKilledProcessLeavesWholeFiles kills processes in the middle of their
// saves.
func TestAKilledProcessLeavesWholeFiles(t *testing.T) {
	if dir := os.Getenv(writerFolder); dir != "" {
		saveUntilKilled(t, dir)
		return
	}
	t.Parallel()
	const kills, atOnce = 30, 3
	for range atOnce {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for killed := 1; killed <= kills/atOnce; killed++ {
				requireWholeFiles(t, dir, killWriter(t, dir))
				requireOwnFiles(t, dir, killed)
			}
		})
	}
}

// saveUntilKilled saves 1,000 versions, and says when each is on disk.
func saveUntilKilled(t *testing.T, dir string) {
	for version := range 1_000 {
		s := sessionOfVersion(t, version)
		require.NoError(t, s.Jar.(*session.Jar).Save(filepath.Join(dir, "jar")))
		_, err := s.SaveState(filepath.Join(dir, "state"))
		require.NoError(t, err)
		fmt.Printf("%d\n", version)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // which ends when the test does
}

// sessionOfVersion has the version in every place.
func sessionOfVersion(t *testing.T, version int) *session.Session {
	s := session.New()
	s.Header.Set("X-Version", strconv.Itoa(version))
	lines := numbered(cookiesOfAVersion, "name%d="+strconv.Itoa(version))
	for len(lines) > 0 { // as many from one host as it may set
		u := fmt.Sprintf("http://a%d.test/", len(lines))
		n := min(30, len(lines))
		setFrom(t, s.Jar.(*session.Jar), u, lines[:n]...)
		lines = lines[n:]
	}
	return s
}

// killWriter starts a writer, kills it at a random moment, and returns the last
// version that it said to have saved.
func killWriter(t *testing.T, dir string) (version int) {
	t.Helper()
	writer := exec.Command(os.Args[0], "-test.run=^"+t.Name()[:strings.Index(t.Name(), "/")]+"$")
	writer.Env = append(os.Environ(), writerFolder+"="+dir)
	stdin, err := writer.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := writer.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, writer.Start())

	said := bufio.NewScanner(stdout)
	require.True(t, said.Scan(), "the writer saved nothing")
	<-time.After(rand.N(10 * time.Millisecond))
	require.NoError(t, writer.Process.Kill())
	version = atoi(t, said.Text())
	for said.Scan() {
		version = atoi(t, said.Text())
	}
	require.Error(t, writer.Wait(), "it was killed")
	return version
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

// requireWholeFiles wants both files to be of one version each, and none that
// is older than the one that was said to be saved.
func requireWholeFiles(t *testing.T, dir string, said int) {
	t.Helper()
	jar := session.NewJar()
	require.NoError(t, jar.Load(filepath.Join(dir, "jar")))
	requireVersion(t, jar, said)

	s, err := session.LoadState(filepath.Join(dir, "state"))
	require.NoError(t, err)
	version := requireVersion(t, s.Jar.(*session.Jar), said)
	require.Equal(t, strconv.Itoa(version), s.Header.Get("X-Version"))
}

func requireVersion(t *testing.T, jar *session.Jar, said int) (version int) {
	t.Helper()
	require.Equal(t, cookiesOfAVersion, jar.Len())
	values := make(map[string]bool)
	for c := range jar.All() {
		values[c.Value] = true
		version = atoi(t, c.Value)
	}
	require.Len(t, values, 1, "cookies of several versions")
	require.GreaterOrEqual(t, version, said)
	require.LessOrEqual(t, version, said+1)
	return version
}

// requireOwnFiles wants all files to be their owner's alone, and no more of them
// left than one for each writer that was killed.
func requireOwnFiles(t *testing.T, dir string, killed int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(entries), 2+killed)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode(), entry.Name())
		if entry.Name() != "jar" && entry.Name() != "state" {
			assert.Regexp(t, `^\.session-.*\.tmp$`, entry.Name())
		}
	}
}
