package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// titles are the names of peers where these are not their own.
var titles = map[string]string{
	baseline:          "net/http",
	"nethttp-decoder": "net/http (Decoder)",
	"transport":       "http.Transport",
	"transport-call":  "http.Transport by hand",
	"resty2":          "resty v2",
	"resty3":          "resty v3",
	"retryablehttp":   "go-retryablehttp",
	"python-requests": "Python requests",
}

func title(who string) string {
	if title, ok := titles[who]; ok {
		return title
	}
	return who
}

// report is all tables for which there are results.
func (r *results) report() string {
	var parts []string
	for _, part := range []string{r.origin() + "\n", r.table(), r.growthTables()} {
		if strings.TrimSpace(part) != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "\n")
}

// origin says what was measured on, and in how many rounds.
func (r *results) origin() string {
	rounds := 0
	for _, samples := range r.Samples {
		rounds = max(rounds, len(samples[unitTime]))
	}
	if rounds == 0 {
		return ""
	}
	if rounds == 1 {
		return r.Machine + "; one round."
	}
	return fmt.Sprintf("%s; medians of %d rounds.", r.Machine, rounds)
}

// table has one row for each benchmark but those of growth: medians, and the
// medians of the ratios to the baseline, that of time with its quartiles.
func (r *results) table() string {
	var table strings.Builder
	table.WriteString("| benchmark | | time | bytes | allocs | time, ratio | quartiles | bytes, ratio | allocs, ratio |\n")
	table.WriteString("|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	rows := 0
	for _, name := range r.ordered() {
		if !growth.has(name) {
			writeRow(&table, r.row(name))
			rows++
		}
	}
	if rows == 0 {
		return ""
	}
	return table.String() + r.remarks()
}

// ordered are the benchmarks in the order of the table: the calls come first.
func (r *results) ordered() []string {
	rank := func(name string) int {
		what, _ := split(name)
		if i := slices.Index(calls[:], what); i >= 0 {
			return i
		}
		return len(calls)
	}
	return slices.SortedStableFunc(slices.Values(r.Names), func(a, b string) int { return rank(a) - rank(b) })
}

// row is the cells of a benchmark.
func (r *results) row(name string) []string {
	what, who := split(name)
	return []string{
		what, title(who),
		r.cell(name, unitTime, duration), r.cell(name, unitBytes, size), r.cell(name, unitAllocs, whole),
		ratio(r.ratios(name, unitTime), 0.5),
		ratio(r.ratios(name, unitTime), 0.25, 0.75),
		ratio(r.ratios(name, unitBytes), 0.5),
		ratio(r.ratios(name, unitAllocs), 0.5),
	}
}

// remarks say which peer of the calls has no row.
func (r *results) remarks() string {
	const what, python = "LoopbackCall", "python-requests"
	if len(r.peers(what)) > 0 && r.Samples[what+"/"+python] == nil {
		return "\nThere is no row of " + title(python) + ": it was not asked for, or python3 or its package is missing.\n"
	}
	return ""
}

// cell is the median of a benchmark, written by format; "" where there is none.
func (r *results) cell(name, unit string, format func(float64) string) string {
	value, ok := r.median(name, unit)
	if !ok {
		return ""
	}
	return format(value)
}

// shortTable compares the peers in the benchmarks of the call alone: by rows
// those who make it, net/http's with its measures and all others with their
// ratios to these.
func (r *results) shortTable() string {
	var table strings.Builder
	table.WriteString("| |")
	for _, what := range calls {
		fmt.Fprintf(&table, " %s, time | allocs |", what)
	}
	table.WriteString("\n|---|" + strings.Repeat("--:|", 2*len(calls)) + "\n")
	for _, who := range r.callers() {
		cells := []string{title(who)}
		for _, what := range calls {
			cells = append(cells, r.compared(what+"/"+who, unitTime, duration), r.compared(what+"/"+who, unitAllocs, whole))
		}
		writeRow(&table, cells)
	}
	return table.String()
}

// calls are the benchmarks of the call.
var calls = [...]string{"Call", "LoopbackCall", "Parallel"}

// callers are those who make the call, in the order in which they came.
func (r *results) callers() []string {
	var all []string
	seen := make(map[string]bool)
	for _, what := range calls {
		for _, who := range r.peers(what) {
			if !seen[who] {
				seen[who] = true
				all = append(all, who)
			}
		}
	}
	return all
}

// compared is the ratio of a benchmark to the baseline; the baseline's own
// median, written by format; "" where there is neither.
func (r *results) compared(name, unit string, format func(float64) string) string {
	if _, who := split(name); who == baseline {
		return r.cell(name, unit, format)
	}
	if text := ratio(r.ratios(name, unit), 0.5); text != "" {
		return "× " + text
	}
	return ""
}

func writeRow(table *strings.Builder, cells []string) {
	fmt.Fprintf(table, "| %s |\n", strings.Join(cells, " | "))
}

// ratio writes quantiles of ratios; "" where there are none.
func ratio(ratios []float64, shares ...float64) string {
	if len(ratios) == 0 {
		return ""
	}
	var texts []string
	for _, share := range shares {
		texts = append(texts, fmt.Sprintf("%.2f", quantile(ratios, share)))
	}
	return strings.Join(texts, "–")
}

// duration writes nanoseconds with three digits.
func duration(ns float64) string { return scaled(ns, 1e3, "ns", "µs", "ms", "s") }

// size writes bytes: all digits of less than ten thousand, else three.
func size(bytes float64) string {
	if bytes < 10_000 {
		return whole(bytes) + " B"
	}
	return scaled(bytes, 1e3, "B", "kB", "MB", "GB")
}

// whole writes a number, its thousands parted by commas.
func whole(n float64) string {
	digits := strconv.FormatFloat(n, 'f', 0, 64)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// scaled writes a value with three digits, in the largest unit that it has one
// of; each unit is step times the one before.
func scaled(value, step float64, units ...string) string {
	i := 0
	for ; i < len(units)-1 && value >= step; i++ {
		value /= step
	}
	decimals := 2
	for limit := 10.0; decimals > 0 && value >= limit; limit *= 10 {
		decimals--
	}
	if i == 0 && value >= 10 {
		decimals = 0
	}
	return strconv.FormatFloat(value, 'f', decimals, 64) + " " + units[i]
}
