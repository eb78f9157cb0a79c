package main

import (
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// forwardConfig is a profile of forward-auth as a config has it.
type forwardConfig struct {
	Name      string        `yaml:"name"`
	Style     gateway.Style `yaml:"style"`
	Tenant    string        `yaml:"tenant"`
	Class     riskd.Class   `yaml:"class"`
	Session   sourceConfig  `yaml:"session"`
	Device    sourceConfig  `yaml:"device"`
	User      string        `yaml:"user"`
	Roles     string        `yaml:"roles"`
	StartedAt string        `yaml:"started_at"`
	AuthTime  string        `yaml:"auth_time"`
	ACR       string        `yaml:"acr"`
	AMR       string        `yaml:"amr"`
	Route     string        `yaml:"route"`
}

type sourceConfig struct {
	Cookie string `yaml:"cookie"`
	Header string `yaml:"header"`
}

// forwardProfiles gives the profiles as the API takes them.
func forwardProfiles(c *config) []gateway.Profile {
	profiles := make([]gateway.Profile, len(c.Gateway.ForwardAuth))
	for i, f := range c.Gateway.ForwardAuth {
		profiles[i] = gateway.Profile{
			Name: f.Name, Style: f.Style, Tenant: f.Tenant, Class: f.Class,
			Session: gateway.Source(f.Session), Device: gateway.Source(f.Device),
			User: f.User, Roles: f.Roles, StartedAt: f.StartedAt, AuthTime: f.AuthTime,
			ACR: f.ACR, AMR: f.AMR, Route: f.Route,
		}
	}
	return profiles
}
