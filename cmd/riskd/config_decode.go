package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"go.yaml.in/yaml/v3"
)

// source knows where the fields of a config stand, for errors that are found
// long after it was read.
type source struct {
	file   string
	lines  map[string]int  // by dotted path
	faulty map[string]bool // paths that couldn't be read
}

func newSource(file string) source {
	return source{file, map[string]int{}, map[string]bool{}}
}

// unread reports whether a field, or one around it, couldn't be read: its value
// is none that was written.
func (s *source) unread(path string) bool {
	for {
		if s.faulty[path] {
			return true
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return false
		}
		path = path[:cut]
	}
}

// at puts a field's place in front of what is wrong with it: the place of the
// field itself or of the nearest one around it.
func (s *source) at(path string, format string, args ...any) error {
	err := fmt.Errorf("%s: %w", path, fmt.Errorf(format, args...))
	if s.file == "" {
		return err
	}
	for near := path; ; {
		if line := s.lines[near]; line > 0 {
			return fmt.Errorf("%s:%d: %w", s.file, line, err)
		}
		cut := strings.LastIndexAny(near, ".[")
		if cut < 0 {
			return fmt.Errorf("%s: %w", s.file, err)
		}
		near = near[:cut]
	}
}

// decodeConfig reads YAML into a config, field by field, and goes on after each
// mistake, so that all are told at once: fields that don't exist or come twice,
// values of the wrong type, and YAML that only a program would write.
func decodeConfig(s *source, text []byte, into *config) []error {
	d := configDecoder{source: s}
	in := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := in.Decode(&document); errors.Is(err, io.EOF) {
		return nil // an empty file is the defaults
	} else if err != nil {
		return []error{d.syntax(err)}
	}
	d.value(document.Content[0], "", reflect.ValueOf(into).Elem())
	var second yaml.Node
	if err := in.Decode(&second); err == nil {
		d.fault(&second, "", "begins a second document: a config is one; take the line --- out")
	} else if !errors.Is(err, io.EOF) {
		d.faults = append(d.faults, d.syntax(err))
	}
	return d.faults
}

type configDecoder struct {
	source *source
	faults []error
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// syntax turns the YAML parser's error into one with a place. For some mistakes
// that is where the section began.
func (d *configDecoder) syntax(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s:%s: is no YAML: %s", d.source.file, m[1], text[len(m[0]):])
	}
	return fmt.Errorf("%s:1: is no YAML: %s", d.source.file, text)
}

func (d *configDecoder) fault(n *yaml.Node, path, format string, args ...any) {
	detail := fmt.Sprintf(format, args...)
	if path != "" {
		detail = path + ": " + detail
	}
	d.source.faulty[path] = true
	d.faults = append(d.faults, fmt.Errorf("%s:%d: %s", d.source.file, n.Line, detail))
}

func (d *configDecoder) value(n *yaml.Node, path string, into reflect.Value) {
	d.source.lines[path] = n.Line
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.fault(n, path, "uses a YAML anchor: write the value out")
		return
	}
	if n.ShortTag() == "!!null" {
		if into.Kind() != reflect.Struct { // a section may be empty
			d.fault(n, path, "has no value: give it one, or take the line out for the default")
		}
		return
	}
	switch _, scalar := into.Interface().(netip.Prefix); {
	case into.Kind() == reflect.Struct && !scalar:
		d.section(n, path, into)
	case into.Kind() == reflect.Slice:
		d.list(n, path, into)
	default:
		d.scalar(n, path, into)
	}
}

func (d *configDecoder) section(n *yaml.Node, path string, into reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, path, "must hold fields (%s), not %s", strings.Join(fieldNames(into.Type()), ", "), describe(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, ok := fieldNamed(into, key.Value)
		switch {
		case !ok:
			d.unknown(key, path, into.Type())
		case seen[key.Value] > 0:
			d.fault(key, join(path, key.Value), "was already given on line %d", seen[key.Value])
		default:
			d.value(value, join(path, key.Value), field)
			d.source.lines[join(path, key.Value)] = key.Line
		}
		seen[key.Value] = key.Line
	}
}

