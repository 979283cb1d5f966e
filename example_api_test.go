package session_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
)

// newExampleAPI starts the server that the examples talk to.
func newExampleAPI() *httptest.Server {
	return httptest.NewServer(exampleAPI())
}

func exampleAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", exampleEcho)
	mux.HandleFunc("/end", exampleEcho)
	mux.HandleFunc("/users/7", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(User{ID: 7, Name: "Ada"})
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "12", Path: "/"})
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 1<<20))
	})
	mux.HandleFunc("/lines", func(w http.ResponseWriter, _ *http.Request) {
		for n := range 3 {
			fmt.Fprintf(w, "{\"n\":%d}\r\n", n+1)
		}
	})
	mux.HandleFunc("/files", exampleFiles)
	var asked atomic.Int32
	mux.HandleFunc("/flaky", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // until the client has gone
	})
	mux.Handle("/start", http.RedirectHandler("/middle", http.StatusFound))
	mux.Handle("/middle", http.RedirectHandler("/end", http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.Handle("/moved", http.RedirectHandler("/end", http.StatusMovedPermanently))
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.FormValue("url"), http.StatusFound)
	})
	return mux
}

// exampleEcho answers with what came: the request line, the headers that an
// example could have set, and the body.
func exampleEcho(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s\n", r.Method, r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch {
		case strings.HasPrefix(name, "X-"), name == "Authorization", name == "Content-Type", name == "Cookie":
			fmt.Fprintf(w, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
		}
	}
	_, _ = io.Copy(w, r.Body)
}

func exampleFiles(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		http.Error(w, "no multipart body", http.StatusBadRequest)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(r.MultipartForm.Value)) {
		fmt.Fprintf(w, "%s = %s\n", name, r.FormValue(name))
	}
	for _, field := range slices.Sorted(maps.Keys(r.MultipartForm.File)) {
		for _, file := range r.MultipartForm.File[field] {
			fmt.Fprintf(w, "%s: %s, %d bytes\n", field, file.Filename, file.Size)
		}
	}
}
