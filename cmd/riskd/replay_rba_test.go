package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const rbaHeader = "index,Login Timestamp,User ID,Round-Trip Time [ms],IP Address,Country,Region,City,ASN,User Agent String,Browser Name and Version,OS Name and Version,Device Type,Login Successful,Is Attack IP,Is Account Takeover\n"

// rbaFile makes a file in the form of the RBA data set: 40 users who sign in from home
// and now and then from elsewhere in their network, failures in between, an address that
// tries them all, and a few accounts that are taken over from far away.
func rbaFile(t *testing.T, logins int) string {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 5))
	at := time.Date(2020, 2, 3, 12, 0, 0, 0, time.UTC)
	countries, systems := []string{"NO", "US", "SE"}, []string{"Windows 10", "iOS 13.4", "Android 10"}
	var text strings.Builder
	text.WriteString(rbaHeader)
	for i := range logins {
		at = at.Add(time.Duration(r.IntN(600_000)) * time.Millisecond)
		user := r.IntN(40)
		network, browser, host, successful, listed, taken := user%6, 70+user%9, user, r.IntN(4) > 0, false, false
		switch {
		case r.IntN(5) == 0:
			host = 60 + r.IntN(100)
		case i%40 == 39:
			network, host, listed, successful = 3, 250, true, i%80 == 39
		case i > logins/2 && i%100 == 50:
			network, browser, host, taken, successful = 9, 66, 251, true, true
		}
		fmt.Fprintf(&text, "%d,%s,%d,,10.0.%d.%d,%s,-,-,%d,\"Mozilla/5.0 (X, like Gecko) Chrome/%d.0.0.0 Safari/537.36\",Chrome %d.0.0,%s,desktop,%s,%s,%s\n",
			i, at.Format("2006-01-02 15:04:05.000"), user-20, network, host, countries[network%3], 64500+network, browser, browser, systems[browser%3],
			map[bool]string{true: "True", false: "False"}[successful], map[bool]string{true: "True", false: "False"}[listed], map[bool]string{true: "True", false: "False"}[taken])
	}
	name := filepath.Join(t.TempDir(), "rba.csv")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Every row is decided and measured by the data set's own columns, and the login score
// is measured beside.
func TestReplayOfRBAData(t *testing.T) {
	t.Parallel()
	out, errs, code := riskdCommand(t, "replay", "-format", "rba", rbaFile(t, 2000))
	if code != 0 {
		t.Fatalf("ended with %d: %s", code, errs)
	}
	for _, want := range []string{
		`(?m)2,?000 events`,
		`(?m)^ *takeover +`,
		`(?m)^ *attack_ip +`,
		`\nlogin score of Freeman et al\. on 1\d\d\d logins of users with a history\n`,
		`\n +naive +1\d\d\d +0\.[89]\d\d +`,
		`\n +targeted +1\d\d\d +0\.[5-9]\d\d +.* 0\.665 +0\.015\n`,
		`\n +takeover +\d+ +[01]\.\d\d\d +`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%s isn't in\n%.300s…\n%s", want, out, out[max(0, len(out)-2500):])
		}
	}
}

// Standard input can't be read twice: its decisions are listed, as any trace's are.
func TestReplayOfRBADataFromStandardInput(t *testing.T) {
	t.Parallel()
	file, err := os.Open(rbaFile(t, 300))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"replay", "-format", "rba", "-"}, stdio{in: file, out: &out, err: &errs})
	if code != 0 || !strings.Contains(out.String(), "\n300 decisions\n") || !strings.Contains(out.String(), "login score of Freeman et al.") {
		t.Errorf("ended with %d: %s\n%s", code, errs.String(), out.String())
	}
}

// The data set's own columns are the labels.
func TestReplayOfRBADataKnowsAttacks(t *testing.T) {
	t.Parallel()
	name := rbaFile(t, 1200)
	out, errs, code := riskdCommand(t, "replay", "-format", "rba", "-against", "default", "-json", name)
	if code != 0 {
		t.Fatalf("ended with %d: %s", code, errs)
	}
	report := reportOf(t, out)
	families := map[string]int{}
	for _, f := range report.Detection.Families {
		families[f.Name] = f.A.Caught.Of
	}
	if families["takeover"] < 2 || families["attack_ip"] != 1 || report.Detection.Unmatched != 0 || report.Events != 1200 {
		t.Errorf("%d events, families %v, %d labels unmatched", report.Events, families, report.Detection.Unmatched)
	}
}

// What can't be read is told with line and column, once.
func TestReplayOfBrokenRBAData(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(rbaFile(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.csv")
	if err := os.WriteFile(broken, append(whole, "3,2020-02-03 12:00:00,x,,10.0.0.1,NO,-,-,y,UA,B,O,desktop,True,False,False\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"replayed": {"replay", "-format", "rba", broken},
		"compared": {"replay", "-format", "rba", "-against", "default", broken},
	} {
		_, errs, code := riskdCommand(t, args...)
		for _, want := range []string{
			broken + `:5: User ID: must be a whole number of 64 bits, is "x"` + "\n",
			broken + `:5: ASN: must be a number of 32 bits, is "y"` + "\n",
		} {
			if code != exitProblem || !strings.Contains(errs, want) {
				t.Errorf("%s: ended with %d: %s", name, code, errs)
			}
		}
	}
	for want, args := range map[string][]string{
		`-format "csv" is neither trace nor rba`: {"replay", "-format", "csv", broken},
		"standard input can't give twice":        {"replay", "-format", "rba", "-against", "default", "-"},
	} {
		if _, errs, code := riskdCommand(t, args...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: ended with %d: %s", args, code, errs)
		}
	}
}

// The sample of the real file runs.
func TestReplayOfRBASample(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("RISKD_TEST_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	name := filepath.Join(dir, "rba", "rba-dataset.head19.csv")
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the sample of the RBA data set isn't there: set RISKD_TEST_DATA to the folder of third-party data")
	}
	out, errs, code := riskdCommand(t, "replay", "-format", "rba", name)
	if code != 0 || !strings.Contains(out, "19 events") || !strings.Contains(out, "login score of Freeman et al. on 0 logins") {
		t.Errorf("ended with %d: %s\n%s", code, errs, out)
	}
}
