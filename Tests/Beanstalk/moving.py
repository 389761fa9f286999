#!/usr/bin/env python3
"""Moving in: `stint import` drains a beanstalkd, is killed again and again meanwhile, and no job is lost or moved twice.

    Tests/Beanstalk/moving.py .build/debug/stint [--jobs 100000] [--seed N]

The jobs are those of a real beanstalkd: ready, delayed and buried ones in several tubes. The import is killed with SIGKILL
after a random time and started again, until one comes to its end. In a second round a client works on the jobs there at the
same time. After that it is killed at each of its steps, and a client does some of the jobs before the next import.
"""

import argparse
import collections
import contextlib
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
from servers import BEANSTALKD, Server, Wire, dictionary  # noqa: E402

DEADLINE = 240


def fill(server, jobs, chance):
    """What was put: by its body (queue, state, priority, time to run)."""
    wire = Wire(server)
    put = {}
    shares = [("mail", "ready", 0.6), ("default", "ready", 0.33), ("later", "delayed", 0.035), ("bad", "buried", 0.035)]
    for tube, state, share in shares:
        wire.call(b"use %s\r\n" % tube.encode())
        count = max(1, int(jobs * share))
        for first in range(0, count, 500):
            lines, some = b"", range(first, min(count, first + 500))
            for number in some:
                body = b"%s-%d\x00\xff\r\n" % (tube.encode(), number)
                priority, ttr = chance.choice([0, 7, 1024, 4294967295]), chance.randint(60, 600)
                delay = chance.randint(5_000, 90_000) if state == "delayed" else 0
                put[body] = (tube, state, priority, ttr, delay)
                lines += b"put %d %d %d %d\r\n%s\r\n" % (priority, delay, ttr, len(body), body)
            wire.send(lines)
            for _ in some:
                line = wire.reply()[0]
                assert line.startswith(b"INSERTED "), line
        if state == "buried":
            wire.call(b"watch %s\r\n" % tube.encode())
            wire.call(b"ignore default\r\n")
            for _ in range(count):
                line, body = wire.call(b"reserve\r\n")
                identity = line.split()[1]
                priority = put[body[:-2]][2]
                assert wire.call(b"bury %s %d\r\n" % (identity, priority))[0] == b"BURIED\r\n"
    wire.close()
    return put


