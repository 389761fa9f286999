"""pgqueuer: its own QueueManager in each process, on PostgreSQL through asyncpg, in its mode that drains the queue.

Its batch is 16, as that of the others; its default is 10. Its log of jobs that are done is on, as by default.
"""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version
from typing import Any

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

import bench


class PgQueuerQueue:
    def __init__(self, connection: str) -> None:
        self.url = connection
        self.runner = asyncio.Runner()
        self.connection: asyncpg.Connection | None = None

    async def open(self) -> Queries:
        if self.connection is None:
            self.connection = await asyncpg.connect(self.url)
        return Queries(AsyncpgDriver(self.connection))

    def facts(self) -> dict[str, str]:
        """Creates its tables, too: this is called once for each database."""
        async def install() -> None:
            await (await self.open()).install()

        self.runner.run(install())
        return {"version": f"pgqueuer {version('pgqueuer')}, asyncpg {version('asyncpg')}",
                "durability": "its durability level 'durable'"}

    def put(self, count: int) -> None:
        async def enqueue() -> None:
            queries = await self.open()
            await queries.enqueue(["bench"] * count, [bench.PAYLOAD.encode()] * count, [0] * count)

        self.runner.run(enqueue())

    def left(self) -> int:
        sys.exit("this is asked of PostgreSQL itself")

    def work(self, batch: int, seconds: float, workers: int, gun: bench.Gun) -> dict[str, Any]:
        return self.runner.run(self.drain(batch, seconds, gun))

    async def drain(self, batch: int, seconds: float, gun: bench.Gun) -> dict[str, Any]:
        await self.open()
        queue = PgQueuer(AsyncpgDriver(self.connection))
        done = 0

        @queue.entrypoint("bench")
        async def run(job: Job) -> None:
            nonlocal done
            done += 1

        gun.wait()
        timer = asyncio.get_running_loop().call_later(seconds, queue.shutdown.set)
        await queue.qm.run(batch_size=batch, mode=QueueExecutionMode.drain)
        timer.cancel()
        return {"done": done, "finished": gun.elapsed()}


if __name__ == "__main__":
    bench.main(PgQueuerQueue)
