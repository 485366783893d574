# SPDX-License-Identifier: MIT
"""To whom a stream beside a recording sends, and what it leaves out: its own packets and no others,
over TLS to nobody but those who prove who they are, and to collectors that are none of ours."""

import re
import sys
from pathlib import Path

import pytest

from support import certificates, process, readers, records, tools, traffic
from support.streaming import END_SECONDS, PORT, Collector, PythonCollector, Setting, numbers


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
        filtered = re.compile(r"the filter not \(greater 54 and \(host 127.0.0.1 and tcp port|"
                              "there was no filter")
        process.wait_until(lambda: filtered.search(recorder.log()), END_SECONDS,
                           "they are left out")
        setting.wait_figures(lambda now: now["connected"], "it is connected")
        send_over_loopback(setting.network, count)
        setting.wait_figures(lambda now: now["sent"] >= count, "all is sent")
        ledger = recorder.stop(timeout=END_SECONDS)
    (report,) = collector.stop()
    own = sum(len(readers.tshark(each, "-Y", f"tcp.port == {PORT}").splitlines())
              for each in recorder.files())
    # The kernel answers each of the datagrams, as nobody listens there.
    assert ledger["lo"]["stored"] == 2 * count + own
    if host == "127.0.0.1":
        assert (own, report["packets"]) == (0, 2 * count)
    else:
        # Of a name the address is known when the connection is made, with the packets of which it
        # is made; some may be streamed before that is known.
        assert own < 100
        assert 2 * count <= report["packets"] <= 2 * count + own


SHORT_FRAMES = """import socket
to = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
to.bind(("eth0", 0))
for kind in (b"\\x08\\x00", b"\\x86\\xdd"):
    for size in range(20, 54):
        to.send((bytes(12) + kind + b"\\x45" + bytes(8) + b"\\x06" + bytes(40))[:size])
"""


def test_frames_that_are_too_short_for_what_its_filter_reads_are_recorded(make_network, folder):
    setting = Setting(make_network, folder)
    with setting.recorder:
        assert "the filter not (greater 54 and (host 127.0.0.1" in setting.recorder.log()
        setting.network.sending([sys.executable, "-c", SHORT_FRAMES])
        setting.wait_figures(lambda now: now["offered"] == 68, "all were shown")
        setting.stop(68)


TLS_FAULTS = {
    "another name": {"name": "somebody.else"},
    "another authority": {"authorities": "other.pem"},
    "no certificate of ours": {"certificate": None, "key": None},
}


TLS_REASONS = {
    "another name": "Peer name somebody.else is not in peer certificate; tried again",
    "another authority": "certificate verify failed; tried again",
    # Told behind a handshake that was well for the client: it sees that the collector hangs up.
    "no certificate of ours": "(Socket closed|Connection reset by peer); tried again",
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
        process.wait_until(lambda: re.search(TLS_REASONS[fault], recorder.log()), END_SECONDS,
                           "the reason is told")
        assert setting.figures()["connections"] == 0
        sent, _, unconfirmed = setting.stop(count)
    assert collector.stop() == []
    assert sent == unconfirmed


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_collector_that_is_none_of_ours_gets_what_the_recording_has(
        make_network, folder, encrypted):
    count = 20_000
    setting = (tls_setting if encrypted else Setting)(make_network, folder)
    collector = PythonCollector(setting.network, *([folder] if encrypted else []))
    with setting.recorder as recorder:
        traffic.send(setting.network, count=count, rate=10_000, size="mix", vlan="0x8100:3:100")
        setting.wait_figures(lambda now: now["sent"] == count, "all is sent")
        assert setting.stop(count) == (count, 0, 0)
        (recorded,) = recorder.files()
    got = collector.got()
    tools.run([tools.ours("capturectl"), "convert", "-q", "-F", "pcap-us", recorded,
               folder / "recorded.pcap"])
    expected = [(each.time_ns // 10**9, each.time_ns // 1000 % 10**6, len(each.data), each.original,
                 each.data) for each in records.pcap(folder / "recorded.pcap")[2]]
    assert got == {"packets": count, "digest": records.digest(expected)}
