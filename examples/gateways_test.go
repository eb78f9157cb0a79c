//go:build integration

package examples

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// gateway is one that riskd decides for, and how it is started.
type gateway struct {
	name   string
	folder string
	// program is its binary's name or path; an environment variable of the name
	// in capitals says otherwise.
	program string
	files   []string // of the folder, that the gateway reads
	ports   []string // that they name, beside those that all name
	grpc    bool     // it asks over gRPC
	command func(s *site) *exec.Cmd
}

// gateways are all that there are, in the order of docs/gateways.md.
var gateways = []*gateway{
	{
		name: "nginx", folder: "nginx", program: "nginx", files: []string{"site.conf"},
		command: func(s *site) *exec.Cmd {
			s.write("nginx.conf", nginxMain)
			return exec.Command(s.gateway.binary(), "-e", "stderr", "-p", s.folder, "-c", filepath.Join(s.folder, "nginx.conf"))
		},
	},
	{
		name: "caddy", folder: "caddy", program: "caddy", files: []string{"Caddyfile"},
		command: func(s *site) *exec.Cmd {
			cmd := exec.Command(s.gateway.binary(), "run", "--adapter", "caddyfile", "--config", filepath.Join(s.folder, "Caddyfile"))
			cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+s.folder, "XDG_DATA_HOME="+s.folder)
			return cmd
		},
	},
	{
		name: "haproxy", folder: "haproxy", program: "haproxy", files: []string{"haproxy.cfg", "riskd.lua"},
		command: func(s *site) *exec.Cmd {
			return exec.Command(s.gateway.binary(), "-db", "-f", filepath.Join(s.folder, "haproxy.cfg"))
		},
	},
	{
		name: "envoy", folder: "envoy", program: "envoy", files: []string{"envoy.yaml"}, grpc: true,
		command: envoyCommand,
	},
	{
		name: "envoy-http", folder: "envoy", program: "envoy", files: []string{"envoy-http.yaml"},
		command: envoyCommand,
	},
	{
		name: "traefik", folder: "traefik", program: "traefik", files: []string{"traefik.yaml", "site.yaml"}, ports: []string{"8090"},
		command: func(s *site) *exec.Cmd {
			cmd := exec.Command(s.gateway.binary(), "--configFile="+filepath.Join(s.folder, "traefik.yaml"))
			cmd.Dir = s.folder
			return cmd
		},
	},
}

func envoyCommand(s *site) *exec.Cmd {
	return exec.Command(s.gateway.binary(), "-c", filepath.Join(s.folder, s.gateway.files[0]),
		"--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning")
}

// nginxMain is what Debian's nginx.conf comes to, in one folder and in the
// foreground.
const nginxMain = `daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
`

// binary is the program's path, "" if it can't be had here.
func (g *gateway) binary() string {
	path, err := exec.LookPath(cmp.Or(os.Getenv(envName(g.program)), g.program))
	if err != nil {
		return ""
	}
	return path
}

func TestGateways(t *testing.T) {
	for _, g := range gateways {
		t.Run(g.name, func(t *testing.T) {
			if g.binary() == "" {
				skipped[g.name] = g.program + " is not installed: examples/install.sh does that"
				t.Skip(skipped[g.name])
			}
			s := newSite(t, g)
			ran = append(ran, g.name)
			for _, sc := range scenarios {
				t.Run(sc.name, func(t *testing.T) { sc.run(t, s) })
			}
		})
	}
}
