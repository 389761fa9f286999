"""What the checks of running servers share."""

import re
import time


def eventually(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def status(process, key):
    """A number of /proc/…/status; of memory, in KiB."""
    with open(f"/proc/{process.pid}/status") as status:
        return int(re.search(rf"^{key}:\s+(\d+)", status.read(), re.MULTILINE)[1])
