package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/audit"
)

const auditText = `Prints the audit log of a data folder, oldest first: what was revoked, suspended,
undone, expired, asked for and proved, by whom and when. riskd may be running.

Users and devices are in the log by references only. -user and -device take a
reference (u_…, d_…), or the id itself, whose reference only the session key can
tell; -config names it. Times are RFC 3339, or ages such as 24h.
`

func auditCommand(flags *flag.FlagSet) action {
	var q auditQuery
	q.folder.flags(flags)
	flags.StringVar(&q.session, "session", "", "only of the session `REF`")
	flags.StringVar(&q.user, "user", "", "only of the `USER`")
	flags.StringVar(&q.device, "device", "", "only of the `DEVICE`")
	flags.StringVar(&q.tenant, "tenant", "", "only of the `TENANT`")
	flags.StringVar(&q.act, "act", "", "only `ACT`s, such as revoke, lift or expired")
	flags.StringVar(&q.since, "since", "", "only from `TIME` on")
	flags.StringVar(&q.until, "until", "", "only before `TIME`")
	asJSON := flags.Bool("json", false, "print the entries as they stand in the log")
	return func(_ context.Context, std stdio, args []string) error {
		if len(args) > 0 {
			return &usageError{"audit takes no arguments", "what to look for is said by flags; `riskd audit verify` checks the log"}
		}
		return q.run(std.out, *asJSON, time.Now())
	}
}

// auditSource says where an audit log is.
type auditSource struct{ config, dir string }

func (s *auditSource) flags(flags *flag.FlagSet) {
	flags.StringVar(&s.config, "config", "", "the log is in the data_dir of the config `FILE`")
	flags.StringVar(&s.dir, "data", "", "the log is in the data folder `DIR`")
}

// open gives the log's folder, and the session key if a config names one.
func (s *auditSource) open() (dir string, key *riskd.SessionKey, err error) {
	switch {
	case s.config == "" && s.dir == "":
		return "", nil, &usageError{"audit needs to know whose log to read", "name the config with -config, or the data folder with -data"}
	case s.dir != "":
		dir = s.dir
	}
	if s.config != "" {
		c, err := loadConfig(s.config)
		if err != nil {
			return "", nil, err
		}
		if dir == "" {
			dir = c.DataDir
		}
		if dir == "" {
			return "", nil, c.source.at("data_dir", "is not set: without it there is no audit log")
		}
		if key, err = openKey(c); err != nil {
			return "", nil, err
		}
	}
	dir = filepath.Join(dir, auditFolder)
	if _, err := os.Stat(dir); err != nil {
		return "", nil, &hinted{fmt.Errorf("there is no audit log in %s: %w", filepath.Dir(dir), err), "it is made by the first `riskd serve` with that data_dir"}
	}
	return dir, key, nil
}

// auditQuery chooses entries.
type auditQuery struct {
	folder                        auditSource
	session, user, device, tenant string
	act, since, until             string
}

func (q *auditQuery) run(out io.Writer, asJSON bool, now time.Time) error {
	dir, key, err := q.folder.open()
	if err != nil {
		return err
	}
	f, err := q.filter(key, now)
	if err != nil {
		return err
	}
	return audit.Read(nil, dir, f, func(e audit.Entry, raw []byte) error {
		if asJSON {
			_, err := fmt.Fprintf(out, "%s\n", raw)
			return err
		}
		_, err := fmt.Fprintln(out, auditRow(&e))
		return err
	})
}

