# SPDX-License-Identifier: MIT
"""The unit under a real systemd: captured.service, installed as a package would, in a container
that was booted for this. The tests share one machine; each leaves the service as it found it.
"""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from support import process, tools, traffic
from support.machine import Machine, Service
from support.recorder import configuration, sequence_of, verify

CAP_NET_RAW = 1 << 13
EXPOSURE_MAX = 12  # tenths
RINGS = {"size": "2MiB", "block": "64KiB"}
WATCHDOG_SECONDS = 2
WATCHDOG = f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}\n"
STATE = "/var/lib/captured"
TAKEN_OVER = "taken over from the life before"


def config(directory=STATE, stop_timeout="10s", **interface):
    return configuration(
        directory, [{"name": "rx0", "ring": RINGS, **interface}],
        outputs=[{"rotate": {"size": "8MiB"}, "flush_interval": "100ms",
                  "retain": {"size": 0, "free": 0}}],
        stop_timeout=stop_timeout, control={})  # with the socket where it is by default


@pytest.fixture(scope="module", name="machine")
def make_machine(root):  # pylint: disable=unused-argument
    with Machine() as made:
        made.add_link("rx0", "tx0")
        yield made


@pytest.fixture(name="service")
def running_service(machine):
    """Running with the usual configuration and without any file of an earlier test."""
    made = Service(machine)
    made.systemctl("stop", check=False)
    made.systemctl("reset-failed", check=False)
    for path in (STATE, "/data"):
        machine.run(["find", path, "-name", "*.pcapng*", "-delete"])
    made.configure(config())
    if made.systemctl("start", check=False, timeout=30).returncode != 0:
        pytest.fail(made.log()[-4000:])
    yield made


def send(machine, count, **options):
    machine.on_network([tools.ours("send_frames"), "--interface=tx0", f"--count={count}",
                        *[f"--{name}={value}" for name, value in options.items()]])


def files(machine, directory=STATE):
    return sorted(machine.path(directory).glob("*.pcapng"), key=sequence_of)


def wait_files(machine, count, directory=STATE):
    return process.wait_until(
        lambda: files(machine, directory) if len(files(machine, directory)) >= count else None, 10,
        f"{count} finished files in {directory}")


def status(service):
    """What capturectl status tells; it ends with 1 when something is in trouble."""
    done = service.capturectl("status", "--json", check=False)
    assert done.returncode in (0, 1) and done.stdout, done.stderr
    return json.loads(done.stdout)


def all_stored(machine, count, directory=STATE):
    found = traffic.check(*files(machine, directory), first=0, count=count)
    account = found["interfaces"]["rx0"]
    assert account["missing"] == 0 and traffic.flaws(account) == {}


def test_it_starts_says_ready_and_tells_rates_and_drops(machine, service):
    assert service.show("ActiveState") == "active"  # Type=notify: READY was said
    assert service.show("Type") == "notify"
    send(machine, 5000, rate=2000)
    text = process.wait_until(lambda: re.search(r"stored 5000, lost 0", service.show("StatusText"))
                              and service.show("StatusText"), 12, "a status with all frames")
    assert re.search(r"^1 of 1 interface, \d+ packets/s, [\d.]+ Mbit/s, ", text), text
    told = status(service)
    assert told["interfaces"][0]["name"] == "rx0" and told["interfaces"][0]["stored"] == 5000
    output = told["outputs"][0]
    assert output["name"] == "main" and output["directory"] == STATE
    assert machine.path(f"{STATE}/{output['file']}.part").exists()
    shown = service.capturectl("status").stdout
    assert re.search(r"^rx0 +main +recording .* 5000 +0 +0$", shown, re.MULTILINE), shown
    # All of the sandbox could be had, beside what the unit itself forbids.
    assert "the recording goes on without" not in service.log()
    by_field = machine.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-u", service.UNIT,
                            "INTERFACE=rx0"]).stdout
    assert "recorded, with a ring" in by_field, "the journal has the fields of a line"


