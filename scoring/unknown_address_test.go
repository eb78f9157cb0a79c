package scoring_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// A session goes on where it was while nobody knows where its requests come from.
func TestUnknownAddressLeavesTheSessionWhereItWas(t *testing.T) {
	b := engine(t)
	unknown := in(newYork, "::") // whatever a trace says of it
	b.decide(in(paris, "203.0.113.7"))
	before := b.session(t)
	d := b.decide(unknown)
	if !slices.Contains(d.Degraded, "client_address_unknown") {
		t.Errorf("degraded is %v", d.Degraded)
	}
	after := b.session(t)
	if after.Here != before.Here || after.Network != before.Network || after.Anchor != before.Anchor || after.Known != before.Known || after.Requests != before.Requests+1 {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	b.decide(in(paris, "203.0.113.7"))
	if s := b.session(t); s.Here != before.Here || !s.MovedAt.Equal(before.MovedAt) {
		t.Errorf("back again: %+v", s)
	}
	for _, m := range b.session(t).Timeline {
		if m.Kind == riskd.Moved {
			t.Errorf("moved: %+v", m)
		}
	}
}

// Who proves himself from nobody knows where proves who he is, and no place: the
// profile learns none that didn't come with it.
func TestAProofFromNowhereSettlesNoPlace(t *testing.T) {
	for name, c := range map[string]struct {
		from    string
		settled bool
	}{"from an address": {"198.51.100.9", true}, "from nowhere": {"0.0.0.0", false}} {
		t.Run(name, func(t *testing.T) {
			b := engine(t)
			b.policy.reasons = []riskd.Reason{evidence("new_country", 7)}
			b.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: riskd.Demand{ACR: []string{"aal2"}}}
			b.decide(nil)
			b.policy.reasons, b.policy.answer = nil, riskd.Judgement{Outcome: riskd.Allow}
			e := validEvent()
			d := b.decide(func(in *riskd.Event) {
				in.Client.IP = netip.MustParseAddr(c.from)
				in.Session.AuthTime, in.Session.ACR = b.now, "aal2"
				e = *in
			})
			if d.Outcome != riskd.Allow {
				t.Fatalf("a proof: %s", d.Outcome)
			}
			var profile riskd.Profile
			b.store.Update(&e, b.now, func(_ *riskd.Session, p *riskd.Profile) riskd.Lesson { profile = *p; return riskd.Lesson{} })
			var settled []string
			for _, seen := range profile.Contexts {
				if seen.Count > 0 {
					settled = append(settled, seen.Prefix.String())
				}
			}
			if c.settled != slices.Equal(settled, []string{"198.51.100.0/24"}) || !c.settled && len(settled) > 0 {
				t.Errorf("the profile knows %v", settled)
			}
			want := map[bool]string{true: "198.51.100.0/24", false: "203.0.113.0/24"}[c.settled]
			if here := b.session(t).Here.Prefix.String(); here != want {
				t.Errorf("the session is at %q, want %s", here, want)
			}
		})
	}
}

// What a subject does without a session has no timeouts.
func TestImpliedSessionsDontTimeOut(t *testing.T) {
	b := limited(t)
	implied := func(e *riskd.Event) { e.Session.Implied = true }
	start := b.now
	for _, after := range []time.Duration{0, time.Hour, 48 * time.Hour} {
		d := b.at(start, after, implied)
		if !goesOn(d) || !d.Expires.At().IsZero() {
			t.Errorf("after %s: %v %v, expires %v", after, d.Outcome, d.Source, d.Expires)
		}
	}
	e := validEvent()
	if d := b.Decide(context.Background(), &e, start.Add(49*time.Hour)); d.Source != riskd.SourceExpiry {
		t.Errorf("a session that is one: %v", d.Source)
	}
}
