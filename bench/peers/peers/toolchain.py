"""Compiles the clients in C and finds programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from peers.peer import Skipped, Surroundings


def compile_client(surroundings: Surroundings, name: str, flags: list[str]) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skipped("there is no C compiler: install gcc")
    source, target = surroundings.sources / "clients" / f"{name}.c", surroundings.build / name
    command = [compiler, "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", str(target), str(source), *flags]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if "error" in line] or result.stderr.splitlines()
        raise Skipped(f"its client does not compile: {lines[0] if lines else 'the compiler does not say why'}")
    return target


def program(name: str, reason: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Skipped(reason)
    return path