func (q *auditQuery) filter(key *riskd.SessionKey, now time.Time) (f audit.Filter, err error) {
	f = audit.Filter{Tenant: q.tenant, Act: audit.Act(q.act)}
	var errs [6]error
	if q.act != "" {
		errs[0] = knownAct(q.act)
	}
	if q.session != "" {
		id, err := riskd.ParseSessionRef(q.session)
		if err != nil {
			errs[1] = &usageError{"-session: " + err.Error(), "sessions are named by their references, s_ and 26 characters"}
		}
		f.Session = id.String()
	}
	f.User, errs[2] = reference("-user", "u", q.tenant, q.user, key)
	f.Device, errs[3] = reference("-device", "d", q.tenant, q.device, key)
	f.Since, errs[4] = timeOrAge("-since", q.since, now)
	f.Until, errs[5] = timeOrAge("-until", q.until, now)
	for _, err := range errs {
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

func knownAct(act string) error {
	var names []string
	for _, a := range audit.Acts() {
		if string(a) == act {
			return nil
		}
		names = append(names, string(a))
	}
	hint := "acts are " + strings.Join(names, ", ")
	if n := riskd.Nearest(act, names); n != "" {
		hint = "did you mean " + n + "?"
	}
	return &usageError{fmt.Sprintf("-act: %q is no act", act), hint}
}

// reference gives the reference of a user or a device, which may be one already.
func reference(flag, kind, tenant, name string, key *riskd.SessionKey) (string, error) {
	rest, is := strings.CutPrefix(name, kind+"_")
	if _, err := riskd.ParseSessionRef("s_" + rest); name == "" || is && err == nil {
		return name, nil
	}
	if key == nil {
		return "", &usageError{flag + " is not a reference, " + kind + "_ and 26 characters", "to look for an id name the config, whose session key tells its reference"}
	}
	return key.Ref(kind, tenant, name), nil
}

func timeOrAge(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if age, err := time.ParseDuration(s); err == nil {
		return now.Add(-age), nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return at, &usageError{fmt.Sprintf("%s: %q is no time", flag, s), "give a time such as 2026-11-21T14:02:00Z, or an age such as 24h"}
	}
	return at, nil
}

// auditRow is an entry in a line.
func auditRow(e *audit.Entry) string {
	parts := []string{strconv.FormatUint(e.N, 10), e.At.Format("2006-01-02T15:04:05.000Z"), string(e.Act)}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	if e.Epoch > 0 {
		add("epoch", strconv.FormatUint(e.Epoch, 10))
	}
	add("lifted", e.Details["lifted"])
	add("type", e.Details["type"])
	add("tenant", e.Tenant)
	add("session", e.Session)
	add("user", e.User)
	add("device", e.Device)
	add("outcome", e.Outcome)
	add("reasons", strings.Join(e.Reasons, ","))
	add("change", e.Change)
	if e.Pack != "" {
		add("pack", e.Pack+"@"+e.Revision)
	}
	add("by", e.Actor)
	if e.Reason != "" {
		add("reason", strconv.Quote(e.Reason))
	}
	if e.Dropped > 0 {
		add("left_out_before", strconv.FormatUint(e.Dropped, 10))
	}
	return strings.Join(parts, "  ")
}

const auditVerifyText = `Checks that nothing was changed, dropped, inserted or cut out of the audit log of a
data folder, and says where if anything was. riskd may be running.

The last line is the head of the chain. Keep it where whoever can write the log
can't: with -head, a later run finds out whether the log was cut off or written anew
since.
`

func auditVerifyCommand(flags *flag.FlagSet) action {
	var s auditSource
	s.flags(flags)
	head := flags.String("head", "", "the chain has to lead through `N:HASH`, a head printed before")
	return func(_ context.Context, std stdio, args []string) error {
		if len(args) > 0 {
			return &usageError{"audit verify takes no arguments", "the log is named with -config or -data"}
		}
		noted, err := parseHead(*head)
		if err != nil {
			return err
		}
		dir, _, err := s.open()
		if err != nil {
			return err
		}
		return verifyAudit(std.out, dir, noted)
	}
}

func parseHead(s string) ([]audit.Head, error) {
	if s == "" {
		return nil, nil
	}
	number, hash, _ := strings.Cut(s, ":")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || len(hash) != 64 {
		return nil, &usageError{fmt.Sprintf("-head: %q is no head", s), "give the last line of an earlier `riskd audit verify`: a number, a colon and 64 hex digits"}
	}
	return []audit.Head{{N: n, Hash: hash}}, nil
}

func verifyAudit(out io.Writer, dir string, noted []audit.Head) error {
	r, err := audit.Verify(nil, dir, noted...)
	if err != nil {
		return err
	}
	if len(r.Faults) > 0 {
		p := &problems{summary: fmt.Sprintf("the audit log is not what was written: %s", count(len(r.Faults), "fault"))}
		for _, f := range r.Faults {
			p.list = append(p.list, errors.New(f.String()))
		}
		return p
	}
	fmt.Fprintf(out, "%d entries in %s, unbroken", r.Entries, count(r.Files, "file"))
	if r.Entries > 0 {
		fmt.Fprintf(out, ", from %s to %s", r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))
	}
	if r.First > 1 {
		fmt.Fprintf(out, "; those before number %d were let go", r.First)
	}
	if r.Dropped > 0 {
		fmt.Fprintf(out, "; %d sampled decisions were left out, and say so", r.Dropped)
	}
	if r.Torn.Bytes > 0 {
		fmt.Fprintf(out, "; a crash left %d bytes at the end that nobody was told of", r.Torn.Bytes)
	}
	fmt.Fprintf(out, "\n%s\n", r.Head)
	return nil
}
