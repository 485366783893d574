# SPDX-License-Identifier: MIT
"""Disks that are full, stalled, read-only, failing, gone, and come back, under traffic: the
recorder holds, says so calmly, goes on by itself, and its ledger stays exact. Others do not notice.
What a disk refuses comes from a preloaded library; for a device that does, test_failing_device.py.

CAPTURED_LONG_TESTS=1 fills and frees each disk a hundred times.
"""

import os
import shutil
import signal
import time

import pytest

from support import process, tools, traffic
from support.disks import Disk, HostMounts
from support.faults import Faults
from support.recorder import Recorder, configuration, unfinished, verify

RING = {"size": "8MiB", "block": "64KiB", "timeout": "50ms"}
RATE = 2_000
SIZE = 500
IS_LONG = bool(os.environ.get("CAPTURED_LONG_TESTS"))
ROUNDS = 100 if IS_LONG else 3
ROUNDS_OF_FAULTS = 100 if IS_LONG else 1
# The cure must be noticed within 2 s; a machine that is busy with something else is given more.
PATIENCE_SECONDS = 10


def output(directory, **rest):
    return {"directory": str(directory), "rotate": {"size": "2MiB", "interval": 0},
            "retain": {"size": 0, "free": 0}, "flush_interval": "100ms", **rest}


def two_outputs(captures, other, **of_captures):
    """eth0 is recorded into the one folder, eth1 into the other."""
    return configuration(
        captures,
        [{"name": "eth0", "ring": RING, "output": "small"},
         {"name": "eth1", "ring": RING, "output": "large"}],
        outputs=[{**output(captures, **of_captures), "name": "small"},
                 {**output(other), "name": "large"}])


def octets_in(*folders):
    """How much the files in these folders hold, open ones included."""
    total = 0
    for folder in folders:
        for path in list(folder.glob("*.pcapng*")):
            try:
                total += path.stat().st_size
            except OSError:
                pass
    return total


def grows(*folders):
    """Waits until something is written there; returns how long that took."""
    before = octets_in(*folders)
    begun = time.monotonic()
    process.wait_until(lambda: octets_in(*folders) > before, PATIENCE_SECONDS,
                       f"something is written in {folders}", step=0.02)
    return time.monotonic() - begun


def stands_still(folder):
    """Waits until nothing has been written there for longer than the recorder holds back."""
    def still():
        before = octets_in(folder)
        time.sleep(0.5)
        return octets_in(folder) == before

    process.wait_until(still, PATIENCE_SECONDS, f"nothing is written in {folder}")


def put_away(recorder, kept, turn):
    """Now and then, for the disk is small."""
    if turn % 10 == 9:
        for path in recorder.files():
            shutil.move(path, kept / path.name)


def in_order(*folders):
    return sorted((path for one in folders for path in one.glob("*.pcapng")),
                  key=lambda path: path.name)


def balance(row, one, sent):
    """Everything sent is accounted for, in ledger and files alike."""
    assert row["filteraccept"] == sent and row["unwritten"] == 0, row
    assert one["packets"] == row["stored"] and traffic.flaws(one) == {}, (row, one)
    assert one["dropcount_sum"] == row["osdrop"] == one["missing"], (row, one)


def both_balance(ledger, sent, files, other):
    """Of a recording of `two_outputs`, whose first one's files are given."""
    for name, paths in (("eth0", files), ("eth1", [other])):
        found = traffic.check(*paths, first=0, count=sent[name]["sent"])["interfaces"][name]
        balance(ledger[name], found, sent[name]["sent"])


def remove_while_it_is_written_to(folder):
    """A file that comes, or gets its name, meanwhile makes the first try fail."""
    def removed():
        try:
            shutil.rmtree(folder)
        except OSError:
            return False
        return True

    process.wait_until(removed, PATIENCE_SECONDS, f"{folder} is removed")


def stored_by_now(recorder, interface):
    """What the ledger calls stored."""
    told = recorder.log().count("ledger:")
    recorder.signal(signal.SIGUSR1)
    process.wait_until(lambda: recorder.log().count("ledger:") > told, PATIENCE_SECONDS,
                       "the ledger is logged")
    return recorder.logged_ledger(interface)["stored"]


