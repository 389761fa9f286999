#!/usr/bin/env python3
"""Draws the benchmark's results, a plot for each JSON file that is there; bench/plots runs it.

    bench/plots                          bench/results/*.json to docs/plots/*.svg
    bench/plots --results R --plots P    other folders
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from pathlib import Path
from typing import Any, Callable

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
# Two colours that stay apart in grey and for the colour-blind, and shades beside them.
STINT, OTHER, QUIET, MARK = "#1f5f8b", "#c8762b", "#8c96a0", "#b03a3a"
SHADES = [STINT, OTHER, "#5b8c5a", "#7d6b91", "#4f4f4f", "#a08c5b"]
Results = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description="Draws the benchmark's results as SVG files.")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results", help="where the JSON files are")
    parser.add_argument("--plots", type=Path, default=ROOT / "docs" / "plots", help="where the SVG files go")
    parsed = parser.parse_args()
    style()
    parsed.plots.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        source = parsed.results / f"{name}.json"
        if not source.exists():
            print(f"skipped: {name}: there is no {source.name}", file=sys.stderr)
            continue
        document = json.loads(source.read_text())
        figure = draw(document.get("results", document))
        if figure is None:
            print(f"skipped: {name}: nothing in {source.name} has a number", file=sys.stderr)
            continue
        # Without a date: the same results give the same file.
        figure.savefig(parsed.plots / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)
        print(parsed.plots / f"{name}.svg")
    return 0


def style() -> None:
    plt.rcParams.update({
        "font.family": "sans-serif", "font.size": 10, "axes.titlesize": 11, "axes.titlelocation": "left",
        "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
        "grid.color": "#e3e6e9", "grid.linewidth": 0.8, "legend.frameon": False, "lines.linewidth": 1.8,
        "figure.constrained_layout.use": True, "svg.fonttype": "none", "svg.hashsalt": "stint",
        "savefig.facecolor": "white",
    })


def contention(results: Results) -> Figure:
    comparison = results["comparisons"][0]
    sides = [("with the write gate", comparison["gate"], STINT),
             ("SQLite's busy timeout", comparison["busyTimeout"], OTHER)]
    figure, (shares, waits) = plt.subplots(1, 2, figsize=(9, 3.8))
    for place, (side, rounds, colour) in enumerate(sides):
        jobs = sorted(typical(rounds)["jobsByWorker"])
        positions = [rank + 0.4 * place - 0.2 for rank in range(1, len(jobs) + 1)]
        shares.bar(positions, jobs, width=0.4, color=colour, label=side)
    shares.set(title="Who gets how much", xlabel="worker, by its luck", ylabel="jobs in a turn")
    shares.xaxis.set_major_locator(MaxNLocator(integer=True))
    shares.grid(axis="x", visible=False)
    shares.yaxis.set_major_formatter(grouped())
    shares.legend()
    for side, rounds, colour in sides:
        points = typical(rounds)["waits"]["percentiles"]
        waits.plot(*percentile_curve(points), color=colour, label=side)
    percentile_axis(waits)
    waits.set(title="How long a claim waits", ylabel="a call, ms", yscale="log")
    waits.yaxis.set_major_formatter(plain())
    return figure


def group(results: Results) -> Figure:
    figure, axes = plt.subplots(figsize=(6, 3.8))
    for verb, colour in (("enqueue", STINT), ("ack", OTHER)):
        rows = [row for row in results["series"] if row["verb"] == verb]
        tasks = [row["tasks"] for row in rows]
        rates = [statistics.median(row["callsPerSecond"]) for row in rows]
        axes.plot(tasks, rates, marker="o", color=colour, label=verb)
        axes.annotate(f"{rows[-1]['ratio']:.0f} x", (tasks[-1], rates[-1]), xytext=(6, -4), textcoords="offset points",
                      color=colour)
    axes.set(title="One process, each call durable (FULL)", xlabel="tasks that wait for their own call",
             ylabel="calls/s", xscale="log", yscale="log")
    axes.set_xticks(tasks, [str(number) for number in tasks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(grouped())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend()
    return figure


def flat(results: Results) -> Figure:
    kinds = list(dict.fromkeys(row["kind"] for row in results["series"]))[1:]
    figure, axes = plt.subplots(figsize=(8, 0.62 * len(kinds) + 1.4))
    for place, (durability, colour) in enumerate((("full", STINT), ("normal", OTHER))):
        rows = {row["kind"]: row for row in results["series"] if row["durability"] == durability}
        positions = [index + 0.36 * place - 0.18 for index in range(len(kinds))]
        axes.barh(positions, [rows[kind]["ratio"] for kind in kinds], height=0.34, color=colour,
                  label=durability.upper())
    axes.axvline(1, color=QUIET, linewidth=1)
    axes.axvline(1.3, color=MARK, linewidth=1, linestyle="--", label="at most")
    titles = {row["kind"]: row["title"] for row in results["series"]}
    axes.set_yticks(range(len(kinds)), [titles[kind] for kind in kinds])
    axes.invert_yaxis()
    small = f"{results['sizes']['small']:,}"
    axes.set(xlabel="time a job, as a multiple")
    title(figure, f"What a claim and an ack cost, against a file with {small} ready jobs")
    axes.grid(axis="y", visible=False)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def wake(results: Results) -> Figure:
    figure, axes = plt.subplots(figsize=(7.5, 4))
    rows = [row for row in results["series"] if row["microseconds"]]
    for row, colour in zip(rows, SHADES):
        times = [max(value, 1) / 1_000 for value in row["microseconds"]]
        points = [[100 * (index + 0.5) / len(times), time] for index, time in enumerate(times)]
        width = 2.4 if row["kind"] == "enqueue" else 1.3
        axes.plot(*percentile_curve(points), color=colour, linewidth=width,
                  label=f"{row['title']}, {len(times)} jobs")
    for milliseconds, percentile in ((1, 50), (5, 99)):
        axes.plot(*percentile_curve([[percentile, milliseconds]]), marker="v", color=MARK, linestyle="none",
                  label="expected of an enqueue: below" if percentile == 50 else None)
    percentile_axis(axes)
    axes.set(title="How soon a sleeping worker of another process starts a job", ylabel="ms", yscale="log")
    axes.yaxis.set_major_formatter(plain())
    axes.legend(fontsize=8.5)
    return figure


def ceiling(results: Results) -> Figure:
    rows = results["comparisons"]
    figure, axes = plt.subplots(figsize=(7.5, 0.5 * len(rows) + 1.3))
    axes.barh(range(len(rows)), [row["share"] for row in rows], height=0.55, color=STINT)
    for index, row in enumerate(rows):
        shares = [ours / theirs for ours, theirs in zip(row["stint"], row["plainC"]) if theirs]
        axes.plot(shares, [index] * len(shares), marker="|", linestyle="none", color="#10324a", markersize=9)
    axes.axvline(1, color=QUIET, linewidth=1)
    axes.set_yticks(range(len(rows)), [row["title"].removeprefix("enqueue, claim and ack, ") for row in rows])
    axes.invert_yaxis()
    axes.set(xlabel="jobs/s of Stint to jobs/s of plain C; the marks are the rounds")
    title(figure, "Enqueue, claim and ack in one process, against plain C")
    axes.grid(axis="y", visible=False)
    return figure


def log(results: Results) -> Figure:
    figure, axes = plt.subplots(figsize=(7, 3.4))
    for key, run, colour in (("alone", "alone", STINT), ("besideReader", "beside a reader that stays open", OTHER)):
        curve = results[key]["sizes"]["curve"]
        rate = results[key]["measurement"]["jobsPerSecond"]
        axes.plot([point[0] / 1_000 for point in curve], [point[2] / 2**20 for point in curve],
                  color=colour, label=f"{run}: {rate:,.0f} jobs/s")
    axes.axhline(16, color=MARK, linewidth=1, linestyle="--", label="the limit, 16 MiB")
    axes.set(title="The write-ahead log under full load", xlabel="s", ylabel="MiB", yscale="log", ylim=(1, None))
    axes.yaxis.set_major_formatter(plain())
    figure.legend(loc="outside lower center", ncols=3, fontsize=8.5)
    return figure


def peers(results: Results) -> Figure | None:
    names = [peer["name"] for peer in results["peers"]]
    durable = {peer["name"]: peer["isDurable"] for peer in results["peers"]}
    workers = sorted({int(number) for runs in results["runs"].values() for number in runs})
    rates = {name: [peer_rate(results["runs"].get(name, {}).get(str(number), [])) for number in workers]
             for name in names}
    names = sorted((name for name in names if any(rates[name])), key=lambda name: -rates[name][-1])
    if not names:
        return None
    figure, axes = plt.subplots(figsize=(8, 0.5 * len(names) + 1.4))
    height = 0.8 / len(workers)
    for place, number in enumerate(workers):
        positions = [index + height * (place - (len(workers) - 1) / 2) for index in range(len(names))]
        axes.barh(positions, [rates[name][place] for name in names], height=height * 0.9,
                  color=["#9cc3de", "#4f91bd", STINT][-len(workers):][place % 3],
                  label=f"{number} worker{'s' if number > 1 else ''}")
    axes.set_yticks(range(len(names)), [name if durable[name] else f"{name} (not durable)" for name in names])
    axes.invert_yaxis()
    axes.set(xlabel="jobs/s", xscale="log")
    title(figure, "Take and acknowledge jobs of 100 bytes")
    axes.xaxis.set_major_formatter(grouped())
    axes.grid(axis="y", visible=False)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def peer_rate(runs: list[Results]) -> float:
    """The median of the runs that succeeded; 0 if none did."""
    rates = [run["done"] / run["seconds"] for run in runs if not run["failure"] and run["seconds"] > 0]
    return statistics.median(rates) if rates else 0


def title(figure: Figure, text: str) -> None:
    """At the left edge: above axes with long labels a title of the axes would be cut off."""
    figure.suptitle(text, x=0.01, ha="left", fontsize=11)


def typical(rounds: list[Results]) -> Results:
    """The round with the median throughput."""
    return sorted(rounds, key=lambda measured: measured["jobsPerSecond"])[(len(rounds) - 1) // 2]


PERCENTILES = [0, 50, 90, 99, 99.9]


def nines(percentile: float) -> float:
    """The place of a percentile on an axis that gives each nine the same width."""
    return -math.log10(1 - min(percentile, 99.99) / 100)


def percentile_curve(points: list[list[float]]) -> tuple[list[float], list[float]]:
    return [nines(percentile) for percentile, _ in points], [value for _, value in points]


def percentile_axis(axes: Axes) -> None:
    axes.set_xticks([nines(percentile) for percentile in PERCENTILES], [f"{number:g}" for number in PERCENTILES])
    axes.set_xlabel("percentile")


def grouped() -> FuncFormatter:
    return FuncFormatter(lambda value, _: f"{value:,.0f}")


def plain() -> FuncFormatter:
    return FuncFormatter(lambda value, _: f"{value:g}")


PLOTS: dict[str, Callable[[Results], Figure | None]] = {
    "ceiling": ceiling, "contention": contention, "group": group, "flat": flat, "wake": wake, "log": log,
    "peers": peers,
}

if __name__ == "__main__":
    sys.exit(main())
