package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "binding_failure",
		Doc:   "Whether a session that is bound to a key (DPoP, mTLS, device-bound session) goes on without it: a stolen token looks like that, and hardly anything else. Never measured on sessions that have proved no key, nor on requests of class open that carry no proof (missing: binding).",
		Value: "0 proved with the session's key, 1 proof missing or not valid, 2 proved with another key",
		Details: []riskd.Detail{
			{Name: "bound", Kind: riskd.Text, Doc: "how the session is bound: dpop, mtls or dbsc"},
			{Name: "presented", Kind: riskd.Text, Doc: "what the request came with: dpop, mtls, dbsc, or empty"},
		},
	}, measureBindingFailure)
}

// No nats: a key doesn't change by accident (RFC 9449 §7 refuses a bound token
// that comes without its proof).
func measureBindingFailure(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	bound, now := in.Session.Binding, in.Event.Session.Binding
	if bound.Type == "" || now.Type == "" && in.Event.Request.Class == riskd.ClassOpen {
		return riskd.NotEvaluableFor("binding"), cell
	}
	d := details{text(bound.Type), text(now.Type)}
	switch {
	case now.Type == "" || !now.Verified:
		return measured(1, 0, d), cell
	case differentKey(bound, now):
		return measured(2, 0, d), cell
	}
	return measured(0, 0, d), cell
}

// differentKey compares thumbprints. The gateway has checked the proof; where it
// doesn't tell the key, its word is all there is.
func differentKey(bound, now riskd.Binding) bool {
	return bound.Thumbprint != "" && now.Thumbprint != "" && bound.Thumbprint != now.Thumbprint
}
