# SPDX-License-Identifier: MIT
"""The service under a real systemd is killed again and again, at random moments, while numbered
frames come on two interfaces: none is missing, none comes twice, and every file verifies. For
./dev soak; CAPTURED_KILLS and CAPTURED_SEED say how often and when.
"""

import json
import os
import random
import re
import signal
import subprocess
import time

from support import process, tools, traffic
from support.machine import Machine, Service
from support.recorder import configuration

KILLS = int(os.environ.get("CAPTURED_KILLS", "1000"))
SEED = int(os.environ.get("CAPTURED_SEED", "1"))
RATE = 500  # frames a second, on each: all that is sent must fit the machine's small disk
STATE = "/var/lib/captured"
NAMES = {"rx0": "tx0", "rx1": "tx1"}


def config():
    ring = {"size": "32MiB", "block": "64KiB", "timeout": "50ms"}
    return configuration(STATE, [{"name": name, "ring": ring} for name in NAMES], outputs=[
        {"rotate": {"size": "2MiB"}, "flush_interval": "200ms", "retain": {"size": 0, "free": 0}}],
        control={})


def pid_of(service):
    pid = service.show("MainPID")
    return pid if pid != "0" else None


def kill_again_and_again(machine, service):
    moments = random.Random(SEED)
    for _ in range(KILLS):
        pid = process.wait_until(lambda: pid_of(service), 30, "it was started again")
        time.sleep(moments.uniform(0.0, 0.5))
        machine.run(["kill", f"-{signal.SIGKILL.value}", pid], check=False)
        process.wait_until(lambda pid=pid: pid_of(service) != pid, 30, "it is gone")


def test_killed_a_thousand_times_nothing_is_missing_or_comes_twice(
        root):  # pylint: disable=unused-argument
    with Machine() as machine:
        for recorded, sender in NAMES.items():
            machine.add_link(recorded, sender)
        service = Service(machine)
        service.configure(config())
        service.systemctl("start", timeout=60)
        command = [tools.theirs("nsenter"), "-t", str(machine.leader), "-n",
                   tools.ours("send_frames"), "--count=1000000000", f"--rate={RATE}"]
        command += [f"--interface={one}" for one in NAMES.values()]
        with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                              text=True) as sender:
            try:
                kill_again_and_again(machine, service)
            finally:
                sender.send_signal(signal.SIGINT)
            sent = json.loads(sender.communicate(timeout=30)[0])["interfaces"]
        process.wait_until(lambda: service.show("ActiveState") == "active", 30, "it runs")
        time.sleep(1)
        service.systemctl("stop", timeout=60)
        captures = machine.path(STATE)
        space = os.statvfs(captures)
        print(f"{space.f_bavail * space.f_frsize >> 20} MiB left on the disk\n"
              f"{service.log()[-6000:]}")
        assert "No space left" not in service.log(), "the test's disk is too small for it"
        assert list(captures.glob("*.part")) == []
        for path in captures.glob("*.damaged"):
            assert not any(path.read_bytes()), "only what holds nothing is set aside"
        for recorded, sending in NAMES.items():
            count = sent[sending]["sent"]
            account = traffic.check(captures, first=0, count=count)["interfaces"][recorded]
            assert account["missing"] == 0 and traffic.flaws(account) == {}, (recorded, account)
            assert account["packets"] == count
        done = tools.run([tools.ours("capturectl"), "verify", captures], timeout=600, check=False)
        assert re.search(r": 0 faults, \d+ losses$", done.stdout.strip().splitlines()[-1]), \
            done.stdout[-4000:]
