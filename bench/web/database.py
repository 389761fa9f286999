"""A database with very many jobs, made by a few statements and not job by job."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

# Beside the queue `bench`, whose jobs the workers do.
QUEUES = 9
# A tenth is buried and a tenth delayed; of the rest a third belongs to `bench`.
BURIED_SHARE = DELAYED_SHARE = 0.1


def make(stint: Path, file: Path, jobs: int, groups: int) -> None:
    """`groups` groups of the waiting jobs, and as many groups of like errors of the buried ones."""
    subprocess.run([stint, "put", "--db", file, "--queue", "bench", "first"], check=True, stdout=subprocess.DEVNULL)
    buried, delayed = int(jobs * BURIED_SHARE), int(jobs * DELAYED_SHARE)
    ready = jobs - buried - delayed
    own = ready // 3
    now = time.time_ns() // 1_000_000

    # The fingerprint of an error has no numbers, so the groups differ by letters.
    word = " || ".join(f"char(97 + n % {groups} / {26 ** place} % 26)" for place in range(5))
    first_waiting, first_buried = own + 2, ready + delayed + 1
    group = f"1 + id % {groups}"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        # Without a journal: an unfinished file is thrown away.
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -524288", "locking_mode = EXCLUSIVE"):
            connection.execute(f"PRAGMA {setting}").fetchall()
        bench = connection.execute("SELECT id FROM stint_queues WHERE name = 'bench'").fetchone()[0]
        for statement in (
            "BEGIN",
            f"INSERT INTO stint_queues (id, name) SELECT {bench} + n, 'q-' || n FROM {_numbers(1, QUEUES)}",
            f"INSERT INTO stint_groups (id, queue_id, name) SELECT n, {bench + 1} + n % {QUEUES}, 'g-' || n "
            f"FROM {_numbers(1, groups)}",
            # Jobs of a group are in its queue.
            f"""INSERT INTO stint_jobs (id, queue_id, priority, max_attempts, max_crashes, enqueued_at, content_type,
                                        headers, payload)
                SELECT n, CASE WHEN n < {first_waiting} THEN {bench} ELSE {bench + 1} + (1 + n % {groups}) % {QUEUES} END,
                       1024, 10, 3, {now - 7_200_000} + n / 2000, 'application/json',
                       'job-name: newsletter.weekly' || char(10) || 'tenant: t' || (n % 1000),
                       CAST('{{"member":' || n || ',"issue":7,"text":"' || hex(randomblob(30)) || '"}}' AS BLOB)
                FROM {_numbers(2, jobs)}""",
            f"""INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect, group_id)
                SELECT queue_id, priority, id, 0, 0, 0, CASE WHEN id >= {first_waiting} THEN {group} END
                FROM stint_jobs WHERE id BETWEEN 2 AND {ready} ORDER BY queue_id, priority, id""",
            f"""INSERT INTO stint_delayed (job_id, queue_id, run_at, attempts, crashes, suspect, group_id)
                SELECT id, queue_id, {now} + 86400000 + id * 2654435761 % 1000000000, 1, 0, 0, {group}
                FROM stint_jobs WHERE id BETWEEN {ready + 1} AND {ready + delayed}""",
            f"""INSERT INTO stint_failures (job_id, attempt, at, kind, error)
                SELECT job_id, 1, {now}, 'failed', 'connect 10.0.0.' || job_id % 250 || ': timed out' FROM stint_delayed""",
            *_bury(bench, word, groups, now, first_buried, min(jobs, first_buried + groups - 1)),
            COUNT,
            "COMMIT",
        ):
            connection.execute(statement)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    # A reap groups the first burials by their errors; the others are as many of each group.
    while True:
        subprocess.run([stint, "reap", "--db", file], check=True, stdout=subprocess.DEVNULL)
        with closing(sqlite3.connect(file)) as connection:
            if connection.execute("SELECT count(*) FROM stint_buried WHERE error_group IS NULL").fetchone()[0] == 0:
                break
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -524288", "locking_mode = EXCLUSIVE"):
            connection.execute(f"PRAGMA {setting}").fetchall()
        for statement in (
            "BEGIN",
            f"CREATE TEMP TABLE grouped AS SELECT job_id % {groups} AS word, error_group FROM stint_buried",
            "CREATE UNIQUE INDEX temp.grouped_word ON grouped (word)",
            *_bury(bench, word, groups, now, first_buried + groups, jobs),
            f"""UPDATE stint_buried SET error_group = (SELECT error_group FROM grouped WHERE word = job_id % {groups})
                WHERE error_group IS NULL""",
            """UPDATE stint_error_groups SET buried = (
                   SELECT count(*) FROM stint_buried b WHERE b.error_group = stint_error_groups.error_group
                       AND (stint_error_groups.queue_id = 0 OR b.queue_id = stint_error_groups.queue_id))""",
            COUNT,
            "COMMIT",
        ):
            connection.execute(statement)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    # Otherwise the kernel writes it back while something is measured.
    with open(file, "r+b") as opened:
        os.fsync(opened.fileno())


def _numbers(first: int, last: int) -> str:
    # None if the last is below the first.
    return (f"(WITH RECURSIVE n(n) AS (SELECT {first} WHERE {first} <= {last} "
            f"UNION ALL SELECT n + 1 FROM n WHERE n < {last}) SELECT n FROM n)")


def _bury(bench: int, word: str, groups: int, now: int, first: int, last: int) -> list[str]:
    return [
        f"""INSERT INTO stint_buried (job_id, queue_id, buried_at, attempts, crashes, reason)
            SELECT n, {bench + 1} + (1 + n % {groups}) % {QUEUES}, {now}, 10, 0,
                   'no attempts left (10 of 10), last: cannot send ' || n || ' to ' || {word}
            FROM {_numbers(first, last)}""",
        f"""INSERT INTO stint_failures (job_id, attempt, at, kind, error)
            SELECT n, 10, {now}, 'failed', 'cannot send ' || n || ' to ' || {word} FROM {_numbers(first, last)}""",
    ]


# Stint keeps its counts; here they are counted once.
COUNT = """UPDATE stint_queues SET ready = (SELECT count(*) FROM stint_ready WHERE queue_id = stint_queues.id),
                                   delayed = (SELECT count(*) FROM stint_delayed WHERE queue_id = stint_queues.id),
                                   buried = (SELECT count(*) FROM stint_buried WHERE queue_id = stint_queues.id)"""


def facts(file: Path) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as connection:
        def count(query: str) -> int:
            return connection.execute(query).fetchone()[0]

        return {
            "jobs": count("SELECT count(*) FROM stint_jobs"),
            "buried": count("SELECT count(*) FROM stint_buried"),
            "groups": count("SELECT count(*) FROM stint_groups"),
            "errorGroups": count("SELECT count(DISTINCT error_group) FROM stint_error_groups"),
            "bytes": file.stat().st_size,
        }


def ready(file: Path, queue: str) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT ready FROM stint_queues WHERE name = ?", (queue,)).fetchone()[0]
