"""Stint itself, through stint-bench: `Worker` on a `JobQueue`, as an application uses it."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Iterator

import fleet
from peers.peer import Peer, Run, Skipped, Surroundings


class Stint(Peer):
    # Of runs.
    numbers = itertools.count()

    def __init__(self, surroundings: Surroundings, name: str, batch: int, is_supervised: bool = False) -> None:
        super().__init__(surroundings, name)
        self.batch = batch
        self.settings = f"batch {batch}, one handler at a time in a process; acks ride with the next claim"
        # One supervisor that starts the worker processes and writes for them.
        self.is_supervised = is_supervised
        if is_supervised:
            self.settings += "; one supervisor writes for all workers"

    def processes(self, workers: int) -> int:
        return 1 if self.is_supervised else workers

    def prepare(self) -> None:
        program = self.surroundings.stint_bench
        if not os.access(program, os.X_OK):
            raise Skipped(f"there is no {program.name}: swift build -c release --product stint-bench")
        help_text = subprocess.run([program, "--help"], capture_output=True, text=True).stdout
        if " fill " not in help_text:
            raise Skipped(f"{program.name} has no `fill`: build it anew")
        commit = subprocess.run(["git", "-C", str(self.surroundings.sources), "rev-parse", "--short", "HEAD"],
                                capture_output=True, text=True).stdout.strip()
        self.version = f"Stint {commit or 'of an unknown commit'}, SQLite of the system"
        self.durability = "synchronous=FULL, write-ahead log"

    @contextmanager
    def place(self, folder: Path) -> Iterator[str]:
        yield str(folder / "stint.db")

    def fill_command(self, place: str, jobs: int) -> list[str]:
        return [str(self.surroundings.stint_bench), "fill", place, str(jobs), "--batch", str(self.batch)]

    def worker_command(self, place: str, workers: int) -> list[str]:
        if self.is_supervised:
            return self.supervisor_command(place, workers)
        # All of Assignment in bench/StintBench, as JSON.
        assignment = {
            "design": "stint", "database": place, "durability": "full", "seconds": self.surroundings.seconds,
            "batch": self.batch, "jobMicroseconds": 0, "payloadBytes": 100, "burst": 0, "warmUp": 0, "tasks": 1,
            "writeLock": "gate", "keepsIDs": True,
        }
        return [str(self.surroundings.stint_bench), "play", "worker", json.dumps(assignment)]

    def supervisor_command(self, place: str, workers: int) -> list[str]:
        # All of SupervisorRole in bench/StintBench, as JSON. It counts in a file that it makes.
        counts = self.surroundings.folder / f"counts-{self.name}-{workers}-{next(self.numbers)}"
        role = {
            "database": place, "durability": "full", "workers": workers, "batch": self.batch, "concurrency": 1,
            "isDirect": False, "warmUpSeconds": 0, "seconds": self.surroundings.seconds, "jobLimit": self.jobs,
            "counts": str(counts),
        }
        return [str(self.surroundings.stint_bench), "play", "supervisor", json.dumps(role)]

    def left(self, place: str) -> int:
        return self._integer(place, "SELECT count(*) FROM stint_jobs")

    def check(self, place: str, run: Run, reports: list[dict[str, Any]]) -> None:
        counted = self._integer(place, "SELECT sum(done) FROM stint_queues")
        if counted != run.done:
            raise fleet.RunFailed(f"{run.done} jobs done, and the file counts {counted}")
        leased = self._integer(place, "SELECT count(*) FROM stint_leased")
        if leased != 0:
            raise fleet.RunFailed(f"{leased} jobs are still leased")

    def _integer(self, place: str, query: str) -> int:
        with closing(sqlite3.connect(place)) as connection:
            return connection.execute(query).fetchone()[0]