def test_every_thread_is_its_own_user_with_one_right(machine, service):
    pid = service.pid
    send(machine, 100)
    user, group = machine.run(["id", "-u", "captured"]), machine.run(["id", "-g", "captured"])
    wanted = {"Uid": [user.stdout.strip()] * 4, "Gid": [group.stdout.strip()] * 4,
              "Groups": [group.stdout.strip()], "CapInh": CAP_NET_RAW, "CapPrm": CAP_NET_RAW,
              "CapEff": CAP_NET_RAW, "CapBnd": CAP_NET_RAW, "CapAmb": 0, "NoNewPrivs": ["1"],
              "Seccomp": ["2"]}
    threads = process.of_threads(machine.path(f"/proc/{service.show('MainPID')}/task"), "status")
    assert len(threads) >= 3
    for thread, (status,) in threads.items():
        found = {line.split(":")[0]: line.split()[1:] for line in status.splitlines()}
        for name, value in wanted.items():
            told = int(found[name][0], 16) if name.startswith("Cap") else found[name]
            assert told == value, f"{thread} {found['Name']}: {name} {told}"
    with open(f"/proc/{pid}/limits", encoding="utf-8") as limits:
        assert re.search(r"^Max core file size +0 +0 ", limits.read(), re.MULTILINE)
    assert machine.run(["stat", "-c", "%U %G %a", "/run/captured/control"]).stdout.strip() == \
        "captured captured 660"


def test_who_may_not_write_to_the_socket_may_not_ask(machine, service):
    done = machine.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                        "capturectl", "status"], check=False)
    assert done.returncode == 1 and "permission denied" in done.stderr, done.stderr
    machine.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=captured",
                 "capturectl", "status"])
    assert service.show("ActiveState") == "active"


def test_a_hangup_rotates(machine, service):
    send(machine, 1000)
    service.systemctl("kill", "-s", "HUP")
    wait_files(machine, 1)
    send(machine, 1000, first=1000)
    service.systemctl("kill", "-s", "HUP")
    wait_files(machine, 2)
    service.systemctl("stop")
    all_stored(machine, 2000)
    verify(machine.path(STATE))


def test_a_stop_is_clean(machine, service):
    send(machine, 1000)
    service.systemctl("stop")
    assert service.show("Result") == "success" and service.show("ExecMainStatus") == "0"
    assert service.show("ActiveState") == "inactive"
    assert list(machine.path(STATE).glob("*.part")) == []
    all_stored(machine, 1000)
    verify(machine.path(STATE))
    assert "rx0 filteraccept 1000 stored 1000 osdrop 0 unwritten 0" in service.log()
    assert not machine.path("/run/captured/control").exists()


def test_a_good_reload_is_taken_up_by_the_same_process(machine, service):
    pid = service.show("MainPID")
    send(machine, 1000)
    service.configure(config(filter="udp"))
    service.systemctl("reload", timeout=30)
    assert status(service)["interfaces"][0]["filter"] == "udp"
    send(machine, 1000, first=1000)
    assert service.show("MainPID") == pid and service.show("ActiveState") == "active"
    service.systemctl("stop")
    all_stored(machine, 2000)


def test_a_bad_reload_fails_with_its_errors_and_changes_nothing(machine, service):
    pid = service.show("MainPID")
    service.configure('interfaces:\n  - name: rx0\n    fliter: "udp"\n    snaplen: many\n')
    errors = ["/etc/captured/captured.yaml:3:5: unknown key 'fliter' in interfaces[0]",
              "/etc/captured/captured.yaml:4:14: interfaces[0].snaplen"]
    done = service.systemctl("reload", check=False, timeout=30)
    assert done.returncode != 0, done.stdout
    asked = service.capturectl("reload", check=False)
    assert asked.returncode == 1
    for error in errors:
        assert error in asked.stderr
        assert service.log().count(error) >= 2, "what systemctl reload printed, and the service"
    assert service.show("MainPID") == pid and service.show("ActiveState") == "active"
    send(machine, 1000)
    service.systemctl("stop")
    all_stored(machine, 1000)


def wait_for_another(service, pid, seconds):
    process.wait_until(lambda: service.show("MainPID") not in (pid, "0")
                       and service.show("ActiveState") == "active", seconds,
                       "it was started again")


def restarts(service):
    return int(service.show("NRestarts"))


