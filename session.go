package session

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/cbf3e3a9/session/internal/netrc"
)

// Version is the version of this library, as User-Agent tells it.
const Version = "0.1.0"

// Session holds settings that every request made with it inherits, and keeps
// cookies and connections between them. [New] gives the settings of
// requests.Session(); the zero value works too and is bare: no default
// headers (net/http's own User-Agent goes out), no cookies kept, nothing taken
// from the environment. Both verify certificates.
//
// It is safe for concurrent use. Its fields, and the maps in them, may be
// changed while no request is in flight; each request reads them afresh. For
// a value that rotates under load use an [Auth]. A Session must not be copied:
// use Clone.
//
// The steps of following redirects are the fields of the embedded
// [Redirector]: MaxRedirects, Cache, RedirectTarget, RebuildMethod,
// ShouldStripAuth, RebuildAuth and RebuildProxies.
type Session struct {
	Redirector

	// Header goes with every request; a nil value is never sent. Names are
	// compared without regard to case.
	Header http.Header
	// Params goes into the query of every request, in the order of the names.
	Params url.Values
	// OrderedParams, where it is not nil, takes the place of Params.
	OrderedParams OrderedParams
	// Auth authenticates every request. With a BaseURL it stays with its origin.
	Auth Auth
	// Secrets are headers, parameters and cookies for one origin alone.
	Secrets Secrets
	// Jar keeps cookies. New sets a [Jar]; nil keeps none.
	Jar http.CookieJar
	// Proxies names proxies by what they serve.
	Proxies Proxies
	// Hooks are called with every response.
	Hooks Hooks
	// Verify says which authorities are trusted; nil is the environment's
	// bundle where TrustEnv is on and it names one, else the system's.
	Verify Verify
	// Cert is the certificate that is shown to servers; nil is none.
	Cert Cert
	// Stream leaves the bodies of responses for the caller to read and close.
	Stream bool
	// Timeout bounds the parts of every call; zero is no limit.
	Timeout Timeout
	// Limits bound what a server can make a call take.
	Limits Limits
	// Retry says which failed attempts are made again; nil is none.
	Retry *Retry
	// TrustEnv has the environment asked for proxies, a CA bundle and a netrc
	// file: for what neither request nor session says.
	TrustEnv bool
	// BaseURL is put before URLs that are not absolute: "https://h/v1" makes
	// "https://h/v1/users" of "users" and of "/users" (and of "//users"). With
	// it, Auth and the session's Authorization, Proxy-Authorization and Cookie
	// headers go to its own origin only; Params go to any.
	BaseURL string

	mounts    atomic.Pointer[mountTable]
	noProxy   atomic.Pointer[noProxyValue]
	lastProxy atomic.Pointer[parsedURL]
	base      atomic.Pointer[parsedURL]
	netrc     netrc.Cache
}

// New returns a Session with the settings of requests.Session(): the default
// headers User-Agent, Accept-Encoding and Accept, a [Jar], and TrustEnv on.
// Header, Params and Proxies are there to be set into.
func New() *Session {
	return &Session{
		Header: http.Header{
			"User-Agent":      {"go-session/" + Version},
			"Accept-Encoding": {"gzip, deflate, br, zstd"},
			"Accept":          {"*/*"},
		},
		Params:   make(url.Values),
		Proxies:  make(Proxies),
		Jar:      NewJar(),
		TrustEnv: true,
	}
}

// AddUserAgent appends a product, such as "tool/1.2", to the User-Agent header.
func (s *Session) AddUserAgent(product string) {
	if s.Header == nil {
		s.Header = make(http.Header)
	}
	name := "User-Agent"
	for spelling := range s.Header {
		if http.CanonicalHeaderKey(spelling) == "User-Agent" {
			name = spelling
		}
	}
	before := strings.Join(s.Header[name], " ")
	s.Header[name] = []string{strings.TrimSpace(before + " " + product)}
}

// Get sends a GET request. Errors are those of [Session.Send].
func (s *Session) Get(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return s.Request(ctx, http.MethodGet, url, opts...)
}

// Head sends a HEAD request; redirects are not followed unless asked for.
// Errors are those of [Session.Send].
func (s *Session) Head(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return s.Request(ctx, http.MethodHead, url, opts...)
}

// Options sends an OPTIONS request. Errors are those of [Session.Send].
func (s *Session) Options(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return s.Request(ctx, http.MethodOptions, url, opts...)
}

// Post sends a POST request. Errors are those of [Session.Send].
func (s *Session) Post(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return s.Request(ctx, http.MethodPost, url, opts...)
}

