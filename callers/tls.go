package callers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// TLSFiles are the PEM files that a listener speaks TLS with.
type TLSFiles struct {
	Cert     string // the server's certificate, followed by those in between
	Key      string
	ClientCA string // what client certificates must lead to; "" asks for none
}

// TLS is a listener's TLS material. Files that have changed come into force for
// new connections, all together or not at all, and no connection is dropped. It is
// safe for concurrent use.
type TLS struct {
	files   TLSFiles
	current atomic.Pointer[material]

	reload sync.Mutex // one at a time
	seen   [sha256.Size]byte

	mu    sync.Mutex
	fault error
}

// material is what was read of the files.
type material struct {
	certificate tls.Certificate
	clients     *x509.CertPool // nil asks for no certificate
	ends        time.Time
}

// FileError says which of the files is at fault.
type FileError struct {
	Field string // cert, key or client_ca
	Err   error
}

func (e *FileError) Error() string { return e.Field + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// OpenTLS reads the files. The error is [*FileError]s joined.
func OpenTLS(files TLSFiles) (*TLS, error) {
	t := &TLS{files: files}
	if _, err := t.Reload(); err != nil {
		return nil, err
	}
	return t, nil
}

// Config is for a listener that speaks the protocols, such as http/1.1 or h2. Each
// connection gets what is in force when it begins. A client that shows a
// certificate shows a good one or is cut off; one that shows none is let through,
// to show a token instead. No handshake is resumed: the certificate of a client is
// always checked against what is in force.
func (t *TLS) Config(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			m := t.current.Load()
			c := &tls.Config{
				MinVersion: tls.VersionTLS12, NextProtos: protocols, SessionTicketsDisabled: true,
				Certificates: []tls.Certificate{m.certificate},
			}
			if m.clients != nil {
				c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, m.clients
			}
			return c, nil
		},
	}
}

// Reload reads the files again, and reports whether they have changed since it was
// last tried. With an error, what was in force before still is.
func (t *TLS) Reload() (changed bool, err error) {
	t.reload.Lock()
	defer t.reload.Unlock()
	m, sum, err := t.files.read()
	changed, t.seen = sum != t.seen, sum
	if err == nil {
		t.current.Store(m)
	}
	t.mu.Lock()
	t.fault = err
	t.mu.Unlock()
	return changed, err
}

// Watch reads the files again every so often until ctx ends, and tells of every
// change: nil, or why it isn't in force.
func (t *TLS) Watch(ctx context.Context, every time.Duration, tell func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if changed, err := t.Reload(); changed {
				tell(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Ends is when the server's certificate does.
func (t *TLS) Ends() time.Time { return t.current.Load().ends }

// Fault is why the files aren't in force as they are now, nil if they are, and the
// certificate isn't over.
func (t *TLS) Fault(now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ends := t.Ends(); !now.Before(ends) {
		return errors.Join(t.fault, &FileError{"cert", fmt.Errorf("has ended at %s: clients refuse it", ends.UTC().Format(time.RFC3339))})
	}
	return t.fault
}

// read gives what the files hold, and a sum by which to tell whether they have
// changed.
func (f TLSFiles) read() (*material, [sha256.Size]byte, error) {
	cert, err1 := readFile("cert", f.Cert)
	key, err2 := readFile("key", f.Key)
	var ca []byte
	var err3 error
	if f.ClientCA != "" {
		ca, err3 = readFile("client_ca", f.ClientCA)
	}
	err := errors.Join(err1, err2, err3)
	m := &material{}
	if err == nil {
		err = m.parse(cert, key)
		if f.ClientCA != "" {
			var caErr error
			m.clients, caErr = parseCA(ca)
			err = errors.Join(err, caErr)
		}
	}
	sum := sha256.New()
	for _, part := range [][]byte{cert, key, ca, fmt.Append(nil, err)} {
		fmt.Fprintf(sum, "%d:", len(part))
		sum.Write(part)
	}
	return m, [sha256.Size]byte(sum.Sum(nil)), err
}

func readFile(field, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &FileError{field, err}
	}
	return text, nil
}

func (m *material) parse(cert, key []byte) (err error) {
	if m.certificate, err = tls.X509KeyPair(cert, key); err != nil {
		return &FileError{"cert", fmt.Errorf("doesn't go with its key: %w", err)}
	}
	m.ends = m.certificate.Leaf.NotAfter
	return nil
}

// parseCA takes every certificate of a file, and nothing but certificates: one that
// is left out silently would be one that is missing when it is needed.
func parseCA(text []byte) (*x509.CertPool, error) {
	pool, n := x509.NewCertPool(), 0
	for rest := text; ; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return nil, &FileError{"client_ca", errors.Join(errors.New("must hold certificates, and no other PEM"), err)}
		}
		pool.AddCert(c)
	}
	if n == 0 || n != bytes.Count(text, []byte("-----BEGIN ")) {
		return nil, &FileError{"client_ca", fmt.Errorf("only %d of its PEM blocks can be read", n)}
	}
	return pool, nil
}