@pytest.fixture(name="make_disk")
def make_disk_fixture(root, folder):  # pylint: disable=unused-argument
    disks = []

    def make(kind, **options):
        disks.append(Disk(folder, kind, **options))
        return disks[-1].__enter__()  # pylint: disable=unnecessary-dunder-call

    yield make
    for disk in disks:
        disk.__exit__()


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_filled_and_freed_again_and_again(make_network, folder, make_disk, kind):
    network = make_network(2)
    disk = make_disk(kind)
    captures, other, kept = disk.path / "captures", folder / "other", folder / "kept"
    kept.mkdir()
    config = two_outputs(captures, other)
    longest = 0
    with Recorder(HostMounts(network), captures, config=config) as recorder:
        with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE) as sender:
            for turn in range(ROUNDS):
                grows(captures)
                disk.fill()
                stands_still(captures)
                disk.free()
                longest = max(longest, grows(captures))
                put_away(recorder, kept, turn)
            sent = sender.stop()["interfaces"]
        time.sleep(0.5)
        ledger = recorder.stop()
        log = recorder.log()
    files = in_order(kept, captures)
    assert recorder.parts() == []
    both_balance(ledger, sent, files, other)
    verify(*files, losses=ledger["eth0"]["osdrop"] > 0)
    assert ledger["eth1"]["osdrop"] == 0, "the other output did not notice"
    assert log.count("No space left") <= ROUNDS + 3, "it says so once each time"
    print(f"{kind}: {ROUNDS} rounds, longest until it wrote again {longest:.2f} s")


# What the disk answers, and how the log says it.
FAULTS = {"EIO": "Input/output error", "EDQUOT": "Disk quota exceeded",
          "EROFS": "Read-only file system", "stall": None}
OVER = "writing again"


def test_what_a_disk_refuses_waits_and_is_written_when_it_takes_it(make_network, folder, make_disk,
                                                                   monkeypatch):
    network = make_network(2)
    disk = make_disk("tmpfs")
    faults = Faults(folder, disk.path)
    captures, other, kept = disk.path / "captures", folder / "other", folder / "kept"
    kept.mkdir()
    config = two_outputs(captures, other, direct="off")
    with monkeypatch.context() as changed:
        for name, value in faults.environment().items():
            changed.setenv(name, value)
        recorder = Recorder(HostMounts(network), captures, config=config)
    longest = 0
    with recorder:
        with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE) as sender:
            for turn, fault in enumerate(ROUNDS_OF_FAULTS * list(FAULTS)):
                grows(captures)
                before = faults.hits()
                faults.begin(fault)
                process.wait_until(lambda before=before: faults.hits() > before, PATIENCE_SECONDS,
                                   "the recorder meets the fault")
                stands_still(captures)
                grows(other)
                over = recorder.log().count(OVER)
                faults.end()
                longest = max(longest, grows(captures))
                # Else the next one would be part of the same trouble, and not be told of.
                process.wait_until(lambda fault=fault, over=over: not FAULTS[fault] or
                                   recorder.log().count(OVER) > over, PATIENCE_SECONDS,
                                   "the trouble is over")
                put_away(recorder, kept, turn)
            sent = sender.stop()["interfaces"]
        time.sleep(0.5)
        ledger = recorder.stop()
        log = recorder.log()
    assert recorder.parts() == []
    both_balance(ledger, sent, in_order(kept, captures), other)
    assert ledger["eth0"]["osdrop"] == ledger["eth1"]["osdrop"] == 0, "the rings held it all"
    verify(*in_order(kept, captures))
    for said in filter(None, FAULTS.values()):
        assert 1 <= log.count(said) <= ROUNDS_OF_FAULTS + 3, log
    print(f"{ROUNDS_OF_FAULTS} rounds, longest until it wrote again {longest:.2f} s")


