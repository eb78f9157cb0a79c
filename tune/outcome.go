package tune

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/riskd/riskd"
)

// Outcome is what a view comes to under some parameters: alarms by user, and what
// becomes of each attack.
type Outcome struct {
	view    *View
	users   []asked
	attacks []met // by attack; of those in view
}

// asked is how often a user was asked in his own sessions.
type asked struct {
	stepUps int // alarms, revocations among them
	revokes int
	demands int // step-ups that nothing suspicious has led to
}

// met is how an attack was met.
type met struct {
	alarm, revoke stop
	sensitive     int // own requests let through before the alarm
}

// stop is where an attack was stopped; the zero stop is nowhere.
type stop struct {
	seq uint32 // of the event
	at  int64
}

func (s *stop) earliest(seq uint32, at int64) {
	if s.seq == 0 || seq < s.seq {
		s.seq, s.at = seq, at
	}
}

// Measure weighs a view again.
func (v *View) Measure(p *Params) *Outcome { return v.measure(newScale(v.log, p)) }

func (v *View) measure(w *scale) *Outcome {
	o := &Outcome{view: v, users: make([]asked, len(v.log.users)), attacks: make([]met, len(v.log.attacks))}
	var adding sync.Mutex
	each(len(v.honest), func(from, to int) {
		s, users := state{scale: w}, map[int32]asked{}
		for _, i := range v.honest[from:to] {
			t := &v.log.tracks[i]
			s.walk(t, func(i int, j verdict) {
				if v.counts(t.entries[i].at) {
					users[t.user] = users[t.user].take(j)
				}
			})
		}
		adding.Lock()
		defer adding.Unlock()
		for user, n := range users {
			all := &o.users[user]
			all.stepUps, all.revokes, all.demands = all.stepUps+n.stepUps, all.revokes+n.revokes, all.demands+n.demands
		}
	})
	s := state{scale: w}
	for _, i := range v.attacked {
		v.meet(&s, &v.log.tracks[i], o.attacks)
	}
	for i := range o.attacks {
		o.attacks[i].sensitive = v.log.attacks[i].letThrough(o.attacks[i].alarm.seq)
	}
	return o
}

func (a asked) take(j verdict) asked {
	switch {
	case !j.alarm:
		a.demands++
	case j.outcome == riskd.Revoke:
		a.revokes++
		fallthrough
	default:
		a.stepUps++
	}
	return a
}

// each shares n things out to as many goroutines as there are processors. What they
// add up must not depend on the order.
func each(n int, do func(from, to int)) {
	parts := min(runtime.GOMAXPROCS(0), n)
	var working sync.WaitGroup
	for i := range parts {
		working.Go(func() { do(n*i/parts, n*(i+1)/parts) })
	}
	working.Wait()
}

// walk weighs a session from its beginning, and tells of every event that isn't
// allowed. Honest users pass their step-ups, until an attack comes.
func (s *state) walk(t *track, tell func(i int, j verdict)) {
	s.begin()
	attacked := false
	for i := range t.entries {
		e := &t.entries[i]
		attacked = attacked || t.marks != nil && t.marks[i].attack >= 0
		if e.flags&flagUnweighed != 0 {
			continue
		}
		accumulated, request := s.step(e)
		j := s.judge(e, accumulated, request)
		if j.outcome == riskd.Allow {
			continue
		}
		if j.alarm {
			j.nats = s.strength(e, accumulated, request)
		}
		tell(i, j)
		if j.outcome == riskd.Revoke {
			return
		}
		if !attacked {
			s.prove()
		}
	}
}

// meet finds out where the attacks of a session are met.
func (v *View) meet(s *state, t *track, attacks []met) {
	var here []int32
	next := 0
	s.walk(t, func(i int, j verdict) {
		for ; next <= i; next++ {
			if a := t.marks[next].attack; a >= 0 && v.attacks[a] && !slices.Contains(here, a) {
				here = append(here, a)
			}
		}
		if !j.alarm {
			return
		}
		for _, a := range here {
			attacks[a].alarm.earliest(t.marks[i].seq, t.entries[i].at)
			if j.outcome == riskd.Revoke {
				attacks[a].revoke.earliest(t.marks[i].seq, t.entries[i].at)
			}
		}
	})
}

// requests counts the attack's own events up to one of the trace, that included.
func (a *attack) requests(seq uint32) int {
	n, _ := slices.BinarySearchFunc(a.events, seq+1, func(e attackEvent, seq uint32) int { return cmp.Compare(e.seq, seq) })
	return n
}

// letThrough counts the attack's sensitive events before one of the trace; all of
// them if there is none.
func (a *attack) letThrough(seq uint32) (n int) {
	for i := range a.events {
		if e := &a.events[i]; e.sensitive && (seq == 0 || e.seq < seq) {
			n++
		}
	}
	return n
}

