package tune

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Labels say which events of a trace are an attacker's, and what kind of people its
// users are. Engines never see them.
type Labels struct {
	events     map[string]mark // by the event's id
	attacks    []attackLabel
	archetypes map[userKey]string
}

type userKey struct{ tenant, user string }

// mark is the label of an attacker's event.
type mark struct {
	attack int32
	onset  bool
}

type attackLabel struct {
	id, family string
	onset      bool // an event is labelled as its beginning
}

// Attacks is how many attacks are labelled.
func (l *Labels) Attacks() int {
	if l == nil {
		return 0
	}
	return len(l.attacks)
}

func (l *Labels) of(event string) (mark, bool) {
	if l == nil || event == "" {
		return mark{}, false
	}
	m, ok := l.events[event]
	return m, ok
}

// archetype is what kind of user somebody is; labels that name no tenant are for all.
func (l *Labels) archetype(u userKey) string {
	if l == nil {
		return ""
	}
	if kind, ok := l.archetypes[u]; ok {
		return kind
	}
	return l.archetypes[userKey{"", u.user}]
}

// maxLabel is the length of a label's longest line, in bytes.
const maxLabel = 4096

// maxFaults is after how many lines with faults labels aren't any.
const maxFaults = 20

// ReadLabels reads a labels file: a line {"event":id,"attack":id,"family":name,
// "onset":bool} for each event of an attack, and {"user":id,"archetype":name} for a
// user, with a tenant where there are several; lines that give an honest event's
// cause are passed over. An error has the place of every fault.
func ReadLabels(name string, in io.Reader) (*Labels, error) {
	all := &Labels{events: map[string]mark{}, archetypes: map[userKey]string{}}
	attacks := map[string]int32{}
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
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("%s:%d: %w", name, number, err))
	}
	return all, errors.Join(faults...)
}

func (l *Labels) take(attacks map[string]int32, line []byte) error {
	var in struct {
		Event, Attack, Family, Cause string
		Onset                        bool
		Tenant, User, Archetype      string
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return fmt.Errorf(`must be {"event":id,"attack":id,"family":name,"onset":bool} or {"user":id,"archetype":name}: %w`, err)
	}
	switch {
	case in.User != "":
		l.archetypes[userKey{in.Tenant, in.User}] = in.Archetype
		return nil
	case in.Event == "":
		return errors.New("event: is required, or user: the id of an event or of a user in the trace")
	case in.Attack == "" && in.Cause != "":
		return nil
	case in.Attack == "":
		return errors.New("attack: is required: what the events of one attack have in common")
	}
	if _, ok := l.events[in.Event]; ok {
		return fmt.Errorf("event: %s was labelled before", in.Event)
	}
	index, ok := attacks[in.Attack]
	if !ok {
		index = int32(len(l.attacks))
		attacks[in.Attack] = index
		l.attacks = append(l.attacks, attackLabel{id: in.Attack})
	}
	a := &l.attacks[index]
	if in.Family != "" && a.family != "" && a.family != in.Family {
		return fmt.Errorf("family: attack %s is of family %s above", in.Attack, a.family)
	}
	if in.Family != "" {
		a.family = in.Family
	}
	a.onset = a.onset || in.Onset
	l.events[in.Event] = mark{index, in.Onset}
	return nil
}
