package conformance_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/conformance"
)

// fake is a driver that remembers what it is asked and answers from a table.
type fake struct {
	asked   []map[string]any
	answers map[string]func(asked map[string]any) string
}

func (f *fake) Handle(line []byte) []byte {
	var asked map[string]any
	if err := json.Unmarshal(line, &asked); err != nil {
		return []byte(err.Error())
	}
	f.asked = append(f.asked, asked)
	op, _ := asked["op"].(string)
	if answer, ok := f.answers[op]; ok {
		return []byte(answer(asked))
	}
	return []byte(`{"id": 0, "ok": {}}`)
}

func always(answer string) func(map[string]any) string {
	return func(map[string]any) string { return answer }
}

func scenario(t *testing.T, text string) conformance.Scenario {
	t.Helper()
	var s conformance.Scenario
	require.NoError(t, json.Unmarshal([]byte(text), &s))
	return s
}

// What a driver is sent before the steps, and with them.
func TestPlaySends(t *testing.T) {
	t.Parallel()
	certificates, home := newCertificates(t), t.TempDir()
	driver := &fake{answers: map[string]func(map[string]any) string{
		"session.save": always(`{"id": 2, "ok": {"state_b64": "c3RhdGU=", "more": 1}}`),
	}}
	got, err := conformance.Play(scenario(t, `{
		"env": {"NETRC": "{HOME}/x", "HOME": null, "OWN": "1"}, "netrc": "machine a.test",
		"ports": {"443": "plain", "3128": "refused", "9": "tls"},
		"steps": [
			{"op": "a", "verify": "{CA}", "deep": [{"{CA}": "{CLIENT_CERT} {CLIENT_KEY} {CLIENT_BOTH} {HOME} {NONE}"}]},
			{"op": "session.save", "keep": "one"},
			{"op": "sleep", "ms": 1},
			{"op": "session.load", "state_b64": "$one"},
			{"op": "session.load", "state_b64": "$two"},
			{"op": "session.load", "state_b64": "b3duZXI="}
		]}`), driver, certificates, home)
	require.NoError(t, err)
	require.Len(t, driver.asked, 8)
	hello, env, dial, steps := driver.asked[0], driver.asked[1], driver.asked[2], driver.asked[3:]

	assert.Equal(t, map[string]any{"id": 0.0, "op": "hello"}, hello)
	assert.Equal(t, "env.set", env["op"])
	assert.Equal(t, map[string]any{
		"HOME": nil, "NETRC": home + "/x", "OWN": "1",
		"REQUESTS_CA_BUNDLE": filepath.Join(certificates, "ca.pem"), "CURL_CA_BUNDLE": nil,
		"http_proxy": nil, "https_proxy": nil, "all_proxy": nil, "no_proxy": nil,
		"HTTP_PROXY": nil, "HTTPS_PROXY": nil, "ALL_PROXY": nil, "NO_PROXY": nil,
	}, env["vars"])
	ports := dial["map"].(map[string]any)
	assert.Equal(t, map[string]any{
		"*:80": ports["*:80"], "*:443": ports["*:80"], "*:8080": ports["*:80"], "*:8443": ports["*:9"], "*:9": ports["*:9"],
	}, ports)
	assert.NotEqual(t, ports["*:80"], ports["*:9"])

	in := func(name string) string { return filepath.Join(certificates, name) }
	assert.Equal(t, map[string]any{"id": 1.0, "op": "a", "verify": in("ca.pem"), "deep": []any{map[string]any{
		in("ca.pem"): in("client.pem") + " " + in("client.key") + " " + in("client-both.pem") + " " + home + " {NONE}",
	}}}, steps[0])
	assert.Equal(t, map[string]any{"id": 2.0, "op": "session.save"}, steps[1])
	assert.Equal(t, map[string]any{"id": 4.0, "op": "session.load", "state_b64": "c3RhdGU="}, steps[2])
	assert.Equal(t, map[string]any{"id": 5.0, "op": "session.load", "state_b64": ""}, steps[3])
	assert.Equal(t, map[string]any{"id": 6.0, "op": "session.load", "state_b64": "b3duZXI="}, steps[4])

	nothing := map[string]any{"ok": map[string]any{}}
	assert.Equal(t, []any{nothing, map[string]any{"ok": map[string]any{"more": 1.0}}, nothing, nothing, nothing, nothing}, got.Steps)
	netrc, err := os.ReadFile(filepath.Join(home, ".netrc"))
	require.NoError(t, err)
	assert.Equal(t, "machine a.test", string(netrc))
}

