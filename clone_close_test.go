package session_test

import (
	"context"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session"
)

// connections tells of the connections that a server has.
type connections struct {
	mu     sync.Mutex
	states map[net.Conn]http.ConnState
	opened int
	change chan struct{} // is told of each change
}

// serveCounted is serve, and tells of the server's connections. http2 makes it
// a server of HTTP/2 over TLS, whose certificate nobody trusts.
func serveCounted(t *testing.T, handler http.HandlerFunc, http2 bool) (*server, *connections) {
	t.Helper()
	c := &connections{states: map[net.Conn]http.ConnState{}, change: make(chan struct{}, 1)}
	srv := newServer(handler)
	srv.Config.ConnState = c.note
	if http2 {
		srv.EnableHTTP2 = true
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return srv, c
}

func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		c.opened++
	}
	c.states[conn] = state
	if state == http.StateClosed {
		delete(c.states, conn)
	}
	select {
	case c.change <- struct{}{}:
	default:
	}
}

// count is how many connections there were ever, and how many there are.
func (c *connections) count() (opened, left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened, len(c.states)
}

// closed waits until no connection is left; nudge is called meanwhile.
func (c *connections) closed(t *testing.T, nudge func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		nudge()
		if _, left := c.count(); left == 0 {
			return
		}
		again := time.NewTimer(time.Millisecond)
		select {
		case <-c.change:
		case <-again.C:
		case <-ctx.Done():
			_, left := c.count()
			require.Fail(t, "connections are left open", "%d", left)
		}
		again.Stop()
	}
}

// fill sets every exported field of a session to something that can be told from zero.
func filled() *session.Session {
	s := session.New()
	s.Redirector = session.Redirector{
		MaxRedirects: 7, Cache: new(session.RedirectCache), RedirectTarget: session.RedirectTarget,
		RebuildMethod: session.RebuildMethod, ShouldStripAuth: session.ShouldStripAuth,
		RebuildAuth:    func(*http.Request, *session.Response) error { return nil },
		RebuildProxies: func(_ *http.Request, p session.Proxies) (session.Proxies, error) { return p, nil },
	}
	s.Header = http.Header{"A": {"1"}, "Removed": nil}
	s.Params = url.Values{"a": {"1"}, "removed": nil}
	s.OrderedParams = session.OrderedParams{{"a", "1"}}
	s.Auth = session.BasicAuth("u", "p")
	s.Proxies = session.Proxies{"http": "http://proxy.test"}
	s.Hooks = hooks(func(*session.Response) (*session.Response, error) { return nil, nil })
	s.Verify, s.Cert = session.CAFile("ca"), session.CertFile{Cert: "cert"}
	s.Stream, s.TrustEnv = true, true
	s.Timeout = session.Timeout{Connect: 1, Read: 2, Total: 3}
	s.Secrets = session.Secrets{Origin: "http://a.test", Header: session.Header{"K": {"v"}}}
	s.Limits = session.Limits{Body: 1, Line: 2}
	s.Retry = &session.Retry{Total: 1, Methods: []string{"GET"}, Statuses: []int{503}}
	s.BaseURL = "http://a.test"
	return s
}

func TestCloneHasEverySetting(t *testing.T) {
	t.Parallel()
	s := filled()
	original, clone := reflect.ValueOf(s).Elem(), reflect.ValueOf(s.Clone()).Elem()
	for _, field := range reflect.VisibleFields(original.Type()) {
		if !field.IsExported() || field.Anonymous {
			continue
		}
		was, is := original.FieldByIndex(field.Index), clone.FieldByIndex(field.Index)
		assert.False(t, was.IsZero(), "%s is not set by this test", field.Name)
		switch field.Type.Kind() {
		case reflect.Func:
			assert.Equal(t, was.Pointer(), is.Pointer(), field.Name)
		default:
			assert.False(t, is.IsZero(), field.Name)
		}
	}
	c := s.Clone()
	assert.Equal(t, s.Header, c.Header)
	assert.Equal(t, s.Params, c.Params)
	assert.Equal(t, s.OrderedParams, c.OrderedParams)
	assert.Equal(t, s.Proxies, c.Proxies)
	assert.Equal(t, s.Retry, c.Retry)
	assert.Equal(t, []any{s.Auth, s.Verify, s.Cert, s.Stream, s.TrustEnv, s.Timeout, s.Limits, s.BaseURL, s.MaxRedirects},
		[]any{c.Auth, c.Verify, c.Cert, c.Stream, c.TrustEnv, c.Timeout, c.Limits, c.BaseURL, c.MaxRedirects})
	assert.Len(t, c.Hooks.Response, 1)
}

