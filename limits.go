package session

import (
	"cmp"
	"math"
	"net/http"
	"time"

	"github.com/cbf3e3a9/session/internal/decode"
)

// Limits bound what a server can make a call take. It is a field of [Session]
// and [Request], and an [Option]. In each field 0 inherits, from the session
// and there from the default given; a negative value is no limit. A limit that
// is crossed is a [*LimitError], which names it.
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
	Codings int64
	// HeaderLines is how many header lines a response may have. The default is 1000.
	HeaderLines int64
	// Location is how long a redirect's Location may be, in bytes. The default
	// is 64 KiB.
	Location int64
	// Line is how long a line of [Response.Lines] may be, in bytes. The default
	// is [MaxLine].
	Line int64
	// Drain is how much is read of a body that nobody wants, such as a
	// redirect's, so that its connection can be used again, in bytes; and
	// DrainTime is how long that may take. Beyond them the connection is closed,
	// which is no error. The defaults are 64 KiB and 100 ms.
	Drain     int64
	DrainTime time.Duration
}

// The defaults of Limits.
const (
	defaultHeaderLines = 1000
	defaultLocation    = 64 << 10
	defaultDrain       = 64 << 10
	defaultDrainTime   = 100 * time.Millisecond

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
		Line:        cmp.Or(l.Line, base.Line),
		Drain:       cmp.Or(l.Drain, base.Drain),
		DrainTime:   cmp.Or(l.DrainTime, base.DrainTime),
	}
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
func (l Limits) decoding() decode.Limits {
	return decode.Limits{
		MaxRatio:   bound(l.Ratio, decode.DefaultMaxRatio),
		MaxCodings: int(min(bound(l.Codings, decode.MaxCodings), math.MaxInt32)),
	}
}

// checkHeader refuses an answer with too many header lines.
func (l Limits) checkHeader(h http.Header) error {
	most, lines := bound(l.HeaderLines, defaultHeaderLines), int64(0)
	for _, values := range h {
		lines += int64(len(values))
	}
	if lines > most {
		return wrapKind(ErrProtocol, &LimitError{"number of header lines", most})
	}
	return nil
}
