"""A database with jobs of every kind, and `stint serve` on it."""

import json
import os
import re
import subprocess
import tempfile
import time

import mails

# What must appear as text and do nothing else. Each is a name, a payload, an error or a key somewhere.
HOSTILE = [
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "\"><svg onload=window.pwned=1>",
    "'\u0301 onfocus=window.pwned=1 autofocus x='",
    "\"\u0301 onfocus=window.pwned=1 autofocus x=\"",
    "javascript:window.pwned=1",
    "{{7*7}}{{{base}}}",
    "</textarea><script>window.pwned=1</script>",
    "</title><script>window.pwned=1</script>",
    "\u202eevil\u202c",
    "&lt;b&gt;&#60;b&#62;",
]


def queue_name(text):
    """Queue names have no white space, and what turns the direction of text is shown as a replacement."""
    return text.replace(" ", "/").replace("\u202e", "").replace("\u202c", "")


class Site:
    def __init__(self, stint, *options):
        self.stint = stint
        self.folder = tempfile.TemporaryDirectory(prefix="stint-browser-")
        self.database = os.path.join(self.folder.name, "stint.db")
        self.processes = []
        self.fill()
        self.address, self.mail_address = self.serve(*options)
        self.send_mails()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            # A worker would wait for its command to end.
            process.kill()
        for process in self.processes:
            process.wait(timeout=20)
        self.folder.cleanup()

    def run(self, *arguments, check=True, text=None):
        command = [self.stint, arguments[0], "--db", self.database, *arguments[1:]]
        if arguments[0] in ("schedule", "queue", "group", "operations", "webhook"):
            command = [self.stint, arguments[0], arguments[1], "--db", self.database, *arguments[2:]]
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def start(self, *arguments):
        process = subprocess.Popen(
            [self.stint, arguments[0], "--db", self.database, *arguments[1:]], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.processes.append(process)
        return process

    def serve(self, *options):
        process = self.start("serve", "--web", "127.0.0.1:0", "--catch-mail", "127.0.0.1:0", *options)
        # It prints each as soon as it listens there.
        lines = "".join(sorted(process.stdout.readline() for _ in range(2)))
        match = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/\nsmtp://(127\.0\.0\.1:\d+)\n", lines)
        assert match, f"`stint serve` has printed {lines!r} and not its two addresses"
        return match[1], match[2]

    def send_mails(self):
        mails.send(self.mail_address, *mails.hostile(HOSTILE))

    def put(self, queue, payload, *options):
        return int(self.run("put", "--queue", queue, *options, "--", payload))

    def fill(self):
        self.json = self.put(
            "mail", json.dumps({"to": "anna@example.org", "number": 1, "list": [1, {"deep": {"deeper": [True, None]}}]})
            .replace("1,", "12345678901234567890.10,", 1),
            "--content-type", "application/json", "--header", "job-name=newsletter.weekly", "--header", "tenant=x")
        self.html = self.put(
            "mail", "<h1>Hello</h1><script>window.pwned=1</script>", "--content-type", "text/html")
        self.bytes = int(self.run(
            "put", "--queue", "mail", "--content-type", "application/octet-stream", "-", text="\x01\x02 bytes"))
        self.hostile = [self.put("mail", text, "--content-type", "text/plain") for text in HOSTILE]
        self.put("later", "x", "--delay", "1h")
        for number in range(120):
            self.put("bulk", f"job {number}", "--group", f"tenant-{number % 7}")
        for text in HOSTILE:
            self.put(queue_name(text), text, "--group", text, "--header", f"job-name={text}")
        self.failed = self.put("broken", "it fails", "--max-attempts", "2")
        self.run(
            "work", "--queue", "broken", "--retry-delay", "0s", "--drain", "--", "sh", "-c",
            "echo '<img src=x onerror=window.pwned=1> no such user 42' >&2; exit 1")
        self.killed = self.put("broken", "it kills", "--max-crashes", "1")
        self.run("work", "--queue", "broken", "--drain", "--", "sh", "-c", "kill -SEGV $$")
        self.run("schedule", "set", "nightly", "--cron", "0 3 * * *", "--queue", "mail", "nightly mail")
        self.run("queue", "set", "bulk", "--group-concurrency", "2")
        self.run("pause", "later")
        self.put("old", "to be deleted")
        self.run("operations", "begin", "delete", "queue:old", "--yes")
        self.operation = json.loads(self.run("operations", "list", "--json").splitlines()[0])["id"]
        self.running = self.put("slow", "it runs", "--content-type", "text/plain")
        self.start("work", "--queue", "slow", "--", "sleep", "600")
        self.await_lease("slow")

    def await_lease(self, queue):
        deadline = time.monotonic() + 20
        while not self.run("list", f"queue:{queue} state:running", "--json"):
            assert time.monotonic() < deadline, f"the job of the queue {queue} was not claimed"

    def pages(self):
        return [
            "/", "/jobs", "/jobs?q=state:buried", "/jobs?q=nonsense:x", "/jobs?q=%22no+such+text%22", "/errors",
            "/operations", "/operations/new?q=queue:bulk", f"/operations/{self.operation}", f"/jobs/{self.json}", f"/jobs/{self.html}",
            f"/jobs/{self.bytes}", f"/jobs/{self.failed}", f"/jobs/{self.killed}", f"/jobs/{self.running}", "/queues",
            "/queues/bulk", "/queues/later", "/workers", "/schedules", "/webhooks", "/doctor", "/jobs/999999",
            "/mail", "/mail?to=anna", "/mail?to=nobody", "/mail/1", "/mail/2", "/mail/12", "/mail/999999",
        ]
