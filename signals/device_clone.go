package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "device_clone",
		Doc:   "Whether two machines have the id of a trusted device: in whichever of the user's sessions, it is seen in one network, in another, and in the first again within ten minutes. One session on an unchanged machine that goes back and forth between wifi and a mobile network does so too, and is told apart.",
		Value: "0 no, or the device isn't trusted, 1 as a telephone that loses and finds its wifi, 2 in two networks at once",
		Details: []riskd.Detail{
			{Name: "from", Doc: "AS number where the device was seen last; 0 when unknown, and when value is 0"},
			{Name: "to", Doc: "AS number where it is back; 0 when unknown, and when value is 0"},
			{Name: "away_s", Doc: "seconds since it was seen there before; 0 when value is 0"},
		},
		Memory: true,
	}, measureDeviceClone)
}

// clonedNats make a step-up by themselves: see trustLostNats.
const clonedNats = trustLostNats

// What device_clone keeps in its cell: where this session had the device last.
// Session.Here won't do, as a proof moves it along.
const (
	hadPlace  = iota // as placeOf gives it
	hadMobile        // 1 in a mobile network
)

func measureDeviceClone(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	here := riskd.ContextOf(in.Event)
	trust := in.Profile.Trusted(riskd.MarkOf(&in.Event.Device).ID, in.Now)
	if trust == nil || in.Now.Before(trust.SeenAt) || here == (riskd.Context{}) { // what comes late was there before
		return measured(0, 0, details{}), cell
	}
	had := cell
	cell[hadPlace], cell[hadMobile] = placeOf(here), 0
	if in.Event.Place.Network == riskd.NetworkMobile {
		cell[hadMobile] = 1
	}
	if !trust.ClonedBy(here, in.Now) {
		return measured(0, 0, details{}), cell
	}
	d := details{number(float64(trust.Here.ASN)), number(float64(here.ASN)), number(in.Now.Sub(trust.LeftAt).Seconds())}
	if had[hadPlace] == placeOf(trust.Here) && had[hadMobile]+cell[hadMobile] > 0 && !otherMachine(in) {
		return measured(1, 0, d), cell
	}
	return measured(2, clonedNats, d), cell
}
