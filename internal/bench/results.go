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

// samples are the measures of a benchmark, of each unit one for every run.
type samples [len(units)][]float64

// results are the samples of each benchmark, in the order in which they came.
type results struct {
	names   []string
	samples map[string]*samples
}

// line is a result as go test prints it: a name, without the number of
// processors behind it, and pairs of value and unit.
var line = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// add reads the output of one run; the last result of a benchmark counts.
func (r *results) add(out io.Reader) {
	last := make(map[string][]string)
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if match := line.FindStringSubmatch(scanner.Text()); match != nil {
			r.introduce(match[1])
			last[match[1]] = strings.Fields(match[2])
		}
	}
	for name, fields := range last {
		r.samples[name].add(fields)
	}
}

// introduce makes a benchmark known.
func (r *results) introduce(name string) {
	if r.samples == nil {
		r.samples = make(map[string]*samples)
	}
	if r.samples[name] == nil {
		r.samples[name] = new(samples)
		r.names = append(r.names, name)
	}
}

// add adds the measures that the fields of a line give, value by unit.
func (s *samples) add(fields []string) {
	for i := 0; i+1 < len(fields); i += 2 {
		unit := slices.Index(units[:], fields[i+1])
		value, err := strconv.ParseFloat(fields[i], 64)
		if unit >= 0 && err == nil {
			s[unit] = append(s[unit], value)
		}
	}
}

// of gives the samples of a benchmark in a unit, one for each round.
func (r *results) of(name string, unit int) []float64 {
	if r.samples[name] == nil {
		return nil
	}
	return r.samples[name][unit]
}

// ratios divides the samples of a benchmark by those of another, round by round;
// nil where there are none to divide by.
func (r *results) ratios(name, to string, unit int) []float64 {
	own, others := r.of(name, unit), r.of(to, unit)
	if name == to || len(own) != len(others) || slices.Contains(others, 0) {
		return nil
	}
	ratios := make([]float64, len(own))
	for i, other := range others {
		ratios[i] = own[i] / other
	}
	return ratios
}

// quantile is the sample below which a share of all lie, between two samples
// where it falls between them; samples are not empty.
func quantile(samples []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	at := share * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// writeTable prints one row for each benchmark: medians, and the medians of the
// ratios to the baseline, that of time with its quartiles.
func (r *results) writeTable(w io.Writer) error {
	var table strings.Builder
	table.WriteString("| benchmark | | ns/op | B/op | allocs/op | time | quartiles | bytes | allocs |\n")
	table.WriteString("|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, name := range r.names {
		what, who := name, ""
		if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
			what, who = name[:slash], name[slash+1:]
		}
		cells := []string{what, who}
		for unit := range units {
			cells = append(cells, format(r.of(name, unit), "%.0f", 0.5))
		}
		for unit := range units {
			ratios := r.ratios(name, what+"/"+baseline, unit)
			cells = append(cells, format(ratios, "%.2f", 0.5))
			if unit == 0 {
				cells = append(cells, format(ratios, "%.2f–%.2f", 0.25, 0.75))
			}
		}
		fmt.Fprintf(&table, "| %s |\n", strings.Join(cells, " | "))
	}
	_, err := io.WriteString(w, table.String())
	return err
}

// format writes quantiles of samples; "" where there are none.
func format(samples []float64, verbs string, shares ...float64) string {
	if len(samples) == 0 {
		return ""
	}
	values := make([]any, len(shares))
	for i, share := range shares {
		values[i] = quantile(samples, share)
	}
	return fmt.Sprintf(verbs, values...)
}
