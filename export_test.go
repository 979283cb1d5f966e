package session

// For the tests, which are in package session_test.
var (
	ParseSetCookies = parseSetCookies
	WriteFileAtomic = writeFileAtomic
)
