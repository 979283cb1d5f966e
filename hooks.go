package session

import (
	"errors"
	"net/http"
)

// ResponseHook is called with every response, a redirect's too, before its
// body is read, before a redirect is followed, and after its cookies were
// kept; of the answers to one authentication and of retried attempts, with the
// last one only, and with none where retries run out. It may
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
		changed, err := hook.run(resp)
		if err != nil {
			return nil, wrapKind(ErrHook, err)
		}
		resp = changed
	}
	return resp, nil
}

// run gives a response to the hook. After an error, and after a panic, nothing
// is left open.
func (hook ResponseHook) run(resp *Response) (*Response, error) {
	var changed *Response
	done := false
	defer func() {
		if !done {
			resp.abandon()
			changed.abandon()
		}
	}()
	changed, err := hook(resp)
	if changed == nil {
		changed = resp
	}
	if err == nil && changed.Response == nil {
		err = errNoResponse
	}
	if err != nil {
		return nil, err
	}
	done = true
	changed.complete(resp)
	return changed, nil
}

// complete gives a response that a hook has made what the one before has.
func (r *Response) complete(from *Response) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.Request == nil {
		r.Request = from.Request
	}
	if r.session == nil {
		r.session = from.session
	}
}

var errNoResponse = errors.New("a Response without one of net/http")

// abandon closes a response that may be incomplete.
func (r *Response) abandon() {
	if r != nil {
		r.wire.abort()
		_ = r.Close()
	}
}
