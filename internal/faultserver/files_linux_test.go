package faultserver_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

const xDisk = "FAULTSERVER_DISK"

// A disk that is full needs one of its own: the test runs itself again where it
// may mount one.
func TestFaultsOfDisks(t *testing.T) {
	if dir := os.Getenv(xDisk); dir != "" {
		require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"))
		for _, format := range xFormats {
			xFullDisk(t, dir, format.save, format.load)
		}
		return
	}
	t.Run("F99_disk_full_and_disk_read-only", func(t *testing.T) {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFaultsOfDisks$")
		again.Env = append(os.Environ(), xDisk+"="+t.TempDir())
		again.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		out := new(strings.Builder)
		again.Stdout, again.Stderr = out, out
		if err := again.Start(); err != nil {
			t.Skip("no name space to mount in: ", err)
		}
		err := again.Wait()
		if strings.Contains(out.String(), "operation not permitted") {
			t.Skip("nothing may be mounted here")
		}
		require.NoError(t, err, out)
	})

	t.Run("F99_locked_by_another", func(t *testing.T) {
		for _, format := range xFormats {
			path := filepath.Join(t.TempDir(), "jar")
			require.NoError(t, format.save(xJar("a=1"), path))
			f, err := os.Open(path)
			require.NoError(t, err)
			require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
			jar := session.NewJar()
			require.NoError(t, format.load(jar, path), "nobody waits for a lock")
			assert.Equal(t, "a=1", jar.Header(xURL))
			require.NoError(t, format.save(xJar("b=2"), path), "the file is replaced, not written to")
			require.NoError(t, f.Close())
			require.NoError(t, format.load(jar, path))
			assert.Equal(t, "a=1; b=2", jar.Header(xURL))
		}
	})
}

// xFullDisk saves a jar that the disk has no room for.
func xFullDisk(t *testing.T, dir string, save, load func(*session.Jar, string) error) {
	path := filepath.Join(dir, "jar")
	jar := xJar("a=1")
	require.NoError(t, save(jar, path))
	old, err := os.ReadFile(path)
	require.NoError(t, err)

	check := func(err, want error) {
		t.Helper()
		require.ErrorIs(t, err, want)
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(old), string(now), "the old file is whole")
		assert.Equal(t, []string{"jar"}, xNames(t, dir), "nothing is left behind")
	}
	for i := range 100 {
		jar.SetHeader(xURL, []string{string(rune('b'+i%20)) + strings.Repeat("x", i) + "=" + strings.Repeat("y", 3000)})
	}
	check(save(jar, path), syscall.ENOSPC)
	assert.Equal(t, 101, jar.Len(), "cookies in memory are kept")
	require.NoError(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	check(save(xJar("b=2"), path), syscall.EROFS)
	again := session.NewJar()
	require.NoError(t, load(again, path))
	assert.Equal(t, "a=1", again.Header(xURL))
	require.NoError(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""))
}
