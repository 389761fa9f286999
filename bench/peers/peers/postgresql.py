"""PostgreSQL with FOR UPDATE SKIP LOCKED: one cluster of the benchmark's own, with its normal durability."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator
from urllib.parse import quote

import fleet
from peers import server_process
from peers.peer import Peer, Skipped, Surroundings
from peers.toolchain import compile_client

STARTING_SECONDS = 30.0
# Besides the socket, only this differs from what initdb writes. 16 workers of procrastinate need 5 connections each; a
# slot that is not used costs nothing that could be measured.
CONFIGURATION = {"max_connections": "200", "listen_addresses": ""}
# What the report shows of the rest.
SHOWN = ["fsync", "synchronous_commit", "wal_sync_method", "full_page_writes", "shared_buffers", "autovacuum"]


class Server:
    """Started once, at the first use: a start costs more than a run. Between the runs it is idle."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.process: subprocess.Popen[bytes] | None = None
        self.sockets: Path | None = None
        self.problem: str | None = None
        self.version = ""
        self.facts = ""

    def start(self) -> None:
        """Raises Skipped, the second time with the same reason."""
        if self.problem:
            raise Skipped(self.problem)
        if self.process:
            return
        try:
            self._start()
        except Skipped as error:
            self.problem = str(error)
            self.stop()
            raise

    def _start(self) -> None:
        programs = newest_programs()
        # PostgreSQL refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        data = self.surroundings.folder / "postgresql"
        # A socket's path may have 107 bytes, fewer than many a folder has. No data is here.
        self.sockets = Path(tempfile.mkdtemp(prefix="stint-peers-"))
        data.mkdir(mode=0o700)
        if user:
            account = pwd.getpwnam(user)
            for folder in (data, self.sockets):
                os.chown(folder, account.pw_uid, account.pw_gid)
            if subprocess.run(["test", "-w", data], user=user, group=user, extra_groups=[], cwd="/").returncode != 0:
                raise Skipped(f"the user {user} may not enter {data}: name another folder with --directory")
        log = self.surroundings.folder / "postgresql.log"
        initialize = server_process.start(
            [f"{programs}/initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"],
            self.surroundings.folder / "initdb.log", user)
        if initialize.wait() != 0:
            text = (self.surroundings.folder / "initdb.log").read_text(errors="replace")
            raise Skipped(f"initdb fails: {fleet.last_line(text)}")
        options = {**CONFIGURATION, "unix_socket_directories": str(self.sockets)}
        command = [f"{programs}/postgres", "-D", str(data)]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        self.process = server_process.start(command, log, user)
        self.psql_program = f"{programs}/psql"
        self._wait(log)
        self.version = self.query("SELECT 'PostgreSQL ' || current_setting('server_version')")
        self.facts = ", ".join(f"{name}={self.query(f'SHOW {name}')}" for name in SHOWN)

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.query("SELECT 1")
                return
            except fleet.RunFailed:
                time.sleep(0.05)
        raise Skipped(f"its server does not start: {fleet.last_line(log.read_text(errors='replace'))}")

    def connection(self, database: str = "postgres") -> str:
        return f"host={self.sockets} user=postgres dbname={database}"

    def url(self, database: str) -> str:
        return f"postgres://postgres@{quote(str(self.sockets), safe='')}/{database}"

    def query(self, *statements: str, file: Path | None = None, database: str = "postgres") -> str:
        """Each statement by itself, so that it may be a CHECKPOINT."""
        command = [self.psql_program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.connection(database)]
        for statement in statements:
            command += ["-c", statement]
        if file:
            command += ["-f", str(file)]
        environment = {**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}
        result = subprocess.run(command, capture_output=True, text=True, env=environment)
        if result.returncode != 0:
            raise fleet.RunFailed(fleet.last_line(result.stderr))
        return result.stdout.strip()

    def stop(self) -> None:
        if self.process:
            server_process.stop(self.process)
            self.process = None
        if self.sockets:
            shutil.rmtree(self.sockets, ignore_errors=True)
            self.sockets = None


class PostgreSQL(Peer):
    def __init__(self, surroundings: Surroundings, name: str, server: Server, batch: int, form: str = "usual",
                 baseline: str = "stint") -> None:
        super().__init__(surroundings, name)
        self.server = server
        self.batch = batch
        self.form = form
        self.baseline = baseline if batch == 16 else f"{baseline}-{batch}"
        self.settings = (f"client in C; FOR UPDATE SKIP LOCKED, prepared, pipelined, batch {batch}; the ack of a batch "
                         "and the claim of the next are one round trip and one commit")
        if form == "tight":
            self.settings += "; narrow columns, a join by ctid, plans that do not depend on statistics"

    def prepare(self) -> None:
        self.client = compile_client(self.surroundings, "postgresql_client", libpq_flags())
        self.server.start()
        self.version, self.durability = self.server.version, self.server.facts

    @contextmanager
    def place(self, folder: Path) -> Iterator[str]:
        schema = "postgresql_schema.sql" if self.form == "usual" else f"postgresql_{self.form}.sql"
        self.server.query(file=self.surroundings.sources / "peers" / schema)
        try:
            yield self.server.connection()
        finally:
            # It must not write this later, in another peer's turn.
            self.server.query("DROP TABLE jobs", "CHECKPOINT")

    def fill_command(self, place: str, jobs: int) -> list[str]:
        return [str(self.client), "fill", self.form, place, str(jobs), str(self.batch), str(self.surroundings.seconds)]

    def filled(self, place: str) -> None:
        # Autovacuum would do it within a minute. Without statistics it may plan a claim as for an empty table.
        self.server.query("ANALYZE jobs")

    def worker_command(self, place: str, workers: int) -> list[str]:
        return [str(self.client), "work", self.form, place, str(self.batch), str(self.surroundings.seconds)]

    def left(self, place: str) -> int:
        return int(self.server.query("SELECT count(*) FROM jobs"))

    def close(self) -> None:
        self.server.stop()


def newest_programs() -> Path:
    """Debian keeps the server's programs out of the PATH, a folder a version."""
    def number(folder: Path) -> int:
        digits = re.search(r"\d+", folder.parent.name)
        return int(digits.group()) if digits else 0

    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=number)
    found = [folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()]
    if found:
        return found[-1]
    path = shutil.which("postgres")
    if path and shutil.which("initdb"):
        return Path(path).resolve().parent
    raise Skipped("PostgreSQL is not installed (Debian package postgresql)")


def libpq_flags() -> list[str]:
    configuration = shutil.which("pg_config")
    if configuration is None:
        raise Skipped("libpq is not installed (Debian package libpq-dev)")
    folders = [subprocess.run([configuration, f"--{what}"], capture_output=True, text=True).stdout.strip()
               for what in ("includedir", "libdir")]
    return [f"-I{folders[0]}", f"-L{folders[1]}", "-lpq"]
