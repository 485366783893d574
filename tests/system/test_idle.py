# SPDX-License-Identifier: MIT
"""What it costs when little or nothing happens, and how soon a packet is on the disk."""

import time

import pytest

from support import process, traffic
from support.recorder import Recorder, configuration

SECONDS = 5


def usage_over(recorder, seconds):
    before = process.usage(recorder.process.pid)
    time.sleep(seconds)
    return process.usage(recorder.process.pid) - before


def test_a_silent_link_costs_next_to_nothing(make_network, folder):
    network = make_network(2)
    captures = folder / "captures"
    options = ["-i", "eth0", "-i", "eth1", "-d", captures]
    with Recorder(network, captures, options=options) as recorder:
        time.sleep(1)
        cost = usage_over(recorder, SECONDS)
        recorder.stop()
    assert cost.cpu_seconds < 0.02
    assert cost.context_switches <= 2 * SECONDS + 5, "two wakes a second at most"


# A packet in each block keeps the socket readable while earlier blocks are held for the flush:
# whoever waits for it level-wise spins.
@pytest.mark.parametrize("rate", [20, 200, 2000])
def test_a_slow_link_does_not_make_it_spin(make_network, folder, rate):
    network = make_network()
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "ring": {"timeout": "50ms"}}],
                           outputs=[{"flush_interval": "1s"}])
    with Recorder(network, captures, config=config) as recorder:
        with traffic.Sender(network, count=100_000, rate=rate, cpu=1):
            time.sleep(1)
            cost = usage_over(recorder, SECONDS)
        recorder.stop()
    # At most 20 blocks a second retire; each may wake reactor and writer, and the disk's threads.
    assert cost.context_switches < 20 * 6 * SECONDS
    assert cost.cpu_seconds < 0.02 * SECONDS


@pytest.mark.parametrize("flush_seconds", [0.2, 1.0])
def test_the_first_packet_is_on_disk_within_the_flush_interval(make_network, folder,
                                                               flush_seconds):
    timeout_seconds = 0.1
    network = make_network()
    captures = folder / "captures"
    config = configuration(captures, ["eth0"],
                           outputs=[{"flush_interval": f"{int(flush_seconds * 1000)}ms"}])
    with Recorder(network, captures, config=config) as recorder:
        time.sleep(0.5)
        for turn in range(5):
            # At other moments of the interval each time.
            time.sleep(0.17)
            traffic.send(network, count=1, first=turn)
            begun = time.monotonic()
            process.wait_until(
                lambda expected=turn + 1:
                    traffic.check(*recorder.parts(), partial=True)["packets"] == expected,
                flush_seconds + timeout_seconds + 1, "the packet is on disk")
            took = time.monotonic() - begun
            assert took < flush_seconds + timeout_seconds + 0.2, turn
        recorder.stop()
