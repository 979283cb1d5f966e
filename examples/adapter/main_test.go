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
	// mock://docs/intro.txt: 200 OK: An adapter is any http.RoundTripper.
	// mock://docs/outro.txt: 404 Not Found: no such file
	// a server redirected to mock://docs/intro.txt: 200 OK
	// and to a private file: refused (ErrRedirectScheme: true)
	// wire: GET /old, Accept-Encoding "gzip, deflate, br, zstd": 301
	// wire: GET /new, Accept-Encoding "gzip, deflate, br, zstd": 200
}
