"""`stint serve`, and those who look at it."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

# What is looked at; each also as JSON. Those without are addresses of their own.
PAGES = [
    "/", "/jobs", "/jobs?q=state:buried", "/jobs?q=queue:q-3+state:ready", "/jobs?q=name:newsletter.*", "/jobs?q=age:%3E1h",
    "/jobs?q=queue:q-3+header.tenant:t7", "/jobs?q=group:g-77", "/jobs?q=error:%22timed+out%22", "/jobs?q=nothing-has-this",
    "/jobs?q=state:buried&order=reverse", "/jobs?q=attempts:%3E3", "/errors", "/queues", "/queues/bench", "/queues/q-3",
    "/workers", "/schedules", "/operations", "/operations/new?action=kick&q=state:buried", "/doctor",
]
OTHERS = ["/metrics", "/health", "/ready", "/api/v1/stats", "/api/v1/queues", "/jobs/count?q=state:buried"]
LIVE = ["/", "/queues", "/jobs?q=state:buried", "/errors"]


def with_json(path: str) -> str:
    path, mark, query = path.partition("?")
    return ("/overview.json" if path == "/" else path + ".json") + mark + query


class Dashboard:
    def __init__(self, stint: Path, file: Path) -> None:
        self.process = subprocess.Popen([stint, "serve", "--db", file, "--web", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        match = re.match(r"http://(127\.0\.0\.1):(\d+)/", self.process.stdout.readline())
        if not match:
            raise SystemExit("`stint serve` has not printed its address")
        self.host, self.port = match[1], int(match[2])

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()

    @property
    def memory(self) -> int:
        """In MiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"^VmRSS:\s+(\d+)", status.read(), re.MULTILINE)[1]) // 1_024

    @property
    def processor_seconds(self) -> float:
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def processor_milliseconds(self) -> float:
        """Exact, over all threads that there are."""
        total = 0
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                with open(f"/proc/{self.process.pid}/task/{thread}/schedstat") as stat:
                    total += int(stat.read().split()[0])
            except OSError:
                pass
        return total / 1e6


def addresses(file_jobs: list[int]) -> list[str]:
    """All pages, and the pages of these jobs."""
    pages = PAGES + [f"/jobs/{job}" for job in file_jobs]
    return pages + [with_json(page) for page in pages] + OTHERS


class Requester:
    """Asks for one address after the other, on one connection."""

    def __init__(self, dashboard: Dashboard, paths: list[str]) -> None:
        self.paths = paths
        self.connection = http.client.HTTPConnection(dashboard.host, dashboard.port, timeout=60)
        self.times: dict[str, list[float]] = {path: [] for path in paths}
        self.next = 0

    def ask(self, path: str | None = None) -> None:
        """The next one, or this one."""
        if path is None:
            path = self.paths[self.next % len(self.paths)]
            self.next += 1
        start = time.monotonic()
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.monotonic() - start
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}: {body[:300]!r}")
        self.times[path].append(took)


class Looking:
    """Tabs that stay open, and a person who asks for some pages a second."""

    def __init__(self, dashboard: Dashboard, requester: Requester, rate: float) -> None:
        self.dashboard, self.requester, self.rate = dashboard, requester, rate
        self.ended = threading.Event()
        self.failure: BaseException | None = None
        self.events = 0
        self.threads = [threading.Thread(target=self.watch, args=(page,)) for page in LIVE]
        self.threads.append(threading.Thread(target=self.ask))

    def __enter__(self) -> Looking:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.ended.set()
        for thread in self.threads:
            thread.join()
        if self.failure:
            raise self.failure

    def ask(self) -> None:
        try:
            begin, count = time.monotonic(), 0
            while not self.ended.wait(max(0.0, begin + count / self.rate - time.monotonic())):
                self.requester.ask()
                count += 1
        except BaseException as error:
            self.failure = error

    def watch(self, page: str) -> None:
        try:
            with socket.create_connection((self.dashboard.host, self.dashboard.port)) as connection:
                page = page.replace("?", "%3F").replace("=", "%3D").replace("&", "%26")
                connection.sendall(f"GET /live?page={page} HTTP/1.1\r\nHost: {self.dashboard.host}\r\n\r\n".encode())
                connection.settimeout(0.2)
                while not self.ended.is_set():
                    try:
                        self.events += connection.recv(1 << 20).count(b"\nid: ")
                    except TimeoutError:
                        pass
        except BaseException as error:
            self.failure = error
