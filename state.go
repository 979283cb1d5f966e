package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

// stateVersion is the version of what MarshalState writes.
const stateVersion = 1

// maxStateFile bounds what LoadState reads, in bytes.
const maxStateFile = 256 << 20

// state is a session as it is saved.
type state struct {
	Version       int
	Header        map[string][]savedText `json:",omitempty"`
	Params        *string                `json:",omitempty"` // URL-encoded
	OrderedParams [][2]savedText         `json:",omitzero"`
	Auth          *savedAuth             `json:",omitempty"`
	Secrets       *savedSecrets          `json:",omitempty"`
	Proxies       map[string]savedText   `json:",omitzero"`
	Verify        *savedVerify           `json:",omitempty"`
	Cert          *savedCert             `json:",omitempty"`
	Stream        bool                   `json:",omitempty"`
	Connect       time.Duration          `json:",omitempty"`
	Read          time.Duration          `json:",omitempty"`
	Total         time.Duration          `json:",omitempty"`
	Limits        *Limits                `json:",omitempty"`
	Retry         *Retry                 `json:",omitempty"`
	TrustEnv      bool                   `json:",omitempty"`
	BaseURL       savedText              `json:",omitempty"`
	MaxRedirects  int                    `json:",omitempty"`
	Redirects     *RedirectCache         `json:",omitempty"`
	Jar           *savedJar              `json:",omitempty"`
}

type savedAuth struct {
	Type     string    // "basic", "bearer", "digest", "none"
	Username savedText `json:",omitempty"`
	Password savedText `json:",omitempty"` // or the token
}

type savedSecrets struct {
	Origin  savedText              `json:",omitempty"`
	Header  map[string][]savedText `json:",omitempty"`
	Params  *string                `json:",omitempty"` // URL-encoded
	Cookies map[string]savedText   `json:",omitempty"`
}

type savedVerify struct {
	Type string    // "file", "insecure"
	Path savedText `json:",omitempty"`
}

type savedCert struct{ Cert, Key savedText }

type savedJar struct {
	MaxPerDomain, MaxCookieBytes, MaxHeaderBytes int             `json:",omitempty"`
	Cookies                                      json.RawMessage // as [Jar.MarshalJSON] gives them
}

// MarshalState gives the session's settings and cookies as JSON, for
// [UnmarshalState]. It holds secrets: passwords, tokens, cookies.
//
// What cannot be saved is left out and listed by the names of its fields:
// functions (Hooks, redirect steps, an Auth of the caller's own), adapters
// that were mounted or unmounted, a Jar that is not a [*Jar], certificates that
// are in memory. It is safe to call while requests are in flight.
func (s *Session) MarshalState() (data []byte, omitted []string, err error) {
	saved := state{
		Version: stateVersion, Header: textLists[savedText](s.Header), Params: saveParams(s.Params),
		OrderedParams: textPairs[[2]savedText](s.OrderedParams), Proxies: texts[savedText](s.Proxies), Stream: s.Stream,
		Connect: s.Timeout.Connect, Read: s.Timeout.Read, Total: s.Timeout.Total,
		Secrets: saveSecrets(s.Secrets), Limits: saveLimits(s.Limits), Retry: s.Retry, TrustEnv: s.TrustEnv, BaseURL: savedText(s.BaseURL),
		MaxRedirects: s.MaxRedirects, Redirects: s.Cache,
	}
	saved.Auth = saveAuth(s.Auth)
	saved.Verify = saveVerify(s.Verify)
	if files, ok := s.Cert.(CertFile); ok {
		saved.Cert = &savedCert{savedText(files.Cert), savedText(files.Key)}
	}
	if saved.Jar, err = saveJar(s.Jar); err != nil {
		return nil, nil, err
	}
	data, err = json.Marshal(saved)
	return data, s.omitted(saved), err
}

