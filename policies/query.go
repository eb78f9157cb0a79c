package policies

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// The three queries that a pack is asked.
const (
	queryReasons  = "data.riskd.rules.reasons"
	queryDecision = "data.riskd.decision.decision"
	queryStepUp   = "data.riskd.decision.step_up"
)

// query is one prepared query. Its transaction stays open for good: the pack's
// data never changes.
type query struct {
	prepared rego.PreparedEvalQuery
	txn      rego.EvalOption
}

func prepare(text string, compiler *ast.Compiler, store storage.Store, txn storage.Transaction) (*query, error) {
	prepared, err := rego.New(
		rego.Query(text),
		rego.Compiler(compiler),
		rego.Store(store),
		rego.Transaction(txn),
		rego.SetRegoVersion(ast.RegoV1),
		rego.StrictBuiltinErrors(true), // by default a rule that breaks is a rule that doesn't hold
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t, nil }),
	).PrepareForEval(context.Background())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return &query{prepared: prepared, txn: rego.EvalTransaction(txn)}, nil
}

// ask gives the query's value, nil when it is undefined.
func (u *query) ask(q *question) (*ast.Term, error) {
	// The question's own cancellation, as OPA would start a goroutine to watch
	// the context.
	results, err := u.prepared.Eval(context.Background(), u.txn,
		rego.EvalParsedInput(q.input), rego.EvalTime(q.now), rego.EvalExternalCancel(q.cancel))
	if err != nil {
		return nil, evaluationError(err)
	}
	if len(results) == 0 {
		return nil, nil
	}
	return results[0].Expressions[0].Value.(*ast.Term), nil
}

// evaluationError says where and what failed. OPA's message goes on after a
// colon, with values that may be the caller's: those aren't for a log.
func evaluationError(err error) error {
	var e *topdown.Error
	if !errors.As(err, &e) {
		return &Error{CodeError, errors.New("evaluation failed")}
	}
	code := CodeError
	switch e.Code {
	case topdown.CancelErr:
		code = CodeTimeout
	case topdown.ConflictErr:
		code = CodeConflict
	}
	what, _, _ := strings.Cut(e.Message, ":")
	return &Error{code, fault(FaultEvaluation, e.Location, "%s: %s", e.Code, what)}
}
