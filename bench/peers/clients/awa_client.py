"""awa-pg: its own runtime in each process, which is written in Rust, with handlers in Python.

A process runs up to AWA_WORKERS jobs at once. Enqueued by its `enqueue_many_copy`, 16 jobs a call. It does not say when
its queue is empty: a process ends when it got no job for a while, and its time ends with its last job. So the last
acknowledgements are in no number, which favours it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import awa

import bench

WORKERS = 64
IDLE_SECONDS = 0.5


@dataclass
class Bench:
    payload: str


class AwaQueue:
    def __init__(self, connection: str) -> None:
        self.url = connection
        self.runner = asyncio.Runner()
        self.client: awa.AsyncClient | None = None

    async def open(self) -> awa.AsyncClient:
        if self.client is None:
            self.client = awa.AsyncClient(self.url, 4)
        return self.client

    def facts(self) -> dict[str, str]:
        """Creates its tables, too: this is called once for each database."""
        async def migrate() -> None:
            client = await self.open()
            await client.migrate()
            await client.install_queue_storage()

        self.runner.run(migrate())
        return {"version": f"awa-pg {version('awa-pg')}", "durability": "as PostgreSQL above"}

    def put(self, count: int) -> None:
        async def enqueue() -> None:
            await (await self.open()).enqueue_many_copy([Bench(bench.PAYLOAD)] * count, queue="bench")

        self.runner.run(enqueue())

    def left(self) -> int:
        sys.exit("this is asked of PostgreSQL itself")

    def work(self, batch: int, seconds: float, workers: int, gun: bench.Gun) -> dict[str, Any]:
        return self.runner.run(self.drain(seconds, gun))

    async def drain(self, seconds: float, gun: bench.Gun) -> dict[str, Any]:
        client = await self.open()
        # Handlers run in several threads, and this needs no lock.
        ends: list[int] = []

        @client.task(Bench, queue="bench")
        async def run(job: Any) -> None:
            ends.append(time.monotonic_ns())

        gun.wait()
        await client.start([("bench", WORKERS)])
        deadline = gun.deadline(seconds)
        while time.monotonic_ns() < deadline:
            await asyncio.sleep(0.02)
            if time.monotonic_ns() - (ends[-1] if ends else gun.instant) > IDLE_SECONDS * 1e9:
                break
        await client.shutdown()
        await client.close()
        return {"done": len(ends), "finished": max(ends, default=gun.instant + 1) - gun.instant}


if __name__ == "__main__":
    bench.main(AwaQueue)
