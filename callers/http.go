package callers

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/riskd/riskd"
)

// Header is where a gateway shows its token on forward-auth: the Authorization of
// such a request is the client's. On other paths it is taken as well.
const Header = "X-Riskd-Authorization"

// connection is what a connection shows of its peer, found out once.
type connection struct {
	uid   *uint32
	once  sync.Once // once the handshake is over
	names []string
	ends  time.Time
}

type connectionKey struct{}

// ConnContext is for [http.Server.ConnContext]: without it nobody is known by the
// connection.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{uid: PeerUID(c)})
}

// HTTP says who sent a request.
func (c *Callers) HTTP(r *http.Request) (*riskd.Caller, error) {
	return c.request(r, r.Header["Authorization"])
}

// ForwardAuth says which gateway asks about a request of a client's. All that was
// said in Authorization is the client's and counts for nothing.
func (c *Callers) ForwardAuth(r *http.Request) (*riskd.Caller, error) { return c.request(r, nil) }

func (c *Callers) request(r *http.Request, authorization []string) (*riskd.Caller, error) {
	shown := riskd.Credentials{Authorization: authorization}
	if own := r.Header[Header]; len(own) > 0 {
		shown.Authorization = append(own[:len(own):len(own)], authorization...)
	}
	if in, ok := r.Context().Value(connectionKey{}).(*connection); ok {
		in.once.Do(func() { in.names, in.ends = CertificateNames(r.TLS) })
		shown.UID, shown.Names, shown.CertificateEnds = in.uid, in.names, in.ends
	}
	return c.Caller(&shown)
}

// CertificateNames gives the names of a client's certificate and when it ends. A
// certificate whose chain was not verified has none.
func CertificateNames(state *tls.ConnectionState) (names []string, ends time.Time) {
	if state == nil || len(state.VerifiedChains) == 0 {
		return nil, time.Time{}
	}
	leaf := state.VerifiedChains[0][0]
	for _, u := range leaf.URIs {
		names = append(names, u.String())
	}
	return append(names, leaf.DNSNames...), leaf.NotAfter
}
