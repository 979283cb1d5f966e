package session

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// mountTable is the adapters of a session, the longest prefix first; it does not
// change. Prefixes that name a host are found by that, and then by their paths,
// so that a thousand of them cost little more than one.
type mountTable struct {
	list  []Mounted
	index func() mountIndex // made when it is first asked for
}

// mountIndex has the places of prefixes in the list.
type mountIndex struct {
	anyHost []int                 // of those without a host
	hosts   map[string]*hostIndex // of the others
}

// hostIndex has the places of a host's prefixes by their paths.
type hostIndex struct {
	paths   map[string][]int
	lengths []int // of the paths
}

func newMountTable(list []Mounted) *mountTable {
	return &mountTable{list, sync.OnceValue(func() mountIndex { return indexMounts(list) })}
}

func indexMounts(list []Mounted) mountIndex {
	x := mountIndex{hosts: make(map[string]*hostIndex)}
	for i, m := range list {
		if m.match.host == "" {
			x.anyHost = append(x.anyHost, i)
			continue
		}
		host := x.hosts[m.match.host]
		if host == nil {
			host = &hostIndex{paths: make(map[string][]int)}
			x.hosts[m.match.host] = host
		}
		host.paths[m.match.path] = append(host.paths[m.match.path], i)
		if !slices.Contains(host.lengths, len(m.match.path)) {
			host.lengths = append(host.lengths, len(m.match.path))
		}
	}
	return x
}

// find gives the first in the list that serves u.
func (t *mountTable) find(u *url.URL) (Mounted, bool) {
	x, d := t.index(), destination{URL: u}
	best := t.first(x.anyHost, &d, len(t.list))
	if len(x.hosts) > 0 {
		best = t.firstOf(x.hosts[mountedHost(u)], &d, best)
	}
	if best == len(t.list) {
		return Mounted{}, false
	}
	return t.list[best], true
}

// firstOf is first for the places of a host, nil for none.
func (t *mountTable) firstOf(host *hostIndex, d *destination, best int) int {
	if host == nil {
		return best
	}
	path := d.pathText()
	for _, length := range host.lengths {
		if length <= len(path) {
			best = t.first(host.paths[path[:length]], d, best)
		}
	}
	return best
}

// mountedHost is the host of a URL as prefixes have it.
func mountedHost(u *url.URL) string {
	host, err := asciiHost(u.Hostname())
	if err != nil {
		return strings.ToLower(u.Hostname())
	}
	return host
}

// first is the first of some places, which ascend, that serves d, if it comes
// before best; else best.
func (t *mountTable) first(places []int, d *destination, best int) int {
	for _, i := range places {
		if i >= best {
			break
		}
		if t.list[i].match.matches(d) {
			return i
		}
	}
	return best
}

// place is where a new prefix goes: behind all that are as long.
func place(list []Mounted, prefix string) int {
	i, _ := slices.BinarySearchFunc(list, len(prefix), func(m Mounted, length int) int {
		return cmp.Or(cmp.Compare(length, len(m.Prefix)), -1)
	})
	return i
}

// prefix is a mounting prefix taken apart, in lower case.
type prefix struct {
	scheme, host, port string
	path               string // as text; "" matches any
}

// parsePrefix takes a prefix apart: "scheme://", "scheme://host",
// "scheme://host:port/path".
func parsePrefix(text string) (prefix, error) {
	scheme, rest, ok := cutScheme(text)
	if !ok {
		return prefix{}, kindf(ErrInvalidRequest, "prefix %q has no scheme", redactText(text))
	}
	rest, hasAuthority := strings.CutPrefix(rest, "//")
	if !hasAuthority && rest != "" {
		return prefix{}, kindf(ErrInvalidRequest, "prefix %q has no // behind its scheme", redactText(text))
	}
	p := prefix{scheme: scheme}
	end := strings.IndexAny(rest+"/", `/?#\`)
	authority := rest[:end]
	p.path = strings.ToLower(rest[end:])
	if strings.Contains(authority, "@") {
		return prefix{}, kindf(ErrInvalidRequest, "prefix %q has user information", redactText(text))
	}
	if authority == "" {
		return p, nil
	}
	host, port, err := splitPort(authority)
	if err == nil {
		host, err = normalizeHost(host)
	}
	if err != nil {
		return prefix{}, kindf(ErrInvalidRequest, "prefix %q: %w", redactText(text), err)
	}
	p.host, p.port = strings.ToLower(strings.Trim(host, "[]")), port
	return p, nil
}

// matches compares a URL's own parts with the prefix: scheme, the port if the
// prefix names one, then the path as text. The host is what the index goes by.
func (p *prefix) matches(d *destination) bool {
	return p.scheme == d.Scheme && (p.port == "" || p.port == portOf(d.URL)) &&
		(p.path == "" || strings.HasPrefix(d.pathText(), p.path))
}

// destination is a URL that is compared with many prefixes.
type destination struct {
	*url.URL
	path string // what pathText gave
}

// pathText is what follows the host in the URL, in lower case.
func (d *destination) pathText() string {
	if d.path != "" {
		return d.path
	}
	d.path = d.EscapedPath()
	if d.path == "" {
		d.path = "/"
	}
	if d.RawQuery != "" {
		d.path += "?" + d.RawQuery
	}
	d.path = strings.ToLower(d.path)
	return d.path
}
