package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const rbaHeader = "index,Login Timestamp,User ID,Round-Trip Time [ms],IP Address,Country,Region,City,ASN,User Agent String,Browser Name and Version,OS Name and Version,Device Type,Login Successful,Is Attack IP,Is Account Takeover\n"

// rbaRow is a row of a made-up file: its time, user, and values from the address on.
type rbaRow struct {
	at         time.Time
	user       string
	values     []string
	successful bool
}

// rbaRows are logins in a small world, out of order, some failed, some with a value
// that pandas takes for missing.
func rbaRows(rows int) (all []rbaRow) {
	r := rand.New(rand.NewPCG(8, 8))
	at := time.Date(2020, 2, 3, 12, 0, 0, 0, time.UTC)
	for i := range rows {
		at = at.Add(time.Duration(1+r.IntN(9)) * time.Second)
		user := r.IntN(30)
		network, browser, device, country := user%5, user%7, "desktop", [...]string{"NO", "US", "DE"}[user%5%3]
		if r.IntN(4) == 0 {
			network, browser = r.IntN(5), r.IntN(7)
		}
		switch r.IntN(40) {
		case 0:
			device = ""
		case 1:
			country = "NA"
		}
		all = append(all, rbaRow{
			at.Add(time.Duration(i%3) * -4 * time.Second).Add(time.Duration(i%1000) * time.Millisecond), fmt.Sprint(user - 15),
			[]string{fmt.Sprintf("10.0.%d.%d", network, r.IntN(12)), fmt.Sprint(64500 + network), country, fmt.Sprintf("UA-%d (a, b)", browser), fmt.Sprint("B", browser/2), fmt.Sprint("OS", browser%3), device},
			r.IntN(5) > 0,
		})
	}
	return all
}

func writeRBA(t *testing.T, rows []rbaRow) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(rbaHeader)
	word := map[bool]string{true: "True", false: "False"}
	for i, r := range rows {
		v := r.values
		fmt.Fprintf(&text, "%d,%s,%s,,%s,%s,-,-,%s,\"%s\",%s,%s,%s,%s,False,False\n", i, r.at.Format("2006-01-02 15:04:05.000"), r.user, v[0], v[2], v[1], v[3], v[4], v[5], v[6], word[r.successful])
	}
	name := filepath.Join(t.TempDir(), "rba.csv")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// notebookScore is S by its definition, counted over all rows for each login, n and m
// over the whole log as the notebook has it.
func notebookScore(log []rbaRow, i int) (s float64, login int) {
	weights := [][]float64{{0.6, 0.3, 0.1}, {0.5386653840551359, 0.2680451498625666, 0.18818295100109536, 0.0051065150812021525}}
	past, x := log[:i], log[i]
	var own []rbaRow
	users := map[string]bool{}
	for _, r := range past {
		users[r.user] = true
		if r.user == x.user {
			own = append(own, r)
		}
	}
	share := func(rows []rbaRow, column int) float64 {
		n := 0.0
		for _, r := range rows {
			if r.values[column] == x.values[column] {
				n++
			}
		}
		return n
	}
	distinct := func(rows []rbaRow, column int) float64 {
		seen := map[string]bool{}
		for _, r := range rows {
			seen[r.values[column]] = true
		}
		return float64(len(seen))
	}
	s = float64(len(past)) / float64(len(own)) / float64(len(users))
	for f, at := range []int{0, 3} {
		w := weights[f]
		var same []rbaRow
		for _, r := range log {
			if r.values[at] == x.values[at] {
				same = append(same, r)
			}
		}
		m, unseen := 1.0, 1.0
		for h := 1; h < len(w); h++ {
			m += distinct(same, at+h)
			unseen += distinct(past, at+h)
		}
		n := float64(len(same))
		global := w[0] * max(share(past, at), 1) / (float64(len(past)) + unseen) * n / (n + m)
		local := w[0] * share(own, at) / float64(len(own))
		for h := 1; h < len(w); h++ {
			global += w[h] * share(past, at+h) / float64(len(past))
			local += w[h] * share(own, at+h) / float64(len(own))
		}
		if local == 0 {
			local = global / 4
		}
		s *= global / local
	}
	return s, len(own) + 1
}

