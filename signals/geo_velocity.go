package signals

import (
	"math"
	"time"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "geo_velocity",
		Doc:   "How fast somebody would have to travel from the session's last exactly known place to this one, as an interval. Geolocation errs, so that what it can't tell is said rather than guessed: no earlier place (missing: anchor), no place now (place), a mobile or satellite network or an accuracy radius of 200 km or more (precision), an event older than the place it would be compared with (order). The nats are those of a travel that the rule calls impossible, given to the request that arrives by it and to none of those that follow from there.",
		Value: "km/h that must at least have been travelled at: low_kmh",
		Details: []riskd.Detail{
			{Name: "low_kmh", Doc: "km/h over excess_km, 0 when there is none"},
			{Name: "best_kmh", Doc: "km/h over distance_km"},
			{Name: "high_kmh", Doc: "km/h over distance_km and both accuracy radii"},
			{Name: "distance_km", Doc: "great-circle distance in km between the two places"},
			{Name: "excess_km", Doc: "km that neither the two accuracy radii nor 100 km of slack explain; may be negative"},
			{Name: "elapsed_s", Doc: "seconds between the two, at least 60"},
			{Name: "from", Kind: riskd.Text, Doc: "country of the earlier place, ISO 3166-1 alpha-2"},
			{Name: "to", Kind: riskd.Text, Doc: "country of this place, ISO 3166-1 alpha-2"},
		},
	}, measureGeoVelocity)
}

const (
	earthKM = 6371.0 // mean radius, IUGG
	// Geolocation is off by 179 to 207 km in the median on mobile networks and
	// by 3 to 16 km on fixed ones, in four databases over 175 countries (arXiv
	// 2605.21937): past this radius a place is no place to measure from.
	vagueKM = 200
	slackKM = 100 // for the third of cases outside the radius (assumed)
	// Below a minute clocks and retries decide the speed, not travel.
	leastElapsed = time.Minute
	// Of an impossible travel between two access networks, and of one whose end
	// is a network that hides its users (assumed; see docs/detection.md for why
	// speed alone never suffices).
	travelNats       = 2.5
	travelHiddenNats = 0.8
)

func measureGeoVelocity(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	from, to := &in.Session.Anchor, &in.Event.Place
	elapsed := in.Now.Sub(from.At)
	switch {
	case from.At.IsZero():
		return riskd.NotEvaluableFor("anchor"), cell
	case elapsed < 0:
		return riskd.NotEvaluableFor("order"), cell
	}
	elapsed = max(elapsed, leastElapsed)
	if from.Prefix == riskd.PrefixOf(in.Event.Client.IP) {
		// The same network link, wherever this or the last database puts it.
		return travel(from, to, 0, 0, elapsed, false), cell
	}
	switch {
	case !to.Located:
		return riskd.NotEvaluableFor("place"), cell
	case vague(to.Network, to.RadiusKM), from.RadiusKM >= vagueKM:
		return riskd.NotEvaluableFor("precision"), cell
	}
	distance := distanceKM(from.Lat, from.Lon, to.Lat, to.Lon)
	if math.IsNaN(distance) {
		return riskd.NotEvaluableFor("place"), cell
	}
	// A place that is no anchor leaves the last one where it was: the next request
	// from there hasn't travelled again.
	arrived := in.First || in.otherPrefix()
	return travel(from, to, distance, from.RadiusKM+to.RadiusKM, elapsed, arrived), cell
}

func vague(kind riskd.NetworkKind, radiusKM float64) bool {
	return kind == riskd.NetworkMobile || kind == riskd.NetworkSatellite || radiusKM >= vagueKM
}

func travel(from *riskd.Anchor, to *riskd.Place, distance, radii float64, elapsed time.Duration, arrived bool) riskd.Reading {
	excess, hours := distance-radii-slackKM, elapsed.Hours()
	low := max(0, excess) / hours
	nats := 0.0
	switch {
	case excess <= 0 || !arrived:
	case to.Network.Anonymous():
		nats = travelHiddenNats
	default:
		nats = travelNats
	}
	return measured(low, nats, details{
		number(low), number(distance / hours), number((distance + radii) / hours),
		number(distance), number(excess), number(elapsed.Seconds()),
		text(from.Country.String()), text(to.Country),
	})
}

// distanceKM is the great-circle distance by the haversine formula, which stays
// exact for small distances.
func distanceKM(lat1, lon1, lat2, lon2 float64) float64 {
	const rad = math.Pi / 180
	lat := math.Sin((lat2 - lat1) * rad / 2)
	lon := math.Sin((lon2 - lon1) * rad / 2)
	h := lat*lat + math.Cos(lat1*rad)*math.Cos(lat2*rad)*lon*lon
	return 2 * earthKM * math.Asin(math.Sqrt(min(1, h)))
}
