# SPDX-License-Identifier: MIT
"""What the recorder says of itself reaches whoever reads it, and nobody waits for him."""

import fcntl
import json
import os
import re
import signal
import socket
import subprocess

from support import process, tools, traffic
from support.recorder import NO_CLOCK_ROTATION, Recorder, verify

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
         "--ledger-json", str(ledger), *NO_CLOCK_ROTATION], stdout=subprocess.DEVNULL,
        stderr=write_end)
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


# Where the journal would listen, in a file system of its own, is DIR; standard error is said to
# lead there, as the service manager says it.
TO_THE_JOURNAL = """\
set -e
mount -t tmpfs none /run
mkdir -p /run/systemd/journal
mount --bind "$1" /run/systemd/journal
shift
JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)
export JOURNAL_STREAM
exec "$@"
"""


def entries_of(datagrams):
    """Entries as journald gets them: NAME=value lines (values with line ends are not used here)."""
    return [dict(line.split("=", 1) for line in datagram.decode().splitlines())
            for datagram in datagrams]


def test_the_journal_gets_each_line_with_its_fields_and_standard_error_none(make_network, folder):
    network = make_network()
    journal = folder / "journal"
    journal.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(journal / "socket"))
        listener.setblocking(False)
        with open(folder / "stderr", "w+", encoding="utf-8") as stderr:
            recorder = network.start_recorded(
                ["unshare", "-m", "sh", "-c", TO_THE_JOURNAL, "sh", journal,
                 tools.ours("captured"), "-i", "eth0", "-d", folder / "captures", "--duration",
                 "1", *NO_CLOCK_ROTATION], stdout=subprocess.DEVNULL, stderr=stderr)
            assert recorder.wait(STOP_SECONDS) == 0
            stderr.seek(0)
            assert stderr.read() == ""
        datagrams = []
        try:
            while True:
                datagrams.append(listener.recv(1 << 16))
        except BlockingIOError:
            pass
    entries = entries_of(datagrams)
    assert entries and all(entry["SYSLOG_IDENTIFIER"] == "captured" for entry in entries)
    closed = [entry for entry in entries if ": closed " in entry["MESSAGE"]]
    assert len(closed) == 1
    assert closed[0]["MESSAGE"].startswith("output main: closed ")
    assert closed[0]["OUTPUT"] == "main" and closed[0]["PRIORITY"] == "6"
    assert any(entry.get("INTERFACE") == "eth0" for entry in entries)


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
