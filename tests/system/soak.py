# SPDX-License-Identifier: MIT
"""Half an hour of everything at random: nine interfaces with mixed load, disks that fill, freeze
and go, folders that are moved, links that fall and vanish, rotations, reloads and pauses. Memory
and descriptors stay flat, the ledger exact, every file whole, every numbered frame accounted for.
One output keeps little, so that all the while files are removed, and no others than its oldest.

SOAK_MINUTES shortens it, SOAK_SEED repeats its order of faults, SOAK_FAULTS="fill freeze" leaves
out all others.
"""

import os
import random
import re
import signal
import time
from pathlib import Path

import pytest

from support import process, tools, traffic
from support.disks import MIB, Disk, HostMounts
from support.recorder import Recorder, configuration, unfinished

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
SEED = int(os.environ.get("SOAK_SEED", "0")) or int(time.time())
FAULTS = os.environ.get("SOAK_FAULTS", "").split()
WARM_UP_SECONDS = 60
PAUSE_SECONDS = 0.2, 2.5  # between two faults
GROWTH_KIB_MAX = 1024
DESCRIPTORS_OVER = 24  # files that are open for a moment: being closed, repaired, looked at

STEADY = {"eth0": "full", "eth1": "full", "eth2": "frozen", "eth3": "frozen",
          "eth4": "moved", "eth5": "moved"}
UNSTEADY = {"eth6": "plain", "eth7": "plain"}
RETAINED = {"eth8": "retained"}  # steady, but its files go
# Of files that hold two seconds the first limit leaves seven; after rotations the second is met.
RETAINED_OCTETS = 3 * MIB // 2
RETAINED_FILES = 8


