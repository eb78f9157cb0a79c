package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const revokeText = `Orders something of the sessions of one target. When riskd has answered, no request
passes the order any more, and it is on disk, if riskd keeps anything there.

  revoke    ends those that began before now, known or not
  suspend   holds up all, whenever they begin, until resume
  resume    ends what suspend began
  step_up   asks all for an authentication later than now
  distrust  voids the trust in devices that was founded before now
  forget    voids what was learned before now of a user, or of a tenant's

The target is one of -session, -session-id, -user, -device, -predicate and -tenant;
beside another target, -tenant says where that is. The id that a gateway uses comes
by standard input: arguments can be seen by others on this machine.

A predicate is made of asn, country, network, role, user_type, environment, agent,
and of from and to for the time in which a session was seen so; all that is given
has to hold at once:

  riskd revoke -predicate 'asn=64500,role=admin,from=2026-11-21T14:02:00Z' -reason INC-7

What a predicate or a tenant would meet is shown, and you are asked, before the order
is given; with -yes, or for any other target, it is given at once. One that meets more
of the live sessions than policy.brake lets pass is refused unless you were asked, or
give -confirm too.
`

func revokeCommand(flags *flag.FlagSet) action { return revoke(flags, time.Now) }

func revoke(flags *flag.FlagSet, now func() time.Time) action {
	connect := adminFlag(flags)
	o := newOrderFlags(flags)
	preview := flags.Bool("preview", false, "show what would be met, and do nothing")
	yes := flags.Bool("yes", false, "don't ask")
	sure := flags.Bool("confirm", false, "give it however many it meets")
	return func(ctx context.Context, std stdio, args []string) error {
		if err := noOperands(flags, args, "list", "undo"); err != nil {
			return err
		}
		order, err := o.order(flags, std, *preview)
		if err != nil {
			return err
		}
		c, err := connect()
		if err != nil {
			return err
		}
		asks := order.Target.wide() && !*yes
		order.Confirm = *sure && !*preview
		switch {
		case *preview:
			return c.preview(ctx, std.out, order, now())
		case asks && !terminal(std.in):
			return errNobodyToAsk
		case asks:
			if err := c.preview(ctx, std.err, order, now()); err != nil {
				return err
			}
			if err := confirm(std, order); err != nil {
				return err
			}
			order.Confirm = true // you have seen whom it meets
		}
		return c.give(ctx, std.out, order)
	}
}

var errNobodyToAsk = &usageError{"nobody is there to be asked", "-preview shows what would be met, -yes gives the order without asking"}

// confirm asks whether an order is meant.
func confirm(std stdio, o *orderDocument) error {
	fmt.Fprintf(std.err, "%s? [y/N] ", plainText(o.text()))
	answer, err := bufio.NewReader(std.in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	if err != nil {
		fmt.Fprintln(std.err)
		return errNobodyToAsk
	}
	return errors.New("nothing was done")
}

// preview prints what an order would meet.
func (c *adminClient) preview(ctx context.Context, out io.Writer, o *orderDocument, now time.Time) error {
	asked := *o
	asked.Preview = true
	var answer struct {
		Matched int              `json:"matched"`
		Sample  []jsontext.Value `json:"sample"`
	}
	if err := c.ask(ctx, http.MethodPost, c.address.JoinPath("/v1/revocations"), &asked, &answer); err != nil {
		return err
	}
	text := fmt.Sprintf("%s: would meet %s", o.text(), count(answer.Matched, "known session"))
	if shown := len(answer.Sample); shown > 0 && shown < answer.Matched {
		text += fmt.Sprintf(", such as these %d", shown)
	}
	fmt.Fprintln(out, plainText(text))
	if len(answer.Sample) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	row := func(document jsontext.Value) ([]string, error) { return sessionRow(document, now) }
	return printTable(out, sessionHead, answer.Sample, row)
}

// give gives an order and prints what became of it.
func (c *adminClient) give(ctx context.Context, out io.Writer, o *orderDocument) error {
	var done struct {
		revocationDocument
		Matched int  `json:"matched"`
		Durable bool `json:"durable"`
	}
	err := c.ask(ctx, http.MethodPost, c.address.JoinPath("/v1/revocations"), o, &done)
	if r := (*refusal)(nil); errors.As(err, &r) && r.Applied {
		return &hinted{err, "give the same command again until it ends well"}
	}
	if err != nil {
		return err
	}
	durable := "yes"
	if !done.Durable {
		durable = "no: riskd has no data_dir, and a restart forgets the order"
	}
	r := &rows{}
	fmt.Fprintln(r, plainText(done.text()))
	r.add("epoch", fmt.Sprint(done.Epoch))
	r.add("matched", count(done.Matched, "known session")+", not met before")
	r.add("durable", durable)
	_, err = io.WriteString(out, r.String())
	return err
}
