package rba_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/replay/rba"
)

const header = "index,Login Timestamp,User ID,Round-Trip Time [ms],IP Address,Country,Region,City,ASN,User Agent String,Browser Name and Version,OS Name and Version,Device Type,Login Successful,Is Attack IP,Is Account Takeover\n"

// made are rows as the data set has them: a quoted user agent with commas, one over two
// lines, an empty round-trip time and device type, negative users, all kinds of flags.
const made = header +
	`0,2020-02-03 12:43:30.772,-4324475583306591935,,10.0.65.171,NO,-,-,29695,Mozilla/5.0  (iPhone) Firefox/20.0,Firefox 20.0,iOS 13.4,mobile,False,False,False
1,2020-02-03 12:43:31,77,1123.0,198.51.100.7,-,Oslo County,Oslo,500123,"Mozilla/5.0 (KHTML, like Gecko), ""quoted""",Chrome 80.0,Android 4.1,,True,False,False
2,2020-02-03 12:43:32.5,77,,198.51.100.7,US,-,-,0,"two
lines",Chrome 80.0,Android 4.1,unknown,True,True,False
3,2020-02-03 12:43:33.001,-5,,2001:db8::7,US,,,64500,<b>&,Chrome 80.0,Android 4.1,desktop,True,True,True
`

func rows(t *testing.T, text string) (all []rba.Row) {
	t.Helper()
	r := rba.NewReader("made.csv", iotest.OneByteReader(strings.NewReader(text)))
	for {
		row, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *row)
	}
}

func TestRowsAreRead(t *testing.T) {
	t.Parallel()
	all := rows(t, made)
	if len(all) != 4 {
		t.Fatalf("%d rows", len(all))
	}
	first, second := all[0], all[1]
	if first.User != -4324475583306591935 || first.RTT != 0 || first.Address.String() != "10.0.65.171" || first.Country != "NO" || first.Region != "" ||
		first.ASN != 29695 || first.DeviceType != "mobile" || first.Successful || !first.Time.Equal(time.Date(2020, 2, 3, 12, 43, 30, 772e6, time.UTC)) {
		t.Errorf("the first row is %+v", first)
	}
	if second.UserAgent != `Mozilla/5.0 (KHTML, like Gecko), "quoted"` || second.RTT != 1123 || second.Country != "" || second.City != "Oslo" || second.DeviceType != "" || !second.Successful {
		t.Errorf("the second row is %+v", second)
	}
	if all[2].UserAgent != "two\nlines" || all[2].Line != 4 || all[3].Line != 6 || !all[3].Takeover || !all[3].AttackIP || all[3].User != -5 {
		t.Errorf("the last rows are %+v", all[2:])
	}
}

