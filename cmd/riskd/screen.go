package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/riskd/riskd"
)

// screen shows decisions to people, one line each:
//
//	09:01:10  step_up   70  s_9c0q41…  ana  US New York AS64502  new_country +70
type screen struct {
	queue[string]
	coloured bool
	layout   string // of the time
}

func newScreen(out io.Writer, coloured bool) *screen {
	return &screen{coloured: coloured, layout: "15:04:05", queue: newQueue(func(line string) { fmt.Fprintln(out, line) })}
}

// record takes one decision down, or reports that there was no room for it.
func (s *screen) record(r *riskd.Record) (taken bool) { return s.offer(s.line(r)) }

// header stands above the lines of a table.
func (s *screen) header() string {
	return fmt.Sprintf("%-*s  %-7s  score  %-9s  %-10s  %-24s  reasons", len(s.layout), "time", "answer", "session", "user", "place")
}

func (s *screen) line(r *riskd.Record) string {
	d, e := r.Decision, r.Event
	parts := make([]string, 0, len(d.Reasons)+len(d.Degraded)+1)
	for i := range d.Reasons {
		if q := &d.Reasons[i]; q.Points > 0 {
			parts = append(parts, fmt.Sprintf("%s +%d", q.Code, q.Points))
		} else {
			parts = append(parts, q.Code)
		}
	}
	if d.Source == riskd.SourceRevocation {
		parts = append(parts, d.AdminText)
	}
	for _, code := range d.Degraded {
		parts = append(parts, "!"+code)
	}
	line := fmt.Sprintf("%s  %s  %5d  %-9s  %-10s  %-24s  %s", d.At.UTC().Format(s.layout), s.outcome(d.Outcome), d.Score,
		shortRef(d.Session), printable(e.User.ID, 10), printable(placeText(&e.Place), 24), strings.Join(parts, ", "))
	return strings.TrimRight(line, " ")
}

// The colours of terminals (ECMA-48): green, yellow, red.
var outcomeColours = [...]string{riskd.Allow: "\x1b[32m", riskd.StepUpNeeded: "\x1b[33m", riskd.Revoke: "\x1b[31m"}

func (s *screen) outcome(o riskd.Outcome) string {
	text := fmt.Sprintf("%-7s", o)
	if !s.coloured || int(o) >= len(outcomeColours) {
		return text
	}
	return outcomeColours[o] + text + "\x1b[0m"
}

// shortRef is enough of a reference to tell the sessions of a screen apart.
func shortRef(id riskd.SessionID) string { return id.String()[:8] + "…" }

func placeText(p *riskd.Place) string {
	var parts []string
	for _, s := range []string{p.Country, p.City} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if p.Network > riskd.NetworkResidential { // most are, which is no news
		parts = append(parts, "("+p.Network.String()+")")
	}
	if len(parts) == 0 && p.ASN != 0 {
		parts = append(parts, fmt.Sprintf("AS%d", p.ASN))
	}
	if len(parts) == 0 {
		return "?"
	}
	return strings.Join(parts, " ")
}

// printable cuts text that came from outside to a width, and leaves out what a
// terminal could take for an order.
func printable(s string, width int) string {
	var b strings.Builder
	n := 0
	for i, r := range s {
		if n == width-1 && i+utf8.RuneLen(r) < len(s) {
			b.WriteRune('…')
			break
		}
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			r = '?'
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// colours reports whether a writer is a terminal that takes colours
// (https://no-color.org).
func colours(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
