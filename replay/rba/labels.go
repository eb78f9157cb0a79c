package rba

import (
	"bufio"
	"encoding/json"
	"io"
)

// The families of attacks that the data set tells of.
const (
	FamilyTakeover = "takeover"  // all takeovers of one account are one attack
	FamilyAttackIP = "attack_ip" // all attempts from one address are one attack
)

// AttackOf gives the attack that a row is part of, "" if none. A takeover from a listed
// address is a takeover.
func AttackOf(r *Row) (attack, family string) {
	switch {
	case r.Takeover:
		return FamilyTakeover + "-" + UserID(r), FamilyTakeover
	case r.AttackIP:
		return FamilyAttackIP + "-" + r.Address.String(), FamilyAttackIP
	default:
		return "", ""
	}
}

// WriteLabels writes the labels of a file's attacks, a line each, as replay reads them.
func WriteLabels(w io.Writer, r *Reader) error {
	out := bufio.NewWriter(w)
	encode := json.NewEncoder(out)
	for {
		row, err := r.Next()
		if err == io.EOF {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		attack, family := AttackOf(row)
		if attack == "" {
			continue
		}
		if err := encode.Encode(map[string]string{"event": EventID(row), "attack": attack, "family": family}); err != nil {
			return err
		}
	}
}
