package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// The kinds of error. Every error of a call that sends is a [*url.Error] whose
// URL is redacted, around one of these, [context.Canceled], or what an Auth, an
// adapter or a redirect step of the caller's returned; match them with
// [errors.Is]. A kind
// that is a case of another matches both: a connect timeout is an
// [ErrConnectTimeout], an [ErrTimeout] and an [ErrConnection].
var (
	// ErrConnection says that no usable answer came: refused, reset, closed,
	// no such host. requests' ConnectionError.
	ErrConnection error = &kind{text: "connection failed"}
	// ErrProtocol says that what came was no HTTP answer. It is an ErrConnection.
	ErrProtocol error = &kind{text: "malformed answer", is: []error{ErrConnection}}
	// ErrProxy says that the proxy failed or refused; where it answered,
	// [*ProxyError] has its status. It is an ErrConnection. requests' ProxyError.
	ErrProxy error = &kind{text: "proxy failed", is: []error{ErrConnection}}
	// ErrTLS says that no trusted TLS connection could be made: the
	// certificate, the handshake, or a CA or certificate file that cannot be
	// used. It is an ErrConnection. requests' SSLError.
	ErrTLS error = &kind{text: "TLS failed", is: []error{ErrConnection}}

	// ErrTimeout is any timeout. It matches [context.DeadlineExceeded].
	ErrTimeout error = &kind{text: "timeout", is: []error{context.DeadlineExceeded}}
	// ErrConnectTimeout says that no connection was ready within
	// [Timeout.Connect]. It is an ErrTimeout and an ErrConnection.
	ErrConnectTimeout error = &kind{text: "connect timeout", is: []error{ErrTimeout, ErrConnection}}
	// ErrReadTimeout says that no byte came, or left, for [Timeout.Read].
	// It is an ErrTimeout.
	ErrReadTimeout error = &kind{text: "read timeout", is: []error{ErrTimeout}}
	// ErrTotalTimeout says that the call took longer than [Timeout.Total].
	// It is an ErrTimeout.
	ErrTotalTimeout error = &kind{text: "total timeout", is: []error{ErrTimeout}}

	// ErrInvalidURL is any URL that cannot be requested.
	ErrInvalidURL error = &kind{text: "invalid URL"}
	// ErrMissingScheme says that a URL has no scheme. It is an ErrInvalidURL.
	ErrMissingScheme error = &kind{text: "URL without a scheme", is: []error{ErrInvalidURL}}
	// ErrMissingHost says that a URL has no host. It is an ErrInvalidURL.
	ErrMissingHost error = &kind{text: "URL without a host", is: []error{ErrInvalidURL}}
	// ErrInvalidHost says that a URL's host is none. It is an ErrInvalidURL.
	ErrInvalidHost error = &kind{text: "invalid host", is: []error{ErrInvalidURL}}
	// ErrInvalidPort says that a URL's port is no number up to 65535. It is an ErrInvalidURL.
	ErrInvalidPort error = &kind{text: "invalid port", is: []error{ErrInvalidURL}}
	// ErrInvalidProxy says that the URL of a proxy cannot be used; nothing is
	// sent then, not even directly. requests' InvalidProxyURL.
	ErrInvalidProxy error = &kind{text: "invalid proxy URL"}
	// ErrNoAdapter says that no adapter is mounted for a URL. requests' InvalidSchema.
	ErrNoAdapter error = &kind{text: "no adapter is mounted"}
	// ErrRedirectScheme says that a redirect led from http or https to another
	// scheme, whose adapter has not opted in ([RedirectAdapter]). It is an ErrNoAdapter.
	ErrRedirectScheme error = &kind{text: "redirect to another scheme", is: []error{ErrNoAdapter}}

	// ErrInvalidRequest is any other argument that is refused.
	ErrInvalidRequest error = &kind{text: "invalid request"}
	// ErrInvalidHeader says that a header would corrupt the message; the error
	// holds its name, never its value. It is an ErrInvalidRequest.
	ErrInvalidHeader error = &kind{text: "invalid header", is: []error{ErrInvalidRequest}}
	// ErrInvalidCookie says that a request's [Cookies], [Jar.Set], [Jar.Put] or a
	// loading method of [Jar] was given what is no cookie, or one that may not be
	// set; the error says why, and never holds the cookie's value. It is an ErrInvalidRequest.
	ErrInvalidCookie error = &kind{text: "invalid cookie", is: []error{ErrInvalidRequest}}
	// ErrInvalidJSON says that a value could not be written as JSON, or an
	// answer not be read as such.
	ErrInvalidJSON error = &kind{text: "invalid JSON"}
	// ErrRequestBody says that the body to be sent could not be read; the
	// error of its reader is wrapped.
	ErrRequestBody error = &kind{text: "the request's body could not be read"}
	// ErrUnrewindableBody says that a body which can be read only once would
	// have to be sent again. Nothing was sent again.
	ErrUnrewindableBody error = &kind{text: "the body can be read only once"}

	// ErrTooManyRedirects says that there were more redirects than
	// [Redirector.MaxRedirects]; [*RedirectError] has them.
	ErrTooManyRedirects error = &kind{text: "too many redirects"}
	// ErrRetriesExhausted says that the last attempt that [Retry] allows
	// failed too; [*RetryError] has the attempts. requests' RetryError.
	ErrRetriesExhausted error = &kind{text: "retries exhausted"}
	// ErrIncompleteBody says that an answer's body broke off, or that its
	// framing was damaged; and how many bytes came of how many, where the answer
	// had told its length. requests' ChunkedEncodingError.
	ErrIncompleteBody error = &kind{text: "incomplete body"}
	// ErrDecode says that a body is not in the coding that its
	// Content-Encoding names. requests' ContentDecodingError.
	ErrDecode error = &kind{text: "undecodable body"}
	// ErrLimit says that a limit of this library was crossed; [*LimitError] names it.
	ErrLimit error = &kind{text: "limit crossed"}
	// ErrAddressRefused says that the Guard of an [HTTPAdapter] refused to connect
	// to an address; the guard's own error is wrapped.
	ErrAddressRefused error = &kind{text: "address refused"}
	// ErrHook says that a response hook failed; the hook's own error is wrapped.
	ErrHook error = &kind{text: "response hook failed"}
)

