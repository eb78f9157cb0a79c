package signals

import (
	"time"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "device_change",
		Doc:   "Whether the session goes on in another device: by a first-party id (cookie, managed device) and by a fingerprint, each compared only where both sides have it. At a login the user's known devices are what counts (missing: history while there are none), and one that is new, but has the attributes of a known one, is no evidence. Where attributes tell what has changed, device_drift weighs them, and not the fingerprint that they are in. An event with neither id nor fingerprint in a session that never had one can't be judged (missing: device).",
		Value: "0 same device, 1 the fingerprint changed, 2 the id changed, 3 both changed, 4 the event carries neither although the session had one",
		Details: []riskd.Detail{
			{Name: "id", Kind: riskd.Text, Doc: "same, changed or absent; at a login known, new or absent"},
			{Name: "fingerprint", Kind: riskd.Text, Doc: "same, changed or absent; at a login known, new or absent"},
			{Name: "accepted", Doc: "1 when the session has accepted this very device before, else 0"},
			{Name: "known", Doc: "1 when the user is known to use the id or the fingerprint, else 0"},
			{Name: "alternations", Doc: "how often the session has gone to another device and back within ten minutes"},
		},
		Memory: true,
	}, measureDeviceChange)
}

// Nats of what became of a device (all assumed, held up in simulation, except
// vanishedNats, which is assumed only: docs/detection.md).
const (
	otherIDNats          = 4
	otherFingerprintNats = 4
	vanishedNats         = 1 // once a session: API calls often carry no device
	backAndForthNats     = 3
	backAndForthMost     = 6 // nats a session
	// At a login.
	knownDeviceNats = -2.5 // id and fingerprint
	knownIDNats     = -1   // id alone
	newDeviceNats   = 1.5  // neither, from a browser and system known
	strangerNats    = 2.5  // neither, nor the browser
)

// What device_change keeps in its cell.
const (
	deviceChangedAt = iota // Unix seconds of the last change
	backAndForth           // nats from alternations
	backAndForths          // how many
	deviceVanished         // 1 once it has
)

func measureDeviceChange(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	mark := riskd.MarkOf(&in.Event.Device)
	last := lastDevice(in.Session)
	switch {
	case mark == riskd.DeviceMark{}:
		return withoutDevice(in, last, cell)
	case in.login():
		return deviceAtLogin(in, mark, &cell), cell
	}
	id, otherID := compareMark(mark.ID, last.ID, "same", "changed")
	fingerprint, otherFingerprint := compareMark(mark.Fingerprint, last.Fingerprint, "same", "changed")
	value, nats := 0.0, 0.0
	if otherFingerprint {
		value++
		if !agentChanged(in) && !attributesTell(in) {
			nats += otherFingerprintNats
		}
	}
	if otherID {
		value += 2
		nats += otherIDNats
	}
	accepted := acceptedDevice(in.Session, mark)
	if value > 0 {
		if accepted {
			nats = backToDevice(in.Now, &cell)
		}
		cell[deviceChangedAt] = unixSeconds(in.Now)
	}
	return measured(value, nats, deviceDetails(in, mark, id, fingerprint, accepted, &cell)), cell
}

// agentChanged reports whether user_agent_change weighs the event already: a
// browser that was updated has another fingerprint, too.
func agentChanged(in *Input) bool {
	from, to := in.Session.Agent, in.Agent
	if from.Family == "" || to.Family == "" {
		return false
	}
	value, _, _ := agentChange(from, to)
	return value > 0
}

// lastDevice is what the session last had of each, id and fingerprint: an event
// that leaves one out doesn't launder the next.
func lastDevice(s *riskd.Session) riskd.DeviceMark {
	last := s.Device
	for i := range s.Devices {
		if last.ID == 0 {
			last.ID = s.Devices[i].ID
		}
		if last.Fingerprint == 0 {
			last.Fingerprint = s.Devices[i].Fingerprint
		}
	}
	return last
}

func compareMark(now, last uint64, same, other string) (word string, changed bool) {
	switch {
	case now == 0:
		return "absent", false
	case last == 0 || now == last:
		return same, false
	}
	return other, true
}

// acceptedDevice reports whether the session has accepted a device that agrees
// in all that the event carries: many calls carry the id alone.
func acceptedDevice(s *riskd.Session, m riskd.DeviceMark) bool {
	for _, d := range s.Devices {
		if (m.ID == 0 || d.ID == m.ID) && (m.Fingerprint == 0 || d.Fingerprint == m.Fingerprint) {
			return true
		}
	}
	return false
}

// backToDevice is the evidence of a return to an accepted device: none, unless
// the session left it less than ten minutes ago.
func backToDevice(now time.Time, cell *riskd.Cell) float64 {
	if unixSeconds(now)-cell[deviceChangedAt] > alternationWithin.Seconds() {
		return 0
	}
	nats := min(backAndForthNats, backAndForthMost-cell[backAndForth])
	cell[backAndForth] += nats
	cell[backAndForths]++
	return nats
}

func withoutDevice(in *Input, last riskd.DeviceMark, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	if last == (riskd.DeviceMark{}) || in.login() || in.Event.Request.Class == riskd.ClassOpen {
		return riskd.NotEvaluableFor("device"), cell
	}
	nats := 0.0
	if cell[deviceVanished] == 0 {
		cell[deviceVanished] = 1
		nats = vanishedNats
	}
	return measured(4, nats, deviceDetails(in, riskd.DeviceMark{}, "absent", "absent", false, &cell)), cell
}

func deviceAtLogin(in *Input, mark riskd.DeviceMark, cell *riskd.Cell) riskd.Reading {
	if in.Profile.Young() {
		return riskd.NotEvaluableFor("history")
	}
	knownID, knownFingerprint, knownAgent := in.Profile.HasDevice(mark, in.Agent, in.Now)
	id, newID := atLogin(mark.ID, knownID)
	fingerprint, newFingerprint := atLogin(mark.Fingerprint, knownFingerprint)
	value := 0.0
	if newFingerprint {
		value++
	}
	if newID {
		value += 2
	}
	nats := float64(strangerNats)
	switch {
	case knownID && knownFingerprint:
		nats = knownDeviceNats
	case knownID:
		nats = knownIDNats
	case knownFingerprint, driftedDevice(in):
		nats = 0
	case knownAgent:
		nats = newDeviceNats
	}
	return measured(value, nats, deviceDetails(in, mark, id, fingerprint, false, cell))
}

func atLogin(mark uint64, known bool) (word string, unknown bool) {
	switch {
	case mark == 0:
		return "absent", false
	case known:
		return "known", false
	}
	return "new", true
}

func deviceDetails(in *Input, mark riskd.DeviceMark, id, fingerprint string, accepted bool, cell *riskd.Cell) details {
	knownID, knownFingerprint, _ := in.Profile.HasDevice(mark, riskd.Agent{}, in.Now)
	return details{text(id), text(fingerprint), flag(accepted), flag(knownID || knownFingerprint), number(cell[backAndForths])}
}

// unixSeconds is a time as a cell keeps it, exact to a microsecond.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
