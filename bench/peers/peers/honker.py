"""honker, whose wheels need a newer glibc than Debian 12 has: there its processes run in a Debian 13 of their own."""

from __future__ import annotations

import os
from pathlib import Path

from peers.peer import Skipped, Surroundings
from peers.python_file import PythonFile

# Where the processes in the Debian 13 see the clients and the folder of this invocation; `setup` makes both folders.
CLIENTS, FOLDER = "/bench/clients", "/bench/run"
PYTHON = "usr/bin/python3"
# The mounts are the process's own, so the kernel undoes them whichever way it ends. Each step replaces the one before:
# the process that is started is the one that can be killed.
ENTER = f"""
root=$1
mount --bind "$2" "$root{CLIENTS}"
mount --bind "$3" "$root{FOLDER}"
shift 3
exec chroot "$root" /{PYTHON} "$@"
"""


class Honker(PythonFile):
    # It groups jobs, so it gets as many as Stint.
    share = 1.0

    def __init__(self, surroundings: Surroundings, name: str, client: str, batch: int) -> None:
        super().__init__(surroundings, name, client)
        self.batch = batch
        self.settings = f"batch {batch}; {self.settings}"
        self.baseline = "stint" if batch == 16 else f"stint-{batch}"
        self.root = surroundings.honker / "root"
        self.is_inside = self.root.exists()
        self.python = self.root / PYTHON if self.is_inside else surroundings.honker / "venv" / "bin" / "python"

    def prepare(self) -> None:
        problem = self.surroundings.honker / "problem"
        if problem.exists():
            raise Skipped(problem.read_text().strip())
        if not (self.surroundings.honker / "requirements.txt").exists():
            raise Skipped("it is not installed: run bench/peers/setup")
        if self.is_inside and os.geteuid() != 0:
            raise Skipped("only root can enter the Debian 13 that it needs here")
        super().prepare()
        if self.is_inside:
            self.version += ", in Debian 13"

    def command(self, verb: str, place: str, *numbers: float) -> list[str]:
        if not self.is_inside:
            return super().command(verb, place, *numbers)
        client, folder = Path(self.client), self.surroundings.folder
        return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", ENTER, "enter",
                str(self.root), str(client.parent), str(folder), f"{CLIENTS}/{client.name}", verb,
                f"{FOLDER}/{Path(place).relative_to(folder)}", *(str(number) for number in numbers)]
