# SPDX-License-Identifier: MIT
"""Disks of a test's own that can be filled, frozen, made read-only, unmounted and mounted again."""

import contextlib
import errno
import os
import subprocess

from . import tools

MIB = 1 << 20


class HostMounts:
    """A network whose recorders see what is mounted after their start, and whose senders do not
    keep what is unmounted: `ip netns exec` would give them mounts of their own."""

    def __init__(self, network):
        self.network = network
        self.names = network.names

    def start_recorded(self, command, **options):
        return self._start(self.network.recorder_namespace, command, **options)

    def start_sending(self, command, **options):
        return self._start(self.network.sender_namespace, command, **options)

    @staticmethod
    def _start(namespace, command, **options):
        # pylint: disable=consider-using-with
        entry = f"--net=/run/netns/{namespace}"
        return subprocess.Popen([tools.theirs("nsenter"), entry, *[str(w) for w in command]],
                                **options)


class Disk:
    """A file system of some megabytes, "tmpfs" or "ext4" on a file. Use as a context."""

    def __init__(self, folder, kind, size_mib=64):
        self.kind = kind
        self.size_mib = size_mib
        self.path = folder / f"disk-{kind}"
        self.image = folder / f"disk-{kind}.image"
        self.filler = self.path / "filler"
        self.is_frozen = False

    def __enter__(self):
        self.path.mkdir()
        if self.kind == "ext4":
            self.make_image()
            tools.run([tools.theirs("mkfs.ext4"), "-q", "-E", "nodiscard", "-m", "0", self.image])
        self.mount()
        return self

    def make_image(self):
        with open(self.image, "wb") as image:
            image.truncate(self.size_mib * MIB)

    def __exit__(self, *_):
        self.thaw()
        while subprocess.run(["umount", "-l", self.path], check=False,
                             stderr=subprocess.DEVNULL).returncode == 0:
            pass

    def mount(self):
        if self.kind == "ext4":
            # Else who lists a folder would wait for a device that stalls: only he can end that.
            tools.run(["mount", "-o", "loop,errors=remount-ro,noatime", self.image, self.path])
        else:
            tools.run(["mount", "-t", "tmpfs", "-o", f"size={self.size_mib}m", "captest",
                       self.path])

    def unmount(self):
        """Lazily: what is open stays so, as with a cable that was pulled in time."""
        tools.run(["umount", "-l", self.path])

    def fill(self):
        """Takes all that is left."""
        with contextlib.ExitStack() as stack:
            filler = stack.enter_context(open(self.filler, "ab", buffering=0))
            for piece in (MIB, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        if filler.write(bytes(piece)) < piece:
                            break
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def free(self):
        self.filler.unlink(missing_ok=True)

    def freeze(self):
        """Whoever writes waits."""
        tools.run([tools.theirs("fsfreeze"), "-f", self.path])
        self.is_frozen = True

    def thaw(self):
        if self.is_frozen:
            tools.run([tools.theirs("fsfreeze"), "-u", self.path])
            self.is_frozen = False
