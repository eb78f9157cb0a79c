package freeman

import (
	"errors"
	"fmt"
)

// KeptLogins is how many logins of a user the authors' plugin for Keystone keeps; a
// sensible Options.History where memory is bounded.
const KeptLogins = 100

// Options are the settings of a model.
type Options struct {
	// Features of a login. Default: [LoginFeatures].
	Features []Feature
	// History is how many logins of each user are kept; older ones are forgotten as if
	// they had never been, in the population's counts too. 0 keeps all.
	History int
	// Prior is how many logins the population's habit is worth beside the user's own in
	// [Model.Smoothed]. Default: 1.
	Prior float64
	// Ahead, if given, is a model that has learned the whole log, future included. The
	// authors' notebook looks ahead in one place, the share of unseen values below a
	// feature's first level, and can be checked against only by doing so too.
	Ahead *Model
}

// Model is what is known of all successful logins so far. It is for one goroutine.
type Model struct {
	features []Feature
	tables   []table // one a level, of all features in a row
	users    map[string]*history
	logins   int
	keep     int
	prior    float64
	ahead    *Model
}

// New makes a model that has learned nothing.
func New(o Options) (*Model, error) {
	if o.Features == nil {
		o.Features = LoginFeatures()
	}
	if o.Prior == 0 {
		o.Prior = 1
	}
	if err := checkFeatures(o.Features); err != nil {
		return nil, err
	}
	switch {
	case len(o.Features) == 0:
		return nil, errors.New("freeman.Options.Features: must not be empty")
	case o.History < 0:
		return nil, errors.New("freeman.Options.History: must not be negative")
	case !(o.Prior > 0 && o.Prior < 1e9):
		return nil, errors.New("freeman.Options.Prior: must be above 0 and at most 1e9")
	}
	m := &Model{features: copyFeatures(o.Features), users: map[string]*history{}, keep: o.History, prior: o.Prior, ahead: o.Ahead}
	for _, f := range m.features {
		for h := range f.Levels {
			m.tables = append(m.tables, newTable(h == 0))
		}
	}
	if m.ahead != nil && len(m.ahead.tables) != len(m.tables) {
		return nil, errors.New("freeman.Options.Ahead: must have the same features")
	}
	return m, nil
}

// Levels is how many values a login has: one for each level of each feature.
func (m *Model) Levels() int { return len(m.tables) }

// Logins is how many logins are known.
func (m *Model) Logins() int { return m.logins }

// Users is how many users have logged in.
func (m *Model) Users() int { return len(m.users) }

// History is how many logins of a user are known.
func (m *Model) History(user string) int {
	if h := m.users[user]; h != nil {
		return h.len(len(m.tables))
	}
	return 0
}

// Learn takes a successful login in. values are those of all levels of all features,
// in their order; "" is a value like any other.
func (m *Model) Learn(user string, values []string) {
	m.check(values)
	h := m.users[user]
	if h == nil {
		h = &history{}
		m.users[user] = h
	}
	if m.keep > 0 && h.len(len(m.tables)) == m.keep {
		m.count(h.oldest(len(m.tables)), -1)
		h.drop(len(m.tables))
	}
	login := make([]uint32, len(m.tables))
	for i := range m.tables {
		login[i] = m.tables[i].index(values[i])
	}
	m.count(login, +1)
	h.logins = append(h.logins, login...)
}

// count adds a login to the population, or takes it out.
func (m *Model) count(login []uint32, by int) {
	m.logins += by
	at := 0
	for _, f := range m.features {
		first := login[at]
		for h := range f.Levels {
			m.tables[at+h].count(first, login[at+h], by)
		}
		if by < 0 { // only now: the levels below ask for the first one
			for h := range f.Levels {
				m.tables[at+h].release(login[at+h])
			}
		}
		at += len(f.Levels)
	}
}

func (m *Model) check(values []string) {
	if len(values) != len(m.tables) {
		panic(fmt.Sprintf("freeman: a login has %d values, not %d", len(m.tables), len(values)))
	}
}
