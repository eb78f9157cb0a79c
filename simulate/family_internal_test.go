package simulate

import (
	"math"
	"slices"
	"testing"
)

// story is all that an attack did, and what the victim had shown before.
type story struct {
	crime    *crime
	victim   *user
	events   []event
	looks    []look // of the victim's own sessions so far
	sessions uint32
	home     prefix // of the session that was come to, before the attack came
	host     byte
	look     look
	onset    int64
}

// stories collects the attacks of a simulation.
func stories(t *testing.T, o Options) map[Family][]*story {
	t.Helper()
	type past struct {
		looks    []look
		sessions uint32
	}
	pasts := map[*user]*past{}
	here := map[*session]event{} // the last of the owner's
	all := map[*crime]*story{}
	live(t, o, func(_ *stream, e *event) {
		if e.told != nil {
			return
		}
		u := e.actor.user
		p := pasts[u]
		if p == nil {
			p = &past{}
			pasts[u] = p
		}
		if e.crime == nil {
			if e.kind == signsIn {
				p.sessions++
			}
			if !slices.Contains(p.looks, e.look) {
				p.looks = append(p.looks, e.look)
			}
			here[e.session] = *e
			return
		}
		s := all[e.crime]
		if s == nil {
			s = &story{crime: e.crime, victim: u, looks: slices.Clone(p.looks), sessions: p.sessions, home: here[e.session].prefix, host: here[e.session].host, look: here[e.session].look}
			all[e.crime] = s
		}
		if e.onset {
			s.onset = e.at
		}
		s.events = append(s.events, *e)
	})
	out := map[Family][]*story{}
	for _, s := range all {
		out[s.crime.family] = append(out[s.crime.family], s)
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b *story) int { return a.crime.number - b.crime.number })
	}
	return out
}

// share counts the stories that something holds for.
func share(list []*story, holds func(s *story) bool) float64 {
	n := 0.0
	for _, s := range list {
		if holds(s) {
			n++
		}
	}
	return n / float64(len(list))
}

// within counts the events of one.
func within(s *story, holds func(e *event) bool) float64 {
	n := 0.0
	for i := range s.events {
		if holds(&s.events[i]) {
			n++
		}
	}
	return n / float64(len(s.events))
}

func (s *story) foreign() bool { return s.last().prefix.country() != int(s.victim.country) }
func (s *story) last() *event  { return &s.events[len(s.events)-1] }

// browser is what a look has but for the TLS stack.
func browser(l look) look {
	l.tls, l.form = 0, 0
	return l
}

// copied says that an attacker shows the machine of the session's owner.
func (s *story) copied() bool { return browser(s.last().look) == browser(s.look) }

func (s *story) rightStack() bool {
	return s.last().look.tls == s.look.tls && s.last().look.form == s.look.form
}

func (s *story) of(k kind) (n int) {
	for i := range s.events {
		if s.events[i].kind == k {
			n++
		}
	}
	return n
}

// pace is the mean and the coefficient of variation of the gaps, in seconds.
func (s *story) pace() (mean, variation float64) {
	var sum, squares, n float64
	for i := range s.events[1:] {
		gap := float64(s.events[i+1].at-s.events[i].at) / 1000
		sum, squares, n = sum+gap, squares+gap*gap, n+1
	}
	mean = sum / n
	return mean, math.Sqrt(squares/n-mean*mean) / mean
}

