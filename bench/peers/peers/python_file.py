"""The Python queues in one SQLite file. Each client says how it uses its peer."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import fleet
from peers.peer import Surroundings
from peers.python_client import FACTS_SECONDS, PythonClient

SETTINGS = {
    "honker": "enqueue with tx=, claim_batch, ack_batch, a transaction each",
    "honker_extension": "its SQL functions; the ack of a batch and the claim of the next are one transaction",
    "huey": "its storage directly: enqueue, dequeue, one a commit; no ack: a dequeued job is deleted",
    "litequeue": "16 puts a transaction, pop one by one, 16 acks a transaction",
    "persist_queue": "SQLiteAckQueue, one job a commit; not safe between processes, so the workers are threads of one",
}


class PythonFile(PythonClient):
    # Most need one or two commits for each job.
    share = 0.1

    def __init__(self, surroundings: Surroundings, name: str, client: str, variables: dict[str, str] | None = None,
                 uses_threads: bool = False) -> None:
        super().__init__(surroundings, name, client, variables or {})
        self.settings = SETTINGS[client]
        self.uses_threads = uses_threads

    def prepare(self) -> None:
        facts = self.ask_facts(str(self.surroundings.folder / f"facts-{self.name}"))
        self.version, self.durability = facts["version"], facts["durability"]
        self.is_durable = "synchronous=FULL" in self.durability

    @contextmanager
    def place(self, folder: Path) -> Iterator[str]:
        yield str(folder / "queue")

    def processes(self, workers: int) -> int:
        return 1 if self.uses_threads else workers

    def left(self, place: str) -> int:
        return fleet.call(self.command("left", place), FACTS_SECONDS, self.environment(),
                          self.surroundings.folder)["left"]