// kind is one of the sentinels above.
type kind struct {
	text string
	is   []error
}

func (k *kind) Error() string { return "session: " + k.text }

// Is makes a kind match the kinds that it is a case of.
func (k *kind) Is(target error) bool {
	for _, parent := range k.is {
		if errors.Is(parent, target) {
			return true
		}
	}
	return false
}

// Timeout makes the kinds of timeout answer as net/http's timeouts do.
func (k *kind) Timeout() bool { return k == ErrTimeout || k.Is(ErrTimeout) }

// kindError is a cause of which the kind is known.
type kindError struct {
	kind  error
	cause error
}

func (e *kindError) Error() string   { return e.kind.Error() + ": " + e.cause.Error() }
func (e *kindError) Unwrap() []error { return []error{e.kind, e.cause} }

// netError is a kindError that is a [net.Error], as errors of a network are,
// and no others: a program may ask for that to find out whether to try again.
type netError struct{ *kindError }

func (e netError) Timeout() bool   { return errors.Is(e.kindError, context.DeadlineExceeded) }
func (e netError) Temporary() bool { return e.Timeout() }

// wrapKind returns cause as an error of kind.
func wrapKind(kind, cause error) error {
	err := &kindError{kind, cause}
	if errors.Is(err, ErrConnection) || errors.Is(err, context.DeadlineExceeded) {
		return netError{err}
	}
	return err
}

