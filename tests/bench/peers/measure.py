# SPDX-License-Identifier: MIT
"""One run of one program: started on its core, fed by the injector on another, stopped, and its
files counted.
"""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from support import process, tools, traffic
from support.network import Network, remove_leftovers

START_SECONDS = 10
# libpcap's programs hear of packets once a second and lose at the end what they have not heard of.
SETTLE_SECONDS = 1.6
LINKS = 2


@dataclass
class Setup:
    """What all runs share; a context that holds the network."""

    folder: Path
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

    def output_kind(self):
        return tools.run(["stat", "-f", "-c", "%T", self.folder]).stdout.strip()


@dataclass
class Measurement:
    """What came out."""

    sent: int
    stored: int
    rate: float
    cpu_seconds: float
    flawed: int

    @property
    def lost(self):
        return self.sent - self.stored

    @property
    def cpu_ns_per_packet(self):
        return self.cpu_seconds * 1e9 / max(self.stored, 1)

    def as_dict(self):
        return {**asdict(self), "lost": self.lost, "cpu_ns_per_packet": self.cpu_ns_per_packet}


def listening(network, pid):
    """How many packet sockets the process holds that have an interface of the network."""
    packet = network.recorded(["cat", "/proc/net/packet"]).stdout.splitlines()[1:]
    inodes = {fields[8] for fields in (line.split() for line in packet) if fields[4] != "0"}
    held = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("socket:["):
            held.add(target[8:-1])
    return len(inodes & held)


def measure(setup, program, size, pace):
    """Runs the program once. The injector sends `pace` frames a second, all interfaces together,
    for the time of the setup; 0 sends as many as fit into that time at about three million."""
    count = int((pace or 3_000_000) * setup.seconds)
    names = setup.network.names[: program.interfaces]
    folder = setup.folder / "run"
    folder.mkdir()
    words = program.words(names, folder, setup.ring_mib)
    recorder = setup.network.start_recorded(
        ["taskset", "-c", str(setup.recorder_cpu), *words], cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        process.wait_until(lambda: listening(setup.network, recorder.pid) >= len(names),
                           START_SECONDS, f"{words[0]} listens")
        time.sleep(0.3)
        before = process.usage(recorder.pid)
        sent = traffic.inject(setup.network, interfaces=names, count=count, rate=pace, size=size,
                              cpu=setup.injector_cpu)
        time.sleep(SETTLE_SECONDS)
        recorder.send_signal(signal.SIGINT)
        said = recorder.stdout.read()
        _, _, usage = os.wait4(recorder.pid, 0)
        recorder.returncode = 0
    finally:
        if recorder.returncode is None:
            recorder.kill()
            recorder.wait()
    stored, flawed = count_stored(program, folder, said)
    shutil.rmtree(folder)
    return Measurement(
        sent=sent["sent"], stored=stored, flawed=flawed,
        rate=sum(one["rate"] for one in sent["interfaces"].values()),
        cpu_seconds=usage.ru_utime + usage.ru_stime - before.cpu_seconds)


def count_stored(program, folder, said):
    """Packets in the files, and how many of them are not as they were sent."""
    if not program.stores:
        return int(said.split()[-1]), 0
    accounts = traffic.check(*folder.glob("capture.pcap*"), *folder.glob("*-main-*.pcapng"),
                             gaps=0)["interfaces"].values()
    return (sum(one["packets"] for one in accounts),
            sum(sum(traffic.flaws(one).values()) for one in accounts))
