package gateway

import (
	"strings"
	"unicode/utf8"
)

// readPath takes the path of a request's URI apart: as it was sent, and
// percent-decoded once. It isn't ok if servers are known to read the path in
// different ways: some take out dot segments, join slashes, cut ;parameters off,
// take \ for /, or decode twice, and which of them stands behind the gateway isn't
// known here.
//
// What may be percent-encoded is what means nothing in a path, so that both
// readings have the same segments.
func readPath(uri string) (raw, decoded string, ok bool) {
	raw, _, _ = strings.Cut(uri, "?")
	if raw == "" || raw[0] != '/' {
		return "", "", false
	}
	decoded, ok = decodePath(raw)
	if !ok || !utf8.ValidString(decoded) {
		return "", "", false
	}
	for rest, more := decoded[1:], true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if more && segment == "" || segment != "" && strings.Trim(segment, ".") == "" {
			return "", "", false
		}
	}
	return raw, decoded, true
}

// decodePath decodes what is percent-encoded, unless it means something to
// somebody.
func decodePath(raw string) (decoded string, ok bool) {
	var out []byte // nil as long as nothing was encoded
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c <= ' ' || meansSomething(c) {
			return "", false
		}
		if c != '%' {
			if out != nil {
				out = append(out, c)
			}
			continue
		}
		if i+2 >= len(raw) {
			return "", false
		}
		high, low := unhex(raw[i+1]), unhex(raw[i+2])
		if high > 15 || low > 15 {
			return "", false
		}
		b := high<<4 | low
		if b < ' ' || b == '/' || b == '%' || b == '?' || meansSomething(b) {
			return "", false
		}
		if out == nil {
			out = append(make([]byte, 0, len(raw)), raw[:i]...)
		}
		out = append(out, b)
		i += 2
	}
	if out == nil {
		return raw, true
	}
	return string(out), true
}

func meansSomething(c byte) bool { return c == '\\' || c == ';' || c == '#' || c == 0x7f }

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}
