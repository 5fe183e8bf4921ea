# Verbs for people. On Debian each verb first installs the packages that it lacks (.ci/packages),
# so that a fresh system needs nothing but make. CMake does the building: see CMakePresets.json.

PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= $(shell nproc)

# Warnings are errors where nobody would read them.
WERROR := $(if $(filter true 1,$(CI)),ON,OFF)

ROOMS      := runtime jobs cli
find_cpp    = find $(1) -name '*.cc' -o -name '*.h' | sort
# Tests start make and gorun themselves and must not meet this make's job server.
ctest       = env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL ctest --preset $(1) -j $(JOBS)

.DEFAULT_GOAL := help
# The tools below use every core themselves.
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1 \2/p' $(MAKEFILE_LIST) | \
	  while read -r make verb text; do printf '  make %-13s %s\n' "$$verb" "$$text"; done

# --- build -------------------------------------------------------------------------------------

.PHONY: need-% build
need-%:
	@.ci/packages $(subst -, ,$*)

# Configured once per preset and WERROR; afterwards ninja itself re-runs CMake when a list changes.
build/%/werror-$(WERROR): CMakePresets.json
	cmake --preset $* -DGORUN_WERROR=$(WERROR)
	@rm -f build/$*/werror-* && touch $@

build: need-build build/release/werror-$(WERROR)  ## release build: build/release/gorun
	@cmake --build --preset release -j $(JOBS)

.PHONY: run
run: build  ## build, then hash, count and run real things: start here
	@.ci/tour build/release/gorun

.PHONY: install uninstall clean
install: build  ## put gorun in PREFIX/bin (PREFIX=/usr/local, DESTDIR=)
	DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

uninstall:  ## remove it from there
	rm -f "$(DESTDIR)$(PREFIX)/bin/gorun"

clean:  ## remove build/
	rm -rf build

# --- tests -------------------------------------------------------------------------------------

.PHONY: test asan tsan soak stress model examples bench bench-hash bench-exec bench-jobs bench-http bench-mapreduce bench-runtime
test: need-build-test build/dev/werror-$(WERROR)  ## build with assertions and run every test
	@cmake --build --preset dev -j $(JOBS)
	@$(call ctest,dev)

SECONDS ?= 60
stress: need-build-test build/dev/werror-$(WERROR)  ## random operations under jitter (SECONDS=60)
	@cmake --build --preset dev -j $(JOBS) --target gorun_runtime_tests
	@for jitter in 0 1 2; do \
	  echo "jitter $$jitter"; \
	  GORUN_STRESS_SECONDS=$$(($(SECONDS) / 3)) \
	    sh -c 'test $$0 = 0 || export GORUN_JITTER=$$0; exec build/dev/tests/gorun_runtime_tests \
	      --test-suite="stress/*"' $$jitter || exit 1; done

model: need-model  ## check the models of the scheduler's protocols exhaustively (spin)
	@tests/model/run.sh

asan: need-build-test-sanitizers build/asan/werror-$(WERROR)  ## the tests under AddressSanitizer and UBSan
	@cmake --build --preset asan -j $(JOBS)
	@$(call ctest,asan) -LE slow

tsan: need-build-test-sanitizers build/tsan/werror-$(WERROR)  ## the tests under ThreadSanitizer
	@cmake --build --preset tsan -j $(JOBS)
	@$(call ctest,tsan) -LE slow

TIMES ?= 20
soak: need-build-test-sanitizers build/asan/werror-$(WERROR) build/tsan/werror-$(WERROR)  ## the tests TIMES=20 in a row under both
	@cmake --build --preset asan -j $(JOBS)
	@cmake --build --preset tsan -j $(JOBS)
	@.ci/soak $(TIMES) tsan asan

PRESET ?= release
examples: need-build build/$(PRESET)/werror-$(WERROR)  ## run every example, compare it with its expected.txt
	@cmake --build --preset $(PRESET) -j $(JOBS) --target gorun
	@.ci/examples build/$(PRESET)/gorun

bench: build  ## compare with coreutils under xargs on /usr/include
	@.ci/bench build/release/gorun

