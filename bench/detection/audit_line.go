package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/riskd/riskd"
)

// heard is an event of a trace, as far as the audit looks.
type heard struct {
	ID      string `json:"id"`
	Time    string `json:"time"`
	Session struct {
		ID         string   `json:"id"`
		PreviousID string   `json:"previous_id"`
		StartedAt  string   `json:"started_at"`
		AuthTime   string   `json:"auth_time"`
		ACR        string   `json:"acr"`
		AMR        []string `json:"amr"`
	} `json:"session"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Device struct {
		ID          string            `json:"id"`
		Fingerprint string            `json:"fingerprint"`
		Attributes  map[string]string `json:"attributes"`
	} `json:"device"`
	Client struct {
		IP        string `json:"ip"`
		UserAgent string `json:"user_agent"`
		JA4       string `json:"ja4"`
		Language  string `json:"language"`
	} `json:"client"`
	Request struct {
		Method string `json:"method"`
		Route  string `json:"route"`
		Object string `json:"object"`
		Status int    `json:"status"`
		Bytes  int64  `json:"bytes"`
	} `json:"request"`
	Place struct {
		Country string `json:"country"`
		ASN     uint32 `json:"asn"`
		Network string `json:"network"`
	} `json:"place"`

	at     time.Time
	prefix riskd.Prefix
	raw    []byte // the document; overwritten by the next line
}

// eachEvent gives a trace's events. What visit is given lasts until the next one.
func eachEvent(ctx context.Context, name string, visit func(*heard) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	const longest = 1 << 20
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, longest), longest)
	for number := 1; lines.Scan(); number++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e, err := hear(lines.Bytes())
		if err == nil && e != nil {
			err = visit(e)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
	return lines.Err()
}

// hear reads one line; what is no event is nil.
func hear(line []byte) (*heard, error) {
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return nil, nil
	}
	var in struct {
		Decision  *heard `json:"decision"`
		Telemetry *heard `json:"telemetry"`
	}
	if err := json.Unmarshal(line, &in); err != nil {
		return nil, fmt.Errorf("is no line of a trace: %w", err)
	}
	e := in.Decision
	if e == nil {
		e = in.Telemetry
	}
	if e == nil {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	if err != nil {
		return nil, fmt.Errorf("time: must be RFC 3339, is %q", e.Time)
	}
	if address, err := netip.ParseAddr(e.Client.IP); err == nil {
		e.prefix = riskd.PrefixOf(address)
	}
	e.at, e.raw = at, line
	return e, nil
}

// fraction is the part of a time below the second, as it is written.
func fraction(at string) string {
	_, after, ok := strings.Cut(at, ".")
	if !ok {
		return ""
	}
	return after[:len(after)-len(strings.TrimLeft(after, "0123456789"))]
}
