"""huey's SQLite storage, used directly: its consumer adds serialization, a scheduler and results to every job, and the
least of what is measured here is asked of huey this way.

It does less than the others: `dequeue` deletes the job, so one that its worker was running when it died is lost. There
is no ack that could be measured. It has no way to enqueue or take several jobs in one transaction either.
"""

from __future__ import annotations

import sqlite3
import time
from importlib.metadata import version
from typing import Any

from huey import SqliteHuey

import bench


class HueyQueue:
    def __init__(self, file: str) -> None:
        # fsync=True is its durable setting. The timeout is longer than its 5 s, which 16 workers can exceed.
        self.storage = SqliteHuey("bench", filename=file, fsync=True, timeout=30).storage
        self.payload = bench.PAYLOAD.encode()

    def facts(self) -> dict[str, str]:
        value = self.storage.sql("pragma synchronous", results=True)[0][0]
        journal = self.storage.sql("pragma journal_mode", results=True)[0][0]
        return {
            "version": f"huey {version('huey')}, SQLite {sqlite3.sqlite_version}",
            "durability": f"fsync=True: synchronous={bench.synchronous_name(value)}, journal_mode={journal}",
        }

    def put(self, count: int) -> None:
        for _ in range(count):
            self.storage.enqueue(self.payload)

    def left(self) -> int:
        return self.storage.queue_size()

    def work(self, batch: int, seconds: float, workers: int, gun: bench.Gun) -> dict[str, Any]:
        dequeue = self.storage.dequeue
        self.storage.queue_size()  # opens its connection
        done = 0
        gun.wait()
        deadline = gun.deadline(seconds)
        while time.monotonic_ns() < deadline and dequeue() is not None:
            done += 1
        return {"done": done, "finished": gun.elapsed()}


if __name__ == "__main__":
    bench.main(HueyQueue)