def test_the_watchdog_is_content_on_a_silent_link(service):
    service.configure(config(), WATCHDOG)
    service.systemctl("restart")
    before = service.show("MainPID"), restarts(service)
    time.sleep(3.5 * WATCHDOG_SECONDS)
    assert (service.show("MainPID"), restarts(service)) == before
    assert service.show("ActiveState") == "active"


def test_the_watchdog_ends_a_process_that_does_nothing(service):
    service.configure(config(), WATCHDOG)
    service.systemctl("restart")
    before = service.show("MainPID")
    service.systemctl("kill", "-s", "STOP")
    wait_for_another(service, before, 10 * WATCHDOG_SECONDS)
    assert "Watchdog timeout" in service.log()


def test_the_watchdog_is_content_with_a_disk_that_hangs(machine, service):
    machine.run(["chown", "captured:captured", "/data"])
    service.configure(config("/data"), WATCHDOG + "ReadWritePaths=/data\n")
    service.systemctl("restart")
    before = service.show("MainPID"), restarts(service)
    send(machine, 1000)
    time.sleep(1)
    machine.freeze()
    try:
        send(machine, 1000, first=1000, rate=1000)
        time.sleep(3.5 * WATCHDOG_SECONDS)
        assert (service.show("MainPID"), restarts(service)) == before
        assert service.show("ActiveState") == "active"
        assert status(service)["interfaces"][0]["osdrop"] == 0
    finally:
        machine.thaw()
    send(machine, 1000, first=2000)
    service.systemctl("stop")
    all_stored(machine, 3000, "/data")
    verify(machine.path("/data"))


def test_of_two_outputs_one_hangs_with_its_disk_and_the_other_has_no_gap(machine, service):
    machine.run(["chown", "captured:captured", "/data"])
    outputs = [{"name": name, "directory": where, "flush_interval": "100ms",
                "retain": {"size": 0, "free": 0}}
               for name, where in (("good", STATE), ("stuck", "/data"))]
    interfaces = [{"name": "rx0", "ring": RINGS, "output": one["name"]} for one in outputs]
    service.configure(configuration(STATE, interfaces, outputs=outputs, control={}),
                      WATCHDOG + "ReadWritePaths=/data\n")
    service.systemctl("restart")
    before = service.show("MainPID"), restarts(service)
    send(machine, 1000)
    time.sleep(1)
    machine.freeze()
    try:
        # Far more than the ring of the output that hangs can hold.
        send(machine, 60_000, first=1000, rate=10_000, size=200)
        time.sleep(2 * WATCHDOG_SECONDS)
        assert (service.show("MainPID"), restarts(service)) == before
        figures = {one["output"]: one for one in status(service)["interfaces"]}
        assert figures["good"]["stored"] == 61_000 and figures["good"]["osdrop"] == 0
        assert figures["stuck"]["osdrop"] > 0
    finally:
        machine.thaw()
    send(machine, 1000, first=61_000)
    service.systemctl("stop")
    found = traffic.check(machine.path(STATE))["interfaces"]["rx0"]
    assert found["packets"] == 62_000 and found["missing"] == 0 and traffic.flaws(found) == {}
    verify(machine.path(STATE))
    verify(machine.path("/data"), losses=True)


def test_a_stop_that_waits_for_a_disk_has_the_time_that_is_configured(machine, service):
    machine.run(["chown", "captured:captured", "/data"])
    service.configure(config("/data", stop_timeout="7s"),
                      "[Service]\nReadWritePaths=/data\nTimeoutStopSec=2s\n")
    service.systemctl("restart")
    machine.run(["dd", "if=/dev/zero", "of=/data/full", "bs=1M"], check=False)
    send(machine, 20_000, size=1000, rate=20_000)
    begun = time.monotonic()
    service.systemctl("stop", check=False)
    took = time.monotonic() - begun
    machine.run(["rm", "/data/full"])
    assert 5 < took < 12, took
    assert service.show("Result") == "exit-code" and service.show("ExecMainStatus") == "1"
    assert "the rest waits in the rings for the next start" in service.log()


