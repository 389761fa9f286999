"""What the figures depend on: processors, kernel, disk, load."""

from __future__ import annotations

import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any


def describe(folder: Path) -> dict[str, Any]:
    return {
        "processors": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "fileSystem": file_system(folder),
        "syncMicroseconds": sync_microseconds(folder),
        "loadAverage": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def sync_microseconds(folder: Path) -> float:
    """The median of 200 times: write 4 KiB over what is there, fsync. As `stint-bench` measures it."""
    file = folder / "sync"
    file.write_bytes(bytes(1 << 20))
    times = []
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fsync(descriptor)
        for page in range(200):
            start = time.monotonic_ns()
            os.pwrite(descriptor, b"\1" * 4096, page * 4096)
            os.fsync(descriptor)
            times.append((time.monotonic_ns() - start) / 1e3)
    finally:
        os.close(descriptor)
        file.unlink()
    return round(statistics.median(times))


def file_system(folder: Path) -> str:
    """The type of the file system that holds `folder`: the mount with the longest path that leads to it."""
    target, found, kind = folder.resolve(), Path("/"), "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, this_kind, *_ = line.split(" ")
        mount = Path(point.replace("\\040", " "))
        if target.is_relative_to(mount) and len(mount.parts) >= len(found.parts):
            found, kind = mount, this_kind
    return kind


def keeps_nothing(kind: str) -> bool:
    """Whether a sync to such a file system costs nothing, so that nothing durable can be measured on it."""
    return kind in ("tmpfs", "ramfs")
