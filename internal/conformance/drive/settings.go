package drive

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/cbf3e3a9/session"
)

// headerAuth sets one header.
type headerAuth struct{ name, value string }

func (a headerAuth) Authenticate(req *http.Request) error {
	req.Header.Set(a.name, a.value)
	return nil
}

// errHook is what a hook of the driver's fails with.
var errHook = errors.New("the hook failed")

func (d *Driver) hooks(events map[string][]hookOf) (hooks session.Hooks, err error) {
	for event := range events {
		if event != "response" {
			return hooks, fmt.Errorf("%w: hooks of %q", errValue, event)
		}
	}
	for _, spec := range events["response"] {
		hooks.Response = append(hooks.Response, func(resp *session.Response) (*session.Response, error) {
			switch spec.Do {
			case "record":
				d.hookLog = append(d.hookLog, fmt.Sprintf("%s %d %s", spec.Label, resp.StatusCode, resp.URL()))
			case "header":
				resp.Header.Set(spec.Name, spec.Value)
			case "fail":
				return nil, fmt.Errorf("%w: %s", errHook, spec.Message)
			}
			return resp, nil
		})
	}
	return hooks, nil
}

// apply changes the settings of a session.
func (d *Driver) apply(s *session.Session, settings map[string]json.RawMessage) error {
	for name, raw := range settings {
		if err := d.applyOne(s, name, raw); err != nil {
			return err
		}
	}
	return nil
}

func (d *Driver) applyOne(s *session.Session, name string, raw json.RawMessage) (err error) {
	switch name {
	case "headers":
		err = applyHeaders(s, raw)
	case "params":
		err = applyParams(s, raw)
	case "proxies":
		err = applyProxies(s, raw)
	case "auth":
		s.Auth, err = authOf(raw)
	case "verify":
		s.Verify, err = verifyOf(raw)
		if s.Verify == session.VerifyDefault {
			s.Verify = nil
		}
	case "cert":
		s.Cert, err = certOf(raw)
	case "timeout":
		s.Timeout, err = timeoutOf(raw)
	case "hooks":
		var events map[string][]hookOf
		if err = json.Unmarshal(raw, &events); err == nil {
			s.Hooks, err = d.hooks(events)
		}
	case "stream":
		err = json.Unmarshal(raw, &s.Stream)
	case "trust_env":
		err = json.Unmarshal(raw, &s.TrustEnv)
	case "max_redirects":
		err = json.Unmarshal(raw, &s.MaxRedirects)
		if s.MaxRedirects == 0 {
			s.MaxRedirects = -1
		}
	default:
		err = fmt.Errorf("%w: setting %s", errUnsupported, name)
	}
	return err
}

func applyHeaders(s *session.Session, raw json.RawMessage) error {
	var values map[string]*string
	if err := json.Unmarshal(raw, &values); err != nil {
		return fmt.Errorf("%w: %w", errValue, err)
	}
	if s.Header == nil {
		s.Header = http.Header{}
	}
	for name, value := range values {
		key := http.CanonicalHeaderKey(name)
		s.Header[key] = nil
		if value != nil {
			s.Header[key] = []string{fromLatin1(*value)}
		}
	}
	return nil
}

func applyParams(s *session.Session, raw json.RawMessage) error {
	if isNull(raw) {
		return nil
	}
	if pairs, err := pairsOf(raw); err == nil {
		s.Params, s.OrderedParams = nil, pairs
		return nil
	}
	values, err := valuesOf(raw)
	if err != nil {
		return err
	}
	if s.OrderedParams != nil || s.Params == nil {
		s.Params, s.OrderedParams = url.Values{}, nil
	}
	for name, list := range values {
		s.Params[name] = list
	}
	return nil
}

func applyProxies(s *session.Session, raw json.RawMessage) error {
	var values map[string]*string
	if err := json.Unmarshal(raw, &values); err != nil {
		return fmt.Errorf("%w: %w", errValue, err)
	}
	if s.Proxies == nil {
		s.Proxies = session.Proxies{}
	}
	for key, value := range values {
		s.Proxies[key] = ""
		if value != nil {
			s.Proxies[key] = *value
		}
	}
	return nil
}

func (d *Driver) sessionGet(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	answer := object{}
	for _, name := range m.Names {
		if answer[name], err = setting(s, name); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func setting(s *session.Session, name string) (any, error) {
	switch name {
	case "headers":
		return headerObject(s.Header), nil
	case "params":
		if s.OrderedParams != nil {
			return s.OrderedParams, nil
		}
		return paramsObject(s.Params), nil
	case "proxies":
		return proxiesObject(s.Proxies), nil
	case "auth":
		return authObject(s.Auth), nil
	case "verify":
		return verifyValue(s.Verify), nil
	case "cert":
		return certValue(s.Cert), nil
	case "stream":
		return s.Stream, nil
	case "trust_env":
		return s.TrustEnv, nil
	case "max_redirects":
		return limitValue(s.MaxRedirects), nil
	case "timeout":
		return timeoutValue(s.Timeout), nil
	}
	return nil, fmt.Errorf("%w: setting %s", errUnsupported, name)
}

func headerObject(h http.Header) object {
	out := object{}
	for name, values := range h {
		if len(values) > 0 {
			out[name] = latin1(values[0])
		}
	}
	return out
}

func paramsObject(values url.Values) object {
	out := object{}
	for name, list := range values {
		switch len(list) {
		case 0:
			out[name] = nil
		case 1:
			out[name] = list[0]
		default:
			out[name] = list
		}
	}
	return out
}

func proxiesObject(p session.Proxies) object {
	out := object{}
	for key, proxy := range p {
		out[key] = nil
		if proxy != "" {
			out[key] = proxy
		}
	}
	return out
}

func authObject(auth session.Auth) any {
	switch a := auth.(type) {
	case session.Basic:
		return object{"type": "basic", "username": a.Username, "password": a.Password}
	case *session.Digest:
		return object{"type": "digest", "username": a.Username, "password": a.Password}
	case headerAuth:
		return object{"type": "header", "name": a.name, "value": a.value}
	}
	return nil
}

// verifyValue is true, false or a path.
func verifyValue(v session.Verify) any {
	switch v {
	case nil, session.VerifyDefault:
		return true
	case session.InsecureSkipVerify:
		return false
	}
	if path, ok := v.(session.CAFile); ok {
		return string(path)
	}
	return nil
}

func certValue(c session.Cert) any {
	files, ok := c.(session.CertFile)
	switch {
	case !ok:
		return nil
	case files.Key == "":
		return files.Cert
	}
	return []string{files.Cert, files.Key}
}

func limitValue(limit int) int {
	switch {
	case limit == 0:
		return session.DefaultMaxRedirects
	case limit < 0:
		return 0
	}
	return limit
}

func timeoutValue(t session.Timeout) any {
	if t.Connect <= 0 && t.Read <= 0 {
		return nil
	}
	if t.Connect == t.Read {
		return t.Read.Seconds()
	}
	return []float64{t.Connect.Seconds(), t.Read.Seconds()}
}

func (d *Driver) settingsFor(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	r, err := d.request(m)
	if err != nil {
		return nil, err
	}
	u, err := parse(m.URL)
	if err != nil {
		return nil, err
	}
	merged := s.MergeEnvironment(u, *r)
	return object{
		"proxies": proxiesObject(merged.Proxies), "stream": merged.Stream,
		"verify": verifyValue(merged.Verify), "cert": certValue(merged.Cert),
	}, nil
}
