# SPDX-License-Identifier: MIT
"""Started by hand: which rights the process keeps, in every thread, before it says that it is
ready; and what its control socket makes of those who ask.
"""

import json
import os
import pwd
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from support import process, tools, traffic
from support.recorder import Recorder, configuration, verify

CAP_DAC_OVERRIDE = 1 << 1
CAP_NET_RAW = 1 << 13
USER = "nobody"
NOBODY = pwd.getpwnam(USER)


def rights(pid):
    """Of every thread: user, group, effective and permitted capabilities, what it could get, and
    whether its calls are filtered."""
    found = set()
    for (status,) in process.of_threads(f"/proc/{pid}/task", "status").values():
        values = {line.split(":")[0]: line.split()[1:] for line in status.splitlines()}
        found.add((*map(int, values["Uid"]), *map(int, values["Gid"]),
                   *(int(values[name][0], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb",
                                                           "CapBnd")),
                   int(values["NoNewPrivs"][0]), int(values["Seccomp"][0])))
    assert len(os.listdir(f"/proc/{pid}/task")) >= 3, "the threads that write are there"
    return found


def who(user, group, capabilities, bound=0):
    return {(*[user] * 4, *[group] * 4, capabilities, capabilities, 0, 0, bound, 1, 2)}


def is_closed(pid):
    """No core dumps, and nobody of its user may look into it: its files in /proc are root's."""
    with open(f"/proc/{pid}/limits", encoding="utf-8") as limits:
        core = [line for line in limits if line.startswith("Max core file size")][0]
    return os.stat(f"/proc/{pid}/environ").st_uid == 0 and core.split()[4:6] == ["0", "0"]


@pytest.fixture(name="place")
def open_folder(folder):
    """A folder that everybody may pass through: the tests' own is closed to others."""
    folder.chmod(0o755)
    return folder


def test_root_becomes_the_user_and_gives_him_the_folders_that_it_made(make_network, place):
    network = make_network()
    theirs = place / "theirs"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o777)
    captures = theirs / "new" / "captures"
    config = configuration(captures, ["eth0"], user=USER,
                           control={"socket": str(place / "run" / "control")})
    with Recorder(network, theirs, config=config) as recorder:
        pid = recorder.process.pid
        assert rights(pid) == who(NOBODY.pw_uid, NOBODY.pw_gid, CAP_NET_RAW)
        assert is_closed(pid)
        traffic.send(network, count=1000)
        recorder.signal(signal.SIGTERM)
        assert recorder.process.wait(20) == 0
    assert recorder.logged_ledger("eth0")["stored"] == 1000
    verify(captures)
    for made in (captures, captures.parent, place / "run", *captures.iterdir()):
        assert made.stat().st_uid == NOBODY.pw_uid, made
    assert theirs.stat().st_uid == 0, "it was there before"
    assert "as root" not in recorder.log()


def test_root_without_a_user_says_so_and_keeps_what_writing_needs(make_network, place):
    network = make_network()
    captures = place / "captures"
    captures.mkdir(mode=0o700)
    os.chown(captures, NOBODY.pw_uid, NOBODY.pw_gid)
    with Recorder(network, captures, options=["-i", "eth0", "-d", captures]) as recorder:
        pid = recorder.process.pid
        assert rights(pid) == who(0, 0, CAP_NET_RAW | CAP_DAC_OVERRIDE)
        assert is_closed(pid)
        process.wait_until(lambda: "running as root" in recorder.log(), 5, "it says so")
        traffic.send(network, count=1000)
        assert recorder.stop()["eth0"]["stored"] == 1000
    assert recorder.log().count("running as root") == 1
    verify(captures)


def test_a_user_with_more_rights_than_it_needs_keeps_one(make_network, place):
    network = make_network()
    captures = place / "captures"
    captures.mkdir()
    os.chown(captures, NOBODY.pw_uid, NOBODY.pw_gid)
    program = shutil.copy(tools.ours("captured"), place / "captured")
    running = network.start_recorded(
        ["setpriv", f"--reuid={USER}", f"--regid={NOBODY.pw_gid}", "--clear-groups",
         "--inh-caps=+net_raw,+net_admin,+setpcap", "--ambient-caps=+net_raw,+net_admin,+setpcap",
         program, "-i", "eth0", "-d", captures])
    try:
        process.wait_until(lambda: list(captures.glob("*.part")), 10, "it records")
        assert rights(running.pid) == who(NOBODY.pw_uid, NOBODY.pw_gid, CAP_NET_RAW)
        assert is_closed(running.pid)
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


