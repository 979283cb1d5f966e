// Package digest answers HTTP Digest challenges as a client (RFC 7616, and the
// form without qop of RFC 2069). It keeps no state: the caller keeps the
// challenge, for the origin that sent it alone (CVE-2026-11856), and counts how
// often its nonce was used.
package digest

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/cbf3e3a9/session/internal/httpheader"
)

// Challenge is a Digest challenge that [Challenge.Authorize] can answer (RFC
// 7616 section 3.3). Its texts are without quotes and escapes. It does not
// change and is safe for concurrent use; challenges compare with ==.
type Challenge struct {
	Realm     string
	Nonce     string
	Opaque    string // sent back unless empty
	Algorithm string // as sent; empty means MD5
	QOP       bool   // quality of protection "auth"; false is the form of RFC 2069
	Stale     bool   // the last answer was right but for its nonce: try again with this one
	UserHash  bool   // the user name is sent hashed
	UTF8      bool   // the server says that it reads user names as UTF-8
}

// Choose returns the first Digest challenge that can be answered, ok false if
// there is none. It is the first, not the strongest: by RFC 7616 section 3.7
// the server lists its algorithms in order of preference and the client should
// use the first that it supports. Preferring the strongest would not stop an
// attacker on the way, who can leave it out as well as move it.
//
// Passed over are challenges without realm or nonce; of an unknown algorithm;
// with a qop list that lacks "auth" (auth-int is not supported); of a session
// algorithm without qop, whose answer no server could check; and those with
// control characters, which must not get into a header.
func Choose(challenges []httpheader.Challenge) (c Challenge, ok bool) {
	for _, offer := range challenges {
		if !isWord(offer.Scheme, "digest") {
			continue
		}
		if c, ok = parse(offer.Params); ok {
			return c, true
		}
	}
	return Challenge{}, false
}

func parse(params map[string]string) (Challenge, bool) {
	c := Challenge{
		Realm:     params["realm"],
		Nonce:     params["nonce"],
		Opaque:    params["opaque"],
		Algorithm: params["algorithm"],
		Stale:     isWord(params["stale"], "true"),
		UserHash:  isWord(params["userhash"], "true"),
		UTF8:      isWord(params["charset"], "utf-8"),
	}
	_, hasRealm := params["realm"]
	_, hasNonce := params["nonce"]
	auth, qopOK := parseQOP(params["qop"])
	c.QOP = auth
	_, algorithmOK := c.algorithm()
	return c, hasRealm && hasNonce && qopOK && algorithmOK && !hasControl(c.Realm+c.Nonce+c.Opaque)
}

// parseQOP reads the list of qualities of protection, commas or spaces between
// them. It reports whether auth is among them, and whether there is a way to
// answer: auth, or an empty list, which is none as in requests.
func parseQOP(list string) (auth, ok bool) {
	names := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", \t", r) })
	auth = slices.ContainsFunc(names, func(name string) bool { return isWord(name, "auth") })
	return auth, auth || len(names) == 0
}

// Authorize returns the value of an Authorization or Proxy-Authorization
// header that answers the challenge (RFC 7616 section 3.4). The uri is the
// target of the request line: path and query, or host and port of a CONNECT.
// The count nc says how often the nonce has been used, this time included, and
// cnonce is a value of [NewCnonce]: one for each challenge, since the secret of
// a session algorithm stays with the first. RFC 2069 sends neither.
//
// User name and password are hashed as they are given, so UTF-8 where Go text
// is. A user name that a quoted string can't hold, or one beyond ASCII for a
// server that announced UTF-8, is sent as username* (section 3.4).
//
// The result is empty if uri or cnonce hold control characters, which could
// split the header, or if [Choose] would not have returned the challenge.
func (c Challenge) Authorize(username, password, method, uri string, nc uint32, cnonce string) string {
	alg, ok := c.algorithm()
	if !ok {
		return ""
	}
	count := fmt.Sprintf("%08x", nc)
	secret := alg.sum(username, c.Realm, password)
	if alg.session {
		secret = alg.sum(secret, c.Nonce, cnonce)
	}
	action := alg.sum(method, uri)
	response := alg.sum(secret, c.Nonce, action)
	if c.QOP {
		response = alg.sum(secret, c.Nonce, count, cnonce, "auth", action)
	}

	fields := []string{
		c.user(alg, username),
		quoted("realm", c.Realm), quoted("nonce", c.Nonce),
		quoted("uri", uri), quoted("response", response),
	}
	if c.Opaque != "" {
		fields = append(fields, quoted("opaque", c.Opaque))
	}
	if c.Algorithm != "" {
		fields = append(fields, "algorithm="+c.Algorithm)
	}
	if c.QOP {
		fields = append(fields, "qop=auth", "nc="+count, quoted("cnonce", cnonce))
	}
	if c.UserHash {
		fields = append(fields, "userhash=true")
	}
	header := "Digest " + strings.Join(fields, ", ")
	if hasControl(header) {
		return ""
	}
	return header
}

// algorithm returns the algorithm, ok false if it can't be used.
func (c Challenge) algorithm() (alg algorithm, ok bool) {
	alg, known := findAlgorithm(c.Algorithm)
	return alg, known && (c.QOP || !alg.session)
}

func (c Challenge) user(alg algorithm, name string) string {
	switch {
	case c.UserHash:
		return quoted("username", alg.sum(name, c.Realm))
	case hasControl(name) || c.UTF8 && !isASCII(name):
		return "username*=" + extended(name)
	}
	return quoted("username", name)
}

// NewCnonce returns a random client nonce of at least 128 bits, letters and
// digits only.
func NewCnonce() string { return rand.Text() }
