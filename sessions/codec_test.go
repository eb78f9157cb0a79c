package sessions

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"pgregory.net/rapid"
)

// unstored are the fields that the archive leaves out on purpose.
var unstored = []string{"Suspension", "Ordered", "Lost", "Leased", "Identity.Open[0].Rule", "Behaviour.Open[0].Rule"}

func TestEveryFieldOfASessionIsStored(t *testing.T) {
	t.Parallel()
	in := stored{family: riskd.SessionID{7}, endedBy: 8, expiredAt: time.Unix(9, 9).UTC()}
	fillAll(reflect.ValueOf(&in.Session).Elem())
	out := recoded(t, &in, cellNames(len(in.Cells)))
	compareLeaves(t, "", reflect.ValueOf(in.Session), reflect.ValueOf(out.Session))
	if out.family != in.family || out.endedBy != in.endedBy || !out.expiredAt.Equal(in.expiredAt) {
		t.Errorf("the store's own fields came back as %v, %d, %v", out.family, out.endedBy, out.expiredAt)
	}
	if n := reflect.TypeFor[stored]().NumField(); n != 4 {
		t.Errorf("stored has %d fields; this test knows 4", n)
	}
}

func TestEveryFieldOfAProfileIsStored(t *testing.T) {
	t.Parallel()
	var in, out riskd.Profile
	fillAll(reflect.ValueOf(&in).Elem())
	if err := decodeProfile(new(codec).encodeProfile(&in), &out); err != nil {
		t.Fatal(err)
	}
	compareLeaves(t, "", reflect.ValueOf(in), reflect.ValueOf(out))
}

var timeType = reflect.TypeFor[time.Time]()

// fillAll sets all that can be set to something that isn't zero.
func fillAll(v reflect.Value) {
	switch {
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000, 123_456_789).UTC()))
		return
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if v.Type() != reflect.TypeFor[*riskd.Epoch]() && v.Type() != reflect.TypeFor[*riskd.Rule]() {
			fillAll(v.Elem())
		}
		return
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillAll(v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			fillAll(v.Index(i))
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(1.25)
	default:
		if v.CanInt() {
			v.SetInt(3)
		} else {
			v.SetUint(3)
		}
	}
}

// compareLeaves names the fields in which two values differ.
func compareLeaves(t *testing.T, path string, want, got reflect.Value) {
	t.Helper()
	if slices.Contains(unstored, path) {
		if !got.IsZero() {
			t.Errorf("%s is stored, but shouldn't be", path)
		}
		return
	}
	switch kind := want.Kind(); {
	case want.Type() == timeType:
		if !want.Interface().(time.Time).Equal(got.Interface().(time.Time)) {
			t.Errorf("%s is lost: the record must hold it (codec_*.go), or unstored must say that it doesn't", path)
		}
	case kind == reflect.Pointer && !got.IsNil():
		compareLeaves(t, path, want.Elem(), got.Elem())
	case kind == reflect.Struct:
		for i := range want.NumField() {
			compareLeaves(t, strings.TrimPrefix(path+"."+want.Type().Field(i).Name, "."), want.Field(i), got.Field(i))
		}
	case (kind == reflect.Slice || kind == reflect.Array) && want.Len() == got.Len():
		for i := range want.Len() {
			compareLeaves(t, fmt.Sprintf("%s[%d]", path, i), want.Index(i), got.Index(i))
		}
	case !reflect.DeepEqual(want.Interface(), got.Interface()):
		t.Errorf("%s is lost: the record must hold it (codec_*.go), or unstored must say that it doesn't", path)
	}
}

func cellNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("signal_", i)
	}
	return names
}

// layoutOf is what an archive knows that was only ever opened with these cells.
func layoutOf(cells []string) *layouts {
	l := &layouts{current: 1, cells: len(cells)}
	l.know(1, cells, cells)
	return l
}

