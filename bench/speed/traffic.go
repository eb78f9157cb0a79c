package main

import (
	"bytes"
	"fmt"
	"time"
)

// The traffic is made up of two crowds. Quiet users go on working in the
// session, the place and the browser that riskd knows them by; each session has
// a clock of its own that moves on by pace with every request, so that what
// riskd measures doesn't depend on how fast it answers. Risky users sign in,
// each time in a new session, from another country on a strange machine, when
// riskd has seen them several times at home.
const (
	// visits are the sessions in which riskd gets to know a user: what it takes
	// for a profile to count, which is three, and one to spare.
	visits = 4
	pace   = 10 * time.Second // slower would run out of clock, quicker is a hurry
	// lag is how far the users' clocks are behind at first. It is shorter than a
	// session may be idle, and leaves room for some 150 requests of each until
	// they are too far ahead.
	lag     = 25 * time.Minute
	history = (visits-1)*time.Hour + lag // how long ago the first visit was
	// away is for how much longer risky users have been gone: at home none of their
	// sessions is live any more.
	away = 2 * time.Hour
)

const (
	browser   = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	home      = "198.18.0.%d"  // Paris, residential, in fixtures/geo
	elsewhere = "198.18.96.%d" // Tokyo, residential
)

// clockForm has always the same length, so that a time can be written over.
const clockForm = "2006-01-02T15:04:05Z"

// crowd makes the events of users of one kind.
type crowd struct {
	name     string // of the case, and in ids
	users    int
	began    time.Time // the first visit
	decision string    // what each request gets
	// first is a user's first request of the case, next what writes the i-th
	// round's difference over it.
	first func(c *crowd, user int) []byte
	next  func(c *crowd, round int, into []byte) []byte
	// marked is what stands before the place to write at.
	marked string
}

// crowdNames are those of the crowds.
var crowdNames = []string{"quiet", "risky"}

// crowds are the crowds as of now.
func crowds(now time.Time) []*crowd {
	began := now.Add(-history)
	return []*crowd{
		{name: "quiet", users: 10000, began: began, decision: "allow", first: quiet, next: later, marked: `{"time":"`},
		{name: "risky", users: 1000, began: began.Add(-away), decision: "step_up", first: risky, next: anotherSession, marked: `,"session":{"id":"`},
	}
}

// event is one request of a user in his n-th session, as a gateway reports it.
func (c *crowd) event(user, session int, at, signedIn time.Time, address, device string) []byte {
	return fmt.Appendf(nil, `{"time":"%s","session":{"id":"%08d-%s-%05d","started_at":"%s","auth_time":"%s","acr":"aal2","amr":["pwd","otp"]},`+
		`"user":{"id":"%s-%05d","type":"person","roles":["user"]},"device":{"id":"%s-%05d","fingerprint":"%s-%05d-firefox-140-1920x1080"},`+
		`"client":{"ip":"%s","user_agent":"%s","language":"fr-FR,fr;q=0.9,en;q=0.5"},`+
		`"request":{"method":"GET","route":"/accounts/{id}/orders","class":"standard"},"environment":"production"}`,
		clock(at), session, c.name, user, clock(signedIn), clock(signedIn), c.name, user, device, user, device, user,
		fmt.Sprintf(address, 1+user%250), browser)
}

func clock(t time.Time) string { return t.UTC().Format(clockForm) }

// visit is when a user's n-th session at home begins.
func (c *crowd) visit(n int) time.Time { return c.began.Add(time.Duration(n) * time.Hour) }

// known is a user's n-th visit, by which riskd gets to know him.
func (c *crowd) known(user, n int) []byte {
	return c.event(user, n, c.visit(n), c.visit(n), home, "laptop")
}

// quiet is how a user goes on in his last session.
func quiet(c *crowd, user int) []byte {
	last := c.visit(visits - 1)
	return c.event(user, visits-1, last.Add(pace), last, home, "laptop")
}

func later(c *crowd, round int, into []byte) []byte {
	return c.visit(visits-1).Add(time.Duration(round+1)*pace).UTC().AppendFormat(into, clockForm)
}

// risky is a sign-in that nobody would expect of the user.
func risky(c *crowd, user int) []byte {
	at := c.began.Add(history + away)
	return c.event(user, visits, at, at, elsewhere, "stranger")
}

func anotherSession(_ *crowd, round int, into []byte) []byte {
	return fmt.Appendf(into, "%08d", visits+round)
}

// requests gives the crowd's endless row of requests: user by user, and then
// again with what has changed until the next round. The requests are made once
// and written over, since making one takes longer than sending it. What one call
// gives is good until the next.
func (c *crowd) requests(wrap func(body []byte) []byte) func(i int) []byte {
	made, at := make([][]byte, c.users), make([]int, c.users)
	for user := range made {
		made[user] = wrap(c.first(c, user))
		at[user] = bytes.Index(made[user], []byte(c.marked)) + len(c.marked)
	}
	current, change := -1, []byte(nil)
	return func(i int) []byte {
		round, user := i/c.users, i%c.users
		if round != current {
			current, change = round, c.next(c, round, change[:0])
		}
		copy(made[user][at[user]:], change)
		return made[user]
	}
}
