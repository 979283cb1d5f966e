package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Compare says where got differs from what was recorded, each time in one
// line, after both were made [Normal] and the recording was [Patched]. It
// fails where the scenario patches something that isn't there.
func Compare(s Scenario, recorded, got Observation) ([]string, error) {
	want, err := Patched(Normal(recorded, s), s.Deliberate)
	if err != nil {
		return nil, err
	}
	return Differences(want, Normal(got, s), got.At-recorded.At), nil
}

// Patched changes the normal form of a recording, in place, where the library
// differs from requests on purpose. It is scenario.py's function of that name.
func Patched(observation map[string]any, d Deliberate) (map[string]any, error) {
	for _, p := range d.Patch {
		path, _ := p[0].(string)
		if err := replace(observation, path, func(any) any { return clone(p[1]) }); err != nil {
			return nil, err
		}
	}
	if wire, ok := observation["wire"].([]any); ok && d.WireLength != nil {
		observation["wire"] = wire[:max(0, min(*d.WireLength, len(wire)))]
	}
	for _, p := range d.DropHeaders {
		err := replace(observation, p[0], func(list any) any {
			return drop(list, func(name, _ string) bool { return name == p[1] })
		})
		if err != nil {
			return nil, err
		}
	}
	return observation, nil
}

// replace changes what a dotted path leads to. Its last key may be new.
func replace(root any, path string, change func(any) any) error {
	at, keys := root, strings.Split(path, ".")
	for i, key := range keys {
		last := i == len(keys)-1
		switch node := at.(type) {
		case object:
			next, ok := node[key]
			if last {
				node[key] = change(next)
			} else if !ok {
				return fmt.Errorf("patch %q: no %q", path, key)
			}
			at = next
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n < 0 || n >= len(node) {
				return fmt.Errorf("patch %q: no entry %q", path, key)
			}
			at = node[n]
			if last {
				node[n] = change(at)
			}
		default:
			return fmt.Errorf("patch %q: nothing inside %q", path, key)
		}
	}
	return nil
}

// Differences says where got is not want, both generic JSON, each time in one
// line that has what is there in full, and how what was expected begins. Times at which a cookie expires may differ by five seconds, also when
// counted from their own observation, got's being so many seconds later.
func Differences(want, got any, later int64) []string {
	d := differ{later: float64(later)}
	d.compare("", want, got)
	return d.found
}

type differ struct {
	later float64
	found []string
}

func (d *differ) add(path, format string, args ...any) {
	d.found = append(d.found, path+": "+fmt.Sprintf(format, args...))
}

func (d *differ) compare(path string, want, got any) {
	switch w := want.(type) {
	case object:
		if g, ok := got.(object); ok {
			d.objects(path, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok {
			d.lists(path, w, g)
			return
		}
	case float64:
		if g, ok := got.(float64); ok && (w == g || strings.HasSuffix(path, ".expires") && d.near(w, g)) {
			return
		}
	default:
		if isScalar(got) && want == got {
			return
		}
	}
	d.add(path, "%s; expected %s", text(got), short(want))
}

// isFailure reports whether an answer is nothing but an error.
func isFailure(answer object) bool { return len(answer) == 1 && answer["error"] != nil }

func isScalar(value any) bool {
	switch value.(type) {
	case []any, object:
		return false
	}
	return true
}

// near compares times: Max-Age counts from each side's own clock, a date from none.
func (d *differ) near(want, got float64) bool {
	return min(math.Abs(want-got), math.Abs(want+d.later-got)) <= 5
}

func (d *differ) objects(path string, want, got object) {
	if isFailure(want) != isFailure(got) {
		d.add(path, "%s; expected %s", text(got), short(want))
		return
	}
	keys := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(got))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		w, wanted := want[key]
		g, given := got[key]
		at := path + "." + key
		switch {
		case !wanted:
			d.add(at, "only here: %s", text(g))
		case !given:
			d.add(at, "missing; expected %s", short(w))
		default:
			d.compare(at, w, g)
		}
	}
}

func (d *differ) lists(path string, want, got []any) {
	if len(want) != len(got) {
		d.add(path, "%d entries, expected %d: %s | %s", len(got), len(want), text(got), short(want))
		return
	}
	for i := range want {
		d.compare(fmt.Sprintf("%s[%d]", path, i), want[i], got[i])
	}
}

// text gives a JSON value on one line.
func text(value any) string {
	var line strings.Builder
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSuffix(line.String(), "\n")
}

// short is the beginning of text.
func short(value any) string {
	line := text(value)
	if runes := []rune(line); len(runes) >= 300 {
		return string(runes[:297]) + "..."
	}
	return line
}
