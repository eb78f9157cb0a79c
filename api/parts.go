package api

import (
	"context"
	"time"

	"github.com/riskd/riskd"
)

// Decider answers events; the engine is one.
type Decider interface {
	// Decide answers a valid event as of now. It never fails, and it owns the
	// event until it returns. Past the deadline of ctx it doesn't evaluate any more.
	Decide(ctx context.Context, e *riskd.Event, now time.Time) riskd.Decision
}

// Sessions is what is remembered of sessions. What it gives are copies, good to
// read while the sessions go on.
type Sessions interface {
	// Session finds one session.
	Session(id riskd.SessionID) (riskd.Session, bool)
	// List gives the sessions that a filter lets through, at most Limit of them,
	// and the cursor of the next page, "" after the last. A cursor that it never
	// gave is an error.
	List(f Filter) (page []riskd.Session, next string, err error)
	// Extend begins a session's idle clock anew for an actor, who may be nobody, and
	// gives the session. It fails
	// with [riskd.ErrUnknownSession], [riskd.ErrSessionOver] or
	// [riskd.ErrStepUpPending].
	Extend(id riskd.SessionID, now time.Time, actor string) (riskd.Session, error)
}

// Filter chooses sessions; its zero fields let everything through. It is an
// alias of a plain struct, so that a store can take it without importing this
// package.
type Filter = struct {
	Tenant string
	User   string
	Device string       // the device's id
	Prefix riskd.Prefix // of the address seen last
	Status *riskd.Status
	Cursor string
	Limit  int // 1 to MaxPage
}

// Orders is what has been ordered of sessions: that they're over, held up, or
// have to prove themselves.
//
// An error that wraps [riskd.ErrNotDurable] says of any of its methods that it
// has done what it was asked, but that this may not survive the process. With any
// other error nothing has happened.
type Orders interface {
	// Impose puts orders in force, all or none, and returns when they are on disk.
	// No decision passes them any more then. Orders given under a key that was used
	// before do nothing; key "" is none. A session is named by Target.Session
	// alone, whatever Target.Tenant says: the tenant is part of its hash.
	Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error)
	// Preview says how many sessions a revocation of the target would meet, and
	// gives at most 10 of them. It changes nothing.
	Preview(t riskd.Target) (matched int, sample []riskd.Session)
	// Lift undoes one order and gives it. It fails with [riskd.ErrUnknownEpoch].
	Lift(ctx context.Context, number uint64, at time.Time, reason, actor string) (riskd.Epoch, error)
	// Orders gives those in force whose number is below before, the newest first,
	// at most limit of them; 0 begins with the newest.
	Orders(before uint64, limit int) []riskd.Epoch
	// Order gives the one in force of a number.
	Order(number uint64) (riskd.Epoch, bool)
	// Erase ends a user's sessions and forgets everything of him; revocations of
	// him hold by a keyed hash of his id. It says how many sessions it ended.
	Erase(ctx context.Context, tenant, user string, at time.Time, actor string) (ended int, err error)
	// Durable reports whether orders survive the process.
	Durable() bool
}

// Notices are what ends leases early, for gateways to follow.
type Notices interface {
	// Instance names the process that the numbers of notices belong to.
	Instance() string
	// Join lets a gateway follow, which may have no name. Whoever leaves says whether
	// he was cut off because he was too slow. An error says why nobody may.
	Join(gateway string) (leave func(cut bool), err error)
	// Since gives notices after a number, in their order, maybe not all of them.
	// Where there is none, more is closed as soon as there is. ok is false if it
	// can't tell what came after that number.
	Since(number uint64) (notices []riskd.Notice, more <-chan struct{}, ok bool)
	// Begin gives the orders in force, oldest first, and the number after which
	// notices tell of all that isn't among them.
	Begin() (inForce []riskd.Notice, number uint64)
	// Ended is closed when all who follow have to leave.
	Ended() <-chan struct{}
	// Ack takes note that a gateway has applied all up to a number, and gives the
	// newest one's. An error says why that counts for nothing; instance may be "".
	Ack(gateway, instance string, number uint64) (newest uint64, err error)
	// Applied says of every gateway whether it has applied the notice of a number.
	Applied(number uint64) []riskd.Applied
}

// StepUps takes answers to challenges; the engine does.
type StepUps interface {
	// Answer takes what an identity provider tells of a challenge, and gives the
	// session as that has left it, also with an error. It fails with
	// [riskd.ErrUnknownStepUp], [riskd.ErrSessionOver], with [riskd.ErrNotProved]
	// if the proof isn't what was asked for, which counts as an attempt that
	// failed, or, having taken the answer, with what wraps [riskd.ErrNotDurable].
	Answer(ctx context.Context, a riskd.StepUpAnswer, now time.Time) (riskd.Session, error)
}

// Decisions are the last decisions, kept to be explained.
type Decisions interface {
	// Explain finds a decision and says how it came about. It bounds the time that
	// it takes, and what it takes from those who decide.
	Explain(ctx context.Context, id string) (riskd.Explanation, bool)
	// List gives the decisions that a filter lets through, the newest first, at most
	// Limit of them, and the cursor of the next page, "" after the last. A cursor that
	// it never gave is an error.
	List(f DecisionFilter) (page []riskd.KeptDecision, next string, err error)
	// Spans say how many decisions are kept, and since when, of those that were
	// allow and of all others.
	Spans() (allowed, others DecisionSpan)
}

// DecisionFilter chooses kept decisions; its zero fields let everything through. It
// and DecisionSpan are aliases of plain structs, as Filter is.
type DecisionFilter = struct {
	Session riskd.SessionID
	Tenant  string
	User    string
	Outcome riskd.Outcome
	Reason  string // a code that the decision names
	Since   time.Time
	Cursor  string
	Limit   int // 1 to MaxPage
}

// DecisionSpan is how many decisions are kept, and when the oldest was taken.
type DecisionSpan = struct {
	Kept   int
	Oldest time.Time
}

// IdentityEvents carries out what follows from identity events.
type IdentityEvents interface {
	// Apply does what the pack has an event lead to, all of it or nothing, and once
	// for each id. It fails with [*riskd.FieldError]s joined, under the names of
	// the wire, if something is wrong with the event, or, with all of it done, with
	// what wraps [riskd.ErrNotDurable].
	Apply(ctx context.Context, e riskd.IdentityEvent, now time.Time) (IdentityResult, error)
}

// IdentityResult is what an identity event has done. It and IdentityAction are
// aliases of plain structs, as Filter is.
type IdentityResult = struct {
	Actions  []IdentityAction // one for each order; none if Repeated
	Matched  int              // sessions met that none of the kind had met before
	Repeated bool             // the event was told before; nothing was done
}

// IdentityAction is an action that was taken, and the order in force for it.
type IdentityAction = struct {
	Action riskd.Action
	Epoch  riskd.Epoch
}