def here(database):
    """Every job in the database as (queue, state, priority, time to run, seconds to its start), by its body."""
    found = collections.defaultdict(list)
    with sqlite3.connect(database) as rows:
        query = """
            SELECT j.queue, j.state, j.priority, j.time_to_run_ms, j.run_at, s.payload, j.id
            FROM stint_job j JOIN stint_jobs s ON s.id = j.id"""
        for queue, state, priority, ttr, run_at, payload, identity in rows.execute(query):
            delay = run_at / 1000 - time.time() if run_at else 0
            found[bytes(payload)].append((queue, state, priority, ttr // 1000, delay, identity))
    return found


def run_import(stint, server, database, patience):
    """Its output, or None if it was killed after that many seconds; and what it said."""
    process = subprocess.Popen(
        [stint, "import", f"beanstalkd://127.0.0.1:{server.port}", "--db", database],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, error = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return None, process.communicate()[1]
    assert process.returncode == 0, f"stint import has ended with {process.returncode}: {error}"
    return out, error


def names(error):
    """The jobs that may run twice."""
    lines = [line for line in error.splitlines() if "may run twice: " in line]
    return {int(number) for line in lines for number in re.findall(r"(\d+) \(there \d+\)", line)}


class Client(threading.Thread):
    """Works on the jobs of a tube at that beanstalkd."""

    def __init__(self, server, tube, chance):
        super().__init__(daemon=True)
        self.wire, self.tube, self.chance = Wire(server), tube, chance
        self.done, self.ended = [], threading.Event()

    def run(self):
        self.wire.call(b"watch %s\r\n" % self.tube)
        while not self.ended.is_set():
            line, body = self.wire.call(b"reserve-with-timeout 0\r\n")
            if not line.startswith(b"RESERVED"):
                time.sleep(0.01)
                continue
            # Its work.
            time.sleep(0.005)
            if self.wire.call(b"delete %s\r\n" % line.split()[1])[0] == b"DELETED\r\n":
                self.done.append(body[:-2])
        self.wire.close()


def check(put, found, done, named):
    """What is wrong."""
    wrong = []
    done = collections.Counter(done)
    for body, (queue, state, priority, ttr, delay) in put.items():
        jobs = found.get(body, [])
        if len(jobs) + done[body] == 0:
            wrong.append(f"{body!r} is lost")
        elif len(jobs) + done[body] > 1 and not any(job[5] in named for job in jobs):
            wrong.append(f"{body!r} is here {len(jobs)} times and was done there {done[body]} times, and is not named")
        for job in jobs:
            if job[:4] != (queue, state, priority, ttr):
                wrong.append(f"{body!r} was {(queue, state, priority, ttr)} and is {job[:4]}")
            if abs(job[4] - delay) > DEADLINE + 60:
                wrong.append(f"{body!r} had a delay of {delay} s and has one of {job[4]:.0f} s")
    wrong += [f"{body!r} was never put" for body in found if body not in put]
    return wrong


def scenario(stint, jobs, seed, works_there):
    chance = random.Random(seed)
    with Server(BEANSTALKD, tcp=True) as server, tempfile.TemporaryDirectory(prefix="stint-moving-") as folder:
        database = os.path.join(folder, "stint.db")
        put = fill(server, jobs, chance)
        client = Client(server, b"mail", chance) if works_there else None
        if client:
            client.start()
        started, kills, named = time.monotonic(), 0, set()
        while True:
            assert time.monotonic() < started + DEADLINE, f"the import has not ended within {DEADLINE} s"
            # Longer and longer, so that one comes to its end.
            result = run_import(stint, server, database, chance.uniform(0.02, 0.5) * (1 + kills / 4))
            named |= names(result[1])
            if result[0] is not None:
                break
            kills += 1
        if client:
            client.ended.set()
            client.join()
        # What came, or was held by the client, meanwhile.
        named |= names(run_import(stint, server, database, DEADLINE)[1])
        statistics = dictionary(Wire(server).call(b"stats\r\n")[1])
        left = {key: int(statistics[f"current-jobs-{key}"]) for key in ("ready", "reserved", "delayed", "buried")}
        wrong = check(put, here(database), client.done if client else [], named)
        wrong += [f"{count} {state} jobs are still there" for state, count in left.items() if count]
        done = len(client.done) if client else 0
        print(f"{len(put)} jobs, {kills} kills, {done} done there meanwhile, {len(named)} named, "
              f"in {time.monotonic() - started:.1f} s: {len(wrong)} wrong")
        for text in wrong[:20]:
            print("  " + text)
        assert kills > 0, "no import was killed: give it more --jobs"
        return not wrong


class Proxy:
    """Forwards one connection to a beanstalkd, and none of it from the first command on that begins with `cut`."""

    def __init__(self, server, cut):
        self.cut, self.server = cut, server
        self.reached = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            server = self.server.connect()
            server.settimeout(None)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.forward, args=(source, target, source is client), daemon=True).start()

    def forward(self, source, target, to_server):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                # The import sends each group of commands at once, when the replies to those before it are there.
                if to_server and self.cut and data.startswith(self.cut):
                    self.reached.set()
                    # Until the import is dead.
                    while source.recv(1 << 16):
                        pass
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def cut(stint, step, restarts):
    """The import ends at a step; a client does half of the jobs there; another import comes to its end."""
    with Server(BEANSTALKD, tcp=True) as server, tempfile.TemporaryDirectory(prefix="stint-moving-") as folder:
        put, done = {}, []
        wire = Wire(server)
        for number in range(10):
            body = b"mail-%d\x00\xff\r\n" % number
            wire.call(b"put 7 0 60 %d\r\n%s\r\n" % (len(body), body))
            put[body] = ("default", "ready", 7, 60, 0)
        database = os.path.join(folder, "stint.db")
        proxy = Proxy(server, b"delete " if step == "deleting" else None)
        command = [stint, "import", f"beanstalkd://127.0.0.1:{proxy.port}", "--db", database]
        if step == "held":
            subprocess.run([stint, "pause", "stint-import-deleting", "--db", database], check=True, capture_output=True)
            with sqlite3.connect(database) as rows:
                rows.execute("""
                    CREATE TRIGGER cut BEFORE UPDATE OF queue_id ON stint_jobs
                    WHEN NEW.queue_id = (SELECT id FROM stint_queues WHERE name = 'stint-import-deleting')
                    BEGIN SELECT RAISE(ABORT, 'cut'); END""")
            ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
            assert ended.returncode != 0 and "cut" in ended.stderr, ended
            with sqlite3.connect(database) as rows:
                rows.execute("DROP TRIGGER cut")
        else:
            killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            assert proxy.reached.wait(DEADLINE), "the import deletes nothing"
            killed.kill()
            killed.wait()
        waiting = here(database)
        assert len(waiting) == len(put), f"{len(waiting)} jobs wait for their move and not {len(put)}"
        if restarts:
            # Without a log it forgets all of its jobs.
            server.stop(signal.SIGKILL)
            assert server.start(), server.said()
        else:
            for _ in range(5):
                line, body = eventually(lambda: wire.call(b"reserve-with-timeout 1\r\n"), lambda reply: reply[1])
                assert wire.call(b"delete %s\r\n" % line.split()[1])[0] == b"DELETED\r\n"
                done.append(body[:-2])
        proxy.cut = None
        last = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
        assert last.returncode == 0, last
        named = names(last.stderr)
        wrong = check(put, here(database), done, named)
        # What can be known is known.
        expected = len(put) if restarts else len(done) if step == "deleting" else 0
        if len(named) != expected:
            wrong.append(f"{len(named)} jobs are named and not {expected}")
        proxy.socket.close()
        print(f"killed when jobs are {step}, {'all lost' if restarts else 'some done'} there: {len(named)} named, {len(wrong)} wrong")
        for text in wrong:
            print("  " + text)
        return not wrong


def eventually(ask, good):
    started = time.monotonic()
    while not good(answer := ask()):
        assert time.monotonic() < started + DEADLINE, answer
    return answer


def second(stint):
    """While one import runs, another is refused: it would take what the first has under way for what a killed one has left."""
    with Server(BEANSTALKD, tcp=True) as server, tempfile.TemporaryDirectory(prefix="stint-moving-") as folder:
        put, wire = fill(server, 5_000, random.Random(1)), Wire(server)
        command = [stint, "import", f"beanstalkd://127.0.0.1:{server.port}", "--db", os.path.join(folder, "stint.db")]
        first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        started = time.monotonic()
        while not wire.call(b"stats-tube stint-import-runs\r\n")[0].startswith(b"OK"):
            assert time.monotonic() < started + 60 and first.poll() is None, "the first import was not seen"
        first.send_signal(signal.SIGSTOP)
        refused = subprocess.run(command, capture_output=True, text=True)
        first.send_signal(signal.SIGCONT)
        good = "another import" in refused.stderr and refused.returncode != 0 and first.wait(timeout=DEADLINE) == 0
        good = good and len(here(os.path.join(folder, "stint.db"))) == len(put)
        print("a second import is refused" if good else f"a second import was not refused: {refused}")
        return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("stint")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parsed = parser.parse_args()
    print(f"moving.py --seed {parsed.seed}", flush=True)
    stint = os.path.abspath(parsed.stint)
    good = [scenario(stint, parsed.jobs, parsed.seed + number, works) for number, works in enumerate((False, True))]
    good += [cut(stint, step, restarts) for step in ("held", "deleting") for restarts in (False, True)]
    if not all([*good, second(stint)]):
        sys.exit(f"again with --seed {parsed.seed}")


if __name__ == "__main__":
    main()
