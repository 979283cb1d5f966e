// Package httpheader parses the values of three header fields of responses:
// authentication challenges by RFC 9110, Link and Content-Type as requests
// reads them.
//
// No parser fails: each takes what it understands from any text. All of them
// take time and memory linear in the text and are safe for concurrent use.
package httpheader

// MaxLength is how many bytes of challenges or links are looked at. A longer
// text, or all lines of challenges together, would turn into maps of many
// times its size.
const MaxLength = 64 << 10
