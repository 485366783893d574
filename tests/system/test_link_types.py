# SPDX-License-Identifier: MIT
"""Devices that are not plain Ethernet cards: tun, loopback, a link with receive offload, a bridge
and its port. Judged by tshark and tcpdump.
"""

import sys
import time

import pytest

from support import process, readers, tools, traffic
from support.helper import TUN_WRITER, Helper
from support.recorder import Recorder, configuration, verify

RECEIVER = """
import socket
listener = socket.create_server(("198.51.100.1", 5001))
print("open", flush=True)
peer, _ = listener.accept()
total = 0
while True:
    octets = peer.recv(1 << 20)
    if not octets:
        break
    total += len(octets)
print(total, flush=True)
"""

SENDER = """
import socket, sys
peer = socket.create_connection(("198.51.100.1", 5001))
peer.sendall(bytes(int(sys.argv[1])))
peer.close()
"""


def fields(path, display_filter, *names):
    words = [word for name in names for word in ("-e", name)]
    lines = readers.tshark(path, "-Y", display_filter, "-T", "fields", *words).splitlines()
    return [line.split("\t") for line in lines]


def test_a_tun_device_is_recorded_as_bare_ip(make_network, folder):
    network = make_network(1)
    captures = folder / "captures"
    with Helper(network, TUN_WRITER, "tun0", "500") as tun:
        assert tun.hear() == "open"
        config = configuration(captures, [{"name": "tun0", "filter": "udp port 5001"}])
        with Recorder(network, captures, config=config) as recorder:
            tun.say()
            assert tun.hear() == "done"
            ledger = recorder.stop()
    assert ledger["tun0"]["stored"] == 500
    (path,) = recorder.files()
    seen = fields(path, "udp", "frame.protocols", "udp.dstport", "ip.checksum.status")
    assert len(seen) == 500
    assert seen[0][0].startswith("raw:ip:udp") and seen[0][1] == "5001"
    assert tools.run([tools.theirs("capinfos"), "-E", path]).stdout.count("Raw IP") >= 1
    readers_count = readers.tcpdump_packets(path)
    assert readers_count == 500
    verify(captures)


def test_loopback_is_recorded_once(make_network, folder):
    network = make_network(1)
    network.recorded(["ip", "link", "set", "lo", "up"])
    captures = folder / "captures"
    config = configuration(captures, [{"name": "lo", "filter": "udp port 5001"}])
    with Recorder(network, captures, config=config) as recorder:
        network.recorded([sys.executable, "-c", """
import socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
two.bind(("127.0.0.1", 5001))
for number in range(300):
    one.sendto(b"x" * 100, ("127.0.0.1", 5001))
"""])
        ledger = recorder.stop()
    assert ledger["lo"]["stored"] == 300
    (path,) = recorder.files()
    assert len(fields(path, "udp.dstport == 5001", "frame.number")) == 300
    assert readers.tcpdump_packets(path) == 300


def test_frames_that_receive_offload_glued_are_recorded_whole(make_network, folder):
    network = make_network(1)
    octets = 20_000_000
    for where, address in ((network.recorded, "198.51.100.1/24"),
                           (network.sending, "198.51.100.2/24")):
        where(["ip", "address", "add", address, "dev", "eth0"])
        where(["ip", "link", "set", "eth0", "arp", "on"])
        where([tools.theirs("ethtool"), "-K", "eth0", "gro", "on", "gso", "on", "tso", "on",
               "tx", "on", "rx", "on"])
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "direction": "in",
                                       "filter": "tcp dst port 5001"}])
    with Recorder(network, captures, config=config) as recorder:
        with Helper(network, RECEIVER) as receiver:
            assert receiver.hear() == "open"
            network.sending([sys.executable, "-c", SENDER, str(octets)], timeout=60)
            assert receiver.hear() == str(octets)
        ledger = recorder.stop()
    assert ledger["eth0"]["osdrop"] == 0
    (path,) = recorder.files()
    seen = [(int(length), int(caught), int(payload or 0)) for length, caught, payload in
            fields(path, "tcp.dstport == 5001", "frame.len", "frame.cap_len", "tcp.len")]
    assert max(length for length, _, _ in seen) > 10_000, "no glued frame was seen"
    assert all(length == caught for length, caught, _ in seen)
    assert sum(payload for _, _, payload in seen) >= octets
    verify(captures)


def test_a_bridge_and_its_port_are_recorded(make_network, folder):
    network = make_network(2)
    network.recorded(["ip", "link", "add", "br0", "type", "bridge"])
    network.recorded(["ip", "link", "set", "eth0", "master", "br0"])
    network.recorded(["ip", "link", "set", "br0", "arp", "off", "multicast", "off", "up"])
    time.sleep(0.5)
    captures = folder / "captures"
    interfaces = [{"name": name, "filter": "udp port 5001"} for name in ("eth0", "br0")]
    with Recorder(network, captures, config=configuration(captures, interfaces)) as recorder:
        traffic.send(network, interfaces=["eth0"], count=1000, to="ff:ff:ff:ff:ff:ff")
        time.sleep(0.3)
        recorder.stop()
    found = traffic.check(captures)["interfaces"]
    for name in ("eth0", "br0"):
        assert found[name]["packets"] == 1000 and found[name]["missing"] == 0
        assert traffic.flaws(found[name]) == {}
    for path in recorder.files():
        readers.all_agree(path, traffic.check(path)["packets"])


@pytest.mark.parametrize("policy", ["mixed", "split"])
def test_two_link_types_in_one_output_are_mixed_or_split(make_network, folder, policy):
    network = make_network(1)
    captures = folder / "captures"
    with Helper(network, TUN_WRITER, "tun0", "200") as tun:
        assert tun.hear() == "open"
        config = configuration(captures, ["eth0", {"name": "tun0", "filter": "udp"}],
                               outputs=[{"link_types": policy}])
        with Recorder(network, captures, config=config) as recorder:
            traffic.send(network, count=100)
            tun.say()
            assert tun.hear() == "done"
            ledger = recorder.stop()
    assert ledger["eth0"]["stored"] == 100 and ledger["tun0"]["stored"] == 200
    files = recorder.files()
    verify(captures)
    if policy == "mixed":
        assert len(files) == 1
        assert len(fields(files[0], "udp", "frame.number")) == 300
        return
    by_count = {readers.tcpdump_packets(path): path.name for path in files}
    assert set(by_count) == {100, 200}
    assert "main-ethernet" in by_count[100] and "main-raw" in by_count[200]


def test_an_interface_that_falls_silent_raises_an_alarm(make_network, folder):
    network = make_network(2)
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "silence": "1s"},
                                      {"name": "eth1", "silence": "1s"}])
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, count=10, interfaces=["eth0"])
        process.wait_until(lambda: "no packet for" in recorder.log(), 5, "the alarm")
        traffic.send(network, count=10, first=10, interfaces=["eth0"])
        process.wait_until(lambda: "no longer silent" in recorder.log(), 5, "its end")
        recorder.stop()
    assert "interface eth1, output main: silent" not in recorder.log(), "it never carried any"
