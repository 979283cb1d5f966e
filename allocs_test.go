package session_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// TestAllocations holds what allocations there are at what they were, which does
// not depend on the machine. What the adapter of the tests allocates counts too.
func TestAllocations(t *testing.T) {
	t.Setenv("NETRC", "") // there is none
	s := session.New()
	require.NoError(t, s.Mount("https://", roundTripper(small)))
	withCookies := s.Clone()
	u := jarURL(t, "https://a.test/v1/things")
	withCookies.Jar.(*session.Jar).SetHeader(u, []string{"sid=3f2a9c5d7e8b4016; Secure", "theme=dark; Path=/", "region=eu-west; Path=/v1"})
	prebuilt, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	require.NoError(t, err)
	many := session.New()
	for i := range 1000 {
		require.NoError(t, many.Mount(fmt.Sprintf("https://host%d.a.test/v%d", i, i%3), roundTripper(small)))
	}
	var answer struct{ ID int }

	for what, test := range map[string]struct {
		most float64
		do   func() error
	}{
		"Get": {13, func() error {
			_, err := s.Get(t.Context(), u.String())
			return err
		}},
		"Get with cookies": {14, func() error {
			_, err := withCookies.Get(t.Context(), u.String())
			return err
		}},
		"Get with headers, parameters, auth, cookies and JSON": {31, func() error {
			resp, err := withCookies.Get(t.Context(), u.String(),
				session.Header{"Accept": {"application/json"}, "X-Request-Id": {"0a1b2c3d"}},
				session.Params{"q": {"red things"}, "page": {"2"}},
				session.BasicAuth("user", "pa55word"))
			if err != nil {
				return err
			}
			return resp.JSON(&answer)
		}},
		"Do": {11, func() error {
			resp, err := s.Do(prebuilt)
			if err != nil {
				return err
			}
			return resp.Body.Close()
		}},
		"three redirects": {75, func() error {
			_, err := s.Get(t.Context(), "https://a.test/3")
			return err
		}},
		"PostJSON": {21, func() error {
			_, err := s.Post(t.Context(), u.String(), session.JSON(answer))
			return err
		}},
		"New":   {3, func() error { session.New(); return nil }},
		"Clone": {9, func() error { withCookies.Clone(); return nil }},
		"AdapterFor among 1,000": {0, func() error {
			_, err := many.AdapterFor(u)
			return err
		}},
		"Jar.Header": {1, func() error {
			if withCookies.Jar.(*session.Jar).Header(u) == "" {
				return io.EOF
			}
			return nil
		}},
	} {
		t.Run(what, func(t *testing.T) {
			got := testing.AllocsPerRun(100, func() {
				if err := test.do(); err != nil {
					t.Fatal(err)
				}
			})
			assert.LessOrEqual(t, got, test.most)
		})
	}
}

// small answers with a little JSON, and /3 by way of /2 and /1 to /0.
func small(req *http.Request) (*http.Response, error) {
	resp := &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}},
	}
	if len(req.URL.Path) == 2 && req.URL.Path != "/0" {
		resp.StatusCode = http.StatusFound
		resp.Header["Location"] = []string{map[string]string{"/3": "/2", "/2": "/1", "/1": "/0"}[req.URL.Path]}
	}
	body := `{"ID": 7}`
	resp.ContentLength, resp.Body = int64(len(body)), io.NopCloser(strings.NewReader(body))
	return resp, nil
}
