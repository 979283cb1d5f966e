// Package security holds the tests of the library against known classes of
// vulnerability, and the program that writes docs/security.md from their
// comments. The comment of a test is of this form, where text may go on over
// lines, "none" is no identifier, and Done ends with who protects, "by the
// library", "by net/http" or "by both":
//
//	// Row: 5, 6
//	// IDs: CVE-2018-18074 (requests)
//	// Flaw: credentials are kept from https to http on the same host.
//	// Done: credentials are bound to scheme, host and port; by the library.
//	func TestCVE_2018_18074_HTTPSToHTTPKeepsNoCredentials(t *testing.T) {
//
// A test is named after an identifier, or TestClass_Words. TestKnownLimit_Words
// shows what holds of that which cannot be prevented, and has a line "Limit:";
// its Row may be cases of the fault matrix, as "F51".
package security

// An entry is a class of vulnerability that cannot occur in this library,
// so that no test can show its absence.
type entry struct {
	// Row is the number of the class in the table of classes.
	Row int
	// IDs are the identifiers of known cases, such as CVE numbers; it may
	// be empty.
	IDs string
	// Flaw says what goes wrong elsewhere.
	Flaw string
	// Why says why it cannot go wrong here.
	Why string
}
