package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// History remembers which signed bundles were in force, so that nobody brings an
// old one back: a signature is good forever, and an older pack may be the one
// without today's rule. Of two signatures that say when they were made ("iat"),
// the later one counts. OPA's command doesn't say so unless it is told to: bundles
// without are told apart by what they hold, and one that another has replaced
// doesn't come back. To go back to an old pack, sign it anew.
type History struct {
	file string

	mu   sync.Mutex
	past past
}

// past is what the file holds.
type past struct {
	// SignedAt is the latest signature that was in force.
	SignedAt time.Time `json:"signed_at,omitzero"`
	// InForce is the digest of the bundle in force, Replaced those before it, the
	// last one last.
	InForce  string   `json:"in_force"`
	Replaced []string `json:"replaced,omitempty"`
}

const (
	maxReplaced = 4096 // bundles; some 270 KiB
	maxAhead    = 5 * time.Minute
)

// OpenHistory reads what the file remembers; without a file ("") the history ends
// with the process.
func OpenHistory(file string) (*History, error) {
	h := &History{file: file}
	if file == "" {
		return h, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &h.past, json.RejectUnknownMembers(true))
	}
	if err != nil {
		return nil, fmt.Errorf("%s can't be read: %w; whoever removes it lets older bundles come back", file, err)
	}
	return h, nil
}

// Check refuses a bundle that is older than one that was in force.
func (h *History) Check(b *Bundle, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	signed := b.Signature.IssuedAt
	switch {
	case b.Digest == h.past.InForce:
		return nil
	case signed.After(now.Add(maxAhead)):
		return fmt.Errorf("bundle was signed at %s, which is still to come: no later one would ever count as newer", stamp(signed))
	case signed.Before(h.past.SignedAt) && signed.IsZero():
		return fmt.Errorf(`bundle doesn't say when it was signed ("iat"), and one of %s was in force: it may be older; sign it with riskd policy sign`, stamp(h.past.SignedAt))
	case signed.Before(h.past.SignedAt):
		return fmt.Errorf("bundle is rolled back: it was signed at %s, and one of %s was in force; sign it anew to go back to it", stamp(signed), stamp(h.past.SignedAt))
	case slices.Contains(h.past.Replaced, b.Digest) && !signed.After(h.past.SignedAt):
		return errors.New("bundle is rolled back: it was in force before another took its place; sign it anew, with a time, to go back to it")
	}
	return nil
}

// Accept notes that a bundle is in force now. With an error it is noted all the
// same, but not beyond the process.
func (h *History) Accept(b *Bundle) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if signed := b.Signature.IssuedAt; signed.After(h.past.SignedAt) {
		h.past.SignedAt = signed
	}
	if was := h.past.InForce; was != b.Digest {
		h.past.Replaced = slices.DeleteFunc(h.past.Replaced, func(d string) bool { return d == b.Digest })
		if was != "" {
			h.past.Replaced = append(h.past.Replaced, was)
		}
		h.past.Replaced = h.past.Replaced[max(0, len(h.past.Replaced)-maxReplaced):]
		h.past.InForce = b.Digest
	}
	if h.file == "" {
		return nil
	}
	text, err := json.Marshal(h.past)
	if err != nil {
		return err
	}
	return Save(h.file, text)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Save puts a file in the place of another, whole or not at all, so that a crash
// leaves one of the two. Only its owner can read it.
func Save(file string, content []byte) (err error) {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil //nolint:nilerr // the file is there; only a crash now could undo that
	}
	return errors.Join(d.Sync(), d.Close())
}
