package api

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// HeartbeatEvery is how often those who follow are told that nothing has happened.
// Whoever hasn't heard anything for some times as long isn't up to date any more.
const HeartbeatEvery = time.Second

// streamPatience is how long a follower may take to take in what is written.
const streamPatience = 5 * time.Second

// The events of the stream. The ids of all but the first two are positions to go
// on from.
const (
	eventReset   = "reset"   // forget everything; orders in force follow, up to the next current
	eventOrder   = "order"   // an order has come into force
	eventLifted  = "lifted"  // an order was lifted
	eventSession = "session" // sessions have changed
	eventAll     = "all"     // no lease is good any more
	eventCurrent = "current" // nothing is missing
)

// follow answers GET /v1/revocations/stream: what ends leases, as server-sent
// events, for as long as both sides like.
func (a *API) follow(w http.ResponseWriter, r *http.Request) int {
	q := newQuery(r, "gateway")
	c, name := callerOf(r), q.text("gateway")
	if name != "" || c != &local {
		var err error
		name, err = followerName(c, name)
		q.check("gateway", err)
	}
	if q.problem != nil {
		return writeProblem(w, q.problem)
	}
	leave, err := a.Notices.Join(name)
	if err != nil {
		w.Header()["Retry-After"] = []string{"1"}
		return writeProblem(w, blank(http.StatusServiceUnavailable, err.Error()+": ask about every request meanwhile"))
	}
	slow := false
	defer func() { leave(slow) }()
	h := w.Header()
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return http.StatusOK
	}
	f := &follower{caller: c, notices: a.Notices, to: http.NewResponseController(w), w: w, out: newBuffer()}
	defer f.out.free()
	slow = f.run(r) != nil
	return http.StatusOK
}

// follower is one stream.
type follower struct {
	caller  *riskd.Caller
	notices Notices
	w       http.ResponseWriter
	to      *http.ResponseController
	out     *buffer
	number  uint64 // of the last notice that was written
}

// errSlow is a follower who has fallen too far behind.
var errSlow = errors.New("too slow")

// run writes until somebody ends it. The error is that of a follower who was too
// slow; nil stands for all others.
func (f *follower) run(r *http.Request) (slow error) {
	// A server's limits are for requests; this one has come in long ago.
	_ = f.to.SetReadDeadline(time.Time{})
	var resumed bool
	f.number, resumed = position(r.Header.Get("Last-Event-ID"), f.notices.Instance())
	if resumed {
		_, _, resumed = f.notices.Since(f.number)
	}
	if err := f.welcome(resumed); err != nil {
		return onlySlow(err)
	}
	beat := time.NewTicker(HeartbeatEvery)
	defer beat.Stop()
	for {
		notices, more, ok := f.notices.Since(f.number)
		if !ok {
			return errSlow
		}
		if err := f.tell(notices); err != nil {
			return onlySlow(err)
		}
		if len(notices) > 0 {
			continue
		}
		select {
		case <-more:
		case <-beat.C:
			if err := f.current(); err != nil {
				return onlySlow(err)
			}
		case <-r.Context().Done():
			return nil
		case <-f.notices.Ended():
			return nil
		}
	}
}

func onlySlow(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlow
	}
	return nil // it has gone away
}

