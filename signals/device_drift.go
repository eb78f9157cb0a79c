package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "device_drift",
		Doc:   "How far the device has changed by its attributes, each compared only where both sides have it: within a session with the session's last ones; at a login with those of the user's known devices, the one with the same id or else the most similar of the same browser and system. A fingerprint that changes because a screen was plugged in isn't another machine; another graphics chip is. An updated browser explains fonts and other, a journey the time zone, and a device that the session has accepted before everything. Missing: attributes, when the event carries none; history, when there is nothing to compare with.",
		Value: "how many of the attributes changed, 0 to 8",
		Details: []riskd.Detail{
			{Name: "compared", Doc: "how many attributes both sides have, 0 to 8"},
			{Name: "heaviest", Kind: riskd.Text, Doc: "name of the changed attribute that says most; none when none changed"},
			{Name: "explained", Kind: riskd.Text, Doc: "update, travel or accepted, when that explains some of it; none otherwise"},
			{Name: "light_nats", Doc: "nats that screens, fonts, languages and time zones have come to in this session, at most 3"},
			{Name: "drifted", Doc: "1 at a login when the device is new by id and fingerprint, but one of the user's by its attributes, else 0"},
		},
		Memory: true,
	}, measureDeviceDrift)
}

// driftNats are what a change of each attribute says, in the order of
// riskd.AttributeNames: screen or fonts, and graphics or platform, as
// docs/detection.md has them; hardware as platform; all others assumed. What says
// less than heavyNats is light, and all of it together at most lightMost a session:
// who plugs a screen in plugs it out again.
var driftNats = [len(riskd.Attributes{})]float64{
	screen: 1.5, timezone: 0.3, language: 0.5, gpu: 4, fonts: 1.5, platform: 4, hardware: 4, otherAttribute: 0.5,
}

const (
	heavyNats = 4
	driftMost = 7 // an event
	lightMost = 3 // a session
)

// The places of attributes.
const (
	screen = iota
	timezone
	language
	gpu
	fonts
	platform
	hardware
	otherAttribute
)

// A device that is new by id and fingerprint is one of the user's that drifted when
// similarLeast attributes can be compared and at most one, a light one, has changed.
const similarLeast = 6

// What device_drift keeps in its cell: the session's last attributes, three to a
// number, and the nats of light changes.
const lightNats = 3

func measureDeviceDrift(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	now := riskd.AttributesOf(&in.Event.Device)
	if now == (riskd.Attributes{}) {
		return riskd.NotEvaluableFor("attributes"), cell
	}
	if in.login() {
		cell = riskd.Cell{}
		remember(&cell, now)
		return driftAtLogin(in, now), cell
	}
	last := attributesIn(&cell)
	remember(&cell, now)
	if last == (riskd.Attributes{}) {
		return riskd.NotEvaluableFor("history"), cell
	}
	d := compareAttributes(now, last)
	light, heavy, why := d.weigh(in)
	if acceptedDevice(in.Session, riskd.MarkOf(&in.Event.Device)) && otherMarks(in) {
		light, heavy, why = 0, 0, "accepted" // device_change weighs turns
	}
	light = min(light, lightMost-cell[lightNats])
	cell[lightNats] += light
	return d.reading(min(light+heavy, driftMost), why, cell[lightNats], false), cell
}

// otherMarks reports whether id or fingerprint are others than the session's last.
func otherMarks(in *Input) bool {
	last, now := lastDevice(in.Session), riskd.MarkOf(&in.Event.Device)
	_, id := compareMark(now.ID, last.ID, "", "")
	_, fingerprint := compareMark(now.Fingerprint, last.Fingerprint, "", "")
	return id || fingerprint
}

// drift is how two sets of attributes differ, a bit for each attribute.
type drift struct {
	changed           [len(riskd.Attributes{})]bool
	compared, differs int
}

func compareAttributes(a, b riskd.Attributes) (d drift) {
	for i := range a {
		if a[i] == 0 || b[i] == 0 {
			continue
		}
		d.compared++
		if a[i] != b[i] {
			d.changed[i] = true
			d.differs++
		}
	}
	return d
}

// weigh adds up what the changes say, apart from what is explained.
func (d *drift) weigh(in *Input) (light, heavy float64, why string) {
	why = "none"
	updated := agentChanged(in)
	travelled := elsewhere(in)
	for i, changed := range d.changed {
		switch {
		case !changed:
		case updated && (i == fonts || i == otherAttribute):
			why = "update"
		case travelled && i == timezone:
			why = "travel"
		case driftNats[i] >= heavyNats:
			heavy += driftNats[i]
		default:
			light += driftNats[i]
		}
	}
	return light, heavy, why
}

