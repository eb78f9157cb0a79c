package main

import (
	"log/slog"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
	"go.yaml.in/yaml/v3"
)

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
	case *bool:
		return set(into, strings.EqualFold(n.Value, "true"), n.ShortTag() == "!!bool")
	case *int:
		v, err := strconv.Atoi(strings.ReplaceAll(n.Value, "_", ""))
		return set(into, v, err == nil && n.ShortTag() == "!!int")
	case *float64:
		v, err := strconv.ParseFloat(n.Value, 64)
		return set(into, v, err == nil && (n.ShortTag() == "!!int" || n.ShortTag() == "!!float"))
	case *time.Duration:
		v, err := time.ParseDuration(n.Value)
		return set(into, v, err == nil)
	case *time.Time:
		v, err := time.Parse(time.RFC3339, n.Value)
		return set(into, v, err == nil)
	case *riskd.Role:
		v, err := riskd.ParseRole(n.Value)
		return set(into, v, err == nil && v != riskd.NoRole)
	case *netip.Prefix:
		v, err := netip.ParsePrefix(n.Value)
		return set(into, v, err == nil)
	case *gateway.Style:
		v, err := gateway.ParseStyle(n.Value)
		return set(into, v, err == nil)
	case *riskd.Class:
		v, err := riskd.ParseClass(n.Value)
		return set(into, v, err == nil)
	case *riskd.Activity:
		v, err := riskd.ParseActivity(n.Value)
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
	case time.Time:
		return "a time such as 2027-06-30T00:00:00Z"
	case riskd.Role:
		return "gateway, ingest, analyst, operator or admin"
	case netip.Prefix:
		return "a range of addresses, such as 10.1.0.0/16 or 192.0.2.7/32"
	case gateway.Style:
		return "one of " + strings.Join(gateway.Styles(), ", ")
	case riskd.Class:
		return "open, standard, sensitive or admin"
	case riskd.Activity:
		return "interactive or background"
	case riskd.NetworkKind:
		return "tor, proxy, vpn, hosting, satellite, mobile, business or residential"
	case slog.Level:
		return "debug, info, warn or error"
	case bool:
		return "true or false"
	case int:
		return "a whole number"
	case float64:
		return "a number, such as 0.05"
	}
	return "text, in quotes if it looks like something else"
}

func example(t reflect.Type) string {
	switch reflect.Zero(t).Interface().(type) {
	case netip.Prefix:
		return "10.1.0.0/16"
	case listConfig:
		return "{path: lists/vpn.txt, kind: vpn}"
	case shadowConfig:
		return "{name: next, pack: packs/next, sample_rate: 0.1, expires: 168h}"
	case routeConfig:
		return "{path: /orders/{id}, class: sensitive}"
	case callerConfig:
		return "{name: edge, role: gateway, uids: [33]}"
	case tokenConfig:
		return `{sha256: "…"}`
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
