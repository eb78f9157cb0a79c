package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/riskd/riskd"
)

// maxErasure is how long the answer to an erasure may take.
const maxErasure = 5 * time.Minute

// eraseUser answers DELETE /v1/users/{id}: nothing that is known of the user
// stays, but that he is revoked.
func (a *API) eraseUser(w http.ResponseWriter, r *http.Request) int {
	q := newQuery(r, "tenant", "actor")
	user, tenant, actor := r.PathValue("id"), q.tenant(), q.text("actor")
	if actor == "" {
		q.check("actor", errors.New("is required: an erasure is put on record"))
	}
	for _, p := range []struct{ name, value string }{{"tenant", tenant}, {"actor", actor}, {"id", user}} {
		if len(p.value) > riskd.MaxID {
			q.check(p.name, fmt.Errorf("is %d bytes long; the limit is %d", len(p.value), riskd.MaxID))
		}
		if !utf8.ValidString(p.value) {
			q.check(p.name, errors.New("is not valid UTF-8"))
		}
	}
	if q.problem != nil {
		return writeProblem(w, q.problem)
	}
	// Taking every byte of him out of a large store takes longer than answers may.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxErasure))
	ended, err := a.Orders.Erase(r.Context(), tenant, user, a.Now(), signed(callerOf(r), actor))
	if err != nil {
		return a.fail(w, err, repeatIt)
	}
	return writeJSON(w, http.StatusOK, struct {
		Erased bool `json:"erased"`
		Ended  int  `json:"ended"`
	}{true, ended})
}
