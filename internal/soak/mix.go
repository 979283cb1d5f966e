package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cbf3e3a9/session"
)

// operation is one kind of what programs do with a session.
type operation struct {
	name   string
	weight int // how often of totalWeight
	run    func(*call) error
}

// mix lists the operations; the weights make 100.
var mix = []operation{
	{"get", 23, get},
	{"redirect", 18, redirected},
	{"cookies", 16, cookies},
	{"digest", 10, digest},
	{"coding", 12, coding},
	{"retry", 5, retry},
	{"upload", 6, upload},
	{"one-shot", 1, oneShot},
	{"stream", 4, stream},
	{"do", 2, do},
	{"client", 1, client},
	{"head", 1, headOnly},
	{"state", 1, state},
}

func get(c *call) error {
	size := c.size()
	resp, err := c.request("GET", sized("/echo", size))
	return c.whole(resp, err, "GET", "/echo", nil, size)
}

// redirected goes through redirects of every status, to any endpoint, with and
// without a body that goes along.
func redirected(c *call) error {
	c.lenient = true
	size, sent := c.size(), []byte(nil)
	status := []int{301, 302, 303, 307, 308}[c.IntN(5)]
	method, last := "GET", "GET"
	var options []session.Option
	if c.IntN(3) == 0 {
		method, sent = "POST", c.content()
		options = append(options, session.Reader(c.seekable(sent)))
	}
	if status >= 307 {
		last = method
	} else {
		sent = nil
	}
	path := fmt.Sprintf("%s&status=%d&hops=%d&to=%s", sized("/redirect", size), status, 1+c.IntN(4), url.QueryEscape(c.load.base(c.Rand)))
	resp, err := c.request(method, path, options...)
	return c.whole(resp, err, last, "/echo", sent, size)
}

// cookies sets one on a redirect, sees it sent, deletes it, and sees it gone.
func cookies(c *call) error {
	c.lenient = true
	path := "/cookie/" + c.id
	for _, step := range []struct{ what, last, cookie string }{
		{"set", "check", c.id}, {"delete", "delete", c.id}, {"check", "check", ""},
	} {
		size := c.size()
		resp, err := c.request("GET", sized(path+"/"+step.what, size))
		// the redirect has no size, so its answer is one line
		if step.what == "set" {
			size = 0
		}
		if err := c.whole(resp, err, "GET", path+"/"+step.last, nil, size); err != nil {
			return err
		}
		if got := resp.Header.Get("X-Cookie"); got != step.cookie {
			return fmt.Errorf("cookie %q was sent to %s, not %q", got, step.what, step.cookie)
		}
	}
	return nil
}

func digest(c *call) error {
	c.lenient = true
	size, sent := c.size(), c.content()
	algorithm := []string{"MD5", "SHA-256"}[c.IntN(2)]
	resp, err := c.request("POST", sized("/digest", size)+"&algorithm="+algorithm, session.Bytes(sent), c.load.digest)
	return c.whole(resp, err, "POST", "/digest", sent, size)
}

func coding(c *call) error {
	size := c.size()
	path := sized("/coded", size) + "&coding=" + url.QueryEscape(codings[c.IntN(len(codings))])
	c.lenient = c.fault != nil && (c.fault.name == "bad gzip" || c.fault.name == "cut gzip") // spoiled outside a coding that is kept
	resp, err := c.request("GET", path)
	return c.whole(resp, err, "GET", "/coded", nil, size)
}

// retry meets up to three statuses that are to be retried.
func retry(c *call) error {
	c.lenient = true
	size, fails, sent := c.size(), c.IntN(4), c.content()
	policy := &session.Retry{Total: 5, Statuses: []int{503}, BackoffFactor: time.Millisecond}
	resp, err := c.request("POST", sized("/flaky", size)+"&fails="+strconv.Itoa(fails),
		policy, session.Header{"Idempotency-Key": {c.id}}, session.Reader(c.seekable(sent)))
	if err == nil && c.fault == nil && len(resp.Attempts) < fails {
		return fmt.Errorf("%d attempts, where %d fail", len(resp.Attempts), fails)
	}
	return c.whole(resp, err, "POST", "/flaky", sent, size)
}

