# SPDX-License-Identifier: MIT
"""Interfaces that come, go and change while others are recorded: none disturbs another, and the
files tell what happened.
"""

import signal
import time

import pytest

from support import process, readers, tools, traffic
from support.recorder import Recorder, configuration, verify

SETTLE_SECONDS = 5
RATE = 20_000


def wait_for_log(recorder, words, times=1):
    process.wait_until(lambda: recorder.log().count(words) >= times, SETTLE_SECONDS,
                       f"the log says '{words}' {times} times")


def delete_and_make_again(network, recorder):
    recorded = recorder.log().count("interface eth0, output main: recorded")
    network.remove_link(network.links[0])
    wait_for_log(recorder, "the device was removed")
    network.links.insert(0, network.add_link("eth0"))
    wait_for_log(recorder, "interface eth0, output main: recorded", recorded + 1)
    return "the device was removed"


def rename_and_back(network, recorder):
    recorded = recorder.log().count("interface eth0, output main: recorded")
    network.recorded(["ip", "link", "set", "eth0", "name", "other0"])
    wait_for_log(recorder, "renamed to other0")
    network.recorded(["ip", "link", "set", "other0", "name", "eth0"])
    wait_for_log(recorder, "interface eth0, output main: recorded", recorded + 1)
    return "the device was renamed to other0"


def switch_off_and_on(network, recorder):
    network.recorded(["ip", "link", "set", "eth0", "down"])
    wait_for_log(recorder, "interface eth0, output main: the interface was switched off")
    network.recorded(["ip", "link", "set", "eth0", "up"])
    wait_for_log(recorder, "interface eth0, output main: the link is up")
    return "the interface was switched off"


@pytest.mark.parametrize("disturb", [delete_and_make_again, rename_and_back, switch_off_and_on])
def test_what_happens_to_one_interface_leaves_the_other_alone_and_is_told(make_network, folder,
                                                                         disturb):
    network = make_network(2)
    captures = folder / "captures"
    with Recorder(network, captures, config=configuration(captures, ["eth0", "eth1"])) as recorder:
        traffic.send(network, count=100, interfaces=["eth0"])
        with traffic.Sender(network, interfaces=["eth1"], rate=RATE, count=10_000_000) as sender:
            time.sleep(0.2)
            story = disturb(network, recorder)
            time.sleep(0.5)
            sent = sender.stop()["interfaces"]["eth1"]["sent"]
        traffic.send(network, count=100, first=100, interfaces=["eth0"])
        time.sleep(0.3)
        ledger = recorder.stop()
    assert ledger["eth1"]["stored"] == sent > 0
    assert ledger["eth0"]["stored"] == 200
    found = traffic.check(captures)["interfaces"]
    assert found["eth1"]["missing"] == 0 and traffic.flaws(found["eth1"]) == {}
    assert found["eth0"]["packets"] == 200 and traffic.flaws(found["eth0"]) == {}
    verify(captures)
    assert any(story in path.read_bytes().decode("latin-1") for path in recorder.files())
    for path in recorder.files():
        readers.all_agree(path, traffic.check(path)["packets"])


@pytest.mark.parametrize("required, expected", [(True, "failure"), (False, 0)])
def test_required_decides_the_exit_status_when_an_interface_is_missing_at_the_end(
        make_network, folder, required, expected):
    network = make_network(2)
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "required": required}, "eth1"])
    with Recorder(network, captures, config=config) as recorder:
        network.remove_link(network.links[0])
        wait_for_log(recorder, "the device was removed")
        traffic.send(network, count=100, interfaces=["eth1"])
        ledger = recorder.stop(expect=expected)
    assert ledger["eth1"]["stored"] == 100
    verify(captures)


def test_an_interface_that_is_missing_or_refuses_its_filter_does_not_stop_the_other(make_network,
                                                                                   folder):
    network = make_network(1)
    captures = folder / "captures"
    config = configuration(captures, ["eth0", {"name": "eth7", "required": False},
                                      {"name": "lo", "filter": "wlan host 00:11:22:33:44:55",
                                       "required": False}])
    with Recorder(network, captures, config=config) as recorder:
        log = recorder.log()
        assert "eth7" in log and "No such device" in log
        traffic.send(network, count=100)
        network.links.append(network.add_link("eth7"))
        wait_for_log(recorder, "interface eth7, output main: recorded")
        traffic.send(network, count=100, interfaces=["eth7"])
        time.sleep(0.3)
        ledger = recorder.stop()
    assert ledger["eth0"]["stored"] == 100 and ledger["eth7"]["stored"] == 100
    verify(captures)


