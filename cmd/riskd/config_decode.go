package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"go.yaml.in/yaml/v3"
)

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
	switch {
	case into.Kind() == reflect.Struct && !isScalar(into):
		d.section(n, path, into)
	case into.Kind() == reflect.Slice:
		d.list(n, path, into)
	default:
		d.scalar(n, path, into)
	}
}

// isScalar reports whether a struct stands in a config as one value.
func isScalar(v reflect.Value) bool {
	switch v.Interface().(type) {
	case netip.Prefix, time.Time:
		return true
	}
	return false
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
	if meant := riskd.Nearest(key.Value, names); meant != "" {
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
