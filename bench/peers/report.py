"""The report as text."""

from __future__ import annotations

import statistics
import textwrap
from typing import Any

from results import Results, Spread

WIDTH = 120
# How many times the peer's jobs per second Stint is expected to do, at 16 workers, both durable.
EXPECTATIONS = [
    ("stint", "postgresql", 3.0), ("stint", "beanstalkd-f0", 10.0), ("stint-supervised", "postgresql", 1.8),
    ("stint-supervised-64", "postgresql-64", 1.8), ("stint-supervised", "beanstalkd-f0", 10.0),
]
# The same with Stint's store in PostgreSQL; its own two rows without a worker above the store.
POSTGRES_EXPECTATIONS = [
    ("stint-store", "candidate-a", 1.2), ("stint-store-64", "candidate-a-64", 1.2), ("stint", "client", 0.9),
    ("stint-supervised", "client", 1.8), ("stint-supervised-64", "client-64", 1.8),
    ("stint", "procrastinate", 20.0), ("stint", "awa", 1.0), ("stint", "pgqueuer", 1.0), ("stint", "absurd", 1.0),
]
EXPECTATION_WORKERS = 16


def header(machine: dict[str, Any], jobs: int, rounds: int, seconds: float) -> str:
    return "\n".join([
        f"{machine['processors']} processors, {machine['system']}, Python {machine['python']}, "
        f"load average {machine['loadAverage']:.1f}",
        f"{machine['fileSystem']}, makes 4 KiB durable in {machine['syncMicroseconds']:,.0f} µs "
        "(median of 200 writes with a sync)",
        f"jobs of 100 bytes that do nothing; {jobs:,} for the fast peers; the peers take turns in {rounds} rounds;",
        f"an enqueue, and a run of the workers, ends after {seconds:g} s at the latest.",
        'Medians of the rounds; "of rounds": their least and most; "jobs a worker": the least lucky and the luckiest;',
        '"Stint is": so many times as fast as the peer, the median of the rounds\' own ratios',
    ])


def body(results: Results, is_postgres: bool) -> str:
    parts = [peers(results), enqueue(results)]
    parts += [workers_table(results, workers) for workers in results.workers]
    parts.append(problems(results))
    parts.append("\n".join(expectations(results, is_postgres)))
    return "\n\n".join(part for part in parts if part)


def peers(results: Results) -> str:
    lines = []
    for peer in results.peers:
        text = f"{peer.version}; {peer.durability}; {peer.settings}"
        lines += textwrap.wrap(text, WIDTH, initial_indent=f"{peer.name:<21}", subsequent_indent=" " * 21)
    return "\n".join(lines)


def enqueue(results: Results) -> str:
    rows = [["enqueue, one process", "jobs/s", "of rounds", "Stint is", "durable"]]
    for peer in results.peers:
        rate = results.enqueue_rate(peer.name)
        ratio = None if is_stint(peer.name) else results.enqueue_ratio(peer.baseline, peer.name)
        rows.append([peer.name, number(rate), span(rate), times(ratio), yes_or_no(peer.is_durable)])
    rows += [[name, "skipped", "", "", ""] for name in results.skipped]
    return table(rows)


def workers_table(results: Results, workers: int) -> str:
    title = f"take and ack, {workers} worker{'s' if workers > 1 else ''}"
    rows = [[title, "jobs/s", "of rounds", "jobs a worker", "done of", "Stint is", "of rounds", "durable"]]
    for peer in results.peers:
        runs = results.good(peer.name, workers)
        rate = results.rate(peer.name, workers)
        if not runs:
            rows.append([peer.name, "failed", "", "", "", "", "", yes_or_no(peer.is_durable)])
            continue
        ratio = None if is_stint(peer.name) else results.ratio(peer.baseline, peer.name, workers)
        each = f"{middle([min(run.each) for run in runs])} - {middle([max(run.each) for run in runs])}"
        jobs = f"{middle([run.done for run in runs])} of {middle([run.jobs for run in runs])}"
        rows.append([peer.name, number(rate), span(rate), each, jobs, times(ratio),
                     f"{ratio.least:.2f} - {ratio.most:.2f}" if ratio else "", yes_or_no(peer.is_durable)])
    rows += [[name, "skipped", *[""] * 6] for name in results.skipped]
    return table(rows)


def problems(results: Results) -> str:
    lines = [f"skipped: {name}: {reason}" for name, reason in results.skipped.items()]
    lines += [f"FAILED: {failure}" for failure in results.failures()]
    return "\n".join(lines)


def expectations(results: Results, is_postgres: bool) -> list[str]:
    lines = []
    for ours, name, least in POSTGRES_EXPECTATIONS if is_postgres else EXPECTATIONS:
        who = "Stint" if ours == "stint" else ours
        start = f"{EXPECTATION_WORKERS} workers, durable: {who} to {name}:".ljust(64)
        ratio = results.ratio(ours, name, EXPECTATION_WORKERS)
        if ratio is None:
            lines.append(f"{start} not measured, at least {least:g} x expected")
        else:
            verdict = "met" if ratio.median >= least else "not met"
            lines.append(f"{start} {ratio.median:.2f} x, at least {least:g} x: {verdict}")
    return lines


def is_stint(name: str) -> bool:
    return name.startswith("stint")


def yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def number(spread: Spread | None) -> str:
    return f"{spread.median:,.0f}" if spread else "failed"


def span(spread: Spread | None) -> str:
    return f"{spread.least:,.0f} - {spread.most:,.0f}" if spread else ""


def times(spread: Spread | None) -> str:
    return f"{spread.median:.2f} x" if spread else ""


def middle(values: list[int]) -> str:
    return f"{statistics.median(values):,.0f}"


def table(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    widths[0] = max(widths[0], 28)
    return "\n".join(
        (row[0].ljust(widths[0]) + "".join(cell.rjust(width + 2) for cell, width in zip(row[1:], widths[1:]))).rstrip()
        for row in rows)
