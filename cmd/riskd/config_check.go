package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/gateway"
	"github.com/riskd/riskd/policies/bundle"
)

// check reports values that can't be worked with, each with its place.
func (c *config) check() []error {
	f := &configFaults{source: &c.source}
	f.callers(c)
	f.listener("gateway", c.Gateway.Listen, &c.Gateway.TLS, c)
	f.listener("admin", c.Admin.Listen, &c.Admin.TLS, c)
	if c.Gateway.Listen == c.Admin.Listen && !strings.HasSuffix(c.Admin.Listen, ":0") {
		f.add("admin.listen", "is the address of gateway.listen: the two need one each")
	}
	f.extauthz(c)
	f.atLeast("gateway.max_connections", c.Gateway.MaxConnections, 1)
	f.atLeast("admin.max_connections", c.Admin.MaxConnections, 1)
	f.atLeast("extauthz.max_connections", c.ExtAuthz.MaxConnections, 1)
	f.proxies("gateway.trusted_proxies", c.Gateway.TrustedProxies)
	f.profiles("gateway.forward_auth", forwardProfiles(c))
	if err := api.ValidatePublicURL(c.Gateway.PublicURL); err != nil {
		f.add("gateway.public_url", "%w", err)
	}
	for i, host := range c.Admin.AllowedHosts {
		if host == "" || strings.ContainsAny(host, "/*: ") {
			f.add(fmt.Sprintf("admin.allowed_hosts[%d]", i), "must be a plain host name such as riskd.example.com, not %q", host)
		}
	}
	f.data(c)
	f.policy(c)
	f.shadows("policy.shadows", c.Policy.Shadows)
	f.brake("policy.brake", &c.Policy.Brake)
	f.geo(c)
	f.atLeast("memory.max_sessions", c.Memory.MaxSessions, 1)
	f.atLeast("memory.max_profiles", c.Memory.MaxProfiles, 1)
	if d := c.Decision.Deadline; d < time.Millisecond || d > time.Second {
		f.add("decision.deadline", "is %s; it must be 1ms to 1s", d)
	}
	f.atLeast("decision.keep", c.Decision.Keep, 0)
	if c.Log.Format != "json" && c.Log.Format != "text" {
		f.add("log.format", "must be json or text, not %q", c.Log.Format)
	}
	f.drain(c)
	return f.list
}

// policy checks what can be told without looking at the pack.
func (f *configFaults) policy(c *config) {
	p := &c.Policy
	if p.Pack == "" {
		f.add("policy.pack", `must be "default", a folder, a bundle file or its URL`)
	}
	f.interval("policy.watch", p.Watch)
	if a := p.Verify.Algorithm; a != "" && !slices.Contains(bundle.Algorithms(), a) {
		f.add("policy.verify.algorithm", "is %q; it must be one of %s", a, strings.Join(bundle.Algorithms(), ", "))
	}
	if p.Verify.KeyFile != "" {
		return
	}
	for _, v := range []struct{ field, value string }{{"algorithm", p.Verify.Algorithm}, {"key_id", p.Verify.KeyID}, {"scope", p.Verify.Scope}} {
		if v.value != "" {
			f.add("policy.verify."+v.field, "does nothing without policy.verify.key_file")
		}
	}
}

type configFaults struct {
	source *source
	list   []error
}

// add reports a value, unless it isn't the one that was written.
func (f *configFaults) add(path, format string, args ...any) {
	if f.source.unread(path) {
		return
	}
	f.list = append(f.list, f.source.at(path, format, args...))
}

// data holds the folder to a key that lives as long and lies elsewhere.
func (f *configFaults) data(c *config) {
	if x := c.Audit.Decisions; x < 0 || x > 1 {
		f.add("audit.decisions", "is %g; it must be 0 to 1", x)
	}
	f.atLeast("audit.keep", c.Audit.Keep, 0)
	if c.DataDir == "" {
		return
	}
	if c.SessionKeyFile == "" {
		f.add("session_key_file", "is needed with data_dir: under another key nothing in that folder would be found again; `openssl rand 32 > FILE` makes one")
		return
	}
	if rel, err := filepath.Rel(c.DataDir, c.SessionKeyFile); err == nil && filepath.IsLocal(rel) {
		f.add("session_key_file", "lies in data_dir: whoever gets hold of the folder must not get the key with it")
	}
}

func (f *configFaults) proxies(path string, ranges []netip.Prefix) {
	for i, p := range ranges {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case p.Bits() == 0:
			f.add(at, "%s trusts everybody, so that any client could choose its address: name the networks of your proxies", p)
		case p.Addr().Is4In6():
			f.add(at, "%s would match no address: write it as an IPv4 network", p)
		case p != p.Masked():
			f.add(at, "%s has bits set after its length: did you mean %s or %s/%d?", p, p.Masked(), p.Addr(), p.Addr().BitLen())
		}
	}
}

// profiles has each profile checked by the API that will work with it.
func (f *configFaults) profiles(path string, profiles []gateway.Profile) {
	names := map[string]bool{}
	for i, p := range profiles {
		at := fmt.Sprintf("%s[%d]", path, i)
		if err := p.Validate(); err != nil {
			field, detail, _ := strings.Cut(err.Error(), ": ")
			f.add(at+"."+field, "%s", detail)
		}
		if names[p.Name] {
			f.add(at+".name", "%q is the name of another profile already", p.Name)
		}
		names[p.Name] = true
	}
}

func (f *configFaults) interval(path string, d time.Duration) {
	if d != 0 && d < 100*time.Millisecond {
		f.add(path, "is %s; it must be 0s, for never, or 100ms and more", d)
	}
}

func (f *configFaults) atLeast(path string, n, least int) {
	if n < least {
		f.add(path, "is %d; it must be %d or more", n, least)
	}
}

func (f *configFaults) geo(c *config) {
	for i, name := range c.Geo.Databases {
		if name == "" {
			f.add(fmt.Sprintf("geo.databases[%d]", i), "must be the path of an .mmdb file")
		}
	}
	for i, l := range c.Geo.Lists {
		at := fmt.Sprintf("geo.lists[%d]", i)
		if l.Path == "" {
			f.add(at+".path", "is missing: name the file")
		}
		if l.Kind == riskd.NetworkUnknown {
			f.add(at+".kind", "is missing: say what kind of networks the list names")
		}
	}
	f.interval("geo.watch", c.Geo.Watch)
}

func (f *configFaults) drain(c *config) {
	if c.Drain.Wait < 0 {
		f.add("drain.wait", "must not be negative")
	}
	if c.Drain.Limit <= c.Drain.Wait {
		f.add("drain.limit", "is %s; it must be longer than drain.wait, %s, or requests in flight are cut off", c.Drain.Limit, c.Drain.Wait)
	}
}
