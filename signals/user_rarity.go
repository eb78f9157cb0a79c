package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "user_rarity",
		Doc:   "How much likelier what a login comes with is of somebody else than of its user, as far as logins told it before: by network (prefix, autonomous system, country), agent (with its version, without) and device id, after Freeman et al. 2016 in the smoothed form. Value and details hold for the whole session. Its nats are only what the population adds to new_network, new_country and device_change, which weigh that something is new: how rare a network is among all users that is new to this one, and how rare his new browser or language. They need no history, so that they count for young profiles, too. Missing at a login while fewer than 50 arrivals have been learned from: crowd.",
		Value: "sum of the features' ln(p(feature) / p(feature | user)) at the session's login; below 0 where they are his own, 0 without a login or a history",
		Details: []riskd.Detail{
			{Name: "network", Doc: "the part that the network has in the value"},
			{Name: "agent", Doc: "the part that browser and system have"},
			{Name: "device", Doc: "the part that the device id has"},
			{Name: "asn_share", Doc: "share of all arrivals that came from this network, at this login, 0 to 1; 0 when unknown or no login"},
			{Name: "agent_share", Doc: "share of all arrivals with this browser and system, likewise"},
			{Name: "language_share", Doc: "share of all arrivals with this language, likewise"},
		},
		Memory: true,
	}, measureUserRarity)
}

// The weights of the levels of a network and of an agent: those of the authors' own
// code (das-group/rba-algorithm), the levels of the agent taken together as riskd
// counts them: whole string and browser with version, system and type of device.
var (
	networkLevels = [...]float64{0.6, 0.3, 0.1}
	agentLevels   = [...]float64{0.8067, 0.1933}
)

// What the rarity of something new adds: rarityNats for each nat by which it is
// rarer than the usual, a network that 5 % of all use. Logins of honest users have
// -ln share 2.06 in the median, 7.91 at the 95th percentile and 10.92 at the 99th,
// takeovers 12.23 in the median (counted in the RBA data set, whose takeovers
// flatter rarity); slope and bounds are assumed (docs/detection.md). Large
// networks are where honest users are found, but not those that hide their users.
const (
	rarityNats        = 0.35
	usualRarity       = 3
	commonNetworkMost = -1
	rareNetworkMost   = 2
	rareAgentMost     = 1.5
	rareLanguageMost  = 0.5
)

// What user_rarity keeps in its cell.
const (
	rarityNetwork = iota
	rarityAgent
	rarityDevice
)

func measureUserRarity(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	c := in.Crowd
	if !in.login() || !c.Looked {
		return rarity(&cell, 0, details{}), cell
	}
	if c.Arrivals < crowdLeast {
		return riskd.NotEvaluableFor("crowd"), cell
	}
	cell = riskd.Cell{rarityNetwork: networkRatio(in), rarityAgent: agentRatio(in), rarityDevice: deviceRatio(in)}
	nats, d := 0.0, details{}
	if in.Event.Place.ASN != 0 {
		d[3] = number(shareOf(c, c.ASN))
		nats += networkRarity(in, d[3].Number)
	}
	_, network := ownPlace(in)
	newAgent := in.Agent.Family != "" && !ownAgent(in)
	if in.Agent.Family != "" {
		d[4] = number(shareOf(c, c.Browser))
		if newAgent {
			nats += clamp(rareBy(d[4].Number), 0, rareAgentMost)
		}
	}
	if in.Event.Client.Language != "" {
		d[5] = number(shareOf(c, c.Language))
		if newAgent || !network {
			nats += clamp(rareBy(d[5].Number), 0, rareLanguageMost)
		}
	}
	return rarity(&cell, nats, d), cell
}

func rarity(cell *riskd.Cell, nats float64, d details) riskd.Reading {
	d[0], d[1], d[2] = number(cell[rarityNetwork]), number(cell[rarityAgent]), number(cell[rarityDevice])
	return measured(cell[rarityNetwork]+cell[rarityAgent]+cell[rarityDevice], nats, d)
}

