package main

// excuse says why a family may be told from users by a group of values.
type excuse struct{ family, group, why string }

// excuses are the families that consist of what a group holds (detection.md, the list of
// attack families).
var excuses = []excuse{
	{"F5", "time of day", "it comes up to four hours after the victim's session, and so later in the day"},
	{"F5", "authentication", "it signs in with a stolen password, and so has victims who need no more"},
	{"F11", "time of day", "it comes between 01:30 and 04:30 of the user's time"},
	{"F11", "order in the file", "it comes at night, when lines are further apart"},
	{"F13", "time of day", "it comes up to six hours after the victim's session, and so later in the day"},
	{"F13", "authentication", "it signs in with a guessed password, and so has victims who need no more"},
	{"F14", "fields present", "it uses an id that was rotated away, and names it as the one before"},
}

// excused gives the sentence that excuses a family, "" if nothing does.
func excused(family, group string) string {
	for _, e := range excuses {
		if e.family == family && e.group == group {
			return e.why
		}
	}
	return ""
}
