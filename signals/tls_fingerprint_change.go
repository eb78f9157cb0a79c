package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "tls_fingerprint_change",
		Doc:   "Whether the session goes on in another TLS stack, by the client's JA4: TLS version and ciphers belong to a library, and don't change under a running browser. Extensions and ALPN do: resumption adds an extension, a WebSocket offers another protocol, an update brings new ones. TCP and QUIC are compared each with itself, as one browser speaks both and differently. Requests of class open aren't compared (missing: class): media players and downloads have stacks of their own. Missing otherwise: ja4, and history for the first of a transport.",
		Value: "0 the same, 1 only the number or list of extensions or the ALPN changed, 2 another stack, 3 back in the stack before",
		Details: []riskd.Detail{
			{Name: "transport", Kind: riskd.Text, Doc: "tcp or quic"},
			{Name: "ja4", Kind: riskd.Text, Doc: "the request's JA4"},
			{Name: "returns", Doc: "how often the session has gone back to the stack before, at most 255"},
		},
		Memory: true,
	}, measureTLSFingerprintChange)
}

// otherStackNats are for another library: assumed, tuned in simulation with
// 4e-4 honest changes a request (docs/detection.md). A return is what the end of
// an honest change looks like, too, and extensions change all the time: both are
// assumed, as is what they come to in a session at most.
const (
	otherStackNats = 4
	otherStackMost = 2 // times a session
	stackBackNats  = 1
	stackBackMost  = 2 // times a session
	extensionNats  = 0.5
	extensionMost  = 2 // times a session
)

// What tls_fingerprint_change keeps in its cell. Stacks and extensions are marks
// of stackBits.
const (
	stackTCP     = iota // the stack and extensions last seen
	stackQUIC           // likewise
	stacksBefore        // the stacks before, TCP and QUIC
	stackCounts         // returns, other stacks, other extensions
)

const stackBits = 26

func measureTLSFingerprintChange(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	hello, ok := parseJA4(in.Event.Client.JA4)
	switch {
	case !ok:
		return riskd.NotEvaluableFor("ja4"), cell
	case in.Event.Request.Class == riskd.ClassOpen:
		return riskd.NotEvaluableFor("class"), cell
	}
	slot, transport := stackTCP, "tcp"
	if hello.quic {
		slot, transport = stackQUIC, "quic"
	}
	last := unpack(cell[slot])
	stack, extensions := last.take(stackBits), last.take(stackBits)
	cell[slot] = pair(hello.stack, hello.extensions)
	if stack == 0 {
		return riskd.NotEvaluableFor("history"), cell
	}
	counts := readStackCounts(cell[stackCounts])
	value, nats := 0.0, 0.0
	switch {
	case hello.stack != stack:
		value, nats = otherStack(in, &cell, slot, stack, hello.stack, &counts)
	case hello.extensions != extensions:
		value, nats = 1, counts.otherExtensions(in)
	}
	cell[stackCounts] = counts.float()
	return measured(value, nats, details{text(transport), text(in.Event.Client.JA4), number(float64(counts.returns))}), cell
}

// otherStack weighs a change of the library, and remembers which was left. Where
// another browser or system came with it, user_agent_change has weighed it.
func otherStack(in *Input, cell *riskd.Cell, slot, from, to int, n *tlsCounts) (value, nats float64) {
	was := unpack(cell[stacksBefore])
	before := [2]int{stackTCP: was.take(stackBits), stackQUIC: was.take(stackBits)}
	back := before[slot] == to
	before[slot] = from
	cell[stacksBefore] = pair(before[stackTCP], before[stackQUIC])
	switch {
	case back:
		n.returns++
		if n.returns <= stackBackMost && !otherBrowser(in) {
			return 3, stackBackNats
		}
		return 3, 0
	case otherBrowser(in) || n.stacks >= otherStackMost:
		return 2, 0
	}
	n.stacks++
	return 2, otherStackNats
}

// tlsCounts are what has happened in the session so far.
type tlsCounts struct{ returns, stacks, extensions int }

func readStackCounts(x float64) tlsCounts {
	b := unpack(x)
	return tlsCounts{returns: b.take(8), stacks: b.take(4), extensions: b.take(4)}
}

func (n *tlsCounts) float() float64 {
	var b packed
	b.put(n.returns, 8)
	b.put(n.stacks, 4)
	b.put(n.extensions, 4)
	return b.float()
}

// otherExtensions weighs a change within the library; a browser that was updated
// has others, and user_agent_change has weighed it.
func (n *tlsCounts) otherExtensions(in *Input) float64 {
	if agentChanged(in) || n.extensions >= extensionMost {
		return 0
	}
	n.extensions++
	return extensionNats
}

func pair(a, b int) float64 {
	var p packed
	p.put(a, stackBits)
	p.put(b, stackBits)
	return p.float()
}

// clientHello is what a JA4 tells of a client: marks of its library and of the
// extensions that this connection offered.
type clientHello struct {
	quic              bool
	stack, extensions int
}

// parseJA4 reads a JA4 (FoxIO's specification): t13d1516h2_8daaf6152771_e5627efa2ab1
// is the transport, the TLS version, whether a name is asked for, how many ciphers
// and extensions there are, the ALPN, then hashes of the sorted ciphers and of the
// sorted extensions with the signature algorithms. GREASE is in none of them.
func parseJA4(s string) (h clientHello, ok bool) {
	const length = len("t13d1516h2_8daaf6152771_e5627efa2ab1")
	if len(s) != length || s[10] != '_' || s[23] != '_' || s[0] != 't' && s[0] != 'q' {
		return clientHello{}, false
	}
	version, ciphers, cipherHash := s[1:3], s[4:6], s[11:23]
	rest, extensionHash := s[6:10], s[24:]
	return clientHello{
		quic:       s[0] == 'q',
		stack:      shortMark(fnv(version, ciphers, cipherHash)),
		extensions: shortMark(fnv(rest, extensionHash)),
	}, true
}

// shortMark folds a hash into stackBits; it is never 0.
func shortMark(h uint64) int { return int(uint64(mark(h))&(1<<stackBits-1)) | 1 }