func TestCloneIsChangedApart(t *testing.T) {
	t.Parallel()
	for what, pick := range map[string]func(s *session.Session) (changed, other *session.Session){
		"clone":    func(s *session.Session) (*session.Session, *session.Session) { return s.Clone(), s },
		"original": func(s *session.Session) (*session.Session, *session.Session) { return s, s.Clone() },
	} {
		changed, other := pick(filled())
		changed.Header.Set("A", "2")
		changed.Header.Add("B", "2")
		changed.Params.Add("a", "2")
		changed.OrderedParams[0] = session.Pair{"b", "2"}
		changed.Proxies["http"] = "http://other.test"
		changed.Hooks.Response[0] = nil
		changed.Retry.Total = 9
		changed.Retry.Methods[0], changed.Retry.Statuses[0] = "PUT", 500
		changed.MaxRedirects = 1
		changed.AddUserAgent("x/1")
		require.NoError(t, changed.Mount("mock://", new(stub)))
		require.True(t, changed.Unmount("http://"))

		assert.Equal(t, http.Header{"A": {"1"}, "Removed": nil}, other.Header, what)
		assert.Equal(t, url.Values{"a": {"1"}, "removed": nil}, other.Params, what)
		assert.Equal(t, session.OrderedParams{{"a", "1"}}, other.OrderedParams, what)
		assert.Equal(t, session.Proxies{"http": "http://proxy.test"}, other.Proxies, what)
		assert.NotNil(t, other.Hooks.Response[0], what)
		assert.Equal(t, &session.Retry{Total: 1, Methods: []string{"GET"}, Statuses: []int{503}}, other.Retry, what)
		assert.Equal(t, 7, other.MaxRedirects, what)
		assert.Equal(t, []string{"https://", "http://"}, prefixes(other), what)
	}
}

func TestCloneOfAZeroSessionIsBare(t *testing.T) {
	t.Parallel()
	clone := new(session.Session).Clone()
	assert.Nil(t, clone.Header)
	assert.Nil(t, clone.Jar)
	assert.Nil(t, clone.Retry)
	assert.Nil(t, clone.Cache)
	assert.False(t, clone.TrustEnv)
	srv := serve(t, nil)
	defer clone.Close()
	resp, err := clone.Get(t.Context(), srv.URL)
	assert.Equal(t, "ok", text(t, resp, err))
}

func TestCloneHasItsOwnCookies(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if name := r.URL.Query().Get("set"); name != "" {
			http.SetCookie(w, &http.Cookie{Name: name, Value: "1"})
		}
	})
	cookies := func(s *session.Session) string {
		_, err := s.Get(t.Context(), "http://a.test/")
		require.NoError(t, err)
		return srv.last(t).Header.Get("Cookie")
	}
	set := func(s *session.Session, name string) {
		_, err := s.Get(t.Context(), "http://a.test/?set="+name)
		require.NoError(t, err)
	}
	s := open(t, srv)
	set(s, "before")
	clone := s.Clone()
	assert.Equal(t, "before=1", cookies(clone))
	set(s, "original")
	set(clone, "clone")
	assert.Equal(t, "before=1; original=1", cookies(s))
	assert.Equal(t, "before=1; clone=1", cookies(clone))
	clone.Jar.(*session.Jar).Clear()
	assert.Equal(t, "before=1; original=1", cookies(s))
	assert.Empty(t, cookies(clone))
}

func TestCloneSharesAJarOfAnotherKind(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	s := &session.Session{Jar: jar}
	assert.Same(t, jar, s.Clone().Jar)
	s.Jar = (*session.Jar)(nil)
	assert.NotPanics(t, func() { assert.Nil(t, s.Clone().Jar) })
}

