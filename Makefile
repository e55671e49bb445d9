# Warren: a highly available RabbitMQ cluster, and the proof that it keeps its promises.
#
#   make up      from a fresh clone to a running cluster        make down    nothing of the stack left
#   make test    everything that must pass                      make help    the rest
#
# STACK=name takes another stack than dev. MONITORING=1 gives it a Prometheus, as warren:monitoring: true does.

STACK ?= dev
SETTINGS := $(if $(MONITORING),--config warren:monitoring=true)
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"
	@echo; echo "STACK=$(STACK) chooses the stack (dev, staging, tutorial or one of your own)."

.PHONY: tools
tools: ## the Pulumi toolchain: what is on this machine, else the official download, else built
	@tools/install

.PHONY: images
images: ## the container images that STACK names, on all of its hosts
	@images/build $$(tools/stack images $(STACK) $(SETTINGS))
	@tools/stack copy-images $(STACK) $(SETTINGS)

.PHONY: bin/warren
bin/warren: ## the command-line program
	@go build -o $@ ./cmd/warren

.PHONY: up
up: tools images bin/warren ## a running cluster with its queues, from nothing or from what is there
	@tools/stack up $(STACK) $(SETTINGS)
	@bin/warren declare --stack $(STACK)
	@bin/warren status --stack $(STACK)

.PHONY: down
down: tools ## pulumi destroy, and nothing of the stack left
	@tools/stack down $(STACK)

.PHONY: verify
verify: bin/warren ## the fault suite against the running stack; writes report/
	@bin/warren verify --stack $(STACK) --report report

.PHONY: soak
soak: bin/warren ## random plans of overlapping faults for HOURS=1; SEED=n plays the same again
	@bin/warren soak --stack $(STACK) --report report --for $(or $(HOURS),1)h $(if $(SEED),--seed $(SEED))

.PHONY: bench
bench: bin/warren ## the benchmarks; prints a table, writes report/
	@bin/warren bench --stack $(STACK) --report report

.PHONY: unit
unit: ## the fast tests, without an engine
	@go test ./...

.PHONY: examples
examples: ## the examples, each a module of its own: vet and tests
	@for module in examples/*/go.mod; do \
		go -C "$${module%/go.mod}" vet ./...; \
		go -C "$${module%/go.mod}" test ./...; \
	done

.PHONY: lint
lint: ## gofmt, the length of lines, vet, golangci-lint
	@tools/install lint
	@test -z "$$(gofmt -l $$(git ls-files '*.go') | tee /dev/stderr)" || { echo "gofmt: the files above are not formatted; run gofmt -w on them" >&2; exit 1; }
	@go run ./tools/columns $$(git ls-files '*.go' '*.md')
	@go vet -tags cluster ./...
	@.warren/tools/golangci-lint run ./...

.PHONY: test
test: unit examples lint ## everything that must pass: unit tests, linters, the tests on real clusters
	@tools/install
	@images/build rabbitmq:3.10 rabbitmq:4.0 rabbitmq:4.3 haproxy:3.2 nettools:1
	@tools/cluster-tests

.PHONY: test-faults
test-faults: ## the long tests: every fault and every diagnosis of the doctor, each on its own, rolls and scaling under traffic
	@tools/install
	@images/build
	@WARREN_SCHEDULES=100000 go test -count=1 -timeout 60m ./agent/plan/...
	@WARREN_SCHEDULES=100000 go test -count=1 -timeout 60m -run 'TestSchedules|TestSlowBroker|TestWhatIsReceived|TestMutants' ./clients
	@tools/cluster-tests ./internal/hostlab ./verify/hosts ./verify/hostfault ./verify/daytwo ./verify/tls ./verify/users ./verify/fault ./verify/soak ./verify/remote ./operate/application ./operate/doctor -timeout 5h
