# SPDX-License-Identifier: MIT
"""The traffic tools themselves, with other programs as recorders: what is said to be sent arrives,
and the checker finds every kind of fault. Without this the other tests prove nothing.
"""

import re
import signal
import struct
import subprocess
import time

import pytest

from support import process, readers, tools, traffic

BLOCK_PACKET = 6


class Dump:
    """tcpdump or dumpcap at work on links of a network, into one file."""

    def __init__(self, network, words, path):
        self.path = path
        self._process = network.start_recorded([tools.theirs(words[0]), *words[1:]],
                                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                               text=True)

    def __enter__(self):
        process.wait_until(self.path.exists, 10, f"{self.path} is begun")
        time.sleep(0.5)
        return self

    def finish(self):
        """Ends it and returns what it said. Both leave unread what the kernel has not handed over,
        which it does once a second for tcpdump."""
        time.sleep(1.5)
        self._process.send_signal(signal.SIGINT)
        return self._process.communicate(timeout=20)[1]

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def tcpdump(network, path, *words):
    return Dump(network, ["tcpdump", "-i", network.names[0], "-B", "65536", "-Z", "root", "--nano",
                          "-w", path, *words], path)


def account(found, name=""):
    return found["interfaces"][name]


def test_what_send_frames_says_it_sent_is_recorded_whole(make_network, folder):
    network = make_network()
    with tcpdump(network, folder / "a.pcap") as dump:
        sent = traffic.send(network, size="mix", count=50000, ports="5001,5002", flows=7)
        dump.finish()
    assert sent["sent"] == 50000
    found = account(traffic.check(dump.path, first=0, count=50000))
    assert found["packets"] == 50000 and found["missing"] == 0
    assert traffic.flaws(found) == {}
    assert found["ports"] == {"5001": 25000, "5002": 25000}
    assert set(found["captured_lengths"]) == {"64", "512", "1500"}


def test_what_the_injector_says_it_sent_is_recorded_whole(make_network, folder):
    network = make_network()
    with tcpdump(network, folder / "a.pcap", "-s", "96") as dump:
        sent = traffic.inject(network, size="mix", count=500000, rate=250000, cpu=1)
        said = dump.finish()
    assert "0 packets dropped by kernel" in said
    assert sent["sent"] == 500000
    assert 200000 < sent["interfaces"]["eth0"]["rate"] < 260000, "the pace is held"
    found = account(traffic.check(dump.path, first=0, count=500000))
    assert found["packets"] == 500000 and found["missing"] == 0
    assert traffic.flaws(found) == {}


def test_all_that_is_injected_at_full_speed_reaches_packet_sockets(make_network, folder):
    # The recorder may be too slow here; its kernel counter tells what reached the socket.
    network = make_network()
    with tcpdump(network, folder / "a.pcap") as dump:
        sent = traffic.inject(network, count=3_000_000)
        said = dump.finish()
    received = int(re.search(r"(\d+) packets received by filter", said).group(1))
    assert received == sent["sent"] == 3_000_000


def test_an_interrupted_injection_tells_exactly_what_it_sent(make_network, folder):
    network = make_network()
    with tcpdump(network, folder / "a.pcap") as dump:
        with traffic.Injector(network, count=100_000_000, rate=50000) as injector:
            time.sleep(1)
            sent = injector.stop()
        dump.finish()
    assert sent["interrupted"] and 10000 < sent["sent"] < 100_000
    assert account(traffic.check(dump.path))["packets"] == sent["sent"]


def test_two_interfaces_get_a_stream_each(make_network, folder):
    network = make_network(2)
    path = folder / "a.pcapng"
    words = ["dumpcap", "-q", "-i", "eth0", "-i", "eth1", "-B", "64", "-N", "1000000",
             "-C", "100000000", "-w", path]
    with Dump(network, words, path) as dump:
        traffic.inject(network, count=20000, rate=20000, stream=1)
        traffic.send(network, count=1000, rate=5000, stream=3)
        dump.finish()
    found = traffic.check(path)
    for name, streams in (("eth0", {"1": 10000, "3": 1000}), ("eth1", {"2": 10000, "4": 1000})):
        of_interface = account(found, name)
        assert {id: one["taken"] for id, one in of_interface["streams"].items()} == streams
        assert of_interface["missing"] == 0 and traffic.flaws(of_interface) == {}


@pytest.mark.parametrize("tags", [
    ["0x8100:5:7"],
    ["0x88a8:3:100", "0x8100:7:4095"],
    ["0x9100:1:2"],
])
def test_vlan_tags_arrive_as_given(make_network, folder, tags):
    network = make_network()
    with tcpdump(network, folder / "a.pcap") as dump:
        traffic.send(network, count=10, vlan=tags, size=300)
        dump.finish()
    found = account(traffic.check(dump.path, first=0, count=10))
    assert found["tags"] == {"/".join(tags): 10}
    assert found["missing"] == 0 and traffic.flaws(found) == {}


def test_a_filtered_recording_is_whole_when_the_selected_numbers_are_there(make_network, folder):
    network = make_network()
    with tcpdump(network, folder / "a.pcap", "udp", "dst", "port", "5002") as dump:
        traffic.send(network, count=3000, first=1, ports="5001,5002,5003")
        dump.finish()
    found = account(traffic.check(dump.path, ports="5001,5002,5003", selected="5002", first=1,
                                  count=3000))
    assert found["packets"] == 1000 and found["missing"] == 0 and traffic.flaws(found) == {}
    wrong = account(traffic.check(dump.path, ports="5001,5002,5003", selected="5001", first=1,
                                  count=3000))
    assert wrong["not_selected"] == 1000


