// Package examples has a folder for each gateway that riskd decides for: what to
// copy, which lines to change, what happens when something fails.
//
// Behind the build tag integration are the tests that hold the folders to what
// they say: each starts the real gateway with the config of its folder, before a
// real riskd and an application, and sends it what users, attackers and broken
// networks would. `make integration` installs the gateways and runs them. There
// is nothing here to import.
package examples
