# What can be done here. Each target is a script in .ci/, so that it can be read and run by itself.

.DEFAULT_GOAL := help
.PHONY: help run build test fmt lint test-rust test-web test-e2e test-manifests test-alerts deny docker bench sim torture prove

SEEDS ?= 20000
SECONDS ?= 600
SEED ?=

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build what is missing and serve on http://127.0.0.1:3000
	@.ci/serve.sh

build: ## Build the release binary, target/release/chat, with the page inside
	@.ci/build.sh

test: ## Run every suite and end with a table
	@.ci/test.sh

fmt: ## Format the Rust sources
	cargo fmt --all

lint: ## Formatting, clippy, rustdoc, shellcheck
	@.ci/test.sh fmt clippy rustdoc shellcheck

test-rust: ## All Rust tests
	@.ci/test.sh rust

test-web: ## Types, unit tests and build of the web client
	@.ci/test.sh web

test-e2e: ## Two people in a real browser against a real server
	@.ci/test.sh web rust-build e2e

test-manifests: ## Kubernetes manifests: every combination rendered and judged
	@.ci/test.sh manifests

test-alerts: ## Alert rules, their routes and the dashboards
	@.ci/test.sh alerts

deny: ## Licences, banned crates and sources of the dependencies
	@.ci/test.sh deny

docker: ## Dockerfiles, compose file and the page's nginx, without an engine
	@.ci/test.sh docker

bench: ## Benchmarks, each against its baseline
	cargo bench

sim: ## Simulate SEEDS=n schedules of failures
	@.ci/sim.sh $(SEEDS)

torture: ## Torture a cluster for SECONDS=n, with the schedule of SEED=n
	@.ci/torture.sh $(SECONDS) $(SEED)

prove: ## The heavy proofs: long simulation, torture, Autobahn, images and compose, Kubernetes, release benchmarks
	@.ci/prove.sh
