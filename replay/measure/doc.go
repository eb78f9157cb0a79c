// Package measure says how well a run has caught labelled attacks, and at what price:
// shares caught by family, delays, damage, false step-ups for each user and month, what
// a budget of them buys, and what a score means as a probability.
//
// It knows neither traces nor engines: it works on the small records that a run leaves
// behind, one for each attack and for each session without one, and is a pure function
// of them. [Of] gives all of it for a report; [Run.Threshold] and [Run.Caught] give
// just what a search needs over and over again.
//
// Intervals come from a bootstrap over users (Efron, 1979; percentiles): what happens to
// one user is not independent, so that whole users are drawn, not requests or sessions.
package measure
