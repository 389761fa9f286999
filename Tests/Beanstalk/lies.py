#!/usr/bin/env python3
"""Proves that differential.py sees differences: beanstalkd beside itself has none, and beside one with a wrong reply it has.

    Tests/Beanstalk/setup && python3 Tests/Beanstalk/lies.py [--oracle PATH]

Called as a server, with LIE in its environment, it is beanstalkd behind a proxy that replaces one reply.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from servers import BEANSTALKD  # noqa: E402

# What a reply is replaced by, and the kind of sequences that must see it.
LIES = [
    (rb"BURIED\r\n", b"BURIED 1\r\n", "--timed 0"),
    (rb"NOT_IGNORED\r\n", b"NOT_FOUND\r\n", "--timed 0"),
    (rb"EXPECTED_CRLF\r\n", b"BAD_FORMAT\r\n", "--timed 0"),
    (rb"JOB_TOO_BIG\r\n", b"", "--timed 0"),
    (rb"DEADLINE_SOON\r\n", b"TIMED_OUT\r\n", "--timed 0"),
    (rb"KICKED 2\r\n", b"KICKED 3\r\n", "--timed 0"),
    (rb"kicks: 1\n", b"kicks: 2\n", "--timed 0"),
    (rb"current-waiting: 1\n", b"current-waiting: 0\n", "--timed 0"),
    (rb"current-jobs-urgent: 1\n", b"current-jobs-urgent: 2\n", "--timed 0"),
    (rb"(\n- default\n- a\n)", b"\n- a\n- default\n", "--timed 0"),
    (rb"(RESERVED \d+ 200\r\n)..", rb"\1??", "--timed 0"),
    (rb"timeouts: 1\n", b"timeouts: 0\n", "--sequences 0 --timed 32"),
    (rb"TIMED_OUT\r\n", b"DEADLINE_SOON\r\n", "--sequences 0 --timed 32"),
]


def serve(oracle, lie, arguments):
    """A server like beanstalkd."""
    place = arguments[arguments.index("-l") + 1]
    path = place.removeprefix("unix:")
    hidden = path + ".hidden"
    process = subprocess.Popen([oracle, *[f"unix:{hidden}" if word == place else word for word in arguments]])
    signal.signal(signal.SIGTERM, lambda *_: (process.kill(), os._exit(0)))
    pattern, replacement, _ = LIES[lie]
    listener = socket.socket(socket.AF_UNIX)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as trial:
            if trial.connect_ex(hidden) == 0:
                break
        time.sleep(0.005)
    listener.bind(path)
    listener.listen(100)

    def pass_on(source, target, change):
        try:
            while data := source.recv(1 << 16):
                target.sendall(change(data))
        except OSError:
            pass
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    while True:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(hidden)
        # A reply that comes in two pieces is passed on as it is.
        for way in ((client, server, lambda data: data), (server, client, lambda data: re.sub(pattern, replacement, data))):
            threading.Thread(target=pass_on, args=way, daemon=True).start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--oracle", default=BEANSTALKD)
    parser.add_argument("--seed", default="1")
    arguments = parser.parse_args()

    def differential(program, *options, lie=None):
        environment = dict(os.environ, ORACLE=arguments.oracle)
        if lie is not None:
            environment["LIE"] = str(lie)
        return subprocess.run(
            [sys.executable, os.path.join(HERE, "differential.py"), program, "--oracle", arguments.oracle, "--seed", arguments.seed,
             *options], env=environment, capture_output=True, text=True, timeout=600)

    done = differential(arguments.oracle, "--sequences", "500", "--timed", "16")
    if done.returncode != 0:
        sys.exit(f"{arguments.oracle} differs from itself:\n{done.stdout}{done.stderr}")
    for number, (pattern, replacement, options) in enumerate(LIES):
        with tempfile.TemporaryDirectory(prefix="stint-lies-") as folder:
            program = os.path.join(folder, "liar")
            os.symlink(os.path.abspath(__file__), program)
            done = differential(program, *options.split(), "--no-shorter", "--no-examples", lie=number)
        if done.returncode != 1 or "A difference" not in done.stdout:
            sys.exit(f"{pattern!r} replaced by {replacement!r} is not seen: {done.returncode}\n{done.stdout}{done.stderr}")
        print(f"seen: {pattern!r} replaced by {replacement!r}", flush=True)
    print(f"lies: {len(LIES)} of {len(LIES)} seen, and none in beanstalkd beside itself")


if __name__ == "__main__":
    if "LIE" in os.environ and "-l" in sys.argv:
        serve(os.environ["ORACLE"], int(os.environ["LIE"]), sys.argv[1:])
    main()
