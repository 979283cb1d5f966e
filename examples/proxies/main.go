// Command proxies shows certificates and proxies: a private authority, a client
// certificate, a proxy for the session, for one request, and for none. It starts
// a TLS server and a forward proxy of its own on loopback.
//
//	go run ./examples/proxies
package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"

	"github.com/cbf3e3a9/session"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "proxies:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "proxies")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ca, err := newAuthority(dir)
	if err != nil {
		return err
	}
	service, err := newService(ca)
	if err != nil {
		return err
	}
	defer service.Close()

	s := session.New()
	defer s.Close()
	s.BaseURL = service.URL
	if err := certificates(ctx, out, s, ca); err != nil {
		return err
	}
	return proxies(ctx, out, s)
}

// certificates shows Verify and Cert, of the session and of one request.
func certificates(ctx context.Context, out io.Writer, s *session.Session, ca *authority) error {
	_, err := s.Get(ctx, "/", session.VerifyDefault)
	fmt.Fprintf(out, "the system's authorities:  refused (ErrTLS: %t)\n", errors.Is(err, session.ErrTLS))

	s.Verify = session.CAFile(ca.path("ca.pem"))
	if err := say(ctx, out, s, "our own authority:        "); err != nil {
		return err
	}
	if _, err := ca.issue("ada", 3, x509.ExtKeyUsageClientAuth); err != nil {
		return err
	}
	files := session.CertFile{Cert: ca.path("ada.pem"), Key: ca.path("ada.key")}
	if err := say(ctx, out, s, "with a client certificate:", files); err != nil {
		return err
	}
	return say(ctx, out, s, "and without it again:     ") // not over ada's connection
}

// proxies shows Proxies of the session and of one request.
func proxies(ctx context.Context, out io.Writer, s *session.Session) error {
	forward := &forwardProxy{to: strings.TrimPrefix(s.BaseURL, "https://"), user: "ada", password: "engine"}
	server := httptest.NewServer(forward)
	defer server.Close()
	address, err := url.Parse(server.URL)
	if err != nil {
		return err
	}

	_, err = s.Get(ctx, "/", session.Proxies{"https": address.String()})
	var refused *session.ProxyError
	if !errors.As(err, &refused) {
		return fmt.Errorf("expected the proxy to refuse, got %w", err)
	}
	fmt.Fprintf(out, "a proxy, no password:      %s\n", refused.Status)

	address.User = url.UserPassword(forward.user, forward.password)
	s.Proxies = session.Proxies{"https": address.String()}
	if err := say(ctx, out, s, "the session's proxy:      "); err != nil {
		return err
	}
	if err := say(ctx, out, s, "directly, for one request:", session.NoProxy); err != nil {
		return err
	}
	fmt.Fprintf(out, "tunnels that were opened:  %d\n", forward.tunnels.Load())
	return nil
}

// say prints what the service says.
func say(ctx context.Context, out io.Writer, s *session.Session, what string, opts ...session.Option) error {
	resp, err := s.Get(ctx, "/", opts...)
	if err != nil {
		return err
	}
	text, err := resp.Text()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s\n", what, text)
	return nil
}
