package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// forwardConfig is a profile of forward-auth as a config has it.
type forwardConfig struct {
	Name        string        `yaml:"name"`
	Style       gateway.Style `yaml:"style"`
	Tenant      string        `yaml:"tenant"`
	Class       riskd.Class   `yaml:"class"`
	ClassHeader string        `yaml:"class_header"`
	Routes      []routeConfig `yaml:"routes"`
	Session     sourceConfig  `yaml:"session"`
	JWT         jwtConfig     `yaml:"jwt"`
	Device      sourceConfig  `yaml:"device"`
	User        string        `yaml:"user"`
	Roles       string        `yaml:"roles"`
	StartedAt   string        `yaml:"started_at"`
	AuthTime    string        `yaml:"auth_time"`
	ACR         string        `yaml:"acr"`
	AMR         string        `yaml:"amr"`
	Route       string        `yaml:"route"`
	// JWTMetadata is read over gRPC only.
	JWTMetadata metadataConfig `yaml:"jwt_metadata"`
}

type jwtConfig struct {
	KeysFile       string   `yaml:"keys_file"`
	Issuer         string   `yaml:"issuer"`
	Audience       string   `yaml:"audience"`
	Algorithms     []string `yaml:"algorithms"`
	SessionClaim   string   `yaml:"session_claim"`
	UserClaim      string   `yaml:"user_claim"`
	RolesClaim     string   `yaml:"roles_claim"`
	StartedAtClaim string   `yaml:"started_at_claim"`
}

type routeConfig struct {
	Path      string          `yaml:"path"`
	Methods   []string        `yaml:"methods"`
	Class     riskd.Class     `yaml:"class"`
	Activity  riskd.Activity  `yaml:"activity"`
	Privilege privilegeConfig `yaml:"privilege"`
}

type privilegeConfig struct {
	Level  int    `yaml:"level"`
	Action string `yaml:"action"`
}

type sourceConfig struct {
	Cookie string `yaml:"cookie"`
	Header string `yaml:"header"`
	Bearer bool   `yaml:"bearer"`
}

// forwardProfiles gives the profiles as the API takes them.
func forwardProfiles(c *config) []gateway.Profile {
	profiles := make([]gateway.Profile, len(c.Gateway.ForwardAuth))
	for i, f := range c.Gateway.ForwardAuth {
		profiles[i] = gateway.Profile{
			Name: f.Name, Style: f.Style, Tenant: f.Tenant, Class: f.Class, ClassHeader: f.ClassHeader, Routes: f.routes(),
			Session: gateway.Source(f.Session), JWT: gateway.JWT(f.JWT), Device: gateway.Source(f.Device),
			User: f.User, Roles: f.Roles, StartedAt: f.StartedAt, AuthTime: f.AuthTime,
			ACR: f.ACR, AMR: f.AMR, Route: f.Route,
		}
	}
	return profiles
}

func (f *forwardConfig) routes() (routes []gateway.Route) {
	for _, r := range f.Routes {
		routes = append(routes, gateway.Route{
			Path: r.Path, Methods: r.Methods, Class: r.Class, Activity: r.Activity,
			Privilege: riskd.Privilege(r.Privilege),
		})
	}
	return routes
}

// watchKeys is how often the key files of profiles are looked at.
const watchKeys = 10 * time.Second

// openGateways makes the reader of what gateways ask, which follows its key files.
func (s *service) openGateways() (err error) {
	if err := readKeys(s.config); err != nil {
		return err
	}
	s.gateways, err = gateway.New(gateway.Options{
		Profiles: forwardProfiles(s.config), TrustedProxies: s.config.Gateway.TrustedProxies, Key: s.key,
	})
	if err != nil {
		return err
	}
	s.stops.spawn(func(ctx context.Context) {
		tick := time.NewTicker(watchKeys)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.reloadKeys()
			}
		}
	})
	return nil
}

// readKeys says where the config names a key file that is no good.
func readKeys(c *config) error {
	var faults []error
	for i, p := range forwardProfiles(c) {
		if err := p.ReadKeys(); err != nil {
			field, detail, _ := strings.Cut(err.Error(), ": ")
			faults = append(faults, c.source.at(fmt.Sprintf("gateway.forward_auth[%d].%s", i, field), "%s", detail))
		}
	}
	return errors.Join(faults...)
}

// reloadKeys logs a key file that is no good once, not as often as it is looked
// at.
func (s *service) reloadKeys() {
	before := s.gateways.Faults()
	_ = s.gateways.Reload() // the faults say what failed
	for _, fault := range s.gateways.Faults() {
		if !slices.Contains(before, fault) {
			s.log.Error("keys", "error", fault)
		}
	}
}
