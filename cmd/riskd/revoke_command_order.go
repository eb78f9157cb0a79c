package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
)

// orderDocument is what POST /v1/revocations takes.
type orderDocument struct {
	Target        targetDocument `json:"target"`
	Tenant        string         `json:"tenant,omitzero"`
	Effect        string         `json:"effect"`
	StandingUntil time.Time      `json:"standing_until,omitzero"`
	Preview       bool           `json:"preview,omitzero"`
	Confirm       bool           `json:"confirm,omitzero"`
	Reason        string         `json:"reason"`
	Actor         string         `json:"actor"`
}

// text is what the order is.
func (o *orderDocument) text() string {
	text := o.Effect + " " + o.Target.text(o.Tenant)
	if !o.StandingUntil.IsZero() {
		text += " until " + stamp(o.StandingUntil)
	}
	return text
}

// targetDocument has exactly one of its members.
type targetDocument struct {
	Session   *string            `json:"session,omitzero"`
	SessionID *string            `json:"session_id,omitzero"` // raw; never in an answer
	User      *string            `json:"user,omitzero"`
	Device    *string            `json:"device,omitzero"`
	Tenant    *string            `json:"tenant,omitzero"`
	Predicate *predicateDocument `json:"predicate,omitzero"`
}

// wide reports whether a target is one that people misjudge.
func (t *targetDocument) wide() bool { return t.Tenant != nil || t.Predicate != nil }

// text names a target. It never names a raw id.
func (t *targetDocument) text(tenant string) string {
	switch {
	case t.Session != nil:
		return "session " + *t.Session
	case t.User != nil:
		return inTenant("user "+*t.User, tenant)
	case t.Device != nil:
		return inTenant("device "+*t.Device, tenant)
	case t.Tenant != nil && *t.Tenant == "":
		return `tenant ""`
	case t.Tenant != nil:
		return "tenant " + *t.Tenant
	case t.Predicate != nil:
		return inTenant("all with "+t.Predicate.String(), tenant)
	}
	return inTenant("a session", tenant)
}

// orderFlags are the flags of an order.
type orderFlags struct {
	session, sessionID, user, device, tenant, predicate *string
	effect, reason, actor, until                        *string
}

func newOrderFlags(flags *flag.FlagSet) *orderFlags {
	return &orderFlags{
		session:   flags.String("session", "", "the session of the reference `REF`"),
		sessionID: flags.String("session-id", "", "with `-`, the session whose id is on standard input"),
		user:      flags.String("user", "", "the sessions of the user `U`"),
		device:    flags.String("device", "", "the sessions on the device `D`"),
		tenant:    flags.String("tenant", "", "everybody in the tenant `T`; or where the target is"),
		predicate: flags.String("predicate", "", "the sessions that were seen as `P` says"),
		effect:    flags.String("effect", riskd.EffectRevoke.String(), "order `E`"),
		reason:    flags.String("reason", "", "why: `TEXT` that is put on record"),
		actor:     flags.String("actor", "", "who orders it: `NAME`, else that of your login"),
		until:     flags.String("until", "", "for a predicate: also what comes until `TIME`, at most 30 days"),
	}
}

var errNoReason = &usageError{"-reason is missing", "say why: it is put on record"}

// order reads the order that the flags give.
func (o *orderFlags) order(flags *flag.FlagSet, std stdio, preview bool) (*orderDocument, error) {
	names, err := given(flags, "tenant")
	if err != nil {
		return nil, err
	}
	d := &orderDocument{Tenant: *o.tenant, Effect: *o.effect, Reason: *o.reason}
	if err := oneOf("effect", d.Effect, effects()); err != nil {
		return nil, err
	}
	if !preview {
		if d.Reason == "" {
			return nil, errNoReason
		}
		if d.Actor, err = actorOf(*o.actor); err != nil {
			return nil, err
		}
	}
	if names["until"] {
		if d.StandingUntil, err = readTime(*o.until); err != nil {
			return nil, &usageError{"-until " + err.Error(), "times are those of RFC 3339"}
		}
	}
	return d, o.target(d, names, std)
}

func effects() (names []string) {
	for e := range riskd.Effects {
		names = append(names, e.String())
	}
	return names
}

// actorOf is who gives an order.
func actorOf(name string) (string, error) {
	if name != "" {
		return name, nil
	}
	login, err := user.Current()
	if err != nil || login.Username == "" {
		return "", &usageError{"-actor is missing", "your login has no name; give one"}
	}
	return login.Username, nil
}

// target finds the one target among the flags.
func (o *orderFlags) target(d *orderDocument, names map[string]bool, std stdio) (err error) {
	var targets []string
	for _, name := range []string{"session", "session-id", "user", "device", "predicate"} {
		if names[name] {
			targets = append(targets, "-"+name)
		}
	}
	switch {
	case len(targets) > 1:
		return &usageError{strings.Join(targets, " and ") + " don't go together", "an order has one target"}
	case len(targets) == 0 && !names["tenant"]:
		return &usageError{"the order has no target", "name one with -session, -session-id, -user, -device, -predicate or -tenant"}
	case names["session"] && names["tenant"]:
		return &usageError{"-session and -tenant don't go together", "a reference stands for one session whatever its tenant"}
	case len(targets) > 0 && names["tenant"] && *o.tenant == "":
		return &usageError{"-tenant is empty", "give it a value, or leave it out"}
	case names["session"]:
		d.Target.Session = o.session
		if _, err := riskd.ParseSessionRef(*o.session); err != nil {
			return &usageError{"-session takes a reference, s_ and 26 characters", "`riskd sessions` lists them; the id that a gateway uses comes by standard input: -session-id -"}
		}
	case names["session-id"]:
		if *o.sessionID != "-" {
			return &usageError{"-session-id takes the id from standard input", "write -session-id -"}
		}
		d.Target.SessionID, err = readSessionID(std)
	case names["user"]:
		d.Target.User = o.user
	case names["device"]:
		d.Target.Device = o.device
	case names["predicate"]:
		d.Target.Predicate, err = parsePredicate(*o.predicate)
	default:
		d.Target.Tenant, d.Tenant = o.tenant, ""
	}
	return err
}

// readSessionID reads the id that a gateway uses: one line, which is never shown.
func readSessionID(std stdio) (*string, error) {
	if terminal(std.in) {
		fmt.Fprint(std.err, "session id: ")
	}
	in := bufio.NewReader(io.LimitReader(std.in, api.MaxEvent))
	id, err := in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !terminal(std.in) {
		if more, err := io.ReadAll(in); err != nil || strings.TrimSpace(string(more)) != "" {
			return nil, &usageError{"standard input holds more than one line", "give an order for each session"}
		}
	}
	if id = strings.TrimSpace(id); id == "" || !utf8.ValidString(id) {
		return nil, &usageError{"standard input holds no session id", "for example `riskd revoke -session-id - -reason TEXT < FILE`"}
	}
	return &id, nil
}

// terminal reports whether somebody types what is read.
func terminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	null, _ := os.Stat(os.DevNull) // a device of characters too
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && !os.SameFile(info, null)
}