// Put sends a PUT request. Errors are those of [Session.Send].
func (s *Session) Put(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return s.Request(ctx, http.MethodPut, url, opts...)
}

// Patch sends a PATCH request. Errors are those of [Session.Send].
func (s *Session) Patch(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return s.Request(ctx, http.MethodPatch, url, opts...)
}

// Delete sends a DELETE request. Errors are those of [Session.Send].
func (s *Session) Delete(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return s.Request(ctx, http.MethodDelete, url, opts...)
}

// Request sends a request of any method. Errors are those of [Session.Send].
func (s *Session) Request(ctx context.Context, method, url string, opts ...Option) (*Response, error) {
	r := &Request{Method: method, URL: url}
	for _, opt := range opts {
		r.take(opt)
	}
	return s.Send(ctx, r)
}

// Send merges the session's settings into r, sends it, and follows redirects.
// The response has been read unless it is streamed; a status of 400 or more is
// no error ([Response.CheckStatus] makes one of it). r is not written to.
//
// An error is a [*url.Error] around one of the kinds, ErrConnection and so on;
// there is no response then, but what [*RedirectError] and [*RetryError] hold.
func (s *Session) Send(ctx context.Context, r *Request) (*Response, error) {
	req, err := s.prepared(ctx, r)
	if err != nil {
		return nil, err
	}
	resp, err := s.send(req)
	return resp, envelopeOf(req, err)
}

// Prepare merges the session's settings into r and returns the request as
// [Session.SendPrepared] would send it: URL, headers, cookies, body and auth in
// place. What net/http has no field for, such as hooks, proxies and timeouts,
// travels in its context. After an error a [Reader] of r has been closed; the
// body of a request that is not sent is the caller's to close. requests'
// prepare_request.
func (s *Session) Prepare(ctx context.Context, r *Request) (*http.Request, error) {
	req, err := s.prepared(ctx, r)
	if err != nil {
		return nil, err
	}
	callOf(req.Context()).sent = new(atomic.Bool)
	req.Header = req.Header.Clone() // the caller may write to it
	return req, nil
}

// prepared is Prepare for a request that nobody else sees before it is sent.
func (s *Session) prepared(ctx context.Context, r *Request) (*http.Request, error) {
	if r == nil {
		return nil, envelope("", "", kindf(ErrInvalidRequest, "no request"))
	}
	done := false
	defer func() {
		if !done { // an Auth may panic
			r.closeReaders()
		}
	}()
	req, err := s.prepare(ctx, r)
	if err != nil {
		return nil, envelope(r.Method, joinBase(s.BaseURL, r.URL), err)
	}
	done = true
	return req, nil
}

// SendPrepared sends a request that Prepare or [Response.Next] gave, without
// merging headers, parameters or cookies again. Options may change how it is
// sent (Timeout, Proxies, Verify, Cert, Stream, FollowRedirects, Hooks, Retry);
// one that changes what is sent is an [ErrInvalidRequest]. A request from
// elsewhere is sent as it is, with the session's other settings; so is one that
// was prepared for another origin than it now leads to, which keeps its proxies,
// timeouts, limits and Retry alone. requests' send.
func (s *Session) SendPrepared(req *http.Request, opts ...Option) (*Response, error) {
	req, err := s.withOptions(req, opts)
	if err != nil {
		closeBody(req)
		return nil, envelopeOf(req, err)
	}
	resp, err := s.send(req)
	return resp, envelopeOf(req, err)
}

// envelopeOf is the envelope of an error of a prepared request; one that came
// on a later hop names that hop's URL.
func envelopeOf(req *http.Request, err error) error {
	if err == nil {
		return nil
	}
	if failed, ok := err.(*hopError); ok {
		req, err = failed.req, failed.err
	}
	if req == nil {
		return envelope("", "", err)
	}
	return envelope(req.Method, redactURL(req), err)
}

// hopError is an error of a hop after the first.
type hopError struct {
	req *http.Request
	err error
}

func (e *hopError) Error() string { return e.err.Error() }
func (e *hopError) Unwrap() error { return e.err }

