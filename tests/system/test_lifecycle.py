# SPDX-License-Identifier: MIT
"""From the command line to the exit status: bad input gives one clear line and harms nothing, a
stop stops, and what an earlier life recorded stays.
"""

import hashlib
import json
import signal
import textwrap
import time
from pathlib import Path

import pytest

from support import process, readers, tools, traffic
from support.recorder import Recorder, configuration, sequence_of, verify

END_AT_ONCE_SECONDS = 1


USAGE = 2


def refused(network, options, status=USAGE, timeout=10):
    """Runs the recorder with options that it must refuse; returns its lines."""
    done = network.recorded([tools.ours("captured"), *[str(word) for word in options]],
                            check=False, timeout=timeout)
    assert done.returncode == status, f"{options}: {done.stdout}{done.stderr}"
    return (done.stdout + done.stderr).strip().splitlines()


@pytest.mark.parametrize("options, named, status", [
    (["--nonsense"], ["nonsense"], USAGE),
    ([], ["--interface", "--config"], USAGE),
    (["-i", "eth0", "-f", "port nonsense"], ["port nonsense", "eth0"], USAGE),
    (["-i", "eth0", "-f", "udp and ("], ["udp and (", "eth0"], USAGE),
    (["-i", "nosuch0"], ["nosuch0", "No such device"], 1),
    (["--config", "/nonexistent/captured.yaml"], ["/nonexistent/captured.yaml", "No such file"],
     USAGE),
    (["-i", "eth0", "--duration", "soon"], ["soon"], USAGE),
    (["-i", "eth0", "--rotate-size", "1Gib"], ["1Gib"], USAGE),
    (["-i", "eth0", "--config", "captured.yaml"], ["--config", "--interface"], USAGE),
])
def test_a_wrong_command_line_gives_one_line_that_names_it(make_network, folder, options, named,
                                                           status):
    network = make_network()
    if "-i" in options:
        options = options + ["-d", folder / "captures"]
    lines = refused(network, options, status)
    assert len(lines) == 1, lines
    for word in named:
        assert word in "\n".join(lines)
    if (folder / "captures").exists():
        assert list((folder / "captures").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(make_network, folder):
    network = make_network()
    (folder / "file").write_text("in the way", encoding="utf-8")
    lines = refused(network, ["-i", "eth0", "-d", folder / "file" / "captures"], 1)
    assert len(lines) == 1 and str(folder / "file") in lines[0], lines


BAD_CONFIGURATION = """\
interfaces:
  - name: eth0
    fiter: "not port 22"
    snaplen: many
outputs:
  - name: main
    directory: {folder}
    rotate: {{ size: 1Gib }}
"""


@pytest.mark.parametrize("how", ["--check-config", "--config"])
def test_all_errors_of_a_configuration_are_listed_with_their_place(make_network, folder, how):
    network = make_network()
    path = folder / "bad.yaml"
    path.write_text(BAD_CONFIGURATION.format(folder=folder / "captures"), encoding="utf-8")
    said = "\n".join(refused(network, [how, path]))
    for line, column, words in ((3, 5, ["fiter", "filter"]), (4, 14, ["many"]), (8, 21, ["1Gib"])):
        assert f"bad.yaml:{line}:{column}" in said, said
        for word in words:
            assert word in said
    assert not (folder / "captures").exists()


@pytest.mark.parametrize("interface, output, named", [
    ({"name": "eth0", "ring": {"timeout": "2s"}}, {}, "ring.timeout"),
])
def test_what_is_not_supported_is_refused_and_never_passed_over(make_network, folder, interface,
                                                                output, named):
    network = make_network()
    path = folder / "captured.yaml"
    captures = folder / "captures"
    output = {"retain": {"size": 0, "free": 0}, **output}
    path.write_text(configuration(captures, [interface], outputs=[output]), encoding="utf-8")
    for how in ("--check-config", "--config"):
        lines = refused(network, [how, path])
        counted = [f"{path}: 1 error, no warnings"] if how == "--check-config" else []
        assert lines[:-1] == counted and named in lines[-1], lines
    assert not captures.exists()


def test_a_good_configuration_is_checked_without_recording(make_network, folder):
    network = make_network()
    path = folder / "good.yaml"
    path.write_text(textwrap.dedent(f"""\
        interfaces:
          - name: eth0
            filter: "not port 22"
        outputs:
          - name: main
            directory: {folder / "captures"}
        """), encoding="utf-8")
    network.recorded([tools.ours("captured"), "--check-config", str(path)])
    assert not (folder / "captures").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_closes_the_files_prints_the_ledger_and_exits_with_zero(make_network, folder,
                                                                       number):
    network = make_network(2)
    captures = folder / "captures"
    options = ["-i", "eth0", "-i", "eth1", "-d", captures]
    with Recorder(network, captures, options=options) as recorder:
        traffic.send(network, count=1000)
        begun = time.monotonic()
        recorder.signal(number)
        ledger = recorder.ended()
        took = time.monotonic() - begun
    assert took < 2
    assert recorder.parts() == [] and len(recorder.files()) == 1
    for name in network.names:
        assert ledger[name]["stored"] == 1000
        assert recorder.logged_ledger(name)["stored"] == 1000
    verify(captures)


def test_a_recording_ends_by_itself_after_its_duration(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    options = ["-i", "eth0", "-d", captures, "--duration", "2"]
    with Recorder(network, captures, options=options) as recorder:
        begun = time.monotonic()
        traffic.send(network, count=1000)
        ledger = recorder.ended(timeout=10)
        took = time.monotonic() - begun
    assert 1.5 < took < 4 and ledger["eth0"]["stored"] == 1000
    verify(captures)


def test_a_second_interrupt_ends_it_at_once(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    captures.mkdir()
    # A disk that takes nothing more keeps the first stop waiting.
    tools.run(["mount", "-t", "tmpfs", "-o", "size=2m", "captest", captures])
    try:
        config = configuration(captures, [{"name": "eth0", "ring": {"size": "2MiB",
                                                                    "block": "64KiB"}}],
                               outputs=[{"flush_interval": "100ms"}], stop_timeout="60s")
        with Recorder(network, captures, config=config) as recorder:
            traffic.send(network, count=10_000, size=1000, rate=20_000)
            recorder.signal(signal.SIGINT)
            time.sleep(1)
            assert recorder.process.poll() is None, "it waits for the disk"
            begun = time.monotonic()
            recorder.signal(signal.SIGINT)
            assert recorder.process.wait(10) != 0
            assert time.monotonic() - begun < END_AT_ONCE_SECONDS
    finally:
        tools.run(["umount", "-l", captures])


def recording_of(path):
    """What the file says of its place in the recording, from its own SHB option."""
    octets = path.read_bytes()
    begin = octets.index(b'{"captured"')
    return json.JSONDecoder().raw_decode(octets[begin:begin + 65536].decode("utf-8", "replace"))[0]


def test_the_sequence_goes_on_over_restarts_and_nothing_is_overwritten(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    options = ["-i", "eth0", "-d", captures]
    seen = {}
    for life in range(3):
        with Recorder(network, captures, options=options) as recorder:
            traffic.send(network, count=1000, first=1000 * life)
            recorder.rotate()
            recorder.stop()
        for path, digest in seen.items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, f"{path} changed"
        seen = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in recorder.files()}
        assert len(seen) == 2 * (life + 1)
    numbers = [sequence_of(path) for path in recorder.files()]
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    said = [recording_of(path) for path in recorder.files()]
    assert [one["sequence"] for one in said] == numbers
    assert len({one["recording"] for one in said}) == 3, "each life is a recording of its own"
    one = traffic.check(captures, first=0, count=3000)["interfaces"]["eth0"]
    assert one["missing"] == 0 and traffic.flaws(one) == {}
    verify(captures)
