package session

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what is loaded.
const (
	maxJarFile = 64 << 20 // bytes
	maxJarLine = 1 << 20  // bytes, in cookies.txt
)

var (
	errJarFileSize = errors.New("larger than 64 MiB")
	errJarFileRest = errors.New("more follows after the cookies")
)

// Save writes the cookies that have not expired, session cookies included, to
// the file at path, in the format of [Jar.MarshalJSON].
//
// The file is replaced as a whole or, after an error, not at all. Its mode is
// 0600; a symbolic link at path is replaced, not followed. What would be more
// than 64 MiB is not saved, since Load would refuse it. A process that is killed
// in a save leaves a file .session-*.tmp beside path, which may be removed.
func (j *Jar) Save(path string) error {
	return saveCookies(path, j.MarshalJSON)
}

// Load adds the cookies of a file that Save has written, as
// [Jar.UnmarshalJSON] does. A file of more than 64 MiB is refused. If there is
// no file, the error matches [io/fs.ErrNotExist].
func (j *Jar) Load(path string) error {
	return loadCookies(path, j.readJSON)
}

// SaveCookiesTxt is Save in the format of [Jar.WriteCookiesTxt].
func (j *Jar) SaveCookiesTxt(path string) error {
	return saveCookies(path, j.encodeCookiesTxt)
}

// LoadCookiesTxt is Load in the format of [Jar.ReadCookiesTxt].
func (j *Jar) LoadCookiesTxt(path string) error {
	return loadCookies(path, j.readCookiesTxt)
}

func saveCookies(path string, encode func() ([]byte, error)) error {
	data, err := encode()
	if err == nil && len(data) > maxJarFile {
		err = errJarFileSize
	}
	if err == nil {
		err = writeFileAtomic(path, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("session: saving cookies: %w", err)
	}
	return nil
}

func loadCookies(path string, read func(io.Reader) error) error {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		err = read(f)
	}
	if err != nil {
		return fmt.Errorf("session: loading cookies from %q: %w", path, err)
	}
	return nil
}

// boundedReader reads from r, and fails where a jar's file would be too large.
type boundedReader struct {
	r    io.Reader
	left int
}

func (b *boundedReader) Read(p []byte) (n int, err error) {
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err = b.r.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errJarFileSize
	}
	return n, err
}

// load adds cookies to the jar, all or nothing, in their order where their
// creation is not known. Expired ones are left out.
func (j *Jar) load(cookies []*Cookie) {
	now := time.Now()
	cookies = slices.DeleteFunc(cookies, func(c *Cookie) bool { return c.expired(now) })
	j.writing.Lock()
	defer j.writing.Unlock()
	for _, c := range cookies {
		c.Creation = j.stamp(c.Creation, now)
	}
	// In the order of domains each is changed only once.
	slices.SortStableFunc(cookies, func(a, b *Cookie) int { return strings.Compare(a.Domain, b.Domain) })
	j.put(cookies, now)
}

// How many bytes a cookie mostly takes at most, beside its text.
const (
	roomOfJSON       = 200
	roomOfCookiesTxt = 40
)

// withRoom is a file that begins with head and has room for cookies.
func withRoom(head string, cookies []*Cookie, each int) []byte {
	size := len(head)
	for _, c := range cookies {
		size += each + len(c.Name) + len(c.Value) + len(c.Domain) + len(c.Path)
	}
	return append(make([]byte, 0, size), head...)
}

// jarFileVersion is the version of the JSON format.
const jarFileVersion = 1

// savedCookie is a cookie in JSON. JSON can hold nothing but text, and cookies
// can have any bytes: where one is not valid UTF-8, all of its text has each byte
// as the character of that number.
type savedCookie struct {
	Cookie
	Latin1 bool `json:"latin1,omitempty"`
}

// text is the fields that can have any bytes.
func (c *savedCookie) text() [3]*string { return [...]*string{&c.Name, &c.Value, &c.Path} }

// encode appends c to file, in the form that decode undoes.
func (c savedCookie) encode(file []byte) []byte {
	for _, s := range c.text() {
		c.Latin1 = c.Latin1 || !utf8.ValidString(*s)
	}
	if c.Latin1 {
		for _, s := range c.text() {
			*s = fromLatin1(*s)
		}
	}
	return c.appendJSON(file)
}

// appendJSON does what encoding/json does, in a third of the time.
func (c *savedCookie) appendJSON(file []byte) []byte {
	o := jsonObject(append(file, '{'))
	o.text("name", c.Name)
	o.text("value", c.Value)
	o.text("domain", c.Domain)
	o.text("path", c.Path)
	o.time("expires", c.Expires)
	o.flag("secure", c.Secure)
	o.flag("http_only", c.HttpOnly)
	o.flag("host_only", c.HostOnly)
	o.flag("partitioned", c.Partitioned)
	o.text("same_site", c.SameSite)
	o.time("creation", c.Creation)
	o.flag("latin1", c.Latin1)
	return append(o, '}')
}

