package drive

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/cbf3e3a9/session"
	"github.com/cbf3e3a9/session/internal/httpheader"
	"github.com/cbf3e3a9/session/internal/netrc"
	"github.com/cbf3e3a9/session/internal/noproxy"
)

// parse reads a URL as the session does.
func parse(text string) (*url.URL, error) {
	req, err := new(session.Session).Prepare(context.Background(), &session.Request{URL: text})
	if err != nil {
		return nil, err
	}
	return req.URL, nil
}

// streamKey marks the context of a request whose body is a stream.
type streamKey struct{}

func (m *message) context() context.Context {
	if m.DataStream != nil || m.DataSeekable != nil {
		return context.WithValue(context.Background(), streamKey{}, true)
	}
	return context.Background()
}

// bodyOf is the body of a request that can be had again, else "<stream>".
func bodyOf(req *http.Request) []byte {
	if req.GetBody == nil || req.Context().Value(streamKey{}) != nil {
		return []byte("<stream>")
	}
	body, err := req.GetBody()
	if err != nil {
		return []byte("<stream>")
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		return []byte("<stream>")
	}
	return content
}

func stripAuth(m *message) (object, error) {
	from, err := parse(m.Old)
	if err != nil {
		return nil, err
	}
	to, err := parse(m.New)
	if err != nil {
		return nil, err
	}
	return object{"strip": session.ShouldStripAuth(from, to)}, nil
}

func links(m *message) (object, error) {
	found := httpheader.ParseLinks(m.Value)
	if found == nil {
		found = []map[string]string{}
	}
	return object{"links": found}, nil
}

func encoding(m *message) (object, error) {
	resp := &session.Response{Response: &http.Response{Header: http.Header{"Content-Type": {m.ContentType}}}}
	if name := resp.Encoding(); name != "" {
		return object{"encoding": name}, nil
	}
	return object{"encoding": nil}, nil
}

func bypass(m *message) (object, error) {
	u, err := parse(m.URL)
	if err != nil {
		return nil, err
	}
	if m.NoProxy != nil {
		return object{"bypass": noproxy.Parse(*m.NoProxy).Match(u)}, nil
	}
	list, ok := os.LookupEnv("no_proxy")
	if !ok {
		list = os.Getenv("NO_PROXY")
	}
	return object{"bypass": noproxy.Parse(list).Match(u)}, nil
}

func selectProxy(m *message) (object, error) {
	u, err := parse(m.URL)
	if err != nil {
		return nil, err
	}
	p := session.Proxies{}
	for key, proxy := range m.Proxies {
		if proxy != nil {
			p[key] = *proxy
		}
	}
	if proxy, ok := p.Select(u); ok {
		return object{"proxy": proxy}, nil
	}
	return object{"proxy": nil}, nil
}

func netrcAuth(m *message) (object, error) {
	u, err := parse(m.URL)
	if err != nil {
		return nil, err
	}
	path := new(netrc.Cache).Locate(os.LookupEnv, os.UserHomeDir)
	if u.Hostname() == "" {
		return object{"auth": nil}, nil
	}
	login, password, ok, err := new(netrc.Cache).Lookup(path, u.Hostname(), 1<<20)
	if err != nil || !ok {
		return object{"auth": nil}, nil
	}
	return object{"auth": []string{login, password}}, nil
}

func requote(m *message) (object, error) {
	return object{"url": session.Requote(m.URL)}, nil
}
