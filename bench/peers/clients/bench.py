"""What the Python clients do alike: the command line, the gun, the reports.

    CLIENT facts FILE                          versions and the durability in effect, as JSON
    CLIENT fill FILE JOBS BATCH SECONDS        {"jobs": N, "seconds": S}
    CLIENT work FILE BATCH SECONDS WORKERS     "ready", then {"done": N, "finished": nanoseconds from the gun}
    CLIENT left FILE                           {"left": N}: jobs that are not done
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable, Protocol

PAYLOAD = "x" * 100


class Queue(Protocol):
    """A peer's queue, opened on a file or a server."""

    def facts(self) -> dict[str, str]: ...

    def put(self, count: int) -> None:
        """Returns when all are durable, as far as this peer's settings make them so."""

    def left(self) -> int: ...

    def work(self, batch: int, seconds: float, workers: int, gun: Gun) -> dict[str, Any]:
        """Calls `gun.wait` once, takes and acknowledges jobs until none is left or the time is up."""


class Gun:
    """The start of a run: one instant of the machine's monotonic clock, the same for all workers."""

    instant = 0

    def wait(self) -> None:
        """The queue is open by now; the time that a process takes to start is in no result."""
        print("ready", flush=True)
        self.instant = int(sys.stdin.readline())
        rest = (self.instant - time.monotonic_ns()) / 1e9
        if rest > 0:
            time.sleep(rest)

    def elapsed(self) -> int:
        return time.monotonic_ns() - self.instant

    def deadline(self, seconds: float) -> int:
        return self.instant + int(seconds * 1e9)


def fill(queue: Queue, jobs: int, batch: int, seconds: float) -> dict[str, Any]:
    start = time.monotonic_ns()
    limit = start + int(seconds * 1e9)
    put = 0
    while put < jobs and time.monotonic_ns() < limit:
        count = min(batch, jobs - put)
        queue.put(count)
        put += count
    return {"jobs": put, "seconds": (time.monotonic_ns() - start) / 1e9}


def main(open_queue: Callable[[str], Queue]) -> None:
    verb, place, *numbers = sys.argv[1:]
    queue = open_queue(place)
    if verb == "facts":
        answer: dict[str, Any] = queue.facts()
    elif verb == "fill":
        answer = fill(queue, int(numbers[0]), int(numbers[1]), float(numbers[2]))
    elif verb == "work":
        answer = queue.work(int(numbers[0]), float(numbers[1]), int(numbers[2]), Gun())
    elif verb == "left":
        answer = {"left": queue.left()}
    else:
        sys.exit(f"'{verb}' is no command: facts, fill, work or left is expected")
    print(json.dumps(answer), flush=True)


def synchronous_name(value: int) -> str:
    """The value of `PRAGMA synchronous`, in words."""
    return {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}[value]


def check(payloads: list[str]) -> None:
    """Every payload must come back."""
    if any(payload != PAYLOAD for payload in payloads):
        sys.exit("Error: a job came back with another payload")


def confirm(acked: int, jobs: int) -> None:
    """Every ack must be confirmed."""
    if acked != jobs:
        sys.exit(f"Error: {acked} of {jobs} acks were confirmed")
