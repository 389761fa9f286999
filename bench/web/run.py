#!/usr/bin/env python3
"""The dashboard at size: how fast every page is while 16 workers are busy, and what it costs them.

Makes a file, lets workers work on it in rounds, in turns with nobody and with somebody at the dashboard, and then asks
for every page as fast as one connection can. Holds the results against what is expected.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

# The sources' folder stays clean; it has no entry in .gitignore.
sys.dont_write_bytecode = True

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "bench" / "peers"))

import database  # noqa: E402
import fleet  # noqa: E402
import machine  # noqa: E402
from dashboard import Dashboard, Looking, Requester, addresses  # noqa: E402

# Two kinds of work: jobs that take a while, as most do, and jobs that take no time, so that the workers use all
# processors and whatever the dashboard uses is missing to them.
KINDS = {"busy": {"jobMicroseconds": 20_000, "batch": 1}, "saturated": {"jobMicroseconds": 0, "batch": 16}}
LIMIT_MILLISECONDS = 50
LEAST_RATIO = 0.97
MOST_MEMORY = 300
# Within this all pages have been asked for.
MOST_SECONDS = 1_200


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=10_000_000, help="in the file (10000000)")
    parser.add_argument("--groups", type=int, default=100_000, help="groups, and groups of errors (100000)")
    parser.add_argument("--workers", type=int, default=16, help="processes (16)")
    parser.add_argument("--rounds", type=int, default=6, help="pairs of turns of each kind of work (6)")
    parser.add_argument("--seconds", type=float, default=5, help="the length of a turn (5)")
    parser.add_argument("--rate", type=float, default=5, help="pages a second that a person asks for (5)")
    parser.add_argument("--requests", type=int, default=300, help="how often each page is measured (300)")
    parser.add_argument("--kinds", default="busy,saturated", help="the kinds of work that are compared (busy,saturated)")
    parser.add_argument("--directory", type=Path, default=ROOT / ".build", help="where the file is made (.build)")
    parser.add_argument("--file", type=Path, help="is kept, and used again if it is there")
    parser.add_argument("--lock", type=Path, help="is held with flock(2) while something is measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes everything there as well")
    parser.add_argument("--programs", type=Path, default=ROOT / ".build" / "release", help="the folder of stint and stint-bench")
    return parser.parse_args()


class WALSize:
    """The largest size of the log while something runs."""

    def __init__(self, file: Path) -> None:
        self.log = Path(f"{file}-wal")
        self.most = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        while not self.ended.wait(0.05):
            if self.log.exists():
                self.most = max(self.most, self.log.stat().st_size)

    def stop(self) -> float:
        """In MiB."""
        self.ended.set()
        self.thread.join()
        return self.most / (1 << 20)


class Bench:
    def __init__(self, parsed: argparse.Namespace, file: Path) -> None:
        self.parsed, self.file = parsed, file
        self.stint, self.stint_bench = parsed.programs / "stint", parsed.programs / "stint-bench"
        self.results: dict[str, Any] = {"kinds": {}}

    def worker(self, kind: str, seconds: float) -> list[str]:
        """The command of one of the workers."""
        assignment = {
            "design": "stint", "database": str(self.file), "durability": "full", "seconds": seconds, "payloadBytes": 100,
            "burst": 0, "warmUp": 0, "tasks": 1, "writeLock": "gate", "keepsIDs": False, **KINDS[kind],
        }
        return [str(self.stint_bench), "play", "worker", json.dumps(assignment)]

    def work(self, kind: str, seconds: float) -> float:
        """Jobs a second of all workers together."""
        left = database.ready(self.file, "bench")
        reports = fleet.run_workers(self.worker(kind, seconds), self.parsed.workers, seconds, dict(os.environ), self.file.parent)
        done = sum(report["done"] for report in reports)
        if done >= left:
            raise SystemExit(f"the workers have done all {left} jobs before the turn was over: give it more --jobs")
        return done / (max(report["finished"] for report in reports) / 1e9)

    def compare(self, kind: str, jobs: list[int]) -> None:
        rows = []
        for number in range(self.parsed.rounds):
            row: dict[str, Any] = {}
            # Each round begins with the other one.
            for looked in ([False, True] if number % 2 == 0 else [True, False]):
                log = WALSize(self.file)
                if looked:
                    dashboard = Dashboard(self.stint, self.file)
                    try:
                        requester = Requester(dashboard, addresses(jobs))
                        with Looking(dashboard, requester, self.parsed.rate) as looking:
                            processor, start = dashboard.processor_seconds, time.monotonic()
                            row["with"] = self.work(kind, self.parsed.seconds)
                            row["processor"] = (dashboard.processor_seconds - processor) / (time.monotonic() - start)
                        row["events"] = looking.events
                    finally:
                        dashboard.stop()
                    row["logWith"] = log.stop()
                else:
                    row["without"] = self.work(kind, self.parsed.seconds)
                    row["logWithout"] = log.stop()
            row["ratio"] = row["with"] / row["without"]
            rows.append(row)
            print(f"{kind}, round {number + 1}: {row['without']:,.0f} jobs/s without, {row['with']:,.0f} with the dashboard: "
                  f"{row['ratio']:.3f}; it used {row['processor'] * 100:.1f} % of a processor, {row['events']} live updates; "
                  f"log {row['logWithout']:.0f} and {row['logWith']:.0f} MiB", file=sys.stderr, flush=True)
        self.results["kinds"][kind] = rows

    def pages(self, jobs: list[int]) -> None:
        """Every page, while the workers are busy."""
        dashboard = Dashboard(self.stint, self.file)
        log = WALSize(self.file)
        failure: list[BaseException] = []
        ended = threading.Event()

        def keep_busy() -> None:
            # The same processes all the time: sixteen that start at once would take both processors for a while.
            try:
                fleet.run_workers(self.worker("busy", MOST_SECONDS), self.parsed.workers, MOST_SECONDS, dict(os.environ),
                                  self.file.parent, stop=ended)
            except BaseException as error:
                failure.append(error)

        try:
            requester = Requester(dashboard, addresses(jobs))
            for _ in requester.paths:
                requester.ask()
            memory = [dashboard.memory]
            first = {path: times[0] for path, times in requester.times.items()}
            # What a page takes of a processor does not depend on what else the machine does.
            processor = {}
            for path in requester.paths:
                start = dashboard.processor_milliseconds
                for _ in range(10):
                    requester.ask(path)
                processor[path] = (dashboard.processor_milliseconds - start) / 10
            requester.times = {path: [] for path in requester.paths}
            worker = threading.Thread(target=keep_busy)
            worker.start()
            time.sleep(2)
            for round_number in range(self.parsed.requests):
                for _ in requester.paths:
                    requester.ask()
                if (round_number + 1) % max(1, self.parsed.requests // 4) == 0:
                    memory.append(dashboard.memory)
            ended.set()
            worker.join()
            if failure:
                raise failure[0]
        finally:
            ended.set()
            dashboard.stop()
        rows = {}
        for path, times in requester.times.items():
            times.sort()
            rows[path] = {"p50": statistics.median(times) * 1e3, "p99": times[(len(times) * 99 - 1) // 100] * 1e3,
                          "most": times[-1] * 1e3, "first": first[path] * 1e3, "processor": processor[path]}
        self.results |= {"pages": rows, "memory": memory, "log": log.stop()}

    def report(self) -> bool:
        print(f"\n{'every page, 16 workers busy; ms':<52}{'p50':>8}{'p99':>8}{'most':>8}{'first':>8}{'CPU':>8}")
        for path, row in sorted(self.results["pages"].items(), key=lambda item: -item[1]["p99"]):
            print(f"{path:<52}{row['p50']:>8.1f}{row['p99']:>8.1f}{row['most']:>8.1f}{row['first']:>8.1f}{row['processor']:>8.1f}")
        print(f"\nserver's memory at the start and after each quarter: {', '.join(map(str, self.results['memory']))} MiB; "
              f"largest log {self.results['log']:.0f} MiB")
        worst = max(self.results["pages"].items(), key=lambda item: item[1]["p99"])
        expected = [
            (f"the slowest page's 99th percentile ({worst[0]})", "below", LIMIT_MILLISECONDS, worst[1]["p99"], "ms"),
            ("the server's memory at the end", "below", MOST_MEMORY, self.results["memory"][-1], "MiB"),
        ]
        for kind, rows in self.results["kinds"].items():
            ratios = sorted(row["ratio"] for row in rows)
            processor = statistics.median(row["processor"] for row in rows) * 100
            print(f"{kind}: with the dashboard {statistics.median(ratios):.3f} of the throughput without it "
                  f"({ratios[0]:.3f} - {ratios[-1]:.3f}); it used {processor:.1f} % of a processor; "
                  f"{statistics.median(row['without'] for row in rows):,.0f} jobs/s; log at most "
                  f"{max(row['logWithout'] for row in rows):.0f} MiB without and {max(row['logWith'] for row in rows):.0f} MiB with it")
            expected.append((f"throughput with the dashboard, {kind}", "at least", LEAST_RATIO, statistics.median(ratios), ""))
        met = True
        self.results["expectations"] = []
        for what, relation, limit, reached, unit in expected:
            good = reached < limit if relation == "below" else reached >= limit
            met = met and good
            text = f"{what}: {reached:.3f} {unit}".rstrip() + f", {relation} {limit} {unit}".rstrip()
            print(f"{text}: {'met' if good else 'not met'}")
            self.results["expectations"].append({"what": what, "limit": limit, "reached": reached, "met": good})
        return met


def main() -> int:
    parsed = options()
    parsed.directory.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-web-", dir=parsed.directory.resolve()))
    try:
        file = (parsed.file or folder / "stint.db").absolute()
        if not file.exists():
            print(f"making a file of {parsed.jobs:,} jobs", file=sys.stderr, flush=True)
            start = time.monotonic()
            database.make(parsed.programs / "stint", file, parsed.jobs, parsed.groups)
            print(f"made in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        bench = Bench(parsed, file)
        facts, found = machine.describe(folder), database.facts(file)
        print(f"{facts['processors']} processors, {facts['system']}, {facts['fileSystem']}, sync {facts['syncMicroseconds']} µs, "
              f"load {facts['loadAverage']:.1f}; {found['jobs']:,} jobs, {found['buried']:,} of them buried, {found['groups']:,} groups, "
              f"{found['errorGroups']:,} groups of errors, {found['bytes'] / (1 << 30):.1f} GiB; {parsed.workers} workers", flush=True)
        # A ready job, a delayed one, a buried one.
        jobs = [int(parsed.jobs * share) for share in (0.5, 0.85, 0.95)]
        for kind in filter(None, parsed.kinds.split(",")):
            with locked(parsed.lock):
                bench.compare(kind, jobs)
        with locked(parsed.lock):
            bench.pages(jobs)
        facts["loadAverageAtTheEnd"] = os.getloadavg()[0]
        bench.results |= {"machine": facts, "file": found}
        met = bench.report()
        if parsed.json:
            parsed.json.parent.mkdir(parents=True, exist_ok=True)
            parsed.json.write_text(json.dumps(bench.results, indent=1) + "\n")
        return 0 if met else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class locked:
    """Other work on this machine waits for the same lock."""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def __enter__(self) -> None:
        import fcntl
        self.opened = open(self.file, "a") if self.file else None
        if self.opened:
            fcntl.flock(self.opened, fcntl.LOCK_EX)

    def __exit__(self, *_: Any) -> None:
        if self.opened:
            self.opened.close()


if __name__ == "__main__":
    sys.exit(main())
