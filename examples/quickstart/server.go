package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// What the demo's server lets in.
const (
	user     = "ada"
	password = "engine-1843"
)

// profile is what /api/me answers.
type profile struct {
	Name      string   `json:"name"`
	Languages []string `json:"languages"`
}

// stored is what /api/files answers.
type stored struct {
	Folder string `json:"folder"`
	Name   string `json:"name"`
	Size   int64  `json:"size"`
}

// bigBody is the length of /big, in bytes.
const bigBody = 32 << 20

// demo is the server: whoever has its sid is logged in.
type demo struct{ sid string }

// routes are all that the demo asks for.
func routes() http.Handler {
	d := demo{sid: rand.Text()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", d.logIn)
	mux.HandleFunc("GET /welcome", d.welcome)
	mux.HandleFunc("GET /api/me", d.me)
	mux.HandleFunc("POST /api/files", d.files)
	mux.HandleFunc("GET /big", d.big)
	return mux
}

func (d demo) logIn(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("user") != user || r.PostFormValue("password") != password {
		http.Error(w, "wrong user or password", http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: d.sid, Path: "/", HttpOnly: true})
	http.Redirect(w, r, "/welcome", http.StatusSeeOther)
}

func (d demo) welcome(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie("sid"); err != nil || c.Value != d.sid {
		http.Error(w, "log in first", http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(w, "welcome, %s", user)
}

func (demo) me(w http.ResponseWriter, r *http.Request) {
	if name, pass, _ := r.BasicAuth(); name != user || pass != password {
		w.Header().Set("WWW-Authenticate", `Basic realm="demo"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	writeJSON(w, profile{Name: "Ada", Languages: []string{"English", "French"}})
}

func (demo) files(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("file")
	if err != nil {
		http.Error(w, "no file came", http.StatusBadRequest)
		return
	}
	defer file.Close()
	size, err := io.Copy(io.Discard, file)
	if err != nil {
		http.Error(w, "the file broke off", http.StatusBadRequest)
		return
	}
	writeJSON(w, stored{Folder: r.FormValue("folder"), Name: header.Filename, Size: size})
}

// big sends its body block by block, without a Content-Length.
func (demo) big(w http.ResponseWriter, _ *http.Request) {
	block := make([]byte, 64<<10)
	for i := range block {
		block[i] = byte(i)
	}
	for sent := 0; sent < bigBody; sent += len(block) {
		if _, err := w.Write(block); err != nil {
			return // the client has gone
		}
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// serve serves the routes at a loopback address until the context ends.
func serve(ctx context.Context, out io.Writer, addr string) error {
	listener, err := listenLoopback(addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "serving http://%s; end it with Ctrl-C\n", listener.Addr())
	server := &http.Server{Handler: routes(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func listenLoopback(addr string) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	if !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("-serve %s: not a loopback address", addr)
	}
	return net.ListenTCP("tcp", resolved)
}
