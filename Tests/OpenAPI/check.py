"""Compares the HTTP API with its OpenAPI document: schemathesis makes requests of it, allowed and wrong ones.

    Tests/OpenAPI/setup && .build/openapi-venv/bin/python Tests/OpenAPI/check.py .build/debug/stint
"""

import email.message
import os
import smtplib
import subprocess
import sys

from api import Server, call

HERE = os.path.dirname(os.path.abspath(__file__))

CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method", "ignored_auth",
]


def fill(address, token):
    """Jobs of every state, groups, limits, a failure and a schedule."""

    def post(path, body, method="POST"):
        answer = call(address, method, path, body, token=token)
        assert answer.status < 300, answer.bytes
        return answer.json

    job = {"queue": "mail", "payloadJSON": [1], "headers": {"job-name": "a"}, "group": "acme", "uniqueKey": "k"}
    ids = [post("/jobs", {**job, "uniqueKey": f"k{n}"})["id"] for n in range(30)]
    post("/jobs", {**job, "delayMilliseconds": 3_600_000, "expiresMilliseconds": 7_200_000})
    post("/jobs", [{**job, "onConflict": "collect", "uniqueKey": "digest"}] * 3)
    post("/queues/mail", {
        "retentionMilliseconds": 3_600_000, "groupConcurrency": 50, "rate": {"starts": 1_000, "windowMilliseconds": 1_000}}, "PATCH")
    claimed = post("/claims", {"queues": ["mail"], "limit": 8, "leaseMilliseconds": 3_600_000})["jobs"]
    outcomes = [{"outcome": "ack"}, {"outcome": "fail", "error": "no such user"}, {"outcome": "bury", "reason": "never"}]
    post("/leases/settle", {"settlements": [
        {"job": job["id"], "token": job["token"], **outcome} for job, outcome in zip(claimed, outcomes)]})
    post(f"/jobs/{ids[-1]}/actions", {"action": "cancel"})
    post("/queues/paused/pause", {})
    post("/schedules/nightly", {"everyMilliseconds": 3_600_000, "job": {"queue": "nightly", "payload": "x"}}, "PUT")
    post("/schedules/nightly/run", {})
    # A name that no resolver knows: nothing is sent anywhere.
    post("/webhooks/ops", {"url": "https://hooks.invalid/stint", "events": ["buried:mail"]}, "PUT")
    post("/operations", {"query": "queue:nightly", "action": "prioritize", "priority": 7})
    deleted = post("/operations", {"query": "queue:paused", "action": "delete"})["id"]
    post("/jobs/actions", {"action": "move", "ids": ids[20:22], "queue": "slow"})
    assert deleted > 0


def send_mails(port):
    """Mails for the calls that show, download and delete them."""
    with smtplib.SMTP("127.0.0.1", port) as client:
        for number in range(300):
            mail = email.message.EmailMessage()
            mail["Subject"], mail["To"] = f"Mail {number}", "anna@example.org"
            mail.set_content("See https://example.org/")
            mail.add_alternative("<p>See <a href='https://example.org/'>it</a></p>", subtype="html")
            mail.add_attachment(b"bytes", maintype="application", subtype="octet-stream", filename="a.bin")
            client.send_message(mail, "me@example.org", ["anna@example.org"])


def main(stint, examples="60", seed="1"):
    users = os.path.join(HERE, "..", "..", ".build", f"openapi-users-{os.getpid()}")
    try:
        token = subprocess.run(
            [stint, "serve", "--new-token", "schemathesis", "--role", "admin", "--auth-file", users],
            capture_output=True, text=True, check=True).stdout.strip()
        with Server(stint, "--auth-file", users, "--catch-mail", "127.0.0.1:0") as server:
            address = f"http://{server.host}:{server.port}/api/v1"
            fill((server.host, server.port), token)
            send_mails(server.mail_port)
            done = subprocess.run(
                [
                    os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "schemathesis"), "run", address + "/openapi.json",
                    "--url", address, "--checks", ",".join(CHECKS), "--seed", seed,
                    "--max-examples", examples, "--phases", "examples,coverage,fuzzing", "--request-timeout", "45",
                    "--header", f"Authorization: Bearer {token}", "--continue-on-failure", "--no-color",
                    "--generation-database", "none",
                ],
                cwd=server.folder.name,
                env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": HERE}, timeout=300)
            assert server.process.poll() is None, "the server has ended"
            return done.returncode
    finally:
        if os.path.exists(users):
            os.remove(users)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
