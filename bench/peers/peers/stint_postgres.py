"""Stint in a database of the same PostgreSQL server, through stint-bench."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import fleet
from peers.peer import Run, Surroundings
from peers.postgresql import Server
from peers.stint import Stint

DATABASE = "stint"


class StintPostgres(Stint):
    """`Worker` on a `JobQueue`, or the store's own verb without a worker above it."""

    def __init__(self, surroundings: Surroundings, name: str, server: Server, batch: int, is_store: bool = False,
                 is_supervised: bool = False) -> None:
        super().__init__(surroundings, name, batch, is_supervised)
        self.server = server
        self.is_store = is_store
        if is_store:
            self.settings = f"batch {batch}, JobStore.exchange in a loop, without a worker"

    def prepare(self) -> None:
        super().prepare()
        self.server.start()
        self.version = self.version.split(",")[0]
        self.durability = f"{self.server.version}; {self.server.facts}"

    @contextmanager
    def place(self, folder: Path) -> Iterator[str]:
        self.server.query(f"CREATE DATABASE {DATABASE}")
        try:
            yield self.server.url(DATABASE)
        finally:
            # It must not write this later, in another peer's turn.
            self.server.query(f"DROP DATABASE {DATABASE} WITH (FORCE)", "CHECKPOINT")

    def worker_command(self, place: str, workers: int) -> list[str]:
        if self.is_supervised:
            return self.supervisor_command(place, workers)
        assignment = {
            "design": "stint-exchange" if self.is_store else "stint", "database": place, "durability": "full",
            "seconds": self.surroundings.seconds, "batch": self.batch,
        }
        return [str(self.surroundings.stint_bench), "play", "worker", json.dumps(assignment)]

    def left(self, place: str) -> int:
        return self._count("SELECT count(*) FROM stint.jobs")

    def check(self, place: str, run: Run, reports: list[dict[str, Any]]) -> None:
        counted = self._count("SELECT sum(done) FROM stint.tallies")
        if counted != run.done:
            raise fleet.RunFailed(f"{run.done} jobs done, and the database counts {counted}")
        leased = self._count("SELECT count(*) FROM stint.leases")
        if leased != 0:
            raise fleet.RunFailed(f"{leased} leases are left")

    def _count(self, query: str) -> int:
        return int(self.server.query(query, database=DATABASE))
