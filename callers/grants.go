package callers

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/riskd/riskd"
)

// MaxTokens is how many tokens a caller has at most: the one in use, and the one
// that takes its place.
const MaxTokens = 2

// A name goes into logs, into the audit log beside what the caller itself says,
// and into metrics.
var callerName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// A DNS name of a certificate, or the host of a URI in it.
var dnsName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

type faults []error

func (f *faults) add(path, format string, args ...any) {
	*f = append(*f, &riskd.FieldError{Path: path, Detail: fmt.Sprintf(format, args...)})
}

// add takes a caller in, with what it may show; nobody else may show any of it.
func (c *Callers) add(g *Grant, faults *faults) {
	at := fmt.Sprintf("callers[%d]", len(c.callers))
	c.checkCaller(at, &g.Caller, faults)
	c.callers = append(c.callers, g.Caller)
	i := len(c.callers) - 1
	if len(g.UIDs)+len(g.Certificates)+len(g.Tokens) == 0 {
		faults.add(at, "has nothing to be known by: give it uids, certificates or tokens")
	}
	for n, uid := range g.UIDs {
		path := fmt.Sprintf("%s.uids[%d]", at, n)
		take(c, c.uids, uid, i, path, faults)
	}
	for n, name := range g.Certificates {
		path := fmt.Sprintf("%s.certificates[%d]", at, n)
		if !certificateName(name) {
			faults.add(path, "%q must be a URI such as spiffe://example.com/gateway or a DNS name such as gateway.example.com, without wildcards", name)
			continue
		}
		take(c, c.names, name, i, path, faults)
	}
	if len(g.Tokens) > MaxTokens {
		faults.add(at+".tokens", "are %d; %d are enough to change one for another: drop those that aren't used any more", len(g.Tokens), MaxTokens)
	}
	for n := range g.Tokens {
		c.addToken(fmt.Sprintf("%s.tokens[%d]", at, n), &g.Tokens[n], i, faults)
	}
}

func (c *Callers) checkCaller(at string, caller *riskd.Caller, faults *faults) {
	if !callerName.MatchString(caller.Name) {
		faults.add(at+".name", "%q must be 1 to 64 lower-case letters, digits, dots, hyphens and underscores", caller.Name)
	}
	for i := range c.callers {
		if c.callers[i].Name == caller.Name {
			faults.add(at+".name", "%q is the name of callers[%d] already", caller.Name, i)
			break
		}
	}
	if caller.Role == riskd.NoRole {
		faults.add(at+".role", "is missing: gateway, ingest, analyst, operator or admin")
	}
	if caller.Bound && caller.Tenant == "" {
		faults.add(at+".tenant", "has no name, so that nobody could be bound to it")
	}
	if len(caller.Tenant) > riskd.MaxID {
		faults.add(at+".tenant", "is longer than %d bytes", riskd.MaxID)
	}
}

// take gives a caller what nobody else may show.
func take[K comparable](c *Callers, taken map[K]int, key K, caller int, path string, faults *faults) {
	if of, ok := taken[key]; ok {
		faults.add(path, "is what %s is known by already", c.callers[of].Name)
		return
	}
	taken[key] = caller
}

func (c *Callers) addToken(path string, t *Token, caller int, faults *faults) {
	in := token{notAfter: t.NotAfter, caller: caller}
	hash, err := hex.DecodeString(t.SHA256)
	if err != nil || copy(in.hash[:], hash) != len(in.hash) || len(hash) != len(in.hash) {
		// It isn't repeated: somebody may have put the token itself here.
		faults.add(path+".sha256", "must be 64 hex digits, as `riskd token` prints them")
		return
	}
	for i := range c.tokens {
		if c.tokens[i].hash == in.hash {
			faults.add(path+".sha256", "is what %s is known by already", c.callers[c.tokens[i].caller].Name)
			return
		}
	}
	c.tokens = append(c.tokens, in)
}

// certificateName reports whether a certificate can have that name.
func certificateName(s string) bool {
	scheme, rest, uri := strings.Cut(s, "://")
	if !uri {
		return dnsName.MatchString(s)
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme != "" && dnsName.MatchString(host) && !strings.ContainsAny(s, " \t*?#") && len(s) <= 2048
}
