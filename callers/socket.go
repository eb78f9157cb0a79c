package callers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// The modes of sockets: whoever is in the group may connect, and is asked who he
// is; or, where nobody can be asked, only riskd's own user.
const (
	ModeGroup fs.FileMode = 0o660
	ModeOwner fs.FileMode = 0o600
)

// SocketPath gives the path of an address such as unix:///run/riskd/gateway.sock;
// ok is false if it is none of a socket.
func SocketPath(address string) (path string, ok bool) {
	path, ok = strings.CutPrefix(address, "unix:")
	if after, long := strings.CutPrefix(path, "//"); long {
		path = after
	}
	return path, ok
}

// probe is how long a socket that is there already gets to answer.
const probe = time.Second

// ListenUnix listens on a socket of that mode, which it makes. One that is left
// over from a process that has ended is replaced; one on which somebody listens, or
// anything else of that name, is an error. Closing the listener removes the socket.
func ListenUnix(path string, mode fs.FileMode) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The socket is nobody else's from its first moment on: bind gives it the mode
	// that the descriptor has.
	private := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		if err := raw.Control(func(fd uintptr) { failed = ownerOnly(fd) }); err != nil {
			return err
		}
		return failed
	}}
	l, err := private.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	in := &socket{UnixListener: l.(*net.UnixListener), path: path}
	in.SetUnlinkOnClose(false) // which would remove one that has taken its place
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(path))
	}
	if in.own, err = os.Lstat(path); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return in, nil
}

// socket is a listener that removes its socket at the end, and only its own.
type socket struct {
	*net.UnixListener
	path string
	own  fs.FileInfo
}

// Close stops to listen and removes the socket.
func (s *socket) Close() error {
	err := s.UnixListener.Close()
	if there, statErr := os.Lstat(s.path); err == nil && statErr == nil && os.SameFile(s.own, there) {
		err = os.Remove(s.path)
	}
	return err
}

// removeStale removes a socket on which nobody listens.
func removeStale(path string) error {
	there, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case there.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there already, and is no socket: take it away, or name another place", path)
	}
	c, err := net.DialTimeout("unix", path, probe)
	switch {
	case err == nil:
		c.Close()
		return fmt.Errorf("somebody listens on %s already: is another riskd running?", path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	return fmt.Errorf("whether somebody listens on %s can't be told: %w", path, err)
}
