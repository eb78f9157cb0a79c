package main

import (
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/extauthz"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// defaultYAML says of every field what it means; a test holds it to defaults.
//
//go:embed default.yaml
var defaultYAML string

// config is what an operator may set. What the fields mean stands in default.yaml.
type config struct {
	Gateway struct {
		Listen         string          `yaml:"listen"`
		TLS            tlsConfig       `yaml:"tls"`
		MaxConnections int             `yaml:"max_connections"`
		TrustedProxies []netip.Prefix  `yaml:"trusted_proxies"`
		ForwardAuth    []forwardConfig `yaml:"forward_auth"`
		PublicURL      string          `yaml:"public_url"`
	} `yaml:"gateway"`
	Admin struct {
		Listen         string    `yaml:"listen"`
		TLS            tlsConfig `yaml:"tls"`
		MaxConnections int       `yaml:"max_connections"`
		AllowedHosts   []string  `yaml:"allowed_hosts"`
	} `yaml:"admin"`
	ExtAuthz       extauthzConfig `yaml:"extauthz"`
	Callers        []callerConfig `yaml:"callers"`
	SessionKeyFile string         `yaml:"session_key_file"`
	DataDir        string         `yaml:"data_dir"`
	Audit          struct {
		Decisions float64 `yaml:"decisions"`
		Keep      int     `yaml:"keep"`
	} `yaml:"audit"`
	Policy struct {
		Pack      string        `yaml:"pack"`
		Watch     time.Duration `yaml:"watch"`
		TokenFile string        `yaml:"token_file"`
		Verify    struct {
			KeyFile   string `yaml:"key_file"`
			Algorithm string `yaml:"algorithm"`
			KeyID     string `yaml:"key_id"`
			Scope     string `yaml:"scope"`
		} `yaml:"verify"`
		Shadows []shadowConfig `yaml:"shadows"`
		Brake   brake          `yaml:"brake"`
	} `yaml:"policy"`
	Geo struct {
		Databases []string      `yaml:"databases"`
		Lists     []listConfig  `yaml:"lists"`
		Watch     time.Duration `yaml:"watch"`
	} `yaml:"geo"`
	Memory struct {
		MaxSessions int `yaml:"max_sessions"`
		MaxProfiles int `yaml:"max_profiles"`
	} `yaml:"memory"`
	Decision struct {
		Deadline time.Duration `yaml:"deadline"`
		Keep     int           `yaml:"keep"`
	} `yaml:"decision"`
	Log struct {
		Level  slog.Level `yaml:"level"`
		Format string     `yaml:"format"`
	} `yaml:"log"`
	Drain struct {
		Wait  time.Duration `yaml:"wait"`
		Limit time.Duration `yaml:"limit"`
	} `yaml:"drain"`

	source source
}

type listConfig struct {
	Path string            `yaml:"path"`
	Kind riskd.NetworkKind `yaml:"kind"`
}

// defaultPack is the shipped pack that is used when none is named.
const defaultPack = "default"

// defaults are the values of the fields that a config leaves out. They are good
// ones: an old config works with a new riskd.
func defaults() *config {
	c := &config{}
	c.Gateway.Listen = "127.0.0.1:8181"
	c.Gateway.MaxConnections = 8192
	c.Admin.Listen = "127.0.0.1:8182"
	c.ExtAuthz.MaxConnections = extauthz.DefaultMaxConnections
	c.Admin.MaxConnections = 256
	c.Policy.Pack = defaultPack
	c.Policy.Watch = 2 * time.Second
	c.Policy.Brake = defaultBrake
	c.Geo.Watch = time.Minute
	c.Memory.MaxSessions = sessions.DefaultMaxSessions
	c.Memory.MaxProfiles = sessions.DefaultMaxProfiles
	c.Decision.Deadline = scoring.DefaultDeadline
	c.Decision.Keep = defaultKeep
	c.Log.Level = slog.LevelInfo
	c.Log.Format = "json"
	c.Drain.Wait = 5 * time.Second
	c.Drain.Limit = 10 * time.Second
	return c
}

// loadConfig reads a config file; "" is the defaults alone. The error names
// every mistake of the file; only without one the config is any good.
func loadConfig(file string) (*config, error) {
	if file == "" {
		return defaults(), nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &hinted{fmt.Errorf("config %s: there is no such file", file), "`riskd help config` prints one to begin with"}
	} else if err != nil {
		return nil, fmt.Errorf("config %s: %w", file, err)
	}
	return parseConfig(file, text)
}

// parseConfig reads a config that takes its paths from the file's folder. With
// an error, the config holds what could be read.
func parseConfig(file string, text []byte) (*config, error) {
	c := defaults()
	c.source = newSource(file)
	faults := append(decodeConfig(&c.source, text, c), c.check()...)
	c.resolve(filepath.Dir(file))
	if len(faults) > 0 {
		return c, &problems{fmt.Sprintf("config %s has %s", file, count(len(faults), "problem")), faults}
	}
	return c, nil
}

// resolve takes relative paths from the config's folder.
func (c *config) resolve(dir string) {
	resolve := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	for _, t := range []*tlsConfig{&c.Gateway.TLS, &c.Admin.TLS, &c.ExtAuthz.TLS} {
		resolve(&t.Cert)
		resolve(&t.Key)
		resolve(&t.ClientCA)
	}
	resolve(&c.SessionKeyFile)
	for i := range c.Gateway.ForwardAuth {
		resolve(&c.Gateway.ForwardAuth[i].JWT.KeysFile)
	}
	resolve(&c.DataDir)
	resolve(&c.Policy.TokenFile)
	resolve(&c.Policy.Verify.KeyFile)
	if _, shipped := policies.Shipped(c.Policy.Pack); !shipped && !isURL(c.Policy.Pack) {
		resolve(&c.Policy.Pack)
	}
	for i := range c.Policy.Shadows {
		if _, shipped := policies.Shipped(c.Policy.Shadows[i].Pack); !shipped {
			resolve(&c.Policy.Shadows[i].Pack)
		}
	}
	for i := range c.Geo.Databases {
		resolve(&c.Geo.Databases[i])
	}
	for i := range c.Geo.Lists {
		resolve(&c.Geo.Lists[i].Path)
	}
}
