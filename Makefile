# make demo    the newsletter, end to end, with the real binary
# make community    a social network that sends mail, with its workers, dashboard and mail catcher
# make test    all tests: about 25 minutes after the build
# make check   the quick ones: values, store, history; a minute after the build
# make torture   the tests of faults for longer: MINUTES=30; SEED=… repeats a run
# make torture-postgres   a PostgreSQL server that dies, one minute for each of MINUTES seeds; SEED=… is the first one
# make torture-failover   three PostgreSQL servers under Patroni, whose primaries die; 9 minutes
# make fuzz    coverage-guided fuzzing; FUZZ_SECONDS=60 for each target
# make bench   waiting, waking, group commits, groups and limits, the ceiling, the log, and the naive designs; 11 minutes
# make bench-flat   the same with 10 million jobs; 2 minutes and 2 GB of disk
# make plots   docs/plots from what the benchmarks have measured
# make bench-peers beside beanstalkd, PostgreSQL and queues from PyPI, which it installs
# make bench-postgres   the store in PostgreSQL, beside other queues there, and beside an idle transaction; 25 minutes
# make bench-beanstalk   beside beanstalkd, over its own protocol; 2 minutes
# make bench-handlers   deaths, suspects, commands, pipes and Swift handlers; what supervision costs
# make bench-web    every page with 10 million jobs and 16 busy workers, and what the dashboard costs them; 10 GB of disk
# make bench-notifications   events, their fan-out and their mails, beside postfix's smtp-source; 10 minutes
# make screenshots   pictures of the dashboard, in docs/screenshots
# make docs    the guides and the documentation of all public symbols, as a web site in .build/docs
# make beanstalk   beanstalkd's clients, with Stint in its place, and both servers' replies compared; SEQUENCES=5000 SEED=7
# make mail-check   mails read back by Python, delivered to servers that fail, to exim, postfix and OpenSMTPD; clients and callers, hostile mails; SEED=7
# make lint    formatting and imports
# make build   the `stint` binary: .build/release/stint
# make install copies it to $(PREFIX)/bin
# make deb     a Debian package of it, in .build-deb; the program in it needs no Swift toolchain
# make try-deb installs that in a fresh Debian, boots it with systemd, and uses it; needs root

SHELL := /bin/bash
SWIFT ?= swift
PREFIX ?= /usr/local
MINUTES ?= 30
SEED ?=
STINT := .build/release/stint
BENCH := .build/release/stint-bench
# Libraries and programs that the build, the demo and the tests need, by their Debian names.
PACKAGES := libcurl4-openssl-dev libgmime-3.0-dev libicu-dev libpq-dev libsqlite3-dev php-cli python3 python3-venv sqlite3 strace faketime

FUZZ_SECONDS ?= 60

.PHONY: build install deb try-deb demo community test api-check mail-check metrics-check connections-check beanstalk check torture torture-postgres torture-failover fuzz bench bench-flat bench-handlers bench-peers bench-postgres bench-beanstalk bench-web bench-notifications stint-bench plots docs lint setup croniter browser screenshots clean

build: setup
	$(SWIFT) build -c release --product stint

install: build
	install -d "$(PREFIX)/bin"
	install -m 755 $(STINT) "$(PREFIX)/bin/stint"

# A build folder of its own, since all of it is compiled again for --static-swift-stdlib. The man pages are made by
# ArgumentParser's own tool. Its plugin (`swift package plugin generate-manual`) would build stint once more, without that option.
deb: PACKAGES += dpkg-dev
deb: setup
	$(SWIFT) build -c release --static-swift-stdlib --scratch-path .build-static --product stint
	$(SWIFT) build --package-path .build-static/checkouts/swift-argument-parser --scratch-path "$(CURDIR)/.build-manual" \
		--product generate-manual
	rm -rf .build-deb && mkdir .build-deb
	packaging/build-deb.sh .build-static/release/stint .build-manual/debug/generate-manual .build-static/checkouts .build-deb

try-deb: PACKAGES += debootstrap systemd-container lintian
try-deb: deb
	packaging/try-deb.sh .build-deb/stint_*.deb .build-debian

demo: build
	Examples/Newsletter/demo.sh "$(CURDIR)/$(STINT)"

# Options of it: make community COMMUNITY='--port 9000 --members 200'
COMMUNITY ?=
community: build
	$(SWIFT) build -c release --product community
	@exec .build/release/community $(COMMUNITY)

