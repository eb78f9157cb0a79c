package main

import (
	"context"

	records "github.com/riskd/riskd/replay"
)

const againstText = `
With -against, the files are the parts of one trace, in their order. It is run under
both packs, each with a memory of its own, and riskd reports which sessions are
answered differently and where that begins, who would be asked for a step-up or sent
away under the one and not under the other, and what the reasons are. The report is
the same to the byte whenever it is made. With -labels it also says which attacks each
pack catches, after how many requests, and how many other sessions it alarms.

A trace holds the proof of a step-up only where the recorded policy asked for one.
-step-ups recorded takes just that, so that a session which only B asks waits to its
end; -step-ups passed, which is what labels make of it, has everybody pass at once whom
no label calls an attacker.

It ends with 0, or with 1 if -max-diverging or -fail-on say so, which makes it a gate
for pull requests; docs/replay.md describes the reports and their JSON.
`

// against compares the pack of r with another.
func (r *replay) against(ctx context.Context, f *studyFlags, names []string) error {
	other, err := newPackSource(f.pack)
	if err != nil {
		return err
	}
	s, err := newStudy(r, f, names, r.pack, other)
	if err != nil {
		return err
	}
	defer sparing()()
	done, err := s.open(names)
	defer done()
	if err != nil {
		return err
	}
	report, faults, err := records.Compare(ctx, s.options)
	if err == nil {
		err = s.print(report)
	}
	return s.finish(faults, err, func() error { return s.bounds.check(report) })
}
