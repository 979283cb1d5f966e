package session_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The Go code of the README is code of the Examples, which are run.
func TestCodeOfTheREADMEIsRun(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, blocks)
	examples := exampleCode(t)
	for _, block := range blocks {
		code := block[1]
		found := strings.Contains(examples, "\n"+code) || strings.Contains(examples, "\n"+indented(code))
		assert.True(t, found, "no Example has this code:\n%s", code)
	}
}

// exampleCode is the source of all Examples.
func exampleCode(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("example_*test.go")
	require.NoError(t, err)
	var code strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		code.Write(source)
	}
	return code.String()
}

// indented is code as it stands in a function.
func indented(code string) string {
	return regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(code, "\t$1")
}
