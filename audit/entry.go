package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/journal"
)

// Entry is one thing that was done. What doesn't apply is left out.
type Entry struct {
	N      uint64    `json:"n"`  // 1, 2, 3, …; set by the Log
	At     time.Time `json:"at"` // in UTC
	Act    Act       `json:"act"`
	Actor  string    `json:"actor,omitempty"`
	Tenant string    `json:"tenant,omitempty"`
	// Session, User and Device are references: s_, u_ or d_ and 26 characters.
	Session string `json:"session,omitempty"`
	User    string `json:"user,omitempty"`
	Device  string `json:"device,omitempty"`
	// Epoch is the number of an order, Target the kind of thing that it is about.
	Epoch   uint64     `json:"epoch,omitempty"`
	Target  string     `json:"target,omitempty"`
	Effect  string     `json:"effect,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Matched *int       `json:"matched,omitempty"`
	Reason  string     `json:"reason,omitempty"`

	DecisionID string   `json:"decision_id,omitempty"`
	EventID    string   `json:"event_id,omitempty"`
	Outcome    string   `json:"outcome,omitempty"`
	Score      *int     `json:"score,omitempty"`
	Reasons    []string `json:"reasons,omitempty"` // codes
	Source     string   `json:"source,omitempty"`
	Change     string   `json:"change,omitempty"` // what became of the session
	Pack       string   `json:"pack,omitempty"`
	Revision   string   `json:"revision,omitempty"`
	// Details are what an act has beside all this.
	Details map[string]string `json:"details,omitempty"`

	// Dropped is how many offered entries were left out before this one, LastEpoch
	// the highest Epoch up to it, Prev the hash of the entry before; set by the Log.
	Dropped   uint64 `json:"dropped,omitempty"`
	LastEpoch uint64 `json:"last_epoch,omitempty"`
	Prev      string `json:"prev"`
}

// Act is what was done.
type Act string

// The acts.
const (
	Start         Act = "start"
	Stop          Act = "stop"
	Policy        Act = "policy" // another pack in force
	Revoke        Act = "revoke" // an order, as the next five
	Suspend       Act = "suspend"
	Resume        Act = "resume"
	StepUp        Act = "step_up"
	Distrust      Act = "distrust"
	Forget        Act = "forget"
	Lift          Act = "lift" // an order undone
	Erase         Act = "erase"
	IdentityEvent Act = "identity_event"
	Decision      Act = "decision"
	Challenged    Act = "challenged" // a step-up was asked for
	Proved        Act = "proved"
	Failed        Act = "failed" // a step-up was tried and not passed
	Expired       Act = "expired"
	Extended      Act = "extended"
	Trim          Act = "trim" // written by the Log
	Gap           Act = "gap"  // only carries Dropped; written by the Log
)

// Acts are all of them.
func Acts() []Act {
	return []Act{
		Start, Stop, Policy, Revoke, Suspend, Resume, StepUp, Distrust, Forget, Lift, Erase, IdentityEvent,
		Decision, Challenged, Proved, Failed, Expired, Extended, Trim, Gap,
	}
}

// Genesis is what the first entry follows.
const Genesis = "riskd audit log, version 1"

func hashOf[T string | []byte](entry T) string {
	sum := sha256.Sum256([]byte(entry))
	return hex.EncodeToString(sum[:])
}

// validate keeps out what isn't known, and whatever isn't a reference.
func (e *Entry) validate() error {
	if !slices.Contains(Acts(), e.Act) {
		return fmt.Errorf("audit entry: act: %q is none of the acts that are known", e.Act)
	}
	if e.At.IsZero() {
		return fmt.Errorf("audit entry %s: at: is required", e.Act)
	}
	for _, ref := range []struct{ field, prefix, value string }{
		{"session", "s_", e.Session}, {"user", "u_", e.User}, {"device", "d_", e.Device},
	} {
		if ref.value != "" && !isReference(ref.prefix, ref.value) {
			return fmt.Errorf("audit entry %s: %s: must be a reference, %s and 26 characters", e.Act, ref.field, ref.prefix)
		}
	}
	return nil
}

// isReference reports whether s looks as SessionID.String and SessionKey.Ref make
// references.
func isReference(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return false
	}
	_, err := riskd.ParseSessionRef("s_" + rest)
	return err == nil
}

func (e *Entry) encode() ([]byte, error) {
	e.At = e.At.UTC()
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("audit entry %s: %w", e.Act, err)
	}
	if len(b) > journal.MaxPayload {
		return nil, fmt.Errorf("audit entry %s: is %d bytes long; %d at most", e.Act, len(b), journal.MaxPayload)
	}
	return b, nil
}

func decode(payload []byte) (e Entry, err error) {
	err = json.Unmarshal(payload, &e)
	return e, err
}
