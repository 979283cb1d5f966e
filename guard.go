package session

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
)

// PublicOnly is a Guard of an [HTTPAdapter]: it refuses every address that is
// not a public one, such as this machine's, those of private networks, and the
// metadata service of a cloud, so that a URL which somebody else chose leads
// nowhere inside. It goes by the registries of special addresses of RFC 6890.
func PublicOnly(addr netip.AddrPort) error {
	ip := addr.Addr().Unmap()
	if embedded, ok := embeddedIPv4(ip); ok {
		ip = embedded
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is6() && !globalIPv6.Contains(ip) {
		return fmt.Errorf("%v is not public", addr.Addr())
	}
	for _, special := range specialPrefixes {
		if special.Contains(ip) {
			return fmt.Errorf("%v is not public: it is in %v", addr.Addr(), special)
		}
	}
	return nil
}

// globalIPv6 is all of IPv6 that is handed out for public use (RFC 4291).
var globalIPv6 = netip.MustParsePrefix("2000::/3")

// specialPrefixes are what the registries reserve, beyond what package netip
// knows as private, loopback, link-local and multicast.
var specialPrefixes = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carriers' own, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("3fff::/20"),       // documentation
}

// embeddedIPv4 is the address that an IPv6 address leads to by translation:
// NAT64 (RFC 6052), 6to4 (RFC 3056), IPv4-compatible.
func embeddedIPv4(ip netip.Addr) (netip.Addr, bool) {
	b := ip.As16()
	switch {
	case ip.Is4():
		return ip, false
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip), netip.MustParsePrefix("::/96").Contains(ip) && !ip.IsLoopback():
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return ip, false
}

// A guardFunc is a Guard. What dials for a transport refers to it, and not to its
// adapter, which connections that are idle would keep from being dropped.
type guardFunc func(addr netip.AddrPort) error

// over has the dialling of a transport ask the guard, if there is one.
func (guard guardFunc) over(base *http.Transport) {
	if guard == nil {
		return
	}
	plain, overTLS := ownDiallers(base)
	if plain == nil {
		dialer := defaultDialer()
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return guard.ask(address)
		}
		base.DialContext = dialer.DialContext
	} else {
		base.DialContext = guard.guarded(plain)
	}
	if overTLS != nil {
		base.DialTLSContext = guard.guarded(overTLS)
	}
}

// ownDiallers gives the diallers that a transport has; nil for none.
//
//lint:file-ignore SA1019 a Base of the caller's may have the old ones
func ownDiallers(base *http.Transport) (plain, overTLS dialFunc) {
	plain, overTLS = base.DialContext, base.DialTLSContext
	if dial := base.Dial; plain == nil && dial != nil {
		plain = func(_ context.Context, network, addr string) (net.Conn, error) { return dial(network, addr) }
	}
	if dial := base.DialTLS; overTLS == nil && dial != nil {
		overTLS = func(_ context.Context, network, addr string) (net.Conn, error) { return dial(network, addr) }
	}
	return plain, overTLS
}

// ask asks for an address in text, "ip:port".
func (guard guardFunc) ask(address string) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return kindf(ErrAddressRefused, "it is not an address with a port")
	}
	if err := guard(addr); err != nil {
		return wrapKind(ErrAddressRefused, err)
	}
	return nil
}

// guarded is a dialler whose connections are looked at before they are used.
func (guard guardFunc) guarded(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if err := guard.ask(conn.RemoteAddr().String()); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return conn, nil
	}
}
