package signals

import "github.com/riskd/riskd"

// otherMachine reports whether the event comes from another machine than the
// session's last ones: another first-party id, fingerprint, browser or system,
// each compared only where both sides have it.
func otherMachine(in *Input) bool {
	last, now := lastDevice(in.Session), riskd.MarkOf(&in.Event.Device)
	_, id := compareMark(now.ID, last.ID, "", "")
	_, fingerprint := compareMark(now.Fingerprint, last.Fingerprint, "", "")
	return id || fingerprint && !agentChanged(in) || otherBrowser(in)
}

// ownMachine reports whether the event comes from a machine of the user's, by the
// first-party id that only this machine should know.
func ownMachine(in *Input) bool {
	id, _, _ := in.Profile.HasDevice(riskd.MarkOf(&in.Event.Device), in.Agent, in.Now)
	return id
}

func otherBrowser(in *Input) bool {
	from, to := in.Session.Agent, in.Agent
	return from.Family != "" && to.Family != "" && (from.Family != to.Family || from.OS != to.OS)
}
