package session

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/cbf3e3a9/session/internal/digest"
	"github.com/cbf3e3a9/session/internal/httpheader"
)

// Digest is HTTP Digest authentication, RFC 7616: the algorithms MD5, SHA-256,
// SHA-512-256 and their -sess forms, with qop auth or without. A request is
// answered 401 at first; those that follow to the same origin use its nonce,
// until that is stale. What it learns from one origin is used for that one
// alone. It is safe for concurrent use, must not be copied, and prints without
// its password. Make one with [DigestAuth].
type Digest struct {
	Username string // in UTF-8, as is Password
	Password string

	mu     sync.Mutex
	nonces map[string]*nonce // by origin
}

// nonce is a challenge and how often it was answered.
type nonce struct {
	challenge digest.Challenge
	cnonce    string // one for each challenge, as the -sess forms ask for
	count     uint32
}

// maxNonces bounds the origins that a Digest remembers.
const maxNonces = 256

// DigestAuth returns HTTP Digest authentication, which is an [Auth] and an
// [Option]. One value serves many requests best, since it keeps the nonce.
func DigestAuth(username, password string) *Digest {
	return &Digest{Username: username, Password: password}
}

// Apply makes a Digest an [Option]: the request's Auth.
func (d *Digest) Apply(r *Request) { r.Auth = d }

// Authenticate sets the Authorization header where the origin's challenge is known.
func (d *Digest) Authenticate(req *http.Request) error {
	if d == nil {
		return kindf(ErrInvalidRequest, "a nil *Digest")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(req.Header, "Authorization")
	if known := d.nonces[originOf(req)]; known != nil {
		d.sign(req, known)
	}
	return nil
}

// Challenge answers the first challenge of resp that it supports
// (RFC 7616 section 3.7).
func (d *Digest) Challenge(next *http.Request, resp *http.Response) (bool, error) {
	challenges := httpheader.ParseChallenges(resp.Header["Www-Authenticate"])
	chosen, ok := digest.Choose(challenges)
	if !ok {
		return false, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := &nonce{challenge: chosen, cnonce: digest.NewCnonce()}
	if known := d.nonces[originOf(next)]; known != nil && known.challenge.Nonce == chosen.Nonce {
		fresh.count = known.count // no count is sent twice with one nonce
	}
	if d.nonces == nil || len(d.nonces) >= maxNonces {
		d.nonces = make(map[string]*nonce)
	}
	d.nonces[originOf(next)] = fresh
	return d.sign(next, fresh), nil
}

// sign sets the header; false where the challenge cannot be answered.
func (d *Digest) sign(req *http.Request, n *nonce) bool {
	n.count++
	header := n.challenge.Authorize(d.Username, d.Password, req.Method, req.URL.RequestURI(), n.count, n.cnonce)
	if header != "" {
		setHeader(req, "Authorization", header)
	}
	return header != ""
}

func originOf(req *http.Request) string {
	return req.URL.Scheme + "://" + hostKey(req.URL) + ":" + portOf(req.URL)
}

// Format prints the user name alone, whatever the verb.
func (d *Digest) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "DigestAuth(%q, xxxxx)", d.Username) }