# ---- Faults put into a good file by hand --------------------------------------------------------


def blocks_of(octets):
    """The blocks of a little-endian pcapng file."""
    blocks = []
    at = 0
    while at < len(octets):
        length = struct.unpack_from("<I", octets, at + 4)[0]
        blocks.append(octets[at:at + length])
        at += length
    return blocks


def packet_block(time_ns, data, options=b""):
    padded = data + b"\0" * (-len(data) % 4)
    length = 32 + len(padded) + len(options)
    return struct.pack("<7I", BLOCK_PACKET, length, 0, time_ns >> 32, time_ns & 0xffffffff,
                       len(data), len(data)) + padded + options + struct.pack("<I", length)


@pytest.fixture(name="good", scope="module")
def good_blocks(root, tmp_path_factory):  # pylint: disable=unused-argument
    """The blocks of a good file: section, interface, 100 packets numbered from 0 on; and rewriting
    these is the same as recording them."""
    from support.network import Network  # pylint: disable=import-outside-toplevel

    path = tmp_path_factory.mktemp("good") / "a.pcap"
    with Network() as network, tcpdump(network, path) as dump:
        traffic.send(network, count=100, size=200, rate=5000)
        dump.finish()
    tools.run([tools.theirs("editcap"), "-F", "pcapng", path, path.with_suffix(".pcapng")])
    blocks = blocks_of(path.with_suffix(".pcapng").read_bytes())
    head = [block for block in blocks if block[:4] != struct.pack("<I", BLOCK_PACKET)]
    packets = [block for block in blocks if block[:4] == struct.pack("<I", BLOCK_PACKET)]
    assert len(packets) == 100
    return head[:2], packets


def found_in(folder, blocks, **options):
    path = folder / "edited.pcapng"
    path.write_bytes(b"".join(blocks))
    return traffic.check(path, **options)


def test_the_checker_finds_a_missing_frame_and_where_it_is_stated(good, folder):
    head, packets = good
    time_high, time_low, captured = struct.unpack_from("<3I", packets[13], 12)
    stated = packet_block(time_high << 32 | time_low, packets[13][28:28 + captured],
                          struct.pack("<HHQHH", 4, 8, 3, 0, 0))
    found = found_in(folder, head + packets[:10] + [stated] + packets[14:20] + packets[21:])
    one = account(found)
    assert one["missing"] == 4 and traffic.flaws(one) == {}
    assert [(gap["before"], gap["missing"], gap["dropcount"]) for gap in one["gaps"]] == [
        (13, 3, 3), (21, 1, 0)]
    assert one["dropcount_sum"] == one["dropcount_at_gaps"] == 3
    assert one["gaps_without_dropcount"] == 1 and one["place_difference_max"] == 1
    ends = account(found_in(folder, head + packets[5:90], first=0, count=100))
    assert ends["missing"] == 15
    assert ends["streams"]["1"]["missing_at_start"] == 5
    assert ends["streams"]["1"]["missing_at_end"] == 10


def test_the_checker_tells_repeated_from_late_frames(good, folder):
    head, packets = good
    repeated = account(found_in(folder, head + packets[:10] + [packets[4]] + packets[10:]))
    assert (repeated["repeated"], repeated["late"], repeated["missing"]) == (1, 0, 0)
    assert repeated["time_steps_back"] == 1
    late = account(found_in(folder, head + packets[:4] + packets[5:10] + [packets[4]]
                            + packets[10:]))
    assert (late["repeated"], late["late"], late["missing"]) == (0, 1, 0)


@pytest.mark.parametrize("place", [28 + 5, 28 + 42 + 60, 28 + 42 + 125, 28 + 199])
def test_the_checker_finds_one_wrong_octet_anywhere_behind_the_addresses(good, folder, place):
    head, packets = good
    damaged = bytearray(packets[50])
    damaged[place] ^= 1
    one = account(found_in(folder, head + packets[:50] + [bytes(damaged)] + packets[51:]))
    # The addresses are the sender's choice and not checked.
    assert one["content_wrong"] == (0 if place < 28 + 12 else 1)


def test_the_checker_gives_the_offset_of_a_broken_block(good, folder):
    head, packets = good
    whole = b"".join(head + packets)
    path = folder / "cut.pcapng"
    path.write_bytes(whole[:-30])
    found = traffic.check(path, sound=False)
    assert found["errors"] == [{"file": "cut.pcapng", "offset": len(whole) - len(packets[-1]),
                                "what": "the block goes past the end of the file"}]
    part = folder / "cut.pcapng.part"
    part.write_bytes(whole + b"\0" * 5000)
    found = traffic.check(part, partial=True)
    assert found["files"][0]["whole_octets"] == len(whole)
    trailer = bytearray(packets[1])
    trailer[-1] ^= 1
    bad = found_in(folder, head + [packets[0], bytes(trailer)], sound=False)
    assert bad["error_count"] == 1


def test_the_readers_complain_about_a_file_that_is_cut(good, folder):
    head, packets = good
    path = folder / "a.pcapng"
    path.write_bytes(b"".join(head + packets))
    readers.all_agree(path, 100)
    path.write_bytes(b"".join(head + packets)[:-30])
    for reads in (readers.tshark_packets, readers.tcpdump_packets, readers.capinfos_packets):
        with pytest.raises(AssertionError):
            reads(path)
