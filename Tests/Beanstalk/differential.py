"""Gives beanstalkd and Stint the same commands, and compares the replies.

    Tests/Beanstalk/setup && python3 Tests/Beanstalk/differential.py .build/debug/stint [--seed N] [--sequences N] [--timed N] [--oracle PATH]

A sequence is some dozens of commands on one to four connections. Half of the sequences have malformed commands among
them. Replies must be equal byte for byte but for the ids of jobs, which are numbered by their order; ages and times left,
which may differ by a second; and what belongs to a process (pid, processor time, its random id). After a connection has
closed, the statistics of both servers must become equal.

Timed sequences have delays, TTRs, pauses and timeouts that come to their end. Of those a difference must show three times, since
beanstalkd 1.12 does not see each end in time.

If replies differ, the sequence is made as short as possible on new servers, and what was sent and received is printed.
"""

import argparse
import concurrent.futures
import os
import random
import re
import select
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from servers import BEANSTALKD, REPLY, Server, Wire  # noqa: E402

# What Stint does differently on purpose: the reason, what shows it (connection, bytes, count of replies), and both servers'
# replies. The examples are
# run too, so that this list says the truth; the generator makes nothing of the kind. docs/beanstalkd.md has the same list.
INTENDED = [
    (
        "longest times",
        "The store's longest delay and time to run are 100 years (3,162,240,000 seconds), and longer ones become that.",
        [(0, b"put 0 0 4294967295 1\r\nx\r\nstats-job 1\r\n", 2)],
        rb"INSERTED 1\r\nOK \d+\r\n.*\nttr: 4294967295\n.*", rb"INSERTED 1\r\nOK \d+\r\n.*\nttr: 3162240000\n.*",
    ),
    (
        "jobs that become ready together",
        "Several jobs that one kick or the end of one connection makes ready become so in one transaction, and a client that "
        "waits gets the most urgent of them; so it is with jobs that are put at once. beanstalkd makes them ready one by one, and "
        "the client gets the first.",
        [
            (0, b"put 5 20 60 1\r\nx\r\nput 5 10 60 1\r\ny\r\n", 2), (1, b"use a\r\nreserve\r\n", 1), (0, b"kick 2\r\n", 1),
            (1, b"", 1),
        ],
        rb"INSERTED 1\r\nINSERTED 2\r\nUSING a\r\nKICKED 2\r\nRESERVED 2 1\r\ny\r\n",
        rb"INSERTED 1\r\nINSERTED 2\r\nUSING a\r\nKICKED 2\r\nRESERVED 1 1\r\nx\r\n",
    ),
]

