# SPDX-License-Identifier: MIT
"""What the recorder says of itself reaches whoever reads it, and nobody waits for him."""

import fcntl
import json
import os
import re
import signal
import subprocess

from support import process, tools, traffic
from support.recorder import Recorder, verify

STOP_SECONDS = 10


def full_pipe():
    """Both ends of a pipe into which not one octet more goes."""
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(write_end, False)
    try:
        while True:
            os.write(write_end, b"x")
    except BlockingIOError:
        pass
    os.set_blocking(write_end, True)
    return read_end, write_end


def test_a_log_that_nobody_reads_stops_neither_recording_nor_rotation_nor_the_end(make_network,
                                                                                folder):
    network = make_network()
    captures = folder / "captures"
    ledger = folder / "ledger.json"
    read_end, write_end = full_pipe()
    recorder = network.start_recorded(
        [tools.ours("captured"), "-i", "eth0", "-d", str(captures), "--log-level", "debug",
         "--ledger-json", str(ledger)], stdout=subprocess.DEVNULL, stderr=write_end)
    os.close(write_end)
    try:
        process.wait_until(lambda: captures.exists() and list(captures.glob("*.part")), 10,
                           "a file is begun")
        traffic.send(network, count=1000)
        for finished in range(1, 4):
            recorder.send_signal(signal.SIGHUP)
            process.wait_until(lambda: len(list(captures.glob("*.pcapng"))) >= finished, 10,
                               "a rotation finishes a file")
        traffic.send(network, count=1000)
        recorder.send_signal(signal.SIGTERM)
        assert recorder.wait(STOP_SECONDS) == 0
    finally:
        if recorder.poll() is None:
            recorder.kill()
            recorder.wait()
        os.close(read_end)
    assert json.loads(ledger.read_text(encoding="utf-8"))["interfaces"]["eth0"]["stored"] == 2000
    verify(captures)


def test_json_is_one_object_a_line_with_fields(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    options = ["-i", "eth0", "-d", captures, "--log-format", "json"]
    with Recorder(network, captures, options=options) as recorder:
        recorder.stop()
    lines = [json.loads(line) for line in recorder.log().splitlines() if line.startswith("{")]
    assert {line["level"] for line in lines} <= {"info", "warning"}
    assert all(line["time"].endswith("Z") and line["message"] for line in lines)
    closed = [line for line in lines if ": closed " in line["message"]]
    assert len(closed) == 1 and closed[0]["output"] == "main"
    assert closed[0]["message"].startswith("output main: closed ")


def test_the_live_line_shares_no_line_with_the_log(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    options = ["-i", "eth0", "-d", captures, "--live", "--duration", "2"]
    with Recorder(network, captures, options=options) as recorder:
        recorder.ended()
    live = [line for line in recorder.log().splitlines() if "/s  " in line]
    assert live
    for line in live:
        assert re.fullmatch(r" *\d+ packets +[\d.]+ MiB +\d+/s +\d+ lost", line), line
