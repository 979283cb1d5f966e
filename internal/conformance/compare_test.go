package conformance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/conformance"
)

func observation(t *testing.T, text string) conformance.Observation {
	t.Helper()
	var o conformance.Observation
	require.NoError(t, json.Unmarshal([]byte(text), &o))
	return o
}

func value(t *testing.T, text string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v))
	return v
}

// What is left of an answer, and of a request on the wire, for the comparison.
func TestNormal(t *testing.T) {
	t.Parallel()
	request := func(headers, body string) string {
		return `{"method": "GET", "headers": ` + headers + `, "body_b64": ` + body + `}`
	}
	for _, c := range []struct{ name, scenario, step, want string }{
		{"plain answer", `{}`, `{"ok": {"x": [1]}}`, `{"x": [1]}`},
		{"error", `{}`, `{"error": {"kind": "K", "message": "m"}}`, `{"error": "K"}`},
		{"neither", `{}`, `{"x": 1}`, `{"neither ok nor error": {"x": 1}}`},
		{"error with a response", `{}`, `{"error": {"kind": "K", "response": {"status": 302, "next": {"x": 1}}}}`,
			`{"error": "K", "status": 302, "next": null, "headers": null}`},
		{"ignored keys", `{"ignore": ["x", "cookie_order"]}`, `{"ok": {"x": 1, "y": 2}}`, `{"y": 2}`},
		{"cookies in order", `{}`,
			`{"ok": {"cookies": [{"domain": "b"}, {"domain": "a", "path": "/x"}, {"domain": "a", "path": "/", "name": "n"}, {"domain": "a", "path": "/", "name": "m"}]}}`,
			`{"cookies": [{"domain": "a", "path": "/", "name": "m"}, {"domain": "a", "path": "/", "name": "n"}, {"domain": "a", "path": "/x"}, {"domain": "b"}]}`},
		{"own headers", `{}`, `{"ok": ` + request(`[["user-agent", "x"], ["b", "2"], ["accept", "x"], ["a", "1"], ["b", "1"]]`, `null`) + `}`,
			request(`[["a", "1"], ["b", "2"], ["b", "1"]]`, `null`)},
		{"own headers that are named", `{"steps": [{"deep": [{"headers": {"Accept": "x"}}]}]}`,
			`{"ok": ` + request(`[["user-agent", "x"], ["accept", "x"]]`, `null`) + `}`, request(`[["accept", "x"]]`, `null`)},
		{"cookie order", `{"ignore": ["cookie_order"]}`, `{"ok": ` + request(`[["cookie", "b=2; a=1"]]`, `null`) + `}`, request(`[["cookie", "a=1; b=2"]]`, `null`)},
		{"digest", `{}`, `{"ok": ` + request(`[["authorization", "Digest nonce=x"]]`, `null`) + `}`, request(`[["authorization", "Digest"]]`, `null`)},
		{"stream", `{}`, `{"ok": ` + request(`[]`, `"PHN0cmVhbT4="`) + `}`, request(`[]`, `null`)},
		{"what a proxy is told", `{}`, `{"ok": ` + request(`[["proxy-authorization", "x"], ["content-length", "0"]]`, `null`) + `}`, request(`[]`, `null`)},
		{"boundary", `{}`, `{"ok": ` + request(`[["content-length", "5"], ["content-type", "m; boundary=xyz"]]`, `"LS14eXo="`) + `}`,
			request(`[["content-length", "N"], ["content-type", "m; boundary=BOUNDARY"]]`, `"LS1CT1VOREFSWQ=="`)},
		{"boundary in quotes", `{}`, `{"ok": ` + request(`[["content-type", "m; a=xyz; boundary=\"xyz\""]]`, `null`) + `}`,
			request(`[["content-type", "m; a=BOUNDARY; boundary=\"BOUNDARY\""]]`, `""`)},
		{"JSON", `{}`, `{"ok": ` + request(`[["content-length", "9"], ["content-type", "application/json"]]`, `"IHsiYiI6IDEuMCwgImEiOiAxfQ=="`) + `}`,
			request(`[["content-length", "N"], ["content-type", "application/json"]]`, `"json {\"a\":1,\"b\":1e+00}"`)},
		{"no JSON", `{}`, `{"ok": ` + request(`[["content-length", "2"], ["content-type", "application/json"]]`, `"ezE="`) + `}`,
			request(`[["content-length", "2"], ["content-type", "application/json"]]`, `"ezE="`)},
		{"response", `{}`,
			`{"ok": {"status": 200, "headers": [["connection", "x"], ["keep-alive", "x"], ["trailer", "x"], ["accept", "x"]], "text": "x", "encoding": "utf-8",
				"request": ` + request(`[["accept", "x"]]`, `null`) + `, "next": null, "history": [{"request": ` + request(`[["te", "x"]]`, `null`) + `}]}}`,
			`{"status": 200, "headers": [["accept", "x"]], "text": "x", "encoding": "utf-8",
				"request": ` + request(`[]`, `null`) + `, "next": null, "history": [{"request": ` + request(`[]`, `null`) + `}]}`},
		{"text without an encoding", `{}`, `{"ok": {"status": 200, "text": "x", "encoding": null, "headers": []}}`, `{"status": 200, "encoding": null, "headers": []}`},
		{"text of an empty encoding", `{}`, `{"ok": {"status": 200, "text": "x", "encoding": "", "headers": []}}`, `{"status": 200, "encoding": "", "headers": []}`},
		{"fault in the body", `{}`,
			`{"ok": {"status": 200, "text": "x", "encoding": "utf-8", "headers": [], "body_b64": "eA==", "body_error": {"kind": "K", "message": "m"}}}`,
			`{"status": 200, "encoding": "utf-8", "headers": [], "body_b64": null, "body_error": "K"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := observation(t, `{"steps": [`+c.step+`]}`)
			got := conformance.Normal(o, scenario(t, c.scenario))
			want := map[string]any{"steps": []any{value(t, c.want)}, "wire": []any{}}
			assert.Equal(t, want, got)
			assert.Equal(t, observation(t, `{"steps": [`+c.step+`]}`), o, "the observation itself stays as it was")
		})
	}
}

func TestNormalWire(t *testing.T) {
	t.Parallel()
	o := observation(t, `{"wire": [
		{"conn": 7, "method": "PUT", "headers": [["content-length", "0"]], "framing": "length", "body_b64": ""},
		{"conn": 9, "method": "GET", "headers": [["content-length", "0"], ["te", "x"]], "framing": "length", "body_b64": ""},
		{"conn": 7, "method": "CONNECT", "headers": [["host", "x"], ["proxy-authorization", "y"]], "framing": "none", "body_b64": "", "target": "t", "host": ""}]}`)
	want := `[{%"method": "PUT", "headers": [["content-length", "0"]], "framing": "length", "body_b64": ""},
		{%"method": "GET", "headers": [], "framing": "none", "body_b64": ""},
		{%"method": "CONNECT", "headers": [["proxy-authorization", "y"]], "framing": "none", "body_b64": "", "target": "t", "host": "t"}]`
	assert.Equal(t, value(t, strings.ReplaceAll(want, "%", "")), conformance.Normal(o, conformance.Scenario{})["wire"])
	for _, conn := range []string{`"conn": 1, `, `"conn": 2, `, `"conn": 1, `} {
		want = strings.Replace(want, "%", conn, 1)
	}
	assert.Equal(t, value(t, want), conformance.Normal(o, conformance.Scenario{CompareConnections: true})["wire"])
}

func TestPatched(t *testing.T) {
	t.Parallel()
	root := func() map[string]any {
		return value(t, `{"steps": [{"a": {"b": 1}}, 2], "wire": [{"headers": [["x", "1"], ["y", "2"], ["x", "3"]]}, 2, 3]}`).(map[string]any)
	}
	for patch, want := range map[string]string{
		`{}`: `{"steps": [{"a": {"b": 1}}, 2], "wire": [{"headers": [["x", "1"], ["y", "2"], ["x", "3"]]}, 2, 3]}`,
		`{"patch": [["steps.0.a.b", null], ["steps.0.new", [1]], ["steps.1", "x"]], "wire_length": 0}`: `{"steps": [{"a": {"b": null}, "new": [1]}, "x"], "wire": []}`,
		`{"drop_headers": [["wire.0.headers", "x"]], "wire_length": 1}`:                                `{"steps": [{"a": {"b": 1}}, 2], "wire": [{"headers": [["y", "2"]]}]}`,
		`{"wire_length": 9, "patch": [["wire", [1]]]}`:                                                 `{"steps": [{"a": {"b": 1}}, 2], "wire": [1]}`,
	} {
		var d conformance.Deliberate
		require.NoError(t, json.Unmarshal([]byte(patch), &d))
		got, err := conformance.Patched(root(), d)
		require.NoError(t, err, patch)
		assert.Equal(t, value(t, want), any(got), patch)
	}
	for _, path := range []string{"steps.2", "steps.-1", "steps.x", "none.x", "steps.1.x", "steps.0.none.x"} {
		_, err := conformance.Patched(root(), conformance.Deliberate{Patch: [][2]any{{path, 1}}})
		assert.ErrorContains(t, err, path)
		_, err = conformance.Patched(root(), conformance.Deliberate{DropHeaders: [][2]string{{path, "x"}}})
		assert.ErrorContains(t, err, path)
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, got string
		later     int64
		found     []string
	}{
		{`{"a": [1, {"b": null}], "c": true}`, `{"c": true, "a": [1.0, {"b": null}]}`, 0, nil},
		{`{"a": 1, "b": 2}`, `{"b": 3, "c": 4}`, 0, []string{".a: missing; expected 1", ".b: 3; expected 2", ".c: only here: 4"}},
		{`[1, 2]`, `[1]`, 0, []string{": 1 entries, expected 2: [1] | [1,2]"}},
		{`[1, [2]]`, `[1, [3]]`, 0, []string{"[1][0]: 3; expected 2"}},
		{`[null]`, `[[]]`, 0, []string{"[0]: []; expected null"}},
		{`[{}]`, `[[]]`, 0, []string{"[0]: []; expected {}"}},
		{`[1]`, `["1"]`, 0, []string{`[0]: "1"; expected 1`}},
		{`[0]`, `[false]`, 0, []string{"[0]: false; expected 0"}},
		{`"` + strings.Repeat("ü", 400) + `"`, `1`, 0, []string{`: 1; expected "` + strings.Repeat("ü", 296) + "..."}},
		{`{"expires": 100}`, `{"expires": 105}`, 0, nil},
		{`{"expires": 100}`, `{"expires": 94}`, 0, []string{".expires: 94; expected 100"}},
		{`{"expires": 100}`, `{"expires": 1098}`, 1000, nil},
		{`{"expires": 100}`, `{"expires": 100}`, 1000, nil},
		{`{"expires": 100}`, `{"expires": 106}`, 1000, []string{".expires: 106; expected 100"}},
		{`{"expires": 100}`, `{"expires": null}`, 1000, []string{".expires: null; expected 100"}},
		{`{"status": 200}`, `{"status": 201}`, 0, []string{".status: 201; expected 200"}},
	} {
		assert.Equal(t, c.found, conformance.Differences(value(t, c.want), value(t, c.got), c.later), "%s | %s", c.want, c.got)
	}
}

// Both sides are made normal, the recording alone is patched, and times count
// from each side's own observation.
func TestCompare(t *testing.T) {
	t.Parallel()
	s := scenario(t, `{"ignore": ["x"], "deliberate": {"patch": [["steps.0.y", 2]]}}`)
	recorded := observation(t, `{"at": 1000, "steps": [{"ok": {"x": 1, "y": 1, "expires": 1060}}]}`)
	got := observation(t, `{"at": 5000, "steps": [{"ok": {"x": 2, "y": 2, "expires": 5060}}]}`)
	found, err := conformance.Compare(s, recorded, got)
	require.NoError(t, err)
	assert.Empty(t, found)
	found, err = conformance.Compare(s, recorded, recorded)
	require.NoError(t, err)
	assert.Equal(t, []string{".steps[0].y: 1; expected 2"}, found)
	s.Deliberate.Patch[0][0] = "steps.1"
	_, err = conformance.Compare(s, recorded, got)
	assert.Error(t, err)
}
