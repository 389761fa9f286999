"""A mail server that does what a test says, and writes down what it took.

The behaviour is the recipient's: `later+1@…` is refused for now once and then taken. `plan` says it for each recipient.
"""

import asyncio
import collections
import contextlib
import logging
import ssl
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

# Connections break here on purpose.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)

Taken = collections.namedtuple("Taken", "sender recipient message answered")


class Chaos:
    """Handler of aiosmtpd. All of it runs on the thread of the server."""

    # Whether the server offers PIPELINING (aiosmtpd reads one command after the other in any case).
    pipelining = False

    def __init__(self, plan=None):
        # Of a recipient: what happens at its first attempt, its second, and so on; after the last one it is taken.
        self.plan = plan or {}
        self.attempts = collections.Counter()
        self.taken = []
        self.connections = 0
        self.transactions = 0
        self.options = []
        self.auth = []
        # An answer to every MAIL, or to every connection, while it is set.
        self.mail_answer = None
        # How many messages of a connection are taken, before it is ended with 421.
        self.messages_of_connection = None

    def step(self, recipient):
        steps = self.plan.get(recipient, [])
        number = self.attempts[recipient]
        return steps[number] if number < len(steps) else "take"

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return ["250-PIPELINING"] * self.pipelining + responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.transactions += 1
        self.options.append(options)
        session.messages = getattr(session, "messages", 0) + 1
        if self.messages_of_connection and session.messages > self.messages_of_connection:
            await server.push("421 4.4.2 too many messages for one connection")
            server.transport.close()
            return "250 never seen"
        if self.mail_answer:
            if self.mail_answer.startswith("421"):
                await server.push(self.mail_answer)
                server.transport.close()
                return "250 never seen"
            return self.mail_answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 sender ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        step = self.step(address)
        if step.startswith("rcpt "):
            self.attempts[address] += 1
            return step[5:]
        if step == "drop at rcpt":
            self.attempts[address] += 1
            server.transport.abort()
            return "250 never seen"
        if step == "421 at rcpt":
            self.attempts[address] += 1
            await server.push("421 4.3.2 going down")
            server.transport.close()
            return "250 never seen"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server, session, envelope):
        steps = {recipient: self.step(recipient) for recipient in envelope.rcpt_tos}
        for recipient in envelope.rcpt_tos:
            self.attempts[recipient] += 1
        step = next((step for step in steps.values() if step != "take"), "take")
        if step.startswith("data "):
            return step[5:]
        answered = not step.startswith("drop after the dot") and step != "silent after the dot"
        for recipient in envelope.rcpt_tos:
            self.taken.append(Taken(envelope.mail_from, recipient, envelope.original_content, answered))
        if step == "drop after the dot":
            server.transport.abort()
        elif step == "silent after the dot":
            await asyncio.sleep(30)
            server.transport.abort()
        elif step == "slow":
            await asyncio.sleep(0.3)
        return "250 2.0.0 taken"


class Server(SMTP):
    # The checks of bytes send lines of any length.
    line_length_limit = 10_000_000

    async def smtp_DATA(self, arg):
        handler = self.event_handler
        steps = [handler.step(recipient) for recipient in self.envelope.rcpt_tos]
        if "drop in the message" in steps:
            for recipient in self.envelope.rcpt_tos:
                handler.attempts[recipient] += 1
            await self.push("354 go on")
            await self._reader.read(10)
            self.transport.abort()
            return
        if "slow in the message" in steps:
            await asyncio.sleep(0.3)
        await super().smtp_DATA(arg)

    def connection_made(self, transport):
        # STARTTLS calls it again.
        if self.session is None:
            self.event_handler.connections += 1
        super().connection_made(transport)


class Running(Controller):
    """A server on a port of 127.0.0.1: `with Running(Chaos()) as server`."""

    def __init__(self, handler, port=0, **options):
        self.server_options = options
        super().__init__(handler, hostname="127.0.0.1", port=port or free_port(), ready_timeout=20)

    def factory(self):
        options = {"enable_SMTPUTF8": True, "data_size_limit": 50_000_000, "timeout": 60, **self.server_options}
        return Server(self.handler, hostname="chaos.test", **options)

    def __enter__(self):
        self.start()
        # One is aiosmtpd's own, by which it sees that it has started.
        self.handler.connections = 0
        return self

    def __exit__(self, *_):
        self.stop()


def free_port():
    import socket

    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def authenticator(passwords, seen):
    def check(server, session, envelope, mechanism, data):
        user, password = data.login.decode(), data.password.decode()
        seen.append((mechanism, user, session.ssl is not None))
        if passwords.get(user) == password:
            return AuthResult(success=True)
        # A server that repeats the password in its answer.
        return AuthResult(success=False, handled=False, message=f"535 5.7.8 no {password} for you")

    return check


def context(folder):
    import subprocess

    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
        check=True, capture_output=True)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    return made


class Tarpit:
    """A port that takes connections and says nothing, or one line."""

    def __init__(self, greeting=b""):
        import socket

        self.greeting = greeting
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.open = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections += 1
                self.open.append(connection)
                if self.greeting:
                    connection.sendall(self.greeting)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        import socket

        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def eventually(what, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
