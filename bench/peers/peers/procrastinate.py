"""procrastinate, on the same PostgreSQL: its own workers."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import fleet
from peers.peer import Surroundings
from peers.postgresql import Server
from peers.python_client import PythonClient

DATABASE = "procrastinate"
# The number of its manual (howto/production/concurrency). 4, 10 and 30 do the same here, 1 does less.
CONCURRENCY = 30


class Procrastinate(PythonClient):
    # It claims and finishes every job by itself, in Python.
    share = 0.05

    def __init__(self, surroundings: Surroundings, server: Server) -> None:
        super().__init__(surroundings, "procrastinate", "procrastinate",
                         {"PROCRASTINATE_CONCURRENCY": str(CONCURRENCY)})
        self.server = server
        self.settings = (f"its worker, an async task, concurrency {CONCURRENCY} a process, done jobs are deleted; "
                         "batch_defer of 16")

    def prepare(self) -> None:
        self.server.start()
        self.server.query(f"CREATE DATABASE {DATABASE}")
        facts = self.ask_facts(self.server.connection(DATABASE))
        self.version, self.durability = f"{facts['version']}, {self.server.version}", "as PostgreSQL above"

    @contextmanager
    def place(self, folder: Path) -> Iterator[str]:
        self._empty()
        try:
            yield self.server.connection(DATABASE)
        finally:
            self._empty()

    def _empty(self) -> None:
        self.server.query("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE", "CHECKPOINT", database=DATABASE)

    def filled(self, place: str) -> None:
        self.server.query("ANALYZE procrastinate_jobs", database=DATABASE)

    def left(self, place: str) -> int:
        failed = self.server.query("SELECT count(*) FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing')",
                                   database=DATABASE)
        if failed != "0":
            raise fleet.RunFailed(f"{failed} of its jobs failed")
        return int(self.server.query("SELECT count(*) FROM procrastinate_jobs", database=DATABASE))

    def close(self) -> None:
        self.server.stop()
