package api

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd"
)

// AppendDecision appends a decision as every JSON wire of riskd carries it. It
// writes valid JSON whatever the decision's strings hold.
func AppendDecision(b []byte, d *riskd.Decision) []byte {
	b = text(append(b, `{"decision_id":`...), d.ID)
	if d.EventID != "" {
		b = text(append(b, `,"event_id":`...), d.EventID)
	}
	b = text(append(b, `,"decision":`...), d.Outcome.String())
	b = strconv.AppendInt(append(b, `,"score":`...), int64(d.Score), 10)
	b = text(append(b, `,"level":`...), d.Level.String())
	b = text(append(b, `,"session":`...), d.Session.String())
	b = append(b, `,"reasons":[`...)
	for i := range d.Reasons {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendReason(b, &d.Reasons[i])
	}
	b = append(b, ']')
	if d.StepUp != nil {
		b = appendStepUp(append(b, `,"step_up":`...), d.StepUp)
	}
	if at := d.Expires.At(); !at.IsZero() {
		b = appendExpiry(append(b, `,"session_expires":`...), &d.Expires, d.At)
	}
	b = text(append(b, `,"policy":{"pack":`...), d.Pack)
	b = text(append(b, `,"revision":`...), d.Revision)
	b = strconv.AppendInt(append(b, `},"lease":{"valid_for_ms":`...), d.Lease.ValidFor.Milliseconds(), 10)
	b = strconv.AppendUint(append(b, `,"revocation_epoch":`...), d.Lease.Epoch, 10)
	b = text(append(b, `},"state":{"source":`...), d.Source.String())
	b = texts(append(b, `,"degraded":`...), d.Degraded)
	b = texts(append(b, `,"missing_signals":`...), d.Missing)
	b = append(b, '}')
	if d.UserText != "" {
		b = append(text(append(b, `,"reason_user":{"en":`...), d.UserText), '}')
	}
	if d.AdminText != "" {
		b = append(text(append(b, `,"reason_admin":{"en":`...), d.AdminText), '}')
	}
	if len(d.Shadow) > 0 {
		b = append(b, `,"shadow":[`...)
		for i := range d.Shadow {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendShadow(b, &d.Shadow[i])
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendReason(b []byte, r *riskd.Reason) []byte {
	b = text(append(b, `{"code":`...), r.Code)
	b = number(append(b, `,"nats":`...), r.Nats)
	b = strconv.AppendInt(append(b, `,"points":`...), int64(r.Points), 10)
	b = text(append(b, `,"group":`...), r.Group.String())
	b = text(append(b, `,"channel":`...), r.Channel.String())
	b = texts(append(b, `,"clears_with":`...), r.ClearsWith)
	return append(b, '}')
}

func appendStepUp(b []byte, u *riskd.StepUp) []byte {
	b = text(append(b, `{"id":`...), u.ID)
	b = texts(append(b, `,"acr_values":`...), u.Demand.ACR)
	b = texts(append(b, `,"amr_values":`...), u.Demand.AMR)
	if u.Demand.MaxAge > 0 {
		b = strconv.AppendInt(append(b, `,"max_age":`...), int64(u.Demand.MaxAge.Seconds()), 10)
	}
	if !u.ExpiresAt.IsZero() {
		b = appendTime(append(b, `,"expires_at":`...), u.ExpiresAt)
	}
	b = texts(append(b, `,"clears":`...), u.Clears)
	b = strconv.AppendInt(append(b, `,"attempts_left":`...), int64(max(0, u.AttemptsLeft)), 10)
	if u.OverBudget {
		b = append(b, `,"over_budget":true`...)
	}
	return append(b, '}')
}

func appendShadow(b []byte, s *riskd.Shadow) []byte {
	b = text(append(b, `{"pack":`...), s.Pack)
	b = text(append(b, `,"revision":`...), s.Revision)
	b = text(append(b, `,"decision":`...), s.Outcome.String())
	b = strconv.AppendInt(append(b, `,"score":`...), int64(s.Score), 10)
	return append(b, '}')
}

func appendExpiry(b []byte, x *riskd.Expiry, now time.Time) []byte {
	b = append(b, '{')
	if !x.IdleAt.IsZero() {
		b = append(appendTime(append(b, `"idle_at":`...), x.IdleAt), ',')
	}
	if !x.AbsoluteAt.IsZero() {
		b = append(appendTime(append(b, `"absolute_at":`...), x.AbsoluteAt), ',')
	}
	b = strconv.AppendBool(append(b, `"warn":`...), x.Warn)
	b = strconv.AppendInt(append(b, `,"in_s":`...), int64(max(0, x.At().Sub(now)).Seconds()), 10)
	return append(b, '}')
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339), '"')
}

// text appends a string; bytes that aren't UTF-8 become U+FFFD.
func text(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

func texts(b []byte, values []string) []byte {
	b = append(b, '[')
	for i, s := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = text(b, s)
	}
	return append(b, ']')
}

// number appends a number with two decimals at most. What JSON has no number for
// becomes 0.
func number(b []byte, x float64) []byte {
	x = math.Round(x*100) / 100
	if math.IsNaN(x) || math.IsInf(x, 0) || x == 0 {
		return append(b, '0')
	}
	return strconv.AppendFloat(b, x, 'f', -1, 64)
}
