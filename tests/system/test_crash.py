# SPDX-License-Identifier: MIT
"""Killed at any moment, the recorder leaves whole files, and of the last one all but the newest
packets; its next life repairs what was left open.
"""

import random
import re
import time
from pathlib import Path

from support import process, readers, tools, traffic
from support.recorder import (Recorder, configuration, nothing_is_left, sequence_of, unfinished,
                              verify)

FLUSH_SECONDS = 0.2
TIMEOUT_SECONDS = 0.05
# For a sender and a disk that share two processors with everything else.
MARGIN_SECONDS = 0.3


def settings(captures, size="512KiB"):
    ring = {"size": "4MiB", "block": "64KiB", "timeout": f"{int(TIMEOUT_SECONDS * 1000)}ms"}
    return configuration(captures, [{"name": "eth0", "ring": ring}], outputs=[{
        "rotate": {"size": size}, "flush_interval": f"{int(FLUSH_SECONDS * 1000)}ms"}])


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


def test_killed_again_and_again_in_one_folder_each_life_repairs_the_one_before(
        make_network, folder):
    network = make_network()
    captures = folder / "captures"
    # Large enough that a file is flushed while it is open, so that there is something to repair.
    config = settings(captures, size="4MiB")
    moments = random.Random(20260101)
    left_open = 0  # packets, of the files that were killed
    kinds = set()
    with traffic.Sender(network, count=100_000_000, rate=20_000, size="mix"):
        for _ in range(30):
            with Recorder(network, captures, config=config) as recorder:
                time.sleep(moments.uniform(0.1, 0.8))
                recorder.kill()
            kinds |= {Path(name).suffix for name in unfinished(captures)}
            for part in recorder.parts():
                if part.stat().st_size > 0:
                    found = traffic.check(part, partial=True)
                    left_open += found["packets"]
        with Recorder(network, captures, config=config) as recorder:
            process.wait_until(lambda: len(recorder.parts()) == 1, 10, "all parts are repaired")
            time.sleep(0.5)
            recorder.stop()
    assert left_open > 0
    assert {".part", ".next"} <= kinds, "what a kill leaves, else that it goes would prove nothing"
    nothing_is_left(captures)
    for path in captures.glob("*.damaged"):
        assert path.stat().st_size == 0, "only what holds nothing is set aside"
    done = tools.run([tools.ours("capturectl"), "verify", captures], timeout=300, check=False)
    assert re.search(r": 0 faults, \d+ losses$", done.stdout.strip().splitlines()[-1]), done.stdout
    numbers = [sequence_of(path) for path in recorder.files()]
    assert numbers == list(range(1, len(numbers) + 1)), "the chain has no gap"
    for path in recorder.files():
        readers.all_agree(path, traffic.check(path, partial=True)["packets"])


def test_what_is_no_recording_is_set_aside_and_nothing_is_taken_away(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    captures.mkdir()
    names = {number: f"20240220T120000Z-main-{number:06}.pcapng" for number in (3, 4)}
    (captures / f"{names[3]}.part").write_bytes(b"")
    (captures / f"{names[4]}.part").write_bytes(bytes(100_000))
    foreign = captures / "somebody.pcapng.part"
    foreign.write_bytes(b"not ours")
    with Recorder(network, captures, config=settings(captures)) as recorder:
        log = recorder.log()
        recorder.stop()
    assert f"set aside as {names[3]}.damaged" in log and "it is empty" in log
    assert f"set aside as {names[4]}.damaged" in log and "nothing but zeros" in log
    assert (captures / f"{names[3]}.damaged").stat().st_size == 0
    assert (captures / f"{names[4]}.damaged").read_bytes() == bytes(100_000)
    assert foreign.read_bytes() == b"not ours"
    assert [sequence_of(path) for path in captures.glob("*.pcapng")] == [5]
