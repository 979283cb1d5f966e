package session

import (
	"cmp"
	"math"
	"net/http"
	"time"

	"github.com/cbf3e3a9/session/internal/decode"
)

// Limits bound what a server can make a call take, and one of them, Netrc, what
// a file of the user's own can. It is a field of [Session] and [Request], and an
// [Option]. In each field 0 inherits, from the session and there from the default
// given; a negative value is no limit. A limit that is crossed is a
// [*LimitError], which names it.
//
// Other limits are with what they bound: [Redirector.MaxRedirects], the fields
// of [Jar], [Retry.RetryAfterMax], and the size of a response's headers, 1 MiB,
// as MaxResponseHeaderBytes of [HTTPAdapter.Base].
type Limits struct {
	// Body is how long a body may be, in bytes, its codings undone, however it
	// is read. The default is no limit. A body of just that length is whole.
	Body int64
	// Ratio is how many bytes may come out of a coding for each that went in,
	// once 32 MiB came out. The default is 1000; gzip makes 1032 of zeros.
	Ratio int64
	// Codings is how many content codings a body may have. The default is 5.
	// Each holds its window while the body is read: 8 MiB of zstd at most, 16 MiB
	// of br.
	Codings int64
	// HeaderLines is how many header lines a response may have. The default is 1000.
	HeaderLines int64
	// Location is how long a redirect's Location may be, in bytes. The default
	// is 64 KiB.
	Location int64
	// Links is how long a response's Link header may be, in bytes, its lines
	// joined with ", ". A longer one is no response, so that no link of
	// [Response.Links] is lost unseen. The default is 64 KiB.
	Links int64
	// Line is how long a line of [Response.Lines] may be, in bytes. The default
	// is [MaxLine].
	Line int64
	// Drain is how much is read of a body that nobody wants, a redirect's, or
	// what is left of one that is closed, so that its connection can be used
	// again, in bytes; and DrainTime is how long that may take, and Close with
	// it. Beyond them the connection is closed, which is no error. The defaults
	// are 64 KiB and 100 ms. Close does not wait where the context has ended. What
	// net/http's transport undoes by itself (gzip, where Do is given no
	// Accept-Encoding and a [http.Transport] is mounted) is not read: that could
	// not be broken off.
	Drain     int64
	DrainTime time.Duration
	// Netrc is how large the netrc file may be, in bytes, where it is asked. The
	// default is 1 MiB.
	Netrc int64
}

// The defaults of Limits.
const (
	defaultHeaderLines = 1000
	defaultLocation    = 64 << 10
	defaultLinks       = 64 << 10
	defaultDrain       = 64 << 10
	defaultDrainTime   = 100 * time.Millisecond
	defaultNetrc       = 1 << 20

	// MaxLine bounds a line of [Response.Lines] where [Limits] do not say
	// otherwise, in bytes.
	MaxLine = 16 << 20
)

// Apply makes Limits an [Option]: fields that are set replace the request's.
func (l Limits) Apply(r *Request) { r.Limits = l.over(r.Limits) }

// over returns l with the fields that are not set taken from base.
func (l Limits) over(base Limits) Limits {
	if l == (Limits{}) {
		return base
	}
	return Limits{
		Body:        cmp.Or(l.Body, base.Body),
		Ratio:       cmp.Or(l.Ratio, base.Ratio),
		Codings:     cmp.Or(l.Codings, base.Codings),
		HeaderLines: cmp.Or(l.HeaderLines, base.HeaderLines),
		Location:    cmp.Or(l.Location, base.Location),
		Links:       cmp.Or(l.Links, base.Links),
		Line:        cmp.Or(l.Line, base.Line),
		Drain:       cmp.Or(l.Drain, base.Drain),
		DrainTime:   cmp.Or(l.DrainTime, base.DrainTime),
		Netrc:       cmp.Or(l.Netrc, base.Netrc),
	}
}

// noLimits are the defaults, which never change.
var noLimits Limits

// mergedLimits are own over base as a call keeps them: a copy, since both may be
// changed later, or one for all calls where nothing is set.
func mergedLimits(own, base *Limits) *Limits {
	if *own == noLimits && *base == noLimits {
		return &noLimits
	}
	merged := own.over(*base)
	return &merged
}

// bound gives a limit: the default where none is set, the most there is where
// there is to be none.
func bound[N ~int64](limit, otherwise N) N {
	switch {
	case limit == 0:
		return otherwise
	case limit < 0:
		return math.MaxInt64
	}
	return limit
}

// decoding gives the limits of undoing codings.
func (l *Limits) decoding() decode.Limits {
	return decode.Limits{
		MaxRatio:   bound(l.Ratio, decode.DefaultMaxRatio),
		MaxCodings: int(min(bound(l.Codings, decode.MaxCodings), math.MaxInt32)),
	}
}

// checkHeader refuses an answer with too many header lines, or too long a Link.
func (l *Limits) checkHeader(h http.Header) error {
	most, lines := bound(l.HeaderLines, defaultHeaderLines), int64(0)
	for _, values := range h {
		lines += int64(len(values))
	}
	if lines > most {
		return wrapKind(ErrProtocol, &LimitError{"number of header lines", most})
	}
	if links := h["Link"]; len(links) > 0 {
		return l.checkLinks(links)
	}
	return nil
}

// checkLinks refuses a Link header that is too long once its lines are joined.
func (l *Limits) checkLinks(lines []string) error {
	most, length := bound(l.Links, defaultLinks), int64(len(linkSeparator)*(len(lines)-1))
	for _, line := range lines {
		length += int64(len(line))
	}
	if length > most {
		return wrapKind(ErrProtocol, &LimitError{"length of Link", most})
	}
	return nil
}
