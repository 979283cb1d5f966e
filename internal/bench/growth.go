package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A growing is a benchmark of growth, whose sub-benchmarks are named by a number.
type growing struct{ name, of string }

var growings = [...]growing{
	{"GrowthRequests", "requests"},
	{"GrowthGoroutines", "goroutines"},
}

// growers are those who are compared in growth.
var growers = [...]string{baseline, "session"}

// numbers are those that there are results for, in the order in which they came.
func (r *results) numbers(g growing) []int {
	var all []int
	for _, name := range r.Names {
		what, who := split(name)
		number, ok := strings.CutPrefix(what, g.name+"/")
		n, err := strconv.Atoi(number)
		if ok && err == nil && who == growers[0] {
			all = append(all, n)
		}
	}
	return all
}

// nameOf is the benchmark of that number.
func (g growing) nameOf(n int, who string) string {
	return fmt.Sprintf("%s/%d/%s", g.name, n, who)
}

// growthTables are the tables for which there are results.
func (r *results) growthTables() string {
	var tables []string
	for _, g := range growings {
		if len(r.numbers(g)) > 0 {
			tables = append(tables, r.growthTable(g))
		}
	}
	return strings.Join(tables, "\n")
}

// growthTable has one row for each number: time for a request and heap.
func (r *results) growthTable(g growing) string {
	var table strings.Builder
	cells, rule := []string{g.of}, "|--:|"
	for _, measure := range []string{"time per request", "heap after"} {
		for _, who := range growers {
			cells = append(cells, measure+", "+title(who))
			rule += "--:|"
		}
	}
	writeRow(&table, cells)
	table.WriteString(rule + "\n")
	for _, n := range r.numbers(g) {
		cells := []string{whole(float64(n))}
		for _, who := range growers {
			cells = append(cells, r.cell(g.nameOf(n, who), unitPerRequest, duration))
		}
		for _, who := range growers {
			cells = append(cells, r.cell(g.nameOf(n, who), unitHeap, size))
		}
		writeRow(&table, cells)
	}
	return table.String()
}
