package policies

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Fault is one thing that is wrong with a pack, with its place. What [Compile]
// and [Test] give is joined of them.
type Fault struct {
	Code string // one of the Fault constants
	// File is as the pack names it, or rego/<file> for one of the library.
	File     string
	Row, Col int    // from 1; 0 when only the file is known
	Path     string // the member of tuning.json, dotted; "" elsewhere
	Message  string
	Hint     string // how to mend it; "" when the message says it all
}

// The codes of a [Fault]. They are stable.
const (
	FaultMissing    = "missing_file"     // a pack has policy.rego and tuning.json
	FaultSyntax     = "syntax"           // isn't Rego, or isn't JSON
	FaultCompile    = "compile"          // isn't strict Rego: unused, unsafe, recursive, conflicting
	FaultType       = "type"             // types that never match
	FaultInput      = "unknown_input"    // the input has no such member
	FaultDenied     = "denied_function"  // a built-in function that no rule may call
	FaultPackage    = "package"          // in a package that isn't the file's
	FaultDecision   = "decision"         // no decision, or none that riskd understands
	FaultAllow      = "default_allow"    // allow without a condition
	FaultReason     = "reason"           // a reason that riskd couldn't read
	FaultMetadata   = "metadata"         // a reason without its words, group or channel
	FaultData       = "unknown_data"     // the pack has no such data
	FaultPattern    = "computed_pattern" // a regular expression that isn't a literal
	FaultTuned      = "tuned"            // lib.tuned without literal arguments
	FaultTuning     = "tuning"           // tuning.json
	FaultEvaluation = "evaluation"       // no answer, or none that riskd understands
	FaultTest       = "test"             // a test that didn't pass
)

func (f *Fault) Error() string {
	said := f.Message
	if f.Path != "" {
		said = f.Path + ": " + said
	}
	if f.Hint != "" {
		said += "; " + f.Hint
	}
	switch {
	case f.File == "":
		return said
	case f.Row == 0:
		return f.File + ": " + said
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Row, f.Col, said)
}

// fault is a fault at a place of a module. What follows the first semicolon of
// the text is its hint.
func fault(code string, at *ast.Location, format string, args ...any) *Fault {
	f := &Fault{Code: code}
	f.Message, f.Hint, _ = strings.Cut(fmt.Sprintf(format, args...), "; ")
	if at != nil {
		f.File, f.Row, f.Col = at.File, at.Row, max(at.Col, min(at.Row, 1)) // OPA's column of a file's end is 0
	}
	return f
}

// tuningFault is a fault at a member of tuning.json, "" for the whole.
func tuningFault(path, format string, args ...any) *Fault {
	f := &Fault{Code: FaultTuning, File: tuningFile, Path: path, Message: fmt.Sprintf(format, args...)}
	if said, meant, ok := strings.Cut(f.Message, "; did you mean"); ok {
		f.Message, f.Hint = said, "did you mean"+meant
	}
	return f
}
