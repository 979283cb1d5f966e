package main

import (
	"context"
	"fmt"
	"os"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// the system's authorities:  refused (ErrTLS: true)
	// our own authority:         hello, stranger
	// with a client certificate: hello, ada
	// and without it again:      hello, stranger
	// a proxy, no password:      407 Proxy Authentication Required
	// the session's proxy:       hello, stranger
	// directly, for one request: hello, stranger
	// tunnels that were opened:  1
}
