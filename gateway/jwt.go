package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/riskd/riskd"
)

// JWT says what of a token's claims is read. No claim of a token that nobody has
// verified ever is.
type JWT struct {
	// KeysFile is a JWK Set (RFC 7517) with the public keys of the issuer; it is
	// read again when it changes. The token in Profile.Session has to verify under
	// one of them. Without keys the claims are those that the gateway has verified,
	// Request.Claims.
	KeysFile string
	// Issuer is what iss must be; required with keys.
	Issuer string
	// Audience is what aud must be or hold. Without it tokens for other applications
	// of the issuer are taken too.
	Audience string
	// Algorithms are those that a token may be signed with. Default: all of
	// Algorithms(); none of them is a MAC.
	Algorithms []string
	// SessionClaim has the session's id, often sid. Without it each token is a
	// session, and the next one that its client fetches is another.
	SessionClaim string
	// UserClaim has the user's id. Default: sub.
	UserClaim string
	// RolesClaim has the user's roles: an array, or a list in a string. A claim within
	// a claim is written with a dot, realm_access.roles. Optional.
	RolesClaim string
	// StartedAtClaim is when the session began, as opposed to the token. Optional.
	StartedAtClaim string
}

// Algorithms are those of signatures that riskd verifies (RFC 7518, RFC 8037).
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// clockSkew is how far the clock of an issuer may be from riskd's.
const clockSkew = time.Minute

// errToken stands for every token that isn't good; a client learns no more.
var errToken = errors.New("no good token")

func (j *JWT) given() bool {
	return j.KeysFile != "" || j.Issuer != "" || j.Audience != "" || j.Algorithms != nil ||
		j.SessionClaim != "" || j.UserClaim != "" || j.RolesClaim != "" || j.StartedAtClaim != ""
}

// takeJWT checks what of the profile's claims can be checked without the keys.
// What a claim gives no header can give as well.
func (p *profile) takeJWT() error {
	j := &p.JWT
	if !j.given() {
		return nil
	}
	if j.KeysFile == "" && (j.Issuer != "" || j.Audience != "" || j.Algorithms != nil) {
		return errors.New("jwt.keys_file: is needed to verify tokens; without it the gateway does, and issuer, audience and algorithms are its own matter")
	}
	if j.KeysFile != "" && j.Issuer == "" {
		return errors.New("jwt.issuer: is required with keys")
	}
	for i, a := range j.Algorithms {
		if !slices.Contains(Algorithms(), a) {
			return fmt.Errorf("jwt.algorithms[%d]: %q is not one of %s", i, a, strings.Join(Algorithms(), ", "))
		}
	}
	for _, c := range []struct{ field, header, claim string }{
		{"user", p.User, "sub"},
		{"acr", p.ACR, "acr"},
		{"amr", p.AMR, "amr"},
		{"auth_time", p.AuthTime, "auth_time"},
		{"roles", p.Roles, j.RolesClaim},
		{"started_at", p.StartedAt, j.StartedAtClaim},
	} {
		if c.header != "" && c.claim != "" {
			return fmt.Errorf("%s: does nothing beside jwt, which has the claim %s", c.field, c.claim)
		}
	}
	if j.UserClaim == "" {
		j.UserClaim = "sub"
	}
	if len(j.Algorithms) == 0 {
		j.Algorithms = Algorithms()
	}
	return nil
}

// jose is a token's protected header. What asks for more than riskd does, crit and
// b64, is refused; the rest, such as jku, isn't looked at.
type jose struct {
	Alg  string `json:"alg"`
	Kid  string `json:"kid"`
	Typ  string `json:"typ"`
	Crit any    `json:"crit"`
	B64  any    `json:"b64"`
}

// verify gives what a good token says. It has at most one key tried.
func (j *JWT) verify(k *keys, token string, now time.Time) (*identity, error) {
	sum := digest(token)
	if known := k.tokens.get(sum); known != nil {
		return known, known.within(now)
	}
	head, err := decodePart(token)
	if err != nil {
		return nil, err
	}
	var h jose
	if json.Unmarshal(head, &h) != nil || h.Crit != nil || h.B64 != nil || !tokenType(h.Typ) || !slices.Contains(j.Algorithms, h.Alg) {
		return nil, errToken
	}
	key := k.find(h.Alg, h.Kid)
	alg, ok := jwa.LookupSignatureAlgorithm(h.Alg)
	if key == nil || !ok {
		return nil, errToken
	}
	payload, err := jws.Verify([]byte(token), jws.WithKey(alg, key))
	if err != nil {
		return nil, errToken
	}
	var claims map[string]any
	if json.Unmarshal(payload, &claims) != nil {
		return nil, errToken
	}
	who, err := j.read(claims)
	if err != nil || !j.meant(claims) || who.dates(claims) != nil || who.within(now) != nil {
		return nil, errToken
	}
	k.tokens.put(sum, who)
	return who, nil
}

// tokenType takes access tokens (RFC 9068) and those that don't say what they are,
// but none that was made for something else, such as a logout or a proof.
func tokenType(typ string) bool {
	typ = strings.ToLower(typ)
	typ = strings.TrimPrefix(typ, "application/")
	return typ == "" || typ == "jwt" || typ == "at+jwt"
}

// meant reports whether the token is from the issuer and for the audience.
func (j *JWT) meant(claims map[string]any) bool {
	if claims["iss"] != j.Issuer {
		return false
	}
	if j.Audience == "" {
		return true
	}
	if list, ok := claims["aud"].([]any); ok {
		return slices.Contains(list, any(j.Audience))
	}
	return claims["aud"] == j.Audience
}

// decodePart decodes the header of a token of three parts, each of which has to
// be there.
func decodePart(token string) ([]byte, error) {
	if parts := strings.Split(token, "."); len(parts) != 3 || slices.Contains(parts, "") {
		return nil, errToken
	}
	head, _, _ := strings.Cut(token, ".")
	out, err := encoding.DecodeString(head)
	if err != nil || bytes.IndexByte(out, '{') != 0 {
		return nil, errToken
	}
	return out, nil
}

// identify finds the session and, in the claims of a verified token, who uses it.
func (p *profile) identify(in *Request, e *riskd.Event, r *Reader) Refusal {
	value, err := p.Session.value(p, in)
	if err != nil {
		return Malformed
	}
	var who *identity
	switch {
	case p.JWT.KeysFile != "":
		if value == "" {
			return NoSession
		}
		if who, err = p.JWT.verify(p.keys.Load(), value, r.now()); err != nil {
			return InvalidToken
		}
	case p.JWT.given() && in.Claims != nil:
		if who, err = p.JWT.read(in.Claims); err != nil {
			return InvalidToken
		}
	case p.JWT.SessionClaim != "":
		return NoSession
	}
	if who != nil && p.JWT.SessionClaim != "" {
		value = who.session
	} else if value, err = sessionOf(value); err != nil {
		return Malformed
	}
	if value == "" {
		return NoSession
	}
	e.Session.ID = r.key.ID(e.Tenant, value)
	if who != nil {
		who.tell(e)
	}
	return ""
}
