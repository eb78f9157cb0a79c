package simulate

// world is everything that is the same throughout a simulation.
type world struct {
	Options
	shares                           shares
	begin                            int64 // Unix milliseconds, as all times
	releaseAt, renumberAt, rolloutAt int64 // of the variant drift
}

func newWorld(o Options) *world {
	w := &world{Options: o, shares: population[o.Preset], begin: o.From.UnixMilli()}
	rest := int64(o.Days-o.Warmup) * day
	drifting := w.begin + int64(o.Warmup)*day + rest/2
	w.releaseAt, w.renumberAt, w.rolloutAt = drifting, drifting+2*hour, drifting+rest/10
	return w
}

// event is one line to be: a request, or what an identity provider tells. It points
// into what sent it, and holds until the next is asked for.
type event struct {
	number   uint64
	at       int64
	actor    *actor
	session  *session
	look     look
	prefix   prefix
	kind     kind
	route    uint8
	object   uint32
	host     byte
	status   int
	bytes    int64
	signedIn bool
	rotation uint32
	before   uint32 // rotation, if this is a turn
	turn     bool
	causes   causes
	crime    *crime
	onset    bool

	told *user // of an identity event
	what string
}

// stream gives the events of all users in the order of time. What it holds grows
// with the users only.
type stream struct {
	*world
	users []*user
	exits exits
	heap  []turn
	count uint64 // of requests
	told  uint64 // identity events
}

// turn is when a user's next event is due.
type turn struct {
	at   int64
	user int32
}

func (t turn) before(o turn) bool { return t.at < o.at || t.at == o.at && t.user < o.user }

func newStream(w *world, crimes map[int][]planned) *stream {
	s := &stream{world: w, users: make([]*user, w.Users), heap: make([]turn, 0, w.Users)}
	for i := range s.users {
		u := w.newUser(i)
		u.attacks = crimes[i]
		s.users[i] = u
		s.exits.add(u)
		u.more(w)
		if at := u.due(); at < never {
			s.heap = append(s.heap, turn{at, int32(i)})
		}
	}
	for i := len(s.heap)/2 - 1; i >= 0; i-- {
		s.sink(i)
	}
	return s
}

// next gives the next event, or false after the last.
func (s *stream) next(e *event) bool {
	for len(s.heap) > 0 {
		u := s.users[s.heap[0].user]
		made := u.step(s, e)
		if at := u.due(); at < never {
			s.heap[0].at = at
		} else {
			s.heap[0] = s.heap[len(s.heap)-1]
			s.heap = s.heap[:len(s.heap)-1]
		}
		if len(s.heap) > 0 {
			s.sink(0)
		}
		if made {
			return true
		}
	}
	return false
}

func (s *stream) sink(i int) {
	h := s.heap
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// more takes the user's next sitting from his schedule.
func (u *user) more(w *world) {
	s, ok := u.schedule.next(w, u)
	if !ok {
		s.start = never
	}
	u.coming = s
}

// due is when the user's next event comes.
func (u *user) due() int64 {
	at := u.coming.start
	for _, a := range u.actors {
		at = min(at, a.at)
	}
	for i := range u.news {
		at = min(at, u.news[i].at)
	}
	return at
}

// step lets come what is due: an event, or a sitting that begins.
func (u *user) step(s *stream, e *event) bool {
	at := u.due()
	for i := range u.news {
		if n := u.news[i]; n.at == at {
			u.news = append(u.news[:i], u.news[i+1:]...)
			*e = event{number: s.told, at: at, told: u, what: n.what}
			s.told++
			return true
		}
	}
	for i, a := range u.actors {
		if a.at != at {
			continue
		}
		*e = event{number: s.count}
		s.count++
		if a.crime != nil && !a.ready(s) {
			s.count--
			return false
		}
		a.act(s, e)
		if a.done {
			u.actors = append(u.actors[:i], u.actors[i+1:]...)
		}
		return true
	}
	u.begin(s)
	u.more(s.world)
	return false
}

// begin lets the sitting that is due begin, and whoever comes to it.
func (u *user) begin(s *stream) {
	a := s.sit(u, &u.coming)
	u.actors = append(u.actors, a)
	for len(u.attacks) > 0 && u.attacks[0].sitting < u.coming.number {
		u.attacks = u.attacks[1:]
	}
	if len(u.attacks) > 0 && u.attacks[0].sitting == u.coming.number {
		s.attack(a, &u.attacks[0], &u.coming)
		u.attacks = u.attacks[1:]
	}
}
