package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// Options are what a Reader knows of its gateways.
type Options struct {
	Profiles []Profile
	// TrustedProxies are the networks whose X-Forwarded-For is believed. None is
	// trusted by default.
	TrustedProxies []netip.Prefix
	// Key hashes raw session ids.
	Key *riskd.SessionKey
	// Now is the clock by which tokens end. Default: time.Now.
	Now func() time.Time
}

// Reader reads events out of what gateways ask. It is safe for concurrent use.
type Reader struct {
	key      *riskd.SessionKey
	profiles map[string]*profile
	proxies  proxies
	now      func() time.Time
}

// New makes a Reader.
func New(o Options) (*Reader, error) {
	if o.Key == nil {
		return nil, errors.New("gateway.Options.Key: is required")
	}
	r := &Reader{key: o.Key, profiles: map[string]*profile{}, now: o.Now}
	if r.now == nil {
		r.now = time.Now
	}
	var err error
	if r.proxies, err = newProxies(o.TrustedProxies); err != nil {
		return nil, fmt.Errorf("gateway.Options.TrustedProxies: %w", err)
	}
	for i, f := range o.Profiles {
		p, err := newProfile(f)
		if err == nil && r.profiles[f.Name] != nil {
			err = fmt.Errorf("name: %q is given twice", f.Name)
		}
		if err == nil && p.JWT.KeysFile != "" {
			err = p.keys.load(p.JWT.KeysFile)
		}
		if err != nil {
			return nil, fmt.Errorf("gateway.Options.Profiles[%d]: %w", i, err)
		}
		r.profiles[f.Name] = p
	}
	return r, nil
}

// Reload reads the key files again that have changed; the error says which are no
// good. Their keys before stay in force.
func (r *Reader) Reload() error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(r.profiles)) {
		p := r.profiles[name]
		if p.JWT.KeysFile == "" {
			continue
		}
		if err := p.keys.load(p.JWT.KeysFile); err != nil {
			all = append(all, fmt.Errorf("profile %s: %w", name, err))
		}
	}
	return errors.Join(all...)
}

// Faults says which key files were no good when they were last read.
func (r *Reader) Faults() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(r.profiles)) {
		if err := r.profiles[name].keys.fault.Load(); err != nil {
			all = append(all, fmt.Sprintf("profile %s: %v; the keys before are in force", name, *err))
		}
	}
	return all
}
