# SPDX-License-Identifier: MIT
"""The oldest files go as the limits say, over lives of the program, and nobody else's; a full disk
is made room on, and costs no packet that the ring can hold.
"""

import time

from support import process, tools, traffic
from support.recorder import Recorder, configuration, sequence_of, verify

RING = {"size": "4MiB", "block": "64KiB", "timeout": "50ms"}
FILE_OCTETS = 1 << 20
KEPT_OCTETS = 5 << 20


def settings(captures, retain, **rest):
    return configuration(captures, [{"name": "eth0", "ring": RING}], outputs=[{
        "rotate": {"size": "1MiB", "interval": 0}, "flush_interval": "100ms",
        "retain": {"size": 0, "free": 0, **retain}, **rest}])


def octets_of(paths):
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            pass  # removed meanwhile
    return total


def test_the_files_of_all_lives_stay_within_the_limit(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    config = settings(captures, {"size": "5MiB"})
    foreign = captures / "foreign-000001.pcapng"
    sent = 0
    most = 0
    for life in range(3):
        with Recorder(network, captures, config=config) as recorder:
            foreign.write_bytes(b"not ours")
            if life == 0:
                sent += traffic.send(network, count=4_000, rate=8_000, size=1000)["sent"]
                recorder.rotate()
                first = next(path for path in recorder.files() if path != foreign)
                (captures / f"{first.name}.pin").touch()
            for _ in range(5):
                sent += traffic.send(network, count=2_000, rate=8_000, size=1000,
                                     first=sent)["sent"]
                most = max(most, octets_of(recorder.files()))
            recorder.stop()
            log = recorder.log()
        assert octets_of(recorder.files()) <= KEPT_OCTETS + foreign.stat().st_size
        assert "removed " in log
    assert most <= KEPT_OCTETS + 2 * FILE_OCTETS
    assert foreign.exists() and first.exists()
    rest = sorted((path for path in captures.glob("*.pcapng") if path not in (foreign, first)),
                  key=sequence_of)
    verify(*rest)
    numbers = [sequence_of(path) for path in rest]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "only the oldest went"
    # No file more than necessary: one of the usual size would have been too much.
    assert octets_of([*rest, first]) > KEPT_OCTETS - 2 * FILE_OCTETS


def test_files_go_for_their_age_without_traffic(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    with Recorder(network, captures, config=settings(captures, {"age": "3s"})) as recorder:
        traffic.send(network, count=100, rate=1_000)
        recorder.rotate()
        assert len(recorder.files()) == 1
        process.wait_until(lambda: not recorder.files(), 12, "the file goes for its age")
        recorder.stop()
        assert "older than retain.age" in recorder.log()  # the log comes a moment later


def test_a_full_disk_is_made_room_on_without_loss(root, make_network, folder):
    # pylint: disable=unused-argument
    network = make_network()
    disk = folder / "disk"
    disk.mkdir()
    tools.run(["mount", "-t", "tmpfs", "-o", "size=8m", "captest", disk])
    try:
        captures = disk / "captures"
        config = settings(captures, {"size": "1GiB"})
        with Recorder(network, captures, config=config) as recorder:
            # Five times what the disk holds.
            sent = traffic.send(network, count=40_000, rate=8_000, size=1000)["sent"]
            time.sleep(0.5)
            ledger = recorder.stop()
        row = ledger["eth0"]
        assert row["filteraccept"] == row["stored"] == sent
        assert "the disk was full" in recorder.log()
        verify(*recorder.files())
    finally:
        tools.run(["umount", "-l", disk])
