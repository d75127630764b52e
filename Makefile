# What can be done here. Each target is a script in .ci/, so that it can be read and run by itself.

.DEFAULT_GOAL := help
.PHONY: help run build test fmt lint test-rust test-web test-integration test-e2e test-manifests test-alerts test-dashboards test-workflows deny docker bench sim torture prove coverage performance fuzz fuzz-api scan scan-image scan-kubesec load drill alerts-torture checklist site screenshots

SEEDS ?= 20000
SECONDS ?= 600
EXAMPLES ?= 10
SEED ?=
BASE ?= HEAD~1
IMAGE ?= chat-backend:latest
PHASE ?= all

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build what is missing and serve on http://127.0.0.1:3000
	@.ci/serve.sh

build: ## Build the release binary, target/release/chat, with the page inside
	@.ci/build.sh

test: ## Run every suite and end with a table
	@.ci/test.sh

fmt: ## Format the Rust sources
	cargo fmt --all
	cargo fmt --manifest-path tests/fuzz/Cargo.toml

lint: ## Formatting, clippy, rustdoc, shellcheck
	@.ci/test.sh fmt clippy rustdoc shellcheck

test-rust: ## All Rust tests
	@.ci/test.sh rust

test-web: ## Types, unit tests and build of the web client
	@.ci/test.sh web

test-integration: ## The integration tests alone, with servers of their own
	@.ci/test.sh integration

test-e2e: ## Two people in a real browser against a real server
	@.ci/test.sh web rust-build e2e

test-manifests: ## Kubernetes manifests: every combination rendered and judged
	@.ci/test.sh manifests

test-alerts: ## Alert rules, their routes and the dashboards
	@.ci/test.sh alerts

test-workflows: ## Workflows, the scripts behind them, the load test
	@.ci/test.sh workflows

test-dashboards: ## Every query of the dashboards, put to a Prometheus that looks at real servers
	@.ci/test.sh rust-build dashboards

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

coverage: ## Lines that tests run, of the server and of the page, against their floors
	@.ci/web-coverage.sh
	@.ci/coverage.sh

performance: ## Benches against those of BASE=revision, in one run
	@.ci/performance.sh $(BASE)

fuzz: ## Files, frames and queries from strangers, led by coverage: SECONDS=n each
	@.ci/fuzz.sh $(SECONDS)

fuzz-api: ## What the OpenAPI document allows and forbids, put to a running server: EXAMPLES=n of each operation
	@.ci/test.sh rust-build
	@.ci/fuzz-api.sh $(EXAMPLES)

scan: ## Known weaknesses: sources, dependencies, manifests (needs trivy: .ci/tools.sh trivy)
	@.ci/scan.sh source
	@.ci/scan.sh manifests

scan-image: ## Known weaknesses of IMAGE=name (needs trivy and syft)
	@.ci/scan.sh image image $(IMAGE)

scan-kubesec: ## Points of the workloads (needs kubesec; without it test-manifests counts them)
	@.ci/scan.sh kubesec

load: ## Load: sockets, fan-out over two processes, a storm, readers that stop
	@.ci/load.sh

checklist: ## Before, during and after a deployment: PHASE=before, deploy, after or all
	@.ci/checklist.sh $(PHASE)

site: ## The documents and both interfaces as a site with search, target/book/html
	@.ci/site.sh

screenshots: ## The pictures of the user guide, anew, by a real browser; look at each
	@.ci/test.sh web rust-build screenshots

drill: ## Lose a PostgreSQL and the files under load and bring them back; says what was lost and how long it took
	@.ci/drill.sh

alerts-torture: ## The alerts that each fault of the torture test makes fire, and that they end
	@.ci/alerts-torture.sh

prove: ## The heavy proofs: long simulation, torture, fuzzing of the API, tutorials, Autobahn, images and compose, Kubernetes, release benchmarks
	@.ci/prove.sh
