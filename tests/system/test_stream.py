# SPDX-License-Identifier: MIT
"""A stream beside a recording: the collector gets every packet once and in order; one that dies,
stalls or answers with errors costs the stream packets that are counted, and the recording none."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import certificates, process, tools, traffic
from support.helper import TUN_WRITER, Helper
from support.recorder import Recorder, configuration

PORT = 50051
END_SECONDS = 60


class Collector:
    """capturectl receive, on the recorder's loopback unless said."""

    def __init__(self, network, folder, *options, start=None, listen="127.0.0.1"):
        folder.mkdir(exist_ok=True)
        network.recorded(["ip", "link", "set", "lo", "up"])
        self.process = (start or network.start_recorded)(
            [tools.ours("capturectl"), "receive", "--json", "--listen", f"{listen}:{PORT}",
             *options, str(folder)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert "listening" in self.process.stderr.readline()

    def stop(self, number=signal.SIGINT):
        """Ends it; gives what it says of its streams."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=END_SECONDS)
        return [json.loads(line) for line in out.splitlines()]


class Setting:
    def __init__(self, make_network, folder, *, interface="eth0", more=None, **stream):
        self.folder = folder
        self.network = make_network()
        self.captures = folder / "captures"
        self.socket = folder / "control"
        config = configuration(self.captures, [{"name": interface, "ring": {"timeout": "50ms"}}],
                               control={"socket": str(self.socket)},
                               streams=[{"name": "far", "to": f"http://127.0.0.1:{PORT}",
                                         **stream}], **(more or {}))
        self.recorder = Recorder(self.network, self.captures, config=config)

    def figures(self):
        told = tools.run([tools.ours("capturectl"), "status", "--json", "--socket", self.socket],
                         check=False)
        assert told.stdout, told.stderr
        return json.loads(told.stdout)["streams"][0]

    def shown(self):
        """The line of the stream in the status for people."""
        told = tools.run([tools.ours("capturectl"), "status", "--socket", self.socket],
                         check=False).stdout
        return [line for line in told.splitlines() if line.startswith("stream far: ")]

    def wait_figures(self, condition, what):
        process.wait_until(lambda: condition(self.figures()), END_SECONDS, what, step=0.05)

    def stop(self, count):
        """The recording has all; gives the stream's closing figures, which must balance."""
        self.recorder.signal(signal.SIGTERM)
        assert self.recorder.process.wait(END_SECONDS) == 0
        ledger = self.recorder.logged_ledger("eth0")  # as another user it could write no other
        assert (ledger["stored"], ledger["osdrop"]) == (count, 0)
        found = re.findall(r"offered (\d+), sent (\d+), dropped (\d+), unconfirmed (\d+)",
                           self.recorder.log())
        offered, sent, dropped, unconfirmed = map(int, found[-1])
        assert offered == count
        assert offered == sent + dropped
        return sent, dropped, unconfirmed


def numbers(reports, **expected):
    """What check_frames finds in the files of streams."""
    files = [name for each in reports for name in each["files"]]
    return traffic.check(*files, partial=True, **expected)["interfaces"]["eth0"]


def test_every_packet_arrives_once_and_in_order(make_network, folder):
    count = 1_000_000
    setting = Setting(make_network, folder, queue="512MiB")  # of a machine that is slow, too
    collector = Collector(setting.network, folder / "got")
    with setting.recorder:
        traffic.send(setting.network, count=count, rate=100_000, size=80)
        setting.wait_figures(lambda now: now["sent"] == count, "all is sent")
        assert setting.shown() == [f"stream far: connected to http://127.0.0.1:{PORT}; offered "
                                   f"{count}, sent {count}, dropped 0, waiting 0"]
        assert setting.stop(count) == (count, 0, 0)
    (report,) = collector.stop()
    assert report["complete"]
    got = numbers([report], first=0, count=count)
    assert (got["packets"], got["missing"], traffic.flaws(got)) == (count, 0, {})


def test_a_collector_that_dies_and_comes_back_costs_the_stream_alone(make_network, folder):
    count = 100_000
    setting = Setting(make_network, folder)
    first = Collector(setting.network, folder / "first")
    with setting.recorder:
        with traffic.Sender(setting.network, count=count, rate=20_000, size=80) as sender:
            setting.wait_figures(lambda now: now["sent"] > 10_000, "some are sent")
            first.process.kill()
            first.process.communicate()
            setting.wait_figures(lambda now: not now["connected"], "its end is noticed")
            second = Collector(setting.network, folder / "second")
            sender.wait()
        setting.wait_figures(lambda now: now["waiting"] == 0, "the rest is sent")
        sent, _, unconfirmed = setting.stop(count)
    reports = second.stop()
    got = numbers(reports, first=0, count=count)
    assert traffic.flaws(got) == {}
    # What the second one got and what went into the broken connection are together what was sent.
    assert got["packets"] == sent - unconfirmed
    assert got["packets"] > count // 4


def test_a_collector_that_stalls_costs_the_stream_alone(make_network, folder):
    count, size = 60_000, 800  # 48 MB, and the queue holds one
    setting = Setting(make_network, folder, queue="1MiB")
    collector = Collector(setting.network, folder / "got")
    with setting.recorder:
        setting.wait_figures(lambda now: now["connected"], "it is connected")
        collector.process.send_signal(signal.SIGSTOP)
        traffic.send(setting.network, count=count, rate=30_000, size=size)
        setting.wait_figures(lambda now: now["dropped"] > 0, "some are dropped")
        collector.process.send_signal(signal.SIGCONT)
        setting.wait_figures(lambda now: now["waiting"] == 0, "the rest is sent")
        sent, dropped, unconfirmed = setting.stop(count)
    reports = collector.stop()
    got = numbers(reports, first=0, count=count)
    assert traffic.flaws(got) == {}
    assert dropped > 0 and unconfirmed == 0
    assert got["packets"] == sent


def test_a_collector_that_answers_with_errors_costs_the_stream_alone(make_network, folder):
    count = 5_000
    setting = Setting(make_network, folder)
    collector = Collector(setting.network, folder / "got", "--message-max", "10")
    with setting.recorder:
        traffic.send(setting.network, count=count, rate=10_000, size=80)
        process.wait_until(lambda: "larger than max" in setting.recorder.log(), END_SECONDS,
                           "the reason is told")
        begun = time.monotonic()
        _, _, unconfirmed = setting.stop(count)
        assert unconfirmed > 0
        assert time.monotonic() - begun < 30, "a stop does not wait for ever for a collector"
    collector.stop()


def test_a_million_packets_through_every_kind_of_trouble_in_one_life(make_network, folder):
    """At 100,000 a second: the collector is killed and comes back, stalls for ten seconds, answers
    with errors, and is well again. The recording has all, the stream's ledger is exact, and what
    the collectors got, they got once and in order."""
    count = 1_000_000
    setting = Setting(make_network, folder, queue="8MiB")
    reports = []
    with setting.recorder:
        collector = Collector(setting.network, folder / "first")
        with traffic.Sender(setting.network, count=count, rate=100_000, size=80) as sender:
            setting.wait_figures(lambda now: now["sent"] > 50_000, "some are sent")
            collector.process.kill()
            collector.process.communicate()
            setting.wait_figures(lambda now: not now["connected"], "its end is noticed")
            collector = Collector(setting.network, folder / "refusing", "--message-max", "10")
            process.wait_until(lambda: "larger than max" in setting.recorder.log(), END_SECONDS,
                               "errors are answered")
            reports += collector.stop()
            collector = Collector(setting.network, folder / "stalling")
            before = setting.figures()["sent"]
            setting.wait_figures(lambda now: now["connected"] and now["sent"] > before,
                                 "it goes on")
            collector.process.send_signal(signal.SIGSTOP)
            time.sleep(10)
            collector.process.send_signal(signal.SIGCONT)
            sender.wait()
        setting.wait_figures(lambda now: now["waiting"] == 0, "the rest is sent")
        sent, dropped, unconfirmed = setting.stop(count)
    reports += collector.stop()
    recorded = traffic.check(setting.captures, first=0, count=count)["interfaces"]["eth0"]
    assert (recorded["missing"], traffic.flaws(recorded)) == (0, {})
    assert sent + dropped == count and dropped > 0 and unconfirmed > 0
    got = numbers(reports, first=0, count=count)
    assert traffic.flaws(got) == {}
    assert got["packets"] == sent - unconfirmed


def send_over_loopback(network, count):
    script = ("import socket, time\nto = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
              f"for _ in range({count}):\n    to.sendto(bytes(100), ('127.0.0.1', 9))\n"
              "    time.sleep(0.0005)\n")
    network.recorded([sys.executable, "-c", script])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_its_own_traffic_is_not_captured(make_network, folder, host):
    count = 2000
    setting = Setting(make_network, folder, interface="lo", to=f"http://{host}:{PORT}")
    collector = Collector(setting.network, folder / "got")
    with setting.recorder as recorder:
        # From the beginning, or changed for a name when that is connected later.
        filtered = re.compile("the filter not .host 127.0.0.1 and tcp port|there was no filter")
        process.wait_until(lambda: filtered.search(recorder.log()), END_SECONDS,
                           "they are left out")
        setting.wait_figures(lambda now: now["connected"], "it is connected")
        send_over_loopback(setting.network, count)
        setting.wait_figures(lambda now: now["sent"] >= count, "all is sent")
        ledger = recorder.stop(timeout=END_SECONDS)
    (report,) = collector.stop()
    # Of a name the address is known when the connection is made, with the packets of which it is
    # made; and the kernel answers each of the datagrams, as nobody listens there.
    assert 2 * count <= ledger["lo"]["stored"] < 2 * count + 100
    assert 2 * count <= report["packets"] < 2 * count + 100


TLS_FAULTS = {
    "another name": {"name": "somebody.else"},
    "another authority": {"authorities": "other.pem"},
    "no certificate of ours": {"certificate": None, "key": None},
}


def tls_setting(make_network, folder, **changes):
    """A recorder that gives up root's rights, in its sandbox, and a stream over TLS."""
    certificates.make(folder)
    folder.chmod(0o777)
    files = {"authorities": "ca.pem", "certificate": "client.pem", "key": "client.key", **changes}
    tls = {name: str(folder / file) for name, file in files.items() if file and name != "name"}
    made = Setting(make_network, folder, more={"user": "nobody"}, to=f"https://127.0.0.1:{PORT}",
                   tls={"name": changes.get("name", certificates.NAME), **tls})
    made.captures.chmod(0o777)
    return made


def tls_collector(setting):
    at = setting.folder
    return Collector(setting.network, at / "got", "--certificate", at / "server.pem", "--key",
                     at / "server.key", "--authorities", at / "ca.pem")


def test_over_tls_both_prove_who_they_are_behind_the_sandbox(make_network, folder):
    count = 20_000
    setting = tls_setting(make_network, folder)
    collector = tls_collector(setting)
    with setting.recorder as recorder:
        assert "Seccomp:\t2" in Path(f"/proc/{recorder.process.pid}/status").read_text("utf-8")
        traffic.send(setting.network, count=count, rate=20_000, size=80)
        setting.wait_figures(lambda now: now["sent"] == count, "all is sent")
        assert setting.stop(count) == (count, 0, 0)
        assert "the recording goes on without" not in recorder.log()
    (report,) = collector.stop()
    assert report["complete"]
    got = numbers([report], first=0, count=count)
    assert (got["packets"], got["missing"], traffic.flaws(got)) == (count, 0, {})


@pytest.mark.parametrize("fault", TLS_FAULTS)
def test_over_tls_nobody_else_gets_a_packet(make_network, folder, fault):
    count = 1000
    setting = tls_setting(make_network, folder, **TLS_FAULTS[fault])
    collector = tls_collector(setting)
    with setting.recorder as recorder:
        traffic.send(setting.network, count=count, rate=20_000, size=80)
        setting.wait_figures(lambda now: now["trouble"], "the trouble is told")
        sent, _, unconfirmed = setting.stop(count)
        assert re.search(r"stream=far.*127\.0\.0\.1|127\.0\.0\.1.*tried again", recorder.log())
    assert collector.stop() == []
    assert sent == unconfirmed


def test_an_interface_that_comes_back_as_another_kind_is_described_anew(make_network, folder):
    setting = Setting(make_network, folder, all_link_types=True)
    network = setting.network
    collector = Collector(network, folder / "got")
    with setting.recorder as recorder:
        traffic.send(network, count=1000, rate=10_000, size=80)
        setting.wait_figures(lambda now: now["sent"] == 1000, "the first are sent")
        network.remove_link(network.links[0])
        with Helper(network, TUN_WRITER, "eth0", "500") as tun:
            assert tun.hear() == "open"
            process.wait_until(lambda: recorder.log().count("recorded, with a ring") == 2,
                               END_SECONDS, "it is recorded again")
            tun.say()
            assert tun.hear() == "done"
            setting.wait_figures(lambda now: now["sent"] == 1500, "the rest is sent")
            ledger = recorder.stop(timeout=END_SECONDS)
    (report,) = collector.stop()
    assert ledger["eth0"]["stored"] == 1500
    told = tools.run([tools.ours("capturectl"), "info", "--json", *report["files"]]).stdout
    interfaces = json.loads(told)["files"][0]["interfaces"]
    assert [(each["name"], each["link_type"], each["packets"]) for each in interfaces] == \
        [("eth0", 1, 1000), ("eth0", 101, 500)]
