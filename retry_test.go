package session_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// outcome is what an attempt comes to: an error, or an answer.
type outcome struct {
	status int
	header http.Header
	body   string
	err    error
}

// flaky is an adapter whose attempts come to one outcome after another; the
// last one stays.
type flaky struct {
	outcomes []outcome
	start    time.Time
	at       []time.Duration // of each attempt, since the start
	methods  []string
	urls     []string
	bodies   []string
	answers  []*closeCounter
}

func (f *flaky) RoundTrip(req *http.Request) (*http.Response, error) {
	f.at = append(f.at, time.Since(f.start))
	f.methods, f.urls = append(f.methods, req.Method), append(f.urls, req.URL.String())
	now := f.outcomes[min(len(f.at), len(f.outcomes))-1]
	if now.err != nil && isDialFault(now.err) {
		if req.Body != nil {
			_ = req.Body.Close() // unread: there was nobody to send it to
		}
		return nil, now.err
	}
	sent := ""
	if req.Body != nil {
		content, _ := io.ReadAll(req.Body)
		sent = string(content)
	}
	f.bodies = append(f.bodies, sent)
	if now.err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, now.err
	}
	resp := answer(req, now.status, now.header.Clone(), now.body)
	counter := &closeCounter{Reader: resp.Body}
	f.answers = append(f.answers, counter)
	resp.Body = counter
	return resp, nil
}

