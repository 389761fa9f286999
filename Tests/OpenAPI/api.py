"""The HTTP API of Stint by Python's own library alone, and `stint serve` on a new database."""

import http.client
import json
import os
import re
import subprocess
import tempfile


class Server:
    def __init__(self, stint, *options):
        self.stint = stint
        self.folder = tempfile.TemporaryDirectory(prefix="stint-api-")
        self.database = os.path.join(self.folder.name, "stint.db")
        self.run("put", "--queue", "first", "x")
        self.options = options
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.stint, "serve", "--db", self.database, "--web", "127.0.0.1:0", *self.options], stdout=subprocess.PIPE,
            text=True)
        # Each server prints its address when it is ready.
        self.addresses = [self.process.stdout.readline() for _ in range(1 + ("--beanstalk" in self.options) + ("--catch-mail" in self.options))]
        match = re.search(r"^http://(127\.0\.0\.1):(\d+)/", "".join(self.addresses), re.MULTILINE)
        assert match, f"`stint serve` has printed {self.addresses} and not its address"
        self.host, self.port = match[1], int(match[2])
        mail = re.search(r"^smtp://127\.0\.0\.1:(\d+)$", "".join(self.addresses), re.MULTILINE)
        self.mail_port = int(mail[1]) if mail else None

    def restart(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        finally:
            self.process.kill()
            self.folder.cleanup()

    def run(self, verb, *arguments):
        done = subprocess.run(
            [self.stint, verb, *arguments], capture_output=True, text=True, timeout=60,
            env=dict(os.environ, STINT_DB=self.database))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.bytes = response.read()

    @property
    def json(self):
        return json.loads(self.bytes)


def call(address, method, path, body=None, headers=(), token=None, raw=None):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(*address, timeout=60)
    fields = {"Content-Type": "application/json", **dict(headers)}
    if token:
        fields["Authorization"] = f"Bearer {token}"
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    try:
        connection.request(method, "/api/v1" + path, data, fields)
        return Answer(connection.getresponse())
    finally:
        connection.close()
