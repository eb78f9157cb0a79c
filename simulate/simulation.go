package simulate

import (
	"io"
	"slices"
)

// Simulation is one that can be run as often as is wanted.
type Simulation struct {
	world  *world
	crimes map[int][]planned // by user
	// Progress, unless nil, is told now and then how many requests there are by now.
	Progress func(requests uint64)
}

// New makes a simulation. An error says which option is wrong, or that there aren't
// enough sessions for so many attacks.
func New(o Options) (*Simulation, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Simulation{world: newWorld(o)}
	crimes, err := s.world.conspire()
	s.crimes = crimes
	return s, err
}

// Summary is what came out.
type Summary struct {
	Users          int
	Sessions       uint64
	Requests       uint64
	IdentityEvents uint64
	Attacks        map[Family]int
	AttackRequests uint64
	Causes         map[string]int
}

// progressEvery is after how many requests progress is told.
const progressEvery = 1 << 17

// Labels writes the labels file. It lives through all of the simulation without
// writing the trace.
func (s *Simulation) Labels(out io.Writer) (*Summary, error) {
	buffer := make([]byte, 0, 2*chunk)
	return s.run(func(st *stream, e *event) error {
		if e == nil {
			for _, u := range st.users {
				buffer = archetypeLabel(buffer, u)
			}
		} else {
			buffer = eventLabels(buffer, e)
		}
		if len(buffer) < chunk {
			return nil
		}
		_, err := out.Write(buffer)
		buffer = buffer[:0]
		return err
	}, func() error {
		_, err := out.Write(buffer)
		return err
	})
}

// chunk is how many bytes are written at once, about.
const chunk = 1 << 16

// Trace writes the trace.
func (s *Simulation) Trace(out io.Writer) (*Summary, error) {
	t := tray{out: out, writer: writer{world: s.world}}
	if s.world.Variant == Late {
		t.shuffle = newShuffle(s.world)
	}
	return s.run(func(_ *stream, e *event) error {
		if e == nil {
			return nil
		}
		return t.put(e)
	}, t.empty)
}

// run lives through the simulation. The visit without an event is the first.
func (s *Simulation) run(visit func(*stream, *event) error, end func() error) (*Summary, error) {
	st := newStream(s.world, s.plans())
	sum := &Summary{Users: len(st.users), Attacks: map[Family]int{}, Causes: map[string]int{}}
	if err := visit(st, nil); err != nil {
		return nil, err
	}
	var e event
	for st.next(&e) {
		if err := visit(st, &e); err != nil {
			return nil, err
		}
		sum.take(&e)
		if s.Progress != nil && st.count%progressEvery == 0 && e.told == nil {
			s.Progress(st.count)
		}
	}
	sum.Requests, sum.IdentityEvents = st.count, st.told
	return sum, end()
}

// plans gives a copy of the plans: a run uses them up.
func (s *Simulation) plans() map[int][]planned {
	out := make(map[int][]planned, len(s.crimes))
	for user, list := range s.crimes {
		out[user] = slices.Clone(list)
	}
	return out
}

func (s *Summary) take(e *event) {
	if e.kind == signsIn && e.told == nil {
		s.Sessions++
	}
	if e.crime != nil {
		s.AttackRequests++
		if e.onset {
			s.Attacks[e.crime.family]++
		}
		return
	}
	e.causes.each(func(name string) { s.Causes[name]++ })
}

// tray collects lines on their way out.
type tray struct {
	writer
	out     io.Writer
	buffer  []byte
	shuffle *shuffle // nil: in order
}

func (t *tray) put(e *event) error {
	if t.shuffle != nil {
		t.buffer = t.shuffle.put(t.buffer, &t.writer, e)
	} else {
		t.buffer = t.line(t.buffer, e)
	}
	if len(t.buffer) < chunk {
		return nil
	}
	return t.flush()
}

func (t *tray) flush() error {
	_, err := t.out.Write(t.buffer)
	t.buffer = t.buffer[:0]
	return err
}

func (t *tray) empty() error {
	if t.shuffle != nil {
		t.buffer = t.shuffle.rest(t.buffer)
	}
	return t.flush()
}