func rareBy(share float64) float64 { return rarityNats * (-math.Log(share) - usualRarity) }

// networkRarity is what its share says of a network that is new to the user.
func networkRarity(in *Input, share float64) float64 {
	least := float64(commonNetworkMost)
	if in.Event.Place.Network.Anonymous() {
		least = 0
	}
	if prefix, network := ownPlace(in); prefix || network {
		return 0
	}
	return clamp(rareBy(share), least, rareNetworkMost)
}

// mixture is a feature's probability in the population and for a user, over its
// levels.
type mixture struct{ all, user float64 }

// add takes a level in, of which the user has had a part in his sessions.
func (m *mixture) add(weight, share, part, sessions float64) {
	m.all += weight * share
	m.user += weight * (part*sessions + share) / (sessions + 1)
}

// ratio is ln(p/p_u); without a level it says nothing.
func (m *mixture) ratio() float64 {
	if m.all == 0 {
		return 0
	}
	return math.Log(m.all / m.user)
}

func networkRatio(in *Input) float64 {
	c, here, m := in.Crowd, riskd.ContextOf(in.Event), mixture{}
	var all float64
	var had [len(networkLevels)]float64
	for i := range in.Profile.Contexts {
		s := &in.Profile.Contexts[i]
		if s.Count == 0 || !s.Tenure.Settled(in.Now) {
			continue
		}
		n := float64(s.Count)
		all += n
		for level, same := range [...]bool{s.Prefix == here.Prefix, s.ASN == here.ASN, s.Country == here.Country} {
			if same {
				had[level] += n
			}
		}
	}
	known := [...]bool{here.Prefix != 0, here.ASN != 0, here.Country != riskd.Country{}}
	for level, p := range [...]riskd.Popularity{c.Prefix, c.ASN, c.Country} {
		if known[level] {
			m.add(networkLevels[level], shareOf(c, p), part(had[level], all), sessionsOf(in.Profile, all))
		}
	}
	return m.ratio()
}

func agentRatio(in *Input) float64 {
	if in.Agent.Family == "" {
		return 0
	}
	c, m := in.Crowd, mixture{}
	var all, browser, version float64
	for i := range in.Profile.Devices {
		d := &in.Profile.Devices[i]
		if d.Count == 0 || d.Agent.Family == "" || !d.Tenure.Settled(in.Now) {
			continue
		}
		n := float64(d.Count)
		all += n
		if d.Agent.Family == in.Agent.Family && d.Agent.OS == in.Agent.OS {
			browser += n
			if d.Agent.Major == in.Agent.Major {
				version += n
			}
		}
	}
	sessions := sessionsOf(in.Profile, all)
	m.add(agentLevels[0], shareOf(c, c.Agent), part(version, all), sessions)
	m.add(agentLevels[1], shareOf(c, c.Browser), part(browser, all), sessions)
	return m.ratio()
}

func deviceRatio(in *Input) float64 {
	mark := riskd.MarkOf(&in.Event.Device)
	if mark.ID == 0 {
		return 0
	}
	var all, same float64
	for i := range in.Profile.Devices {
		d := &in.Profile.Devices[i]
		if d.Count == 0 || d.ID == 0 || !d.Tenure.Settled(in.Now) {
			continue
		}
		all += float64(d.Count)
		if d.ID == mark.ID {
			same += float64(d.Count)
		}
	}
	m := mixture{}
	m.add(1, shareOf(in.Crowd, in.Crowd.Device), part(same, all), sessionsOf(in.Profile, all))
	return m.ratio()
}

func part(had, all float64) float64 {
	if all == 0 {
		return 0
	}
	return had / all
}

// sessionsOf is how many logins a history is worth: none where nothing was told,
// and no more than a hundred.
func sessionsOf(p *riskd.Profile, all float64) float64 {
	if all == 0 {
		return 0
	}
	return float64(min(p.Sessions, 100))
}
