# SPDX-License-Identifier: MIT
"""Outputs of other formats than pcapng: real traffic in each, under rotation, over crashes, within
retention, read back by other programs and by capturectl."""

import json
import random
import re
import time

import pytest

from support import process, readers, records, tools, traffic
from support.recorder import Recorder, configuration

FORMATS = ["pcap", "pcap-nano", "lpcap"]
RING = {"size": "4MiB", "block": "64KiB", "timeout": "50ms"}
FLUSH = {"flush_interval": "100ms"}
END_SECONDS = 20


def ending(form):
    return ".lpcap" if form == "lpcap" else ".pcap"


def config(captures, form, links=("eth0",), **output):
    return configuration(captures, [{"name": name, "ring": RING} for name in links],
                         outputs=[{"format": form, **FLUSH, **output}])


def finished(captures, form, series=""):
    """In the order of their sequence, by which names are sorted within a series."""
    found = list(captures.glob(f"*-main{series}-[0-9]*{ending(form)}"))
    return sorted(found, key=lambda path: int(re.search(r"(\d+)\.l?pcap$", path.name).group(1)))


def parts(captures):
    return [path for path in captures.iterdir() if path.name.endswith(".part")]


def read(path, form):
    """All records of a whole file."""
    return records.lpcap(path)[1] if form == "lpcap" else records.pcap(path)[2]


def told(path):
    """What capturectl info says of it."""
    done = tools.run([tools.ours("capturectl"), "info", "--json", path])
    return json.loads(done.stdout)["files"][0]


@pytest.mark.parametrize("form", FORMATS)
def test_under_load_and_rotation_every_frame_is_there_once_with_its_time(
        make_network, folder, form):
    count = 60_000
    network = make_network()
    captures = folder / "captures"
    begun = time.time_ns()
    with Recorder(network, captures,
                  config=config(captures, form, rotate={"size": "1MiB"})) as recorder:
        # Longer than the 4.29 seconds after which the times of lpcap repeat.
        with traffic.Sender(network, count=count, rate=10_000, size="mix") as sender:
            for _ in range(20):
                time.sleep(0.2)
                recorder.signal(1)
            sender.wait()
        ledger = recorder.stop()
    ended = time.time_ns()
    assert (ledger["eth0"]["stored"], ledger["eth0"]["osdrop"]) == (count, 0)
    assert parts(captures) == []
    files = finished(captures, form, "" if form == "lpcap" else "-eth0")
    assert len(files) > 20
    every = []
    for path in files:
        assert path.stat().st_size <= 1 << 20
        found = read(path, form)
        every += found
        info = told(path)
        assert info["packets"] == len(found)
        if form != "lpcap":
            readers.all_agree(path, len(found))
    assert [each.number for each in every] == list(range(count))
    assert all(begun <= each.time_ns + 1000 <= ended + 1000 for each in every)
    # The clock of a running machine is not set by seconds: times that were wrong by 2^32
    # nanoseconds would go back or leap.
    steps = [after.time_ns - before.time_ns for before, after in zip(every, every[1:])]
    assert min(steps) > -10**9 and max(steps) < 4 * 10**9
    verified = tools.run([tools.ours("capturectl"), "verify", "--json", captures], timeout=120)
    assert len(json.loads(verified.stdout)["files"]) == len(files)


def test_series_are_by_interface_for_pcap_and_one_for_lpcap(make_network, folder):
    network = make_network(2)
    captures = folder / "captures"
    outputs = [{"name": "main", "format": "pcap-nano"}, {"name": "other", "format": "lpcap"}]
    interfaces = [{"name": name, "ring": RING, "output": each["name"], "snaplen": 100}
                  for each in outputs for name in network.names]
    with Recorder(network, captures,
                  config=configuration(captures, interfaces, outputs=outputs)) as recorder:
        traffic.send(network, count=3000, rate=10_000, size=400)
        recorder.stop()
    for name in network.names:
        (path,) = finished(captures, "pcap", f"-{name}")
        unit, link, found = records.pcap(path)
        assert (unit, link, len(found)) == (1, 1, 3000)
        assert {(len(each.data), each.original) for each in found} == {(100, 400)}
    (path,) = captures.glob("*-other-[0-9]*.lpcap")
    names, found = records.lpcap(path)
    assert sorted(names.values()) == sorted(network.names)
    for index in names:
        numbers = [each.number for each in found if each.index == index]
        assert numbers == list(range(3000))
    assert {(len(each.data), each.original) for each in found} == {(100, 400)}
    assert sorted(each["name"] for each in told(path)["interfaces"]) == sorted(network.names)


