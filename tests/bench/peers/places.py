# SPDX-License-Identifier: MIT
"""Where captures go: folders on a disk and on tmpfs, nowhere, and a disk that can be stopped."""

import fcntl
import os
import time
from pathlib import Path

from support import tools

FIFREEZE = 0xC0045877
FITHAW = 0xC0045878
IMAGE_MIB = 3072


def kind_of(folder):
    return tools.run(["stat", "-f", "-c", "%T", folder]).stdout.strip()


class StoppingDisk:
    """An ext4 on a loop device over a file in `folder`; a context. `stop` holds up all who write
    on it, as a disk does that does not answer."""

    def __init__(self, folder):
        self._image = Path(folder) / "stopping-disk"
        self.folder = Path(folder) / "stopping"

    def __enter__(self):
        self.folder.mkdir()
        with self._image.open("wb") as image:
            image.truncate(IMAGE_MIB << 20)
        tools.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0", self._image])
        tools.run(["mount", "-o", "loop", self._image, self.folder])
        return self

    def __exit__(self, *_):
        tools.run(["umount", self.folder], check=False)
        self.folder.rmdir()
        self._image.unlink()

    def stop(self, seconds):
        """Returns how long it was stopped at most."""
        fd = os.open(self.folder, os.O_RDONLY)
        try:
            begun = time.monotonic()
            fcntl.ioctl(fd, FIFREEZE, 0)
            try:
                time.sleep(max(seconds - (time.monotonic() - begun), 0))
            finally:
                fcntl.ioctl(fd, FITHAW, 0)
            return time.monotonic() - begun
        finally:
            os.close(fd)
