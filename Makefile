# Driftline. `make help` lists the targets.

SHELL       := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c

# Tools are pinned here and installed below bin/tools; they are no part of go.mod.
GOLANGCI_VERSION := v2.15.0
TOOLS            := bin/tools
TEST_TIMEOUT     ?= 25m
BENCH            ?= .
FUZZTIME         ?= 20s

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X github.com/driftline/driftline/internal/selfmetrics.version=$(VERSION)

.DEFAULT_GOAL := help
.PHONY: help setup setup-kafka console plugin build demo test crash bench quality fleet deploy-check fuzz lint fmt generate clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## fetch modules and the embedded ClickHouse engine; quick when they are there
	@go mod download
	@scripts/setup-libchdb.sh

setup-kafka: ## fetch the Apache Kafka that some tests use, for which it needs Java and Maven
	@scripts/setup-kafka.sh

# The console's files; npm brings three packages for them.
CONSOLE := internal/console/dist/index.html

console: ## build the front end that the binary serves at its API's address; needs npm
	@$(MAKE) --no-print-directory $(CONSOLE)

$(CONSOLE): grafana-plugin/package-lock.json grafana-plugin/scripts/build.mjs $(shell find grafana-plugin/src/views grafana-plugin/src/console -type f 2>/dev/null)
	@[ -d grafana-plugin/node_modules/esbuild ] || (cd grafana-plugin && npm ci --omit=dev --silent)
	@cd grafana-plugin && npm run --silent console

# Platforms of the plugin's back end, such as "linux/amd64 darwin/arm64".
PLUGIN_PLATFORMS ?= $(shell go env GOOS)/$(shell go env GOARCH)

plugin: ## build the Grafana app into grafana-plugin/dist, its back end for PLUGIN_PLATFORMS; needs npm
	@[ -d grafana-plugin/node_modules/@grafana/data ] || (cd grafana-plugin && npm ci --silent)
	@cd grafana-plugin && npm run --silent build
	@for p in $(PLUGIN_PLATFORMS); do suffix=; [ $${p%/*} != windows ] || suffix=.exe; \
	CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go build -trimpath -ldflags '-s -w' -o grafana-plugin/dist/datasource/gpx_driftline_datasource_$${p%/*}_$${p#*/}$$suffix ./grafana-plugin/pkg; done

build: ## build bin/driftline, with the console where there is npm
	@mkdir -p bin
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(CONSOLE); \
	else echo "NOTICE: no npm, so the binary has no console; its page at the API's address says so" >&2; fi
	@CGO_ENABLED=0 go build -buildvcs=auto -trimpath -ldflags '$(LDFLAGS)' -o bin/driftline ./cmd/driftline

demo: ## show the whole pipeline finding known faults, with embedded engines (DEMO=--stay keeps its console)
	@$(MAKE) --no-print-directory -j2 setup build # the download and the compiler keep each other waiting otherwise
	@./bin/driftline demo $(DEMO)

test: setup ## vet and test everything, with the race detector where there is a C compiler
	@[ -d "$$(scripts/setup-kafka.sh --path)" ] || echo "NOTICE: no Apache Kafka, so tests that use it are skipped (make setup-kafka)" >&2
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(CONSOLE); fi
	@TEST_TIMEOUT=$(TEST_TIMEOUT) scripts/test.sh

crash: setup build ## inject hundreds of faults into a running ingest, on kfake and on Apache Kafka, and balance the books (CRASH='-seed 1 -v')
	@go run ./internal/crash $(CRASH)

bench: setup build ## measure ingest against the storage's limit, then the benchmarks of single parts (BENCH=regexp)
	@go run ./internal/bench
	@go test -run '^$$' -bench '$(BENCH)' -benchtime 0.5s -benchmem ./schemas ./ingest ./internal/query ./detectors ./detectors/multivariate ./detectors/sequential ./loadtest ./internal/embedded/native/wire ./internal/app | grep -v '^\(PASS\|goos\|goarch\|pkg\|cpu\)'

quality: build ## measure how well the detectors do, and write docs/quality.md
	@scripts/quality.sh

fleet: build ## play scenarios with known faults (SEEDS=3 times each), and write docs/fleet.md
	@scripts/fleet.sh

deploy-check: build ## validate what is below deploy offline: chart, compose project, alert rules, unit (builds its tools once, some minutes)
	@scripts/deploy-check.sh

fuzz: ## fuzz every parser of foreign input, each for FUZZTIME (20s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

lint: $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION) ## run the linters (built once, takes two minutes)
	@$< run --allow-parallel-runners ./...

fmt: $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION) ## format the code
	@$< fmt ./...

generate: ## write the pages of the manual that come from the code
	@go test -count=1 -run TestGeneratedPagesAreCurrent ./cmd/driftline -update

clean: ## remove what was built
	@rm -rf bin

$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION):
	@mkdir -p $(TOOLS)
	@GOBIN=$(CURDIR)/$(TOOLS) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(TOOLS)/golangci-lint $@
