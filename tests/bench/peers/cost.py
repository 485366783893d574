# SPDX-License-Identifier: MIT
"""What a process costs the machine: processor time, switches, memory; and what the kernel's own
threads do meanwhile.
"""

import os
import re
import signal
import subprocess
from pathlib import Path

from .programs import find

TICKS = os.sysconf("SC_CLK_TCK")
KERNEL_WORKERS = ("kworker", "jbd2", "loop", "iou-")


def _threads(pid):
    """Nanoseconds and switches of each thread that lives."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            spent = int((task / "schedstat").read_text().split()[0])
            status = (task / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        found[task.name] = (spent, sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", status))))
    return found


def _kernel_workers():
    """Nanoseconds of the threads by which the kernel writes for others, by process id."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text()
            name = fields[fields.index("(") + 1:fields.rindex(")")]
            if fields.rsplit(")", 1)[1].split()[1] == "2" and name.startswith(KERNEL_WORKERS):
                found[process.name] = int((process / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _idle_ticks(cpu):
    with open("/proc/stat", encoding="ascii") as lines:
        for line in lines:
            words = line.split()
            if words[0] == f"cpu{cpu}":
                return int(words[4]) + int(words[5])
    return 0


def _growth(before, after):
    return sum(value - before.get(key, 0) for key, value in after.items())


class Cost:
    """A look at a process; `since(earlier)` is what came between."""

    def __init__(self, pid, cpu):
        self._threads = _threads(pid)
        self._workers = _kernel_workers()
        self._idle_ticks = _idle_ticks(cpu)
        self._io = Path(f"/proc/{pid}/io").read_text(encoding="ascii")

    @property
    def written(self):
        """Octets sent to the disk, or made dirty in the page cache, so far."""
        return int(re.search(r"^write_bytes: (\d+)", self._io, re.MULTILINE).group(1))

    def total(self):
        """Processor time of all threads that live, since they began."""
        return sum(one[0] for one in self._threads.values()) / 1e9

    def cpu_seconds(self, earlier):
        return _growth({key: one[0] for key, one in earlier._threads.items()},
                       {key: one[0] for key, one in self._threads.items()}) / 1e9

    def switches(self, earlier):
        return _growth({key: one[1] for key, one in earlier._threads.items()},
                       {key: one[1] for key, one in self._threads.items()})

    def worker_seconds(self, earlier):
        return _growth(earlier._workers, self._workers) / 1e9

    def idle_seconds(self, earlier):
        """Of the processor on which it runs."""
        return (self._idle_ticks - earlier._idle_ticks) / TICKS


def peak_kib(pid):
    """The most memory that it had at a time, its mapped rings included."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))


class SystemCalls:
    """Counts the system calls of a process by perf, which makes each a little dearer: not for runs
    whose time is told."""

    def __init__(self, pid):
        # pylint: disable=consider-using-with
        self._perf = subprocess.Popen(
            [find("perf"), "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", str(pid)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def available():
        if find("perf") is None:
            return False
        words = [find("perf"), "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"]
        trial = subprocess.run(words, capture_output=True, text=True, check=False)
        return trial.returncode == 0 and re.search(r"^\d+,", trial.stderr, re.MULTILINE) is not None

    def stop(self):
        self._perf.send_signal(signal.SIGINT)
        said = self._perf.communicate(timeout=10)[1]
        found = re.search(r"^(\d+),", said, re.MULTILINE)
        return int(found.group(1)) if found else None
