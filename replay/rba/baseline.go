package rba

import (
	"strconv"

	"github.com/riskd/riskd/scoring/freeman"
)

// Login is a row as the login score of Freeman et al. takes it.
func Login(r *Row) freeman.Login {
	return freeman.Login{User: UserID(r), Values: []string{
		freeman.Address: r.Address.String(), freeman.ASN: strconv.FormatUint(uint64(r.ASN), 10), freeman.Country: r.Country,
		freeman.UserAgent: r.UserAgent, freeman.Browser: r.Browser, freeman.System: r.System, freeman.DeviceType: r.DeviceType,
	}}
}

// Try puts a row to a trial of that score: takeovers are attackers, and successes from a
// listed address are nobody knows whose. Logins that failed aren't history.
func Try(t *freeman.Trial, r *Row) {
	switch {
	case !r.Successful:
	case r.Takeover:
		t.Takeover(Login(r))
	case r.AttackIP:
		t.Doubtful(Login(r))
	default:
		t.User(Login(r))
	}
}
