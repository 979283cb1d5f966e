// Command bench measures a session beside net/http and other clients, and
// prints the medians as Markdown tables, with their ratios to net/http's. What
// it has measured it can also keep as JSON, draw, and write into the READMEs.
//
//	go run . [-bench regexp] [-count n] [-benchtime d]   the short benchmarks
//	go run . -large                                      those with bodies of 1 GiB
//	go run . -growth                                     from 1 to 1,000,000 requests; growth.svg too
//	go run . -write                                      all of these, into the READMEs and their charts
//	go run . -from results.json …                        nothing measured: what -json has kept
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

// growthChart and callChart are the charts that the README beside them shows.
const (
	callChart   = "call.svg"
	growthChart = "growth.svg"
)

// command is what the flags ask for.
type command struct {
	pattern, benchtime   string
	count                int
	large, growth, write bool
	from, json, svg      string
}

func main() {
	var c command
	flag.StringVar(&c.pattern, "bench", ".", "run the benchmarks that match this `regexp`")
	flag.IntVar(&c.count, "count", 10, "number of `rounds`; at most 3 of the large and growth benchmarks")
	flag.StringVar(&c.benchtime, "benchtime", "100ms", "`time` for each benchmark in each round, as in go test")
	flag.BoolVar(&c.large, "large", false, "run the benchmarks with bodies of 1 GiB")
	flag.BoolVar(&c.growth, "growth", false, "run the benchmarks of growth, and draw "+growthChart)
	flag.BoolVar(&c.write, "write", false, "run all, and write the READMEs, "+callChart+" and "+growthChart)
	flag.StringVar(&c.from, "from", "", "measure nothing, take the results in this `file`")
	flag.StringVar(&c.json, "json", "", "keep the results in this `file`")
	flag.StringVar(&c.svg, "svg", "", "draw the ratios of the calls into this `file`")
	flag.Parse()
	if err := c.run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, and does with the results whatever is asked for.
func (c command) run(out io.Writer) error {
	r, err := c.results()
	if err != nil {
		return err
	}
	if c.json != "" {
		err = r.save(c.json)
	}
	if err == nil && c.svg != "" {
		err = r.drawCalls(c.svg)
	}
	if err == nil && c.growth {
		err = r.drawGrowth(growthChart)
	}
	if err == nil && c.write {
		err = r.publish(".", "../..")
	}
	if err == nil {
		_, err = io.WriteString(out, r.report())
	}
	return err
}

// results are measured, or read from a file.
func (c command) results() (*results, error) {
	if c.from != "" {
		return load(c.from)
	}
	return c.measure()
}

// suites are those that the flags choose.
func (c command) suites() []suite {
	if c.write {
		return []suite{short, large, growth}
	}
	var chosen []suite
	if c.large {
		chosen = append(chosen, large)
	}
	if c.growth {
		chosen = append(chosen, growth)
	}
	if chosen == nil {
		chosen = append(chosen, short)
	}
	return chosen
}
