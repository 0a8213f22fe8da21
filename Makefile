# Waybill's only makefile. `make help` lists what it can do.
#
# Everything built lies in build/$(VARIANT): plain is what runs in production, test adds switches that fault tests
# need, san adds the address and undefined-behaviour sanitizers, fuzz is san by clang for the fuzzers. Generated code lies
# in build/gen for all of them.
# A new service, sandbox, tool or test needs no edit here: a folder or file in the right place is enough.
#
#   common/*.c                   -> libwaybill.a, with the code generated from proto/ and common/queries.sql
#   services/NAME/*.c            -> bin/waybill-NAME
#   deploy/sandbox/NAME/*.c      -> bin/NAME-sandbox
#   tools/NAME.c                 -> bin/waybill-NAME
#   tests/{unit,db,bus}/**/test_X.c  -> tests/...; below services/NAME/ they get that service's objects, without main
#   tests/fuzz/fuzz_X.c          -> tests/fuzz/fuzz_X, in the variant fuzz only

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# What the checks build has the test switches, unless VARIANT says otherwise; all else is plain.
ifneq ($(filter check check-% test chaos chaos-%,$(MAKECMDGOALS)),)
VARIANT ?= test
endif
VARIANT ?= plain
ifeq ($(filter $(VARIANT),plain test san fuzz),)
$(error VARIANT is plain, test, san or fuzz, not "$(VARIANT)")
endif

ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(VARIANT)),$(lastword $(sort $(wildcard /usr/bin/clang-[0-9][0-9]))),gcc)
endif
PYTHON ?= /usr/bin/python3
CLANG_FORMAT ?= clang-format

O   := build/$(VARIANT)
GEN := build/gen

# -- Entry points: they need nothing installed, and build through a second make ---------------------------------------

STACK := $(PYTHON) deploy/local/stack.py
JOBS   = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
ENTRY := help run stop demo logs psql-% test test-compose chaos chaos-control chaos-planted bench fuzz lint format clean install

.PHONY: help run stop demo logs test test-compose chaos chaos-control chaos-planted bench fuzz lint format clean install
.PHONY: all tests fuzzers gen gen-check check check-contract check-db check-bus check-journeys FORCE

install: ## installs the Debian packages that are missing
	@deploy/install.sh

run: install ## builds and starts everything, prints addresses and keys; COPIES=2 PORTS=8080,8081,8082
	@$(MAKE) --no-print-directory $(JOBS) VARIANT=$(VARIANT) all
	@$(STACK) up --variant $(VARIANT) $(addprefix --copies ,$(COPIES)) $(addprefix --ports ,$(PORTS))

stop: ## stops everything that run started
	@$(STACK) down

demo: ## places, pays and ships an order in the running stack
	@$(PYTHON) tools/demo.py

logs: ## follows the logs of the running stack
	@$(STACK) logs --follow

psql-%: ## a psql session as one service: make psql-order
	@$(STACK) psql $*

test: ## from nothing: installs, builds and runs every test; the last line counts them
	@deploy/install.sh test
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory $(JOBS) VARIANT=$(VARIANT) all tests
	@$(MAKE) --no-print-directory VARIANT=$(VARIANT) gen-check
	@$(PYTHON) tests/run.py --variant $(VARIANT)

test-compose: ## the journeys against the containers of docker-compose.yml, which it starts, stops and starts again
	@$(PYTHON) tests/compose.py

CHAOS = $(PYTHON) tests/chaos/run.py --variant $(VARIANT)
MINUTES ?= 2
chaos: install ## shoppers among faults, then a judge; MINUTES=2, SEED=7 for the same again, FAULTS=kill,mail for some
	@$(MAKE) --no-print-directory $(JOBS) VARIANT=$(VARIANT) all
	@$(CHAOS) --minutes $(MINUTES) $(addprefix --seed ,$(SEED)) $(addprefix --faults ,$(FAULTS))

chaos-control: install ## sees the judge of chaos find what is broken on purpose
	@$(MAKE) --no-print-directory $(JOBS) VARIANT=$(VARIANT) all
	@$(CHAOS) --control

chaos-planted: install ## breaks the product in several ways, each of which the judge must find; NAMES=outbox-cursor
	@$(MAKE) --no-print-directory $(JOBS) VARIANT=test all
	@$(PYTHON) tests/chaos/planted.py $(NAMES)