// prepare makes the request that a Request describes.
func (s *Session) prepare(ctx context.Context, r *Request) (*http.Request, error) {
	if r.err != nil || ctx == nil {
		return nil, firstError(r.err, kindf(ErrInvalidRequest, "no context"))
	}
	u, err := parseURL(joinBase(s.BaseURL, r.URL))
	if err != nil {
		return nil, err
	}
	secrets, err := s.secretsFor(u, r.Secrets)
	if err != nil {
		return nil, err
	}
	if isHTTP(u.Scheme) {
		addQuery(u, mergedQuery(r, s))
		addQuery(u, secrets.query())
	}
	method, err := methodOf(r.Method)
	if err != nil {
		return nil, err
	}
	made := s.newCall(ctx, u, r)
	c := &made.call
	c.secrets = secrets
	if r.Redirects == Inherit {
		c.redirects = method != http.MethodHead
	}
	req := made.by(newRequest(method, u))
	if req.Header, err = mergeHeader(r.Header, s.headerFor(u)); err != nil {
		return nil, err
	}
	if err := secrets.setHeaders(req, r.Header, r.Secrets); err != nil {
		return nil, err
	}
	if err := s.setCookies(req, c, r.Cookies); err != nil {
		return nil, err
	}
	if err := setBody(req, c, r); err != nil {
		return nil, err
	}
	return req, s.setAuth(req, c, r.Auth, r.Header)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// newRequest is a request without headers and body.
func newRequest(method string, u *url.URL) *http.Request {
	return &http.Request{
		Method: method, URL: u, Host: u.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// methodOf gives a method in upper case; it must be a token (RFC 9110 section 9.1).
func methodOf(method string) (string, error) {
	if method == "" {
		return http.MethodGet, nil
	}
	if !httpguts.ValidHeaderFieldName(method) {
		return "", kindf(ErrInvalidRequest, "method %.40q", method)
	}
	return strings.ToUpper(method), nil
}

// setBody gives a request its body and the headers that describe it.
func setBody(req *http.Request, c *call, r *Request) error {
	if r.Body == nil && len(r.Files) == 0 {
		return firstError(takeHost(req), takeFraming(req))
	}
	body, err := bodyOf(r)
	if err != nil {
		return err
	}
	c.body = newOutbox(body)
	if err := firstError(takeHost(req), body.attach(req, c.body), takeFraming(req)); err != nil {
		return err
	}
	c.body.announce(req.ContentLength)
	if _, set := req.Header["Content-Type"]; body.contentType != "" && !set {
		setHeader(req, "Content-Type", body.contentType)
	}
	return nil
}

func bodyOf(r *Request) (content, error) {
	switch {
	case len(r.Files) > 0:
		return r.Files.multipart(r.Body)
	case isEmpty(r.Body):
		return content{}, nil
	}
	return r.Body.content()
}

// send carries a prepared request out: a Total timeout ⊃ redirects ⊃ hooks ⊃
// one authentication ⊃ retries ⊃ one hop. It closes the request's body.
func (s *Session) send(req *http.Request) (resp *Response, err error) {
	c := callOf(req.Context())
	c.body.begin()
	timed, cancel := c.bounded(req)
	stop := c.body.closeWith(timed.Context())
	done := false // after an error, and after a panic of the caller's code
	defer func() {
		stop()
		callOf(timed.Context()).end()
		c.body.finish(!done)
		if !done {
			cancel()
		}
	}()
	first, err := s.startingPoint(timed)
	if err != nil {
		closeBody(timed)
		return nil, err
	}
	resp, err = s.exchange(first)
	if err == nil && c.redirects {
		resp, err = s.followAll(resp)
	}
	if err != nil {
		return nil, err
	}
	resp.whenClosed(cancel)
	if !c.stream {
		if err = resp.load(); err != nil {
			return nil, &hopError{resp.Request, err}
		}
	}
	done = true
	return resp, nil
}

// exchange sends one request of a chain of redirects and gives the answer to
// the hooks.
func (s *Session) exchange(req *http.Request) (*Response, error) {
	c := callOf(req.Context())
	c.markSent()
	resp, err := s.authenticated(req)
	if err != nil {
		return nil, err
	}
	return c.hooks.run(resp)
}

// authenticated sends a request and answers the challenge that may come back, once.
func (s *Session) authenticated(req *http.Request) (*Response, error) {
	resp, err := s.attempts(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	auth, ok := callOf(req.Context()).auth.(Challenger)
	if !ok {
		return resp, nil
	}
	next, err := resp.unlessFails(func() (*http.Request, error) { return s.answer(auth, resp) })
	if err != nil {
		return nil, err
	}
	if next == nil {
		return resp, nil
	}
	resp.drain()
	answered, err := s.attempts(next)
	if err != nil {
		return nil, err
	}
	answered.History = append(slices.Clip(resp.History), resp)
	return answered, nil
}

// answer is the request that answers a challenge; nil if the auth cannot.
func (s *Session) answer(auth Challenger, resp *Response) (*http.Request, error) {
	req := resp.Request
	c := callOf(req.Context())
	next := c.under(c.Context).byCopy(req)
	again := callOf(next.Context())
	again.removeFrom(next.Header)
	if err := s.refreshCookies(next, again); err != nil {
		return nil, err
	}
	before := next.Header.Clone()
	ok, err := auth.Challenge(next, resp.Response)
	if err != nil || !ok {
		return nil, err
	}
	again.credentials = credentials{auth, headersSet(before, next.Header)}
	if err := again.checkHeaders(next.Header); err != nil {
		return nil, err
	}
	next.Body, err = rewound(req)
	return next, err
}

// hop sends a request over the adapter of its URL, and keeps the cookies of
// the answer.
func (s *Session) hop(req *http.Request) (*Response, error) {
	c := callOf(req.Context())
	adapter, wire, err := s.route(c, req.URL)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	ctx, dog := watch(req.Context(), c.timeout)
	out := outgoing(ctx, req, c, adapter)
	if dog != nil {
		dog.upload(out)
	}
	start := time.Now()
	got, err := roundTrip(adapter, out, wire)
	if err == nil {
		if err = c.limits.checkHeader(got.Header); err != nil {
			_ = got.Body.Close()
		}
	}
	if err != nil {
		ended := ctx
		if ctx.Err() == nil {
			ended = req.Context() // which ends first, and may have closed what was being sent
		}
		err = classify(ended, err)
		if dog != nil {
			dog.stop()
		}
		return nil, err
	}
	resp := s.newResponse(req, got, ctx, dog, time.Since(start))
	if got.ProtoMajor < 2 && !got.Close && !resp.wire.locked && keepsConnections(adapter) {
		resp.wire.limits = c.limits // of HTTP/2 a stream is not the connection
	}
	s.keepCookies(req.URL, got)
	return resp, nil
}

// outgoing is a request as it goes to the adapter, req itself where nothing is
// to be changed. A request that asks for no coding asks for identity, as
// urllib3's do, since silence would mean that any will do (RFC 9110 section
// 12.5.3). An adapter that knows of no proxy is told no Proxy-Authorization,
// which would go to the origin.
func outgoing(ctx context.Context, req *http.Request, c *call, adapter http.RoundTripper) *http.Request {
	_, asked := req.Header["Accept-Encoding"]
	_, settles := adapter.(Adapter)
	forProxy := !settles && len(c.header(req.Header, "Proxy-Authorization")) > 0
	identity := !asked && !c.dropIn
	if !identity && !forProxy && ctx == req.Context() {
		return req
	}
	out := req.WithContext(ctx)
	if !identity && !forProxy {
		return out
	}
	out.Header = maps.Clone(req.Header)
	if identity {
		setHeader(out, "Accept-Encoding", "identity")
	}
	if forProxy {
		deleteHeader(out.Header, "Proxy-Authorization")
	}
	return out
}

// Clone returns a session with the same settings and cookies, to be changed
// apart: maps are copied, the jar as soon as one of the two changes it (a jar
// that is not a [*Jar] is shared), mounted adapters and their connections are
// shared.
func (s *Session) Clone() *Session {
	clone := &Session{
		Redirector:    s.Redirector,
		Header:        s.Header.Clone(),
		Params:        cloneValues(s.Params),
		OrderedParams: slices.Clone(s.OrderedParams),
		Auth:          s.Auth,
		Secrets:       s.Secrets.clone(),
		Jar:           s.Jar,
		Proxies:       s.Proxies.clone(),
		Hooks:         Hooks{Response: slices.Clone(s.Hooks.Response)},
		Verify:        s.Verify,
		Cert:          s.Cert,
		Stream:        s.Stream,
		Timeout:       s.Timeout,
		Limits:        s.Limits,
		Retry:         s.Retry.clone(),
		TrustEnv:      s.TrustEnv,
		BaseURL:       s.BaseURL,
	}
	if jar, ok := s.Jar.(*Jar); ok && jar != nil {
		clone.Jar = jar.Clone()
	}
	clone.Cache = s.Cache.clone()
	clone.mounts.Store(s.table())
	return clone
}

func cloneValues(v url.Values) url.Values { return url.Values(http.Header(v).Clone()) }

// Close closes the connections that no request is using, of every adapter but
// [http.DefaultTransport]. It may be called again, and the session may be used
// after it. A session that is dropped without it frees its connections in the end.
func (s *Session) Close() error {
	for _, m := range s.table().list {
		closeIdle(m.Adapter)
	}
	return nil
}
