package riskd.decision_test

import data.riskd.decision

scored(tenant, score, reasons) := {"event": {"tenant": tenant}, "score": score, "reasons": reasons, "invariants": []}

test_strict_tenants_fires if decision.unproved with input as scored("acme-bank", 45, ["new_network"])

test_strict_tenants_below if not decision.unproved with input as scored("acme-bank", 44.9, ["new_network"])

test_strict_tenants_of_what_no_proof_clears if not decision.unproved with input as scored("acme-bank", 50, ["token_replay"])

test_strict_tenants_of_others if not decision.unproved with input as scored("other", 59.9, ["new_network"])