// omitted lists the fields that have something which saved does not hold.
func (s *Session) omitted(saved state) []string {
	var names []string
	for _, field := range []struct {
		name string
		left bool
	}{
		{"Auth", s.Auth != nil && saved.Auth == nil},
		{"Hooks", len(s.Hooks.Response) > 0},
		{"Jar", s.Jar != nil && saved.Jar == nil},
		{"Verify", s.Verify != nil && s.Verify != VerifyDefault && saved.Verify == nil},
		{"Cert", s.Cert != nil && s.Cert != NoCert && saved.Cert == nil},
		{"RedirectTarget", s.RedirectTarget != nil},
		{"RebuildMethod", s.RebuildMethod != nil},
		{"ShouldStripAuth", s.ShouldStripAuth != nil},
		{"RebuildAuth", s.RebuildAuth != nil},
		{"RebuildProxies", s.RebuildProxies != nil},
	} {
		if field.left {
			names = append(names, field.name)
		}
	}
	return append(names, s.omittedAdapters()...)
}

// omittedAdapters names what is mounted otherwise than a new session has it,
// and what that has and this one has not.
func (s *Session) omittedAdapters() (names []string) {
	missing := map[string]bool{"https://": true, "http://": true}
	for _, m := range s.Adapters() {
		a, ok := m.Adapter.(*HTTPAdapter)
		if !ok || a.Base != nil || a.Wrap != nil || a.MaxTransports != 0 || !missing[m.Prefix] {
			names = append(names, fmt.Sprintf("adapter %q", m.Prefix))
		}
		delete(missing, m.Prefix)
	}
	for _, prefix := range sortedKeys(missing) {
		names = append(names, fmt.Sprintf("adapter %q", prefix))
	}
	return names
}

// saveJar gives a *Jar as it is saved; nil for any other.
func saveJar(jar http.CookieJar) (*savedJar, error) {
	own, ok := jar.(*Jar)
	if !ok || own == nil {
		return nil, nil
	}
	cookies, err := own.MarshalJSON()
	return &savedJar{own.MaxPerDomain, own.MaxCookieBytes, own.MaxHeaderBytes, cookies}, err
}

// jar gives the jar that was saved, nil for none.
func (j *savedJar) jar() (http.CookieJar, error) {
	if j == nil {
		return nil, nil
	}
	jar := &Jar{MaxPerDomain: j.MaxPerDomain, MaxCookieBytes: j.MaxCookieBytes, MaxHeaderBytes: j.MaxHeaderBytes}
	if err := jar.UnmarshalJSON(j.Cookies); err != nil {
		return nil, kindf(ErrInvalidRequest, "state: cookies: %w", err)
	}
	return jar, nil
}

func saveAuth(auth Auth) *savedAuth {
	switch a := auth.(type) {
	case Basic:
		return &savedAuth{"basic", savedText(a.Username), savedText(a.Password)}
	case Bearer:
		return &savedAuth{"bearer", "", savedText(a.Token)}
	case *Digest:
		return &savedAuth{"digest", savedText(a.Username), savedText(a.Password)}
	case noAuth:
		return &savedAuth{Type: "none"}
	}
	return nil
}

func (a *savedAuth) auth() (Auth, error) {
	if a == nil {
		return nil, nil
	}
	switch a.Type {
	case "basic":
		return BasicAuth(string(a.Username), string(a.Password)), nil
	case "bearer":
		return BearerAuth(string(a.Password)), nil
	case "digest":
		return DigestAuth(string(a.Username), string(a.Password)), nil
	case "none":
		return NoAuth, nil
	}
	return nil, kindf(ErrInvalidRequest, "state: auth of an unknown type")
}

func saveVerify(verify Verify) *savedVerify {
	switch v := verify.(type) {
	case CAFile:
		return &savedVerify{"file", savedText(v)}
	case insecureSkipVerify:
		return &savedVerify{Type: "insecure"}
	}
	return nil
}

func (v *savedVerify) verify() (Verify, error) {
	if v == nil {
		return nil, nil
	}
	switch v.Type {
	case "file":
		return CAFile(v.Path), nil
	case "insecure":
		return InsecureSkipVerify, nil
	}
	return nil, kindf(ErrInvalidRequest, "state: verify of an unknown type")
}

