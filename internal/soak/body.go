package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// idHeader names the request that a body answers, on every hop of a call.
const idHeader = "X-Soak-Id"

// bodyOf is the body that answers a request, about size bytes: lines that are
// each the hash of id, method, path and sent, so that a body which is crossed,
// cut or repeated is not this one.
func bodyOf(id, method, path string, sent []byte, size int) []byte {
	line := hashOf([]byte(fmt.Sprintf("%s %s %s %s", id, method, path, hashOf(sent)))) + "\n"
	return bytes.Repeat([]byte(line), max(1, size/len(line)))
}

// hashOf is the SHA-256 of data in hexadecimal.
func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// wrongBody is a body that is not the one that answers the request.
type wrongBody struct {
	method, path string
	got, want    []byte
}

func (e *wrongBody) Error() string {
	return fmt.Sprintf("wrong body of %s %s: %d bytes %.80q, not %d bytes %.80q",
		e.method, e.path, len(e.got), e.got, len(e.want), e.want)
}
