# SPDX-License-Identifier: MIT
#
# What the tests of capturectl share: calling it, small captures, temporary folders.
import glob
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

CAPTURECTL = os.environ["CAPTURECTL"]
CORPUS = os.environ.get("CAPTURED_CORPUS", "")
FIRST_NS = 1_519_128_000_195_312_500


def run(*arguments, status=0, **options):
    """Calls capturectl and holds it to its exit status; gives what it printed."""
    done = subprocess.run([CAPTURECTL, *map(str, arguments)], capture_output=True, **options)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: status {done.returncode}, expected {status}\n"
                             f"{done.stdout[-500:]!r}\n{done.stderr[-2000:]!r}")
    return done


def info(path, status=0):
    return json.loads(run("info", "--json", path, status=status).stdout)["files"][0]


not_tested = []


def skip(reason):
    """Says aloud what cannot be tested here."""
    print(f"SKIPPED: {reason}", file=sys.stderr)
    not_tested.append(reason)


def have(program):
    found = shutil.which(program) is not None
    if not found:
        skip(f"no {program}")
    return found


def main():
    """Runs the tests of the script. A failure counts for more than what could not be tested."""
    done = unittest.main(module="__main__", exit=False).result
    exit_skipped = 77
    sys.exit(1 if not done.wasSuccessful() else exit_skipped if not_tested else 0)


def expectations():
    for path in sorted(glob.glob(os.path.join(CORPUS, "expected", "*.json"))):
        with open(path, encoding="utf-8") as file:
            expected = json.load(file)
        yield os.path.join(CORPUS, expected["file"]), expected


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind, body):
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def header(link=1, name=b"eth0", snaplen=262144):
    """A section and one interface with nanoseconds."""
    return (block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) +
            interface(link, name, snaplen))


def interface(link=1, name=b"eth0", snaplen=262144):
    return block(1, struct.pack("<HHI", link, 0, snaplen) + option(2, name) +
                 option(9, b"\x09") + bytes(4))


def frame(number):
    """Ethernet, IPv4, UDP; port 53 for every third."""
    port = 53 if number % 3 == 0 else 4000
    udp = struct.pack(">HHHH", 1000 + number % 1000, port, 8 + 4, 0) + struct.pack(">I", number)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                     bytes([10, 0, 0, 1]), bytes([192, 0, 2, number % 250]))
    return bytes.fromhex("02000000000102000000000208 00".replace(" ", "")) + ip + udp


def packet(number, time_ns, identity=0):
    data = frame(number)
    padded = data + bytes(-len(data) % 4)
    return block(6, struct.pack("<IIIII", identity, time_ns >> 32, time_ns & 0xFFFFFFFF,
                                len(data), len(data)) + padded)


class FilesTest(unittest.TestCase):
    """With a folder of its own for each test."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="capturectl-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def capture(self, file, times, **parts):
        """A pcapng file with a packet at each of the times, microseconds after FIRST_NS."""
        return self.write(file, header(**parts) + b"".join(
            packet(number, FIRST_NS + time * 1000) for number, time in enumerate(times)))

    def content(self, path):
        with open(path, "rb") as file:
            return file.read()
