"""Clients of `stint serve --catch-mail`: Python's smtplib, swaks if it is there, and mails that were made to harm.

    python3 Tests/Mail/clients.py .build/debug/stint

It needs nothing but Python, and sends only to its own server on this machine.
"""

import base64
import email.message
import http.client
import os
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "OpenAPI"), os.path.join(HERE, "..", "Python")]
sys.dont_write_bytecode = True

import api  # noqa: E402
import processes  # noqa: E402

# A page must answer within this many seconds. The machine may be busy with other tests.
LIMIT = 20
# What the server may take with its mailbox of 64 MiB full, in MiB.
MEMORY = 500


class Server(api.Server):
    def call(self, method, path):
        return api.call((self.host, self.port), method, path)

    def wait(self, recipient, after=0):
        answer = self.call("GET", f"/mails/wait?to={recipient}&after={after}&timeoutMilliseconds=20000")
        assert answer.status == 200, answer.bytes
        return answer.json

    @property
    def last(self):
        mails = self.call("GET", "/mails?limit=1").json["mails"]
        return mails[0]["id"] if mails else 0

    def page(self, path):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=LIMIT)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @property
    def memory(self):
        return processes.status(self.process, "VmRSS") // 1_024


def rich():
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Zoë <zoe@example.org>", "Anna <anna@example.org>", "Grüße aus Köln"
    mail.set_content("Schön: https://example.org/a\n.\n..\nEnde\n")
    mail.add_alternative("<p>Schön: <a href='https://example.org/b'>hier</a> <img src='cid:p@x'></p>", subtype="html")
    mail.get_payload()[1].add_related(base64.b64decode("iVBORw0KGgo="), "image", "png", cid="<p@x>")
    mail.add_attachment("a;b\n", subtype="csv", filename="naïve.csv")
    return mail


def python_client(server):
    with smtplib.SMTP("127.0.0.1", server.mail_port, timeout=20) as client:
        client.ehlo()
        for name in ["size", "8bitmime", "smtputf8", "pipelining", "enhancedstatuscodes", "auth"]:
            assert client.has_extn(name), name
        client.login("any", "password")
        client.send_message(rich())
        found = server.wait("anna@example.org")
        assert found["mail"]["subject"] == "Grüße aus Köln" and found["mail"]["sender"] == "zoe@example.org", found
        assert found["text"].replace("\r", "") == "Schön: https://example.org/a\n.\n..\nEnde\n", found["text"]
        assert found["links"] == ["https://example.org/b", "https://example.org/a"], found["links"]
        assert [part["name"] for part in found["attachments"]][-1] == "naïve.csv", found["attachments"]
        part = found["attachments"][-1]["part"]
        assert server.call("GET", f"/mails/{found['mail']['id']}/parts/{part}").bytes.replace(b"\r", b"") == b"a;b\n"
        status, frame = server.page(f"/mail/{found['mail']['id']}/html")
        assert status == 200 and b"data:image/png;base64,iVBORw0KGgo=" in frame, frame

        mail = email.message.EmailMessage()
        mail["Subject"] = "Ünïcode"
        mail.set_content("x")
        client.send_message(mail, "zoë@example.org", ["jörg@bücher.example"])
        assert server.wait("j%C3%B6rg@b%C3%BCcher.example")["mail"]["sender"] == "zoë@example.org"

        for recipient, code in [("fail-450@x", 450), ("fail-550@x", 550)]:
            refused = client.sendmail("a@x", ["some@x", recipient], "Subject: one\n\nx")
            assert refused[recipient][0] == code, refused
        try:
            client.sendmail("a@x", ["fail-data-554@x"], "x")
            raise AssertionError("it was accepted")
        except smtplib.SMTPDataError as error:
            assert error.smtp_code == 554, error
        try:
            client.sendmail("a@x", ["drop@x"], "x")
            raise AssertionError("the connection was not closed")
        except smtplib.SMTPServerDisconnected:
            pass
    print("smtplib: texts, pictures, attachments, AUTH, SMTPUTF8 and simulated failures")


