package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const revokeListText = `Lists the orders in force, the newest first. With -json, each line is a document of
GET /v1/revocations.
`

const revokeUndoText = `Undoes one order by its number, EPOCH, as ` + "`riskd revoke list`" + ` gives it: what it ended
goes on, unless another order meets it.
`

// revocationDocument is an order in force, as GET /v1/revocations has it.
type revocationDocument struct {
	Epoch         uint64         `json:"epoch"`
	Target        targetDocument `json:"target"`
	Tenant        string         `json:"tenant"`
	At            time.Time      `json:"at"`
	StandingUntil time.Time      `json:"standing_until"`
	Reason        string         `json:"reason"`
	Actor         string         `json:"actor"`
	Effect        string         `json:"effect"`
}

// text is what was ordered.
func (d *revocationDocument) text() string {
	o := orderDocument{Target: d.Target, Tenant: d.Tenant, Effect: d.Effect, StandingUntil: d.StandingUntil}
	return o.text()
}

var revocationHead = []string{"EPOCH", "ORDER", "AT", "BY", "REASON"}

func revocationRow(document jsontext.Value) ([]string, error) {
	d, err := readDocument[revocationDocument](document)
	return []string{fmt.Sprint(d.Epoch), d.text(), stamp(d.At), d.Actor, d.Reason}, err
}

func revokeListCommand(flags *flag.FlagSet) action {
	connect := adminFlag(flags)
	l := listFlags(flags, list{path: "/v1/revocations", none: "no order is in force", head: revocationHead, row: revocationRow})
	return func(ctx context.Context, std stdio, args []string) error {
		if err := noOperands(flags, args); err != nil {
			return err
		}
		c, err := connect()
		if err != nil {
			return err
		}
		return l.print(ctx, std, c)
	}
}

// liftDocument is what DELETE /v1/revocations/EPOCH takes.
type liftDocument struct {
	Reason string `json:"reason"`
	Actor  string `json:"actor"`
}

func revokeUndoCommand(flags *flag.FlagSet) action {
	connect := adminFlag(flags)
	reason := flags.String("reason", "", "why: `TEXT` that is put on record")
	actor := flags.String("actor", "", "who undoes it: `NAME`, else that of your login")
	return func(ctx context.Context, std stdio, args []string) error {
		list, err := operands(flags, args)
		if err != nil {
			return err
		}
		if len(list) != 1 || !isEpoch(list[0]) {
			return &usageError{"revoke undo needs the number of one order", "`riskd revoke list` lists them"}
		}
		if *reason == "" {
			return errNoReason
		}
		lift := liftDocument{Reason: *reason}
		if lift.Actor, err = actorOf(*actor); err != nil {
			return err
		}
		c, err := connect()
		if err != nil {
			return err
		}
		var lifted revocationDocument
		err = c.ask(ctx, http.MethodDelete, c.address.JoinPath("/v1/revocations", list[0]), &lift, &lifted)
		if r := (*refusal)(nil); errors.As(err, &r) && r.Applied {
			return &hinted{err, "`riskd revoke list` shows whether it is back after a restart"}
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "order %d is undone: %s\n", lifted.Epoch, plainText(lifted.text()))
		return err
	}
}

func isEpoch(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}
