"""A worker by HTTP in a language without a library of Stint: enqueue, claim, extend, settle, and what happens when it dies.

    Tests/OpenAPI/worker.py .build/debug/stint
"""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from api import Server, call


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def wait(what, condition):
    deadline = time.monotonic() + 30
    while not condition():
        check(time.monotonic() < deadline, f"{what}: it did not happen in time")
        time.sleep(0.05)


class Checks:
    def __init__(self, server):
        self.address = (server.host, server.port)
        self.server = server

    def call(self, method, path, body=None, expect=200, **options):
        answer = call(self.address, method, path, body, **options)
        check(answer.status == expect, f"{method} {path} {str(body)[:200]}: {answer.status}, not {expect}: {answer.bytes[:300]}")
        if expect >= 400:
            check(answer.headers["content-type"] == "application/problem+json", answer.headers)
            check(answer.json["status"] == expect and len(answer.json["detail"]) > 10, answer.json)
        return answer

    def claim(self, queue, lease=30_000, wait=0, limit=1):
        body = {"queues": [queue], "limit": limit, "leaseMilliseconds": lease, "waitMilliseconds": wait}
        return self.call("POST", "/claims", body).json["jobs"]

    # MARK: - Enqueue

    def test_enqueue(self):
        one = self.call("POST", "/jobs", {"queue": "a", "payloadJSON": {"n": 1}}, 201)
        check(one.json["outcome"] == "added" and not one.json["isDuplicate"], one.json)
        check(one.headers["location"] == f"/api/v1/jobs/{one.json['id']}", one.headers)
        raw = b'[{"queue":"a","payloadJSON": {"big":12345678901234567890.10, "x":"\\u0041"} },{"queue":"a","payloadBase64":"%s"}]'
        many = self.call("POST", "/jobs", expect=201, raw=raw % base64.b64encode(bytes([0, 255]))).json["jobs"]
        check(len(many) == 2, many)
        jobs = self.claim("a", limit=10)
        check(jobs[0]["payload"] == '{"n": 1}' and jobs[0]["contentType"] == "application/json", jobs[0])
        check(jobs[1]["payload"] == '{"big":12345678901234567890.10, "x":"\\u0041"}', "a payload is kept as it was written")
        check(base64.b64decode(jobs[2]["payloadBase64"]) == bytes([0, 255]), jobs[2])

    def test_options(self):
        body = {
            "queue": "options", "payload": "x", "priority": 7, "delayMilliseconds": 3_600_000, "expiresMilliseconds": 7_200_000,
            "timeToRunMilliseconds": 5_000, "maxAttempts": 4, "maxCrashes": 2, "uniqueKey": "k", "onConflict": "replace",
            "group": "acme", "headers": {"job-name": "mail"}, "contentType": "text/x-mail"}
        first = self.call("POST", "/jobs", body, 201).json
        again = self.call("POST", "/jobs", {**body, "payload": "y"}, 201).json
        check(again == {"id": first["id"], "outcome": "replaced", "isDuplicate": False}, again)
        job = self.call("GET", f"/jobs/{first['id']}").json["job"]
        for name in ("priority", "maxAttempts", "maxCrashes", "uniqueKey", "group", "headers", "contentType", "timeToRunMilliseconds"):
            check(job[name] == body[name], (name, job))
        check(job["state"] == "delayed" and "expiresAt" in job, job)
        check(self.call("GET", f"/jobs/{first['id']}/payload").bytes == b"y", "the payload was replaced")

    def test_idempotency(self):
        key = {"Idempotency-Key": "0b7e-1"}
        body = [{"queue": "once", "payload": "a"}, {"queue": "once", "payload": "b"}]
        first = self.call("POST", "/jobs", body, 201, headers=key)
        jobs = self.claim("once", limit=10)
        check(len(jobs) == 2, jobs)
        for job in jobs:
            self.call("POST", "/leases/settle", {"job": job["id"], "token": job["token"], "outcome": "ack"})
        again = self.call("POST", "/jobs", body, 201, headers=key)
        check(again.json == first.json and again.headers["idempotency-replayed"] == "true", again.json)
        check(self.claim("once") == [], "a repeated request has added a job")
        self.call("POST", "/jobs", {"queue": "once", "payload": "c"}, 422, headers=key)
        # Another server on the same database, and the jobs are over.
        self.server.restart()
        self.address = (self.server.host, self.server.port)
        again = self.call("POST", "/jobs", body, 201, headers=key)
        check([job["outcome"] for job in again.json["jobs"]] == ["duplicate"] * 2, again.json)
        check([job["id"] for job in again.json["jobs"]] == [job["id"] for job in first.json["jobs"]], again.json)
        check(self.claim("once") == [], "a request that was repeated after a restart has added a job")
        # What was refused can be sent again with the same key.
        key = {"Idempotency-Key": "0b7e-2"}
        self.call("POST", "/jobs", {"queue": "once", "payload": "c", "priority": -1}, 400, headers=key)
        self.call("POST", "/jobs", {"queue": "once", "payload": "c"}, 201, headers=key)

    # MARK: - Work

    def test_work(self):
        self.call("POST", "/jobs", [{"queue": "work", "payload": str(n)} for n in range(5)], 201)
        jobs = self.claim("work", limit=5)
        check([job["attempt"] for job in jobs] == [1] * 5, jobs)
        held = self.call("GET", f"/jobs/{jobs[0]['id']}").json["job"]
        check(held["worker"] == "local@127.0.0.1" and held["state"] == "leased", held)
        leases = [{"job": job["id"], "token": job["token"]} for job in jobs]
        extended = self.call("POST", "/leases/extend", {"leases": leases, "leaseMilliseconds": 60_000}).json["leases"]
        check([lease["status"] for lease in extended] == ["extended"] * 5, extended)
        later = self.call("GET", f"/jobs/{jobs[0]['id']}").json["job"]["leaseExpiresAt"]
        check(later > held["leaseExpiresAt"], (held, later))
        answers = self.call("POST", "/leases/settle", {"settlements": [
            {**leases[0], "outcome": "ack", "enqueue": [{"queue": "follow", "payload": "up"}]},
            {**leases[1], "outcome": "release"},
            {**leases[2], "outcome": "fail", "error": "it failed", "delayMilliseconds": 3_600_000},
            {**leases[3], "outcome": "bury", "reason": "never again"},
            {**leases[4], "token": leases[4]["token"] + 1_000_000, "outcome": "ack"},
        ]}).json["settlements"]
        check([(a["status"], a.get("state")) for a in answers] == [
            ("settled", "done"), ("settled", "ready"), ("settled", "delayed"), ("settled", "buried"), ("leaseLost", None)], answers)
        check(len(self.claim("follow")) == 1, "the follow-up job is missing")
        again = self.claim("work")
        check(again[0]["id"] == leases[1]["job"] and again[0]["attempt"] == 1, "a released job has used an attempt")
        failed = self.call("GET", f"/jobs/{leases[2]['job']}").json
        check(failed["failures"][0]["error"] == "it failed" and failed["failures"][0]["kind"] == "failed", failed)

    def test_lost_lease(self):
        self.call("POST", "/jobs", {"queue": "lost", "payload": "x"}, 201)
        job = self.claim("lost")[0]
        lease = {"job": job["id"], "token": job["token"]}
        self.call("POST", f"/jobs/{job['id']}/actions", {"action": "bury", "reason": "a person has looked"})
        self.call("POST", "/leases/extend", {**lease, "leaseMilliseconds": 1_000}, 409)
        self.call("POST", "/leases/settle", {**lease, "outcome": "ack", "enqueue": [{"queue": "lost-2", "payload": "x"}]}, 409)
        check(self.claim("lost-2") == [], "a follow-up job of a lost lease was enqueued")
        lost = self.call("POST", "/leases/extend", {"leases": [lease], "leaseMilliseconds": 1_000}).json["leases"]
        check(lost[0]["status"] == "leaseLost", lost)

    def test_long_poll(self):
        found = []
        thread = threading.Thread(target=lambda: found.extend(self.claim("late", wait=30_000)))
        thread.start()
        self.call("POST", "/jobs", {"queue": "late", "payload": "x", "delayMilliseconds": 300}, 201)
        start = time.monotonic()
        thread.join(timeout=20)
        check(len(found) == 1 and time.monotonic() - start < 10, f"a claim that waits has found {found}")
        start = time.monotonic()
        check(self.claim("nothing", wait=200) == [], "a claim has found a job in an empty queue")
        check(0.2 <= time.monotonic() - start < 10, "a claim has not waited as long as it was told")

    def test_killed_worker(self):
        self.call("POST", "/jobs", {"queue": "deadly", "payload": "x"}, 201)
        worker = subprocess.run([sys.executable, __file__, "--die", json.dumps(self.address)], capture_output=True, text=True)
        check(worker.returncode == -signal.SIGKILL, worker)
        first = json.loads(worker.stdout)
        second = self.claim("deadly", wait=30_000)
        check(len(second) == 1 and second[0]["id"] == first["id"], f"the job of a killed worker did not come back: {second}")
        check(second[0]["token"] > first["token"] and second[0]["attempt"] == 1, (first, second))
        self.call("POST", "/leases/settle", {"job": first["id"], "token": first["token"], "outcome": "ack"}, 409)

    def test_client_that_goes_away(self):
        """A claim that waits ends with its connection, and takes no job that comes after that."""
        body = json.dumps({"queues": ["gone"], "leaseMilliseconds": 3_600_000, "waitMilliseconds": 30_000}).encode()
        gone = socket.create_connection(self.address)
        gone.sendall(
            b"POST /api/v1/claims HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body))
        # Only what is in progress notices it: the claim must have begun.
        self.call("GET", "/stats")
        gone.shutdown(socket.SHUT_WR)
        gone.settimeout(20)
        # The server closes its side when it has noticed.
        while gone.recv(1_024):
            pass
        job = self.call("POST", "/jobs", {"queue": "gone", "payload": "x"}, 201).json["id"]
        check([found["id"] for found in self.claim("gone", wait=10_000)] == [job], "a claim of a client that is gone has taken a job")

    # MARK: - Operators

    def test_jobs_and_queues(self):
        ids = [job["id"] for job in self.call(
            "POST", "/jobs", [{"queue": "ops", "payload": str(n), "group": f"g{n % 2}"} for n in range(4)], 201).json["jobs"]]
        page = self.call("GET", "/jobs?q=queue:ops&limit=3").json
        rest = self.call("GET", f"/jobs?q=queue:ops&limit=3&after={page['next']}").json
        check([job["id"] for job in page["jobs"] + rest["jobs"]] == ids and "next" not in rest, (page, rest))
        self.call("POST", "/jobs/actions", {"action": "bury", "ids": ids[:2], "reason": "r"})
        self.call("POST", "/jobs/actions", {"action": "kick", "ids": ids}, 400)
        check(self.call("POST", "/jobs/actions", {"action": "kick", "ids": ids[:2]}).json == {"action": "kick", "count": 2}, "kick")
        self.call("POST", f"/jobs/{ids[3]}/actions", {"action": "cancel"})
        self.call("POST", f"/jobs/{ids[2]}/actions", {"action": "delete"})
        self.call("GET", f"/jobs/{ids[2]}", expect=404)
        change = {"concurrency": 5, "rate": {"starts": 50, "windowMilliseconds": 1_000}, "groupConcurrency": 2, "groupOrder": "loose",
                  "fair": False, "retentionMilliseconds": 60_000, "search": True}
        queue = self.call("PATCH", "/queues/ops", change).json
        check(queue["stats"]["limits"]["rate"] == change["rate"] and queue["retentionMilliseconds"] == 60_000 and "search" in queue, queue)
        queue = self.call("PATCH", "/queues/ops", {"rate": None}).json
        check("search" not in self.call("PATCH", "/queues/ops", {"search": False}).json, "search off")
        check("rate" not in queue["stats"]["limits"] and queue["stats"]["limits"]["concurrency"] == 5, queue)
        check(self.call("POST", "/queues/ops/pause").json["stats"]["paused"], "pause")
        check(self.claim("ops") == [], "a paused queue was claimed from")
        check(not self.call("POST", "/queues/ops/resume", {}).json["stats"]["paused"], "resume")
        self.call("PATCH", "/queues/ops/groups/g0", {"weight": 3})
        groups = self.call("GET", "/queues/ops/groups").json["groups"]
        check({"name": "g0", "weight": 3}.items() <= groups[0].items(), groups)
        self.call("GET", "/queues/never-used", expect=404)
        strange = self.call("PATCH", "/queues/caf%C3%A9%2Fbar", {"concurrency": 1}).json
        check(strange["stats"]["name"] == "café/bar", strange)
        check(self.call("GET", "/stats").json["queues"] >= 2, "stats")
        check("workers" in self.call("GET", "/workers").json and "failures" in self.call("GET", "/failures?limit=5").json, "lists")

    def test_newest_verbs(self):
        ids = [job["id"] for job in self.call(
            "POST", "/jobs", [{"queue": "verbs", "payload": str(n)} for n in range(3)], 201).json["jobs"]]
        one = f"/jobs/{ids[0]}/actions"
        self.call("POST", one, {"action": "bury", "reason": "no such address"})
        check(self.call("GET", f"/jobs/{ids[0]}").json["job"]["reason"] == "no such address", "the reason of a burial")
        check(self.call("POST", one, {"action": "kick", "delayMilliseconds": 3_600_000}).json == {"action": "kick", "count": 1}, "kick")
        later = self.call("GET", f"/jobs/{ids[0]}").json["job"]
        check(later["state"] == "delayed" and later["runAt"] > later["enqueuedAt"] + 3_500_000, later)
        self.call("POST", "/jobs/actions", {"action": "move", "ids": ids, "queue": "verbs-slow"})
        self.call("POST", one, {"action": "prioritize", "priority": 3})
        moved = self.call("GET", f"/jobs/{ids[0]}").json["job"]
        check((moved["queue"], moved["priority"], moved["state"]) == ("verbs-slow", 3, "delayed"), moved)
        paused = self.call("POST", "/queues/verbs-slow/pause", {"reason": "the provider is down"}).json["stats"]
        check(paused["paused"] and paused["pauseReason"] == "the provider is down", paused)
        self.call("POST", "/queues/verbs-slow/resume")
        # In the words of the command line.
        refused = self.call("POST", one, {"action": "kick"}, 400).json["detail"]
        check(refused == f"job {ids[0]} is delayed, not buried: only a buried job can be kicked", refused)
        for body in [
            {"action": "kick", "delayMilliseconds": -1}, {"action": "kick", "reason": "x"}, {"action": "move"},
            {"action": "move", "queue": "a b"}, {"action": "prioritize"}, {"action": "prioritize", "priority": 2**32},
            {"action": "bury", "priority": 1}, {"action": "delete", "queue": "x"}, {"action": "bury", "reason": "\0"},
        ]:
            self.call("POST", one, body, 400)
        self.call("POST", "/queues/a/pause", {"reason": ""}, 400)
        self.call("POST", "/queues/a/pause", {"reason": "x" * 1_001}, 400)

    def test_workers(self):
        process = subprocess.Popen(
            [self.server.stint, "work", "--db", self.server.database, "--queue", "ordered", "--", "true"], stderr=subprocess.PIPE)
        try:
            def worker():
                # Another worker of these tests would be one by HTTP, which is not registered.
                workers = self.call("GET", "/workers").json["workers"]
                return workers[0] if workers else None

            wait("a worker is there", worker)
            address = f"/workers/{worker()['id']}/orders"
            self.call("POST", address, {"order": "quiet"})
            wait("it has the order", lambda: worker().get("order") == "quiet")
            self.call("POST", address, {"order": "work"})
            wait("the order is taken back", lambda: "order" not in worker())
            first = worker()["id"]
            self.call("POST", address, {"order": "restart"})
            wait("another one has its place", lambda: worker() and worker()["id"] > first)
            second = worker()["id"]
            self.call("POST", "/workers/restart", expect=204)
            wait("all are replaced", lambda: worker() and worker()["id"] > second)
            self.call("POST", f"/workers/{worker()['id']}/orders", {"order": "explode"}, 400)
            self.call("POST", f"/workers/{worker()['id']}/orders", {"order": "stop"})
            check(process.wait(timeout=30) == 0, "the last worker was stopped, and `stint work` has not ended well")
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
        self.call("POST", "/workers/99999/orders", {"order": "quiet"}, 404)
        self.call("POST", "/workers/x/orders", {"order": "quiet"}, 404)

    def test_operations(self):
        ids = [job["id"] for job in self.call(
            "POST", "/jobs", [{"queue": "many", "payload": str(n)} for n in range(1_000)], 201).json["jobs"]]
        delete = {"query": "queue:many state:ready", "action": "delete"}
        preview = self.call("POST", "/operations/preview", delete).json
        check((preview["count"], preview["isExact"], len(preview["samples"])) == (1_000, True, 10), preview)
        check(self.call("POST", "/operations/preview", {"query": "queue:many", "action": "kick"}).json["count"] == 0, "none is buried")
        begun = self.call("POST", "/operations", delete, 201)
        operation = f"/operations/{begun.json['id']}"
        check(begun.headers["location"] == "/api/v1" + operation, begun.headers)
        check((begun.json["total"], begun.json["actor"]) == (1_000, "web:local"), begun.json)
        wait("it has ended", lambda: self.call("GET", operation).json["state"] == "done")
        ended = self.call("GET", operation).json
        check(ended["changed"] == 1_000 and "restorableUntil" in ended and ended["filter"] == delete["query"], ended)
        self.call("GET", f"/jobs/{ids[0]}", expect=404)
        restored = self.call("POST", operation + "/restore", expect=201).json
        check(restored["restores"] == ended["id"], restored)
        wait("all are back", lambda: self.call("GET", f"/operations/{restored['id']}").json["state"] == "done")
        check(self.call("GET", f"/jobs/{ids[0]}").json["job"]["state"] == "ready", "a job that was brought back")
        refused = self.call("POST", operation + "/restore", {}, 400).json["detail"]
        check(refused.startswith(f"operation {ended['id']} cannot be undone"), refused)
        self.call("POST", operation + "/pause", {}, 400)
        listed = self.call("GET", "/operations?limit=2").json
        check([found["id"] for found in listed["operations"]] == [restored["id"], ended["id"]] and listed["next"] == ended["id"], listed)
        rest = self.call("GET", f"/operations?limit=1000&before={listed['next']}").json
        check(all(found["id"] < ended["id"] for found in rest["operations"]) and "next" not in rest, rest)
        late = self.call("POST", "/operations", {"query": "queue:many", "action": "move", "queue": "many-slow"}, 201).json
        wait("they have moved", lambda: self.call("GET", f"/operations/{late['id']}").json["state"] == "done")
        check(self.call("GET", "/queues/many-slow").json["stats"]["ready"] == 1_000, "they have moved")
        for body in [{"action": "kick"}, {"query": "x:y", "action": "kick"}, {"query": "", "action": "explode"},
                     {"query": "queue:a", "action": "kick", "ids": [1]}]:
            self.call("POST", "/operations", body, 400)
            self.call("POST", "/operations/preview", body, 400)
        for path in ("/operations/99999", "/operations/x"):
            self.call("GET", path, expect=404)
            self.call("POST", path + "/cancel", expect=404)
        self.call("GET", "/operations?before=0", expect=400)

    def test_schedules(self):
        body = {"cron": "0 3 * * *", "timeZone": "Europe/Berlin", "job": {"queue": "nightly", "payloadJSON": [1]}}
        self.call("PUT", "/schedules/nightly", body, 201)
        check(self.call("PUT", "/schedules/nightly", body).json["queue"] == "nightly", "set again")
        check(self.call("POST", "/schedules/nightly/pause").json["isPaused"], "pause")
        check(not self.call("POST", "/schedules/nightly/resume").json["isPaused"], "resume")
        job = self.call("POST", "/schedules/nightly/run", expect=201).json["id"]
        check(self.claim("nightly")[0]["id"] == job, "run")
        check(len(self.call("GET", "/schedules").json["schedules"]) == 1, "list")
        self.call("DELETE", "/schedules/nightly", expect=204)
        self.call("GET", "/schedules/nightly", expect=404)
        self.call("PUT", "/schedules/x", {"cron": "61 3 * * *", "job": {"payload": "x"}}, 400)

    def test_webhooks(self):
        # A name that no resolver knows: nothing is sent anywhere.
        body = {"url": "https://hooks.invalid/stint", "events": ["buried", "age:mail>10m"]}
        check(self.call("PUT", "/webhooks/ops", body, 201).json["secret"].startswith("whsec_"), "the secret of a new one")
        check("secret" not in self.call("PUT", "/webhooks/ops", body).json, "set again")
        check(self.call("PUT", "/webhooks/ops", {**body, "newSecret": True}).json["secret"], "a new secret")
        check(self.call("GET", "/webhooks").json["webhooks"][0]["events"] == ["age:mail>10m", "buried"], "list")
        self.call("POST", "/webhooks/ops/test", expect=201)
        for url in ("http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/", "ftp://hooks.invalid/"):
            self.call("PUT", "/webhooks/bad", {**body, "url": url}, 400)
        self.call("DELETE", "/webhooks/ops", expect=204)
        self.call("DELETE", "/webhooks/ops", expect=404)

    # MARK: - Hostile input

    def test_hostile_bodies(self):
        bodies = [
            b"", b"{", b"null", b"[]", b"1e999", b"\x00", b"\xff\xfe", b'"\\ud800"', b"[" * 100_000, b'{"a":' * 5_000,
            b'{"payload":"x","payload":"y"}', b'{"payload":1e400}', b'{"payload":"x","priority":1e400}',
            b'{"payload":"x","priority":99999999999999999999999}', b'{"payload":"x","priority":-1}', b'{"payload":"x","priority":"1"}',
            b'{"payload":"x","queue":"a b"}', b'{"payload":"x","queue":"\\u0000"}', b'{"payload":"x","queue":null}',
            b'{"payload":"x","group":"\\u0000"}', b'{"payload":"x","uniqueKey":"\\u0000"}', b'{"payload":"x","uniqueKey":""}',
            b'{"payload":"x","headers":{"a":"\\u0000"}}', b'{"payload":"x","headers":{"\\u00e9":"x"}}', b'{"payload":"x","headers":[]}',
            b'{"payload":"x","contentType":"\\r\\nX: y"}', b'{"payload":"x","nonsense":1}', b'{"payload":"x","payloadJSON":1}',
            b'{"payloadJSON":}', b'{"payloadJSON":[1,]}', b'{"payloadBase64":"!"}', b'{"payload":"x","delayMilliseconds":9223372036854775807}',
            b'{"payload":"x","maxAttempts":0}', b'{"payload":"x","onConflict":"collect"}', b'{"payload":"\x01"}', b'{"payload":"x"} x',
            b"[" + b'{"payload":""},' * 1_000 + b'{"payload":""}]', b"[" + b"0," * 300_000 + b"0]",
            b'{"payload":"x","headers":{' + b",".join(b'"h%d":"x"' % n for n in range(2_000)) + b"}}",
        ]
        for body in bodies:
            self.call("POST", "/jobs", expect=400, raw=body)
        for path, body in [
            ("/claims", {"queues": [], "leaseMilliseconds": 1}), ("/claims", {"queues": ["a"], "leaseMilliseconds": 0}),
            ("/claims", {"queues": ["a"], "leaseMilliseconds": 1, "limit": 0}), ("/claims", {"queues": "a", "leaseMilliseconds": 1}),
            ("/claims", {"queues": ["a"], "leaseMilliseconds": 1, "waitMilliseconds": 30_001}),
            ("/leases/extend", {"job": 0, "token": 1, "leaseMilliseconds": 1}), ("/leases/extend", {"leases": [], "leaseMilliseconds": 1}),
            ("/leases/settle", {"job": 1, "token": 1}), ("/leases/settle", {"job": 1, "token": 1, "outcome": "ack", "error": "x"}),
            ("/leases/settle", {"job": 1, "token": 1, "outcome": "fail", "error": "\0"}),
            ("/leases/settle", {"job": 1, "token": 1, "outcome": "bury", "reason": "x" * 5_000}),
            ("/jobs/actions", {"action": "kick", "ids": [1, 1]}), ("/jobs/actions", {"action": "kick", "ids": [1.5]}),
            ("/jobs/1/actions", {"action": "explode"}), ("/queues/a/pause", {"x": 1}),
        ]:
            self.call("POST", path, body, 400)
        self.call("POST", "/jobs", expect=413, raw=b'{"payload":"' + b"x" * (16 * 1_048_576) + b'"}')

    def test_hostile_requests(self):
        self.call("POST", "/jobs", {"payload": "x"}, 415, headers={"Content-Type": "text/plain"})
        self.call("POST", "/jobs", {"payload": "x"}, 403, headers={"Origin": "https://evil.example"})
        self.call("POST", "/jobs", {"payload": "x"}, 403, headers={"Sec-Fetch-Site": "cross-site"})
        self.call("POST", "/jobs", {"payload": "x"}, 421, headers={"Host": "evil.example"})
        self.call("POST", "/jobs", {"payload": "x"}, 400, headers={"Idempotency-Key": "a b"})
        allowed = self.call("PUT", "/jobs", {}, 405).headers["allow"]
        check(allowed == "GET, POST", allowed)
        for path in ("/jobs/99999999999999999999", "/jobs/x", "/jobs/-1", "/jobs/0/payload"):
            self.call("GET", path, expect=404)
        for path in ("/jobs?limit=0", "/jobs?limit=x", "/jobs?limit=1001", "/jobs?after=x", "/jobs?q=x:y", "/queues/a%00b", "/queues/%FF"):
            self.call("GET", path, expect=400)


def roles(stint, folder):
    file = os.path.join(folder, "users")
    tokens = {
        role: subprocess.run(
            [stint, "serve", "--new-token", f"the-{role}", "--role", role, "--auth-file", file],
            capture_output=True, text=True, check=True).stdout.strip()
        for role in ("view", "operate", "admin")}
    with Server(stint, "--auth-file", file, "--redact", "password", "--redact", "secret") as server:
        address = (server.host, server.port)

        def status(method, path, body=None, role=None, **options):
            return call(address, method, path, body, token=tokens.get(role), **options).status

        check(status("GET", "/jobs") == 401, "jobs are shown to anybody")
        check(status("GET", "/openapi.json") == 200, "the document needs a token")
        check(status("GET", "/jobs", role="view") == 200, "view")
        check(status("POST", "/jobs", {"payload": "x"}, "view") == 403, "a viewer has enqueued")
        check(status("POST", "/claims", {"queues": ["default"], "leaseMilliseconds": 1}, "view") == 403, "a viewer has claimed")
        check(status("PATCH", "/queues/a", {"concurrency": 1}, "operate") == 403, "an operator has set limits")
        check(status("POST", "/workers/1/orders", {"order": "stop"}, "operate") == 403, "an operator has stopped a worker")
        check(status("POST", "/operations", {"query": "", "action": "delete"}, "view") == 403, "a viewer has deleted")
        check(status("PATCH", "/queues/a", {"concurrency": 1}, "admin") == 200, "admin")
        # A browser of another site cannot add the token, so its origin does not count.
        check(status("POST", "/jobs", {"payload": "x"}, "operate", headers={"Origin": "https://app.example"}) == 201, "origin")
        body = {"queue": "hidden", "payloadJSON": {"password": "p4ss", "n": 1}, "headers": {"secret": "s3cret"}}
        job = call(address, "POST", "/jobs", body, token=tokens["operate"]).json["id"]
        for path in (f"/jobs/{job}", f"/jobs/{job}/payload", "/jobs?q=queue:hidden"):
            shown = call(address, "GET", path, token=tokens["admin"]).bytes
            check(b"p4ss" not in shown and b"s3cret" not in shown, (path, shown))
        samples = call(address, "POST", "/operations/preview", {"query": "queue:hidden", "action": "delete"}, token=tokens["admin"]).bytes
        check(b"s3cret" not in samples and str(job).encode() in samples, samples)
        found = {"query": "queue:hidden p4ss", "action": "delete"}
        check(status("POST", "/operations", found, "admin") == 400, "what is redacted was found")
        work = call(address, "POST", "/claims", {"queues": ["hidden"], "leaseMilliseconds": 1_000}, token=tokens["operate"]).json
        check(work["jobs"][0]["headers"] == body["headers"], "who works needs the whole job")
        held = call(address, "GET", f"/jobs/{job}", token=tokens["view"]).json["job"]
        check(held["worker"] == "the-operate@127.0.0.1", held)


def die(address):
    """Claims a job and is killed before it is settled."""
    answer = call(tuple(address), "POST", "/claims", {"queues": ["deadly"], "leaseMilliseconds": 1_000, "waitMilliseconds": 10_000})
    print(json.dumps(answer.json["jobs"][0]), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def main(stint, only=None):
    with Server(stint) as server:
        checks = Checks(server)
        for name in dir(checks):
            if name.startswith("test_") and (only is None or only in name):
                start = time.monotonic()
                getattr(checks, name)()
                print(f"{name[5:].replace('_', ' ')}: {time.monotonic() - start:.1f} s", flush=True)
        check(server.process.poll() is None, "the server has ended")
        if only is None:
            roles(stint, server.folder.name)
            print("roles")


if __name__ == "__main__":
    if sys.argv[1] == "--die":
        die(json.loads(sys.argv[2]))
    else:
        main(*sys.argv[1:])
