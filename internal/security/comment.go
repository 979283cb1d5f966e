package security

import (
	"errors"
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// nameForm is that of a test's name: an identifier or Class, and words.
var nameForm = regexp.MustCompile(`^Test(CVE_[0-9]{4}_[0-9]{4,}|GHSA(_[0-9a-z]{4}){3}|(GO|RUSTSEC)_[0-9]{4}_[0-9]{4}|Class|KnownLimit)_[0-9A-Z]`)

// doneForm is the end of what is done: who protects.
var doneForm = regexp.MustCompile(`\bby (the library|net/http|both)\.?$`)

// describe reads the comment of a test.
func describe(f *ast.FuncDecl) (t test, err error) {
	t.name = f.Name.Name
	name := nameForm.FindStringSubmatch(t.name)
	if name == nil {
		return t, errors.New("the name is not of the form that the package's comment describes")
	}
	values := keys(f.Doc.Text())
	isLimit := strings.HasPrefix(t.name, limitPrefix)
	for _, key := range commentKeys {
		if _, ok := values[key]; !ok && (key != "Limit" || isLimit) {
			return t, fmt.Errorf("the comment has no key %s", key)
		}
	}
	t.ids, t.flaw, t.done, t.limit = values["IDs"], values["Flaw"], values["Done"], values["Limit"]
	t.rows, t.cases, err = rows(values["Row"])
	switch {
	case err != nil:
		return t, err
	case len(t.rows) == 0 && !isLimit:
		return t, errors.New("it tests no row")
	case t.flaw == "" || !doneForm.MatchString(t.done) || isLimit != (t.limit != ""):
		return t, errors.New(`a key (Flaw, Done or Limit) is empty, or Done does not end with "by the library", "by net/http" or "by both"`)
	case !strings.Contains(t.ids, strings.ReplaceAll(name[1], "_", "-")) && name[1] != "Class" && !isLimit:
		return t, errors.New("the IDs lack the one in the name")
	}
	return t, nil
}

var commentKeys = []string{"Row", "IDs", "Flaw", "Done", "Limit"}

// keys reads the values of "Key: value", which go on to the next key or to an
// empty line. "none" is no value.
func keys(comment string) map[string]string {
	values := make(map[string]string)
	current := ""
	for line := range strings.Lines(comment) {
		key, rest, found := strings.Cut(line, ":")
		switch {
		case found && slices.Contains(commentKeys, key):
			current, line = key, rest
		case strings.TrimSpace(line) == "":
			current = ""
		}
		if current != "" {
			values[current] = strings.Join(strings.Fields(values[current]+" "+line), " ")
		}
	}
	for key, value := range values {
		if value == "none" {
			values[key] = ""
		}
	}
	return values
}

// rows reads numbers of classes and cases of the fault matrix, "5, 6, F51".
func rows(text string) (rows []int, cases []string, err error) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if isFault.MatchString(part) {
			cases = append(cases, part)
			continue
		}
		row, err := strconv.Atoi(part)
		if err != nil || row < 1 || row > lastRow {
			return nil, nil, fmt.Errorf("the Row is not numbers from 1 to %d, with commas", lastRow)
		}
		rows = append(rows, row)
	}
	return rows, cases, nil
}

var isFault = regexp.MustCompile(`^F[0-9]{2,3}$`)