// jsonObject is JSON up to some field of an object. Zero values are left out.
type jsonObject []byte

func (o *jsonObject) key(name string) {
	if (*o)[len(*o)-1] != '{' {
		*o = append(*o, ',')
	}
	*o = append(append(append(*o, '"'), name...), `":`...)
}

// text adds the text of a cookie, which has no control characters but tabs.
func (o *jsonObject) text(name, value string) {
	if value == "" {
		return
	}
	o.key(name)
	*o = append(*o, '"')
	for i := range len(value) {
		switch b := value[i]; b {
		case '\t':
			*o = append(*o, `\t`...)
		case '"', '\\':
			*o = append(*o, '\\', b)
		default:
			*o = append(*o, b)
		}
	}
	*o = append(*o, '"')
}

func (o *jsonObject) time(name string, t time.Time) {
	if !t.IsZero() {
		o.key(name)
		*o = append(t.AppendFormat(append(*o, '"'), time.RFC3339Nano), '"')
	}
}

func (o *jsonObject) flag(name string, set bool) {
	if set {
		o.key(name)
		*o = append(*o, "true"...)
	}
}

// decode undoes encode, once encoding/json has read c.
func (c *savedCookie) decode() error {
	if c.Latin1 {
		for _, s := range c.text() {
			bytes, ok := toLatin1(*s)
			if !ok {
				return faultLatin1
			}
			*s = bytes
		}
	}
	return nil
}

func fromLatin1(s string) string {
	var text strings.Builder
	for i := range len(s) {
		text.WriteRune(rune(s[i]))
	}
	return text.String()
}

func toLatin1(text string) (s string, ok bool) {
	bytes := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return "", false
		}
		bytes = append(bytes, byte(r))
	}
	return string(bytes), true
}

// MarshalJSON returns the cookies that have not expired, session cookies
// included, as a JSON object: "version" is 1, "cookies" a list of [Cookie] in
// the order of their creation.
func (j *Jar) MarshalJSON() ([]byte, error) {
	cookies := j.oldestFirst(time.Now())
	file := withRoom(fmt.Sprintf(`{"version":%d,"cookies":[`+"\n", jarFileVersion), cookies, roomOfJSON)
	for i, c := range cookies {
		if i > 0 {
			file = append(file, ",\n"...)
		}
		file = savedCookie{Cookie: *c}.encode(file)
	}
	return append(file, "\n]}\n"...), nil
}

// UnmarshalJSON adds the cookies that [Jar.MarshalJSON] wrote, each in the place
// of one with the same domain, path and name. Expired ones are left out. After an
// error, which says which cookie is wrong and why, the jar is as it was.
func (j *Jar) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil // as encoding/json asks for
	}
	if err := j.readJSON(bytes.NewReader(data)); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

func (j *Jar) readJSON(r io.Reader) error {
	dec := json.NewDecoder(&boundedReader{r, maxJarFile})
	version, cookies, err := decodeJar(dec, j.MaxCookieBytes)
	if err != nil {
		return err
	}
	if version != jarFileVersion {
		return fmt.Errorf("it says version %d, not %d, of the format", version, jarFileVersion)
	}
	switch _, err := dec.Token(); err {
	case io.EOF:
		j.load(cookies)
		return nil
	case nil:
		return errJarFileRest
	default:
		return err
	}
}

// decodeJar reads the object of MarshalJSON.
func decodeJar(dec *json.Decoder, most int) (version int, cookies []*Cookie, err error) {
	err = expectToken(dec, json.Delim('{'))
	for err == nil && dec.More() {
		var key json.Token
		if key, err = dec.Token(); err != nil {
			break
		}
		switch key {
		case "version":
			err = dec.Decode(&version)
		case "cookies":
			cookies, err = decodeCookies(dec, most)
		default:
			err = dec.Decode(new(json.RawMessage))
		}
	}
	if err == nil {
		err = expectToken(dec, json.Delim('}'))
	}
	return version, cookies, err
}

// decodeCookies checks each cookie as it comes, so that no file makes it hold
// much more than cookies.
func decodeCookies(dec *json.Decoder, most int) (cookies []*Cookie, err error) {
	if err := expectToken(dec, json.Delim('[')); err != nil {
		return nil, err
	}
	for dec.More() {
		var c savedCookie
		err := dec.Decode(&c)
		if err == nil {
			err = c.decode()
		}
		if err == nil {
			err = completeAlone(&c.Cookie, most)
		}
		if err != nil {
			return nil, fmt.Errorf("cookies[%d]: %s: %w", len(cookies), c.label(err), err)
		}
		cookies = append(cookies, &c.Cookie)
	}
	return cookies, expectToken(dec, json.Delim(']'))
}

func expectToken(dec *json.Decoder, want json.Delim) error {
	token, err := dec.Token()
	if err == nil && token != want {
		err = fmt.Errorf("no %v at byte %d", want, dec.InputOffset())
	}
	return err
}

