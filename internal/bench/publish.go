package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// publish writes tables and charts into the folder of the benchmarks, whose
// README has markers for them, and a short table into the README of the project
// where that has any. What there are no results for stays as it is.
func (r *results) publish(folder, project string) error {
	own, root := filepath.Join(folder, "README.md"), filepath.Join(project, "README.md")
	if len(r.callers()) > 0 {
		if err := r.drawCalls(filepath.Join(folder, callChart)); err != nil {
			return err
		}
		if err := insert(root, "bench", r.shortTable()+"\n× is the ratio to net/http's. "+r.origin()); err != nil {
			fmt.Fprintln(os.Stderr, "bench: left out:", err)
		}
	}
	if table := r.table(); table != "" {
		if err := insert(own, "bench", r.origin()+"\n\n"+table); err != nil {
			return err
		}
	}
	table := r.growthTables()
	if table == "" {
		return nil
	}
	if err := r.drawGrowth(filepath.Join(folder, growthChart)); err != nil {
		return err
	}
	return insert(own, "growth", table)
}

// insert puts text between the markers of that name in a file.
func insert(path, name, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed, ok := between(string(old), name, text)
	if !ok {
		return fmt.Errorf("%s has no markers <!-- %s:begin --> and <!-- %[2]s:end -->", path, name)
	}
	return os.WriteFile(path, []byte(changed), 0o644)
}

// between puts text in the place of what stands between the markers of that name.
func between(document, name, text string) (changed string, ok bool) {
	begin, end := "<!-- "+name+":begin -->", "<!-- "+name+":end -->"
	before, rest, found := strings.Cut(document, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return document, false
	}
	return before + begin + "\n" + strings.TrimSpace(text) + "\n" + end + after, true
}
