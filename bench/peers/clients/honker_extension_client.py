"""honker as its README has it for ORMs: its SQLite extension in a connection of the application's own.

So the application chooses the durability, here synchronous=FULL, and its transactions: the ack of a batch and the claim
of the next one are one commit. The connection's other settings are those of `honker.open`.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import time
from importlib.metadata import version
from typing import Any

import honker

import bench

PRAGMAS = ["journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -32000",
           "temp_store = MEMORY", "wal_autocheckpoint = 10000"]
QUEUE = "bench"
# The defaults of its queue.
MAX_ATTEMPTS = 3
VISIBILITY_SECONDS = 300


class HonkerExtensionQueue:
    def __init__(self, file: str) -> None:
        # The timeout is longer than sqlite3's 5 s, which 16 workers can exceed.
        self.connection = sqlite3.connect(file, timeout=30, isolation_level=None)
        for pragma in PRAGMAS:
            self.connection.execute(f"PRAGMA {pragma}")
        honker.load_extension(self.connection)
        self.value("SELECT honker_bootstrap()")
        self.worker = f"worker-{os.getpid()}"

    def value(self, query: str, *parameters: Any) -> Any:
        return self.connection.execute(query, parameters).fetchone()[0]

    def facts(self) -> dict[str, str]:
        synchronous = bench.synchronous_name(self.value("PRAGMA synchronous"))
        python = platform.python_version()
        return {
            "version": f"honker {version('honker')}, Python {python}, SQLite {sqlite3.sqlite_version}",
            "durability": f"synchronous={synchronous}, journal_mode={self.value('PRAGMA journal_mode')}",
        }

    def put(self, count: int) -> None:
        payload = json.dumps(bench.PAYLOAD)
        self.connection.execute("BEGIN IMMEDIATE")
        for _ in range(count):
            self.value("SELECT honker_enqueue(?, ?, NULL, NULL, 0, ?, NULL)", QUEUE, payload, MAX_ATTEMPTS)
        self.connection.execute("COMMIT")

    def left(self) -> int:
        return self.value("SELECT (SELECT count(*) FROM _honker_live) + (SELECT count(*) FROM _honker_dead)")

    def work(self, batch: int, seconds: float, workers: int, gun: bench.Gun) -> dict[str, Any]:
        done = 0
        gun.wait()
        deadline = gun.deadline(seconds)
        held = self.exchange([], batch)
        while held:
            acked = held
            held = self.exchange(acked, batch if time.monotonic_ns() < deadline else 0)
            done += len(acked)
        return {"done": done, "finished": gun.elapsed()}

    def exchange(self, acked: list[int], batch: int) -> list[int]:
        """Acknowledges jobs and takes up to `batch` others in one transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        if acked:
            bench.confirm(self.value("SELECT honker_ack_batch(?, ?)", json.dumps(acked), self.worker), len(acked))
        jobs = json.loads(self.value("SELECT honker_claim_batch(?, ?, ?, ?)", QUEUE, self.worker, batch,
                                     VISIBILITY_SECONDS)) if batch else []
        self.connection.execute("COMMIT")
        bench.check([json.loads(job["payload"]) for job in jobs])
        return [job["id"] for job in jobs]


if __name__ == "__main__":
    bench.main(HonkerExtensionQueue)