func isDialFault(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// waits are the times between the attempts.
func (f *flaky) waits() []time.Duration {
	var waits []time.Duration
	for i := 1; i < len(f.at); i++ {
		waits = append(waits, f.at[i]-f.at[i-1])
	}
	return waits
}

// retrying is a session over a flaky adapter.
func retrying(t *testing.T, policy *session.Retry, outcomes ...outcome) (*session.Session, *flaky) {
	t.Helper()
	f := &flaky{outcomes: outcomes, start: time.Now()}
	s := over(t, f.RoundTrip)
	s.Retry = policy
	return s, f
}

var (
	refusal   = outcome{err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	reset     = outcome{err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
	hangUp    = outcome{err: io.ErrUnexpectedEOF}
	odd       = outcome{err: errors.New("odd")}
	untrusted = outcome{err: x509.UnknownAuthorityError{}}
	noTunnel  = outcome{err: &session.ProxyError{StatusCode: 502, Status: "502 Bad Gateway"}}
	noRights  = outcome{err: &session.ProxyError{StatusCode: 407, Status: "407 Proxy Authentication Required"}}
	busy      = outcome{status: 503, body: "busy"}
	fine      = outcome{status: 200, body: "fine"}
)

func later(status int, after string) outcome {
	return outcome{status: status, header: http.Header{"Retry-After": {after}}}
}

func TestRetriesCountByKindOfFailure(t *testing.T) {
	t.Parallel()
	on503 := []int{503}
	for _, c := range []struct {
		what     string
		policy   session.Retry
		outcomes []outcome
		made     int
		gaveUp   bool // with a RetryError
	}{
		{"connect, by Total", session.Retry{Total: 2}, []outcome{refusal}, 3, true},
		{"connect, by its own bound", session.Retry{Total: 5, Connect: 1}, []outcome{refusal}, 2, true},
		{"connect, Total is less", session.Retry{Total: 1, Connect: 5}, []outcome{refusal}, 2, true},
		{"connect, without Total", session.Retry{Connect: 2}, []outcome{refusal}, 3, true},
		{"connect, not asked for", session.Retry{Read: 2, Status: 2, Other: 2}, []outcome{refusal}, 1, false},
		{"connect, forbidden", session.Retry{Total: 5, Connect: -1}, []outcome{refusal}, 1, false},
		{"read, by Total", session.Retry{Total: 2}, []outcome{reset}, 3, true},
		{"read, hung up", session.Retry{Total: 2}, []outcome{hangUp}, 3, true},
		{"read, by its own bound", session.Retry{Total: 5, Read: 1}, []outcome{reset}, 2, true},
		{"read, without Total", session.Retry{Read: 2}, []outcome{reset}, 3, true},
		{"read, not asked for", session.Retry{Connect: 2, Status: 2, Other: 2}, []outcome{reset}, 1, false},
		{"read, forbidden", session.Retry{Total: 5, Read: -1}, []outcome{reset}, 1, false},
		{"status, by Total", session.Retry{Total: 2, Statuses: on503}, []outcome{busy}, 3, true},
		{"status, by its own bound", session.Retry{Total: 5, Status: 1, Statuses: on503}, []outcome{busy}, 2, true},
		{"status, without Total", session.Retry{Status: 2, Statuses: on503}, []outcome{busy}, 3, true},
		{"status, not asked for", session.Retry{Connect: 2, Read: 2, Other: 2, Statuses: on503}, []outcome{busy}, 1, false},
		{"status, forbidden", session.Retry{Total: 5, Status: -1, Statuses: on503}, []outcome{busy}, 1, false},
		{"other, by Total", session.Retry{Total: 2}, []outcome{odd}, 3, true},
		{"other, by its own bound", session.Retry{Total: 5, Other: 1}, []outcome{odd}, 2, true},
		{"other, without Total", session.Retry{Other: 2}, []outcome{odd}, 3, true},
		{"other, not asked for", session.Retry{Connect: 2, Read: 2, Status: 2}, []outcome{odd}, 1, false},
		{"a tunnel is other", session.Retry{Other: 2, Connect: -1, Read: -1}, []outcome{noTunnel}, 3, true},
		{"a proxy's 407", session.Retry{Total: 2}, []outcome{noRights}, 1, false},
		{"TLS", session.Retry{Total: 2}, []outcome{untrusted}, 1, false},
		{"each kind apart", session.Retry{Total: 9, Connect: 1, Read: 1}, []outcome{refusal, reset, refusal}, 3, true},
		{"all together", session.Retry{Total: 3, Connect: 2, Read: 2, Status: 2, Statuses: on503}, []outcome{refusal, reset, busy, odd}, 4, true},
		{"none", session.Retry{}, []outcome{refusal}, 1, false},
		{"negative", session.Retry{Total: -1, Connect: 3}, []outcome{refusal}, 1, false},
	} {
		s, f := retrying(t, &c.policy, c.outcomes...)
		resp, err := s.Get(t.Context(), "http://a.test/")
		assert.Len(t, f.at, c.made, c.what)
		var gaveUp *session.RetryError
		assert.Equal(t, c.gaveUp, errors.As(err, &gaveUp), "%s: %v", c.what, err)
		assert.Equal(t, c.gaveUp, errors.Is(err, session.ErrRetriesExhausted), "%s: %v", c.what, err)
		last := c.outcomes[len(c.outcomes)-1]
		switch {
		case last.err != nil:
			assert.ErrorIs(t, err, last.err, c.what)
		case !c.gaveUp:
			require.NoError(t, err, c.what)
			assert.Equal(t, last.status, resp.StatusCode)
		}
	}
}

func TestRetryIsOffByDefault(t *testing.T) {
	t.Parallel()
	s, f := retrying(t, nil, later(503, "0"), fine)
	resp := get(t, s, "http://a.test/")
	assert.Equal(t, 503, resp.StatusCode)
	assert.Len(t, f.at, 1)
	assert.Nil(t, resp.Attempts)
}

func TestRetriedMethods(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method  string
		methods []string
		header  session.Header
		fault   outcome
		again   bool
	}{
		{"GET", nil, nil, reset, true},
		{"HEAD", nil, nil, reset, true},
		{"PUT", nil, nil, reset, true},
		{"DELETE", nil, nil, reset, true},
		{"OPTIONS", nil, nil, reset, true},
		{"TRACE", nil, nil, reset, true},
		{"POST", nil, nil, reset, false},
		{"PATCH", nil, nil, reset, false},
		{"CUSTOM", nil, nil, reset, false},
		{"POST", nil, nil, busy, false},
		{"POST", nil, nil, odd, false},
		{"POST", nil, nil, refusal, true}, // nothing was sent
		{"POST", nil, nil, noTunnel, true},
		{"POST", []string{"POST"}, nil, reset, true},
		{"POST", []string{"post"}, nil, busy, true},
		{"POST", []string{"PATCH"}, nil, reset, false},
		{"GET", []string{"POST"}, nil, reset, false},
		{"GET", []string{}, nil, reset, false},
		{"GET", []string{}, nil, refusal, true},
		{"CUSTOM", []string{"*"}, nil, reset, true},
		{"POST", nil, session.Header{"Idempotency-Key": {"1"}}, reset, true},
		{"POST", nil, session.Header{"idempotency-key": {"1"}}, busy, true},
		{"POST", nil, session.Header{"X-Idempotency-Key": {"1"}}, reset, true},
		{"POST", []string{}, session.Header{"Idempotency-Key": {"1"}}, reset, true},
	} {
		s, f := retrying(t, &session.Retry{Total: 1, Methods: c.methods, Statuses: []int{503}}, c.fault, fine)
		_, err := s.Request(t.Context(), c.method, "http://a.test/", c.header)
		want := 1
		if c.again {
			want = 2
			assert.NoError(t, err)
		}
		assert.Len(t, f.at, want, "%s of %v after %+v", c.method, c.methods, c.fault)
		for _, method := range f.methods {
			assert.Equal(t, c.method, method)
		}
	}
}

func TestRetriedStatuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, c := range []struct {
			policy session.Retry
			method string
			first  outcome
			again  bool
		}{
			{session.Retry{Total: 1}, "GET", later(503, "1"), true},
			{session.Retry{Total: 1}, "GET", later(429, "1"), true},
			{session.Retry{Total: 1}, "GET", later(413, "1"), true},
			{session.Retry{Total: 1}, "POST", later(429, "1"), false},
			{session.Retry{Total: 1}, "GET", later(500, "1"), false},
			{session.Retry{Total: 1}, "GET", later(200, "1"), false},
			{session.Retry{Total: 1}, "GET", busy, false},
			{session.Retry{Total: 1}, "GET", outcome{status: 429}, false},
			{session.Retry{Total: 1, IgnoreRetryAfter: true}, "GET", later(503, "1"), false},
			{session.Retry{Total: 1, Statuses: []int{500}}, "GET", outcome{status: 500}, true},
			{session.Retry{Total: 1, Statuses: []int{500}}, "GET", busy, false},
			{session.Retry{Total: 1, Statuses: []int{500}}, "GET", later(503, "1"), true},
			{session.Retry{Total: 1, Statuses: []int{404, 202}}, "GET", outcome{status: 202}, true},
			{session.Retry{Total: 1, Statuses: []int{503}, IgnoreRetryAfter: true}, "GET", later(503, "1"), true},
		} {
			s, f := retrying(t, &c.policy, c.first, fine)
			resp, err := s.Request(t.Context(), c.method, "http://a.test/")
			require.NoError(t, err)
			want, status := 1, c.first.status
			if c.again {
				want, status = 2, 200
			}
			assert.Len(t, f.at, want, "%+v after %+v", c.policy, c.first)
			assert.Equal(t, status, resp.StatusCode)
		}
	})
}

