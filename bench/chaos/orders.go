//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/riskd/riskd/api"
)

// order is a revocation by its number, of which it is made: of a session, a user
// and a device in turn, each named once.
type order int

func (o order) kind() string { return [...]string{"session_id", "user", "device"}[o%3] }

func (o order) id() string { return fmt.Sprintf("chaos-%s-%d", o.kind(), int(o)) }

// body is what gives the order.
func (o order) body() string {
	return fmt.Sprintf(`{"target":{%q:%q},"reason":"chaos","actor":"chaos"}`, o.kind(), o.id())
}

// event is what the order meets.
func (o order) event() string {
	session, rest := fmt.Sprintf("chaos-probe-%d", int(o)), ""
	switch o.kind() {
	case "user":
		rest = fmt.Sprintf(`"user":{"id":%q},`, o.id())
	case "device":
		rest = fmt.Sprintf(`"device":{"id":%q},`, o.id())
	default:
		session = o.id()
	}
	return fmt.Sprintf(`{"session":{"id":%q},%s"client":{"ip":"203.0.113.7"}}`, session, rest)
}

// decision is what riskd answers, as far as checks look at it.
type decision struct {
	Decision string `json:"decision"`
	State    struct {
		Source string `json:"source"`
	} `json:"state"`
}

func (d *decision) revoked() bool { return d.Decision == "revoke" && d.State.Source == "revocation" }

// lost gives those of some orders that aren't in force.
func lost(ctx context.Context, r *server, orders []order) (gone []order, err error) {
	for some := range slices.Chunk(orders, api.MaxBatch) {
		events := make([]string, len(some))
		for i, o := range some {
			events[i] = o.event()
		}
		status, answer, err := r.post(ctx, r.gateway+"/v1/decisions/batch", "["+strings.Join(events, ",")+"]")
		if err != nil {
			return nil, err
		}
		var decisions []decision
		if err := json.Unmarshal(answer, &decisions); err != nil || status != http.StatusOK || len(decisions) != len(some) {
			return nil, fmt.Errorf("a batch of %d is answered %d: %.300s", len(some), status, answer)
		}
		for i := range decisions {
			if !decisions[i].revoked() {
				gone = append(gone, some[i])
			}
		}
	}
	return gone, nil
}

// unlisted gives those of some orders that riskd doesn't list among those in force.
func unlisted(ctx context.Context, r *server, orders []order) (gone []order, err error) {
	listed := map[string]bool{}
	for cursor := ""; ; {
		status, answer, err := r.get(ctx, fmt.Sprintf("%s/v1/revocations?limit=1000%s", r.admin, cursor))
		if err != nil {
			return nil, err
		}
		var page struct {
			Revocations []struct {
				Target struct{ Session, User, Device string } `json:"target"`
			} `json:"revocations"`
			Next string `json:"next"`
		}
		if err := json.Unmarshal(answer, &page); err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("a list of revocations is answered %d: %.300s", status, answer)
		}
		for _, e := range page.Revocations {
			listed[e.Target.Session+e.Target.User+e.Target.Device] = true
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	for _, o := range orders {
		name := o.id()
		if o.kind() == "session_id" {
			name = sessionKey.ID("", name).String()
		}
		if !listed[name] {
			gone = append(gone, o)
		}
	}
	return gone, nil
}
