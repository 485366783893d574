# SPDX-License-Identifier: MIT
"""Rings that outlive the recorder in a service manager's store: killed at any moment or restarted,
no frame is missing and none comes twice.
"""

import os
import random
import re
import signal
import time

import pytest

from support import process, tools, traffic
from support.manager import Manager
from support.recorder import STOP_SECONDS, Recorder, configuration, nothing_is_left

# So many for the long form, which ./dev soak runs.
KILLS = int(os.environ.get("CAPTURED_KILLS", "12"))
RESTARTS = KILLS // 4
STOPPED_EARLY = KILLS // 3  # before it is ready, perhaps before it hears signals at all


def config(captures, names, **rest):
    ring = {"size": "32MiB", "block": "64KiB", "timeout": "50ms"}
    return configuration(
        captures, [{"name": name, "ring": ring, **rest.get("interface", {})} for name in names],
        outputs=[{"rotate": {"size": "4MiB"}, "flush_interval": "200ms",
                  **rest.get("output", {})}], **rest.get("top", {}))


@pytest.fixture(name="manager")
def a_manager(root):  # pylint: disable=unused-argument
    with Manager() as made:
        yield made


def wait_kept(manager, *names, queues=1):
    wanted = {f"ring-{name}@main@{queue}" for name in names for queue in range(queues)}
    process.wait_until(lambda: set(manager.names) == wanted, 10, f"the manager keeps {wanted}")


def verify_chain(captures):
    """Files may say that octets were cut off, but none is at fault, and none is missing."""
    done = tools.run([tools.ours("capturectl"), "verify", captures], timeout=300, check=False)
    assert re.search(r": 0 faults, \d+ losses$", done.stdout.strip().splitlines()[-1]), done.stdout


def all_there(captures, sent, queues=1):
    """`sent` tells how many frames each interface got, numbered from 0."""
    for name, count in sent.items():
        account = traffic.check(captures, first=0, count=count)["interfaces"][name]
        flaws = traffic.flaws(account)
        if queues > 1:
            assert len(account["queues"]) == queues, "the kernel shares the packets between all"
            flaws.pop("late", None)  # blocks of one ring come behind those of another
        assert account["missing"] == 0 and flaws == {}, (name, account)
        assert account["packets"] == count, (name, account)


@pytest.mark.parametrize("queues", [1, 3])
def test_killed_and_restarted_at_any_moment_no_frame_is_missing_or_comes_twice(
        make_network, manager, folder, queues):
    network = make_network(2)
    captures = folder / "captures"
    text = config(captures, network.names, interface={"queues": queues})
    moments = random.Random(int(os.environ.get("CAPTURED_SEED", "20260301")))
    starter = manager.of(network)
    life = Recorder(starter, captures, config=text).wait_ready()
    wait_kept(manager, *network.names, queues=queues)
    ends = ["kill"] * KILLS + ["restart"] * RESTARTS + ["stop early"] * STOPPED_EARLY
    moments.shuffle(ends)
    with traffic.Sender(network, count=100_000_000, rate=10_000, size="mix", flows=64) as sender:
        for end in ends:
            time.sleep(moments.uniform(0.0, 0.6 if end == "kill" else 0.1))
            if end == "kill":
                life.kill()
            elif end == "restart":
                life.wait_ready()
                life.stop()
            else:
                life.signal(signal.SIGTERM)
                assert life.process.wait(STOP_SECONDS) in (0, 1, -signal.SIGTERM), life.log()
            time.sleep(moments.uniform(0.0, 0.2))
            life = Recorder(starter, captures, config=text)
        sent = sender.stop()["interfaces"]
    sent = {name: one["sent"] for name, one in sent.items()}
    life.wait_ready()
    time.sleep(0.5)
    life.stop()
    wait_kept(manager, *network.names, queues=queues)
    assert set(manager.names.values()) == {2}, "socket and journal of each, once"
    nothing_is_left(captures)
    all_there(captures, sent, queues)
    verify_chain(captures)


