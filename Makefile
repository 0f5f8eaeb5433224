# SPDX-License-Identifier: MIT
#
# Every target says what it does in the text after "##"; `make` with no target builds, `make help` lists them.
# What a target needs is installed by scripts/prepare: npm packages always, Debian packages when run as root;
# otherwise it names what is missing.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS   += --no-builtin-rules

PREFIX  ?= /usr/local
DESTDIR ?=

BIN := node_modules/.bin

# --- the launcher ---------------------------------------------------------------------------------------------------

# Static musl starts fastest and is smallest; static glibc does where musl-gcc is missing.
MUSL := $(shell command -v musl-gcc)
TRIPLET := $(shell gcc -dumpmachine)
LAUNCHER_CC ?= $(if $(MUSL),$(MUSL) -idirafter /usr/include -idirafter /usr/include/$(TRIPLET),gcc)
LAUNCHER_CFLAGS := -std=c11 -Os -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
  -Wmissing-prototypes -Wformat=2 -Wvla -Werror -D_FORTIFY_SOURCE=2 -fstack-protector-strong
LAUNCHER_SOURCES := $(wildcard launcher/*.c)
LAUNCHER_HEADERS := $(wildcard launcher/*.h)
C_FILES := $(LAUNCHER_SOURCES) $(LAUNCHER_HEADERS) $(wildcard pump/*.[ch]) \
  $(wildcard tests/launcher/*.[ch] tests/setup/*.[ch] tests/pump/*.[ch] tests/pump/*/*.[ch]) \
  $(wildcard tests/bench/*.[ch] tests/e2e/*/*.[ch])

# --- the pump -------------------------------------------------------------------------------------------------------

