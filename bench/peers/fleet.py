"""Starts worker processes, releases them at the same instant, and collects their reports."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any


class RunFailed(Exception):
    """A run that gives no number; the message is the reason."""


# What a worker may take beyond the limit of its run: to start, and to finish what it has in hand.
STARTING_SECONDS = 60.0
FINISHING_SECONDS = 60.0
# Far enough ahead that every worker has read it.
GUN_NANOSECONDS = 30_000_000


def call(command: list[str], seconds: float, environment: dict[str, str], folder: Path) -> dict[str, Any]:
    """Runs a program that prints one line of JSON."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder,
                                timeout=seconds + FINISHING_SECONDS)
    except subprocess.TimeoutExpired:
        raise RunFailed(f"{Path(command[0]).name} did not end in time") from None
    if result.returncode != 0:
        raise RunFailed(problem(result.stderr))
    return json.loads(result.stdout.strip().splitlines()[-1])


def run_workers(command: list[str], workers: int, seconds: float, environment: dict[str, str],
                folder: Path, stop: threading.Event | None = None) -> list[dict[str, Any]]:
    """One report for each worker process, or none if they work until `stop` is set, when they are killed.

    Raises RunFailed where a worker ends without a report, before it was stopped, or far beyond the limit. None is left running.
    """
    processes: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryFile("w+") as errors:
        watchdog = threading.Timer(STARTING_SECONDS + seconds + FINISHING_SECONDS, lambda: kill(processes))
        try:
            for _ in range(workers):
                processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                  stderr=errors, text=True, env=environment, cwd=folder))
            watchdog.start()
            for process in processes:
                if process.stdout.readline().strip() != "ready":
                    raise RunFailed("a worker ended before it was ready: " + told(errors))
            gun = time.monotonic_ns() + GUN_NANOSECONDS
            for process in processes:
                process.stdin.write(f"{gun}\n")
                process.stdin.flush()
            if stop:
                while not stop.wait(0.1):
                    if any(process.poll() is not None for process in processes):
                        raise RunFailed("a worker ended before it was stopped: " + told(errors))
                return []
            reports = []
            for process in processes:
                line = process.stdout.readline()
                if not line or process.wait(FINISHING_SECONDS) != 0:
                    raise RunFailed("a worker ended without a report: " + told(errors))
                reports.append(json.loads(line))
            return reports
        except BrokenPipeError:
            raise RunFailed("a worker ended before the start: " + told(errors)) from None
        finally:
            watchdog.cancel()
            kill(processes)


def kill(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.kill()
    for process in processes:
        process.wait()


def told(errors: Any) -> str:
    errors.seek(0)
    return problem(errors.read())


def problem(text: str) -> str:
    """The line with the error: the first that begins so, else the last, as in a Python traceback."""
    said = [line for line in text.splitlines() if line.startswith("Error:")]
    return said[0] if said else last_line(text) or "it does not say why"


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
