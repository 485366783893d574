# SPDX-License-Identifier: MIT
"""A reader of pcap and lpcap files of its own, independent of the code under test, that takes whole
files alone; and the numbers of the frames in them (numbered_frame.h)."""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

HEADER_BYTES = 42
MAGIC = 0x63707464


@dataclass
class Record:
    """One packet. `index` is lpcap's number of its interface."""

    time_ns: int
    original: int
    data: bytes
    index: int = 0

    @property
    def number(self):
        magic, _, number = struct.unpack_from(">IIQ", self.data, HEADER_BYTES)
        assert magic == MAGIC, "it is none of our frames"
        return number


def pcap(path):
    """Unit of its times in nanoseconds, link type, records."""
    octets = Path(path).read_bytes()
    magic, version, _, _, snaplen, link = struct.unpack_from("<IIiIII", octets)
    unit = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[magic]
    assert version == 2 | 4 << 16 and snaplen == 262144
    found, at = [], 24
    while at < len(octets):
        seconds, fraction, captured, original = struct.unpack_from("<IIII", octets, at)
        at += 16 + captured
        assert at <= len(octets), f"{path}: the last record is cut"
        found.append(Record(seconds * 10**9 + fraction * unit, original,
                            octets[at - captured:at]))
    return unit, link, found


def lpcap(path):
    """Names of its interfaces by index, records with their whole times."""
    octets = Path(path).read_bytes()
    assert struct.unpack_from("<HHHII", octets) == (0x4F3E, 1, 4, 16383, 4)
    names, times, lengths = _sidecar(Path(f"{path}.meta"))
    found, at, upper = [], 14, None
    while at < len(octets):
        index, traffic, lower, captured = struct.unpack_from("<BBII", octets, at)
        at += 10 + captured
        assert at <= len(octets), f"{path}: the last record is cut"
        assert traffic in (2, 4, 8) and lower != 0
        own = times.pop(len(found), None)
        upper = own >> 32 if own is not None else upper
        assert upper is not None, f"{path}: the sidecar does not know the first time"
        found.append(Record(own if own is not None else upper << 32 | lower,
                            lengths.pop(len(found), captured), octets[at - captured:at], index))
    assert times == {} and lengths == {}, f"{path}: the sidecar tells of records that are not there"
    return names, found


def digest(packets):
    """Of seconds, microseconds, captured and original length, and data of each."""
    made = hashlib.sha256()
    for *numbers, data in packets:
        made.update(struct.pack("<IIII", *numbers))
        made.update(data)
    return made.hexdigest()


def _sidecar(path):
    octets = path.read_bytes()
    assert octets[:8] == b"LPMETA1\0"
    names, times, lengths = {}, {}, {}
    at = 8
    while at < len(octets):
        kind, _, size = struct.unpack_from("<BBH", octets, at)
        payload = octets[at + 4:at + 4 + size]
        assert len(payload) == size, f"{path}: the last entry is cut"
        at += 4 + size
        if kind == 1:
            record, time = struct.unpack("<QQ", payload)
            times[record] = time
        elif kind == 2:
            names[payload[0]] = payload[5:].decode()
        else:
            assert kind == 3
            record, length = struct.unpack("<QI", payload)
            lengths[record] = length
    return names, times, lengths
