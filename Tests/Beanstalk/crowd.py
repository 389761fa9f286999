#!/usr/bin/env python3
"""Very many clients that misbehave, and some that do their work among them: the server goes on, and its memory has a limit.

    Tests/Beanstalk/crowd.py .build/debug/stint

It needs nothing but Python, and sends only to its own server on this machine.
"""

import errno
import os
import random
import re
import resource
import select
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Python"))
sys.dont_write_bytecode = True
import processes  # noqa: E402
from processes import eventually  # noqa: E402
from servers import Server, Wire, dictionary  # noqa: E402

CONNECTIONS = 1_200
GOOD = 4
# Whole lives that each good client does meanwhile.
LIVES = 40
# The server in the debug build, and the most that docs/beanstalkd.md allows for replies that are not read.
MEMORY, UNREAD = 300, 256
LARGE = 1 << 20


def memory(server):
    """The most that it ever had, in MiB."""
    return processes.status(server.process, "VmHWM") // 1_024


class Crowd(threading.Thread):
    """Connections that misbehave, each in its own way. Those that end are opened again."""

    # What is sent at first, and what again and again; None: nothing.
    KINDS = {
        "silent": (None, None),
        "half a line": (b"put 0 0 60 ", None),
        "endless line": (b"put ", b"x" * 1_000),
        "slow body": (b"put 0 0 60 60000\r\n" + b"x" * 59_000, b"x"),
        "too large": (b"put 0 0 60 4294967295\r\n", b"quit\r\n" * 300),
        "garbage": (None, "random"),
        "never reads": (b"use large\r\n" + b"peek-ready\r\n" * 10, None),
        "gone at once": (b"reserve\r\nput 0 0 1 3\r\nabc\r\nstats\r\n", None),
        "gone with a job": (b"watch lost\r\nreserve-with-timeout 0\r\n", None),
    }

    def __init__(self, server, seed):
        super().__init__(daemon=True)
        self.server, self.chance = server, random.Random(seed)
        self.names = list(self.KINDS)
        self.sockets, self.poll = {}, select.epoll()
        self.opened = self.most = 0
        self.over, self.is_whole, self.failure = threading.Event(), threading.Event(), None

    def run(self):
        try:
            while not self.over.is_set():
                # All at once at first. Then few at a time: a debug build is to have some time for others on a busy machine.
                for _ in range(min(5 if self.is_whole.is_set() else 50, CONNECTIONS - len(self.sockets))):
                    self.open()
                self.most = max(self.most, len(self.sockets))
                if self.opened >= CONNECTIONS:
                    self.is_whole.set()
                for descriptor, event in self.poll.poll(0.02, 500):
                    self.handle(descriptor, event)
                self.over.wait(0.01)
                for descriptor in self.chance.sample(list(self.sockets), min(20, len(self.sockets))):
                    self.again(descriptor)
        except Exception as error:  # the main thread says it
            self.failure = error
            self.is_whole.set()

    def open(self):
        connection = socket.socket()
        connection.setblocking(False)
        name = self.names[self.opened % len(self.names)]
        self.opened += 1
        code = connection.connect_ex((self.server.host, self.server.port))
        if code not in (0, errno.EINPROGRESS):
            return connection.close()
        self.sockets[connection.fileno()] = (connection, name)
        self.poll.register(connection, select.EPOLLOUT)

    def close(self, descriptor):
        connection, _ = self.sockets.pop(descriptor)
        self.poll.unregister(descriptor)
        connection.close()

    def handle(self, descriptor, event):
        connection, name = self.sockets[descriptor]
        if event & (select.EPOLLERR | select.EPOLLHUP):
            return self.close(descriptor)
        try:
            if event & select.EPOLLOUT:
                first = self.KINDS[name][0]
                if first:
                    connection.send(first)
                if name == "gone at once":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return self.close(descriptor)
                self.poll.modify(connection, 0 if name == "never reads" else select.EPOLLIN)
            elif not (received := connection.recv(4_096)) or b"RESERVED" in received:
                self.close(descriptor)
        except OSError:
            self.close(descriptor)

    def again(self, descriptor):
        connection, name = self.sockets[descriptor]
        more = self.KINDS[name][1]
        if more == "random":
            more = bytes(self.chance.choices(b"\0\r\n putreserve019-", k=300)) + b"\r\n"
        if more:
            try:
                connection.send(more)
            except BlockingIOError:
                pass
            except OSError:
                self.close(descriptor)

    def end(self):
        self.over.set()
        self.join()
        for connection, _ in self.sockets.values():
            connection.close()
        self.poll.close()


