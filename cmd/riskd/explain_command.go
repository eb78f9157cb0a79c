package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/audit"
)

const explainText = `Says why riskd decided as it did: what each reason brought, what has faded or was
capped, how the sums stood to the thresholds of the pack that judged, where each
rule stands, and without which reasons it would have been allow. For that the
policy is asked again; nothing is traced while it decides.

DECISION is a decision's id, as answers and logs give it; -session takes the latest
of a session. riskd keeps the last decisions in memory (decision.keep). Of one that
isn't there any more the audit log may have something: -config or -data says where
that is.

With -json, it prints the document of GET /v1/decisions/DECISION.
`

func explainCommand(flags *flag.FlagSet) action { return explain(flags, time.Now) }

func explain(flags *flag.FlagSet, now func() time.Time) action {
	connect := adminFlag(flags)
	session := flags.String("session", "", "the latest decision of the session `REF`")
	asJSON := flags.Bool("json", false, "print the document of GET /v1/decisions/DECISION")
	var log auditSource
	log.flags(flags)
	return func(ctx context.Context, std stdio, args []string) error {
		id, err := decisionID(flags, args, session)
		if err != nil {
			return err
		}
		c, err := connect()
		if err != nil {
			return err
		}
		if id == "" {
			if id, err = c.latest(ctx, *session); err != nil {
				return err
			}
		}
		var document jsontext.Value
		err = c.ask(ctx, http.MethodGet, c.address.JoinPath("/v1/decisions", url.PathEscape(id)), nil, &document)
		if r := (*refusal)(nil); errors.As(err, &r) && r.Type == unknownDecision {
			return fromAudit(std.out, &log, id, *asJSON, err)
		}
		if err != nil {
			return err
		}
		if *asJSON {
			return printDocuments(std.out, document)
		}
		x, err := readDocument[explanationDocument](document)
		if err != nil {
			return err
		}
		_, err = io.WriteString(std.out, x.text(now()))
		return err
	}
}

const unknownDecision = "https://riskd.dev/problems/unknown-decision"

// decisionID takes the id of a decision off a command line, "" where a session
// stands for it.
func decisionID(flags *flag.FlagSet, args []string, session *string) (string, error) {
	list, err := operands(flags, args)
	if err != nil {
		return "", err
	}
	names, err := given(flags)
	if err != nil {
		return "", err
	}
	switch {
	case names["session"] && len(list) > 0:
		return "", &usageError{"explain takes a decision's id or -session, not both", "-session stands for the latest decision of a session"}
	case names["session"]:
		if _, err := riskd.ParseSessionRef(*session); err != nil {
			return "", &usageError{"-session needs a reference, s_ and 26 characters", "`riskd sessions` lists them"}
		}
		return "", nil
	case len(list) != 1 || list[0] == "":
		return "", &usageError{"explain needs the id of one decision", "answers and logs give it as decision_id; -session REF takes the latest of a session"}
	}
	return list[0], nil
}

// latest is the id of the last decision on a session that is kept.
func (c *adminClient) latest(ctx context.Context, session string) (string, error) {
	to := c.address.JoinPath("/v1/decisions")
	to.RawQuery = url.Values{"session": {session}, "limit": {"1"}}.Encode()
	page, _, err := c.page(ctx, to)
	if err != nil {
		return "", err
	}
	if len(page) == 0 {
		return "", &hinted{errors.New("riskd keeps no decision on session " + session), "it keeps the last ones in memory (decision.keep); `riskd audit -session REF` shows what was done to it"}
	}
	d, err := readDocument[struct {
		ID string `json:"decision_id"`
	}](page[0])
	return d.ID, err
}

// fromAudit tells what the audit log has of a decision that isn't kept any more.
func fromAudit(out io.Writer, log *auditSource, id string, asJSON bool, gone error) error {
	if log.config == "" && log.dir == "" {
		return &hinted{gone, "with -config or -data the audit log is looked through"}
	}
	dir, _, err := log.open()
	if err != nil {
		return errors.Join(gone, err)
	}
	found := false
	err = audit.Read(nil, dir, audit.Filter{}, func(e audit.Entry, raw []byte) error {
		if e.DecisionID != id {
			return nil
		}
		if !found && !asJSON {
			fmt.Fprintln(out, "riskd doesn't keep it any more; the audit log has:")
		}
		found = true
		if asJSON {
			_, err := fmt.Fprintf(out, "%s\n", raw)
			return err
		}
		_, err := fmt.Fprintln(out, auditRow(&e))
		return err
	})
	if err == nil && !found {
		return fmt.Errorf("%w; nor is it in the audit log", gone)
	}
	return err
}
