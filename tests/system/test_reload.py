# SPDX-License-Identifier: MIT
"""Live reload through the control socket: what a new configuration does not touch goes on
untouched, what it changes changes without a gap, and the file says what held when.
"""

import datetime
import grp
import json
import os
import re
import time

import pytest

from support import process, readers, tools, traffic
from support.recorder import Recorder, configuration, verify

RELOADS = 200
PORTS = "5001,5002,5003"
# Frames for port 5001 pass each of them.
FILTERS = ["udp dst port 5001 or udp dst port 5002", "udp dst port 5001 or udp dst port 5003",
           "udp dst port 5001"]


class Service:
    """A recorder with a configuration file that can be changed and reloaded."""

    def __init__(self, network, folder, interfaces, **rest):
        self._network = network
        self._folder = folder
        self._socket = folder / "control"
        self.captures = folder / "captures"
        self.recorder = Recorder(network, self.captures,
                                 config=self.text(interfaces, **rest))
        self.path = self.recorder.config_path

    def text(self, interfaces, **rest):
        # No file may end because it is five past.
        rest = {"outputs": [{"rotate": {"interval": 0}}], **rest}
        return configuration(self.captures, interfaces,
                             control={"socket": str(self._socket)}, **rest)

    def control(self, *words, check=True):
        return tools.run([tools.ours("capturectl"), words[0], "--socket", self._socket, *words[1:]],
                         check=check)

    def reload(self, interfaces, **rest):
        self.path.write_text(self.text(interfaces, **rest), encoding="utf-8")
        return self.control("reload")

    def __enter__(self):
        self.recorder.wait_ready()
        return self

    def __exit__(self, *what):
        self.recorder.__exit__(*what)


def nanoseconds(text):
    """Since 1970, of 2026-01-01T00:00:00.123456789 in UTC."""
    whole, fraction = text.decode().split(".")
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) * 1_000_000_000 + int(fraction)


def packets_with_filter(path):
    """(port, filter that it was recorded under, time) of each packet, by tshark and info."""
    done = tools.run([tools.ours("capturectl"), "info", "--json", path])
    filters = [one.get("filter", "") for one in json.loads(done.stdout)["files"][0]["interfaces"]]
    lines = readers.tshark(path, "-Y", "udp", "-T", "fields", "-e", "udp.dstport",
                           "-e", "frame.interface_id", "-e", "frame.time_epoch").splitlines()
    packets = []
    for port, number, stamp in (line.split("\t") for line in lines):
        seconds, fraction = stamp.split(".")
        packets.append((port, filters[int(number)], int(seconds) * 1_000_000_000 + int(fraction)))
    return packets


def test_many_reloads_with_changing_filters_lose_no_frame_that_both_accept(make_network, folder):
    network = make_network(2)
    with Service(network, folder, [{"name": "eth0", "filter": FILTERS[0]}, "eth1"]) as service:
        with traffic.Sender(network, rate=20_000, count=10_000_000, ports=PORTS) as sender:
            for turn in range(RELOADS):
                service.reload([{"name": "eth0", "filter": FILTERS[turn % 3]}, "eth1"])
            sent = sender.stop()["interfaces"]
        time.sleep(0.3)
        ledger = service.recorder.stop()
    assert ledger["eth1"]["stored"] == sent["eth1"]["sent"]
    found = traffic.check(service.captures, ports=PORTS, selected="5001")["interfaces"]["eth0"]
    assert found["missing"] == 0 and found["repeated"] == 0, found
    other = traffic.check(service.captures, ports=PORTS, selected=PORTS)["interfaces"]["eth1"]
    assert other["missing"] == 0 and traffic.flaws(other) == {}
    verify(service.captures)
    told = b"".join(path.read_bytes() for path in service.recorder.files())
    changes = re.findall(rb"changed between (\S+)Z and (\S+)Z: the filter was", told)
    assert len(changes) >= RELOADS - 1
    assert all(before <= after for before, after in changes)
    spans = [(nanoseconds(before), nanoseconds(after)) for before, after in changes]
    judged = 0
    for path in service.recorder.files():
        for port, expression, stamp in packets_with_filter(path):
            if any(before <= stamp <= after for before, after in spans):
                continue
            judged += 1
            assert expression == "" or port in expression, (port, expression, stamp)
    assert judged > sent["eth1"]["sent"]


@pytest.mark.parametrize("queues", [1, 3])
def test_the_file_says_which_filter_held_when(make_network, folder, queues):
    network = make_network(1)
    entry = {"name": "eth0", "queues": queues, "ring": {"size": "8MiB"}}
    with Service(network, folder, [{**entry, "filter": FILTERS[0]}]) as service:
        for turn in range(6):
            service.reload([{**entry, "filter": FILTERS[turn % 2]}])
            traffic.send(network, count=300, rate=3000, ports=PORTS, flows=16)
        service.recorder.stop()
    (path,) = service.recorder.files()
    seen = packets_with_filter(path)
    assert len(seen) == 6 * 200
    for port, expression, _ in seen:
        assert port in expression, f"a frame for {port} under the filter '{expression}'"


