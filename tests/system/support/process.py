# SPDX-License-Identifier: MIT
"""What a running process costs, summed over its threads."""

import re
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Usage:
    """Since the start of the process, or between two moments as a difference."""

    cpu_seconds: float
    context_switches: int
    at: float

    def __sub__(self, before):
        return Usage(self.cpu_seconds - before.cpu_seconds,
                     self.context_switches - before.context_switches, self.at - before.at)


def usage(pid):
    """Of all threads that live now."""
    nanoseconds = 0
    switches = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        nanoseconds += int((task / "schedstat").read_text().split()[0])
        switches += sum(int(count) for count in
                        re.findall(r"ctxt_switches:\s+(\d+)", (task / "status").read_text()))
    return Usage(nanoseconds / 1e9, switches, time.monotonic())


def wait_until(condition, seconds, what, step=0.005):
    """Returns the first true value of condition(); fails when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(step)


def descriptors(pid):
    """How many it has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
