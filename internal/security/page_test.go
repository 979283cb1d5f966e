package security_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/security"
)

var update = flag.Bool("update", false, "write docs/security.md")

const root = "../.."

func load(t *testing.T) *security.Page {
	t.Helper()
	page, err := security.Load(os.DirFS(root))
	require.NoError(t, err)
	return page
}

func TestPageIsCurrent(t *testing.T) {
	t.Parallel()
	file := filepath.Join(root, "docs", "security.md")
	want := load(t).Markdown()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	if string(got) != want {
		t.Errorf("%s is not current; go test ./internal/security -run TestPage -update writes it", file)
	}
}

func TestPageSaysSomethingOfEachRow(t *testing.T) {
	t.Parallel()
	require.NoError(t, load(t).Check())
}

// source is a module that has a test with a comment.
func source(comment, name string) fstest.MapFS {
	return fstest.MapFS{"internal/security/x_test.go": {Data: []byte(
		"package x\n\n" + comment + "\nfunc " + name + "(t *testing.T) {}\n",
	)}}
}

const (
	wellFormed = "// Row: 5, 6\n// IDs: CVE-2018-18074 (requests)\n// Flaw: a|b\n// goes on.\n// Done: c, by both.\n//\n// More: text."
	wellNamed  = "TestCVE_2018_18074_Words"
)

func TestPageReadsComments(t *testing.T) {
	t.Parallel()
	page, err := security.Load(source(wellFormed, wellNamed))
	require.NoError(t, err)
	assert.Contains(t, page.Markdown(),
		`| 5, 6 | CVE-2018-18074 (requests) | a\|b goes on. | c, by both. | [TestCVE\_2018\_18074\_Words](../internal/security/x_test.go) |`)
	assert.ErrorContains(t, page.Check(), "nor a reason why they do not apply: [1 2 3 4 7 ")
}

func TestPageReadsKnownLimitsAndFaults(t *testing.T) {
	t.Parallel()
	files := source("// Row: F51\n// IDs: none\n// Flaw: f.\n// Done: by net/http\n// Limit: l.", "TestKnownLimit_Words")
	files["internal/faultserver/y_test.go"] = &fstest.MapFile{Data: []byte(
		"package y\n\nfunc TestFaults(t *testing.T) { use(\"F100_b_c\", `F99 %d_%s a`, \"F98_a_\"+x, \"F9\", \"F99_%d a\") }\n",
	)}
	page, err := security.Load(files)
	require.NoError(t, err)
	assert.Contains(t, page.Markdown(), `| F51 | – | f. | by net/http | l. | [TestKnownLimit\_Words](../internal/security/x_test.go) |`)
	assert.Contains(t, page.Markdown(), "| F98 | a … | [y\\_test.go](../internal/faultserver/y_test.go) |\n"+
		"| F99 | … a | [y\\_test.go](../internal/faultserver/y_test.go) |\n"+
		"| F100 | b c | [y\\_test.go](../internal/faultserver/y_test.go) |\n")
}

func TestPageRefusesOtherForms(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ comment, name, message string }{
		{wellFormed, "TestWords", "the name is not of the form"},
		{wellFormed, "TestCVE_2018_18074", "the name is not of the form"},
		{wellFormed, "TestCVE_2018_18075_Words", "the IDs lack the one in the name"},
		{wellFormed, "TestKnownLimit_Words", "the comment has no key Limit"},
		{"// Row: 5\n// IDs:\n// Flaw: f.", wellNamed, "the comment has no key Done"},
		{"// Words does.", "TestClass_Words", "the comment has no key Row"},
		{"// Row: 128\n// IDs:\n// Flaw: f.\n// Done: by both", "TestClass_Words", "the Row is not numbers from 1 to 127"},
		{"// Row: 5\n// IDs:\n// Flaw: f.\n// Done: nothing", "TestClass_Words", "Done does not end with"},
		{"// Row: 5\n// IDs:\n// Flaw:\n// Done: by both", "TestClass_Words", "a key (Flaw, Done or Limit) is empty"},
		{"// Row: F07\n// IDs:\n// Flaw: f.\n// Done: by both", "TestClass_Words", "it tests no row"},
	} {
		_, err := security.Load(source(tc.comment, tc.name))
		assert.ErrorContains(t, err, "internal/security/x_test.go: "+tc.name+": ")
		assert.ErrorContains(t, err, tc.message)
	}
}
