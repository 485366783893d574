# SPDX-License-Identifier: MIT
"""The programs that are compared, each told to do the same: record interfaces from a ring of a
given size into one file, every octet of every packet.
"""

import json
import os
import re
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from support import traffic

RING_BLOCK = 1 << 20


def find(name):
    """The path of a program or library of ours, or of somebody else's program; None without."""
    own = Path(os.environ.get("CAPTURED_BIN", "")) / name
    if own.exists():
        return str(own)
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


@dataclass(frozen=True)
class Program:
    """One program with so many interfaces. `command(names, where)` gives the words behind its name;
    `count(where, said)` how many packets it stored and how many of them are not as sent."""

    executable: str
    links: int
    command: Callable
    count: Callable
    ends: bool = True  # False: it hangs at a signal, and is killed once all must be written
    says: str = None  # how it tells on its output what it took, where its file cannot be looked at

    def available(self):
        return find(self.executable) is not None

    def words(self, names, where):
        return [find(self.executable)] + self.command(names, where)

    def can_discard(self):
        return self.says is not None or self.executable in ("captured", "floor")


@dataclass
class Place:
    """Where one run writes, and with how much ring for each interface."""

    folder: Path
    ring_mib: int
    discards: bool = False
    options: dict = None  # of captured's output

    def file(self, name):
        return "/dev/null" if self.discards else str(self.folder / name)

    def octets(self):
        return sum(one.stat().st_size for one in self.folder.rglob("*")
                   if one.is_file() and one.suffix not in (".yaml", ".json"))


def count_frames(*paths):
    """Packets in standard capture files, and how many of them are not as they were sent."""
    accounts = traffic.check(*paths, gaps=0)["interfaces"].values()
    return (sum(one["packets"] for one in accounts),
            sum(sum(traffic.flaws(one).values()) for one in accounts))


def _count_one_file(where, said, says=None):
    if where.discards:
        return int(re.findall(says, said)[-1]), 0
    return count_frames(*where.folder.glob("capture.pcap*"))


def _count_said(_, said):
    return int(re.findall(r"packets (\d+)", said)[-1]), 0


def _tcpdump(names, where):
    return ["-i", names[0], "-n", "-Z", "root", "-B", str(where.ring_mib * 1024), "-w",
            where.file("capture.pcap")]


def _netsniff(names, where):
    return ["--in", names[0], "--out", where.file("capture.pcap"), "--silent",
            "--ring-size", f"{where.ring_mib}MiB", "--no-sock-mem"]


def _dumpcap(names, where):
    words = ["-q", "-w", where.file("capture.pcapng")]
    for name in names:
        words += ["-i", name, "-B", str(where.ring_mib)]
    if len(names) > 1:
        # Its queue between threads drops at 1000 packets unless told otherwise.
        words += ["-N", "10000000", "-C", str(where.ring_mib << 20)]
    return words


def _stenotype(*more):
    def command(names, where):
        for folder in ("PKT0", "IDX0"):
            (where.folder / folder).mkdir()
        # As many writes under way as half the ring has blocks, and a file that is there already:
        # that suits it best.
        return [f"--iface={names[0]}", f"--dir={where.folder}", "--threads=1", "--uid=root",
                "--gid=root", "--seccomp=none", f"--blocks={where.ring_mib}",
                f"--aiops={where.ring_mib // 2}", "--blockage_sec=1", "--fileage_sec=3600",
                "--preallocate_file_mb=2048", *more]
    return command


def _count_ring_blocks(where, _):
    """Its files are ring blocks as they were; one that was never written is all zeros."""
    packets = 0
    for path in (where.folder / "PKT0").iterdir():
        with path.open("rb") as blocks:
            while head := blocks.read(48):
                if len(head) == 48:
                    packets += struct.unpack_from("<I", head, 12)[0]
                blocks.seek(RING_BLOCK - len(head), os.SEEK_CUR)
    return packets, 0


def _captured(names, where):
    output = {"name": "main", "directory": str(where.folder),
              "rotate": {"size": 0, "interval": 0}, **(where.options or {})}
    config = {
        "interfaces": [{"name": name, "ring": {"size": f"{where.ring_mib}MiB"}} for name in names],
        "outputs": [output],
    }
    path = where.folder / "captured.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return ["--config", str(path), "--ledger-json", str(where.folder / "ledger.json")]


def ledger(where):
    """The rows of captured's ledger by interface; None of other programs."""
    path = where.folder / "ledger.json"
    return json.loads(path.read_text(encoding="utf-8"))["interfaces"] if path.exists() else None


def _count_captured(where, _):
    if where.discards:
        return sum(row["stored"] for row in ledger(where).values()), 0
    return count_frames(*where.folder.glob("*-main-*.pcapng"))


def _floor(mode):
    def command(names, where):
        return [f"--interface={name}" for name in names] + [
            "--ring", str(where.ring_mib), "--mode", mode, "--output", where.file("capture.pcapng")]
    return command


def _count_copies(where, said):
    return _count_said(where, said) if where.discards else _count_one_file(where, said)


def _single(executable, command, says):
    return Program(executable, 1, command, lambda where, said: _count_one_file(where, said, says),
                   says=says)


PROGRAMS = {}
for number in (1, 2, 8):
    suffix = "" if number == 1 else f"-{number}"
    PROGRAMS["floor: drain" + suffix] = Program("floor", number, _floor("drain"), _count_said)
    PROGRAMS["floor: walk" + suffix] = Program("floor", number, _floor("walk"), _count_said)
    PROGRAMS["floor: copy" + suffix] = Program("floor", number, _floor("copy"), _count_copies)
    PROGRAMS["captured" + suffix] = Program("captured", number, _captured, _count_captured)
    PROGRAMS["dumpcap" + suffix] = Program("dumpcap", number, _dumpcap, _count_one_file)
PROGRAMS["tcpdump"] = _single("tcpdump", _tcpdump, r"(\d+) packets captured")
PROGRAMS["netsniff-ng"] = Program("netsniff-ng", 1, _netsniff, _count_one_file)
PROGRAMS["stenotype"] = Program("stenotype", 1, _stenotype(), _count_ring_blocks, ends=False)
PROGRAMS["stenotype-no-index"] = Program("stenotype", 1, _stenotype("--no_index"),
                                         _count_ring_blocks, ends=False)
