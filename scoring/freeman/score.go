package freeman

import "math"

// unknownShare is by how much a value that is new to the user is less likely for him
// than for anybody: p(x|u) = p(x)/4 (rba-algorithm).
const unknownShare = 1.0 / 4

// Score gives ln S of a login: the sum over the features of ln p(x) − ln p(x|user),
// and ln p(user|attack) − ln p(user). Above 0 it looks more like anybody's than like
// this user's. Only what was learned before counts; a user without a login isn't
// scored. No attack data goes in, p(attack|x) is 1: by the authors' own figures such
// data makes it worse.
func (m *Model) Score(user string, values []string) (lnS float64, scored bool) {
	m.check(values)
	own := m.users[user]
	if own == nil {
		return 0, false
	}
	at := 0
	for i := range m.features {
		global, local := m.global(i, at, values), m.local(i, at, own, values)
		if local == 0 {
			local = global * unknownShare
		}
		lnS += math.Log(global) - math.Log(local)
		at += len(m.features[i].Levels)
	}
	logins := own.len(len(m.tables))
	// p(user|attack) = 1/users, p(user) = his share of the logins.
	lnS += math.Log(float64(m.logins)) - math.Log(float64(len(m.users))) - math.Log(float64(logins))
	return lnS, true
}

// global is p(x): how likely a feature's values are for anybody. What was never seen
// at the first level has a likelihood too: as much as is left for unseen values.
func (m *Model) global(feature, at int, values []string) float64 {
	levels := m.features[feature].Levels
	unseen := 1
	for h := 1; h < len(levels); h++ {
		unseen += m.tables[at+h].distinct()
	}
	seen := m.tables[at].of(values[at])
	p := levels[0].Weight * float64(max(seen, 1)) / float64(m.logins+unseen) * m.settled(feature, at, values[at])
	for h := 1; h < len(levels); h++ {
		p += levels[h].Weight * float64(m.tables[at+h].of(values[at+h])) / float64(m.logins)
	}
	return p
}

// settled is n/(n+m): the more a first value was seen, and the fewer values of the
// other levels came with it, the less may be still to come. 1 for one never seen.
func (m *Model) settled(feature, at int, value string) float64 {
	if m.ahead != nil {
		m = m.ahead
	}
	first, ok := m.tables[at].known(value)
	if !ok {
		return 1
	}
	unseen := 1
	for h := 1; h < len(m.features[feature].Levels); h++ {
		unseen += m.tables[at+h].under(first)
	}
	n := float64(m.tables[at].counts[first])
	return n / (n + float64(unseen))
}

// local is p(x|user), 0 if he has shown none of the values at any level.
func (m *Model) local(feature, at int, own *history, values []string) (p float64) {
	logins := float64(own.len(len(m.tables)))
	for h, level := range m.features[feature].Levels {
		if i, ok := m.tables[at+h].known(values[at+h]); ok {
			p += level.Weight * float64(own.count(len(m.tables), at+h, i)) / logins
		}
	}
	return p
}

// Smoothed gives the variant that takes every level for a feature of its own, with
// smoothing instead of weights: the sum of ln p(v) − ln p(v|user), where p(v) has one
// login more than was seen and p(v|user) adds Options.Prior logins of the population's
// habit. A user without a login isn't scored.
func (m *Model) Smoothed(user string, values []string) (llr float64, scored bool) {
	m.check(values)
	own := m.users[user]
	if own == nil {
		return 0, false
	}
	logins := float64(own.len(len(m.tables)))
	for i := range m.tables {
		t, count := &m.tables[i], 0
		if v, ok := t.known(values[i]); ok {
			count = own.count(len(m.tables), i, v)
		}
		global := float64(t.of(values[i])+1) / float64(m.logins+1)
		local := (float64(count) + m.prior*global) / (logins + m.prior)
		llr += math.Log(global) - math.Log(local)
	}
	return llr, true
}
