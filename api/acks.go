package api

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// wireAck is what POST /v1/revocations/acks takes.
type wireAck struct {
	Gateway  string `json:"gateway"`
	Epoch    uint64 `json:"epoch"`
	Instance string `json:"instance"` // of the event's id; "" is not looked at
}

// ack answers POST /v1/revocations/acks: a gateway has applied all notices up to
// a number.
func (a *API) ack(w http.ResponseWriter, r *http.Request) int {
	var wire wireAck
	if p := readDocument(r, &wire); p != nil {
		return writeProblem(w, p)
	}
	var faults faultList
	name, err := followerName(callerOf(r), wire.Gateway)
	if err != nil {
		faults.add("gateway", err.Error())
	}
	faults.length("instance", wire.Instance)
	if err := faults.err(); err != nil {
		return writeProblem(w, invalidDocument(http.StatusBadRequest, faultsOf(err)))
	}
	newest, err := a.Notices.Ack(name, wire.Instance, wire.Epoch)
	if err != nil {
		p := blank(http.StatusConflict, err.Error()+": what this riskd's stream says counts")
		return writeProblem(w, p)
	}
	return writeJSON(w, http.StatusOK, struct {
		Epoch uint64 `json:"epoch"`
	}{newest})
}

// maxGatewayName is how long the name of a gateway may be, in bytes.
const maxGatewayName = 64

// followerName is the name by which a gateway is known, which says it itself. Where
// callers are known it begins with the caller's, so that none can speak for another.
func followerName(c *riskd.Caller, said string) (string, error) {
	switch {
	case c == &local:
		return said, gatewayName(said)
	case said == "" || said == c.Name:
		return c.Name, nil
	}
	return c.Name + "/" + said, gatewayName(said)
}

// gatewayName holds the names by which gateways call themselves to what can stand
// in any log.
func gatewayName(s string) error {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
	}
	if s == "" || len(s) > maxGatewayName || slices.ContainsFunc([]rune(s), func(c rune) bool { return !plain(c) }) {
		return errors.New("must be 1 to 64 letters, digits, dots, hyphens or underscores")
	}
	return nil
}

// appliedJSON is how far a gateway has got with an order.
type appliedJSON struct {
	Gateway   string     `json:"gateway"`
	Following bool       `json:"following"`
	Applied   bool       `json:"applied"`
	At        *time.Time `json:"at,omitzero"`
	LagMS     *float64   `json:"lag_ms,omitzero"`
	Epoch     uint64     `json:"epoch"` // the last that it has applied
}

// showRevocation answers GET /v1/revocations/{epoch}: the order, and which gateways
// have applied it.
func (a *API) showRevocation(w http.ResponseWriter, r *http.Request) int {
	if q := newQuery(r); q.problem != nil {
		return writeProblem(w, q.problem)
	}
	number, p := epochOf(r)
	if p != nil {
		return writeProblem(w, p)
	}
	order, ok := a.Orders.Order(number)
	if !ok || !a.seesEpoch(callerOf(r), number) {
		return writeProblem(w, unknownEpoch(number))
	}
	answer := struct {
		revocationJSON
		Gateways []appliedJSON `json:"gateways"`
		Applied  int           `json:"applied"`
		LagP50   *float64      `json:"lag_p50_ms,omitzero"`
		LagP99   *float64      `json:"lag_p99_ms,omitzero"`
	}{revocationJSON: newRevocationJSON(&order), Gateways: []appliedJSON{}}
	var lags []time.Duration
	for _, g := range a.applied(number) {
		in := appliedJSON{Gateway: g.Gateway, Following: g.Following, Applied: g.Done, Epoch: g.Number}
		if g.Done {
			answer.Applied++
		}
		if !g.Since.IsZero() {
			in.At = &g.Since
		}
		if g.Lag > 0 {
			in.LagMS = milliseconds(g.Lag)
			lags = append(lags, g.Lag)
		}
		answer.Gateways = append(answer.Gateways, in)
	}
	slices.Sort(lags)
	answer.LagP50, answer.LagP99 = quantile(lags, 0.5), quantile(lags, 0.99)
	return writeJSON(w, http.StatusOK, answer)
}

func (a *API) applied(number uint64) []riskd.Applied {
	if a.Notices == nil {
		return nil
	}
	return a.Notices.Applied(number)
}

// quantile gives that of sorted times by the nearest rank, nil of none.
func quantile(sorted []time.Duration, q float64) *float64 {
	if len(sorted) == 0 {
		return nil
	}
	return milliseconds(sorted[int(math.Ceil(q*float64(len(sorted))))-1])
}

func milliseconds(d time.Duration) *float64 {
	ms := float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
	return &ms
}
