package main_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/cbf3e3a9/session"
)

// A grower is a client that makes many requests: get asks for a URL and reads
// the answer, free closes its connections.
type grower struct {
	get  func(url string) error
	free func()
}

// A growerMaker makes clients that send over a transport.
type growerMaker struct {
	name string
	make func(http.RoundTripper) (grower, error)
}

var growers = []growerMaker{
	{"nethttp", growByHand},
	{"session", growSession},
}

func growByHand(transport http.RoundTripper) (grower, error) {
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	client := &http.Client{Transport: transport, Jar: jar}
	get := func(url string) error {
		_, err := fetch(client, url)
		return err
	}
	return grower{get, client.CloseIdleConnections}, err
}

// growSession has the session's own adapter over a transport of net/http.
func growSession(transport http.RoundTripper) (grower, error) {
	s := session.New()
	if base, ok := transport.(*http.Transport); ok {
		transport = &session.HTTPAdapter{Base: base}
	}
	err := s.Mount("http://", transport)
	get := func(url string) error {
		_, err := s.Get(background, url)
		return err
	}
	return grower{get, func() { _ = s.Close() }}, err
}

// manyAnswers answers each request with another value of a cookie.
type manyAnswers struct{ count *atomic.Int64 }

func (m manyAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	n := strconv.FormatInt(m.count.Add(1), 10)
	return respond(req, http.StatusOK, answerText, http.Header{
		"Content-Type": {"application/json"},
		"Set-Cookie":   {"last=" + n + "; Path=/; HttpOnly"},
	}), nil
}

// BenchmarkGrowthRequests makes a client and so many requests with it, each for
// another URL, and each answer sets the cookie of the next request.
func BenchmarkGrowthRequests(b *testing.B) {
	for n := 1; n <= 1_000_000; n *= 10 {
		for _, g := range growers {
			b.Run(fmt.Sprintf("%d/%s", n, g.name), func(b *testing.B) {
				before := heap()
				var client grower
				for b.Loop() {
					var err error
					client, err = g.make(manyAnswers{new(atomic.Int64)})
					check(b, err)
					for i := range n {
						check(b, client.get("http://api.example.com/things/"+strconv.Itoa(i)))
					}
				}
				report(b, n, before)
				runtime.KeepAlive(client)
			})
		}
	}
}

// load is how many requests are made by all goroutines together.
const load = 20_000

// BenchmarkGrowthGoroutines has so many goroutines make 20,000 requests with one
// client, over connections in memory to a server in this process, as many as
// there are goroutines. The heap is that after the connections were closed.
func BenchmarkGrowthGoroutines(b *testing.B) {
	for n := 1; n <= 10_000; n *= 10 {
		for _, g := range growers {
			b.Run(fmt.Sprintf("%d/%s", n, g.name), func(b *testing.B) {
				startAndEnd(10 * n) // callers, and both ends of each connection
				before := heap()
				client, stop := newPiped(b, g, n)
				ask(b, client, n) // the connections are made now
				for b.Loop() {
					ask(b, client, n)
				}
				b.StopTimer()
				stop()
				report(b, load, before)
				runtime.KeepAlive(client)
			})
		}
	}
}

// newPiped is a client, and a server at the other end of its n connections; stop
// ends both, and waits until nothing of them runs.
func newPiped(tb testing.TB, g growerMaker, n int) (client grower, stop func()) {
	goroutines := runtime.NumGoroutine()
	transport, stopServer := newPipes(n)
	client, err := g.make(transport)
	check(tb, err)
	return client, func() {
		// net/http's transport keeps records of who has waited for a connection
		// until the next becomes idle, and of connections until the next is made.
		for range 2 {
			check(tb, client.get(piped))
			client.free()
			waitFor(tb, goroutines+1) // the server accepts connections
		}
		stopServer()
		waitFor(tb, goroutines)
	}
}

// piped is what those clients ask for.
const piped = "http://api.example.com/v1/things"

// ask has n goroutines make the load.
func ask(tb testing.TB, client grower, n int) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for range load / n {
				if err := client.get(piped); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// startAndEnd has so many goroutines at once. Go keeps its records of those that
// have ended, which are not to be counted as the client's.
func startAndEnd(n int) {
	var all sync.WaitGroup
	end := make(chan struct{})
	for range n {
		all.Go(func() { <-end })
	}
	close(end)
	all.Wait()
}

// waitFor waits until no more goroutines than that are left: those of closed
// connections end a little later.
func waitFor(tb testing.TB, goroutines int) {
	for range 10_000 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		time.Sleep(time.Millisecond)
	}
	tb.Errorf("%d goroutines are left of %d", runtime.NumGoroutine()-goroutines, goroutines)
}

// report reports, beside time, that of each of n requests, and how much the heap
// has grown.
func report(b *testing.B, n int, before uint64) {
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/request")
	b.ReportMetric(float64(heap())-float64(before), "heap-B")
}

// heap is how many bytes are in use.
func heap() uint64 {
	for range 3 { // what pools keep goes with the second collection
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// newPipes is a transport whose connections lead, in memory, to a server in this
// process, n of them at most; stop ends the server and all that it runs.
func newPipes(n int) (transport *http.Transport, stop func()) {
	listener := pipeListener{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: newMux()}
	var serving sync.WaitGroup
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			serving.Add(1)
		case http.StateClosed, http.StateHijacked:
			serving.Done()
		}
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	transport = &http.Transport{DialContext: listener.dial, MaxConnsPerHost: n, MaxIdleConnsPerHost: n}
	return transport, func() {
		_ = server.Close()
		<-served
		serving.Wait()
	}
}

// pipeListener accepts the other ends of the pipes that it has dialled.
type pipeListener struct {
	pipes  chan net.Conn
	closed chan struct{}
}

func (l pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.pipes <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case pipe := <-l.pipes:
		return pipe, nil
	case <-l.closed:
		return nil, io.EOF
	}
}

func (l pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }
