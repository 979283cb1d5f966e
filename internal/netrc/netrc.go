// Package netrc reads the file in which a user keeps the passwords of hosts,
// by the grammar of CPython's netrc module and the rules of requests'
// get_netrc_auth.
//
// An entry serves only what it holds itself: a host whose entry has no
// password gets none, neither another entry's nor the default's
// (CVE-2024-11053, CVE-2025-0167).
package netrc

// File holds the entries of a parsed netrc file. The zero value has none.
// A File does not change and is safe for concurrent use.
type File struct {
	machines map[string]entry // keys in lower case
	fallback entry            // of the keyword default
}

type entry struct {
	login, account, password string
	hasPassword              bool // an empty password is one, an absent one is not
}

// Lookup returns the login and the password for host: of the entry of that
// name, compared without regard to ASCII case, else of the default entry.
// Where the login is empty the account takes its place, as in requests'
// get_netrc_auth. It returns ok false, and nothing else, where no entry serves
// the host or the one that does lacks the password or both login and account.
//
// The host is a bare name as [net/url.URL.Hostname] gives it (CVE-2024-47081),
// internationalized names in their ASCII form. A caller that has a user name
// of its own must compare it with the login before it uses the password
// (CVE-2026-8926). Of several entries for one host the last one counts.
func (f *File) Lookup(host string) (login, password string, ok bool) {
	e, found := f.machines[lowerASCII(host)]
	if !found {
		e = f.fallback
	}
	login = e.login
	if login == "" {
		login = e.account
	}
	if login == "" || !e.hasPassword {
		return "", "", false
	}
	return login, e.password, true
}

// lowerASCII lowers ASCII letters alone: Unicode's rules would take other
// letters, such as the Kelvin sign, for them. It allocates only for upper case.
func lowerASCII(s string) string {
	for i := range len(s) {
		if isUpper(s[i]) {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if isUpper(b[j]) {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
