package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd"
)

const sessionsShowText = `Shows one session: what is known of it, the evidence that is left, what it waits
for, when it ends, and what has happened to it. REF is its reference, s_ and 26
characters, as decisions, logs and ` + "`riskd sessions`" + ` give it.
`

const sessionsExtendText = `Begins a session's idle clock anew, as if its user had just done something. Its
absolute end stays where it is.
`

func sessionsShowCommand(flags *flag.FlagSet) action { return showSession(flags, time.Now) }

func showSession(flags *flag.FlagSet, now func() time.Time) action {
	connect := adminFlag(flags)
	asJSON := flags.Bool("json", false, "print the document of GET /v1/sessions/REF")
	return func(ctx context.Context, std stdio, args []string) error {
		ref, err := referenceOf(flags, args)
		if err != nil {
			return err
		}
		c, err := connect()
		if err != nil {
			return err
		}
		var document jsontext.Value
		if err := c.ask(ctx, http.MethodGet, c.address.JoinPath("/v1/sessions", ref), nil, &document); err != nil {
			return err
		}
		if *asJSON {
			return printDocuments(std.out, document)
		}
		s, err := readDocument[sessionDocument](document)
		if err != nil {
			return err
		}
		_, err = io.WriteString(std.out, s.text(now()))
		return err
	}
}

func sessionsExtendCommand(flags *flag.FlagSet) action { return extendSession(flags, time.Now) }

func extendSession(flags *flag.FlagSet, now func() time.Time) action {
	connect := adminFlag(flags)
	return func(ctx context.Context, std stdio, args []string) error {
		ref, err := referenceOf(flags, args)
		if err != nil {
			return err
		}
		c, err := connect()
		if err != nil {
			return err
		}
		var answer struct {
			Session string         `json:"session"`
			Expires expiryDocument `json:"session_expires"`
		}
		if err := c.ask(ctx, http.MethodPost, c.address.JoinPath("/v1/sessions", ref, "extend"), nil, &answer); err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "%s ends %s\n", plainText(answer.Session), cmp.Or(answer.Expires.text(now()), "when it is revoked"))
		return err
	}
}

// referenceOf takes the one reference off a command line. What isn't one isn't
// repeated: it might be the id that a gateway uses.
func referenceOf(flags *flag.FlagSet, args []string) (string, error) {
	list, err := operands(flags, args)
	if err != nil {
		return "", err
	}
	if len(list) == 1 {
		if _, err := riskd.ParseSessionRef(list[0]); err == nil {
			return list[0], nil
		}
	}
	name := strings.TrimPrefix(flags.Name(), "riskd ")
	return "", &usageError{name + " needs one reference, s_ and 26 characters", "`riskd sessions` lists them"}
}
