package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// predicateDocument describes sessions by what was seen of them, as orders have
// it.
type predicateDocument struct {
	ASN         uint32    `json:"asn,omitzero"`
	Country     string    `json:"country,omitzero"`
	Network     string    `json:"network,omitzero"`
	Role        string    `json:"role,omitzero"`
	UserType    string    `json:"user_type,omitzero"`
	Environment string    `json:"environment,omitzero"`
	Agent       string    `json:"agent,omitzero"`
	From        time.Time `json:"from,omitzero"`
	To          time.Time `json:"to,omitzero"`
}

// condition is one that -predicate takes; its name is that of the wire.
type condition struct {
	name string
	read func(p *predicateDocument, value string) error
	text func(p *predicateDocument) string // "" if it isn't set
}

var conditions = []condition{
	{"asn", readASN, func(p *predicateDocument) string {
		if p.ASN == 0 {
			return ""
		}
		return strconv.FormatUint(uint64(p.ASN), 10)
	}},
	word("country", func(p *predicateDocument) *string { return &p.Country }),
	word("network", func(p *predicateDocument) *string { return &p.Network }),
	word("role", func(p *predicateDocument) *string { return &p.Role }),
	word("user_type", func(p *predicateDocument) *string { return &p.UserType }),
	word("environment", func(p *predicateDocument) *string { return &p.Environment }),
	word("agent", func(p *predicateDocument) *string { return &p.Agent }),
	moment("from", func(p *predicateDocument) *time.Time { return &p.From }),
	moment("to", func(p *predicateDocument) *time.Time { return &p.To }),
}

func readASN(p *predicateDocument, value string) error {
	n, err := strconv.ParseUint(strings.TrimPrefix(value, "AS"), 10, 32)
	if err != nil || n == 0 {
		return errors.New("must be a network's number, such as 64500")
	}
	p.ASN = uint32(n)
	return nil
}

func word(name string, of func(*predicateDocument) *string) condition {
	return condition{
		name,
		func(p *predicateDocument, value string) error { *of(p) = value; return nil },
		func(p *predicateDocument) string { return *of(p) },
	}
}

func moment(name string, of func(*predicateDocument) *time.Time) condition {
	return condition{
		name,
		func(p *predicateDocument, value string) (err error) { *of(p), err = readTime(value); return err },
		func(p *predicateDocument) string {
			if of(p).IsZero() {
				return ""
			}
			return of(p).UTC().Format(time.RFC3339Nano)
		},
	}
}

func readTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, errors.New("must be a time such as 2026-11-21T14:02:00Z")
	}
	return t, nil
}

// parsePredicate reads what -predicate takes: name=value, with commas between, in
// the quotes of CSV where a value has a comma itself.
func parsePredicate(s string) (*predicateDocument, error) {
	in := csv.NewReader(strings.NewReader(s))
	in.TrimLeadingSpace = true
	parts, err := in.Read()
	if _, end := in.Read(); err != nil || !errors.Is(end, io.EOF) {
		return nil, &usageError{"-predicate: quotes aren't where they belong", `a condition with a comma stands in double quotes as a whole: asn=64500,"role=a,b"`}
	}
	p, seen := &predicateDocument{}, map[string]bool{}
	for _, part := range parts {
		name, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return nil, &usageError{fmt.Sprintf("-predicate: %q is no condition", part), "write name=value, with commas between: asn=64500,role=admin"}
		}
		if seen[name] {
			return nil, &usageError{"-predicate: " + name + " is given twice", "all conditions have to hold at once; give an order for each"}
		}
		seen[name] = true
		if err := p.set(name, value); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *predicateDocument) set(name, value string) error {
	var names []string
	for _, c := range conditions {
		if c.name != name {
			names = append(names, c.name)
			continue
		}
		if err := c.read(p, value); err != nil {
			return &usageError{fmt.Sprintf("-predicate: %s %q: %v", name, value, err), "`riskd help revoke` says what a predicate is made of"}
		}
		return nil
	}
	hint := "known are " + strings.Join(names, ", ")
	if n := riskd.Nearest(name, names); n != "" {
		hint = "did you mean " + n + "?"
	}
	return &usageError{fmt.Sprintf("-predicate: %q is not known", name), hint}
}

// String is the predicate as -predicate takes it.
func (p *predicateDocument) String() string {
	var parts []string
	for _, c := range conditions {
		if value := c.text(p); value != "" {
			parts = append(parts, c.name+"="+value)
		}
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	_ = w.Write(parts) // a Builder takes everything
	w.Flush()
	return strings.TrimSuffix(out.String(), "\n")
}