func (d *configDecoder) unknown(key *yaml.Node, path string, section reflect.Type) {
	names := fieldNames(section)
	if meant := nearest(key.Value, names); meant != "" {
		d.fault(key, join(path, key.Value), "there is no such field; did you mean %s?", meant)
		d.source.faulty[join(path, meant)] = true
		return
	}
	d.fault(key, join(path, key.Value), "there is no such field; there are %s", strings.Join(names, ", "))
}

func (d *configDecoder) list(n *yaml.Node, path string, into reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.fault(n, path, "must be a list such as [%s], not %s", example(into.Type().Elem()), describe(n))
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content)))
	for i, entry := range n.Content {
		d.value(entry, fmt.Sprintf("%s[%d]", path, i), into.Index(i))
	}
}

func (d *configDecoder) scalar(n *yaml.Node, path string, into reflect.Value) {
	if n.Kind != yaml.ScalarNode || !readScalar(n, into) {
		d.fault(n, path, "must be %s, not %s", kindOf(into.Type()), describe(n))
	}
}

// readScalar reports whether the value is of the field's type; otherwise the
// field stays as it is.
func readScalar(n *yaml.Node, into reflect.Value) bool {
	switch into := into.Addr().Interface().(type) {
	case *string:
		return set(into, n.Value, n.ShortTag() == "!!str")
	case *int:
		v, err := strconv.Atoi(strings.ReplaceAll(n.Value, "_", ""))
		return set(into, v, err == nil && n.ShortTag() == "!!int")
	case *time.Duration:
		v, err := time.ParseDuration(n.Value)
		return set(into, v, err == nil)
	case *netip.Prefix:
		v, err := netip.ParsePrefix(n.Value)
		return set(into, v, err == nil)
	case *api.ForwardStyle:
		v, err := api.ParseForwardStyle(n.Value)
		return set(into, v, err == nil)
	case *riskd.Class:
		v, err := riskd.ParseClass(n.Value)
		return set(into, v, err == nil)
	case *riskd.NetworkKind:
		v, err := riskd.ParseNetworkKind(n.Value)
		return set(into, v, err == nil && v != riskd.NetworkUnknown)
	case *slog.Level:
		var v slog.Level
		err := v.UnmarshalText([]byte(n.Value))
		return set(into, v, err == nil && strings.ToLower(v.String()) == n.Value)
	}
	panic("there is a config field that nobody decodes: " + into.Type().String())
}

func set[T any](into *T, value T, ok bool) bool {
	if ok {
		*into = value
	}
	return ok
}

// kindOf says what a field takes, with an example.
func kindOf(t reflect.Type) string {
	switch reflect.Zero(t).Interface().(type) {
	case time.Duration:
		return "a time with its unit, such as 250ms, 5s or 1m"
	case netip.Prefix:
		return "a range of addresses, such as 10.1.0.0/16 or 192.0.2.7/32"
	case api.ForwardStyle:
		return "nginx or caddy"
	case riskd.Class:
		return "open, standard, sensitive or admin"
	case riskd.NetworkKind:
		return "tor, proxy, vpn, hosting, satellite, mobile, business or residential"
	case slog.Level:
		return "debug, info, warn or error"
	case int:
		return "a whole number"
	}
	return "text, in quotes if it looks like something else"
}

func example(t reflect.Type) string {
	switch reflect.Zero(t).Interface().(type) {
	case netip.Prefix:
		return "10.1.0.0/16"
	case listConfig:
		return "{path: lists/vpn.txt, kind: vpn}"
	case forwardConfig:
		return "{name: app, style: nginx, session: {cookie: sid}}"
	}
	return "a, b"
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a section with fields"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!str":
		return strconv.Quote(n.Value)
	}
	return n.Value
}

func fieldNames(section reflect.Type) []string {
	var names []string
	for i := range section.NumField() {
		if name := section.Field(i).Tag.Get("yaml"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func fieldNamed(section reflect.Value, name string) (reflect.Value, bool) {
	for i := range section.NumField() {
		if name != "" && section.Type().Field(i).Tag.Get("yaml") == name {
			return section.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
