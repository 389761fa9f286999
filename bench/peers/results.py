"""All runs of a comparison, and what follows from them: medians over the rounds, ratios within each round."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any, Callable

from peers import Peer
from peers.peer import Run


@dataclass
class Spread:
    """The median of the rounds, and the least and the most of them."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: list[float]) -> Spread | None:
        return Spread(statistics.median(values), min(values), max(values)) if values else None


@dataclass
class Results:
    peers: list[Peer]
    workers: list[int]
    skipped: dict[str, str] = field(default_factory=dict)
    # By peer, then by the number of workers: one run for each round, failed ones included.
    runs: dict[str, dict[int, list[Run]]] = field(default_factory=dict)

    def add(self, peer: Peer, workers: int, run: Run) -> None:
        self.runs.setdefault(peer.name, {}).setdefault(workers, []).append(run)

    def of(self, name: str, workers: int) -> list[Run]:
        return self.runs.get(name, {}).get(workers, [])

    def good(self, name: str, workers: int) -> list[Run]:
        return [run for run in self.of(name, workers) if run.failure is None]

    def rate(self, name: str, workers: int) -> Spread | None:
        return Spread.of([run.rate for run in self.good(name, workers)])

    def enqueue_rate(self, name: str) -> Spread | None:
        return Spread.of([run.enqueue_rate for workers in self.workers for run in self.good(name, workers)])

    def ratio(self, baseline: str, name: str, workers: int) -> Spread | None:
        return Spread.of(self._ratios(baseline, name, workers, lambda run: run.rate))

    def enqueue_ratio(self, baseline: str, name: str) -> Spread | None:
        return Spread.of([ratio for workers in self.workers
                          for ratio in self._ratios(baseline, name, workers, lambda run: run.enqueue_rate)])

    def _ratios(self, baseline: str, name: str, workers: int, value: Callable[[Run], float]) -> list[float]:
        """Only of rounds in which both succeeded: the disk changes its speed between the rounds."""
        pairs = zip(self.of(baseline, workers), self.of(name, workers))
        return [value(ours) / value(theirs) for ours, theirs in pairs if not ours.failure and not theirs.failure]

    def failures(self) -> list[str]:
        return [f"{name}, {workers} workers, round {index + 1}: {run.failure}"
                for name, by_workers in self.runs.items() for workers, runs in by_workers.items()
                for index, run in enumerate(runs) if run.failure]

    def as_json(self) -> dict[str, Any]:
        return {
            "peers": [{"name": peer.name, "version": peer.version, "durability": peer.durability,
                       "isDurable": peer.is_durable, "settings": peer.settings, "jobs": peer.jobs}
                      for peer in self.peers],
            "skipped": self.skipped,
            "runs": {name: {str(workers): [asdict(run) for run in runs] for workers, runs in by_workers.items()}
                     for name, by_workers in self.runs.items()},
        }
