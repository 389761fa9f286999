"""beanstalkd: a server of its own for each run, on a free loopback port, its binlog beside Stint's file."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import fleet
from peers import server_process
from peers.peer import Peer, Skipped, Surroundings
from peers.toolchain import compile_client, program

STARTING_SECONDS = 10.0


class Beanstalkd(Peer):
    def __init__(self, surroundings: Surroundings, name: str, sync: str | None) -> None:
        super().__init__(surroundings, name)
        self.sync = sync
        self.is_durable = sync == "0"
        # With a sync for every put and every delete it needs seconds for what the others do in one.
        self.share = 0.2 if self.is_durable else 1.0
        self.settings = "client in C; 16 puts a write, 16 deletes and the next 16 reserves a write"

    def prepare(self) -> None:
        self.server = program("beanstalkd", "beanstalkd is not installed (Debian package beanstalkd)")
        self.client = compile_client(self.surroundings, "beanstalkd_client", [])
        self.version = subprocess.run([self.server, "-v"], capture_output=True, text=True).stdout.strip()
        self.durability = {
            "0": "binlog, -f 0: a sync for every write",
            "50": "binlog, -f 50 (its default): a power cut takes up to 50 ms",
            None: "none: in memory",
        }[self.sync]

    @contextmanager
    def place(self, folder: Path) -> Iterator[str]:
        port = free_port()
        command = [self.server, "-l", "127.0.0.1", "-p", str(port)]
        if self.sync is not None:
            binlog = folder / "binlog"
            binlog.mkdir()
            command += ["-b", str(binlog), "-f", self.sync]
        log = folder / "beanstalkd.log"
        process = server_process.start(command, log)
        try:
            wait_for(port, process, log)
            yield str(port)
        finally:
            server_process.stop(process)

    def fill_command(self, place: str, jobs: int) -> list[str]:
        return [str(self.client), "fill", place, str(jobs), str(self.batch), str(self.surroundings.seconds)]

    def worker_command(self, place: str, workers: int) -> list[str]:
        return [str(self.client), "work", place, str(self.batch), str(self.surroundings.seconds)]

    def left(self, place: str) -> int:
        with socket.create_connection(("127.0.0.1", int(place)), timeout=10) as connection:
            connection.sendall(b"stats\r\n")
            with connection.makefile("rb") as answer:
                size = int(answer.readline().split()[1])
                lines = answer.read(size).decode().splitlines()
        counts = dict(line.split(": ", 1) for line in lines if ": " in line)
        return sum(int(counts[f"current-jobs-{state}"]) for state in ("ready", "reserved", "delayed", "buried"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    reason = fleet.last_line(log.read_text(errors="replace")) or "it does not say why"
    raise Skipped(f"its server does not start: {reason}")
