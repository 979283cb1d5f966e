package session

// For the tests, which are in package session_test.
var (
	ParseSetCookies = new(Jar).parse
	WriteFileAtomic = writeFileAtomic
)