@pytest.mark.parametrize("capabilities, options, named", [
    ("-all", [], ["CAP_NET_RAW", "--user", "systemctl"]),
    ("+net_raw", ["--user", "root"], ["user root", "only root"]),
])
def test_a_user_who_may_not_is_told_what_and_how(make_network, place, capabilities, options, named):
    program = place / "captured"
    network = make_network()
    shutil.copy(tools.ours("captured"), program)
    done = network.recorded(
        ["setpriv", f"--reuid={USER}", f"--regid={NOBODY.pw_gid}", "--clear-groups",
         f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}", program, "-i", "eth0",
         "-d", place / "captures", *options], check=False)
    said = done.stderr.strip().splitlines()
    assert done.returncode == 1 and len(said) == 1, done.stderr
    assert all(word in said[0] for word in named), said
    assert not (place / "captures").exists()


def test_a_user_who_is_not_there_is_named(make_network, place):
    done = make_network().recorded([tools.ours("captured"), "-i", "eth0", "-d", place / "captures",
                                    "--user", "no-such-user"], check=False)
    assert done.returncode == 1 and "no-such-user" in done.stderr
    assert not (place / "captures").exists()


def test_the_sandbox_keeps_a_reload_from_what_lies_outside(make_network, place):
    network = make_network()
    inside, outside = place / "disk" / "captures", place / "elsewhere"
    outside.mkdir()
    control = place / "control"

    def text(directory):
        return configuration(directory, ["eth0"], control={"socket": str(control)})
    with Recorder(network, inside, config=text(inside)) as recorder:
        assert "sandbox" not in recorder.log() and "this kernel" not in recorder.log()
        traffic.send(network, count=1000)
        for directory, good in ((outside, False), (inside.parent / "new", True)):
            recorder.config_path.write_text(text(directory), encoding="utf-8")
            done = tools.run([tools.ours("capturectl"), "reload", "--socket", control],
                             check=False)
            assert (done.returncode == 0) == good, done.stderr
            named = f"output main: directory {directory} lies outside of what this captured may"
            assert (named in done.stderr) != good, done.stderr
        traffic.send(network, count=1000, first=1000)
        assert recorder.stop()["eth0"]["stored"] == 2000
    assert list(outside.iterdir()) == []
    verify(inside, inside.parent / "new")


def test_without_any_right_spare_sockets_record_what_comes_and_goes(make_network, place):
    network = make_network(2)
    control = place / "run" / "control"

    def text(*interfaces):
        return configuration(place / "captures", list(interfaces), user=USER, spare_sockets=2,
                             control={"socket": str(control)})
    (place / "captures").mkdir()
    os.chown(place / "captures", NOBODY.pw_uid, NOBODY.pw_gid)
    first = text({"name": "eth0", "filter": "udp"}, "eth1")
    with Recorder(network, place / "captures", config=first) as recorder:
        recorder.config_path.parent.chmod(0o755)
        assert rights(recorder.process.pid) == who(NOBODY.pw_uid, NOBODY.pw_gid, 0)
        traffic.send(network, count=1000)

        def reload(*interfaces):
            recorder.config_path.write_text(text(*interfaces), encoding="utf-8")
            return tools.run([tools.ours("capturectl"), "reload", "--socket", control],
                             check=False)
        assert reload({"name": "eth0", "filter": "udp or tcp"}, "eth1").returncode == 0
        refused = reload({"name": "eth0", "filter": "vlan 7"}, "eth1")
        assert refused.returncode == 1
        assert "without CAP_NET_RAW (spare_sockets) filters cannot test for VLANs" in refused.stderr
        # Another ring size is another ring, on the socket that became free.
        for size in ("4MiB", "8MiB", "4MiB"):
            done = reload({"name": "eth0", "filter": "udp", "ring": {"size": size}}, "eth1")
            assert done.returncode == 0, done.stderr
        process.wait_until(lambda: recorder.log().count("recorded, with a ring of") >= 5, 10,
                           "it is recorded again")
        reload({"name": "eth0"}, "eth1", {"name": "lo"})
        assert "too few" in reload("eth0", "eth1", "lo").stderr
        # With its ring as it was at first, eth0 is opened anew; lo must not get its socket.
        assert reload("eth?").returncode == 0
        process.wait_until(lambda: recorder.log().count("recorded, with a ring of") >= 6, 10,
                           "it is recorded again")
        assert reload("eth?", "lo").returncode == 0
        process.wait_until(lambda: "all 2 spare sockets are in use" in recorder.log(), 10,
                           "it says that there are no more")
        traffic.send(network, count=1000, first=1000)
        recorder.signal(signal.SIGTERM)
        assert recorder.process.wait(20) == 1, "lo is required, and was not recorded"
    assert recorder.logged_ledger("eth0")["stored"] == 2000
    verify(place / "captures")