func recoded(t testing.TB, in *stored, cells []string) *stored {
	t.Helper()
	l, out := layoutOf(cells), new(stored)
	c := codec{layouts: l}
	if err := decodeSession(c.encodeSession(in), l, in.ID, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// drawn sets a value to anything at all.
func drawn(t *rapid.T, v reflect.Value) {
	switch {
	case v.Type() == timeType:
		if rapid.Bool().Draw(t, "set") {
			ns := rapid.Int64Range(-maxTime, maxTime).Draw(t, "s")
			v.Set(reflect.ValueOf(time.Unix(ns, rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()))
		}
		return
	case v.Type() == reflect.TypeFor[*riskd.Rule](), v.Type() == reflect.TypeFor[*riskd.Epoch]():
		return
	case v.Kind() == reflect.Pointer:
		if rapid.Bool().Draw(t, "present") {
			v.Set(reflect.New(v.Type().Elem()))
			drawn(t, v.Elem())
		}
		return
	case v.Kind() == reflect.Slice:
		if n := rapid.IntRange(0, 3).Draw(t, "n"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			drawn(t, v.Field(i))
		}
		if a, ok := v.Addr().Interface().(*riskd.Anchor); ok && a.At.IsZero() {
			*a = riskd.Anchor{}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			drawn(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(rapid.StringN(0, 3, 12).Draw(t, "s"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "b"))
	case reflect.Float32:
		v.SetFloat(float64(rapid.Float32().Draw(t, "f")))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "f"))
	default:
		if v.CanInt() {
			v.SetInt(rapid.Int64().Draw(t, "i"))
		} else {
			v.SetUint(rapid.Uint64().Draw(t, "u") >> (64 - v.Type().Bits()))
		}
	}
}

func TestSessionsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var in stored
		drawn(t, reflect.ValueOf(&in.Session).Elem())
		in.Lost, in.Leased = false, false
		in.endedBy = rapid.Uint64().Draw(t, "endedBy")
		drawn(t, reflect.ValueOf(&in.expiredAt).Elem())
		drawn(t, reflect.ValueOf(&in.family).Elem())
		if slices.IndexFunc(in.Cells, func(c riskd.Cell) bool { return c != riskd.Cell{} }) < 0 {
			in.Cells = nil
		}
		l, out := layoutOf(cellNames(len(in.Cells))), new(stored)
		c := codec{layouts: l}
		if err := decodeSession(c.encodeSession(&in), l, in.ID, out); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(&in, out) {
			t.Fatalf("came back as\n%+v\ninstead of\n%+v", out, in)
		}
	})
}

func TestProfilesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var in, out riskd.Profile
		drawn(t, reflect.ValueOf(&in).Elem())
		if err := decodeProfile(new(codec).encodeProfile(&in), &out); err != nil {
			t.Fatal(err)
		}
		if in != out {
			t.Fatalf("came back as\n%+v\ninstead of\n%+v", out, in)
		}
	})
}

func TestTimesBeyondWhatARecordHolds(t *testing.T) {
	t.Parallel()
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	in := stored{Session: riskd.Session{Start: far, SeenAt: far.AddDate(-9990, 0, 0), ActiveAt: time.Unix(0, 0)}}
	out := recoded(t, &in, nil)
	if y := out.Start.Year(); y != 2116 {
		t.Errorf("9999 became %d", y)
	}
	if y := out.SeenAt.Year(); y != 1823 {
		t.Errorf("9 became %d", y)
	}
	if !out.ActiveAt.Equal(in.ActiveAt) {
		t.Errorf("1970 became %v", out.ActiveAt)
	}
}

func TestCellsFollowTheirSignals(t *testing.T) {
	t.Parallel()
	old := []string{"gone", "kept", "moved"}
	now := []string{"moved", "new", "kept"}
	c := codec{layouts: layoutOf(old)}
	record := c.encodeSession(&stored{Session: riskd.Session{Cells: []riskd.Cell{{1}, {2}, {3, math.Inf(1)}}}})
	l := &layouts{current: 2, cells: len(now)}
	l.know(1, old, now)
	l.know(2, now, now)
	var out stored
	if err := decodeSession(record, l, riskd.SessionID{}, &out); err != nil {
		t.Fatal(err)
	}
	if want := []riskd.Cell{{3, math.Inf(1)}, {}, {2}}; !slices.Equal(out.Cells, want) {
		t.Errorf("cells are %v, want %v", out.Cells, want)
	}
	if err := decodeSession(record, &layouts{}, riskd.SessionID{}, &out); !errors.Is(err, errDamaged) {
		t.Errorf("an unknown layout gives %v", err)
	}
}

func TestRecordsThatAreNone(t *testing.T) {
	t.Parallel()
	l := layoutOf(nil)
	c := codec{layouts: l}
	whole := bytes.Clone(c.encodeSession(typical(1)))
	later := bytes.Clone(whole)
	later[0] = recordVersion + 1
	var out stored
	if err := decodeSession(later, l, riskd.SessionID{}, &out); !errors.Is(err, errVersion(recordVersion+1)) {
		t.Errorf("a later form gives %v", err)
	}
	if err := decodeSession(append(bytes.Clone(whole), 0), l, riskd.SessionID{}, &out); !errors.Is(err, errDamaged) {
		t.Errorf("a byte too many gives %v", err)
	}
	for n := range whole {
		if err := decodeSession(whole[:n], l, riskd.SessionID{}, &out); !errors.Is(err, errDamaged) {
			t.Errorf("%d of %d bytes give %v", n, len(whole), err)
		}
	}
}

