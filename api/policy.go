package api

import (
	"net/http"
	"time"
)

// Policy is the pack that decides.
type Policy interface {
	// Policy says which one it is, and what stands in the way of another.
	Policy() PolicyStatus
}

// PolicyStatus is the answer to GET /v1/policy.
type PolicyStatus struct {
	Pack     string       `json:"pack"`
	Revision string       `json:"revision"` // as in decisions
	LoadedAt time.Time    `json:"loaded_at"`
	Source   PolicySource `json:"source"`
	// Tests were run before it came into force.
	Tests *PolicyTests `json:"tests,omitzero"`
	// Fault is why the pack that the source has now isn't in force, Held why one
	// that is good isn't yet.
	Fault    *PolicyFault    `json:"fault,omitzero"`
	Held     *PolicyHeld     `json:"held,omitzero"`
	Previous *PolicyPrevious `json:"previous,omitzero"`
}

// PolicySource is where a pack comes from and who vouches for it.
type PolicySource struct {
	Kind  string `json:"kind"` // "shipped", "folder", "file" or "url"
	Place string `json:"place,omitzero"`
	// Bundle is the revision that the bundle's manifest names.
	Bundle   string    `json:"bundle_revision,omitzero"`
	SignedBy string    `json:"signed_by,omitzero"`
	SignedAt time.Time `json:"signed_at,omitzero"`
	// Kept says that the pack in force is the last one that was kept of a server's.
	Kept bool `json:"kept,omitzero"`
	// Error is why the source can't be asked now.
	Error string `json:"error,omitzero"`
}

// PolicyTests are the tests of a pack.
type PolicyTests struct {
	Run    int `json:"run"`
	Passed int `json:"passed"`
}

// PolicyFault is what is wrong with a pack.
type PolicyFault struct {
	At     time.Time `json:"at"`
	Errors []string  `json:"errors"`
}

// PolicyHeld is a pack that waits to be confirmed.
type PolicyHeld struct {
	Pack     string    `json:"pack"`
	Revision string    `json:"revision"`
	Reason   string    `json:"reason"`
	Since    time.Time `json:"since"`
}

// PolicyPrevious is the pack that was in force before.
type PolicyPrevious struct {
	Pack     string    `json:"pack"`
	Revision string    `json:"revision"`
	Until    time.Time `json:"until"`
}

// showPolicy answers GET /v1/policy.
func (a *API) showPolicy(w http.ResponseWriter, _ *http.Request) int {
	return writeJSON(w, http.StatusOK, a.Policy.Policy())
}