// position reads the id of an event. ok is false if it is none of this instance.
func position(id, instance string) (number uint64, ok bool) {
	of, digits, _ := cutLast(id, '-')
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil && of == instance
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

// welcome brings a follower up to date who can't go on from where he was, and says
// so to one who can.
func (f *follower) welcome(resumed bool) error {
	if !resumed {
		inForce, number := f.notices.Begin()
		f.number = number
		f.event(eventReset, number, false)
		f.out.b = append(f.out.b, "}\n\n"...)
		for i := range inForce {
			if f.notice(&inForce[i], false); len(f.out.b) > keptBuffer/2 {
				if err := f.flush(); err != nil {
					return err
				}
			}
		}
	} else if err := f.catchUp(); err != nil {
		return err
	}
	return f.current()
}

// catchUp writes all that was missed.
func (f *follower) catchUp() error {
	for {
		notices, _, ok := f.notices.Since(f.number)
		if !ok {
			return os.ErrDeadlineExceeded
		}
		if len(notices) == 0 {
			return nil
		}
		if err := f.tell(notices); err != nil {
			return err
		}
	}
}

// tell writes notices.
func (f *follower) tell(notices []riskd.Notice) error {
	if len(notices) == 0 {
		return nil
	}
	for i := range notices {
		f.notice(&notices[i], true)
		f.number = notices[i].Number
	}
	return f.flush()
}

// current says that there is nothing more up to now.
func (f *follower) current() error {
	f.event(eventCurrent, f.number, true)
	f.out.b = append(f.out.b, "}\n\n"...)
	return f.flush()
}

func (f *follower) flush() error {
	if err := f.to.SetWriteDeadline(time.Now().Add(streamPatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if len(f.out.b) == 0 {
		return nil
	}
	_, err := f.w.Write(f.out.b)
	f.out.b = f.out.b[:0]
	return errors.Join(err, f.to.Flush())
}

// event begins one, with its number as its data's first member. An id is a
// position to go on from; an empty one takes the last position back.
func (f *follower) event(name string, number uint64, id bool) {
	b := append(append(f.out.b, "event: "...), name...)
	b = append(b, "\nid:"...)
	if id {
		b = append(append(append(b, ' '), f.notices.Instance()...), '-')
		b = strconv.AppendUint(b, number, 10)
	}
	b = append(b, "\ndata: {\"epoch\":"...)
	f.out.b = strconv.AppendUint(b, number, 10)
}

// notice writes one.
func (f *follower) notice(n *riskd.Notice, id bool) {
	switch n.Kind {
	case riskd.NoticeOrder:
		if !f.sees(&n.Order.Target) {
			return
		}
		f.event(eventOrder, n.Number, id)
		f.order(n)
	case riskd.NoticeLifted:
		f.event(eventLifted, n.Number, id)
		f.out.b = strconv.AppendUint(append(f.out.b, `,"lifted":`...), n.Order.Number, 10)
	case riskd.NoticeSession:
		f.event(eventSession, n.Number, id)
		f.sessions(n)
		f.out.b = text(append(f.out.b, `,"status":`...), n.Status.String())
	default:
		f.event(eventAll, n.Number, id)
	}
	f.out.b = append(f.out.b, "}\n\n"...)
}

// sees reports whether an order is for the follower to know of: one that is bound to
// a tenant isn't told of the users and devices of others. A session's reference says
// nothing about it.
func (f *follower) sees(t *riskd.Target) bool {
	return t.Kind == riskd.TargetSession || f.caller.Sees(t.Tenant)
}

// order tells of an order what a gateway knows already: it has named the user and
// the device itself. What a predicate says, and who gave the order and why, are
// not for gateways.
func (f *follower) order(n *riskd.Notice) {
	t := &n.Order.Target
	b := text(append(f.out.b, `,"effect":`...), n.Order.Effect.String())
	b = text(append(b, `,"target":`...), t.Kind.String())
	b = text(append(b, `,"tenant":`...), t.Tenant)
	switch t.Kind {
	case riskd.TargetUser:
		b = text(append(b, `,"user":`...), t.ID)
	case riskd.TargetDevice:
		b = text(append(b, `,"device":`...), t.ID)
	}
	b = append(b, `,"at":"`...)
	f.out.b = append(n.Order.At.UTC().AppendFormat(b, time.RFC3339Nano), '"')
	if len(n.Sessions) > 0 {
		f.sessions(n)
	}
}

func (f *follower) sessions(n *riskd.Notice) {
	f.out.b = append(f.out.b, `,"sessions":[`...)
	for i, id := range n.Sessions {
		if i > 0 {
			f.out.b = append(f.out.b, ',')
		}
		f.out.b = text(f.out.b, id.String())
	}
	f.out.b = append(f.out.b, ']')
}
