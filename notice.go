package riskd

import "time"

// Notice is something that ends leases before their time. Notices and orders are
// numbered together, so that the number of the last one that a decision knows of
// says which of them the decision has taken into account.
type Notice struct {
	Number uint64
	Kind   NoticeKind
	// Order is the one that has come into force, or was lifted.
	Order Epoch
	// Sessions are those that it is about. With an order over a session they are
	// that one and all that are linked to it by rotation.
	Sessions []SessionID
	// Status is what has become of the sessions, of NoticeSession.
	Status Status
}

// NoticeKind is what a notice tells.
type NoticeKind uint8

// The kinds of notice.
const (
	NoticeOrder   NoticeKind = iota // an order has come into force
	NoticeLifted                    // an order was lifted
	NoticeSession                   // sessions aren't any more what leases were given to
	NoticeAll                       // no lease that was given before is good any more
)

var noticeNames = []string{"order", "lifted", "session", "all"}

func (k NoticeKind) String() string { return nameOf(noticeNames, uint8(k)) }

// Applied is how far a gateway has got with applying notices.
type Applied struct {
	Gateway string
	// Number is of the last notice that it says it has applied, At when it said so.
	Number uint64
	At     time.Time
	// Following says that it is being told of notices now.
	Following bool
	// Done says that it has applied the notice that was asked about; Since is when
	// it said so first, and Lag how long that was after the notice came into being.
	// Both are zero where that isn't remembered.
	Done  bool
	Since time.Time
	Lag   time.Duration
}
