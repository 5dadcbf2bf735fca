# SPDX-License-Identifier: Apache-2.0
# A front door, no build system: BUILD.gn says what is built, tests/run what is tested.
.PHONY: help run test build asan fuzz check soak bench docs format clean packages
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: packages build ## bring a throw-away board up with dockerd, run a container, stay until Ctrl-C
	@tests/sandbox/demo

test: packages ## everything that must pass; last line: N passed, N failed
	@tests/run

build: ## out/edgeinit
	@build/compile plain

asan: ## out/asan/edgeinit, with AddressSanitizer and UBSan
	@build/compile asan

fuzz: ## out/fuzz/fuzz_*, with libFuzzer
	@build/compile fuzz

check: ## static checks alone: format, clang-tidy, cppcheck, shellcheck, lists of sources
	@tests/check

soak: packages build ## kill the daemon 10,000 times, crash a service as often, run 1,000 services; about ten minutes
	@SOAK_KILLS=10000 prove --verbose tests/sandbox/42-survive.t tests/sandbox/43-many.t

bench: packages build ## measure; out/bench.json
	@bench/run

docs: ## rewrite what is generated in docs/
	@build/tables

format: ## rewrite the sources in the project's format
	@find daemon tests/unit tests/fuzz bench -name '*.[ch]' 2>/dev/null | xargs -r clang-format -i
	@find . -name out -prune -o \( -name '*.gn' -o -name '*.gni' \) -print | xargs gn format

clean: ## remove all that was built
	rm -rf out

packages: ## install the packages that are missing
	@build/install-packages