def test_a_number_of_queues_that_has_changed_closes_the_rings(make_network, manager, folder):
    network = make_network()
    captures = folder / "captures"
    starter = manager.of(network)
    for queues, waiting in [(2, 0), (1, 300), (3, 300)]:
        text = config(captures, network.names, interface={"queues": queues})
        with Recorder(starter, captures, config=text) as recorder:
            wait_kept(manager, "eth0", queues=queues)
            said = re.search(r"its ring was made with other options: the ring that the life before "
                             r"left is closed; (\d+) packets", recorder.log())
            assert (int(said.group(1)) if said else 0) == waiting
            recorder.stop()
        traffic.send(network, count=300, rate=50_000, flows=64)


def test_a_ring_that_does_not_fit_any_more_is_closed_and_its_packets_are_said_to_be_lost(
        make_network, manager, folder):
    network = make_network()
    captures = folder / "captures"
    starter = manager.of(network)
    with Recorder(starter, captures, config=config(captures, network.names)) as recorder:
        wait_kept(manager, "eth0")
        recorder.stop()
    traffic.send(network, count=500, rate=50_000)
    text = config(captures, network.names, interface={"filter": "udp"})
    with Recorder(starter, captures, config=text) as recorder:
        assert re.search(r"has another filter: the ring that the life before left is closed; "
                         r"500 packets", recorder.log())
        wait_kept(manager, "eth0")
        traffic.send(network, first=500, count=100, rate=50_000)
        ledger = recorder.stop()
    assert ledger["eth0"]["stored"] == 100 and ledger["eth0"]["osdrop"] == 0


def test_a_stream_that_comes_or_goes_leaves_the_ring_as_it_is(make_network, manager, folder):
    network = make_network()
    captures = folder / "captures"
    starter = manager.of(network)
    streams = [{"name": "far", "to": "http://127.0.0.1:9", "interface": "eth0"}]
    for life, top in enumerate([{}, {"streams": streams}, {}]):
        text = config(captures, network.names, top=top)
        with Recorder(starter, captures, config=text) as recorder:
            wait_kept(manager, "eth0")
            waited = re.search(r"taken over from the life before, with (\d+) packets",
                               recorder.log())
            assert (int(waited.group(1)) if waited else 0) == (300 if life else 0)
            recorder.stop()
        traffic.send(network, first=300 * life, count=300, rate=50_000)
    with Recorder(starter, captures, config=config(captures, network.names)) as recorder:
        wait_kept(manager, "eth0")
        recorder.stop()
    all_there(captures, {"eth0": 900})


def test_what_came_while_no_recorder_ran_is_recorded_and_counted_by_the_next(
        make_network, manager, folder):
    network = make_network()
    captures = folder / "captures"
    starter = manager.of(network)
    text = config(captures, network.names)
    stored = 0
    for turn in range(3):
        with Recorder(starter, captures, config=text) as recorder:
            wait_kept(manager, "eth0")
            traffic.send(network, first=turn * 2000, count=1000, rate=50_000)
            stored += recorder.stop()["eth0"]["stored"]
        traffic.send(network, first=turn * 2000 + 1000, count=1000, rate=50_000)
    with Recorder(starter, captures, config=text) as recorder:
        time.sleep(0.3)
        stored += recorder.stop()["eth0"]["stored"]
    assert stored == 6000
    all_there(captures, {"eth0": 6000})
    verify_chain(captures)


def test_an_interrupt_ends_rings_for_good_and_so_does_the_setting(make_network, manager, folder):
    network = make_network()
    captures = folder / "captures"
    starter = manager.of(network)
    text = config(captures, network.names)
    with Recorder(starter, captures, config=text) as recorder:
        wait_kept(manager, "eth0")
        recorder.signal(2)
        recorder.ended()
    wait_kept(manager)
    with Recorder(starter, captures, config=text) as recorder:
        wait_kept(manager, "eth0")
        recorder.stop()
    off = config(captures, network.names, top={"keep_rings": "off"})
    with Recorder(starter, captures, config=off) as recorder:
        wait_kept(manager)
        traffic.send(network, count=100, rate=50_000)
        assert recorder.stop()["eth0"]["stored"] == 100
