"""A queue from the Python Package Index on the same PostgreSQL, in a database of its own."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import fleet
from peers.peer import Surroundings
from peers.postgresql import Server
from peers.python_client import PythonClient


class PythonPostgres(PythonClient):
    def __init__(self, surroundings: Surroundings, name: str, server: Server, settings: str, left: str, share: float,
                 is_durable: bool = True) -> None:
        super().__init__(surroundings, name, name, {})
        self.server = server
        self.settings = settings
        # A query that counts the jobs that are not done.
        self.left_query = left
        self.share = share
        self.is_durable = is_durable

    def prepare(self) -> None:
        self.server.start()
        self._create()
        try:
            facts = self.ask_facts(self.server.url(self.name))
        finally:
            self._drop()
        self.version, self.durability = f"{facts['version']}, {self.server.version}", facts["durability"]

    @contextmanager
    def place(self, folder: Path) -> Iterator[str]:
        self._create()
        try:
            fleet.call(self.command("facts", self.server.url(self.name)), self.surroundings.seconds,
                       self.environment(), folder)
            yield self.server.url(self.name)
        finally:
            self._drop()

    def _create(self) -> None:
        self.server.query(f"CREATE DATABASE {self.name}")

    def _drop(self) -> None:
        # It must not write this later, in another peer's turn.
        self.server.query(f"DROP DATABASE {self.name} WITH (FORCE)", "CHECKPOINT")

    def filled(self, place: str) -> None:
        self.server.query("ANALYZE", database=self.name)

    def left(self, place: str) -> int:
        return int(self.server.query(self.left_query, database=self.name))

    def close(self) -> None:
        self.server.stop()
