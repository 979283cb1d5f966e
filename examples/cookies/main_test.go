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
	// visit number 1
	// visit number 2
	// visit number 3
	// 127.0.0.1/ theme=dark, session cookie: true
	// 127.0.0.1/ visits=3, session cookie: false
	// 1 left without session cookies
	// 2 with those of another tool
}
