"""absurd-sdk: `work_batch` of its synchronous client in a loop, on PostgreSQL through psycopg.

Its schema comes from absurdctl, which has it in its package. It has no enqueue of several jobs: 16 calls are one
transaction.
"""

from __future__ import annotations

import os
import sys
import time
from importlib.metadata import version
from typing import Any

import psycopg
from absurd_sdk import Absurd
from absurdctl import BUNDLED_SCHEMA_SQL

import bench


class AbsurdQueue:
    def __init__(self, connection: str) -> None:
        self.connection = psycopg.connect(connection, autocommit=True)
        self.app = Absurd(self.connection, queue_name="bench")
        self.done = 0

        @self.app.register_task(name="bench")
        def run(params: Any, context: Any) -> None:
            self.done += 1

    def facts(self) -> dict[str, str]:
        """Creates its tables, too: this is called once for each database."""
        self.connection.execute(BUNDLED_SCHEMA_SQL)
        self.app.create_queue()
        return {"version": f"absurd-sdk {version('absurd-sdk')}, psycopg {version('psycopg')}",
                "durability": "as PostgreSQL above"}

    def put(self, count: int) -> None:
        with self.connection.transaction():
            for _ in range(count):
                self.app.spawn("bench", {"payload": bench.PAYLOAD})

    def left(self) -> int:
        sys.exit("this is asked of PostgreSQL itself")

    def work(self, batch: int, seconds: float, workers: int, gun: bench.Gun) -> dict[str, Any]:
        gun.wait()
        deadline = gun.deadline(seconds)
        while time.monotonic_ns() < deadline:
            before = self.done
            self.app.work_batch(worker_id=str(os.getpid()), batch_size=batch)
            if self.done == before:
                break
        return {"done": self.done, "finished": gun.elapsed()}


if __name__ == "__main__":
    bench.main(AbsurdQueue)
