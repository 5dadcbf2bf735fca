# SPDX-License-Identifier: Apache-2.0
# A front door, no build system: BUILD.gn says what is built, tests/run what is tested.
.PHONY: help run test build asan fuzz check bench format clean packages
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

bench: packages build ## measure; out/bench.json
	@bench/run

format: ## rewrite the sources in the project's format
	@find daemon tests/unit tests/fuzz bench -name '*.[ch]' 2>/dev/null | xargs -r clang-format -i
	@find . -name out -prune -o \( -name '*.gn' -o -name '*.gni' \) -print | xargs gn format

clean: ## remove all that was built
	rm -rf out

packages: ## install the packages that are missing
	@build/install-packages