# Hundreds of tests with real processes at once would starve each other: eight, if this Swift can say so.
WIDTH = $(shell $(SWIFT) test --help-hidden 2>/dev/null | grep -q -- --experimental-maximum-parallelization-width \
	&& echo --experimental-maximum-parallelization-width 8)

# The tests of faults come at the end, one after the other: each keeps all processors busy. Tests that do not end within
# four times their usual time hang: then it is shown what they wait for.
test: PACKAGES += chromium fonts-dejavu-core postgresql php-pda-pheanstalk ruby ruby-beaneater libpython3.11-testsuite openssl swaks
test: setup croniter browser
	$(SWIFT) build --build-tests
	.ci/within 25 $(SWIFT) test --skip-build --disable-xctest --skip TortureTests $(WIDTH)
	.ci/within 10 .build/browser-venv/bin/python Tests/Browser/check.py .build/debug/stint
	.ci/within 4 .build/browser-venv/bin/python Tests/Browser/community.py .build/debug/community
	Tests/OpenAPI/setup
	.ci/within 3 .build/openapi-venv/bin/python Tests/OpenAPI/worker.py .build/debug/stint
	.ci/within 5 .build/openapi-venv/bin/python Tests/OpenAPI/check.py .build/debug/stint
	Tests/Metrics/setup
	.ci/within 3 .build/metrics-venv/bin/python Tests/Metrics/check.py .build/debug/stint
	.ci/within 5 python3 Tests/Connections/check.py .build/debug/stint
	Tests/Mail/setup
	.ci/within 2 python3 Tests/Mail/corpus.py .build/debug/mail-tool
	.ci/within 6 .build/mail-venv/bin/python Tests/Mail/delivery.py .build/debug/mail-tool
	.ci/within 6 .build/mail-venv/bin/python Tests/Mail/delivery.py .build/debug/mail-tool --pipelining
	.ci/within 3 .build/mail-venv/bin/python Tests/Mail/dialogue.py .build/debug/mail-tool
	.ci/within 4 .build/mail-venv/bin/python Tests/Mail/servers.py .build/debug/mail-tool
	.ci/within 3 .build/mail-venv/bin/python Tests/Mail/differential.py .build/debug/stint
	.ci/within 5 python3 Tests/Mail/clients.py .build/debug/stint
	.ci/within 2 python3 Tests/Mail/sendmail.py .build/debug/stint
	Tests/Beanstalk/setup
	.ci/within 5 python3 Tests/Beanstalk/differential.py .build/debug/stint --sequences 1000 --timed 24
	.ci/within 2 .build/beanstalk-venv/bin/python Tests/Beanstalk/clients.py .build/debug/stint
	.ci/within 2 .build/beanstalk-venv/bin/python Tests/Beanstalk/suites.py .build/debug/stint
	.ci/within 3 python3 Tests/Beanstalk/moving.py .build/debug/stint
	.ci/within 4 python3 Tests/Beanstalk/killed.py .build/debug/stint
	.ci/within 3 python3 Tests/Beanstalk/crowd.py .build/debug/stint
	.ci/within 2 Examples/elgg-worker/run.sh .build/debug/stint
	.ci/within 30 $(SWIFT) test --skip-build --disable-xctest --no-parallel --filter TortureTests

# Mail: what is built and what servers get; what is caught and what sendmail takes.
mail-check: PACKAGES += libpython3.11-testsuite openssl swaks
mail-check: setup
	Tests/Mail/setup
	$(SWIFT) build --product stint
	$(SWIFT) build --product mail-tool
	python3 Tests/Mail/corpus.py .build/debug/mail-tool $(SEED)
	.build/mail-venv/bin/python Tests/Mail/delivery.py .build/debug/mail-tool $(if $(SEED),--seed $(SEED))
	.build/mail-venv/bin/python Tests/Mail/delivery.py .build/debug/mail-tool --pipelining $(if $(SEED),--seed $(SEED))
	.build/mail-venv/bin/python Tests/Mail/dialogue.py .build/debug/mail-tool
	.build/mail-venv/bin/python Tests/Mail/servers.py .build/debug/mail-tool
	.build/mail-venv/bin/python Tests/Mail/differential.py .build/debug/stint --sequences $(SEQUENCES) $(if $(SEED),--seed $(SEED))
	python3 Tests/Mail/clients.py .build/debug/stint
	python3 Tests/Mail/sendmail.py .build/debug/stint

