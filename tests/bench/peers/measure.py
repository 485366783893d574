# SPDX-License-Identifier: MIT
"""One run of one program: started on its core, fed by the injector on another, stopped, and its
files counted.
"""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from support import process, tools, traffic
from support.network import Network, remove_leftovers

from . import cost
from .programs import Place, find, ledger

START_SECONDS = 10
STOP_SECONDS = 60
# libpcap's programs hear of packets once a second and lose at the end what they have not heard of.
SETTLE_SECONDS = 1.6
# What a run without a pace is planned with; the injector does less.
RATE_MAX = 3_000_000
LINKS = 8


@dataclass
class Setup:
    """What all runs share; a context that holds the network."""

    ring_mib: int
    seconds: float
    recorder_cpu: int
    injector_cpu: int
    network: Network = None

    def __enter__(self):
        remove_leftovers()
        self.network = Network(LINKS).__enter__()
        return self

    def __exit__(self, *_):
        self.network.__exit__()


@dataclass(frozen=True)
class Task:
    """What a run is to do. `during(pid)`, if any, is called while frames come."""

    program: object
    size: str
    pace: int  # frames a second, all interfaces together; 0: as many as there are
    folder: Path
    discards: bool = False
    options: dict = field(default=None, hash=False)  # of captured's output
    seconds: float = None
    during: object = None
    preload: tuple = ()
    count_calls: bool = False


@dataclass
class Measurement:
    """What came out."""

    sent: int
    sent_octets: int
    stored: int
    flawed: int
    rate: float  # frames a second that really came
    cpu_seconds: float  # of the process with its kernel workers, from the first frame to its end
    worker_seconds: float  # of the kernel's own threads meanwhile, whoever they worked for
    idle_share: float  # of the recorder's processor while frames came
    switches: int  # while frames came
    calls: int  # the same; None where not counted
    octets_written: int
    peak_mib: float
    allocations: int  # None where not counted
    unbalanced: list  # what is wrong with captured's ledger
    told: object = None  # what `during` returned

    @property
    def lost(self):
        return self.sent - self.stored

    @property
    def cpu_ns_per_packet(self):
        return self.cpu_seconds * 1e9 / max(self.stored, 1)

    @property
    def cpu_ns_per_sent(self):
        return self.cpu_seconds * 1e9 / self.sent

    def per_mib(self, count):
        """For each MiB of captured packets."""
        return count / max(self.sent_octets * self.stored / self.sent / (1 << 20), 1e-9)

    def as_dict(self):
        return {**asdict(self), "lost": self.lost, "cpu_ns_per_packet": self.cpu_ns_per_packet}


def listening(network, pid):
    """How many packet sockets the process holds that have an interface of the network."""
    packet = network.recorded(["cat", "/proc/net/packet"]).stdout.splitlines()[1:]
    inodes = {fields[8] for fields in (line.split() for line in packet) if fields[4] != "0"}
    held = set()
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(entry)
            if target.startswith("socket:["):
                held.add(target[8:-1])
    except OSError:
        return 0
    return len(inodes & held)


class _Recorder:
    """A recorder at work, with what it said in a file, so that it never waits for us."""

    def __init__(self, setup, task, names, where):
        words = [str(word) for word in task.program.words(names, where)]
        preload = [find(name) for name in
                   (*task.preload, *(("discard.so",) if task.discards and
                                     task.program.executable == "captured" else ()))]
        environment = ["env", "LD_PRELOAD=" + ":".join(preload)] if preload else []
        self._said = (where.folder.parent / "said").open("w+", encoding="utf-8", errors="replace")
        self.process = setup.network.start_recorded(
            ["taskset", "-c", str(setup.recorder_cpu), *environment, *words], cwd=where.folder,
            stdout=self._said, stderr=subprocess.STDOUT)
        self._ends = task.program.ends
        try:
            process.wait_until(
                lambda: listening(setup.network, self.process.pid) >= len(names)
                or self.process.poll() is not None, START_SECONDS, f"{words[0]} listens")
            assert self.process.poll() is None, f"{words[0]} ended: {self.said()}"
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        self._said.flush()
        self._said.seek(0)
        return self._said.read()

    def end(self):
        """Asks it to end, and waits; its processor time since it was started."""
        self.process.send_signal(signal.SIGINT if self._ends else signal.SIGKILL)
        deadline = time.monotonic() + STOP_SECONDS
        while True:
            waited, status, usage = os.wait4(self.pid, os.WNOHANG)
            if waited:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                return usage.ru_utime + usage.ru_stime
            assert time.monotonic() < deadline, "the recorder does not end"
            time.sleep(0.005)

    def kill(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()


def measure(setup, task):
    """Runs the program once. Frames come for the time of the task or setup."""
    seconds = task.seconds or setup.seconds
    where = Place(task.folder / "run", setup.ring_mib, task.discards, task.options)
    where.folder.mkdir()
    tools.run(["sync", "-f", where.folder])  # what the run before left behind
    names = setup.network.names[: task.program.links]
    recorder = _Recorder(setup, task, names, where)
    try:
        time.sleep(0.3)
        calls = cost.SystemCalls(recorder.pid) if task.count_calls else None
        if calls:
            time.sleep(0.7)
        before = cost.Cost(recorder.pid, setup.recorder_cpu)
        begun = time.monotonic()
        with traffic.Injector(setup.network, interfaces=names, rate=task.pace, size=task.size,
                              count=int((task.pace or RATE_MAX) * seconds),
                              cpu=setup.injector_cpu) as injector:
            told = task.during(recorder.pid) if task.during else None
            sent = injector.wait()
        after = cost.Cost(recorder.pid, setup.recorder_cpu)
        took = time.monotonic() - begun
        made_calls = calls.stop() if calls else None
        time.sleep(SETTLE_SECONDS)
        peak = cost.peak_kib(recorder.pid)
        settled = cost.Cost(recorder.pid, setup.recorder_cpu)
        whole = recorder.end()
    finally:
        recorder.kill()
    said = recorder.said()
    stored, flawed = task.program.count(where, said)
    found = Measurement(
        sent=sent["sent"],
        sent_octets=sum(one["octets"] for one in sent["interfaces"].values()),
        stored=stored, flawed=flawed,
        rate=sum(one["rate"] for one in sent["interfaces"].values()),
        cpu_seconds=(whole - before.total() if task.program.ends
                     else settled.cpu_seconds(before)),
        worker_seconds=settled.worker_seconds(before),
        idle_share=min(after.idle_seconds(before) / took, 1),
        switches=after.switches(before), calls=made_calls,
        octets_written=where.octets(), peak_mib=peak / 1024,
        allocations=_allocations(said),
        unbalanced=imbalances(ledger(where), sent["interfaces"], stored), told=told)
    shutil.rmtree(where.folder)
    return found


def _allocations(said):
    words = said.split()
    return int(words[words.index("allocations") + 1]) if "allocations" in words else None


def imbalances(rows, sent, stored):
    """What does not hold of what should: every packet in one place, and as many as were sent."""
    if rows is None:
        return []
    wrong = []
    for name, row in rows.items():
        settled = row["stored"] + row["osdrop"] + row["unwritten"]
        if row["filteraccept"] != settled:
            wrong.append(f"{name}: {row['filteraccept']} accepted, {settled} in the ledger")
        if row["filteraccept"] != sent[name]["sent"]:
            wrong.append(f"{name}: {sent[name]['sent']} sent, {row['filteraccept']} accepted")
    claimed = sum(row["stored"] for row in rows.values())
    if claimed != stored:
        wrong.append(f"{claimed} stored in the ledger, {stored} in the files")
    return wrong
