package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Labels say which events of a trace belong to attacks. Engines never see them.
type Labels struct {
	events  map[string]*label // by the event's id
	attacks []*attack         // in the order of the file
}

type label struct {
	attack *attack
	onset  bool
	met    bool // an event of the trace has that id
}

// fresh gives labels of which no event has been met.
func (l *Labels) fresh() *Labels {
	if l == nil {
		return nil
	}
	out := &Labels{events: make(map[string]*label, len(l.events))}
	copies := map[*attack]*attack{}
	for _, a := range l.attacks {
		copies[a] = &attack{id: a.id, family: a.family}
		out.attacks = append(out.attacks, copies[a])
	}
	for id, in := range l.events {
		out.events[id] = &label{attack: copies[in.attack], onset: in.onset}
	}
	return out
}

// unmatched counts the labels whose event isn't in the trace.
func (l *Labels) unmatched() (n int) {
	for _, in := range l.events {
		if !in.met {
			n++
		}
	}
	return n
}

// attack is one attack and the events that it consists of.
type attack struct {
	id, family string
	numbers    []uint32 // of its events, upwards
	onsets     []uint32 // of those that are labelled as its beginning
}

func (a *attack) take(number uint32, onset bool) {
	a.numbers = append(a.numbers, number)
	if onset {
		a.onsets = append(a.onsets, number)
	}
}

// onset is where the attack begins: at the first event that is labelled so, or at the
// first of all. There is an event.
func (a *attack) onset() uint32 {
	if len(a.onsets) > 0 {
		return a.onsets[0]
	}
	return a.numbers[0]
}

// requests counts the attack's events from its onset up to an event's number.
func (a *attack) requests(upTo uint32) (n int) {
	for _, number := range a.numbers {
		if number >= a.onset() && number <= upTo {
			n++
		}
	}
	return n
}

// maxLabel is the length of a label's longest line, in bytes.
const maxLabel = 4096

// ReadLabels reads a labels file: a line {"event":id,"attack":id,"family":name,
// "onset":bool} for each event of an attack. An error has the place of every fault.
func ReadLabels(name string, in io.Reader) (*Labels, error) {
	all := &Labels{events: map[string]*label{}}
	attacks := map[string]*attack{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLabel)
	var faults []error
	number := 1
	for ; lines.Scan() && len(faults) < maxFaults; number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := all.take(attacks, lines.Bytes()); err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", name, number, err))
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		faults = append(faults, fmt.Errorf("%s:%d: is longer than %d bytes", name, number, maxLabel))
	} else if err != nil {
		faults = append(faults, fmt.Errorf("%s:%d: %w", name, number, err))
	}
	return all, errors.Join(faults...)
}

func (l *Labels) take(attacks map[string]*attack, line []byte) error {
	var in struct {
		Event  string `json:"event"`
		Attack string `json:"attack"`
		Family string `json:"family"`
		Onset  bool   `json:"onset"`
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return fmt.Errorf(`must be {"event":id,"attack":id,"family":name,"onset":bool}: %w`, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("must be one JSON document")
	}
	a := attacks[in.Attack]
	switch {
	case in.Event == "":
		return errors.New("event: is required: the id of an event in the trace")
	case in.Attack == "":
		return errors.New("attack: is required: what the events of one attack have in common")
	case l.events[in.Event] != nil:
		return fmt.Errorf("event: %s was labelled before", in.Event)
	case a != nil && in.Family != "" && a.family != "" && a.family != in.Family:
		return fmt.Errorf("family: attack %s is of family %s above", in.Attack, a.family)
	case a == nil:
		a = &attack{id: in.Attack}
		attacks[in.Attack] = a
		l.attacks = append(l.attacks, a)
	}
	if in.Family != "" {
		a.family = in.Family
	}
	l.events[in.Event] = &label{attack: a, onset: in.Onset}
	return nil
}
