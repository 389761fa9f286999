"""A private server that speaks beanstalkd's protocol, for the other scripts here: beanstalkd itself, or Stint in its place.

    with Server("/usr/bin/beanstalkd") as server: …
    with Server(".build/debug/stint", "-z", "100") as server: …

A program that is not named `beanstalkd` is called by a link of that name in a temporary folder.
"""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time

# Where the script `setup` puts Debian's.
BEANSTALKD = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".build", "beanstalkd", "usr", "bin", "beanstalkd"))
# Ready within this many seconds, or the test fails. beanstalkd needs 20 ms; the machine may be busy with other tests.
START = 20
# A reply must come within this many seconds.
REPLY = 20


class Server:
    """A running server on a Unix socket, or on a port of 127.0.0.1."""

    def __init__(self, program, *options, tcp=False, port=None, attempts=5):
        self.program = os.path.abspath(program)
        self.options = list(options)
        self.tcp = tcp or port is not None
        self.folder = tempfile.TemporaryDirectory(prefix="stint-beanstalk-")
        self.command = command(self.program, self.folder.name)
        self.path = None if self.tcp else os.path.join(self.folder.name, "socket")
        self.host = "127.0.0.1"
        self.process = None
        try:
            for attempt in range(attempts):
                # Between the choice of a port and its use another process may take it.
                self.port = (port or free_port()) if self.tcp else None
                if self.start():
                    return
                if not self.tcp or port is not None:
                    break
            raise AssertionError(f"{self.program} has ended with {self.process.returncode}: {self.said()}")
        except BaseException:
            self.__exit__()
            raise

    def start(self):
        """Starts it, and waits until it answers. False if it has ended."""
        where = ["-l", self.host, "-p", str(self.port)] if self.tcp else ["-l", f"unix:{self.path}"]
        self.log = os.path.join(self.folder.name, "log")
        started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.command, *where, *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, TMPDIR=self.folder.name))
        while self.process.poll() is None:
            assert time.monotonic() < started + START, f"{self.program} does not answer within {START} s: {self.said()}"
            try:
                with contextlib.closing(self.connect()) as connection:
                    connection.sendall(b"list-tube-used\r\n")
                    # Another process may listen on the port.
                    if connection.recv(100) == b"USING default\r\n" and self.process.poll() is None:
                        self.start_seconds = time.monotonic() - started
                        return True
            except OSError:
                pass
            time.sleep(0.002)
        return False

    def connect(self):
        if self.tcp:
            connection = socket.create_connection((self.host, self.port), timeout=REPLY)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(REPLY)
        connection.connect(self.path)
        return connection

    def said(self):
        with open(self.log, errors="replace") as log:
            return log.read()[-2_000:].strip() or "(it has printed nothing)"

    def stop(self, signal_number=signal.SIGTERM):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal_number)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.program} has not ended within 20 s of signal {signal_number}: {self.said()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self.folder.cleanup()


def command(program, folder):
    """A path by which the program is called beanstalkd."""
    if os.path.basename(program) == "beanstalkd":
        return program
    assert os.access(program, os.X_OK), f"{program} is no program"
    link = os.path.join(folder, "beanstalkd")
    if not os.path.lexists(link):
        os.symlink(program, link)
    return link


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Wire:
    """A connection, and the replies on it one by one."""

    def __init__(self, server):
        self.socket = server.connect()
        self.bytes = b""
        self.ended = False

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        try:
            more = self.socket.recv(1 << 16)
        except ConnectionResetError:
            more = b""
        self.bytes += more
        self.ended = not more
        return bool(more)

    def reply(self):
        """The next reply as (line, body), with their CRLFs; None at the end of the stream."""
        while True:
            taken = take(self.bytes)
            if taken:
                line, body, self.bytes = taken
                return line, body
            if not self.fill():
                return None

    def call(self, data):
        self.send(data)
        return self.reply()

    def close(self):
        self.socket.close()


def take(data):
    """The first reply in these bytes and the rest; None if it is not complete."""
    end = data.find(b"\r\n")
    if end < 0:
        return None
    line, rest = data[:end + 2], data[end + 2:]
    words = line.split()
    if words and words[0] in (b"RESERVED", b"FOUND", b"OK"):
        size = int(words[-1]) + 2
        if len(rest) < size:
            return None
        return line, rest[:size], rest[size:]
    return line, b"", rest


def dictionary(body):
    """The statistics in a body, as text by key."""
    lines = body.decode().split("\n")
    assert lines[0] == "---" and lines[-2:] == ["\r", ""] or lines[-1] == "\r\n", body
    return dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