func saveSecrets(s Secrets) *savedSecrets {
	if s.isEmpty() && s.Origin == "" {
		return nil
	}
	return &savedSecrets{
		savedText(s.Origin), textLists[savedText](s.Header), saveParams(url.Values(s.Params)), texts[savedText](s.Cookies),
	}
}

func (s *savedSecrets) secrets() (Secrets, error) {
	if s == nil {
		return Secrets{}, nil
	}
	params, err := savedParams(s.Params)
	return Secrets{
		string(s.Origin), textLists[string](s.Header), Params(params), texts[string](s.Cookies),
	}, err
}

func saveLimits(l Limits) *Limits {
	if l == (Limits{}) {
		return nil
	}
	return &l
}

func saveParams(params url.Values) *string {
	if params == nil {
		return nil
	}
	query := params.Encode()
	return &query
}

func savedParams(query *string) (url.Values, error) {
	if query == nil {
		return nil, nil
	}
	params, err := url.ParseQuery(*query)
	if err != nil {
		return nil, kindf(ErrInvalidRequest, "state: params are not URL-encoded")
	}
	return params, nil
}

// decodeStrictly decodes JSON that is all of data and has no field that is not
// known, as that of another kind of file would, such as a jar's.
func decodeStrictly(data []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more follows after the state")
	}
	return nil
}

// UnmarshalState returns a session with the settings and cookies that
// MarshalState gave. An error is an [ErrInvalidRequest] or one of encoding/json;
// it holds none of the data.
func UnmarshalState(data []byte) (*Session, error) {
	var saved state
	if err := decodeStrictly(data, &saved); err != nil {
		return nil, kindf(ErrInvalidRequest, "state: %w", err)
	}
	if saved.Version != stateVersion {
		return nil, kindf(ErrInvalidRequest, "state: version %d is not known", saved.Version)
	}
	auth, err := saved.Auth.auth()
	if err != nil {
		return nil, err
	}
	verify, err := saved.Verify.verify()
	if err != nil {
		return nil, err
	}
	params, err := savedParams(saved.Params)
	if err != nil {
		return nil, err
	}
	secrets, err := saved.Secrets.secrets()
	if err != nil {
		return nil, err
	}
	jar, err := saved.Jar.jar()
	if err != nil {
		return nil, err
	}
	s := &Session{
		Secrets: secrets, Jar: jar, Header: textLists[string](saved.Header), Params: params,
		OrderedParams: textPairs[Pair](saved.OrderedParams), Auth: auth, Proxies: texts[string](saved.Proxies), Verify: verify, Stream: saved.Stream,
		Timeout: Timeout{saved.Connect, saved.Read, saved.Total}, Retry: saved.Retry,
		TrustEnv: saved.TrustEnv, BaseURL: string(saved.BaseURL),
	}
	s.MaxRedirects, s.Cache = saved.MaxRedirects, saved.Redirects
	if saved.Limits != nil {
		s.Limits = *saved.Limits
	}
	if saved.Cert != nil {
		s.Cert = CertFile{string(saved.Cert.Cert), string(saved.Cert.Key)}
	}
	return s, nil
}

// SaveState writes what MarshalState gives to a file that only its owner can
// read (0600): to a temporary one that then takes its place, so that the file
// is always whole; a process that is killed meanwhile leaves the temporary one,
// .session-*.tmp. It returns what was left out.
func (s *Session) SaveState(path string) (omitted []string, err error) {
	data, omitted, err := s.MarshalState()
	if err != nil {
		return omitted, err
	}
	return omitted, writeFileAtomic(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// LoadState returns the session that SaveState wrote. Errors are those of
// opening the file and of UnmarshalState; a file over 256 MiB is a [*LimitError].
func LoadState(path string) (*Session, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	tooLarge := &LimitError{"size of a state file", maxStateFile}
	if info, err := file.Stat(); err == nil && info.Size() > maxStateFile {
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(file, maxStateFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxStateFile {
		return nil, tooLarge
	}
	s, err := UnmarshalState(data)
	if err != nil {
		return nil, fmt.Errorf("session: loading %q: %w", path, err)
	}
	return s, nil
}