func TestRetriesBackOff(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		policy session.Retry
		want   []time.Duration
	}{
		{session.Retry{}, []time.Duration{0, 0, 0, 0, 0}},
		{session.Retry{BackoffFactor: second}, []time.Duration{0, 2 * second, 4 * second, 8 * second, 16 * second}},
		{session.Retry{BackoffFactor: second / 10}, []time.Duration{0, second / 5, 2 * second / 5, 4 * second / 5, 8 * second / 5}},
		{session.Retry{BackoffFactor: second, BackoffMax: 5 * second}, []time.Duration{0, 2 * second, 4 * second, 5 * second, 5 * second}},
		{session.Retry{BackoffFactor: 20 * second}, []time.Duration{0, 40 * second, 80 * second, 120 * second, 120 * second}},
		{session.Retry{BackoffFactor: 1 << 62}, []time.Duration{0, 120 * second, 120 * second, 120 * second, 120 * second}},
		{session.Retry{BackoffFactor: -second}, []time.Duration{0, 0, 0, 0, 0}},
	} {
		t.Run(fmt.Sprint(c.policy.BackoffFactor, " up to ", c.policy.BackoffMax), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c.policy.Total = 5
				s, f := retrying(t, &c.policy, refusal)
				_, err := s.Get(t.Context(), "http://a.test/")
				assert.Equal(t, c.want, f.waits(), "%+v", c.policy)
				var gaveUp *session.RetryError
				require.ErrorAs(t, err, &gaveUp)
				var told []time.Duration
				for _, attempt := range gaveUp.Attempts[:5] {
					told = append(told, attempt.Wait)
				}
				assert.Equal(t, c.want, told)
				assert.Zero(t, gaveUp.Attempts[5].Wait, "nothing follows the last one")
			})
		})
	}
}

