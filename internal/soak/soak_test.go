package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// TestMain makes this program the servers where it is started as such.
func TestMain(m *testing.M) {
	if isServer() {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestASmallSoakFindsNothing(t *testing.T) {
	var out bytes.Buffer
	p := plan{duration: 2 * time.Second, requests: 600, workers: 8, seed: 7, faults: 20, cancel: 120, hold: 40, bombs: 1, codings: []string{"zstd"}}
	code := run(p, &out)
	assert.Zero(t, code, "%s", &out)
	assert.Contains(t, out.String(), "40 held open")
	assert.Contains(t, out.String(), "1 bombs at once: zstd")
}

func TestAReportFailsForWhatIsNotZero(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*report){
		"unexpected errors":         func(r *report) { r.tally.unexpected = 1 },
		"wrong bodies":              func(r *report) { r.tally.wrong = 1 },
		"hangs":                     func(r *report) { r.hangs = 1 },
		"goroutines left":           func(r *report) { r.after.goroutines = 1 },
		"descriptors left":          func(r *report) { r.after.descriptors = 1 },
		"bodies sent, not closed":   func(r *report) { r.unclosed = 1 },
		"bodies sent, closed twice": func(r *report) { r.unclosed, r.closedTwice = -1, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &report{tally: &tally{}}
			var out bytes.Buffer
			require.Zero(t, r.write(&out))
			spoil(r)
			out.Reset()
			assert.Equal(t, 1, r.write(&out))
			assert.Contains(t, out.String(), fmt.Sprintf("%-34s 1\n", name))
		})
	}
}

func TestATallyTellsWhatIsExpected(t *testing.T) {
	t.Parallel()
	reset := faultNamed("reset in body")
	wrong := &wrongBody{"GET", "/echo", []byte("a"), []byte("b")}
	for _, test := range []struct {
		name                             string
		call                             *call
		err                              error
		expected, stale, unexpected, bad int64
	}{
		{name: "success", call: &call{}},
		{name: "error without a fault", call: &call{}, err: session.ErrConnection, unexpected: 1},
		{name: "error of the fault", call: &call{fault: reset}, err: session.ErrIncompleteBody, expected: 1},
		{name: "error of another", call: &call{fault: reset}, err: session.ErrDecode, unexpected: 1},
		{name: "fault that is not told", call: &call{fault: reset}, unexpected: 1},
		{name: "fault where it is not seen", call: &call{fault: reset, lenient: true}},
		{name: "wrong body", call: &call{fault: reset}, err: wrong, bad: 1},
		{name: "garbage taken for an answer", call: &call{}, err: fmt.Errorf("%w: %q", session.ErrProtocol, garbage)},
		{name: "connection closed under a POST", call: &call{once: true}, err: session.ErrConnection, stale: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var counts tally
			test.call.load = &load{plan: plan{faults: 20}}
			counts.note(1, "get", test.call, test.err)
			var expected int64
			for _, n := range counts.kinds {
				expected += n
			}
			assert.Equal(t, test.expected, expected)
			assert.Equal(t, test.stale, counts.stale)
			assert.Equal(t, test.unexpected, counts.unexpected)
			assert.Equal(t, test.bad, counts.wrong)
		})
	}
}

func TestAWatchCountsAHangOnce(t *testing.T) {
	t.Parallel()
	w := newWatch(2)
	end := w.begin(0, 5)
	w.begin(1, 6)()
	w.look(time.Now().Add(deadline))
	assert.Zero(t, w.hangs.Load(), "before the deadline and its grace")
	for range 2 {
		w.look(time.Now().Add(deadline + 2*grace))
	}
	end()
	assert.EqualValues(t, 1, w.hangs.Load())
}

func TestTheSameSeedGivesTheSameOperations(t *testing.T) {
	t.Parallel()
	l := &load{plan: plan{seed: 3, requests: 1000, faults: 20}, bases: []string{"a", "b", "c", "d"}}
	l.sessions = []*session.Session{session.New(), session.New()}
	for index := range int64(100) {
		first, what := l.plannedCall(index)
		again, same := l.plannedCall(index)
		assert.Equal(t, what.name, same.name)
		assert.Equal(t, first.base, again.base)
		assert.Equal(t, first.fault, again.fault)
		assert.Equal(t, index%20 == 19 && what.name != "head", first.fault != nil)
	}
}

func TestTheWeightsMakeAHundred(t *testing.T) {
	t.Parallel()
	total := 0
	for _, what := range mix {
		total += what.weight
	}
	assert.Equal(t, 100, total)
}

func TestTheSlopeIsThatOfALine(t *testing.T) {
	t.Parallel()
	var samples []usage
	for i := range 10 {
		samples = append(samples, usage{done: int64(i), rss: uint64(1000 + 3*i)})
	}
	assert.InDelta(t, 3, slope(samples), 1e-9)
	assert.Zero(t, slope(nil))
}

func TestAChallengerRefusesACountThatItHasSeen(t *testing.T) {
	t.Parallel()
	var c challenger
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://a.test/digest?algorithm=SHA-256", nil)
	require.NoError(t, err)
	digest := session.DigestAuth(digestUser, digestPassword)
	challenge := c.check(req)
	require.NotEmpty(t, challenge)
	ok, err := digest.Challenge(req, &http.Response{StatusCode: 401, Request: req, Header: http.Header{"Www-Authenticate": {challenge}}})
	require.NoError(t, err)
	require.True(t, ok)
	assert.Empty(t, c.check(req), "the first time")
	assert.Contains(t, c.check(req), "stale=true", "the second time")
}