// Each family is what detection.md §4.3 says of it: the shares within three standard
// errors, what is always so always.
func TestFamilies(t *testing.T) {
	t.Parallel()
	const each = 60
	all := stories(t, Options{Seed: 1, Users: 400, Days: 60, Warmup: 25, Attacks: each})
	always := func(f Family, what string, holds func(s *story) bool) {
		t.Helper()
		if got := share(all[f], holds); got != 1 {
			t.Errorf("%s: only %.2f %s", f, got, what)
		}
	}
	about := func(f Family, want float64, what string, holds func(s *story) bool) {
		t.Helper()
		if got := share(all[f], holds); math.Abs(got-want) > 3*math.Sqrt(want*(1-want)/each)+0.02 {
			t.Errorf("%s: %.2f %s; want about %.2f", f, got, what, want)
		}
	}
	foreign := func(s *story) bool { return s.foreign() }
	begin, warm := DefaultFrom.UnixMilli(), 25*day
	for _, f := range Families() {
		if len(all[f]) != each {
			t.Errorf("%s: %d attacks, want %d", f, len(all[f]), each)
			continue
		}
		always(f, "begin once", func(s *story) bool {
			n := 0
			for i := range s.events {
				if s.events[i].onset {
					n++
				}
			}
			return n == 1
		})
		always(f, "begin after the warm-up", func(s *story) bool { return s.onset >= begin+warm })
		always(f, "come to a user with 8 sessions before", func(s *story) bool { return s.sessions >= minHistory })
		always(f, "act", func(s *story) bool { return len(s.events) >= 4 && len(s.events) <= 121 })
	}
	between := func(f Family, least, most int) {
		t.Helper()
		always(f, "have as many requests", func(s *story) bool {
			n := len(s.events) - s.of(opensDoor) - s.of(signsIn) - s.of(mistypes)
			return n >= least && n <= most
		})
	}
	between(F1, 6, 30)
	always(F1, "are abroad", foreign)
	about(F1, 0.35, "copy the browser", (*story).copied)
	about(F1, 0.40, "are at a hosting provider", func(s *story) bool { return s.last().prefix.system() >= hostingAS && s.last().prefix.system() < vpnAS })

	between(F2, 6, 30)
	always(F2, "are at home in the victim's country", func(s *story) bool { return !s.foreign() && s.last().prefix.system() < mobileAS })
	always(F2, "are in another prefix than the victim's home", func(s *story) bool { return s.last().prefix != s.victim.home })
	about(F2, 0.75, "copy the browser", (*story).copied)
	about(F2, 0.75*0.6, "copy the TLS stack with it", func(s *story) bool { return s.copied() && s.rightStack() })

	between(F3, 6, 30)
	always(F3, "have the id before anybody signs in, and then too", func(s *story) bool {
		return !s.events[0].signedIn && s.last().signedIn && s.events[0].session == s.last().session
	})

	between(F4, 6, 30)
	always(F4, "sign in as the proxy with the victim's browser", func(s *story) bool {
		e := s.last()
		return s.of(signsIn) == 1 && e.look.tls == goTLS &&
			slices.ContainsFunc(s.looks, func(l look) bool { return l.agent == e.look.agent }) &&
			!slices.ContainsFunc(s.looks, func(l look) bool { return l.id == e.look.id })
	})
	about(F4, 0.6, "are abroad", foreign)

	between(F5, 6, 30)
	always(F5, "sign in from abroad by a password", func(s *story) bool {
		return s.of(signsIn) == 1 && s.foreign() && s.last().session.strength == byPassword
	})

	between(F6, 10, 40)
	always(F6, "look like the victim", func(s *story) bool { return s.copied() && s.rightStack() && s.last().prefix == s.home })
	always(F6, "administer, mostly in vain", func(s *story) bool {
		refused := within(s, func(e *event) bool { return e.kind == administers && e.status == 403 })
		return s.of(administers) >= len(s.events)/3 && (refused > 0.05 || s.victim.admin)
	})
	between(F7, 60, 120)
	always(F7, "only list and export", func(s *story) bool { return s.of(lists)+s.of(exports) == len(s.events) })
	between(F8, 4, 8)
	always(F8, "change a credential at once", func(s *story) bool {
		return s.events[1].kind == changes || s.events[2].kind == changes
	})
	always(F8, "are in the victim's country", func(s *story) bool { return !s.foreign() })
	always(F9, "keep an even pace of 3 s", func(s *story) bool {
		mean, variation := s.pace()
		return math.Abs(mean-3) < 0.5 && variation < 0.16
	})
	about(F9, 0.5, "have another TLS stack", func(s *story) bool { return !s.rightStack() })
	between(F10, 6, 30)
	always(F10, "share the provider, not the prefix", func(s *story) bool {
		return s.last().prefix.asn() == s.home.asn() && s.last().prefix != s.home
	})
	between(F11, 15, 40)
	always(F11, "come at night", func(s *story) bool {
		local := (s.onset + int64(countries[s.victim.country].offset)*minute) % day
		return local >= 90*minute && local <= 270*minute
	})
	between(F12, 10, 40)
	always(F12, "differ by the address within the prefix only", func(s *story) bool {
		return s.copied() && s.rightStack() && s.last().prefix == s.home && s.last().host != s.host || s.victim.relay != 0
	})
	always(F13, "try many accounts, and hit one", func(s *story) bool {
		return s.of(mistypes) >= 20 && s.of(signsIn) == 1
	})
	between(F14, 6, 30)
	always(F14, "use an id that was rotated away", func(s *story) bool {
		e := &s.events[0]
		return e.session.rotation > 0 && (e.turn && e.before < e.session.rotation || !e.turn && e.rotation < e.session.rotation)
	})
	always(F15, "hop from exit to exit", func(s *story) bool {
		hops := 0
		for i := range s.events[1:] {
			if s.events[i+1].prefix != s.events[i].prefix {
				hops++
			}
		}
		return hops == (len(s.events)-1)/5
	})
}