func TestBackoffJitter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 20 {
			s, f := retrying(t, &session.Retry{
				Total: 3, BackoffFactor: time.Second, BackoffJitter: time.Second, BackoffMax: 4500 * time.Millisecond,
			}, reset)
			_, err := s.Get(t.Context(), "http://a.test/")
			require.Error(t, err)
			waits := f.waits()
			require.Len(t, waits, 3)
			assert.Zero(t, waits[0], "the first retry is made at once")
			assert.GreaterOrEqual(t, waits[1], 2*time.Second)
			assert.Less(t, waits[1], 3*time.Second)
			assert.GreaterOrEqual(t, waits[2], 4*time.Second)
			assert.LessOrEqual(t, waits[2], 4500*time.Millisecond, "the cap covers the jitter")
			seen[waits[1]] = true
		}
		assert.Greater(t, len(seen), 10, "the waits are spread")
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	bubble(t, func(t *testing.T) {
		in := func(d time.Duration, layout string) string { return time.Now().Add(d).UTC().Format(layout) }
		for _, c := range []struct {
			policy session.Retry
			value  func() string
			want   time.Duration // of the wait, where the backoff is 2 s
		}{
			{session.Retry{}, func() string { return "7" }, 7 * time.Second},
			{session.Retry{}, func() string { return " 7 " }, 7 * time.Second},
			{session.Retry{}, func() string { return "1" }, time.Second}, // less than the backoff
			{session.Retry{}, func() string { return in(90*time.Second, http.TimeFormat) }, 90 * time.Second},
			{session.Retry{}, func() string { return in(90*time.Second, time.RFC850) }, 90 * time.Second},
			{session.Retry{}, func() string { return in(90*time.Second, time.ANSIC) }, 90 * time.Second},
			{session.Retry{}, func() string { return in(-time.Hour, http.TimeFormat) }, 2 * time.Second},
			{session.Retry{}, func() string { return "0" }, 2 * time.Second},
			{session.Retry{}, func() string { return "soon" }, 2 * time.Second},
			{session.Retry{}, func() string { return "-5" }, 2 * time.Second},
			{session.Retry{}, func() string { return "1.5" }, 2 * time.Second},
			{session.Retry{}, func() string { return "999999" }, 6 * time.Hour},
			{session.Retry{}, func() string { return strings.Repeat("9", 100) }, 6 * time.Hour},
			{session.Retry{}, func() string { return strings.Repeat("9", 100) + " or so" }, 2 * time.Second},
			{session.Retry{}, func() string { return in(1e6*time.Second, http.TimeFormat) }, 6 * time.Hour},
			{session.Retry{RetryAfterMax: 10 * time.Second}, func() string { return "60" }, 10 * time.Second},
			{session.Retry{RetryAfterMax: 10 * time.Second}, func() string { return in(time.Hour, http.TimeFormat) }, 10 * time.Second},
			{session.Retry{BackoffMax: time.Second}, func() string { return "60" }, time.Minute}, // the backoff's cap is its own
			{session.Retry{IgnoreRetryAfter: true}, func() string { return "60" }, 2 * time.Second},
		} {
			c.policy.Total, c.policy.Statuses, c.policy.BackoffFactor = 2, []int{503}, time.Second
			value := c.value()
			s, f := retrying(t, &c.policy, refusal, later(503, value), fine)
			resp := get(t, s, "http://a.test/")
			assert.Equal(t, []time.Duration{0, c.want}, f.waits(), value)
			assert.Equal(t, c.want, resp.Attempts[1].Wait, value)
		}
	})
}

func TestNoWaitPastTheDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slow := &session.Retry{Total: 3, Statuses: []int{503}, BackoffFactor: time.Minute}
		for _, c := range []struct {
			what     string
			outcomes []outcome
			fits     bool
			limit    time.Duration
		}{
			{"Retry-After too long", []outcome{later(503, "60")}, false, time.Minute},
			{"Retry-After that fits", []outcome{later(503, "60"), fine}, true, time.Minute + 1},
			{"backoff too long", []outcome{busy}, false, time.Minute},
			{"backoff that fits", []outcome{busy, busy, fine}, true, 3 * time.Minute},
			{"backoff after an error", []outcome{refusal}, false, time.Minute},
		} {
			for _, byContext := range []bool{true, false} {
				s, f := retrying(t, slow, c.outcomes...)
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if byContext {
					ctx, cancel = context.WithTimeout(ctx, c.limit)
				} else {
					s.Timeout.Total = c.limit
				}
				resp, err := s.Get(ctx, "http://a.test/")
				cancel()
				if c.fits {
					require.NoError(t, err, c.what)
					assert.Equal(t, "fine", body(t, resp))
					continue
				}
				assert.Zero(t, time.Since(f.start), "%s: it ends at once", c.what)
				var gaveUp *session.RetryError
				require.ErrorAs(t, err, &gaveUp, c.what)
				if c.outcomes[0].err == nil {
					require.NotNil(t, gaveUp.Response, c.what)
					assert.Equal(t, 503, gaveUp.Response.StatusCode)
				}
				require.ErrorIs(t, err, session.ErrTimeout, "the deadline is why")
				require.NotErrorIs(t, err, session.ErrRetriesExhausted, "there are more")
			}
		}
	})
}

func TestWaitEndsWithTheContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		mine := errors.New("mine")
		s, f := retrying(t, &session.Retry{Total: 3}, later(503, "60"))
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(mine) })
		after(t, 10*time.Second, func() {
			_, err := s.Put(ctx, "http://a.test/", session.Text("x"))
			assert.ErrorIs(t, err, context.Canceled)
			assert.ErrorIs(t, err, mine)
		})
		require.Len(t, f.answers, 1)
		assert.Equal(t, 1, f.answers[0].count(), "nothing is leaked")
	})
}

func TestRetriesSendTheBodyAgain(t *testing.T) {
	t.Parallel()
	s, f := retrying(t, &session.Retry{Total: 3, Statuses: []int{503}}, reset, busy, hangUp, fine)
	for _, body := range []session.Option{
		session.Text("hello"), session.Reader(strings.NewReader("hello")),
		session.ReaderFunc(func() (io.ReadCloser, error) { return io.NopCloser(unsized("hello")), nil }),
	} {
		f.at, f.bodies = nil, nil
		_, err := s.Put(t.Context(), "http://a.test/", body)
		require.NoError(t, err)
		assert.Equal(t, []string{"hello", "hello", "hello", "hello"}, f.bodies)
	}
}

func TestBodyThatCannotBeRewoundEndsTheRetries(t *testing.T) {
	t.Parallel()
	policy := &session.Retry{Total: 3, Statuses: []int{503}}
	for _, first := range []outcome{reset, busy} {
		s, f := retrying(t, policy, first, fine)
		_, err := s.Put(t.Context(), "http://a.test/", session.Reader(unsized("hello")))
		assert.Equal(t, []string{"hello"}, f.bodies, "it is not made, least of all with an empty body")
		require.ErrorIs(t, err, session.ErrUnrewindableBody)
		assert.NotErrorIs(t, err, session.ErrRetriesExhausted)
		var ended *session.RetryError
		require.ErrorAs(t, err, &ended)
		require.Len(t, ended.Attempts, 1)
		assert.Contains(t, err.Error(), "read only once")
		if first.err != nil {
			assert.ErrorIs(t, err, syscall.ECONNRESET, "what failed first is told too")
			assert.Nil(t, ended.Response)
			continue
		}
		var status *session.StatusError
		require.ErrorAs(t, err, &status)
		assert.Equal(t, "busy", body(t, ended.Response))
	}
	// where nothing of it was read it can be sent
	s, f := retrying(t, policy, refusal, fine)
	_, err := s.Put(t.Context(), "http://a.test/", session.Reader(unsized("hello")))
	require.NoError(t, err)
	assert.Equal(t, []string{"hello"}, f.bodies)
}

func TestRetryErrorKeepsTheLastAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		policy := &session.Retry{Total: 3, Statuses: []int{503}, BackoffFactor: time.Second}
		last := outcome{status: 503, header: http.Header{"X-Last": {"yes"}}, body: "the last"}
		for _, stream := range []bool{false, true} {
			s, f := retrying(t, policy, refusal, reset, busy, last)
			resp, err := s.Get(t.Context(), "http://u:hunter2@a.test/", session.Stream(stream))
			assert.Nil(t, resp)
			require.ErrorIs(t, err, session.ErrRetriesExhausted)
			var gaveUp *session.RetryError
			require.ErrorAs(t, err, &gaveUp)
			require.NotNil(t, gaveUp.Response)
			assert.Equal(t, 503, gaveUp.Response.StatusCode)
			assert.Equal(t, "yes", gaveUp.Response.Header.Get("X-Last"))
			assert.Equal(t, "the last", body(t, gaveUp.Response))
			var status *session.StatusError
			require.ErrorAs(t, err, &status)
			assert.Same(t, gaveUp.Response, status.Response)
			assert.Contains(t, err.Error(), "4 attempts")
			assert.NotContains(t, err.Error(), "hunter2")

			at := "http://u:xxxxx@a.test/"
			require.Len(t, gaveUp.Attempts, 4)
			assert.Equal(t, gaveUp.Attempts, gaveUp.Response.Attempts)
			for i, want := range []session.Attempt{
				{Method: "GET", URL: at, Err: refusal.err, Wait: 0},
				{Method: "GET", URL: at, Err: reset.err, Wait: 2 * time.Second},
				{Method: "GET", URL: at, Status: 503, Wait: 4 * time.Second},
				{Method: "GET", URL: at, Status: 503},
			} {
				got := gaveUp.Attempts[i]
				assert.ErrorIs(t, got.Err, want.Err)
				got.Err, want.Err = nil, nil
				assert.Equal(t, want, got)
			}
			for _, body := range f.answers {
				assert.Equal(t, 1, body.count(), "every body is closed")
			}
		}
	})
}

