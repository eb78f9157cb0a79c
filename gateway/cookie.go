package gateway

import (
	"net/url"
	"strings"
)

// cookie finds the value of a cookie, "" if there is none. A cookie that comes
// twice with different values is an error: which of them the application takes
// can't be known.
//
// The value is what is left without quotes and percent-encoding. Applications
// that see through these would take another spelling for the same session, and
// riskd would take it for one that was never revoked. net/http's own parser is
// no use here: it drops cookies that it doesn't like and goes on.
func cookie(lines []string, name string) (value string, err error) {
	found := false
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			n, v, ok := strings.Cut(pair, "=")
			if !ok || strings.Trim(n, " \t") != name {
				continue
			}
			v, err := cookieValue(strings.Trim(v, " \t"))
			if err != nil || found && v != value {
				return "", errMalformed
			}
			value, found = v, true
		}
	}
	return value, nil
}

func cookieValue(v string) (string, error) {
	if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
		v = v[1 : len(v)-1]
	}
	if !strings.Contains(v, "%") {
		return v, nil
	}
	return url.PathUnescape(v)
}
