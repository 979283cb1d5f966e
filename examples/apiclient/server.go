package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// store is a small server: two books a page, and busy once in a while.
type store struct {
	token string

	mu     sync.Mutex
	books  []Book
	byKey  map[string]Book // what was added, by Idempotency-Key
	busyIn int             // requests until it answers 503 once
}

func newStore(token string) *store {
	return &store{
		token: token,
		books: []Book{
			{"1", "Sketch of the Analytical Engine", 1843},
			{"2", "The Laws of Thought", 1854},
			{"3", "Computing Machinery and Intelligence", 1950},
		},
		byKey:  map[string]Book{},
		busyIn: 3,
	}
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busyIn--
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.token:
		refuse(w, http.StatusUnauthorized, "unauthorized", "the token is not valid")
	case s.busyIn == 0:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/v1/books" && r.Method == http.MethodPost:
		s.add(w, r)
	case r.URL.Path == "/v1/books":
		s.list(w, r)
	default:
		s.show(w, strings.TrimPrefix(r.URL.Path, "/v1/books/"))
	}
}

func (s *store) list(w http.ResponseWriter, r *http.Request) {
	const size = 2
	page, _ := strconv.Atoi(r.FormValue("page"))
	first := min(max(page, 0)*size, len(s.books))
	last := min(first+size, len(s.books))
	if last < len(s.books) {
		w.Header().Set("Link", fmt.Sprintf(`<http://%s/v1/books?page=%d>; rel="next"`, r.Host, page+1))
	}
	answer(w, http.StatusOK, s.books[first:last])
}

func (s *store) add(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	if known, ok := s.byKey[key]; ok {
		answer(w, http.StatusOK, known)
		return
	}
	var book Book
	if json.NewDecoder(r.Body).Decode(&book) != nil || book.Title == "" {
		refuse(w, http.StatusUnprocessableEntity, "invalid_book", "a book needs a title")
		return
	}
	book.ID = strconv.Itoa(len(s.books) + 1)
	s.books = append(s.books, book)
	s.byKey[key] = book
	answer(w, http.StatusCreated, book)
}

func (s *store) show(w http.ResponseWriter, id string) {
	for _, book := range s.books {
		if book.ID == id {
			answer(w, http.StatusOK, book)
			return
		}
	}
	refuse(w, http.StatusNotFound, "no_such_book", "no book has the identifier "+id)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, Error{Code: code, Message: message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
