package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTextGoesBetweenMarkers(t *testing.T) {
	t.Parallel()
	const document = "a\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nb\n"
	got, ok := between(document, "bench", "new\n")
	assert.True(t, ok)
	assert.Equal(t, "a\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nb\n", got)

	for _, without := range []string{"", "a", "<!-- bench:begin -->", "<!-- bench:end --><!-- bench:begin -->"} {
		got, ok := between(without, "bench", "new")
		assert.False(t, ok)
		assert.Equal(t, without, got)
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	folder, project := t.TempDir(), t.TempDir()
	own, root := filepath.Join(folder, "README.md"), filepath.Join(project, "README.md")
	markers := "# Title\n<!-- bench:begin -->\n<!-- bench:end -->\n"
	require.NoError(t, os.WriteFile(own, []byte(markers+"<!-- growth:begin -->\n<!-- growth:end -->\nend\n"), 0o600))
	require.NoError(t, os.WriteFile(root, []byte(markers), 0o600))

	r := measured()
	for range 2 { // the second time replaces what the first has written
		require.NoError(t, r.publish(folder, project))
	}
	assert.Equal(t, "# Title\n<!-- bench:begin -->\na machine; medians of 3 rounds.\n\n"+r.table()+"<!-- bench:end -->\n"+
		"<!-- growth:begin -->\n"+r.growthTables()+"<!-- growth:end -->\nend\n", read(t, own))
	assert.Equal(t, "# Title\n<!-- bench:begin -->\n"+r.shortTable()+"\n× is the ratio to net/http's. a machine; medians of 3 rounds.\n<!-- bench:end -->\n", read(t, root))
	for _, text := range []string{"session", "0.70", "Call: allocations"} {
		assert.Contains(t, read(t, filepath.Join(folder, callChart)), text)
	}
	assert.Contains(t, read(t, filepath.Join(folder, growthChart)), "requests")
	for _, chart := range []string{callChart, growthChart} {
		wellFormed(t, read(t, filepath.Join(folder, chart)))
	}
}

func TestPublishWithoutMarkers(t *testing.T) {
	t.Parallel()
	folder, project := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "README.md"), []byte("none\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(project, "README.md"), []byte("none\n"), 0o600))
	assert.ErrorContains(t, measured().publish(folder, project), "bench:begin")
	assert.Equal(t, "none\n", read(t, filepath.Join(project, "README.md")))
	assert.NoError(t, new(results).publish(folder, project), "there is nothing to write")
}

func TestNothingIsNotDrawn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.svg")
	assert.ErrorIs(t, new(results).drawCalls(path), errNothingToDraw)
	assert.ErrorIs(t, new(results).drawGrowth(path), errNothingToDraw)
	assert.NoFileExists(t, path)
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}