class Good(threading.Thread):
    """Does whole lives of jobs; every reply must be right."""

    def __init__(self, server, number, crowd):
        super().__init__(daemon=True)
        self.wire, self.number, self.crowd = Wire(server), number, crowd
        self.lives, self.times, self.failure = 0, [], None

    def run(self):
        try:
            for line in (b"use good-%d", b"watch good-%d"):
                self.wire.call(line % self.number + b"\r\n")
            self.wire.call(b"ignore default\r\n")
            # As many among the whole crowd.
            while self.lives < LIVES or not self.crowd.is_whole.is_set():
                started = time.monotonic()
                self.live()
                if self.crowd.is_whole.is_set():
                    self.lives += 1
                    self.times.append(time.monotonic() - started)
            self.wire.close()
        except Exception as error:
            self.failure = error

    def expect(self, line, expected):
        line, body = self.wire.call(line)
        assert line.startswith(expected), f"{expected} was expected, and {line} came"
        return line.split(), body

    def live(self):
        body = b"%d-%d" % (self.number, self.lives)
        words, _ = self.expect(b"put 5 0 600 %d\r\n%s\r\n" % (len(body), body), b"INSERTED ")
        job = words[1]
        for end in (b"release %s 5 0", b"bury %s 5", None):
            _, got = self.expect(b"reserve-with-timeout 60\r\n", b"RESERVED " + job)
            assert got == body + b"\r\n", got
            self.expect(b"touch " + job + b"\r\n", b"TOUCHED")
            if end:
                self.expect(end % job + b"\r\n", b"RELEASED" if end.startswith(b"release") else b"BURIED")
            if end and end.startswith(b"bury"):
                self.expect(b"kick-job " + job + b"\r\n", b"KICKED")
        self.expect(b"delete " + job + b"\r\n", b"DELETED")


def put(server, tube, body, count=1):
    wire = Wire(server)
    wire.call(b"use %s\r\n" % tube)
    for _ in range(count):
        assert wire.call(b"put 0 0 60 %d\r\n%s\r\n" % (len(body), body))[0].startswith(b"INSERTED")
    wire.close()


def statistics(server, command=b"stats"):
    wire = Wire(server)
    found = dictionary(wire.call(command + b"\r\n")[1])
    wire.close()
    return found


def good_among_bad(stint, seed):
    with Server(stint, tcp=True) as server:
        put(server, b"large", b"x" * 60_000)
        put(server, b"lost", b"x", 50)
        before = memory(server)
        crowd = Crowd(server, seed)
        good = [Good(server, number, crowd) for number in range(GOOD)]
        for thread in [crowd, *good]:
            thread.start()
        for client in good:
            client.join(timeout=120)
            assert not client.is_alive(), "a good client has not done its lives within 120 s"
        crowd.end()
        for thread in [crowd, *good]:
            if thread.failure:
                raise thread.failure
        times = sorted(time for client in good for time in client.times)
        after = memory(server)
        print(f"{crowd.opened} bad connections, {crowd.most} at once; {GOOD} good clients did {len(times)} lives: median "
              f"{times[len(times) // 2] * 1e3:.0f} ms, most {times[-1] * 1e3:.0f} ms; memory {before} MiB, then at most {after} MiB",
              flush=True)
        assert crowd.most >= CONNECTIONS * 0.8, f"only {crowd.most} bad connections at once"
        assert server.process.poll() is None, f"the server has ended: {server.said()}"
        assert after < MEMORY, f"the server had {after} MiB"
        eventually("the bad connections are gone", lambda: int(statistics(server)["current-connections"]) == 1, 60)
        assert int(statistics(server)["current-jobs-reserved"]) == 0, "a job is still held by a client that is gone"
        assert int(statistics(server, b"stats-tube lost")["current-jobs-ready"]) == 50, "a job is lost"


def ends_among_bad(stint, seed):
    """It ends in order although clients go on, and calls to the store are under way."""
    with Server(stint, tcp=True) as server:
        put(server, b"lost", b"x", 50)
        crowd = Crowd(server, seed)
        crowd.start()
        try:
            crowd.is_whole.wait(60)
            started = time.monotonic()
            server.stop()
            print(f"it ended among them within {time.monotonic() - started:.1f} s", flush=True)
            assert server.process.returncode == 0, f"the server has ended with {server.process.returncode}: {server.said()}"
        finally:
            crowd.end()
        # What SwiftNIO prints if something is to run after the end.
        assert "Cannot schedule tasks" not in server.said(), server.said()


def nobody_reads(stint):
    """Unix sockets, since the kernel itself takes megabytes for each connection of TCP."""
    with Server(stint, "-z", str(LARGE)) as server:
        put(server, b"large", b"x" * LARGE)
        before = memory(server)
        silent = []
        for _ in range(3 * UNREAD):
            connection = server.connect()
            connection.sendall(b"use large\r\npeek-ready\r\npeek-ready\r\n")
            silent.append(connection)
        good = Wire(server)
        good.call(b"use large\r\n")

        def some_are_closed():
            assert len(good.call(b"peek-ready\r\n")[1]) == LARGE + 2
            return int(dictionary(good.call(b"stats\r\n")[1])["current-connections"]) < len(silent) - UNREAD // 4

        eventually("the connections that do not read are closed", some_are_closed, 60)
        after = memory(server)
        print(f"{len(silent)} connections that do not read {LARGE >> 20} MiB each: memory {before} MiB, then at most {after} MiB",
              flush=True)
        assert after < before + 2 * UNREAD, f"the server had {after} MiB"
        for connection in silent:
            connection.close()


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        sys.exit(f"this process may have only {hard} files open; {CONNECTIONS} connections need `ulimit -Hn {wanted}`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    seed = int.from_bytes(os.urandom(4), "big")
    stint = os.path.abspath(sys.argv[1])
    good_among_bad(stint, seed)
    ends_among_bad(stint, seed)
    nobody_reads(stint)
    print("crowd: 3 passed, 0 failed")


if __name__ == "__main__":
    main()
