"""honker as its README begins: `honker.open`, and its queue's methods that group jobs.

`honker.open` sets synchronous=NORMAL and has no option for another value. `claim_batch` and `ack_batch` are a
transaction each.
"""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from typing import Any

import honker

import bench


class HonkerQueue:
    def __init__(self, file: str) -> None:
        self.database = honker.open(file)
        self.queue = self.database.queue("bench")
        self.worker = f"worker-{os.getpid()}"

    def facts(self) -> dict[str, str]:
        python = platform.python_version()
        # Asked of the connection that writes, which `query` does not use.
        with self.database.transaction() as transaction:
            value = transaction.query("PRAGMA synchronous")[0]["synchronous"]
            journal = transaction.query("PRAGMA journal_mode")[0]["journal_mode"]
            library = transaction.query("SELECT sqlite_version() AS version")[0]["version"]
        return {
            "version": f"honker {version('honker')}, Python {python}, SQLite {library}",
            "durability": f"synchronous={bench.synchronous_name(value)}, journal_mode={journal}",
        }

    def put(self, count: int) -> None:
        with self.database.transaction() as transaction:
            for _ in range(count):
                self.queue.enqueue(bench.PAYLOAD, tx=transaction)

    def left(self) -> int:
        # Its view of all jobs, dead ones included.
        return self.database.query("SELECT count(*) AS count FROM _honker_jobs")[0]["count"]

    def work(self, batch: int, seconds: float, workers: int, gun: bench.Gun) -> dict[str, Any]:
        done = 0
        gun.wait()
        deadline = gun.deadline(seconds)
        while time.monotonic_ns() < deadline and (jobs := self.queue.claim_batch(self.worker, batch)):
            bench.check([job.payload for job in jobs])
            bench.confirm(self.queue.ack_batch([job.id for job in jobs], self.worker), len(jobs))
            done += len(jobs)
        return {"done": done, "finished": gun.elapsed()}


if __name__ == "__main__":
    bench.main(HonkerQueue)
