# Every task with one line: `make help`.
SHELL := /bin/bash
RUN := PATH="$$PATH:/usr/sbin:/sbin" node --import tsx

# Of `make image`: where it belongs, what for, and whether it is pushed there.
IMAGE ?= herald
PLATFORMS ?= linux/amd64,linux/arm64
PUSH ?=
VERSION = $(shell node -p 'require("./package.json").version')
BUILDX ?= docker buildx
comma := ,

.DEFAULT_GOAL := help
.PHONY: help demo test check test-unit test-contract test-interop test-e2e fuzz chaos soak bench crds bundle image

help: ## list the tasks
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

demo: ## set up, then the tour: a cluster, a LAN and a client on this machine
	@scripts/setup.sh demo
	@$(RUN) cli/herald.ts playground demo

test: ## set up, then checks and every test; ends with "N passed, N failed"
	@scripts/setup.sh test
	@$(RUN) scripts/test.ts

check: ## types, lint, format, unused code, direction of imports
	@scripts/setup.sh demo
	@$(RUN) scripts/test.ts check

test-unit: ## tests beside the code
	@$(RUN) scripts/test.ts unit

test-contract: ## the embedded API server against a real one's answers, kubectl and Helm
	@$(RUN) scripts/test.ts contract

test-interop: ## real routers and a real network stack
	@$(RUN) scripts/test.ts interop

test-e2e: ## the whole product in the playground
	@$(RUN) scripts/test.ts e2e

fuzz: ## a million mutated inputs per decoder
	@npm run -s fuzz

chaos: ## every scenario of the heartbeat protocol, 1000 seeds each, in virtual time
	@npm run -s chaos

soak: ## 30 minutes of loss and stalls with real processes: no takeover without cause
	@npm run -s soak

bench: ## list the benchmarks; run one with: npm run bench -- NAME
	@$(RUN) bench/main.ts

crds: ## write the CRDs, their chart copies and the reference pages
	@npm run -s crds && npm run -s charts

bundle: ## what the image holds, into dist/
	@npm run -s bundle

image: ## the image for x64 and arm64, into dist/; or IMAGE=registry.example.com/herald PUSH=1: there
	@mkdir -p dist
	$(BUILDX) build --platform $(PLATFORMS) \
	  --build-arg VERSION=$(VERSION) \
	  --build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null || echo unknown) \
	  --build-arg SOURCE_DATE_EPOCH=$(shell git log -1 --format=%ct 2>/dev/null || echo 0) \
	  --tag $(IMAGE):$(VERSION) \
	  --output $(if $(PUSH),type=registry,type=oci$(comma)dest=dist/herald-$(VERSION).oci.tar) .
