// Command quickstart shows what a session does, in one run against a server of
// its own on loopback:
//
//	go run ./examples/quickstart
//
// It logs in by a form, keeps the cookie, follows the redirect, asks for JSON
// with credentials, uploads a file, streams a large body, and mounts an adapter
// for a scheme of its own.
//
// Given a URL it runs against that server instead, which must have the routes
// of server.go. Another quickstart is one:
//
//	go run ./examples/quickstart -serve 127.0.0.1:8080
//	go run ./examples/quickstart http://127.0.0.1:8080
//
// -serve takes loopback addresses only, since the password is in the source.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/cbf3e3a9/session"
)

func main() {
	addr := flag.String("serve", "", "serve the demo's routes at this loopback `address` and run no demo")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	var err error
	if *addr != "" {
		err = serve(ctx, os.Stdout, *addr)
	} else {
		err = run(ctx, os.Stdout, flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run shows everything against the server at base, or at "" against its own.
func run(ctx context.Context, out io.Writer, base string) error {
	if base == "" {
		server := httptest.NewServer(routes())
		defer server.Close()
		base = server.URL
	}

	// One session: everything set here goes with every request.
	s := session.New()
	defer s.Close()
	s.BaseURL = base
	s.Timeout = session.Timeout{Connect: 5 * time.Second, Read: 10 * time.Second}
	s.AddUserAgent("quickstart/1.0")

	for _, show := range []func(context.Context, io.Writer, *session.Session) error{
		logIn, cookieKept, jsonWithAuth, upload, streamed, adapterMounted,
	} {
		if err := show(ctx, out, s); err != nil {
			return err
		}
	}
	return nil
}

// logIn posts a form; the answer sets a cookie and redirects.
func logIn(ctx context.Context, out io.Writer, s *session.Session) error {
	resp, err := s.Post(ctx, "/login", session.Form{"user": {user}, "password": {password}})
	if err != nil {
		return err
	}
	if err := resp.CheckStatus(); err != nil {
		return err
	}
	text, err := resp.Text()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "log in:    POST /login answered %d, followed to %s: %q\n",
		resp.History[0].StatusCode, resp.URL().Path, text)
	return nil
}

// cookieKept asks again: the session sends the cookie that it was given.
func cookieKept(ctx context.Context, out io.Writer, s *session.Session) error {
	resp, err := s.Get(ctx, "/welcome")
	if err != nil {
		return err
	}
	for _, cookie := range s.Jar.Cookies(resp.URL()) {
		fmt.Fprintf(out, "cookies:   the jar holds %q, and /welcome answered %d again\n", cookie.Name, resp.StatusCode)
	}
	return resp.CheckStatus()
}

// jsonWithAuth asks for JSON with a name and a password, for this request alone.
func jsonWithAuth(ctx context.Context, out io.Writer, s *session.Session) error {
	resp, err := s.Get(ctx, "/api/me",
		session.Params{"fields": {"name,languages"}},
		session.BasicAuth(user, password))
	if err != nil {
		return err
	}
	if err := resp.CheckStatus(); err != nil {
		return err
	}
	me, err := session.DecodeJSON[profile](resp)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "JSON:      %s writes %s\n", me.Name, strings.Join(me.Languages, " and "))
	return nil
}

// upload sends a file from disk, and a form field with it.
func upload(ctx context.Context, out io.Writer, s *session.Session) error {
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("a note\n", 1000)), 0o600); err != nil {
		return err
	}

	resp, err := s.Post(ctx, "/api/files",
		session.Form{"folder": {"drafts"}},
		session.Files{{Field: "file", Path: path, ContentType: "text/plain"}})
	if err != nil {
		return err
	}
	if err := resp.CheckStatus(); err != nil {
		return err
	}
	got, err := session.DecodeJSON[stored](resp)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "upload:    %s, %d bytes, stored in %s\n", got.Name, got.Size, got.Folder)
	return nil
}

// streamed reads a body that is not held in memory, piece by piece.
func streamed(ctx context.Context, out io.Writer, s *session.Session) error {
	resp, err := s.Get(ctx, "/big", session.Stream(true))
	if err != nil {
		return err
	}
	defer resp.Close()
	if err := resp.CheckStatus(); err != nil {
		return err
	}
	size, sum := 0, sha256.New()
	for chunk, err := range resp.Chunks(64 << 10) {
		if err != nil {
			return err
		}
		size += len(chunk)
		sum.Write(chunk)
	}
	fmt.Fprintf(out, "streaming: %d MiB in pieces of at most 64 KiB, SHA-256 %.8x…\n", size>>20, sum.Sum(nil))
	return nil
}

// adapterMounted serves a scheme of our own: any http.RoundTripper will do.
func adapterMounted(ctx context.Context, out io.Writer, s *session.Session) error {
	if err := s.Mount("mock://", greeter{}); err != nil {
		return err
	}
	resp, err := s.Get(ctx, "mock://greet/world")
	if err != nil {
		return err
	}
	text, err := resp.Text()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "adapter:   mock://greet/world says %q, and touched no network\n", text)
	return nil
}

// greeter is an adapter.
type greeter struct{}

func (greeter) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	fmt.Fprintf(answer, "hello, %s", strings.TrimPrefix(req.URL.Path, "/"))
	return answer.Result(), nil
}
