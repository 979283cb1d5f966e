package session

import (
	"errors"
	"net/http"
)

// ResponseHook is called with every response, a redirect's too, before its
// body is read, before a redirect is followed, and after its cookies were
// kept; of the answers to one authentication, with the last one only. It may
// change the response and return it, or return another in its place (whose
// predecessor's body it must then close), or nil to leave it. An error fails
// the call, as an [ErrHook], and closes the body. It must be safe for
// concurrent use.
type ResponseHook func(resp *Response) (*Response, error)

// Hooks are called at the events of a call. It is a field of [Session] and
// [Request], and an [Option].
type Hooks struct {
	// Response hooks are called in order, each with what the one before gave.
	Response []ResponseHook
}

// Apply makes Hooks an [Option]: those that are not empty replace the session's.
func (h Hooks) Apply(r *Request) { r.Hooks = h.over(r.Hooks) }

// over is requests' merge_hooks: a list that is not empty replaces the other.
func (h Hooks) over(base Hooks) Hooks {
	if len(h.Response) == 0 {
		return base
	}
	return h
}

// run gives a response to each hook in turn.
func (h Hooks) run(resp *Response) (*Response, error) {
	for _, hook := range h.Response {
		if hook == nil {
			continue
		}
		changed, err := hook(resp)
		if changed == nil {
			changed = resp
		}
		if err == nil && changed.Response == nil {
			err = errNoResponse
		}
		if err != nil {
			resp.abandon()
			changed.abandon()
			return nil, wrapKind(ErrHook, err)
		}
		if changed.Body == nil {
			changed.Body = http.NoBody
		}
		resp = changed
	}
	return resp, nil
}

var errNoResponse = errors.New("a Response without one of net/http")

// abandon closes a response, which may be one that a hook has left without a body.
func (r *Response) abandon() {
	if r.Response != nil && r.Body != nil {
		_ = r.Close()
	}
}
