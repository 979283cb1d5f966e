package drive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cbf3e3a9/session"
)

// message is a line of the protocol. A raw field is nil where its key is absent.
type message struct {
	ID       int                        `json:"id"`
	Op       string                     `json:"op"`
	Session  string                     `json:"session"`
	Settings map[string]json.RawMessage `json:"settings"`
	Names    []string                   `json:"names"`
	Vars     map[string]*string         `json:"vars"`
	Map      map[string]string          `json:"map"`
	Response int                        `json:"response"`
	Prefix   string                     `json:"prefix"`
	Label    string                     `json:"label"`
	Cookie   cookieSpec                 `json:"cookie"`
	State    []byte                     `json:"state_b64"`
	As       string                     `json:"as"`
	Value    string                     `json:"value"`
	Old      string                     `json:"old"`
	New      string                     `json:"new"`
	NoProxy  *string                    `json:"no_proxy"`

	Method         string              `json:"method"`
	URL            string              `json:"url"`
	Params         json.RawMessage     `json:"params"`
	Headers        map[string]*string  `json:"headers"`
	Cookies        map[string]*string  `json:"cookies"`
	Auth           json.RawMessage     `json:"auth"`
	Data           json.RawMessage     `json:"data"`
	DataBytes      *[]byte             `json:"data_b64"`
	DataStream     *[]byte             `json:"data_stream_b64"`
	DataSeekable   *[]byte             `json:"data_seekable_b64"`
	DataOffset     int64               `json:"data_offset"`
	JSON           json.RawMessage     `json:"json"`
	HasJSON        bool                `json:"has_json"`
	Files          []fileSpec          `json:"files"`
	Timeout        json.RawMessage     `json:"timeout"`
	AllowRedirects *bool               `json:"allow_redirects"`
	Proxies        map[string]*string  `json:"proxies"`
	Verify         json.RawMessage     `json:"verify"`
	Cert           json.RawMessage     `json:"cert"`
	Stream         *bool               `json:"stream"`
	Hooks          map[string][]hookOf `json:"hooks"`
	ContentType    string              `json:"content_type"`
}

type fileSpec struct {
	Field       string `json:"field"`
	Filename    string `json:"filename"`
	Content     []byte `json:"content_b64"`
	ContentType string `json:"content_type"`
}

type hookOf struct {
	Do      string `json:"do"`
	Label   string `json:"label"`
	Name    string `json:"name"`
	Value   string `json:"value"`
	Message string `json:"message"`
}

type cookieSpec struct {
	Name     string   `json:"name"`
	Value    string   `json:"value"`
	Domain   string   `json:"domain"`
	Path     string   `json:"path"`
	Secure   bool     `json:"secure"`
	Expires  *float64 `json:"expires"`
	HTTPOnly bool     `json:"http_only"`
	HostOnly *bool    `json:"host_only"`
}

func (c cookieSpec) cookie() session.Cookie {
	out := session.Cookie{
		Name: c.Name, Value: fromLatin1(c.Value), Domain: c.Domain, Path: c.Path,
		Secure: c.Secure, HttpOnly: c.HTTPOnly, HostOnly: c.HostOnly == nil || *c.HostOnly,
	}
	if out.Path == "" {
		out.Path = "/"
	}
	if c.Expires != nil {
		out.Expires = time.Unix(int64(*c.Expires), 0)
	}
	return out
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// request makes the library's Request of a message.
func (d *Driver) request(m *message) (*session.Request, error) {
	hooks, err := d.hooks(m.Hooks)
	if err != nil {
		return nil, err
	}
	r := &session.Request{Method: m.Method, URL: m.URL, Hooks: hooks}
	var opts []session.Option
	for _, read := range []func(*message) (session.Option, error){
		params, auth, d.data, files, jsonOf, timeoutOption, verifyOption, certOption,
	} {
		opt, err := read(m)
		if err != nil {
			return nil, err
		}
		opts = append(opts, opt)
	}
	opts = append(opts, headers(m.Headers), cookies(m.Cookies), proxies(m.Proxies))
	for _, opt := range opts {
		if opt != nil {
			opt.Apply(r)
		}
	}
	if m.AllowRedirects != nil {
		session.FollowRedirects(*m.AllowRedirects).Apply(r)
	}
	if m.Stream != nil {
		session.Stream(*m.Stream).Apply(r)
	}
	return r, nil
}

func headers(values map[string]*string) session.Option {
	h := session.Header{}
	for name, value := range values {
		h[name] = nil
		if value != nil {
			h[name] = []string{fromLatin1(*value)}
		}
	}
	return h
}

// fromLatin1 gives the bytes that a text stands for, each by the code point of
// its number.
func fromLatin1(text string) string {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return text
		}
		out = append(out, byte(r))
	}
	return string(out)
}

