"""A running community for a test: its processes, its mails, its clock, and what a mail service would post to it."""

import email
import email.policy
import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.parse


class Community:
    """`community` with free ports, a new folder, no locale, an odd time zone, and a clock that the test moves."""

    def __init__(self, program):
        self.stint_program = os.path.join(os.path.dirname(os.path.abspath(program)), "stint")
        self.folder = tempfile.mkdtemp(prefix="community-")
        self.database = f"{self.folder}/data/community.db"
        self.ahead = 0.0
        self._write_clock()
        self.log = open(f"{self.folder}/log", "w+")
        # The wall clock alone is moved: the monotonic one decides about leases.
        environment = os.environ | {
            "LANG": "C", "LC_ALL": "C", "TZ": "Antarctica/Troll",
            "FAKETIME_TIMESTAMP_FILE": f"{self.folder}/clock", "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        # The program's own clock is the file; `faketime` knows clocks in its arguments only.
        clock = ["faketime", "-f", "+0", "sh", "-c",
                 f"unset FAKETIME; LD_PRELOAD=\"{self._real_timers()}:$LD_PRELOAD\"; exec \"$0\" \"$@\""]
        ports = ["--port", "0", "--jobs-port", "0", "--mail-port", "0"]
        self.process = subprocess.Popen(
            [*clock, program, "--data", f"{self.folder}/data", *ports], env=environment, stdout=subprocess.PIPE,
            stderr=self.log, text=True, start_new_session=True)
        self.greeting = ""
        while "Ctrl-C" not in self.greeting:
            line = self.process.stdout.readline()
            if not line:
                self.log.seek(0)
                raise SystemExit(f"the community does not start: {self.log.read()}")
            self.greeting += line
        self.address = re.search(r"The site +(\S+)/\n", self.greeting).group(1)
        self.jobs = re.search(r"Its jobs +(\S+)/\n", self.greeting).group(1)

    def _real_timers(self):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "real_timers.c")
        library = f"{self.folder}/real_timers.so"
        subprocess.run([shutil.which("cc") or "clang", "-shared", "-fPIC", "-o", library, source], check=True)
        return library

    # Its clock

    def now(self):
        return time.time() + self.ahead

    def move_clock_to(self, when):
        self.ahead = when - time.time()
        self._write_clock()

    def _write_clock(self):
        path = f"{self.folder}/clock"
        with open(path + "-new", "w") as file:
            file.write(f"+{self.ahead:.3f}")
        os.rename(path + "-new", path)

    # Its queue

    def stint(self, command, *arguments):
        return subprocess.run(
            [self.stint_program, command, "--db", self.database, *arguments], check=True, capture_output=True,
            text=True).stdout

    def counts(self, queue):
        for line in json.loads(self.stint("stats", "--json"))["queues"]:
            if line["name"] == queue:
                return line
        return {"ready": 0, "delayed": 0, "leased": 0, "buried": 0, "done": 0}

    def jobs_in(self, query):
        return [json.loads(line) for line in self.stint("list", query, "--json").splitlines()]

    def settled(self):
        """Whether no job is left that could start now."""
        queues = json.loads(self.stint("stats", "--json"))["queues"]
        return all(queue["ready"] == 0 and queue["leased"] == 0 for queue in queues)

    # Its mails

    def _api(self, method, path, **query):
        connection = http.client.HTTPConnection(urllib.parse.urlparse(self.jobs).netloc, timeout=60)
        connection.request(
            method, f"/api/v1/{path}?{urllib.parse.urlencode(query)}", headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        return json.loads(body) if answer.status == 200 else None

    def wait_for_mail(self, to, seconds=10):
        return self._api("GET", "mails/wait", to=to, timeoutMilliseconds=int(seconds * 1000))

    def mails(self):
        """The list of all, oldest first."""
        found, query = [], {"limit": 100}
        while True:
            page = self._api("GET", "mails", **query)
            found += page["mails"]
            if "next" not in page:
                return found[::-1]
            query["before"] = page["next"]

    def mail_count(self):
        return self._api("GET", "mails", limit=1)["count"]

    def mails_id(self):
        """The greatest number of a mail so far."""
        newest = self._api("GET", "mails", limit=1)["mails"]
        return newest[0]["id"] if newest else 0

    def password_link(self, to, after):
        """Of the first mail to somebody after this number that has one; `None` after ten seconds."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            found = self._api("GET", "mails/wait", to=to, after=after, timeoutMilliseconds=5_000)
            if found is None:
                return None
            after = (found.get("mail") or found)["id"]
            links = [link for link in found["links"] if "/reset?reset-token=" in link]
            if links:
                return links[0]
        return None

    def subject(self, mail):
        """As Python's own parser reads it."""
        connection = http.client.HTTPConnection(urllib.parse.urlparse(self.jobs).netloc, timeout=60)
        connection.request("GET", f"/api/v1/mails/{mail['id']}/source")
        source = connection.getresponse().read()
        return email.message_from_bytes(source, policy=email.policy.default)["Subject"]

    def contents(self, mail):
        return self._api("GET", f"mails/{mail['id']}")

    def forget_mails(self):
        self._api("DELETE", "mails")

    # What comes in

    def post_reply(self, sender, recipient, text, key=None, path="/inbound/mailgun", token=None, headers=(), **more):
        """As Mailgun posts it. Returns the status."""
        with open(f"{self.folder}/data/signing-key") as file:
            key = key or file.read()
        timestamp, token = str(int(self.now())), token or secrets.token_hex(25)
        signature = hmac.new(key.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
        names = [["From", sender], ["To", recipient], ["Message-Id", f"<{token}@example.org>"], *headers]
        fields = {
            "timestamp": timestamp, "token": token, "signature": signature, "recipient": recipient,
            "sender": sender, "from": sender, "subject": "Re: something", "body-plain": text,
            "message-headers": json.dumps(names)} | more
        connection = http.client.HTTPConnection(urllib.parse.urlparse(self.address).netloc, timeout=30)
        connection.request(
            "POST", path, urllib.parse.urlencode(fields),
            headers={"Content-Type": "application/x-www-form-urlencoded"})
        return connection.getresponse().status

    # Its data

    def value(self, sql, *arguments):
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            row = connection.execute(sql, arguments).fetchone()
            return row[0] if row else None
        finally:
            connection.close()

    def execute(self, sql, *arguments):
        connection = sqlite3.connect(self.database, timeout=10)
        try:
            with connection:
                connection.execute(sql, arguments)
        finally:
            connection.close()

    def processes(self):
        """Those that it has started and that still run."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    arguments = file.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if self.folder in arguments:
                found.append(arguments)
        return found

    def listeners(self):
        """The local addresses that its processes listen at, but loopback."""
        lines = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True).stdout.splitlines()
        ours = [line for line in lines if re.search(r'"(community|stint)"', line)]
        return [line.split()[3] for line in ours if not line.split()[3].startswith("127.")]

    def end(self):
        if self.process.poll() is None:
            # `faketime` starts the program as a child, and ends with it.
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                for child in file.read().split():
                    os.kill(int(child), signal.SIGINT)
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return None
        finally:
            self.log.close()
