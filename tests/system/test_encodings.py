# SPDX-License-Identifier: MIT
"""Whatever way packets take into a file, the file holds all of them, octet by octet, verifies, and
opens in the usual readers.
"""

import pytest

from support import readers, traffic
from support.recorder import Recorder, configuration, verify

MODES = [(encoding, direct) for encoding in ("auto", "compact", "in-place")
         for direct in ("auto", "off")]


def outputs(encoding, direct, **more):
    return [{"encoding": encoding, "direct": direct, "retain": {"size": 0, "free": 0}, **more}]


@pytest.mark.parametrize("size", ["64", "512,1500"])
@pytest.mark.parametrize("encoding, direct", MODES)
def test_every_frame_is_in_the_file_in_every_mode(make_network, folder, encoding, direct, size):
    network = make_network(2)
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0"}, {"name": "eth1"}],
                           outputs=outputs(encoding, direct))
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, size=size, count=10000, rate=20000, cpu=1)
        ledger = recorder.stop()
    found = traffic.check(captures, first=0, count=10000)
    for link in network.links:
        one = found["interfaces"][link.name]
        assert one["missing"] == 0 and traffic.flaws(one) == {}, link.name
        assert ledger[link.name]["stored"] == one["packets"] == 10000
        assert ledger[link.name]["osdrop"] == ledger[link.name]["unwritten"] == 0
    for path in recorder.files():
        packets = traffic.check(path)["packets"]
        readers.all_agree(path, packets)
        assert readers.pcapgo_packets(path) == packets
    verify(captures)


@pytest.mark.parametrize("encoding, direct", MODES)
def test_a_tag_that_was_taken_out_is_put_back_in_every_mode(make_network, folder, encoding,
                                                            direct):
    network = make_network()
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0"}], outputs=outputs(encoding, direct))
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, size="600,1500", count=3000, rate=20000, vlan=["0x8100:5:7"], cpu=1)
        recorder.stop()
    one = traffic.check(captures, first=0, count=3000)["interfaces"]["eth0"]
    assert one["packets"] == 3000 and one["missing"] == 0 and traffic.flaws(one) == {}
    verify(captures)


@pytest.mark.parametrize("encoding, direct", MODES)
def test_rotation_loses_nothing_in_every_mode(make_network, folder, encoding, direct):
    network = make_network()
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "ring": {"timeout": "20ms"}}],
                           outputs=outputs(encoding, direct, rotate={"size": "3MiB"}))
    with Recorder(network, captures, config=config) as recorder:
        traffic.send(network, size="1500", count=20000, rate=20000, cpu=1)
        recorder.stop()
    one = traffic.check(captures, first=0, count=20000)["interfaces"]["eth0"]
    assert one["packets"] == 20000 and one["missing"] == 0 and traffic.flaws(one) == {}
    assert len(recorder.files()) >= 8
    verify(captures)
