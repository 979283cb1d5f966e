// Package httpheader parses the values of three header fields of responses:
// authentication challenges by RFC 9110, Link and Content-Type as requests
// reads them.
//
// No parser fails: each takes what it understands from any text. All of them
// take time and memory linear in the text and are safe for concurrent use.
package httpheader

// MaxLength is how many bytes of challenges are looked at, those of all lines
// together. More would turn into maps of many times their size.
const MaxLength = 64 << 10
