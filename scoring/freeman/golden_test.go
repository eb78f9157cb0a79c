package freeman_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/riskd/riskd/scoring/freeman"
)

// thirdParty opens a file of the data that is beside the repository where it is.
func thirdParty(t *testing.T, name string) []byte {
	t.Helper()
	dir := os.Getenv("RISKD_TEST_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s isn't there: set RISKD_TEST_DATA to the folder of third-party data", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// goldenLog is a log that the authors' notebook has scored from row HistoryRows on.
type goldenLog struct {
	Name     string
	Rows     [][]any // ts_ms, user, ip, asn, country, user_agent, browser, os, device
	Expected []struct {
		Row      int
		Notebook float64 `json:"score_notebook"`
		Past     float64 `json:"score_no_lookahead"`
	}
}

func (g *goldenLog) login(i int) login {
	l := login{user: fmt.Sprint(g.Rows[i][1])}
	for _, v := range g.Rows[i][2:] {
		l.values = append(l.values, fmt.Sprint(v))
	}
	return l
}

// Every score of the golden logs is met: as the notebook gives it, looking ahead, and
// with the past alone.
func TestGoldenScores(t *testing.T) {
	t.Parallel()
	var golden struct{ Logs []goldenLog }
	if err := json.Unmarshal(thirdParty(t, "rba/freeman_golden.json"), &golden); err != nil {
		t.Fatal(err)
	}
	scored := 0
	for _, g := range golden.Logs {
		var all []login
		for i := range g.Rows {
			all = append(all, g.login(i))
		}
		past := newModel(t, freeman.Options{})
		ahead := newModel(t, freeman.Options{Ahead: newModel(t, freeman.Options{}, all...)})
		next := g.Expected
		for i, l := range all {
			if len(next) > 0 && next[0].Row == i {
				matches(t, g.Name, i, past, l, next[0].Past)
				matches(t, g.Name, i, ahead, l, next[0].Notebook)
				next, scored = next[1:], scored+1
			}
			past.Learn(l.user, l.values)
			ahead.Learn(l.user, l.values)
		}
		if len(next) > 0 {
			t.Errorf("%s: %d scores are of rows that aren't there", g.Name, len(next))
		}
	}
	if scored < 84 {
		t.Errorf("only %d scores were compared", scored)
	}
}

func matches(t *testing.T, log string, row int, m *freeman.Model, l login, want float64) {
	t.Helper()
	lnS, scored := m.Score(l.user, l.values)
	if got := math.Exp(lnS); !scored || math.Abs(got-want) > 1e-9*want {
		t.Errorf("%s, row %d: S is %v, want %v", log, row, got, want)
	}
}