// What is wrong is told with its place and the column's name.
func TestFaultsAreNamed(t *testing.T) {
	t.Parallel()
	good := strings.Split(`0,2020-02-03 12:43:30.772,-43,,10.0.65.171,NO,-,-,29695,Firefox,Firefox 20.0,iOS 13.4,mobile,False,False,False`, ",")
	with := func(column int, text string) string {
		row := append([]string(nil), good...)
		row[column] = text
		return header + strings.Join(row, ",") + "\n"
	}
	for want, text := range map[string]string{
		`f:2: index: must be a whole number of 64 bits, is "x"`:                                          with(0, "x"),
		`f:2: Login Timestamp: must be a time such as 2020-02-03 12:43:30.772, is "2020-02-30 12:43:30"`: with(1, "2020-02-30 12:43:30"),
		`f:2: User ID: must be a whole number of 64 bits, is ""`:                                         with(2, ""),
		`f:2: Round-Trip Time [ms]: must be empty or milliseconds, is "NaN"`:                             with(3, "NaN"),
		`f:2: IP Address: must be an IPv4 or IPv6 address, is "1.2.3"`:                                   with(4, "1.2.3"),
		`f:2: Country: must be two capital letters, is "no"`:                                             with(5, "no"),
		`f:2: ASN: must be a number of 32 bits, is "29695.0"`:                                            with(8, "29695.0"),
		`f:2: Login Successful: must be True or False, is "true"`:                                        with(13, "true"),
		`f:2: Is Attack IP: must be True or False, is ""`:                                                with(14, ""),
		`f:2: Is Account Takeover: must be True or False, is "1"`:                                        with(15, "1"),
		`f:2: has 15 columns, not 16`:                                                                    header + strings.Join(good[:15], ",") + "\n",
		`f:7: ASN: must be a number of 32 bits, is "-1"`:                                                 made + strings.TrimPrefix(with(8, "-1"), header),
		`f:2: is no CSV: extraneous or missing " in quoted-field`:                                        header + `0,"2020`,
		`f:1: is empty: the RBA data set begins with a line of column names`:                             "",
	} {
		r := rba.NewReader("f", strings.NewReader(text))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestHeaderIsChecked(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		`f:1: User ID: is missing: "Round-Trip Time [ms]" stands in its place`: strings.Replace(header, "User ID,", "", 1),
		`f:1: Is Account Takeover: is missing: the columns`:                    strings.Replace(header, ",Is Account Takeover", "", 1),
		`f:1: Extra: is no column of the RBA data set`:                         strings.TrimSpace(header) + ",Extra\n",
	} {
		r := rba.NewReader("f", strings.NewReader(text))
		if _, err := r.Next(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s…", err, want)
		}
	}
	if _, err := rba.NewReader("f", strings.NewReader("\ufeff"+made)).Next(); err != nil {
		t.Errorf("a byte order mark: %v", err)
	}
}

var key, _ = riskd.NewSessionKey(bytes.Repeat([]byte{1}, riskd.MinSessionKey))

// events decodes a trace as replay does, by the number of its lines.
func events(t *testing.T, text string) map[int]*riskd.Event {
	t.Helper()
	trace, err := io.ReadAll(rba.Trace(rba.NewReader("f", strings.NewReader(text)), nil))
	if err != nil {
		t.Fatal(err)
	}
	all := map[int]*riskd.Event{}
	for i, line := range strings.Split(string(trace), "\n") {
		if line == "" {
			continue
		}
		kind, document, err := fixtures.SplitLine([]byte(line))
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		e, err := api.DecodeTraceEvent(document, key)
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if signedIn := e.User.ID != ""; signedIn != (kind == fixtures.Decision) || signedIn != (e.Request.Status == 200) {
			t.Errorf("line %d: a %s of %q with status %d", i+1, kind, e.User.ID, e.Request.Status)
		}
		all[i+1] = e
	}
	return all
}

// A row is an event in the line in which it stands, with what the row says.
func TestTraceTellsRows(t *testing.T) {
	t.Parallel()
	all := events(t, made)
	if len(all) != 4 {
		t.Fatalf("%d events", len(all))
	}
	failed, second, last := all[2], all[3], all[6]
	if failed == nil || failed.User.ID != "" || failed.Request.Status != 401 || failed.ID != "rba-0" || !failed.Session.AuthTime.IsZero() {
		t.Errorf("the failed login is %+v", failed)
	}
	if second == nil || second.User.ID != "77" || second.Place != (riskd.Place{ASN: 500123}) || second.Client.UserAgent != `Mozilla/5.0 (KHTML, like Gecko), "quoted"` || second.Request.Class != riskd.ClassStandard {
		t.Errorf("the second is %+v", second)
	}
	if last == nil || last.User.ID != "-5" || last.Place != (riskd.Place{Country: "US", ASN: 64500}) || last.Client.UserAgent != "<b>&" || !last.Session.AuthTime.Equal(last.Time) {
		t.Errorf("the last is %+v", last)
	}
	if second.Session.ID == last.Session.ID {
		t.Error("two logins share a session")
	}
}

// A row that is none ends the trace in its line, and those before it are told.
func TestTraceEndsAtAFault(t *testing.T) {
	t.Parallel()
	trace, err := io.ReadAll(rba.Trace(rba.NewReader("f", strings.NewReader(made+"4,x\n")), nil))
	var fault *rba.Fault
	if !errors.As(err, &fault) || fault.Line != 7 || bytes.Count(trace, []byte("\n")) != 6 {
		t.Errorf("after %d lines: %v", bytes.Count(trace, []byte("\n")), err)
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := rba.WriteLabels(&out, rba.NewReader("f", strings.NewReader(made))); err != nil {
		t.Fatal(err)
	}
	want := `{"attack":"attack_ip-198.51.100.7","event":"rba-2","family":"attack_ip"}
{"attack":"takeover--5","event":"rba-3","family":"takeover"}
`
	if out.String() != want {
		t.Errorf("got %s", out.String())
	}
	if err := rba.WriteLabels(io.Discard, rba.NewReader("f", strings.NewReader("x"))); err == nil {
		t.Error("labels of something else")
	}
}

// The sample of the real file is read, and all of it is told.
func TestSampleRows(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("RISKD_TEST_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	data, err := os.ReadFile(filepath.Join(dir, "rba", "rba-dataset.head19.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the sample of the RBA data set isn't there: set RISKD_TEST_DATA to the folder of third-party data")
	}
	if err != nil {
		t.Fatal(err)
	}
	all := rows(t, string(data))
	successes, listed := 0, 0
	for i := range all {
		if all[i].Successful {
			successes++
		}
		if all[i].AttackIP {
			listed++
		}
	}
	if len(all) != 19 || successes != 7 || listed != 2 {
		t.Errorf("%d rows, %d successes, %d from attackers' addresses", len(all), successes, listed)
	}
	if got := len(events(t, string(data))); got != 19 {
		t.Errorf("%d events", got)
	}
}

func FuzzTrace(f *testing.F) {
	f.Add([]byte(made))
	f.Add([]byte(header + "\n\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		trace, err := io.ReadAll(rba.Trace(rba.NewReader("f", bytes.NewReader(text)), nil))
		for line := range bytes.Lines(trace) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !json.Valid(line) {
				t.Fatalf("%q (%v)", line, err)
			}
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Fatal(fmt.Errorf("has no place: %w", err))
		}
	})
}