# It is loaded into Node, so it is built for the C library of the system, and takes OpenSSL from Node itself.
PUMP_CC ?= gcc
PUMP_CFLAGS := $(filter-out -Os,$(LAUNCHER_CFLAGS)) -O2 -fPIC -fvisibility=hidden -pthread
# ring.c is for tests.
PUMP_SOURCES := $(filter-out pump/ring.c,$(wildcard pump/*.c))
PUMP_HEADERS := $(wildcard pump/*.h)

SHELL_FILES := $(shell find tests -name '*.sh')

# --- the bundles ------------------------------------------------------------------------------------------------

TS_FILES := $(shell find src -name '*.ts')
# CommonJS, although the sources aren't: Node's loader of ES modules costs a start some 20 ms more. So import() becomes
# require() too.
ESBUILD := $(BIN)/esbuild --bundle --platform=node --target=node20.19 --format=cjs --external:ffi-rs \
  --supported:dynamic-import=false --define:import.meta.dirname=__dirname --define:import.meta.filename=__filename --log-level=warning

.PHONY: all launcher pump bundles
all: launcher pump bundles ## build the launcher, the pump and what Node runs (default)
launcher: bin/wg-wrap
pump: lib/wg-wrap/libwgpump.so
bundles: lib/wg-wrap/controller.js lib/wg-wrap/engine.js lib/wg-wrap/controller.code lib/wg-wrap/engine.code \
  lib/wg-wrap/package.json lib/library/library.js lib/library/types/library.d.ts

bin/wg-wrap: $(LAUNCHER_SOURCES) $(LAUNCHER_HEADERS) Makefile
	@mkdir -p bin
	@echo 'cc $@'
	@$(LAUNCHER_CC) -static $(LAUNCHER_CFLAGS) $(LAUNCHER_SOURCES) -o $@.new
	chmod 755 $@.new
	mv $@.new $@

lib/wg-wrap/libwgpump.so: $(PUMP_SOURCES) $(PUMP_HEADERS) Makefile
	@mkdir -p lib/wg-wrap
	@echo 'cc $@'
	@$(PUMP_CC) -shared $(PUMP_CFLAGS) -Wl,-z,defs,-z,relro,-z,now $(PUMP_SOURCES) -o $@.new
	mv $@.new $@
# The same steps between memory and memory, for the simulations.
build/libwgpump-ring.so: $(PUMP_SOURCES) pump/ring.c $(PUMP_HEADERS) Makefile
	@mkdir -p build
	@echo 'cc $@'
	@$(PUMP_CC) -shared $(PUMP_CFLAGS) -Wl,-z,defs $(PUMP_SOURCES) pump/ring.c -o $@.new
	mv $@.new $@

lib/wg-wrap/controller.program.js: node_modules/.package-lock.json $(TS_FILES) Makefile
	@echo 'esbuild $@'
	@$(ESBUILD) src/cli/main.ts --outfile=$@
lib/wg-wrap/engine.program.js: node_modules/.package-lock.json $(TS_FILES) Makefile
	@echo 'esbuild $@'
	@$(ESBUILD) src/engine/main.ts --outfile=$@
# What Node is started with, and V8's code for the programs (src/loader).
lib/wg-wrap/controller.js lib/wg-wrap/engine.js: node_modules/.package-lock.json $(wildcard src/loader/*.ts) Makefile
	@echo 'esbuild $@'
	@$(ESBUILD) src/loader/main.ts --outfile=$@
build/loader/compile.cjs: node_modules/.package-lock.json $(wildcard src/loader/*.ts) Makefile
	@$(ESBUILD) src/loader/compile.ts --outfile=$@
lib/wg-wrap/%.code: lib/wg-wrap/%.program.js build/loader/compile.cjs
	@echo 'compile $@'
	@node build/loader/compile.cjs $< $@.new
	@mv $@.new $@
# What embedders import; its packages stay packages, for they have them anyway.
lib/library/library.js: node_modules/.package-lock.json $(TS_FILES)
	@echo 'esbuild $@'
	@$(BIN)/esbuild src/library.ts --bundle --platform=neutral --format=esm --target=es2023 --packages=external \
	  --log-level=warning --outfile=$@
# Types only: `make types` checks the same sources.
lib/library/types/library.d.ts: node_modules/.package-lock.json $(TS_FILES)
	@echo 'tsc $@'
	@$(BIN)/tsc src/library.ts --ignoreConfig --declaration --emitDeclarationOnly --noCheck --strict \
	  --isolatedDeclarations --target es2023 --module nodenext --rewriteRelativeImportExtensions \
	  --rootDir src --outDir lib/library/types
lib/wg-wrap/package.json: package.json Makefile
	@mkdir -p lib/wg-wrap
	@node -p 'JSON.stringify({ type: "commonjs", version: require("./package.json").version })' > $@

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

# --- the main job, shown --------------------------------------------------------------------------------------------

.PHONY: demo
demo: ## run a command over WireGuard against an embedded peer, from nothing
	scripts/prepare demo
	$(MAKE) --no-print-directory all
	scripts/demo

# --- checks ---------------------------------------------------------------------------------------------------------

.PHONY: check fmt fmt-check lint tidy fuzz types unit sim differential property launcher-tests pump-tests e2e e2e-typescript e2e-long interop interop-typescript interop-wireguard-go interop-wireguard-go-typescript interop-kernel interop-kernel-typescript test
check: fmt-check lint tidy types unit sim differential property ## everything fast: before each commit

fmt: ## format all sources
	$(BIN)/prettier --write --log-level=warn .
	clang-format -i $(C_FILES)

fmt-check: node_modules/.package-lock.json ## fail if a source is not formatted
	$(BIN)/prettier --check --log-level=warn .
	@clang-format --dry-run --Werror $(C_FILES)

lint: node_modules/.package-lock.json ## typed lint, gcc's analyzer, shellcheck, the man page
	$(BIN)/eslint --max-warnings 0 .
	@printf '%s\n' $(LAUNCHER_SOURCES) | \
	  xargs -P "$$(nproc)" -I '{}' gcc -c $(LAUNCHER_CFLAGS) -fanalyzer '{}' -o /dev/null
	@printf '%s\n' $(PUMP_SOURCES) | xargs -P "$$(nproc)" -I '{}' $(PUMP_CC) -c $(PUMP_CFLAGS) -fanalyzer '{}' -o /dev/null
	shellcheck scripts/prepare scripts/demo $(SHELL_FILES) .ci/run
	mandoc -T lint -W warning docs/wg-wrap.1

# Which checks, and why not the others: .clang-tidy. A file is looked at again when it or a header has changed.
tidy: ## clang-tidy on the launcher and the pump
	@$(MAKE) --silent --no-print-directory -j"$$(nproc)" \
	  $(patsubst %.c,build/tidy/%.ok,$(LAUNCHER_SOURCES) $(wildcard pump/*.c))
build/tidy/launcher/%.ok: launcher/%.c $(LAUNCHER_HEADERS) .clang-tidy
	$(TIDY)
build/tidy/pump/%.ok: pump/%.c $(PUMP_HEADERS) .clang-tidy
	$(TIDY)
# On stderr it counts what is in the system's headers, too.
define TIDY
@mkdir -p $(@D)
@clang-tidy --quiet $< -- -std=c11 -D_GNU_SOURCE 2> >(grep -v ' generated\.$$' >&2 || true)
@touch $@
endef

types: node_modules/.package-lock.json ## compile without output
	$(BIN)/tsc -p .

unit: node_modules/.package-lock.json launcher-tests pump-tests ## unit tests, TypeScript and C
	$(BIN)/vitest run tests/unit

# For as long as SECONDS says, each; with clang. What is found is looked at as each script says.
SECONDS ?= 180
fuzz: ## libFuzzer on every parser of the launcher's, and on both directions of the pump
	tests/launcher/fuzz.sh $(SECONDS)
	tests/pump/fuzz.sh $(SECONDS)

launcher-tests:
	tests/launcher/run.sh
	tests/setup/run.sh

pump-tests:
	tests/pump/run.sh

sim: node_modules/.package-lock.json ## two cores, a bad network, a virtual clock; then again with a model of the pump
	$(BIN)/vitest run tests/sim
	WG_WRAP_SIM_PUMP_READ_MS=0 $(BIN)/vitest run tests/sim

# The counter's limits are other numbers in that test, and the pump's are its own (tests/pump/test_tx.c).
differential: node_modules/.package-lock.json build/libwgpump-ring.so ## the core with the pump: packet by packet, then the simulations
	$(BIN)/vitest run --config tests/differential/vitest.config.ts
	WG_WRAP_TEST_HALVES=off $(BIN)/vitest run --config tests/differential/vitest.config.ts
	WG_WRAP_SIM_PUMP_READ_MS=0 WG_WRAP_SIM_PUMP=ring $(BIN)/vitest run tests/sim --exclude tests/sim/counter-limit.test.ts

property: node_modules/.package-lock.json ## random inputs, fixed invariants
	$(BIN)/vitest run tests/property

e2e: all ## the product as an ordinary user against Debian's wireguard-go
	$(BIN)/vitest run --config tests/e2e/vitest.config.ts

interop: all ## wg-wrap device and the control socket against wg, wg-quick and wireguard-go
	$(BIN)/vitest run --config tests/interop/device/vitest.config.ts

interop-typescript: all ## as interop, with WG_WRAP_PUMP=off
	WG_WRAP_PUMP=off $(BIN)/vitest run --config tests/interop/device/vitest.config.ts

interop-wireguard-go: all ## the product against wireguard-go: roles, keys, families, changes, cookies
	$(BIN)/vitest run --config tests/interop/wireguard-go/vitest.config.ts

# Every test runs, those of the pump with it: they say so themselves.
e2e-typescript: all ## as e2e, with WG_WRAP_PUMP=off
	WG_WRAP_PUMP=off $(BIN)/vitest run --config tests/e2e/vitest.config.ts

interop-wireguard-go-typescript: all ## as interop-wireguard-go, with WG_WRAP_PUMP=off
	WG_WRAP_PUMP=off $(BIN)/vitest run --config tests/interop/wireguard-go/vitest.config.ts

interop-kernel: all ## the product against the kernel's WireGuard, in a virtual machine
	scripts/prepare interop-kernel
	$(BIN)/vitest run --config tests/interop/kernel/vitest.config.ts

interop-kernel-typescript: all ## as interop-kernel, with WG_WRAP_PUMP=off
	scripts/prepare interop-kernel
	WG_WRAP_PUMP=off $(BIN)/vitest run --config tests/interop/kernel/vitest.config.ts

e2e-long: all ## rekeys in real time: several minutes
	WG_WRAP_TEST_LONG=1 $(BIN)/vitest run --config tests/e2e/vitest.config.ts

test: ## everything, from nothing
	scripts/prepare test
	$(MAKE) --no-print-directory all
	$(MAKE) --no-print-directory check
	$(MAKE) --no-print-directory e2e
	$(MAKE) --no-print-directory interop
	$(MAKE) --no-print-directory interop-wireguard-go
	$(MAKE) --no-print-directory e2e-typescript
	$(MAKE) --no-print-directory interop-typescript
	$(MAKE) --no-print-directory interop-wireguard-go-typescript

# --- measuring ------------------------------------------------------------------------------------------------------

.PHONY: bench bench-start bench-pump
# BENCH='--rows tcp,udp-64 --repetitions N --seconds N --soak N --json FILE --svg FILE --wireguard-go PATH'
bench: all ## how fast packets go, beside wireguard-go and no encryption; as root
	scripts/prepare bench
	@$(BIN)/esbuild tests/bench/data.ts --bundle --platform=node --target=node20.19 --format=esm \
	  --packages=external --log-level=warning --outfile=build/bench/data.js
	node build/bench/data.js --repository . --json build/bench/data.json \
	  --wireguard-go "$$(ls build/debian13/usr/bin/wireguard-go 2>/dev/null || echo wireguard-go)" $(BENCH)

# BENCH='--json FILE --pairs N --repetitions N --prefix DIR --prefix DIR ...'
bench-start: all ## how long joining a tunnel and making one take; as root
	@$(BIN)/esbuild tests/bench/start.ts --bundle --platform=node --target=node20.19 --format=esm \
	  --packages=external --log-level=warning --outfile=build/bench/start.js
	node build/bench/start.js --repository . $(BENCH)

bench-pump: build/bench/pump-end ## the pump alone between a TUN and a socket, to be looked at with perf(1)
build/bench/pump-end: tests/pump/bench/end.c $(PUMP_SOURCES) $(PUMP_HEADERS) Makefile
	@mkdir -p build/bench
	@echo 'cc $@'
	@$(PUMP_CC) $(PUMP_CFLAGS) -g -Ipump $< $(PUMP_SOURCES) -o $@.new
	mv $@.new $@

# --- installing -----------------------------------------------------------------------------------------------------

.PHONY: install uninstall clean help
install: all ## install under PREFIX (default /usr/local), staged in DESTDIR
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/wg-wrap/node_modules/@yuuang' \
	  '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 0755 bin/wg-wrap '$(DESTDIR)$(PREFIX)/bin/wg-wrap'
	ln -sf wg-wrap '$(DESTDIR)$(PREFIX)/bin/wg-wrap-device'
	install -m 0644 lib/wg-wrap/*.js lib/wg-wrap/*.code lib/wg-wrap/package.json '$(DESTDIR)$(PREFIX)/lib/wg-wrap/'
	install -m 0755 lib/wg-wrap/libwgpump.so '$(DESTDIR)$(PREFIX)/lib/wg-wrap/'
	cp -R --no-preserve=ownership node_modules/ffi-rs '$(DESTDIR)$(PREFIX)/lib/wg-wrap/node_modules/'
	cp -R --no-preserve=ownership node_modules/@yuuang/ffi-rs-linux-* \
	  '$(DESTDIR)$(PREFIX)/lib/wg-wrap/node_modules/@yuuang/'
	chmod -R a+rX '$(DESTDIR)$(PREFIX)/lib/wg-wrap'
	install -m 0644 docs/wg-wrap.1 '$(DESTDIR)$(PREFIX)/share/man/man1/wg-wrap.1'

uninstall: ## remove what install put there
	rm -rf '$(DESTDIR)$(PREFIX)/lib/wg-wrap'
	rm -f '$(DESTDIR)$(PREFIX)/bin/wg-wrap' '$(DESTDIR)$(PREFIX)/bin/wg-wrap-device' \
	  '$(DESTDIR)$(PREFIX)/share/man/man1/wg-wrap.1'

clean: ## remove what was built; node_modules stays
	rm -rf bin lib build

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 34
