package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Labels say which events of a trace belong to attacks, what honest cause others have,
// and what kind of user somebody is. Engines never see them, and a run doesn't change
// them.
type Labels struct {
	marks      map[string]*mark // by the event's id
	families   map[string]string
	onsets     map[string]bool // attacks that have an event labelled as their beginning
	archetypes map[person]string
	names      map[string]string // each text once
}

// mark is what labels say of one event: the attack that it belongs to, or the honest
// causes of what is unusual in it.
type mark struct {
	attack string
	onset  bool
	causes []string
}

// person is a user within his tenant.
type person struct{ tenant, user string }

// archetype is what kind of user somebody is. A label that names no tenant holds for
// the user in each of them.
func (l *Labels) archetype(p person) string {
	if l == nil {
		return ""
	}
	if name, ok := l.archetypes[p]; ok {
		return name
	}
	return l.archetypes[person{user: p.user}]
}

// maxLabel is the length of a label's longest line, in bytes.
const maxLabel = 4096

// ReadLabels reads a labels file, with a line
//
//	{"event":id,"attack":id,"family":name,"onset":bool}
//
// for each event of an attack, {"event":id,"cause":name} for each honest cause that is
// known of another, and {"user":id,"archetype":name} for each user whose kind is. An error has
// the place of every fault.
func ReadLabels(name string, in io.Reader) (*Labels, error) {
	all := &Labels{
		marks: map[string]*mark{}, families: map[string]string{}, onsets: map[string]bool{},
		archetypes: map[person]string{}, names: map[string]string{},
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLabel)
	var faults []error
	number := 1
	for ; lines.Scan() && len(faults) < maxFaults; number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := all.take(lines.Bytes()); err != nil {
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

// labelLine is a line of a labels file.
type labelLine struct {
	Event     string `json:"event"`
	Attack    string `json:"attack"`
	Family    string `json:"family"`
	Onset     bool   `json:"onset"`
	Cause     string `json:"cause"`
	Tenant    string `json:"tenant"`
	User      string `json:"user"`
	Archetype string `json:"archetype"`
}

const labelForms = `{"event":id,"attack":id,"family":name,"onset":bool}, {"event":id,"cause":name} or {"user":id,"archetype":name}`

func (l *Labels) take(line []byte) error {
	var in labelLine
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return fmt.Errorf("must be %s: %w", labelForms, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("must be one JSON document")
	}
	switch {
	case in.Archetype != "" || in.User != "":
		return l.takeUser(&in)
	case in.Event == "":
		return errors.New("event: is required: the id of an event in the trace")
	case in.Cause != "":
		return l.takeCause(&in)
	default:
		return l.takeAttack(&in)
	}
}

func (l *Labels) takeUser(in *labelLine) error {
	who := person{l.name(in.Tenant), in.User}
	switch {
	case in.User == "":
		return errors.New("user: is required: who is of that archetype")
	case in.Archetype == "":
		return errors.New("archetype: is required: what kind of user that is")
	case in.Event != "" || in.Attack != "" || in.Cause != "":
		return errors.New("user: is no member of a label for an event")
	case l.archetypes[who] != "":
		return fmt.Errorf("user: %s was labelled before", in.User)
	}
	l.archetypes[who] = l.name(in.Archetype)
	return nil
}

func (l *Labels) takeCause(in *labelLine) error {
	m := l.marks[in.Event]
	switch {
	case in.Attack != "" || m != nil && m.attack != "":
		return errors.New("cause: is for events without an attack")
	case m == nil:
		m = &mark{}
		l.marks[in.Event] = m
	case slices.Contains(m.causes, in.Cause):
		return fmt.Errorf("event: %s was labelled with that cause before", in.Event)
	}
	m.causes = append(m.causes, l.name(in.Cause))
	return nil
}

func (l *Labels) takeAttack(in *labelLine) error {
	family := l.families[in.Attack]
	switch {
	case in.Attack == "":
		return errors.New("attack: is required: what the events of one attack have in common")
	case l.marks[in.Event] != nil:
		return fmt.Errorf("event: %s was labelled before", in.Event)
	case in.Family != "" && family != "" && family != in.Family:
		return fmt.Errorf("family: attack %s is of family %s above", in.Attack, family)
	}
	attack := l.name(in.Attack)
	if in.Family != "" {
		l.families[attack] = l.name(in.Family)
	}
	if in.Onset {
		l.onsets[attack] = true
	}
	l.marks[in.Event] = &mark{attack: attack, onset: in.Onset}
	return nil
}

// name gives a text that is held once, however many lines have it.
func (l *Labels) name(text string) string {
	if held, ok := l.names[text]; ok {
		return held
	}
	l.names[text] = text
	return text
}
