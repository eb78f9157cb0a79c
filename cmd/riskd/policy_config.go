package main

import (
	"fmt"
	"time"
)

// shadows holds the candidates of a config to what a trial takes.
func (f *configFaults) shadows(path string, list []shadowConfig) {
	names := map[string]bool{}
	for i, s := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if s.Name == "" {
			f.add(at+".name", "is missing: give the candidate a name")
		} else if names[s.Name] {
			f.add(at+".name", "%q is the name of another candidate already", s.Name)
		}
		names[s.Name] = true
		if s.Pack == "" {
			f.add(at+".pack", "is missing: name a pack inside riskd or a folder")
		}
		if !(s.SampleRate > 0 && s.SampleRate <= 1) {
			f.add(at+".sample_rate", "is %g; it must be above 0, up to 1", s.SampleRate)
		}
		if !(s.DisagreementBudget >= 0 && s.DisagreementBudget < 1) {
			f.add(at+".disagreement_budget", "is %g; it must be 0 to below 1", s.DisagreementBudget)
		}
		if s.Expires <= 0 {
			f.add(at+".expires", "is %s; it must be above 0: a trial that nobody ends is forgotten", s.Expires)
		}
	}
}

func (f *configFaults) brake(path string, b *brake) {
	if !(b.Share > 0 && b.Share <= 1) {
		f.add(path+".share", "is %g; it must be above 0, up to 1", b.Share)
	}
	if !(b.Factor >= 2) {
		f.add(path+".factor", "is %g; it must be 2 or more", b.Factor)
	}
	if b.Window < time.Second || b.Window > time.Hour {
		f.add(path+".window", "is %s; it must be 1s to 1h", b.Window)
	}
	f.atLeast(path+".min_sessions", b.MinSessions, 1)
}
