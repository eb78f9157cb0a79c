package signals

import (
	"math"
	mathbits "math/bits"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "automation",
		Doc:   "Whether the requests look scripted: at the regular pace that no hand keeps, or sent by a program where the user has only used browsers. Calls within half a second of the last belong to it, as a page makes many; requests of class open and background activity don't count. A page that polls is regular, too, but asks for the same one or two things: regular pace is evidence while it goes to three or more. What is faster than twice a second is request_rate's, a browser that becomes a program within the session user_agent_change's.",
		Value: "0 nothing looks scripted, 1 the pace, 2 the program, 3 both",
		Details: []riskd.Detail{
			{Name: "gaps", Doc: "how many gaps the pace was taken from, up to about 10; 0 after a pause of two minutes"},
			{Name: "mean_gap_s", Doc: "their mean, in seconds, the last ones with more weight"},
			{Name: "variation", Doc: "their coefficient of variation: standard deviation by mean; 0 is a clock, 1 is chance"},
			{Name: "targets", Doc: "how many different things the last 8 to 16 of these requests asked for, by method, route and object; at most 16"},
			{Name: "agent", Kind: riskd.Text, Doc: "browser, program (a library, a command, a browser without a window) or absent"},
		},
		Memory: true,
	}, measureAutomation)
}

// The shape of the measure. Ten gaps, 0.25 and 0.7 are assumed, and held up in
// simulation (docs/detection.md); people's gaps vary by 1 and more. The rest is
// assumed. The evidence is for each gap of the run, so that it comes for all of
// them at once when they are enough to see it; its bound stays below a step-up,
// as a wallboard that goes round its pages is as regular as a script.
const (
	actGap          = 0.5 // seconds
	pauseGap        = 120 // seconds
	regularAfter    = 6   // gaps
	regularWindow   = 10  // gaps
	regularCV       = 0.25
	regularTargets  = 3
	regularNats     = 0.7 // a gap
	regularMost     = 12  // gaps a session: 8.4 nats
	programNats     = 1.5 // at a login
	agentAbsentNats = 1   // once a session
)

// What automation keeps in its cell.
const (
	calledAt    = iota // Unix seconds of the last call that counted
	gapMean            // seconds
	gapVariance        // seconds²
	paceState
)

// pace is what automation packs into one number.
type pace struct {
	gaps     int  // seen so far, up to regularWindow
	regular  bool // at the last request
	credited int  // gaps that were evidence
	absent   bool // a request has come without a user agent
	phase    int  // requests in the newer sketch
	newer    int  // sketches of 16 bits of what was asked for
	older    int
}

func readPace(x float64) pace {
	b := unpack(x)
	return pace{
		gaps: b.take(4), regular: b.take(1) == 1, credited: b.take(4), absent: b.take(1) == 1,
		phase: b.take(4), newer: b.take(16), older: b.take(16),
	}
}

func (p *pace) float() float64 {
	var b packed
	b.put(p.gaps, 4)
	b.put(one(p.regular), 1)
	b.put(p.credited, 4)
	b.put(one(p.absent), 1)
	b.put(p.phase, 4)
	b.put(p.newer, 16)
	b.put(p.older, 16)
	return b.float()
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func measureAutomation(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	p := readPace(cell[paceState])
	value, nats := 0.0, 0.0
	r := in.Event.Request
	if r.Class != riskd.ClassOpen && r.Activity != riskd.Background {
		nats = p.step(in, &cell)
	}
	variation := 0.0
	if cell[gapMean] > 0 {
		variation = math.Sqrt(cell[gapVariance]) / cell[gapMean]
	}
	if p.regular {
		value = 1
	}
	agent, more := p.agent(in)
	if agent == "program" {
		value += 2
	}
	cell[paceState] = p.float()
	return measured(value, nats+more, details{
		number(float64(p.gaps)), number(cell[gapMean]), number(variation), number(float64(p.targets())), text(agent),
	}), cell
}

// step takes one request into the pace, and gives what its gap is evidence of.
func (p *pace) step(in *Input, cell *riskd.Cell) float64 {
	now, last := unixSeconds(in.Now), cell[calledAt]
	gap := now - last
	if last > 0 && gap < actGap { // late ones, too
		cell[calledAt] = max(now, last)
		return 0
	}
	cell[calledAt] = now
	if last == 0 || gap > pauseGap {
		*p = pace{credited: p.credited, absent: p.absent}
		cell[gapMean], cell[gapVariance] = 0, 0
		p.see(in)
		return 0
	}
	p.see(in)
	p.gaps = min(p.gaps+1, regularWindow)
	weight := max(1/float64(p.gaps), 2/(regularWindow+1.0))
	delta := gap - cell[gapMean]
	cell[gapMean] += weight * delta
	cell[gapVariance] = (1 - weight) * (cell[gapVariance] + weight*delta*delta)
	was := p.regular
	p.regular = p.gaps >= regularAfter && p.targets() >= regularTargets && math.Sqrt(cell[gapVariance]) < regularCV*cell[gapMean]
	if !p.regular {
		return 0
	}
	gaps := 1
	if !was {
		gaps = p.gaps
	}
	gaps = min(gaps, regularMost-p.credited)
	p.credited += gaps
	return regularNats * float64(gaps)
}

// see sketches what the request asks for.
func (p *pace) see(in *Input) {
	const half = 8
	if p.phase == half {
		p.newer, p.older, p.phase = 0, p.newer, 0
	}
	p.phase++
	r := &in.Event.Request
	p.newer |= 1 << (uint64(mark(fnv(r.Method, r.Route)^r.Object)) % 16)
}

func (p *pace) targets() int { return mathbits.OnesCount(uint(p.newer | p.older)) }

// agent says who sends the request, and what that is worth where no other signal
// weighs it: device_change judges a login that tells a device.
func (p *pace) agent(in *Input) (word string, nats float64) {
	switch {
	case in.Agent.Family == "":
		lost := in.Session.Agent.Family != "" && !in.login() && in.Event.Request.Class != riskd.ClassOpen
		if lost && !p.absent {
			p.absent, nats = true, agentAbsentNats
		}
		return "absent", nats
	case !programs[in.Agent.Family]:
		return "browser", 0
	case in.login() && !in.Profile.Young() && riskd.MarkOf(&in.Event.Device) == riskd.DeviceMark{} && onlyBrowsers(in):
		nats = programNats
	}
	return "program", nats
}

// onlyBrowsers reports whether all that the user is known to sign in from are
// browsers, and applications of their own names.
func onlyBrowsers(in *Input) bool {
	known := false
	for i := range in.Profile.Devices {
		d := &in.Profile.Devices[i]
		if d.Agent.Family == "" || !d.Tenure.Settled(in.Now) {
			continue
		}
		if programs[d.Agent.Family] {
			return false
		}
		known = true
	}
	return known
}

// programs are the products that name themselves so when a program speaks HTTP.
var programs = func() map[string]bool {
	known := map[string]bool{headless: true}
	for _, p := range []string{
		"curl", "Wget", "python-requests", "Python-urllib", "python-httpx", "Python", "aiohttp", "Scrapy",
		"Go-http-client", "okhttp", "Java", "Java-http-client", "Apache-HttpClient", "axios", "node", "node-fetch", "undici",
		"PostmanRuntime", "insomnia", "HTTPie", "libwww-perl", "GuzzleHttp", "Ruby", "Faraday", "RestSharp", "reqwest", "colly", "PhantomJS",
	} {
		known[p] = true
	}
	return known
}()
