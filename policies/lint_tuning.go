package policies

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// locate finds a member of a JSON document by its path as faults write it, such
// as timeouts.limits[0].idle: the line and column of its name. Where the path
// goes on and the document doesn't, it is the last that is there.
func locate(text []byte, path string) (line, column int) {
	at, best := -1, ""
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		before := int(d.InputOffset())
		if _, err := d.ReadToken(); err != nil {
			break
		}
		here := pathOf(d)
		if !(here == path || strings.HasPrefix(path, here) && strings.ContainsRune(".[", rune(path[len(here)]))) {
			continue
		}
		if at < 0 || len(here) > len(best) {
			best = here
			at = before + len(text[before:]) - len(bytes.TrimLeft(text[before:], " \t\r\n,:"))
		}
	}
	if at < 0 || best == "" {
		return 0, 0
	}
	start := bytes.LastIndexByte(text[:at], '\n') + 1
	return 1 + bytes.Count(text[:at], []byte("\n")), 1 + utf8.RuneCount(text[start:at])
}

// pathOf is where a decoder is, as faults write it.
func pathOf(d *jsontext.Decoder) string {
	var path strings.Builder
	depth := 0
	for name := range d.StackPointer().Tokens() {
		depth++
		switch kind, _ := d.StackIndex(depth); {
		case kind == '[':
			fmt.Fprintf(&path, "[%s]", name)
		case path.Len() > 0:
			path.WriteString("." + name)
		default:
			path.WriteString(name)
		}
	}
	return path.String()
}
