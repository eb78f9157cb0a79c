package callers

import (
	"crypto/subtle"
	"errors"
	"time"

	"github.com/riskd/riskd"
)

// Grant is a caller, and all that it may show to be known as that one.
type Grant struct {
	riskd.Caller
	// UIDs are users at the other end of a unix socket.
	UIDs []uint32
	// Certificates are the names of client certificates: URIs such as SPIFFE ids, and
	// DNS names. They are compared as they stand; nothing in them is a wildcard.
	Certificates []string
	Tokens       []Token
}

// Token is a bearer token, which riskd itself never has: only its hash.
type Token struct {
	// SHA256 is of the whole token, in hex.
	SHA256 string
	// NotAfter is when it ends; zero is never.
	NotAfter time.Time
}

// Options are who may call.
type Options struct {
	Grants []Grant
	// Now is the clock that tokens and certificates end by. Default: time.Now.
	Now func() time.Time
	// Refused is told why somebody was refused: one of [Refusals]. Callers are never
	// told. Optional.
	Refused func(why string)
}

// Why a caller is refused.
const (
	refusedNothing   = "no_credentials" // or a connection that belongs to nobody
	refusedMalformed = "malformed"      // an authorization that can't be read, or is one of two
	refusedToken     = "unknown_token"
	refusedExpired   = "expired"
	refusedAmbiguous = "ambiguous" // credentials of two callers
)

// Refusals are all reasons why a caller is refused.
func Refusals() []string {
	return []string{refusedNothing, refusedMalformed, refusedToken, refusedExpired, refusedAmbiguous}
}

// Callers knows who may call. It is safe for concurrent use.
type Callers struct {
	callers []riskd.Caller
	uids    map[uint32]int // all ints are places in callers
	names   map[string]int
	tokens  []token
	now     func() time.Time
	refused func(string)
}

type token struct {
	hash     [32]byte
	notAfter time.Time
	caller   int
}

// New takes the callers in. The error is [*riskd.FieldError]s joined, whose paths
// are those of a config: callers[0].tokens[1].sha256.
func New(o Options) (*Callers, error) {
	c := &Callers{uids: map[uint32]int{}, names: map[string]int{}, now: o.Now, refused: o.Refused}
	if c.now == nil {
		c.now = time.Now
	}
	if c.refused == nil {
		c.refused = func(string) {}
	}
	var faults faults
	for i := range o.Grants {
		c.add(&o.Grants[i], &faults)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return c, nil
}

// Len is how many callers there are.
func (c *Callers) Len() int { return len(c.callers) }

// Caller says whose the credentials are. What the connection shows (user or
// certificate) and belongs to no caller says nothing, since whoever connects can't
// help showing it; a token that is shown has to be right. All that name somebody
// must name the same caller. The error is [riskd.ErrUnknownCaller].
func (c *Callers) Caller(shown *riskd.Credentials) (*riskd.Caller, error) {
	found, why := c.find(shown)
	if why != "" {
		c.refused(why)
		return nil, riskd.ErrUnknownCaller
	}
	return &c.callers[found], nil
}

const nobody = -1

// maxAuthorizations are the headers that a token can be in.
const maxAuthorizations = 2

func (c *Callers) find(shown *riskd.Credentials) (caller int, why string) {
	caller, ended := nobody, false
	name := func(i int) {
		if caller != nobody && caller != i {
			why = refusedAmbiguous
		}
		caller = i
	}
	if shown.UID != nil {
		if i, ok := c.uids[*shown.UID]; ok {
			name(i)
		}
	}
	for _, n := range shown.Names {
		i, ok := c.names[n]
		switch {
		case !ok:
		case !c.now().Before(shown.CertificateEnds):
			ended = true // since the connection began
		default:
			name(i)
		}
	}
	if len(shown.Authorization) > maxAuthorizations {
		return nobody, refusedMalformed
	}
	for _, value := range shown.Authorization {
		i, failed := c.bearer(value)
		if failed != "" {
			return nobody, failed
		}
		name(i)
	}
	switch {
	case why != "":
		return nobody, why
	case ended && caller == nobody:
		return nobody, refusedExpired
	case caller == nobody:
		return nobody, refusedNothing
	}
	return caller, ""
}

// bearer finds the caller of an authorization. It takes as long for every token.
func (c *Callers) bearer(value string) (caller int, why string) {
	presented, ok := bearerToken(value)
	if !ok {
		return nobody, refusedMalformed
	}
	hash := hashOf(presented)
	at := nobody
	for i := range c.tokens {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], c.tokens[i].hash[:]), i, at)
	}
	if at == nobody {
		return nobody, refusedToken
	}
	if t := &c.tokens[at]; !t.notAfter.IsZero() && !c.now().Before(t.notAfter) {
		return nobody, refusedExpired
	}
	return c.tokens[at].caller, ""
}
