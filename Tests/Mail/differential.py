"""The same commands to aiosmtpd and to `stint serve --catch-mail`: the codes of the replies are compared, and the mails.

    Tests/Mail/setup && .build/mail-venv/bin/python Tests/Mail/differential.py .build/debug/stint [--sequences 500] [--seed 7]
"""

import argparse
import logging
import os
import random
import re
import socket
import sys
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "OpenAPI")]
sys.dont_write_bytecode = True

import api  # noqa: E402

LARGEST = 20_480

# Where the replies differ on purpose, and why.
DIFFERENCES = [
    (r"HELP", 250, 214, "RFC 5321 has 214 for HELP"),
    (r"HELP\s.*", 501, 214, "the argument of HELP is not looked at"),
    (r"HELP\s.*", 250, 214, "RFC 5321 has 214 for HELP"),
    (r"VRFY\s.*", 502, 252, "no address is checked, also none that is no address"),
    (r"VRFY\s.*", 501, 252, "no address is checked, also none that is no address"),
    (r"MAIL FROM:.*AUTH=.*", 555, 250, "RFC 4954 has the parameter AUTH"),
    (r"MAIL FROM:.*AUTH=.*", 501, 250, "RFC 4954 has the parameter AUTH"),
    (r"(MAIL|RCPT) .*ë.*", 250, 553, "RFC 6531: an address that is not ASCII needs the parameter SMTPUTF8"),
    (r"(MAIL|RCPT) .*", 553, 501, "an address that is none is a wrong argument (RFC 5321, 4.2.3)"),
    (r"RCPT TO:<>", 250, 501, "RFC 5321: nobody can be the recipient of a mail"),
    (r"MAIL FROM:<[^>]*", 250, 501, "the address has no end"),
    (r"(MAIL|RCPT).*", 501, 555, "a parameter after HELO is a parameter that is not known"),
    (r"AUTH", 500, 501, "which of two errors is told"),
    (r"AUTH.*", 500, 503, "after HELO, AUTH comes too early"),
    (r"AUTH .*", 503, 504, "which of two errors is told"),
    (r"AUTH .*", 504, 503, "which of two errors is told"),
    (r"AUTH .*", 501, 503, "which of two errors is told"),
    (r"AUTH\s*", 503, 501, "which of two errors is told"),
    (r"AUTH .*", 235, 503, "RFC 4954: AUTH is not allowed within a mail"),
    (r"AUTH .*", 334, 503, "RFC 4954: AUTH is not allowed within a mail"),
    (r"EXPN.*", 502, 502, ""),
    (r"(DATA|RSET|QUIT|RCPT|MAIL).*", 503, 501, "which of two errors is told"),
    (r"(DATA|RSET|QUIT|RCPT|MAIL).*", 501, 503, "which of two errors is told"),
    (r"(RCPT|MAIL).*", 503, 555, "which of two errors is told"),
    (r"(RCPT|MAIL).*", 503, 553, "which of two errors is told"),
    (r"(RCPT|MAIL).*", 555, 503, "which of two errors is told"),
    (r"(RCPT|MAIL).*", 555, 501, "which of two errors is told"),
    (r"MAIL.*", 552, 503, "which of two errors is told"),
    (r"MAIL.*", 503, 552, "which of two errors is told"),
]

HELLO = ["EHLO client.example", "EHLO client.example", "EHLO client.example", "HELO client.example", "EHLO", "HELO", "ehlo x"]
SENDERS = ["MAIL FROM:<a@example.org>"] * 5 + [
    "MAIL FROM:<>", "mail from:<a@example.org>", "MAIL FROM: <a@example.org>", "MAIL FROM:<a@example.org> SIZE=100",
    "MAIL FROM:<a@example.org> SIZE=99999999", "MAIL FROM:<a@example.org> SIZE=x", "MAIL FROM:<a@example.org> BODY=8BITMIME",
    "MAIL FROM:<a@example.org> BODY=FOO", "MAIL FROM:<a@example.org> SMTPUTF8", "MAIL FROM:<a@example.org> FOO=BAR",
    "MAIL FROM:<zoë@example.org> SMTPUTF8", "MAIL FROM:", "MAIL", "MAIL TO:<a@example.org>", "MAIL FROM:<a@example.org",
    "MAIL FROM:<a@example.org> AUTH=<>", "MAIL FROM:<\"a b\"@example.org>", "MAIL FROM:<a@example.org> SMTPUTF8=1",
]
RECIPIENTS = ["RCPT TO:<b@example.org>"] * 5 + [
    "rcpt to:<c@example.org>", "RCPT TO: <b@example.org>", "RCPT TO:<>", "RCPT TO:", "RCPT", "RCPT FROM:<b@example.org>",
    "RCPT TO:<b@example.org> FOO=BAR", "RCPT TO:<b@example.org> NOTIFY=NEVER", "RCPT TO:<postmaster>", "RCPT TO:<b@[127.0.0.1]>",
]
OTHERS = [
    "NOOP", "NOOP x", "RSET", "RSET x", "HELP", "VRFY", "VRFY a@example.org", "EXPN list", "FOO", "FOO bar", "QUIT x", "DATA x",
    "AUTH", "AUTH PLAIN AGEAYg==", "AUTH FOO", "AUTH PLAIN !!!", "x" * 20_000, "DATA", "DATA",
]
BODIES = [
    "Subject: one\r\n\r\ntext\r\n", "Subject: dots\r\n\r\n..\r\n..x\r\n", "", "x" * 900 + "\r\n", ("y" * 900 + "\r\n") * 30,
    "Subject: 8 bit\r\n\r\nzo\u00eb\r\n", "\r\n\r\n", "a\r\n\r\n.\tb\r\n",
]


