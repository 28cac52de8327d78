# liftd: `make help` lists what can be done. The first two commands of a newcomer are `make run` and `make test`.

VERSION   = 0.1
PREFIX    = /usr/local
DESTDIR   =
HTTP_PORT = 8080
MQTT_PORT = 18883
# SAN=address,undefined builds everything with those sanitizers into build/san/.
SAN =

ifeq ($(SAN),)
B = build
else
B = build/san
endif

# Packages whose flags pkg-config knows. Looked up once and only when something is compiled, so that
# `make help` and `make deps` work on a machine that has none of them.
PACKAGES = libuv libpq libmosquitto libmicrohttpd jansson libsodium inih zlib
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)) -lcsv)$(PKG_LIBS)

WARN   = -Wall -Wextra -Wshadow -Wconversion -Werror
HARDEN = -fPIE -fstack-protector-strong -fstack-clash-protection -Wformat -Wformat-security
ifeq ($(SAN),)
HARDEN += -D_FORTIFY_SOURCE=2
SANITIZE =
else
SANITIZE = -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
CFLAGS  = -O2 -g
LDFLAGS = -pie -Wl,-z,relro,-z,now
COMPILE = $(CC) -std=gnu11 $(CFLAGS) $(WARN) $(HARDEN) $(SANITIZE) -MMD -MP
LINK    = $(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS)
DEFINES = -D_GNU_SOURCE= -DLIFTD_VERSION='"$(VERSION)"'

# V=1 shows whole commands.
Q   = $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

