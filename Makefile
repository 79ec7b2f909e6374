# The project's habits: the same commands for people and for CI.

.DEFAULT_GOAL := help
.PHONY: help run demo services test test-otel fuzz chaos lint bench volume clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST)

run: ## Start Turnpike, all planes in one process, on embedded defaults
	cargo run --release

demo: ## Start it, send it a few calls, and show what was logged
	cargo run --release -- demo

services: ## Start gateway, api and workers as processes of their own, on a private PostgreSQL and Redis
	@deploy/dev/install test
	deploy/dev/services

test: ## Install what the suite needs, then run every test on SQLite and on PostgreSQL
	@deploy/dev/install test
	cargo test --workspace --lib --bins --tests
	deploy/dev/with-postgres cargo test --workspace --lib --bins --tests

test-otel: ## Export to a real Phoenix and a real MLflow, and read back from them; heavy, not part of the tests
	@deploy/dev/install test otel
	deploy/dev/test-otel

fuzz: ## Run each fuzz target for FUZZ_SECONDS (30); not part of the tests
	@deploy/dev/install fuzz
	deploy/dev/fuzz

chaos: ## Kill everything under load, at full size; CHAOS_SEED=N does it once more, CHAOS=kills that file of tests/chaos alone
	@deploy/dev/install test fuzz
	deploy/dev/chaos $(CHAOS)

lint: ## Check format, lints, licences, dependencies, and what deploy/ holds beside code
	@deploy/dev/install lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cp Cargo.lock fuzz/Cargo.lock && cargo check --quiet --manifest-path fuzz/Cargo.toml --target-dir target
	target/tools/bin/cargo-deny --locked check licenses bans sources
	deploy/dev/lint-deploy

# What is shipped; release builds in a third of the time.
BENCH_PROFILE ?= dist

bench: ## Measure it beside nginx and nothing at all; BENCH='--quick' for options, BENCH_PROFILE=release to build faster
	@deploy/dev/install bench
	cargo build --profile $(BENCH_PROFILE) -p turnpike --bins
	cargo build --release -p bench
	deploy/dev/with-postgres --durable target/release/bench --binaries target/$(BENCH_PROFILE) $(BENCH)

volume: ## Fill the store with 2 million logs over 40 days, on PostgreSQL and on SQLite, and time it; VOLUME='--rows 200000' for less
	@deploy/dev/install bench
	cargo build --release -p bench --bin volume
	deploy/dev/with-postgres --durable target/release/volume $(VOLUME)
	target/release/volume $(VOLUME)

clean: ## Remove everything that was built or installed under target/
	cargo clean
