package client_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/callers"
	"github.com/riskd/riskd/callers/callerstest"
	"github.com/riskd/riskd/client"
)

// serve has riskd, which knows the gateway by its grant and nobody else, listen.
func (h *house) serve(l net.Listener, gateway callers.Grant) {
	h.t.Helper()
	gateway.Caller = riskd.Caller{Name: "edge", Role: riskd.RoleGateway}
	h.callers = must[*callers.Callers](h.t)(callers.New(callers.Options{Grants: []callers.Grant{
		gateway, {Caller: riskd.Caller{Name: "ops", Role: riskd.RoleOperator}, Tokens: []callers.Token{tokenOf(operator)}},
	}}))
	h.build("guarded")
	server := api.NewServer(&h.fault)
	server.ConnContext = callers.ConnContext
	server.ErrorLog = log.New(io.Discard, "", 0) // handshakes that have to fail
	go func() { _ = server.Serve(l) }()          // until it is closed
	h.t.Cleanup(func() { _ = server.Close() })
}

func tokenOf(text string) callers.Token {
	sum := sha256.Sum256([]byte(text))
	return callers.Token{SHA256: hex.EncodeToString(sum[:])}
}

func listen(t *testing.T) net.Listener {
	return must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
}

// works has a client do all that a client does: ask, follow, ack, tell.
func (h *house) works(change func(*client.Options)) {
	h.t.Helper()
	c := h.client(change)
	h.lease(c, event("s1"))
	h.order(`{"target":{"session_id":"s1"}}`)
	if d := c.Decide(h.t.Context(), event("s1")); d.Outcome != riskd.Revoke || d.Source == client.SourceStream {
		h.t.Errorf("revoked: %+v", d)
	}
	if err := c.Close(h.t.Context()); err != nil || c.Stats().Rejected != 0 {
		h.t.Errorf("telling of the lease: %v, %+v", err, c.Stats())
	}
}

// refuses has a client that riskd mustn't know, or that mustn't trust it.
func (h *house) refuses(change func(*client.Options)) {
	h.t.Helper()
	var streams atomic.Int64
	c := h.newClient(func(o *client.Options) {
		change(o)
		o.Log = func(doing string, _ error) {
			if doing == "stream" {
				streams.Add(1)
			}
		}
	})
	if d := c.Decide(h.t.Context(), event("s2")); d.Outcome != riskd.StepUpNeeded || d.Source != client.SourceFailure {
		h.t.Errorf("got a decision: %+v", d)
	}
	h.await("the stream is refused", func() bool { return streams.Load() > 0 })
	if s := c.Stats(); s.Streams != 0 || s.Asked != 0 {
		h.t.Errorf("came through: %+v", s)
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	path := filepath.Join(t.TempDir(), "riskd.sock")
	h.serve(must[net.Listener](t)(callers.ListenUnix(path, callers.ModeOwner)), callers.Grant{UIDs: []uint32{uint32(os.Getuid())}})
	h.works(func(o *client.Options) { o.URL = "unix://" + path })
	h.refuses(func(o *client.Options) { o.URL = "unix://" + path + ".other" })
}

func TestTLS(t *testing.T) {
	t.Parallel()
	const edge = "spiffe://example.com/edge"
	authority, other := callerstest.NewAuthority(t), callerstest.NewAuthority(t)
	files := authority.WriteServer(t.TempDir())
	material := must[*callers.TLS](t)(callers.OpenTLS(callers.TLSFiles{Cert: files.Cert, Key: files.Key, ClientCA: files.CA}))
	h := newHouse(t)
	l := listen(t)
	h.serve(tls.NewListener(l, material.Config("h2", "http/1.1")), callers.Grant{Certificates: []string{edge}})
	with := func(trust *callerstest.Authority, show ...tls.Certificate) func(*client.Options) {
		return func(o *client.Options) {
			o.URL, o.TLS = "https://"+l.Addr().String(), &tls.Config{RootCAs: trust.Pool(), Certificates: show}
		}
	}
	h.works(with(authority, authority.Client(edge)))
	for name, change := range map[string]func(*client.Options){
		"no certificate":                 with(authority),
		"another's certificate":          with(authority, authority.Client("spiffe://example.com/other")),
		"a certificate of another CA":    with(authority, other.Client(edge)),
		"a riskd of another CA":          with(other, authority.Client(edge)),
		"what the system trusts, at all": func(o *client.Options) { o.URL = "https://" + l.Addr().String() },
	} {
		t.Run(name, func(t *testing.T) { h.refuses(change) })
	}
}

// A token is asked for each time, so that one that was renewed is taken at once.
func TestToken(t *testing.T) {
	t.Parallel()
	const right = "token-of-the-gateway-that-riskd-knows"
	h := newHouse(t)
	l := listen(t)
	h.serve(l, callers.Grant{Tokens: []callers.Token{tokenOf(right)}})
	with := func(token func() string) func(*client.Options) {
		return func(o *client.Options) { o.URL, o.Token = "http://"+l.Addr().String(), token }
	}
	h.works(with(func() string { return right }))
	h.refuses(with(func() string { return right + "x" }))
	h.refuses(with(nil))
	var token atomic.Value
	token.Store("token-of-the-gateway-that-has-ended")
	c := h.newClient(with(func() string { return token.Load().(string) }))
	if d := c.Decide(t.Context(), event("s3")); d.Source != client.SourceFailure {
		t.Errorf("a token that has ended: %+v", d)
	}
	token.Store(right)
	if d := c.Decide(t.Context(), event("s3")); d.Outcome != riskd.Allow || d.Source != "fresh" {
		t.Errorf("renewed: %+v", d)
	}
	h.await("the stream takes the new one", func() bool { return c.Stats().Current })
	_ = c.Close(context.Background())
}
