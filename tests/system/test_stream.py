# SPDX-License-Identifier: MIT
"""A stream beside a recording: the collector gets every packet once and in order; one that dies,
stalls or answers with errors costs the stream packets that are counted, and the recording none."""

import json
import signal
import subprocess
import time

from support import process, tools, traffic
from support.helper import TUN_WRITER, Helper
from support.streaming import END_SECONDS, PORT, Collector, Setting, numbers


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


def test_an_interface_of_two_outputs_is_streamed_on_when_the_first_of_them_ends(
        make_network, folder):
    count = 10_000
    setting = Setting(make_network, folder, outputs=("a", "b"))
    collector = Collector(setting.network, folder / "got")
    with setting.recorder as recorder, open(folder / "live.pcapng", "wb") as shown:
        setting.wait_figures(lambda now: now["connected"], "it is connected")
        with subprocess.Popen([tools.ours("capturectl"), "live", "--socket", str(setting.socket)],
                              stdout=shown, stderr=subprocess.PIPE, text=True) as viewer:
            process.wait_until(lambda: " shown to " in recorder.log(), END_SECONDS, "it is shown")
            with traffic.Sender(setting.network, count=count, rate=2000, size=80) as sender:
                setting.wait_figures(lambda now: now["offered"] > 2000, "some are streamed")
                setting.reload(("b",))
                sender.wait()
            # A packet of the very moment of the change may come twice or not at all: each ring has
            # its own times.
            setting.wait_figures(lambda now: now["sent"] >= count - 1, "all is sent")
            ledger = recorder.stop(timeout=END_SECONDS)
            _, said = viewer.communicate(timeout=END_SECONDS)
    (report,) = collector.stop()
    assert ledger["eth0@b"]["stored"] == count
    assert ledger["eth0@a"]["stored"] < count, "it ended before"
    assert viewer.returncode == 0, said
    for got in (numbers([report], first=0, count=count),
                traffic.check(folder / "live.pcapng", first=0, count=count,
                              partial=True)["interfaces"]["eth0"]):
        assert got["missing"] + got["repeated"] <= 1
        assert {name: number for name, number in traffic.flaws(got).items()
                if name not in ("repeated", "late")} == {}


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
