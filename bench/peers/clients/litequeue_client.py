"""litequeue through its public interface: `put`, `pop`, `done`, and `transaction` where it can group.

`pop` begins a transaction of its own, so jobs are taken one by one; puts and acks are grouped by the batch.
With LITEQUEUE_SYNCHRONOUS=FULL its synchronous=NORMAL is raised after it has opened the file.
"""

from __future__ import annotations

import os
import sqlite3
import time
from importlib.metadata import version
from typing import Any

from litequeue import LiteQueue

import bench


class LitequeueQueue:
    def __init__(self, file: str) -> None:
        # The timeout is longer than sqlite3's 5 s, which 16 workers can exceed.
        self.queue = LiteQueue(file, timeout=30)
        if mode := os.environ.get("LITEQUEUE_SYNCHRONOUS"):
            self.queue.conn.execute(f"PRAGMA synchronous = {mode}")

    def facts(self) -> dict[str, str]:
        value = self.queue.conn.execute("PRAGMA synchronous").fetchone()[0]
        journal = self.queue.conn.execute("PRAGMA journal_mode").fetchone()[0]
        return {
            "version": f"litequeue {version('litequeue')}, SQLite {sqlite3.sqlite_version}",
            "durability": f"synchronous={bench.synchronous_name(value)}, journal_mode={journal}",
        }

    def put(self, count: int) -> None:
        with self.queue.transaction(mode="IMMEDIATE"):
            for _ in range(count):
                self.queue.put(bench.PAYLOAD)

    def left(self) -> int:
        return self.queue.qsize()

    def work(self, batch: int, seconds: float, workers: int, gun: bench.Gun) -> dict[str, Any]:
        done = 0
        gun.wait()
        deadline = gun.deadline(seconds)
        while time.monotonic_ns() < deadline:
            held: list[str] = []
            while len(held) < batch and (message := self.queue.pop()) is not None:
                held.append(message.message_id)
            if not held:
                break
            with self.queue.transaction(mode="IMMEDIATE"):
                for identifier in held:
                    self.queue.done(identifier)
            done += len(held)
        return {"done": done, "finished": gun.elapsed()}


if __name__ == "__main__":
    bench.main(LitequeueQueue)
