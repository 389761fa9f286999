"""A database as one would have at work, for pictures: an hour of three queues, and nothing hostile in it."""

import json
import os
import subprocess

import mails
from site_with_jobs import Site


class Showcase(Site):
    def at(self, minutes, *arguments, text=None):
        """Runs a command as if it were some minutes ago."""
        environment = os.environ | {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        command = ["faketime", "-f", f"-{minutes}m", self.stint, arguments[0], "--db", self.database, *arguments[1:]]
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=60, env=environment)
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    def put_many(self, minutes, queue, payloads, *options):
        self.at(minutes, "put", "--queue", queue, "--lines", *options, text="".join(f"{line}\n" for line in payloads))

    def send_mails(self):
        mails.send(self.mail_address, *mails.showcase())

    def fill(self):
        queues = {"newsletter": (90, 40), "receipts": (12, 25), "thumbnails": (35, 18)}
        options = [option for queue in queues for option in ("--queue", queue)]
        for step, minutes in enumerate(range(58, 0, -3)):
            for queue, (usual, swing) in queues.items():
                amount = max(1, usual + swing * (step * 7 % 5 - 2) // 2)
                letters = [json.dumps({"to": f"member-{step}-{number}@example.org"}) for number in range(amount)]
                self.put_many(minutes, queue, letters, "--content-type", "application/json", "--header",
                              f"job-name={queue}.{'weekly' if queue == 'newsletter' else 'new'}")
            self.at(minutes, "work", *options, "--concurrency", "8", "--drain", "--", "true")
        # What goes wrong: three errors, one of them a death.
        for number in range(7):
            self.put("newsletter", json.dumps({"to": None, "member": 100 + number}), "--max-attempts", "1",
                     "--content-type", "application/json", "--header", "job-name=newsletter.weekly", "--group", "acme")
        self.failed = self.put(
            "receipts", json.dumps({"order": 4711, "total": 129.90, "lines": [{"item": "lamp", "amount": 2}]}),
            "--max-attempts", "2", "--content-type", "application/json", "--header", "job-name=receipts.new")
        work = ["--retry-delay", "0s", "--drain", "--", "sh", "-c"]
        self.run("work", "--queue", "newsletter", *work,
                 "echo 'Fatal error: Uncaught TypeError: member has no address' >&2; exit 255")
        self.run("work", "--queue", "receipts", *work, "echo 'smtp: 451 try again later' >&2; exit 75")
        self.killed = self.put("thumbnails", "IMG_2201.heic", "--max-crashes", "1", "--header", "job-name=thumbnails.new")
        self.run("work", "--queue", "thumbnails", "--drain", "--", "sh", "-c", "kill -SEGV $$")
        # What waits.
        self.json = self.put(
            "newsletter", json.dumps({"to": "anna@example.org", "language": "is", "sections": ["friends", {"events": 3}]}),
            "--content-type", "application/json", "--header", "job-name=newsletter.weekly", "--header", "tenant=acme",
            "--group", "acme")
        for group, amount in (("acme", 340), ("globex", 120), ("initech", 25), ("umbrella", 4)):
            self.put_many(2, "newsletter", [json.dumps({"to": f"{group}-{number}@example.org"}) for number in range(amount)],
                          "--group", group, "--content-type", "application/json", "--header", "job-name=newsletter.weekly")
        self.put_many(0, "thumbnails", [f"IMG_{number}.heic" for number in range(2300, 2318)], "--delay", "5m")
        self.run("queue", "set", "newsletter", "--group-concurrency", "2", "--rate", "50/1s")
        self.run("schedule", "set", "nightly-cleanup", "--cron", "0 3 * * *", "--queue", "maintenance", "clean up")
        self.run("schedule", "set", "weekly-letter", "--cron", "0 9 * * 1", "--queue", "newsletter", "the weekly letter")
        self.run("webhook", "set", "ops", "https://hooks.example.com/stint", "--on", "buried", "--on", "age:newsletter>1h")
        self.put("imports", "an export of 2019")
        self.run("pause", "imports", "--reason", "until the new importer is deployed")
        self.run("operations", "begin", "delete", "queue:imports", "--yes")
        self.put("imports", "members.csv")
        self.operation = json.loads(self.run("operations", "list", "--json").splitlines()[0])["id"]
        self.put("reports", "2026-10", "--header", "job-name=reports.monthly")
        self.start("work", "--queue", "reports", "--queue", "receipts", "--", "sleep", "600")
        self.await_lease("reports")