// latin1 gives bytes as text, each as the code point of its number.
func latin1(text string) string {
	out := make([]rune, len(text))
	for i := range len(text) {
		out[i] = rune(text[i])
	}
	return string(out)
}

func cookies(values map[string]*string) session.Option {
	c := session.Cookies{}
	for name, value := range values {
		if value != nil {
			c[name] = fromLatin1(*value)
		}
	}
	return c
}

func proxies(values map[string]*string) session.Option {
	p := session.Proxies{}
	for key, value := range values {
		p[key] = ""
		if value != nil {
			p[key] = *value
		}
	}
	return p
}

// params reads a map, a list of pairs or a string.
func params(m *message) (session.Option, error) {
	if isNull(m.Params) {
		return nil, nil
	}
	var text string
	if json.Unmarshal(m.Params, &text) == nil {
		return session.RawParams(text), nil
	}
	if pairs, err := pairsOf(m.Params); err == nil {
		if len(pairs) == 0 {
			return nil, nil
		}
		return session.OrderedParams(pairs), nil
	}
	values, err := valuesOf(m.Params)
	return session.Params(values), err
}

// pairsOf reads a list of pairs; null values are left out.
func pairsOf(raw json.RawMessage) ([]session.Pair, error) {
	var list [][]json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	pairs := []session.Pair{}
	for _, entry := range list {
		if len(entry) != 2 {
			return nil, fmt.Errorf("%w: no pair", errValue)
		}
		name, err := scalars(entry[0])
		if err != nil || len(name) != 1 {
			return nil, fmt.Errorf("%w: no name", errValue)
		}
		values, err := scalars(entry[1])
		if err != nil {
			return nil, err
		}
		for _, value := range values {
			pairs = append(pairs, session.Pair{name[0], value})
		}
	}
	return pairs, nil
}

// valuesOf reads a map of names to values or lists of them; null is nil.
func valuesOf(raw json.RawMessage) (map[string][]string, error) {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("%w: %w", errValue, err)
	}
	values := map[string][]string{}
	for name, entry := range entries {
		list, err := scalars(entry)
		if err != nil {
			return nil, err
		}
		values[name] = list
	}
	return values, nil
}

