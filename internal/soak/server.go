package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// endpoints says where the servers are. The plain one is a proxy too.
type endpoints struct {
	Plain string // http://, HTTP/1.1
	TLS   string // https://, HTTP/1.1
	HTTP2 string // https://, HTTP/2
	Roots string // the certificate of both, PEM
}

// answer is a response before it is sent, or spoiled.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// server answers for all endpoints.
type server struct {
	digest  sync.Map // host to *challenger
	faulted sync.Map // ids that have had their fault
	tries   sync.Map // id to *atomic.Int64, of those that are to be retried
	bombs   sync.Map // coding to func() []byte
	release context.CancelFunc
	held    context.Context // until all are released
}

// serve starts the servers, prints where they are and answers until in ends.
func serve(in io.Reader, out io.Writer) error {
	s := new(server)
	s.held, s.release = context.WithCancel(context.Background())
	plain, tls, h2 := s.start(), s.start(), s.start()
	plain.Start()
	tls.StartTLS()
	h2.EnableHTTP2 = true
	h2.StartTLS()
	where := endpoints{
		Plain: plain.URL, TLS: tls.URL, HTTP2: h2.URL,
		Roots: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h2.Certificate().Raw})),
	}
	if err := json.NewEncoder(out).Encode(where); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

func (s *server) start() *httptest.Server {
	started := httptest.NewUnstartedServer(s)
	started.Config.ErrorLog = log.New(io.Discard, "", 0)
	return started
}

// ServeHTTP reads a request to its end and sends its answer, spoiled where the
// request asks for that.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		tunnel(w, r)
		return
	case r.URL.Path == "/hold":
		s.hold(w, r)
		return
	}
	sent, err := sentBody(r)
	if err != nil {
		panic(http.ErrAbortHandler) // the client gave up
	}
	a := s.answer(r, sent)
	if f := faultNamed(r.Header.Get(faultHeader)); f != nil {
		if _, had := s.faulted.LoadOrStore(r.Header.Get(idHeader), true); !had {
			f.inject(w, r, a)
			return
		}
	}
	send(w, a)
}

// sentBody is what was sent: of a multipart body the content of its files.
func sentBody(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return io.ReadAll(r.Body)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	var all []byte
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, r.Body) // what follows the last part
			return all, err
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		all = append(all, content...)
	}
}

// answer says what a request is answered with.
func (s *server) answer(r *http.Request, sent []byte) answer {
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	id := r.Header.Get(idHeader)
	a := answer{http.StatusOK, http.Header{}, bodyOf(id, r.Method, r.URL.Path, sent, size)}
	switch kind, rest, _ := strings.Cut(r.URL.Path[1:], "/"); kind {
	case "redirect":
		redirect(&a, r)
	case "cookie":
		cookie(&a, r, rest)
	case "digest":
		host, _ := s.digest.LoadOrStore(r.Host, new(challenger))
		if challenge := host.(*challenger).check(r); challenge != "" {
			a.status = http.StatusUnauthorized
			a.header.Set("WWW-Authenticate", challenge)
		}
	case "coded":
		name, coded := encode(r.URL.Query().Get("coding"), a.body)
		a.header.Set("Content-Encoding", name)
		a.body = coded
	case "flaky":
		s.flaky(&a, r)
	case "bomb":
		a.header.Set("Content-Encoding", rest)
		bombs, _ := s.bombs.LoadOrStore(rest, sync.OnceValue(func() []byte { return bomb(rest) }))
		a.body = bombs.(func() []byte)()
	case "release":
		s.release()
	}
	return a
}

// redirect leads n times around, then to the echo of an endpoint.
func redirect(a *answer, r *http.Request) {
	query := r.URL.Query()
	a.status, _ = strconv.Atoi(query.Get("status"))
	hops, _ := strconv.Atoi(query.Get("hops"))
	if hops > 1 {
		query.Set("hops", strconv.Itoa(hops-1))
		a.header.Set("Location", "/redirect?"+query.Encode())
		return
	}
	a.header.Set("Location", query.Get("to")+"/echo?size="+query.Get("size"))
}

// cookie sets and deletes the cookie "c" of a path, and tells the one it was sent.
func cookie(a *answer, r *http.Request, rest string) {
	id, what, _ := strings.Cut(rest, "/")
	path := "/cookie/" + id
	switch what {
	case "set":
		a.status = http.StatusFound
		a.header.Set("Set-Cookie", fmt.Sprintf("c=%s; Path=%s; Max-Age=60", id, path))
		a.header.Set("Location", path+"/check")
	case "delete":
		a.header.Set("Set-Cookie", fmt.Sprintf("c=; Path=%s; Max-Age=0", path))
	}
	if c, err := r.Cookie("c"); err == nil {
		a.header.Set("X-Cookie", c.Value)
	}
}

// flaky answers 503 to the first requests of an id.
func (s *server) flaky(a *answer, r *http.Request) {
	id := r.Header.Get(idHeader)
	fails, _ := strconv.ParseInt(r.URL.Query().Get("fails"), 10, 64)
	count, _ := s.tries.LoadOrStore(id, new(atomic.Int64))
	if count.(*atomic.Int64).Add(1) <= fails {
		a.status = http.StatusServiceUnavailable
		return
	}
	s.tries.Delete(id)
}

// hold sends half of an answer, and the rest when all are released.
func (s *server) hold(w http.ResponseWriter, r *http.Request) {
	body := bodyOf(r.Header.Get(idHeader), r.Method, r.URL.Path, nil, 1<<10)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	select {
	case <-s.held.Done():
		_, _ = w.Write(body[len(body)/2:])
	case <-r.Context().Done():
	}
}

func copyHeader(w http.ResponseWriter, a answer) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
}

// send sends an answer as it should be, in chunks where it is odd.
func send(w http.ResponseWriter, a answer) {
	copyHeader(w, a)
	if a.body[0]&1 == 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	half := len(a.body) / 2
	_, _ = w.Write(a.body[:half])
	_, _ = w.Write(a.body[half:])
}

// tunnel connects a client with where it wants to go.
func tunnel(w http.ResponseWriter, r *http.Request) {
	to, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, "no connection", http.StatusBadGateway)
		return
	}
	from, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = to.Close()
		return
	}
	write(from, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
	_ = from.Close()
	_ = to.Close()
}
