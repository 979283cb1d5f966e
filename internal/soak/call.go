package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync/atomic"

	"github.com/cbf3e3a9/session"
)

// call is one operation: what it may use, and what may happen to it.
type call struct {
	*rand.Rand
	ctx     context.Context
	session *session.Session
	load    *load
	id      string
	base    string // of the URLs it asks for
	fault   *fault // nil for none
	// lenient says that a fault may strike where the caller does not see it:
	// an answer that is not the last one, or a body that is not read.
	lenient bool
	// once says that net/http does not send the request again by itself, since
	// it is a POST or a PUT.
	once      bool
	cancelled atomic.Bool
}

// request sends a request; an answer other than 200 is an error.
func (c *call) request(method, path string, options ...session.Option) (*session.Response, error) {
	c.load.requests.Add(1)
	c.once = method == "POST" || method == "PUT"
	resp, err := c.session.Request(c.ctx, method, c.base+path, append(options, c.header())...)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != 200 {
		resp.Close()
		return nil, fmt.Errorf("status %d of %s", resp.StatusCode, resp.URL())
	}
	return resp, nil
}

// header names the call, and its fault.
func (c *call) header() session.Header {
	h := session.Header{idHeader: {c.id}}
	if c.fault != nil {
		h[faultHeader] = []string{c.fault.name}
	}
	return h
}

// size is how long an answer is to be: mostly short, sometimes not.
func (c *call) size() int {
	if c.IntN(100) == 0 {
		return 256 << 10
	}
	return 65 + c.IntN(4<<10)
}

func sized(path string, size int) string { return path + "?size=" + strconv.Itoa(size) }

// check compares what came with the body that answers the request.
func (c *call) check(got []byte, method, path string, sent []byte, size int) error {
	if want := bodyOf(c.id, method, path, sent, size); !bytes.Equal(got, want) {
		return &wrongBody{method, path, got, want}
	}
	return nil
}

// whole checks a response that is there, or gives the error in its place.
func (c *call) whole(resp *session.Response, err error, method, path string, sent []byte, size int) error {
	if err != nil {
		return err
	}
	got, err := resp.Bytes()
	if err != nil {
		return err
	}
	return c.check(got, method, path, sent, size)
}

// content is random bytes to be sent.
func (c *call) content() []byte {
	content := make([]byte, 1+c.size())
	for i := range content {
		content[i] = byte(c.Uint32())
	}
	return content
}

// counted is a body to be sent, of which it is known whether it was closed.
type counted struct {
	io.Reader
	load   *load
	closed atomic.Bool
}

func (c *call) counted(r io.Reader) *counted {
	c.load.opened.Add(1)
	return &counted{Reader: r, load: c.load}
}

// Close may come once.
func (b *counted) Close() error {
	if b.closed.Swap(true) {
		b.load.closedTwice.Add(1)
	}
	b.load.closed.Add(1)
	return nil
}

// seekable is a counted body that can be sent again.
type seekable struct {
	*counted
	io.Seeker
}

func (c *call) seekable(content []byte) seekable {
	r := bytes.NewReader(content)
	return seekable{c.counted(r), r}
}
