package main

import (
	"context"
	"errors"

	"github.com/cbf3e3a9/session"
)

// kinds lists the kinds of error as they are told in the report, a case before
// what it is a case of.
var kinds = []struct {
	name string
	err  error
}{
	{"canceled", context.Canceled},
	{"retries exhausted", session.ErrRetriesExhausted},
	{"too many redirects", session.ErrTooManyRedirects},
	{"unrewindable body", session.ErrUnrewindableBody},
	{"request body", session.ErrRequestBody},
	{"limit", session.ErrLimit},
	{"decode", session.ErrDecode},
	{"incomplete body", session.ErrIncompleteBody},
	{"connect timeout", session.ErrConnectTimeout},
	{"read timeout", session.ErrReadTimeout},
	{"total timeout", session.ErrTotalTimeout},
	{"timeout", session.ErrTimeout},
	{"protocol", session.ErrProtocol},
	{"TLS", session.ErrTLS},
	{"proxy", session.ErrProxy},
	{"connection", session.ErrConnection},
}

// kindName is the kind of an error, "other" where it has none.
func kindName(err error) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	return "other"
}

// isKind reports whether err is one of these kinds.
func isKind(err error, kinds []error) bool {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}
