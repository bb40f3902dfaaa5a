# Every target is one or two commands that can be typed as well.

GO      ?= go
GATEWAY ?= all
SUITE   ?= ...
PROFILE ?= ci
# How many scenarios run beside each other: three in each of two suites are what two cores can do, with four a gateway that is
# slow to start leaves requests waiting. On a busy machine fewer of them keep the client in time.
PARALLEL ?= 3
# How many suites at once, each with so many scenarios. With four, and one gateway after another, the whole of ci took two minutes
# each on two fast cores instead of three, and a client fell behind in 2 scenarios of 6,000.
SUITES_AT_ONCE ?= 2
SEED    ?=
# What is compared, and how often each of them is run, in turns.
OLD     ?=
NEW     ?=
ROUNDS  ?= 5
SOME     = $(if $(filter-out ...,$(SUITE)),--suite $(SUITE))
GIVEN    = $(if $(findstring command,$(origin OUT)),--out $(OUT))
# Expanded once: the scenarios and the report of them must mean the same folder.
OUT     := $(or $(OUT),reports/runs/$(shell date +%Y%m%d-%H%M%S))

# The linter is a Go program like any other: pinned, and built by go itself.
LINT = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help
.PHONY: help demo test suites compare nightly gateways images doctor lint fuzz bench clean

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  make suites GATEWAY=nginx@1.30,stdlib SUITE=idleclose PROFILE=smoke SEED=42"
	@echo "  make compare OLD=nginx@1.26 NEW=nginx@1.30 SUITE=idleclose"

demo: ## the idle-close race through the embedded gateway, before and after the fix; needs Go only
	cd suites/idleclose && $(GO) test -count=1 -parallel=4 -run '^TestRace$$' -bg.gateway=stdlib -bg.keep=always -bg.seed=$(SEED)

test: ## the tests, and one telling scenario for each behaviour on the embedded gateway and, where there is an engine, on nginx
	$(GO) test -race -p 1 -timeout 30m ./harness/... ./fixtures/... ./reports/... ./docs
	@$(GO) run ./harness/cmd/badgateway doctor | grep -q '^ok *container engine' && nginx=,nginx@1.26,nginx@1.30 || \
	  echo "no container engine (make doctor says more): the scenarios run on the embedded gateway only"; \
	$(MAKE) --no-print-directory suites PROFILE=smoke GATEWAY=stdlib$$nginx

suites: ## the scenarios on every gateway that can be had here, or on some
	@BADGATEWAY_OUT=$(OUT) BADGATEWAY_GATEWAY=$(GATEWAY) BADGATEWAY_PROFILE=$(PROFILE) BADGATEWAY_SEED=$(SEED) BADGATEWAY_SANDBOXES=$${BADGATEWAY_SANDBOXES:-run} $(GO) test -p $(SUITES_AT_ONCE) -count=1 -parallel=$(PARALLEL) -timeout 60m ./suites/$(SUITE); \
	status=$$?; $(GO) run ./harness/cmd/badgateway clean >/dev/null; [ ! -d $(OUT) ] || { echo; $(GO) run ./harness/cmd/badgateway report $(OUT); }; exit $$status

compare: ## two gateways or saved runs, OLD and NEW: both in turns, and what is different
	@$(GO) run ./harness/cmd/badgateway compare $(OLD) $(NEW) $(SOME) --profile $(PROFILE) --rounds $(ROUNDS) --parallel $(PARALLEL) $(if $(SEED),--seed $(SEED)) $(GIVEN)

nightly: ## everything, long and strictly, on every gateway or on some; goes on with what was interrupted, and keeps a trend
	@$(GO) run ./harness/cmd/badgateway nightly $(GATEWAY) $(SOME) --parallel $(PARALLEL) $(if $(SEED),--seed $(SEED)) $(GIVEN)

gateways: ## the gateways, how each is had here, and what it can be asked for; fetches nothing
	@$(GO) run ./harness/cmd/badgateway gateways $(GATEWAY)

images: ## pull or build the images now, of every gateway or of some
	@$(GO) run ./harness/cmd/badgateway images $(GATEWAY)

doctor: ## check this machine, and say how to mend what is in the way
	@$(GO) run ./harness/cmd/badgateway doctor

lint: ## formatting, correctness, and the import arrows of the design
	$(LINT) run ./...

fuzz: ## each fuzz target for 20 seconds
	@for target in $$(grep -rlE '^func Fuzz' --include=*_test.go . | xargs -n1 dirname | sort -u); do \
	  for name in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' $$target/*_test.go | sed 's/func //'); do \
	    $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime 20s $$target || exit 1; done; done

bench: ## our client beside other load generators, in one run; needs nginx on this machine, and wrk if it is to take part
	cd bench && $(GO) run . -rounds 5 -for 3s

clean: ## remove containers and networks that a killed run left behind, and saved runs
	$(GO) run ./harness/cmd/badgateway clean
	rm -rf reports/runs
