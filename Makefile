# make demo    the newsletter, end to end, with the real binary
# make test    all tests
# make bench   the benchmark against the naive locking designs
# make bench-peers beside beanstalkd, PostgreSQL and queues from PyPI, which it installs
# make bench-handlers   commands, pipes and Swift handlers; what supervision costs
# make lint    formatting
# make build   the `stint` binary: .build/release/stint
# make install copies it to $(PREFIX)/bin

SHELL := /bin/bash
SWIFT ?= swift
PREFIX ?= /usr/local
STINT := .build/release/stint
# Libraries and programs that the build, the demo and the tests need, by their Debian names.
PACKAGES := libsqlite3-dev php-cli python3 sqlite3 strace faketime

.PHONY: build install demo test bench bench-handlers bench-peers lint setup clean

build: setup
	$(SWIFT) build -c release --product stint

install: build
	install -d "$(PREFIX)/bin"
	install -m 755 $(STINT) "$(PREFIX)/bin/stint"

demo: build
	Examples/Newsletter/demo.sh "$(CURDIR)/$(STINT)"

test: setup
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --disable-xctest

bench: setup
	$(SWIFT) build -c release --product stint-bench
	mkdir -p bench/results
	.build/release/stint-bench --json bench/results/latest.json

bench-handlers: setup
	$(SWIFT) build -c release --product stint-bench
	.build/release/stint-bench handlers

bench-peers: setup
	bench/peers/setup
	$(SWIFT) build -c release --product stint-bench
	mkdir -p bench/results
	bench/peers/run.py --json bench/results/peers.json

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests migrations bench Examples

setup:
	@.ci/setup $(PACKAGES)

clean:
	rm -rf .build demo bench/results
