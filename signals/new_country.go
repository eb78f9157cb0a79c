package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "new_country",
		Doc:   "Whether the request comes from a country that neither its session nor its user has been in. At a login only the user's history counts, and a user with fewer than three learned sessions has none (missing: history).",
		Value: "1 when the country is new, else 0",
		Details: []riskd.Detail{
			{Name: "from", Kind: riskd.Text, Doc: "country of the session's last request, ISO 3166-1 alpha-2; empty at a login"},
			{Name: "to", Kind: riskd.Text, Doc: "country of this request, ISO 3166-1 alpha-2"},
			{Name: "gap_s", Doc: "seconds since the session's last request; at a login since the user was last seen"},
			{Name: "known", Doc: "1 when the user has been in the country in earlier sessions, else 0"},
		},
	}, measureNewCountry)
}

// All four are assumed and held up in simulation (docs/detection.md): how often
// an attacker is in a new country, in a session and at a login, and how seldom
// an honest user gets into one, an hour and a login.
const (
	countryAttack      = 0.45
	countryRate        = 0.006
	countryAttackLogin = 0.50
	countryLogin       = 0.02
	novelMost          = 7 // nats, for new countries and new networks alike
)

func measureNewCountry(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	n := compare(in)
	known := n.prefix() || n.session.Country || n.user.Country
	switch {
	case n.to.Country == riskd.Country{}:
		return riskd.NotEvaluableFor("place"), cell
	case n.login && in.Profile.Young(),
		!n.login && !known && n.from.Country == riskd.Country{}:
		return riskd.NotEvaluableFor("history"), cell
	}
	d := details{text(n.from.Country.String()), text(in.Event.Place.Country), number(n.gap.Seconds()), flag(n.user.Country)}
	switch {
	case known:
		return measured(0, 0, d), cell
	case n.login:
		return measured(1, min(math.Log(countryAttackLogin/countryLogin)+absence(n.gap)/2, novelMost), d), cell
	}
	return measured(1, n.surprise(riskd.MoveCountry, countryAttack, countryRate, novelMost), d), cell
}