// scalars reads a value or a list of them as Python's str gives them.
func scalars(raw json.RawMessage) ([]string, error) {
	if isNull(raw) {
		return nil, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	values := []string{}
	for _, entry := range list {
		decoder := json.NewDecoder(bytes.NewReader(entry))
		decoder.UseNumber()
		var v any
		if err := decoder.Decode(&v); err != nil {
			return nil, fmt.Errorf("%w: %w", errValue, err)
		}
		switch v := v.(type) {
		case string:
			values = append(values, v)
		case json.Number:
			values = append(values, v.String())
		case bool:
			values = append(values, strings.ToUpper(strconv.FormatBool(v)[:1])+strconv.FormatBool(v)[1:])
		case nil: // left out, as in requests
		default:
			return nil, fmt.Errorf("%w: %T", errUnsupported, v)
		}
	}
	return values, nil
}

func authOf(raw json.RawMessage) (session.Auth, error) {
	if isNull(raw) {
		return nil, nil
	}
	var spec struct{ Type, Username, Password, Name, Value string }
	if err := json.Unmarshal(raw, &spec); err != nil {
		return nil, fmt.Errorf("%w: %w", errValue, err)
	}
	switch spec.Type {
	case "basic":
		return session.BasicAuth(spec.Username, spec.Password), nil
	case "digest":
		return session.DigestAuth(spec.Username, spec.Password), nil
	case "header":
		return headerAuth{spec.Name, spec.Value}, nil
	}
	return nil, fmt.Errorf("%w: auth %q", errUnsupported, spec.Type)
}

func auth(m *message) (session.Option, error) {
	a, err := authOf(m.Auth)
	if a == nil || err != nil {
		return nil, err
	}
	return session.OptionFunc(func(r *session.Request) { r.Auth = a }), nil
}

// data reads the body in any of its forms.
func (d *Driver) data(m *message) (session.Option, error) {
	switch {
	case m.DataBytes != nil:
		return session.Bytes(*m.DataBytes), nil
	case m.DataStream != nil:
		// a reader that tells no length and cannot seek
		return session.Reader(struct{ io.Reader }{bytes.NewReader(*m.DataStream)}), nil
	case m.DataSeekable != nil:
		file := bytes.NewReader(*m.DataSeekable)
		if _, err := file.Seek(m.DataOffset, io.SeekStart); err != nil {
			return nil, fmt.Errorf("%w: %w", errValue, err)
		}
		return session.Reader(file), nil
	case isNull(m.Data):
		return nil, nil
	}
	var text string
	if json.Unmarshal(m.Data, &text) == nil {
		if text == "" {
			return nil, nil
		}
		return session.Text(text), nil
	}
	if pairs, err := pairsOf(m.Data); err == nil {
		return session.OrderedForm(pairs), nil
	}
	values, err := valuesOf(m.Data)
	return session.Form(values), err
}

func files(m *message) (session.Option, error) {
	var list session.Files
	for _, f := range m.Files {
		list = append(list, session.File{
			Field: f.Field, Name: f.Filename, ContentType: f.ContentType, Content: session.Bytes(f.Content),
		})
	}
	if list == nil {
		return nil, nil
	}
	return list, nil
}

func jsonOf(m *message) (session.Option, error) {
	if isNull(m.JSON) && !m.HasJSON {
		return nil, nil
	}
	if m.JSON == nil {
		return session.JSON(nil), nil
	}
	return session.JSON(m.JSON), nil
}

// timeoutOf reads seconds, or seconds to connect and to read; null is none.
func timeoutOf(raw json.RawMessage) (session.Timeout, error) {
	var one *float64
	if json.Unmarshal(raw, &one) == nil {
		d, err := seconds(one)
		return session.Timeout{Connect: d, Read: d}, err
	}
	var two []*float64
	if err := json.Unmarshal(raw, &two); err != nil || len(two) != 2 {
		return session.Timeout{}, fmt.Errorf("%w: timeout", errValue)
	}
	connect, err := seconds(two[0])
	if err != nil {
		return session.Timeout{}, err
	}
	read, err := seconds(two[1])
	return session.Timeout{Connect: connect, Read: read}, err
}

func seconds(n *float64) (time.Duration, error) {
	switch {
	case n == nil:
		return session.NoTimeout, nil
	case *n <= 0:
		return 0, fmt.Errorf("%w: a timeout of %v", errValue, *n)
	}
	return time.Duration(*n * float64(time.Second)), nil
}

func timeoutOption(m *message) (session.Option, error) {
	if m.Timeout == nil {
		return nil, nil
	}
	return timeoutOf(m.Timeout)
}

// verifyOf reads true, false or a path.
func verifyOf(raw json.RawMessage) (session.Verify, error) {
	if isNull(raw) {
		return nil, nil
	}
	var on bool
	if json.Unmarshal(raw, &on) == nil {
		if on {
			return session.VerifyDefault, nil
		}
		return session.InsecureSkipVerify, nil
	}
	var path string
	if err := json.Unmarshal(raw, &path); err != nil {
		return nil, fmt.Errorf("%w: verify", errValue)
	}
	return session.CAFile(path), nil
}

func verifyOption(m *message) (session.Option, error) {
	v, err := verifyOf(m.Verify)
	if v == nil || err != nil {
		return nil, err
	}
	return v, nil
}

// certOf reads a path or two.
func certOf(raw json.RawMessage) (session.Cert, error) {
	if isNull(raw) {
		return nil, nil
	}
	var path string
	if json.Unmarshal(raw, &path) == nil {
		return session.CertFile{Cert: path}, nil
	}
	var pair []string
	if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 {
		return nil, fmt.Errorf("%w: cert", errValue)
	}
	return session.CertFile{Cert: pair[0], Key: pair[1]}, nil
}

func certOption(m *message) (session.Option, error) {
	c, err := certOf(m.Cert)
	if c == nil || err != nil {
		return nil, err
	}
	return c, nil
}
