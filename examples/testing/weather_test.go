package weather_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	weather "github.com/cbf3e3a9/session/examples/testing"
)

// service is a stand-in for the weather service.
func service(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("city") != "Oslo" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, `{"degrees": -3.5}`)
}

// The first way: a server on loopback.
func TestDegreesOverSockets(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(service))
	defer server.Close()
	client := weather.Client{Session: &session.Session{BaseURL: server.URL}}
	defer client.Session.Close()

	degrees, err := client.Degrees(t.Context(), "Oslo")

	require.NoError(t, err)
	assert.InDelta(t, -3.5, degrees, 1e-9)
}

// handlerTransport answers by a handler, without a socket.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req = req.Clone(req.Context())
		req.Body = http.NoBody // as a server's requests have it
	}
	defer req.Body.Close()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, req)
	return answer.Result(), nil
}

// clientOf is a client of a service that is a handler.
func clientOf(t *testing.T, handler http.HandlerFunc) weather.Client {
	t.Helper()
	s := &session.Session{BaseURL: "https://weather.test"}
	require.NoError(t, s.Mount("https://weather.test", handlerTransport{handler}))
	return weather.Client{Session: s}
}

// The second way: a handler as an adapter. No name is looked up.
func TestUnknownCity(t *testing.T) {
	t.Parallel()
	client := clientOf(t, service)

	_, err := client.Degrees(t.Context(), "Atlantis")

	var status *session.StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, http.StatusNotFound, status.Response.StatusCode)
}

// roundTripFunc is an adapter in one function.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// The third way: an adapter that fails.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	s := &session.Session{BaseURL: "https://weather.test"}
	refuse := roundTripFunc(func(*http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("%w: %w", session.ErrConnection, syscall.ECONNREFUSED)
	})
	require.NoError(t, s.Mount("https://", refuse))
	client := weather.Client{Session: s}

	_, err := client.Degrees(t.Context(), "Oslo")

	assert.ErrorIs(t, err, session.ErrConnection)
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// The fourth way: time that passes at once.
func TestBusyServiceIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked < 3 {
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			service(w, r)
		})
		client.Session.Retry = &session.Retry{Total: 5}
		start := time.Now()

		degrees, err := client.Degrees(t.Context(), "Oslo")

		require.NoError(t, err)
		assert.InDelta(t, -3.5, degrees, 1e-9)
		assert.Equal(t, 2*time.Minute, time.Since(start), "waited as long as it was told to")
	})
}

func TestSilentServiceTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &session.Session{BaseURL: "https://weather.test", Timeout: session.Timeout{Total: 30 * time.Second}}
		silent := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, errors.New("nothing came")
		})
		require.NoError(t, s.Mount("https://", silent))

		_, err := (&weather.Client{Session: s}).Degrees(t.Context(), "Oslo")

		assert.ErrorIs(t, err, session.ErrTotalTimeout)
	})
}
