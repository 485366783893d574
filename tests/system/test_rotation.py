# SPDX-License-Identifier: MIT
"""Files end when they are to, and no packet is lost or stored twice by it."""

import time

import pytest

from support import readers, traffic
from support.recorder import Recorder, configuration, sequence_of, verify

MIB = 1 << 20
RING = {"size": "4MiB", "block": "64KiB", "timeout": "50ms"}


def one_interface(captures, **output):
    return configuration(captures, [{"name": "eth0", "ring": RING}], outputs=[output])


def assert_whole(captures, count, interface="eth0"):
    """Everything that was sent is there across all files, once and in order."""
    found = traffic.check(captures, first=0, count=count)
    one = found["interfaces"][interface]
    assert one["missing"] == 0 and traffic.flaws(one) == {}
    return found


def assert_closed(found, interfaces=("eth0",)):
    """Each file has the statistics of each of its interfaces."""
    for one in found["files"]:
        for name in interfaces:
            assert one["statistics"].get(name, 0) >= 1, one["name"]


def assert_numbered(recorder):
    """Sequence numbers go on without a gap, and no file is left open."""
    numbers = [sequence_of(path) for path in recorder.files()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert recorder.parts() == []


def test_a_thousand_rotations_in_two_minutes_lose_and_repeat_nothing(make_network, folder):
    network = make_network(2)
    captures = folder / "captures"
    options = ["-i", "eth0", "-i", "eth1", "-d", captures]
    with Recorder(network, captures, options=options) as recorder:
        with traffic.Sender(network, count=10_000_000, rate=20_000, size="mix", cpu=1) as sender:
            begun = time.monotonic()
            for _ in range(1000):
                recorder.rotate()
            took = time.monotonic() - begun
            sent = sender.stop()
        recorder.stop()
    assert took < 120, f"1000 rotations took {took:.0f} s"
    assert len(recorder.files()) == 1001
    assert_numbered(recorder)
    for name in network.names:
        found = assert_whole(captures, sent["interfaces"][name]["sent"], name)
        assert_closed(found, network.names)
    verify(captures)
    assert sum(readers.capinfos_packets(*recorder.files())) == sent["sent"]
    for path in recorder.files()[::100]:
        packets = traffic.check(path)["packets"]
        readers.all_agree(path, packets)


def test_rotation_by_size_keeps_each_file_within_the_limit(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    config = one_interface(captures, rotate={"size": "1MiB", "interval": 0})
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, count=60_000, rate=30_000, size="mix")
        recorder.stop()
    found = assert_whole(captures, 60_000)
    assert_closed(found)
    assert_numbered(recorder)
    sizes = [one["octets"] for one in found["files"]]
    assert len(sizes) >= 20
    assert max(sizes) <= MIB
    assert min(sizes[:-1]) > MIB / 2, "a file ends only when it is full"
    verify(captures)


@pytest.mark.parametrize("per_file", [1000, 777])
def test_rotation_by_packets_cuts_exactly(make_network, folder, per_file):
    network = make_network()
    captures = folder / "captures"
    config = one_interface(captures, rotate={"packets": per_file, "size": 0, "interval": 0})
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, count=20_500, rate=20_000)
        recorder.stop()
    found = assert_whole(captures, 20_500)
    packets = [one["packets"].get("eth0", 0) for one in found["files"]]
    assert packets[:-1] == [per_file] * (len(packets) - 1) and packets[-1] <= per_file
    assert_closed(found)
    assert_numbered(recorder)
    verify(captures)


def test_rotation_by_interval_follows_the_wall_clock(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    config = one_interface(captures, rotate={"interval": "1s", "size": 0}, flush_interval="100ms")
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, count=5_000, rate=1_000)
        recorder.stop()
    found = assert_whole(captures, 5_000)
    assert_closed(found)
    assert_numbered(recorder)
    assert 5 <= len(found["files"]) <= 8
    # Cuts fall between ring blocks: a file may begin with packets that waited in the ring.
    for path in recorder.files()[1:]:
        first_ns = traffic.check(path)["interfaces"]["eth0"]["first_time_ns"]
        past_the_second_ms = first_ns % 1_000_000_000 // 1_000_000
        assert first_ns == 0 or past_the_second_ms < 300 or past_the_second_ms > 850, path.name
    verify(captures)


def test_all_reasons_to_rotate_work_together(make_network, folder):
    network = make_network(2)
    captures = folder / "captures"
    interfaces = [{"name": name, "ring": RING} for name in network.names]
    config = configuration(captures, interfaces, outputs=[{
        "rotate": {"size": "2MiB", "interval": "1s", "packets": 5000}}])
    with Recorder(network, captures, config=config) as recorder:
        with traffic.Sender(network, count=1_000_000, rate=15_000, size="mix") as sender:
            for _ in range(40):
                time.sleep(0.1)
                recorder.rotate()
            sent = sender.stop()
        recorder.stop()
    for name in network.names:
        found = assert_whole(captures, sent["interfaces"][name]["sent"], name)
    assert_closed(found, network.names)
    assert_numbered(recorder)
    for one in found["files"]:
        assert one["octets"] <= 2 * MIB and sum(one["packets"].values()) <= 5000
    verify(captures)


def test_an_interval_closes_files_on_a_silent_link(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    config = one_interface(captures, rotate={"interval": "1s"})
    with Recorder(network, captures, config=config) as recorder:
        time.sleep(4.2)
        while_silent = len(recorder.files())
        recorder.stop()
    assert 3 <= while_silent <= 5
    found = traffic.check(captures)
    assert found["packets"] == 0
    assert_closed(found)
    assert_numbered(recorder)
    for path in recorder.files():
        readers.all_agree(path, 0)
    verify(captures)


def test_empty_files_can_be_left_out(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    config = one_interface(captures, rotate={"interval": "1s", "skip_empty": True},
                           flush_interval="100ms")
    with Recorder(network, captures, config=config) as recorder:
        time.sleep(3.2)
        assert recorder.files() == []
        traffic.send(network, count=100)
        time.sleep(2.2)
        assert len(recorder.files()) == 1
        time.sleep(2)
        assert len(recorder.files()) == 1
        recorder.stop()
    found = assert_whole(captures, 100)
    assert sum(1 for one in found["files"] if not one["packets"]) <= 1, "the one of the stop"
    verify(captures)


def test_hangups_in_a_heap_do_no_harm(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    with Recorder(network, captures, options=["-i", "eth0", "-d", captures]) as recorder:
        with traffic.Sender(network, count=1_000_000, rate=20_000) as sender:
            for _ in range(500):
                recorder.signal(1)
            time.sleep(0.5)
            sent = sender.stop()
        recorder.stop()
    assert len(recorder.files()) >= 2
    assert_closed(assert_whole(captures, sent["sent"]))
    assert_numbered(recorder)
    verify(captures)
