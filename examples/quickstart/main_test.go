package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

func Example() {
	if err := run(context.Background(), os.Stdout, ""); err != nil {
		fmt.Println(err)
	}
	// Output:
	// log in:    POST /login answered 303, followed to /welcome: "welcome, ada"
	// cookies:   the jar holds "sid", and /welcome answered 200 again
	// JSON:      Ada writes English and French
	// upload:    notes.txt, 7000 bytes, stored in drafts
	// streaming: 32 MiB in pieces of at most 64 KiB, SHA-256 e09320c5b00b34bb…
	// adapter:   mock://greet/world says "hello, world", and touched no network
}

// The password is public, so nobody else is served.
func TestServeRefusesOtherAddresses(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", "0.0.0.0:0", "192.0.2.1:0", "[::]:0"} {
		_, err := listenLoopback(addr)
		assert.ErrorContains(t, err, "not a loopback address", addr)
	}
}
