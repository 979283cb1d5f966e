package conformance

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What each HTTP stack says of itself; compared only where the scenario names it.
var ownHeaders = []string{"user-agent", "accept-encoding", "connection", "te", "accept"}

// How a driver shows a body that can be read only once.
var streamBody = base64.StdEncoding.EncodeToString([]byte("<stream>"))

// Methods whose requests have a body by rights, so that its length is 0 and
// not absent where there is none (RFC 9110, section 8.6).
var withBody = []string{"POST", "PUT", "PATCH"}

type object = map[string]any

// Normal returns the observation as it is compared, without what may differ
// between two libraries that do the same: {"steps": …, "wire": …}. Its tree is
// its own. It is scenario.py's function of that name.
func Normal(o Observation, s Scenario) map[string]any {
	n := newNormalizer(s)
	steps, wire := []any{}, []any{}
	for _, step := range o.Steps {
		answer, _ := clone(step).(object)
		steps = append(steps, n.step(answer))
	}
	conns := map[string]int{}
	for _, request := range o.Wire {
		arrival, ok := clone(request).(object)
		if !ok {
			arrival = object{"no object": request}
		}
		conn := fmt.Sprint(arrival["conn"])
		if conns[conn] == 0 {
			conns[conn] = len(conns) + 1
		}
		wire = append(wire, n.arrival(arrival, conns[conn]))
	}
	return object{"steps": steps, "wire": wire}
}

type normalizer struct {
	ignored     []string // names of headers
	skipped     []string // keys of answers
	cookieOrder bool
	connections bool
}

func newNormalizer(s Scenario) *normalizer {
	named := namedHeaders(s)
	return &normalizer{
		ignored:     slices.DeleteFunc(slices.Clone(ownHeaders), func(name string) bool { return named[name] }),
		skipped:     s.Ignore,
		cookieOrder: slices.Contains(s.Ignore, "cookie_order"),
		connections: s.CompareConnections,
	}
}

// namedHeaders returns the headers that the scenario itself sets somewhere:
// those are compared whoever's they are.
func namedHeaders(s Scenario) map[string]bool {
	named := map[string]bool{}
	var look func(value any)
	look = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, v := range value {
				look(v)
			}
		case object:
			for key, v := range value {
				if headers, ok := v.(object); ok && key == "headers" {
					for name := range headers {
						named[strings.ToLower(name)] = true
					}
				}
				look(v)
			}
		}
	}
	steps, _ := generic(s.Steps)
	look(steps)
	return named
}

// step is the answer to one step.
func (n *normalizer) step(answer object) object {
	failed, ok := answer["error"].(object)
	if !ok {
		result, ok := answer["ok"].(object)
		if !ok {
			return object{"neither ok nor error": answer}
		}
		return n.result(result)
	}
	response, ok := failed["response"].(object)
	if !ok {
		return object{"error": failed["kind"]}
	}
	response["next"] = nil
	out := n.result(response)
	out["error"] = failed["kind"]
	return out
}

func (n *normalizer) result(r object) object {
	_, method := r["method"]
	_, headers := r["headers"]
	if _, ok := r["status"]; ok {
		n.response(r)
	} else if method && headers {
		r = n.request(r)
	}
	if cookies, ok := r["cookies"].([]any); ok {
		slices.SortStableFunc(cookies, byOrigin)
	}
	for _, key := range n.skipped {
		delete(r, key)
	}
	return r
}

func (n *normalizer) response(r object) {
	if fault, ok := r["body_error"].(object); ok {
		r["body_error"], r["body_b64"] = fault["kind"], nil
		delete(r, "text")
	}
	if r["encoding"] == nil || r["encoding"] == "" {
		delete(r, "text")
	}
	r["headers"] = drop(r["headers"], func(name, _ string) bool {
		return name == "connection" || name == "trailer" || name == "keep-alive"
	})
	history, _ := r["history"].([]any)
	for _, hop := range history {
		if hop, ok := hop.(object); ok {
			n.requestOf(hop, "request")
		}
	}
	n.requestOf(r, "request")
	n.requestOf(r, "next")
}

func (n *normalizer) requestOf(r object, key string) {
	if request, ok := r[key].(object); ok {
		r[key] = n.request(request)
	}
}

// request is a prepared request. What a proxy is told is compared on the wire.
func (n *normalizer) request(p object) object {
	if p["body_b64"] == streamBody {
		p["body_b64"] = nil
	}
	p = jsonFree(boundaryFree(p))
	p["headers"] = drop(n.headers(p["headers"]), func(name, value string) bool {
		return name == "proxy-authorization" || name == "content-length" && value == "0"
	})
	return p
}

// arrival is a request as the server received it.
func (n *normalizer) arrival(a object, conn int) object {
	a = jsonFree(boundaryFree(a))
	method, _ := a["method"].(string)
	a["headers"] = n.headers(a["headers"])
	delete(a, "conn")
	if n.connections {
		a["conn"] = float64(conn)
	}
	if !slices.Contains(withBody, method) {
		a["headers"] = drop(a["headers"], func(name, value string) bool {
			return name == "content-length" && value == "0"
		})
		if a["framing"] == "length" && a["body_b64"] == "" {
			a["framing"] = "none"
		}
	}
	if method == "CONNECT" {
		a["host"] = a["target"] // requests sends no Host with CONNECT
		a["headers"] = drop(a["headers"], func(name, _ string) bool { return name != "proxy-authorization" })
	}
	return a
}

