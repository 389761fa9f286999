"""Whole lives of jobs by four clients of beanstalkd, as Debian and the Python Package Index have them.

    Tests/Beanstalk/setup && .build/beanstalk-venv/bin/python Tests/Beanstalk/clients.py .build/debug/stint
    … clients.py --server /usr/bin/beanstalkd        that they say what beanstalkd does
"""

import argparse
import concurrent.futures
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from servers import Server, Wire, dictionary  # noqa: E402

CLIENTS = {
    "greenstalk": [sys.executable, "-B", os.path.join(HERE, "lives", "greenstalk_life.py")],
    "pystalk": [sys.executable, "-B", os.path.join(HERE, "lives", "pystalk_life.py")],
    "Pheanstalk": ["php", os.path.join(HERE, "lives", "pheanstalk.php")],
    "beaneater": ["ruby", os.path.join(HERE, "lives", "beaneater.rb")],
}
BODY = bytes(range(256)) + "Grüße an jede und jeden\r\n".encode("latin-1")


def life(client, program):
    with Server(program, tcp=True) as server:
        done = subprocess.run(
            [*CLIENTS[client], server.host, str(server.port), "life"], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{client}: {done.stdout}{done.stderr}\nThe server: {server.said()}"
        return f"{client}: {done.stdout.strip()}"


def killed(client, program):
    """A client that is killed while it holds a job: another one gets it at once, as it was."""
    with Server(program, tcp=True) as server:
        wire = Wire(server)
        wire.call(b"use held\r\n")
        number = int(wire.call(b"put 3 0 600 %d\r\n%b\r\n" % (len(BODY), BODY))[0].split()[1])
        wire.call(b"watch held\r\n")
        holder = subprocess.Popen(
            [*CLIENTS[client], server.host, str(server.port), "hold", "held"], stdout=subprocess.PIPE, text=True)
        try:
            assert int(holder.stdout.readline()) == number
            assert dictionary(wire.call(b"stats-job %d\r\n" % number)[1])["state"] == "reserved"
            assert wire.call(b"reserve-with-timeout 0\r\n")[0] == b"TIMED_OUT\r\n"
        finally:
            holder.send_signal(signal.SIGKILL)
            holder.wait()
        # Its TTR is ten minutes: it comes back since the connection has ended.
        line, body = wire.call(b"reserve-with-timeout 10\r\n")
        assert (line, body) == (b"RESERVED %d %d\r\n" % (number, len(BODY)), BODY + b"\r\n"), line
        stats = dictionary(wire.call(b"stats-job %d\r\n" % number)[1])
        assert [stats[key] for key in ("pri", "ttr", "reserves", "timeouts")] == ["3", "600", "2", "0"], stats
        assert wire.call(b"delete %d\r\n" % number)[0] == b"DELETED\r\n"
        wire.close()
    return f"{client}: killed, and its job comes back"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stint", nargs="?")
    parser.add_argument("--server", help="another server in its place")
    parser.add_argument("--only", choices=CLIENTS)
    arguments = parser.parse_args()
    program = arguments.server or arguments.stint or parser.error("which server?")
    clients = [arguments.only] if arguments.only else list(CLIENTS)
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(task, client, program) for task in (life, killed) for client in clients]
        for task in tasks:
            try:
                print(task.result(), flush=True)
            except Exception as error:
                failures += 1
                print(f"failed: {error}", file=sys.stderr, flush=True)
    print(f"clients: {len(tasks) - failures} passed, {failures} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