// upload sends a body of one of the kinds there are.
func upload(c *call) error {
	size, sent := c.size(), c.content()
	var body session.Option
	switch c.IntN(6) {
	case 0:
		body = session.Reader(c.seekable(sent))
	case 1:
		body = session.Reader(c.counted(bytes.NewReader(sent)))
	case 2:
		body = session.ReaderFunc(func() (io.ReadCloser, error) { return c.counted(bytes.NewReader(sent)), nil })
	case 3:
		body, sent = session.FromFile(c.load.file), c.load.content
	case 4:
		body = session.Files{
			{Field: "a", Path: c.load.file},
			{Field: "b", Name: "b", Content: session.Reader(c.counted(bytes.NewReader(sent)))},
		}
		sent = append(c.load.content[:len(c.load.content):len(c.load.content)], sent...)
	case 5:
		body = session.Bytes(sent)
	}
	resp, err := c.request("PUT", sized("/echo", size), body)
	return c.whole(resp, err, "PUT", "/echo", sent, size)
}

// oneShot sends a body that can be read once to where it would have to be sent again.
func oneShot(c *call) error {
	c.lenient = true
	path := sized("/redirect", 0) + "&status=307&hops=1"
	resp, err := c.request("POST", path, session.Reader(c.counted(bytes.NewReader(c.content()))))
	if isKind(err, []error{session.ErrUnrewindableBody}) {
		return nil
	}
	if err == nil {
		resp.Close()
		return fmt.Errorf("a body that can be read once was sent twice")
	}
	return err
}

// stream reads an answer piece by piece, line by line, in one or not to its end.
func stream(c *call) error {
	size := c.size() * (1 + c.IntN(4))
	resp, err := c.request("GET", sized("/echo", size), session.Stream(true))
	if err != nil {
		return err
	}
	defer resp.Close()
	switch c.IntN(4) {
	case 0:
		return c.pieces(resp, size)
	case 1:
		return c.lines(resp, size)
	case 2:
		c.lenient = true
		_, err := io.ReadFull(resp.Body, make([]byte, 10))
		return err
	}
	return c.whole(resp, nil, "GET", "/echo", nil, size)
}

func (c *call) pieces(resp *session.Response, size int) error {
	var got []byte
	for piece, err := range resp.Chunks(1 + c.IntN(8<<10)) {
		if err != nil {
			return err
		}
		got = append(got, piece...)
	}
	return c.check(got, "GET", "/echo", nil, size)
}

func (c *call) lines(resp *session.Response, size int) error {
	var got []byte
	for line, err := range resp.Lines() {
		if err != nil {
			return err
		}
		got = append(append(got, line...), '\n')
	}
	return c.check(got, "GET", "/echo", nil, size)
}

func do(c *call) error     { return c.plain(c.session.Do) }
func client(c *call) error { return c.plain(c.session.Client().Do) }

// plain sends a request of net/http's.
func (c *call) plain(send func(*http.Request) (*http.Response, error)) error {
	c.load.requests.Add(1)
	c.once = true
	size, sent := c.size(), c.content()
	req, err := http.NewRequestWithContext(c.ctx, "POST", c.base+sized("/echo", size), bytes.NewReader(sent))
	if err != nil {
		return err
	}
	req.Header = http.Header(c.header())
	resp, err := send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return c.check(got, "POST", "/echo", sent, size)
}

func headOnly(c *call) error {
	resp, err := c.request("HEAD", sized("/echo", c.size()))
	if err != nil {
		return err
	}
	if got, _ := resp.Bytes(); len(got) > 0 {
		return &wrongBody{"HEAD", "/echo", got, nil}
	}
	return nil
}

// state saves the session that others are using, and uses the copy.
func state(c *call) error {
	saved, _, err := c.session.MarshalState()
	if err != nil {
		return err
	}
	restored, err := session.UnmarshalState(saved)
	if err != nil {
		return err
	}
	defer restored.Close()
	restored.Verify = c.session.Verify
	c.session = restored
	return get(c)
}
