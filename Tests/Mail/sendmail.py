"""Programs that call sendmail, with `stint sendmail` in its place: PHP's mail(), cron, git, mutt and swaks.

    python3 Tests/Mail/sendmail.py .build/debug/stint

PHP and swaks are tried if they are there.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from email import message_from_bytes, policy

ROUNDS = 15


class Site:
    """A database, and a link with the name sendmail."""

    def __init__(self, stint):
        self.folder = tempfile.TemporaryDirectory(prefix="stint-sendmail-")
        self.stint = os.path.abspath(stint)
        self.database = os.path.join(self.folder.name, "stint.db")
        self.sendmail = os.path.join(self.folder.name, "sendmail")
        os.symlink(self.stint, self.sendmail)
        self.environment = {**os.environ, "STINT_DB": self.database, "LANG": "C"}
        self.last = 0

    def run(self, *command, mail=b"", code=0, **variables):
        done = subprocess.run(
            command, input=mail, capture_output=True, timeout=60, env={**self.environment, **variables}, cwd=self.folder.name)
        assert done.returncode == code, (command, done.returncode, done.stdout, done.stderr)
        return done

    def job(self, queue="mail"):
        """The next job: its document, and its mail."""
        self.last += 1
        job = json.loads(self.run(self.stint, "show", str(self.last), "--json").stdout)
        payload = self.run(self.stint, "show", str(self.last), "--payload").stdout
        assert b"\n" not in payload.replace(b"\r\n", b"") and b"\r" not in payload.replace(b"\r\n", b""), payload
        record = job.get("job", job)
        assert record["queue"] == queue and record["contentType"] == "message/rfc822", record
        return record, message_from_bytes(payload, policy=policy.default), payload


def php(site):
    if not shutil.which("php"):
        print("PHP is not there, and is not tried")
        return
    script = r"""
        $ok = mail("Änna <anna@example.org>, bob@example.org", "Grüße",
            "Zeile 1\nZeile 2\n.\n.x\n\nfrom here\n",
            "From: Zoë <zoe@example.org>\r\nCc: carl@example.org\r\nBcc: dora@example.org\r\nX-Php: 1",
            "-fbounce@example.org");
        exit($ok ? 0 : 3);
    """
    site.run("php", "-d", f"sendmail_path={site.stint} sendmail -t -i", "-r", script)
    record, mail, payload = site.job()
    assert record["headers"]["mail-from"] == "bounce@example.org", record
    assert record["headers"]["mail-to"] == "anna@example.org,bob@example.org,carl@example.org,dora@example.org", record
    assert record["group"] == "example.org", record
    assert b"dora" not in payload and b"\r\n.\r\n.x\r\n" in payload and "Grüße".encode() in payload, payload
    assert mail["message-id"] and mail["date"] and mail["x-php"] == "1" and "carl" in mail["cc"], payload

    # A queue that cannot be used: mail() says so.
    site.run("php", "-d", f"sendmail_path={site.stint} sendmail -t -i --db /nowhere/stint.db", "-r", script, code=3)
    # As a worker's handler, whose STINT_QUEUE is another one.
    site.run("php", "-d", f"sendmail_path={site.sendmail} -t -i", "-r", script, STINT_QUEUE="newsletter")
    site.job()

    timed = r"""
        $times = [];
        for ($i = 0; $i < %d; $i++) { $t = hrtime(true); if (!mail("a@example.org", "s", "b")) exit(3); $times[] = hrtime(true) - $t; }
        sort($times);
        echo intdiv($times[intdiv(count($times), 2)], 1000);
    """ % ROUNDS
    done = site.run("php", "-d", f"sendmail_path={site.stint} sendmail -t -i", "-r", timed)
    site.last += ROUNDS
    print(f"PHP's mail(): {int(done.stdout) / 1_000:.1f} ms in the median of {ROUNDS}")


def cron(site):
    site.run(
        site.sendmail, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
        mail=b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> job\nX-Cron-Env: <SHELL=/bin/sh>\n\nout\n.\nput\n")
    host = socket.gethostname()
    record, mail, payload = site.job()
    assert record["headers"]["mail-to"] == f"root@{host}" and b"\r\n.\r\nput\r\n" in payload, (record, payload)
    site.run(site.sendmail, "-FCronDaemon", "-odi", "-oem", "-oi", "-t", mail=b"To: a@example.org\nSubject: x\n\ny")
    record, mail, _ = site.job()
    assert mail["from"].startswith('"CronDaemon" <') or mail["from"].startswith("CronDaemon <"), mail["from"]


def git_and_mutt(site):
    patch = b"From 0123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nSubject: [PATCH] x\n\ndiff\n-- \n2.39\n"
    site.run(site.sendmail, "-f", "a@example.org", "-i", "b@example.org", "c@other.example", mail=patch)
    record, mail, payload = site.job()
    assert payload.startswith(b"Date: ") and mail["subject"] == "[PATCH] x" and "group" not in record, (record, payload)
    assert record["headers"] == {"mail-from": "a@example.org", "mail-to": "b@example.org,c@other.example"}, record
    site.run(
        site.sendmail, "-oem", "-oi", "-f", "a@example.org", "--", "b@example.org, c@example.org", "b@example.org",
        mail=b"Subject: mutt\r\n\r\nx\r\n")
    record, _, _ = site.job()
    assert record["headers"]["mail-to"] == "b@example.org,c@example.org", record
    site.run(site.sendmail, "-f", "<>", "-N", "never", "-R", "hdrs", "-v", "-bm", "x@y.example", mail=b"Subject: bounce\n\n")
    assert site.job()[0]["headers"]["mail-from"] == ""


def details(site):
    site.run(site.sendmail, "a@b.example", mail=b"Subject: x\n\none\n.\ntwo\n")
    assert site.job()[2].endswith(b"\r\n\r\none\r\n"), "a dot ends the mail without -i"
    site.run(site.stint, "sendmail", "--queue", "slow", "a@b.example", mail=b"x")
    site.job("slow")
    site.run(site.stint, "sendmail", "a@b.example", mail=b"x", STINT_SENDMAIL_QUEUE="other")
    site.job("other")
    large = b"Subject: large\n\n" + b"0123456789abcde\n" * 900_000
    site.run(site.sendmail, "-i", "a@b.example", mail=large)
    assert len(site.job()[2]) > 15_000_000

    for arguments, mail, code in [
        ([], b"To: a@b\n\nx", 65), (["-t"], b"Subject: x\n\nx", 65), (["a b@c"], b"", 65), (["-t"], b"To: <a@b@c>\n\n", 65),
        (["--nonsense"], b"", 64), (["-by", "a@b"], b"", 64), (["-i", "a@b"], b"x" * 17_000_000, 65),
        (["--db", "/nowhere/x.db", "a@b"], b"x", 69), (["a..b@c"], b"x", 65), (["a@b."], b"x", 65), (["a" * 65 + "@b"], b"x", 65),
        (["-i", *[f"{'a' * 60}{n}@example.org" for n in range(1_500)]], b"x", 65),
    ]:
        done = site.run(site.sendmail, *arguments, mail=mail, code=code)
        assert done.stderr.count(b"\n") == 1 and not done.stdout, done
    site.run(site.sendmail, "-bi")

    # What the mail has no part in is 69.
    for variables in [{"STINT_SENDMAIL_QUEUE": "no queue!"}, {"STINT_DB": "nonsense://x"}, {"STINT_DB": "/nowhere/x.db"}]:
        done = site.run(site.sendmail, "a@b", mail=b"x", code=69, **variables)
        assert done.stderr.count(b"\n") == 1, done
    # No folder gets a database because a program sends a mail in it; one that is there is used.
    with tempfile.TemporaryDirectory(prefix="stint-sendmail-") as folder:
        environment = {name: value for name, value in site.environment.items() if name != "STINT_DB"}
        command = [site.sendmail, "a@b"]
        done = subprocess.run(command, input=b"x", capture_output=True, timeout=60, env=environment, cwd=folder)
        assert done.returncode == 69 and b"set STINT_DB, or give --db" in done.stderr and not os.listdir(folder), done
        site.run(*command, "--db", os.path.join(folder, "stint.db"), mail=b"x")
        done = subprocess.run(command, input=b"x", capture_output=True, timeout=60, env=environment, cwd=folder)
        assert done.returncode == 0, done


def swaks(site):
    dialogue = (
        b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<fail-450@d.example>\r\nDATA\r\nSubject: x\r\nBcc: no\r\n\r\n..\r\n.\r\n"
        b"MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n.\r\nQUIT\r\n")
    done = site.run(site.sendmail, "-bs", mail=dialogue)
    codes = [line[:3] for line in done.stdout.split(b"\r\n") if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"250", b"250", b"354", b"250", b"221"], done.stdout
    record, _, payload = site.job()
    assert record["headers"] == {"mail-from": "a@b.example", "mail-to": "fail-450@d.example"}, record
    assert payload.endswith(b"\r\n\r\n.\r\n") and b"Bcc" not in payload, payload
    assert site.job()[0]["headers"]["mail-from"] == ""
    done = site.run(
        site.sendmail, "-bs", mail=b"HELO x\r\nMAIL FROM:<root>\r\nRCPT TO:<a@b>\r\nDATA\r\n.\r\n"
        b"MAIL FROM:<a@b>\r\nRCPT TO:<a..b@c>\r\nDATA\r\n.\r\nQUIT\r\n")
    assert b"\r\n554 " in done.stdout, done.stdout
    assert site.job()[0]["headers"]["mail-from"] == f"root@{socket.gethostname()}"
    failed = site.run(site.sendmail, "-bs", "--db", "/nowhere/x.db", mail=dialogue)
    assert failed.stdout.count(b"\r\n451 ") == 2, failed.stdout
    if not shutil.which("swaks"):
        print("swaks is not there, and is not tried")
        return
    site.run("swaks", "--pipe", f"{site.sendmail} -bs", "--from", "s@b.example", "--to", "t@b.example", "--body", "by swaks")
    assert b"by swaks" in site.job()[2]


def caller_that_ends(site):
    """A caller that dies before its mail has a byte."""
    start = time.monotonic()
    site.run(site.sendmail, "a@b.example", mail=b"")
    assert site.job()[1]["from"] and time.monotonic() - start < 30


def time_of_start(site):
    times = []
    for _ in range(ROUNDS):
        start = time.monotonic()
        site.run(site.sendmail, "a@b.example", mail=b"Subject: x\n\ny")
        times.append((time.monotonic() - start) * 1_000)
    site.last += ROUNDS
    print(f"sendmail: {statistics.median(times):.1f} ms in the median")


def main(stint):
    site = Site(stint)
    try:
        for check in [php, cron, git_and_mutt, details, swaks, caller_that_ends, time_of_start]:
            check(site)
            print(f"{check.__name__}: good")
    finally:
        site.folder.cleanup()


if __name__ == "__main__":
    main(*sys.argv[1:])