// headers leaves out what is not compared and sorts the rest by name.
func (n *normalizer) headers(list any) any {
	kept := drop(list, func(name, _ string) bool { return slices.Contains(n.ignored, name) })
	pairs, ok := kept.([]any)
	if !ok {
		return kept
	}
	for _, p := range pairs {
		name, value := pair(p)
		setValue(p, digestFree(value))
		if n.cookieOrder && name == "cookie" {
			cookies := strings.Split(value, "; ")
			slices.Sort(cookies)
			setValue(p, strings.Join(cookies, "; "))
		}
	}
	slices.SortStableFunc(pairs, func(x, y any) int {
		a, _ := pair(x)
		b, _ := pair(y)
		return cmp.Compare(a, b)
	})
	return pairs
}

// digestFree leaves of a Digest answer only that it is there: it holds a nonce
// of the client's.
func digestFree(value string) string {
	if strings.HasPrefix(value, "Digest ") {
		return "Digest"
	}
	return value
}

// boundaryFree replaces the boundary of a multipart body, which is random.
func boundaryFree(entry object) object {
	_, after, found := strings.Cut(contentType(entry), "boundary=")
	if !found {
		return entry
	}
	boundary, _, _ := strings.Cut(strings.Trim(after, `"`), ";")
	body, _ := entry["body_b64"].(string)
	if raw, err := base64.StdEncoding.DecodeString(body); err == nil {
		raw = bytes.ReplaceAll(raw, []byte(boundary), []byte("BOUNDARY"))
		entry["body_b64"] = base64.StdEncoding.EncodeToString(raw)
	}
	list, _ := entry["headers"].([]any)
	for _, p := range list {
		if name, value := pair(p); name == "content-type" {
			setValue(p, strings.ReplaceAll(value, boundary, "BOUNDARY"))
		}
	}
	lengthFree(entry)
	return entry
}

// jsonFree gives a JSON body as its value: how it is spaced and escaped is
// each library's own.
func jsonFree(entry object) object {
	body, _ := entry["body_b64"].(string)
	if body == "" || !strings.Contains(contentType(entry), "json") {
		return entry
	}
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil || !utf8.Valid(raw) {
		return entry
	}
	text, err := canonical(raw)
	if err != nil {
		return entry
	}
	entry["body_b64"] = "json " + text
	lengthFree(entry)
	return entry
}

func lengthFree(entry object) {
	list, _ := entry["headers"].([]any)
	for _, p := range list {
		if name, _ := pair(p); name == "content-length" {
			setValue(p, "N")
		}
	}
}

// canonical writes JSON anew, names in order, 1 and 1.0 told apart.
func canonical(raw []byte) (string, error) {
	if !json.Valid(raw) {
		return "", fmt.Errorf("no JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", err
	}
	out, err := json.Marshal(canonicalNumbers(value))
	return string(out), err
}

func canonicalNumbers(value any) any {
	switch value := value.(type) {
	case json.Number:
		f, err := value.Float64()
		if err != nil || !strings.ContainsAny(value.String(), ".eE") {
			return value
		}
		return json.Number(strconv.FormatFloat(f, 'e', -1, 64))
	case []any:
		for i := range value {
			value[i] = canonicalNumbers(value[i])
		}
	case object:
		for k := range value {
			value[k] = canonicalNumbers(value[k])
		}
	}
	return value
}

func contentType(entry object) (value string) {
	list, _ := entry["headers"].([]any)
	for _, p := range list {
		if name, v := pair(p); name == "content-type" {
			value = v
		}
	}
	return value
}

// pair reads a header, [name, value]; what is none has no name.
func pair(header any) (name, value string) {
	if p, ok := header.([]any); ok && len(p) == 2 {
		name, _ = p[0].(string)
		value, _ = p[1].(string)
	}
	return name, value
}

func setValue(header any, value string) {
	if p, ok := header.([]any); ok && len(p) == 2 {
		p[1] = value
	}
}

// drop removes headers from a list of them; what is no list stays as it is.
func drop(list any, unwanted func(name, value string) bool) any {
	headers, ok := list.([]any)
	if !ok {
		return list
	}
	return slices.DeleteFunc(headers, func(header any) bool { return unwanted(pair(header)) })
}

// byOrigin orders cookies by domain, path, name and the host-only flag.
func byOrigin(x, y any) int {
	a, _ := x.(object)
	b, _ := y.(object)
	for _, key := range []string{"domain", "path", "name", "host_only"} {
		if c := cmp.Compare(fmt.Sprint(a[key]), fmt.Sprint(b[key])); c != 0 {
			return c
		}
	}
	return 0
}

// clone copies a JSON value.
func clone(value any) any {
	switch value := value.(type) {
	case []any:
		out := make([]any, len(value))
		for i := range value {
			out[i] = clone(value[i])
		}
		return out
	case object:
		out := make(object, len(value))
		for k := range value {
			out[k] = clone(value[k])
		}
		return out
	}
	return value
}
