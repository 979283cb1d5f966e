package session

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The characters that may stand unescaped in each part of a URL (RFC 3986
// section 3; brackets only in a host).
var (
	unreservedChars = alnum.and("-._~")
	userinfoChars   = unreservedChars.and("!$&'()*+,;=:")
	pathChars       = userinfoChars.and("@/")
	queryChars      = pathChars.and("?")
	// requoteChars is what requests' requote_uri leaves alone.
	requoteChars = unreservedChars.and("!#$&'()*+,/:;=?@[]")
	// goPathChars and goQueryChars are what net/url writes as it is in a path,
	// and net/http in a request line.
	goPathChars  = unreservedChars.and("$&+,/:;=@")
	goQueryChars = queryChars.and(`%[]{}|\^"<>` + "`")
	schemeChars  = alnum.and("+-.")
	labelChars   = alnum.and("-_~!$&'()*+,;=")
)

// charSet is a set of ASCII characters, a bit for each.
type charSet [2]uint64

const (
	smallLetters = "abcdefghijklmnopqrstuvwxyz"
	capitals     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits       = "0123456789"
)

var alnum = charSet{}.and(smallLetters + capitals + digits)

// and is the set with more characters.
func (s charSet) and(more string) charSet {
	for i := 0; i < len(more); i++ {
		s[more[i]>>6] |= 1 << (more[i] & 63)
	}
	return s
}

func (s charSet) has(c byte) bool {
	return c < utf8.RuneSelf && s[c>>6]>>(c&63)&1 != 0
}

// Requote percent-encodes the characters of a URL that are illegal in any part
// of one, and leaves legal escapes alone but for those of unreserved
// characters, which are undone. Where a % starts no escape, each % is encoded.
// It is requests' requote_uri.
func Requote(rawURL string) string {
	if isClean(rawURL, requoteChars) {
		return rawURL
	}
	if !escapesAreWhole(rawURL, false) {
		return percentEncode(rawURL, requoteChars, false)
	}
	return percentEncode(unescapeUnreserved(rawURL), requoteChars, true)
}

// isClean reports whether text holds allowed characters alone.
func isClean(text string, allowed charSet) bool {
	for i := 0; i < len(text); i++ {
		if !allowed.has(text[i]) {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// escapesAreWhole reports whether two hexadecimal digits follow every %.
// Unless strict, a % that no two letters or digits follow is let pass, as
// requests' unquote_unreserved does.
func escapesAreWhole(text string, strict bool) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if i+2 >= len(text) || !isAlnum(text[i+1]) || !isAlnum(text[i+2]) {
			if strict {
				return false
			}
			continue
		}
		if !isHex(text[i+1]) || !isHex(text[i+2]) {
			return false
		}
	}
	return true
}

// unescapeUnreserved undoes the escapes of letters, digits, "-._~".
func unescapeUnreserved(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			c := unhex(text[i+1])<<4 | unhex(text[i+2])
			if unreservedChars.has(c) {
				out.WriteByte(c)
				i += 2
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

// percentEncode escapes every byte of text that is not a letter, a digit or
// allowed; keepPercent leaves each % as it is.
func percentEncode(text string, allowed charSet, keepPercent bool) string {
	var short [128]byte
	out := short[:0]
	for i := 0; i < len(text); i++ {
		c := text[i]
		if allowed.has(c) || c == '%' && keepPercent {
			out = append(out, c)
		} else {
			out = appendEscape(out, c)
		}
	}
	return string(out)
}

func appendEscape(out []byte, c byte) []byte {
	const hexDigits = "0123456789ABCDEF"
	return append(out, '%', hexDigits[c>>4], hexDigits[c&15])
}

// appendFormEncoded is [url.QueryEscape], written behind out.
func appendFormEncoded(out []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case unreservedChars.has(c):
			out = append(out, c)
		case c == ' ':
			out = append(out, '+')
		default:
			out = appendEscape(out, c)
		}
	}
	return out
}

// quotePart encodes one part of a URL: a part in which every % starts an
// escape keeps its escapes, in upper case, and those of unreserved characters
// are undone.
func quotePart(text string, allowed charSet) string {
	if isClean(text, allowed) {
		return text
	}
	if !escapesAreWhole(text, true) {
		return percentEncode(text, allowed, false)
	}
	return upperEscapes(percentEncode(unescapeUnreserved(text), allowed, true))
}

func upperEscapes(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	out := []byte(text)
	for i := 0; i+2 < len(out); i++ {
		if out[i] == '%' {
			out[i+1], out[i+2] = upper(out[i+1]), upper(out[i+2])
		}
	}
	return string(out)
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// parseURL reads the URL of a request as requests' prepare_url does: white
// space before it is dropped; an http or https URL is checked and normalised;
// any other scheme's is handed on as it is.
func parseURL(text string) (*url.URL, error) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	scheme, rest, found := cutScheme(text)
	if !found {
		if strings.Contains(text, ":") && !hasPrefixFold(text, "http") {
			return foreignURL(text), nil
		}
		return nil, missingScheme(text)
	}
	switch {
	case isHTTP(scheme):
		return parseHTTP(scheme, rest)
	case hasPrefixFold(scheme, "http") && !strings.HasPrefix(rest, "//"):
		return nil, missingScheme(text) // "httpbin.test:8080", as requests reads it
	}
	return foreignURL(text), nil
}

func missingScheme(text string) error {
	if text == "" || text[0] == '/' {
		return kindf(ErrMissingScheme, "%q, and the session has no BaseURL", redactText(text))
	}
	return kindf(ErrMissingScheme, "%q; perhaps https://%s was meant", redactText(text), redactText(text))
}

// cutScheme splits "scheme:rest"; the scheme comes in lower case.
func cutScheme(text string) (scheme, rest string, found bool) {
	scheme, rest, found = strings.Cut(text, ":")
	if !found || scheme == "" || !isAlnum(scheme[0]) || '0' <= scheme[0] && scheme[0] <= '9' || !isClean(scheme, schemeChars) {
		return "", text, false
	}
	return strings.ToLower(scheme), rest, true
}

func isHTTP(scheme string) bool { return scheme == "http" || scheme == "https" }

// foreignURL is a URL of a scheme that only its adapter understands.
func foreignURL(text string) *url.URL {
	if u, err := url.Parse(text); err == nil {
		return u
	}
	if scheme, rest, ok := cutScheme(text); ok {
		return &url.URL{Scheme: scheme, Opaque: rest}
	}
	return &url.URL{Opaque: text}
}

// parseHTTP reads what follows the scheme and the colon of an http URL.
func parseHTTP(scheme, rest string) (*url.URL, error) {
	if !strings.HasPrefix(rest, "//") {
		return nil, kindf(ErrMissingHost, "%q", redactText(scheme+":"+rest))
	}
	rest = rest[2:]
	end := strings.IndexAny(rest, `/\?#`)
	if end < 0 {
		end = len(rest)
	}
	u := &url.URL{Scheme: scheme}
	if err := setAuthority(u, rest[:end]); err != nil {
		return nil, err
	}
	path, fragment, _ := strings.Cut(rest[end:], "#")
	path, query, _ := strings.Cut(path, "?")
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	setPath(u, quotePart(removeDotSegments(path), pathChars))
	u.RawQuery = quotePart(query, queryChars)
	setFragment(u, quotePart(fragment, queryChars))
	return u, nil
}

// setPath takes a path in its escaped form.
func setPath(u *url.URL, escaped string) {
	u.Path, u.RawPath = escaped, ""
	// net/url writes these as they are; anything else keeps its escaped form
	if isClean(escaped, goPathChars) {
		return
	}
	u.RawPath = escaped
	if path, err := url.PathUnescape(escaped); err == nil {
		u.Path = path
	}
}

// setFragment takes a fragment in its escaped form.
func setFragment(u *url.URL, escaped string) {
	u.Fragment, u.RawFragment = escaped, ""
	if isClean(escaped, unreservedChars) {
		return
	}
	u.RawFragment = escaped
	if fragment, err := url.PathUnescape(escaped); err == nil {
		u.Fragment = fragment
	}
}

// setAuthority takes "user:password@host:port".
func setAuthority(u *url.URL, authority string) error {
	hostport := authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		u.User, hostport = userinfo(authority[:at]), authority[at+1:]
	}
	host, port, err := splitPort(hostport)
	if err != nil {
		return err
	}
	host, err = normalizeHost(host)
	if err != nil {
		return err
	}
	u.Host = host
	if port != "" {
		u.Host = host + ":" + port
	}
	return nil
}

func userinfo(text string) *url.Userinfo {
	if text == "" {
		return nil
	}
	name, password, found := strings.Cut(quotePart(text, userinfoChars), ":")
	name, _ = url.PathUnescape(name)
	if !found {
		return url.User(name)
	}
	password, _ = url.PathUnescape(password)
	return url.UserPassword(name, password)
}

// errPort does not quote the port: of a malformed URL it may be a part of the password.
var errPort = kindf(ErrInvalidPort, "it is no number from 1 to 65535")

// splitPort cuts the port off a host; an empty port is none.
func splitPort(hostport string) (host, port string, err error) {
	colon, bracket := strings.LastIndexByte(hostport, ':'), strings.LastIndexByte(hostport, ']')
	if colon < bracket || colon < 0 || bracket < 0 && hostport[0] == '[' {
		return hostport, "", nil
	}
	host, port = hostport[:colon], hostport[colon+1:]
	if port == "" {
		return host, "", nil
	}
	number := 0
	for i := 0; i < len(port); i++ {
		if port[i] < '0' || port[i] > '9' || number > 65535 {
			return "", "", errPort
		}
		number = number*10 + int(port[i]-'0')
	}
	if number > 65535 || number == 0 {
		return "", "", errPort
	}
	return host, strings.TrimLeft(port, "0"), nil
}

// normalizeHost checks a host and gives it in lower case and in ASCII
// (RFC 5891), an IPv6 address in its brackets.
func normalizeHost(host string) (string, error) {
	switch {
	case host == "":
		return "", kindf(ErrMissingHost, "nothing stands where the host should")
	case host[0] == '[':
		return normalizeIPv6(host)
	case isPlainHost(host):
		return host, nil
	}
	ascii, err := asciiHost(host)
	if err != nil || !isRegName(ascii) || !utf8.ValidString(host) {
		return "", kindf(ErrInvalidHost, "%.100q", host)
	}
	return ascii, nil
}

// isPlainHost reports whether a host needs no work at all.
func isPlainHost(host string) bool {
	label := 0
	for i := 0; i < len(host); i++ {
		c := host[i]
		switch {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
			continue
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
			label++
		default:
			return false
		}
		if label > 63 {
			return false
		}
	}
	return len(host) <= maxHost
}

// maxHost bounds a name with its final dot (RFC 1035 section 2.3.4).
const maxHost = 254

// asciiHost gives a host in lower case, its labels outside ASCII in Punycode.
func asciiHost(host string) (string, error) {
	for i := 0; i < len(host); i++ {
		if host[i] >= 0x80 {
			return idna.Lookup.ToASCII(host)
		}
	}
	return strings.ToLower(host), nil
}

// isRegName reports whether host is a name that can be looked up: labels of 1
// to 63 characters, none of which could be taken for another part of a URL.
func isRegName(host string) bool {
	if host == "" || host[0] == '*' || host[0] == '.' || len(host) > maxHost {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || !isClean(label, labelChars) {
			return false
		}
	}
	return true
}

func normalizeIPv6(host string) (string, error) {
	end := len(host) - 1
	if end < 1 || host[end] != ']' {
		return "", kindf(ErrInvalidHost, "%.100q", host)
	}
	addr, zone, zoned := strings.Cut(host[1:end], "%")
	ip, err := netip.ParseAddr(addr)
	if err != nil || !ip.Is6() || zoned && !isClean(strings.TrimPrefix(zone, "25"), unreservedChars) {
		return "", kindf(ErrInvalidHost, "%.100q", host)
	}
	if zoned {
		// url.URL holds the zone unescaped (RFC 6874)
		return "[" + strings.ToLower(addr) + "%" + strings.TrimPrefix(zone, "25") + "]", nil
	}
	return "[" + strings.ToLower(addr) + "]", nil
}

// removeDotSegments resolves "." and ".." in an absolute path (RFC 3986
// section 5.2.4).
func removeDotSegments(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	var out []string
	for segment := range strings.SplitSeq(path[1:], "/") {
		switch segment {
		case ".":
		case "..":
			out = out[:max(len(out)-1, 0)]
		default:
			out = append(out, segment)
		}
	}
	if strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/..") {
		out = append(out, "")
	}
	return "/" + strings.Join(out, "/")
}