// Detection is an outcome in figures.
type Detection struct {
	Users        int     `json:"users"`
	UserMonths   float64 `json:"user_months"`
	FalseStepUps int     `json:"false_step_ups"`
	FalseRevokes int     `json:"false_revokes"`
	// FSU and FRV are the same for each user and month; Demands are step-ups that the
	// policy asks for whatever the evidence, such as for a stale proof.
	FSU        float64     `json:"fsu"`
	FRV        float64     `json:"frv"`
	Demands    float64     `json:"demands"`
	Attacks    int         `json:"attacks"`
	MacroTPR   float64     `json:"macro_tpr"`
	WorstTPR   float64     `json:"worst_tpr"`
	Sensitive  float64     `json:"sensitive_before_stop"` // mean of the families
	Families   []Family    `json:"families"`
	Archetypes []Archetype `json:"archetypes"`
	// WorstRatio is the highest of the archetypes' ratios.
	WorstRatio float64 `json:"worst_archetype_ratio"`
}

// Family is what becomes of one kind of attack.
type Family struct {
	Name      string  `json:"family"`
	Attacks   int     `json:"attacks"`
	Caught    int     `json:"caught"`
	TPR       float64 `json:"tpr"`
	Revoked   int     `json:"revoked"`
	Median    *int    `json:"median_requests"` // until the alarm; null: never
	P90       *int    `json:"p90_requests"`
	Seconds   *int    `json:"median_seconds"`
	Sensitive float64 `json:"sensitive_before_stop"`
}

// Archetype is how one kind of user fares.
type Archetype struct {
	Name         string  `json:"archetype"`
	UserMonths   float64 `json:"user_months"`
	FalseStepUps int     `json:"false_step_ups"`
	FSU          float64 `json:"fsu"`
	// Ratio is its FSU over that of all users; 0 if nobody is asked.
	Ratio float64 `json:"ratio"`
}

// Figures gives the outcome in figures.
func (o *Outcome) Figures() *Detection {
	v := o.view
	d := &Detection{Users: v.Users(), UserMonths: v.UserMonths(), Attacks: v.Attacks(), Families: []Family{}, Archetypes: []Archetype{}}
	demands := 0
	for _, n := range o.users {
		d.FalseStepUps += n.stepUps
		d.FalseRevokes += n.revokes
		demands += n.demands
	}
	if d.UserMonths > 0 {
		d.FSU, d.FRV, d.Demands = float64(d.FalseStepUps)/d.UserMonths, float64(d.FalseRevokes)/d.UserMonths, float64(demands)/d.UserMonths
	}
	o.archetypes(d)
	o.families(d)
	return d
}

func (o *Outcome) archetypes(d *Detection) {
	v := o.view
	at := map[string]int{}
	for i := range v.log.users {
		if v.months[i] == 0 {
			continue
		}
		name := v.log.users[i].archetype
		k, ok := at[name]
		if !ok {
			k = len(d.Archetypes)
			at[name] = k
			d.Archetypes = append(d.Archetypes, Archetype{Name: name})
		}
		d.Archetypes[k].UserMonths += v.months[i]
		d.Archetypes[k].FalseStepUps += o.users[i].stepUps
	}
	slices.SortFunc(d.Archetypes, func(a, b Archetype) int { return cmp.Compare(a.Name, b.Name) })
	for i := range d.Archetypes {
		a := &d.Archetypes[i]
		if a.FSU = float64(a.FalseStepUps) / a.UserMonths; d.FSU > 0 {
			a.Ratio = a.FSU / d.FSU
			d.WorstRatio = max(d.WorstRatio, a.Ratio)
		}
	}
}

func (o *Outcome) families(d *Detection) {
	v := o.view
	of := map[string][]int{}
	for i := range v.log.attacks {
		if v.attacks[i] {
			name := v.log.attacks[i].family
			of[name] = append(of[name], i)
		}
	}
	d.WorstTPR = math.Inf(1)
	for _, name := range sortedKeys(of) {
		f := o.family(name, of[name])
		d.Families = append(d.Families, f)
		d.MacroTPR += f.TPR / float64(len(of))
		d.Sensitive += f.Sensitive / float64(len(of))
		d.WorstTPR = min(d.WorstTPR, f.TPR)
	}
	if len(of) == 0 {
		d.WorstTPR = 0
	}
}

func (o *Outcome) family(name string, attacks []int) Family {
	f := Family{Name: name, Attacks: len(attacks)}
	var requests, seconds []int
	for _, i := range attacks {
		a, m := &o.view.log.attacks[i], &o.attacks[i]
		f.Sensitive += float64(m.sensitive) / float64(len(attacks))
		if m.revoke.seq > 0 {
			f.Revoked++
		}
		if m.alarm.seq > 0 {
			f.Caught++
			requests = append(requests, a.requests(m.alarm.seq))
			seconds = append(seconds, int((m.alarm.at-a.events[0].at)/int64(time.Second)))
		}
	}
	f.TPR = float64(f.Caught) / float64(f.Attacks)
	f.Median, f.P90 = quantile(requests, f.Attacks, 50), quantile(requests, f.Attacks, 90)
	f.Seconds = quantile(seconds, f.Attacks, 50)
	return f
}

// quantile is the nearest rank among so many, of which those that aren't there take
// for ever; nil where it falls on one of these.
func quantile(found []int, of, percent int) *int {
	slices.Sort(found)
	rank := (percent*of + 99) / 100
	if rank == 0 || rank > len(found) {
		return nil
	}
	return &found[rank-1]
}
