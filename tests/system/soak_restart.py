# SPDX-License-Identifier: MIT
"""The service under a real systemd is killed or restarted again and again, at random moments, also
before it is ready, while numbered frames come on two interfaces, of which one has several rings:
none is missing, none comes twice, every file verifies, and nothing is left behind. For ./dev soak;
CAPTURED_KILLS and CAPTURED_SEED say how often and when.
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
from support.recorder import configuration, nothing_is_left

KILLS = int(os.environ.get("CAPTURED_KILLS", "1000"))
SEED = int(os.environ.get("CAPTURED_SEED", "1"))
RESTARTS = 0.2  # for each kill
BATCH = 100  # after so many the service is stopped and what it recorded is judged
RATE = 2000  # frames a second, on each: what is sent in a batch must fit the machine's small disk
STATE = "/var/lib/captured"
NAMES = {"rx0": "tx0", "rx1": "tx1"}
QUEUES = {"rx0": 1, "rx1": 2}


def config():
    ring = {"size": "32MiB", "block": "64KiB", "timeout": "50ms"}
    return configuration(
        STATE, [{"name": name, "ring": ring, "queues": QUEUES[name]} for name in NAMES],
        outputs=[{"rotate": {"size": "2MiB"}, "flush_interval": "200ms",
                  "retain": {"size": 0, "free": 0}}], control={})


def pid_of(service):
    pid = service.show("MainPID")
    return pid if pid != "0" else None


def end_again_and_again(machine, service, moments, kills):
    ends = ["kill"] * kills + ["restart"] * round(kills * RESTARTS)
    moments.shuffle(ends)
    for end in ends:
        pid = process.wait_until(lambda: pid_of(service), 60, "it was started again")
        # Also while it takes over what the one before left.
        time.sleep(moments.choice([moments.uniform(0.0, 0.1), moments.uniform(0.0, 0.8)]))
        if end == "kill":
            machine.run(["kill", f"-{signal.SIGKILL.value}", pid], check=False)
        else:
            service.systemctl("restart", "--no-block")
        process.wait_until(lambda pid=pid: pid_of(service) != pid, 60, "it is gone")


def send_while(machine, act):
    """Frames numbered from 0 come on both interfaces until `act` is done; how many, by sender."""
    command = [tools.theirs("nsenter"), "-t", str(machine.leader), "-n", tools.ours("send_frames"),
               "--count=1000000000", f"--rate={RATE}", "--flows=64"]
    command += [f"--interface={one}" for one in NAMES.values()]
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                          text=True) as sender:
        try:
            act()
        finally:
            sender.send_signal(signal.SIGINT)
        return json.loads(sender.communicate(timeout=60)[0])["interfaces"]


def judge(captures, sent):
    """What is missing or came twice, of all."""
    missing = repeated = frames = 0
    nothing_is_left(captures)
    for recorded, sending in NAMES.items():
        count = sent[sending]["sent"]
        account = traffic.check(captures, first=0, count=count)["interfaces"][recorded]
        missing += account["missing"]
        repeated += account["repeated"]
        frames += count
        flaws = traffic.flaws(account)
        if QUEUES[recorded] > 1:
            assert len(account["queues"]) == QUEUES[recorded], "the kernel shares the packets"
            flaws.pop("late", None)  # blocks of one ring come behind those of another
        assert account["missing"] == 0 and flaws == {}, (recorded, account)
        assert account["packets"] == count, (recorded, account)
    done = tools.run([tools.ours("capturectl"), "verify", captures], timeout=600, check=False)
    assert re.search(r": 0 faults, \d+ losses$", done.stdout.strip().splitlines()[-1]), \
        done.stdout[-4000:]
    return frames, missing, repeated


def run_batch(machine, service, moments, kills):
    captures = machine.path(STATE)
    service.systemctl("start", timeout=60)
    sent = send_while(machine, lambda: end_again_and_again(machine, service, moments, kills))
    process.wait_until(lambda: service.show("ActiveState") == "active", 60, "it runs")
    time.sleep(1)
    service.systemctl("stop", timeout=60)
    log = service.log()
    assert "No space left" not in log, "the test's disk is too small for it"
    try:
        figures = judge(captures, sent)
    except AssertionError:
        print(log[-20000:])
        raise
    machine.run(["find", STATE, "-type", "f", "-delete"])
    return figures


def test_killed_a_thousand_times_nothing_is_missing_or_comes_twice(
        root):  # pylint: disable=unused-argument
    moments = random.Random(SEED)
    begun = time.monotonic()
    done = 0
    total = [0, 0, 0]
    with Machine() as machine:
        for recorded, sender in NAMES.items():
            machine.add_link(recorded, sender)
        service = Service(machine)
        service.configure(config())
        while done < KILLS:
            kills = min(BATCH, KILLS - done)
            total = [a + b for a, b in zip(total, run_batch(machine, service, moments, kills))]
            done += kills
            print(f"{done} kills: {total[0]} frames sent, {total[1]} missing, {total[2]} repeated, "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
