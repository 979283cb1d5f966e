// Package weather is a small client, there to be tested: weather_test.go shows
// four ways of testing code that uses a session.
//
//   - A httptest.Server: real sockets, nothing replaced.
//   - A handler mounted as an adapter: no sockets, any host name, and the
//     session's own headers, cookies, redirects and errors all the same.
//   - An adapter that fails: what the code does when there is no answer.
//   - A handler inside testing/synctest: retries and timeouts in no time.
//
// What makes it testable is that it takes its session, as a field.
package weather

import (
	"context"
	"fmt"

	"github.com/cbf3e3a9/session"
)

// Client asks the weather service. It is safe for concurrent use.
type Client struct {
	// Session has the service's address as its BaseURL.
	Session *session.Session
}

// Degrees returns the temperature in a city. Errors are those of
// [session.Session.Get], a [*session.StatusError], or session.ErrInvalidJSON.
func (c *Client) Degrees(ctx context.Context, city string) (float64, error) {
	resp, err := c.Session.Get(ctx, "/now", session.Params{"city": {city}})
	if err != nil {
		return 0, err
	}
	if err := resp.CheckStatus(); err != nil {
		return 0, fmt.Errorf("weather: %w", err)
	}
	now, err := session.DecodeJSON[struct{ Degrees float64 }](resp)
	return now.Degrees, err
}
