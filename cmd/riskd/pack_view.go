package main

import (
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
)

// packView is what operators are shown of the pack. It is never changed in place:
// each change puts another in its place.
type packView struct{ api.PolicyStatus }

// show says that a pack is in force now; k.mu is held, or k is new.
func (k *packKeeper) show(p *proven) {
	info, now := p.pack.Info(), k.now().UTC()
	v := &packView{api.PolicyStatus{
		Pack: info.Name, Revision: info.Revision, LoadedAt: now,
		Source: api.PolicySource{Kind: k.source.kind(), Place: k.source.place(), Kept: p.kept},
	}}
	if b := p.bundle; b != nil {
		v.Source.Bundle = b.Revision
		if s := b.Signature; s != nil {
			v.Source.SignedBy, v.Source.SignedAt = s.KeyID, s.IssuedAt
		}
	}
	if run := int(p.tests.run.Load()); run > 0 {
		v.Tests = &api.PolicyTests{Run: run, Passed: int(p.tests.passed.Load())}
	}
	if was := k.view.Load(); was != nil {
		v.Previous = was.Previous
		if was.Revision != v.Revision {
			v.Previous = &api.PolicyPrevious{Pack: was.Pack, Revision: was.Revision, Until: now}
		}
	}
	k.view.Store(v)
}

// showSwitched says that a pack is in force that the source didn't give just now;
// k.mu is held.
func (k *packKeeper) showSwitched(info *riskd.Pack) {
	v := *k.view.Load()
	now := k.now().UTC()
	v.Fault, v.Held = nil, nil
	if v.Revision != info.Revision {
		v.Previous = &api.PolicyPrevious{Pack: v.Pack, Revision: v.Revision, Until: now}
		v.Pack, v.Revision, v.LoadedAt, v.Tests = info.Name, info.Revision, now, nil
	}
	k.view.Store(&v)
}

// showFault says that the source's pack is refused.
func (k *packKeeper) showFault(err error) {
	v := *k.view.Load()
	v.Fault, v.Held = &api.PolicyFault{At: k.now().UTC()}, nil
	for _, e := range flatten(err) {
		v.Fault.Errors = append(v.Fault.Errors, e.Error())
	}
	k.held = nil
	k.view.Store(&v)
}

// showHeld says that a pack is held.
func (k *packKeeper) showHeld() {
	v := *k.view.Load()
	info := k.held.pack.Info()
	v.Fault = nil
	v.Held = &api.PolicyHeld{Pack: info.Name, Revision: info.Revision, Reason: k.held.because, Since: k.now().UTC()}
	k.view.Store(&v)
}

// Policy is what the API answers with.
func (k *packKeeper) Policy() api.PolicyStatus {
	v := k.view.Load().PolicyStatus
	if err := k.silent.Load(); err != nil {
		v.Source.Error = (*err).Error()
	}
	return v
}

// degraded gives what is wrong with the source.
func (k *packKeeper) degraded() []string {
	var all []string
	if err := k.fault.Load(); err != nil {
		for _, e := range flatten(*err) {
			all = append(all, e.Error())
		}
	}
	if err := k.silent.Load(); err != nil {
		all = append(all, (*err).Error())
	}
	if held := k.view.Load().Held; held != nil {
		all = append(all, "pack "+held.Pack+": revision "+held.Revision+" is held since "+held.Since.Format(time.RFC3339)+": "+held.Reason)
	}
	return all
}