# The HTTP API: a worker without a library, and the document against the server.
api-check: setup
	Tests/OpenAPI/setup
	$(SWIFT) build --product stint
	.build/openapi-venv/bin/python Tests/OpenAPI/worker.py .build/debug/stint
	.build/openapi-venv/bin/python Tests/OpenAPI/check.py .build/debug/stint

# /metrics, read by promtool and by a Prometheus.
metrics-check: setup
	Tests/Metrics/setup
	$(SWIFT) build --product stint
	.build/metrics-venv/bin/python Tests/Metrics/check.py .build/debug/stint

# 10,000 slow and broken connections, 200 tabs, and nobody.
connections-check: setup
	$(SWIFT) build --product stint
	python3 Tests/Connections/check.py .build/debug/stint

# beanstalkd's protocol: Debian's beanstalkd says what is right. The clients' own suites are run too if their checkouts are
# given: make beanstalk SUITES='../greenstalk ../pystalk ../pheanstalk ../beaneater'
SEQUENCES ?= 2000
TIMED ?= 40
SUITES ?=
beanstalk: PACKAGES += php-pda-pheanstalk ruby ruby-beaneater $(if $(SUITES),phpunit ruby-minitest ruby-mocha)
beanstalk: setup
	Tests/Beanstalk/setup
	$(SWIFT) build --product stint
	python3 Tests/Beanstalk/lies.py
	python3 Tests/Beanstalk/differential.py .build/debug/stint --sequences $(SEQUENCES) --timed $(TIMED) $(if $(SEED),--seed $(SEED))
	.build/beanstalk-venv/bin/python Tests/Beanstalk/clients.py .build/debug/stint
	.build/beanstalk-venv/bin/python Tests/Beanstalk/suites.py .build/debug/stint $(SUITES)
	python3 Tests/Beanstalk/moving.py .build/debug/stint
	python3 Tests/Beanstalk/killed.py .build/debug/stint
	python3 Tests/Beanstalk/crowd.py .build/debug/stint
	Examples/elgg-worker/run.sh .build/debug/stint

# Pictures of the dashboard for docs/dashboard.md.
screenshots: PACKAGES += chromium fonts-dejavu-core
screenshots: setup browser
	$(SWIFT) build --product stint
	.build/browser-venv/bin/python Tests/Browser/check.py .build/debug/stint --screenshots docs/screenshots

check: PACKAGES += postgresql
check: setup croniter
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --disable-xctest --filter 'StintCoreTests|StintSQLiteTests|HistoryTests' $(WIDTH)

# All of it for longer: make torture MINUTES=60 SEED=7
torture: setup
	$(SWIFT) build --product stint
	$(SWIFT) build --product stint-torture
	.build/debug/stint-torture all --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))
	python3 Tests/Beanstalk/killed.py .build/debug/stint --kills $$((MINUTES * 10)) $(if $(SEED),--seed $(SEED))

# Workers, producers and reapers at a PostgreSQL server of its own, which is killed and restarted, with a seed for each
# minute: make torture-postgres MINUTES=10 SEED=7. What breaks does not end it, and is listed at the end.
torture-postgres: PACKAGES += postgresql
torture-postgres: setup
	$(SWIFT) build --product stint
	$(SWIFT) build --product stint-torture
	@first=$(or $(SEED),$$((RANDOM * 32768 + RANDOM))); broken=; \
	for seed in $$(seq $$first $$((first + $(MINUTES) - 1))); do \
		.build/debug/stint-torture kill --server --seconds 60 --seed $$seed || broken="$$broken $$seed"; \
	done; \
	echo "make torture-postgres MINUTES=$(MINUTES) SEED=$$first; seeds that broke:$${broken:- none}"; \
	test -z "$$broken"

# Debian starts etcd and PgBouncer as services when they are installed; this needs neither.
torture-failover: PACKAGES += patroni etcd-server python3-etcd postgresql pgbouncer
torture-failover: setup
	$(SWIFT) build --product stint-torture
	.build/debug/stint-torture failover --deaths 4 --crashes 2 --splits 2 --lags 2 $(if $(SEED),--seed $(SEED))
	.build/debug/stint-torture failover --snapshot --deaths 2 --crashes 1 --splits 1 $(if $(SEED),--seed $(SEED))
	.build/debug/stint-torture failover --asynchronous --splits 0 $(if $(SEED),--seed $(SEED))

