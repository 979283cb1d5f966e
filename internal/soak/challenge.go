package main

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash"
	"net/http"
	"regexp"
	"sync"
)

const (
	digestUser     = "ada"
	digestPassword = "engine"
	// nonceUses is after how many requests a nonce is stale; it is offered for
	// the first half of them, so that nobody is given one that is used up.
	nonceUses = 200
	// nonceCount is how many nonces are good at a time.
	nonceCount = 16
)

// challenger asks for Digest credentials (RFC 7616), and refuses a nonce count
// that it has seen.
type challenger struct {
	mu     sync.Mutex
	nonces []nonce // the newest last
}

type nonce struct {
	text string
	seen map[string]bool
}

// check gives the challenge to answer a request with, "" if its credentials are right.
func (c *challenger) check(r *http.Request) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	given := digestParams(r.Header.Get("Authorization"))
	known := c.find(given["nonce"])
	repeated := known != nil && known.seen[given["nc"]]
	if known != nil && !repeated && len(known.seen) < nonceUses && given["response"] == digestOf(r.Method, given) {
		known.seen[given["nc"]] = true
		return ""
	}
	return fmt.Sprintf(`Digest realm="soak", qop="auth", algorithm=%s, nonce="%s", stale=%t`,
		r.URL.Query().Get("algorithm"), c.offer(repeated), given["nonce"] != "")
}

func (c *challenger) find(text string) *nonce {
	for i := range c.nonces {
		if c.nonces[i].text == text {
			return &c.nonces[i]
		}
	}
	return nil
}

// offer gives the nonce for a challenge, a new one where that is asked for or
// where the last one has been used enough.
func (c *challenger) offer(fresh bool) string {
	if n := len(c.nonces); n == 0 || fresh || len(c.nonces[n-1].seen) > nonceUses/2 {
		c.nonces = append(c.nonces, nonce{rand.Text(), make(map[string]bool)})
		c.nonces = c.nonces[max(0, len(c.nonces)-nonceCount):]
	}
	return c.nonces[len(c.nonces)-1].text
}

var digestParam = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^\s,]*))`)

func digestParams(header string) map[string]string {
	params := make(map[string]string)
	for _, m := range digestParam.FindAllStringSubmatch(header, -1) {
		params[m[1]] = m[2] + m[3]
	}
	return params
}

// digestOf is the response that belongs to the parameters (RFC 7616 section 3.4.1).
func digestOf(method string, p map[string]string) string {
	var h hash.Hash = md5.New()
	if p["algorithm"] == "SHA-256" {
		h = sha256.New()
	}
	sum := func(text string) string {
		h.Reset()
		h.Write([]byte(text))
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	secret := sum(digestUser + ":" + p["realm"] + ":" + digestPassword)
	return sum(secret + ":" + p["nonce"] + ":" + p["nc"] + ":" + p["cnonce"] + ":" + p["qop"] + ":" + sum(method+":"+p["uri"]))
}
