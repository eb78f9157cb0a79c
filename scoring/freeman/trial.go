package freeman

import (
	"errors"
	"math/rand/v2"
)

// Attacker is somebody who signs in as a user whose password he has. Wiefling et al.
// (2022) tell them apart by what else they know of him.
type Attacker int

// The attackers. Those made up take their values from logins that other users made not
// long before. Takeover stands for what the data calls a takeover; nothing of it is
// made up.
const (
	// Naive knows nothing: another user's address and browser.
	Naive Attacker = iota
	// VPN knows the country: the same, from where the user mostly is.
	VPN
	// Targeted knows network and browser: the user's own of each, only the address is new
	// to him.
	Targeted
	Takeover
	attackers
)

func (a Attacker) String() string { return [...]string{"naive", "vpn", "targeted", "takeover"}[a] }

// Anchor is what an independent run of the smoothed score on the whole RBA data set gave
// (2.7 million logins; KhoaPTIT/do-an-test, docs/rba-baseline-comparison.md): the AUC,
// and the recall at 1 % false alarms. A run on other logins is of the same difficulty if
// it comes near.
func (a Attacker) Anchor() (auc, recall float64) {
	return [...]float64{0.933, 0.906, 0.665, 0.759}[a], [...]float64{0.350, 0.265, 0.015, 0.158}[a]
}

// TrialOptions are the settings of a trial.
type TrialOptions struct {
	Seed uint64
	// History is Options.History.
	History int
	// Scores is how many scores of each kind are kept, drawn evenly from all. Default:
	// 200,000.
	Scores int
	// Donors is how many of the last logins attackers take their values from. Default:
	// 4096.
	Donors int
}

// Trial measures how well the scores tell attackers from users on a log with the
// features of [LoginFeatures]. At every login of a user with a history it asks how an
// attacker would score who came in its place: so attackers meet the same users, at the
// same time, with the same history as the users they are compared with. What attackers
// do isn't learned.
type Trial struct {
	model   *Model
	random  *rand.Rand
	donors  []Login // a ring
	next    int
	most    int
	users   [2]sample // by score: as published, smoothed
	caught  [attackers][2]sample
	without [attackers]int
}

// Login is a successful login.
type Login struct {
	User   string
	Values []string
}

// NewTrial makes a trial that has seen nothing.
func NewTrial(o TrialOptions) (*Trial, error) {
	switch {
	case o.Scores < 0:
		return nil, errors.New("freeman.TrialOptions.Scores: must not be negative")
	case o.Donors < 0:
		return nil, errors.New("freeman.TrialOptions.Donors: must not be negative")
	}
	if o.Scores == 0 {
		o.Scores = 200_000
	}
	if o.Donors == 0 {
		o.Donors = 4096
	}
	m, err := New(Options{History: o.History})
	if err != nil {
		return nil, err
	}
	t := &Trial{model: m, random: rand.New(rand.NewPCG(o.Seed, 0)), most: o.Donors}
	for i := range t.users {
		t.users[i].most = o.Scores
		for a := range t.caught {
			t.caught[a][i].most = o.Scores
		}
	}
	return t, nil
}

// User takes a login in that was the user's own.
func (t *Trial) User(l Login) {
	if t.model.History(l.User) > 0 {
		t.keep(&t.users, l)
		for a := range Takeover {
			if made, ok := t.attack(a, l.User); ok {
				t.keep(&t.caught[a], made)
			} else {
				t.without[a]++
			}
		}
	}
	t.model.Learn(l.User, l.Values)
	if len(t.donors) < t.most {
		t.donors = append(t.donors, l)
	} else {
		t.donors[t.next] = l
	}
	t.next = (t.next + 1) % t.most
}

// Takeover takes a login in that somebody else made. It is learned, as it was in the
// authors' study: the service didn't know.
func (t *Trial) Takeover(l Login) {
	if t.model.History(l.User) > 0 {
		t.keep(&t.caught[Takeover], l)
	}
	t.model.Learn(l.User, l.Values)
}

