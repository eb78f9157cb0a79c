package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "user_agent_change",
		Doc:   "Whether the session goes on in another browser, on another system or in another version of the browser. A browser updates itself forwards under a running session; it never becomes another, and hardly ever goes back. Nothing to compare with at a login (missing: history) or without a user agent (user_agent).",
		Value: "0 same or not comparable version, 1 version forward, 2 version back, 3 another browser family or operating system",
		Details: []riskd.Detail{
			{Name: "from_family", Kind: riskd.Text, Doc: "browser or program of the session's last request"},
			{Name: "to_family", Kind: riskd.Text, Doc: "browser or program of this request"},
			{Name: "from_os", Kind: riskd.Text, Doc: "operating system of the session's last request; empty when unknown"},
			{Name: "to_os", Kind: riskd.Text, Doc: "operating system of this request; empty when unknown"},
			{Name: "major_delta", Doc: "major version of this request less that of the last; 0 between families"},
		},
	}, measureUserAgentChange)
}

// Two random users of the same browser population share the whole user agent in
// 8.7 % of cases, so that equality proves little; within a session a change of
// family or system is nearly always another machine. 7 and 2 are assumed and
// held up in simulation (docs/detection.md); 4 for going back is assumed.
const (
	otherAgentNats  = 7
	versionBackNats = 4
	versionUpNats   = 2
)

func measureUserAgentChange(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	from, to := in.Session.Agent, in.Agent
	switch {
	case to.Family == "":
		return riskd.NotEvaluableFor("user_agent"), cell
	case in.First || from.Family == "":
		return riskd.NotEvaluableFor("history"), cell
	}
	value, nats, majors := agentChange(from, to)
	return measured(value, nats, details{
		text(from.Family), text(to.Family), text(from.OS), text(to.OS), number(float64(majors)),
	}), cell
}

// agentChange weighs the step from one known agent to another.
func agentChange(from, to riskd.Agent) (value, nats float64, majors int) {
	if from.Family != to.Family || from.OS != to.OS {
		return 3, otherAgentNats, 0
	}
	order, majors := compareVersions(from, to)
	switch {
	case order > 0:
		return 1, versionUpNats, majors
	case order < 0:
		return 2, versionBackNats, majors
	}
	return 0, 0, 0
}

// compareVersions says whether the version went forward (above 0) or back, and
// by how many majors. A version that isn't known went nowhere.
func compareVersions(from, to riskd.Agent) (order, majors int) {
	switch {
	case from.Major == 0 || to.Major == 0:
		return 0, 0
	case from.Major != to.Major:
		return to.Major - from.Major, to.Major - from.Major
	}
	return to.Minor - from.Minor, 0
}