@pytest.mark.parametrize("fault", ["EIO", "stall"])
def test_from_a_disk_that_fails_or_hangs_it_goes_to_the_second_folder_and_comes_back(
        make_network, folder, make_disk, monkeypatch, fault):
    network = make_network()
    disk = make_disk("tmpfs")
    faults = Faults(folder, disk.path)
    captures, second = disk.path / "captures", folder / "second"
    config = configuration(captures, [{"name": "eth0", "ring": RING}],
                           outputs=[output(captures, fallback=str(second), direct="off")])
    with monkeypatch.context() as changed:
        for name, value in faults.environment().items():
            changed.setenv(name, value)
        recorder = Recorder(HostMounts(network), captures, config=config)
    with recorder:
        with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE) as sender:
            grows(captures)
            faults.begin(fault)
            grows(second)
            faults.end()
            grows(captures)
            # What was begun there is finished when it can be.
            process.wait_until(lambda: len(recorder.parts()) == 1 and
                               "works again: the recording is back there" in recorder.log(),
                               2 * PATIENCE_SECONDS, "the recording is back")
            sent = sender.stop()["sent"]
        time.sleep(0.5)
        row = recorder.stop()["eth0"]
    assert row["filteraccept"] == row["stored"] == sent, row
    assert recorder.parts() == [] and not list(second.glob("*.part"))
    files = in_order(captures, second)
    verify(*files)
    one = traffic.check(*files, first=0, count=sent)["interfaces"]["eth0"]
    assert one["missing"] == 0 and traffic.flaws(one) == {}


def test_a_folder_that_is_moved_or_removed_is_made_again(make_network, folder):
    network = make_network()
    captures, moved = folder / "captures", folder / "moved"
    config = configuration(captures, [{"name": "eth0", "ring": RING}], outputs=[output(captures)])
    with Recorder(HostMounts(network), captures, config=config) as recorder:
        with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE) as sender:
            grows(captures)
            captures.rename(moved)
            process.wait_until(captures.exists, PATIENCE_SECONDS, "the folder is there again")
            grows(captures)
            sent = sender.stop()["sent"]
        process.wait_until(lambda: not list(moved.glob("*.part")), PATIENCE_SECONDS,
                           "the file that was open in the moved folder is finished there")
        # All that was recorded is still there.
        time.sleep(0.5)  # the ring gives its last block when its timeout is over
        recorder.rotate()
        files = sorted([*moved.glob("*.pcapng"), *recorder.files()], key=lambda path: path.name)
        verify(*files)
        one = traffic.check(*files, first=0, count=sent)["interfaces"]["eth0"]
        assert one["missing"] == 0 and traffic.flaws(one) == {}
        shutil.rmtree(captures)
        process.wait_until(captures.exists, PATIENCE_SECONDS, "the folder is there again")
        more = traffic.send(network, count=2_000, rate=RATE, size=SIZE, first=sent)["sent"]
        time.sleep(0.5)
        recorder.rotate()
        one = traffic.check(*recorder.files(), first=sent, count=more)["interfaces"]["eth0"]
        assert one["missing"] == 0, "nothing of what came after it was made again"
        assert one["packets"] == more and traffic.flaws(one) == {}
        sent += more
        with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE,
                            first=sent) as sender:
            grows(captures)
            remove_while_it_is_written_to(captures)
            process.wait_until(captures.exists, PATIENCE_SECONDS, "the folder is there again")
            grows(captures)
            stored = stored_by_now(recorder, "eth0")
            grows(captures)
            sent += sender.stop()["sent"]
        time.sleep(0.5)
        ledger = recorder.stop()
    row = ledger["eth0"]
    assert row["filteraccept"] == sent and row["unwritten"] == row["osdrop"] == 0
    assert unfinished(captures) == []
    verify(*recorder.files())
    one = traffic.check(captures)["interfaces"]["eth0"]
    stream = one["streams"]["1"]
    # What was stored by then may lie in files that were removed; what came later does not.
    assert stream["first"] <= stored and stream["last"] == sent - 1, (stream, stored)
    assert one["packets"] == sent - stream["first"] and traffic.flaws(one) == {}, one


