package security

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// lastRow is the number of the last class.
const lastRow = 127

const (
	testFolder  = "internal/security"
	faultFolder = "internal/faultserver"
	limitPrefix = "TestKnownLimit_"
)

// A test is a test function, as its comment describes it.
type test struct {
	name  string
	file  string   // its path from the root of the module
	rows  []int    // the classes it tests; empty where it is about faults alone
	cases []string // those of the fault matrix that it is about
	ids   string   // identifiers of known cases; may be empty
	flaw  string   // what goes wrong elsewhere
	done  string   // what is done about it, and by whom
	limit string   // what cannot be done, of a known limit alone
}

// A fault is a case of the fault matrix: a subtest.
type fault struct {
	id, name string
	file     string
}

// Page is what docs/security.md shows. It does not change once it is loaded.
type Page struct {
	tests, limits []test
	entries       []entry
	faults        []fault
}

// Load reads the comments of the tests in internal/security and the known limits
// and the names of subtests in internal/faultserver; root is the root of the
// module. The error lists all comments and names that are not of the form which
// the package's comment describes.
func Load(root fs.FS) (*Page, error) {
	p := &Page{entries: slices.Clone(notApplicable)}
	err := errors.Join(
		eachTestFile(root, testFolder, p.addTests),
		eachTestFile(root, faultFolder, p.addFaults),
	)
	slices.SortStableFunc(p.tests, compareTests)
	slices.SortStableFunc(p.limits, compareTests)
	slices.SortStableFunc(p.entries, func(a, b entry) int { return a.Row - b.Row })
	slices.SortFunc(p.faults, compareFaults)
	p.faults = slices.CompactFunc(p.faults, func(a, b fault) bool { return a.id == b.id && a.name == b.name })
	if err != nil {
		return nil, err
	}
	return p, nil
}

// eachTestFile gives each test file of a folder to visit, and joins its errors.
func eachTestFile(root fs.FS, folder string, visit func(file string, parsed *ast.File) error) error {
	files, err := fs.Glob(root, folder+"/*_test.go")
	if err != nil {
		return err
	}
	var faults []error
	for _, file := range files {
		source, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		faults = append(faults, visit(file, parsed))
	}
	return errors.Join(faults...)
}

// testsOf lists the test functions of a file.
func testsOf(parsed *ast.File) (tests []*ast.FuncDecl) {
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" {
			tests = append(tests, f)
		}
	}
	return tests
}

func (p *Page) addTests(file string, parsed *ast.File) error {
	if path.Base(file) == "page_test.go" {
		return nil // it tests the page
	}
	var faults []error
	for _, f := range testsOf(parsed) {
		faults = append(faults, p.add(file, f))
	}
	return errors.Join(faults...)
}

// add adds a test of a class, or a known limit.
func (p *Page) add(file string, f *ast.FuncDecl) error {
	t, err := describe(f)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", file, f.Name.Name, err)
	}
	t.file = file
	if t.limit != "" {
		p.limits = append(p.limits, t)
	} else {
		p.tests = append(p.tests, t)
	}
	return nil
}

// addFaults adds the known limits of a file, and the cases it names.
func (p *Page) addFaults(file string, parsed *ast.File) error {
	var faults []error
	for _, f := range testsOf(parsed) {
		if strings.HasPrefix(f.Name.Name, limitPrefix) {
			faults = append(faults, p.add(file, f))
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if m := faultForm.FindStringSubmatch(literal.Value); m != nil {
				p.faults = append(p.faults, fault{m[1], faultName(m[2]), file})
			}
		}
		return true
	})
	return errors.Join(faults...)
}

// faultForm is a subtest's name, as "F07_close_before_any_byte", in quotes.
var faultForm = regexp.MustCompile("^[\"`](F[0-9]{2,3})[_ ](.*)[\"`]$")

// faultName is what a subtest's name says, "…" for what is put in when it runs.
func faultName(s string) string {
	if s == "" || strings.HasSuffix(s, "_") {
		s += "…"
	}
	return strings.ReplaceAll(variable.ReplaceAllString(s, "…"), "_", " ")
}

var variable = regexp.MustCompile("%[a-z](_%[a-z])*")

// compareTests compares by class, and behind all classes by fault.
func compareTests(a, b test) int {
	if (len(a.rows) == 0) != (len(b.rows) == 0) {
		return len(b.rows) - len(a.rows)
	}
	return cmp.Or(slices.Compare(a.rows, b.rows), slices.CompareFunc(a.cases, b.cases, compareCases))
}

func compareFaults(a, b fault) int {
	return cmp.Or(compareCases(a.id, b.id), strings.Compare(a.name, b.name))
}

// compareCases compares by number, F99 before F100.
func compareCases(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) }
