# SPDX-License-Identifier: MIT
"""A disk that is full costs what the ring cannot hold, says so, and harms nobody else; when there
is room again the recording goes on by itself.
"""

import contextlib
import os
import time

import pytest

from support import process, tools, traffic
from support.recorder import Recorder, configuration, unfinished, verify

RING = {"size": "2MiB", "block": "64KiB", "timeout": "50ms"}
DISK = "8m"
STOP_TIMEOUT_SECONDS = 2


@contextlib.contextmanager
def small_disk(path):
    """A file system of a few megabytes."""
    path.mkdir()
    tools.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "captest", path])
    try:
        yield path
    finally:
        tools.run(["umount", "-l", path])


@pytest.fixture(name="disk")
def disk_fixture(root, folder):  # pylint: disable=unused-argument
    with small_disk(folder / "disk") as path:
        yield path


def outputs(captures, **rest):
    return [{"rotate": {"size": "1MiB", "interval": 0}, "flush_interval": "100ms",
             "retain": {"size": 0, "free": 0}, **rest,
             "directory": str(captures)}]


def free_octets(path):
    line = tools.run(["df", "--output=avail", "-B1", path]).stdout.split()
    return int(line[1])


def test_it_goes_on_by_itself_when_there_is_room_again(make_network, folder, disk):
    network = make_network(2)
    captures = disk / "captures"
    other = folder / "other"
    kept = folder / "kept"
    kept.mkdir()
    config = configuration(
        captures,
        [{"name": "eth0", "ring": RING, "output": "small"},
         {"name": "eth1", "ring": RING, "output": "large"}],
        outputs=[{**outputs(captures)[0], "name": "small"},
                 {**outputs(other)[0], "name": "large"}])
    with Recorder(network, captures, config=config) as recorder:
        first = traffic.send(network, count=40_000, rate=20_000, size=1000)
        # Rings and disk hold 10 MB of the 40: the rest is lost, and counted once it is known.
        time.sleep(1)
        assert recorder.process.poll() is None
        assert free_octets(disk) < 2 << 20
        said = recorder.log()
        assert "No space left on device" in said
        assert said.count("No space left on device") < 50, "it does not flood the log"
        for path in recorder.files():
            (kept / path.name).write_bytes(path.read_bytes())
            path.unlink()
        # Room for what waits in rings and buffers, and for what is to come.
        tools.run(["mount", "-o", "remount,size=64m", disk])
        time.sleep(1.5)
        second = traffic.send(network, count=3_000, rate=5_000, size=1000, first=40_000)
        time.sleep(0.5)
        ledger = recorder.stop()
    sent = first["interfaces"]["eth0"]["sent"] + second["interfaces"]["eth0"]["sent"]
    row = ledger["eth0"]
    assert row["filteraccept"] == sent and row["unwritten"] == 0 and row["osdrop"] > 0
    all_files = sorted(list(kept.iterdir()) + recorder.files(), key=lambda path: path.name)
    one = traffic.check(*all_files, first=0, count=sent)["interfaces"]["eth0"]
    assert one["packets"] == row["stored"] and traffic.flaws(one) == {}
    at_end = one["streams"]["1"]["missing_at_end"]
    assert at_end == 0, "what came after there was room again is there"
    assert one["dropcount_sum"] == row["osdrop"] == one["missing"]
    verify(*all_files, losses=True)
    large = traffic.check(other, first=0, count=sent)["interfaces"]["eth1"]
    assert large["missing"] == 0 and traffic.flaws(large) == {}
    assert ledger["eth1"]["stored"] == sent and ledger["eth1"]["osdrop"] == 0


def test_a_stop_on_a_full_disk_ends_in_time_and_tells_what_was_not_written(make_network, disk):
    network = make_network()
    captures = disk / "captures"
    config = configuration(captures, [{"name": "eth0", "ring": RING}], outputs=outputs(captures),
                           stop_timeout=f"{STOP_TIMEOUT_SECONDS}s")
    with Recorder(network, captures, config=config) as recorder:
        sent = traffic.send(network, count=40_000, rate=20_000, size=1000)["sent"]
        time.sleep(0.5)
        begun = time.monotonic()
        ledger = recorder.stop(expect="failure", timeout=STOP_TIMEOUT_SECONDS + 3)
        took = time.monotonic() - begun
    assert took < STOP_TIMEOUT_SECONDS + 1.5
    row = ledger["eth0"]
    assert row["filteraccept"] == sent and row["unwritten"] > 0 and row["osdrop"] > 0
    one = traffic.check(captures, partial=True)["interfaces"]["eth0"]
    assert one["packets"] == row["stored"] and traffic.flaws(one) == {}
    assert "unwritten" in recorder.log()


def test_what_a_full_disk_does_not_let_be_repaired_is_repaired_when_there_is_room(
        make_network, disk):
    network = make_network()
    captures = disk / "captures"
    config = configuration(captures, [{"name": "eth0", "ring": RING}],
                           outputs=outputs(captures, preallocate=False))
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, count=500, rate=5_000, size=1000)
        process.wait_until(lambda: recorder.parts()[0].stat().st_size > 400_000, 10,
                           "packets are in the file")
        recorder.kill()
    part, = recorder.parts()
    os.truncate(part, part.stat().st_size // 4096 * 4096)  # no room behind its end
    filler = disk / "filler"
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as taking:
        while taking.write(bytes(4096)):
            pass
    with Recorder(network, captures, config=config) as recorder:
        process.wait_until(lambda: f"{part.name} stays as it is" in recorder.log(), 10,
                           "the repair fails")
        assert part.exists()
        filler.unlink()
        process.wait_until(lambda: "left open by an earlier life" in recorder.log(), 30,
                           "the repair succeeds")
        recorder.stop()
        assert unfinished(captures) == [] and len(recorder.files()) == 2
        verify(captures)
