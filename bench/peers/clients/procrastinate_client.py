"""procrastinate: its own worker in each process, on PostgreSQL through psycopg.

The task is async, as its manual advises for many short jobs. PROCRASTINATE_CONCURRENCY jobs run at once in a process;
its default is 1, and more let it fetch one job while it finishes another. Jobs that succeeded are deleted, as Stint
does. Enqueued with `batch_defer`: one statement for a batch.
"""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import version
from typing import Any

import procrastinate

import bench

CONCURRENCY = int(os.environ.get("PROCRASTINATE_CONCURRENCY", "1"))


class ProcrastinateQueue:
    def __init__(self, connection: str) -> None:
        self.app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=connection))
        self.done = 0

        @self.app.task(queue="bench", name="bench")
        async def run(payload: str) -> None:
            self.done += 1

        self.task = run
        self.opened = False

    def open(self) -> None:
        if not self.opened:
            self.app.open()
            self.opened = True

    def facts(self) -> dict[str, str]:
        """Creates its tables, too: this is called once, before the first run."""
        self.open()
        self.app.schema_manager.apply_schema()
        self.app.close()
        return {"version": f"procrastinate {version('procrastinate')}, psycopg {version('psycopg')}"}

    def put(self, count: int) -> None:
        self.open()
        self.task.batch_defer(*({"payload": bench.PAYLOAD} for _ in range(count)))

    def left(self) -> int:
        sys.exit("this is asked of PostgreSQL itself")

    def work(self, batch: int, seconds: float, workers: int, gun: bench.Gun) -> dict[str, Any]:
        return asyncio.run(self.drain(seconds, gun))

    async def drain(self, seconds: float, gun: bench.Gun) -> dict[str, Any]:
        async with self.app.open_async():
            await self.app.check_connection_async()
            gun.wait()
            worker = self.app.run_worker_async(
                queues=["bench"], wait=False, concurrency=CONCURRENCY, delete_jobs="successful",
                install_signal_handlers=False)
            try:
                # At the limit it is cancelled, which for its worker means: finish what runs, take no more.
                await asyncio.wait_for(worker, seconds)
            except asyncio.TimeoutError:
                pass
            return {"done": self.done, "finished": gun.elapsed()}


if __name__ == "__main__":
    bench.main(ProcrastinateQueue)