// kindf returns an error of kind that says what the format says.
func kindf(kind error, format string, args ...any) error {
	return wrapKind(kind, fmt.Errorf(format, args...))
}

// ProxyError is the answer of a proxy that refused to open a tunnel.
// It matches [ErrProxy].
type ProxyError struct {
	StatusCode int         // what the proxy answered to CONNECT
	Status     string      // with its reason, such as "407 Proxy Authentication Required"
	Header     http.Header // of that answer
}

// Error gives the status, quoted, since the proxy chose its text.
func (e *ProxyError) Error() string { return fmt.Sprintf("session: proxy answered %.100q", e.Status) }

// Is makes the error match [ErrProxy].
func (e *ProxyError) Is(target error) bool { return errors.Is(ErrProxy, target) }

// LimitError says which limit was crossed. It matches [ErrLimit].
type LimitError struct {
	Limit string // such as "decompression ratio"
	Max   int64  // its value
}

// Error names the limit and its value.
func (e *LimitError) Error() string { return fmt.Sprintf("session: %s over %d", e.Limit, e.Max) }

// Is makes the error match [ErrLimit].
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// StatusError is what [Response.CheckStatus] returns for a status of 400 or
// more. requests' HTTPError of raise_for_status.
type StatusError struct {
	Response *Response // what was answered
}

// Error says what the status blames, the status, and the redacted URL.
func (e *StatusError) Error() string {
	side := "client"
	if e.Response == nil || e.Response.Response == nil {
		return "session: no response"
	}
	if e.Response.StatusCode >= 500 {
		side = "server"
	}
	return fmt.Sprintf("session: %d %s error: %.100q for %s",
		e.Response.StatusCode, side, e.Response.Reason(), redactURL(e.Response.Request))
}

// RedirectError is what a call returns that met too many redirects.
// It matches [ErrTooManyRedirects].
type RedirectError struct {
	Response *Response   // the last one received, a redirect
	History  []*Response // those before it, oldest first
}

// Error says how many redirects were followed.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("session: more than %d redirects", len(e.History))
}

// Is makes the error match [ErrTooManyRedirects].
func (e *RedirectError) Is(target error) bool { return target == ErrTooManyRedirects }

// envelope puts an error into the one that every sending call returns, as
// net/http's Client does: a *url.Error, with the password masked.
func envelope(method, rawURL string, err error) error {
	if err == nil {
		return nil
	}
	err = withoutEnvelope(err)
	op := "Get"
	if method != "" {
		op = method[:1] + strings.ToLower(method[1:])
	}
	return &url.Error{Op: op, URL: redactText(rawURL), Err: err}
}

// withoutEnvelope is what is in the envelope that an error may have: an Auth's
// or an adapter's, whose URL may be that of url.Parse, with the password.
func withoutEnvelope(err error) error {
	if inner, ok := err.(*url.Error); ok {
		return inner.Err
	}
	return err
}

// redact gives a URL with its password masked, or "" for none.
func redact(u *url.URL) string {
	switch {
	case u == nil:
		return ""
	case u.Host == "":
		return redactText(u.String()) // what could not be taken apart
	}
	return u.Redacted()
}

