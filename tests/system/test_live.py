# SPDX-License-Identifier: MIT
"""The live pipe and Wireshark's extcap beside a recording: what the viewer gets, what it loses when
it is slow, how it ends, and that the recording has every frame whatever becomes of it."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from support import process, readers, tools, traffic
from support.recorder import Recorder, configuration

END_SECONDS = 20


class Setting:
    """A recorder of eth0 (and eth1) with a control socket of its own."""

    def __init__(self, make_network, folder, links=1, **rest):
        self.viewers = 0
        self.socket = folder / "control"
        self.network = make_network(links)
        self.captures = folder / "captures"
        # A short ring timeout: a viewer sees packets when their block is finished.
        interfaces = [{"name": each.name, "ring": {"timeout": "50ms"}}
                      for each in self.network.links]
        config = configuration(self.captures, interfaces, control={"socket": str(self.socket)},
                               **rest)
        self.recorder = Recorder(self.network, self.captures, config=config)

    def live(self, *options, stdout):
        command = [tools.ours("capturectl"), "live", "--socket", str(self.socket), *options]
        # pylint: disable=consider-using-with
        viewer = subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
        self.viewers += 1
        self.wait_viewers(self.viewers)
        return viewer

    def wait_viewers(self, count):
        """So many were begun since the start."""
        process.wait_until(lambda: self.recorder.log().count(" shown to ") >= count, END_SECONDS,
                           "the viewer is served")


def finish(viewer, number=signal.SIGINT):
    """Ends the viewer; gives what it says: packets and how many of them were dropped."""
    if number is not None:
        viewer.send_signal(number)
    _, errors = viewer.communicate(timeout=END_SECONDS)
    assert viewer.returncode == 0, errors
    found = re.search(r"(\d+) packets, (\d+) dropped", errors)
    assert found, errors
    return int(found.group(1)), int(found.group(2))


def packets_in(path):
    info = tools.run([tools.ours("capturectl"), "info", "--json", path]).stdout
    return int(re.search(r'"packets": *(\d+)', info).group(1))


def wait_packets(path, count, captured):
    """Waits for a file with so many packets: 44 octets come to each, and are its least."""
    process.wait_until(lambda: path.exists() and path.stat().st_size >= count * (captured + 44),
                       END_SECONDS, f"{path} has {count} packets")


def test_a_viewer_gets_what_is_recorded_and_ends_at_a_signal(make_network, folder):
    setting = Setting(make_network, folder, links=2)
    with setting.recorder as recorder:
        with open(folder / "all.pcapng", "wb") as every, open(folder / "one.pcapng", "wb") as one:
            viewers = [setting.live(stdout=every),
                       setting.live("--interface", "eth1", "--filter", "udp dst port 5002",
                                    "--snaplen", "60", stdout=one)]
            traffic.send(setting.network, count=20000, rate=20000, size=200, ports="5001,5002")
            wait_packets(folder / "all.pcapng", 40000, 200)
            wait_packets(folder / "one.pcapng", 10000, 60)
            assert finish(viewers[0]) == (40000, 0)
            assert finish(viewers[1]) == (10000, 0)
        ledger = recorder.stop()
    assert [row["stored"] for row in ledger.values()] == [20000, 20000]
    assert readers.capinfos_packets(folder / "all.pcapng") == [40000]
    readers.all_agree(folder / "one.pcapng", 10000)
    lines = readers.tshark(folder / "one.pcapng", "-T", "fields", "-e", "frame.interface_name",
                           "-e", "udp.dstport", "-e", "frame.cap_len").splitlines()
    assert set(lines) == {"eth1\t5002\t60"}


def test_a_viewer_that_does_not_read_loses_its_own_packets_only_and_is_told(make_network, folder):
    count, size = 60000, 1000  # 60 MB: more than pipe, socket and the recorder's bound hold
    setting = Setting(make_network, folder)
    with setting.recorder as recorder:
        viewer = setting.live(stdout=subprocess.PIPE)
        traffic.send(setting.network, count=count, rate=30000, size=size)
        process.wait_until(lambda: count_stored(setting) == count, END_SECONDS, "all is stored")
        viewer.send_signal(signal.SIGINT)
        with open(folder / "slow.pcapng", "wb") as file:
            while octets := os.read(viewer.stdout.fileno(), 1 << 16):
                file.write(octets)
        shown, dropped = finish(viewer, None)
        ledger = recorder.stop()
    assert dropped > 0
    assert shown + dropped == count
    assert packets_in(folder / "slow.pcapng") == shown
    assert (ledger["eth0"]["stored"], ledger["eth0"]["osdrop"]) == (count, 0)


def count_stored(setting):
    status = tools.run([tools.ours("capturectl"), "status", "--json", "--socket", setting.socket],
                       check=False).stdout
    found = re.search(r'"stored": *(\d+)', status)
    return int(found.group(1)) if found else 0


def test_a_viewer_ends_whole_when_the_recorder_stops_and_when_its_reader_goes(make_network, folder):
    setting = Setting(make_network, folder)
    with setting.recorder as recorder:
        with open(folder / "last.pcapng", "wb") as file:
            viewer = setting.live(stdout=file)
            gone = setting.live(stdout=subprocess.PIPE)
            gone.stdout.close()
            traffic.send(setting.network, count=1000, rate=10000, size=100)
            assert gone.wait(END_SECONDS) == 0
            gone.stderr.close()
            recorder.stop()
            assert finish(viewer, None) == (1000, 0)
    readers.all_agree(folder / "last.pcapng", 1000)


def test_what_cannot_be_shown_is_refused_with_a_reason(make_network, folder):
    setting = Setting(make_network, folder)
    with setting.recorder as recorder:
        for words, reason in ((["--interface", "eth7"], "no such interface"),
                              (["--filter", "nonsense here"], "syntax error"),
                              (["--snaplen", "0"], "snaplen")):
            done = tools.run([tools.ours("capturectl"), "live", "--socket", setting.socket, *words],
                             check=False)
            assert done.returncode == 1
            assert reason in done.stderr
        recorder.stop()


def threads_on(processor, pid):
    """Those that may run on this one alone."""
    threads = process.of_threads(f"/proc/{pid}/task", "status")
    return {thread for thread, (status,) in threads.items()
            if f"Cpus_allowed_list:\t{processor}\n" in status}


def test_a_filter_of_a_view_is_compiled_beside_the_processors_of_the_reactor(make_network, folder):
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        pytest.skip("needs two processors")
    setting = Setting(make_network, folder, reactor={"cpus": processors[:1]})
    with setting.recorder as recorder, open(folder / "one.pcapng", "wb") as file:
        before = threads_on(processors[0], recorder.process.pid)
        assert before, "the reactor stays on its processor"
        viewer = setting.live("--filter", "udp", stdout=file)
        assert threads_on(processors[0], recorder.process.pid) == before
        finish(viewer)
        recorder.stop()


def documented_command():
    """How the first page has a recorder on another machine watched."""
    page = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    return re.search(r"^(ssh sensor capturectl live .*\S) +# from another machine$", page,
                     re.MULTILINE).group(1)


def test_the_documented_command_shows_the_recording_of_another_machine(make_network, folder):
    """With what ssh does on the other machine, and with tshark in the place of Wireshark."""
    setting = Setting(make_network, folder)
    programs = {
        # As sshd: the words, joined by blanks, are a line for a shell.
        "ssh": '[ "$1" = sensor ] && shift && exec sh -c "$*"',
        "capturectl": f'exec "{tools.ours("capturectl")}" "$@" --socket "{setting.socket}"',
        "wireshark": '[ "$*" = "-k -i -" ] && '
                     f'exec "{tools.theirs("tshark")}" -i - -w "{folder}/seen.pcapng"',
    }
    place = folder / "programs"
    place.mkdir()
    for name, words in programs.items():
        (place / name).write_text(f"#!/bin/sh\n{words}\n", encoding="utf-8")
        (place / name).chmod(0o755)
    with setting.recorder as recorder:
        # pylint: disable=consider-using-with
        shell = subprocess.Popen(["sh", "-c", documented_command()], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, "PATH": f"{place}:{os.environ['PATH']}"})
        setting.wait_viewers(1)
        traffic.send(setting.network, count=1000, rate=10000, size=100)
        wait_packets(folder / "seen.pcapng", 1000, 100)
        recorder.stop()
        _, errors = shell.communicate(timeout=END_SECONDS)
        assert shell.returncode == 0, errors
    readers.all_agree(folder / "seen.pcapng", 1000)


def piped_into_tshark(setting, folder):
    """capturectl live and a tshark that reads what it writes."""
    live = setting.live(stdout=subprocess.PIPE)
    # pylint: disable=consider-using-with
    reader = subprocess.Popen(
        [tools.theirs("tshark"), "-i", "-", "-w", str(folder / "piped.pcapng")], stdin=live.stdout,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    live.stdout.close()  # theirs alone now
    return live, reader


def both_end(live, reader):
    for each in (live, reader):
        _, errors = each.communicate(timeout=END_SECONDS)
        assert each.returncode == 0, errors


def test_tshark_reads_the_live_pipe_until_both_are_interrupted(make_network, folder):
    setting = Setting(make_network, folder)
    with setting.recorder as recorder:
        live, reader = piped_into_tshark(setting, folder)
        traffic.send(setting.network, count=2000, rate=10000, size=100)
        wait_packets(folder / "piped.pcapng", 2000, 100)
        for each in (live, reader):  # as ^C does
            each.send_signal(signal.SIGINT)
        both_end(live, reader)
        ledger = recorder.stop()
    assert ledger["eth0"]["stored"] == 2000
    readers.all_agree(folder / "piped.pcapng", 2000)


def test_tshark_reads_the_live_pipe_until_the_recorder_stops(make_network, folder):
    setting = Setting(make_network, folder)
    with setting.recorder as recorder:
        live, reader = piped_into_tshark(setting, folder)
        traffic.send(setting.network, count=500, rate=10000, size=100)
        recorder.stop()
        both_end(live, reader)
    readers.all_agree(folder / "piped.pcapng", 500)


@pytest.fixture(name="tshark")
def make_tshark(folder):
    """Command of a tshark in whose extcap folder ours stands alone, for the recorder of `folder`.
    Run by root, tshark looks nowhere but in the system's: ours is mounted over that."""
    program = tools.theirs("tshark")
    place = folder / "extcap"
    place.mkdir()
    script = place / "captured-extcap"
    # tshark gives the socket with the options that it was told of, but asks for those without.
    script.write_text(f'#!/bin/sh\ncase "$*" in *--socket*) ;; *) '
                      f'set -- --socket "{folder}/control" "$@" ;; esac\n'
                      f'exec "{tools.ours("capturectl")}" extcap "$@"\n')
    script.chmod(0o755)
    folders = tools.run([program, "-G", "folders"]).stdout
    theirs = re.search(r"^Extcap path:\s*(\S+)$", folders, re.MULTILINE).group(1)
    if not os.path.isdir(theirs):
        pytest.skip("tshark has no extcap folder")
    return lambda *words: ["unshare", "-m", "sh", "-c",
                           'mount --bind "$0" "$1" && shift && exec "$@"', str(place), theirs,
                           program, *words]


