package tune

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Rewrite gives a tuning.json with the changed numbers in it. All else stays as it
// is, to the byte: members, their order, and how they are laid out. The document must
// be one that a pack was compiled of.
func Rewrite(document []byte, changes []Change) ([]byte, error) {
	out := bytes.Clone(document)
	for i := range changes {
		c := &changes[i]
		value := strconv.FormatFloat(c.to, 'f', -1, 64)
		if c.duration {
			value = strconv.Quote(c.To)
		}
		var err error
		if out, err = setMember(out, c.Path, value); err != nil {
			return nil, fmt.Errorf("tuning.json: %s: %w", c.Name(), err)
		}
	}
	return out, nil
}

var errNoObject = errors.New("is no object there")

// setMember puts a value in the place of a path's, or where it belongs if there is
// none.
func setMember(data []byte, path []string, value string) ([]byte, error) {
	at := space(data, 0)
	for depth, name := range path {
		if at >= len(data) || data[at] != '{' {
			return nil, errNoObject
		}
		o := objectAt(data, at)
		from, to, ok := o.find(name)
		if !ok {
			return o.insert(data, depth, strconv.Quote(name)+": "+wrapped(path[depth+1:], value)), nil
		}
		if depth == len(path)-1 {
			return splice(data, from, to, value), nil
		}
		at = from
	}
	return data, nil
}

// wrapped writes a value below the rest of a path.
func wrapped(path []string, value string) string {
	for i := len(path) - 1; i >= 0; i-- {
		value = "{" + strconv.Quote(path[i]) + ": " + value + "}"
	}
	return value
}

func splice(data []byte, from, to int, text string) []byte {
	return append(append(append(make([]byte, 0, len(data)+len(text)), data[:from]...), text...), data[to:]...)
}

// object is where an object's members lie.
type object struct {
	start, end int // of its braces; end is the closing one's place
	members    []member
}

type member struct {
	name     string
	at       int // of the name
	from, to int // of the value
}

func objectAt(data []byte, at int) object {
	o := object{start: at}
	at = space(data, at+1)
	for data[at] != '}' {
		m := member{at: at}
		end := value(data, at)
		m.name, _ = strconv.Unquote(string(data[at:end]))
		m.from = space(data, space(data, end)+1) // behind the colon
		m.to = value(data, m.from)
		o.members = append(o.members, m)
		if at = space(data, m.to); data[at] == ',' {
			at = space(data, at+1)
		}
	}
	o.end = at
	return o
}

func (o *object) find(name string) (from, to int, ok bool) {
	for _, m := range o.members {
		if m.name == name {
			return m.from, m.to, true
		}
	}
	return 0, 0, false
}

// insert adds a member at the end, on a line of its own where the others have theirs
// and in an empty object of the first level.
func (o *object) insert(data []byte, depth int, text string) []byte {
	if n := len(o.members); n > 0 {
		sep := ", "
		if before := data[o.start:o.members[0].at]; bytes.IndexByte(before, '\n') >= 0 {
			sep = "," + string(before[bytes.LastIndexByte(before, '\n'):])
		}
		return splice(data, o.members[n-1].to, o.members[n-1].to, sep+text)
	}
	if depth != 1 {
		return splice(data, o.start, o.end+1, "{"+text+"}")
	}
	line := data[bytes.LastIndexByte(data[:o.start], '\n')+1 : o.start]
	indent := string(line[:len(line)-len(strings.TrimLeft(string(line), " \t"))])
	return splice(data, o.start, o.end+1, "{\n"+indent+indent+text+"\n"+indent+"}")
}

func space(data []byte, at int) int {
	for at < len(data) && bytes.IndexByte([]byte(" \t\r\n"), data[at]) >= 0 {
		at++
	}
	return at
}

// value gives the end of the value that begins at a place.
func value(data []byte, at int) int {
	depth := 0
	for ; at < len(data); at++ {
		switch data[at] {
		case '"':
			for at++; data[at] != '"'; at++ {
				if data[at] == '\\' {
					at++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',', ' ', '\t', '\r', '\n', ':':
			continue
		default:
			for at+1 < len(data) && bytes.IndexByte([]byte(",]} \t\r\n"), data[at+1]) < 0 {
				at++
			}
		}
		if depth == 0 {
			return at + 1
		}
	}
	return at
}
