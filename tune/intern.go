package tune

import (
	"encoding/binary"
	"math"

	"github.com/riskd/riskd"
)

// interned finds what was there before, so that a log keeps it once. Most readings
// and sets of them come again and again; the maps are emptied when they hold too
// much, and what comes again after that is kept again.
type interned struct {
	log      *Log
	rules    map[rule]uint16
	codes    map[codeKey]uint16
	readings map[readingKey]uint32
	sets     map[string]uint32
	answers  map[answer]uint16
	key      []byte
}

type codeKey struct {
	name string
	kind Tunable
}

type readingKey struct {
	rule uint16
	bits uint64
}

// mostInterned bounds what a log looks for itself in, about 100 bytes each.
const mostInterned = 1 << 19

func newInterned(l *Log) *interned {
	in := &interned{
		log: l, rules: map[rule]uint16{}, codes: map[codeKey]uint16{}, readings: map[readingKey]uint32{},
		sets: map[string]uint32{}, answers: map[answer]uint16{},
	}
	in.set(nil) // 0 is the empty one
	in.answer(answer{stepUp: riskd.StepUpScore, revoke: riskd.RevokeScore, forced: riskd.Allow})
	return in
}

func (in *interned) rule(r rule) uint16 {
	i, ok := in.rules[r]
	if !ok {
		key := codeKey{r.name, r.kind}
		code, known := in.codes[key]
		if !known {
			code = uint16(len(in.log.codes))
			in.codes[key] = code
			in.log.codes = append(in.log.codes, Code{Name: r.name, Signal: r.signal, Kind: r.kind, Group: r.group, Channel: r.channel})
		}
		i = uint16(len(in.log.rules))
		in.rules[r] = i
		r.code = code
		in.log.rules = append(in.log.rules, r)
	}
	return i
}

func (in *interned) reading(rule uint16, raw float64) uint32 {
	key := readingKey{rule, math.Float64bits(raw)}
	i, ok := in.readings[key]
	if !ok {
		if len(in.readings) >= mostInterned {
			clear(in.readings)
			clear(in.sets) // which are named by readings
		}
		i = uint32(len(in.log.readings))
		in.readings[key] = i
		in.log.readings = append(in.log.readings, reading{rule, raw})
	}
	return i
}

func (in *interned) set(readings []uint32) uint32 {
	in.key = in.key[:0]
	for _, r := range readings {
		in.key = binary.LittleEndian.AppendUint32(in.key, r)
	}
	i, ok := in.sets[string(in.key)]
	if !ok {
		if len(in.sets) >= mostInterned {
			clear(in.sets)
		}
		i = uint32(len(in.log.sets))
		in.sets[string(in.key)] = i
		in.log.members = append(in.log.members, readings...)
		in.log.sets = append(in.log.sets, uint32(len(in.log.members)))
	}
	return i
}

// mostAnswers bounds the distinct answers: a policy whose thresholds are different
// for every event can't be weighed again.
const mostAnswers = math.MaxUint16

func (in *interned) answer(a answer) (i uint16, ok bool) {
	i, ok = in.answers[a]
	if !ok && len(in.log.answers) < mostAnswers {
		i, ok = uint16(len(in.log.answers)), true
		in.answers[a] = i
		in.log.answers = append(in.log.answers, a)
	}
	return i, ok
}
