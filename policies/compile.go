package policies

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/rego"
)

// Options say what a pack is compiled with.
type Options struct {
	// Signals is the catalogue; a signal's place in it is its reading's in a case.
	Signals []riskd.Signal
	// Library holds the rules, the library of package rego when nil.
	Library fs.FS
	// Overlay is a merge patch (RFC 7386) over the pack's tuning.json, for those
	// who try a pack under other numbers. Optional.
	Overlay []byte
}

// LoadDir compiles the pack in a folder; the folder's name is the pack's.
func LoadDir(path string, o Options) (*Pack, error) {
	name := filepath.Base(filepath.Clean(path))
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil, fmt.Errorf("pack %s: %w", name, err)
	case !info.IsDir():
		return nil, fmt.Errorf("pack %s: %s is not a folder; a pack is a folder with %s and %s", name, path, policyFile, tuningFile)
	}
	return Compile(name, os.DirFS(path), o)
}

// Compile reads a pack's *.rego and tuning.json, compiles them with the
// library, checks all of it and asks it about a quiet request of every class.
// The error joins every fault, each with its place: pack <name>:
// <file>:<row>:<column>: <fault>; the library's files go by rego/<file>.
func Compile(name string, pack fs.FS, o Options) (*Pack, error) {
	if o.Library == nil {
		o.Library = rego.FS
	}
	p, err := compile(name, pack, o)
	if err != nil {
		return nil, named(name, err)
	}
	if err := p.rehearse(len(o.Signals)); err != nil {
		return nil, err
	}
	return p, nil
}

// named puts the pack's name before every one of the joined faults, each once:
// what both compilers see, both report.
func named(name string, err error) error {
	var faults []error
	seen := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
			return
		}
		if !seen[err.Error()] {
			seen[err.Error()] = true
			faults = append(faults, fmt.Errorf("pack %s: %w", name, err))
		}
	}
	walk(err)
	return errors.Join(faults...)
}

func compile(name string, pack fs.FS, o Options) (*Pack, error) {
	src, err := readSource(o.Library, pack)
	if err != nil {
		return nil, err
	}
	modules, faults := src.parse()
	tuned, more := parseTuning(src.tuning, o.Overlay)
	faults = append(faults, more...)
	known := newCatalogue(o.Signals)
	known.check(modules)
	faults = append(faults, known.faults...)
	if len(modules) < len(src.rego) || tuned == nil {
		return nil, errors.Join(faults...) // what is missing would only cause more faults
	}
	rulesSchema, judgeSchema := Schema(o.Signals)
	rules := newProgram(modules, rulesSchema, packageRules)
	judge := newProgram(modules, judgeSchema, packageDecision)
	faults = append(faults, slices.Concat(rules.faults, judge.faults)...)
	if len(rules.faults)+len(judge.faults) == 0 {
		faults = append(faults, rules.check(tuned.data)...)
		faults = append(faults, judge.check(tuned.data)...)
		maps.Copy(rules.tuned, judge.tuned)
		faults = append(faults, tuned.checkOverrides(rules.tuned)...)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	p := &Pack{
		info:    riskd.Pack{Name: name, Revision: src.revision(o.Overlay), Tuning: tuned.Tuning, Reads: known.weighs, Rules: known.rules},
		signals: map[string]int{},
		tuned:   tunedNumbers(rules.numbers, tuned.data),
	}
	for i := range o.Signals {
		p.signals[o.Signals[i].Name] = i
		if rules.reads("readings", o.Signals[i].Name) || judge.reads("readings", o.Signals[i].Name) {
			p.info.Reads[o.Signals[i].Name] = true
		}
	}
	return p, p.prepare(rules, judge, modules, fieldsFor(o.Signals), tuned.data)
}

// prepare makes the pack ready to be asked.
func (p *Pack) prepare(rules, judge *program, modules map[string]*ast.Module, fields []field, data map[string]any) (err error) {
	p.rulesInput = newShape(fields, rules.input)
	p.judgeInput = newShape(fields, judge.input)
	store := inmem.NewFromObjectWithOpts(map[string]any{"tuning": data}, inmem.OptReturnASTValuesOnRead(true))
	txn, err := store.NewTransaction(context.Background(), storage.TransactionParams{})
	if err != nil {
		return err
	}
	for _, q := range []struct {
		query    **query
		text     string
		compiler *ast.Compiler
	}{
		{&p.reasons, queryReasons, rules.compiler},
		{&p.decision, queryDecision, judge.compiler},
		{&p.stepUp, queryStepUp, judge.compiler},
	} {
		if *q.query, err = prepare(q.text, q.compiler, store, txn); err != nil {
			return err
		}
	}
	// Two at least: one that is slow must not hold up all others.
	p.bulkhead = newBulkhead(max(2, runtime.GOMAXPROCS(0)), p.answer)
	p.compiled = p.newCompiled(modules, store, txn, fields)
	return nil
}
