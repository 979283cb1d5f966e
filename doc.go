// Package session is an HTTP client with the semantics of Python requests'
// Session, over net/http: settings that all requests inherit, cookies and
// connections kept between them, redirects followed in steps that can be
// replaced one by one, and adapters mounted for prefixes of URLs.
//
//	s := session.New()
//	s.BaseURL = "https://api.example.com/v1"
//	s.Auth = session.BearerAuth(token)
//
//	resp, err := s.Get(ctx, "/users", session.Params{"page": {"2"}})
//	if err != nil {
//		return err // no answer came
//	}
//	if err := resp.CheckStatus(); err != nil {
//		return err // an answer of 400 or more
//	}
//	users, err := session.DecodeJSON[[]User](resp)
//
// # Which call to use
//
//   - [Session.Get], [Session.Post] and the other verbs, with options, for daily
//     use; [Session.Request] for any other method. An [Option] is mostly a
//     literal: [Params], [Header], [Form], [JSON], [Files], [BasicAuth],
//     [Timeout], [Proxies].
//   - [Session.Send] for anything: it takes a [Request], whose fields are all
//     that an option can set. Both end in the same merge.
//   - [Session.Prepare] and [Session.SendPrepared] to look at a request, or to
//     change it, between merging and sending; and to send what [Response.Next]
//     gives. [Session.Follow] goes through redirects hop by hop.
//   - [Session.Do] and [Session.Client] where other code wants an interface
//     with net/http's Do, or an [*http.Client]. They keep net/http's contract:
//     the body is streamed and is yours to close.
//
// # How settings are merged
//
// One rule holds for every setting: zero inherits, a value overrides, and a nil
// entry in a map, or a value named No…, removes. So Header{"X-Team": {"red"}}
// overrides one header of the session's and leaves the others, Header{"X-Team":
// nil} sends none, and [NoAuth], [NoProxy], [NoCert], [NoRetry] and
// Timeout{Total: [NoTimeout]} take off for one request what the session has.
//
// What a request says comes before what the session says, and that before the
// environment. Credentials are the first of: the request's Auth, its
// Authorization header, the session's Auth, user information in the URL, the
// session's Authorization header, the netrc file.
//
// The environment is asked only where [Session.TrustEnv] is on, as [New] sets
// it, and afresh for every request:
//
//   - http_proxy, https_proxy, all_proxy and no_proxy, in lower or in upper
//     case; lower case wins, and HTTP_PROXY is not read in a CGI program.
//     NO_PROXY follows golang.org/x/net/http/httpproxy, and loopback is never
//     asked for through a proxy of the environment's;
//   - REQUESTS_CA_BUNDLE, else CURL_CA_BUNDLE: a file or folder of authorities;
//   - NETRC, else .netrc or _netrc in the home directory.
//
// Go itself reads SSL_CERT_FILE and SSL_CERT_DIR on some systems, whatever
// TrustEnv says.
//
// # Concurrency
//
// A [Session] is safe for concurrent use. Its fields, and the maps in them, may
// be changed while no request is in flight; each request reads them afresh.
// [Session.Mount], [Session.Unmount], [Session.Close] and the methods of [Jar]
// and [RedirectCache] may be called at any time. A value that changes under load,
// such as a token, is an [Auth]. What you plug in (an Auth, an adapter, a hook,
// a redirect step) has to be safe for concurrent use. A [Response] is not.
// [Session.Clone] makes a session to be changed apart that shares connections.
// No goroutine of the library's own outlives a call; connections that are kept
// for later have net/http's, until [Session.Close].
//
// # Errors
//
// Every error of a call that sends is a [*url.Error], its URL's password masked,
// around one of the kinds ([ErrConnection], [ErrTimeout], [ErrInvalidURL],
// [ErrTooManyRedirects] and so on), [context.Canceled], or what an Auth, an
// adapter or a redirect step of your own returned. Ask with [errors.Is]; a kind that is a case of
// another matches both, so [ErrConnectTimeout] is an [ErrTimeout] and an
// [ErrConnection]. [errors.As] finds the facts: [*RedirectError], [*RetryError],
// [*ProxyError], [*LimitError], and whatever error of net, os or crypto/x509
// was the cause. When a context ends, its own error is matched too:
// [context.Canceled], or [context.DeadlineExceeded], which every timeout is.
//
// A status of 400 or more is no error. [Response.CheckStatus] makes one of it: a
// [*StatusError], which has the response. Reading a streamed body gives errors
// of the same kinds, such as [ErrIncompleteBody], without the envelope.
//
// # Who closes what
//
// A response that is not streamed has been read; nothing need be closed, but
// for a 101 that was asked for, which is the connection. With
// [Stream], read it to its end ([Response.Bytes], Text, JSON and the loops over
// [Response.Lines] and [Response.Chunks] close it) or call [Response.Close]. What
// [Session.Do] returns is closed by the caller, as with net/http.
//
// A [Reader] that is an [io.Closer] is closed once, when the call needs it no
// more, also after an error. Files named by [FromFile] and [File] are opened when
// they are sent and closed. [Session.Close] closes idle connections; a session
// that is dropped without it frees them in the end.
//
// # Security
//
// Certificates are verified unless [InsecureSkipVerify] is named. Connections
// made under one TLS setting are never used under another.
//
// On a redirect to another host, port or scheme (but for http on port 80 to https
// on port 443) credentials are dropped, with every header that an [Auth] set; a
// sub-domain is another host. Once dropped they stay dropped. A request's own
// cookies and an override of its Host stay with the host they were given for, a
// Cookie header set by hand goes no further than that, and Proxy-Authorization
// never reaches an origin. With a [Session.BaseURL], the session's Auth, and its Authorization,
// Proxy-Authorization and Cookie headers, go to that origin only; its Params
// go to any. Any other
// header goes wherever redirects lead, as with requests and net/http: a secret
// such as an API key belongs in [Session.Secrets], or an [AuthFunc], not in
// Header. Types of this package that hold credentials print without them.
//
// A redirect leads from http and https to those two only, unless the adapter of
// another scheme opts in ([RedirectAdapter]). Cookies follow RFC 6265bis with the
// public suffix list: Secure ones neither come nor go without TLS. Errors hold
// no header values and no passwords; they do hold URLs, so a token in a query
// shows in them, but for parameters that are [Secrets]. [Session.SaveState] and
// [Jar.Save] write secrets, to files that only their owner can read.
package session
