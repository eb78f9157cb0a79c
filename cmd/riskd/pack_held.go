package main

import (
	"errors"

	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/policies"
)

// heldPack is a pack that the brake keeps from coming into force.
type heldPack struct {
	pack    *policies.Pack
	because string
}

// hold keeps a pack aside until somebody lets it in, or another comes; k.mu is held.
func (k *packKeeper) hold(p *proven, because string) {
	k.held = &heldPack{p.pack, because}
	k.fault.Store(nil)
	k.showHeld()
	info := p.pack.Info()
	k.tell(packNews{change: packHeld, pack: k.set.Current().Info(), source: &k.source, bundle: p.bundle, because: because})
	k.log.Warn("policy pack held; the one before stays in force: `riskd policy confirm` lets it in",
		"pack", info.Name, "revision", info.Revision, "because", because, "in_force", k.set.Current().Info().Revision)
}

// packSwitch is a change of what is in force that doesn't come from the source.
type packSwitch struct {
	held    *policies.Pack // what is held since, nil for nothing
	failed  bool           // what was in force doesn't answer
	because string         // of either
}

// switched is told that another pack has been put in force.
func (k *packKeeper) switched(s packSwitch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info := k.set.Current().Info()
	k.held = nil
	k.fault.Store(nil)
	k.showSwitched(info)
	if s.failed {
		err := errors.New(s.because)
		k.fault.Store(&err)
		v := *k.view.Load()
		v.Fault = &api.PolicyFault{At: k.now().UTC(), Errors: []string{s.because}}
		k.view.Store(&v)
	}
	if s.held != nil {
		k.held = &heldPack{s.held, s.because}
		k.showHeld()
	}
	k.tell(packNews{change: packInForce, pack: info, source: &k.source})
}
