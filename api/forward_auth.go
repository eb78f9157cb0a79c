package api

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// Gateways reads events out of what gateways ask; a gateway.Reader does.
type Gateways interface {
	// Event reads the event that is asked about under the name of a profile, or says
	// why it can't.
	Event(profile string, r *gateway.Request) (*riskd.Event, gateway.Refusal)
}

type noProfiles struct{}

func (noProfiles) Event(string, *gateway.Request) (*riskd.Event, gateway.Refusal) {
	return nil, gateway.UnknownProfile
}

// forwardAuth answers ANY /v1/forward-auth/{profile}/…: 200 for allow, 401 with
// a challenge for step_up, 403 for revoke and for a session that is held up. What
// it can't decide on it refuses, 401 if there is no session id and 403 otherwise.
// Every answer has every X-Risk header, empty ones too.
//
// What follows the profile in the path is the client's. It never chooses where the
// request goes; an Envoy's profile may choose the class by it.
func (a *API) forwardAuth(w http.ResponseWriter, r *http.Request) int {
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, forwardPath), "/")
	name, _, _ = strings.Cut(name, "/")
	e, code := a.Gateways.Event(name, &gateway.Request{
		Header: r.Header, Peer: gateway.PeerAddress(r.RemoteAddr), Local: overSocket(r), OwnMethod: r.Method, OwnPath: belowProfile(r.RequestURI, name),
	})
	if code != "" {
		return answerForward(w, gateway.Refuse(code))
	}
	d, err := a.decide(r.Context(), e)
	if errors.Is(err, errForeignTenant) {
		return answerForward(w, gateway.Refuse(gateway.NotAllowed))
	}
	if err != nil {
		return answerForward(w, gateway.Refuse(gateway.Malformed))
	}
	return answerForward(w, gateway.Tell(&d))
}

// admitForward lets in gateways. Whoever isn't known as one is answered 403: that
// is the gateway's fault, and no user could sign in to mend it.
func (a *API) admitForward(rt *route) handler {
	if a.Callers == nil {
		return rt.handle
	}
	return func(w http.ResponseWriter, r *http.Request) int {
		c, err := a.Callers.ForwardAuth(r)
		if err != nil {
			return answerForward(w, gateway.Refuse(gateway.UnknownCaller))
		}
		if !rt.access.admits(c) {
			return answerForward(w, gateway.Refuse(gateway.NotAllowed))
		}
		return rt.handle(w, withCaller(r, c))
	}
}

// overSocket reports whether a request came through a unix socket, whose far end is
// a gateway on this machine and has no address.
func overSocket(r *http.Request) bool {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && at.Network() == "unix"
}

// belowProfile gives what follows the profile in a request's URI, as it was sent.
func belowProfile(uri, profile string) string {
	rest, ok1 := strings.CutPrefix(uri, forwardPath+"/")
	rest, ok2 := strings.CutPrefix(rest, profile)
	if !ok1 || !ok2 {
		return ""
	}
	return rest
}

// failForward is the answer when forward-auth itself has failed.
func failForward(w http.ResponseWriter) int {
	return answerForward(w, gateway.Failed(internalError))
}

func answerForward(w http.ResponseWriter, a gateway.Answer) int {
	h := w.Header()
	for i, name := range gateway.Headers {
		h[name] = a.Values[i : i+1 : i+1]
	}
	if a.Challenge != "" {
		h["Www-Authenticate"] = []string{a.Challenge}
	}
	return write(w, a.Status, jsonType, forwardBodies[a.Outcome])
}

// forwardBodies are for people with curl; gateways drop them or pass them on.
var forwardBodies = map[string][]byte{
	"none":                      []byte(`{"decision":"none"}`),
	riskd.Allow.String():        []byte(`{"decision":"allow"}`),
	riskd.StepUpNeeded.String(): []byte(`{"decision":"step_up"}`),
	riskd.Revoke.String():       []byte(`{"decision":"revoke"}`),
}
