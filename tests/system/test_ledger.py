# SPDX-License-Identifier: MIT
"""Nothing is lost silently: with rings too small on purpose, under more than the recorder can
take, every frame is in a file or counted, to the frame, and the files say where.
"""

import signal
import time

import pytest

from support import process, traffic
from support.recorder import FIGURES, Recorder, configuration, verify

SMALL_RING = {"size": "512KiB", "block": "64KiB", "timeout": "50ms"}
# A loss is charged to the packet behind it by reading the kernel's counter just before a block goes
# back; what falls in the instant between the two is charged to the next block, or to the end where
# there is none. A thread that is held up in that instant makes it as long as a block takes to fill.
CHARGED_LATE_AT_MOST = 0.02


def small_rings(network, captures, **rest):
    interfaces = [{"name": name, "ring": SMALL_RING} for name in network.names]
    return configuration(captures, interfaces, **rest)


def late_at_most(lost):
    return max(50, CHARGED_LATE_AT_MOST * lost)


def losses_agree(one, row):
    """The losses stated at packets and the rest behind the last packet are all there were, and they
    stand where numbers are missing. `one` is the checker's account of the whole sent range."""
    at_end = sum(stream["missing_at_end"] for stream in one["streams"].values())
    in_between = one["missing"] - at_end
    assert row["osdrop"] == one["missing"]
    assert 0 <= in_between - one["dropcount_sum"] <= late_at_most(in_between)
    if in_between > 0:
        assert one["dropcount_at_gaps"] >= (1 - CHARGED_LATE_AT_MOST) * one["dropcount_sum"]
        assert one["place_difference_max"] <= late_at_most(in_between)


def statistics_agree(one, row):
    """The last statistics block says what the ledger says."""
    last = one["statistics"]
    assert last["decreasing"] == 0
    for figure in ("filteraccept", "osdrop", "ifrecv", "ifdrop"):
        assert last[figure] == row[figure], figure
    assert last["usrdeliv"] == row["stored"]
    assert "start_ns" in last and "end_ns" in last


@pytest.mark.parametrize("links", [1, 2])
@pytest.mark.parametrize("size", ["64", "mix"])
def test_sent_is_stored_plus_dropped_exactly(make_network, folder, links, size):
    network = make_network(links)
    captures = folder / "captures"
    with Recorder(network, captures, config=small_rings(network, captures)) as recorder:
        sent = traffic.inject(network, count=2_000_000, size=size)
        ledger = recorder.stop()
    found = traffic.check(captures)
    lost = 0
    for name in network.names:
        count = sent["interfaces"][name]["sent"]
        one = traffic.check(captures, first=0, count=count)["interfaces"][name]
        row = ledger[name]
        assert row["filteraccept"] == count == row["stored"] + row["osdrop"]
        assert row["unwritten"] == 0
        assert row["stored"] == one["packets"] == found["interfaces"][name]["packets"]
        assert traffic.flaws(one) == {}
        losses_agree(one, row)
        statistics_agree(one, row)
        logged = recorder.logged_ledger(name)
        assert logged == {figure: row[figure] for figure in FIGURES}
        lost += row["osdrop"]
    assert lost > 0, "the rings were meant to be too small"
    verify(captures, losses=True)


def test_the_ledger_stays_exact_across_rotations_under_loss(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    with Recorder(network, captures, config=small_rings(network, captures)) as recorder:
        with traffic.Injector(network, count=1_000_000_000) as injector:
            for _ in range(30):
                recorder.rotate()
            sent = injector.stop()
        ledger = recorder.stop()
    assert len(recorder.files()) == 31
    one = traffic.check(captures, first=0, count=sent["sent"])["interfaces"]["eth0"]
    row = ledger["eth0"]
    assert row["filteraccept"] == sent["sent"] and row["stored"] == one["packets"]
    assert traffic.flaws(one) == {}
    losses_agree(one, row)
    statistics_agree(one, row)
    verify(captures, losses=row["osdrop"] > 0)


def test_a_stop_under_full_load_is_exact_fifty_times(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    config = small_rings(network, captures)
    lost = 0
    with traffic.Injector(network, count=2_000_000_000) as injector:
        for turn in range(50):
            with Recorder(network, captures, config=config) as recorder:
                time.sleep(0.1 + 0.01 * (turn % 10))
                ledger = recorder.stop()
            row = ledger["eth0"]
            one = traffic.check(captures)["interfaces"]["eth0"]
            stream = one["streams"]["1"]
            assert row["stored"] == one["packets"], turn
            assert traffic.flaws(one) == {}, turn
            # What was lost before the first packet and behind the last one leaves no gap in the
            # numbers; the first is stated at that packet, the second in the last statistics only.
            before_first = one["dropcount_at_first"]
            late = stream["missing"] - (one["dropcount_sum"] - before_first)
            assert 0 <= late <= late_at_most(stream["missing"]), turn
            behind_last = row["osdrop"] - one["dropcount_sum"] - late
            assert behind_last >= 0, turn
            span = stream["last"] - stream["first"] + 1
            assert row["filteraccept"] == span + before_first + behind_last, turn
            statistics_agree(one, row)
            verify(captures, losses=row["osdrop"] > 0)
            lost += row["osdrop"]
            for path in recorder.files():
                path.unlink()
        injector.stop()
    assert lost > 0, "the rings were meant to be too small"


def test_the_ledger_can_be_had_while_recording(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    with Recorder(network, captures, options=["-i", "eth0", "-d", captures]) as recorder:
        traffic.send(network, count=5000)
        time.sleep(2)  # flush_interval and the ring's timeout
        recorder.signal(signal.SIGUSR1)
        process.wait_until(lambda: "ledger:" in recorder.log(), 5, "the ledger is logged")
        assert recorder.logged_ledger("eth0") == dict(zip(FIGURES, (5000, 5000, 0, 0)))
        recorder.stop()


def test_what_the_interface_counted_is_in_the_statistics(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    with traffic.Sender(network, count=1000):
        pass
    options = ["-i", "eth0", "-f", "udp dst port 5001", "-d", captures]
    with Recorder(network, captures, options=options) as recorder:
        traffic.send(network, count=3000, ports="5001,5002,5003")
        ledger = recorder.stop()
    row = ledger["eth0"]
    assert row["filteraccept"] == row["stored"] == 1000
    # Since the recording began, the filter's rejects included, what came before it not.
    assert row["ifrecv"] == 3000 and row["ifdrop"] == 0
    statistics_agree(traffic.check(captures)["interfaces"]["eth0"], row)
