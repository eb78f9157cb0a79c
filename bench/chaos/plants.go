//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// plants are what a flood must not wash away: orders, and of each of these as
// many as others: pending step-ups, sessions under suspicion, trusted devices, and
// devices whose trust was taken.
type plants struct{ orders, others int }

// wilted is how many of each are lost.
type wilted struct{ orders, stepUps, suspicions, trusts, distrusts int }

func (w wilted) String() string {
	return fmt.Sprintf("%d pending step-ups, %d suspicions, %d trusts lost, %d devices trusted again",
		w.stepUps, w.suspicions, w.trusts, w.distrusts)
}

// suspicion is the evidence against a session that is under some.
const suspicion = 7.5

func (p *plants) plant(ctx context.Context, s cardStore) error {
	for _, some := range p.batches() {
		orders := make([]riskd.Epoch, len(some))
		for i, name := range some {
			orders[i] = riskd.Epoch{Target: targetOf(name), At: noon}
			if i%2 == 0 { // half of what they name is known
				s.Update(eventOf(name), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
					in.SeenAt, in.User, in.DeviceID = noon, eventOf(name).User.ID, eventOf(name).Device.ID
					return riskd.Lesson{}
				})
			}
		}
		if _, err := s.Impose(ctx, "", orders...); err != nil {
			return err
		}
	}
	for i := range p.others {
		s.Update(crashEvent(i), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			in.SeenAt, in.Requests = noon, 1
			if i%2 == 0 {
				in.StepUp, in.Status = &riskd.StepUp{ID: fmt.Sprint("su_", i)}, riskd.StatusStepUp
			} else {
				in.Identity.Open = []riskd.Evidence{{Code: "new_country", Nats: suspicion}}
			}
			return riskd.Lesson{}
		})
		for _, kept := range []bool{true, false} {
			e := ownerEvent(i, kept)
			s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
				in.SeenAt, in.User = noon, e.User.ID
				return riskd.Lesson{Learn: true, Trust: riskd.DeviceTrust{
					Device: riskd.MarkOf(&e.Device).ID, AuthTime: noon, Until: noon.Add(30 * 24 * time.Hour),
				}}
			})
		}
		taken := riskd.Epoch{
			Effect: riskd.EffectDistrust, At: noon.Add(time.Minute),
			Target: riskd.Target{Kind: riskd.TargetUser, Tenant: "acme", ID: ownerEvent(i, false).User.ID},
		}
		if _, err := s.Impose(ctx, "", taken); err != nil {
			return err
		}
	}
	return nil
}

func (p *plants) batches() [][]int {
	names := make([]int, p.orders)
	for i := range names {
		names[i] = i
	}
	return slices.Collect(slices.Chunk(names, 100))
}

// lost counts what isn't there any more. Events name nothing but the session,
// where that has to be enough.
func (p *plants) lost(s cardStore) (w wilted) {
	for name := range p.orders {
		if _, over := s.Revoked(eventOf(name)); !over {
			w.orders++
		}
	}
	for i := range p.others {
		s.Update(crashEvent(i), noon.Add(time.Hour), func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			switch {
			case i%2 == 0 && (in.StepUp == nil || in.StepUp.ID != fmt.Sprint("su_", i)):
				w.stepUps++
			case i%2 == 1 && (len(in.Identity.Open) != 1 || in.Identity.Open[0].Nats != suspicion):
				w.suspicions++
			}
			return riskd.Lesson{}
		})
		for _, kept := range []bool{true, false} {
			e := ownerEvent(i, kept)
			s.Update(e, noon.Add(time.Hour), func(_ *riskd.Session, known *riskd.Profile) riskd.Lesson {
				trusted := known.Trusted(riskd.MarkOf(&e.Device).ID, noon.Add(time.Hour)) != nil
				switch {
				case kept && !trusted:
					w.trusts++
				case !kept && trusted:
					w.distrusts++
				}
				return riskd.Lesson{}
			})
		}
	}
	return w
}

// ownerEvent is one of a user on a device that he was trusted on, and still is if
// the trust was kept.
func ownerEvent(i int, kept bool) *riskd.Event {
	kind := byte(4)
	if kept {
		kind = 5
	}
	return &riskd.Event{
		Tenant: "acme", Session: riskd.EventSession{ID: crashID(kind, i), StartedAt: noon},
		User: riskd.User{ID: fmt.Sprint("owner-", kept, "-", i)}, Device: riskd.Device{ID: fmt.Sprint("device-", kept, "-", i)},
	}
}