def swaks_client(server):
    if not shutil.which("swaks"):
        print("swaks is not there, and is not tried")
        return

    def swaks(*options, code=0):
        done = subprocess.run(
            ["swaks", "--server", f"127.0.0.1:{server.mail_port}", "--from", "swaks@example.org", *options],
            capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    swaks("--to", "one@swaks.example", "--header", "Subject: by swaks", "--body", "text\n.\n.x")
    found = server.wait("one@swaks.example")
    assert found["mail"]["subject"] == "by swaks" and "\n.\r\n.x" in found["text"].replace("\n.\n", "\n.\r\n"), found
    swaks("--to", "two@swaks.example", "--auth", "LOGIN", "--auth-user", "a", "--auth-password", "b", "--pipeline")
    server.wait("two@swaks.example")
    swaks("--to", "three@swaks.example", "--auth", "PLAIN", "--auth-user", "a", "--auth-password", "b", "--attach", "@" + __file__)
    assert server.wait("three@swaks.example")["attachments"][0]["bytes"] == os.path.getsize(__file__)
    swaks("--to", "fail-451@swaks.example", code=24)
    swaks("--to", "fail-data-550@swaks.example", code=26)
    swaks("--to", "a@swaks.example", "--protocol", "SMTP")
    print("swaks: mails, AUTH, pipelining, attachments, failures and HELO")


# MARK: - Mails that were made to harm


def nested(levels):
    return "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(levels))


def hostile_mails():
    text = "Subject: {}\r\n{}\r\n\r\n{}"
    yield "100,000 headers", "Subject: x\r\n" + "X-Header: value\r\n" * 100_000 + "\r\ntext"
    yield "one header of 10 MB", "Subject: " + "x" * 10_000_000 + "\r\n\r\ntext"
    yield "a folded header of 500,000 lines", "Subject: x\r\n" + " y\r\n" * 500_000 + "\r\ntext"
    yield "100,000 nested parts", "Subject: x\r\n" + nested(100_000)
    yield "as many nested parts as are read", "Subject: x\r\n" + nested(240)
    yield "100,000 nested mails", "Content-Type: message/rfc822\r\n\r\n" * 100_000
    yield "100,000 parts", text.format("x", "Content-Type: multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n" * 100_000)
    yield "400,000 headers of a part", text.format("x", "Content-Type: multipart/mixed; boundary=b", "--b\r\n" + "a:\r\n" * 400_000)
    yield "400,000 headers of a mail in a mail", text.format("x", "Content-Type: message/rfc822", "a:\r\n" * 400_000)
    yield "a million lines that are nearly separators", text.format(
        "x", "Content-Type: multipart/mixed; boundary=b", "-\r\n-b\r\n" * 500_000)
    yield "a line of 20 MB", text.format("x", "X: y", "x" * 20_000_000)
    yield "quoted-printable of 10 MB", text.format(
        "x", "Content-Transfer-Encoding: quoted-printable", "=41" * 3_000_000)
    yield "Base64 of 20 MB", text.format(
        "x", "Content-Type: application/zip\r\nContent-Transfer-Encoding: base64", "QUJD" * 5_000_000)
    for charset in ["utf-8", "utf-7", "utf-16", "iso-2022-jp", "gb18030", "x-none", "%s%n", "../../etc/passwd", ""]:
        yield f"a broken text in {charset}", text.format(
            "x", f"Content-Type: text/html; charset=\"{charset}\"", "").encode() + bytes(range(256)) * 100
    for header in [
        "Subject: =?utf-8?b?" + "//8=" * 1_000 + "?=", "Subject: =?utf-8?q?=00=ff=fe?=", "Subject: =?x-none?q?a?=", "Subject: \x00\x01\x1b[31m",
        "Content-Type: " + ";" * 10_000, "Content-Type: text/html; " + "a*0*=''x; " * 3_000, "Content-Disposition: attachment; filename=\"../../../x\"",
        "Content-Transfer-Encoding: x-uuencode", "Content-Type: multipart/mixed", "Content-Type: multipart/mixed; boundary=\"\"",
        "To: " + "a@b, " * 20_000, "From: " + "(" * 20_000, "To: " + "<" * 20_000,
    ]:
        yield f"{header[:40]!r}", f"{header}\r\n\r\nx"
    yield "scripts in HTML", text.format(
        "<script>alert(1)</script>", "Content-Type: text/html",
        "<script>parent.location='http://evil.example/'</script><meta http-equiv=refresh content='0;url=http://evil.example/'>"
        "<img src=x onerror=alert(1)><iframe src=javascript:alert(1)></iframe><base href=http://evil.example/>"
        "<form action=http://evil.example/><input></form><a href='javascript:alert(1)'>x</a>" * 100)
    yield "100,000 links", text.format("x", "Content-Type: text/html", "<a href=http://x/>" * 100_000)
    yield "100,000 pictures", text.format("x", "Content-Type: text/html", "<img src=cid:x>" * 100_000)


def hostile(server):
    slowest = 0
    for name, mail in hostile_mails():
        data = mail if isinstance(mail, bytes) else mail.encode("utf-8", "surrogateescape")
        last = server.last
        with smtplib.SMTP("127.0.0.1", server.mail_port, timeout=60) as client:
            client.helo("hostile")
            client.docmd("MAIL FROM:<h@x>")
            client.docmd("RCPT TO:<h@x>")
            code, _ = client.data(data)
            assert code == 250, (name, code)
        start = time.monotonic()
        mail = server.last
        assert mail == last + 1, name
        status, page = server.page(f"/mail/{mail}")
        assert status == 200 and len(page) < 12_000_000, (name, status, len(page))
        assert b"<script>alert" not in page and b'href="javascript' not in page, name
        for path in [f"/mail/{mail}.json", f"/mail/{mail}/html", f"/mail/{mail}/source", "/mail", "/mail.json", "/"]:
            status, answer = server.page(path)
            assert status == 200 or path.endswith("html") and status == 404, (name, path, status)
        slowest = max(slowest, time.monotonic() - start)
        assert server.memory < MEMORY, (name, server.memory)
    print(f"hostile mails: the slowest seven pages took {slowest:.1f} s; the server has {server.memory} MiB")


def flood(server):
    """Many times more than the mailbox may have, by several connections."""

    def send():
        with smtplib.SMTP("127.0.0.1", server.mail_port, timeout=60) as client:
            for _ in range(15):
                client.sendmail("f@x", ["flood@x"], b"Subject: flood\r\n\r\n" + b"x" * 78 + b"\r\n" + b"y" * 4_000_000)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    most = 0
    while any(thread.is_alive() for thread in threads):
        most = max(most, server.memory)
        time.sleep(0.05)
    assert most < MEMORY, f"{most} MiB"
    kept = server.call("GET", "/mails").json["count"]
    assert 1 <= kept <= 16, kept
    print(f"360 MB of mails: {kept} are kept, and the server had {most} MiB at most")


def slow(server):
    """Connections that say nothing, half a command or half a mail, beside one that works."""
    begin = b"HELO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"
    kept = []
    for number in range(150):
        connection = socket.create_connection(("127.0.0.1", server.mail_port), timeout=20)
        connection.sendall([b"", b"HEL", begin + b"half"][number % 3])
        kept.append(connection)
    with smtplib.SMTP("127.0.0.1", server.mail_port, timeout=20) as client:
        client.sendmail("a@x", ["beside@x"], "Subject: beside\n\nx")
    server.wait("beside@x")
    more = [socket.create_connection(("127.0.0.1", server.mail_port), timeout=20) for _ in range(100)]
    replies = [connection.recv(3) for connection in more]
    assert replies.count(b"421") >= 40 and replies.count(b"220") >= 1, replies
    for connection in kept + more:
        connection.close()
    processes.eventually("there is room again", lambda: reply_of(server) == b"220")
    print("200 connections at a time: the next ones are told to come later")


def reply_of(server):
    with socket.create_connection(("127.0.0.1", server.mail_port), timeout=20) as connection:
        return connection.recv(3)


def main(stint):
    with Server(stint, "--catch-mail", "127.0.0.1:0") as server:
        python_client(server)
        swaks_client(server)
        slow(server)
        deleted = server.call("DELETE", "/mails").json["deleted"]
        assert deleted >= 4 and server.call("GET", "/mails").json == {"count": 0, "mails": []}
    with Server(stint, "--catch-mail", "127.0.0.1:0", "--max-mail-memory", "64M") as server:
        hostile(server)
        flood(server)
        assert server.process.poll() is None, "the server has ended"
    with tempfile.TemporaryDirectory() as folder:
        refused = subprocess.run(
            [stint, "serve", "--db", f"{folder}/none.db", "--web", "127.0.0.1:0", "--catch-mail", "0.0.0.0:0"],
            capture_output=True, text=True, timeout=30)
    assert refused.returncode == 65 and "--allow-remote" in refused.stderr, refused.stderr


if __name__ == "__main__":
    main(*sys.argv[1:])