TUBES = ["default", "a", "Tube-2", "n" * 200, "x/y+z;1.$_()"]
PRIORITIES = [0, 1, 2, 5, 1023, 1024, 1 << 31, (1 << 32) - 1]
LONGEST = 3_162_240_000
NO_JOB = 888_888_888
UNKNOWN_IDS = [0, 999_999_999, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
MAX_JOB = 65_535
# Statistics that belong to a process and not to what it was told.
OF_THE_PROCESS = {
    b"pid": rb"\d+", b"rusage-utime": rb"\d+\.\d{6}", b"rusage-stime": rb"\d+\.\d{6}", b"id": rb"[0-9a-f]{16}",
    b"binlog-oldest-index": rb"\d+", b"binlog-current-index": rb"\d+", b"binlog-records-migrated": rb"\d+",
    b"binlog-records-written": rb"\d+", b"binlog-max-size": rb"\d+", b"uptime": rb"\d+", b"version": rb'"\S+"',
}
# Statistics that may differ by one, since a second may pass between the two servers.
TIMES = {b"age", b"time-left", b"pause-time-left"}
# Ids in streams have this many digits on both servers, since a malformed command may take one for a body or a tube's name.
DIGITS_IN_STREAMS = 12
# For so long a reply to a connection that waits is awaited after each step. Later ones are found after the next step.
QUIET = 0.004
# A sequence without waiting must be faster, or the TTRs of a second in it mean something else.
FASTEST_DEADLINE = 0.8
# All commands of a moment of a timed sequence must be sent within so many seconds.
LATEST = 0.15
# The moments of timed sequences, in seconds. What begins at one of them ends whole seconds later, and never near another one, nor
# at the time of anything else: other durations are 1 and 4, a TTR is 3, its safety margin begins after 2.
MOMENTS = (0, 1.4, 2.7, 4.2)
DURATIONS = (1, 4)
TIMED_TTR = 3
LAST_MOMENT = 7.55
NUDGES = (0.01, 0.025, 0.05)


class Difference(Exception):
    pass


class Late(Exception):
    """The machine was too slow for what the sequence assumes."""


class Side:
    """One of the two servers."""

    def __init__(self, name, program):
        self.name = name
        self.server = Server(program)
        self.ids = []
        self.polls = 0

    def forget(self):
        self.ids = []

    def fill_in(self, parts, digits):
        """The bytes to send. Jobs are named by their order, and ids have at least so many digits."""
        data = b""
        for part in parts:
            if isinstance(part, int):
                data += b"%0*d" % (digits, self.ids[part] if part < len(self.ids) else 999_999_999)
            else:
                data += part
        return data

    def normal(self, reply):
        """A reply in which ids are replaced by their order, and the times in it apart."""
        if reply is None:
            return b"(closed)", []
        line, body = (self.without_ids(part) for part in reply)
        words = line.split()
        times = []
        if words[:1] == [b"INSERTED"]:
            self.ids.append(int(words[1]))
            line = b"INSERTED #%d\r\n" % len(self.ids)
        elif words[:1] in ([b"RESERVED"], [b"FOUND"]):
            line = b"%s %s %s\r\n" % (words[0], self.ordinal(words[1]), words[2])
        elif words[:1] == [b"OK"]:
            if not body.startswith(b"---\n") or not body.endswith(b"\n\r\n"):
                return line + body, []
            line = b"OK (size)\r\n"
            is_server, is_job = b"\npid: " in body, b"\ntime-left: " in body
            rows = body.split(b"\n")
            for index, row in enumerate(rows):
                key, colon, value = row.partition(b": ")
                if not colon:
                    continue
                if key in TIMES:
                    times.append(int(value))
                    value = b"(time)"
                elif is_server and key in OF_THE_PROCESS and re.fullmatch(OF_THE_PROCESS[key], value):
                    value = b"(of the process)"
                elif is_server and key == b"cmd-stats":
                    value = b"%d" % (int(value) - self.polls)
                elif is_job and key == b"id":
                    value = self.ordinal(value)
                rows[index] = key + colon + value
            body = b"\n".join(rows)
        return line + body, times

    def without_ids(self, part):
        """Ids that a malformed command has taken for a body or for a tube's name are replaced too."""
        for number, id in enumerate(self.ids):
            part = part.replace(b"%0*d" % (DIGITS_IN_STREAMS, id), b"#%d" % (number + 1))
        return part

    def ordinal(self, word):
        return b"#%d" % (self.ids.index(int(word)) + 1) if int(word) in self.ids else b"#unknown"


def equal(one, other):
    (text, times), (other_text, other_times) = one, other
    return text == other_text and len(times) == len(other_times) and all(
        abs(a - b) <= 1 for a, b in zip(times, other_times))


class Pair:
    """Both servers, and the connections of a sequence to each."""

    def __init__(self, oracle, stint):
        self.sides = [Side("beanstalkd", oracle)]
        try:
            self.sides.append(Side("stint", stint))
        except BaseException:
            self.end()
            raise
        self.control = [Wire(side.server) for side in self.sides]
        self.wires = []

    def end(self):
        for side in self.sides:
            side.server.__exit__()

    def run(self, sequence):
        """Raises Difference if the replies are not equal. What was said until then is in `self.said`."""
        self.said = []
        self.waiting = None
        self.dirty = True
        for side in self.sides:
            side.forget()
        self.held = [0] * sequence.connections
        self.wires = [self.open() for _ in range(sequence.connections)]
        begin = time.monotonic()
        for step in sequence.steps:
            self.step(sequence, step, begin)
        if not sequence.is_timed and time.monotonic() - begin > FASTEST_DEADLINE and sequence.has_short_times:
            raise Late()
        self.clean()
        self.dirty = False

    def step(self, sequence, step, begin):
        kind, connection, *rest = step
        if kind == "until":
            self.moment = begin + connection
            return self.wait_until(begin, connection)
        if sequence.is_timed and time.monotonic() > self.moment + LATEST:
            raise Late()
        if self.waiting == connection and kind not in ("close", "half"):
            return  # it cannot send before its reply
        if self.waiting is not None and self.makes_jobs_ready_together(step):
            return  # see INTENDED
        getattr(self, kind)(connection, *rest)
        # What comes after the end of a connection finds its jobs ready, also without this.
        if kind in ("stream", "half"):
            self.settle()
        self.poll()

    def makes_jobs_ready_together(self, step):
        kind, connection, *rest = step
        if kind in ("close", "quit", "half") and self.held[connection] > 1:
            return True
        return kind == "stream" or kind == "call" and (rest[1] > 1 or any(
            b"kick " in part for parts in rest[0] for part in parts if isinstance(part, bytes)))

    # Steps

    def call(self, connection, pieces, replies=1):
        """Sends these pieces one by one, and waits for so many replies."""
        sent = self.send(connection, pieces)
        for _ in range(replies):
            self.compare(connection, sent, [wire.reply for wire in self.wires[connection]])
            sent = None

    def wait(self, connection, parts):
        """A reserve that may have to wait."""
        if self.waiting is None:
            self.said.append((connection, self.send(connection, [parts]), None, None))
            self.waiting = connection

    def close(self, connection):
        """Closes it, and opens another one in its place."""
        self.said.append((connection, "closes", None, None))
        for wire in self.wires[connection]:
            wire.close()
        self.reopen(connection)

    def quit(self, connection, parts):
        sent = self.send(connection, [parts])
        self.compare(connection, sent, [wire.reply for wire in self.wires[connection]])
        self.reopen(connection)

    def half(self, connection):
        """No more is sent, and all replies are read."""
        self.stream(connection, [])

    def stream(self, connection, pieces):
        """Bytes of which nobody says how many replies they have: then no more is sent, and all replies are read."""
        sent = self.send(connection, pieces, digits=DIGITS_IN_STREAMS) if pieces else "sends no more"
        for wire in self.wires[connection]:
            wire.socket.shutdown(socket.SHUT_WR)
        while self.compare(connection, sent, [wire.reply for wire in self.wires[connection]]) != b"(closed)":
            sent = None
        self.reopen(connection)

    # Parts of steps

    def send(self, connection, pieces, digits=1):
        for number, parts in enumerate(pieces):
            if number:
                time.sleep(0.001)  # so that it is received in two pieces
            for side, wire in zip(self.sides, self.wires[connection]):
                try:
                    wire.send(side.fill_in(parts, digits))
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it has closed: no reply will say so
        return pieces

    def compare(self, connection, sent, receive):
        raw, normal = [], []
        for side, get in zip(self.sides, receive):
            try:
                reply = get()
            except (TimeoutError, ValueError) as error:
                self.said.append((connection, sent, *raw, *[f"no reply within {REPLY} s" if isinstance(
                    error, TimeoutError) else str(error)] * (2 - len(raw))))
                if side is self.sides[0]:
                    raise AssertionError("the generator expects a reply that beanstalkd does not give\n" + self.transcript())
                raise Difference(f"no reply of {side.name}") from None
            raw.append(reply)
            normal.append(side.normal(reply))
        self.said.append((connection, sent, *raw))
        if raw[0] and raw[0][0].startswith(b"RESERVED") and isinstance(connection, int):
            self.held[connection] += 1
        if not equal(*normal):
            raise Difference("\n".join(
                f"  {side.name}: {shortened(repr(text)[1:])} {times or ''}" for side, (text, times) in zip(self.sides, normal)))
        return normal[0][0]

    def reopen(self, connection):
        if self.waiting == connection:
            self.waiting = None
        for wire in self.wires[connection]:
            wire.close()
        self.wires[connection] = self.open()
        self.held[connection] = 0

    def open(self):
        wires = [Wire(side.server) for side in self.sides]
        for wire in wires:
            # Only now it is sure that the server has accepted it.
            assert wire.call(b"list-tube-used\r\n") == (b"USING default\r\n", b"")
        return wires

    def poll(self, both=False):
        """Receives the reply for which a connection waits, if it is there, or if it is there from both servers."""
        if self.waiting is None:
            return
        connection = self.waiting
        ready = select.select([wire.socket for wire in self.wires[connection]], [], [], QUIET)[0]
        if len(ready) > both:
            self.waiting = None
            self.compare(connection, None, [wire.reply for wire in self.wires[connection]])

    def settle(self):
        """A connection's end reaches a server at some time; then the statistics are equal."""
        deadline = time.monotonic() + 3
        while True:
            normal = []
            for side, wire in zip(self.sides, self.control):
                side.polls += 1
                normal.append(side.normal(wire.call(b"stats\r\n")))
            if equal(*normal):
                return
            if time.monotonic() > deadline:
                self.said.append(("the control connection", [[b"stats\r\n"]], None, None))
                rows = [text.split(b"\n") for text, _ in normal]
                raise Difference("\n".join(
                    f"  beanstalkd: {a.decode()}; stint: {b.decode()}" for a, b in zip(*rows) if a != b))
            time.sleep(0.001)

    def wait_until(self, begin, moment):
        """To this moment of a timed sequence. Meanwhile a connection may receive what it waits for."""
        # beanstalkd 1.12 at times does not see the end of a TTR before the connection sends something, so each sends something
        # just after the moments at which a TTR may end.
        times = sorted(start + seconds + late for start in MOMENTS for seconds in range(9) for late in NUDGES
                       if time.monotonic() - begin < start + seconds + late < moment - 0.05)
        for when in times:
            time.sleep(max(0, begin + when - time.monotonic()))
            for connection in range(len(self.wires)):
                if connection != self.waiting:
                    self.nudge(connection)
            self.poll(both=True)
        time.sleep(max(0, begin + moment - time.monotonic()))
        self.poll()

    def nudge(self, connection):
        before = list(self.said)
        self.compare(connection, self.send(connection, [[b"list-tube-used\r\n"]]), [
            wire.reply for wire in self.wires[connection]])
        self.said = before

    def clean(self):
        """Leaves no job, no connection and no pause."""
        for pair in self.wires:
            for wire in pair:
                wire.close()
        self.wires = []
        self.settle()
        for side, wire in zip(self.sides, self.control):
            wire.send(b"".join(b"delete %d\r\n" % number for number in side.ids) + b"pause-tube default 0\r\n")
        for _ in range(len(self.sides[0].ids) + 1):
            self.compare("the control connection", "deletes all jobs", [wire.reply for wire in self.control])
        self.settle()
        text = self.sides[0].normal(self.control[0].call(b"stats\r\n"))[0]
        self.sides[0].polls += 1
        for key in (b"ready", b"reserved", b"delayed", b"buried"):
            assert b"current-jobs-%s: 0\n" % key in text, "the script has forgotten a job"

    def transcript(self):
        lines = []
        for connection, sent, *replies in self.said:
            where = f"connection {connection}" if isinstance(connection, int) else connection
            if isinstance(sent, str):
                lines.append(f"{where} {sent}")
            elif sent is not None:
                lines.append(f"{where} sends {'; then '.join(shown(parts) for parts in sent)}")
            if replies != [None, None] or sent is None:
                lines += [f"    {side.name:>10}: {shown_reply(reply)}" for side, reply in zip(self.sides, replies)]
        return "\n".join(lines)


def shown(parts):
    return " ".join(f"<job {part + 1}>" if isinstance(part, int) else shortened(repr(part)[1:]) for part in parts)


def shown_reply(reply):
    if reply is None:
        return "(closed)"
    return reply if isinstance(reply, str) else shortened(repr(b"".join(reply))[1:], 1_200)


def shortened(text, most=300):
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


class Sequence:
    """Commands out of a seed."""

    def __init__(self, seed, is_malformed=False, is_timed=False):
        self.seed = seed
        self.random = random.Random(seed)
        self.is_malformed, self.is_timed = is_malformed, is_timed
        self.connections = self.random.randint(2, 4)
        self.has_short_times = is_malformed
        # Of few jobs that are buried, one seldom sees their order.
        self.is_of_burials = not is_malformed and not is_timed and self.random.random() < 0.1
        if self.is_of_burials:
            self.connections = 1
        self.steps = []
        self.puts = 0
        self.delays = self.random.sample(range(100, 10_000), 400)
        if is_timed:
            self.make_timed()
        else:
            for _ in range(self.random.randint(10, 40)):
                self.steps.append(self.bad_step() if is_malformed and self.random.random() < 0.4 else self.step())

    def with_steps(self, steps):
        other = object.__new__(Sequence)
        other.__dict__.update(self.__dict__, steps=steps)
        return other

    # Well-formed

    def step(self):
        connection = self.random.randrange(self.connections)
        roll = self.random.random()
        if roll < 0.03:
            return ("close", connection)
        if roll < 0.04:
            return ("quit", connection, [b"quit\r\n"])
        if roll < 0.06:
            return ("wait", connection, [self.random.choice([b"reserve\r\n", b"reserve-with-timeout 1000\r\n"])])
        if roll < 0.07:
            return ("half", connection)
        if roll < 0.12:
            # Commands of which none waits for its reply.
            calls = [self.command() for _ in range(self.random.randint(2, 8))]
            return ("call", connection, self.pieces([part for call in calls for part in call]), len(calls))
        return ("call", connection, self.pieces(self.command()), 1)

    def pieces(self, parts):
        """The same bytes, at times in several pieces."""
        if self.random.random() > 0.05:
            return [parts]
        pieces, current = [], []
        for part in parts:
            while isinstance(part, bytes) and len(part) > 1 and self.random.random() < 0.7:
                cut = self.random.randint(1, len(part) - 1)
                pieces.append(current + [part[:cut]])
                current, part = [], part[cut:]
            current.append(part)
        return pieces + [current]

    def command(self):
        """The parts of a command that has one reply, at once."""
        if self.is_of_burials:
            kinds = {self.put: 20, self.reserve: 25, self.bury: 30, self.peek_buried: 12, self.kick: 6, self.by_id: 4}
            return self.random.choices(list(kinds), list(kinds.values()))[0]()
        kinds = {
            self.put: 24, self.reserve: 16, self.by_lease: 24, self.by_id: 14, self.tube_command: 14, self.look: 12,
            self.kick: 4, self.pause: 2}
        return self.random.choices(list(kinds), list(kinds.values()))[0]()

    def put(self, body=None):
        body = self.body() if body is None else body
        self.puts += 1
        return [b"put %d %d %d %d\r\n" % (self.priority(), self.delay(), self.ttr(), len(body)) + body + b"\r\n"]

    def body(self):
        size = self.random.choice([0, 1, 2, 10, 200, 5_000] + [MAX_JOB] * (self.random.random() < 0.1))
        return self.random.choice([
            self.random.randbytes, lambda n: b"x" * n, lambda n: (b"delete 0\r\n" * n)[:n], lambda n: (b"\r\n" * n)[:n]
        ])(size)

    def priority(self):
        return self.random.choice(PRIORITIES)

    def delay(self):
        # Each another one, since the order of delayed jobs is the order of their ends.
        if self.random.random() < 0.7:
            return 0
        return LONGEST - self.random.randint(0, 1) if self.random.random() < 0.02 else self.delays.pop()

    def ttr(self):
        if self.random.random() < 0.05:
            self.has_short_times = True
            return self.random.choice([0, 1, 2])
        return self.random.choice([10, 60, 3_600, LONGEST])

    def job(self):
        if self.random.random() < 0.05 or self.puts == 0:
            return b"%d" % self.random.choice(UNKNOWN_IDS)
        if self.random.random() < 0.6:
            return max(0, self.puts - 1 - int(self.random.expovariate(0.5)))
        return self.random.randrange(self.puts)

    def reserve(self):
        return [b"reserve-with-timeout 0\r\n"]

    def by_lease(self):
        verb = self.random.choice([b"delete", b"delete", b"release", b"bury", b"touch"])
        rest = {b"release": b" %d %d" % (self.priority(), self.delay()), b"bury": b" %d" % self.priority()}
        return [verb + b" ", self.job(), rest.get(verb, b"") + b"\r\n"]

    def bury(self):
        return [b"bury ", self.job(), b" %d\r\n" % self.priority()]

    def peek_buried(self):
        return [b"peek-buried\r\n"]

    def by_id(self):
        verb = self.random.choice([b"peek", b"kick-job", b"reserve-job", b"stats-job", b"stats-job"])
        return [verb + b" ", self.job(), b"\r\n"]

    def tube(self):
        return self.random.choice(TUBES).encode()

    def tube_command(self):
        verb = self.random.choice([b"use", b"use", b"watch", b"watch", b"watch", b"ignore", b"stats-tube"])
        return [verb + b" " + self.tube() + b"\r\n"]

    def look(self):
        return [self.random.choice([
            b"peek-ready", b"peek-delayed", b"peek-buried", b"stats", b"list-tubes", b"list-tube-used",
            b"list-tubes-watched"]) + b"\r\n"]

    def kick(self):
        return [b"kick %d\r\n" % self.random.choice([0, 1, 2, 3, 1_000, (1 << 32) - 1])]

    def pause(self):
        return [b"pause-tube %s %d\r\n" % (self.tube(), self.random.choice([0, 0, 1_000, (1 << 32) - 1]))]

    # Malformed

    def bad_step(self):
        connection = self.random.randrange(self.connections)
        roll = self.random.random()
        if roll < 0.03:
            # Of beanstalkd 1.12 these wait for ever.
            return ("wait", connection, [b"reserve-with-timeout %s\r\n" % self.random.choice([b"-1", b"-7x", b"2147483648"])])
        if roll < 0.6:
            parts = [self.bad_line()]
        elif roll < 0.75:
            return ("call", connection, self.pieces(self.bad_put()), 1)
        elif roll < 0.9:
            # Nobody says here how many replies there are.
            parts = [part for _ in range(self.random.randint(1, 6)) for part in self.mutated()]
            return ("stream", connection, self.pieces(parts))
        else:
            # Between good ones: what comes after a bad one must be read right.
            calls = [self.random.choice([self.command, lambda: [self.bad_line()], self.bad_put])() for _ in range(4)]
            return ("call", connection, self.pieces([part for call in calls for part in call]), len(calls))
        return ("call", connection, self.pieces(parts), 1)

    def bad_line(self):
        """A line with one reply."""
        pick = self.random.choice
        # Of no job: on one of the servers a small id could be that of one.
        none = b"%d" % NO_JOB
        number = pick([
            b"", b"-1", b"+" + none, b"x", none + b"x", b"0x10", none + b".0", b"18446744073709551616",
            b"99999999999999999999999", none + b" ", b" " + none, none + b" 1", b"\xff", b"00" + none, b"-0", none + b"\t",
            b"\t" + none, b"4294967296", b"-4294967296"])
        small = pick([b"-1", b"+1", b"x", b"4294967296", b"99999999999999999999", b"1x", b"", b"\xff", b"1,"])
        name = pick([
            b"", b"-a", b"a b", b"a ", b" a", b"n" * 201, b"\xc3\xa4", b"a:b", b"a\tb", b"a\"b", b"a%s", b"a,b", b"*", b"a@b",
            b"a'b", b"a\\b", b"[a]", b"a=b"])
        word = pick([
            b"", b" ", b"  ", b"x", b"PUT 0 0 1 1", b"Stats", b"putt", b"put", b"peek", b"delete", b"use", b"watch", b"ignore",
            b"release", b"bury", b"touch", b"kick", b"kick-job", b"stats-job", b"stats-tube", b"reserve-job", b"pause-tube",
            b" stats", b"stats ", b"statsx", b"list", b"list-tube", b"list-tubesx", b"list-tubes ", b"list-tube-used ",
            b"list-tubes-watched ", b"list-tubes-watchedx", b"list-tube-usedx", b"peek-ready ", b"peek-readyx", b"peek-delayed 1",
            b"peek-buried ", b"reserve ", b"reservex", b"reserve-with-timeout", b"reserve-with-timeout ", b"reserve 1", b"\t",
            b"peek-", b"reserve-", b"reserve-job", b"kick-", b"stats-", b"pause-", b"qui", b"\xff\xfe", b"GET / HTTP/1.1", b"\x00",
            b"stats\x00", b"use a\x00b", b"use a\x00", b"{\"a\":1}"])
        return pick([
            word, word,
            pick([b"delete ", b"peek ", b"touch ", b"kick-job ", b"stats-job ", b"reserve-job "]) + number,
            pick([b"delete", b"peek", b"touch", b"kick-job", b"stats-job", b"reserve-job", b"use", b"watch", b"kick"])
            + pick([b"1", b"a", b"\t1", b":1"]),
            b"kick " + number,
            b"release " + pick([number + b" 0 0", none + pick([b" %s 0", b" 0 %s", b" 0 0 %s", b" %s", b"%s"]) % small]),
            b"bury " + pick([number + b" 0", none + pick([b" %s", b" 0 %s"]) % small]),
            pick([b"use ", b"watch ", b"ignore ", b"stats-tube "]) + name,
            b"pause-tube " + pick([name + b" 0", b"default " + small, b"default", b"default  0", b"default0", b" default 0"]),
            b"pause-tube" + pick([b"default 0", b"", b" ", b"x", b"-default 0"]),
            b"reserve-with-timeout " + pick([
                b"x", b"0x", b"0 1", b"4294967296", b" 0", b"00", b"\xff", b"99999999999999999999"]),
            b"put " + pick([
                b"%s 0 60 1", b"0 %s 60 1", b"0 0 %s 1", b"0 0 60 %s", b"0 0 60 1 %s", b"0 0 60%s", b"%s"]) % pick(
                    [b"-1", b"x", b"4294967296", b"99999999999999999999", b"1x", b"\xff", b"1,"]),
            pick([b"x", b"use ", b"stats-tube "]) + b"y" * self.random.choice([100, 195, 201, 210]),
            pick([b"x", b"use ", b"put 0 0 60 1 "]) + b"z" * self.random.choice([230, 300, 430, 1_000, 5_000]),
        ]) + b"\r\n"

    def bad_put(self):
        """A put with one reply that does not insert."""
        size = self.random.choice([0, 1, 5, 300, 5_000])
        body = self.random.choice([lambda n: b"x" * n, lambda n: (b"delete 0\r\n" * n)[:n], self.random.randbytes])(size)
        end = self.random.choice([b"\r\r", b"\n\n", b"xx", b"\r ", b"\n\r", b" \n", b"\x00\x00"])
        if self.random.random() < 0.5:
            return [b"put %d 0 60 %d\r\n" % (self.priority(), size) + body + end]
        over = MAX_JOB + self.random.choice([1, 2, 1_000, 200_000])
        body = self.random.choice([b"x", b"put 0 0 60 1\r\nx\r\n", b"\r\n", b"quit\r\n"])
        rest = self.random.choice([b"", b"", b" ", b" x"])
        return [b"put %d 0 60 %d%s\r\n" % (self.priority(), over, rest) + (body * (over + 2))[:over + 2]]

    def mutated(self):
        """A command with a few bytes changed. It must not be told to insert jobs of which nobody knows."""
        parts = self.random.choice([self.command, lambda: [self.bad_line()], self.bad_put])()
        # No longer, since each line of a body may get a reply.
        parts = [part if isinstance(part, int) else part[:2_000] for part in parts]
        for _ in range(self.random.choice([0, 1, 1, 2])):
            index = self.random.randrange(len(parts))
            if isinstance(parts[index], int) or not parts[index]:
                continue
            data = bytearray(parts[index])
            at = self.random.randrange(len(data))
            change = self.random.choice(["replace", "insert", "remove", "double", "cut"])
            if change == "replace":
                data[at] = self.random.choice(b"\r\n\x00 -09azAZ\xff")
            elif change == "insert":
                data.insert(at, self.random.choice(b"\r\n\x00 -09azAZ\xff"))
            elif change == "remove":
                del data[at]
            elif change == "double":
                data[at:at] = data[max(0, at - 10):at]
            else:
                del data[at:]
            parts[index] = bytes(data)
        return parts

    # Timed

    def make_timed(self):
        # The TTRs of two jobs must not end at the same time.
        self.touches = self.random.random() < 0.5
        self.ttrs = 1 if self.touches else len(MOMENTS)
        for moment in MOMENTS:
            self.steps.append(("until", moment))
            durations = list(DURATIONS)
            self.random.shuffle(durations)
            has_ttr = self.ttrs > 0
            for _ in range(self.random.randint(3, 8)):
                connection = self.random.randrange(self.connections)
                if has_ttr and self.random.random() < 0.3:
                    has_ttr = False
                    self.ttrs -= 1
                    self.puts += 1
                    put = b"put %d 0 %d 1\r\ny\r\n" % (self.priority(), TIMED_TTR)
                    self.steps.append(("call", connection, [[put]], 1))
                    self.steps.append(("call", connection, [[b"reserve-job ", self.puts - 1, b"\r\n"]], 1))
                else:
                    self.steps.append(self.timed_step(connection, durations))
        self.steps.append(("until", LAST_MOMENT))
        for connection in range(self.connections):
            for line in (b"stats\r\n", b"list-tubes\r\n", b"list-tubes-watched\r\n"):
                self.steps.append(("call", connection, [[line]], 1))
        for number in range(self.puts):
            self.steps.append(("call", 0, [[b"stats-job ", number, b"\r\n"]], 1))

    def timed_step(self, connection, durations):
        roll = self.random.random()
        if not durations or roll < 0.3:
            commands = [
                self.kick, self.look, lambda: [b"watch a\r\n"], lambda: [b"use a\r\n"], lambda: [b"stats-job ", self.job(), b"\r\n"],
                lambda: [b"delete ", self.job(), b"\r\n"], lambda: [b"bury ", self.job(), b" 3\r\n"]]
            if self.touches:
                commands.append(lambda: [b"touch ", self.job(), b"\r\n"])
            return ("call", connection, [self.random.choice(commands)()], 1)
        if roll < 0.55:
            self.puts += 1
            return ("call", connection, [[b"put %d %d 60 1\r\nx\r\n" % (self.priority(), durations.pop())]], 1)
        if roll < 0.8:
            return ("wait", connection, [
                b"reserve-with-timeout %d\r\n" % durations.pop() if self.random.random() < 0.7 else b"reserve\r\n"])
        if roll < 0.9:
            return ("call", connection, [[b"release ", self.job(), b" 5 %d\r\n" % durations.pop()]], 1)
        return ("call", connection, [[b"pause-tube %s %d\r\n" % (
            self.random.choice([b"a", b"default"]), durations.pop())]], 1)


def examples(oracle, stint):
    """Each intended difference is as it is said to be."""
    for name, _, sent, *expected in INTENDED:
        is_itself = os.path.basename(stint) == "beanstalkd"
        for program, replies in zip((oracle, stint), (expected[0], expected[0]) if is_itself else expected):
            with Server(program) as server:
                wires = [Wire(server), Wire(server)]
                received = b""
                for connection, data, count in sent:
                    wires[connection].send(data)
                    received += b"".join(part for _ in range(count) for part in wires[connection].reply())
                for wire in wires:
                    wire.close()
            if not re.fullmatch(replies, received, re.DOTALL):
                sys.exit(f"{name}: {program} replies {received!r}, and {replies!r} is expected")


class Runner:
    """Runs sequences one after the other on a pair of servers, which it replaces after a difference."""

    def __init__(self, oracle, stint):
        self.programs = oracle, stint
        self.pair = None
        self.late = 0

    def run(self, sequence):
        """None, or what is different."""
        for _ in range(4):
            if self.pair is None:
                self.pair = Pair(*self.programs)
            try:
                self.pair.run(sequence)
                return None
            except Late:
                self.late += 1
                self.end()
            except Difference as difference:
                found = str(difference), self.pair.transcript()
                self.end()
                return found
            except BaseException:
                print(f"in the sequence of seed {sequence.seed}:\n{self.pair.transcript()}", file=sys.stderr)
                self.end()
                raise
        sys.exit(f"this machine is too slow for the sequence of seed {sequence.seed}")

    def end(self):
        if self.pair is not None:
            self.pair.end()
            self.pair = None


def minimal(sequence, found, oracle, stint):
    """The shortest sequence that shows a difference, as far as it is found within a minute."""
    runner = Runner(oracle, stint)
    deadline = time.monotonic() + 60
    try:
        # All after the first difference has not been run.
        again = runner.run(sequence)
        if again is None:
            return sequence, found, " (not seen again on new servers, so nothing is left out)"
        found, steps = again, list(sequence.steps)
        size = max(1, len(steps) // 2)
        while time.monotonic() < deadline:
            at, removed = 0, False
            while at < len(steps) and time.monotonic() < deadline:
                shorter = sequence.with_steps(steps[:at] + steps[at + size:])
                if sequence.is_timed and any(step[0] == "until" for step in steps[at:at + size]):
                    at += size
                    continue
                again = runner.run(shorter)
                if again:
                    steps, found, removed = shorter.steps, again, True
                else:
                    at += size
            if size == 1 and not removed:
                break
            size = max(1, size // 2)
        return sequence.with_steps(steps), found, ""
    finally:
        runner.end()


def report(sequence, found, oracle, stint, shorter):
    before = len(sequence.steps)
    remark = ""
    if shorter:
        sequence, found, remark = minimal(sequence, found, oracle, stint)
    what, transcript = found
    kind = "timed" if sequence.is_timed else "malformed" if sequence.is_malformed else "well-formed"
    print(f"\nA difference, in the {kind} sequence of seed {sequence.seed}, {len(sequence.steps)} of {before} steps{remark}:\n"
          f"{transcript}\n{what}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stint")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--sequences", type=int, default=2_000)
    parser.add_argument("--timed", type=int, default=40)
    parser.add_argument("--oracle", default=BEANSTALKD)
    parser.add_argument("--only", type=int, help="the seed of one sequence, as a difference says it")
    parser.add_argument("--no-examples", action="store_true", help="leave out the examples of intended differences")
    parser.add_argument("--no-shorter", action="store_true", help="do not make a sequence with a difference shorter")
    parser.add_argument("--without", action="append", default=[], help="leave out steps in which these bytes are")
    parser.add_argument("--differences", type=int, default=1, help="end after so many")
    arguments = parser.parse_args()
    oracle, stint = arguments.oracle, os.path.abspath(arguments.stint)
    print(f"--seed {arguments.seed}", flush=True)
    if not arguments.no_examples:
        examples(oracle, stint)

    def sequence(number):
        # The number says the kind, so that it is known for --only.
        made = Sequence(number, is_malformed=number % 4 in (1, 3), is_timed=number % 4 == 2)
        return made.with_steps([step for step in made.steps if not any(text in repr(step) for text in arguments.without)])

    start = time.monotonic()
    first = arguments.seed * 4
    # The first ones are the same for every number of them.
    fast = [first + 4 * (index // 2) + index % 2 for index in range(arguments.sequences)]
    timed = [first + 4 * index + 2 for index in range(arguments.timed)]
    if arguments.only is not None:
        fast, timed = [arguments.only], []
    differences, again = [], []
    end = threading.Event()

    def work(numbers):
        runner = Runner(oracle, stint)
        try:
            for number in numbers:
                if end.is_set():
                    return runner.late
                found = runner.run(sequence(number))
                for _ in range(2):
                    # beanstalkd 1.12 differs from itself when it does not see the end of a TTR.
                    if found and sequence(number).is_timed:
                        again.append(number)
                        found = runner.run(sequence(number))
                if found:
                    differences.append((sequence(number), found))
                    if len(differences) >= arguments.differences:
                        end.set()
            return runner.late
        finally:
            runner.end()

    # Those that wait for time to pass do so beside the others.
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        shares = [fast] + [timed[share::8] for share in range(8) if timed[share::8]]
        late = sum(pool.map(work, shares))
    for difference in differences[:arguments.differences]:
        report(*difference, oracle, stint, not arguments.no_shorter)
    print(f"{len(fast)} sequences and {len(timed)} timed ones in {time.monotonic() - start:.0f} s, {late} of them again since the "
          f"machine was slow and {len(again)} to see whether beanstalkd was; {len(differences)} different, {len(INTENDED)} intended differences as listed")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
