"""Servers of the benchmark's own: none of them may outlive it."""

from __future__ import annotations

import ctypes
import signal
import subprocess
from pathlib import Path

PR_SET_PDEATHSIG = 1
STOPPING_SECONDS = 10.0

_running: list[subprocess.Popen[bytes]] = []


def start(command: list[str], log: Path, user: str | None = None) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C reaches this program alone, which then stops the server; and with a
    signal for the case that this program is killed."""
    library = ctypes.CDLL(None, use_errno=True)

    def die_with_the_parent() -> None:
        # A shell starts what is in the background with SIGINT ignored, and that is inherited.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        library.prctl(PR_SET_PDEATHSIG, signal.SIGINT)

    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
                                   start_new_session=True, preexec_fn=die_with_the_parent, user=user, group=user,
                                   extra_groups=[] if user else None)
    _running.append(process)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGINT ends beanstalkd, and is PostgreSQL's fast shutdown."""
    try:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(STOPPING_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        # Even if Ctrl-C ends the wait.
        if process.poll() is None:
            process.kill()
            process.wait()


def stop_all() -> None:
    for process in _running:
        stop(process)
