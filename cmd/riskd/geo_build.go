package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/riskd/riskd/geo"
)

const geoBuildText = `Makes a database from a table (CSV, - for standard input). Its first line names the
columns: network (required), country, city, latitude, longitude, radius_km, asn,
organisation, kind (tor, proxy, vpn, hosting, satellite, mobile, business,
residential). The most specific network wins.

Types: city takes country to radius_km, asn takes asn and organisation, anonymous
takes kind. A table may have the columns of all three.
`

var builders = map[string]func(io.Writer, io.Reader, time.Time) error{
	"city": geo.BuildCity, "asn": geo.BuildASN, "anonymous": geo.BuildAnonymous,
}

func geoBuildCommand(flags *flag.FlagSet) action {
	kind := flags.String("type", "", "make a database of `TYPE` city, asn or anonymous")
	out := flags.String("out", "", "write the database to `FILE`")
	return func(_ context.Context, std stdio, args []string) error {
		build := builders[*kind]
		switch {
		case build == nil:
			return &usageError{fmt.Sprintf("-type %q is none of city, asn, anonymous", *kind), "`riskd help geo build` says what each takes"}
		case *out == "":
			return &usageError{"-out is missing", "name the .mmdb file to write"}
		case len(args) != 1:
			return &usageError{"geo build takes one table", "name the CSV file, after the flags, or - for standard input"}
		}
		in, err := openInput(args[0], std.in)
		if err != nil {
			return err
		}
		defer in.Close()
		err = writeFile(*out, func(w io.Writer) error { return build(w, in, time.Now()) })
		return inFile(args[0], err)
	}
}

func openInput(name string, stdin io.Reader) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(name)
}

// writeFile writes a file whole or not at all.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".riskd-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it has its name
	w := bufio.NewWriter(f)
	err = write(w)
	if err == nil {
		err = errors.Join(w.Flush(), f.Chmod(0o644))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

var inLine = regexp.MustCompile(`^line (\d+): `)

// inFile puts the file's name in front of errors that say their line.
func inFile(name string, err error) error {
	var list []error
	for _, e := range flatten(err) {
		if m := inLine.FindStringSubmatch(e.Error()); m != nil {
			e = fmt.Errorf("%s:%s: %s", name, m[1], e.Error()[len(m[0]):])
		}
		list = append(list, e)
	}
	if list == nil {
		return nil
	}
	return &problems{"nothing was written: " + count(len(list), "problem"), list}
}