func TestCloneSharesConnections(t *testing.T) {
	t.Parallel()
	srv, conns := serveCounted(t, nil, false)
	// the clone is made before the first request, and of a session that has mounted nothing
	for what, s := range map[string]*session.Session{"zero": {}, "New": session.New()} {
		opened, _ := conns.count()
		clone := s.Clone()
		for range 2 {
			for _, of := range []*session.Session{s, clone, clone.Clone()} {
				resp, err := of.Get(t.Context(), srv.URL)
				assert.Equal(t, "ok", text(t, resp, err))
			}
		}
		after, _ := conns.count()
		assert.Equal(t, opened+1, after, "%s: one connection serves all of them", what)
		require.NoError(t, clone.Close())
		conns.closed(t, func() {})
	}
}

func TestCloneMayBeMadeWhileRequestsAreInFlight(t *testing.T) {
	t.Parallel()
	s := session.New()
	require.NoError(t, s.Mount("http://", roundTripper(func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, http.Header{"Set-Cookie": {"id=1"}}, "ok"), nil
	})))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				clone := s.Clone()
				clone.Header.Set("X", "1")
				_, err := clone.Get(context.Background(), "http://a.test/")
				assert.NoError(t, err)
				_, err = s.Get(context.Background(), "http://a.test/")
				assert.NoError(t, err)
			}
		})
	}
	wait.Wait()
	assert.NotContains(t, s.Header, "X")
}

// idler is an adapter that counts how often its connections are closed.
type idler struct {
	stub
	closed int
}

func (i *idler) CloseIdleConnections() { i.closed++ }

func TestCloseReleasesEveryAdaptersConnections(t *testing.T) {
	t.Parallel()
	srv, conns := serveCounted(t, nil, false)
	s := session.New()
	own := new(http.Transport)
	require.NoError(t, s.Mount(srv.URL+"/transport", own))
	require.NoError(t, s.Mount(srv.URL+"/adapter", new(session.HTTPAdapter)))
	counted := new(idler)
	require.NoError(t, s.Mount("mock://", counted))
	require.NoError(t, s.Mount("plain://", new(stub)))
	for _, path := range []string{"/", "/transport", "/adapter"} {
		_, err := s.Get(t.Context(), srv.URL+path)
		require.NoError(t, err)
	}
	_, left := conns.count()
	require.Equal(t, 3, left)
	require.NoError(t, s.Close())
	conns.closed(t, func() {})
	assert.Equal(t, 1, counted.closed)
}

func TestCloseReleasesTheConnectionsOfEveryTLSSetting(t *testing.T) {
	t.Parallel()
	srv, conns := serveCounted(t, nil, true)
	srv.Config.ErrorLog = quiet()
	s := session.New()
	pool := session.RootCAs(srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs)
	for _, verify := range []session.Option{session.InsecureSkipVerify, pool} {
		_, err := s.Get(t.Context(), srv.URL, verify)
		require.NoError(t, err)
	}
	_, left := conns.count()
	require.Equal(t, 2, left, "connections made without verification serve nothing else")
	require.NoError(t, s.Close())
	conns.closed(t, func() {})
}

func TestCloseMayBeCalledAgainAndTheSessionUsedAfterIt(t *testing.T) {
	t.Parallel()
	srv, conns := serveCounted(t, nil, false)
	for what, s := range map[string]*session.Session{"New": session.New(), "zero": {}} {
		require.NoError(t, s.Close(), "%s: before any request", what)
		for range 2 {
			resp, err := s.Get(t.Context(), srv.URL)
			assert.Equal(t, "ok", text(t, resp, err), what)
			require.NoError(t, s.Close())
			require.NoError(t, s.Close())
			conns.closed(t, func() {})
		}
	}
	opened, _ := conns.count()
	assert.Equal(t, 4, opened)
}

func TestCloseLeavesRequestsInFlightAlone(t *testing.T) {
	t.Parallel()
	srv, conns := serveCounted(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("x", 1<<20)))
	}, false)
	s := session.New()
	resp, err := s.Get(t.Context(), srv.URL, session.Stream(true))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	content, err := resp.Bytes()
	require.NoError(t, err)
	assert.Len(t, content, 1<<20)
	require.NoError(t, s.Close())
	conns.closed(t, func() {})
}

