// Package freeman is the login risk score of Freeman et al. ("Who Are You?", NDSS
// 2016) as Wiefling et al. run it ("Pump Up Password Security!", ACM TOPS 2022, and
// their das-group/rba-algorithm): how much likelier a login's address and browser are
// among all users than in this user's own history. Its authors' attackers, and the
// measures taken with them, are here too.
//
// It is the baseline that riskd is held against. Decisions aren't taken with it: it
// knows logins only, and nothing of what happens in a session.
package freeman
