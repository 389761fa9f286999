"""Checks /metrics with promtool, with the reference parser of OpenMetrics, and with a Prometheus that scrapes it.

    Tests/Metrics/setup && .build/metrics-venv/bin/python Tests/Metrics/check.py .build/debug/stint
"""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "OpenAPI"), os.path.join(HERE, "..", "Python")]
sys.dont_write_bytecode = True

from api import Server, call  # noqa: E402
from processes import eventually  # noqa: E402
from prometheus_client.openmetrics import parser as open_metrics  # noqa: E402
from prometheus_client import parser as text_format  # noqa: E402

PROGRAMS = os.path.join(HERE, "..", "..", ".build", "prometheus", "usr", "bin")
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
HOSTILE = ["\"}evil{a=\"", "back\\slash", "#HELP", "ä-ö\u202e-ü", "stint_jobs{queue=\"x\"}", "\\n"]
MOST_QUEUES = 200


def scrape(server, accept=None):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
    response = connection.getresponse()
    body = response.read().decode()
    assert response.status == 200, body
    connection.close()
    return response.getheader("content-type"), body


def samples(text):
    """The samples by name and labels, as the reference parser reads them. It refuses what is not OpenMetrics."""
    found = {}
    for family in open_metrics.text_string_to_metric_families(text):
        assert family.documentation, f"{family.name} has no help"
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} comes twice"
            found[key] = sample.value
    return found


def value(found, name, **labels):
    key = (name, tuple(sorted(labels.items())))
    assert key in found, f"{key} is not there; there are {[k for k in found if k[0] == name][:5]}"
    return found[key]


