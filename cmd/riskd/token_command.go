package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"

	"github.com/riskd/riskd/callers"
)

const tokenText = `Makes a caller's token up and prints it: once, since riskd keeps it nowhere. What
goes into the config, under tokens of one of the callers, is printed to standard
error: the hash alone, by which riskd knows the token when it is shown.

With -out, the token goes into a file that only its owner can read.
`

func tokenCommand(flags *flag.FlagSet) action {
	out := flags.String("out", "", "write the token into `FILE`, which must not be there yet")
	return func(_ context.Context, std stdio, args []string) error {
		if len(args) > 0 {
			return &usageError{"token takes no arguments", "the name of its caller goes into the config"}
		}
		secret, token := callers.NewToken()
		if *out == "" {
			fmt.Fprintln(std.out, secret)
		} else if err := writeSecret(*out, secret); err != nil {
			return err
		}
		_, err := fmt.Fprintf(std.err, "    tokens:\n      - sha256: %q\n", token.SHA256)
		return err
	}
}

// writeSecret writes a new file that is its owner's alone.
func writeSecret(file, secret string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &hinted{fmt.Errorf("%s is there already", file), "name another file: a token that may be in use isn't written over"}
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, secret)
	return errors.Join(err, f.Close())
}
