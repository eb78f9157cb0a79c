package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riskd/riskd"
)

// forwardedUntrusted marks decisions on a client whose address riskd doesn't
// know, because the gateway that told it is none of the trusted proxies.
const forwardedUntrusted = "forwarded_for_untrusted"

// Event reads the event that a gateway asks about under the name of a profile, or
// says why it can't.
func (r *Reader) Event(name string, in *Request) (*riskd.Event, Refusal) {
	p := r.profiles[name]
	if p == nil {
		return nil, UnknownProfile
	}
	e, refusal := r.read(p, in)
	if refusal == "" && len(in.Header[forwardedFor]) > 0 && !in.Local && !in.Told && !r.proxies.trust(in.Peer) {
		e.Degraded = append(e.Degraded, forwardedUntrusted)
	}
	return e, refusal
}

func (r *Reader) read(p *profile, in *Request) (*riskd.Event, Refusal) {
	if p.check(in.Header) != nil || in.joined(p) && p.checkJoined(in) != nil {
		return nil, Malformed
	}
	device, err := p.Device.value(p, in)
	if err != nil {
		return nil, Malformed
	}
	started, err1 := unixHeader(in.Header, p.StartedAt)
	authenticated, err2 := unixHeader(in.Header, p.AuthTime)
	if err1 != nil || err2 != nil {
		return nil, Malformed
	}
	e := &riskd.Event{
		Tenant: or(in.Said.Tenant, p.Tenant),
		Session: riskd.EventSession{
			Binding:   in.Said.Binding,
			StartedAt: started, AuthTime: authenticated,
			ACR: header(in.Header, p.ACR), AMR: words(header(in.Header, p.AMR), " ,"),
		},
		User:   riskd.User{ID: header(in.Header, p.User), Roles: words(header(in.Header, p.Roles), ",")},
		Device: riskd.Device{ID: device},
		Client: riskd.Client{
			IP: r.proxies.client(in.Peer, in.Local, in.Header[forwardedFor]),
			// Some old agents send Latin-1, which is no reason to lock them out.
			UserAgent: strings.ToValidUTF8(in.Header.Get("User-Agent"), "\uFFFD"),
			Language:  strings.ToValidUTF8(in.Header.Get("Accept-Language"), "\uFFFD"),
		},
	}
	if refusal := p.identify(in, e, r); refusal != "" {
		return nil, refusal
	}
	if refusal := p.classify(in, e, r.key); refusal != "" {
		return nil, refusal
	}
	if e.Validate() != nil || !validUTF8(e) || strings.ContainsFunc(e.Request.Method, notInMethods) {
		return nil, Malformed
	}
	return e, ""
}

// validUTF8 reports whether what headers brought into an event is text: JSON,
// policies and logs have no other.
func validUTF8(e *riskd.Event) bool {
	for _, s := range [...]string{e.User.ID, e.Device.ID, e.Session.ACR, e.Request.Route} {
		if !utf8.ValidString(s) {
			return false
		}
	}
	broken := func(s string) bool { return !utf8.ValidString(s) }
	return !slices.ContainsFunc(e.User.Roles, broken) && !slices.ContainsFunc(e.Session.AMR, broken)
}

func notInMethods(c rune) bool {
	return (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-'
}

// header reads a header that the profile may have left out.
func header(h http.Header, name string) string {
	if name == "" {
		return ""
	}
	return h.Get(name)
}

func unixHeader(h http.Header, name string) (time.Time, error) {
	value := header(h, name)
	if value == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseUint(value, 10, 33) // until the year 2242
	return time.Unix(int64(seconds), 0).UTC(), err
}

func words(s, separators string) []string {
	if s == "" {
		return nil
	}
	var out []string
	for _, word := range strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
		if word = strings.Trim(word, " \t"); word != "" {
			out = append(out, word)
		}
	}
	return out
}
