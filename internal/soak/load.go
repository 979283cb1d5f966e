package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cbf3e3a9/session"
)

// cancelWithin is the time in which a call that is to be cancelled is.
const cancelWithin = 20 * time.Millisecond

// load is a session under load, and what came of it.
type load struct {
	plan
	bases    []string
	proxy    string
	session  *session.Session
	sessions []*session.Session // it and clones of it
	digest   *session.Digest
	file     string // to be uploaded
	content  []byte // of it
	watch    *watch
	tally    tally
	gate     sync.RWMutex // held by who measures while nothing is in flight

	next, done, requests        atomic.Int64
	opened, closed, closedTwice atomic.Int64 // bodies that were sent
}

// newLoad makes the session for the servers.
func newLoad(p plan, where endpoints) (*load, error) {
	log.SetOutput(io.Discard) // net/http logs what comes behind an answer
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(where.Roots))
	s := session.New()
	s.Verify = session.RootCAs(roots)
	s.Timeout = session.Timeout{Connect: deadline / 2, Read: deadline / 2, Total: deadline - time.Second}
	l := &load{
		plan: p, session: s, proxy: where.Plain,
		bases:   []string{where.Plain, where.Plain, where.TLS, where.HTTP2},
		digest:  session.DigestAuth(digestUser, digestPassword),
		watch:   newWatch(p.workers),
		content: make([]byte, 128<<10),
	}
	l.sessions = []*session.Session{s, s, s.Clone(), s.Clone()}
	rng := rand.NewChaCha8([32]byte{byte(p.seed)})
	_, _ = rng.Read(l.content)
	file, err := os.CreateTemp("", "soak")
	if err != nil {
		return nil, err
	}
	l.file = file.Name()
	_, err = file.Write(l.content)
	return l, firstError(err, file.Close())
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// base is a random endpoint.
func (l *load) base(rng *rand.Rand) string { return l.bases[rng.IntN(len(l.bases))] }

// run carries the mixed load out.
func (l *load) run(r *report) {
	ctx, cancel := context.WithTimeout(context.Background(), l.duration)
	defer cancel()
	start := time.Now()
	finished, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		go l.watch.run(finished)
		l.sample(r, finished)
	}()
	var workers sync.WaitGroup
	for worker := range l.workers {
		workers.Go(func() { l.work(ctx, worker) })
	}
	go func() {
		workers.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(l.duration + deadline + 5*grace): // something hangs
		return
	}
	<-watched
	r.took = time.Since(start)
	r.end = l.measured()
}

// work carries operations out until there are enough or the time is over.
func (l *load) work(ctx context.Context, worker int) {
	for ctx.Err() == nil {
		index := l.next.Add(1) - 1
		if index >= l.plan.requests {
			return
		}
		l.gate.RLock()
		end := l.watch.begin(worker, index)
		l.operate(index)
		end()
		l.gate.RUnlock()
		l.done.Add(1)
	}
}

// operate carries out the operation of that index.
func (l *load) operate(index int64) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	c, what := l.plannedCall(index)
	c.ctx = ctx
	var at time.Time
	if c.Int64N(l.plan.requests) < l.cancel {
		timer := time.AfterFunc(time.Duration(c.Int64N(int64(cancelWithin))), func() {
			at = time.Now()
			c.cancelled.Store(true)
			cancel()
		})
		defer timer.Stop()
	}
	err := what.run(c)
	l.tally.note(index, what.name, c, err)
	if c.cancelled.Load() {
		l.tally.cancelled(time.Since(at))
	}
}

// plannedCall makes every choice, by seed and index alone.
func (l *load) plannedCall(index int64) (*call, operation) {
	c := &call{
		Rand: rand.New(rand.NewPCG(l.seed, uint64(index))),
		load: l, id: fmt.Sprintf("%d-%d", l.seed, index),
	}
	c.base = l.base(c.Rand)
	c.session = l.sessions[c.IntN(len(l.sessions))]
	if c.IntN(10) == 0 {
		c.session = c.session.Clone()
		c.session.Proxies = session.Proxies{"all": l.proxy}
	}
	what := pick(c.IntN(100))
	if l.faults > 0 && index%l.faults == l.faults-1 && what.name != "head" { // which has no body to spoil
		l.choose(c, index/l.faults)
	}
	return c, what
}

// pick is the operation that has the nth of the hundred weights.
func pick(n int) operation {
	for _, what := range mix {
		if n -= what.weight; n < 0 {
			return what
		}
	}
	return mix[0]
}

// choose gives a call the nth fault of those that its endpoint can make.
func (l *load) choose(c *call, n int64) {
	f := &faults[n%int64(len(faults))]
	if f.spoil2 == nil && c.base == l.bases[3] {
		c.base = l.bases[0]
	}
	c.fault = f
	if f.name == "stall" {
		c.session = c.session.Clone()
		c.session.Timeout.Read = stallRead
	}
}

// progress is how much of the plan is done, 0 to 1.
func (l *load) progress(start time.Time) float64 {
	return max(float64(l.done.Load())/float64(l.plan.requests), float64(time.Since(start))/float64(l.duration))
}

// sample measures at a tenth of the way while nothing is in flight, and from
// there on the resident memory forty times.
func (l *load) sample(r *report, finished <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	start, next := time.Now(), 0.1
	for {
		select {
		case <-finished:
			return
		case <-tick.C:
		}
		if l.progress(start) < next {
			continue
		}
		if next == 0.1 {
			r.tenth = l.measured()
		}
		next += 0.9 / 40
		r.samples = append(r.samples, usage{rss: resident("VmRSS:"), done: l.done.Load()})
	}
}

// measured waits until nothing is in flight.
func (l *load) measured() usage {
	l.gate.Lock()
	defer l.gate.Unlock()
	u := measure()
	u.done = l.done.Load()
	return u
}

// close gives everything back, and sees what is left.
func (l *load) close(r *report) {
	_ = l.session.Close()
	_ = os.Remove(l.file)
	r.tally, r.hangs, r.requests = &l.tally, l.watch.hangs.Load(), l.requests.Load()
	r.operations = l.done.Load()
	r.after = settled(r.before)
	r.unclosed = l.opened.Load() - l.closed.Load()
	r.closedTwice = l.closedTwice.Load()
}
