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
	// one book:    Sketch of the Analytical Engine (1843)
	// added:       A Logical Calculus has the identifier 4
	// all books:   1 Sketch of the Analytical Engine
	// all books:   2 The Laws of Thought
	// all books:   3 Computing Machinery and Intelligence
	// all books:   4 A Logical Calculus
	// not found:   book store: no book has the identifier 9 (ErrNoSuchBook: true)
	// refused:     book store: a book needs a title (status 422)
	// no entry:    book store: the token is not valid
}
