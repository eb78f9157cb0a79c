package policies

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// source are the files of a pack and the library, each read once, so that what
// is hashed is what is compiled. Library files go by rego/<name>.
type source struct {
	rego   map[string][]byte
	tuning []byte
}

const (
	policyFile = "policy.rego"
	tuningFile = "tuning.json"
	libraryDir = "rego/"
)

func readSource(library, pack fs.FS) (*source, error) {
	s := &source{rego: map[string][]byte{}}
	faults := []error{
		s.read(library, libraryDir, "*.rego"),
		s.read(library, libraryDir, "lib/*.rego"),
		s.read(pack, "", "*.rego"),
	}
	if s.rego[policyFile] == nil {
		faults = append(faults, &Fault{
			Code: FaultMissing, File: policyFile, Message: "is missing",
			Hint: fmt.Sprintf("a pack has %s in package riskd.decision and %s", policyFile, tuningFile),
		})
	}
	var err error
	if s.tuning, err = fs.ReadFile(pack, tuningFile); err != nil {
		faults = append(faults, &Fault{
			Code: FaultMissing, File: tuningFile, Message: "is missing or can't be read",
			Hint: fmt.Sprintf("start from the default pack's: %v", err),
		})
	}
	return s, errors.Join(faults...)
}

func (s *source) read(from fs.FS, under, pattern string) error {
	names, err := fs.Glob(from, pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		if s.rego[under+name], err = fs.ReadFile(from, name); err != nil {
			return err
		}
	}
	return nil
}

// revision is a hash over everything that a pack's answers depend on.
func (s *source) revision(overlay []byte) string {
	h := sha256.New()
	add := func(part []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	for _, name := range slices.Sorted(maps.Keys(s.rego)) {
		add([]byte(name))
		add(s.rego[name])
	}
	add(s.tuning)
	add(overlay)
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// parse gives the modules and every syntax error in any of them.
func (s *source) parse() (map[string]*ast.Module, []error) {
	modules := map[string]*ast.Module{}
	var faults []error
	options := ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true, Capabilities: Capabilities()}
	for _, name := range slices.Sorted(maps.Keys(s.rego)) {
		m, err := ast.ParseModuleWithOpts(name, string(s.rego[name]), options)
		if err != nil {
			faults = append(faults, regoFaults(err)...)
			continue
		}
		modules[name] = m
	}
	return modules, faults
}

// regoFaults turns OPA's errors into ours: <file>:<row>:<column>: <what is wrong>.
func regoFaults(err error) []error {
	var list ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &list):
	case errors.As(err, &one):
		list = ast.Errors{one}
	default:
		return []error{err}
	}
	slices.SortStableFunc(list, func(a, b *ast.Error) int {
		if a.Location == nil || b.Location == nil {
			return 0
		}
		return cmp.Or(cmp.Compare(a.Location.File, b.Location.File), a.Location.Compare(b.Location))
	})
	faults := make([]error, len(list))
	for i, e := range list {
		faults[i] = explain(e)
	}
	return faults
}

// regoCodes are the codes of OPA's own.
var regoCodes = map[string]string{ast.ParseErr: FaultSyntax, ast.TypeErr: FaultType}

// explain says what OPA found, with the nearest name for a misspelt member.
func explain(e *ast.Error) *Fault {
	f := fault(cmp.Or(regoCodes[e.Code], FaultCompile), e.Location, "")
	f.Message = e.Message
	switch d := e.Details.(type) {
	case nil:
		if name, ok := deniedIn(e.Message); ok {
			f.Code = FaultDenied
			f.Message = "function " + name + " is denied: no rule may reach out, change on replay or run without end"
			f.Hint = "capabilities.json lists what there is"
		}
		return f
	case *ast.ParserErrorDetail:
		return f // the line, which the place says
	case *ast.RefErrInvalidDetail:
		known := make([]string, 0, len(d.OneOf))
		for _, v := range d.OneOf {
			if s, ok := v.(ast.String); ok {
				known = append(known, string(s))
			}
		}
		name, ok := d.Ref[d.Pos].Value.(ast.String)
		if ok && len(known) > 0 {
			f.Code = FaultInput
			var said string
			said, f.Hint, _ = strings.Cut(notOneOf(string(name), known), "; ")
			f.Message += ": " + said
			return f
		}
	}
	lines := e.Details.Lines()
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	f.Message += ": " + strings.Join(lines, "; ")
	return f
}

// deniedIn finds the denied function that one of OPA's messages is about.
func deniedIn(message string) (name string, ok bool) {
	for _, before := range []string{"undefined function ", "unsafe built-in function calls in expression: "} {
		if name, ok := strings.CutPrefix(message, before); ok && isDenied(name) {
			return name, true
		}
	}
	return "", false
}
