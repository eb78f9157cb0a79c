package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	records "github.com/riskd/riskd/replay"
	"github.com/riskd/riskd/replay/rba"
	"github.com/riskd/riskd/scoring/freeman"
)

const formatText = `
-format rba reads the CSV of the public RBA login data set (Wiefling et al. 2022): each
row is a login in a session of its own. Unless -labels names others, the columns Is
Account Takeover and Is Attack IP are the labels, and riskd measures by them; standard
input has none, as it can't be read twice. The login score of Freeman et al. 2016 is
measured beside riskd, on its authors' attackers.
`

// The formats of a replay's files.
const (
	formatTrace = "trace"
	formatRBA   = "rba"
)

func formatFlag(flags *flag.FlagSet) *string {
	return flags.String("format", formatTrace, "what the files are: trace, or rba for the CSV of the RBA data set, as `NAME`")
}

// columnLabels stands for the columns of the RBA data set where -labels names a file.
const columnLabels = "(columns)"

// takeColumns lets the RBA data set's own columns be the labels where nothing else is
// and it can be read once more.
func (f *studyFlags) takeColumns(format string, names []string) {
	if format == formatRBA && f.labels == "" && !slices.Contains(names, "-") {
		f.labels = columnLabels
	}
}

// baseline is the login score that riskd is held against, where a replay's files are
// the RBA data set.
type baseline struct {
	trial *freeman.Trial
	told  bool // has seen logins
}

// newBaseline is nil for any other format.
func newBaseline(format string) (*baseline, error) {
	switch format {
	case formatTrace:
		return nil, nil
	case formatRBA:
		const seed = 1
		trial, err := freeman.NewTrial(freeman.TrialOptions{Seed: seed, History: freeman.KeptLogins})
		return &baseline{trial: trial}, err
	default:
		return nil, &usageError{fmt.Sprintf("replay: -format %q is neither trace nor rba", format), "`riskd help replay` says what they are"}
	}
}

// open opens a file of a replay as a trace.
func (r *replay) open(name string) (io.ReadCloser, error) {
	in, err := openInput(name, r.std.in)
	if err != nil || r.baseline == nil {
		return in, err
	}
	trace := rba.Trace(rba.NewReader(name, in), func(row *rba.Row) {
		r.baseline.told = true
		rba.Try(r.baseline.trial, row)
	})
	return struct {
		io.Reader
		io.Closer
	}{trace, in}, nil
}

// printBaseline prints it beside a report: after its text, or apart from its JSON.
func (r *replay) printBaseline() error {
	if r.asJSON {
		return r.baseline.print(r.std.err)
	}
	return r.baseline.print(r.std.out)
}

// print says how the login score does.
func (b *baseline) print(w io.Writer) error {
	if b == nil || !b.told {
		return nil
	}
	fmt.Fprintln(w)
	return b.trial.Text(w)
}

// labels reads the labels of a replay: those of a file, or what the RBA data set says
// itself. nil if nobody knows.
func (r *replay) labels(file string, names []string) (*records.Labels, error) {
	if file != columnLabels || r.baseline == nil {
		return readLabels(file)
	}
	in, out := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		err := writeRBALabels(out, names)
		out.Close()
		wrote <- err
	}()
	labels, err := records.ReadLabels("labels of the RBA data set", in)
	in.Close()
	if fault := <-wrote; fault != nil && !errors.Is(fault, io.ErrClosedPipe) {
		err = fault
	}
	if list := flatten(err); list != nil {
		return nil, &problems{"labels have " + count(len(list), "problem"), list}
	}
	return labels, nil
}

// checkRBALabels reports what can't be read once more than the replay does.
func (r *replay) checkRBALabels(file string, names []string) error {
	if r.baseline != nil && file == "" && slices.Contains(names, "-") {
		return &usageError{"replay: -format rba reads labels before the trace, which standard input can't give twice", "give the file's name, or its labels with -labels"}
	}
	return nil
}

// writeRBALabels reads the files once more than the replay does.
func writeRBALabels(w io.Writer, names []string) error {
	for _, name := range names {
		in, err := os.Open(name)
		if err != nil {
			return err
		}
		err = rba.WriteLabels(w, rba.NewReader(name, in))
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return nil
}

// unreadable says where a trace couldn't be read on, unless the error does itself.
func unreadable(file string, line int, err error) error {
	if fault := (*rba.Fault)(nil); errors.As(err, &fault) {
		return err
	}
	return at(file, line, err)
}