def promtool(*arguments, text=None):
    done = subprocess.run(
        [os.path.join(PROGRAMS, "promtool"), *arguments], input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def check_formats(server):
    kind, text = scrape(server)
    assert kind == TEXT, kind
    code, said = promtool("check", "metrics", text=text)
    assert code == 0 and not said, f"promtool check metrics: {code}: {said}"
    # It must find what is wrong, or it has shown nothing.
    code, said = promtool("check", "metrics", text=text + "broken{ 1\n")
    assert code != 0, "promtool accepts a broken line"
    families = list(text_format.text_string_to_metric_families(text))
    assert families

    kind, opened = scrape(server, "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert kind == OPEN and opened.endswith("\n# EOF\n"), kind
    found = samples(opened)
    # promtool reads OpenMetrics for blocks only, where each sample has a time.
    timed = re.sub(r"^([^#].*)$", r"\1 1700000000", opened, flags=re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "metrics")
        with open(file, "w") as stream:
            stream.write(timed)
        code, said = promtool("tsdb", "create-blocks-from", "openmetrics", file, folder)
        assert code == 0, f"promtool tsdb create-blocks-from openmetrics: {said}"
        with open(file, "w") as stream:
            stream.write(timed.replace("# EOF\n", ""))
        code, said = promtool("tsdb", "create-blocks-from", "openmetrics", file, folder)
        assert code != 0, "promtool accepts a text without its end"
    return found


def fill(server):
    """A job of each end, and queues with hostile names."""
    address = (server.host, server.port)

    def post(path, body):
        answer = call(address, "POST", path, body)
        assert answer.status < 300, answer.bytes
        return answer.json

    for name in HOSTILE:
        post("/jobs", {"queue": name, "payload": "x"})
    server.run("put", "--queue", "fails", "--max-attempts", "1", "x")
    server.run("work", "--queue", "fails", "--drain", "--", "sh", "-c", "exit 3")
    server.run("put", "--queue", "dies", "--max-crashes", "1", "x")
    server.run("work", "--queue", "dies", "--drain", "--", "sh", "-c", "kill -SEGV $$")
    server.run("put", "--queue", "works", "x")
    server.run("work", "--queue", "works", "--drain", "--", "true")
    cancelled = post("/jobs", {"queue": "cancels", "payload": "x"})["id"]
    post(f"/jobs/{cancelled}/actions", {"action": "cancel"})
    post("/jobs", {"queue": "loses", "payload": "x"})
    assert len(post("/claims", {"queues": ["loses"], "leaseMilliseconds": 1_000})["jobs"]) == 1
    post("/queues/loses/pause", {})
    # Nothing listens at this port.
    server.run("webhook", "set", "ops", "http://127.0.0.1:1/", "--on", "buried", "--allow-private")
    server.run("webhook", "test", "ops")


def check_values(server):
    def now():
        return samples(scrape(server, OPEN)[1])

    eventually("the lease is lost", lambda: value(now(), "stint_leases_lost_total", queue="loses") == 1)
    eventually("a message fails", lambda: value(now(), "stint_webhook_failing", webhook="ops") == 1)

    def has_sizes():
        # Between the two looks the server may write.
        found = now()
        return (value(found, "stint_database_bytes") == os.stat(server.database).st_size
                and value(found, "stint_database_log_bytes") == os.stat(server.database + "-wal").st_size)

    eventually("the sizes are those of the files", has_sizes)
    found = now()
    assert value(found, "stint_webhook_attempts_failed_total", webhook="ops") >= 1
    assert value(found, "stint_webhook_messages_sent_total", webhook="ops") == 0
    for name in HOSTILE:
        assert value(found, "stint_jobs", queue=name, state="ready") == 1
        assert value(found, "stint_jobs_enqueued_total", queue=name) == 1
    assert value(found, "stint_attempts_failed_total", queue="fails") == 1
    assert value(found, "stint_attempts_died_total", queue="dies") == 1
    assert value(found, "stint_jobs_ended_total", queue="dies", outcome="buried") == 1
    assert value(found, "stint_jobs_ended_total", queue="works", outcome="done") == 1
    assert value(found, "stint_jobs_ended_total", queue="cancels", outcome="cancelled") == 1
    assert value(found, "stint_queue_paused", queue="loses") == 1
    assert value(found, "stint_run_time_seconds_count", queue="works") == 1
    assert value(found, "stint_time_in_queue_seconds_bucket", queue="works", le="+Inf") == 1
    assert value(found, "stint_oldest_ready_seconds", queue="loses") > 0
    assert value(found, "stint_disk_free_bytes") > 0
    assert any(name == "stint_build_info" for name, _ in found)
    # The one that sends the messages of webhooks.
    assert value(found, "stint_workers", liveness="alive") == 1
    assert value(found, "process_resident_memory_bytes") > 1 << 20


def check_bounds(server):
    """Names that come from data do not make time series without end."""
    address = (server.host, server.port)
    jobs = [{"queue": f"tenant-{number:05}", "payload": "x"} for number in range(700)]
    assert call(address, "POST", "/jobs", jobs).status < 300
    found = samples(scrape(server, OPEN)[1])
    names = {dict(labels)["queue"] for _, labels in found if "queue" in dict(labels)}
    assert len(names) == MOST_QUEUES, f"{len(names)} queues have time series"
    ready = sum(count for (name, labels), count in found.items()
                if name in ("stint_jobs", "stint_jobs_of_other_queues") and ("state", "ready") in labels)
    shown = sum(queue["ready"] for queue in json.loads(server.run("stats", "--json"))["queues"])
    assert ready == shown, f"{ready} jobs are ready by the metrics, and {shown} by `stint stats`"
    kinds = {name for name, _ in found}
    assert len(found) < MOST_QUEUES * 90 + 100, f"{len(found)} samples of {len(kinds)} kinds"


def check_beanstalk(stint):
    """A server of beanstalkd's protocol in the same process has metrics too, and without one there are none."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        with Server(stint, "--beanstalk", f"unix:{path}") as server:
            assert f"beanstalk://unix:{path}\n" in server.addresses
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                replies = client.makefile("rb")

                def ask(command):
                    client.sendall(command + b"\r\n")
                    return replies.readline()

                assert ask(b"put 0 0 60 1\r\nx") == b"INSERTED 2\r\n"
                assert ask(b"put 0 0 60 1000000\r\n" + bytes(1000000)) == b"JOB_TOO_BIG\r\n"
                assert ask(b"reserve") == b"RESERVED 2 1\r\n" and replies.readline() == b"x\r\n"
                found = check_formats(server)
                assert value(found, "stint_beanstalk_connections") == 1
                assert value(found, "stint_beanstalk_reserved_jobs") == 1
                assert value(found, "stint_beanstalk_waiting") == 0
                assert value(found, "stint_beanstalk_commands_total", command="put") == 2
                assert value(found, "stint_beanstalk_commands_total", command="reserve") == 1
                assert value(found, "stint_beanstalk_jobs_put_total") == 1
                assert value(found, "stint_beanstalk_put_batches_total") == 1
                assert value(found, "stint_beanstalk_puts_refused_total", reason="job_too_big") == 1
                assert ask(b"delete 2") == b"DELETED\r\n"
                assert ask(b"put 0 0 60 1\r\nx") == b"INSERTED 3\r\n"
                assert ask(b"reserve") == b"RESERVED 3 1\r\n" and replies.readline() == b"x\r\n"
                replies.close()

            def lost():
                return value(samples(scrape(server, OPEN)[1]), "stint_beanstalk_connections_lost_total") == 1

            eventually("the connection is lost", lost)
            found = samples(scrape(server, OPEN)[1])
            assert value(found, "stint_beanstalk_jobs_lost_total") == 1
            assert value(found, "stint_beanstalk_jobs_settled_total") == 1
            assert value(found, "stint_beanstalk_connections") == 0


def check_prometheus(server):
    """The real program scrapes it and finds the names as they are."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "prometheus.yml")
        with open(file, "w") as stream:
            json.dump({
                "global": {"scrape_interval": "1s"},
                "scrape_configs": [{
                    "job_name": "stint", "static_configs": [{"targets": [f"{server.host}:{server.port}"]}]}],
            }, stream)
        code, said = promtool("check", "config", file)
        assert code == 0, said
        process = subprocess.Popen(
            [
                os.path.join(PROGRAMS, "prometheus"), "--config.file", file, "--storage.tsdb.path",
                os.path.join(folder, "data"), "--web.listen-address", f"127.0.0.1:{port}", "--log.level", "error",
            ], stdout=subprocess.DEVNULL)
        try:
            def query(text):
                url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(text)}"
                try:
                    with urllib.request.urlopen(url, timeout=5) as answer:
                        return json.load(answer)["data"]["result"]
                except OSError:
                    return []

            eventually("Prometheus has scraped", lambda: [r["value"][1] for r in query('up{job="stint"}')] == ["1"])
            found = {r["metric"]["queue"]: r["value"][1] for r in query('stint_jobs{state="ready"}')}
            for name in HOSTILE:
                assert found.get(name) == "1", f"Prometheus has no {name!r}: {list(found)}"
            assert query("histogram_quantile(0.5, stint_run_time_seconds_bucket)")
        finally:
            process.terminate()
            process.wait(timeout=20)


def main(stint):
    with Server(stint) as server:
        fill(server)
        found = check_formats(server)
        assert not [name for name, _ in found if "beanstalk" in name], "there is no such server"
        check_values(server)
        check_prometheus(server)
        check_bounds(server)
        check_formats(server)
        assert server.process.poll() is None, "the server has ended"
    check_beanstalk(stint)
    print("/metrics: 6 passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