// Not in parallel, since http.DefaultTransport is everybody's.
func TestCloseLeavesTheDefaultTransportAlone(t *testing.T) {
	srv, conns := serveCounted(t, nil, false)
	s := session.New()
	require.NoError(t, s.Mount("http://", http.DefaultTransport))
	for range 2 {
		_, err := s.Get(t.Context(), srv.URL)
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	opened, left := conns.count()
	assert.Equal(t, []int{1, 1}, []int{opened, left})
}

func TestUnmountLeavesConnectionsAlone(t *testing.T) {
	t.Parallel()
	s, counted := session.New(), new(idler)
	require.NoError(t, s.Mount("mock://", counted))
	require.True(t, s.Unmount("mock://"))
	require.NoError(t, s.Close())
	assert.Zero(t, counted.closed)
}

func TestClientClosesTheSessionsConnections(t *testing.T) {
	t.Parallel()
	srv, conns := serveCounted(t, nil, false)
	s := session.New()
	client := s.Client()
	_, err := s.Get(t.Context(), srv.URL)
	require.NoError(t, err)
	client.CloseIdleConnections()
	conns.closed(t, func() {})
}

func TestASessionThatIsDroppedFreesItsConnections(t *testing.T) {
	t.Parallel()
	for what, make := range map[string]func() *session.Session{
		"New":   session.New,
		"zero":  func() *session.Session { return new(session.Session) },
		"clone": func() *session.Session { return session.New().Clone() },
		"mounted adapter": func() *session.Session {
			s := session.New()
			assert.NoError(t, s.Mount("http://127.0.0.1", &session.HTTPAdapter{Wrap: func(next http.RoundTripper) http.RoundTripper { return next }}))
			return s
		},
		"guard": func() *session.Session {
			s := session.New()
			for _, prefix := range []string{"http://", "https://"} {
				assert.NoError(t, s.Mount(prefix, &session.HTTPAdapter{Guard: func(netip.AddrPort) error { return nil }}))
			}
			return s
		},
	} {
		for _, http2 := range []bool{false, true} {
			srv, conns := serveCounted(t, nil, http2)
			func() {
				s := make()
				var last *session.Response
				for range 2 {
					resp, err := s.Get(context.Background(), srv.URL, session.InsecureSkipVerify, session.Timeout{Total: time.Hour, Read: time.Hour})
					assert.Equal(t, "ok", text(t, resp, err))
					last = resp
				}
				_, left := conns.count()
				assert.Equal(t, 1, left, what)
				runtime.KeepAlive(last)
			}()
			conns.closed(t, runtime.GC)
		}
	}
}

func TestASessionThatIsClosedIsFreedWhateverItsDiallerKnows(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		srv, conns := serveCounted(t, nil, http2)
		dropped := func() weak.Pointer[session.Session] {
			s := session.New()
			adapter := &session.HTTPAdapter{Base: &http.Transport{
				DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
					runtime.KeepAlive(s)
					return new(net.Dialer).DialContext(ctx, network, addr)
				},
			}}
			assert.NoError(t, s.Mount("http://", adapter))
			assert.NoError(t, s.Mount("https://", adapter))
			resp, err := s.Get(context.Background(), srv.URL, session.InsecureSkipVerify)
			assert.Equal(t, "ok", text(t, resp, err))
			conns.closed(t, func() { assert.NoError(t, s.Close()) })
			return weak.Make(s)
		}()
		assert.Eventually(t, func() bool {
			runtime.GC()
			return dropped.Value() == nil
		}, 5*time.Second, time.Millisecond)
	}
}

func TestASessionWhoseCloneIsInUseKeepsItsConnections(t *testing.T) {
	t.Parallel()
	srv, conns := serveCounted(t, nil, false)
	clone := func() *session.Session {
		s := session.New()
		_, err := s.Get(context.Background(), srv.URL)
		assert.NoError(t, err)
		return s.Clone()
	}()
	for range 3 {
		runtime.GC()
		_, err := clone.Get(t.Context(), srv.URL)
		require.NoError(t, err)
	}
	opened, _ := conns.count()
	assert.Equal(t, 1, opened)
	require.NoError(t, clone.Close())
}
