package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riskd/riskd"
)

// Orders puts orders in force.
type Orders interface {
	// Impose puts orders in force, all or none, and returns when they are on disk.
	// Orders given under a key that was used before do nothing. With an error that
	// wraps [riskd.ErrNotDurable] they are in force all the same, and giving them
	// again under that key tries once more.
	Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error)
}

// Options are the parts of a Handler.
type Options struct {
	Orders Orders
	// Table gives what each type of event leads to in the pack in force. It is
	// asked once for each event.
	Table func() map[string][]riskd.Action
	// Tell is told of every event about a user that wasn't told before, and when it
	// happened, whatever it leads to. Optional.
	Tell func(e *riskd.IdentityEvent, at time.Time)
}

// Handler applies identity events. It is safe for concurrent use.
type Handler struct{ Options }

// New makes a handler of its parts.
func New(o Options) (*Handler, error) {
	switch {
	case o.Orders == nil:
		return nil, errors.New("identity.Options.Orders: is required")
	case o.Table == nil:
		return nil, errors.New("identity.Options.Table: is required")
	}
	return &Handler{o}, nil
}

// Result is what an identity event has done. It and Done are aliases of plain
// structs, so that whoever asks can name them without importing this package.
type Result = struct {
	// Actions are those taken, one for each order; none if Repeated.
	Actions []Done
	// Matched is how many sessions are met that none of the kind had met before,
	// as far as they're remembered.
	Matched int
	// Repeated says that the event was told before; nothing was done.
	Repeated bool
}

// Done is an action that was taken, and the order in force for it.
type Done = struct {
	Action riskd.Action
	Epoch  riskd.Epoch
}

// Apply carries out what the pack has an event lead to, as of now. An event's
// orders count from its own time, but never from one later than now: a clock that
// is ahead must not meet sessions that begin after the event. An id that its
// tenant has told before does nothing.
//
// It fails with [*riskd.FieldError]s joined if something is wrong with the event,
// such as that it doesn't name what one of its actions is meant for; nothing has
// happened then. Of an error that wraps [riskd.ErrNotDurable] the result is told
// all the same.
func (h *Handler) Apply(ctx context.Context, e riskd.IdentityEvent, now time.Time) (Result, error) {
	if err := validate(&e); err != nil {
		return Result{}, err
	}
	if e.Time.IsZero() || e.Time.After(now) {
		e.Time = now
	}
	given, err := h.orders(&e)
	if err != nil {
		return Result{}, err
	}
	if len(given) == 0 {
		h.tell(&e)
		return Result{}, nil
	}
	epochs := make([]riskd.Epoch, len(given))
	for i := range given {
		epochs[i] = given[i].Epoch
	}
	imposed, err := h.Orders.Impose(ctx, key(&e), epochs...)
	if err != nil && !errors.Is(err, riskd.ErrNotDurable) {
		return Result{}, fmt.Errorf("identity event %s: %w", e.Type, err)
	}
	done := Result{Matched: imposed.Matched, Repeated: imposed.Repeated}
	if !imposed.Repeated {
		h.tell(&e)
		for i := range imposed.Epochs {
			given[i].Epoch = imposed.Epochs[i]
		}
		done.Actions = given
	}
	return done, err
}

func (h *Handler) tell(e *riskd.IdentityEvent) {
	if h.Tell != nil && e.User != "" {
		h.Tell(e, e.Time)
	}
}

// key is what the event's orders are given under; the length keeps tenant and id
// apart, whatever they hold.
func key(e *riskd.IdentityEvent) string {
	return fmt.Sprintf("identity:%d:%s%s", len(e.Tenant), e.Tenant, e.ID)
}
