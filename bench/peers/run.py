#!/usr/bin/env python3
"""Stint beside its peers: the same work, one run, one disk. See README.md in this folder."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

# The sources' folder stays clean; it has no entry in .gitignore.
sys.dont_write_bytecode = True

import machine  # noqa: E402
import report  # noqa: E402
from peers import Peer, all_peers, postgres_peers, server_process  # noqa: E402
from peers.peer import Skipped, Surroundings  # noqa: E402
from results import Results  # noqa: E402

SOURCES = Path(__file__).resolve().parent
ROOT = SOURCES.parent.parent


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split(". ")[0] + ".")
    parser.add_argument("--jobs", type=int, default=20_000, help="of the fast peers; slow ones get a part (20000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often the peers take turns (3)")
    parser.add_argument("--workers", default="1,4,16", help="numbers of processes (1,4,16)")
    parser.add_argument("--postgres", action="store_true",
                        help="Stint's store in PostgreSQL, and queues on the same server")
    parser.add_argument("--peers", help="names, with commas; the beginning of several stands for them (all)")
    parser.add_argument("--directory", type=Path, default=ROOT / ".build" / "peers",
                        help="where the files are made, on the disk to measure (.build/peers)")
    parser.add_argument("--seconds", type=float, default=3.0, help="the limit of one enqueue and of one run (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes everything there as well")
    parser.add_argument("--stint-bench", type=Path, default=ROOT / ".build" / "release" / "stint-bench",
                        help="the program that drives Stint (.build/release/stint-bench)")
    parsed = parser.parse_args(arguments)
    try:
        parsed.workers = [int(text) for text in parsed.workers.split(",")]
    except ValueError:
        parser.error(f"--workers {parsed.workers}: numbers with commas are expected, such as 1,4,16")
    if min([parsed.jobs, parsed.rounds, *parsed.workers]) < 1 or parsed.seconds <= 0:
        parser.error("--jobs, --rounds, --workers and --seconds must be above 0")
    return parsed


def main() -> int:
    parsed = options(sys.argv[1:])
    # A stop by a service manager or by CI cleans up as Ctrl-C does, even if a shell runs this in the background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    parsed.directory.mkdir(parents=True, exist_ok=True)
    build = ROOT / ".build" / "peers"
    build.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=parsed.directory.resolve()))
    # PostgreSQL's user must be able to pass through; its contents stay unreadable.
    folder.chmod(0o711)
    peers: list[Peer] = []
    try:
        surroundings = Surroundings(
            sources=SOURCES, folder=folder, build=build, python=ROOT / ".build" / "peers-venv" / "bin" / "python",
            honker=ROOT / ".build" / "peers-honker", stint_bench=parsed.stint_bench.absolute(), jobs=parsed.jobs,
            seconds=parsed.seconds)
        peers = postgres_peers(surroundings) if parsed.postgres else all_peers(surroundings)
        return compare(parsed, chosen(peers, parsed.peers), folder)
    except KeyboardInterrupt:
        print("stopped; servers and files are removed", file=sys.stderr)
        return 130
    finally:
        # A second Ctrl-C would leave a server behind.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for peer in peers:
            peer.close()
        server_process.stop_all()
        shutil.rmtree(folder, ignore_errors=True)


def chosen(peers: list[Peer], names: str | None) -> list[Peer]:
    if names is None:
        return peers
    wanted = names.split(",")
    for name in wanted:
        if not any(peer.name.startswith(name) for peer in peers):
            sys.exit(f"there is no peer '{name}'; there are: {', '.join(peer.name for peer in peers)}")
    exact = {peer.name for peer in peers} & set(wanted)
    return [peer for peer in peers if peer.name in exact
            or any(peer.name.startswith(name) for name in wanted if name not in exact)]


def compare(parsed: argparse.Namespace, peers: list[Peer], folder: Path) -> int:
    facts = machine.describe(folder)
    if machine.keeps_nothing(facts["fileSystem"]):
        sys.exit(f"{parsed.directory} is in memory ({facts['fileSystem']}), where a sync costs nothing: name a folder "
                 "on a disk with --directory")
    print(report.header(facts, parsed.jobs, parsed.rounds, parsed.seconds), flush=True)
    results = Results(peers=[], workers=parsed.workers)
    for peer in peers:
        try:
            peer.prepare()
            results.peers.append(peer)
        except Skipped as reason:
            results.skipped[peer.name] = str(reason)
            print(f"skipped: {peer.name}: {reason}", file=sys.stderr)
    measure(results, parsed.rounds, folder)
    facts["loadAverageAtTheEnd"] = os.getloadavg()[0]
    print("\n" + report.body(results, parsed.postgres), flush=True)
    if parsed.json:
        write_json(parsed, facts, results)
    # Other people's failures are in the report; ours fail the benchmark.
    return 1 if any(report.is_stint(failure) for failure in results.failures()) else 0


def measure(results: Results, rounds: int, folder: Path) -> None:
    for round_number in range(rounds):
        for workers in results.workers:
            # Each round begins with another peer, so that none always follows the same one.
            shift = round_number % max(1, len(results.peers))
            for peer in results.peers[shift:] + results.peers[:shift]:
                # Removed at the end only: a disk that is notified of freed blocks is slow for a while.
                place = folder / f"{peer.name}-{workers}-{round_number}"
                place.mkdir()
                run = peer.run(workers, place)
                results.add(peer, workers, run)
                said = run.failure or f"{run.enqueue_rate:,.0f} enqueued/s, {run.rate:,.0f} done/s"
                print(f"round {round_number + 1}, {workers} workers, {peer.name}: {said}", file=sys.stderr, flush=True)


def write_json(parsed: argparse.Namespace, facts: dict[str, Any], results: Results) -> None:
    settings = {"jobs": parsed.jobs, "rounds": parsed.rounds, "workers": parsed.workers, "seconds": parsed.seconds}
    everything = {"machine": facts, "settings": settings, **results.as_json(),
                  "expectations": report.expectations(results, parsed.postgres)}
    parsed.json.parent.mkdir(parents=True, exist_ok=True)
    parsed.json.write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