// addQuery appends a query to the one that a URL has.
func addQuery(u *url.URL, query string) {
	switch {
	case query == "":
	case u.RawQuery == "":
		u.RawQuery = query
	default:
		u.RawQuery += "&" + query
	}
}

// joinBase puts a URL that is not absolute behind a base: the base's path, one
// slash, the URL's path. An absolute URL ("scheme://…") is returned as it is;
// "//host" is not absolute.
func joinBase(base, ref string) string {
	if base == "" {
		return ref
	}
	if _, rest, ok := cutScheme(ref); ok && strings.HasPrefix(rest, "//") {
		return ref
	}
	base, _, _ = strings.Cut(base, "#")
	base, baseQuery, _ := strings.Cut(base, "?")
	end := strings.IndexAny(ref+"?", "?#")
	path, tail := ref[:end], ref[end:]
	if path != "" {
		base = strings.TrimRight(base, "/") + "/" + strings.TrimLeft(path, "/")
	}
	if baseQuery != "" {
		if query, isQuery := strings.CutPrefix(tail, "?"); isQuery {
			tail = "&" + query
		}
		tail = "?" + baseQuery + tail
	}
	return base + tail
}

// resolveLocation resolves a Location against the URL that it came from, as
// requests' resolve_redirects does: relative or absolute, in UTF-8, illegal
// characters encoded, the fragment carried on where it has none (RFC 9110
// section 10.2.2).
func resolveLocation(base *url.URL, location string) (*url.URL, error) {
	location = lineBreaks.Replace(strings.TrimLeftFunc(location, isControlOrSpace))
	if strings.HasPrefix(location, "//") {
		location = base.Scheme + ":" + location
	}
	u, err := resolveReference(base, location)
	if err != nil {
		return nil, err
	}
	if u.Fragment == "" {
		u.Fragment, u.RawFragment = base.Fragment, base.RawFragment
	}
	return u, nil
}

