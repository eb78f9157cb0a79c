package simulate

import "strconv"

// The lines of a labels file, which no engine ever sees: what each user mainly is,
// why an honest request may look odd, and which requests are an attack's.

func archetypeLabel(b []byte, u *user) []byte {
	b = userID(append(b, `{"user":"`...), u.number)
	b = append(append(b, `","archetype":"`...), u.archetype.String()...)
	return append(b, "\"}\n"...)
}

func eventLabels(b []byte, e *event) []byte {
	if e.crime != nil {
		b = eventID(append(b, `{"event":"`...), e.number)
		b = strconv.AppendInt(append(b, `","attack":"a`...), int64(e.crime.number), 10)
		b = append(append(b, `","family":"`...), e.crime.family...)
		if e.onset {
			return append(b, "\",\"onset\":true}\n"...)
		}
		return append(b, "\"}\n"...)
	}
	e.causes.each(func(name string) {
		b = eventID(append(b, `{"event":"`...), e.number)
		b = append(append(append(b, `","cause":"`...), name...), "\"}\n"...)
	})
	return b
}
