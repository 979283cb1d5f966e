package session

import (
	"net/http"
	"net/url"
)

// Request describes a request before the session's settings are merged into
// it; only URL is required. It is not written to by sending, and can be sent
// any number of times, at once too, unless its Body is a [Reader].
//
// One rule holds for every field: zero inherits from the session, a value
// overrides it, and a nil entry of a map, or a value named No…, removes it.
type Request struct {
	// Method is sent in upper case; "" is GET.
	Method string
	// URL may be relative to the session's BaseURL.
	URL string
	// Header overrides the session's header by header; a nil value removes one.
	// Names are compared without regard to case. Host sets the Host header,
	// and Content-Length the length of a body whose length is not known.
	Header http.Header
	// Params overrides the session's name by name, and is written, in the order
	// of the names, behind the query that the URL has. A nil value removes a name.
	Params url.Values
	// OrderedParams, where it is not nil, is written as it is, in place of
	// Params and of the session's.
	OrderedParams OrderedParams
	// RawParams, where it is not "", is appended as it is, illegal characters
	// encoded, in place of Params and of the session's.
	RawParams string
	// Cookies go with the request, besides the session's and in place of those
	// of the same name. They belong to the host of URL and are not kept.
	Cookies Cookies
	// Body is what is sent.
	Body Body
	// Files makes the body a multipart one.
	Files Files
	// Auth takes the place of the session's; NoAuth removes it.
	Auth Auth
	// Secrets are for one origin alone; they go over the session's, name by name.
	Secrets Secrets
	// Proxies overrides the session's entry by entry; an empty value removes
	// one, and keeps the environment's from taking its place.
	Proxies Proxies
	// NoProxy sends the request directly, whatever session and environment say.
	NoProxy bool
	// Verify takes the place of the session's.
	Verify Verify
	// Cert takes the place of the session's; NoCert removes it.
	Cert Cert
	// Timeout overrides the session's field by field; NoTimeout removes one.
	Timeout Timeout
	// Limits overrides the session's field by field.
	Limits Limits
	// Retry takes the place of the session's; an empty one, or NoRetry, removes it.
	Retry *Retry
	// Hooks replaces the session's, event by event, where it is not empty.
	Hooks Hooks
	// Stream says whether the body is left for the caller to read and close.
	Stream Switch
	// Redirects says whether redirects are followed: On, but for HEAD.
	Redirects Switch

	err error // of an option
}

// Switch is a setting of a request that inherits, is on, or is off.
type Switch int8

// The states of a Switch.
const (
	Inherit Switch = iota // what the session says
	On
	Off
)

// or gives the switch as a bool, and inherited where it is neither on nor off.
func (s Switch) or(inherited bool) bool {
	if s == Inherit {
		return inherited
	}
	return s == On
}

func switchTo(on bool) Switch {
	if on {
		return On
	}
	return Off
}

// Option sets something of a request. Most settings of a [Request] are options
// by themselves: Header{…}, Params{…}, Form{…}, BasicAuth(…), Timeout{…}. A nil
// Option is skipped.
type Option interface {
	// Apply writes to r, which belongs to the call and is not yet prepared.
	Apply(r *Request)
}

// take applies an option. The map of a first Header or Params is not copied
// before an option comes that might write to it, and a [Reader] whose place
// another body takes is closed.
func (r *Request) take(opt Option) {
	if given, ok := r.Body.(*readerBody); ok {
		if _, ok := opt.(Body); ok { // an option of the caller's may go on using the reader
			defer func() { given.closeUnlessIn(r.Body) }()
		}
	}
	switch o := opt.(type) {
	case nil:
	case Header:
		if r.Header == nil {
			r.Header = http.Header(o)
			return
		}
		o.Apply(r)
	case Params:
		if r.Params == nil {
			r.Params = url.Values(o)
			return
		}
		o.Apply(r)
	default:
		if !r.takeOwn(opt) {
			r.takeForeign(opt)
		}
	}
}

