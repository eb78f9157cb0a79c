package signals

import (
	"strings"

	"github.com/medama-io/go-useragent"
	"github.com/riskd/riskd"
)

var agents = useragent.NewParser()

// ParseAgent reads a user agent. What isn't a browser is known by its first
// product (curl, python-requests); an empty user agent is the zero Agent.
func ParseAgent(userAgent string) riskd.Agent {
	if userAgent == "" {
		return riskd.Agent{}
	}
	parsed := agents.Parse(userAgent)
	a := riskd.Agent{Family: string(parsed.Browser()), OS: string(parsed.OS())}
	if a.Family == "" {
		a.Family, a.Major, a.Minor = product(userAgent)
		return a
	}
	if parsed.IsBot() && strings.Contains(userAgent, headless+"/") {
		a.Family = headless
	}
	a.Major, a.Minor = version(parsed.BrowserVersion())
	return a
}

// headless is Chrome driven by a program; the parser takes it for Chrome.
const headless = "HeadlessChrome"

// maxFamily bounds what a session remembers of a name that callers choose.
const maxFamily = 32

// product reads the first product token, name/version (RFC 9110 §10.1.5).
func product(s string) (family string, major, minor int) {
	token, _, _ := strings.Cut(strings.TrimLeft(s, " "), " ")
	name, v, _ := strings.Cut(token, "/")
	// A copy, so that a session doesn't hold on to the whole header.
	family = strings.Clone(name[:min(len(name), maxFamily)])
	major, minor = version(v)
	return family, major, minor
}

// version reads the two first numbers of a version; what isn't there is 0.
func version(v string) (major, minor int) {
	major, rest := leadingNumber(v)
	if strings.HasPrefix(rest, ".") {
		minor, _ = leadingNumber(rest[1:])
	}
	return major, minor
}

// maxVersion is where version numbers stop growing: a header may hold any digits.
const maxVersion = 1_000_000

func leadingNumber(s string) (n int, rest string) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return n, s[i:]
		}
		n = min(n*10+int(s[i]-'0'), maxVersion)
	}
	return n, ""
}
