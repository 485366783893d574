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


def of_threads(tasks, *names):
    """What these files say of each thread in this folder (/proc/N/task), by its identifier; it
    passes over those that end meanwhile."""
    found = {}
    for task in Path(tasks).iterdir():
        try:
            found[task.name] = [(task / name).read_text(encoding="utf-8") for name in names]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def usage(pid):
    """Of all threads that live now."""
    nanoseconds = 0
    switches = 0
    for spent, status in of_threads(f"/proc/{pid}/task", "schedstat", "status").values():
        nanoseconds += int(spent.split()[0])
        switches += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", status)))
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
