# SPDX-License-Identifier: MIT
"""Several rings on one interface, between which the kernel shares the packets; and on which
processors the threads run.
"""

import re
from pathlib import Path

import pytest

from support import readers, traffic
from support.process import of_threads
from support.recorder import Recorder, configuration, verify

RING = {"size": "4MiB", "block": "256KiB", "timeout": "50ms"}


def outputs(**more):
    return [{"retain": {"size": 0, "free": 0}, **more}]


# Frames come while the rings are opened one after the other: none may come through two of them.
@pytest.mark.parametrize("queues, encoding, size", [(2, "compact", "64"), (4, "in-place", "900"),
                                                    (3, "auto", "64,1500")])
def test_several_rings_lose_and_repeat_nothing(make_network, folder, queues, encoding, size):
    network = make_network()
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "queues": queues, "ring": RING}],
                           outputs=outputs(encoding=encoding))
    with traffic.Sender(network, stream=9, count=10_000_000, rate=2000, flows=64) as early:
        with Recorder(network, captures, config=config) as recorder:
            early.stop()
            recorder.rotate()
            sent = traffic.send(network, size=size, count=20000, rate=20000, flows=64)["sent"]
            ledger = recorder.stop()["eth0"]
    found = traffic.check(captures)["interfaces"]["eth0"]
    assert found["repeated"] == 0 and found["content_wrong"] == 0 and found["lengths_wrong"] == 0
    assert found["missing"] == 0, "from the first frame recorded on"
    assert ledger["stored"] == found["packets"] >= sent and ledger["osdrop"] == 0
    # As many flows as came are shared between all rings, and each packet says which was its own.
    assert set(found["queues"]) == {str(queue) for queue in range(queues)}
    assert f"recorded, with {queues} rings, each of 4 MiB" in recorder.log()
    for path in recorder.files():
        readers.all_agree(path, traffic.check(path)["packets"])
    verify(captures)


def test_a_filter_holds_in_all_rings(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    entry = {"name": "eth0", "queues": 3, "ring": RING, "filter": "udp port 5001"}
    with Recorder(network, captures, config=configuration(captures, [entry],
                                                          outputs=outputs())) as recorder:
        traffic.send(network, ports="5001,5002", count=4000, rate=20000, flows=64)
        ledger = recorder.stop()["eth0"]
    assert ledger["stored"] == ledger["filteraccept"] == 2000


def allowed_processors(pid):
    """Of the first thread, and of all threads."""
    allowed = {thread: re.search(r"Cpus_allowed_list:\s+(\S+)", status).group(1)
               for thread, (status,) in of_threads(f"/proc/{pid}/task", "status").items()}
    return allowed[str(pid)], set(allowed.values())


def test_threads_stay_on_the_processors_that_they_are_given(make_network, folder):
    if not {"0", "1"} <= set(Path("/sys/devices/system/cpu/online").read_text().strip()[::2]):
        pytest.skip("needs the processors 0 and 1")
    network = make_network()
    captures = folder / "captures"
    config = configuration(captures, ["eth0"], outputs=outputs(), reactor={"cpus": [1]},
                           writer={"cpus": [0]})
    with Recorder(network, captures, config=config) as recorder:
        first, every = allowed_processors(recorder.process.pid)
        traffic.send(network, count=1000, rate=10000)
        assert recorder.stop()["eth0"]["stored"] == 1000
    assert first == "1"
    assert {"0", "1"} <= every, "others, such as the one that logs, began before"


def test_a_processor_that_is_not_there_is_named(make_network, folder):
    network = make_network()
    captures = folder / "captures"
    config = configuration(captures, ["eth0"], outputs=outputs(), writer={"cpus": [8000]})
    with pytest.raises(AssertionError, match="writer.cpus: run on processor 8000"):
        Recorder(network, captures, config=config).__enter__()
