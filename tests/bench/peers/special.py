# SPDX-License-Identifier: MIT
"""Runs that look for one thing: the highest rate without loss, the growth of a file on a disk,
a disk that stops, silence, and memory asked for.
"""

import subprocess
import time
from dataclasses import replace

from support import tools

from .cost import Cost
from .figures import spread
from .measure import Task, measure
from .programs import PROGRAMS

RESOLUTION = 1.03


def highest_lossless(setup, task, judge):
    """The highest rate at which nothing is lost, to three per cent, by halving; and whether the
    injector can do no more."""
    def run(pace):
        found = measure(setup, replace(task, pace=pace))
        judge(found)
        return found

    most = run(0)
    if most.lost == 0:
        return {"rate": most.rate, "by_injector": True, "idle_share": most.idle_share}
    low, high = 0, most.rate
    best = None
    while high > low * RESOLUTION and high > 1000:
        middle = (low + high) / 2
        found = run(int(middle))
        if found.lost == 0:
            low, best = middle, found
        else:
            high = middle
    return {"rate": best.rate if best else 0, "by_injector": False,
            "idle_share": best.idle_share if best else 0}


def lossless_pairs(setup, folder, size, program, pairs, judge):
    """The program, writing nowhere, against the empty drain of as many rings, in turn."""
    links = PROGRAMS[program].links
    drain = "floor: drain" if links == 1 else f"floor: drain-{links}"
    found = []
    for _ in range(pairs):
        pair = {}
        for key, name in (("drain", drain), ("program", program)):
            task = Task(PROGRAMS[name], size, 0, folder, discards=True)
            pair[key] = highest_lossless(setup, task, lambda run, name=name: judge(name, run))
        found.append(pair)
    return {"size": size, "program": program, "pairs": found,
            "ratio": spread([one["program"]["rate"] / max(one["drain"]["rate"], 1)
                             for one in found]),
            "by_injector": all(one[key]["by_injector"] for one in found for key in one),
            "idle_share": {key: spread([one[key]["idle_share"] for one in found])
                           for key in ("drain", "program")}}


GROWTH_SECONDS = 4
# How a raw writer makes its file longer: MiB at a time, ahead of the writes.
RAW_WAYS = {"growing": 0, "ahead": 64, "whole": 16384}


def growth(setup, folder, program, runs, judge, depth=64):
    """MiB/s by which the program's file grows when more comes than the disk takes, against a
    writer of nothing with as many writes under way. What both hand over at once, before the disk
    holds them up, is left out."""
    def watch(pid):
        return growth_of(pid, setup.recorder_cpu)

    found = {key: [] for key in ("own", *RAW_WAYS)}
    for _ in range(runs):
        task = Task(PROGRAMS[program], "1500", 1_200_000, folder, seconds=GROWTH_SECONDS,
                    during=watch)
        run = measure(setup, task)
        judge(program, run)
        found["own"].append(run.told)
        for way in RAW_WAYS:
            found[way].append(raw_growth(setup, folder, way, depth))
    best = max(RAW_WAYS, key=lambda way: spread(found[way])["median"])
    return {"program": program, "depth": depth, "best": best,
            **{key: spread(values) for key, values in found.items()},
            "ratio": spread([ours / raw for ours, raw in zip(found["own"], found[best])])}


def growth_of(pid, cpu):
    time.sleep(0.7)
    before, begun = Cost(pid, cpu), time.monotonic()
    time.sleep(GROWTH_SECONDS - 1.2)
    after, took = Cost(pid, cpu), time.monotonic() - begun
    return (after.written - before.written) / took / (1 << 20)


def raw_growth(setup, folder, way, depth):
    path = folder / "raw"
    words = ["taskset", "-c", setup.recorder_cpu, tools.ours("raw_write"), "--file", path,
             "--seconds", GROWTH_SECONDS, "--depth", depth, "--ahead", RAW_WAYS[way],
             "--most", RAW_WAYS["whole"]]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL) as writer:
        found = growth_of(writer.pid, setup.recorder_cpu)
        assert writer.wait(60) == 0
    path.unlink()
    return found


def ring_octets_per_frame(size):
    """What a frame takes of a ring: headers and alignment, as the kernel lays them out."""
    return (84 + size + 7) // 8 * 8


def stall(setup, disk, size, pace, name, judge):
    """A disk that stops for 0.9 of the time that fills the rings with frames."""
    program = PROGRAMS[name]
    ring_octets = program.links * setup.ring_mib << 20
    seconds = 0.9 * ring_octets / (pace * ring_octets_per_frame(int(size)))
    wanted = 1.0 + 2 * seconds + 1.0

    def stop_the_disk(pid):
        time.sleep(1.0)
        before = Cost(pid, setup.recorder_cpu)
        stopped = disk.stop(seconds)
        after = Cost(pid, setup.recorder_cpu)
        return {"stopped": stopped, "cpu_seconds": after.cpu_seconds(before),
                "switches": after.switches(before)}

    task = Task(program, size, pace, disk.folder, seconds=wanted, during=stop_the_disk)
    run = measure(setup, task)
    judge(name, run)
    return {"program": name, "size": size, "pace": pace, "planned_seconds": seconds,
            "sent": run.sent, "lost": run.lost, **run.told}


def idle(setup, folder, name, seconds=5):
    """Switches a second while no frame comes."""
    def watch(pid):
        time.sleep(2)  # the frames of the beginning, and what follows from them
        before = Cost(pid, setup.recorder_cpu)
        time.sleep(seconds)
        return Cost(pid, setup.recorder_cpu).switches(before) / seconds

    task = Task(PROGRAMS[name], "64", 1000, folder, seconds=0.1, during=watch)
    return {"program": name, "switches_per_second": measure(setup, task).told}


def allocations(setup, folder, name, size, pace, judge):
    """Blocks of memory asked for in a run and in one of three times its length; the difference is
    what the further ring blocks took."""
    counts = []
    for seconds in (1, 3):
        task = Task(PROGRAMS[name], size, pace, folder, seconds=seconds,
                    preload=("allocations.so",))
        run = measure(setup, task)
        judge(name, run)
        counts.append(run)
    more = counts[1].stored - counts[0].stored
    blocks = more * ring_octets_per_frame(int(size)) / (1 << 20)
    return {"program": name, "size": size, "pace": pace, "short": counts[0].allocations,
            "long": counts[1].allocations, "further_blocks": blocks,
            "per_block": (counts[1].allocations - counts[0].allocations) / blocks}