func TestReturnStatusGivesTheLastAnswer(t *testing.T) {
	t.Parallel()
	policy := &session.Retry{Total: 1, Statuses: []int{503}, ReturnStatus: true}
	for _, stream := range []bool{false, true} {
		s, f := retrying(t, policy, busy)
		resp := get(t, s, "http://a.test/", session.Stream(stream))
		assert.Equal(t, 503, resp.StatusCode)
		require.Len(t, resp.Attempts, 2)
		assert.Equal(t, 503, resp.Attempts[1].Status)
		if stream {
			assert.Zero(t, f.answers[1].count(), "it is the caller's to read")
		}
		assert.Equal(t, "busy", body(t, resp))
		assert.Equal(t, 1, f.answers[1].count())
	}
	s, _ := retrying(t, policy, reset)
	_, err := s.Get(t.Context(), "http://a.test/")
	assert.ErrorIs(t, err, session.ErrRetriesExhausted, "there is no answer to return")
}

func TestAttemptsOfASuccess(t *testing.T) {
	t.Parallel()
	s, f := retrying(t, &session.Retry{Total: 3, Statuses: []int{503}}, reset, busy, fine)
	resp := get(t, s, "http://a.test/")
	assert.Equal(t, "fine", body(t, resp))
	require.Len(t, resp.Attempts, 3)
	assert.ErrorIs(t, resp.Attempts[0].Err, syscall.ECONNRESET)
	assert.Equal(t, []int{0, 503, 200}, []int{resp.Attempts[0].Status, resp.Attempts[1].Status, resp.Attempts[2].Status})
	assert.NoError(t, resp.Attempts[2].Err)
	assert.Empty(t, resp.History, "an attempt is no redirect")
	assert.Equal(t, 1, f.answers[0].count(), "the answer that was not kept")

	s, _ = retrying(t, &session.Retry{Total: 3}, fine)
	assert.Nil(t, get(t, s, "http://a.test/").Attempts, "one was enough")
}

func TestNoRetryOfOneRequest(t *testing.T) {
	t.Parallel()
	s, f := retrying(t, &session.Retry{Total: 3}, refusal)
	_, err := s.Get(t.Context(), "http://a.test/", session.NoRetry)
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	var gaveUp *session.RetryError
	assert.False(t, errors.As(err, &gaveUp))
	assert.Len(t, f.at, 1)
	_, err = s.Get(t.Context(), "http://a.test/")
	require.ErrorAs(t, err, &gaveUp)
	assert.Len(t, f.at, 5, "the session's is as it was")
}

func TestEachHopOfARedirectHasItsRetries(t *testing.T) {
	t.Parallel()
	moved := outcome{status: 307, header: http.Header{"Location": {"http://b.test/"}}, body: "moved"}
	s, f := retrying(t, &session.Retry{Total: 1, Statuses: []int{503}}, busy, moved, reset, fine)
	resp, err := s.Put(t.Context(), "http://a.test/", session.Text("hello"))
	require.NoError(t, err)
	assert.Equal(t, []string{"http://a.test/", "http://a.test/", "http://b.test/", "http://b.test/"}, f.urls)
	assert.Equal(t, []string{"hello", "hello", "hello", "hello"}, f.bodies)
	require.Len(t, resp.History, 1)
	assert.Len(t, resp.History[0].Attempts, 2)
	assert.Len(t, resp.Attempts, 2)
	assert.Equal(t, "http://b.test/", resp.Attempts[0].URL)

	s, _ = retrying(t, &session.Retry{Total: 1, Statuses: []int{503}}, moved, busy)
	_, err = s.Put(t.Context(), "http://a.test/", session.Text("hello"))
	var envelope *url.Error
	require.ErrorAs(t, err, &envelope)
	assert.Equal(t, "http://b.test/", envelope.URL, "it names the hop")
	assert.ErrorIs(t, err, session.ErrRetriesExhausted)
}