def test_it_is_started_again_after_a_kill_however_often(machine, service):
    for _ in range(7):  # systemd's own limit is five in ten seconds
        before = service.show("MainPID")
        service.systemctl("kill", "-s", "KILL")
        wait_for_another(service, before, 10)
    send(machine, 1000)
    service.systemctl("stop")
    all_stored(machine, 1000)


def test_it_is_started_again_after_a_plain_signal_and_its_ring_goes_on(machine, service):
    send(machine, 1000)
    before, taken_over = service.show("MainPID"), service.log().count(TAKEN_OVER)
    machine.run(["kill", "-TERM", before])
    send(machine, 1000, first=1000)
    wait_for_another(service, before, 10)
    assert service.log().count(TAKEN_OVER) == taken_over + 1, "the store was not dropped"
    send(machine, 1000, first=2000)
    service.systemctl("stop")
    time.sleep(1)  # several times RestartSec
    assert service.show("ActiveState") == "inactive", "a stop is one"
    all_stored(machine, 3000)
    verify(machine.path(STATE))


def test_it_writes_nowhere_but_into_its_folders(machine, service):
    stamp = machine.folder / "stamp"
    stamp.touch()
    send(machine, 1000)
    service.systemctl("kill", "-s", "HUP")
    wait_files(machine, 1)
    service.systemctl("restart")
    # All that anybody changed on the machine's disk meanwhile: beside ours, the journal alone.
    changed = tools.run(["find", machine.upper, "-newer", stamp, "-type", "f"]).stdout.split()
    found = ["/" + str(Path(path).relative_to(machine.upper)) for path in changed]
    found = [path for path in found if not path.startswith("/var/log/journal/")]
    # And all that is its own, in memory too.
    found += machine.run(["find", "/run", "/tmp", "/dev", "/var/tmp", "-user", "captured"],
                         check=False).stdout.split()
    assert any(path.endswith(".pcapng") for path in found)
    allowed = rf"^({STATE}|/run/captured)(/|$)"
    assert [path for path in found if not re.match(allowed, path)] == []


def test_with_spare_sockets_it_gives_up_its_last_right(machine, service):
    text = json.dumps({**json.loads(config()), "spare_sockets": 1})
    service.systemctl("stop")
    service.configure(text)
    assert service.systemctl("start", check=False, timeout=30).returncode != 0
    assert "as a service: SystemCallFilter=capset" in service.log()
    service.systemctl("stop")
    service.systemctl("reset-failed", check=False)
    service.configure(text, "[Service]\nSystemCallFilter=capset\n")
    service.systemctl("start", timeout=30)
    lines = machine.path(f"/proc/{service.show('MainPID')}/status").read_text(encoding="utf-8")
    found = dict(line.split(":", 1) for line in lines.splitlines())
    assert all(int(found[f"Cap{one}"], 16) == 0 for one in ("Eff", "Prm", "Inh", "Amb"))
    send(machine, 1000)
    service.systemctl("stop")
    all_stored(machine, 1000)


def test_wireshark_finds_the_installed_helper_and_captures_through_it(machine, service):
    tshark = tools.theirs("tshark")
    tools.theirs("capinfos")
    assert re.search(r"captured-rx0 \(captured: rx0\)", machine.run([tshark, "-D"]).stdout)
    # pylint: disable=consider-using-with
    viewer = subprocess.Popen(
        [tools.theirs("nsenter"), "-t", str(machine.leader), "-a", "timeout", "60", tshark, "-i",
         "captured-rx0", "-c", "50", "-w", "/tmp/extcap.pcapng"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    process.wait_until(lambda: " shown to " in service.log(), 20, "the viewer is served")
    send(machine, 50, rate=1000)
    _, errors = viewer.communicate(timeout=60)
    assert viewer.returncode == 0, errors
    told = machine.run(["capinfos", "-c", "-M", "/tmp/extcap.pcapng"]).stdout
    assert re.search(r"Number of packets: *50$", told, re.MULTILINE), told
    process.wait_until(lambda: status(service)["interfaces"][0]["stored"] == 50, 10, "all stored")


def test_its_exposure_is_small(machine, service):
    machine.run(["systemd-analyze", "security", "--no-pager", f"--threshold={EXPOSURE_MAX}",
                 service.UNIT])
