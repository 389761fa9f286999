#!/usr/bin/env python3
"""Notifications from the event to the mail server, beside postfix's smtp-source as the ceiling, in turns, in one run.

    Tests/Mail/setup
    bench/notifications/run.py [--notifications 100000] [--subscribers 1000000] [--rounds 3] [--json FILE]

Both send to postfix's smtp-sink, which throws the mails away: the same number of them, as large, over as many sessions, which are
kept. smtp-source sends one text again and again. Stint finds each member, writes each mail, and keeps its jobs on disk.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
POSTFIX = ROOT / ".build" / "mail-servers" / "postfix" / "usr"
ENVIRONMENT = {**os.environ, "LD_LIBRARY_PATH": str(POSTFIX / "lib" / "postfix")}
SENDING = 0.5


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as one:
        one.settimeout(2)
        return one.recv(100).startswith(b"220")
    return False


@contextlib.contextmanager
def sink():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    process = subprocess.Popen([*user, POSTFIX / "sbin" / "smtp-sink", f"127.0.0.1:{port}", "1000"], env=ENVIRONMENT)
    try:
        deadline = time.monotonic() + 20
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("smtp-sink does not answer: run Tests/Mail/setup, and see what it says above")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder, self.databases = program, folder, 0

    def database(self):
        self.databases += 1
        return os.path.join(self.folder, f"{self.databases}.db")

    def remove(self, database):
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(database + end)

    def start(self, *arguments):
        return subprocess.Popen([self.program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)

    def end(self, process):
        output = process.communicate()[0]
        if process.returncode:
            raise SystemExit(f"notification-bench has ended with {process.returncode}")
        return json.loads(output.splitlines()[-1])

    def run(self, *arguments):
        return self.end(self.start(*arguments))


def ceiling(port, mails, sessions, size):
    start = time.monotonic()
    subprocess.run(
        [POSTFIX / "sbin" / "smtp-source", "-d", "-s", str(sessions), "-m", str(mails), "-l", str(size), "-f",
         "network@example.org", "-t", "m@example.org", f"127.0.0.1:{port}"], env=ENVIRONMENT, check=True)
    return mails / (time.monotonic() - start)


def whole(bench, port, options):
    """Notifications from the event to the server: the jobs a second of the fan-out, of sending, and of both."""
    database = bench.database()
    subscribers = options.notifications // options.events
    expected = subscribers * options.events
    bench.run("post", database, "--events", options.events)
    start = time.monotonic()
    fan_out = bench.run("fan-out", database, "--subscribers", subscribers)
    middle = time.monotonic()
    if fan_out["count"] != expected or fan_out["left"]:
        raise SystemExit(f"the fan-out has made {fan_out['count']} of {expected} jobs, and left {fan_out['left']}")
    workers = [
        bench.start("send", database, f"smtp://127.0.0.1:{port}", "--concurrency", options.sessions // options.processes,
                    "--jobs", options.jobs // options.processes)
        for _ in range(options.processes)
    ]
    results = [bench.end(worker) for worker in workers]
    end = time.monotonic()
    sent = sum(result["count"] for result in results)
    # The last one to end sees what is left.
    if sent != expected or min(result["left"] for result in results):
        raise SystemExit(f"{sent} of {expected} mails were written")
    bench.remove(database)
    return {
        "fan_out": expected / (middle - start), "sending": expected / (end - middle), "both": expected / (end - start),
        "memory": max(result["peakMemory"] for result in results),
    }


def large(bench, options):
    database = bench.database()
    bench.run("post", database, "--events", 1)
    start = time.monotonic()
    result = bench.run("fan-out", database, "--subscribers", options.subscribers, "--page-size", options.page_size)
    seconds = time.monotonic() - start
    if result["count"] != options.subscribers or result["left"]:
        raise SystemExit(f"the fan-out has made {result['count']} of {options.subscribers} jobs")
    size = sum(os.path.getsize(database + end) for end in ("", "-wal") if os.path.exists(database + end))
    bench.remove(database)
    return {"rate": options.subscribers / seconds, "seconds": seconds, "memory": result["peakMemory"], "file": size}


def line(name, values, unit="jobs/s"):
    middle = statistics.median(values)
    print(f"{name:<52} {middle:>10,.0f} {unit:<8} {min(values):>8,.0f} - {max(values):,.0f}", flush=True)
    return middle


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=ROOT / ".build" / "release" / "notification-bench")
    parser.add_argument("--notifications", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--page-size", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=64,
                        help="mails at work; with more than sessions, the next one is there when a session has sent one")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the databases are; a temporary one if not given")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="stint-notifications-", dir=options.folder)
    try:
        bench = Bench(options.program.resolve(), folder)
        size = bench.run("size", bench.database())["count"]
        top, runs = [], []
        for _ in range(options.rounds):
            with sink() as port:
                top.append(ceiling(port, options.notifications, options.sessions, size))
            with sink() as port:
                runs.append(whole(bench, port, options))
        print(f"{options.notifications:,} notifications of {options.events} events, mails of {size:,} bytes, "
              f"{options.sessions} sessions, {options.jobs} mails at work, {options.processes} processes, median of {options.rounds} rounds\n")
        limit = line("smtp-source to smtp-sink, one text", top, "mails/s")
        line("fan-out", [run["fan_out"] for run in runs])
        sending = line("written and sent", [run["sending"] for run in runs])
        both = line("from the event to the server", [run["both"] for run in runs])
        print(f"\nwritten and sent : smtp-source   {sending / limit:.2f}, at least {SENDING:.2f}: "
              f"{'met' if sending / limit >= SENDING else 'missed'}")
        print(f"event to server : smtp-source    {both / limit:.2f}")
        print(f"memory of a process              {max(run['memory'] for run in runs) / 2**20:.0f} MiB\n")
        one = large(bench, options)
        print(f"1 event to {options.subscribers:,} subscribers, {options.page_size} a page: {one['rate']:,.0f} jobs/s, "
              f"{one['seconds']:.1f} s, {one['memory'] / 2**20:.0f} MiB at most, file {one['file'] / 2**20:.0f} MiB")
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps({"options": {"size": size, "sessions": options.sessions}, "ceiling": top,
                                                "runs": runs, "large": one}, indent=1) + "\n")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
