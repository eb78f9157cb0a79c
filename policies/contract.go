package policies

import (
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// field is one member of the input document: where it lies, what it means, and
// how it is read from a case. The schema that rules are compiled against and
// the input that they are asked with both come from the one table of fields,
// so that the contract exists once.
//
// Exactly one accessor is set; it is the member's type. A member whose value
// isn't known is absent from the input.
type field struct {
	path      string // dotted
	doc       string // meaning, unit, range
	judgement bool   // known to the judgement only

	number func(*riskd.Case) (value float64, known bool)
	text   func(*riskd.Case) string // "" is unknown
	flag   func(*riskd.Case) (value, known bool)
	list   func(*riskd.Case) []string
	table  func(*riskd.Case) map[string]string
}

// fieldsFor is the table for a catalogue of signals: what is known of every
// event, and the members of each signal's reading.
func fieldsFor(signals []riskd.Signal) []field {
	fields := slices.Clone(fixedFields)
	for i := range signals {
		fields = append(fields, readingFields(&signals[i], i)...)
	}
	return fields
}

var fixedFields = []field{
	{path: "event.id", doc: "the caller's id of the event", text: func(c *riskd.Case) string { return c.Event.ID }},
	{path: "event.time", doc: "when the event happened, RFC 3339, UTC", text: func(c *riskd.Case) string { return c.Now.UTC().Format(time.RFC3339) }},
	{path: "event.time_unix", doc: "when the event happened, Unix seconds", number: func(c *riskd.Case) (float64, bool) { return float64(c.Now.Unix()), true }},
	{path: "event.tenant", doc: "the customer that the event belongs to", text: func(c *riskd.Case) string { return c.Event.Tenant }},
	{path: "event.environment", doc: "the caller's name of the environment", text: func(c *riskd.Case) string { return c.Event.Environment }},
	{path: "event.attributes", doc: "what the caller tells beside all this, by names of its own", table: func(c *riskd.Case) map[string]string { return c.Event.Attributes }},

	{path: "session.age_s", doc: "seconds since the session began, 0 or more", number: func(c *riskd.Case) (float64, bool) { return since(c, c.Session.Start) }},
	{path: "session.requests", doc: "how many requests of the session riskd has seen before this one, 0 at the first", number: func(c *riskd.Case) (float64, bool) { return float64(c.Session.Requests), true }},
	{path: "session.status", doc: `"active", "step_up" or "suspended"; what is over is "revoked" or "expired"`, text: func(c *riskd.Case) string { return c.Session.Status.String() }},
	{path: "session.acr", doc: "how strong the last authentication was (OIDC acr)", text: acr},
	{path: "session.amr", doc: "how the last authentication was done (RFC 8176 amr)", list: amr},
	{path: "session.auth_age_s", doc: "seconds since the last active authentication, 0 or more", number: authAge},
	{path: "session.step_up_pending", doc: "a step-up was asked for and isn't met yet", flag: known(func(c *riskd.Case) bool { return c.Session.StepUp != nil })},
	{path: "session.failures", doc: "how many step-ups have failed since the last one that was passed", number: func(c *riskd.Case) (float64, bool) { return float64(c.Session.Failures), true }},
	{path: "session.before_login", doc: "the session's id was seen before anybody had signed in with it", flag: known(func(c *riskd.Case) bool { return c.Session.BeforeLogin })},
	{path: "session.binding.type", doc: `how this request is bound to the session's key: "dpop", "mtls" or "dbsc"`, text: func(c *riskd.Case) string { return c.Event.Session.Binding.Type }},
	{path: "session.binding.verified", doc: "the gateway checked this request's proof of possession", flag: known(func(c *riskd.Case) bool { return c.Event.Session.Binding.Verified })},

	{path: "user.id", doc: "the user's id, absent before sign-in", text: func(c *riskd.Case) string { return c.Event.User.ID }},
	{path: "user.type", doc: "the caller's name of the kind of user", text: func(c *riskd.Case) string { return c.Event.User.Type }},
	{path: "user.roles", doc: "the user's roles", list: func(c *riskd.Case) []string { return c.Event.User.Roles }},
	{path: "user.profile_sessions", doc: "how many sessions the user's profile has learned from", number: func(c *riskd.Case) (float64, bool) { return float64(profile(c).Sessions), true }},
	{path: "user.young", doc: "the profile has too little history to judge novelty by", flag: known(func(c *riskd.Case) bool { return profile(c).Young() })},

	{path: "device.id", doc: "the device's id", text: func(c *riskd.Case) string { return c.Event.Device.ID }},
	{path: "device.fingerprint", doc: "the hash over the device's attributes", text: func(c *riskd.Case) string { return c.Event.Device.Fingerprint }},
	{path: "device.known", doc: "the user's profile knows the device, by its id or its fingerprint", flag: known(knownDevice)},
	{path: "device.trusted", doc: "the user has passed a step-up on the device of this id, and the trust that it founded holds; no reason to let a sensitive request pass", flag: known(trustedDevice)},
	{path: "device.compliant", doc: "device management says that the device is in order; absent when none reports", flag: compliant},
	{path: "device.attributes", doc: "what the page collected of the device", table: func(c *riskd.Case) map[string]string { return c.Event.Device.Attributes }},

	{path: "client.ip", doc: "the client's address, absent when unknown", text: address},
	{path: "client.prefix", doc: "the address's /24 or /48", text: func(c *riskd.Case) string { return riskd.PrefixOf(c.Event.Client.IP).String() }},
	{path: "client.user_agent", doc: "the User-Agent header", text: func(c *riskd.Case) string { return c.Event.Client.UserAgent }},
	{path: "client.language", doc: "the Accept-Language header", text: func(c *riskd.Case) string { return c.Event.Client.Language }},
	{path: "client.ja4", doc: "the JA4 fingerprint of the TLS handshake", text: func(c *riskd.Case) string { return c.Event.Client.JA4 }},

	{path: "place.country", doc: "ISO 3166-1 alpha-2", text: func(c *riskd.Case) string { return c.Event.Place.Country }},
	{path: "place.city", doc: "the city's name", text: func(c *riskd.Case) string { return c.Event.Place.City }},
	{path: "place.asn", doc: "number of the autonomous system", number: func(c *riskd.Case) (float64, bool) { return float64(c.Event.Place.ASN), c.Event.Place.ASN != 0 }},
	{path: "place.org", doc: "the organisation behind the autonomous system", text: func(c *riskd.Case) string { return c.Event.Place.Org }},
	{path: "place.network", doc: `kind of network: "residential", "mobile", "business", "satellite", "hosting", "vpn", "proxy" or "tor"`, text: network},

	{path: "request.method", doc: "HTTP method", text: func(c *riskd.Case) string { return c.Event.Request.Method }},
	{path: "request.route", doc: "the route's template", text: func(c *riskd.Case) string { return c.Event.Request.Route }},
	{path: "request.class", doc: `"open", "standard", "sensitive" or "admin"`, text: func(c *riskd.Case) string { return c.Event.Request.Class.String() }},
	{path: "request.activity", doc: `"interactive" or "background"`, text: func(c *riskd.Case) string { return c.Event.Request.Activity.String() }},
	{path: "request.status", doc: "HTTP status, 100 to 599; absent when the event was reported before the answer", number: func(c *riskd.Case) (float64, bool) {
		return float64(c.Event.Request.Status), c.Event.Request.Status != 0
	}},
	{path: "request.bytes", doc: "size of the answer in bytes, 0 when not reported", number: func(c *riskd.Case) (float64, bool) { return float64(c.Event.Request.Bytes), true }},

	{path: "privilege.level", doc: "the power that the request uses, 0 (none) to 10 (everything)", number: func(c *riskd.Case) (float64, bool) { return float64(c.Event.Privilege.Level), true }},
	{path: "privilege.action", doc: "the caller's name of what is done with it", text: func(c *riskd.Case) string { return c.Event.Privilege.Action }},

	{path: "score", judgement: true, doc: "0 to 100: 60 is the step-up threshold, 85 the revoke threshold", number: func(c *riskd.Case) (float64, bool) { return c.Score, true }},
	{path: "nats.identity", judgement: true, doc: "the identity channel's evidence, in nats", number: func(c *riskd.Case) (float64, bool) { return c.Nats.Identity, true }},
	{path: "nats.behaviour", judgement: true, doc: "the behaviour channel's evidence, in nats", number: func(c *riskd.Case) (float64, bool) { return c.Nats.Behaviour, true }},
	{path: "nats.request", judgement: true, doc: "this request's own evidence, in nats", number: func(c *riskd.Case) (float64, bool) { return c.Nats.Request, true }},
	{path: "reasons", judgement: true, doc: "codes of the open reasons and this event's, sorted, each once", list: reasonCodes},
	{path: "invariants", judgement: true, doc: "codes of the invariants that this event breaks, sorted, each once", list: invariants},
}

// readingFields are the members of one signal's reading: its value, nats and
// details when it was measured, what was missing when it couldn't be.
func readingFields(s *riskd.Signal, at int) []field {
	path := "readings." + s.Name + "."
	measured := func(get func(*riskd.Reading) float64) func(*riskd.Case) (float64, bool) {
		return func(c *riskd.Case) (float64, bool) {
			if r := reading(c, at); r != nil && r.State == riskd.Measured {
				return get(r), true
			}
			return 0, false
		}
	}
	fields := []field{
		{path: path + "value", doc: s.Value, number: measured(func(r *riskd.Reading) float64 { return r.Value })},
		{path: path + "nats", doc: "log likelihood ratio of the fact, attack against normal use", number: measured(func(r *riskd.Reading) float64 { return r.Nats })},
		{path: path + "missing", doc: "the input without which the signal can't be evaluated", text: func(c *riskd.Case) string {
			if r := reading(c, at); r != nil && r.State == riskd.NotEvaluable {
				return r.Missing
			}
			return ""
		}},
	}
	for i, d := range s.Details {
		f := field{path: path + d.Name, doc: d.Doc}
		if d.Kind == riskd.Text {
			f.text = func(c *riskd.Case) string {
				if r := reading(c, at); r != nil && r.State == riskd.Measured {
					return r.Details[i].Text
				}
				return ""
			}
		} else {
			f.number = measured(func(r *riskd.Reading) float64 { return r.Details[i].Number })
		}
		fields = append(fields, f)
	}
	return fields
}

func known(is func(*riskd.Case) bool) func(*riskd.Case) (bool, bool) {
	return func(c *riskd.Case) (bool, bool) { return is(c), true }
}

func reading(c *riskd.Case, at int) *riskd.Reading {
	if at < len(c.Readings) {
		return &c.Readings[at]
	}
	return nil
}

// since counts the seconds from a time on; the zero time is unknown.
func since(c *riskd.Case, t time.Time) (float64, bool) {
	return max(0, c.Now.Sub(t).Seconds()), !t.IsZero()
}

// The event says how the last authentication was done; where it doesn't, the
// session remembers.

func acr(c *riskd.Case) string {
	if c.Event.Session.ACR != "" {
		return c.Event.Session.ACR
	}
	return c.Session.ACR
}

func amr(c *riskd.Case) []string {
	if len(c.Event.Session.AMR) > 0 {
		return c.Event.Session.AMR
	}
	return c.Session.AMR
}

func authAge(c *riskd.Case) (float64, bool) {
	if !c.Event.Session.AuthTime.IsZero() {
		return since(c, c.Event.Session.AuthTime)
	}
	return since(c, c.Session.AuthTime)
}

// profile is the user's profile, an empty one when nobody is signed in.
func profile(c *riskd.Case) *riskd.Profile {
	if c.Profile != nil {
		return c.Profile
	}
	return &noProfile
}

var noProfile riskd.Profile

func knownDevice(c *riskd.Case) bool {
	id, fingerprint, _ := profile(c).HasDevice(riskd.MarkOf(&c.Event.Device), riskd.Agent{}, c.Now)
	return id || fingerprint
}

func trustedDevice(c *riskd.Case) bool {
	return profile(c).Trusted(riskd.MarkOf(&c.Event.Device).ID, c.Now) != nil
}

func compliant(c *riskd.Case) (value, known bool) {
	if p := c.Event.Device.Compliant; p != nil {
		return *p, true
	}
	return false, false
}

func address(c *riskd.Case) string {
	if c.Event.Client.Known() {
		return c.Event.Client.IP.String()
	}
	return ""
}

func network(c *riskd.Case) string {
	if k := c.Event.Place.Network; k != riskd.NetworkUnknown {
		return k.String()
	}
	return ""
}

func reasonCodes(c *riskd.Case) []string {
	codes := make([]string, len(c.Reasons))
	for i := range c.Reasons {
		codes[i] = c.Reasons[i].Code
	}
	return sortedOnce(codes)
}

func invariants(c *riskd.Case) []string { return sortedOnce(slices.Clone(c.Invariants)) }

func sortedOnce(codes []string) []string {
	slices.Sort(codes)
	return slices.Compact(codes)
}

// steps are a dotted path's parts.
func steps(path string) []string { return strings.Split(path, ".") }
