package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/riskd/riskd"
)

// wireRevocation is what POST /v1/revocations takes.
type wireRevocation struct {
	Target wireTarget `json:"target"`
	// Tenant is where the target is; "" is the only tenant.
	Tenant string `json:"tenant"`
	Reason string `json:"reason"`
	Actor  string `json:"actor"`
}

// wireTarget has exactly one of its members. They are pointers because "" is a
// tenant.
type wireTarget struct {
	Session   *string `json:"session,omitzero"`
	SessionID *string `json:"session_id,omitzero"` // raw; never in an answer
	Device    *string `json:"device,omitzero"`
	User      *string `json:"user,omitzero"`
	Tenant    *string `json:"tenant,omitzero"`
}

// revocationJSON is a revocation as operators see it.
type revocationJSON struct {
	Epoch  uint64     `json:"epoch"`
	Target wireTarget `json:"target"`
	Tenant string     `json:"tenant"`
	At     time.Time  `json:"at"`
	Reason string     `json:"reason"`
	Actor  string     `json:"actor"`
}

func newRevocationJSON(e *riskd.Epoch) revocationJSON {
	j := revocationJSON{Epoch: e.Number, Tenant: e.Target.Tenant, At: e.At, Reason: e.Reason, Actor: e.Actor}
	id, ref := e.Target.ID, e.Target.Session.String()
	switch e.Target.Kind {
	case riskd.TargetSession:
		j.Target.Session = &ref
	case riskd.TargetDevice:
		j.Target.Device = &id
	case riskd.TargetUser:
		j.Target.User = &id
	case riskd.TargetTenant:
		j.Target.Tenant = &e.Target.Tenant
	}
	return j
}

// revoke answers POST /v1/revocations. Once it has answered, no decision passes
// the target's sessions any more.
func (a *API) revoke(w http.ResponseWriter, r *http.Request) int {
	body, p := readBody(r, MaxEvent)
	if p != nil {
		return writeProblem(w, p)
	}
	var wire wireRevocation
	err := decode(body.b, &wire)
	body.free()
	var target riskd.Target
	if err == nil {
		target, err = wire.target(a.Key)
	}
	if err != nil {
		return writeProblem(w, invalidDocument(http.StatusBadRequest, faultsOf(err)))
	}
	epoch, matched := a.Revocations.Revoke(target, a.Now(), wire.Reason, wire.Actor)
	answer := struct {
		revocationJSON
		Matched int  `json:"matched"` // sessions that riskd knows
		Durable bool `json:"durable"` // survives the process
	}{newRevocationJSON(&epoch), matched, a.Revocations.Durable()}
	return writeJSON(w, http.StatusOK, answer)
}

// target reads what is to be revoked.
func (w *wireRevocation) target(key *riskd.SessionKey) (riskd.Target, error) {
	var faults faultList
	t := riskd.Target{Tenant: w.Tenant}
	given := 0
	name := func(kind riskd.TargetKind, id *string) {
		if id != nil {
			t.Kind = kind
			given++
		}
	}
	name(riskd.TargetSession, w.Target.Session)
	name(riskd.TargetSession, w.Target.SessionID)
	name(riskd.TargetDevice, w.Target.Device)
	name(riskd.TargetUser, w.Target.User)
	name(riskd.TargetTenant, w.Target.Tenant)
	if given != 1 {
		return t, &riskd.FieldError{Path: "target", Detail: "must have exactly one of session, session_id, device, user, tenant"}
	}
	switch {
	case w.Target.Session != nil:
		id, err := riskd.ParseSessionRef(*w.Target.Session)
		if err != nil {
			faults.add("target.session", "must be a session's reference, s_ and 26 characters; the id that the gateway uses goes into session_id")
		}
		t.Session = id
	case w.Target.SessionID != nil:
		if t.Session = key.ID(w.Tenant, *w.Target.SessionID); t.Session.IsZero() {
			faults.add("target.session_id", "must not be empty")
		}
	case w.Target.Device != nil:
		t.ID = *w.Target.Device
	case w.Target.User != nil:
		t.ID = *w.Target.User
	case w.Tenant != "" && w.Tenant != *w.Target.Tenant:
		faults.add("tenant", "is another one than target.tenant: leave it out")
	default:
		t.Tenant = *w.Target.Tenant
	}
	if len(faults) == 0 {
		if f := (*riskd.FieldError)(nil); errors.As(t.Validate(), &f) {
			faults.add(f.Path, f.Detail)
		}
	}
	for _, s := range []struct{ path, value string }{
		{"target." + t.Kind.String(), t.ID}, {"tenant", t.Tenant}, {"reason", w.Reason}, {"actor", w.Actor},
	} {
		if len(s.value) > riskd.MaxID {
			faults.add(s.path, fmt.Sprintf("is %d bytes long; the limit is %d", len(s.value), riskd.MaxID))
		}
	}
	return t, faults.err()
}

// listRevocations answers GET /v1/revocations, the newest first.
func (a *API) listRevocations(w http.ResponseWriter, r *http.Request) int {
	q := newQuery(r, "cursor", "limit")
	limit := q.limit()
	var before uint64
	if s := q.text("cursor"); s != "" {
		var err error
		if before, err = strconv.ParseUint(s, 10, 64); err != nil {
			q.check("cursor", errors.New("is not one that riskd gave"))
		}
	}
	if q.problem != nil {
		return writeProblem(w, q.problem)
	}
	answer := struct {
		Revocations []revocationJSON `json:"revocations"`
		Next        string           `json:"next,omitzero"`
	}{}
	page := a.Revocations.Revocations(before, limit)
	for i := range page {
		answer.Revocations = append(answer.Revocations, newRevocationJSON(&page[i]))
	}
	if len(page) == limit {
		answer.Next = strconv.FormatUint(page[len(page)-1].Number, 10)
	}
	return writeJSON(w, http.StatusOK, answer)
}