@pytest.mark.parametrize("form", FORMATS)
def test_killed_again_and_again_each_life_repairs_the_one_before(make_network, folder, form):
    network = make_network()
    captures = folder / "captures"
    text = config(captures, form, rotate={"size": "4MiB"})
    moments = random.Random(20260101)
    lives = 8
    with traffic.Sender(network, count=100_000_000, rate=20_000, size="mix"):
        for _ in range(lives):
            before = set(captures.glob("*")) if captures.exists() else set()
            with Recorder(network, captures, config=text) as recorder:
                # So that something is to be repaired.
                process.wait_until(lambda old=before: any(
                    one.stat().st_size > 100 for one in parts(captures) if one not in old),
                                   END_SECONDS, "a part holds packets")
                time.sleep(moments.uniform(0.0, 0.5))
                recorder.kill()
        with Recorder(network, captures, config=text) as recorder:
            process.wait_until(lambda: len(parts(captures)) == 1, END_SECONDS,
                               "all parts are repaired")
            recorder.stop()
    assert "recovered" in recorder.log()
    assert parts(captures) == []
    for path in captures.glob("*.damaged"):
        assert path.stat().st_size == 0, "only what holds nothing is set aside"
    files = finished(captures, form, "" if form == "lpcap" else "-eth0")
    assert len(files) >= lives
    last = -1
    for path in files:
        numbers = [each.number for each in read(path, form)]
        if numbers:
            assert numbers == list(range(numbers[0], numbers[-1] + 1)), "within a file none is lost"
            assert numbers[0] > last
            last = numbers[-1]
    if form == "lpcap":
        sidecars = {path.name for path in captures.glob("*.meta")}
        assert {f"{path.name}.meta" for path in files} <= sidecars
        assert not [name for name in sidecars if ".part" in name]


@pytest.mark.parametrize("form", ["pcap", "lpcap"])
def test_retention_knows_its_files_again_by_their_names_and_removes_sidecars(
        make_network, folder, form):
    network = make_network()
    captures = folder / "captures"
    text = config(captures, form, rotate={"packets": 100}, retain={"files": 5})
    foreign = captures / f"20200101T000000Z-mine-000001{ending(form)}"
    for life in range(2):
        with Recorder(network, captures, config=text) as recorder:
            foreign.write_bytes(b"not a recording")
            traffic.send(network, count=2000, rate=10_000, size=100)
            series = "" if form == "lpcap" else "-eth0"
            process.wait_until(lambda s=series: len(finished(captures, form, s)) == 5, END_SECONDS,
                               "the older ones are removed")
            recorder.stop()
    assert life == 1 and foreign.exists()
    files = finished(captures, form, series)
    assert len(files) <= 6
    numbers = [each.number for path in files for each in read(path, form)]
    assert numbers == list(range(2000 - len(numbers), 2000))
    if form == "lpcap":
        assert {path.name for path in captures.glob("*.meta")} == \
            {f"{path.name}.meta" for path in files}


def test_the_check_of_the_configuration_says_what_is_lost(folder):
    path = folder / "lossy.yaml"
    path.write_text(config(folder, "pcap"), encoding="utf-8")
    done = tools.run([tools.ours("captured"), "--check-config", path])
    assert "format: pcap keeps packets" in done.stdout + done.stderr
    assert "Not kept" in done.stdout + done.stderr
