// Package signals measures an event against what is remembered of its session
// and its user: one file, one signal, one pure function that gives a reading.
//
// A signal states a fact, and estimates how much likelier the fact is under
// attack than under normal use. What follows from it is for the rules to say:
// no threshold that decides anything is in here. Nothing here does I/O, reads a
// clock or allocates; the only memory is the one [riskd.Cell] a session that a
// signal may ask for.
//
// A new signal is a file here that calls add in its init, its test, and its
// rule in rego/. The numbers and where they come from are in docs/detection.md.
package signals

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// Signal is a signal with the function that measures it.
type Signal struct {
	riskd.Signal
	// Cell is the signal's index in Session.Cells, -1 when it keeps no memory.
	Cell    int
	measure measure
}

// measure gives a signal's reading and what its cell holds from now on. Signals
// without memory get the zero Cell, and what they return of it is dropped.
type measure func(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell)

// Input is all that a signal may look at. No pointer is nil, and nothing in it
// may be changed: the session is as it was before the event.
type Input struct {
	Event   *riskd.Event
	Session *riskd.Session
	// Profile is the user's; the zero Profile when nobody is signed in.
	Profile *riskd.Profile
	// Crowd is what all users together say; it is looked up only on an Arrival.
	Crowd *riskd.Crowd
	Agent riskd.Agent // of Event.Client.UserAgent
	Now   time.Time   // the event's effective time
	First bool        // the session's first event
	// Gap is the time since the session's last event; for its first one, since
	// the user was last seen. Never negative.
	Gap time.Duration
}

// login reports whether the event is the first that riskd sees of this user in
// this session: history, not the session, is what to compare it with.
func (in *Input) login() bool {
	return in.First || in.Session.User == "" && in.Event.User.ID != ""
}

// gap is the time in which a change may have happened: since the session's last
// event or, at a login, since the user was last seen anywhere.
func (in *Input) gap() time.Duration {
	if in.login() && !in.First {
		return max(0, in.Now.Sub(in.Profile.LastAt))
	}
	return max(0, in.Gap)
}

// Measure takes the signal's reading, and lets it write its cell of the session.
func (s *Signal) Measure(in *Input) riskd.Reading {
	if s.Cell < 0 {
		r, _ := s.measure(in, riskd.Cell{})
		return r
	}
	r, cell := s.measure(in, in.Session.Cells[s.Cell])
	in.Session.Cells[s.Cell] = cell
	return r
}

var catalogue []Signal

// All gives the signals, sorted by name.
func All() []Signal { return slices.Clone(catalogue) }

// CellNames are the names of the signals that keep memory, by the place of their
// cell.
func CellNames() []string {
	names := make([]string, Cells())
	for i := range catalogue {
		if s := &catalogue[i]; s.Cell >= 0 {
			names[s.Cell] = s.Name
		}
	}
	return names
}

// Cells is how many signals keep memory: how many cells a session needs.
func Cells() int {
	n := 0
	for i := range catalogue {
		if catalogue[i].Memory {
			n++
		}
	}
	return n
}

// Descriptions describes the signals, in the order of [All].
func Descriptions() []riskd.Signal {
	out := make([]riskd.Signal, len(catalogue))
	for i := range catalogue {
		out[i] = catalogue[i].Signal
	}
	return out
}

// add puts a signal into the catalogue. What is wrong with its description is a
// mistake in the program, and panics.
func add(s riskd.Signal, m measure) {
	grown, err := insert(catalogue, s, m)
	if err != nil {
		panic(fmt.Sprintf("signal %q: %v", s.Name, err))
	}
	catalogue = grown
}

// insert keeps the signals sorted and numbers the cells in that order.
func insert(into []Signal, s riskd.Signal, m measure) ([]Signal, error) {
	if err := check(s, m); err != nil {
		return nil, err
	}
	at, found := slices.BinarySearchFunc(into, s.Name, func(have Signal, name string) int { return strings.Compare(have.Name, name) })
	if found {
		return nil, errors.New("is in the catalogue already: rename one of the two")
	}
	out := slices.Insert(slices.Clone(into), at, Signal{Signal: s, measure: m})
	cell := 0
	for i := range out {
		out[i].Cell = -1
		if out[i].Memory {
			out[i].Cell = cell
			cell++
		}
	}
	return out, nil
}

func check(s riskd.Signal, m measure) error {
	switch {
	case !wireName(s.Name):
		return errors.New("name must be lower-case letters, digits and underscores, a letter first")
	case m == nil:
		return errors.New("has no function that measures it")
	case s.Doc == "" || s.Value == "":
		return errors.New("needs a Doc and a Value: they are its documentation")
	case len(s.Details) > riskd.MaxDetails:
		return fmt.Errorf("has %d details; a reading holds %d", len(s.Details), riskd.MaxDetails)
	}
	seen := []string{"value", "nats", "missing"} // the members that every reading has
	for _, d := range s.Details {
		switch {
		case !wireName(d.Name):
			return fmt.Errorf("detail %q: name must be lower-case letters, digits and underscores, a letter first", d.Name)
		case slices.Contains(seen, d.Name):
			return fmt.Errorf("detail %q: the reading has a member of that name already", d.Name)
		case d.Doc == "":
			return fmt.Errorf("detail %q: needs a Doc: it is its documentation", d.Name)
		}
		seen = append(seen, d.Name)
	}
	return nil
}

func wireName(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

// details of a reading, in the order of the signal's description.
type details = [riskd.MaxDetails]riskd.DetailValue

func measured(value, nats float64, d details) riskd.Reading {
	return riskd.Reading{State: riskd.Measured, Value: value, Nats: nats, Details: d}
}

func number(x float64) riskd.DetailValue { return riskd.DetailValue{Number: x} }

func text(s string) riskd.DetailValue { return riskd.DetailValue{Text: s} }

func flag(b bool) riskd.DetailValue {
	if b {
		return number(1)
	}
	return number(0)
}
