# SPDX-License-Identifier: MIT
"""Scripts in the recorder's namespace that are talked to; one of them feeds a tun device."""

import subprocess
import sys

# Opens a tun device, says so, waits for a line, writes so many UDP packets into it.
TUN_WRITER = """
import fcntl, os, struct, sys
name, count = sys.argv[1], int(sys.argv[2])
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))
os.system(f"ip link set {name} up")
print("open", flush=True)
sys.stdin.readline()
for number in range(count):
    payload = struct.pack("!I", number) + bytes(60)
    udp = struct.pack("!HHHH", 4000, 5001, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xffff, 0, 64, 17, 0,
                       bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    total = sum(struct.unpack("!10H", head))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    os.write(fd, head[:10] + struct.pack("!H", total ^ 0xffff) + head[12:] + udp)
print("done", flush=True)
sys.stdin.readline()
"""


class Helper:
    """A Python script in the recorder's namespace that is talked to line by line."""

    def __init__(self, network, script, *words):
        self._process = network.start_recorded([sys.executable, "-c", script, *words],
                                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                               text=True)

    def hear(self):
        return self._process.stdout.readline().strip()

    def say(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()
