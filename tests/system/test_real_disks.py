# SPDX-License-Identifier: MIT
"""What file systems do of their own accord: a quota that is used up, and ext4 that is mounted
read-only, or makes itself so after an error. The recorder waits, goes on when it can, and others do
not notice. What a library makes a disk refuse stands in test_disk_trouble.py.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from support import process, tools, traffic
from support.disks import Disk, HostMounts
from support.recorder import Recorder, verify
from test_disk_trouble import (PATIENCE_SECONDS, RATE, SIZE, balance, both_balance, grows, in_order,
                               octets_in, stands_still, two_outputs)

ROUNDS = 3


class Quota:
    """A folder on btrfs, in which no more than the quota's octets can lie. Use as a context."""

    def __init__(self, folder):
        self.path = folder / "disk-btrfs"
        self.image = folder / "disk-btrfs.image"
        self.captures = self.path / "captures"

    def __enter__(self):
        if not shutil.which("mkfs.btrfs"):
            pytest.skip("btrfs-progs is not installed, for a file system with a quota")
        self.path.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(128 << 20)
        tools.run(["mkfs.btrfs", "-q", "-M", self.image])
        mounted = subprocess.run(["mount", "-o", "loop", self.image, self.path], check=False,
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            pytest.skip(f"no btrfs in this kernel, for a quota: {mounted.stderr.splitlines()[0]}")
        tools.run(["btrfs", "quota", "enable", self.path])
        tools.run(["btrfs", "subvolume", "create", self.captures])
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=False)

    def limit(self, octets):
        number = tools.run(["btrfs", "inspect-internal", "rootid", self.captures]).stdout.strip()
        # Asked for above the folder, for within it even this would be refused.
        tools.run(["btrfs", "qgroup", "limit", octets, f"0/{number}", self.path])


@pytest.fixture(name="disk")
def disk_fixture(root, folder):  # pylint: disable=unused-argument
    with Disk(folder, "ext4") as disk:
        yield disk


def test_what_a_quota_refuses_waits_and_is_written_when_it_is_raised(make_network, root, folder):
    # pylint: disable=unused-argument
    network = make_network(2)
    other = folder / "other"
    longest = 0
    with Quota(folder) as quota:
        captures = quota.captures
        config = two_outputs(captures, other)
        with Recorder(HostMounts(network), captures, config=config) as recorder:
            with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE) as sender:
                for _ in range(ROUNDS):
                    grows(captures)
                    before = recorder.log().count("Disk quota exceeded")
                    quota.limit("1M")
                    process.wait_until(
                        lambda b=before: recorder.log().count("Disk quota exceeded") > b,
                        PATIENCE_SECONDS, "the quota is met")
                    stands_still(captures)
                    grows(other)
                    over = recorder.log().count("writing again")
                    quota.limit("none")
                    longest = max(longest, grows(captures))
                    # Else the next one would be part of the same trouble, and not be told of.
                    process.wait_until(
                        lambda o=over: recorder.log().count("writing again") > o,
                        PATIENCE_SECONDS, "the trouble is over")
                sent = sender.stop()["interfaces"]
            time.sleep(0.5)
            ledger = recorder.stop()
            log = recorder.log()
        assert recorder.parts() == []
        both_balance(ledger, sent, in_order(captures), other)
        verify(*in_order(captures), losses=ledger["eth0"]["osdrop"] > 0)
    assert ledger["eth1"]["osdrop"] == 0, "the other output did not notice"
    assert log.count("Disk quota exceeded") <= ROUNDS + 3, "it says so once each time"
    print(f"quota: {ROUNDS} rounds, longest until it wrote again {longest:.2f} s")


