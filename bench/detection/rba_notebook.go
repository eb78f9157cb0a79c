package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/riskd/riskd/replay/rba"
	"github.com/riskd/riskd/scoring/freeman"
)

// notebook does again what the authors' notebook does (das-group/rba-algorithm, commit
// 28fec46): it reads the first rows, drops those with a missing value, keeps successful
// logins in the order of their times, and scores some of them.
type notebook struct {
	rows, from, logins int
}

// published is what the notebook printed.
type published struct {
	Preprocess struct{ Users, Sessions int }
	Expected   []printed
}

// printed is one score.
type printed struct {
	User      string
	Time      string  `json:"ts"`
	Login     int     `json:"login_no"` // from 1, for each user
	RiskScore float64 `json:"risk_score"`
}

// timedLogin is a login and when it was.
type timedLogin struct {
	freeman.Login
	at time.Time
}

func (n *notebook) compare(ctx context.Context, out io.Writer, name, expected string) error {
	data, err := os.ReadFile(expected)
	if err != nil {
		return err
	}
	var want published
	if err := json.Unmarshal(data, &want); err != nil {
		return fmt.Errorf("%s: is not the notebook's scores: %w", expected, err)
	}
	all, err := n.read(ctx, name)
	if err != nil {
		return err
	}
	past, err := n.learn(all)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d logins of %d users; the notebook has %d of %d\n\n", len(all), past.Users(), want.Preprocess.Sessions, want.Preprocess.Users)
	return n.score(out, all, past, &want)
}

// missing are the words that pandas reads as a missing value. The code of Namibia is
// among them.
var missing = []string{
	"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null",
}

func (n *notebook) read(ctx context.Context, name string) (all []timedLogin, err error) {
	rows := 0
	err = eachRow(ctx, name, func(r *rba.Row) bool {
		if rows++; rows > n.rows {
			return false
		}
		l := rba.Login(r)
		if r.Successful && !slices.ContainsFunc(l.Values, func(v string) bool { return slices.Contains(missing, v) }) {
			all = append(all, timedLogin{l, r.Time})
		}
		return true
	})
	slices.SortStableFunc(all, func(a, b timedLogin) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	return all, err
}

func (n *notebook) learn(all []timedLogin) (*freeman.Model, error) {
	m, err := freeman.New(freeman.Options{})
	if err != nil {
		return nil, err
	}
	for i := range all {
		m.Learn(all[i].User, all[i].Values)
	}
	return m, nil
}

// score compares the scores one by one.
func (n *notebook) score(out io.Writer, all []timedLogin, whole *freeman.Model, want *published) error {
	if len(all) < n.from+n.logins {
		return fmt.Errorf("there are %d logins, too few to score those from %d to %d", len(all), n.from, n.from+n.logins-1)
	}
	m, err := freeman.New(freeman.Options{Ahead: whole})
	if err != nil {
		return err
	}
	for _, l := range all[:n.from] {
		m.Learn(l.User, l.Values)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "user\tlogin\ttime\tnotebook\there\tdifference\t")
	var faults []error
	next := want.Expected
	for _, l := range all[n.from : n.from+n.logins] {
		lnS, scored := m.Score(l.User, l.Values)
		got := printed{l.User, l.at.Format("2006-01-02 15:04:05.000"), m.History(l.User) + 1, math.Exp(lnS)}
		m.Learn(l.User, l.Values)
		switch {
		case !scored:
			continue
		case len(next) == 0:
			faults = append(faults, fmt.Errorf("%v is scored, the notebook has no more scores", got))
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%.12g\t%.12g\t%.1e\t\n", got.User, got.Login, got.Time, next[0].RiskScore, got.RiskScore, got.RiskScore/next[0].RiskScore-1)
		if !got.matches(next[0]) {
			faults = append(faults, fmt.Errorf("%v: the notebook has %v", got, next[0]))
		}
		next = next[1:]
	}
	if len(next) > 0 {
		faults = append(faults, fmt.Errorf("%d scores of the notebook weren't met", len(next)))
	}
	return errors.Join(append(faults, table.Flush())...)
}

// matches compares scores to 1e-9, relatively.
func (p printed) matches(q printed) bool {
	const tolerance = 1e-9
	return p.User == q.User && p.Time == q.Time && p.Login == q.Login && math.Abs(p.RiskScore-q.RiskScore) <= tolerance*q.RiskScore
}

func (p printed) String() string {
	return fmt.Sprintf("login %d of user %s at %s with S = %.12g", p.Login, p.User, p.Time, p.RiskScore)
}
