package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/riskd/riskd"
)

// The obligations of AuthZEN's profile that riskd puts on its callers. One that ends
// a single session has no type of its own there.
const (
	obligeStepUp    = "step-up"
	obligeTerminate = "session_termination" // of all sessions of a subject
	obligeCustom    = "custom"
)

// obligations are those that answers may hold.
func obligations() []string { return []string{obligeStepUp, obligeTerminate, obligeCustom} }

// appendEvaluation appends the answer to a question. Because is the semantic by which
// it is the last one, if it is.
func appendEvaluation(b []byte, in *asked, d *riskd.Decision, because string) []byte {
	allowed := d.Outcome == riskd.Allow
	b = strconv.AppendBool(append(b, `{"decision":`...), allowed)
	b = append(b, `,"context":{`...)
	if because != "" {
		b = append(text(append(b, `"reason":`...), because), ',')
	}
	if !allowed {
		b = appendDenial(b, in, d)
	}
	b = appendOurs(append(b, `"riskd":`...), d)
	return append(b, "}}"...)
}

// appendDenial tells what to do about an answer that isn't allow, member by member.
func appendDenial(b []byte, in *asked, d *riskd.Decision) []byte {
	if u := d.StepUp; u != nil {
		b = appendWords(b, `"acr_values":`, u.Demand.ACR)
		b = appendWords(b, `"amr_values":`, u.Demand.AMR)
		if u.Demand.MaxAge > 0 {
			b = append(strconv.AppendInt(append(b, `"max_age":`...), int64(u.Demand.MaxAge.Seconds()), 10), ',')
		}
	}
	// Who authenticates again gets further, but for a session that is on hold.
	status := `{"401":`
	if d.Outcome == riskd.StepUpNeeded && d.StepUp == nil {
		status = `{"403":`
	}
	for _, reason := range []struct{ member, text string }{{`"reason_admin":`, d.AdminText}, {`"reason_user":`, d.UserText}} {
		if reason.text != "" {
			b = text(append(append(b, reason.member...), status...), reason.text)
			b = append(b, "},"...)
		}
	}
	return appendObligation(b, in, d)
}

func appendWords(b []byte, member string, words []string) []byte {
	if len(words) == 0 {
		return b
	}
	return append(text(append(b, member...), strings.Join(words, " ")), ',')
}

// appendObligation tells what the caller must carry out, as far as it says that it
// can.
func appendObligation(b []byte, in *asked, d *riskd.Decision) []byte {
	begin := func(b []byte, kind string) []byte {
		b = append(b, `"obligations":[{"id":"o1","type":"`...)
		return append(append(b, kind...), `","properties":{`...)
	}
	able := func(kind string) bool { return in.supported == nil || slices.Contains(in.supported, kind) }
	user := in.event.User.ID
	switch everywhere := d.RevokedBy == riskd.TargetUser && user != ""; {
	case d.Outcome == riskd.StepUpNeeded && d.StepUp != nil && len(d.StepUp.Demand.ACR) > 0:
		if !able(obligeStepUp) {
			return b
		}
		// One class is asked for; each of the others would do as well.
		b = text(append(begin(b, obligeStepUp), `"acr_value":`...), d.StepUp.Demand.ACR[0])
		if len(d.StepUp.Demand.AMR) > 0 {
			b = texts(append(b, `,"amr_values":`...), d.StepUp.Demand.AMR)
		}
	case d.Outcome == riskd.Revoke && everywhere:
		if !able(obligeTerminate) {
			return b
		}
		b = text(append(begin(b, obligeTerminate), `"subject":`...), user)
	case d.Outcome == riskd.Revoke:
		if !able(obligeCustom) {
			return b
		}
		b = append(begin(b, obligeCustom), `"vendor":"riskd","action":"terminate_session","session":`...)
		b = text(b, d.Session.String())
	default:
		return b
	}
	return append(b, "}}],"...)
}

// appendOurs appends the decision in riskd's own words, the few that gateways log.
func appendOurs(b []byte, d *riskd.Decision) []byte {
	b = text(append(b, `{"decision_id":`...), d.ID)
	b = text(append(b, `,"effect":`...), d.Outcome.String())
	b = strconv.AppendInt(append(b, `,"score":`...), int64(d.Score), 10)
	b = text(append(b, `,"level":`...), d.Level.String())
	b = text(append(b, `,"session":`...), d.Session.String())
	b = text(append(b, `,"pack":`...), d.Pack)
	b = text(append(b, `,"policy_revision":`...), d.Revision)
	b = append(b, `,"reasons":[`...)
	for i := range d.Reasons {
		if i > 0 {
			b = append(b, ',')
		}
		b = text(b, d.Reasons[i].Code)
	}
	b = append(b, ']')
	if d.StepUp != nil {
		b = text(append(b, `,"step_up":`...), d.StepUp.ID)
	}
	if at := d.Expires.At(); !at.IsZero() {
		b = appendTime(append(b, `,"session_expires_at":`...), at)
	}
	b = strconv.AppendInt(append(b, `,"lease":{"valid_for_ms":`...), d.Lease.ValidFor.Milliseconds(), 10)
	b = append(strconv.AppendUint(append(b, `,"revocation_epoch":`...), d.Lease.Epoch, 10), '}')
	if len(d.Degraded) > 0 {
		b = texts(append(b, `,"degraded":`...), d.Degraded)
	}
	return append(b, '}')
}

// appendEvaluationError appends the answer to a question that couldn't be asked.
func appendEvaluationError(b []byte, p *problem) []byte {
	message := p.Detail
	if len(p.Errors) > 0 {
		all := make([]string, len(p.Errors))
		for i := range p.Errors {
			all[i] = p.Errors[i].Detail
		}
		message = strings.Join(all, "; ")
	}
	b = strconv.AppendInt(append(b, `{"decision":false,"context":{"error":{"status":`...), int64(p.Status), 10)
	return append(text(append(b, `,"message":`...), message), "}}}"...)
}
