"""persist-queue's SQLiteAckQueue, with threads in place of worker processes.

Its `get` selects a row and updates it in a second transaction, guarded by a lock of its own process only: two processes
take the same job, and its maintainer says so ("working for multi-threading, not multi-process", issue 152). So what it
promises is run: one process, one queue with multithreading=True, a thread a worker.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from importlib.metadata import version
from typing import Any

from persistqueue import Empty, SQLiteAckQueue

import bench

# How many acknowledged jobs gather before they are removed: clear_acked_data is for the application to call, and
# without it every get walks past all jobs that are done.
CLEAR_EVERY = 500


class PersistQueue:
    def __init__(self, file: str) -> None:
        self.queue = SQLiteAckQueue(file, multithreading=True)

    def facts(self) -> dict[str, str]:
        # It opens the file with the default of the SQLite library; this connection has the same.
        connection = sqlite3.connect(f"{self.queue.path}/{self.queue.db_file_name}")
        value = connection.execute("PRAGMA synchronous").fetchone()[0]
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
        return {
            "version": f"persist-queue {version('persist-queue')}, SQLite {sqlite3.sqlite_version}",
            "durability": f"synchronous={bench.synchronous_name(value)}, journal_mode={journal}",
        }

    def put(self, count: int) -> None:
        for _ in range(count):
            self.queue.put(bench.PAYLOAD)

    def left(self) -> int:
        return self.queue.size + self.queue.unack_count()

    def work(self, batch: int, seconds: float, workers: int, gun: bench.Gun) -> dict[str, Any]:
        each = [0] * workers
        started = threading.Event()

        def run(index: int) -> None:
            started.wait()
            while time.monotonic_ns() < gun.deadline(seconds):
                try:
                    job = self.queue.get(block=False, raw=True)
                except Empty:
                    return
                self.queue.ack(job)
                each[index] += 1
                if each[index] % CLEAR_EVERY == 0:
                    self.queue.clear_acked_data(max_delete=0, keep_latest=0)

        threads = [threading.Thread(target=run, args=(index,)) for index in range(workers)]
        for thread in threads:
            thread.start()
        gun.wait()
        started.set()
        for thread in threads:
            thread.join()
        return {"done": sum(each), "each": each, "finished": gun.elapsed()}


if __name__ == "__main__":
    bench.main(PersistQueue)