// redactText masks the password of a URL that may not be one:
// url.Parse's own errors print it.
func redactText(text string) string {
	start := startOfAuthority(text)
	end := start + strings.IndexAny(text[start:]+"/", `/?#\`)
	at := strings.LastIndexByte(text[start:end], '@')
	if at < 0 {
		// a password may hold a delimiter unescaped: mask to the last @ there is
		at = strings.LastIndexByte(text[start:], '@')
	}
	if at < 0 {
		return text
	}
	user, _, found := strings.Cut(text[start:start+at], ":")
	if !found {
		return text
	}
	return text[:start] + user + ":xxxxx" + text[start+at:]
}

// startOfAuthority is where the user information begins, if there is any:
// behind the slashes that follow a scheme, of whatever number and kind, else at
// the beginning.
func startOfAuthority(text string) int {
	colon := strings.IndexByte(text, ':')
	behind := strings.TrimLeft(text[colon+1:], `/\`)
	start := len(text) - len(behind)
	if start == colon+1 {
		return 0
	}
	return start
}

// contextError says why ctx has ended, as one of the kinds: nil if it has not.
func contextError(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrTimeout):
		return cause
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return wrapKind(ErrTimeout, cause)
	case errors.Is(cause, context.Canceled):
		return cause
	}
	return fmt.Errorf("%w: %w", context.Canceled, cause) // a cause that the caller gave
}

// classify gives an error of a RoundTripper its kind, by what it is and by
// where it arose. An error that is none of net/http's is returned as it is.
func classify(ctx context.Context, err error) error {
	if ended := contextError(ctx); ended != nil {
		return ended
	}
	err = withoutEnvelope(err)
	if hasKind(err) {
		return err
	}
	k := kindOf(err)
	switch {
	case k == nil:
		return err
	case k == ErrProxy && isTLS(err):
		return wrapKind(k, wrapKind(ErrTLS, err)) // the proxy's own certificate
	}
	return wrapKind(k, err)
}

// maxErrorText bounds the text of an error of net/http's, in bytes.
const maxErrorText = 500

// tamedError is an error whose text is not what it would say itself.
type tamedError struct {
	error
	text string
}

func (e *tamedError) Error() string { return e.text }
func (e *tamedError) Unwrap() error { return e.error }

// tame keeps what a server had net/http put in an error, such as a header or the
// names in a certificate, from flooding a log and from forging lines of it
// (CVE-2025-58189).
func tame(err error) error {
	whole := err.Error()
	text := strings.ToValidUTF8(whole[:min(len(whole), maxErrorText)], "")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
	if text == whole {
		return err
	}
	return &tamedError{err, text}
}

// hasKind reports whether an error is one of this library's.
func hasKind(err error) bool {
	var known *kind
	var refused *ProxyError
	return errors.As(err, &known) || errors.As(err, &refused)
}

func kindOf(err error) error {
	var op *net.OpError
	isOp := errors.As(err, &op)
	switch {
	case isTimeoutOf(err) && (isHandshakeTimeout(err) || isOp && op.Op != "read" && op.Op != "write"):
		return ErrConnectTimeout
	case isTimeoutOf(err):
		return ErrReadTimeout
	case isOp && isProxyOp(op):
		return ErrProxy
	case isTLS(err):
		return ErrTLS
	case isOp, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return ErrConnection
	}
	return nil
}

// isDial reports whether err arose before a connection was made.
func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || isProxyOp(op))
}

// isProxyOp knows what net/http and its SOCKS client call a proxy's failure.
func isProxyOp(op *net.OpError) bool { return op.Op == "proxyconnect" || op.Op == "socks connect" }

func isTimeoutOf(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// isHandshakeTimeout knows Transport.TLSHandshakeTimeout, which has no type.
func isHandshakeTimeout(err error) bool {
	return strings.Contains(err.Error(), "TLS handshake timeout")
}

// isTLS reports whether err is one of crypto/tls. Many of those have no type
// but for their prefix.
func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		authority    x509.UnknownAuthorityError
		host         x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	if errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) ||
		errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	return isAlert(err) || strings.HasPrefix(err.Error(), "tls: ")
}

// isAlert knows what crypto/tls calls an alert, whatever net/http put around
// it: with TLS 1.3 a client's certificate is refused after the handshake.
func isAlert(err error) bool {
	var op *net.OpError
	for errors.As(err, &op) {
		if op.Op == "remote error" || op.Op == "local error" {
			return true
		}
		err = op.Err
	}
	return false
}

// timeoutError is the cause that a timeout of this library cancels with.
func timeoutError(kind error, what string, limit time.Duration) error {
	return kindf(kind, "%s within %v", what, limit)
}