bench: install ## orders a second and what they cost, on a stack of its own, with the floor beside it
	@$(PYTHON) tools/bench.py

SECONDS ?= 30
fuzz: ## gives bytes of every kind to what reads them, SECONDS=30 each (clang)
	@deploy/install.sh fuzz
	@$(MAKE) --no-print-directory $(JOBS) VARIANT=fuzz fuzzers
	@tests/fuzz/run.sh build/fuzz/tests/fuzz $(SECONDS)

# Formatting differs between versions of clang-format, so only the version named here judges it.
FORMAT_VERSION := 14
FORMATTED = $(wildcard common/*.[ch] services/*/*.[ch] deploy/sandbox/*/*.[ch] tools/*/*.[ch]) \
            $(shell find tests -name '*.[ch]' 2>/dev/null)

lint: ## checks format and layers
	@if [ -n "$(FORMATTED)" ] && $(CLANG_FORMAT) --version | grep -q 'version $(FORMAT_VERSION)\.'; then \
	     $(CLANG_FORMAT) --dry-run -Werror $(FORMATTED); \
	 else echo 'lint: format not checked (it needs clang-format $(FORMAT_VERSION) and files)'; fi
	@if [ -x tools/lint-layers.sh ]; then tools/lint-layers.sh; fi

format: ## formats the C code
	@$(CLANG_FORMAT) -i $(FORMATTED)

clean: ## removes what was built, not the state in .waybill
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# -- Everything below is only read when something is built ------------------------------------------------------------

ifneq ($(filter-out $(ENTRY),$(or $(MAKECMDGOALS),$(.DEFAULT_GOAL))),)

# -- Flags ------------------------------------------------------------------------------------------------------------

PACKAGES     := libpq rdkafka yajl libmicrohttpd libulfius libcurl libsodium
TEST_PACKAGE := check
ifneq ($(shell pkg-config --exists $(PACKAGES) $(TEST_PACKAGE) && echo found),found)
$(error some libraries are missing; install them with: make install)
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2 \
            -Wpointer-arith -Wswitch-enum -Wundef -fno-common -Wno-missing-field-initializers
WERROR   ?= 1
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif

# Headers of libraries count as system headers, so that our warnings are about our code.
system_include = $(patsubst -I%,-isystem %,$(1))

CPPFLAGS := -D_GNU_SOURCE -Icommon -I$(GEN) $(call system_include,$(shell pkg-config --cflags $(PACKAGES))) \
            $(addprefix -include ,$(wildcard common/banned.h))
CFLAGS   := -std=gnu11 $(WARNINGS) -g -fPIE -pthread
LDFLAGS  := -pthread -pie -Wl,--as-needed
LDLIBS   := $(shell pkg-config --libs $(PACKAGES)) -lzint -lm

HARDENED_CFLAGS  := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
HARDENED_LDFLAGS := -Wl,-z,relro,-z,now

ifeq ($(VARIANT),san)
CPPFLAGS += -DWAYBILL_TEST_SWITCHES
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The sanitizers' own code confuses this warning, so here it only warns.
CFLAGS   += -O1 $(SANITIZE) -U_FORTIFY_SOURCE -Wno-error=maybe-uninitialized
LDFLAGS  += $(SANITIZE)
else ifeq ($(VARIANT),fuzz)
SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS   += -O1 $(SANITIZE) -U_FORTIFY_SOURCE
LDFLAGS  += $(SANITIZE)
else
CFLAGS   += $(HARDENED_CFLAGS)
LDFLAGS  += $(HARDENED_LDFLAGS)
endif
ifeq ($(VARIANT),test)
CPPFLAGS += -DWAYBILL_TEST_SWITCHES
endif

TEST_CPPFLAGS := -Itests/support $(call system_include,$(shell pkg-config --cflags $(TEST_PACKAGE)))
TEST_LDLIBS   := $(shell pkg-config --libs $(TEST_PACKAGE))

# -- Sources ----------------------------------------------------------------------------------------------------------

