package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cbf3e3a9/session"
)

// peak is the most memory that was resident while bombs of a coding came.
type peak struct {
	coding string
	rss    uint64
	took   time.Duration
}

// bomb asks for bombs of each coding, all at once, and reads them as a stream.
func (l *load) bomb(r *report) {
	if l.bombs == 0 {
		return
	}
	for _, coding := range l.codings {
		measure()
		resetPeak()
		start := time.Now()
		var all sync.WaitGroup
		for i := range l.bombs {
			all.Go(func() { l.bombOne(coding, i) })
		}
		all.Wait()
		r.peaks = append(r.peaks, peak{coding, resident("VmHWM:"), time.Since(start)})
	}
}

func (l *load) bombOne(coding string, i int) {
	ctx, cancel := context.WithTimeout(context.Background(), holdTime)
	defer cancel()
	c := l.extraCall(ctx, fmt.Sprintf("bomb-%d", i), l.bases[0])
	resp, err := c.request("GET", "/bomb/"+coding, session.Stream(true),
		session.Timeout{Read: holdTime, Total: holdTime})
	if err == nil {
		var n int64
		n, err = io.Copy(io.Discard, resp.Body)
		resp.Close()
		if err == nil {
			err = fmt.Errorf("%d bytes came out of a bomb", n)
		}
	}
	if errors.Is(err, session.ErrLimit) {
		err = nil
	}
	l.tally.note(int64(i), "bomb "+coding, c, err)
}
