package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// baseline is the sub-benchmark that the others of a benchmark are compared with.
const baseline = "nethttp"

// Units are the measures, as go test names them. The benchmarks of growth
// report the last two themselves.
const (
	unitTime       = "ns/op"
	unitBytes      = "B/op"
	unitAllocs     = "allocs/op"
	unitPerRequest = "ns/request"
	unitHeap       = "heap-B"
)

// samples are the measures of a benchmark: of each unit one for every round.
type samples map[string][]float64

// results are the samples of each benchmark, in the order in which they came.
type results struct {
	Machine string             `json:"machine"` // what they were measured on
	Names   []string           `json:"names"`
	Samples map[string]samples `json:"samples"`
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
		r.Samples[name].add(fields)
	}
}

// introduce makes benchmarks known.
func (r *results) introduce(names ...string) {
	if r.Samples == nil {
		r.Samples = make(map[string]samples)
	}
	for _, name := range names {
		if r.Samples[name] == nil {
			r.Samples[name] = make(samples)
			r.Names = append(r.Names, name)
		}
	}
}

// add adds the measures that the fields of a line give, value by unit.
func (s samples) add(fields []string) {
	for i := 0; i+1 < len(fields); i += 2 {
		if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
			s[fields[i+1]] = append(s[fields[i+1]], value)
		}
	}
}

// of gives the samples of a benchmark in a unit, one for each round.
func (r *results) of(name, unit string) []float64 { return r.Samples[name][unit] }

// median is that of a benchmark's samples; ok is false where there are none.
func (r *results) median(name, unit string) (value float64, ok bool) {
	all := r.of(name, unit)
	if len(all) == 0 {
		return 0, false
	}
	return quantile(all, 0.5), true
}

// split parts the name of a benchmark into what is done and who does it.
func split(name string) (what, who string) {
	slash := strings.LastIndexByte(name, '/')
	if slash < 0 {
		return name, ""
	}
	return name[:slash], name[slash+1:]
}

// peers are those who do something, in the order in which they came.
func (r *results) peers(what string) []string {
	var all []string
	for _, name := range r.Names {
		if its, who := split(name); its == what && who != "" {
			all = append(all, who)
		}
	}
	return all
}

// ratios divides the samples of a benchmark by the baseline's, round by round;
// nil where there is none to divide by.
func (r *results) ratios(name, unit string) []float64 {
	what, who := split(name)
	own, others := r.of(name, unit), r.of(what+"/"+baseline, unit)
	if who == baseline || len(own) != len(others) || slices.Contains(others, 0) {
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

// save keeps the results in a file, as JSON.
func (r *results) save(path string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// load reads what save has written.
func load(path string) (*results, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(results)
	return r, json.Unmarshal(data, r)
}