def test_on_a_disk_mounted_read_only_it_records_once_that_is_remounted(make_network, folder, disk):
    network = make_network(2)
    captures, other = disk.path / "captures", folder / "other"
    captures.mkdir()
    tools.run(["mount", "-o", "remount,ro", disk.path])
    config = two_outputs(captures, other)
    with Recorder(HostMounts(network), captures, config=config) as recorder:
        before = traffic.send(network, interfaces=["eth1"], count=2_000, rate=RATE,
                              size=SIZE)["sent"]
        assert "Read-only file system" in recorder.log()
        tools.run(["mount", "-o", "remount,rw", disk.path])
        begun = time.monotonic()
        process.wait_until(lambda: "interface eth0, output small: recorded" in recorder.log(),
                           PATIENCE_SECONDS, "it is recorded")
        print(f"remounted: recorded after {time.monotonic() - begun:.2f} s")
        sent = traffic.send(network, interfaces=["eth0"], count=2_000, rate=RATE,
                            size=SIZE)["sent"]
        # Files are open for writing now, and so it cannot happen under them.
        assert subprocess.run(["mount", "-o", "remount,ro", disk.path], check=False,
                              stderr=subprocess.DEVNULL).returncode != 0
        more = traffic.send(network, interfaces=["eth0"], count=2_000, rate=RATE, size=SIZE,
                            first=sent)["sent"]
        ledger = recorder.stop()
    for name, count, where in (("eth0", sent + more, captures), ("eth1", before, other)):
        balance(ledger[name], traffic.check(where, first=0, count=count)["interfaces"][name], count)
        assert ledger[name]["osdrop"] == 0
    verify(captures)


def break_file_system(disk):
    """As ext4 does when it finds itself damaged: nothing can be written from then on."""
    device = tools.run(["findmnt", "-no", "SOURCE", disk.path]).stdout.strip().split("/")[-1]
    trigger = f"/sys/fs/ext4/{device}/trigger_fs_error"
    try:
        with open(trigger, "w", encoding="ascii") as file:
            file.write("by a test")
    except OSError as error:
        pytest.skip(f"this kernel breaks no file systems on demand: {error}")


def holds_open(recorder, device):
    """The names of what the recorder has open on that device."""
    held = []
    for entry in Path(f"/proc/{recorder.process.pid}/fd").iterdir():
        try:
            if entry.stat().st_dev == device:
                held.append(os.readlink(entry))
        except OSError:
            pass  # closed meanwhile
    return held


def mend(disk, recorder):
    """What an operator does: nothing may use it any more, and then it is checked. A copy is, for
    somebody else on this machine may have the mount, too."""
    device = disk.path.stat().st_dev
    disk.unmount()
    process.wait_until(lambda: not holds_open(recorder, device), PATIENCE_SECONDS,
                       "the recorder has let go of the disk, so that it can be checked")
    checked = disk.image.with_suffix(".checked")
    shutil.copyfile(disk.image, checked)
    tools.run(["e2fsck", "-f", "-y", checked], check=False)
    disk.image = checked
    disk.mount()


def test_a_disk_that_makes_itself_read_only_is_let_go_of_and_used_again_when_it_is_mended(
        make_network, folder, disk):
    network = make_network(2)
    captures, other = disk.path / "captures", folder / "other"
    config = two_outputs(captures, other, require_mount=True, sync="200ms")
    with Recorder(HostMounts(network), captures, config=config) as recorder:
        with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE) as sender:
            grows(captures)
            recorder.rotate()
            whole = {path.name for path in recorder.files()}
            grows(captures)
            break_file_system(disk)
            process.wait_until(lambda: "Read-only file system" in recorder.log(), PATIENCE_SECONDS,
                               "the recorder meets it")
            grows(other)
            mend(disk, recorder)
            begun = time.monotonic()
            process.wait_until(lambda: captures.exists() and recorder.parts(), PATIENCE_SECONDS,
                               "it goes on")
            print(f"mended: files after {time.monotonic() - begun:.2f} s")
            before = octets_in(captures)
            process.wait_until(lambda: octets_in(captures) > before, PATIENCE_SECONDS,
                               "it is written to")
            sent = sender.stop()["interfaces"]
        time.sleep(0.5)
        ledger = recorder.stop(expect="any")  # packets that came were perhaps not written
    row, files = ledger["eth0"], in_order(captures)
    assert recorder.parts() == [] and whole <= {path.name for path in files}
    assert row["filteraccept"] == sent["eth0"]["sent"], row
    found = traffic.check(*files, first=0, count=sent["eth0"]["sent"])["interfaces"]["eth0"]
    assert traffic.flaws(found) == {}, found
    # Nothing is missing but what the ledger says, and the end of the file that was open then.
    unkept = row["stored"] - found["packets"]
    print(f"read-only by itself: {unkept} packets not kept, {row}")
    assert 0 <= unkept <= RATE * PATIENCE_SECONDS
    assert found["missing"] == unkept + row["osdrop"] + row["unwritten"], (found, row)
    balance(ledger["eth1"], traffic.check(other, first=0, count=sent["eth1"]["sent"])
            ["interfaces"]["eth1"], sent["eth1"]["sent"])
    assert ledger["eth1"]["osdrop"] == 0, "the other output did not notice"