@pytest.mark.parametrize("kind", ["ext4", "tmpfs"])
def test_unmounted_it_writes_nothing_below_and_goes_on_when_mounted_again(make_network, make_disk,
                                                                          kind):
    network = make_network()
    disk = make_disk(kind)
    captures = disk.path / "captures"
    config = configuration(captures, [{"name": "eth0", "ring": RING}],
                           outputs=[output(captures, require_mount=True)])
    disk.unmount()
    # Recorder makes the folder, as somebody may have: it must not be taken.
    recorder = Recorder(HostMounts(network), captures, config=config)
    with recorder:
        time.sleep(1.5)
        assert list(captures.iterdir()) == []
        assert recorder.log().count("require_mount is on") == 1, recorder.log()
        captures.rmdir()
        disk.mount()
        process.wait_until(lambda: captures.exists() and recorder.parts(), PATIENCE_SECONDS,
                           "the recording begins")
        first = traffic.send(network, count=2_000, rate=RATE, size=SIZE)["sent"]
        disk.unmount()
        process.wait_until(lambda: "what is being written there is closed" in recorder.log(),
                           PATIENCE_SECONDS, "the loss of the disk is noticed")
        held = traffic.send(network, count=2_000, rate=RATE, size=SIZE, first=first)["sent"]
        time.sleep(1)
        assert list(disk.path.iterdir()) == [], "nothing is written below"
        disk.mount()
        process.wait_until(lambda: captures.exists() and octets_in(captures) > 0 and
                           recorder.parts(), PATIENCE_SECONDS, "it goes on")
        third = traffic.send(network, count=2_000, rate=RATE, size=SIZE,
                             first=first + held)["sent"]
        ledger = recorder.stop()
    sent = first + held + third
    row = ledger["eth0"]
    assert row["filteraccept"] == sent and row["unwritten"] == 0 and row["osdrop"] == 0
    assert unfinished(captures) == []
    verify(*recorder.files())
    one = traffic.check(captures)["interfaces"]["eth0"]
    stream = one["streams"]["1"]
    # What lay in memory went with the mount; what was in the ring by then did not.
    assert stream["first"] == 0 if kind == "ext4" else 0 < stream["first"] <= first
    assert stream["last"] == sent - 1 and one["packets"] == sent - stream["first"]
    assert stream["missing"] == 0 and traffic.flaws(one) == {}


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_the_second_folder_is_gone_to_and_come_back_from_without_a_gap(make_network, folder,
                                                                       make_disk, kind):
    network = make_network()
    disk = make_disk(kind)
    captures, second = disk.path / "captures", folder / "second"
    config = configuration(captures, [{"name": "eth0", "ring": RING}],
                           outputs=[output(captures, fallback=str(second), require_mount=True)])
    with Recorder(HostMounts(network), captures, config=config) as recorder:
        with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE) as sender:
            for cure in (disk.free, disk.mount, disk.free):
                grows(captures)
                if cure == disk.mount and kind == "ext4":
                    disk.unmount()
                else:
                    disk.fill()
                    cure = disk.free
                grows(second)
                grows(second)
                cure()
                grows(captures)
            sent = sender.stop()["sent"]
        ledger = recorder.stop()
        log = recorder.log()
    assert "the recording goes on in " + str(second) in log
    assert "works again: the recording is back there" in log
    files = [*recorder.files(), *second.glob("*.pcapng")]
    assert not list(second.glob("*.part")) and recorder.parts() == []
    verify(*files)
    done = tools.run([tools.ours("capturectl"), "verify", captures, second], timeout=300)
    assert ": 0 faults, 0 losses" in done.stdout
    row = ledger["eth0"]
    assert row["filteraccept"] == row["stored"] == sent, row
    one = traffic.check(*sorted(files, key=lambda path: path.name), first=0, count=sent)
    assert one["interfaces"]["eth0"]["missing"] == 0
    assert traffic.flaws(one["interfaces"]["eth0"]) == {}
