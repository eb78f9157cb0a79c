package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/riskd/riskd"
)

// Brake has what would meet many wait for somebody who answers for it.
type Brake interface {
	// Order says why an order needs to be confirmed, nil if it doesn't.
	Order(o *riskd.Epoch) *riskd.Braked
	// IdentityEvent says why an event needs to be confirmed, or told again later;
	// nil if it doesn't, which counts it.
	IdentityEvent(e *riskd.IdentityEvent, now time.Time) *riskd.Braked
}

// released is the brake that lets everything pass.
type released struct{}

func (released) Order(*riskd.Epoch) *riskd.Braked { return nil }

func (released) IdentityEvent(*riskd.IdentityEvent, time.Time) *riskd.Braked { return nil }

// confirmed reports what is missing of a confirmation: nobody answers for anything
// without a name.
func confirmed(confirm bool, actor string) error {
	var faults faultList
	if confirm && actor == "" {
		faults.add("actor", "is required with confirm: it is put on record who answers for it")
	}
	return faults.err()
}

// braked answers for what isn't done before it is confirmed. What can be tried
// again later is told when.
func braked(w http.ResponseWriter, b *riskd.Braked) int {
	share := b.Share()
	p := &problem{
		Type: problemTypes + "braked", Title: "Braked", Status: http.StatusConflict,
		Detail:  b.Error() + `: nothing was done; look at it with "preview": true, and give it again with "confirm": true and an actor`,
		Matched: &b.Matched, Share: &share,
	}
	if b.After > 0 {
		p.Status = http.StatusTooManyRequests
		p.Detail = b.Error() + `: nothing was done; tell it again after the time in Retry-After, or with "confirm": true and an actor`
		w.Header().Set("Retry-After", strconv.FormatInt(1+int64(b.After/time.Second), 10))
	}
	return writeProblem(w, p)
}
