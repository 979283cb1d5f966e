package session_test

import (
	"flag"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/exported.txt anew")

// exported is a name that a package exports, or a part of one.
type exported struct {
	line string // as testdata/exported.txt has it
	name string
	doc  bool
}

// exportsOf lists what a package exports. Of methods and fields it lists those
// of exported types.
func exportsOf(t *testing.T, dir string) []exported {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var list []exported
	positions := gotoken.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(positions, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range parsed.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				list = append(list, funcExports(decl)...)
			case *ast.GenDecl:
				list = append(list, declExports(positions, decl)...)
			}
		}
	}
	slices.SortFunc(list, func(a, b exported) int { return strings.Compare(a.line, b.line) })
	return list
}

func funcExports(f *ast.FuncDecl) []exported {
	if !f.Name.IsExported() {
		return nil
	}
	receiver, name := "", f.Name.Name
	if f.Recv != nil {
		of := f.Recv.List[0].Type
		receiver = "(" + types.ExprString(of) + ") "
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if !ast.IsExported(types.ExprString(of)) {
			return nil
		}
		name = types.ExprString(of) + "." + name
	}
	return []exported{{"func " + receiver + f.Name.Name + typeParams(f.Type.TypeParams) + signature(f.Type), name, f.Doc != nil}}
}

// signature is a function's parameters and results.
func signature(f *ast.FuncType) string {
	return strings.TrimPrefix(types.ExprString(&ast.FuncType{Params: f.Params, Results: f.Results}), "func")
}

func typeParams(list *ast.FieldList) string {
	if list == nil {
		return ""
	}
	var params []string
	for _, field := range list.List {
		for _, name := range field.Names {
			params = append(params, name.Name+" "+types.ExprString(field.Type))
		}
	}
	return "[" + strings.Join(params, ", ") + "]"
}

func declExports(positions *gotoken.FileSet, decl *ast.GenDecl) []exported {
	var list []exported
	var of ast.Expr // the type of constants that repeat the line before
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			if spec.Type != nil || spec.Values != nil {
				of = spec.Type
			}
			for _, name := range spec.Names {
				if name.IsExported() {
					line := strings.TrimSpace(decl.Tok.String() + " " + name.Name + " " + exprText(of))
					list = append(list, exported{line, name.Name, decl.Doc != nil || documented(spec.Doc, spec.Comment)})
				}
			}
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				list = append(list, typeExports(positions, spec, documented(decl.Doc, spec.Doc))...)
			}
		}
	}
	return list
}

func exprText(e ast.Expr) string {
	if e == nil {
		return ""
	}
	return types.ExprString(e)
}

// documented reports whether one of the comments is there.
func documented(comments ...*ast.CommentGroup) bool {
	return slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c != nil })
}

func typeExports(positions *gotoken.FileSet, spec *ast.TypeSpec, doc bool) []exported {
	name := spec.Name.Name
	line := "type " + name + typeParams(spec.TypeParams) + " "
	if spec.Assign.IsValid() {
		line += "= "
	}
	switch of := spec.Type.(type) {
	case *ast.StructType:
		return append([]exported{{line + "struct", name, doc}}, fieldExports(positions, name, "field", of.Fields)...)
	case *ast.InterfaceType:
		return append([]exported{{line + "interface", name, doc}}, fieldExports(positions, name, "method", of.Methods)...)
	}
	return []exported{{line + types.ExprString(spec.Type), name, doc}}
}

// fieldExports lists fields of a struct or methods of an interface. One comment
// serves for those that stand together, without an empty line between them.
func fieldExports(positions *gotoken.FileSet, of, what string, fields *ast.FieldList) []exported {
	var list []exported
	group, groupDoc, end := 0, false, 0
	for _, field := range fields.List {
		start := positions.Position(field.Pos()).Line
		if field.Doc != nil {
			start = positions.Position(field.Doc.Pos()).Line
		}
		if start > end+1 {
			group, groupDoc = len(list), false
		}
		end = positions.Position(field.End()).Line
		groupDoc = groupDoc || documented(field.Doc, field.Comment)
		list = append(list, fieldNames(of, what, field)...)
		for i := group; i < len(list); i++ {
			list[i].doc = list[i].doc || groupDoc
		}
	}
	return list
}

func fieldNames(of, what string, field *ast.Field) []exported {
	text := types.ExprString(field.Type)
	if method, ok := field.Type.(*ast.FuncType); ok && what == "method" {
		text = signature(method)
	} else {
		text = " " + text
	}
	var list []exported
	for _, name := range field.Names {
		switch {
		case name.IsExported():
			list = append(list, exported{line: what + " " + of + "." + name.Name + text, name: of + "." + name.Name})
		case what == "method": // nobody else can implement the interface
			list = append(list, exported{line: what + " " + of + " unexported", name: of + "." + name.Name, doc: true})
		}
	}
	if field.Names == nil { // its own comment serves
		list = append(list, exported{line: what + " " + of + " embeds" + text, name: of + "." + text, doc: true})
	}
	return list
}

// A change of what is exported shows in the golden file:
// go test -run TestExportedNames -update .
func TestExportedNames(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, e := range exportsOf(t, ".") {
		got.WriteString(e.line + "\n")
	}
	golden := filepath.Join("testdata", "exported.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	before, now := strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")
	without := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(line string) bool { return slices.Contains(other, line) })
	}
	assert.Empty(t, without(before, now), "gone; if this is meant, run the test with -update")
	assert.Empty(t, without(now, before), "new; if this is meant, run the test with -update")
}

func TestExportedNamesHaveDocComments(t *testing.T) {
	t.Parallel()
	dirs := []string{"."}
	require.NoError(t, filepath.WalkDir("internal", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	}))
	for _, dir := range dirs {
		for _, e := range exportsOf(t, dir) {
			if part := strings.Contains(e.name, ".") && !strings.HasPrefix(e.line, "func"); part && dir != "." {
				continue // of what no user sees the type's own comment may do
			}
			assert.True(t, e.doc, "%s: %s has no doc comment", dir, e.name)
		}
	}
}
