package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// A Difference is one way in which the library differs from requests on
// purpose, besides those that a scenario states itself.
type Difference struct {
	Why string `json:"why"`
	// Scenarios has what [Compare] finds in each scenario, by its label.
	Scenarios map[string][]string `json:"scenarios"`
}

// LoadDifferences reads a list of differences.
func LoadDifferences(files fs.FS, name string) ([]Difference, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var list []Difference
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

// Expected gives what is stated of each scenario. It fails where one is stated
// twice, or a reason is missing.
func Expected(list []Difference) (map[string][]string, error) {
	all := map[string][]string{}
	for _, d := range list {
		for label, lines := range d.Scenarios {
			if d.Why == "" {
				return nil, fmt.Errorf("%s differs without a reason", label)
			}
			if _, twice := all[label]; twice {
				return nil, fmt.Errorf("%s is stated twice", label)
			}
			all[label] = lines
		}
	}
	return all, nil
}

// Updated gives the list with what was found in place of what was stated. What
// was not stated of any reason comes last, without one.
func Updated(list []Difference, found map[string][]string) []Difference {
	rest := maps.Clone(found)
	var updated []Difference
	for _, d := range list {
		now := Difference{d.Why, map[string][]string{}}
		for label := range d.Scenarios {
			if lines, ok := rest[label]; ok {
				now.Scenarios[label] = lines
				delete(rest, label)
			}
		}
		if len(now.Scenarios) > 0 {
			updated = append(updated, now)
		}
	}
	if len(rest) > 0 {
		updated = append(updated, Difference{"", rest})
	}
	return updated
}

// EncodeDifferences gives the text that [LoadDifferences] reads.
func EncodeDifferences(list []Difference) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(list)
	return text.Bytes(), err
}

// DifferencesPage gives DIFFERENCES.md: the reasons, each with the scenarios
// that show it.
func DifferencesPage(list []Difference, scenarios []Scenario) string {
	abouts := map[string]string{}
	stated := map[string][]string{}
	for _, s := range scenarios {
		abouts[s.Label()] = s.About
		if s.Deliberate.Why != "" {
			stated[s.Deliberate.Why] = append(stated[s.Deliberate.Why], s.Label())
		}
	}
	var page strings.Builder
	page.WriteString("# Where the library differs from requests\n\n" +
		"Written by `go test ./internal/conformance -update`: every scenario in which this library and requests do not do the same, by reason. " +
		"[differences.json](differences.json) has what each of them shows.\n")
	page.WriteString("\n## In scenarios that ask for something else than requests does\n\n")
	for _, why := range slices.Sorted(maps.Keys(stated)) {
		writeReason(&page, why, stated[why], abouts)
	}
	page.WriteString("\n## In scenarios that play requests' odd corners\n\n")
	for _, d := range list {
		writeReason(&page, d.Why, slices.Sorted(maps.Keys(d.Scenarios)), abouts)
	}
	return page.String()
}

func writeReason(page *strings.Builder, why string, labels []string, abouts map[string]string) {
	fmt.Fprintf(page, "- %s\n", why)
	for _, label := range labels {
		fmt.Fprintf(page, "  - `%s`: %s\n", label, abouts[label])
	}
}
