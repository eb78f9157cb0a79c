package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of what is told of requests under a lease.
const (
	telemetryEvents  = 256       // in one request
	telemetryBytes   = 512 << 10 // of its body
	telemetryTimeout = 2 * time.Second
)

// telemetry holds the events of requests that a lease let pass, until riskd has
// taken them. Where there is no room for one, the lease isn't used: nothing is lost
// to scoring.
type telemetry struct {
	wake     chan struct{}
	rejected atomic.Uint64

	mu    sync.Mutex
	ring  []Event
	begin int
	count int
}

func newTelemetry(limit int) *telemetry {
	return &telemetry{wake: make(chan struct{}, 1), ring: make([]Event, limit)}
}

// put takes an event, or reports that there is no room.
func (t *telemetry) put(e *Event, at time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == len(t.ring) {
		return false
	}
	in := &t.ring[(t.begin+t.count)%len(t.ring)]
	if *in = *e; in.Time.IsZero() {
		in.Time = at
	}
	if t.count++; t.count == telemetryEvents {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// waiting is how many events wait.
func (t *telemetry) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// batch writes as many of the events that wait as one request takes, without
// letting go of them.
func (t *telemetry) batch() (body []byte, events int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := bytes.NewBufferString("[")
	for events < min(t.count, telemetryEvents) && out.Len() < telemetryBytes {
		document, err := json.Marshal(&t.ring[(t.begin+events)%len(t.ring)])
		events++
		if err != nil { // its time lies beyond the year 9999
			continue
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.Write(document)
	}
	out.WriteByte(']')
	return out.Bytes(), events
}

// drop lets go of the events that have waited longest.
func (t *telemetry) drop(events int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range events {
		t.ring[(t.begin+i)%len(t.ring)] = Event{}
	}
	t.begin = (t.begin + events) % len(t.ring)
	t.count -= events
}

// report tells riskd of the requests under leases until ctx ends.
func (c *Client) report(ctx context.Context) {
	tick := time.NewTicker(c.o.ReportEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.told.wake:
		case <-ctx.Done():
			return
		}
		for c.told.waiting() > 0 {
			if err := c.reportBatch(ctx); err != nil {
				c.o.Log("telemetry", err)
				break // the next tick tries again
			}
		}
	}
}

// reportBatch tells of some. What riskd refuses is let go of; with an error nothing
// is, and it will be told again.
func (c *Client) reportBatch(ctx context.Context) error {
	body, events := c.told.batch()
	ctx, cancel := context.WithTimeout(ctx, telemetryTimeout)
	defer cancel()
	answer, err := c.exchange(ctx, "/v1/telemetry", body)
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.final():
		c.told.rejected.Add(uint64(events))
		c.o.Log("telemetry", err)
	case err != nil:
		return err
	default:
		var told struct {
			Accepted int `json:"accepted"`
		}
		if json.Unmarshal(answer, &told) == nil {
			c.told.rejected.Add(uint64(max(0, events-told.Accepted)))
		}
	}
	c.told.drop(events)
	return nil
}

// refusal is an answer that is none.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// final reports whether asking again would be answered the same: it is the request
// that is wrong.
func (r *refusal) final() bool {
	switch r.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}
