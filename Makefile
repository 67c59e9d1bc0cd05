# One line a target; what is longer is a script that says what it does. `make` prints this list.
.DEFAULT_GOAL := help
SHELL := /usr/bin/env bash
.PHONY: help setup build demo test ci fmt lint deny tidy serve docs clean crash-smoke bench-smoke \
  bench-engine bench-dev authz conformance conformance-random prove-conformance simulation prove-simulation prove-mutants \
  nostd docker-check docker-lint effects bench-effects prove-replay hostile prove-hostile \
  fuzz-smoke prove-hostile-components templates quickstarts packages release trial bench-guests \
  overload prove-soak prove-streams api-fuzz clients c-agent

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-19s %s\n", $$1, $$2 }'
setup: ## install what building plugins and checking needs, and say which way it took
	@sdk/toolchain.sh setup
build: ## build the program and our plugins
	@scripts/build.sh
demo: build ## run the brief on a real file, kill a second run half-way, show it finish
	@scripts/demo.sh
test: build ## every test, and the proof that model and graph need no std
	@scripts/test.sh
ci: ## what .ci/run runs: format, lint, dependency policy, then make test
	@scripts/ci.sh
fmt: ## format all code
	@cargo fmt --all && scripts/conformance.sh fmt && scripts/hostile.sh fmt && scripts/load.sh fmt && scripts/fuzz.sh fmt && sdk/toolchain.sh fmt && scripts/prettier.sh --write
lint: ## clippy over everything; warnings are errors
	@cargo clippy --workspace --all-targets --locked -- -D warnings
	@scripts/conformance.sh lint
	@scripts/hostile.sh lint
	@scripts/load.sh lint
	@scripts/fuzz.sh lint
	@sdk/toolchain.sh lint
deny: ## licences, banned crates, sources, advisories
	@scripts/deny.sh
tidy: ## the rules of the source tree alone
	@cargo test --quiet --locked --workspace --test it -- tidy direction
serve: build ## start the server on loopback
	@target/debug/wforge serve
docs: ## the crates' documentation
	@cargo doc --workspace --no-deps --locked
authz: build ## every route with every role, credential and tenant; hostile ones too
	@scripts/authz.sh
effects: ## the rules of durable effects; then SIGKILL at every kill point, in three languages
	@scripts/effects.sh
prove-replay: ## record 50 runs of all kinds and make each again; COUNT=n for more
	@scripts/replay.sh $(or $(COUNT),50)
hostile: build ## attack a running server in every way of the list; ROWS=1,7 for some of them
	@scripts/hostile.sh run $(if $(ROWS),--rows $(ROWS))
prove-hostile: build ## the list ten times, then all attacks at once for an hour; STORM=seconds for less
	@scripts/hostile.sh prove $(STORM)
overload: build ## half, all and twice of what a server can take; then a greedy tenant. ARGS=…
	@scripts/load.sh overload $(ARGS)
prove-soak: build ## an hour at 70 % of what it takes for long: memory and descriptors are flat; SECONDS=n
	@scripts/load.sh soak --seconds $(or $(SECONDS),3600) $(ARGS)
prove-streams: build ## 200 readers of 50 runs, torn off at random, and two kills; SEED=n
	@scripts/load.sh streams $(if $(SEED),--seed $(SEED)) $(ARGS)
api-fuzz: build ## every operation of openapi.json by schemathesis, on real data; EXAMPLES=n, SEED=n
	@scripts/api-fuzz.sh run
clients: build ## generate clients of the API in two languages, and run the brief with each
	@scripts/clients.sh run
nostd: ## check model and graph where there is no std
	@sdk/toolchain.sh nostd
crash-smoke: build ## SIGKILL at 30 moments of a running brief; SEED=n repeats one
	@scripts/example.sh crash_smoke $(SEED)
bench-smoke: build ## microseconds per durable step, and where they go
	@scripts/example.sh bench_smoke
bench-guests: build ## what an agent that says hello weighs and costs in each language
	@scripts/bench-guests.sh
bench-effects: build ## microseconds a recorded call beside the same without, at 1 and 64 runs at once
	@scripts/example.sh bench_effects
bench-engine: build ## microseconds a super-step of mock nodes, beside LangGraph's
	@scripts/bench-engine.sh
bench-dev: build ## milliseconds from a save to its output under `wforge dev`; SAVES=n
	@scripts/bench-dev.sh
conformance: ## every case against what LangGraph did
	@scripts/conformance.sh run
conformance-random: ## random graphs in both engines; COUNT=n for more than 500
	@scripts/conformance.sh random $(COUNT)
prove-conformance: ## ask LangGraph for every expectation anew, and compare
	@scripts/conformance.sh prove
simulation: ## 200 seeds of crashes under simulated time; SEEDS=n for more
	@scripts/simulation.sh $(or $(SEEDS),200)
prove-simulation: ## the same with 10,000 seeds
	@scripts/simulation.sh 10000
prove-mutants: ## 50 random mutants of wforge-graph against its own tests; SEED=n, COUNT=n
	@SEED=$(SEED) COUNT=$(COUNT) scripts/mutants.sh
fuzz-smoke: ## fuzz everything that reads what strangers write, 60 s each; SEED=n, SECONDS_EACH=n
	@scripts/fuzz.sh smoke
prove-hostile-components: ## 5,000 mutated and 5,000 generated components into a server; SEED=n, COUNT=n
	@scripts/components.sh prove
templates: build ## every template of every language: made, tested, built, installed, run
	@scripts/templates.sh $(ONLY)
c-agent: build ## the agent in C of examples/c-agent: built by clang, run, answered
	@scripts/c-agent.sh run
quickstarts: build ## the quickstarts of docs/guides, command by command, in empty folders
	@scripts/quickstarts.sh
packages: ## crates, npm package and wheel of the SDKs, in target/release-packages
	@scripts/packages.sh
release: ## archives, SBOM, checksums and packages, in target/release-files; ARGS=--dry-run
	@scripts/release.sh $(ARGS)
trial: ## the files of a release tried as a new author would, in each language, with times
	@scripts/trial.sh
docker-lint: ## lint the Dockerfile
	@scripts/docker-lint.sh
docker-check: docker-lint ## run the Dockerfile's steps in a clean folder, and its health check
	@scripts/docker-check.sh
clean: ## remove everything that was built
	@cargo clean --quiet && rm -rf .tools sdk/js/node_modules