func TestARetryErrorIsATimeoutWhereItsLastAttemptWas(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := piped(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s.Timeout.Read, s.Retry = time.Second, &session.Retry{Total: 2}
		after(t, 3*time.Second, func() {
			_, err := s.Get(t.Context(), "http://a.test/")
			require.ErrorIs(t, err, session.ErrRetriesExhausted)
			var gaveUp *session.RetryError
			require.ErrorAs(t, err, &gaveUp)
			assert.True(t, gaveUp.Timeout())
			assertTimeout(t, err, session.ErrReadTimeout)
		})
	})
	s, _ := retrying(t, &session.Retry{Total: 1}, refusal)
	_, err := s.Get(context.Background(), "http://a.test/")
	var gaveUp *session.RetryError
	require.ErrorAs(t, err, &gaveUp)
	assert.False(t, gaveUp.Timeout())
}

func TestRetriesOverConnections(t *testing.T) {
	t.Parallel()
	address := scripted(t, func(conn net.Conn, n int) {
		if n < 2 {
			return // hung up without an answer
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	})
	s := session.New()
	defer s.Close()
	s.Retry = &session.Retry{Total: 2}
	resp, err := s.Put(t.Context(), address, session.Text("hello"))
	assert.Equal(t, "ok", text(t, resp, err))
	assert.Len(t, resp.Attempts, 3)

	_, err = s.Post(t.Context(), "http://"+refusedAddress(t), session.Text("hello"))
	var gaveUp *session.RetryError
	require.ErrorAs(t, err, &gaveUp)
	assert.Len(t, gaveUp.Attempts, 3, "nothing was sent, so that a POST may be sent again")
}

func TestRetriesOfDo(t *testing.T) {
	t.Parallel()
	s, f := retrying(t, &session.Retry{Total: 2, Statuses: []int{503}}, busy, reset, fine)
	for _, do := range []func(*http.Request) (*http.Response, error){s.Do, s.Client().Do} {
		f.at, f.bodies = nil, nil
		req, err := http.NewRequest(http.MethodPut, "http://a.test/", strings.NewReader("hello"))
		require.NoError(t, err)
		resp, err := do(req)
		require.NoError(t, err)
		content, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "fine", string(content))
		assert.Equal(t, []string{"hello", "hello", "hello"}, f.bodies)
	}
}

func TestWhatIsNotTheServersFaultIsNotRetried(t *testing.T) {
	t.Parallel()
	broken := session.ReaderFunc(func() (io.ReadCloser, error) { return nil, io.ErrNoProgress })
	for _, c := range []struct {
		option session.Option
		kind   error
	}{
		{broken, session.ErrRequestBody},
		{session.Proxies{"all": "ftp://proxy.test"}, session.ErrInvalidProxy},
		{session.Proxies{"all": "http://proxy.test"}, errors.ErrUnsupported},
	} {
		asked := 0
		s := over(t, func(req *http.Request) (*http.Response, error) {
			asked++
			_, err := io.ReadAll(req.Body)
			return nil, err
		})
		s.Retry = &session.Retry{Total: 2}
		_, err := s.Put(t.Context(), "http://a.test/", c.option)
		require.ErrorIs(t, err, c.kind)
		assert.LessOrEqual(t, asked, 1)
		var gaveUp *session.RetryError
		assert.False(t, errors.As(err, &gaveUp), "%v", err)
	}
}

func TestAFailedHookIsNotRetried(t *testing.T) {
	t.Parallel()
	s, f := retrying(t, &session.Retry{Total: 2}, fine)
	s.Hooks.Response = []session.ResponseHook{func(*session.Response) (*session.Response, error) { return nil, io.ErrNoProgress }}
	_, err := s.Get(t.Context(), "http://a.test/")
	assert.ErrorIs(t, err, session.ErrHook)
	assert.Len(t, f.at, 1)
}

// A signature holds for a while only: it is made when its request is sent.
func TestAuthOfARetryRunsAfterTheWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, policy := range []session.Retry{
			{Total: 3, Read: 3, BackoffFactor: time.Minute},
			{Total: 3, Statuses: []int{503}},
		} {
			var ages []time.Duration
			s := over(t, func(req *http.Request) (*http.Response, error) {
				signed, err := time.Parse(time.RFC3339Nano, strings.Join(req.Header["X-Date"], ", "))
				require.NoError(t, err)
				ages = append(ages, time.Since(signed))
				switch {
				case len(ages) == 4:
					return answer(req, 200, nil, ""), nil
				case policy.Statuses != nil:
					return answer(req, 503, http.Header{"Retry-After": {"3600"}}, ""), nil
				}
				return nil, reset.err
			})
			s.Retry = &policy
			start := time.Now()
			get(t, s, "http://a.test/", session.AuthFunc(func(req *http.Request) error {
				req.Header.Add("X-Date", time.Now().Format(time.RFC3339Nano))
				return nil
			}))
			assert.Equal(t, make([]time.Duration, 4), ages)
			assert.Greater(t, time.Since(start), time.Minute, "there were waits")
		}
	})
}