# The rooms. PURE ones see no library but msgpack's headers; `make layers` proves it.
INGEST_SHELLS := $(wildcard ingest/subscriber.c ingest/publisher.c)
PURE   := $(filter-out $(INGEST_SHELLS),$(wildcard ingest/*.c alerts/*.c))
SHELLS := $(INGEST_SHELLS) $(filter-out server/main.c,$(wildcard server/*.c))
SIM    := $(wildcard tests/sim/*.c)
UNIT   := $(wildcard tests/unit/test_*.c)
FUZZ   := $(wildcard tests/fuzz/fuzz_*.c)
BENCH  := $(wildcard tests/bench/bench_*.c)

object = $(patsubst %.c,$(B)/obj/%.o,$(1))
unit_programs   = $(patsubst tests/unit/%.c,$(B)/%,$(UNIT))
replay_programs = $(patsubst tests/fuzz/fuzz_%.c,$(B)/replay_%,$(FUZZ))
bench_programs  = $(patsubst tests/bench/%.c,$(B)/%,$(BENCH))
fuzz_programs   = $(patsubst tests/fuzz/fuzz_%.c,build/fuzz/%,$(FUZZ))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help deps all programs console units benches run replay test soak bench fuzz layers install psql clean clean-var

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo "  Variables: HTTP_PORT=$(HTTP_PORT) MQTT_PORT=$(MQTT_PORT) for run; CC=clang; SAN=address,undefined; PREFIX, DESTDIR for install."

deps: ## installs the Debian packages and npm modules that are missing
	@server/ops/deps.sh

all: programs console ## builds liftd, the simulator and the console into build/

programs: $(B)/liftd $(if $(SIM),$(B)/liftsim) $(B)/liftplay

run: ## starts everything on a demo subdistrict, prints address and logins; Ctrl-C stops it
	@server/ops/deps.sh
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@HTTP_PORT=$(HTTP_PORT) MQTT_PORT=$(MQTT_PORT) exec server/ops/run.sh

test: ## runs all tests on real PostgreSQL, mosquitto and Chromium
	@server/ops/deps.sh
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@MAKE="$(MAKE)" tests/run

soak: ## the same with the long versions: full counts, more seeds
	@server/ops/deps.sh
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@MAKE="$(MAKE)" LIFTD_SOAK=1 tests/run

replay: ## sends public histories of real lifts through the real path and checks what comes out
	@server/ops/deps.sh
	@$(MAKE) --no-print-directory -j$$(nproc) programs
	@tests/replay/run

bench: ## prints rates and latencies as ratios of one run
	@server/ops/deps.sh
	@$(MAKE) --no-print-directory -j$$(nproc) all benches
	@tests/bench/run

fuzz: $(fuzz_programs) ## fuzzes each target for FUZZ_SECONDS (60) with clang's libFuzzer
	@for program in $(fuzz_programs); do \
	    name=$$(basename $$program); found=build/fuzz/found/$$name; mkdir -p $$found tests/fuzz/corpus/$$name; \
	    echo "fuzz $$name"; \
	    $$program -max_total_time=$(or $(FUZZ_SECONDS),60) -print_final_stats=1 -artifact_prefix=$$found- \
	        $$found tests/fuzz/corpus/$$name || exit 1; \
	done

layers: $(B)/pure-proof ## proves that the pure rooms need no library and that includes go one way
	@/usr/bin/python3 server/ops/layers

psql: ## opens the database of `make run`
	@test -f var/conninfo || { echo "there is no var/conninfo: 'make run' makes it"; exit 1; }
	@psql "$$(cat var/conninfo)"

clean: ## removes build/ (the data of `make run` stays; `make clean-var` removes that)
	rm -rf build

clean-var: ## removes the data of `make run`: cluster, broker, logins
	@server/ops/broker.sh drop var
	@server/ops/cluster.sh drop var
	rm -rf var

install: all ## installs under PREFIX (/usr/local), with DESTDIR for packagers
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/liftd $(DESTDIR)$(PREFIX)/share/doc/liftd \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)/etc/liftd
	install -m 755 $(B)/liftd $(DESTDIR)$(PREFIX)/bin/liftd
	rm -rf $(DESTDIR)$(PREFIX)/share/liftd/sql $(DESTDIR)$(PREFIX)/share/liftd/console
	cp -R sql $(DESTDIR)$(PREFIX)/share/liftd/sql
	cp -R build/console $(DESTDIR)$(PREFIX)/share/liftd/console
	chmod -R u=rwX,go=rX $(DESTDIR)$(PREFIX)/share/liftd
	install -m 644 README.md server/ops/liftd.ini server/ops/mosquitto.conf.in server/ops/mosquitto.acl \
	    $(DESTDIR)$(PREFIX)/share/doc/liftd
	sed 's|@PREFIX@|$(PREFIX)|g' server/ops/liftd.service.in > $(DESTDIR)$(PREFIX)/lib/systemd/system/liftd.service
	test -e $(DESTDIR)/etc/liftd/liftd.ini || install -m 644 server/ops/liftd.ini $(DESTDIR)/etc/liftd/liftd.ini

# --- objects, archives, programs ------------------------------------------------------------------------

$(call object,$(PURE)): $(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -c $< -o $@

# Everything else may include any library of the house.
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) $(PKG_CFLAGS) $(DEFINES) -c $< -o $@

$(B)/libliftd-pure.a: $(call object,$(PURE))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/libliftd-shells.a: $(call object,$(SHELLS))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

ROOMS = $(B)/libliftd-shells.a $(B)/libliftd-pure.a

$(B)/liftd: $(B)/obj/server/main.o $(ROOMS)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(B)/obj/server/main.o $(ROOMS) $(PKG_LIBS) -lm -o $@

$(B)/liftsim: $(call object,$(SIM)) $(ROOMS)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(call object,$(SIM)) $(ROOMS) $(PKG_LIBS) -lmsgpackc -lm -o $@

# The sender of `make replay`.
$(B)/liftplay: $(B)/obj/tests/replay/send.o
	$(call say,LINK,$@)
	$(Q)$(LINK) $< -lmosquitto -o $@

# The proof: all of the pure archive in one program with the C library alone; one call into a shell or a
# library would be an undefined symbol.
$(B)/pure-proof: $(B)/libliftd-pure.a
	$(call say,PROOF,$@)
	$(Q)echo 'int main(void) { return 0; }' | $(CC) $(SANITIZE) -x c - -x none -Wl,--no-undefined \
	    -Wl,--whole-archive $(B)/libliftd-pure.a -Wl,--no-whole-archive -o $@

units: $(unit_programs) $(replay_programs)

$(unit_programs): $(B)/test_%: $(B)/obj/tests/unit/test_%.o $(ROOMS)
	$(call say,LINK,$@)
	$(Q)$(LINK) $< $(ROOMS) $(PKG_LIBS) -lcmocka -lm -o $@

benches: $(bench_programs)

$(bench_programs): $(B)/bench_%: $(B)/obj/tests/bench/bench_%.o $(ROOMS)
	$(call say,LINK,$@)
	$(Q)$(LINK) $< $(ROOMS) $(PKG_LIBS) -lm -o $@

# A fuzz target with a main() that replays files: what `make test` does with the corpora.
$(replay_programs): $(B)/replay_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay.o $(ROOMS)
	$(call say,LINK,$@)
	$(Q)$(LINK) $< $(B)/obj/tests/fuzz/replay.o $(ROOMS) $(PKG_LIBS) -lm -o $@

# The same target under libFuzzer: all sources at once, since every object needs its instrumentation.
$(fuzz_programs): build/fuzz/%: tests/fuzz/fuzz_%.c $(PURE) $(SHELLS)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)clang -std=gnu11 -O1 -g $(WARN) -fsanitize=fuzzer,address,undefined $(PKG_CFLAGS) $(DEFINES) $^ \
	    $(PKG_LIBS) -lm -o $@

# --- the console ------------------------------------------------------------------------------------------

CONSOLE_SOURCES := $(wildcard server/console/*.json server/console/*.mjs) \
    $(shell find server/console/src server/console/static -type f 2>/dev/null)

console: $(if $(CONSOLE_SOURCES),build/console/index.html)

build/console/index.html: $(CONSOLE_SOURCES) server/console/node_modules/.package-lock.json
	npm --prefix server/console run --silent build

server/console/node_modules/.package-lock.json: server/console/package-lock.json
	npm ci --prefix server/console --no-audit --no-fund
	@touch $@

.SECONDARY:
-include $(patsubst %.o,%.d,$(call object,$(PURE) $(SHELLS) server/main.c $(SIM) $(UNIT) $(FUZZ) $(BENCH) tests/fuzz/replay.c tests/replay/send.c))
