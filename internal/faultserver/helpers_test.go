package faultserver_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/faultserver"
)

// TestMain keeps net/http from logging what these servers send.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// rule says which requests are sent again after a failure, where a Retry allows one.
type rule int

const (
	never      rule = iota
	idempotent      // GET is, POST is not
	always          // POST is too
)

// attempts is how many a Retry{Total: 1} makes of a request.
func (r rule) attempts(method string) int {
	if r == always || r == idempotent && method == "GET" {
		return 2
	}
	return 1
}

// fault is a way in which every exchange with a server fails.
type fault struct {
	script  faultserver.Script
	serve   func(testing.TB, faultserver.Script) *faultserver.Server // New where it is nil
	url     string                                                   // "http://a.test/" where it is ""
	options []session.Option
	rule    rule
	is      []error
	isNot   []error
	says    string // a part of the error's text
	partial string // what came of the body before it broke off
	lingers bool   // net/http goes on to connect, for a later request, until Close
}

// check wants the error to be what it should be, the request to be sent as
// often as the rule says, on a new connection each time, the client to hang up,
// and the body sent to be closed once.
func (f fault) check(t *testing.T) {
	t.Helper()
	f.checkMethod(t, "GET", nil)
	f.checkMethod(t, "GET", &session.Retry{Total: 1})
	f.checkMethod(t, "POST", &session.Retry{Total: 1})
	if f.partial != "" {
		f.checkPartial(t)
	}
}

func (f fault) checkMethod(t *testing.T, method string, retry *session.Retry) {
	t.Helper()
	srv, s := f.open(t)
	s.Retry = retry
	upload := newRewindable("upload")
	options := f.options
	if method == "POST" {
		options = append(options[:len(options):len(options)], session.OptionFunc(func(r *session.Request) {
			r.Body = session.Reader(upload)
		}))
	}
	resp, err := s.Request(t.Context(), method, f.target(), options...)
	assert.Nil(t, resp)
	f.assertError(t, err)
	want := 1
	if retry != nil {
		want = f.rule.attempts(method)
	}
	assert.Equal(t, want > 1, errors.Is(err, session.ErrRetriesExhausted), "retries exhausted: %v", err)
	assert.Equal(t, want, srv.Conns(), "connections of a %s", method)
	if method == "POST" {
		upload.closedOnce(t)
	}
	if f.lingers {
		_ = s.Close()
	}
	srv.AwaitIdle(t)
	s.kept(t, 0)
}

// checkPartial wants a streamed body to be given as far as it came.
func (f fault) checkPartial(t *testing.T) {
	t.Helper()
	srv, s := f.open(t)
	resp, err := s.Get(t.Context(), f.target(), append(f.options[:len(f.options):len(f.options)], session.Stream(true))...)
	require.NoError(t, err)
	content, err := resp.Bytes()
	assert.Equal(t, f.partial, string(content))
	f.assertKinds(t, err)
	srv.AwaitIdle(t)
	s.kept(t, 0)
}

func (f fault) open(t *testing.T) (*faultserver.Server, *xClient) {
	t.Helper()
	serve := f.serve
	if serve == nil {
		serve = faultserver.New
	}
	srv := serve(t, f.script)
	s := xOpen(t, srv.Dial)
	if srv.CAs() != nil {
		s.Verify = session.RootCAs(srv.CAs())
	}
	return srv, s
}

func (f fault) target() string {
	if f.url == "" {
		return "http://a.test/"
	}
	return f.url
}

func (f fault) assertError(t *testing.T, err error) {
	t.Helper()
	var envelope *url.Error
	require.ErrorAs(t, err, &envelope)
	f.assertKinds(t, err)
}

func (f fault) assertKinds(t *testing.T, err error) {
	t.Helper()
	for _, kind := range f.is {
		assert.ErrorIs(t, err, kind)
	}
	for _, kind := range f.isNot {
		assert.NotErrorIs(t, err, kind)
	}
	assert.ErrorContains(t, err, f.says)
}

// faults runs cases by their names, beside each other.
func faults(t *testing.T, cases map[string]fault) {
	t.Helper()
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.check(t)
		})
	}
}

// bubble runs a case in a bubble of synctest, where time passes at once.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

// rewindable is a body that counts how often it is closed, and can be sent again.
type rewindable struct {
	*strings.Reader
	closed atomic.Int32
}

func newRewindable(text string) *rewindable { return &rewindable{Reader: strings.NewReader(text)} }

func (r *rewindable) Close() error {
	r.closed.Add(1)
	return nil
}

func (r *rewindable) closedOnce(t testing.TB) {
	t.Helper()
	assert.Eventually(t, func() bool { return r.closed.Load() > 0 }, time.Second, time.Millisecond, "the body is open")
	assert.EqualValues(t, 1, r.closed.Load(), "how often the body was closed")
}

// answer is a response with a body and further headers, each with its line end.
func answer(status, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
}
