package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/cbf3e3a9/session"
)

// Client is a client of the book store. It embeds a session, so whoever uses it
// can change its settings, mount an adapter, or ask for what it has no method for.
type Client struct {
	*session.Session
}

// NewClient returns a client of the store at baseURL. Since the token is an
// Auth, it never leaves the store's origin, whatever a redirect says.
func NewClient(baseURL, token string) *Client {
	s := session.New()
	s.BaseURL = baseURL
	s.Auth = session.BearerAuth(token)
	s.Header.Set("Accept", "application/json")
	s.AddUserAgent("bookstore/1.0")
	s.Timeout = session.Timeout{Connect: 5 * time.Second, Read: 30 * time.Second}
	s.Retry = &session.Retry{
		Total:         3,
		Statuses:      []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
		BackoffFactor: 100 * time.Millisecond,
	}
	return &Client{s}
}

// Book is what the store sells.
type Book struct {
	ID    string `json:"id,omitempty"`
	Title string `json:"title"`
	Year  int    `json:"year"`
}

// Error is what the store says when it refuses. It wraps the
// [*session.StatusError], which has the response.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	status  *session.StatusError
}

// Error gives the store's own words.
func (e *Error) Error() string { return "book store: " + e.Message }

// Unwrap gives the status, where the error came with one.
func (e *Error) Unwrap() error {
	if e.status == nil {
		return nil
	}
	return e.status
}

// Is makes two errors of one code match, so that errors.Is(err, ErrNoSuchBook) works.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// ErrNoSuchBook is the store's error for an identifier that it does not know.
var ErrNoSuchBook = &Error{Code: "no_such_book", Message: "no such book"}

// Book returns one book. An unknown one is ErrNoSuchBook.
func (c *Client) Book(ctx context.Context, id string) (Book, error) {
	return decoded[Book](c.Get(ctx, "/books/"+url.PathEscape(id)))
}

// Add adds a book and returns it with its identifier. The key lets the
// session's Retry send this POST again: the store takes it once.
func (c *Client) Add(ctx context.Context, book Book, key string) (Book, error) {
	return decoded[Book](c.Post(ctx, "/books",
		session.JSON(book),
		session.Header{"Idempotency-Key": {key}}))
}

// Books yields all books, page by page: it follows the Link header.
func (c *Client) Books(ctx context.Context) iter.Seq2[Book, error] {
	return func(yield func(Book, error) bool) {
		for page := "/books"; page != ""; {
			resp, err := c.Get(ctx, page)
			books, err := decoded[[]Book](resp, err)
			if err != nil {
				yield(Book{}, err)
				return
			}
			for _, book := range books {
				if !yield(book, nil) {
					return
				}
			}
			page = resp.Links()["next"]["url"]
		}
	}
}

// decoded reads what a call answered: a T, or an error.
func decoded[T any](resp *session.Response, err error) (T, error) {
	var none T
	if err == nil {
		err = refusal(resp)
	}
	if err != nil {
		return none, err
	}
	return session.DecodeJSON[T](resp)
}

// refusal is the store's error of a status of 400 or more; nil for any other.
func refusal(resp *session.Response) error {
	err := resp.CheckStatus()
	var status *session.StatusError
	if !errors.As(err, &status) {
		return err
	}
	refused := &Error{status: status}
	if resp.JSON(refused) != nil || refused.Code == "" {
		return fmt.Errorf("book store: %w", err) // a proxy's page, not the store's words
	}
	return refused
}
