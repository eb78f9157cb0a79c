package signals

import (
	"time"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "rotated_id",
		Doc:   "Whether a session id is used that had been changed for another: by whoever has a copy of the old one, since the browser has the new one. Requests that were on their way when it changed come within half a minute. Only ids of signed-in sessions count: who has planted one before the login has nothing with it.",
		Value: "0 no, 1 within half a minute of the change, 2 later, 3 the id was changed a second time",
		Details: []riskd.Detail{
			{Name: "since_s", Doc: "seconds since the id was changed; 0 when value is 0"},
		},
		Memory: true,
	}, measureRotatedID)
}

// rotationGrace is for requests that carry the old id because the answer with the
// new one hadn't arrived, and for two tabs that change it at once. RFC 9700 §4.14.2
// has a refresh token that is used again revoke all that came of it; the time to
// wait is assumed.
const rotationGrace = 30 * time.Second

// What rotated_id keeps in its cell: Session.Forked, in seconds, once it was told.
const forkTold = 0

func measureRotatedID(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	s := in.Session
	since, value := time.Duration(0), 0.0
	switch {
	case s.User == "":
	case s.Forked > 0 && cell[forkTold] != s.Forked.Seconds():
		since, value = s.Forked, 3
		cell[forkTold] = since.Seconds()
	case !s.Next.IsZero() && in.Now.After(s.NextAt):
		since, value = in.Now.Sub(s.NextAt), 2
	}
	if value > 0 && since <= rotationGrace {
		value = 1
	}
	return measured(value, 0, details{number(since.Seconds())}), cell
}