func TestAuthThatFailsEndsTheRetries(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	runs := 0
	s, f := retrying(t, &session.Retry{Total: 3}, reset)
	body := &closeCounter{Reader: strings.NewReader("x")}
	_, err := s.Put(t.Context(), "http://a.test/", session.Reader(seekable{body}), session.AuthFunc(func(*http.Request) error {
		if runs++; runs > 1 {
			return boom
		}
		return nil
	}))
	require.ErrorIs(t, err, boom)
	assert.Len(t, f.at, 1)
	assert.Equal(t, 1, body.count())
}

// seekable is a closeCounter over something that can seek.
type seekable struct{ *closeCounter }

func (s seekable) Seek(offset int64, whence int) (int64, error) {
	return s.Reader.(io.Seeker).Seek(offset, whence)
}

// Nobody asked for the body of a streamed call to be held in memory.
func TestLastAnswerOfAStreamedCallIsKeptInPart(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	for size, whole := range map[int]bool{0: true, 5: true, most - 1: true, most + 1: false, 20 * most: false} {
		read := 0
		var bodies []*closeCounter
		s := over(t, func(req *http.Request) (*http.Response, error) {
			resp := answer(req, 503, nil, "")
			from := io.LimitReader(zeros{}, int64(size))
			bodies = append(bodies, &closeCounter{Reader: readerFunc(func(p []byte) (int, error) {
				n, err := from.Read(p)
				read += n
				return n, err
			})})
			resp.Body, resp.ContentLength = bodies[len(bodies)-1], -1
			return resp, nil
		})
		_, err := s.Get(t.Context(), "http://a.test/", session.Stream(true), &session.Retry{Status: 1, Statuses: []int{503}})
		require.ErrorIs(t, err, session.ErrRetriesExhausted)
		var gaveUp *session.RetryError
		require.ErrorAs(t, err, &gaveUp)
		kept, err := gaveUp.Response.Bytes()
		assert.Len(t, kept, min(size, most), "what came is given with an error too")
		assert.Equal(t, whole, err == nil, "%d bytes: %v", size, err)
		var limit *session.LimitError
		assert.Equal(t, !whole, errors.As(err, &limit), "%d bytes: %v", size, err)
		assert.LessOrEqual(t, read, 2*most, "what nobody waits for is not read")
		require.Len(t, bodies, 2)
		for _, body := range bodies {
			assert.Equal(t, 1, body.count(), "the connection is free")
		}

		// a call that is not streamed asked for all of it
		_, err = s.Get(t.Context(), "http://a.test/", &session.Retry{Status: 1, Statuses: []int{503}})
		require.ErrorAs(t, err, &gaveUp)
		kept, err = gaveUp.Response.Bytes()
		require.NoError(t, err)
		assert.Len(t, kept, size)
	}
}

func TestWhatARetryErrorSays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		policy := &session.Retry{Total: 2, Statuses: []int{503}}
		for _, c := range []struct {
			what      string
			fault     outcome
			says      string
			exhausted bool
		}{
			{"retries that have run out", busy, "retries exhausted after 3 attempts", true},
			{"retries of connections", refusal, "retries exhausted after 3 attempts", true},
			{"a wait past the deadline", later(503, "3600"), "gave up after 1 attempt:", false},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			s, _ := retrying(t, policy, c.fault)
			_, err := s.Get(ctx, "http://a.test/")
			cancel()
			require.Error(t, err)
			for _, phrase := range []string{"retries exhausted", "gave up"} {
				want := 0
				if strings.Contains(c.says, phrase) {
					want = 1
				}
				assert.Equal(t, want, strings.Count(err.Error(), phrase), "%s: %v", c.what, err)
			}
			assert.Contains(t, err.Error(), c.says)
			assert.Equal(t, c.exhausted, errors.Is(err, session.ErrRetriesExhausted), c.what)
			assert.Equal(t, !c.exhausted, errors.Is(err, session.ErrTimeout), c.what)
			var envelope *url.Error
			require.ErrorAs(t, err, &envelope)
			assert.Equal(t, !c.exhausted, envelope.Timeout(), c.what)
		}
	})
}
