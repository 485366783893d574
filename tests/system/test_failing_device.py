# SPDX-License-Identifier: MIT
"""A device under ext4 that stalls and fails, below direct writes through io_uring: what waits is
written when it goes on, and what a dead one costs is counted while the recording goes on elsewhere.

CAPTURED_LONG_TESTS=1 stalls it a hundred times.
"""

import os
import time

import pytest

from support import process, tools, traffic
from support.device import FailingDisk
from support.disks import HostMounts
from support.recorder import Recorder, configuration, verify
from test_disk_trouble import (PATIENCE_SECONDS, RATE, RING, SIZE, both_balance, grows,
                               in_order, output, put_away, two_outputs)

ROUNDS = 100 if os.environ.get("CAPTURED_LONG_TESTS") else 2


@pytest.fixture(name="disk")
def disk_fixture(root, folder):  # pylint: disable=unused-argument
    with FailingDisk(folder) as disk:
        yield disk


def test_a_device_that_stalls_costs_nothing_that_the_ring_holds(make_network, folder, disk):
    network = make_network(2)
    captures, other, kept = disk.path / "captures", folder / "other", folder / "kept"
    kept.mkdir()
    config = two_outputs(captures, other, sync="500ms")
    longest = 0
    with Recorder(HostMounts(network), captures, config=config) as recorder:
        with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE) as sender:
            for turn in range(ROUNDS):
                grows(captures)
                disk.stall()
                process.wait_until(disk.is_waited_for, PATIENCE_SECONDS, "the device is asked")
                time.sleep(0.5)  # longer than the recorder holds back
                grows(other)
                disk.heal()
                longest = max(longest, grows(captures))
                put_away(recorder, kept, turn)
            sent = sender.stop()["interfaces"]
        time.sleep(0.5)
        ledger = recorder.stop()
    assert recorder.parts() == []
    both_balance(ledger, sent, in_order(kept, captures), other)
    assert ledger["eth0"]["osdrop"] == ledger["eth1"]["osdrop"] == 0, "the rings held it all"
    verify(*in_order(kept, captures))
    print(f"stalled device: {ROUNDS} rounds, longest until it wrote again {longest:.2f} s")


def test_from_a_device_that_dies_it_goes_to_the_second_folder_and_back_when_it_is_replaced(
        make_network, folder, disk):
    network = make_network()
    captures, second = disk.path / "captures", folder / "second"
    config = configuration(captures, [{"name": "eth0", "ring": RING}], outputs=[
        # Without a size, so that no two of them are open when it dies.
        output(captures, fallback=str(second), require_mount=True, sync="200ms",
               rotate={"size": 0, "interval": 0})])
    network = HostMounts(network)
    with Recorder(network, captures, config=config) as recorder:
        with traffic.Sender(network, count=100_000_000, rate=RATE, size=SIZE) as sender:
            grows(captures)
            recorder.rotate()
            grows(captures)
            before = in_order(captures)
            disk.fail()
            grows(second)
            disk.replace()
            process.wait_until(lambda: "works again: the recording is back there" in recorder.log(),
                               3 * PATIENCE_SECONDS, "the recording is back")
            grows(captures)
            sent = sender.stop()["sent"]
        time.sleep(0.5)
        row = recorder.stop(expect="failure")["eth0"]  # packets that came were not written
        log = recorder.log()
    assert "the recording goes on in " + str(second) in log
    assert row["filteraccept"] == sent == row["stored"] + row["osdrop"] + row["unwritten"], row
    assert recorder.parts() == [] and not list(second.glob("*.part"))
    files = in_order(captures, second)
    assert set(before) <= set(files), "what was finished is still there"
    done = tools.run([tools.ours("capturectl"), "verify", *files], timeout=300, check=False)
    faults = [line for line in done.stdout.splitlines() if ": fault:" in line]
    assert len(faults) == 1, done.stdout
    assert "1 file is missing between" in faults[0], "the one that the device did not take"
    one = traffic.check(*files, first=0, count=sent)["interfaces"]["eth0"]
    assert traffic.flaws(one) == {}, one
    # Nothing is missing but the end of the file that was open on the device when it died.
    print(f"a device that died: {sent} sent, {one['missing']} missing, ledger {row}")
    open_at_death = row["stored"] - one["packets"] + row["unwritten"]
    assert one["missing"] == open_at_death + row["osdrop"], (one, row)
