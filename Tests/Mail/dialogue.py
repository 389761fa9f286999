#!/usr/bin/env python3
"""What is said to a mail server for a message, against servers that keep to no rule. Each server here is a script.

    .build/mail-venv/bin/python Tests/Mail/dialogue.py .build/debug/mail-tool [CHECK...]
"""

import argparse
import contextlib
import os
import select
import socket
import sys
import tempfile
import threading
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import delivery  # noqa: E402
from delivery import Database, message  # noqa: E402

DATA = b"X-Number: 1\n\n.x\n"
ON_THE_WIRE = b"X-Number: 1\r\n\r\n..x\r\n.\r\n"
DEADLINE = 20


class Line:
    """A connection of the server: reads lines, and writes what it is told to."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = b""

    def expect_quit(self):
        try:
            said = self.read()
        except (EOFError, ConnectionResetError):
            raise AssertionError("the connection was closed without QUIT") from None
        assert said == b"QUIT\r\n", said

    def read(self):
        while b"\n" not in self.bytes:
            got = self.socket.recv(65_536)
            if not got:
                raise EOFError
            self.bytes += got
        line, self.bytes = self.bytes.split(b"\n", 1)
        return line + b"\n"

    def say(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode().replace(b"|", b"\r\n"))

    def is_silent(self):
        """Whether the client waits for an answer now."""
        return not self.bytes and not select.select([self.socket], [], [], 0.2)[0]

    def greet(self, *extensions):
        self.say("220 script.test|")
        assert self.read().startswith(b"EHLO")
        self.say("".join(f"250-{one}|" for one in ("script.test", *extensions)) + "250 HELP|")

    def commands(self, recipients=1):
        """MAIL, RCPT and DATA, which must come before any answer."""
        lines = [self.read() for _ in range(recipients + 2)]
        assert lines[0].startswith(b"MAIL FROM:") and lines[-1] == b"DATA\r\n", lines
        assert all(line.startswith(b"RCPT TO:") for line in lines[1:-1]), lines

    def content(self):
        found = b""
        while not found.endswith(b"\r\n.\r\n") and found != b".\r\n":
            found += self.read()
        return found

    def ends(self):
        """What comes until the client closes the connection."""
        found = self.bytes
        with contextlib.suppress(ConnectionResetError):
            while got := self.socket.recv(65_536):
                found += got
        return found

    def close(self):
        self.socket.close()


class Script:
    """A server whose connections run `body`, one after the other; what fails there fails the check."""

    def __init__(self, body):
        self.body, self.errors, self.connections = body, [], 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self.socket.getsockname()[1]}"

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                line = Line(self.socket.accept()[0])
                self.connections += 1
                try:
                    self.body(line)
                except (EOFError, ConnectionResetError):
                    # The client's end.
                    pass
                except (AssertionError, OSError):
                    self.errors.append(traceback.format_exc())
                finally:
                    line.close()

    def __enter__(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(DEADLINE)
        if self.errors:
            raise AssertionError("the server has seen: " + "\n".join(self.errors))


def send(body, *recipients):
    with Script(body) as server:
        return delivery.send(server.url, "s@example.org", list(recipients) or ["r@a.example"], DATA)


def check_groups(folder):
    """With PIPELINING the commands come before any answer; without it each waits for the answer to the one before."""
    def together(line):
        line.greet("PIPELINING")
        line.commands(2)
        line.say("250 a|250 b|250 c|354 go|")
        assert line.content() == ON_THE_WIRE
        line.say("250 taken|")
        assert line.ends() in (b"", b"QUIT\r\n")

    assert send(together, "r@a.example", "q@a.example")["kind"] == "accepted"

    def alone(line):
        line.greet("SIZE 1000000")
        for start, answer in ((b"MAIL FROM:<s@example.org> SIZE=19\r\n", 250), (b"RCPT TO:<r@a.example>\r\n", 250), (b"DATA\r\n", 354)):
            assert line.read() == start
            assert line.is_silent(), start
            line.say(f"{answer} ok|")
        assert line.content() == ON_THE_WIRE
        line.say("250 taken|")

    said = send(alone)
    assert said["kind"] == "accepted" and said["reply"] == "250 taken", said


def check_pieces(folder):
    """Answers in single bytes, and of many lines."""
    def body(line):
        line.greet("PIPELINING")
        line.commands()
        for byte in b"250-one\r\n250-two\r\n250 three\r\n250 b\r\n354 go\r\n":
            line.say(bytes([byte]))
        assert line.content() == ON_THE_WIRE
        for byte in b"250-2.0.0 taken\r\n250 as 7\r\n":
            line.say(bytes([byte]))

    said = send(body)
    assert said["kind"] == "accepted" and said["reply"] == "250 2.0.0 taken as 7", said


def check_refused(folder):
    """No recipient, and the server waits for a message: a dot alone, and nothing counts as sent."""
    for answers, kind in (("550 no|550 no|", "permanent"), ("550 no|450 no|", "temporary")):
        for last in ("250 taken|", "554 no recipients|", None):
            def body(line, answers=answers, last=last):
                line.greet("PIPELINING")
                line.commands(2)
                line.say("250 a|" + answers + "354 go|")
                assert line.content() == b".\r\n"
                if last is None:
                    return
                line.say(last)
                line.expect_quit()

            said = send(body, "r@a.example", "q@a.example")
            assert said["kind"] == kind and "all recipients" in said["error"], said

    def refuses_data(line):
        line.greet("PIPELINING")
        line.commands()
        line.say("250 a|450 4.2.1 busy|554 5.5.1 no valid recipients|")
        line.expect_quit()

    said = send(refuses_data)
    assert said["kind"] == "temporary" and said["reply"] == "450 4.2.1 busy", said

    def some(line):
        line.greet("PIPELINING")
        line.commands(2)
        line.say("250 a|550 5.1.1 no|250 c|354 go|")
        assert line.content() == ON_THE_WIRE
        line.say("250 taken|")

    said = send(some, "r@a.example", "q@a.example")
    assert said["accepted"] == "q@a.example" and "550 5.1.1 no" in said["refused"], said

    def no_sender(line):
        line.greet("PIPELINING")
        line.commands()
        line.say("550 5.7.1 sender|250 b|354 go|")
        assert line.ends() == b"", "something was sent for a sender who was refused"

    said = send(no_sender)
    assert said["kind"] == "permanent" and "550 5.7.1 sender" in said["error"], said


def check_ended(folder):
    """421 in the middle of a group, and connections that are lost after each number of answers."""
    cases = [
        ("421 4.3.2 bye|", "unreachable"), ("250 a|421 4.3.2 bye|", "temporary"), ("250 a|250 b|421 4.3.2 bye|", "temporary"),
        ("", "unreachable"), ("250 a|", "temporary"), ("250 a|250 b|", "temporary"), ("250 a|2", "temporary"), ("250-a|", "unreachable"),
    ]
    for answers, kind in cases:
        def body(line, answers=answers):
            line.greet("PIPELINING")
            line.commands()
            line.say(answers)

        said = send(body)
        assert said["kind"] == kind, (answers, said)
        assert "421" not in answers or "421 4.3.2 bye" in said["error"], (answers, said)
    for answer, kind in (("421 4.3.2 bye|", "temporary"), ("", "outcomeUnknown"), ("25", "outcomeUnknown"), ("250-taken|", "outcomeUnknown")):
        def lost(line, answer=answer):
            line.greet("PIPELINING")
            line.commands()
            line.say("250 a|250 b|354 go|")
            assert line.content() == ON_THE_WIRE
            line.say(answer)

        said = send(lost)
        assert said["kind"] == kind, (answer, said)


def check_too_early(folder):
    """An answer that comes before its command is none to it: the message is not taken for delivered."""
    for extensions in (("PIPELINING",), ()):
        def body(line, extensions=extensions):
            line.greet(*extensions)
            if extensions:
                line.commands()
            else:
                line.read()
            line.say("250 a|250 b|354 go|250 taken|")
            assert line.ends() == b"", "the message, or another command, was sent"

        said = send(body)
        assert said["kind"] == "temporary", said


def check_hostile(folder):
    """Answers without an end, and what is no answer: within the limits of time, and never taken for success."""
    for piece in (b"250-more\r\n", b"x" * 1_000):
        for at_end in (False, True):
            def body(line, piece=piece, at_end=at_end):
                line.greet("PIPELINING")
                line.commands()
                if at_end:
                    line.say("250 a|250 b|354 go|")
                    line.content()
                with contextlib.suppress(OSError):
                    while True:
                        line.say(piece * 100)

            start = time.monotonic()
            said = send(body)
            assert said["kind"] == ("outcomeUnknown" if at_end else "unreachable"), said
            assert time.monotonic() - start < 3, "it read on until the time for an answer was over"
    for answer, kind in (("hello there|", "unreachable"), ("999 a|", "unreachable"), ("354 a|", "temporary"), ("250 a|199 b|", "temporary")):
        def nonsense(line, answer=answer):
            line.greet("PIPELINING")
            line.commands()
            line.say(answer)
            line.ends()

        said = send(nonsense)
        assert said["kind"] == kind, (answer, said)

    def silent(line):
        line.greet("PIPELINING")
        line.commands()
        line.say("250 a|25")
        line.ends()

    def drips(line):
        line.greet("PIPELINING")
        line.commands()
        line.say("250 a|")
        # Until the client closes the connection.
        while line.is_silent():
            line.say("250-b|")

    # The time limit of mail-tool for an answer is 3 s.
    for body in (silent, drips):
        start = time.monotonic()
        said = send(body)
        assert said["kind"] == "temporary" and 2 < time.monotonic() - start < 10, said


def transactions(line, count, end=None):
    """Takes messages, each of which comes with the first commands of the next one."""
    taken = []
    line.greet("PIPELINING")
    line.commands()
    for number in range(count):
        line.say("250 a|250 b|354 go|")
        taken.append(line.content())
        if end and number == count - 1:
            return end(line, taken)
        if number < count - 1:
            # Before the answer to this one.
            line.commands()
        line.say(f"250 taken {number}|")
    return taken


def check_followed(folder):
    """More mails at work than connections: the next one's commands come with the end of the one before."""
    taken = []

    def body(line):
        taken.extend(transactions(line, 8))
        line.ends()

    with Script(body) as server:
        database = Database(folder)
        database.enqueue(message(index, f"r{index}@a.example") for index in range(8))
        database.deliver(server.url, concurrency=8, connections=1)
    assert sorted(delivery.number(one) for one in taken) == list(range(8)) and server.connections == 1
    assert database.counts() == {} and database.failed() == 0


