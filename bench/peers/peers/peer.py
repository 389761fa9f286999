"""A peer of the comparison, and one run of it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fleet


class Skipped(Exception):
    """A peer that cannot run here; the message is the reason that the report gives."""


@dataclass(frozen=True)
class Surroundings:
    """Where the peers find what they need."""

    sources: Path
    # Holds all files and logs of this invocation.
    folder: Path
    # Holds the compiled clients.
    build: Path
    # The interpreter that has the packages of requirements.txt.
    python: Path
    # Holds honker's own installation.
    honker: Path
    stint_bench: Path
    # How many jobs a peer with a share of 1 gets.
    jobs: int
    # How long an enqueue may last, and how long the workers may work.
    seconds: float


@dataclass
class Run:
    """What one run of one peer measured. Without `failure` every job of it is accounted for."""

    jobs: int = 0
    enqueue_seconds: float = 0.0
    done: int = 0
    # From the gun to when the last worker had its last commit.
    seconds: float = 0.0
    each: list[int] = field(default_factory=list)
    left: int = 0
    failure: str | None = None

    @property
    def enqueue_rate(self) -> float:
        return self.jobs / self.enqueue_seconds

    @property
    def rate(self) -> float:
        return self.done / self.seconds


class Peer(ABC):
    """One row of the report."""

    # Whether an acknowledged enqueue and an acknowledged job survive a power cut.
    is_durable = True
    # Part of the jobs that it gets: slow peers get fewer, so that a run of the whole comparison ends in minutes.
    share = 1.0
    batch = 16
    settings = ""
    # The row of Stint that it is compared with: the one of the same batch, and 16 where a peer has no batches.
    baseline = "stint"

    def __init__(self, surroundings: Surroundings, name: str) -> None:
        self.surroundings = surroundings
        self.name = name
        self.version = ""
        self.durability = ""

    @abstractmethod
    def prepare(self) -> None:
        """Finds and compiles what it needs, sets `version` and `durability`. Raises Skipped if it cannot run."""

    @abstractmethod
    def place(self, folder: Path) -> AbstractContextManager[str]:
        """An empty queue: its file, port or connection, for the commands below."""

    @abstractmethod
    def fill_command(self, place: str, jobs: int) -> list[str]: ...

    @abstractmethod
    def worker_command(self, place: str, workers: int) -> list[str]: ...

    @abstractmethod
    def left(self, place: str) -> int:
        """How many jobs are not done after a run, whatever their state."""

    def processes(self, workers: int) -> int:
        return workers

    def filled(self, place: str) -> None:
        """Called between the enqueue and the workers."""

    def check(self, place: str, run: Run, reports: list[dict[str, Any]]) -> None:
        """What else this peer can tell. Raises fleet.RunFailed."""

    def close(self) -> None:
        """Stops what `prepare` started."""

    @property
    def jobs(self) -> int:
        return max(self.batch, round(self.surroundings.jobs * self.share))

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def run(self, workers: int, folder: Path) -> Run:
        run = Run()
        try:
            with self.place(folder) as place:
                self._measure(place, workers, folder, run)
        except (fleet.RunFailed, Skipped) as error:
            run.failure = str(error)
        return run

    def _measure(self, place: str, workers: int, folder: Path, run: Run) -> None:
        seconds = self.surroundings.seconds
        filled = fleet.call(self.fill_command(place, self.jobs), seconds, self.environment(), folder)
        run.jobs, run.enqueue_seconds = filled["jobs"], filled["seconds"]
        self.filled(place)
        # Otherwise the kernel writes the enqueued jobs back while the workers are measured.
        os.sync()
        reports = fleet.run_workers(self.worker_command(place, workers), self.processes(workers), seconds,
                                    self.environment(), folder)
        run.done = sum(report["done"] for report in reports)
        run.seconds = max(report["finished"] for report in reports) / 1e9
        run.each = [count for report in reports for count in report.get("each", [report["done"]])]
        run.left = self.left(place)
        if run.done + run.left != run.jobs:
            raise fleet.RunFailed(f"{run.done} jobs done and {run.left} left of {run.jobs}")
        if run.left > 0 and run.seconds < seconds:
            raise fleet.RunFailed(f"the workers ended after {run.seconds:.2f} s and left {run.left} jobs")
        self.check(place, run, reports)
