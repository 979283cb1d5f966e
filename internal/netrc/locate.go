package netrc

import (
	"os"
	"path/filepath"
	"strings"
)

// Locate returns the path of the netrc file by the rule of requests'
// get_netrc_auth: the value of NETRC if that is set, a leading ~ or ~/ standing
// for the home directory (~user is not expanded), else .netrc in the home
// directory if it exists, else _netrc there. An empty result means that there
// is no file; an empty NETRC is the way to say so.
//
// The arguments are [os.LookupEnv] and [os.UserHomeDir] or stand-ins for them.
// Locate asks the file system for .netrc at most. What it returns need not
// exist: [Cache.Lookup] finds out, so that both together make no more than two
// requests in vain.
func Locate(lookupEnv func(string) (string, bool), home func() (string, error)) string {
	if path, ok := lookupEnv("NETRC"); ok {
		return expandHome(path, home)
	}
	dir, err := home()
	if err != nil || dir == "" { // never a file of the working directory
		return ""
	}
	path := filepath.Join(dir, ".netrc")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	return filepath.Join(dir, "_netrc")
}

func expandHome(path string, home func() (string, error)) string {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path
	}
	dir, err := home()
	if err != nil {
		return path
	}
	return dir + rest
}
