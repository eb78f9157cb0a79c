package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/riskd/riskd"
)

// ErrNoSession says that a request carries no session: whoever sends it has to sign
// in first.
var ErrNoSession = errors.New("the request carries no session")

// EventOf gives what every request says: the peer's address, the user agent, the
// language, the method. A server behind proxies has to set Peer.IP itself, to what
// a proxy that it trusts has told. Who the session is, and the class of the route,
// only the application knows.
func EventOf(r *http.Request) Event {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if i := strings.IndexByte(host, '%'); i >= 0 { // a zone says nothing about the far end
		host = host[:i]
	}
	cut := func(s string, limit int) string { return strings.ToValidUTF8(s[:min(len(s), limit)], "\uFFFD") }
	return Event{
		Peer:    Peer{IP: host, UserAgent: cut(r.UserAgent(), riskd.MaxText/3), Language: cut(r.Header.Get("Accept-Language"), riskd.MaxID/3)},
		Request: Request{Method: cut(r.Method, 20)},
	}
}

type decisionKey struct{}

// DecisionOf gives the decision on a request that Middleware has let pass.
func DecisionOf(ctx context.Context) (Decision, bool) {
	d, ok := ctx.Value(decisionKey{}).(Decision)
	return d, ok
}

// riskHeader begins the names of the headers that say what riskd has decided.
const riskHeader = "X-Risk-"

// Middleware lets pass what riskd allows, with X-Risk headers for whoever serves it
// and without those that the client has sent. What needs a step-up is answered 401
// with the challenge of RFC 9470, what carries no session 401, everything else 403.
// It panics if Options.Event isn't set: there'd be nothing to ask about.
func (c *Client) Middleware(next http.Handler) http.Handler {
	if c.o.Event == nil {
		panic("client.Options.Event: is required for Middleware")
	}
	refuse := c.o.Refuse
	if refuse == nil {
		refuse = Refuse
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := c.o.Event(r)
		d := Decision{Source: SourceFailure, Reasons: []string{"malformed"}}
		switch {
		case errors.Is(err, ErrNoSession) || err == nil && e.Session.ID == "":
			d.Reasons[0] = "no_session"
		case err == nil:
			d = c.Decide(r.Context(), e)
		}
		if d.Outcome != riskd.Allow {
			refuse(w, r, d)
			return
		}
		next.ServeHTTP(w, passed(r, &d))
	})
}

// passed gives the request as it is passed on.
func passed(r *http.Request, d *Decision) *http.Request {
	r = r.WithContext(context.WithValue(r.Context(), decisionKey{}, *d))
	h := make(http.Header, len(r.Header)+6)
	for name, values := range r.Header {
		if !isRiskHeader(name) {
			h[name] = values
		}
	}
	for name := range r.Trailer {
		if isRiskHeader(name) {
			r.Trailer = nil // which a body would fill
			break
		}
	}
	h["X-Risk-Decision"] = []string{d.Outcome.String()}
	h["X-Risk-Score"] = []string{strconv.Itoa(d.Score)}
	h["X-Risk-Level"] = []string{d.Level}
	h["X-Risk-Reasons"] = []string{strings.Join(d.Reasons, ",")}
	h["X-Risk-Decision-Id"] = []string{d.ID}
	h["X-Risk-Step-Up-Acr"] = []string{""}
	h["X-Risk-Session"] = []string{d.Session}
	h["X-Risk-Degraded"] = []string{strings.Join(d.Degraded, ",")}
	r.Header = h
	return r
}

var spelled = strings.NewReplacer("_", "-", ".", "-")

// isRiskHeader knows a header in all the spellings that something behind may take
// for the same.
func isRiskHeader(name string) bool {
	return len(name) >= len(riskHeader) && strings.EqualFold(spelled.Replace(name[:len(riskHeader)]), riskHeader)
}

// Refuse answers a request that isn't let pass, as riskd's forward-auth would. Where
// nobody could do anything about it, as with a suspended session, there is no
// challenge.
func Refuse(w http.ResponseWriter, _ *http.Request, d Decision) {
	status, body := http.StatusForbidden, `{"decision":"none"}`
	switch {
	case d.Outcome == riskd.Revoke:
		body = `{"decision":"revoke"}`
	case d.Outcome == riskd.StepUpNeeded:
		body = `{"decision":"step_up"}`
		if d.Source != "suspension" {
			status = http.StatusUnauthorized
			w.Header().Set("WWW-Authenticate", Challenge(&d))
		}
	case len(d.Reasons) == 1 && d.Reasons[0] == "no_session":
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer realm="riskd"`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // the client may be gone
}

// Challenge writes what a decision asks for as RFC 9470 has it.
func Challenge(d *Decision) string {
	text := `Bearer realm="riskd", error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required"`
	if u := d.StepUp; u != nil {
		if len(u.ACR) > 0 {
			text += `, acr_values="` + quoted(strings.Join(u.ACR, " ")) + `"`
		}
		if u.MaxAge > 0 {
			text += `, max_age="` + strconv.FormatInt(int64(u.MaxAge.Seconds()), 10) + `"`
		}
	}
	return text
}

// quoted gives the inside of a quoted-string (RFC 9110 §5.6.4); what one can't hold
// is left out.
func quoted(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, s)
}