// takeOwn applies an option of this package's that is used much, and reports
// whether it is one. They are called one by one since a call by way of the
// interface would put every Request on the heap.
func (r *Request) takeOwn(opt Option) bool {
	switch o := opt.(type) {
	case Basic:
		o.Apply(r)
	case Bearer:
		o.Apply(r)
	case Cookies:
		o.Apply(r)
	case jsonBody:
		o.Apply(r)
	case Form:
		o.Apply(r)
	case Text:
		o.Apply(r)
	case Bytes:
		o.Apply(r)
	case *readerBody:
		o.Apply(r)
	case Timeout:
		o.Apply(r)
	case streaming:
		o.Apply(r)
	case following:
		o.Apply(r)
	default:
		return false
	}
	return true
}

// takeForeign applies any option, to a copy: the caller's may keep what it is
// given, and write to its maps.
func (r *Request) takeForeign(opt Option) {
	own := *r
	switch opt.(type) {
	case *Digest, AuthFunc, noAuth, OrderedForm, OrderedParams, fileBody, Files, Limits, *Retry, Proxies, Secrets:
	default:
		own.Header, own.Params = r.Header.Clone(), cloneValues(r.Params)
		if own.Header != nil {
			Header(nil).Apply(&own) // names in canonical form
		}
	}
	opt.Apply(&own)
	*r = own
}

// OptionFunc makes an [Option] of a function.
type OptionFunc func(r *Request)

// Apply calls f, unless it is nil.
func (f OptionFunc) Apply(r *Request) {
	if f != nil {
		f(r)
	}
}

// Header is an [Option]: headers that override the session's one by one. A nil
// value removes a header. Two spellings of one name are an [ErrInvalidHeader],
// since a map has no order that could decide between them.
type Header http.Header

// Apply makes a Header an [Option].
func (h Header) Apply(r *Request) {
	merged := make(http.Header, len(r.Header)+len(h))
	r.addHeaders(merged, http.Header(h))
	r.addHeaders(merged, r.Header)
	r.Header = merged
}

// addHeaders adds to merged what it has not, names in canonical form.
func (r *Request) addHeaders(merged, h http.Header) {
	for name, values := range h {
		key := http.CanonicalHeaderKey(name)
		if key != name && spelledTwice(h, key) {
			r.fail(kindf(ErrInvalidHeader, "%q is given in two spellings", key))
		}
		if _, overridden := merged[key]; !overridden {
			merged[key] = values
		}
	}
}

func (r *Request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Params is an [Option]: query parameters that override the session's name by
// name. They are written in the order of their names; [OrderedParams] keeps
// an order. A nil value removes a name.
type Params url.Values

// Apply makes Params an [Option].
func (p Params) Apply(r *Request) {
	merged := make(url.Values, len(r.Params)+len(p))
	for name, values := range r.Params {
		merged[name] = values
	}
	for name, values := range p {
		merged[name] = values
	}
	r.Params = merged
}

// OrderedParams is an [Option]: query parameters in the order given, for URLs
// that are signed and for names that repeat. As in requests, they take the
// place of the session's parameters as a whole.
type OrderedParams []Pair

// Apply makes OrderedParams an [Option].
func (p OrderedParams) Apply(r *Request) { r.OrderedParams = p }

// RawParams is an [Option]: a query that is appended as it is, in place of the
// session's parameters.
type RawParams string

// Apply makes RawParams an [Option].
func (p RawParams) Apply(r *Request) { r.RawParams = string(p) }

// Cookies is an [Option]: cookies, name to value, for one request and its
// redirects within the same host. They are not kept by the session.
type Cookies map[string]string

// Apply makes Cookies an [Option].
func (c Cookies) Apply(r *Request) {
	merged := make(Cookies, len(r.Cookies)+len(c))
	for name, value := range r.Cookies {
		merged[name] = value
	}
	for name, value := range c {
		merged[name] = value
	}
	r.Cookies = merged
}

// Stream returns an [Option] that leaves the body for the caller to read and
// close, or that has it read at once.
func Stream(on bool) Option {
	return streaming(switchTo(on))
}

type streaming Switch

func (s streaming) Apply(r *Request) { r.Stream = Switch(s) }

// FollowRedirects returns an [Option] that follows redirects, or returns the
// first one. requests' allow_redirects.
func FollowRedirects(on bool) Option {
	return following(switchTo(on))
}

type following Switch

func (f following) Apply(r *Request) { r.Redirects = Switch(f) }

// NoProxy is an [Option] that sends a request directly, whatever proxies
// session and environment name.
const NoProxy noProxy = 0

type noProxy int

func (noProxy) Apply(r *Request) { r.NoProxy = true }
