// Package rba reads the CSV of the public RBA login data set (Wiefling et al., "Pump Up
// Password Security!", ACM TOPS 2022; 31 million logins of 3.3 million users of a
// Norwegian single sign-on, synthesised from real ones) and tells its rows as a trace
// that riskd replays, and as labels. It decides nothing and keeps nothing.
//
// What has to be said of any figure that is taken with it: countries were assigned at
// random, so that distances mean nothing; half of the honest logins carry a user agent
// new to the account; the accounts taken over were reached from networks with almost no
// other traffic, which flatters rules about rare networks; and one user id stands for all
// accounts that don't exist.
package rba
