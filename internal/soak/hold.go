package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cbf3e3a9/session"
)

// holdTime is how long it may take to open the requests that are held.
const holdTime = time.Minute

// hold opens requests whose answers stop in the middle, all at once, measures,
// and has them finished.
func (l *load) hold(r *report) {
	if l.plan.hold == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), holdTime)
	defer cancel()
	var opened, finished sync.WaitGroup
	released := make(chan struct{})
	opened.Add(l.plan.hold)
	for i := range l.plan.hold {
		finished.Go(func() { l.holdOne(ctx, i, opened.Done, released) })
	}
	opened.Wait()
	r.held = measure()
	close(released)
	c := l.extraCall(ctx, "release", l.bases[0])
	_, err := c.request("POST", "/release")
	l.tally.note(-1, "release", c, err)
	finished.Wait()
}

// extraCall is a call besides the mixed load.
func (l *load) extraCall(ctx context.Context, id, base string) *call {
	return &call{Rand: rand.New(rand.NewPCG(l.seed, 0)), ctx: ctx, load: l, session: l.session, id: id, base: base}
}

// holdOne opens one request and reads the rest of its answer when all are
// open. Every tenth is of HTTP/2.
func (l *load) holdOne(ctx context.Context, i int, opened func(), released <-chan struct{}) {
	base := l.bases[0]
	if i%10 == 9 {
		base = l.bases[3]
	}
	c := l.extraCall(ctx, fmt.Sprintf("hold-%d", i), base)
	resp, err := c.request("GET", "/hold", session.Stream(true),
		session.Timeout{Connect: holdTime, Read: holdTime, Total: holdTime})
	first := make([]byte, 1)
	if err == nil {
		_, err = io.ReadFull(resp.Body, first)
	}
	opened()
	<-released
	if err == nil {
		var rest []byte
		rest, err = resp.Bytes()
		if err == nil {
			err = c.check(append(first, rest...), "GET", "/hold", nil, 1<<10)
		}
	}
	l.tally.note(int64(i), "hold", c, err)
}