def check_followed_and_lost(folder):
    """What follows a message on a connection that ends there is sent again, over another one, and no attempt is used up for it."""
    def without_answer(line, taken):
        line.commands()

    def bye(line, taken):
        line.commands()
        line.say("421 4.3.2 bye|")

    def refused(line, taken):
        # The next message goes on.
        line.commands()
        line.say("554 5.7.1 spam|250 a|250 b|354 go|")
        taken.append(line.content())
        line.say("250 taken|")
        line.ends()
        return taken

    for end, failed, buried in ((without_answer, 1, 0), (bye, 1, 0), (refused, 0, 1)):
        taken, connections = [], []

        def body(line, end=end, taken=taken, connections=connections):
            connections.append(line)
            if len(connections) == 1:
                taken.extend(transactions(line, 1, end) or [])
                return
            line.greet()
            while True:
                command = line.read()
                line.say("354 go|" if command == b"DATA\r\n" else "250 ok|")
                if command == b"DATA\r\n":
                    taken.append(line.content())
                    line.say("250 taken|")

        with Script(body) as server:
            database = Database(folder, f"{end.__name__}.db")
            database.enqueue(message(index, f"r{index}@a.example") for index in range(2))
            database.deliver(server.url, concurrency=2, connections=1)
        assert database.failed() == failed, (end, database.failed(), database.said()[-3000:])
        assert len(database.buried()) == buried, (end, database.buried())
        assert {delivery.number(one) for one in taken} == {0, 1}, (end, taken)
        assert "held back" not in database.said(), database.said()[-3000:]


def check_kept(folder):
    """A kept connection that the server ends between two messages costs no attempt, also with words that were not asked for."""
    for words in ("", "421 4.4.2 idle|", "250 taken|"):
        taken = []

        def body(line, words=words, taken=taken):
            line.greet("PIPELINING")
            line.commands()
            line.say("250 a|250 b|354 go|")
            taken.append(line.content())
            # In one packet with the answer.
            line.say("250 taken|" + words)

        with Script(body) as server:
            database = Database(folder, f"{len(words)}.db")
            database.enqueue(message(index, f"r{index}@a.example") for index in range(5))
            database.deliver(server.url, concurrency=1, connections=1)
        assert sorted(delivery.number(one) for one in taken) == list(range(5)), taken
        assert database.failed() == 0 and "held back" not in database.said(), database.said()[-3000:]


def main():
    checks = {name[6:]: check for name, check in globals().items() if name.startswith("check_")}
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("checks", nargs="*")
    arguments = parser.parse_args()
    delivery.TOOL = os.path.abspath(arguments.tool)
    for name in arguments.checks or checks:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="stint-mail-") as folder:
            checks[name](folder)
        print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
