package policies

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// document reads one object of a JSON file strictly: every member has to be
// asked for, every fault is kept, with its path.
type document struct {
	path    string
	members map[string]any
	asked   map[string]bool
	faults  *[]error
}

// parseJSON reads one JSON document: no duplicate names, no invalid UTF-8,
// nothing behind it.
func parseJSON(file string, data []byte) (any, error) {
	var v any
	err := json.Unmarshal(data, &v)
	if err == nil {
		return v, nil
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		before := string(data[:min(int(syntax.ByteOffset), len(data))])
		row := 1 + strings.Count(before, "\n")
		column := len(before) - strings.LastIndexByte(before, '\n')
		at := strings.ReplaceAll(strings.TrimPrefix(string(syntax.JSONPointer), "/"), "/", ".")
		return nil, &Fault{Code: FaultSyntax, File: file, Row: row, Col: column, Path: at, Message: syntax.Err.Error()}
	}
	return nil, &Fault{Code: FaultSyntax, File: file, Message: err.Error()}
}

// merge applies a merge patch (RFC 7386): a null takes a member away.
func merge(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged := map[string]any{}
	if old, ok := target.(map[string]any); ok {
		merged = maps.Clone(old)
	}
	for name, v := range changes {
		if v == nil {
			delete(merged, name)
		} else {
			merged[name] = merge(merged[name], v)
		}
	}
	return merged
}

func (d *document) fault(name, format string, args ...any) {
	path := d.path
	if name != "" && path != "" {
		path += "."
	}
	*d.faults = append(*d.faults, tuningFault(path+name, format, args...))
}

// get asks for a required member.
func (d *document) get(name, want string) (any, bool) {
	v, ok := d.optional(name)
	if !ok {
		d.fault(name, "is required: %s", want)
	}
	return v, ok
}

func (d *document) optional(name string) (any, bool) {
	d.asked[name] = true
	v, ok := d.members[name]
	return v, ok
}

// object asks for a member that is an object; it is empty where that is wrong.
func (d *document) object(name string) *document {
	v, ok := d.get(name, "an object")
	return d.under(name, v, ok)
}

func (d *document) optionalObject(name string) *document {
	v, ok := d.optional(name)
	return d.under(name, v, ok)
}

func (d *document) under(name string, v any, given bool) *document {
	path := name
	if d.path != "" {
		path = d.path + "." + name
	}
	members, ok := v.(map[string]any)
	if given && !ok {
		d.fault(name, "must be an object; it is %s", kindOf(v))
	}
	below := &document{path: path, members: members, asked: map[string]bool{}, faults: d.faults}
	if !ok { // one fault is enough
		below.faults = new([]error)
	}
	return below
}

// objects asks for a member that is a list of objects; it may be empty.
func (d *document) objects(name string) []*document {
	v, ok := d.get(name, "a list of objects")
	list, isList := v.([]any)
	if ok && !isList {
		d.fault(name, "must be a list of objects; it is %s", kindOf(v))
	}
	below := make([]*document, len(list))
	for i, item := range list {
		below[i] = d.under(fmt.Sprintf("%s[%d]", name, i), item, true)
	}
	return below
}

// number asks for a number within bounds, which are included.
func (d *document) number(name string, least, most float64) float64 {
	want := fmt.Sprintf("a number from %g to %g", least, most)
	v, ok := d.get(name, want)
	f, isNumber := v.(float64)
	if ok && (!isNumber || math.IsNaN(f) || f < least || f > most) {
		d.fault(name, "must be %s; it is %s", want, show(v))
	}
	return f
}

// integer asks for a whole number within bounds, which are included.
func (d *document) integer(name string, least, most int) int {
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	v, ok := d.get(name, want)
	f, isNumber := v.(float64)
	if ok && (!isNumber || f != math.Trunc(f) || f < float64(least) || f > float64(most)) {
		d.fault(name, "must be %s; it is %s", want, show(v))
		return 0
	}
	return int(f)
}

const wantDuration = `a duration above 0, such as "90s", "8m" or "4h"`

// duration asks for a duration above 0.
func (d *document) duration(name string) time.Duration {
	d.get(name, wantDuration)
	return d.optionalDuration(name)
}

// optionalDuration is 0 where there is none.
func (d *document) optionalDuration(name string) time.Duration {
	v, ok := d.optional(name)
	s, _ := v.(string)
	length, err := time.ParseDuration(s)
	if ok && (err != nil || length <= 0) {
		d.fault(name, "must be %s; it is %s", wantDuration, show(v))
	}
	return length
}

// durationUpTo asks for a duration from 0 to a bound, both included.
func (d *document) durationUpTo(name string, most time.Duration) time.Duration {
	d.get(name, wantUpTo(most))
	return d.optionalDurationUpTo(name, most)
}

func wantUpTo(most time.Duration) string {
	text := strings.TrimSuffix(strings.TrimSuffix(most.String(), "0s"), "0m")
	return fmt.Sprintf(`a duration from "0s" to %q`, text)
}

// optionalDurationUpTo is 0 where there is none.
func (d *document) optionalDurationUpTo(name string, most time.Duration) time.Duration {
	v, ok := d.optional(name)
	s, _ := v.(string)
	length, err := time.ParseDuration(s)
	if ok && (err != nil || length < 0 || length > most) {
		d.fault(name, "must be %s; it is %s", wantUpTo(most), show(v))
	}
	return length
}

// optionalText is "" where there is none.
func (d *document) optionalText(name string) string {
	v, ok := d.optional(name)
	s, isText := v.(string)
	if ok && (!isText || s == "") {
		d.fault(name, "must be a text that isn't empty; it is %s", show(v))
	}
	return s
}

// word asks for one of a few words.
func (d *document) word(name string, words ...string) string {
	want := strings.Join(words, " or ")
	v, ok := d.get(name, want)
	s, _ := v.(string)
	if ok && !slices.Contains(words, s) {
		d.fault(name, "must be %s; it is %s", want, show(v))
	}
	return s
}

// words asks for a list of strings; it may be empty.
func (d *document) words(name string) []string {
	const want = "a list of strings of 1 to 64 bytes, 16 at most"
	v, ok := d.get(name, want)
	if !ok {
		return nil
	}
	list, right := v.([]any)
	right = right && len(list) <= 16
	var out []string
	for _, e := range list {
		s, _ := e.(string)
		right = right && s != "" && len(s) <= 64
		out = append(out, s)
	}
	if !right {
		d.fault(name, "must be %s", want)
	}
	return out
}

// names are the object's members, for one whose members aren't fixed.
func (d *document) names() []string { return slices.Sorted(maps.Keys(d.members)) }

// done reports the members that nobody asked for.
func (d *document) done() {
	for _, name := range d.names() {
		if !d.asked[name] {
			d.fault(name, "is unknown: %s", notOneOf(name, slices.Collect(maps.Keys(d.asked))))
		}
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "an object"
}

func show(v any) string {
	switch v.(type) {
	case float64, string, bool:
		b, _ := json.Marshal(v)
		return string(b)
	}
	return kindOf(v)
}
