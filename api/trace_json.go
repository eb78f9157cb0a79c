package api

import "github.com/riskd/riskd"

// DecodeTraceIdentityEvent reads one identity event of a trace that is replayed, as
// strictly as [DecodeEvent] reads events. It takes session_id, but no reference to a
// session: that is made with the key of the riskd that gave it, which a trace hasn't
// got.
func DecodeTraceIdentityEvent(body []byte, key *riskd.SessionKey) (*riskd.IdentityEvent, error) {
	var w wireIdentityEvent
	if err := decode(body, &w); err != nil {
		return nil, err
	}
	if w.Session != "" {
		return nil, &riskd.FieldError{Path: "session", Detail: "is a reference, which means nothing in a trace: give session_id, the raw id"}
	}
	e, err := w.event(&local, key)
	if err != nil {
		return nil, err
	}
	return &e, nil
}
