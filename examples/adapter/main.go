// Command adapter shows two ways into a session's transport: an adapter that
// serves a scheme of its own (fsadapter.go), and middleware around net/http's
// transport, put there by HTTPAdapter.Wrap.
//
//	go run ./examples/adapter
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing/fstest"

	"github.com/cbf3e3a9/session"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "adapter:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	s := session.New()
	defer s.Close()
	if err := ownScheme(ctx, out, s); err != nil {
		return err
	}
	return middleware(ctx, out, s)
}

// ownScheme mounts an adapter for mock://, and asks it.
func ownScheme(ctx context.Context, out io.Writer, s *session.Session) error {
	files := fstest.MapFS{
		"docs/intro.txt":  {Data: []byte("An adapter is any http.RoundTripper.")},
		"private/key.txt": {Data: []byte("for the program alone")},
	}
	if err := s.Mount("mock://", fsAdapter{files}); err != nil {
		return err
	}
	for _, u := range []string{"mock://docs/intro.txt", "mock://docs/outro.txt"} {
		resp, err := s.Get(ctx, u)
		if err != nil {
			return err
		}
		text, err := resp.Text()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s: %s\n", u, resp.Status, text)
	}
	return redirected(ctx, out, s)
}

// redirected has a server redirect to the adapter, which lets it see some files.
func redirected(ctx context.Context, out io.Writer, s *session.Session) error {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "mock:/"+r.URL.Path)
		w.WriteHeader(http.StatusFound)
	}))
	defer server.Close()

	resp, err := s.Get(ctx, server.URL+"/docs/intro.txt")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "a server redirected to %s: %s\n", resp.URL(), resp.Status)

	_, err = s.Get(ctx, server.URL+"/private/key.txt")
	fmt.Fprintf(out, "and to a private file: refused (ErrRedirectScheme: %t)\n", errors.Is(err, session.ErrRedirectScheme))
	return nil
}

// logged is middleware: it sees every request as it goes to the wire.
type logged struct {
	next http.RoundTripper
	out  io.Writer
}

func (l logged) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	if err == nil {
		fmt.Fprintf(l.out, "wire: %s %s, Accept-Encoding %q: %d\n",
			req.Method, req.URL.Path, req.Header.Get("Accept-Encoding"), resp.StatusCode)
	}
	return resp, err
}

// middleware wraps each transport of an HTTPAdapter. Proxy, Verify and Cert go on
// working: the adapter still chooses the transport, and the wrapper only sees
// what it sends. A wrapper mounted by itself could honour none of them.
func middleware(ctx context.Context, out io.Writer, s *session.Session) error {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
		}
	}))
	defer server.Close()

	adapter := &session.HTTPAdapter{
		Wrap: func(next http.RoundTripper) http.RoundTripper { return logged{next, out} },
	}
	if err := s.Mount(server.URL, adapter); err != nil { // for this server alone
		return err
	}
	_, err := s.Get(ctx, server.URL+"/old")
	return err
}
