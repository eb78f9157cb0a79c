package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "shared_device",
		Doc:   "How many different users came with the request's device, as of the session's last arrival (login, or change of network or machine). A device id belongs to one machine: a family's has two to four users, a kiosk more, and always. A fingerprint belongs to a model, and says something only where it has suddenly far more users than it used to have. A device of the user's own is no evidence. Missing at an arrival: device, when the event carries neither; crowd, when it wasn't counted yesterday.",
		Value: "users of the device id today, this one not counted if he is new there; an estimate, 0 without an id",
		Details: []riskd.Detail{
			{Name: "usual", Doc: "users of the device id on a usual day: yesterday's or an average day's, whichever is more"},
			{Name: "fingerprint_users", Doc: "users of the fingerprint today; an estimate"},
			{Name: "fingerprint_usual", Doc: "users of the fingerprint on a usual day"},
			{Name: "own", Doc: "1 when the device is known to be the user's, else 0; 0 when this is no arrival"},
		},
		Memory: true,
	}, measureSharedDevice)
}

// More than familyUsers on a machine that usually has no more than that, or more
// than kioskTimes of a machine's usual, are worth machineNats at once and for every
// e-fold; fingerprints of more than printTimes the usual and printLeast are worth
// printNats. All of it is assumed (docs/detection.md).
const (
	familyUsers = 4.5
	kioskTimes  = 2
	machineNats = 1.5
	machineMost = 4
	printTimes  = 4
	printLeast  = 20
	printNats   = 0.5
	printMost   = 1
)

// What shared_device keeps in its cell.
const (
	machineUsers = iota
	machineUsual
	printUsers
	printUsual
)

func measureSharedDevice(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	c := in.Crowd
	mark := riskd.MarkOf(&in.Event.Device)
	switch {
	case !c.Looked:
		return sharedDevice(&cell, 0, false), cell
	case mark == riskd.DeviceMark{}:
		return riskd.NotEvaluableFor("device"), riskd.Cell{}
	case !crowdOfYesterday(c):
		return riskd.NotEvaluableFor("crowd"), riskd.Cell{}
	}
	cell = riskd.Cell{
		machineUsers: c.Device.Users, machineUsual: usualUsers(c.Device),
		printUsers: c.Print.Users, printUsual: usualUsers(c.Print),
	}
	own := ownMachine(in)
	nats := 0.0
	if !own {
		nats = max(crowdedMachine(&cell), crowdedPrint(&cell))
	}
	return sharedDevice(&cell, nats, own), cell
}

// crowdedMachine is the evidence of many users of one machine.
func crowdedMachine(cell *riskd.Cell) float64 {
	ordinary := max(familyUsers, kioskTimes*cell[machineUsual])
	if cell[machineUsers] <= ordinary {
		return 0
	}
	return min(machineNats*(1+math.Log(cell[machineUsers]/ordinary)), machineMost)
}

// crowdedPrint is that of many users of one kind of machine.
func crowdedPrint(cell *riskd.Cell) float64 {
	ordinary := printTimes*cell[printUsual] + printLeast
	if cell[printUsers] <= ordinary {
		return 0
	}
	return min(printNats*(1+math.Log(cell[printUsers]/ordinary)), printMost)
}

func sharedDevice(cell *riskd.Cell, nats float64, own bool) riskd.Reading {
	return measured(cell[machineUsers], nats, details{number(cell[machineUsual]), number(cell[printUsers]), number(cell[printUsual]), flag(own)})
}
