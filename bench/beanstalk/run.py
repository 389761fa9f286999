#!/usr/bin/env python3
"""Stint beside beanstalkd: the same load by the same client, in turns, in one run.

    bench/beanstalk/run.py [--rounds 5] [--seconds 3] [--json FILE]

Each is asked over a Unix socket, on the same disk. `-f 0`: each INSERTED and each DELETED is on disk.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "Tests" / "Beanstalk"))
sys.path.append(str(ROOT / "bench" / "peers"))
import machine  # noqa: E402
from servers import BEANSTALKD, Server  # noqa: E402

# Connections, commands that each sends at once, and what is done.
LOADS = {
    "put, 64 connections": (64, 1, "put"),
    "life, 64 connections": (64, 1, "life"),
    "put, 1 connection": (1, 1, "put"),
    "life, 1 connection": (1, 1, "life"),
    "put, 64 connections, 16 at once": (64, 16, "put"),
    "life, 64 connections, 16 at once": (64, 16, "life"),
}
SERVERS = ["stint", "beanstalkd -f 0", "beanstalkd in memory"]
STARTS = 30
# In which a server answers after its start: what clients' test suites allow.
LONGEST_START = 100
# (load, beside, the least ratio)
EXPECTED = [
    ("put, 64 connections", "beanstalkd -f 0", 10), ("life, 64 connections", "beanstalkd -f 0", 6),
    ("put, 64 connections", "beanstalkd in memory", 0.6), ("life, 64 connections", "beanstalkd in memory", 0.6),
    ("put, 64 connections, 16 at once", "beanstalkd -f 0", 10),
    ("life, 64 connections, 16 at once", "beanstalkd -f 0", 6),
    ("put, 64 connections, 16 at once", "beanstalkd in memory", 0.6),
    ("life, 64 connections, 16 at once", "beanstalkd in memory", 0.6),
    ("put, 1 connection", "beanstalkd -f 0", 0.8), ("life, 1 connection", "beanstalkd -f 0", 0.8),
]


def measure(load, name, parsed, folder):
    """Jobs a second and latencies, with a server of its own on an empty folder."""
    connections, pipeline, kind = LOADS[name]
    with tempfile.TemporaryDirectory(dir=folder) as data:
        log = ["-b", data, "-f", "0"]
        program, options = {
            "stint": (parsed.stint, log), "beanstalkd -f 0": (parsed.beanstalkd, log),
            "beanstalkd in memory": (parsed.beanstalkd, []),
        }[load]
        with contextlib.closing(Closing(Server(program, *options))) as opened:
            command = [folder / "load", opened.server.path, connections, pipeline, parsed.seconds, kind, 100]
            result = json.loads(subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE).stdout)
    os.sync()
    return result | {"rate": result["jobs"] / result["seconds"]}


def starts(load, parsed, folder):
    """Milliseconds from the start of a server on an empty folder to its first answer, `STARTS` times."""
    program = parsed.stint if load == "stint" else parsed.beanstalkd
    milliseconds = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory(dir=folder) as data, \
                contextlib.closing(Closing(Server(program, "-b", data, "-f", "0"))) as opened:
            milliseconds.append(opened.server.start_seconds * 1000)
    return sorted(milliseconds)


class Closing:
    def __init__(self, server):
        self.server = server

    def close(self):
        self.server.__exit__()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--stint", default=str(ROOT / ".build" / "release" / "stint"))
    parser.add_argument("--beanstalkd", default=BEANSTALKD)
    parser.add_argument("--directory", type=Path, default=ROOT / ".build", help="on the disk that is measured (.build)")
    parser.add_argument("--loads", help="only these, by a part of their name")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parsed = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-beanstalk-", dir=parsed.directory.resolve()))
    try:
        subprocess.run(["cc", "-O2", "-o", str(folder / "load"), str(Path(__file__).parent / "load.c")], check=True)
        facts = machine.describe(folder)
        print(f"{facts['processors']} processors, {facts['system']}, {facts['fileSystem']}, sync {facts['syncMicroseconds']} µs, "
              f"load {facts['loadAverage']:.1f}; {parsed.rounds} rounds of {parsed.seconds:g} s, jobs of 100 bytes\n")
        rows = {}
        print(f"{'jobs/s, median of the rounds':<36}" + "".join(f"{name:>24}" for name in SERVERS))
        for name in LOADS:
            if parsed.loads and parsed.loads not in name:
                continue
            rounds = []
            for number in range(parsed.rounds):
                order = SERVERS[number % len(SERVERS):] + SERVERS[:number % len(SERVERS)]
                rounds.append({server: measure(server, name, parsed, folder) for server in order})
            rows[name] = rounds
            print(f"{name:<36}" + "".join(
                f"{statistics.median(one[server]['rate'] for one in rounds):>24,.0f}" for server in SERVERS))
            print(f"{'  ms to the replies, p50 and p99':<36}" + "".join(
                f"{statistics.median(one[server]['p50'] for one in rounds):>17.2f}"
                f"{statistics.median(one[server]['p99'] for one in rounds):>7.2f}" for server in SERVERS), flush=True)
        began = {server: starts(server, parsed, folder) for server in SERVERS[:2]} if not parsed.loads else {}
        if began:
            print(f"{f'ms from the start to an answer, of {STARTS}':<36}" + "".join(
                f"{statistics.median(times):>17.0f}{times[-1]:>7.0f}" for times in began.values()))
        print()
        good = True
        if began:
            longest = began["stint"][-1]
            good = longest <= LONGEST_START
            print(f"from the start to an answer: at most {longest:.0f} ms, at most {LONGEST_START} ms: "
                  f"{'met' if good else 'NOT MET'}")
        for name, beside, least in EXPECTED:
            if name not in rows:
                continue
            ratios = sorted(one["stint"]["rate"] / one[beside]["rate"] for one in rows[name])
            ratio = statistics.median(ratios)
            good = good and ratio >= least
            print(f"{name}: {ratio:.2f} x of {beside} ({ratios[0]:.2f} - {ratios[-1]:.2f}), at least {least} x: "
                  f"{'met' if ratio >= least else 'NOT MET'}")
        if parsed.json:
            parsed.json.parent.mkdir(parents=True, exist_ok=True)
            parsed.json.write_text(json.dumps({"machine": facts, "rounds": rows, "starts": began}, indent=1) + "\n")
        return 0 if good else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