// Doubtful takes a login in of which nobody knows whose it was. It is learned, and
// counts on neither side.
func (t *Trial) Doubtful(l Login) { t.model.Learn(l.User, l.Values) }

func (t *Trial) keep(to *[2]sample, l Login) {
	lnS, _ := t.model.Score(l.User, l.Values)
	llr, _ := t.model.Smoothed(l.User, l.Values)
	slot := to[0].slot(t.random)
	to[0].put(slot, lnS)
	to[1].put(slot, llr)
}

// attack makes an attacker's login up, if there is one whose values he can take.
func (t *Trial) attack(a Attacker, victim string) (Login, bool) {
	own := t.model.users[victim]
	fits := func(Login) bool { return true }
	switch a {
	case VPN:
		country := t.model.tables[Country].names[own.usual(t.model.Levels(), Country)]
		fits = func(l Login) bool { return l.Values[Country] == country }
	case Targeted:
		network := t.model.tables[ASN].names[own.usual(t.model.Levels(), ASN)]
		fits = func(l Login) bool { return l.Values[ASN] == network && !t.hasAddress(own, l.Values[Address]) }
	}
	donor, ok := t.donor(victim, fits)
	if !ok {
		return Login{}, false
	}
	made := Login{victim, donor.Values}
	if a == Targeted {
		made.Values = append([]string(nil), donor.Values[:UserAgent]...)
		latest := own.with(t.model.Levels(), UserAgent, own.usual(t.model.Levels(), UserAgent))
		for level := UserAgent; level < t.model.Levels(); level++ {
			made.Values = append(made.Values, t.model.tables[level].names[latest[level]])
		}
	}
	return made, true
}

func (t *Trial) hasAddress(own *history, address string) bool {
	i, ok := t.model.tables[Address].known(address)
	return ok && own.count(t.model.Levels(), Address, i) > 0
}

// donor draws a recent login of another user: the first that fits, from anywhere on.
func (t *Trial) donor(victim string, fits func(Login) bool) (Login, bool) {
	if len(t.donors) == 0 {
		return Login{}, false
	}
	from := t.random.IntN(len(t.donors))
	for i := range t.donors {
		if l := t.donors[(from+i)%len(t.donors)]; l.User != victim && fits(l) {
			return l, true
		}
	}
	return Login{}, false
}

// Result is how well the scores tell one kind of attacker from users.
type Result struct {
	Attacker Attacker
	// Logins of the attacker that were scored, and Without those that weren't, as
	// nobody had shown the values that it takes.
	Logins, Without int
	// Published is [Model.Score], Smoothed is [Model.Smoothed].
	Published, Smoothed Measure
}

// Measure is how well a score tells attackers from users.
type Measure struct {
	AUC    float64
	Recall float64 // at 1 % false alarms
	Asked  float64 // users asked again where 90 % of the attackers are
}

// Results are those for every attacker, and how many logins of users were scored.
func (t *Trial) Results() (all []Result, users int) {
	for a := range attackers {
		r := Result{Attacker: a, Logins: t.caught[a][0].seen, Without: t.without[a]}
		for i, m := range []*Measure{&r.Published, &r.Smoothed} {
			bad, good := t.caught[a][i].kept, t.users[i].kept
			*m = Measure{AUC(bad, good), RecallAt(0.01, bad, good), AskedAt(0.9, bad, good)}
		}
		all = append(all, r)
	}
	return all, t.users[0].seen
}

// sample keeps some of many scores, each as likely as any other.
type sample struct {
	kept []float64
	seen int
	most int
}

// slot says where the next score is kept; it isn't where there is no such place.
func (s *sample) slot(r *rand.Rand) int {
	if s.seen < s.most {
		return s.seen
	}
	return r.IntN(s.seen + 1)
}

func (s *sample) put(slot int, score float64) {
	s.seen++
	switch {
	case slot < len(s.kept):
		s.kept[slot] = score
	case slot < s.most:
		s.kept = append(s.kept, score)
	}
}
