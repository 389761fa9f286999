#!/usr/bin/env python3
"""What the server has answered is there after kill -9, at whatever moment it comes.

    Tests/Beanstalk/killed.py .build/debug/stint [--kills 40] [--seed N]

Clients put, reserve, delete, release, bury, kick and touch jobs at random, while the server is killed with SIGKILL and started
again on the same database. history.py then checks that the replies and the jobs that are left can have come about.
"""

import argparse
import collections
import os
import random
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
from history import Checker, History, check_checker  # noqa: E402
from servers import REPLY, START, Wire, dictionary  # noqa: E402

TUBES = ["a", "b"]
CLIENTS = 6
# So many jobs are in the queue at a time: few, so that clients meet at the same ones.
JOBS = 60
# Longer than any run.
FOR_EVER = 100_000


class StintServer:
    """`stint serve --beanstalk` on a Unix socket, with one database for all its lives."""

    def __init__(self, stint, folder):
        self.path, self.database = os.path.join(folder, "socket"), os.path.join(folder, "stint.db")
        self.log = os.path.join(folder, "log")
        self.command = [
            stint, "serve", "--beanstalk", f"unix:{self.path}", "--db", self.database, "--max-crashes", str(FOR_EVER)]

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(REPLY * 3)
        try:
            connection.connect(self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def wait(self):
        """Until it answers."""
        started = time.monotonic()
        while True:
            assert self.process.poll() is None, f"stint serve has ended with {self.process.returncode}: {self.said()}"
            assert time.monotonic() < started + START * 3, f"stint serve does not answer: {self.said()}"
            try:
                wire = Wire(self)
                answer = wire.call(b"list-tube-used\r\n")
                wire.close()
                if answer:
                    return
            except OSError:
                time.sleep(0.002)

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(timeout=60)

    def said(self):
        with open(self.log, errors="replace") as log:
            return log.read()[-2_000:]


class Run:
    def __init__(self, server, seed):
        self.server, self.seed, self.history = server, seed, History()
        self.life, self.connections = 1, 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.failure = None
        # The jobs that clients know of, the newest last.
        self.known = collections.deque(maxlen=JOBS)
        self.live = 0

    def fail(self, error):
        self.failure = self.failure or error
        self.over.set()

    def connection(self):
        """A connection to the server of this life as (wire, its number, its life); None if there is none."""
        life = self.life
        try:
            wire = Wire(self.server)
        except OSError:
            return None
        if self.life != life:
            wire.close()
            return None
        with self.lock:
            self.connections += 1
            return wire, self.connections, life


class Client(threading.Thread):
    def __init__(self, run, number):
        super().__init__(daemon=True)
        self.run_, self.chance = run, random.Random(run.seed * 1_000 + number)
        self.number, self.puts = number, 0
        self.wire, self.held = None, {}
        self.counts = collections.Counter()

    def run(self):
        try:
            while not self.run_.over.is_set():
                if self.wire is None and not self.connect():
                    time.sleep(0.005)
                    continue
                self.step()
            self.close()
        except Exception as error:  # the main thread says it
            self.run_.fail(error)

    def connect(self):
        found = self.run_.connection()
        if found is None:
            return False
        self.wire, self.connection, self.life = found
        self.held, self.tube = {}, "default"
        for line in ("watch a", "watch b", "ignore default"):
            if self.ask(line) is None:
                return False
        return True

    def close(self):
        if self.wire is None:
            return
        self.run_.history.note("close", self.connection)
        self.wire.close()
        self.wire = None

    def ask(self, line, body=None):
        """The reply as (words, body); None if the server has died before it came."""
        data = line.encode() + b"\r\n" + (body.encode() + b"\r\n" if body is not None else b"")
        try:
            reply = self.wire.call(data)
        except TimeoutError as error:
            raise AssertionError(f"no reply to {line!r}") from error
        except OSError:
            reply = None
        if reply is None:
            # It was killed, which the history knows.
            self.wire.close()
            self.wire = None
            return None
        return reply[0].decode().split(), reply[1][:-2]

    def call(self, verb, line, body=None, tubes=(), **more):
        """Writes down a command, sends it, and writes down the reply: its words and body, or None."""
        call = self.run_.history.call(self.connection, self.life, verb, body=body, tubes=tubes, **more)
        reply = self.ask(line, body)
        if reply is None:
            return None
        words, text = reply
        self.counts[words[0]] += 1
        seen = None
        if verb == "put":
            assert words[0] == "INSERTED", (line, words)
            seen = int(words[1])
            self.run_.known.append(seen)
        elif words[0] == "RESERVED":
            seen = (int(words[1]), text.decode())
            self.held[seen[0]] = True
        elif verb == "stats-job" and words[0] == "OK":
            values = dictionary(text + b"\r\n")
            seen = (values["state"], int(values["pri"]))
        self.run_.history.reply(call, words[0], seen)
        expected = {
            "reserve": ("RESERVED", "TIMED_OUT"), "reserve-job": ("RESERVED", "NOT_FOUND"), "delete": ("DELETED", "NOT_FOUND"),
            "release": ("RELEASED", "NOT_FOUND"), "bury": ("BURIED", "NOT_FOUND"), "touch": ("TOUCHED", "NOT_FOUND"),
            "kick-job": ("KICKED", "NOT_FOUND"), "kick": ("KICKED",), "stats-job": ("OK", "NOT_FOUND"), "put": ("INSERTED",),
        }[verb]
        assert words[0] in expected, f"{line!r} was answered with {' '.join(words)!r}"
        return reply

    # MARK: - What it does

    def step(self):
        chance = self.chance
        some = list(self.run_.known)
        job = chance.choice(some) if some else None
        mine = chance.choice(list(self.held)) if self.held else job
        kind = chance.choices(
            ["put", "reserve", "wait", "reserve-job", "delete", "delete any", "release", "bury", "touch", "kick-job", "kick",
             "stats-job", "close", "leave"],
            [16 if len(self.held) < 9 else 1, 22, 2, 5, 12, 3, 9, 9, 4, 8, 4, 8, 2, 2])[0]
        if kind == "put":
            return self.put()
        if kind in ("reserve", "wait"):
            return self.reserve(kind == "wait")
        if kind == "close":
            return self.close()
        if job is None:
            return None
        if kind == "reserve-job":
            return self.call(kind, f"reserve-job {job}", job=job)
        if kind in ("delete", "delete any"):
            chosen = mine if kind == "delete" else job
            return self.forget(chosen, self.call("delete", f"delete {chosen}", job=chosen))
        if kind == "release":
            priority, delay = self.priority(), self.delay()
            return self.forget(
                mine, self.call(kind, f"release {mine} {priority} {delay}", job=mine, priority=priority, delay=delay))
        if kind == "bury":
            priority = self.priority()
            return self.forget(mine, self.call(kind, f"bury {mine} {priority}", job=mine, priority=priority))
        if kind == "touch":
            return self.call(kind, f"touch {mine}", job=mine)
        if kind == "kick-job":
            return self.call(kind, f"kick-job {job}", job=job)
        if kind == "stats-job":
            return self.call(kind, f"stats-job {job}", job=job)
        if kind == "kick":
            if not self.use(chance.choice(TUBES)):
                return None
            return self.call(kind, f"kick {chance.randint(1, 3)}", tubes=(self.tube,))
        # It is gone before the reply.
        priority = self.priority()
        self.run_.history.call(self.connection, self.life, "bury", job=mine, priority=priority)
        try:
            self.wire.send(f"bury {mine} {priority}\r\n".encode())
        except OSError:
            pass
        return self.close()

    def priority(self):
        return self.chance.choice([0, 1, 1024, 4294967295])

    def delay(self):
        return self.chance.choice([0, 0, 0, FOR_EVER])

    def forget(self, job, reply):
        self.held.pop(job, None)
        return reply

    def use(self, tube):
        if self.tube != tube:
            if self.ask(f"use {tube}") is None:
                return False
            self.tube = tube
        return True

    def put(self):
        if not self.use(self.chance.choice(TUBES)):
            return
        self.puts += 1
        body = f"{self.number}-{self.puts}" + "x" * self.chance.choice([0, 10, 3_000])
        priority, delay = self.priority(), self.delay()
        self.call("put", f"put {priority} {delay} {FOR_EVER} {len(body)}", body=body, tubes=(self.tube,), priority=priority,
                  delay=delay)

    def reserve(self, waits):
        if not waits:
            self.call("reserve", "reserve-with-timeout 0", tubes=TUBES)
            return
        call = self.run_.history.call(self.connection, self.life, "reserve", tubes=TUBES)
        ends = False
        try:
            self.wire.send(b"reserve\r\n")
            if not select.select([self.wire.socket], [], [], self.chance.uniform(0, 0.1))[0]:
                # It waits no more. A job that has come meanwhile is given to it all the same, and then it is lost.
                ends = True
                self.run_.history.note("close", self.connection)
                self.wire.socket.shutdown(socket.SHUT_WR)
            reply = self.wire.reply()
        except TimeoutError as error:
            raise AssertionError("no reply to a reserve whose client has ended its output") from error
        except OSError:
            reply = None
        if reply is not None:
            words = reply[0].decode().split()
            assert words[0] in (("RESERVED", "TIMED_OUT") if ends else ("RESERVED",)), words
            self.counts[words[0]] += 1
            seen = (int(words[1]), reply[1][:-2].decode()) if words[0] == "RESERVED" else None
            self.run_.history.reply(call, words[0], seen)
            if not ends:
                self.held[seen[0]] = True
        if reply is None or ends:
            self.wire.close()
            self.wire = None


def look(run, jobs):
    """At jobs that clients held when the server died. Nothing else comes between the start and this."""
    found = run.connection()
    assert found, "the server that has just answered is gone"
    wire, connection, life = found
    for job in jobs:
        call = run.history.call(connection, life, "stats-job", job=job)
        line, body = wire.call(f"stats-job {job}\r\n".encode())
        seen = None
        if body:
            values = dictionary(body)
            seen = (values["state"], int(values["pri"]))
        run.history.reply(call, line.split()[0].decode(), seen)
    wire.close()


def left(database):
    """The jobs in the database, those that are over aside, as (state, priority, crashes, body) by their ids."""
    with sqlite3.connect(database) as rows:
        query = """
            SELECT j.id, j.state, j.priority, j.crashes, s.payload FROM stint_job j JOIN stint_jobs s ON s.id = j.id
            WHERE j.state <> 'done'"""
        return {job: (state, priority, crashes, bytes(body).decode()) for job, state, priority, crashes, body in rows.execute(query)}


def drain(server, jobs):
    """What is wrong with the order in which the ready ones of these jobs are handed out."""
    wire = Wire(server)
    for tube in TUBES:
        wire.call(f"watch {tube}\r\n".encode())
    ready = [job for job, (state, *_) in jobs.items() if state == "ready"]
    expected = sorted(ready, key=lambda job: (jobs[job][1], job))
    got = []
    while True:
        line, _ = wire.call(b"reserve-with-timeout 0\r\n")
        if not line.startswith(b"RESERVED"):
            break
        got.append(int(line.split()[1]))
    wire.close()
    return [] if got == expected else [f"the ready jobs are {expected} by priority and id, and were handed out as {got}"]


def scenario(stint, kills, seed):
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="stint-killed-") as folder:
        server = StintServer(stint, folder)
        server.start()
        started, looked = time.monotonic(), 0
        run = Run(server, seed)
        clients = []
        try:
            server.wait()
            clients = [Client(run, number) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            for kill in range(kills):
                # The moment of the kill is what is random here. Some come while the server starts.
                run.over.wait(chance.choice([0, chance.uniform(0, 0.3), chance.uniform(0, 1.2)]))
                if run.failure:
                    break
                held = [job for client in clients for job in list(client.held)]
                server.end(signal.SIGKILL)
                run.history.note("dead", run.life)
                run.life += 1
                server.start()
                if chance.random() < 0.9:
                    server.wait()
                    look(run, held)
                    looked += len(held)
            server.wait()
        finally:
            run.over.set()
            for client in clients:
                client.join(timeout=REPLY * 4)
            server.end(signal.SIGTERM)
        if run.failure:
            raise run.failure
        assert server.process.returncode == 0, server.said()
        jobs = left(server.database)
        problems = Checker(run.history).check(jobs)
        server.start()
        server.wait()
        problems += drain(server, jobs)
        server.end(signal.SIGTERM)
        counts = sum((client.counts for client in clients), collections.Counter())
        replies = ", ".join(f"{counts[name]} {name}" for name in sorted(counts))
        unanswered = sum(call.replied is None for call in run.history.calls)
        print(f"{kills} kills, {run.connections} connections, {len(run.history.calls)} commands, {unanswered} without a reply: "
              f"{replies}; {looked} jobs were held at a kill; {len(jobs)} jobs are left, in {time.monotonic() - started:.1f} s: "
              f"{len(problems)} wrong", flush=True)
        for problem in problems[:5]:
            print(problem)
        for name in ("INSERTED", "RESERVED", "DELETED", "RELEASED", "BURIED", "KICKED", "TOUCHED"):
            assert counts[name] > kills / 4, f"only {counts[name]} {name}: the run has tried too little"
        assert unanswered > 0 and looked > 0, "no kill has met a command or a held job: give it more --kills"
        return not problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("stint")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parsed = parser.parse_args()
    print(f"killed.py --kills {parsed.kills} --seed {parsed.seed}", flush=True)
    check_checker()
    if not scenario(os.path.abspath(parsed.stint), parsed.kills, parsed.seed):
        sys.exit(f"again with --kills {parsed.kills} --seed {parsed.seed}")


if __name__ == "__main__":
    main()
