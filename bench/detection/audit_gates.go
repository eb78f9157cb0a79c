package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/riskd/riskd/scoring/freeman"
	"github.com/riskd/riskd/signals"
)

// realism is how often a sign-in comes from an address that is new to the user, by the
// time since his last one: benign logins of the RBA data set (an independent count;
// detection.md, table 2.1). From judged on a simulation has to come near.
var realism = []struct {
	name   string
	under  time.Duration
	share  float64
	judged bool
}{
	{"< 1 min", time.Minute, 0.024, false},
	{"1-10 min", 10 * time.Minute, 0.054, false},
	{"10-60 min", time.Hour, 0.120, false},
	{"1-24 h", 24 * time.Hour, 0.223, true},
	{"1-7 d", 7 * 24 * time.Hour, 0.351, true},
	{"7-30 d", 30 * 24 * time.Hour, 0.539, true},
	{"> 30 d", math.MaxInt64, 0.759, true},
}

// How near a simulation has to come: shares of new addresses, and the AUC of the
// smoothed login score on its authors' attackers.
const (
	nearShare = 0.10
	nearAUC   = 0.15
	// fewestLogins is how many sign-ins a row needs to be judged.
	fewestLogins = 200
)

// gates measure whether honest sign-ins are like real ones.
type gates struct {
	users map[string]*signedIn
	gaps  [7]struct{ logins, fresh int }
	trial *freeman.Trial
}

// signedIn is what is known of a user's sign-ins.
type signedIn struct {
	addresses map[string]bool
	last      time.Time
}

func newGates(seed uint64) (*gates, error) {
	trial, err := freeman.NewTrial(freeman.TrialOptions{Seed: seed, History: freeman.KeptLogins})
	return &gates{users: map[string]*signedIn{}, trial: trial}, err
}

// login takes an honest sign-in.
func (g *gates) login(e *heard) {
	u := g.users[e.User.ID]
	if u == nil {
		u = &signedIn{addresses: map[string]bool{}}
		g.users[e.User.ID] = u
	} else {
		row := 0
		for e.at.Sub(u.last) >= realism[row].under {
			row++
		}
		g.gaps[row].logins++
		if !u.addresses[e.Client.IP] {
			g.gaps[row].fresh++
		}
	}
	u.addresses[e.Client.IP], u.last = true, e.at
	g.trial.User(freemanLogin(e))
}

// freemanLogin is a sign-in as the login score takes it.
func freemanLogin(e *heard) freeman.Login {
	a := signals.ParseAgent(e.Client.UserAgent)
	device := "desktop"
	if strings.Contains(e.Client.UserAgent, "Mobile") || strings.Contains(e.Client.UserAgent, "Android") {
		device = "mobile"
	}
	return freeman.Login{User: e.User.ID, Values: []string{
		freeman.Address: e.Client.IP, freeman.ASN: number(uint64(e.Place.ASN)), freeman.Country: e.Place.Country,
		freeman.UserAgent: e.Client.UserAgent, freeman.Browser: a.Family + " " + strconv.Itoa(a.Major) + "." + strconv.Itoa(a.Minor),
		freeman.System: a.OS, freeman.DeviceType: device,
	}}
}

// print prints both gates, and gives what is beyond them.
func (g *gates) print(w io.Writer) (faults []error) {
	fmt.Fprintf(w, "\nsign-ins from an address new to the user, by the time since his last; within %.2f from an hour on\n", nearShare)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "gap\tsign-ins\tnew address\tRBA data\t")
	for i, row := range realism {
		got, mark := g.gaps[i], ""
		share := float64(got.fresh) / float64(max(got.logins, 1))
		switch {
		case !row.judged:
		case got.logins < fewestLogins:
			mark = " –"
		case math.Abs(share-row.share) > nearShare:
			mark = " !"
			faults = append(faults, fmt.Errorf("sign-ins after a gap of %s come from a new address in %.3f of cases; real ones in %.3f ± %.2f", row.name, share, row.share, nearShare))
		}
		fmt.Fprintf(table, "%s\t%d\t%.3f\t%.3f\t%s\n", row.name, got.logins, share, row.share, mark)
	}
	table.Flush()
	fmt.Fprintln(w)
	if err := g.trial.Text(w); err != nil {
		return append(faults, err)
	}
	results, users := g.trial.Results()
	if users < fewestLogins {
		return append(faults, fmt.Errorf("%d sign-ins of users with a history: too few to say how like real ones they are; %d are needed", users, fewestLogins))
	}
	for _, r := range results[:freeman.Takeover] {
		if want, _ := r.Attacker.Anchor(); r.Logins >= fewestLogins && math.Abs(r.Smoothed.AUC-want) > nearAUC {
			faults = append(faults, fmt.Errorf("the smoothed login score tells %v attackers with AUC %.3f; on real sign-ins it is %.3f ± %.2f", r.Attacker, r.Smoothed.AUC, want, nearAUC))
		}
	}
	return faults
}
