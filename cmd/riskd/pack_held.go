package main

import (
	"fmt"

	"github.com/riskd/riskd/policies"
)

// heldPack is a pack that the brake keeps from coming into force.
type heldPack struct {
	*proven
	because string
}

// hold keeps a pack aside until somebody confirms it, or another comes; k.mu is held.
func (k *packKeeper) hold(p *proven, because string) {
	k.held = &heldPack{p, because}
	k.fault.Store(nil)
	k.showHeld()
	info := p.pack.Info()
	k.tell(packNews{change: packHeld, pack: k.set.Current().Info(), source: &k.source, bundle: p.bundle, because: because})
	k.log.Warn("policy pack held; the one before stays in force", "pack", info.Name, "revision", info.Revision, "because", because)
}

// heldBack is the pack that is held, nil if none is.
func (k *packKeeper) heldBack() *policies.Pack {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		return nil
	}
	return k.held.pack
}

// confirm puts the pack that is held in force, if it is the one that is meant.
func (k *packKeeper) confirm(revision string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil || k.held.pack.Info().Revision != revision {
		return fmt.Errorf("policy: revision %s isn't held; GET /v1/policy says which is", revision)
	}
	p, err := k.prove(k.held.candidate) // anew: others may be looking at the one that is held
	if err != nil {
		return err
	}
	k.enforce(p, k.set.Current())
	return nil
}
