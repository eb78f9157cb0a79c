package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "proxy_login",
		Doc:   "Whether a login, or a later authentication, comes through somebody in the middle: the client tells the user's browser, but speaks TLS like a program (by the part of its JA4 that the library decides). Compared with what browser and system speak among all users, where at least 50 sightings are known, and with what the user's own did. No evidence where the user's own prefix or device id comes with it, where the prefix always has many users, or where a good part of the browser's users came with that stack today: inspecting proxies, virus scanners and releases change it for everybody behind them. Weighed once a session. Missing: ja4, as over QUIC, where the same browser offers other ciphers; user_agent; crowd, where neither the population nor the user's own browser tells what it speaks.",
		Value: "0 the stack fits, 1 one that hardly anybody's browser of that kind speaks, 2 another than the user's own spoke, 3 both; as of the last authentication",
		Details: []riskd.Detail{
			{Name: "share", Doc: "share of the browser's sightings with this stack, 0 to 1; -1 when too few are known or this is no authentication"},
			{Name: "sightings", Doc: "how many sightings of browser and system are known"},
			{Name: "explained", Kind: riskd.Text, Doc: "why an unfit stack is no evidence: place, device, prefix, release or weighed (before in this session); none when nothing does"},
			{Name: "relayed", Doc: "1 when the agent is the user's own and the device id isn't, else 0"},
		},
		Memory: true,
	}, measureProxyLogin)
}

// A stack that less than unfitShare of a browser's sightings show doesn't fit:
// unfitNats are assumed and held up in simulation, all others assumed
// (docs/detection.md). What goes together makes the pattern of a relayed login
// likelier than its parts, which have rules of their own.
const (
	unfitSightings = 50
	unfitShare     = 0.01
	unfitNats      = 4
	notOwnNats     = 2.5 // another stack than the user's own spoke, where the population doesn't tell
	relayedNats    = 1   // the user's own agent on a device id that isn't
	hiddenRelay    = 0.5 // in a network that hides its users
	releaseShare   = 0.05
	releaseLeast   = 3 // users
	officeUsers    = 5 // a day
)

// What proxy_login keeps in its cell.
const (
	proxyValue = iota
	proxyWeighed
)

func measureProxyLogin(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	e, c := in.Event, in.Crowd
	if !in.login() && !e.Session.AuthTime.After(in.Session.AuthTime) || e.User.ID == "" {
		return measured(cell[proxyValue], 0, details{number(-1), {}, text("none")}), cell
	}
	stack := riskd.StackMark(e.Client.JA4)
	switch {
	case in.Agent.Family == "":
		return riskd.NotEvaluableFor("user_agent"), cell
	case stack == 0:
		return riskd.NotEvaluableFor("ja4"), cell
	}
	own, other := ownStack(in, stack)
	told := c.Looked && c.Browser.Count >= unfitSightings
	if !told && !own && !other {
		return riskd.NotEvaluableFor("crowd"), cell
	}
	d := details{number(-1), number(c.Browser.Count), text("none")}
	cell[proxyValue] = 0
	if told {
		d[0] = number(c.Stack.Count / c.Browser.Count)
	}
	if own || told && !other && d[0].Number >= unfitShare {
		return measured(0, 0, d), cell
	}
	nats := 0.0
	if told && d[0].Number < unfitShare {
		cell[proxyValue], nats = 1, unfitNats
	}
	if other {
		cell[proxyValue] += 2
		if !told {
			nats = notOwnNats
		}
	}
	why := excuse(in, &cell)
	d[2] = text(why)
	if nats == 0 || why != "none" {
		return measured(cell[proxyValue], 0, d), cell
	}
	cell[proxyWeighed] = 1
	if ownAgent(in) {
		d[3] = number(1)
		nats += relayedNats
	}
	if e.Place.Network.Anonymous() {
		nats += hiddenRelay
	}
	return measured(cell[proxyValue], nats, d), cell
}

// ownStack compares with what the user's own devices spoke in the same version of
// the same browser: whether one spoke this, or they all spoke something else.
func ownStack(in *Input, stack uint32) (own, other bool) {
	for i := range in.Profile.Devices {
		d := &in.Profile.Devices[i]
		if d.Count == 0 || d.Stack == 0 || d.Agent.Family != in.Agent.Family || d.Agent.OS != in.Agent.OS || !d.Tenure.Settled(in.Now) {
			continue
		}
		own = own || d.Stack == stack
		other = other || d.Agent.Major == in.Agent.Major
	}
	return own, other && !own
}

// excuse names what explains an unfit stack, "none" if nothing does. A proxy in the
// middle has neither the user's prefix nor his device id: browsers send a cookie to
// the site alone that set it.
func excuse(in *Input, cell *riskd.Cell) string {
	c := in.Crowd
	prefix, _ := ownPlace(in)
	hidden := in.Event.Place.Network.Anonymous()
	switch {
	case cell[proxyWeighed] != 0:
		return "weighed"
	case ownMachine(in):
		return "device"
	case prefix && !hidden:
		return "place"
	case usualUsers(c.Prefix) >= officeUsers && !hidden:
		return "prefix"
	case c.Stack.Users >= releaseLeast-0.5 && c.Stack.Users >= releaseShare*c.Browser.Users:
		return "release"
	}
	return "none"
}