// What an earlier riskd has written is read: this is typical(1) in the first form.
func TestRecordsOfTheFirstForm(t *testing.T) {
	t.Parallel()
	record, err := base64.StdEncoding.DecodeString("AdO3ppzOv86XLwRhY21lDXVzZXItMDAwMDAwMDAPZGV2aWNlLTllMzc3OWIxAIHgpZa7EYDguoS/A4DA4oXjaICAvIrJ0hMB" +
		"AAAAAQCAqMHLgw4MdXJuOmFjbWU6bWZhAgNwd2QDb3RwAAAAAgZtZW1iZXIHYmlsbGluZwhjdXN0b21lcgRwcm9kBvX3A0RFAAAAAAABBvX3A0RFDILEn9UMgajWuQfA" +
		"lIn6yIzjuJMBwNSw5syZs+bNAcBoREUGgOraywwDFXxKf7l5N5655eQcbUdYvwEDFXxKf7l5N5655eQcbUdYvwdGaXJlZm94BUxpbnV4mAIAAYHgpZa7EQEKbmV3X2Rl" +
		"dmljZQG/8AMBA21mYQEAAAAAAAEBwJrkzJmz5syaAQIBAL/gA8AIwBC/4AMCwbLT4o+IEL+mz5mz5syZMwAAAoDgpZa7EQAG9fcDREUAgajWuQcBBvX3A0RFAA==")
	if err != nil {
		t.Fatal(err)
	}
	want, got := typical(1), new(stored)
	if err := decodeSession(record, layoutOf(cellNames(4)), want.ID, got); err != nil {
		t.Fatal(err)
	}
	if o := got.Identity.Open; len(o) != 1 || !o[0].FiredAt.IsZero() || o[0].FiredNats != 0 {
		t.Fatalf("evidence came back as %+v", o)
	}
	for i := range want.Known {
		if want.Known[i].Count > 0 {
			want.Known[i].Tenure.Proved = true // older forms don't say, and took all for the user's own
		}
	}
	got.Identity.Open[0].FiredAt, got.Identity.Open[0].FiredNats = want.Identity.Open[0].FiredAt, want.Identity.Open[0].FiredNats
	if !reflect.DeepEqual(want, got) {
		t.Errorf("came back as\n%+v\ninstead of\n%+v", got, want)
	}
}

// So is a profile, whose contexts and devices counted as the user's own.
func TestProfilesOfTheSecondForm(t *testing.T) {
	t.Parallel()
	record, err := base64.StdEncoding.DecodeString("AouA0OLGv86XL4WAtMzU38YDBGFjbWUDYWRhDNQCAwgBHPD3A0RFrAKAzZnWDAABAwkAAAAAAAAACwAAAAAAAAAHRmlyZWZveAVMaW51eJgCAKwCgM2Z1gwKAAAAAAAAAAAADADwqAIC")
	if err != nil {
		t.Fatal(err)
	}
	owned := riskd.Tenure{Proved: true}
	want := riskd.Profile{
		Tenant: "acme", User: "ada", Sessions: 12, Requests: 340, Privileged: 3, PrivilegeMax: 4,
		FirstAt: time.Unix(1_700_000_000, 5).UTC(), LastAt: time.Unix(1_701_000_000, 7).UTC(), PromptDay: 19000, Prompts: 2,
	}
	want.Contexts[0] = riskd.ContextSeen{Context: riskd.Context{Prefix: 7, ASN: 64496, Country: riskd.CountryOf("DE")}, Tenure: owned, Count: 300, At: 1_701_000_000}
	want.Devices[0] = riskd.DeviceSeen{
		DeviceMark: riskd.DeviceMark{ID: 9, Fingerprint: 11}, Tenure: owned,
		Agent: riskd.Agent{Family: "Firefox", OS: "Linux", Major: 140}, Count: 300, At: 1_701_000_000,
	}
	want.Hours[9] = 12
	var got riskd.Profile
	if err := decodeProfile(record, &got); err != nil || got != want {
		t.Errorf("came back as\n%+v, %v\ninstead of\n%+v", got, err, want)
	}
}

