package riskd

import "time"

// Reason is a policy's judgement of one fact: a code and its evidence.
type Reason struct {
	Code string
	// Signal is the reading that was judged: the code, unless the rule says other.
	Signal string
	// Nats is the evidence after the rule's weight and bounds and the group's
	// cap; negative evidence speaks for the session.
	Nats float64
	// Found is the evidence as the rule gave it, before the group's cap.
	Found float64
	// Points is the reason's share of the score; the shares add up to it.
	Points     int
	Group      Group
	Channel    Channel
	ClearsWith []string
	// Invariant says that the fact has no innocent explanation to weigh: it
	// carries no nats, and the pack answers it at once.
	Invariant bool
	// Rule is where the words come from; never nil in what a policy gives.
	Rule *Rule
}

// Rule is what the metadata of a rule says: the words for its reason, and how
// its evidence adds up.
type Rule struct {
	Code     string
	Title    string
	Severity string // low, medium, high or critical
	Group    Group
	Channel  Channel
	// User and Admin are templates: {detail}, {value} and {nats} stand for
	// members of the reading. User text must be safe to show to anybody.
	User  string
	Admin string
	// File and Line are where the rule stands.
	File string
	Line int
}

// Group bounds evidence that comes from one cause: an address that changes
// changes the network, the country and the speed at once.
type Group uint8

// The groups of evidence.
const (
	GroupNetwork Group = iota
	GroupDevice
	GroupToken
	GroupBehaviour
	GroupTime
	Groups // how many there are
)

var groupNames = []string{"network", "device", "token", "behaviour", "time"}

func (g Group) String() string { return nameOf(groupNames, uint8(g)) }

// ParseGroup reads the name of a group.
func ParseGroup(s string) (Group, error) {
	i, err := parseName(groupNames, s)
	return Group(i), err
}

// Channel is the sum that evidence goes into; the two forget at different speeds.
type Channel uint8

// The channels of evidence.
const (
	ChannelIdentity Channel = iota
	ChannelBehaviour
)

var channelNames = []string{"identity", "behaviour"}

func (c Channel) String() string { return nameOf(channelNames, uint8(c)) }

// ParseChannel reads the name of a channel.
func ParseChannel(s string) (Channel, error) {
	i, err := parseName(channelNames, s)
	return Channel(i), err
}

// Sum is the leaky sum of a channel's evidence in a session. Its total is that
// of its open reasons, always: the explanation adds up.
type Sum struct {
	At   time.Time // when Open was last brought up to date
	Open []Evidence
}

// Evidence is what is left of a reason in a sum.
type Evidence struct {
	Code       string
	Group      Group
	Nats       float64
	ClearsWith []string
	Rule       *Rule
	// FiredAt is when the reason was last given, FiredNats what it stood at then,
	// with what was left of earlier times: since then it has only lost.
	FiredAt   time.Time
	FiredNats float64
}

// Nats is the sum's total.
func (s *Sum) Nats() float64 {
	var total float64
	for i := range s.Open {
		total += s.Open[i].Nats
	}
	return total
}
