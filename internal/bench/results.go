package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// baseline is the sub-benchmark that the others of a benchmark are compared with.
const baseline = "nethttp"

// units are the measures that the table shows, as go test names them.
var units = [...]string{"ns/op", "B/op", "allocs/op"}

// results are the samples of each benchmark, in the order in which they came.
type results struct {
	names   []string
	samples map[string]*[len(units)][]float64
}

// line is a result as go test prints it: a name, without the number of
// processors behind it, and pairs of value and unit.
var line = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// add reads the output of one round.
func (r *results) add(out io.Reader) {
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if match := line.FindStringSubmatch(scanner.Text()); match != nil {
			r.addLine(match[1], strings.Fields(match[2]))
		}
	}
}

func (r *results) addLine(name string, fields []string) {
	if r.samples == nil {
		r.samples = make(map[string]*[len(units)][]float64)
	}
	if r.samples[name] == nil {
		r.samples[name] = new([len(units)][]float64)
		r.names = append(r.names, name)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		unit := slices.Index(units[:], fields[i+1])
		value, err := strconv.ParseFloat(fields[i], 64)
		if unit >= 0 && err == nil {
			r.samples[name][unit] = append(r.samples[name][unit], value)
		}
	}
}

// median is the middle sample of a benchmark in a unit; false where it has none.
func (r *results) median(name string, unit int) (float64, bool) {
	of := r.samples[name]
	if of == nil || len(of[unit]) == 0 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(of[unit]))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2, true
	}
	return sorted[middle], true
}

// writeTable prints one row for each benchmark.
func (r *results) writeTable(w io.Writer) error {
	var table strings.Builder
	table.WriteString("| benchmark | | ns/op | B/op | allocs/op | time | bytes | allocs |\n")
	table.WriteString("|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, name := range r.names {
		what, who := name, ""
		if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
			what, who = name[:slash], name[slash+1:]
		}
		fmt.Fprintf(&table, "| %s | %s |", what, who)
		for unit := range units {
			median, _ := r.median(name, unit)
			fmt.Fprintf(&table, " %.0f |", median)
		}
		for unit := range units {
			fmt.Fprintf(&table, " %s |", r.ratio(name, what+"/"+baseline, unit))
		}
		table.WriteByte('\n')
	}
	_, err := io.WriteString(w, table.String())
	return err
}

// ratio is a benchmark's median divided by that of another; "" where there is none.
func (r *results) ratio(name, to string, unit int) string {
	own, ok := r.median(name, unit)
	other, known := r.median(to, unit)
	if !ok || !known || other == 0 || name == to {
		return ""
	}
	return fmt.Sprintf("%.2f", own/other)
}
