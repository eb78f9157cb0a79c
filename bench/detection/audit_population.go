package main

import (
	"context"
	"errors"
	"time"
)

// visit is a session.
type visit struct {
	name     string
	user     *account
	number   int // among the user's, from 0
	start    time.Time
	events   int
	attacked bool
	seen     int // events met in the second pass
}

// account is a user.
type account struct {
	name     string
	sessions int
}

// population is what the first pass finds out: who there is, what attacks come to, and
// how many users there are to each network and browser.
type population struct {
	marks    map[string]mark
	crimes   []*crime
	visits   map[string]*visit // by each id that the session has had
	accounts map[string]*account
	sharers  map[string]int // honest users of a value, its field's name before it
	pairs    map[[2]string]struct{}
	events   int
	// from and to bound the onsets, least is the smallest number that an attacked
	// session has: honest sessions are compared if they lie within.
	from, to time.Time
	least    int
	logins   func(e *heard) // gets honest sign-ins, in the order of the trace
}

// survey makes the first pass.
func survey(ctx context.Context, trace, labels string, logins func(*heard)) (*population, error) {
	marks, crimes, err := readMarks(labels)
	if err != nil {
		return nil, err
	}
	p := &population{
		marks: marks, crimes: crimes, visits: map[string]*visit{}, accounts: map[string]*account{},
		sharers: map[string]int{}, pairs: map[[2]string]struct{}{}, logins: logins,
	}
	if err := eachEvent(ctx, trace, p.take); err != nil {
		return nil, err
	}
	p.pairs = nil
	return p, p.bound()
}

func (p *population) take(e *heard) error {
	p.events++
	v := p.visit(e)
	v.events++
	m, attack := p.marks[e.ID]
	if attack && e.ID != "" {
		v.attacked = true
		if m.onset {
			m.crime.met = v
		}
	}
	if v.user == nil && e.User.ID != "" {
		p.signIn(v, e, !attack)
	}
	if v.user != nil && !attack { // what attackers add themselves says nothing of them
		for _, s := range shared(e) {
			pair := [2]string{s, v.user.name}
			if _, known := p.pairs[pair]; !known {
				p.pairs[pair] = struct{}{}
				p.sharers[s]++
			}
		}
	}
	return nil
}

// visit gives the session of an event, under whatever id.
func (p *population) visit(e *heard) *visit {
	v := p.visits[e.Session.ID]
	if v == nil && e.Session.PreviousID != "" {
		if v = p.visits[e.Session.PreviousID]; v != nil {
			p.visits[e.Session.ID] = v
		}
	}
	if v == nil {
		v = &visit{name: e.Session.ID, start: e.at}
		p.visits[e.Session.ID] = v
	}
	return v
}

func (p *population) signIn(v *visit, e *heard, honest bool) {
	u := p.accounts[e.User.ID]
	if u == nil {
		u = &account{name: e.User.ID}
		p.accounts[e.User.ID] = u
	}
	v.user, v.number = u, u.sessions
	u.sessions++
	if honest {
		p.logins(e)
	}
}

// shared are the values of an event that several users may have.
func shared(e *heard) [4]string {
	return [4]string{
		"prefix " + e.prefix.String(), "network " + number(uint64(e.Place.ASN)),
		"user agent " + e.Client.UserAgent, "ja4 " + e.Client.JA4,
	}
}

// bound finds which honest sessions attacks are to be compared with.
func (p *population) bound() error {
	first := true
	for _, c := range p.crimes {
		v := c.met
		if v == nil || v.user == nil {
			continue
		}
		if first || v.start.Before(p.from) {
			p.from = v.start
		}
		if first || v.start.After(p.to) {
			p.to = v.start
		}
		if first || v.number < p.least {
			p.least = v.number
		}
		first = false
	}
	if first {
		return errors.New("the labels name no attack of the trace: nothing can be compared")
	}
	return nil
}

// comparable reports whether a session may stand for honest ones.
func (p *population) comparable(v *visit) bool {
	return !v.attacked && v.user != nil && v.number >= p.least && !v.start.Before(p.from) && !v.start.After(p.to)
}