def test_the_sandbox_can_be_left_out(make_network, place):
    network = make_network()
    config = configuration(place / "captures", ["eth0"], sandbox="off")
    with Recorder(network, place / "captures", config=config) as recorder:
        assert {one[-1] for one in rights(recorder.process.pid)} == {0}
        recorder.stop()


def ask(path, octets, timeout=5):
    """Sends octets; returns what comes back until a line's end, or the connection's."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        client.connect(str(path))
        try:
            client.sendall(octets)
            answer = b""
            while not answer.endswith(b"\n"):
                piece = client.recv(65536)
                if not piece:
                    break
                answer += piece
        except (BrokenPipeError, ConnectionResetError):
            return b""
        return answer


def test_hostile_clients_get_errors_and_harm_nothing(make_network, folder):
    network = make_network()
    control = folder / "control"
    config = configuration(folder / "captures", ["eth0"], control={"socket": str(control)})
    with Recorder(network, folder / "captures", config=config) as recorder:
        with traffic.Sender(network, count=20_000, rate=5000) as sender:
            for octets in (b"\n", b"{}\n", b"\xff\x00\xfe\n", b"[" * 10_000 + b"\n", b"x" * 100_000,
                           b'{"request":"nonsense"}\n', b'{"request":{}}\n',
                           os.urandom(4096) + b"\n"):
                for answer in ask(control, octets).splitlines():
                    assert json.loads(answer)["ok"] is False, answer
            clients = [socket.socket(socket.AF_UNIX) for _ in range(200)]
            for client in clients:
                client.setblocking(False)
                try:
                    client.connect(str(control))
                except BlockingIOError:
                    pass  # its queue is full: these wait outside
            time.sleep(0.5)
            for client in clients:
                client.close()

            def told():
                done = tools.run([tools.ours("capturectl"), "status", "--json", "--socket",
                                  control], check=False)
                return json.loads(done.stdout) if done.returncode == 0 else None
            status = process.wait_until(told, 10, "it answers again", step=0.2)
            sender.wait()
        assert status["interfaces"][0]["name"] == "eth0"
        assert recorder.stop()["eth0"]["stored"] == 20_000
    assert not control.exists()


def test_a_second_recorder_leaves_the_socket_of_the_first_alone(make_network, folder):
    network = make_network()
    control = folder / "control"
    first = configuration(folder / "a", ["eth0"], control={"socket": str(control)})
    second = configuration(folder / "b", ["eth0"], control={"socket": str(control)})
    with Recorder(network, folder / "a", config=first) as one:
        with Recorder(network, folder / "b", config=second) as other:
            assert "another captured listens there" in other.log()
            other.stop()
        told = tools.run([tools.ours("capturectl"), "status", "--json", "--socket", control])
        assert json.loads(told.stdout)["pid"] == one.process.pid
        one.kill()
    with Recorder(network, folder / "b", config=second) as other:  # what was killed left it behind
        tools.run([tools.ours("capturectl"), "status", "--socket", control])
        other.stop()
