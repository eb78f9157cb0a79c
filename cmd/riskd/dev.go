package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"time"

	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
)

const devText = `Starts riskd with everything in memory and a made-up world of addresses, prints
requests to try, and shows each decision as it happens: the time, the answer,
the score, the session, the user, the place, and the reasons with their points.

With -pack, the pack in DIR judges, and is loaded again whenever it changes.
With -play, recorded days of ordinary users and of attackers are played.
`

func devCommand(flags *flag.FlagSet) action {
	c := defaults()
	flags.StringVar(&c.Gateway.Listen, "listen", c.Gateway.Listen, "listen on `ADDRESS` for gateways")
	flags.StringVar(&c.Admin.Listen, "admin", c.Admin.Listen, "listen on `ADDRESS` for operators")
	flags.StringVar(&c.Policy.Pack, "pack", c.Policy.Pack, "judge by the policy pack in `DIR`")
	play := flags.Bool("play", false, "play recorded days as live traffic")
	return func(ctx context.Context, std stdio, args []string) error {
		if len(args) > 0 {
			return &usageError{"dev takes no arguments", "`riskd help dev` shows its flags"}
		}
		if faults := c.check(); faults != nil {
			return &usageError{faults[0].Error(), "the flags are -listen for gateways and -admin for operators"}
		}
		c.Drain.Wait = 0                  // nobody has to turn elsewhere
		c.Decision.Deadline = time.Second // what else the machine does mustn't change an answer
		signals, stop := listenForSignals()
		defer stop()
		level := new(slog.LevelVar)
		level.Set(slog.LevelWarn) // what is loaded at first is no news
		log := slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: level}))
		screen := newScreen(std.out, colours(std.out))
		s, err := startDev(c, log, screen)
		if err != nil {
			return startProblems(err)
		}
		level.Set(slog.LevelInfo)
		fmt.Fprint(std.out, welcome(s, screen))
		if *play {
			s.stops.spawn(func(ctx context.Context) { playScenarios(ctx, s, screen) })
		}
		return s.run(ctx, signals)
	}
}

// startDev starts a service in the made-up world.
func startDev(c *config, log *slog.Logger, out output) (*service, error) {
	return startService(serviceOptions{config: c, log: log, geo: madeUpWorld(), output: out})
}

// madeUpWorld knows the addresses that are reserved for documentation.
func madeUpWorld() geo.Options {
	return geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases}
}

// try is one request that the welcome invites to.
type try struct {
	comment string
	admin   bool   // goes to the admin listener
	path    string // GET if there is no body
	body    string
}

// tries tell a story: a session is at home, turns up abroad, is looked at and
// revoked, and stays so.
var tries = []try{
	{"a session in Paris: allow", false, "/v1/decisions", `{"session":{"id":"demo"},"user":{"id":"ana"},"client":{"ip":"203.0.113.7"}}`},
	{"the same session in New York a moment later: step_up", false, "/v1/decisions", `{"session":{"id":"demo"},"user":{"id":"ana"},"client":{"ip":"198.51.100.7"}}`},
	{"what riskd remembers of it", true, "/v1/sessions", ""},
	{"end all of ana's sessions; from now on the first request gets revoke", true, "/v1/revocations", `{"target":{"user":"ana"},"reason":"trying riskd","actor":"me"}`},
}

func welcome(s *service, screen *screen) string {
	text := fmt.Sprintf("riskd listens on %s for gateways and on %s for operators; pack %s. Try:\n\n",
		s.gateway, s.admin, s.pack.Policy().Pack)
	for _, t := range tries {
		address := s.gateway
		if t.admin {
			address = s.admin
		}
		text += fmt.Sprintf("  # %s\n  curl -sw '\\n' http://%s%s", t.comment, address, t.path)
		if t.body != "" {
			text += fmt.Sprintf(" -H 'Content-Type: application/json' \\\n    -d '%s'", t.body)
		}
		text += "\n\n"
	}
	return text + "Decisions as they happen; Ctrl-C ends riskd.\n\n" + screen.header() + "\n"
}
