package security

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// sections are those of the page, each from its first row to the next one's.
var sections = []struct {
	first int
	title string
}{
	{1, "Redirects and credentials"},
	{38, "Cookies"},
	{59, "What the client writes"},
	{77, "What the server sends"},
	{101, "Decompression"},
	{107, "TLS, proxies, connections"},
	{lastRow + 1, ""},
}

const introduction = `# Security tests

<!-- Written by go test ./internal/security -run TestPage -update -->

Classes of vulnerability that HTTP clients are known to have had, and the test that shows for each what this library does about it. Each test has a server of its own on loopback and checks what is on the wire, in the error or in the jar. To run one:

` + "```sh\ngo test ./internal/security -run NAME     # a class\ngo test ./internal/faultserver -run NAME  # a fault, or a known limit of one\n```" + `

"By the library", "by net/http" and "by both" say where the protection is. What a test cannot show to be prevented stands under [Known limits](#known-limits), what has no place to happen under [Not applicable](#not-applicable).
`

// Check returns an error that lists the classes of which nothing is said, those
// that are said not to apply and are tested all the same, and those that do not
// apply for no reason.
func (p *Page) Check() error {
	var missing, both, unreasoned []int
	for row := 1; row <= lastRow; row++ {
		tested := slices.ContainsFunc(slices.Concat(p.tests, p.limits), func(t test) bool { return slices.Contains(t.rows, row) })
		i := slices.IndexFunc(p.entries, func(e entry) bool { return e.Row == row })
		switch {
		case !tested && i < 0:
			missing = append(missing, row)
		case tested && i >= 0:
			both = append(both, row)
		case i >= 0 && (p.entries[i].Why == "" || p.entries[i].Flaw == ""):
			unreasoned = append(unreasoned, row)
		}
	}
	return errors.Join(
		rowsError("no test, nor a reason why they do not apply", missing),
		rowsError("both tested and said not to apply", both),
		rowsError("said not to apply, without a flaw or a reason", unreasoned),
	)
}

func rowsError(what string, rows []int) error {
	if len(rows) == 0 {
		return nil
	}
	return fmt.Errorf("%d rows have %s: %v", len(rows), what, rows)
}

// Markdown is the text of docs/security.md.
func (p *Page) Markdown() string {
	var b strings.Builder
	b.WriteString(introduction)
	for i, section := range sections[:len(sections)-1] {
		heading(&b, section.title, "Row", "Known cases", "Flaw", "What is done", "Test")
		for _, t := range p.tests {
			if section.first <= t.rows[0] && t.rows[0] < sections[i+1].first {
				line(&b, numbers(t.rows), text(t.ids), text(t.flaw), text(t.done), link(t.name, t.file))
			}
		}
	}
	heading(&b, "Not applicable", "Row", "Known cases", "Flaw", "Why not")
	for _, e := range p.entries {
		line(&b, numbers([]int{e.Row}), text(e.IDs), text(e.Flaw), text(e.Why))
	}
	heading(&b, "Known limits", "Row or case", "Known cases", "Flaw", "What is done", "Limit", "Test")
	for _, t := range p.limits {
		line(&b, numbers(t.rows, t.cases...), text(t.ids), text(t.flaw), text(t.done), text(t.limit), link(t.name, t.file))
	}
	heading(&b, "Faults", "Case", "What is injected", "Test")
	for _, f := range p.faults {
		line(&b, f.id, text(f.name), link(path.Base(f.file), f.file))
	}
	return b.String()
}

// heading begins a table.
func heading(b *strings.Builder, title string, columns ...string) {
	fmt.Fprintf(b, "\n## %s\n\n", title)
	line(b, columns...)
	line(b, slices.Repeat([]string{"---"}, len(columns))...)
}

func line(b *strings.Builder, cells ...string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// numbers lists classes and cases.
func numbers(rows []int, cases ...string) string {
	var list []string
	for _, row := range rows {
		list = append(list, strconv.Itoa(row))
	}
	return strings.Join(append(list, cases...), ", ")
}

// markdown has what Markdown would take as its own stand for itself.
var markdown = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "<", "&lt;", "[", `\[`, "`", "\\`", "@", "&#64;", "~", `\~`)

func text(s string) string {
	if s == "" {
		return "–"
	}
	return markdown.Replace(s)
}

// link is a link from docs to a file.
func link(name, file string) string { return fmt.Sprintf("[%s](../%s)", text(name), file) }