class Soak:
    """The recorder, its surroundings, and what can be done to them."""

    def __init__(self, network, folder, full, frozen):
        self.network = network
        self.folder = folder
        self.full = full
        self.frozen = frozen
        self.control = folder / "control"
        self.moved = []  # where the folder of that output went
        self.filters = 0
        self.done = {}  # how often each fault came
        self.recorder = None

    def outputs(self):
        common = {"rotate": {"size": "8MiB", "interval": 0}, "flush_interval": "200ms",
                  "statistics_interval": "1s", "retain": {"size": 0, "free": 0}}
        return [
            {**common, "name": "full", "directory": str(self.full.path / "captures"),
             "fallback": str(self.folder / "fallback-full")},
            {**common, "name": "frozen", "directory": str(self.frozen.path / "captures"),
             "fallback": str(self.folder / "fallback-frozen"), "require_mount": True,
             "sync": "2s"},
            {**common, "name": "moved", "directory": str(self.folder / "moved"),
             "encoding": "compact", "direct": "off"},
            {**common, "name": "plain", "directory": str(self.folder / "plain"),
             "rotate": {"size": "4MiB", "interval": "10s", "skip_empty": True}},
            {**common, "name": "retained", "directory": str(self.folder / "retained"),
             "rotate": {"size": "512KiB", "interval": "2s", "skip_empty": True},
             "retain": {"size": RETAINED_OCTETS, "files": RETAINED_FILES, "free": 0}},
        ]

    def text(self):
        ring = {"size": "16MiB", "block": "256KiB", "timeout": "50ms"}
        interfaces = [{"name": name, "ring": ring, "output": output,
                       "filter": f"len < {9000 + self.filters % 2}" if name in UNSTEADY else ""}
                      for name, output in {**STEADY, **UNSTEADY, **RETAINED}.items()]
        return configuration(self.folder, interfaces, outputs=self.outputs(), stop_timeout="30s",
                             control={"socket": str(self.control)})

    # --- What is done to it ---

    def rotate(self):
        self.recorder.signal(signal.SIGHUP)

    def reload(self):
        self.filters += 1
        self.recorder.config_path.write_text(self.text(), encoding="utf-8")
        tools.run([tools.ours("capturectl"), "reload", "--socket", self.control], check=False)

    def fill(self):
        self.full.fill()
        time.sleep(random.uniform(0.5, 3))
        self.full.free()

    def freeze(self):
        self.frozen.freeze()
        time.sleep(random.uniform(0.1, 2))
        self.frozen.thaw()

    def freeze_for_long(self):
        self.frozen.freeze()
        time.sleep(random.uniform(5, 12))
        self.frozen.thaw()

    def unmount(self):
        self.frozen.unmount()
        time.sleep(random.uniform(0.1, 3))
        self.frozen.mount()

    def move_folder(self):
        folder = self.folder / "moved"
        to = self.folder / f"moved-{len(self.moved)}"
        process.wait_until(folder.exists, 10, "a folder that was moved is made again")
        folder.rename(to)
        self.moved.append(to)

    def link_down_and_up(self):
        name = random.choice(list(UNSTEADY))
        self.network.recorded(["ip", "link", "set", name, "down"])
        time.sleep(random.uniform(0, 1))
        self.network.recorded(["ip", "link", "set", name, "up"])

    def link_away_and_back(self):
        link = next(one for one in self.network.links if one.name == "eth7")
        self.network.remove_link(link)
        time.sleep(random.uniform(0, 1))
        self.network.links.append(self.network.add_link("eth7"))

    def pause_the_recorder(self):
        self.recorder.signal(signal.SIGSTOP)
        time.sleep(random.uniform(0.01, 0.3))
        self.recorder.signal(signal.SIGCONT)

    def burst(self):
        """On links that fall: what is not sent is not missed."""
        for name in UNSTEADY:
            sender = traffic.Sender(self.network, interfaces=[name], count=3_000, rate=30_000,
                                    size="mix", stream=7, first=0)
            with sender:
                time.sleep(0.15)

    def ask(self):
        tools.run([tools.ours("capturectl"), "status", "--socket", self.control], check=False)

    def faults(self):
        all_of_them = [self.rotate, self.rotate, self.reload, self.fill, self.freeze, self.unmount,
                self.move_folder, self.link_down_and_up, self.link_away_and_back,
                self.pause_the_recorder, self.burst, self.burst, self.ask]
        return [one for one in all_of_them if not FAULTS or one.__name__ in FAULTS]

    def act(self, fault):
        self.done[fault.__name__] = self.done.get(fault.__name__, 0) + 1
        fault()
        time.sleep(random.uniform(*PAUSE_SECONDS))

    # --- What it costs ---

    def memory_kib(self):
        status = Path(f"/proc/{self.recorder.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"RssAnon:\s+(\d+)", status).group(1))

    def folders_of(self, output):
        return {"full": [self.full.path / "captures", self.folder / "fallback-full"],
                "frozen": [self.frozen.path / "captures", self.folder / "fallback-frozen"],
                "moved": [*self.moved, self.folder / "moved"],
                "plain": [self.folder / "plain"]}[output]


@pytest.fixture(name="soak")
def soak_fixture(make_network, folder):
    with Disk(folder, "tmpfs", size_mib=200 + int(20 * MINUTES)) as full, \
            Disk(folder, "ext4", size_mib=300 + int(20 * MINUTES)) as frozen:
        yield Soak(make_network(9), folder, full, frozen)


def files_of(folders, pattern="*.pcapng"):
    return sorted((path for one in folders if one.exists() for path in one.glob(pattern)),
                  key=lambda path: path.name)


def test_everything_at_random(soak):
    random.seed(SEED)
    print(f"seed {SEED}, {MINUTES:g} minutes")
    begun = time.monotonic()
    measured = []  # seconds, KiB, descriptors
    with Recorder(HostMounts(soak.network), soak.folder, config=soak.text()) as recorder:
        soak.recorder = recorder
        small = traffic.Sender(soak.network, interfaces=["eth0", "eth2", "eth4"], size="60,128",
                               count=10**9, rate=400)
        large = traffic.Sender(soak.network, interfaces=["eth1", "eth3", "eth5", "eth8"],
                               size="mix", count=10**9, rate=300)
        with small, large:
            # Each of them once, so that what they take of memory is taken.
            for fault in [*soak.faults(), soak.freeze_for_long]:
                soak.act(fault)
            rest = WARM_UP_SECONDS - (time.monotonic() - begun)
            time.sleep(max(0, rest))
            while time.monotonic() < begun + 60 * MINUTES:
                now = time.monotonic() - begun
                measured.append((now, soak.memory_kib(),
                                 process.descriptors(recorder.process.pid)))
                soak.act(soak.freeze_for_long if random.random() < 0.01
                         else random.choice(soak.faults()))
                assert recorder.process.poll() is None, recorder.log()[-4000:]
            sent = {**small.stop()["interfaces"], **large.stop()["interfaces"]}
        time.sleep(15)  # what is in trouble comes back
        measured.append((time.monotonic() - begun, soak.memory_kib(),
                         process.descriptors(recorder.process.pid)))
        ledger = recorder.stop(timeout=60)
    tell(soak, measured, ledger, sent)
    judge_files(soak, ledger, sent)
    judge_retained(soak.folder / "retained", ledger, sent)
    memory = [kib for _, kib, _ in measured]
    assert max(memory) - memory[0] <= GROWTH_KIB_MAX, f"memory after the first minute: {memory}"
    counts = [count for _, _, count in measured]
    assert counts[-1] <= counts[0] + 2 and max(counts) <= counts[0] + DESCRIPTORS_OVER, counts


def tell(soak, measured, ledger, sent):
    _, memory, counts = zip(*measured)
    print("faults:", ", ".join(f"{name} {times}" for name, times in sorted(soak.done.items())))
    print(f"memory {memory[0]} KiB after a minute, then {min(memory)} to {max(memory)}, at the end "
          f"{memory[-1]}; descriptors {counts[0]}, then {min(counts)} to {max(counts)}, at the end "
          f"{counts[-1]}")
    for name, row in ledger.items():
        print(f"{name}: sent {sent.get(name, {}).get('sent', '?')}, {row}")


def verify_files(output, files):
    done = tools.run([tools.ours("capturectl"), "verify", *files], check=False, timeout=900)
    summary = done.stdout.strip().splitlines()[-1]
    print(f"{output}: {summary}")
    assert ": 0 faults," in summary, done.stdout[-8000:]


def judge_files(soak, ledger, sent):
    for output in ("full", "frozen", "moved", "plain"):
        folders = soak.folders_of(output)
        assert files_of(folders, "*.part") == [] and files_of(folders, "*.damaged") == [], output
        assert [unfinished(one) for one in folders if one.exists() and unfinished(one)] == []
        files = files_of(folders)
        verify_files(output, files)
        for name, of in {**STEADY, **UNSTEADY}.items():
            if of != output:
                continue
            row = ledger[name]
            assert row["unwritten"] == 0, (name, row)
            if name in UNSTEADY:
                found = traffic.check(*files)["interfaces"][name]
                assert found["packets"] == row["stored"], (name, found, row)
                continue
            found = traffic.check(*files, first=0, count=sent[name]["sent"])["interfaces"][name]
            assert row["filteraccept"] == sent[name]["sent"], (name, row)
            assert found["packets"] == row["stored"] and traffic.flaws(found) == {}, (name, found)
            assert found["missing"] == row["osdrop"], (name, found, row)


def judge_retained(folder, ledger, sent):
    """There is the end of what was sent: as much as the limits leave, and one file."""
    assert unfinished(folder) == []
    files = files_of([folder])
    octets = [path.stat().st_size for path in files]
    print(f"retained: {sum(octets)} octets in {len(files)} files, of at most {max(octets)}")
    assert len(files) <= RETAINED_FILES + 1 and sum(octets) <= RETAINED_OCTETS + max(octets)
    assert len(files) >= RETAINED_FILES or sum(octets) > RETAINED_OCTETS - 2 * max(octets), \
        "none goes that need not"
    verify_files("retained", files)
    for name in RETAINED:
        count, row = sent[name]["sent"], ledger[name]
        assert row["filteraccept"] == count and row["unwritten"] == 0, (name, row)
        found = traffic.check(*files)["interfaces"][name]
        assert traffic.flaws(found) == {}, (name, found)
        (stream,) = found["streams"].values()
        assert stream["first"] > 0, "files were removed"
        missing = stream["missing"] + count - 1 - stream["last"]
        assert missing <= row["osdrop"], (name, found, row)
