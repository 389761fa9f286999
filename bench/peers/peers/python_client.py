"""What the peers from the Python Package Index have alike: a client that the virtual environment's Python runs."""

from __future__ import annotations

import os

import fleet
from peers.peer import Peer, Skipped, Surroundings

# Python's own start, and the import of a large package, on a busy machine.
FACTS_SECONDS = 30.0


class PythonClient(Peer):
    def __init__(self, surroundings: Surroundings, name: str, client: str, variables: dict[str, str]) -> None:
        super().__init__(surroundings, name)
        self.client = str(surroundings.sources / "clients" / f"{client}_client.py")
        self.variables = variables
        self.python = surroundings.python

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables, "PYTHONDONTWRITEBYTECODE": "1"}

    def command(self, verb: str, place: str, *numbers: float) -> list[str]:
        return [str(self.python), self.client, verb, place, *(str(number) for number in numbers)]

    def ask_facts(self, place: str) -> dict[str, str]:
        if not os.access(self.python, os.X_OK):
            raise Skipped("the virtual environment is missing: run bench/peers/setup")
        try:
            return fleet.call(self.command("facts", place), FACTS_SECONDS, self.environment(), self.surroundings.folder)
        except fleet.RunFailed as error:
            raise Skipped(f"its client does not start: {error}") from None

    def fill_command(self, place: str, jobs: int) -> list[str]:
        return self.command("fill", place, jobs, self.batch, self.surroundings.seconds)

    def worker_command(self, place: str, workers: int) -> list[str]:
        return self.command("work", place, self.batch, self.surroundings.seconds, workers)
