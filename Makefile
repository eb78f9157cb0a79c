.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: dev
dev: ## run riskd in memory and show decisions as they happen
	go run ./cmd/riskd dev

.PHONY: test
test: ## every test; quick, needs no network
	go test ./...

.PHONY: race
race: ## every test with the race detector, in random order
	go test -race -shuffle=on ./...

.PHONY: check
check: ## all that a change has to pass, as the CI runs it
	bash .ci/run

.PHONY: integration
integration: ## install the gateways of examples/ and run each before riskd; under 3 minutes
	gateways=$$(bash examples/install.sh) && \
	PATH="$$gateways:$$PATH" go test -tags integration -count=1 -v ./examples/... $(ARGS)

.PHONY: rules
rules: ## format, check and test the Rego
	go build -o bin/opa github.com/open-policy-agent/opa
	bin/opa fmt --fail --list rego policies docs
	for pack in policies/*/policy.rego; do \
		bin/opa check --strict --capabilities policies/capabilities.json rego $$(dirname $$pack) && \
		bin/opa test rego $$(dirname $$pack) || exit 1; \
	done
	bin/opa check --strict --capabilities policies/capabilities.json rego policies/default docs/cookbook
	for test in docs/cookbook/*_test.rego; do bin/opa test rego/lib $${test%_test.rego}.rego $$test || exit 1; done

.PHONY: bench
bench: ## speed against the bare HTTP floor and OPA's server, under 4 minutes
	go run ./bench/speed

.PHONY: detection
detection: ## the default pack against its targets, on unseen seeds; about 3 minutes
	go run ./bench/detection targets

.PHONY: chaos
chaos: ## kill riskd, crash its disk, race it, flood it: what it promised, checked; about 10 minutes
	go run ./bench/chaos kill9 -n 200
	go run ./bench/chaos crashfs -crashes 1000
	go run ./bench/chaos lin -histories 20 -ops 20000
	go run ./bench/chaos slow
	go run ./bench/chaos overload
	go run ./bench/chaos selftest

.PHONY: reloads
reloads: ## 10,000 reloads of a policy pack under load; about 10 minutes
	RISKD_RELOADS=10000 go test -count=1 -v -timeout 60m ./cmd/riskd -run TestReloadsUnderLoad

.PHONY: differential
differential: ## compiled rules against OPA over a million generated pairs; about 7 minutes
	go test ./policies -run '^TestDifferential$$' -timeout 60m -v -args -pairs 1000000 -seed $$(date +%s)

.PHONY: fixtures
fixtures: ## make the synthetic geo databases again
	go run ./fixtures/geo
