"""Very many slow and broken connections, and very many tabs, against `stint serve`.

    python3 Tests/Connections/check.py .build/debug/stint

It needs nothing but Python and strace, and sends only to its own server on this machine.
"""

import errno
import http.client
import json
import os
import re
import resource
import select
import socket
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "OpenAPI"), os.path.join(HERE, "..", "Python")]
sys.dont_write_bytecode = True

import api  # noqa: E402
import processes  # noqa: E402
from processes import eventually  # noqa: E402

CONNECTIONS = 10_000
TABS = 200
# A page must answer within this many seconds. The machine may be busy with other tests.
LIMIT = 10
PAGES = ["/", "/jobs", "/queues/mail", "/health", "/ready", "/overview.json"]


class Server(api.Server):
    """`stint serve` with these limits of open files, soft and hard."""

    def __init__(self, stint, *options, files=None):
        popen = subprocess.Popen

        def limited(*arguments, **more):
            if files:
                more["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, files)
            return popen(*arguments, **more)

        subprocess.Popen = limited
        try:
            super().__init__(stint, *options)
        finally:
            subprocess.Popen = popen

    def status(self, key):
        return processes.status(self.process, key)

    @property
    def memory(self):
        return self.status("VmRSS") // 1_024

    @property
    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def metric(self, name):
        answer = get(self, "/metrics")
        return float(re.search(rf"^{name} (\S+)$", answer, re.MULTILINE)[1])

    def post(self, connection, path, body):
        connection.request("POST", "/api/v1" + path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text


def get(server, path):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=LIMIT)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        assert answer.status == 200, f"{path}: {answer.status}: {body[:200]}"
        return body
    finally:
        connection.close()


class Tab:
    """One who looks at a page."""

    def __init__(self, server, page, receive_buffer=None):
        # The address of the stream says what the page was like.
        stream = re.search(r'data-stream="([^"]*)"', get(server, page))[1].replace("&amp;", "&")
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(LIMIT)
        self.socket.connect((server.host, server.port))
        self.socket.sendall(
            f"GET {stream} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n\r\n".encode())
        self.bytes = b""

    def read(self):
        part = self.socket.recv(1 << 16)
        assert part, f"the stream has ended after {self.bytes[-200:]}"
        self.bytes += part

    def until(self, text):
        """Reads until a text comes, and forgets what was before it."""
        while text.encode() not in self.bytes:
            self.read()
        self.bytes = self.bytes.split(text.encode(), 1)[1]

    def close(self):
        self.socket.close()


class Crowd:
    """Connections that keep a server waiting, each in its own way. Those that the server closes are opened again.

    A server without optimisation can open some hundreds a second with the half of the machine that this program leaves
    it. Most wait with a body, which a server must bear for a minute, so that 10,000 at once need no more than that.
    """

    KINDS = ["silent", "half", "trickle", "reset", "garbage"]
    BODIES = 5  # for each of another kind
    A_SECOND = 250

    def __init__(self, server, count):
        self.server = server
        self.wanted = count
        self.sockets = {}  # by descriptor: the socket and its kind
        self.poll = select.epoll()
        self.most = self.opened = self.closed = 0
        self.stop = threading.Event()
        self.is_whole = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        for connection, _ in self.sockets.values():
            connection.close()
        self.poll.close()

    def run(self):
        try:
            looked = trickled = time.monotonic()
            due = 0
            while not self.stop.is_set():
                now = time.monotonic()
                due = min(due + (now - looked) * self.A_SECOND, self.A_SECOND / 10)
                looked = now
                for _ in range(min(int(due), self.wanted - len(self.sockets))):
                    self.open()
                    due -= 1
                self.most = max(self.most, len(self.sockets))
                if self.opened >= self.wanted:
                    self.is_whole.set()
                for descriptor, event in self.poll.poll(0.02, 1_000):
                    self.handle(descriptor, event)
                if time.monotonic() > trickled + 1:
                    trickled = time.monotonic()
                    self.trickle()
        except Exception as error:
            self.failure = error
            self.is_whole.set()

    def open(self):
        connection = socket.socket()
        connection.setblocking(False)
        others, body = divmod(self.opened, self.BODIES + 1)
        kind = "body" if body else self.KINDS[others % len(self.KINDS)]
        self.opened += 1
        code = connection.connect_ex((self.server.host, self.server.port))
        if code not in (0, errno.EINPROGRESS):
            connection.close()
            if code in (errno.EAGAIN, errno.EADDRNOTAVAIL):
                time.sleep(0.01)
            return
        self.sockets[connection.fileno()] = (connection, kind)
        self.poll.register(connection, select.EPOLLOUT)

    def close(self, descriptor):
        connection, _ = self.sockets.pop(descriptor)
        self.poll.unregister(descriptor)
        connection.close()
        self.closed += 1

    def handle(self, descriptor, event):
        connection, kind = self.sockets[descriptor]
        if event & (select.EPOLLERR | select.EPOLLHUP):
            return self.close(descriptor)
        try:
            if event & select.EPOLLOUT:
                if kind == "half":
                    connection.send(b"GET / HTTP/1.1\r\nHost: 127.0")
                elif kind == "body":
                    connection.send(
                        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"
                        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\n")
                elif kind == "reset":
                    connection.send(b"GET /jobs HTTP/1.1\r\nHost: ")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return self.close(descriptor)
                elif kind == "garbage":
                    connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
                self.poll.modify(connection, select.EPOLLIN)
            elif not connection.recv(4_096):
                self.close(descriptor)
        except OSError:
            self.close(descriptor)

    def trickle(self):
        for descriptor, (connection, kind) in list(self.sockets.items()):
            try:
                if kind == "trickle":
                    connection.send(b"G" if self.opened % 2 else b"E")
                elif kind == "body" and descriptor % 8 == 0:
                    connection.send(b"x")
            except BlockingIOError:
                pass
            except OSError:
                self.close(descriptor)


def get_again(server, path):
    """As a browser does: if the connection is closed before an answer, since very many came after it, once more."""
    try:
        get(server, path)
    except (http.client.RemoteDisconnected, ConnectionResetError):
        get(server, path)


def measure(server, seconds):
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in PAGES:
            start = time.monotonic()
            get_again(server, path)
            times.append(time.monotonic() - start)
    return times


def is_closed(connection):
    try:
        return connection.recv(4_096) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def slow_connections(stint, files, name, expects_all):
    with Server(stint, files=files) as server:
        server.run("put", "--queue", "mail", "first")
        tab = Tab(server, "/queues")
        tab.until("queue:mail:ready\":\"1\"")
        before = server.memory
        with Crowd(server, CONNECTIONS) as crowd:
            crowd.is_whole.wait(60)
            trickling = socket.create_connection((server.host, server.port))
            trickling.sendall(b"GET / HTTP/1.1\r\n")
            trickling.settimeout(1)
            times = measure(server, 8)

            def is_closed_although_it_sends():
                try:
                    trickling.sendall(b"x")
                except OSError:
                    return True
                times.extend(measure(server, 1))
                return is_closed(trickling)

            eventually("a connection that sends a byte now and then is closed", is_closed_although_it_sends, 40)
            times.sort()
            during = server.memory
            server.run("put", "--queue", "mail", "second")
            tab.until("queue:mail:ready\":\"2\"")
            assert crowd.failure is None, crowd.failure
            assert crowd.opened >= CONNECTIONS, f"only {crowd.opened} connections were made"
            descriptors = len(os.listdir(f"/proc/{server.process.pid}/fd"))
            limit = int(server.metric("process_max_fds"))
            print(
                f"{name}: {crowd.opened} connections, {crowd.most} at once, {descriptors} descriptors of {limit} in the server; "
                f"{len(times)} pages: median {times[len(times) // 2] * 1e3:.0f} ms, "
                f"99 % {times[len(times) * 99 // 100] * 1e3:.0f} ms, most {times[-1] * 1e3:.0f} ms; "
                f"memory {before} MiB, then {during} MiB", flush=True)
            assert descriptors < limit, "no descriptor is left"
            if expects_all:
                assert limit > CONNECTIONS, f"the server may have only {limit} descriptors"
                assert descriptors > 0.9 * CONNECTIONS, f"the server has only {descriptors} of the connections"
            assert during < 600, f"the server has {during} MiB"
            # It ends soon when it is told to, with the crowd and somebody who looks.
            start = time.monotonic()
            server.process.terminate()
            assert server.process.wait(timeout=60) == 0
            print(f"{name}: it ended within {time.monotonic() - start:.1f} s", flush=True)
        tab.close()


def tabs(stint):
    """200 tabs cost the database what one costs; a slow reader gets the latest state; nobody who looks costs nothing."""
    with Server(stint) as server:
        producer = http.client.HTTPConnection(server.host, server.port, timeout=LIMIT)
        put = 0

        def busy(seconds):
            """Enqueues 50 jobs a second, and counts what the server has done meanwhile."""
            nonlocal put
            renders, processor = server.metric("stint_live_renders_total"), server.processor_seconds
            start = time.monotonic()
            for number in range(int(seconds * 50)):
                server.post(producer, "/jobs", {"queue": "mail", "payload": "x"})
                put += 1
                time.sleep(max(0, start + number / 50 - time.monotonic()))
            took = time.monotonic() - start
            return ((server.metric("stint_live_renders_total") - renders) / took,
                    (server.processor_seconds - processor) / took * 100)

        none = busy(3)
        slow = Tab(server, "/queues", receive_buffer=4_096)
        slow.until("queue:first:ready")
        one = busy(4)
        looking = [Tab(server, "/queues") for _ in range(TABS - 1)]
        for tab in looking:
            tab.until("data: ")

        def read():
            # As browsers do.
            by_descriptor = {tab.socket.fileno(): tab for tab in looking}
            poll = select.poll()
            for descriptor in by_descriptor:
                poll.register(descriptor, select.POLLIN)
            while not done.is_set():
                for descriptor, _ in poll.poll(100):
                    by_descriptor[descriptor].read()

        done = threading.Event()
        reader = threading.Thread(target=read)
        reader.start()
        many = busy(4)
        print(
            f"renders a second, % of a processor: nobody {none[0]:.1f}, {none[1]:.0f}; one tab {one[0]:.1f}, {one[1]:.0f}; "
            f"{TABS} tabs {many[0]:.1f}, {many[1]:.0f}", flush=True)
        assert none[0] == 0, "pages are made although nobody looks"
        assert 1 <= one[0] <= 4.5, f"{one[0]} renders a second"
        assert many[0] <= 4.5, f"{many[0]} renders a second for {TABS} tabs"
        eventually("all tabs have the latest state", lambda: all(
            latest(tab.bytes) == put for tab in looking))
        done.set()
        reader.join()
        # It has read nothing for seconds. What was sent to it before is little, and then comes the latest state.
        while latest(slow.bytes) != put:
            slow.read()
        assert len(slow.bytes) < 300_000, f"{len(slow.bytes)} bytes were kept for a slow reader"
        for tab in looking + [slow]:
            tab.close()
        eventually("nobody looks", lambda: server.metric("stint_live_listeners") == 0, 5)
        producer.close()


def latest(stream):
    """The last number of ready jobs in a stream."""
    found = re.findall(rb'"queue:mail:ready":"([^"]*)"', stream)
    return int(re.sub(rb"[^0-9]", b"", found[-1].replace("\u202f".encode(), b""))) if found else None


def nobody(stint):
    """When the last one who looked has gone, the server reads nothing of the database, whatever happens in it."""
    with Server(stint, "--read-only") as server:
        tab = Tab(server, "/")
        tab.until("data: ")
        tab.close()
        eventually("nobody looks", lambda: server.metric("stint_live_listeners") == 0, 5)
        reads = []
        for looks in (False, True):
            if looks:
                tab = Tab(server, "/queues")
                tab.until("data: ")
            trace = os.path.join(server.folder.name, "trace")
            strace = subprocess.Popen(
                ["strace", "-f", "-q", "-e", "trace=pread64,read", "-y", "-o", trace, "-p", str(server.process.pid)],
                stderr=subprocess.PIPE)
            eventually("strace is attached", lambda: server.status("TracerPid") == strace.pid)
            for _ in range(20):
                server.run("put", "--queue", "mail", "x")
            if looks:
                tab.until("queue:mail:ready\":\"40\"")
            strace.terminate()
            strace.wait(timeout=20)
            with open(trace) as lines:
                reads.append(sum(server.database in line for line in lines))
        print(f"reads of the database while 20 jobs are put: {reads[0]} if nobody looks, {reads[1]} for one tab", flush=True)
        assert reads[0] == 0, "the database is read although nobody looks"
        assert reads[1] > 0, "strace has seen nothing"
        tab.close()


def main(stint):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, OSError):
            sys.exit(f"this process may have only {hard} files open; {CONNECTIONS} connections need `ulimit -Hn {wanted}`")
    most = wanted if hard == resource.RLIM_INFINITY else max(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    tabs(stint)
    nobody(stint)
    slow_connections(stint, (1_024, most), "a soft limit of 1,024 files", True)
    slow_connections(stint, (1_024, 1_024), "a hard limit of 1,024 files", False)
    print("connections: 4 passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