def test_tshark_lists_and_captures_from_the_extcap_interface(make_network, folder, tshark):
    setting = Setting(make_network, folder)
    with setting.recorder as recorder:
        command = tshark("-D")
        assert "captured-eth0" in tools.run(command).stdout
        command = tshark("-i", "captured-eth0", "-o",
                         "extcap.captured_eth0.filter:udp dst port 5002", "-w",
                         str(folder / "tshark.pcapng"))
        # pylint: disable=consider-using-with
        viewer = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        setting.wait_viewers(1)
        traffic.send(setting.network, count=2000, rate=10000, size=100, ports="5001,5002")
        wait_packets(folder / "tshark.pcapng", 1000, 100)
        viewer.send_signal(signal.SIGINT)
        _, errors = viewer.communicate(timeout=END_SECONDS)
        assert viewer.returncode == 0, errors
        ledger = recorder.stop()
    assert ledger["eth0"]["stored"] == 2000
    readers.all_agree(folder / "tshark.pcapng", 1000)


def test_tshark_ends_cleanly_when_the_recorder_stops(make_network, folder, tshark):
    setting = Setting(make_network, folder)
    with setting.recorder as recorder:
        command = tshark("-i", "captured", "-w", str(folder / "tshark.pcapng"))
        # pylint: disable=consider-using-with
        viewer = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        setting.wait_viewers(1)
        traffic.send(setting.network, count=500, rate=10000, size=100)
        recorder.stop()
        _, errors = viewer.communicate(timeout=END_SECONDS)
        assert viewer.returncode == 0, errors
    readers.all_agree(folder / "tshark.pcapng", 500)
