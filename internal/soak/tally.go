package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cbf3e3a9/session"
)

// prompt is how soon a call should return once it is cancelled.
const prompt = 50 * time.Millisecond

// shown is how many of what is unexpected are told in full.
const shown = 20

// tally counts what came of the operations. It is safe for concurrent use.
type tally struct {
	mu         sync.Mutex
	operations map[string]int64
	kinds      map[string]int64 // errors that were to be expected
	faults     map[string]int64
	stale      int64 // connections that were closed under a POST
	garbage    int64 // taken for an answer
	others     int64 // requests that ended by the end of another
	unexpected int64
	wrong      int64
	bad        []string // the first of the two above

	cancels, late int64
	slowest       time.Duration
}

// note counts an operation.
func (t *tally) note(index int64, what string, c *call, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.operations == nil {
		t.operations, t.kinds, t.faults = map[string]int64{}, map[string]int64{}, map[string]int64{}
	}
	t.operations[what]++
	name := ""
	if c.fault != nil {
		name = c.fault.name
		t.faults[name]++
	}
	var wrong *wrongBody
	switch {
	case errors.As(err, &wrong):
		t.wrong++
	case c.expects(err):
		if err != nil {
			t.kinds[kindName(err)]++
		}
		return
	case c.isGarbage(err):
		t.garbage++
		return
	case isOthers(err):
		t.others++
		return
	case c.isStale(err):
		t.stale++
		return
	default:
		t.unexpected++
	}
	if len(t.bad) < shown {
		t.bad = append(t.bad, fmt.Sprintf("operation %d, %s at %s, fault %q, cancelled %t: %v", index, what, c.base, name, c.cancelled.Load(), err))
	}
}

// expects reports whether a call may end with err: with what its fault brings,
// or with its being cancelled; and with success if there is neither.
func (c *call) expects(err error) bool {
	if err == nil {
		return c.fault == nil || c.fault.harmless || c.lenient
	}
	return c.cancelled.Load() && errors.Is(err, context.Canceled) || c.fault != nil && isKind(err, c.fault.kinds)
}

// isStale reports whether a request went out over a connection that its server
// was closing, because of the garbage that it had sent to somebody else. What
// net/http does not send again fails then, as RFC 9110 section 9.2.2 asks.
func (c *call) isStale(err error) bool {
	return c.load.faults > 0 && c.once && errors.Is(err, session.ErrConnection)
}

// isGarbage reports whether the garbage behind another answer was taken for the
// answer, which net/http does where it finds it too late.
func (c *call) isGarbage(err error) bool {
	return c.load.faults > 0 && errors.Is(err, session.ErrProtocol) && strings.Contains(err.Error(), strconv.Quote(garbage))
}

// isOthers reports whether net/http closed a connection since the request that
// had it before was cancelled.
func isOthers(err error) bool {
	return errors.Is(err, session.ErrConnection) && strings.Contains(err.Error(), "end of another request")
}

// cancelled notes how long a call took to return once it was cancelled.
func (t *tally) cancelled(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cancels++
	t.slowest = max(t.slowest, took)
	if took > prompt {
		t.late++
	}
}
