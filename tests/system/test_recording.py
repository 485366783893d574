# SPDX-License-Identifier: MIT
"""What was sent is what is in the files: every accepted frame once, in order, unchanged, with what
the files are to say about it and about its interface.
"""

import time

import pytest

from support import readers, traffic
from support.recorder import Recorder, configuration, verify

PORTS = "5001,5002"
SNAPLEN_IN_FILES = 262144  # the same for all interfaces of a file, since libpcap insists on it

INBOUND, OUTBOUND = 1, 2
UNICAST, MULTICAST, BROADCAST, PROMISCUOUS = 1 << 2, 2 << 2, 3 << 2, 4 << 2


# Four kinds of interface: everything, a filter, a filter with cut packets, cut packets only.
KINDS = [
    {"filter": "", "selected": PORTS},
    {"filter": "udp dst port 5001", "selected": "5001"},
    {"filter": "udp dst port 5002", "selected": "5002", "snaplen": 96},
    {"filter": "udp and not port 1", "selected": PORTS, "snaplen": 128},
]


@pytest.mark.parametrize("links", [2, 4])
def test_every_accepted_frame_is_there_once_and_in_order(make_network, folder, links):
    network = make_network(links)
    captures = folder / "captures"
    interfaces = [
        {"name": link.name, "filter": kind["filter"], "snaplen": kind.get("snaplen", 262144)}
        for link, kind in zip(network.links, KINDS)
    ]
    with Recorder(network, captures, config=configuration(captures, interfaces)) as recorder:
        # One processor feeds all: its stamps never step back.
        traffic.send(network, size="64,512,1500", count=60000, rate=30000, ports=PORTS, flows=16,
                     cpu=1)
        ledger = recorder.stop()
    for link, kind in zip(network.links, KINDS):
        found = traffic.check(captures, ports=PORTS, selected=kind["selected"], first=0,
                              count=60000)
        one = found["interfaces"][link.name]
        assert one["missing"] == 0 and traffic.flaws(one) == {}, link.name
        assert one["time_steps_back"] == 0
        assert one["packets"] == (60000 if kind["selected"] == PORTS else 30000)
        lengths = {64, min(512, kind.get("snaplen", 1500)), min(1500, kind.get("snaplen", 1500))}
        assert set(one["captured_lengths"]) == {str(length) for length in lengths}
        assert ledger[link.name]["stored"] == one["packets"]
        assert ledger[link.name]["osdrop"] == ledger[link.name]["unwritten"] == 0
    for path in recorder.files():
        in_file = traffic.check(path)["packets"]
        readers.all_agree(path, in_file)
    verify(captures)


def test_the_files_say_which_interface_and_how_it_was_recorded(make_network, folder):
    network = make_network(2)
    captures = folder / "captures"
    interfaces = [{"name": "eth0", "filter": "udp"}, {"name": "eth1", "snaplen": 200}]
    with Recorder(network, captures, config=configuration(captures, interfaces)) as recorder:
        recorder.rotate()
        recorder.stop()
    files = traffic.check(captures)["files"]
    assert len(files) == 2
    for one in files:
        section = one["sections"][0]
        assert section["hardware"] and section["os"].startswith("Linux")
        assert section["application"].startswith("captured")
        by_name = {each["name"]: each for each in one["interfaces"]}
        assert set(by_name) == {"eth0", "eth1"}
        for link in network.links:
            described = by_name[link.name]
            assert described["mac"] == link.mac
            assert described["speed"] == link.speed
            assert described["units_per_second"] == 1_000_000_000
            assert described["snaplen"] == SNAPLEN_IN_FILES
            assert described["link_type"] == 1
            assert described["os"].startswith("Linux")
        assert by_name["eth0"]["filter"] == "udp" and by_name["eth1"]["filter"] == ""