def test_an_interface_that_matches_a_pattern_is_recorded_from_its_first_second(make_network,
                                                                              folder):
    network = make_network(1)
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth*", "filter": "not port 9999"}])
    with Recorder(network, captures, config=config) as recorder:
        network.links.append(network.add_link("eth5"))
        begun = time.monotonic()
        wait_for_log(recorder, "interface eth5, output main: recorded")
        assert time.monotonic() - begun < 1
        traffic.send(network, count=1000)
        network.links.append(network.add_link("wlan0"))
        time.sleep(0.5)
        ledger = recorder.stop()
    assert {name: row["stored"] for name, row in ledger.items()} == {"eth0": 1000, "eth5": 1000}
    verify(captures)


def test_interfaces_that_come_and_go_many_times_leave_a_whole_story(make_network, folder):
    network = make_network(1)
    captures = folder / "captures"
    config = configuration(captures, ["eth0", {"name": "tap*", "ring": {"size": "1MiB",
                                                                       "block": "64KiB"}}])
    with Recorder(network, captures, config=config) as recorder:
        with traffic.Sender(network, interfaces=["eth0"], rate=RATE, count=10_000_000) as sender:
            for life in range(1, 13):
                network.links.append(network.add_link("tap0"))
                wait_for_log(recorder, "interface tap0, output main: recorded", life)
                traffic.send(network, interfaces=["tap0"], count=10)
                network.remove_link(network.links[-1])
            sent = sender.stop()["interfaces"]["eth0"]["sent"]
        time.sleep(1)
        descriptors = process.descriptors(recorder.process.pid)
        ledger = recorder.stop()
    assert ledger["eth0"]["stored"] == sent
    assert descriptors < 60
    assert ledger["tap0"]["stored"] == 120
    found = traffic.check(captures)["interfaces"]["eth0"]
    assert found["missing"] == 0 and traffic.flaws(found) == {}
    verify(captures)


def test_of_two_outputs_one_on_a_dead_disk_leaves_the_other_without_a_gap(make_network, folder):
    network = make_network(2)
    good, bad = folder / "good", folder / "bad"
    bad.mkdir()
    tools.run(["mount", "-t", "tmpfs", "-o", "size=1m", "captest", bad])
    try:
        config = configuration(good, [{"name": "eth0", "output": "good"},
                                      {"name": "eth1", "output": "bad",
                                       "ring": {"size": "2MiB", "block": "64KiB"}}],
                               outputs=[{"name": "good", "directory": str(good)},
                                        {"name": "bad", "directory": str(bad)}],
                               stop_timeout="2s")
        with Recorder(network, good, config=config) as recorder:
            sent = traffic.send(network, count=100_000, rate=RATE, size=200)
            assert sent["interfaces"]["eth0"]["sent"] == 100_000
            ledger = recorder.stop(expect="failure")
        assert ledger["eth0"]["stored"] == 100_000
        lost = ledger["eth1"]["osdrop"] + ledger["eth1"]["unwritten"]
        assert lost > 0 and ledger["eth1"]["stored"] + lost == 100_000
        verify(good)
    finally:
        tools.run(["umount", "-l", bad])


def test_an_output_that_cannot_be_opened_is_opened_later(make_network, folder):
    network = make_network(2)
    good, late = folder / "good", folder / "late"
    late.write_text("in the way", encoding="utf-8")
    config = configuration(good, [{"name": "eth0", "output": "good"},
                                  {"name": "eth1", "output": "late"}],
                           outputs=[{"name": "good", "directory": str(good)},
                                    {"name": "late", "directory": str(late)}])
    with Recorder(network, good, config=config) as recorder:
        assert str(late) in recorder.log()
        late.unlink()
        wait_for_log(recorder, "interface eth1, output late: recorded")
        traffic.send(network, count=100)
        time.sleep(0.3)
        ledger = recorder.stop()
    assert ledger["eth0"]["stored"] == 100 and ledger["eth1"]["stored"] == 100
    verify(good)
    verify(late)


def test_hardware_time_is_refused_with_the_reason_where_there_is_no_clock(make_network, folder):
    network = make_network(2)
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "timestamp": "hardware"}, "eth1"])
    with Recorder(network, captures, config=config) as recorder:
        told = [line for line in recorder.log().splitlines() if "interface eth0, output" in line]
        assert len(told) == 1 and "clock" in told[0], recorder.log()
        traffic.send(network, count=100)
        ledger = recorder.stop(expect="failure")
    assert "eth0" not in ledger and ledger["eth1"]["stored"] == 100


def test_a_stop_while_an_output_is_being_opened_ends(make_network, folder):
    network = make_network(1)
    captures = folder / "captures"
    outputs = [{"directory": str(captures)}, {"name": "many", "directory": str(folder / "many")}]
    config = configuration(captures, ["eth0", {"name": "lo", "output": "many", "required": False}],
                           outputs=outputs)
    for pause in (0, 0.005, 0.01, 0.02, 0.05):
        recorder = Recorder(network, captures, config=config)
        try:
            time.sleep(pause)
            recorder.signal(signal.SIGTERM)
            assert recorder.process.wait(10) is not None
        finally:
            recorder.__exit__(None)
    verify(captures)