const (
	cookiesTxtHeader = "# Netscape HTTP Cookie File\n# Written by session, a Go package. Each line holds a cookie.\n\n"
	httpOnlyPrefix   = "#HttpOnly_"
)

// WriteCookiesTxt writes the cookies that have not expired, session cookies
// included, in the Netscape format of curl, wget and Python's
// http.cookiejar.MozillaCookieJar, in the order of their creation. The format
// has no place for SameSite, Partitioned, Creation and parts of a second.
//
// A tab within a cookie cannot be expressed in the format (CVE-2016-8615 shows
// what would come of it); the error, before anything is written, names the
// cookie.
func (j *Jar) WriteCookiesTxt(w io.Writer) error {
	data, err := j.encodeCookiesTxt()
	if err == nil {
		_, err = w.Write(data)
	}
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

func (j *Jar) encodeCookiesTxt() ([]byte, error) {
	cookies := j.oldestFirst(time.Now())
	file := withRoom(cookiesTxtHeader, cookies, roomOfCookiesTxt)
	for _, c := range cookies {
		if strings.Contains(c.Name, "\t") || strings.Contains(c.Value, "\t") || strings.Contains(c.Path, "\t") {
			return nil, fmt.Errorf("%s of %s: %w", c.label(faultTab), c.Domain, faultTab)
		}
		file = c.appendCookiesTxt(file)
	}
	return file, nil
}

// appendCookiesTxt writes c as a line of cookies.txt.
func (c *Cookie) appendCookiesTxt(file []byte) []byte {
	if c.HttpOnly {
		file = append(file, httpOnlyPrefix...)
	}
	if !c.HostOnly {
		file = append(file, '.')
	}
	expires := int64(0)
	if !c.Expires.IsZero() {
		expires = c.Expires.Unix()
	}
	for _, field := range [...]string{c.Domain, cookiesTxtFlag(!c.HostOnly), c.Path, cookiesTxtFlag(c.Secure)} {
		file = append(append(file, field...), '\t')
	}
	file = append(strconv.AppendInt(file, expires, 10), '\t')
	file = append(append(file, c.Name...), '\t')
	return append(append(file, c.Value...), '\n')
}

func cookiesTxtFlag(set bool) string {
	if set {
		return "TRUE"
	}
	return "FALSE"
}

// ReadCookiesTxt adds the cookies of a file in the format of
// [Jar.WriteCookiesTxt], each in the place of one with the same domain, path and
// name. An expiry of 0, or none, makes a session cookie; expired ones are left
// out. A value may be missing with the tab before it. After an error, which says
// which line is wrong and why, the jar is as it was. A line of more than 1 MiB is
// an error, and so is a file of more than 64 MiB.
func (j *Jar) ReadCookiesTxt(r io.Reader) error {
	if err := j.readCookiesTxt(r); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

func (j *Jar) readCookiesTxt(r io.Reader) error {
	var cookies []*Cookie
	lines := bufio.NewScanner(&boundedReader{r, maxJarFile})
	lines.Buffer(nil, maxJarLine)
	n := 1
	for ; lines.Scan(); n++ {
		line, httpOnly := strings.CutPrefix(lines.Text(), httpOnlyPrefix)
		if !httpOnly && strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		c, err := parseCookiesTxt(line)
		if err == nil {
			c.HttpOnly = httpOnly
			err = completeAlone(&c, j.MaxCookieBytes)
		}
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", n, c.label(err), err)
		}
		cookies = append(cookies, &c)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n, err)
	}
	j.load(cookies)
	return nil
}

// parseCookiesTxt reads one line without its #HttpOnly_ prefix.
func parseCookiesTxt(line string) (c Cookie, err error) {
	field := strings.Split(line, "\t")
	if len(field) == 6 {
		field = append(field, "")
	}
	if len(field) != 7 {
		return c, faultFields
	}
	subdomains, ok1 := parseCookiesTxtFlag(field[1])
	secure, ok2 := parseCookiesTxtFlag(field[3])
	expires, ok3 := parseCookiesTxtExpiry(field[4])
	if !ok1 || !ok2 || !ok3 {
		return c, faultFields
	}
	return Cookie{
		Name:     field[5],
		Value:    field[6],
		Domain:   field[0],
		Path:     field[2],
		Expires:  expires,
		Secure:   secure,
		HostOnly: !subdomains,
	}, nil
}

func parseCookiesTxtFlag(s string) (set, ok bool) {
	set = strings.EqualFold(s, "TRUE")
	return set, set || strings.EqualFold(s, "FALSE")
}

// parseCookiesTxtExpiry reads seconds since 1970. Parts of a second, which some
// browsers' extensions write, do not count.
func parseCookiesTxtExpiry(s string) (expires time.Time, ok bool) {
	if s == "" {
		return expires, true
	}
	s, _, _ = strings.Cut(s, ".")
	seconds, ok := parseSeconds(s)
	if ok && seconds != 0 {
		expires = time.Unix(min(max(seconds, 0), endOfTime), 0)
	}
	return expires, ok
}
