# People and CI use the same commands. `make` alone tells them.
#
#   ONCE=1              make demo: check the leads, stop, exit 0 or 1
#   ODOO_HOME=/path     an Odoo 18.0 or 19.0 to take before any other
#   ODOO_SERIES=18.0    which series demo, odoo and the end-to-end tests run on; the only one of
#                       the addon's tests (else: each that is at hand)
#   PYTHON=/path        the Python 3.11 or 3.12 to make .venv from
#   PYTEST="-k name"    arguments for pytest
#   FUZZ="--seed 1"     arguments for make fuzz
#   BENCH="--rounds 9"  arguments for a benchmark (--help tells them)
#   FAULTS_EVENTS=100000 FAULTS_CONTACTS=… FAULTS_SEED=… FAULTS="names"
#                       make faults: how much to tell, what to break

PY := .venv/bin/python
SUITE = $(PY) -m devstack test
ARGS = $(if $(PYTEST),--pytest $(PYTEST))

# One version for two series, so no series in it; crm.lead is split by topic on purpose.
PYLINT_ODOO = --rcfile= --load-plugins=pylint_odoo --disable=all --enable=odoolint \
	--disable=consider-merging-classes-inherited --manifest-version-format='\d+\.\d+\.\d+$$' \
	--manifest-required-authors='MiaSalud CRM contributors'

OCA_HOOKS = oca-odoo-pre-commit-hooks==0.2.27
AUDITORS = 'bandit[toml]==1.9.4' detect-secrets==1.5.0 pip-audit==2.10.1
AUDIT = .devstack/audit/bin
OCA = .devstack/oca/bin/oca-checks-odoo-module

.PHONY: scale help demo test check check-oca check-alerts audit abuse test-unit test-integration test-odoo test-e2e test-faults faults bench bench-odoo bench-import bench-reconcile drill fuzz odoo pictures walk venv clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\): .*## /\1\t/p' Makefile | expand -t 20

demo: venv ## the whole road, live, with an invented conversation
	@$(PY) -m devstack demo $(if $(ONCE),--once)

test: venv ## every test: unit, integration, addon on each Odoo, end to end, each fault
	@$(SUITE) $(ARGS)

check: venv ## ruff, mypy, pylint-odoo
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m pylint $(PYLINT_ODOO) miasalud_crm

check-oca: venv ## the OCA's checks of an addon; their click is older than uvicorn's, so apart
	@test -x $(OCA) || ($(PY) -m venv .devstack/oca && .devstack/oca/bin/pip install -q $(OCA_HOOKS))
	$(OCA) --no-verbose --disable prefer-readme-rst miasalud_crm

check-alerts: venv ## the alert rules and their tests, by Prometheus's own promtool (from Debian)
	@$(PY) -m devstack alerts

# Two detectors are off: tests invent keys, and addresses whose password must not be shown.
audit: venv ## bandit, detect-secrets, pip-audit (fails where no advisories can be had), in an environment apart
	@test -x $(AUDIT)/bandit || ($(PY) -m venv .devstack/audit && $(AUDIT)/pip install -q $(AUDITORS))
	$(AUDIT)/bandit --quiet --recursive --configfile pyproject.toml bridge gunicorn.conf.py docker azure_function
	git ls-files -z | grep -zv requirements | xargs -0 $(AUDIT)/detect-secrets-hook \
		--disable-plugin KeywordDetector --disable-plugin BasicAuthDetector \
		--exclude-lines 'fb123456789|=from-file'
	$(AUDIT)/pip-audit --disable-pip --strict --requirement requirements.txt

abuse: venv ## 2,000 bad requests: huge, slow, nested, wrongly encoded; the API goes on
	ABUSE_COUNT=2000 $(PY) -m pytest -q tests/integration/api/test_abuse.py tests/integration/api/test_sockets.py

test-unit: venv ## without any part running
	@$(SUITE) unit $(ARGS)

test-integration: venv ## against Azurite and databases
	@$(SUITE) integration $(ARGS)

test-odoo: venv ## the addon's own tests, on every Odoo series at hand
	@$(SUITE) odoo $(ARGS)

test-e2e: venv ## the whole road and the browser
	@$(SUITE) e2e $(ARGS)

test-faults: venv ## each fault alone, on a running road
	@$(SUITE) faults $(ARGS)

faults: venv ## a long bad night: 20,000 events, everything breaks, nothing may be lost
	@$(PY) -m tests.faults

bench: venv ## webhooks, drain, latency, growth, workers, backlog, lookup, wayback; BENCH="drain latency --long"
	@$(PY) -m benchmarks road $(BENCH)

bench-odoo: venv ## the batch method against other ways into Odoo, as a table
	@$(PY) -m benchmarks odoo $(BENCH)

bench-import: venv ## an export of 25,000 rows with defects, killed at a third and resumed
	@$(PY) -m benchmarks import $(BENCH)

scale: venv ## a day, ten, a hundred, a thousand times as busy: what is full first
	@$(PY) -m benchmarks scale

bench-reconcile: venv ## 500 differences of each class among 100,000 contacts, found and mended
	@$(PY) -m benchmarks reconcile $(BENCH)

drill: venv ## Odoo, mirror and queue lost and restored; 1 if both sides differ afterwards
	@$(PY) -m devstack drill

fuzz: venv ## thousands of odd requests to every route, by schemathesis
	@$(PY) -m devstack fuzz $(FUZZ)

odoo: venv ## a development Odoo with the addon, until Ctrl-C
	@$(PY) -m devstack odoo

pictures: venv ## the addon's icon, the pictures of its page and of the Spanish guide, made anew
	@$(PY) -m devstack pictures

walk: venv ## pictures of every screen, each role, two languages, into artifacts/
	@$(PY) -m devstack walk

venv: ## .venv with requirements-dev.txt; done once
	@$(or $(PYTHON),python3) devstack/make_venv.py $(PYTHON)

clean: ## what the stack made in this checkout; the cache stays
	@if test -x $(PY); then $(PY) -m devstack clean; else rm -rf .devstack; fi
	rm -rf artifacts .mypy_cache .ruff_cache .pytest_cache .hypothesis
