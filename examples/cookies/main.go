// Command cookies keeps cookies from one run to the next, in a file of its own
// and in cookies.txt, the format of curl, wget and Python's MozillaCookieJar.
//
//	go run ./examples/cookies          # three visits, with a temporary file
//	go run ./examples/cookies jar.json # one visit, with a file that stays
//
// The server is its own, on loopback; it counts visits in a cookie.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cbf3e3a9/session"
)

func main() {
	ctx := context.Background()
	var err error
	if len(os.Args) > 1 {
		err = visit(ctx, os.Stdout, os.Args[1])
	} else {
		err = run(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cookies:", err)
		os.Exit(1)
	}
}

// run makes three visits, each with a session of its own, as three runs of a
// program would, and then exchanges the cookies with other tools.
func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "cookies")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "jar.json")
	for range 3 {
		if err := visit(ctx, out, path); err != nil {
			return err
		}
	}
	return exchange(out, path, filepath.Join(dir, "cookies.txt"))
}

// visit loads the jar, asks the server once, and saves the jar.
func visit(ctx context.Context, out io.Writer, path string) error {
	jar := session.NewJar()
	if err := jar.Load(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	server := httptest.NewServer(http.HandlerFunc(count))
	defer server.Close()
	s := session.New()
	defer s.Close()
	s.Jar = jar
	resp, err := s.Get(ctx, server.URL) // a new port each time: cookies belong to the host
	if err != nil {
		return err
	}
	text, err := resp.Text()
	if err != nil {
		return err
	}
	fmt.Fprintln(out, text)
	return jar.Save(path) // 0600: cookies are secrets
}

// count is the server: the cookie holds the number of visits.
func count(w http.ResponseWriter, r *http.Request) {
	visits := 1
	if c, err := r.Cookie("visits"); err == nil {
		before, _ := strconv.Atoi(c.Value)
		visits = before + 1
	}
	http.SetCookie(w, &http.Cookie{Name: "visits", Value: strconv.Itoa(visits), Path: "/", MaxAge: 3600})
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark", Path: "/"}) // ends with a browser, not with a jar
	fmt.Fprintf(w, "visit number %d", visits)
}

// exchange writes the jar as cookies.txt, reads it into another jar, and lists
// and edits what is there.
func exchange(out io.Writer, path, txt string) error {
	jar, other := session.NewJar(), session.NewJar()
	if err := jar.Load(path); err != nil {
		return err
	}
	if err := jar.SaveCookiesTxt(txt); err != nil {
		return err
	}
	if err := other.LoadCookiesTxt(txt); err != nil {
		return err
	}
	for c := range other.All() {
		fmt.Fprintf(out, "%s%s %s=%s, session cookie: %t\n", c.Domain, c.Path, c.Name, c.Value, c.Expires.IsZero())
	}
	other.ClearSession()
	fmt.Fprintf(out, "%d left without session cookies\n", other.Len())

	list := "# Netscape HTTP Cookie File\n.example.test\tTRUE\t/\tTRUE\t0\tsid\tabc\n" // from curl, say
	if err := other.ReadCookiesTxt(strings.NewReader(list)); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d with those of another tool\n", other.Len())
	return nil
}
