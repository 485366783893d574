# SPDX-License-Identifier: MIT
"""The programs that are compared, each told to do the same: record interfaces from a ring of a
given size into one file, every octet of every packet.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable


def _find(name):
    own = Path(os.environ.get("CAPTURED_BIN", "")) / name
    if own.exists():
        return str(own)
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


@dataclass(frozen=True)
class Program:
    """`command(interfaces, folder, ring_mib)` gives the words behind the program's name."""

    executable: str
    interfaces: int
    command: Callable
    stores: bool = True  # False: it only counts, and prints how many as its last line

    def available(self):
        return _find(self.executable) is not None

    def words(self, names, folder, ring_mib):
        return [_find(self.executable)] + self.command(names, folder, ring_mib)


def _tcpdump(names, folder, ring_mib):
    return ["-i", names[0], "-n", "-Z", "root", "-B", str(ring_mib * 1024), "-w",
            str(folder / "capture.pcap")]


def _dumpcap(names, folder, ring_mib):
    words = ["-q", "-w", str(folder / "capture.pcapng")]
    for name in names:
        words += ["-i", name, "-B", str(ring_mib)]
    if len(names) > 1:
        # Its queue between threads drops at 1000 packets unless told otherwise.
        words += ["-N", "10000000", "-C", str(ring_mib << 20)]
    return words


def _netsniff(names, folder, ring_mib):
    return ["--in", names[0], "--out", str(folder / "capture.pcap"), "--silent",
            "--ring-size", f"{ring_mib}MiB", "--no-sock-mem"]


def _captured(names, folder, ring_mib):
    config = {
        "interfaces": [{"name": name, "ring": {"size": f"{ring_mib}MiB"}} for name in names],
        "outputs": [{"name": "main", "directory": str(folder),
                     "rotate": {"size": 0, "interval": 0}}],
    }
    path = folder / "captured.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return ["--config", str(path)]


def _floor(mode):
    def words(names, folder, ring_mib):
        return ["--interface", names[0], "--ring", str(ring_mib), "--mode", mode, "--output",
                str(folder / "capture.pcapng")]
    return words


PROGRAMS = {
    "floor: drain": Program("floor", 1, _floor("drain"), stores=False),
    "floor: walk": Program("floor", 1, _floor("walk"), stores=False),
    "floor: copy": Program("floor", 1, _floor("copy")),
    "tcpdump": Program("tcpdump", 1, _tcpdump),
    "netsniff-ng": Program("netsniff-ng", 1, _netsniff),
    "dumpcap": Program("dumpcap", 1, _dumpcap),
    "dumpcap-2": Program("dumpcap", 2, _dumpcap),
    "captured": Program("captured", 1, _captured),
    "captured-2": Program("captured", 2, _captured),
}
