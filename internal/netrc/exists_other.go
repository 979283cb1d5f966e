//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package netrc

import "os"

// exists reports whether there is a file at path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
