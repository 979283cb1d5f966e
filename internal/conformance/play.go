package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// StepTimeout is how long a driver may take over one step.
const StepTimeout = 20 * time.Second

// A Driver is what PROTOCOL.md describes: it carries out the request of one
// line and returns the line of its answer. The lines hold no line feed.
type Driver interface {
	Handle(line []byte) []byte
}

// An Observation is what came of a scenario, as generic JSON: the answer to
// each step, and each request as the server received it.
type Observation struct {
	Steps []any `json:"steps"`
	Wire  []any `json:"wire"`
	At    int64 `json:"at"` // seconds since the epoch; 0 where it doesn't matter
}

// The environment that every scenario starts with; nil unsets.
var cleared = []string{
	"NETRC", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "CURL_CA_BUNDLE",
}

// EnvNames returns the names of all environment variables that playing the
// scenario may have the driver change, so that a caller can restore them.
func EnvNames(s Scenario) []string {
	names := append([]string{"HOME", "REQUESTS_CA_BUNDLE"}, cleared...)
	names = slices.AppendSeq(names, maps.Keys(s.Env))
	for _, step := range s.Steps {
		var vars map[string]any
		if json.Unmarshal(step["vars"], &vars) == nil {
			names = slices.AppendSeq(names, maps.Keys(vars))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Play starts the scenario's server, has the driver carry out its steps and
// returns what came of them. The certificates are those that WriteCertificates
// left in a folder, and home is an empty folder for the user's files. An error
// means that the scenario could not be played; what goes wrong in the driver
// is an answer.
func Play(s Scenario, driver Driver, certificates, home string) (Observation, error) {
	server, err := NewServer(s, certificates)
	if err != nil {
		return Observation{}, err
	}
	defer server.Close()
	if s.Netrc != nil {
		if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(*s.Netrc), 0o600); err != nil {
			return Observation{}, err
		}
	}
	p := &player{driver: driver, names: namesOf(server, certificates, home), saved: map[string]any{}}
	p.ask(map[string]any{"id": 0, "op": "hello"})
	p.ask(map[string]any{"id": 0, "op": "env.set", "vars": p.env(s, certificates, home)})
	p.ask(map[string]any{"id": 0, "op": "dial.map", "map": dialMap(s, server)})
	seen := Observation{At: time.Now().Unix()}
	for i, step := range s.Steps {
		answer, err := p.step(i+1, step)
		if err != nil {
			return Observation{}, fmt.Errorf("step %d: %w", i+1, err)
		}
		seen.Steps = append(seen.Steps, answer)
	}
	seen.Wire, err = generic(server.Arrivals())
	scrub := scrubber(server, certificates, home)
	seen.Steps, seen.Wire = scrub(seen.Steps).([]any), scrub(seen.Wire).([]any)
	return seen, err
}

type player struct {
	driver Driver
	names  *strings.Replacer // what stands in braces, in JSON
	saved  map[string]any    // states, by the name that a step keeps them under
}

func namesOf(server *Server, certificates, home string) *strings.Replacer {
	var pairs []string
	for name, value := range map[string]string{
		"CA":          filepath.Join(certificates, "ca.pem"),
		"CLIENT_CERT": filepath.Join(certificates, "client.pem"),
		"CLIENT_KEY":  filepath.Join(certificates, "client.key"),
		"CLIENT_BOTH": filepath.Join(certificates, "client-both.pem"),
		"HOME":        home,
		"PLAIN_PORT":  server.PlainPort(),
		"TLS_PORT":    server.TLSPort(),
	} {
		quoted, _ := json.Marshal(value)
		pairs = append(pairs, "{"+name+"}", string(quoted[1:len(quoted)-1]))
	}
	return strings.NewReplacer(pairs...)
}

func (p *player) env(s Scenario, certificates, home string) map[string]*string {
	ca := filepath.Join(certificates, "ca.pem")
	env := map[string]*string{"HOME": &home, "REQUESTS_CA_BUNDLE": &ca}
	for _, name := range cleared {
		env[name] = nil
	}
	for name, value := range s.Env {
		if value != nil {
			text := p.names.Replace(*value)
			value = &text
		}
		env[name] = value
	}
	return env
}

// dialMap leads the scenario's ports to the server.
func dialMap(s Scenario, server *Server) map[string]string {
	kinds := map[string]string{"80": "plain", "443": "tls", "8080": "plain", "8443": "tls", "3128": "plain"}
	maps.Copy(kinds, s.Ports)
	dial := map[string]string{}
	for port, kind := range kinds {
		switch kind {
		case "refused":
		case "plain":
			dial["*:"+port] = "127.0.0.1:" + server.PlainPort()
		default:
			dial["*:"+port] = "127.0.0.1:" + server.TLSPort()
		}
	}
	return dial
}

// step carries out one step and returns its answer.
func (p *player) step(id int, step Step) (any, error) {
	var op, keep, state string
	var ms float64
	for key, to := range map[string]any{"op": &op, "keep": &keep, "state_b64": &state, "ms": &ms} {
		if raw, ok := step[key]; ok {
			if err := json.Unmarshal(raw, to); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	if op == "sleep" {
		time.Sleep(time.Duration(ms * float64(time.Millisecond)))
		return map[string]any{"ok": map[string]any{}}, nil
	}
	message := map[string]any{}
	for key, raw := range step {
		message[key] = json.RawMessage(p.names.Replace(string(raw)))
	}
	message["id"] = id
	if name, ok := strings.CutPrefix(state, "$"); ok {
		message["state_b64"] = ""
		if kept, ok := p.saved[name]; ok {
			message["state_b64"] = kept
		}
	}
	delete(message, "keep")
	answer := p.ask(message)
	if result, ok := answer["ok"].(map[string]any); ok && keep != "" {
		p.saved[keep] = result["state_b64"]
		delete(result, "state_b64")
	}
	return answer, nil
}

// ask has the driver answer one message. A driver that doesn't answer in
// time, or not with a JSON object, has its answer made up as an error.
func (p *player) ask(message map[string]any) map[string]any {
	line, err := json.Marshal(message)
	if err != nil {
		return failure("DriverGarbled", err)
	}
	answers := make(chan []byte, 1)
	go func() { answers <- handle(p.driver, line) }()
	timer := time.NewTimer(StepTimeout)
	defer timer.Stop()
	select {
	case line = <-answers:
	case <-timer.C:
		return failure("DriverHung", fmt.Errorf("no answer in %v", StepTimeout))
	}
	var answer map[string]any
	if err := json.Unmarshal(line, &answer); err != nil {
		return failure("DriverGarbled", err)
	}
	delete(answer, "id")
	return answer
}

// handle makes an answer of a driver's panic.
func handle(driver Driver, line []byte) (answer []byte) {
	defer func() {
		if problem := recover(); problem != nil {
			answer, _ = json.Marshal(failure("DriverDied", fmt.Errorf("%v", problem)))
		}
	}()
	return driver.Handle(line)
}

func failure(kind string, err error) map[string]any {
	return map[string]any{"error": map[string]any{"kind": kind, "message": err.Error()}}
}

// generic turns values into what decoding their JSON gives.
func generic[T any](values []T) ([]any, error) {
	text, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	var all []any
	return all, json.Unmarshal(text, &all)
}

// scrubber takes the paths and ports of this run out of an observation.
func scrubber(server *Server, certificates, home string) func(any) any {
	names := strings.NewReplacer(
		":"+server.PlainPort(), ":{PLAIN_PORT}",
		":"+server.TLSPort(), ":{TLS_PORT}",
		home, "{HOME}", certificates, "{CERTS}",
	)
	return func(value any) any {
		return walk(value, func(text string) string { return names.Replace(text) })
	}
}

// walk changes every string inside a JSON value, in place where it can.
func walk(value any, change func(string) string) any {
	switch value := value.(type) {
	case string:
		return change(value)
	case []any:
		for i := range value {
			value[i] = walk(value[i], change)
		}
	case map[string]any:
		for k := range value {
			value[k] = walk(value[k], change)
		}
	}
	return value
}
