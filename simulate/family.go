package simulate

// Family is a kind of attack, by its number in detection.md §4.3.
type Family string

// The families; docs/simulate.md has their parameters.
const (
	F1  Family = "F1"  // cookie replayed in another country
	F2  Family = "F2"  // cookie replayed by a residential proxy of the same country
	F3  Family = "F3"  // session fixation
	F4  Family = "F4"  // login through an adversary in the middle
	F5  Family = "F5"  // login with a stolen password from far away
	F6  Family = "F6"  // burst of privileged calls in the victim's own browser
	F7  Family = "F7"  // slow exfiltration in the victim's own browser
	F8  Family = "F8"  // credentials changed soon after a switch of context
	F9  Family = "F9"  // malware on the victim's machine
	F10 Family = "F10" // used at the same time, from the same provider
	F11 Family = "F11" // insider at night
	F12 Family = "F12" // all copied, same /24, the victim's ways: the floor
	F13 Family = "F13" // password spray that hits
	F14 Family = "F14" // rotated id used again
	F15 Family = "F15" // exit changed every few requests
)

// Families are all of them, in order.
func Families() []Family {
	return []Family{F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13, F14, F15}
}
