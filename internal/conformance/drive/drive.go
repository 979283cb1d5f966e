// Package drive puts the library behind the protocol of PROTOCOL.md.
package drive

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/cbf3e3a9/session"
)

// Driver carries out operations, one after another. It is not safe for
// concurrent use. Make one with New.
type Driver struct {
	sessions  map[string]*session.Session
	responses map[int]*session.Response
	dial      dialMap
	hookLog   []string
}

// New returns a Driver without sessions.
func New() *Driver {
	return &Driver{sessions: map[string]*session.Session{}, responses: map[int]*session.Response{}}
}

// Close closes all sessions.
func (d *Driver) Close() {
	for _, s := range d.sessions {
		_ = s.Close()
	}
	clear(d.sessions)
}

// object is a JSON object of the protocol.
type object map[string]any

// errUnsupported is an operation or an argument that the library has no
// counterpart for.
var errUnsupported = errors.New("unsupported")

// errValue is an argument that is refused.
var errValue = errors.New("value error")

// Handle carries out the operation of one line and returns the line to answer.
func (d *Driver) Handle(line []byte) []byte {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return encode(object{"error": object{"kind": "ValueError", "message": err.Error()}})
	}
	answer, err := d.handle(&m)
	if err != nil {
		return encode(object{"id": m.ID, "error": d.errorObject(err)})
	}
	return encode(object{"id": m.ID, "ok": answer})
}

func encode(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		out, _ = json.Marshal(object{"error": object{"kind": "Other", "message": err.Error()}})
	}
	return out
}

// handlers are the operations of the protocol.
func (d *Driver) handlers() map[string]func(*message) (object, error) {
	return map[string]func(*message) (object, error){
		"hello":                d.hello,
		"env.set":              d.envSet,
		"dial.map":             d.dialMap,
		"session.new":          d.sessionNew,
		"session.set":          d.sessionSet,
		"session.get":          d.sessionGet,
		"session.request":      d.sessionRequest,
		"session.prepare":      d.sessionPrepare,
		"session.next":         d.sessionNext,
		"session.settings_for": d.settingsFor,
		"session.mount":        d.sessionMount,
		"session.adapters":     d.sessionAdapters,
		"session.adapter_for":  d.adapterFor,
		"session.cookies":      d.sessionCookies,
		"session.set_cookie":   d.setCookie,
		"session.save":         d.sessionSave,
		"session.load":         d.sessionLoad,
		"session.clone":        d.sessionClone,
		"session.close":        d.sessionClose,
		"util.strip_auth":      stripAuth,
		"util.links":           links,
		"util.encoding":        encoding,
		"util.bypass":          bypass,
		"util.proxy":           selectProxy,
		"util.netrc":           netrcAuth,
		"util.requote":         requote,
	}
}

func (d *Driver) handle(m *message) (object, error) {
	handler, ok := d.handlers()[m.Op]
	if !ok {
		return nil, fmt.Errorf("%w: operation %s", errUnsupported, m.Op)
	}
	return handler(m)
}

func (d *Driver) hello(*message) (object, error) {
	return object{"library": "session", "version": session.Version, "protocol": 1}, nil
}

func (d *Driver) envSet(m *message) (object, error) {
	for name, value := range m.Vars {
		var err error
		if value == nil {
			err = os.Unsetenv(name)
		} else {
			err = os.Setenv(name, *value)
		}
		if err != nil {
			return nil, err
		}
	}
	return object{}, nil
}

// session finds a session by name.
func (d *Driver) session(name string) (*session.Session, error) {
	s, ok := d.sessions[name]
	if !ok {
		return nil, fmt.Errorf("%w: no session %q", errValue, name)
	}
	return s, nil
}

// keep names a session; one that had the name is closed.
func (d *Driver) keep(name string, s *session.Session) {
	if old := d.sessions[name]; old != nil {
		_ = old.Close()
	}
	d.sessions[name] = s
}

// mapped has a session dial by the map.
func (d *Driver) mapped(s *session.Session) error {
	adapter := d.dial.adapter()
	for _, prefix := range []string{"https://", "http://"} {
		if err := s.Mount(prefix, adapter); err != nil {
			return err
		}
	}
	return nil
}

func (d *Driver) sessionNew(m *message) (object, error) {
	s := session.New()
	if err := d.mapped(s); err != nil {
		return nil, err
	}
	if err := d.apply(s, m.Settings); err != nil {
		return nil, err
	}
	d.keep(m.Session, s)
	return object{}, nil
}

func (d *Driver) sessionSet(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	return object{}, d.apply(s, m.Settings)
}

func (d *Driver) sessionRequest(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	r, err := d.request(m)
	if err != nil {
		return nil, err
	}
	d.hookLog = nil
	return d.answer(m.ID, func() (*session.Response, error) {
		return s.Send(m.context(), r)
	})
}

func (d *Driver) sessionPrepare(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	r, err := d.request(m)
	if err != nil {
		return nil, err
	}
	req, err := s.Prepare(m.context(), r)
	if err != nil {
		return nil, err
	}
	return preparedObject(req), nil
}

func (d *Driver) sessionNext(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	resp := d.responses[m.Response]
	if resp == nil {
		return nil, fmt.Errorf("%w: no response %d", errValue, m.Response)
	}
	next, err := resp.Next()
	if err != nil {
		return nil, err
	}
	if next == nil {
		return nil, fmt.Errorf("%w: response %d leads nowhere", errValue, m.Response)
	}
	d.hookLog = nil
	return d.answer(m.ID, func() (*session.Response, error) {
		return s.SendPrepared(next, session.FollowRedirects(false))
	})
}

func (d *Driver) sessionCookies(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	jar, ok := s.Jar.(*session.Jar)
	if !ok {
		return object{"cookies": []any{}}, nil
	}
	var cookies []session.Cookie
	for c := range jar.All() {
		cookies = append(cookies, c)
	}
	return object{"cookies": cookieObjects(cookies)}, nil
}

func (d *Driver) setCookie(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	jar, ok := s.Jar.(*session.Jar)
	if !ok {
		return nil, fmt.Errorf("%w: the session has no jar", errValue)
	}
	return object{}, jar.Put(m.Cookie.cookie())
}

func (d *Driver) sessionSave(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	data, _, err := s.MarshalState()
	return object{"state_b64": data}, err
}

func (d *Driver) sessionLoad(m *message) (object, error) {
	s, err := session.UnmarshalState(m.State)
	if err != nil {
		return nil, err
	}
	if err := d.mapped(s); err != nil {
		return nil, err
	}
	d.keep(m.Session, s)
	return object{}, nil
}

func (d *Driver) sessionClone(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	d.keep(m.As, s.Clone())
	return object{}, nil
}

func (d *Driver) sessionClose(m *message) (object, error) {
	s, err := d.session(m.Session)
	if err != nil {
		return nil, err
	}
	delete(d.sessions, m.Session)
	return object{}, s.Close()
}
