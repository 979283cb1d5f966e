package digest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"strings"
)

// An algorithm is a hash function, by its name in a challenge.
type algorithm struct {
	new     func() hash.Hash
	session bool // the secret depends on the nonces too (RFC 7616 section 3.4.2)
}

// findAlgorithm knows the algorithms of RFC 7616 section 6.1, and SHA and
// SHA-512 as requests does.
func findAlgorithm(name string) (alg algorithm, known bool) {
	if name == "" {
		name = "MD5"
	}
	name, alg.session = strings.CutSuffix(strings.ToLower(name), "-sess")
	switch name {
	case "md5":
		alg.new = md5.New
	case "sha":
		alg.new = sha1.New
	case "sha-256":
		alg.new = sha256.New
	case "sha-512":
		alg.new = sha512.New
	case "sha-512-256":
		alg.new = sha512.New512_256
	}
	return alg, alg.new != nil
}

// sum returns the hash, in hexadecimal, of the parts with colons between them.
func (a algorithm) sum(parts ...string) string {
	h := a.new()
	_, _ = io.WriteString(h, strings.Join(parts, ":"))
	return hex.EncodeToString(h.Sum(nil))
}