func FuzzDecodeSession(f *testing.F) {
	l := layoutOf(cellNames(4))
	c := codec{layouts: l}
	f.Add(bytes.Clone(c.encodeSession(typical(1))))
	var full stored
	fillAll(reflect.ValueOf(&full.Session).Elem())
	f.Add(bytes.Clone(c.encodeSession(&full)))
	f.Fuzz(func(t *testing.T, record []byte) {
		var s, again stored
		err := decodeSession(record, l, riskd.SessionID{}, &s)
		if n := len(s.AMR) + len(s.Roles) + len(s.Identity.Open) + len(s.Behaviour.Open) + len(s.Timeline); n > len(record) {
			t.Errorf("%d bytes give %d entries", len(record), n)
		}
		if err != nil {
			return
		}
		if err := decodeSession(c.encodeSession(&s), l, riskd.SessionID{}, &again); err != nil {
			t.Errorf("what was read can't be written: %v", err)
		}
	})
}

// typical is a session as they are after a while.
func typical(i int) *stored {
	start := time.Unix(1_700_000_000+int64(i), int64(i)*1001).UTC()
	here := riskd.Context{Prefix: 1<<63 | riskd.Prefix(i&0xffffff), ASN: 64500 + uint32(i%50), Country: riskd.Country{'D', 'E'}}
	s := &stored{Session: riskd.Session{
		ID: idOf(i), Tenant: "acme", User: fmt.Sprintf("user-%08d", i/2), DeviceID: fmt.Sprintf("device-%08x", i*2654435761),
		Start: start, SeenAt: start.Add(5 * time.Minute), ActiveAt: start.Add(4 * time.Minute),
		Limits:   riskd.Limits{Idle: 30 * time.Minute, Absolute: 12 * time.Hour},
		Requests: uint32(i % 100), Learned: true, AuthTime: start.Add(-time.Second), ACR: "urn:acme:mfa",
		AMR: []string{"pwd", "otp"}, Roles: []string{"member", "billing"}, UserType: "customer", Environment: "prod",
		Here: here, Anchor: riskd.Anchor{Lat: 52.52 + float64(i)/1e6, Lon: 13.4, RadiusKM: 20, Country: here.Country, Prefix: here.Prefix, Build: 1_690_000_000, At: start},
		Device:  riskd.DeviceMark{ID: uint64(i)*0x9e3779b97f4a7c15 | 1, Fingerprint: uint64(i)*0xbf58476d1ce4e5b9 | 1},
		Agent:   riskd.Agent{Family: "Firefox", OS: "Linux", Major: 140, Minor: 0},
		Network: riskd.NetworkResidential, Last: riskd.Allow, DecidedAt: start.Add(5 * time.Minute), Score: 3.7,
		Cells:    []riskd.Cell{{1, 2.5, 3, float64(i)}, {}, {float64(start.Unix()), 0.3}, {}},
		Timeline: []riskd.Moment{{At: start, Kind: riskd.Began, Context: here}, {At: start.Add(time.Second), Kind: riskd.SignedIn, Context: here}},
	}}
	s.Devices[0] = s.Device
	s.Known[0] = riskd.ContextSeen{Context: here, Count: 12, At: start.Unix()}
	s.Identity = riskd.Sum{At: s.SeenAt, Open: []riskd.Evidence{{Code: "new_device", Group: riskd.GroupDevice, Nats: 1.5, ClearsWith: []string{"mfa"}, FiredAt: s.SeenAt, FiredNats: 2}}}
	s.Behaviour.At = s.SeenAt
	return s
}

// idOf gives ids that are as random as real ones.
func idOf(i int) (id riskd.SessionID) {
	for part := range 2 {
		x := uint64(2*i+part+1) * 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x ^= x >> 27
		for j := range 8 {
			id[8*part+j] = byte(x >> (8 * j))
		}
	}
	return id
}

func BenchmarkEncodeSession(b *testing.B) {
	c, s := codec{layouts: layoutOf(cellNames(4))}, typical(1)
	b.ReportAllocs()
	for b.Loop() {
		c.encodeSession(s)
	}
	b.ReportMetric(float64(len(c.b)), "bytes")
}

func BenchmarkDecodeSession(b *testing.B) {
	l := layoutOf(cellNames(4))
	c := codec{layouts: l}
	record := c.encodeSession(typical(1))
	var s stored
	b.ReportAllocs()
	for b.Loop() {
		if err := decodeSession(record, l, riskd.SessionID{}, &s); err != nil {
			b.Fatal(err)
		}
	}
}
