// Package decode undoes the content codings of a response body (RFC 9110
// section 8.4): gzip, deflate, br and zstd, alone or stacked, within limits
// that keep a small body from becoming an endless one.
package decode

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// MaxCodings is how many codings one body may carry; identity is not
	// counted. It is the number that urllib3 and curl allow (CVE-2022-32206).
	MaxCodings = 5

	// MaxWindow is the largest zstd window that is accepted, in bytes: what
	// RFC 9659 section 3 allows a sender to use in HTTP.
	MaxWindow = 8 << 20

	// RatioFloor is how many bytes a coding may produce before
	// [Limits.MaxRatio] is looked at: short bodies of very regular content
	// have any ratio, and do no harm.
	RatioFloor = 32 << 20

	// DefaultMaxRatio is a MaxRatio that only a bomb is likely to cross: gzip
	// and deflate cannot exceed 1032, and reach 1000 for runs of one byte only.
	DefaultMaxRatio = 1000
)

// What a [LimitError] names as its Limit.
const (
	LimitSize    = "size"                // Limits.MaxSize, in bytes
	LimitRatio   = "decompression ratio" // Limits.MaxRatio
	LimitCodings = "codings"             // MaxCodings
	LimitWindow  = "window"              // MaxWindow, in bytes
)

// ErrDecode is matched by every error that says that the body is not what its
// Content-Encoding promises. A body that ends too early matches
// [io.ErrUnexpectedEOF] as well.
var ErrDecode = errors.New("content decoding failed")

// A LimitError reports that a body crossed a limit. The limits of this package
// itself (LimitCodings and LimitWindow) match [ErrDecode] too, those of
// [Limits] do not.
type LimitError struct {
	Limit string // one of the Limit constants
	Max   int64  // the value that was exceeded
}

// Error says which limit was crossed.
func (e *LimitError) Error() string {
	return fmt.Sprintf("content decoding: %s limit of %d exceeded", e.Limit, e.Max)
}

// Limits bounds what decoding may produce. The zero value sets no bounds.
type Limits struct {
	// MaxRatio is how many decoded bytes there may be for each byte received,
	// once a coding has produced more than RatioFloor. Each coding of a stack
	// is held to it, since data between two codings costs time too. 0 or less
	// is no limit.
	MaxRatio int64

	// MaxSize is how many decoded bytes may be read. A body of exactly that
	// size is read whole. 0 or less is no limit.
	MaxSize int64

	// MaxCodings is how many codings there may be. 0 or less is MaxCodings.
	MaxCodings int
}

// NewReader returns a reader of body with the codings that contentEncoding (the
// values of the Content-Encoding header) lists undone, the last one first. It
// returns body itself where there is nothing to undo: see [Applies].
//
// Nothing is read before the first Read, and an empty body is fine for every
// coding. Members of gzip and frames of zstd that follow each other are joined;
// whatever else follows a complete gzip or deflate stream is ignored, as
// browsers and requests do. Unlike requests, a stream that is cut off is an error. At
// the end up to 64 KiB of what the codings left over are read, so that the end
// of the body itself is seen. A coding that is unknown in a list with known
// ones cannot be undone, which is an error once there is data (urllib3 fails
// there as well).
//
// Read returns all data that was decoded before a fault. Its errors match
// [ErrDecode], or are a [*LimitError], or the error of body.Read unchanged.
// Close closes body and may be called from another goroutine to end a Read;
// after it, Read returns [http.ErrBodyReadAfterClose]. Read itself is not for
// concurrent use.
//
// More codings than the limits allow are an error, and body is left alone.
func NewReader(body io.ReadCloser, contentEncoding []string, limits Limits) (io.ReadCloser, error) {
	list := codings(contentEncoding)
	if len(list) == 0 {
		return body, nil
	}
	most := limits.MaxCodings
	if most <= 0 {
		most = MaxCodings
	}
	if len(list) > most {
		return nil, fmt.Errorf("%w: %w", ErrDecode, &LimitError{LimitCodings, int64(most)})
	}
	return newReader(body, list, limits), nil
}

// Applies reports whether NewReader would put a decoder over a body with these
// values of Content-Encoding: whether they name a coding that can be undone.
// Identity, nothing, and unknown codings alone leave a body as it is.
func Applies(contentEncoding []string) bool {
	return len(codings(contentEncoding)) > 0
}

// codings lists the names in values, lower-cased and without identity; it is
// empty if none of them is known.
func codings(values []string) []string {
	var list []string
	known := false
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			name = strings.ToLower(strings.Trim(name, " \t"))
			if name == "" || name == "identity" {
				continue
			}
			list = append(list, name)
			known = known || opener(name) != nil
		}
	}
	if !known {
		return nil
	}
	return list
}