// expectedScores is a file of scores as the notebook would give them.
func expectedScores(t *testing.T, rows []rbaRow, from, logins int, spoil float64) string {
	t.Helper()
	log := slices.DeleteFunc(slices.Clone(rows), func(r rbaRow) bool { return !r.successful || r.values[6] == "" || r.values[2] == "NA" })
	slices.SortStableFunc(log, func(a, b rbaRow) int { return a.at.Compare(b.at) })
	var want published
	want.Preprocess.Sessions = len(log)
	for i := from; i < from+logins; i++ {
		if s, login := notebookScore(log, i); login > 1 {
			want.Expected = append(want.Expected, printed{log[i].user, log[i].at.Format("2006-01-02 15:04:05.000"), login, s})
		}
	}
	want.Expected[len(want.Expected)/2].RiskScore *= 1 + spoil
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "expected.json")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func detection(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err = run(t.Context(), &stdout, &stderr, args)
	return stdout.String() + stderr.String(), err
}

// The notebook's scores are met on a file of its form, and a score that is off by a
// millionth is found.
func TestNotebookScoresAreCompared(t *testing.T) {
	t.Parallel()
	rows := rbaRows(700)
	name := writeRBA(t, append(slices.Clone(rows), rbaRows(5)...)) // the last ones aren't read
	args := func(expected string) []string {
		return []string{"rba", "-rows", "700", "-from", "400", "-logins", "50", "-expected", expected, name}
	}
	out, err := detection(t, args(expectedScores(t, rows, 400, 50, 0))...)
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if n := strings.Count(out, "\n"); n != 53 {
		t.Errorf("%d lines:\n%s", n, out)
	}
	if _, err = detection(t, args(expectedScores(t, rows, 400, 50, 1e-6))...); err == nil || strings.Count(err.Error(), "the notebook has") != 1 {
		t.Errorf("a score is off, and %v", err)
	}
	if _, err = detection(t, args(expectedScores(t, rows, 401, 50, 0))...); err == nil {
		t.Error("scores of other logins are met")
	}
}

func TestRBATrial(t *testing.T) {
	t.Parallel()
	name := writeRBA(t, rbaRows(900))
	out, err := detection(t, "rba", name)
	if err != nil || !strings.Contains(out, "naive") || !strings.Contains(out, "targeted") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := detection(t, "rba", "-anchors", name); err == nil || !strings.Contains(err.Error(), "naive attackers: AUC is 0.") {
		t.Errorf("a small world is like the whole data set: %v", err)
	}
	for _, args := range [][]string{{"rba"}, {"rba", "-rows", "0", name}, {"rba", name + "x"}, {"nothing"}, {}} {
		if _, err := detection(t, args...); err == nil {
			t.Errorf("%v runs", args)
		}
	}
}

// The sample of the real file runs.
func TestRBASample(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("RISKD_TEST_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	name := filepath.Join(dir, "rba", "rba-dataset.head19.csv")
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the sample of the RBA data set isn't there: set RISKD_TEST_DATA to the folder of third-party data")
	}
	if out, err := detection(t, "rba", name); err != nil || !strings.Contains(out, "on 0 logins") {
		t.Errorf("%v\n%s", err, out)
	}
	// Its logins are too few to score those that the notebook scores, and that is said.
	expected := filepath.Join(dir, "rba", "notebook_expected_24.json")
	if out, err := detection(t, "rba", "-expected", expected, name); err == nil || !strings.Contains(out, "7 logins of 7 users; the notebook has 476564 of 271719") {
		t.Errorf("%v\n%s", err, out)
	}
}
