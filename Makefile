# SPDX-License-Identifier: Apache-2.0
# A front door, no build system: BUILD.gn says what is built, tests/run what is tested.
.PHONY: help run test test-long build asan fuzz check soak bench docs format clean packages board board-test board-files dist
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 17

run: packages build ## bring a throw-away board up with dockerd, run a container, stay until Ctrl-C
	@tests/sandbox/demo

test: packages ## everything that must pass; last line: N passed, N failed
	@tests/run

test-long: packages board-files ## the same in the long forms, and all tests on the virtual board; an hour and a half
	@TEST_LONG=1 tests/run
	@prove --verbose tests/board

board: packages board-files ## boot a virtual DAYU200 (arm64, kernel 5.10, f2fs, SELinux), run a container, give a shell
	@tests/board/demo

board-test: packages board-files ## all tests on the virtual board; half an hour
	@prove --verbose tests/board

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
	@build/compile static-$$(uname -m)
	@bench/run

dist: packages ## out/dist: fully static, for boards of aarch64, arm and x86_64, with an install script
	@build/dist

docs: ## rewrite what is generated in docs/
	@build/tables

format: ## rewrite the sources in the project's format
	@find daemon sa tests/unit tests/fuzz tests/openharmony bench \( -name '*.[ch]' -o -name '*.cpp' \) 2>/dev/null | xargs -r clang-format -i
	@find . -name out -prune -o \( -name '*.gn' -o -name '*.gni' \) -print | xargs gn format

clean: ## remove all that was built
	rm -rf out

board-files:
	@build/compile arm64
	@build/compile arm
	@tests/board/make

packages: ## install the packages that are missing
	@build/install-packages
