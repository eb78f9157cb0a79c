package main

import (
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
	Device      sourceConfig  `yaml:"device"`
	User        string        `yaml:"user"`
	Roles       string        `yaml:"roles"`
	StartedAt   string        `yaml:"started_at"`
	AuthTime    string        `yaml:"auth_time"`
	ACR         string        `yaml:"acr"`
	AMR         string        `yaml:"amr"`
	Route       string        `yaml:"route"`
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
			Session: gateway.Source(f.Session), Device: gateway.Source(f.Device),
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
