# SPDX-License-Identifier: MIT
"""Killed at any moment, the recorder leaves whole files, and of the last one all but the newest
packets; its next life repairs what was left open.
"""

import random
import time

from support import readers, traffic
from support.recorder import Recorder, configuration, verify

FLUSH_SECONDS = 0.2
TIMEOUT_SECONDS = 0.05
# For a sender and a disk that share two processors with everything else.
MARGIN_SECONDS = 0.3


def settings(captures):
    ring = {"size": "4MiB", "block": "64KiB", "timeout": f"{int(TIMEOUT_SECONDS * 1000)}ms"}
    return configuration(captures, [{"name": "eth0", "ring": ring}], outputs=[{
        "rotate": {"size": "512KiB"}, "flush_interval": f"{int(FLUSH_SECONDS * 1000)}ms"}])


def whole_part(part, folder):
    """A copy of the part that holds whole blocks, as a file that other programs read."""
    found = traffic.check(part, partial=True)
    copy = folder / "whole-part.pcapng"
    copy.write_bytes(part.read_bytes()[:found["files"][0]["whole_octets"]])
    return copy, found["packets"]


def test_killed_fifty_times_it_leaves_whole_files_each_time(make_network, folder):
    network = make_network()
    moments = random.Random(20180220)
    with traffic.Sender(network, count=100_000_000, rate=20_000, size="mix"):
        for turn in range(50):
            captures = folder / f"captures-{turn}"
            with Recorder(network, captures, config=settings(captures)) as recorder:
                time.sleep(moments.uniform(0.2, 1.0))
                killed_ns = time.time_ns()
                recorder.kill()
            if recorder.files():
                verify(*recorder.files())
            assert len(recorder.parts()) <= 2, "the open file, and one begun or being finished"
            one = traffic.check(captures, partial=True)["interfaces"]["eth0"]
            assert one["missing"] == 0 and traffic.flaws(one) == {}, turn
            behind = (killed_ns - one["last_time_ns"]) / 1e9
            assert behind < FLUSH_SECONDS + TIMEOUT_SECONDS + MARGIN_SECONDS, turn
            for part in recorder.parts():
                if part.stat().st_size == 0:
                    continue
                copy, packets = whole_part(part, folder)
                if copy.stat().st_size != 0:
                    readers.all_agree(copy, packets)
