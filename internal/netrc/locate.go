package netrc

import (
	"os"
	"path/filepath"
	"strings"
)

// Locate returns the path of the netrc file by the rule of requests'
// get_netrc_auth: the value of NETRC if that is set, a leading ~ or ~/ standing
// for the home directory (~user is not expanded), else .netrc in the home
// directory if it exists, else _netrc there if that does. An empty result means
// that there is no file; an empty NETRC is the way to say so. What NETRC names
// need not exist: [Cache.Lookup] finds out.
//
// The arguments are [os.LookupEnv] and [os.UserHomeDir] or stand-ins for them.
func (c *Cache) Locate(lookupEnv func(string) (string, bool), home func() (string, error)) string {
	if path, ok := lookupEnv("NETRC"); ok {
		return expandHome(path, home)
	}
	dir, err := home()
	if err != nil || dir == "" { // never a file of the working directory
		return ""
	}
	for _, path := range c.in(dir) {
		if exists(path) {
			return path
		}
	}
	return ""
}

// homeFiles are the paths where a home directory may have its file, the one
// that counts first.
type homeFiles struct {
	dir   string
	paths [2]string
}

// in gives the paths in a home directory, which are made once.
func (c *Cache) in(dir string) [2]string {
	if known := c.home.Load(); known != nil && known.dir == dir {
		return known.paths
	}
	files := &homeFiles{dir, [2]string{filepath.Join(dir, ".netrc"), filepath.Join(dir, "_netrc")}}
	c.home.Store(files)
	return files.paths
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