// What comes back: answers and requests, without this run's paths and ports.
func TestPlayObserves(t *testing.T) {
	t.Parallel()
	var port string
	driver := &fake{answers: map[string]func(map[string]any) string{
		"dial.map": func(asked map[string]any) string {
			port = asked["map"].(map[string]any)["*:80"].(string)[len("127.0.0.1:"):]
			return `{"ok": {}}`
		},
		"ask": func(map[string]any) string {
			ask(t, dial(t, port), get)
			return `{"ok": {"url": "http://127.0.0.1:` + port + `/x"}}`
		},
		"where": func(asked map[string]any) string {
			answer, _ := json.Marshal(map[string]any{"ok": map[string]any{"list": []any{asked["home"], asked["ca"]}}})
			return string(answer)
		},
		"fail":    always(`{"id": 1, "error": {"kind": "Other"}}`),
		"garble":  always(`nonsense`),
		"number":  always(`1`),
		"silence": always(``),
		"die":     func(map[string]any) string { panic("gone") },
	}}
	got, err := conformance.Play(scenario(t, `{"steps": [
		{"op": "ask"}, {"op": "where", "home": "{HOME}/x", "ca": "{CA}"}, {"op": "fail"},
		{"op": "garble"}, {"op": "number"}, {"op": "silence"}, {"op": "die"}]}`), driver, newCertificates(t), t.TempDir())
	require.NoError(t, err)
	require.Len(t, got.Steps, 7)
	assert.Equal(t, map[string]any{"ok": map[string]any{"url": "http://127.0.0.1:{PLAIN_PORT}/x"}}, got.Steps[0])
	assert.Equal(t, map[string]any{"ok": map[string]any{"list": []any{"{HOME}/x", "{CERTS}/ca.pem"}}}, got.Steps[1])
	assert.Equal(t, map[string]any{"error": map[string]any{"kind": "Other"}}, got.Steps[2])
	for i, kind := range []string{"DriverGarbled", "DriverGarbled", "DriverGarbled", "DriverDied"} {
		failed := got.Steps[3+i].(map[string]any)["error"].(map[string]any)
		assert.Equal(t, kind, failed["kind"])
	}
	assert.Equal(t, []any{map[string]any{
		"scheme": "http", "method": "GET", "target": "/x", "host": "a.test", "framing": "none", "body_b64": "",
		"headers": []any{[]any{"host", "a.test"}}, "via": nil, "client_cn": nil, "conn": 1.0,
	}}, got.Wire)
	assert.NotZero(t, got.At)
}

// What cannot be played is an error.
func TestPlayErrors(t *testing.T) {
	t.Parallel()
	certificates := newCertificates(t)
	_, err := conformance.Play(scenario(t, `{"steps": [{"op": 1}]}`), &fake{}, certificates, t.TempDir())
	assert.ErrorContains(t, err, "step 1: op")
	_, err = conformance.Play(scenario(t, `{"netrc": "x", "steps": []}`), &fake{}, certificates, filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = conformance.Play(scenario(t, `{"certificate": "none", "steps": []}`), &fake{}, certificates, t.TempDir())
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// Which variables a scenario may change.
func TestEnvNames(t *testing.T) {
	t.Parallel()
	names := conformance.EnvNames(scenario(t, `{"env": {"NETRC": "x", "OWN": null},
		"steps": [{"op": "env.set", "vars": {"LATER": null, "OWN": "1"}}, {"op": "hello"}]}`))
	assert.Equal(t, []string{
		"ALL_PROXY", "CURL_CA_BUNDLE", "HOME", "HTTPS_PROXY", "HTTP_PROXY", "LATER", "NETRC", "NO_PROXY", "OWN",
		"REQUESTS_CA_BUNDLE", "all_proxy", "http_proxy", "https_proxy", "no_proxy",
	}, names)
}

func TestLoad(t *testing.T) {
	t.Parallel()
	file := func(text string) fstest.MapFS { return fstest.MapFS{"s/a.json": {Data: []byte(text)}} }
	found, err := conformance.Load(file(`[{"name": "x"}, {"name": "y"}]`), "s")
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, "a.json#y", found[1].Label())
	for text, problem := range map[string]string{
		`[{"name": "x"}, {"name": "x"}]`:            "s/a.json: two scenarios",
		`[{"nonsense": 1}]`:                         "unknown field",
		`[{"server": [{"nonsense": 1}]}]`:           "unknown field",
		`[{"server": [{"chunked": "x"}]}]`:          "chunked",
		`[{"server": [{"body_b64": "nonsense!"}]}]`: "base64",
		`{`: "s/a.json",
	} {
		_, err := conformance.Load(file(text), "s")
		assert.ErrorContains(t, err, problem, text)
	}
	none, err := conformance.Load(file(`[]`), "other")
	assert.NoError(t, err)
	assert.Empty(t, none)
}