def test_a_bad_file_changes_nothing_and_every_error_is_told(make_network, folder):
    network = make_network(1)
    with Service(network, folder, ["eth0"]) as service:
        service.path.write_text(service.text([{"name": "eth0", "filter": "udp and ("},
                                               {"name": "eth9", "snaplen": 0}]), encoding="utf-8")
        done = service.control("reload", check=False)
        assert done.returncode == 1
        assert "udp and (" in done.stdout + done.stderr
        assert "snaplen" in done.stdout + done.stderr
        traffic.send(network, count=100)
        time.sleep(0.2)
        status = json.loads(service.control("status", "--json").stdout)
        assert [one["name"] for one in status["interfaces"]] == ["eth0"]
        ledger = service.recorder.stop()
    assert ledger["eth0"]["stored"] == 100
    assert b"changed between" not in service.recorder.files()[0].read_bytes()


def test_a_group_to_which_no_file_could_be_given_leaves_the_output_as_it_was(make_network, folder):
    network = make_network(1)
    other = next(one for one in grp.getgrall() if one.gr_gid not in {os.getegid(), *os.getgroups()})
    with Service(network, folder, ["eth0"]) as service:
        for group, why in (("no-such-group", "there is no such group on this machine"),
                           (other.gr_name, "this captured is not in it")):
            outputs = [{"group": group, "rotate": {"interval": 0}}]
            service.path.write_text(service.text(["eth0"], outputs=outputs),
                                    encoding="utf-8")
            done = service.control("reload", check=False)
            assert done.returncode == 1
            assert f"output main: group {group}: {why}" in done.stdout + done.stderr
        traffic.send(network, count=100)
        ledger = service.recorder.stop()
    assert ledger["eth0"]["stored"] == 100
    assert len(service.recorder.files()) == 1, "it was not closed"


def test_interfaces_and_outputs_come_and_go_by_reload(make_network, folder):
    network = make_network(3)
    more = folder / "more"
    outputs = [{"directory": str(folder / "captures")}, {"name": "more", "directory": str(more)}]
    with Service(network, folder, ["eth0", "eth1"]) as service:
        with traffic.Sender(network, interfaces=["eth0"], rate=20_000, count=10_000_000) as sender:
            traffic.send(network, interfaces=["eth1"], count=100)
            time.sleep(0.3)
            service.reload(["eth0", {"name": "eth2", "output": "more", "snaplen": 100}],
                           outputs=outputs)
            traffic.send(network, interfaces=["eth1", "eth2"], count=100, first=100)
            time.sleep(0.3)
            service.reload(["eth0", "eth1"])
            traffic.send(network, interfaces=["eth1", "eth2"], count=100, first=200)
            time.sleep(0.3)
            sent = sender.stop()["interfaces"]["eth0"]["sent"]
        time.sleep(0.3)
        ledger = service.recorder.stop()
    assert ledger["eth0"]["stored"] == sent
    assert ledger["eth1"]["stored"] == 200 and ledger["eth2"]["stored"] == 100
    found = traffic.check(service.captures)["interfaces"]
    assert found["eth0"]["missing"] == 0 and traffic.flaws(found["eth0"]) == {}
    verify(service.captures)
    verify(more)
    assert traffic.check(more)["interfaces"]["eth2"]["packets"] == 100


@pytest.mark.parametrize("change", [{"directory": "elsewhere"}, {"file_name": "x-{sequence}"},
                                    {"rotate": {"packets": 50}}])
def test_an_output_that_is_changed_goes_on_with_its_series(make_network, folder, change):
    network = make_network(3)
    three = ["eth0", "eth1", "eth2"]
    with Service(network, folder, three) as service:
        traffic.send(network, count=100)
        time.sleep(0.3)
        changed = {key: str(folder / value) if key == "directory" else value
                   for key, value in change.items()}
        network.remove_link(network.links[2])  # its figures must go on in the notes all the same
        service.reload(three[:2] + [{"name": "eth2", "required": False}], outputs=[changed])
        traffic.send(network, count=100, first=100)
        time.sleep(0.3)
        ledger = service.recorder.stop()
    assert ledger["eth0"]["stored"] == 200 and ledger["eth2"]["stored"] == 100
    where = [service.captures]
    if "directory" in change:
        where.append(folder / "elsewhere")
    found = traffic.check(*where)["interfaces"]["eth0"]
    assert found["packets"] == 200 and traffic.flaws(found) == {}
    verify(*where)


def test_an_interface_that_is_switched_off_does_not_stand_in_the_way(make_network, folder):
    network = make_network(2)
    with Service(network, folder, ["eth0", {"name": "eth1", "filter": "udp"}]) as service:
        network.recorded(["ip", "link", "set", "eth1", "down"])
        process.wait_until(lambda: "switched off" in service.recorder.log(), 5, "it is noticed")
        service.reload([{"name": "eth0", "snaplen": 100}, {"name": "eth1", "filter": "udp port 5"}])
        network.recorded(["ip", "link", "set", "eth1", "up"])
        process.wait_until(lambda: "the filter was 'udp'" in service.recorder.log(), 5,
                           "the filter is changed once it is on")
        service.recorder.stop()
    verify(service.captures)


def test_a_reload_during_traffic_leaves_descriptors_and_memory_as_they_were(make_network, folder):
    network = make_network(1)
    with Service(network, folder, ["eth0"]) as service:
        pid = service.recorder.process.pid
        service.reload([{"name": "eth0", "ring": {"size": "32MiB"}}])
        before = process.descriptors(pid)
        for turn in range(10):
            size = "32MiB" if turn % 2 else "16MiB"
            service.reload([{"name": "eth0", "ring": {"size": size}}],
                           outputs=[{"directory": str(folder / f"captures{turn}")}])
        assert process.descriptors(pid) <= before + 2
        service.recorder.stop()