class Mails:
    """aiosmtpd's handler: it keeps the last mail."""

    last = None

    async def handle_DATA(self, server, session, envelope):
        self.last = (envelope.mail_from, envelope.rcpt_tos, envelope.content)
        return "250 OK"


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.input = self.socket.makefile("rb")
        self.reply()

    def reply(self):
        while True:
            line = self.input.readline()
            if not line:
                return None
            assert re.match(rb"\d\d\d[ -]|\d\d\d\r", line), line
            if line[3:4] != b"-":
                return int(line[:3])

    def say(self, text):
        try:
            self.socket.sendall(text.encode() + b"\r\n")
            return self.reply()
        except (BrokenPipeError, ConnectionResetError):
            return None

    def close(self):
        self.socket.close()


def sequence(chance):
    """Lines that mostly make sense; a body is a pair."""
    lines = []
    for _ in range(chance.randint(1, 3)):
        parts = [chance.choice(HELLO)] if not lines or chance.random() < 0.2 else []
        parts += [chance.choice(SENDERS)] + [chance.choice(RECIPIENTS) for _ in range(chance.randint(0, 3))]
        parts.append("DATA")
        for part in parts:
            if chance.random() < 0.25:
                lines.append(chance.choice(OTHERS))
            if chance.random() > 0.08:
                lines.append(part)
    return lines + ["QUIT"]


def explained(line, theirs, ours):
    for pattern, left, right, _ in DIFFERENCES:
        if theirs == left and ours == right and re.fullmatch(pattern, line, re.IGNORECASE):
            return True
    return False


def compare(lines, chance, theirs, ours, mails, mailbox):
    """What differs without an explanation; `None`: nothing."""
    body = None
    for line in lines:
        left, right = theirs.say(line), ours.say(line)
        if left == 334 and right == 334:
            # An answer that is none, which ends AUTH.
            left, right = theirs.say("*"), ours.say("*")
            line = "AUTH *"
        if left == 354 and right == 354:
            body = chance.choice(BODIES)
            left, right = theirs.say(body + "."), ours.say(body + ".")
            line = f"a body of {len(body)} bytes"
            if left == right == 250:
                mine = mailbox()
                # aiosmtpd's own content has had its dots removed as well.
                if mails.last[2] != mine:
                    return f"the mail {mails.last[2][:80]!r} is {mine[:80]!r}"
        if left != right:
            if not explained(line, left, right):
                return f"{line[:80]!r}: aiosmtpd says {left}, stint {right}"
            if (left or 500) < 400 or (right or 500) < 400:
                # From here on they have other states.
                return None
        if left is None or left == 221:
            return None
    return None


def main(stint):
    options = argparse.ArgumentParser()
    options.add_argument("stint")
    options.add_argument("--sequences", type=int, default=300)
    options.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = options.parse_args()
    print(f"seed {options.seed}", flush=True)
    # What aiosmtpd says of the commands that it refuses, and of itself.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    chance = random.Random(options.seed)
    mails = Mails()
    controller = Controller(
        mails, hostname="127.0.0.1", port=0, data_size_limit=LARGEST, enable_SMTPUTF8=True, auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=True))
    # The controller tries to connect to the port that it was given.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        controller.port = free.getsockname()[1]
    controller.start()
    problems = {}
    with api.Server(options.stint, "--catch-mail", "127.0.0.1:0", "--max-mail-size", "20K") as server:
        address = (server.host, server.port)

        def latest():
            newest = api.call(address, "GET", "/mails?limit=1").json["mails"][0]["id"]
            return api.call(address, "GET", f"/mails/{newest}/source").bytes

        for number in range(options.sequences):
            lines = sequence(chance)
            theirs, ours = Client(controller.port), Client(server.mail_port)
            try:
                problem = compare(lines, chance, theirs, ours, mails, latest)
            finally:
                theirs.close()
                ours.close()
            if problem:
                problems.setdefault(problem, (number, lines))
        assert server.process.poll() is None, "the server has ended"
    controller.stop()
    for problem, (number, lines) in problems.items():
        print(f"sequence {number}: {problem}; after {[line[:60] for line in lines]}")
    print(f"{options.sequences} sequences, {len(problems)} differences that are not explained")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
