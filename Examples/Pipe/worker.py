#!/usr/bin/env python3
"""Sends mail with several threads: `stint work --queue mail --pipe --concurrency 4 -- python3 worker.py SENT 4`.

Stint writes one job a line to standard input and reads one answer a line from standard output, in any order; see
docs/pipe-protocol.md. Each mail becomes one line at the end of the file SENT. The second argument is the number of
threads: give --concurrency the same number.

An exception is answered with "retry": the process stays alive, and the other jobs in it do not notice. A payload
{"abort": true} ends the whole process by SIGABRT, for those who want to see what Stint does then.
"""

import base64
import concurrent.futures
import fcntl
import json
import os
import sys
import threading
import time
import traceback

# The protocol gets its own descriptors. Prints go to standard error, and programs that a library starts can neither
# read a job nor write between the answers.
jobs = os.fdopen(os.dup(0), "rb")
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)
sys.stdout = sys.stderr
answering = threading.Lock()


class BadJob(Exception):
    """Will never work: bury it."""


class MailServerDown(Exception):
    """May work later: retry."""


def read_payload(job):
    data = job["payload"] if "payload" in job else base64.b64decode(job["payloadBase64"])
    try:
        payload = json.loads(data)
    except ValueError as error:
        raise BadJob(f"the payload is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise BadJob("the payload is not a JSON object")
    return payload


def send(sent, payload, line):
    """A stand-in for a mail server. Several processes may append to the file at once."""
    time.sleep(payload.get("seconds", 0))
    if payload.get("mailServer") == "down":
        raise MailServerDown("the mail server does not answer")
    with open(sent, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(line + "\n")


def verdict_on(job, sent):
    try:
        payload = read_payload(job)
        if payload.get("abort"):
            os.abort()
        member = payload["member"]  # None for a deleted member: a TypeError in the next line
        address = member["mail"]
        if "@" not in address:
            raise BadJob(f"{address!r} is not a mail address")
        mail = json.dumps({"job": job["id"], "to": address, "name": member["name"]}, ensure_ascii=False)
        send(sent, payload, mail)
    except BadJob as error:
        return {"verdict": "bury", "error": str(error)}
    except MailServerDown as error:
        return {"verdict": "retry", "delay": 1.5, "error": str(error)}
    except BaseException as error:  # SystemExit too: a thread that ends without an answer would leave its job hanging
        traceback.print_exc()
        return {"verdict": "retry", "error": traceback.format_exception_only(type(error), error)[-1].strip()}
    if "copyTo" not in payload:
        return {"verdict": "done"}
    # Enqueued together with the acknowledgement: there is never one without the other.
    copy = {"queue": payload["copyTo"], "payload": mail, "contentType": "application/json"}
    return {"verdict": "done", "enqueue": [copy]}


def work(job, sent):
    # json.dumps escapes line breaks and all that is not ASCII: an answer is one line, whatever is in it.
    line = json.dumps({"id": job["id"], "token": job["token"], **verdict_on(job, sent)})
    try:
        with answering:
            answers.write(line + "\n")
            answers.flush()
    except OSError:  # Stint no longer reads answers
        os._exit(1)


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: worker.py SENT [THREADS] < jobs")
    sent = sys.argv[1]
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    # Here a framework would be loaded.
    print(f"worker.py: ready, process {os.getpid()}")
    # At the end of standard input the pool finishes what it has; then the process exits.
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for line in jobs:
            pool.submit(work, json.loads(line), sent)


if __name__ == "__main__":
    main()
