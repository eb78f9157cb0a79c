package replay

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/riskd/riskd"
)

// index is what the first pass finds out: where the lines lie, and which of them
// share state.
type index struct {
	options  *Options
	lines    []place
	groups   groups
	sessions map[riskd.SessionID]uint32 // their nodes
	names    map[string]uint32          // nodes of users, devices and identity events
	marks    map[uint32]*label          // labelled lines
	attacked map[riskd.SessionID]bool
	faults   []error
	unread   int // lines with faults
}

// place is where a line lies, and what it belongs to.
type place struct {
	offset int64
	size   uint32
	line   uint32 // in its trace, from 1
	node   uint32
	trace  uint32
}

func newIndex(o *Options) *index {
	return &index{
		options: o, sessions: map[riskd.SessionID]uint32{}, names: map[string]uint32{},
		marks: map[uint32]*label{}, attacked: map[riskd.SessionID]bool{},
	}
}

// maxFaults is after how many lines that are none a trace isn't one.
const maxFaults = 20

// progressEvery is after how many lines progress is told.
const progressEvery = 50_000

// scan reads one trace.
func (x *index) scan(ctx context.Context, trace int) error {
	t := &x.options.Traces[trace]
	in := bufio.NewReaderSize(io.NewSectionReader(t.In, 0, math.MaxInt64), x.options.MaxLine)
	at := place{trace: uint32(trace)}
	for at.line = 1; ; at.line++ {
		text, err := in.ReadSlice('\n')
		read := int64(len(text))
		if errors.Is(err, bufio.ErrBufferFull) {
			x.fault(t, &at, fmt.Errorf("is longer than %d bytes", x.options.MaxLine))
			for errors.Is(err, bufio.ErrBufferFull) {
				text, err = in.ReadSlice('\n')
				read += int64(len(text))
			}
			text = nil
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("%s:%d: %w", t.Name, at.line, err)
		}
		at.size = uint32(len(text))
		if len(trim(text)) > 0 {
			if fault := x.take(&at, trim(text)); fault != nil {
				x.fault(t, &at, fault)
			}
		}
		at.offset += read
		switch {
		case len(x.faults) >= maxFaults:
			return fmt.Errorf("%s: is given up after %d lines with faults", t.Name, maxFaults)
		case err == io.EOF:
			return ctx.Err()
		case at.line%progressEvery == 0:
			x.options.Progress(1, len(x.lines))
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
}

func trim(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r' || line[len(line)-1] == ' ') {
		line = line[:len(line)-1]
	}
	return line
}

func (x *index) fault(t *Trace, at *place, err error) {
	x.unread++
	for _, e := range flatten(err) {
		x.faults = append(x.faults, fmt.Errorf("%s:%d: %w", t.Name, at.line, e))
	}
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// take takes one line in.
func (x *index) take(at *place, text []byte) error {
	in, err := x.options.Decode(text)
	if err != nil {
		return err
	}
	if len(x.lines) == math.MaxUint32 {
		return errors.New("has a number that doesn't fit: give the trace in parts")
	}
	if in.Identity != nil {
		at.node = x.identity(in.Identity)
	} else {
		at.node = x.event(in.Event)
	}
	x.lines = append(x.lines, *at)
	return nil
}

// event joins what an event names: its session with the one before a rotation, its
// user and its device. A revocation of a device, or a user's profile, is shared by all
// of them.
func (x *index) event(e *riskd.Event) uint32 {
	node := x.session(e.Session.ID)
	if previous := e.Session.PreviousID; !previous.IsZero() {
		x.groups.join(node, x.session(previous))
	}
	if e.User.ID != "" {
		x.groups.join(node, x.name('u', e.Tenant, e.User.ID))
	}
	if e.Device.ID != "" {
		x.groups.join(node, x.name('d', e.Tenant, e.Device.ID))
	}
	if x.options.Labels == nil || e.ID == "" {
		return node
	}
	if l := x.options.Labels.events[e.ID]; l != nil {
		number := uint32(len(x.lines))
		l.met = true
		l.attack.take(number, l.onset)
		x.marks[number] = l
		x.attacked[e.Session.ID] = true
	}
	return node
}

// identity joins what an identity event names. Its id is among that: an event that is
// told twice acts once.
func (x *index) identity(e *riskd.IdentityEvent) uint32 {
	node := x.name('i', e.Tenant, e.ID)
	if !e.Session.IsZero() {
		x.groups.join(node, x.session(e.Session))
	}
	if e.User != "" {
		x.groups.join(node, x.name('u', e.Tenant, e.User))
	}
	if e.Device != "" {
		x.groups.join(node, x.name('d', e.Tenant, e.Device))
	}
	return node
}

func (x *index) session(id riskd.SessionID) uint32 {
	node, ok := x.sessions[id]
	if !ok {
		node = x.groups.add()
		x.sessions[id] = node
	}
	return node
}

// name gives the node of something that has a name within its tenant; the length
// keeps tenant and id apart, whatever they hold.
func (x *index) name(kind byte, tenant, id string) uint32 {
	var space [64]byte
	key := binary.AppendUvarint(append(space[:0], kind), uint64(len(tenant)))
	key = append(append(key, tenant...), id...)
	node, ok := x.names[string(key)]
	if !ok {
		node = x.groups.add()
		x.names[string(key)] = node
	}
	return node
}
