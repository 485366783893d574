# SPDX-License-Identifier: MIT
"""Other programs as judges: each reads a file to its end and must not say a word of warning."""

import re
import sys
from pathlib import Path

import pytest

from . import tools

sys.path.append(str(Path(__file__).parents[2] / "support" / "pcapgo"))
import pcapgo  # pylint: disable=wrong-import-position

# What they say to root, or to tell what they read.
HARMLESS = re.compile(
    r"^(Running as user \"root\".*|reading from file .*, link-type .*, snapshot length \d+)?$"
)


def _complaints(text):
    return [line for line in text.splitlines() if not HARMLESS.match(line.strip())]


def tshark(path, *words):
    """Dissects every packet; returns the output."""
    done = tools.run([tools.theirs("tshark"), "-n", "-r", path, *words], timeout=300)
    assert _complaints(done.stderr) == [], f"tshark on {path}"
    return done.stdout


def tshark_packets(path):
    """Ethernet frames: see tshark_lines for what else it may list."""
    return len(tshark(path, "-Y", "eth", "-T", "fields", "-e", "frame.number").split())


def tshark_lines(path):
    """Lines of the packet list, among which Wireshark puts custom blocks too."""
    return len(tshark(path).splitlines())


def capinfos_packets(*paths):
    """Packets of each file."""
    done = tools.run([tools.theirs("capinfos"), "-M", "-c", *paths], timeout=300)
    assert _complaints(done.stderr) == [], "capinfos"
    return [int(count) for count in re.findall(r"Number of packets:\s+(\d+)", done.stdout)]


def tcpdump_packets(path):
    done = tools.run([tools.theirs("tcpdump"), "-n", "-r", path, "--count"], timeout=300)
    assert _complaints(done.stderr) == [], f"tcpdump on {path}"
    return int(re.search(r"^(\d+) packets?$", done.stdout, re.MULTILINE).group(1))


def all_agree(path, packets):
    """All of them read the file without a warning and find this many packets."""
    assert capinfos_packets(path) == [packets]
    assert tshark_packets(path) == packets
    assert tcpdump_packets(path) == packets


def pcapgo_packets(path):
    if pcapgo.missing():
        pytest.skip(pcapgo.missing())
    return len(tools.run([pcapgo.built(), "read", path], timeout=300).stdout.splitlines())
