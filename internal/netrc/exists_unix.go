//go:build linux || darwin || freebsd || netbsd || openbsd

package netrc

import "syscall"

// exists reports whether there is a file at path. It is asked twice for each
// request of most programs, in vain, and os.Stat takes twice as long for that. In a
// setuid program it is the user who started that who has to be able to see it.
func exists(path string) bool {
	const anything = 0 // F_OK
	for {
		err := syscall.Access(path, anything)
		if err != syscall.EINTR {
			return err == nil
		}
	}
}
