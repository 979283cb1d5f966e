package session_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

func TestSaveWritesTheWholeBodyOrNothing(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("0123456789", 100_000)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(gzipped(content))
		case "/broken":
			w.Header().Set("Content-Length", "2000000")
			_, _ = io.WriteString(w, content)
		default:
			_, _ = io.WriteString(w, content)
		}
	})
	s := open(t, srv)
	for _, streamed := range []bool{false, true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "f")
		for _, url := range []string{"http://a.test/", "http://a.test/gzip"} {
			require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
			resp, err := s.Get(t.Context(), url, session.Stream(streamed))
			require.NoError(t, err)
			n, err := resp.Save(path)
			require.NoError(t, err)
			assert.EqualValues(t, len(content), n)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, content, string(got))
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode())
		}
		resp, err := s.Get(t.Context(), "http://a.test/broken", session.Stream(true))
		require.NoError(t, err)
		n, err := resp.Save(path)
		require.ErrorIs(t, err, session.ErrIncompleteBody)
		assert.Zero(t, n)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, content, string(got), "the old file stays")
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Len(t, entries, 1, "and nothing else is left")
	}
	resp, err := s.Get(t.Context(), "http://a.test/", session.Stream(true))
	require.NoError(t, err)
	_, err = resp.Save(filepath.Join(t.TempDir(), "missing", "f"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