bench-hash: need-build-test-hash  ## hashing against sha256sum, openssl, b3sum, hashdeep, xxhsum and the floor
	@cmake --preset release -B build/bench -DGORUN_TESTS=ON > build/bench.log 2>&1 && \
	  cmake --build build/bench -j $(JOBS) --target gorun hash_floor >> build/bench.log 2>&1 || \
	  { cat build/bench.log; exit 1; }
	@tests/bench/bench_hash.py build/bench $(CORPORA)

bench-exec: need-build-test-exec  ## running commands against the floor, xargs, parallel, make, ninja, xjobs
	@cmake --preset release -B build/bench -DGORUN_TESTS=ON > build/bench.log 2>&1 || \
	  { cat build/bench.log; exit 1; }
	@cmake --build build/bench -j $(JOBS) --target gorun exec_floor exec_bare exec_measure
	@tests/bench/bench_exec.py build/bench

bench-jobs: need-build-test  ## what an item costs: five native operators, a channel; 10 M items in constant memory
	@cmake --preset release -B build/bench -DGORUN_TESTS=ON > build/bench.log 2>&1 && \
	  cmake --build build/bench -j $(JOBS) --target jobs_bench >> build/bench.log 2>&1 || \
	  { cat build/bench.log; exit 1; }
	@build/bench/tests/bench/jobs_bench chain; chain=$$?; \
	  build/bench/tests/bench/jobs_bench memory && exit $$chain

bench-http: need-build-test-bench-http  ## requests per second of the kind "http", against Go and wrk
	@cmake --preset release -B build/bench -DGORUN_TESTS=ON > build/bench.log 2>&1 && \
	  cmake --build build/bench -j $(JOBS) --target gorun gorun_test_server http_floor >> build/bench.log 2>&1 || \
	  { cat build/bench.log; exit 1; }
	@tests/bench/bench_http.py build/bench/gorun build/bench/tests/gorun_test_server \
	  build/bench/tests/bench/http_floor

bench-mapreduce: need-build-test-mapreduce  ## counting, grouping, searching, sorting against rg, awk, sort, ...
	@cmake --preset release -B build/bench -DGORUN_TESTS=ON > build/bench.log 2>&1 && \
	  cmake --build build/bench -j $(JOBS) --target gorun gorun_make_text mapreduce_floor >> build/bench.log 2>&1 || \
	  { cat build/bench.log; exit 1; }
	@tests/bench/bench_mapreduce.py build/bench $(CORPORA)

bench-runtime: need-build-test-bench  ## the runtime's microbenchmarks, side by side with Go's
	@cmake --preset release -B build/bench -DGORUN_TESTS=ON > build/bench.log 2>&1 || \
	  { cat build/bench.log; exit 1; }
	@tests/bench/bench_runtime.py --build-dir build/bench

# --- style -------------------------------------------------------------------------------------

.PHONY: format check-format layers headers lint check
format: need-format  ## rewrite the sources in the style of .clang-format
	@$(call find_cpp,$(ROOMS) tests) | xargs clang-format-14 -i

check-format: need-format  ## fail if `make format` would change anything
	@$(call find_cpp,$(ROOMS) tests) | xargs clang-format-14 --dry-run -Werror

layers:  ## fail if an #include runs against cli -> jobs -> runtime
	@.ci/layers

headers: need-build-test  ## compile each header by itself
	@find $(ROOMS) tests -name '*.h' | sort | xargs -P $(JOBS) -I{} sh -c \
	  'echo "#include \"{}\"" | g++ -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I. -x c++ - \
	     || { echo "{} does not compile by itself" >&2; exit 1; }'

# Configured anew each time: no build does so when sources come or go.
lint: need-build-lint build/tidy/werror-$(WERROR)  ## clang-tidy over the three rooms
	@cmake --preset tidy > build/tidy/configured.txt
	@sed -n 's/.*"file": "\(.*\)".*/\1/p' build/tidy/compile_commands.json | grep -v '\.S$$' | \
	  xargs -P $(JOBS) -n 1 clang-tidy-14 -p build/tidy --quiet --warnings-as-errors='*' \
	  2> build/tidy/stderr.txt || { grep -v 'warnings\? generated' build/tidy/stderr.txt >&2; exit 1; }

check:  ## everything that CI runs
	@.ci/run
