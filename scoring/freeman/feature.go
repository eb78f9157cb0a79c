package freeman

import (
	"fmt"
	"math"
	"slices"
)

// Feature is something that a login shows at several levels, the most specific
// first: an address, its network, its country.
type Feature struct {
	Name   string
	Levels []Level
}

// Level is one precision of a feature.
type Level struct {
	Name string
	// Weight is the level's part in the feature's likelihood, above 0; those of a
	// feature sum to 1.
	Weight float64
}

// The levels of [LoginFeatures], as they stand in a login's values.
const (
	Address = iota
	ASN
	Country
	UserAgent
	Browser
	System
	DeviceType
)

// LoginFeatures are the features that the authors use, with their weights
// (rba-algorithm, commit 28fec46).
func LoginFeatures() []Feature {
	return []Feature{
		{"ip", []Level{{"address", 0.6}, {"asn", 0.3}, {"country", 0.1}}},
		{"user_agent", []Level{
			{"string", 0.5386653840551359},
			{"browser", 0.2680451498625666},
			{"os", 0.18818295100109536},
			{"device_type", 0.0051065150812021525},
		}},
	}
}

// checkFeatures says by name what is wrong with features.
func checkFeatures(all []Feature) error {
	const rounding = 1e-9
	for i, f := range all {
		sum := 0.0
		for j, l := range f.Levels {
			if !(l.Weight > 0) || math.IsInf(l.Weight, 1) {
				return fmt.Errorf("freeman.Options.Features[%d].Levels[%d].Weight: must be above 0, is %v", i, j, l.Weight)
			}
			sum += l.Weight
		}
		if math.Abs(sum-1) > rounding {
			return fmt.Errorf("freeman.Options.Features[%d].Levels: weights must sum to 1, they sum to %v", i, sum)
		}
	}
	return nil
}

// copyFeatures makes what was given the model's own.
func copyFeatures(all []Feature) []Feature {
	all = slices.Clone(all)
	for i := range all {
		all[i].Levels = slices.Clone(all[i].Levels)
	}
	return all
}
