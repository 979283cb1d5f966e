package netrc

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ErrTooLarge is what [Cache.Lookup] returns for a file of more bytes than it
// was told to read.
var ErrTooLarge = errors.New("netrc: file too large")

// Cache looks up hosts in a netrc file and keeps what it parsed for as long as
// the file stays the same. It remembers one file, the one it was last asked
// for. The zero value is ready for use. A Cache is safe for concurrent use and
// must not be copied.
type Cache struct {
	home    atomic.Pointer[homeFiles]
	last    atomic.Pointer[snapshot]
	loading sync.Mutex // held while the file is read
}

// A snapshot is what a file was when it was read; it does not change.
type snapshot struct {
	path    string
	size    int64
	modTime time.Time
	file    *File
	err     error
}

// Lookup returns what [File.Lookup] returns for host in the file at path, which
// may have up to most bytes. It asks the file system once; only where path, size
// or modification time differ from those of the last file read, it reads and
// parses the file.
//
// A path that names no file, for whatever reason, serves no host and is no
// error, as in requests' get_netrc_auth; nor is anything but a regular file,
// which is not opened, since a pipe would block. Otherwise the error says why
// the file could not be read, is [ErrTooLarge], or is one of [Parse]; it never
// holds text of the file.
func (c *Cache) Lookup(path, host string, most int64) (login, password string, ok bool, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return "", "", false, nil
	}
	if info.Size() > most {
		return "", "", false, ErrTooLarge
	}
	s := c.last.Load()
	if !s.describes(path, info) {
		if s, err = c.load(path, info, most); err != nil {
			return "", "", false, err
		}
	}
	if s.err != nil {
		return "", "", false, s.err
	}
	login, password, ok = s.file.Lookup(host)
	return login, password, ok, nil
}

func (s *snapshot) describes(path string, info fs.FileInfo) bool {
	return s != nil && s.path == path && s.size == info.Size() && s.modTime.Equal(info.ModTime())
}

// load reads the file unless another caller has just done so.
func (c *Cache) load(path string, info fs.FileInfo, most int64) (*snapshot, error) {
	c.loading.Lock()
	defer c.loading.Unlock()
	if s := c.last.Load(); s.describes(path, info) {
		return s, nil
	}
	s, err := read(path, most)
	switch {
	case errors.Is(err, fs.ErrNotExist): // removed since it was asked for
		return &snapshot{file: new(File)}, nil
	case err == ErrTooLarge:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("netrc: %w", err)
	}
	c.last.Store(s)
	return s, nil
}

// read takes size and time from the open file, before reading it, so that a
// change made meanwhile shows in the next lookup. An error of Parse is part of
// the snapshot: it lasts as long as the file stays the same.
func read(path string, most int64) (*snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, min(most, math.MaxInt64-1)+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most { // it has grown
		return nil, ErrTooLarge
	}
	s := &snapshot{path: path, size: info.Size(), modTime: info.ModTime()}
	s.file, s.err = Parse(data)
	return s, nil
}
