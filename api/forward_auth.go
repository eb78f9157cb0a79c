package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riskd/riskd"
)

// The codes with which forward-auth refuses what it can't decide on.
const (
	noSession      = "no_session"      // 401: there is no session id
	unknownProfile = "unknown_profile" // 403: the path names no profile
	malformed      = "malformed"       // 403: a header can be read in two ways, or in none
)

// suspended is the reason of a session that is held up.
const suspended = "suspended"

// forwardedUntrusted marks decisions on a client whose address riskd doesn't
// know, because the gateway that told it is none of the trusted proxies.
const forwardedUntrusted = "forwarded_for_untrusted"

// forwardAuth answers ANY /v1/forward-auth/{profile}/…: 200 for allow, 401 with
// a challenge for step_up, 403 for revoke and for a session that is held up, whose
// user would be sent to sign in again and again to no avail. What it can't decide on it refuses,
// 401 if there is no session id and 403 otherwise. There is no other status,
// whatever happens: gateways pass these three on and turn others into an outage,
// or into an open door. Every answer has every X-Risk header, empty ones too, so
// that a gateway that copies them overwrites what the client sent.
//
// What follows the profile in the path is the client's and is not looked at, nor
// is the URI in any header: neither chooses the class of a request.
func (a *API) forwardAuth(w http.ResponseWriter, r *http.Request) int {
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, forwardPath), "/")
	name, _, _ = strings.Cut(name, "/")
	p := a.profiles[name]
	if p == nil {
		return refuse(w, http.StatusForbidden, unknownProfile, "")
	}
	e, code := a.forwardEvent(p, r)
	if code == noSession {
		return refuse(w, http.StatusUnauthorized, code, "")
	}
	if code != "" {
		return refuse(w, http.StatusForbidden, code, "")
	}
	if len(r.Header[forwardedFor]) > 0 && !a.proxies.trust(peerAddress(r.RemoteAddr)) {
		e.Degraded = append(e.Degraded, forwardedUntrusted)
	}
	d, err := a.decide(r.Context(), e)
	if err != nil {
		return refuse(w, http.StatusForbidden, malformed, "")
	}
	return answerForward(w, &d)
}

// forwardEvent reads the event that a gateway asks about, or gives the code of
// what is wrong with it.
func (a *API) forwardEvent(p *profile, r *http.Request) (*riskd.Event, string) {
	if p.check(r.Header) != nil {
		return nil, malformed
	}
	session, err := p.Session.value(r.Header)
	if err != nil {
		return nil, malformed
	}
	if session == "" {
		return nil, noSession
	}
	device, err := p.Device.value(r.Header)
	if err != nil {
		return nil, malformed
	}
	started, err1 := unixHeader(r.Header, p.StartedAt)
	authenticated, err2 := unixHeader(r.Header, p.AuthTime)
	if err1 != nil || err2 != nil {
		return nil, malformed
	}
	e := &riskd.Event{
		Tenant: p.Tenant,
		Session: riskd.EventSession{
			ID: a.Key.ID(p.Tenant, session), StartedAt: started, AuthTime: authenticated,
			ACR: header(r.Header, p.ACR), AMR: words(header(r.Header, p.AMR), " ,"),
		},
		User:   riskd.User{ID: header(r.Header, p.User), Roles: words(header(r.Header, p.Roles), ",")},
		Device: riskd.Device{ID: device},
		Client: riskd.Client{
			IP: a.proxies.client(peerAddress(r.RemoteAddr), r.Header[forwardedFor]),
			// Some old agents send Latin-1, which is no reason to lock them out.
			UserAgent: strings.ToValidUTF8(r.Header.Get("User-Agent"), "\uFFFD"),
			Language:  strings.ToValidUTF8(r.Header.Get("Accept-Language"), "\uFFFD"),
		},
		Request: riskd.Request{Method: r.Header.Get(p.Style.methodHeader()), Route: header(r.Header, p.Route), Class: p.Class},
	}
	if e.Validate() != nil || !validUTF8(e) || strings.ContainsFunc(e.Request.Method, notInMethods) {
		return nil, malformed
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

// riskHeaders are the headers of every forward-auth answer, in the order of
// forwardAnswer.
var riskHeaders = [...]string{
	"X-Risk-Decision", "X-Risk-Score", "X-Risk-Level", "X-Risk-Reasons",
	"X-Risk-Decision-Id", "X-Risk-Step-Up-Acr", "X-Risk-Session", "X-Risk-Degraded",
}

// refuse answers without a decision; the code stands among the reasons.
func refuse(w http.ResponseWriter, status int, code, degraded string) int {
	if status == http.StatusUnauthorized {
		w.Header()["Www-Authenticate"] = plainChallenge
	}
	return forwardAnswer(w, status, "none", [...]string{"none", "", "", code, "", "", "", degraded})
}

// failForward is the answer when forward-auth itself has failed.
func failForward(w http.ResponseWriter) int {
	return refuse(w, http.StatusForbidden, "", internalError)
}

func answerForward(w http.ResponseWriter, d *riskd.Decision) int {
	status, acr := http.StatusForbidden, ""
	switch d.Outcome {
	case riskd.Allow:
		status = http.StatusOK
	case riskd.StepUpNeeded:
		if d.Source == riskd.SourceSuspension {
			break
		}
		status = http.StatusUnauthorized
		var demand riskd.Demand
		if d.StepUp != nil {
			demand = d.StepUp.Demand
		}
		acr = strings.Join(demand.ACR, " ")
		w.Header()["Www-Authenticate"] = []string{challenge(&demand)}
	}
	codes := make([]string, 0, len(d.Reasons)+1)
	if d.Source == riskd.SourceSuspension {
		codes = append(codes, suspended)
	}
	for i := range d.Reasons {
		codes = append(codes, d.Reasons[i].Code)
	}
	outcome := d.Outcome.String()
	return forwardAnswer(w, status, outcome, [...]string{
		outcome, strconv.Itoa(d.Score), d.Level.String(), strings.Join(codes, ","),
		d.ID, acr, d.Session.String(), strings.Join(d.Degraded, ","),
	})
}

func forwardAnswer(w http.ResponseWriter, status int, outcome string, values [len(riskHeaders)]string) int {
	h := w.Header()
	for i, name := range riskHeaders {
		h[name] = values[i : i+1 : i+1]
	}
	return write(w, status, jsonType, forwardBodies[outcome])
}

// forwardBodies are for people with curl; gateways drop them or pass them on.
var forwardBodies = map[string][]byte{
	"none":                      []byte(`{"decision":"none"}`),
	riskd.Allow.String():        []byte(`{"decision":"allow"}`),
	riskd.StepUpNeeded.String(): []byte(`{"decision":"step_up"}`),
	riskd.Revoke.String():       []byte(`{"decision":"revoke"}`),
}

var plainChallenge = []string{`Bearer realm="riskd"`}

// challenge writes a demand as RFC 9470 has it.
func challenge(d *riskd.Demand) string {
	b := []byte(`Bearer realm="riskd", error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required"`)
	if len(d.ACR) > 0 {
		b = append(quoted(append(b, `, acr_values="`...), strings.Join(d.ACR, " ")), '"')
	}
	if d.MaxAge > 0 {
		b = append(strconv.AppendInt(append(b, `, max_age="`...), int64(d.MaxAge.Seconds()), 10), '"')
	}
	return string(b)
}

// quoted appends the inside of a quoted-string (RFC 9110 §5.6.4); what one can't
// hold is left out.
func quoted(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c < 0x7f:
			b = append(b, c)
		}
	}
	return b
}