SERVICES  := $(sort $(patsubst services/%/,%,$(dir $(wildcard services/*/*.c))))
SANDBOXES := $(sort $(patsubst deploy/sandbox/%/,%,$(dir $(wildcard deploy/sandbox/*/*.c))))
TOOLS     := $(sort $(patsubst tools/%/,%,$(dir $(wildcard tools/*/*.c))))
TESTS     := $(patsubst %.c,%,$(shell find tests/unit tests/db tests/bus -name 'test_*.c' 2>/dev/null | sort))

objects = $(patsubst %.c,$(O)/%.o,$(1))

# Folders with statements or migrations, and the name of the code generated from each: build/gen/NAME/queries.h ...
SQL_HOMES   := common services/* deploy/sandbox/* tools/*
SQL_FOLDERS := $(sort $(patsubst %/queries.sql,%,$(wildcard $(SQL_HOMES:=/queries.sql))) \
                      $(patsubst %/schema,%,$(wildcard $(SQL_HOMES:=/schema))))
sql_name     = $(notdir $(1))$(if $(filter deploy/sandbox/%,$(1)),-sandbox)
sql_outputs  = $(addprefix $(GEN)/$(call sql_name,$(1))/,queries.h queries.c schema.c)
sql_objects  = $(if $(filter $(1),$(SQL_FOLDERS)),$(addprefix $(O)/gen/$(call sql_name,$(1))/,queries.o schema.o))
SQL_OUTPUTS := $(foreach folder,$(SQL_FOLDERS),$(call sql_outputs,$(folder)))

# All objects of a folder: its own files and those generated from its statements.
folder_objects = $(call objects,$(wildcard $(1)/*.c)) $(call sql_objects,$(1))

# -- Generated code ---------------------------------------------------------------------------------------------------

# The folders are prerequisites too, so that a file that went away counts as a change.
define SQL_RULE
$(call sql_outputs,$(1)) &: $(wildcard $(1)/queries.sql $(1)/schema $(1)/schema/*.sql) tools/sqlgen.py
	@mkdir -p $(GEN)/$(call sql_name,$(1))
	$(PYTHON) tools/sqlgen.py $(1)/queries.sql $(1)/schema -o $(GEN)/$(call sql_name,$(1))
	@touch $(call sql_outputs,$(1))
endef
$(foreach folder,$(SQL_FOLDERS),$(eval $(call SQL_RULE,$(folder))))

# Which files come out of proto/ is known only after the generator ran. So this list is a makefile itself: make brings
# it up to date, running the generator, before it reads on.
include $(GEN)/proto.mk
$(GEN)/proto.mk: $(shell find proto 2>/dev/null) $(wildcard tools/protogen.py tools/protolib/*.py)
	@mkdir -p $(GEN)/proto
	$(if $(and $(wildcard proto),$(wildcard tools/protogen.py)),$(PYTHON) tools/protogen.py proto -o $(GEN)/proto)
	@echo "PROTO_SOURCES := $$(find $(GEN)/proto -name '*.c' | sort | tr '\n' ' ')" > $@

gen: $(SQL_OUTPUTS) ## generates code from proto/ and the queries

gen-check: gen ## checks that generated documents are the committed ones
	$(if $(wildcard proto),$(PYTHON) tools/protogen.py proto --check)
	@if [ -x tools/gen-check.sh ]; then tools/gen-check.sh $(VARIANT); fi

# -- Objects ----------------------------------------------------------------------------------------------------------

# Other flags mean another build.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CPPFLAGS)' | cmp -s - $@ || \
	 echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CPPFLAGS)' > $@

COMPILE = @mkdir -p $(@D); echo '  CC    $<'; $(CC) $(CPPFLAGS) $(EXTRA_CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
LINK    = @mkdir -p $(@D); echo '  LINK  $@'; $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
          $(LDLIBS)

$(O)/%.o: %.c $(O)/flags | $(SQL_OUTPUTS)
	$(COMPILE)

$(O)/gen/%.o: $(GEN)/%.c $(O)/flags | $(SQL_OUTPUTS)
	$(COMPILE)

# The folder that a test mirrors, when it is one with a program: tests/unit/services/order/... -> services/order. Such a
# test includes that folder's headers by their short names, as the program does.
PROGRAM_FOLDERS := $(addprefix services/,$(SERVICES)) $(addprefix deploy/sandbox/,$(SANDBOXES))
mirrored = $(filter $(PROGRAM_FOLDERS),$(foreach kind,unit db bus,$(patsubst tests/$(kind)/%/,%,$(dir $(1)))))
$(O)/tests/%.o: EXTRA_CPPFLAGS = $(TEST_CPPFLAGS) $(addprefix -I,$(call mirrored,$<))

# -- Libraries and programs -------------------------------------------------------------------------------------------

LIBRARY         := $(O)/libwaybill.a
LIBRARY_OBJECTS := $(call folder_objects,common) $(patsubst $(GEN)/%.c,$(O)/gen/%.o,$(PROTO_SOURCES))
SUPPORT         := $(O)/libsupport.a
SUPPORT_OBJECTS := $(call objects,$(wildcard tests/support/*.c))

$(LIBRARY): $(LIBRARY_OBJECTS)
$(SUPPORT): $(SUPPORT_OBJECTS)
$(LIBRARY) $(SUPPORT):
	@mkdir -p $(@D); rm -f $@; echo '  AR    $@'
	@ar rcs $@ $^

SERVICE_PROGRAMS := $(addprefix $(O)/bin/waybill-,$(SERVICES))
SANDBOX_PROGRAMS := $(patsubst %,$(O)/bin/%-sandbox,$(SANDBOXES))
TOOL_PROGRAMS    := $(addprefix $(O)/bin/waybill-,$(TOOLS))
PROGRAMS         := $(SERVICE_PROGRAMS) $(SANDBOX_PROGRAMS) $(TOOL_PROGRAMS)
TEST_PROGRAMS    := $(addprefix $(O)/,$(TESTS))

$(foreach name,$(SERVICES),$(eval $(O)/bin/waybill-$(name): $(call folder_objects,services/$(name))))
$(foreach name,$(SANDBOXES),$(eval $(O)/bin/$(name)-sandbox: $(call folder_objects,deploy/sandbox/$(name))))
$(foreach name,$(TOOLS),$(eval $(O)/bin/waybill-$(name): $(call folder_objects,tools/$(name))))

$(foreach test,$(TESTS),$(eval $(O)/$(test): $(O)/$(test).o \
    $(foreach folder,$(call mirrored,$(test)),$(filter-out %/main.o,$(call folder_objects,$(folder))))))
$(TEST_PROGRAMS): $(SUPPORT)
$(TEST_PROGRAMS): LDLIBS += $(TEST_LDLIBS)

$(PROGRAMS) $(TEST_PROGRAMS): $(LIBRARY)
	$(LINK)

# The fuzzers take their main function from clang.
FUZZERS := $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_*.c))
$(FUZZERS): LDFLAGS += -fsanitize=fuzzer
$(FUZZERS): %: %.o $(LIBRARY)
	$(LINK)

fuzzers: $(FUZZERS)

all: $(LIBRARY) $(PROGRAMS) ## builds every program (default); VARIANT=plain, test or san

tests: $(TEST_PROGRAMS) ## builds every test program
	@:

# -- Checks -----------------------------------------------------------------------------------------------------------

RUN_TESTS := $(PYTHON) tests/run.py --variant $(VARIANT)

check: $(filter $(O)/tests/unit/%,$(TEST_PROGRAMS)) ## runs the unit tests; FILTER=text picks some
	@$(RUN_TESTS) unit $(addprefix --filter ,$(FILTER))

check-contract: ## judges proto/ by public validators
	@$(RUN_TESTS) contract $(addprefix --filter ,$(FILTER))

check-db: $(filter $(O)/tests/db/%,$(TEST_PROGRAMS)) ## runs the tests that need PostgreSQL
	@$(RUN_TESTS) db $(addprefix --filter ,$(FILTER))

check-bus: $(filter $(O)/tests/bus/%,$(TEST_PROGRAMS)) ## runs the tests that need Kafka
	@$(RUN_TESTS) bus $(addprefix --filter ,$(FILTER))

check-journeys: all ## runs whole journeys through every process
	@$(RUN_TESTS) journeys $(addprefix --filter ,$(FILTER))

ALL_OBJECTS := $(sort $(LIBRARY_OBJECTS) $(SUPPORT_OBJECTS) $(foreach name,$(TOOLS),$(call folder_objects,tools/$(name))) $(TEST_PROGRAMS:=.o) $(FUZZERS:=.o) \
                      $(foreach folder,$(PROGRAM_FOLDERS),$(call folder_objects,$(folder))))
.SECONDARY: $(ALL_OBJECTS)
-include $(ALL_OBJECTS:.o=.d)

endif
