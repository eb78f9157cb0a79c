package callers

import (
	"net"
	"syscall"
)

// PeerUID gives the user at the other end of a unix socket (SO_PEERCRED), nil if c
// is none or the kernel doesn't say. What wraps a connection has to say so by
// NetConn, as [crypto/tls.Conn] does.
func PeerUID(c net.Conn) *uint32 {
	for {
		wrapped, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = wrapped.NetConn()
	}
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	var peer *syscall.Ucred
	err = raw.Control(func(fd uintptr) {
		peer, _ = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || peer == nil {
		return nil
	}
	return &peer.Uid
}

// ownerOnly gives a socket that isn't bound yet the mode that its file will have.
func ownerOnly(fd uintptr) error { return syscall.Fchmod(int(fd), uint32(ModeOwner)) }