# libFuzzer wants all code compiled for it, so this has a build folder of its own. What it finds is left in .build-fuzz
# as crash-*, and given to the program as an argument it is tried again.
fuzz: setup
	STINT_FUZZ=1 $(SWIFT) build --scratch-path .build-fuzz --product stint-fuzz \
		-Xswiftc -sanitize=fuzzer -Xswiftc -parse-as-library
	for target in pipe headers beanstalk; do \
		mkdir -p .build-fuzz/corpus-$$target && \
		STINT_FUZZ_TARGET=$$target .build-fuzz/debug/stint-fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 \
			-dict=Tests/LibFuzzer/$$target.dict -artifact_prefix=.build-fuzz/ -print_final_stats=1 \
			.build-fuzz/corpus-$$target || exit 1; \
	done

bench: build stint-bench
	$(BENCH) idle --json bench/results/idle.json
	$(BENCH) wake --json bench/results/wake.json
	$(BENCH) group --json bench/results/group.json
	$(BENCH) contention --json bench/results/contention.json
	$(BENCH) supervised --json bench/results/supervised.json
	$(BENCH) flow --json bench/results/flow.json
	$(BENCH) ceiling --json bench/results/ceiling.json
	$(BENCH) log --json bench/results/log.json
	$(BENCH) churn --jobs 200000 --json bench/results/churn.json
	$(BENCH) flat --jobs 1000000 --others 100000 --refills 20 --rounds 9 --json bench/results/flat.json
	$(BENCH) run --json bench/results/latest.json

bench-flat: stint-bench
	$(BENCH) flat --json bench/results/flat.json
	$(BENCH) churn --json bench/results/churn.json

stint-bench: setup
	$(SWIFT) build -c release --product stint-bench
	mkdir -p bench/results

plots: setup
	bench/plots

bench-handlers: stint-bench build
	$(BENCH) death --json bench/results/death.json
	$(BENCH) suspects --program $(STINT)
	$(BENCH) handlers --json bench/results/handlers.json

bench-peers: stint-bench
	bench/peers/setup
	bench/peers/run.py --json bench/results/peers.json

# Each command has a server of its own. The last but one has a transaction open for ten minutes.
bench-postgres: PACKAGES += postgresql
bench-postgres: stint-bench
	$(BENCH) postgres wake --json bench/results/postgres-wake.json
	$(BENCH) postgres idle --json bench/results/postgres-idle.json
	$(BENCH) postgres group --json bench/results/postgres-group.json
	$(BENCH) postgres supervised --json bench/results/postgres-supervised.json
	$(BENCH) postgres life --json bench/results/postgres-life.json
	$(BENCH) postgres waiting --json bench/results/postgres-waiting.json
	$(BENCH) postgres held --held 600 --json bench/results/postgres-held.json
	bench/peers/setup
	bench/peers/run.py --postgres --workers 4,16 --json bench/results/postgres-peers.json

bench-beanstalk: setup build
	Tests/Beanstalk/setup
	bench/beanstalk/run.py --json bench/results/beanstalk.json

bench-web: stint-bench build
	bench/web/run.py --json bench/results/web.json

bench-notifications: setup
	Tests/Mail/setup
	$(SWIFT) build -c release --product notification-bench
	mkdir -p bench/results
	bench/notifications/run.py --json bench/results/notifications.json

docs: setup
	SWIFT="$(SWIFT)" .ci/docs .build/docs

# Only StintPlatform imports the C library and swift-system: all others import StintPlatform.
lint:
	@! grep -rnE 'canImport\((Darwin|Glibc|Musl|System|SystemPackage)\)|^ *(@.*)?import (Darwin|Glibc|Musl|System|SystemPackage)$$' \
		--include='*.swift' Sources Tests migrations bench Examples | grep -v '^Sources/StintPlatform/' \
		|| { echo 'Import StintPlatform instead.' >&2; exit 1; }
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests migrations bench Examples

# The library from the Python Package Index with which the times of schedules are compared.
croniter: setup
	@Tests/Croniter/setup

# What drives the browser that looks at the dashboard, from the Python Package Index.
browser: setup
	@Tests/Browser/setup

setup:
	@.ci/setup $(PACKAGES)

clean:
	rm -rf .build demo bench/results