// elsewhere reports whether the event, or one shortly before, came from another
// network or country: machines set their clocks a while after they arrive.
func elsewhere(in *Input) bool {
	here, s := riskd.ContextOf(in.Event), in.Session
	return here.ASN != s.Here.ASN || here.Country != s.Here.Country ||
		!s.MovedAt.IsZero() && (s.Before.ASN != s.Here.ASN || s.Before.Country != s.Here.Country)
}

func (d *drift) heaviest() string {
	names, most, name := riskd.AttributeNames(), 0.0, "none"
	for i, changed := range d.changed {
		if changed && driftNats[i] > most {
			most, name = driftNats[i], names[i]
		}
	}
	return name
}

func (d *drift) reading(nats float64, why string, light float64, drifted bool) riskd.Reading {
	return measured(float64(d.differs), nats, details{
		number(float64(d.compared)), text(d.heaviest()), text(why), number(light), flag(drifted),
	})
}

// similar reports whether it may be the same machine some time later.
func (d *drift) similar() bool {
	return d.compared >= similarLeast && (d.differs == 0 || d.differs == 1 && driftNats[d.first()] < heavyNats)
}

func (d *drift) first() int {
	for i, changed := range d.changed {
		if changed {
			return i
		}
	}
	return 0
}

// driftAtLogin compares with the user's devices. A new machine is device_change's
// matter; a known id on a machine of other parts is a copied one.
func driftAtLogin(in *Input, now riskd.Attributes) riskd.Reading {
	d, sameID, found := nearestDevice(in, now)
	switch {
	case !found:
		return riskd.NotEvaluableFor("history")
	case !sameID:
		return d.reading(0, "none", 0, d.similar())
	}
	_, heavy, _ := d.weigh(in)
	return d.reading(min(heavy, driftMost), "none", 0, false)
}

// nearestDevice finds the user's device that the attributes differ from least: among
// those with the event's id if there are any, else of the event's browser and system.
func nearestDevice(in *Input, now riskd.Attributes) (best drift, sameID, found bool) {
	id := riskd.MarkOf(&in.Event.Device).ID
	for i := range in.Profile.Devices {
		s := &in.Profile.Devices[i]
		own := id != 0 && s.ID == id
		same := s.Agent.Family == in.Agent.Family && s.Agent.OS == in.Agent.OS
		if s.Count == 0 || !own && !same || sameID && !own || s.Attributes == (riskd.Attributes{}) || !s.Tenure.Settled(in.Now) {
			continue
		}
		d := compareAttributes(now, s.Attributes)
		if !found || own && !sameID || d.differs < best.differs || d.differs == best.differs && d.compared > best.compared {
			best, found, sameID = d, true, own
		}
	}
	return best, sameID, found
}

// driftedDevice reports whether a device that is new by its marks is one of the
// user's by its attributes.
func driftedDevice(in *Input) bool {
	now := riskd.AttributesOf(&in.Event.Device)
	if now == (riskd.Attributes{}) {
		return false
	}
	d, _, found := nearestDevice(in, now)
	return found && d.similar()
}

// attributesTell reports whether device_drift weighs, attribute by attribute, what
// has become of the session's machine.
func attributesTell(in *Input) bool {
	if len(in.Event.Device.Attributes) == 0 {
		return false
	}
	for i := range catalogue {
		if s := &catalogue[i]; s.Name == "device_drift" {
			last := attributesIn(&in.Session.Cells[s.Cell])
			d := compareAttributes(riskd.AttributesOf(&in.Event.Device), last)
			return d.differs > 0 || d.compared >= similarLeast
		}
	}
	return false
}

// Three marks of 16 bits fit into a number of a cell exactly.
const marksANumber = 3

func remember(cell *riskd.Cell, now riskd.Attributes) {
	last := attributesIn(cell)
	for i := range now {
		if now[i] != 0 {
			last[i] = now[i]
		}
	}
	var words [lightNats]uint64
	for i, m := range last {
		words[i/marksANumber] |= uint64(m) << (16 * (i % marksANumber))
	}
	for i, w := range words {
		cell[i] = float64(w)
	}
}

func attributesIn(cell *riskd.Cell) (a riskd.Attributes) {
	for i := range a {
		a[i] = uint16(uint64(cell[i/marksANumber]) >> (16 * (i % marksANumber)))
	}
	return a
}
