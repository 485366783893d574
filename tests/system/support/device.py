# SPDX-License-Identifier: MIT
"""A disk whose device stalls and fails when it is told to: a loop device on a file of a FUSE file
system that this module serves, so that everything above it, io_uring included, is the kernel's own.
"""

import ctypes
import errno
import mmap
import os
import stat
import struct
import subprocess
import time

import pytest

from . import process, tools
from .disks import MIB, Disk

ROOT, DEVICE = 1, 2  # the nodes
NAME = b"device"
WRITE_BYTES_MAX = MIB
REQUEST = struct.Struct("<IIQQIIIHH")
ANSWER = struct.Struct("<IiQ")
LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE = 1, 2, 3, 4, 14, 15, 16
STATFS, RELEASE, FSYNC, FLUSH, INIT, OPENDIR = 17, 18, 20, 25, 26, 27
READDIR, RELEASEDIR, ACCESS, INTERRUPT, DESTROY, BATCH_FORGET = 28, 29, 34, 36, 38, 42
BIG_WRITES, MAX_PAGES, DIRECT_IO = 1 << 5, 1 << 22, 1


class _Served:
    """The file system, in a process of its own: one file, whose octets are those of `backing`."""

    def __init__(self, fuse, backing, control):
        self.fuse = fuse
        self.backing = backing
        self.size = os.fstat(backing).st_size
        self.control = control  # [0] stalls, [1] number of the error, [2] somebody waits

    def attributes(self, node):
        is_root = node == ROOT
        mode = stat.S_IFDIR | 0o700 if is_root else stat.S_IFREG | 0o600
        size = 0 if is_root else self.size
        return struct.pack("<6Q10I", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0,
                           4096, 0)

    def answer(self, unique, body=b"", error=0):
        os.write(self.fuse, ANSWER.pack(ANSWER.size + len(body), -error, unique) + body)

    def run(self):
        while True:
            try:
                request = os.read(self.fuse, WRITE_BYTES_MAX + 8192)
            except OSError as why:
                if why.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                return  # unmounted
            _, code, unique, node, *_ = REQUEST.unpack_from(request)
            self.serve(code, unique, node, request[REQUEST.size:])

    def serve(self, code, unique, node, body):
        if code in (FORGET, BATCH_FORGET, INTERRUPT):
            return
        if code in (READ, WRITE, FSYNC):
            while self.control[0]:
                self.control[2] = 1
                time.sleep(0.005)
            if self.control[1]:
                return self.answer(unique, error=self.control[1])
        how = {INIT: self.init, LOOKUP: self.look_up, READ: self.read, WRITE: self.write,
               FSYNC: self.force}.get(code)
        if how is not None:
            return self.answer(unique, *how(body))
        if code in (GETATTR, SETATTR):
            return self.answer(unique, struct.pack("<QII", 1, 0, 0) + self.attributes(node))
        if code in (OPEN, OPENDIR):
            return self.answer(unique, struct.pack("<QIi", 0, DIRECT_IO if code == OPEN else 0, 0))
        if code == STATFS:
            return self.answer(unique, struct.pack("<5Q4I24x", 0, 0, 0, 0, 0, 4096, 255, 4096, 0))
        if code in (READDIR, RELEASE, RELEASEDIR, FLUSH, ACCESS, DESTROY):
            return self.answer(unique)
        return self.answer(unique, error=errno.ENOSYS)

    def init(self, body):
        readahead = struct.unpack_from("<III", body)[2]
        return (struct.pack("<IIIIHHIIHHI28x", 7, 31, readahead, BIG_WRITES | MAX_PAGES, 16, 12,
                            WRITE_BYTES_MAX, 1, WRITE_BYTES_MAX // 4096, 0, 0),)

    def look_up(self, body):
        if body.rstrip(b"\0") != NAME:
            return b"", errno.ENOENT
        return (struct.pack("<4QII", DEVICE, 0, 1, 1, 0, 0) + self.attributes(DEVICE),)

    def read(self, body):
        _, offset, size = struct.unpack_from("<QQI", body)
        return (os.pread(self.backing, size, offset),)

    def write(self, body):
        _, offset, size = struct.unpack_from("<QQI", body)
        return (struct.pack("<II", os.pwrite(self.backing, body[40:40 + size], offset), 0),)

    def force(self, _):
        return (b"",)


class FailingDisk(Disk):
    """An ext4 file system on such a device. Use as a context."""

    def __init__(self, folder, size_mib=64):
        super().__init__(folder, "ext4", size_mib)
        self.served = folder / "device"
        self.image = self.served / NAME.decode()
        self.backing = folder / "device.backing"
        self.server = 0
        self.control = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("i")

    def make_image(self):
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            pytest.skip("no /dev/fuse to make a device with")
        with open(self.backing, "wb") as backing:
            backing.truncate(self.size_mib * MIB)
        self.served.mkdir()
        fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
        if libc.mount(b"captest", os.fsencode(self.served), b"fuse", 0, options.encode()) != 0:
            os.close(fuse)
            pytest.skip(f"no FUSE: {os.strerror(ctypes.get_errno())}")
        self.server = os.fork()
        if self.server == 0:
            try:
                backing = os.open(self.backing, os.O_RDWR | os.O_CLOEXEC)
                _Served(fuse, backing, self.control).run()
            finally:
                os._exit(0)
        os.close(fuse)

    def __exit__(self, *_):
        self.heal()
        super().__exit__()
        subprocess.run(["umount", "-l", self.served], check=False, stderr=subprocess.DEVNULL)
        if self.server:
            # Lazily unmounted file systems let go of it when nobody uses them any more.
            deadline = time.monotonic() + 5
            while os.waitpid(self.server, os.WNOHANG)[0] == 0:
                if time.monotonic() > deadline:
                    os.kill(self.server, 9)
                    os.waitpid(self.server, 0)
                    break
                time.sleep(0.02)

    def stall(self):
        """Look at no file and list no folder there until `heal`: who makes a file may hold the
        folder, and the one who alone can heal would wait for himself."""
        self.control[2] = 0
        self.control[0] = 1

    def is_waited_for(self):
        """It was asked for something since it stalls."""
        return self.control[2] != 0

    def fail(self):
        self.control[1] = errno.EIO

    def heal(self):
        self.control[0] = self.control[1] = 0

    def replace(self):
        """As an operator does: unmounts it, has it checked when nobody uses it, mounts it again."""
        self.unmount()
        self.heal()
        process.wait_until(lambda: not tools.run(["losetup", "-j", self.image]).stdout.strip(), 30,
                           "nobody holds the dead disk", step=0.05)
        tools.run([tools.theirs("e2fsck"), "-fy", self.image], check=False)
        self.mount()
