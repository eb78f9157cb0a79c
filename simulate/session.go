package simulate

// session is one of the application's, as its cookie names it. An attacker who has
// stolen the cookie holds the same one.
type session struct {
	key       uint64
	rotation  uint32 // how often the id has been changed
	rotatedAt int64
	usedAt    int64 // by the request before
	start     int64
	auth      int64 // 0: nobody has signed in
	strength  strength
	// held says that somebody else has the id, too: it isn't changed any more.
	held bool
	// awaited has the id changed early, due with the next request.
	awaited, due bool
}

// turns reports whether the id is changed with a request at a time.
func (s *session) turns(u *user, at int64) bool {
	switch {
	case s.auth == 0 || s.held || at-s.usedAt > rotateWithin && !s.due:
		return false
	case s.awaited:
		return s.due || at-s.rotatedAt > rotateEvery/2
	}
	return u.rotates && at-s.rotatedAt > rotateEvery
}

func (s *session) rotate(at int64) {
	s.rotation++
	s.rotatedAt, s.awaited = at, false
}

// strength is how the user has proved to be himself.
type strength uint8

const (
	byPassword strength = iota
	byMFA
	byKey // a hardware key
)

var strengths = [...]struct{ acr, amr string }{
	byPassword: {"aal1", `["pwd"]`},
	byMFA:      {"aal2", `["pwd","otp","mfa"]`},
	byKey:      {"aal3", `["pwd","hwk","mfa"]`},
}

// The application's own limits, those of the default pack: nobody is logged out by
// riskd for what he would have been logged out for anyway.
const (
	idleLimit          = 30 * minute
	idleLimitAdmin     = 15 * minute
	absoluteLimit      = 12 * hour
	absoluteLimitAdmin = 8 * hour
	// beforeLimit is how long before them a session is given up.
	beforeLimit = 30 * second
	rotateEvery = 20 * minute
	// rotateWithin is how long after a request an id is still changed with the next:
	// what is left is used by nobody but a thief, and shouldn't be idle by then.
	rotateWithin = 4 * minute
)

func (u *user) idleLimit() int64 {
	if u.admin {
		return idleLimitAdmin - beforeLimit
	}
	return idleLimit - beforeLimit
}

func (u *user) absoluteLimit() int64 {
	if u.admin {
		return absoluteLimitAdmin - beforeLimit
	}
	return absoluteLimit - beforeLimit
}

// newSession begins one. Its id is nothing that could be guessed from another's,
// since a seed is behind it.
func (w *world) newSession(u *user, at int64) *session {
	u.sessions++
	return &session{key: hash(w.Seed, uint64(u.number), uint64(u.sessions), forID), start: at, rotatedAt: at}
}

// id appends the session's id after so many rotations.
func (s *session) id(b []byte, rotation uint32) []byte {
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	for part := range uint64(2) {
		x := hash(s.key, uint64(rotation), part, forID)
		for range 12 {
			b = append(b, digits[x&31])
			x >>= 5
		}
	}
	return b
}

// signIn is a login, or another proof: by what the user has.
func (s *session) signIn(u *user, at int64, stronger bool) {
	s.auth = at
	switch {
	case u.admin:
		s.strength = byKey
	case u.mfa || stronger:
		s.strength = byMFA
	default:
		s.strength = byPassword
	}
}
