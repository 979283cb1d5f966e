// Command apiclient shows how a client of one API is made of a session:
// client.go embeds a *session.Session in a type with methods of its own, typed
// results, typed errors, pages and retries. server.go is the API, on loopback.
//
//	go run ./examples/apiclient
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"

	"github.com/cbf3e3a9/session"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "apiclient:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	const token = "a-token"
	server := httptest.NewServer(newStore(token))
	defer server.Close()

	client := NewClient(server.URL+"/v1", token)
	defer client.Close()

	book, err := client.Book(ctx, "1")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "one book:    %s (%d)\n", book.Title, book.Year)

	added, err := client.Add(ctx, Book{Title: "A Logical Calculus", Year: 1943}, "key-1")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "added:       %s has the identifier %s\n", added.Title, added.ID)

	for book, err := range client.Books(ctx) { // the store is busy once: nobody notices
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "all books:   %s %s\n", book.ID, book.Title)
	}
	return failures(ctx, out, client)
}

// failures shows what errors say.
func failures(ctx context.Context, out io.Writer, client *Client) error {
	_, err := client.Book(ctx, "9")
	fmt.Fprintf(out, "not found:   %v (ErrNoSuchBook: %t)\n", err, errors.Is(err, ErrNoSuchBook))

	_, err = client.Add(ctx, Book{}, "key-2")
	var status *session.StatusError
	if !errors.As(err, &status) {
		return fmt.Errorf("expected a status, got %w", err)
	}
	fmt.Fprintf(out, "refused:     %v (status %d)\n", err, status.Response.StatusCode)

	stranger := client.Clone() // the same settings and connections, to be changed apart
	stranger.Auth = session.BearerAuth("another")
	_, err = (&Client{stranger}).Book(ctx, "1")
	fmt.Fprintf(out, "no entry:    %v\n", err)
	return nil
}
