// Package conformance plays the scenarios of this folder against a driver and
// compares what comes of them with what Python requests did, which is kept in
// recorded/. PROTOCOL.md describes a driver, SCENARIOS.md a scenario, and
// scenario.py is the same player in Python, which also makes the recordings.
package conformance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
)

// A Scenario is one entry of a scenario file. SCENARIOS.md says what its keys
// mean; the zero value of each is its default.
type Scenario struct {
	// File is the base name of the file it was loaded from, not a key.
	File string `json:"-"`

	Name               string             `json:"name"`
	About              string             `json:"about"`
	Server             []Route            `json:"server"`
	Steps              []Step             `json:"steps"`
	Env                map[string]*string `json:"env"`
	Netrc              *string            `json:"netrc"`
	Certificate        string             `json:"certificate"`
	ClientCertificate  string             `json:"client_certificate"`
	Ports              map[string]string  `json:"ports"`
	CompareConnections bool               `json:"compare_connections"`
	Ignore             []string           `json:"ignore"`
	Deliberate         Deliberate         `json:"deliberate"`
}

// Label names the scenario among all: its file and its name.
func (s Scenario) Label() string { return s.File + "#" + s.Name }

// A Step is one operation of PROTOCOL.md. Its values are kept as they are
// written, because the order of names in an object may show in a request.
type Step map[string]json.RawMessage

// A Route selects requests and says how they are answered.
type Route struct {
	Method   string   `json:"method"`
	Host     string   `json:"host"`
	Path     string   `json:"path"`
	IfHeader []string `json:"if_header"` // name, and the prefix of its value if any
	Times    *int     `json:"times"`     // how often it serves; nil for always

	Status         int         `json:"status"` // 0 for 200
	Reason         *string     `json:"reason"` // nil for the usual one
	Headers        [][2]string `json:"headers"`
	HeaderEncoding string      `json:"header_encoding"` // "utf-8", or Latin-1
	Body           string      `json:"body"`
	BodyB64        []byte      `json:"body_b64"` // in place of Body unless nil
	Echo           bool        `json:"echo"`
	Chunked        chunkSize   `json:"chunked"`
	UntilClose     bool        `json:"until_close"`
	Close          bool        `json:"close"`
	RawB64         []byte      `json:"raw_b64"`  // sent as it is unless nil
	Truncate       *int        `json:"truncate"` // bytes of the body, or chunks of it, that are sent
	Fault          string      `json:"fault"`    // "close" or "reset"
	DelayMS        float64     `json:"delay_ms"`
	BodyDelayMS    float64     `json:"body_delay_ms"`
}

// chunkSize is the size of the chunks of a body, 0 where it has none. In a
// file true stands for 16, and so does 1.
type chunkSize int

// UnmarshalJSON reads a number or a boolean.
func (c *chunkSize) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "false":
		*c = 0
		return nil
	case "true", "1":
		*c = 16
		return nil
	}
	return json.Unmarshal(text, (*int)(c))
}

// Deliberate says where the library differs from requests on purpose, and how
// the recorded observation is changed before it is compared.
type Deliberate struct {
	Why         string      `json:"why"`
	Patch       [][2]any    `json:"patch"`        // dotted path, and the value that goes there
	DropHeaders [][2]string `json:"drop_headers"` // dotted path of a header list, and a name
	WireLength  *int        `json:"wire_length"`  // requests beyond it are left out
}

// Load reads the scenario files of one folder, in the order of their names.
// It fails on a key that is not known and on two scenarios of one name.
func Load(files fs.FS, folder string) ([]Scenario, error) {
	names, err := fs.Glob(files, path.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []Scenario
	for _, name := range names {
		found, err := loadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func loadFile(files fs.FS, name string) ([]Scenario, error) {
	file, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	var found []Scenario
	if err := decoder.Decode(&found); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range found {
		found[i].File = path.Base(name)
		if seen[found[i].Name] {
			return nil, fmt.Errorf("two scenarios are called %q", found[i].Name)
		}
		seen[found[i].Name] = true
	}
	return found, nil
}

// A Recording is what requests did in the scenarios of one file.
type Recording struct {
	Python    string                 `json:"python"` // the versions that were recorded
	Requests  string                 `json:"requests"`
	Urllib3   string                 `json:"urllib3"`
	Scenarios map[string]Observation `json:"scenarios"` // by name
}

// LoadRecordings reads the recordings of one folder, by the base name of the
// scenario file that each belongs to.
func LoadRecordings(files fs.FS, folder string) (map[string]Recording, error) {
	names, err := fs.Glob(files, path.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	all := map[string]Recording{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var r Recording
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[path.Base(name)] = r
	}
	return all, nil
}
