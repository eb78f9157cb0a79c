package policies_test

import (
	"testing"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

func TestTuned(t *testing.T) {
	pack, err := policies.Compile("default", policies.Default(), policies.Options{
		Signals: signals.Descriptions(), Overlay: []byte(`{"rules": {"new_network": {"weight": 1.5}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	tuned := pack.Tuned()
	if got := tuned["new_network"]; got["weight"] != 1.5 || got["max"] != 7 || len(got) != 3 {
		t.Errorf("new_network is tuned by %v, want weight 1.5 of tuning.json, and min and max as the rule has them", got)
	}
	if got := tuned["known_device"]["min"]; got != -2.5 {
		t.Errorf("known_device's min is %g, want -2.5", got)
	}
	tuned["new_network"]["weight"] = 9
	if pack.Tuned()["new_network"]["weight"] != 1.5 {
		t.Error("who is given the numbers can change the pack")
	}
}
