package session

import (
	"io"
	"os"
	"path/filepath"
)

// writeFileAtomic replaces the file at path by what write writes. The new file
// is readable by its owner alone, whatever the old one was; a symbolic link at
// path is replaced, never followed, so that nobody can make a file elsewhere
// change by planting one. Until the new file is complete and on disk the old one
// stays, and after an error nothing else is left behind. A process that is
// killed meanwhile leaves its temporary file, .session-*.tmp, with the same mode
// beside path; nothing removes it, since it could be another writer's.
func writeFileAtomic(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".session-*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