def test_direction_and_reception_type_are_told(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    addressed = {
        INBOUND | UNICAST: network.links[0].mac,
        INBOUND | BROADCAST: "ff:ff:ff:ff:ff:ff",
        INBOUND | MULTICAST: "01:00:5e:00:00:01",
        INBOUND | PROMISCUOUS: "02:00:00:00:00:99",
    }
    with Recorder(network, captures, options=["-i", "eth0", "-d", captures]) as recorder:
        for number, mac in enumerate(addressed.values()):
            traffic.send(network, to=mac, count=10 + number, first=100 * number)
        traffic.send(network, count=20, first=1000, from_recorder=True)
        recorder.stop()
    expected = {str(flags): 10 + number for number, flags in enumerate(addressed)}
    expected[str(OUTBOUND)] = 20
    assert traffic.check(captures)["interfaces"]["eth0"]["flags"] == expected


@pytest.mark.parametrize("direction, numbers", [("in", range(0, 50)), ("out", range(1000, 1030))])
def test_one_direction_alone_can_be_recorded(make_network, folder, direction, numbers):
    network = make_network()
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "direction": direction}])
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, count=50)
        traffic.send(network, count=30, first=1000, from_recorder=True)
        recorder.stop()
    one = traffic.check(captures, first=numbers[0], count=len(numbers))["interfaces"]["eth0"]
    assert one["packets"] == len(numbers) and one["missing"] == 0 and traffic.flaws(one) == {}


@pytest.mark.parametrize("tags", [
    ["0x8100:5:7"],
    ["0x8100:0:4095"],
    ["0x88a8:3:100"],
    ["0x88a8:3:100", "0x8100:7:200"],
    ["0x8100:1:2", "0x8100:3:4"],
    ["0x9100:1:2"],
])
@pytest.mark.parametrize("size", [100, 1400])
def test_vlan_tags_come_back_as_they_were(make_network, folder, tags, size):
    network = make_network()
    captures = folder / "captures"
    with Recorder(network, captures, options=["-i", "eth0", "-d", captures]) as recorder:
        traffic.send(network, vlan=tags, count=500, size=size)
        recorder.stop()
    one = traffic.check(captures, first=0, count=500)["interfaces"]["eth0"]
    assert one["tags"] == {"/".join(tags): 500}
    assert one["captured_lengths"] == {str(size): 500}
    assert one["missing"] == 0 and traffic.flaws(one) == {}
    for path in recorder.files():
        readers.all_agree(path, 500)


@pytest.mark.parametrize("words, tags, accepted", [
    ("vlan 7", ["0x8100:5:7"], 500),
    ("vlan 8", ["0x8100:5:7"], 0),
    ("vlan and udp dst port 5001", ["0x8100:0:7"], 250),
    ("vlan 100 and vlan 7", ["0x88a8:0:100", "0x8100:0:7"], 500),
    ("not vlan", ["0x8100:0:7"], 0),
])
def test_filters_on_vlans_see_tags_that_the_kernel_took_out(make_network, folder, words, tags,
                                                           accepted):
    network = make_network()
    captures = folder / "captures"
    options = ["-i", "eth0", "-f", words, "-d", captures]
    with Recorder(network, captures, options=options) as recorder:
        traffic.send(network, vlan=tags, count=500, ports=PORTS, size=100)
        ledger = recorder.stop()
    assert ledger["eth0"]["filteraccept"] == ledger["eth0"]["stored"] == accepted
    found = traffic.check(captures)["interfaces"]["eth0"]
    assert found["packets"] == accepted and traffic.flaws(found) == {}


def test_nothing_that_the_filter_excludes_comes_in_while_it_is_put_in_place(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    options = ["-i", "eth0", "-f", "udp dst port 5001", "-d", captures]
    with traffic.Sender(network, count=10_000_000, rate=100_000, ports=PORTS):
        for _ in range(10):
            with Recorder(network, captures, options=options) as recorder:
                recorder.stop()
    one = traffic.check(captures, ports=PORTS, selected="5001")["interfaces"]["eth0"]
    assert one["packets"] > 0 and traffic.flaws(one) == {} and set(one["ports"]) == {"5001"}


@pytest.mark.parametrize("encoding", ["compact", "auto"])
@pytest.mark.parametrize("size", [60, 61, 62, 63, "64,65,66,67,512,513,1500,1513,1514"])
def test_each_encoding_keeps_every_length(make_network, folder, encoding, size):
    network = make_network()
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "ring": {"size": "8MiB", "block": "64KiB"}}],
                           outputs=[{"encoding": encoding}])
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, size=size, count=9000, rate=50000)
        recorder.stop()
    one = traffic.check(captures, first=0, count=9000)["interfaces"]["eth0"]
    assert one["missing"] == 0 and traffic.flaws(one) == {}
    for path in recorder.files():
        readers.all_agree(path, 9000)
    verify(captures)