func resolveReference(base *url.URL, location string) (*url.URL, error) {
	if scheme, rest, ok := cutScheme(location); ok {
		switch {
		case scheme == base.Scheme && isHTTP(scheme) && !strings.HasPrefix(rest, "//"):
			location = rest // RFC 3986 section 5.2.2, as browsers do
		case isHTTP(scheme):
			return absoluteLocation(scheme, rest)
		default:
			return foreignURL(location), nil
		}
	}
	path, fragment, _ := strings.Cut(location, "#")
	path, query, hasQuery := strings.Cut(path, "?")
	ref := &url.URL{RawQuery: quotePart(query, queryChars), ForceQuery: hasQuery && query == ""}
	setPath(ref, quotePart(path, pathChars))
	setFragment(ref, quotePart(fragment, queryChars))
	u := base.ResolveReference(ref)
	u.ForceQuery = false
	return u, nil
}

// absoluteLocation is an absolute Location; an empty path stays empty.
func absoluteLocation(scheme, rest string) (*url.URL, error) {
	u, err := parseHTTP(scheme, rest)
	if err == nil && u.Path == "/" && !strings.Contains(strings.TrimPrefix(rest, "//"), "/") {
		u.Path = ""
	}
	return u, err
}

func isControlOrSpace(r rune) bool { return r <= ' ' }

// lineBreaks takes out of a Location what browsers and Python take out.
var lineBreaks = strings.NewReplacer("\t", "", "\r", "", "\n", "")

// hostKey is a URL's host in lower case without port, as cookies, netrc,
// proxies and adapters compare it.
func hostKey(u *url.URL) string { return strings.ToLower(u.Hostname()) }

// portOf is a URL's port, or its scheme's.
func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return defaultPort(u.Scheme)
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// sameOrigin reports whether two URLs share scheme, host and port (RFC 6454).
func sameOrigin(a, b *url.URL) bool {
	if a.Scheme == b.Scheme && a.Host == b.Host {
		return true
	}
	return a.Scheme == b.Scheme && hostKey(a) == hostKey(b) && portOf(a) == portOf(b)
}
