# SPDX-License-Identifier: MIT
"""The benchmark runs to its end and counts right: a few frames, no figure of time is looked at."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench" / "bench_peers"
STREAMS = BENCH.with_name("bench_streams")
NEEDED = ["inject", "floor", "captured", "check_frames"]


def run(folder, *words):
    programs = os.environ["CAPTURED_BIN"]
    for name in NEEDED:
        if not (Path(programs) / name).exists():
            pytest.skip(f"{name} was not built")
    if os.cpu_count() < 2:
        pytest.skip("needs two processors, one that sends and one that records")
    figures = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, BENCH, "--bin", programs, "--json", figures, "--disk", folder, "--tmpfs",
         folder, "--runs", "1", "--seconds", "0.2", "--ring", "16", *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stdout
    return json.loads(figures.read_text(encoding="utf-8"))


def test_every_frame_of_a_small_benchmark_is_accounted_for(folder):
    said = run(folder, "--parts", "points", "--sizes", "64,mix", "--paces", "20000", "--programs",
               "captured,captured-2,floor: drain-2,floor: copy-2")
    assert said["faults"] == [] and len(said["points"]) == 2
    for point in said["points"]:
        for name, row in point["rows"].items():
            assert row["stored"] == row["sent"] == 4000, name
            assert row["flawed"] == 0, name
            assert row["cpu_ns_per_packet"]["median"] > 0, name
    assert said["aims"], "it says what is reached and what is missed"


def test_what_is_written_nowhere_is_counted_by_the_ledger(folder):
    said = run(folder, "--parts", "points", "--sizes", "512", "--paces", "20000", "--outputs",
               "nowhere", "--programs", "captured-2,floor: drain-2")
    rows = said["points"][0]["rows"]
    assert rows["captured-2"]["stored"] == rows["captured-2"]["sent"] == 4000
    assert rows["captured-2"]["octets_per_packet"]["most"] == 0, "nothing stays on the disk"


def test_the_benchmark_of_streams_runs_to_its_end(folder):
    programs = os.environ["CAPTURED_BIN"]
    if os.cpu_count() < 2 or not (Path(programs) / "inject").exists():
        pytest.skip("needs two processors and the injector")
    done = subprocess.run(
        [sys.executable, STREAMS, "--bin", programs, "--output", folder, "--runs", "1", "--seconds",
         "0.2", "--ring", "16", "--pace", "5000", "--idle-pace", "20000"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stdout
    said = done.stdout
    rows = re.findall(r"^(\S.*?) +(\d+) ns a packet, \d+ to \d+(.*)$", said, re.MULTILINE)
    assert [name for name, _, _ in rows] == [
        "tcpdump > socket", "captured", "captured, streaming", "captured", "captured, idle stream"]
    assert all(int(ns) > 0 and rest == "" for _, ns, rest in rows), f"none is dropped: {said}"
    extra, ratio = re.search(r"^a streamed packet: (-?\d+) ns beside its recording, (\S+) of tcp",
                             said, re.MULTILINE).groups()
    tcpdump, alone, streaming = (int(ns) for _, ns, _ in rows[:3])
    assert abs(int(extra) - (streaming - alone)) <= 1, said
    assert abs(float(ratio) - int(extra) / tcpdump) <= 0.02 * abs(float(ratio)) + 0.01, said
    change, verdict = re.search(r"^an idle stream: ([+-][\d.]+)% .* %: (reached|missed)\)$", said,
                                re.MULTILINE).groups()
    alone, idle = (int(ns) for _, ns, _ in rows[3:])
    assert abs(float(change) - 100 * (idle / alone - 1)) < 2, said
    assert float(change) == 2 or (verdict == "reached") == (float(change) < 2), said
