# The project's habits: the same commands for people and for CI.

.DEFAULT_GOAL := help
.PHONY: help run demo services test lint clean

help: ## List these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST)

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

lint: ## Check format, lints, licences, dependencies, and what deploy/ holds beside code
	@deploy/dev/install lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	target/tools/bin/cargo-deny --locked check licenses bans sources
	deploy/dev/lint-deploy

clean: ## Remove everything that was built or installed under target/
	cargo clean
