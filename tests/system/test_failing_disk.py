# SPDX-License-Identifier: MIT
"""A disk that refuses what it had taken before: no file that it may have spoiled gets its final
name, it is said once, and the exit status tells.
"""

import subprocess

import pytest

from support import traffic
from support.recorder import Recorder, configuration, verify

RING = {"size": "4MiB", "block": "64KiB", "timeout": "50ms"}

# The second fsync of a regular file fails, as on a disk with a bad sector.
FAULTS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>

int fsync(int fd) {
  static int files = 0;
  struct stat status;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && ++files == 2) {
    errno = EIO;
    return -1;
  }
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
"""


@pytest.fixture(name="faults")
def faults_fixture(folder, monkeypatch):
    source = folder / "faults.c"
    library = folder / "faults.so"
    source.write_text(FAULTS, encoding="utf-8")
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no C compiler for the library of faults")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    return library


def test_a_file_that_could_not_be_forced_to_the_disk_is_set_aside(make_network, folder, faults,
                                                                  monkeypatch):
    # pylint: disable=unused-argument
    captures = folder / "captures"
    config = configuration(captures, [{"name": "eth0", "ring": RING}], outputs=[{
        "rotate": {"interval": 0}, "flush_interval": "100ms"}])
    monkeypatch.delenv("LD_PRELOAD")
    network = make_network()
    monkeypatch.setenv("LD_PRELOAD", str(faults))
    recorder = Recorder(network, captures, config=config)
    monkeypatch.delenv("LD_PRELOAD")
    with recorder:
        sent = 0
        for turn in range(4):
            sent += traffic.send(network, count=1_000, rate=10_000, first=sent)["sent"]
            if turn in (0, 2):
                recorder.rotate()
            if turn == 1:
                recorder.signal(1)  # this one has no final name to wait for
        ledger = recorder.stop(expect="failure")
    assert ledger["eth0"]["stored"] == sent
    aside = list(captures.glob("*.damaged"))
    assert len(aside) == 1 and aside[0].name.endswith("-000002.pcapng.damaged")
    log = recorder.log()
    assert log.count("nothing can prove any more") == 1 and "Input/output error" in log
    assert recorder.parts() == []
    for path in recorder.files():
        verify(path)
    # Its packets are still there to be looked at.
    one = traffic.check(*sorted([*recorder.files(), *aside]), first=0, count=sent)
    assert one["interfaces"]["eth0"]["missing"] == 0
