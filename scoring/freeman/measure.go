package freeman

import "slices"

// AUC is the probability that an attacker scores above a user, a tie counting half:
// the area under the ROC curve. It sorts both; without either it is 0.5.
func AUC(attackers, users []float64) float64 {
	if len(attackers) == 0 || len(users) == 0 {
		return 0.5
	}
	slices.Sort(attackers)
	slices.Sort(users)
	below, upTo, twice := 0, 0, 0
	for _, a := range attackers {
		for below < len(users) && users[below] < a {
			below++
		}
		upTo = max(upTo, below)
		for upTo < len(users) && users[upTo] <= a {
			upTo++
		}
		twice += below + upTo
	}
	return float64(twice) / 2 / float64(len(attackers)) / float64(len(users))
}

// RecallAt is the share of attackers above the score that at most a share fpr of the
// users is above. It sorts both; without attackers it is 0.
func RecallAt(fpr float64, attackers, users []float64) float64 {
	if len(attackers) == 0 {
		return 0
	}
	if len(users) == 0 {
		return 1
	}
	slices.Sort(attackers)
	slices.Sort(users)
	allowed := min(int(fpr*float64(len(users))), len(users)-1)
	bar := users[len(users)-1-allowed]
	return float64(len(attackers)-upperBound(attackers, bar)) / float64(len(attackers))
}

// AskedAt is the share of users at or above the score that a share tpr of the attackers
// reaches: how many are asked again to catch so many. It sorts both.
func AskedAt(tpr float64, attackers, users []float64) float64 {
	if len(attackers) == 0 || len(users) == 0 {
		return 0
	}
	slices.Sort(attackers)
	slices.Sort(users)
	missed := min(int((1-tpr)*float64(len(attackers))+1e-9), len(attackers)-1)
	at, _ := slices.BinarySearch(users, attackers[missed])
	return float64(len(users)-at) / float64(len(users))
}

// upperBound is how many of sorted values are at most x.
func upperBound(sorted []float64, x float64) int {
	at, _ := slices.BinarySearchFunc(sorted, x, func(v, x float64) int {
		if v <= x {
			return -1
		}
		return 1
	})
	return at
}
